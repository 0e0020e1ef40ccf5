//===- WGSLTarget.cpp - The target wgsl -----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tile kernels to the normal form that the WGSL printer reads, without
// infinities, for the limits that every WebGPU device has.
//
//===----------------------------------------------------------------------===//

#include "TranslateToWGSL.h"

#include "../Chips.h"
#include "../Shaders.h"
#include "attn/Conversion/AssignLayouts.h"
#include "attn/Conversion/FiniteScores.h"
#include "attn/Conversion/LayoutToGPU.h"
#include "attn/Conversion/LegalizeKernels.h"
#include "attn/Conversion/TileToGPU.h"
#include "attn/Pipelines/Pipelines.h"
#include "attn/Target/Passes.h"
#include "attn/Target/Target.h"
#include "attn/Target/WGSL.h"
#include "attn/Transforms/Passes.h"

#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace attn;

namespace {
/// What passes and the printer need to know of a device.
struct Chip {
  StringLiteral name;
  int64_t storageBuffers, threads, workgroupBytes;
  /// Lanes that its subgroups have at least; 1: threads exchange in memory
  /// instead; 0: a thread has rows of its own.
  int64_t subgroup = 0;
  /// Fragments of m x k times k x n, of f16 to f32, in subgroups of exactly so
  /// many lanes: an experiment of Chromium's.
  std::array<int64_t, 3> matrix = {};
  /// A processor imitates the device.
  bool isSoftware = false;

  bool hasMatrices() const { return matrix[0] != 0; }
  std::vector<std::string> getFeatures() const;
  int64_t getWorkers() const;
};
} // namespace

/// The limits that every WebGPU device has; more buffers (ids of documents with
/// row statistics take 9); those of a device that Vulkan, Metal or Direct3D 12
/// drives on a desktop. Then those whose threads share rows, in longer text,
/// which pages ask for; those of processors that imitate a device, SwiftShader,
/// whose subgroups have four lanes. Devices with subgroups have more memory
/// than is guaranteed, and workgroups of more threads; 48 KiB are for kernels
/// whose queries cannot stay in memory, and for matrices of heads of 256. The
/// last three are for browsers that were started with what Chromium tries out.
static constexpr Chip chips[] = {
    {"webgpu", /*storageBuffers=*/8, /*threads=*/256,
     /*workgroupBytes=*/16 * 1024},
    {"webgpu-10", 10, 256, 16 * 1024},
    {"webgpu-desktop", 16, 1024, 32 * 1024},
    {"webgpu-tiled", 8, 256, 16 * 1024, /*subgroup=*/1},
    {"webgpu-software", 8, /*threads=*/16, 16 * 1024, /*subgroup=*/4,
     /*matrix=*/{}, /*isSoftware=*/true},
    {"webgpu-subgroups", 16, 256, 32 * 1024, /*subgroup=*/4},
    {"webgpu-subgroups32", 16, 512, 32 * 1024, /*subgroup=*/32},
    {"webgpu-subgroups32-48k", 16, 512, 48 * 1024, /*subgroup=*/32},
    {"webgpu-matrix", 16, 512, 32 * 1024, /*subgroup=*/32, {16, 16, 16}},
    {"webgpu-matrix-48k", 16, 512, 48 * 1024, /*subgroup=*/32, {16, 16, 16}},
    {"webgpu-matrix8", 16, 256, 32 * 1024, /*subgroup=*/8, {8, 8, 8}},
};

/// Workgroups that read keys side by side where queries are few: devices with
/// wide subgroups have many that run at a time.
int64_t Chip::getWorkers() const {
  if (!subgroup)
    return 0;
  return subgroup < 32 ? 256 : 1024;
}

/// What a device needs beyond the limits, as docs/artifact.md calls it.
std::vector<std::string> Chip::getFeatures() const {
  std::vector<std::string> features;
  if (isSoftware)
    features.push_back("software");
  if (subgroup > 1)
    features.push_back("subgroups");
  // Of any size there are four lanes.
  if (subgroup > 4)
    features.push_back(llvm::formatv(hasMatrices() ? "subgroup-size:{0}"
                                                   : "subgroup-min-size:{0}",
                                     subgroup));
  if (hasMatrices())
    llvm::append_range(features,
                       std::initializer_list<std::string>{
                           "matrix-opaque",
                           llvm::formatv("subgroup-matrix:{0}x{1}x{2}:f16:f32",
                                         matrix[0], matrix[1], matrix[2])});
  return features;
}

/// The language has i32, f32 and f16, may assume that nothing is infinite, and
/// leaves to a device how it rounds multiply-adds and exponentials.
static constexpr auto lacks = tile::Lacks::Int64 | tile::Lacks::SmallInt |
                              tile::Lacks::SmallStorage |
                              tile::Lacks::Infinity | tile::Lacks::PreciseMath;

static void buildShaders(OpPassManager &pm, const TileToGPUOptions &toGPU) {
  pm.addNestedPass<func::FuncOp>(createExpandRanges());
  addMatrixPasses(pm.nest<func::FuncOp>());
  pm.addNestedPass<func::FuncOp>(createFiniteScores());
  pm.addNestedPass<func::FuncOp>(createAssignLayouts());
  pm.addNestedPass<func::FuncOp>(createShareLoops());
  pm.addNestedPass<func::FuncOp>(createDeferSums());
  pm.addPass(createLayoutToGPU());
  pm.addPass(createTileToGPU(toGPU));

  OpPassManager &kernels = pm.nest<gpu::GPUModuleOp>();
  kernels.addPass(createInterleaveHeads());
  kernels.addPass(createAddDispatchParameters());
  kernels.addPass(createCountLoops());
  buildShaderKernelPipeline(kernels, {"bf16"});
  kernels.addPass(createOutlineHoles());
  pm.addPass(createDescribeKernels());
}

namespace {
class WGSL final : public Target {
public:
  WGSL() : Target(targetName.str(), "WebGPU shaders, for runtime/web") {}

  std::vector<std::string> getChips() const override { return getNames(chips); }
  /// Nobody knows what device a visitor has, but that browsers are as they
  /// come.
  std::vector<std::string> getBundledChips() const override {
    std::vector<std::string> names = getChips();
    llvm::erase_if(names, [](StringRef name) {
      return getChip(chips, name).hasMatrices();
    });
    return names;
  }
  /// The runtime reads limits off the text.
  bool codeTellsNeeds() const override { return true; }
  bool isForBrowsers(StringRef chip) const override { return true; }
  tile::TargetAttr describeChip(MLIRContext *context, StringRef name,
                                std::string &error) const override {
    const Chip &chip = getChip(chips, name);
    std::vector<std::string> features = chip.getFeatures();
    return tile::TargetAttr::get(
        context, targetName, name, /*vectorBits=*/0, /*vectorRegisters=*/0,
        /*l1Bytes=*/0, /*l2Bytes=*/0, chip.threads, chip.subgroup,
        chip.workgroupBytes, chip.workgroupBytes, chip.storageBuffers,
        chip.getWorkers(),
        chip.hasMatrices() ? tile::MatrixUnits::Cooperative
                           : tile::MatrixUnits::None,
        features.empty()
            ? ArrayAttr()
            : Builder(context).getStrArrayAttr(
                  SmallVector<StringRef>(features.begin(), features.end())),
        chip.hasMatrices() ? Builder(context).getDenseI64ArrayAttr(chip.matrix)
                           : DenseI64ArrayAttr(),
        lacks);
  }

  void buildTilePipeline(OpPassManager &pm,
                         const TargetOptions &options) const override {
    // Pages load the text, and devices compile it while they wait: one body
    // of the loop has two thirds of it.
    buildShaderTilePipeline(pm, *this, options, /*scoresOnly=*/true,
                            /*packBindings=*/true);
  }
  void buildKernelPipeline(OpPassManager &pm) const override {
    buildShaders(pm, TileToGPUOptions());
  }

  StringRef getTextFormat() const override { return "wgsl"; }
  bool printsHoles() const override { return true; }
  std::string getPipeline() const override {
    return "--attn-to-tile --attn-to-wgsl";
  }
  LogicalResult printKernels(gpu::GPUModuleOp module, StringRef chip,
                             raw_ostream &os) const override {
    return translateToWGSL(module, os);
  }
  FailureOr<std::vector<CodeSection>>
  emitCode(ModuleOp module, tile::TargetAttr machine,
           const TargetOptions &options, PhaseCallback timer) const override {
    FailureOr<std::vector<CodeSection>> sections =
        emitShaderText(module, translateToWGSL, "fn", "WGSL");
    timer("WGSL");
    return sections;
  }
  int64_t getIndexBits() const override { return 32; }
  /// The runtime has no WebGPU: browsers and Node do.
  StringRef getBackend() const override { return ""; }
  std::optional<Host> getHost() const override {
    return Host{"webgpu", "runtime/web/host/host.mjs"};
  }
  std::string chooseChip(StringRef features) const override;

  void explainMachine(tile::TargetAttr machine,
                      std::vector<std::string> &choices) const override {
    choices.push_back(llvm::formatv(
        "chip {0}: {1} threads and {2} bytes of memory a workgroup, {3} "
        "storage buffers",
        machine.getChip(), machine.getThreads(), machine.getStaticSharedBytes(),
        machine.getStorageBuffers()));
  }

  static constexpr StringLiteral targetName = "wgsl";
};
} // namespace

/// The largest chip whose limits the device has, of which the host tells
/// "storageBuffers=8,threads=256,workgroupBytes=16384".
std::string WGSL::chooseChip(StringRef features) const {
  llvm::StringMap<int64_t> limits;
  for (StringRef limit : llvm::split(features, ',')) {
    auto [name, value] = limit.split('=');
    value.getAsInteger(10, limits[name]);
  }
  auto runs = [&](const Chip &chip) {
    return limits.lookup("storageBuffers") >= chip.storageBuffers &&
           limits.lookup("threads") >= chip.threads &&
           limits.lookup("workgroupBytes") >= chip.workgroupBytes &&
           chip.subgroup == 0;
  };
  for (const Chip &chip : llvm::reverse(chips))
    if (runs(chip))
      return chip.name.str();
  return "";
}

void attn::registerWGSLTargets() { registerTarget(std::make_unique<WGSL>()); }

void attn::buildWGSLPipeline(OpPassManager &pm,
                             const WGSLPipelineOptions &options) {
  registerWGSLTargets();
  pm.addPass(createAttachTarget({WGSL::targetName.str(), /*chip=*/""}));
  finishSchedules(pm, WGSL());
  TileToGPUOptions toGPU;
  toGPU.threads = options.threads;
  toGPU.maxThreads = options.maxThreads;
  toGPU.workgroupBytes = options.workgroupBytes;
  buildShaders(pm, toGPU);
}

void attn::registerWGSLPipelines() {
  registerModulePipeline<WGSLPipelineOptions>(
      "attn-to-wgsl", "Lower tile kernels to the normal form of WGSL kernels",
      buildWGSLPipeline);
}
