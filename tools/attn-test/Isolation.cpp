//===- Isolation.cpp - Run a case in a process of its own -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// fork and a pipe for the message.
//
//===----------------------------------------------------------------------===//

#include "Isolation.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace attn::tools;

/// Writes all of `text`; a reader that has gone is no concern.
static void writeAll(int file, const std::string &text) {
  for (size_t done = 0; done < text.size();) {
    ssize_t count = write(file, text.data() + done, text.size() - done);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return;
    done += count;
  }
}

static std::string readAll(int file) {
  std::string text;
  char buffer[4096];
  while (true) {
    ssize_t count = read(file, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return text;
    text.append(buffer, count);
  }
}

IsolatedRun::IsolatedRun(llvm::function_ref<std::string()> run) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    problem = std::string("pipe: ") + std::strerror(errno);
    return;
  }
  child = fork();
  if (child < 0) {
    problem = std::string("fork: ") + std::strerror(errno);
    close(ends[0]);
    close(ends[1]);
    return;
  }
  if (child == 0) {
    close(ends[0]);
    writeAll(ends[1], run());
    // Nothing of the parent is to be torn down twice.
    _exit(0);
  }
  close(ends[1]);
  source = ends[0];
}

std::string IsolatedRun::wait() {
  if (child < 0)
    return problem;
  std::string message = readAll(source);
  close(source);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status))
    return std::string("dies: ") + strsignal(WTERMSIG(status));
  if (WEXITSTATUS(status) != 0)
    return "dies with exit code " + std::to_string(WEXITSTATUS(status));
  return message;
}
