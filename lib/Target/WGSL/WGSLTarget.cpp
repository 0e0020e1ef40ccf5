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
#include "attn/Conversion/FiniteScores.h"
#include "attn/Conversion/TileToGPU.h"
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
};
} // namespace

/// The limits that every WebGPU device has, more buffers (ids of documents with
/// row statistics take 9), and those of a device that Vulkan, Metal or Direct3D
/// 12 drives on a desktop.
static constexpr Chip chips[] = {
    {"webgpu", /*storageBuffers=*/8, /*threads=*/256,
     /*workgroupBytes=*/16 * 1024},
    {"webgpu-10", 10, 256, 16 * 1024},
    {"webgpu-desktop", 16, 1024, 32 * 1024},
};

/// The language has i32, f32 and f16, and may assume that nothing is infinite.
static constexpr auto lacks = tile::Lacks::Int64 | tile::Lacks::SmallInt |
                              tile::Lacks::SmallStorage | tile::Lacks::Infinity;

static void buildShaders(OpPassManager &pm, const TileToGPUOptions &toGPU) {
  pm.addNestedPass<func::FuncOp>(createExpandRanges());
  pm.addNestedPass<func::FuncOp>(createFiniteScores());
  pm.addPass(createTileToGPU(toGPU));

  OpPassManager &kernels = pm.nest<gpu::GPUModuleOp>();
  kernels.addPass(createAddDispatchParameters());
  buildShaderKernelPipeline(kernels, {"bf16"});
  kernels.addPass(createOutlineHoles());
  pm.addPass(createDescribeKernels());
}

namespace {
class WGSL final : public Target {
public:
  WGSL() : Target(targetName.str(), "WebGPU shaders, for runtime/web") {}

  std::vector<std::string> getChips() const override { return getNames(chips); }
  tile::TargetAttr describeChip(MLIRContext *context, StringRef name,
                                std::string &error) const override {
    const Chip &chip = getChip(chips, name);
    return tile::TargetAttr::get(
        context, targetName, name, /*vectorBits=*/0, /*vectorRegisters=*/0,
        /*l1Bytes=*/0, /*l2Bytes=*/0, chip.threads, /*subgroup=*/0,
        chip.workgroupBytes, chip.workgroupBytes, chip.storageBuffers,
        /*workers=*/0, tile::MatrixUnits::None, /*features=*/ArrayAttr(),
        /*matrixShape=*/DenseI64ArrayAttr(), lacks);
  }

  void buildTilePipeline(OpPassManager &pm,
                         const TargetOptions &options) const override {
    // Pages load the text, and devices compile it while they wait: one body
    // of the loop has two thirds of it.
    buildShaderTilePipeline(pm, *this, options, /*scoresOnly=*/true);
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
           limits.lookup("workgroupBytes") >= chip.workgroupBytes;
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
  PassPipelineRegistration<WGSLPipelineOptions>(
      "attn-to-wgsl", "Lower tile kernels to the normal form of WGSL kernels",
      buildWGSLPipeline);
}
