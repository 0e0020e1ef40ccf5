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
/// How an exponent is computed: as it is, or as the bits of a number with 8
/// behind the point, to which the bias of f32's exponents is added; exp2 is
/// taken of ((s * factor + addend) - kExponentBias) / 256 then.
enum class ExponentForm { Float, FixedPoint };

/// Of FixedPoint: 127 and 8 bits.
constexpr float kExponentBias = 127 * 256;

/// Makes exp2((s - m) * c) in `map`, of a score and a row statistic, exp2 of
/// one fused multiply-add. False if there is none, or if its constant does not
/// suit the form.
bool contractExp2(tile::MapOp map, ExponentForm form = ExponentForm::Float);

/// The scores s of which `map` yields exp2((s - m) * c), with a row statistic m
/// and c > 0; else null.
mlir::Value findExponentiated(tile::MapOp map);
} // namespace attn

#endif // ATTN_TRANSFORMS_CONTRACTEXP2_H
