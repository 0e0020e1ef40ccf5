//===- Addresses.cpp - Where rows and keys lie ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See Addresses.h.
//
//===----------------------------------------------------------------------===//

#include "Addresses.h"

#include "attn/Analysis/IndexRanges.h"
#include "attn/Dialect/Tile/AttributeNames.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace attn;
using namespace attn::tiling;
using tile::TileType;

Value attn::tiling::permute(ImplicitLocOpBuilder &b, Value memref,
                            ArrayRef<unsigned> order) {
  AffineMap map = AffineMap::getPermutationMap(order, b.getContext());
  if (map.isIdentity())
    return memref;
  return memref::TransposeOp::create(b, memref, AffineMapAttr::get(map));
}

Value attn::tiling::allocateF32(ImplicitLocOpBuilder &b,
                                ArrayRef<OpFoldResult> sizes) {
  SmallVector<int64_t> shape;
  SmallVector<Value> dynamicSizes;
  dispatchIndexOpFoldResults(sizes, dynamicSizes, shape);
  return memref::AllocOp::create(b, MemRefType::get(shape, b.getF32Type()),
                                 dynamicSizes);
}

static Value toLogicalOrder(ImplicitLocOpBuilder &b, Value memref,
                            Layout layout) {
  AttentionOp::DimMap map = AttentionOp::getDimMap(layout);
  SmallVector<unsigned> order;
  if (map.b >= 0)
    order.push_back(map.b);
  order.append({static_cast<unsigned>(map.h), static_cast<unsigned>(map.s),
                static_cast<unsigned>(map.d)});
  return permute(b, memref, order);
}

//===----------------------------------------------------------------------===//
// Address maps
//===----------------------------------------------------------------------===//

SmallVector<Value> AddressMap::at(ImplicitLocOpBuilder &b, Value row,
                                  Value column) const {
  SmallVector<Value> indices(leading.begin(), leading.end());
  indices.push_back(base ? IndexBuilder{b}.add(base, row) : row);
  if (column)
    indices.push_back(column);
  return indices;
}

SmallVector<Value> AddressMap::extents(ImplicitLocOpBuilder &b, Value row,
                                       Value validColumns) const {
  assert((!origin || row == origin) && "rows are counted from another one");
  SmallVector<Value> result = {origin ? valid
                                      : IndexBuilder{b}.sub(valid, row)};
  if (validColumns)
    result.push_back(validColumns);
  return result;
}

Value AddressMap::load(ImplicitLocOpBuilder &b, TileType type, Value memref,
                       Value row, Value column, Value validColumns) const {
  SmallVector<Value> valid = extents(b, row, validColumns);
  return tile::LoadOp::create(b, type, memref, at(b, row, column), valid,
                              packing, pageTable,
                              pageTable ? ValueRange(pageRow) : ValueRange());
}

void AddressMap::store(ImplicitLocOpBuilder &b, Value tile, Value memref,
                       Value row, Value column, Value validColumns) const {
  assert(!packing && !pageTable && "stores know neither");
  SmallVector<Value> valid = extents(b, row, validColumns);
  tile::StoreOp::create(b, tile, memref, at(b, row, column), valid);
}

SmallVector<Value, 2> Addresses::leading(const Worker &w, Value head) {
  if (op.isRagged())
    return {head};
  return {w.batch, head};
}

AddressMap Addresses::rowsOf(const Worker &w, Value head) {
  AddressMap map;
  map.leading = leading(w, head);
  map.base = w.rowBase;
  map.origin = w.firstRow;
  map.valid = w.validRows;
  return map;
}

AddressMap Addresses::queries(const Worker &w) {
  AddressMap map = rowsOf(w, w.head);
  if (packsHeads)
    map.packing = packing;
  return map;
}

AddressMap Addresses::outputs(const Worker &w) { return rowsOf(w, w.head); }

AddressMap Addresses::scores(const Worker &w) { return rowsOf(w, w.group); }

AddressMap Addresses::keys(const Worker &w) {
  AddressMap map;
  map.valid = w.keyLength;
  if (op.isPaged()) {
    map.leading = {w.keyHead};
    map.pageTable = op.getPageTable();
    map.pageRow = w.batch;
  } else {
    map.leading = leading(w, w.keyHead);
    map.base = w.keyBase;
  }
  return map;
}

AddressMap Addresses::states(const Worker &w, Value row) {
  AddressMap map;
  map.leading = {w.batch, w.group};
  map.origin = row;
  map.valid = w.validRows;
  return map;
}

std::pair<Value, Value> Addresses::headAndQuery(OpBuilder &builder,
                                                const Worker &w, Value row) {
  if (!packsHeads)
    return {w.head, row};
  // The rows of a tile are query after query, with their heads next to each
  // other.
  Location loc = b.getLoc();
  Value head = arith::RemUIOp::create(builder, loc, row, packing);
  return {arith::AddIOp::create(builder, loc, w.head, head),
          arith::DivUIOp::create(builder, loc, row, packing)};
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

Addresses::Addresses(AttentionOp op, ImplicitLocOpBuilder &b, bool packHeads)
    : op(op), b(b), ib{b} {
  query = toLogicalOrder(b, op.getQuery(), op.getQueryLayout());
  key = toLogicalOrder(b, op.getKey(), op.getKeyLayout());
  value = toLogicalOrder(b, op.getValue(), op.getValueLayout());
  output = toLogicalOrder(b, op.getOutput(), op.getOutputLayout());
  lse = op.getLse();

  bool ragged = op.isRagged();
  unsigned headDim = ragged ? 0 : 1,
           keyHeadDim = ragged && !op.isPaged() ? 0 : 1;
  zero = ib.constant(0);
  one = ib.constant(1);
  batch =
      ragged ? ib.sub(ib.dim(op.getCuSeqlensQ(), 0), one) : ib.dim(query, 0);
  heads = ib.dim(query, headDim);
  queryLength = ib.dim(query, headDim + 1);
  keyLength = op.isPaged() ? pagedKeyLength() : ib.dim(key, keyHeadDim + 1);
  // Hq / Hkv query heads share a key head (rule 2). Hkv may be 0 if Hq is.
  headRatio = ib.div(heads, ib.max(one, ib.dim(key, keyHeadDim)));
  packsHeads = packHeads && !matchPattern(headRatio, m_One());
  packing = packsHeads ? headRatio : one;
  groups = packsHeads ? ib.div(heads, ib.max(one, packing)) : heads;
  rows = ib.mul(queryLength, packing);
}

/// Keys that a row of the page table has room for, at most as many as any
/// tensor has (see attn-insert-checks); none if there is no page to which a
/// number in it could be clamped.
Value Addresses::pagedKeyLength() {
  Value slots = ib.dim(op.getPageTable(), 1);
  Value isEmpty = b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq,
                                                ib.dim(key, 0), zero);
  slots = b.createOrFold<arith::SelectOp>(isEmpty, zero, slots);
  return ib.min(ib.mul(slots, ib.dim(key, 2)), ib.constant(kLargestSize));
}

SmallVector<OpFoldResult> Addresses::getScoreSizes() {
  SmallVector<OpFoldResult> sizes;
  if (!op.isRagged())
    sizes.push_back(getAsOpFoldResult(batch));
  sizes.append({getAsOpFoldResult(groups), getAsOpFoldResult(rows)});
  return sizes;
}

/// First row and length of a packed sequence, clamped to the `total` rows that
/// there are: bounds that do not rise must not reach foreign memory.
std::pair<Value, Value> Addresses::sequenceOf(Value bounds, Value batch,
                                              Value total) {
  auto clamped = [&](Value position, Value low) {
    return ib.max(low, ib.min(ib.perBatch(bounds, position), total));
  };
  Value first = clamped(batch, zero);
  return {first, ib.sub(clamped(ib.add(batch, one), first), first)};
}

Worker Addresses::workerOf(Value batch, Value group, Value queryTile,
                           int64_t tileM) {
  Worker w;
  w.batch = batch;
  w.group = group;
  w.head = ib.mul(group, packing);
  w.queryTile = queryTile;
  w.keyHead = packsHeads ? group : ib.div(w.head, headRatio);
  w.firstRow = ib.mul(queryTile, tileM);
  // The tile exists, and where heads are packed the number of rows says so.
  if (auto product = w.firstRow.getDefiningOp<arith::MulIOp>();
      product && !packsHeads)
    product->setAttr(tile::kSizeAttrName, b.getIndexAttr(kIndexLimit));
  w.queryLength = queryLength;
  w.keyLength = keyLength;
  w.queryOffset = zero;
  if (batch)
    setBatch(w);
  w.validRows = ib.sub(ib.mul(w.queryLength, packing), w.firstRow);
  return w;
}

/// Where the batch of a worker lies and how long it is.
void Addresses::setBatch(Worker &w) {
  if (op.isRagged()) {
    std::tie(w.rowBase, w.queryLength) =
        sequenceOf(op.getCuSeqlensQ(), w.batch, queryLength);
    // Pages are where the keys are; the bounds say how many there are.
    if (!op.isPaged()) {
      std::tie(w.keyBase, w.keyLength) =
          sequenceOf(op.getCuSeqlensKv(), w.batch, keyLength);
    } else {
      Value bounds = op.getCuSeqlensKv();
      Value length = ib.sub(ib.perBatch(bounds, ib.add(w.batch, one)),
                            ib.perBatch(bounds, w.batch));
      w.keyLength = ib.max(zero, ib.min(length, keyLength));
    }
  }
  // Clamped, so that a wrong length cannot read outside the memory.
  if (Value lengths = op.getKvLen())
    w.keyLength =
        ib.max(zero, ib.min(ib.perBatch(lengths, w.batch), w.keyLength));
  if (Value offsets = op.getQOffset())
    w.queryOffset = ib.perBatch(offsets, w.batch);
}

Worker Addresses::workerOfRow(Value batch, Value group, Value row) {
  Worker w;
  w.batch = batch;
  w.group = group;
  w.head = ib.mul(group, packing);
  std::tie(w.head, w.firstRow) = headAndQuery(b, w, row);
  w.validRows = one;
  return w;
}
