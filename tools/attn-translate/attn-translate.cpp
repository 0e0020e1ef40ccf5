//===- attn-translate.cpp - Lowered kernels to target text ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// mlir-translate with the targets of the project, PTX and WGSL, and the
// description of an artifact.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/Attn.h"
#include "attn/Dialect/Tile/Tile.h"
#include "attn/Support/Nesting.h"
#include "attn/Target/NVPTX.h"
#include "attn/Target/Plan.h"
#include "attn/Target/WGSL.h"
#include "attn/Version.h"

#include "mlir/InitAllDialects.h"
#include "mlir/Tools/mlir-translate/MlirTranslateMain.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FormatVariadic.h"

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

/// Prints the description of the one host function of a file.
static LogicalResult printDescription(Operation *op, raw_ostream &os) {
  SmallVector<func::FuncOp> hosts;
  for (Operation &inner : op->getRegion(0).getOps()) {
    auto function = dyn_cast<func::FuncOp>(inner);
    if (function && !function.isExternal() && !function->hasAttr("tile.kernel"))
      hosts.push_back(function);
  }
  if (hosts.size() != 1)
    return getFirst(op).emitError("there are ")
           << hosts.size() << " host functions; an artifact has one";
  FailureOr<llvm::json::Object> plan = attn::buildPlan(hosts.front());
  if (succeeded(plan))
    os << llvm::formatv("{0:2}\n", llvm::json::Value(std::move(*plan)));
  return LogicalResult(plan);
}

/// A translation of modules that are looked at before they are parsed.
static TranslateFunction
fromModule(std::function<LogicalResult(Operation *, raw_ostream &)> print) {
  return [print = std::move(print)](
             const std::shared_ptr<llvm::SourceMgr> &sources, raw_ostream &os,
             MLIRContext *context) -> LogicalResult {
    DialectRegistry registry;
    registerAllDialects(registry);
    registry.insert<attn::AttnDialect, attn::tile::TileDialect>();
    attn::registerNVPTXTranslation(registry);
    context->appendDialectRegistry(registry);
    auto module = attn::parseModule(*sources, context);
    return module ? print(*module, os) : failure();
  };
}

int main(int argc, char **argv) {
  attn::setVersionPrinter();
  TranslateRegistration ptx(
      "kernels-to-ptx", "GPU modules in the LLVM dialect to PTX",
      fromModule([](Operation *op, raw_ostream &os) {
        return forEachKernelModule(
            op, "--attn-to-hopper", [&](gpu::GPUModuleOp module) {
              auto text = attn::translateToPTX(module, chip);
              if (succeeded(text))
                os << text->front();
              return LogicalResult(text);
            });
      }));
  TranslateRegistration wgsl(
      "kernels-to-wgsl", "GPU modules in kernel normal form to WGSL",
      fromModule([](Operation *op, raw_ostream &os) {
        return forEachKernelModule(
            op, "--attn-to-tile --attn-to-wgsl", [&](gpu::GPUModuleOp module) {
              return attn::translateToWGSL(module, os, maxStorageBuffers);
            });
      }));
  TranslateRegistration description(
      "program-to-json",
      "the description that an artifact of a lowered program has",
      fromModule(printDescription));
  return failed(mlirTranslateMain(argc, argv, "attention kernel printer\n"));
}
