//===- MatrixKernels.h - Tile kernels for tensor cores ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which kernels of a module lowerings to tensor cores look at, and what passes
// ahead of them ask of a map.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_MATRIXKERNELS_H
#define LIB_CONVERSION_MATRIXKERNELS_H

#include "TileKernels.h"

namespace attn {

/// The tile kernels with a product that `matches`.
inline llvm::SmallVector<mlir::func::FuncOp>
getKernelsWithProduct(mlir::ModuleOp module,
                      llvm::function_ref<bool(tile::DotOp)> matches) {
  llvm::SmallVector<mlir::func::FuncOp> kernels = getTileKernels(module);
  llvm::erase_if(kernels, [&](mlir::func::FuncOp kernel) {
    auto found = kernel.walk([&](tile::DotOp dot) {
      return matches(dot) ? mlir::WalkResult::interrupt()
                          : mlir::WalkResult::advance();
    });
    return !found.wasInterrupted();
  });
  return kernels;
}

/// The tile kernels with matrix products. Summaries of captured tables, the
/// combination of partial results and the like are no work for tensor cores.
inline llvm::SmallVector<mlir::func::FuncOp>
getMatrixKernels(mlir::ModuleOp module) {
  constexpr int64_t fewestRows = 16;
  return getKernelsWithProduct(module, [](tile::DotOp dot) {
    return dot.getType().getRows() >= fewestRows;
  });
}

/// Those whose products tensor cores compute.
inline llvm::SmallVector<mlir::func::FuncOp>
getTensorCoreKernels(mlir::ModuleOp module) {
  return getKernelsWithProduct(module, [](tile::DotOp dot) {
    return dot.getA().getType().getElementType().getIntOrFloatBitWidth() == 16;
  });
}

/// Merges bounds of columns, flattens guards, expands rounding divisions, moves
/// scalars out of loops.
mlir::LogicalResult prepareMatrixKernel(mlir::func::FuncOp kernel);

/// Whether an index is one of 32 bits as it stands: a position in a tensor, a
/// number of rows or of tiles, as lowerings to tensor cores take them.
inline bool isNarrowIndex(mlir::Value value) {
  mlir::APInt constant;
  if (matchPattern(value, mlir::m_ConstantInt(&constant)))
    return constant.isSignedIntN(32);
  if (auto cast = value.getDefiningOp<mlir::arith::IndexCastOp>())
    return cast.getIn().getType().isInteger(32);
  // Its bounds are such indices.
  return mlir::scf::getForInductionVarOwner(value) != nullptr;
}

/// Whether `value` differs from column to column of a map of rows and columns.
inline bool variesWithColumn(mlir::Value value, tile::MapOp map) {
  llvm::SmallVector<mlir::Value> work = {value};
  llvm::DenseSet<mlir::Value> seen;
  while (!work.empty()) {
    mlir::Value next = work.pop_back_val();
    if (!map.getBody().isAncestor(next.getParentRegion()) ||
        !seen.insert(next).second)
      continue;
    if (mlir::Operation *op = next.getDefiningOp())
      llvm::append_range(work, op->getOperands());
    else if (next != map.getIndexArgs()[0])
      return true;
  }
  return false;
}

} // namespace attn

#endif // LIB_CONVERSION_MATRIXKERNELS_H
