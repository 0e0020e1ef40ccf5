// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the backend `metal` asks of Metal, and no more. Apple's systems have one
// implementation, in Objective-C++; programs that emulate Metal set another.
// Nothing here throws: what goes wrong is said in a `problem`, which is empty
// otherwise.
#ifndef ATTN_RUNTIME_METALDRIVER_H
#define ATTN_RUNTIME_METALDRIVER_H

#include "attn_runtime.h"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace attn::runtime::metal {

struct Properties {
  std::string name;
  int language = 0; // the newest version of the shading language: 310 is 3.1
  int64_t threads = 0, threadgroupBytes = 0, bufferBytes = 0;
  bool hasMatrices = false; // 8 x 8, in simdgroups of 32
  bool isProcessor = false;
};

/// Memory that device and host share.
class Buffer {
public:
  virtual ~Buffer() = default;
  char *contents = nullptr;
  size_t bytes = 0;
};

class Kernel {
public:
  virtual ~Kernel() = default;
  int64_t threads = 0, threadgroupBytes = 0; // at most, and of its own
};

class Library {
public:
  virtual ~Library() = default;
  /// Null, with a problem, if the text defines no such kernel or the device
  /// does not compile it.
  virtual std::unique_ptr<Kernel> makeKernel(const std::string &name,
                                             std::string &problem) = 0;
};

/// A place in a buffer, and which of its bytes a kernel may touch there.
struct Binding {
  const Buffer *buffer = nullptr;
  size_t offset = 0;
  size_t first = 0, bytes = 0;
};

/// Bytes that become zero.
struct Fill {
  const Buffer *buffer = nullptr;
  size_t offset = 0, bytes = 0;
};

struct Dispatch {
  const Kernel *kernel = nullptr;
  std::vector<Binding> buffers; // at 0, 1, ...
  std::vector<uint32_t> words;  // at the next index, if there are any
  std::array<uint32_t, 3> grid{}, block{};
};

class Device {
public:
  virtual ~Device() = default;
  virtual const Properties &properties() const = 0;
  virtual std::unique_ptr<Buffer> allocate(size_t bytes) = 0;
  virtual std::unique_ptr<Buffer> import(const attn_metal_buffer &given,
                                         std::string &problem) = 0;
  virtual std::unique_ptr<Library> compile(std::string_view text, int language,
                                           std::string &problem) = 0;
  /// Fills, then dispatches, each behind the one before it, on the device's
  /// queue or into a caller's command buffer.
  virtual std::string submit(const std::vector<Fill> &fills,
                             const std::vector<Dispatch> &dispatches,
                             void *commandBuffer) = 0;
  /// Until the queue has done what it was given.
  virtual std::string wait() = 0;
};

class Driver {
public:
  virtual ~Driver() = default;
  /// The names of all devices.
  virtual std::vector<std::string> list() = 0;
  virtual std::unique_ptr<Device> open(size_t device, std::string &problem) = 0;
  virtual std::unique_ptr<Device> adopt(const attn_metal_device &given,
                                        std::string &problem) = 0;
};

/// From now on, contexts of this process open devices of `driver`, which must
/// outlive them.
ATTN_API void setDriver(Driver *driver);

} // namespace attn::runtime::metal

#endif // ATTN_RUNTIME_METALDRIVER_H
