//===- Backend.h - One function, ready to run somewhere ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What attn-run and attn-test execute: a function bound to a backend, run on
// host tensors. The reference runs as it is; other backends compile.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_EXECUTION_BACKEND_H
#define ATTN_EXECUTION_BACKEND_H

#include "attn/Dialect/Attn/Attn.h"
#include "attn/Reference/Tensor.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/JSON.h"

#include <memory>
#include <string>

namespace attn::execution {

using reference::Tensor;

constexpr llvm::StringLiteral autoBackend = "auto";

struct BackendOptions {
  /// A registered target (Target.h), reference, unfused, or auto: a target for
  /// which there is a device, else one for the host.
  std::string name = autoBackend.str();
  /// 0: one a core.
  unsigned threads = 0;
  /// A number, or with Vulkan a part of a name; empty: the first one.
  std::string device;
  /// Whether Vulkan's validation layer watches; what it says is an error.
  bool validates = false;
  /// 0: chosen by the target.
  int64_t tileM = 0, tileN = 0;
  /// Empty: the machine's.
  std::string chip;
  /// For attention ops that have none.
  ScheduleAttr schedule = {};
  /// The sizes of all arguments that will be bound, in order, if they are
  /// known: code for others is not made.
  std::vector<std::vector<int64_t>> shapes;
  /// Whether `describe` will be asked: what only people want costs time.
  bool explain = false;
  /// Not 0: tensors are bound with strides drawn from this seed where their
  /// types leave strides open; else with dense ones.
  uint64_t strideSeed = 0;
};

/// A function on a backend. Inputs stay bound from one launch to the next.
class Executable {
public:
  virtual ~Executable();

  /// Binds one tensor for each argument; what does not fit is diagnosed.
  virtual mlir::LogicalResult bind(mlir::ArrayRef<Tensor> inputs) = 0;
  /// Runs once. Nothing but the computation: this is what is timed.
  virtual mlir::LogicalResult launch() = 0;
  /// The outputs of the last launch, as reference::getOutputs lists them, in
  /// their declared types.
  virtual mlir::FailureOr<mlir::SmallVector<Tensor>> getOutputs() = 0;

  /// Who runs it: what `auto` stands for here.
  virtual llvm::StringRef getBackend() const = 0;
  /// The backend to compare its speed with; empty if there is none.
  virtual llvm::StringRef getBaseline() const { return ""; }
  /// What was chosen when compiling and why, for --explain and --report.
  virtual llvm::json::Object describe() const { return {}; }
  /// Of what was compiled with `explain`: the schedule, of several versions
  /// that for all sizes, and others that are worth measuring. Null and none
  /// where there is no such choice.
  virtual ScheduleAttr getSchedule() const { return {}; }
  virtual mlir::SmallVector<ScheduleAttr> listSchedules() const { return {}; }
  /// Bytes of temporaries of a launch with what is bound.
  virtual int64_t getTemporaryBytes() const { return 0; }
};

/// Registers every dialect and interface that backends need.
void registerDialects(mlir::DialectRegistry &registry);

/// Makes `function` runnable. Unknown and unavailable backends are diagnosed
/// at the function.
mlir::FailureOr<std::unique_ptr<Executable>>
createExecutable(mlir::func::FuncOp function, const BackendOptions &options);

/// "auto, <targets>, reference, unfused", for help and messages.
std::string listBackends();

/// Why no function can run on the backend of `options` here, or "".
std::string explainUnavailable(const BackendOptions &options);

} // namespace attn::execution

#endif // ATTN_EXECUTION_BACKEND_H
