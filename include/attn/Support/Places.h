//===- Places.h - Where messages about a whole file stand -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A module that no text spells lies in line 0. Its first op is what a reader
// of the file sees.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_SUPPORT_PLACES_H
#define ATTN_SUPPORT_PLACES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"

namespace attn {

/// The place of `op`, or of its first op where it has none.
inline mlir::Location getPlace(mlir::Operation *op) {
  auto module = llvm::dyn_cast<mlir::ModuleOp>(op);
  auto place = llvm::dyn_cast<mlir::FileLineColLoc>(op->getLoc());
  bool isImplied = module && place && place.getLine() == 0;
  return isImplied && !module.getBody()->empty()
             ? module.getBody()->front().getLoc()
             : op->getLoc();
}

} // namespace attn

#endif // ATTN_SUPPORT_PLACES_H
