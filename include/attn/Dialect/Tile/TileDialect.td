//===- TileDialect.td - The tile dialect -------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The algorithm, written once: a dozen ops on tile values. No op knows a
// target or a variant of attention.
//
//===----------------------------------------------------------------------===//

#ifndef TILE_DIALECT_TD
#define TILE_DIALECT_TD

include "mlir/IR/DialectBase.td"

def Tile_Dialect : Dialect {
  let name = "tile";
  let cppNamespace = "::attn::tile";
  let summary = "Tile values: load, dot, map, reduce, store";
  let description = [{
    A tile is an immutable block of at most a few hundred rows and columns that
    one worker (a CPU thread, a GPU workgroup) holds. Rank-2 tiles have rows
    and columns; rank-1 tiles hold one value a row (row statistics).

    Control flow is upstream's: `scf.forall` is the grid of workers, `scf.for`
    with tile-typed `iter_args` is the loop over key tiles, `scf.if` chooses
    between masked and clean tiles. Tiles are value-semantic. Up to the lowering
    of a target they are layout-free; there a tile type may say where its
    elements live (`#tile.layout`, `#tile.shared`, `#tile.fragment`), and
    `tile.relayout` moves them.
  }];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
  let hasOperationAttrVerify = 1;
  let hasRegionArgAttrVerify = 1;
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect"
  ];
}

#endif // TILE_DIALECT_TD
