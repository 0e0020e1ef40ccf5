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
    void (*body)(void *, int64_t) = nullptr;
    void *context = nullptr;
    int64_t count = 0;
    std::atomic<int64_t> next{0};

    void work() {
      for (int64_t i;
           (i = next.fetch_add(1, std::memory_order_relaxed)) < count;)
        body(context, i);
    }
  };

  /// How many jobs were posted, and how many workers may still join the last
  /// one: one word, so that none joins a job that is over.
  struct Posting {
    uint64_t word = 0;
    static constexpr unsigned vacancyBits = 16;
    uint64_t number() const { return word >> vacancyBits; }
    int32_t vacancies() const {
      return int32_t(word & ((1 << vacancyBits) - 1));
    }
    static Posting of(uint64_t number, int32_t vacancies) {
      return {number << vacancyBits | uint64_t(vacancies)};
    }
  };

  void addWorker();
  void stop();
  void workerMain();
  bool join(Posting seen);
  void awaitWorkers(int32_t joined);

  const int32_t threads;
  std::vector<pthread_t> workers;

  // Threads that spin join and leave a job without a lock: one that waited for
  // it would sleep, and waking up takes longer than many a job.
  Job job;                         // written while no worker is in it
  std::atomic<uint64_t> posted{0}; // a Posting
  std::atomic<int32_t> left{0};    // workers that are through with the job
  std::atomic<bool> stopping{false};

  // Those that sleep. Who changes what they wait for looks for them afterwards.
  std::mutex mutex;
  std::condition_variable jobPosted;
  std::condition_variable workerLeft;
  std::atomic<int32_t> sleepers{0};
  std::atomic<bool> callerSleeps{false};
};

} // namespace attn::runtime

#endif // ATTN_RUNTIME_CPU_THREADPOOL_H
