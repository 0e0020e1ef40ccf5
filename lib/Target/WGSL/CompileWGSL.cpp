//===- CompileWGSL.cpp - Artifacts for WebGPU -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs the passes, prints the shader and the description and packs both.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Tile/Tile.h"
#include "attn/Pipelines/Pipelines.h"
#include "attn/Target/Plan.h"
#include "attn/Target/WGSL.h"
#include "attn/runtime/Artifact.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace attn;
namespace json = llvm::json;

/// The description calls a kernel by its symbol, so the shader has to as well.
static LogicalResult checkName(gpu::GPUFuncOp kernel, StringRef shader) {
  if (shader.contains(("\nfn " + kernel.getName() + "(").str()))
    return success();
  return kernel.emitError("the kernel '")
         << kernel.getName()
         << "' cannot be called so in WGSL; use letters, digits and "
            "underscores in the name of the function";
}

FailureOr<std::string>
attn::compileWGSLArtifact(ModuleOp module, StringRef entry,
                          const WGSLChip &chip, int64_t tileM, int64_t tileN,
                          bool verifies, function_ref<void(StringRef)> timer) {
  PassManager pm(module.getContext());
  pm.enableVerifier(verifies);
  // A key tile of 128 columns fits into the workgroup memory of every device.
  constexpr int64_t rows = 32, columns = 32;
  TilePipelineOptions tile;
  tile.tileM = tileM ? tileM : rows;
  tile.tileN = tileN ? tileN : columns;
  tile.rowMultiple = 1;
  buildTilePipeline(pm, tile);
  pm.addPass(createSetArtifact(describeWGSL(chip)));
  WGSLOptions lower;
  lower.maxThreads = chip.threads;
  lower.workgroupBytes = chip.workgroupBytes;
  buildWGSLPipeline(pm, lower);
  if (failed(pm.run(module)))
    return failure();
  timer("passes");

  FailureOr<json::Object> plan =
      buildPlan(module.lookupSymbol<func::FuncOp>(entry));
  if (failed(plan))
    return failure();
  timer("plan");
  runtime::ArtifactWriter writer(
      llvm::formatv("{0}", json::Value(std::move(*plan))).str());
  std::string error;
  for (auto kernels : module.getOps<gpu::GPUModuleOp>()) {
    std::string shader;
    llvm::raw_string_ostream os(shader);
    if (failed(translateToWGSL(kernels, os, chip.storageBuffers)))
      return failure();
    for (auto kernel : kernels.getOps<gpu::GPUFuncOp>())
      if (failed(checkName(kernel, shader)))
        return failure();
    if (!writer.addCode(kernels.getName().str(), shader, error))
      return module.emitError(error);
  }
  timer("WGSL");
  return writer.toBytes();
}
