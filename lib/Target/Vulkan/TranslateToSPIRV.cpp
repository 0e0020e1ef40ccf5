//===- TranslateToSPIRV.cpp - Kernels as SPIR-V words ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Serialises the SPIR-V module that stands next to kernels.
//
//===----------------------------------------------------------------------===//

#include "TranslateToSPIRV.h"
#include "attn/Conversion/KernelsToSPIRV.h"

#include "mlir/Dialect/SPIRV/IR/SPIRVOps.h"
#include "mlir/Target/SPIRV/Serialization.h"
#include "llvm/Support/Endian.h"

using namespace mlir;

FailureOr<std::string> attn::translateToSPIRV(gpu::GPUModuleOp kernels) {
  auto module = dyn_cast_or_null<spirv::ModuleOp>(SymbolTable::lookupSymbolIn(
      kernels->getParentOp(), getSPIRVModuleName(kernels)));
  if (!module)
    return kernels.emitError("has no SPIR-V next to it; kernels-to-spirv makes "
                             "it");
  SmallVector<uint32_t> words;
  // Without names (OpName): NVIDIA's driver 580 crashes or runs out of memory
  // on many modules that have both names and the execution mode
  // RoundingModeRTE, an empty kernel among them; either alone is right.
  spirv::SerializationOptions options;
  options.emitSymbolName = false;
  if (failed(spirv::serialize(module, words, options)))
    return failure();
  std::string bytes(words.size() * sizeof(uint32_t), '\0');
  for (auto [k, word] : llvm::enumerate(words))
    llvm::support::endian::write32le(bytes.data() + k * sizeof(word), word);
  return bytes;
}
