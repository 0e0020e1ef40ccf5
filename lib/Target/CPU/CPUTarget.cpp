//===- CPUTarget.cpp - The targets cpu and cpu-standard -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a CPU offers, as the host reports it or as a chip's name says, the order
// of passes, and what was chosen.
//
//===----------------------------------------------------------------------===//

#include "Architecture.h"
#include "CPUCodegen.h"

#include "attn/Conversion/CPUExpandExp2.h"
#include "attn/Conversion/CPUSchedule.h"
#include "attn/Conversion/ExpandMath.h"
#include "attn/Conversion/TileToCPU.h"
#include "attn/Pipelines/Pipelines.h"
#include "attn/Target/CPU.h"
#include "attn/Target/Passes.h"
#include "attn/Target/Target.h"
#include "attn/Transforms/Passes.h"

#include "mlir/Dialect/DLTI/DLTI.h"
#include "mlir/IR/Builders.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/TargetParser/Host.h"

#include <unistd.h>

using namespace mlir;
using namespace attn;

/// Threads for which keys are split, whatever a machine has (rule 19).
static constexpr int64_t kWorkers = 128;

// Keys of the DLTI specification; the first two are upstream's.
static constexpr StringLiteral kVectorKey = "max_vector_op_width";
static constexpr StringLiteral kL1Key = "L1_cache_size_in_bytes";
static constexpr StringLiteral kL2Key = "L2_cache_size_in_bytes";
static constexpr StringLiteral kRegistersKey = "vector_registers";

static tile::TargetAttr makeTarget(function_ref<InFlightDiagnostic()> emitError,
                                   MLIRContext *context, StringRef name,
                                   StringRef chip, const CPULimits &limits,
                                   ArrayAttr features) {
  constexpr int64_t none = 0;
  // Tile registers, beside vectors that are as wide as a row of them.
  auto has = [&](StringRef feature) {
    return llvm::is_contained(features.getAsValueRange<StringAttr>(), feature);
  };
  bool hasTiles =
      limits.vectorBits == 512 && has("amx-bf16") && has("avx512bf16");
  tile::MatrixUnits units =
      hasTiles ? tile::MatrixUnits::Amx : tile::MatrixUnits::None;
  DenseI64ArrayAttr shape = hasTiles
                                ? DenseI64ArrayAttr::get(context, {16, 16, 32})
                                : DenseI64ArrayAttr();
  return tile::TargetAttr::getChecked(
      emitError, context, name, chip, limits.vectorBits, limits.registers,
      limits.l1Bytes, limits.l2Bytes, /*threads=*/none, /*subgroup=*/none,
      /*shared=*/none, /*staticShared=*/none, /*storageBuffers=*/none,
      int64_t(kWorkers), units, features, shape, tile::Lacks::Nothing,
      CPUArchitecture::getFast(chip));
}

namespace {
class CPU final : public Target {
public:
  CPU(std::string name, std::string summary, bool fuse)
      : Target(std::move(name), std::move(summary)), fuse(fuse) {}

  StringRef getMachineName() const override { return machineName; }
  std::vector<std::string> getChips() const override;
  std::string getDefaultChip() const override { return hostName.str(); }
  tile::TargetAttr describeChip(MLIRContext *context, StringRef chip,
                                std::string &error) const override;
  tile::TargetAttr refine(tile::TargetAttr machine,
                          ModuleOp module) const override;

  void buildTilePipeline(OpPassManager &pm,
                         const TargetOptions &options) const override;
  void buildKernelPipeline(OpPassManager &pm) const override;
  void buildCallPipeline(OpPassManager &pm) const override;
  FailureOr<std::vector<CodeSection>>
  emitCode(ModuleOp module, tile::TargetAttr machine,
           const TargetOptions &options, PhaseCallback timer) const override;

  StringRef getBackend() const override { return machineName; }
  bool runsInLibraries() const override { return true; }
  bool isHost() const override { return true; }
  /// A browser's processor, or Node's.
  std::optional<Host> getHost() const override {
    if (!fuse)
      return std::nullopt;
    return Host{"wasm", "runtime/web/host/host.mjs"};
  }
  /// That host tells the chip; the runtime, features of this one.
  std::string chooseChip(StringRef features) const override {
    return features.starts_with("wasm") ? features.str() : hostName.str();
  }
  bool isForBrowsers(StringRef chip) const override {
    return chip.starts_with("wasm");
  }
  StringRef getBaseline() const override { return fuse ? standardName : ""; }

  SmallVector<ScheduleAttr>
  listSchedules(ScheduleAttr chosen, tile::TargetAttr machine) const override;
  void explainMachine(tile::TargetAttr machine,
                      std::vector<std::string> &choices) const override;
  void explainSchedule(AttentionOp op, tile::TargetAttr machine,
                       const TargetOptions &options,
                       std::vector<std::string> &choices) const override;
  void explainKernels(ModuleOp module, tile::TargetAttr machine,
                      std::vector<std::string> &choices) const override;
  int64_t getTileBytes(ModuleOp module) const override;

  /// The chip that this process runs on.
  static constexpr StringLiteral hostName = "host";
  static constexpr StringLiteral machineName = "cpu";
  static constexpr StringLiteral standardName = "cpu-standard";

private:
  bool fuse;
};
} // namespace

//===----------------------------------------------------------------------===//
// Chips
//===----------------------------------------------------------------------===//

std::vector<std::string> CPU::getChips() const {
  std::vector<std::string> chips{hostName.str()};
  for (const CPUArchitecture &architecture : CPUArchitecture::getAll()) {
    SmallVector<StringRef> known;
    architecture.listChips(known);
    for (StringRef chip : known)
      if (architecture.suffice(architecture.featuresOf(chip)))
        chips.push_back(chip.str());
  }
  return chips;
}

tile::TargetAttr CPU::describeChip(MLIRContext *context, StringRef chip,
                                   std::string &error) const {
  bool isHost = chip == hostName;
  std::string name = isHost ? llvm::sys::getHostCPUName().str() : chip.str();
  const CPUArchitecture *architecture =
      isHost ? CPUArchitecture::getHost() : CPUArchitecture::find(chip);
  if (!architecture) {
    error = "there is no code for CPUs such as '" + name + "'";
    return {};
  }
  llvm::StringMap<bool> present = isHost ? CPUArchitecture::getHostFeatures()
                                         : architecture->featuresOf(chip);
  for (StringRef feature : architecture->needed)
    if (!present.lookup(feature)) {
      error = ("CPU '" + name + "' lacks " + feature + "; generated code for " +
               architecture->name + " needs " + architecture->neededText)
                  .str();
      return {};
    }
  CPULimits limits = architecture->limitsOf(present);
  if (isHost) {
    if (long size = sysconf(_SC_LEVEL1_DCACHE_SIZE); size > 0)
      limits.l1Bytes = size;
    if (long size = sysconf(_SC_LEVEL2_CACHE_SIZE); size > 0)
      limits.l2Bytes = size;
  }
  Builder b(context);
  SmallVector<Attribute> features;
  for (StringRef feature : architecture->features)
    if (present.lookup(feature))
      features.push_back(b.getStringAttr(feature));
  return makeTarget([&] { return emitError(b.getUnknownLoc()); }, context,
                    machineName, name, limits, b.getArrayAttr(features));
}

tile::TargetAttr CPU::refine(tile::TargetAttr machine, ModuleOp module) const {
  CPULimits limits{machine.getVectorBits(), machine.getVectorRegisters(),
                   machine.getL1Bytes(), machine.getL2Bytes()};
  auto read = [&](StringRef key, int64_t &field) {
    FailureOr<Attribute> value =
        dlti::query(module, {StringRef("CPU"), key}, /*emitError=*/false);
    if (succeeded(value))
      if (auto integer = dyn_cast<IntegerAttr>(*value))
        field = integer.getInt();
  };
  int64_t described = limits.vectorBits;
  read(kVectorKey, described);
  // Wider vectors than the chip has cannot be asked for.
  if (described == 256 || described == 128)
    limits.vectorBits = std::min(limits.vectorBits, described);
  read(kL1Key, limits.l1Bytes);
  read(kL2Key, limits.l2Bytes);
  read(kRegistersKey, limits.registers);
  return makeTarget([&] { return module.emitError("CPU: "); },
                    module.getContext(), machine.getName(), machine.getChip(),
                    limits, machine.getFeatures());
}

//===----------------------------------------------------------------------===//
// Passes and code
//===----------------------------------------------------------------------===//

void CPU::buildTilePipeline(OpPassManager &pm,
                            const TargetOptions &options) const {
  RegionPipelineOptions region;
  region.contents = true;
  buildRegionPipeline(pm, region);
  CPUScheduleOptions schedule;
  schedule.tileM = options.tileM;
  schedule.tileN = options.tileN;
  pm.addNestedPass<func::FuncOp>(createCPUSchedule(schedule));
  finishSchedules(pm, *this, options);
  pm.addNestedPass<func::FuncOp>(createExpandCopies());
  TilePipelineOptions tile;
  // Every attention op has a schedule; a merge takes these rows.
  if (options.tileM)
    tile.tileM = options.tileM;
  tile.rowMultiple = 1;
  tile.fuse = fuse;
  tile.divide = true;
  tile.scoresOnly = true;
  tile.explain = options.choices;
  buildGridPipeline(pm, tile);
}

void CPU::buildKernelPipeline(OpPassManager &pm) const {
  OpPassManager &kernels = pm.nest<func::FuncOp>();
  kernels.addPass(createExpandMath());
  addTileRegisterPasses(kernels);
  kernels.addPass(createTileToCPU());
  kernels.addPass(createCPUExpandExp2());
  addCleanup(kernels);
}

void CPU::buildCallPipeline(OpPassManager &pm) const {
  pm.addPass(createLaunchToParallel());
}

FailureOr<std::vector<CodeSection>> CPU::emitCode(ModuleOp module,
                                                  tile::TargetAttr machine,
                                                  const TargetOptions &options,
                                                  PhaseCallback timer) const {
  FailureOr<std::string> code =
      compileCPUKernels(module, machine, options.verifies, timer);
  if (failed(code))
    return failure();
  return std::vector<CodeSection>{{machineName.str(), std::move(*code)}};
}

SmallVector<ScheduleAttr> CPU::listSchedules(ScheduleAttr chosen,
                                             tile::TargetAttr machine) const {
  int64_t lanes = machine.getVectorBits() / 32;
  // Whole blocks of columns where queries lie on the lanes, else whole vectors.
  constexpr int64_t columns = 12;
  bool isFew = chosen.getTileM() <= lanes;
  SmallVector<ScheduleAttr> varied =
      varyTiles(chosen, lanes, isFew ? lanes : columns);
  llvm::erase_if(varied, [&](ScheduleAttr schedule) {
    int64_t rows = schedule.getTileM(), keys = schedule.getTileN();
    // Another number of rows would be the schedule of other sizes.
    return (isFew && rows != chosen.getTileM()) ||
           rows * keys * int64_t(sizeof(float)) > machine.getL2Bytes();
  });
  return varied;
}

//===----------------------------------------------------------------------===//
// Explanations
//===----------------------------------------------------------------------===//

static int64_t toKiB(int64_t bytes) { return (bytes + 1023) / 1024; }

void CPU::explainMachine(tile::TargetAttr machine,
                         std::vector<std::string> &choices) const {
  choices.push_back(llvm::formatv(
      "target {0}: {1}-bit vectors, {2} vector registers, {3} KiB of L1 and "
      "{4} KiB of L2 a core",
      machine.getChip(), machine.getVectorBits(), machine.getVectorRegisters(),
      toKiB(machine.getL1Bytes()), toKiB(machine.getL2Bytes())));
  // Only the host's chip may have more than it may be used for.
  auto present = CPUArchitecture::of(machine).featuresOf(machine.getChip());
  if (present.lookup("amx-bf16") && !machine.hasFeature("amx-bf16"))
    choices.push_back("the operating system does not grant the tile registers "
                      "(AMX): products are computed in vectors");
}

void CPU::explainSchedule(AttentionOp op, tile::TargetAttr machine,
                          const TargetOptions &options,
                          std::vector<std::string> &choices) const {
  auto schedule = op->getAttrOfType<ScheduleAttr>(ScheduleAttr::attributeName);
  int64_t rows = schedule.getTileM(), keys = schedule.getTileN();
  if (schedule.getWorkers())
    choices.push_back(llvm::formatv(
        "where the queries of the heads that share a key head are at most {0}: "
        "one tile of them all, keys split so that {1} workers have parts",
        rows, schedule.getWorkers()));
  int64_t lanes = machine.getVectorBits() / 32;
  bool hasBF16 = getElementTypeOrSelf(op.getKey().getType()).isBF16();
  bool usesTileRegisters =
      rows > lanes && hasBF16 && machine.has(tile::MatrixUnits::Amx);
  std::string order = llvm::formatv("queries lie on the lanes, {0} vectors of "
                                    "them",
                                    rows / lanes);
  if (rows <= lanes)
    order = "keys and head elements lie on the lanes; queries share each read "
            "of a key or value, which stays in its type";
  else if (usesTileRegisters)
    order =
        "products in tile registers (AMX), keys lie on the lanes of vectors; "
        "all queries of a tile share the packed keys and values, a strip "
        "of them at a time has scores in L1";
  choices.push_back(llvm::formatv("{0} queries a tile{1}: {2}", rows,
                                  options.tileM ? " (given)" : "", order));
  if (rows > lanes && multipliesBF16Pairs(machine) && hasBF16 &&
      !usesTileRegisters)
    choices.push_back("products of bf16 take pairs, without widening "
                      "(vdpbf16ps)");
  choices.push_back(llvm::formatv(
      "{0} keys a tile{1}: the score tile takes {2} KiB", keys,
      options.tileN ? " (given)" : "", toKiB(rows * keys * sizeof(float))));
}

int64_t CPU::getTileBytes(ModuleOp module) const {
  int64_t bytes = 0;
  for (auto kernel : module.getOps<func::FuncOp>())
    if (auto info = tile::LaunchInfoAttr::of(kernel))
      bytes = std::max(bytes, info.getStack() - kCPUFrameBytes);
  return bytes;
}

void CPU::explainKernels(ModuleOp module, tile::TargetAttr machine,
                         std::vector<std::string> &choices) const {
  int64_t bytes = getTileBytes(module);
  choices.push_back(llvm::formatv(
      "{0} KiB of tile buffers on the stack of a thread: {1:P0} of its L2",
      toKiB(bytes), double(bytes) / machine.getL2Bytes()));
  choices.push_back(fuse ? "online softmax fused: scores are never stored"
                         : "standard attention: scores go through memory");
  Target::explainKernels(module, machine, choices);
}

//===----------------------------------------------------------------------===//
// Registration
//===----------------------------------------------------------------------===//

static std::unique_ptr<CPU> makeFused() {
  return std::make_unique<CPU>(
      CPU::machineName.str(),
      "x86-64 from AVX2 on, AArch64, WebAssembly: vectors, register blocks, "
      "fused online softmax",
      /*fuse=*/true);
}

static std::unique_ptr<CPU> makeStandard() {
  return std::make_unique<CPU>(
      CPU::standardName.str(),
      "the baseline of the same tile ops, which stores its scores",
      /*fuse=*/false);
}

void attn::registerCPUTargets() {
  registerTarget(makeFused());
  registerTarget(makeStandard());
}

void attn::buildCPUPipeline(OpPassManager &pm,
                            const TargetPipelineOptions &options) {
  registerCPUTargets();
  buildTargetPipeline(pm, *makeFused(), options);
}

void attn::buildCPUStandardPipeline(OpPassManager &pm,
                                    const TargetPipelineOptions &options) {
  registerCPUTargets();
  buildTargetPipeline(pm, *makeStandard(), options);
}

void attn::registerCPUPipelines() {
  for (StringRef name : {CPU::machineName, CPU::standardName})
    registerTargetPipeline(("attn-to-" + name).str(), name);
}
