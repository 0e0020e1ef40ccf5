//===- Metal.h - The target metal -------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Readable Metal kernels from tile kernels.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TARGET_METAL_H
#define ATTN_TARGET_METAL_H

#include "attn/Target/Target.h"

namespace attn {

void registerMetalTargets();

/// attn-to-metal.
void buildMetalPipeline(mlir::OpPassManager &pm,
                        const TargetPipelineOptions &options);

/// Registers the pipeline `attn-to-metal`.
void registerMetalPipelines();

} // namespace attn

#endif // ATTN_TARGET_METAL_H
