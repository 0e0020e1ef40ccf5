//===- Products.cpp - Products with rows on lanes -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A product is a sum of outer products: vectors of rows times broadcast
// columns, accumulated in registers.
//
//===----------------------------------------------------------------------===//

#include "KernelLowering.h"

#include "mlir/Dialect/X86Vector/X86VectorDialect.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace attn;
using namespace attn::cpu;
using namespace attn::tile;

/// The element vector of `tile` at (row.., col).
FailureOr<Value> KernelLowering::elementOf(Value tile, Value row, Value col) {
  Place &place = places[tile];
  if (place.kind == Place::Splat)
    return splatVector(place.scalar);
  FailureOr<Value> buffer = lanesBuffer(tile);
  if (failed(buffer))
    return failure();
  // With columns on the lanes, they share what a row has one of.
  if (lanes == LaneDim::Columns && col &&
      cast<TileType>(tile.getType()).getRank() == 1)
    return splatVector(memref::LoadOp::create(b, *buffer, row));
  return loadVector(*buffer, row, col);
}

FailureOr<Value> KernelLowering::accumulatorInit(DotOp dot, Value row,
                                                 Value col) {
  auto map = dot.getAcc().getDefiningOp<MapOp>();
  if (!map || !getProductOfPrologue(map))
    return elementOf(dot.getAcc(), row, col);
  DenseMap<Value, Value> values;
  FailureOr<SmallVector<Value>> results = emitElement(map, values, row, col);
  if (failed(results))
    return failure();
  return (*results)[0];
}

/// The element of the right operand for a column of the result and the k-th
/// element of the sum.
Value KernelLowering::rightElement(DotOp dot, const Place &right, Value column,
                                   Value k) {
  Value row = dot.getTransposeB() ? column : k;
  Value col = dot.getTransposeB() ? k : column;
  // A computed tile lies as [col][row].
  if (right.kind != Place::Memory)
    return memref::LoadOp::create(b, right.buffer, ValueRange{col, row});
  SmallVector<Value> at(right.leading);
  at.append({add(right.row, row), add(right.col, col)});
  return memref::LoadOp::create(b, right.buffer, at);
}

/// The values of the next tile, for a product with those of this one: what is
/// read column by column is too far apart for a processor to foresee. Keys are
/// read row by row.
std::optional<KernelLowering::Lookahead>
KernelLowering::findNextValues(DotOp dot) {
  auto loop = dot->getParentOfType<scf::ForOp>();
  std::optional<Lookahead> next = findLookahead(dot);
  if (!next || dot.getTransposeB() || next->load->getBlock() != loop.getBody())
    return std::nullopt;
  return next;
}

/// Adds to the sums of a block, from a vector of its rows on, the products for
/// a range of the depth: a[k][row] * right.
SmallVector<Value> KernelLowering::emitOuterProducts(
    DotOp dot, const Place &a, const Place &right, const OuterBlock &block,
    unsigned firstVector, std::pair<Value, Value> depth, ArrayRef<Value> sums) {
  SmallVector<Value> columns, inits;
  for (unsigned c = 0; c < block.cols; ++c) {
    columns.push_back(add(block.col, index(c)));
    llvm::append_range(
        inits,
        sums.slice(c * block.vectors, block.vectors).drop_front(firstVector));
  }
  bool pairs = a.kind == Place::Pairs;
  std::optional<Lookahead> nextValues;
  if (!pairs && firstVector == 0 && block.cols > 1)
    nextValues = findNextValues(dot);
  auto loop = scf::ForOp::create(b, depth.first, depth.second, index(1), inits);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value k = loop.getInductionVar();
    prefetch(nextValues, k, block.col, /*cols=*/1);
    SmallVector<Value> left, products;
    for (unsigned v = firstVector; v < block.vectors; ++v) {
      Value row = add(block.row, index(v * regs.lanes));
      left.push_back(pairs ? loadPairVector(a.buffer, row, k)
                           : loadVector(a.buffer, row, k));
    }
    for (Value column : columns) {
      Value broadcast = pairs
                            ? splatPair(dot, right, column, k)
                            : splatVector(rightElement(dot, right, column, k));
      for (Value vector : left) {
        Value sum = loop.getRegionIterArg(products.size());
        products.push_back(
            pairs ? x86vector::DotBF16Op::create(b, sum.getType(), sum, vector,
                                                 broadcast)
                        .getResult()
                  : vector::FMAOp::create(b, vector, broadcast, sum));
      }
    }
    scf::YieldOp::create(b, products);
  }
  SmallVector<Value> all(sums);
  unsigned vectors = block.vectors - firstVector;
  for (unsigned c = 0; c < block.cols; ++c)
    for (unsigned v = 0; v < vectors; ++v)
      all[c * block.vectors + firstVector + v] =
          loop.getResult(c * vectors + v);
  return all;
}

/// Where the keys of a block's first vectors of rows end, of one, of two and so
/// on: of scores a column, of their weights a step of the sum. Nothing if a
/// mask does not say so.
SmallVector<Value> KernelLowering::findEndsOfVectors(DotOp dot, const Place &a,
                                                     const OuterBlock &block) {
  SmallVector<Value> ends;
  for (unsigned count = 1; count < block.vectors; ++count) {
    Value end = findEndOfRows(dot, block.row, count * regs.lanes);
    if (!end)
      break;
    if (!dot.getTransposeB()) {
      if (a.kind == Place::Pairs)
        end = arith::CeilDivSIOp::create(b, end, index(2));
      end = arith::MinSIOp::create(b, arith::MaxSIOp::create(b, end, index(0)),
                                   block.depth);
    }
    ends.push_back(end);
  }
  return ends;
}

/// The products of a block of scores, without those of its first vectors of
/// rows that have no key in it.
SmallVector<Value> KernelLowering::emitScoresUntilEnds(
    DotOp dot, const Place &a, const Place &right, const OuterBlock &block,
    unsigned firstVector, ArrayRef<Value> sums) {
  auto multiply = [&] {
    return emitOuterProducts(dot, a, right, block, firstVector,
                             {index(0), block.depth}, sums);
  };
  if (firstVector == block.ends.size() || block.cols == 1)
    return multiply();
  Value isInside = arith::CmpIOp::create(b, arith::CmpIPredicate::slt,
                                         block.col, block.ends[firstVector]);
  auto branch = scf::IfOp::create(b, ValueRange(sums).getTypes(), isInside,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(b, multiply());
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(
      b, emitScoresUntilEnds(dot, a, right, block, firstVector + 1, sums));
  return llvm::to_vector_of<Value>(branch.getResults());
}

/// One block: acc + sum over k of a[k][row] * right. Products that a mask
/// leaves out for vectors of rows are not computed for these.
LogicalResult KernelLowering::emitBlock(DotOp dot, const Place &a,
                                        const Place &right,
                                        const OuterBlock &block,
                                        FinishBlock finish) {
  SmallVector<Value> rows, columns, sums;
  for (unsigned v = 0; v < block.vectors; ++v)
    rows.push_back(add(block.row, index(v * regs.lanes)));
  for (unsigned c = 0; c < block.cols; ++c)
    columns.push_back(add(block.col, index(c)));
  for (Value column : columns)
    for (Value row : rows) {
      FailureOr<Value> init = accumulatorInit(dot, row, column);
      if (failed(init))
        return failure();
      sums.push_back(*init);
    }
  if (dot.getTransposeB()) {
    sums = emitScoresUntilEnds(dot, a, right, block, /*firstVector=*/0, sums);
  } else {
    Value begin = index(0);
    for (unsigned first = 0; first <= block.ends.size(); ++first) {
      Value end = first < block.ends.size() ? block.ends[first] : block.depth;
      sums = emitOuterProducts(dot, a, right, block, first, {begin, end}, sums);
      begin = end;
    }
  }
  return finish(rows, columns, sums);
}

/// With `finish`, that takes the product, which is not stored.
LogicalResult KernelLowering::lowerDot(DotOp dot, FinishBlock finish) {
  if (dot.getTransposeA())
    return dot.emitOpError("with transpose_a has no CPU lowering");
  if (usesTileRegisters)
    return lowerRegisterProduct(dot);
  Place a = places[dot.getA()];
  if (a.kind != Place::Pairs) {
    FailureOr<Value> left = lanesBuffer(dot.getA());
    if (failed(left))
      return failure();
    a = Place();
    a.buffer = *left;
  }
  Place right = places[dot.getB()];
  if (right.kind == Place::Splat) {
    FailureOr<Value> buffer = lanesBuffer(dot.getB());
    if (failed(buffer))
      return failure();
    right = Place();
    right.buffer = *buffer;
  }
  if (lanes == LaneDim::Columns)
    return lowerRowProducts(dot, a, right);
  if (finish)
    return lowerOuterProducts(dot, a, right, finish);
  Value out = outputBuffer(dot.getResult(), dot);
  places[dot.getResult()].buffer = out;
  return lowerOuterProducts(
      dot, a, right,
      [&](ArrayRef<Value> rows, ArrayRef<Value> columns, ValueRange sums) {
        for (auto [c, column] : llvm::enumerate(columns))
          for (auto [v, row] : llvm::enumerate(rows))
            storeVector(sums[c * rows.size() + v], out, row, column);
        return success();
      });
}

LogicalResult KernelLowering::lowerOuterProducts(DotOp dot, const Place &a,
                                                 const Place &right,
                                                 FinishBlock finish) {
  TileType type = dot.getResult().getType();
  int64_t rows = type.getRows(), cols = type.getCols();
  int64_t depth = dot.getA().getType().getCols();
  Value depthEnd = index(depth);
  Value colEnd;
  if (right.validRows && !dot.getTransposeB())
    depthEnd = right.validRows;
  if (right.validRows && dot.getTransposeB())
    colEnd = right.validRows;
  if (a.kind == Place::Pairs)
    depthEnd = b.createOrFold<arith::CeilDivUIOp>(depthEnd, index(2));

  unsigned vectors = std::min<int64_t>(regs.vectors, rows / regs.lanes);
  while ((rows / regs.lanes) % vectors)
    --vectors;
  int64_t blockRows = vectors * regs.lanes;
  return tryForRange(index(0), index(rows), blockRows, [&](Value row) {
    OuterBlock block{row, vectors, depthEnd};
    block.ends = findEndsOfVectors(dot, a, block);
    auto emitColumns = [&](Value begin, Value end, unsigned blockCols) {
      block.cols = blockCols;
      return tryForRange(begin, end, blockCols, [&](Value col) {
        block.col = col;
        return emitBlock(dot, a, right, block, finish);
      });
    };
    unsigned blockCols = regs.getCols(vectors);
    if (!colEnd) {
      int64_t whole = cols / blockCols * blockCols;
      if (whole && failed(emitColumns(index(0), index(whole), blockCols)))
        return failure();
      if (whole == cols)
        return success();
      block.col = index(whole);
      block.cols = cols - whole;
      return emitBlock(dot, a, right, block, finish);
    }
    // Whole blocks first, then smaller ones, then single columns.
    llvm::SaveAndRestore known(knownKeys, {dot, /*areThere=*/true});
    Value begin = index(0);
    for (; blockCols > 1; blockCols = blockCols > 6 ? 6 : 1) {
      // Of the columns that are left: 6 does not divide each larger block.
      Value left = b.createOrFold<arith::SubIOp>(colEnd, begin);
      Value end = arith::SubIOp::create(
          b, colEnd, arith::RemUIOp::create(b, left, index(blockCols)));
      if (failed(emitColumns(begin, end, blockCols)))
        return failure();
      begin = end;
    }
    if (failed(emitColumns(begin, colEnd, 1)))
      return failure();
    // Columns without keys: the product of zero rows is the accumulator.
    knownKeys.areThere = false;
    return tryForRange(colEnd, index(cols), 1, [&](Value col) {
      SmallVector<Value> rows, inits;
      for (unsigned v = 0; v < vectors; ++v) {
        rows.push_back(add(row, index(v * regs.lanes)));
        FailureOr<Value> init = accumulatorInit(dot, rows.back(), col);
        if (failed(init))
          return failure();
        inits.push_back(*init);
      }
      return finish(rows, col, inits);
    });
  });
}
