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

/// Whether `value` is a number that a launcher narrows, or is chosen among
/// others and such.
static bool isNarrowed(Value value, SmallPtrSetImpl<Value> &seen) {
  if (!seen.insert(value).second)
    return false;
  auto any = [&](ValueRange values) {
    return llvm::any_of(values,
                        [&](Value other) { return isNarrowed(other, seen); });
  };
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto loop = dyn_cast<scf::ForOp>(argument.getOwner()->getParentOp());
    if (!loop)
      return true;
    unsigned number = argument.getArgNumber();
    return number > 0 && any({loop.getInitArgs()[number - 1],
                              loop.getYieldedValues()[number - 1]});
  }
  Operation *op = value.getDefiningOp();
  if (isa<memref::LoadOp>(op))
    return true;
  if (isa<arith::MaxSIOp, arith::MinSIOp>(op))
    return any(op->getOperands());
  if (auto select = dyn_cast<arith::SelectOp>(op))
    return any({select.getTrueValue(), select.getFalseValue()});
  if (!isa<scf::ForOp, scf::IfOp>(op))
    return false;
  unsigned number = cast<OpResult>(value).getResultNumber();
  return llvm::any_of(op->getRegions(), [&](Region &region) {
    return any(region.front().getTerminator()->getOperand(number));
  });
}

/// Whether what a constant is compared with, or is one of several with, is
/// narrowed; or what it is stored to.
static bool meetsNarrowed(OpOperand &use) {
  Operation *user = use.getOwner();
  SmallPtrSet<Value, 8> seen{use.get()};
  auto isOne = [&](Value value) {
    return value.getType() == use.get().getType() && isNarrowed(value, seen);
  };
  if (isa<arith::MaxSIOp, arith::MinSIOp, arith::CmpIOp, arith::SelectOp>(user))
    return llvm::any_of(user->getOperands(), isOne);
  if (auto loop = dyn_cast<scf::ForOp>(user))
    return isOne(loop.getTiedLoopResult(&use));
  if (isa<scf::YieldOp>(user))
    return isOne(user->getParentOp()->getResult(use.getOperandNumber()));
  return isa<memref::StoreOp>(user);
}

/// The extremes of i64 among numbers that are narrowed, whose extremes are
/// those of i32.
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
  op.getResult().replaceUsesWithIf(extreme, meetsNarrowed);
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
