//===- WGSL.h - GPU kernels to WGSL -----------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Readable WebGPU shaders from tile kernels.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TARGET_WGSL_H
#define ATTN_TARGET_WGSL_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

namespace attn {

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

} // namespace attn

#endif // ATTN_TARGET_WGSL_H
