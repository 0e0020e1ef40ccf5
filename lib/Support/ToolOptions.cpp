//===- ToolOptions.cpp - The command lines of tools -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Takes the options of libraries off a tool's command line.
//
//===----------------------------------------------------------------------===//

#include "attn/Support/ToolOptions.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/CommandLine.h"

namespace cl = llvm::cl;

void attn::dropRegisteredOptions() {
  llvm::SmallVector<cl::Option *> options(
      llvm::make_second_range(cl::getRegisteredOptions()));
  for (cl::Option *option : options)
    if (option->ArgStr != "version")
      option->removeArgument();
}
