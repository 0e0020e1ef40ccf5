//===- RowComputation.cpp - Ops on tiles as loops over elements -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Splats, conversions, maps, reductions and products: a loop nest over the
// elements of one thread each.
//
//===----------------------------------------------------------------------===//

#include "RowLowering.h"

#include "../KernelNames.h"

using namespace mlir;
using namespace attn;
using namespace attn::tile;

void RowLowering::lowerSplat(SplatOp op) {
  if (isOnlyNumber(op))
    return;
  Value buffer = createBuffer(op.getType(), nameTile(op.getResult()));
  Value value = scalars.lookup(op.getValue());
  forEachElement(op.getType(),
                 [&](const Element &e) { store(value, buffer, e.position); });
  define(op.getResult(), buffer);
}

void RowLowering::lowerConvert(ConvertOp op) {
  Value from = buffers[op.getInput()];
  Value to = createBuffer(op.getType(), nameTile(op.getInput()));
  Type type = op.getType().getElementType();
  forEachElement(op.getType(), [&](const Element &e) {
    store(convertFloat(b, load(from, e.position), type), to, e.position);
  });
  define(op.getResult(), to);
}

LogicalResult RowLowering::lowerMap(MapOp op) {
  // A block of values overwrites an operand that nothing reads afterwards; a
  // row statistic is only a value or two and keeps its own name.
  SmallVector<Value> results;
  for (Value result : op.getResults()) {
    auto type = cast<TileType>(result.getType());
    Value buffer;
    for (Value input : op.getInputs())
      if (!buffer && type.getRank() == 2 && input.getType() == type &&
          isLastUse(input, op) && !llvm::is_contained(results, buffers[input]))
        buffer = buffers[input];
    results.push_back(buffer ? buffer : createBuffer(type, nameTile(result)));
  }

  // A domain without a tile of rank 2 visits row statistics only.
  auto [rows, cols] = op.getDomain();
  SmallVector<int64_t> shape{rows};
  if (op.getDomainRank() == 2)
    shape.push_back(cols);
  auto domain = TileType::get(op.getContext(), shape, b.getF32Type());
  LogicalResult status = success();
  forEachElement(domain, [&](const Element &e) {
    for (auto [arg, input] : llvm::zip(op.getElementArgs(), op.getInputs()))
      scalars.map(arg, load(buffers[input],
                            positionOf(cast<TileType>(input.getType()), e)));
    for (auto [k, arg] : llvm::enumerate(op.getIndexArgs())) {
      b.setLoc(named(k ? "j" : "i"));
      scalars.map(arg, fold<arith::AddIOp>(scalars.lookup(op.getOffsets()[k]),
                                           k ? e.col : e.row));
    }
    Block &body = op.getBody().front();
    if (failed(lowerBlock(body))) {
      status = failure();
      return;
    }
    for (auto [value, buffer] :
         llvm::zip(body.getTerminator()->getOperands(), results))
      store(scalars.lookup(value), buffer, e.position);
  });
  for (auto [result, buffer] : llvm::zip(op.getResults(), results))
    define(result, buffer);
  return status;
}

void RowLowering::lowerReduce(ReduceOp op) {
  TileType type = op.getInput().getType();
  RowLayout layout = placement.getRowLayout(type.getRows());
  Value lane = getThreadRow(layout).second;
  Value input = buffers[op.getInput()];
  Value result = takeBuffer(op.getInit(), op, nameTile(op.getResult()), {});
  int64_t cols = layout.getColumns(type.getCols());
  Type element = type.getElementType();
  auto reducePass = [&](Value pass) {
    Value start = load(result, pass);
    // Threads that share a row start with a value that may be combined often.
    Value neutral = start;
    if (op.getKind() == ReduceKind::Sum)
      neutral = arith::ConstantOp::create(b, b.getZeroAttr(element));
    Value partial = layout.lanes > 1 ? neutral : start;
    auto columns = scf::ForOp::create(
        b, named("c"), index(0), index(cols), index(1), partial,
        [&](OpBuilder &, Location, Value k, ValueRange args) {
          Value position =
              fold<arith::AddIOp>(fold<arith::MulIOp>(pass, index(cols)), k);
          Value value = load(input, position);
          if (type.getCols() % layout.lanes) {
            Value col = fold<arith::AddIOp>(
                fold<arith::MulIOp>(k, index(layout.lanes)), lane);
            value = arith::SelectOp::create(b, less(col, index(type.getCols())),
                                            value, neutral);
          }
          scf::YieldOp::create(b, combine(b, op, args.front(), value));
        });
    partial = columns.getResult(0);
    if (layout.lanes > 1) {
      // Partial results are combined in the order of the lanes (rule 19).
      gpu::BarrierOp::create(b);
      store(partial, exchange, thread);
      gpu::BarrierOp::create(b);
      Value first = fold<arith::SubIOp>(thread, lane);
      auto lanes = scf::ForOp::create(
          b, named("c"), index(0),
          index(std::min(layout.lanes, type.getCols())), index(1), start,
          [&](OpBuilder &, Location, Value k, ValueRange args) {
            Value other = load(exchange, fold<arith::AddIOp>(first, k));
            scf::YieldOp::create(b, combine(b, op, args.front(), other));
          });
      partial = lanes.getResult(0);
    }
    store(partial, result, pass);
  };
  if (layout.passes == 1)
    reducePass(index(0));
  else
    loop("pass", index(0), index(layout.passes), index(1), reducePass);
  define(op.getResult(), result);
}

void RowLowering::lowerDot(DotOp op) {
  TileType type = op.getType();
  RowLayout layout = placement.getRowLayout(type.getRows());
  auto [threadRow, lane] = getThreadRow(layout);
  auto start = op.getAcc().getDefiningOp<SplatOp>();
  if (start && !isOnlyNumber(start))
    start = nullptr;
  Value acc =
      start
          ? createBuffer(type, nameTile(op.getResult()))
          : takeBuffer(op.getAcc(), op, nameTile(op.getResult()),
                       {buffers.lookup(op.getA()), buffers.lookup(op.getB())});
  int64_t cols = layout.getColumns(type.getCols());
  TileType aType = op.getA().getType();
  int64_t depth = aType.getShape()[op.getTransposeA() ? 0 : 1];
  bool ownRow = placement.readsOwnRow(op);
  Value end = index(depth);
  // Rows of zeros add nothing; without them the reads need no check.
  auto direct = op.getB().getDefiningOp<LoadOp>();
  if (op.getTransposeB() || placement.getBuffer(op.getB()))
    direct = nullptr;
  if (direct)
    end = fold<arith::MinSIOp>(end, scalars.lookup(direct.getValid()[0]));

  // Element (i, j) of an operand that the threads share.
  auto readShared = [&](Value tile, bool transposed, Value i,
                        Value j) -> Value {
    if (transposed)
      std::swap(i, j);
    if (std::optional<unsigned> buffer = placement.getBuffer(tile)) {
      Value cols = index(cast<TileType>(tile.getType()).getCols());
      Value position = fold<arith::AddIOp>(fold<arith::MulIOp>(i, cols), j);
      return load(workgroupBuffers[*buffer], position);
    }
    auto load = tile.getDefiningOp<LoadOp>();
    return readTileElement(load, i, j, Value(), /*rowIsValid=*/load == direct);
  };
  // Threads past the edge of the tile repeat its last row or column.
  auto within = [&](Value position, int64_t size, bool excess) -> Value {
    return excess ? fold<arith::MinUIOp>(position, index(size - 1)) : position;
  };

  // A register block: `block` columns of one row, so that an element of a is
  // read once for all of them.
  int64_t block = 4;
  while (cols % block)
    block /= 2;
  auto computeBlock = [&, lane = lane](Value pass, Value row, Value k0) {
    SmallVector<Value> positions, columns, sums;
    for (int64_t u = 0; u < block; ++u) {
      Value k = fold<arith::AddIOp>(k0, index(u));
      positions.push_back(
          fold<arith::AddIOp>(fold<arith::MulIOp>(pass, index(cols)), k));
      Value col = fold<arith::AddIOp>(
          fold<arith::MulIOp>(k, index(layout.lanes)), lane);
      columns.push_back(
          within(col, type.getCols(), type.getCols() % layout.lanes != 0));
      sums.push_back(start ? scalars.lookup(start.getValue())
                           : load(acc, positions.back()));
    }
    auto inner = scf::ForOp::create(
        b, named("d"), index(0), end, index(1), sums,
        [&](OpBuilder &, Location, Value d, ValueRange args) {
          Value own =
              ownRow ? load(buffers[op.getA()],
                            fold<arith::AddIOp>(
                                fold<arith::MulIOp>(pass, index(depth)), d))
                     : readShared(op.getA(), op.getTransposeA(), row, d);
          own = widen(own);
          SmallVector<Value> next;
          for (auto [sum, col] : llvm::zip(args, columns)) {
            Value other =
                widen(readShared(op.getB(), op.getTransposeB(), d, col));
            next.push_back(math::FmaOp::create(b, own, other, sum));
          }
          scf::YieldOp::create(b, next);
        });
    for (auto [position, sum] : llvm::zip(positions, inner.getResults()))
      store(sum, acc, position);
  };
  auto computePass = [&, threadRow = threadRow](Value pass) {
    Value row = fold<arith::AddIOp>(
        fold<arith::MulIOp>(pass, index(layout.rowsAtOnce)), threadRow);
    row = within(row, type.getRows(), layout.hasExcessRows(type.getRows()));
    if (cols == block)
      return computeBlock(pass, row, index(0));
    loop("c", index(0), index(cols), index(block),
         [&](Value k0) { computeBlock(pass, row, k0); });
  };
  if (layout.passes == 1)
    computePass(index(0));
  else
    loop("pass", index(0), index(layout.passes), index(1), computePass);
  define(op.getResult(), acc);
}
