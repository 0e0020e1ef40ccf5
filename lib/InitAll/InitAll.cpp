//===- InitAll.cpp - Everything of this compiler in one call --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The one list of what there is to register: tools, plugin and C API use it.
//
//===----------------------------------------------------------------------===//

#include "attn/InitAll.h"
#include "attn/Analysis/Passes.h"
#include "attn/Conversion/Passes.h"
#include "attn/Dialect/Attn/Attn.h"
#include "attn/Dialect/Kernel/Kernel.h"
#include "attn/Dialect/Tile/Tile.h"
#include "attn/Pipelines/Pipelines.h"
#include "attn/Target/CPU.h"
#include "attn/Target/CUDA.h"
#include "attn/Target/Metal.h"
#include "attn/Target/Passes.h"
#include "attn/Target/Vulkan.h"
#include "attn/Target/WGSL.h"
#include "attn/Transforms/Passes.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/NVVMToLLVM/NVVMToLLVM.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/Arith/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/FuncBufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/SCF/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/Transforms/BufferizableOpInterfaceImpl.h"

void attn::registerAllTargets() {
  // The first one is the default.
  registerCPUTargets();
  registerCUDATargets();
  registerVulkanTargets();
  registerWGSLTargets();
  registerMetalTargets();
}

void attn::registerAllDialects(mlir::DialectRegistry &registry) {
  registerAllTargets();
  registry.insert<AttnDialect, kernel::KernelDialect, tile::TileDialect,
                  mlir::func::FuncDialect>();
  registerAttnBufferizableOpInterfaces(registry);
  // What stands around attention, in a file and after attn-insert-checks, is
  // bufferized with it. Registering them again changes nothing.
  registry.insert<mlir::bufferization::BufferizationDialect>();
  mlir::arith::registerBufferizableOpInterfaceExternalModels(registry);
  mlir::bufferization::func_ext::registerBufferizableOpInterfaceExternalModels(
      registry);
  mlir::linalg::registerBufferizableOpInterfaceExternalModels(registry);
  mlir::scf::registerBufferizableOpInterfaceExternalModels(registry);
  mlir::tensor::registerBufferizableOpInterfaceExternalModels(registry);
  // convert-gpu-to-nvvm, a part of the way to PTX, asks dialects how their ops
  // are lowered.
  mlir::arith::registerConvertArithToLLVMInterface(registry);
  mlir::cf::registerConvertControlFlowToLLVMInterface(registry);
  mlir::registerConvertFuncToLLVMInterface(registry);
  mlir::index::registerConvertIndexToLLVMInterface(registry);
  mlir::registerConvertMemRefToLLVMInterface(registry);
  mlir::registerConvertNVVMToLLVMInterface(registry);
  mlir::ub::registerConvertUBToLLVMInterface(registry);
  mlir::vector::registerConvertVectorToLLVMInterface(registry);
}

void attn::registerAllPasses() {
  // MLIR asserts that a pipeline is registered once.
  static const bool done = [] {
    registerAttnAnalysisPasses();
    registerAttnTransformsPasses();
    registerAttnConversionPasses();
    registerAttnTargetPasses();
    registerAttnPipelines();
    registerAllTargets();
    registerCPUPipelines();
    registerCUDAPipelines();
    registerVulkanPipelines();
    registerWGSLPipelines();
    registerMetalPipelines();
    return true;
  }();
  (void)done;
}

void attn::registerAll(mlir::DialectRegistry &registry) {
  registerAllDialects(registry);
  registerAllPasses();
}
