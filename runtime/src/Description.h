// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The description of a program: what the "json" section of an artifact says,
// parsed and validated. Names are resolved to indices here, once, so that
// binding and launching cannot meet an unknown name.
#ifndef ATTN_RUNTIME_SRC_DESCRIPTION_H
#define ATTN_RUNTIME_SRC_DESCRIPTION_H

#include "Expression.h"
#include "attn_runtime.h"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace attn::runtime {

/// Version of the JSON schema that this runtime reads.
constexpr int64_t schemaVersion = 1;

struct Argument {
  std::string name;
  attn_argument_kind kind = ATTN_ARGUMENT_BUFFER;
  attn_dtype dtype = ATTN_DTYPE_NONE;
  attn_dtype narrowed = ATTN_DTYPE_NONE;
  attn_access access = ATTN_ACCESS_READ;
  std::vector<int64_t> dims; // ATTN_DYNAMIC where "?"
  /// What the code needs, nothing where it takes any.
  std::vector<std::optional<int64_t>> strides;
};

struct Result {
  std::string name;
  attn_dtype dtype = ATTN_DTYPE_NONE;
  std::vector<Expression> shape;
  int32_t argument = -1;
  bool dense = false; // the code needs a dense row-major tensor
};

struct Temporary {
  /// What is larger in a call stays in the workspace.
  static constexpr size_t mostKeptBytes = 4096;

  std::string name;
  Expression bytes;
  size_t align = 64;
  bool zero = false;
  /// Launches leave it as they found it, zeroed: where a backend may keep it
  /// from one launch to the next, as an offset in its memory for that.
  std::optional<size_t> kept;
};

/// A buffer that a kernel gets a pointer to.
struct BufferRef {
  enum Kind { OfArgument, OfResult, OfTemporary } kind = OfArgument;
  size_t index = 0;
};

/// How a tensor map (a descriptor for NVIDIA's bulk copies) is made of a
/// buffer. Innermost dimension first; strides in bytes, without the innermost.
struct TensorMapRecipe {
  /// What addresses and strides, in bytes, are multiples of; and what strides
  /// are below.
  static constexpr int64_t unit = 16, strideLimit = int64_t(1) << 40;

  attn_dtype dtype = ATTN_DTYPE_NONE;
  std::vector<Expression> sizes, strides;
  std::vector<int64_t> box;
};

struct LaunchArgument {
  enum Kind { Buffer, Value, Scalar, TensorMap } kind = Buffer;
  int64_t multiple = 1;             // what it must divide by
  BufferRef buffer;                 // Buffer, TensorMap
  Expression value;                 // Value
  std::optional<Expression> offset; // Buffer, TensorMap: bytes into it
  attn_dtype type = ATTN_DTYPE_I64; // Value: I32, I64 or F32
  size_t scalar = 0;                // Scalar: index of the argument
  TensorMapRecipe tensorMap;        // TensorMap
};

struct LaunchDescription {
  std::string kernel;
  std::string code; // "": not compiled
  std::array<Expression, 3> grid;
  bool reverse = false;
  std::array<int64_t, 3> block{1, 1, 1};
  std::optional<Expression> shared;
  std::optional<Expression> stack;
  std::optional<Expression> when;
  std::vector<LaunchArgument> arguments;
};

struct NamedExpression {
  std::string name;
  Expression value;
};

struct Check {
  /// A condition on what buffers hold, for every index below these extents.
  std::optional<std::vector<Expression>> loops;
  Expression condition;
  std::string message;
  std::vector<NamedExpression> values;
  bool usesResults = false;
};

struct Description {
  std::string target;
  std::string chip;
  std::string entry;
  std::vector<std::string> features;
  std::vector<NamedExpression> symbols;
  std::vector<Argument> arguments;
  std::vector<Result> results;
  std::vector<Temporary> temporaries;
  size_t keptBytes = 0; // of all temporaries that may be kept
  std::vector<LaunchDescription> launches;
  int64_t addressMultiple = 1; // the largest that launches ask buffers for
  std::vector<Check> checks;
  std::optional<Expression> fusedBytes;
  std::optional<Expression> standardBytes;
  std::vector<NamedExpression> metrics;

  const std::string &nameOf(const BufferRef &buffer) const {
    if (buffer.kind == BufferRef::OfTemporary)
      return temporaries[buffer.index].name;
    if (buffer.kind == BufferRef::OfResult)
      return results[buffer.index].name;
    return arguments[buffer.index].name;
  }
};

/// What a bundle, an artifact with code for several chips, says of one of them.
struct VariantDescription {
  std::string target;
  std::string chip;
  std::string entry;
  std::vector<std::string> features;
  std::string section; // which holds an artifact of its own
};

/// The variants of a bundle; none if `json` describes something else. Throws
/// as parseDescription does.
std::optional<std::vector<VariantDescription>>
parseBundle(std::string_view json);

/// Parses and validates `json`. Throws Failure(MALFORMED_ARTIFACT) naming the
/// JSON path of what is wrong, or UNSUPPORTED_VERSION.
Description parseDescription(std::string_view json);

} // namespace attn::runtime

#endif // ATTN_RUNTIME_SRC_DESCRIPTION_H
