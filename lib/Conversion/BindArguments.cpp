//===- BindArguments.cpp - Arguments of 32 bits ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A launcher narrows what has 64 bits and checks that it fits (rule 8): kernels
// read it extended, and what they compute is right in 64 bits.
//
//===----------------------------------------------------------------------===//

#include "Retype.h"
#include "attn/Analysis/IndexRanges.h"
#include "attn/Conversion/LegalizeKernels.h"
#include "attn/Dialect/Tile/AttributeNames.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn {
#define GEN_PASS_DEF_BINDARGUMENTS
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

/// An integer or float of 64 bits.
static bool isWide(Type type) { return type.isInteger(64) || type.isF64(); }

/// What a launcher passes for a number of the program.
static Type getBoundType(Type type) {
  MLIRContext *context = type.getContext();
  return isa<FloatType>(type) ? Type(Float32Type::get(context))
                              : IntegerType::get(context, 32);
}

/// The number of the program that was bound as `value`.
static Value extend(OpBuilder &b, Value value, Type type) {
  Location loc = value.getLoc();
  if (type.isIndex())
    return arith::IndexCastOp::create(b, loc, type, value);
  if (type.isInteger(64))
    return arith::ExtSIOp::create(b, loc, type, value);
  if (type.isInteger(1)) {
    Value zero = arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(0));
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, value, zero);
  }
  if (isa<IntegerType>(type))
    return arith::TruncIOp::create(b, loc, type, value);
  if (type.isF64())
    return arith::ExtFOp::create(b, loc, type, value);
  return arith::TruncFOp::create(b, loc, type, value);
}

/// `value`, of 64 bits, as it is stored; what does not fit becomes the extreme
/// next to it.
static Value narrow(OpBuilder &b, Value value) {
  Location loc = value.getLoc();
  Type type = getBoundType(value.getType());
  if (isa<FloatType>(type))
    return arith::TruncFOp::create(b, loc, type, value);
  if (!IndexRanges().fitsInt32(value)) {
    auto limit = [&](int64_t number) {
      return arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(number));
    };
    value = arith::MinSIOp::create(b, loc, value, limit(INT32_MAX));
    value = arith::MaxSIOp::create(b, loc, value, limit(INT32_MIN));
  }
  return arith::TruncIOp::create(b, loc, type, value);
}

/// Where the extremes of i64 are compared with or stored, those of i32 stand
/// for them.
static void narrowExtreme(arith::ConstantOp op) {
  auto value = dyn_cast<IntegerAttr>(op.getValue());
  if (!value || !op.getType().isInteger(64) ||
      !(value.getValue().isMinSignedValue() ||
        value.getValue().isMaxSignedValue()))
    return;
  OpBuilder b(op);
  Value extreme = arith::ConstantOp::create(
      b, op.getLoc(),
      b.getI64IntegerAttr(value.getInt() < 0 ? INT32_MIN : INT32_MAX));
  op.getResult().replaceUsesWithIf(extreme, [](OpOperand &use) {
    return isa<arith::MaxSIOp, arith::MinSIOp, arith::CmpIOp, arith::SelectOp,
               scf::ForOp, scf::YieldOp, memref::StoreOp>(use.getOwner());
  });
}

/// Elements are counted in 32 bits (rule 21): the launcher refuses more where
/// their number is not known here.
static LogicalResult limitSpan(BlockArgument buffer) {
  for (Operation *user : buffer.getUsers()) {
    auto view = dyn_cast<memref::ReinterpretCastOp>(user);
    if (!view)
      continue;
    OpFoldResult size = view.getConstifiedMixedSizes().front();
    std::optional<int64_t> span = getConstantIntValue(size);
    if (!span) {
      Operation *sum = cast<Value>(size).getDefiningOp();
      if (sum && isa<arith::ArithDialect>(sum->getDialect()))
        sum->setAttr(tile::kSizeAttrName,
                     Builder(sum->getContext()).getIndexAttr(INT32_MAX));
      continue;
    }
    if (*span <= INT32_MAX)
      continue;
    auto name = dyn_cast<NameLoc>(buffer.getLoc());
    return view.emitError("buffer '")
           << (name ? name.getName().getValue() : "") << "' spans " << *span
           << " elements; a launcher of 32 bits counts up to 2147483647 "
              "(rule 21)";
  }
  return success();
}

static FailureOr<bool> bind(gpu::GPUFuncOp kernel) {
  kernel.walk(narrowExtreme);
  Retype bound{narrow, extend};
  for (BlockArgument argument : getParameters(kernel)) {
    Type type = argument.getType();
    if (auto memory = dyn_cast<MemRefType>(type)) {
      if (failed(limitSpan(argument)))
        return failure();
      Type element = memory.getElementType();
      if (!isWide(element))
        continue;
      SmallVector<Operation *> accesses = getAccesses(argument);
      // Ranges of what is stored follow from what is read.
      for (Operation *access : accesses)
        if (auto load = dyn_cast<memref::LoadOp>(access))
          bound.result(load.getResult(), getBoundType(element));
      for (Operation *access : accesses)
        if (auto store = dyn_cast<memref::StoreOp>(access))
          bound.operand(store.getValueMutable());
      setElementType(kernel, argument, getBoundType(element));
      continue;
    }
    Type to = getBoundType(type);
    if (type == to)
      continue;
    // An index is a number of this compiler's, not of the program.
    if (!type.isIndex())
      kernel.setArgAttr(argument.getArgNumber(), tile::kElementAttrName,
                        TypeAttr::get(type));
    bound.result(argument, to);
    setParameterType(kernel, argument, to);
  }
  return true;
}

namespace {
struct BindArguments final
    : KernelsThatLack<attn::impl::BindArgumentsBase<BindArguments>,
                      tile::Lacks::Int64> {
  FailureOr<bool> visit(gpu::GPUFuncOp kernel) override { return bind(kernel); }
};
} // namespace
