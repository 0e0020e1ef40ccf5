//===- RewriteOps.h - Patterns for few ops ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Greedy rewriting that visits the ops that patterns are for, not all.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_REWRITEOPS_H
#define LIB_CONVERSION_REWRITEOPS_H

#include "mlir/IR/Iterators.h"
#include "mlir/Transforms/FoldUtils.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace attn {

/// Applies patterns that are for few ops to those for which `isMeant` holds and
/// what comes of them. If any has changed, which is the result, what nothing
/// uses then is erased, and a constant stands once, where the kernel begins.
inline mlir::FailureOr<bool>
rewriteOps(mlir::Operation *root, mlir::RewritePatternSet &&patterns,
           llvm::function_ref<bool(mlir::Operation *)> isMeant) {
  llvm::SmallVector<mlir::Operation *> ops;
  root->walk([&](mlir::Operation *op) {
    if (op != root && isMeant(op))
      ops.push_back(op);
  });
  bool changed = false;
  if (!ops.empty() &&
      failed(mlir::applyOpPatternsGreedily(
          ops, std::move(patterns), mlir::GreedyRewriteConfig(), &changed)))
    return mlir::failure();
  if (!changed)
    return false;
  root->walk<mlir::WalkOrder::PostOrder, mlir::ReverseIterator>(
      [](mlir::Operation *op) {
        if (mlir::isOpTriviallyDead(op))
          op->erase();
      });
  mlir::OperationFolder folder(root->getContext());
  root->walk([&](mlir::Operation *op) {
    if (op->hasTrait<mlir::OpTrait::ConstantLike>())
      folder.insertKnownConstant(op);
  });
  return true;
}

} // namespace attn

#endif // LIB_CONVERSION_REWRITEOPS_H
