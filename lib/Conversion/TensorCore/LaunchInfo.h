//===- LaunchInfo.h - How a tensor-core kernel is launched ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Builds the #tile.launch_info of a kernel: what its parameters are and with
// which block, grid and shared memory it runs.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_TENSORCORE_LAUNCHINFO_H
#define LIB_CONVERSION_TENSORCORE_LAUNCHINFO_H

#include "Structure.h"

#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/Builders.h"

namespace attn::tensorcore {

/// Lists parameters in order: the source kernel's and the grid's extents, then
/// what is added.
class LaunchInfo {
public:
  explicit LaunchInfo(KernelStructure &structure);

  /// The launch checks that rows of `view` can be accessed by `bytes` at once.
  void requireUnit(const View &view, int64_t bytes);
  /// A tensor map of `view` in blocks of 64 columns and `rows` rows.
  void addTensorMap(const View &view, int64_t rows);
  /// The counter of a persistent grid.
  void addCounter();
  /// Plain stores of pairs of 16-bit columns.
  void requireStore(tile::StoreOp store);
  tile::LaunchInfoAttr get(int64_t threads, int64_t sharedBytes,
                           tile::GridOrder grid);

private:
  void requireMultiple(mlir::Value operand, int64_t multiple);
  mlir::AffineExpr expression(mlir::OpFoldResult value);
  mlir::AffineMap map(llvm::ArrayRef<mlir::AffineExpr> expressions);

  mlir::Builder b;
  unsigned numArguments;
  llvm::SmallVector<mlir::Attribute> parameters;
};

} // namespace attn::tensorcore

#endif // LIB_CONVERSION_TENSORCORE_LAUNCHINFO_H
