//===- Pipelines.cpp - Pass pipelines -------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The orders in which passes run, as far as targets share them.
//
//===----------------------------------------------------------------------===//

#include "attn/Pipelines/Pipelines.h"
#include "attn/Conversion/LegalizeKernels.h"
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

void attn::buildRegionPipeline(OpPassManager &pm,
                               const RegionPipelineOptions &options) {
  pm.addPass(createInsertChecks({options.contents}));
  pm.addPass(createExpandSugar());
  pm.addPass(createMakeTotal());
  pm.addPass(createSimplifyRegions());
  pm.addPass(createBufferizePrograms());
}

void attn::buildGridPipeline(OpPassManager &pm,
                             const TilePipelineOptions &options) {
  TileAttentionOptions tile;
  tile.tileM = options.tileM;
  tile.tileN = options.tileN;
  tile.rowMultiple = options.rowMultiple;
  tile.shareColumns = options.shareColumns;
  tile.divide = options.divide;
  tile.explain = options.explain;
  pm.addNestedPass<func::FuncOp>(createTileAttention(tile));
  pm.addNestedPass<func::FuncOp>(createSplitKeys());
  addCleanup(pm);
  if (options.fuse)
    pm.addNestedPass<func::FuncOp>(createFuseOnlineSoftmax());
  pm.addNestedPass<func::FuncOp>(createExpandRanges());
  // Before scores are computed in branches.
  if (options.scoresOnly)
    pm.addNestedPass<func::FuncOp>(createSinkScale());
  pm.addNestedPass<func::FuncOp>(createUnswitchMasks({options.scoresOnly}));
  addCleanup(pm);
  if (options.packBindings)
    pm.addNestedPass<func::FuncOp>(createPackBindings());
  pm.addPass(createOutlineKernels());
  addCleanup(pm);
}

void attn::buildTilePipeline(OpPassManager &pm,
                             const TilePipelineOptions &options) {
  RegionPipelineOptions region;
  region.contents = options.contents;
  buildRegionPipeline(pm, region);
  buildGridPipeline(pm, options);
}

void attn::buildLegalizePipeline(OpPassManager &pm) {
  pm.addPass(createVerifyKernelForm());
  pm.addPass(createBindArguments());
  pm.addPass(createStoreInfinityBits());
  pm.addPass(createPackElements());
  pm.addPass(createExpandBooleans());
  pm.addPass(createWidenSmallIntegers());
  pm.addPass(createNarrowIndices());
  pm.addPass(createEmulateInt64());
  pm.addPass(createSignedWhenEquivalent());
  addCleanup(pm);
  // MLIR compares what was extended ahead of its extension.
  pm.addPass(createWidenSmallIntegers());
  pm.addPass(createVerifyKernelForm({/*legal=*/true}));
}

bool attn::takesModulePasses(OpPassManager &pm) {
  return pm.getNesting() == OpPassManager::Nesting::Implicit ||
         pm.getOpAnchorName() == ModuleOp::getOperationName();
}

void attn::registerAttnPipelines() {
  registerModulePipeline<EmptyPipelineOptions>(
      "attn-legalize-kernels",
      "Kernels in normal form without what the target lacks",
      [](OpPassManager &pm, const EmptyPipelineOptions &) {
        buildLegalizePipeline(pm);
      });
  registerModulePipeline<TilePipelineOptions>(
      "attn-to-tile", "Attention to outlined kernels of tile ops",
      buildTilePipeline);
}
