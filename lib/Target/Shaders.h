//===- Shaders.h - What targets of shaders share ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes of targets whose kernels run on GPUs of any kind.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_TARGET_SHADERS_H
#define LIB_TARGET_SHADERS_H

#include "attn/Conversion/ExpandMath.h"
#include "attn/Conversion/GPUSchedule.h"
#include "attn/Pipelines/Pipelines.h"
#include "attn/Target/Target.h"

#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Transforms/Passes.h"

namespace attn {

/// From attention to outlined tile kernels with the schedule of gpu-schedule;
/// `scoresOnly` as of TilePipelineOptions.
inline void buildShaderTilePipeline(mlir::OpPassManager &pm,
                                    const Target &target,
                                    const TargetOptions &options,
                                    bool scoresOnly = false) {
  buildRegionPipeline(pm, RegionPipelineOptions());
  GPUScheduleOptions schedule;
  schedule.tileM = options.tileM;
  schedule.tileN = options.tileN;
  pm.addNestedPass<mlir::func::FuncOp>(createGPUSchedule(schedule));
  finishSchedules(pm, target, options);
  TilePipelineOptions tile;
  // Every attention op has a schedule; a merge takes these rows.
  tile.tileM = options.tileM ? options.tileM : kGPUTileRows;
  tile.rowMultiple = 1;
  tile.explain = options.choices;
  tile.scoresOnly = scoresOnly;
  buildGridPipeline(pm, tile);
}

/// From lowered kernels to the normal form without what the target lacks; these
/// types of floats are computed in f32.
inline void buildShaderKernelPipeline(mlir::OpPassManager &kernels,
                                      llvm::ArrayRef<std::string> emulated) {
  mlir::arith::ArithEmulateUnsupportedFloatsOptions floats;
  floats.sourceTypeStrs.assign(emulated.begin(), emulated.end());
  kernels.addPass(mlir::arith::createArithEmulateUnsupportedFloats(floats));
  kernels.addPass(createExpandMath());
  kernels.addPass(mlir::createCanonicalizerPass());
  kernels.addPass(mlir::createCSEPass());
  kernels.addPass(mlir::createLoopInvariantCodeMotionPass());
  buildLegalizePipeline(kernels);
}

} // namespace attn

#endif // LIB_TARGET_SHADERS_H
