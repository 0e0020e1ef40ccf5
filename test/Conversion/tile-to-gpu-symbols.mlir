// Kernels go to a module whose name no function has; a second lowering finds it.
// RUN: attn-opt %s --tile-to-gpu="max-threads=32 workgroup-bytes=1024" | FileCheck %s

// CHECK: func.func @kernels()
func.func @kernels() {
  return
}
// CHECK: func.func @launch
// CHECK: tile.launch @kernels_0::@first
// CHECK: tile.launch @kernels_0::@second
func.func @launch(%n: index) {
  tile.launch @kernels_0::@first grid [%n, %n, %n] ()
  tile.launch @second grid [%n, %n, %n] ()
  return
}
// CHECK: gpu.module @kernels_0 {
// CHECK-NEXT: gpu.func @first
// CHECK: gpu.func @second
// CHECK-NOT: gpu.module
gpu.module @kernels_0 {
  gpu.func @first() kernel { gpu.return }
}
func.func private @second(%x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel} {
  return
}
