//===- TranslateToPTX.cpp - GPU modules to PTX text -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs LLVM's NVPTX backend in process; no CUDA toolkit is needed.
//
//===----------------------------------------------------------------------===//

#include "../LoopIdioms.h"
#include "PTX.h"

#include "attn/Dialect/Tile/AttributeNames.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
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
}

static FailureOr<std::string> reject(gpu::GPUModuleOp module, StringRef why) {
  return module.emitError("cannot generate PTX: ") << why;
}

/// PTX 8.4 is the first version with bf16 arithmetic of all chips here; newer
/// ones need newer drivers.
static constexpr StringLiteral plainVersion = "+ptx84";

namespace {

/// Code of one module on its way to PTX.
class KernelModule {
public:
  /// Kernels on tensor cores are scheduled: LLVM's optimisation pipeline would
  /// move and merge what the lowering has placed. Others get all of it.
  explicit KernelModule(bool isScheduled) : isScheduled(isScheduled) {}

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
  bool isScheduled;
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> code;
  std::unique_ptr<llvm::TargetMachine> machine;
  llvm::SmallString<0> text;
  bool failed = false;
};

} // namespace

/// LLVM ends the process where it prints a name that PTX cannot spell.
static LogicalResult verifyNames(gpu::GPUModuleOp module) {
  auto isPart = [](char c) { return llvm::isAlnum(c) || c == '_' || c == '$'; };
  for (auto kernel : module.getOps<LLVM::LLVMFuncOp>())
    if (!kernel.isExternal() && (!llvm::all_of(kernel.getName(), isPart) ||
                                 llvm::isDigit(kernel.getName().front())))
      return kernel.emitError("the kernel '")
             << kernel.getName()
             << "' cannot be called so in PTX; use letters, digits and single "
                "underscores in the name of the function";
  return success();
}

LogicalResult KernelModule::prepare(gpu::GPUModuleOp module, StringRef chip) {
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

void KernelModule::generate() {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager sccs;
  llvm::ModuleAnalysisManager modules;
  llvm::PassInstrumentationCallbacks callbacks;
  attn::skipLoopIdioms(callbacks);
  llvm::PassBuilder builder(machine.get(), llvm::PipelineTuningOptions(),
                            std::nullopt, &callbacks);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(sccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, sccs, modules);
  llvm::ModulePassManager passes;
  if (isScheduled)
    // Common subexpressions go. More would cost: loop-invariant code motion
    // spills, control-flow passes merge the blocks that keep wgmma in flight.
    passes.addPass(llvm::createModuleToFunctionPassAdaptor(
        llvm::EarlyCSEPass(/*UseMemorySSA=*/true)));
  else
    passes = builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O3);
  passes.run(*code, modules);

  llvm::raw_svector_ostream os(text);
  llvm::legacy::PassManager codegen;
  failed = machine->addPassesToEmitFile(codegen, os, nullptr,
                                        llvm::CodeGenFileType::AssemblyFile);
  if (!failed)
    codegen.run(*code);
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
  for (gpu::GPUModuleOp module : modules)
    if (failed(verifyNames(module)))
      return failure();
  // Once in a process, before any thread looks for the target.
  NVVM::SerializeGPUModuleBase::init();
  // Translation works on MLIR and is quick; code generation has a thread for
  // each module.
  SmallVector<std::unique_ptr<KernelModule>> codes;
  llvm::DefaultThreadPool pool(llvm::hardware_concurrency(modules.size()));
  for (gpu::GPUModuleOp module : modules) {
    bool isScheduled = llvm::any_of(module.getOps(), [](Operation &op) {
      return op.hasAttr(tile::kScheduledAttrName);
    });
    codes.push_back(std::make_unique<KernelModule>(isScheduled));
    if (failed(codes.back()->prepare(module, chip)))
      return failure();
    pool.async([code = codes.back().get()] { code->generate(); });
  }
  pool.wait();
  SmallVector<std::string> texts;
  for (auto [code, module] : llvm::zip_equal(codes, modules)) {
    FailureOr<std::string> text = code->take(module);
    if (failed(text))
      return failure();
    texts.push_back(std::move(*text));
  }
  return texts;
}
