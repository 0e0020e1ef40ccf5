//===- MemoryPatterns.cpp - Tiles to memory, and scalars ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stores of tiles, and of scalars; how threads divide the elements of a tile
// that no layout gives to them.
//
//===----------------------------------------------------------------------===//

#include "../Pieces.h"
#include "../Staging.h"
#include "Patterns.h"

#include "attn/Dialect/Tile/AttributeNames.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace attn;
using namespace attn::tile;

bool attn::isInRegisters(ValueRange tiles) {
  return llvm::all_of(tiles.getTypes(), [](Type type) {
    auto tile = dyn_cast<TileType>(type);
    return !tile || tile.getLinearLayout();
  });
}

VectorType attn::getPieceType(TileType tile, int64_t elements) {
  return VectorType::get({elements}, tile.getElementType());
}

//===----------------------------------------------------------------------===//
// Tiles as threads visit them
//===----------------------------------------------------------------------===//

/// Threads visit `rows` rows of `ofRow` elements or pieces, one after the
/// other.
static void forEachPlace(ImplicitLocOpBuilder &b, const KernelContext &context,
                         int64_t rows, int64_t ofRow, StringRef name,
                         function_ref<void(Value row, Value col)> body) {
  OpBuilder::InsertionGuard guard(b);
  int64_t threads = context.getNumThreads();
  auto split = [&](Value place) -> std::pair<Value, Value> {
    Value row, col;
    {
      Named named(b, "row");
      row = b.createOrFold<arith::DivUIOp>(place, index(b, ofRow));
    }
    Named named(b, "col");
    col = b.createOrFold<arith::RemUIOp>(place, index(b, ofRow));
    return {row, col};
  };
  auto loopFrom = [&](Value first, int64_t end, int64_t step, StringRef what) {
    Named named(b, what);
    auto loop = scf::ForOp::create(b, first, index(b, end), index(b, step));
    b.setInsertionPointToStart(loop.getBody());
    return loop.getInductionVar();
  };
  // Where a thread stays in its column the loop divides nothing.
  if (threads % ofRow == 0) {
    auto [row, col] = split(context.getThread());
    return body(loopFrom(row, rows, threads / ofRow, "row"), col);
  }
  auto [row, col] =
      split(loopFrom(context.getThread(), rows * ofRow, threads, name));
  body(row, col);
}

void attn::forEachPiece(ImplicitLocOpBuilder &b, const KernelContext &context,
                        TileType type, int64_t elements,
                        function_ref<void(const ElementPosition &)> body) {
  forEachPlace(b, context, type.getRows(), type.getCols() / elements, "piece",
               [&](Value row, Value number) {
                 Named named(b, "col");
                 Value col =
                     b.createOrFold<arith::MulIOp>(number, index(b, elements));
                 body({row, col, Value()});
               });
}

void attn::forEachElement(ImplicitLocOpBuilder &b, const KernelContext &context,
                          TileType type,
                          function_ref<void(const ElementPosition &)> body) {
  forEachPlace(b, context, type.getRows(), type.getCols(), "element",
               [&](Value row, Value col) { body({row, col, Value()}); });
}

void attn::stage(ImplicitLocOpBuilder &b, const KernelContext &context,
                 Operation *op, function_ref<void()> fill) {
  // Nobody reads any more what was there before.
  if (context.waitsBefore(op))
    gpu::BarrierOp::create(b);
  fill();
  if (context.waitsAfter(op))
    gpu::BarrierOp::create(b);
}

void attn::fillElements(ImplicitLocOpBuilder &b, const KernelContext &context,
                        Value tile,
                        function_ref<Value(const ElementPosition &)> read) {
  forEachElement(
      b, context, cast<TileType>(tile.getType()),
      [&](const ElementPosition &position) {
        Value value = read(position);
        memref::StoreOp::create(
            b, value, context.getBuffer(tile),
            context.getSharedOffset(b, tile, position.row, position.col));
      });
}

namespace {

//===----------------------------------------------------------------------===//
// tile.store
//===----------------------------------------------------------------------===//

struct AlignedLowering : TileOpPattern<AlignedOp> {
  using TileOpPattern::TileOpPattern;

  LogicalResult
  matchAndRewrite(AlignedOp op, OneToNOpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    const MemoryView *view = context.getView(op.getSource());
    if (!view)
      return failure();
    rewriter.replaceOp(op, view->aligned);
    return success();
  }
};

struct StoreLowering : TileOpPattern<StoreOp> {
  using TileOpPattern::TileOpPattern;

  LogicalResult
  matchAndRewrite(StoreOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    const MemoryView *view = context.getView(op.getDest());
    TileType type = op.getTile().getType();
    std::optional<LinearLayout> layout = type.getLinearLayout();
    Value buffer = context.getBuffer(op.getTile());
    if (!view || (!layout && !buffer))
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    if (!layout)
      storeShared(b, op, *view);
    else
      guarded(b, context.isFirstReplica(b, *layout), [&] {
        for (auto [reg, element] : llvm::enumerate(adaptor.getTile()))
          write(b, op, *view, context.getPosition(b, *layout, reg),
                [&, element = element] { return element; });
      });
    rewriter.eraseOp(op);
    return success();
  }

private:
  void storeShared(ImplicitLocOpBuilder &b, StoreOp op,
                   const MemoryView &view) const {
    TileType type = op.getTile().getType();
    Value buffer = context.getBuffer(op.getTile());
    auto place = [&](const ElementPosition &position) {
      return context.getSharedOffset(b, op.getTile(), position.row,
                                     position.col);
    };
    auto storeElements = [&] {
      if (type.getRank() == 2 && type.getCols() % context.getNumThreads() == 0)
        return storeRows(b, op, view);
      forEachElement(b, context, type, [&](const ElementPosition &position) {
        write(b, op, view, position, [&]() -> Value {
          return memref::LoadOp::create(b, buffer, place(position));
        });
      });
    };
    int64_t elements = getPieceElements(op);
    if (!holdsPieces(type, elements))
      return storeElements();
    scf::IfOp::create(
        b, view.aligned,
        [&](OpBuilder &, Location) {
          forEachPiece(
              b, context, type, elements, [&](const ElementPosition &position) {
                write(b, op, view, position, [&]() -> Value {
                  return vector::LoadOp::create(
                      b, getPieceType(type, elements), buffer, place(position),
                      /*nontemporal=*/false, llvm::MaybeAlign(kPieceBytes));
                });
              });
          scf::YieldOp::create(b);
        },
        [&](OpBuilder &, Location) {
          storeElements();
          scf::YieldOp::create(b);
        });
  }

  /// Where rows are as long as there are threads, or several times, a thread
  /// has its columns of each. Those of some rows are on their way together:
  /// none waits behind the condition of another.
  void storeRows(ImplicitLocOpBuilder &b, StoreOp op,
                 const MemoryView &view) const {
    constexpr int64_t rowsAtOnce = 4;
    OpBuilder::InsertionGuard guard(b);
    TileType type = op.getTile().getType();
    int64_t rows = type.getRows(), threads = context.getNumThreads();
    int64_t step = rows % rowsAtOnce == 0 ? rowsAtOnce : 1;
    auto loop = [&] {
      Named named(b, "row");
      return scf::ForOp::create(b, index(b, 0), index(b, rows), index(b, step));
    }();
    b.setInsertionPointToStart(loop.getBody());
    SmallVector<std::pair<ElementPosition, Value>> elements;
    for (int64_t k = 0; k < step; ++k)
      for (int64_t first = 0; first < type.getCols(); first += threads) {
        ElementPosition position{
            b.createOrFold<arith::AddIOp>(loop.getInductionVar(), index(b, k)),
            b.createOrFold<arith::AddIOp>(context.getThread(), index(b, first)),
            Value()};
        Value place = context.getSharedOffset(b, op.getTile(), position.row,
                                              position.col);
        elements.push_back(
            {position, memref::LoadOp::create(
                           b, context.getBuffer(op.getTile()), place)});
      }
    for (auto &[position, element] : elements)
      write(b, op, view, position,
            [value = element]() -> Value { return value; });
  }

  /// An element, or a piece that begins there.
  void write(ImplicitLocOpBuilder &b, StoreOp op, const MemoryView &view,
             const ElementPosition &position,
             function_ref<Value()> getValue) const {
    TileType type = op.getTile().getType();
    SmallVector<Value> coordinates{position.row};
    if (type.getRank() == 2)
      coordinates.push_back(position.col);
    Value condition =
        addBounds(b, type, op.getValid(), coordinates, position.inside, itself);
    SmallVector<Value> indices =
        getElementIndices(b, op.getIndices(), coordinates, itself);
    guarded(b, condition, [&] {
      Value value = getValue();
      Value address = getFlatAddress(b, view.strides, indices);
      if (isa<VectorType>(value.getType()))
        vector::StoreOp::create(b, value, view.flat, address,
                                /*nontemporal=*/false,
                                llvm::MaybeAlign(kPieceBytes));
      else
        memref::StoreOp::create(b, value, view.flat, address);
    });
  }
};

//===----------------------------------------------------------------------===//
// Scalars
//===----------------------------------------------------------------------===//

struct ScalarLoadLowering : TileOpPattern<memref::LoadOp> {
  using TileOpPattern::TileOpPattern;

  LogicalResult
  matchAndRewrite(memref::LoadOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    const MemoryView *view = context.getView(op.getMemRef());
    if (!view)
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    rewriter.replaceOpWithNewOp<memref::LoadOp>(
        op, view->flat,
        getFlatAddress(b, view->strides, SmallVector<Value>(op.getIndices())));
    return success();
  }
};

/// A scalar is the same in all threads, which store it together.
struct ScalarStoreLowering : TileOpPattern<memref::StoreOp> {
  using TileOpPattern::TileOpPattern;

  LogicalResult
  matchAndRewrite(memref::StoreOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    const MemoryView *view = context.getView(op.getMemRef());
    if (!view)
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    rewriter.replaceOpWithNewOp<memref::StoreOp>(
        op, adaptor.getValue(), view->flat,
        getFlatAddress(b, view->strides, SmallVector<Value>(op.getIndices())));
    return success();
  }
};

struct ArriveLowering : TileOpPattern<ArriveOp> {
  using TileOpPattern::TileOpPattern;

  LogicalResult
  matchAndRewrite(ArriveOp op, OneToNOpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    const MemoryView *view = context.getView(op.getCounters());
    if (!view)
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value at = getFlatAddress(b, view->strides, {op.getIndex()});
    rewriter.replaceOpWithNewOp<kernel::ArriveOp>(
        op, b.getI1Type(), view->flat, at, op.getCount(), context.getTold());
    return success();
  }
};

struct DimLowering : TileOpPattern<memref::DimOp> {
  using TileOpPattern::TileOpPattern;

  LogicalResult
  matchAndRewrite(memref::DimOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    const MemoryView *view = context.getView(op.getSource());
    std::optional<int64_t> dim = op.getConstantIndex();
    if (!view || !dim)
      return failure();
    rewriter.replaceOp(op, view->sizes[*dim]);
    return success();
  }
};

} // namespace

void attn::populateMemoryPatterns(const TypeConverter &converter,
                                  const KernelContext &context,
                                  RewritePatternSet &patterns) {
  patterns.add<AlignedLowering, StoreLowering, ScalarLoadLowering,
               ScalarStoreLowering, ArriveLowering, DimLowering>(converter,
                                                                 context);
}
