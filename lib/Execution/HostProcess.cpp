//===- HostProcess.cpp - A program that answers in JSON -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The child's input and output are one end of a pair of sockets; a child that
// has died is an answer that does not come.
//
//===----------------------------------------------------------------------===//

#include "HostProcess.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace attn::execution;
namespace json = llvm::json;

extern char **environ;

static llvm::Error makeError(const llvm::Twine &message) {
  return llvm::createStringError(message.str());
}

llvm::Expected<std::unique_ptr<HostProcess>>
HostProcess::start(const std::string &script, const std::string &backend) {
  if (!llvm::sys::fs::exists(script))
    return makeError("there is no " + script);
  std::unique_ptr<HostProcess> host(new HostProcess);
  llvm::SmallString<64> path;
  if (std::error_code error =
          llvm::sys::fs::createUniqueDirectory("attn-host", path))
    return makeError("no temporary folder: " + error.message());
  host->folder = path.str().str();
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return makeError(std::strerror(errno));
  host->connection = ends[0];
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  std::string program = "node", file = script, what = backend;
  char *arguments[] = {program.data(), file.data(), what.data(), nullptr};
  int failed = posix_spawnp(&host->process, program.c_str(), &actions,
                            /*attrp=*/nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  if (!failed)
    return host;
  host->process = -1;
  return makeError(llvm::Twine("cannot run node: ") + std::strerror(failed));
}

HostProcess::~HostProcess() {
  // At the end of its input it ends.
  if (connection >= 0)
    close(connection);
  if (process > 0)
    waitpid(process, nullptr, 0);
  if (!folder.empty())
    llvm::sys::fs::remove_directories(folder);
}

bool HostProcess::send(llvm::StringRef text) const {
  while (!text.empty()) {
    ssize_t sent = ::send(connection, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR)
      continue;
    if (sent <= 0)
      return false;
    text = text.drop_front(sent);
  }
  return true;
}

std::optional<std::string> HostProcess::receiveLine() {
  size_t end;
  while ((end = pending.find('\n')) == std::string::npos) {
    char block[4096];
    ssize_t received = recv(connection, block, sizeof block, 0);
    if (received < 0 && errno == EINTR)
      continue;
    if (received <= 0)
      return std::nullopt;
    pending.append(block, received);
  }
  std::string line = pending.substr(0, end);
  pending.erase(0, end + 1);
  return line;
}

llvm::Expected<json::Object> HostProcess::ask(json::Object command) {
  std::string text =
      llvm::formatv("{0}\n", json::Value(std::move(command))).str();
  std::optional<std::string> line;
  if (send(text))
    line = receiveLine();
  if (!line)
    return makeError("the host has ended; what it wrote above says why");
  llvm::Expected<json::Value> answer = json::parse(*line);
  if (!answer)
    return answer.takeError();
  json::Object *object = answer->getAsObject();
  if (!object)
    return makeError("the host answers '" + *line + "'");
  if (auto error = object->getString("error"))
    return makeError(*error);
  return std::move(*object);
}
