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
#include "LowerToLLVM.h"
#include "Wasm.h"

#include "attn/Conversion/TileToCPU.h"
#include "attn/Dialect/Tile/AttributeNames.h"
#include "attn/Target/CPU.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Analysis/TargetTransformInfo.h"
#include "llvm/CodeGen/CodeGenTargetMachineImpl.h"
#include "llvm/CodeGen/ExpandReductions.h"
#include "llvm/CodeGen/MachineModuleInfo.h"
#include "llvm/CodeGen/Passes.h"
#include "llvm/CodeGen/TargetPassConfig.h"
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
#include "llvm/Transforms/Scalar.h"
#include "llvm/Transforms/Scalar/EarlyCSE.h"
#include "llvm/Transforms/Scalar/LICM.h"
#include "llvm/Transforms/Scalar/LoopPassManager.h"

using namespace mlir;
using namespace attn;

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

/// The number with index `k` of the slots.
static llvm::Value *loadSlot(llvm::IRBuilder<> &b, llvm::Function *entry,
                             unsigned k, llvm::Type *type) {
  llvm::Type *i64 = b.getInt64Ty();
  llvm::Value *address = b.CreateConstGEP1_64(i64, entry->getArg(0), k);
  if (type->isIntegerTy())
    return b.CreateTrunc(b.CreateLoad(i64, address), type);
  return b.CreateLoad(type, address);
}

/// Of a kernel that takes a range of points, `void name.range(const uint64_t
/// *slots, i64 first, end, unused)`, makes one of a point, whose grid has its
/// extents in the slots from `extents` on.
static void exportPoint(llvm::Function *range, StringRef name,
                        unsigned extents) {
  auto *point = llvm::Function::Create(range->getFunctionType(),
                                       llvm::GlobalValue::ExternalLinkage, name,
                                       range->getParent());
  point->copyAttributesFrom(range);
  llvm::IRBuilder<> b(llvm::BasicBlock::Create(range->getContext(), "", point));
  llvm::Type *i64 = b.getInt64Ty();
  llvm::Value *number = point->getArg(tile::kGridRank);
  for (unsigned dim = 1; dim < tile::kGridRank; ++dim)
    number =
        b.CreateAdd(b.CreateMul(number, loadSlot(b, point, extents + dim, i64)),
                    point->getArg(tile::kGridRank - dim));
  b.CreateCall(range, {point->getArg(0), number,
                       b.CreateAdd(number, b.getInt64(1)), b.getInt64(0)});
  b.CreateRetVoid();
}

/// Makes `kernel` the exported function `void name(const uint64_t *slots, i64
/// x, y, z)`, which unpacks its parameters from the slots; and one that takes a
/// range of points, if the kernel does.
static void takeSlots(llvm::Function *kernel, bool isRange) {
  llvm::Module *module = kernel->getParent();
  llvm::IRBuilder<> b(module->getContext());
  llvm::Type *i64 = b.getInt64Ty();
  auto *type = llvm::FunctionType::get(b.getVoidTy(),
                                       {b.getPtrTy(), i64, i64, i64}, false);
  auto *entry = llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage,
                                       "", module);
  entry->copyAttributesFrom(kernel);
  const std::string name = kernel->getName().str();
  entry->takeName(kernel);
  entry->splice(entry->begin(), kernel);
  // The first block stays the entry: its allocas have fixed places.
  b.SetInsertPoint(&entry->front(), entry->front().begin());
  SmallVector<llvm::Argument *> parameters;
  for (llvm::Argument &parameter : kernel->args())
    parameters.push_back(&parameter);
  tile::KernelSignature<llvm::Argument *> signature(parameters);
  auto slot = [&](unsigned k, llvm::Type *slotType) {
    return loadSlot(b, entry, k, slotType);
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
  if (!isRange)
    return;
  entry->setName(name + ".range");
  exportPoint(entry, name, signature.operands.size());
}

/// The code is vectorised and blocked already, and its loops test at their end:
/// what LLVM adds is scalar clean-up and motion of invariants, each pass once.
/// EarlyCSE finds equal what memrefs share. In IR that `isPrepared` InstCombine
/// finds next to nothing, in twice the time. The pipeline of -O1 makes code as
/// fast in six times the time.
static void optimize(llvm::Module &module, llvm::TargetMachine &machine,
                     bool isPrepared) {
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

  llvm::LoopPassManager hoist;
  hoist.addPass(llvm::LICMPass(llvm::LICMOptions()));
  llvm::FunctionPassManager function;
  function.addPass(llvm::EarlyCSEPass(/*UseMemorySSA=*/true));
  if (!isPrepared)
    function.addPass(
        llvm::InstCombinePass(llvm::InstCombineOptions().setMaxIterations(1)));
  function.addPass(llvm::createFunctionToLoopPassAdaptor(
      std::move(hoist), /*UseMemorySSA=*/true));
  llvm::ModulePassManager pipeline;
  pipeline.addPass(
      llvm::createModuleToFunctionPassAdaptor(std::move(function)));
  pipeline.run(module, modules);
}

namespace {
/// Reaches the selection of instructions, which has no public name.
struct InstructionSelection : llvm::TargetPassConfig {
  static bool addTo(llvm::TargetPassConfig &passes) {
    return (passes.*&InstructionSelection::addCoreISelPasses)();
  }
};
} // namespace

/// The passes that prepare IR for the selection of instructions. Of LLVM's our
/// kernels need these. It has others for what they do not contain, and strength
/// reduction of loops, which takes a fifth of the time to compile and finds
/// nothing where addresses are as LowerMemory.cpp makes them.
static bool addPasses(llvm::TargetPassConfig &passes,
                      const llvm::TargetMachine &machine,
                      llvm::legacy::PassManager &codegen) {
  codegen.add(llvm::createTargetTransformInfoWrapperPass(
      machine.getTargetIRAnalysis()));
  codegen.add(llvm::createPreISelIntrinsicLoweringPass());
  codegen.add(llvm::createScalarizeMaskedMemIntrinLegacyPass());
  codegen.add(llvm::createExpandReductionsPass());
  codegen.add(llvm::createInterleavedAccessPass());
  passes.addCodeGenPrepare();
  passes.addPassesToHandleExceptions();
  passes.addISelPrepare();
  return InstructionSelection::addTo(passes);
}

/// With `isPrepared`, the IR is as this file's passes and LowerToLLVM.cpp make
/// it for processors that add a base, a scaled index and a constant.
static LogicalResult emitObject(llvm::Module &code,
                                llvm::TargetMachine &targetMachine,
                                bool isPrepared, llvm::raw_pwrite_stream &os) {
  constexpr auto kind = llvm::CodeGenFileType::ObjectFile;
  llvm::legacy::PassManager codegen;
  if (!isPrepared) {
    if (targetMachine.addPassesToEmitFile(codegen, os, nullptr, kind))
      return failure();
    codegen.run(code);
    return success();
  }
  auto &machine = static_cast<llvm::CodeGenTargetMachineImpl &>(targetMachine);
  auto *functions = new llvm::MachineModuleInfoWrapperPass(&machine);
  llvm::TargetPassConfig *passes = machine.createPassConfig(codegen);
  passes->setDisableVerify(true);
  // Products are in the order in which they should run: kernels are as fast
  // without it, and it takes 6% of the time of code generation.
  passes->disablePass(&llvm::MachineSchedulerID);
  codegen.add(passes);
  codegen.add(functions);
  if (addPasses(*passes, machine, codegen))
    return failure();
  passes->addMachinePasses();
  passes->setInitialized();
  if (machine.addAsmPrinter(codegen, os, nullptr, kind,
                            functions->getMMI().getContext()))
    return failure();
  codegen.add(llvm::createFreeMachineFunctionPass());
  codegen.run(code);
  return success();
}

FailureOr<std::string>
attn::compileCPUKernels(ModuleOp module, tile::TargetAttr machine,
                        bool verifies,
                        llvm::function_ref<void(StringRef)> timer) {
  SmallVector<std::string> kernels;
  llvm::StringSet<llvm::MallocAllocator> ranges;
  for (auto function : module.getOps<func::FuncOp>())
    if (function->hasAttr(tile::kKernelAttrName)) {
      kernels.push_back(function.getName().str());
      // Range analysis is over; LLVM has no such attributes, and other types.
      function.removeArgAttrsAttr();
      function->removeAttr(tile::LaunchInfoAttr::attributeName);
      if (function->removeAttr(kRangeAttrName))
        ranges.insert(function.getName());
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
    takeSlots(code->getFunction(name), ranges.contains(name));
  bool isPrepared = triple.isX86() && !machine.has(tile::MatrixUnits::Amx);
  optimize(*code, *codeGenerator, isPrepared);
  timer("LLVM optimisation");

  SmallVector<char, 0> object;
  llvm::raw_svector_ostream os(object);
  if (failed(emitObject(*code, *codeGenerator, isPrepared, os)))
    return module.emitError("LLVM cannot emit an object file");
  timer("machine code");
  FailureOr<std::string> linked = linkSharedObject(
      StringRef(object.data(), object.size()), triple, module.getLoc());
  timer("link");
  return linked;
}
