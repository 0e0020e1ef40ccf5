//===- Interpreter.h - Executes integer IR of tests -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tiny interpreter of arith on integers, scf loops and memrefs of integers:
// what mask regions consist of and what mask analysis builds from them.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_UNIT_ANALYSIS_INTERPRETER_H
#define ATTN_TEST_UNIT_ANALYSIS_INTERPRETER_H

#include "attn/Dialect/Attn/Attn.h"

#include "llvm/ADT/DenseMap.h"

namespace attn::test {

/// A row-major array.
struct Buffer {
  llvm::SmallVector<int64_t> shape;
  std::vector<int64_t> data;
};

struct Scalar {
  int64_t integer = 0;
  double real = 0;
  std::shared_ptr<Buffer> buffer;
};

class Interpreter {
public:
  /// Of attn.q_len, attn.kv_len and attn.q_offset.
  int64_t queryLength = 0, keyLength = 0, queryOffset = 0;
  /// Loads outside a buffer: those of a region are legal where it is masked.
  bool clampLoads = false;

  void set(mlir::Value value, Scalar scalar) { values[value] = scalar; }
  void set(mlir::Value value, int64_t integer) {
    Scalar scalar;
    scalar.integer = integer;
    values[value] = scalar;
  }
  const Scalar &get(mlir::Value value) const {
    auto it = values.find(value);
    if (it == values.end())
      llvm::report_fatal_error("value is not computed");
    return it->second;
  }
  int64_t integer(mlir::Value value) const { return get(value).integer; }

  /// Runs the block up to its end; returns the operands of its terminator.
  llvm::SmallVector<Scalar> run(mlir::Block &block);

private:
  void execute(mlir::Operation *op);

  llvm::DenseMap<mlir::Value, Scalar> values;
};

} // namespace attn::test

#endif // ATTN_TEST_UNIT_ANALYSIS_INTERPRETER_H
