//===- FlatMemory.cpp - Tiles and elements in flat memory -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Index arithmetic of lowerings to GPU kernels.
//
//===----------------------------------------------------------------------===//

#include "FlatMemory.h"
#include "KernelNames.h"

#include "attn/Dialect/Tile/AttributeNames.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace attn;
using namespace attn::tile;

Value attn::index(ImplicitLocOpBuilder &b, int64_t value) {
  return arith::ConstantIndexOp::create(b, value);
}

Value attn::both(ImplicitLocOpBuilder &b, Value lhs, Value rhs) {
  if (!lhs || !rhs)
    return lhs ? lhs : rhs;
  return arith::AndIOp::create(b, lhs, rhs);
}

Value attn::isLess(ImplicitLocOpBuilder &b, Value lhs, Value rhs) {
  return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, lhs, rhs);
}

FailureOr<FlatView> attn::makeFlatView(ImplicitLocOpBuilder &b,
                                       memref::ReinterpretCastOp op, Value base,
                                       ScalarLookup lookup) {
  if (!base || cast<MemRefType>(base.getType()).getRank() != 0)
    return op.emitOpError(
        "a kernel rebuilds memrefs from its rank-0 arguments");
  auto materialize = [&](OpFoldResult value) -> Value {
    if (auto attr = dyn_cast<Attribute>(value))
      return index(b, cast<IntegerAttr>(attr).getInt());
    return lookup(cast<Value>(value));
  };
  FlatView view;
  view.sizes = llvm::map_to_vector(op.getConstifiedMixedSizes(), materialize);
  view.strides =
      llvm::map_to_vector(op.getConstifiedMixedStrides(), materialize);
  // The flat view ends with the last element of the strided one.
  Value span = index(b, 1);
  for (auto [size, stride] : llvm::zip(view.sizes, view.strides)) {
    Value last = b.createOrFold<arith::SubIOp>(size, index(b, 1));
    span = b.createOrFold<arith::AddIOp>(
        span, b.createOrFold<arith::MulIOp>(last, stride));
  }
  OpFoldResult offset = op.getConstifiedMixedOffset();
  bool atBase = isConstantIntValue(offset, 0);
  auto layout = StridedLayoutAttr::get(b.getContext(),
                                       atBase ? 0 : ShapedType::kDynamic, {1});
  auto type =
      MemRefType::get({ShapedType::kDynamic}, op.getType().getElementType(),
                      atBase ? MemRefLayoutAttrInterface() : layout);
  if (!atBase)
    offset = materialize(offset);
  view.flat = memref::ReinterpretCastOp::create(
      b, type, base, offset, ArrayRef<OpFoldResult>{span},
      ArrayRef<OpFoldResult>{b.getIndexAttr(1)});
  return view;
}

Value attn::getFlatAddress(ImplicitLocOpBuilder &b, ArrayRef<Value> strides,
                           ArrayRef<Value> indices) {
  Named named(b, "at");
  Value address = index(b, 0);
  for (auto [position, stride] : llvm::zip_equal(indices, strides))
    address = b.createOrFold<arith::AddIOp>(
        address, b.createOrFold<arith::MulIOp>(position, stride));
  return address;
}

/// The last indices are those of the first element of a tile.
static void addCoordinates(ImplicitLocOpBuilder &b,
                           MutableArrayRef<Value> indices,
                           ArrayRef<Value> coordinates) {
  auto last = indices.take_back(coordinates.size());
  for (auto [index, coordinate] : llvm::zip_equal(last, coordinates))
    index = b.createOrFold<arith::AddIOp>(index, coordinate);
}

SmallVector<Value> attn::getElementIndices(ImplicitLocOpBuilder &b,
                                           ValueRange indices,
                                           ArrayRef<Value> coordinates,
                                           ScalarLookup lookup) {
  SmallVector<Value> result = llvm::map_to_vector(indices, lookup);
  addCoordinates(b, result, coordinates);
  return result;
}

/// Row r lies in page table[r / P] at r mod P; pages are the first dimension of
/// the pool.
static void enterPage(ImplicitLocOpBuilder &b, LoadOp op,
                      const FlatView &memory, const FlatView &pages,
                      SmallVectorImpl<Value> &indices, unsigned row,
                      ScalarLookup lookup) {
  Value pageSize = memory.sizes[memory.sizes.size() - 2];
  Named named(b, "page");
  SmallVector<Value> entry = llvm::map_to_vector(op.getPageIndices(), lookup);
  entry.push_back(arith::DivUIOp::create(b, indices[row], pageSize));
  Value page = memref::LoadOp::create(b, pages.flat,
                                      getFlatAddress(b, pages.strides, entry));
  page = arith::IndexCastOp::create(b, b.getIndexType(), page);
  // Whatever the table holds, the page is one of the pool.
  Value last = b.createOrFold<arith::SubIOp>(memory.sizes.front(), index(b, 1));
  page = arith::MaxSIOp::create(b, arith::MinSIOp::create(b, page, last),
                                index(b, 0));
  indices[row] = arith::RemUIOp::create(b, indices[row], pageSize);
  indices.insert(indices.begin(), page);
}

/// Products of rows and inverses have so many bits behind the point.
static constexpr int64_t kInverseBits = 16;

Value attn::getInverse(ImplicitLocOpBuilder &b, LoadOp op,
                       ScalarLookup lookup) {
  constexpr int64_t mostRows = 1 << (kInverseBits / 2), one = 1 << kInverseBits;
  if (!op.getPacking() || op.getType().getRows() > mostRows)
    return Value();
  Value heads = lookup(op.getPacking());
  if (getConstantIntValue(heads))
    return Value();
  Value sum = b.createOrFold<arith::AddIOp>(heads, index(b, one - 1));
  return arith::MinUIOp::create(b, arith::DivUIOp::create(b, sum, heads),
                                index(b, one));
}

/// Of a row of a packed tile, which of its `heads` heads it is and which row of
/// that.
static std::pair<Value, Value> unpack(ImplicitLocOpBuilder &b, Value row,
                                      Value heads, Value inverse) {
  if (matchPattern(row, m_Zero()))
    return {row, row};
  if (!inverse)
    return {b.createOrFold<arith::RemUIOp>(row, heads),
            b.createOrFold<arith::DivUIOp>(row, heads)};
  // That the inverse was rounded up adds less than 1 / heads to the quotient of
  // a row below 2^8: it passes no whole number.
  IntegerAttr most = b.getIndexAttr((1 << (kInverseBits / 2)) - 1);
  auto quotient = arith::ShRUIOp::create(
      b, arith::MulIOp::create(b, row, inverse), index(b, kInverseBits));
  auto product = arith::MulIOp::create(b, quotient, heads);
  product->setAttr(kSizeAttrName, most);
  auto rest = arith::SubIOp::create(b, row, product);
  rest->setAttr(kSizeAttrName, most);
  return {rest, quotient};
}

Value attn::getElementAddress(ImplicitLocOpBuilder &b, LoadOp op,
                              const FlatView &memory, const FlatView *pages,
                              ArrayRef<Value> coordinates,
                              ArrayRef<Value> strides, ScalarLookup lookup,
                              Value inverse) {
  SmallVector<Value> indices = llvm::map_to_vector(op.getIndices(), lookup);
  SmallVector<Value> at(coordinates);
  unsigned first = indices.size() - at.size();
  if (op.getPacking()) {
    auto [head, row] = unpack(b, at[0], lookup(op.getPacking()), inverse);
    indices[first - 1] =
        b.createOrFold<arith::AddIOp>(indices[first - 1], head);
    at[0] = row;
  }
  addCoordinates(b, indices, at);
  if (pages)
    enterPage(b, op, memory, *pages, indices, first, lookup);
  return getFlatAddress(b, strides, indices);
}

Value attn::addBounds(ImplicitLocOpBuilder &b, TileType type, ValueRange valid,
                      ArrayRef<Value> coordinates, Value condition,
                      ScalarLookup lookup, unsigned first) {
  for (unsigned k = first; k < valid.size(); ++k) {
    Value bound = valid[k];
    std::optional<int64_t> constant = getConstantIntValue(bound);
    if (!constant || *constant < type.getShape()[k])
      condition = both(b, condition, isLess(b, coordinates[k], lookup(bound)));
  }
  return condition;
}

Value attn::countsRow(ImplicitLocOpBuilder &b, LoadOp op, ScalarLookup lookup,
                      function_ref<Value(Block &)> lower) {
  auto branch =
      scf::IfOp::create(b, TypeRange{b.getI1Type()}, lookup(op.getMixed()),
                        /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.elseBlock());
  Value always = arith::ConstantIntOp::create(b, /*value=*/1, /*width=*/1);
  scf::YieldOp::create(b, always);
  b.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(b, lower(op.getWhere().front()));
  return branch.getResult(0);
}

Value attn::widen(ImplicitLocOpBuilder &b, Value value) {
  Type element = getElementTypeOrSelf(value);
  if (element.getIntOrFloatBitWidth() >= 32)
    return value;
  Type f32 = b.getF32Type();
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    f32 = vector.clone(f32);
  return arith::ExtFOp::create(b, f32, value);
}

Value attn::convertFloat(ImplicitLocOpBuilder &b, Value value, Type type) {
  if (value.getType() != type)
    value = widen(b, value);
  if (value.getType() != type)
    value = arith::TruncFOp::create(b, type, value);
  return value;
}
