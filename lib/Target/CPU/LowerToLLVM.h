//===- LowerToLLVM.h - Vector code to LLVM's dialect ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The steps from kernels on vectors and memrefs to LLVM's dialect.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_TARGET_CPU_LOWERTOLLVM_H
#define LIB_TARGET_CPU_LOWERTOLLVM_H

#include "attn/Dialect/Tile/Tile.h"

#include "mlir/IR/BuiltinOps.h"

namespace attn {

/// Lowers the kernels of `module`; what the steps make together is verified
/// once, if at all.
mlir::LogicalResult lowerToLLVMDialect(mlir::ModuleOp module,
                                       tile::TargetAttr machine, bool verifies);

} // namespace attn

#endif // LIB_TARGET_CPU_LOWERTOLLVM_H
