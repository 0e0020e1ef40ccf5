//===- WidenSmallIntegers.cpp - i8 and i16 in 32 bits ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every op on small integers becomes one on i32 between casts; then a cast down
// and up again becomes shifts or a mask. Numbers of bf16 are moved as their
// bits.
//
//===----------------------------------------------------------------------===//

#include "Retype.h"
#include "RewriteOps.h"
#include "Staging.h"
#include "attn/Conversion/LegalizeKernels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn {
#define GEN_PASS_DEF_WIDENSMALLINTEGERS
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

static bool isSmall(Type type) {
  auto integer = dyn_cast<IntegerType>(type);
  return integer && integer.getWidth() > 1 && integer.getWidth() < 32;
}

/// Whether operand `number` counts as a number without sign.
static bool isUnsignedOperand(Operation *op, unsigned number) {
  if (auto compare = dyn_cast<arith::CmpIOp>(op))
    return compare.getPredicate() >= arith::CmpIPredicate::ult;
  if (isa<arith::ShLIOp, arith::ShRSIOp>(op))
    return number == 1;
  return isa<arith::DivUIOp, arith::RemUIOp, arith::MaxUIOp, arith::MinUIOp,
             arith::ShRUIOp, arith::UIToFPOp, arith::IndexCastUIOp,
             math::CtPopOp>(op);
}

static Value truncate(OpBuilder &b, Value value, Type type) {
  return arith::TruncIOp::create(b, value.getLoc(), type, value);
}

/// Lets `op` take and give i32 where it has small integers.
static void widen(Operation *op) {
  Type i32 = IntegerType::get(op->getContext(), 32);
  Retype toSigned{[&](OpBuilder &b, Value value) -> Value {
                    return b.createOrFold<arith::ExtSIOp>(value.getLoc(), i32,
                                                          value);
                  },
                  truncate};
  Retype toUnsigned{[&](OpBuilder &b, Value value) -> Value {
                      return b.createOrFold<arith::ExtUIOp>(value.getLoc(), i32,
                                                            value);
                    },
                    truncate};
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    for (auto [number, value] : llvm::enumerate(loop.getInitArgs()))
      if (isSmall(value.getType()))
        toSigned.carried(loop, number, i32);
    return;
  }
  if (auto branch = dyn_cast<scf::IfOp>(op)) {
    for (auto [number, value] : llvm::enumerate(branch.getResults()))
      if (isSmall(value.getType()))
        toSigned.yielded(branch, number, i32);
    return;
  }
  if (auto shuffle = dyn_cast<gpu::ShuffleOp>(op)) {
    if (!isSmall(shuffle.getValue().getType()))
      return;
    toSigned.operand(shuffle.getValueMutable());
    toSigned.result(shuffle.getShuffleResult(), i32);
    return;
  }
  // Casts are what stands between, and a constant is extended when folded.
  if (isa<arith::ConstantOp, arith::ExtSIOp, arith::ExtUIOp, arith::TruncIOp,
          arith::BitcastOp>(op) ||
      !isa<arith::ArithDialect, math::MathDialect>(op->getDialect()))
    return;
  for (OpOperand &operand : op->getOpOperands())
    if (isSmall(operand.get().getType()))
      (isUnsignedOperand(op, operand.getOperandNumber()) ? toUnsigned
                                                         : toSigned)
          .operand(operand);
  for (Value result : op->getResults())
    if (isSmall(result.getType()))
      toSigned.result(result, i32);
}

/// Lets what moves a bf16 from one place to another move an i16.
static void moveAsBits(Operation *op) {
  auto isNumber = [](Value value) { return value.getType().isBF16(); };
  if (!llvm::any_of(op->getResults(), isNumber))
    return;
  Type i16 = IntegerType::get(op->getContext(), 16);
  Retype bits{[&](OpBuilder &b, Value value) -> Value {
                return b.createOrFold<arith::BitcastOp>(value.getLoc(), i16,
                                                        value);
              },
              [](OpBuilder &b, Value value, Type type) -> Value {
                return arith::BitcastOp::create(b, value.getLoc(), type, value);
              }};
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    for (auto [number, value] : llvm::enumerate(loop.getResults()))
      if (isNumber(value))
        bits.carried(loop, number, i16);
  } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
    for (auto [number, value] : llvm::enumerate(branch.getResults()))
      if (isNumber(value))
        bits.yielded(branch, number, i16);
  } else if (auto select = dyn_cast<arith::SelectOp>(op)) {
    bits.operand(select.getTrueValueMutable());
    bits.operand(select.getFalseValueMutable());
    bits.result(select.getResult(), i16);
  } else if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    APInt value =
        cast<FloatAttr>(constant.getValue()).getValue().bitcastToAPInt();
    constant.setValueAttr(IntegerAttr::get(i16, value));
    bits.result(constant.getResult(), i16);
  } else if (auto shuffle = dyn_cast<gpu::ShuffleOp>(op)) {
    bits.operand(shuffle.getValueMutable());
    bits.result(shuffle.getShuffleResult(), i16);
  } else if (isa<ub::PoisonOp>(op)) {
    bits.result(op->getResult(0), i16);
  }
}

/// The bits of an f16, by those of the f32 that it is exactly.
static void expandHalfBits(arith::BitcastOp op) {
  if (!op.getIn().getType().isF16() || !op.getType().isInteger(16))
    return;
  ImplicitLocOpBuilder b(op.getLoc(), op);
  auto bitsOf = [&](uint32_t value) -> Value {
    return arith::ConstantOp::create(
        b, b.getI32IntegerAttr(static_cast<int32_t>(value)));
  };
  auto isAtLeast = [&](Value bits, uint32_t limit) -> Value {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::sge, bits,
                                 bitsOf(limit));
  };
  constexpr uint32_t bias = (127 - 15) << 23, smallest = 0x38800000,
                     infinity = 0x7f800000, halfInfinity = 0x7c00;
  Value number = arith::ExtFOp::create(b, b.getF32Type(), op.getIn());
  Value bits = arith::BitcastOp::create(b, b.getI32Type(), number);
  Value magnitude = arith::AndIOp::create(b, bits, bitsOf(0x7fffffff));
  Value sign = arith::XOrIOp::create(b, bits, magnitude);
  Value normal = arith::ShRSIOp::create(
      b, arith::SubIOp::create(b, magnitude, bitsOf(bias)), bitsOf(13));
  // Subnormal numbers are multiples of 2^-24.
  Value count = arith::MulFOp::create(
      b, arith::BitcastOp::create(b, b.getF32Type(), magnitude),
      arith::ConstantOp::create(b, b.getF32FloatAttr(0x1p24f)));
  Value subnormal = arith::FPToSIOp::create(b, b.getI32Type(), count);
  Value half = arith::SelectOp::create(b, isAtLeast(magnitude, smallest),
                                       normal, subnormal);
  // Infinity, and NaN with its upper bits.
  Value rest = arith::ShRSIOp::create(
      b, arith::AndIOp::create(b, magnitude, bitsOf(0x7fffff)), bitsOf(13));
  Value special = arith::OrIOp::create(b, rest, bitsOf(halfInfinity));
  half =
      arith::SelectOp::create(b, isAtLeast(magnitude, infinity), special, half);
  Value upper = arith::ShRUIOp::create(b, sign, bitsOf(16));
  Value all = arith::OrIOp::create(b, half, upper);
  op.replaceAllUsesWith(truncate(b, all, op.getType()));
  op.erase();
}

/// Reads a small element out of a word of its own.
static void readWord(memref::LoadOp load, Type element) {
  OpBuilder b(load->getContext());
  b.setInsertionPointAfter(load);
  Value word = load.getResult();
  Type bitsType = b.getIntegerType(element.getIntOrFloatBitWidth());
  word.setType(b.getI32Type());
  auto bits = arith::TruncIOp::create(b, load.getLoc(), bitsType, word);
  Value value = b.createOrFold<arith::BitcastOp>(load.getLoc(), element, bits);
  word.replaceAllUsesExcept(value, bits);
}

static void writeWord(memref::StoreOp store) {
  OpBuilder b(store);
  Value value = store.getValue();
  Type bitsType = b.getIntegerType(value.getType().getIntOrFloatBitWidth());
  Value bits =
      b.createOrFold<arith::BitcastOp>(store.getLoc(), bitsType, value);
  store.getValueMutable().assign(
      arith::ExtUIOp::create(b, store.getLoc(), b.getI32Type(), bits));
}

/// Gives each small element of the kernel's own buffers a word; `asBits`: bf16,
/// too.
static void widenBuffers(gpu::GPUFuncOp kernel, bool asBits) {
  for (BlockArgument buffer : kernel.getArguments().drop_front(
           kernel.getFunctionType().getNumInputs())) {
    auto type = cast<MemRefType>(buffer.getType());
    Type element = type.getElementType();
    if (!isSmall(element) && !(asBits && element.isBF16()))
      continue;
    buffer.setType(MemRefType::Builder(type).setElementType(
        IntegerType::get(kernel.getContext(), 32)));
    for (Operation *access : llvm::to_vector(buffer.getUsers())) {
      if (auto load = dyn_cast<memref::LoadOp>(access))
        readWord(load, element);
      else
        writeWord(cast<memref::StoreOp>(access));
    }
  }
}

namespace {
/// The low bits of an i32, or a boolean as so many, with zeros or copies of the
/// sign in front.
template <typename Ext> struct ExpandExtension final : OpRewritePattern<Ext> {
  using OpRewritePattern<Ext>::OpRewritePattern;

  LogicalResult matchAndRewrite(Ext op,
                                PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Operation *source = op.getIn().getDefiningOp();
    if (!source || source->getNumOperands() == 0 ||
        !isSmall(op.getIn().getType()))
      return failure();
    Value word = source->getOperand(0);
    if (isa<arith::ExtSIOp>(source) && word.getType().isInteger(1))
      word = arith::ExtSIOp::create(rewriter, loc, rewriter.getI32Type(), word);
    else if (isa<arith::ExtUIOp>(source) && word.getType().isInteger(1))
      word = arith::ExtUIOp::create(rewriter, loc, rewriter.getI32Type(), word);
    else if (!isa<arith::TruncIOp>(source) || !word.getType().isInteger(32))
      return failure();
    auto constant = [&](int64_t value) {
      return arith::ConstantOp::create(rewriter, loc,
                                       rewriter.getI32IntegerAttr(value));
    };
    unsigned width = op.getIn().getType().getIntOrFloatBitWidth();
    Value low;
    if (std::is_same_v<Ext, arith::ExtUIOp>) {
      low = arith::AndIOp::create(rewriter, loc, word,
                                  constant((int64_t(1) << width) - 1));
    } else {
      Value high =
          arith::ShLIOp::create(rewriter, loc, word, constant(32 - width));
      low = arith::ShRSIOp::create(rewriter, loc, high, constant(32 - width));
    }
    if (op.getType().isInteger(32))
      rewriter.replaceOp(op, low);
    else if (isSmall(op.getType()))
      rewriter.replaceOpWithNewOp<arith::TruncIOp>(op, op.getType(), low);
    else
      rewriter.replaceOpWithNewOp<arith::ExtSIOp>(op, op.getType(), low);
    return success();
  }
};

struct WidenSmallIntegers final
    : KernelsThatLack<attn::impl::WidenSmallIntegersBase<WidenSmallIntegers>,
                      tile::Lacks::SmallInt> {
  /// Most kernels have neither small integers nor numbers of bf16, which are
  /// meant only where they are no type of the machine.
  static bool hasSmall(gpu::GPUFuncOp kernel, bool asBits) {
    auto isMeant = [&](Type type) {
      if (auto memory = dyn_cast<MemRefType>(type))
        type = memory.getElementType();
      Type element = getElementTypeOrSelf(type);
      return isSmall(element) || (asBits && element.isBF16());
    };
    return llvm::any_of(kernel.getBody().getArgumentTypes(), isMeant) ||
           kernel
               .walk([&](Operation *op) {
                 return llvm::any_of(op->getResultTypes(), isMeant)
                            ? WalkResult::interrupt()
                            : WalkResult::advance();
               })
               .wasInterrupted();
  }

  FailureOr<bool> visit(gpu::GPUFuncOp kernel) override {
    bool asBits = !holdsBFloats(tile::TargetAttr::lookup(kernel));
    if (!hasSmall(kernel, asBits))
      return false;
    RewritePatternSet patterns(&getContext());
    if (asBits)
      arith::populateExpandBFloat16Patterns(patterns);
    if (failed(rewriteOps(kernel, std::move(patterns),
                          llvm::IsaPred<arith::ExtFOp, arith::TruncFOp>)))
      return failure();
    kernel.walk(expandHalfBits);
    widenBuffers(kernel, asBits);
    if (asBits)
      kernel.walk(moveAsBits);
    kernel.walk(widen);
    RewritePatternSet extensions(&getContext());
    extensions
        .add<ExpandExtension<arith::ExtSIOp>, ExpandExtension<arith::ExtUIOp>>(
            &getContext());
    arith::TruncIOp::getCanonicalizationPatterns(extensions, &getContext());
    arith::BitcastOp::getCanonicalizationPatterns(extensions, &getContext());
    if (failed(rewriteOps(kernel, std::move(extensions),
                          llvm::IsaPred<arith::ExtSIOp, arith::ExtUIOp,
                                        arith::TruncIOp, arith::BitcastOp>)))
      return failure();
    return true;
  }
};
} // namespace
