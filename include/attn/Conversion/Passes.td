//===- Passes.td - Conversions out of the tile dialect -----*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tile kernels to GPU kernels, and the legalisations of scalar regions that
// targets share. Every description has a before/after example that is run as
// a test.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_CONVERSION_PASSES_TD
#define ATTN_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def ExpandMath : Pass<"tile-expand-math"> {
  let summary = "Build transcendental functions from exp2, log2 and arithmetic";
  let description = [{
    Rewrites the functions of rule 8 on f32 (scalars and vectors) in terms of
    `math.exp2`, `math.log2`, `math.fma`, `math.floor`, `math.trunc` and
    arithmetic, so that a target needs no library of device functions and every
    target computes the same formula. exp2 and log2 themselves are the target's.

    | op | formula | error, given exact exp2 and log2 |
    |---|---|---|
    | exp | exp2(h) (1 + ln2 l), h + l = x log2(e) | 2 ULP |
    | log | ln2 log2(x) | 1.5 ULP |
    | log1p | a series in x / (2 + x) from -0.25 to 0.5, else ln2 log2(u) + (x - (u - 1)) / u with u = 1 + x | 3 ULP |
    | powf | exp2(y log2(abs(x))) with log2 and the product in two parts | 3 ULP |
    | tanh | 1 - 2 / (exp2(2 log2(e) abs(x)) + 1), a polynomial below 0.625 | 2 ULP |
    | erf | 1 - exp(polynomial); an odd polynomial below 0.928 | 3 ULP |
    | sin, cos | x - k pi/2 in four parts, polynomials | 2^-22 absolute for abs(x) <= 2^16 |
    | round | trunc(x + 0.5 with the sign of x, just below) | exact |
    | clampf, isnan | max(min(x, high), low); x differs from itself | exact |

    Where a target lacks `precise_math`, a multiply-add may be a product and a
    sum: what rounding lost of a product is then the sum of products of halves
    with 12 bits each, and exp and powf end in a polynomial in place of the
    target's exp2. Sums and products are `tile.exact`: a device does not regroup
    them.

    `keep-tanh` leaves a `math.tanh` with `fastmath<afn>`, which `approx_tanh`
    asks for, to the target. `short-tanh`, where all products have operands of 16
    bits, uses the first formula of tanh for all arguments: its error is then
    2^-21 absolute, and a softcap costs half as much. That is where a map yields
    the tanh times constants of at most 256 in all, plus other things, so that
    its scores are within 2^-13; a tanh with a larger cap, or one that is
    multiplied by what is no constant or compared, keeps its polynomial.

    ```mlir
    func.func @f(%x: f32) -> f32 {
      %y = math.log %x : f32
      return %y : f32
    }
    ```
    becomes
    ```mlir
    func.func @f(%x: f32) -> f32 {
      %0 = math.log2 %x : f32
      %ln2 = arith.constant 0.693147182 : f32
      %y = arith.mulf %0, %ln2 : f32
      return %y : f32
    }
    ```
  }];
  let options = [
    Option<"keepTanh", "keep-tanh", "bool", "false",
           "Leave math.tanh with fastmath<afn> to the target's approximation">,
    Option<"shortTanh", "short-tanh", "bool", "false",
           "Leave out the polynomial of tanh between products of 16 bits">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

def TileToCPU : Pass<"tile-to-cpu", "::mlir::func::FuncOp"> {
  let summary = "Lower tile kernels to vector code for CPUs";
  let description = [{
    Tile values become cache-line-aligned stack buffers of f32 with queries on
    vector lanes: a score tile lies as `[key][query]`, q and the accumulator as
    `[d][query]`. Row statistics are then lane-wise, and a matrix product is an
    outer product of `vectors` row vectors and 6 broadcast columns that stay in
    registers. Keys and values in f32 are read in place; f16, bf16, paged and
    padded rows go through an f32 copy of the tile. Elementwise ops and row
    reductions over the same tile share one loop nest; the rescale of the
    accumulator is applied where the product loads it.

    Tiles of at most a vector of rows, as in decoding, have columns on the lanes
    instead: scores lie as `[query][key]`, a score is the sum of the lanes of an
    accumulator over the head, and four rows share each vector of a key or value,
    which is read where it is, in its own type and from pages, too.

    Where the target multiplies pairs of bf16 faster (`multipliesBF16Pairs`), q
    and p lie as `[d / 2][query][2]` and `[key / 2][query][2]`; keys are pairs in
    place, and of values two rows are copied side by side.

    With `matrix = amx` the products of bf16 with more than a vector of rows go to
    tile registers (amx.tile_mulf). Columns then lie on the lanes; keys and values
    are packed once a tile, in pairs along the sum, and 32 rows at a time pass
    through the body of the loop over key tiles, so that their scores and weights
    stay in L1.

    ```mlir
    // Prepared by: tile-attach-target{target=cpu chip=x86-64-v3}
    func.func private @k(%m: memref<16xf32>, %i: index, %g0: index, %g1: index, %g2: index, %g3: index, %g4: index, %g5: index) attributes {tile.kernel} {
      %c16 = arith.constant 16 : index
      %one = arith.constant 1.0 : f32
      %t = tile.splat %one : f32 -> !tile.tile<16xf32>
      tile.store %t, %m[%i] valid [%c16] : !tile.tile<16xf32>, memref<16xf32>
      return
    }
    ```
    becomes
    ```mlir
    func.func private @k(%m: memref<16xf32>, %i: index, %g0: index, %g1: index, %g2: index, %g3: index, %g4: index, %g5: index) attributes {tile.kernel, ...} {
      %t = memref.alloca() {alignment = 64 : i64} : memref<16xf32>
      ...
      scf.for ... {
        ...
        scf.for %row = ... {
          vector.store ..., %t[%row] : memref<16xf32>, vector<8xf32>
        }
      }
      ...
      scf.for %n = ... {
        %to = arith.addi %i, %n : index
        %x = memref.load %t[%n] : memref<16xf32>
        memref.store %x, %m[%to] : memref<16xf32>
      }
      return
    }
    ```
  }];
  let dependentDialects = [
    "::mlir::amx::AMXDialect", "::mlir::arith::ArithDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect", "::mlir::x86vector::X86VectorDialect"
  ];
  let statistics = [
    Statistic<"numKernels", "kernels-lowered", "Kernels that were lowered">,
    Statistic<"numInPlace", "tiles-in-place", "Tiles that are read in place">,
    Statistic<"numCopied", "tiles-copied", "Tiles that are copied to the stack">,
    Statistic<"numGroups", "loop-nests", "Loop nests of elementwise ops and reductions">
  ];
}

def CPUExpandExp2 : Pass<"cpu-expand-exp2"> {
  let summary = "Compute exp2 and log2 with polynomials";
  let description = [{
    Rewrites `math.exp2` and `math.log2` on f32 scalars and vectors into
    arithmetic, so that generated code calls no library. exp2 rounds its
    argument, evaluates a polynomial of degree 6 on [-1/2, 1/2] and scales by
    the exponent (within 1.5 ULP; in exp2(d * c) the product with a positive
    constant is not rounded; results below 2^-125 are 0, at no extra cost: no
    number on the way is subnormal; exp2(-inf) = 0, NaN stays NaN). log2 splits
    off the exponent and sums an odd series in (m - 1) / (m + 1) (within 2 ULP of
    max(1, |result|)).

    `scalef` uses AVX-512's vscalefps for the scaling of vectors of 16, and
    vreduceps for the fraction; a target with vectors of 512 bits implies it. There,
    where an approximation will do (`afn`), the degree is 3 (within 7.5e-5).

    ```mlir
    func.func @f(%x: vector<16xf32>) -> vector<16xf32> {
      %y = math.exp2 %x : vector<16xf32>
      return %y : vector<16xf32>
    }
    ```
    becomes
    ```mlir
    ...
    %n = math.roundeven %clamped : vector<16xf32>
    %f = arith.subf %clamped, %n : vector<16xf32>
    %p5 = math.fma %p6, %f, %c5 : vector<16xf32>
    ```
  }];
  let options = [
    Option<"scalef", "scalef", "bool", "false",
           "Use vscalefps (AVX-512F) for vectors of 16">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::math::MathDialect", "::mlir::vector::VectorDialect",
    "::mlir::x86vector::X86VectorDialect"
  ];
}

def CPUFloatsAsBits : Pass<"cpu-floats-as-bits", "::mlir::func::FuncOp"> {
  let summary = "Move bf16 as integers, for machines without them";
  let description = [{
    Conversions between f32 and bf16 become integer arithmetic, rounding to the
    nearest with ties to even. Kernels compute in f32, so that all other ops only
    move such numbers: they move i16. LLVM would call a library for a bf16 that
    its optimiser freezes, and has no code for it on WebAssembly.

    `half` does the same for f16, which LLVM keeps across blocks by calls of a
    library there.

    ```mlir
    func.func @k(%m: memref<8xbf16>, %i: index, %c: i1) -> f32 {
      %zero = arith.constant 0.0 : bf16
      %x = memref.load %m[%i] : memref<8xbf16>
      %y = arith.select %c, %x, %zero : bf16
      %z = arith.extf %y : bf16 to f32
      return %z : f32
    }
    ```
    becomes
    ```mlir
    func.func @k(%m: memref<8xi16>, %i: index, %c: i1) -> f32 {
      ...
      %zero = arith.constant 0 : i16
      %x = memref.load %m[%i] : memref<8xi16>
      %y = arith.select %c, %x, %zero : i16
      %bits = arith.extui %y : i16 to i32
      %shifted = arith.shli %bits, ... : i32
      %z = arith.bitcast %shifted : i32 to f32
      return %z : f32
    }
    ```
  }];
  let options = [
    Option<"half", "half", "bool", "false", "f16, too">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def CPUSchedule : Pass<"cpu-schedule", "::mlir::func::FuncOp"> {
  let summary = "Choose tile sizes and split-KV for CPUs";
  let description = [{
    Gives every `attn.attention` on memrefs an `#attn.schedule`. Tiles have 64
    rows, or as many vectors as the queries need; the scores of a tile take three
    quarters of the L1 cache. Few rows and many keys, as in decoding, get packed
    heads, a tile of at most a vector of rows and 32 to 128 keys, or one of 64 rows, and
    split keys. Into how many
    parts depends on sizes and on the target's `workers` only, never on the threads
    of a machine (rule 19). What only a launch knows becomes a condition on sizes with
    a version of the op for either case. Tiles that a schedule gives stay, options
    override them; `attn.schedule_reason` says for people why. Where tile registers
    multiply bf16 (`matrix = amx`), many queries take tiles of 256, so that packing a
    tile of keys and values is paid for by many products, and as many keys as leave
    the scores, weights and sums of 32 queries in L1.

    ```mlir
    // Prepared by: tile-attach-target{target=cpu chip=x86-64-v3}
    func.func @f(%q: memref<1x8x?x64xf32>, %k: memref<1x8x?x64xf32>, %v: memref<1x8x?x64xf32>, %o: memref<1x8x?x64xf32>) {
      attn.attention ins(%q, %k, %v : memref<1x8x?x64xf32>, memref<1x8x?x64xf32>, memref<1x8x?x64xf32>)
          outs(%o : memref<1x8x?x64xf32>)
      return
    }
    ```
    becomes
    ```mlir
    func.func @f(%q: memref<1x8x?x64xf32>, %k: memref<1x8x?x64xf32>, %v: memref<1x8x?x64xf32>, %o: memref<1x8x?x64xf32>) {
      %c2 = arith.constant 2 : index
      %queries = memref.dim %q, %c2 : memref<1x8x?x64xf32>
      %c8 = arith.constant 8 : index
      %few = arith.cmpi sle, %queries, %c8 : index
      scf.if %few {
        attn.attention ins(%q, %k, %v : memref<1x8x?x64xf32>, memref<1x8x?x64xf32>, memref<1x8x?x64xf32>) outs(%o : memref<1x8x?x64xf32>) {attn.schedule = #attn.schedule<tile_m = 8, tile_n = 32, workers = 128>, ...}
      } else {
        attn.attention ins(%q, %k, %v : memref<1x8x?x64xf32>, memref<1x8x?x64xf32>, memref<1x8x?x64xf32>) outs(%o : memref<1x8x?x64xf32>) {attn.schedule = #attn.schedule<tile_m = 64, tile_n = 96>, ...}
      }
      return
    }
    ```
  }];
  let options = [
    Option<"tileM", "tile-m", "int64_t", "0",
           "Query rows of a tile; 0: chosen. A given tile is the only version">,
    Option<"tileN", "tile-n", "int64_t", "0", "Keys of a tile; 0: chosen">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect"
  ];
  let statistics = [
    Statistic<"numSchedules", "schedules-chosen", "Schedules that were put on versions of attention ops">
  ];
}

def TileToGPU : Pass<"tile-to-gpu", "::mlir::ModuleOp"> {
  let summary = "Lower tile kernels to GPU kernels";
  let description = [{
    Every `tile.kernel` function becomes a kernel of `gpu.module @kernels` in
    kernel normal form: structured control flow, arithmetic, and accesses to
    flat memrefs. One workgroup computes one point of the grid: block id x is
    the query tile, y the head, z the batch, and the six grid arguments vanish
    from the signature.

    A thread holds rows of the computed tiles in private buffers (several
    threads share a row if there are fewer rows than threads). Operands of
    products that other threads read are staged in workgroup memory between
    barriers; staged tiles that are not live at once share it. If they exceed
    what the target has, loads are read from memory for each product instead,
    with a remark; computed tiles that exceed it are an error.

    ```mlir
    // Prepared by: tile-attach-target{target=cuda chip=sm_80}
    func.func private @f(%a: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
      %c0 = arith.constant 0 : index
      %c32 = arith.constant 32 : index
      %m = memref.reinterpret_cast %a to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
      %t = tile.load %m[%c0] valid [%c32] : memref<32xf32> -> !tile.tile<32xf32>
      tile.store %t, %m[%c0] valid [%c32] : !tile.tile<32xf32>, memref<32xf32>
      return
    }
    ```
    becomes
    ```mlir
    gpu.module @kernels {
      gpu.func @f(%a: memref<f32>) private(%tile : memref<1xf32, #gpu.address_space<private>> ...) kernel attributes {...known_block_size = array<i32: 32, 1, 1>, ...} {
        ...
        %thread = gpu.thread_id x
        %flat = memref.reinterpret_cast %a to offset: [0], sizes: [...], strides: [1] : memref<f32> to memref<?xf32>
        %x = memref.load %flat[%thread] : memref<?xf32>
        memref.store %x, %tile[...] : memref<1xf32, #gpu.address_space<private>>
        %y = memref.load %tile[...] : memref<1xf32, #gpu.address_space<private>>
        memref.store %y, %flat[%thread] : memref<?xf32>
        gpu.return
      }
    }
    ```
  }];
  let options = [
    Option<"workgroupBytes", "workgroup-bytes", "int64_t", "0",
           "Workgroup memory; 0: what the target has without asking">,
    Option<"maxThreads", "max-threads", "int64_t", "0",
           "Most threads of a workgroup; 0: the target's">,
    Option<"threads", "threads", "int64_t", "0",
           "Threads of a workgroup (0: one a row, in steps of 32)">,
    Option<"elementBytes", "element-bytes", "int64_t", "1",
           "Bytes that the smallest element takes in workgroup memory">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect"
  ];
  let statistics = [
    Statistic<"numKernels", "kernels-lowered", "Kernels that were lowered">,
    Statistic<"numStaged", "tiles-staged", "Tiles that are staged in workgroup memory">
  ];
}

def PadTiles : Pass<"tile-pad-tiles", "::mlir::func::FuncOp"> {
  let summary = "Make the sizes of tiles multiples of the fragments of matrix units";
  let description = [{
    In a `tile.kernel` whose products the cooperative matrices of the target
    multiply, rows and columns of all tiles grow to multiples of the fragments. Loads fill
    what they add with zeros, which add nothing to a product, and no more is
    valid than was; where an op could tell, all tiles stay as they are: a
    reduction over columns that are no multiple, a product over computed tiles
    whose depth is none, a region that reads memory at rows and columns.

    ```mlir
    module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 32, shared_bytes = 16384, static_shared_bytes = 16384, matrix = cooperative, matrix_shape = [16, 16, 16]>} {
      func.func private @k(%a: memref<f16>, %b: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
        %c0 = arith.constant 0 : index
        %c16 = arith.constant 16 : index
        %c20 = arith.constant 20 : index
        %zero = arith.constant 0.0 : f32
        %m = memref.reinterpret_cast %a to offset: [0], sizes: [16, 20], strides: [20, 1] : memref<f16> to memref<16x20xf16>
        %o = memref.reinterpret_cast %b to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f32> to memref<16x16xf32>
        %q = tile.load %m[%c0, %c0] valid [%c16, %c20] : memref<16x20xf16> -> !tile.tile<16x20xf16>
        %s0 = tile.splat %zero : f32 -> !tile.tile<16x16xf32>
        %s = tile.dot %q, %q, %s0 {transpose_b} : !tile.tile<16x20xf16>, !tile.tile<16x20xf16> -> !tile.tile<16x16xf32>
        tile.store %s, %o[%c0, %c0] valid [%c16, %c16] : !tile.tile<16x16xf32>, memref<16x16xf32>
        return
      }
    }
    ```
    becomes
    ```mlir
    %q = tile.load %m[%c0, %c0] valid[%c16, %c20] : memref<16x20xf16> -> <16x32xf16>
    %s0 = tile.splat %zero : f32 -> <16x16xf32>
    %s = tile.dot %q, %q, %s0 {transpose_b} : <16x32xf16>, <16x32xf16> -> <16x16xf32>
    tile.store %s, %o[%c0, %c0] valid[%c16, %c16] : <16x16xf32>, memref<16x16xf32>
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
  let statistics = [
    Statistic<"numPadded", "tiles-padded", "Tiles that grew">
  ];
}

def DeferSums : Pass<"tile-defer-sums", "::mlir::func::FuncOp"> {
  let summary = "Add up rows after the loop that carries their sums";
  let description = [{
    A row sum that a loop carries, multiplied by row statistics and added to, is
    carried as many partial sums a row as the fragments of the target's matrix
    units have columns, or of `columns`: fragments and vectors meet element by
    element. The sums of rows come after the loop. In registers it is as many as the lanes that share a row have
    columns: within the loop they exchange nothing.

    ```mlir
    module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 32, shared_bytes = 16384, static_shared_bytes = 16384, matrix = cooperative, matrix_shape = [16, 16, 16]>} {
      func.func private @k(%a: memref<f16>, %b: memref<f32>, %n: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
        %c0 = arith.constant 0 : index
        %c1 = arith.constant 1 : index
        %c16 = arith.constant 16 : index
        %zero = arith.constant 0.0 : f32
        %m = memref.reinterpret_cast %a to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f16> to memref<16x16xf16>
        %o = memref.reinterpret_cast %b to offset: [0], sizes: [16], strides: [1] : memref<f32> to memref<16xf32>
        %q = tile.load %m[%c0, %c0] valid [%c16, %c16] : memref<16x16xf16> -> !tile.tile<16x16xf16>
        %s0 = tile.splat %zero : f32 -> !tile.tile<16x16xf32>
        %l0 = tile.splat %zero : f32 -> !tile.tile<16xf32>
        %l = scf.for %i = %c0 to %n step %c1 iter_args(%li = %l0) -> (!tile.tile<16xf32>) {
          %s = tile.dot %q, %q, %s0 {transpose_b} : !tile.tile<16x16xf16>, !tile.tile<16x16xf16> -> !tile.tile<16x16xf32>
          %l1 = tile.reduce sum %s, %li : !tile.tile<16x16xf32> -> !tile.tile<16xf32>
          scf.yield %l1 : !tile.tile<16xf32>
        }
        tile.store %l, %o[%c0] valid [%c16] : !tile.tile<16xf32>, memref<16xf32>
        return
      }
    }
    ```
    becomes
    ```mlir
    %partial = scf.for %i = ... iter_args(%li = %{{.*}}) -> (!tile.tile<16x16xf32>) {
      %s = tile.dot ...
      %l1 = tile.reduce sum %s, %li : <16x16xf32> -> <16x16xf32>
      scf.yield %l1 : !tile.tile<16x16xf32>
    }
    ...
    %l = tile.reduce sum %partial, ... : <16x16xf32> -> <16xf32>
    tile.store %l, ...
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
  let options = [
    Option<"columns", "columns", "int64_t", "0",
           "Partial sums a row; 0: as fragments have">
  ];
  let statistics = [
    Statistic<"numDeferred", "sums-deferred", "Row sums that left their loop">
  ];
}

def LazyMaxima : Pass<"tile-lazy-maxima", "::mlir::func::FuncOp"> {
  let summary = "Move running maxima only when scores outgrow them";
  let description = [{
    In a loop that carries a row maximum m, sums of exp2((s - m) c), and what is
    multiplied by exp2((m_old - m) c) when m grows, any m near the maximum does
    as well. It stays until a score exceeds it by 8 / c: then, and only then, rows are
    reduced and what is carried is multiplied, under a branch. -inf is exceeded
    by any other score, so that it still means that there was none. After the
    loop m moves to the maximum: what the loop returns is what it was. A maximum
    whose reduction has the attribute `tile.offset` stays where it is: all that
    comes of it is the same for any number nearby. A loop that carries such an
    offset and what is relative to it, and nothing else, may take its iterations
    in any order: it gets the attribute `tile.unordered`.

    The largest weight of a row is then not 1. A product with 16 bits rounds it,
    and where it is nearly all of the row's weight that shows, unless their sum is
    of rounded weights, too: it becomes a product with ones for weights of bf16,
    and for those of f16 where results are stored as f32; for neither where these
    are parts of results with 16 bits (`tile.narrow`). A conversion of such
    weights is `tile.any_rounding`. Where a kernel takes the log of a sum of bf16,
    it carries a second, rounded one, and what is relative to the weights is
    multiplied by the quotient of both after the loop. Where each iteration adds
    up the sum of a row, such a loop stays as it is. Vectors, which round to nearest,
    need that second sum, of weights that are widened again, only where results are
    stored as f32; without a log they add up rounded weights by themselves.

    What is computed of m alone is computed in every iteration: carried, it would
    take registers. Maxima that both branches of a choice of scores reduce are
    reduced after it first. For kernels that matrix units compute, where a
    reduction to a row goes through workgroup memory, and with `columns` for
    those whose rows lie in vectors.

    ```mlir
    module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 32, shared_bytes = 16384, static_shared_bytes = 16384, matrix = cooperative, matrix_shape = [16, 16, 16]>} {
      func.func private @k(%a: memref<f16>, %b: memref<f32>, %n: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
        %c0 = arith.constant 0 : index
        %c1 = arith.constant 1 : index
        %c16 = arith.constant 16 : index
        %zero = arith.constant 0.0 : f32
        %one = arith.constant 1.0 : f32
        %ninf = arith.constant 0xFF800000 : f32
        %m = memref.reinterpret_cast %a to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f16> to memref<16x16xf16>
        %o = memref.reinterpret_cast %b to offset: [0], sizes: [16], strides: [1] : memref<f32> to memref<16xf32>
        %q = tile.load %m[%c0, %c0] valid [%c16, %c16] : memref<16x16xf16> -> !tile.tile<16x16xf16>
        %s0 = tile.splat %zero : f32 -> !tile.tile<16x16xf32>
        %m0 = tile.splat %ninf : f32 -> !tile.tile<16xf32>
        %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%mi = %m0, %li = %s0) -> (!tile.tile<16xf32>, !tile.tile<16x16xf32>) {
          %s = tile.dot %q, %q, %s0 {transpose_b} : !tile.tile<16x16xf16>, !tile.tile<16x16xf16> -> !tile.tile<16x16xf32>
          %m1 = tile.reduce max %s, %mi : !tile.tile<16x16xf32> -> !tile.tile<16xf32>
          %alpha = tile.map (%mi, %m1) at [%c0] : (!tile.tile<16xf32>, !tile.tile<16xf32>) -> !tile.tile<16xf32> {
          ^bb0(%u: f32, %v: f32, %row: index):
            %d = arith.subf %u, %v : f32
            %d2 = arith.mulf %d, %one : f32
            %e = math.exp2 %d2 : f32
            tile.yield %e : f32
          }
          %p = tile.map (%s, %m1) at [%c0, %c0] : (!tile.tile<16x16xf32>, !tile.tile<16xf32>) -> !tile.tile<16x16xf32> {
          ^bb0(%u: f32, %v: f32, %row: index, %col: index):
            %d = arith.subf %u, %v : f32
            %e = math.exp2 %d : f32
            tile.yield %e : f32
          }
          %l1 = tile.map (%li, %alpha) at [%c0, %c0] : (!tile.tile<16x16xf32>, !tile.tile<16xf32>) -> !tile.tile<16x16xf32> {
          ^bb0(%u: f32, %v: f32, %row: index, %col: index):
            %e = arith.mulf %u, %v : f32
            tile.yield %e : f32
          }
          %l2 = tile.reduce sum %p, %l1 : !tile.tile<16x16xf32> -> !tile.tile<16x16xf32>
          scf.yield %m1, %l2 : !tile.tile<16xf32>, !tile.tile<16x16xf32>
        }
        tile.store %r#0, %o[%c0] valid [%c16] : !tile.tile<16xf32>, memref<16xf32>
        return
      }
    }
    ```
    becomes
    ```mlir
    %r:3 = scf.for %i = ... iter_args(%mi = %{{.*}}, %li = %{{.*}}, %so_far = %{{.*}}) -> (!tile.tile<16xf32>, !tile.tile<16x16xf32>, !tile.tile<16x16xf32>) {
      %s = tile.dot ...
      ...
      %top = tile.reduce max %s, %so_far : <16x16xf32> -> <16x16xf32>
      %limit = tile.map(%mi) at[...] : ...
      ...
      %outgrown = tile.any_above %s, %limit : <16x16xf32>, <16xf32>
      %moved:2 = scf.if %outgrown -> (!tile.tile<16xf32>, !tile.tile<16x16xf32>) {
        %m1 = tile.reduce max %s, %mi : <16x16xf32> -> <16xf32>
        %alpha = tile.map(%mi, %m1) ...
        ...
        %l1 = tile.map(%li, %alpha) ...
        ...
        scf.yield %m1, %l1 : ...
      } else {
        scf.yield %mi, %li : ...
      }
      %p = tile.map(%s, %moved#0) ...
      ...
      %l2 = tile.reduce sum %p, %moved#1 : <16x16xf32> -> <16x16xf32>
      scf.yield %moved#0, %l2, %top : ...
    }
    %m1 = tile.reduce max %r#2, %r#0 : <16x16xf32> -> <16xf32>
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
  let options = [
    Option<"columns", "columns", "int64_t", "0",
           "Maxima a row while the loop goes on; 0: as fragments have">
  ];
  let statistics = [
    Statistic<"numLazy", "maxima-lazy", "Running maxima that move when outgrown">
  ];
}

def JoinLaunches : Pass<"tile-join-launches", "::mlir::ModuleOp"> {
  let summary = "Let the last workgroup do what the next launch would";
  let description = [{
    Of two launches, the second one may read what the first one has left in
    allocations of the program and nothing else of it, each point in the first
    two dimensions of the grid what points with the same ones have stored: as
    where blocks share keys, and the next kernel adds up their parts. Then
    workgroups of the first kernel count themselves (`tile.arrive`), and the
    subgroups of the last one of a group divide the points of the second kernel.
    What comes out is the same whichever is last.

    Only where the second kernel needs one subgroup alone, the first one has
    several, and the memory model of the target orders what workgroups exchange
    (the feature `vulkanMemoryModel`).

    ```mlir
    #x = #tile.layout<lane = [[0, 1], [0, 2]], subgroup = [[1, 0]]>
    #y = #tile.layout<lane = [[0, 1], [0, 2]]>
    module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 4, features = ["vulkanMemoryModel"]>} {
      func.func @f(%a: memref<?x3x8x4xf32>, %b: memref<?x3x8x4xf32>, %n: index) {
        %c3 = arith.constant 3 : index
        %c4 = arith.constant 4 : index
        %c8 = arith.constant 8 : index
        %t = memref.alloc(%n) : memref<?x3x8x4xf32>
        tile.launch @make grid[%n, %c3, %c4] (%a, %t, %n) writes [1] : memref<?x3x8x4xf32>, memref<?x3x8x4xf32>, index
        tile.launch @take grid[%n, %c3, %c8] (%t, %b, %n) writes [1] : memref<?x3x8x4xf32>, memref<?x3x8x4xf32>, index
        memref.dealloc %t : memref<?x3x8x4xf32>
        return
      }
      func.func private @make(%a: memref<f32>, %t: memref<f32>, %n: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
        %c0 = arith.constant 0 : index
        %c2 = arith.constant 2 : index
        %c4 = arith.constant 4 : index
        %row = arith.muli %z, %c2 : index
        %from = memref.reinterpret_cast %a to offset: [0], sizes: [%n, 3, 8, 4], strides: [96, 32, 4, 1] : memref<f32> to memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
        %to = memref.reinterpret_cast %t to offset: [0], sizes: [%n, 3, 8, 4], strides: [96, 32, 4, 1] : memref<f32> to memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
        %s = tile.load %from[%x, %y, %row, %c0] valid [%c2, %c4] : memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>> -> !tile.tile<2x4xf32, #x>
        tile.store %s, %to[%x, %y, %row, %c0] valid [%c2, %c4] : !tile.tile<2x4xf32, #x>, memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
        return
      }
      func.func private @take(%t: memref<f32>, %b: memref<f32>, %n: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
        %c0 = arith.constant 0 : index
        %c1 = arith.constant 1 : index
        %c4 = arith.constant 4 : index
        %from = memref.reinterpret_cast %t to offset: [0], sizes: [%n, 3, 8, 4], strides: [96, 32, 4, 1] : memref<f32> to memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
        %to = memref.reinterpret_cast %b to offset: [0], sizes: [%n, 3, 8, 4], strides: [96, 32, 4, 1] : memref<f32> to memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
        %s = tile.load %from[%x, %y, %z, %c0] valid [%c1, %c4] : memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>> -> !tile.tile<1x4xf32, #y>
        tile.store %s, %to[%x, %y, %z, %c0] valid [%c1, %c4] : !tile.tile<1x4xf32, #y>, memref<?x3x8x4xf32, strided<[96, 32, 4, 1]>>
        return
      }
    }
    ```
    becomes
    ```mlir
    %counters = memref.alloc(%{{.*}}) {tile.restored} : memref<?xi32>
    tile.launch @make ... writes [1, 4, 5] ...
    ...
    %last = tile.arrive ... : memref<?xi32, strided<[1]>>
    scf.if %last {
      %number, %count = tile.subgroup
      scf.for %z = %number to %{{.*}} step %count {
    ```
  }];
  let dependentDialects = ["::mlir::scf::SCFDialect", "::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect"];
  let statistics = [Statistic<"numJoined", "launches joined", "Launches that the one before them does">];
}

def ShareLoops : Pass<"tile-share-loops", "::mlir::func::FuncOp"> {
  let summary = "Let subgroups divide the iterations of loops";
  let description = [{
    A kernel whose tiles the lanes of one subgroup hold gets more subgroups, which
    divide the iterations of its loops among them (`tile.subgroup`): as many as
    have the `threads` of `#attn.schedule`, if a workgroup has memory for what they
    combine. What each has carried becomes one by `tile.combine`: maxima, sums, and
    sums relative to a maximum, which first become relative to the maximum of all.
    After the last loop subgroups have different rows, if nothing from before is
    needed. Loads come first in an iteration. Only where all loops can be divided,
    follow each other, and exchange nothing through workgroup memory.

    ```mlir
    #x = #tile.layout<lane = [[0, 1], [0, 2]]>
    #r = #tile.layout<lane = [[0, 0], [0, 0]]>
    module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 4>} {
      func.func private @k(%a: memref<f32>, %b: memref<f32>, %n: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel, attn.schedule = #attn.schedule<threads = 8>} {
        %c0 = arith.constant 0 : index
        %c1 = arith.constant 1 : index
        %c4 = arith.constant 4 : index
        %zero = arith.constant 0.0 : f32
        %m = memref.reinterpret_cast %a to offset: [0], sizes: [%n, 4], strides: [4, 1] : memref<f32> to memref<?x4xf32, strided<[4, 1]>>
        %o = memref.reinterpret_cast %b to offset: [0], sizes: [2], strides: [1] : memref<f32> to memref<2xf32>
        %l0 = tile.splat %zero : f32 -> !tile.tile<2xf32, #r>
        %l = scf.for %i = %c0 to %n step %c1 iter_args(%li = %l0) -> (!tile.tile<2xf32, #r>) {
          %s = tile.load %m[%i, %c0] valid [%c1, %c4] : memref<?x4xf32, strided<[4, 1]>> -> !tile.tile<2x4xf32, #x>
          %l1 = tile.reduce sum %s, %li : !tile.tile<2x4xf32, #x> -> !tile.tile<2xf32, #r>
          scf.yield %l1 : !tile.tile<2xf32, #r>
        }
        tile.store %l, %o[%c0] valid [%c4] : !tile.tile<2xf32, #r>, memref<2xf32>
        return
      }
    }
    ```
    becomes
    ```mlir
    %number, %count = tile.subgroup
    ...
    %first = arith.addi %c0, %{{.*}} : index
    %step = arith.muli %c1, %count : index
    %l = scf.for %i = %first to %n step %step ...
    ...
    %sum = tile.combine sum %l : ...
    tile.store %sum, ...
    ```
  }];
  let options = [
    Option<"threads", "threads", "int64_t", "0",
           "Threads of a workgroup; 0: one subgroup">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
  let statistics = [
    Statistic<"numShared", "loops-shared", "Loops whose iterations subgroups divide">
  ];
}

def PrefetchLoads : Pass<"tile-prefetch-loads", "::mlir::func::FuncOp"> {
  let summary = "Load what the next iteration stages";
  let description = [{
    In loops of kernels whose products are in fragments, a load into workgroup
    memory takes what the iteration before loaded into registers, in pieces of 16
    bytes, and comes at the beginning of its iteration. Only loads whose place
    depends on nothing but the number of the iteration, whose rows are made of
    whole pieces, and for which a thread has registers.

    ```mlir
    #acc = #tile.fragment<use = accumulator, shape = [16, 16], subgroups = [1, 1]>
    #staged = #tile.shared<padding = 8>
    module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 32, shared_bytes = 16384, static_shared_bytes = 16384, matrix = cooperative, matrix_shape = [16, 16, 16]>} {
      func.func private @k(%a: memref<f16>, %n: index, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
        %c0 = arith.constant 0 : index
        %c1 = arith.constant 1 : index
        %c16 = arith.constant 16 : index
        %zero = arith.constant 0.0 : f32
        %m = memref.reinterpret_cast %a to offset: [0], sizes: [%n, 16], strides: [16, 1] : memref<f16> to memref<?x16xf16, strided<[16, 1]>>
        %s0 = tile.splat %zero : f32 -> !tile.tile<16x16xf32, #acc>
        %s = scf.for %i = %c0 to %n step %c1 iter_args(%si = %s0) -> (!tile.tile<16x16xf32, #acc>) {
          %k = tile.load %m[%i, %c0] valid [%c1, %c16] : memref<?x16xf16, strided<[16, 1]>> -> !tile.tile<16x16xf16, #staged>
          %s1 = tile.dot %k, %k, %si {transpose_a} : !tile.tile<16x16xf16, #staged>, !tile.tile<16x16xf16, #staged> -> !tile.tile<16x16xf32, #acc>
          scf.yield %s1 : !tile.tile<16x16xf32, #acc>
        }
        return
      }
    }
    ```
    becomes
    ```mlir
    %first = tile.load %m[%c0, %c0] valid[%{{.*}}, %c16] : ... -> <16x16xf16, #tile.pieces<elements = 8, threads = 32>>
    %r:2 = scf.for %i = ... iter_args(%si = %{{.*}}, %waits = %first) -> ... {
      %k = tile.load ... prefetched(%waits : ...) : ... -> <16x16xf16, #tile.shared<padding = 8>>
      ...
      %next = tile.load %m[%{{.*}}, %c0] valid[%{{.*}}, %c16] : ... -> <16x16xf16, #tile.pieces<elements = 8, threads = 32>>
      %s1 = tile.dot %k, %k, %si ...
      scf.yield %s1, %next : ...
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
  let statistics = [
    Statistic<"numPrefetched", "loads-prefetched", "Loads that an iteration does for the next">
  ];
}

def SplitLoops : Pass<"tile-split-loops", "::mlir::func::FuncOp"> {
  let summary = "Give iterations that need not ask a loop of their own";
  let description = [{
    In a loop with loads of what the iteration before asked for: the first
    iterations whose tiles are whole, for which the conditions of branches hold
    that follow from the number of the iteration alone, become a loop in front of
    it. There `tile.load` takes what waits without a branch, and masks are not
    applied. Where memory has no rows of pieces of 16 bytes, that loop is empty.
    The other iterations come behind, or in front where the loop is
    `tile.unordered` (tile-lazy-maxima): what they alone need takes no registers
    of the first ones then. Where the `split_loops` of a kernel's `#attn.schedule`
    are off, loops stay as they are.

    ```mlir
    #acc = #tile.fragment<use = accumulator, shape = [16, 16], subgroups = [1, 1]>
    #staged = #tile.shared<padding = 8>
    #pieces = #tile.pieces<elements = 8, threads = 32>
    func.func private @k(%m: memref<?x16xf16, strided<[16, 1]>>, %n: index, %rows: index, %p0: !tile.tile<16x16xf16, #pieces>, %s0: !tile.tile<16x16xf32, #acc>) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c16 = arith.constant 16 : index
      %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%si = %s0, %pi = %p0) -> (!tile.tile<16x16xf32, #acc>, !tile.tile<16x16xf16, #pieces>) {
        %row = arith.muli %i, %c16 : index
        %left = arith.subi %rows, %row : index
        %k = tile.load %m[%row, %c0] valid [%left, %c16] prefetched(%pi : !tile.tile<16x16xf16, #pieces>) : memref<?x16xf16, strided<[16, 1]>> -> !tile.tile<16x16xf16, #staged>
        %s = tile.dot %k, %k, %si {transpose_a} : !tile.tile<16x16xf16, #staged>, !tile.tile<16x16xf16, #staged> -> !tile.tile<16x16xf32, #acc>
        %j = arith.addi %row, %c16 : index
        %p = tile.load %m[%j, %c0] valid [%left, %c16] : memref<?x16xf16, strided<[16, 1]>> -> !tile.tile<16x16xf16, #pieces>
        scf.yield %s, %p : !tile.tile<16x16xf32, #acc>, !tile.tile<16x16xf16, #pieces>
      }
      return
    }
    ```
    becomes
    ```mlir
    %tiles = arith.floordivsi %{{.*}}, %{{.*}}
    %least = arith.minsi %n, %tiles
    %aligned = tile.aligned %m : ...
    %chosen = arith.select %aligned, %least, %c0
    %end = arith.maxsi %chosen, %c0
    %first:2 = scf.for %i = %c0 to %end step %c1 iter_args(%si = %s0, %pi = %p0) -> ... {
      ...
      %k = tile.load ... prefetched(%pi : ...) whole : ...
      ...
      scf.yield ...
    }
    %r:2 = scf.for %j = %end to %n step %c1 iter_args(%sj = %first#0, %pj = %first#1) -> ... {
      ...
      %k = tile.load ... prefetched(%pj : ...) : ...
      ...
      scf.yield ...
    }
    ```
  }];
  let options = [
    Option<"split", "split", "bool", "true", "Whether loops are split">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
  let statistics = [
    Statistic<"numSplit", "loops-split", "Loops that got one in front of them">
  ];
}

def AssignLayouts : Pass<"tile-assign-layouts", "::mlir::func::FuncOp"> {
  let summary = "Decide where the tiles of a kernel live";
  let description = [{
    Gives every tile of a `tile.kernel` a layout, from its shape, the target
    (lanes of a subgroup, threads) and the `threads` of the kernel's
    `#attn.schedule`. A layout in registers follows from the shape alone: lanes
    share rows and hold neighbouring columns, the other lanes and the subgroups
    have rows of their own; so element-wise ops and row reductions find what they
    need where it is. Loads that only products read go to workgroup memory, and
    `tile.relayout` takes computed operands of products there.

    `subgroup` of the target is how many lanes are certain to exchange values;
    larger subgroups run the same code, 1 asks for code without exchanges. Without
    it the pass does nothing, and `tile-to-gpu` places tiles.

    ```mlir
    module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 256, subgroup = 4, shared_bytes = 16384, static_shared_bytes = 16384>} {
      func.func private @k(%a: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
        %c0 = arith.constant 0 : index
        %c8 = arith.constant 8 : index
        %zero = arith.constant 0.0 : f32
        %m = memref.reinterpret_cast %a to offset: [0], sizes: [8, 8], strides: [8, 1] : memref<f32> to memref<8x8xf32>
        %t = tile.load %m[%c0, %c0] valid [%c8, %c8] : memref<8x8xf32> -> !tile.tile<8x8xf32>
        %s = tile.splat %zero : f32 -> !tile.tile<8x8xf32>
        %p = tile.dot %t, %t, %s {transpose_b} : <8x8xf32>, <8x8xf32> -> <8x8xf32>
        %q = tile.dot %p, %t, %s : <8x8xf32>, <8x8xf32> -> <8x8xf32>
        tile.store %q, %m[%c0, %c0] valid [%c8, %c8] : <8x8xf32>, memref<8x8xf32>
        return
      }
    }
    ```
    becomes
    ```mlir
    %t = tile.load %m[%c0, %c0] valid[%c8, %c8] : memref<8x8xf32> -> <8x8xf32, #tile.shared<padding = 1>>
    %s = tile.splat %zero : f32 -> <8x8xf32, #tile.layout<lane = [[0, 1], [0, 2]], subgroup = [[1, 0]]>>
    %p = tile.dot %t, %t, %s {transpose_b} : ... -> <8x8xf32, #tile.layout<...>>
    %moved = tile.relayout %p : <8x8xf32, #tile.layout<...>> -> <8x8xf32, #tile.shared<padding = 1>>
    %q = tile.dot %moved, %t, %s : ...
    ```
  }];
  let options = [
    Option<"threads", "threads", "int64_t", "0",
           "Most threads of a workgroup; 0: what the tiles ask for">
  ];
  let dependentDialects = ["::attn::tile::TileDialect"];
}

def LayoutToGPU : Pass<"tile-layout-to-gpu", "::mlir::ModuleOp"> {
  let summary = "Lower tile kernels whose tiles have layouts";
  let description = [{
    Every `tile.kernel` function becomes a kernel of `gpu.module @kernels` in the
    kernel normal form of docs/gpu-kernels.md, with `gpu.shuffle`. There is one
    pattern an op, and it asks the layouts of its operands only. A tile in
    registers becomes a value a register; `tile.map` repeats its region for each.
    Rows are reduced in registers, then over the lanes that share them. Tiles in
    workgroup memory that are not needed at once share it; if they exceed what
    the target has, that is an error that names a size that fits.

    Lanes and subgroups of layouts are numbered by what the machine says of
    its own: if its subgroups have more lanes, several of a layout's share one.
    Where the target has no `subgroup`, the pass does nothing.

    ```mlir
    #rows = #tile.layout<lane = [[1, 0], [2, 0]]>
    module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 256, subgroup = 4, shared_bytes = 16384, static_shared_bytes = 16384>} {
      func.func private @k(%a: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
        %c0 = arith.constant 0 : index
        %c4 = arith.constant 4 : index
        %m = memref.reinterpret_cast %a to offset: [0], sizes: [4], strides: [1] : memref<f32> to memref<4xf32>
        %t = tile.load %m[%c0] valid [%c4] : memref<4xf32> -> !tile.tile<4xf32, #rows>
        tile.store %t, %m[%c0] valid [%c4] : <4xf32, #rows>, memref<4xf32>
        return
      }
    }
    ```
    becomes
    ```mlir
    gpu.module @kernels {
      gpu.func @k(%a: memref<f32>) kernel attributes {known_block_size = array<i32: 4, 1, 1>, ...} {
        ...
        %subgroup = gpu.subgroup_id : index
        %size = gpu.subgroup_size : index
        %lane = gpu.lane_id
        ...
        %x = memref.load %flat[%row] : memref<?xf32>
        ...
        memref.store %x, %flat[%same] : memref<?xf32>
        ...
        gpu.return
      }
    }
    ```
  }];
  let options = [
    Option<"workgroupBytes", "workgroup-bytes", "int64_t", "0",
           "Workgroup memory; 0: what the target has without asking">
  ];
  let dependentDialects = [
    "::attn::kernel::KernelDialect",
    "::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect"
  ];
}

def FiniteScores : Pass<"tile-finite-scores", "::mlir::func::FuncOp"> {
  let summary = "Replace -inf by a finite sentinel";
  let description = [{
    Targets such as WGSL may assume that no value is infinite or NaN (rule 16).
    In tile kernels, -inf becomes the sentinel -1.5 * 2^126, and what reaches a
    row maximum is kept above it, so that a row of the lowest finite scores is
    not taken for an empty one (rule 15): products of q, k and factors are
    clamped to [-2^126, 2^126]; what tables or large constants may have made
    larger keeps a sixteenth of what exceeds that, so that the greatest score
    stays the greatest; products of f16 by constants are within. Scores that
    may be -inf themselves (tables, selects) are recognised by their bits (rule
    14). Row statistics lie in memory as on any other target: they have their
    full size there, and are made scores again where they are loaded.
    Arguments that receive them get the attribute `attn.minus_infinity`: the
    target stores the bits of -inf for that number.

    ```mlir
    func.func private @f(%s: !tile.tile<8x8xf32>, %m: !tile.tile<8xf32>, %i0: index, %g0: index, %g1: index, %g2: index, %g3: index, %g4: index, %g5: index) -> !tile.tile<8xf32> attributes {tile.kernel} {
      %ninf = arith.constant 0xFF800000 : f32
      %t = tile.map(%s) at [%i0, %i0] : (!tile.tile<8x8xf32>) -> !tile.tile<8x8xf32> {
      ^bb0(%x: f32, %i: index, %j: index):
        %keep = arith.cmpi sle, %j, %i : index
        %y = arith.select %keep, %x, %ninf : f32
        tile.yield %y : f32
      }
      %r = tile.reduce max %t, %m : !tile.tile<8x8xf32> -> !tile.tile<8xf32>
      return %r : !tile.tile<8xf32>
    }
    ```
    becomes
    ```mlir
    %t = tile.map(%s) at[%i0, %i0] : (!tile.tile<8x8xf32>) -> !tile.tile<8x8xf32> {
    ^bb0(%x: f32, %i: index, %j: index):
      %keep = arith.cmpi sle, %j, %i : index
      ...
      %above = arith.maximumf %x, ... : f32
      ...
      %within = arith.minimumf %above, ... : f32
      ...
      %y = arith.select %keep, %within, ... : f32         // or the sentinel
      tile.yield %y : f32
    }
    %r = tile.reduce max %t, %m : <8x8xf32> -> <8xf32>
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect"
  ];
  let statistics = [
    Statistic<"numTiles", "score-tiles", "Score tiles that hold a finite number for -inf">
  ];
}

def VerifyKernelForm : Pass<"tile-verify-kernel-form"> {
  let summary = "Check the kernel normal form";
  let description = [{
    Every kernel must have the form of docs/gpu-kernels.md, from which GPU
    targets generate code: what else it holds is one diagnostic, at the op. With
    `legal`, it must also do without what the target `lacks`.

    ```mlir
    gpu.module @kernels {
      gpu.func @k(%a: memref<f32>, %n: index) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
        %m = memref.reinterpret_cast %a to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
        %t = gpu.thread_id x
        %x = memref.load %m[%t] : memref<32xf32>
        gpu.barrier
        memref.store %x, %m[%t] : memref<32xf32>
        gpu.return
      }
    }
    ```
    becomes
    ```mlir
    ...
    gpu.barrier
    memref.store ...
    ```
  }];
  let options = [
    Option<"legal", "legal", "bool", "false",
           "Refuse what the target lacks, too">
  ];
}

def BindArguments : Pass<"tile-bind-arguments"> {
  let summary = "Take arguments of 64 bits as a launcher narrows them";
  let description = [{
    Where the target lacks `int64`, a launcher passes 32 bits (rule 8): integers
    as i32, sign-extended, i1 as 0 or 1, floats as f32, and elements of i64 and
    f64 as i32 and f32, of which it checks that they fit; the extremes of i64
    stand for those of i32. The parameters of kernels get those types and are
    extended where they are read; what is stored is narrowed.
    `tile.element` on a parameter says what the program has there.

    ```mlir
    module attributes {tile.target = #tile.target<name = "wgsl", chip = "webgpu", lacks = int64>} {
      gpu.module @kernels {
        gpu.func @k(%ids: memref<i64>, %n: index) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
          %m = memref.reinterpret_cast %ids to offset: [0], sizes: [32], strides: [1] : memref<i64> to memref<32xi64>
          %x = memref.load %m[%n] : memref<32xi64>
          memref.store %x, %m[%n] : memref<32xi64>
          gpu.return
        }
      }
    }
    ```
    becomes
    ```mlir
    ...
    gpu.func @k(%ids: memref<i32> {tile.element = i64}, %n: i32) ... {
      %at = arith.index_cast %n : i32 to index
      %m = memref.reinterpret_cast %ids to offset: [0], sizes: [32], strides: [1] : memref<i32> to memref<32xi32>
      %x = memref.load %m[%at] : memref<32xi32>
      %x64 = arith.extsi %x : i32 to i64
      %y = arith.trunci %x64 : i64 to i32
      memref.store %y, %m[%at] : memref<32xi32>
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def PackElements : Pass<"tile-pack-elements"> {
  let summary = "Read and write small elements in words";
  let description = [{
    Where the target lacks `small_storage`, buffers of i1 (a byte each), i8, i16
    and bf16 become buffers of i32 that hold the same bytes; an element is
    shifted out of its word. Bytes of a word belong to several threads, so a
    store clears and sets the bits of an element atomically. `tile.element` on a
    parameter says what lies there.

    ```mlir
    module attributes {tile.target = #tile.target<name = "wgsl", chip = "webgpu", lacks = small_storage>} {
      gpu.module @kernels {
        gpu.func @k(%bytes: memref<i8>, %o: memref<i32>, %i: index) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
          %m = memref.reinterpret_cast %bytes to offset: [0], sizes: [32], strides: [1] : memref<i8> to memref<32xi8>
          %r = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<i32> to memref<32xi32>
          %x = memref.load %m[%i] : memref<32xi8>
          %y = arith.extsi %x : i8 to i32
          memref.store %y, %r[%i] : memref<32xi32>
          gpu.return
        }
      }
    }
    ```
    becomes
    ```mlir
    ...
    gpu.func @k(%bytes: memref<i32> {tile.element = i8}, ...) ... {
      ...
      %words = memref.reinterpret_cast %bytes to offset: [0], sizes: [8], strides: [1] : memref<i32> to memref<8xi32>
      ...
      %at = arith.shrui %i, ... : index
      %word = memref.load %words[%at] : memref<8xi32>
      ...
      %low = arith.shrui %word, ... : i32
      %x = arith.trunci %low : i32 to i8
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def StoreInfinityBits : Pass<"tile-store-infinity-bits"> {
  let summary = "Store the bits of -inf where its sentinel stands";
  let description = [{
    Where the target lacks `infinity`, `tile-finite-scores` has put a sentinel in
    the place of -inf. Buffers whose parameter has `attn.minus_infinity` become
    buffers of i32: a store writes the bits of a number, and for the sentinel
    those of -inf (rule 16), so that no infinity is ever a float.

    ```mlir
    module attributes {tile.target = #tile.target<name = "wgsl", chip = "webgpu", lacks = infinity>} {
      gpu.module @kernels {
        gpu.func @k(%lse: memref<f32> {attn.minus_infinity = -1.27605888E+38 : f32}, %x: f32, %i: index) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
          %m = memref.reinterpret_cast %lse to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
          memref.store %x, %m[%i] : memref<32xf32>
          gpu.return
        }
      }
    }
    ```
    becomes
    ```mlir
    ...
    gpu.func @k(%lse: memref<i32> {tile.element = f32}, ...) ... {
      ...
      %bits = arith.bitcast %x : f32 to i32
      ...
      %empty = arith.cmpf ole, %x, ... : f32
      ...
      %word = arith.select %empty, ..., %bits : i32
      memref.store %word, %m[%i] : memref<32xi32>
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def WidenSmallIntegers : Pass<"tile-widen-small-integers"> {
  let summary = "Compute i8 and i16 in i32";
  let description = [{
    Where the target lacks `small_int`, integers of 2 to 31 bits are computed
    with 32 and wrapped: operands are extended as the op reads them (zeros in
    front for unsigned ones), and a result that is extended again keeps its low
    bits. Conversions of bf16 go by the bits of an f32; what moves a bf16 moves
    its bits, and the kernel's own buffers have a word for each small element.

    ```mlir
    module attributes {tile.target = #tile.target<name = "wgsl", chip = "webgpu", lacks = small_int>} {
      gpu.module @kernels {
        gpu.func @k(%o: memref<i32>, %n: i32, %i: index) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
          %r = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<i32> to memref<32xi32>
          %x = arith.trunci %n : i32 to i8
          %y = math.absi %x : i8
          %z = arith.extsi %y : i8 to i32
          memref.store %z, %r[%i] : memref<32xi32>
          gpu.return
        }
      }
    }
    ```
    becomes
    ```mlir
    ...
    %x = arith.shli %n, %c24 : i32
    %x8 = arith.shrsi %x, ... : i32
    %y = math.absi %x8 : i32
    %z = arith.shli %y, ... : i32
    %z8 = arith.shrsi %z, ... : i32
    memref.store %z8, ... : memref<32xi32>
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def ExpandBooleans : Pass<"tile-expand-booleans"> {
  let summary = "Compute with i1 by and, or and xor";
  let description = [{
    Booleans of shading languages and of SPIR-V have neither arithmetic nor an
    order: sums, products, quotients, shifts, extrema and comparisons of i1 become
    `arith.andi`, `ori` and `xori`. True is 1, and -1 where signed. Casts between
    i1 and floats, and between an index and less than 32 bits, go by an i32.

    ```mlir
    gpu.module @kernels {
      gpu.func @k(%o: memref<i1>, %a: i1, %b: i1, %i: index) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
        %r = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<i1> to memref<32xi1>
        %x = arith.addi %a, %b : i1
        %y = arith.muli %x, %b : i1
        memref.store %y, %r[%i] : memref<32xi1>
        gpu.return
      }
    }
    ```
    becomes
    ```mlir
    ...
    %x = arith.xori %a, %b : i1
    %y = arith.andi %x, %b : i1
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def NarrowIndices : Pass<"tile-narrow-indices"> {
  let summary = "Compute indices with 32 bits where that is exact";
  let description = [{
    Arithmetic on index and i64 becomes arithmetic on i32 where the ranges of
    its operands and results (attn/Analysis/IndexRanges.h: constants, sizes that
    a launch checks, ids of threads and blocks, loops) show that it gives the
    same numbers. Of sums, products and bits whose users look at the low 32 bits
    only, nothing has to be shown. Everything else stays as wide as it is.

    The address of an element has 64 bits, unless the target lacks `int64`:
    there a buffer has at most 2^31 - 1 elements (rule 21), so the low 32 bits
    are the address.

    Constants and arguments that a number of 32 bits is compared with are clamped
    to 32 bits, where the comparison gives the same.

    Of kernels on tiles those that multiply 16-bit numbers are narrowed, for
    `tile-to-hopper` and `tile-to-mma`. There what a tile op takes as an index (a
    position, a number of rows or of tiles) and the bounds of loops become casts
    of i32, and so does what columns of a map are compared with; numbers beyond
    2^30, where nothing is, are clamped to it. Before that their comparisons are
    brought into one form: a difference with a column becomes a bound of the
    column, and two bounds in a conjunction become one, which a thread computes
    once a row. Scalars that are the same for all key tiles leave the loop, and a
    branch around all of a kernel becomes an empty loop.

    ```mlir
    module attributes {tile.target = #tile.target<name = "wgsl", chip = "webgpu", lacks = int64>} {
      gpu.module @kernels {
        gpu.func @k(%o: memref<i32>, %n: index {tile.size = 1000 : index}, %stride: index) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
          %c32 = arith.constant 32 : index
          %r = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<i32> to memref<32xi32>
          %t = arith.muli %n, %c32 : index
          %v = arith.index_cast %t : index to i32
          %at = arith.muli %t, %stride : index
          memref.store %v, %r[%at] : memref<32xi32>
          gpu.return
        }
      }
    }
    ```
    becomes
    ```mlir
    ...
    %n32 = arith.index_cast %n : index to i32
    %s32 = arith.index_cast %stride : index to i32
    ...
    %t = arith.muli %n32, %c32_i32 : i32
    %at32 = arith.muli %t, %s32 : i32
    %at = arith.index_cast %at32 : i32 to index
    memref.store %t, ...[%at] : memref<32xi32>
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
  let statistics = [
    Statistic<"numNarrowed", "narrowed", "Number of ops computed with 32 bits">,
    Statistic<"numWide", "wide", "Number of ops that keep 64 bits">
  ];
}

def EmulateInt64 : Pass<"tile-emulate-int64"> {
  let summary = "Compute what needs 64 bits with two words";
  let description = [{
    Where the target lacks `int64`, what `tile-narrow-indices` could not show to
    fit 32 bits is computed with pairs of i32, `vector<2xi32>`, by the patterns of
    `arith-emulate-wide-int`, their carries with comparisons. Of divisions only
    those by powers of two are; another one is an error.

    ```mlir
    module attributes {tile.target = #tile.target<name = "wgsl", chip = "webgpu", lacks = int64>} {
      gpu.module @kernels {
        gpu.func @k(%o: memref<i32>, %a: i32, %b: i32, %i: index) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
          %r = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<i32> to memref<32xi32>
          %c1 = arith.constant 1 : i32
          %x = arith.extsi %a : i32 to i64
          %y = arith.extsi %b : i32 to i64
          %sum = arith.xori %x, %y : i64
          %less = arith.cmpi slt, %sum, %y : i64
          %v = arith.select %less, %a, %b : i32
          memref.store %v, %r[%i] : memref<32xi32>
          gpu.return
        }
      }
    }
    ```
    becomes
    ```mlir
    ...
    %low = arith.xori %a, %b : i32
    ...
    %v = arith.select ..., %a, %b : i32
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::vector::VectorDialect"];
}

def InterleaveHeads
    : Pass<"tile-interleave-heads", "::mlir::gpu::GPUModuleOp"> {
  let summary = "Begin the long query tiles of all heads first";
  let description = [{
    Devices begin groups in the order of x, then y, and long query tiles come
    first. Where the query tile decides how far a loop goes, as under a causal
    mask, heads become the dimension x of the launch and query tiles y: the last
    head begins with its long tiles when the others do, not when they are done.
    On an H100 causal attention of heads of 128 takes 199 TFLOP/s in Vulkan, and
    245 so (f16, 16 heads, 4096 queries).
    Where the `longest_first` of a kernel's `#attn.schedule` is off, dimensions
    stay.

    ```mlir
    gpu.module @kernels {
      gpu.func @k() workgroup(%w: memref<4xf32, #gpu.address_space<workgroup>>) kernel attributes {known_block_size = array<i32: 32, 1, 1>, tile.launch_info = #tile.launch_info<parameters = [], grid = points, threads = 32>} {
        %c0 = arith.constant 0 : index
        %c1 = arith.constant 1 : index
        %zero = arith.constant 0.0 : f32
        %tile = gpu.block_id x
        %head = gpu.block_id y
        scf.for %i = %c0 to %tile step %c1 {
          memref.store %zero, %w[%head] : memref<4xf32, #gpu.address_space<workgroup>>
        }
        gpu.return
      }
    }
    ```
    becomes
    ```mlir
    gpu.func @k() ... grid = interleaved, ...
      ...
      %tile = gpu.block_id y
      %head = gpu.block_id x
      scf.for %i = %c0 to %tile step %c1 {
        memref.store %zero, %w[%head] : ...
      }
      gpu.return
    }
    ```
  }];
  let options = [
    Option<"longestFirst", "longest-first", "bool", "true",
           "Whether long query tiles of all heads begin first">
  ];
  let statistics = [
    Statistic<"numInterleaved", "interleaved", "kernels with heads as x">
  ];
}

def CountLoops : Pass<"tile-count-loops"> {
  let summary = "Let loops of constant length count from 0 in steps of 1";
  let description = [{
    A loop in steps of several, from a constant or from the number of a thread
    to a constant, or in steps of 1 from a number that is computed, runs as often for all threads, or once less for some, which
    then have a branch. Compilers of WGSL in browsers know the range of a counter
    that begins at a constant and grows by 1. They leave out the check of an
    index that they show to be in range, and the guard against loops that do not
    end. Loops of unknown length are left alone.

    ```mlir
    gpu.module @kernels {
      gpu.func @k(%m: memref<128xf32>, %x: f32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
        %c32 = arith.constant 32 : index
        %c128 = arith.constant 128 : index
        %t = gpu.thread_id x
        scf.for %i = %t to %c128 step %c32 {
          memref.store %x, %m[%i] : memref<128xf32>
        }
        gpu.return
      }
    }
    ```
    becomes
    ```mlir
    ...
    scf.for %turn = %c0 to %c4 step %c1 {
      %first = arith.muli %turn, %c32 : index
      %i = arith.addi %first, %t : index
      memref.store %x, %m[%i] : memref<128xf32>
    }
    ```
  }];
  let statistics = [
    Statistic<"numLoops", "loops-counted", "Loops that count now">,
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect"];
}

def SignedWhenEquivalent : Pass<"tile-signed-when-equivalent"> {
  let summary = "Use signed ops where no operand can be negative";
  let description = [{
    Quotients, remainders, extrema, comparisons, right shifts and conversions of
    unsigned numbers become those of signed ones if ranges show that every
    operand is neither negative nor too large: languages in which integers are
    signed then need no casts. The inverse of `arith-unsigned-when-equivalent`.

    ```mlir
    gpu.module @kernels {
      gpu.func @k(%o: memref<i32>, %n: i32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
        %c3 = arith.constant 3 : index
        %r = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<i32> to memref<32xi32>
        %t = gpu.thread_id x
        %q = arith.divui %t, %c3 : index
        memref.store %n, %r[%q] : memref<32xi32>
        gpu.return
      }
    }
    ```
    becomes
    ```mlir
    ...
    %q = arith.divsi %t, %c3 : index
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def MathToNVPTX : Pass<"math-to-nvptx"> {
  let summary = "Use the approximations of NVIDIA's special-function unit";
  let description = [{
    f32 `math.exp2` becomes ex2.approx.ftz (2 ULP; results below 2^-126 are 0),
    `math.log2` lg2.approx (absolute error 2^-22 near 1, else 2^-22 relative),
    `math.rsqrt` rsqrt.approx (2^-22.9 relative) and `math.tanh`, which
    `tile-expand-math` leaves only on request,
    tanh.approx (2^-11 relative). sqrt, abs and the roundings are exact.

    ```mlir
    func.func @f(%x: f32) -> f32 {
      %y = math.exp2 %x : f32
      return %y : f32
    }
    ```
    becomes
    ```mlir
    ...
    %y = llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz.f32"(%x) : (f32) -> f32
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def SeparateKernels : Pass<"separate-kernels", "::mlir::ModuleOp"> {
  let summary = "Give each GPU kernel a module of its own";
  let description = [{
    The first kernel of a `gpu.module` stays there, each other one moves to a
    module behind it; launches follow. Drivers compile SPIR-V by the module, and
    NVIDIA's (580) crashes on valid ones whose kernels use workgroup memory in
    different ways; what passes do to modules, they do to kernels side by side.

    ```mlir
    gpu.module @kernels {
      gpu.func @f() kernel { gpu.return }
      gpu.func @g() kernel { gpu.return }
    }
    ```
    becomes
    ```mlir
    gpu.module @kernels {
      gpu.func @f() kernel {
        gpu.return
      }
    }
    gpu.module @kernels_0 {
      gpu.func @g() kernel {
        gpu.return
      }
    }
    ```
  }];
  let dependentDialects = ["::mlir::gpu::GPUDialect"];
}

def KernelsToSPIRV : Pass<"kernels-to-spirv", "::mlir::ModuleOp"> {
  let summary = "Convert GPU kernels in normal form to SPIR-V for Vulkan";
  let description = [{
    Adds a `spirv.module` next to each `gpu.module`, which stays what launches
    refer to, with an entry point a kernel. Buffers are bound in order, scalars
    and the distances of buffers from what is bound are fields of the push
    constants, or of a uniform buffer where they exceed 128 bytes (the interface
    is in docs/artifact.md). Needs nothing but Vulkan 1.1: kernels are in
    the legal form of a machine without i64 and small integers. Elements of
    buffers that have less than 32 bits are taken out of words, and put there
    atomically; elsewhere f16 is held as the f32 that it equals, bf16 as its bits.

    For a machine with cooperative matrix units the module is of SPIR-V 1.6 with
    Vulkan's memory model and 16-bit floats: `!kernel.matrix` becomes
    `!spirv.coopmatrix`, f16 is itself everywhere and rounded to the nearest even.
    So is bf16 where matrix units multiply it, but no execution mode says how the
    machine rounds to it: integer arithmetic does that, and what is converted
    then is exact.

    ```mlir
    gpu.module @kernels {
      gpu.func @f(%a: memref<f32>, %n: index) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
        %m = memref.reinterpret_cast %a to offset: [0], sizes: [%n], strides: [1] : memref<f32> to memref<?xf32>
        %t = gpu.thread_id x
        %x = memref.load %m[%t] : memref<?xf32>
        %y = math.exp2 %x : f32
        memref.store %y, %m[%t] : memref<?xf32>
        gpu.return
      }
    }
    ```
    becomes, next to it,
    ```mlir
    spirv.module @__spv__kernels Logical GLSL450 requires #spirv.vce<v1.3, [Shader], []> {
      ...
      spirv.GlobalVariable @f_0 bind(0, 0) : !spirv.ptr<!spirv.struct<(!spirv.rtarray<f32, stride=4> [0])>, StorageBuffer>
      spirv.GlobalVariable @f_dispatch : !spirv.ptr<!spirv.struct<(i32 [0], ...)>, PushConstant>
      spirv.func @f() "None" {
        ...
        %x = spirv.Load "StorageBuffer" ... : f32
        %y = spirv.GL.Exp2 %x : f32
        ...
        spirv.Store "StorageBuffer" ..., %y : f32
        spirv.Return
      }
      spirv.EntryPoint "GLCompute" @f, @__builtin__LocalInvocationId__
      spirv.ExecutionMode @f "LocalSize", 32, 1, 1
    }
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect",
    "::mlir::spirv::SPIRVDialect"
  ];
}

def GPUSchedule : Pass<"gpu-schedule", "::mlir::func::FuncOp"> {
  let summary = "Choose tile sizes for any GPU";
  let description = [{
    Gives every `attn.attention` on memrefs an `#attn.schedule` with a tile that
    what every WebGPU or Vulkan device has is enough for, and the reason.

    ```mlir
    func.func @f(%q: memref<?x8x?x64xf32>, %k: memref<?x8x?x64xf32>, %v: memref<?x8x?x64xf32>, %o: memref<?x8x?x64xf32>) {
      attn.attention ins(%q, %k, %v : memref<?x8x?x64xf32>, memref<?x8x?x64xf32>, memref<?x8x?x64xf32>)
          outs(%o : memref<?x8x?x64xf32>)
      return
    }
    ```
    becomes
    ```mlir
    func.func @f(%q: memref<?x8x?x64xf32>, %k: memref<?x8x?x64xf32>, %v: memref<?x8x?x64xf32>, %o: memref<?x8x?x64xf32>) {
      attn.attention ... {attn.schedule = #attn.schedule<tile_m = 32, tile_n = 32>, ...}
      return
    }
    ```
  }];
  let options = [
    Option<"tileM", "tile-m", "int64_t", "0",
           "Query rows of a tile; 0: chosen">,
    Option<"tileN", "tile-n", "int64_t", "0", "Keys of a tile; 0: chosen">
  ];
  let statistics = [
    Statistic<"numSchedules", "schedules-chosen", "Schedules that were put on versions of attention ops">
  ];
}

def CUDASchedule : Pass<"cuda-schedule", "::mlir::func::FuncOp"> {
  let summary = "Choose tile sizes and split-KV for NVIDIA chips";
  let description = [{
    Gives every `attn.attention` on memrefs an `#attn.schedule` with the tile
    that the tensor cores of a chip run it best with. Few query rows and many keys,
    as in decoding, get a tile of 64 rows, packed heads and split keys. Small
    heads with a mask get shorter tiles for short sequences. What only a launch
    knows becomes a condition on sizes with a version of the op for either case.

    ```mlir
    // Prepared by: tile-attach-target{target=cuda chip=sm_90a}
    func.func @f(%q: memref<?x32x?x128xbf16>, %k: memref<?x8x?x128xbf16>, %v: memref<?x8x?x128xbf16>, %o: memref<?x32x?x128xbf16>) {
      attn.attention ins(%q, %k, %v : memref<?x32x?x128xbf16>, memref<?x8x?x128xbf16>, memref<?x8x?x128xbf16>)
          outs(%o : memref<?x32x?x128xbf16>)
      return
    }
    ```
    becomes
    ```mlir
    scf.if %decoding {
      attn.attention ... {attn.schedule = #attn.schedule<tile_m = 64, tile_n = 128, workers = 132>, ...}
    } else {
      attn.attention ... {attn.schedule = #attn.schedule<tile_m = 128, tile_n = 128>, ...}
    }
    ```
  }];
  let options = [
    Option<"tileM", "tile-m", "int64_t", "0",
           "Query rows of a tile; 0: chosen. A given tile is the only version">,
    Option<"tileN", "tile-n", "int64_t", "0", "Keys of a tile; 0: chosen">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect"
  ];
  let statistics = [
    Statistic<"numSchedules", "schedules-chosen", "Schedules that were put on versions of attention ops">
  ];
}

def TileToHopper : Pass<"tile-to-hopper", "::mlir::ModuleOp"> {
  let summary = "Lower fused attention kernels to warp-specialised Hopper code";
  let description = [{
    Replaces each `tile.kernel` function of two matrix products with 16-bit
    operands around an online softmax by a `gpu.module` of the same name, which
    holds one kernel in the llvm and nvvm dialects: a producer brings tiles to
    shared memory by TMA, or by copies of its threads where TMA cannot (with a
    remark), one to three consumer warpgroups multiply them by wgmma and keep
    scores, statistics and output in registers. Maps, whatever
    they compute, are cloned for the elements of a thread. The attribute
    `tile.launch_info` says how to launch it; docs/hopper.md describes both.

    Each option switches one choice of the schedule. A kernel of another form
    stays as it is, with a remark.

    ```mlir
    // Prepared by: tile-attach-target{target=cuda chip=sm_90a},func.func(attn-tile{tile-m=128 head-multiple=16},attn-fuse-online-softmax),attn-outline-kernels,canonicalize,cse,tile-narrow-indices
    func.func @f(%q: memref<1x1x128x128xbf16>, %k: memref<1x1x128x128xbf16>, %v: memref<1x1x128x128xbf16>, %o: memref<1x1x128x128xbf16>) {
      attn.attention ins(%q, %k, %v : memref<1x1x128x128xbf16>, memref<1x1x128x128xbf16>, memref<1x1x128x128xbf16>)
          outs(%o : memref<1x1x128x128xbf16>)
      return
    }
    ```
    becomes
    ```mlir
    gpu.module @f_kernel0 {
      ...
      llvm.func @f_kernel0(...) attributes {nvvm.kernel, ...nvvm.reqntid = array<i32: 384>, ...tile.launch_info = #tile.launch_info<...#tile.tensor_map<...threads = 384...>...} {
        ...
        nvvm.setmaxregister decrease 24                   // the producer
        ...
        nvvm.cp.async.bulk.tensor.shared.cluster.global ...
        ...
        nvvm.setmaxregister increase 240                  // the consumers
        ...
        ... llvm.inline_asm ... "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 ...
    ```
  }];
  let options = [
    Option<"oneBehind", "one-behind", "bool", "true",
           "Multiply by v one key tile behind the scores">,
    Option<"pingPong", "ping-pong", "bool", "true",
           "Warpgroups take turns at the tensor cores">,
    Option<"persistent", "persistent", "bool", "true",
           "A block a multiprocessor, fed by an atomic counter">,
    Option<"dealEqual", "deal-equal", "bool", "true",
           "Query tiles of equal work are dealt out in turn, without counter">,
    Option<"longestFirst", "longest-first", "bool", "true",
           "Start long query tiles first, heads in groups">,
    Option<"tmaStore", "tma-store", "bool", "true",
           "Store the output through shared memory by TMA">,
    Option<"stages", "stages", "int64_t", "2",
           "Buffers of key and of value tiles">,
    Option<"headGroup", "head-group", "int64_t", "8",
           "Heads whose query tiles are interleaved">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::math::MathDialect",
    "::mlir::NVVM::NVVMDialect"
  ];
  let statistics = [
    Statistic<"numKernels", "kernels-lowered", "Kernels that were lowered">,
    Statistic<"numGathered", "tiles-gathered", "Tiles that threads gather">,
    Statistic<"numCopied", "tiles-by-tma", "Tiles that come by TMA">,
    Statistic<"numStored", "outputs-by-tma", "Outputs that leave by TMA">,
    Statistic<"numWalked", "loops-with-predicate", "Loops that ask a predicate for each key tile">
  ];
}

def TileToMMA : Pass<"tile-to-mma", "::mlir::ModuleOp"> {
  let summary = "Lower fused attention kernels to mma.sync";
  let description = [{
    Replaces each `tile.kernel` function of two matrix products with 16-bit
    operands around an online softmax by a `gpu.module` of the same name, which
    holds one kernel in the llvm and nvvm dialects that needs sm_80. A warp
    computes 16 rows of the query tile: it reads operands from swizzled shared
    memory by ldmatrix, multiplies them by mma.sync and keeps scores, statistics
    and output in registers. All warps of a block bring key and value tiles to
    shared memory by cp.async, one key tile ahead; rows may lie in pages, in
    several heads, at any stride. The attribute `tile.launch_info` says how to
    launch the kernel; docs/mma.md describes both.

    A kernel of another form stays as it is, with a remark.

    ```mlir
    // Prepared by: tile-attach-target{target=cuda chip=sm_86},func.func(attn-tile{tile-m=64 tile-n=64 head-multiple=16},attn-fuse-online-softmax),attn-outline-kernels,canonicalize,cse,tile-narrow-indices
    func.func @f(%q: memref<1x1x128x128xbf16>, %k: memref<1x1x128x128xbf16>, %v: memref<1x1x128x128xbf16>, %o: memref<1x1x128x128xbf16>) {
      attn.attention ins(%q, %k, %v : memref<1x1x128x128xbf16>, memref<1x1x128x128xbf16>, memref<1x1x128x128xbf16>)
          outs(%o : memref<1x1x128x128xbf16>)
      return
    }
    ```
    becomes
    ```mlir
    gpu.module @f_kernel0 {
      ...
      llvm.func @f_kernel0(...) attributes {nvvm.kernel, ...nvvm.reqntid = array<i32: 128>, ...tile.launch_info = #tile.launch_info<...threads = 128...>...} {
        ...
        nvvm.cp.async.shared.global ...
        ...
        ... nvvm.ldmatrix ...
        ...
        ... nvvm.mma.sync ...
    ```
  }];
  let options = [
    Option<"stages", "stages", "int64_t", "0",
           "Buffers of key and of value tiles, one or two; 0: what lets two "
           "blocks share a multiprocessor">,
    Option<"warpRows", "warp-rows", "int64_t", "0",
           "Rows that a warp computes, 16 or 32; 0: 32 if registers suffice and "
           "four warps remain">,
    Option<"blocks", "blocks", "int64_t", "1",
           "Blocks that a multiprocessor has registers for">,
    Option<"queryInRegisters", "query-in-registers", "bool", "true",
           "Read q from shared memory once, where registers allow it">,
    Option<"longestFirst", "longest-first", "bool", "true",
           "Start long query tiles first, heads in groups">,
    Option<"headGroup", "head-group", "int64_t", "8",
           "Heads whose query tiles are interleaved">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::math::MathDialect",
    "::mlir::NVVM::NVVMDialect"
  ];
  let statistics = [
    Statistic<"numKernels", "kernels-lowered", "Kernels that were lowered">,
    Statistic<"numStaged", "tiles-double-buffered", "Tiles of keys and values that have two buffers">,
    Statistic<"numKept", "queries-in-registers", "Query tiles that stay in registers">
  ];
}

#endif // ATTN_CONVERSION_PASSES_TD
