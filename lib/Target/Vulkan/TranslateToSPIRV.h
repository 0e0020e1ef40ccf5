//===- TranslateToSPIRV.h - Kernels as SPIR-V words -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The serialiser of what kernels-to-spirv made.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_TARGET_VULKAN_TRANSLATETOSPIRV_H
#define LIB_TARGET_VULKAN_TRANSLATETOSPIRV_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

#include <string>

namespace attn {

/// The words of the SPIR-V module next to `kernels`, little-endian, or failure
/// and a diagnostic.
mlir::FailureOr<std::string> translateToSPIRV(mlir::gpu::GPUModuleOp kernels);

} // namespace attn

#endif // LIB_TARGET_VULKAN_TRANSLATETOSPIRV_H
