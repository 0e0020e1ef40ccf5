//===- KernelTest.cpp - What GPU kernels mean -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels of GPU ops with all of their threads, and what the interpreter
// refuses: races, barriers that not all threads reach, wrong accesses.
//
//===----------------------------------------------------------------------===//

#include "ReferenceTest.h"

#include "attn/Dialect/Kernel/Kernel.h"
#include "attn/Dialect/Tile/Tile.h"
#include "attn/Reference/TileInterpreter.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

using namespace mlir;
using namespace attn::reference;

namespace {
class attn_kernels : public ReferenceTest {
protected:
  attn_kernels() {
    context.loadDialect<attn::kernel::KernelDialect, attn::tile::TileDialect,
                        gpu::GPUDialect>();
  }

  /// Runs one block of eight threads with `body` in subgroups of four: %in
  /// holds 0, 1, ... and %out is returned, eight numbers each; %none is empty.
  /// "" and a diagnostic where it fails.
  std::vector<double> run(const std::string &body) {
    std::string text = R"(
      gpu.module @kernels {
        gpu.func @k(%a: memref<f32>, %b: memref<f32>, %empty: memref<f32>) workgroup(%shared: memref<16xf32, #gpu.address_space<workgroup>>) kernel attributes {known_block_size = array<i32: 8, 1, 1>} {
          %c0 = arith.constant 0 : index
          %c1 = arith.constant 1 : index
          %c4 = arith.constant 4 : index
          %c7 = arith.constant 7 : index
          %c8 = arith.constant 8 : index
          %in = memref.reinterpret_cast %a to offset: [0], sizes: [8], strides: [1] : memref<f32> to memref<8xf32>
          %out = memref.reinterpret_cast %b to offset: [0], sizes: [8], strides: [1] : memref<f32> to memref<8xf32>
          %none = memref.reinterpret_cast %empty to offset: [0], sizes: [0], strides: [1] : memref<f32> to memref<0xf32>
          %t = gpu.thread_id x
          %x = memref.load %in[%t] : memref<8xf32>
          )" + body + R"(
          gpu.return
        }
      }
      func.func @f(%in: memref<8xf32>, %out: memref<8xf32>, %none: memref<0xf32>) {
        %c1 = arith.constant 1 : index
        tile.launch @kernels::@k grid [%c1, %c1, %c1] (%in, %out, %none) : memref<8xf32>, memref<8xf32>, memref<0xf32>
        return
      })";
    diagnostic.clear();
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &d) {
      diagnostic += (diagnostic.empty() ? "" : "\n") + d.str();
      return success();
    });
    auto module = parseSourceString<ModuleOp>(text, &context);
    if (!module)
      return {};
    TileOptions options;
    options.subgroup = 4;
    Tensor counted(type("f32"), {8});
    for (int64_t n = 0; n < 8; ++n)
      counted.setFloat(n, n);
    auto results =
        interpretTiles(module->lookupSymbol<func::FuncOp>("f"),
                       {counted, counted, Tensor(type("f32"), {0})}, options);
    std::vector<double> numbers;
    for (int64_t n = 0; succeeded(results) && n < 8; ++n)
      numbers.push_back(results->arguments[1].getFloat(n));
    return numbers;
  }
  void expectRefused(const std::string &body, const std::string &why) {
    EXPECT_TRUE(run(body).empty());
    EXPECT_NE(diagnostic.find(why), std::string::npos) << diagnostic;
  }
  using Row = std::vector<double>;
};
} // namespace

TEST_F(attn_kernels, ThreadsExchangeThroughMemory) {
  const std::string reverse = R"(
    memref.store %x, %shared[%t] : memref<16xf32, #gpu.address_space<workgroup>>
    BARRIER
    %r = arith.subi %c7, %t : index
    %y = memref.load %shared[%r] : memref<16xf32, #gpu.address_space<workgroup>>
    memref.store %y, %out[%t] : memref<8xf32>)";
  std::string with = reverse, without = reverse;
  with.replace(with.find("BARRIER"), 7, "gpu.barrier");
  without.replace(without.find("BARRIER"), 7, "");
  EXPECT_EQ(run(with), (Row{7, 6, 5, 4, 3, 2, 1, 0}));
  expectRefused(without, "reads element 7, which another thread has written");
}

TEST_F(attn_kernels, FlowDiffersBetweenThreads) {
  EXPECT_EQ(run(R"(
    %few = arith.cmpi slt, %t, %c4 : index
    %y = scf.if %few -> f32 {
      %sum = arith.addf %x, %x : f32
      scf.yield %sum : f32
    } else {
      scf.yield %x : f32
    }
    %z = scf.for %i = %c0 to %t step %c1 iter_args(%s = %y) -> f32 {
      %n = arith.addf %s, %x : f32
      scf.yield %n : f32
    }
    memref.store %z, %out[%t] : memref<8xf32>)"),
            (Row{0, 3, 8, 15, 20, 30, 42, 56}));
  expectRefused(R"(
    %few = arith.cmpi slt, %t, %c4 : index
    scf.if %few {
      gpu.barrier
    })",
                "waits for threads that do not come here");
}

TEST_F(attn_kernels, Accesses) {
  expectRefused("memref.store %x, %out[%c8] : memref<8xf32>",
                "accesses [8] of memory that has sizes [8]");
  expectRefused("memref.store %x, %out[%c0] : memref<8xf32>",
                "writes element 0, which another thread has accessed");
  // An empty tensor is bound to 16 bytes of zeros (rule 8).
  EXPECT_EQ(run(R"(
    %y = memref.load %none[%c0] : memref<0xf32>
    %z = arith.addf %x, %y : f32
    memref.store %z, %out[%t] : memref<8xf32>)"),
            (Row{0, 1, 2, 3, 4, 5, 6, 7}));
  expectRefused("%y = memref.load %none[%c4] : memref<0xf32>",
                "accesses [4] of memory that has sizes [0]");
  // The same number may be stored by all.
  EXPECT_EQ(run(R"(
    %one = arith.constant 1.0 : f32
    memref.store %one, %out[%c0] : memref<8xf32>)")[0],
            1);
}

TEST_F(attn_kernels, Shuffles) {
  EXPECT_EQ(run(R"(
    %one = arith.constant 1 : i32
    %four = arith.constant 4 : i32
    %y, %ok = gpu.shuffle xor %x, %one, %four : f32
    %first = arith.constant 0 : i32
    %z, %ok2 = gpu.shuffle idx %x, %first, %four : f32
    %sum = arith.addf %y, %z : f32
    memref.store %sum, %out[%t] : memref<8xf32>)"),
            (Row{1, 0, 3, 2, 9, 8, 11, 10}));
  expectRefused(R"(
    %four = arith.constant 4 : i32
    %y, %ok = gpu.shuffle xor %x, %four, %four : f32)",
                "lane 0 asks lane 4, which is not there");
}

TEST_F(attn_kernels, Matrices) {
  const char *load = R"(
    memref.store %x, %shared[%t] : memref<16xf32, #gpu.address_space<workgroup>>
    gpu.barrier
    %zero = arith.constant 0.0 : f32
    %s = gpu.subgroup_id : index
    %at = arith.muli %s, %c4 : index
    %m = kernel.load_matrix %shared[%at] stride 2 : memref<16xf32, #gpu.address_space<workgroup>> -> !kernel.matrix<2x2xf32, a>
    %n = kernel.load_matrix %shared[%at] stride 2 transposed : memref<16xf32, #gpu.address_space<workgroup>> -> !kernel.matrix<2x2xf32, b>
    %c = kernel.fill_matrix %zero : !kernel.matrix<2x2xf32, accumulator>
    gpu.barrier
    )";
  // [[0, 1], [2, 3]] times its transpose, and the same of 4 to 7.
  EXPECT_EQ(run(std::string(load) + R"(
    %p = kernel.multiply_matrices %m, %n, %c : !kernel.matrix<2x2xf32, a>, !kernel.matrix<2x2xf32, b> -> !kernel.matrix<2x2xf32, accumulator>
    kernel.store_matrix %p, %shared[%at] stride 2 : !kernel.matrix<2x2xf32, accumulator>, memref<16xf32, #gpu.address_space<workgroup>>
    gpu.barrier
    %y = memref.load %shared[%t] : memref<16xf32, #gpu.address_space<workgroup>>
    memref.store %y, %out[%t] : memref<8xf32>)"),
            (Row{1, 3, 3, 13, 41, 59, 59, 85}));
  // Elements of a lane, by number, are all elements once; a stride of 0 repeats
  // a row.
  EXPECT_EQ(run(std::string(load) + R"(
    %r = kernel.load_matrix %shared[%at] stride 0 : memref<16xf32, #gpu.address_space<workgroup>> -> !kernel.matrix<2x2xf32, accumulator>
    %e = kernel.extract_element %r[0] : !kernel.matrix<2x2xf32, accumulator>
    %double = arith.addf %e, %e : f32
    %d = kernel.insert_element %double, %c[0] : !kernel.matrix<2x2xf32, accumulator>
    gpu.barrier
    kernel.store_matrix %d, %shared[%at] stride 2 : !kernel.matrix<2x2xf32, accumulator>, memref<16xf32, #gpu.address_space<workgroup>>
    gpu.barrier
    %y = memref.load %shared[%t] : memref<16xf32, #gpu.address_space<workgroup>>
    memref.store %y, %out[%t] : memref<8xf32>)"),
            (Row{0, 2, 0, 2, 8, 10, 8, 10}));
  expectRefused(std::string(load) + "%e = kernel.extract_element %m[1] : "
                                    "!kernel.matrix<2x2xf32, a>",
                "asks for element 1 of a lane, which has 1");
}
