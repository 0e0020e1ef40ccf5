//===- Scores.cpp - Score and mask regions on tiles -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See Scores.h.
//
//===----------------------------------------------------------------------===//

#include "Scores.h"

#include "RowState.h"

#include "mlir/IR/IRMapping.h"

#include <cmath>

using namespace mlir;
using namespace attn;
using namespace attn::tiling;

Scores::Scores(AttentionOp op, ImplicitLocOpBuilder &b, Addresses &addresses)
    : op(op), b(b), addresses(addresses), scale(op.getScale()) {
  if (scale)
    return;
  double size = static_cast<double>(std::max<int64_t>(op.getQkHeadSize(), 1));
  scale = constantF32(b, b.getLoc(),
                      op.getScaleValue().value_or(1.0 / std::sqrt(size)));
}

/// Clones a score or mask region into a tile.map; returns what it yields.
/// `leading` are the arguments before the captures.
Value Scores::cloneRegion(OpBuilder &builder, Region &region,
                          ValueRange leading, const Worker &w) {
  IRMapping mapping;
  Block &block = region.front();
  mapping.map(block.getArguments().take_front(leading.size()), leading);
  mapping.map(block.getArguments().drop_front(leading.size()),
              op.getCaptures());
  SmallVector<Operation *> sizeQueries;
  for (Operation &nested : block.without_terminator()) {
    Operation *clone = builder.clone(nested, mapping);
    clone->walk([&](Operation *inner) {
      if (isa<QOffsetOp, QLenOp, KVLenOp>(inner))
        sizeQueries.push_back(inner);
    });
  }
  // A score or an i1 is yielded, so no size query is itself the result.
  Value yielded = mapping.lookupOrDefault(block.getTerminator()->getOperand(0));
  for (Operation *sizeQuery : sizeQueries) {
    Value size = isa<QOffsetOp>(sizeQuery) ? w.queryOffset
                 : isa<QLenOp>(sizeQuery)  ? w.queryLength
                                           : w.keyLength;
    sizeQuery->replaceAllUsesWith(ValueRange{size});
    sizeQuery->erase();
  }
  return yielded;
}

/// Moves what does not depend on the element out of a map: bounds of tables,
/// arithmetic on batch and head. Regions are total (attn-make-total), so that
/// nothing is computed there that could fault. Reads stay: they may be many.
static Value hoistUniform(tile::MapOp map) {
  Region &body = map.getBody();
  for (Operation &op :
       llvm::make_early_inc_range(body.front().without_terminator()))
    if (op.getNumRegions() == 0 && isMemoryEffectFree(&op) &&
        llvm::none_of(op.getOperands(), [&](Value operand) {
          return body.isAncestor(operand.getParentRegion());
        }))
      op.moveBefore(map);
  return map.getResult(0);
}

Value Scores::build(const Worker &w, Value dot, Value firstKey) {
  // Converted in the worker: only sizes are computed with on the host.
  Value factor = scale;
  if (!factor.getType().isF32())
    factor = arith::TruncFOp::create(b, b.getF32Type(), factor);
  auto body = [&](OpBuilder &nb, Location loc, ValueRange x,
                  ValueRange ij) -> SmallVector<Value> {
    Value scaled = arith::MulFOp::create(nb, loc, x[0], factor);
    if (!op.hasScoreRegion())
      return {scaled};
    auto [head, query] = addresses.headAndQuery(nb, w, ij[0]);
    return {cloneRegion(nb, op.getScore(),
                        {scaled, w.batch, head, query, ij[1]}, w)};
  };
  return hoistUniform(
      tile::MapOp::create(b, TypeRange{dot.getType()}, ValueRange{dot},
                          ValueRange{w.firstRow, firstKey}, body));
}

Value Scores::buildMasked(const Worker &w, Value scores, Value firstKey) {
  auto body = [&](OpBuilder &nb, Location loc, ValueRange x,
                  ValueRange ij) -> SmallVector<Value> {
    Value keep = arith::CmpIOp::create(nb, loc, arith::CmpIPredicate::slt,
                                       ij[1], w.keyLength);
    if (op.hasMaskRegion()) {
      auto [head, query] = addresses.headAndQuery(nb, w, ij[0]);
      keep = arith::AndIOp::create(
          nb, loc, keep,
          cloneRegion(nb, op.getMask(), {w.batch, head, query, ij[1]}, w));
    }
    return {arith::SelectOp::create(nb, loc, keep, x[0], negInf(nb, loc))};
  };
  return hoistUniform(
      tile::MapOp::create(b, TypeRange{scores.getType()}, ValueRange{scores},
                          ValueRange{w.firstRow, firstKey}, body));
}
