//===- ArgumentNames.h - What messages call the arguments -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Names for the arguments of a function, in the words of its ops.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_TRANSFORMS_ARGUMENTNAMES_H
#define LIB_TRANSFORMS_ARGUMENTNAMES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace attn {

/// Gives every argument of `function` that an attn op takes and that has no
/// name yet an `attn.name`: what the first such op calls it (query, key, lse,
/// ...), made unique by a number.
void nameArguments(mlir::func::FuncOp function);

} // namespace attn

#endif // LIB_TRANSFORMS_ARGUMENTNAMES_H
