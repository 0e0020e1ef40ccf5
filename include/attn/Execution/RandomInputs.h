//===- RandomInputs.h - Inputs that make sense, from a seed -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Random tensors for the arguments of a function: normal numbers for q, k and
// v, valid lengths, offsets, packings and pages for the rest.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_EXECUTION_RANDOMINPUTS_H
#define ATTN_EXECUTION_RANDOMINPUTS_H

#include "attn/Execution/Signature.h"

namespace attn::execution {

/// One tensor for each argument, the same for the same seed on every machine.
/// Destinations are filled by makePoison. Diagnoses, at `function`, sizes that
/// are missing, do not fit 63 bits, or need more memory than there is.
mlir::FailureOr<mlir::SmallVector<Tensor>>
makeRandomInputs(mlir::func::FuncOp function, const Signature &signature,
                 uint64_t seed);

/// What a destination holds before it is written: NaN, or -1 (true) for
/// integers.
Tensor makePoison(mlir::Type elementType, mlir::ArrayRef<int64_t> shape);

} // namespace attn::execution

#endif // ATTN_EXECUTION_RANDOMINPUTS_H
