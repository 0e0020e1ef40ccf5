// What is no layout, or not one of the tile.
// RUN: attn-opt %s --split-input-file --verify-diagnostics

// expected-error @+1 {{a layout has register, lane and subgroup, not warp}}
func.func private @f(!tile.tile<8x8xf32, #tile.layout<warp = [[0, 1]]>>)

// -----

// expected-error @+1 {{says lane twice}}
func.func private @f(!tile.tile<8x8xf32, #tile.layout<lane = [[0, 1]], lane = [[0, 2]]>>)

// -----

// expected-error @+1 {{expected ','}}
func.func private @f(!tile.tile<8x8xf32, #tile.layout<lane = [[0]]>>)

// -----

// expected-error @+1 {{a basis is a row and a column in 0 .. 32768, not -1}}
func.func private @f(!tile.tile<8x8xf32, #tile.layout<lane = [[0, -1]]>>)

// -----

// expected-error @+1 {{the bases leave elements of the block of 1x4 that they span without a place}}
func.func private @f(!tile.tile<8x8xf32, #tile.layout<lane = [[0, 2]]>>)

// -----

// expected-error @+1 {{a layout has at most 16 bases a dimension, not 17}}
func.func private @f(!tile.tile<8x8xf32, #tile.layout<lane = [[0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0]]>>)

// -----

// expected-error @+1 {{a tile of rank 1 has a layout of rows}}
func.func private @f(!tile.tile<8xf32, #tile.layout<lane = [[0, 1]]>>)

// -----

// expected-error @+1 {{padding = -1 is not in 0 .. 32768}}
func.func private @f(!tile.tile<8x8xf32, #tile.shared<padding = -1>>)

// -----

// expected-error @+1 {{swizzle is the size of a group and the number of phases, powers of two}}
func.func private @f(!tile.tile<8x8xf32, #tile.shared<swizzle = [3, 2]>>)

// -----

// expected-error @+1 {{a swizzle of 8 groups of 4 does not fit rows of 48 elements}}
func.func private @f(!tile.tile<8x48xf32, #tile.shared<swizzle = [4, 8]>>)

// -----

// expected-error @+1 {{folds = 0 is for rows without a swizzle, and positive}}
func.func private @f(!tile.tile<8x8xf32, #tile.shared<folds = 0>>)

// -----

// expected-error @+1 {{folds = 2 is for rows without a swizzle, and positive}}
func.func private @f(!tile.tile<8x8xf32, #tile.shared<column_major = true, folds = 2>>)

// -----

// expected-error @+1 {{4 folds do not fit rows of 6 elements}}
func.func private @f(!tile.tile<8x6xf32, #tile.shared<folds = 4>>)

// -----

// expected-error @+1 {{shape of fragments is two powers of two, for rows and columns}}
func.func private @f(!tile.tile<16x16xf32, #tile.fragment<use = a, shape = [16], subgroups = [1, 1]>>)

// -----

// expected-error @+1 {{fragments of subgroups cover multiples of 64x16, not 96x16}}
func.func private @f(!tile.tile<96x16xf32, #tile.fragment<use = a, shape = [16, 16], subgroups = [4, 1]>>)

// -----

// expected-error @+1 {{a layout is #tile.layout, #tile.shared, #tile.fragment or #tile.pieces, not 7}}
func.func private @f(!tile.tile<8x8xf32, 7>)

// -----

func.func @f(%x: !tile.tile<8x8xf32, #tile.shared>) {
  // expected-error @+1 {{keeps shape and elements}}
  %y = tile.relayout %x : <8x8xf32, #tile.shared> -> <8x8xf16, #tile.shared>
  return
}

// -----

func.func @f(%x: !tile.tile<8x8xf32, #tile.shared>) {
  // expected-error @+1 {{is between tiles that have layouts}}
  %y = tile.relayout %x : <8x8xf32, #tile.shared> -> <8x8xf32>
  return
}

// -----

#pieces = #tile.pieces<elements = 8, threads = 32>
func.func @f(%x: !tile.tile<8x8xf16, #pieces>) {
  // expected-error @+1 {{moves no pieces: a tile.load takes them}}
  %y = tile.relayout %x : <8x8xf16, #pieces> -> <8x8xf16, #tile.shared>
  return
}

// -----

#pieces = #tile.pieces<elements = 8, threads = 32>
func.func @f(%m: memref<8x8xf16>, %x: !tile.tile<16x8xf16, #pieces>, %i: index) {
  // expected-error @+1 {{takes pieces of the same shape and elements, not '!tile.tile<16x8xf16, #tile.pieces<elements = 8, threads = 32>>'}}
  %y = tile.load %m[%i, %i] valid [%i, %i] prefetched(%x : !tile.tile<16x8xf16, #pieces>) : memref<8x8xf16> -> !tile.tile<8x8xf16, #tile.shared>
  return
}

// -----

func.func @f(%m: memref<8x8xf16>, %x: !tile.tile<8x8xf16>, %i: index) {
  // expected-error @+1 {{takes pieces of the same shape and elements, not '!tile.tile<8x8xf16>'}}
  %y = tile.load %m[%i, %i] valid [%i, %i] prefetched(%x : !tile.tile<8x8xf16>) : memref<8x8xf16> -> !tile.tile<8x8xf16, #tile.shared>
  return
}

// -----

#pieces = #tile.pieces<elements = 8, threads = 32>
func.func @f(%m: memref<8x8xf16>, %x: !tile.tile<8x8xf16, #pieces>, %i: index) {
  // expected-error @+1 {{takes pieces to all rows of a tile in workgroup memory}}
  %y = tile.load %m[%i, %i] valid [%i, %i] prefetched(%x : !tile.tile<8x8xf16, #pieces>) : memref<8x8xf16> -> !tile.tile<8x8xf16>
  return
}

// -----

#pieces = #tile.pieces<elements = 8, threads = 32>
func.func @f(%m: memref<8x8xf16>, %i: index, %mixed: i1) {
  // expected-error @+1 {{into pieces reads all valid rows}}
  %y = tile.load %m[%i, %i] valid [%i, %i] where %mixed {
  ^bb0(%row: index):
    tile.yield %mixed : i1
  } : memref<8x8xf16> -> !tile.tile<8x8xf16, #pieces>
  return
}

// -----

#four = #tile.layout<lane = [[0, 1], [0, 2]]>
#eight = #tile.layout<lane = [[0, 1], [0, 2], [0, 4]]>
func.func @f(%x: !tile.tile<8x8xf32, #four>) {
  // expected-error @+1 {{is between layouts of 1 subgroups of 4 lanes and 1 of 8}}
  %y = tile.relayout %x : <8x8xf32, #four> -> <8x8xf32, #eight>
  return
}

// -----

#four = #tile.layout<lane = [[0, 1], [0, 2]]>
func.func @f(%x: !tile.tile<8x8xf32, #four>, %i: index) {
  // expected-error @+1 {{where the layout must be #tile.shared}}
  %y = tile.map (%x) at [%i, %i] : (!tile.tile<8x8xf32, #four>) -> !tile.tile<8x8xf32, #tile.shared> {
  ^bb0(%a: f32, %row: index, %col: index):
    tile.yield %a : f32
  }
  return
}

// -----

#four = #tile.layout<lane = [[0, 1], [0, 2]]>
func.func @f(%x: !tile.tile<8x8xf32, #four>, %m: !tile.tile<8xf32>) {
  // expected-error @+1 {{where the layout must be #tile.layout<lane = [[0, 0], [0, 0]]>}}
  %y = tile.reduce max %x, %m : !tile.tile<8x8xf32, #four> -> !tile.tile<8xf32>
  return
}

// -----

func.func @f(%x: !tile.tile<8x8xf32, #tile.shared>) {
  // expected-error @+1 {{where the layout must be #tile.shared}}
  %y = tile.convert %x : !tile.tile<8x8xf32, #tile.shared> -> !tile.tile<8x8xf16>
  return
}

// -----

// expected-error @+1 {{pieces of 0 elements for 32 threads hold nothing}}
func.func private @pieces(!tile.tile<8x8xf16, #tile.pieces<elements = 0, threads = 32>>)

// -----

// expected-error @+1 {{pieces of 8 elements do not make up the rows of a tile of 8x12}}
func.func private @rows(!tile.tile<8x12xf16, #tile.pieces<elements = 8, threads = 32>>)

// -----

func.func @whole_of_nothing(%m: memref<16x16xf16>, %c0: index, %c16: index) {
  // expected-error @+1 {{of the whole of what was prefetched needs what was}}
  %k = tile.load %m[%c0, %c0] valid [%c16, %c16] whole : memref<16x16xf16> -> !tile.tile<16x16xf16, #tile.shared<padding = 8>>
  return
}
