//===- SelectVersions.cpp - attn-select-versions --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Folds the conditions on sizes that schedules branch on where the sizes of a
// call are known, and checks what was assumed.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/ArgumentNames.h"
#include "attn/Dialect/Attn/Attn.h"
#include "attn/Dialect/Tile/Tile.h"
#include "attn/Target/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace attn {
#define GEN_PASS_DEF_SELECTVERSIONS
#include "attn/Target/Passes.h.inc"

/// Added to the reason of a version, once.
static constexpr StringLiteral kLeftOut =
    "; versions for other sizes are left out";

namespace {

/// Index arithmetic on the sizes of arguments that are known.
class Evaluator {
public:
  Evaluator(func::FuncOp function, ArrayRef<std::string> shapes);

  /// What `value` is for these sizes; null if they do not tell.
  Attribute get(Value value);

private:
  Attribute compute(Value value);

  /// The known sizes of each argument, by dimension.
  SmallVector<SmallVector<std::optional<int64_t>>> shapes;
  DenseMap<Value, Attribute> known;
};

} // namespace

Evaluator::Evaluator(func::FuncOp function, ArrayRef<std::string> texts) {
  shapes.resize(function.getNumArguments());
  for (auto [shape, text] : llvm::zip(shapes, texts)) {
    SmallVector<StringRef> sizes;
    StringRef(text).split(sizes, 'x');
    for (StringRef size : sizes) {
      int64_t number;
      shape.push_back(llvm::to_integer(size, number)
                          ? std::optional<int64_t>(number)
                          : std::nullopt);
    }
  }
}

Attribute Evaluator::get(Value value) {
  auto [it, isNew] = known.try_emplace(value);
  if (!isNew)
    return it->second;
  return known[value] = compute(value);
}

Attribute Evaluator::compute(Value value) {
  Attribute constant;
  Operation *op = value.getDefiningOp();
  if (matchPattern(value, m_Constant(&constant)))
    return constant;
  if (!op || op->getNumRegions() || op->getNumResults() != 1)
    return {};
  if (auto dim = dyn_cast<memref::DimOp>(op)) {
    auto argument = dyn_cast<BlockArgument>(dim.getSource());
    std::optional<int64_t> index = dim.getConstantIndex();
    if (!argument || !index || argument.getArgNumber() >= shapes.size())
      return {};
    auto &shape = shapes[argument.getArgNumber()];
    if (*index < 0 || *index >= static_cast<int64_t>(shape.size()) ||
        !shape[*index])
      return {};
    return IntegerAttr::get(dim.getType(), *shape[*index]);
  }
  if (!isPure(op))
    return {};
  SmallVector<Attribute> operands;
  for (Value operand : op->getOperands())
    operands.push_back(get(operand));
  // A fold may change its op, and what it assumes holds for these sizes only.
  Operation *copy = op->clone();
  SmallVector<OpFoldResult> results;
  bool folded = succeeded(copy->fold(operands, results)) && !results.empty();
  copy->destroy();
  if (!folded)
    return {};
  auto attribute = dyn_cast<Attribute>(results.front());
  return attribute ? attribute : get(cast<Value>(results.front()));
}

/// The sizes of arguments that `value` is computed from.
static void collectSizes(Value value, SetVector<memref::DimOp> &sizes) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return;
  auto dim = dyn_cast<memref::DimOp>(op);
  if (dim && isa<BlockArgument>(dim.getSource()) && dim.getConstantIndex())
    sizes.insert(dim);
  for (Value operand : op->getOperands())
    collectSizes(operand, sizes);
}

/// Refuses calls for which `branch` goes another way.
static void checkSizes(scf::IfOp branch, bool taken) {
  SmallVector<std::string> arguments =
      getArgumentNames(branch->getParentOfType<func::FuncOp>());
  SetVector<memref::DimOp> sizes;
  collectSizes(branch.getCondition(), sizes);
  SmallVector<std::string> names;
  SmallVector<Value> values;
  for (memref::DimOp size : sizes) {
    unsigned index = cast<BlockArgument>(size.getSource()).getArgNumber();
    names.push_back(("dimension " + Twine(*size.getConstantIndex()) + " of " +
                     arguments[index])
                        .str());
    values.push_back(size);
  }
  ImplicitLocOpBuilder b(branch.getLoc(), branch);
  Value holds = branch.getCondition();
  if (!taken)
    holds =
        arith::XOrIOp::create(b, holds, arith::ConstantIntOp::create(b, 1, 1));
  SmallVector<StringRef> texts(names.begin(), names.end());
  tile::CheckOp::create(b, holds, "the program was compiled for other sizes",
                        b.getStrArrayAttr(texts), values);
}

/// Leaves of `branch` what is taken.
static void select(scf::IfOp branch, bool taken) {
  if (Block *block = taken ? branch.thenBlock() : branch.elseBlock()) {
    block->getTerminator()->erase();
    block->walk([&](AttentionOp op) {
      auto reason = op->getAttrOfType<StringAttr>(kScheduleReasonAttrName);
      if (reason && !reason.getValue().ends_with(kLeftOut))
        op->setAttr(
            kScheduleReasonAttrName,
            StringAttr::get(op.getContext(), reason.getValue() + kLeftOut));
    });
    branch->getBlock()->getOperations().splice(branch->getIterator(),
                                               block->getOperations());
  }
  branch.erase();
}

/// A branch between versions of an op that the sizes decide, and which way.
static std::optional<std::pair<scf::IfOp, bool>>
findDecided(func::FuncOp function, ArrayRef<std::string> shapes) {
  Evaluator sizes(function, shapes);
  std::optional<std::pair<scf::IfOp, bool>> found;
  function.walk([&](scf::IfOp branch) {
    auto taken =
        dyn_cast_or_null<IntegerAttr>(sizes.get(branch.getCondition()));
    bool holdsVersions =
        branch.walk([](AttentionOp) { return WalkResult::interrupt(); })
            .wasInterrupted();
    if (!taken || !holdsVersions || branch.getNumResults())
      return WalkResult::advance();
    found.emplace(branch, !taken.getValue().isZero());
    return WalkResult::interrupt();
  });
  return found;
}

namespace {
class SelectVersions final : public impl::SelectVersionsBase<SelectVersions> {
public:
  using SelectVersionsBase::SelectVersionsBase;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    while (auto decided = findDecided(function, shapes)) {
      checkSizes(decided->first, decided->second);
      select(decided->first, decided->second);
      ++numSelected;
    }
  }
};
} // namespace
} // namespace attn
