//===- attn-test.cpp - Execution tests against the reference --------------===//
//
// Compiles and runs many cases in one process and compares each with the
// float64 reference by rule 20. Destinations start as NaN: what a backend
// does not write is found.
//
// Exit codes: 0 all passed, 1 some failed, 2 bad command line.
//
//===----------------------------------------------------------------------===//

#include "CaseFiles.h"
#include "Cases.h"

#include "attn/Execution/Backend.h"
#include "attn/Execution/CommandLine.h"
#include "attn/Execution/RandomInputs.h"
#include "attn/Execution/Signature.h"
#include "attn/Reference/Tolerance.h"
#include "attn/Target/Compile.h"
#include "dialects/Attn/Attn.h"

#include "mlir/Parser/Parser.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"

#include <chrono>
#include <ctime>

using namespace mlir;
using namespace attn;
using namespace attn::execution;
using namespace attn::tools;
namespace cl = llvm::cl;

namespace {

/// The command line.
struct Arguments {
  cl::OptionCategory category{"attn-test options"};
  cl::opt<std::string> backend{
      "backend", cl::init("auto"),
      cl::desc("auto, cpu, cpu-standard, cuda, reference, unfused"),
      cl::cat(category)};
  cl::list<std::string> suites{
      "suite", cl::CommaSeparated,
      cl::desc("mods, matrix, random (default: all three)"), cl::cat(category)};
  cl::opt<uint64_t> seed{"seed", cl::init(1),
                         cl::desc("Selects cases and seeds random ones"),
                         cl::cat(category)};
  cl::opt<uint64_t> count{
      "count", cl::init(100),
      cl::desc("Cases of each suite (0: all; of random ones 10000)"),
      cl::cat(category)};
  cl::opt<std::string> subset{"subset",
                              cl::desc("'rotating': another seed every day"),
                              cl::cat(category)};
  cl::opt<std::string> filter{"filter",
                              cl::desc("Only cases with this in their name"),
                              cl::cat(category)};
  cl::opt<std::string> mods{"mods", cl::init(ATTN_TEST_MODS),
                            cl::desc("Folder of score and mask functions"),
                            cl::cat(category)};
  cl::opt<unsigned> threads{"threads", cl::desc("Threads (0: one a core)"),
                            cl::cat(category)};
  cl::opt<int64_t> tileM{"tile-m", cl::desc("Queries a tile (0: chosen)"),
                         cl::cat(category)};
  cl::opt<int64_t> tileN{"tile-n", cl::desc("Keys a tile (0: chosen)"),
                         cl::cat(category)};
  cl::opt<int64_t> workers{
      "workers",
      cl::desc("Split the keys for this many workers (0: as the target does)"),
      cl::cat(category)};
  cl::opt<std::string> chip{"chip", cl::desc("Compile for this chip"),
                            cl::cat(category)};
  cl::opt<std::string> emit{
      "emit",
      cl::desc("Run nothing: write cases for attn-check, which needs no "
               "compiler, to this folder"),
      cl::value_desc("folder"), cl::cat(category)};
  cl::opt<bool> print{"print", cl::desc("Print the MLIR of every case"),
                      cl::cat(category)};
  cl::opt<bool> verbose{"verbose", cl::desc("Print the name of every case"),
                        cl::cat(category)};
};

class Driver {
public:
  explicit Driver(const Arguments &args) : args(args) {
    DialectRegistry registry;
    registerDialects(registry);
    context.appendDialectRegistry(registry);
    context.printOpOnDiagnostic(false);
  }

  int run();

private:
  bool collect(std::vector<Recipe> &recipes);
  void select(std::vector<Recipe> candidates, std::vector<Recipe> &recipes);
  /// Asks for split keys wherever a query tile can hold the packed heads.
  void splitKeys(ModuleOp module, ArrayRef<Tensor> inputs) const;
  /// What is wrong with the case; "" if nothing is.
  std::string runCase(const Case &testCase);

  const Arguments &args;
  uint64_t seed = 0;
  uint64_t emitted = 0;
  MLIRContext context{MLIRContext::Threading::DISABLED};
};

} // namespace

void Driver::splitKeys(ModuleOp module, ArrayRef<Tensor> inputs) const {
  constexpr int64_t mostRows = 1024, rowMultiple = 16, keys = 32;
  module.walk([&](AttentionOp op) {
    auto query = dyn_cast<BlockArgument>(op.getQuery());
    auto key = dyn_cast<BlockArgument>(op.getKey());
    if (op.isRagged() || !query || !key)
      return;
    AttentionOp::DimMap q = AttentionOp::getDimMap(op.getQueryLayout());
    AttentionOp::DimMap k = AttentionOp::getDimMap(op.getKeyLayout());
    ArrayRef<int64_t> shape = inputs[query.getArgNumber()].shape;
    int64_t keyHeads = inputs[key.getArgNumber()].shape[k.h];
    int64_t rows = shape[q.s] * (shape[q.h] / std::max<int64_t>(keyHeads, 1));
    int64_t tileM = llvm::alignTo(std::max<int64_t>(rows, 1), rowMultiple);
    if (tileM <= mostRows)
      op->setAttr(
          ScheduleAttr::attributeName,
          ScheduleAttr::get(op.getContext(), tileM, keys, args.workers));
  });
}

std::string Driver::runCase(const Case &testCase) {
  std::string problem;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
      problem += (problem.empty() ? "" : "; ") + diagnostic.str();
    return success();
  });
  auto fail = [&](const Twine &message) {
    return problem.empty() ? message.str() : message.str() + ": " + problem;
  };

  auto module = parseSourceString<ModuleOp>(testCase.text, &context);
  if (!module)
    return fail("does not parse");
  func::FuncOp function = *module->getOps<func::FuncOp>().begin();
  Signature signature(function);
  for (const auto &[name, size] : testCase.sizes)
    signature.setSize(name, size);
  FailureOr<SmallVector<Tensor>> inputs =
      makeRandomInputs(function, signature, testCase.seed);
  if (failed(inputs))
    return fail("has no inputs");
  if (!args.emit.empty())
    coarsen(*inputs);
  auto ref = reference::interpret(function, *inputs,
                                  {reference::Mode::Float64, args.threads});
  auto unfused = reference::interpret(function, *inputs,
                                      {reference::Mode::Unfused, args.threads});
  if (failed(ref) || failed(unfused))
    return fail("the reference fails");
  SmallVector<reference::Output> outputs = reference::getOutputs(function);

  // Compiling may change the module: it gets a copy.
  OwningOpRef<ModuleOp> copy = module->clone();
  if (args.workers)
    splitKeys(*copy, *inputs);
  if (!args.emit.empty()) {
    CompileOptions compile;
    compile.target = args.backend;
    if (!args.chip.empty())
      compile.chip = args.chip;
    compile.tileM = args.tileM;
    compile.tileN = args.tileN;
    FailureOr<std::string> artifact = compileToArtifact(*copy, compile);
    if (failed(artifact))
      return fail("does not compile");
    return writeCase(
        {testCase.name, *artifact, function, *inputs, *ref, *unfused},
        args.emit, llvm::formatv("{0,0+4}", emitted++).str());
  }
  BackendOptions options{args.backend, args.threads, args.tileM, args.tileN,
                         args.chip};
  auto executable =
      createExecutable(*copy->getOps<func::FuncOp>().begin(), options);
  if (failed(executable))
    return fail("does not compile");
  if (failed((*executable)->bind(*inputs)) || failed((*executable)->launch()))
    return fail("does not run");
  FailureOr<SmallVector<Tensor>> results = (*executable)->getOutputs();
  if (failed(results))
    return fail("has no outputs");
  for (auto [index, result] : llvm::enumerate(*results)) {
    reference::Comparison comparison = reference::checkRule20(
        outputs[index], result, (*ref)[index], (*unfused)[index]);
    if (!comparison.passed)
      return ("output " + Twine(index) + " " + comparison.message).str();
  }
  return problem;
}

void Driver::select(std::vector<Recipe> candidates,
                    std::vector<Recipe> &recipes) {
  if (!args.filter.empty())
    llvm::erase_if(candidates, [&](const Recipe &recipe) {
      return !StringRef(recipe.name).contains(args.filter);
    });
  uint64_t count = args.count;
  if (count != 0 && count < candidates.size()) {
    // The first `count` of a shuffle.
    Random random(seed);
    for (uint64_t n = 0; n < count; ++n)
      std::swap(candidates[n],
                candidates[random.range(n, candidates.size() - 1)]);
    candidates.resize(count);
  }
  llvm::append_range(recipes, candidates);
}

bool Driver::collect(std::vector<Recipe> &recipes) {
  std::vector<std::string> suites(args.suites.begin(), args.suites.end());
  if (suites.empty())
    suites = {"mods", "matrix", "random"};
  for (const std::string &suite : suites) {
    if (suite == "mods") {
      std::vector<std::string> errors;
      select(enumerateMods(args.mods, errors), recipes);
      for (const std::string &error : errors)
        llvm::errs() << "attn-test: error: " << error << "\n";
      if (!errors.empty())
        return false;
    } else if (suite == "matrix") {
      select(enumerateMatrix(), recipes);
    } else if (suite == "random") {
      for (uint64_t n = 0, e = args.count ? args.count : 10000; n < e; ++n) {
        uint64_t caseSeed = seed + n;
        std::string name = "random/" + std::to_string(caseSeed);
        if (StringRef(name).contains(args.filter))
          recipes.push_back(
              {name, [=](MLIRContext &) { return makeRandomCase(caseSeed); }});
      }
    } else {
      llvm::errs() << "attn-test: error: unknown suite '" << suite
                   << "'; there are mods, matrix, random\n";
      return false;
    }
  }
  return true;
}

int Driver::run() {
  auto reject = [](const Twine &problem) {
    llvm::errs() << "attn-test: error: " << problem << "\n";
    return 2;
  };
  seed = args.seed;
  if (args.subset == "rotating") {
    constexpr uint64_t secondsADay = 86400;
    // Days apart by more than the cases of one day.
    seed = std::time(nullptr) / secondsADay * 1000000;
  } else if (!args.subset.empty()) {
    return reject("unknown subset '" + args.subset + "'; there is rotating");
  }
  if (!args.emit.empty()) {
    if (!llvm::is_contained({"cpu", "cpu-standard", "cuda"}, args.backend))
      return reject("--emit needs --backend=cpu, cpu-standard or cuda");
    if (std::error_code error = llvm::sys::fs::create_directories(args.emit))
      return reject(args.emit + ": " + error.message());
  } else if (std::string problem = explainUnavailable(args.backend);
             !problem.empty()) {
    return reject(problem);
  }
  std::vector<Recipe> recipes;
  if (!collect(recipes))
    return 2;
  if (recipes.empty())
    return reject("no case is called like '" + args.filter + "'");
  llvm::outs() << "backend " << args.backend << ", seed " << seed << ", "
               << recipes.size() << " cases\n";

  uint64_t passed = 0, failed = 0;
  auto begin = std::chrono::steady_clock::now();
  for (const Recipe &recipe : recipes) {
    Case testCase = recipe.make(context);
    if (args.print)
      llvm::outs() << "// " << testCase.name << "\n" << testCase.text;
    if (args.verbose)
      llvm::outs() << testCase.name << "\n";
    // A case that does not end must be seen.
    if (args.print || args.verbose)
      llvm::outs().flush();
    std::string problem = runCase(testCase);
    if (problem.empty()) {
      ++passed;
      continue;
    }
    ++failed;
    llvm::outs() << "FAILED " << testCase.name << ": " << problem
                 << "\n  again: attn-test --backend=" << args.backend;
    if (StringRef(testCase.name).starts_with("random/"))
      llvm::outs() << " --suite=random --count=1 --seed=" << testCase.seed;
    else
      llvm::outs() << " --count=0 --filter=" << testCase.name;
    llvm::outs() << "\n  sizes:";
    for (const auto &[name, size] : testCase.sizes)
      llvm::outs() << " " << name << "=" << size;
    llvm::outs() << ", input seed " << testCase.seed << "\n"
                 << testCase.text << "\n";
  }
  std::chrono::duration<double> elapsed =
      std::chrono::steady_clock::now() - begin;
  llvm::outs() << llvm::format("%.1f s\n", elapsed.count());
  llvm::outs() << passed << (args.emit.empty() ? " passed, " : " written, ")
               << failed << " failed\n";
  return failed ? 1 : 0;
}

int main(int argc, char **argv) {
  dropRegisteredOptions();
  Arguments args;
  if (!cl::ParseCommandLineOptions(argc, argv, "Execution tests of attention\n",
                                   &llvm::errs()))
    return 2;
  return Driver(args).run();
}
