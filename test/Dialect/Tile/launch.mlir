// How lowered kernels are launched: attributes print as they are written, and
// a launch by a nested symbol keeps its arguments.
// RUN: attn-opt %s | attn-opt | FileCheck %s

// CHECK: tile.artifact = #tile.artifact<target = "cuda", chip = "sm_90a", features = ["tma"], index_bits = 32, host_reads = true, metadata = {tile_m = 64 : i64}>
// CHECK: #tile.launch_info<parameters = [#tile.operand<1>, #tile.operand<0, multiple = 8>, #tile.extent<2 : i32>, #tile.counter, #tile.tensor_map<operand = 1, element = bf16, sizes = ()[s0, s1] -> (64, s0), strides = ()[s0, s1] -> (s0 * 2), box = [64, 128], swizzle = 128>], grid = persistent, threads = 384, shared = 164864, cluster = [2, 1, 1]>
// CHECK: #tile.launch_info<parameters = [#tile.extent<0 : i64>, #tile.extent<1 : i64>, #tile.extent<2 : i64>], grid = points, stack = 65536>
// CHECK: tile.launch @gpu::@k grid[%{{.*}}, %{{.*}}, %{{.*}}] (%{{.*}}, %{{.*}}) writes [1] : index, memref<?x64xbf16>
// CHECK: tile.launch @cpu grid[%{{.*}}, %{{.*}}, %{{.*}}] ()
module attributes {tile.artifact = #tile.artifact<
    target = "cuda", chip = "sm_90a", features = ["tma"], index_bits = 32, host_reads = true, metadata = {tile_m = 64 : i64}>} {
  gpu.module @gpu {
    llvm.func @k(%p: !llvm.ptr, %n: i64, %nz: i32, %counter: !llvm.ptr, %map: !llvm.ptr) attributes {nvvm.reqntid = array<i32: 384>, nvvm.cluster_dim = array<i32: 2, 1, 1>, tile.launch_info = #tile.launch_info<
        parameters = [#tile.operand<1>, #tile.operand<0, multiple = 8>, #tile.extent<2 : i32>, #tile.counter,
                      #tile.tensor_map<operand = 1, element = bf16, sizes = ()[s0, s1] -> (64, s0),
                                       strides = ()[s0, s1] -> (s0 * 2), box = [64, 128], swizzle = 128>],
        grid = persistent, threads = 384, shared = 164864, cluster = [2, 1, 1]>, tile.scheduled} {
      llvm.return
    }
  }
  func.func @cpu(%x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {
      tile.kernel, tile.launch_info = #tile.launch_info<parameters = [#tile.extent<0 : i64>, #tile.extent<1 : i64>, #tile.extent<2 : i64>], grid = points, stack = 65536>} {
    return
  }
  func.func @host(%n: index, %m: memref<?x64xbf16>) {
    tile.launch @gpu::@k grid [%n, %n, %n] (%n, %m) writes [1] : index, memref<?x64xbf16>
    tile.launch @cpu grid [%n, %n, %n] ()
    return
  }
}
