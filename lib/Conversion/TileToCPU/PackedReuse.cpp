//===- PackedReuse.cpp - One packing for several points -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Neighbouring points of a grid, the query tiles of a head and of the heads
// that share its keys, pack the same keys and values. So a call takes a range
// of points, and packs a block only if the one before packed another: it is
// still in L2 then, which memory of all threads for all packed blocks is not.
//
//===----------------------------------------------------------------------===//

#include "KernelLowering.h"

#include "attn/Conversion/TileToCPU.h"

#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace attn;
using namespace attn::cpu;
using namespace attn::tile;

/// What a loop that packs a block depends on besides its bounds and what all
/// points have in common; nothing if some of it is neither a number nor memory.
std::optional<SmallVector<Value>>
KernelLowering::findPackedNumbers(scf::ForOp packing) {
  llvm::SetVector<Value> read;
  getUsedValuesDefinedAbove(packing.getRegion(), read);
  KernelArguments arguments(kernel);
  SmallVector<Value> numbers;
  // Views of memory add what they depend on.
  for (size_t k = 0; k < read.size(); ++k) {
    Value value = read[k];
    auto argument = dyn_cast<BlockArgument>(value);
    bool isCommon =
        matchPattern(value, m_Constant()) ||
        (argument && argument.getOwner() == &kernel.getBody().front() &&
         !llvm::is_contained(arguments.point, argument));
    if (isCommon)
      continue;
    if (value.getType().isIndex())
      numbers.push_back(value);
    else if (isa<MemRefType>(value.getType()) && !argument)
      read.insert(value.getDefiningOp()->operand_begin(),
                  value.getDefiningOp()->operand_end());
    else
      return std::nullopt;
  }
  return numbers;
}

/// The loop runs if the block that is packed is another one, or has fewer
/// tiles.
LogicalResult KernelLowering::lowerPacking(scf::ForOp packing) {
  std::optional<SmallVector<Value>> numbers = findPackedNumbers(packing);
  if (failed(lowerBlock(*packing.getBody(), {})))
    return failure();
  OpBuilder::InsertionGuard guard(b);
  if (Value sizes = std::exchange(sizesOfKeys, nullptr)) {
    b.setInsertionPointAfter(packing);
    addSizesOfKeys(packing, sizes);
  }
  if (!numbers)
    return success();
  b.setInsertionPoint(packing);
  // Before the first point nothing is packed: up to tile -1.
  numbers->insert(numbers->begin(), packing.getLowerBound());
  numbers->insert(numbers->begin(), packing.getUpperBound());
  Type word = b.getI64Type();
  Value packed = allocate({int64_t(numbers->size())}, word);
  Value isOther;
  for (auto [k, number] : llvm::enumerate(*numbers)) {
    Value before = memref::LoadOp::create(b, packed, index(k));
    number = arith::IndexCastOp::create(b, word, number);
    auto differs =
        k == 0 ? arith::CmpIPredicate::sgt : arith::CmpIPredicate::ne;
    Value so = arith::CmpIOp::create(b, differs, number, before);
    isOther = isOther ? arith::OrIOp::create(b, isOther, so).getResult() : so;
  }
  auto branch = scf::IfOp::create(b, isOther, /*withElseRegion=*/false);
  packing->moveBefore(branch.thenBlock()->getTerminator());
  b.setInsertionPointAfter(packing);
  for (auto [k, number] : llvm::enumerate(*numbers))
    memref::StoreOp::create(b, number, packed, index(k));
  b.setInsertionPointAfterValue(packed);
  Value none = arith::ConstantOp::create(b, b.getI64IntegerAttr(-1));
  memref::StoreOp::create(b, none, packed, index(0));
  packsOnce = true;
  return success();
}

/// Makes the kernel take the points from that of its last coordinate up to that
/// of the one before, in the order of the grid: `body` is the first op of what
/// one point takes.
void KernelLowering::takeRangeOfPoints(Operation *body) {
  KernelArguments arguments(kernel);
  Block &entry = kernel.getBody().front();
  b.setInsertionPoint(body);
  Value first = arguments.point[2], end = arguments.point[1];
  auto loop = scf::ForOp::create(b, first, end, index(1));
  loop.getBody()->getOperations().splice(
      loop.getBody()->begin(), entry.getOperations(), body->getIterator(),
      entry.getTerminator()->getIterator());
  b.setInsertionPointToStart(loop.getBody());
  if (sizesOfFactors) {
    auto words = VectorType::get({kRegisterDepth}, b.getI16Type());
    vector::StoreOp::create(b,
                            arith::ConstantOp::create(b, b.getZeroAttr(words)),
                            sizesOfFactors, index(0));
  }
  Value number = loop.getInductionVar();
  for (unsigned dim = kGridRank; dim-- > 0;) {
    Value coordinate = number;
    if (dim > 0) {
      coordinate = arith::RemUIOp::create(b, number, arguments.extents[dim]);
      number = arith::DivUIOp::create(b, number, arguments.extents[dim]);
    }
    Value argument = arguments.point[dim];
    argument.replaceUsesWithIf(coordinate, [&](OpOperand &use) {
      return loop->isProperAncestor(use.getOwner());
    });
  }
  kernel->setAttr(kRangeAttrName, b.getUnitAttr());
}
