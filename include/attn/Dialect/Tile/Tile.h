//===- Tile.h - The tile dialect --------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// C++ declarations of the tile dialect: tile values and the ops on them.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_TILE_TILE_H
#define ATTN_DIALECT_TILE_TILE_H

#include "attn/Dialect/KnownAttributes.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "attn/Dialect/Tile/TileDialect.h.inc"
#include "attn/Dialect/Tile/TileEnums.h.inc"

#define GET_TYPEDEF_CLASSES
#include "attn/Dialect/Tile/TileTypes.h.inc"

namespace attn::tile {
class LaunchOp;
} // namespace attn::tile

#define GET_ATTRDEF_CLASSES
#include "attn/Dialect/Tile/TileAttrs.h.inc"

#define GET_OP_CLASSES
#include "attn/Dialect/Tile/TileOps.h.inc"

namespace attn::tile {

/// Launches of the kernel that `from` names, in all of `module`, are of `to`.
void retargetLaunches(mlir::Operation *module, mlir::SymbolRefAttr from,
                      mlir::SymbolRefAttr to);

} // namespace attn::tile

#endif // ATTN_DIALECT_TILE_TILE_H
