//===- Interpreter.h - Executes attention as it is defined ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The reference: runs a host function of attn.attention and attn.merge as
// docs/semantics.md says, without any pass and without any code shared with
// the lowerings. Also what functions take and give, which tools need.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_REFERENCE_INTERPRETER_H
#define ATTN_REFERENCE_INTERPRETER_H

#include "attn/Dialect/Attn/Attn.h"
#include "attn/Reference/Tensor.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <atomic>

namespace attn::reference {

enum class Mode {
  /// Everything in float64; nothing is rounded on the way (rule 20's ref).
  Float64,
  /// Rule 20's u: scores accumulated and kept in f32, region and softmax in
  /// f32, P rounded to v's type, P V accumulated in f32, o rounded to its type.
  /// Infinite where rule 17 promises nothing.
  Unfused
};

/// A row of scores: query i of head h and batch b, of so many queries and keys.
struct Row {
  AttentionOp op;
  int64_t b, h, i, queries, keys;
};

/// Is shown what rows attend.
class RowObserver {
public:
  virtual ~RowObserver() = default;
  virtual bool wants(const Row &row) = 0;
  /// One flag for each key.
  virtual void see(const Row &row, mlir::ArrayRef<uint8_t> attended) = 0;
};

struct Options {
  Mode mode = Mode::Float64;
  /// 0: one a core. The result does not depend on it (rule 19).
  unsigned threads = 0;
  /// Attention is not computed but shown to this one, row by row.
  RowObserver *observer = nullptr;
  /// Follows the rows of the attention that runs, from 0 to 1.
  std::atomic<double> *progress = nullptr;
};

/// What a function computes: its results, then the memref arguments it writes,
/// in argument order.
struct Output {
  enum class Kind { Value, Lse };
  mlir::Type type;
  /// Index of the written memref argument; std::nullopt: a result.
  std::optional<unsigned> argument;
  /// An lse is compared by its own clause of rule 20.
  Kind kind = Kind::Value;
  /// Element type of the queries behind this output (null: not attention).
  mlir::Type inputType;
  /// tanh is involved: rule 20 allows 3 instead of 2.
  bool softcap = false;
};
mlir::SmallVector<Output> getOutputs(mlir::func::FuncOp function);

/// True if argument `index` is nothing but a destination of attention or
/// merge, so that its contents are never read.
bool isDestination(mlir::func::FuncOp function, unsigned index);

/// Runs `function` on `inputs`, one for each argument (rank 0 for scalars),
/// and returns the tensors that getOutputs lists. In Float64 mode those of
/// float type are f64. Bad inputs are diagnosed.
mlir::FailureOr<mlir::SmallVector<Tensor>>
interpret(mlir::func::FuncOp function, mlir::ArrayRef<Tensor> inputs,
          const Options &options = {});

} // namespace attn::reference

#endif // ATTN_REFERENCE_INTERPRETER_H
