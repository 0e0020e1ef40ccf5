//===- Prepare.h - The frame of tensor-core lowerings -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the passes tile-to-hopper and tile-to-mma have in common.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_TENSORCORE_PREPARE_H
#define LIB_CONVERSION_TENSORCORE_PREPARE_H

#include "Emitter.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

#include <string>

namespace attn::tensorcore {

/// Emits a kernel in the gpu.module that `emit` points into, or says
/// why not before it emits anything.
using LowerKernel = llvm::function_ref<mlir::LogicalResult(
    mlir::func::FuncOp kernel, Emitter &emit, std::string &why)>;

/// Replaces each kernel of `module` that has matrix products by a gpu.module of
/// the same name with what `lower` emits. A kernel that `lower` rejects stays
/// as it is, with the remark "not lowered to `target`: why".
void lowerKernels(mlir::ModuleOp module, llvm::StringRef target,
                  LowerKernel lower);

} // namespace attn::tensorcore

#endif // LIB_CONVERSION_TENSORCORE_PREPARE_H
