//===- WGSL.h - The target wgsl ---------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Readable WebGPU shaders from tile kernels.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TARGET_WGSL_H
#define ATTN_TARGET_WGSL_H

#include "attn/Target/Target.h"

namespace attn {

void registerWGSLTargets();

/// Options of the pipeline to the normal form of WGSL kernels.
struct WGSLPipelineOptions
    : public mlir::PassPipelineOptions<WGSLPipelineOptions> {
  Option<int64_t> threads{
      *this, "threads", llvm::cl::desc("Threads of a workgroup (0: one a row)"),
      llvm::cl::init(0)};
  Option<int64_t> maxThreads{
      *this, "max-threads",
      llvm::cl::desc("Most threads of a workgroup (0: the target's)"),
      llvm::cl::init(0)};
  Option<int64_t> workgroupBytes{
      *this, "workgroup-bytes",
      llvm::cl::desc("Workgroup memory (0: the target's)"), llvm::cl::init(0)};
};

/// attn-to-wgsl: outlined tile kernels to what `attn-translate` prints.
void buildWGSLPipeline(mlir::OpPassManager &pm,
                       const WGSLPipelineOptions &options);

/// Registers the pipeline `attn-to-wgsl`, which starts from tile kernels.
void registerWGSLPipelines();

} // namespace attn

#endif // ATTN_TARGET_WGSL_H
