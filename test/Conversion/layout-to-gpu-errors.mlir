// RUN: attn-opt %s --tile-layout-to-gpu=workgroup-bytes=1024 --split-input-file --verify-diagnostics

module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 4>} {
  // expected-error @+1 {{needs 2048 bytes of workgroup memory, the limit is 1024}}
  func.func private @large(%a: memref<f32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %c0 = arith.constant 0 : index
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [16, 32], strides: [32, 1] : memref<f32> to memref<16x32xf32>
    // expected-note @+1 {{the largest is this '!tile.tile<16x32xf32, #tile.shared>'; one of 16x16 fits}}
    %t = tile.load %m[%c0, %c0] valid [%c0, %c0] : memref<16x32xf32> -> !tile.tile<16x32xf32, #tile.shared>
    return
  }
}

// -----

module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 4>} {
  func.func private @no_layout(%v: f32, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    // expected-error @+1 {{makes a tile without a layout; tile-assign-layouts comes first}}
    %t = tile.splat %v : f32 -> !tile.tile<4xf32>
    return
  }
}

// -----

#subgroups = #tile.layout<lane = [[1, 0], [2, 0]], subgroup = [[0, 1]]>
#rows = #tile.layout<lane = [[1, 0], [2, 0]], subgroup = [[0, 0]]>
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 4>} {
  func.func private @subgroups(%v: f32, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %t = tile.splat %v : f32 -> !tile.tile<4x2xf32, #subgroups>
    %i = tile.splat %v : f32 -> !tile.tile<4xf32, #rows>
    // expected-error @+1 {{reduces rows that several subgroups share}}
    %r = tile.reduce max %t, %i : <4x2xf32, #subgroups> -> <4xf32, #rows>
    return
  }
}

// -----

#skewed = #tile.layout<register = [[1, 0]], lane = [[1, 1]]>
#rows = #tile.layout<register = [[1, 0]], lane = [[1, 0]]>
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 2>} {
  func.func private @skewed(%v: f32, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %t = tile.splat %v : f32 -> !tile.tile<2x2xf32, #skewed>
    %i = tile.splat %v : f32 -> !tile.tile<2xf32, #rows>
    // expected-error @+1 {{reduces rows that no fixed partners of a thread have}}
    %r = tile.reduce max %t, %i : <2x2xf32, #skewed> -> <2xf32, #rows>
    return
  }
}

// -----

#rows = #tile.layout<lane = [[1, 0], [2, 0]]>
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 4>} {
  func.func private @memory(%m: memref<4xf32>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    // expected-error @+1 {{accesses a memref that the kernel did not rebuild from an argument}}
    %t = tile.load %m[%x] valid [%x] : memref<4xf32> -> !tile.tile<4xf32, #rows>
    return
  }
}

// -----

// expected-error @+1 {{tile-layout-to-gpu: the module does not say what machine it is for}}
module {
}

// -----

// A thread has one of the four columns that a vector is made of.
#scores = #tile.layout<lane = [[0, 1], [0, 2]], subgroup = [[0, 4], [0, 8]]>
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 4, shared_bytes = 16384, static_shared_bytes = 16384, lacks = "small_storage">} {
  func.func private @parts(%v: f32, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    %t = tile.splat %v : f32 -> !tile.tile<4x16xf32, #scores>
    // expected-error @+1 {{failed to legalize operation 'tile.relayout'}}
    %w = tile.relayout %t : <4x16xf32, #scores> -> <4x16xf32, #tile.shared<padding = 4, folds = 4>>
    return
  }
}

// -----

module attributes {tile.target = #tile.target<name = "gpu", chip = "c", threads = 128, subgroup = 4>} {
  func.func private @elsewhere(index, index, index, index, index, index) attributes {tile.kernel}
  // expected-error @+1 {{'func.func' op takes or returns tiles; tile-layout-to-gpu lowers kernels on memory}}
  func.func private @takes(%t: !tile.tile<8xf32, #tile.layout<lane = [[1, 0], [2, 0]], register = [[4, 0]]>>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
    return
  }
}
