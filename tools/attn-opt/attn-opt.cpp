//===- attn-opt.cpp - Run passes on MLIR ----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// mlir-opt with the attn and tile dialects and every pass and pipeline of the
// project registered.
//
//===----------------------------------------------------------------------===//

#include "attn/InitAll.h"
#include "attn/Support/Nesting.h"
#include "attn/Target/Target.h"
#include "attn/Version.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;

/// MlirOptMain of a file that is looked at before it is parsed.
static LogicalResult run(int argc, char **argv, StringRef input,
                         StringRef output, DialectRegistry &registry) {
  auto config = MlirOptMainConfig::createFromCLOptions();
  // Nothing is read.
  if (config.shouldShowDialects() || config.shouldListPasses())
    return MlirOptMain(argc, argv, input, output, registry);
  llvm::InitLLVM initialized(argc, argv);
  std::string error;
  std::unique_ptr<llvm::MemoryBuffer> buffer = openInputFile(input, &error);
  std::unique_ptr<llvm::ToolOutputFile> file =
      buffer ? openOutputFile(output, &error) : nullptr;
  if (!file) {
    llvm::errs() << error << "\n";
    return failure();
  }
  if (failed(attn::checkNesting(*buffer)) ||
      failed(MlirOptMain(file->os(), std::move(buffer), registry, config)))
    return failure();
  file->keep();
  return success();
}

static constexpr llvm::StringLiteral kExamples = R"(
EXAMPLES:

  attn-opt mine.mlir --attn-print-mask-analysis
      which keys each tile of queries visits, and what is known of them
  attn-opt mine.mlir --attn-to-tile
      kernels of tile ops and their launches: what targets start from
  attn-opt mine.mlir --attn-to-cpu=chip=x86-64-v3
      loops on vectors, for the rest of your pipeline
  attn-opt mine.mlir --attn-to-cuda=chip=sm_90a | attn-translate --kernels-to-ptx
      the text of kernels
  attn-opt mine.mlir --attn-expand-sugar --attn-simplify-regions
      single passes; docs/generated says what each one does, with an example
)";

int main(int argc, char **argv) {
  attn::setVersionPrinter();
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  mlir::registerAllPasses();
  attn::registerAll(registry);
  attn::addListTargetsOption();
  llvm::cl::extrahelp examples(kExamples);
  auto [input, output] = mlir::registerAndParseCLIOptions(
      argc, argv, "attention compiler driver\n", registry);
  return mlir::asMainReturnCode(run(argc, argv, input, output, registry));
}
