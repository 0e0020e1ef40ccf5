//===- Tolerance.cpp - Is a result accurate enough? -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rule 20 and plain tolerances.
//
//===----------------------------------------------------------------------===//

#include "attn/Reference/Tolerance.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace mlir;
using namespace attn::reference;

static std::string describe(const Tensor &tensor, int64_t linear, double got,
                            double want, double bound) {
  SmallVector<int64_t> indices(tensor.shape.size());
  for (int64_t dim = static_cast<int64_t>(indices.size()) - 1; dim >= 0;
       --dim) {
    indices[dim] = linear % tensor.shape[dim];
    linear /= tensor.shape[dim];
  }
  std::string message;
  llvm::raw_string_ostream os(message);
  os << "at [";
  llvm::interleaveComma(indices, os);
  os << "]: " << llvm::format("%.9g", got) << ", expected "
     << llvm::format("%.9g", want) << ", error "
     << llvm::format("%.3g", std::fabs(got - want)) << ", allowed "
     << llvm::format("%.3g", bound);
  return message;
}

/// Two values that need no arithmetic to be compared: NaN and infinities.
static std::optional<bool> compareSpecial(double got, double want) {
  if (std::isnan(got) || std::isnan(want))
    return std::isnan(got) && std::isnan(want);
  if (std::isinf(got) || std::isinf(want))
    return got == want;
  return std::nullopt;
}

/// Compares each element with its own bound, those that `isExempt` aside.
static Comparison compareEach(
    const Tensor &result, const Tensor &expected,
    function_ref<double(double)> boundOf,
    function_ref<bool(int64_t)> isExempt = [](int64_t) { return false; }) {
  Comparison comparison;
  if (result.shape != expected.shape) {
    comparison.passed = false;
    comparison.message = "the shapes differ";
    return comparison;
  }
  // The element that comes closest to its bound, or exceeds it most.
  double worstRatio = -1;
  for (int64_t n = 0, e = result.getNumElements(); n < e; ++n) {
    if (isExempt(n))
      continue;
    double got = result.getFloat(n), want = expected.getFloat(n);
    double bound = boundOf(want);
    if (std::optional<bool> same = compareSpecial(got, want)) {
      if (*same)
        continue;
      comparison.passed = false;
      comparison.maxError = HUGE_VAL;
      comparison.bound = bound;
      comparison.worst = n;
      break;
    }
    double error = std::fabs(got - want);
    double ratio = bound > 0 ? error / bound : error > 0 ? HUGE_VAL : 0;
    if (ratio > worstRatio) {
      worstRatio = ratio;
      comparison.maxError = error;
      comparison.bound = bound;
      comparison.worst = n;
    }
    comparison.passed &= error <= bound;
  }
  if (!comparison.passed)
    comparison.message =
        describe(result, comparison.worst, result.getFloat(comparison.worst),
                 expected.getFloat(comparison.worst), comparison.bound);
  return comparison;
}

/// Half the distance of the values of `type` around `magnitude`: the error of
/// one rounding.
static double roundingError(FloatType type, double magnitude) {
  if (magnitude == 0)
    return 0;
  const llvm::fltSemantics &semantics = type.getFloatSemantics();
  int exponent = std::max(std::ilogb(magnitude),
                          llvm::APFloat::semanticsMinExponent(semantics));
  int precision = llvm::APFloat::semanticsPrecision(semantics);
  return std::ldexp(0.5, exponent - precision + 1);
}

/// What a schedule of one key tile may be off where u is exact by chance: eight
/// roundings in f32 (q k, scale, difference to the maximum times log2(e), exp2
/// by an ulp, l, P V, division), those inside of the sum q k, which p sees as
/// they are relative to 1 and not to the logit, and those of P to v's type and
/// of o to its own.
static double getFloor(FloatType type, Type inputType, const Tensor &ref,
                       double largest) {
  double magnitude = ref.magnitude;
  double error = (8 + ref.logitMagnitude) *
                 roundingError(Float32Type::get(type.getContext()), magnitude);
  if (auto input = dyn_cast_if_present<FloatType>(inputType);
      input && input.getWidth() < 32)
    error += roundingError(input, magnitude);
  if (magnitude != 0 && type.getWidth() < 32)
    error += roundingError(type, largest);
  return error;
}

static Tolerance getOutputTolerance(FloatType type, Type inputType,
                                    const Tensor &ref, const Tensor &unfused,
                                    bool softcap) {
  Rounding round(type);
  double unfusedError = 0, grain = 0, largest = 0;
  for (int64_t n = 0, e = ref.getNumElements(); n < e; ++n) {
    double want = ref.getFloat(n);
    if (!std::isfinite(want))
      continue;
    // A row where u itself overflows says nothing about what is allowed.
    if (double error = std::fabs(unfused.getFloat(n) - want);
        std::isfinite(error))
      unfusedError = std::max(unfusedError, error);
    largest = std::max(largest, std::fabs(want));
    double r = round(want), offset = round(0.3);
    grain = std::max(grain, std::fabs(round(round(r + offset) - offset) - r));
  }
  double factor = softcap ? 3 : 2;
  return {std::max(factor * unfusedError + 2 * grain,
                   getFloor(type, inputType, ref, largest)),
          0};
}

static Tolerance getLseTolerance(Type inputType) {
  return {0, inputType.getIntOrFloatBitWidth() < 32 ? 1e-3 : 1e-5};
}

Comparison attn::reference::compareOutput(const Tensor &result,
                                          const Tensor &ref,
                                          const Tensor &unfused, bool softcap,
                                          Type inputType) {
  auto type = cast<FloatType>(result.elementType);
  double bound =
      getOutputTolerance(type, inputType, ref, unfused, softcap).absolute;
  // The accumulator may have overflowed on the way to a finite o (rule 17).
  Rounding round(type);
  return compareEach(
      result, ref, [=](double) { return bound; },
      [&](int64_t n) {
        return std::isinf(unfused.getFloat(n)) &&
               std::isfinite(round(ref.getFloat(n)));
      });
}

Comparison attn::reference::compareLse(const Tensor &result, const Tensor &ref,
                                       Type inputType) {
  double relative = getLseTolerance(inputType).relative;
  return compareEach(result, ref, [=](double want) {
    return relative * std::max(1.0, std::fabs(want));
  });
}

Tolerance attn::reference::getTolerance(const Output &output, const Tensor &ref,
                                        const Tensor &unfused) {
  if (output.kind == Output::Kind::Lse)
    return getLseTolerance(output.inputType);
  auto type = dyn_cast<FloatType>(getElementTypeOrSelf(output.type));
  return type ? getOutputTolerance(type, output.inputType, ref, unfused,
                                   output.softcap)
              : Tolerance();
}

/// Integers of any width, exactly.
static Comparison compareIntegers(const Tensor &result,
                                  const Tensor &expected) {
  Comparison comparison;
  comparison.passed = result.shape == expected.shape;
  if (!comparison.passed)
    comparison.message = "the shapes differ";
  for (int64_t n = 0, e = result.getNumElements(); comparison.passed && n < e;
       ++n) {
    int64_t got = result.getInt(n), want = expected.getInt(n);
    if (got == want)
      continue;
    comparison.passed = false;
    comparison.maxError = std::fabs(double(got) - double(want));
    comparison.worst = n;
    comparison.message = describe(result, n, got, want, 0);
  }
  return comparison;
}

Comparison attn::reference::checkRule20(const Output &output,
                                        const Tensor &result, const Tensor &ref,
                                        const Tensor &unfused) {
  if (!result.isFloat())
    return compareIntegers(result, ref);
  if (output.kind == Output::Kind::Lse)
    return compareLse(result, ref, output.inputType);
  return compareOutput(result, ref, unfused, output.softcap, output.inputType);
}

Comparison attn::reference::compareClose(const Tensor &result,
                                         const Tensor &expected, double rtol,
                                         double atol) {
  if (!result.isFloat() || !expected.isFloat()) {
    if (result.isFloat() == expected.isFloat())
      return compareIntegers(result, expected);
    Comparison comparison;
    comparison.passed = false;
    comparison.message = "one is of integers, the other of floats";
    return comparison;
  }
  return compareEach(result, expected, [=](double want) {
    return atol + rtol * std::fabs(want);
  });
}
