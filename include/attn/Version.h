//===- Version.h - What --version prints ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The version of the project, and of the LLVM that it stands on.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_VERSION_H
#define ATTN_VERSION_H

#include "llvm/Config/llvm-config.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/raw_ostream.h"

namespace attn {

/// Makes --version of a tool print the project's version. Tools are compiled
/// with ATTN_VERSION.
inline void setVersionPrinter() {
  llvm::cl::SetVersionPrinter([](llvm::raw_ostream &os) {
    os << "attn " ATTN_VERSION "\nLLVM " LLVM_VERSION_STRING "\n";
  });
}

} // namespace attn

#endif // ATTN_VERSION_H
