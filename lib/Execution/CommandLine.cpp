//===- CommandLine.cpp - Options of tools ---------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Takes options of libraries off the command line; errors without a file.
//
//===----------------------------------------------------------------------===//

#include "attn/Execution/CommandLine.h"

#include "mlir/IR/Location.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/raw_ostream.h"

namespace cl = llvm::cl;

void attn::execution::dropRegisteredOptions() {
  llvm::SmallVector<cl::Option *> options(
      llvm::make_second_range(cl::getRegisteredOptions()));
  for (cl::Option *option : options)
    if (option->ArgStr != "version")
      option->removeArgument();
}

attn::execution::OptionErrors::OptionErrors(mlir::MLIRContext *context,
                                            std::string tool)
    : handler(context, [tool = std::move(tool)](mlir::Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() != mlir::DiagnosticSeverity::Error ||
            !mlir::isa<mlir::UnknownLoc>(diagnostic.getLocation()))
          return mlir::failure();
        llvm::errs() << tool << ": error: " << diagnostic << "\n";
        return mlir::success();
      }) {}
