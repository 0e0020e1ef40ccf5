// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The dense copies of a launch on a device whose memory the host does not
// reach: elements are read, checked and moved on the host.
#ifndef ATTN_RUNTIME_SRC_HOSTCOPIES_H
#define ATTN_RUNTIME_SRC_HOSTCOPIES_H

#include "DenseCopy.h"

#include <functional>

namespace attn::runtime {

class HostCopies {
public:
  /// Copy bytes from and to the device, behind what it was given before.
  using Read = std::function<void(void *, const void *, size_t)>;
  using Write = std::function<void(void *, const void *, size_t)>;

  HostCopies(const std::vector<DenseCopy> &copies, Read read, Write write)
      : copies(copies), read(std::move(read)), write(std::move(write)) {}

  /// Fills the copies that are read. Throws Failure before anything is written
  /// if a value does not fit.
  void gather() const;
  /// Writes those back that are written; what lies between the elements is
  /// written as it was.
  void scatter() const;

private:
  std::vector<char> readSpan(const attn_tensor &tensor, int64_t &start) const;

  const std::vector<DenseCopy> &copies;
  Read read;
  Write write;
};

} // namespace attn::runtime

#endif // ATTN_RUNTIME_SRC_HOSTCOPIES_H
