//===- LinearLayoutTest.cpp - The algebra of layouts ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Composition, kernels and inverses against enumeration; reductions and
// conversions of random layouts carried out thread by thread, on numbers.
//
//===----------------------------------------------------------------------===//

#include "RandomLayout.h"

#include "gtest/gtest.h"

#include <map>
#include <random>
#include <set>

using namespace attn;
using namespace attn::tile;

namespace attn::tile {
static void PrintTo(const TilePosition &position, std::ostream *os) {
  *os << '(' << position.row << ", " << position.col << ')';
}
static void PrintTo(const ThreadMask &mask, std::ostream *os) {
  *os << "lane " << mask.lane << " subgroup " << mask.subgroup;
}
} // namespace attn::tile

namespace {

BitMap randomMap(Random &random, unsigned inputs, unsigned outputs) {
  llvm::SmallVector<uint64_t> columns;
  for (unsigned k = 0; k < inputs; ++k)
    columns.push_back(random() & ((1u << outputs) - 1));
  return BitMap(columns);
}

TEST(BitMap, AgreesWithEnumeration) {
  Random random(1);
  for (int round = 0; round < 200; ++round) {
    unsigned inputs = random() % 7, outputs = 1 + random() % 6;
    BitMap map = randomMap(random, inputs, outputs);
    std::set<uint64_t> image, kernel;
    for (uint64_t x = 0; x < (1u << inputs); ++x) {
      image.insert(map(x));
      if (map(x) == 0)
        kernel.insert(x);
    }
    EXPECT_EQ(image.size(), size_t(1) << map.getRank());
    // The basis spans the kernel.
    llvm::SmallVector<uint64_t> basis = map.getKernel();
    BitMap combine(basis);
    std::set<uint64_t> spanned;
    for (uint64_t x = 0; x < (1u << basis.size()); ++x)
      spanned.insert(combine(x));
    EXPECT_EQ(spanned, kernel);
    EXPECT_EQ(spanned.size(), size_t(1) << basis.size());
    for (uint64_t y = 0; y < (1u << outputs); ++y) {
      std::optional<uint64_t> x = map.solve(y);
      EXPECT_EQ(x.has_value(), image.count(y) == 1);
      if (x)
        EXPECT_EQ(map(*x), y);
    }
    std::optional<BitMap> inverse = map.getRightInverse(outputs);
    EXPECT_EQ(inverse.has_value(), image.size() == (size_t(1) << outputs));
    if (inverse)
      EXPECT_EQ(map.compose(*inverse), BitMap::identity(outputs));
  }
}

TEST(BitMap, Composes) {
  Random random(2);
  for (int round = 0; round < 50; ++round) {
    BitMap inner = randomMap(random, 5, 4), outer = randomMap(random, 4, 6);
    BitMap both = outer.compose(inner);
    for (uint64_t x = 0; x < 32; ++x)
      EXPECT_EQ(both(x), outer(inner(x)));
  }
}

/// What every register of every thread holds, by register, lane, subgroup.
using Contents = std::map<std::array<int64_t, 3>, TilePosition>;

Contents getContents(const LinearLayout &layout) {
  Contents contents;
  for (int64_t s = 0; s < layout.getNumSubgroups(); ++s)
    for (int64_t l = 0; l < layout.getNumLanes(); ++l)
      for (int64_t r = 0; r < layout.getNumRegisters(); ++r)
        contents[{r, l, s}] = layout.getPosition({r, l, s});
  return contents;
}

bool isInside(const LinearLayout &layout, TilePosition position) {
  return position.row < layout.getRows() && position.col < layout.getCols();
}

/// Every element has a place; find() tells one.
void checkCovers(const LinearLayout &layout) {
  std::set<std::pair<int64_t, int64_t>> held;
  for (auto &[place, position] : getContents(layout))
    held.insert({position.row, position.col});
  for (int64_t row = 0; row < layout.getRows(); ++row)
    for (int64_t col = 0; col < layout.getCols(); ++col) {
      EXPECT_TRUE(held.count({row, col}));
      Place place = layout.find({row, col});
      EXPECT_LT(place.reg, layout.getNumRegisters());
      EXPECT_EQ(layout.getPosition(place), (TilePosition{row, col}));
    }
}

TEST(LinearLayout, CoversTilesOfAnySize) {
  // Four lanes a row, two rows a subgroup; 6 x 10 needs 2 x 3 blocks.
  LinearLayout layout({}, {{0, 1}, {0, 2}, {1, 0}}, {{2, 0}}, 6, 10);
  EXPECT_TRUE(layout.isSurjective());
  EXPECT_EQ(layout.getNumRegisters(), 6);
  EXPECT_EQ(layout.getPosition({0, 5, 1}), (TilePosition{3, 1}));
  EXPECT_EQ(layout.getPosition({4, 5, 1}), (TilePosition{7, 5}));
  checkCovers(layout);
  Random random(3);
  for (int round = 0; round < 100; ++round) {
    LinearLayout any =
        randomLayout(random, 1 + random() % 20, 1 + random() % 20, random() % 4,
                     random() % 3);
    EXPECT_TRUE(any.isSurjective());
    checkCovers(any);
    checkCovers(any.getRowLayout());
  }
  EXPECT_FALSE(LinearLayout({{0, 3}}, {}, {}, 1, 4).isSurjective());
}

TEST(LinearLayout, RowLayoutHoldsTheRowsOfItsThreads) {
  Random random(4);
  for (int round = 0; round < 100; ++round) {
    LinearLayout layout =
        randomLayout(random, 1 + random() % 20, 1 + random() % 20, 3, 1);
    LinearLayout rows = layout.getRowLayout();
    std::map<std::pair<int64_t, int64_t>, std::set<int64_t>> blocks, statistics;
    for (auto &[place, position] : getContents(layout))
      blocks[{place[1], place[2]}].insert(position.row);
    for (auto &[place, position] : getContents(rows)) {
      EXPECT_EQ(position.col, 0);
      statistics[{place[1], place[2]}].insert(position.row);
    }
    EXPECT_EQ(blocks, statistics);
  }
}

/// Adds rows up as a machine does: each thread its registers, then threads
/// with their partners.
TEST(LinearLayout, RowSharersReduceRows) {
  Random random(5);
  int reduced = 0;
  for (int round = 0; round < 300; ++round) {
    LinearLayout layout =
        randomLayout(random, 1 + random() % 12, 1 + random() % 12, 3, 2);
    auto sharers = layout.getRowSharers();
    if (!sharers)
      continue;
    ++reduced;
    auto number = [](TilePosition p) { return (p.row + 1) * 1000 + p.col; };
    // Row sums of each thread, by row, lane, subgroup. Elements that registers
    // of a thread hold twice count once.
    std::map<std::array<int64_t, 3>, int64_t> sums;
    std::map<std::pair<int64_t, int64_t>, std::set<std::pair<int64_t, int64_t>>>
        counted;
    for (auto &[place, position] : getContents(layout))
      if (counted[{place[1], place[2]}]
              .insert({position.row, position.col})
              .second) {
        sums[{position.row, place[1], place[2]}] +=
            isInside(layout, position) ? number(position) : 0;
      }
    for (ThreadMask mask : *sharers) {
      auto before = sums;
      for (auto &[key, sum] : sums) {
        auto other =
            before.find({key[0], key[1] ^ mask.lane, key[2] ^ mask.subgroup});
        ASSERT_NE(other, before.end());
        sum += other->second;
      }
    }
    for (auto &[key, sum] : sums) {
      int64_t expected = 0;
      for (int64_t col = 0; col < layout.getCols(); ++col)
        expected += key[0] < layout.getRows() ? number({key[0], col}) : 0;
      EXPECT_EQ(sum, expected);
    }
  }
  EXPECT_GT(reduced, 100);
}

TEST(LinearLayout, RowSharersOfQuads) {
  LinearLayout layout({}, {{0, 1}, {0, 2}, {1, 0}, {0, 0}}, {{2, 0}}, 8, 16);
  EXPECT_EQ(*layout.getRowSharers(),
            (llvm::SmallVector<ThreadMask>{{1, 0}, {2, 0}}));
  EXPECT_EQ(layout.getReplicas(), (llvm::SmallVector<ThreadMask>{{8, 0}}));
  // A lane's rows are in another lane's registers: no fixed partners.
  EXPECT_FALSE(LinearLayout({{1, 0}}, {{1, 1}}, {}, 2, 2).getRowSharers());
}

TEST(Conversion, FindsEveryElementAsNearAsItIs) {
  Random random(6);
  int seen[4] = {};
  for (int round = 0; round < 500; ++round) {
    int64_t rows = 1 + random() % 10, cols = 1 + random() % 10;
    LinearLayout from = randomLayout(random, rows, cols, 2, 1);
    LinearLayout to = random() % 4 == 0
                          ? from.extendBlock(8, 8)
                          : randomLayout(random, rows, cols, 2, 1);
    Conversion conversion = getConversion(from, to);
    ++seen[static_cast<int>(conversion.kind)];
    int64_t blockRows = std::max(from.getBlockRows(), to.getBlockRows());
    int64_t blockCols = std::max(from.getBlockCols(), to.getBlockCols());
    LinearLayout source = from.extendBlock(blockRows, blockCols);
    LinearLayout target = to.extendBlock(blockRows, blockCols);
    BitMap sourceMap = source.getBlockMap(), targetMap = target.getBlockMap();
    unsigned registerBits = source.getRegisters().size();
    unsigned targetBits = target.getRegisters().size();
    for (uint64_t place = 0;
         place < (uint64_t(1) << conversion.places.getNumInputs()); ++place) {
      uint64_t where = conversion.places(place);
      EXPECT_EQ(sourceMap(where), targetMap(place));
      uint64_t lane = place >> targetBits & 3,
               subgroup = place >> targetBits >> 2,
               sourceLane = where >> registerBits & 3,
               sourceSubgroup = where >> registerBits >> 2;
      if (conversion.kind != Exchange::Memory)
        EXPECT_EQ(subgroup, sourceSubgroup);
      if (conversion.kind == Exchange::Registers ||
          conversion.kind == Exchange::None)
        EXPECT_EQ(lane, sourceLane);
    }
    if (conversion.kind == Exchange::None)
      EXPECT_EQ(getContents(from), getContents(to));
    // No thread has all that it needs where shuffles are asked for.
    bool isLocal = true, isInSubgroup = true;
    Contents held = getContents(source);
    for (auto &[place, position] : getContents(target)) {
      bool inThread = false, inLanes = false;
      for (auto &[other, there] : held) {
        bool sameSubgroup = other[2] == place[2];
        inLanes |= there == position && sameSubgroup;
        inThread |= there == position && sameSubgroup && other[1] == place[1];
      }
      isLocal &= inThread;
      isInSubgroup &= inLanes;
    }
    EXPECT_EQ(isLocal, conversion.kind <= Exchange::Registers);
    EXPECT_EQ(isInSubgroup, conversion.kind <= Exchange::Shuffles);
  }
  for (int count : seen)
    EXPECT_GT(count, 0);
}

TEST(Conversion, CountsShuffles) {
  // Columns on lanes to columns on registers, four lanes: all of a row.
  LinearLayout columns({{0, 1}, {0, 2}}, {{1, 0}, {2, 0}}, {}, 4, 4);
  LinearLayout rows({{1, 0}, {2, 0}}, {{0, 1}, {0, 2}}, {}, 4, 4);
  Conversion transpose = getConversion(columns, rows);
  EXPECT_EQ(transpose.kind, Exchange::Shuffles);
  EXPECT_EQ(transpose.moves, 4);
  EXPECT_EQ(transpose.shuffles, 16);
  // Lanes change places: one shuffle a register.
  LinearLayout swapped({{0, 1}, {0, 2}}, {{2, 0}, {1, 0}}, {}, 4, 4);
  EXPECT_EQ(getConversion(columns, swapped).shuffles, 4);
}

} // namespace
