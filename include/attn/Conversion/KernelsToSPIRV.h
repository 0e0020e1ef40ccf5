//===- KernelsToSPIRV.h - GPU kernels to SPIR-V -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `separate-kernels` and `kernels-to-spirv`, and what those who serialise its
// modules know of it.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_CONVERSION_KERNELSTOSPIRV_H
#define ATTN_CONVERSION_KERNELSTOSPIRV_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Pass/Pass.h"

#include <string>

namespace attn {
#define GEN_PASS_DECL_KERNELSTOSPIRV
#define GEN_PASS_DECL_SEPARATEKERNELS
#include "attn/Conversion/Passes.h.inc"

/// The symbol of the spirv.module that stands next to `kernels`.
std::string getSPIRVModuleName(mlir::gpu::GPUModuleOp kernels);

} // namespace attn

#endif // ATTN_CONVERSION_KERNELSTOSPIRV_H
