//===- TranslateToPTX.cpp - GPU modules to PTX text -----------------------===//
//
// Runs LLVM's NVPTX backend in process; no CUDA toolkit is needed.
//
//===----------------------------------------------------------------------===//

#include "attn/Target/NVPTX.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Target/LLVM/NVVM/Target.h"
#include "mlir/Target/LLVM/NVVM/Utils.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/ThreadPool.h"
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

namespace {

/// A module of kernels on tensor cores, which are scheduled: LLVM's
/// optimisation pipeline would move and merge what the lowering has placed.
class ScheduledModule {
public:
  /// Translates to LLVM IR; diagnoses what fails.
  LogicalResult prepare(gpu::GPUModuleOp module, StringRef chip);
  /// Prints PTX. Uses nothing that another module does: safe on any thread.
  void generate();
  /// What `generate` made; diagnoses at `module` that it failed.
  FailureOr<std::string> take(gpu::GPUModuleOp module) {
    return failed ? reject(module, "the target cannot print assembly")
                  : FailureOr<std::string>(text.str().str());
  }

private:
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> code;
  std::unique_ptr<llvm::TargetMachine> machine;
  llvm::SmallString<0> text;
  bool failed = false;
};

} // namespace

LogicalResult ScheduledModule::prepare(gpu::GPUModuleOp module,
                                       StringRef chip) {
  code = translateModuleToLLVMIR(module, context);
  if (!code)
    return failure();
  llvm::Triple triple("nvptx64-nvidia-cuda");
  std::string error;
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return reject(module, error);
  machine.reset(target->createTargetMachine(
      triple, chip, chip.ends_with("a") ? "+ptx90" : plainVersion,
      llvm::TargetOptions(), llvm::Reloc::PIC_, std::nullopt,
      llvm::CodeGenOptLevel::Aggressive));
  code->setTargetTriple(triple);
  code->setDataLayout(machine->createDataLayout());
  return success();
}

void ScheduledModule::generate() {
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

  llvm::raw_svector_ostream os(text);
  llvm::legacy::PassManager codegen;
  failed = machine->addPassesToEmitFile(codegen, os, nullptr,
                                        llvm::CodeGenFileType::AssemblyFile);
  if (!failed)
    codegen.run(*code);
}

/// The whole pipeline of LLVM, for kernels of the plain path.
static FailureOr<std::string> translatePlain(gpu::GPUModuleOp module,
                                             StringRef chip) {
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

FailureOr<SmallVector<std::string>>
attn::translateToPTX(ArrayRef<gpu::GPUModuleOp> modules, StringRef chip) {
  unsigned version = 0;
  StringRef digits = chip;
  if (!digits.consume_front("sm_") || digits.consumeInteger(10, version) ||
      version < 80) {
    if (!modules.empty())
      emitError(modules.front()->getLoc(),
                "PTX needs a chip from sm_80 on, not '")
          << chip << "'";
    return failure();
  }
  // Once in a process, before any thread looks for the target.
  NVVM::SerializeGPUModuleBase::init();
  // Translation works on MLIR and is quick; code generation has a thread for
  // each module.
  SmallVector<std::unique_ptr<ScheduledModule>> scheduled(modules.size());
  SmallVector<std::string> texts(modules.size());
  llvm::DefaultThreadPool pool(llvm::hardware_concurrency(modules.size()));
  for (size_t n = 0; n < modules.size(); ++n) {
    gpu::GPUModuleOp module = modules[n];
    if (llvm::none_of(module.getOps(),
                      [](Operation &op) { return op.hasAttr("attn.launch"); }))
      continue;
    scheduled[n] = std::make_unique<ScheduledModule>();
    if (failed(scheduled[n]->prepare(module, chip)))
      return failure();
    pool.async([code = scheduled[n].get()] { code->generate(); });
  }
  for (auto [n, module] : llvm::enumerate(modules)) {
    if (scheduled[n])
      continue;
    FailureOr<std::string> text = translatePlain(module, chip);
    if (failed(text))
      return failure();
    texts[n] = std::move(*text);
  }
  pool.wait();
  for (auto [n, module] : llvm::enumerate(modules)) {
    if (!scheduled[n])
      continue;
    FailureOr<std::string> text = scheduled[n]->take(module);
    if (failed(text))
      return failure();
    texts[n] = std::move(*text);
  }
  return texts;
}
