//===- Nesting.h - Text that the parser can take ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// MLIR's parser recurses into every bracket, and dies where text nests too deep
// for its stack. Tools ask here first.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_SUPPORT_NESTING_H
#define ATTN_SUPPORT_NESTING_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

namespace attn {

/// Brackets within brackets that tools parse: the stack is good for some 3,000,
/// a quarter of that where a sanitizer makes frames larger.
constexpr size_t kDeepestNesting = 500;

/// Where the first bracket opens that is nested deeper than that, or npos.
size_t findTooDeep(llvm::StringRef text);

/// Says on the standard error where `buffer` nests too deep.
mlir::LogicalResult checkNesting(llvm::MemoryBufferRef buffer);

/// parseSourceFile of what nests no deeper; else a diagnostic.
mlir::OwningOpRef<mlir::ModuleOp> parseModule(llvm::SourceMgr &sources,
                                              mlir::MLIRContext *context);
/// The same of a string that diagnostics call `name`.
mlir::OwningOpRef<mlir::ModuleOp> parseModule(llvm::StringRef text,
                                              llvm::StringRef name,
                                              mlir::MLIRContext *context);

} // namespace attn

#endif // ATTN_SUPPORT_NESTING_H
