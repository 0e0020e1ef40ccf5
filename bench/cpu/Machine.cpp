//===- Machine.cpp - What a machine can do, for side_by_side.py -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The FMA peak and the rate at which memory is read, by all threads of a run
// together, behind C functions that a process with other libraries can load.
//
//===----------------------------------------------------------------------===//

#include "Peak.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <thread>
#include <vector>

/// Calls `body(thread)` on so many threads.
template <typename Body> static void runOn(int threads, Body body) {
  std::vector<std::thread> others;
  for (int thread = 1; thread < threads; ++thread)
    others.emplace_back(body, thread);
  body(0);
  for (std::thread &other : others)
    other.join();
}

typedef uint64_t Words __attribute__((vector_size(64)));

/// The bits of all of [begin, end), so that each is read.
static uint64_t readAll(const Words *begin, const Words *end) {
  constexpr int kStreams = 8;
  Words bits[kStreams] = {};
  for (const Words *at = begin; at + kStreams <= end; at += kStreams)
    for (int k = 0; k < kStreams; ++k)
      bits[k] ^= at[k];
  Words all = {};
  for (const Words &some : bits)
    all ^= some;
  uint64_t result = 0;
  for (int k = 0; k < 8; ++k)
    result ^= all[k];
  return result;
}

extern "C" {

/// GFLOP/s of f32.
__attribute__((visibility("default"))) double
attn_bench_fma_gflops(int threads) {
  std::vector<double> rates(threads);
  runOn(threads,
        [&](int thread) { rates[thread] = attn::bench::measureFmaPeak(); });
  double sum = 0;
  for (double rate : rates)
    sum += rate;
  return sum;
}

/// GB/s of reading parts of so many bytes in turn, the best of some passes; 0
/// without memory. A part takes less than a slice of a shared machine's time.
__attribute__((visibility("default"))) double
attn_bench_read_gbs(int threads, size_t bytes) {
  size_t words = bytes / sizeof(Words);
  std::unique_ptr<Words[]> memory(new (std::nothrow) Words[words]);
  if (!memory)
    return 0;
  std::fill_n(memory.get(), words, Words{1});
  volatile uint64_t sink = 0;
  double best = 0;
  constexpr int kParts = 16;
  size_t share = words / kParts / threads;
  for (int turn = 0; turn < 7 * kParts; ++turn) {
    auto begin = std::chrono::steady_clock::now();
    runOn(threads, [&](int thread) {
      const Words *from =
          memory.get() + (turn % kParts * threads + thread) * share;
      sink = readAll(from, from + share);
    });
    std::chrono::duration<double> elapsed =
        std::chrono::steady_clock::now() - begin;
    best = std::max(best,
                    double(share * threads * sizeof(Words)) / elapsed.count());
  }
  (void)sink;
  return best / 1e9;
}
}
