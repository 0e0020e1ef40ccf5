//===- Platform.h - The machines that libraries are for ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A library is for one kind of machine, that of the code in its artifacts. The
// compiler carries the runtime for its own kind, and for others where they were
// built.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_AHEADOFTIME_PLATFORM_H
#define ATTN_LIB_AHEADOFTIME_PLATFORM_H

#include "PackageFunctions.h"

#include "llvm/TargetParser/Triple.h"

namespace attn {

struct Platform {
  llvm::Triple triple;
  /// The runtime as one relocatable object, without and with the CUDA backend.
  llvm::StringRef cpuRuntime, cudaRuntime;

  bool isHost() const;
  /// The path of a C compiler that links for it: of the program that ATTN_CC
  /// names, else of the first of the usual ones on the PATH.
  llvm::Expected<std::string> findCompiler() const;
};

/// The one that the functions have code for; this machine's where they have
/// code for GPUs alone.
llvm::Expected<Platform> choosePlatform(llvm::ArrayRef<CFunction> functions);

} // namespace attn

#endif // ATTN_LIB_AHEADOFTIME_PLATFORM_H
