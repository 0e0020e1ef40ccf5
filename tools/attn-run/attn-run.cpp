//===- attn-run.cpp - Run a function of attention on tensors --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads MLIR and .npy files (or makes random inputs), runs one function on a
// backend, writes its outputs, and compares, times or explains them.
//
// Exit codes: 0 fine, 1 outputs differ from what was expected, 2 bad input.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/ArgumentNames.h"
#include "attn/Dialect/Attn/Attn.h"
#include "attn/Execution/Attendance.h"
#include "attn/Execution/Backend.h"
#include "attn/Execution/CommandLine.h"
#include "attn/Execution/Npy.h"
#include "attn/Execution/Progress.h"
#include "attn/Execution/RandomInputs.h"
#include "attn/Execution/Signature.h"
#include "attn/InitAll.h"
#include "attn/Reference/Tolerance.h"
#include "attn/Support/Nesting.h"
#include "attn/Support/ToolOptions.h"
#include "attn/Target/Target.h"
#include "attn/Version.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/SourceMgr.h"

#include <chrono>
#include <cmath>

using namespace mlir;
using namespace attn;
using namespace attn::execution;
namespace cl = llvm::cl;
namespace json = llvm::json;

namespace {

enum ExitCode { kFine = 0, kMismatch = 1, kBadInput = 2 };

const char *const kOverview =
    R"(Runs a function of attention.

Arguments: one --input for each argument that is read, in argument order.
An argument that is only a destination of attn.attention or attn.merge
takes none (one for every argument is accepted too). A scalar may be written
as it is: --input=3.5. --random makes inputs instead; the sizes that types
leave open are given by name, --random=B=2,Sq=100,Skv=80, or by position in
the order that the message for a missing size lists. Arguments that attention
does not explain are arg<n>.<dim>, unless an attribute names them:
  %table: tensor<?x?xi32> {attn.dims = ["B", "Sq"]}
Random integers are drawn from attn.values = array<i64: low, high> (inclusive)
and rise along the last axis where attn.rising is set.

Outputs: the results of the function, then the memref arguments that it
writes, in argument order. --output and --expect follow that order; fewer
are fine.
)";

constexpr llvm::StringLiteral kExamples = R"(
EXAMPLES:

  attn-run mine.mlir --random=B=1,Sq=2048,Skv=2048 --check=reference --bench
      random inputs: is it right, and how fast?
  attn-run mine.mlir --random=B=1,Sq=2048,Skv=2048 --explain
      what was chosen when compiling, and why
  attn-run mine.mlir --input=q.npy --input=k.npy --input=v.npy --output=o.npy
      files of NumPy, in the order of the arguments
  attn-run mine.mlir --random=1,100,100 --expect=o.npy --rtol=1e-3
      exits with 1 if the output differs
  attn-run mine.mlir --random=B=1,Sq=2048,Skv=2048 --autotune --schedule-out=best.mlir
      measures schedules; --schedule=best.mlir takes the fastest from then on
  attn-run mine.mlir --backend=cuda --random=1,100,100 --report=json
      on a GPU; the report as JSON
)";

/// The command line.
struct Arguments {
  cl::OptionCategory category{"attn-run options"};
  cl::opt<std::string> file{cl::Positional, cl::desc("<input.mlir>"),
                            cl::Required, cl::cat(category)};
  cl::opt<std::string> entry{
      "entry", cl::desc("Function to run (default: the only one)"),
      cl::cat(category)};
  cl::list<std::string> inputs{"input", cl::desc("A .npy file or a scalar"),
                               cl::cat(category)};
  cl::list<std::string> outputs{"output", cl::desc("A .npy file to write"),
                                cl::cat(category)};
  cl::opt<std::string> random{"random", cl::ValueOptional,
                              cl::desc("Random inputs; sizes by name or order"),
                              cl::value_desc("sizes"), cl::cat(category)};
  cl::opt<uint64_t> seed{"seed", cl::desc("Seed of --random (default 0)"),
                         cl::cat(category)};
  cl::list<std::string> expect{
      "expect", cl::desc("A .npy file that an output must match"),
      cl::cat(category)};
  cl::opt<double> rtol{"rtol", cl::init(1e-5),
                       cl::desc("Relative tolerance of --expect"),
                       cl::cat(category)};
  cl::opt<double> atol{"atol", cl::init(1e-8),
                       cl::desc("Absolute tolerance of --expect"),
                       cl::cat(category)};
  cl::opt<std::string> check{
      "check",
      cl::desc("'reference': compare with the float64 reference by rule 20"),
      cl::cat(category)};
  cl::opt<std::string> backend{
      "backend", cl::init(autoBackend.str()),
      cl::desc("auto, reference, unfused or a target of --list-targets"),
      cl::cat(category)};
  DeviceArguments device{category};
  cl::opt<unsigned> threads{"threads", cl::desc("Threads (0: one a core)"),
                            cl::cat(category)};
  cl::opt<int64_t> tileM{"tile-m", cl::desc("Queries a tile (0: chosen)"),
                         cl::cat(category)};
  cl::opt<int64_t> tileN{"tile-n", cl::desc("Keys a tile (0: chosen)"),
                         cl::cat(category)};
  cl::opt<std::string> schedule{
      "schedule",
      cl::desc("A file with an #attn.schedule for ops that have none"),
      cl::value_desc("file.mlir"), cl::cat(category)};
  cl::opt<bool> autotune{
      "autotune",
      cl::desc("Measure schedules with these inputs and take the fastest"),
      cl::cat(category)};
  TuneArguments tune{category};
  cl::opt<std::string> chip{"chip", cl::desc("Compile for this chip"),
                            cl::cat(category)};
  cl::opt<uint64_t> strides{
      "random-strides",
      cl::desc("Bind tensors with strides from this seed where types leave "
               "them open (0: dense)"),
      cl::cat(category)};
  cl::opt<bool> bf16{"bf16", cl::desc("bf16 is uint16 in .npy files"),
                     cl::cat(category)};
  cl::opt<std::string> bench{
      "bench", cl::ValueOptional,
      cl::desc("Time the launch (value: number of runs, default 20)"),
      cl::value_desc("runs"), cl::cat(category)};
  cl::opt<bool> explain{"explain",
                        cl::desc("Say what was chosen when compiling and why"),
                        cl::cat(category)};
  cl::opt<std::string> report{
      "report", cl::desc("'json': print a report as JSON"), cl::cat(category)};
};

/// One message, then exit code 2.
ExitCode fail(const Twine &message) {
  llvm::errs() << "attn-run: error: " << message << "\n";
  return kBadInput;
}

struct Timing {
  double minMs = 0, medianMs = 0;
  unsigned runs = 0;
};

class Run {
public:
  explicit Run(const Arguments &args) : args(args) {}
  ExitCode execute();

private:
  ExitCode checkOptions();
  ExitCode load();
  ExitCode makeInputs();
  ExitCode readInputs();
  FailureOr<Tensor> readInput(unsigned index, const std::string &text,
                              std::string &error);
  ExitCode writeOutputs();
  ExitCode compareExpected(bool &matches);
  ExitCode compareReference(bool &matches);
  ExitCode bench();
  FailureOr<Timing> time(Executable &executable);
  FailureOr<BackendOptions> getBackendOptions();
  ExitCode launch(const BackendOptions &options);
  FailureOr<std::string> drawVersions(const json::Object &description);
  ExitCode explain();
  void printSummary() const;

  const Arguments &args;
  bool asJson = false;
  unsigned runs = 20;
  MLIRContext context{MLIRContext::Threading::DISABLED};
  llvm::SourceMgr sources;
  SourceMgrDiagnosticHandler diagnostics{sources, &context};
  ToolDiagnostics toolDiagnostics{&context, "attn-run"};
  OwningOpRef<ModuleOp> module;
  func::FuncOp function;
  std::optional<Signature> signature;
  SmallVector<reference::Output> kinds;
  SmallVector<Tensor> inputs, outputs;
  std::unique_ptr<Executable> executable;
  json::Object report;
  json::Array reportedOutputs;
};

} // namespace

//===----------------------------------------------------------------------===//
// Loading
//===----------------------------------------------------------------------===//

ExitCode Run::checkOptions() {
  if (!args.check.empty() && args.check != "reference")
    return fail("--check=" + args.check + ": the only check is 'reference'");
  if (!args.report.empty() && args.report != "json")
    return fail("--report=" + args.report + ": the only format is 'json'");
  asJson = args.report == "json";
  if (!args.bench.empty() && (!llvm::to_integer(args.bench, runs) || runs == 0))
    return fail("--bench=" + args.bench + ": not a number of runs");
  if (args.random.getNumOccurrences() && !args.inputs.empty())
    return fail("--input and --random exclude each other");
  if (std::string problem = args.tune.explainMisuse(
          args.autotune, {{"schedule", !args.schedule.empty()},
                          {"tile-m", args.tileM != 0},
                          {"tile-n", args.tileN != 0}});
      !problem.empty())
    return fail(problem);
  for (auto [name, value] :
       {std::pair("rtol", double(args.rtol)), {"atol", args.atol}})
    if (!(value >= 0))
      return fail(Twine("--") + name + " must not be negative");
  if (args.expect.empty())
    for (const cl::Option *tolerance :
         std::initializer_list<const cl::Option *>{&args.rtol, &args.atol})
      if (tolerance->getNumOccurrences())
        return fail("--" + tolerance->ArgStr +
                    " is a tolerance of --expect, "
                    "and none is given");
  for (auto [name, value] :
       {std::pair("tile-m", int64_t(args.tileM)), {"tile-n", args.tileN}})
    if (value < 0)
      return fail(Twine("--") + name + " must not be negative");
  return kFine;
}

ExitCode Run::load() {
  DialectRegistry registry;
  registerDialects(registry);
  context.appendDialectRegistry(registry);
  context.printOpOnDiagnostic(false);
  std::string error;
  std::unique_ptr<llvm::MemoryBuffer> buffer = openInputFile(args.file, &error);
  if (!buffer)
    return fail(error);
  sources.AddNewSourceBuffer(std::move(buffer), llvm::SMLoc());
  module = parseModule(sources, &context);
  if (!module)
    return kBadInput;

  std::string names;
  unsigned count = 0;
  for (auto candidate : module->getOps<func::FuncOp>()) {
    if (candidate.isDeclaration())
      continue;
    names += (count++ ? ", " : "") + candidate.getName().str();
    if (args.entry.empty() || candidate.getName() == args.entry)
      function = candidate;
  }
  if (count == 0)
    return fail(args.file + ": has no function to run");
  if (args.entry.empty() && count > 1)
    return fail(args.file + ": has several functions (" + names +
                "); choose one with --entry");
  if (!function)
    return fail(args.file + ": has no function '" + args.entry +
                "'; there are " + names);
  signature.emplace(function);
  kinds = reference::getOutputs(function);
  for (auto [what, given] : {std::pair("--output", args.outputs.size()),
                             {"--expect", args.expect.size()}})
    if (given > kinds.size())
      return fail(Twine(what) + ": " + Twine(given) + " are given, but '" +
                  function.getName() + "' has " + Twine(kinds.size()) +
                  " outputs");
  return kFine;
}

//===----------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------===//

FailureOr<Tensor> Run::readInput(unsigned index, const std::string &text,
                                 std::string &error) {
  const Argument &argument = signature->getArguments()[index];
  Type element = argument.getElementType();
  if (!reference::isSupportedElement(element)) {
    error = "a type that attn-run does not take";
    return failure();
  }
  // Numbers for scalars; a file may have any other name.
  if (!isa<ShapedType>(argument.type)) {
    Tensor scalar(element, ArrayRef<int64_t>());
    double number;
    int64_t integer;
    StringRef trimmed = StringRef(text).trim();
    if (scalar.isFloat() && !trimmed.getAsDouble(number)) {
      scalar.setFloat(0, number);
      if (!std::isfinite(number) || std::isfinite(scalar.getFloat(0)))
        return scalar;
      error = "the value " + text + " does not fit its type";
      return failure();
    }
    if (!scalar.isFloat() && !trimmed.getAsInteger(0, integer)) {
      scalar.setInt(0, integer);
      if (scalar.getInt(0) == integer)
        return scalar;
      error = "the value " + text + " does not fit its type";
      return failure();
    }
  }
  return readTensor(text, element, args.bf16, error);
}

/// The sizes that the type of an argument fixes or leaves open.
static ArrayRef<int64_t> shapeOf(const Argument &argument) {
  auto shaped = dyn_cast<ShapedType>(argument.type);
  return shaped ? shaped.getShape() : ArrayRef<int64_t>();
}

ExitCode Run::readInputs() {
  ArrayRef<Argument> arguments = signature->getArguments();
  SmallVector<unsigned> read, all;
  for (auto [index, argument] : llvm::enumerate(arguments)) {
    all.push_back(index);
    if (argument.role != Role::Destination)
      read.push_back(index);
  }
  if (args.inputs.size() != read.size() && args.inputs.size() != all.size()) {
    std::string message;
    llvm::raw_string_ostream os(message);
    os << "'" << function.getName() << "' reads " << read.size()
       << " arguments, but " << args.inputs.size() << " --input are given";
    if (args.inputs.empty())
      os << "; --random makes them";
    return fail(message);
  }
  ArrayRef<unsigned> given = args.inputs.size() == all.size() ? all : read;

  inputs.resize(arguments.size());
  for (auto [index, text] : llvm::zip_equal(given, args.inputs)) {
    std::string error;
    FailureOr<Tensor> tensor = readInput(index, text, error);
    if (succeeded(tensor))
      error = reference::explainShape(tensor->shape, shapeOf(arguments[index]));
    if (!error.empty() || failed(tensor))
      return fail(describeArgument(function, index) + " (--input=" + text +
                  "): " + error);
    signature->learn(index, tensor->shape);
    inputs[index] = std::move(*tensor);
  }
  for (unsigned index : all) {
    if (llvm::is_contained(given, index))
      continue;
    auto shape = signature->getShape(index);
    if (const std::string *name = std::get_if<std::string>(&shape))
      return fail(describeArgument(function, index) +
                  ", a destination: the inputs do not tell its size " + *name +
                  "; give an --input for every argument");
    inputs[index] = makePoison(arguments[index].getElementType(),
                               std::get<SmallVector<int64_t>>(shape));
  }
  return kFine;
}

ExitCode Run::makeInputs() {
  if (!args.random.getNumOccurrences())
    return readInputs();
  if (std::string problem = setSizes(*signature, args.random); !problem.empty())
    return fail("--random: " + problem);
  Progress progress("--random: making the inputs");
  FailureOr<SmallVector<Tensor>> made =
      makeRandomInputs(function, *signature, args.seed);
  if (failed(made))
    return kBadInput;
  inputs = std::move(*made);
  return kFine;
}

//===----------------------------------------------------------------------===//
// Outputs
//===----------------------------------------------------------------------===//

static std::string describeShape(const Tensor &tensor) {
  std::string text;
  llvm::raw_string_ostream os(text);
  for (int64_t size : tensor.shape)
    os << size << "x";
  os << tensor.elementType;
  return text;
}

ExitCode Run::writeOutputs() {
  for (auto [path, tensor] : llvm::zip(args.outputs, outputs)) {
    std::string error;
    if (failed(writeTensor(path, tensor, args.bf16, error)))
      return fail(error);
  }
  return kFine;
}

static void printComparison(const reference::Comparison &comparison,
                            StringRef with, unsigned index,
                            const Tensor &tensor) {
  llvm::outs() << "output " << index << " (" << describeShape(tensor)
               << "): " << (comparison.passed ? "matches " : "differs from ")
               << with;
  if (comparison.passed)
    llvm::outs() << llvm::format(", max error %.3g, allowed %.3g\n",
                                 comparison.maxError, comparison.bound);
  else
    llvm::outs() << " " << comparison.message << "\n";
}

static json::Object toJson(const reference::Comparison &comparison,
                           StringRef with) {
  json::Object object{{"with", with}, {"passed", comparison.passed}};
  // JSON has no infinity.
  if (std::isfinite(comparison.maxError))
    object["max_error"] = comparison.maxError;
  object["bound"] = comparison.bound;
  if (!comparison.passed)
    object["message"] = comparison.message;
  return object;
}

ExitCode Run::compareExpected(bool &matches) {
  for (auto [index, path] : llvm::enumerate(args.expect)) {
    std::string error;
    const Tensor &got = outputs[index];
    FailureOr<Tensor> want =
        readTensor(path, got.elementType, args.bf16, error);
    if (failed(want))
      return fail("--expect=" + path + ": " + error);
    if (want->shape != got.shape)
      return fail("--expect=" + path + ": is " + describeShape(*want) +
                  ", but output " + Twine(index) + " is " + describeShape(got));
    reference::Comparison comparison =
        reference::compareClose(got, *want, args.rtol, args.atol);
    matches &= comparison.passed;
    if (asJson)
      (*reportedOutputs[index].getAsObject())["expected"] =
          toJson(comparison, path);
    else
      printComparison(comparison, path, index, got);
  }
  return kFine;
}

ExitCode Run::compareReference(bool &matches) {
  SmallVector<Tensor> states[2];
  for (auto [mode, state] : {std::pair(reference::Mode::Float64, &states[0]),
                             {reference::Mode::Unfused, &states[1]}}) {
    Progress progress(mode == reference::Mode::Float64
                          ? "--check: the reference in float64"
                          : "--check: the unfused computation in f32, which "
                            "says what error is allowed");
    FailureOr<SmallVector<Tensor>> result = reference::interpret(
        function, inputs,
        {mode, args.threads, /*observer=*/nullptr, &progress.fraction});
    if (failed(result))
      return kBadInput;
    *state = std::move(*result);
  }
  for (auto [index, got] : llvm::enumerate(outputs)) {
    reference::Comparison comparison = reference::checkRule20(
        kinds[index], got, states[0][index], states[1][index]);
    matches &= comparison.passed;
    if (asJson)
      (*reportedOutputs[index].getAsObject())["reference"] =
          toJson(comparison, "reference");
    else
      printComparison(comparison, "the reference", index, got);
  }
  return kFine;
}

void Run::printSummary() const {
  for (auto [index, tensor] : llvm::enumerate(outputs)) {
    llvm::outs() << "output " << index << " (" << describeShape(tensor) << "):";
    constexpr int64_t shown = 8;
    int64_t count = tensor.getNumElements();
    for (int64_t n = 0; n < std::min(count, shown); ++n) {
      if (tensor.isFloat())
        llvm::outs() << llvm::format(" %.6g", tensor.getFloat(n));
      else
        llvm::outs() << " " << tensor.getInt(n);
    }
    llvm::outs() << (count > shown ? " ...\n" : "\n");
  }
}

//===----------------------------------------------------------------------===//
// Time and explanation
//===----------------------------------------------------------------------===//

FailureOr<Timing> Run::time(Executable &target) {
  Progress progress(
      ("--bench: " + Twine(runs) + " runs on " + target.getBackend()).str());
  Timing timing;
  timing.runs = runs;
  if (failed(target.launch()))
    return failure();
  std::vector<double> ms;
  for (unsigned n = 0; n < timing.runs; ++n) {
    auto begin = std::chrono::steady_clock::now();
    if (failed(target.launch()))
      return failure();
    std::chrono::duration<double, std::milli> elapsed =
        std::chrono::steady_clock::now() - begin;
    ms.push_back(elapsed.count());
    progress.fraction = (n + 1.0) / timing.runs;
  }
  llvm::sort(ms);
  timing.minMs = ms.front();
  timing.medianMs = ms[ms.size() / 2];
  return timing;
}

ExitCode Run::bench() {
  FailureOr<Timing> timing = time(*executable);
  if (failed(timing))
    return kBadInput;
  FailureOr<double> flops = countFlops(function, inputs);
  if (failed(flops))
    return kBadInput;
  int64_t bytes = executable->getTemporaryBytes();
  double gflops = *flops / timing->medianMs * 1e-6;
  json::Object result{{"runs", timing->runs},
                      {"min_ms", timing->minMs},
                      {"median_ms", timing->medianMs},
                      {"gflops", gflops},
                      {"temporary_bytes", bytes}};
  if (!asJson)
    llvm::outs()
        << llvm::format(
               "%s: min %.3f ms, median %.3f ms of %u runs, %.1f GFLOP/s, ",
               executable->getBackend().str().c_str(), timing->minMs,
               timing->medianMs, timing->runs, gflops)
        << bytes << " bytes of temporaries\n";

  // Standard attention in the same process, for the ratio.
  if (StringRef baseline = executable->getBaseline(); !baseline.empty()) {
    FailureOr<BackendOptions> options = getBackendOptions();
    if (failed(options))
      return kBadInput;
    options->name = baseline.str();
    options->schedule = {};
    options->explain = false;
    auto standard = createExecutable(function, *options);
    if (failed(standard) || failed((*standard)->bind(inputs)))
      return kBadInput;
    FailureOr<Timing> slower = time(**standard);
    if (failed(slower))
      return kBadInput;
    double ratio = slower->medianMs / timing->medianMs;
    int64_t standardBytes = (*standard)->getTemporaryBytes();
    result["standard"] = json::Object{{"min_ms", slower->minMs},
                                      {"median_ms", slower->medianMs},
                                      {"temporary_bytes", standardBytes}};
    result["speedup"] = ratio;
    if (!asJson)
      llvm::outs() << llvm::format("%s: min %.3f ms, median %.3f ms, ",
                                   baseline.str().c_str(), slower->minMs,
                                   slower->medianMs)
                   << standardBytes << " bytes of temporaries; "
                   << llvm::format("%.2f times the time\n", ratio);
  }
  report["bench"] = std::move(result);
  return kFine;
}

/// Prints lines under a heading.
static void printSection(StringRef heading, StringRef text) {
  if (text.empty())
    return;
  llvm::outs() << heading << "\n";
  SmallVector<StringRef> lines;
  text.rtrim().split(lines, '\n');
  for (StringRef line : lines)
    llvm::outs() << "  " << line << "\n";
}

static void printSection(StringRef heading, const json::Array *texts) {
  std::string all;
  for (const json::Value &text : texts ? *texts : json::Array())
    all += text.getAsString().value_or("").rtrim().str() + "\n";
  printSection(heading, all);
}

/// The tiles of every version that a launch may take.
FailureOr<std::string> Run::drawVersions(const json::Object &description) {
  std::string text;
  SmallVector<std::pair<int64_t, int64_t>> drawn;
  const json::Array *versions = description.getArray("tiles");
  for (const json::Value &version : versions ? *versions : json::Array()) {
    const json::Array &sizes = *version.getAsArray();
    std::pair<int64_t, int64_t> tile(sizes[0].getAsInteger().value_or(0),
                                     sizes[1].getAsInteger().value_or(0));
    if (!tile.first || !tile.second || llvm::is_contained(drawn, tile))
      continue;
    drawn.push_back(tile);
    FailureOr<std::string> picture =
        drawTiles(function, inputs, tile.first, tile.second);
    if (failed(picture))
      return failure();
    text += *picture;
  }
  return text;
}

/// What was chosen, which tiles that visits, what it costs: in this order.
ExitCode Run::explain() {
  json::Object description = executable->describe();
  if (description.empty()) {
    llvm::outs() << executable->getBackend()
                 << ": interpreted as semantics.md defines it; no pass ran\n";
    return kFine;
  }
  auto number = [](const json::Object &object, StringRef name) {
    return object.getInteger(name).value_or(0);
  };
  llvm::outs() << "backend: " << executable->getBackend() << ", compiled for "
               << description.getString("chip").value_or("") << "\n";
  printSection("chosen:", description.getArray("choices"));
  printSection("key tiles, in closed form:", description.getArray("ranges"));
  FailureOr<std::string> pictures = drawVersions(description);
  if (failed(pictures))
    return kBadInput;
  printSection("key tiles, with these sizes:", *pictures);
  llvm::outs() << "memory:\n";
  if (const json::Object *memory = description.getObject("memory"))
    llvm::outs() << "  " << number(*memory, "fused_bytes")
                 << " bytes between the kernels; standard attention stores "
                 << number(*memory, "standard_bytes") << " bytes of scores\n";
  if (int64_t bytes = number(description, "copied_bytes"))
    llvm::outs() << "  " << bytes
                 << " bytes of dense copies, made for each launch: types, "
                    "strides or alignment are not what the code takes\n";
  if (int64_t bytes = number(description, "tile_bytes"))
    llvm::outs() << "  " << bytes << " bytes of tiles a thread\n";
  llvm::outs() << "  " << number(description, "code_bytes")
               << " bytes of code, an artifact of "
               << number(description, "artifact_bytes") << "\n";
  llvm::outs() << llvm::format("compiled in %.1f ms:\n",
                               description.getNumber("compile_ms").value_or(0));
  if (const json::Array *phases = description.getArray("phases"))
    for (const json::Value &phase : *phases)
      llvm::outs() << llvm::format(
                          "%11.3f ms  ",
                          phase.getAsObject()->getNumber("ms").value_or(0))
                   << phase.getAsObject()->getString("name").value_or("")
                   << "\n";
  return kFine;
}

//===----------------------------------------------------------------------===//
// The whole run
//===----------------------------------------------------------------------===//

/// As the command line has them, for these inputs.
FailureOr<BackendOptions> Run::getBackendOptions() {
  FailureOr<ScheduleAttr> schedule = readSchedule(args.schedule, &context);
  if (failed(schedule))
    return failure();
  BackendOptions options;
  options.name = args.backend;
  args.device.apply(options);
  options.threads = args.threads;
  options.tileM = args.tileM;
  options.tileN = args.tileN;
  options.chip = args.chip;
  options.schedule = *schedule;
  for (const Tensor &input : inputs)
    options.shapes.emplace_back(input.shape.begin(), input.shape.end());
  options.explain = args.explain || asJson;
  options.strideSeed = args.strides;
  return options;
}

ExitCode Run::launch(const BackendOptions &options) {
  {
    Progress progress("compiling");
    auto created = createExecutable(function, options);
    if (failed(created))
      return kBadInput;
    executable = std::move(*created);
  }
  Progress progress(("running on " + executable->getBackend()).str());
  return failed(executable->bind(inputs)) || failed(executable->launch())
             ? kBadInput
             : kFine;
}

ExitCode Run::execute() {
  if (ExitCode code = checkOptions())
    return code;
  if (ExitCode code = load())
    return code;
  if (ExitCode code = makeInputs())
    return code;

  FailureOr<BackendOptions> options = getBackendOptions();
  if (failed(options))
    return kBadInput;
  if (args.autotune) {
    FailureOr<TuneResult> tuned = args.tune.run(function, inputs, *options);
    if (failed(tuned))
      return kBadInput;
    options->schedule = tuned->chosen;
    report["autotune"] = tuned->toJSON();
  }
  if (ExitCode code = launch(*options))
    return code;
  FailureOr<SmallVector<Tensor>> results = executable->getOutputs();
  if (failed(results))
    return kBadInput;
  outputs = std::move(*results);
  for (const Tensor &tensor : outputs)
    reportedOutputs.push_back(json::Object{{"type", describeShape(tensor)}});
  if (ExitCode code = writeOutputs())
    return code;

  bool matches = true;
  if (args.explain && !asJson)
    if (ExitCode code = explain())
      return code;
  if (ExitCode code = compareExpected(matches))
    return code;
  if (!args.check.empty())
    if (ExitCode code = compareReference(matches))
      return code;
  if (args.bench.getNumOccurrences())
    if (ExitCode code = bench())
      return code;

  if (asJson) {
    report["entry"] = function.getName();
    report["backend"] = executable->getBackend();
    report["outputs"] = std::move(reportedOutputs);
    report["passed"] = matches;
    if (json::Object description = executable->describe(); !description.empty())
      report["compile"] = std::move(description);
    llvm::outs() << llvm::formatv("{0:2}", json::Value(std::move(report)))
                 << "\n";
  } else if (args.outputs.empty() && args.expect.empty() &&
             args.check.empty() && !args.bench.getNumOccurrences() &&
             !args.explain) {
    printSummary();
  }
  return matches ? kFine : kMismatch;
}

int main(int argc, char **argv) {
  setVersionPrinter();
  dropRegisteredOptions();
  registerAllTargets();
  addListTargetsOption();
  Arguments args;
  // With a stream of its own a bad command line returns instead of exiting 1.
  cl::extrahelp examples(kExamples);
  if (!cl::ParseCommandLineOptions(argc, argv, kOverview, &llvm::errs()))
    return kBadInput;
  return Run(args).execute();
}
