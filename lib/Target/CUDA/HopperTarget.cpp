//===- HopperTarget.cpp - Pipelines for Hopper ----------------------------===//
//
// The order of passes from attention to kernels for sm_90a.
//
//===----------------------------------------------------------------------===//

#include "attn/Conversion/Passes.h"
#include "attn/Target/CUDA.h"
#include "attn/Target/NVPTX.h"
#include "attn/Transforms/Passes.h"

#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace attn;

bool attn::isSixteenBit(func::FuncOp entry) {
  bool result = true;
  entry.walk([&](AttentionOp op) {
    Type element = cast<ShapedType>(op.getQuery().getType()).getElementType();
    result &= element.isF16() || element.isBF16();
  });
  return result;
}

void attn::buildHopperTilePipeline(OpPassManager &pm, TileShape tile) {
  HopperScheduleOptions schedule;
  schedule.tileM = tile.m;
  schedule.tileN = tile.n;
  pm.addNestedPass<func::FuncOp>(createHopperSchedule(schedule));
  TileAttentionOptions tiling;
  tiling.headMultiple = 16;
  tiling.rowMultiple = 1;
  pm.addNestedPass<func::FuncOp>(createTileAttention(tiling));
  addCleanup(pm);
  pm.addNestedPass<func::FuncOp>(createFuseOnlineSoftmax());
  pm.addPass(createOutlineKernels());
  addCleanup(pm);
}

void attn::buildHopperKernelPipeline(OpPassManager &pm, bool sixteenBit) {
  pm.addNestedPass<func::FuncOp>(createSinkScale());
  pm.addNestedPass<func::FuncOp>(createContractExp2());
  ExpandMathOptions math;
  math.shortTanh = sixteenBit;
  pm.addPass(createExpandMath(math));
  pm.addPass(createClampReads());
  pm.addPass(createTileToHopper());
  buildNVPTXPlainPipeline(pm, NVPTXPlainOptions());
}

namespace {
struct HopperOptions : public PassPipelineOptions<HopperOptions> {
  Option<int64_t> tileM{*this, "tile-m",
                        llvm::cl::desc("Query rows of a tile; 0: chosen"),
                        llvm::cl::init(0)};
  Option<int64_t> tileN{*this, "tile-n",
                        llvm::cl::desc("Keys of a tile; 0: chosen"),
                        llvm::cl::init(0)};
};
} // namespace

void attn::registerHopperPipelines() {
  PassPipelineRegistration<HopperOptions>(
      "attn-to-hopper",
      "Attention to kernels in the LLVM dialect for Hopper's tensor cores",
      [](OpPassManager &pm, const HopperOptions &options) {
        pm.addPass(createExpandSugar());
        pm.addPass(createSimplifyRegions());
        pm.addPass(createBufferizePrograms());
        buildHopperTilePipeline(pm, {options.tileM, options.tileN});
        buildHopperKernelPipeline(pm, /*sixteenBit=*/true);
      });
}
