//===- InitAll.h - Everything of this compiler in one call ------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For compilers that embed this one: dialects, interfaces, passes and
// pipelines, registered as MLIR's own InitAll headers do.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_INITALL_H
#define ATTN_INITALL_H

#include "mlir/IR/DialectRegistry.h"

namespace attn {

/// Makes every target known to the registry (attn/Target/Target.h). The
/// functions below do so, too.
void registerAllTargets();

/// Adds the attn and tile dialects, func, and the implementations of upstream
/// interfaces (bufferisation, tiling) that the pipelines rely on, for our ops
/// and for those of func, arith, scf and tensor, to `registry`.
void registerAllDialects(mlir::DialectRegistry &registry);

/// Makes every pass and pipeline known by its name, for command lines and for
/// textual pipelines. May be called more than once and from several threads.
void registerAllPasses();

/// Both of the above.
void registerAll(mlir::DialectRegistry &registry);

} // namespace attn

#endif // ATTN_INITALL_H
