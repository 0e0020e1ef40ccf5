// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pool by itself: every point of every task once, the points of a task
// after those of the one before, whether threads spin, sleep or come late.
#include "ThreadPool.h"

#include <atomic>
#include <chrono>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

using attn::runtime::ThreadPool;

namespace {

/// A task that notes its points.
struct Noted {
  explicit Noted(size_t points) : calls(points) {}

  static void call(void *opaque, int64_t i) {
    auto &task = *static_cast<Noted *>(opaque);
    if (task.before && task.before->done != task.before->calls.size())
      task.early = true;
    std::this_thread::sleep_for(task.time);
    ++task.calls[size_t(i)];
    ++task.done;
  }
  void expectOnce() const {
    EXPECT_FALSE(early);
    for (const std::atomic<int> &count : calls)
      ASSERT_EQ(count, 1);
  }

  std::vector<std::atomic<int>> calls;
  std::atomic<size_t> done{0};
  std::atomic<bool> early{false};
  const Noted *before = nullptr;
  std::chrono::microseconds time{0};
};

class ThreadPoolTest : public testing::TestWithParam<int32_t> {};

TEST_P(ThreadPoolTest, EveryPointOnce) {
  std::mt19937 random(1);
  auto upTo = [&](int most) { return int(random() % unsigned(most + 1)); };
  ThreadPool pool(GetParam());
  for (int run = 0; run < 200; ++run) {
    std::vector<std::unique_ptr<Noted>> noted;
    std::vector<ThreadPool::Task> tasks;
    for (size_t count = size_t(upTo(3)); tasks.size() < count;) {
      noted.push_back(std::make_unique<Noted>(size_t(upTo(40))));
      Noted &task = *noted.back();
      task.before = tasks.empty() ? nullptr : noted[tasks.size() - 1].get();
      // Some are long: who waits for them leaves or sleeps meanwhile.
      if (upTo(9) == 0)
        task.time = std::chrono::microseconds(300);
      tasks.push_back(
          {int64_t(task.calls.size()), upTo(20), Noted::call, &task});
    }
    // Of some, the caller has too little stack left.
    pool.run(tasks, upTo(3) ? 1 << 20 : 15 << 20);
    for (const auto &task : noted)
      task->expectOnce();
    if (upTo(19) == 0)
      std::this_thread::sleep_for(std::chrono::microseconds(upTo(1000)));
  }
}

// Longest first stays longest first, and threads begin with ranges of their
// own, the caller with the first: nobody comes back to a range.
TEST_P(ThreadPoolTest, RangesAreInOrder) {
  constexpr int64_t count = 60;
  for (int64_t ranges : {1, 2, 3}) {
    struct Seen {
      std::mutex mutex;
      std::map<std::thread::id, std::vector<int64_t>> points;
    } seen;
    auto note = [](void *opaque, int64_t i) {
      auto &seen = *static_cast<Seen *>(opaque);
      std::lock_guard<std::mutex> lock(seen.mutex);
      seen.points[std::this_thread::get_id()].push_back(i);
    };
    ThreadPool(GetParam()).run({{count, ranges, note, &seen}}, 1 << 20);
    int64_t share = count / std::min<int64_t>(ranges, GetParam());
    for (const auto &[thread, points] : seen.points)
      for (size_t k = 1; k < points.size(); ++k) {
        if (points[k] / share == points[k - 1] / share)
          EXPECT_GT(points[k], points[k - 1]);
        else // nothing is left of the range of its own
          EXPECT_NE(points[k] / share, points[0] / share);
      }
    if (seen.points.count(std::this_thread::get_id()))
      EXPECT_LT(seen.points[std::this_thread::get_id()][0], share);
  }
}

// A thread finds in its cache what it read in the launch before: where all take
// part, each begins with the same point.
TEST_P(ThreadPoolTest, ThreadsKeepTheirPoints) {
  struct Seen {
    std::vector<std::thread::id> thread;
    std::atomic<size_t> started{0};
  } seen;
  seen.thread.resize(size_t(GetParam()));
  auto note = [](void *opaque, int64_t i) {
    auto &seen = *static_cast<Seen *>(opaque);
    seen.thread[size_t(i)] = std::this_thread::get_id();
    for (++seen.started; seen.started < seen.thread.size();)
      std::this_thread::yield();
  };
  ThreadPool pool(GetParam());
  std::vector<std::thread::id> first;
  for (int run = 0; run < 5; ++run) {
    seen.started = 0;
    pool.run({{GetParam(), GetParam(), note, &seen}}, 1 << 20);
    if (run == 0)
      first = seen.thread;
    EXPECT_EQ(seen.thread, first);
  }
}

INSTANTIATE_TEST_SUITE_P(Threads, ThreadPoolTest,
                         testing::Values(1, 2, 3, 7, 20));

} // namespace
