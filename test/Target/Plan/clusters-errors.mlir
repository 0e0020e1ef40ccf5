// The runtime launches no clusters: a kernel that asks for them is refused
// before there is an artifact, not when one is loaded.
// RUN: not attn-translate %s --program-to-json 2>&1 | FileCheck %s
// CHECK: clusters-errors.mlir:[[#@LINE+11]]:{{[0-9]+}}: error: 'tile.launch' op cannot be part of an artifact: the runtime launches no clusters, and its kernel asks for 2, 1, 1
module attributes {tile.artifact = #tile.artifact<target = "cuda", chip = "sm_90a">} {
  gpu.module @gpu {
    llvm.func @k(%p: !llvm.ptr) attributes {nvvm.reqntid = array<i32: 128>, nvvm.cluster_dim = array<i32: 2, 1, 1>, tile.launch_info = #tile.launch_info<
        parameters = [#tile.operand<0>], grid = points, threads = 128, cluster = [2, 1, 1]>, tile.scheduled} {
      llvm.return
    }
  }
  func.func @host(%m: memref<4x64xf32>) {
    %c2 = arith.constant 2 : index
    %c1 = arith.constant 1 : index
    tile.launch @gpu::@k grid [%c2, %c1, %c1] (%m) writes [0] : memref<4x64xf32>
    return
  }
}
