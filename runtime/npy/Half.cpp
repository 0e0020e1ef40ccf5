// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// 16-bit float conversions (see Half.h) in integer arithmetic, so that they do
// not depend on what the compiler or the host offers.
#include "attn/runtime/Half.h"

#include <cstring>

namespace attn::runtime {
namespace {

uint32_t bitsOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

float floatOf(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

/// value / 2^shift, rounded to nearest, ties to even; 1 <= shift <= 31.
uint32_t shiftRounding(uint32_t value, uint32_t shift) {
  uint32_t result = value >> shift;
  uint32_t rest = value & ((1u << shift) - 1), half = 1u << (shift - 1);
  return result + (rest > half || (rest == half && (result & 1)));
}

} // namespace

uint16_t floatToHalf(float value) {
  uint32_t bits = bitsOf(value);
  uint16_t sign = uint16_t(bits >> 16 & 0x8000);
  uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000)
    return uint16_t(sign | 0x7e00 | (magnitude >> 13 & 0x1ff));
  if (magnitude >= 0x47800000) // 2^16 and above, infinity
    return sign | 0x7c00;
  if (magnitude >= 0x38800000) // 2^-14: normal; a carry may reach infinity
    return uint16_t(sign + shiftRounding(magnitude - 0x38000000, 13));
  uint32_t exponent = magnitude >> 23;
  if (exponent < 102) // below 2^-25: rounds to zero
    return sign;
  uint32_t significand = (magnitude & 0x7fffff) | 0x800000;
  return uint16_t(sign + shiftRounding(significand, 126 - exponent));
}

float halfToFloat(uint16_t bits) {
  uint32_t sign = uint32_t(bits & 0x8000) << 16;
  uint32_t exponent = bits >> 10 & 0x1f, significand = bits & 0x3ff;
  if (exponent == 0x1f)
    return floatOf(sign | 0x7f800000 | significand << 13);
  if (exponent == 0) {
    float magnitude = float(significand) * 0x1p-24f;
    return floatOf(sign | bitsOf(magnitude));
  }
  return floatOf(sign | (exponent + 112) << 23 | significand << 13);
}

uint16_t floatToBfloat16(float value) {
  uint32_t bits = bitsOf(value);
  if ((bits & 0x7fffffff) > 0x7f800000)
    return uint16_t(bits >> 16 | 0x40);
  return uint16_t(shiftRounding(bits, 16));
}

float bfloat16ToFloat(uint16_t bits) { return floatOf(uint32_t(bits) << 16); }

} // namespace attn::runtime
