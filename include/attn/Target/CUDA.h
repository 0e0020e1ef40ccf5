//===- CUDA.h - Artifacts for NVIDIA GPUs -----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiles a module with one entry function to an artifact of PTX: fused
// attention on tensor cores where it fits, other kernels through the plain
// path.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TARGET_CUDA_H
#define ATTN_TARGET_CUDA_H

#include "attn/Dialect/Attn/Attn.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"

#include <string>
#include <vector>

namespace attn {

/// What passes need to know of a chip.
struct CUDAChip {
  llvm::StringLiteral name;
  int64_t sharedBytes; ///< that a block may use
  int64_t multiprocessors;
  bool isHopper; ///< has wgmma and TMA
};

llvm::ArrayRef<CUDAChip> getCUDAChips();
/// Null if there is no such chip.
const CUDAChip *findCUDAChip(llvm::StringRef name);
/// The chip whose code suits a device of compute capability `device` ("sm_90")
/// best: PTX runs on what came after its chip too, if it does not name
/// features of one alone. Null for a device that is older than all.
const CUDAChip *chooseCUDAChip(llvm::StringRef device);

/// Rows and columns of a score tile; 0 is chosen.
struct TileShape {
  int64_t m, n;
};

/// Whether q of every attention op of `entry` has 16-bit elements.
bool isSixteenBit(mlir::func::FuncOp entry);

/// Outlined tile kernels to gpu.modules in the LLVM dialect. What Hopper's
/// lowering does not take goes to mma.sync, what that does not take to the
/// plain path.
void buildCUDAKernelPipeline(mlir::OpPassManager &pm, const CUDAChip &chip,
                             bool sixteenBit);

/// Attention to outlined tile kernels, in tiles for `chip`.
void buildCUDATilePipeline(mlir::OpPassManager &pm, const CUDAChip &chip,
                           TileShape tile);

/// Registers the pipelines `attn-to-hopper` and `attn-to-mma`.
void registerCUDAPipelines();

/// The machine code (a cubin) that the program `ptxas` makes of `ptx` for a
/// chip such as "sm_90a"; a diagnostic at `where` if it fails.
mlir::FailureOr<std::string> assemblePTX(mlir::Operation *where,
                                         llvm::StringRef ptx,
                                         llvm::StringRef chip,
                                         llvm::StringRef ptxas);

/// How many registers the kernel of `ptx` has, as the ptxas of this machine
/// says; "" if there is none.
std::string describeRegisters(llvm::StringRef ptx, llvm::StringRef chip);

/// What was chosen and why, one sentence a choice, and the key-tile ranges of
/// each version of each attention op.
struct CUDAReport {
  std::vector<std::string> choices, ranges;
  /// Of the version that takes all sizes which no other one takes.
  int64_t tileM = 0, tileN = 0;
};

/// Bytes of an artifact for `chip`, of PTX or, if `ptxas` names that program,
/// of machine code. `module` has one function, `entry`, and is consumed.
/// Passes are verified if `verifies`. `timer` is told the name of each phase as
/// it ends; `report` is filled in if
/// there is one.
mlir::FailureOr<std::string>
compileCUDAArtifact(mlir::ModuleOp module, mlir::func::FuncOp entry,
                    const CUDAChip &chip, TileShape tile, llvm::StringRef ptxas,
                    bool verifies,
                    llvm::function_ref<void(llvm::StringRef)> timer,
                    CUDAReport *report = nullptr);

} // namespace attn

#endif // ATTN_TARGET_CUDA_H
