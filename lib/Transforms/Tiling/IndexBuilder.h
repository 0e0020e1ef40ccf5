//===- IndexBuilder.h - Arithmetic of builders of tiles ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Index arithmetic at one location, folded where sizes are static, and the
// constants of softmax.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_TRANSFORMS_TILING_INDEXBUILDER_H
#define ATTN_LIB_TRANSFORMS_TILING_INDEXBUILDER_H

#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn::tiling {

struct IndexBuilder {
  mlir::ImplicitLocOpBuilder &b;

  mlir::Value constant(int64_t value) {
    return mlir::arith::ConstantIndexOp::create(b, value);
  }
  mlir::Value add(mlir::Value x, mlir::Value y) {
    return b.createOrFold<mlir::arith::AddIOp>(x, y);
  }
  mlir::Value sub(mlir::Value x, mlir::Value y) {
    return b.createOrFold<mlir::arith::SubIOp>(x, y);
  }
  mlir::Value mul(mlir::Value x, int64_t y) { return mul(x, constant(y)); }
  mlir::Value mul(mlir::Value x, mlir::Value y) {
    return b.createOrFold<mlir::arith::MulIOp>(x, y);
  }
  mlir::Value div(mlir::Value x, mlir::Value y) {
    return b.createOrFold<mlir::arith::DivSIOp>(x, y);
  }
  mlir::Value divUnsigned(mlir::Value x, mlir::Value y) {
    return b.createOrFold<mlir::arith::DivUIOp>(x, y);
  }
  mlir::Value remUnsigned(mlir::Value x, mlir::Value y) {
    return b.createOrFold<mlir::arith::RemUIOp>(x, y);
  }
  mlir::Value ceilDiv(mlir::Value x, int64_t y) {
    return b.createOrFold<mlir::arith::CeilDivSIOp>(x, constant(y));
  }
  mlir::Value min(mlir::Value x, mlir::Value y) {
    return b.createOrFold<mlir::arith::MinSIOp>(x, y);
  }
  mlir::Value max(mlir::Value x, mlir::Value y) {
    return b.createOrFold<mlir::arith::MaxSIOp>(x, y);
  }
  mlir::Value dim(mlir::Value memref, int64_t d) {
    return b.createOrFold<mlir::memref::DimOp>(memref, d);
  }
  /// An integer as a signed index.
  mlir::Value cast(mlir::Value x) {
    if (x.getType().isIndex())
      return x;
    return b.createOrFold<mlir::arith::IndexCastOp>(b.getIndexType(), x);
  }
  /// An integer, or the element of this batch.
  mlir::Value perBatch(mlir::Value x, mlir::Value batch) {
    if (mlir::isa<mlir::MemRefType>(x.getType()))
      x = mlir::memref::LoadOp::create(b, x, batch);
    return cast(x);
  }
};

inline mlir::Type elementOf(mlir::Value memref) {
  return mlir::cast<mlir::MemRefType>(memref.getType()).getElementType();
}

/// Dimension `order[k]` of the storage becomes dimension k of the result.
mlir::Value permute(mlir::ImplicitLocOpBuilder &b, mlir::Value memref,
                    llvm::ArrayRef<unsigned> order);

/// Memory of f32 with these sizes.
mlir::Value allocateF32(mlir::ImplicitLocOpBuilder &b,
                        llvm::ArrayRef<mlir::OpFoldResult> sizes);

} // namespace attn::tiling

#endif // ATTN_LIB_TRANSFORMS_TILING_INDEXBUILDER_H
