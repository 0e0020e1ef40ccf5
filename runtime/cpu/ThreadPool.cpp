// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The threads of a CPU context (see ThreadPool.h).
#include "ThreadPool.h"

#include "Failure.h"
#include "KernelEnvironment.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <sched.h>

namespace attn::runtime {
namespace {

/// Turns of a spin loop: about 100 us, the cost of a few wake-ups. After that a
/// thread offers the processor to others a few times as long, and then sleeps:
/// who launches again has often done a little other work by then.
constexpr int spinTurns = 2000;
constexpr std::chrono::microseconds yieldTime{500};

/// Workers that a thread wakes up, one after the other, before it works: they
/// do the same.
constexpr int64_t wakesEach = 4;

inline void pauseThread() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/// Whether the condition comes true before it is time to sleep.
template <typename Condition> bool spinUntil(Condition isTrue) {
  for (int turn = 0; turn < spinTurns; ++turn) {
    if (isTrue())
      return true;
    pauseThread();
  }
  auto end = std::chrono::steady_clock::now() + yieldTime;
  while (!isTrue()) {
    if (std::chrono::steady_clock::now() > end)
      return false;
    sched_yield();
  }
  return true;
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

ThreadPool::ThreadPool(int32_t threads)
    : threads(threads), workers(size_t(threads)) {
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
  for (int32_t i = 0; i < started; ++i)
    workers[size_t(i)].sleeper.wake();
  for (int32_t i = 0; i < started; ++i)
    pthread_join(workers[size_t(i)].thread, nullptr);
}

void ThreadPool::addWorker() {
  pthread_attr_t attributes;
  int code = pthread_attr_init(&attributes);
  if (code == 0)
    code = pthread_attr_setstacksize(&attributes, workerStack);
  Worker &worker = workers[size_t(started)];
  worker.pool = this;
  worker.number = started + 1;
  auto start = [](void *opaque) -> void * {
    auto *worker = static_cast<Worker *>(opaque);
    worker->pool->workerMain(*worker);
    return nullptr;
  };
  if (code == 0)
    code = pthread_create(&worker.thread, &attributes, start, &worker);
  pthread_attr_destroy(&attributes);
  if (code != 0)
    fail(ATTN_ERROR_DEVICE_ERROR,
         "cannot start worker thread " + std::to_string(worker.number) +
             " of a pool of " + std::to_string(threads) + ": " +
             std::strerror(code));
  ++started;
}

/// Wakes up those workers of the job that are this thread's to wake.
void ThreadPool::wakeHelpers(int32_t thread) {
  int64_t first = int64_t(thread) * wakesEach;
  for (int64_t i = first; i < std::min<int64_t>(first + wakesEach, helpers);
       ++i)
    workers[size_t(i)].sleeper.wake();
}

void ThreadPool::Stage::prepare(const Task &given) {
  task = given;
  done = 0;
  int64_t most = std::min(task.ranges, task.count);
  used = int32_t(std::clamp<int64_t>(most, 1, int64_t(ranges.size())));
  int64_t share = task.count / used, longer = task.count % used, end = 0;
  for (int32_t k = 0; k < used; ++k) {
    ranges[size_t(k)].next = end;
    ranges[size_t(k)].end = end += share + (k < longer);
  }
}

/// Takes points of the thread's range while it has some, then those of the
/// next ones.
void ThreadPool::Stage::work(int32_t thread) {
  int64_t taken = 0;
  for (int32_t k = 0; k < used; ++k) {
    Range &range = ranges[size_t((thread + k) % used)];
    while (range.next.load(std::memory_order_relaxed) < range.end) {
      int64_t i = range.next.fetch_add(1, std::memory_order_relaxed);
      if (i >= range.end)
        break;
      task.body(task.context, i);
      ++taken;
    }
  }
  if (taken > 0)
    done += taken;
}

/// Works on the stages of the job. A worker goes where others take long to end
/// one: whoever ends it goes on, and so does the caller.
void ThreadPool::work(int32_t thread) {
  for (size_t k = 0; k < stageCount; ++k) {
    Stage &stage = stages[k];
    stage.work(thread);
    // The caller does not wait for the last stage, but for all to leave.
    if (k + 1 == stageCount)
      return;
    if (thread > 0)
      caller.wake();
    auto isOver = [&] { return stage.isOver(); };
    if (spinUntil(isOver))
      continue;
    if (thread > 0)
      return;
    caller.sleepUntil(isOver);
  }
}

/// Takes a vacancy of the job that was posted after `seen`, if there is one.
bool ThreadPool::join(Posting last) {
  Posting now = last;
  while (now.number() == last.number() && now.vacancies() > 0)
    if (posted.compare_exchange_weak(now.word, now.word - 1))
      return true;
  return false;
}

void ThreadPool::workerMain(Worker &worker) {
  KernelEnvironment environment;
  uint64_t seen = 0;
  for (;;) {
    auto isWanted = [&] {
      return stopping || Posting{posted}.number() != seen;
    };
    if (!spinUntil(isWanted))
      worker.sleeper.sleepUntil(isWanted);
    if (stopping)
      return;
    Posting last{posted};
    seen = last.number();
    // A worker that comes late finds the job full or over.
    if (!join(last))
      continue;
    wakeHelpers(worker.number);
    work(worker.number);
    ++left;
    caller.wake();
  }
}

/// Returns when so many workers have left the job.
void ThreadPool::awaitWorkers(int32_t joined) {
  auto haveLeft = [&] { return left == joined; };
  if (!spinUntil(haveLeft))
    caller.sleepUntil(haveLeft);
}

void ThreadPool::run(const std::vector<Task> &tasks, size_t stack) {
  int64_t most = 0;
  stageCount = tasks.size();
  for (size_t k = 0; k < stageCount; ++k) {
    if (k == stages.size())
      stages.emplace_back().ranges = std::vector<Range>(size_t(threads));
    stages[k].prepare(tasks[k]);
    most = std::max(most, tasks[k].count);
  }
  left = 0;
  bool callerWorks = stackLeft() >= stack + stackReserve;
  int64_t wanted = callerWorks ? threads - 1 : threads;
  helpers = int32_t(std::clamp<int64_t>(most - callerWorks, 0, wanted));
  while (started < helpers)
    addWorker();

  uint64_t number = Posting{posted}.number() + (helpers > 0);
  if (helpers > 0) {
    posted = Posting::of(number, helpers).word;
    wakeHelpers(/*thread=*/0);
  }
  if (callerWorks) {
    KernelEnvironment guard;
    work(/*thread=*/0);
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
