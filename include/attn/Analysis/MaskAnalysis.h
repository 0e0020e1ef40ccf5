//===- MaskAnalysis.h - Which key tiles a query tile visits -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Derives from the mask region of an attn.attention, for constant tile sizes
// and a symbolic query tile, which key tiles are empty, full or partial, and
// builds the IR that says so at run time. See docs/mask-analysis.md.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ANALYSIS_MASKANALYSIS_H
#define ATTN_ANALYSIS_MASKANALYSIS_H

#include "attn/Dialect/Attn/Attn.h"

#include "mlir/IR/Builders.h"

#include <memory>

namespace attn {

namespace tile {
class LoadOp;
} // namespace tile

/// What the symbols of the analysis are at one point of the main grid.
struct MaskSymbols {
  mlir::Value batch;       // index
  mlir::Value head;        // index, the query head
  mlir::Value queryTile;   // index; unused by the prologue
  mlir::Value queryLength; // attn.q_len of this batch
  mlir::Value keyLength;   // attn.kv_len of this batch
  mlir::Value queryOffset; // attn.q_offset of this batch
  /// One value for each of the op's captures, in order: the memref or scalar
  /// that stands for it at this point.
  llvm::SmallVector<mlir::Value> captures;
  /// What MaskAnalysis::buildSummaries returned.
  llvm::SmallVector<mlir::Value> summaries;
};

/// The extents of the grids that fill the summaries.
struct MaskGrid {
  mlir::Value numBatches, numHeads;   // index
  mlir::Value queryTiles, keyTiles;   // index; of the longest batch
  mlir::Value queryLength, keyLength; // index; no batch is longer
  /// The symbols of batch and head, as far as the mask region needs them
  /// (queryTile and summaries stay null).
  llvm::function_ref<MaskSymbols(mlir::OpBuilder &, mlir::Value batch,
                                 mlir::Value head)>
      symbolsOf;
};

/// The key tiles that a query tile visits, in closed form where there is one.
///
/// A key tile is *empty* if no element of it with i < q_len and j < kv_len is
/// attended, *full* if it lies below kv_len and every row i < q_len attends
/// every key of it, else *partial*. The result never excludes a tile that is
/// not empty and never calls a tile full that is not. For masks that are
/// affine in i and j (and/or/not, min/max, div/mod by constants, scalars read
/// at run time) it is exact: see isExact().
///
/// Values of the op's region are referred to until the last build... call, so
/// the op has to live that long.
class MaskAnalysis {
public:
  /// Analyses `op` for tiles of `tileM` query rows and `tileN` keys. Fails,
  /// with a diagnostic at the op, if it has sugar left or a size is not
  /// positive.
  static mlir::FailureOr<MaskAnalysis> compute(AttentionOp op, int64_t tileM,
                                               int64_t tileN);

  MaskAnalysis(MaskAnalysis &&);
  MaskAnalysis &operator=(MaskAnalysis &&);
  ~MaskAnalysis();

  /// False if every tile within kv_len is full: the only compare that can be
  /// needed is j < kv_len in the last tile.
  bool hasMask() const;

  /// True if visited tiles are exactly those that are not empty and full tiles
  /// exactly those called so.
  bool isExact() const;

  /// True if the ranges carry a run-time predicate (the `where` region).
  bool needsPredicate() const;

  /// Number of captured tables, and other functions of i and j, that are known
  /// by their minimum and maximum over a tile.
  unsigned getNumSummaries() const;

  /// Host level, before the main grid: allocates the summaries and builds the
  /// grid that fills each of them. Captures must be memrefs or scalars. The
  /// result is null for those that need no grid.
  llvm::SmallVector<mlir::Value> buildSummaries(mlir::OpBuilder &builder,
                                                mlir::Location loc,
                                                const MaskGrid &grid) const;

  /// In the main grid: builds the `tile.ranges` of one query tile.
  mlir::Value buildRanges(mlir::OpBuilder &builder, mlir::Location loc,
                          const MaskSymbols &symbols) const;

  /// True if there may be keys below kv_len that no row of their problem
  /// attends, and it is known which.
  bool hasUnattendedKeys() const;

  /// In the body of `loop` over key tiles, whose first key is `firstKey`: lets
  /// `load` of their values leave out such keys (rule 7). `full` says that
  /// every row attends all keys of the tile.
  void buildValueFilter(const MaskSymbols &symbols, mlir::Operation *loop,
                        mlir::Value firstKey, mlir::Value full,
                        tile::LoadOp load) const;

  /// Writes the ranges in closed form, and why there is a predicate, if any.
  void print(llvm::raw_ostream &os) const;

  /// Internal to lib/Analysis.
  struct Impl;

private:
  explicit MaskAnalysis(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

} // namespace attn

#endif // ATTN_ANALYSIS_MASKANALYSIS_H
