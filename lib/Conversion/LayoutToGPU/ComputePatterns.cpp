//===- ComputePatterns.cpp - Arithmetic on tiles in registers -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Element by element where a thread's registers are; rows by registers first,
// then by shuffles between the lanes that share them; products from workgroup
// memory, a block of rows and columns a thread.
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace attn;
using namespace attn::tile;

static Value index(ImplicitLocOpBuilder &b, int64_t value) {
  return arith::ConstantIndexOp::create(b, value);
}

static Value widen(ImplicitLocOpBuilder &b, Value value) {
  if (value.getType().getIntOrFloatBitWidth() >= 32)
    return value;
  return arith::ExtFOp::create(b, b.getF32Type(), value);
}

Value attn::convertFloat(ImplicitLocOpBuilder &b, Value value, Type type) {
  if (value.getType() != type)
    value = widen(b, value);
  if (value.getType() != type)
    value = arith::TruncFOp::create(b, type, value);
  return value;
}

namespace {

struct SplatLowering : TileOpPattern<SplatOp> {
  using TileOpPattern::TileOpPattern;

  LogicalResult
  matchAndRewrite(SplatOp op, OneToNOpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    std::optional<LinearLayout> layout = op.getType().getLinearLayout();
    if (!layout)
      return failure();
    SmallVector<Value> elements(layout->getNumRegisters(), op.getValue());
    replace(rewriter, op, ArrayRef<ValueRange>{elements});
    return success();
  }
};

struct ConvertLowering : TileOpPattern<ConvertOp> {
  using TileOpPattern::TileOpPattern;

  LogicalResult
  matchAndRewrite(ConvertOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isInRegisters(op.getResult()))
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Type type = op.getType().getElementType();
    SmallVector<Value> elements;
    for (Value element : adaptor.getInput())
      elements.push_back(convertFloat(b, element, type));
    replace(rewriter, op, ArrayRef<ValueRange>{elements});
    return success();
  }
};

/// The region once for each register; row statistics are shared by the
/// registers of a row.
struct MapLowering : TileOpPattern<MapOp> {
  using TileOpPattern::TileOpPattern;

  LogicalResult
  matchAndRewrite(MapOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isInRegisters(op.getInputs()) || !isInRegisters(op.getResults()))
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    LinearLayout layout = getLayout(op.getResult(0));
    RegisterRows rows = KernelContext::getRows(layout);
    Block &body = op.getBody().front();
    SmallVector<SmallVector<Value>> results(op.getNumResults());
    for (int64_t reg = 0; reg < layout.getNumRegisters(); ++reg) {
      IRMapping mapping;
      for (auto [arg, input, elements] : llvm::zip_equal(
               op.getElementArgs(), op.getInputs(), adaptor.getInputs())) {
        bool isStatistic =
            cast<TileType>(input.getType()).getRank() < op.getDomainRank();
        mapping.map(arg, elements[isStatistic ? rows.rowOf[reg] : reg]);
      }
      ElementPosition position = context.getPosition(b, layout, reg);
      for (auto [k, arg] : llvm::enumerate(op.getIndexArgs())) {
        Named named(b, k ? "j" : "i");
        mapping.map(arg,
                    b.createOrFold<arith::AddIOp>(
                        op.getOffsets()[k], k ? position.col : position.row));
      }
      for (Operation &nested : body.without_terminator())
        b.clone(nested, mapping);
      for (auto [k, value] :
           llvm::enumerate(body.getTerminator()->getOperands()))
        results[k].push_back(mapping.lookupOrDefault(value));
    }
    replace(rewriter, op,
            llvm::map_to_vector(results, [](const SmallVector<Value> &values) {
              return ValueRange(values);
            }));
    return success();
  }
};

struct ReduceLowering : TileOpPattern<ReduceOp> {
  using TileOpPattern::TileOpPattern;

  LogicalResult
  matchAndRewrite(ReduceOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isInRegisters(op.getInput()))
      return failure();
    LinearLayout layout = getLayout(op.getInput());
    std::optional<SmallVector<ThreadMask>> sharers = layout.getRowSharers();
    if (!sharers || llvm::any_of(*sharers, [](ThreadMask mask) {
          return mask.subgroup != 0;
        }))
      return rewriter.notifyMatchFailure(
          op, "rows are shared by more than the lanes of a subgroup");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    RegisterRows rows = KernelContext::getRows(layout);
    SmallVector<Value> partial(rows.count);
    for (auto [reg, element] : llvm::enumerate(adaptor.getInput())) {
      // What lies past the tile changes nothing.
      Value &row = partial[rows.rowOf[reg]];
      if (Value inside = getInsideColumn(b, layout, reg))
        element = arith::SelectOp::create(
            b, inside, element,
            getNeutral(b, op, adaptor.getInit()[rows.rowOf[reg]]));
      row = row ? combine(b, op, row, element) : element;
    }
    Value width = arith::ConstantIntOp::create(b, layout.getNumLanes(), 32);
    SmallVector<Value> results;
    for (auto [row, init] : llvm::zip_equal(partial, adaptor.getInit())) {
      Value total = row;
      for (ThreadMask mask : *sharers) {
        Value offset = arith::ConstantIntOp::create(b, mask.lane, 32);
        Value other = gpu::ShuffleOp::create(b, total, offset, width,
                                             gpu::ShuffleMode::XOR)
                          .getShuffleResult();
        total = combine(b, op, total, other);
      }
      results.push_back(combine(b, op, init, total));
    }
    replace(rewriter, op, ArrayRef<ValueRange>{results});
    return success();
  }

private:
  /// A maximum may meet its initial value any number of times.
  static Value getNeutral(ImplicitLocOpBuilder &b, ReduceOp op, Value init) {
    if (op.getKind() == ReduceKind::Max)
      return init;
    return arith::ConstantOp::create(b, b.getZeroAttr(init.getType()));
  }
  Value getInsideColumn(ImplicitLocOpBuilder &b, const LinearLayout &layout,
                        int64_t reg) const {
    LinearLayout anyRow(layout.getRegisters(), layout.getLanes(),
                        layout.getSubgroups(),
                        llvm::alignTo(layout.getRows(), layout.getBlockRows()),
                        layout.getCols());
    return context.getPosition(b, anyRow, reg).inside;
  }
};

/// A thread reads the factors of its rows and columns for one k after another.
struct DotLowering : TileOpPattern<DotOp> {
  using TileOpPattern::TileOpPattern;

  LogicalResult
  matchAndRewrite(DotOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    TileType a = op.getA().getType(), c = op.getType();
    auto isShared = [](TileType tile) {
      return isa_and_nonnull<SharedAttr>(tile.getLayout());
    };
    if (!isShared(a) || !isShared(op.getB().getType()) || !c.getLinearLayout())
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    LinearLayout layout = *c.getLinearLayout();
    RegisterRows rows = KernelContext::getRows(layout);
    RegisterRows cols = KernelContext::getCols(layout);
    // Past the edge of the tile the last row or column is repeated.
    SmallVector<Value> rowAt(rows.count), colAt(cols.count);
    for (int64_t reg = 0; reg < layout.getNumRegisters(); ++reg) {
      ElementPosition position = context.getPosition(b, layout, reg);
      auto clamp = [&](Value &at, Value number, int64_t size) {
        if (at)
          return;
        at = number;
        if (position.inside)
          at = b.createOrFold<arith::MinUIOp>(number, index(b, size - 1));
      };
      clamp(rowAt[rows.rowOf[reg]], position.row, c.getRows());
      clamp(colAt[cols.rowOf[reg]], position.col, c.getCols());
    }
    int64_t depth = a.getShape()[op.getTransposeA() ? 0 : 1];
    auto loop = scf::ForOp::create(
        b, NameLoc::get(b.getStringAttr("d"), op.getLoc()), index(b, 0),
        index(b, depth), index(b, 1), adaptor.getAcc(),
        [&](OpBuilder &, Location, Value k, ValueRange sums) {
          auto read = [&](Value tile, bool transposed, Value i, Value j) {
            if (transposed)
              std::swap(i, j);
            Value at = context.getSharedOffset(b, tile, i, j);
            Value memory = context.getBuffer(tile);
            return widen(b, memref::LoadOp::create(b, memory, at));
          };
          SmallVector<Value> left, right, next;
          for (Value row : rowAt)
            left.push_back(read(op.getA(), op.getTransposeA(), row, k));
          for (Value col : colAt)
            right.push_back(read(op.getB(), op.getTransposeB(), k, col));
          for (auto [reg, sum] : llvm::enumerate(sums))
            next.push_back(math::FmaOp::create(b, left[rows.rowOf[reg]],
                                               right[cols.rowOf[reg]], sum));
          scf::YieldOp::create(b, next);
        });
    replace(rewriter, op, ArrayRef<ValueRange>{loop.getResults()});
    return success();
  }
};

} // namespace

void attn::populateComputePatterns(const TypeConverter &converter,
                                   const KernelContext &context,
                                   RewritePatternSet &patterns) {
  patterns.add<SplatLowering, ConvertLowering, MapLowering, ReduceLowering,
               DotLowering>(converter, context);
}
