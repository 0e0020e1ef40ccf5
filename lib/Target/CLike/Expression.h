//===- Expression.h - Text of an expression ---------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Text with the strength of its outermost operator, so that parentheses are
// printed where they are needed.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_TARGET_CLIKE_EXPRESSION_H
#define LIB_TARGET_CLIKE_EXPRESSION_H

#include <string>

namespace attn::clike {

/// Binding strengths, as far as languages agree on them: what one of them does
/// not let stand side by side is in parentheses for all.
enum Precedence : int {
  kConditional,
  kOr,
  kAnd,
  kRelation,
  kBits, // &, |, ^, << and >> take unary operands only
  kSum,
  kProduct,
  kUnary,
  kPrimary
};

struct Expression {
  std::string text;
  Precedence precedence = kPrimary;

  /// The text as an operand of something that binds with `strength`.
  std::string at(int strength) const {
    return precedence >= strength ? text : "(" + text + ")";
  }
};

} // namespace attn::clike

#endif // LIB_TARGET_CLIKE_EXPRESSION_H
