//===- MaskAnalysisTest.cpp - The masks of the peers ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every mask, and every score function with -inf (which attn-simplify-regions
// turns into a mask), of FlexAttention, FlashAttention, attention-gym and
// FlashInfer: visited and full tiles against brute force.
//
//===----------------------------------------------------------------------===//

#include "MaskHarness.h"

#include "llvm/Support/FormatVariadic.h"

#include <random>

using namespace attn;
using namespace attn::test;

namespace {

struct Sizes {
  int64_t query, key;
};

class MaskTest : public ::testing::Test {
protected:
  /// Checks the mask for many tile sizes and lengths, for the key tiles of a
  /// query tile (`last`) and for the query tiles of a key tile.
  void
  checkAll(Problem problem, Answer answer,
           std::vector<Sizes> lengths = {{200, 200}, {129, 150}, {150, 77}},
           std::vector<Sizes> tiles = {
               {16, 16}, {64, 64}, {64, 128}, {128, 48}, {16, 128}, {33, 20}}) {
    for (Sizes length : lengths) {
      for (Sizes tile : tiles) {
        // What tests ask of the outcome is that of the last sizes.
        bool isLast = length.query == lengths.back().query &&
                      length.key == lengths.back().key &&
                      tile.query == tiles.back().query &&
                      tile.key == tiles.back().key;
        if (!hasItsTurn(numSizes++) && !isLast)
          continue;
        problem.queryLength = length.query;
        problem.keyLength = length.key;
        last = harness.check(problem, tile.query, tile.key, answer);
        lastOfKeyTile = harness.check(problem, tile.query, tile.key, answer,
                                      MaskAxis::Queries);
        if (HasFailure())
          return;
      }
    }
  }

  MaskHarness harness;
  Outcome last, lastOfKeyTile;
  unsigned numSizes = 0;
};

/// Joins lines that define %keep.
std::string yielding(const std::string &lines) {
  return lines + "\nattn.yield %keep : i1";
}

//===----------------------------------------------------------------------===//
// Affine masks: exact, and in closed form
//===----------------------------------------------------------------------===//

const char *causal = "%keep = arith.cmpi sle, %j, %i : index";

TEST_F(MaskTest, None) {
  checkAll({"%keep = arith.constant true\nattn.yield %keep : i1"},
           Answer::Exact);
  EXPECT_FALSE(last.hasMask);
}

TEST_F(MaskTest, Nothing) {
  checkAll({"%keep = arith.constant false\nattn.yield %keep : i1"},
           Answer::Exact);
  EXPECT_TRUE(last.hasMask);
}

TEST_F(MaskTest, CausalTopLeft) {
  checkAll({yielding(causal)}, Answer::Exact);
  EXPECT_FALSE(last.predicate);
  EXPECT_FALSE(lastOfKeyTile.predicate);
}

TEST_F(MaskTest, CausalStaticSizes) {
  Problem problem{yielding(causal)};
  problem.staticSizes = true;
  checkAll(problem, Answer::Exact);
  EXPECT_FALSE(last.predicate);
  EXPECT_FALSE(lastOfKeyTile.predicate);
}

TEST_F(MaskTest, CausalWithCutKeys) {
  Problem problem{yielding(causal)};
  problem.storedKeys = 512;
  checkAll(problem, Answer::Exact);
  problem.staticSizes = true;
  checkAll(problem, Answer::Exact);
}

TEST_F(MaskTest, InverseCausal) {
  checkAll({yielding("%keep = arith.cmpi sle, %i, %j : index")}, Answer::Exact);
  EXPECT_FALSE(last.predicate);
  EXPECT_FALSE(lastOfKeyTile.predicate);
}

TEST_F(MaskTest, CausalBottomRight) {
  checkAll({yielding(R"(
    %nq = attn.q_len : index
    %nk = attn.kv_len : index
    %off = arith.subi %nk, %nq : index
    %p = arith.addi %i, %off : index
    %keep = arith.cmpi sle, %j, %p : index)")},
           Answer::Exact);
  EXPECT_FALSE(last.predicate);
  EXPECT_FALSE(lastOfKeyTile.predicate);
}

const char *window = R"(
    %off = attn.q_offset : index
    %p = arith.addi %i, %off : index
    %d = arith.subi %p, %j : index
    %left = arith.constant 40 : index
    %right = arith.constant -7 : index
    %near = arith.cmpi sle, %d, %left : index
    %ahead = arith.cmpi sge, %d, %right : index
    %keep = arith.andi %near, %ahead : i1)";

TEST_F(MaskTest, Window) {
  checkAll({yielding(window)}, Answer::Exact);
  EXPECT_FALSE(last.predicate);
  EXPECT_FALSE(lastOfKeyTile.predicate);
}

TEST_F(MaskTest, WindowAtOffset) {
  for (int64_t offset : {-50, 3, 64, 99}) {
    Problem problem{yielding(window)};
    problem.queryOffset = offset;
    checkAll(problem, Answer::Exact, {{40, 150}, {100, 77}});
    EXPECT_FALSE(last.predicate);
    EXPECT_FALSE(lastOfKeyTile.predicate);
  }
}

TEST_F(MaskTest, SlidingWindowAbsolute) {
  checkAll({yielding(R"(
    %w = arith.constant 25 : index
    %d = arith.subi %i, %j : index
    %a = math.absi %d : index
    %keep = arith.cmpi sle, %a, %w : index)")},
           Answer::Exact);
  EXPECT_FALSE(last.predicate);
  EXPECT_FALSE(lastOfKeyTile.predicate);
}

TEST_F(MaskTest, BlockDiagonal) {
  for (const char *division : {"divsi", "floordivsi", "divui"})
    for (const char *size : {"64", "48", "7"}) {
      checkAll({yielding(std::string("%n = arith.constant ") + size +
                         " : index\n%x = arith." + division +
                         " %i, %n : index\n%y = arith." + division +
                         " %j, %n : index\n"
                         "%keep = arith.cmpi eq, %x, %y : index")},
               Answer::Exact);
      EXPECT_FALSE(last.predicate);
    }
}

TEST_F(MaskTest, MiniCausal) {
  for (const char *size : {"128", "48", "20"})
    checkAll({yielding(std::string("%n = arith.constant ") + size + R"( : index
    %x = arith.remsi %i, %n : index
    %y = arith.remsi %j, %n : index
    %keep = arith.cmpi sge, %x, %y : index)")},
             Answer::Exact);
}

TEST_F(MaskTest, PrefixLM) {
  for (int64_t prefix : {0, 5, 64, 130, 1000}) {
    Problem problem{yielding(R"(
    %below = arith.cmpi slt, %j, %prefix : index
    %causal = arith.cmpi sge, %i, %j : index
    %keep = arith.ori %below, %causal : i1)")};
    problem.captures = {scalar("prefix", prefix)};
    checkAll(problem, Answer::Exact, {{200, 200}, {60, 150}});
    EXPECT_FALSE(last.predicate);
    EXPECT_FALSE(lastOfKeyTile.predicate);
  }
}

TEST_F(MaskTest, PrefixLMSquare) {
  checkAll({yielding(R"(
    %n = arith.constant 90 : index
    %x = arith.cmpi slt, %i, %n : index
    %y = arith.cmpi slt, %j, %n : index
    %square = arith.andi %x, %y : i1
    %causal = arith.cmpi sge, %i, %j : index
    %keep = arith.ori %square, %causal : i1)")},
           Answer::Exact);
}

TEST_F(MaskTest, WindowAndPrefix) {
  checkAll({yielding(R"(
    %n = arith.constant 20 : index
    %w = arith.constant 30 : index
    %below = arith.cmpi slt, %j, %n : index
    %causal = arith.cmpi sge, %i, %j : index
    %d = arith.subi %i, %j : index
    %near = arith.cmpi sle, %d, %w : index
    %inside = arith.andi %causal, %near : i1
    %keep = arith.ori %below, %inside : i1)")},
           Answer::Exact);
}

TEST_F(MaskTest, ScalarLimit) {
  for (int64_t limit : {-3, 0, 1, 100, 128, 1000}) {
    Problem problem{yielding(R"(
    %below = arith.cmpi slt, %j, %limit : i64
    %causal = arith.cmpi sge, %i, %j : index
    %keep = arith.andi %below, %causal : i1)")};
    problem.mask = yielding(R"(
    %ji = arith.index_cast %j : index to i64
    %below = arith.cmpi slt, %ji, %limit : i64
    %causal = arith.cmpi sge, %i, %j : index
    %keep = arith.andi %below, %causal : i1)");
    problem.captures = {scalar("limit", limit, "i64")};
    checkAll(problem, Answer::Exact, {{200, 200}, {60, 150}});
    EXPECT_FALSE(last.predicate);
    EXPECT_FALSE(lastOfKeyTile.predicate);
  }
}

TEST_F(MaskTest, WeirdReuse) {
  checkAll({yielding(R"(
    %lo = arith.constant 64 : index
    %hi = arith.constant 200 : index
    %x = arith.cmpi slt, %j, %lo : index
    %y = arith.cmpi sge, %j, %hi : index
    %keep = arith.ori %x, %y : i1)")},
           Answer::Exact, {{50, 300}, {50, 199}, {50, 30}});
  EXPECT_FALSE(last.predicate);
  EXPECT_FALSE(lastOfKeyTile.predicate);
}

TEST_F(MaskTest, PaddedCausal) {
  for (int64_t length : {0, 70, 128, 500}) {
    Problem problem{yielding(R"(
    %real = arith.cmpi slt, %i, %length : index
    %causal = arith.cmpi sge, %i, %j : index
    %keep = arith.andi %real, %causal : i1)")};
    problem.captures = {scalar("length", length)};
    checkAll(problem, Answer::Exact, {{200, 200}, {60, 150}});
    EXPECT_FALSE(last.predicate);
    EXPECT_FALSE(lastOfKeyTile.predicate);
  }
}

TEST_F(MaskTest, RowPrefixOnly) {
  checkAll({yielding(R"(
    %n = attn.q_len : index
    %two = arith.constant 2 : index
    %half = arith.divsi %n, %two : index
    %keep = arith.cmpi slt, %i, %half : index)")},
           Answer::Exact);
  EXPECT_FALSE(last.predicate);
  EXPECT_FALSE(lastOfKeyTile.predicate);
}

TEST_F(MaskTest, Combiners) {
  const char *parts = R"(
    %w = arith.constant 51 : index
    %true = arith.constant true
    %causal = arith.cmpi sge, %i, %j : index
    %not = arith.xori %causal, %true : i1
    %d = arith.subi %i, %j : index
    %near = arith.cmpi sle, %d, %w : index
)";
  for (const char *keep : {"%keep = arith.andi %causal, %near : i1",
                           "%keep = arith.andi %causal, %not : i1",
                           "%keep = arith.ori %causal, %not : i1",
                           "%keep = arith.xori %causal, %near : i1"}) {
    checkAll({yielding(std::string(parts) + keep)}, Answer::Exact);
    EXPECT_FALSE(last.predicate);
    EXPECT_FALSE(lastOfKeyTile.predicate);
  }
}

TEST_F(MaskTest, SelectAndIf) {
  checkAll({yielding(R"(
    %n = arith.constant 60 : index
    %four = arith.constant 4 : index
    %early = arith.cmpi slt, %i, %n : index
    %limit = scf.if %early -> (index) {
      %x = arith.addi %i, %n : index
      scf.yield %x : index
    } else {
      %x = arith.subi %i, %four : index
      scf.yield %x : index
    }
    %bound = arith.select %early, %n, %limit : index
    %least = arith.minsi %bound, %limit : index
    %keep = arith.cmpi sle, %j, %least : index)")},
           Answer::Exact);
}

//===----------------------------------------------------------------------===//
// Affine masks with gaps: exact with a predicate
//===----------------------------------------------------------------------===//

TEST_F(MaskTest, SkipOddKeys) {
  checkAll({yielding(R"(
    %two = arith.constant 2 : index
    %zero = arith.constant 0 : index
    %r = arith.remsi %j, %two : index
    %keep = arith.cmpi eq, %r, %zero : index)")},
           Answer::Exact, {{30, 101}, {30, 64}},
           {{16, 16}, {16, 1}, {8, 2}, {7, 3}});
}

TEST_F(MaskTest, DilatedWindowCausal) {
  checkAll({yielding(R"(
    %w = arith.constant 100 : index
    %two = arith.constant 2 : index
    %zero = arith.constant 0 : index
    %d = arith.subi %i, %j : index
    %causal = arith.cmpi sge, %d, %zero : index
    %near = arith.cmpi slt, %d, %w : index
    %r = arith.remsi %d, %two : index
    %even = arith.cmpi eq, %r, %zero : index
    %a = arith.andi %causal, %near : i1
    %keep = arith.andi %a, %even : i1)")},
           Answer::Exact, {{200, 200}, {77, 150}},
           {{16, 16}, {64, 128}, {1, 1}, {1, 2}, {4, 1}});
}

TEST_F(MaskTest, DilatedWindowSymmetric) {
  checkAll({yielding(R"(
    %w = arith.constant 60 : index
    %n = arith.constant 5 : index
    %zero = arith.constant 0 : index
    %d = arith.subi %i, %j : index
    %a = math.absi %d : index
    %near = arith.cmpi sle, %a, %w : index
    %r = arith.remsi %a, %n : index
    %even = arith.cmpi eq, %r, %zero : index
    %keep = arith.andi %near, %even : i1)")},
           Answer::Exact, {{120, 120}, {77, 150}},
           {{16, 16}, {64, 128}, {2, 2}, {1, 4}, {3, 1}});
}

/// NATTEN, the window clamped to the grid: `width` x `height` points.
std::string natten(int width, int height, int kernel) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "%w = arith.constant " << height << " : index\n"
     << "%k = arith.constant " << kernel / 2 << " : index\n"
     << "%lastx = arith.constant " << width - 1 - kernel / 2 << " : index\n"
     << "%lasty = arith.constant " << height - 1 - kernel / 2 << " : index\n"
     << R"(
    %xi = arith.divsi %i, %w : index
    %yi = arith.remsi %i, %w : index
    %xj = arith.divsi %j, %w : index
    %yj = arith.remsi %j, %w : index
    %cx0 = arith.maxsi %xi, %k : index
    %cx = arith.minsi %cx0, %lastx : index
    %cy0 = arith.maxsi %yi, %k : index
    %cy = arith.minsi %cy0, %lasty : index
    %dx = arith.subi %cx, %xj : index
    %dy = arith.subi %cy, %yj : index
    %ax = math.absi %dx : index
    %ay = math.absi %dy : index
    %nearx = arith.cmpi sle, %ax, %k : index
    %neary = arith.cmpi sle, %ay, %k : index
    %keep = arith.andi %nearx, %neary : i1)";
  return text;
}

TEST_F(MaskTest, NattenClamped) {
  for (bool isStatic : {false, true}) {
    Problem problem{yielding(natten(12, 16, 5))};
    problem.staticSizes = isStatic;
    checkAll(problem, Answer::Exact, {{192, 192}},
             {{16, 16}, {64, 32}, {32, 64}, {24, 40}, {8, 4}});
  }
  // A partial grid, and rows that are no multiple of anything.
  checkAll({yielding(natten(11, 13, 7))}, Answer::Exact, {{140, 143}},
           {{16, 16}, {13, 26}, {32, 8}});
}

TEST_F(MaskTest, NattenUnion) {
  checkAll({yielding(R"(
    %w = arith.constant 16 : index
    %k = arith.constant 3 : index
    %xi = arith.divsi %i, %w : index
    %yi = arith.remsi %i, %w : index
    %xj = arith.divsi %j, %w : index
    %yj = arith.remsi %j, %w : index
    %dx = arith.subi %xi, %xj : index
    %dy = arith.subi %yi, %yj : index
    %ax = math.absi %dx : index
    %ay = math.absi %dy : index
    %nearx = arith.cmpi sle, %ax, %k : index
    %neary = arith.cmpi sle, %ay, %k : index
    %keep = arith.ori %nearx, %neary : i1)")},
           Answer::Exact, {{192, 192}, {100, 130}},
           {{16, 16}, {8, 8}, {64, 32}, {4, 4}, {5, 3}});
}

TEST_F(MaskTest, SlidingTile2D) {
  // A 2-d grid of 4 x 4 tiles in tile order, 16 x 16 points; windows of tiles.
  checkAll({yielding(R"(
    %tile = arith.constant 16 : index
    %grid = arith.constant 4 : index
    %one = arith.constant 1 : index
    %two = arith.constant 2 : index
    %ti = arith.divsi %i, %tile : index
    %tj = arith.divsi %j, %tile : index
    %xi = arith.divsi %ti, %grid : index
    %yi = arith.remsi %ti, %grid : index
    %xj = arith.divsi %tj, %grid : index
    %yj = arith.remsi %tj, %grid : index
    %cx0 = arith.maxsi %xi, %one : index
    %cx = arith.minsi %cx0, %two : index
    %cy0 = arith.maxsi %yi, %one : index
    %cy = arith.minsi %cy0, %two : index
    %dx = arith.subi %cx, %xj : index
    %dy = arith.subi %cy, %yj : index
    %ax = math.absi %dx : index
    %ay = math.absi %dy : index
    %nearx = arith.cmpi sle, %ax, %one : index
    %neary = arith.cmpi sle, %ay, %one : index
    %keep = arith.andi %nearx, %neary : i1)")},
           Answer::Exact, {{256, 256}},
           {{16, 16}, {64, 32}, {32, 64}, {24, 40}, {8, 4}});
}

TEST_F(MaskTest, SlidingTile3DWithText) {
  // 2 x 3 x 3 tiles of 16 points, then text that all see and that sees all.
  Problem problem{yielding(R"(
    %tile = arith.constant 16 : index
    %grid = arith.constant 3 : index
    %plane = arith.constant 9 : index
    %video = arith.constant 288 : index
    %one = arith.constant 1 : index
    %iv = arith.cmpi slt, %i, %video : index
    %jv = arith.cmpi slt, %j, %video : index
    %ti = arith.divsi %i, %tile : index
    %tj = arith.divsi %j, %tile : index
    %zi = arith.divsi %ti, %plane : index
    %zj = arith.divsi %tj, %plane : index
    %pi = arith.remsi %ti, %plane : index
    %pj = arith.remsi %tj, %plane : index
    %xi = arith.divsi %pi, %grid : index
    %xj = arith.divsi %pj, %grid : index
    %yi = arith.remsi %pi, %grid : index
    %yj = arith.remsi %pj, %grid : index
    %dz = arith.subi %zi, %zj : index
    %dx = arith.subi %xi, %xj : index
    %dy = arith.subi %yi, %yj : index
    %az = math.absi %dz : index
    %ax = math.absi %dx : index
    %ay = math.absi %dy : index
    %nz = arith.cmpi sle, %az, %one : index
    %nx = arith.cmpi sle, %ax, %one : index
    %ny = arith.cmpi sle, %ay, %one : index
    %n1 = arith.andi %nz, %nx : i1
    %near = arith.andi %n1, %ny : i1
    %true = arith.constant true
    %it = arith.xori %iv, %true : i1
    %jt = arith.xori %jv, %true : i1
    %text = arith.ori %it, %jt : i1
    %keep = arith.ori %near, %text : i1)")};
  problem.staticSizes = true;
  // Three levels of division exceed the limits: sound, not promised exact.
  checkAll(problem, Answer::AsPromised, {{310, 310}},
           {{16, 16}, {64, 32}, {8, 4}});
}

TEST_F(MaskTest, SvgSpatialAndTemporal) {
  const char *prologue = R"(
    %prompt = arith.constant 20 : index
    %frame = arith.constant 24 : index
    %w = arith.constant 30 : index
    %row = arith.cmpi slt, %i, %prompt : index
    %column = arith.cmpi slt, %j, %prompt : index
    %either = arith.ori %row, %column : i1
)";
  checkAll({yielding(std::string(prologue) + R"(
    %d = arith.subi %i, %j : index
    %a = math.absi %d : index
    %near = arith.cmpi slt, %a, %w : index
    %keep = arith.ori %either, %near : i1)")},
           Answer::Exact);
  // Frame-relative: positions inside a frame differ by little.
  checkAll({yielding(std::string(prologue) + R"(
    %three = arith.constant 3 : index
    %ii = arith.subi %i, %prompt : index
    %jj = arith.subi %j, %prompt : index
    %fi = arith.remsi %ii, %frame : index
    %fj = arith.remsi %jj, %frame : index
    %d = arith.subi %fi, %fj : index
    %a = math.absi %d : index
    %near = arith.cmpi slt, %a, %three : index
    %keep = arith.ori %either, %near : i1)")},
           Answer::Exact, {{140, 140}}, {{16, 16}, {8, 4}, {32, 16}});
}

TEST_F(MaskTest, Batchify) {
  checkAll({yielding(R"(
    %n = arith.constant 50 : index
    %bi = arith.divsi %i, %n : index
    %bj = arith.divsi %j, %n : index
    %li = arith.remsi %i, %n : index
    %lj = arith.remsi %j, %n : index
    %same = arith.cmpi eq, %bi, %bj : index
    %causal = arith.cmpi sge, %li, %lj : index
    %keep = arith.andi %same, %causal : i1)")},
           Answer::Exact);
}

TEST_F(MaskTest, ByBatchAndHead) {
  for (int64_t head : {0, 1, 3}) {
    Problem problem{yielding(R"(
    %n = arith.constant 24 : index
    %w = arith.muli %h, %n : index
    %p = arith.addi %w, %b : index
    %d = arith.subi %i, %j : index
    %near = arith.cmpi sle, %d, %p : index
    %causal = arith.cmpi sge, %i, %j : index
    %keep = arith.andi %near, %causal : i1)")};
    problem.batch = 2;
    problem.head = head;
    checkAll(problem, Answer::Exact, {{200, 200}, {60, 150}});
    EXPECT_FALSE(last.predicate);
  }
}

TEST_F(MaskTest, BitsOfIndices) {
  // Shifts and masks by powers of two are divisions and remainders.
  checkAll({yielding(R"(
    %five = arith.constant 5 : index
    %mask = arith.constant 31 : index
    %bi = arith.shrsi %i, %five : index
    %bj = arith.shrui %j, %five : index
    %li = arith.andi %i, %mask : index
    %lj = arith.andi %j, %mask : index
    %before = arith.cmpi ugt, %bi, %bj : index
    %later = arith.cmpi uge, %li, %lj : index
    %keep = arith.andi %before, %later : i1)")},
           Answer::Exact);
}

TEST_F(MaskTest, NegativeDividends) {
  for (const char *division : {"divsi", "floordivsi", "ceildivsi", "remsi"})
    for (const char *divisor : {"16", "-16"})
      checkAll({yielding(std::string("%n = arith.constant ") + divisor +
                         " : index\n%zero = arith.constant 1 : index\n"
                         "%d = arith.subi %i, %j : index\n%q = arith." +
                         division +
                         " %d, %n : index\n"
                         "%keep = arith.cmpi eq, %q, %zero : index")},
               Answer::Exact, {{100, 100}}, {{16, 16}, {8, 32}, {5, 3}});
}

TEST_F(MaskTest, UnsignedComparison) {
  // i - j as an unsigned number: causal and near in one compare.
  checkAll({yielding(R"(
    %w = arith.constant 33 : index
    %d = arith.subi %i, %j : index
    %keep = arith.cmpi ult, %d, %w : index)")},
           Answer::Exact);
  EXPECT_FALSE(last.predicate);
}

//===----------------------------------------------------------------------===//
// Captured tables
//===----------------------------------------------------------------------===//

/// Ids of consecutive documents with the given lengths.
std::vector<int64_t> documents(std::vector<int64_t> lengths, int64_t total) {
  std::vector<int64_t> ids;
  for (size_t number = 0; number < lengths.size(); ++number)
    ids.insert(ids.end(), lengths[number], 3 * number);
  ids.resize(total, ids.empty() ? 0 : ids.back());
  return ids;
}

const char *sameDocument = R"(
    %di = memref.load %doc[%i] : memref<?xi32>
    %dj = memref.load %doc[%j] : memref<?xi32>
    %same = arith.cmpi eq, %di, %dj : i32
)";

TEST_F(MaskTest, Documents) {
  Problem problem{yielding(std::string(sameDocument) +
                           "%true = arith.constant true\n"
                           "%keep = arith.andi %same, %true : i1")};
  problem.captures = {table("doc", documents({30, 1, 64, 100, 5}, 200))};
  checkAll(problem, Answer::AsExact, {{200, 200}, {130, 190}});
  EXPECT_TRUE(last.predicate);
  EXPECT_EQ(last.summaries, 2u);
}

TEST_F(MaskTest, DocumentsCausal) {
  Problem problem{yielding(std::string(sameDocument) + R"(
    %causal = arith.cmpi sge, %i, %j : index
    %keep = arith.andi %same, %causal : i1)")};
  problem.captures = {table("doc", documents({30, 1, 64, 100, 5}, 200))};
  checkAll(problem, Answer::AsExact, {{200, 200}, {130, 190}});
}

TEST_F(MaskTest, SharedTablesOfOtherLengths) {
  // A table that b does not index is summarised for all batches at once.
  Problem problem{yielding(R"(
    %one = arith.constant 1 : i32
    %di = memref.load %doc[%i] : memref<?xi32>
    %dj = memref.load %doc[%j] : memref<?xi32>
    %row = arith.cmpi sge, %di, %one : i32
    %key = arith.cmpi sge, %dj, %one : i32
    %same = arith.cmpi eq, %di, %dj : i32
    %some = arith.andi %row, %key : i1
    %keep = arith.andi %some, %same : i1)")};
  problem.captures = {table("doc", documents({70, 30, 100}, 200))};
  problem.storedKeys = 300;
  problem.batch = 2;
  for (int64_t before : {0, 1, 100, 300}) {
    problem.queryLengthsBefore = problem.keyLengthsBefore = {before, 0};
    checkAll(problem, Answer::Sound, {{200, 200}, {130, 190}});
  }
  // Unless elements past its end share a tile with the sequence, it is exact.
  problem.queryLengthsBefore = problem.keyLengthsBefore = {0, 16};
  checkAll(problem, Answer::AsExact, {{200, 200}}, {{64, 64}});
}

TEST_F(MaskTest, TablesOfEachBatch) {
  // kv_len makes the condition one of the batch.
  Problem problem{yielding(R"(
    %n = attn.kv_len : index
    %dj = memref.load %doc[%j] : memref<?xi32>
    %d = arith.index_cast %dj : i32 to index
    %keep = arith.cmpi slt, %d, %n : index)")};
  std::vector<int64_t> ids(200);
  std::mt19937 random(11);
  for (int64_t &id : ids)
    id = random() % 300;
  problem.captures = {table("doc", ids)};
  problem.storedKeys = 300;
  problem.batch = 1;
  for (int64_t before : {0, 50, 300}) {
    problem.keyLengthsBefore = {before};
    checkAll(problem, Answer::AsExact, {{20, 200}, {20, 90}});
  }
}

TEST_F(MaskTest, DocumentsUnsorted) {
  std::mt19937 random(7);
  std::vector<int64_t> ids(200);
  for (int64_t &id : ids)
    id = random() % 9;
  Problem problem{yielding(std::string(sameDocument) +
                           "%true = arith.constant true\n"
                           "%keep = arith.andi %same, %true : i1")};
  problem.captures = {table("doc", ids)};
  checkAll(problem, Answer::Sound, {{200, 200}});
}

TEST_F(MaskTest, DocumentsPerBatchAndHead) {
  Problem problem{yielding(R"(
    %di = memref.load %doc[%b, %h, %i] : memref<?x?x?xi32>
    %dj = memref.load %doc[%b, %h, %j] : memref<?x?x?xi32>
    %keep = arith.cmpi eq, %di, %dj : i32)")};
  std::vector<int64_t> ids;
  for (int64_t length : {20, 33, 50, 64, 90, 130}) {
    std::vector<int64_t> part = documents({length, 10}, 150);
    part.resize(150, 5);
    ids.insert(ids.end(), part.begin(), part.end());
  }
  problem.captures = {table("doc", ids, {2, 3, 150})};
  for (int64_t batch : {0, 1}) {
    for (int64_t head : {0, 2}) {
      problem.batch = batch;
      problem.head = head;
      checkAll(problem, Answer::Sound, {{150, 150}});
    }
  }
}

TEST_F(MaskTest, SequenceMasking) {
  // First and second half; a summary of a condition.
  Problem problem{yielding(std::string(sameDocument) +
                           "%true = arith.constant true\n"
                           "%keep = arith.andi %same, %true : i1")};
  problem.captures = {table("doc", documents({100, 100}, 200))};
  checkAll(problem, Answer::AsExact, {{200, 200}});
}

TEST_F(MaskTest, KeyThresholds) {
  // j >= threshold[j]: depends on j alone, so it is summarised exactly.
  std::mt19937 random(3);
  std::vector<int64_t> thresholds(210);
  for (int64_t &threshold : thresholds)
    threshold = random() % 260;
  Problem problem{yielding(R"(
    %jj = arith.index_cast %j : index to i32
    %t = memref.load %thr[%j] : memref<?xi32>
    %keep = arith.cmpi sge, %jj, %t : i32)")};
  problem.captures = {table("thr", thresholds)};
  checkAll(problem, Answer::AsExact, {{50, 210}, {50, 97}});
  EXPECT_EQ(last.summaries, 1u);
}

TEST_F(MaskTest, WindowPerRow) {
  std::mt19937 random(5);
  std::vector<int64_t> windows(200);
  for (int64_t &width : windows)
    width = random() % 50;
  Problem problem{yielding(R"(
    %w = memref.load %window[%i] : memref<?xi32>
    %wi = arith.index_cast %w : i32 to index
    %d = arith.subi %i, %j : index
    %near = arith.cmpi sle, %d, %wi : index
    %causal = arith.cmpi sge, %i, %j : index
    %keep = arith.andi %near, %causal : i1)")};
  problem.captures = {table("window", windows)};
  checkAll(problem, Answer::AsExact, {{200, 200}, {130, 160}});
  EXPECT_FALSE(last.predicate) << "summaries of rows give closed forms";
  EXPECT_EQ(last.summaries, 1u) << "of the first key of a row";
  // Rows that attend nothing among others that attend all, by what 32 bits do
  // not hold, and windows that leave gaps: no wrong claim.
  for (int64_t &width : windows)
    width = random() % 40 == 0   ? std::numeric_limits<int32_t>::min()
            : random() % 40 == 0 ? std::numeric_limits<int32_t>::max()
            : random() % 40 == 0 ? -int64_t(random() % 20)
                                 : 100 + int64_t(random() % 60);
  problem.captures = {table("window", windows)};
  checkAll(problem, Answer::Sound, {{200, 200}, {130, 160}});
}

TEST_F(MaskTest, SumsOfBothSides) {
  // Sums of rows beside sums of keys, twice a number, and an equality.
  std::mt19937 random(7);
  for (const char *compare :
       {"cmpi sge, %x, %y", "cmpi slt, %x, %y", "cmpi eq, %x, %y"}) {
    for (const char *type : {"i32", "i64"}) {
      Problem problem{yielding(llvm::formatv(R"(
    %two = arith.constant 2 : index
    %r = memref.load %rows[%i] : memref<?x{0}>
    %s = memref.load %more[%i] : memref<?x{0}>
    %k = memref.load %columns[%j] : memref<?x{0}>
    %ri = arith.index_cast %r : {0} to index
    %si = arith.index_cast %s : {0} to index
    %ki = arith.index_cast %k : {0} to index
    %i2 = arith.muli %i, %two : index
    %x0 = arith.subi %i2, %ri : index
    %x = arith.addi %x0, %si : index
    %y = arith.addi %j, %ki : index
    %keep = arith.{1} : index)",
                                             type, compare)
                                   .str())};
      for (int64_t huge : {0, 1}) {
        // Huge ones come one by one, or 50 in a row: then sums of rows and of
        // keys are both beyond 32 bits, and which is larger they do not say.
        using Limits = std::numeric_limits<int32_t>;
        auto numbers = [&](int64_t first, int64_t most) {
          std::vector<int64_t> values(200);
          for (int64_t n = 0; n < 200; ++n)
            values[n] = huge && n >= first && n < first + 50 ? most
                        : huge && random() % 60 == 0
                            ? (random() % 2 ? Limits::max() : Limits::min())
                            : int64_t(random() % 80) - 40;
          return values;
        };
        problem.captures = {
            table("rows", numbers(0, Limits::min()), {}, type),
            table("more", numbers(200, 0), {}, type),
            table("columns", numbers(100, Limits::max()), {}, type)};
        checkAll(problem, Answer::Sound, {{200, 200}, {60, 130}});
      }
    }
  }
}

TEST_F(MaskTest, FunctionsOfEqualValues) {
  // Starts of documents cancel out, wherever the ids are loaded.
  const std::string text = std::string(sameDocument) + R"(
    %ei = memref.load %doc[%i] : memref<?xi32>
    %at = arith.index_cast %ei : i32 to index
    %s = memref.load %start[%at] : memref<?xi32>
    %si = arith.index_cast %s : i32 to index
    %x = arith.subi %i, %si : index
    %ej = memref.load %doc[%j] : memref<?xi32>
    %to = arith.index_cast %ej : i32 to index
    %t = memref.load %start[%to] : memref<?xi32>
    %ti = arith.index_cast %t : i32 to index
    %y = arith.subi %j, %ti : index
    %causal = arith.cmpi sge, %x, %y : index
    %keep = arith.andi %same, %causal : i1)";
  Problem problem{yielding(text)};
  problem.captures = {table("doc", documents({30, 1, 64, 100, 5}, 200)),
                      table("start", {0, 30, 31, 95, 195})};
  checkAll(problem, Answer::AsExact, {{200, 200}, {130, 190}});
  // What is said of either of them bounds its own axis.
  std::string later = text;
  later.replace(later.find("%keep ="), 7, "%both =");
  Problem bounded{yielding(later + R"(
    %first = arith.constant 31 : i32
    %row = arith.cmpi sge, %s, %first : i32
    %key = arith.cmpi sge, %t, %first : i32
    %later = arith.andi %row, %key : i1
    %keep = arith.andi %both, %later : i1)")};
  bounded.captures = problem.captures;
  checkAll(bounded, Answer::AsExact, {{200, 200}, {130, 190}});
  // Functions that differ do not.
  std::string other = text;
  other.replace(other.find("%start[%to]"), 11, "%end[%to]");
  Problem different{yielding(other)};
  different.captures = {problem.captures[0], problem.captures[1],
                        table("end", {10, 70, 3, 0, 150})};
  checkAll(different, Answer::Sound, {{200, 200}, {130, 190}});
}

TEST_F(MaskTest, LimitPerRow) {
  // Sorted or not, j < limit[i] is exact: the tile's largest limit decides.
  std::mt19937 random(6);
  std::vector<int64_t> limits(200);
  for (int64_t &limit : limits)
    limit = random() % 250;
  Problem problem{yielding(R"(
    %l = memref.load %limits[%i] : memref<?xindex>
    %keep = arith.cmpi slt, %j, %l : index)")};
  problem.captures = {table("limits", limits, {}, "index")};
  checkAll(problem, Answer::AsExact, {{200, 200}, {130, 160}});
  EXPECT_FALSE(last.predicate);
}

TEST_F(MaskTest, LengthPerBatch) {
  // A table read at b alone is a scalar of the batch.
  Problem problem{yielding(R"(
    %n = memref.load %lengths[%b] : memref<?xi32>
    %ni = arith.index_cast %n : i32 to index
    %x = arith.cmpi sle, %i, %ni : index
    %y = arith.cmpi sle, %j, %ni : index
    %square = arith.andi %x, %y : i1
    %causal = arith.cmpi sge, %i, %j : index
    %keep = arith.ori %square, %causal : i1)")};
  problem.captures = {table("lengths", {20, 77, 500})};
  for (int64_t batch : {0, 1, 2}) {
    problem.batch = batch;
    checkAll(problem, Answer::Exact, {{200, 200}, {60, 150}});
    EXPECT_EQ(last.summaries, 0u);
  }
}

TEST_F(MaskTest, Flamingo) {
  // Text i sees the tokens j of image(j) if interval(image(j)) holds i.
  std::vector<int64_t> image, intervals = {0, 40, 40, 100, 100, 130, 130, 200};
  for (int64_t j = 0; j < 160; ++j)
    image.push_back(j / 40);
  Problem problem{yielding(R"(
    %zero = arith.constant 0 : index
    %one = arith.constant 1 : index
    %g = memref.load %image[%j] : memref<?xi32>
    %gi = arith.index_cast %g : i32 to index
    %lo = memref.load %interval[%gi, %zero] : memref<?x?xi32>
    %hi = memref.load %interval[%gi, %one] : memref<?x?xi32>
    %ii = arith.index_cast %i : index to i32
    %after = arith.cmpi sle, %lo, %ii : i32
    %before = arith.cmpi slt, %ii, %hi : i32
    %keep = arith.andi %after, %before : i1)")};
  problem.captures = {table("image", image),
                      table("interval", intervals, {4, 2})};
  checkAll(problem, Answer::Sound, {{200, 160}});
  checkAll(problem, Answer::AsExact, {{200, 160}}, {{16, 20}, {32, 40}});
}

TEST_F(MaskTest, PackedBits) {
  // A table read at both i and j is unknown.
  std::vector<int64_t> words(100 * 4);
  std::mt19937 random(9);
  for (int64_t &word : words)
    word = static_cast<int32_t>(random());
  Problem problem{yielding(R"(
    %n = arith.constant 32 : index
    %one = arith.constant 1 : i32
    %zero = arith.constant 0 : i32
    %w = arith.divsi %j, %n : index
    %bit = arith.remsi %j, %n : index
    %biti = arith.index_cast %bit : index to i32
    %word = memref.load %words[%i, %w] : memref<?x?xi32>
    %shifted = arith.shrui %word, %biti : i32
    %x = arith.andi %shifted, %one : i32
    %set = arith.cmpi ne, %x, %zero : i32
    %causal = arith.cmpi sge, %i, %j : index
    %keep = arith.andi %set, %causal : i1)")};
  problem.captures = {table("words", words, {100, 4})};
  checkAll(problem, Answer::Sound, {{100, 128}});
  EXPECT_FALSE(last.exact);
}

//===----------------------------------------------------------------------===//
// Values that are constant over blocks of a tile
//===----------------------------------------------------------------------===//

std::vector<int64_t> someBlocks(size_t size, int oneOf, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<int64_t> blocks(size);
  for (int64_t &block : blocks)
    block = random() % oneOf == 0;
  return blocks;
}

const char *blockOf64 = R"(
    %n = arith.constant 64 : index
    %zero = arith.constant 0 : i8
    %x = arith.divsi %i, %n : index
    %y = arith.divsi %j, %n : index
    %block = memref.load %blocks[%x, %y] : memref<?x?xi8>
    %set = arith.cmpi ne, %block, %zero : i8
)";

TEST_F(MaskTest, BlockTable) {
  Problem problem{yielding(std::string(blockOf64) +
                           "%true = arith.constant true\n"
                           "%keep = arith.andi %set, %true : i1")};
  problem.captures = {table("blocks", someBlocks(36, 3, 1), {6, 6}, "i8")};
  checkAll(problem, Answer::AsExact, {{380, 384}, {129, 150}, {1, 300}},
           {{64, 64}, {16, 16}, {64, 128}, {128, 96}, {256, 192}});
  EXPECT_TRUE(last.predicate);
  EXPECT_EQ(last.summaries, 1u);
  // Lengths of other batches do not matter, static ones no less.
  problem.staticSizes = true;
  problem.storedKeys = 384;
  problem.batch = 1;
  problem.keyLengthsBefore = {0};
  checkAll(problem, Answer::AsExact, {{380, 300}}, {{64, 96}});
}

TEST_F(MaskTest, BlockTableOfOtherTiles) {
  // Blocks of 64 in tiles that they do not divide: right, if coarse.
  Problem problem{yielding(std::string(blockOf64) +
                           "%true = arith.constant true\n"
                           "%keep = arith.andi %set, %true : i1")};
  problem.captures = {table("blocks", someBlocks(36, 3, 2), {6, 6}, "i8")};
  checkAll(problem, Answer::Sound, {{380, 384}, {129, 150}},
           {{33, 20}, {48, 64}, {100, 100}, {1, 384}});
}

TEST_F(MaskTest, BlockTableCausal) {
  Problem problem{yielding(std::string(blockOf64) + R"(
    %causal = arith.cmpi sle, %j, %i : index
    %keep = arith.andi %set, %causal : i1)")};
  problem.captures = {table("blocks", someBlocks(36, 2, 3), {6, 6}, "i8")};
  checkAll(problem, Answer::AsExact, {{384, 384}}, {{64, 64}, {32, 64}});
  checkAll(problem, Answer::Sound, {{384, 384}}, {{128, 96}});
}

TEST_F(MaskTest, BlockTableByBatchAndHead) {
  // Elements, too, not only conditions; blocks of 16 in blocks of 4.
  Problem problem{yielding(R"(
    %four = arith.constant 4 : index
    %two = arith.constant 2 : i32
    %x = arith.divui %i, %four : index
    %xx = arith.floordivsi %x, %four : index
    %jj = arith.index_cast %j : index to i32
    %y = arith.shrsi %jj, %two : i32
    %yi = arith.index_cast %y : i32 to index
    %limit = memref.load %limits[%b, %h, %xx, %yi] : memref<?x?x?x?xi32>
    %keep = arith.cmpi slt, %jj, %limit : i32)")};
  std::vector<int64_t> limits(2 * 3 * 4 * 16);
  std::mt19937 random(4);
  for (int64_t &limit : limits)
    limit = random() % 64;
  problem.captures = {table("limits", limits, {2, 3, 4, 16})};
  for (int64_t batch : {0, 1}) {
    for (int64_t head : {0, 2}) {
      problem.batch = batch;
      problem.head = head;
      checkAll(problem, Answer::Sound, {{60, 64}},
               {{16, 4}, {16, 16}, {32, 8}, {8, 2}, {64, 32}});
      EXPECT_EQ(last.summaries, 1u);
    }
  }
  checkAll(problem, Answer::AsExact, {{60, 64}}, {{16, 1}, {4, 1}});
}

TEST_F(MaskTest, BlockBits) {
  // A bit for each block of 32 x 16, by parity, under a branch.
  Problem problem{yielding(R"(
    %m = arith.constant 32 : index
    %n = arith.constant 16 : index
    %x = arith.divsi %i, %m : index
    %rest = arith.remsi %j, %n : index
    %first = arith.subi %j, %rest : index
    %y = arith.divsi %first, %n : index
    %one = arith.constant 1 : index
    %some = arith.cmpi sge, %x, %one : index
    %keep = scf.if %some -> i1 {
      %word = memref.load %words[%x] : memref<?xi32>
      %by = arith.index_cast %y : index to i32
      %shifted = arith.shrui %word, %by : i32
      %bit = arith.trunci %shifted : i32 to i1
      scf.yield %bit : i1
    } else {
      %true = arith.constant true
      scf.yield %true : i1
    })")};
  problem.captures = {table("words", {0, 0x15, 0, 0xf0f, 0x8001})};
  checkAll(problem, Answer::AsExact, {{160, 200}},
           {{32, 16}, {16, 16}, {64, 64}, {160, 48}});
  EXPECT_GE(last.summaries, 1u);
}

TEST_F(MaskTest, ShiftedBlocksAreNoBlocks) {
  Problem problem{yielding(R"(
    %n = arith.constant 16 : index
    %off = attn.q_offset : index
    %p = arith.addi %i, %off : index
    %x = arith.divsi %p, %n : index
    %y = arith.divsi %j, %n : index
    %keep = memref.load %blocks[%x, %y] : memref<?x?xi1>)")};
  problem.captures = {table("blocks", someBlocks(100, 2, 5), {10, 10}, "i1")};
  for (int64_t offset : {-3, 5, 16}) {
    problem.queryOffset = offset;
    checkAll(problem, Answer::Sound, {{100, 160}}, {{16, 16}, {32, 64}});
  }
}

TEST_F(MaskTest, DivisionsDoNotFault) {
  // What the region computes under a condition, the analysis computes anywhere:
  // a scalar, a summary and a block.
  Problem problem{yielding(R"(
    %zero = arith.constant 0 : index
    %four = arith.constant 4 : index
    %hundred = arith.constant 100 : index
    %some = arith.cmpi ne, %n, %zero : index
    %keep = scf.if %some -> i1 {
      %scalar = arith.divsi %hundred, %n : index
      %d = memref.load %divisors[%j] : memref<?xindex>
      %key = arith.remsi %hundred, %d : index
      %x = arith.divsi %i, %four : index
      %y = arith.divsi %j, %four : index
      %e = memref.load %blocks[%x, %y] : memref<?x?xindex>
      %block = arith.floordivsi %hundred, %e : index
      %u = arith.cmpi sle, %j, %scalar : index
      %v = arith.cmpi sge, %i, %key : index
      %w = arith.cmpi sle, %i, %block : index
      %uv = arith.andi %u, %v : i1
      %uvw = arith.andi %uv, %w : i1
      scf.yield %uvw : i1
    } else {
      %causal = arith.cmpi sle, %j, %i : index
      scf.yield %causal : i1
    })")};
  std::vector<int64_t> zeros(100, 0), ones(100, 1);
  for (int64_t n : {0, 2}) {
    problem.captures = {scalar("n", n),
                        table("divisors", n ? ones : zeros, {}, "index"),
                        table("blocks", n ? ones : zeros, {10, 10}, "index")};
    checkAll(problem, Answer::Sound, {{40, 40}}, {{4, 4}, {16, 8}});
  }
}

TEST_F(MaskTest, HugeCoefficients) {
  // Products of coefficients that 64 bits do not hold: no wrong claim.
  for (const char *power : {"4294967297", "1099511627776",
                            "4611686018427387903", "2305843009213693953"}) {
    Problem problem{yielding(std::string("%k = arith.constant ") + power +
                             R"( : index
    %m = arith.constant 4294967311 : index
    %qi = arith.floordivsi %i, %k : index
    %qj = arith.floordivsi %j, %m : index
    %x = arith.muli %qi, %m : index
    %y = arith.muli %qj, %k : index
    %xi = arith.addi %x, %i : index
    %yj = arith.addi %y, %j : index
    %keep = arith.cmpi sle, %yj, %xi : index)")};
    checkAll(problem, Answer::Sound, {{50, 60}}, {{16, 16}, {5, 7}});
  }
}

//===----------------------------------------------------------------------===//
// Values of keys that no row attends
//===----------------------------------------------------------------------===//

TEST_F(MaskTest, ValuesOutsideOfWindows) {
  for (int64_t offset : {-90, -20, 0, 3, 64, 99, 300}) {
    Problem problem{yielding(window)};
    problem.queryOffset = offset;
    for (Sizes length : {Sizes{1, 200}, {40, 200}, {200, 150}}) {
      checkAll(problem, Answer::Exact, {length}, {{16, 16}, {64, 48}});
      EXPECT_TRUE(last.leavesOutAll);
    }
  }
  // Causal rows end before the keys do.
  checkAll({yielding(causal)}, Answer::Exact, {{50, 200}});
  EXPECT_TRUE(last.leavesOutAll);
}

TEST_F(MaskTest, ValuesBetweenSinksAndWindow) {
  Problem problem{yielding(R"(
    %four = arith.constant 4 : index
    %left = arith.constant 30 : index
    %n = attn.kv_len : index
    %q = attn.q_len : index
    %off = arith.subi %n, %q : index
    %p = arith.addi %i, %off : index
    %d = arith.subi %p, %j : index
    %near = arith.cmpi sle, %d, %left : index
    %sink = arith.cmpi slt, %j, %four : index
    %some = arith.ori %near, %sink : i1
    %causal = arith.cmpi sle, %j, %p : index
    %keep = arith.andi %some, %causal : i1)")};
  problem.storedKeys = 300;
  for (Sizes length : {Sizes{1, 200}, {7, 90}, {64, 250}, {40, 41}}) {
    checkAll(problem, Answer::Sound, {length}, {{16, 16}, {64, 48}});
    EXPECT_TRUE(last.leavesOutAll);
  }
}

TEST_F(MaskTest, ValuesOfKeysInTables) {
  // A padding mask, a stride and causal rows; rows decide nothing.
  Problem problem{yielding(R"(
    %two = arith.constant 2 : index
    %zero = arith.constant 0 : index
    %pad = memref.load %padding[%b, %j] : memref<?x?xi1>
    %odd = arith.remsi %j, %two : index
    %even = arith.cmpi eq, %odd, %zero : index
    %causal = arith.cmpi sle, %j, %i : index
    %x = arith.andi %pad, %even : i1
    %keep = arith.andi %x, %causal : i1)")};
  problem.captures = {table("padding", someBlocks(300, 2, 8), {2, 150}, "i1")};
  for (int64_t batch : {0, 1}) {
    problem.batch = batch;
    checkAll(problem, Answer::Sound, {{150, 150}, {20, 140}, {150, 77}});
    EXPECT_TRUE(last.leavesOutAll);
  }
}

TEST_F(MaskTest, RunTimeBlockSize) {
  Problem problem{yielding(R"(
    %x = arith.divsi %i, %n : index
    %y = arith.divsi %j, %n : index
    %keep = arith.cmpi eq, %x, %y : index)")};
  problem.captures = {scalar("n", 37)};
  checkAll(problem, Answer::AsExact, {{150, 150}});
}

TEST_F(MaskTest, FloatConditions) {
  // On rows alone it is summarised; on both it is unknown.
  checkAll({yielding(R"(
    %ii = arith.index_cast %i : index to i32
    %f = arith.sitofp %ii : i32 to f32
    %limit = arith.constant 77.5 : f32
    %keep = arith.cmpf olt, %f, %limit : f32)")},
           Answer::AsExact, {{150, 150}});
  checkAll({yielding(R"(
    %d = arith.muli %i, %j : index
    %ii = arith.index_cast %d : index to i32
    %f = arith.sitofp %ii : i32 to f32
    %limit = arith.constant 77.5 : f32
    %keep = arith.cmpf olt, %f, %limit : f32)")},
           Answer::Sound, {{60, 60}});
}

TEST_F(MaskTest, ReadsPastTheEnd) {
  // doc[i + 1] of the last row lies outside the table; the row is masked.
  Problem problem{yielding(R"(
    %one = arith.constant 1 : index
    %n = attn.q_len : index
    %next = arith.addi %i, %one : index
    %more = arith.cmpi slt, %next, %n : index
    %di = memref.load %doc[%next] : memref<?xi32>
    %dj = memref.load %doc[%j] : memref<?xi32>
    %same = arith.cmpi eq, %di, %dj : i32
    %keep = arith.andi %same, %more : i1)")};
  problem.captures = {table("doc", documents({30, 60, 10}, 100))};
  checkAll(problem, Answer::Sound, {{100, 100}});
}

TEST_F(MaskTest, WrappingHashIsNotAffine) {
  checkAll({yielding(R"(
    %k = arith.constant 1664525 : i32
    %n = arith.constant 3 : i32
    %zero = arith.constant 0 : i32
    %ii = arith.index_cast %i : index to i32
    %jj = arith.index_cast %j : index to i32
    %s = arith.addi %ii, %jj : i32
    %p = arith.muli %s, %k : i32
    %r = arith.remsi %p, %n : i32
    %keep = arith.cmpi eq, %r, %zero : i32)")},
           Answer::Sound, {{60, 2000}}, {{4, 1}});
}

} // namespace
