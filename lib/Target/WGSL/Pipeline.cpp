//===- Pipeline.cpp - The pipeline attn-to-wgsl ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tile kernels to the normal form that the WGSL printer reads.
//
//===----------------------------------------------------------------------===//

#include "attn/Conversion/Passes.h"
#include "attn/Target/WGSL.h"
#include "attn/Transforms/Passes.h"

#include "mlir/Pass/PassRegistry.h"

using namespace mlir;

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
      buildWGSLPipeline);
}
