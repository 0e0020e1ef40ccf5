//===- Fibers.h - Threads that take turns -----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stacks among which one thread of the process switches without the system.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EXECUTION_METALSHIM_FIBERS_H
#define ATTN_LIB_EXECUTION_METALSHIM_FIBERS_H

#include "llvm/ADT/STLFunctionalExtras.h"

#include <vector>

namespace attn::execution::metal {

/// Whether fibers switch on this processor.
bool hasFibers();

class Fibers {
public:
  ~Fibers();

  /// Fibers 0 to `count` - 1, each ready to call `body` with its number.
  void start(unsigned count, llvm::function_ref<void(unsigned)> body);
  /// Goes on with fiber `number` until it yields or has ended.
  void resume(unsigned number);
  /// Back to where the running fiber was resumed.
  void yield();

  bool hasEnded(unsigned number) const { return fibers[number].ended; }
  /// Whether `address` is on the stack of the fiber that runs.
  bool isOnStack(const void *address) const {
    auto *stack = static_cast<char *>(fibers[current].stack);
    return address >= stack && address < stack + stackBytes;
  }

private:
  struct Fiber {
    void *stack = nullptr, *top = nullptr;
    bool ended = true;
  };
  static constexpr size_t stackBytes = 256 * 1024;

  static void enter();
  void prepare(Fiber &fiber);

  std::vector<Fiber> fibers;
  llvm::function_ref<void(unsigned)> body;
  unsigned current = 0;
  void *resumer = nullptr;
};

} // namespace attn::execution::metal

#endif // ATTN_LIB_EXECUTION_METALSHIM_FIBERS_H
