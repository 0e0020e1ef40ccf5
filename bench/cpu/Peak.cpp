//===- Peak.cpp - The FMA peak of one thread ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Enough independent chains of FMAs to fill the units; the best of many runs,
// each shorter than the slices of time in which a machine takes turns.
//
//===----------------------------------------------------------------------===//

#include "Peak.h"

#include <algorithm>
#include <chrono>

// The host's widest f32 vector, by the compiler's own portable vector type.
#if defined(__AVX512F__)
static constexpr int kLanes = 16, kChains = 24;
#else
static constexpr int kLanes = 8, kChains = 12;
#endif
typedef float Vector __attribute__((vector_size(kLanes * sizeof(float))));

double attn::bench::measureFmaPeak() {
  constexpr long kSteps = 100000;
  Vector sums[kChains];
  for (int c = 0; c < kChains; ++c)
    sums[c] = Vector{} + float(c);
  Vector factor = Vector{} + 0.999f, addend = Vector{} + 1e-3f;
  double best = 0;
  for (int run = 0; run < 400; ++run) {
    auto begin = std::chrono::steady_clock::now();
    for (long k = 0; k < kSteps; ++k)
      for (int c = 0; c < kChains; ++c)
        sums[c] = sums[c] * factor + addend;
    std::chrono::duration<double> elapsed =
        std::chrono::steady_clock::now() - begin;
    best = std::max(best, 2.0 * kLanes * kChains * kSteps / elapsed.count());
  }
  // The sums are used, or the loop would be removed.
  Vector total = sums[0];
  for (int c = 1; c < kChains; ++c)
    total += sums[c];
  volatile float sink = total[0];
  (void)sink;
  return best / 1e9;
}
