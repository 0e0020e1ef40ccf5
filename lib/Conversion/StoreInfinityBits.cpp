//===- StoreInfinityBits.cpp - The bits of -inf, never a float ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Row statistics leave a kernel as words, where the target may assume that no
// float is infinite (rule 16).
//
//===----------------------------------------------------------------------===//

#include "Retype.h"
#include "attn/Conversion/LegalizeKernels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn {
#define GEN_PASS_DEF_STOREINFINITYBITS
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

/// The bits of `value`, those of -inf for the sentinel and what is below.
static Value encode(ImplicitLocOpBuilder &b, Value value, FloatAttr sentinel) {
  constexpr int32_t minusInfinity = int32_t(0xff800000);
  Value bits = arith::BitcastOp::create(b, b.getI32Type(), value);
  Value isSentinel =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OLE, value,
                            arith::ConstantOp::create(b, sentinel));
  return arith::SelectOp::create(
      b, isSentinel,
      arith::ConstantOp::create(b, b.getI32IntegerAttr(minusInfinity)), bits);
}

static FailureOr<bool> rewrite(gpu::GPUFuncOp kernel) {
  bool changed = false;
  for (BlockArgument argument : getParameters(kernel)) {
    auto sentinel = kernel.getArgAttrOfType<FloatAttr>(argument.getArgNumber(),
                                                       "attn.minus_infinity");
    if (!sentinel)
      continue;
    kernel.removeArgAttr(argument.getArgNumber(), "attn.minus_infinity");
    for (Operation *access : getAccesses(argument)) {
      auto store = dyn_cast<memref::StoreOp>(access);
      if (!store)
        return access->emitOpError("reads what is stored by its bits; "
                                   "results take memory of their own");
      ImplicitLocOpBuilder b(store.getLoc(), store);
      store.getValueMutable().set(encode(b, store.getValue(), sentinel));
    }
    setElementType(kernel, argument, IntegerType::get(kernel.getContext(), 32));
    changed = true;
  }
  return changed;
}

namespace {
struct StoreInfinityBits final
    : KernelsThatLack<attn::impl::StoreInfinityBitsBase<StoreInfinityBits>,
                      tile::Lacks::Infinity> {
  FailureOr<bool> visit(gpu::GPUFuncOp kernel) override {
    return rewrite(kernel);
  }
};
} // namespace
