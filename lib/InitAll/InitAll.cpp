//===- InitAll.cpp - Everything of this compiler in one call --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The one list of what there is to register: tools, plugin and C API use it.
//
//===----------------------------------------------------------------------===//

#include "attn/InitAll.h"
#include "attn/Analysis/Passes.h"
#include "attn/Conversion/Passes.h"
#include "attn/Dialect/Attn/Attn.h"
#include "attn/Dialect/Tile/Tile.h"
#include "attn/Pipelines/Pipelines.h"
#include "attn/Target/CUDA.h"
#include "attn/Target/NVPTX.h"
#include "attn/Target/WGSL.h"
#include "attn/Transforms/Passes.h"

void attn::registerAllDialects(mlir::DialectRegistry &registry) {
  registry.insert<AttnDialect, tile::TileDialect>();
  registerAttnBufferizableOpInterfaces(registry);
}

void attn::registerAllPasses() {
  // MLIR asserts that a pipeline is registered once.
  static const bool done = [] {
    registerAttnAnalysisPasses();
    registerAttnTransformsPasses();
    registerAttnConversionPasses();
    registerNVPTXPipelines();
    registerCUDAPipelines();
    registerAttnPipelines();
    registerWGSLPipelines();
    return true;
  }();
  (void)done;
}

void attn::registerAll(mlir::DialectRegistry &registry) {
  registerAllDialects(registry);
  registerAllPasses();
}
