//===- CUDA.h - The target cuda ---------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// NVIDIA GPUs from sm_80 on: fused attention on tensor cores where it fits,
// other kernels through the plain path; PTX, or machine code by ptxas.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TARGET_CUDA_H
#define ATTN_TARGET_CUDA_H

namespace attn {

void registerCUDATargets();

/// Registers `attn-to-cuda`, the same for one kind of tensor cores as
/// `attn-to-hopper` and `attn-to-mma`, and `attn-to-nvptx-plain`.
void registerCUDAPipelines();

} // namespace attn

#endif // ATTN_TARGET_CUDA_H
