//===- Dialects.cpp - What a context needs to compile ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kept apart: the header that registers all of MLIR is costly to compile.
//
//===----------------------------------------------------------------------===//

#include "attn/Execution/Backend.h"
#include "attn/InitAll.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"

void attn::execution::registerDialects(mlir::DialectRegistry &registry) {
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  attn::registerAllDialects(registry);
}
