//===- KernelFrame.cpp - What tensor-core kernels have in common ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parameters, the order of query tiles, key tiles that are skipped.
//
//===----------------------------------------------------------------------===//

#include "KernelFrame.h"
#include "attn/Dialect/Tile/AttributeNames.h"
#include "attn/Transforms/ScheduleChoices.h"

using namespace mlir;

namespace attn::tensorcore {

std::string explainOrder(KernelStructure &structure, const PointOrder &order) {
  Operation *kernel = structure.kernel;
  if (!structure.unevenWork)
    return "query tiles in the order of the grid (longest_first, head_group): "
           "none has more key tiles than another for where it lies";
  if (!order.longestFirst)
    return explainChoice(
        kernel, "longest_first", &ScheduleAttr::getLongestFirst,
        "query tiles in the order of the grid", "an option says so");
  return explainChoice(kernel, "longest_first", &ScheduleAttr::getLongestFirst,
                       "the longest query tiles first",
                       "the short ones fill the end") +
         "; " +
         explainChoice(kernel, "head_group", &ScheduleAttr::getHeadGroup,
                       llvm::Twine(order.headGroup) + " heads at once",
                       "their keys and values stay in the L2 cache");
}

Values KernelFrame::createKernel(ArrayRef<Parameter> more, int64_t threads,
                                 int64_t blocks,
                                 tile::LaunchInfoAttr launchInfo,
                                 ArrayRef<std::string> choices) {
  func::FuncOp source = structure.kernel;
  ArrayRef<BlockArgument> operands = tile::KernelArguments(source).operands;
  SmallVector<Parameter> parameters;
  for (BlockArgument operand : operands) {
    Type type = operand.getType();
    if (isa<MemRefType>(type))
      type = emit.pointerType(1);
    else if (type.isIndex())
      type = emit.getI64Type();
    parameters.push_back({type});
  }
  for (unsigned dim = 0; dim < tile::kGridRank; ++dim)
    parameters.push_back({emit.getI32Type()});
  llvm::append_range(parameters, more);

  Values values;
  Operation *kernel =
      emit.createKernel(source.getName(), parameters, threads, blocks, values);
  kernel->setAttr(tile::LaunchInfoAttr::attributeName, launchInfo);
  kernel->setAttr(tile::kScheduledAttrName, emit.getUnitAttr());
  takeChoices(kernel, source);
  addChoices(kernel, choices);

  for (auto [operand, value] : llvm::zip(operands, values))
    arguments.bind(operand, value);
  for (unsigned dim = 0; dim < tile::kGridRank; ++dim) {
    extents[dim] = values[operands.size() + dim];
    arguments.bind(structure.grid(dim), extents[dim]);
  }
  // The low bits of parameters are taken where they are read.
  for (auto cast : source.getOps<arith::IndexCastOp>())
    if (llvm::is_contained(operands, cast.getIn()))
      arguments.emitScalar(cast);
  tiles = emit.mul(emit.mul(extents[0], extents[1]), extents[2]);
  return Values(ArrayRef(values).drop_front(operands.size() + tile::kGridRank));
}

void KernelFrame::bindPoint(Value tile, const PointOrder &order, Scope &scope) {
  Value problem, query; // which head of the batch, which query tile
  if (order.longestFirst && structure.unevenWork) {
    // The tile form numbers query tiles so that ascending is longest first.
    // Heads go in groups whose keys and values stay in the L2 cache.
    Value group = emit.i32(order.headGroup);
    Value problems = emit.mul(extents[0], extents[1]);
    Value section = emit.mul(extents[2], group);
    Value number = emit.divide(tile, section);
    Value rest = emit.sub(tile, emit.mul(number, section));
    Value first = emit.mul(number, group);
    Value heads = emit.smaller(group, emit.sub(problems, first));
    Value step = emit.divide(rest, heads);
    problem = emit.add(first, emit.sub(rest, emit.mul(step, heads)));
    query = step;
  } else {
    problem = emit.divide(tile, extents[2]);
    query = emit.sub(tile, emit.mul(problem, extents[2]));
  }
  Value batch = emit.divide(problem, extents[1]);
  scope.bind(structure.point(0), batch);
  scope.bind(structure.point(1),
             emit.sub(problem, emit.mul(batch, extents[1])));
  scope.bind(structure.point(2), query);
}

void KernelFrame::emitTopLevel(Scope &scope) {
  for (Operation &op : structure.kernel.getOps())
    if (op.getNumResults() != 1 || !arguments.find(op.getResult(0)))
      scope.emitScalar(&op);
  structure.loop.walk([&](tile::MapOp map) {
    for (Operation &op : map.getBody().front().without_terminator())
      if (isScalarOp(&op) && !isa<arith::ConstantOp>(op) &&
          llvm::all_of(op.getOperands(), [&](Value operand) {
            return scope.find(operand) || getView(operand) ||
                   matchPattern(operand, m_Constant());
          }))
        scope.emitScalar(&op);
  });
}

KeyTile KernelFrame::bindPosition(Value position, Scope &scope, Value full) {
  scf::ForOp loop = structure.loop;
  scope.bind(loop.getInductionVar(), position);
  KeyTile found;
  if (tile::RangeAtOp rangeAt = structure.rangeAt) {
    found = emitRangeAt(emit, structure.ranges(), position, scope);
    if (full)
      found.full = full;
    else
      emitPredicate(structure.ranges(), found, emit, scope);
    scope.bind(rangeAt.getTile(), found.tile);
    scope.bind(rangeAt.getFull(), found.full);
  }
  for (Operation &op : *loop.getBody())
    scope.emitScalar(&op);
  return found;
}

Value KernelFrame::advance(Value position, Value end, Scope &scope) {
  if (!structure.hasPredicate())
    return position;
  Type i32 = emit.getI32Type();
  Block *test = emit.createBlock(i32);
  Block *ask = emit.createBlock();
  Block *found = emit.createBlock(i32);
  Value candidate = test->getArgument(0);
  emit.branch(test, position);
  emit.enter(test);
  emit.branchIf(emit.less(candidate, end), ask, {}, found, candidate);
  emit.enter(ask);
  Scope inner(emit, &scope);
  KeyTile tile = emitRangeAt(emit, structure.ranges(), candidate, inner);
  emitPredicate(structure.ranges(), tile, emit, inner);
  emit.branchIf(tile.visit, found, candidate, test, emit.add(candidate, 1));
  emit.enter(found);
  return found->getArgument(0);
}

} // namespace attn::tensorcore
