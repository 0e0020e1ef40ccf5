// RUN: attn-opt %s --tile-describe-kernels | FileCheck %s

// What printers write ahead of a kernel: what it said of itself before, then
// threads and the memory that they share, registers, and the grid as a formula.

#workgroup = #gpu.address_space<workgroup>
#info = #tile.launch_info<parameters = [], grid = points, threads = 64>
module attributes {gpu.container_module, tile.target = #tile.target<name = "metal", chip = "metal3.1", threads = 1024, subgroup = 32>} {
  func.func @host(%q: memref<?x?x64xf32> {attn.name = "query"}) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c32 = arith.constant 32 : index
    %b = memref.dim %q, %c0 : memref<?x?x64xf32>
    %n = memref.dim %q, %c1 : memref<?x?x64xf32>
    %tiles = arith.ceildivsi %n, %c32 : index
    %groups = arith.muli %b, %c2 : index
    tile.launch @kernels::@matrices grid[%groups, %c2, %tiles] ()
    %s0 = arith.muli %n, %b : index
    %s1 = arith.muli %s0, %s0 : index
    %s2 = arith.muli %s1, %s1 : index
    %s3 = arith.muli %s2, %s2 : index
    tile.launch @kernels::@scalars grid[%s3, %c1, %c1] ()
    return
  }

  gpu.module @kernels {
    // Floats take two registers of a lane, halves one: %f, %s and two factors make
    // 6. Constants that are overwritten take none, nor does in a loop what it begins
    // with.
    // CHECK: gpu.func @matrices
    // CHECK-SAME: attn.summary = ["Tiles: none", "Workgroup: 64 threads in 2 subgroups; 768 bytes of memory: tiles 512, buffer 256", "Registers: 6 of a thread hold matrices at most", "Grid: x = ceil(query.size(1) / 32), y = 2, z = query.size(0) * 2 workgroups"]
    gpu.func @matrices() workgroup(%tiles: memref<256xf16, #workgroup> {attn.name = "tiles"}, %m: memref<64xf32, #workgroup>) kernel attributes {attn.summary = ["Tiles: none"], known_block_size = array<i32: 64, 1, 1>, tile.launch_info = #info} {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c4 = arith.constant 4 : index
      %x = arith.constant 1.0 : f32
      %unused = kernel.fill_matrix %x : !kernel.matrix<8x8xf32, accumulator>
      %half = kernel.insert_element %x, %unused[0] : !kernel.matrix<8x8xf32, accumulator>
      %f = kernel.insert_element %x, %half[1] : !kernel.matrix<8x8xf32, accumulator>
      %first = kernel.fill_matrix %x : !kernel.matrix<8x8xf32, accumulator>
      %sum = scf.for %k = %c0 to %c4 step %c1 iter_args(%s = %first) -> !kernel.matrix<8x8xf32, accumulator> {
        %a = kernel.load_matrix %tiles[%c0] stride 8 : memref<256xf16, #workgroup> -> !kernel.matrix<8x8xf16, a>
        %h = kernel.load_matrix %tiles[%c0] stride 8 : memref<256xf16, #workgroup> -> !kernel.matrix<8x8xf16, b>
        %t = kernel.multiply_matrices %a, %h, %s : !kernel.matrix<8x8xf16, a>, !kernel.matrix<8x8xf16, b> -> !kernel.matrix<8x8xf32, accumulator>
        %again = kernel.load_matrix %tiles[%c0] stride 8 : memref<256xf16, #workgroup> -> !kernel.matrix<8x8xf16, a>
        %u = kernel.multiply_matrices %again, %h, %f : !kernel.matrix<8x8xf16, a>, !kernel.matrix<8x8xf16, b> -> !kernel.matrix<8x8xf32, accumulator>
        %t0 = kernel.extract_element %t[0] : !kernel.matrix<8x8xf32, accumulator>
        %v = kernel.insert_element %t0, %u[0] : !kernel.matrix<8x8xf32, accumulator>
        scf.yield %v : !kernel.matrix<8x8xf32, accumulator>
      }
      kernel.store_matrix %sum, %m[%c0] stride 8 : !kernel.matrix<8x8xf32, accumulator>, memref<64xf32, #workgroup>
      gpu.return
    }

    // A formula that nobody would read is left to the description.
    // CHECK: gpu.func @scalars
    // CHECK-SAME: attn.summary = ["Workgroup: 64 threads in 2 subgroups", "Grid: x = 1, y = 1, z = ... workgroups"]
    gpu.func @scalars() kernel attributes {known_block_size = array<i32: 64, 1, 1>, tile.launch_info = #info} {
      gpu.return
    }
  }
}
