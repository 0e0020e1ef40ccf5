//===- OnlineSoftmax.h - The two loops of standard attention ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Recognises a loop that stores scores and finds row maxima and the loop that
// accumulates exponentials of these scores: passes that change the order in
// which keys are seen begin here.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_TRANSFORMS_ONLINESOFTMAX_H
#define ATTN_LIB_TRANSFORMS_ONLINESOFTMAX_H

#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

#include <optional>

namespace attn {

/// Two loops of standard attention.
struct OnlineSoftmax {
  mlir::scf::ForOp maxLoop, sumLoop;
  tile::StoreOp store;   ///< scores to memory, in maxLoop
  tile::LoadOp load;     ///< the same scores from memory, in sumLoop
  tile::ReduceOp rowMax; ///< the maximum carried by maxLoop
  tile::MapOp safeMax;   ///< between the loops: the maximum that is subtracted
  tile::MapOp probabilities; ///< exp2((s - max) * c) in sumLoop
  mlir::FloatAttr factor;    ///< c
};

/// Matches `maxLoop` as the first of two such loops: what the second one
/// accumulates is linear in the exponentials, and it reads the scores that the
/// first one stored, which serve nothing else.
std::optional<OnlineSoftmax> matchOnlineSoftmax(mlir::scf::ForOp maxLoop);

/// The op that updates carried value `index` of `loop`, if it is linear in the
/// probabilities: a row sum or a product with them. Returns null otherwise.
mlir::Operation *getLinearUpdate(mlir::scf::ForOp loop, unsigned index,
                                 mlir::Value probabilities);

} // namespace attn

#endif // ATTN_LIB_TRANSFORMS_ONLINESOFTMAX_H
