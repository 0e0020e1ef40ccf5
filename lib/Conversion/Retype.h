//===- Retype.h - Ops on values of another type -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What legalisations have in common: an op takes and gives another type, and
// casts around it keep the types of everything else.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_RETYPE_H
#define LIB_CONVERSION_RETYPE_H

#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include <functional>

namespace attn {

/// How values of one type become those of another, and back.
struct Retype {
  std::function<mlir::Value(mlir::OpBuilder &, mlir::Value)> into;
  std::function<mlir::Value(mlir::OpBuilder &, mlir::Value, mlir::Type)> back;

  void operand(mlir::OpOperand &operand) const;
  /// A result, or the argument of a block.
  void result(mlir::Value value, mlir::Type type) const;
  /// Value `number` that a loop carries, or that a branch yields.
  void carried(mlir::scf::ForOp loop, unsigned number, mlir::Type type) const;
  void yielded(mlir::scf::IfOp branch, unsigned number, mlir::Type type) const;
};

/// Visits the kernels of `root`, if the target lacks `what`. Whether any has
/// changed: what has not need not be verified again.
mlir::FailureOr<bool> forKernelsThatLack(
    mlir::Operation *root, llvm::StringRef pass, tile::Lacks what,
    llvm::function_ref<mlir::FailureOr<bool>(mlir::gpu::GPUFuncOp)> visit);

/// A pass that makes kernels for targets without `what`: `visit` says whether
/// it has changed one.
template <typename Base, tile::Lacks what> class KernelsThatLack : public Base {
  void runOnOperation() final {
    mlir::FailureOr<bool> changed = forKernelsThatLack(
        this->getOperation(), this->getArgument(), what,
        [this](mlir::gpu::GPUFuncOp kernel) { return visit(kernel); });
    if (failed(changed))
      return this->signalPassFailure();
    if (!*changed)
      this->markAllAnalysesPreserved();
  }

  virtual mlir::FailureOr<bool> visit(mlir::gpu::GPUFuncOp kernel) = 0;
};

/// The parameters of `kernel`: its block also has its buffers as arguments.
llvm::SmallVector<mlir::BlockArgument>
getParameters(mlir::gpu::GPUFuncOp kernel);

/// Gives parameter `argument` another type; its users are the caller's.
void setParameterType(mlir::gpu::GPUFuncOp kernel, mlir::BlockArgument argument,
                      mlir::Type type);

/// Makes the elements of a buffer `element`: the parameter, its views, and for
/// people and launchers what the program has there.
void setElementType(mlir::gpu::GPUFuncOp kernel, mlir::BlockArgument argument,
                    mlir::Type element);

/// The accesses to the elements of a parameter, through its views.
llvm::SmallVector<mlir::Operation *> getAccesses(mlir::BlockArgument argument);

} // namespace attn

#endif // LIB_CONVERSION_RETYPE_H
