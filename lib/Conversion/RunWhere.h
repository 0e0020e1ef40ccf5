//===- RunWhere.h - Passes for some of the kernels --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A pipeline for the functions of which something is known when it is their
// turn, and for no others.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_RUNWHERE_H
#define LIB_CONVERSION_RUNWHERE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"

namespace attn {

/// Runs `pipeline`, which is one on functions, where `applies` says so. `name`
/// is a literal.
class RunWhere final
    : public mlir::PassWrapper<RunWhere,
                               mlir::OperationPass<mlir::func::FuncOp>> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(RunWhere)

  RunWhere(llvm::StringRef name, bool (*applies)(mlir::func::FuncOp),
           mlir::OpPassManager pipeline)
      : name(name), applies(applies), pipeline(std::move(pipeline)) {}

  llvm::StringRef getName() const override { return name; }
  void getDependentDialects(mlir::DialectRegistry &registry) const override {
    pipeline.getDependentDialects(registry);
  }
  void runOnOperation() override {
    if (applies(getOperation()) &&
        failed(runPipeline(pipeline, getOperation())))
      signalPassFailure();
  }

private:
  llvm::StringRef name;
  bool (*applies)(mlir::func::FuncOp);
  mlir::OpPassManager pipeline;
};

} // namespace attn

#endif // LIB_CONVERSION_RUNWHERE_H
