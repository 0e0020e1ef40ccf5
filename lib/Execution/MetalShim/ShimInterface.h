//===- ShimInterface.h - What emulated Metal kernels ask of us --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Between the emulator and kernels that are compiled with the metal_stdlib
// beside this file. Includes nothing: every kernel is compiled with it.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EXECUTION_METALSHIM_SHIMINTERFACE_H
#define ATTN_LIB_EXECUTION_METALSHIM_SHIMINTERFACE_H

namespace metal_shim {

/// Threads of a simdgroup, as on every GPU of Apple's.
constexpr unsigned simdWidth = 32;

/// Where the running thread is.
struct Thread {
  unsigned position[3], group[3], groups[3], threads[3];
  unsigned index, lane, simdgroup, simdgroups;
};

/// What all lanes of a simdgroup gave to one exchange.
struct Exchange {
  static constexpr unsigned bytesPerLane = 32;
  alignas(16) unsigned char values[simdWidth][bytesPerLane];
  /// Fewer than simdWidth in the last simdgroup of some threadgroups.
  unsigned lanes;
};

/// What may differ from one place in a kernel to another, where threads wait
/// for each other.
enum class Meeting : int {
  Nowhere,
  ThreadgroupBarrier,
  SimdgroupBarrier,
  SimdFunction,
  SimdgroupMatrix
};

/// What happens to a matrix variable of a thread. Elements that are read or
/// written one by one are used.
enum class MatrixEvent : int { Written, Used, Gone };

struct Host {
  const Thread &(*here)();
  /// Every access of a kernel but those to what registers hold.
  void (*load)(const void *address, unsigned bytes);
  void (*store)(const void *address, unsigned bytes);
  /// Return when all threads of the threadgroup, or simdgroup, are there.
  void (*barrier)(Meeting kind, int line);
  const Exchange *(*exchange)(Meeting kind, int line, const void *value,
                              unsigned bytes);
  /// Each lane says so of every product of matrices.
  void (*product)();
  /// Of `bytes` in a thread.
  void (*matrix)(const void *variable, unsigned bytes, MatrixEvent event);
  /// Ends the dispatch.
  void (*fail)(const char *message, int line);
};

/// A threadgroup array of a kernel.
struct Shared {
  const char *kernel, *name;
  void *data;
  unsigned long bytes, elementBytes;
};

/// A kernel, with how much memory is bound: its arguments, in order.
struct Kernel {
  const char *name;
  void (*run)(void *const *arguments, const Thread &thread);
  unsigned buffers;
};

/// What the shared object of a text exports, as `metal_shim_module`. Lists end
/// with null names.
struct Module {
  const Host **host;
  const Kernel *kernels;
  const Shared *shared;
  /// Where its constants lie.
  const void *begin, *end;
};

} // namespace metal_shim

#endif // ATTN_LIB_EXECUTION_METALSHIM_SHIMINTERFACE_H
