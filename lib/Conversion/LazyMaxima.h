//===- LazyMaxima.h - How far scores may outgrow maxima ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The bound of `tile-lazy-maxima`, for a lowering that finds it in weights.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_LAZYMAXIMA_H
#define LIB_CONVERSION_LAZYMAXIMA_H

namespace attn {

/// Exponentials stay below two to this: products with 16 bits keep far from
/// their largest number, and sums in f32 from theirs.
constexpr float kLazyBound = 8;

} // namespace attn

#endif // LIB_CONVERSION_LAZYMAXIMA_H
