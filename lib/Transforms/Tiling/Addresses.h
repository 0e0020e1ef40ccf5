//===- Addresses.h - Where rows and keys lie --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The one place that knows how the rows of a sequence lie in memory: batch by
// batch or packed one after another (cu_seqlens), several heads in one tile of
// rows, keys in pages. Every load and store of attention asks it.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_TRANSFORMS_TILING_ADDRESSES_H
#define ATTN_LIB_TRANSFORMS_TILING_ADDRESSES_H

#include "IndexBuilder.h"

#include "attn/Dialect/Attn/Attn.h"

namespace attn::tiling {

/// Where row r of one sequence lies in a memref whose last dimensions are rows
/// (and columns).
struct AddressMap {
  llvm::SmallVector<mlir::Value, 2> leading; ///< indices in front of the row
  mlir::Value base;   ///< row of the memref where the sequence begins, or null
  mlir::Value origin; ///< the row from which `valid` rows are there, or null
  mlir::Value valid;
  mlir::Value packing;            ///< heads whose rows take turns, or null
  mlir::Value pageTable, pageRow; ///< rows lie in pages of this row, or null

  /// A tile from `row` on, of rank 1 or from column `column` on.
  mlir::Value load(mlir::ImplicitLocOpBuilder &b, tile::TileType type,
                   mlir::Value memref, mlir::Value row, mlir::Value column = {},
                   mlir::Value validColumns = {}) const;
  void store(mlir::ImplicitLocOpBuilder &b, mlir::Value tile,
             mlir::Value memref, mlir::Value row, mlir::Value column = {},
             mlir::Value validColumns = {}) const;

private:
  llvm::SmallVector<mlir::Value> at(mlir::ImplicitLocOpBuilder &b,
                                    mlir::Value row, mlir::Value column) const;
  llvm::SmallVector<mlir::Value> extents(mlir::ImplicitLocOpBuilder &b,
                                         mlir::Value row,
                                         mlir::Value validColumns) const;
};

/// What one worker of the grid works on.
struct Worker {
  mlir::Value batch, keyHead, queryTile;
  mlir::Value head;     ///< the first one, if heads are packed
  mlir::Value group;    ///< index of the head or, if packed, of their group
  mlir::Value firstRow; ///< local index of the tile's first query
  mlir::Value rowBase, keyBase; ///< of the sequence in packed memory, or null
  mlir::Value queryLength, keyLength, queryOffset;
  mlir::Value validRows; ///< from firstRow to the end, may exceed the tile
};

/// The operands of one attention op in the logical order [b, h, s, d] or
/// [h, t, d] (rule 1), their sizes, and the address maps of a worker.
class Addresses {
public:
  /// `packHeads`: query heads that share a key head share a tile, if there are
  /// several.
  Addresses(AttentionOp op, mlir::ImplicitLocOpBuilder &b, bool packHeads);

  /// Host-level values.
  mlir::Value query, key, value, output, lse;
  mlir::Value batch, heads, queryLength, keyLength, headRatio;
  mlir::Value packing; ///< heads that share a query tile
  mlir::Value groups;  ///< heads or, if packed, groups of them
  mlir::Value rows;    ///< that one batch and group has
  mlir::Value zero, one;
  bool packsHeads;

  /// The worker of query tile `queryTile`, tiles having `tileM` rows. If
  /// `batch` is null, of a problem as long as any batch may be; nothing is read
  /// for it.
  Worker workerOf(mlir::Value batch, mlir::Value group, mlir::Value queryTile,
                  int64_t tileM);
  /// The worker of one row of a group, of which only addresses are asked.
  Worker workerOfRow(mlir::Value batch, mlir::Value group, mlir::Value row);

  /// Head and query of a row that a map sees.
  std::pair<mlir::Value, mlir::Value>
  headAndQuery(mlir::OpBuilder &builder, const Worker &w, mlir::Value row);

  /// Of q; of o and lse, too, unless heads are packed.
  AddressMap queries(const Worker &w);
  AddressMap outputs(const Worker &w);
  /// Of k and v.
  AddressMap keys(const Worker &w);
  /// Of what is stored for all rows and keys: [b, group, row, key].
  AddressMap scores(const Worker &w);
  /// Of what is stored for each row: [b, group, row], from `row` on.
  AddressMap states(const Worker &w, mlir::Value row);
  llvm::SmallVector<mlir::OpFoldResult> getScoreSizes();

private:
  mlir::Value pagedKeyLength();
  void setBatch(Worker &w);
  std::pair<mlir::Value, mlir::Value>
  sequenceOf(mlir::Value bounds, mlir::Value batch, mlir::Value total);
  AddressMap rowsOf(const Worker &w, mlir::Value head);
  llvm::SmallVector<mlir::Value, 2> leading(const Worker &w, mlir::Value head);

  AttentionOp op;
  mlir::ImplicitLocOpBuilder &b;
  IndexBuilder ib;
};

} // namespace attn::tiling

#endif // ATTN_LIB_TRANSFORMS_TILING_ADDRESSES_H
