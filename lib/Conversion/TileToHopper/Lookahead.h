//===- Lookahead.h - Which key tiles a predicate admits ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The producer's walk over the key tiles that the predicate of tile.ranges does
// not exclude. The lanes of a warp test 32 of them at a time, so a walk waits
// for the predicate's dependent reads once for all of them.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_TILETOHOPPER_LOOKAHEAD_H
#define LIB_CONVERSION_TILETOHOPPER_LOOKAHEAD_H

#include "HopperEmitter.h"

#include <array>

namespace attn::hopper {

class Lookahead {
public:
  /// A walk over the positions from `begin` to `end`.
  Lookahead(HopperEmitter &kernel, Value begin, Value end, Scope &scope);

  /// Moves to a block where the name of the next key tile is known.
  Value next();
  /// The variables of the walk.
  std::array<Value *, 3> state() { return {&base, &visits, &fulls}; }

private:
  HopperEmitter &kernel;
  Emitter &emit;
  Scope &scope;
  Value end;
  Value base;   // the position that bit 0 stands for
  Value visits; // bits of key tiles that are to be visited still
  Value fulls;  // bits of key tiles that are full
};

} // namespace attn::hopper

#endif // LIB_CONVERSION_TILETOHOPPER_LOOKAHEAD_H
