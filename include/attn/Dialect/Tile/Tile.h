//===- Tile.h - The tile dialect --------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// C++ declarations of the tile dialect: tile values and the ops on them.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_TILE_TILE_H
#define ATTN_DIALECT_TILE_TILE_H

#include "attn/Dialect/KnownAttributes.h"
#include "attn/Dialect/Tile/LinearLayout.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "attn/Dialect/Tile/TileDialect.h.inc"
#include "attn/Dialect/Tile/TileEnums.h.inc"

#define GET_TYPEDEF_CLASSES
#include "attn/Dialect/Tile/TileTypes.h.inc"

namespace attn::tile {
class LaunchOp;

/// What a tile.relayout takes.
struct RelayoutCost {
  Exchange kind;
  /// Of each thread: registers that it writes, shuffles that it takes part in.
  int64_t moves, shuffles;
  /// Of workgroup memory.
  int64_t bytes;
};
} // namespace attn::tile

#define GET_ATTRDEF_CLASSES
#include "attn/Dialect/Tile/TileAttrs.h.inc"

#define GET_OP_CLASSES
#include "attn/Dialect/Tile/TileOps.h.inc"

namespace attn::tile {
/// What the lowering of a kernel chose and why, on it: strings for people.
inline constexpr llvm::StringLiteral kChoicesAttrName = "tile.choices";

/// The dimensions of every grid: batch, head and query tile of attention.
inline constexpr unsigned kGridRank = 3;

/// What an outlined kernel takes: the arguments of its launch, then the point
/// and the extents of the grid. `T` are arguments or their types.
template <typename T> struct KernelSignature {
  llvm::ArrayRef<T> operands, point, extents;

  explicit KernelSignature(llvm::ArrayRef<T> all)
      : operands(all.drop_back(2 * kGridRank)),
        point(all.take_back(2 * kGridRank).take_front(kGridRank)),
        extents(all.take_back(kGridRank)) {}

  /// How many parameters a kernel has whose launches have `operands` arguments.
  static size_t size(size_t operands) { return operands + 2 * kGridRank; }
  /// All, in order.
  template <typename Operands, typename Point, typename Extents>
  static llvm::SmallVector<T> join(const Operands &operands, const Point &point,
                                   const Extents &extents) {
    llvm::SmallVector<T> all(operands.begin(), operands.end());
    all.append(point.begin(), point.end());
    all.append(extents.begin(), extents.end());
    return all;
  }
  /// Whether `all` are enough.
  static bool fits(llvm::ArrayRef<T> all) { return all.size() >= size(0); }
};

using KernelTypes = KernelSignature<mlir::Type>;

/// The arguments of a kernel that has a body.
struct KernelArguments : KernelSignature<mlir::BlockArgument> {
  explicit KernelArguments(mlir::FunctionOpInterface kernel)
      : KernelSignature(kernel.getFunctionBody().front().getArguments()) {}
};

/// Whether something stores, through views or by launches, into `memref`.
bool isWritten(mlir::Value memref);

/// Launches of the kernel that `from` names, in all of `module`, are of `to`.
void retargetLaunches(mlir::Operation *module, mlir::SymbolRefAttr from,
                      mlir::SymbolRefAttr to);

} // namespace attn::tile

#endif // ATTN_DIALECT_TILE_TILE_H
