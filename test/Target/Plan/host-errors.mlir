// What a list of launches cannot express is refused by name.
// RUN: not attn-run %s --entry=fill --backend=cpu --random= 2>&1 | FileCheck %s
// CHECK: error: {{.*}}cannot be part of an artifact: its host program holds attention, buffers and arithmetic on sizes
func.func @fill(%q: memref<1x1x5x16xf32>, %o: memref<1x1x5x16xf32>, %x: f32) {
  %c0 = arith.constant 0 : index
  attn.attention ins(%q, %q, %q : memref<1x1x5x16xf32>, memref<1x1x5x16xf32>, memref<1x1x5x16xf32>) outs(%o : memref<1x1x5x16xf32>)
  memref.store %x, %o[%c0, %c0, %c0, %c0] : memref<1x1x5x16xf32>
  return
}

// Kernels of an artifact run once a launch.
// RUN: not attn-run %s --entry=loop --backend=cpu --random= 2>&1 | FileCheck %s --check-prefix=LOOP
// LOOP: error: 'scf.for' op with attention in it cannot be part of an artifact, whose kernels run once a launch; launch its body in a loop of your own
func.func @loop(%q: memref<1x1x5x16xf32>, %o: memref<1x1x5x16xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  scf.for %i = %c0 to %c3 step %c1 {
    attn.attention ins(%q, %q, %q : memref<1x1x5x16xf32>, memref<1x1x5x16xf32>, memref<1x1x5x16xf32>) outs(%o : memref<1x1x5x16xf32>)
  }
  return
}

// Elements that the runtime does not know are named at the argument.
// RUN: not attn-run %s --entry=narrow --backend=cpu --random= 2>&1 | FileCheck %s --check-prefix=BUFFER
// BUFFER: host-errors.mlir:[[#@LINE+1]]:{{.*}}: error: argument #1 is 'memref<5xi16>'; a program takes buffers of f32, f16, bf16, f64, i1, i8, i32 and i64
func.func @narrow(%q: memref<1x1x5x16xf32>, %t: memref<5xi16>, %o: memref<1x1x5x16xf32>) {
  attn.attention ins(%q, %q, %q : memref<1x1x5x16xf32>, memref<1x1x5x16xf32>, memref<1x1x5x16xf32>) captures(%t : memref<5xi16>) outs(%o : memref<1x1x5x16xf32>)
  return
}
// So are those whose width depends on the machine, wherever they are read.
// RUN: not attn-run %s --entry=indices --backend=cpu --random= 2>&1 | FileCheck %s --check-prefix=INDICES
// INDICES: error: argument #1 is 'memref<5xindex>'; a program takes buffers of f32, f16, bf16, f64, i1, i8, i32 and i64
func.func @indices(%q: memref<1x1x5x16xf32>, %t: memref<5xindex>, %o: memref<1x1x5x16xf32>) {
  attn.attention ins(%q, %q, %q : memref<1x1x5x16xf32>, memref<1x1x5x16xf32>, memref<1x1x5x16xf32>) captures(%t : memref<5xindex>) outs(%o : memref<1x1x5x16xf32>)
      mask(%b: index, %h: index, %i: index, %j: index, %limits: memref<5xindex>) {
        %limit = memref.load %limits[%j] : memref<5xindex>
        %keep = arith.cmpi sle, %limit, %i : index
        attn.yield %keep : i1
      }
  return
}
// RUN: not attn-run %s --entry=half --backend=cpu --random= 2>&1 | FileCheck %s --check-prefix=SCALAR
// SCALAR: error: argument #1 is 'f16'; a program takes scalars of f32, f64, i1, i8, i32, i64 and index
func.func @half(%q: memref<1x1x5x16xf32>, %x: f16, %o: memref<1x1x5x16xf32>) {
  attn.attention ins(%q, %q, %q : memref<1x1x5x16xf32>, memref<1x1x5x16xf32>, memref<1x1x5x16xf32>) captures(%x : f16) outs(%o : memref<1x1x5x16xf32>)
  return
}

// RUN: not attn-run %s --entry=bits --backend=cpu --random= 2>&1 | FileCheck %s --check-prefix=BITS
// BITS: error: 'arith.andi' op is not something that a launch can compute
func.func @bits(%q: memref<1x1x5x16xf32>, %o: memref<1x1x5x16xf32>, %n: index) {
  %c12 = arith.constant 12 : index
  %masked = arith.andi %n, %c12 : index
  %ok = arith.cmpi eq, %masked, %c12 : index
  cf.assert %ok, "bits"
  attn.attention ins(%q, %q, %q : memref<1x1x5x16xf32>, memref<1x1x5x16xf32>, memref<1x1x5x16xf32>) outs(%o : memref<1x1x5x16xf32>)
  return
}

// RUN: not attn-run %s --entry=unsigned --backend=cpu --random= 2>&1 | FileCheck %s --check-prefix=UNSIGNED
// UNSIGNED: error: 'arith.divui' op is not something that a launch can compute: only arithmetic on sizes runs on the host, and this reads what may be negative as unsigned
func.func @unsigned(%q: memref<1x1x5x16xf32>, %o: memref<1x1x5x16xf32>, %n: index) {
  %c3 = arith.constant 3 : index
  %third = arith.divui %n, %c3 : index
  %ok = arith.cmpi eq, %third, %c3 : index
  cf.assert %ok, "unsigned"
  attn.attention ins(%q, %q, %q : memref<1x1x5x16xf32>, memref<1x1x5x16xf32>, memref<1x1x5x16xf32>) outs(%o : memref<1x1x5x16xf32>)
  return
}

// What a buffer holds is known when the kernels run.
// RUN: not attn-run %s --entry=late --backend=cpu --random= 2>&1 | FileCheck %s --check-prefix=LATE
// LATE: error: depends on what a buffer holds, which is known too late
func.func @late(%q: tensor<1x1x5x16xf32>, %o: tensor<1x1x5x16xf32>, %t: tensor<2xi32>) -> tensor<1x1x5x16xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.extract %t[%c0] : tensor<2xi32>
  %r = attn.attention ins(%q, %q, %q : tensor<1x1x5x16xf32>, tensor<1x1x5x16xf32>, tensor<1x1x5x16xf32>) kv_len(%n : i32) outs(%o : tensor<1x1x5x16xf32>) -> tensor<1x1x5x16xf32>
  return %r : tensor<1x1x5x16xf32>
}

// A function without attention.
// RUN: not attn-run %s --entry=none --backend=cpu --random= 2>&1 | FileCheck %s --check-prefix=NONE
// NONE: error: {{.*}}result #0 is 'f32', which no attention of the program writes: an artifact returns its buffers
func.func @none(%x: f32) -> f32 {
  return %x : f32
}

// RUN: not attn-run %s --entry=twice --backend=cpu --random= 2>&1 | FileCheck %s --check-prefix=TWICE
// TWICE: error: {{.*}}result #1 is the buffer of result #0; an artifact returns a buffer once
func.func @twice(%q: tensor<1x1x5x16xf32>) -> (tensor<1x1x5x16xf32>, tensor<1x1x5x16xf32>) {
  %o = tensor.empty() : tensor<1x1x5x16xf32>
  %r = attn.attention ins(%q, %q, %q : tensor<1x1x5x16xf32>, tensor<1x1x5x16xf32>, tensor<1x1x5x16xf32>) outs(%o : tensor<1x1x5x16xf32>) -> tensor<1x1x5x16xf32>
  return %r, %r : tensor<1x1x5x16xf32>, tensor<1x1x5x16xf32>
}

// RUN: not attn-run %s --entry=same --backend=cpu --random= 2>&1 | FileCheck %s --check-prefix=SAME
// SAME: host-errors.mlir:[[#@LINE+2]]:{{.*}}: error: {{.*}}result #0 is argument #0, which nothing writes; an artifact returns what it computes
func.func @same(%q: tensor<1x1x5x16xf32>) -> tensor<1x1x5x16xf32> {
  return %q : tensor<1x1x5x16xf32>
}

// RUN: not attn-run %s --entry=part --backend=cpu --random= 2>&1 | FileCheck %s --check-prefix=PART
// PART: error: {{.*}}result #0 is a part of a buffer; an artifact returns all of it
func.func @part(%q: memref<1x1x5x16xf32>, %o: memref<1x2x5x16xf32>) -> memref<1x1x5x16xf32, strided<[160, 80, 16, 1]>> {
  %first = memref.subview %o[0, 0, 0, 0] [1, 1, 5, 16] [1, 1, 1, 1] : memref<1x2x5x16xf32> to memref<1x1x5x16xf32, strided<[160, 80, 16, 1]>>
  attn.attention ins(%q, %q, %q : memref<1x1x5x16xf32>, memref<1x1x5x16xf32>, memref<1x1x5x16xf32>) outs(%first : memref<1x1x5x16xf32, strided<[160, 80, 16, 1]>>)
  return %first : memref<1x1x5x16xf32, strided<[160, 80, 16, 1]>>
}
