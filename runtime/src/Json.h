// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A small JSON reader (RFC 8259) for the descriptions of artifacts. Numbers are
// 64-bit integers; descriptions use no others. A general library would be a
// third of the code that an ahead-of-time kernel carries.
#ifndef ATTN_RUNTIME_SRC_JSON_H
#define ATTN_RUNTIME_SRC_JSON_H

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace attn::runtime {

struct Json {
  enum Kind { Null, Boolean, Integer, Real, String, Array, Object };

  /// Throws Failure(MALFORMED_ARTIFACT) with the place of what is wrong.
  /// Nesting deeper than `maxDepth` and keys repeated in an object are, too.
  static Json parse(std::string_view text);
  static constexpr int maxDepth = 64;

  /// The value of a field of an object; null if there is none.
  const Json *find(std::string_view name) const;

  Kind kind = Null;
  bool boolean = false;
  int64_t integer = 0;   // Integer; a Real holds nothing
  bool tooLarge = false; // a Real that is an integer of more than 64 bits
  std::string string;
  std::vector<Json> elements;                       // Array
  std::vector<std::pair<std::string, Json>> fields; // Object, as written
};

} // namespace attn::runtime

#endif // ATTN_RUNTIME_SRC_JSON_H
