//===- Pieces.h - Memory by 16 bytes ----------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whether a tile comes from memory in pieces of several elements.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_PIECES_H
#define LIB_CONVERSION_PIECES_H

#include "Staging.h"
#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

namespace attn {

/// The most that a thread moves at a time, from and to places that are
/// multiples of it.
constexpr int64_t kPieceBytes = 16;

/// Between rows of factors in workgroup memory: whole pieces, and fragments are
/// read without conflicts.
constexpr int64_t kRowGapBytes = kPieceBytes;

/// Elements of 16 bytes, of which each is either read as a whole or not at all:
/// the columns that are valid are a multiple, and columns are neighbours in
/// memory. Otherwise 0.
inline int64_t getPieceElements(mlir::Type element, tile::TargetAttr target,
                                int64_t columns, int64_t stride) {
  constexpr int64_t halfBytes = 2, elements = kPieceBytes / halfBytes;
  bool isHalf = element.isF16() ||
                (element.isBF16() && multipliesMatrices(target, element));
  bool fits = isHalf && (!target || readsPieces(target)) && columns > 0 &&
              columns % elements == 0 && stride == 1;
  return fits ? elements : 0;
}

/// The same for a tile, whose columns are a multiple, too.
template <typename Access>
int64_t getPieceElements(Access access, tile::TileType type,
                         mlir::Value memory) {
  auto view = memory.template getDefiningOp<mlir::memref::ReinterpretCastOp>();
  if (type.getRank() != 2 || !view)
    return 0;
  auto getKnown = [](mlir::OpFoldResult number) {
    return mlir::getConstantIntValue(number).value_or(0);
  };
  int64_t elements =
      getPieceElements(type.getElementType(), tile::TargetAttr::lookup(access),
                       getKnown(access.getValid()[1]),
                       getKnown(view.getConstifiedMixedStrides().back()));
  return elements && type.getCols() % elements == 0 ? elements : 0;
}
inline int64_t getPieceElements(tile::LoadOp load) {
  return getPieceElements(load, load.getType(), load.getSource());
}
inline int64_t getPieceElements(tile::StoreOp store) {
  return getPieceElements(store, store.getTile().getType(), store.getDest());
}

/// Pieces that wait in a thread for the next iteration of a loop, of all tiles:
/// what is left of its registers beside the fragments of an attention of 128
/// columns.
constexpr int64_t kMostWaitingPieces = 8;

/// Those of a tile of so many halves, in each thread.
inline int64_t getWaitingPieces(int64_t elements, int64_t threads) {
  constexpr int64_t elementsOfPiece = 8;
  return llvm::divideCeil(elements, elementsOfPiece * threads);
}

/// The registers that they take, of tiles of so many halves.
inline int64_t getWaitingRegisters(llvm::ArrayRef<int64_t> tiles,
                                   int64_t threads) {
  constexpr int64_t registersOfPiece = 4;
  int64_t pieces = 0;
  for (int64_t elements : tiles) {
    int64_t need = getWaitingPieces(elements, threads);
    if (pieces + need <= kMostWaitingPieces)
      pieces += need;
  }
  return pieces * registersOfPiece;
}

/// Whether a tile in workgroup memory has rows of whole pieces.
inline bool holdsPieces(tile::TileType tile, int64_t elements) {
  auto shared = mlir::dyn_cast_or_null<tile::SharedAttr>(tile.getLayout());
  return shared && !shared.getColumnMajor() && !shared.getSwizzle() &&
         elements > 1 && tile.getCols() % elements == 0 &&
         shared.getPadding() % elements == 0;
}

} // namespace attn

#endif // LIB_CONVERSION_PIECES_H
