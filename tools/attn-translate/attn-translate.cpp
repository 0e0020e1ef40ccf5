//===- attn-translate.cpp - Lowered kernels to target text ----------------===//
//
// mlir-translate with the targets of the project: PTX and WGSL.
//
//===----------------------------------------------------------------------===//

#include "attn/Target/NVPTX.h"
#include "attn/Target/WGSL.h"
#include "attn/Version.h"
#include "dialects/Attn/Attn.h"
#include "dialects/Tile/Tile.h"

#include "mlir/InitAllDialects.h"
#include "mlir/Tools/mlir-translate/MlirTranslateMain.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include "llvm/Support/CommandLine.h"

using namespace mlir;

static llvm::cl::opt<std::string>
    chip("chip", llvm::cl::desc("Chip that the PTX is for"),
         llvm::cl::init("sm_80"));

static llvm::cl::opt<unsigned> maxStorageBuffers(
    "max-storage-buffers",
    llvm::cl::desc("Storage buffers that the WebGPU device binds"),
    llvm::cl::init(8));

/// What a reader of the file sees first: the module itself has no place.
static Operation &getFirst(Operation *module) {
  Block &body = module->getRegion(0).front();
  return body.empty() ? *module : body.front();
}

/// Prints every GPU module of a file; `pipeline` makes them.
static LogicalResult
forEachKernelModule(Operation *op, StringRef pipeline,
                    function_ref<LogicalResult(gpu::GPUModuleOp)> print) {
  bool any = false;
  WalkResult result = op->walk([&](gpu::GPUModuleOp module) {
    any = true;
    return failed(print(module)) ? WalkResult::interrupt() : WalkResult::skip();
  });
  if (!any)
    return getFirst(op).emitError("there is no gpu.module to print; attn-opt ")
           << pipeline << " makes them of attention";
  return failure(result.wasInterrupted());
}

int main(int argc, char **argv) {
  attn::setVersionPrinter();
  auto registerDialects = [](DialectRegistry &registry) {
    registerAllDialects(registry);
    registry.insert<attn::AttnDialect, attn::tile::TileDialect>();
    attn::registerNVPTXTranslation(registry);
  };
  TranslateFromMLIRRegistration ptx(
      "kernels-to-ptx", "GPU modules in the LLVM dialect to PTX",
      [](Operation *op, raw_ostream &os) {
        return forEachKernelModule(
            op, "--attn-to-hopper", [&](gpu::GPUModuleOp module) {
              auto text = attn::translateToPTX(module, chip);
              if (succeeded(text))
                os << text->front();
              return LogicalResult(text);
            });
      },
      registerDialects);
  TranslateFromMLIRRegistration wgsl(
      "kernels-to-wgsl", "GPU modules in kernel normal form to WGSL",
      [](Operation *op, raw_ostream &os) {
        return forEachKernelModule(
            op, "--attn-to-tile --attn-to-wgsl", [&](gpu::GPUModuleOp module) {
              return attn::translateToWGSL(module, os, maxStorageBuffers);
            });
      },
      registerDialects);
  return failed(mlirTranslateMain(argc, argv, "attention kernel printer\n"));
}
