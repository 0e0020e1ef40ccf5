//===- ReferenceTest.h - What the tests of the reference share --*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs MLIR text through the interpreter, and a second, naive statement of
// attention in plain loops over std::function that tests compare it with.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_UNIT_REFERENCE_REFERENCETEST_H
#define ATTN_TEST_UNIT_REFERENCE_REFERENCETEST_H

#include "attn/Dialect/Attn/Attn.h"
#include "attn/Reference/Interpreter.h"
#include "attn/Reference/Tolerance.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <random>

namespace attn::reference {

inline constexpr double kInf = std::numeric_limits<double>::infinity();
inline const double kNaN = std::numeric_limits<double>::quiet_NaN();

/// A naive attention problem: dense [b, h, s, d] doubles, everything else a
/// function. Deliberately slow and obvious.
struct Naive {
  int64_t b, hq, hkv, sq, skv, dk, dv;
  std::vector<double> q, k, v;
  double scale;
  std::function<double(double, int64_t, int64_t, int64_t, int64_t)> score =
      [](double s, int64_t, int64_t, int64_t, int64_t) { return s; };
  std::function<bool(int64_t, int64_t, int64_t, int64_t)> mask =
      [](int64_t, int64_t, int64_t, int64_t) { return true; };
  std::function<double(int64_t)> sink = [](int64_t) { return -kInf; };

  Naive(int64_t b, int64_t hq, int64_t hkv, int64_t sq, int64_t skv, int64_t dk,
        int64_t dv)
      : b(b), hq(hq), hkv(hkv), sq(sq), skv(skv), dk(dk), dv(dv),
        q(random(b * hq * sq * dk, 1)), k(random(b * hkv * skv * dk, 2)),
        v(random(b * hkv * skv * dv, 3)), scale(1 / std::sqrt(double(dk))) {}

  /// Multiples of 1/64 in [-2, 2]: exact in every float type.
  static std::vector<double> random(int64_t count, unsigned seed) {
    std::mt19937 generator(seed);
    std::vector<double> numbers(count);
    for (double &x : numbers)
      x = (static_cast<int>(generator() % 257) - 128) / 64.0;
    return numbers;
  }

  struct Result {
    std::vector<double> o, lse;
  };
  Result run() const {
    Result result;
    for (int64_t ib = 0; ib < b; ++ib)
      for (int64_t ih = 0; ih < hq; ++ih)
        for (int64_t i = 0; i < sq; ++i)
          row(ib, ih, i, result);
    return result;
  }

private:
  void row(int64_t ib, int64_t ih, int64_t i, Result &result) const {
    int64_t ihk = ih / (hq / hkv);
    double sum = 0;
    std::vector<double> acc(dv, 0.0);
    // Moderate scores: no maximum needs to be taken out.
    for (int64_t j = 0; j < skv; ++j) {
      if (!mask(ib, ih, i, j))
        continue;
      double s = 0;
      for (int64_t d = 0; d < dk; ++d)
        s += q[((ib * hq + ih) * sq + i) * dk + d] *
             k[((ib * hkv + ihk) * skv + j) * dk + d];
      double p = std::exp(score(s * scale, ib, ih, i, j));
      sum += p;
      for (int64_t d = 0; d < dv; ++d)
        acc[d] += p * v[((ib * hkv + ihk) * skv + j) * dv + d];
    }
    sum += std::exp(sink(ih));
    for (double x : acc)
      result.o.push_back(sum == 0 ? 0 : x / sum);
    result.lse.push_back(std::log(sum));
  }
};

class ReferenceTest : public ::testing::Test {
protected:
  ReferenceTest() {
    context.loadDialect<AttnDialect, mlir::arith::ArithDialect,
                        mlir::func::FuncDialect, mlir::math::MathDialect,
                        mlir::memref::MemRefDialect, mlir::scf::SCFDialect,
                        mlir::tensor::TensorDialect>();
  }

  mlir::Type type(llvm::StringRef text) {
    return mlir::parseType(text, &context);
  }

  /// A tensor of floats or integers given as doubles.
  Tensor make(llvm::StringRef element, llvm::ArrayRef<int64_t> shape,
              llvm::ArrayRef<double> numbers) {
    Tensor tensor(type(element), shape);
    EXPECT_EQ(tensor.getNumElements(), static_cast<int64_t>(numbers.size()));
    for (auto [n, x] : llvm::enumerate(numbers))
      tensor.isFloat() ? tensor.setFloat(n, x)
                       : tensor.setInt(n, static_cast<int64_t>(x));
    return tensor;
  }
  Tensor scalar(llvm::StringRef element, double x) {
    return make(element, {}, {x});
  }
  /// q, k, v of a naive problem in [b, h, s, d].
  std::vector<Tensor> makeQKV(const Naive &n, llvm::StringRef element = "f32") {
    return {make(element, {n.b, n.hq, n.sq, n.dk}, n.q),
            make(element, {n.b, n.hkv, n.skv, n.dk}, n.k),
            make(element, {n.b, n.hkv, n.skv, n.dv}, n.v)};
  }

  /// Runs the only function of `text`. Diagnostics end up in `diagnostic`.
  mlir::FailureOr<llvm::SmallVector<Tensor>>
  tryRun(llvm::StringRef text, llvm::ArrayRef<Tensor> inputs,
         Options options = {}) {
    diagnostic.clear();
    mlir::ScopedDiagnosticHandler handler(&context, [&](mlir::Diagnostic &d) {
      diagnostic += (diagnostic.empty() ? "" : "\n") + d.str();
      return mlir::success();
    });
    auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    if (!module)
      return mlir::failure();
    auto function = *module->getOps<mlir::func::FuncOp>().begin();
    return interpret(function, inputs, options);
  }
  std::vector<std::vector<double>> run(llvm::StringRef text,
                                       llvm::ArrayRef<Tensor> inputs,
                                       Options options = {}) {
    auto outputs = tryRun(text, inputs, options);
    EXPECT_TRUE(succeeded(outputs)) << diagnostic;
    std::vector<std::vector<double>> numbers;
    if (succeeded(outputs))
      for (const Tensor &tensor : *outputs) {
        std::vector<double> &list = numbers.emplace_back();
        for (int64_t n = 0; n < tensor.getNumElements(); ++n)
          list.push_back(tensor.isFloat() ? tensor.getFloat(n)
                                          : double(tensor.getInt(n)));
      }
    numbers.resize(std::max<size_t>(numbers.size(), 2));
    return numbers;
  }
  void expectDiagnostic(llvm::StringRef text, llvm::ArrayRef<Tensor> inputs,
                        llvm::StringRef part) {
    EXPECT_TRUE(failed(tryRun(text, inputs)));
    EXPECT_NE(diagnostic.find(part.str()), std::string::npos) << diagnostic;
    EXPECT_EQ(diagnostic.find('\n'), std::string::npos)
        << "more than one diagnostic: " << diagnostic;
  }

  static void expectNear(const std::vector<double> &got,
                         const std::vector<double> &want,
                         double tolerance = 1e-12) {
    ASSERT_EQ(got.size(), want.size());
    for (size_t n = 0; n < got.size(); ++n) {
      if (std::isnan(want[n]))
        EXPECT_TRUE(std::isnan(got[n])) << "element " << n << ": " << got[n];
      else if (std::isinf(want[n]))
        EXPECT_EQ(got[n], want[n]) << "element " << n;
      else
        EXPECT_NEAR(got[n], want[n], tolerance) << "element " << n;
    }
  }

  /// An attention function on dynamic f32 [b, h, s, D] tensors; `extra` are
  /// further arguments, `clauses` what stands between ins and outs, `tail`
  /// the attributes and regions.
  static std::string attention(const Naive &n, const std::string &extra = "",
                               const std::string &clauses = "",
                               const std::string &tail = "",
                               const std::string &element = "f32") {
    auto tensor = [&](int64_t d) {
      return "tensor<?x?x?x" + std::to_string(d) + "x" + element + ">";
    };
    std::string tq = tensor(n.dk), tv = tensor(n.dv);
    return "func.func @f(%q: " + tq + ", %k: " + tq + ", %v: " + tv +
           (extra.empty() ? "" : ", " + extra) + ") -> (" + tv +
           ", tensor<?x?x?xf32>) {\n"
           "  %c0 = arith.constant 0 : index\n"
           "  %c1 = arith.constant 1 : index\n"
           "  %c2 = arith.constant 2 : index\n"
           "  %b = tensor.dim %q, %c0 : " +
           tq +
           "\n"
           "  %h = tensor.dim %q, %c1 : " +
           tq +
           "\n"
           "  %s = tensor.dim %q, %c2 : " +
           tq +
           "\n"
           "  %o = tensor.empty(%b, %h, %s) : " +
           tv +
           "\n"
           "  %l = tensor.empty(%b, %h, %s) : tensor<?x?x?xf32>\n"
           "  %r:2 = attn.attention ins(%q, %k, %v : " +
           tq + ", " + tq + ", " + tv + ") " + clauses +
           " outs(%o, %l : " + tv + ", tensor<?x?x?xf32>) " + tail + " -> " +
           tv + ", tensor<?x?x?xf32>\n  return %r#0, %r#1 : " + tv +
           ", tensor<?x?x?xf32>\n}\n";
  }
  /// Compares such a function with the naive problem.
  void expectNaive(const Naive &n, const std::string &text,
                   llvm::ArrayRef<Tensor> extra = {},
                   double tolerance = 1e-12) {
    std::vector<Tensor> inputs = makeQKV(n);
    inputs.insert(inputs.end(), extra.begin(), extra.end());
    auto got = run(text, inputs);
    Naive::Result want = n.run();
    expectNear(got[0], want.o, tolerance);
    expectNear(got[1], want.lse, tolerance);
  }

  mlir::MLIRContext context;
  std::string diagnostic;
};

} // namespace attn::reference

#endif // ATTN_TEST_UNIT_REFERENCE_REFERENCETEST_H
