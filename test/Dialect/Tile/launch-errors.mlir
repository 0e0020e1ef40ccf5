// One error a rule of how a kernel is launched.
// RUN: attn-opt %s -split-input-file -verify-diagnostics

// expected-error@+1 {{an operand has a number from 0 on, not -1}}
func.func private @k() attributes {test.of = #tile.operand<-1>}

// -----

// expected-error@+1 {{multiple must be positive, not 0}}
func.func private @k() attributes {test.of = #tile.operand<0, multiple = 0>}

// -----

// expected-error@+1 {{a grid has dimensions 0 to 2, not 3}}
func.func private @k() attributes {test.of = #tile.extent<3 : i32>}

// -----

// expected-error@+1 {{an extent is passed as i32 or i64, not 'i16'}}
func.func private @k() attributes {test.of = #tile.extent<0 : i16>}

// -----

// expected-error@+1 {{an operand has a number from 0 on, not -1}}
func.func private @k() attributes {test.of = #tile.tensor_map<operand = -1, element = f16, sizes = ()[s0] -> (64, s0), strides = ()[s0] -> (s0), box = [64, 8], swizzle = 128>}

// -----

// expected-error@+1 {{a tensor map is of f16 or bf16, not 'f32'}}
func.func private @k() attributes {test.of = #tile.tensor_map<operand = 0, element = f32, sizes = ()[s0] -> (64, s0), strides = ()[s0] -> (s0), box = [64, 8], swizzle = 128>}

// -----

// expected-error@+1 {{a tensor map has 1 to 5 dimensions, not 6}}
func.func private @k() attributes {test.of = #tile.tensor_map<operand = 0, element = f16, sizes = () -> (1, 1, 1, 1, 1, 1), strides = ()[s0] -> (s0), box = [64, 8], swizzle = 128>}

// -----

// expected-error@+1 {{a tensor map of 2 sizes has 1 strides and a box of 2, not 0 and 2}}
func.func private @k() attributes {test.of = #tile.tensor_map<operand = 0, element = f16, sizes = ()[s0] -> (64, s0), strides = () -> (), box = [64, 8], swizzle = 128>}

// -----

// expected-error@+1 {{a tensor map of 2 sizes has 1 strides and a box of 2, not 1 and 1}}
func.func private @k() attributes {test.of = #tile.tensor_map<operand = 0, element = f16, sizes = ()[s0] -> (64, s0), strides = ()[s0] -> (s0), box = [64], swizzle = 128>}

// -----

// expected-error@+1 {{sizes and strides are functions of operands, which are symbols; there are no dimensions}}
func.func private @k() attributes {test.of = #tile.tensor_map<operand = 0, element = f16, sizes = (d0) -> (64, d0), strides = ()[s0] -> (s0), box = [64, 8], swizzle = 128>}

// -----

// expected-error@+1 {{sizes and strides add, multiply and divide (floordiv), nothing else}}
func.func private @k() attributes {test.of = #tile.tensor_map<operand = 0, element = f16, sizes = ()[s0] -> (64, s0), strides = ()[s0] -> (s0 mod 3), box = [64, 8], swizzle = 128>}

// -----

// expected-error@+1 {{a box has extents from 1 to 256, not 257}}
func.func private @k() attributes {test.of = #tile.tensor_map<operand = 0, element = f16, sizes = ()[s0] -> (64, s0), strides = ()[s0] -> (s0), box = [64, 257], swizzle = 128>}

// -----

// expected-error@+1 {{rows are swizzled in 32, 64 or 128 bytes, or not at all (0), not in 16}}
func.func private @k() attributes {test.of = #tile.tensor_map<operand = 0, element = f16, sizes = ()[s0] -> (64, s0), strides = ()[s0] -> (s0), box = [64, 8], swizzle = 16>}

// -----

// expected-error@+1 {{a parameter is #tile.operand, #tile.extent, #tile.counter or #tile.tensor_map, not 1 : i64}}
func.func private @k() attributes {test.of = #tile.launch_info<parameters = [1 : i64], grid = points>}

// -----

// expected-error@+1 {{a block has 1 to 1024 threads, a call on a CPU 0, not 1025}}
func.func private @k() attributes {test.of = #tile.launch_info<parameters = [], grid = points, threads = 1025>}

// -----

// expected-error@+1 {{shared is a number of bytes, not -1}}
func.func private @k() attributes {test.of = #tile.launch_info<parameters = [], grid = points, shared = -1>}

// -----

// expected-error@+1 {{stack is a number of bytes, not -1}}
func.func private @k() attributes {test.of = #tile.launch_info<parameters = [], grid = points, stack = -1>}

// -----

// expected-error@+1 {{has the attribute 'tile.launch_info' as 384 : i64, which is no #tile.launch_info}}
func.func private @k() attributes {tile.launch_info = 384}

// -----

gpu.module @m {
  llvm.func @k() attributes {tile.launch_info = #tile.launch_info<parameters = [#tile.operand<1>], grid = points>} {
    llvm.return
  }
}
func.func @host(%n: index, %f: f32, %m: memref<?xf16>) {
  // expected-error@+1 {{has 1 arguments; @m::@k is passed argument #1}}
  tile.launch @m::@k grid [%n, %n, %n] (%n) : index
  return
}

// -----

gpu.module @m {
  llvm.func @k() attributes {tile.launch_info = #tile.launch_info<parameters = [#tile.tensor_map<operand = 0, element = f16, sizes = ()[s0] -> (64, s0), strides = ()[s0] -> (s0), box = [64, 8], swizzle = 128>], grid = points>} {
    llvm.return
  }
}
func.func @host(%n: index, %f: f32, %m: memref<?xf16>) {
  // expected-error@+1 {{argument #0 is 'index'; @m::@k needs a tensor map of it}}
  tile.launch @m::@k grid [%n, %n, %n] (%n) : index
  return
}

// -----

gpu.module @m {
  llvm.func @k() attributes {tile.launch_info = #tile.launch_info<parameters = [#tile.tensor_map<operand = 0, element = f16, sizes = ()[s0, s1] -> (64, s1), strides = () -> (128), box = [64, 8], swizzle = 128>], grid = points>} {
    llvm.return
  }
}
func.func @host(%n: index, %f: f32, %m: memref<?xf16>) {
  // expected-error@+1 {{has 1 arguments; a tensor map of @m::@k is a function of 2}}
  tile.launch @m::@k grid [%n, %n, %n] (%m) : memref<?xf16>
  return
}

// -----

gpu.module @m {
  llvm.func @k() attributes {tile.launch_info = #tile.launch_info<parameters = [#tile.tensor_map<operand = 0, element = f16, sizes = ()[s0, s1] -> (64, s1), strides = () -> (128), box = [64, 8], swizzle = 128>], grid = points>} {
    llvm.return
  }
}
func.func @host(%n: index, %f: f32, %m: memref<?xf16>) {
  // expected-error@+1 {{argument #1 is 'f32'; a tensor map of @m::@k has a size or stride of it}}
  tile.launch @m::@k grid [%n, %n, %n] (%m, %f) : memref<?xf16>, f32
  return
}

// -----

gpu.module @m {
  llvm.func @k() attributes {tile.launch_info = #tile.launch_info<parameters = [], grid = points>} {
    llvm.return
  }
}
func.func @host(%n: index, %f: f32, %m: memref<?xf16>) {
  // expected-error@+1 {{writes argument #1 of 1}}
  tile.launch @m::@k grid [%n, %n, %n] (%m) writes [1] : memref<?xf16>
  return
}

// -----

gpu.module @m {
  llvm.func @k() attributes {tile.launch_info = #tile.launch_info<parameters = [], grid = points>} {
    llvm.return
  }
}
func.func @host(%n: index, %f: f32, %m: memref<?xf16>) {
  // expected-error@+1 {{writes argument #0, which is 'index' and no memref}}
  tile.launch @m::@k grid [%n, %n, %n] (%n) writes [0] : index
  return
}
