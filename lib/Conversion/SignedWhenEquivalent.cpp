//===- SignedWhenEquivalent.cpp - Signed ops on what is not negative ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Of numbers that no sign can have, signed ops give the same.
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/IndexRanges.h"
#include "attn/Conversion/LegalizeKernels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

namespace attn {
#define GEN_PASS_DEF_SIGNEDWHENEQUIVALENT
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;

/// The predicate of signed numbers for one of unsigned ones.
static arith::CmpIPredicate toSigned(arith::CmpIPredicate predicate) {
  using P = arith::CmpIPredicate;
  switch (predicate) {
  case P::ult:
    return P::slt;
  case P::ule:
    return P::sle;
  case P::ugt:
    return P::sgt;
  case P::uge:
    return P::sge;
  default:
    return predicate;
  }
}

static bool isUnsigned(Operation *op) {
  if (auto compare = dyn_cast<arith::CmpIOp>(op))
    return compare.getPredicate() >= arith::CmpIPredicate::ult;
  return isa<arith::DivUIOp, arith::RemUIOp, arith::MaxUIOp, arith::MinUIOp,
             arith::ShRUIOp, arith::UIToFPOp, arith::ExtUIOp>(op);
}

template <typename Op> static void replace(Operation *op) {
  OpBuilder b(op);
  op->getResult(0).replaceAllUsesWith(
      Op::create(b, op->getLoc(), op->getResultTypes(), op->getOperands())
          ->getResult(0));
  op->erase();
}

static void makeSigned(Operation *op) {
  TypeSwitch<Operation *>(op)
      .Case([](arith::CmpIOp op) {
        op.setPredicate(toSigned(op.getPredicate()));
      })
      .Case([](arith::DivUIOp op) { replace<arith::DivSIOp>(op); })
      .Case([](arith::RemUIOp op) { replace<arith::RemSIOp>(op); })
      .Case([](arith::MaxUIOp op) { replace<arith::MaxSIOp>(op); })
      .Case([](arith::MinUIOp op) { replace<arith::MinSIOp>(op); })
      .Case([](arith::ShRUIOp op) { replace<arith::ShRSIOp>(op); })
      .Case([](arith::UIToFPOp op) { replace<arith::SIToFPOp>(op); })
      .Case([](arith::ExtUIOp op) { replace<arith::ExtSIOp>(op); });
}

namespace {
struct SignedWhenEquivalent final
    : attn::impl::SignedWhenEquivalentBase<SignedWhenEquivalent> {
  void runOnOperation() override {
    bool changed = false;
    getOperation()->walk([&](gpu::GPUFuncOp kernel) {
      SmallVector<Operation *> ops;
      attn::IndexRanges ranges;
      auto hasNoSign = [&](Value value) {
        return !value.getType().isInteger(1) &&
               ranges.rangeOf(value).smin().isNonNegative();
      };
      kernel.walk([&](Operation *op) {
        if (isUnsigned(op) && llvm::all_of(op->getOperands(), hasNoSign))
          ops.push_back(op);
      });
      llvm::for_each(ops, makeSigned);
      changed |= !ops.empty();
    });
    if (!changed)
      markAllAnalysesPreserved();
  }
};
} // namespace
