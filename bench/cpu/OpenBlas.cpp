//===- OpenBlas.cpp - Unfused attention on OpenBLAS -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiled for the host with fast-math, so that the softmax between the two
// products is vectorised.
//
//===----------------------------------------------------------------------===//

#include "OpenBlas.h"

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <dlfcn.h>
#include <thread>
#include <vector>

using namespace attn::bench;

std::unique_ptr<OpenBlas> OpenBlas::load(std::string &why) {
  // OpenBLAS of Debian takes AVX2 kernels on AMD chips with AVX-512.
  if (__builtin_cpu_supports("avx512f"))
    setenv("OPENBLAS_CORETYPE", "Cooperlake", /*overwrite=*/0);
  setenv("OPENBLAS_NUM_THREADS", "1", /*overwrite=*/1);
  void *library = dlopen("libopenblas.so.0", RTLD_NOW);
  if (!library) {
    why = dlerror();
    return nullptr;
  }
  auto blas = std::make_unique<OpenBlas>();
  blas->sgemm = reinterpret_cast<Sgemm>(dlsym(library, "cblas_sgemm"));
  if (!blas->sgemm) {
    why = "libopenblas.so.0 has no cblas_sgemm";
    return nullptr;
  }
  return blas;
}

static void softmaxRow(float *row, int64_t length) {
  float max = row[0];
  for (int64_t j = 1; j < length; ++j)
    max = row[j] > max ? row[j] : max;
  float sum = 0;
  for (int64_t j = 0; j < length; ++j) {
    row[j] = expf(row[j] - max);
    sum += row[j];
  }
  float inverse = 1 / sum;
  for (int64_t j = 0; j < length; ++j)
    row[j] *= inverse;
}

void OpenBlas::attention(const float *q, const float *k, const float *v,
                         float *o, int64_t heads, int64_t length, int64_t size,
                         unsigned threads) const {
  constexpr int kRowMajor = 101, kNoTrans = 111, kTrans = 112;
  std::atomic<int64_t> next{0};
  auto work = [&] {
    std::vector<float> scores(length * length);
    for (int64_t h; (h = next++) < heads;) {
      int64_t at = h * length * size;
      sgemm(kRowMajor, kNoTrans, kTrans, length, length, size,
            1 / std::sqrt(float(size)), q + at, size, k + at, size, 0,
            scores.data(), length);
      for (int64_t i = 0; i < length; ++i)
        softmaxRow(scores.data() + i * length, length);
      sgemm(kRowMajor, kNoTrans, kNoTrans, length, size, length, 1,
            scores.data(), length, v + at, size, 0, o + at, size);
    }
  };
  std::vector<std::thread> pool;
  for (unsigned t = 1; t < threads; ++t)
    pool.emplace_back(work);
  work();
  for (std::thread &thread : pool)
    thread.join();
}
