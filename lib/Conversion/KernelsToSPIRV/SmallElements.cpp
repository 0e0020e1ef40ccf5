//===- SmallElements.cpp - What holds the values of kernels ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Conversions to f16 and bf16 are integer arithmetic: GLSL's packHalf2x16 may
// round as it likes, and does on software devices. So may OpFConvert to a bf16
// that the machine has, which no execution mode concerns.
//
//===----------------------------------------------------------------------===//

#include "SmallElements.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace attn;

/// Booleans are a byte each.
unsigned attn::getElementBits(Type type) {
  if (type.isInteger(1))
    return 8;
  return type.isIndex() ? 32 : type.getIntOrFloatBitWidth();
}

Type Words::getType(Type type) const {
  if (type.isInteger(1) || has(type))
    return type;
  if (type.isF16() || type.isF32())
    return Float32Type::get(type.getContext());
  auto integer = dyn_cast<IntegerType>(type);
  bool isWord =
      type.isIndex() || type.isBF16() || (integer && integer.getWidth() <= 32);
  return isWord ? IntegerType::get(type.getContext(), 32) : Type();
}

namespace {

Value constant(ImplicitLocOpBuilder &b, uint32_t value) {
  return arith::ConstantOp::create(
      b, b.getI32IntegerAttr(static_cast<int32_t>(value)));
}

Value select(Value condition, Value yes, Value no, ImplicitLocOpBuilder &b) {
  return arith::SelectOp::create(b, condition, yes, no);
}

Value isAtLeast(Value bits, uint32_t limit, ImplicitLocOpBuilder &b) {
  return arith::CmpIOp::create(b, arith::CmpIPredicate::uge, bits,
                               constant(b, limit));
}

/// `bits` shifted right by `count`, to the nearest, ties to even.
Value roundAway(Value bits, unsigned count, ImplicitLocOpBuilder &b) {
  Value amount = constant(b, count);
  Value odd = arith::AndIOp::create(b, arith::ShRUIOp::create(b, bits, amount),
                                    constant(b, 1));
  Value half = constant(b, (1u << (count - 1)) - 1);
  Value sum =
      arith::AddIOp::create(b, arith::AddIOp::create(b, bits, half), odd);
  return arith::ShRUIOp::create(b, sum, amount);
}

/// The bits of a magnitude as f16. Below 2^-14 the sum with 0.5 rounds as the
/// subnormal result has to; from 65520 on it is infinite.
Value encodeHalf(Value magnitude, ImplicitLocOpBuilder &b) {
  constexpr uint32_t kHalf = 0x3f000000, kSmallest = 0x38800000,
                     kInfinity = 0x7c00, kNaN = 0x7e00;
  Value number = arith::BitcastOp::create(b, b.getF32Type(), magnitude);
  Value half = arith::ConstantOp::create(b, b.getF32FloatAttr(0.5));
  Value sum = arith::AddFOp::create(b, number, half);
  Value subnormal = arith::SubIOp::create(
      b, arith::BitcastOp::create(b, b.getI32Type(), sum), constant(b, kHalf));
  constexpr uint32_t kBias = (127 - 15) << 23;
  Value normal =
      roundAway(arith::SubIOp::create(b, magnitude, constant(b, kBias)), 13, b);
  Value bits = select(isAtLeast(magnitude, kSmallest, b), normal, subnormal, b);
  bits = select(isAtLeast(magnitude, 0x477ff000, b), constant(b, kInfinity),
                bits, b);
  return select(isAtLeast(magnitude, 0x7f800001, b), constant(b, kNaN), bits,
                b);
}

/// The bits of an f32 as bf16. NaNs are told by their bits, as rounding may
/// carry them out of the NaNs, and drivers fold comparisons of floats.
Value encodeBFloat(Value bits, ImplicitLocOpBuilder &b) {
  Value magnitude = arith::AndIOp::create(b, bits, constant(b, 0x7fffffff));
  return select(isAtLeast(magnitude, 0x7f800001, b), constant(b, 0x7fc0),
                roundAway(bits, 16, b), b);
}

/// The bits of the nearest f16 or bf16 of an f32.
Value encodeFloat(Value number, Type type, ImplicitLocOpBuilder &b) {
  Value bits = arith::BitcastOp::create(b, b.getI32Type(), number);
  if (type.isBF16())
    return encodeBFloat(bits, b);
  Value magnitude = arith::AndIOp::create(b, bits, constant(b, 0x7fffffff));
  Value sign = arith::ShRUIOp::create(
      b, arith::XOrIOp::create(b, bits, magnitude), constant(b, 16));
  return arith::OrIOp::create(b, encodeHalf(magnitude, b), sign);
}

/// The f32 that has the value of the low half of `bits`.
Value decodeFloat(Value bits, Type type, ImplicitLocOpBuilder &b) {
  if (type.isBF16())
    return arith::BitcastOp::create(
        b, b.getF32Type(), arith::ShLIOp::create(b, bits, constant(b, 16)));
  Value pair = spirv::GLUnpackHalf2x16Op::create(
      b, VectorType::get(2, b.getF32Type()), bits);
  return spirv::CompositeExtractOp::create(b, pair, ArrayRef<int32_t>{0});
}

/// A float as f32, which holds all f16 exactly.
Value widen(ImplicitLocOpBuilder &b, Value value) {
  return value.getType().isF32()
             ? value
             : arith::ExtFOp::create(b, b.getF32Type(), value);
}

/// Whether an f32 is the bits of a bf16, as decodeFloat makes it.
bool isBFloat(Value number) {
  auto bits = number.getDefiningOp<arith::BitcastOp>();
  auto shifted =
      bits ? bits.getIn().getDefiningOp<arith::ShLIOp>() : arith::ShLIOp();
  APInt count;
  return shifted && matchPattern(shifted.getRhs(), m_ConstantInt(&count)) &&
         count == 16;
}

} // namespace

Value attn::roundToBFloat(ImplicitLocOpBuilder &b, Value number) {
  Type type = b.getBF16Type();
  return decodeFloat(encodeFloat(number, type, b), type, b);
}

Value Words::from(ImplicitLocOpBuilder &b, Value word, Type type) const {
  if (word.getType() == type)
    return word;
  if (type.isIndex())
    return arith::IndexCastOp::create(b, type, word);
  if (type.isInteger(1))
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, word,
                                 constant(b, 0));
  if (type.isF16())
    return arith::TruncFOp::create(b, type, word);
  if (type.isBF16())
    return arith::BitcastOp::create(
        b, type, arith::TruncIOp::create(b, b.getI16Type(), word));
  return arith::TruncIOp::create(b, type, word);
}

Value Words::to(ImplicitLocOpBuilder &b, Value value) const {
  Type type = value.getType(), word = getType(type);
  if (type == word)
    return value;
  if (type.isIndex())
    return arith::IndexCastOp::create(b, word, value);
  if (type.isF16())
    return widen(b, value);
  if (type.isBF16())
    value = arith::BitcastOp::create(b, b.getI16Type(), value);
  return arith::ExtUIOp::create(b, word, value);
}

Value Words::decode(ImplicitLocOpBuilder &b, Value bits, Type type) const {
  if (type.isF16() || has(type))
    return arith::TruncFOp::create(b, type, decodeFloat(bits, type, b));
  if (type.isInteger(1))
    bits = arith::AndIOp::create(b, bits, constant(b, 0xff));
  return from(b, bits, type);
}

SmallVector<Value> Words::unpack(ImplicitLocOpBuilder &b, Value word,
                                 Type type) const {
  if (type.isF32())
    return {arith::BitcastOp::create(b, type, word)};
  if (!type.isF16() && !has(type))
    return {decode(b, word, type),
            decode(b, arith::ShRUIOp::create(b, word, constant(b, 16)), type)};
  auto pair = VectorType::get(2, has(type) ? type : b.getF32Type());
  Value both =
      has(type) ? spirv::BitcastOp::create(b, pair, word).getResult()
                : spirv::GLUnpackHalf2x16Op::create(b, pair, word).getResult();
  SmallVector<Value> halves;
  for (int32_t k : {0, 1}) {
    Value half =
        spirv::CompositeExtractOp::create(b, both, ArrayRef<int32_t>{k});
    halves.push_back(
        has(type) ? half : arith::TruncFOp::create(b, type, half).getResult());
  }
  return halves;
}

Value Words::encode(ImplicitLocOpBuilder &b, Value value) const {
  Type type = value.getType();
  if (type.isInteger(1))
    return arith::ExtUIOp::create(b, b.getI32Type(), value);
  if (!type.isF16() && !has(type))
    return to(b, value);
  // To encode is to round.
  auto conversion = value.getDefiningOp<arith::TruncFOp>();
  bool isF32 = conversion && conversion.getIn().getType().isF32();
  return encodeFloat(isF32 ? conversion.getIn() : widen(b, value), type, b);
}

/// f16 that is held as f32 has to be rounded to be what it stands for, and what
/// becomes a number of bf16 must not be rounded by the machine.
void Words::expand(arith::TruncFOp op) const {
  Type type = op.getType();
  if (!(type.isF16() || type.isBF16()) || (type.isF16() && has(type)))
    return;
  if (op.use_empty())
    return op.erase();
  if (has(type) && isBFloat(op.getIn()))
    return;
  ImplicitLocOpBuilder b(op.getLoc(), op);
  if (has(type))
    return op.getInMutable().assign(roundToBFloat(b, widen(b, op.getIn())));
  Value bits = encodeFloat(widen(b, op.getIn()), type, b);
  if (type.isF16())
    return op.getInMutable().assign(decodeFloat(bits, type, b));
  op.replaceAllUsesWith(from(b, bits, type));
  op.erase();
}

void Words::expand(arith::ExtFOp op) const {
  Type type = op.getIn().getType();
  if (!type.isBF16() || has(type))
    return;
  ImplicitLocOpBuilder b(op.getLoc(), op);
  op.replaceAllUsesWith(decodeFloat(to(b, op.getIn()), type, b));
  op.erase();
}

/// The bits of f16 are not those of the f32 that holds it, and nothing else has
/// 16 bits.
void Words::expand(arith::BitcastOp op) const {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Value result;
  auto isNumber = [&](Type type) { return type.isF16() || has(type); };
  if (isNumber(op.getIn().getType()) && op.getType().isInteger(16))
    result = from(b, encode(b, op.getIn()), op.getType());
  else if (op.getIn().getType().isInteger(16) && isNumber(op.getType()))
    result = decode(b, to(b, op.getIn()), op.getType());
  else
    return;
  op.replaceAllUsesWith(result);
  op.erase();
}

void Words::expandConversions(Operation *root) const {
  SmallVector<Operation *> conversions;
  root->walk([&](Operation *op) {
    if (isa<arith::TruncFOp, arith::ExtFOp, arith::BitcastOp>(op))
      conversions.push_back(op);
  });
  for (Operation *op : conversions)
    TypeSwitch<Operation *>(op)
        .Case<arith::TruncFOp, arith::ExtFOp, arith::BitcastOp>(
            [&](auto conversion) { expand(conversion); });
}

attn::PackedPosition::PackedPosition(ImplicitLocOpBuilder &b, Value position,
                                     Type type)
    : b(b), width(getElementBits(type)) {
  uint32_t perWord = 32 / width;
  word =
      arith::ShRUIOp::create(b, position, constant(b, llvm::Log2_32(perWord)));
  shift = arith::MulIOp::create(
      b, arith::AndIOp::create(b, position, constant(b, perWord - 1)),
      constant(b, width));
}

void attn::PackedPosition::storeAtomically(Value pointer, Value bits,
                                           spirv::Scope scope) {
  Value mask = arith::ShLIOp::create(b, constant(b, (1u << width) - 1), shift);
  Value others = arith::XOrIOp::create(b, mask, constant(b, ~0u));
  Value shifted = arith::ShLIOp::create(b, bits, shift);
  spirv::AtomicAndOp::create(b, b.getI32Type(), pointer, scope,
                             spirv::MemorySemantics::None, others);
  spirv::AtomicOrOp::create(b, b.getI32Type(), pointer, scope,
                            spirv::MemorySemantics::None, shifted);
}
