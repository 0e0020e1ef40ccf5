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

// expected-error@+1 {{stack is for calls on a CPU, which have no threads}}
func.func private @k() attributes {test.of = #tile.launch_info<parameters = [], grid = points, threads = 32, stack = 64>}

// -----

// expected-error@+1 {{a call on a CPU (no threads) is of a point, without shared memory and cluster}}
func.func private @k() attributes {test.of = #tile.launch_info<parameters = [], grid = flat>}

// -----

// expected-error@+1 {{a call on a CPU (no threads) is of a point, without shared memory and cluster}}
func.func private @k() attributes {test.of = #tile.launch_info<parameters = [], grid = points, shared = 64>}

// -----

// expected-error@+1 {{a call on a CPU (no threads) is of a point, without shared memory and cluster}}
func.func private @k() attributes {test.of = #tile.launch_info<parameters = [], grid = points, cluster = [2, 1, 1]>}

// -----

// expected-error@+1 {{a cluster has 3 extents and 1 to 8 blocks, not}}
func.func private @k() attributes {test.of = #tile.launch_info<parameters = [], grid = points, threads = 32, cluster = [2, 1]>}

// -----

// expected-error@+1 {{a cluster has 3 extents and 1 to 8 blocks, not}}
func.func private @k() attributes {test.of = #tile.launch_info<parameters = [], grid = points, threads = 32, cluster = [4, 0, 1]>}

// -----

// expected-error@+1 {{a cluster has 3 extents and 1 to 8 blocks, not}}
func.func private @k() attributes {test.of = #tile.launch_info<parameters = [], grid = points, threads = 32, cluster = [3, 3, 1]>}

// -----

// expected-error@+1 {{an artifact has a target}}
module attributes {tile.artifact = #tile.artifact<target = "">} {}

// -----

// expected-error@+1 {{features are names, not [1]}}
module attributes {tile.artifact = #tile.artifact<target = "cpu", features = [1]>} {}

// -----

// expected-error@+1 {{kernels take integers of 32 or 64 bits, not 16}}
module attributes {tile.artifact = #tile.artifact<target = "cpu", index_bits = 16>} {}

// -----

// expected-error@+1 {{has the attribute 'tile.artifact' as "cpu", which is no #tile.artifact}}
module attributes {tile.artifact = "cpu"} {}

// -----

// expected-error@+1 {{has the attribute 'tile.artifact', which is for a builtin.module}}
func.func private @k() attributes {tile.artifact = #tile.artifact<target = "cpu">}

// -----

// expected-error@+1 {{has the attribute 'tile.launch_info' as 384 : i64, which is no #tile.launch_info}}
func.func private @k() attributes {tile.launch_info = 384}

// -----

// expected-error@+1 {{is no function and has tile.launch_info}}
module attributes {tile.launch_info = #tile.launch_info<parameters = [], grid = points>} {}

// -----

// expected-error@+1 {{takes 1 arguments; a kernel takes at least the point and the extents of the grid, 6}}
func.func private @k(index) attributes {tile.launch_info = #tile.launch_info<parameters = [#tile.operand<0>], grid = points>}

// -----

// A function is called with the point of the grid, which is no parameter.
// expected-error@+1 {{takes 4 parameters, but tile.launch_info lists 1}}
func.func private @k(index, index, index, index, index, index, index) attributes {tile.launch_info = #tile.launch_info<parameters = [#tile.operand<0>], grid = points>}

// -----

gpu.module @m {
  // expected-error@+1 {{takes 1 parameters, but tile.launch_info lists 2}}
  llvm.func @k(%p: !llvm.ptr) attributes {tile.launch_info = #tile.launch_info<parameters = [#tile.operand<0>, #tile.operand<1>], grid = points, threads = 128>} {
    llvm.return
  }
}

// -----

gpu.module @m {
  // expected-error@+1 {{parameter #0 is 'i64'; #tile.counter is passed as an address}}
  llvm.func @k(%p: i64) attributes {tile.launch_info = #tile.launch_info<parameters = [#tile.counter], grid = points, threads = 128>} {
    llvm.return
  }
}

// -----

gpu.module @m {
  // expected-error@+1 {{is passed as an address}}
  llvm.func @k(%p: i64) attributes {tile.launch_info = #tile.launch_info<parameters = [#tile.tensor_map<operand = 0, element = f16, sizes = ()[s0] -> (64, s0), strides = ()[s0] -> (s0), box = [64, 8], swizzle = 128>], grid = points, threads = 128>} {
    llvm.return
  }
}

// -----

gpu.module @m {
  // expected-error@+1 {{parameter #0 is 'i64'; #tile.extent<2 : i32> is passed as i32}}
  llvm.func @k(%p: i64) attributes {tile.launch_info = #tile.launch_info<parameters = [#tile.extent<2 : i32>], grid = points, threads = 128>} {
    llvm.return
  }
}

// -----

gpu.module @m {
  // expected-error@+1 {{parameter #0 is 'i32'; #tile.extent<2 : i64> is passed as i64}}
  llvm.func @k(%p: i32) attributes {tile.launch_info = #tile.launch_info<parameters = [#tile.extent<2 : i64>], grid = points, threads = 128>} {
    llvm.return
  }
}

// -----

gpu.module @m {
  // expected-error@+1 {{asks for nvvm.reqntid = array<i32: 64, 2>, but is launched in blocks of 128}}
  llvm.func @k() attributes {nvvm.reqntid = array<i32: 64, 2>, tile.launch_info = #tile.launch_info<parameters = [], grid = points, threads = 128>} {
    llvm.return
  }
}

// -----

gpu.module @m {
  // expected-error@+1 {{asks for nvvm.cluster_dim = array<i32: 2, 1, 1>, but is launched in clusters of}}
  llvm.func @k() attributes {nvvm.cluster_dim = array<i32: 2, 1, 1>, tile.launch_info = #tile.launch_info<parameters = [], grid = points, threads = 128>} {
    llvm.return
  }
}

// -----

gpu.module @m {
  // expected-error@+1 {{asks for known_block_size = array<i32: 64, 1, 1>, but is launched in blocks of 128}}
  gpu.func @k() kernel attributes {known_block_size = array<i32: 64, 1, 1>, tile.launch_info = #tile.launch_info<parameters = [], grid = points, threads = 128>} {
    gpu.return
  }
}

// -----

gpu.module @m {
  llvm.func @k(%p: i64) attributes {tile.launch_info = #tile.launch_info<parameters = [#tile.operand<1>], grid = points, threads = 128>} {
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
  llvm.func @k(%p: !llvm.ptr) attributes {tile.launch_info = #tile.launch_info<parameters = [#tile.operand<0>], grid = points, threads = 128>} {
    llvm.return
  }
}
func.func @host(%n: index, %f: f32, %m: memref<?xf16>) {
  // expected-error@+1 {{argument #0 is 'index', but parameter #0 of @m::@k is '!llvm.ptr'}}
  tile.launch @m::@k grid [%n, %n, %n] (%n) : index
  return
}

// -----

gpu.module @m {
  llvm.func @k(%p: i64) attributes {tile.launch_info = #tile.launch_info<parameters = [#tile.operand<1>], grid = points, threads = 128>} {
    llvm.return
  }
}
func.func @host(%n: index, %f: f32, %m: memref<?xf16>) {
  // expected-error@+1 {{argument #1 is 'memref<?xf16>', but parameter #0 of @m::@k is 'i64'}}
  tile.launch @m::@k grid [%n, %n, %n] (%n, %m) : index, memref<?xf16>
  return
}

// -----

gpu.module @m {
  llvm.func @k(%p: i32) attributes {tile.launch_info = #tile.launch_info<parameters = [#tile.operand<0>], grid = points, threads = 128>} {
    llvm.return
  }
}
func.func @host(%n: index, %f: f32, %m: memref<?xf16>) {
  // expected-error@+1 {{argument #0 is 'f32', but parameter #0 of @m::@k is 'i32'}}
  tile.launch @m::@k grid [%n, %n, %n] (%f) : f32
  return
}

// -----

gpu.module @m {
  llvm.func @k(%p: !llvm.ptr) attributes {tile.launch_info = #tile.launch_info<parameters = [#tile.tensor_map<operand = 3, element = f16, sizes = ()[s0] -> (64, s0), strides = ()[s0] -> (s0), box = [64, 8], swizzle = 128>], grid = points, threads = 128>} {
    llvm.return
  }
}
func.func @host(%n: index, %f: f32, %m: memref<?xf16>) {
  // expected-error@+1 {{has 1 arguments; @m::@k is passed argument #3}}
  tile.launch @m::@k grid [%n, %n, %n] (%m) : memref<?xf16>
  return
}

// -----

gpu.module @m {
  llvm.func @k(%p: !llvm.ptr) attributes {tile.launch_info = #tile.launch_info<parameters = [#tile.tensor_map<operand = 0, element = f16, sizes = ()[s0] -> (64, s0), strides = ()[s0] -> (s0), box = [64, 8], swizzle = 128>], grid = points, threads = 128>} {
    llvm.return
  }
}
func.func @host(%n: index, %f: f32, %m: memref<?xf16>) {
  // expected-error@+1 {{argument #0 is 'index'; @m::@k needs a tensor map of 'f16' of it}}
  tile.launch @m::@k grid [%n, %n, %n] (%n) : index
  return
}

// -----

gpu.module @m {
  llvm.func @k(%p: !llvm.ptr) attributes {tile.launch_info = #tile.launch_info<parameters = [#tile.tensor_map<operand = 0, element = bf16, sizes = ()[s0] -> (64, s0), strides = ()[s0] -> (s0), box = [64, 8], swizzle = 128>], grid = points, threads = 128>} {
    llvm.return
  }
}
func.func @host(%n: index, %f: f32, %m: memref<?xf16>) {
  // expected-error@+1 {{argument #0 is 'memref<?xf16>'; @m::@k needs a tensor map of 'bf16' of it}}
  tile.launch @m::@k grid [%n, %n, %n] (%m) : memref<?xf16>
  return
}

// -----

gpu.module @m {
  llvm.func @k(%p: !llvm.ptr) attributes {tile.launch_info = #tile.launch_info<parameters = [#tile.tensor_map<operand = 0, element = f16, sizes = ()[s0, s1] -> (64, s1), strides = () -> (128), box = [64, 8], swizzle = 128>], grid = points, threads = 128>} {
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
  llvm.func @k(%p: !llvm.ptr) attributes {tile.launch_info = #tile.launch_info<parameters = [#tile.tensor_map<operand = 0, element = f16, sizes = ()[s0, s1] -> (64, s1), strides = () -> (128), box = [64, 8], swizzle = 128>], grid = points, threads = 128>} {
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
