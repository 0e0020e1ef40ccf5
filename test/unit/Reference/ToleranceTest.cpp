//===- ToleranceTest.cpp - Rule 20 as a function --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The bound, its exceptions and its message, on tensors made by hand.
//
//===----------------------------------------------------------------------===//

#include "ReferenceTest.h"

using namespace mlir;
using namespace attn::reference;

namespace {
struct attn_c20 : ReferenceTest {};
} // namespace

TEST_F(attn_c20, BoundOfAnOutput) {
  // u is off by 0.25, the grain of f32 around these values is below 1e-6.
  Tensor ref = make("f64", {1, 2}, {1, 2});
  Tensor unfused = make("f32", {1, 2}, {1.25, 2});
  auto compare = [&](double first, double second, bool softcap = false) {
    return compareOutput(make("f32", {1, 2}, {first, second}), ref, unfused,
                         softcap);
  };
  EXPECT_TRUE(compare(1, 2.5).passed);
  EXPECT_FALSE(compare(1, 2.625).passed);
  EXPECT_TRUE(compare(1, 2.75, /*softcap=*/true).passed);
  Comparison failure = compare(1, 3);
  EXPECT_FALSE(failure.passed);
  EXPECT_EQ(failure.worst, 1);
  EXPECT_DOUBLE_EQ(failure.maxError, 1);
  EXPECT_NEAR(failure.bound, 0.5, 1e-6);
  EXPECT_NE(failure.message.find("at [0, 1]: 3, expected 2"), std::string::npos)
      << failure.message;
}

TEST_F(attn_c20, GrainOfTheType) {
  // u is exact, so r + 0.3 - 0.3 in f16 is all that is allowed: 0.3 rounds to
  // 0.300048828125, 0.5 + it to 0.7998046875, minus it is 0.499755859375.
  Tensor ref = make("f64", {1}, {0.5}), unfused = make("f16", {1}, {0.5});
  double grain = 0.5 - 0.499755859375;
  auto compare = [&](double got) {
    return compareOutput(make("f16", {1}, {got}), ref, unfused, false);
  };
  EXPECT_TRUE(compare(0.5).passed);
  EXPECT_DOUBLE_EQ(compare(0.5).bound, 2 * grain);
  EXPECT_TRUE(compare(0.5 + 2 * grain).passed);
  EXPECT_FALSE(compare(0.5 + 4 * grain).passed);
}

TEST_F(attn_c20, NaNNeverPassesWhereNoneIsDue) {
  Tensor ref = make("f64", {2}, {1, kNaN}), u = make("f32", {2}, {1, kNaN});
  EXPECT_TRUE(compareOutput(make("f32", {2}, {1, kNaN}), ref, u, false).passed);
  EXPECT_FALSE(
      compareOutput(make("f32", {2}, {kNaN, kNaN}), ref, u, false).passed);
  EXPECT_FALSE(compareOutput(make("f32", {2}, {1, 1}), ref, u, false).passed);
  // Not even if u has one.
  u = make("f32", {2}, {kNaN, kNaN});
  EXPECT_FALSE(
      compareOutput(make("f32", {2}, {kNaN, kNaN}), ref, u, false).passed);
}

TEST_F(attn_c20, FloorWhereTheUnfusedComputationIsExact) {
  // Below 2 in magnitude an ulp is 2^-23 (f32) or 2^-7 (bf16) of 1; around the
  // o of 0 there is no grain to speak of.
  Tensor ref = make("f64", {1}, {0});
  auto allowed = [&](StringRef output, StringRef input) {
    Tensor exact = make(output, {1}, {0});
    return compareOutput(make(output, {1}, {0}), ref, exact, false, type(input))
        .bound;
  };
  double grain = allowed("f32", "f32");
  EXPECT_LT(grain, 0x1p-23);
  ref.magnitude = 1.5;
  EXPECT_EQ(allowed("f32", "f32"), 4 * 0x1p-23);
  EXPECT_EQ(allowed("f32", "bf16"), 4 * 0x1p-23 + 0x1p-8);
  ref.logitMagnitude = 6;
  EXPECT_EQ(allowed("f32", "f32"), 7 * 0x1p-23);
  // o is rounded at its own magnitude.
  ref = make("f64", {1}, {0.25});
  ref.magnitude = 1.5;
  Tensor exact = make("bf16", {1}, {0.25});
  EXPECT_EQ(compareOutput(exact, ref, exact, false, type("bf16")).bound,
            4 * 0x1p-23 + 0x1p-8 + 0x1p-10);
}

TEST_F(attn_c20, MagnitudeIsTheSumOfAbsoluteValues) {
  // Two equal keys, 3 and -1: o = 1, the roundings are relative to 2.
  Naive n(1, 1, 1, 1, 2, 1, 1);
  auto outputs = tryRun(attention(n), {make("f32", {1, 1, 1, 1}, {0}),
                                       make("f32", {1, 1, 2, 1}, {0, 0}),
                                       make("f32", {1, 1, 2, 1}, {3, -1})});
  ASSERT_TRUE(succeeded(outputs)) << diagnostic;
  EXPECT_EQ((*outputs)[0].getFloat(0), 1);
  EXPECT_EQ((*outputs)[0].magnitude, 2);
}

TEST_F(attn_c20, LogitMagnitudeIsTheMeanOfProductsOfNorms) {
  // |q| = 5, the keys have norms 1 and 3 and equal weights, their logits are 0;
  // a masked key of any size says nothing.
  Naive n(1, 1, 1, 1, 3, 2, 1);
  auto outputs =
      tryRun(attention(n, "", "", R"({scale_value = -0.5 : f32}
    mask(%bb: index, %hh: index, %i: index, %j: index) {
      %isFirstTwo = arith.cmpi ult, %j, %c2 : index
      attn.yield %isFirstTwo : i1
    })"),
             {make("f32", {1, 1, 1, 2}, {3, 4}),
              make("f32", {1, 1, 3, 2}, {-0.8, 0.6, 2.4, -1.8, 99, 99}),
              make("f32", {1, 1, 3, 1}, {1, 1, 1})});
  ASSERT_TRUE(succeeded(outputs)) << diagnostic;
  EXPECT_NEAR((*outputs)[0].logitMagnitude, 0.5 * 5 * 2, 1e-6);
}

TEST_F(attn_c20, OverflowOfTheAccumulatorIsNotCompared) {
  Tensor ref = make("f64", {2}, {1e37, 1}), u = make("f32", {2}, {kInf, 1});
  for (double got : {kInf, kNaN, 0.0}) {
    EXPECT_TRUE(
        compareOutput(make("f32", {2}, {got, 1}), ref, u, false).passed);
    EXPECT_FALSE(
        compareOutput(make("f32", {2}, {1e37, got}), ref, u, false).passed);
  }
  // An infinity that is due is compared.
  ref = make("f64", {2}, {kInf, 1});
  EXPECT_FALSE(compareOutput(make("f32", {2}, {0, 1}), ref, u, false).passed);
}

TEST_F(attn_c20, LseTolerance) {
  Tensor ref = make("f64", {3}, {0.5, 100, -kInf});
  auto passes = [&](double a, double b, double c, StringRef inputs) {
    return compareLse(make("f32", {3}, {a, b, c}), ref, type(inputs)).passed;
  };
  EXPECT_TRUE(passes(0.500009, 100.0009, -kInf, "f32"));
  EXPECT_FALSE(passes(0.50002, 100, -kInf, "f32"));
  EXPECT_FALSE(passes(0.5, 100.002, -kInf, "f32"));
  EXPECT_TRUE(passes(0.5009, 100.09, -kInf, "bf16"));
  EXPECT_FALSE(passes(0.502, 100, -kInf, "bf16"));
  EXPECT_FALSE(passes(0.5, 100, -1e30, "bf16"));
  EXPECT_FALSE(passes(-kInf, 100, -kInf, "bf16"));
}

TEST_F(attn_c20, CloseNumbersAndIntegers) {
  Tensor want = make("f64", {2}, {100, 0});
  EXPECT_TRUE(compareClose(make("f32", {2}, {100.5, 0}), want, 0.01, 0).passed);
  EXPECT_FALSE(
      compareClose(make("f32", {2}, {100, 0.5}), want, 0.01, 0.1).passed);
  EXPECT_FALSE(compareClose(make("f32", {1}, {100}), want, 1, 1).passed);
  EXPECT_FALSE(compareClose(make("i32", {2}, {100, 0}), want, 1, 1).passed);
  EXPECT_FALSE(
      compareClose(make("i32", {2}, {1, 2}), make("i32", {2}, {1, 3}), 1, 1)
          .passed);
}

TEST_F(attn_c20, WhatOutputsAre) {
  auto module = mlir::parseSourceString<mlir::ModuleOp>(R"(
    func.func @f(%q: memref<1x1x2x4xf16>, %o: memref<1x2x1x4xf16>, %l: memref<1x1x2xf32>) {
      %t = memref.transpose %o (b, s, h, d) -> (b, h, s, d)
        : memref<1x2x1x4xf16> to memref<1x1x2x4xf16, strided<[8, 4, 4, 1]>>
      attn.attention ins(%q, %q, %q : memref<1x1x2x4xf16>, memref<1x1x2x4xf16>, memref<1x1x2x4xf16>)
        outs(%t, %l : memref<1x1x2x4xf16, strided<[8, 4, 4, 1]>>, memref<1x1x2xf32>)
        {softcap = 2.0 : f32}
      return
    })",
                                                        &context);
  auto function = *module->getOps<mlir::func::FuncOp>().begin();
  SmallVector<Output> outputs = getOutputs(function);
  ASSERT_EQ(outputs.size(), 2u);
  EXPECT_EQ(outputs[0].argument, 1u);
  EXPECT_EQ(outputs[0].kind, Output::Kind::Value);
  EXPECT_TRUE(outputs[0].softcap);
  EXPECT_EQ(outputs[1].argument, 2u);
  EXPECT_EQ(outputs[1].kind, Output::Kind::Lse);
  EXPECT_EQ(outputs[1].inputType, type("f16"));
  EXPECT_FALSE(isDestination(function, 0));
  EXPECT_TRUE(isDestination(function, 1));
  EXPECT_TRUE(isDestination(function, 2));
}
