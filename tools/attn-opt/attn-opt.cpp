//===- attn-opt.cpp - Run passes on MLIR ----------------------------------===//
//
// mlir-opt with the attn and tile dialects and every pass and pipeline of the
// project registered.
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/Passes.h"
#include "attn/Conversion/Passes.h"
#include "attn/Pipelines/Pipelines.h"
#include "attn/Target/CUDA.h"
#include "attn/Target/NVPTX.h"
#include "attn/Target/WGSL.h"
#include "attn/Transforms/Passes.h"
#include "dialects/Attn/Attn.h"
#include "dialects/Tile/Tile.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  mlir::registerAllPasses();
  attn::registerAttnAnalysisPasses();
  attn::registerAttnTransformsPasses();
  attn::registerAttnConversionPasses();
  attn::registerNVPTXPipelines();
  attn::registerCUDAPipelines();
  attn::registerAttnPipelines();
  attn::registerWGSLPipelines();
  registry.insert<attn::AttnDialect, attn::tile::TileDialect>();
  attn::registerAttnBufferizableOpInterfaces(registry);
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "attention compiler driver\n", registry));
}
