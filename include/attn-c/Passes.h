// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/*===- attn-c/Passes.h - C API of the passes ----------------------*- C -*-===*\
|*                                                                            *|
|* Makes the passes and pipelines of the attention compiler known to          *|
|* mlir-c/Pass.h, where textual pipelines name them.                          *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef ATTN_C_PASSES_H
#define ATTN_C_PASSES_H

#include "mlir-c/Support.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Registers every pass and pipeline for mlirParsePassPipeline and
 *  mlirOpPassManagerAddPipeline: "builtin.module(attn-to-cpu)" and so on. May
 *  be called more than once. */
MLIR_CAPI_EXPORTED void attnRegisterAllPasses(void);

#ifdef __cplusplus
}
#endif

#endif /* ATTN_C_PASSES_H */
