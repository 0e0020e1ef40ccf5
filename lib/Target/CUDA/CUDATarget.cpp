//===- CUDATarget.cpp - The target cuda -----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is known of NVIDIA's chips, the order of passes from attention to
// kernels for them, and what was chosen.
//
//===----------------------------------------------------------------------===//

#include "PTX.h"

#include "../Chips.h"
#include "attn/Conversion/CUDASchedule.h"
#include "attn/Conversion/ExpandMath.h"
#include "attn/Conversion/LegalizeKernels.h"
#include "attn/Conversion/TileToHopper.h"
#include "attn/Conversion/TileToMMA.h"
#include "attn/Pipelines/Pipelines.h"
#include "attn/Target/CUDA.h"
#include "attn/Target/Passes.h"
#include "attn/Target/Target.h"
#include "attn/Transforms/Passes.h"

#include "mlir/IR/Threading.h"
#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace attn;
using tile::MatrixUnits;

namespace {
struct Chip {
  StringLiteral name;
  int64_t sharedBytes, multiprocessors;
  MatrixUnits matrix;

  /// Whether its code runs on no other chip.
  bool isAlone() const {
    return bitEnumContainsAll(matrix, MatrixUnits::Wgmma);
  }
};
} // namespace

/// Shared memory is what the CUDA programming guide lists for a block: of all
/// that a multiprocessor has, 1 KiB is reserved.
static constexpr Chip chips[] = {
    {"sm_80", /*sharedBytes=*/163 * 1024, /*multiprocessors=*/108,
     MatrixUnits::MmaSync},
    {"sm_86", 99 * 1024, 84, MatrixUnits::MmaSync},
    {"sm_89", 99 * 1024, 128, MatrixUnits::MmaSync},
    {"sm_90a", 227 * 1024, 132, MatrixUnits::MmaSync | MatrixUnits::Wgmma},
};

namespace {
class CUDA final : public Target {
public:
  CUDA()
      : Target(targetName.str(),
               "NVIDIA GPUs from sm_80 on: wgmma or mma.sync; PTX") {}

  std::vector<std::string> getChips() const override { return getNames(chips); }
  std::string getDefaultChip() const override { return "sm_90a"; }
  tile::TargetAttr describeChip(MLIRContext *context, StringRef name,
                                std::string &error) const override;
  std::string chooseChip(StringRef features) const override;

  void buildTilePipeline(OpPassManager &pm,
                         const TargetOptions &options) const override;
  void buildKernelPipeline(OpPassManager &pm) const override;

  StringRef getTextFormat() const override { return "ptx"; }
  bool runsInLibraries() const override { return true; }
  LogicalResult printKernels(gpu::GPUModuleOp module, StringRef chip,
                             raw_ostream &os) const override;
  void registerTranslations(DialectRegistry &registry) const override {
    registerNVPTXTranslation(registry);
  }
  FailureOr<std::vector<CodeSection>>
  emitCode(ModuleOp module, tile::TargetAttr machine,
           const TargetOptions &options, PhaseCallback timer) const override;

  SmallVector<ScheduleAttr>
  listSchedules(ScheduleAttr chosen, tile::TargetAttr machine) const override;
  void explainMachine(tile::TargetAttr machine,
                      std::vector<std::string> &choices) const override;

  static constexpr StringLiteral targetName = "cuda";
};
} // namespace

//===----------------------------------------------------------------------===//
// Chips
//===----------------------------------------------------------------------===//

tile::TargetAttr CUDA::describeChip(MLIRContext *context, StringRef name,
                                    std::string &error) const {
  const Chip &chip = getChip(chips, name);
  return tile::TargetAttr::get(
      context, targetName, name, /*vectorBits=*/0, /*vectorRegisters=*/0,
      /*l1Bytes=*/0, /*l2Bytes=*/0, /*threads=*/1024, /*subgroup=*/32,
      chip.sharedBytes, /*staticSharedBytes=*/48 * 1024, /*storageBuffers=*/0,
      chip.multiprocessors, chip.matrix, /*features=*/ArrayAttr());
}

/// PTX runs on what came after its chip too, if it does not name features of
/// one alone.
std::string CUDA::chooseChip(StringRef features) const {
  auto version = [](StringRef name) {
    unsigned number = 0;
    name.consume_front("sm_");
    (void)name.consumeInteger(10, number);
    return number;
  };
  StringRef best;
  for (const Chip &chip : chips) {
    bool runs = chip.isAlone() ? version(chip.name) == version(features)
                               : version(chip.name) <= version(features);
    if (runs)
      best = chip.name;
  }
  return best.str();
}

//===----------------------------------------------------------------------===//
// Passes and code
//===----------------------------------------------------------------------===//

void CUDA::buildTilePipeline(OpPassManager &pm,
                             const TargetOptions &options) const {
  // Device memory is not for the host to read.
  buildRegionPipeline(pm, RegionPipelineOptions());
  pm.addNestedPass<func::FuncOp>(createExpandCopies());
  CUDAScheduleOptions schedule;
  schedule.tileM = options.tileM;
  schedule.tileN = options.tileN;
  pm.addNestedPass<func::FuncOp>(createCUDASchedule(schedule));
  finishSchedules(pm, *this, options);
  TileAttentionOptions tiling;
  tiling.headMultiple = 16;
  tiling.rowMultiple = 1;
  tiling.explain = options.choices;
  pm.addNestedPass<func::FuncOp>(createTileAttention(tiling));
  pm.addNestedPass<func::FuncOp>(createSplitKeys());
  addCleanup(pm);
  pm.addNestedPass<func::FuncOp>(createFuseOnlineSoftmax());
  pm.addPass(createOutlineKernels());
  addCleanup(pm);
}

/// What Hopper's lowering does not take goes to mma.sync, what that does not
/// take to the plain path.
void CUDA::buildKernelPipeline(OpPassManager &pm) const {
  pm.addNestedPass<func::FuncOp>(createSinkScale());
  pm.addNestedPass<func::FuncOp>(createContractExp2());
  ExpandMathOptions math;
  math.shortTanh = true;
  pm.addPass(createExpandMath(math));
  pm.addPass(createNarrowIndices());
  pm.addPass(createTileToHopper());
  pm.addPass(createTileToMMA());
  buildNVPTXPlainPipeline(pm, /*threads=*/0);
}

FailureOr<std::vector<CodeSection>> CUDA::emitCode(ModuleOp module,
                                                   tile::TargetAttr machine,
                                                   const TargetOptions &options,
                                                   PhaseCallback timer) const {
  SmallVector<gpu::GPUModuleOp> modules(module.getOps<gpu::GPUModuleOp>());
  FailureOr<SmallVector<std::string>> texts =
      translateToPTX(modules, machine.getChip());
  if (failed(texts))
    return failure();
  timer("PTX");
  if (options.choices)
    for (auto [gpuModule, text] : llvm::zip_equal(modules, *texts))
      if (std::string registers = describeRegisters(text, machine.getChip());
          !registers.empty())
        options.choices->push_back(
            (gpuModule.getName() + ": " + registers).str());
  if (!options.assembler.empty()) {
    auto assemble = [&](size_t index) {
      FailureOr<std::string> code =
          assemblePTX(modules[index], (*texts)[index], machine.getChip(),
                      options.assembler);
      if (succeeded(code))
        (*texts)[index] = std::move(*code);
      return success(succeeded(code));
    };
    if (failed(failableParallelForEachN(module.getContext(), 0, modules.size(),
                                        assemble)))
      return failure();
    timer("machine code");
  }
  std::vector<CodeSection> sections;
  for (auto [gpuModule, text] : llvm::zip_equal(modules, *texts))
    sections.push_back({gpuModule.getName().str(), std::move(text)});
  return sections;
}

LogicalResult CUDA::printKernels(gpu::GPUModuleOp module, StringRef chip,
                                 raw_ostream &os) const {
  FailureOr<SmallVector<std::string>> text = translateToPTX(module, chip);
  if (succeeded(text))
    os << text->front();
  return LogicalResult(text);
}

//===----------------------------------------------------------------------===//
// Explanations
//===----------------------------------------------------------------------===//

/// Other tiles, and other numbers of buffers for the tile that was chosen.
SmallVector<ScheduleAttr> CUDA::listSchedules(ScheduleAttr chosen,
                                              tile::TargetAttr machine) const {
  SmallVector<ScheduleAttr> schedules = Target::listSchedules(chosen, machine);
  for (int64_t stages : {1, 2, 3, 4})
    schedules.push_back(
        chosen.with([&](ScheduleKnobs &knobs) { knobs.stages = stages; }));
  return schedules;
}

void CUDA::explainMachine(tile::TargetAttr machine,
                          std::vector<std::string> &choices) const {
  choices.push_back(llvm::formatv(
      "chip {0}: {1}, {2} bytes of shared memory a block, {3} multiprocessors "
      "assumed for splits",
      machine.getChip(),
      machine.has(MatrixUnits::Wgmma) ? "wgmma and TMA"
                                      : "mma.sync and cp.async",
      machine.getSharedBytes(), machine.getWorkers()));
}

//===----------------------------------------------------------------------===//
// Registration
//===----------------------------------------------------------------------===//

void attn::registerCUDATargets() { registerTarget(std::make_unique<CUDA>()); }

void attn::buildCUDAPipeline(OpPassManager &pm,
                             const TargetPipelineOptions &options) {
  registerCUDATargets();
  buildTargetPipeline(pm, CUDA(), options);
}

void attn::buildCUDAPlainPipeline(OpPassManager &pm,
                                  const CUDAPlainPipelineOptions &options) {
  registerCUDATargets();
  pm.addPass(createAttachTarget({CUDA::targetName.str(), /*chip=*/""}));
  finishSchedules(pm, CUDA());
  buildNVPTXPlainPipeline(pm, options.threads);
}

void attn::registerCUDAPipelines() {
  registerTargetPipeline("attn-to-cuda", CUDA::targetName);
  registerTargetPipeline("attn-to-hopper", CUDA::targetName, "sm_90a");
  // Its tiles fit all chips.
  registerTargetPipeline("attn-to-mma", CUDA::targetName, "sm_86");
  registerModulePipeline<CUDAPlainPipelineOptions>(
      "attn-to-nvptx-plain",
      "Lower tile kernels to the LLVM dialect for NVIDIA chips without using "
      "their matrix units",
      buildCUDAPlainPipeline);
}
