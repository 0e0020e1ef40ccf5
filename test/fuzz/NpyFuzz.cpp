// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fuzzes the reader of .npy files. Nothing may crash; an array that is read has
// the bytes of its shape, a refusal says why.
#include "attn/runtime/Npy.h"

#include <cstdlib>

using namespace attn::runtime;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char *>(data), size);
  std::string error;
  NpyArray array;
  bool isRead = parseNpy(bytes, "fuzz", array, error);
  size_t expected = size_t(array.elementCount()) * npyTypeSize(array.type);
  if (isRead ? array.data.size() != expected || expected > size : error.empty())
    std::abort();
  return 0;
}
