//===- Backend.cpp - One function, ready to run somewhere -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The backends that interpret, and the choice among all of them.
//
//===----------------------------------------------------------------------===//

#include "attn/Execution/Backend.h"
#include "Compiled.h"
#include "Hosted.h"
#include "attn/Reference/Interpreter.h"
#include "attn/Target/Target.h"

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

std::string attn::execution::listBackends() {
  std::string names = autoBackend.str();
  for (const Target *target : getTargets()) {
    if (!target->getBackend().empty())
      names += (", " + target->getName()).str();
    if (std::optional<Host> host = target->getHost())
      names += (", " + host->backend).str();
  }
  return names + ", reference, unfused";
}

/// The target that a program beside the runtime runs; null for other backends.
static const Target *findHosted(StringRef backend) {
  const Target *target = findBackend(backend);
  std::optional<Host> host = target ? target->getHost() : std::nullopt;
  return host && host->backend == backend && !host->script.empty() ? target
                                                                   : nullptr;
}

static bool isInterpreted(StringRef backend) {
  return backend == "reference" || backend == "unfused";
}

FailureOr<std::unique_ptr<Executable>>
attn::execution::createExecutable(func::FuncOp function,
                                  const BackendOptions &options) {
  using reference::Mode;
  if (isInterpreted(options.name) && options.chip.empty())
    return std::unique_ptr<Executable>(new Interpreted(
        function, {options.name == "unfused" ? Mode::Unfused : Mode::Float64,
                   options.threads}));
  if (const Target *target = findHosted(options.name))
    return createHosted(function, *target, options);
  if (options.name == autoBackend || findBackend(options.name))
    return createCompiled(function, options);
  return emitError(UnknownLoc::get(function.getContext()))
         << explainUnavailable(options);
}

std::string attn::execution::explainUnavailable(const BackendOptions &options) {
  StringRef backend = options.name;
  if (isInterpreted(backend))
    return options.chip.empty()
               ? ""
               : ("the backend '" + backend + "' has no chips").str();
  if (const Target *target = findHosted(backend))
    return explainNoHost(*target);
  if (backend == autoBackend || findBackend(backend))
    return explainNoDevice(options);
  std::string message = ("unknown backend '" + backend + "'").str();
  SmallVector<StringRef> known;
  std::string all = listBackends();
  StringRef(all).split(known, ", ");
  if (std::optional<StringRef> nearest = findNearest(backend, known))
    message += ("; did you mean '" + *nearest + "'?").str();
  return message + "; there are " + all;
}
