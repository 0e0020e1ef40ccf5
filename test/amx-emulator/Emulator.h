//===- Emulator.h - Tile instructions for CPUs without them -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// AMX on x86-64 processors that lack it: an illegal instruction that is one of
// AMX is decoded and executed on tiles that each thread has, as Intel's manual
// describes them (palette 1). For tests: an instruction costs microseconds.
// Preloaded (LD_PRELOAD) or linked, it is there from the start of a program.
//
//===----------------------------------------------------------------------===//

#ifndef TEST_AMX_EMULATOR_EMULATOR_H
#define TEST_AMX_EMULATOR_EMULATOR_H

#include <cstdint>

extern "C" {
/// What the runtime asks a preloaded library (runtime/cpu/HostFeatures.cpp):
/// whether it executes what LLVM calls by this name.
bool attn_emulates_cpu_feature(const char *name);
}

namespace attn::emulator {

/// Instructions that were executed, in all threads.
struct Counts {
  uint64_t configurations, releases, loads, stores, products;
};
Counts getCounts();

/// Whether this thread has configured tiles.
bool isConfigured();

} // namespace attn::emulator

#endif // TEST_AMX_EMULATOR_EMULATOR_H
