//===- MemoryPatterns.cpp - Tiles from and to memory ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loads into registers and workgroup memory, stores, and the ways from one
// layout to another.
//
//===----------------------------------------------------------------------===//

#include "../Pieces.h"
#include "../Staging.h"
#include "Patterns.h"

#include "attn/Dialect/Tile/AttributeNames.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <map>

using namespace mlir;
using namespace attn;
using namespace attn::tile;

static Value index(ImplicitLocOpBuilder &b, int64_t value) {
  return arith::ConstantIndexOp::create(b, value);
}

bool attn::isInRegisters(ValueRange tiles) {
  return llvm::all_of(tiles.getTypes(), [](Type type) {
    auto tile = dyn_cast<TileType>(type);
    return !tile || tile.getLinearLayout();
  });
}

bool attn::holdsVectors(const LinearLayout &layout, TileType type) {
  ArrayRef<Basis> registers = layout.getRegisters();
  auto isWhole = [](const Basis &basis) {
    return basis[1] % kVectorElements == 0;
  };
  return type.getRank() == 2 && type.getCols() % kVectorElements == 0 &&
         registers.size() >= 2 && registers[0] == Basis{0, 1} &&
         registers[1] == Basis{0, 2} &&
         llvm::all_of(registers.drop_front(2), isWhole) &&
         llvm::all_of(layout.getLanes(), isWhole) &&
         llvm::all_of(layout.getSubgroups(), isWhole);
}

//===----------------------------------------------------------------------===//
// Elements of global memory
//===----------------------------------------------------------------------===//

/// Whether a row of the tile is read (rule 7).
static Value rowCounts(ImplicitLocOpBuilder &b, LoadOp op, Value row) {
  return countsRow(b, op, itself, [&](Block &where) {
    IRMapping mapping;
    mapping.map(where.getArgument(0), row);
    for (Operation &nested : where.without_terminator())
      b.clone(nested, mapping);
    return mapping.lookupOrDefault(where.getTerminator()->getOperand(0));
  });
}

/// The conditions under which an element of a tile is read or written.
static Value isValid(ImplicitLocOpBuilder &b, TileType type, ValueRange valid,
                     ArrayRef<Value> coordinates, Value condition) {
  return addBounds(b, type, valid, coordinates, condition, itself);
}

/// Where an element of the tile lies in the memory of `op`, of which rows and
/// the like are `strides` apart.
static Value addressOf(ImplicitLocOpBuilder &b, const KernelContext &context,
                       LoadOp op, ArrayRef<Value> coordinates,
                       ArrayRef<Value> strides, Value inverse = {}) {
  Value table = op.getPageTable();
  return getElementAddress(b, op, *context.getView(op.getSource()),
                           table ? context.getView(table) : nullptr,
                           coordinates, strides, itself, inverse);
}
static Value addressOf(ImplicitLocOpBuilder &b, const KernelContext &context,
                       LoadOp op, ArrayRef<Value> coordinates,
                       Value inverse = {}) {
  return addressOf(b, context, op, coordinates,
                   context.getView(op.getSource())->strides, inverse);
}

/// When an element of the tile that `op` loads is read; null is always.
static Value findCondition(ImplicitLocOpBuilder &b, LoadOp op,
                           ArrayRef<Value> coordinates,
                           const ElementPosition &position) {
  Value condition =
      isValid(b, op.getType(), op.getValid(), coordinates, position.inside);
  if (op.getMixed())
    condition = both(b, condition, rowCounts(b, op, position.row));
  return condition;
}

/// A vector of the elements of a piece of a tile.
static VectorType getPieceType(TileType tile, int64_t elements) {
  return VectorType::get({elements}, tile.getElementType());
}

/// What of a tile is read at a time.
struct Reading {
  /// Of an element, or a vector for a piece.
  Type type;
  /// Pieces begin at multiples of their size.
  bool aligned = false;
};

/// What stands at `position` of the tile that `op` loads, zero where it is not
/// valid.
static Value readTile(ImplicitLocOpBuilder &b, const KernelContext &context,
                      LoadOp op, const ElementPosition &position,
                      const Reading &reading) {
  TileType type = op.getType();
  Type read = reading.type;
  SmallVector<Value> coordinates{position.row};
  if (type.getRank() == 2)
    coordinates.push_back(position.col);
  Value condition = findCondition(b, op, coordinates, position);
  auto load = [&]() -> Value {
    Value memory = context.getView(op.getSource())->flat;
    Value address = addressOf(b, context, op, coordinates);
    auto vector = dyn_cast<VectorType>(read);
    if (!vector)
      return memref::LoadOp::create(b, memory, address);
    if (reading.aligned)
      return vector::LoadOp::create(b, vector, memory, address,
                                    /*nontemporal=*/false,
                                    llvm::MaybeAlign(kPieceBytes));
    SmallVector<Value> elements;
    for (int64_t k = 0; k < vector.getNumElements(); ++k)
      elements.push_back(memref::LoadOp::create(
          b, memory, b.createOrFold<arith::AddIOp>(address, index(b, k))));
    return vector::FromElementsOp::create(b, vector, elements);
  };
  if (!condition)
    return load();
  auto branch = scf::IfOp::create(b, TypeRange{read}, condition,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(b, load());
  b.setInsertionPointToStart(branch.elseBlock());
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(read));
  scf::YieldOp::create(b, zero);
  return branch.getResult(0);
}

/// How many registers, one after the other, hold neighbours of a row that are
/// valid together and lie side by side in memory.
static int64_t getRunLength(const KernelContext &context, LoadOp op,
                            const LinearLayout &layout) {
  TileType type = op.getType();
  const MemoryView &view = *context.getView(op.getSource());
  if (type.getRank() == 1 || !isConstantIntValue(view.strides.back(), 1) ||
      view.isWritten)
    return 1;
  int64_t length = 1;
  for (const Basis &basis : layout.getRegisters()) {
    if (basis != Basis{0, length})
      break;
    length *= 2;
  }
  int64_t bound = type.getCols();
  if (!op.getValid().empty()) {
    std::optional<int64_t> constant = getConstantIntValue(op.getValid().back());
    if (!constant)
      return 1;
    bound = std::min(bound, *constant);
  }
  return bound % length == 0 ? length : 1;
}

/// Where an element is read without a branch, so that many loads are under way
/// together. What is not valid is read from the begin of the memory; whoever
/// asked gives it up if the condition, null where there is none, is false.
struct GuardedAddress {
  Value address, condition;
};
static GuardedAddress findPlace(ImplicitLocOpBuilder &b,
                                const KernelContext &context, LoadOp op,
                                const ElementPosition &position,
                                Value inverse = {}) {
  SmallVector<Value> coordinates{position.row, position.col};
  Value condition = findCondition(b, op, coordinates, position);
  // Nor does a page table have entries for other rows.
  if (condition && op.getPageTable())
    coordinates[0] =
        arith::SelectOp::create(b, condition, coordinates[0], index(b, 0));
  Value address = addressOf(b, context, op, coordinates, inverse);
  if (condition)
    address = arith::SelectOp::create(b, condition, address, index(b, 0));
  return {address, condition};
}

/// What stands at an address and after it.
static SmallVector<Value> readNeighbours(ImplicitLocOpBuilder &b,
                                         const KernelContext &context,
                                         LoadOp op, Value address,
                                         int64_t length) {
  SmallVector<Value> elements;
  for (int64_t k = 0; k < length; ++k)
    elements.push_back(memref::LoadOp::create(
        b, context.getView(op.getSource())->flat,
        b.createOrFold<arith::AddIOp>(address, index(b, k))));
  return elements;
}

/// Whether vectors of a row are read at once.
static bool readsVectors(const KernelContext &context, LoadOp op) {
  return context.readsVectors(op.getType().getElementType()) &&
         beginsAtVectors(
             getAsOpFoldResult(context.getView(op.getSource())->strides),
             op.getIndices().back());
}

/// A row that begins at an address of `memory`: loops that read along it leave
/// that out.
static Value viewRow(ImplicitLocOpBuilder &b, Value memory, Value address,
                     int64_t cols) {
  Named named(b, "at");
  auto view = memory.getDefiningOp<memref::ReinterpretCastOp>();
  Value offset = getValueOrCreateConstantIndexOp(
      b, b.getLoc(), view.getMixedOffsets().front());
  auto layout =
      StridedLayoutAttr::get(b.getContext(), ShapedType::kDynamic, {1});
  return memref::ReinterpretCastOp::create(
      b, MemRefType::get(cols, view.getType().getElementType(), layout),
      view.getSource(), b.createOrFold<arith::AddIOp>(address, offset),
      ArrayRef<OpFoldResult>{b.getIndexAttr(cols)},
      ArrayRef<OpFoldResult>{b.getIndexAttr(1)});
}

Value attn::readInMemory(ImplicitLocOpBuilder &b, const KernelContext &context,
                         LoadOp op, Value row, Value number) {
  Value col = b.createOrFold<arith::MulIOp>(number, index(b, kVectorElements));
  // Nobody asks for what follows from a row that is missing.
  if (Value condition = isValid(b, op.getType(), op.getValid(), {row, col}, {}))
    row = arith::SelectOp::create(b, condition, row, index(b, 0));
  Value begin = addressOf(b, context, op, {row, index(b, 0)});
  return vector::LoadOp::create(b, getPieceType(op.getType(), kVectorElements),
                                viewRow(b,
                                        context.getView(op.getSource())->flat,
                                        begin, op.getType().getCols()),
                                col);
}

/// The same, with zeros for what is not valid.
static void readRun(ImplicitLocOpBuilder &b, const KernelContext &context,
                    LoadOp op, const ElementPosition &position, int64_t length,
                    Value inverse, SmallVectorImpl<Value> &elements) {
  auto [address, condition] = findPlace(b, context, op, position, inverse);
  Type element = op.getType().getElementType();
  const MemoryView &view = *context.getView(op.getSource());
  bool inVectors = length % kVectorElements == 0 && readsVectors(context, op);
  auto keep = [&, condition = condition](Value read) -> Value {
    if (!condition)
      return read;
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(read.getType()));
    return arith::SelectOp::create(b, condition, read, zero);
  };
  if (!inVectors) {
    for (Value read : readNeighbours(b, context, op, address, length))
      elements.push_back(keep(read));
    return;
  }
  auto type = VectorType::get({kVectorElements}, element);
  for (int64_t k = 0; k < length; k += kVectorElements) {
    Value at = b.createOrFold<arith::AddIOp>(address, index(b, k));
    Value read = keep(vector::LoadOp::create(b, type, view.flat, at));
    for (int64_t part = 0; part < kVectorElements; ++part)
      elements.push_back(vector::ExtractOp::create(b, read, part));
  }
}

/// The same for an element of a tile.
static Value readTileElement(ImplicitLocOpBuilder &b,
                             const KernelContext &context, LoadOp op,
                             const ElementPosition &position) {
  return readTile(b, context, op, position, {op.getType().getElementType()});
}

/// A vector of neighbours of a row. Where their columns may not be valid or
/// they do not lie side by side, they are read one by one.
static Value readVector(ImplicitLocOpBuilder &b, const KernelContext &context,
                        LoadOp op, const ElementPosition &position) {
  VectorType type = getPieceType(op.getType(), kVectorElements);
  std::optional<int64_t> valid =
      op.getValid().empty() ? op.getType().getCols()
                            : getConstantIntValue(op.getValid().back());
  const MemoryView &view = *context.getView(op.getSource());
  if (valid && *valid >= op.getType().getCols() &&
      isConstantIntValue(view.strides.back(), 1)) {
    if (view.isWritten)
      return readTile(b, context, op, position, {type});
    auto [address, condition] = findPlace(b, context, op, position);
    Value vector;
    if (readsVectors(context, op))
      vector = vector::LoadOp::create(b, type, view.flat, address);
    else
      vector = vector::FromElementsOp::create(
          b, type, readNeighbours(b, context, op, address, kVectorElements));
    if (!condition)
      return vector;
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type));
    return arith::SelectOp::create(b, condition, vector, zero);
  }
  SmallVector<Value> elements;
  for (int64_t k = 0; k < kVectorElements; ++k) {
    ElementPosition element = position;
    element.col = b.createOrFold<arith::AddIOp>(position.col, index(b, k));
    elements.push_back(readTileElement(b, context, op, element));
  }
  return vector::FromElementsOp::create(b, type, elements);
}

/// Where piece `number` of a tile begins; inside if there are `all`.
static ElementPosition getPiece(ImplicitLocOpBuilder &b, TileType type,
                                int64_t elements, Value number, bool all) {
  int64_t ofRow = type.getCols() / elements;
  Value row, col;
  {
    Named named(b, "row");
    row = b.createOrFold<arith::DivUIOp>(number, index(b, ofRow));
  }
  {
    Named named(b, "col");
    col = b.createOrFold<arith::MulIOp>(
        b.createOrFold<arith::RemUIOp>(number, index(b, ofRow)),
        index(b, elements));
  }
  Value inside;
  if (!all)
    inside = isLess(b, number, index(b, type.getRows() * ofRow));
  return {row, col, inside};
}

/// The pieces of a thread, by number.
static void
forEachOwnPiece(ImplicitLocOpBuilder &b, const KernelContext &context,
                TileType type, PiecesAttr pieces,
                function_ref<void(int64_t, const ElementPosition &)> body) {
  int64_t elements = pieces.getElements(), threads = pieces.getThreads();
  bool all = type.getRows() * type.getCols() % (elements * threads) == 0;
  int64_t count = pieces.getNumPieces(type.getRows(), type.getCols());
  for (int64_t k = 0; k < count; ++k) {
    Value number = [&] {
      Named named(b, "piece");
      return b.createOrFold<arith::AddIOp>(context.getThread(),
                                           index(b, k * threads));
    }();
    body(k, getPiece(b, type, elements, number, all));
  }
}

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

static void forEachPiece(ImplicitLocOpBuilder &b, const KernelContext &context,
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

/// Threads write what `op` makes to its buffer, between barriers.
static void stage(ImplicitLocOpBuilder &b, const KernelContext &context,
                  Operation *op, function_ref<void()> fill) {
  // Nobody reads any more what was there before.
  if (context.waitsBefore(op))
    gpu::BarrierOp::create(b);
  fill();
  if (context.waitsAfter(op))
    gpu::BarrierOp::create(b);
}

/// Element by element.
static void fillElements(ImplicitLocOpBuilder &b, const KernelContext &context,
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

/// A piece to a tile in workgroup memory, where all are aligned.
static void fillPiece(ImplicitLocOpBuilder &b, const KernelContext &context,
                      Value tile, const ElementPosition &position,
                      Value piece) {
  guarded(b, position.inside, [&] {
    vector::StoreOp::create(
        b, piece, context.getBuffer(tile),
        context.getSharedOffset(b, tile, position.row, position.col),
        /*nontemporal=*/false, llvm::MaybeAlign(kPieceBytes));
  });
}

namespace {

//===----------------------------------------------------------------------===//
// tile.load, tile.store
//===----------------------------------------------------------------------===//

struct LoadLowering : TileOpPattern<LoadOp> {
  using TileOpPattern::TileOpPattern;

  LogicalResult
  matchAndRewrite(LoadOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    for (Value memory : {Value(op.getSource()), Value(op.getPageTable())})
      if (memory && !context.isView(memory))
        return rewriter.notifyMatchFailure(
            op, "reads a memref that the kernel did not rebuild");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    TileType type = op.getType();
    int64_t ofPiece = getPieceElements(op);
    if (auto pieces = getPieces(op); pieces && pieces.getElements() != ofPiece)
      return rewriter.notifyMatchFailure(op, "memory has no such pieces");
    if (isa<SharedAttr>(type.getLayout())) {
      if (op.getPrefetched() && !holdsPieces(type, ofPiece))
        return rewriter.notifyMatchFailure(op, "has no rows of whole pieces");
      if (!op->hasAttr(tile::kInMemoryAttrName))
        stageLoad(b, op, adaptor.getPrefetched());
      replace(rewriter, op, {ValueRange()});
      return success();
    }
    if (auto pieces = dyn_cast<PiecesAttr>(type.getLayout())) {
      replace(rewriter, op, {readPieces(b, op, pieces)});
      return success();
    }
    std::optional<LinearLayout> layout = type.getLinearLayout();
    if (!layout)
      return failure();
    SmallVector<Value> elements;
    int64_t length = getRunLength(context, op, *layout);
    Value inverse = length > 1 ? getInverse(b, op, itself) : Value();
    for (int64_t reg = 0; reg < layout->getNumRegisters(); reg += length) {
      ElementPosition position = context.getPosition(b, *layout, reg);
      if (length > 1)
        readRun(b, context, op, position, length, inverse, elements);
      else
        elements.push_back(readTileElement(b, context, op, position));
    }
    replace(rewriter, op, ArrayRef<ValueRange>{elements});
    return success();
  }

private:
  /// Those that an op loads or takes.
  static PiecesAttr getPieces(LoadOp op) {
    TileType type = op.getType();
    if (Value prefetched = op.getPrefetched())
      type = cast<TileType>(prefetched.getType());
    return dyn_cast_or_null<PiecesAttr>(type.getLayout());
  }

  void stageLoad(ImplicitLocOpBuilder &b, LoadOp op,
                 ValueRange prefetched) const {
    stage(b, context, op, [&] {
      if (context.isInVectors(op))
        return fillVectors(b, op);
      if (!op.getPrefetched())
        return fill(b, op);
      if (op.getWhole())
        return fillPieces(b, op, prefetched);
      scf::IfOp::create(
          b, areUsable(b, op),
          [&](OpBuilder &, Location) {
            fillPieces(b, op, prefetched);
            scf::YieldOp::create(b);
          },
          [&](OpBuilder &, Location) {
            fill(b, op);
            scf::YieldOp::create(b);
          });
    });
  }

  /// Whether pieces that were read ahead are all of the tile.
  Value areUsable(ImplicitLocOpBuilder &b, LoadOp op) const {
    return both(b, context.getView(op.getSource())->aligned, hasAllRows(b, op));
  }

  static Value hasAllRows(ImplicitLocOpBuilder &b, LoadOp op) {
    return b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::sge,
                                         op.getValid()[0],
                                         index(b, op.getType().getRows()));
  }

  static Value getPieceOrZeros(ImplicitLocOpBuilder &b, Value isValid,
                               Value piece) {
    return choose(b, isValid,
                  [&](bool holds) -> SmallVector<Value> {
                    if (holds)
                      return {piece};
                    return {arith::ConstantOp::create(
                        b, b.getZeroAttr(piece.getType()))};
                  })
        .front();
  }

  void fillPieces(ImplicitLocOpBuilder &b, LoadOp op, ValueRange values) const {
    int64_t cols = *getConstantIntValue(op.getValid()[1]);
    forEachOwnPiece(b, context, op.getType(), getPieces(op),
                    [&](int64_t number, const ElementPosition &position) {
                      Value piece = values[number];
                      if (cols < op.getType().getCols())
                        piece = getPieceOrZeros(
                            b, isLess(b, position.col, index(b, cols)), piece);
                      fillPiece(b, context, op, position, piece);
                    });
  }

  /// From memory.
  void fill(ImplicitLocOpBuilder &b, LoadOp op) const {
    TileType type = op.getType();
    int64_t elements = getPieceElements(op);
    if (!holdsPieces(type, elements))
      return fillElements(b, context, op, [&](const ElementPosition &position) {
        return readTileElement(b, context, op, position);
      });
    Value aligned = context.getView(op.getSource())->aligned;
    Type read = getPieceType(type, elements);
    auto fillOneByOne = [&](function_ref<Value(const ElementPosition &)> get) {
      forEachPiece(b, context, type, elements,
                   [&](const ElementPosition &position) {
                     Named named(b, context.getName(op));
                     fillPiece(b, context, op, position, get(position));
                   });
    };
    auto readPiece = [&](const ElementPosition &position, bool isAligned) {
      return readTile(b, context, op, position, {read, isAligned});
    };
    bool isOnce = !op.getPrefetched() && !op.getPageTable() &&
                  !op->getParentOfType<LoopLikeOpInterface>();
    if (!isOnce)
      return fillOneByOne([&](const ElementPosition &position) {
        return choose(b, aligned,
                      [&](bool isAligned) -> SmallVector<Value> {
                        return {readPiece(position, isAligned)};
                      })
            .front();
      });
    scf::IfOp::create(
        b, aligned,
        [&](OpBuilder &, Location) {
          fillTogether(b, op, elements);
          scf::YieldOp::create(b);
        },
        [&](OpBuilder &, Location) {
          fillOneByOne([&](const ElementPosition &position) {
            return readPiece(position, /*isAligned=*/false);
          });
          scf::YieldOp::create(b);
        });
  }

  /// Pieces that begin at multiples of their size, several on their way
  /// together: what is not valid is read from the begin of the memory.
  void fillTogether(ImplicitLocOpBuilder &b, LoadOp op,
                    int64_t elements) const {
    constexpr size_t mostWaiting = 8;
    struct Waiting {
      ElementPosition position;
      Value condition, piece;
    };
    TileType type = op.getType();
    VectorType read = getPieceType(type, elements);
    Value inverse = getInverse(b, op, itself);
    SmallVector<Waiting> pieces;
    auto write = [&] {
      for (const Waiting &waiting : pieces) {
        Value piece = waiting.piece;
        if (waiting.condition)
          piece = getPieceOrZeros(b, waiting.condition, piece);
        fillPiece(b, context, op, waiting.position, piece);
      }
      pieces.clear();
    };
    forEachOwnPiece(
        b, context, type,
        PiecesAttr::get(op.getContext(), elements, context.getNumThreads()),
        [&](int64_t, const ElementPosition &position) {
          auto [address, condition] =
              findPlace(b, context, op, position, inverse);
          Value piece = vector::LoadOp::create(
              b, read, context.getView(op.getSource())->flat, address,
              /*nontemporal=*/false, llvm::MaybeAlign(kPieceBytes));
          pieces.push_back({position, condition, piece});
          if (pieces.size() == mostWaiting)
            write();
        });
    write();
  }

  void fillVectors(ImplicitLocOpBuilder &b, LoadOp op) const {
    forEachPiece(b, context, op.getType(), kVectorElements,
                 [&](const ElementPosition &position) {
                   Value number = b.createOrFold<arith::DivUIOp>(
                       position.col, index(b, kVectorElements));
                   memref::StoreOp::create(
                       b, readVector(b, context, op, position),
                       context.getBuffer(op),
                       context.getVectorOffset(b, op, position.row, number));
                 });
  }

  /// Without a branch, which would wait for what it loads: on an H100, a kernel
  /// with branches around these loads takes 1.3 times as long. Of a tile that
  /// lacks rows nothing is used, so that its pieces are read anywhere.
  SmallVector<Value> readPieces(ImplicitLocOpBuilder &b, LoadOp op,
                                PiecesAttr pieces) const {
    TileType type = op.getType();
    Value zero = index(b, 0);
    Value isWhole = hasAllRows(b, op);
    std::optional<int64_t> rowsApart = getRowsBetweenPieces(op, pieces);
    int64_t cols = *getConstantIntValue(op.getValid()[1]);
    Value lastCol = index(b, cols - pieces.getElements());
    const MemoryView &memory = *context.getView(op.getSource());
    auto getPlace = [&](const ElementPosition &at) -> Value {
      Value row = at.row, col = at.col;
      if (at.inside)
        row = arith::MinUIOp::create(b, row, index(b, type.getRows() - 1));
      // Row 0 of memory, for which a page table has an entry.
      if (op.getPageTable())
        row = arith::SelectOp::create(
            b, isWhole, row,
            b.createOrFold<arith::SubIOp>(zero,
                                          op.getIndices().drop_back().back()));
      if (cols < type.getCols())
        col = arith::MinUIOp::create(b, col, lastCol);
      Value address =
          addressOf(b, context, op, {row, col}, memory.pieceStrides);
      return arith::SelectOp::create(b, isWhole, address, zero);
    };
    Value address, step;
    SmallVector<Value> values;
    forEachOwnPiece(
        b, context, type, pieces,
        [&](int64_t number, const ElementPosition &at) {
          if (!rowsApart || number == 0) {
            address = getPlace(at);
          } else {
            if (!step)
              step = arith::SelectOp::create(
                  b, isWhole,
                  b.createOrFold<arith::MulIOp>(
                      ArrayRef(memory.pieceStrides).drop_back().back(),
                      index(b, *rowsApart)),
                  zero);
            address = b.createOrFold<arith::AddIOp>(address, step);
          }
          values.push_back(vector::LoadOp::create(
              b, getPieceType(type, pieces.getElements()), memory.flatPieces,
              address, /*nontemporal=*/false, llvm::MaybeAlign(kPieceBytes)));
        });
    return values;
  }

  /// By how many rows the pieces of a thread lie apart, one below the other, if
  /// so in memory, too.
  static std::optional<int64_t> getRowsBetweenPieces(LoadOp op,
                                                     PiecesAttr pieces) {
    int64_t elements = pieces.getThreads() * pieces.getElements();
    int64_t rows = op.getType().getRows(), cols = op.getType().getCols();
    bool isRegular = elements % cols == 0 && rows * cols % elements == 0 &&
                     !op.getPageTable() && !op.getPacking();
    return isRegular ? std::optional(elements / cols) : std::nullopt;
  }

  /// The same results from one of two ways.
  static SmallVector<Value>
  choose(ImplicitLocOpBuilder &b, Value condition,
         function_ref<SmallVector<Value>(bool)> build) {
    auto branch = scf::IfOp::create(
        b, condition,
        [&](OpBuilder &, Location) { scf::YieldOp::create(b, build(true)); },
        [&](OpBuilder &, Location) { scf::YieldOp::create(b, build(false)); });
    return llvm::to_vector_of<Value>(branch.getResults());
  }
};

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
        isValid(b, type, op.getValid(), coordinates, position.inside);
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

/// From workgroup memory to workgroup memory.
struct StagedConvertLowering : TileOpPattern<ConvertOp> {
  using TileOpPattern::TileOpPattern;

  LogicalResult
  matchAndRewrite(ConvertOp op, OneToNOpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isa<SharedAttr>(op.getType().getLayout()))
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    stage(b, context, op, [&] {
      fillElements(b, context, op, [&](const ElementPosition &position) {
        Value element = memref::LoadOp::create(
            b, context.getBuffer(op.getInput()),
            context.getSharedOffset(b, op.getInput(), position.row,
                                    position.col));
        return convertFloat(b, element, op.getType().getElementType());
      });
    });
    replace(rewriter, op, {ValueRange()});
    return success();
  }
};

//===----------------------------------------------------------------------===//
// tile.relayout
//===----------------------------------------------------------------------===//

struct RelayoutLowering : TileOpPattern<RelayoutOp> {
  using TileOpPattern::TileOpPattern;

  LogicalResult
  matchAndRewrite(RelayoutOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    TileType from = op.getInput().getType(), to = op.getType();
    if (isa<FragmentAttr>(from.getLayout()) ||
        isa<FragmentAttr>(to.getLayout()))
      return failure();
    bool isRegisters = from.getLinearLayout() && to.getLinearLayout();
    if (isRegisters && op.getCost().kind != Exchange::Memory) {
      replace(rewriter, op, {exchange(b, op, adaptor.getInput())});
      return success();
    }
    for (auto [tile, other] : {std::pair(Value(op.getInput()), to),
                               std::pair(Value(op.getResult()), from)})
      if (std::optional<LinearLayout> layout = other.getLinearLayout();
          layout && context.isInVectors(tile) && !hasVectors(tile, *layout, op))
        return rewriter.notifyMatchFailure(
            op, "threads have no vectors, of which memory is");
    // Out to workgroup memory, if it is not there, and back, if it must.
    Value inMemory = op.getInput();
    TileType type = from;
    if (!isa<SharedAttr>(from.getLayout())) {
      inMemory = op;
      type = isa<SharedAttr>(to.getLayout())
                 ? to
                 : to.withLayout(SharedAttr::get(op.getContext(), false, 0,
                                                 DenseI64ArrayAttr()));
      write(b, op, type, *from.getLinearLayout(), adaptor.getInput());
    }
    if (isa<SharedAttr>(to.getLayout())) {
      if (isa<SharedAttr>(from.getLayout()))
        copy(b, op);
      replace(rewriter, op, {ValueRange()});
      return success();
    }
    replace(rewriter, op, {read(b, inMemory, type, *to.getLinearLayout())});
    return success();
  }

private:
  void write(ImplicitLocOpBuilder &b, Value tile, TileType type,
             const LinearLayout &layout, ValueRange elements) const {
    stage(b, context, tile.getDefiningOp(), [&] {
      guarded(b, context.isFirstReplica(b, layout), [&] {
        if (isFolded(tile))
          return writeFolds(b, tile, type, layout, elements);
        if (context.isInVectors(tile))
          return writeVectors(b, tile, type, layout, elements);
        for (auto [reg, element] : llvm::enumerate(elements)) {
          ElementPosition position = context.getPosition(b, layout, reg);
          guarded(b, position.inside, [&, element = element] {
            memref::StoreOp::create(b, element, context.getBuffer(tile),
                                    context.getSharedOffset(b, tile, type,
                                                            position.row,
                                                            position.col));
          });
        }
      });
    });
  }

  Value getVectorOffset(ImplicitLocOpBuilder &b, Value tile, Value row,
                        Value col) const {
    Value number =
        b.createOrFold<arith::DivUIOp>(col, index(b, kVectorElements));
    return context.getVectorOffset(b, tile, row, number);
  }

  void writeVectors(ImplicitLocOpBuilder &b, Value tile, TileType type,
                    const LinearLayout &layout, ValueRange elements) const {
    auto vectorType = getPieceType(type, kVectorElements);
    for (size_t reg = 0; reg < elements.size(); reg += kVectorElements) {
      ElementPosition position = context.getPosition(b, layout, reg);
      guarded(b, position.inside, [&] {
        Value vector = vector::FromElementsOp::create(
            b, vectorType, elements.slice(reg, kVectorElements));
        memref::StoreOp::create(
            b, vector, context.getBuffer(tile),
            getVectorOffset(b, tile, position.row, position.col));
      });
    }
  }

  /// The registers of each vector: of columns that folds make neighbours. None
  /// if a thread lacks some of them.
  static SmallVector<SmallVector<int64_t>> findFolds(const LinearLayout &layout,
                                                     int64_t cols) {
    int64_t width = cols / kVectorElements;
    RegisterRows rows = KernelContext::getRows(layout);
    llvm::MapVector<std::pair<unsigned, int64_t>, std::map<int64_t, int64_t>>
        places;
    for (int64_t reg = 0; reg < layout.getNumRegisters(); ++reg) {
      auto [inBlock, block] = layout.getRegisterPosition(reg);
      int64_t col = inBlock.col + block.col;
      places[{rows.rowOf[reg], col % width}][col] = reg;
    }
    SmallVector<SmallVector<int64_t>> vectors;
    for (auto &[place, registers] : places) {
      if (registers.size() != kVectorElements)
        return {};
      vectors.push_back(llvm::to_vector(llvm::make_second_range(registers)));
    }
    return vectors;
  }

  bool isFolded(Value tile) const {
    auto shared = dyn_cast_or_null<SharedAttr>(
        cast<TileType>(tile.getType()).getLayout());
    return shared && shared.getFolds() == kVectorElements &&
           context.isInVectors(tile);
  }

  /// Whether threads of this layout have the vectors of `tile`, which `op`
  /// writes or reads; folds are only written.
  bool hasVectors(Value tile, const LinearLayout &layout, RelayoutOp op) const {
    TileType type = op.getType();
    if (!isFolded(tile))
      return holdsVectors(layout, type);
    return tile == op && !findFolds(layout, type.getCols()).empty();
  }

  void writeFolds(ImplicitLocOpBuilder &b, Value tile, TileType type,
                  const LinearLayout &layout, ValueRange elements) const {
    for (ArrayRef<int64_t> registers : findFolds(layout, type.getCols())) {
      ElementPosition position =
          context.getPosition(b, layout, registers.front());
      SmallVector<Value> parts;
      for (int64_t reg : registers)
        parts.push_back(elements[reg]);
      guarded(b, position.inside, [&] {
        memref::StoreOp::create(
            b,
            vector::FromElementsOp::create(
                b, getPieceType(type, kVectorElements), parts),
            context.getBuffer(tile),
            context.getVectorOffset(b, tile, position.row, position.col));
      });
    }
  }

  /// Elements past the tile, which mean nothing, are read from its edge.
  SmallVector<Value> read(ImplicitLocOpBuilder &b, Value tile, TileType type,
                          const LinearLayout &layout) const {
    SmallVector<Value> elements;
    for (int64_t reg = 0; reg < layout.getNumRegisters(); ++reg) {
      ElementPosition position = context.getPosition(b, layout, reg);
      Value row = position.row, col = position.col;
      if (position.inside) {
        row = b.createOrFold<arith::MinUIOp>(row, index(b, type.getRows() - 1));
        col = b.createOrFold<arith::MinUIOp>(col, index(b, type.getCols() - 1));
      }
      if (context.isInVectors(tile)) {
        if (reg % kVectorElements == 0) {
          Value vector = memref::LoadOp::create(
              b, context.getBuffer(tile), getVectorOffset(b, tile, row, col));
          for (int64_t k = 0; k < kVectorElements; ++k)
            elements.push_back(vector::ExtractOp::create(b, vector, k));
        }
        continue;
      }
      elements.push_back(memref::LoadOp::create(
          b, context.getBuffer(tile),
          context.getSharedOffset(b, tile, type, row, col)));
    }
    return elements;
  }

  void copy(ImplicitLocOpBuilder &b, RelayoutOp op) const {
    Value from = op.getInput();
    stage(b, context, op, [&] {
      fillElements(
          b, context, op, [&](const ElementPosition &position) -> Value {
            return memref::LoadOp::create(
                b, context.getBuffer(from),
                context.getSharedOffset(b, from, position.row, position.col));
          });
    });
  }

  /// Registers of this and other lanes, as the conversion says.
  SmallVector<Value> exchange(ImplicitLocOpBuilder &b, RelayoutOp op,
                              ValueRange elements) const {
    LinearLayout from = getLayout(op.getInput()), to = getLayout(op);
    Conversion conversion = getConversion(from, to);
    if (conversion.kind == Exchange::None)
      return SmallVector<Value>(elements);
    bool shuffles = conversion.kind == Exchange::Shuffles;
    SmallVector<Value> result;
    for (int64_t reg = 0; reg < to.getNumRegisters(); ++reg) {
      Sources sources(from, to, conversion, reg);
      Value lane;
      if (shuffles) {
        lane = context.getThreadPosition(b, sources.lanes).col;
        lane = b.createOrFold<arith::XOrIOp>(lane, index(b, sources.firstLane));
      }
      ElementPosition wanted = context.getPosition(b, to, reg);
      SmallVector<Value> offered;
      for (int64_t source : sources.registers)
        offered.push_back(elements[source]);
      if (shuffles && context.exchangesInMemory())
        offered = context.exchange(b, offered, lane);
      Value chosen;
      for (auto [source, element] :
           llvm::zip_equal(sources.registers, offered)) {
        if (shuffles && !context.exchangesInMemory())
          element = context.exchange(b, element, lane).front();
        if (chosen) {
          ElementPosition held = context.getPosition(b, from, source, lane);
          element = arith::SelectOp::create(b, isSame(b, held, wanted), element,
                                            chosen);
        }
        chosen = element;
      }
      // What lies past the tile means nothing.
      result.push_back(chosen ? chosen : elements.front());
    }
    return result;
  }

  /// Where a register of `to` comes from: the lane as a linear function of
  /// this one, and registers, of which threads choose.
  struct Sources {
    LinearLayout lanes;
    int64_t firstLane;
    SmallVector<int64_t> registers;

    Sources(const LinearLayout &from, const LinearLayout &to,
            const Conversion &conversion, int64_t reg)
        : lanes({}, {}, {}, 1, 1) {
      int64_t blockRows = std::max(from.getBlockRows(), to.getBlockRows());
      int64_t blockCols = std::max(from.getBlockCols(), to.getBlockCols());
      size_t fromBits =
          from.extendBlock(blockRows, blockCols).getRegisters().size();
      LinearLayout target = to.extendBlock(blockRows, blockCols);
      size_t toBits = target.getRegisters().size();
      int64_t laneMask = from.getNumLanes() - 1;
      auto laneOf = [&](uint64_t place) {
        return static_cast<int64_t>(conversion.places(place) >> fromBits) &
               laneMask;
      };
      Bases ofLanes, ofSubgroups;
      for (size_t k = 0; k < to.getLanes().size(); ++k)
        ofLanes.push_back({0, laneOf(uint64_t(1) << (toBits + k))});
      for (size_t k = 0; k < to.getSubgroups().size(); ++k)
        ofSubgroups.push_back(
            {0, laneOf(uint64_t(1) << (toBits + ofLanes.size() + k))});
      lanes = LinearLayout({}, ofLanes, ofSubgroups, 1, 1);
      // The register within the common block.
      TilePosition first = to.getPosition({reg, 0, 0});
      LinearLayout registersOnly(target.getRegisters(), {}, {}, blockRows,
                                 blockCols);
      Place within =
          registersOnly.find({first.row % blockRows, first.col % blockCols});
      firstLane = laneOf(within.reg);
      for (int64_t subgroup = 0; subgroup < to.getNumSubgroups(); ++subgroup)
        for (int64_t lane = 0; lane < to.getNumLanes(); ++lane) {
          TilePosition wanted = to.getPosition({reg, lane, subgroup});
          if (wanted.row >= to.getRows() || wanted.col >= to.getCols())
            continue;
          int64_t source =
              firstLane ^ lanes.getPosition({0, lane, subgroup}).col;
          int64_t number = 0;
          while (!(from.getPosition({number, source, subgroup}) == wanted))
            ++number;
          if (!llvm::is_contained(registers, number))
            registers.push_back(number);
        }
    }
  };

  static Value isSame(ImplicitLocOpBuilder &b, const ElementPosition &held,
                      const ElementPosition &wanted) {
    auto equal = [&](Value x, Value y) -> Value {
      return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, x, y);
    };
    return both(b, equal(held.row, wanted.row), equal(held.col, wanted.col));
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
  patterns.add<LoadLowering, AlignedLowering, StoreLowering,
               StagedConvertLowering, RelayoutLowering, ScalarLoadLowering,
               ScalarStoreLowering, ArriveLowering, DimLowering>(converter,
                                                                 context);
}
