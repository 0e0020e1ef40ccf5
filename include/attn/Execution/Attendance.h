//===- Attendance.h - What a problem has to compute -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Pairs of query and key that attend, counted for benchmarks, and tiles of them
// as a picture: by the definition of the masks, not by what code visits.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_EXECUTION_ATTENDANCE_H
#define ATTN_EXECUTION_ATTENDANCE_H

#include "attn/Reference/Tensor.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <string>

namespace attn::execution {

/// Floating-point operations of all attention in `function` on `inputs`: 2 (Dk
/// + Dv) for each pair of query and key that attends. Of very many pairs,
/// evenly spaced rows stand for all.
mlir::FailureOr<double> countFlops(mlir::func::FuncOp function,
                                   mlir::ArrayRef<reference::Tensor> inputs);

/// The tiles of batch 0 and head 0 of the first attention: a line a query tile,
/// a character a key tile or a few of them, and which of them the first and the
/// last query tile visit. Empty without attention.
mlir::FailureOr<std::string> drawTiles(mlir::func::FuncOp function,
                                       mlir::ArrayRef<reference::Tensor> inputs,
                                       int64_t tileM, int64_t tileN);

} // namespace attn::execution

#endif // ATTN_EXECUTION_ATTENDANCE_H
