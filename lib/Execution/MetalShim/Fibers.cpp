//===- Fibers.cpp - Threads that take turns -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The context functions of POSIX call the system on each switch; kernels switch
// millions of times.
//
//===----------------------------------------------------------------------===//

#include "Fibers.h"

#include "llvm/Support/ErrorHandling.h"

#include <sys/mman.h>

using namespace attn::execution::metal;

#ifdef __x86_64__
/// Keeps what functions keep for their callers on the stack that is left, and
/// takes the same from the other one.
__attribute__((naked, noinline)) static void switchStacks(void **left,
                                                          void *entered) {
  asm volatile("pushq %rbp\n"
               "pushq %rbx\n"
               "pushq %r12\n"
               "pushq %r13\n"
               "pushq %r14\n"
               "pushq %r15\n"
               "movq %rsp, (%rdi)\n"
               "movq %rsi, %rsp\n"
               "popq %r15\n"
               "popq %r14\n"
               "popq %r13\n"
               "popq %r12\n"
               "popq %rbx\n"
               "popq %rbp\n"
               "ret\n");
}
bool attn::execution::metal::hasFibers() { return true; }
#else
static void switchStacks(void **, void *) {}
bool attn::execution::metal::hasFibers() { return false; }
#endif

/// Whose fiber runs: a new stack has nothing to say so.
static thread_local Fibers *running = nullptr;

Fibers::~Fibers() {
  for (Fiber &fiber : fibers)
    munmap(fiber.stack, stackBytes);
}

void Fibers::enter() {
  Fibers &all = *running;
  unsigned number = all.current;
  all.body(number);
  all.fibers[number].ended = true;
  all.yield();
}

/// A stack on which switchStacks finds six registers and where to go; there it
/// lies as behind a call.
void Fibers::prepare(Fiber &fiber) {
  constexpr unsigned registers = 6;
  auto **top =
      reinterpret_cast<void **>(static_cast<char *>(fiber.stack) + stackBytes);
  *--top = nullptr;
  *--top = reinterpret_cast<void *>(&Fibers::enter);
  top -= registers;
  for (unsigned i = 0; i < registers; ++i)
    top[i] = nullptr;
  fiber.top = top;
  fiber.ended = false;
}

void Fibers::start(unsigned count,
                   llvm::function_ref<void(unsigned)> function) {
  body = function;
  while (fibers.size() < count) {
    Fiber fiber;
    fiber.stack = mmap(nullptr, stackBytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (fiber.stack == MAP_FAILED)
      llvm::report_bad_alloc_error("no stacks for the threads of a kernel");
    // Too deep a stack is to end the process, not to write another one.
    mprotect(fiber.stack, 4096, PROT_NONE);
    fibers.push_back(fiber);
  }
  for (unsigned i = 0; i < count; ++i)
    prepare(fibers[i]);
}

void Fibers::resume(unsigned number) {
  current = number;
  running = this;
  switchStacks(&resumer, fibers[number].top);
}

void Fibers::yield() { switchStacks(&fibers[current].top, resumer); }
