//===- TileTest.cpp - What tile ops mean ----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every op of the tile dialect by hand-computed numbers, and what the tile
// interpreter refuses.
//
//===----------------------------------------------------------------------===//

#include "ReferenceTest.h"

#include "attn/Dialect/Tile/Tile.h"
#include "attn/Reference/TileInterpreter.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"

using namespace mlir;
using namespace attn::reference;

namespace {
class attn_tiles : public ReferenceTest {
protected:
  attn_tiles() {
    context.loadDialect<attn::tile::TileDialect, cf::ControlFlowDialect>();
  }

  /// Runs @f of `text`; results and arguments as numbers.
  struct Numbers {
    std::vector<std::vector<double>> results, arguments;
  };
  static std::vector<double> toNumbers(const Tensor &tensor) {
    std::vector<double> numbers;
    for (int64_t n = 0; n < tensor.getNumElements(); ++n)
      numbers.push_back(tensor.isFloat() ? tensor.getFloat(n)
                                         : double(tensor.getInt(n)));
    return numbers;
  }
  std::optional<Numbers> tryTiles(llvm::StringRef text,
                                  llvm::ArrayRef<Tensor> inputs,
                                  TileOptions options = {}) {
    diagnostic.clear();
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &d) {
      diagnostic += (diagnostic.empty() ? "" : "\n") + d.str();
      return success();
    });
    auto module = parseSourceString<ModuleOp>(text, &context);
    if (!module)
      return std::nullopt;
    auto results = interpretTiles(module->lookupSymbol<func::FuncOp>("f"),
                                  inputs, options);
    if (failed(results))
      return std::nullopt;
    Numbers numbers;
    for (const Tensor &tensor : results->results)
      numbers.results.push_back(toNumbers(tensor));
    for (const Tensor &tensor : results->arguments)
      numbers.arguments.push_back(toNumbers(tensor));
    return numbers;
  }
  Numbers runTiles(llvm::StringRef text, llvm::ArrayRef<Tensor> inputs,
                   TileOptions options = {}) {
    auto numbers = tryTiles(text, inputs, options);
    EXPECT_TRUE(numbers.has_value()) << diagnostic;
    if (!numbers) {
      numbers.emplace();
      numbers->results.resize(2);
      numbers->arguments.resize(inputs.size());
    }
    return *numbers;
  }
  void expectTileDiagnostic(llvm::StringRef text, llvm::ArrayRef<Tensor> inputs,
                            llvm::StringRef part, TileOptions options = {}) {
    EXPECT_FALSE(tryTiles(text, inputs, options).has_value());
    EXPECT_NE(diagnostic.find(part.str()), std::string::npos) << diagnostic;
    EXPECT_EQ(diagnostic.find('\n'), std::string::npos)
        << "more than one diagnostic: " << diagnostic;
  }

  /// 0, 1, 2, ... in the given shape.
  Tensor count(llvm::ArrayRef<int64_t> shape, llvm::StringRef element = "f32") {
    Tensor tensor(type(element), shape);
    for (int64_t n = 0; n < tensor.getNumElements(); ++n)
      tensor.isFloat() ? tensor.setFloat(n, n) : tensor.setInt(n, n);
    return tensor;
  }
  static constexpr TileOptions f32 = {Arithmetic::Float32};
  using Row = std::vector<double>;
};
} // namespace

TEST_F(attn_tiles, LoadIsZeroPastValid) {
  const char *text = R"(
    func.func @f(%m: memref<?x?xf32>, %i: index, %j: index, %r: index, %c: index) -> !tile.tile<2x3xf32> {
      %t = tile.load %m[%i, %j] valid [%r, %c] : memref<?x?xf32> -> !tile.tile<2x3xf32>
      return %t : !tile.tile<2x3xf32>
    })";
  auto load = [&](double i, double j, double r, double c) {
    return runTiles(text,
                    {count({3, 4}), scalar("index", i), scalar("index", j),
                     scalar("index", r), scalar("index", c)})
        .results[0];
  };
  EXPECT_EQ(load(1, 1, 2, 3), (Row{5, 6, 7, 9, 10, 11}));
  EXPECT_EQ(load(2, 2, 1, 2), (Row{10, 11, 0, 0, 0, 0}));
  EXPECT_EQ(load(0, 0, 9, 9), (Row{0, 1, 2, 4, 5, 6}));
  // Nothing is read where nothing is valid.
  EXPECT_EQ(load(70, 70, 0, 3), Row(6, 0.0));
  EXPECT_EQ(load(70, 70, 2, -1), Row(6, 0.0));
}

TEST_F(attn_tiles, LoadOfARow) {
  EXPECT_EQ(runTiles(R"(
    func.func @f(%m: memref<2x5xf32>) -> !tile.tile<4xf32> {
      %c1 = arith.constant 1 : index
      %c3 = arith.constant 3 : index
      %t = tile.load %m[%c1, %c1] valid [%c3] : memref<2x5xf32> -> !tile.tile<4xf32>
      return %t : !tile.tile<4xf32>
    })",
                     {count({2, 5})})
                .results[0],
            (Row{6, 7, 8, 0}));
}

TEST_F(attn_tiles, RelayoutKeepsElements) {
  EXPECT_EQ(runTiles(R"(
    func.func @f(%m: memref<2x2xf32>) -> !tile.tile<2x2xf32, #tile.shared<padding = 1>> {
      %c0 = arith.constant 0 : index
      %c2 = arith.constant 2 : index
      %t = tile.load %m[%c0, %c0] valid [%c2, %c2] : memref<2x2xf32> -> !tile.tile<2x2xf32, #tile.layout<lane = [[0, 1], [1, 0]]>>
      %u = tile.relayout %t : <2x2xf32, #tile.layout<lane = [[0, 1], [1, 0]]>> -> <2x2xf32, #tile.shared<padding = 1>>
      return %u : !tile.tile<2x2xf32, #tile.shared<padding = 1>>
    })",
                     {count({2, 2})})
                .results[0],
            (Row{0, 1, 2, 3}));
}

TEST_F(attn_tiles, PrefetchedPiecesAreThoseOfTheLoad) {
  const char *text = R"(
    func.func @f(%m: memref<3x2xf32>, %i: index, %rows: index) -> !tile.tile<2x2xf32, #tile.shared> {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %p = tile.load %m[%i, %c0] valid [%rows, %c2] : memref<3x2xf32> -> !tile.tile<2x2xf32, #tile.pieces<elements = 2, threads = 1>>
      %t = tile.load %m[%c1, %c0] valid [%rows, %c2] prefetched(%p : !tile.tile<2x2xf32, #tile.pieces<elements = 2, threads = 1>>)
          : memref<3x2xf32> -> !tile.tile<2x2xf32, #tile.shared>
      return %t : !tile.tile<2x2xf32, #tile.shared>
    })";
  auto at = [&](double row, double rows) -> std::vector<Tensor> {
    return {count({3, 2}), scalar("index", row), scalar("index", rows)};
  };
  EXPECT_EQ(runTiles(text, at(1, 2)).results[0], (Row{2, 3, 4, 5}));
  EXPECT_EQ(runTiles(text, at(1, 1)).results[0], (Row{2, 3, 0, 0}));
  expectTileDiagnostic(text, at(0, 2),
                       "stages other elements than were prefetched");
}

TEST_F(attn_tiles, PackedLoadTakesRowsOfSeveralHeads) {
  // Two heads of three rows of one column.
  EXPECT_EQ(runTiles(R"(
    func.func @f(%m: memref<2x3x1xf32>) -> !tile.tile<6x1xf32> {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c4 = arith.constant 4 : index
      %t = tile.load %m[%c0, %c1, %c0] valid [%c4, %c1] packed %c2 : memref<2x3x1xf32> -> !tile.tile<6x1xf32>
      return %t : !tile.tile<6x1xf32>
    })",
                     {count({2, 3, 1})})
                .results[0],
            (Row{1, 4, 2, 5, 0, 0}));
}

TEST_F(attn_tiles, PagedLoadFollowsTheTable) {
  const char *text = R"(
    func.func @f(%m: memref<?x1x2x1xf32>, %table: memref<1x?xi32>, %rows: index) -> !tile.tile<4x1xf32> {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %t = tile.load %m[%c0, %c1, %c0] valid [%rows, %c1] paged %table[%c0]
          : memref<?x1x2x1xf32>, memref<1x?xi32> -> !tile.tile<4x1xf32>
      return %t : !tile.tile<4x1xf32>
    })";
  Tensor pool = count({3, 1, 2, 1}), table = make("i32", {1, 2}, {2, 0});
  EXPECT_EQ(runTiles(text, {pool, table, scalar("index", 3)}).results[0],
            (Row{5, 0, 1, 0}));
  expectTileDiagnostic(text, {pool, table, scalar("index", 4)},
                       "row 3 has no entry in the page table");
  // Page numbers outside of the pool are clamped into it (rule 11).
  EXPECT_EQ(
      runTiles(text, {pool, make("i32", {1, 2}, {-7, 99}), scalar("index", 3)})
          .results[0],
      (Row{1, 4, 5, 0}));
}

TEST_F(attn_tiles, StoreWritesWhatIsValid) {
  const char *text = R"(
    func.func @f(%m: memref<?x?xf32, strided<[?, ?], offset: ?>>, %t: !tile.tile<2x2xf32>, %r: index, %c: index) {
      %c1 = arith.constant 1 : index
      tile.store %t, %m[%c1, %c1] valid [%r, %c] : !tile.tile<2x2xf32>, memref<?x?xf32, strided<[?, ?], offset: ?>>
      return
    })";
  auto store = [&](double r, double c) {
    return runTiles(text, {make("f32", {3, 3}, Row(9, 0.0)),
                           make("f32", {2, 2}, {1, 2, 3, 4}),
                           scalar("index", r), scalar("index", c)})
        .arguments[0];
  };
  EXPECT_EQ(store(2, 2), (Row{0, 0, 0, 0, 1, 2, 0, 3, 4}));
  EXPECT_EQ(store(1, 5), (Row{0, 0, 0, 0, 1, 2, 0, 0, 0}));
  EXPECT_EQ(store(5, 1), (Row{0, 0, 0, 0, 1, 0, 0, 3, 0}));
}

TEST_F(attn_tiles, AccessesOutsideAreErrors) {
  expectTileDiagnostic(R"(
    func.func @f(%m: memref<3x4xf32>) -> !tile.tile<2x4xf32> {
      %c2 = arith.constant 2 : index
      %c0 = arith.constant 0 : index
      %c4 = arith.constant 4 : index
      %t = tile.load %m[%c2, %c0] valid [%c4, %c4] : memref<3x4xf32> -> !tile.tile<2x4xf32>
      return %t : !tile.tile<2x4xf32>
    })",
                       {count({3, 4})},
                       "'tile.load' op row 1 of the tile lies at [3, 0] and "
                       "has 4 valid elements; the memory has sizes [3, 4]");
  expectTileDiagnostic(R"(
    func.func @f(%m: memref<3x4xf32>, %t: !tile.tile<2x4xf32>) {
      %c2 = arith.constant 2 : index
      %c0 = arith.constant 0 : index
      tile.store %t, %m[%c0, %c2] valid [%c2, %c2] : !tile.tile<2x4xf32>, memref<3x4xf32>
      %c3 = arith.constant 3 : index
      tile.store %t, %m[%c0, %c2] valid [%c2, %c3] : !tile.tile<2x4xf32>, memref<3x4xf32>
      return
    })",
                       {count({3, 4}), count({2, 4})},
                       "'tile.store' op row 0 of the tile lies at [0, 2] and "
                       "has 3 valid elements");
  expectTileDiagnostic(R"(
    func.func @f(%m: memref<3xf32>) -> f32 {
      %c3 = arith.constant 3 : index
      %x = memref.load %m[%c3] : memref<3xf32>
      return %x : f32
    })",
                       {count({3})}, "reads outside of the memory");
  expectTileDiagnostic(R"(
    func.func @f(%m: memref<3xf32>, %x: f32) {
      %c3 = arith.constant 3 : index
      memref.store %x, %m[%c3] : memref<3xf32>
      return
    })",
                       {count({3}), scalar("f32", 1)},
                       "writes outside of the memory");
}

TEST_F(attn_tiles, DotTransposes) {
  auto dot = [&](const std::string &a, const std::string &b,
                 const std::string &attributes) {
    std::string ta = "!tile.tile<" + a + "xf32>",
                tb = "!tile.tile<" + b + "xf32>";
    auto shape = [](const std::string &text) {
      return llvm::SmallVector<int64_t>{text[0] - '0', text[2] - '0'};
    };
    return runTiles("func.func @f(%a: " + ta + ", %b: " + tb +
                        ", %c: !tile.tile<2x2xf32>) -> !tile.tile<2x2xf32> {\n"
                        "%r = tile.dot %a, %b, %c " +
                        attributes + " : " + ta + ", " + tb +
                        " -> !tile.tile<2x2xf32>\n"
                        "return %r : !tile.tile<2x2xf32>\n}",
                    {count(shape(a)), count(shape(b)),
                     make("f32", {2, 2}, {100, 200, 300, 400})})
        .results[0];
  };
  // [0 1 2; 3 4 5] * [0 1; 2 3; 4 5]
  EXPECT_EQ(dot("2x3", "3x2", ""), (Row{110, 213, 328, 440}));
  // * [0 1 2; 3 4 5]^T
  EXPECT_EQ(dot("2x3", "2x3", "{transpose_b}"), (Row{105, 214, 314, 450}));
  // [0 1; 2 3; 4 5]^T * [0 1; 2 3; 4 5]
  EXPECT_EQ(dot("3x2", "3x2", "{transpose_a}"), (Row{120, 226, 326, 435}));
  EXPECT_EQ(dot("3x2", "2x3", "{transpose_a, transpose_b}"),
            (Row{110, 228, 313, 440}));
}

TEST_F(attn_tiles, DotAddsFromLeftToRight) {
  const char *text = R"(
    func.func @f(%a: !tile.tile<1x3xf32>, %b: !tile.tile<3x1xf32>, %c: !tile.tile<1x1xf32>) -> !tile.tile<1x1xf32> {
      %r = tile.dot %a, %b, %c : !tile.tile<1x3xf32>, !tile.tile<3x1xf32> -> !tile.tile<1x1xf32>
      return %r : !tile.tile<1x1xf32>
    })";
  std::vector<Tensor> inputs = {make("f32", {1, 3}, {0x1p24, 1, -0x1p24}),
                                make("f32", {3, 1}, {1, 1, 1}),
                                make("f32", {1, 1}, {0})};
  EXPECT_EQ(runTiles(text, inputs, f32).results[0], Row{0});
  EXPECT_EQ(runTiles(text, inputs).results[0], Row{1});
}

TEST_F(attn_tiles, MapSeesElementsRowsAndIndices) {
  EXPECT_EQ(
      runTiles(R"(
    func.func @f(%s: !tile.tile<2x3xf32>, %m: !tile.tile<2xf32>, %c: f32) -> (!tile.tile<2x3xf32>, !tile.tile<2x3xi32>) {
      %c10 = arith.constant 10 : index
      %c20 = arith.constant 20 : index
      %r:2 = tile.map (%s, %m) at [%c10, %c20] : (!tile.tile<2x3xf32>, !tile.tile<2xf32>) -> (!tile.tile<2x3xf32>, !tile.tile<2x3xi32>) {
      ^bb0(%x: f32, %y: f32, %i: index, %j: index):
        %0 = arith.subf %x, %y : f32
        %1 = arith.mulf %0, %c : f32
        %2 = arith.muli %i, %j : index
        %3 = arith.index_cast %2 : index to i32
        tile.yield %1, %3 : f32, i32
      }
      return %r#0, %r#1 : !tile.tile<2x3xf32>, !tile.tile<2x3xi32>
    })",
               {count({2, 3}), make("f32", {2}, {1, 3}), scalar("f32", 2)})
          .results,
      (std::vector<Row>{{-2, 0, 2, 0, 2, 4}, {200, 210, 220, 220, 231, 242}}));
}

TEST_F(attn_tiles, MapOfMoreElementsThanAProgramRuns) {
  Row numbers = runTiles(R"(
    func.func @f(%s: !tile.tile<3x200xf32>) -> !tile.tile<3x200xf32> {
      %c0 = arith.constant 0 : index
      %r = tile.map (%s) at [%c0, %c0] : (!tile.tile<3x200xf32>) -> !tile.tile<3x200xf32> {
      ^bb0(%x: f32, %i: index, %j: index):
        %y = arith.negf %x : f32
        tile.yield %y : f32
      }
      return %r : !tile.tile<3x200xf32>
    })",
                         {count({3, 200})})
                    .results[0];
  for (int n = 0; n < 600; ++n)
    EXPECT_EQ(numbers[n], -n);
}

TEST_F(attn_tiles, MapReadsClampUntilTold) {
  const char *text = R"(
    func.func @f(%t: !tile.tile<3xf32>, %i0: index, %m: memref<?xf32>) -> !tile.tile<3xf32> {
      %r = tile.map (%t) at [%i0] : (!tile.tile<3xf32>) -> !tile.tile<3xf32> {
      ^bb0(%x: f32, %i: index):
        %y = memref.load %m[%i] : memref<?xf32>
        tile.yield %y : f32
      }
      return %r : !tile.tile<3xf32>
    })";
  std::vector<Tensor> inputs = {count({3}), scalar("index", 1),
                                make("f32", {3}, {5, 6, 7})};
  EXPECT_EQ(runTiles(text, inputs).results[0], (Row{6, 7, 7}));
  TileOptions strict;
  strict.clampMapReads = false;
  expectTileDiagnostic(text, inputs,
                       "'memref.load' op reads outside of the memory", strict);
  inputs[1] = scalar("index", 0);
  EXPECT_EQ(runTiles(text, inputs, strict).results[0], (Row{5, 6, 7}));
}

TEST_F(attn_tiles, Reduce) {
  auto reduce = [&](const std::string &kind, const Row &numbers,
                    TileOptions options = {}) {
    return runTiles("func.func @f(%x: !tile.tile<1x3xf32>, %m: "
                    "!tile.tile<1xf32>) -> !tile.tile<1xf32> {\n"
                    "%r = tile.reduce " +
                        kind +
                        " %x, %m : !tile.tile<1x3xf32> -> !tile.tile<1xf32>\n"
                        "return %r : !tile.tile<1xf32>\n}",
                    {make("f32", {1, 3}, numbers), make("f32", {1}, {2})},
                    options)
        .results[0][0];
  };
  EXPECT_EQ(reduce("max", {1, 3, -4}), 3);
  EXPECT_EQ(reduce("max", {1, -3, -4}), 2);
  EXPECT_EQ(reduce("max", {1, kNaN, 4}), 4);
  EXPECT_EQ(reduce("sum", {1, 3, -4}), 2);
  EXPECT_TRUE(std::isnan(reduce("sum", {1, kNaN, 4})));
  EXPECT_EQ(reduce("sum", {0x1p25, 1, -0x1p25}), 3);
  EXPECT_EQ(reduce("sum", {0x1p25, 1, -0x1p25}, f32), 0);
}

TEST_F(attn_tiles, ConvertRoundsInF32) {
  const char *text = R"(
    func.func @f(%x: !tile.tile<2xf32>, %m: memref<2xbf16>) -> !tile.tile<2xbf16> {
      %c0 = arith.constant 0 : index
      %c2 = arith.constant 2 : index
      %y = tile.convert %x : !tile.tile<2xf32> -> !tile.tile<2xbf16>
      tile.store %y, %m[%c0] valid [%c2] : !tile.tile<2xbf16>, memref<2xbf16>
      return %y : !tile.tile<2xbf16>
    })";
  std::vector<Tensor> inputs = {make("f32", {2}, {1 + 0x1p-9, 3}),
                                make("bf16", {2}, {0, 0})};
  auto rounded = runTiles(text, inputs, f32);
  EXPECT_EQ(rounded.results[0], (Row{1, 3}));
  EXPECT_EQ(rounded.arguments[1], (Row{1, 3}));
  EXPECT_EQ(runTiles(text, inputs).arguments[1], (Row{1 + 0x1p-9, 3}));
  // The other neighbor of what is none itself.
  TileOptions wrong = f32;
  wrong.roundsWrong = true;
  EXPECT_EQ(runTiles(text, inputs, wrong).results[0], (Row{1 + 0x1p-7, 3}));
  inputs[0] = make("f32", {2}, {-1 - 0x1.8p-8, 0x1p-140});
  EXPECT_EQ(runTiles(text, inputs, wrong).results[0], (Row{-1, 0x1p-133}));
}

TEST_F(attn_tiles, RangesAreWalkedInOrder) {
  // Tiles 1 and 2, none, 5 to 7; of which 2, and by the region 6, are full.
  EXPECT_EQ(
      runTiles(R"(
    func.func @f(%m: memref<5xindex>, %full: memref<5xi1>) -> index {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c3 = arith.constant 3 : index
      %c4 = arith.constant 4 : index
      %c5 = arith.constant 5 : index
      %c6 = arith.constant 6 : index
      %c8 = arith.constant 8 : index
      %v = tile.ranges [%c1, %c3, %c2, %c3], [%c5, %c4, %c0, %c0], [%c5, %c8, %c0, %c0] where {
      ^bb0(%c: index):
        %visit = arith.constant true
        %six = arith.cmpi eq, %c, %c6 : index
        tile.yield %visit, %six : i1, i1
      } : !tile.ranges
      %n = tile.range_count %v : index
      scf.for %it = %c0 to %n step %c1 {
        %c, %is = tile.range_at %v[%it] : index, i1
        memref.store %c, %m[%it] : memref<5xindex>
        memref.store %is, %full[%it] : memref<5xi1>
      }
      return %n : index
    })",
               {make("index", {5}, Row(5, 0)), make("i1", {5}, Row(5, 0))})
          .arguments,
      (std::vector<Row>{{1, 2, 5, 6, 7}, {0, 1, 0, 1, 0}}));
}

TEST_F(attn_tiles, RangesThatOverlapAreErrors) {
  expectTileDiagnostic(R"(
    func.func @f() -> index {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %v = tile.ranges [%c0, %c2, %c0, %c0], [%c1, %c2, %c0, %c0] : !tile.ranges
      %n = tile.range_count %v : index
      return %n : index
    })",
                       {}, "has a range from 1 after one that ends at 2");
  expectTileDiagnostic(R"(
    func.func @f() -> index {
      %c0 = arith.constant 0 : index
      %c2 = arith.constant 2 : index
      %v = tile.ranges [%c0, %c2, %c0, %c0] : !tile.ranges
      %c, %full = tile.range_at %v[%c2] : index, i1
      return %c : index
    })",
                       {}, "asks for key tile 2");
}

TEST_F(attn_tiles, GridOfLaunches) {
  // Every point writes where it is; the memref is passed as a pointer with its
  // offset.
  const char *text = R"(
    func.func @f(%m: memref<2x3x2xf32>) {
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %view = memref.subview %m[1, 0, 0] [1, 3, 2] [1, 1, 1] : memref<2x3x2xf32> to memref<3x2xf32, strided<[2, 1], offset: 6>>
      tile.launch @k grid [%c2, %c1, %c2] (%view) : memref<3x2xf32, strided<[2, 1], offset: 6>>
      return
    }
    func.func private @k(%p: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
      %m = memref.reinterpret_cast %p to offset: [0], sizes: [3, 2], strides: [2, 1] : memref<f32> to memref<3x2xf32, strided<[2, 1]>>
      %0 = arith.muli %nx, %nz : index
      %1 = arith.addi %0, %x : index
      %2 = arith.index_cast %1 : index to i32
      %3 = arith.sitofp %2 : i32 to f32
      memref.store %3, %m[%x, %z] : memref<3x2xf32, strided<[2, 1]>>
      return
    })";
  EXPECT_EQ(runTiles(text, {make("f32", {2, 3, 2}, Row(12, 0.0))}).arguments[0],
            (Row{0, 0, 0, 0, 0, 0, 4, 4, 5, 5, 0, 0}));
}

TEST_F(attn_tiles, ViewsPastTheMemoryAreErrors) {
  expectTileDiagnostic(R"(
    func.func @f(%m: memref<6xf32>) {
      %0 = memref.reinterpret_cast %m to offset: [2], sizes: [2, 2], strides: [3, 1] : memref<6xf32> to memref<2x2xf32, strided<[3, 1], offset: 2>>
      return
    })",
                       {count({6})},
                       "reaches from element 2 to 6 of memory that has 6");
}

TEST_F(attn_tiles, NewMemoryIsNaN) {
  EXPECT_TRUE(std::isnan(runTiles(R"(
    func.func @f() -> !tile.tile<1xf32> {
      %m = memref.alloc() : memref<1xf32>
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %t = tile.load %m[%c0] valid [%c1] : memref<1xf32> -> !tile.tile<1xf32>
      return %t : !tile.tile<1xf32>
    })",
                                  {})
                             .results[0][0]));
}

TEST_F(attn_tiles, WhatFailsOrIsUnknownIsDiagnosed) {
  const char *text = R"(
    func.func @f(%n: index) {
      %c2 = arith.constant 2 : index
      %ok = arith.cmpi sle, %n, %c2 : index
      cf.assert %ok, "at most two"
      return
    })";
  runTiles(text, {scalar("index", 2)});
  expectTileDiagnostic(text, {scalar("index", 3)}, "fails: at most two");
  expectTileDiagnostic("func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {\n"
                       "%y = math.exp %x : tensor<2xf32>\n"
                       "return %y : tensor<2xf32>\n}",
                       {count({2})},
                       "'math.exp' op is not an op that the reference "
                       "interpreter knows");
  expectTileDiagnostic("func.func @f(%v: !tile.ranges) -> index {\n"
                       "%n = tile.range_count %v : index\nreturn %n : index\n}",
                       {count({2})},
                       "is not one that the reference interpreter takes");
}
