//===- TileToCPU.cpp - tile-to-cpu ----------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tile kernels to loops on vectors. Queries lie on vector lanes: a tile of
// scores is kept transposed as [key][query], so that row statistics are plain
// lane-wise operations, keys and values are broadcast operands that need no
// packing, and matrix products are outer products in registers.
//
//===----------------------------------------------------------------------===//

#include "RegionVectorizer.h"

#include "attn/Conversion/TileToCPU.h"
#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/ADT/SetVector.h"

namespace attn {
#define GEN_PASS_DEF_TILETOCPU
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;
using namespace attn::tile;

namespace {

/// The register block of a matrix product: broadcast columns times vectors of
/// rows are accumulated at once.
struct RegisterBlock {
  unsigned lanes;        ///< f32 lanes of a vector
  unsigned accumulators; ///< registers for sums
  unsigned vectors;      ///< most vectors of rows

  /// Columns of a block with so many vectors of rows.
  unsigned getCols(unsigned numVectors) const {
    return accumulators / numVectors;
  }
};

/// Where a tile value lives.
struct Place {
  enum Kind {
    Lanes,  ///< buffer [cols][rows] (rank 2) or [rows], f32, rows on lanes
    Splat,  ///< one scalar
    Memory, ///< in place in memory, or a copy of it, [row][col]
  } kind = Lanes;
  Value buffer;               ///< Lanes, Memory
  Value scalar;               ///< Splat
  SmallVector<Value> leading; ///< Memory: leading subscripts
  Value row, col;             ///< Memory: subscript of element (0, 0)
  Value validRows;            ///< Memory: rows that may be read, or null
};

/// A run of elementwise ops over one domain, emitted as one loop nest.
struct Group {
  int64_t rows = 0, cols = 0;
  llvm::SetVector<Operation *> ops;
};

/// What a group leaves behind.
struct GroupOutputs {
  /// Results that something outside of the group reads, and their buffers.
  SmallVector<std::pair<Value, Value>> stored;
  SmallVector<ReduceOp> reduces;
  SmallVector<Value> reduced; ///< the buffers of `reduces`
};

/// Lowers one kernel function.
class KernelLowering {
public:
  KernelLowering(func::FuncOp kernel, RegisterBlock block)
      : kernel(kernel), regs(block), b(kernel.getLoc(), kernel.getContext()) {}

  LogicalResult run();

  /// What was done, for statistics.
  unsigned inPlace = 0, copied = 0, groups = 0;

private:
  void remarkOnStrides();

  // Structure.
  LogicalResult lowerBlock(Block &block, ArrayRef<Value> destinations);
  LogicalResult lowerOp(Operation *op);
  LogicalResult lowerFor(scf::ForOp loop);
  LogicalResult lowerIf(scf::IfOp branch, ArrayRef<Value> destinations);
  LogicalResult finishBlock(Block &block, ArrayRef<Value> destinations);

  // Memory.
  LogicalResult lowerLoad(LoadOp load);
  LogicalResult lowerStore(StoreOp store);
  void loadOnLanes(LoadOp load, TileType type);
  void copyRows(LoadOp load, TileType type);
  void copyRowsIfMixed(LoadOp load, TileType type);
  Value rowCounts(LoadOp load, Value row);
  bool canStayInMemory(LoadOp load);
  SmallVector<Value> rowSubscript(LoadOp load, Value row);

  // Computation.
  LogicalResult lowerDot(DotOp dot);
  LogicalResult emitBlock(DotOp dot, const Place &a, const Place &right,
                          Value out, Value rowStart, unsigned vectors,
                          Value colStart, unsigned cols, Value depth);
  FailureOr<Value> accumulatorInit(DotOp dot, Value row, Value col);
  LogicalResult lowerRowMap(MapOp map);
  bool joinsGroup(Operation *op);
  LogicalResult flush(Operation *before);
  GroupOutputs outputsOfGroup();
  Value dyingBuffer(Operation *op, llvm::SmallDenseSet<Value> &taken);
  LogicalResult emitGroupRows(const GroupOutputs &outputs, Value row);
  LogicalResult emitGroupColumn(const GroupOutputs &outputs, Value row,
                                Value col, SmallVectorImpl<Value> &carried);
  FailureOr<SmallVector<Value>> emitElement(Operation *op,
                                            DenseMap<Value, Value> &values,
                                            Value row, Value col);
  FailureOr<Value> elementOf(Value tile, Value row, Value col);

  // Helpers.
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(b, value);
  }
  Value zeroF32() {
    return arith::ConstantOp::create(b, b.getF32FloatAttr(0.0f));
  }
  Value add(Value x, Value y) { return b.createOrFold<arith::AddIOp>(x, y); }
  Value min(Value x, Value y) { return b.createOrFold<arith::MinSIOp>(x, y); }
  Value clampTo(Value x, int64_t bound) {
    return b.createOrFold<arith::MaxSIOp>(min(x, index(bound)), index(0));
  }
  VectorType vectorType(unsigned lanes) {
    return VectorType::get({static_cast<int64_t>(lanes)}, b.getF32Type());
  }
  Value splatVector(Value scalar) {
    return vector::BroadcastOp::create(b, vectorType(regs.lanes), scalar);
  }
  Value newBuffer(TileType type);
  Value loadVector(Value buffer, Value row, Value col);
  void storeVector(Value vector, Value buffer, Value row, Value col);
  void forEachVector(Value buffer, function_ref<void(Value, Value)> body);
  void copyBuffer(Value from, Value to);
  void fillBuffer(Value scalar, Value buffer);
  /// The value of `tile` as a lanes buffer, made if it is a splat.
  FailureOr<Value> lanesBuffer(Value tile);
  Value loadF32(Value memref, ValueRange at);
  void forRange(Value begin, Value end, int64_t step,
                function_ref<void(Value)> body);
  /// The same with a body that may fail.
  LogicalResult tryForRange(Value begin, Value end, int64_t step,
                            function_ref<LogicalResult(Value)> body);
  /// The buffer that `result` is wanted in, if writing it there at `op` is
  /// safe; else a new one.
  Value outputBuffer(Value result, Operation *op);
  bool isDeadAfter(Value tile, Operation *op);

  func::FuncOp kernel;
  RegisterBlock regs;
  ImplicitLocOpBuilder b;
  IndexRanges ranges;
  DenseMap<Value, Place> places;
  /// Buffers that block terminators want their operands in.
  DenseMap<Value, Value> wanted;
  /// Loop-carried buffers to the block argument that they hold.
  DenseMap<Value, Value> carriedIn;
  Group group;
  SmallVector<Operation *> toErase;
  /// Tile arguments of lowered loops, dropped after their users.
  SmallVector<BlockArgument> deadArguments;
};

} // namespace

//===----------------------------------------------------------------------===//
// Helpers
//===----------------------------------------------------------------------===//

/// Buffers live on the stack, in the entry block, aligned to a cache line.
Value KernelLowering::newBuffer(TileType type) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&kernel.getBody().front());
  SmallVector<int64_t> shape;
  if (type.getRank() == 2)
    shape.push_back(type.getCols());
  shape.push_back(type.getRows());
  return memref::AllocaOp::create(b, MemRefType::get(shape, b.getF32Type()),
                                  b.getI64IntegerAttr(64));
}

static SmallVector<Value> bufferSubscript(Value buffer, Value row, Value col) {
  if (cast<MemRefType>(buffer.getType()).getRank() == 1)
    return {row};
  return {col, row};
}

Value KernelLowering::loadVector(Value buffer, Value row, Value col) {
  return vector::LoadOp::create(b, vectorType(regs.lanes), buffer,
                                bufferSubscript(buffer, row, col));
}

void KernelLowering::storeVector(Value vector, Value buffer, Value row,
                                 Value col) {
  vector::StoreOp::create(b, vector, buffer, bufferSubscript(buffer, row, col));
}

LogicalResult
KernelLowering::tryForRange(Value begin, Value end, int64_t step,
                            function_ref<LogicalResult(Value)> body) {
  auto loop = scf::ForOp::create(b, begin, end, index(step));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  return body(loop.getInductionVar());
}

void KernelLowering::forRange(Value begin, Value end, int64_t step,
                              function_ref<void(Value)> body) {
  (void)tryForRange(begin, end, step, [&](Value position) {
    body(position);
    return success();
  });
}

/// Calls `body(row, col)` in a loop over the vectors of a lanes buffer.
void KernelLowering::forEachVector(Value buffer,
                                   function_ref<void(Value, Value)> body) {
  ArrayRef<int64_t> shape = cast<MemRefType>(buffer.getType()).getShape();
  int64_t cols = shape.size() == 1 ? 1 : shape.front();
  forRange(index(0), index(cols), 1, [&](Value col) {
    forRange(index(0), index(shape.back()), regs.lanes,
             [&](Value row) { body(row, col); });
  });
}

void KernelLowering::fillBuffer(Value scalar, Value buffer) {
  Value vector = splatVector(scalar);
  forEachVector(buffer, [&](Value row, Value col) {
    storeVector(vector, buffer, row, col);
  });
}

void KernelLowering::copyBuffer(Value from, Value to) {
  forEachVector(to, [&](Value row, Value col) {
    storeVector(loadVector(from, row, col), to, row, col);
  });
}

FailureOr<Value> KernelLowering::lanesBuffer(Value tile) {
  Place &place = places[tile];
  if (place.kind == Place::Lanes)
    return place.buffer;
  if (place.kind == Place::Splat) {
    Value buffer = newBuffer(cast<TileType>(tile.getType()));
    fillBuffer(place.scalar, buffer);
    return buffer;
  }
  return emitError(tile.getLoc(),
                   "tile-to-cpu: a tile that is used as the right operand of "
                   "tile.dot has another use as well");
}

/// One element of memory as f32.
Value KernelLowering::loadF32(Value memref, ValueRange at) {
  Value element = memref::LoadOp::create(b, memref, at);
  if (element.getType().isF32())
    return element;
  return arith::ExtFOp::create(b, b.getF32Type(), element);
}

/// The product to which `map` belongs, if all that it does is to prepare the
/// accumulator, elementwise (the rescale of O). It is then applied where the
/// accumulator is loaded, provided that nothing in between writes memory, from
/// which it may read.
static DotOp getProductOfPrologue(MapOp map) {
  if (map.getNumResults() != 1 || map.getDomainRank() != 2 ||
      !map.getResult(0).hasOneUse())
    return nullptr;
  OpOperand &use = *map.getResult(0).use_begin();
  auto dot = dyn_cast<DotOp>(use.getOwner());
  if (!dot || use.getOperandNumber() != 2 || dot->getBlock() != map->getBlock())
    return nullptr;
  for (Operation *op = map->getNextNode(); op != dot; op = op->getNextNode()) {
    auto isStore = [](Operation *nested) {
      return isa<StoreOp, memref::StoreOp>(nested) ? WalkResult::interrupt()
                                                   : WalkResult::advance();
    };
    if (op->walk(isStore).wasInterrupted())
      return nullptr;
  }
  return dot;
}

/// True if nothing reads `tile` after `op`, in whose block it is defined or
/// carried, and `op` itself reads an element of it before it writes that one.
bool KernelLowering::isDeadAfter(Value tile, Operation *op) {
  if (auto dot = dyn_cast<DotOp>(op);
      dot && (dot.getA() == tile || dot.getB() == tile))
    return false;
  return llvm::all_of(tile.getUsers(), [&](Operation *user) {
    Operation *ancestor = op->getBlock()->findAncestorOpInBlock(*user);
    // Users in other blocks belong to other branches, or come before.
    if (!ancestor || group.ops.contains(ancestor))
      return true;
    if (auto map = dyn_cast<MapOp>(ancestor))
      if (DotOp dot = getProductOfPrologue(map))
        ancestor = dot;
    return ancestor == op || ancestor->isBeforeInBlock(op);
  });
}

Value KernelLowering::outputBuffer(Value result, Operation *op) {
  Value destination = wanted.lookup(result);
  if (!destination)
    return newBuffer(cast<TileType>(result.getType()));
  Value carried = carriedIn.lookup(destination);
  if (!carried || isDeadAfter(carried, op))
    return destination;
  return newBuffer(cast<TileType>(result.getType()));
}

//===----------------------------------------------------------------------===//
// Loads and stores
//===----------------------------------------------------------------------===//

/// True if every use of the tile is as the right operand of a product.
static bool isRightOperand(Value tile) {
  return llvm::all_of(tile.getUses(), [](OpOperand &use) {
    auto dot = dyn_cast<DotOp>(use.getOwner());
    return dot && use.getOperandNumber() == 1;
  });
}

/// The buffer that a view shows.
static Value getBase(Value memref) {
  while (Operation *op = memref.getDefiningOp()) {
    if (!isa<ViewLikeOpInterface>(op))
      break;
    memref = cast<ViewLikeOpInterface>(op).getViewSource();
  }
  return memref;
}

/// f32 rows whose padding is not needed are broadcast straight from memory that
/// the kernel does not write.
bool KernelLowering::canStayInMemory(LoadOp load) {
  APInt columns;
  Value base = getBase(load.getSource());
  WalkResult written = kernel.walk([&](StoreOp store) {
    return getBase(store.getDest()) == base ? WalkResult::interrupt()
                                            : WalkResult::advance();
  });
  return !written.wasInterrupted() && !load.getPageTable() &&
         !load.getPacking() && load.getType().getElementType().isF32() &&
         matchPattern(load.getValid()[1], m_ConstantInt(&columns)) &&
         columns.getSExtValue() >= load.getType().getCols();
}

/// Subscript in the source of element (row, 0) of the tile.
SmallVector<Value> KernelLowering::rowSubscript(LoadOp load, Value row) {
  SmallVector<Value> at(load.getIndices());
  if (Value heads = load.getPacking()) {
    Value &head = at[at.size() - 3];
    head = add(head, b.createOrFold<arith::RemUIOp>(row, heads));
    row = b.createOrFold<arith::DivUIOp>(row, heads);
  }
  Value memoryRow = add(at[at.size() - 2], row);
  if (!load.getPageTable()) {
    at[at.size() - 2] = memoryRow;
    return at;
  }
  auto type = cast<MemRefType>(load.getSource().getType());
  Value pageSize =
      b.createOrFold<memref::DimOp>(load.getSource(), type.getRank() - 2);
  Value slot = arith::DivUIOp::create(b, memoryRow, pageSize);
  SmallVector<Value> tableAt(load.getPageIndices());
  tableAt.push_back(slot);
  Value page = memref::LoadOp::create(b, load.getPageTable(), tableAt);
  if (!page.getType().isIndex())
    page = arith::IndexCastOp::create(b, b.getIndexType(), page);
  // Whatever the table holds, the page is one of the pool.
  Value last =
      add(b.createOrFold<memref::DimOp>(load.getSource(), 0), index(-1));
  page = arith::MaxSIOp::create(b, arith::MinSIOp::create(b, page, last),
                                index(0));
  at[at.size() - 2] = arith::RemUIOp::create(b, memoryRow, pageSize);
  at.insert(at.begin(), page);
  return at;
}

/// Queries: transposed to [col][row], zero past the valid part.
void KernelLowering::loadOnLanes(LoadOp load, TileType type) {
  Value buffer = newBuffer(type);
  places[load.getResult()].buffer = buffer;
  Value rows = clampTo(load.getValid()[0], type.getRows());
  Value zero = zeroF32();
  if (type.getRank() == 1) {
    forRange(index(0), rows, 1, [&](Value row) {
      SmallVector<Value> at(load.getIndices());
      at.back() = add(at.back(), row);
      memref::StoreOp::create(b, loadF32(load.getSource(), at), buffer, row);
    });
    forRange(rows, index(type.getRows()), 1,
             [&](Value row) { memref::StoreOp::create(b, zero, buffer, row); });
    return;
  }
  Value cols = clampTo(load.getValid()[1], type.getCols());
  // Padding is rare but in tiles of few rows, where it is most of the tile:
  // whole vectors of zeros first.
  auto padded = [&](Value valid, int64_t size) -> Value {
    return b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::slt, valid,
                                         index(size));
  };
  Value needsZeros = b.createOrFold<arith::OrIOp>(padded(rows, type.getRows()),
                                                  padded(cols, type.getCols()));
  if (!matchPattern(needsZeros, m_Zero())) {
    auto branch = scf::IfOp::create(b, needsZeros, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    fillBuffer(zero, buffer);
  }
  forRange(index(0), rows, 1, [&](Value row) {
    SmallVector<Value> at = rowSubscript(load, row);
    Value base = at.back();
    forRange(index(0), cols, 1, [&](Value col) {
      at.back() = add(base, col);
      memref::StoreOp::create(b, loadF32(load.getSource(), at), buffer,
                              ValueRange{col, row});
    });
  });
}

/// Keys and values of 16 bits, paged or padded: an f32 copy, row by row.
void KernelLowering::copyRows(LoadOp load, TileType type) {
  OpBuilder::InsertionGuard guard(b);
  Value buffer;
  {
    OpBuilder::InsertionGuard inner(b);
    b.setInsertionPointToStart(&kernel.getBody().front());
    buffer = memref::AllocaOp::create(
        b, MemRefType::get(type.getShape(), b.getF32Type()),
        b.getI64IntegerAttr(64));
  }
  Place &place = places[load.getResult()];
  place.kind = Place::Memory;
  place.buffer = buffer;
  place.row = place.col = index(0);
  Value rows = clampTo(load.getValid()[0], type.getRows());
  place.validRows = rows;
  Value cols = clampTo(load.getValid()[1], type.getCols());
  auto [strides, offset] =
      cast<MemRefType>(load.getSource().getType()).getStridesAndOffset();
  bool contiguous = strides.back() == 1;
  Value zero = zeroF32();
  auto clear = [&](Value row, Value from) {
    forRange(from, index(type.getCols()), 1, [&](Value col) {
      memref::StoreOp::create(b, zero, buffer, ValueRange{row, col});
    });
  };
  forRange(index(0), rows, 1, [&](Value row) {
    OpBuilder::InsertionGuard inner(b);
    if (load.getMixed()) {
      auto branch = scf::IfOp::create(b, rowCounts(load, row),
                                      /*withElseRegion=*/true);
      b.setInsertionPointToStart(branch.elseBlock());
      clear(row, index(0));
      b.setInsertionPointToStart(branch.thenBlock());
    }
    SmallVector<Value> at = rowSubscript(load, row);
    Value base = at.back();
    Value vectorCols = index(0);
    if (contiguous) {
      // Whole vectors first, single elements for the rest.
      Value lanes = index(regs.lanes);
      vectorCols = b.createOrFold<arith::SubIOp>(
          cols, b.createOrFold<arith::RemUIOp>(cols, lanes));
      auto memoryVector = VectorType::get({static_cast<int64_t>(regs.lanes)},
                                          type.getElementType());
      forRange(index(0), vectorCols, regs.lanes, [&](Value col) {
        at.back() = add(base, col);
        Value loaded =
            vector::LoadOp::create(b, memoryVector, load.getSource(), at);
        if (!type.getElementType().isF32())
          loaded = arith::ExtFOp::create(b, vectorType(regs.lanes), loaded);
        vector::StoreOp::create(b, loaded, buffer, ValueRange{row, col});
      });
    }
    forRange(vectorCols, cols, 1, [&](Value col) {
      at.back() = add(base, col);
      memref::StoreOp::create(b, loadF32(load.getSource(), at), buffer,
                              ValueRange{row, col});
    });
    clear(row, cols);
  });
}

/// Whether a row of the tile is read (rule 7).
Value KernelLowering::rowCounts(LoadOp load, Value row) {
  auto branch = scf::IfOp::create(b, TypeRange{b.getI1Type()}, load.getMixed(),
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(
      b, ValueRange{arith::ConstantIntOp::create(b, /*value=*/1, /*width=*/1)});
  b.setInsertionPointToStart(branch.thenBlock());
  IRMapping mapping;
  Block &where = load.getWhere().front();
  mapping.map(where.getArgument(0), row);
  for (Operation &op : where.without_terminator())
    b.clone(op, mapping);
  scf::YieldOp::create(
      b, mapping.lookupOrDefault(where.getTerminator()->getOperand(0)));
  return branch.getResult(0);
}

/// Rows that may stay in memory, unless some of them do not count: then the
/// others are copied, and the product reads the copy.
void KernelLowering::copyRowsIfMixed(LoadOp load, TileType type) {
  auto memory = cast<MemRefType>(load.getSource().getType());
  Value rows = clampTo(load.getValid()[0], type.getRows());
  SmallVector<OpFoldResult> offsets = getAsOpFoldResult(load.getIndices());
  SmallVector<OpFoldResult> sizes(memory.getRank(), b.getIndexAttr(1));
  SmallVector<OpFoldResult> steps = sizes;
  sizes[sizes.size() - 2] = rows;
  sizes.back() = b.getIndexAttr(type.getCols());
  bool contiguous = memory.getStridesAndOffset().first.back() == 1;
  auto viewType = MemRefType::get(
      {ShapedType::kDynamic, type.getCols()}, type.getElementType(),
      StridedLayoutAttr::get(
          b.getContext(), ShapedType::kDynamic,
          {ShapedType::kDynamic, contiguous ? 1 : ShapedType::kDynamic}));
  auto choice = scf::IfOp::create(b, TypeRange{viewType}, load.getMixed(),
                                  /*withElseRegion=*/true);
  Place &place = places[load.getResult()];
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(choice.thenBlock());
    copyRows(load, type);
    Value copy = memref::CastOp::create(b, viewType, place.buffer);
    scf::YieldOp::create(b, copy);
    b.setInsertionPointToStart(choice.elseBlock());
    MemRefType rowsType = memref::SubViewOp::inferRankReducedResultType(
        viewType.getShape(), memory, offsets, sizes, steps);
    Value view = memref::SubViewOp::create(b, rowsType, load.getSource(),
                                           offsets, sizes, steps);
    if (rowsType != viewType)
      view = memref::CastOp::create(b, viewType, view);
    scf::YieldOp::create(b, view);
  }
  place.buffer = choice.getResult(0);
  place.row = place.col = index(0);
  place.validRows = rows;
}

LogicalResult KernelLowering::lowerLoad(LoadOp load) {
  TileType type = load.getType();
  if (!isa<Float32Type, Float16Type, BFloat16Type>(type.getElementType()))
    return load.emitOpError("loads ")
           << type.getElementType() << "; the CPU takes f32, f16 and bf16";
  if (type.getRank() == 1 || !isRightOperand(load.getResult())) {
    if (load.getMixed())
      return load.emitOpError("leaves out rows of a tile that is not the right "
                              "operand of a product");
    loadOnLanes(load, type);
    ++copied;
    return success();
  }
  bool stays = canStayInMemory(load);
  ++(stays ? inPlace : copied);
  if (!stays) {
    copyRows(load, type);
    return success();
  }
  if (load.getMixed()) {
    copyRowsIfMixed(load, type);
    return success();
  }
  Place &place = places[load.getResult()];
  place.kind = Place::Memory;
  place.buffer = load.getSource();
  SmallVector<Value> at(load.getIndices());
  place.leading.assign(at.begin(), at.end() - 2);
  place.row = at[at.size() - 2];
  place.col = at.back();
  place.validRows = clampTo(load.getValid()[0], type.getRows());
  return success();
}

LogicalResult KernelLowering::lowerStore(StoreOp store) {
  FailureOr<Value> buffer = lanesBuffer(store.getTile());
  if (failed(buffer))
    return failure();
  TileType type = store.getTile().getType();
  Type element = type.getElementType();
  auto put = [&](Value row, Value col) {
    Value value =
        memref::LoadOp::create(b, *buffer, bufferSubscript(*buffer, row, col));
    if (!element.isF32())
      value = arith::TruncFOp::create(b, element, value);
    SmallVector<Value> at(store.getIndices());
    size_t rowDim = at.size() - type.getRank();
    at[rowDim] = add(at[rowDim], row);
    if (type.getRank() == 2)
      at.back() = add(at.back(), col);
    memref::StoreOp::create(b, value, store.getDest(), at);
  };
  Value rows = clampTo(store.getValid()[0], type.getRows());
  if (type.getRank() == 1) {
    forRange(index(0), rows, 1, [&](Value row) { put(row, Value()); });
    return success();
  }
  Value cols = clampTo(store.getValid()[1], type.getCols());
  forRange(index(0), rows, 1, [&](Value row) {
    forRange(index(0), cols, 1, [&](Value col) { put(row, col); });
  });
  return success();
}

//===----------------------------------------------------------------------===//
// Matrix products
//===----------------------------------------------------------------------===//

/// The element vector of `tile` at (row.., col).
FailureOr<Value> KernelLowering::elementOf(Value tile, Value row, Value col) {
  Place &place = places[tile];
  if (place.kind == Place::Splat)
    return splatVector(place.scalar);
  FailureOr<Value> buffer = lanesBuffer(tile);
  if (failed(buffer))
    return failure();
  return loadVector(*buffer, row, col);
}

FailureOr<Value> KernelLowering::accumulatorInit(DotOp dot, Value row,
                                                 Value col) {
  auto map = dot.getAcc().getDefiningOp<MapOp>();
  if (!map || !getProductOfPrologue(map))
    return elementOf(dot.getAcc(), row, col);
  DenseMap<Value, Value> values;
  FailureOr<SmallVector<Value>> results = emitElement(map, values, row, col);
  if (failed(results))
    return failure();
  return (*results)[0];
}

/// out[colStart + c][rowStart + ...] = acc + sum over k of a[k][row] * right.
LogicalResult KernelLowering::emitBlock(DotOp dot, const Place &a,
                                        const Place &right, Value out,
                                        Value rowStart, unsigned vectors,
                                        Value colStart, unsigned cols,
                                        Value depth) {
  SmallVector<Value> inits;
  SmallVector<Value> rows, columns;
  for (unsigned v = 0; v < vectors; ++v)
    rows.push_back(add(rowStart, index(v * regs.lanes)));
  for (unsigned c = 0; c < cols; ++c)
    columns.push_back(add(colStart, index(c)));
  for (Value column : columns)
    for (Value row : rows) {
      FailureOr<Value> init = accumulatorInit(dot, row, column);
      if (failed(init))
        return failure();
      inits.push_back(*init);
    }
  auto loop = scf::ForOp::create(b, index(0), depth, index(1), inits);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value k = loop.getInductionVar();
    SmallVector<Value> left;
    for (Value row : rows)
      left.push_back(loadVector(a.buffer, row, k));
    SmallVector<Value> sums;
    for (auto [c, column] : llvm::enumerate(columns)) {
      Value element;
      if (right.kind == Place::Memory) {
        SmallVector<Value> at(right.leading);
        Value r = dot.getTransposeB() ? column : k;
        Value d = dot.getTransposeB() ? k : column;
        at.push_back(add(right.row, r));
        at.push_back(add(right.col, d));
        element = memref::LoadOp::create(b, right.buffer, at);
      } else {
        // A computed tile lies as [col][row].
        SmallVector<Value> at = {dot.getTransposeB() ? k : column,
                                 dot.getTransposeB() ? column : k};
        element = memref::LoadOp::create(b, right.buffer, at);
      }
      Value broadcast = splatVector(element);
      for (unsigned v = 0; v < vectors; ++v)
        sums.push_back(vector::FMAOp::create(
            b, left[v], broadcast, loop.getRegionIterArg(c * vectors + v)));
    }
    scf::YieldOp::create(b, sums);
  }
  for (auto [c, column] : llvm::enumerate(columns))
    for (unsigned v = 0; v < vectors; ++v)
      storeVector(loop.getResult(c * vectors + v), out, rows[v], column);
  return success();
}

LogicalResult KernelLowering::lowerDot(DotOp dot) {
  if (dot.getTransposeA())
    return dot.emitOpError("with transpose_a has no CPU lowering");
  FailureOr<Value> left = lanesBuffer(dot.getA());
  if (failed(left))
    return failure();
  Place a;
  a.buffer = *left;
  Place right = places[dot.getB()];
  if (right.kind == Place::Splat) {
    FailureOr<Value> buffer = lanesBuffer(dot.getB());
    if (failed(buffer))
      return failure();
    right = Place();
    right.buffer = *buffer;
  }
  TileType type = dot.getResult().getType();
  Value out = outputBuffer(dot.getResult(), dot);
  places[dot.getResult()].buffer = out;

  int64_t rows = type.getRows(), cols = type.getCols();
  int64_t depth = dot.getA().getType().getCols();
  Value depthEnd = index(depth);
  Value colEnd;
  if (right.validRows && !dot.getTransposeB())
    depthEnd = right.validRows;
  if (right.validRows && dot.getTransposeB())
    colEnd = right.validRows;

  unsigned vectors = std::min<int64_t>(regs.vectors, rows / regs.lanes);
  while ((rows / regs.lanes) % vectors)
    --vectors;
  int64_t blockRows = vectors * regs.lanes;
  return tryForRange(index(0), index(rows), blockRows, [&](Value row) {
    auto emitColumns = [&](Value begin, Value end, unsigned blockCols) {
      return tryForRange(begin, end, blockCols, [&](Value col) {
        return emitBlock(dot, a, right, out, row, vectors, col, blockCols,
                         depthEnd);
      });
    };
    unsigned blockCols = regs.getCols(vectors);
    if (!colEnd) {
      int64_t whole = cols / blockCols * blockCols;
      if (whole && failed(emitColumns(index(0), index(whole), blockCols)))
        return failure();
      if (whole == cols)
        return success();
      return emitBlock(dot, a, right, out, row, vectors, index(whole),
                       cols - whole, depthEnd);
    }
    // Whole blocks first, then smaller ones, then single columns.
    Value begin = index(0);
    for (; blockCols > 1; blockCols = blockCols > 6 ? 6 : 1) {
      Value end = arith::SubIOp::create(
          b, colEnd, arith::RemUIOp::create(b, colEnd, index(blockCols)));
      if (failed(emitColumns(begin, end, blockCols)))
        return failure();
      begin = end;
    }
    if (failed(emitColumns(begin, colEnd, 1)))
      return failure();
    // Columns without keys: the product of zero rows is the accumulator.
    return tryForRange(colEnd, index(cols), 1, [&](Value col) {
      for (unsigned v = 0; v < vectors; ++v) {
        Value at = add(row, index(v * regs.lanes));
        FailureOr<Value> init = accumulatorInit(dot, at, col);
        if (failed(init))
          return failure();
        storeVector(*init, out, at, col);
      }
      return success();
    });
  });
}

//===----------------------------------------------------------------------===//
// Elementwise groups
//===----------------------------------------------------------------------===//

/// Emits one elementwise op for one vector; `values` holds vectors of tiles
/// already computed in this element.
FailureOr<SmallVector<Value>>
KernelLowering::emitElement(Operation *op, DenseMap<Value, Value> &values,
                            Value row, Value col) {
  auto valueOf = [&](Value tile) -> FailureOr<Value> {
    if (Value value = values.lookup(tile))
      return value;
    FailureOr<Value> loaded = elementOf(tile, row, col);
    if (succeeded(loaded))
      values[tile] = *loaded;
    return loaded;
  };
  if (auto convert = dyn_cast<ConvertOp>(op)) {
    FailureOr<Value> in = valueOf(convert.getInput());
    if (failed(in))
      return failure();
    Type narrow = convert.getType().getElementType();
    if (narrow.isF32())
      return SmallVector<Value>{*in};
    auto narrowType =
        VectorType::get({static_cast<int64_t>(regs.lanes)}, narrow);
    Value rounded = arith::TruncFOp::create(b, narrowType, *in);
    return SmallVector<Value>{
        arith::ExtFOp::create(b, vectorType(regs.lanes), rounded)};
  }
  auto map = cast<MapOp>(op);
  SmallVector<Value> elements;
  for (Value input : map.getInputs()) {
    FailureOr<Value> value = valueOf(input);
    if (failed(value))
      return failure();
    elements.push_back(*value);
  }
  Value globalRow = add(map.getOffsets()[0], row);
  Value globalCol =
      map.getDomainRank() == 2 ? add(map.getOffsets()[1], col) : Value();
  return RegionVectorizer(b, regs.lanes, ranges)
      .run(map, elements, globalRow, globalCol);
}

/// Row statistics: a loop over vectors of rows.
LogicalResult KernelLowering::lowerRowMap(MapOp map) {
  int64_t rows = map.getDomain().first;
  SmallVector<Value> outputs;
  for (Value result : map.getResults())
    outputs.push_back(outputBuffer(result, map));
  auto emitRows = [&](Value row) -> LogicalResult {
    DenseMap<Value, Value> values;
    auto results = emitElement(map, values, row, Value());
    if (failed(results))
      return failure();
    for (auto [result, output] : llvm::zip(*results, outputs))
      storeVector(result, output, row, Value());
    return success();
  };
  if (failed(tryForRange(index(0), index(rows), regs.lanes, emitRows)))
    return failure();
  for (auto [result, output] : llvm::zip(map.getResults(), outputs))
    places[result].buffer = output;
  return success();
}

static bool isElementwise(Operation *op) {
  if (auto map = dyn_cast<MapOp>(op))
    return map.getDomainRank() == 2;
  if (auto convert = dyn_cast<ConvertOp>(op))
    return convert.getType().getRank() == 2;
  return isa<ReduceOp>(op);
}

static std::pair<int64_t, int64_t> domainOf(Operation *op) {
  if (auto map = dyn_cast<MapOp>(op))
    return map.getDomain();
  auto type = cast<TileType>(op->getOperand(0).getType());
  return {type.getRows(), type.getCols()};
}

/// True if `op` can be computed element by element together with the group:
/// the same domain, and no operand that is complete only after the group.
bool KernelLowering::joinsGroup(Operation *op) {
  if (!isElementwise(op))
    return false;
  if (group.ops.empty())
    return true;
  if (domainOf(op) != std::pair<int64_t, int64_t>(group.rows, group.cols))
    return false;
  return llvm::none_of(op->getOperands(), [&](Value operand) {
    Operation *def = operand.getDefiningOp();
    return def && group.ops.contains(def) && isa<ReduceOp>(def);
  });
}

/// The buffer of an operand of the group that dies with it at `op`, and is not
/// in `taken`: each element is read before it is written. Null without one.
Value KernelLowering::dyingBuffer(Operation *op,
                                  llvm::SmallDenseSet<Value> &taken) {
  for (Operation *member : group.ops) {
    for (Value operand : member->getOperands()) {
      auto it = places.find(operand);
      auto type = dyn_cast<TileType>(operand.getType());
      if (!type || type.getRank() != 2 || it == places.end() ||
          it->second.kind != Place::Lanes || taken.contains(operand))
        continue;
      Operation *def = operand.getDefiningOp();
      if (def && def->getBlock() == op->getBlock() &&
          isDeadAfter(operand, op)) {
        taken.insert(operand);
        return it->second.buffer;
      }
    }
  }
  return Value();
}

/// What the open group writes.
GroupOutputs KernelLowering::outputsOfGroup() {
  GroupOutputs outputs;
  llvm::SmallDenseSet<Value> taken;
  for (Operation *op : group.ops) {
    if (auto reduce = dyn_cast<ReduceOp>(op)) {
      outputs.reduces.push_back(reduce);
      continue;
    }
    for (Value result : op->getResults()) {
      bool escapes = llvm::any_of(result.getUsers(), [&](Operation *user) {
        return !group.ops.contains(user);
      });
      if (!escapes)
        continue;
      Value buffer;
      if (!wanted.contains(result))
        buffer = dyingBuffer(op, taken);
      if (!buffer)
        buffer = outputBuffer(result, op);
      outputs.stored.emplace_back(result, buffer);
    }
  }
  for (ReduceOp reduce : outputs.reduces)
    outputs.reduced.push_back(outputBuffer(reduce.getResult(), reduce));
  return outputs;
}

/// One column of the group at a vector of rows; `carried` are the reductions.
LogicalResult KernelLowering::emitGroupColumn(const GroupOutputs &outputs,
                                              Value row, Value col,
                                              SmallVectorImpl<Value> &carried) {
  DenseMap<Value, Value> values;
  for (Operation *op : group.ops) {
    if (auto reduce = dyn_cast<ReduceOp>(op)) {
      FailureOr<Value> input = values.lookup(reduce.getInput());
      if (!*input)
        input = elementOf(reduce.getInput(), row, col);
      if (failed(input))
        return failure();
      Value &sum = carried[llvm::find(outputs.reduces, reduce) -
                           outputs.reduces.begin()];
      if (reduce.getKind() == ReduceKind::Sum) {
        sum = arith::AddFOp::create(b, sum, *input);
      } else {
        // One compare and select: a NaN element leaves the maximum alone.
        Value greater =
            arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, *input, sum);
        sum = arith::SelectOp::create(b, greater, *input, sum);
      }
      continue;
    }
    auto results = emitElement(op, values, row, col);
    if (failed(results))
      return failure();
    for (auto [tile, value] : llvm::zip(op->getResults(), *results))
      values[tile] = value;
  }
  for (auto [result, buffer] : outputs.stored)
    storeVector(values[result], buffer, row, col);
  return success();
}

/// The group at a vector of rows: a loop over columns, with row reductions
/// carried in registers.
LogicalResult KernelLowering::emitGroupRows(const GroupOutputs &outputs,
                                            Value row) {
  SmallVector<Value> inits;
  for (ReduceOp reduce : outputs.reduces) {
    FailureOr<Value> init = elementOf(reduce.getInit(), row, Value());
    if (failed(init))
      return failure();
    inits.push_back(*init);
  }
  auto loop =
      scf::ForOp::create(b, index(0), index(group.cols), index(1), inits);
  {
    OpBuilder::InsertionGuard inner(b);
    b.setInsertionPointToStart(loop.getBody());
    SmallVector<Value> carried(loop.getRegionIterArgs());
    if (failed(emitGroupColumn(outputs, row, loop.getInductionVar(), carried)))
      return failure();
    if (!carried.empty())
      scf::YieldOp::create(b, carried);
  }
  for (auto [reduced, buffer] : llvm::zip(loop.getResults(), outputs.reduced))
    storeVector(reduced, buffer, row, Value());
  return success();
}

/// Emits the open group before `before`, vector by vector of rows.
LogicalResult KernelLowering::flush(Operation *before) {
  if (group.ops.empty())
    return success();
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(before);
  ++groups;
  GroupOutputs outputs = outputsOfGroup();
  if (failed(
          tryForRange(index(0), index(group.rows), regs.lanes,
                      [&](Value row) { return emitGroupRows(outputs, row); })))
    return failure();
  for (auto [result, buffer] : outputs.stored)
    places[result].buffer = buffer;
  for (auto [reduce, buffer] : llvm::zip(outputs.reduces, outputs.reduced))
    places[reduce.getResult()].buffer = buffer;
  group = Group();
  return success();
}

//===----------------------------------------------------------------------===//
// Structure
//===----------------------------------------------------------------------===//

static bool hasTileResult(Operation *op) {
  return llvm::any_of(op->getResultTypes(), llvm::IsaPred<TileType>);
}

static bool isTileOp(Operation *op) {
  return isa_and_nonnull<TileDialect>(op->getDialect());
}

/// Terminator operands that are tiles.
static SmallVector<Value> tileOperands(Operation *terminator) {
  return llvm::filter_to_vector(terminator->getOperands(), [](Value value) {
    return isa<TileType>(value.getType());
  });
}

LogicalResult KernelLowering::lowerBlock(Block &block,
                                         ArrayRef<Value> destinations) {
  for (auto [value, destination] :
       llvm::zip(tileOperands(block.getTerminator()), destinations))
    wanted.insert({value, destination});
  for (Operation &op : llvm::make_early_inc_range(block.without_terminator())) {
    if (auto map = dyn_cast<MapOp>(op); map && getProductOfPrologue(map)) {
      bool usesGroup = llvm::any_of(map->getOperands(), [&](Value operand) {
        return operand.getDefiningOp() &&
               group.ops.contains(operand.getDefiningOp());
      });
      if (usesGroup && failed(flush(&op)))
        return failure();
      toErase.push_back(&op);
      continue;
    }
    if (joinsGroup(&op)) {
      std::tie(group.rows, group.cols) = domainOf(&op);
      group.ops.insert(&op);
      toErase.push_back(&op);
      continue;
    }
    bool usesTiles =
        isTileOp(&op) || hasTileResult(&op) || op.getNumRegions() > 0;
    if (usesTiles && failed(flush(&op)))
      return failure();
    if (isElementwise(&op)) {
      std::tie(group.rows, group.cols) = domainOf(&op);
      group.ops.insert(&op);
      toErase.push_back(&op);
      continue;
    }
    b.setInsertionPoint(&op);
    b.setLoc(op.getLoc());
    if (failed(lowerOp(&op)))
      return failure();
  }
  if (failed(flush(block.getTerminator())))
    return failure();
  return finishBlock(block, destinations);
}

/// Copies what the terminator yields to where it is wanted, unless it is there.
LogicalResult KernelLowering::finishBlock(Block &block,
                                          ArrayRef<Value> destinations) {
  Operation *terminator = block.getTerminator();
  b.setInsertionPoint(terminator);
  SmallVector<Value> yielded = tileOperands(terminator);
  // A yielded buffer that is overwritten by another copy is saved first.
  SmallVector<Value> sources;
  for (Value value : yielded) {
    Place &place = places[value];
    if (place.kind == Place::Splat) {
      sources.push_back(Value());
      continue;
    }
    FailureOr<Value> buffer = lanesBuffer(value);
    if (failed(buffer))
      return failure();
    sources.push_back(*buffer);
  }
  for (auto [k, source] : llvm::enumerate(sources)) {
    bool clobbered = false;
    for (auto [other, destination] : llvm::enumerate(destinations))
      clobbered |= other < k && source && destination == source;
    if (clobbered) {
      Value saved = newBuffer(cast<TileType>(yielded[k].getType()));
      OpBuilder::InsertionGuard guard(b);
      copyBuffer(source, saved);
      source = saved;
    }
  }
  for (auto [k, destination] : llvm::enumerate(destinations)) {
    if (!sources[k])
      fillBuffer(places[yielded[k]].scalar, destination);
    else if (sources[k] != destination)
      copyBuffer(sources[k], destination);
  }
  SmallVector<Value> kept =
      llvm::filter_to_vector(terminator->getOperands(), [](Value value) {
        return !isa<TileType>(value.getType());
      });
  if (isa<scf::YieldOp>(terminator))
    terminator->setOperands(kept);
  return success();
}

LogicalResult KernelLowering::lowerOp(Operation *op) {
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return lowerFor(loop);
  if (auto branch = dyn_cast<scf::IfOp>(op)) {
    // Results that the enclosing block yields go where they are wanted.
    SmallVector<Value> destinations;
    for (Value result : branch.getResults())
      if (isa<TileType>(result.getType())) {
        Value destination = outputBuffer(result, branch);
        destinations.push_back(destination);
        places[result].buffer = destination;
      }
    return lowerIf(branch, destinations);
  }
  if (!isTileOp(op)) {
    if (hasTileResult(op) ||
        llvm::any_of(op->getOperandTypes(), llvm::IsaPred<TileType>))
      return op->emitOpError("on tiles has no CPU lowering");
    for (Region &region : op->getRegions())
      for (Block &block : region)
        if (failed(lowerBlock(block, {})))
          return failure();
    return success();
  }
  toErase.push_back(op);
  if (auto load = dyn_cast<LoadOp>(op))
    return lowerLoad(load);
  if (auto store = dyn_cast<StoreOp>(op))
    return lowerStore(store);
  if (auto splat = dyn_cast<SplatOp>(op)) {
    Place &place = places[splat.getResult()];
    place.kind = Place::Splat;
    place.scalar = splat.getValue();
    return success();
  }
  if (auto dot = dyn_cast<DotOp>(op))
    return lowerDot(dot);
  if (auto map = dyn_cast<MapOp>(op))
    return lowerRowMap(map);
  return op->emitOpError("has no CPU lowering");
}

LogicalResult KernelLowering::lowerFor(scf::ForOp loop) {
  if (!hasTileResult(loop))
    return lowerBlock(*loop.getBody(), {});
  // Carried tiles live in buffers that every iteration updates.
  SmallVector<Value> inits, destinations;
  for (auto [init, argument, result] : llvm::zip(
           loop.getInitArgs(), loop.getRegionIterArgs(), loop.getResults())) {
    if (!isa<TileType>(init.getType())) {
      inits.push_back(init);
      continue;
    }
    Value buffer = newBuffer(cast<TileType>(init.getType()));
    Place &place = places[init];
    if (place.kind == Place::Splat) {
      fillBuffer(place.scalar, buffer);
    } else {
      FailureOr<Value> source = lanesBuffer(init);
      if (failed(source))
        return failure();
      copyBuffer(*source, buffer);
    }
    destinations.push_back(buffer);
    places[argument].buffer = buffer;
    places[result].buffer = buffer;
    carriedIn[buffer] = argument;
  }
  if (failed(lowerBlock(*loop.getBody(), destinations)))
    return failure();
  b.setInsertionPoint(loop);
  auto lowered = scf::ForOp::create(
      b, loop.getLowerBound(), loop.getUpperBound(), loop.getStep(), inits);
  Block *body = loop.getBody();
  lowered.getBody()->erase();
  // Tile arguments stay until their users are erased.
  SmallVector<BlockArgument> tileArguments;
  for (BlockArgument argument : body->getArguments())
    if (isa<TileType>(argument.getType()))
      tileArguments.push_back(argument);
  lowered.getRegion().getBlocks().splice(lowered.getRegion().end(),
                                         loop.getRegion().getBlocks());
  unsigned next = 0;
  for (Value result : loop.getResults())
    if (!isa<TileType>(result.getType()))
      result.replaceAllUsesWith(lowered.getResult(next++));
  toErase.push_back(loop);
  for (BlockArgument argument : tileArguments)
    deadArguments.push_back(argument);
  // The old loop needs a body until it is erased.
  OpBuilder empty(loop.getContext());
  empty.createBlock(&loop.getRegion(), {}, TypeRange{empty.getIndexType()},
                    {loop.getLoc()});
  scf::YieldOp::create(empty, loop.getLoc());
  return success();
}

LogicalResult KernelLowering::lowerIf(scf::IfOp branch,
                                      ArrayRef<Value> destinations) {
  for (Region &region : branch->getRegions())
    for (Block &block : region)
      if (failed(lowerBlock(block, destinations)))
        return failure();
  if (destinations.empty())
    return success();
  b.setInsertionPoint(branch);
  SmallVector<Type> kept;
  for (Type type : branch.getResultTypes())
    if (!isa<TileType>(type))
      kept.push_back(type);
  auto lowered = scf::IfOp::create(b, kept, branch.getCondition(),
                                   /*withElseRegion=*/true);
  for (auto [from, to] :
       llvm::zip(branch->getRegions(), lowered->getRegions())) {
    to.getBlocks().clear();
    to.getBlocks().splice(to.end(), from.getBlocks());
  }
  unsigned next = 0;
  for (Value result : branch.getResults())
    if (!isa<TileType>(result.getType()))
      result.replaceAllUsesWith(lowered.getResult(next++));
  toErase.push_back(branch);
  return success();
}

/// Vectors are not read where the last dimension has another stride than 1.
void KernelLowering::remarkOnStrides() {
  auto isStrided = [](TileType tile, Value memory) {
    return tile.getRank() == 2 && tile.getCols() > 1 &&
           cast<MemRefType>(memory.getType())
                   .getStridesAndOffset()
                   .first.back() != 1;
  };
  WalkResult found = kernel.walk([&](Operation *op) {
    auto load = dyn_cast<LoadOp>(op);
    auto store = dyn_cast<StoreOp>(op);
    bool strided =
        load ? isStrided(load.getType(), load.getSource())
             : store && isStrided(store.getTile().getType(), store.getDest());
    return strided ? WalkResult::interrupt() : WalkResult::advance();
  });
  if (found.wasInterrupted())
    kernel.emitRemark("slower path: memory that is not contiguous in its last "
                      "dimension is moved element by element (rule 1)");
}

LogicalResult KernelLowering::run() {
  WalkResult checked = kernel.walk([&](Operation *op) {
    for (Type type : op->getResultTypes())
      if (auto tile = dyn_cast<TileType>(type))
        if (tile.getRows() % regs.lanes) {
          op->emitOpError("has ")
              << tile.getRows() << " rows; tile-to-cpu needs a multiple of the "
              << regs.lanes << " lanes of a vector (next: "
              << llvm::alignTo(tile.getRows(), regs.lanes) << ")";
          return WalkResult::interrupt();
        }
    return WalkResult::advance();
  });
  if (checked.wasInterrupted())
    return failure();
  FunctionType type = kernel.getFunctionType();
  if (llvm::any_of(type.getInputs(), llvm::IsaPred<TileType>) ||
      llvm::any_of(type.getResults(), llvm::IsaPred<TileType>))
    return kernel.emitOpError("takes or returns tiles; tile-to-cpu lowers "
                              "kernels on memory");
  remarkOnStrides();
  if (failed(lowerBlock(kernel.getBody().front(), {})))
    return failure();
  for (Operation *op : llvm::reverse(toErase)) {
    op->dropAllUses();
    op->erase();
  }
  for (BlockArgument argument : deadArguments)
    argument.getOwner()->eraseArgument(argument.getArgNumber());
  return success();
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

/// Bytes of the buffers that one call of `kernel` keeps on its stack.
static int64_t bufferBytes(func::FuncOp kernel) {
  int64_t bytes = 0;
  kernel.walk([&](memref::AllocaOp alloc) {
    MemRefType type = alloc.getType();
    bytes +=
        llvm::alignTo(type.getNumElements() *
                          llvm::divideCeil(type.getElementTypeBitWidth(), 8),
                      64);
  });
  return bytes;
}

/// A call a point, with the extents of the grid behind the arguments.
static LaunchInfoAttr describeLaunch(func::FuncOp kernel) {
  Builder b(kernel.getContext());
  SmallVector<Attribute> parameters;
  for (BlockArgument operand : KernelArguments(kernel).operands)
    parameters.push_back(
        b.getAttr<OperandAttr>(operand.getArgNumber(), /*multiple=*/1));
  for (unsigned dim = 0; dim < kGridRank; ++dim)
    parameters.push_back(b.getAttr<ExtentAttr>(dim, b.getI64Type()));
  return b.getAttr<LaunchInfoAttr>(
      b.getArrayAttr(parameters), GridOrder::Points, /*threads=*/0,
      /*shared=*/0, bufferBytes(kernel) + attn::kCPUFrameBytes,
      /*cluster=*/DenseI64ArrayAttr());
}

namespace {
struct TileToCPU : attn::impl::TileToCPUBase<TileToCPU> {
  using Base::Base;

  void runOnOperation() override {
    func::FuncOp kernel = getOperation();
    if (!kernel->hasAttr("tile.kernel"))
      return;
    auto target = TargetAttr::require(kernel, getArgument());
    if (failed(target))
      return signalPassFailure();
    if (!target->getVectorBits()) {
      kernel.emitError(getArgument())
          << ": the target " << target->getName() << " has no vectors";
      return signalPassFailure();
    }
    int64_t registers = target->getVectorRegisters();
    // With 32 registers 6 x 4 accumulators, 4 vectors of rows and a broadcast;
    // with 16 registers 6 x 2, 2 and 1.
    RegisterBlock block;
    block.lanes = target->getVectorBits() / 32;
    block.accumulators = registers >= 32 ? 24 : 12;
    block.vectors = registers >= 32 ? 4 : 2;
    KernelLowering lowering(kernel, block);
    if (failed(lowering.run()))
      return signalPassFailure();
    ++numKernels;
    numInPlace += lowering.inPlace;
    numCopied += lowering.copied;
    numGroups += lowering.groups;
    kernel->setAttr(LaunchInfoAttr::attributeName, describeLaunch(kernel));
  }
};
} // namespace
