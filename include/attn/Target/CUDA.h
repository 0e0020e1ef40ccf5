//===- CUDA.h - Artifacts for NVIDIA GPUs -----------------------*- C++ -*-===//
//
// Compiles a module with one entry function to an artifact of PTX: fused
// attention on Hopper's tensor cores where it fits, other kernels through the
// plain path.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TARGET_CUDA_H
#define ATTN_TARGET_CUDA_H

#include "dialects/Attn/Attn.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"

#include <string>

namespace attn {

/// Rows and columns of a score tile; 0 is chosen.
struct TileShape {
  int64_t m, n;
};

/// Whether q of every attention op of `entry` has 16-bit elements.
bool isSixteenBit(mlir::func::FuncOp entry);

/// Outlined tile kernels to gpu.modules in the LLVM dialect. Kernels that
/// tile-to-hopper does not take go through the plain path.
void buildHopperKernelPipeline(mlir::OpPassManager &pm, bool sixteenBit);

/// Attention to outlined tile kernels, in tiles for Hopper.
void buildHopperTilePipeline(mlir::OpPassManager &pm, TileShape tile);

/// Registers the pipeline `attn-to-hopper`.
void registerHopperPipelines();

/// Bytes of an artifact for sm_90a. `module` has one function, `entry`, and is
/// consumed. `timer` is told the name of each
/// phase as it ends.
mlir::FailureOr<std::string>
compileCUDAArtifact(mlir::ModuleOp module, mlir::func::FuncOp entry,
                    TileShape tile,
                    llvm::function_ref<void(llvm::StringRef)> timer);

} // namespace attn

#endif // ATTN_TARGET_CUDA_H
