//===- SPIRV.h - Where SPIR-V of kernels is found ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What kernels-to-spirv and those who serialise its modules agree on.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_CONVERSION_SPIRV_H
#define ATTN_CONVERSION_SPIRV_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

#include <string>

namespace attn {

/// The symbol of the spirv.module that stands next to `kernels`.
std::string getSPIRVModuleName(mlir::gpu::GPUModuleOp kernels);

} // namespace attn

#endif // ATTN_CONVERSION_SPIRV_H
