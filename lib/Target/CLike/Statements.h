//===- Statements.h - What of a kernel is printed, and where ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Decides which ops have statements of their own, which are written inline
// where they are used, and which stores declare their variable.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_TARGET_CLIKE_STATEMENTS_H
#define LIB_TARGET_CLIKE_STATEMENTS_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace attn::clike {

class Statements {
public:
  /// `isRenaming` tells the ops whose result is printed as their operand.
  explicit Statements(std::function<bool(mlir::Operation *)> isRenaming)
      : isRenaming(std::move(isRenaming)) {}

  /// Looks for variables that are declared by their first store.
  void findDeclarations(mlir::gpu::GPUFuncOp kernel);
  /// True if a store declares `buffer`.
  bool isDeclaredByStore(mlir::Value buffer) const;
  /// True if nothing but the store that declares `buffer` writes to it.
  bool isConstant(mlir::Value buffer) const;
  bool declares(mlir::memref::StoreOp store) const {
    return declaringStores.contains(store);
  }

  /// False for what nobody uses.
  bool isNeeded(mlir::Operation *op);
  /// True if the op has no statement of its own: constants and renamings, and
  /// what is used once, in the same block, by something that is evaluated there
  /// with the same result.
  bool isInline(mlir::Operation *op);

  /// Whether all elements of the matrix that `use` inserts into are set, by
  /// this op and those behind it, before anybody reads one.
  static bool isOverwritten(mlir::OpOperand &use);

private:
  bool canInline(mlir::Operation *op);
  int64_t countSums(mlir::Operation *op);
  llvm::SmallVector<mlir::OpOperand *> getNeededUses(mlir::Value value);
  mlir::Operation *getStatement(mlir::Operation *op);

  std::function<bool(mlir::Operation *)> isRenaming;
  llvm::DenseMap<mlir::Operation *, bool> needed, inlined;
  llvm::DenseMap<mlir::Operation *, mlir::Value> declaringStores;
};

} // namespace attn::clike

#endif // LIB_TARGET_CLIKE_STATEMENTS_H
