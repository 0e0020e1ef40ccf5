//===- PlainPipeline.cpp - The plain path to PTX --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tile kernels through GPU kernels in normal form to the LLVM dialect.
//
//===----------------------------------------------------------------------===//

#include "PTX.h"

#include "attn/Conversion/ExpandMath.h"
#include "attn/Conversion/LegalizeKernels.h"
#include "attn/Conversion/MathToNVPTX.h"
#include "attn/Conversion/TileToGPU.h"
#include "attn/Transforms/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

void attn::buildNVPTXPlainPipeline(OpPassManager &manager, int64_t threads) {
  manager.addNestedPass<func::FuncOp>(createExpandRanges());
  TileToGPUOptions toGPU;
  toGPU.threads = threads;
  manager.addPass(createTileToGPU(toGPU));

  OpPassManager &kernels = manager.nest<gpu::GPUModuleOp>();
  ExpandMathOptions math;
  math.keepTanh = true;
  kernels.addPass(createExpandMath(math));
  addCleanupAndHoisting(kernels);
  kernels.addPass(createVerifyKernelForm());
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
  addCleanup(kernels);
}
