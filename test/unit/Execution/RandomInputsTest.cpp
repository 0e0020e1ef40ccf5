//===- RandomInputsTest.cpp - Tests of random inputs ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Floats are normal numbers in every part of the curve, and those of a seed
// stay what they are.
//
//===----------------------------------------------------------------------===//

#include "attn/Execution/RandomInputs.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"

#include "gtest/gtest.h"

#include <cmath>

using namespace mlir;
using namespace attn::execution;

namespace {

std::vector<double> makeNumbers(int64_t count, uint64_t seed) {
  MLIRContext context;
  context.loadDialect<func::FuncDialect>();
  auto module = parseSourceString<ModuleOp>("func.func @f(%x: tensor<" +
                                                std::to_string(count) +
                                                "xf32>) {\n  return\n}",
                                            &context);
  func::FuncOp function = *module->getOps<func::FuncOp>().begin();
  Signature signature(function);
  FailureOr<SmallVector<Tensor>> inputs =
      makeRandomInputs(function, signature, seed);
  std::vector<double> numbers;
  if (succeeded(inputs))
    for (int64_t n = 0; n < count; ++n)
      numbers.push_back(inputs->front().getFloat(n));
  return numbers;
}

TEST(RandomInputs, AreNormal) {
  constexpr int64_t count = 1 << 21;
  std::vector<double> numbers = makeNumbers(count, /*seed=*/7);
  ASSERT_EQ(numbers.size(), size_t(count));
  double sum = 0, squares = 0, fourths = 0;
  for (double x : numbers) {
    sum += x;
    squares += x * x;
    fourths += x * x * x * x;
  }
  EXPECT_NEAR(sum / count, 0, 0.003);
  EXPECT_NEAR(squares / count, 1, 0.005);
  EXPECT_NEAR(fourths / count, 3, 0.04);
  // 3.65 is where the tail has code of its own.
  for (double bound : {-4.2, -3.65, -2.0, -1.0, -0.1, 0.0, 0.01, 0.2, 0.5, 1.5,
                       2.5, 3.0, 3.65, 3.7, 4.0}) {
    int64_t below =
        llvm::count_if(numbers, [&](double x) { return x < bound; });
    double share = std::erfc(-bound / std::sqrt(2)) / 2;
    double deviation = std::sqrt(share * (1 - share) * count);
    EXPECT_NEAR(below, share * count, 4 * deviation) << "below " << bound;
  }
}

TEST(RandomInputs, AreOfTheirSeed) {
  std::vector<double> some = makeNumbers(1000, /*seed=*/1);
  EXPECT_EQ(some, makeNumbers(1000, /*seed=*/1));
  EXPECT_NE(some, makeNumbers(1000, /*seed=*/2));
  // On every machine.
  EXPECT_NEAR(some[0], 0.6167767, 1e-6);
  EXPECT_NEAR(some[999], -0.3907101, 1e-6);
}

} // namespace
