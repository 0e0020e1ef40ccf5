//===- LowerToLLVM.cpp - Vector code to LLVM's dialect --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// MLIR has a pass for each dialect and each kind of op, and each visits all
// ops. Here what few ops need is done to these alone, and all that is left is
// converted at once.
//
//===----------------------------------------------------------------------===//

#include "LowerToLLVM.h"
#include "../../Conversion/RewriteOps.h"
#include "Architecture.h"
#include "LowerLoops.h"
#include "LowerMemory.h"

#include "attn/Conversion/CPUFloatsAsBits.h"

#include "mlir/Analysis/DataLayoutAnalysis.h"
#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/AMX/Transforms.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Dialect/Vector/Transforms/LoweringPatterns.h"
#include "mlir/Dialect/Vector/Transforms/VectorRewritePatterns.h"
#include "mlir/Dialect/X86Vector/Transforms.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/DialectConversion.h"
#include "llvm/TargetParser/Triple.h"

using namespace mlir;
using namespace attn;

/// Ops on vectors that LLVM has no instruction for.
static LogicalResult lowerVectors(ModuleOp module) {
  RewritePatternSet patterns(module.getContext());
  vector::populateVectorBitCastLoweringPatterns(patterns);
  vector::populateVectorBroadcastLoweringPatterns(patterns);
  vector::populateVectorInterleaveLoweringPatterns(patterns);
  vector::populateVectorInsertExtractStridedSliceTransforms(patterns);
  vector::populateVectorGatherLoweringPatterns(patterns);
  vector::populateVectorStepLoweringPatterns(patterns);
  return rewriteOps(module, std::move(patterns), [](Operation *op) {
    return isa<vector::BitCastOp, vector::InterleaveOp, vector::DeinterleaveOp,
               vector::InsertStridedSliceOp, vector::ExtractStridedSliceOp,
               vector::GatherOp, vector::StepOp>(op);
  });
}

/// Views become arithmetic.
static LogicalResult lowerViews(ModuleOp module) {
  MLIRContext *context = module.getContext();
  RewritePatternSet views(context), affine(context);
  memref::populateExpandStridedMetadataPatterns(views);
  FailureOr<bool> changed =
      rewriteOps(module, std::move(views), [](Operation *op) {
        return isa<memref::MemRefDialect>(op->getDialect()) &&
               !isa<memref::LoadOp, memref::StoreOp, memref::AllocaOp>(op);
      });
  if (failed(changed))
    return failure();
  populateAffineToStdConversionPatterns(affine);
  return rewriteOps(module, std::move(affine), [](Operation *op) {
    return isa<affine::AffineDialect>(op->getDialect());
  });
}

/// Arithmetic that LLVM has several instructions for.
static LogicalResult lowerArithmetic(ModuleOp module) {
  RewritePatternSet patterns(module.getContext());
  arith::populateArithExpandOpsPatterns(patterns);
  return rewriteOps(module, std::move(patterns), [](Operation *op) {
    return isa<arith::CeilDivSIOp, arith::CeilDivUIOp, arith::FloorDivSIOp,
               arith::MaximumFOp, arith::MinimumFOp, arith::MaxNumFOp,
               arith::MinNumFOp>(op);
  });
}

static LogicalResult convertToLLVM(ModuleOp module, bool hasTiles) {
  MLIRContext *context = module.getContext();
  DataLayoutAnalysis layouts(module);
  LowerToLLVMOptions options(context, layouts.getAtOrAbove(module));
  options.useBarePtrCallConv = true;
  LLVMTypeConverter types(context, options, &layouts);
  LLVMConversionTarget target(*context);
  RewritePatternSet patterns(context);
  populateLowerMemoryPatterns(types, patterns);
  vector::populateVectorRankReducingFMAPattern(patterns);
  populateVectorToLLVMConversionPatterns(types, patterns);
  populateX86VectorLegalizeForLLVMExportPatterns(types, patterns);
  configureX86VectorLegalizeForExportTarget(target);
  arith::populateArithToLLVMConversionPatterns(types, patterns);
  populateMathToLLVMConversionPatterns(types, patterns);
  populateFinalizeMemRefToLLVMConversionPatterns(types, patterns);
  populateFuncToLLVMConversionPatterns(types, patterns);
  cf::populateControlFlowToLLVMConversionPatterns(types, patterns);
  ub::populateUBToLLVMConversionPatterns(types, patterns);
  // Tile registers are carried from block to block.
  if (hasTiles) {
    populateAMXLegalizeForLLVMExportPatterns(types, patterns);
    configureAMXLegalizeForExportTarget(target);
  }
  return applyPartialConversion(module, target, std::move(patterns));
}

/// Descriptors of memrefs mostly: addresses are made of their parts.
static void eraseDead(ModuleOp module) {
  module.walk<WalkOrder::PostOrder, ReverseIterator>([](Operation *op) {
    if (isOpTriviallyDead(op))
      op->erase();
  });
}

LogicalResult attn::lowerToLLVMDialect(ModuleOp module,
                                       tile::TargetAttr machine,
                                       bool verifies) {
  MLIRContext *context = module.getContext();
  if (!machine.hasFeature("avx512bf16")) {
    PassManager pm(context);
    pm.enableVerifier(false);
    llvm::Triple triple(CPUArchitecture::of(machine).triple);
    pm.addNestedPass<func::FuncOp>(
        createCPUFloatsAsBits({/*half=*/triple.isWasm()}));
    if (failed(pm.run(module)))
      return failure();
  }
  context->loadDialect<affine::AffineDialect, cf::ControlFlowDialect,
                       LLVM::LLVMDialect>();
  if (failed(lowerArithmetic(module)) || failed(lowerViews(module)) ||
      failed(lowerVectors(module)))
    return failure();
  lowerLoops(module);
  if (failed(convertToLLVM(module, machine.has(tile::MatrixUnits::Amx))))
    return failure();
  eraseDead(module);
  return success(!verifies || succeeded(verify(module)));
}
