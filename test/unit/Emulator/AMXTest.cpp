//===- AMXTest.cpp - Tests of the emulator of AMX -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tile instructions as a compiler makes them, against sums in double.
//
//===----------------------------------------------------------------------===//

#include "Emulator.h"

#include "gtest/gtest.h"

#include <array>
#include <cmath>
#include <cstring>
#include <immintrin.h>
#include <limits>
#include <random>
#include <thread>
#include <vector>

using namespace attn::emulator;

namespace {

struct alignas(64) Configuration {
  uint8_t palette = 1, startRow = 0, reserved[14] = {};
  uint16_t columnBytes[16] = {};
  uint8_t rows[16] = {};
};

/// Tiles 0 (sums), 1 (left) and 2 (right) of an m x n product over k pairs.
Configuration shapeOf(unsigned m, unsigned n, unsigned k) {
  Configuration result;
  unsigned rows[] = {m, m, k}, bytes[] = {4 * n, 4 * k, 4 * n};
  for (unsigned tile = 0; tile < 3; ++tile) {
    result.rows[tile] = uint8_t(rows[tile]);
    result.columnBytes[tile] = uint16_t(bytes[tile]);
  }
  return result;
}

/// The intrinsics tell the compiler of 8 of the bytes that they read.
void configure(const Configuration &configuration) {
  asm volatile("" ::"r"(&configuration) : "memory");
  _tile_loadconfig(&configuration);
}

uint16_t toBF16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
float fromBF16(uint16_t half) {
  uint32_t bits = uint32_t(half) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
uint16_t toF16(float value) {
  return uint16_t(_mm_cvtsi128_si32(
      _mm_cvtps_ph(_mm_set_ss(value), _MM_FROUND_CUR_DIRECTION)));
}
float fromF16(uint16_t half) {
  return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(half)));
}

/// A product of random numbers with rows further apart than they are long.
class Product {
public:
  Product(unsigned m, unsigned n, unsigned k, uint16_t (*narrow)(float),
          float (*widen)(uint16_t))
      : m(m), n(n), k(k), left(m * leftStride), right(k * rightStride),
        sums(m * sumStride), widen(widen) {
    std::mt19937 random(m * 1000 + n * 100 + k);
    std::normal_distribution<float> normal;
    for (auto *values : {&left, &right})
      for (uint16_t &value : *values)
        value = narrow(normal(random));
    for (float &value : sums)
      value = normal(random);
    start = sums;
  }

  void check() const {
    for (unsigned row = 0; row < m; ++row)
      for (unsigned column = 0; column < sumStride; ++column) {
        double sum = start[row * sumStride + column], size = std::abs(sum);
        for (unsigned pair = 0; column < n && pair < k; ++pair)
          for (unsigned half : {0u, 1u}) {
            double x = widen(left[row * leftStride + 2 * pair + half]);
            double y = widen(right[pair * rightStride + 2 * column + half]);
            sum += x * y;
            size += std::abs(x * y);
          }
        EXPECT_NEAR(sums[row * sumStride + column], sum, 4e-6 * size)
            << row << ", " << column;
      }
  }

  static constexpr unsigned leftStride = 40, rightStride = 36, sumStride = 20;
  const unsigned m, n, k;
  std::vector<uint16_t> left, right;
  std::vector<float> sums, start;

private:
  float (*widen)(uint16_t);
};

TEST(AMX, multipliesBF16) {
  for (auto [m, n, k] : {std::array{16u, 16u, 16u}, std::array{1u, 1u, 1u},
                         std::array{5u, 16u, 3u}, std::array{16u, 7u, 16u}}) {
    Product product(m, n, k, toBF16, fromBF16);
    configure(shapeOf(m, n, k));
    _tile_loadd(0, product.sums.data(), 4 * Product::sumStride);
    _tile_loadd(1, product.left.data(), 2 * Product::leftStride);
    _tile_stream_loadd(2, product.right.data(), 2 * Product::rightStride);
    _tile_dpbf16ps(0, 1, 2);
    _tile_stored(0, product.sums.data(), 4 * Product::sumStride);
    _tile_release();
    product.check();
  }
}

TEST(AMX, multipliesF16) {
  Product product(16, 16, 16, toF16, fromF16);
  configure(shapeOf(16, 16, 16));
  _tile_loadd(0, product.sums.data(), 4 * Product::sumStride);
  _tile_loadd(1, product.left.data(), 2 * Product::leftStride);
  _tile_loadd(2, product.right.data(), 2 * Product::rightStride);
  _tile_dpfp16ps(0, 1, 2);
  _tile_stored(0, product.sums.data(), 4 * Product::sumStride);
  _tile_release();
  product.check();
}

TEST(AMX, takesSubnormalNumbersForZero) {
  // The second product is subnormal, as is an element of the third.
  uint16_t left[16 * 32] = {}, right[16 * 32] = {};
  float sums[16 * 16] = {};
  left[0] = toBF16(1), right[0] = toBF16(0x1p-126f);
  left[32] = toBF16(0x1p-70f);
  left[64] = 1, right[2] = toBF16(0x1p100f);
  configure(shapeOf(16, 16, 16));
  _tile_loadd(0, sums, 64);
  _tile_loadd(1, left, 64);
  _tile_loadd(2, right, 64);
  _tile_dpbf16ps(0, 1, 2);
  _tile_stored(0, sums, 64);
  _tile_release();
  EXPECT_EQ(sums[0], 0x1p-126f);
  EXPECT_EQ(sums[16], 0);
  EXPECT_EQ(sums[33], 0);
}

TEST(AMX, passesOnInfinitiesAndNaN) {
  uint16_t left[16 * 32] = {}, right[16 * 32] = {};
  float sums[16 * 16];
  left[0] = toBF16(INFINITY), left[32] = toBF16(NAN);
  right[0] = toBF16(1);
  configure(shapeOf(16, 16, 16));
  _tile_zero(0);
  _tile_loadd(1, left, 64);
  _tile_loadd(2, right, 64);
  _tile_dpbf16ps(0, 1, 2);
  _tile_stored(0, sums, 64);
  _tile_release();
  EXPECT_EQ(sums[0], INFINITY);
  EXPECT_TRUE(std::isnan(sums[1])); // infinity times 0
  EXPECT_TRUE(std::isnan(sums[16]));
  EXPECT_EQ(sums[32], 0);
}

TEST(AMX, storesTheConfiguration) {
  Configuration set = shapeOf(3, 5, 7), read;
  configure(set);
  EXPECT_TRUE(isConfigured());
  _tile_storeconfig(&read);
  asm volatile("" ::"r"(&read) : "memory");
  EXPECT_EQ(std::memcmp(&set, &read, sizeof set), 0);
  _tile_release();
  EXPECT_FALSE(isConfigured());
}

TEST(AMX, zeroesRowsAndColumnsOutsideOfAShape) {
  std::vector<float> ones(256, 1), out(256, 5);
  configure(shapeOf(16, 16, 16));
  _tile_loadd(0, ones.data(), 64);
  _tile_zero(0);
  _tile_stored(0, out.data(), 64);
  _tile_release();
  EXPECT_EQ(out, std::vector<float>(256, 0));
}

TEST(AMX, keepsTilesOfThreadsApart) {
  configure(shapeOf(16, 16, 16));
  std::vector<float> ones(256, 1), out(256);
  _tile_loadd(0, ones.data(), 64);
  std::thread([] {
    EXPECT_FALSE(isConfigured());
    configure(shapeOf(16, 16, 16));
    _tile_zero(0);
    _tile_release();
  }).join();
  _tile_stored(0, out.data(), 64);
  _tile_release();
  EXPECT_EQ(out, ones);
}

TEST(AMXDeathTest, refusesWhatTheProcessorDoes) {
  Configuration palette, rows = shapeOf(17, 16, 16), reserved;
  palette.palette = 2;
  reserved.reserved[3] = 1;
  EXPECT_DEATH(configure(palette), "#GP: ldtilecfg: there are palettes");
  EXPECT_DEATH(configure(rows), "#GP: ldtilecfg: there are 8 tiles of 16 rows");
  EXPECT_DEATH(configure(reserved), "#GP: ldtilecfg: a reserved byte");
  EXPECT_DEATH(_tile_zero(0), "#UD: no tiles are configured");
  configure(shapeOf(16, 16, 15));
  EXPECT_DEATH(_tile_zero(3), "#UD: a tile has no shape");
  EXPECT_DEATH(_tile_dpbf16ps(0, 2, 1), "#UD: the shapes of a product");
  // tdpbf16ps tmm0, tmm1, tmm1, which no assembler makes.
  EXPECT_DEATH(asm volatile(".byte 0xc4, 0xe2, 0x72, 0x5c, 0xc1"),
               "#UD: a product names a tile twice");
  _tile_release();
}

TEST(AMXDeathTest, leavesOtherInstructionsIllegal) {
  EXPECT_DEATH(asm volatile("ud2"), "SIGILL: an instruction that neither");
}

TEST(AMX, saysWhatItExecutes) {
  EXPECT_TRUE(attn_emulates_cpu_feature("amx-bf16"));
  EXPECT_FALSE(attn_emulates_cpu_feature("avx512fp16"));
}

} // namespace
