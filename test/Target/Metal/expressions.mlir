// What types and operators become, and names.
// RUN: attn-opt %s --tile-attach-target="target=metal chip=metal3.1" --attn-legalize-kernels --mlir-print-debuginfo | attn-translate --kernels-to-msl | FileCheck %s
// RUN: attn-opt %s --tile-attach-target="target=metal chip=metal2.4" --attn-legalize-kernels --mlir-print-debuginfo | attn-translate --kernels-to-msl | FileCheck %s --check-prefix=OLD

gpu.module @kernels {
  // Names that the language has are not taken; others become identifiers.
  // CHECK: struct Names_params {
  // CHECK-NEXT: float simd_sum_3;
  // CHECK-NEXT: int a_b;
  // CHECK-NEXT: int x_j;
  // CHECK: kernel void names(
  // CHECK-NEXT: device const float *bfloat1 {{\[\[}}buffer(0)]],
  // CHECK-NEXT: device const float *a_b {{\[\[}}buffer(1)]],
  // CHECK-NEXT: device float *M_PI_F1 {{\[\[}}buffer(2)]],
  // CHECK-NEXT: constant Names_params &params {{\[\[}}buffer(3)]],
  gpu.func @names(%a: memref<f32> loc("bfloat"), %b: memref<f32> loc("a.b"), %c: memref<f32> loc("M_PI_F"), %x: f32 loc("simd_sum"), %i: index loc("a b"), %j: index loc("__j")) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %ma = memref.reinterpret_cast %a to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %mb = memref.reinterpret_cast %b to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %mc = memref.reinterpret_cast %c to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %xa = memref.load %ma[%i] : memref<32xf32>
    %xb = memref.load %mb[%j] : memref<32xf32>
    %y = arith.addf %xa, %xb : f32 loc("sum__of")
    %z = arith.addf %y, %x : f32
    memref.store %z, %mc[%i] : memref<32xf32>
    gpu.return
  }

  // An int may not overflow: only what is marked is computed as one.
  // CHECK-LABEL: kernel void sums(
  // CHECK: n[0] = int(uint(params.a) + uint(params.b));
  // CHECK: n[1] = params.a - params.b;
  // CHECK: n[2] = int(uint(params.a) << 3u);
  // CHECK: n[3] = params.a >> 3u;
  // CHECK: n[4] = int(uint(params.a) >> 1u);
  // CHECK: n[5] = (-2147483647 - 1);
  // CHECK: n[6] = max((params.a < params.b ? params.a : 5), 7);
  // CHECK: n[7] = as_type<int>(params.x);
  // CHECK: n[8] = int(popcount(uint(params.a)));
  gpu.func @sums(%o: memref<i32> loc("n"), %a: i32 loc("a"), %b: i32 loc("b"), %x: f32 loc("x")) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c3 = arith.constant 3 : index
    %c4 = arith.constant 4 : index
    %c5 = arith.constant 5 : index
    %c6 = arith.constant 6 : index
    %c7 = arith.constant 7 : index
    %c8 = arith.constant 8 : index
    %one = arith.constant 1 : i32
    %three = arith.constant 3 : i32
    %five = arith.constant 5 : i32
    %seven = arith.constant 7 : i32
    %least = arith.constant -2147483648 : i32
    %m = memref.reinterpret_cast %o to offset: [0], sizes: [9], strides: [1] : memref<i32> to memref<9xi32>
    %n0 = arith.addi %a, %b : i32
    memref.store %n0, %m[%c0] : memref<9xi32>
    %n1 = arith.subi %a, %b overflow<nsw> : i32
    memref.store %n1, %m[%c1] : memref<9xi32>
    %n2 = arith.shli %a, %three : i32
    memref.store %n2, %m[%c2] : memref<9xi32>
    %n3 = arith.shrsi %a, %three : i32
    memref.store %n3, %m[%c3] : memref<9xi32>
    %n4 = arith.shrui %a, %one : i32
    memref.store %n4, %m[%c4] : memref<9xi32>
    memref.store %least, %m[%c5] : memref<9xi32>
    %less = arith.cmpi slt, %a, %b : i32
    %either = arith.select %less, %a, %five : i32
    %n6 = arith.maxsi %either, %seven : i32
    memref.store %n6, %m[%c6] : memref<9xi32>
    %n7 = arith.bitcast %x : f32 to i32
    memref.store %n7, %m[%c7] : memref<9xi32>
    %n8 = math.ctpop %a : i32
    memref.store %n8, %m[%c8] : memref<9xi32>
    gpu.return
  }

  // Small integers are computed in an int and wrap; in languages without bfloat
  // they are words, and numbers of bf16 are moved by their bits.
  // CHECK-LABEL: kernel void small(
  // CHECK: device const char *bytes {{\[\[}}buffer(0)]],
  // CHECK: device const bfloat *table {{\[\[}}buffer(1)]],
  // CHECK: device half *h {{\[\[}}buffer(2)]],
  // CHECK: const char x = bytes[
  // CHECK: n[0] = int(char(x * x));
  // CHECK: n[1] = int(uchar(x));
  // CHECK: n[2] = int(max(x, char(5)));
  // CHECK: h[0] = half(float(table[0]) + 0.5f);
  // CHECK: h[1] = half(0.25f);
  // OLD-LABEL: kernel void small(
  // OLD: device const char *bytes
  // OLD: device const ushort *table
  // OLD: n[0] = int(uint(int(uint([[X:[a-z0-9]+]]) * uint([[X]]))) << 24u) >> 24u;
  // OLD: h[0] = half(as_type<float>({{.*}}as_type<short>(table[0]){{.*}} << 16u)) + 0.5f);
  gpu.func @small(%t: memref<i8> loc("bytes"), %b: memref<bf16> loc("table"), %h: memref<f16> loc("h"), %o: memref<i32> loc("n")) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %b5 = arith.constant 5 : i8
    %half = arith.constant 0.5 : f32
    %quarter = arith.constant 0.25 : f16
    %mt = memref.reinterpret_cast %t to offset: [0], sizes: [32], strides: [1] : memref<i8> to memref<32xi8>
    %mb = memref.reinterpret_cast %b to offset: [0], sizes: [32], strides: [1] : memref<bf16> to memref<32xbf16>
    %mh = memref.reinterpret_cast %h to offset: [0], sizes: [32], strides: [1] : memref<f16> to memref<32xf16>
    %m = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<i32> to memref<32xi32>
    %i = gpu.thread_id x
    %x = memref.load %mt[%i] : memref<32xi8> loc("x")
    %e0 = arith.muli %x, %x : i8
    %n0 = arith.extsi %e0 : i8 to i32
    memref.store %n0, %m[%c0] : memref<32xi32>
    %n1 = arith.extui %x : i8 to i32
    memref.store %n1, %m[%c1] : memref<32xi32>
    %e2 = arith.maxsi %x, %b5 : i8
    %n2 = arith.extsi %e2 : i8 to i32
    memref.store %n2, %m[%c2] : memref<32xi32>
    %y = memref.load %mb[%c0] : memref<32xbf16>
    %f = arith.extf %y : bf16 to f32
    %s = arith.addf %f, %half : f32
    %r = arith.truncf %s : f32 to f16
    memref.store %r, %mh[%c0] : memref<32xf16>
    memref.store %quarter, %mh[%c1] : memref<32xf16>
    gpu.return
  }
}
