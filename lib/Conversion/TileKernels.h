//===- TileKernels.h - What lowerings of tile kernels share -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Walks over the tiles of a kernel and pieces of code that lowerings to GPU
// kernels make alike, whatever holds the tiles.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_TILEKERNELS_H
#define LIB_CONVERSION_TILEKERNELS_H

#include "attn/Conversion/ExceedsMemory.h"
#include "attn/Dialect/Tile/AttributeNames.h"
#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn {

/// Calls `visit` for every tile value of the kernel, in program order.
inline void forEachTile(mlir::Operation *kernel,
                        llvm::function_ref<void(mlir::Value)> visit) {
  kernel->walk<mlir::WalkOrder::PreOrder>([&](mlir::Operation *op) {
    auto visitTiles = [&](auto values) {
      for (mlir::Value value : values)
        if (mlir::isa<tile::TileType>(value.getType()))
          visit(value);
    };
    visitTiles(op->getResults());
    for (mlir::Region &region : op->getRegions())
      for (mlir::Block &block : region)
        visitTiles(block.getArguments());
  });
}

/// Two parts of a reduction as one.
inline mlir::Value combine(mlir::ImplicitLocOpBuilder &b, tile::ReduceOp op,
                           mlir::Value lhs, mlir::Value rhs) {
  switch (op.getKind()) {
  case tile::ReduceKind::Max:
    return mlir::arith::MaxNumFOp::create(b, lhs, rhs);
  case tile::ReduceKind::Sum:
    return mlir::arith::AddFOp::create(b, lhs, rhs);
  }
  llvm_unreachable("unknown reduction");
}

/// `body` below `condition`, or always if there is none.
inline void guarded(mlir::ImplicitLocOpBuilder &b, mlir::Value condition,
                    llvm::function_ref<void()> body) {
  if (!condition)
    return body();
  auto branch = mlir::scf::IfOp::create(b, condition, /*withElseRegion=*/false);
  mlir::OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  body();
}

/// A kernel that is not only declared, to be found in another file.
inline bool isTileKernel(mlir::func::FuncOp func) {
  return func->hasAttr(tile::kKernelAttrName) && !func.isExternal();
}

inline llvm::SmallVector<mlir::func::FuncOp>
getTileKernels(mlir::ModuleOp module) {
  llvm::SmallVector<mlir::func::FuncOp> kernels;
  for (auto func : module.getOps<mlir::func::FuncOp>())
    if (isTileKernel(func))
      kernels.push_back(func);
  return kernels;
}

/// What takes a tile from its caller, or jumps, is no kernel that can be
/// launched; `pass` says so.
inline mlir::LogicalResult verifyLaunchable(mlir::func::FuncOp kernel,
                                            llvm::StringRef pass) {
  auto isInMemory = [](mlir::Type type) {
    return !mlir::isa<tile::TileType, tile::RangesType>(type);
  };
  if (!llvm::all_of(kernel.getArgumentTypes(), isInMemory) ||
      !llvm::all_of(kernel.getResultTypes(), isInMemory))
    return kernel.emitOpError("takes or returns tiles; ")
           << pass << " lowers kernels on memory";
  if (kernel.getNumResults())
    return kernel.emitOpError("returns ")
           << kernel.getResultTypes() << "; " << pass
           << " lowers kernels, which write what they compute";
  if (!kernel.getBody().hasOneBlock())
    return kernel.emitOpError("has ")
           << kernel.getBody().getBlocks().size() << " blocks; " << pass
           << " lowers kernels of one, with scf.if and scf.for";
  return mlir::success();
}

/// Refuses a kernel that needs `bytes` of workgroup memory `forWhat` where
/// there are `limit`; says which tile size would fit in place of `largest`, if
/// any.
inline mlir::LogicalResult refuseMemory(mlir::Operation *kernel, int64_t bytes,
                                        llvm::StringRef forWhat, int64_t limit,
                                        mlir::Value largest) {
  mlir::InFlightDiagnostic error = kernel->emitOpError("needs ");
  error << bytes << " bytes of workgroup memory" << forWhat << ", the limit is "
        << limit;
  tagExceedsMemory(error);
  if (!largest)
    return error;
  auto type = mlir::cast<tile::TileType>(largest.getType());
  int64_t rows = type.getRows(), cols = type.getCols();
  for (int64_t need = bytes; need > limit && rows * cols > 1;
       need = (need + 1) / 2)
    (rows > cols ? rows : cols) = std::max(rows, cols) / 2;
  error.attachNote(largest.getLoc())
      << "the largest is this " << type << "; one of " << rows << "x" << cols
      << " fits";
  return error;
}

/// Where lowered kernels go: at the end of `module`, which launches them.
inline mlir::gpu::GPUModuleOp getKernelModule(mlir::ModuleOp module) {
  // Another lowering may have made some of the kernels; a function may have
  // the name.
  std::string name = "kernels";
  for (int next = 0; mlir::Operation *known = module.lookupSymbol(name);
       name = "kernels_" + std::to_string(next++))
    if (auto kernels = llvm::dyn_cast<mlir::gpu::GPUModuleOp>(known))
      return kernels;
  auto builder = mlir::OpBuilder::atBlockEnd(module.getBody());
  module->setAttr(mlir::gpu::GPUDialect::getContainerModuleAttrName(),
                  builder.getUnitAttr());
  return mlir::gpu::GPUModuleOp::create(builder, module.getLoc(), name);
}

} // namespace attn

#endif // LIB_CONVERSION_TILEKERNELS_H
