// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Attention in a C++ program that has the compiler in it: parses MLIR, compiles
// it for this machine, runs it, and lowers it in place for a compiler of one's
// own.
//
//   embed-cpp plain.mlir [plain.attn]
//
// examples/project builds it against an installed tree.
#include "attn/InitAll.h"
#include "attn/Target/CPU.h"
#include "attn/Target/Compile.h"
#include "attn_runtime.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

namespace {

template <auto Destroy> struct Destroyer {
  template <typename T> void operator()(T *object) const { Destroy(object); }
};
using Error = std::unique_ptr<attn_error, Destroyer<attn_error_destroy>>;
using Context = std::unique_ptr<attn_context, Destroyer<attn_context_destroy>>;
using Program = std::unique_ptr<attn_program, Destroyer<attn_program_destroy>>;
using Binding = std::unique_ptr<attn_binding, Destroyer<attn_binding_destroy>>;

/// A dense [1, 8, rows, 64] tensor.
struct Tensor {
  std::array<int64_t, 4> sizes;
  std::vector<float> data;

  Tensor(int64_t rows, float value)
      : sizes{1, 8, rows, 64}, data(size_t(8 * rows * 64), value) {}
};

/// Runs func.func @plain(q, k, v, o) once. Values are all 1: so is every
/// output.
bool run(const std::string &artifact) {
  Error error(attn_error_create());
  auto ok = [&](attn_status status) {
    if (status == ATTN_OK)
      return true;
    std::fprintf(stderr, "%s: %s\n", attn_status_name(status),
                 attn_error_message(error.get()));
    return false;
  };
  attn_context *opened = nullptr;
  if (!ok(attn_context_create(nullptr, &opened, error.get())))
    return false;
  Context context(opened);
  attn_program *loaded = nullptr;
  if (!ok(attn_program_load_memory(opened, artifact.data(), artifact.size(),
                                   &loaded, error.get())))
    return false;
  Program program(loaded);
  attn_binding *bound = nullptr;
  if (!ok(attn_binding_create(loaded, &bound, error.get())))
    return false;
  Binding binding(bound);

  Tensor arguments[] = {{100, 0.5f}, {300, -0.25f}, {300, 1.0f}, {100, 0.0f}};
  for (size_t n = 0; n < 4; ++n) {
    attn_tensor tensor;
    if (!ok(attn_tensor_init(&tensor, arguments[n].data.data(), ATTN_DTYPE_F32,
                             4, arguments[n].sizes.data(), error.get())) ||
        !ok(attn_binding_set_argument(bound, n, &tensor, error.get())))
      return false;
  }
  if (!ok(attn_launch_alloc(bound, nullptr, error.get())))
    return false;
  const std::vector<float> &out = arguments[3].data;
  auto wrong = std::count_if(out.begin(), out.end(), [](float value) {
    return !(value > 0.999999f && value < 1.000001f);
  });
  std::printf("%s for %s: %td of %zu outputs are not 1\n",
              attn_program_entry(loaded), attn_program_chip(loaded), wrong,
              out.size());
  return wrong == 0;
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 2 && argc != 3) {
    std::fprintf(stderr, "usage: embed-cpp FILE.mlir [FILE.attn]\n");
    return 2;
  }
  // Dialects, interfaces, passes and pipelines.
  mlir::DialectRegistry registry;
  attn::registerAll(registry);
  mlir::MLIRContext context(registry);
  auto module = mlir::parseSourceFile<mlir::ModuleOp>(argv[1], &context);
  if (!module)
    return 1;

  // To an artifact, which the runtime loads, here or elsewhere.
  mlir::FailureOr<std::string> artifact =
      attn::compileToArtifact(*module, attn::CompileOptions());
  if (mlir::failed(artifact) || !run(*artifact))
    return 1;
  if (argc == 3)
    std::ofstream(argv[2], std::ios::binary) << *artifact;

  // Or to loops on vectors, among whatever else the module holds.
  mlir::PassManager passes(&context);
  attn::buildCPUPipeline(passes, attn::TargetPipelineOptions());
  if (mlir::failed(passes.run(*module)))
    return 1;
  std::fflush(stdout);
  module->print(llvm::outs());
  return 0;
}
