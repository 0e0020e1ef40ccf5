//===- Vulkan.h - The target vulkan -----------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// SPIR-V from tile kernels.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TARGET_VULKAN_H
#define ATTN_TARGET_VULKAN_H

#include "attn/Target/Target.h"

namespace attn {

void registerVulkanTargets();

/// attn-to-vulkan.
void buildVulkanPipeline(mlir::OpPassManager &pm,
                         const TargetPipelineOptions &options);

/// Registers the pipeline `attn-to-vulkan`.
void registerVulkanPipelines();

} // namespace attn

#endif // ATTN_TARGET_VULKAN_H
