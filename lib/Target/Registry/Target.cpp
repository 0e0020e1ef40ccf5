//===- Target.cpp - Which targets there are -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The registry, look-ups with their messages, and the list for people.
//
//===----------------------------------------------------------------------===//

#include "attn/Target/Target.h"
#include "attn/Dialect/Attn/ScheduleLimits.h"
#include "attn/Pipelines/Pipelines.h"
#include "attn/Target/Passes.h"
#include "attn/Transforms/Passes.h"

#include "mlir/Dialect/DLTI/DLTI.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

#include <mutex>

using namespace mlir;
using namespace attn;

Target::~Target() = default;

//===----------------------------------------------------------------------===//
// Schedules
//===----------------------------------------------------------------------===//

SmallVector<ScheduleAttr>
attn::varyTiles(ScheduleAttr chosen, int64_t rowMultiple, int64_t keyMultiple) {
  // In quarters of what was chosen.
  constexpr int64_t whole = 4;
  SetVector<Attribute> varied;
  for (int64_t rows : {4, 2, 8, 6})
    for (int64_t keys : {4, 2, 8, 6, 3}) {
      auto scale = [&](int64_t size, int64_t quarters, int64_t multiple) {
        if (quarters == whole)
          return size;
        int64_t most = llvm::alignDown(kLargestTile, multiple);
        int64_t scaled = llvm::alignTo(size * quarters / whole, multiple);
        return std::min(scaled, most);
      };
      varied.insert(chosen.with([&](ScheduleKnobs &knobs) {
        knobs.tile_m = scale(knobs.tile_m, rows, rowMultiple);
        knobs.tile_n = scale(knobs.tile_n, keys, keyMultiple);
      }));
    }
  varied.remove(chosen);
  return llvm::map_to_vector(varied, llvm::CastTo<ScheduleAttr>);
}

SmallVector<ScheduleAttr> Target::listSchedules(ScheduleAttr chosen,
                                                tile::TargetAttr) const {
  // What the matrix units of all devices divide.
  constexpr int64_t fragment = 16;
  return varyTiles(chosen, fragment, fragment);
}

//===----------------------------------------------------------------------===//
// Explanations
//===----------------------------------------------------------------------===//

void Target::explainSchedule(AttentionOp op, tile::TargetAttr machine,
                             const TargetOptions &options,
                             std::vector<std::string> &choices) const {
  auto schedule = ScheduleAttr::of(op);
  std::string choice =
      llvm::formatv("{0} queries{1} x {2} keys{3} a tile", schedule.getTileM(),
                    options.tileM ? " (given)" : "", schedule.getTileN(),
                    options.tileN ? " (given)" : "");
  if (schedule.getWorkers())
    choice += llvm::formatv(
        "; heads that share keys are packed into one tile, whose keys are "
        "split for {0} multiprocessors",
        schedule.getWorkers());
  // The op was cloned below conditions on sizes.
  if (auto branch = dyn_cast<scf::IfOp>(op->getParentOp()))
    choice += op->getBlock() == branch.elseBlock() ? ": for all other sizes"
              : schedule.getWorkers()
                  ? ": where a launch has few queries a key head and many keys"
                  : ": where a launch has few queries";
  choices.push_back(choice);
}

void Target::explainKernels(ModuleOp module, tile::TargetAttr machine,
                            std::vector<std::string> &choices) const {
  module.walk([&](tile::LaunchOp launch) {
    Operation *kernel =
        SymbolTable::lookupNearestSymbolFrom(launch, launch.getKernelAttr());
    StringRef name = launch.getKernel().getLeafReference().getValue();
    if (auto chosen = kernel->getAttrOfType<ArrayAttr>(tile::kChoicesAttrName))
      for (auto choice : chosen.getAsRange<StringAttr>())
        choices.push_back((name + ": " + choice.getValue()).str());
  });
}

namespace {
struct Registry {
  std::mutex mutex;
  std::vector<std::unique_ptr<Target>> targets;
};
} // namespace

static Registry &getRegistry() {
  static Registry registry;
  return registry;
}

void attn::registerTarget(std::unique_ptr<Target> target) {
  Registry &registry = getRegistry();
  std::lock_guard<std::mutex> lock(registry.mutex);
  for (const auto &known : registry.targets)
    if (known->getName() == target->getName())
      return;
  registry.targets.push_back(std::move(target));
}

std::vector<const Target *> attn::getTargets() {
  Registry &registry = getRegistry();
  std::lock_guard<std::mutex> lock(registry.mutex);
  std::vector<const Target *> targets;
  for (const auto &target : registry.targets)
    targets.push_back(target.get());
  return targets;
}

/// "unknown <what> '<name>'", the nearest of the `known` names, and all.
static std::string explainUnknown(const Twine &what, StringRef name,
                                  ArrayRef<StringRef> known) {
  std::string message = ("unknown " + what + " '" + name + "'").str();
  // Half a name is nearer than a misspelt one.
  std::optional<StringRef> nearest;
  const StringRef *longer = llvm::find_if(
      known, [&](StringRef other) { return other.starts_with(name); });
  if (longer != known.end() && !name.empty())
    nearest = *longer;
  else
    nearest = findNearest(name, known);
  if (nearest)
    message += ("; did you mean '" + *nearest + "'?").str();
  return message + "; known: " + llvm::join(known, ", ");
}

const Target *attn::findTarget(StringRef name, std::string &error) {
  std::vector<const Target *> targets = getTargets();
  SmallVector<StringRef> known;
  for (const Target *target : targets) {
    if (target->getName() == name)
      return target;
    known.push_back(target->getName());
  }
  error = explainUnknown("target", name, known);
  return nullptr;
}

const Target *attn::findBackend(StringRef backend) {
  for (const Target *target : getTargets()) {
    std::optional<Host> host = target->getHost();
    if (target->getName() == backend || (host && host->backend == backend))
      return target;
  }
  return nullptr;
}

const Target *attn::getDefaultTarget(std::string &error) {
  std::vector<const Target *> targets = getTargets();
  if (!targets.empty())
    return targets.front();
  error = "no target is registered";
  return nullptr;
}

tile::TargetAttr attn::findChip(const Target &target, StringRef chip,
                                ModuleOp module, std::string &error) {
  const std::string usual = target.getDefaultChip();
  std::string wanted = chip.empty() ? usual : chip.str();
  // Listing them takes milliseconds for a CPU.
  std::vector<std::string> chips;
  if (wanted != usual)
    chips = target.getChips();
  if (wanted != usual && !llvm::is_contained(chips, wanted)) {
    SmallVector<StringRef> known(chips.begin(), chips.end());
    error = explainUnknown("chip", wanted, known);
    error.insert(error.find(';'), (" of the target " + target.getName()).str());
    return {};
  }
  // What describes the machine, here and in files.
  module.getContext()->loadDialect<tile::TileDialect, DLTIDialect>();
  tile::TargetAttr machine =
      target.describeChip(module.getContext(), wanted, error);
  return machine ? target.refine(machine, module) : machine;
}

/// As options of passes write them.
static SmallVector<std::string>
printShapes(ArrayRef<std::vector<int64_t>> shapes) {
  SmallVector<std::string> texts;
  for (ArrayRef<int64_t> shape : shapes) {
    std::string text;
    llvm::raw_string_ostream os(text);
    llvm::interleave(shape, os, "x");
    texts.push_back(shape.empty() ? "?" : text);
  }
  return texts;
}

void attn::finishSchedules(OpPassManager &pm, const Target &target,
                           const TargetOptions &options) {
  if (!options.shapes.empty())
    pm.addNestedPass<func::FuncOp>(
        createSelectVersions({printShapes(options.shapes)}));
  StringRef backend = target.getBackend();
  SetArtifactOptions artifact;
  artifact.target = (backend.empty() ? target.getName() : backend).str();
  artifact.indexBits = target.getIndexBits();
  artifact.hostReads = target.isHost();
  artifact.pipeline = target.getName().str();
  pm.addPass(createSetArtifact(artifact));
}

void attn::buildTargetPipeline(OpPassManager &pm, const Target &target,
                               StringRef chip, const TargetOptions &options) {
  pm.addPass(createAttachTarget({target.getName().str(), chip.str()}));
  target.buildTilePipeline(pm, options);
  target.buildKernelPipeline(pm);
}

static void buildTargetPipeline(OpPassManager &pm, const Target &target,
                                StringRef chip,
                                const TargetPipelineOptions &options) {
  TargetOptions given;
  given.tileM = options.tileM;
  given.tileN = options.tileN;
  attn::buildTargetPipeline(pm, target, chip, given);
  if (!options.launches)
    target.buildCallPipeline(pm);
}

void attn::buildTargetPipeline(OpPassManager &pm, const Target &target,
                               const TargetPipelineOptions &options) {
  ::buildTargetPipeline(pm, target, options.chip.getValue(), options);
}

void attn::registerTargetPipeline(StringRef pipeline, StringRef name,
                                  StringRef defaultChip) {
  std::string error;
  const Target *target = findTarget(name, error);
  if (!target)
    llvm::report_fatal_error(Twine(error));
  registerModulePipeline<TargetPipelineOptions>(
      pipeline, "Attention to kernels for the target " + name.str(),
      [target, defaultChip = defaultChip.str()](
          OpPassManager &pm, const TargetPipelineOptions &options) {
        std::string chip = options.chip;
        ::buildTargetPipeline(pm, *target, chip.empty() ? defaultChip : chip,
                              options);
      });
}

void attn::printTargets(llvm::raw_ostream &os) {
  for (const Target *target : getTargets()) {
    os << target->getName() << ": " << target->getSummary();
    if (std::optional<Host> host = target->getHost())
      os << " (--backend=" << host->backend << ")";
    os << "\n  chips:";
    for (const std::string &chip : target->getChips())
      os << " " << chip
         << (chip == target->getDefaultChip() ? " (default)" : "");
    os << "\n";
  }
}

void attn::addListTargetsOption() {
  static llvm::cl::opt<bool, false, llvm::cl::parser<bool>> list(
      "list-targets", llvm::cl::desc("List targets and their chips, and exit"),
      llvm::cl::ValueDisallowed, llvm::cl::cb<void, bool>([](const bool &) {
        printTargets(llvm::outs());
        llvm::outs().flush();
        std::exit(0);
      }));
}
