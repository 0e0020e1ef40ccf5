//===- ArgumentNames.h - What messages call the arguments -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Names for the arguments of a function, in the words of its ops: checks,
// launches and interpreters say the same ones.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_ATTN_ARGUMENTNAMES_H
#define ATTN_DIALECT_ATTN_ARGUMENTNAMES_H

#include "mlir/Interfaces/FunctionInterfaces.h"

#include <string>

namespace attn {

/// The name of each argument: its `attn.name`, else what the first attn op that
/// takes it calls it (query, key, lse, ...), made unique by a number, else
/// `arg` and its number.
llvm::SmallVector<std::string>
getArgumentNames(mlir::FunctionOpInterface function);

/// "argument 3 'mask_tensor'".
std::string describeArgument(mlir::FunctionOpInterface function,
                             unsigned index);

/// Writes the names that ops give as `attn.name`, before the ops are gone.
void nameArguments(mlir::FunctionOpInterface function);

} // namespace attn

#endif // ATTN_DIALECT_ATTN_ARGUMENTNAMES_H
