// RUN: attn-opt %s --split-input-file --verify-diagnostics

// One case a diagnostic, in the order of TileDialect.cpp and TileOps.cpp.

// Rank of a tile.
// expected-error @+1 {{a tile has rank 1 or 2, not 3}}
func.func private @f(!tile.tile<2x3x4xf32>)

// -----

// An empty tile.
// expected-error @+1 {{tile sizes must be positive}}
func.func private @f(!tile.tile<0x4xf32>)

// -----

// What a tile holds.
// expected-error @+1 {{a tile holds scalars, not 'vector<4xf32>'}}
func.func private @f(!tile.tile<4xvector<4xf32>>)

// -----

// Type of a load.
func.func @f(%m: memref<?x?x?x32xf32>, %i: index) {
  // expected-error @+1 {{element types differ: memory holds 'f32', the tile 'f16'}}
  %t = tile.load %m[%i, %i, %i, %i] valid [%i, %i] : memref<?x?x?x32xf32> -> !tile.tile<64x32xf16>
  return
}

// -----

// Valid sizes.
func.func @f(%m: memref<?x?x?x32xf32>, %i: index) {
  // expected-error @+1 {{needs 2 valid sizes, one a tile dimension, not 1}}
  %t = tile.load %m[%i, %i, %i, %i] valid [%i] : memref<?x?x?x32xf32> -> !tile.tile<64x32xf32>
  return
}

// -----

// Rank of the memory.
func.func @f(%m: memref<?xf32>, %i: index) {
  // expected-error @+1 {{needs at least 2 indices, not 1}}
  %t = tile.load %m[%i] valid [%i, %i] : memref<?xf32> -> !tile.tile<64x32xf32>
  return
}

// -----

// Indices of a load.
func.func @f(%m: memref<?x?x?x32xf32>, %i: index) {
  // expected-error @+1 {{needs 4 indices for 'memref<?x?x?x32xf32>', not 3}}
  %t = tile.load %m[%i, %i, %i] valid [%i, %i] : memref<?x?x?x32xf32> -> !tile.tile<64x32xf32>
  return
}

// -----

// A paged load leaves the page index out.
func.func @f(%m: memref<?x?x?x32xf32>, %i: index, %p: memref<?x?xi32>) {
  // expected-error @+1 {{needs 3 indices for 'memref<?x?x?x32xf32>', not 4}}
  %t = tile.load %m[%i, %i, %i, %i] valid [%i, %i] paged %p[%i] : memref<?x?x?x32xf32>, memref<?x?xi32> -> !tile.tile<64x32xf32>
  return
}

// -----

// Type of a page table.
func.func @f(%m: memref<?x?x?x32xf32>, %i: index, %p: memref<?x?xf32>) {
  // expected-error @+1 {{a page table holds integers, not 'f32'}}
  %t = tile.load %m[%i, %i, %i] valid [%i, %i] paged %p[%i] : memref<?x?x?x32xf32>, memref<?x?xf32> -> !tile.tile<64x32xf32>
  return
}

// -----

// Indices of a page table.
func.func @f(%m: memref<?x?x?x32xf32>, %i: index, %p: memref<?x?xi32>) {
  // expected-error @+1 {{the page table has rank 2 and needs 1 leading indices, not 2}}
  %t = tile.load %m[%i, %i, %i] valid [%i, %i] paged %p[%i, %i] : memref<?x?x?x32xf32>, memref<?x?xi32> -> !tile.tile<64x32xf32>
  return
}

// -----

// Only tiles of rows are paged.
func.func @f(%m: memref<?x?x?x32xf32>, %i: index, %p: memref<?x?xi32>) {
  // expected-error @+1 {{only rank-2 tiles of a page pool can be paged}}
  %t = tile.load %m[%i, %i, %i] valid [%i] paged %p[%i] : memref<?x?x?x32xf32>, memref<?x?xi32> -> !tile.tile<64xf32>
  return
}

// -----

// Rows of several heads need a dimension of heads.
func.func @f(%m: memref<?x32xf32>, %i: index) {
  // expected-error @+1 {{only rank-2 tiles of a memref [..., h, s, d] that is not paged can be packed}}
  %t = tile.load %m[%i, %i] valid [%i, %i] packed %i : memref<?x32xf32> -> !tile.tile<64x32xf32>
  return
}

// -----

// Rows that do not count belong to rank-2 tiles.
func.func @f(%m: memref<?x32xf32>, %i: index, %x: i1) {
  // expected-error @+1 {{only rank-2 tiles have rows that do not count}}
  %t = tile.load %m[%i, %i] valid [%i] where %x {
  ^bb0(%row: index):
    tile.yield %x : i1
  } : memref<?x32xf32> -> !tile.tile<32xf32>
  return
}

// -----

// The where region of a load takes a row,
func.func @f(%m: memref<?x32xf32>, %i: index, %x: i1) {
  // expected-error @+1 {{the where region takes the row of the tile, one index}}
  %t = tile.load %m[%i, %i] valid [%i, %i] where %x {
    tile.yield %x : i1
  } : memref<?x32xf32> -> !tile.tile<64x32xf32>
  return
}

// -----

// and yields whether it counts.
func.func @f(%m: memref<?x32xf32>, %i: index, %x: i1) {
  // expected-error @+1 {{the where region yields one i1: whether the row counts}}
  %t = tile.load %m[%i, %i] valid [%i, %i] where %x {
  ^bb0(%row: index):
    tile.yield %row : index
  } : memref<?x32xf32> -> !tile.tile<64x32xf32>
  return
}

// -----

// Indices of a store.
func.func @f(%m: memref<?x?x?x32xf32>, %i: index, %t: !tile.tile<64x32xf32>) {
  // expected-error @+1 {{needs 4 indices for 'memref<?x?x?x32xf32>', not 2}}
  tile.store %t, %m[%i, %i] valid [%i, %i] : !tile.tile<64x32xf32>, memref<?x?x?x32xf32>
  return
}

// -----

// Type of a store.
func.func @f(%m: memref<?x?x?x32xf32>, %i: index, %t: !tile.tile<64x32xf16>) {
  // expected-error @+1 {{element types differ: memory holds 'f32', the tile 'f16'}}
  tile.store %t, %m[%i, %i, %i, %i] valid [%i, %i] : !tile.tile<64x32xf16>, memref<?x?x?x32xf32>
  return
}

// -----

// Type of a splat.
func.func @f(%x: f16) {
  // expected-error @+1 {{the value is 'f16' but the tile holds 'f32'}}
  %t = tile.splat %x : f16 -> !tile.tile<64x32xf32>
  return
}

// -----

// Ranks of a product.
func.func @f(%a: !tile.tile<64xf32>, %b: !tile.tile<32x128xf32>, %c: !tile.tile<64x128xf32>) {
  // expected-error @+1 {{multiplies rank-2 tiles}}
  %t = tile.dot %a, %b, %c : !tile.tile<64xf32>, !tile.tile<32x128xf32> -> !tile.tile<64x128xf32>
  return
}

// -----

// Inner sizes.
func.func @f(%a: !tile.tile<64x32xf32>, %b: !tile.tile<128x32xf32>, %c: !tile.tile<64x128xf32>) {
  // expected-error @+1 {{the inner sizes differ: a has 32, b has 128}}
  %t = tile.dot %a, %b, %c : !tile.tile<64x32xf32>, !tile.tile<128x32xf32> -> !tile.tile<64x128xf32>
  return
}

// -----

// Inner sizes, transposed.
func.func @f(%a: !tile.tile<64x32xf32>, %b: !tile.tile<128x32xf32>, %c: !tile.tile<64x128xf32>) {
  // expected-error @+1 {{the inner sizes differ: a has 64, b has 32}}
  %t = tile.dot %a, %b, %c {transpose_a, transpose_b} : !tile.tile<64x32xf32>, !tile.tile<128x32xf32> -> !tile.tile<64x128xf32>
  return
}

// -----

// Size of the accumulator.
func.func @f(%a: !tile.tile<64x32xf32>, %b: !tile.tile<32x96xf32>, %c: !tile.tile<64x128xf32>) {
  // expected-error @+1 {{the accumulator is 64x128, the product 64x96}}
  %t = tile.dot %a, %b, %c : !tile.tile<64x32xf32>, !tile.tile<32x96xf32> -> !tile.tile<64x128xf32>
  return
}

// -----

// Type of the accumulator.
func.func @f(%a: !tile.tile<64x32xf16>, %b: !tile.tile<32x128xf16>, %c: !tile.tile<64x128xf16>) {
  // expected-error @+1 {{accumulates in f32, not 'f16'}}
  %t = tile.dot %a, %b, %c : !tile.tile<64x32xf16>, !tile.tile<32x128xf16> -> !tile.tile<64x128xf16>
  return
}

// -----

// Types of the factors.
func.func @f(%a: !tile.tile<64x32xf32>, %b: !tile.tile<32x128xf16>, %c: !tile.tile<64x128xf32>) {
  // expected-error @+1 {{element types differ: a is 'f32', b is 'f16'}}
  %t = tile.dot %a, %b, %c : !tile.tile<64x32xf32>, !tile.tile<32x128xf16> -> !tile.tile<64x128xf32>
  return
}

// -----

// Ranks of a reduction.
func.func @f(%a: !tile.tile<64xf32>) {
  // expected-error @+1 {{reduces the rows of a rank-2 tile}}
  %t = tile.reduce max %a, %a : !tile.tile<64xf32> -> !tile.tile<64xf32>
  return
}

// -----

// Columns that a reduction leaves.
func.func @f(%a: !tile.tile<64x128xf32>, %b: !tile.tile<64x48xf32>) {
  // expected-error @+1 {{reduces 128 columns to 48, of which they are no multiple}}
  %t = tile.reduce max %a, %b : !tile.tile<64x128xf32> -> !tile.tile<64x48xf32>
  return
}

// -----

func.func @f(%a: !tile.tile<4x8xf32>) {
  // expected-error @+1 {{makes a tile of f32 of one as large}}
  %t = tile.combine max %a : !tile.tile<4x8xf32> -> !tile.tile<4xf32>
  return
}

// -----

#own = #tile.layout<lane = [[0, 1]], subgroup = [[1, 0]]>
func.func @f(%a: !tile.tile<2x2xf32, #own>) {
  // expected-error @+1 {{combines elements that each subgroup has}}
  %t = tile.combine sum %a : !tile.tile<2x2xf32, #own> -> !tile.tile<2x2xf32, #own>
  return
}

// -----

#alike = #tile.layout<lane = [[0, 1]], subgroup = [[0, 0]]>
#others = #tile.layout<lane = [[1, 0]], subgroup = [[0, 0]]>
func.func @f(%a: !tile.tile<2x2xf32, #alike>) {
  // expected-error @+1 {{leaves elements in their lanes}}
  %t = tile.combine sum %a : !tile.tile<2x2xf32, #alike> -> !tile.tile<2x2xf32, #others>
  return
}

// -----

func.func @f(%a: !tile.tile<64x128xf32>, %b: !tile.tile<32xf32>) {
  // expected-error @+1 {{the tile has 64 rows, the limits 32}}
  %t = tile.any_above %a, %b : !tile.tile<64x128xf32>, !tile.tile<32xf32>
  return
}

// -----

func.func @f(%a: !tile.tile<64x128xf32>) {
  // expected-error @+1 {{compares a rank-2 tile with a rank-1 tile of limits}}
  %t = tile.any_above %a, %a : !tile.tile<64x128xf32>, !tile.tile<64x128xf32>
  return
}

// -----

func.func @f(%a: !tile.tile<64x128xf16>, %b: !tile.tile<64xf32>) {
  // expected-error @+1 {{compares f32, not 'f16' with 'f32'}}
  %t = tile.any_above %a, %b : !tile.tile<64x128xf16>, !tile.tile<64xf32>
  return
}

// -----

// Rows of a reduction.
func.func @f(%a: !tile.tile<64x128xf32>, %b: !tile.tile<32xf32>) {
  // expected-error @+1 {{the tile has 64 rows, the initial value 32}}
  %t = tile.reduce max %a, %b : !tile.tile<64x128xf32> -> !tile.tile<32xf32>
  return
}

// -----

// Types of a reduction.
func.func @f(%a: !tile.tile<64x128xf32>, %b: !tile.tile<64xf16>) {
  // expected-error @+1 {{element types differ: 'f32' and 'f16'}}
  %t = tile.reduce max %a, %b : !tile.tile<64x128xf32> -> !tile.tile<64xf16>
  return
}

// -----

// Shapes of a conversion.
func.func @f(%a: !tile.tile<64x32xf32>) {
  // expected-error @+1 {{keeps the shape: '!tile.tile<64x32xf32>' and '!tile.tile<32x64xf16>'}}
  %t = tile.convert %a : !tile.tile<64x32xf32> -> !tile.tile<32x64xf16>
  return
}

// -----

// Types of a conversion.
func.func @f(%a: !tile.tile<64x32xf32>) {
  // expected-error @+1 {{converts between float types}}
  %t = tile.convert %a : !tile.tile<64x32xf32> -> !tile.tile<64x32xi32>
  return
}

// -----

// A map without result.
func.func @f(%a0: !tile.tile<64x32xf32>, %i: index) {
  // expected-error @+1 {{has no result}}
  tile.map (%a0) at [%i, %i] : (!tile.tile<64x32xf32>) -> () {
  ^bb0(%x: f32, %r0: index, %c0: index):
    tile.yield
  }
  return
}

// -----

// Domain of a map.
func.func @f(%a0: !tile.tile<64x128xf32>, %i: index) {
  // expected-error @+1 {{all tiles share one domain: '!tile.tile<64x128xf32>' does not fit 64x32}}
  %r = tile.map (%a0) at [%i, %i] : (!tile.tile<64x128xf32>) -> (!tile.tile<64x32xf32>) {
  ^bb0(%x: f32, %r0: index, %c0: index):
    tile.yield %x : f32
  }
  return
}

// -----

// Offsets of a map.
func.func @f(%a0: !tile.tile<64x32xf32>, %i: index) {
  // expected-error @+1 {{needs 2 offsets, one a dimension, not 1}}
  %r = tile.map (%a0) at [%i] : (!tile.tile<64x32xf32>) -> (!tile.tile<64x32xf32>) {
  ^bb0(%x: f32, %r0: index):
    tile.yield %x : f32
  }
  return
}

// -----

// A reduction is no map.
func.func @f(%a0: !tile.tile<64x32xf32>, %i: index) {
  // expected-error @+1 {{a result of rank 1 needs operands of rank 1 only}}
  %r = tile.map (%a0) at [%i, %i] : (!tile.tile<64x32xf32>) -> (!tile.tile<64xf32>) {
  ^bb0(%x: f32, %r0: index, %c0: index):
    tile.yield %x : f32
  }
  return
}

// -----

// Arguments of a map.
func.func @f(%a0: !tile.tile<64x32xf32>, %i: index) {
  // expected-error @+1 {{the region takes 1 elements and 2 indices, not 2 arguments}}
  %r = tile.map (%a0) at [%i, %i] : (!tile.tile<64x32xf32>) -> (!tile.tile<64x32xf32>) {
  ^bb0(%x: f32, %r0: index):
    tile.yield %x : f32
  }
  return
}

// -----

// Types of elements.
func.func @f(%a0: !tile.tile<64x32xf32>, %i: index) {
  // expected-error @+1 {{region argument #0 must be 'f32', not 'f16'}}
  %r = tile.map (%a0) at [%i, %i] : (!tile.tile<64x32xf32>) -> (!tile.tile<64x32xf32>) {
  ^bb0(%x: f16, %r0: index, %c0: index):
    %y = arith.extf %x : f16 to f32
    tile.yield %y : f32
  }
  return
}

// -----

// Types of indices.
func.func @f(%a0: !tile.tile<64x32xf32>, %i: index) {
  // expected-error @+1 {{region argument #2 must be an index, not 'i32'}}
  %r = tile.map (%a0) at [%i, %i] : (!tile.tile<64x32xf32>) -> (!tile.tile<64x32xf32>) {
  ^bb0(%x: f32, %r0: index, %c0: i32):
    tile.yield %x : f32
  }
  return
}

// -----

// Number of yielded values.
func.func @f(%a: !tile.tile<64x32xf32>, %i: index) {
  %r = tile.map (%a) at [%i, %i] : (!tile.tile<64x32xf32>) -> !tile.tile<64x32xf32> {
  ^bb0(%x: f32, %r0: index, %c0: index):
    // expected-error @+1 {{yields 2 values for 1 results}}
    tile.yield %x, %x : f32, f32
  }
  return
}

// -----

// Types of yielded values.
func.func @f(%a: !tile.tile<64x32xf32>, %i: index) {
  %r = tile.map (%a) at [%i, %i] : (!tile.tile<64x32xf32>) -> !tile.tile<64x32xf32> {
  ^bb0(%x: f32, %r0: index, %c0: index):
    // expected-error @+1 {{yields 'index' for a result of '!tile.tile<64x32xf32>'}}
    tile.yield %r0 : index
  }
  return
}

// -----

// Bounds of a range.
func.func @f(%b: index) {
  // expected-error @+1 {{a range has four bounds (begin, end, full begin, full end), not 2}}
  %r = tile.ranges [%b, %b] : !tile.ranges
  return
}

// -----

// No range.
func.func @f(%b: index) {
  // expected-error @+1 {{has four bounds a range, not 0}}
  %r = "tile.ranges"() ({}) : () -> !tile.ranges
  return
}

// -----

// Argument of the predicate.
func.func @f(%b: index, %t: i1) {
  // expected-error @+1 {{the where region takes the key tile, one index}}
  %r = tile.ranges [%b, %b, %b, %b] where {
  ^bb0(%c: i32):
    tile.yield %t, %t : i1, i1
  } : !tile.ranges
  return
}

// -----

// Results of the predicate.
func.func @f(%b: index, %t: i1) {
  // expected-error @+1 {{the where region yields two i1: visit and full}}
  %r = tile.ranges [%b, %b, %b, %b] where {
  ^bb0(%c: index):
    tile.yield %t : i1
  } : !tile.ranges
  return
}

// -----

// Rank of a grid.
func.func @f(%i: index) {
  // expected-error @+1 {{has a grid of 3 dimensions, not 2}}
  tile.launch @k grid [%i, %i] ()
  return
}

// -----

// What is launched.
func.func private @k(index, index, index, index, index, index)
func.func @f(%i: index) {
  // expected-error @+1 {{launches @k, which lacks the attribute tile.kernel}}
  tile.launch @k grid [%i, %i, %i] ()
  return
}

// -----

// Number of arguments.
func.func private @k(index, index, index, index, index, index) attributes {tile.kernel}
func.func @f(%i: index) {
  // expected-error @+1 {{launches @k with 1 arguments, the point and the extents of the grid, 7 in all, but it takes 6}}
  tile.launch @k grid [%i, %i, %i] (%i) : index
  return
}

// -----

// Types of arguments.
func.func private @k(i32, index, index, index, index, index, index) attributes {tile.kernel}
func.func @f(%i: index) {
  // expected-error @+1 {{argument #0 is 'index', but @k takes 'i32'}}
  tile.launch @k grid [%i, %i, %i] (%i) : index
  return
}

// -----

// What a kernel is.
// expected-error @+1 {{is a kernel (tile.kernel), but its last six arguments are not the point and the extents of the grid, of type index}}
func.func private @k(index, index, index, index, index) attributes {tile.kernel}

// -----

// expected-error @+1 {{is a kernel (tile.kernel), but its last six arguments are not the point and the extents of the grid, of type index}}
func.func private @k(index, index, index, index, i64, index) attributes {tile.kernel}

// -----

func.func private @k(index, index, index, index, index, index) -> index attributes {tile.kernel}
func.func @f(%i: index) {
  // expected-error @+1 {{launches @k, which returns 'index'; a kernel writes what it computes}}
  tile.launch @k grid [%i, %i, %i] ()
  return
}

// -----

// An attribute that the op does not have.
func.func @f(%a: !tile.tile<8x8xf32>, %b: !tile.tile<8x8xf32>, %c: !tile.tile<8x8xf32>) {
  // expected-error @+1 {{has no attribute 'transposeb'; did you mean 'transpose_b'?}}
  %r = tile.dot %a, %b, %c {transposeb} : !tile.tile<8x8xf32>, !tile.tile<8x8xf32> -> !tile.tile<8x8xf32>
  return
}

// -----

// A misspelt mark of kernels.
// expected-error @+1 {{has the unknown attribute 'tile.kernal'; did you mean 'tile.kernel'?}}
func.func private @k(index, index, index, index, index, index) attributes {tile.kernal}

// -----

// expected-error @+1 {{has the unknown attribute 'tile.sizes'; did you mean 'tile.size'?}}
func.func private @k(index {tile.sizes = 3 : index})

// -----

func.func @f(%ok: i1, %n: index) {
  // expected-error @+1 {{has 1 names for 2 values}}
  "tile.check"(%ok, %n, %n) {message = "m", names = ["n"]} : (i1, index, index) -> ()
  return
}

// -----

func.func @size(%a: index, %b: index) {
  // expected-error@+1 {{has the attribute 'tile.size' as -1 : index; it is the largest number, from 0 on, that the result can be}}
  %c = arith.addi %a, %b {tile.size = -1 : index} : index
  return
}

// -----

func.func @narrow_size(%a: i8, %b: i8) {
  // expected-error@+1 {{has the attribute 'tile.size' as 128 : index; it is the largest number, from 0 on, that the result can be}}
  %c = arith.addi %a, %b {tile.size = 128 : index} : i8
  return
}

// -----

func.func @size_of_float(%a: f32, %b: f32) {
  // expected-error@+1 {{has the attribute 'tile.size' as 1 : index; it is the largest number, from 0 on, that the result can be}}
  %c = arith.addf %a, %b {tile.size = 1 : index} : f32
  return
}

// -----

// expected-error@+1 {{has an argument attribute 'tile.element' as 8 : i64, which is no type}}
func.func private @element(%a: i32 {tile.element = 8 : i64})
