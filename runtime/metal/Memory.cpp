// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which buffer an address is in.
#include "Memory.h"

namespace attn::runtime::metal {

char *Memory::add(std::unique_ptr<Buffer> buffer) {
  std::lock_guard<std::mutex> lock(mutex);
  char *address = buffer->contents;
  buffers[reinterpret_cast<uintptr_t>(address)] = std::move(buffer);
  return address;
}

bool Memory::release(void *address) {
  std::lock_guard<std::mutex> lock(mutex);
  bool found = buffers.erase(reinterpret_cast<uintptr_t>(address));
  releaseCount += found;
  return found;
}

std::optional<Place> Memory::find(const void *address) const {
  std::lock_guard<std::mutex> lock(mutex);
  auto wanted = reinterpret_cast<uintptr_t>(address);
  auto next = buffers.upper_bound(wanted);
  if (next == buffers.begin())
    return std::nullopt;
  const auto &[first, buffer] = *--next;
  size_t offset = wanted - first;
  if (offset >= buffer->bytes)
    return std::nullopt;
  return Place{buffer.get(), offset, buffer->bytes - offset};
}

} // namespace attn::runtime::metal
