//===- MaskEmission.h - Ranges and predicates as IR -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Builds what mask analysis found into programs on tiles.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TRANSFORMS_MASKEMISSION_H
#define ATTN_TRANSFORMS_MASKEMISSION_H

#include "attn/Analysis/MaskAnalysis.h"
#include "attn/Dialect/Tile/Tile.h"

#include "mlir/IR/Builders.h"

namespace attn {

/// What the symbols of the analysis are at one point of the main grid.
struct MaskSymbols {
  mlir::Value batch; // index
  mlir::Value head;  // index, the query head
  /// index; the query tile whose key tiles are enumerated, or the key tile
  /// whose query tiles are. Unused by the prologue.
  mlir::Value outerTile;
  mlir::Value queryLength; // attn.q_len of this batch
  mlir::Value keyLength;   // attn.kv_len of this batch
  mlir::Value queryOffset; // attn.q_offset of this batch
  /// One value for each of the op's captures, in order: the memref or scalar
  /// that stands for it at this point.
  llvm::SmallVector<mlir::Value> captures;
  /// What buildMaskSummaries returned.
  llvm::SmallVector<mlir::Value> summaries;
};

/// The extents of the grids that fill the summaries.
struct MaskGrid {
  mlir::Value numBatches, numHeads; // index
  mlir::Value queryTiles, keyTiles; // index; of the longest batch
  /// The symbols of batch and head, as far as the mask region needs them
  /// (outerTile and summaries stay null). `batch` is null for what all batches
  /// share, which is asked for where there is no batch, too: the lengths are
  /// those of the longest that there may be.
  llvm::function_ref<MaskSymbols(mlir::OpBuilder &, mlir::Value batch,
                                 mlir::Value head)>
      symbolsOf;
};

/// Host level, before the main grid: allocates the summaries and builds the
/// grid that fills each of them. Captures must be memrefs or scalars. The
/// result is null for those that need no grid.
llvm::SmallVector<mlir::Value> buildMaskSummaries(const MaskAnalysis &analysis,
                                                  mlir::OpBuilder &builder,
                                                  mlir::Location loc,
                                                  const MaskGrid &grid);

/// In the main grid: builds the `tile.ranges` of one outer tile.
mlir::Value buildTileRanges(const MaskAnalysis &analysis,
                            mlir::OpBuilder &builder, mlir::Location loc,
                            const MaskSymbols &symbols);

/// In the main grid: the key from which on no row of one query tile attends
/// any, or null if that is where the keys end.
mlir::Value buildKeyEnd(const MaskAnalysis &analysis, mlir::OpBuilder &builder,
                        mlir::Location loc, const MaskSymbols &symbols);

/// In the body of `loop` over key tiles, whose first key is `firstKey`: lets
/// `load` of their values leave out keys that no row attends (rule 7). `full`
/// says that every row attends all keys of the tile.
void buildValueFilter(const MaskAnalysis &analysis, const MaskSymbols &symbols,
                      mlir::Operation *loop, mlir::Value firstKey,
                      mlir::Value full, tile::LoadOp load);

} // namespace attn

#endif // ATTN_TRANSFORMS_MASKEMISSION_H
