//===- Npy.cpp - Tensors from and to .npy files ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The mapping of element types; the format itself is the runtime's.
//
//===----------------------------------------------------------------------===//

#include "attn/Execution/Npy.h"

#include "attn/runtime/Npy.h"

using namespace mlir;
using namespace attn;
using namespace attn::execution;
using runtime::NpyType;

static std::string toString(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

/// The .npy type of tensors with elements of `type`.
static std::optional<NpyType> getNpyType(Type type, bool bf16,
                                         std::string &error) {
  if (type.isBF16() && !bf16) {
    error = "bf16 has no .npy type; --bf16 stores its bits as uint16";
    return std::nullopt;
  }
  if (type.isBF16())
    return NpyType::U2;
  if (type.isF16())
    return NpyType::F2;
  if (type.isF32())
    return NpyType::F4;
  if (type.isF64())
    return NpyType::F8;
  if (type.isInteger(1))
    return NpyType::B1;
  if (type.isInteger(8))
    return NpyType::I1;
  if (type.isInteger(32))
    return NpyType::I4;
  if (type.isInteger(64) || type.isIndex())
    return NpyType::I8;
  error = "a program takes no elements of type " + toString(type) +
          "; it takes f32, f16, bf16, f64, i1, i8, i32 and i64";
  return std::nullopt;
}

static bool isByte(NpyType type) {
  return type == NpyType::B1 || type == NpyType::I1 || type == NpyType::U1;
}

/// Masks come as bytes of any type: i8 has no sign, and i1 is whether a byte is
/// not 0.
static void convertBytes(runtime::NpyArray &array, NpyType type) {
  if (type == NpyType::B1)
    for (char &byte : array.data)
      byte = byte != 0;
  array.type = type;
}

FailureOr<reference::Tensor>
attn::execution::readTensor(const std::string &path, Type elementType,
                            bool bf16, std::string &error) {
  std::optional<NpyType> type = getNpyType(elementType, bf16, error);
  runtime::NpyArray array;
  if (!type || !runtime::readNpy(path, array, error))
    return failure();
  if (isByte(array.type) && isByte(*type))
    convertBytes(array, *type);
  if (array.type != *type) {
    error = path + ": has elements of type " + npyTypeName(array.type) +
            ", expected " + npyTypeName(*type) + " for " +
            toString(elementType);
    return failure();
  }
  reference::Tensor tensor;
  tensor.elementType = elementType;
  tensor.shape.assign(array.shape.begin(), array.shape.end());
  tensor.bytes = std::move(array.data);
  return tensor;
}

LogicalResult attn::execution::writeTensor(const std::string &path,
                                           const reference::Tensor &tensor,
                                           bool bf16, std::string &error) {
  std::optional<NpyType> type = getNpyType(tensor.elementType, bf16, error);
  if (!type)
    return failure();
  return success(
      runtime::writeNpy(path, *type, {tensor.shape.begin(), tensor.shape.end()},
                        tensor.bytes.data(), tensor.bytes.size(), error));
}
