//===- CommandLine.cpp - Options of tools ---------------------------------===//
//
// Takes options of libraries off the command line.
//
//===----------------------------------------------------------------------===//

#include "attn/Execution/CommandLine.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/CommandLine.h"

namespace cl = llvm::cl;

void attn::execution::dropRegisteredOptions() {
  llvm::SmallVector<cl::Option *> options(
      llvm::make_second_range(cl::getRegisteredOptions()));
  for (cl::Option *option : options)
    option->removeArgument();
}
