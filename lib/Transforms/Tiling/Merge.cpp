//===- Merge.cpp - attn.merge as a grid of tiles --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See Merge.h.
//
//===----------------------------------------------------------------------===//

#include "Merge.h"

#include "Addresses.h"
#include "RowState.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace attn;
using namespace attn::tiling;
using tile::TileType;

/// The weights exp(lse_k - lse) of two states and their common lse. Two empty
/// states have weights 0 and lse -inf (rule 18).
static SmallVector<Value> mergeStates(OpBuilder &b, Location loc, Value lse1,
                                      Value lse2) {
  Value m = arith::MaximumFOp::create(b, loc, lse1, lse2);
  Value safe = zeroIfNegInf(b, loc, m);
  auto weight = [&](Value lse) {
    return exponential(b, loc, arith::SubFOp::create(b, loc, lse, safe));
  };
  Value e1 = weight(lse1), e2 = weight(lse2);
  Value sum = arith::AddFOp::create(b, loc, e1, e2);
  Value empty = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, m,
                                      negInf(b, loc));
  Value divisor =
      arith::SelectOp::create(b, loc, empty, constantF32(b, loc, 1.0), sum);
  Value log =
      arith::AddFOp::create(b, loc, m, math::LogOp::create(b, loc, sum));
  return {arith::DivFOp::create(b, loc, e1, divisor),
          arith::DivFOp::create(b, loc, e2, divisor),
          arith::SelectOp::create(b, loc, empty, negInf(b, loc), log)};
}

LogicalResult attn::tiling::tileMerge(MergeOp op, int64_t tileM) {
  if (!op.getResults().empty())
    return op.emitOpError("is on tensors; bufferize it first");
  ImplicitLocOpBuilder b(op.getLoc(), op);
  IndexBuilder ib{b};
  Value o1 = op.getO1(), out = op.getInits()[0];
  int64_t size = cast<MemRefType>(o1.getType()).getDimSize(3);
  if (ShapedType::isDynamic(size))
    return op.emitOpError("the head size of o1 must be static (rule 3)");
  Value length = ib.dim(o1, 2), zero = ib.constant(0);
  SmallVector<OpFoldResult> grid = {
      getAsOpFoldResult(ib.dim(o1, 0)), getAsOpFoldResult(ib.dim(o1, 1)),
      getAsOpFoldResult(ib.ceilDiv(length, tileM))};
  auto forall = scf::ForallOp::create(b, grid, ValueRange{}, std::nullopt);
  b.setInsertionPointToStart(forall.getBody());
  SmallVector<Value> point(forall.getInductionVars());
  Value row = ib.mul(point[2], tileM), columns = ib.constant(size);
  AddressMap rows;
  rows.leading = {point[0], point[1]};
  rows.valid = length;

  auto load = [&](Value memref) -> Value {
    bool block = cast<MemRefType>(memref.getType()).getRank() == 4;
    SmallVector<int64_t> shape = {tileM};
    if (block)
      shape.push_back(std::max<int64_t>(size, 1));
    auto type = TileType::get(b.getContext(), shape, elementOf(memref));
    Value loaded = block ? rows.load(b, type, memref, row, zero, columns)
                         : rows.load(b, type, memref, row);
    if (type.getElementType().isF32())
      return loaded;
    return tile::ConvertOp::create(b, type.withElementType(b.getF32Type()),
                                   loaded);
  };
  Value l1 = load(op.getLse1()), l2 = load(op.getLse2());
  SmallVector<Type> statTypes(3, l1.getType());
  auto stats = tile::MapOp::create(
      b, statTypes, ValueRange{l1, l2}, ValueRange{row},
      [](OpBuilder &nb, Location loc, ValueRange x, ValueRange) {
        return mergeStates(nb, loc, x[0], x[1]);
      });
  Value t1 = load(op.getO1()), t2 = load(op.getO2());
  Value result = tile::MapOp::create(
                     b, TypeRange{t1.getType()},
                     ValueRange{t1, t2, stats.getResult(0), stats.getResult(1)},
                     ValueRange{row, zero},
                     [](OpBuilder &nb, Location loc, ValueRange x,
                        ValueRange) -> SmallVector<Value> {
                       Value first = arith::MulFOp::create(nb, loc, x[0], x[2]);
                       Value second =
                           arith::MulFOp::create(nb, loc, x[1], x[3]);
                       return {arith::AddFOp::create(nb, loc, first, second)};
                     })
                     .getResult(0);
  if (Type element = elementOf(out); !element.isF32())
    result = tile::ConvertOp::create(
        b, cast<TileType>(result.getType()).withElementType(element), result);
  rows.store(b, result, out, row, zero, columns);
  if (op.getInits().size() > 1)
    rows.store(b, stats.getResult(2), op.getInits()[1], row);
  op.erase();
  return success();
}
