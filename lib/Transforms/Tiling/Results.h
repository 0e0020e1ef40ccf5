//===- Results.h - What is known of rows, and their results -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stores the outputs of rows; or the states of rows, whose outputs a second
// grid stores, row by row.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_TRANSFORMS_TILING_RESULTS_H
#define ATTN_LIB_TRANSFORMS_TILING_RESULTS_H

#include "Addresses.h"
#include "RowState.h"

namespace attn::tiling {

struct Results {
  AttentionOp op;
  mlir::ImplicitLocOpBuilder &b;
  Addresses &addresses;
  /// Divide o of f32 by the row sum, where its inverse would be rounded.
  bool divide;

  void store(const Worker &w, const RowState &state);
  /// Memory for the state of each row.
  RowState allocateStates();
  /// What loops carried, as it is.
  void storeState(const Worker &w, const RowState &state,
                  const RowState &memory);
  /// Blocks share the columns of a row, `sharedColumns` each, where that is
  /// wanted and leaves none over. Tiles have rows and columns that are
  /// multiples of these; of the rows one is used.
  void buildRowGrid(const RowState &memory, int64_t sharedColumns,
                    int64_t rowMultiple, int64_t headMultiple);

private:
  /// Of columns from the first on; those of a row have one lse.
  struct Columns {
    mlir::Value first, count;
    mlir::Value areFirst; ///< or null: they are
  };
  Columns allColumns();
  void store(const Worker &w, const RowState &state, const Columns &columns);
};

} // namespace attn::tiling

#endif // ATTN_LIB_TRANSFORMS_TILING_RESULTS_H
