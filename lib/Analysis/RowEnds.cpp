//===- RowEnds.cpp - Masks whose rows end with their keys -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads compares of a key and a row, and what joins them.
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/RowEnds.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace attn::mask;

/// Whether no argument of the region goes into the value.
static bool isUniform(Value value, Region &region) {
  Operation *op = value.getDefiningOp();
  return !region.isAncestor(value.getParentRegion()) ||
         (op && llvm::all_of(op->getOperands(), [&](Value operand) {
            return isUniform(operand, region);
          }));
}

/// `value` = row + end.addend.
static bool isSumOf(Value value, BlockArgument row, RowEnd &end) {
  if (value == row)
    return true;
  auto sum = value.getDefiningOp<arith::AddIOp>();
  if (!sum || !llvm::is_contained(sum.getOperands(), row))
    return false;
  end.addend = sum.getLhs() == row ? sum.getRhs() : sum.getLhs();
  return isUniform(end.addend, *row.getParentRegion());
}

static void collect(Value condition, BlockArgument row, BlockArgument key,
                    RowEnds &found) {
  if (auto both = condition.getDefiningOp<arith::AndIOp>()) {
    collect(both.getLhs(), row, key, found);
    collect(both.getRhs(), row, key, found);
    return;
  }
  auto compare = condition.getDefiningOp<arith::CmpIOp>();
  if (!compare) {
    found.isAll = false;
    return;
  }
  arith::CmpIPredicate predicate = compare.getPredicate();
  Value lesser = compare.getLhs(), greater = compare.getRhs();
  if (predicate == arith::CmpIPredicate::sge ||
      predicate == arith::CmpIPredicate::sgt) {
    std::swap(lesser, greater);
    predicate = predicate == arith::CmpIPredicate::sge
                    ? arith::CmpIPredicate::sle
                    : arith::CmpIPredicate::slt;
  }
  bool isStrict = predicate == arith::CmpIPredicate::slt;
  RowEnd end{Value(), isStrict ? -1 : 0};
  if ((isStrict || predicate == arith::CmpIPredicate::sle) && lesser == key &&
      isSumOf(greater, row, end))
    found.ends.push_back(end);
  else
    found.isAll = false;
}

RowEnds attn::mask::findRowEnds(Value condition, BlockArgument row,
                                BlockArgument key) {
  RowEnds found;
  collect(condition, row, key, found);
  return found;
}

bool attn::mask::endsWithRows(AttentionOp op) {
  if (!op.hasMaskRegion())
    return true;
  Block &mask = op.getMask().front();
  constexpr unsigned rowArgument = 2, keyArgument = 3;
  return findRowEnds(mask.getTerminator()->getOperand(0),
                     mask.getArgument(rowArgument),
                     mask.getArgument(keyArgument))
      .isAll;
}
