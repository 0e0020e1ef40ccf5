//===- Patterns.h - Lowerings of tile ops with layouts ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One conversion pattern an op. A pattern asks the layouts of its operands,
// never what the kernel computes.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_CONVERSION_LAYOUTTOGPU_PATTERNS_H
#define ATTN_LIB_CONVERSION_LAYOUTTOGPU_PATTERNS_H

#include "../KernelNames.h"
#include "KernelContext.h"

#include "mlir/Transforms/DialectConversion.h"

namespace attn {

/// Vector `number` of a row of a tile that stays in memory; of a row that is
/// missing, something.
mlir::Value readInMemory(mlir::ImplicitLocOpBuilder &b,
                         const KernelContext &context, tile::LoadOp op,
                         mlir::Value row, mlir::Value number);

/// tile.load.
void populateLoadPatterns(const mlir::TypeConverter &converter,
                          const KernelContext &context,
                          mlir::RewritePatternSet &patterns);
/// tile.relayout between registers and workgroup memory.
void populateRelayoutPatterns(const mlir::TypeConverter &converter,
                              const KernelContext &context,
                              mlir::RewritePatternSet &patterns);
/// tile.store, tile.convert in workgroup memory, and scalars in memory.
void populateMemoryPatterns(const mlir::TypeConverter &converter,
                            const KernelContext &context,
                            mlir::RewritePatternSet &patterns);
/// tile.splat, tile.map, tile.convert, tile.reduce.
void populateComputePatterns(const mlir::TypeConverter &converter,
                             const KernelContext &context,
                             mlir::RewritePatternSet &patterns);

/// tile.dot of factors in workgroup memory.
void populateSharedDotPatterns(const mlir::TypeConverter &converter,
                               const KernelContext &context,
                               mlir::RewritePatternSet &patterns);

/// tile.dot of factors in registers.
void populateRegisterDotPatterns(const mlir::TypeConverter &converter,
                                 const KernelContext &context,
                                 mlir::RewritePatternSet &patterns);

/// The same ops, and loads and stores, on matrix fragments.
void populateFragmentPatterns(const mlir::TypeConverter &converter,
                              const KernelContext &context,
                              mlir::RewritePatternSet &patterns);

/// A conversion of one tile op of a kernel.
template <typename Op>
class TileOpPattern : public mlir::OpConversionPattern<Op> {
public:
  TileOpPattern(const mlir::TypeConverter &converter,
                const KernelContext &context)
      : mlir::OpConversionPattern<Op>(converter, context.getContext()),
        context(context) {}

protected:
  /// Replaces the tiles that `op` makes by what holds them, and calls that
  /// after them.
  void replace(mlir::ConversionPatternRewriter &rewriter, Op op,
               llvm::ArrayRef<mlir::ValueRange> values) const {
    for (auto [tile, ofTile] : llvm::zip_equal(op->getResults(), values))
      context.nameValues(tile, ofTile);
    rewriter.replaceOpWithMultiple(op, llvm::to_vector(values));
  }

  const KernelContext &context;
};

/// The map of a tile whose elements threads hold.
inline tile::LinearLayout getLayout(mlir::Value tile) {
  return *mlir::cast<tile::TileType>(tile.getType()).getLinearLayout();
}

/// Whether threads hold the elements of every tile among `tiles`.
bool isInRegisters(mlir::ValueRange tiles);

/// Whether four registers at a time are neighbours of a row, in all threads.
bool holdsVectors(const tile::LinearLayout &layout, tile::TileType type);

/// Where the element of a tile.map lies: `within` of what begins at `offset`.
/// It is one that exists, so that its place is known to be small and not
/// negative, as the block's argument was: rows of packed heads are divided.
mlir::Value addPosition(mlir::ImplicitLocOpBuilder &b, mlir::Value offset,
                        mlir::Value within);

/// A vector of the elements of a piece of a tile.
mlir::VectorType getPieceType(tile::TileType tile, int64_t elements);

/// Threads visit the elements of a tile one after the other, row by row.
void forEachElement(mlir::ImplicitLocOpBuilder &b, const KernelContext &context,
                    tile::TileType type,
                    llvm::function_ref<void(const ElementPosition &)> body);
/// Or its pieces of so many elements.
void forEachPiece(mlir::ImplicitLocOpBuilder &b, const KernelContext &context,
                  tile::TileType type, int64_t elements,
                  llvm::function_ref<void(const ElementPosition &)> body);

/// Threads write what `op` makes to its buffer, between barriers.
void stage(mlir::ImplicitLocOpBuilder &b, const KernelContext &context,
           mlir::Operation *op, llvm::function_ref<void()> fill);

/// They write a tile in workgroup memory element by element.
void fillElements(
    mlir::ImplicitLocOpBuilder &b, const KernelContext &context,
    mlir::Value tile,
    llvm::function_ref<mlir::Value(const ElementPosition &)> read);

} // namespace attn

#endif // ATTN_LIB_CONVERSION_LAYOUTTOGPU_PATTERNS_H
