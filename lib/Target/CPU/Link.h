//===- Link.h - An object file becomes a shared object ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The last step of code generation for CPUs.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_TARGET_CPU_LINK_H
#define LIB_TARGET_CPU_LINK_H

#include "mlir/IR/Diagnostics.h"
#include "llvm/TargetParser/Triple.h"

#include <string>

namespace attn {

/// Bytes of an ELF shared object, or of a module of WebAssembly that imports
/// its memory, without undefined symbols. They are made of the bytes of one
/// object file for `triple` by the linker that the environment variable
/// ATTN_LINKER names, else without one where that is possible, else by the
/// first on the PATH of lld and GNU's ld for that kind of machine. Safe to call
/// from several threads. Fails with a diagnostic at `loc` that holds what the
/// linker said.
mlir::FailureOr<std::string> linkSharedObject(llvm::StringRef object,
                                              const llvm::Triple &triple,
                                              mlir::Location loc);

} // namespace attn

#endif // LIB_TARGET_CPU_LINK_H
