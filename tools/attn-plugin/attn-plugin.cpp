//===- attn-plugin.cpp - This compiler as a plugin of mlir-opt ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A shared object that a stock mlir-opt of the same LLVM version loads:
//   mlir-opt-22 --load-dialect-plugin=AttnPlugin.so
//     --load-pass-plugin=AttnPlugin.so --pass-pipeline='builtin.module(...)'
//
//===----------------------------------------------------------------------===//

#include "attn/InitAll.h"

#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "mlir/Tools/Plugins/PassPlugin.h"

extern "C" LLVM_ATTRIBUTE_VISIBILITY_DEFAULT mlir::DialectPluginLibraryInfo
mlirGetDialectPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "attn", ATTN_VERSION,
          [](mlir::DialectRegistry *registry) {
            attn::registerAllDialects(*registry);
          }};
}

extern "C" LLVM_ATTRIBUTE_VISIBILITY_DEFAULT mlir::PassPluginLibraryInfo
mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "attn", ATTN_VERSION,
          [] { attn::registerAllPasses(); }};
}
