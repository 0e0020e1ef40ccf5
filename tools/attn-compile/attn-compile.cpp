//===- attn-compile.cpp - Compile attention ahead of time -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiles a function of an MLIR file to an artifact (docs/artifact.md), which
// programs run through runtime/include/attn_runtime.h without a compiler.
//
// Exit codes: 0 fine, 2 bad input. No partial file is left.
//
//===----------------------------------------------------------------------===//

#include "attn/AheadOfTime/Config.h"
#include "attn/AheadOfTime/Inspect.h"
#include "attn/AheadOfTime/Package.h"
#include "attn/AheadOfTime/Packed.h"
#include "attn/AheadOfTime/Variants.h"
#include "attn/Execution/Backend.h"
#include "attn/Execution/CommandLine.h"
#include "attn/Execution/RandomInputs.h"
#include "attn/InitAll.h"
#include "attn/Support/Nesting.h"
#include "attn/Support/ToolOptions.h"
#include "attn/Target/Compile.h"
#include "attn/Target/Passes.h"
#include "attn/Target/Target.h"
#include "attn/Version.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"

#include <chrono>

using namespace mlir;
using namespace attn;
namespace cl = llvm::cl;
namespace json = llvm::json;

namespace {

enum ExitCode { kFine = 0, kBadInput = 2 };

/// The command line.
struct Arguments {
  cl::OptionCategory category{"attn-compile options"};
  cl::opt<std::string> file{cl::Positional, cl::desc("<input.mlir>"),
                            cl::cat(category)};
  cl::opt<std::string> output{
      "o",
      cl::desc("The artifact to write; or a folder (OUT/): a "
               "library, a header and an example for C"),
      cl::value_desc("file.attn"), cl::cat(category)};
  cl::opt<std::string> config{
      "config",
      cl::desc("Compile what this describes, in place of MLIR; with "
               "-o F.mlir, write it as MLIR"),
      cl::value_desc("attention.json"), cl::cat(category)};
  cl::opt<std::string> inspected{
      "inspect", cl::desc("Print what an artifact holds, and do nothing else"),
      cl::value_desc("file.attn"), cl::cat(category)};
  cl::opt<std::string> entry{
      "entry", cl::desc("Function to compile (default: the only one)"),
      cl::cat(category)};
  cl::opt<std::string> target{
      "target",
      cl::desc("What to compile for (default: the first of --list-targets); "
               "several with their chips, or TARGET:all, make one artifact, of "
               "which the "
               "runtime takes what runs: --target=TARGET:CHIP,TARGET:CHIP"),
      cl::cat(category)};
  cl::opt<std::string> schedule{
      "schedule",
      cl::desc("A file with an #attn.schedule for ops that have none"),
      cl::value_desc("file.mlir"), cl::cat(category)};
  cl::opt<std::string> autotune{
      "autotune",
      cl::desc("Measure schedules here with random inputs of these sizes, as "
               "attn-run --random takes them; the fastest goes into the "
               "artifact"),
      cl::value_desc("sizes"), cl::cat(category)};
  execution::TuneArguments tune{category};
  cl::opt<std::string> chip{
      "chip",
      cl::desc("One of the target's chips (default: what the file "
               "says, else the target's)"),
      cl::cat(category)};
  cl::opt<int64_t> tileM{"tile-m", cl::desc("Queries a tile (0: chosen)"),
                         cl::cat(category)};
  cl::opt<int64_t> tileN{"tile-n", cl::desc("Keys a tile (0: chosen)"),
                         cl::cat(category)};
  cl::opt<std::string> ptxas{
      "ptxas",
      cl::desc("Assemble PTX with this program, so that no device has to when "
               "it loads the artifact"),
      cl::value_desc("program"), cl::cat(category)};
  cl::list<std::string> holes{
      "region-holes",
      cl::CommaSeparated,
      cl::ValueOptional,
      cl::desc("End scores and masks with functions that are written when the "
               "artifact is loaded (docs/holes.md), for targets whose code is "
               "text; names, in order, of the captures that they see"),
      cl::value_desc("name,name"),
      cl::cat(category)};
  cl::opt<bool> verifies{
      "verify-passes", cl::init(true),
      cl::desc("Verify the IR after each pass (default; off only to measure "
               "what it takes)"),
      cl::cat(category)};
  cl::opt<std::string> emit{
      "emit", cl::init("artifact"),
      cl::desc("'artifact', or 'mlir': write what its code is made of"),
      cl::cat(category)};
  cl::opt<std::string> report{
      "report",
      cl::desc("'json': print what was chosen and how long the phases took"),
      cl::cat(category)};
};

} // namespace

static constexpr llvm::StringLiteral kExamples = R"(
EXAMPLES:

  attn-compile causal.mlir -o causal.attn
      an artifact for this machine, which the runtime loads (runtime/README.md)
  attn-compile causal.mlir -o out/
      a library for C and C++ with a header, and a program that calls it
  attn-compile causal.mlir --target=cpu:x86-64-v4,cpu:x86-64-v3,cuda:sm_90a -o out/
      the same with code for three chips; the machine decides which one runs
  attn-compile --config=attention.json -o out/
      no MLIR: {"heads": 32, "key_heads": 8, "head_size": 128, "type": "bf16",
      "causal": true, "kv_len": true, "layout": "bshd"}
  attn-compile --config=attention.json -o attention.mlir
      what that is as MLIR, to change it
  attn-compile causal.mlir --autotune=B=1,Sq=2048,Skv=2048 -o causal.attn
      the schedule that is fastest on this machine for these sizes
  attn-compile plain.mlir --target=wgsl --region-holes -o live.attn
      a score and a mask that are written when the artifact is loaded
  attn-compile --inspect=causal.attn
      chips, launches, checks and sizes of an artifact
  attn-compile causal.mlir --chip=x86-64-v3 --report=json -o causal.attn
      what was chosen, why, and how long it took
)";

/// One message, then exit code 2.
static ExitCode fail(const Twine &message) {
  llvm::errs() << "attn-compile: error: " << message << "\n";
  return kBadInput;
}

/// What was chosen, and the phases, as JSON; the text of the file was parsed in
/// `parseMs`.
static void printReport(const CompileReport &report, double parseMs,
                        size_t bytes) {
  json::Array phases{json::Object{{"name", "parse"}, {"ms", parseMs}}};
  for (const auto &[name, ms] : report.phases)
    phases.push_back(json::Object{{"name", name}, {"ms", ms}});
  json::Object object{{"chip", report.chip},
                      {"artifact_bytes", static_cast<int64_t>(bytes)},
                      {"choices", json::Array(report.choices)},
                      {"ranges", json::Array(report.ranges)},
                      {"phases", std::move(phases)}};
  if (report.schedule) {
    std::string schedule;
    llvm::raw_string_ostream(schedule) << report.schedule;
    object["schedule"] = schedule;
  }
  llvm::outs() << llvm::formatv("{0:2}\n", json::Value(std::move(object)));
}

/// Folders are written with a slash, or are there.
static bool isFolder(StringRef path) {
  return path.ends_with("/") || llvm::sys::fs::is_directory(path);
}

/// All functions of a module, or the one that was named, as a library for C.
static ExitCode compilePackage(ModuleOp module, const Arguments &args,
                               CompileOptions options) {
  std::vector<PackagedFunction> functions;
  for (auto function : module.getOps<func::FuncOp>()) {
    if (function.isExternal() || function.isPrivate() ||
        (!args.entry.empty() && function.getName() != args.entry))
      continue;
    options.entry = function.getName().str();
    FailureOr<std::string> artifact =
        compileVariants(module, options.target, options);
    if (failed(artifact))
      return kBadInput;
    functions.push_back({std::move(*artifact)});
  }
  if (functions.empty())
    return fail(args.file + args.config + ": there is no function to compile" +
                (args.entry.empty() ? "" : " called '" + args.entry + "'"));
  StringRef name =
      llvm::sys::path::stem(args.config.empty() ? args.file : args.config);
  if (llvm::Error failed = writePackage(args.output, name, functions))
    return fail(llvm::toString(std::move(failed)));
  return kFine;
}

/// The MLIR to compile, or nothing after a message: of a file, or written from
/// a configuration.
static std::unique_ptr<llvm::MemoryBuffer> readInput(const Arguments &args) {
  std::string path = args.config.empty() ? args.file : args.config;
  std::string error;
  std::unique_ptr<llvm::MemoryBuffer> buffer = openInputFile(path, &error);
  if (!buffer) {
    fail(error);
    return nullptr;
  }
  if (args.config.empty())
    return buffer;
  llvm::Expected<std::string> text = configToMLIR(buffer->getBuffer());
  if (text)
    return llvm::MemoryBuffer::getMemBufferCopy(*text, path + " as MLIR");
  fail(path + ": " + llvm::toString(text.takeError()));
  return nullptr;
}

static ExitCode writeFile(StringRef path, StringRef content) {
  std::string problem = execution::writeWholeFile(path, content);
  return problem.empty() ? kFine : fail(problem);
}

/// The lowered module as text.
static FailureOr<std::string> printLowered(ModuleOp module,
                                           const CompileOptions &options) {
  FailureOr<OwningOpRef<ModuleOp>> lowered = lowerForTarget(module, options);
  if (failed(lowered))
    return failure();
  std::string text;
  llvm::raw_string_ostream(text) << **lowered << "\n";
  return text;
}

/// Whether the options that choose schedules go together; a message if not.
static ExitCode checkTuning(const Arguments &args) {
  bool tunes = args.autotune.getNumOccurrences();
  std::string problem =
      args.tune.explainMisuse(tunes, {{"schedule", !args.schedule.empty()},
                                      {"tile-m", args.tileM != 0},
                                      {"tile-n", args.tileN != 0}});
  if (!problem.empty())
    return fail(problem);
  if (tunes && (isFolder(args.output) || StringRef(args.target).contains(',')))
    return fail("--autotune measures one artifact: name a file with -o and one "
                "target");
  return kFine;
}

/// Whether one of these targets prints such text.
static bool anyPrints(ArrayRef<TargetName> names, StringRef format) {
  return llvm::any_of(names, [&](const TargetName &name) {
    std::string error;
    const Target *target = findTarget(name.target, error);
    return target && target->getTextFormat() == format;
  });
}

/// Whether --target, and what is for some of its targets, make sense; a message
/// if not.
static ExitCode checkTargets(const Arguments &args) {
  if (args.ptxas.getNumOccurrences() && args.ptxas.empty())
    return fail("--ptxas names no program");
  if (args.target.empty())
    return kFine;
  auto names = splitTargets(args.target);
  if (!names)
    return fail(llvm::toString(names.takeError()));
  if (!args.ptxas.empty() && !anyPrints(*names, "ptx"))
    return fail("--ptxas assembles PTX, and --target=" + args.target +
                " has none");
  for (const TargetName &name : *names)
    if (!name.chip.empty() && !args.chip.empty())
      return fail("--chip=" + args.chip + " and --target=" + args.target +
                  " both name chips");
  return kFine;
}

/// The function that `options` compile, on random inputs of the given sizes:
/// the schedule that is fastest, or null if the target's own choice is.
static FailureOr<ScheduleAttr> tune(ModuleOp module, const Arguments &args,
                                    const CompileOptions &options) {
  auto reject = [&](const Twine &message) {
    return emitError(UnknownLoc::get(module.getContext()),
                     "--autotune: " + message);
  };
  SmallVector<func::FuncOp> functions;
  for (auto function : module.getOps<func::FuncOp>())
    if (!function.isExternal() &&
        (options.entry.empty() || function.getName() == options.entry))
      functions.push_back(function);
  if (functions.size() != 1)
    return reject("measures one function; name it with --entry");
  execution::Signature signature(functions.front());
  std::string problem = execution::setSizes(signature, args.autotune);
  if (!problem.empty())
    return reject(problem);
  auto inputs = execution::makeRandomInputs(functions.front(), signature,
                                            /*seed=*/0);
  if (failed(inputs))
    return failure();
  execution::BackendOptions backend;
  auto names = splitTargets(options.target);
  if (!names)
    return reject(llvm::toString(names.takeError()));
  auto [target, chip] = names->front();
  backend.name = target.str();
  backend.chip = chip.empty() ? options.chip : chip.str();
  for (const execution::Tensor &input : *inputs)
    backend.shapes.emplace_back(input.shape.begin(), input.shape.end());
  auto result = args.tune.run(functions.front(), *inputs, backend);
  if (failed(result))
    return failure();
  return result->chosen;
}

/// Scores and masks end with holes.
static LogicalResult addHoles(ModuleOp module, ArrayRef<std::string> names) {
  AddHolesOptions options;
  for (const std::string &name : names)
    if (!name.empty())
      options.names.push_back(name);
  PassManager pm(module.getContext());
  pm.addPass(createAddHoles(options));
  return pm.run(module);
}

static std::string getDefaultChip(StringRef target) {
  std::string error;
  const Target *known = findTarget(target, error);
  return known ? known->getDefaultChip() : "";
}

static ExitCode compile(const Arguments &args) {
  if (ExitCode code = checkTuning(args))
    return code;
  if (args.emit != "artifact" && args.emit != "mlir")
    return fail("--emit=" + args.emit + ": there are 'artifact' and 'mlir'");
  if (args.emit == "mlir" && !args.report.empty())
    return fail("--report is about artifacts, not about --emit=mlir");
  if (!args.report.empty() && args.report != "json")
    return fail("--report=" + args.report + ": the only format is 'json'");
  if (args.emit == "mlir" && isFolder(args.output))
    return fail("--emit=mlir writes one file: name it with -o");
  if (ExitCode code = checkTargets(args))
    return code;
  if (args.holes.size() > 1 && llvm::is_contained(args.holes, ""))
    return fail("--region-holes: a name is empty");
  DialectRegistry registry;
  execution::registerDialects(registry);
  MLIRContext context(registry);
  context.printOpOnDiagnostic(false);
  llvm::SourceMgr sources;
  SourceMgrDiagnosticHandler diagnostics(sources, &context);
  execution::ToolDiagnostics toolDiagnostics(&context, "attn-compile");

  std::unique_ptr<llvm::MemoryBuffer> buffer = readInput(args);
  if (!buffer)
    return kBadInput;
  if (StringRef(args.output).ends_with(".mlir") && !args.config.empty())
    return writeFile(args.output, buffer->getBuffer());
  sources.AddNewSourceBuffer(std::move(buffer), llvm::SMLoc());
  auto begin = std::chrono::steady_clock::now();
  auto module = parseModule(sources, &context);
  std::chrono::duration<double, std::milli> parsing =
      std::chrono::steady_clock::now() - begin;
  if (!module)
    return kBadInput;

  if (isFolder(args.output) && !args.report.empty())
    return fail("--report=json speaks of one artifact: name a file with -o");
  CompileOptions options;
  options.entry = args.entry;
  options.target = args.target;
  if (options.target.empty())
    options.target = getTargets().front()->getName().str();
  options.chip = args.chip;
  options.tileM = args.tileM;
  options.tileN = args.tileN;
  options.verifies = args.verifies;
  options.assembler = args.ptxas;
  FailureOr<ScheduleAttr> schedule =
      execution::readSchedule(args.schedule, &context);
  if (failed(schedule))
    return kBadInput;
  options.schedule = *schedule;
  if (args.autotune.getNumOccurrences()) {
    FailureOr<ScheduleAttr> tuned = tune(*module, args, options);
    if (failed(tuned))
      return kBadInput;
    options.schedule = *tuned;
    // It was measured on one: the default, unless the module names another.
    if (options.chip.empty() && !tile::TargetAttr::lookup(*module) &&
        !StringRef(options.target).contains(':'))
      options.chip = getDefaultChip(options.target);
  }
  if (args.holes.getNumOccurrences() && failed(addHoles(*module, args.holes)))
    return kBadInput;
  if (isFolder(args.output))
    return compilePackage(*module, args, options);

  std::vector<CompileReport> reports;
  FailureOr<std::string> artifact =
      args.emit == "mlir"
          ? printLowered(*module, options)
          : compileVariants(*module, options.target, options,
                            args.report.empty() ? nullptr : &reports);
  if (failed(artifact))
    return kBadInput;
  if (args.emit == "artifact")
    *artifact = packForBrowsers(std::move(*artifact));

  if (ExitCode code = writeFile(args.output, *artifact))
    return code;
  for (const CompileReport &report : reports)
    printReport(report, parsing.count(), artifact->size());
  return kFine;
}

static ExitCode inspectFile(StringRef path) {
  std::string error;
  std::unique_ptr<llvm::MemoryBuffer> buffer = openInputFile(path, &error);
  if (!buffer)
    return fail(error);
  llvm::Expected<std::string> artifact = unpackArtifact(buffer->getBuffer());
  llvm::Error failed =
      artifact ? inspect(*artifact, llvm::outs()) : artifact.takeError();
  if (failed)
    return fail(path + ": " + llvm::toString(std::move(failed)));
  return kFine;
}

int main(int argc, char **argv) {
  setVersionPrinter();
  dropRegisteredOptions();
  registerAllTargets();
  addListTargetsOption();
  Arguments args;
  cl::extrahelp examples(kExamples);
  if (!cl::ParseCommandLineOptions(argc, argv, "Compiles attention\n",
                                   &llvm::errs()))
    return kBadInput;
  if (!args.inspected.empty()) {
    if (!args.file.empty() || !args.config.empty() || !args.output.empty())
      return fail("--inspect does nothing else: leave out the input and -o");
    return inspectFile(args.inspected);
  }
  if (args.file.empty() == args.config.empty() || args.output.empty())
    return fail("expected one input, a file or --config, and -o (see --help)");
  return compile(args);
}
