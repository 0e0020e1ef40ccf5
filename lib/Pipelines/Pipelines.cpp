//===- Pipelines.cpp - Pass pipelines -------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The orders in which passes run. A pipeline only lists passes.
//
//===----------------------------------------------------------------------===//

#include "attn/Pipelines/Pipelines.h"
#include "attn/Conversion/Passes.h"
#include "attn/Transforms/Passes.h"

#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace attn;

/// Attention on tensors or memrefs, with or without sugar, to attention on
/// memrefs with two regions.
static void buildRegionPipeline(OpPassManager &pm, bool contents) {
  pm.addPass(createInsertChecks({contents}));
  pm.addPass(createExpandSugar());
  pm.addPass(createMakeTotal());
  pm.addPass(createSimplifyRegions());
  pm.addPass(createBufferizePrograms());
}

/// From there to outlined kernels.
static void buildGridPipeline(OpPassManager &pm,
                              const TilePipelineOptions &options) {
  TileAttentionOptions tile;
  tile.tileM = options.tileM;
  tile.tileN = options.tileN;
  tile.rowMultiple = options.rowMultiple;
  tile.divide = options.divide;
  pm.addNestedPass<func::FuncOp>(createTileAttention(tile));
  pm.addNestedPass<func::FuncOp>(createSplitKeys());
  addCleanup(pm);
  if (options.fuse)
    pm.addNestedPass<func::FuncOp>(createFuseOnlineSoftmax());
  pm.addNestedPass<func::FuncOp>(createExpandRanges());
  pm.addNestedPass<func::FuncOp>(createUnswitchMasks());
  addCleanup(pm);
  pm.addPass(createOutlineKernels());
  addCleanup(pm);
}

void attn::buildTilePipeline(OpPassManager &pm,
                             const TilePipelineOptions &options) {
  buildRegionPipeline(pm, options.contents);
  buildGridPipeline(pm, options);
}

void attn::buildCPUSchedulePipeline(OpPassManager &pm,
                                    const CPUPipelineOptions &options) {
  buildRegionPipeline(pm, /*contents=*/true);
  CPUScheduleOptions schedule;
  schedule.tileM = options.tileM;
  schedule.tileN = options.tileN;
  schedule.vectorBits = options.vectorBits;
  schedule.l1Bytes = options.l1Bytes;
  schedule.l2Bytes = options.l2Bytes;
  pm.addNestedPass<func::FuncOp>(createCPUSchedule(schedule));
}

void attn::buildCPUTilePipeline(OpPassManager &pm,
                                const CPUPipelineOptions &options, bool fuse) {
  TilePipelineOptions tile;
  // Every attention op has a schedule; a merge takes these rows.
  if (options.tileM)
    tile.tileM = options.tileM;
  tile.rowMultiple = options.vectorBits / 32;
  tile.fuse = fuse;
  tile.divide = true;
  buildGridPipeline(pm, tile);
}

void attn::buildCPUKernelPipeline(OpPassManager &pm,
                                  const CPUPipelineOptions &options) {
  OpPassManager &kernels = pm.nest<func::FuncOp>();
  kernels.addPass(createExpandMath());
  TileToCPUOptions lower;
  lower.vectorBits = options.vectorBits;
  lower.registers = options.registers;
  kernels.addPass(createTileToCPU(lower));
  CPUExpandExp2Options exp2;
  exp2.scalef = options.vectorBits >= 512;
  kernels.addPass(createCPUExpandExp2(exp2));
  addCleanup(kernels);
}

/// All of it. In a module that stays in its compiler the grids become
/// scf.parallel loops that call the kernels.
static void buildWholeCPUPipeline(OpPassManager &pm,
                                  const CPUPipelineOptions &options,
                                  bool fuse) {
  buildCPUSchedulePipeline(pm, options);
  buildCPUTilePipeline(pm, options, fuse);
  buildCPUKernelPipeline(pm, options);
  if (!options.launches)
    pm.addPass(createLaunchToParallel());
}

void attn::registerAttnPipelines() {
  PassPipelineRegistration<TilePipelineOptions>(
      "attn-to-tile", "Attention to outlined kernels of tile ops",
      buildTilePipeline);
  PassPipelineRegistration<CPUPipelineOptions>(
      "attn-to-cpu", "Attention to vector code and parallel loops for CPUs",
      [](OpPassManager &pm, const CPUPipelineOptions &options) {
        buildWholeCPUPipeline(pm, options, /*fuse=*/true);
      });
  PassPipelineRegistration<CPUPipelineOptions>(
      "attn-to-cpu-standard",
      "Standard attention with the scores in memory, from the same tile ops",
      [](OpPassManager &pm, const CPUPipelineOptions &options) {
        buildWholeCPUPipeline(pm, options, /*fuse=*/false);
      });
}
