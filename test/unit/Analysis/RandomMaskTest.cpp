//===- RandomMaskTest.cpp - Mask analysis on random regions ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Random integer regions: affine ones, and ones with products, tables and
// unknown bit operations, against brute force.
//
//===----------------------------------------------------------------------===//

#include "MaskHarness.h"

#include <random>

using namespace attn;
using namespace attn::test;

namespace {

/// Writes a random region as text.
class Generator {
public:
  Generator(unsigned seed, bool affine) : random(seed), affine(affine) {}

  std::string region() {
    std::string keep = condition(3);
    text += "attn.yield " + keep + " : i1";
    return text;
  }

  int64_t below(int64_t limit) { return random() % limit; }
  int64_t between(int64_t low, int64_t high) {
    return low + below(high - low + 1);
  }

private:
  std::string fresh(const std::string &definition) {
    std::string name = "%v" + std::to_string(count++);
    text += name + " = " + definition + "\n";
    return name;
  }
  std::string constant(int64_t value) {
    return fresh("arith.constant " + std::to_string(value) + " : index");
  }
  std::string binary(const std::string &op, const std::string &x,
                     const std::string &y) {
    return fresh("arith." + op + " " + x + ", " + y + " : index");
  }

  /// A table read by row, by key or by block.
  std::string element() {
    if (below(2))
      return fresh("memref.load %table[" + std::string(below(2) ? "%i" : "%j") +
                   "] : memref<?xindex>");
    static constexpr int64_t sizes[] = {1, 2, 4, 8, 6};
    auto block = [&](const std::string &index) {
      return binary(below(2) ? "divsi" : "floordivsi", index,
                    constant(sizes[below(5)]));
    };
    std::string x = block("%i"), y = block("%j");
    return fresh("memref.load %blocks[" + x + ", " + y +
                 "] : memref<?x?xindex>");
  }

  std::string number(int depth) {
    if (depth == 0 || below(5) == 0) {
      switch (below(8)) {
      case 0:
        return "%i";
      case 1:
      case 2:
        return "%j";
      case 3:
        return fresh("attn.q_len : index");
      case 4:
        return "%n";
      case 5:
        return constant(between(-3, 30));
      case 6:
        return affine ? "%i" : element();
      default:
        return binary("subi", "%i", "%j");
      }
    }
    switch (below(affine ? 10 : 12)) {
    case 0:
    case 1:
      return binary("addi", number(depth - 1), number(depth - 1));
    case 2:
    case 3:
      return binary("subi", number(depth - 1), number(depth - 1));
    case 4:
      return binary("muli", number(depth - 1), constant(between(-2, 3)));
    case 5: {
      static const char *const divisions[] = {"divsi", "floordivsi",
                                              "ceildivsi"};
      return binary(divisions[below(3)], number(depth - 1),
                    constant(between(2, 9)));
    }
    case 6:
      return binary("remsi", number(depth - 1), constant(between(2, 9)));
    case 7:
      return binary(below(2) ? "minsi" : "maxsi", number(depth - 1),
                    number(depth - 1));
    case 8:
      return fresh("math.absi " + number(depth - 1) + " : index");
    case 9: {
      std::string which = condition(0);
      return fresh("arith.select " + which + ", " + number(depth - 1) + ", " +
                   number(depth - 1) + " : index");
    }
    case 10:
      return binary("muli", number(depth - 1), number(depth - 1));
    default:
      return binary("xori", number(depth - 1), number(depth - 1));
    }
  }

  std::string condition(int depth) {
    if (depth > 0) {
      switch (below(5)) {
      case 0:
      case 1:
        return fresh("arith.andi " + condition(depth - 1) + ", " +
                     condition(depth - 1) + " : i1");
      case 2:
        return fresh("arith.ori " + condition(depth - 1) + ", " +
                     condition(depth - 1) + " : i1");
      case 3:
        return fresh("arith.xori " + condition(depth - 1) + ", " +
                     fresh("arith.constant true") + " : i1");
      default:
        break;
      }
    }
    static const char *const predicates[] = {"slt", "sle", "sgt", "sge",
                                             "eq",  "ne",  "ult"};
    std::string predicate = predicates[below(7)];
    std::string x = number(2), y = number(1);
    return fresh("arith.cmpi " + predicate + ", " + x + ", " + y + " : index");
  }

  std::mt19937 random;
  bool affine;
  unsigned count = 0;
  std::string text;
};

/// Returns which part of the masks was promised to be exact.
double run(int masks, bool affine, unsigned firstSeed, MaskAxis axis) {
  MaskHarness harness;
  double exact = 0, checked = 0;
  for (int seed = 0; seed < masks; ++seed) {
    if (!hasItsTurn(seed))
      continue;
    ++checked;
    Generator generator(firstSeed + seed, affine);
    Problem problem{generator.region()};
    problem.queryLength = generator.between(1, 40);
    problem.keyLength = generator.between(1, 40);
    problem.staticSizes = generator.below(3) == 0;
    problem.batch = generator.below(3);
    for (int64_t batch = 0; batch < problem.batch; ++batch) {
      problem.queryLengthsBefore.push_back(generator.between(0, 60));
      problem.keyLengthsBefore.push_back(generator.between(0, 60));
    }
    if (generator.below(2))
      problem.storedKeys = 60;
    problem.captures = {scalar("n", generator.between(-4, 30))};
    auto random = [&](llvm::SmallVector<int64_t> shape) {
      std::vector<int64_t> data(shape.size() == 1 ? shape[0]
                                                  : shape[0] * shape[1]);
      for (int64_t &element : data)
        element = generator.between(-5, 40);
      return data;
    };
    problem.captures.push_back(table("table", random({40}), {}, "index"));
    problem.captures.push_back(
        table("blocks", random({12, 15}), {12, 15}, "index"));
    static constexpr int64_t sizes[] = {1, 2, 3, 4, 5, 8, 16};
    int64_t tileM = sizes[generator.below(7)];
    int64_t tileN = sizes[generator.below(7)];
    Outcome outcome =
        harness.check(problem, tileM, tileN, Answer::AsPromised, axis);
    exact += outcome.exact;
    if (::testing::Test::HasFailure()) {
      ADD_FAILURE() << "seed " << firstSeed + seed;
      break;
    }
  }
  return exact / checked;
}

TEST(RandomMask, Affine) {
  // Every answer is checked; how many are promised to be exact must not drop.
  // The rest runs into the limits on cases and eliminations.
  EXPECT_GT(run(600, true, 1, MaskAxis::Keys), 0.6);
}

TEST(RandomMask, WithTablesAndProducts) {
  run(500, false, 100000, MaskAxis::Keys);
}

TEST(RandomMask, AffineOfKeyTiles) {
  EXPECT_GT(run(600, true, 200000, MaskAxis::Queries), 0.6);
}

TEST(RandomMask, WithTablesAndProductsOfKeyTiles) {
  run(500, false, 300000, MaskAxis::Queries);
}

} // namespace
