//===- TranslateToWGSL.h - Kernels as WGSL ----------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The printer of kernels in normal form.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_TARGET_WGSL_TRANSLATETOWGSL_H
#define LIB_TARGET_WGSL_TRANSLATETOWGSL_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

namespace attn {

/// Prints the kernels of a module as one WGSL module. Memref arguments are
/// storage buffers at bindings 0, 1, ... of group 0, in order; the scalar
/// arguments are, in order, one uniform struct of 32-bit fields at the next
/// binding. Index and i64 are i32. The query tile is workgroup_id.x, the head
/// .y, the batch .z. A kernel with more storage buffers than the target of the
/// module binds is an error.
mlir::LogicalResult translateToWGSL(mlir::gpu::GPUModuleOp module,
                                    llvm::raw_ostream &os);

} // namespace attn

#endif // LIB_TARGET_WGSL_TRANSLATETOWGSL_H
