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

using namespace mlir;

void attn::registerNVPTXTranslation(DialectRegistry &registry) {
  registry.insert<NVVM::NVVMDialect>();
  registerBuiltinDialectTranslation(registry);
  registerGPUDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerNVVMDialectTranslation(registry);
  NVVM::registerNVVMTargetInterfaceExternalModels(registry);
}

FailureOr<std::string> attn::translateToPTX(gpu::GPUModuleOp module,
                                            StringRef chip) {
  unsigned version = 0;
  StringRef digits = chip;
  if (!digits.consume_front("sm_") || digits.consumeInteger(10, version) ||
      version < 80)
    return module.emitError("PTX needs a chip from sm_80 on, not '")
           << chip << "'";
  // PTX 8.4 is the first version with bf16 arithmetic of all chips here.
  auto target =
      NVVM::NVVMTargetAttr::get(module.getContext(), /*optLevel=*/3,
                                "nvptx64-nvidia-cuda", chip, "+ptx84");
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
