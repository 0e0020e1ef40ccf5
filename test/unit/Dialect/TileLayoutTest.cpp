//===- TileLayoutTest.cpp - Layouts of tiles ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Addresses in workgroup memory, row layouts and the cost of tile.relayout.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Tile/Tile.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"

#include "gtest/gtest.h"

#include <set>

using namespace mlir;
using namespace attn::tile;

namespace {

class TileLayout : public ::testing::Test {
protected:
  TileLayout() { context.loadDialect<TileDialect, func::FuncDialect>(); }

  TileType parse(StringRef type) {
    return cast<TileType>(
        parseType(("!tile.tile<" + type + ">").str(), &context));
  }
  RelayoutCost getCost(StringRef from, StringRef to) {
    OpBuilder builder(&context);
    auto function = parseSourceString<ModuleOp>(
        ("func.func @f(%x: !tile.tile<" + from +
         ">) { %y = tile.relayout %x : <" + from + "> -> <" + to + "> return }")
            .str(),
        &context);
    RelayoutCost cost;
    function->walk([&](RelayoutOp op) { cost = op.getCost(); });
    return cost;
  }

  MLIRContext context;
};

TEST_F(TileLayout, AddressesInWorkgroupMemoryAreDistinct) {
  for (StringRef layout :
       {"#tile.shared", "#tile.shared<padding = 8>",
        "#tile.shared<column_major = true, padding = 2>",
        "#tile.shared<swizzle = [4, 8]>",
        "#tile.shared<padding = 4, folds = 4>",
        "#tile.shared<column_major = true, swizzle = [2, 4]>"}) {
    auto shared =
        cast<SharedAttr>(parse(("16x32xf16, " + layout).str()).getLayout());
    std::set<int64_t> offsets;
    for (int64_t row = 0; row < 16; ++row)
      for (int64_t col = 0; col < 32; ++col)
        offsets.insert(shared.getOffset(16, 32, {row, col}));
    EXPECT_EQ(offsets.size(), 16u * 32u);
    EXPECT_GE(*offsets.begin(), 0);
    EXPECT_LT(*offsets.rbegin(), shared.getNumElements(16, 32));
  }
}

TEST_F(TileLayout, Swizzle) {
  auto shared = cast<SharedAttr>(
      parse("16x32xf16, #tile.shared<swizzle = [4, 8]>").getLayout());
  EXPECT_EQ(shared.getOffset(16, 32, {3, 5}), 3 * 32 + (5 ^ 12));
  // A group of each of eight rows: all in other places.
  std::set<int64_t> groups;
  for (int64_t row = 0; row < 8; ++row)
    groups.insert(shared.getOffset(16, 32, {row, 0}) % 32 / 4);
  EXPECT_EQ(groups.size(), 8u);
}

TEST_F(TileLayout, Folds) {
  auto shared = cast<SharedAttr>(
      parse("16x32xf16, #tile.shared<padding = 4, folds = 4>").getLayout());
  for (int64_t fold = 0; fold < 4; ++fold)
    EXPECT_EQ(shared.getOffset(16, 32, {3, 5 + 8 * fold}),
              3 * 36 + 5 * 4 + fold);
}

TEST_F(TileLayout, Costs) {
  constexpr StringLiteral rows =
      "8x8xf32, #tile.layout<register = [[0, 1], [0, 2], [0, 4]], lane = [[1, "
      "0], [2, 0]], subgroup = [[4, 0]]>";
  constexpr StringLiteral cols =
      "8x8xf32, #tile.layout<register = [[0, 2], [0, 1], [0, 4]], lane = [[1, "
      "0], [2, 0]], subgroup = [[4, 0]]>";
  constexpr StringLiteral lanes =
      "8x8xf32, #tile.layout<register = [[0, 1], [1, 0], [2, 0]], lane = [[0, "
      "2], [0, 4]], subgroup = [[4, 0]]>";
  constexpr StringLiteral across =
      "8x8xf32, #tile.layout<register = [[0, 1], [0, 2], [4, 0]], lane = [[1, "
      "0], [2, 0]], subgroup = [[0, 4]]>";
  auto expect = [&](StringRef from, StringRef to, Exchange kind, int64_t moves,
                    int64_t shuffles, int64_t bytes) {
    RelayoutCost cost = getCost(from, to);
    EXPECT_EQ(cost.kind, kind);
    EXPECT_EQ(cost.moves, moves);
    EXPECT_EQ(cost.shuffles, shuffles);
    EXPECT_EQ(cost.bytes, bytes);
  };
  expect(rows, rows, Exchange::None, 0, 0, 0);
  expect(rows, cols, Exchange::Registers, 8, 0, 0);
  expect(rows, lanes, Exchange::Shuffles, 8, 32, 0);
  expect(rows, across, Exchange::Memory, 8, 0, 256);
  expect(rows, "8x8xf32, #tile.shared<padding = 4>", Exchange::Memory, 8, 0,
         8 * 12 * 4);
  expect("8x8xf32, #tile.shared", rows, Exchange::Memory, 8, 0, 0);
  // Through the strip of a subgroup, which is there for all of them.
  expect("16x16xf32, #tile.fragment<use = accumulator, shape = [16, 16], "
         "subgroups = [1, 1]>",
         "16x16xf32, #tile.fragment<use = a, shape = [16, 16], subgroups = [1, "
         "1]>",
         Exchange::Memory, 0, 0, 0);
}

TEST_F(TileLayout, RowLayouts) {
  TileType tile = parse("8x8xf32, #tile.layout<register = [[0, 1], [2, 0]], "
                        "lane = [[0, 2], [1, 0]], subgroup = [[4, 0]]>");
  EXPECT_EQ(parse("8xf32, #tile.layout<register = [[2, 0]], lane = [[0, 0], "
                  "[1, 0]], subgroup = [[4, 0]]>")
                .getLayout(),
            tile.getRowLayout());
  EXPECT_FALSE(parse("8x8xf32").getRowLayout());
}

} // namespace
