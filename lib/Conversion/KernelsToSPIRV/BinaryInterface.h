//===- BinaryInterface.h - Kernels as SPIR-V functions ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The part of kernels-to-spirv that knows the binary interface of
// docs/artifact.md: where buffers are bound, where parameters lie, what a
// group's number is.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_KERNELSTOSPIRV_BINARYINTERFACE_H
#define LIB_CONVERSION_KERNELSTOSPIRV_BINARYINTERFACE_H

#include "SmallElements.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/SPIRV/IR/SPIRVOps.h"
#include "mlir/Transforms/DialectConversion.h"

namespace attn {

/// Adds an entry point for `kernel`, in normal form, to `module`: a function
/// whose memory accesses, ids and barriers are SPIR-V and whose arithmetic and
/// control flow are still those of `kernel`. What it loads and stores of
/// matrices has the types that `types` makes of theirs, by way of casts.
mlir::LogicalResult addEntryPoint(mlir::gpu::GPUFuncOp kernel,
                                  mlir::spirv::ModuleOp module,
                                  const Words &words,
                                  const mlir::TypeConverter &types);

/// Bytes that the workgroup buffers of `kernel` take.
int64_t getWorkgroupBytes(mlir::gpu::GPUFuncOp kernel, const Words &words);

} // namespace attn

#endif // LIB_CONVERSION_KERNELSTOSPIRV_BINARYINTERFACE_H
