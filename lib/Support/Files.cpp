//===- Files.cpp - Files that are there as a whole ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Streams whose errors are taken from them before they end the process.
//
//===----------------------------------------------------------------------===//

#include "attn/Support/Files.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"

#include <unistd.h>

using namespace llvm;

Error attn::writeToDescriptor(int descriptor, ArrayRef<StringRef> parts) {
  raw_fd_ostream os(descriptor, /*shouldClose=*/false);
  for (StringRef part : parts)
    os << part;
  os.flush();
  std::error_code error = os.error();
  os.clear_error();
  return errorCodeToError(error);
}

Error attn::writeAndClose(int descriptor, ArrayRef<StringRef> parts) {
  // The arguments of a call have no order.
  Error failed = writeToDescriptor(descriptor, parts);
  return joinErrors(
      std::move(failed),
      errorCodeToError(sys::Process::SafelyCloseFileDescriptor(descriptor)));
}

Error attn::writeWholeFile(StringRef path, ArrayRef<StringRef> parts) {
  if (path == "-")
    return writeToDescriptor(STDOUT_FILENO, parts);
  sys::fs::file_status status;
  if (!sys::fs::status(path, status) && !sys::fs::is_regular_file(status)) {
    int descriptor;
    if (std::error_code error = sys::fs::openFileForWrite(
            path, descriptor, sys::fs::CD_OpenExisting))
      return errorCodeToError(error);
    return writeAndClose(descriptor, parts);
  }
  Expected<sys::fs::TempFile> file =
      sys::fs::TempFile::create(path + ".%%%%%%%%");
  if (!file)
    return file.takeError();
  if (Error failed = writeToDescriptor(file->FD, parts))
    return joinErrors(std::move(failed), file->discard());
  return file->keep(path);
}
