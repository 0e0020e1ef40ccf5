//===- BufferizePrograms.cpp - attn-bufferize -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One-shot bufferization across function boundaries, with parameters whose
// strides are free except for the last one.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/Attn.h"
#include "attn/Transforms/Passes.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotModuleBufferize.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace attn {
#define GEN_PASS_DEF_BUFFERIZEPROGRAMS
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

namespace {
struct BufferizePrograms
    : attn::impl::BufferizeProgramsBase<BufferizePrograms> {
  void getDependentDialects(DialectRegistry &registry) const override {
    registry
        .insert<bufferization::BufferizationDialect, memref::MemRefDialect>();
  }

  /// Functions elsewhere are not bufferized, nor is what follows run on them.
  LogicalResult checkPlaces() {
    WalkResult walked = getOperation().walk([&](Operation *op) {
      if (!isa<AttentionOp, MergeOp>(op))
        return WalkResult::advance();
      auto function = op->getParentOfType<func::FuncOp>();
      if (function && function->getParentOp() == getOperation())
        return WalkResult::advance();
      op->emitOpError("is in no func.func of the module that is lowered; run "
                      "the pipeline on the module around it");
      return WalkResult::interrupt();
    });
    return failure(walked.wasInterrupted());
  }

  void runOnOperation() override {
    if (failed(checkPlaces()))
      return signalPassFailure();
    bufferization::OneShotBufferizationOptions options;
    options.bufferizeFunctionBoundaries = true;
    options.setFunctionBoundaryTypeConversion(
        bufferization::LayoutMapOption::IdentityLayoutMap);
    options.functionArgTypeConverterFn =
        [](bufferization::TensorLikeType type, Attribute memorySpace,
           func::FuncOp, const bufferization::BufferizationOptions &)
        -> bufferization::BufferLikeType {
      auto tensor = dyn_cast<RankedTensorType>(type);
      if (!tensor)
        return cast<bufferization::BufferLikeType>(UnrankedMemRefType::get(
            cast<UnrankedTensorType>(type).getElementType(), memorySpace));
      SmallVector<int64_t> strides(tensor.getRank(), ShapedType::kDynamic);
      if (!strides.empty())
        strides.back() = 1;
      auto layout = StridedLayoutAttr::get(type.getContext(),
                                           ShapedType::kDynamic, strides);
      return cast<bufferization::BufferLikeType>(
          MemRefType::get(tensor.getShape(), tensor.getElementType(),
                          tensor.getRank() ? MemRefLayoutAttrInterface(layout)
                                           : MemRefLayoutAttrInterface(),
                          memorySpace));
    };
    // What is carried has one buffer, of the types above; upstream speaks of
    // equivalence.
    ScopedDiagnosticHandler handler(&getContext(), [](Diagnostic &diagnostic) {
      if (diagnostic.getSeverity() != DiagnosticSeverity::Error ||
          !StringRef(diagnostic.str())
               .contains("is not equivalent to the corresponding iter bbArg"))
        return failure();
      emitError(diagnostic.getLocation())
          << "a loop that carries a tensor updates it where it lies; end its "
             "body with a linalg.copy of the new tensor into the carried one, "
             "and yield what that returns";
      return success();
    });
    bufferization::BufferizationState state;
    if (failed(bufferization::runOneShotModuleBufferize(getOperation(), options,
                                                        state)))
      signalPassFailure();
  }
};
} // namespace
