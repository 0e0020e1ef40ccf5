//===- WGSL.h - The target wgsl ---------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Readable WebGPU shaders from tile kernels.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TARGET_WGSL_H
#define ATTN_TARGET_WGSL_H

namespace attn {

void registerWGSLTargets();

/// Registers the pipeline `attn-to-wgsl`, which starts from tile kernels.
void registerWGSLPipelines();

} // namespace attn

#endif // ATTN_TARGET_WGSL_H
