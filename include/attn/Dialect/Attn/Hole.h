//===- Hole.h - Functions that are written later ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The op attn.hole, apart from the others: few files know it.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_ATTN_HOLE_H
#define ATTN_DIALECT_ATTN_HOLE_H

#include "attn/Dialect/Attn/Attn.h"

#define GET_OP_CLASSES
#include "attn/Dialect/Attn/AttnHole.h.inc"

namespace attn {
/// Marks the function of an attn.hole (tile-outline-holes).
inline constexpr llvm::StringLiteral kHoleAttrName = "attn.hole";
} // namespace attn

#endif // ATTN_DIALECT_ATTN_HOLE_H
