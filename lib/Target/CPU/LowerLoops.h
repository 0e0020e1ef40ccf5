//===- LowerLoops.h - Loops and choices to branches -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `scf.for` and `scf.if` of kernels to branches.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_TARGET_CPU_LOWERLOOPS_H
#define LIB_TARGET_CPU_LOWERLOOPS_H

#include "mlir/IR/Operation.h"

namespace attn {

void lowerLoops(mlir::Operation *root);

} // namespace attn

#endif // LIB_TARGET_CPU_LOWERLOOPS_H
