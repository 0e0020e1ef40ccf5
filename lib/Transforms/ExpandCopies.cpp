//===- ExpandCopies.cpp - attn-expand-copies ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a program copies between its buffers becomes grids of loops, which are
// outlined to kernels as all others are: an artifact runs nothing else.
//
//===----------------------------------------------------------------------===//

#include "attn/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <numeric>

namespace attn {
#define GEN_PASS_DEF_EXPANDCOPIES
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

/// target[i0, i1, ...] = source[...]: dimension n of the target is dimension
/// permutation[n] of the source. Up to three dimensions are the grid, the
/// others loops.
static void buildCopy(ImplicitLocOpBuilder &b, Value source, Value target,
                      ArrayRef<int64_t> permutation) {
  constexpr int64_t mostDims = 3;
  int64_t rank = permutation.size();
  int64_t outer = std::clamp<int64_t>(rank - 1, 0, mostDims);
  SmallVector<OpFoldResult> extents;
  for (int64_t dim = 0; dim < outer; ++dim)
    extents.push_back(
        getAsOpFoldResult(b.createOrFold<memref::DimOp>(target, dim)));
  if (extents.empty())
    extents.push_back(b.getIndexAttr(1));
  SmallVector<Value> sizes;
  for (int64_t dim = outer; dim < rank; ++dim)
    sizes.push_back(b.createOrFold<memref::DimOp>(target, dim));
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value one = arith::ConstantIndexOp::create(b, 1);

  auto grid = scf::ForallOp::create(b, extents, /*outputs=*/ValueRange(),
                                    /*mapping=*/std::nullopt);
  b.setInsertionPointToStart(grid.getBody());
  SmallVector<Value> at = grid.getInductionVars();
  at.resize(outer); // a grid of one point has an index, too
  for (Value size : sizes) {
    auto loop = scf::ForOp::create(b, zero, size, one);
    b.setInsertionPointToStart(loop.getBody());
    at.push_back(loop.getInductionVar());
  }
  SmallVector<Value> from(rank);
  for (auto [dim, sourceDim] : llvm::enumerate(permutation))
    from[sourceDim] = at[dim];
  Value element = memref::LoadOp::create(b, source, from);
  memref::StoreOp::create(b, element, target, at);
}

namespace {
struct ExpandCopies : attn::impl::ExpandCopiesBase<ExpandCopies> {
  void getDependentDialects(DialectRegistry &registry) const override {
    registry
        .insert<arith::ArithDialect, memref::MemRefDialect, scf::SCFDialect>();
  }

  void runOnOperation() override {
    getOperation().walk([&](Operation *op) {
      ImplicitLocOpBuilder b(op->getLoc(), op);
      if (auto copy = dyn_cast<memref::CopyOp>(op)) {
        SmallVector<int64_t> same(
            cast<ShapedType>(copy.getTarget().getType()).getRank());
        std::iota(same.begin(), same.end(), 0);
        buildCopy(b, copy.getSource(), copy.getTarget(), same);
        op->erase();
      } else if (auto transpose = dyn_cast<linalg::TransposeOp>(op);
                 transpose && transpose.hasPureBufferSemantics()) {
        buildCopy(b, transpose.getInput(), transpose.getInit(),
                  transpose.getPermutation());
        op->erase();
      } else {
        return;
      }
      ++numCopies;
    });
  }
};
} // namespace
