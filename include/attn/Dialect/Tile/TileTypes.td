//===- TileTypes.td - Types of the tile dialect ------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tile values, where they live, and the list of key-tile ranges that a query
// tile visits.
//
//===----------------------------------------------------------------------===//

#ifndef TILE_TYPES_TD
#define TILE_TYPES_TD

include "TileDialect.td"
include "TileLaunch.td"
include "TileLayout.td"
include "TileTarget.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinTypeInterfaces.td"
include "mlir/IR/EnumAttr.td"

def Tile_ReduceKind : I32EnumAttr<"ReduceKind", "how a row is reduced", [
      I32EnumAttrCase<"Max", 0, "max">,
      I32EnumAttrCase<"Sum", 1, "sum">
    ]> {
  let cppNamespace = "::attn::tile";
}

def Tile_TileType : TypeDef<Tile_Dialect, "Tile"> {
  let mnemonic = "tile";
  let summary = "a block of values held by one worker";
  let description = [{
    `!tile.tile<64x128xf32>`: 64 rows of 128 columns; `!tile.tile<64xf32>`: one
    value a row. Sizes are static; a partial block at an edge is a full tile
    whose excess is zero (see `tile.load`).

    `!tile.tile<64x128xf32, #tile.shared<padding = 4>>` says where the elements
    live: in registers (`#tile.layout`), workgroup memory (`#tile.shared`) or
    matrix fragments (`#tile.fragment`). `tile-assign-layouts` decides that;
    element-wise ops have operands and results of one layout.
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape,
                        "::mlir::Type":$elementType,
                        OptionalParameter<"::mlir::Attribute">:$layout);
  let builders = [TypeBuilder<(ins "::llvm::ArrayRef<int64_t>":$shape,
                                   "::mlir::Type":$elementType), [{
    return $_get($_ctxt, shape, elementType, ::mlir::Attribute());
  }]>];
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    unsigned getRank() const { return getShape().size(); }
    int64_t getRows() const { return getShape()[0]; }
    /// Number of columns, 1 for a rank-1 tile.
    int64_t getCols() const { return getRank() == 2 ? getShape()[1] : 1; }
    /// The same shape and layout with another element type.
    TileType withElementType(::mlir::Type type) const {
      return get(getContext(), getShape(), type, getLayout());
    }
    /// The same shape and elements elsewhere.
    TileType withLayout(::mlir::Attribute layout) const {
      return get(getContext(), getShape(), getElementType(), layout);
    }
    /// The layout of the row statistics of such a tile; none if it has none.
    ::mlir::Attribute getRowLayout() const;
    /// The map of a tile in registers.
    ::std::optional<LinearLayout> getLinearLayout() const;
    int64_t getNumBytes() const;
  }];
}

def Tile_RangesType : TypeDef<Tile_Dialect, "Ranges"> {
  let mnemonic = "ranges";
  let summary = "an ordered list of disjoint key-tile ranges";
  let description = [{
    What mask analysis found for one query tile: which key tiles to visit, and
    which of those are full (every query of the tile attends every key).
  }];
}

#endif // TILE_TYPES_TD
