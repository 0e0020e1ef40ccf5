//===- TileOps.td - Operations of the tile dialect ---------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loads and stores of blocks, matrix products, elementwise maps with global
// indices, row reductions, and the list of key tiles to visit.
//
//===----------------------------------------------------------------------===//

#ifndef TILE_OPS_TD
#define TILE_OPS_TD

include "TileTypes.td"
include "attn/Dialect/KnownAttributes.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Tile_Op<string mnemonic, list<Trait> traits = []>
    : Op<Tile_Dialect, mnemonic,
         !listconcat(traits, [KnownAttributes])>;

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

def Tile_LoadOp : Tile_Op<"load", [AttrSizedOperandSegments]> {
  let summary = "read a block of memory as a tile";
  let description = [{
    Reads rows `r .. r + R` and columns `c .. c + C` of the last two dimensions
    (rank-1 tiles: the last dimension) at the leading indices. Elements at or
    past `valid` rows or columns (counted from the first) are not read and are
    zero.

    ```mlir
    %k = tile.load %mem[%b, %h, %r, %c0] valid [%rows, %cols]
        : memref<?x?x?x64xf32> -> !tile.tile<128x64xf32>
    ```

    With `paged`, the rows of the tile are scattered: row r of the tile lies in
    page `table[(r0 + r) / P]` at row `(r0 + r) mod P` of the pool
    `[page, h, P, d]`, where r0 is the row index. The page index is left out of
    the subscript. A number in the table that is no page of the pool means the
    nearest one that is: no table leads to foreign memory.

    ```mlir
    %k = tile.load %pool[%h, %r, %c0] valid [%rows, %cols] paged %table[%b]
        : memref<?x8x16x64xf32>, memref<?x?xi32> -> !tile.tile<128x64xf32>
    ```

    With `packed %g`, the rows of g consecutive heads share the tile: row r of
    the tile is row `r0 + r / g` of head `h0 + r mod g`, where r0 and h0 are the
    row index and the index of the dimension in front of it.

    ```mlir
    %q = tile.load %mem[%b, %h, %r, %c0] valid [%rows, %cols] packed %g
        : memref<?x?x?x64xf32> -> !tile.tile<64x64xf32>
    ```

    With `where %mixed`, rows may hold what must have no effect: if `mixed` is
    true, rows of the tile for which the region yields false are zero, whatever
    memory holds there (rule 7). The region reads memory at indices within
    bounds and does not fault at any row of the tile.

    ```mlir
    %v = tile.load %mem[%b, %h, %r, %c0] valid [%rows, %cols] where %mixed {
    ^bb0(%row: index):
      %key = arith.addi %r, %row : index
      %keep = arith.cmpi sge, %key, %first : index
      tile.yield %keep : i1
    } : memref<?x?x?x64xf32> -> !tile.tile<128x64xf32>
    ```

    With a layout of `#tile.pieces`, the load runs ahead: elements that are not
    valid mean nothing, nor does any if a row of the tile is not. What it brings
    is `prefetched` for the load of the same elements into workgroup memory,
    which need not read memory for them.

    ```mlir
    %p = tile.load %mem[%r, %c0] valid [%rows, %cols]
        : memref<?x64xf16> -> !tile.tile<64x64xf16, #tile.pieces<elements = 8, threads = 256>>
    %k = tile.load %mem[%r, %c0] valid [%rows, %cols]
        prefetched(%p : !tile.tile<64x64xf16, #tile.pieces<elements = 8, threads = 256>>)
        : memref<?x64xf16> -> !tile.tile<64x64xf16, #tile.shared<padding = 8>>
    ```

    With `whole`, it does not: all rows are valid, and `tile.aligned` holds for
    the memory.
  }];
  let arguments = (ins
    Arg<AnyStridedMemRef, "source", [MemRead]>:$source,
    Variadic<Index>:$indices,
    Variadic<Index>:$valid,
    Optional<Index>:$packing,
    Optional<AnyStridedMemRef>:$page_table,
    Variadic<Index>:$page_indices,
    Optional<I1>:$mixed,
    Optional<Tile_TileType>:$prefetched,
    UnitAttr:$whole);
  let results = (outs Tile_TileType:$result);
  let regions = (region MaxSizedRegion<1>:$where);
  let assemblyFormat = [{
    $source `[` $indices `]` `valid` `[` $valid `]`
    (`packed` $packing^)?
    (`paged` $page_table^ `[` $page_indices `]`)?
    (`where` $mixed^ $where)?
    (`prefetched` `(` $prefetched^ `:` type($prefetched) `)`)? (`whole` $whole^)? attr-dict
    `:` type($source) (`,` type($page_table)^)? `->` type($result)
  }];
  let builders = [
    OpBuilder<(ins "::mlir::Type":$result, "::mlir::Value":$source,
      "::mlir::ValueRange":$indices, "::mlir::ValueRange":$valid,
      CArg<"::mlir::Value", "{}">:$packing,
      CArg<"::mlir::Value", "{}">:$page_table,
      CArg<"::mlir::ValueRange", "{}">:$page_indices)>
  ];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let hasCanonicalizeMethod = 1;
}

def Tile_AlignedOp : Tile_Op<"aligned", [Pure]> {
  let summary = "whether rows of memory begin at multiples of 16 bytes";
  let description = [{
    Of memory that a kernel rebuilds from an argument: whether what is bound
    begins at a multiple of 16 bytes and all of its steps, but the last, are
    such. Then what runs ahead in `#tile.pieces` brings what memory holds.

    ```mlir
    %usable = tile.aligned %mem : memref<?x64xf16, strided<[?, 1]>>
    ```
  }];
  let arguments = (ins AnyStridedMemRef:$source);
  let results = (outs I1:$result);
  let assemblyFormat = "$source attr-dict `:` type($source)";
}

def Tile_StoreOp : Tile_Op<"store", [AttrSizedOperandSegments]> {
  let summary = "write the valid part of a tile to memory";
  let description = [{
    The inverse of `tile.load`: elements at or past `valid` are not written.

    ```mlir
    tile.store %o, %mem[%b, %h, %r, %c0] valid [%rows, %cols]
        : !tile.tile<64x64xf32>, memref<?x?x?x64xf32>
    ```
  }];
  let arguments = (ins
    Tile_TileType:$tile,
    Arg<AnyStridedMemRef, "destination", [MemWrite]>:$dest,
    Variadic<Index>:$indices,
    Variadic<Index>:$valid);
  let assemblyFormat = [{
    $tile `,` $dest `[` $indices `]` `valid` `[` $valid `]` attr-dict
    `:` type($tile) `,` type($dest)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Computation
//===----------------------------------------------------------------------===//

def Tile_SplatOp : Tile_Op<"splat", [Pure]> {
  let summary = "a tile of equal values";
  let description = [{
    ```mlir
    %zero = tile.splat %c0 : f32 -> !tile.tile<64x64xf32>
    ```
  }];
  let arguments = (ins AnyType:$value);
  let results = (outs Tile_TileType:$result);
  let assemblyFormat = "$value attr-dict `:` type($value) `->` type($result)";
  let hasVerifier = 1;
}

def Tile_DotOp : Tile_Op<"dot", [Pure, AllTypesMatch<["acc", "result"]>]> {
  let summary = "matrix product with an f32 accumulator";
  let description = [{
    `result = acc + op(a) * op(b)` with a `[M, K]` (or `[K, M]` with
    `transpose_a`), b `[K, N]` (or `[N, K]` with `transpose_b`), acc `[M, N]`
    f32. Products are exact in f32, sums are rounded in f32 in an order that
    the target fixes (rule 5).

    ```mlir
    %s = tile.dot %q, %k, %zero {transpose_b}
        : !tile.tile<64x64xf32>, !tile.tile<128x64xf32> -> !tile.tile<64x128xf32>
    ```
  }];
  let arguments = (ins Tile_TileType:$a, Tile_TileType:$b, Tile_TileType:$acc,
                       UnitAttr:$transpose_a, UnitAttr:$transpose_b);
  let results = (outs Tile_TileType:$result);
  let assemblyFormat = [{
    $a `,` $b `,` $acc attr-dict `:` type($a) `,` type($b) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Tile_MapOp : Tile_Op<"map", [AttrSizedOperandSegments,
    RecursiveMemoryEffects, RecursivelySpeculatable,
    SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "apply a region to every element, with its global indices";
  let description = [{
    Element (r, c) of the results is the region applied to element (r, c) of
    each rank-2 operand, element r of each rank-1 operand, and the indices
    i = `row` + r and j = `col` + c. If every operand and result has rank 1,
    the region has no j and the op no `col`. The region may read memory, at
    indices within the memref's bounds: every element is computed, observed or
    not (`attn-make-total` clamps the reads of score and mask regions).

    Where all operands are `tile.splat` and no index is asked for, so are the
    results after canonicalization: the region is computed once.

    ```mlir
    %p = tile.map (%s, %m) at [%i0, %j0]
        : (!tile.tile<64x128xf32>, !tile.tile<64xf32>) -> !tile.tile<64x128xf32> {
    ^bb0(%x: f32, %max: f32, %i: index, %j: index):
      %d = arith.subf %x, %max : f32
      %e = math.exp2 %d : f32
      tile.yield %e : f32
    }
    ```
  }];
  let arguments = (ins Variadic<Tile_TileType>:$inputs, Variadic<Index>:$offsets);
  let results = (outs Variadic<Tile_TileType>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `(` $inputs `)` `at` `[` $offsets `]` attr-dict `:` functional-type($inputs, $results) $body
  }];
  let builders = [
    OpBuilder<(ins "::mlir::TypeRange":$results, "::mlir::ValueRange":$inputs,
      "::mlir::ValueRange":$offsets,
      "::llvm::function_ref<::mlir::SmallVector<::mlir::Value>(::mlir::OpBuilder &, ::mlir::Location, ::mlir::ValueRange elements, ::mlir::ValueRange indices)>":$body)>
  ];
  let extraClassDeclaration = [{
    /// Rank of the iteration space: 2, or 1 for row statistics only.
    unsigned getDomainRank() { return getOffsets().size(); }
    ::mlir::ValueRange getElementArgs() {
      return getBody().front().getArguments().take_front(getInputs().size());
    }
    ::mlir::ValueRange getIndexArgs() {
      return getBody().front().getArguments().drop_front(getInputs().size());
    }
    /// Rows and columns of the iteration space (columns 1 for rank 1).
    ::std::pair<int64_t, int64_t> getDomain();
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let hasCanonicalizeMethod = 1;
}

def Tile_YieldOp : Tile_Op<"yield", [Pure, Terminator, ReturnLike,
    ParentOneOf<["LoadOp", "MapOp", "RangesOp"]>]> {
  let summary = "result of a tile.load, tile.map or tile.ranges region";
  let description = [{
    ```mlir
    tile.yield %e : f32
    ```
  }];
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
  let builders = [OpBuilder<(ins), [{ build($_builder, $_state, ::mlir::ValueRange()); }]>];
}

def Tile_ReduceOp : Tile_Op<"reduce", [Pure, AllTypesMatch<["init", "result"]>]> {
  let summary = "reduce every row of a tile";
  let description = [{
    `result[r] = init[r] (op) x[r, 0] (op) x[r, 1] ...`. `max` ignores a NaN
    operand (as arith.maxnumf does).

    ```mlir
    %m1 = tile.reduce max %s, %m0 : !tile.tile<64x128xf32> -> !tile.tile<64xf32>
    ```

    To k columns, of which x has a multiple, every k-th is reduced:
    `result[r, c] = init[r, c] (op) x[r, c] (op) x[r, c + k] ...`. Fragments then
    meet element by element; what is left of a row is reduced later.

    ```mlir
    %l1 = tile.reduce sum %p, %l0 : !tile.tile<64x128xf32> -> !tile.tile<64x16xf32>
    ```
  }];
  let arguments = (ins Tile_ReduceKind:$kind, Tile_TileType:$input, Tile_TileType:$init);
  let results = (outs Tile_TileType:$result);
  let assemblyFormat = "$kind $input `,` $init attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Tile_SubgroupOp : Tile_Op<"subgroup", [Pure]> {
  let summary = "which of how many subgroups computes";
  let description = [{
    Subgroups of a workgroup may divide the iterations of a loop: each computes
    with tiles of its own until `tile.combine`. A program is right with any number
    of subgroups, one among them.

    ```mlir
    %number, %count = tile.subgroup
    ```
  }];
  let results = (outs Index:$number, Index:$count);
  let assemblyFormat = "attr-dict";
}

def Tile_CombineOp : Tile_Op<"combine", [Pure]> {
  let summary = "combine what subgroups have";
  let description = [{
    Every element of the result is the maximum or the sum of those that the
    subgroups have there, of f32. All threads of a workgroup must come by.

    Layouts in registers may differ in subgroups alone: each subgroup has all
    elements of the operand, those of the result may divide what is in registers
    of a thread, rows or columns.

    ```mlir
    %max = tile.combine max %m : !tile.tile<4xf32> -> !tile.tile<4xf32>
    ```
  }];
  let arguments = (ins Tile_ReduceKind:$kind, Tile_TileType:$input);
  let results = (outs Tile_TileType:$result);
  let assemblyFormat = "$kind $input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Tile_ArriveOp : Tile_Op<"arrive"> {
  let summary = "whether a workgroup is the last one of several";
  let description = [{
    Workgroups that share a counter count themselves when they come by, all
    threads of a workgroup together. In the last one of `count` the result is
    true, the counter is 0 again, as it was before the first one, and loads see
    what the others stored before they arrived. Which one is last differs from
    run to run.

    ```mlir
    %last = tile.arrive %counters[%group] of %count : memref<?xi32>
    ```
  }];
  let arguments = (ins Arg<MemRefRankOf<[I32], [1]>, "", [MemRead, MemWrite]>:$counters,
                       Index:$index, Index:$count);
  let results = (outs I1:$last);
  let assemblyFormat = "$counters `[` $index `]` `of` $count attr-dict `:` type($counters)";
}

def Tile_AnyAboveOp : Tile_Op<"any_above", [Pure]> {
  let summary = "whether an element is above the limit of its row";
  let description = [{
    True where an element of a row is greater than the row's limit; a NaN is not.
    Threads that compute different rows may get different answers, each for rows
    of its own: what depends on it must be right for rows in which nothing is
    above the limit, too, and must not need other rows.

    ```mlir
    %outgrown = tile.any_above %s, %limit : !tile.tile<64x16xf32>, !tile.tile<64xf32>
    ```
  }];
  let arguments = (ins Tile_TileType:$input, Tile_TileType:$limit);
  let results = (outs I1:$result);
  let assemblyFormat = "$input `,` $limit attr-dict `:` type($input) `,` type($limit)";
  let hasVerifier = 1;
}

def Tile_ConvertOp : Tile_Op<"convert", [Pure]> {
  let summary = "change the element type of a tile";
  let description = [{
    Rounds to nearest even when narrowing. P is rounded to v's type with it
    (rule 17).

    ```mlir
    %p16 = tile.convert %p : !tile.tile<64x128xf32> -> !tile.tile<64x128xbf16>
    ```

    Of a `tile.splat`, canonicalization makes one of the converted number.
  }];
  let arguments = (ins Tile_TileType:$input);
  let results = (outs Tile_TileType:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
  let hasCanonicalizeMethod = 1;
}

def Tile_RelayoutOp : Tile_Op<"relayout", [Pure]> {
  let summary = "the same tile elsewhere";
  let description = [{
    Moves the elements of a tile to where the layout of the result says. What
    that takes follows from the two layouts: nothing, moves between registers,
    shuffles, or a trip through workgroup memory. `tile-assign-layouts` puts it
    where an op needs its operand elsewhere.

    ```mlir
    %b = tile.relayout %p : !tile.tile<8x8xf32, #tile.layout<lane = [[0, 1], [0, 2], [0, 4], [1, 0], [2, 0]]>>
        -> !tile.tile<8x8xf32, #tile.shared<padding = 4>>
    ```
  }];
  let arguments = (ins Tile_TileType:$input);
  let results = (outs Tile_TileType:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let extraClassDeclaration = [{
    /// What the move takes of every thread, and of workgroup memory.
    RelayoutCost getCost();
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

//===----------------------------------------------------------------------===//
// Key-tile ranges
//===----------------------------------------------------------------------===//

def Tile_RangesOp : Tile_Op<"ranges", [RecursiveMemoryEffects,
    RecursivelySpeculatable]> {
  let summary = "the key tiles that a query tile visits";
  let description = [{
    Range k is the key tiles `begin .. end` (half open, in tiles), of which
    `full_begin .. full_end` need no mask. Ranges are disjoint and ascending;
    an empty range has end <= begin. There are four operands a range.

    ```mlir
    %v = tile.ranges [%b0, %e0, %fb0, %fe0], [%b1, %e1, %fb1, %fe1] : !tile.ranges
    ```

    Where no closed form is exact, a `where` region computes for key tile c of
    the ranges whether it need be visited at all and whether it is full. A loop
    may visit a tile that the region excludes: every element of it is masked.
    `tile-expand-ranges` guards the loop body with it.

    ```mlir
    %w = tile.ranges [%b0, %e0, %fb0, %fe0] where {
    ^bb0(%c: index):
      %odd = arith.remui %c, %c2 : index
      %visit = arith.cmpi eq, %odd, %c0 : index
      tile.yield %visit, %false : i1, i1
    } : !tile.ranges
    ```
  }];
  let arguments = (ins Variadic<Index>:$bounds);
  let results = (outs Tile_RangesType:$result);
  let regions = (region MaxSizedRegion<1>:$where);
  let assemblyFormat = [{
    custom<RangeBounds>($bounds) (`where` $where^)? attr-dict `:` type($result)
  }];
  let extraClassDeclaration = [{
    unsigned getNumRanges() { return getBounds().size() / 4; }
    ::mlir::Value getBegin(unsigned k) { return getBounds()[4 * k]; }
    ::mlir::Value getEnd(unsigned k) { return getBounds()[4 * k + 1]; }
    ::mlir::Value getFullBegin(unsigned k) { return getBounds()[4 * k + 2]; }
    ::mlir::Value getFullEnd(unsigned k) { return getBounds()[4 * k + 3]; }
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

def Tile_RangeCountOp : Tile_Op<"range_count", [Pure]> {
  let summary = "number of key tiles in a list of ranges";
  let description = [{
    The trip count of the loop over key tiles.

    ```mlir
    %n = tile.range_count %v : index
    ```
  }];
  let arguments = (ins Tile_RangesType:$ranges);
  let results = (outs Index:$result);
  let assemblyFormat = "$ranges attr-dict `:` type($result)";
}

def Tile_RangeAtOp : Tile_Op<"range_at", [Pure]> {
  let summary = "the n-th key tile of a list of ranges, and whether it is full";
  let description = [{
    ```mlir
    %c, %full = tile.range_at %v[%n] : index, i1
    ```
  }];
  let arguments = (ins Tile_RangesType:$ranges, Index:$position);
  let results = (outs Index:$tile, I1:$full);
  let assemblyFormat = "$ranges `[` $position `]` attr-dict `:` type($tile) `,` type($full)";
}

//===----------------------------------------------------------------------===//
// Launch
//===----------------------------------------------------------------------===//

def Tile_LaunchOp : Tile_Op<"launch", [AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "run a kernel once for every point of a grid";
  let description = [{
    What `attn-outline-kernels` leaves of a grid in the host function. The
    kernel, a function with the attribute `tile.kernel`, takes the arguments,
    the point of the grid (three indices) and the extents of the grid (three
    more). It takes a memref as its base pointer, a memref of rank 0. `writes`
    lists the arguments whose memory it writes.

    ```mlir
    tile.launch @f_kernel0 grid [%nb, %nh, %nt] (%q, %o) writes [1] : memref<?xf32>, memref<?xf32>
    ```

    A lowering gives the kernel its target's signature, says what it then takes
    by `tile.launch_info`, and names it anew where it has moved
    (`@module::@kernel`); the launch keeps its arguments.
  }];
  let arguments = (ins SymbolRefAttr:$kernel, Variadic<Index>:$grid,
                       Variadic<AnyType>:$args,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$writes);
  let assemblyFormat = [{
    $kernel `grid` `[` $grid `]` `(` $args `)` (`writes` $writes^)? attr-dict
    (`:` type($args)^)?
  }];
  let hasVerifier = 1;
}

def Tile_CheckOp : Tile_Op<"check", [MemoryEffects<[MemWrite]>]> {
  let summary = "a condition on a call, with the numbers that decide it";
  let description = [{
    Host-level: where `condition` is false, the program does not run, and the
    message says so with the values by their names. `attn-insert-checks` writes
    the checks of an attention op in front of it. Inside of a program that stays
    in a compiler it becomes a `cf.assert`, in an artifact a check.

    ```mlir
    tile.check %same, "rule 1: B of key must be B of query" ["B of key" = %bk, "B of query" = %bq]
    ```
  }];
  let arguments = (ins I1:$condition, StrAttr:$message, StrArrayAttr:$names,
                       Variadic<Index>:$values);
  let assemblyFormat = [{
    $condition `,` $message custom<NamedValues>($names, $values) attr-dict
  }];
  let hasVerifier = 1;
  let hasCanonicalizeMethod = 1;
}

def Tile_EstimateOp : Tile_Op<"estimate", [MemoryEffects<[MemWrite]>]> {
  let summary = "work of the next grid, and memory that standard attention needs";
  let description = [{
    Host-level bookkeeping for reports: floating-point operations of the two
    products (4 * B * Hq * Sq * Skv * D for equal head sizes, nothing masked)
    and bytes of the score matrix. It has no effect on results; the write
    effect only keeps it alive.

    ```mlir
    tile.estimate flops %f scores %s
    ```
  }];
  let arguments = (ins Index:$flops, Index:$scores);
  let assemblyFormat = "`flops` $flops `scores` $scores attr-dict";
}

//===----------------------------------------------------------------------===//
// In GPU kernels, next to what the GPU dialect has
//===----------------------------------------------------------------------===//

def Tile_SubgroupBarrierOp : Tile_Op<"subgroup_barrier"> {
  let summary = "lanes of a subgroup see each other's workgroup memory";
  let description = [{
    All lanes of a subgroup wait for each other, other subgroups do not: what
    one wrote to workgroup memory before, the others read after. The GPU
    dialect has a barrier for the whole workgroup only.

    ```mlir
    tile.subgroup_barrier
    ```
  }];
  let assemblyFormat = "attr-dict";
}

#endif // TILE_OPS_TD
