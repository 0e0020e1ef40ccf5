//===- CUDATarget.cpp - Chips and their pipelines -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is known of NVIDIA's chips, and the order of passes from attention to
// kernels for them.
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

/// Shared memory is what the CUDA programming guide lists for a block: of all
/// that a multiprocessor has, 1 KiB is reserved.
static constexpr CUDAChip chips[] = {
    {"sm_80", /*sharedBytes=*/163 * 1024, /*multiprocessors=*/108,
     /*isHopper=*/false},
    {"sm_86", 99 * 1024, 84, false},
    {"sm_89", 99 * 1024, 128, false},
    {"sm_90a", 227 * 1024, 132, true},
};

ArrayRef<CUDAChip> attn::getCUDAChips() { return chips; }

const CUDAChip *attn::findCUDAChip(StringRef name) {
  for (const CUDAChip &chip : chips)
    if (chip.name == name)
      return &chip;
  return nullptr;
}

const CUDAChip *attn::chooseCUDAChip(StringRef device) {
  auto version = [](StringRef name) {
    unsigned number = 0;
    name.consume_front("sm_");
    (void)name.consumeInteger(10, number);
    return number;
  };
  const CUDAChip *best = nullptr;
  for (const CUDAChip &chip : chips) {
    bool runs = chip.isHopper ? version(chip.name) == version(device)
                              : version(chip.name) <= version(device);
    if (runs)
      best = &chip;
  }
  return best;
}

bool attn::isSixteenBit(func::FuncOp entry) {
  bool result = true;
  entry.walk([&](AttentionOp op) {
    Type element = cast<ShapedType>(op.getQuery().getType()).getElementType();
    result &= element.isF16() || element.isBF16();
  });
  return result;
}

void attn::buildCUDATilePipeline(OpPassManager &pm, const CUDAChip &chip,
                                 TileShape tile) {
  CUDAScheduleOptions schedule;
  schedule.multiprocessors = chip.multiprocessors;
  schedule.mma = !chip.isHopper;
  schedule.sharedBytes = chip.sharedBytes;
  schedule.tileM = tile.m;
  schedule.tileN = tile.n;
  pm.addNestedPass<func::FuncOp>(createCUDASchedule(schedule));
  // Device memory is not for the host to read.
  SetArtifactOptions artifact;
  artifact.target = "cuda";
  artifact.chip = chip.name;
  pm.addPass(createSetArtifact(artifact));
  TileAttentionOptions tiling;
  tiling.headMultiple = 16;
  tiling.rowMultiple = 1;
  pm.addNestedPass<func::FuncOp>(createTileAttention(tiling));
  pm.addNestedPass<func::FuncOp>(createSplitKeys());
  addCleanup(pm);
  pm.addNestedPass<func::FuncOp>(createFuseOnlineSoftmax());
  pm.addPass(createOutlineKernels());
  addCleanup(pm);
}

void attn::buildCUDAKernelPipeline(OpPassManager &pm, const CUDAChip &chip,
                                   bool sixteenBit) {
  pm.addNestedPass<func::FuncOp>(createSinkScale());
  pm.addNestedPass<func::FuncOp>(createContractExp2());
  ExpandMathOptions math;
  math.shortTanh = sixteenBit;
  pm.addPass(createExpandMath(math));
  if (chip.isHopper) {
    TileToHopperOptions hopper;
    hopper.sharedBytes = chip.sharedBytes;
    pm.addPass(createTileToHopper(hopper));
  }
  TileToMMAOptions mma;
  mma.sharedBytes = chip.sharedBytes;
  pm.addPass(createTileToMMA(mma));
  buildNVPTXPlainPipeline(pm, NVPTXPlainOptions());
}

namespace {
struct CUDAOptions : public PassPipelineOptions<CUDAOptions> {
  Option<int64_t> tileM{*this, "tile-m",
                        llvm::cl::desc("Query rows of a tile; 0: chosen"),
                        llvm::cl::init(0)};
  Option<int64_t> tileN{*this, "tile-n",
                        llvm::cl::desc("Keys of a tile; 0: chosen"),
                        llvm::cl::init(0)};
};
} // namespace

void attn::registerCUDAPipelines() {
  auto add = [](StringRef name, StringRef summary, const CUDAChip &chip) {
    PassPipelineRegistration<CUDAOptions>(
        name, summary, [&chip](OpPassManager &pm, const CUDAOptions &options) {
          pm.addPass(createInsertChecks());
          pm.addPass(createExpandSugar());
          pm.addPass(createMakeTotal());
          pm.addPass(createSimplifyRegions());
          pm.addPass(createBufferizePrograms());
          buildCUDATilePipeline(pm, chip, {options.tileM, options.tileN});
          buildCUDAKernelPipeline(pm, chip, /*sixteenBit=*/true);
        });
  };
  add("attn-to-hopper",
      "Attention to kernels in the LLVM dialect for Hopper's tensor cores",
      *findCUDAChip("sm_90a"));
  // Its tiles fit all chips.
  add("attn-to-mma",
      "Attention to kernels in the LLVM dialect for the tensor cores of chips "
      "from sm_80 on",
      *findCUDAChip("sm_86"));
}
