//===- Npy.h - Tensors from and to .npy files -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// MLIR element types against NumPy's. bf16 travels as uint16.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_EXECUTION_NPY_H
#define ATTN_EXECUTION_NPY_H

#include "attn/Reference/Tensor.h"

#include <string>

namespace attn::execution {

/// Reads `path` as a tensor with elements of type `elementType`. On failure
/// says why in `error`. `bf16` allows uint16 files for bf16.
mlir::FailureOr<reference::Tensor> readTensor(const std::string &path,
                                              mlir::Type elementType, bool bf16,
                                              std::string &error);

/// Writes `tensor` to `path`: whole or not at all.
mlir::LogicalResult writeTensor(const std::string &path,
                                const reference::Tensor &tensor, bool bf16,
                                std::string &error);

} // namespace attn::execution

#endif // ATTN_EXECUTION_NPY_H
