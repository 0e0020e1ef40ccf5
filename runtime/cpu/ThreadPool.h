// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The threads of a CPU context. They hand out the points of a grid by an
// atomic counter, spin briefly between jobs and then sleep.
//
// The calling thread computes too, which spares a one-thread launch any
// hand-over, if the stack it has left is enough for the kernel. Otherwise one
// more worker takes its place: workers have stacks of a known size.
#ifndef ATTN_RUNTIME_CPU_THREADPOOL_H
#define ATTN_RUNTIME_CPU_THREADPOOL_H

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <pthread.h>
#include <vector>

namespace attn::runtime {

class ThreadPool {
public:
  /// Bytes of stack of a worker, and what of it a kernel can have.
  static constexpr size_t workerStack = 16 << 20;
  static constexpr size_t stackReserve = 256 << 10;

  /// `threads` >= 1 computing threads. Throws Failure(DEVICE_ERROR) when the
  /// system gives no threads.
  explicit ThreadPool(int32_t threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;

  int32_t size() const { return threads; }

  /// Calls body(context, i) once for each i in 0 .. count-1 and returns when
  /// all calls have. A call may use `stack` bytes of stack, at most
  /// workerStack - stackReserve. Calls of run must not overlap. All points
  /// see the default floating-point environment, whatever the caller has set.
  void run(int64_t count, size_t stack, void (*body)(void *, int64_t),
           void *context);

private:
  struct Job {
    void (*body)(void *, int64_t);
    void *context;
    int64_t count;
    std::atomic<int64_t> next{0};

    void work() {
      for (int64_t i;
           (i = next.fetch_add(1, std::memory_order_relaxed)) < count;)
        body(context, i);
    }
  };

  void addWorker();
  void stop();
  void workerMain();

  const int32_t threads;
  std::vector<pthread_t> workers;

  std::mutex mutex; // guards all below; the atomics are also read without it
  std::condition_variable jobPosted;
  std::condition_variable workerLeft;
  std::atomic<uint64_t> generation{0}; // counts jobs posted
  std::atomic<bool> stopping{false};
  Job *job = nullptr;             // null: nothing to join
  int32_t vacancies = 0;          // workers that may still join
  std::atomic<int32_t> active{0}; // workers in the job
};

} // namespace attn::runtime

#endif // ATTN_RUNTIME_CPU_THREADPOOL_H
