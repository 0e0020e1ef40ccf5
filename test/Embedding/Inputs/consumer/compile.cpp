// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiles attention to an artifact with the installed libraries, and lowers it
// in place with the pipeline for embedders. attn::registerAll is all it needs.
#include "attn/Target/Compile.h"
#include "attn/InitAll.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"

#include <fstream>

int main(int argc, char **argv) {
  if (argc != 3)
    return 2;
  mlir::DialectRegistry registry;
  attn::registerAll(registry);
  mlir::MLIRContext context(registry);
  auto module = mlir::parseSourceFile<mlir::ModuleOp>(argv[1], &context);
  if (!module)
    return 1;
  mlir::FailureOr<std::string> artifact =
      attn::compileToArtifact(*module, attn::CompileOptions());
  if (mlir::failed(artifact))
    return 1;
  std::ofstream(argv[2], std::ios::binary) << *artifact;

  mlir::PassManager passes(&context);
  if (mlir::failed(mlir::parsePassPipeline("attn-to-cpu", passes)) ||
      mlir::failed(passes.run(*module)))
    return 1;
  module->print(llvm::outs());
  return 0;
}
