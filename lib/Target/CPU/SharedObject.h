//===- SharedObject.h - A shared object of what needs no linker -*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For x86-64, where an object file of kernels refers to itself only.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_TARGET_CPU_SHAREDOBJECT_H
#define LIB_TARGET_CPU_SHAREDOBJECT_H

#include "llvm/ADT/StringRef.h"

#include <optional>
#include <string>

namespace attn {

/// Bytes of an ELF shared object that exports the functions of `object`, an
/// object file for x86-64. None if that takes a linker: `object` has data that
/// are written, refers to what it does not define, or in another way than by
/// distances of 32 bits.
std::optional<std::string> makeSharedObject(llvm::StringRef object);

} // namespace attn

#endif // LIB_TARGET_CPU_SHAREDOBJECT_H
