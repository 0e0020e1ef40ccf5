// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The threads of a CPU context. They hand out the points of a grid by atomic
// counters, spin briefly between jobs and then sleep.
//
// Points are divided into ranges of neighbours, which read the same keys and
// values. A thread begins with a range of its own, the same in every launch, so
// that it finds in its cache what it has read, and helps with others then.
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
#include <deque>
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

  /// body(context, i) for each i in 0 .. count-1. Each of `ranges` equal ranges
  /// of points, of which there are not more than threads, is handed out in
  /// order.
  struct Task {
    int64_t count = 0;
    int64_t ranges = 0;
    void (*body)(void *, int64_t) = nullptr;
    void *context = nullptr;
  };

  /// Makes each of these calls once, those of a task when all of the task
  /// before have returned, and returns when all have. A call may use `stack`
  /// bytes of stack, at most workerStack - stackReserve. Calls of run must not
  /// overlap. All points see the default floating-point environment, whatever
  /// the caller has set.
  void run(const std::vector<Task> &tasks, size_t stack);

private:
  /// Points from `next` on that nobody has taken yet.
  struct alignas(64) Range {
    std::atomic<int64_t> next{0};
    int64_t end = 0;
  };
  struct Stage {
    Task task;
    std::vector<Range> ranges; // one a thread
    int32_t used = 0;          // of them
    std::atomic<int64_t> done{0};

    void prepare(const Task &given);
    void work(int32_t thread);
    bool isOver() const { return done == task.count; }
  };

  /// A thread that may sleep until another changes what it waits for, and then
  /// wakes it up. Each sleeps by itself: of threads that wait together, one at
  /// a time wakes up, and that takes longer than many a job.
  class Sleeper {
  public:
    template <typename Predicate> void sleepUntil(Predicate isOver) {
      std::unique_lock<std::mutex> lock(mutex);
      sleeps = true;
      changed.wait(lock, isOver);
      sleeps = false;
    }
    void wake() {
      if (!sleeps)
        return;
      // One that is about to sleep does so before the lock can be had.
      {
        std::lock_guard<std::mutex> lock(mutex);
      }
      changed.notify_one();
    }

  private:
    std::mutex mutex;
    std::condition_variable changed;
    std::atomic<bool> sleeps{false};
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

  /// Worker i is thread i of `threads`; the caller is thread 0.
  struct Worker {
    pthread_t thread;
    ThreadPool *pool;
    int32_t number;
    Sleeper sleeper;
  };

  void addWorker();
  void stop();
  void workerMain(Worker &worker);
  void wakeHelpers(int32_t thread);
  void work(int32_t thread);
  bool join(Posting seen);
  void awaitWorkers(int32_t joined);

  const int32_t threads;
  std::vector<Worker> workers; // as many as there may be
  int32_t started = 0;         // of them

  // Threads that spin join and leave a job without a lock: one that waited for
  // it would sleep, and waking up takes longer than many a job.
  // A job is written while no worker is in it.
  std::deque<Stage> stages;
  size_t stageCount = 0;           // of the job
  int32_t helpers = 0;             // workers that may join the job
  std::atomic<uint64_t> posted{0}; // a Posting
  std::atomic<int32_t> left{0};    // workers that are through with the job
  std::atomic<bool> stopping{false};

  Sleeper caller;
};

} // namespace attn::runtime

#endif // ATTN_RUNTIME_CPU_THREADPOOL_H
