// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/* A CUDA driver without a GPU: device memory is host memory, kernels are named
 * host functions, and what happened can be asked. It refuses what CUDA's
 * documentation says that drivers refuse. */
#ifndef ATTN_TEST_UNIT_RUNTIME_FAKEDRIVER_H
#define ATTN_TEST_UNIT_RUNTIME_FAKEDRIVER_H

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#define ATTN_FAKE __attribute__((visibility("default")))

/// The state of the driver; tests read and change it.
struct FakeDriver {
  int devices = 1, major = 9, minor = 0;
  int initResult = 0, launchResult = 0;
  /// Streams are handles with any value; these are being captured.
  std::vector<void *> capturing;
  int allocations = 0, frees = 0, fills = 0, encodes = 0, launches = 0,
      copiesIn = 0, copiesOut = 0, synchronizations = 0;
  /// Modules that are loaded now.
  int modules = 0;
  /// An address that is no device memory.
  const void *hostMemory = nullptr;
  /// Allocations fail.
  bool memoryIsFull = false;
  /// Dynamic shared memory that functions may have beyond the usual.
  std::map<void *, int64_t> sharedAllowed;
  /// Addresses of the counters that kernels `count` were given, in order.
  std::vector<uint32_t *> counters;
  /// How a kernel `count` found its counter, in order.
  std::vector<uint32_t> found;
};
ATTN_FAKE extern FakeDriver fakeDriver;

#endif /* ATTN_TEST_UNIT_RUNTIME_FAKEDRIVER_H */
