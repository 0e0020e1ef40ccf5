//===- CPU.h - CPU targets and code generation ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a CPU offers (vectors, registers, caches), as the host reports it or as
// a chip name says, and the way from lowered kernels to a shared object.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TARGET_CPU_H
#define ATTN_TARGET_CPU_H

#include "attn/Transforms/Passes.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringMap.h"

namespace attn {

/// A CPU to generate code for.
struct CPUTarget {
  std::string chip;                  ///< LLVM's name, e.g. "znver4"
  std::vector<std::string> features; ///< those that generated code relies on
  unsigned vectorBits = 256;
  unsigned registers = 16;  ///< vector registers
  unsigned l1Bytes = 32768; ///< data cache of a core
  unsigned l2Bytes = 1 << 20;

  bool has(llvm::StringRef feature) const;

  /// The target called `chip`: "host", or a name of LLVM ("x86-64-v3",
  /// "x86-64-v4", "znver4", ...). Fails, with a message in `error`, for an
  /// unknown name and for a CPU without AVX2, FMA and F16C.
  static std::optional<CPUTarget> get(llvm::StringRef chip, std::string &error);

  /// Puts the target on the module as a DLTI system specification.
  void attachTo(mlir::ModuleOp module) const;

  /// What an artifact for it says of itself; `pipeline` says what made it.
  SetArtifactOptions describe(llvm::StringRef pipeline) const;

  /// Takes what a DLTI system specification around `op` says of device "CPU":
  /// max_vector_op_width (bits), L1_cache_size_in_bytes,
  /// L2_cache_size_in_bytes, vector_registers.
  void refineFrom(mlir::Operation *op);
};

/// Compiles the `tile.kernel` functions of `module`, lowered by tile-to-cpu,
/// to an ELF shared object without dependencies. Kernel @f is exported as "f"
/// with the calling convention of docs/artifact.md. The module is consumed.
/// Passes are verified if `verifies`. `timer` is told the name of each phase as
/// it ends.
mlir::FailureOr<std::string>
compileCPUKernels(mlir::ModuleOp module, const CPUTarget &target, bool verifies,
                  llvm::function_ref<void(llvm::StringRef)> timer);

} // namespace attn

#endif // ATTN_TARGET_CPU_H
