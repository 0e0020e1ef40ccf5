//===- Files.h - Files that are there as a whole ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where a disk is full, LLVM's streams end the process and its mapped files
// are a bus error. These say what went wrong.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_SUPPORT_FILES_H
#define ATTN_SUPPORT_FILES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace attn {

/// Writes to an open file, which stays open.
llvm::Error writeToDescriptor(int descriptor,
                              llvm::ArrayRef<llvm::StringRef> parts);

/// The same, and closes it.
llvm::Error writeAndClose(int descriptor,
                          llvm::ArrayRef<llvm::StringRef> parts);

/// Makes the file of these parts, or leaves what was there: it is written
/// beside its place and renamed. Pipes and devices are written as they are, "-"
/// is the standard output. The error does not name the file.
llvm::Error writeWholeFile(llvm::StringRef path,
                           llvm::ArrayRef<llvm::StringRef> parts);

} // namespace attn

#endif // ATTN_SUPPORT_FILES_H
