//===- Tensor.h - Host tensors of the reference interpreter -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A dense row-major tensor in host memory, its element type an MLIR type, and
// the rounding of doubles to that type.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_REFERENCE_TENSOR_H
#define ATTN_REFERENCE_TENSOR_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/Support/LLVM.h"

#include <optional>
#include <string>
#include <vector>

namespace attn::reference {

/// Rounds to the values that a float type has: nearest, ties to even, with
/// subnormals, overflow to infinity. One rounding from double.
class Rounding {
public:
  explicit Rounding(mlir::FloatType type);
  double operator()(double x) const;
  /// The second nearest number if `x` has to be rounded; x if not.
  double takeOtherSide(double x) const;

private:
  /// Double itself: nothing to round; float, to which processors round.
  bool exact, isSingle;
  int precision, minExponent;
  double largest;
};

/// True for the element types that tensors may have: f16, bf16, f32, f64, i1,
/// i8, i16, i32, i64 and index.
bool isSupportedElement(mlir::Type type);

/// Bytes of one element in memory (i1: one byte, 0 or 1; index: 8).
int64_t getElementBytes(mlir::Type type);

/// Number of elements of `shape`, std::nullopt if it does not fit 63 bits.
std::optional<int64_t> countElements(mlir::ArrayRef<int64_t> shape);

/// What is wrong with a shape where `expected` (with dynamic sizes) is due, in
/// the words of a launch; "" if it fits.
std::string explainShape(mlir::ArrayRef<int64_t> shape,
                         mlir::ArrayRef<int64_t> expected);

/// A dense row-major tensor. Scalars have rank 0.
struct Tensor {
  mlir::Type elementType;
  mlir::SmallVector<int64_t> shape;
  std::vector<char> bytes;
  /// For an o in float64: the largest sum of p |v| behind an element, which the
  /// roundings on the way are relative to (rule 20). 0: not known.
  double magnitude = 0;
  /// And the largest mean of |scale| |q| |k| by p of a row (norms of vectors),
  /// which the roundings in a sum q k are relative to.
  double logitMagnitude = 0;

  Tensor() = default;
  /// A tensor of zeros.
  Tensor(mlir::Type elementType, mlir::ArrayRef<int64_t> shape);

  int64_t getNumElements() const;
  bool isFloat() const { return mlir::isa<mlir::FloatType>(elementType); }

  /// Element `linear` in row-major order. Floats are widened exactly; setting
  /// rounds once. Integers are signed (i1: 0 or 1).
  double getFloat(int64_t linear) const;
  void setFloat(int64_t linear, double value);
  int64_t getInt(int64_t linear) const;
  void setInt(int64_t linear, int64_t value);

  /// The same numbers in another float type.
  Tensor convertedTo(mlir::FloatType type) const;
};

} // namespace attn::reference

#endif // ATTN_REFERENCE_TENSOR_H
