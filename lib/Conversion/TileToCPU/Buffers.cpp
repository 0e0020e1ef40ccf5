//===- Buffers.cpp - Where tiles live -------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stack buffers of tile values, and when one may be overwritten.
//
//===----------------------------------------------------------------------===//

#include "KernelLowering.h"

using namespace mlir;
using namespace attn;
using namespace attn::cpu;
using namespace attn::tile;

Value KernelLowering::allocate(ArrayRef<int64_t> shape, Type element) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&kernel.getBody().front());
  return memref::AllocaOp::create(b, MemRefType::get(shape, element),
                                  b.getI64IntegerAttr(64));
}

Value KernelLowering::newBuffer(TileType type) {
  int64_t rows = rowsOf(type.getRows());
  if (type.getRank() == 1)
    return allocate({wholeVectors(rows)}, b.getF32Type());
  int64_t cols = type.getCols();
  if (lanes == LaneDim::Rows)
    return allocate({cols, rows}, b.getF32Type());
  return allocate({rows, wholeVectors(cols)}, b.getF32Type());
}

Value KernelLowering::laneNumbers() {
  return arith::ConstantOp::create(b, b.getI32VectorAttr(llvm::to_vector(
                                          llvm::seq<int32_t>(0, regs.lanes))));
}

Value KernelLowering::spreadIndex(Value number) {
  auto type =
      VectorType::get({static_cast<int64_t>(regs.lanes)}, b.getI32Type());
  Value narrow = arith::IndexCastOp::create(b, b.getI32Type(), number);
  return vector::BroadcastOp::create(b, type, narrow);
}

/// Where a lanes buffer has element (row, col).
SmallVector<Value> KernelLowering::subscript(Value buffer, Value row,
                                             Value col) {
  if (cast<MemRefType>(buffer.getType()).getRank() == 1)
    return {row};
  if (lanes == LaneDim::Rows)
    return {col, row};
  return {row, col};
}

Value KernelLowering::loadVector(Value buffer, Value row, Value col) {
  return vector::LoadOp::create(b, vectorType(regs.lanes), buffer,
                                subscript(buffer, row, col));
}

void KernelLowering::storeVector(Value vector, Value buffer, Value row,
                                 Value col) {
  vector::StoreOp::create(b, vector, buffer, subscript(buffer, row, col));
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

bool KernelLowering::isAvailable(Value value) {
  Block *block = b.getInsertionBlock();
  Operation *next =
      b.getInsertionPoint() == block->end() ? nullptr : &*b.getInsertionPoint();
  for (; block != value.getParentBlock(); block = next->getBlock())
    if (next = block->getParentOp(); next == kernel)
      return false;
  Operation *def = value.getDefiningOp();
  return !def || !next || def->isBeforeInBlock(next);
}

Value KernelLowering::endOfRows(int64_t rows) {
  if (!liveRows || !isAvailable(liveRows))
    return index(rows);
  Value live = liveRows;
  if (strip.start)
    live = b.createOrFold<arith::SubIOp>(live, strip.start);
  Value rest = index(kRowsTogether - 1), size = index(kRowsTogether);
  Value blocks =
      b.createOrFold<arith::DivUIOp>(add(clampTo(live, rows), rest), size);
  return min(b.createOrFold<arith::MulIOp>(blocks, size), index(rows));
}

/// Calls `body(row, col)` in a loop over the vectors of a lanes buffer.
void KernelLowering::forEachVector(Value buffer,
                                   function_ref<void(Value, Value)> body) {
  ArrayRef<int64_t> shape = cast<MemRefType>(buffer.getType()).getShape();
  int64_t others = shape.size() == 1 ? 1 : shape.front();
  bool rowsOnLanes = shape.size() == 1 || lanes == LaneDim::Rows;
  forRange(index(0), index(others), 1, [&](Value other) {
    forRange(index(0), index(shape.back()), regs.lanes, [&](Value onLanes) {
      rowsOnLanes ? body(onLanes, other) : body(other, onLanes);
    });
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
/// accumulator, and nothing in between writes memory, from which it may read.
static DotOp findProductOfPrologue(MapOp map) {
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

void KernelLowering::findPrologues() {
  kernel.walk([&](MapOp map) {
    if (DotOp dot = findProductOfPrologue(map))
      prologues[map] = dot;
  });
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
    if (!ancestor)
      return true;
    // The open group reads when it is emitted: with `op`, or after it.
    if (group.ops.contains(ancestor))
      return group.ops.contains(op);
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
