//===- SmallElements.h - Types that SPIR-V for all lacks --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Without features, SPIR-V has i1, i32 and f32. f16 is held as the f32 that it
// equals, bf16 as its bits in an i32, i8 and i16 as an i32. In buffers they lie
// as the program says, several a word.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_KERNELSTOSPIRV_SMALLELEMENTS_H
#define LIB_CONVERSION_KERNELSTOSPIRV_SMALLELEMENTS_H

#include "mlir/Dialect/SPIRV/IR/SPIRVOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn {

/// The bits of an element in a buffer.
unsigned getElementBits(mlir::Type type);

/// i1, i32 or f32, whichever holds a value of `type`; null if none does.
mlir::Type getWordType(mlir::Type type);

/// A value of `type` that `word` holds, and the other way round. Booleans are
/// words that are not 0.
mlir::Value fromWord(mlir::ImplicitLocOpBuilder &b, mlir::Value word,
                     mlir::Type type);
mlir::Value toWord(mlir::ImplicitLocOpBuilder &b, mlir::Value value);

/// The value of `type` whose bits are the low ones of `bits`.
mlir::Value decode(mlir::ImplicitLocOpBuilder &b, mlir::Value bits,
                   mlir::Type type);
/// The bits of a value as an i32. What is no f16 yet is rounded to the nearest
/// one, ties to even.
mlir::Value encode(mlir::ImplicitLocOpBuilder &b, mlir::Value value);

/// Makes conversions of f16 and bf16 below `root` ones of the words that hold
/// them.
void expandConversions(mlir::Operation *root);

/// Where in an array of words an element lies.
struct PackedPosition {
  /// Element number `position` of `type`.
  PackedPosition(mlir::ImplicitLocOpBuilder &b, mlir::Value position,
                 mlir::Type type);

  /// Threads, also of other workgroups, store other elements of the word.
  void storeAtomically(mlir::Value pointer, mlir::Value bits);

  mlir::Value word, shift;

private:
  mlir::ImplicitLocOpBuilder &b;
  unsigned width;
};

} // namespace attn

#endif // LIB_CONVERSION_KERNELSTOSPIRV_SMALLELEMENTS_H
