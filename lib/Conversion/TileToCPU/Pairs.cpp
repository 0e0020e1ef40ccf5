//===- Pairs.cpp - Products of pairs of bf16 ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A vector that multiplies pairs of bf16 has in each lane two neighbours of the
// sum. Left operands have their columns side by side; keys are pairs where they
// are, of which one is broadcast as 32 bits, and values are copied two rows
// side by side.
//
//===----------------------------------------------------------------------===//

#include "KernelLowering.h"

using namespace mlir;
using namespace attn;
using namespace attn::cpu;
using namespace attn::tile;

//===----------------------------------------------------------------------===//
// What is multiplied in pairs
//===----------------------------------------------------------------------===//

/// True if all uses of a tile are as left operand of products with bf16 from
/// memory, none of whose rows are left out.
bool KernelLowering::isPairOperand(Value left) {
  auto type = dyn_cast<TileType>(left.getType());
  if (!regs.bf16Pairs || lanes != LaneDim::Rows || !type ||
      type.getRank() != 2 || !type.getElementType().isBF16() ||
      type.getCols() % 2 ||
      !isa_and_nonnull<LoadOp, ConvertOp>(left.getDefiningOp()))
    return false;
  return llvm::all_of(left.getUses(), [left](OpOperand &use) {
    auto dot = dyn_cast<DotOp>(use.getOwner());
    if (!dot || use.getOperandNumber() != 0)
      return false;
    auto right = dot.getB().getDefiningOp<LoadOp>();
    return right && right.getType().getElementType().isBF16() &&
           (dot.getTransposeB() || !right.getMixed()) &&
           llvm::all_of(right->getUsers(),
                        [left, dot](Operation *user) mutable {
                          auto other = dyn_cast<DotOp>(user);
                          return other && other.getA() == left &&
                                 other.getTransposeB() == dot.getTransposeB();
                        });
  });
}

/// Whether the product that reads `right` takes pairs.
bool KernelLowering::isOfPairs(LoadOp right) {
  auto dot =
      right->use_empty() ? DotOp() : dyn_cast<DotOp>(*right->user_begin());
  return dot && isRightOperand(right.getResult()) && isPairOperand(dot.getA());
}

//===----------------------------------------------------------------------===//
// Vectors of pairs
//===----------------------------------------------------------------------===//

/// A vector of f32 or bf16 as bf16.
Value KernelLowering::narrow(Value vector) {
  auto type = cast<VectorType>(vector.getType());
  if (type.getElementType().isBF16())
    return vector;
  return arith::TruncFOp::create(
      b, cast<VectorType>(type.clone(b.getBF16Type())), vector);
}

/// Two vectors of f32 or bf16, lane by lane.
Value KernelLowering::interleave(Value even, Value odd) {
  return vector::InterleaveOp::create(b, narrow(even), narrow(odd));
}

Value KernelLowering::loadPairVector(Value buffer, Value row, Value pair) {
  Value start = b.createOrFold<arith::MulIOp>(row, index(2));
  return vector::LoadOp::create(b, pairVector(), buffer,
                                ValueRange{pair, start});
}

/// A pair of the right operand, in all lanes.
Value KernelLowering::splatPair(DotOp dot, const Place &right, Value column,
                                Value pair) {
  SmallVector<Value> at(right.leading);
  Value two = index(2);
  if (dot.getTransposeB())
    at.append({add(right.row, column),
               add(right.col, b.createOrFold<arith::MulIOp>(pair, two))});
  else
    at.append({pair, b.createOrFold<arith::MulIOp>(column, two)});
  Type i32 = b.getI32Type();
  Value elements = vector::LoadOp::create(
      b, VectorType::get({2}, b.getBF16Type()), right.buffer, at);
  Value bits =
      vector::BitCastOp::create(b, VectorType::get({1}, i32), elements);
  Value all = vector::BroadcastOp::create(
      b, VectorType::get({static_cast<int64_t>(regs.lanes)}, i32),
      vector::ExtractOp::create(b, bits, 0));
  return vector::BitCastOp::create(b, pairVector(), all);
}

//===----------------------------------------------------------------------===//
// Loads
//===----------------------------------------------------------------------===//

/// Queries: rows on lanes, columns in pairs, zero past the valid part.
void KernelLowering::loadPairs(LoadOp load, TileType type) {
  int64_t pairs = type.getCols() / 2;
  Value buffer = allocate({pairs, 2 * type.getRows()}, b.getBF16Type());
  places[load.getResult()].kind = Place::Pairs;
  places[load.getResult()].buffer = buffer;
  Value rows = clampTo(load.getValid()[0], type.getRows());
  Value cols = clampTo(load.getValid()[1], type.getCols());
  auto isWhole = [](Value valid, int64_t size) {
    APInt known;
    return matchPattern(valid, m_ConstantInt(&known)) &&
           known.getSExtValue() >= size;
  };
  if (!isWhole(rows, type.getRows()) || !isWhole(cols, type.getCols())) {
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(pairVector()));
    forRange(index(0), index(pairs), 1, [&](Value pair) {
      forRange(index(0), index(2 * type.getRows()), 2 * regs.lanes,
               [&](Value at) {
                 vector::StoreOp::create(b, zero, buffer, ValueRange{pair, at});
               });
    });
  }
  Value two = index(2);
  bool byPairs =
      isWhole(cols, type.getCols()) && isContiguous(load.getSource());
  forRange(index(0), rows, 1, [&](Value row) {
    SmallVector<Value> at = rowSubscript(load, row);
    Value base = at.back();
    Value lane = arith::MulIOp::create(b, row, two);
    if (byPairs)
      return forRange(index(0), index(pairs), 1, [&](Value pair) {
        at.back() = add(base, arith::MulIOp::create(b, pair, two));
        Value loaded = vector::LoadOp::create(
            b, VectorType::get({2}, b.getBF16Type()), load.getSource(), at);
        vector::StoreOp::create(b, loaded, buffer, ValueRange{pair, lane});
      });
    forRange(index(0), cols, 1, [&](Value col) {
      at.back() = add(base, col);
      Value loaded = memref::LoadOp::create(b, load.getSource(), at);
      memref::StoreOp::create(
          b, loaded, buffer,
          ValueRange{arith::DivUIOp::create(b, col, two),
                     add(lane, arith::RemUIOp::create(b, col, two))});
    });
  });
}

/// Values: [row / 2][2 * col + row % 2]. Of an odd number of valid rows the
/// last one has zeros at its side.
void KernelLowering::copyRowPairs(LoadOp load, TileType type) {
  Place &place = places[load.getResult()];
  place.kind = Place::Memory;
  place.buffer =
      allocate({(type.getRows() + 1) / 2, 2 * type.getCols()}, b.getBF16Type());
  place.row = place.col = index(0);
  place.validRows = clampTo(load.getValid()[0], type.getRows());
  Value buffer = place.buffer, rows = place.validRows;
  Value cols = clampTo(load.getValid()[1], type.getCols());
  Value two = index(2);
  bool byVectors = isContiguous(load.getSource());
  Value vectorCols = index(0);
  if (byVectors)
    vectorCols = b.createOrFold<arith::SubIOp>(
        cols, b.createOrFold<arith::RemUIOp>(cols, index(regs.lanes)));
  auto half =
      VectorType::get({static_cast<int64_t>(regs.lanes)}, b.getBF16Type());
  Value zeros = arith::ConstantOp::create(b, b.getZeroAttr(half));
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(b.getBF16Type()));
  forRange(index(0), rows, 2, [&](Value row) {
    Value pair = arith::DivUIOp::create(b, row, two);
    Value second = add(row, index(1));
    Value hasSecond =
        arith::CmpIOp::create(b, arith::CmpIPredicate::slt, second, rows);
    SmallVector<Value> even = rowSubscript(load, row),
                       odd = rowSubscript(load,
                                          min(second, add(rows, index(-1))));
    Value evenStart = even.back(), oddStart = odd.back();
    // vector.load wants contiguous memory even in a loop that never runs.
    if (byVectors)
      forRange(index(0), vectorCols, regs.lanes, [&](Value col) {
        even.back() = add(evenStart, col);
        odd.back() = add(oddStart, col);
        Value x = vector::LoadOp::create(b, half, load.getSource(), even);
        Value y = vector::LoadOp::create(b, half, load.getSource(), odd);
        y = arith::SelectOp::create(b, hasSecond, y, zeros);
        vector::StoreOp::create(
            b, interleave(x, y), buffer,
            ValueRange{pair, arith::MulIOp::create(b, col, two)});
      });
    auto store = [&](Value col, Value x, Value y) {
      Value at = arith::MulIOp::create(b, col, two);
      memref::StoreOp::create(b, x, buffer, ValueRange{pair, at});
      memref::StoreOp::create(b, y, buffer,
                              ValueRange{pair, add(at, index(1))});
    };
    forRange(vectorCols, cols, 1, [&](Value col) {
      even.back() = add(evenStart, col);
      odd.back() = add(oddStart, col);
      Value x = memref::LoadOp::create(b, load.getSource(), even);
      Value y = memref::LoadOp::create(b, load.getSource(), odd);
      store(col, x, arith::SelectOp::create(b, hasSecond, y, zero));
    });
    forRange(cols, index(type.getCols()), 1,
             [&](Value col) { store(col, zero, zero); });
  });
}
