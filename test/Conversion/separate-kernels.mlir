// A module for each kernel; launches follow, and what a module says of its
// kernels is said of each.
// RUN: attn-opt %s --separate-kernels | FileCheck %s

// CHECK-LABEL: func.func @host
// CHECK: tile.launch @kernels::@f
// CHECK: tile.launch @kernels_1::@g
// CHECK: tile.launch @kernels_2::@h
// CHECK: tile.launch @other::@f
func.func @host(%n: index) {
  tile.launch @kernels::@f grid[%n, %n, %n] ()
  tile.launch @kernels::@g grid[%n, %n, %n] ()
  tile.launch @kernels::@h grid[%n, %n, %n] ()
  tile.launch @other::@f grid[%n, %n, %n] ()
  return
}
// A name that is in use is not taken.
func.func private @kernels_0()
// CHECK: gpu.module @kernels attributes {of = "all"}
// CHECK-NEXT: gpu.func @f()
// CHECK-NEXT: gpu.return
// CHECK-NEXT: }
// CHECK-NEXT: }
// CHECK-NEXT: gpu.module @kernels_1 attributes {of = "all"}
// CHECK-NEXT: gpu.func @g()
// CHECK: gpu.module @kernels_2 attributes {of = "all"}
// CHECK-NEXT: gpu.func @h()
// CHECK: gpu.module @other
// CHECK-NEXT: gpu.func @f()
gpu.module @kernels attributes {of = "all"} {
  gpu.func @f() kernel { gpu.return }
  gpu.func @g() kernel { gpu.return }
  gpu.func @h() kernel { gpu.return }
}
gpu.module @other {
  gpu.func @f() kernel { gpu.return }
}
// Without a kernel in the normal form there is nothing to move.
// CHECK: gpu.module @lowered
// CHECK-NEXT: llvm.func @f()
gpu.module @lowered {
  llvm.func @f() { llvm.return }
}
// CHECK-NOT: gpu.module
