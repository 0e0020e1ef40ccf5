// What a list of launches cannot express is refused by name.
// RUN: not attn-run %s --entry=fill --backend=cpu --random= 2>&1 | FileCheck %s
// CHECK: error: {{.*}}cannot be part of an artifact: its host program holds attention, buffers and arithmetic on sizes
func.func @fill(%q: memref<1x1x5x16xf32>, %o: memref<1x1x5x16xf32>, %x: f32) {
  %c0 = arith.constant 0 : index
  attn.attention ins(%q, %q, %q : memref<1x1x5x16xf32>, memref<1x1x5x16xf32>, memref<1x1x5x16xf32>) outs(%o : memref<1x1x5x16xf32>)
  memref.store %x, %o[%c0, %c0, %c0, %c0] : memref<1x1x5x16xf32>
  return
}
