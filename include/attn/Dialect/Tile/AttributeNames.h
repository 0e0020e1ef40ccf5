//===- AttributeNames.h - What the dialect attaches to ops ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The discardable attributes of the tile dialect that have no class of their
// own, but what every tool reads (Tile.h). The dialect refuses others
// (TileDialect.cpp).
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_TILE_ATTRIBUTENAMES_H
#define ATTN_DIALECT_TILE_ATTRIBUTENAMES_H

#include "llvm/ADT/StringRef.h"

namespace attn::tile {

/// Marks an outlined kernel.
inline constexpr llvm::StringLiteral kKernelAttrName = "tile.kernel";

/// On a grid that stores the states of rows: how many blocks shall have work
/// (see tile-split-keys).
inline constexpr llvm::StringLiteral kWorkersAttrName = "tile.workers";

/// On a tile.reduce max: its result keeps exponentials small and does nothing
/// else. All that comes of it comes of sums relative to it, too, and is the
/// same for any other number nearby, but for -inf, which says that there is
/// none.
inline constexpr llvm::StringLiteral kOffsetAttrName = "tile.offset";

/// On such a maximum: what comes of the sums is stored with 16 bits in the end,
/// though parts of it may be kept with 32 until then.
inline constexpr llvm::StringLiteral kNarrowAttrName = "tile.narrow";

/// On an scf.for: what it carries is such an offset and sums relative to it, so
/// that its iterations may come in any order.
inline constexpr llvm::StringLiteral kUnorderedAttrName = "tile.unordered";

/// On a tile.convert and what it becomes: numbers may be rounded in any way, as
/// all that comes of them is divided by their sum.
inline constexpr llvm::StringLiteral kAnyRoundingAttrName = "tile.any_rounding";

/// On arithmetic on floats: it is computed as it is written. A device contracts
/// and regroups nothing.
inline constexpr llvm::StringLiteral kExactAttrName = "tile.exact";

/// On a tile.load with a layout of workgroup memory: the product reads it where
/// it is.
inline constexpr llvm::StringLiteral kInMemoryAttrName = "tile.in_memory";

/// On a kernel to whose tiles tile-assign-layouts gave no layouts.
inline constexpr llvm::StringLiteral kWithoutLayoutsAttrName =
    "tile.without_layouts";

/// On a kernel on tensor cores: its lowering has placed each op.
inline constexpr llvm::StringLiteral kScheduledAttrName = "tile.scheduled";

/// On the argument of a kernel, or the result of an op, that is a size: 0 up to
/// this number.
inline constexpr llvm::StringLiteral kSizeAttrName = "tile.size";

/// On a parameter of a kernel whose elements a legalisation changed: as a type,
/// what the program has there.
inline constexpr llvm::StringLiteral kElementAttrName = "tile.element";

/// On a parameter of a kernel: a table that regions read.
inline constexpr llvm::StringLiteral kTableAttrName = "tile.table";

/// On a parameter of a kernel: memory through which its workgroups exchange,
/// which may be that of another parameter, too.
inline constexpr llvm::StringLiteral kExchangedAttrName = "tile.exchanged";

/// On a memref.alloc: launches find it filled with zeros and leave it so.
inline constexpr llvm::StringLiteral kRestoredAttrName = "tile.restored";

/// On a parameter of a kernel that its launcher adds and fills for each
/// dispatch.
inline constexpr llvm::StringLiteral kDispatchAttrName = "tile.dispatch";

} // namespace attn::tile

#endif // ATTN_DIALECT_TILE_ATTRIBUTENAMES_H
