//===- MSLReservedWords.h - Names that MSL text cannot use ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Identifiers that the language keeps for itself or that mean something where
// nobody declares them.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_TARGET_METAL_MSLRESERVEDWORDS_H
#define ATTN_LIB_TARGET_METAL_MSLRESERVEDWORDS_H

#include "llvm/ADT/StringRef.h"

namespace attn {

/// True for keywords of C++14 and of MSL, for macros, and for types, functions
/// and enumerants of namespace metal, which a declaration would hide.
bool isReservedInMSL(llvm::StringRef name);

} // namespace attn

#endif // ATTN_LIB_TARGET_METAL_MSLRESERVEDWORDS_H
