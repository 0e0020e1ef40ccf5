//===- WGSLReservedWords.h - Names that WGSL text cannot use ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Identifiers that the language keeps for itself or that mean something where
// nobody declares them.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_TARGET_WGSL_WGSLRESERVEDWORDS_H
#define ATTN_LIB_TARGET_WGSL_WGSLRESERVEDWORDS_H

#include "llvm/ADT/StringRef.h"

namespace attn {

/// True for keywords and reserved words of WGSL, and for its predeclared types,
/// enumerants and functions, which a declaration would hide.
bool isReservedInWGSL(llvm::StringRef name);

} // namespace attn

#endif // ATTN_LIB_TARGET_WGSL_WGSLRESERVEDWORDS_H
