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
  stopping = true;
  {
    std::lock_guard<std::mutex> lock(mutex);
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

/// Takes a vacancy of the job that was posted after `seen`, if there is one.
bool ThreadPool::join(Posting last) {
  Posting now = last;
  while (now.number() == last.number() && now.vacancies() > 0)
    if (posted.compare_exchange_weak(now.word, now.word - 1))
      return true;
  return false;
}

void ThreadPool::workerMain() {
  setKernelEnvironment();
  uint64_t seen = 0;
  for (;;) {
    auto isIdle = [&] { return !stopping && Posting{posted}.number() == seen; };
    for (int turn = 0; turn < spinTurns && isIdle(); ++turn)
      pauseThread();
    if (isIdle()) {
      std::unique_lock<std::mutex> lock(mutex);
      ++sleepers;
      jobPosted.wait(lock, [&] { return !isIdle(); });
      --sleepers;
    }
    if (stopping)
      return;
    Posting last{posted};
    seen = last.number();
    // A worker that comes late finds the job full or over.
    if (!join(last))
      continue;
    job.work();
    ++left;
    if (callerSleeps) {
      std::lock_guard<std::mutex> lock(mutex);
      workerLeft.notify_all();
    }
  }
}

/// Returns when so many workers have left the job.
void ThreadPool::awaitWorkers(int32_t joined) {
  for (int turn = 0; turn < spinTurns && left != joined; ++turn)
    pauseThread();
  if (left == joined)
    return;
  std::unique_lock<std::mutex> lock(mutex);
  callerSleeps = true;
  workerLeft.wait(lock, [&] { return left == joined; });
  callerSleeps = false;
}

void ThreadPool::run(int64_t count, size_t stack, void (*body)(void *, int64_t),
                     void *context) {
  job.body = body;
  job.context = context;
  job.count = count;
  job.next = 0;
  left = 0;
  bool callerWorks = stackLeft() >= stack + stackReserve;
  int64_t wanted = callerWorks ? threads - 1 : threads;
  int32_t helpers = int32_t(std::min(wanted, count - callerWorks));
  while (int32_t(workers.size()) < helpers)
    addWorker();

  uint64_t number = Posting{posted}.number() + (helpers > 0);
  if (helpers > 0) {
    posted = Posting::of(number, helpers).word;
    if (sleepers > 0) {
      // One that is about to sleep does so before the lock can be had.
      {
        std::lock_guard<std::mutex> lock(mutex);
      }
      jobPosted.notify_all();
    }
  }
  if (callerWorks) {
    KernelEnvironment guard;
    job.work();
  }
  if (helpers == 0)
    return;
  // A caller that works finds no point left: a worker that has not woken up yet
  // is not waited for. One that does not waits for them all.
  int32_t missing = 0;
  if (callerWorks)
    missing = Posting{posted.exchange(Posting::of(number, 0).word)}.vacancies();
  awaitWorkers(helpers - missing);
}

} // namespace attn::runtime
