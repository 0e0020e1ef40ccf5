// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two elements share memory if the distance of their addresses is below their
// size. The distance is a sum of strides with bounded factors, so the question
// is whether such a sum comes close to a number. Factors are tried from the
// largest stride on; what the smaller ones can still reach leaves at most two
// candidates each, where strides nest as those of layouts do.
#include "Overlap.h"

#include "Dtype.h"

#include <algorithm>
#include <vector>

namespace attn::runtime {
namespace {

using Wide = __int128; // sums of extents that fit 63 bits each

/// stride * x with low <= x <= high.
struct Term {
  Wide stride, low, high;
};

Wide floorDiv(Wide a, Wide b) { return a / b - (a % b != 0 && a < 0); }

class Search {
public:
  /// `nonZero`: factors that are all 0 do not count.
  Search(std::vector<Term> given, bool nonZero)
      : terms(std::move(given)), nonZero(nonZero) {
    std::sort(terms.begin(), terms.end(),
              [](const Term &a, const Term &b) { return a.stride > b.stride; });
  }

  /// True if the sum of the terms can lie in low .. high.
  bool reaches(Wide low, Wide high) { return visit(0, low, high, !nonZero); }

private:
  bool visit(size_t position, Wide low, Wide high, bool counts) {
    if (position == terms.size())
      return counts && low <= 0 && high >= 0;
    // Strides that do not nest: whoever needs them may copy.
    if (++visited > limit)
      return true;
    Wide restLow = 0, restHigh = 0;
    for (size_t i = position + 1; i < terms.size(); ++i) {
      restLow += terms[i].stride * terms[i].low;
      restHigh += terms[i].stride * terms[i].high;
    }
    const Term &term = terms[position];
    Wide first = -floorDiv(-(low - restHigh), term.stride);
    Wide last = floorDiv(high - restLow, term.stride);
    first = std::max(first, term.low);
    last = std::min(last, term.high);
    for (Wide x = first; x <= last; ++x)
      if (visit(position + 1, low - x * term.stride, high - x * term.stride,
                counts || x != 0))
        return true;
    return false;
  }

  static constexpr int limit = 1 << 16;

  std::vector<Term> terms;
  bool nonZero;
  int visited = 0;
};

bool isEmpty(const attn_tensor &tensor) {
  return std::find(tensor.dims, tensor.dims + tensor.rank, 0) !=
         tensor.dims + tensor.rank;
}

/// Adds the distances that `sign` times an index of `tensor` can make.
void addTerms(const attn_tensor &tensor, int sign, std::vector<Term> &terms) {
  Wide size = Wide(infoOf(tensor.dtype).size);
  for (int32_t axis = 0; axis < tensor.rank; ++axis) {
    Wide stride = sign * size * tensor.strides[axis];
    Wide last = tensor.dims[axis] - 1;
    if (stride == 0 || last == 0)
      continue;
    Term term{stride, 0, last};
    if (stride < 0)
      term = {-stride, -last, 0};
    auto same = std::find_if(terms.begin(), terms.end(), [&](const Term &t) {
      return t.stride == term.stride;
    });
    if (same == terms.end()) {
      terms.push_back(term);
      continue;
    }
    same->low += term.low;
    same->high += term.high;
  }
}

} // namespace

bool overlapsItself(const attn_tensor &tensor) {
  if (isEmpty(tensor))
    return false;
  std::vector<Term> terms;
  Wide size = Wide(infoOf(tensor.dtype).size);
  for (int32_t axis = 0; axis < tensor.rank; ++axis) {
    Wide last = tensor.dims[axis] - 1;
    if (last == 0)
      continue;
    Wide stride = size * tensor.strides[axis];
    if (stride == 0)
      return true;
    terms.push_back({stride < 0 ? -stride : stride, -last, last});
  }
  return Search(std::move(terms), /*nonZero=*/true).reaches(1 - size, size - 1);
}

bool overlap(const attn_tensor &first, const attn_tensor &second) {
  if (isEmpty(first) || isEmpty(second))
    return false;
  std::vector<Term> terms;
  addTerms(second, 1, terms);
  addTerms(first, -1, terms);
  Wide distance = Wide(reinterpret_cast<uintptr_t>(second.data)) -
                  Wide(reinterpret_cast<uintptr_t>(first.data));
  Wide low = 1 - Wide(infoOf(second.dtype).size) - distance;
  Wide high = Wide(infoOf(first.dtype).size) - 1 - distance;
  return Search(std::move(terms), /*nonZero=*/false).reaches(low, high);
}

} // namespace attn::runtime
