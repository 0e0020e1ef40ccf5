//===- ScalarTest.cpp - What scalar ops mean in regions -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rule 8: integers are signed, index arithmetic has 64 bits, narrow integers
// wrap, casts saturate or round.
//
//===----------------------------------------------------------------------===//

#include "ReferenceTest.h"

using namespace mlir;
using namespace attn::reference;

namespace {
struct attn_c8_scalars : ReferenceTest {
  /// Value of `%r : type` after `body`.
  double eval(const std::string &type, const std::string &body,
              Mode mode = Mode::Float64) {
    return run("func.func @f() -> " + type + " {\n" + body +
                   "\n return %r : " + type + "\n}",
               {}, {mode})[0][0];
  }
  double binary(const std::string &op, const std::string &type, int64_t a,
                int64_t b) {
    return eval(type, "%a = arith.constant " + std::to_string(a) + " : " +
                          type + "\n%b = arith.constant " + std::to_string(b) +
                          " : " + type + "\n%r = " + op + " %a, %b : " + type);
  }
  double unary(const std::string &op, const std::string &x,
               Mode mode = Mode::Float64) {
    return eval("f32",
                "%a = arith.constant " + x + " : f32\n%r = " + op + " %a : f32",
                mode);
  }
};
} // namespace

TEST_F(attn_c8_scalars, SignedDivision) {
  EXPECT_EQ(binary("arith.divsi", "index", -7, 2), -3);
  EXPECT_EQ(binary("arith.floordivsi", "index", -7, 2), -4);
  EXPECT_EQ(binary("arith.floordivsi", "index", 7, -2), -4);
  EXPECT_EQ(binary("arith.floordivsi", "index", -8, 2), -4);
  EXPECT_EQ(binary("arith.ceildivsi", "index", -7, 2), -3);
  EXPECT_EQ(binary("arith.ceildivsi", "index", 7, 2), 4);
  EXPECT_EQ(binary("arith.remsi", "index", -7, 4), -3);
  EXPECT_EQ(binary("arith.divui", "i32", -2, 2), 0x7fffffff);
  EXPECT_EQ(binary("arith.remui", "i32", -1, 10), 5);
}

TEST_F(attn_c8_scalars, UndefinedCasesDoNotTrap) {
  EXPECT_EQ(binary("arith.divsi", "index", 5, 0), 0);
  EXPECT_EQ(binary("arith.remsi", "index", 5, 0), 0);
  EXPECT_EQ(binary("arith.divsi", "i32", INT32_MIN, -1), INT32_MIN);
  EXPECT_EQ(binary("arith.remsi", "i32", INT32_MIN, -1), 0);
  EXPECT_EQ(binary("arith.floordivsi", "i32", INT32_MIN, -1), INT32_MIN);
  EXPECT_EQ(binary("arith.ceildivui", "i32", 7, 0), 0);
  EXPECT_EQ(binary("arith.shli", "i32", 1, 40), 0);
  EXPECT_EQ(binary("arith.shrui", "i32", -1, 32), 0);
  EXPECT_EQ(binary("arith.shrsi", "i32", -8, 40), -1);
  EXPECT_EQ(binary("arith.shrsi", "i32", 8, -1), 0);
}

TEST_F(attn_c8_scalars, NarrowIntegersWrap) {
  EXPECT_EQ(binary("arith.addi", "i32", INT32_MAX, 1), INT32_MIN);
  EXPECT_EQ(binary("arith.muli", "i8", 100, 3), 44);
  EXPECT_EQ(binary("arith.addi", "index", INT32_MAX, 1), 2147483648.0);
  EXPECT_EQ(binary("arith.shrsi", "i32", -8, 1), -4);
  EXPECT_EQ(binary("arith.shrui", "i32", -8, 28), 15);
  EXPECT_EQ(binary("arith.xori", "i32", 6, 3), 5);
  EXPECT_EQ(binary("arith.minsi", "i32", -1, 1), -1);
  EXPECT_EQ(binary("arith.minui", "i32", -1, 1), 1);
}

TEST_F(attn_c8_scalars, Comparisons) {
  auto compare = [&](const std::string &predicate, int64_t a, int64_t b) {
    return eval("i1", "%a = arith.constant " + std::to_string(a) +
                          " : index\n%b = arith.constant " + std::to_string(b) +
                          " : index\n%r = arith.cmpi " + predicate +
                          ", %a, %b : index");
  };
  EXPECT_EQ(compare("slt", -1, 0), 1);
  EXPECT_EQ(compare("ult", -1, 0), 0);
  EXPECT_EQ(compare("sge", 3, 3), 1);
  EXPECT_EQ(compare("ne", 3, 3), 0);
  auto compareNaN = [&](const std::string &predicate) {
    return eval("i1", "%a = arith.constant 0x7FC00000 : f32\n%r = arith.cmpf " +
                          predicate + ", %a, %a : f32");
  };
  EXPECT_EQ(compareNaN("oeq"), 0);
  EXPECT_EQ(compareNaN("une"), 1);
  EXPECT_EQ(compareNaN("uno"), 1);
  EXPECT_EQ(compareNaN("ord"), 0);
}

TEST_F(attn_c8_scalars, BooleansExtend) {
  std::string extend = "%t = arith.constant true\n%r = arith.";
  EXPECT_EQ(eval("i32", extend + "extui %t : i1 to i32"), 1);
  EXPECT_EQ(eval("i32", extend + "extsi %t : i1 to i32"), -1);
}

TEST_F(attn_c8_scalars, Casts) {
  auto cast = [&](const std::string &x, const std::string &op,
                  const std::string &to) {
    return eval(to, "%a = arith.constant " + x + " : f32\n%r = arith." + op +
                        " %a : f32 to " + to);
  };
  EXPECT_EQ(cast("-2.75", "fptosi", "i32"), -2);
  EXPECT_EQ(cast("1.0e20", "fptosi", "i32"), INT32_MAX);
  EXPECT_EQ(cast("-1.0e20", "fptosi", "i32"), INT32_MIN);
  EXPECT_EQ(cast("0x7FC00000", "fptosi", "i32"), 0);
  EXPECT_EQ(cast("-1.0", "fptoui", "i32"), 0);
  EXPECT_EQ(cast("0.3", "truncf", "f16"), 0.300048828125);
}

TEST_F(attn_c8_scalars, MinAndMaxOfNaN) {
  auto binaryNaN = [&](const std::string &op) {
    return eval("f32", "%a = arith.constant 0x7FC00000 : f32\n"
                       "%b = arith.constant 2.0 : f32\n%r = arith." +
                           op + " %a, %b : f32");
  };
  EXPECT_TRUE(std::isnan(binaryNaN("maximumf")));
  EXPECT_TRUE(std::isnan(binaryNaN("minimumf")));
  EXPECT_EQ(binaryNaN("maxnumf"), 2);
  EXPECT_EQ(binaryNaN("minnumf"), 2);
}

TEST_F(attn_c8_scalars, MathFunctions) {
  EXPECT_DOUBLE_EQ(unary("math.exp", "1.5"), std::exp(1.5));
  EXPECT_DOUBLE_EQ(unary("math.exp2", "1.5"), std::exp2(1.5));
  EXPECT_DOUBLE_EQ(unary("math.log", "1.5"), std::log(1.5));
  EXPECT_DOUBLE_EQ(unary("math.tanh", "1.5"), std::tanh(1.5));
  EXPECT_DOUBLE_EQ(unary("math.sqrt", "1.5"), std::sqrt(1.5));
  EXPECT_DOUBLE_EQ(unary("math.rsqrt", "1.5"), 1 / std::sqrt(1.5));
  EXPECT_DOUBLE_EQ(unary("math.sin", "1.5"), std::sin(1.5));
  EXPECT_DOUBLE_EQ(unary("math.cos", "1.5"), std::cos(1.5));
  EXPECT_DOUBLE_EQ(unary("math.absf", "-1.5"), 1.5);
  // The unfused computation is in f32.
  EXPECT_EQ(unary("math.exp", "1.5", Mode::Unfused), std::exp(1.5f));
}

TEST_F(attn_c8_scalars, LoopsOfTheHost) {
  EXPECT_EQ(eval("index", R"(
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c5 = arith.constant 5 : index
    %r = scf.for %n = %c0 to %c5 step %c1 iter_args(%sum = %c0) -> index {
      %next = arith.addi %sum, %n : index
      scf.yield %next : index
    })"),
            10);
}

TEST_F(attn_c8_scalars, RoundingsAndFunctions) {
  EXPECT_EQ(unary("math.floor", "-1.5"), -2);
  EXPECT_EQ(unary("math.ceil", "-1.5"), -1);
  EXPECT_EQ(unary("math.trunc", "-1.5"), -1);
  EXPECT_EQ(unary("math.round", "2.5"), 3);
  EXPECT_EQ(unary("math.round", "-2.5"), -3);
  EXPECT_EQ(unary("math.roundeven", "2.5"), 2);
  EXPECT_EQ(unary("math.log1p", "0.5"), std::log1p(0.5));
  EXPECT_EQ(unary("math.erf", "0.5"), std::erf(0.5));
  auto ternary = [&](const std::string &op) {
    return eval("f32", "%a = arith.constant 3.0 : f32\n"
                       "%b = arith.constant -2.0 : f32\n"
                       "%c = arith.constant 2.5 : f32\n%r = " +
                           op);
  };
  EXPECT_EQ(ternary("math.powf %b, %a : f32"), -8);
  EXPECT_EQ(ternary("math.fma %a, %b, %c : f32"), -3.5);
  EXPECT_EQ(ternary("math.clampf %a to [%b, %c] : f32"), 2.5);
  EXPECT_EQ(eval("i1", "%a = arith.constant 0x7FC00000 : f32\n"
                       "%r = math.isnan %a : f32"),
            1);
  EXPECT_EQ(eval("i8", "%a = arith.constant -3 : i8\n"
                       "%r = math.ctpop %a : i8"),
            7);
}

TEST_F(attn_c8_scalars, UnknownOpsAreNamed) {
  expectDiagnostic("func.func @f(%x: f32) -> f32 {\n"
                   "%r = math.tan %x : f32\n return %r : f32 }",
                   {scalar("f32", 1)},
                   "'math.tan' op is not an op that the "
                   "reference interpreter knows (rule 8)");
}
