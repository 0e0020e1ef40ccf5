// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reading and writing NumPy .npy files (format versions 1 to 3), for tools.
// Shapes count elements; messages name the file and the sizes that disagree.
// Nothing here throws but std::bad_alloc.
#ifndef ATTN_RUNTIME_NPY_H
#define ATTN_RUNTIME_NPY_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace attn::runtime {

/// Element types, in the machine's (little-endian) byte order. bfloat16 has no
/// .npy type of its own: it travels as U2, by the caller's choice.
enum class NpyType { F2, F4, F8, B1, I1, U1, U2, I4, I8 };

/// NumPy's name: "<f4", "|b1", ...
const char *npyTypeName(NpyType type);
/// Bytes of one element.
size_t npyTypeSize(NpyType type);

/// A dense row-major array.
struct NpyArray {
  NpyType type = NpyType::F4;
  std::vector<int64_t> shape;
  std::vector<char> data; // elementCount() * npyTypeSize(type) bytes

  /// Product of the sizes; 1 for rank 0.
  int64_t elementCount() const;
  template <typename T> T *as() { return reinterpret_cast<T *>(data.data()); }
  template <typename T> const T *as() const {
    return reinterpret_cast<const T *>(data.data());
  }
};

/// Reads the file `path`. Arrays in Fortran order are converted to row-major.
/// False, with a message in `error` and `array` as it was, for a file that
/// cannot be read, is no .npy file, is truncated or longer than its header
/// says, or has an element type not listed above (big-endian ones included).
bool readNpy(const std::string &path, NpyArray &array, std::string &error);

/// The same on bytes in memory; `name` stands for the file in messages.
bool parseNpy(std::string_view bytes, const std::string &name, NpyArray &array,
              std::string &error);

/// Writes a dense row-major array of `size` bytes (which must be those of the
/// shape) as a version 1 file. The file appears whole or not at all.
bool writeNpy(const std::string &path, NpyType type,
              const std::vector<int64_t> &shape, const void *data, size_t size,
              std::string &error);
bool writeNpy(const std::string &path, const NpyArray &array,
              std::string &error);

} // namespace attn::runtime

#endif // ATTN_RUNTIME_NPY_H
