//===- HopperTarget.cpp - Tile sizes and passes for Hopper ----------------===//
//
// What is known of the chip in front of the lowering.
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

TileShape attn::chooseHopperTile(func::FuncOp entry) {
  int64_t head = 1;
  bool isShort = true;
  constexpr int64_t kShort = 1024;
  entry.walk([&](AttentionOp op) {
    isShort &= op.hasMaskRegion() &&
               !ShapedType::isDynamic(op.getQueryLength()) &&
               op.getQueryLength() <= kShort;
    head = std::max({head, op.getQkHeadSize(), op.getValueHeadSize()});
  });
  // The plain path: one row a thread, tiles in 48 KiB of shared memory.
  if (!isSixteenBit(entry))
    return {64, 32};
  // Three consumers hide the exponentials, which take as long as the products
  // for small heads; a mask wastes more of their taller tile, which few key
  // tiles do not make up for.
  if (head <= 64)
    return {isShort ? 128 : 192, 128};
  if (head <= 128)
    return {128, 128};
  if (head <= 192)
    return {128, 96};
  return {128, 64};
}

void attn::buildHopperTilePipeline(OpPassManager &pm, TileShape tile) {
  TileAttentionOptions tiling;
  tiling.tileM = tile.m;
  tiling.tileN = tile.n;
  tiling.headMultiple = 16;
  tiling.rowMultiple = 1;
  pm.addNestedPass<func::FuncOp>(createTileAttention(tiling));
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addNestedPass<func::FuncOp>(createFuseOnlineSoftmax());
  pm.addPass(createOutlineKernels());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
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
                        llvm::cl::desc("Query rows of a score tile"),
                        llvm::cl::init(128)};
  Option<int64_t> tileN{*this, "tile-n", llvm::cl::desc("Keys of a score tile"),
                        llvm::cl::init(128)};
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
