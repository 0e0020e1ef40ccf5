//===- Attention.h - attn.attention and attn.merge, executed ----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The two ops on arrays. Destinations are written in place.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_REFERENCE_ATTENTION_H
#define ATTN_LIB_REFERENCE_ATTENTION_H

#include "Values.h"

#include "attn/Dialect/Attn/Attn.h"
#include "attn/Reference/Interpreter.h"

namespace attn::reference {

/// Executes `op`, whose operands are in `env`, into `destinations`.
mlir::LogicalResult executeAttention(AttentionOp op, const Environment &env,
                                     mlir::MutableArrayRef<Array> destinations,
                                     const Options &options);
mlir::LogicalResult executeMerge(MergeOp op, const Environment &env,
                                 mlir::MutableArrayRef<Array> destinations,
                                 const Options &options);

} // namespace attn::reference

#endif // ATTN_LIB_REFERENCE_ATTENTION_H
