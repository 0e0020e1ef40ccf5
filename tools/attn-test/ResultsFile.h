//===- ResultsFile.h - What has passed and failed ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A line for every case, written when the case ends: what is stopped on the way
// keeps what it has found, and a later run can take it from there.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_TEST_RESULTSFILE_H
#define ATTN_TOOLS_ATTN_TEST_RESULTSFILE_H

#include "llvm/ADT/StringSet.h"
#include "llvm/Support/raw_ostream.h"

#include <memory>
#include <string>

namespace attn::tools {

class ResultsFile {
public:
  /// Takes from the file at `path` which cases passed. Says what is wrong, or
  /// nothing.
  std::string read(const std::string &path);
  /// Whether the file that was read says that `name` passed.
  bool hasPassed(llvm::StringRef name) const { return passed.contains(name); }
  /// Opens the file at `path`, to append to it. Says what is wrong, or nothing.
  std::string open(const std::string &path);
  /// Writes the line of a case, if a file is open. Says what is wrong, or
  /// nothing.
  std::string add(llvm::StringRef name, bool hasPassed);

private:
  llvm::StringSet<> passed;
  std::string path;
  std::unique_ptr<llvm::raw_fd_ostream> stream;
};

} // namespace attn::tools

#endif // ATTN_TOOLS_ATTN_TEST_RESULTSFILE_H
