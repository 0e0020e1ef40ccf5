//===- ContractExp2.h - tile-contract-exp2 ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What tile-contract-exp2 does to a map, for conversions that know which maps
// are worth it.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TRANSFORMS_CONTRACTEXP2_H
#define ATTN_TRANSFORMS_CONTRACTEXP2_H

#include "attn/Dialect/Tile/Tile.h"

namespace attn {
/// Makes exp2((s - m) * c) in `map`, of a score and a row statistic, exp2 of
/// one fused multiply-add. False if there is none.
bool contractExp2(tile::MapOp map);
} // namespace attn

#endif // ATTN_TRANSFORMS_CONTRACTEXP2_H
