// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Grids on the threads of the embedding program (see Executor.h).
#include "Executor.h"

#include "Failure.h"
#include "KernelEnvironment.h"

#include <atomic>

namespace attn::runtime {
namespace {

constexpr int32_t maxThreads = 4096;
/// What threads have by default on Linux.
constexpr size_t usualStack = 8 << 20;

struct Job {
  void (*body)(void *, int64_t);
  void *context;
  int64_t count;
  std::atomic<int64_t> done{0};
  std::atomic<bool> strayed{false};
};

void runPoint(void *opaque, int64_t index) {
  Job &job = *static_cast<Job *>(opaque);
  if (index < 0 || index >= job.count) {
    job.strayed = true;
    return;
  }
  {
    KernelEnvironment guard;
    job.body(job.context, index);
  }
  job.done.fetch_add(1, std::memory_order_release);
}

} // namespace

Executor::Executor(const attn_executor &given) : executor(given) {
  if (!executor.parallel_for)
    fail(ATTN_ERROR_INVALID_ARGUMENT, "executor->parallel_for is NULL");
  if (executor.threads < 1 || executor.threads > maxThreads)
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         "executor->threads is " + std::to_string(executor.threads) +
             ", not in 1 .. " + std::to_string(maxThreads));
  if (executor.stack_bytes == 0)
    executor.stack_bytes = usualStack;
}

void Executor::run(int64_t count, void (*body)(void *, int64_t),
                   void *context) const {
  Job job{body, context, count};
  executor.parallel_for(executor.user, count, runPoint, &job);
  int64_t done = job.done.load(std::memory_order_acquire);
  if (done != count || job.strayed)
    fail(ATTN_ERROR_DEVICE_ERROR,
         "the executor made " + std::to_string(done) + " calls of " +
             std::to_string(count) +
             (job.strayed ? ", and others out of range" : ""));
}

} // namespace attn::runtime
