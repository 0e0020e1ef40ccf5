//===- Compile.cpp - From MLIR to an artifact -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs the pipelines on a copy of the module, writes the plan, generates code
// and packs both.
//
//===----------------------------------------------------------------------===//

#include "attn/Target/Compile.h"
#include "attn/Analysis/MaskAnalysis.h"
#include "attn/Conversion/Passes.h"
#include "attn/Dialect/Attn/Attn.h"
#include "attn/Dialect/Tile/Tile.h"
#include "attn/Pipelines/Pipelines.h"
#include "attn/Target/CPU.h"
#include "attn/Target/CUDA.h"
#include "attn/Target/Plan.h"
#include "attn/Target/WGSL.h"
#include "attn/Transforms/Passes.h"
#include "attn/runtime/Artifact.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/FormatVariadic.h"

#include <chrono>
#include <mutex>

using namespace mlir;
using namespace attn;
namespace json = llvm::json;

namespace {

using Clock = std::chrono::steady_clock;

double millisecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin)
      .count();
}

/// Reports the time since the last event under a name.
class PhaseTimer {
public:
  explicit PhaseTimer(CompileReport &report) : report(report) {}
  void operator()(StringRef name) {
    report.phases.emplace_back(name.str(), millisecondsSince(last));
    restart();
  }
  void restart() { last = Clock::now(); }

  CompileReport &report;

private:
  Clock::time_point last = Clock::now();
};

/// Reports the time of every pass. Those on functions may run on several
/// threads at once: their times are added up, one entry a pass.
class PassTimer : public PassInstrumentation {
public:
  explicit PassTimer(PhaseTimer &timer) : timer(timer) {}

  void runBeforePass(Pass *pass, Operation *) override {
    std::lock_guard<std::mutex> lock(mutex);
    begun[pass] = Clock::now();
    if (isAdaptor(pass))
      group = timer.report.phases.size();
  }
  void runAfterPass(Pass *pass, Operation *op) override {
    std::lock_guard<std::mutex> lock(mutex);
    if (!isAdaptor(pass))
      add(pass->getArgument(), millisecondsSince(begun[pass]),
          isa<ModuleOp>(op) ? timer.report.phases.size() : group);
    timer.restart();
  }

private:
  /// What runs passes on functions; they are reported, it is not.
  static bool isAdaptor(Pass *pass) { return pass->getArgument().empty(); }

  void add(StringRef name, double ms, size_t first) {
    auto &phases = timer.report.phases;
    auto it = std::find_if(phases.begin() + first, phases.end(),
                           [&](auto &phase) { return phase.first == name; });
    if (it == phases.end())
      phases.emplace_back(name.str(), ms);
    else
      it->second += ms;
  }

  PhaseTimer &timer;
  std::mutex mutex;
  DenseMap<Pass *, Clock::time_point> begun;
  /// Where the entries of the passes on functions start.
  size_t group = 0;
};

} // namespace

/// An error in what was asked for, not in a file.
static InFlightDiagnostic emitOptionError(ModuleOp module) {
  return emitError(UnknownLoc::get(module.getContext()));
}

/// Says which tiles cpu-schedule chose, why, and where they live.
static void explainChoices(const CompileOptions &options, const CPUTarget &cpu,
                           ArrayRef<ScheduleAttr> schedules,
                           CompileReport &report) {
  auto add = [&](auto &&text) { report.choices.push_back(text.str()); };
  auto kib = [](int64_t bytes) { return (bytes + 1023) / 1024; };
  add(llvm::formatv("target {0}: {1}-bit vectors, {2} vector registers, {3} "
                    "KiB of L1 and {4} KiB of L2 a core",
                    cpu.chip, cpu.vectorBits, cpu.registers, kib(cpu.l1Bytes),
                    kib(cpu.l2Bytes)));
  for (ScheduleAttr schedule : schedules) {
    int64_t rows = schedule.getTileM(), keys = schedule.getTileN();
    if (schedule.getWorkers())
      add(llvm::formatv("where the queries of the heads that share a key head "
                        "are at most {0}: one tile of them all, keys split so "
                        "that {1} workers have parts",
                        rows, schedule.getWorkers()));
    add(llvm::formatv("{0} queries a tile{1}: queries lie on the lanes, {2} "
                      "vectors of them",
                      rows, options.tileM ? " (given)" : "",
                      rows / (cpu.vectorBits / 32)));
    add(llvm::formatv("{0} keys a tile{1}: the score tile takes {2} KiB", keys,
                      options.tileN ? " (given)" : "",
                      kib(rows * keys * sizeof(float))));
  }
  add(llvm::formatv(
      "{0} KiB of tile buffers on the stack of a thread: "
      "{1} of its L2",
      kib(report.tileBytes),
      llvm::formatv("{0:P0}", double(report.tileBytes) / cpu.l2Bytes)));
  if (options.target == "cpu")
    report.choices.push_back("online softmax fused: scores are never stored");
  else
    report.choices.push_back("standard attention: scores go through memory");
}

/// The schedules of the attention ops of `module`, of each op the general one
/// last; their ranges, if there is someone to read them.
static SmallVector<ScheduleAttr> readSchedules(ModuleOp module,
                                               CompileReport *report) {
  // What there is to say is said when the ops are tiled.
  ScopedDiagnosticHandler silent(module.getContext(),
                                 [](Diagnostic &) { return success(); });
  SmallVector<ScheduleAttr> schedules;
  module.walk([&](AttentionOp op) {
    auto schedule =
        op->getAttrOfType<ScheduleAttr>(ScheduleAttr::attributeName);
    schedules.push_back(schedule);
    if (!report)
      return;
    FailureOr<MaskAnalysis> mask =
        MaskAnalysis::compute(op, schedule.getTileM(), schedule.getTileN());
    if (failed(mask))
      return;
    std::string text;
    llvm::raw_string_ostream os(text);
    mask->print(os);
    report->ranges.push_back(text);
  });
  return schedules;
}

static FailureOr<func::FuncOp> findEntry(ModuleOp module, StringRef name) {
  SmallVector<func::FuncOp> functions;
  for (auto function : module.getOps<func::FuncOp>())
    if (!function.isExternal())
      functions.push_back(function);
  if (name.empty()) {
    if (functions.size() == 1)
      return functions.front();
    return module.emitError("has ")
           << functions.size() << " functions; name one with --entry";
  }
  for (func::FuncOp function : functions)
    if (function.getName() == name)
      return function;
  std::string known;
  for (func::FuncOp function : functions)
    known += (known.empty() ? "" : ", ") + function.getName().str();
  return module.emitError("has no function '")
         << name << "'; it has: " << (known.empty() ? "none" : known);
}

/// A copy with one function: the others may be for other targets.
static OwningOpRef<ModuleOp> copyWith(ModuleOp source, StringRef entry) {
  OwningOpRef<ModuleOp> module(source.clone());
  for (auto function :
       llvm::make_early_inc_range(module->getOps<func::FuncOp>()))
    if (function.getName() != entry)
      function.erase();
  return module;
}

static FailureOr<std::string> compileForCUDA(ModuleOp source,
                                             const CompileOptions &options,
                                             bool explains,
                                             CompileReport &report) {
  FailureOr<func::FuncOp> entry = findEntry(source, options.entry);
  if (failed(entry))
    return failure();
  report.chip = options.chip == "host" ? "sm_90a" : options.chip;
  const CUDAChip *chip = findCUDAChip(report.chip);
  if (!chip) {
    auto names = llvm::map_range(
        getCUDAChips(), [](const CUDAChip &known) { return known.name; });
    return emitOptionError(source)
           << "unknown chip '" << report.chip
           << "' for the target cuda; known: " << llvm::join(names, ", ");
  }
  PhaseTimer timer(report);
  CUDAReport chosen;
  OwningOpRef<ModuleOp> module = copyWith(source, entry->getName());
  FailureOr<std::string> bytes = compileCUDAArtifact(
      *module, module->lookupSymbol<func::FuncOp>(entry->getName()), *chip,
      {options.tileM, options.tileN}, options.ptxas, options.verifies, timer,
      explains ? &chosen : nullptr);
  report.choices = std::move(chosen.choices);
  report.ranges = std::move(chosen.ranges);
  report.tileM = chosen.tileM;
  report.tileN = chosen.tileN;
  if (succeeded(bytes))
    report.codeBytes = bytes->size();
  return bytes;
}

static FailureOr<std::string> compileForWGSL(ModuleOp source,
                                             const CompileOptions &options,
                                             CompileReport &report) {
  FailureOr<func::FuncOp> entry = findEntry(source, options.entry);
  if (failed(entry))
    return failure();
  const WGSLChip *chip = options.chip == "host" ? &getWGSLChips().front()
                                                : findWGSLChip(options.chip);
  if (!chip) {
    auto names = llvm::map_range(
        getWGSLChips(), [](const WGSLChip &known) { return known.name; });
    return emitOptionError(source)
           << "unknown chip '" << options.chip
           << "' for the target wgsl; known: " << llvm::join(names, ", ");
  }
  report.chip = chip->name.str();
  PhaseTimer timer(report);
  OwningOpRef<ModuleOp> module = copyWith(source, entry->getName());
  FailureOr<std::string> bytes =
      compileWGSLArtifact(*module, entry->getName(), *chip, options.tileM,
                          options.tileN, options.verifies, timer);
  if (succeeded(bytes))
    report.codeBytes = bytes->size();
  return bytes;
}

FailureOr<std::string> attn::compileToArtifact(ModuleOp source,
                                               const CompileOptions &options,
                                               CompileReport *given) {
  CompileReport local;
  CompileReport &report = given ? *given : local;
  report = CompileReport();
  if (options.target == "cuda")
    return compileForCUDA(source, options, /*explains=*/given, report);
  if (options.target == "wgsl")
    return compileForWGSL(source, options, report);
  if (options.target != "cpu" && options.target != "cpu-standard")
    return emitOptionError(source) << "unknown target '" << options.target
                                   << "'; known: cpu, cpu-standard, cuda, wgsl";
  std::string error;
  std::optional<CPUTarget> cpu = CPUTarget::get(options.chip, error);
  if (!cpu)
    return emitOptionError(source) << error;
  // A description of the machine in the module goes before what was detected.
  cpu->refineFrom(source);
  report.chip = cpu->chip;
  report.vectorBits = cpu->vectorBits;

  FailureOr<func::FuncOp> chosen = findEntry(source, options.entry);
  if (failed(chosen))
    return failure();
  std::string entryName = chosen->getName().str();
  PhaseTimer timer(report);

  OwningOpRef<ModuleOp> module = copyWith(source, entryName);
  cpu->attachTo(*module);
  timer("copy");

  auto run = [&](function_ref<void(OpPassManager &)> build) {
    PassManager pm(source.getContext());
    pm.enableVerifier(options.verifies);
    build(pm);
    pm.addInstrumentation(std::make_unique<PassTimer>(timer));
    return pm.run(*module);
  };
  CPUPipelineOptions lower;
  lower.tileM = options.tileM;
  lower.tileN = options.tileN;
  lower.vectorBits = cpu->vectorBits;
  lower.registers = cpu->registers;
  lower.l1Bytes = cpu->l1Bytes;
  lower.l2Bytes = cpu->l2Bytes;
  SetArtifactOptions artifact = cpu->describe(/*pipeline=*/options.target);
  if (failed(run([&](OpPassManager &pm) {
        buildCPUSchedulePipeline(pm, lower);
        pm.addPass(createSetArtifact(artifact));
      })))
    return failure();
  SmallVector<ScheduleAttr> schedules = readSchedules(*module, given);
  if (!schedules.empty()) {
    report.tileM = schedules.back().getTileM();
    report.tileN = schedules.back().getTileN();
  }
  timer("mask report");
  if (failed(run([&](OpPassManager &pm) {
        pm.addNestedPass<func::FuncOp>(createExpandCopies());
        buildCPUTilePipeline(pm, lower, /*fuse=*/options.target == "cpu");
      })))
    return failure();

  if (failed(
          run([&](OpPassManager &pm) { buildCPUKernelPipeline(pm, lower); })))
    return failure();
  auto entry = module->lookupSymbol<func::FuncOp>(entryName);
  FailureOr<json::Object> plan = buildPlan(entry);
  if (failed(plan))
    return failure();
  entry.erase();
  for (auto kernel : module->getOps<func::FuncOp>())
    report.tileBytes =
        std::max(report.tileBytes,
                 tile::LaunchInfoAttr::of(kernel).getStack() - kCPUFrameBytes);
  timer("plan");
  FailureOr<std::string> code =
      compileCPUKernels(*module, *cpu, options.verifies, timer);
  if (failed(code))
    return failure();
  report.codeBytes = code->size();
  explainChoices(options, *cpu, schedules, report);

  runtime::ArtifactWriter writer(
      llvm::formatv("{0}", json::Value(std::move(*plan))).str());
  if (!writer.addCode("cpu", *code, error))
    return source.emitError(error);
  timer("pack");
  return writer.toBytes();
}
