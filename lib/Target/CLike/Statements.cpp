//===- Statements.cpp - What of a kernel is printed, and where ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Statements, inline expressions and declarations of variables.
//
//===----------------------------------------------------------------------===//

#include "Statements.h"
#include "attn/Dialect/Kernel/Kernel.h"
#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace attn::clike;

static bool writes(Operation *op) {
  return isa<gpu::BarrierOp, attn::tile::SubgroupBarrierOp>(op) ||
         hasEffect<MemoryEffects::Write>(op) ||
         (op->getNumRegions() && !isMemoryEffectFree(op));
}

/// How many products are added up in the expression of `op`, one after the
/// other.
int64_t Statements::countSums(Operation *op) {
  auto sum = dyn_cast<math::FmaOp>(op);
  if (!sum)
    return 0;
  Operation *before = sum.getC().getDefiningOp();
  return 1 + (before && isInline(before) ? countSums(before) : 0);
}

/// Whether ops behind `op` in its block read memory.
static bool readsBehind(Operation *op) {
  while ((op = op->getNextNode()))
    if (hasEffect<MemoryEffects::Read>(op))
      return true;
  return false;
}

/// Lanes that exchange values have to do so together, not where an operand of
/// `&&` or `?:` is evaluated for some of them.
static bool isExchange(Operation *op) {
  return isa<gpu::ShuffleOp, gpu::SubgroupReduceOp>(op);
}

SmallVector<OpOperand *> Statements::getNeededUses(Value value) {
  SmallVector<OpOperand *> uses;
  for (OpOperand &use : value.getUses()) {
    Operation *user = use.getOwner();
    auto view = dyn_cast<memref::ReinterpretCastOp>(user);
    if (!view && isRenaming(user)) {
      llvm::append_range(uses, getNeededUses(user->getResult(0)));
      continue;
    }
    // An offset is added to every index; sizes are not printed.
    if (view && use.getOperandNumber() > 0 &&
        !llvm::is_contained(view.getOffsets(), value))
      continue;
    if (isNeeded(user) && !isOverwritten(use))
      uses.push_back(&use);
  }
  return uses;
}

bool Statements::isOverwritten(OpOperand &use) {
  auto insert = dyn_cast<attn::kernel::InsertElementOp>(use.getOwner());
  if (!insert || use.getOperandNumber() != 1)
    return false;
  tile::TargetAttr target = tile::TargetAttr::lookup(insert);
  if (!target || !target.getSubgroup())
    return false;
  int64_t missing = insert.getType().getNumElements() / target.getSubgroup();
  SmallVector<int64_t> seen;
  while (insert) {
    if (llvm::is_contained(seen, insert.getNumber()))
      return false;
    seen.push_back(insert.getNumber());
    if (--missing == 0)
      return true;
    Operation *next = insert.getResult().hasOneUse()
                          ? *insert.getResult().user_begin()
                          : nullptr;
    if (next && next->getBlock() != insert->getBlock())
      return false;
    insert = dyn_cast_or_null<attn::kernel::InsertElementOp>(next);
  }
  return false;
}

bool Statements::isNeeded(Operation *op) {
  auto [it, isNew] = needed.try_emplace(op, true);
  if (!isNew)
    return it->second;
  bool result = op->hasTrait<OpTrait::IsTerminator>() || op->getNumRegions() ||
                writes(op);
  for (Value value : op->getResults())
    result = result || !getNeededUses(value).empty();
  return needed[op] = result;
}

bool Statements::isInline(Operation *op) {
  auto it = inlined.find(op);
  if (it != inlined.end())
    return it->second;
  bool result = canInline(op);
  inlined[op] = result;
  return result;
}

bool Statements::canInline(Operation *op) {
  if (isa<arith::ConstantOp>(op) || isRenaming(op))
    return true;
  if (op->getNumRegions() || op->getNumResults() != 1 || writes(op) ||
      isExchange(op) || isa<gpu::ThreadIdOp>(op))
    return false;
  SmallVector<OpOperand *> uses = getNeededUses(op->getResult(0));
  if (uses.size() != 1)
    return false;
  Operation *user = uses.front()->getOwner();
  if (user->getBlock() != op->getBlock())
    return false;
  // What is added up stays near what it is read from, in lines that are read.
  constexpr int64_t mostSums = 4;
  if (isa<math::FmaOp>(user) && countSums(op) >= mostSums)
    return false;
  // What a loop carries on is computed before what is read behind it.
  if (isa<math::FmaOp>(op) && isa<scf::YieldOp>(user) && readsBehind(op))
    return false;
  // A loop evaluates its bounds again and again.
  if (isa<scf::ForOp>(user) && uses.front()->getOperandNumber() < 3)
    return false;
  // Every access evaluates the offset of its view: once where loops repeat it.
  bool isOffset = isa<memref::ReinterpretCastOp>(user);
  if (isOffset && llvm::any_of(user->getUsers(), [&](Operation *access) {
        return access->getBlock() != op->getBlock();
      }))
    return false;
  if (isMemoryEffectFree(op))
    return true;
  if (isOffset)
    return false;
  Operation *statement = getStatement(user);
  for (Operation *next = op->getNextNode(); next != statement;
       next = next->getNextNode())
    if (writes(next))
      return false;
  return true;
}

/// The op of the same block whose statement evaluates `op`.
Operation *Statements::getStatement(Operation *op) {
  while (isInline(op) && !isRenaming(op))
    op = getNeededUses(op->getResult(0)).front()->getOwner();
  return op;
}

/// Scalar variables whose every use follows a store of the same block are
/// declared there.
void Statements::findDeclarations(gpu::GPUFuncOp kernel) {
  for (BlockArgument buffer : kernel.getPrivateAttributions()) {
    if (cast<MemRefType>(buffer.getType()).getNumElements() != 1)
      continue;
    Operation *first = nullptr;
    kernel.walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (!llvm::is_contained(op->getOperands(), buffer))
        return WalkResult::advance();
      first = op;
      return WalkResult::interrupt();
    });
    auto store = dyn_cast_or_null<memref::StoreOp>(first);
    if (store && llvm::all_of(buffer.getUsers(), [&](Operation *user) {
          return store->getBlock()->findAncestorOpInBlock(*user);
        }))
      declaringStores[store] = buffer;
  }
}

bool Statements::isDeclaredByStore(Value buffer) const {
  return llvm::any_of(declaringStores,
                      [&](auto &entry) { return entry.second == buffer; });
}

bool Statements::isConstant(Value buffer) const {
  return llvm::count_if(buffer.getUsers(), llvm::IsaPred<memref::StoreOp>) == 1;
}
