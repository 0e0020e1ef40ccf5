//===- CUDA.h - The target cuda ---------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// NVIDIA GPUs from sm_80 on: fused attention on tensor cores where it fits,
// other kernels through the plain path; PTX, or machine code by ptxas.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TARGET_CUDA_H
#define ATTN_TARGET_CUDA_H

#include "attn/Target/Target.h"

namespace attn {

void registerCUDATargets();

/// attn-to-cuda; attn-to-hopper and attn-to-mma are the same for sm_90a and
/// sm_86.
void buildCUDAPipeline(mlir::OpPassManager &pm,
                       const TargetPipelineOptions &options);

/// Options of the pipeline without tensor cores.
struct CUDAPlainPipelineOptions
    : public mlir::PassPipelineOptions<CUDAPlainPipelineOptions> {
  Option<int64_t> threads{
      *this, "threads", llvm::cl::desc("Threads of a workgroup (0: one a row)"),
      llvm::cl::init(0)};
};

/// attn-to-nvptx-plain: outlined tile kernels to the LLVM dialect.
void buildCUDAPlainPipeline(mlir::OpPassManager &pm,
                            const CUDAPlainPipelineOptions &options);

/// Registers `attn-to-cuda`, the same for one kind of tensor cores as
/// `attn-to-hopper` and `attn-to-mma`, and `attn-to-nvptx-plain`.
void registerCUDAPipelines();

} // namespace attn

#endif // ATTN_TARGET_CUDA_H
