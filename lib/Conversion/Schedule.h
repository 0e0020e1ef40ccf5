//===- Schedule.h - Schedules by conditions on sizes ------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the schedules of all targets share: what an attention op says of its
// sizes as values of the host, and versions of it below conditions on them.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_SCHEDULE_H
#define LIB_CONVERSION_SCHEDULE_H

#include "attn/Dialect/Attn/Attn.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn {

/// Gives one attention op on memrefs its schedules. What only a launch knows
/// becomes a condition on sizes, with a version of the op for either case.
class ScheduleBuilder {
public:
  explicit ScheduleBuilder(AttentionOp op) : op(op), b(op.getLoc(), op) {}

  /// The schedule of the op, or of what `choose` left of it.
  void set(int64_t tileM, int64_t tileN, int64_t workers);
  /// Gives the op another schedule where `condition` holds. Returns false if it
  /// always holds: nothing is left of the choice.
  bool choose(mlir::Value condition, int64_t tileM, int64_t tileN,
              int64_t workers);

  /// Queries of a sequence; of all of them together if they are packed.
  mlir::Value queries();
  /// Keys that a sequence can have.
  mlir::Value keys();
  /// Query heads that share a query tile if keys are split: those of a key
  /// head, or one if the mask depends on the head.
  mlir::Value packedHeads();
  /// Rows of such a tile.
  mlir::Value packedRows() { return multiply(queries(), packedHeads()); }

  /// Whether splitting so many keys, times the heads that share a tile where
  /// more of them take longer, pays for combining the parts.
  mlir::Value manyEnoughToSplit(mlir::Value keys);

  mlir::Value constant(int64_t value);
  mlir::Value extent(mlir::Value memref, int dim);
  mlir::Value multiply(mlir::Value x, mlir::Value y);
  mlir::Value atMost(mlir::Value x, mlir::Value y);
  mlir::Value both(mlir::Value x, mlir::Value y);

private:
  AttentionOp op;
  mlir::ImplicitLocOpBuilder b;
};

} // namespace attn

#endif // LIB_CONVERSION_SCHEDULE_H
