//===- TileLayout.td - Where the elements of a tile live ---*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layouts of tiles: in the registers of threads, in workgroup memory, in
// matrix fragments that only the machine can open.
//
//===----------------------------------------------------------------------===//

#ifndef TILE_LAYOUT_TD
#define TILE_LAYOUT_TD

include "TileLaunch.td"
include "mlir/IR/EnumAttr.td"

def Tile_LayoutAttr : Tile_Attr<"Layout", "layout"> {
  let summary = "which thread holds which element in which register";
  let description = [{
    A linear map from the bits of the numbers of a register, a lane and a
    subgroup to the bits of a row and a column: bit k of a lane's number adds
    `lane[k]`, a pair of row and column, to the position of what it holds, and
    sums are taken without carry. A basis of `[0, 0]` makes copies. The bases
    span a block whose sizes are powers of two; a larger tile, or one of other
    sizes, is covered row by row by further blocks in further registers.

    Eight lanes hold consecutive columns of a row, four rows a subgroup, 32 rows
    the workgroup of eight subgroups:

    ```mlir
    #tile.layout<lane = [[0, 1], [0, 2], [0, 4], [1, 0], [2, 0]],
                 subgroup = [[4, 0], [8, 0], [16, 0]]>
    ```

    A tile of rank 1 has rows only.
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$registers,
                        ArrayRefParameter<"int64_t">:$lanes,
                        ArrayRefParameter<"int64_t">:$subgroups);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    static LayoutAttr get(::mlir::MLIRContext *context,
                          const LinearLayout &layout);
    /// For a tile of these sizes; `cols` is 1 for rank 1.
    LinearLayout toLinear(int64_t rows, int64_t cols) const;
  }];
}

def Tile_SharedAttr : Tile_Attr<"Shared", "shared"> {
  let summary = "a tile in workgroup memory";
  let description = [{
    Rows one after the other (`column_major`: columns), each followed by
    `padding` elements. With `swizzle = [v, p]`, groups of v elements of row r
    change places by exclusive or with r mod p, so that a column of groups lies
    in p places; v and p are powers of two. With `folds = n`, column c lies at
    place c mod w * n + c / w, where w is the n-th part of the columns: n that lie
    w apart are neighbours.

    ```mlir
    #tile.shared<padding = 8>
    #tile.shared<swizzle = [8, 8]>
    #tile.shared<padding = 4, folds = 4>
    ```
  }];
  let parameters = (ins DefaultValuedParameter<"bool", "false">:$column_major,
                        DefaultValuedParameter<"int64_t", "0">:$padding,
                        OptionalParameter<"::mlir::DenseI64ArrayAttr">:$swizzle,
                        DefaultValuedParameter<"int64_t", "1">:$folds);
  let builders = [AttrBuilder<(ins
      "bool":$columnMajor, "int64_t":$padding,
      "::mlir::DenseI64ArrayAttr":$swizzle), [{
    return $_get($_ctxt, columnMajor, padding, swizzle, int64_t(1));
  }]>];
  let assemblyFormat = "(`<` struct(params)^ `>`)?";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Elements from the start of a row (or column) to that of the next.
    int64_t getPitch(int64_t rows, int64_t cols) const;
    int64_t getNumElements(int64_t rows, int64_t cols) const;
    int64_t getOffset(int64_t rows, int64_t cols, TilePosition position) const;
  }];
}

def Tile_FragmentUse : I32EnumAttr<"FragmentUse", "what a fragment is to a product", [
      I32EnumAttrCase<"A", 0, "a">,
      I32EnumAttrCase<"B", 1, "b">,
      I32EnumAttrCase<"Accumulator", 2, "accumulator">
    ]> {
  let cppNamespace = "::attn::tile";
}

def Tile_FragmentAttr : Tile_Attr<"Fragment", "fragment"> {
  let summary = "a tile in matrix fragments of subgroups";
  let description = [{
    The tile is cut into fragments of `shape`. `subgroups = [m, n]` split its
    rows into m and its columns into n parts; subgroup s has part (s / n, s mod
    n). Which lane holds which element of a fragment only the machine knows:
    fragments can be loaded, stored, multiplied, and computed with element by
    element where both have the same use and shape.

    A tile of rank 1 in fragments holds the value of a row in all of its
    columns.

    ```mlir
    #tile.fragment<use = accumulator, shape = [16, 16], subgroups = [8, 1]>
    ```
  }];
  let parameters = (ins "FragmentUse":$use, "::mlir::DenseI64ArrayAttr":$shape,
                        "::mlir::DenseI64ArrayAttr":$subgroups);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    int64_t getFragmentRows() const { return getShape()[0]; }
    int64_t getFragmentCols() const { return getShape()[1]; }
    /// Fragments that a subgroup holds, one below and one beside the other.
    ::std::array<int64_t, 2> getFragmentsOfSubgroup(int64_t rows, int64_t cols) const;
  }];
}

def Tile_PiecesAttr : Tile_Attr<"Pieces", "pieces"> {
  let summary = "a tile on its way to workgroup memory";
  let description = [{
    In registers, as memory has it: row by row in pieces of `elements`
    neighbours of a row, of which thread t of `threads` has number t, t +
    threads, and so on. What a load brings before the tile is needed waits there
    for the `tile.load` that stages it; nothing else reads it.

    ```mlir
    #tile.pieces<elements = 8, threads = 256>
    ```
  }];
  let parameters = (ins "int64_t":$elements, "int64_t":$threads);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Of a thread; the last may lie past the tile.
    int64_t getNumPieces(int64_t rows, int64_t cols) const;
  }];
}

#endif // TILE_LAYOUT_TD
