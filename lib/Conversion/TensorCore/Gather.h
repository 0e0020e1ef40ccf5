//===- Gather.h - Tiles that threads copy to shared memory ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Copies a tile row by row into swizzled blocks, as TMA would have put it. Rows
// may lie anywhere: in pages, in several heads, at any stride.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_TENSORCORE_GATHER_H
#define LIB_CONVERSION_TENSORCORE_GATHER_H

#include "Emitter.h"
#include "ScalarEmitter.h"
#include "Structure.h"

namespace attn::tensorcore {

/// The warps that copy a tile together.
struct Copiers {
  Value warp; // from 0 on
  Value lane;
  int64_t warps;
};

/// Starts asynchronous copies of `tile` to shared memory at `target`; the
/// caller commits them. What is not valid becomes zero.
void emitGather(Emitter &emit, const SharedTile &tile, Value target,
                const Copiers &copiers, Scope &scope);

} // namespace attn::tensorcore

#endif // LIB_CONVERSION_TENSORCORE_GATHER_H
