//===- Peak.h - The FMA peak of one thread ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the arithmetic units can do, measured in the same process as what is
// compared with it.
//
//===----------------------------------------------------------------------===//

#ifndef BENCH_CPU_PEAK_H
#define BENCH_CPU_PEAK_H

namespace attn::bench {

/// f32 GFLOP/s of independent FMAs on the widest vectors of the host.
double measureFmaPeak();

} // namespace attn::bench

#endif // BENCH_CPU_PEAK_H
