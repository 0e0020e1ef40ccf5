//===- Plan.h - How a host program launches its kernels ---------*- C++ -*-===//
//
// Turns the host function that attn-outline-kernels leaves into the artifact's
// description: arguments, results, temporaries, launches and checks, with
// sizes as expressions. The JSON is documented in docs/artifact.md.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TARGET_PLAN_H
#define ATTN_TARGET_PLAN_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/JSON.h"

namespace attn {

/// What a target says about one kernel when the plan is written.
struct KernelLaunch {
  /// Code section that holds the kernel, e.g. "code/cpu".
  std::string code;
  /// Symbol in that section.
  std::string symbol;
  /// Fields that the target adds to the launch (block, shared, stack, ...).
  llvm::json::Object extra;
  /// True if the extents of the grid follow the arguments as i64 values.
  bool passExtents = false;
};

/// What messages call the arguments of `function`, one unique name an argument:
/// what the first attn op that takes it calls it (query, key, lse, ...), else
/// arg0 and so on.
llvm::SmallVector<std::string> nameArguments(mlir::func::FuncOp function);

/// The description of host function `entry`, without target, chip, features
/// and metadata. Its arguments go by `names`; `readsBuffers` says whether the
/// host can check what they hold. `describe` is asked once a `tile.launch`.
/// Emits a diagnostic at the op if the function does something that a launch
/// list cannot express.
///
/// The extents of a grid are written in reverse: the query tile is x, so that
/// a scheduler that walks x first reuses the keys of one head.
mlir::FailureOr<llvm::json::Object>
buildPlan(mlir::func::FuncOp entry, llvm::ArrayRef<std::string> names,
          bool readsBuffers,
          llvm::function_ref<KernelLaunch(mlir::func::FuncOp kernel)> describe);

} // namespace attn

#endif // ATTN_TARGET_PLAN_H
