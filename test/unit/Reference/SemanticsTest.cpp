//===- SemanticsTest.cpp - The rules of semantics.md, one by one ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attn_cN tests rule N on the reference interpreter. Expectations are computed
// by hand or by the naive loops of ReferenceTest.h.
//
//===----------------------------------------------------------------------===//

#include "ReferenceTest.h"

using namespace mlir;
using namespace attn::reference;

namespace {

struct attn_c1 : ReferenceTest {};
struct attn_c2 : ReferenceTest {};
struct attn_c3 : ReferenceTest {};
struct attn_c4 : ReferenceTest {};
struct attn_c5 : ReferenceTest {};
struct attn_c6 : ReferenceTest {};
struct attn_c7 : ReferenceTest {};
struct attn_c8 : ReferenceTest {};
struct attn_c9 : ReferenceTest {};
struct attn_c10 : ReferenceTest {};
struct attn_c11 : ReferenceTest {};
struct attn_c12 : ReferenceTest {};
struct attn_c13 : ReferenceTest {};
struct attn_c14 : ReferenceTest {};
struct attn_c15 : ReferenceTest {};
struct attn_c17 : ReferenceTest {};
struct attn_c18 : ReferenceTest {};
struct attn_c19 : ReferenceTest {};
struct attn_c21 : ReferenceTest {};
struct attn_c22 : ReferenceTest {};

/// `numbers` of shape `sizes` reordered: result dimension n is dimension
/// order[n].
std::vector<double> permute(const std::vector<double> &numbers,
                            std::vector<int64_t> sizes,
                            std::vector<int> order) {
  std::vector<double> result;
  std::vector<int64_t> strides(sizes.size(), 1);
  for (int dim = sizes.size() - 2; dim >= 0; --dim)
    strides[dim] = strides[dim + 1] * sizes[dim + 1];
  std::function<void(size_t, int64_t)> visit = [&](size_t n, int64_t base) {
    if (n == order.size())
      return result.push_back(numbers[base]);
    for (int64_t x = 0; x < sizes[order[n]]; ++x)
      visit(n + 1, base + x * strides[order[n]]);
  };
  visit(0, 0);
  return result;
}

std::vector<double> filled(int64_t count, double x) {
  return std::vector<double>(count, x);
}

} // namespace

//===----------------------------------------------------------------------===//
// Shapes and roles
//===----------------------------------------------------------------------===//

TEST_F(attn_c1, HandComputed) {
  // Scores 1*1*ln 3 and 0: weights 3/4 and 1/4.
  float ln3 = std::log(3.0f);
  Naive n(1, 1, 1, 1, 2, 1, 2);
  auto got =
      run(attention(n, "", "", "{scale_value = 1.0 : f32}"),
          {make("f32", {1, 1, 1, 1}, {1}), make("f32", {1, 1, 2, 1}, {ln3, 0}),
           make("f32", {1, 1, 2, 2}, {4, 8, 0, 4})});
  expectNear(got[0], {3, 7}, 1e-6);
  expectNear(got[1], {std::log(4.0)}, 1e-6);
}

TEST_F(attn_c1, StorageOrders) {
  Naive n(2, 4, 2, 3, 5, 6, 7);
  Naive::Result want = n.run();
  // q bshd, k sbhd, v bshd, o sbhd.
  auto got = run(
      R"(
    func.func @f(%q: tensor<2x3x4x6xf32>, %k: tensor<5x2x2x6xf32>,
                 %v: tensor<2x5x2x7xf32>) -> (tensor<3x2x4x7xf32>, tensor<2x4x3xf32>) {
      %o = tensor.empty() : tensor<3x2x4x7xf32>
      %l = tensor.empty() : tensor<2x4x3xf32>
      %r:2 = attn.attention ins(%q, %k, %v : tensor<2x3x4x6xf32>, tensor<5x2x2x6xf32>, tensor<2x5x2x7xf32>)
        outs(%o, %l : tensor<3x2x4x7xf32>, tensor<2x4x3xf32>)
        {q_layout = #attn.layout<bshd>, k_layout = #attn.layout<sbhd>,
         v_layout = #attn.layout<bshd>, o_layout = #attn.layout<sbhd>}
        -> tensor<3x2x4x7xf32>, tensor<2x4x3xf32>
      return %r#0, %r#1 : tensor<3x2x4x7xf32>, tensor<2x4x3xf32>
    })",
      {make("f32", {2, 3, 4, 6}, permute(n.q, {2, 4, 3, 6}, {0, 2, 1, 3})),
       make("f32", {5, 2, 2, 6}, permute(n.k, {2, 2, 5, 6}, {2, 0, 1, 3})),
       make("f32", {2, 5, 2, 7}, permute(n.v, {2, 2, 5, 7}, {0, 2, 1, 3}))});
  expectNear(got[0], permute(want.o, {2, 4, 3, 7}, {2, 0, 1, 3}));
  expectNear(got[1], want.lse);
}

TEST_F(attn_c1, MemrefViews) {
  // q is a transposed view, k a slice of a padded buffer, o a slice written in
  // place: what lies around it stays.
  Naive n(1, 2, 2, 3, 4, 5, 5);
  Naive::Result want = n.run();
  std::vector<double> padded = filled(2 * 6 * 8, 99);
  for (int64_t h = 0; h < 2; ++h)
    for (int64_t j = 0; j < 4; ++j)
      for (int64_t d = 0; d < 5; ++d)
        padded[(h * 6 + j + 1) * 8 + d + 2] = n.k[(h * 4 + j) * 5 + d];
  auto got =
      run(R"(
    func.func @f(%qs: memref<1x3x2x5xf32>, %kp: memref<1x2x6x8xf32>,
                 %v: memref<1x2x4x5xf32>, %op: memref<1x2x3x6xf32>) {
      %q = memref.transpose %qs (b, s, h, d) -> (b, h, s, d)
        : memref<1x3x2x5xf32> to memref<1x2x3x5xf32, strided<[30, 5, 10, 1]>>
      %k = memref.subview %kp[0, 0, 1, 2] [1, 2, 4, 5] [1, 1, 1, 1]
        : memref<1x2x6x8xf32> to memref<1x2x4x5xf32, strided<[96, 48, 8, 1], offset: 10>>
      %o = memref.subview %op[0, 0, 0, 0] [1, 2, 3, 5] [1, 1, 1, 1]
        : memref<1x2x3x6xf32> to memref<1x2x3x5xf32, strided<[36, 18, 6, 1]>>
      attn.attention ins(%q, %k, %v : memref<1x2x3x5xf32, strided<[30, 5, 10, 1]>>,
          memref<1x2x4x5xf32, strided<[96, 48, 8, 1], offset: 10>>, memref<1x2x4x5xf32>)
        outs(%o : memref<1x2x3x5xf32, strided<[36, 18, 6, 1]>>)
      return
    })",
          {make("f32", {1, 3, 2, 5}, permute(n.q, {1, 2, 3, 5}, {0, 2, 1, 3})),
           make("f32", {1, 2, 6, 8}, padded), make("f32", {1, 2, 4, 5}, n.v),
           make("f32", {1, 2, 3, 6}, filled(36, 7))});
  std::vector<double> expected;
  for (int64_t row = 0; row < 6; ++row) {
    expected.insert(expected.end(), want.o.begin() + row * 5,
                    want.o.begin() + row * 5 + 5);
    expected.push_back(7);
  }
  expectNear(got[0], expected);
}

TEST_F(attn_c2, GroupedQueryHeads) {
  for (int64_t hkv : {1, 2, 3, 6}) {
    Naive n(2, 6, hkv, 4, 5, 3, 3);
    expectNaive(n, attention(n));
  }
}

TEST_F(attn_c3, AnyHeadSize) {
  for (auto [dk, dv] : {std::pair(1, 1), {1, 40}, {59, 3}, {111, 64}}) {
    Naive n(1, 2, 1, 3, 4, dk, dv);
    expectNaive(n, attention(n));
  }
}

TEST_F(attn_c3, NoHeadSizeMeansScoresOfZero) {
  Naive n(1, 1, 1, 2, 4, 0, 2);
  n.scale = 0;
  expectNaive(n, attention(n));
}

TEST_F(attn_c4, SixteenBitInputsAreWidened) {
  // 1/3 is rounded to each type first; the rest is float64.
  for (StringRef element : {"f16", "bf16"}) {
    Naive n(1, 1, 1, 1, 2, 1, 1);
    Tensor third = make(element, {1, 1, 1, 1}, {1 / 3.0});
    EXPECT_NE(third.getFloat(0), 1 / 3.0);
    auto got = run(attention(n, "", "", "", element.str()),
                   {third, make(element, {1, 1, 2, 1}, {1, 2}),
                    make(element, {1, 1, 2, 1}, {0, 1})});
    expectNear(got[0], {1 / (1 + std::exp(-third.getFloat(0)))});
  }
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

TEST_F(attn_c5, DefaultScaleIsOfTheTrueHeadSize) {
  Naive n(1, 1, 1, 3, 3, 59, 4);
  expectNaive(n, attention(n));
}

TEST_F(attn_c5, ConstantNegativeAndZeroScales) {
  for (double scale : {0.5, -0.25, 0.0}) {
    Naive n(1, 2, 2, 3, 4, 8, 4);
    n.scale = scale;
    expectNaive(
        n, attention(n, "", "",
                     "{scale_value = " + std::to_string(scale) + " : f32}"));
    expectNaive(n, attention(n, "%x: f32", "scale(%x)"),
                {scalar("f32", scale)});
  }
}

TEST_F(attn_c6, ScoreRegionSeesNaturalLogits) {
  Naive n(2, 2, 2, 3, 4, 8, 4);
  n.score = [](double s, int64_t b, int64_t h, int64_t i, int64_t j) {
    return 1.5 * std::tanh(s / 1.5) + 0.25 * b - 0.5 * h + 0.125 * (i - 2 * j);
  };
  expectNaive(n, attention(n, "", "", R"(
    score(%x: f32, %bb: index, %hh: index, %i: index, %j: index) {
      %cap = arith.constant 1.5 : f32
      %t0 = arith.divf %x, %cap : f32
      %t1 = math.tanh %t0 : f32
      %t2 = arith.mulf %t1, %cap : f32
      %two = arith.constant 2 : index
      %quarter = arith.constant 0.25 : f32
      %half = arith.constant 0.5 : f32
      %e = arith.constant 0.125 : f32
      %bi = arith.index_cast %bb : index to i32
      %bf = arith.sitofp %bi : i32 to f32
      %hi = arith.index_cast %hh : index to i32
      %hf = arith.sitofp %hi : i32 to f32
      %j2 = arith.muli %j, %two : index
      %d = arith.subi %i, %j2 : index
      %di = arith.index_cast %d : index to i64
      %df = arith.sitofp %di : i64 to f32
      %a0 = arith.mulf %bf, %quarter : f32
      %a1 = arith.mulf %hf, %half : f32
      %a2 = arith.mulf %df, %e : f32
      %s0 = arith.addf %t2, %a0 : f32
      %s1 = arith.subf %s0, %a1 : f32
      %s2 = arith.addf %s1, %a2 : f32
      attn.yield %s2 : f32
    })"));
}

TEST_F(attn_c7, MaskedKeysHaveNoEffect) {
  // NaN in a masked key and value, and in the score computed from it.
  Naive n(1, 1, 1, 2, 4, 3, 2);
  n.mask = [](int64_t, int64_t, int64_t, int64_t j) { return j != 2; };
  Naive::Result want = n.run();
  std::vector<Tensor> inputs = makeQKV(n);
  for (int64_t d = 0; d < 3; ++d)
    inputs[1].setFloat(2 * 3 + d, kNaN);
  for (int64_t d = 0; d < 2; ++d)
    inputs[2].setFloat(2 * 2 + d, kInf);
  auto got = run(attention(n, "", "", R"(
    mask(%bb: index, %hh: index, %i: index, %j: index) {
      %two = arith.constant 2 : index
      %keep = arith.cmpi ne, %j, %two : index
      attn.yield %keep : i1
    })"),
                 inputs);
  expectNear(got[0], want.o);
  expectNear(got[1], want.lse);
}

TEST_F(attn_c7, RowsBeyondKvLenHaveNoEffect) {
  Naive n(2, 1, 1, 2, 4, 3, 2);
  n.mask = [](int64_t b, int64_t, int64_t, int64_t j) {
    return j < (b == 0 ? 3 : 1);
  };
  Naive::Result want = n.run();
  std::vector<Tensor> inputs = makeQKV(n);
  for (int64_t d = 0; d < 3; ++d)
    inputs[1].setFloat(3 * 3 + d, kNaN);
  inputs[2].setFloat((4 + 2) * 2, kNaN);
  inputs.push_back(make("i32", {2}, {3, 1}));
  auto got = run(
      attention(n, "%n: tensor<2xi32>", "kv_len(%n : tensor<2xi32>)"), inputs);
  expectNear(got[0], want.o);
  expectNear(got[1], want.lse);
}

TEST_F(attn_c8, CapturesOfEveryRank) {
  Naive n(2, 2, 2, 3, 4, 3, 2);
  std::vector<double> table = Naive::random(7, 5), rows = Naive::random(24, 6);
  n.score = [&](double s, int64_t b, int64_t h, int64_t i, int64_t j) {
    return s * 0.5 + table[i - j + 3] + rows[(b * 3 + i) * 4 + j];
  };
  n.mask = [&](int64_t b, int64_t, int64_t i, int64_t j) {
    return j < 3 - b || i == 1;
  };
  expectNaive(n,
              attention(n,
                        "%x: f32, %t: tensor<7xf32>, %m: tensor<2x3x4xf64>, "
                        "%lim: tensor<2xi8>",
                        "captures(%x, %t, %m, %lim : f32, tensor<7xf32>, "
                        "tensor<2x3x4xf64>, tensor<2xi8>)",
                        R"(
    score(%s0: f32, %bb: index, %hh: index, %i: index, %j: index,
          %xx: f32, %tt: tensor<7xf32>, %mm: tensor<2x3x4xf64>, %ll: tensor<2xi8>) {
      %three = arith.constant 3 : index
      %d = arith.subi %i, %j : index
      %at = arith.addi %d, %three : index
      %a = tensor.extract %tt[%at] : tensor<7xf32>
      %m0 = tensor.extract %mm[%bb, %i, %j] : tensor<2x3x4xf64>
      %m1 = arith.truncf %m0 : f64 to f32
      %s1 = arith.mulf %s0, %xx : f32
      %s2 = arith.addf %s1, %a : f32
      %s3 = arith.addf %s2, %m1 : f32
      attn.yield %s3 : f32
    }
    mask(%bb: index, %hh: index, %i: index, %j: index,
         %xx: f32, %tt: tensor<7xf32>, %mm: tensor<2x3x4xf64>, %ll: tensor<2xi8>) {
      %l8 = tensor.extract %ll[%bb] : tensor<2xi8>
      %limit = arith.index_cast %l8 : i8 to index
      %one = arith.constant 1 : index
      %below = arith.cmpi slt, %j, %limit : index
      %row = arith.cmpi eq, %i, %one : index
      %keep = scf.if %row -> i1 {
        scf.yield %row : i1
      } else {
        scf.yield %below : i1
      }
      attn.yield %keep : i1
    })"),
              {scalar("f32", 0.5), make("f32", {7}, table),
               make("f64", {2, 3, 4}, rows), make("i8", {2}, {3, 2})});
}

TEST_F(attn_c8, ReadsAtMaskedPositionsDoNotFault) {
  // The table holds keys 0 and 1 only; the others are masked.
  Naive n(1, 1, 1, 2, 5, 2, 2);
  n.score = [](double s, int64_t, int64_t, int64_t, int64_t j) {
    return s + (j == 0 ? 1.0 : 2.0);
  };
  n.mask = [](int64_t, int64_t, int64_t, int64_t j) { return j < 2; };
  expectNaive(n,
              attention(n, "%t: tensor<2xf32>", "captures(%t : tensor<2xf32>)",
                        R"(
    score(%s0: f32, %bb: index, %hh: index, %i: index, %j: index, %tt: tensor<2xf32>) {
      %million = arith.constant 1000000 : index
      %two = arith.constant 2 : index
      %far = arith.muli %j, %million : index
      %near = arith.cmpi slt, %j, %two : index
      %at = arith.select %near, %j, %far : index
      %a = tensor.extract %tt[%at] : tensor<2xf32>
      %s1 = arith.addf %s0, %a : f32
      attn.yield %s1 : f32
    }
    mask(%bb: index, %hh: index, %i: index, %j: index, %tt: tensor<2xf32>) {
      %two = arith.constant 2 : index
      %keep = arith.cmpi slt, %j, %two : index
      attn.yield %keep : i1
    })"),
              {make("f32", {2}, {1, 2})});
}

TEST_F(attn_c9, PositionsWithOffset) {
  // One offset a batch; the region asks for it, causal uses it.
  Naive n(2, 1, 1, 3, 6, 3, 2);
  int64_t offsets[] = {3, 1};
  n.score = [&](double s, int64_t b, int64_t, int64_t i, int64_t j) {
    return s + 0.125 * (i + offsets[b] - j) + 0.5 * 3 + 0.25 * 6;
  };
  n.mask = [&](int64_t b, int64_t, int64_t i, int64_t j) {
    return j <= i + offsets[b];
  };
  expectNaive(n,
              attention(n, "%off: tensor<2xi64>",
                        "q_offset(%off : tensor<2xi64>)",
                        R"({causal = #attn.causal<top_left>}
    score(%s0: f32, %bb: index, %hh: index, %i: index, %j: index) {
      %qo = attn.q_offset : index
      %ql = attn.q_len : index
      %kl = attn.kv_len : index
      %e = arith.constant 0.125 : f32
      %half = arith.constant 0.5 : f32
      %quarter = arith.constant 0.25 : f32
      %p = arith.addi %i, %qo : index
      %d = arith.subi %p, %j : index
      %di = arith.index_cast %d : index to i32
      %df = arith.sitofp %di : i32 to f32
      %a0 = arith.mulf %df, %e : f32
      %qi = arith.index_cast %ql : index to i32
      %qf = arith.sitofp %qi : i32 to f32
      %a1 = arith.mulf %qf, %half : f32
      %ki = arith.index_cast %kl : index to i32
      %kf = arith.sitofp %ki : i32 to f32
      %a2 = arith.mulf %kf, %quarter : f32
      %s1 = arith.addf %s0, %a0 : f32
      %s2 = arith.addf %s1, %a1 : f32
      %s3 = arith.addf %s2, %a2 : f32
      attn.yield %s3 : f32
    })"),
              {make("i64", {2}, {3, 1})});
}

TEST_F(attn_c9, BottomRightAlignsTheLastQuery) {
  for (auto [sq, skv] : {std::pair(3, 7), {7, 3}, {4, 4}}) {
    Naive n(1, 1, 1, sq, skv, 3, 2);
    n.mask = [sq = sq, skv = skv](int64_t, int64_t, int64_t i, int64_t j) {
      return j <= i + skv - sq;
    };
    expectNaive(n,
                attention(n, "", "", "{causal = #attn.causal<bottom_right>}"));
  }
}

TEST_F(attn_c9, BottomRightUsesKvLen) {
  Naive n(2, 1, 1, 2, 6, 3, 2);
  int64_t lengths[] = {5, 3};
  n.mask = [&](int64_t b, int64_t, int64_t i, int64_t j) {
    return j < lengths[b] && j <= i + lengths[b] - 2;
  };
  expectNaive(n,
              attention(n, "%n: tensor<2xi32>", "kv_len(%n : tensor<2xi32>)",
                        "{causal = #attn.causal<bottom_right>}"),
              {make("i32", {2}, {5, 3})});
}

//===----------------------------------------------------------------------===//
// Sugar
//===----------------------------------------------------------------------===//

TEST_F(attn_c10, OrderOfTheScoreSugar) {
  // 4 * tanh((s * s) / 4) - slope * |i - j| + bias: any other order differs.
  Naive n(2, 2, 2, 3, 5, 4, 2);
  std::vector<double> bias = Naive::random(2 * 3 * 5, 7);
  double slopes[] = {0.25, 0.5};
  n.score = [&](double s, int64_t b, int64_t h, int64_t i, int64_t j) {
    return 4 * std::tanh(s * s / 4) - slopes[h] * std::abs(i - j) +
           bias[(h * 3 + i) * 5 + j];
  };
  expectNaive(
      n,
      attention(n, "%al: tensor<2xf32>, %bi: tensor<2x3x5xf32>",
                "alibi(%al : tensor<2xf32>) bias(%bi : tensor<2x3x5xf32>)",
                R"({softcap = 4.0 : f32}
    score(%s0: f32, %bb: index, %hh: index, %i: index, %j: index) {
      %s1 = arith.mulf %s0, %s0 : f32
      attn.yield %s1 : f32
    })"),
      {make("f32", {2}, {0.25, 0.5}), make("f32", {2, 3, 5}, bias)});
}

TEST_F(attn_c10, AlibiPerBatchUsesPositions) {
  Naive n(2, 2, 1, 3, 5, 4, 2);
  std::vector<double> slopes = {0.25, 0.5, 1, 2};
  n.score = [&](double s, int64_t b, int64_t h, int64_t i, int64_t j) {
    return s - slopes[b * 2 + h] * std::abs(i + 2 - j);
  };
  expectNaive(n,
              attention(n, "%al: tensor<2x2xf32>, %off: index",
                        "alibi(%al : tensor<2x2xf32>) q_offset(%off : index)"),
              {make("f32", {2, 2}, slopes), scalar("index", 2)});
}

TEST_F(attn_c10, CausalAndWindow) {
  struct Case {
    std::string attributes;
    std::function<bool(int64_t, int64_t)> keep;
  };
  Case cases[] = {
      {"causal = #attn.causal<top_left>",
       [](auto i, auto j) { return j <= i; }},
      {"window = #attn.window<left = 1, right = 2>",
       [](auto i, auto j) { return j >= i - 1 && j <= i + 2; }},
      {"window = #attn.window<left = 2>",
       [](auto i, auto j) { return j >= i - 2; }},
      {"window = #attn.window<right = 0>",
       [](auto i, auto j) { return j <= i; }},
      {"causal = #attn.causal<top_left>, window = #attn.window<left = 1>",
       [](auto i, auto j) { return j <= i && j >= i - 1; }},
      {"causal = #attn.causal<bottom_right>, window = #attn.window<left = 0>",
       [](auto i, auto j) { return j == i + 2; }},
  };
  for (const Case &c : cases) {
    Naive n(1, 1, 1, 5, 7, 3, 2);
    n.mask = [&](int64_t, int64_t, int64_t i, int64_t j) {
      return c.keep(i, j);
    };
    expectNaive(n, attention(n, "", "", "{" + c.attributes + "}"));
  }
}

TEST_F(attn_c10, PrefixRelaxesCausalOnly) {
  Naive n(2, 1, 1, 4, 6, 3, 2);
  int64_t prefixes[] = {3, 0};
  n.mask = [&](int64_t b, int64_t, int64_t i, int64_t j) {
    return (j < prefixes[b] || j <= i) && j >= i - 2 && j != 1;
  };
  expectNaive(n,
              attention(n, "%p: tensor<2xi32>", "prefix(%p : tensor<2xi32>)",
                        R"({causal = #attn.causal<top_left>,
                               window = #attn.window<left = 2>}
    mask(%bb: index, %hh: index, %i: index, %j: index) {
      %one = arith.constant 1 : index
      %keep = arith.cmpi ne, %j, %one : index
      attn.yield %keep : i1
    })"),
              {make("i32", {2}, {3, 0})});
}

TEST_F(attn_c10, Segments) {
  Naive n(2, 1, 1, 3, 4, 3, 2);
  std::vector<double> qIds = {0, 0, 1, 2, 2, 3},
                      kIds = {0, 1, 1, 1, 2, 3, 2, 0};
  n.mask = [&](int64_t b, int64_t, int64_t i, int64_t j) {
    return qIds[b * 3 + i] == kIds[b * 4 + j];
  };
  expectNaive(n,
              attention(n, "%a: tensor<2x3xi32>, %c: tensor<2x4xi32>",
                        "segments(%a, %c : tensor<2x3xi32>, tensor<2x4xi32>)"),
              {make("i32", {2, 3}, qIds), make("i32", {2, 4}, kIds)});
}

TEST_F(attn_c10, BiasAndMaskBroadcast) {
  Naive n(2, 2, 1, 3, 5, 4, 2);
  // Every rank and every broadcast of the leading axes.
  struct Case {
    std::vector<int64_t> shape;
    std::function<int64_t(int64_t, int64_t, int64_t, int64_t)> at;
  };
  Case cases[] = {
      {{5}, [](auto, auto, auto, auto j) { return j; }},
      {{3, 5}, [](auto, auto, auto i, auto j) { return i * 5 + j; }},
      {{2, 1, 5}, [](auto, auto h, auto, auto j) { return h * 5 + j; }},
      {{2, 3, 5},
       [](auto, auto h, auto i, auto j) { return (h * 3 + i) * 5 + j; }},
      {{2, 1, 1, 5}, [](auto b, auto, auto, auto j) { return b * 5 + j; }},
      {{2, 2, 3, 5}, [](auto b, auto h, auto i, auto j) {
         return ((b * 2 + h) * 3 + i) * 5 + j;
       }}};
  for (const Case &c : cases) {
    int64_t count = 1;
    std::string shape;
    for (int64_t size : c.shape) {
      count *= size;
      shape += std::to_string(size) + "x";
    }
    std::vector<double> bias = Naive::random(count, 8), keep;
    for (double x : Naive::random(count, 9))
      keep.push_back(x > -1);
    n.score = [&](double s, int64_t b, int64_t h, int64_t i, int64_t j) {
      return s + bias[c.at(b, h, i, j)];
    };
    n.mask = [&](int64_t b, int64_t h, int64_t i, int64_t j) {
      return keep[c.at(b, h, i, j)] != 0;
    };
    std::string tb = "tensor<" + shape + "f16>", tm = "tensor<" + shape + "i1>";
    expectNaive(
        n,
        attention(n, "%bi: " + tb + ", %m: " + tm,
                  "bias(%bi : " + tb + ") mask_tensor(%m : " + tm + ")"),
        {make("f16", c.shape, bias), make("i1", c.shape, keep)});
  }
}

TEST_F(attn_c10, ShortLastAxisMasksTheTail) {
  Naive n(1, 1, 1, 2, 6, 4, 2);
  n.mask = [](int64_t, int64_t, int64_t, int64_t j) { return j < 3; };
  expectNaive(
      n,
      attention(n, "%bi: tensor<2x4xf32>, %m: tensor<3xi1>",
                "bias(%bi : tensor<2x4xf32>) mask_tensor(%m : tensor<3xi1>)"),
      {make("f32", {2, 4}, filled(8, 0)), make("i1", {3}, {1, 1, 1})});
}

TEST_F(attn_c11, SinkIsALogitInTheDenominator) {
  Naive n(1, 2, 1, 3, 4, 3, 2);
  double sinks[] = {0.5, -1.25};
  n.sink = [&](int64_t h) { return sinks[h]; };
  expectNaive(n,
              attention(n, "%s0: tensor<2xf32>", "sink(%s0 : tensor<2xf32>)"),
              {make("f32", {2}, {0.5, -1.25})});
}

TEST_F(attn_c11, RaggedSequences) {
  // Sequences of 2, 0 and 3 queries on 3, 2 and 4 keys; keys in thd order.
  int64_t cuQ[] = {0, 2, 2, 5}, cuK[] = {0, 3, 5, 9};
  Naive all(1, 2, 1, 5, 9, 4, 3);
  std::vector<double> o(2 * 5 * 3), lse(2 * 5);
  for (int64_t b : {0, 2}) {
    int64_t sq = cuQ[b + 1] - cuQ[b], skv = cuK[b + 1] - cuK[b];
    Naive n(1, 2, 1, sq, skv, 4, 3);
    for (int64_t h = 0; h < 2; ++h)
      for (int64_t x = 0; x < sq * 4; ++x)
        n.q[h * sq * 4 + x] = all.q[(h * 5 + cuQ[b]) * 4 + x];
    for (int64_t x = 0; x < skv * 4; ++x)
      n.k[x] = all.k[cuK[b] * 4 + x];
    for (int64_t x = 0; x < skv * 3; ++x)
      n.v[x] = all.v[cuK[b] * 3 + x];
    n.mask = [=](int64_t, int64_t, int64_t i, int64_t j) {
      return j <= i + skv - sq;
    };
    Naive::Result part = n.run();
    for (int64_t h = 0; h < 2; ++h)
      for (int64_t i = 0; i < sq; ++i) {
        lse[h * 5 + cuQ[b] + i] = part.lse[h * sq + i];
        for (int64_t d = 0; d < 3; ++d)
          o[(h * 5 + cuQ[b] + i) * 3 + d] = part.o[(h * sq + i) * 3 + d];
      }
  }
  auto got = run(R"(
    func.func @f(%q: tensor<2x5x4xf32>, %k: tensor<9x1x4xf32>, %v: tensor<1x9x3xf32>,
                 %cq: tensor<4xi32>, %ck: tensor<4xi32>) -> (tensor<2x5x3xf32>, tensor<2x5xf32>) {
      %o = tensor.empty() : tensor<2x5x3xf32>
      %l = tensor.empty() : tensor<2x5xf32>
      %r:2 = attn.attention ins(%q, %k, %v : tensor<2x5x4xf32>, tensor<9x1x4xf32>, tensor<1x9x3xf32>)
        cu_seqlens(%cq, %ck : tensor<4xi32>, tensor<4xi32>)
        outs(%o, %l : tensor<2x5x3xf32>, tensor<2x5xf32>)
        {causal = #attn.causal<bottom_right>, k_layout = #attn.layout<thd>}
        -> tensor<2x5x3xf32>, tensor<2x5xf32>
      return %r#0, %r#1 : tensor<2x5x3xf32>, tensor<2x5xf32>
    })",
                 {make("f32", {2, 5, 4}, all.q), make("f32", {9, 1, 4}, all.k),
                  make("f32", {1, 9, 3}, all.v), make("i32", {4}, {0, 2, 2, 5}),
                  make("i32", {4}, {0, 3, 5, 9})});
  expectNear(got[0], o);
  expectNear(got[1], lse);
}

TEST_F(attn_c11, PagedKeys) {
  // Pages of 2 rows; batch 0 has 5 keys in pages 3, 0, 2, batch 1 has 2 in 1.
  // The pools hold NaN wherever no key lies; unused table entries are -1.
  Naive n(2, 2, 2, 2, 5, 3, 3);
  int64_t table[2][3] = {{3, 0, 2}, {1, -1, -1}}, lengths[] = {5, 2};
  n.mask = [&](int64_t b, int64_t, int64_t, int64_t j) {
    return j < lengths[b];
  };
  std::vector<double> kPool = filled(4 * 2 * 2 * 3, kNaN), vPool = kPool;
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t j = 0; j < lengths[b]; ++j)
      for (int64_t h = 0; h < 2; ++h)
        for (int64_t d = 0; d < 3; ++d) {
          int64_t from = ((b * 2 + h) * 5 + j) * 3 + d, page = table[b][j / 2];
          kPool[((page * 2 + h) * 2 + j % 2) * 3 + d] = n.k[from];
          // v is bshd: page, row, head.
          vPool[((page * 2 + j % 2) * 2 + h) * 3 + d] = n.v[from];
        }
  Naive::Result want = n.run();
  auto got = run(
      R"(
    func.func @f(%q: tensor<2x2x2x3xf32>, %k: tensor<4x2x2x3xf32>, %v: tensor<4x2x2x3xf32>,
                 %t: tensor<2x3xi32>, %n: tensor<2xi32>) -> (tensor<2x2x2x3xf32>, tensor<2x2x2xf32>) {
      %o = tensor.empty() : tensor<2x2x2x3xf32>
      %l = tensor.empty() : tensor<2x2x2xf32>
      %r:2 = attn.attention ins(%q, %k, %v : tensor<2x2x2x3xf32>, tensor<4x2x2x3xf32>, tensor<4x2x2x3xf32>)
        kv_len(%n : tensor<2xi32>) page_table(%t : tensor<2x3xi32>)
        outs(%o, %l : tensor<2x2x2x3xf32>, tensor<2x2x2xf32>)
        {v_layout = #attn.layout<bshd>}
        -> tensor<2x2x2x3xf32>, tensor<2x2x2xf32>
      return %r#0, %r#1 : tensor<2x2x2x3xf32>, tensor<2x2x2xf32>
    })",
      {make("f32", {2, 2, 2, 3}, n.q), make("f32", {4, 2, 2, 3}, kPool),
       make("f32", {4, 2, 2, 3}, vPool),
       make("i32", {2, 3}, {3, 0, 2, 1, -1, -1}), make("i32", {2}, {5, 2})});
  expectNear(got[0], want.o);
  expectNear(got[1], want.lse);
}

//===----------------------------------------------------------------------===//
// Softmax and output
//===----------------------------------------------------------------------===//

TEST_F(attn_c12, LseIsBaseE) {
  // Four keys with score 0: lse = ln 4, o the mean of v.
  Naive n(1, 1, 1, 1, 4, 2, 1);
  auto got = run(attention(n), {make("f32", {1, 1, 1, 2}, {0, 0}),
                                make("f32", {1, 1, 4, 2}, n.k),
                                make("f32", {1, 1, 4, 1}, {1, 2, 3, 6})});
  expectNear(got[0], {3});
  expectNear(got[1], {std::log(4.0)});
}

TEST_F(attn_c13, EmptyRows) {
  // Causal bottom-right with more queries than keys: rows 0 and 1 see nothing.
  Naive n(1, 1, 1, 4, 2, 3, 2);
  auto got = run(attention(n, "", "", "{causal = #attn.causal<bottom_right>}"),
                 makeQKV(n));
  for (int64_t x = 0; x < 4; ++x)
    EXPECT_EQ(got[0][x], 0);
  EXPECT_EQ(got[1][0], -kInf);
  EXPECT_EQ(got[1][1], -kInf);
  EXPECT_TRUE(std::isfinite(got[1][2]));
}

TEST_F(attn_c13, NoKeysAtAll) {
  Naive n(1, 2, 1, 2, 0, 3, 2);
  auto got = run(attention(n), makeQKV(n));
  expectNear(got[0], filled(8, 0));
  expectNear(got[1], filled(4, -kInf));
}

TEST_F(attn_c13, SinkWithoutKeys) {
  Naive n(1, 2, 1, 1, 0, 3, 2);
  std::vector<Tensor> inputs = makeQKV(n);
  inputs.push_back(make("f32", {2}, {0.75, -3}));
  auto got = run(
      attention(n, "%s0: tensor<2xf32>", "sink(%s0 : tensor<2xf32>)"), inputs);
  expectNear(got[0], filled(4, 0));
  expectNear(got[1], {0.75, -3});
}

TEST_F(attn_c13, EmptyResults) {
  for (auto [b, sq] : {std::pair(0, 3), {2, 0}}) {
    Naive n(b, 2, 1, sq, 4, 3, 2);
    auto got = run(attention(n), makeQKV(n));
    EXPECT_TRUE(got[0].empty());
    EXPECT_TRUE(got[1].empty());
  }
}

/// A score region that adds element (i, j) of a 2-d table.
static const char *addTable = R"(
    score(%s0: f32, %bb: index, %hh: index, %i: index, %j: index, %tt: tensor<?x?xf32>) {
      %a = tensor.extract %tt[%i, %j] : tensor<?x?xf32>
      %s1 = arith.addf %s0, %a : f32
      attn.yield %s1 : f32
    })";

TEST_F(attn_c14, InfiniteAndNaNScores) {
  // Row 0: -inf is not attended. Row 1: only -inf, so empty. Row 2: NaN.
  // Row 3: +inf. Row 4 is an ordinary row.
  Naive n(1, 1, 1, 5, 3, 2, 2);
  n.mask = [](int64_t, int64_t, int64_t i, int64_t j) {
    return i != 1 && (i != 0 || j != 1);
  };
  Naive::Result want = n.run();
  for (int64_t row : {2, 3}) {
    want.o[row * 2] = want.o[row * 2 + 1] = want.lse[row] = kNaN;
  }
  std::vector<Tensor> inputs = makeQKV(n);
  inputs.push_back(make(
      "f32", {5, 3},
      {0, -kInf, 0, -kInf, -kInf, -kInf, 0, kNaN, 0, 0, 0, kInf, 0, 0, 0}));
  auto got = run(attention(n, "%t: tensor<?x?xf32>",
                           "captures(%t : tensor<?x?xf32>)", addTable),
                 inputs);
  expectNear(got[0], want.o);
  expectNear(got[1], want.lse);
}

TEST_F(attn_c14, MaskedNaNScoreIsNotSeen) {
  Naive n(1, 1, 1, 1, 3, 2, 2);
  n.mask = [](int64_t, int64_t, int64_t, int64_t j) { return j < 1; };
  Naive::Result want = n.run();
  std::vector<Tensor> inputs = makeQKV(n);
  inputs.push_back(make("f32", {1, 3}, {0, kNaN, kInf}));
  auto got = run(
      attention(n, "%t: tensor<?x?xf32>", "captures(%t : tensor<?x?xf32>)",
                std::string("{causal = #attn.causal<top_left>}") + addTable),
      inputs);
  expectNear(got[0], want.o);
  expectNear(got[1], want.lse);
}

TEST_F(attn_c14, SoftcapMakesMinusInfinityFinite) {
  // Rule 10: the region, then softcap, then bias. Key 1 is -inf in the region.
  Naive n(1, 1, 1, 2, 3, 2, 2);
  n.score = [](double s, int64_t, int64_t, int64_t, int64_t j) {
    return j == 1 ? -2.0 : 2 * std::tanh(s / 2);
  };
  Naive::Result want = n.run();
  std::vector<Tensor> inputs = makeQKV(n);
  inputs.push_back(make("f32", {2, 3}, {0, -kInf, 0, 0, -kInf, 0}));
  auto got =
      run(attention(n, "%t: tensor<?x?xf32>", "captures(%t : tensor<?x?xf32>)",
                    std::string("{softcap = 2.0}") + addTable),
          inputs);
  expectNear(got[0], want.o);
  expectNear(got[1], want.lse);
  // A bias comes later: its -inf is not attended.
  n.mask = [](int64_t, int64_t, int64_t, int64_t j) { return j != 1; };
  want = n.run();
  got = run(attention(n, "%t: tensor<?x?xf32>", "bias(%t : tensor<?x?xf32>)",
                      "{softcap = 2.0}"),
            inputs);
  expectNear(got[0], want.o);
  expectNear(got[1], want.lse);
}

TEST_F(attn_c15, HugeNegativeRowsAreOrdinary) {
  // All scores near -1e5, and all at the lowest finite float.
  double lowest = std::numeric_limits<float>::lowest();
  Naive n(1, 1, 1, 2, 2, 1, 1);
  for (Mode mode : {Mode::Float64, Mode::Unfused}) {
    auto got = run(attention(n, "%t: tensor<?x?xf32>",
                             "captures(%t : tensor<?x?xf32>)", addTable),
                   {make("f32", {1, 1, 2, 1}, {0, 0}),
                    make("f32", {1, 1, 2, 1}, {1, 1}),
                    make("f32", {1, 1, 2, 1}, {2, 4}),
                    make("f32", {2, 2}, {-1e5, -1e5, lowest, lowest})},
                   Options{mode});
    expectNear(got[0], {3, 3});
    EXPECT_FLOAT_EQ(got[1][0], -1e5 + std::log(2.0));
    EXPECT_EQ(got[1][1], lowest);
  }
}

TEST_F(attn_c17, OnesStayOnes) {
  // The unfused computation rounds P to v's type: only its own grain is lost.
  for (auto [element, ulp] :
       {std::pair("f32", 0x1p-23), {"f16", 0x1p-10}, {"bf16", 0x1p-7}}) {
    Naive n(1, 1, 1, 4, 64, 8, 2);
    std::vector<Tensor> inputs = makeQKV(n, element);
    inputs[2] = make(element, {1, 1, 64, 2}, filled(128, 1));
    auto exact = run(attention(n, "", "", "", element), inputs);
    expectNear(exact[0], filled(8, 1));
    auto unfused =
        run(attention(n, "", "", "", element), inputs, Options{Mode::Unfused});
    expectNear(unfused[0], filled(8, 1), 4 * ulp);
  }
}

TEST_F(attn_c17, UnfusedRoundsPToTheTypeOfV) {
  // p = 1/3 each: bf16 sums 3 * round(1/3), f32 gives 1.
  Naive n(1, 1, 1, 1, 3, 1, 1);
  std::vector<double> zero = {0}, keys = {0, 0, 0}, values = {1, 0, 0};
  for (StringRef element : {"bf16", "f16", "f32"}) {
    auto got = run(attention(n, "", "", "", element.str()),
                   {make(element, {1, 1, 1, 1}, zero),
                    make(element, {1, 1, 3, 1}, keys),
                    make(element, {1, 1, 3, 1}, values)},
                   Options{Mode::Unfused});
    EXPECT_EQ(got[0][0], Rounding(cast<FloatType>(type(element)))(1 / 3.0f));
  }
}

TEST_F(attn_c17, HugeValuesMayOverflowTheAccumulator) {
  // The quotient is finite; the sum of exp(s - max) v over 1000 keys is not.
  Naive n(1, 1, 1, 1, 1000, 1, 1);
  auto runWith = [&](double value, Mode mode) {
    return run(attention(n, "", "", "", "bf16"),
               {make("bf16", {1, 1, 1, 1}, {0}),
                make("bf16", {1, 1, 1000, 1}, filled(1000, 0)),
                make("bf16", {1, 1, 1000, 1}, filled(1000, value))},
               Options{mode})[0][0];
  };
  EXPECT_NEAR(runWith(0x1p120, Mode::Float64), 0x1p120, 0x1p90);
  EXPECT_EQ(runWith(0x1p120, Mode::Unfused), kInf);
  EXPECT_TRUE(std::isfinite(runWith(0x1p117, Mode::Unfused)));
}

static const char *mergeText = R"(
    func.func @f(%o1: tensor<1x1x?x2xf32>, %l1: tensor<1x1x?xf32>,
                 %o2: tensor<1x1x?x2xf32>, %l2: tensor<1x1x?xf32>,
                 %o: tensor<1x1x?x2xf32>, %l: tensor<1x1x?xf32>)
        -> (tensor<1x1x?x2xf32>, tensor<1x1x?xf32>) {
      %r:2 = attn.merge ins(%o1, %l1, %o2, %l2 : tensor<1x1x?x2xf32>, tensor<1x1x?xf32>, tensor<1x1x?x2xf32>, tensor<1x1x?xf32>)
        outs(%o, %l : tensor<1x1x?x2xf32>, tensor<1x1x?xf32>)
        -> tensor<1x1x?x2xf32>, tensor<1x1x?xf32>
      return %r#0, %r#1 : tensor<1x1x?x2xf32>, tensor<1x1x?xf32>
    })";

TEST_F(attn_c18, MergeOfStates) {
  // Weights 1:3; left empty (its o is NaN and ignored); both empty.
  Tensor zeros = make("f32", {1, 1, 3, 2}, filled(6, 0));
  float ln3 = std::log(3.0f);
  auto got =
      run(mergeText, {make("f32", {1, 1, 3, 2}, {4, 8, kNaN, kNaN, 9, 9}),
                      make("f32", {1, 1, 3}, {0, -kInf, -kInf}),
                      make("f32", {1, 1, 3, 2}, {0, 4, 5, 6, 9, 9}),
                      make("f32", {1, 1, 3}, {ln3, 2, -kInf}), zeros,
                      make("f32", {1, 1, 3}, filled(3, 0))});
  expectNear(got[0], {1, 5, 5, 6, 0, 0}, 1e-6);
  expectNear(got[1], {std::log(4.0), 2, -kInf}, 1e-6);
}

TEST_F(attn_c18, MergeIsAssociative) {
  // States with usual, huge and no weights, in any combination.
  constexpr double lowest = -0x1.fffffep127;
  const std::vector<double> lses = {0.5, -20, lowest, -kInf};
  size_t each = lses.size(), rows = each * each * each;
  std::vector<std::vector<double>> l(3), o(3);
  for (size_t row = 0; row < rows; ++row)
    for (auto [n, step] :
         {std::pair(0, size_t(1)), {1, each}, {2, each * each}}) {
      l[n].push_back(lses[row / step % each]);
      o[n].push_back(double(row % 7) - n);
    }
  std::vector<Tensor> states;
  auto size = int64_t(rows);
  for (int n = 0; n < 3; ++n) {
    states.push_back(make("f32", {1, 1, size, 1}, o[n]));
    states.push_back(make("f32", {1, 1, size}, l[n]));
  }
  auto got = run(R"(
    !o = tensor<1x1x64x1xf32>
    !l = tensor<1x1x64xf32>
    func.func @f(%o1: !o, %l1: !l, %o2: !o, %l2: !l, %o3: !o, %l3: !l) -> (!o, !l, !o, !l) {
      %o = tensor.empty() : !o
      %l = tensor.empty() : !l
      %ab:2 = attn.merge ins(%o1, %l1, %o2, %l2 : !o, !l, !o, !l) outs(%o, %l : !o, !l) -> !o, !l
      %left:2 = attn.merge ins(%ab#0, %ab#1, %o3, %l3 : !o, !l, !o, !l) outs(%o, %l : !o, !l) -> !o, !l
      %bc:2 = attn.merge ins(%o2, %l2, %o3, %l3 : !o, !l, !o, !l) outs(%o, %l : !o, !l) -> !o, !l
      %right:2 = attn.merge ins(%o1, %l1, %bc#0, %bc#1 : !o, !l, !o, !l) outs(%o, %l : !o, !l) -> !o, !l
      return %left#0, %left#1, %right#0, %right#1 : !o, !l, !o, !l
    })",
                 states);
  for (size_t row = 0; row < rows; ++row) {
    // The lse of three huge ones does not carry their weights.
    bool isLost =
        l[0][row] == lowest && l[1][row] == lowest && l[2][row] == lowest;
    EXPECT_TRUE(isLost || std::abs(got[0][row] - got[2][row]) < 1e-5) << row;
    EXPECT_TRUE(got[1][row] == got[3][row] ||
                std::abs(got[1][row] - got[3][row]) < 1e-5)
        << row;
  }
}

TEST_F(attn_c18, SplitKeysMergeToTheWhole) {
  Naive n(1, 2, 2, 3, 8, 4, 2);
  std::string part = R"(
      %kA = tensor.extract_slice %k[0, 0, 0, 0] [1, 2, 5, 4] [1, 1, 1, 1] : tensor<1x2x8x4xf32> to tensor<1x2x5x4xf32>
      %vA = tensor.extract_slice %v[0, 0, 0, 0] [1, 2, 5, 2] [1, 1, 1, 1] : tensor<1x2x8x2xf32> to tensor<1x2x5x2xf32>
      %kB = tensor.extract_slice %k[0, 0, 5, 0] [1, 2, 3, 4] [1, 1, 1, 1] : tensor<1x2x8x4xf32> to tensor<1x2x3x4xf32>
      %vB = tensor.extract_slice %v[0, 0, 5, 0] [1, 2, 3, 2] [1, 1, 1, 1] : tensor<1x2x8x2xf32> to tensor<1x2x3x2xf32>)";
  auto got = run(R"(
    func.func @f(%q: tensor<1x2x3x4xf32>, %k: tensor<1x2x8x4xf32>, %v: tensor<1x2x8x2xf32>)
        -> (tensor<1x2x3x2xf32>, tensor<1x2x3xf32>) {
      %o = tensor.empty() : tensor<1x2x3x2xf32>
      %l = tensor.empty() : tensor<1x2x3xf32>)" +
                     part + R"(
      %a:2 = attn.attention ins(%q, %kA, %vA : tensor<1x2x3x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x2xf32>)
        outs(%o, %l : tensor<1x2x3x2xf32>, tensor<1x2x3xf32>) -> tensor<1x2x3x2xf32>, tensor<1x2x3xf32>
      %b:2 = attn.attention ins(%q, %kB, %vB : tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x2xf32>)
        outs(%o, %l : tensor<1x2x3x2xf32>, tensor<1x2x3xf32>) -> tensor<1x2x3x2xf32>, tensor<1x2x3xf32>
      %r:2 = attn.merge ins(%a#0, %a#1, %b#0, %b#1 : tensor<1x2x3x2xf32>, tensor<1x2x3xf32>, tensor<1x2x3x2xf32>, tensor<1x2x3xf32>)
        outs(%o, %l : tensor<1x2x3x2xf32>, tensor<1x2x3xf32>) -> tensor<1x2x3x2xf32>, tensor<1x2x3xf32>
      return %r#0, %r#1 : tensor<1x2x3x2xf32>, tensor<1x2x3xf32>
    })",
                 makeQKV(n));
  Naive::Result want = n.run();
  expectNear(got[0], want.o);
  expectNear(got[1], want.lse);
}

TEST_F(attn_c19, ThreadsDoNotChangeBits) {
  // Few heads (threads share rows) and many (threads share heads).
  for (int64_t heads : {1, 8}) {
    Naive n(1, heads, 1, 70, 33, 8, 4);
    for (Mode mode : {Mode::Float64, Mode::Unfused}) {
      std::atomic<double> progress = -1;
      auto one = run(attention(n), makeQKV(n), {mode, 1});
      auto five = run(attention(n), makeQKV(n), {mode, 5, nullptr, &progress});
      EXPECT_EQ(one, five);
      EXPECT_EQ(progress, 1);
    }
  }
}

//===----------------------------------------------------------------------===//
// Large sizes and bad input
//===----------------------------------------------------------------------===//

TEST_F(attn_c21, SizesBeyond63BitsAreDiagnosed) {
  expectDiagnostic(R"(
    func.func @f(%n: index) -> tensor<?x?xf32> {
      %e = tensor.empty(%n, %n) : tensor<?x?xf32>
      return %e : tensor<?x?xf32>
    })",
                   {scalar("index", 1ll << 40)}, "(rule 21)");
}

TEST_F(attn_c22, SizesThatDisagree) {
  Naive n(2, 4, 2, 3, 5, 4, 2);
  std::vector<Tensor> inputs = makeQKV(n);
  std::vector<Tensor> bad = inputs;
  bad[1] = make("f32", {2, 3, 5, 4}, Naive::random(120, 1));
  bad[2] = make("f32", {2, 3, 5, 2}, Naive::random(60, 1));
  expectDiagnostic(
      attention(n), bad,
      "rule 2: Hq of query must be a multiple of Hkv of key (Hq of query = 4, "
      "Hkv of key = 3)");

  bad = inputs;
  bad[2] = make("f32", {2, 2, 6, 2}, Naive::random(48, 1));
  expectDiagnostic(attention(n), bad,
                   "rule 1: Skv of value must be Skv of key (Skv of value = 6, "
                   "Skv of key = 5)");

  bad = inputs;
  bad[1] = make("f32", {1, 2, 5, 4}, Naive::random(40, 1));
  expectDiagnostic(
      attention(n), bad,
      "rule 1: B of key must be B of query (B of key = 1, B of query = 2)");

  bad = inputs;
  bad.push_back(make("i32", {2}, {5, 6}));
  expectDiagnostic(
      attention(n, "%n: tensor<2xi32>", "kv_len(%n : tensor<2xi32>)"), bad,
      "rule 11: kv_len must lie in 0 .. Skv of key (b = 1, kv_len[b] = 6, "
      "Skv of key = 5)");

  bad = inputs;
  bad.push_back(make("f32", {3}, {0, 0, 0}));
  expectDiagnostic(
      attention(n, "%s0: tensor<?xf32>", "sink(%s0 : tensor<?xf32>)"), bad,
      "rule 11: Hq of sink must be Hq of query (Hq of sink = 3, Hq of query = "
      "4)");

  bad = inputs;
  bad.push_back(make("f32", {2, 5}, filled(10, 0)));
  expectDiagnostic(
      attention(n, "%bi: tensor<?x?xf32>", "bias(%bi : tensor<?x?xf32>)"), bad,
      "rule 10: Sq of bias must be 1 or Sq of query (Sq of bias = 2, Sq of "
      "query = 3)");
}

TEST_F(attn_c22, ArgumentsThatDoNotFit) {
  Naive n(1, 1, 1, 2, 2, 2, 2);
  std::vector<Tensor> inputs = makeQKV(n);
  std::vector<Tensor> bad = inputs;
  bad.pop_back();
  expectDiagnostic(attention(n), bad, "takes 3 arguments, but 2 are given");
  bad = makeQKV(n, "f16");
  expectDiagnostic(attention(n), bad, "dtype f16, expected f32");
  bad = inputs;
  bad[0] = make("f32", {1, 1, 4}, Naive::random(4, 1));
  expectDiagnostic(attention(n), bad, "rank 3, expected 4");
  bad[0] = make("f32", {1, 1, 2, 3}, Naive::random(6, 1));
  expectDiagnostic(attention(n), bad, "dimension 3 is 3, expected 2");
}

TEST_F(attn_c22, PagesAndSequencesOutOfRange) {
  std::string ragged = R"(
    func.func @f(%q: tensor<1x?x4xf32>, %k: tensor<1x?x4xf32>, %v: tensor<1x?x4xf32>,
                 %cq: tensor<?xi32>, %ck: tensor<?xi32>, %o: tensor<1x?x4xf32>) -> tensor<1x?x4xf32> {
      %r = attn.attention ins(%q, %k, %v : tensor<1x?x4xf32>, tensor<1x?x4xf32>, tensor<1x?x4xf32>)
        cu_seqlens(%cq, %ck : tensor<?xi32>, tensor<?xi32>)
        outs(%o : tensor<1x?x4xf32>) -> tensor<1x?x4xf32>
      return %r : tensor<1x?x4xf32>
    })";
  Tensor t = make("f32", {1, 3, 4}, Naive::random(12, 1));
  expectDiagnostic(
      ragged,
      {t, t, t, make("i32", {3}, {0, 2, 4}), make("i32", {3}, {0, 2, 3}), t},
      "rule 11: cu_seqlens_q must rise from 0 to at most T of query (b = 1, "
      "cu_seqlens_q[b] = 2, cu_seqlens_q[b + 1] = 4, T of query = 3)");
  expectDiagnostic(
      ragged,
      {t, t, t, make("i32", {3}, {0, 2, 3}), make("i32", {3}, {0, 2, 1}), t},
      "rule 11: cu_seqlens_kv must rise from 0 to at most T of key (b = 1, "
      "cu_seqlens_kv[b] = 2, cu_seqlens_kv[b + 1] = 1");
}
