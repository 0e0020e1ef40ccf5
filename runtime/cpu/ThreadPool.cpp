// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The threads of a CPU context (see ThreadPool.h).
#include "ThreadPool.h"

#include "Failure.h"
#include "KernelEnvironment.h"

#include <algorithm>
#include <cstring>

namespace attn::runtime {
namespace {

/// Turns of a spin loop before sleeping: some tens of microseconds, the cost
/// of a few wake-ups, and short against any launch that is worth threads.
constexpr int spinTurns = 2000;

inline void pauseThread() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/// Bytes of stack that the calling thread has left; 0 when it runs on a stack
/// that is not the thread's own (a coroutine, a signal stack).
size_t stackLeft() {
  struct Bounds {
    char *low = nullptr;
    char *high = nullptr;
  };
  // Asked once a thread: for the main thread the answer is read from /proc.
  thread_local const Bounds bounds = [] {
    Bounds found;
    pthread_attr_t attributes;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0)
      return found;
    void *low = nullptr;
    size_t size = 0;
    if (pthread_attr_getstack(&attributes, &low, &size) == 0) {
      found.low = static_cast<char *>(low);
      found.high = found.low + size;
    }
    pthread_attr_destroy(&attributes);
    return found;
  }();
  char *here = static_cast<char *>(__builtin_frame_address(0));
  return here > bounds.low && here < bounds.high ? size_t(here - bounds.low)
                                                 : 0;
}

} // namespace

ThreadPool::ThreadPool(int32_t threads) : threads(threads) {
  try {
    for (int32_t i = 1; i < threads; ++i)
      addWorker();
  } catch (...) {
    stop();
    throw;
  }
}

ThreadPool::~ThreadPool() { stop(); }

void ThreadPool::stop() {
  {
    std::lock_guard<std::mutex> lock(mutex);
    stopping = true;
  }
  jobPosted.notify_all();
  for (pthread_t worker : workers)
    pthread_join(worker, nullptr);
}

void ThreadPool::addWorker() {
  workers.reserve(workers.size() + 1);
  pthread_attr_t attributes;
  int code = pthread_attr_init(&attributes);
  if (code == 0)
    code = pthread_attr_setstacksize(&attributes, workerStack);
  pthread_t worker;
  auto start = [](void *pool) -> void * {
    static_cast<ThreadPool *>(pool)->workerMain();
    return nullptr;
  };
  if (code == 0)
    code = pthread_create(&worker, &attributes, start, this);
  pthread_attr_destroy(&attributes);
  if (code != 0)
    fail(ATTN_ERROR_DEVICE_ERROR,
         "cannot start worker thread " + std::to_string(workers.size() + 1) +
             " of a pool of " + std::to_string(threads) + ": " +
             std::strerror(code));
  workers.push_back(worker);
}

void ThreadPool::workerMain() {
  setKernelEnvironment();
  uint64_t seen = 0;
  for (;;) {
    for (int turn = 0; turn < spinTurns && !stopping && generation == seen;
         ++turn)
      pauseThread();
    std::unique_lock<std::mutex> lock(mutex);
    jobPosted.wait(lock, [&] { return stopping || generation != seen; });
    if (stopping)
      return;
    seen = generation;
    // A worker that comes late finds the job full or over.
    if (!job || vacancies == 0)
      continue;
    --vacancies;
    ++active;
    Job *joined = job;
    lock.unlock();
    joined->work();
    lock.lock();
    if (--active == 0)
      workerLeft.notify_all();
  }
}

void ThreadPool::run(int64_t count, size_t stack, void (*body)(void *, int64_t),
                     void *context) {
  Job posted{body, context, count};
  bool callerWorks = stackLeft() >= stack + stackReserve;
  int64_t wanted = callerWorks ? threads - 1 : threads;
  int32_t helpers = int32_t(std::min(wanted, count - callerWorks));
  while (int32_t(workers.size()) < helpers)
    addWorker();

  if (helpers > 0) {
    {
      std::lock_guard<std::mutex> lock(mutex);
      job = &posted;
      vacancies = helpers;
      ++generation;
    }
    jobPosted.notify_all();
  }
  if (callerWorks) {
    KernelEnvironment guard;
    posted.work();
  }
  if (helpers == 0)
    return;

  std::unique_lock<std::mutex> lock(mutex);
  if (callerWorks) {
    // No point is left: nobody needs to join any more, and a worker that has
    // not woken up yet is not waited for.
    job = nullptr;
    lock.unlock();
    for (int turn = 0; turn < spinTurns && active != 0; ++turn)
      pauseThread();
    lock.lock();
  }
  workerLeft.wait(lock, [&] { return active == 0 && posted.next >= count; });
  job = nullptr;
}

} // namespace attn::runtime
