//===- TileLayout.h - Whether a layout fits a tile --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the verifier of tile types asks of their layouts.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_DIALECT_TILE_TILELAYOUT_H
#define ATTN_LIB_DIALECT_TILE_TILELAYOUT_H

#include "mlir/IR/Diagnostics.h"

namespace attn::tile {

/// `layout` is one that a tile of `shape` can have.
llvm::LogicalResult
verifyLayout(llvm::function_ref<mlir::InFlightDiagnostic()> emitError,
             llvm::ArrayRef<int64_t> shape, mlir::Attribute layout);

} // namespace attn::tile

#endif // ATTN_LIB_DIALECT_TILE_TILELAYOUT_H
