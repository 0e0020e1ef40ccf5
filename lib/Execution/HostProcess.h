//===- HostProcess.h - A program that answers in JSON -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A child process that is asked one line at a time.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EXECUTION_HOSTPROCESS_H
#define ATTN_LIB_EXECUTION_HOSTPROCESS_H

#include "mlir/Support/LLVM.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

#include <memory>
#include <string>

namespace attn::execution {

class HostProcess {
public:
  /// Runs `script` in Node for what it calls `backend`.
  static llvm::Expected<std::unique_ptr<HostProcess>>
  start(const std::string &script, const std::string &backend);
  ~HostProcess();

  /// The answer to one command; what it calls an error is one.
  llvm::Expected<llvm::json::Object> ask(llvm::json::Object command);

  /// A folder for files that both read, gone with the process.
  llvm::StringRef getFolder() const { return folder; }

private:
  HostProcess() = default;
  bool send(llvm::StringRef text) const;
  std::optional<std::string> receiveLine();

  int connection = -1, process = -1;
  /// What was received behind the last line.
  std::string pending, folder;
};

} // namespace attn::execution

#endif // ATTN_LIB_EXECUTION_HOSTPROCESS_H
