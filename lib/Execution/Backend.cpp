//===- Backend.cpp - One function, ready to run somewhere -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The backends that interpret, and the choice among all of them.
//
//===----------------------------------------------------------------------===//

#include "attn/Execution/Backend.h"
#include "Compiled.h"
#include "attn/Reference/Interpreter.h"

using namespace mlir;
using namespace attn;
using namespace attn::execution;

Executable::~Executable() = default;

namespace {

/// The reference interpreter as a backend.
class Interpreted : public Executable {
public:
  Interpreted(func::FuncOp function, reference::Options options)
      : function(function), options(options) {}

  LogicalResult bind(ArrayRef<Tensor> tensors) override {
    inputs.assign(tensors.begin(), tensors.end());
    return success();
  }

  LogicalResult launch() override {
    FailureOr<SmallVector<Tensor>> results =
        reference::interpret(function, inputs, options);
    if (failed(results))
      return failure();
    outputs = std::move(*results);
    return success();
  }

  FailureOr<SmallVector<Tensor>> getOutputs() override {
    // Float64 results come widened.
    SmallVector<Tensor> narrowed;
    for (auto [tensor, output] :
         llvm::zip_equal(outputs, reference::getOutputs(function))) {
      auto type = dyn_cast<FloatType>(getElementTypeOrSelf(output.type));
      narrowed.push_back(type ? tensor.convertedTo(type) : tensor);
    }
    return narrowed;
  }

  StringRef getBackend() const override {
    return options.mode == reference::Mode::Unfused ? "unfused" : "reference";
  }

private:
  func::FuncOp function;
  reference::Options options;
  SmallVector<Tensor> inputs, outputs;
};

} // namespace

static bool isCompiled(StringRef backend) {
  return llvm::is_contained({"auto", "cpu", "cpu-standard", "cuda"}, backend);
}

FailureOr<std::unique_ptr<Executable>>
attn::execution::createExecutable(func::FuncOp function,
                                  const BackendOptions &options) {
  using reference::Mode;
  if (options.name == "reference" || options.name == "unfused")
    return std::unique_ptr<Executable>(new Interpreted(
        function, {options.name == "unfused" ? Mode::Unfused : Mode::Float64,
                   options.threads}));
  if (isCompiled(options.name))
    return createCompiled(function, options);
  return emitError(UnknownLoc::get(function.getContext()))
         << explainUnavailable(options.name);
}

std::string attn::execution::explainUnavailable(StringRef backend) {
  if (backend == "reference" || backend == "unfused")
    return "";
  if (isCompiled(backend))
    return explainNoDevice(backend);
  return ("unknown backend '" + backend +
          "'; there are auto, cpu, cpu-standard, cuda, reference, unfused")
      .str();
}
