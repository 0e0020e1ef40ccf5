//===- Passes.td - Transformation passes -------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes on attn and tile IR that no target owns. Every description ends with
// a before/after example that is run as a test.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TRANSFORMS_PASSES_TD
#define ATTN_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def InsertChecks : Pass<"attn-insert-checks"> {
  let summary = "check at run time what types leave open";
  let description = [{
    Writes a `tile.check` in front of every `attn.attention` and `attn.merge` for
    each pair of sizes that a rule ties together and of which one is dynamic, and
    for integers that the host holds, such as a `kv_len` for all batches. It
    runs before `attn-expand-sugar`: afterwards a bias is one capture of many.

    With `contents` it also checks, in loops on the host, what tensors hold that
    become addresses: lengths (`kv_len`, `cu_seqlens`) and live entries of
    `page_table`. That is for hosts that can read them. Kernels clamp what they
    read of these in any case, so that no wrong number reaches foreign memory.

    The arguments of a function get names (`attn.name`), by which the messages of
    an artifact call them: what the first op that takes one calls it, which is
    what checks say too.

    Before:
    ```mlir
    func.func @f(%q: memref<1x2x8x16xf32>, %k: memref<1x2x?x16xf32>, %v: memref<1x2x?x16xf32>, %o: memref<1x2x8x16xf32>) {
      attn.attention ins(%q, %k, %v : memref<1x2x8x16xf32>, memref<1x2x?x16xf32>, memref<1x2x?x16xf32>)
          outs(%o : memref<1x2x8x16xf32>)
      return
    }
    ```
    After:
    ```mlir
    func.func @f(%q: memref<1x2x8x16xf32> {attn.name = "query"}, %k: memref<1x2x?x16xf32> {attn.name = "key"}, %v: memref<1x2x?x16xf32> {attn.name = "value"}, %o: memref<1x2x8x16xf32> {attn.name = "output"}) {
      %c2 = arith.constant 2 : index
      %of_k = memref.dim %k, %c2 : memref<1x2x?x16xf32>
      %of_v = memref.dim %v, %c2 : memref<1x2x?x16xf32>
      %same = arith.cmpi eq, %of_v, %of_k : index
      tile.check %same, "rule 1: Skv of value must be Skv of key" ["Skv of value" = %of_v, "Skv of key" = %of_k]
      attn.attention ins(%q, %k, %v : memref<1x2x8x16xf32>, memref<1x2x?x16xf32>, memref<1x2x?x16xf32>) outs(%o : memref<1x2x8x16xf32>)
      return
    }
    ```
  }];
  let options = [
    Option<"contents", "contents", "bool", /*default=*/"false",
           "The host can read the tensors: check the lengths and page numbers in them">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect",
    "::attn::tile::TileDialect"
  ];
  let statistics = [
    Statistic<"numChecks", "checks-written", "Checks that were written">
  ];
}

def SetArtifact : Pass<"attn-set-artifact", "::mlir::ModuleOp"> {
  let summary = "say what the module is compiled for";
  let description = [{
    Puts a `#tile.artifact` on the module, from which the description of an
    artifact takes its target, chip, features and metadata. It runs when the
    attention ops have their schedules: the tile of the last one becomes
    metadata.

    Before:
    ```mlir
    // Options: target=cpu chip=x86-64-v3 features=avx2,fma host-reads=true pipeline=cpu-standard
    func.func @f(%q: memref<1x2x8x16xf32>, %k: memref<1x2x9x16xf32>, %o: memref<1x2x8x16xf32>) {
      attn.attention ins(%q, %k, %k : memref<1x2x8x16xf32>, memref<1x2x9x16xf32>, memref<1x2x9x16xf32>)
          outs(%o : memref<1x2x8x16xf32>) {attn.schedule = #attn.schedule<tile_m = 64, tile_n = 32>}
      return
    }
    ```
    After:
    ```mlir
    module attributes {tile.artifact = #tile.artifact<target = "cpu", chip = "x86-64-v3", features = ["avx2", "fma"], host_reads = true, metadata = {pipeline = "cpu-standard", tile_m = 64 : i64, tile_n = 32 : i64}>} {
      func.func @f...
        attn.attention ...
        return
      }
    }
    ```
  }];
  let options = [
    Option<"target", "target", "std::string", /*default=*/"",
           "The target of the artifact">,
    Option<"chip", "chip", "std::string", /*default=*/"",
           "What the code is compiled for">,
    ListOption<"features", "features", "std::string",
               "What the code needs of a machine">,
    Option<"indexBits", "index-bits", "int64_t", /*default=*/"64",
           "The widest integers that kernels take">,
    Option<"hostReads", "host-reads", "bool", /*default=*/"false",
           "The host sees what buffers hold">,
    Option<"pipeline", "pipeline", "std::string", /*default=*/"",
           "Recorded as metadata">
  ];
  let dependentDialects = ["::attn::tile::TileDialect"];
}

def ExpandSugar : Pass<"attn-expand-sugar"> {
  let summary = "expand causal, window, softcap, ALiBi, bias, ... into the regions";
  let description = [{
    Rewrites everything that rule 10 lists into the score and mask regions of
    `attn.attention`, in the order of that rule; the operands become captures.
    Scale, `q_offset`, `kv_len`, `cu_seqlens`, `page_table`, `sink` and the
    layouts stay on the op (rule 11). Later stages see regions only.

    Bottom-right causal masking means `q_offset = kv_len - q_len` (rule 9): the
    expansion writes that difference wherever a position is needed, in the
    user's regions too, so that no `attn.q_offset` is left that would depend on
    the dropped attribute. `approx_tanh` becomes `fastmath<afn>` on every
    `math.tanh` of the score region.

    Before:
    ```mlir
    func.func @f(%q: tensor<1x2x8x16xf32>, %k: tensor<1x2x8x16xf32>, %v: tensor<1x2x8x16xf32>, %o: tensor<1x2x8x16xf32>) -> tensor<1x2x8x16xf32> {
      %r = attn.attention ins(%q, %k, %v : tensor<1x2x8x16xf32>, tensor<1x2x8x16xf32>, tensor<1x2x8x16xf32>)
          outs(%o : tensor<1x2x8x16xf32>) {causal = #attn.causal<top_left>} -> tensor<1x2x8x16xf32>
      return %r : tensor<1x2x8x16xf32>
    }
    ```
    After:
    ```mlir
    func.func @f(%q: tensor<1x2x8x16xf32>, %k: tensor<1x2x8x16xf32>, %v: tensor<1x2x8x16xf32>, %o: tensor<1x2x8x16xf32>) -> tensor<1x2x8x16xf32> {
      %r = attn.attention ins(%q, %k, %v : ...) outs(%o : tensor<1x2x8x16xf32>)
          mask(%b: index, %h: index, %i: index, %j: index) {
        %keep = arith.cmpi sle, %j, %i : index
        attn.yield %keep : i1
      } -> tensor<1x2x8x16xf32>
      return %r : tensor<1x2x8x16xf32>
    }
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::tensor::TensorDialect"
  ];
}

def MakeTotal : Pass<"attn-make-total"> {
  let summary = "let every op of a region have a result for every operand";
  let description = [{
    Rule 8 promises that what a region evaluates and does not observe never
    faults: masked and padded elements, branches that are not taken, what is
    hoisted out of them. This pass makes the IR say so, before anything is
    moved. Every index of a read is clamped into its table unless it is known to
    lie there; all indices of an empty table are 0. x / 0 and its remainder are
    0, the lowest integer divided by -1 is itself, a shift by the width or more
    gives 0 (`shrsi`: the sign), conversions of floats to integers saturate and
    take NaN for 0; `exact` and `overflow` flags go. The op stays in its place
    and only its operands change, so that mask analysis finds what it knows.
    A cast of an index to fewer bits that becomes an index again goes through an
    i64, as MLIR's folds take two such casts for none.

    Loops (`scf.for` with constant bounds) are unrolled.

    Before:
    ```mlir
    func.func @f(%q: memref<1x2x8x16xf32>, %k: memref<1x2x8x16xf32>, %v: memref<1x2x8x16xf32>, %o: memref<1x2x8x16xf32>, %t: memref<?xf32>) {
      attn.attention ins(%q, %k, %v : memref<1x2x8x16xf32>, memref<1x2x8x16xf32>, memref<1x2x8x16xf32>)
          captures(%t : memref<?xf32>) outs(%o : memref<1x2x8x16xf32>)
          score(%s: f32, %b: index, %h: index, %i: index, %j: index, %table: memref<?xf32>) {
        %x = memref.load %table[%h] : memref<?xf32>
        %y = arith.addf %s, %x : f32
        attn.yield %y : f32
      }
      return
    }
    ```
    After:
    ```mlir
    ...
    score(%s: f32, %b: index, %h: index, %i: index, %j: index, %table: memref<?xf32>) {
      ...
      %size = memref.dim %table, ... : memref<?xf32>
      ...
      %last = arith.subi %size, ... : index
      %below = arith.minsi %h, %last : index
      %inside = arith.maxsi %below, ... : index
      %x = memref.load %table[%inside] : memref<?xf32>
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect",
    "::mlir::tensor::TensorDialect"
  ];
  let statistics = [
    Statistic<"numReads", "reads-clamped", "Reads of which an index was clamped">,
    Statistic<"numGuards", "operands-guarded", "Divisions, shifts and conversions of which operands were guarded">,
    Statistic<"numLoops", "loops-unrolled", "Loops that were unrolled">
  ];
}

def SimplifyRegions : Pass<"attn-simplify-regions"> {
  let summary = "move -inf scores into the mask; fold, CSE and drop what is dead";
  let description = [{
    Peers write masks as scores of minus infinity. Where the yielded score is
    `select(c, x, -inf)` with c independent of the score, c moves into the mask
    region (rule 14), so that mask analysis sees it and whole tiles are skipped.
    It is found under nested selects of either polarity, under `scf.if` (which
    becomes a select: attn-make-total let both sides run), and under later
    arithmetic that provably keeps -inf: adding a value that is bounded,
    multiplying by a positive bounded value. Where it is not exact (the score
    added to -inf may be NaN or +inf), it stays.

    The regions are folded and deduplicated; an identity score region, an
    all-true mask region and unused captures disappear. Reads of captures stay
    inside the op.

    Before:
    ```mlir
    func.func @f(%q: tensor<1x2x8x16xf32>, %k: tensor<1x2x8x16xf32>, %v: tensor<1x2x8x16xf32>, %o: tensor<1x2x8x16xf32>) -> tensor<1x2x8x16xf32> {
      %r = attn.attention ins(%q, %k, %v : tensor<1x2x8x16xf32>, tensor<1x2x8x16xf32>, tensor<1x2x8x16xf32>)
          outs(%o : tensor<1x2x8x16xf32>)
          score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        %ninf = arith.constant 0xFF800000 : f32
        %keep = arith.cmpi sle, %j, %i : index
        %t = arith.select %keep, %s, %ninf : f32
        attn.yield %t : f32
      } -> tensor<1x2x8x16xf32>
      return %r : tensor<1x2x8x16xf32>
    }
    ```
    After:
    ```mlir
    func.func @f(%q: tensor<1x2x8x16xf32>, %k: tensor<1x2x8x16xf32>, %v: tensor<1x2x8x16xf32>, %o: tensor<1x2x8x16xf32>) -> tensor<1x2x8x16xf32> {
      %r = attn.attention ins(%q, %k, %v : ...) outs(%o : tensor<1x2x8x16xf32>)
          mask(%b: index, %h: index, %i: index, %j: index) {
        %keep = arith.cmpi sle, %j, %i : index
        attn.yield %keep : i1
      } -> tensor<1x2x8x16xf32>
      return %r : tensor<1x2x8x16xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
  let statistics = [
    Statistic<"numMoved", "scores-masked", "Score regions whose -inf moved into the mask">,
    Statistic<"numRegions", "regions-dropped", "Regions that turned out to do nothing">
  ];
}

def TileAttention : Pass<"attn-tile", "::mlir::func::FuncOp"> {
  let summary = "Tile attention into a grid of query tiles";
  let description = [{
    Turns every `attn.attention` on memrefs, free of sugar, into a grid
    (`scf.forall` over batch, query head and query tile) of loops over key
    tiles. Mask analysis gives the key tiles to visit. The result is standard
    attention: one loop stores the scores to memory and finds the row maxima, a
    second one reads them back, exponentiates and multiplies with v. `attn.merge`
    becomes a grid of elementwise maps.

    Tile sizes are rows (queries) and columns (keys) of the score tile;
    `head-multiple` pads the head sizes of tiles (the memory is not padded,
    rule 3). An `#attn.schedule` on the op goes before the options. If its keys
    may be split (`workers`), there are two grids: blocks of the first store the
    maximum, sum and accumulator of their rows, the second finishes each row, or
    with `share-columns` a few columns of it.
    Then query heads that share a key head are packed into one tile, unless the
    mask depends on the head. The first grid has the attribute `tile.workers`
    for `tile-split-keys`. With `explain` a grid tells in `attn.mask_tiles` which
    key tiles its query tiles visit. On targets with vectors, which compute
    products of the keys that are loaded and of no others, no keys are loaded past
    those that a query tile attends, as far as mask analysis knows.

    ```mlir
    func.func @f(%q: memref<1x1x64x16xf32>, %k: memref<1x1x64x16xf32>, %v: memref<1x1x64x16xf32>, %o: memref<1x1x64x16xf32>) {
      attn.attention ins(%q, %k, %v : memref<1x1x64x16xf32>, memref<1x1x64x16xf32>, memref<1x1x64x16xf32>)
          outs(%o : memref<1x1x64x16xf32>)
      return
    }
    ```
    becomes
    ```mlir
    %scores = memref.alloc() : memref<1x1x64x128xf32>
    ...
    scf.forall (%b, %h, %z) in (1, 1, 1) {
      ...
      %ranges = tile.ranges [...] : !tile.ranges
      %n = tile.range_count %ranges : index
      ...
      %qt = tile.load %q[%b, %h, ...] valid[...] : memref<1x1x64x16xf32> -> <64x16xf32>
      ...
      %m = scf.for %it = ... to %n step ... iter_args(%mi = ...) -> (!tile.tile<64xf32>) {
        %c, %full = tile.range_at %ranges[%it] : index, i1
        ...
        %s = tile.dot %qt, ... {transpose_b} : <64x16xf32>, <128x16xf32> -> <64x128xf32>
        ...
        tile.store %masked, %scores[%b, %h, ...] valid[...] : <64x128xf32>, memref<1x1x64x128xf32>
        %m1 = tile.reduce max %masked, %mi {tile.offset} : <64x128xf32> -> <64xf32>
        ...
      ...
      %r:2 = scf.for ... {
        ...
        %t = tile.load %scores[...] valid[...] : memref<1x1x64x128xf32> -> <64x128xf32>
        %p = tile.map(%t, ...) at[...] : ... {            // exp2((s - m) log2(e))
        ...
        tile.reduce sum %p, ... : <64x128xf32> -> <64xf32>
        ...
        tile.dot %p, ... : <64x128xf32>, <128x16xf32> -> <64x16xf32>
      ...
      tile.store ..., %o[%b, %h, ...] valid[...] : <64x16xf32>, memref<1x1x64x16xf32>
    ```
  }];
  let options = [
    Option<"tileM", "tile-m", "int64_t", "64", "Query rows of a tile">,
    Option<"tileN", "tile-n", "int64_t", "128", "Keys of a tile">,
    Option<"headMultiple", "head-multiple", "int64_t", "1",
           "Round head sizes of tiles up to a multiple of this">,
    Option<"rowMultiple", "row-multiple", "int64_t", "16",
           "Round the rows of tiles for few queries up to a multiple of this; 0: "
           "to whole vectors of the target">,
    Option<"divide", "divide", "bool", "false",
           "Divide o of f32 by the row sum instead of multiplying by its inverse: "
           "one rounding less, where a division is cheap">,
    Option<"shareColumns", "share-columns", "bool", "false",
           "Where keys may be split, several blocks finish a row: each as many "
           "columns as a subgroup of the target has lanes, if it has 8">,
    Option<"keyEnds", "key-ends", "bool", "true",
           "Load no keys past those that the rows of a tile attend, where a target "
           "has vectors">,
    Option<"explain", "explain", "bool", "false",
           "Say on the grid, as attn.mask_tiles, what mask analysis found, and as "
           "tile.choices what was chosen">
  ];
  let statistics = [
    Statistic<"numTiled", "attention-tiled", "Attention ops that were tiled">,
    Statistic<"numPacked", "heads-packed", "Attention ops of which a tile holds several heads">,
    Statistic<"numExact", "masks-exact", "Masks of which the key tiles to visit are exactly known">,
    Statistic<"numBounded", "masks-bounded", "Masks of which the key tiles to visit are bounded">
  ];
}

def SplitKeys : Pass<"tile-split-keys", "::mlir::func::FuncOp"> {
  let summary = "Let blocks share the keys of a query tile (split-KV)";
  let description = [{
    Few query tiles with many keys leave most of a machine idle. A grid with the
    attribute `tile.workers`, which stores the maximum, sum and accumulator of
    its rows and has a second grid finish them row by row (see `attn-tile`), is
    split: its last dimension grows by a factor, the two loops of standard
    attention run over a part of the key tiles, the memory of states gets a
    dimension of parts, and the second grid combines the states of a row, in f32
    and in the order of the parts (rule 18). How many parts there are depends on
    sizes and on `workers`: the least that keep 85% of the workers busy, each
    with two key tiles at least, and 128 keys or four tiles.

    It runs before `attn-fuse-online-softmax`, so that standard attention is
    split, too, and by the same matcher. A grid with the attribute that does not
    have the form is an error. With the option `workers`, grids of that form are
    split whether or not they have the attribute. Canonicalisation inlines grids
    of one point, so the pass belongs right behind `attn-tile`.

    ```mlir
    // Prepared by: func.func(attn-tile{tile-n=32})
    func.func @f(%q: memref<1x4x2x16xf32>, %k: memref<1x1x512x16xf32>, %v: memref<1x1x512x16xf32>, %o: memref<1x4x2x16xf32>) {
      attn.attention ins(%q, %k, %v : memref<1x4x2x16xf32>, memref<1x1x512x16xf32>, memref<1x1x512x16xf32>)
          outs(%o : memref<1x4x2x16xf32>) {attn.schedule = #attn.schedule<tile_m = 16, tile_n = 32, workers = 4>}
      return
    }
    ```
    becomes
    ```mlir
    ...
    %maxima = memref.alloc() : memref<1x1x8x4xf32>
    ...
    scf.forall (%b, %g, %step) in (1, 1, 4) {
      ...
      %part = arith.remui %step, %c4 : index
      ...
      %n = tile.range_count %ranges : index
      %each = arith.divui %n, %c4 : index
      %more = arith.remui %n, %c4 : index
      %below = arith.muli %part, %each ... : index
      ...
      %begin = arith.minsi ..., %n : index
      ...
      %above = arith.muli %next, %each ... : index
      ...
      %end = arith.minsi ..., %n : index
      ...
      %m = scf.for %it = %begin to %end step ... -> (!tile.tile<16xf32>) {
        ...
      %r:2 = scf.for %it2 = %begin to %end step ... -> (!tile.tile<16xf32>, !tile.tile<16x16xf32>) {
        ...
      tile.store %m, %by_part[%b, %g, %part, ...] valid[...] : <16xf32>, ...
      ...
    scf.forall (%b2, %g2, %row) in (1, 1, 8) {
      ...
      tile.load %maxima[%b2, %g2, %row, ...] valid[...] : memref<1x1x8x4xf32> -> <16x32xf32>
      ...
      tile.reduce max ...
      ...
      tile.dot ... : <16x32xf32>, <32x16xf32> -> <16x16xf32>
      ...
      tile.store ..., %o[...] valid[...] : <16x16xf32>, memref<1x4x2x16xf32>
    ```
  }];
  let options = [
    Option<"workers", "workers", "int64_t", "0",
           "Split all grids of the form for this many workers (0: those with "
           "the attribute)">
  ];
  let statistics = [
    Statistic<"numSplit", "grids-split", "Grids whose keys were split">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::attn::tile::TileDialect"
  ];
}

def FuseOnlineSoftmax
    : Pass<"attn-fuse-online-softmax", "::mlir::func::FuncOp"> {
  let summary = "Fuse the two loops of standard attention (FlashAttention)";
  let description = [{
    Merges the loop that finds the row maxima m of the scores with the loop
    that consumes exp(s - m): what the second loop accumulates linearly in
    exp(s - m) is carried under the running maximum and rescaled by
    exp(m_old - m_new) when the maximum moves (Milakov and Gimelshein 2018;
    Dao et al. 2022, algorithm 1). The score matrix in memory disappears.

    Loops that do not have this form are left alone.

    ```mlir
    func.func @f(%s: !tile.tile<4x8xf32>, %n: index) -> (!tile.tile<4xf32>, !tile.tile<4xf32>) {
      %scores = memref.alloc(%n) : memref<?x4x8xf32>
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c4 = arith.constant 4 : index
      %c8 = arith.constant 8 : index
      %zero = arith.constant 0.0 : f32
      %ninf = arith.constant 0xFF800000 : f32
      %log2e = arith.constant 1.44269504 : f32
      %m0 = tile.splat %ninf : f32 -> !tile.tile<4xf32>
      %l0 = tile.splat %zero : f32 -> !tile.tile<4xf32>
      %m = scf.for %c = %c0 to %n step %c1 iter_args(%mi = %m0) -> (!tile.tile<4xf32>) {
        tile.store %s, %scores[%c, %c0, %c0] valid [%c4, %c8] : !tile.tile<4x8xf32>, memref<?x4x8xf32>
        %m1 = tile.reduce max %s, %mi : !tile.tile<4x8xf32> -> !tile.tile<4xf32>
        scf.yield %m1 : !tile.tile<4xf32>
      }
      %ms = tile.map (%m) at [%c0] : (!tile.tile<4xf32>) -> !tile.tile<4xf32> {
      ^bb0(%x: f32, %i: index):
        %empty = arith.cmpf oeq, %x, %ninf : f32
        %y = arith.select %empty, %zero, %x : f32
        tile.yield %y : f32
      }
      %l = scf.for %c = %c0 to %n step %c1 iter_args(%li = %l0) -> (!tile.tile<4xf32>) {
        %t = tile.load %scores[%c, %c0, %c0] valid [%c4, %c8] : memref<?x4x8xf32> -> !tile.tile<4x8xf32>
        %p = tile.map (%t, %ms) at [%c0, %c0] : (!tile.tile<4x8xf32>, !tile.tile<4xf32>) -> !tile.tile<4x8xf32> {
        ^bb0(%x: f32, %max: f32, %i: index, %j: index):
          %d = arith.subf %x, %max : f32
          %d2 = arith.mulf %d, %log2e : f32
          %e = math.exp2 %d2 : f32
          tile.yield %e : f32
        }
        %l1 = tile.reduce sum %p, %li : !tile.tile<4x8xf32> -> !tile.tile<4xf32>
        scf.yield %l1 : !tile.tile<4xf32>
      }
      return %m, %l : !tile.tile<4xf32>, !tile.tile<4xf32>
    }
    ```
    becomes
    ```mlir
    %r:2 = scf.for %c = ... to %n step ... iter_args(%mi = ..., %li = ...) -> (!tile.tile<4xf32>, !tile.tile<4xf32>) {
      %m = tile.reduce max %s, %mi : <4x8xf32> -> <4xf32>
      %ms = tile.map(%m) at[...] : ... {                  // m, or 0 in an empty row
      ...
      %alpha = tile.map(%mi, %ms) at[...] : ... {         // exp(m_old - m_new)
      ...
      %p = tile.map(%s, %ms) at[...] : ... {              // exp(s - m)
      ...
      %rescaled = tile.map(%li, %alpha) at[...] : ... {
      ^bb0(%x: f32, %a: f32, %i: index):
        %y = arith.mulf %x, %a : f32
        tile.yield %y : f32
      }
      %l = tile.reduce sum %p, %rescaled : <4x8xf32> -> <4xf32>
      scf.yield %m, %l : !tile.tile<4xf32>, !tile.tile<4xf32>
    }
    return %r#0, %r#1 : !tile.tile<4xf32>, !tile.tile<4xf32>
    ```
  }];
  let statistics = [
    Statistic<"numFused", "loops-fused", "Pairs of loops that were fused">
  ];
}

def ExpandRanges : Pass<"tile-expand-ranges", "::mlir::func::FuncOp"> {
  let summary = "Turn key-tile ranges into index arithmetic";
  let description = [{
    `tile.range_count` becomes the sum of the lengths of the ranges,
    `tile.range_at` a chain of selects. A loop over ranges with a `where`
    region gets an `scf.if` around its body, so that excluded tiles cost a few
    scalar instructions. `tile.size` keeps what the arithmetic does not tell: key
    tiles exist, and so many at most.

    ```mlir
    func.func @f(%begin: index, %end: index) -> index {
      %v = tile.ranges [%begin, %end, %begin, %begin] : !tile.ranges
      %n = tile.range_count %v : index
      return %n : index
    }
    ```
    becomes
    ```mlir
    func.func @f(%begin: index, %end: index) -> index {
      %c0 = arith.constant 0 : index
      %d = arith.subi %end, %begin : index
      %n = arith.maxsi %d, %c0 {tile.size = 1073741824 : index} : index
      return %n : index
    }
    ```
  }];
  let statistics = [
    Statistic<"numExpanded", "ranges-expanded", "Ranges that were expanded">,
    Statistic<"numGuarded", "loops-guarded", "Loops that ask a predicate for each key tile">
  ];
}

def UnswitchMasks : Pass<"tile-unswitch-masks", "::mlir::func::FuncOp"> {
  let summary = "Give masked and clean key tiles a loop body each";
  let description = [{
    Hoists the `scf.if %full` that selects the masked or the clean score tile
    to the top of the loop body: the rest of the body is cloned into both
    branches, so that full tiles run straight-line code without a compare.

    ```mlir
    func.func @f(%v: !tile.ranges, %t: !tile.tile<4x8xf32>, %m0: !tile.tile<4xf32>) -> !tile.tile<4xf32> {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %n = tile.range_count %v : index
      %m = scf.for %it = %c0 to %n step %c1 iter_args(%mi = %m0) -> (!tile.tile<4xf32>) {
        %c, %full = tile.range_at %v[%it] : index, i1
        %s = scf.if %full -> (!tile.tile<4x8xf32>) {
          scf.yield %t : !tile.tile<4x8xf32>
        } else {
          %masked = tile.map (%t) at [%c0, %c] : (!tile.tile<4x8xf32>) -> !tile.tile<4x8xf32> {
          ^bb0(%x: f32, %i: index, %j: index):
            %y = arith.negf %x : f32
            tile.yield %y : f32
          }
          scf.yield %masked : !tile.tile<4x8xf32>
        }
        %m1 = tile.reduce max %s, %mi : !tile.tile<4x8xf32> -> !tile.tile<4xf32>
        scf.yield %m1 : !tile.tile<4xf32>
      }
      return %m : !tile.tile<4xf32>
    }
    ```
    becomes
    ```mlir
    %m = scf.for %it = ... to %n step ... iter_args(%mi = ...) -> (!tile.tile<4xf32>) {
      %c, %full = tile.range_at %v[%it] : index, i1
      %next = scf.if %full -> (!tile.tile<4xf32>) {
        %m1 = tile.reduce max %t, %mi : <4x8xf32> -> <4xf32>
        scf.yield %m1 : !tile.tile<4xf32>
      } else {
        %masked = tile.map(%t) at[..., %c] : (!tile.tile<4x8xf32>) -> !tile.tile<4x8xf32> {
        ...
        %m1 = tile.reduce max %masked, %mi : <4x8xf32> -> <4xf32>
        scf.yield %m1 : !tile.tile<4xf32>
      }
      scf.yield %next : !tile.tile<4xf32>
    }
    ```
  }];
  let options = [
    Option<"scoresOnly", "scores-only", "bool", /*default=*/"false",
           "Move only what computes the scores and their maximum into the "
           "branches: half the code where products are loops">
  ];
  let statistics = [
    Statistic<"numSplit", "loops-split", "Loops with a body each for masked and clean key tiles">
  ];
}

def SinkScale : Pass<"tile-sink-scale", "::mlir::func::FuncOp"> {
  let summary = "Move the constant scale of the scores to where it is free";
  let description = [{
    A score tile that a loop multiplies by a positive constant is kept unscaled
    as long as its uses commute with the factor: selects against -inf, 0 and
    other scores, row maxima (also carried by the loop), sums and differences of
    scores, products with anything else. Other uses multiply by the factor,
    which folds into a constant multiplication such as the one by log2(e). A
    factor that is not a positive constant stays where it is (rule 5).

    ```mlir
    func.func @f(%q: !tile.tile<4x16xf16>, %k: !tile.tile<8x16xf16>, %n: index) -> !tile.tile<4xf32> {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %scale = arith.constant 0.125 : f32
      %zero = arith.constant 0.0 : f32
      %ninf = arith.constant 0xFF800000 : f32
      %s0 = tile.splat %zero : f32 -> !tile.tile<4x8xf32>
      %m0 = tile.splat %ninf : f32 -> !tile.tile<4xf32>
      %m = scf.for %it = %c0 to %n step %c1 iter_args(%mi = %m0) -> (!tile.tile<4xf32>) {
        %dot = tile.dot %q, %k, %s0 {transpose_b} : !tile.tile<4x16xf16>, !tile.tile<8x16xf16> -> !tile.tile<4x8xf32>
        %s = tile.map (%dot) at [%c0, %it] : (!tile.tile<4x8xf32>) -> !tile.tile<4x8xf32> {
        ^bb0(%x: f32, %i: index, %j: index):
          %y = arith.mulf %x, %scale : f32
          tile.yield %y : f32
        }
        %m1 = tile.reduce max %s, %mi : !tile.tile<4x8xf32> -> !tile.tile<4xf32>
        scf.yield %m1 : !tile.tile<4xf32>
      }
      %r = tile.map (%m) at [%c0] : (!tile.tile<4xf32>) -> !tile.tile<4xf32> {
      ^bb0(%x: f32, %i: index):
        %e = math.exp2 %x : f32
        tile.yield %e : f32
      }
      return %r : !tile.tile<4xf32>
    }
    ```
    becomes
    ```mlir
    %scale = arith.constant 1.250000e-01 : f32
    ...
    %m = scf.for %it = ... iter_args(%mi = ...) -> (!tile.tile<4xf32>) {
      %dot = tile.dot %q, %k, ... {transpose_b} : <4x16xf16>, <8x16xf16> -> <4x8xf32>
      %m1 = tile.reduce max %dot, %mi : <4x8xf32> -> <4xf32>
      scf.yield %m1 : !tile.tile<4xf32>
    }
    %r = tile.map(%m) at[...] : (!tile.tile<4xf32>) -> !tile.tile<4xf32> {
    ^bb0(%x: f32, %i: index):
      %y = arith.mulf %x, %scale : f32
      %e = math.exp2 %y : f32
      tile.yield %e : f32
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
  let statistics = [
    Statistic<"numSunk", "scales-sunk", "Scales that left the loop">
  ];
}

def ContractExp2 : Pass<"tile-contract-exp2", "::mlir::func::FuncOp"> {
  let summary = "Compute exp2((s - m) * c) with one fused multiply-add";
  let description = [{
    In maps over scores s and a row statistic m, with a positive constant c,
    the argument of exp2 becomes `fma(s, c, -m * c)`; the addend is computed once
    a row. s - m cannot overflow towards a wrong answer but m * c can: rows
    where it is beyond 2^28, where its rounding alone could overflow exp2, use a
    power of two in the place of c, which keeps exp2 of 0 at s = m and of a huge
    negative number below (rule 15).

    ```mlir
    func.func @f(%s: !tile.tile<4x8xf32>, %m: !tile.tile<4xf32>, %i0: index) -> !tile.tile<4x8xf32> {
      %c = arith.constant 1.44269504 : f32
      %p = tile.map (%s, %m) at [%i0, %i0] : (!tile.tile<4x8xf32>, !tile.tile<4xf32>) -> !tile.tile<4x8xf32> {
      ^bb0(%x: f32, %max: f32, %i: index, %j: index):
        %d = arith.subf %x, %max : f32
        %d2 = arith.mulf %d, %c : f32
        %e = math.exp2 %d2 : f32
        tile.yield %e : f32
      }
      return %p : !tile.tile<4x8xf32>
    }
    ```
    becomes
    ```mlir
    %row:2 = tile.map(%m) at[%i0] : (!tile.tile<4xf32>) -> (!tile.tile<4xf32>, !tile.tile<4xf32>) {
    ^bb0(%max: f32, %i: index):
      ...
      %large = arith.cmpf ogt, ...
      ...
      %most = arith.select %large, ...                    // 2 or c
      ...
      %factor = arith.select %huge, ...                   // 2^-4 or that
      %addend = arith.mulf %negated, %factor              // -m times that
      tile.yield %factor, %addend : f32, f32
    }
    %p = tile.map(%s, %row#0, %row#1) at[%i0, %i0] : ... {
    ^bb0(%x: f32, %f: f32, %a: f32, %i: index, %j: index):
      %y = math.fma %x, %f, %a : f32
      %e = math.exp2 %y : f32
      tile.yield %e : f32
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
  let statistics = [
    Statistic<"numContracted", "exponentials-contracted", "Exponentials with a fused argument">
  ];
}

def PackBindings : Pass<"tile-pack-bindings", "::mlir::func::FuncOp"> {
  let summary = "Let grids use no more buffers than a device binds";
  let description = [{
    A grid that uses more buffers than the `storage_buffers` of the target reads
    tables from one buffer of 32-bit words. Tables that grids before it computed
    (`i32`, such as the ranges of ids of a mask) they write there, at no cost; of
    those that a caller brings, the smallest are copied first, as many as it
    takes, with a remark. An element of a word's size or less becomes its bits,
    f16 and bf16 those of f32, 64 bits what a launcher of 32 bits makes of them.
    What tiles are loaded from and stored to stays a buffer of its own; where
    that is too much, the grid stays as it is, and the printer refuses it.

    ```mlir
    module attributes {tile.target = #tile.target<name = "wgsl", chip = "webgpu", storage_buffers = 2>} {
      func.func @f(%a: memref<4xf32> {attn.name = "a"}, %b: memref<?xi32> {attn.name = "b"}, %o: memref<4xf32>) {
        scf.forall (%x, %y, %z) in (4, 1, 1) {
          %s = memref.load %a[%x] : memref<4xf32>
          %n = memref.load %b[%x] : memref<?xi32>
          %f = arith.sitofp %n : i32 to f32
          %r = arith.addf %s, %f : f32
          memref.store %r, %o[%x] : memref<4xf32>
        }
        return
      }
    }
    ```
    becomes
    ```mlir
    ...
    %words = memref.alloc(...) : memref<?xi32>
    ...
    scf.forall (%x0, %y0, %z0) in (1, 1, 1) {
      ...
      %a0 = memref.load %a[...] : memref<4xf32>
      %w0 = arith.bitcast %a0 : f32 to i32
      tile.yield %w0 : i32
      ...
      tile.store ..., %words[...] valid[...] : <256xi32>, memref<?xi32>
    }
    ...
    scf.forall (%x, %y, %z) in (4, 1, 1) {
      %w = memref.load %words[%x] : memref<?xi32>
      %s = arith.bitcast %w : i32 to f32
      %at = arith.addi %x, ...
      %n = memref.load %words[%at] : memref<?xi32>
      ...
    }
    ```
  }];
  let statistics = [
    Statistic<"numPacked", "grids-packed", "Grids that read tables from words">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect",
                           "::attn::tile::TileDialect"];
}

def OutlineKernels : Pass<"attn-outline-kernels", "::mlir::ModuleOp"> {
  let summary = "Move every grid into a kernel function";
  let description = [{
    Each top-level `scf.forall` becomes a private function with the attribute
    `tile.kernel` that computes one point of the grid, and a `tile.launch` in
    its place. A captured memref is passed as its base pointer (a memref of
    rank 0, offset applied) and the dynamic sizes and strides that the kernel
    needs; the kernel rebuilds it. The last six parameters are the point
    (x, y, z) and the extents (nx, ny, nz) of the grid. Sizes, grid
    indices and what the host computes of them are marked with `tile.size`, the
    largest number that they can be, for range analysis; none is negative. A
    launch checks the sizes of arguments (rule 21).

    ```mlir
    func.func @f(%o: memref<?x8xf32>, %n: index) {
      %c0 = arith.constant 0 : index
      %c8 = arith.constant 8 : index
      %zero = arith.constant 0.0 : f32
      scf.forall (%b, %h, %z) in (%n, 1, 1) {
        %t = tile.splat %zero : f32 -> !tile.tile<8xf32>
        tile.store %t, %o[%b, %c0] valid [%c8] : !tile.tile<8xf32>, memref<?x8xf32>
      }
      return
    }
    ```
    becomes
    ```mlir
    func.func @f(%o: memref<?x8xf32>, %n: index) {
      ...
      %rows = memref.dim %o, ... : memref<?x8xf32>
      ...
      tile.launch @f_kernel0 grid[%n, ...] (%o, %rows) writes [0] : memref<?x8xf32>, index
      return
    }
    func.func private @f_kernel0(%p: memref<f32>, %size: index {tile.size = 1073676288 : index}, %x: index {tile.size = 2147418111 : index}, %y: index {tile.size = 0 : index}, %z: index {tile.size = 0 : index}, %nx: index {tile.size = 2147418112 : index}, %ny: index {tile.size = 1 : index}, %nz: index {tile.size = 1 : index}) attributes {tile.kernel} {
      %m = memref.reinterpret_cast %p to offset: [0], sizes: [%size, 8], strides: [8, 1] : memref<f32> to memref<?x8xf32, strided<[8, 1]>>
      ...
      tile.store %t, %m[%x, ...] valid[...] : <8xf32>, memref<?x8xf32, strided<[8, 1]>>
      return
    }
    ```
  }];
  let statistics = [
    Statistic<"numKernels", "kernels-outlined", "Grids that became kernels">
  ];
}

def BufferizePrograms : Pass<"attn-bufferize", "::mlir::ModuleOp"> {
  let summary = "Bufferize whole programs with free strides";
  let description = [{
    Runs upstream's one-shot bufferization across function boundaries. A tensor
    parameter becomes a memref whose strides are free except for the last one,
    which is 1: callers pass slices and permuted views without a copy (rule 1).

    ```mlir
    func.func @f(%t: tensor<4x8xf32>, %i: index) -> f32 {
      %x = tensor.extract %t[%i, %i] : tensor<4x8xf32>
      return %x : f32
    }
    ```
    becomes
    ```mlir
    func.func @f(%t: memref<4x8xf32, strided<[?, 1], offset: ?>>, %i: index) -> f32 {
      %x = memref.load %t[%i, %i] : memref<4x8xf32, strided<[?, 1], offset: ?>>
      return %x : f32
    }
    ```
  }];
}

def ExpandCopies : Pass<"attn-expand-copies", "::mlir::func::FuncOp"> {
  let summary = "Copies between buffers become grids";
  let description = [{
    The host program of an artifact launches kernels and nothing else. A
    `memref.copy` (of a `tensor.insert_slice` that is not in place) and a
    `linalg.transpose` on memrefs become an `scf.forall` over up to three of
    their dimensions, with loops over the others, which `attn-outline-kernels`
    makes a kernel of.

    ```mlir
    func.func @f(%a: memref<4x?xf32>, %b: memref<?x4xf32>) {
      linalg.transpose ins(%a : memref<4x?xf32>) outs(%b : memref<?x4xf32>) permutation = [1, 0]
      return
    }
    ```
    becomes
    ```mlir
    func.func @f(%a: memref<4x?xf32>, %b: memref<?x4xf32>) {
      %c0 = arith.constant 0 : index
      %n = memref.dim %b, %c0 : memref<?x4xf32>
      %one = arith.constant 1 : index
      %c4 = arith.constant 4 : index
      %zero = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      scf.forall (%i) in (%n) {
        scf.for %j = %zero to %c4 step %c1 {
          %x = memref.load %a[%j, %i] : memref<4x?xf32>
          memref.store %x, %b[%i, %j] : memref<?x4xf32>
        }
      }
      return
    }
    ```
  }];
  let statistics = [
    Statistic<"numCopies", "copies-expanded", "Copies that became kernels">
  ];
}

def LaunchToParallel : Pass<"tile-launch-to-parallel", "::mlir::ModuleOp"> {
  let summary = "Call kernels from parallel loops";
  let description = [{
    For programs that stay inside of an MLIR compiler: a `tile.launch` becomes
    an `scf.parallel` loop over the grid that calls the kernel, a `tile.check` a
    `cf.assert`, and `tile.estimate` disappears. What follows (OpenMP, async, serial loops) is
    the embedder's choice.

    ```mlir
    func.func private @k(memref<f32>, index, index, index, index, index, index) attributes {tile.kernel}
    func.func @f(%m: memref<8xf32>, %n: index) {
      %c1 = arith.constant 1 : index
      tile.launch @k grid [%n, %c1, %c1] (%m) : memref<8xf32>
      return
    }
    ```
    becomes
    ```mlir
    func.func @f(%m: memref<8xf32>, %n: index) {
      ...
      scf.parallel (%x, %y, %z) = (%c0, %c0, %c0) to (%n, %c1, %c1) step ... {
        func.call @k(%pointer, %x, %y, %z, %n, %c1, %c1) : (memref<f32, strided<[], offset: ?>>, index, index, index, index, index, index) -> ()
        scf.reduce
      }
      return
    }
    ```
  }];
  let dependentDialects = ["::mlir::scf::SCFDialect", "::mlir::func::FuncDialect", "::mlir::memref::MemRefDialect", "::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect"];
}

#endif // ATTN_TRANSFORMS_PASSES_TD
