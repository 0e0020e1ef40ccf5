// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/*===- attn-c/Dialects.h - C API of the dialects ------------------*- C -*-===*\
|*                                                                            *|
|* Handles of the attn and tile dialects for programs that use MLIR through   *|
|* its C API (mlir-c/IR.h).                                                   *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef ATTN_C_DIALECTS_H
#define ATTN_C_DIALECTS_H

#include "mlir-c/IR.h"

#ifdef __cplusplus
extern "C" {
#endif

/** mlirGetDialectHandle__attn__() and mlirGetDialectHandle__tile__(): to load
 *  or register one dialect in a context, without interfaces of other dialects.
 */
MLIR_DECLARE_CAPI_DIALECT_REGISTRATION(Attn, attn);
MLIR_DECLARE_CAPI_DIALECT_REGISTRATION(Tile, tile);

/** Adds both dialects, and what their ops implement of upstream interfaces
 *  (bufferisation, tiling), to a registry. A context gets them by
 *  mlirContextAppendDialectRegistry. */
MLIR_CAPI_EXPORTED void attnRegisterAllDialects(MlirDialectRegistry registry);

#ifdef __cplusplus
}
#endif

#endif /* ATTN_C_DIALECTS_H */
