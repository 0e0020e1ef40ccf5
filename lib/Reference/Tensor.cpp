//===- Tensor.cpp - Host tensors of the reference interpreter -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Element access by type and correctly rounded narrowing.
//
//===----------------------------------------------------------------------===//

#include "attn/Reference/Tensor.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>
#include <cstring>

using namespace mlir;
using namespace attn::reference;

//===----------------------------------------------------------------------===//
// Rounding
//===----------------------------------------------------------------------===//

Rounding::Rounding(FloatType type) {
  const llvm::fltSemantics &semantics = type.getFloatSemantics();
  exact = type.isF64();
  isSingle = type.isF32();
  precision = llvm::APFloat::semanticsPrecision(semantics);
  minExponent = llvm::APFloat::semanticsMinExponent(semantics);
  largest = llvm::APFloat::getLargest(semantics).convertToDouble();
}

double Rounding::operator()(double x) const {
  if (exact || x == 0 || !std::isfinite(x))
    return x;
  if (isSingle)
    return static_cast<float>(x);
  if (std::fabs(x) >= 2 * largest)
    return std::copysign(HUGE_VAL, x);
  // What is smaller than a unit in the last place has none beside this.
  constexpr int bias = 1023, digits = 52;
  int exponent = static_cast<int>(llvm::bit_cast<uint64_t>(x) >> digits & 2047);
  uint64_t unit = std::max(exponent - bias, minExponent) - precision + 1;
  double large = 1.5 * llvm::bit_cast<double>((unit + digits + bias) << digits);
  double rounded = std::copysign(x + large - large, x);
  if (std::fabs(rounded) > largest)
    return std::copysign(HUGE_VAL, x);
  return rounded;
}

double Rounding::takeOtherSide(double x) const {
  double rounded = (*this)(x);
  if (rounded == x || !std::isfinite(rounded))
    return rounded;
  int ulp = std::max(std::ilogb(x), minExponent) - precision + 1;
  return (*this)(rounded + std::copysign(std::ldexp(1.0, ulp), x - rounded));
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

bool attn::reference::isSupportedElement(Type type) {
  if (isa<IndexType, Float16Type, BFloat16Type, Float32Type, Float64Type>(type))
    return true;
  auto integer = dyn_cast<IntegerType>(type);
  return integer && integer.isSignless() &&
         llvm::is_contained({1u, 8u, 16u, 32u, 64u}, integer.getWidth());
}

int64_t attn::reference::getElementBytes(Type type) {
  if (isa<IndexType>(type))
    return 8;
  return llvm::divideCeil(type.getIntOrFloatBitWidth(), 8);
}

std::optional<int64_t> attn::reference::countElements(ArrayRef<int64_t> shape) {
  // An empty tensor may have any other sizes.
  if (llvm::is_contained(shape, 0))
    return 0;
  int64_t count = 1;
  for (int64_t size : shape)
    if (llvm::MulOverflow(count, size, count))
      return std::nullopt;
  return count;
}

static std::string printShape(ArrayRef<int64_t> shape) {
  auto printSize = [](int64_t size) {
    return ShapedType::isDynamic(size) ? "?" : std::to_string(size);
  };
  return "[" + llvm::join(llvm::map_range(shape, printSize), ",") + "]";
}

std::string attn::reference::explainShape(ArrayRef<int64_t> shape,
                                          ArrayRef<int64_t> expected) {
  if (shape.size() != expected.size())
    return llvm::formatv("rank {0}, expected {1} (expected shape {2})",
                         shape.size(), expected.size(), printShape(expected));
  for (auto [dim, size, due] : llvm::enumerate(shape, expected))
    if (!ShapedType::isDynamic(due) && size != due)
      return llvm::formatv(
          "dimension {0} is {1}, expected {2} (shape {3}, expected {4})", dim,
          size, due, printShape(shape), printShape(expected));
  return "";
}

Tensor::Tensor(Type elementType, ArrayRef<int64_t> shape)
    : elementType(elementType), shape(shape) {
  bytes.resize(getNumElements() * getElementBytes(elementType));
}

int64_t Tensor::getNumElements() const {
  std::optional<int64_t> count = countElements(shape);
  assert(count && "element count overflows");
  return *count;
}

template <typename T>
static T loadAs(const std::vector<char> &bytes, int64_t linear) {
  T value;
  std::memcpy(&value, bytes.data() + linear * sizeof(T), sizeof(T));
  return value;
}

template <typename T>
static void storeAs(std::vector<char> &bytes, int64_t linear, T value) {
  std::memcpy(bytes.data() + linear * sizeof(T), &value, sizeof(T));
}

double Tensor::getFloat(int64_t linear) const {
  auto type = cast<FloatType>(elementType);
  if (type.isF64())
    return loadAs<double>(bytes, linear);
  if (type.isF32())
    return loadAs<float>(bytes, linear);
  llvm::APInt bits(16, loadAs<uint16_t>(bytes, linear));
  return llvm::APFloat(type.getFloatSemantics(), bits).convertToDouble();
}

void Tensor::setFloat(int64_t linear, double value) {
  auto type = cast<FloatType>(elementType);
  if (type.isF64())
    return storeAs<double>(bytes, linear, value);
  if (type.isF32())
    return storeAs<float>(bytes, linear, static_cast<float>(value));
  llvm::APFloat number(value);
  bool losesInfo;
  number.convert(type.getFloatSemantics(), llvm::APFloat::rmNearestTiesToEven,
                 &losesInfo);
  storeAs<uint16_t>(bytes, linear, number.bitcastToAPInt().getZExtValue());
}

int64_t Tensor::getInt(int64_t linear) const {
  switch (getElementBytes(elementType)) {
  case 1:
    return elementType.isInteger(1) ? loadAs<uint8_t>(bytes, linear) != 0
                                    : loadAs<int8_t>(bytes, linear);
  case 2:
    return loadAs<int16_t>(bytes, linear);
  case 4:
    return loadAs<int32_t>(bytes, linear);
  default:
    return loadAs<int64_t>(bytes, linear);
  }
}

void Tensor::setInt(int64_t linear, int64_t value) {
  switch (getElementBytes(elementType)) {
  case 1:
    return storeAs<int8_t>(bytes, linear,
                           elementType.isInteger(1) ? value & 1 : value);
  case 2:
    return storeAs<int16_t>(bytes, linear, value);
  case 4:
    return storeAs<int32_t>(bytes, linear, value);
  default:
    return storeAs<int64_t>(bytes, linear, value);
  }
}

Tensor Tensor::convertedTo(FloatType type) const {
  Tensor result(type, shape);
  for (int64_t n = 0, e = getNumElements(); n < e; ++n)
    result.setFloat(n, getFloat(n));
  return result;
}
