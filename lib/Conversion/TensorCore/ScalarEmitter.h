//===- ScalarEmitter.h - Scalar code of a tile kernel -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Clones the scalar ops of a kernel and of map regions for one thread. An index
// is an i64. One that is cast from i32 (tile-narrow-indices) is kept as that
// and extended where a use needs it. Addresses are computed in 64 bits.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_TENSORCORE_SCALAREMITTER_H
#define LIB_CONVERSION_TENSORCORE_SCALAREMITTER_H

#include "Emitter.h"
#include "Structure.h"

namespace attn::tensorcore {

/// Whether emitScalarOp can lower `op`.
bool isScalarOp(Operation *op);

using Lookup = llvm::function_ref<Value(Value)>;

/// Emits `op` on the values that `lookup` finds for its operands.
Values emitScalarOp(Emitter &emit, Operation *op, Lookup lookup);

/// The size or stride `value`.
Value emitIndex(Emitter &emit, mlir::OpFoldResult value, Lookup lookup);

/// The 64-bit element offset of `indices` in a view.
Value emitOffset(Emitter &emit, const View &view, ValueRange indices,
                 Lookup lookup);

/// What the source values of one program point have become. Looks outwards.
class Scope {
public:
  Scope(Emitter &emit, Scope *parent) : emit(emit), parent(parent) {}

  void bind(Value source, Value emitted) { values[source] = emitted; }
  /// The emitted value; emits the ops it needs at the insertion point.
  Value get(Value source);
  Values get(ValueRange sources);
  /// A position in a tensor, a number of rows or of tiles, as an i32: an index
  /// that is narrow, or Structure had refused the kernel.
  Value getPosition(Value source);
  Values getPositions(ValueRange sources);
  /// The emitted value, null if there is none yet.
  Value find(Value source);
  /// Emits `op` now if it is scalar.
  void emitScalar(Operation *op);

private:
  Emitter &emit;
  Scope *parent;
  llvm::DenseMap<Value, Value> values;
};

/// Whether row `row` of a tile is read, where `load` leaves out rows.
Value emitRowCounts(Emitter &emit, tile::LoadOp load, Value row, Scope &scope);

/// Key tile number `position` of `ranges`.
struct KeyTile {
  Value tile, full, visit; // i32, i1, i1
};
Value emitRangeCount(Emitter &emit, tile::RangesOp ranges, Scope &scope);
/// Without the predicate of `ranges`: nothing is excluded.
KeyTile emitRangeAt(Emitter &emit, tile::RangesOp ranges, Value position,
                    Scope &scope);
/// Lets the predicate, if there is one, say what to visit and what is full.
void emitPredicate(tile::RangesOp ranges, KeyTile &tile, Emitter &emit,
                   Scope &scope);

} // namespace attn::tensorcore

#endif // LIB_CONVERSION_TENSORCORE_SCALAREMITTER_H
