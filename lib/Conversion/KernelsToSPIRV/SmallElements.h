//===- SmallElements.h - Types that SPIR-V for all lacks --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Without features, SPIR-V has i1, i32 and f32. Values of other types are held
// in those, where MLIR's type conversion has them, too: f16 and bf16 as the f32
// that they equal. In buffers they lie as the program says, several a word.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_KERNELSTOSPIRV_SMALLELEMENTS_H
#define LIB_CONVERSION_KERNELSTOSPIRV_SMALLELEMENTS_H

#include "mlir/Dialect/SPIRV/IR/SPIRVOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn {

/// The bits of an element in a buffer; i64, f64 and index are narrowed.
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
/// The bits of a value as an i32, zeros in front. What is no f16 or bf16 yet is
/// rounded to the nearest one, ties to even.
mlir::Value encode(mlir::ImplicitLocOpBuilder &b, mlir::Value value);

/// The bits of an f32, or those of -inf for what is not above `sentinel`.
mlir::Value markMinusInfinity(mlir::ImplicitLocOpBuilder &b, mlir::Value value,
                              mlir::FloatAttr sentinel);

/// Makes conversions to f16 and bf16 below `root` round, although their results
/// are held as f32.
void roundConversions(mlir::Operation *root);

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
