//===- RowProducts.cpp - Products with columns on lanes -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products of few rows, where K and V are most of what is read. The rows of a
// block share every vector of a key or value, which is widened in registers; a
// score is the sum of the lanes of an accumulator, and a row of the result a
// sum of weighted values. Rows that are read next are prefetched.
//
//===----------------------------------------------------------------------===//

#include "KernelLowering.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace attn;
using namespace attn::cpu;
using namespace attn::tile;

static constexpr int64_t kCacheLineBytes = 64;

//===----------------------------------------------------------------------===//
// The right operand
//===----------------------------------------------------------------------===//

/// Subscript of element (row, 0).
SmallVector<Value> KernelLowering::rightSubscript(const Place &right,
                                                  Value row) {
  SmallVector<Value> at(right.leading);
  if (right.kind != Place::Memory) {
    at.append({row, index(0)});
    return at;
  }
  if (right.pages) {
    auto lookUp = [&](Value buffer) -> Value {
      Value found = memref::LoadOp::create(b, buffer, row);
      return arith::IndexCastOp::create(b, b.getIndexType(), found);
    };
    at.insert(at.begin(), lookUp(right.pages));
    row = lookUp(right.pageRows);
  } else {
    row = add(right.row, row);
  }
  at.append({row, right.col});
  return at;
}

/// A vector of a row, as f32.
Value KernelLowering::loadRight(const Place &right, ArrayRef<Value> rowStart,
                                Value col) {
  SmallVector<Value> at(rowStart);
  at.back() = add(at.back(), col);
  Type element = cast<MemRefType>(right.buffer.getType()).getElementType();
  auto type = vectorType(regs.lanes).clone(element);
  Value loaded =
      vector::LoadOp::create(b, cast<VectorType>(type), right.buffer, at);
  if (element.isF32())
    return loaded;
  return arith::ExtFOp::create(b, vectorType(regs.lanes), loaded);
}

/// Whether vectors of a right operand are loaded two at a time: two numbers of
/// bf16 are 32 bits, of which each is the f32 of one number and 16 bits that a
/// shift or a mask clears. That is two instructions for two vectors, where
/// widening each takes four, but parts columns: even ones come first, then odd
/// ones.
bool KernelLowering::partsColumns(const Place &right, int64_t cols) {
  Type element = cast<MemRefType>(right.buffer.getType()).getElementType();
  return element.isBF16() && cols % (2 * int64_t(regs.lanes)) == 0;
}

/// The even and the odd columns of two vectors of a row, as f32.
std::array<Value, 2> KernelLowering::loadParted(const Place &right,
                                                ArrayRef<Value> rowStart,
                                                Value col) {
  SmallVector<Value> at(rowStart);
  at.back() = add(at.back(), col);
  int64_t lanes = regs.lanes;
  Value loaded = vector::LoadOp::create(
      b, VectorType::get({2 * lanes}, b.getBF16Type()), right.buffer, at);
  auto bitsType = VectorType::get({lanes}, b.getI32Type());
  Value bits = vector::BitCastOp::create(b, bitsType, loaded);
  auto constant = [&](uint32_t value) -> Value {
    return arith::ConstantOp::create(
        b, DenseElementsAttr::get(bitsType, APInt(32, value)));
  };
  auto asFloats = [&](Value vector) -> Value {
    return arith::BitcastOp::create(b, vectorType(regs.lanes), vector);
  };
  return {asFloats(arith::ShLIOp::create(b, bits, constant(16))),
          asFloats(arith::AndIOp::create(b, bits, constant(0xffff0000)))};
}

/// Two neighbouring vectors as their even and their odd elements, and back.
static std::array<Value, 2> part(ImplicitLocOpBuilder &b, Value first,
                                 Value second) {
  int64_t lanes = cast<VectorType>(first.getType()).getNumElements();
  SmallVector<int64_t> even, odd;
  for (int64_t k = 0; k < lanes; ++k) {
    even.push_back(2 * k);
    odd.push_back(2 * k + 1);
  }
  return {vector::ShuffleOp::create(b, first, second, even),
          vector::ShuffleOp::create(b, first, second, odd)};
}

static std::array<Value, 2> join(ImplicitLocOpBuilder &b, Value even,
                                 Value odd) {
  int64_t lanes = cast<VectorType>(even.getType()).getNumElements();
  SmallVector<int64_t> lanesOf[2];
  for (int64_t k = 0; k < 2 * lanes; ++k)
    lanesOf[k / lanes].push_back(k / 2 + k % 2 * lanes);
  return {vector::ShuffleOp::create(b, even, odd, lanesOf[0]),
          vector::ShuffleOp::create(b, even, odd, lanesOf[1])};
}

/// A copy of so many rows of a left operand, with the columns of each two
/// vectors parted.
Value KernelLowering::partColumns(Value left, const RowBlock &block,
                                  int64_t cols) {
  Value copy = allocate({int64_t(block.rows), cols}, b.getF32Type());
  Value lanes = index(regs.lanes);
  forRange(index(0), index(cols), 2 * int64_t(regs.lanes), [&](Value col) {
    Value next = add(col, lanes);
    for (unsigned r = 0; r < block.rows; ++r) {
      Value row = add(block.start, index(r));
      auto [even, odd] =
          part(b, loadVector(left, row, col), loadVector(left, row, next));
      storeVector(even, copy, index(r), col);
      storeVector(odd, copy, index(r), next);
    }
  });
  return copy;
}

/// The rows of the right operand that the next iterations of the loop around
/// the product read. Null where they are not known.
std::optional<KernelLowering::Lookahead>
KernelLowering::findLookahead(DotOp dot) {
  auto load = dot.getB().getDefiningOp<LoadOp>();
  if (!load || !dot->getParentOfType<scf::ForOp>() || load.getPageTable() ||
      !isContiguous(load.getSource()))
    return std::nullopt;
  return Lookahead{load, load.getType().getRows()};
}

/// Whether a value is computed before an op is reached.
static bool isKnownAt(Value value, Operation *op) {
  Operation *place = value.getParentBlock()->findAncestorOpInBlock(*op);
  Operation *definition = value.getDefiningOp();
  return place && (!definition || definition->isBeforeInBlock(place));
}

/// What is read between two products is on its way while the first one is
/// computed: the values of a tile while its keys are multiplied, and the keys
/// of the next tile while its values are. So memory always has to do, and what
/// is asked for lies in L1 if both have room there.
std::optional<KernelLowering::Lookahead>
KernelLowering::findOtherProduct(DotOp dot) {
  auto loop = dot->getParentOfType<scf::ForOp>();
  if (!loop)
    return std::nullopt;
  std::optional<Lookahead> found;
  loop->walk([&](DotOp other) {
    if (other.getTransposeB() == dot.getTransposeB() ||
        !(found = findLookahead(other)))
      return WalkResult::advance();
    if (dot.getTransposeB())
      found->rowsAhead = 0;
    if (!llvm::all_of(found->load->getOperands(),
                      [&](Value operand) { return isKnownAt(operand, dot); }))
      found = std::nullopt;
    return WalkResult::interrupt();
  });
  if (!found)
    return std::nullopt;
  TileType tile = found->load.getType();
  int64_t elementBits = cast<MemRefType>(found->load.getSource().getType())
                            .getElementTypeBitWidth();
  int64_t bytes = tile.getRows() * tile.getCols() * elementBits / 8;
  found->toL1 = 2 * bytes <= regs.l1Bytes * 3 / 4;
  return found;
}

/// Asks for so many columns, or all, of a row that is read later.
void KernelLowering::prefetch(const std::optional<Lookahead> &next, Value row,
                              Value col, std::optional<int64_t> cols) {
  if (!next)
    return;
  LoadOp load = next->load;
  Value memory = load.getSource();
  auto type = cast<MemRefType>(memory.getType());
  SmallVector<Value> at(load.getIndices());
  Value &memoryRow = at[at.size() - 2];
  memoryRow = add(memoryRow, add(row, index(next->rowsAhead)));
  // Rows of this tile are all there.
  if (next->rowsAhead) {
    Value rows = b.createOrFold<memref::DimOp>(memory, type.getRank() - 2);
    memoryRow = min(memoryRow, add(rows, index(-1)));
  }
  Value start = add(at.back(), col);
  int64_t line = kCacheLineBytes * 8 / type.getElementTypeBitWidth();
  int64_t end = cols.value_or(load.getType().getCols());
  for (int64_t offset = 0; offset < end; offset += line) {
    at.back() = add(start, index(offset));
    memref::PrefetchOp::create(b, memory, at, /*isWrite=*/false,
                               /*localityHint=*/next->toL1 ? 3 : 2,
                               /*isDataCache=*/true);
  }
}

//===----------------------------------------------------------------------===//
// Scores: sums over columns of both operands
//===----------------------------------------------------------------------===//

/// Sums or maxima of the lanes of vectors, of as many as a vector has lanes at
/// most: lane i is that of vector i. Each step combines neighbours and halves
/// how many vectors there are: elements of 128 bits first, then those.
Value KernelLowering::combineLanes(ReduceKind kind, ArrayRef<Value> vectors) {
  constexpr int64_t blockLanes = 4;
  int64_t lanes = regs.lanes;
  SmallVector<Value> sums(vectors);
  auto addNeighbours = [&](int64_t unit, int64_t span) {
    SmallVector<int64_t> even, odd;
    for (int64_t base = 0; base < lanes; base += span)
      for (int64_t from : {base, lanes + base})
        for (int64_t at = from; at < from + span; at += 2 * unit)
          for (int64_t k = 0; k < unit; ++k) {
            even.push_back(at + k);
            odd.push_back(at + unit + k);
          }
    SmallVector<Value> halved;
    for (size_t k = 0; k < sums.size(); k += 2) {
      Value x = sums[k], y = sums[std::min(k + 1, sums.size() - 1)];
      halved.push_back(combine(kind, vector::ShuffleOp::create(b, x, y, odd),
                               vector::ShuffleOp::create(b, x, y, even)));
    }
    sums = std::move(halved);
  };
  for (int64_t left = blockLanes; left > 1; left /= 2)
    addNeighbours(/*unit=*/1, blockLanes);
  for (int64_t left = lanes / blockLanes; left > 1; left /= 2)
    addNeighbours(blockLanes, lanes);
  return sums.front();
}

/// The products of rows and keys, lane by lane: those of the first row first.
SmallVector<Value> KernelLowering::sumProducts(DotOp dot, Value left,
                                               ArrayRef<Value> rows,
                                               const Place &right,
                                               ArrayRef<Value> keys) {
  int64_t depth = dot.getA().getType().getCols();
  int64_t whole = depth / regs.lanes * regs.lanes;
  auto keyStarts = llvm::map_to_vector(
      keys, [&](Value key) { return rightSubscript(right, key); });
  bool isParted = partsColumns(right, depth);
  int64_t step = isParted ? 2 * int64_t(regs.lanes) : regs.lanes;
  auto multiply = [&](Value at, ValueRange before, Value mask) {
    Value zero = splatVector(zeroF32());
    auto valid = [&](Value vector) -> Value {
      return mask ? arith::SelectOp::create(b, mask, vector, zero) : vector;
    };
    SmallVector<std::array<Value, 2>> keyVectors;
    for (ArrayRef<Value> start : keyStarts) {
      if (isParted)
        keyVectors.push_back(loadParted(right, start, at));
      else
        keyVectors.push_back({valid(loadRight(right, start, at)), Value()});
    }
    SmallVector<Value> sums(before);
    for (int64_t half = 0; half * regs.lanes < step; ++half) {
      auto *sum = sums.begin();
      Value col = add(at, index(half * regs.lanes));
      for (Value row : rows) {
        Value query = valid(loadVector(left, row, col));
        for (const std::array<Value, 2> &key : keyVectors) {
          *sum = vector::FMAOp::create(b, query, key[half], *sum);
          ++sum;
        }
      }
    }
    return sums;
  };
  SmallVector<Value> sums(rows.size() * keys.size(), splatVector(zeroF32()));
  if (whole) {
    auto loop =
        scf::ForOp::create(b, index(0), index(whole), index(step), sums);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    SmallVector<Value> next =
        multiply(loop.getInductionVar(), loop.getRegionIterArgs(), Value());
    scf::YieldOp::create(b, next);
    sums = llvm::to_vector_of<Value>(loop.getResults());
  }
  if (whole == depth)
    return sums;
  SmallVector<bool> inside(regs.lanes, false);
  std::fill_n(inside.begin(), depth - whole, true);
  auto maskType =
      VectorType::get({static_cast<int64_t>(regs.lanes)}, b.getI1Type());
  Value mask = arith::ConstantOp::create(
      b, DenseElementsAttr::get(maskType, ArrayRef<bool>(inside)));
  return multiply(index(whole), sums, mask);
}

/// out[row][key] for the rows of a block and keys that may be read.
void KernelLowering::emitScores(DotOp dot, Value left, const Place &right,
                                Value out, const RowBlock &block,
                                Value validKeys) {
  int64_t keys = dot.getType().getCols();
  int64_t most = std::min<int64_t>(
      llvm::bit_floor(regs.accumulators) / block.rows, regs.lanes);
  int64_t together = llvm::bit_floor(static_cast<uint64_t>(most));
  while (keys % together)
    together /= 2;
  std::optional<Lookahead> lookahead = findOtherProduct(dot);
  SmallVector<Value> rows;
  for (unsigned r = 0; r < block.rows; ++r)
    rows.push_back(add(block.start, index(r)));
  SmallVector<Value> leftRows(rows);
  if (int64_t depth = dot.getA().getType().getCols();
      partsColumns(right, depth)) {
    left = partColumns(left, block, depth);
    for (unsigned r = 0; r < block.rows; ++r)
      leftRows[r] = index(r);
  }
  auto emitKeys = [&](Value first, Value last) {
    SmallVector<Value> at;
    for (int64_t c = 0; c < together; ++c) {
      Value key = add(first, index(c));
      at.push_back(last ? min(key, last) : key);
      if (!last)
        prefetch(lookahead, key, index(0));
    }
    // A vector has room for the sums of some rows.
    SmallVector<Value> products = sumProducts(dot, left, leftRows, right, at);
    size_t atOnce = std::max<size_t>(regs.lanes / together, 1);
    for (size_t begin = 0; begin < rows.size(); begin += atOnce) {
      size_t count = std::min(atOnce, rows.size() - begin);
      Value sums = combineLanes(
          ReduceKind::Sum,
          ArrayRef<Value>(products).slice(begin * together, count * together));
      for (size_t r = 0; r < count; ++r) {
        Value part = vector::ExtractStridedSliceOp::create(
            b, sums, int64_t(r) * together, together, 1);
        vector::StoreOp::create(b, part, out,
                                subscript(out, rows[begin + r], first));
      }
    }
  };
  Value whole = b.createOrFold<arith::SubIOp>(
      validKeys, b.createOrFold<arith::RemUIOp>(validKeys, index(together)));
  forRange(index(0), whole, together,
           [&](Value first) { emitKeys(first, Value()); });
  Value rest = b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::slt, whole,
                                             validKeys);
  if (matchPattern(rest, m_Zero()))
    return;
  // The last keys: the last one stands in for those past it.
  auto branch = scf::IfOp::create(b, rest, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  emitKeys(whole, add(validKeys, index(-1)));
}

/// Adds the accumulator to the products; those of keys that may not be read are
/// 0.
LogicalResult KernelLowering::finishScores(DotOp dot, Value out,
                                           Value validKeys) {
  const Place &acc = places[dot.getAcc()];
  bool addsNothing = acc.kind == Place::Splat && acc.scalar &&
                     matchPattern(acc.scalar, m_AnyZeroFloat());
  TileType type = dot.getType();
  Value step = index(regs.lanes);
  Value begin = index(0);
  if (addsNothing)
    begin = b.createOrFold<arith::SubIOp>(
        validKeys, b.createOrFold<arith::RemUIOp>(validKeys, step));
  APInt known;
  if (addsNothing && matchPattern(begin, m_ConstantInt(&known)) &&
      known.getSExtValue() >= type.getCols())
    return success();
  Value lane = laneNumbers();
  Value zero = splatVector(zeroF32());
  Value valid = spreadIndex(validKeys);
  return tryForRange(index(0), endOfRows(type.getRows()), 1, [&](Value row) {
    return tryForRange(
        begin, index(wholeVectors(type.getCols())), regs.lanes, [&](Value col) {
          Value key = arith::AddIOp::create(b, spreadIndex(col), lane);
          Value isRead =
              arith::CmpIOp::create(b, arith::CmpIPredicate::slt, key, valid);
          Value score = arith::SelectOp::create(
              b, isRead, loadVector(out, row, col), zero);
          if (!addsNothing) {
            FailureOr<Value> init = accumulatorInit(dot, row, col);
            if (failed(init))
              return failure();
            score = arith::AddFOp::create(b, score, *init);
          }
          storeVector(score, out, row, col);
          return success();
        });
  });
}

//===----------------------------------------------------------------------===//
// Sums of weighted rows
//===----------------------------------------------------------------------===//

/// Some vectors of out[row] for the rows of a block: the accumulator and the
/// rows of the right operand, each times its weight.
LogicalResult KernelLowering::emitWeightedRows(DotOp dot, Value left,
                                               const Place &right, Value out,
                                               const RowBlock &block,
                                               Value colStart,
                                               unsigned vectors) {
  SmallVector<std::pair<Value, Value>> elements;
  SmallVector<Value> inits;
  for (unsigned r = 0; r < block.rows; ++r)
    for (unsigned v = 0; v < vectors; ++v) {
      Value row = add(block.start, index(r));
      Value col = add(colStart, index(v * regs.lanes));
      FailureOr<Value> init = accumulatorInit(dot, row, col);
      if (failed(init))
        return failure();
      elements.emplace_back(row, col);
      inits.push_back(*init);
    }
  bool isParted = partsColumns(right, int64_t(vectors) * regs.lanes);
  auto replacePairs = [&](SmallVector<Value> &values, auto change) {
    for (size_t k = 0; isParted && k < values.size(); k += 2)
      llvm::copy(change(b, values[k], values[k + 1]), &values[k]);
  };
  replacePairs(inits, part);
  std::optional<Lookahead> lookahead = findOtherProduct(dot);
  Value depth =
      right.validRows ? right.validRows : index(dot.getA().getType().getCols());
  auto loop = scf::ForOp::create(b, index(0), depth, index(1), inits);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value k = loop.getInductionVar();
    prefetch(lookahead, k, colStart, int64_t(vectors) * regs.lanes);
    SmallVector<Value> start = rightSubscript(right, k);
    SmallVector<Value> values, sums;
    for (unsigned v = 0; v < vectors; v += isParted ? 2 : 1) {
      Value col = elements[v].second;
      if (isParted)
        llvm::append_range(values, loadParted(right, start, col));
      else
        values.push_back(loadRight(right, start, col));
    }
    for (unsigned r = 0; r < block.rows; ++r) {
      Value row = elements[r * vectors].first;
      Value weight =
          splatVector(memref::LoadOp::create(b, left, subscript(left, row, k)));
      for (Value value : values)
        sums.push_back(vector::FMAOp::create(
            b, weight, value, loop.getRegionIterArg(sums.size())));
    }
    scf::YieldOp::create(b, sums);
  }
  auto results = llvm::to_vector_of<Value>(loop.getResults());
  replacePairs(results, join);
  for (auto [element, sum] : llvm::zip(elements, results))
    storeVector(sum, out, element.first, element.second);
  return success();
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

LogicalResult KernelLowering::lowerRowProducts(DotOp dot, const Place &a,
                                               const Place &right) {
  TileType type = dot.getType();
  auto forRowBlocks = [&](function_ref<LogicalResult(const RowBlock &)> body) {
    int64_t rows = type.getRows();
    int64_t whole = rows / kRowsTogether * kRowsTogether;
    if (whole &&
        failed(tryForRange(
            index(0), min(endOfRows(rows), index(whole)), kRowsTogether,
            [&](Value row) { return body({row, unsigned(kRowsTogether)}); })))
      return failure();
    if (whole == rows)
      return success();
    return body({index(whole), static_cast<unsigned>(rows - whole)});
  };
  if (dot.getTransposeB()) {
    // The accumulator is added in the end.
    Value out = newBuffer(type);
    places[dot.getResult()].buffer = out;
    Value validKeys = right.validRows ? right.validRows : index(type.getCols());
    (void)forRowBlocks([&](const RowBlock &block) {
      emitScores(dot, a.buffer, right, out, block, validKeys);
      return success();
    });
    return finishScores(dot, out, validKeys);
  }
  Value out = outputBuffer(dot.getResult(), dot);
  places[dot.getResult()].buffer = out;
  return forRowBlocks([&](const RowBlock &block) {
    int64_t most = llvm::bit_floor(regs.accumulators) / block.rows;
    int64_t all = wholeVectors(type.getCols()) / regs.lanes;
    int64_t together = std::min(most, all), whole = all / together * together;
    if (failed(tryForRange(index(0), index(whole * regs.lanes),
                           together * regs.lanes, [&](Value col) {
                             return emitWeightedRows(dot, a.buffer, right, out,
                                                     block, col, together);
                           })))
      return failure();
    if (whole == all)
      return success();
    return emitWeightedRows(dot, a.buffer, right, out, block,
                            index(whole * regs.lanes), all - whole);
  });
}
