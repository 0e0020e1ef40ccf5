//===- Shaders.h - What targets of shaders share ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes of targets whose kernels run on GPUs of any kind.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_TARGET_SHADERS_H
#define LIB_TARGET_SHADERS_H

#include "../Conversion/RunWhere.h"

#include "attn/Conversion/AssignLayouts.h"
#include "attn/Conversion/ExpandMath.h"
#include "attn/Conversion/FiniteScores.h"
#include "attn/Conversion/GPUSchedule.h"
#include "attn/Conversion/LayoutToGPU.h"
#include "attn/Conversion/LegalizeKernels.h"
#include "attn/Conversion/TileToGPU.h"
#include "attn/Pipelines/Pipelines.h"
#include "attn/Target/Target.h"
#include "attn/Transforms/Passes.h"

#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Transforms/DialectConversion.h"

namespace attn {

/// From attention to outlined tile kernels with the schedule of gpu-schedule;
/// `scoresOnly` and `packBindings` as of TilePipelineOptions.
inline void buildShaderTilePipeline(mlir::OpPassManager &pm,
                                    const Target &target,
                                    const TargetOptions &options,
                                    bool scoresOnly = false,
                                    bool packBindings = false) {
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
  tile.shareColumns = true;
  tile.explain = options.choices;
  tile.scoresOnly = scoresOnly;
  tile.packBindings = packBindings;
  buildGridPipeline(pm, tile);
}

/// Arithmetic on these types of floats in f32, where there is any: MLIR's pass
/// would visit all ops and have them verified.
inline void addFloatEmulation(mlir::OpPassManager &kernels,
                              llvm::ArrayRef<std::string> emulated) {
  mlir::arith::ArithEmulateUnsupportedFloatsOptions floats;
  floats.sourceTypeStrs.assign(emulated.begin(), emulated.end());
  mlir::OpPassManager pipeline(mlir::gpu::GPUModuleOp::getOperationName());
  pipeline.addPass(mlir::arith::createArithEmulateUnsupportedFloats(floats));
  auto isNeeded = [types = floats.sourceTypeStrs](mlir::gpu::GPUModuleOp op) {
    mlir::MLIRContext *context = op.getContext();
    llvm::SmallVector<mlir::Type> sources;
    for (llvm::StringRef type : types)
      sources.push_back(*mlir::arith::parseFloatType(context, type));
    mlir::TypeConverter converter;
    mlir::arith::populateEmulateUnsupportedFloatsConversions(
        converter, sources, mlir::Float32Type::get(context));
    mlir::ConversionTarget target(*context);
    mlir::arith::populateEmulateUnsupportedFloatsLegality(target, converter);
    return op
        ->walk([&](mlir::Operation *inner) {
          return target.isIllegal(inner) ? mlir::WalkResult::interrupt()
                                         : mlir::WalkResult::advance();
        })
        .wasInterrupted();
  };
  kernels.addPass(std::make_unique<RunWhere<mlir::gpu::GPUModuleOp>>(
      "EmulateFloats", isNeeded, std::move(pipeline)));
}

/// From lowered kernels to the normal form without what the target lacks; these
/// types of floats are computed in f32.
inline void buildShaderKernelPipeline(mlir::OpPassManager &kernels,
                                      llvm::ArrayRef<std::string> emulated) {
  addFloatEmulation(kernels, emulated);
  kernels.addPass(createExpandMath());
  addCleanupAndHoisting(kernels);
  buildLegalizePipeline(kernels);
}

/// Outlined tile kernels to GPU kernels: tiles live in layouts where they fit,
/// elsewhere in workgroup memory, of which the smallest element takes
/// `elementBytes`; `shortTanh` as in tile-expand-math.
inline void buildLayoutPipeline(mlir::OpPassManager &pm,
                                int64_t elementBytes = 1,
                                bool shortTanh = false) {
  addMatrixPasses(pm.nest<mlir::func::FuncOp>());
  pm.addNestedPass<mlir::func::FuncOp>(createFiniteScores());
  pm.addNestedPass<mlir::func::FuncOp>(createAssignLayouts());
  pm.addNestedPass<mlir::func::FuncOp>(createShareLoops());
  pm.addNestedPass<mlir::func::FuncOp>(createDeferSums());
  pm.addNestedPass<mlir::func::FuncOp>(createPrefetchLoads());
  pm.addNestedPass<mlir::func::FuncOp>(createSplitLoops());
  // While types tell how exact scores are.
  if (shortTanh)
    pm.addNestedPass<mlir::func::FuncOp>(
        createExpandMath({/*keepTanh=*/false, shortTanh}));
  pm.addPass(createJoinLaunches());
  pm.addPass(createLayoutToGPU());
  TileToGPUOptions others;
  others.elementBytes = elementBytes;
  pm.addPass(createTileToGPU(others));
  pm.addNestedPass<mlir::gpu::GPUModuleOp>(createInterleaveHeads());
}

/// The text of each module of kernels, a section each. The description calls a
/// kernel by its symbol, so the text has to as well: there it stands behind
/// `keyword`. `language` is for the diagnostic.
inline mlir::FailureOr<std::vector<CodeSection>>
emitShaderText(mlir::ModuleOp module,
               llvm::function_ref<mlir::LogicalResult(mlir::gpu::GPUModuleOp,
                                                      llvm::raw_ostream &)>
                   translate,
               llvm::StringRef keyword, llvm::StringRef language) {
  std::vector<CodeSection> sections;
  for (auto kernels : module.getOps<mlir::gpu::GPUModuleOp>()) {
    CodeSection section{kernels.getName().str(), ""};
    llvm::raw_string_ostream os(section.bytes);
    if (failed(translate(kernels, os)))
      return mlir::failure();
    for (auto kernel : kernels.getOps<mlir::gpu::GPUFuncOp>())
      if (!llvm::StringRef(section.bytes)
               .contains(("\n" + keyword + " " + kernel.getName() + "(").str()))
        return kernel.emitError("the kernel '")
               << kernel.getName() << "' cannot be called so in " << language
               << "; use letters, digits and single underscores in the name of "
                  "the function";
    sections.push_back(std::move(section));
  }
  return sections;
}

} // namespace attn

#endif // LIB_TARGET_SHADERS_H
