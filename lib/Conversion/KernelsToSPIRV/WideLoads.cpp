//===- WideLoads.cpp - Loads of 16 bytes ----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels in normal form load element by element. Which of these are neighbours
// is found by what their positions have in common, and where they lie by the
// factors of that.
//
//===----------------------------------------------------------------------===//

#include "WideLoads.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "llvm/ADT/MapVector.h"

#include <map>

using namespace mlir;
using namespace attn;

namespace {
/// Whether numbers are multiples of a power of two, and what a launch has to be
/// asked for that.
class Multiples {
public:
  explicit Multiples(int64_t divisor) : divisor(divisor) {}

  bool contain(Value value) { return divides(value, divisor); }
  SmallVector<BlockArgument> getAsked() { return asked.takeVector(); }

private:
  bool divides(Value value, int64_t of);
  bool dividesProduct(Operation *op, int64_t of);

  int64_t divisor;
  /// What is not known without asking is not true for now.
  bool mayAsk = true;
  llvm::SetVector<BlockArgument> asked;
};
} // namespace

bool Multiples::dividesProduct(Operation *op, int64_t of) {
  Value lhs = op->getOperand(0), rhs = op->getOperand(1);
  bool couldAsk = std::exchange(mayAsk, false);
  for (int64_t part = 1; part <= of; part *= 2)
    if (divides(lhs, part) && divides(rhs, of / part)) {
      mayAsk = couldAsk;
      return true;
    }
  mayAsk = couldAsk;
  return mayAsk && (divides(rhs, of) || divides(lhs, of));
}

bool Multiples::divides(Value value, int64_t of) {
  APInt number;
  if (of <= 1)
    return true;
  if (matchPattern(value, m_ConstantInt(&number)))
    return number.getSExtValue() % of == 0;
  Operation *op = value.getDefiningOp();
  if (!op) {
    // Of an argument of the kernel; it is a stride.
    auto argument = cast<BlockArgument>(value);
    if (!mayAsk || isa<LoopLikeOpInterface>(argument.getOwner()->getParentOp()))
      return false;
    asked.insert(argument);
    return true;
  }
  auto areOperands = [&](ValueRange operands) {
    return llvm::all_of(operands,
                        [&](Value operand) { return divides(operand, of); });
  };
  if (isa<arith::IndexCastOp, arith::IndexCastUIOp, arith::ExtSIOp,
          arith::TruncIOp, arith::AddIOp, arith::SubIOp, arith::OrIOp,
          arith::XOrIOp>(op))
    return areOperands(op->getOperands());
  if (isa<arith::SelectOp>(op))
    return areOperands(op->getOperands().drop_front());
  if (isa<arith::MulIOp>(op))
    return dividesProduct(op, of);
  if (isa<arith::ShLIOp>(op) &&
      matchPattern(op->getOperand(1), m_ConstantInt(&number)))
    return divides(op->getOperand(0),
                   of >> std::min<uint64_t>(number.getZExtValue(), 32));
  return false;
}

namespace {
/// An index as a number known to the compiler after another one.
struct Position {
  Value base;
  int64_t offset = 0;
};
} // namespace

static Position split(Value index) {
  Position position{index};
  while (Operation *op = position.base.getDefiningOp()) {
    if (isa<arith::IndexCastOp>(op)) {
      position.base = op->getOperand(0);
      continue;
    }
    APInt number;
    if (!isa<arith::AddIOp>(op) ||
        !matchPattern(op->getOperand(1), m_ConstantInt(&number)))
      break;
    position.offset += number.getSExtValue();
    position.base = op->getOperand(0);
  }
  return position;
}

/// The argument behind a view of a buffer that nothing writes, or null.
static BlockArgument findBuffer(memref::ReinterpretCastOp view) {
  auto argument = dyn_cast<BlockArgument>(view.getSource());
  if (!argument)
    return {};
  for (Operation *other : argument.getUsers())
    for (Operation *access : other->getUsers())
      if (!isa<memref::LoadOp>(access))
        return {};
  return argument;
}

/// Of the loads of a block from one view with one base, by offset.
static void addWideLoads(memref::ReinterpretCastOp view, Value base,
                         std::map<int64_t, memref::LoadOp> &loads,
                         SmallVectorImpl<WideLoad> &all) {
  BlockArgument buffer = findBuffer(view);
  if (!buffer)
    return;
  int64_t count =
      kPieceBytes * 8 / view.getType().getElementType().getIntOrFloatBitWidth();
  Multiples multiples(count);
  if (!multiples.contain(base) ||
      !llvm::all_of(view.getOffsets(),
                    [&](Value offset) { return multiples.contain(offset); }))
    return;
  SmallVector<BlockArgument> strides = multiples.getAsked();
  for (auto &[offset, first] : loads) {
    if (offset % count != 0)
      continue;
    WideLoad wide{{first}, buffer, strides};
    for (int64_t k = 1; k < count; ++k) {
      auto it = loads.find(offset + k);
      if (it == loads.end() || !first->isBeforeInBlock(it->second))
        break;
      wide.loads.push_back(it->second);
    }
    if (static_cast<int64_t>(wide.loads.size()) == count)
      all.push_back(wide);
  }
}

Value WideLoad::getCondition() const {
  Value condition;
  for (memref::LoadOp load : loads) {
    auto select = load->hasOneUse()
                      ? dyn_cast<arith::SelectOp>(*load->user_begin())
                      : arith::SelectOp();
    if (!select || select.getTrueValue() != load ||
        !matchPattern(select.getFalseValue(), m_PosZeroFloat()) ||
        (condition && condition != select.getCondition()))
      return {};
    condition = select.getCondition();
  }
  // It has to be known where the first element is loaded.
  Operation *op = condition.getDefiningOp();
  memref::LoadOp first = loads.front();
  return !op || op->getBlock() != first->getBlock() ||
                 op->isBeforeInBlock(first)
             ? condition
             : Value();
}

SmallVector<WideLoad> attn::findWideLoads(Operation *function) {
  SmallVector<WideLoad> all;
  function->walk([&](Block *block) {
    llvm::MapVector<std::pair<Value, Value>, std::map<int64_t, memref::LoadOp>>
        groups;
    for (auto load : block->getOps<memref::LoadOp>()) {
      Type element = load.getMemRefType().getElementType();
      if (!isa<Float16Type, BFloat16Type, Float32Type>(element))
        continue;
      Position position = split(load.getIndices().front());
      groups[{load.getMemRef(), position.base}].try_emplace(position.offset,
                                                            load);
    }
    for (auto &[key, loads] : groups) {
      Value memory = key.first;
      if (auto view = memory.getDefiningOp<memref::ReinterpretCastOp>())
        addWideLoads(view, key.second, loads, all);
    }
  });
  return all;
}
