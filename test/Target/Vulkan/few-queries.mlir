// The rows of heads that share keys are those of one tile: masks and scores ask
// for the query of a row, and divide. They do so in 32 bits: 64 would be a loop
// of as many steps for each element of a tile.
// RUN: attn-opt %s --attn-to-vulkan=chip=vulkan-matrix-map --mlir-print-ir-before=tile-emulate-int64 --mlir-disable-threading -o /dev/null 2>&1 | FileCheck %s
// RUN: attn-opt %s --attn-to-vulkan=chip=vulkan-subgroup32 --mlir-print-ir-before=tile-emulate-int64 --mlir-disable-threading -o /dev/null 2>&1 | FileCheck %s
// RUN: attn-opt %s --attn-to-metal=chip=metal3.1 --mlir-print-ir-before=tile-emulate-int64 --mlir-disable-threading -o /dev/null 2>&1 | FileCheck %s

// CHECK: arith.divui {{.*}} : i32
// CHECK-NOT: arith.{{div|rem}}{{[us]}}i {{.*}} : index
!t = memref<?x?x?x128xf16, strided<[?, ?, ?, 1]>>
func.func @causal(%q: !t, %k: !t, %v: !t, %o: !t) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t) {causal = #attn.causal<bottom_right>}
  return
}
func.func @alibi(%q: !t, %k: !t, %v: !t, %o: !t, %slopes: memref<?xf32>) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) alibi(%slopes : memref<?xf32>) outs(%o : !t) {window = #attn.window<left = 255>}
  return
}
