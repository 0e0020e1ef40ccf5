//===- MarkExact.cpp - Integers that do not overflow ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Marks sums, differences and products of i32 that stay in 32 bits, so that
// they can be written as they are in languages where overflow is undefined.
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/IndexRanges.h"
#include "attn/Dialect/Kernel/Kernel.h"
#include "attn/Target/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/TypeSwitch.h"

namespace attn {
#define GEN_PASS_DEF_MARKEXACT
#include "attn/Target/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

static bool canOverflow(Operation *op) {
  return isa<arith::AddIOp, arith::SubIOp, arith::MulIOp>(op) &&
         op->getResult(0).getType().isInteger(32);
}

namespace {
class Exactness {
public:
  bool isExact(Operation *op) { return fits(op) || isAddress(op); }

private:
  bool fits(Operation *op);
  bool isAddress(Operation *op);

  IndexRanges ranges;
  DenseMap<Operation *, bool> addresses;
};
} // namespace

/// Whether ranges of the operands prove it: 64 bits hold the result.
bool Exactness::fits(Operation *op) {
  ConstantIntRanges lhs = ranges.rangeOf(op->getOperand(0)),
                    rhs = ranges.rangeOf(op->getOperand(1));
  auto fitsAt = [&](const APInt &a, const APInt &b) {
    int64_t x = a.getSExtValue(), y = b.getSExtValue();
    return llvm::isInt<32>(isa<arith::AddIOp>(op)   ? x + y
                           : isa<arith::SubIOp>(op) ? x - y
                                                    : x * y);
  };
  return fitsAt(lhs.smin(), rhs.smin()) && fitsAt(lhs.smin(), rhs.smax()) &&
         fitsAt(lhs.smax(), rhs.smin()) && fitsAt(lhs.smax(), rhs.smax());
}

/// Whether `op` is a part of a position and nothing else.
bool Exactness::isAddress(Operation *op) {
  auto [it, isNew] = addresses.try_emplace(op, false);
  if (!isNew)
    return it->second;
  bool result = llvm::all_of(op->getUses(), [&](OpOperand &use) {
    Operation *user = use.getOwner();
    if (isa<memref::LoadOp, memref::StoreOp, vector::LoadOp, vector::StoreOp,
            kernel::LoadMatrixOp, kernel::StoreMatrixOp,
            memref::ReinterpretCastOp>(user))
      return use.get().getType().isIndex();
    return (canOverflow(user) || isa<arith::IndexCastOp>(user)) &&
           isAddress(user);
  });
  return addresses[op] = result;
}

namespace {
struct MarkExact final : attn::impl::MarkExactBase<MarkExact> {
  void runOnOperation() override {
    Exactness exactness;
    SmallVector<Operation *> exact;
    getOperation().walk([&](Operation *op) {
      if (canOverflow(op) && exactness.isExact(op))
        exact.push_back(op);
    });
    for (Operation *op : exact)
      TypeSwitch<Operation *>(op)
          .Case<arith::AddIOp, arith::SubIOp, arith::MulIOp>([](auto op) {
            op.setOverflowFlags(op.getOverflowFlags() |
                                arith::IntegerOverflowFlags::nsw);
          });
  }
};
} // namespace
