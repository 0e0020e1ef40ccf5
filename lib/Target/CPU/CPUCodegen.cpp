//===- CPUCodegen.cpp - Kernels to a shared object ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Vector code to LLVM IR, machine code and an ELF shared object, or a module of
// WebAssembly.
//
//===----------------------------------------------------------------------===//

#include "CPUCodegen.h"
#include "Architecture.h"
#include "Link.h"
#include "Wasm.h"

#include "attn/Conversion/CPUFloatsAsBits.h"
#include "attn/Dialect/Tile/AttributeNames.h"
#include "attn/Target/CPU.h"

#include "mlir/Analysis/DataLayoutAnalysis.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Dialect/AMX/Transforms.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "mlir/Transforms/DialectConversion.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/IntrinsicsX86.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Triple.h"
#include "llvm/Transforms/InstCombine/InstCombine.h"
#include "llvm/Transforms/Scalar/EarlyCSE.h"
#include "llvm/Transforms/Scalar/LICM.h"
#include "llvm/Transforms/Scalar/LoopPassManager.h"
#include "llvm/Transforms/Scalar/LoopRotation.h"

using namespace mlir;
using namespace attn;

namespace {
/// MLIR has a pass for each of these dialects, and each visits all ops: here
/// they are converted together.
class ConvertScalars final
    : public PassWrapper<ConvertScalars, OperationPass<ModuleOp>> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ConvertScalars)

  explicit ConvertScalars(bool hasTiles) : hasTiles(hasTiles) {}

  StringRef getName() const override { return "ConvertScalars"; }
  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<LLVM::LLVMDialect>();
  }

  void runOnOperation() override {
    MLIRContext *context = &getContext();
    const auto &layouts = getAnalysis<DataLayoutAnalysis>();
    LowerToLLVMOptions options(context, layouts.getAtOrAbove(getOperation()));
    options.useBarePtrCallConv = true;
    LLVMTypeConverter types(context, options, &layouts);
    LLVMConversionTarget target(*context);
    RewritePatternSet patterns(context);
    arith::populateCeilFloorDivExpandOpsPatterns(patterns);
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
    if (failed(applyPartialConversion(getOperation(), target,
                                      std::move(patterns))))
      signalPassFailure();
  }

private:
  bool hasTiles;
};
} // namespace

/// What these passes make together is verified, once.
static LogicalResult
lowerToLLVMDialect(ModuleOp module, tile::TargetAttr machine, bool verifies) {
  PassManager pm(module.getContext());
  pm.enableVerifier(false);
  if (!machine.hasFeature("avx512bf16")) {
    llvm::Triple triple(CPUArchitecture::of(machine).triple);
    pm.addNestedPass<func::FuncOp>(
        createCPUFloatsAsBits({/*half=*/triple.isWasm()}));
  }
  pm.addNestedPass<func::FuncOp>(arith::createArithExpandOpsPass());
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createLowerAffinePass());
  pm.addPass(createSCFToControlFlowPass());
  ConvertVectorToLLVMPassOptions vectorOptions;
  vectorOptions.x86Vector = true;
  pm.addPass(createConvertVectorToLLVMPass(vectorOptions));
  pm.addPass(
      std::make_unique<ConvertScalars>(machine.has(tile::MatrixUnits::Amx)));
  pm.addPass(createReconcileUnrealizedCastsPass());
  if (failed(pm.run(module)))
    return failure();
  return success(!verifies || succeeded(verify(module)));
}

/// Right operands of products in tile registers pass through L1 once a strip of
/// rows: they are loaded with a hint to leave it to what is stored there.
static void streamRightOperands(llvm::Module &code) {
  constexpr unsigned rightOperand = 5;
  for (llvm::Function &kernel : code)
    for (llvm::Instruction &product : llvm::instructions(kernel)) {
      auto *call = llvm::dyn_cast<llvm::IntrinsicInst>(&product);
      if (!call ||
          call->getIntrinsicID() != llvm::Intrinsic::x86_tdpbf16ps_internal)
        continue;
      auto *load = llvm::dyn_cast<llvm::IntrinsicInst>(
          call->getArgOperand(rightOperand));
      if (load &&
          load->getIntrinsicID() == llvm::Intrinsic::x86_tileloadd64_internal)
        load->setCalledFunction(llvm::Intrinsic::getOrInsertDeclaration(
            &code, llvm::Intrinsic::x86_tileloaddt164_internal));
    }
}

/// Makes `kernel` the exported function `void name(const uint64_t *slots, i64
/// x, y, z)`, which unpacks its parameters from the slots.
static void takeSlots(llvm::Function *kernel) {
  llvm::Module *module = kernel->getParent();
  llvm::IRBuilder<> b(module->getContext());
  llvm::Type *i64 = b.getInt64Ty();
  auto *type = llvm::FunctionType::get(b.getVoidTy(),
                                       {b.getPtrTy(), i64, i64, i64}, false);
  auto *entry = llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage,
                                       "", module);
  entry->copyAttributesFrom(kernel);
  entry->takeName(kernel);
  entry->splice(entry->begin(), kernel);
  // The first block stays the entry: its allocas have fixed places.
  b.SetInsertPoint(&entry->front(), entry->front().begin());
  SmallVector<llvm::Argument *> parameters;
  for (llvm::Argument &parameter : kernel->args())
    parameters.push_back(&parameter);
  tile::KernelSignature<llvm::Argument *> signature(parameters);
  auto slot = [&](unsigned k, llvm::Type *slotType) -> llvm::Value * {
    llvm::Value *address = b.CreateConstGEP1_64(i64, entry->getArg(0), k);
    if (slotType->isIntegerTy())
      return b.CreateTrunc(b.CreateLoad(i64, address), slotType);
    return b.CreateLoad(slotType, address);
  };
  SmallVector<llvm::Value *> values;
  for (auto [k, operand] : llvm::enumerate(signature.operands))
    values.push_back(slot(k, operand->getType()));
  // The grid is walked with its last dimension fastest (see Plan.h).
  for (unsigned k = tile::kGridRank; k > 0; --k)
    values.push_back(entry->getArg(k));
  // The extents follow the operands in the slots.
  for (unsigned k = 0; k < tile::kGridRank; ++k)
    values.push_back(slot(signature.operands.size() + k, i64));
  for (auto [parameter, value] : llvm::zip_equal(parameters, values))
    parameter->replaceAllUsesWith(value);
  kernel->eraseFromParent();
}

/// The code is vectorised and blocked already: what LLVM adds is scalar
/// clean-up and motion of invariants, each pass once. EarlyCSE takes the
/// descriptors of memrefs apart and finds addresses equal, in a fifth of the
/// time of InstCombine, which has fewer instructions to look at then.
/// LICM comes last: the code generator forms the addresses of loops by what is
/// left in them. The pipeline of -O1 makes code as fast in six times the time.
static void optimize(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::PassBuilder builder(&machine);
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);

  llvm::InstCombineOptions once;
  once.setMaxIterations(1);
  llvm::LoopPassManager hoist;
  hoist.addPass(llvm::LoopRotatePass());
  hoist.addPass(llvm::LICMPass(llvm::LICMOptions()));
  llvm::FunctionPassManager function;
  function.addPass(llvm::EarlyCSEPass(/*UseMemorySSA=*/true));
  function.addPass(llvm::InstCombinePass(once));
  function.addPass(llvm::createFunctionToLoopPassAdaptor(
      std::move(hoist), /*UseMemorySSA=*/true));
  llvm::ModulePassManager pipeline;
  pipeline.addPass(
      llvm::createModuleToFunctionPassAdaptor(std::move(function)));
  pipeline.run(module, modules);
}

FailureOr<std::string>
attn::compileCPUKernels(ModuleOp module, tile::TargetAttr machine,
                        bool verifies,
                        llvm::function_ref<void(StringRef)> timer) {
  SmallVector<std::string> kernels;
  for (auto function : module.getOps<func::FuncOp>())
    if (function->hasAttr(tile::kKernelAttrName)) {
      kernels.push_back(function.getName().str());
      // Range analysis is over; LLVM has no such attributes, and other types.
      function.removeArgAttrsAttr();
      function->removeAttr(tile::LaunchInfoAttr::attributeName);
    }
  if (failed(lowerToLLVMDialect(module, machine, verifies)))
    return failure();
  timer("to the LLVM dialect");

  DialectRegistry registry;
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  module.getContext()->appendDialectRegistry(registry);
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> code = translateModuleToLLVMIR(module, context);
  if (!code)
    return module.emitError("cannot be translated to LLVM IR");
  streamRightOperands(*code);

  initializeCPUCodeGenerators();
  const CPUArchitecture &architecture = CPUArchitecture::of(machine);
  llvm::Triple triple(architecture.triple);
  std::string error;
  const llvm::Target *backend =
      llvm::TargetRegistry::lookupTarget(triple, error);
  if (!backend)
    return module.emitError("LLVM has no backend for ")
           << architecture.name << ": " << error;
  std::string features;
  if (machine.getFeatures())
    for (auto feature : machine.getFeatures().getAsRange<StringAttr>())
      features += (features.empty() ? "+" : ",+") + feature.str();
  // LLVM would rather use 256 bits on most AVX-512 chips.
  if (machine.getVectorBits() == 512 && machine.hasFeature("avx512f"))
    features += ",-prefer-256-bit";
  StringRef chip = architecture.getCodeChip(machine.getChip());
  std::unique_ptr<llvm::TargetMachine> codeGenerator(
      backend->createTargetMachine(
          triple, chip, features, llvm::TargetOptions(),
          triple.isWasm() ? llvm::Reloc::Static : llvm::Reloc::PIC_,
          std::nullopt, llvm::CodeGenOptLevel::Default));
  code->setTargetTriple(triple);
  if (triple.isWasm())
    legalizeForWasm(*code);
  code->setDataLayout(codeGenerator->createDataLayout());
  for (llvm::Function &function : *code) {
    if (function.isDeclaration())
      continue;
    // Loops that fill or copy must not become calls of a C library.
    function.addFnAttr("no-builtins");
    function.addFnAttr("target-cpu", chip);
    function.addFnAttr("tune-cpu",
                       architecture.getTuningChip(machine.getChip()));
    function.addFnAttr("target-features", features);
    function.addFnAttr(llvm::Attribute::NoUnwind);
    function.addFnAttr("prefer-vector-width",
                       std::to_string(machine.getVectorBits()));
  }
  for (const std::string &name : kernels)
    takeSlots(code->getFunction(name));
  optimize(*code, *codeGenerator);
  timer("LLVM optimisation");

  SmallVector<char, 0> object;
  {
    llvm::raw_svector_ostream os(object);
    llvm::legacy::PassManager codegen;
    if (codeGenerator->addPassesToEmitFile(codegen, os, nullptr,
                                           llvm::CodeGenFileType::ObjectFile))
      return module.emitError("LLVM cannot emit an object file");
    codegen.run(*code);
  }
  timer("machine code");
  FailureOr<std::string> linked = linkSharedObject(
      StringRef(object.data(), object.size()), triple, module.getLoc());
  timer("link");
  return linked;
}
