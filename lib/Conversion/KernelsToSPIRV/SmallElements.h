//===- SmallElements.h - What holds the values of kernels -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Without features, SPIR-V has i1, i32 and f32. f16 is held as the f32 that it
// equals and bf16 as its bits in an i32, unless the machine has them; i8 and
// i16 as an i32. In buffers they lie as the program says, several a word.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_KERNELSTOSPIRV_SMALLELEMENTS_H
#define LIB_CONVERSION_KERNELSTOSPIRV_SMALLELEMENTS_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SPIRV/IR/SPIRVOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn {

/// The bits of an element in a buffer.
unsigned getElementBits(mlir::Type type);

/// How a machine holds the values of kernels.
class Words {
public:
  Words(bool hasHalf, bool hasBFloat)
      : hasHalf(hasHalf), hasBFloat(hasBFloat) {}

  /// i1, i32, f32, or f16 and bf16 where there are such, whichever holds a
  /// value of `type`; null if none does.
  mlir::Type getType(mlir::Type type) const;
  /// Whether a value of `type`, a float of 16 bits, is one there, too.
  bool has(mlir::Type type) const {
    return (hasHalf && type.isF16()) || (hasBFloat && type.isBF16());
  }
  /// Whether elements of a buffer are taken out of words of several.
  bool arePacked(mlir::Type element) const {
    return getElementBits(element) < 32 && !has(element);
  }

  /// A value of `type` that `word` holds, and the other way round. Booleans are
  /// words that are not 0.
  mlir::Value from(mlir::ImplicitLocOpBuilder &b, mlir::Value word,
                   mlir::Type type) const;
  mlir::Value to(mlir::ImplicitLocOpBuilder &b, mlir::Value value) const;

  /// The value of `type` whose bits are the low ones of `bits`.
  mlir::Value decode(mlir::ImplicitLocOpBuilder &b, mlir::Value bits,
                     mlir::Type type) const;
  /// The values of `type`, a float, that a word of memory holds, the low bits
  /// first.
  mlir::SmallVector<mlir::Value> unpack(mlir::ImplicitLocOpBuilder &b,
                                        mlir::Value word,
                                        mlir::Type type) const;
  /// The bits of a value as an i32. What is no f16 yet is rounded to the
  /// nearest one, ties to even.
  mlir::Value encode(mlir::ImplicitLocOpBuilder &b, mlir::Value value) const;

  /// Makes conversions of f16 and bf16 below `root` ones of the words that hold
  /// them.
  void expandConversions(mlir::Operation *root) const;

private:
  void expand(mlir::arith::TruncFOp op) const;
  void expand(mlir::arith::ExtFOp op) const;
  void expand(mlir::arith::BitcastOp op) const;

  bool hasHalf, hasBFloat;
};

/// The f32 that has the value of the bf16 nearest to an f32, ties to even: any
/// conversion of it to bf16 is exact.
mlir::Value roundToBFloat(mlir::ImplicitLocOpBuilder &b, mlir::Value number);

/// Where in an array of words an element lies.
struct PackedPosition {
  /// Element number `position` of `type`.
  PackedPosition(mlir::ImplicitLocOpBuilder &b, mlir::Value position,
                 mlir::Type type);

  /// Threads, also of other workgroups, store other elements of the word.
  void storeAtomically(mlir::Value pointer, mlir::Value bits,
                       mlir::spirv::Scope scope);

  mlir::Value word, shift;

private:
  mlir::ImplicitLocOpBuilder &b;
  unsigned width;
};

} // namespace attn

#endif // LIB_CONVERSION_KERNELSTOSPIRV_SMALLELEMENTS_H
