// What a list of launches cannot express is refused by name.
// RUN: not attn-run %s --entry=fill --backend=cpu --random= 2>&1 | FileCheck %s
// CHECK: error: {{.*}}cannot be part of an artifact: its host program holds attention, buffers and arithmetic on sizes
func.func @fill(%q: memref<1x1x5x16xf32>, %o: memref<1x1x5x16xf32>, %x: f32) {
  %c0 = arith.constant 0 : index
  attn.attention ins(%q, %q, %q : memref<1x1x5x16xf32>, memref<1x1x5x16xf32>, memref<1x1x5x16xf32>) outs(%o : memref<1x1x5x16xf32>)
  memref.store %x, %o[%c0, %c0, %c0, %c0] : memref<1x1x5x16xf32>
  return
}

// Elements that the runtime does not know are named at the argument.
// RUN: not attn-run %s --entry=narrow --backend=cpu --random= 2>&1 | FileCheck %s --check-prefix=BUFFER
// BUFFER: host-errors.mlir:[[#@LINE+1]]:{{.*}}: error: argument #1 is 'memref<5xi16>'; a program takes buffers of f32, f16, bf16, f64, i1, i8, i32 and i64
func.func @narrow(%q: memref<1x1x5x16xf32>, %t: memref<5xi16>, %o: memref<1x1x5x16xf32>) {
  attn.attention ins(%q, %q, %q : memref<1x1x5x16xf32>, memref<1x1x5x16xf32>, memref<1x1x5x16xf32>) captures(%t : memref<5xi16>) outs(%o : memref<1x1x5x16xf32>)
  return
}
// RUN: not attn-run %s --entry=half --backend=cpu --random= 2>&1 | FileCheck %s --check-prefix=SCALAR
// SCALAR: error: argument #1 is 'f16'; a program takes scalars of f32, f64, i1, i8, i32, i64 and index
func.func @half(%q: memref<1x1x5x16xf32>, %x: f16, %o: memref<1x1x5x16xf32>) {
  attn.attention ins(%q, %q, %q : memref<1x1x5x16xf32>, memref<1x1x5x16xf32>, memref<1x1x5x16xf32>) captures(%x : f16) outs(%o : memref<1x1x5x16xf32>)
  return
}
