//===- LoadPatterns.cpp - Tiles from memory -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loads into registers and workgroup memory: by elements, by vectors, or by
// pieces of 16 bytes, which may wait in registers for the next iteration.
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
  Value condition = addBounds(b, op.getType(), op.getValid(), coordinates,
                              position.inside, itself);
  if (op.getMixed())
    condition = both(b, condition, rowCounts(b, op, position.row));
  return condition;
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
  if (Value condition = addBounds(b, op.getType(), op.getValid(), {row, col},
                                  /*condition=*/{}, itself))
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

//===----------------------------------------------------------------------===//
// Pieces
//===----------------------------------------------------------------------===//

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

//===----------------------------------------------------------------------===//
// tile.load
//===----------------------------------------------------------------------===//

namespace {

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

} // namespace

void attn::populateLoadPatterns(const TypeConverter &converter,
                                const KernelContext &context,
                                RewritePatternSet &patterns) {
  patterns.add<LoadLowering>(converter, context);
}
