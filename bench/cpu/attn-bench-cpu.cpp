//===- attn-bench-cpu.cpp - Fused against standard attention on CPUs ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Times our fused and standard pipelines and unfused attention on OpenBLAS in
// one process, in turn, on fresh random data, next to the measured FMA peak.
// Writes rows of work, metric, ours, peer and ratio (above 1 is better for us).
//
//===----------------------------------------------------------------------===//

#include "OpenBlas.h"
#include "Peak.h"

#include "attn/InitAll.h"
#include "attn/Target/Compile.h"
#include "attn/runtime/Half.h"
#include "attn_runtime.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/JSON.h"

#include <algorithm>
#include <chrono>
#include <random>

using namespace mlir;
namespace cl = llvm::cl;
namespace json = llvm::json;

namespace {

/// The command line.
struct Arguments {
  cl::opt<std::string> output{"o", cl::desc("Write the rows here"),
                              cl::value_desc("file.json")};
  cl::opt<std::string> machine{"machine", cl::desc("Machine named in the rows"),
                               cl::init("unnamed")};
  cl::opt<std::string> date{"date", cl::desc("Date in the rows")};
  cl::list<int64_t> sizes{"sizes", cl::desc("Sequence lengths"),
                          cl::CommaSeparated,
                          cl::list_init<int64_t>({512, 1024, 2048, 4096})};
  cl::list<unsigned> threads{"thread-counts", cl::desc("Numbers of threads"),
                             cl::CommaSeparated,
                             cl::list_init<unsigned>({1, 2})};
  cl::opt<int64_t> rounds{"rounds", cl::desc("Counted rounds"), cl::init(5)};
  cl::opt<int64_t> tileM{"tile-m", cl::init(0), cl::desc("Rows of a tile")};
  cl::opt<int64_t> tileN{"tile-n", cl::init(0), cl::desc("Keys of a tile")};
  cl::opt<bool> onlyF32{"f32-only", cl::desc("Leave out bf16")};
};

} // namespace

static Arguments arguments;

namespace {

struct Shape {
  int64_t heads, length, size;
  bool causal, bf16;

  double flops() const {
    double all = 4.0 * heads * length * length * size;
    return causal ? all / 2 : all;
  }
  std::string name() const {
    return llvm::formatv("{0} 1x{1}x{2}x{2}x{3}{4}", bf16 ? "bf16" : "f32",
                         heads, length, size, causal ? " causal" : "");
  }
  std::string source() const {
    std::string type = llvm::formatv("tensor<1x{0}x{1}x{2}x{3}>", heads, length,
                                     size, bf16 ? "bf16" : "f32");
    return llvm::formatv(
        "func.func @f(%q: {0}, %k: {0}, %v: {0}, %o: {0}) -> {0} {{\n"
        "  %r = attn.attention ins(%q, %k, %v : {0}, {0}, {0}) outs(%o : {0})\n"
        "      {1} -> {0}\n"
        "  return %r : {0}\n"
        "}\n",
        type, causal ? "{causal = #attn.causal<top_left>}" : "");
  }
};

/// One compiled pipeline, bound to data.
class Program {
public:
  Program(MLIRContext &context, const Shape &shape, StringRef target,
          unsigned threads, std::vector<std::vector<char>> &data) {
    auto module = parseSourceString<ModuleOp>(shape.source(), &context);
    attn::CompileOptions options;
    options.target = target.str();
    options.tileM = arguments.tileM;
    options.tileN = arguments.tileN;
    FailureOr<std::string> artifact =
        attn::compileToArtifact(*module, options, &report);
    if (failed(artifact))
      llvm::report_fatal_error("the benchmark's module does not compile");
    error = attn_error_create();
    attn_context_options contextOptions = {};
    contextOptions.struct_size = sizeof(contextOptions);
    contextOptions.backend = "cpu";
    contextOptions.threads = threads;
    check(attn_context_create(&contextOptions, &runtime, error));
    check(attn_program_load_memory(runtime, artifact->data(), artifact->size(),
                                   &program, error));
    check(attn_binding_create(program, &binding, error));
    int64_t dims[] = {1, shape.heads, shape.length, shape.size};
    for (size_t k = 0; k < data.size(); ++k) {
      attn_tensor tensor;
      check(attn_tensor_init(&tensor, data[k].data(),
                             shape.bf16 ? ATTN_DTYPE_BF16 : ATTN_DTYPE_F32, 4,
                             dims, error));
      check(attn_binding_set_argument(binding, k, &tensor, error));
    }
    check(attn_binding_validate(binding, error));
    size_t bytes = 0, alignment = 0;
    check(attn_binding_workspace_size(binding, &bytes, &alignment, error));
    workspace.resize(bytes + alignment);
    aligned = reinterpret_cast<void *>(
        llvm::alignTo(reinterpret_cast<uintptr_t>(workspace.data()),
                      std::max<size_t>(alignment, 1)));
    workspaceBytes = bytes;
  }
  ~Program() {
    attn_binding_destroy(binding);
    attn_program_destroy(program);
    attn_context_destroy(runtime);
    attn_error_destroy(error);
  }

  void run() {
    check(attn_launch(binding, aligned, workspaceBytes, nullptr, error));
  }
  int64_t extraBytes(unsigned threads) const {
    return workspaceBytes + report.tileBytes * threads;
  }

private:
  void check(attn_status status) {
    if (status != ATTN_OK)
      llvm::report_fatal_error(attn_error_message(error));
  }

  attn::CompileReport report;
  attn_error *error = nullptr;
  attn_context *runtime = nullptr;
  attn_program *program = nullptr;
  attn_binding *binding = nullptr;
  std::vector<char> workspace;
  void *aligned = nullptr;
  uint64_t workspaceBytes = 0;
};

} // namespace

static double milliseconds(llvm::function_ref<void()> body) {
  auto begin = std::chrono::steady_clock::now();
  body();
  std::chrono::duration<double, std::milli> elapsed =
      std::chrono::steady_clock::now() - begin;
  return elapsed.count();
}

static double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// Normally distributed q, k, v and room for o.
static std::vector<std::vector<char>> makeData(const Shape &shape) {
  std::mt19937 generator(std::random_device{}());
  std::normal_distribution<float> normal;
  size_t count = shape.heads * shape.length * shape.size;
  std::vector<std::vector<char>> data;
  for (int k = 0; k < 4; ++k) {
    std::vector<char> bytes(count * (shape.bf16 ? 2 : 4));
    for (size_t i = 0; k < 3 && i < count; ++i) {
      if (shape.bf16)
        reinterpret_cast<uint16_t *>(bytes.data())[i] =
            attn::runtime::floatToBfloat16(normal(generator));
      else
        reinterpret_cast<float *>(bytes.data())[i] = normal(generator);
    }
    data.push_back(std::move(bytes));
  }
  return data;
}

static json::Array rows;

static void addRow(const Shape &shape, unsigned threads, StringRef metric,
                   double ours, double peer, StringRef peerName, double ratio,
                   std::optional<double> bar) {
  rows.push_back(json::Object{
      {"work", llvm::formatv("{0}, {1} thread{2}", shape.name(), threads,
                             threads == 1 ? "" : "s")
                   .str()},
      {"metric", metric},
      {"ours", ours},
      {"peer", peer},
      {"peer_name", peerName},
      {"ratio", ratio},
      {"bar", bar ? json::Value(*bar) : json::Value(nullptr)},
      {"machine", arguments.machine},
      {"command", "build/bin/attn-bench-cpu -o bench/results/cpu.json"},
      {"date", arguments.date}});
}

static void measure(MLIRContext &context, const Shape &shape, unsigned threads,
                    const attn::bench::OpenBlas *blas, double peak) {
  std::vector<std::vector<char>> data = makeData(shape);
  Program fused(context, shape, "cpu", threads, data);
  Program standard(context, shape, "cpu-standard", threads, data);
  bool compareBlas = blas && !shape.bf16 && !shape.causal;
  auto runBlas = [&] {
    auto f32 = [&](int k) { return reinterpret_cast<float *>(data[k].data()); };
    blas->attention(f32(0), f32(1), f32(2), f32(3), shape.heads, shape.length,
                    shape.size, threads);
  };
  fused.run();
  standard.run();
  if (compareBlas)
    runBlas();
  std::vector<double> fusedMs, standardMs, blasMs;
  for (int64_t round = 0; round < arguments.rounds; ++round) {
    fusedMs.push_back(milliseconds([&] { fused.run(); }));
    standardMs.push_back(milliseconds([&] { standard.run(); }));
    if (compareBlas)
      blasMs.push_back(milliseconds(runBlas));
  }
  double f = median(fusedMs), s = median(standardMs);
  double gflops = shape.flops() / f / 1e6;
  double fraction = gflops / (peak * threads);
  bool barShape =
      !shape.bf16 && !shape.causal && shape.length == 2048 && shape.size == 64;
  std::optional<double> none;
  addRow(shape, threads, "GFLOP/s against the f32 FMA peak", gflops,
         peak * threads, "measured FMA peak", fraction,
         barShape ? std::optional<double>(0.6) : none);
  addRow(shape, threads, "ms", f, s, "our standard attention", s / f,
         barShape ? std::optional<double>(2.0) : none);
  addRow(shape, threads, "bytes besides inputs and output",
         fused.extraBytes(threads), standard.extraBytes(threads),
         "our standard attention",
         double(standard.extraBytes(threads)) / fused.extraBytes(threads),
         none);
  std::string versus = "-";
  if (compareBlas) {
    double b = median(blasMs);
    addRow(shape, threads, "ms of our standard attention", s, b,
           "unfused OpenBLAS", b / s,
           barShape ? std::optional<double>(0.8) : none);
    versus = llvm::formatv("{0:f2}", b / s);
  }
  llvm::outs() << llvm::formatv(
      "{0,-32} {1,2} {2,10:f2} {3,10:f2} {4,8:f1} {5,6:f1} {6,7:f2} {7,7} "
      "{8,10} {9,12}\n",
      shape.name(), threads, f, s, gflops, 100 * fraction, s / f, versus,
      fused.extraBytes(threads), standard.extraBytes(threads));
  llvm::outs().flush();
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::ParseCommandLineOptions(argc, argv, "Attention on CPUs, measured\n");
  DialectRegistry registry;
  attn::registerAllDialects(registry);
  MLIRContext context(registry);

  std::string why;
  std::unique_ptr<attn::bench::OpenBlas> blas =
      attn::bench::OpenBlas::load(why);
  if (!blas)
    llvm::outs() << "no OpenBLAS: " << why << "\n";
  double peak = attn::bench::measureFmaPeak();
  llvm::outs() << llvm::formatv("f32 FMA peak of one thread: {0:f1} GFLOP/s\n",
                                peak);
  llvm::outs() << llvm::formatv(
      "{0,-32} {1,2} {2,10} {3,10} {4,8} {5,6} {6,7} {7,7} {8,10} {9,12}\n",
      "shape", "th", "fused ms", "stand. ms", "GFLOP/s", "% peak", "speedup",
      "st/BLAS", "bytes", "stand. bytes");
  for (unsigned threads : arguments.threads)
    for (bool bf16 : {false, true})
      for (int64_t size : {64, 128})
        for (bool causal : {false, true})
          for (int64_t length : arguments.sizes)
            if (!bf16 || !arguments.onlyF32)
              measure(context, Shape{8, length, size, causal, bf16}, threads,
                      blas.get(), peak);
  if (arguments.output.empty())
    return 0;
  std::error_code failure;
  llvm::raw_fd_ostream os(arguments.output, failure);
  if (failure) {
    llvm::errs() << arguments.output << ": " << failure.message() << "\n";
    return 2;
  }
  os << llvm::formatv("{0:2}", json::Value(std::move(rows))) << "\n";
  return 0;
}
