//===- WGSL.h - GPU kernels to WGSL -----------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Readable WebGPU shaders from tile kernels.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TARGET_WGSL_H
#define ATTN_TARGET_WGSL_H

#include "attn/Transforms/Passes.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

namespace attn {

/// What passes and the printer need to know of a device.
struct WGSLChip {
  llvm::StringLiteral name;
  int64_t storageBuffers; ///< that a kernel can bind
  int64_t threads, workgroupBytes;
};

llvm::ArrayRef<WGSLChip> getWGSLChips();
/// Null if there is no such chip.
const WGSLChip *findWGSLChip(llvm::StringRef name);

/// What an artifact for `chip` says of itself.
SetArtifactOptions describeWGSL(const WGSLChip &chip);

/// The defaults are the limits that every WebGPU device has.
struct WGSLOptions : public mlir::PassPipelineOptions<WGSLOptions> {
  Option<int64_t> threads{
      *this, "threads", llvm::cl::desc("Threads of a workgroup (0: one a row)"),
      llvm::cl::init(0)};
  Option<int64_t> maxThreads{*this, "max-threads",
                             llvm::cl::desc("Most threads of a workgroup"),
                             llvm::cl::init(256)};
  Option<int64_t> workgroupBytes{*this, "workgroup-bytes",
                                 llvm::cl::desc("Workgroup memory"),
                                 llvm::cl::init(16384)};
};

/// Tile kernels (outlined, free of sugar) to gpu.module in kernel normal form
/// without infinities.
void buildWGSLPipeline(mlir::OpPassManager &manager,
                       const WGSLOptions &options);

/// Registers the pipeline `attn-to-wgsl`.
void registerWGSLPipelines();

/// Prints the kernels of a module as one WGSL module. Memref arguments are
/// storage buffers at bindings 0, 1, ... of group 0, in order; the scalar
/// arguments are, in order, one uniform struct of 32-bit fields at the next
/// binding. Index and i64 are i32. The query tile is workgroup_id.x, the head
/// .y, the batch .z. A kernel with more storage buffers than the device binds
/// (WebGPU guarantees 8) is an error.
mlir::LogicalResult translateToWGSL(mlir::gpu::GPUModuleOp module,
                                    llvm::raw_ostream &os,
                                    unsigned maxStorageBuffers = 8);

/// Bytes of an artifact for `chip`. `module` has one function, `entry`, and is
/// consumed; 0 as the rows or columns of a tile is chosen. Passes are verified
/// if `verifies`. `timer` is told the name of each phase as it ends.
mlir::FailureOr<std::string>
compileWGSLArtifact(mlir::ModuleOp module, llvm::StringRef entry,
                    const WGSLChip &chip, int64_t tileM, int64_t tileN,
                    bool verifies,
                    llvm::function_ref<void(llvm::StringRef)> timer);

} // namespace attn

#endif // ATTN_TARGET_WGSL_H
