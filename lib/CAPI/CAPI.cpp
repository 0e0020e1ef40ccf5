//===- CAPI.cpp - C API of dialects and passes ----------------------------===//
//
// Wraps attn/InitAll.h for programs in C and for bindings.
//
//===----------------------------------------------------------------------===//

#include "attn-c/Dialects.h"
#include "attn-c/Passes.h"
#include "attn/InitAll.h"
#include "dialects/Attn/Attn.h"
#include "dialects/Tile/Tile.h"

#include "mlir/CAPI/Registration.h"

MLIR_DEFINE_CAPI_DIALECT_REGISTRATION(Attn, attn, attn::AttnDialect)
MLIR_DEFINE_CAPI_DIALECT_REGISTRATION(Tile, tile, attn::tile::TileDialect)

void attnRegisterAllDialects(MlirDialectRegistry registry) {
  attn::registerAllDialects(*unwrap(registry));
}

void attnRegisterAllPasses() { attn::registerAllPasses(); }
