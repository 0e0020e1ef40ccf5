//===- Offset.h - Row maxima that keep exponentials small -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What whoever makes a kernel knows of its row maxima and passes cannot tell.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_TILE_OFFSET_H
#define ATTN_DIALECT_TILE_OFFSET_H

#include "llvm/ADT/StringRef.h"

namespace attn::tile {

/// On a tile.reduce max: its result keeps exponentials small and does nothing
/// else. All that comes of it comes of sums relative to it, too, and is the
/// same for any other number nearby, but for -inf, which says that there is
/// none.
inline constexpr llvm::StringLiteral kOffsetAttrName = "tile.offset";

} // namespace attn::tile

#endif // ATTN_DIALECT_TILE_OFFSET_H
