//===- MaskAnalysis.h - Which key tiles a query tile visits -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Derives from the mask region of an attn.attention, for constant tile sizes
// and a symbolic query tile, which key tiles are empty, full or partial; or for
// a symbolic key tile, which query tiles are. See docs/mask-analysis.md.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ANALYSIS_MASKANALYSIS_H
#define ATTN_ANALYSIS_MASKANALYSIS_H

#include "attn/Dialect/Attn/Attn.h"

#include <memory>

namespace attn {

namespace mask {
struct MaskTiles;
} // namespace mask

/// Which tiles the analysis enumerates for each of the others.
enum class MaskAxis {
  Keys,    ///< the key tiles of a query tile, as the forward pass visits them
  Queries, ///< the query tiles of a key tile, as gradients of keys need them
};

/// The key tiles that a query tile visits, or the query tiles that a key tile
/// is visited by, in closed form where there is one.
///
/// A pair of tiles is *empty* if no element of it with i < q_len and j < kv_len
/// is attended, *full* if its keys lie below kv_len and every row i < q_len
/// attends every key of it, else *partial*: on both axes the same. The result
/// never excludes a pair that is not empty and never calls one full that is
/// not. For masks that are affine in i and j (and/or/not, min/max, div/mod by
/// constants, scalars read at run time) it is exact: see isExact().
///
/// The result refers to values of the op's region, so the op has to live as
/// long. attn/Transforms/MaskEmission.h makes IR of it.
class MaskAnalysis {
public:
  /// Analyses `op` for tiles of `tileM` query rows and `tileN` keys. Fails,
  /// with a diagnostic at the op, if it has sugar left or a size is not
  /// positive.
  static mlir::FailureOr<MaskAnalysis> compute(AttentionOp op, int64_t tileM,
                                               int64_t tileN,
                                               MaskAxis axis = MaskAxis::Keys);

  MaskAnalysis(MaskAnalysis &&);
  MaskAnalysis &operator=(MaskAnalysis &&);
  ~MaskAnalysis();

  /// False if every tile within kv_len is full: the only compare that can be
  /// needed is j < kv_len in the last tile.
  bool hasMask() const;

  /// True if no element is attended, whatever the sizes are.
  bool isEmpty() const;

  /// True if visited tiles are exactly those that are not empty and full tiles
  /// exactly those called so.
  bool isExact() const;

  /// True if the ranges carry a run-time predicate (the `where` region).
  bool needsPredicate() const;

  /// Number of captured tables, and other functions of i and j, that are known
  /// by their minimum and maximum over a tile.
  unsigned getNumSummaries() const;

  /// True if there may be keys below kv_len that no row of their problem
  /// attends, and it is known which.
  bool hasUnattendedKeys() const;

  /// The result as data, and the keys that some row attends as tiles of one key
  /// (no pieces if that may be every key): some row of the problem, or of a
  /// query tile, which is analysed when somebody asks.
  const mask::MaskTiles &getTiles() const;
  const mask::MaskTiles &getAttendedKeys() const;
  const mask::MaskTiles &getAttendedKeysOfTile() const;
  AttentionOp getOp() const;

  /// Writes the ranges in closed form, and why there is a predicate, if any.
  void print(llvm::raw_ostream &os) const;

private:
  struct Impl;
  explicit MaskAnalysis(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

} // namespace attn

#endif // ATTN_ANALYSIS_MASKANALYSIS_H
