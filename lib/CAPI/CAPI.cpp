//===- CAPI.cpp - C API of dialects and passes ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Wraps attn/InitAll.h for programs in C and for bindings.
//
//===----------------------------------------------------------------------===//

#include "attn-c/Dialects.h"
#include "attn-c/Passes.h"
#include "attn/Dialect/Attn/Attn.h"
#include "attn/Dialect/Tile/Tile.h"
#include "attn/InitAll.h"

#include "mlir/CAPI/Registration.h"

MLIR_DEFINE_CAPI_DIALECT_REGISTRATION(Attn, attn, attn::AttnDialect)
MLIR_DEFINE_CAPI_DIALECT_REGISTRATION(Tile, tile, attn::tile::TileDialect)

void attnRegisterAllDialects(MlirDialectRegistry registry) {
  attn::registerAllDialects(*unwrap(registry));
}

void attnRegisterAllPasses() { attn::registerAllPasses(); }
