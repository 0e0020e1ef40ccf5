//===- attn-test.cpp - Execution tests against the reference --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiles and runs many cases and compares each with the float64 reference by
// rule 20. Destinations start as NaN: what a backend does not write is found.
// Each case has a process of its own: what crashes is one failed case.
//
// Exit codes: 0 all passed, 1 some failed, 2 bad command line.
//
//===----------------------------------------------------------------------===//

#include "CaseFiles.h"
#include "Cases.h"
#include "Isolation.h"
#include "PassChecks.h"
#include "RandomSchedules.h"
#include "ResultsFile.h"

#include "attn/Dialect/Attn/Attn.h"
#include "attn/Execution/Backend.h"
#include "attn/Execution/CommandLine.h"
#include "attn/Execution/RandomInputs.h"
#include "attn/Execution/Signature.h"
#include "attn/InitAll.h"
#include "attn/Reference/TileInterpreter.h"
#include "attn/Reference/Tolerance.h"
#include "attn/Support/ToolOptions.h"
#include "attn/Target/Compile.h"
#include "attn/Target/Target.h"
#include "attn/Version.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/xxhash.h"

#include <chrono>
#include <cmath>
#include <deque>
#include <functional>
#include <map>
#include <numeric>

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
      "backend", cl::init(autoBackend.str()),
      cl::desc("auto, reference, unfused or a target of --list-targets"),
      cl::cat(category)};
  cl::list<std::string> suites{
      "suite", cl::CommaSeparated,
      cl::desc("mods, matrix, empty, random, combinations, rejections "
               "(default: these six), tiles"),
      cl::cat(category)};
  cl::opt<uint64_t> seed{"seed", cl::init(1),
                         cl::desc("Selects cases and seeds random ones"),
                         cl::cat(category)};
  cl::opt<uint64_t> count{
      "count", cl::init(100),
      cl::desc("Cases of each suite (0: all; of random ones 10000)"),
      cl::cat(category)};
  cl::opt<bool> each{
      "each",
      cl::desc("Let --count be of each variant in mods, matrix and empty"),
      cl::cat(category)};
  cl::opt<bool> small{
      "small",
      cl::desc("Leave out heads of more than 32 columns where a variant has "
               "others: devices compile them in a fraction of the time"),
      cl::cat(category)};
  cl::opt<std::string> filter{"filter",
                              cl::desc("Only cases with this in their name"),
                              cl::cat(category)};
  cl::opt<std::string> mods{"mods", cl::init(ATTN_TEST_MODS),
                            cl::desc("Folder of score and mask functions"),
                            cl::cat(category)};
  DeviceArguments device{category};
  cl::opt<unsigned> threads{"threads", cl::desc("Threads (0: one a core)"),
                            cl::cat(category)};
  cl::opt<unsigned> jobs{
      "jobs", cl::init(1),
      cl::desc("Cases side by side, where each has a process of its own"),
      cl::cat(category)};
  cl::opt<int64_t> tileM{"tile-m", cl::desc("Queries a tile (0: chosen)"),
                         cl::cat(category)};
  cl::opt<int64_t> tileN{"tile-n", cl::desc("Keys a tile (0: chosen)"),
                         cl::cat(category)};
  cl::opt<int64_t> workers{
      "workers",
      cl::desc("Split the keys for this many workers (0: as the target does)"),
      cl::cat(category)};
  cl::opt<bool> schedules{
      "schedules",
      cl::desc("Give the ops of each case a random schedule; a target may "
               "refuse it, in one message"),
      cl::cat(category)};
  cl::opt<std::string> chip{"chip", cl::desc("Compile for this chip"),
                            cl::cat(category)};
  cl::opt<std::string> emit{
      "emit",
      cl::desc("Run nothing: write cases for attn-check, which needs no "
               "compiler, to this folder"),
      cl::value_desc("folder"), cl::cat(category)};
  cl::opt<std::string> results{
      "results",
      cl::desc("Append a line to this file as each case ends: its name, a "
               "tab, passed or failed"),
      cl::value_desc("file"), cl::cat(category)};
  cl::opt<bool> resume{"resume",
                       cl::desc("Leave out cases that passed by --results"),
                       cl::cat(category)};
  cl::opt<bool> passes{
      "passes",
      cl::desc("Run no backend: interpret each case before and after every "
               "pass on tile IR"),
      cl::cat(category)};
  cl::opt<bool> list{"list", cl::desc("Run nothing: list the cases"),
                     cl::cat(category)};
  cl::opt<bool> print{"print", cl::desc("Print the MLIR of every case"),
                      cl::cat(category)};
  cl::opt<bool> verbose{"verbose", cl::desc("Print the name of every case"),
                        cl::cat(category)};
};

class Driver {
public:
  explicit Driver(const Arguments &args)
      : args(args), passChecker(args.tileM, args.tileN) {
    target = findBackend(args.backend);
    if (!target)
      findTarget(args.backend, problem);
    DialectRegistry registry;
    registerDialects(registry);
    context.appendDialectRegistry(registry);
    context.printOpOnDiagnostic(false);
  }

  int run();

private:
  /// How many cases passed and failed, and what stopped them on the way.
  struct Tally {
    uint64_t passed = 0, failed = 0;
    std::string problem = {};
  };
  Tally runAll(ArrayRef<Recipe> recipes);
  /// Makes the cases of a suite that seeds alone describe; null for others.
  using Maker = Case (*)(uint64_t);
  Maker getMaker(StringRef suite) const;
  bool collect(std::vector<Recipe> &recipes);
  /// What is wrong with the arguments, or nothing.
  std::string explainMisuse();
  void select(std::vector<Recipe> candidates, std::vector<Recipe> &recipes);
  /// Asks for split keys wherever a query tile can hold the packed heads.
  void splitKeys(ModuleOp module, ArrayRef<Tensor> inputs, uint64_t index);
  /// What is wrong with case number `index`; "" if nothing is.
  std::string runCase(const Case &testCase, uint64_t index);
  /// What is right, and what f32 computes without being fused (rule 20).
  struct Expectation {
    SmallVector<Tensor> ref, unfused;
    /// For tile programs: what f32 computes where intermediate values narrower
    /// than that are all rounded to the wrong side.
    SmallVector<Tensor> wrong = {};
  };
  FailureOr<Expectation> interpretAttention(func::FuncOp function,
                                            ArrayRef<Tensor> inputs) const;
  FailureOr<Expectation> interpretTiles(func::FuncOp function,
                                        ArrayRef<Tensor> inputs) const;
  std::string compareWithReference(const Case &testCase, ModuleOp module,
                                   ArrayRef<Tensor> inputs, uint64_t index);
  /// Compiles for --emit; the file has the number `index`.
  std::string emitCase(const InterpretedCase &interpreted, ModuleOp module,
                       uint64_t index) const;
  FailureOr<SmallVector<Tensor>> execute(ModuleOp module,
                                         ArrayRef<Tensor> inputs,
                                         uint64_t strideSeed = 0) const;
  /// Where cases run.
  BackendOptions getDevice() const;
  /// The machine of the target; null without one.
  tile::TargetAttr getMachine();
  bool doesLack(tile::Lacks what) {
    tile::TargetAttr machine = getMachine();
    return machine && machine.doesLack(what);
  }
  /// Whether a kernel can have tiles of any size.
  bool takesAnyTile() {
    tile::TargetAttr machine = getMachine();
    return machine && machine.getMatrix() == tile::MatrixUnits::None;
  }
  /// Whether a launch had to be refused, and says so (rule 8).
  bool isRefused(ArrayRef<Tensor> inputs);
  /// What is tested, as an option.
  std::string getWhat() const {
    return args.passes ? "--passes" : "--backend=" + args.backend;
  }
  /// The command that runs `testCase` alone.
  std::string getCommand(const Case &testCase) const;
  void printFault(const Case &testCase, StringRef fault) const;

  const Arguments &args;
  PassChecker passChecker;
  ResultsFile results;
  /// Errors of the case that runs.
  std::string problem;
  /// The backend, if it is a target.
  const Target *target;
  MLIRContext context{MLIRContext::Threading::DISABLED};
};

} // namespace

Driver::Maker Driver::getMaker(StringRef suite) const {
  if (suite == "random")
    return makeRandomCase;
  if (suite == "tiles")
    return args.passes ? makeTileProgram : makeLoweredTileProgram;
  return suite == "combinations" ? makeCombination : nullptr;
}

void Driver::splitKeys(ModuleOp module, ArrayRef<Tensor> inputs,
                       uint64_t index) {
  // Of vectors or fragments; lanes compute with any number of rows, but not
  // with many. Passes are run for either.
  bool isDevice = target && !target->isHost() && takesAnyTile();
  bool anyRows = isDevice || (args.passes && index % 2 == 0);
  int64_t mostRows = anyRows ? 32 : 1024, rowMultiple = anyRows ? 1 : 16;
  int64_t keys = args.passes && anyRows ? 8 : 32;
  // Of few rows, which several subgroups share.
  constexpr int64_t fewRows = 8;
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
    if (tileM > mostRows)
      return;
    ScheduleKnobs knobs;
    knobs.tile_m = tileM;
    knobs.tile_n = keys;
    knobs.workers = args.workers;
    if (anyRows && tileM <= fewRows)
      knobs.threads = isDevice ? 128 : 32;
    op->setAttr(ScheduleAttr::attributeName,
                ScheduleAttr::get(op.getContext(), knobs));
  });
}

BackendOptions Driver::getDevice() const {
  BackendOptions options;
  options.name = args.backend;
  args.device.apply(options);
  options.threads = args.threads;
  return options;
}

tile::TargetAttr Driver::getMachine() {
  if (!target)
    return {};
  StringRef chip = args.chip;
  context.loadDialect<tile::TileDialect>();
  return target->describeChip(
      &context, chip.empty() ? target->getDefaultChip() : chip.str(), problem);
}

bool Driver::isRefused(ArrayRef<Tensor> inputs) {
  if (!doesLack(tile::Lacks::Int64) ||
      !StringRef(problem).contains("does not fit i32"))
    return false;
  return llvm::any_of(inputs, [](const Tensor &input) {
    if (!input.elementType.isIntOrIndex())
      return false;
    for (int64_t n = 0, e = input.getNumElements(); n < e; ++n)
      if (!llvm::isInt<32>(input.getInt(n)))
        return true;
    return false;
  });
}

FailureOr<SmallVector<Tensor>> Driver::execute(ModuleOp module,
                                               ArrayRef<Tensor> inputs,
                                               uint64_t strideSeed) const {
  BackendOptions options = getDevice();
  // Options override tiles; split keys come with tiles of their own.
  if (!args.workers) {
    options.tileM = args.tileM;
    options.tileN = args.tileN;
  }
  options.chip = args.chip;
  options.strideSeed = strideSeed;
  // Half of the cases are compiled for their sizes, the others for all; which,
  // the sizes decide.
  int64_t parity = 0;
  for (const Tensor &input : inputs) {
    options.shapes.emplace_back(input.shape.begin(), input.shape.end());
    parity ^= std::accumulate(input.shape.begin(), input.shape.end(), 0) & 1;
  }
  if (parity)
    options.shapes.clear();
  auto executable =
      createExecutable(*module.getOps<func::FuncOp>().begin(), options);
  if (failed(executable) || failed((*executable)->bind(inputs)) ||
      failed((*executable)->launch()))
    return failure();
  return (*executable)->getOutputs();
}

std::string Driver::emitCase(const InterpretedCase &interpreted,
                             ModuleOp module, uint64_t index) const {
  CompileOptions compile;
  compile.target = target->getName().str();
  if (!args.chip.empty())
    compile.chip = args.chip;
  compile.tileM = args.tileM;
  compile.tileN = args.tileN;
  FailureOr<std::string> artifact = compileToArtifact(module, compile);
  if (failed(artifact))
    return "does not compile";
  return writeCase(interpreted, *artifact, args.emit,
                   llvm::formatv("{0,0+4}", index).str());
}

FailureOr<Driver::Expectation>
Driver::interpretAttention(func::FuncOp function,
                           ArrayRef<Tensor> inputs) const {
  using reference::Mode;
  auto ref =
      reference::interpret(function, inputs, {Mode::Float64, args.threads});
  auto unfused =
      reference::interpret(function, inputs, {Mode::Unfused, args.threads});
  if (failed(ref) || failed(unfused))
    return failure();
  return Expectation{std::move(*ref), std::move(*unfused)};
}

FailureOr<Driver::Expectation>
Driver::interpretTiles(func::FuncOp function, ArrayRef<Tensor> inputs) const {
  using reference::Arithmetic;
  auto wide =
      reference::interpretTiles(function, inputs, {Arithmetic::Float64});
  auto narrow =
      reference::interpretTiles(function, inputs, {Arithmetic::Float32});
  reference::TileOptions otherSides;
  otherSides.arithmetic = Arithmetic::Float32;
  otherSides.roundsWrong = true;
  auto wrong = reference::interpretTiles(function, inputs, otherSides);
  if (failed(wide) || failed(narrow) || failed(wrong))
    return failure();
  Expectation expected;
  for (const reference::Output &output : reference::getOutputs(function)) {
    expected.ref.push_back(wide->arguments[*output.argument]);
    expected.unfused.push_back(narrow->arguments[*output.argument]);
    expected.wrong.push_back(wrong->arguments[*output.argument]);
  }
  return expected;
}

static double findLargestError(const Tensor &result, const Tensor &ref) {
  double error = 0;
  for (int64_t n = 0, e = ref.getNumElements(); n < e; ++n)
    if (double off = std::fabs(ref.getFloat(n) - result.getFloat(n));
        std::isfinite(off))
      error = std::max(error, off);
  return error;
}

/// Like rule 20, for programs that are not attention: what f32 is off, some
/// times over, for other orders of sums and other formulas of functions; and
/// what hangs on a value near a tie, which those may put on its other side.
static reference::Comparison compareTiles(const Tensor &result,
                                          const Tensor &ref,
                                          const Tensor &narrow,
                                          const Tensor &wrong) {
  constexpr double factor = 4, wrongFactor = 2, grain = 2e-6;
  double error = std::max(factor * findLargestError(narrow, ref),
                          wrongFactor * findLargestError(wrong, ref));
  double tolerance = error + grain;
  return reference::compareClose(result, ref, tolerance, tolerance);
}

/// Where NaN need not spread (rule 16), math.isnan need not find it: elements
/// that a NaN reaches unless it does are NaN in `expected`, too.
static LogicalResult expectUnseenNaN(func::FuncOp function,
                                     ArrayRef<Tensor> inputs, unsigned threads,
                                     MutableArrayRef<Tensor> expected) {
  auto asks = [](math::IsNaNOp) { return WalkResult::interrupt(); };
  if (!function.walk(asks).wasInterrupted())
    return success();
  OwningOpRef<func::FuncOp> blind = function.clone();
  (*blind)->walk([](math::IsNaNOp op) {
    ImplicitLocOpBuilder b(op.getLoc(), op);
    op.replaceAllUsesWith(
        Value(arith::ConstantIntOp::create(b, false, /*width=*/1)));
    op.erase();
  });
  auto results =
      reference::interpret(*blind, inputs, {reference::Mode::Float64, threads});
  if (failed(results))
    return failure();
  for (auto [tensor, seen] : llvm::zip_equal(expected, *results))
    for (int64_t n = 0, e = tensor.getNumElements(); n < e; ++n)
      if (std::isnan(seen.getFloat(n)))
        tensor.setFloat(n, NAN);
  return success();
}

/// Elements of which nothing is expected are what is expected.
static void leaveOutNaN(Tensor &result, const Tensor &ref) {
  for (int64_t n = 0, e = ref.getNumElements(); n < e; ++n)
    if (double expected = ref.getFloat(n); std::isnan(expected))
      result.setFloat(n, expected);
}

std::string Driver::compareWithReference(const Case &testCase, ModuleOp module,
                                         ArrayRef<Tensor> inputs,
                                         uint64_t index) {
  auto function = *module.getOps<func::FuncOp>().begin();
  bool isTiles = StringRef(testCase.name).starts_with("tiles/");
  FailureOr<Expectation> expected = isTiles
                                        ? interpretTiles(function, inputs)
                                        : interpretAttention(function, inputs);
  bool promisesNaN = !doesLack(tile::Lacks::Infinity);
  if (failed(expected) ||
      (!promisesNaN && !isTiles &&
       failed(expectUnseenNaN(function, inputs, args.threads, expected->ref))))
    return "the reference fails";
  // Compiling may change the module: it gets a copy.
  OwningOpRef<ModuleOp> copy = module.clone();
  if (args.workers)
    splitKeys(*copy, inputs, index);
  if (args.passes)
    return isTiles ? passChecker.checkTiles(*copy, inputs)
                   : passChecker.checkAttention(*copy, inputs, expected->ref);
  // Schedules are for the host here; a device has tile sizes of its own.
  if (target && !target->isHost() && !(args.workers && takesAnyTile()))
    copy->walk([](AttentionOp op) {
      op->removeDiscardableAttr(ScheduleAttr::attributeName);
    });
  if (args.schedules)
    drawSchedules(*copy, testCase.seed);
  if (!args.emit.empty())
    return emitCase({testCase.name, function, inputs, expected->ref,
                     expected->unfused, promisesNaN},
                    *copy, index);
  // Half of the random cases have strides that nobody chose. Bulk copies of
  // GPUs ask for multiples of 16 bytes.
  bool anyStrides = getMaker(StringRef(testCase.name).split('/').first) &&
                    (!target || target->isHost()) && testCase.seed % 2;
  FailureOr<SmallVector<Tensor>> results =
      execute(*copy, inputs, anyStrides ? testCase.seed : 0);
  if (failed(results)) {
    bool isScheduleAtFault = args.schedules && isScheduleRefused(problem);
    if (!isRefused(inputs) && !isScheduleAtFault)
      return "does not run";
    if (args.verbose)
      llvm::outs() << "  refused: " << problem << "\n";
    problem.clear();
    return "";
  }
  // What is NaN is not promised everywhere (rule 16).
  if (!promisesNaN)
    for (auto [result, ref] : llvm::zip_equal(*results, expected->ref))
      leaveOutNaN(result, ref);
  SmallVector<reference::Output> outputs = reference::getOutputs(function);
  for (auto [n, result] : llvm::enumerate(*results)) {
    const Tensor &ref = expected->ref[n], &unfused = expected->unfused[n];
    reference::Comparison comparison =
        isTiles ? compareTiles(result, ref, unfused, expected->wrong[n])
                : reference::checkRule20(outputs[n], result, ref, unfused);
    if (!comparison.passed)
      return ("output " + Twine(n) + " " + comparison.message).str();
  }
  return "";
}

static std::string describe(const MessageParts &rejection) {
  return "a message with '" + llvm::join(rejection, "', '") + "' is due";
}

std::string Driver::runCase(const Case &testCase, uint64_t index) {
  problem.clear();
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
      problem += (problem.empty() ? "" : "; ") + diagnostic.str();
    return success();
  });
  auto explain = [&](const Twine &message) {
    return problem.empty() ? message.str() : message.str() + ": " + problem;
  };

  auto module = parseSourceString<ModuleOp>(testCase.text, &context);
  if (!module)
    return explain("does not parse");
  func::FuncOp function = *module->getOps<func::FuncOp>().begin();
  Signature signature(function);
  for (const auto &[name, size] : testCase.sizes)
    signature.setSize(name, size);
  FailureOr<SmallVector<Tensor>> inputs =
      makeRandomInputs(function, signature, testCase.seed);
  if (failed(inputs))
    return explain("has no inputs");
  MessageParts rejection;
  if (testCase.adjust)
    rejection = testCase.adjust(*inputs);
  if (testCase.addSpecial && !doesLack(tile::Lacks::Infinity))
    testCase.addSpecial(*inputs);
  if (!rejection.empty() && args.passes)
    return "";
  if (!rejection.empty()) {
    if (succeeded(execute(*module, *inputs)))
      return "gives a result, but " + describe(rejection);
    if (!llvm::all_of(rejection, [&](StringRef part) {
          return StringRef(problem).contains(part);
        }))
      return explain(describe(rejection));
    // The reference refuses it, too, in the same words.
    std::string launched = std::exchange(problem, "");
    if (succeeded(reference::interpret(function, *inputs, {})))
      return "the reference gives a result, but a launch says: " + launched;
    return problem == launched ? ""
                               : explain("where a launch says '" + launched +
                                         "', the reference does not");
  }
  if (!args.emit.empty())
    coarsen(*inputs);
  std::string fault = compareWithReference(testCase, *module, *inputs, index);
  return fault.empty() ? problem : explain(fault);
}

std::string Driver::getCommand(const Case &testCase) const {
  std::string command = "attn-test " + getWhat();
  if (args.workers)
    command += " --workers=" + std::to_string(args.workers);
  if (args.schedules)
    command += " --schedules";
  if (args.tileM)
    command += " --tile-m=" + std::to_string(args.tileM);
  if (args.tileN)
    command += " --tile-n=" + std::to_string(args.tileN);
  if (!args.chip.empty())
    command += " --chip=" + args.chip;
  if (!args.device.device.empty())
    command += " --device='" + args.device.device + "'";
  if (args.device.validation)
    command += " --validation";
  auto [suite, rest] = StringRef(testCase.name).split('/');
  command += (" --suite=" + suite).str();
  if (getMaker(suite))
    return (command + " --count=1 --seed=" + rest).str();
  return command + " --count=0 --filter=" + testCase.name;
}

/// Keeps `count` random ones of `candidates`; 0: all.
static void sample(std::vector<Recipe> &candidates, uint64_t count,
                   uint64_t seed) {
  if (count == 0 || count >= candidates.size())
    return;
  // The first `count` of a shuffle.
  Random random(seed);
  for (uint64_t n = 0; n < count; ++n)
    std::swap(candidates[n],
              candidates[random.range(n, candidates.size() - 1)]);
  candidates.resize(count);
}

/// The suite and the variant in the name of a case that is called
/// SUITE/VARIANT/...
static std::string getVariant(StringRef name) {
  auto [suite, rest] = name.split('/');
  return (suite + "/" + rest.split('/').first).str();
}

/// Whether a case that is called .../dCOLUMNS has small heads.
static bool isSmall(const Recipe &recipe) {
  constexpr unsigned mostColumns = 32;
  StringRef size = StringRef(recipe.name).rsplit('/').second;
  unsigned columns;
  return size.consume_front("d") && !size.getAsInteger(10, columns) &&
         columns <= mostColumns;
}

void Driver::select(std::vector<Recipe> candidates,
                    std::vector<Recipe> &recipes) {
  std::map<std::string, std::vector<Recipe>> groups;
  for (Recipe &recipe : candidates)
    if (StringRef(recipe.name).contains(args.filter))
      groups[args.each ? getVariant(recipe.name) : ""].push_back(
          std::move(recipe));
  for (auto &[variant, group] : groups) {
    if (args.small && llvm::any_of(group, isSmall))
      llvm::erase_if(group, std::not_fn(isSmall));
    // Variants are to differ in what is drawn for them.
    uint64_t offset = args.each ? llvm::xxh3_64bits(variant) : 0;
    sample(group, args.count, args.seed ^ offset);
    llvm::append_range(recipes, group);
  }
}

bool Driver::collect(std::vector<Recipe> &recipes) {
  std::vector<std::string> suites(args.suites.begin(), args.suites.end());
  if (suites.empty())
    suites = {"mods",   "matrix",       "empty",
              "random", "combinations", "rejections"};
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
    } else if (suite == "empty") {
      select(enumerateEmpty(), recipes);
    } else if (suite == "rejections") {
      // Whether a case is rejected is seen when it is run.
      if (args.emit.empty() && !args.passes)
        select(enumerateRejections(!target || target->isHost()), recipes);
    } else if (auto *make = getMaker(suite)) {
      for (uint64_t n = 0, e = args.count ? args.count : 10000; n < e; ++n) {
        uint64_t seed = args.seed + n;
        std::string name = suite + "/" + std::to_string(seed);
        if (StringRef(name).contains(args.filter))
          recipes.push_back({name, [=](MLIRContext &) { return make(seed); }});
      }
    } else {
      llvm::errs() << "attn-test: error: unknown suite '" << suite
                   << "'; there are mods, matrix, empty, random, combinations, "
                      "rejections, tiles\n";
      return false;
    }
  }
  return true;
}

void Driver::printFault(const Case &testCase, StringRef fault) const {
  llvm::outs() << "FAILED " << testCase.name << ": " << fault
               << "\n  again: " << getCommand(testCase) << "\n  sizes:";
  for (const auto &[name, size] : testCase.sizes)
    llvm::outs() << " " << name << "=" << size;
  llvm::outs() << ", input seed " << testCase.seed << "\n"
               << testCase.text << "\n";
}

std::string Driver::explainMisuse() {
  if (args.resume && args.results.empty())
    return "--resume needs --results";
  if (!args.emit.empty()) {
    if (!target)
      return "--emit needs a target: " + problem;
    if (std::error_code error = llvm::sys::fs::create_directories(args.emit))
      return args.emit + ": " + error.message();
    if (!llvm::sys::fs::is_directory(args.emit))
      return args.emit + ": is no folder";
  }
  for (auto [option, size] : {std::pair("--tile-m", args.tileM.getValue()),
                              std::pair("--tile-n", args.tileN.getValue()),
                              std::pair("--workers", args.workers.getValue())})
    if (size < 0)
      return std::string(option) + " must not be negative";
  if (target && !getMachine())
    return problem;
  if (!args.emit.empty() || args.passes || args.list)
    return "";
  return explainUnavailable(getDevice());
}

Driver::Tally Driver::runAll(ArrayRef<Recipe> recipes) {
  Tally tally;
  auto finish = [&](const Case &testCase, StringRef fault) {
    ++(fault.empty() ? tally.passed : tally.failed);
    if (tally.problem.empty())
      tally.problem = results.add(testCase.name, fault.empty());
    if (!fault.empty())
      printFault(testCase, fault);
  };
  // A GPU's driver does not survive a fork.
  bool mayUseDevice =
      args.backend == autoBackend || (target && !target->isHost());
  bool isolated = !args.emit.empty() || args.passes || !mayUseDevice;
  // Cases in processes of their own, the oldest first: reports keep the order.
  std::deque<std::pair<Case, IsolatedRun>> running;
  // Where Node runs the code, it is one process that all cases talk to.
  std::optional<Host> host = target ? target->getHost() : std::nullopt;
  bool sharesHost = host && host->backend == args.backend;
  size_t jobs = sharesHost ? 1 : std::max(1u, args.jobs.getValue());
  auto finishOldest = [&] {
    finish(running.front().first, running.front().second.wait());
    running.pop_front();
  };
  for (auto [index, recipe] : llvm::enumerate(recipes)) {
    if (results.hasPassed(recipe.name))
      continue;
    if (running.size() == jobs)
      finishOldest();
    if (!tally.problem.empty())
      break;
    Case testCase = recipe.make(context);
    if (args.print)
      llvm::outs() << "// " << testCase.name << "\n" << testCase.text;
    if (args.verbose)
      llvm::outs() << testCase.name << "\n";
    // A case that does not end must be seen; a copy of the process has nothing
    // to write.
    llvm::outs().flush();
    auto run = [&, index = index] { return runCase(testCase, index); };
    if (isolated)
      running.emplace_back(testCase, IsolatedRun(run));
    else
      finish(testCase, run());
  }
  while (!running.empty())
    finishOldest();
  return tally;
}

int Driver::run() {
  auto reject = [](const Twine &problem) {
    llvm::errs() << "attn-test: error: " << problem << "\n";
    return 2;
  };
  if (std::string misuse = explainMisuse(); !misuse.empty())
    return reject(misuse);
  std::vector<Recipe> recipes;
  if (!collect(recipes))
    return 2;
  if (recipes.empty())
    return reject("no case is called like '" + args.filter + "'");
  if (args.list) {
    for (const Recipe &recipe : recipes)
      llvm::outs() << recipe.name << "\n";
    return 0;
  }
  if (args.resume)
    if (std::string error = results.read(args.results); !error.empty())
      return reject(error);
  if (!args.results.empty())
    if (std::string error = results.open(args.results); !error.empty())
      return reject(error);
  llvm::outs() << (args.passes ? "every pass" : "backend " + args.backend)
               << ", seed " << args.seed << ", " << recipes.size() << " cases";
  if (args.resume)
    llvm::outs() << ", " << llvm::count_if(recipes, [&](const Recipe &recipe) {
      return results.hasPassed(recipe.name);
    }) << " of them passed before";
  llvm::outs() << "\n";

  auto begin = std::chrono::steady_clock::now();
  Tally tally = runAll(recipes);
  std::chrono::duration<double> elapsed =
      std::chrono::steady_clock::now() - begin;
  if (!tally.problem.empty())
    return reject(tally.problem);
  if (args.passes)
    passChecker.print(llvm::outs());
  llvm::outs() << llvm::format("%.1f s\n", elapsed.count());
  llvm::outs() << tally.passed
               << (args.emit.empty() ? " passed, " : " written, ")
               << tally.failed << " failed\n";
  return tally.failed ? 1 : 0;
}

static constexpr llvm::StringLiteral kExamples = R"(
EXAMPLES:

  attn-test --backend=cpu --count=20 --seed=3
      20 cases of each suite on the CPU, against the reference
  attn-test --backend=cpu --suite=combinations --count=1 --seed=7 --print
      one random combination of sugar, operands and lengths, and its MLIR
  attn-test --backend=cpu --filter=matrix/causal/f16 --count=0
      all cases with this in their name
  attn-test --backend=cuda --chip=sm_90a --count=20 --emit=cases
      cases for a machine without a compiler: attn-check --backend=cuda cases
  attn-test --passes --suite=tiles --count=10
      programs in the interpreter before and after each pass on tile IR
)";

int main(int argc, char **argv) {
  setVersionPrinter();
  dropRegisteredOptions();
  registerAllTargets();
  addListTargetsOption();
  Arguments args;
  cl::extrahelp examples(kExamples);
  if (!cl::ParseCommandLineOptions(argc, argv, "Execution tests of attention\n",
                                   &llvm::errs()))
    return 2;
  return Driver(args).run();
}
