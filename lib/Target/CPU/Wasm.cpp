//===- Wasm.cpp - LLVM IR for WebAssembly ---------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Instructions on scalars and vectors alike, one for one.
//
//===----------------------------------------------------------------------===//

#include "Wasm.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"

using namespace llvm;

namespace {
/// Integers and floats as wide as `value`, element by element.
struct Types {
  Types(IRBuilder<> &b, Value *value) {
    auto like = [&](Type *element) -> Type * {
      if (auto *vector = dyn_cast<VectorType>(value->getType()))
        return VectorType::get(element, vector->getElementCount());
      return element;
    };
    i16 = like(b.getInt16Ty());
    i32 = like(b.getInt32Ty());
    f16 = like(b.getHalfTy());
    f32 = like(b.getFloatTy());
  }
  Constant *bits(uint32_t value) const { return ConstantInt::get(i32, value); }

  Type *i16, *i32, *f16, *f32;
};
} // namespace

static constexpr uint32_t kHalfInfinity = 0x7c00, kInfinity = 0x7f800000;

/// A half is its bits as those of a float, times 2^112: that is exact, for
/// subnormal numbers, too.
static Value *extend(IRBuilder<> &b, Value *half) {
  Types types(b, half);
  Value *bits = b.CreateZExt(b.CreateBitCast(half, types.i16), types.i32);
  Value *magnitude = b.CreateAnd(bits, types.bits(0x7fff));
  Value *sign = b.CreateShl(b.CreateXor(bits, magnitude), types.bits(16));
  Value *shifted = b.CreateShl(magnitude, types.bits(13));
  Value *number = b.CreateFMul(b.CreateBitCast(shifted, types.f32),
                               ConstantFP::get(types.f32, 0x1p112));
  Value *infinite = b.CreateOr(shifted, types.bits(kInfinity));
  Value *result =
      b.CreateSelect(b.CreateICmpUGE(magnitude, types.bits(kHalfInfinity)),
                     infinite, b.CreateBitCast(number, types.i32));
  return b.CreateBitCast(b.CreateOr(result, sign), types.f32);
}

/// To the nearest, ties to even. Below 2^-14 the sum with 0.5 rounds as the
/// subnormal result has to; from 65520 on it is infinite.
static Value *truncate(IRBuilder<> &b, Value *number) {
  constexpr uint32_t bias = (127 - 15) << 23, smallest = 0x38800000;
  Types types(b, number);
  Value *bits = b.CreateBitCast(number, types.i32);
  Value *magnitude = b.CreateAnd(bits, types.bits(0x7fffffff));
  Value *sign = b.CreateLShr(b.CreateXor(bits, magnitude), types.bits(16));
  Value *sum = b.CreateFAdd(b.CreateBitCast(magnitude, types.f32),
                            ConstantFP::get(types.f32, 0.5));
  Value *subnormal =
      b.CreateSub(b.CreateBitCast(sum, types.i32), types.bits(0x3f000000));
  Value *odd =
      b.CreateAnd(b.CreateLShr(magnitude, types.bits(13)), types.bits(1));
  Value *rounded = b.CreateAdd(
      b.CreateAdd(b.CreateSub(magnitude, types.bits(bias)), types.bits(0xfff)),
      odd);
  Value *normal = b.CreateLShr(rounded, types.bits(13));
  auto from = [&](uint32_t limit, Value *above, Value *below) {
    return b.CreateSelect(b.CreateICmpUGE(magnitude, types.bits(limit)), above,
                          below);
  };
  Value *result = from(smallest, normal, subnormal);
  result = from(0x477ff000, types.bits(kHalfInfinity), result);
  result = from(kInfinity + 1, types.bits(0x7e00), result);
  Value *half = b.CreateTrunc(b.CreateOr(result, sign), types.i16);
  return b.CreateBitCast(half, types.f16);
}

static Value *replaceCall(IRBuilder<> &b, IntrinsicInst &call) {
  auto larger = [&](Value *left, Value *right, Value *one, Value *other) {
    return b.CreateSelect(b.CreateFCmpOLT(left, right), one, other);
  };
  auto operand = [&](unsigned number) { return call.getArgOperand(number); };
  switch (call.getIntrinsicID()) {
  case Intrinsic::fma:
    return b.CreateIntrinsic(Intrinsic::fmuladd, {call.getType()},
                             {operand(0), operand(1), operand(2)});
  case Intrinsic::maxnum:
    return larger(operand(0), operand(1), operand(1), operand(0));
  case Intrinsic::minnum:
    return larger(operand(1), operand(0), operand(1), operand(0));
  default:
    return nullptr;
  }
}

static Value *replace(Instruction &instruction) {
  IRBuilder<> b(&instruction);
  if (auto *call = dyn_cast<IntrinsicInst>(&instruction))
    return replaceCall(b, *call);
  Type *type = instruction.getType()->getScalarType();
  if (isa<FPExtInst>(instruction) && type->isFloatTy() &&
      instruction.getOperand(0)->getType()->getScalarType()->isHalfTy())
    return extend(b, instruction.getOperand(0));
  if (isa<FPTruncInst>(instruction) && type->isHalfTy() &&
      instruction.getOperand(0)->getType()->getScalarType()->isFloatTy())
    return truncate(b, instruction.getOperand(0));
  return nullptr;
}

void attn::legalizeForWasm(Module &module) {
  for (Function &function : module)
    for (Instruction &instruction :
         make_early_inc_range(instructions(function)))
      if (Value *value = replace(instruction)) {
        instruction.replaceAllUsesWith(value);
        instruction.eraseFromParent();
      }
}
