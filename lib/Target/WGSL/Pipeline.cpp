//===- Pipeline.cpp - The pipeline attn-to-wgsl ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Devices, and tile kernels to the normal form that the WGSL printer reads.
//
//===----------------------------------------------------------------------===//

#include "attn/Conversion/Passes.h"
#include "attn/Target/WGSL.h"
#include "attn/Transforms/Passes.h"

#include "mlir/Pass/PassRegistry.h"

using namespace mlir;
using namespace attn;

/// The limits that every WebGPU device has, and those of a device that Vulkan,
/// Metal or Direct3D 12 drives on a desktop.
static constexpr WGSLChip chips[] = {
    {"webgpu", /*storageBuffers=*/8, /*threads=*/256,
     /*workgroupBytes=*/16 * 1024},
    {"webgpu-desktop", 16, 1024, 32 * 1024},
};

ArrayRef<WGSLChip> attn::getWGSLChips() { return chips; }

const WGSLChip *attn::findWGSLChip(StringRef name) {
  for (const WGSLChip &chip : chips)
    if (chip.name == name)
      return &chip;
  return nullptr;
}

SetArtifactOptions attn::describeWGSL(const WGSLChip &chip) {
  SetArtifactOptions options;
  options.target = "wgsl";
  options.chip = chip.name;
  options.indexBits = 32;
  return options;
}

void attn::buildWGSLPipeline(OpPassManager &manager,
                             const WGSLOptions &options) {
  manager.addNestedPass<func::FuncOp>(createExpandRanges());
  manager.addNestedPass<func::FuncOp>(createFiniteScores());
  TileToGPUOptions toGPU;
  toGPU.threads = options.threads;
  toGPU.maxThreads = options.maxThreads;
  toGPU.workgroupBytes = options.workgroupBytes;
  manager.addPass(createTileToGPU(toGPU));

  OpPassManager &kernels = manager.nest<gpu::GPUModuleOp>();
  kernels.addPass(createExpandMath());
  kernels.addPass(createCanonicalizerPass());
  kernels.addPass(createCSEPass());
  kernels.addPass(createLoopInvariantCodeMotionPass());
}

void attn::registerWGSLPipelines() {
  PassPipelineRegistration<WGSLOptions>(
      "attn-to-wgsl", "Lower tile kernels to the normal form of WGSL kernels",
      [](OpPassManager &manager, const WGSLOptions &options) {
        manager.addPass(
            createSetArtifact(describeWGSL(getWGSLChips().front())));
        buildWGSLPipeline(manager, options);
      });
}
