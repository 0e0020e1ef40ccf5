//===- Compiled.cpp - Functions that a target compiled --------------------===//
//
// The backends that go through an artifact and the runtime's C API.
//
//===----------------------------------------------------------------------===//

#include "Compiled.h"

using namespace mlir;
using namespace attn::execution;

FailureOr<std::unique_ptr<Executable>>
attn::execution::createCompiled(func::FuncOp function,
                                const BackendOptions &options) {
  return function.emitError("backend '")
         << options.name
         << "' is not part of this build; there are reference and unfused";
}
