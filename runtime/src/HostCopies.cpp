// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Gathers and scatters through memory of the host.
#include "HostCopies.h"

#include "Dtype.h"
#include "Tensor.h"

#include <utility>

namespace attn::runtime {

/// All of the memory that the elements of a tensor lie in, and where it starts.
std::vector<char> HostCopies::readSpan(const attn_tensor &tensor,
                                       int64_t &start) const {
  int64_t size = int64_t(infoOf(tensor.dtype).size);
  Span span = spanOf(tensor);
  start = span.first * size;
  std::vector<char> values(size_t((span.last - span.first + 1) * size));
  read(values.data(), static_cast<const char *>(tensor.data) + start,
       values.size());
  return values;
}

static std::vector<char> makeBuffer(const DenseCopy &copy) {
  int64_t count = 0;
  elementCount(copy.tensor->dims, size_t(copy.tensor->rank), count);
  return std::vector<char>(size_t(count) * infoOf(copy.dtype).size);
}

void HostCopies::gather() const {
  std::vector<std::pair<void *, std::vector<char>>> gathered;
  for (const DenseCopy &copy : copies) {
    if (!copy.isRead)
      continue;
    int64_t start;
    std::vector<char> values = readSpan(*copy.tensor, start);
    std::vector<char> dense = makeBuffer(copy);
    runtime::gather(copy, values.data() - start, dense.data());
    gathered.emplace_back(copy.data, std::move(dense));
  }
  for (const auto &[target, dense] : gathered)
    write(target, dense.data(), dense.size());
}

void HostCopies::scatter() const {
  for (const DenseCopy &copy : copies) {
    if (!copy.isWritten)
      continue;
    std::vector<char> dense = makeBuffer(copy);
    read(dense.data(), copy.data, dense.size());
    int64_t start;
    std::vector<char> values = readSpan(*copy.tensor, start);
    runtime::scatter(copy, dense.data(), values.data() - start);
    write(static_cast<char *>(copy.tensor->data) + start, values.data(),
          values.size());
  }
}

} // namespace attn::runtime
