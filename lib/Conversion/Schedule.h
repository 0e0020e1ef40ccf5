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
  explicit ScheduleBuilder(AttentionOp op)
      : op(op), given(ScheduleAttr::of(op)), b(op.getLoc(), op) {}

  /// The tile that is asked for, by options of a pass or else by the op: 0
  /// where nothing is.
  std::pair<int64_t, int64_t> getGivenTile(int64_t tileM, int64_t tileN) const;
  /// Whether the op has a whole tile that options do not override; it stays.
  bool keepsGiven(int64_t tileM, int64_t tileN);

  /// The schedule of the op, or of what `choose` left of it, and why.
  void set(int64_t tileM, int64_t tileN, int64_t workers,
           const llvm::Twine &reason, int64_t threads = 0);
  /// Gives the op another schedule where `condition` holds. Returns false if it
  /// always holds: nothing is left of the choice.
  bool choose(mlir::Value condition, int64_t tileM, int64_t tileN,
              int64_t workers, const llvm::Twine &reason, int64_t threads = 0);

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

  /// Splits keys for `workers` where one tile of `rows` holds the queries of
  /// all heads of a key head, and keys are many. Returns false if that always
  /// is. With 0 threads a workgroup has as many as the kernel's lowering takes.
  bool chooseSplit(int64_t rows, int64_t keys, int64_t workers,
                   int64_t threads = 0);

  mlir::Value constant(int64_t value);
  mlir::Value extent(mlir::Value memref, int dim);
  mlir::Value multiply(mlir::Value x, mlir::Value y);
  mlir::Value atMost(mlir::Value x, mlir::Value y);
  mlir::Value both(mlir::Value x, mlir::Value y);

private:
  void setOn(mlir::Operation *version, int64_t tileM, int64_t tileN,
             int64_t workers, const llvm::Twine &reason, int64_t threads = 0);

  AttentionOp op;
  ScheduleAttr given;
  mlir::ImplicitLocOpBuilder b;
};

/// Gives schedules to all attention ops of a function, which must be on
/// memrefs; returns how many versions have one with a reason then.
mlir::FailureOr<unsigned>
scheduleOps(mlir::Operation *function,
            llvm::function_ref<void(AttentionOp)> schedule);

} // namespace attn

#endif // LIB_CONVERSION_SCHEDULE_H
