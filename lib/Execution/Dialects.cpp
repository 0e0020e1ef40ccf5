//===- Dialects.cpp - What a context needs to compile ---------------------===//
//
// Kept apart: the header that registers all of MLIR is costly to compile.
//
//===----------------------------------------------------------------------===//

#include "attn/Execution/Backend.h"
#include "dialects/Attn/Attn.h"
#include "dialects/Tile/Tile.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"

void attn::execution::registerDialects(mlir::DialectRegistry &registry) {
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<AttnDialect, tile::TileDialect>();
  registerAttnBufferizableOpInterfaces(registry);
}
