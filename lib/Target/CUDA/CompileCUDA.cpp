//===- CompileCUDA.cpp - Artifacts for NVIDIA GPUs ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs the passes, reports what they chose, prints the description and packs it
// with the code of the kernels.
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/MaskAnalysis.h"
#include "attn/Dialect/Attn/Attn.h"
#include "attn/Dialect/Tile/Tile.h"
#include "attn/Target/CUDA.h"
#include "attn/Target/NVPTX.h"
#include "attn/Target/Plan.h"
#include "attn/Transforms/Passes.h"
#include "attn/runtime/Artifact.h"

#include "mlir/IR/Threading.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace attn;
namespace json = llvm::json;

namespace {

/// Reports what cuda-schedule has chosen, and the key tiles that follow.
class ScheduleReporter final : public PassInstrumentation {
public:
  explicit ScheduleReporter(CUDAReport &report) : report(report) {}

  void runAfterPass(Pass *pass, Operation *op) override {
    if (pass->getArgument() == "cuda-schedule")
      op->walk([&](AttentionOp attention) { add(attention); });
  }

private:
  void add(AttentionOp op) {
    auto schedule =
        op->getAttrOfType<ScheduleAttr>(ScheduleAttr::attributeName);
    if (!schedule)
      return;
    std::string choice =
        llvm::formatv("{0} queries x {1} keys a tile", schedule.getTileM(),
                      schedule.getTileN());
    if (schedule.getWorkers())
      choice += llvm::formatv(
          "; heads that share keys are packed into one tile, whose keys are "
          "split for {0} multiprocessors",
          schedule.getWorkers());
    // The op was cloned below conditions on sizes.
    if (auto branch = dyn_cast<scf::IfOp>(op->getParentOp()))
      choice +=
          op->getBlock() == branch.elseBlock() ? ": for all other sizes"
          : schedule.getWorkers()
              ? ": where a launch has few queries a key head and many keys"
              : ": where a launch has few queries";
    report.choices.push_back(choice);
    // Visited in order: the last one is in the last else branch.
    report.tileM = schedule.getTileM();
    report.tileN = schedule.getTileN();
    FailureOr<MaskAnalysis> mask =
        MaskAnalysis::compute(op, schedule.getTileM(), schedule.getTileN());
    if (failed(mask))
      return;
    std::string text;
    llvm::raw_string_ostream os(text);
    os << "query tiles of " << schedule.getTileM() << ", key tiles of "
       << schedule.getTileN() << "\n";
    mask->print(os);
    report.ranges.push_back(text);
  }

  CUDAReport &report;
};

/// What became of the kernels, launch by launch.
void reportKernels(func::FuncOp entry, CUDAReport &report) {
  entry.walk([&](tile::LaunchOp launch) {
    Operation *kernel =
        SymbolTable::lookupNearestSymbolFrom(launch, launch.getKernelAttr());
    StringRef name = launch.getKernel().getLeafReference().getValue();
    auto choices = kernel->getAttrOfType<ArrayAttr>("tile.choices");
    if (!choices) {
      report.choices.push_back(
          llvm::formatv("{0}: {1} threads without tensor cores", name,
                        tile::LaunchInfoAttr::of(kernel).getThreads()));
      return;
    }
    for (auto choice : choices.getAsRange<StringAttr>())
      report.choices.push_back((name + ": " + choice.getValue()).str());
  });
}

} // namespace

FailureOr<std::string> attn::compileCUDAArtifact(
    ModuleOp module, func::FuncOp entry, const CUDAChip &chip, TileShape tile,
    StringRef ptxas, bool verifies, llvm::function_ref<void(StringRef)> timer,
    CUDAReport *report) {
  MLIRContext *context = module.getContext();
  DialectRegistry registry;
  registerNVPTXTranslation(registry);
  context->appendDialectRegistry(registry);
  std::string entryName = entry.getName().str();
  if (report)
    report->choices.push_back(llvm::formatv(
        "chip {0}: {1}, {2} bytes of shared memory a block, {3} "
        "multiprocessors assumed for splits",
        chip.name, chip.isHopper ? "wgmma and TMA" : "mma.sync and cp.async",
        chip.sharedBytes, chip.multiprocessors));
  auto run = [&](StringRef phase, function_ref<void(OpPassManager &)> build) {
    PassManager pm(context);
    pm.enableVerifier(verifies);
    if (report)
      pm.addInstrumentation(std::make_unique<ScheduleReporter>(*report));
    build(pm);
    LogicalResult result = pm.run(module);
    timer(phase);
    return result;
  };

  if (failed(run("regions", [&](OpPassManager &pm) {
        pm.addPass(createInsertChecks());
        pm.addPass(createExpandSugar());
        pm.addPass(createMakeTotal());
        pm.addPass(createSimplifyRegions());
        pm.addPass(createBufferizePrograms());
        pm.addNestedPass<func::FuncOp>(createExpandCopies());
      })))
    return failure();
  bool sixteenBit = isSixteenBit(module.lookupSymbol<func::FuncOp>(entryName));
  if (failed(run("tile", [&](OpPassManager &pm) {
        buildCUDATilePipeline(pm, chip, tile);
      })))
    return failure();

  if (failed(run("lower", [&](OpPassManager &pm) {
        buildCUDAKernelPipeline(pm, chip, sixteenBit);
      })))
    return failure();
  entry = module.lookupSymbol<func::FuncOp>(entryName);
  FailureOr<json::Object> plan = buildPlan(entry);
  if (failed(plan))
    return failure();
  if (report)
    reportKernels(entry, *report);
  timer("plan");

  runtime::ArtifactWriter writer(
      llvm::formatv("{0}", json::Value(std::move(*plan))).str());
  std::string error;
  SmallVector<gpu::GPUModuleOp> gpuModules(module.getOps<gpu::GPUModuleOp>());
  FailureOr<SmallVector<std::string>> texts =
      translateToPTX(gpuModules, chip.name);
  if (failed(texts))
    return failure();
  timer("PTX");
  if (report)
    for (auto [gpuModule, text] : llvm::zip_equal(gpuModules, *texts))
      if (std::string registers = describeRegisters(text, chip.name);
          !registers.empty())
        report->choices.push_back(
            (gpuModule.getName() + ": " + registers).str());
  if (!ptxas.empty()) {
    auto assemble = [&](size_t index) {
      FailureOr<std::string> code =
          assemblePTX(gpuModules[index], (*texts)[index], chip.name, ptxas);
      if (succeeded(code))
        (*texts)[index] = std::move(*code);
      return success(succeeded(code));
    };
    if (failed(
            failableParallelForEachN(context, 0, gpuModules.size(), assemble)))
      return failure();
    timer("machine code");
  }
  for (auto [gpuModule, text] : llvm::zip_equal(gpuModules, *texts))
    if (!writer.addCode(gpuModule.getName().str(), text, error))
      return module.emitError(error);
  return writer.toBytes();
}
