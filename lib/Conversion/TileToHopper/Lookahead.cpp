//===- Lookahead.cpp - Which key tiles a predicate admits -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Takes the lowest bit of those found; where none is left, tests further tiles.
//
//===----------------------------------------------------------------------===//

#include "Lookahead.h"

using namespace mlir;

namespace attn::hopper {

constexpr int64_t lanes = 32;

Lookahead::Lookahead(HopperEmitter &kernel, Value begin, Value end,
                     Scope &scope)
    : kernel(kernel), emit(kernel.emit), scope(scope), end(end),
      base(emit.add(begin, -lanes)), visits(emit.i32(0)), fulls(emit.i32(0)) {}

Value Lookahead::next() {
  Type i32 = emit.getI32Type();
  Value none = emit.i32(-1), zero = emit.i32(0);
  Block *test = emit.createBlock({i32, i32, i32});
  Block *take = emit.createBlock();
  Block *further = emit.createBlock();
  Block *ask = emit.createBlock();
  Block *done = emit.createBlock({i32, i32, i32, i32});
  auto enter = [&](Block *block) {
    emit.enter(block);
    ValueRange arguments = block->getArguments().take_back(3);
    for (auto [variable, argument] : llvm::zip_equal(state(), arguments))
      *variable = argument;
  };
  emit.branch(test, {base, visits, fulls});
  enter(test);
  emit.branchIf(emit.equal(visits, 0), further, {}, take, {});

  emit.enter(take);
  Value bit = emit.trailingZeros(visits);
  Value full = emit.bitAnd(emit.shiftRight(fulls, bit), 1);
  Value name = emit.add(emit.shiftLeft(emit.add(base, bit), 1), full);
  Value rest = emit.bitAnd(visits, emit.add(visits, -1));
  emit.branch(done, {name, base, rest, fulls});

  emit.enter(further);
  Value start = emit.add(base, lanes);
  emit.branchIf(emit.less(start, end), ask, {}, done,
                {none, start, zero, zero});

  emit.enter(ask);
  // Lanes past the end ask for the last one.
  Value position = emit.add(start, kernel.lane);
  Scope inner(emit, &scope);
  KeyTile tile = emitRangeAt(emit, kernel.layout.ranges(),
                             emit.smaller(position, emit.add(end, -1)), inner);
  emitPredicate(kernel.layout.ranges(), tile, emit, inner);
  Value found = emit.ballot(emit.both(tile.visit, emit.less(position, end)));
  emit.branch(test, {start, found, emit.ballot(tile.full)});

  enter(done);
  return done->getArgument(0);
}

} // namespace attn::hopper
