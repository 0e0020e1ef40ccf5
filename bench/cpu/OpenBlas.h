//===- OpenBlas.h - Unfused attention on OpenBLAS ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The peer that users have today: S = Q K^T by sgemm, a vectorised softmax over
// rows, O = P V by sgemm. Heads are spread over threads.
//
//===----------------------------------------------------------------------===//

#ifndef BENCH_CPU_OPENBLAS_H
#define BENCH_CPU_OPENBLAS_H

#include <cstdint>
#include <memory>
#include <string>

namespace attn::bench {

/// OpenBLAS, loaded at run time so that building needs none.
class OpenBlas {
public:
  /// Null, with the reason in `why`, where the library is missing.
  static std::unique_ptr<OpenBlas> load(std::string &why);

  /// o = softmax(q k^T / sqrt(size)) v for dense [heads, length, size] f32.
  void attention(const float *q, const float *k, const float *v, float *o,
                 int64_t heads, int64_t length, int64_t size,
                 unsigned threads) const;

private:
  using Sgemm = void (*)(int order, int transA, int transB, int m, int n, int k,
                         float alpha, const float *a, int lda, const float *b,
                         int ldb, float beta, float *c, int ldc);
  Sgemm sgemm = nullptr;
};

} // namespace attn::bench

#endif // BENCH_CPU_OPENBLAS_H
