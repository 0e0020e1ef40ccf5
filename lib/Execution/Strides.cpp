//===- Strides.cpp - Where elements of bound tensors lie ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// std::mt19937_64 is the same everywhere.
//
//===----------------------------------------------------------------------===//

#include "Strides.h"

#include <cstring>
#include <numeric>
#include <random>

using namespace mlir;
using namespace attn;
using namespace attn::execution;

StridedBlock::StridedBlock(Type type, ArrayRef<int64_t> shape, uint64_t seed)
    : shape(shape), strides(shape.size(), ShapedType::kDynamic) {
  // A layout without strides promises dense ones.
  auto memref = dyn_cast<MemRefType>(type);
  if (memref && isa<StridedLayoutAttr>(memref.getLayout()))
    strides = memref.getStridesAndOffset().first;
  else if (memref)
    seed = 0;

  std::mt19937_64 engine(seed);
  auto chance = [&](unsigned one) { return seed && engine() % one == 0; };
  SmallVector<unsigned> order(shape.size());
  std::iota(order.begin(), order.end(), 0);
  for (size_t k = order.size(); seed && k-- > 1;)
    std::swap(order[k], order[engine() % (k + 1)]);
  // Strides that the type states are within those that are chosen.
  SmallVector<unsigned> stated;
  llvm::copy_if(order, std::back_inserter(stated),
                [&](unsigned k) { return !ShapedType::isDynamic(strides[k]); });
  llvm::sort(stated,
             [&](unsigned a, unsigned b) { return strides[a] > strides[b]; });
  llvm::erase_if(
      order, [&](unsigned k) { return !ShapedType::isDynamic(strides[k]); });
  llvm::append_range(order, stated);
  if (llvm::is_contained(shape, 0))
    size = 0;
  // The stride that lets no two elements share memory.
  int64_t next = 1;
  for (unsigned k : llvm::reverse(order)) {
    int64_t &stride = strides[k];
    if (ShapedType::isDynamic(stride)) {
      stride = next * (chance(3) ? 2 : 1) + (chance(4) ? 1 : 0);
      if (chance(5))
        stride = -stride;
    }
    int64_t extent = std::max<int64_t>(shape[k] - 1, 0) * std::abs(stride);
    next += extent;
    if (stride < 0)
      first += extent;
  }
  if (size)
    size = next;
  else
    first = 0;
}

void StridedBlock::walk(llvm::function_ref<void(int64_t)> visit) const {
  if (size == 0)
    return;
  SmallVector<int64_t> indices(shape.size(), 0);
  int64_t position = first;
  for (;;) {
    visit(position);
    size_t axis = shape.size();
    while (axis > 0) {
      --axis;
      position += strides[axis];
      if (++indices[axis] < shape[axis])
        break;
      position -= strides[axis] * shape[axis];
      indices[axis] = 0;
      if (axis == 0)
        return;
    }
    if (shape.empty())
      return;
  }
}

bool StridedBlock::isDense() const {
  int64_t next = 1;
  for (auto [extent, stride] : llvm::reverse(llvm::zip_equal(shape, strides))) {
    if (extent != 1 && stride != next)
      return false;
    next *= extent;
  }
  return size == next;
}

std::vector<char> StridedBlock::scatter(const reference::Tensor &dense) const {
  int64_t bytes = reference::getElementBytes(dense.elementType);
  if (isDense())
    return std::vector<char>(dense.bytes.begin(), dense.bytes.end());
  std::vector<char> block(size * bytes, '\xff');
  const char *from = dense.bytes.data();
  walk([&](int64_t position) {
    std::memcpy(&block[position * bytes], from, bytes);
    from += bytes;
  });
  return block;
}

void StridedBlock::gather(ArrayRef<char> block,
                          reference::Tensor &dense) const {
  int64_t bytes = reference::getElementBytes(dense.elementType);
  char *to = dense.bytes.data();
  if (isDense()) {
    llvm::copy(block, to);
    return;
  }
  walk([&](int64_t position) {
    std::memcpy(to, &block[position * bytes], bytes);
    to += bytes;
  });
}
