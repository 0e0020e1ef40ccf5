//===- ResultsFile.cpp - What has passed and failed -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Lines of a name, a tab, and passed or failed. The last line of a case counts.
//
//===----------------------------------------------------------------------===//

#include "ResultsFile.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace attn::tools;

std::string ResultsFile::read(const std::string &path) {
  if (!llvm::sys::fs::exists(path))
    return "";
  auto file = llvm::MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!file)
    return path + ": " + file.getError().message();
  for (llvm::StringRef line : llvm::split((*file)->getBuffer(), '\n')) {
    auto [name, status] = line.split('\t');
    if (status == "passed")
      passed.insert(name);
    else
      passed.erase(name);
  }
  return "";
}

std::string ResultsFile::open(const std::string &path) {
  std::error_code error;
  stream = std::make_unique<llvm::raw_fd_ostream>(path, error,
                                                  llvm::sys::fs::OF_Append);
  this->path = path;
  return error ? path + ": " + error.message() : "";
}

std::string ResultsFile::add(llvm::StringRef name, bool hasPassed) {
  if (!stream)
    return "";
  *stream << name << (hasPassed ? "\tpassed\n" : "\tfailed\n");
  // One write: no line is in the file by half.
  stream->flush();
  std::error_code error = stream->error();
  stream->clear_error();
  return error ? path + ": " + error.message() : "";
}
