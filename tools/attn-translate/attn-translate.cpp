//===- attn-translate.cpp - Lowered kernels to target text ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// mlir-translate with the text formats of the registered targets, the
// description of an artifact, and artifacts of what passes made one by one.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/Attn.h"
#include "attn/Dialect/Kernel/Kernel.h"
#include "attn/Dialect/Tile/AttributeNames.h"
#include "attn/Dialect/Tile/Tile.h"
#include "attn/InitAll.h"
#include "attn/Support/Nesting.h"
#include "attn/Support/Places.h"
#include "attn/Support/ToolOptions.h"
#include "attn/Target/PackArtifact.h"
#include "attn/Target/Plan.h"
#include "attn/Target/Target.h"
#include "attn/Version.h"

#include "mlir/InitAllDialects.h"
#include "mlir/Tools/mlir-translate/MlirTranslateMain.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FormatVariadic.h"

#include <list>

using namespace mlir;

static llvm::cl::opt<std::string>
    chip("chip", llvm::cl::desc("Chip that text is printed for (default: what "
                                "the file says)"));

static llvm::cl::opt<std::string>
    kernelName("kernel", llvm::cl::value_desc("name"),
               llvm::cl::desc("Print only the module of this kernel"));

/// The GPU modules to print: all, or the one of the kernel that is asked for.
static FailureOr<SmallVector<gpu::GPUModuleOp>>
findModules(const attn::Target &target, Operation *op) {
  SmallVector<gpu::GPUModuleOp> modules;
  SmallVector<StringRef> kernels;
  op->walk([&](gpu::GPUModuleOp module) {
    bool isAskedFor = kernelName.empty();
    for (auto kernel : module.getOps<gpu::GPUFuncOp>()) {
      kernels.push_back(kernel.getName());
      isAskedFor |= kernel.getName() == kernelName;
    }
    if (isAskedFor)
      modules.push_back(module);
  });
  if (kernels.empty() && modules.empty())
    return emitError(attn::getPlace(op),
                     "there is no gpu.module to print; attn-opt ")
           << target.getPipeline() << " makes them of attention";
  std::string names = llvm::join(kernels, ", ");
  if (modules.empty())
    return emitError(attn::getPlace(op), "there is no kernel '")
           << kernelName << "'; --kernel takes one of " << names;
  if (modules.size() > 1 && target.printsBinary())
    return emitError(attn::getPlace(op), "there are ")
           << modules.size() << " modules, of which a file holds one; --kernel "
           << "takes one of " << names;
  return modules;
}

/// Prints GPU modules of a file that the pipelines of `target` made.
static LogicalResult printKernels(const attn::Target &target, Operation *op,
                                  raw_ostream &os) {
  std::string known = chip;
  if (attn::tile::TargetAttr machine = attn::tile::TargetAttr::lookup(op);
      known.empty() && machine)
    known = machine.getChip().str();
  FailureOr<SmallVector<gpu::GPUModuleOp>> modules = findModules(target, op);
  if (failed(modules))
    return failure();
  for (gpu::GPUModuleOp module : *modules)
    if (failed(target.printKernels(module, known, os)))
      return failure();
  return success();
}

/// The one host function of a file.
static FailureOr<func::FuncOp> findHost(Operation *op) {
  SmallVector<func::FuncOp> hosts;
  for (Operation &inner : op->getRegion(0).getOps()) {
    auto function = dyn_cast<func::FuncOp>(inner);
    if (function && !function.isExternal() &&
        !function->hasAttr(attn::tile::kKernelAttrName))
      hosts.push_back(function);
  }
  if (hosts.size() != 1)
    return emitError(attn::getPlace(op), "there are ")
           << hosts.size() << " host functions; an artifact has one";
  return hosts.front();
}

static LogicalResult printDescription(Operation *op, raw_ostream &os) {
  FailureOr<func::FuncOp> host = findHost(op);
  if (failed(host))
    return failure();
  FailureOr<llvm::json::Object> plan = attn::buildPlan(*host);
  if (succeeded(plan))
    os << llvm::formatv("{0:2}\n", llvm::json::Value(std::move(*plan)));
  return LogicalResult(plan);
}

/// Prints the artifact of a lowered program.
static LogicalResult printArtifact(Operation *op, raw_ostream &os) {
  attn::tile::TargetAttr machine = attn::tile::TargetAttr::lookup(op);
  std::string problem = "there is no #tile.target";
  const attn::Target *target =
      machine ? attn::findTarget(machine.getName(), problem) : nullptr;
  if (!target)
    return emitError(attn::getPlace(op), problem);
  FailureOr<func::FuncOp> host = findHost(op);
  if (failed(host))
    return failure();
  FailureOr<std::string> artifact = attn::packArtifact(
      *host, *target, attn::TargetOptions(), [](StringRef) {});
  if (failed(artifact))
    return failure();
  os << *artifact;
  return success();
}

/// A translation of modules that are looked at before they are parsed.
static TranslateFunction
fromModule(std::function<LogicalResult(Operation *, raw_ostream &)> print) {
  return [print = std::move(print)](
             const std::shared_ptr<llvm::SourceMgr> &sources, raw_ostream &os,
             MLIRContext *context) -> LogicalResult {
    DialectRegistry registry;
    registerAllDialects(registry);
    registry.insert<attn::AttnDialect, attn::kernel::KernelDialect,
                    attn::tile::TileDialect>();
    for (const attn::Target *target : attn::getTargets())
      target->registerTranslations(registry);
    context->appendDialectRegistry(registry);
    auto module = attn::parseModule(*sources, context);
    return module ? print(*module, os) : failure();
  };
}

static constexpr llvm::StringLiteral kExamples = R"(
EXAMPLES:

  attn-opt mine.mlir --attn-to-cuda=chip=sm_90a | attn-translate --kernels-to-ptx
      the kernels as PTX, for the chip that the file names
  attn-opt mine.mlir --attn-to-wgsl | attn-translate --kernels-to-wgsl -o mine.wgsl
      the kernels as shaders
  attn-opt mine.mlir --attn-to-cuda=launches=true | attn-translate --program-to-json
      what an artifact says of its arguments, launches and checks
  attn-opt mine.mlir --pass-pipeline=... | attn-translate --program-to-artifact -o mine.attn
      the artifact of what passes of your choice made
)";

int main(int argc, char **argv) {
  attn::setVersionPrinter();
  // Those of LLVM; what a translation needs is registered below.
  attn::dropRegisteredOptions();
  chip.addArgument();
  kernelName.addArgument();
  llvm::cl::extrahelp examples(kExamples);
  attn::registerAllTargets();
  attn::addListTargetsOption();
  // The registration keeps a reference to the summary.
  std::list<std::string> summaries;
  for (const attn::Target *target : attn::getTargets()) {
    if (target->getTextFormat().empty())
      continue;
    std::string name = ("kernels-to-" + target->getTextFormat()).str();
    summaries.push_back(
        ("GPU modules that attn-to-" + target->getName() + " made, as text")
            .str());
    TranslateRegistration text(
        name, summaries.back(),
        fromModule([target](Operation *op, raw_ostream &os) {
          return printKernels(*target, op, os);
        }));
  }
  TranslateRegistration description(
      "program-to-json",
      "the description that an artifact of a lowered program has",
      fromModule(printDescription));
  TranslateRegistration artifact("program-to-artifact",
                                 "the artifact of a lowered program",
                                 fromModule(printArtifact));
  return failed(mlirTranslateMain(argc, argv, "attention kernel printer\n"));
}
