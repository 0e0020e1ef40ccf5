//===- IndexRangesTest.cpp - Ranges of index arithmetic -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is proved, and what must not be.
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/IndexRanges.h"
#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace attn;

namespace {

class IndexRangesTest : public ::testing::Test {
protected:
  IndexRangesTest() {
    context.loadDialect<arith::ArithDialect, func::FuncDialect,
                        math::MathDialect, memref::MemRefDialect,
                        scf::SCFDialect, tile::TileDialect>();
  }

  /// The range of what the function `text` returns.
  std::pair<int64_t, int64_t> rangeOf(StringRef arguments, StringRef body) {
    std::string text =
        ("func.func @f(" + arguments + ") -> index {\n" + body + "\n}").str();
    module = parseSourceString<ModuleOp>(text, &context);
    EXPECT_TRUE(module);
    Value value;
    module->walk([&](func::ReturnOp op) { value = op.getOperand(0); });
    ConstantIntRanges range = ranges.emplace().rangeOf(value);
    return {range.smin().getSExtValue(), range.smax().getSExtValue()};
  }
  std::pair<int64_t, int64_t> all() { return {INT64_MIN, INT64_MAX}; }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  std::optional<IndexRanges> ranges;
};

using Range = std::pair<int64_t, int64_t>;

TEST_F(IndexRangesTest, Sizes) {
  EXPECT_EQ(rangeOf("%n: index {tile.size = 7 : index}", "return %n : index"),
            Range(0, 7));
  EXPECT_EQ(rangeOf("%n: index", "return %n : index"), all());
  EXPECT_EQ(rangeOf("%m: memref<?x5xf32>", R"(
    %c0 = arith.constant 0 : index
    %n = memref.dim %m, %c0 : memref<?x5xf32>
    return %n : index)"),
            Range(0, kLargestSize));
  EXPECT_EQ(rangeOf("%m: memref<?xf32>", R"(
    %c0 = arith.constant 0 : index
    %n = memref.dim %m, %c0 : memref<?xf32>
    return %n : index)"),
            Range(0, kLargestTable));
  // A buffer that the program allocates has the sizes that it computes.
  EXPECT_EQ(rangeOf("%n: index {tile.size = 9 : index}", R"(
    %c1 = arith.constant 1 : index
    %m = memref.alloc(%n) : memref<4x?xf32>
    %t = memref.transpose %m (d0, d1) -> (d1, d0) : memref<4x?xf32> to memref<?x4xf32, strided<[1, ?]>>
    %c0 = arith.constant 0 : index
    %d = memref.dim %t, %c0 : memref<?x4xf32, strided<[1, ?]>>
    return %d : index)"),
            Range(0, 9));
}

TEST_F(IndexRangesTest, Arithmetic) {
  auto compute = [&](StringRef op) {
    return rangeOf("%a: index {tile.size = 100 : index}, %x: i32, "
                   "%y: i64, %z: index",
                   ("%i = arith.index_cast %x : i32 to index\n"
                    "%c = arith.constant 2147483648 : index\n"
                    "%r = " +
                    op + "\nreturn %r : index")
                       .str());
  };
  EXPECT_EQ(compute("arith.addi %a, %c : index"),
            Range(2147483648, 2147483748));
  EXPECT_EQ(compute("arith.subi %a, %i : index"),
            Range(-int64_t(INT32_MAX), 100 - int64_t(INT32_MIN)));
  EXPECT_EQ(compute("arith.muli %i, %i : index"),
            Range(-(int64_t(1) << 62) + (int64_t(1) << 31), int64_t(1) << 62));
  // What is captured can be anything; so can what may wrap.
  EXPECT_EQ(compute("arith.addi %a, %z : index"), all());
  EXPECT_EQ(compute("arith.index_cast %y : i64 to index"), all());
  EXPECT_EQ(compute("arith.index_castui %x : i32 to index"),
            Range(0, UINT32_MAX));
  EXPECT_EQ(compute("math.absi %i : index"), Range(0, -int64_t(INT32_MIN)));
  EXPECT_EQ(compute("math.absi %z : index"), all());
}

// Nobody looks at a quotient by zero, and no other is larger than the dividend.
TEST_F(IndexRangesTest, Quotients) {
  auto compute = [&](StringRef op) {
    return rangeOf("%a: index {tile.size = 100 : index}, "
                   "%n: index {tile.size = 7 : index}, %z: index",
                   ("%r = " + op + "\nreturn %r : index").str());
  };
  EXPECT_EQ(compute("arith.divsi %a, %n : index"), Range(0, 100));
  EXPECT_EQ(compute("arith.ceildivsi %a, %n : index"), Range(0, 100));
  EXPECT_EQ(compute("arith.remsi %a, %n : index"), Range(0, 6));
  EXPECT_EQ(compute("arith.divsi %a, %z : index"), Range(-100, 100));
  EXPECT_EQ(compute("arith.floordivsi %a, %z : index"), Range(-100, 100));
  EXPECT_EQ(compute("arith.remsi %a, %z : index"), Range(0, 100));
  EXPECT_EQ(compute("arith.divsi %z, %n : index"), all());
}

TEST_F(IndexRangesTest, KeyTiles) {
  auto tile = [&](StringRef begin, StringRef end) {
    return rangeOf("%n: index {tile.size = 8 : index}, %z: index, %p: index",
                   ("%c0 = arith.constant 0 : index\n"
                    "%r = tile.ranges [" +
                    begin + ", " + end + ", %c0, %c0] : !tile.ranges\n" +
                    "%t, %f = tile.range_at %r[%p] : index, i1\n"
                    "return %t : index")
                       .str());
  };
  EXPECT_EQ(tile("%c0", "%n"), Range(0, 8));
  // However far the bounds are, the tiles are those that exist.
  EXPECT_EQ(tile("%z", "%n"), Range(0, 8));
  EXPECT_EQ(tile("%z", "%z"), Range(0, kIndexLimit));
}

// Tiles that a loop over their number asks for lie before the end; over another
// number, they may be the end.
TEST_F(IndexRangesTest, KeyTilesOfLoop) {
  auto last = [&](StringRef number) {
    return rangeOf("%n: index {tile.size = 8 : index}, %z: index",
                   ("%c0 = arith.constant 0 : index\n"
                    "%c1 = arith.constant 1 : index\n"
                    "%r = tile.ranges [%z, %n, %c0, %c0] : !tile.ranges\n"
                    "%s = tile.range_count %r : index\n"
                    "%x = scf.for %i = %c0 to " +
                    number +
                    " step %c1 iter_args(%a = %c0) -> (index) {\n"
                    "  %t, %f = tile.range_at %r[%i] : index, i1\n"
                    "  scf.yield %t : index\n}\n"
                    "return %x : index")
                       .str());
  };
  EXPECT_EQ(last("%s"), Range(0, 7));
  EXPECT_EQ(last("%n"), Range(0, 8));
}

// An op can be known to give a size, too, in as many bits as it has.
TEST_F(IndexRangesTest, SizesOfResults) {
  EXPECT_EQ(rangeOf("%a: index, %b: index", R"(
    %n = arith.addi %a, %b {tile.size = 9 : index} : index
    return %n : index)"),
            Range(0, 9));
  EXPECT_EQ(rangeOf("%a: i32, %b: i32", R"(
    %n = arith.addi %a, %b {tile.size = 9 : index} : i32
    %i = arith.index_cast %n : i32 to index
    return %i : index)"),
            Range(0, 9));
  EXPECT_EQ(rangeOf("%a: index {tile.size = 3 : index}", R"(
    %n = arith.addi %a, %a {tile.size = 9 : index} : index
    return %n : index)"),
            Range(0, 6));
}

// A loop carries what fits 32 bits if no iteration makes it larger; a branch
// yields what one of its sides does.
TEST_F(IndexRangesTest, CarriedAndYielded) {
  auto carried = [&](StringRef next) {
    return rangeOf("%n: index {tile.size = 8 : index}, %p: i1, %x: i32",
                   ("%c0 = arith.constant 0 : index\n"
                    "%c1 = arith.constant 1 : index\n"
                    "%i = arith.index_cast %x : i32 to index\n"
                    "%r:2 = scf.for %k = %c0 to %n step %c1 "
                    "iter_args(%a = %n, %b = %c0) -> (index, index) {\n" +
                    next +
                    "  scf.yield %y, %k : index, index\n}\n"
                    "return %r#0 : index")
                       .str());
  };
  EXPECT_EQ(carried("%y = arith.maxsi %a, %i : index\n"),
            Range(INT32_MIN, INT32_MAX));
  EXPECT_EQ(carried("%y = arith.minsi %b, %n : index\n"), Range(0, 8));
  EXPECT_EQ(carried("%y = arith.addi %a, %c1 : index\n"), all());
  EXPECT_EQ(carried("%y = arith.addi %k, %c1 : index\n"), Range(0, 8));
  EXPECT_EQ(carried("%y = scf.if %p -> index {\n"
                    "  scf.yield %c1 : index\n"
                    "} else {\n"
                    "  scf.yield %k : index\n"
                    "}\n"),
            Range(0, 8));
}

} // namespace
