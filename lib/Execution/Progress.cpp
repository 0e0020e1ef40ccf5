//===- Progress.cpp - What a tool is busy with ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A thread that rewrites one line a second and clears it in the end.
//
//===----------------------------------------------------------------------===//

#include "attn/Execution/Progress.h"

#include "llvm/Support/raw_ostream.h"

#include <chrono>
#include <unistd.h>

using namespace attn::execution;

Progress::Progress(std::string what) : what(std::move(what)) {
  if (isatty(STDERR_FILENO))
    thread = std::thread([this] { show(); });
}

void Progress::show() {
  std::unique_lock<std::mutex> lock(mutex);
  bool shown = false;
  for (unsigned seconds = 1;
       !wake.wait_for(lock, std::chrono::seconds(1), [&] { return done; });
       ++seconds) {
    // What is over in a moment needs no line.
    if (seconds < 2)
      continue;
    llvm::errs() << "\r" << what << ": ";
    if (fraction >= 0)
      llvm::errs() << static_cast<int>(fraction * 100) << " %, ";
    llvm::errs() << seconds << " s ";
    shown = true;
  }
  if (shown)
    llvm::errs() << "\r\x1b[K";
}

Progress::~Progress() {
  if (!thread.joinable())
    return;
  {
    std::lock_guard<std::mutex> lock(mutex);
    done = true;
  }
  wake.notify_one();
  thread.join();
}
