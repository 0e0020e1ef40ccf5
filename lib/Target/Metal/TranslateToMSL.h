//===- TranslateToMSL.h - Kernels as Metal text -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The printer of kernels in normal form.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_TARGET_METAL_TRANSLATETOMSL_H
#define LIB_TARGET_METAL_TRANSLATETOMSL_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

namespace attn {

/// Prints the kernels of a module in the Metal Shading Language. Memref
/// arguments are buffers 0, 1, ... in order; the scalar arguments are, in
/// order, one struct of 32-bit fields in the next buffer. The query tile is
/// threadgroup_position_in_grid.x, the head .y, the batch .z. A kernel with
/// more buffers than the target of the module binds is an error.
mlir::LogicalResult translateToMSL(mlir::gpu::GPUModuleOp module,
                                   llvm::raw_ostream &os);

} // namespace attn

#endif // LIB_TARGET_METAL_TRANSLATETOMSL_H
