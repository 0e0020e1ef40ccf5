//===- TranslateToPTX.cpp - GPU modules to PTX text -----------------------===//
//
// Runs LLVM's NVPTX backend in process; no CUDA toolkit is needed.
//
//===----------------------------------------------------------------------===//

#include "attn/Target/NVPTX.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Target/LLVM/NVVM/Target.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/Scalar/EarlyCSE.h"

using namespace mlir;

void attn::registerNVPTXTranslation(DialectRegistry &registry) {
  registry.insert<NVVM::NVVMDialect>();
  registerBuiltinDialectTranslation(registry);
  registerGPUDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerNVVMDialectTranslation(registry);
  NVVM::registerNVVMTargetInterfaceExternalModels(registry);
}

static FailureOr<std::string> reject(gpu::GPUModuleOp module, StringRef why) {
  return module.emitError("cannot generate PTX: ") << why;
}

/// PTX 8.4 is the first version with bf16 arithmetic of all chips here; newer
/// ones need newer drivers.
static constexpr StringLiteral plainVersion = "+ptx84";

/// For kernels on tensor cores, which are scheduled: LLVM's optimisation
/// pipeline would move and merge what the lowering has placed.
static FailureOr<std::string> translateScheduled(gpu::GPUModuleOp module,
                                                 StringRef chip) {
  LLVMInitializeNVPTXTargetInfo();
  LLVMInitializeNVPTXTarget();
  LLVMInitializeNVPTXTargetMC();
  LLVMInitializeNVPTXAsmPrinter();
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> code = translateModuleToLLVMIR(module, context);
  if (!code)
    return failure();
  llvm::Triple triple("nvptx64-nvidia-cuda");
  std::string error;
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return reject(module, error);
  std::unique_ptr<llvm::TargetMachine> machine(target->createTargetMachine(
      triple, chip, chip.ends_with("a") ? "+ptx90" : plainVersion,
      llvm::TargetOptions(), llvm::Reloc::PIC_, std::nullopt,
      llvm::CodeGenOptLevel::Aggressive));
  code->setTargetTriple(triple);
  code->setDataLayout(machine->createDataLayout());

  // Common subexpressions go. More would cost: loop-invariant code motion
  // spills, control-flow passes merge the blocks that keep wgmma in flight.
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager sccs;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(machine.get());
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(sccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, sccs, modules);
  llvm::ModulePassManager passes;
  passes.addPass(llvm::createModuleToFunctionPassAdaptor(
      llvm::EarlyCSEPass(/*UseMemorySSA=*/true)));
  passes.run(*code, modules);

  llvm::SmallString<0> text;
  llvm::raw_svector_ostream os(text);
  llvm::legacy::PassManager codegen;
  if (machine->addPassesToEmitFile(codegen, os, nullptr,
                                   llvm::CodeGenFileType::AssemblyFile))
    return reject(module, "the target cannot print assembly");
  codegen.run(*code);
  return text.str().str();
}

FailureOr<std::string> attn::translateToPTX(gpu::GPUModuleOp module,
                                            StringRef chip) {
  unsigned version = 0;
  StringRef digits = chip;
  if (!digits.consume_front("sm_") || digits.consumeInteger(10, version) ||
      version < 80)
    return module.emitError("PTX needs a chip from sm_80 on, not '")
           << chip << "'";
  if (llvm::any_of(module.getOps(),
                   [](Operation &op) { return op.hasAttr("attn.launch"); }))
    return translateScheduled(module, chip);
  auto target =
      NVVM::NVVMTargetAttr::get(module.getContext(), /*optLevel=*/3,
                                "nvptx64-nvidia-cuda", chip, plainVersion);
  auto interface = dyn_cast<gpu::TargetAttrInterface>(target);
  if (!interface)
    return module.emitError("the NVPTX translation is not registered");
  gpu::TargetOptions options(/*toolkitPath=*/{}, /*librariesToLink=*/{},
                             /*cmdOptions=*/{}, /*elfSection=*/{},
                             gpu::CompilationTarget::Assembly);
  std::optional<SmallVector<char, 0>> text =
      interface.serializeToObject(module, options);
  if (!text)
    return failure();
  StringRef view(text->data(), text->size());
  return view.rtrim('\0').str();
}
