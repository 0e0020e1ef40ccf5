//===- RegionVectorizer.h - Map regions on vectors of rows ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Turns the scalar region of a tile.map into vector code in which each lane is
// a row (a query) and the column (a key) is uniform, or the other way round.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_TILETOCPU_REGIONVECTORIZER_H
#define LIB_CONVERSION_TILETOCPU_REGIONVECTORIZER_H

#include "attn/Analysis/IndexRanges.h"
#include "attn/Dialect/Tile/Tile.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"

namespace attn {

/// Vectorises one map region for `lanes` consecutive rows or columns.
class RegionVectorizer {
public:
  RegionVectorizer(mlir::OpBuilder &builder, unsigned lanes,
                   IndexRanges &ranges)
      : b(builder), lanes(lanes), ranges(ranges) {}

  /// Emits the region of `map` for `row` and `col` (null if the map has rank
  /// 1), one of which, `laneDim`, is that of the first lane; those of the
  /// others follow. `elements` are the operands' vectors. Returns one vector a
  /// result, or failure with a diagnostic.
  mlir::FailureOr<llvm::SmallVector<mlir::Value>>
  run(tile::MapOp map, mlir::ValueRange elements, mlir::Value row,
      mlir::Value col, unsigned laneDim);

private:
  bool isVarying(mlir::Value value) const { return varying.contains(value); }
  /// Type of a lane that holds a value of `value`'s type.
  mlir::Type laneType(mlir::Value value);
  mlir::VectorType vectorOf(mlir::Type element);
  /// `value` as a vector with elements of type `element`.
  mlir::Value asVector(mlir::Value value, mlir::Type element);
  mlir::Value resize(mlir::Value vector, mlir::Type element);
  mlir::LogicalResult visitBlock(mlir::Block &block);
  mlir::LogicalResult visit(mlir::Operation *op);
  mlir::LogicalResult visitIf(mlir::Operation *op);
  mlir::LogicalResult visitLoad(mlir::Operation *op);
  mlir::LogicalResult visitIntCast(mlir::Operation *op);
  mlir::LogicalResult visitElementwise(mlir::Operation *op);

  mlir::OpBuilder &b;
  unsigned lanes;
  IndexRanges &ranges;
  /// Varying region values to vectors; uniform ones to scalars.
  llvm::DenseMap<mlir::Value, mlir::Value> varying, uniform;
};

} // namespace attn

#endif // LIB_CONVERSION_TILETOCPU_REGIONVECTORIZER_H
