//===- Compile.cpp - From MLIR to an artifact -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs the pipeline of a target on a copy of the module, reports what was
// chosen and packs what it made.
//
//===----------------------------------------------------------------------===//

#include "Cache.h"
#include "Postpone.h"

#include "attn/Dialect/Attn/Attn.h"
#include "attn/Dialect/Attn/Hole.h"
#include "attn/Dialect/Tile/Tile.h"
#include "attn/Support/Places.h"
#include "attn/Target/Compile.h"
#include "attn/Target/PackArtifact.h"
#include "attn/Target/Target.h"
#include "attn/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "mlir/Pass/PassManager.h"

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

/// Reads the schedules when they are complete: before ops are tiled.
class ScheduleReporter : public PassInstrumentation {
public:
  ScheduleReporter(const Target &target, const TargetOptions &options,
                   CompileReport &report)
      : target(target), options(options), report(report) {}

  void runBeforePass(Pass *pass, Operation *op) override {
    if (isa_and_nonnull<func::FuncOp>(op) &&
        pass->getTypeID() == tileAttention->getTypeID())
      op->walk([&](AttentionOp attention) { add(attention); });
  }

  /// What the pass was asked to say of masks.
  void runAfterPass(Pass *pass, Operation *op) override {
    if (pass->getTypeID() != tileAttention->getTypeID())
      return;
    op->walk([&](scf::ForallOp grid) {
      auto text = grid->getAttrOfType<StringAttr>(kMaskTilesAttrName);
      if (!text)
        return;
      std::lock_guard<std::mutex> lock(mutex);
      report.ranges.push_back(text.str());
    });
  }

private:
  /// Of the versions of an op the general one is the last.
  void add(AttentionOp op) {
    auto schedule =
        op->getAttrOfType<ScheduleAttr>(ScheduleAttr::attributeName);
    if (!schedule)
      return;
    std::lock_guard<std::mutex> lock(mutex);
    report.schedule = schedule;
    report.tileM = schedule.getTileM();
    report.tileN = schedule.getTileN();
    report.tiles.emplace_back(report.tileM, report.tileN);
    if (options.choices)
      explain(op);
  }

  void explain(AttentionOp op) {
    size_t before = report.choices.size();
    target.explainSchedule(op, tile::TargetAttr::lookup(op), options,
                           report.choices);
    auto reason = op->getAttrOfType<StringAttr>(kScheduleReasonAttrName);
    if (reason && report.choices.size() > before)
      report.choices.back() += ("; " + reason.getValue()).str();
  }

  std::unique_ptr<Pass> tileAttention = createTileAttention();
  const Target &target;
  const TargetOptions &options;
  CompileReport &report;
  std::mutex mutex;
};

} // namespace

static FailureOr<func::FuncOp> findEntry(ModuleOp module, StringRef name) {
  SmallVector<func::FuncOp> functions;
  for (auto function : module.getOps<func::FuncOp>())
    if (!function.isExternal())
      functions.push_back(function);
  if (functions.empty())
    return emitError(getPlace(module), "the module has no function to compile");
  if (name.empty()) {
    if (functions.size() == 1 && functions.front().getName().empty())
      return emitError(getPlace(functions.front()),
                       "a function without a name has no artifact");
    if (functions.size() == 1)
      return functions.front();
    return emitError(getPlace(module), "the module has ")
           << functions.size() << " functions; name one with --entry";
  }
  for (func::FuncOp function : functions)
    if (function.getName() == name)
      return function;
  std::string known;
  for (func::FuncOp function : functions)
    known += (known.empty() ? "" : ", ") + function.getName().str();
  return emitError(getPlace(module), "the module has no function '")
         << name << "'; it has: " << (known.empty() ? "none" : known);
}

/// The description of an artifact lists the launches of one function.
static LogicalResult checkHost(func::FuncOp entry) {
  if (!entry.getBody().hasOneBlock())
    return emitError(getPlace(entry), "'")
           << entry.getName() << "' has " << entry.getBody().getBlocks().size()
           << " blocks, but the host program of an artifact has one; scf.if "
              "and scf.for can be part of it";
  auto calls = entry.walk([](Operation *op) {
    if (!isa<CallOpInterface>(op))
      return WalkResult::advance();
    op->emitOpError("cannot be part of an artifact, which is made of one "
                    "function; inline what it calls first");
    return WalkResult::interrupt();
  });
  return failure(calls.wasInterrupted());
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

namespace {
/// A module on its way to an artifact.
class Compilation {
public:
  Compilation(const CompileOptions &options, CompileReport &report,
              bool explains)
      : options(options), report(report), timer(report),
        given{options.tileM,
              options.tileN,
              options.assembler,
              options.verifies,
              explains ? &report.choices : nullptr,
              options.shapes} {}

  LogicalResult lower(ModuleOp source);
  FailureOr<std::string> pack();

  OwningOpRef<ModuleOp> module;

private:
  LogicalResult findTargetAndChip(ModuleOp source);
  LogicalResult checkHoles();
  LogicalResult applySchedule();
  LogicalResult runPasses();
  void explain();

  const CompileOptions &options;
  CompileReport &report;
  PhaseTimer timer;
  TargetOptions given;
  const Target *target = nullptr;
  tile::TargetAttr machine;
  std::string entryName;
};
} // namespace

/// Asked for before the module is, so that messages are about options.
LogicalResult Compilation::findTargetAndChip(ModuleOp source) {
  std::string error;
  target = options.target.empty() ? getDefaultTarget(error)
                                  : findTarget(options.target, error);
  bool isDescribed = options.chip.empty() && tile::TargetAttr::lookup(source);
  if (target && (isDescribed || findChip(*target, options.chip, source, error)))
    return success();
  // A diagnostic has told already, if there is nothing to tell.
  return error.empty()
             ? failure()
             : emitError(UnknownLoc::get(source.getContext())) << error;
}

/// Holes are filled in the source of shaders that a launcher is given.
LogicalResult Compilation::checkHoles() {
  if (target->printsHoles())
    return success();
  WalkResult result = module->walk([&](HoleOp hole) {
    hole.emitOpError("is filled in the text of a shader, but code for the "
                     "target '")
        << target->getName()
        << "' is none; write the score or the mask as a region";
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

LogicalResult Compilation::applySchedule() {
  module->walk([&](AttentionOp op) {
    if (!ScheduleAttr::of(op))
      op->setAttr(ScheduleAttr::attributeName, options.schedule);
  });
  // It may not suit an op: the keys of ragged sequences cannot be split.
  return verify(*module);
}

/// With their times and what they chose in the report.
LogicalResult Compilation::runPasses() {
  DialectRegistry registry;
  target->registerTranslations(registry);
  module->getContext()->appendDialectRegistry(registry);
  PassManager pm(module->getContext());
  pm.enableVerifier(options.verifies);
  buildTargetPipeline(pm, *target, options.chip, given);
  pm.addInstrumentation(std::make_unique<PassTimer>(timer));
  pm.addInstrumentation(
      std::make_unique<ScheduleReporter>(*target, given, report));
  return pm.run(*module);
}

void Compilation::explain() {
  std::vector<std::string> choices;
  target->explainMachine(machine, choices);
  llvm::append_range(choices, report.choices);
  target->explainKernels(*module, machine, choices);
  report.choices = std::move(choices);
}

LogicalResult Compilation::lower(ModuleOp source) {
  if (failed(findTargetAndChip(source)))
    return failure();
  FailureOr<func::FuncOp> entry = findEntry(source, options.entry);
  if (failed(entry) || failed(checkHost(*entry)))
    return failure();
  timer.restart();
  entryName = entry->getName().str();
  module = copyWith(source, entryName);
  if (failed(checkHoles()))
    return failure();
  if (options.schedule && failed(applySchedule()))
    return failure();
  timer("copy");
  if (failed(runPasses()))
    return failure();
  machine = tile::TargetAttr::lookup(*module);
  report.machine = machine;
  report.chip = machine.getChip().str();
  report.vectorBits = machine.getVectorBits();
  report.tileBytes = target->getTileBytes(*module);
  if (given.choices)
    explain();
  return success();
}

/// A schedule that was asked for stands in the artifact as it was given.
static void recordSchedule(json::Object &plan, ScheduleAttr schedule) {
  std::string text;
  llvm::raw_string_ostream(text) << schedule;
  if (json::Object *metadata = plan.getObject("metadata"))
    (*metadata)["schedule"] = text;
  else
    plan["metadata"] = json::Object{{"schedule", text}};
}

FailureOr<std::string> Compilation::pack() {
  auto entry = module->lookupSymbol<func::FuncOp>(entryName);
  bool completes = !options.completes.empty();
  SmallVector<Operation *> postponed;
  if (options.general || completes)
    postponed = postponeLaunches(entry, options.general);
  auto afterPlan = [&](json::Object &plan) {
    if (options.schedule)
      recordSchedule(plan, options.schedule);
    for (Operation *kernel : postponed)
      kernel->erase();
  };
  auto afterCode = [&](json::Object &plan,
                       std::vector<CodeSection> &sections) -> LogicalResult {
    if (completes)
      if (std::string problem = takeCodeOver(options.completes, plan, sections);
          !problem.empty())
        return module->emitError("cannot complete an artifact: ") << problem;
    for (const CodeSection &section : sections)
      report.codeBytes += section.bytes.size();
    return success();
  };
  return packArtifact(entry, *target, given, timer, {afterPlan, afterCode});
}

FailureOr<OwningOpRef<ModuleOp>>
attn::lowerForTarget(ModuleOp source, const CompileOptions &options) {
  CompileReport report;
  Compilation compilation(options, report, /*explains=*/false);
  if (failed(compilation.lower(source)))
    return failure();
  return std::move(compilation.module);
}

static FailureOr<std::string> compile(ModuleOp source,
                                      const CompileOptions &options,
                                      CompileReport &report, bool explains) {
  Compilation compilation(options, report, explains);
  if (failed(compilation.lower(source)))
    return failure();
  return compilation.pack();
}

/// What the cache has, or what is compiled and put there. Compilations that
/// have something to say are not kept.
static FailureOr<std::string> compileOnce(ModuleOp source,
                                          const CompileOptions &options,
                                          const CacheEntry &entry) {
  Location loc = getPlace(source);
  if (std::optional<std::string> known = entry.read(loc))
    return std::move(*known);
  CompileReport report;
  bool isSilent = true;
  FailureOr<std::string> artifact = [&] {
    ScopedDiagnosticHandler handler(source.getContext(), [&](Diagnostic &) {
      isSilent = false;
      return failure();
    });
    return compile(source, options, report, /*explains=*/false);
  }();
  if (succeeded(artifact) && isSilent)
    entry.write(*artifact, loc);
  return artifact;
}

FailureOr<std::string> attn::compileToArtifact(ModuleOp source,
                                               const CompileOptions &options,
                                               CompileReport *report) {
  if (report) {
    *report = CompileReport();
    return compile(source, options, *report, /*explains=*/true);
  }
  if (std::optional<CacheEntry> entry = CacheEntry::of(source, options)) {
    CompileOptions forAllSizes = options;
    forAllSizes.shapes.clear();
    return compileOnce(source, forAllSizes, *entry);
  }
  CompileReport local;
  return compile(source, options, local, /*explains=*/false);
}
