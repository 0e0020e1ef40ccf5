//===- ClampReads.cpp - Clamp reads in tile.map regions -------------------===//
//
// Masked and padded elements run the region with indices that may lie outside
// of the tables it reads; clamping keeps such reads from faulting (rule 8).
//
//===----------------------------------------------------------------------===//

#include "attn/Conversion/Passes.h"
#include "dialects/Tile/Tile.h"

namespace attn {
#define GEN_PASS_DEF_CLAMPREADS
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn::tile;

namespace {

struct ClampReadsPass final : attn::impl::ClampReadsBase<ClampReadsPass> {
  using ClampReadsBase::ClampReadsBase;

  void runOnOperation() override {
    getOperation()->walk([](MapOp map) {
      map.getBody().walk([&](memref::LoadOp load) { clamp(load, map); });
    });
  }

  /// Clamps the indices of `load` that depend on the element; what comes from
  /// outside of the region (the batch, the head) is in bounds by itself.
  static void clamp(memref::LoadOp load, MapOp map) {
    OpBuilder builder(load);
    Location loc = load.getLoc();
    for (auto [dim, operand] : llvm::enumerate(load.getIndicesMutable())) {
      Value index = operand.get();
      if (!map.getBody().isAncestor(index.getParentRegion()) ||
          index.getDefiningOp<arith::ConstantOp>())
        continue;
      OpBuilder outside(map);
      Value zero = arith::ConstantIndexOp::create(outside, loc, 0);
      Value one = arith::ConstantIndexOp::create(outside, loc, 1);
      Value size = outside.createOrFold<memref::DimOp>(
          loc, load.getMemRef(), static_cast<int64_t>(dim));
      Value last = outside.createOrFold<arith::SubIOp>(loc, size, one);
      // The lower bound comes last: an empty table is read at 0.
      Value below = arith::MinSIOp::create(builder, loc, index, last);
      operand.set(arith::MaxSIOp::create(builder, loc, below, zero));
    }
  }
};

} // namespace
