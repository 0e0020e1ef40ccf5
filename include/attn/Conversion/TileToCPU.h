//===- TileToCPU.h - Tile kernels to vector code ----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `tile-to-cpu`: loops on vectors, queries on lanes.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_CONVERSION_TILETOCPU_H
#define ATTN_CONVERSION_TILETOCPU_H

#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace attn {
#define GEN_PASS_DECL_TILETOCPU
#include "attn/Conversion/Passes.h.inc"

/// Stack bytes of a kernel's call on a CPU beyond its buffers: spills, saved
/// registers, alignment.
constexpr int64_t kCPUFrameBytes = 65536;

/// On a kernel that takes a range of points, in the order of the grid: its last
/// coordinate is the number of the first one, the one before where they end.
inline constexpr llvm::StringLiteral kRangeAttrName = "range_of_points";

/// Whether products of bf16 take pairs (vdpbf16ps), which elsewhere take as
/// long as two of f32 or longer.
bool multipliesBF16Pairs(tile::TargetAttr target);

/// Whether registers of tiles (AMX) can compute all products of the kernel.
bool fitsTileRegisters(mlir::func::FuncOp kernel);

/// What kernels on registers of tiles need before `tile-to-cpu`; others stay
/// what they are.
void addTileRegisterPasses(mlir::OpPassManager &kernels);
} // namespace attn

#endif // ATTN_CONVERSION_TILETOCPU_H
