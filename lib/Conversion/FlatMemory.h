//===- FlatMemory.h - Tiles and elements in flat memory ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The memory of a kernel's arguments as flat views, and where in them the
// elements of a tile lie: packed heads and pages are known here alone. And the
// elements in f32, in which lowerings compute.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_FLATMEMORY_H
#define LIB_CONVERSION_FLATMEMORY_H

#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn {

/// A constant.
mlir::Value index(mlir::ImplicitLocOpBuilder &b, int64_t value);

/// What a lowering has in place of a scalar of the kernel.
using ScalarLookup = llvm::function_ref<mlir::Value(mlir::Value)>;

/// A strided view of memory: element (i, j, ...) is
/// `flat[i * strides[0] + j * strides[1] + ...]`.
struct FlatView {
  mlir::Value flat;
  llvm::SmallVector<mlir::Value> sizes, strides;
};

/// The view that `op` makes of an argument, `base` in its place; fails with a
/// diagnostic where it is none.
mlir::FailureOr<FlatView> makeFlatView(mlir::ImplicitLocOpBuilder &b,
                                       mlir::memref::ReinterpretCastOp op,
                                       mlir::Value base, ScalarLookup lookup);

/// Where an element is in a flat view, called `at`.
mlir::Value getFlatAddress(mlir::ImplicitLocOpBuilder &b,
                           llvm::ArrayRef<mlir::Value> strides,
                           llvm::ArrayRef<mlir::Value> indices);

/// Indices of the element of a tile that begins at `indices`.
llvm::SmallVector<mlir::Value>
getElementIndices(mlir::ImplicitLocOpBuilder &b, mlir::ValueRange indices,
                  llvm::ArrayRef<mlir::Value> coordinates, ScalarLookup lookup);

/// What multiplies rows of the tile that `op` loads where that is packed, so
/// that each needs no division by the number of heads; null where none is worth
/// it.
mlir::Value getInverse(mlir::ImplicitLocOpBuilder &b, tile::LoadOp op,
                       ScalarLookup lookup);

/// Where an element of the tile that `op` loads is in `memory`, of which rows
/// and the like are `strides` apart; `pages` is the view of its page table, if
/// it has one, `inverse` that of getInverse, or null.
mlir::Value getElementAddress(mlir::ImplicitLocOpBuilder &b, tile::LoadOp op,
                              const FlatView &memory, const FlatView *pages,
                              llvm::ArrayRef<mlir::Value> coordinates,
                              llvm::ArrayRef<mlir::Value> strides,
                              ScalarLookup lookup, mlir::Value inverse = {});

/// `condition`, and that an element of a tile is one of the `valid` ones, from
/// dimension `first` on; null if it always is.
mlir::Value addBounds(mlir::ImplicitLocOpBuilder &b, tile::TileType type,
                      mlir::ValueRange valid,
                      llvm::ArrayRef<mlir::Value> coordinates,
                      mlir::Value condition, ScalarLookup lookup,
                      unsigned first = 0);

/// Whether a row of the tile that `op` loads is read (rule 7); `lower` builds
/// for it what the block computes, and returns what that yields.
mlir::Value countsRow(mlir::ImplicitLocOpBuilder &b, tile::LoadOp op,
                      ScalarLookup lookup,
                      llvm::function_ref<mlir::Value(mlir::Block &)> lower);

/// Both, where either may be null: always.
mlir::Value both(mlir::ImplicitLocOpBuilder &b, mlir::Value lhs,
                 mlir::Value rhs);
mlir::Value isLess(mlir::ImplicitLocOpBuilder &b, mlir::Value lhs,
                   mlir::Value rhs);

/// A float, or a vector of them, in at least f32.
mlir::Value widen(mlir::ImplicitLocOpBuilder &b, mlir::Value value);

/// A float of another type; f16 and bf16 convert through f32.
mlir::Value convertFloat(mlir::ImplicitLocOpBuilder &b, mlir::Value value,
                         mlir::Type type);

} // namespace attn

#endif // LIB_CONVERSION_FLATMEMORY_H
