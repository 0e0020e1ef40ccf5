//===- SharedMemory.h - Threadgroup memory that is watched ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Who touched which element of threadgroup arrays since threads last met. Two
// threads that touch one, of which one writes, have to meet in between: at a
// barrier of the threadgroup, or of the simdgroup if both are in it.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EXECUTION_METALSHIM_SHAREDMEMORY_H
#define ATTN_LIB_EXECUTION_METALSHIM_SHAREDMEMORY_H

#include "ShimInterface.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <string>
#include <vector>

namespace attn::execution::metal {

class SharedMemory {
public:
  /// A thread, with the time at which its simdgroup and its threadgroup last
  /// met.
  struct Accessor {
    int thread, simdgroup;
    uint32_t now, simdgroupMet, threadgroupMet;
  };

  /// Bytes behind each array that belong to nothing.
  static constexpr unsigned behindBytes = 256;

  explicit SharedMemory(llvm::ArrayRef<const metal_shim::Shared *> declared);

  /// Makes every byte one that no thread wrote.
  void reset();
  /// The array that holds `address` or lies before it; -1 if there is none.
  int find(const void *address) const;
  const metal_shim::Shared &operator[](int array) const {
    return *arrays[array].declared;
  }
  /// What is wrong with an access, or "".
  std::string access(int array, const void *address, unsigned bytes,
                     bool writes, const Accessor &accessor);

private:
  /// Nobody, or the threads of a simdgroup, or of several.
  enum : int { Nobody = -1, Simdgroup = -2, Several = -3 };
  struct Element {
    int writer = Nobody, reader = Nobody;
    int readingSimdgroup = 0;
    uint32_t written = 0, read = 0;
  };
  struct Array {
    const metal_shim::Shared *declared;
    std::vector<Element> elements;
  };

  static bool conflictsWithWrite(const Element &element, const Accessor &who);
  static bool conflictsWithReads(const Element &element, const Accessor &who);
  static void noteRead(Element &element, const Accessor &who);

  llvm::SmallVector<Array> arrays;
};

} // namespace attn::execution::metal

#endif // ATTN_LIB_EXECUTION_METALSHIM_SHAREDMEMORY_H
