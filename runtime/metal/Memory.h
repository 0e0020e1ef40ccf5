// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which buffer an address is in: buffers are shared with the host, and the
// addresses of the C API are those of their contents.
#ifndef ATTN_RUNTIME_METAL_MEMORY_H
#define ATTN_RUNTIME_METAL_MEMORY_H

#include "attn/runtime/MetalDriver.h"

#include <atomic>
#include <map>
#include <mutex>
#include <optional>

namespace attn::runtime::metal {

struct Place {
  const Buffer *buffer = nullptr;
  size_t offset = 0, bytes = 0; // to the end of the buffer
};

class Memory {
public:
  /// The first address of the buffer.
  char *add(std::unique_ptr<Buffer> buffer);
  /// False if no buffer begins there.
  bool release(void *address);
  std::optional<Place> find(const void *address) const;
  /// How often a buffer was released.
  uint64_t releases() const { return releaseCount; }

private:
  mutable std::mutex mutex;
  std::map<uintptr_t, std::unique_ptr<Buffer>> buffers; // by first address
  std::atomic<uint64_t> releaseCount = 0;
};

} // namespace attn::runtime::metal

#endif // ATTN_RUNTIME_METAL_MEMORY_H
