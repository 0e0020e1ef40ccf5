//===- Pipeline.cpp - The pipeline attn-to-nvptx-plain --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tile kernels through GPU kernels in normal form to the LLVM dialect.
//
//===----------------------------------------------------------------------===//

#include "attn/Conversion/Passes.h"
#include "attn/Target/NVPTX.h"
#include "attn/Transforms/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Pass/PassRegistry.h"

using namespace mlir;

void attn::buildNVPTXPlainPipeline(OpPassManager &manager,
                                   const NVPTXPlainOptions &options) {
  manager.addNestedPass<func::FuncOp>(createExpandRanges());
  TileToGPUOptions toGPU;
  toGPU.threads = options.threads;
  toGPU.workgroupBytes = options.sharedBytes;
  manager.addPass(createTileToGPU(toGPU));

  OpPassManager &kernels = manager.nest<gpu::GPUModuleOp>();
  ExpandMathOptions math;
  math.keepTanh = true;
  kernels.addPass(createExpandMath(math));
  kernels.addPass(createCanonicalizerPass());
  kernels.addPass(createCSEPass());
  kernels.addPass(createLoopInvariantCodeMotionPass());
  kernels.addPass(createMathToNVPTX());
  kernels.addPass(createSCFToControlFlowPass());
  // Ahead of convert-gpu-to-nvvm, which would call libdevice for some of them.
  kernels.addPass(createConvertMathToLLVMPass());
  kernels.addPass(createArithToLLVMConversionPass());
  ConvertGpuOpsToNVVMOpsOptions toNVVM;
  toNVVM.useBarePtrCallConv = true;
  toNVVM.indexBitwidth = 64;
  kernels.addPass(createConvertGpuOpsToNVVMOps(toNVVM));
  kernels.addPass(createReconcileUnrealizedCastsPass());
  kernels.addPass(createCanonicalizerPass());
  kernels.addPass(createCSEPass());
}

void attn::registerNVPTXPipelines() {
  PassPipelineRegistration<NVPTXPlainOptions>(
      "attn-to-nvptx-plain",
      "Lower tile kernels to the LLVM dialect for NVIDIA chips without using "
      "their matrix units",
      [](OpPassManager &manager, const NVPTXPlainOptions &options) {
        SetArtifactOptions artifact;
        artifact.target = "cuda";
        artifact.chip = "sm_80";
        manager.addPass(createSetArtifact(artifact));
        buildNVPTXPlainPipeline(manager, options);
      });
}
