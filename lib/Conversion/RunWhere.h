//===- RunWhere.h - Passes for some of the kernels --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A pipeline for the kernels or modules of which something is known when it is
// their turn, and for no others.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_RUNWHERE_H
#define LIB_CONVERSION_RUNWHERE_H

#include "mlir/Pass/PassManager.h"

#include <functional>

namespace attn {

/// Runs `pipeline`, which is one on ops of the kind, where `applies` says so.
/// `name` is a literal.
template <typename Op>
class RunWhere final
    : public mlir::PassWrapper<RunWhere<Op>, mlir::OperationPass<Op>> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(RunWhere)

  RunWhere(llvm::StringRef name, std::function<bool(Op)> applies,
           mlir::OpPassManager pipeline)
      : name(name), applies(std::move(applies)), pipeline(std::move(pipeline)) {
  }

  llvm::StringRef getName() const override { return name; }
  void getDependentDialects(mlir::DialectRegistry &registry) const override {
    pipeline.getDependentDialects(registry);
  }
  void runOnOperation() override {
    if (!applies(this->getOperation()))
      return this->markAllAnalysesPreserved();
    if (failed(this->runPipeline(pipeline, this->getOperation())))
      this->signalPassFailure();
  }

private:
  llvm::StringRef name;
  std::function<bool(Op)> applies;
  mlir::OpPassManager pipeline;
};

} // namespace attn

#endif // LIB_CONVERSION_RUNWHERE_H
