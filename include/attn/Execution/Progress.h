//===- Progress.h - What a tool is busy with --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Long work is named, with the seconds it has taken so far.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_EXECUTION_PROGRESS_H
#define ATTN_EXECUTION_PROGRESS_H

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace attn::execution {

/// While it lives, and the work takes long, a line on the terminal says `what`
/// goes on. Writes nothing where stderr is no terminal.
class Progress {
public:
  explicit Progress(std::string what);
  ~Progress();
  Progress(const Progress &) = delete;
  Progress &operator=(const Progress &) = delete;

  /// The part of the work that is done, from 0 to 1, if that is known.
  std::atomic<double> fraction = -1;

private:
  void show();

  std::string what;
  bool done = false;
  std::mutex mutex;
  std::condition_variable wake;
  std::thread thread;
};

} // namespace attn::execution

#endif // ATTN_EXECUTION_PROGRESS_H
