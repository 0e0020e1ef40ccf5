//===- MatrixLives.h - Registers that matrices take -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Follows the matrix variables of a thread from where they are written to where
// they are used last, and counts what lives at the same time.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EXECUTION_METALSHIM_MATRIXLIVES_H
#define ATTN_LIB_EXECUTION_METALSHIM_MATRIXLIVES_H

#include "ShimInterface.h"

#include <cstdint>
#include <unordered_map>
#include <vector>

namespace attn::execution::metal {

class MatrixLives {
public:
  void tell(const void *variable, unsigned bytes,
            metal_shim::MatrixEvent event);
  /// Ends the lives of all variables; returns the most registers of 32 bits
  /// that those took which were live together.
  int64_t finish();

private:
  struct Life {
    int64_t begin, end, bytes;
  };
  void close(const Life &life) {
    if (life.end > life.begin)
      past.push_back(life);
  }

  int64_t now = 0;
  std::unordered_map<const void *, Life> current;
  std::vector<Life> past;
};

} // namespace attn::execution::metal

#endif // ATTN_LIB_EXECUTION_METALSHIM_MATRIXLIVES_H
