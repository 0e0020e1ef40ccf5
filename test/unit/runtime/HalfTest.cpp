// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// 16-bit float conversions: exact ones by all values, rounding against the
// nearest of all representable values.
#include "attn/runtime/Half.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>
#include <random>
#include <vector>

using namespace attn::runtime;

namespace {

float fromBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

uint32_t toBits(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

/// The value of a format with `exponentBits` and `fractionBits`, from the
/// definition.
double valueOf(uint32_t bits, int exponentBits, int fractionBits) {
  int bias = (1 << (exponentBits - 1)) - 1;
  int exponent = int(bits >> fractionBits) & ((1 << exponentBits) - 1);
  double fraction = bits & ((1u << fractionBits) - 1);
  double magnitude = exponent == 0
                         ? std::ldexp(fraction, 1 - bias - fractionBits)
                         : std::ldexp(fraction + (1 << fractionBits),
                                      exponent - bias - fractionBits);
  return bits >> (exponentBits + fractionBits) ? -magnitude : magnitude;
}

struct Format {
  const char *name;
  int exponentBits;
  int fractionBits;
  uint16_t (*narrow)(float);
  float (*widen)(uint16_t);

  uint32_t infinity() const {
    return ((1u << exponentBits) - 1) << fractionBits;
  }
  bool isNaN(uint32_t bits) const { return (bits & 0x7fff) > infinity(); }
};

const Format formats[] = {
    {"half", 5, 10, floatToHalf, halfToFloat},
    {"bfloat16", 8, 7, floatToBfloat16, bfloat16ToFloat},
};

TEST(HalfTest, WideningIsExactAndInvertible) {
  for (const Format &format : formats) {
    SCOPED_TRACE(format.name);
    for (uint32_t bits = 0; bits <= 0xffff; ++bits) {
      float wide = format.widen(uint16_t(bits));
      if (format.isNaN(bits)) {
        EXPECT_TRUE(std::isnan(wide)) << bits;
        uint16_t back = format.narrow(wide);
        EXPECT_TRUE(format.isNaN(back)) << bits;
        EXPECT_EQ(back >> 15, bits >> 15);
        continue;
      }
      if ((bits & 0x7fff) == format.infinity())
        EXPECT_EQ(wide, bits >> 15 ? -INFINITY : INFINITY);
      else
        EXPECT_EQ(double(wide),
                  valueOf(bits, format.exponentBits, format.fractionBits));
      EXPECT_EQ(std::signbit(wide), bits >> 15);
      EXPECT_EQ(format.narrow(wide), bits);
    }
  }
}

/// Round to nearest even by comparing with the two neighbours.
uint16_t nearest(const Format &format, float value) {
  double magnitude = std::fabs(double(value));
  auto at = [&](uint32_t bits) {
    return valueOf(bits, format.exponentBits, format.fractionBits);
  };
  // Infinity stands for the value that would follow the greatest.
  uint32_t low = 0, high = format.infinity();
  while (high - low > 1) {
    uint32_t middle = (low + high) / 2;
    (at(middle) <= magnitude ? low : high) = middle;
  }
  double below = magnitude - at(low), above = at(high) - magnitude;
  uint32_t bits =
      below < above || (below == above && low % 2 == 0) ? low : high;
  return uint16_t(bits | (std::signbit(value) ? 0x8000 : 0));
}

TEST(HalfTest, RoundsToNearestEven) {
  std::mt19937 random(1);
  for (const Format &format : formats) {
    SCOPED_TRACE(format.name);
    std::vector<float> values = {
        0.0f,       -0.0f,    fromBits(1),
        0x1p-24f,   0x1p-25f, std::nextafter(0x1p-25f, 1.0f),
        0x1.8p-24f, 65504.0f, 65519.996f,
        65520.0f,   1e30f,    std::numeric_limits<float>::max(),
        0x1p-133f,  0x1p-134f};
    // Every boundary between neighbours, and just beside it.
    for (uint32_t bits = 0; bits < format.infinity(); ++bits) {
      double low = valueOf(bits, format.exponentBits, format.fractionBits);
      double high = valueOf(bits + 1, format.exponentBits, format.fractionBits);
      float middle = float((low + high) / 2);
      values.insert(values.end(), {middle, std::nextafter(middle, 0.0f),
                                   std::nextafter(middle, INFINITY)});
    }
    for (int i = 0; i < 200000; ++i)
      values.push_back(fromBits(uint32_t(random())));
    for (float value : values) {
      if (!std::isfinite(value))
        continue;
      ASSERT_EQ(format.narrow(value), nearest(format, value))
          << std::hexfloat << value;
      ASSERT_EQ(format.narrow(-value), nearest(format, -value));
    }
  }
}

TEST(HalfTest, Specials) {
  for (const Format &format : formats) {
    SCOPED_TRACE(format.name);
    EXPECT_EQ(format.narrow(INFINITY), format.infinity());
    EXPECT_EQ(format.narrow(-INFINITY), format.infinity() | 0x8000);
    // Signalling NaNs with a payload in the low bits only must not become
    // infinities.
    for (uint32_t bits : {0x7f800001u, 0xff800001u, 0x7fc00000u, 0x7fffffffu}) {
      EXPECT_TRUE(format.isNaN(format.narrow(fromBits(bits)))) << bits;
      EXPECT_EQ(format.narrow(fromBits(bits)) >> 15, bits >> 31);
    }
  }
  EXPECT_EQ(toBits(bfloat16ToFloat(0x3f80)), 0x3f800000u);
}

} // namespace
