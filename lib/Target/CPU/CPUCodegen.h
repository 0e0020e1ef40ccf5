//===- CPUCodegen.h - Lowered kernels to machine code -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Through LLVM to a shared object that the runtime loads.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_TARGET_CPU_CPUCODEGEN_H
#define LIB_TARGET_CPU_CPUCODEGEN_H

#include "attn/Dialect/Tile/Tile.h"

#include "mlir/IR/BuiltinOps.h"

namespace attn {

/// Compiles the `tile.kernel` functions of `module`, lowered by tile-to-cpu,
/// to an ELF shared object without dependencies. Kernel @f is exported as "f"
/// with the calling convention of docs/artifact.md. The module is consumed.
/// Passes are verified if `verifies`.
/// `timer` is told the name of each phase as it ends.
mlir::FailureOr<std::string>
compileCPUKernels(mlir::ModuleOp module, tile::TargetAttr machine,
                  bool verifies,
                  llvm::function_ref<void(llvm::StringRef)> timer);

} // namespace attn

#endif // LIB_TARGET_CPU_CPUCODEGEN_H
