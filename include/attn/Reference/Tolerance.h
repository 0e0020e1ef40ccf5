//===- Tolerance.h - Is a result accurate enough? ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rule 20: o and lse of a backend against the float64 reference, with the
// error of the unfused computation as the measure. Also plain rtol/atol.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_REFERENCE_TOLERANCE_H
#define ATTN_REFERENCE_TOLERANCE_H

#include "attn/Reference/Interpreter.h"

#include <string>

namespace attn::reference {

struct Comparison {
  bool passed = true;
  double maxError = 0;
  /// What maxError may be; for an lse the bound at the worst element.
  double bound = 0;
  /// Row-major index of the worst element, or of the first that can never
  /// pass (NaN, an infinity that does not match).
  int64_t worst = 0;
  /// Empty if passed, else one sentence with the place and both values.
  std::string message;
};

/// |result - ref| <= absolute + relative * max(1, |ref|), element by element.
struct Tolerance {
  double absolute = 0, relative = 0;
};

/// What rule 20 allows `output` to be off; integers must be equal.
Tolerance getTolerance(const Output &output, const Tensor &ref,
                       const Tensor &unfused);

/// Rule 20 for an o: `result` and `unfused` in o's type, `ref` in float64. An
/// element that is infinite in `unfused` only is not compared (rule 17).
Comparison compareOutput(const Tensor &result, const Tensor &ref,
                         const Tensor &unfused, bool softcap,
                         mlir::Type inputType = {});

/// Rule 20 for an lse whose queries have type `inputType`.
Comparison compareLse(const Tensor &result, const Tensor &ref,
                      mlir::Type inputType);

/// Whichever clause of rule 20 `output` falls under; integers must be equal.
Comparison checkRule20(const Output &output, const Tensor &result,
                       const Tensor &ref, const Tensor &unfused);

/// |result - expected| <= atol + rtol * |expected|; NaN and infinities match
/// themselves.
Comparison compareClose(const Tensor &result, const Tensor &expected,
                        double rtol, double atol);

} // namespace attn::reference

#endif // ATTN_REFERENCE_TOLERANCE_H
