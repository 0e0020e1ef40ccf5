//===- RegisterLimits.h - What tile registers hold --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rows and columns of tile registers (AMX), for the schedule that chooses tiles
// by them and the lowering that fills them.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_TILETOCPU_REGISTERLIMITS_H
#define LIB_CONVERSION_TILETOCPU_REGISTERLIMITS_H

#include <cstdint>

namespace attn::cpu {

/// A tile register holds 16 rows of 64 bytes: 16 sums of f32, or 32 elements of
/// bf16 along the sum of a product.
constexpr int64_t kRegisterRows = 16, kRegisterDepth = 32;

/// Rows whose scores are computed together: two registers of sums share what is
/// read of packed keys and values, which comes from L2. Tiles of another number
/// of rows take one register.
constexpr int64_t kStripRows = 2 * kRegisterRows;

} // namespace attn::cpu

#endif // LIB_CONVERSION_TILETOCPU_REGISTERLIMITS_H
