//===- LayoutToGPUTest.cpp - Lowered layouts, executed --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Relayouts and reductions between random layouts: lowered, run with all of
// their threads by the reference interpreter, and compared with numbers.
//
//===----------------------------------------------------------------------===//

#include "attn/Conversion/LayoutToGPU.h"
#include "../Dialect/RandomLayout.h"
#include "attn/Conversion/ExceedsMemory.h"
#include "attn/Dialect/Tile/Tile.h"
#include "attn/Reference/TileInterpreter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/FormatVariadic.h"

#include "gtest/gtest.h"

using namespace mlir;
using namespace attn;
using namespace attn::tile;
using llvm::formatv;
using reference::Tensor;

namespace {

class LayoutToGPUTest : public ::testing::Test {
protected:
  LayoutToGPUTest() {
    context.loadDialect<TileDialect, func::FuncDialect, arith::ArithDialect,
                        gpu::GPUDialect, math::MathDialect,
                        memref::MemRefDialect, scf::SCFDialect>();
  }

  std::string print(Attribute attribute) {
    std::string text;
    llvm::raw_string_ostream(text) << attribute;
    return text;
  }
  std::string print(const LinearLayout &layout) {
    return print(tile::LayoutAttr::get(&context, layout));
  }

  /// Lowers a kernel with `body`, which reads %in (rows x cols, at %in) and
  /// writes %out (as many rows, `outCols` columns), and runs it. The input is
  /// 1, 2, 3, ...
  std::optional<std::vector<double>> run(int64_t rows, int64_t cols,
                                         int64_t outCols,
                                         const std::string &body,
                                         int64_t subgroup = 4) {
    std::string text = formatv(R"(
module attributes {{tile.target = #tile.target<name = "gpu", chip = "c", threads = 256,
    subgroup = 4, shared_bytes = 65536, static_shared_bytes = 65536>} {{
  func.func private @k(%a: memref<f32>, %b: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {{tile.kernel} {{
    %c0 = arith.constant 0 : index
    %rows = arith.constant {0} : index
    %cols = arith.constant {1} : index
    %outcols = arith.constant {2} : index
    %in = memref.reinterpret_cast %a to offset: [0], sizes: [{0}, {1}], strides: [{1}, 1] : memref<f32> to memref<{0}x{1}xf32>
    %out = memref.reinterpret_cast %b to offset: [0], sizes: [{0}, {2}], strides: [{2}, 1] : memref<f32> to memref<{0}x{2}xf32>
    %outrows = memref.reinterpret_cast %b to offset: [0], sizes: [{0}], strides: [1] : memref<f32> to memref<{0}xf32>
    {3}
    return
  }
  func.func @f(%in: memref<{0}x{1}xf32>, %out: memref<{0}x{2}xf32>) {{
    %c1 = arith.constant 1 : index
    tile.launch @k grid [%c1, %c1, %c1] (%in, %out) writes [1] : memref<{0}x{1}xf32>, memref<{0}x{2}xf32>
    return
  }
})",
                               rows, cols, outCols, body);
    auto module = parseSourceString<ModuleOp>(text, &context);
    if (!module)
      return std::nullopt;
    PassManager pm(&context);
    pm.addPass(createLayoutToGPU());
    if (failed(pm.run(*module)))
      return std::nullopt;
    Type f32 = Float32Type::get(&context);
    Tensor in(f32, {rows, cols});
    for (int64_t n = 0; n < rows * cols; ++n)
      in.setFloat(n, n + 1);
    reference::TileOptions options;
    options.subgroup = subgroup;
    auto results =
        reference::interpretTiles(module->lookupSymbol<func::FuncOp>("f"),
                                  {in, Tensor(f32, {rows, outCols})}, options);
    if (failed(results))
      return std::nullopt;
    std::vector<double> numbers;
    for (int64_t n = 0; n < rows * outCols; ++n)
      numbers.push_back(results->arguments[1].getFloat(n));
    return numbers;
  }

  MLIRContext context;
};

TEST_F(LayoutToGPUTest, RelayoutsBetweenRandomLayouts) {
  Random random(1);
  int seen[4] = {};
  for (int round = 0; round < 60; ++round) {
    int64_t rows = 1 + random() % 10, cols = 1 + random() % 10;
    LinearLayout from = randomLayout(random, rows, cols, 2, 1);
    LinearLayout to = round % 5 == 0 ? from.extendBlock(16, 16)
                                     : randomLayout(random, rows, cols, 2, 1);
    ++seen[static_cast<int>(getConversion(from, to).kind)];
    std::string tile = formatv("{0}x{1}xf32", rows, cols);
    // Also by way of workgroup memory, in some order there.
    static constexpr StringLiteral shared[] = {
        "#tile.shared<padding = 3>",
        "#tile.shared<column_major = true, padding = 1>"};
    std::string steps =
        formatv("%moved = tile.relayout %t : <{0}, {1}> -> <{0}, {2}>\n", tile,
                print(from), print(to));
    if (round % 3 == 0)
      steps = formatv("%s = tile.relayout %t : <{0}, {1}> -> <{0}, {3}>\n"
                      "%u = tile.relayout %s : <{0}, {3}> -> <{0}, {4}>\n"
                      "%moved = tile.relayout %u : <{0}, {4}> -> <{0}, {2}>\n",
                      tile, print(from), print(to), shared[round % 2],
                      shared[1 - round % 2]);
    auto numbers = run(
        rows, cols, cols,
        formatv(
            "%t = tile.load %in[%c0, %c0] valid [%rows, %cols] : "
            "memref<{0}> -> !tile.tile<{0}, {1}>\n{2}"
            "tile.store %moved, %out[%c0, %c0] valid [%rows, %cols] : <{0}, "
            "{3}>, memref<{0}>",
            tile, print(from), steps, print(to)),
        // Two subgroups of the layouts in one of the machine.
        round % 2 ? 4 : 8);
    ASSERT_TRUE(numbers) << tile << print(from) << " to " << print(to);
    for (int64_t n = 0; n < rows * cols; ++n)
      EXPECT_EQ((*numbers)[n], n + 1)
          << n << " of " << tile << print(from) << " to " << print(to);
  }
  for (int count : seen)
    EXPECT_GT(count, 0);
}

TEST_F(LayoutToGPUTest, ReducesRowsOfRandomLayouts) {
  Random random(2);
  int reduced = 0;
  for (int round = 0; round < 80; ++round) {
    int64_t rows = 1 + random() % 10, cols = 1 + random() % 10;
    LinearLayout layout = randomLayout(random, rows, cols, 2, 1);
    auto sharers = layout.getRowSharers();
    if (!sharers || llvm::any_of(*sharers, [](ThreadMask mask) {
          return mask.subgroup != 0;
        }))
      continue;
    ++reduced;
    bool isSum = round % 2;
    std::string tile = formatv("{0}x{1}xf32", rows, cols);
    auto numbers = run(
        rows, cols, 1,
        formatv(
            "%one = arith.constant 1.0 : f32\n"
            "%t = tile.load %in[%c0, %c0] valid [%rows, %cols] : "
            "memref<{0}> -> !tile.tile<{0}, {1}>\n"
            "%i = tile.splat %one : f32 -> <{2}xf32, {3}>\n"
            "%moved = tile.reduce {4} %t, %i : <{0}, {1}> -> <{2}xf32, {3}>\n"
            "tile.store %moved, %outrows[%c0] valid [%rows] : <{2}xf32, {3}>, "
            "memref<{2}xf32>",
            tile, print(layout), rows, print(layout.getRowLayout()),
            isSum ? "sum" : "max"));
    ASSERT_TRUE(numbers) << tile << print(layout);
    for (int64_t row = 0; row < rows; ++row) {
      double expected = 1;
      for (int64_t col = 0; col < cols; ++col) {
        double element = row * cols + col + 1;
        expected = isSum ? expected + element : std::max(expected, element);
      }
      EXPECT_EQ((*numbers)[row], expected) << row << " of " << print(layout);
    }
  }
  EXPECT_GT(reduced, 20);
}

/// Errors about memory are told from others without their text.
TEST_F(LayoutToGPUTest, TagsWhatExceedsMemory) {
  auto countErrors = [&](const std::string &body) {
    std::string text = formatv(R"(
module attributes {{tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 4>} {{
  func.func private @k(%a: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {{tile.kernel} {{
    %c0 = arith.constant 0 : index
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [16, 32], strides: [32, 1] : memref<f32> to memref<16x32xf32>
    %t = tile.load %m[%c0, %c0] valid [%c0, %c0] : memref<16x32xf32> -> !tile.tile<{0}>
    return
  }
})",
                               body);
    auto module = parseSourceString<ModuleOp>(text, &context);
    EXPECT_TRUE(module);
    std::pair<int, int> taggedAndOthers;
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
      ++(exceedsMemory(diagnostic) ? taggedAndOthers.first
                                   : taggedAndOthers.second);
    });
    LayoutToGPUOptions options;
    options.workgroupBytes = 1024;
    PassManager pm(&context);
    pm.addPass(createLayoutToGPU(options));
    EXPECT_TRUE(failed(pm.run(*module)));
    return taggedAndOthers;
  };
  EXPECT_EQ(countErrors("16x32xf32, #tile.shared"), std::make_pair(1, 0));
  EXPECT_EQ(countErrors("16x32xf32"), std::make_pair(0, 1));
}
} // namespace
