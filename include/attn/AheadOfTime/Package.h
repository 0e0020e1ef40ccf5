//===- Package.h - Libraries with compiled kernels --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes what a C or C++ program needs to call compiled functions: artifacts, a
// documented header, a static and a shared library that carry them and the
// runtime, a CMake package and an example that compiles.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_AHEADOFTIME_PACKAGE_H
#define ATTN_AHEADOFTIME_PACKAGE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace attn {

/// A compiled function.
struct PackagedFunction {
  std::string artifact;
};

/// Writes the package `name` into `folder`, which is made if need be:
///   NAME.h, attn_runtime.h, libNAME.a, libNAME.so, NAMEConfig.cmake,
///   example.c, and FUNCTION.attn for each function.
/// `name` and the functions' names become C identifiers.
llvm::Error writePackage(llvm::StringRef folder, llvm::StringRef name,
                         const std::vector<PackagedFunction> &functions);

} // namespace attn

#endif // ATTN_AHEADOFTIME_PACKAGE_H
