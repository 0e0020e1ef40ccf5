//===- KernelInterpreter.h - Executes lowered GPU kernels -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All threads of a workgroup at once, op by op: what kernel normal form
// (docs/gpu-kernels.md), subgroup operations and matrix fragments mean.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_REFERENCE_KERNELINTERPRETER_H
#define ATTN_LIB_REFERENCE_KERNELINTERPRETER_H

#include "Values.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

namespace attn::reference {

struct KernelOptions {
  /// Floats are doubles, else rounded to f32 after every op.
  bool wide = true;
  /// Lanes of a subgroup of the machine.
  int64_t subgroup = 32;
};

/// Runs a block of `kernel` for every point of the grid (batches, heads, query
/// tiles) on `arguments`, memrefs as base pointers. Beyond what it computes it
/// refuses: accesses outside of a memref; elements that two threads access, one
/// of them writing something else, without a barrier in between; barriers and
/// what a subgroup does together in flow that is not uniform; shuffles from
/// lanes that are not there. Workgroup and private memory holds NaN until it is
/// written. Which lane holds which element of a fragment is different for every
/// use and shape, and like no real machine.
mlir::LogicalResult runKernel(mlir::gpu::GPUFuncOp kernel,
                              mlir::ArrayRef<RuntimeValue> arguments,
                              mlir::ArrayRef<int64_t> grid,
                              const KernelOptions &options);

} // namespace attn::reference

#endif // ATTN_LIB_REFERENCE_KERNELINTERPRETER_H
