// What types and operators become, and names.
// RUN: attn-opt %s --tile-attach-target=target=wgsl --attn-legalize-kernels --mlir-print-debuginfo | attn-translate --kernels-to-wgsl -o %t.wgsl
// RUN: FileCheck %s --input-file=%t.wgsl
// RUN: %if naga %{ naga %t.wgsl %}

gpu.module @kernels {
  // Names that the language has are not taken; others become identifiers.
  // CHECK: var<storage, read> co_await1: array<f32>;
  // CHECK: var<storage, read> a_b: array<f32>;
  // CHECK: var<storage, read_write> texture_2d1: array<f32>;
  // CHECK: struct Names_params {
  // CHECK-NEXT: priv_3: f32,
  // CHECK-NEXT: a_b: i32,
  // CHECK: fn names(
  gpu.func @names(%a: memref<f32> loc("co_await"), %b: memref<f32> loc("a.b"), %c: memref<f32> loc("texture_2d"), %x: f32 loc("priv"), %i: index loc("a b"), %j: index loc("__j")) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %ma = memref.reinterpret_cast %a to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %mb = memref.reinterpret_cast %b to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %mc = memref.reinterpret_cast %c to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %xa = memref.load %ma[%i] : memref<32xf32>
    %xb = memref.load %mb[%j] : memref<32xf32>
    %y = arith.addf %xa, %xb : f32
    %z = arith.addf %y, %x : f32
    memref.store %z, %mc[%i] : memref<32xf32>
    gpu.return
  }

  // A relation in a list of arguments would begin a template list, and so would
  // one in front of a shift.
  // CHECK-LABEL: fn relations(
  // CHECK: select((params{{[0-9]*}}.a < params{{[0-9]*}}.b), (params{{[0-9]*}}.c > params{{[0-9]*}}.d), params{{[0-9]*}}.a < (params{{[0-9]*}}.b >> 1u))
  gpu.func @relations(%o: memref<i32> loc("o"), %a: i32 loc("a"), %b: i32 loc("b"), %c: i32 loc("c"), %d: i32 loc("d")) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %one = arith.constant 1 : i32
    %m = memref.reinterpret_cast %o to offset: [0], sizes: [1], strides: [1] : memref<i32> to memref<1xi32>
    %p = arith.cmpi sgt, %c, %d : i32
    %q = arith.cmpi slt, %a, %b : i32
    %h = arith.shrsi %b, %one : i32
    %r = arith.cmpi slt, %a, %h : i32
    %k = arith.select %r, %p, %q : i1
    %n = arith.extui %k : i1 to i32
    memref.store %n, %m[%c0] : memref<1xi32>
    gpu.return
  }

  // i8 and i16 are read out of words, computed in i32 and wrap.
  // CHECK: var<storage, read> bytes: array<i32>; // i8, packed
  // CHECK: var<storage, read> halves: array<i32>; // i16, packed
  // CHECK-LABEL: fn narrow(
  // CHECK: let x = i32(u32(bytes[i32(u32(params{{[0-9]*}}.i) >> 2u)]) >> u32((params{{[0-9]*}}.i & 3) * 8));
  // CHECK: let y = i32(u32(halves[i32(u32(params{{[0-9]*}}.i) >> 1u)]) >> u32((params{{[0-9]*}}.i & 1) * 16));
  // CHECK: let x1 = (x << 24u) >> 24u;
  // CHECK: n[0] = ((x1 * x1) << 24u) >> 24u;
  // CHECK: n[1] = ((x1 << 3u) << 24u) >> 24u;
  // CHECK: let n1 = x & 255;
  // CHECK: n[2] = n1;
  // CHECK: n[3] = ((n1 / 7) << 24u) >> 24u;
  // CHECK: n[4] = ((x1 / -1) << 24u) >> 24u;
  // CHECK: n[5] = ((n1 >> 1u) << 24u) >> 24u;
  // CHECK: n[6] = (max(n1, 200) << 24u) >> 24u;
  // CHECK: n[7] = (y << 24u) >> 24u;
  // CHECK: n[8] = (abs(((((y << 16u) >> 16u) - 5) << 16u) >> 16u) << 16u) >> 16u;
  // CHECK: n[9] = i32(select(0, 1, n1 < 200));
  gpu.func @narrow(%t: memref<i8> loc("bytes"), %u: memref<i16> loc("halves"), %o: memref<i32> loc("n"), %i: index loc("i")) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c3 = arith.constant 3 : index
    %c4 = arith.constant 4 : index
    %c5 = arith.constant 5 : index
    %c6 = arith.constant 6 : index
    %c7 = arith.constant 7 : index
    %c8 = arith.constant 8 : index
    %c9 = arith.constant 9 : index
    %b1 = arith.constant 1 : i8
    %b3 = arith.constant 3 : i8
    %b7 = arith.constant 7 : i8
    %bm = arith.constant -1 : i8
    %b200 = arith.constant 200 : i8
    %h5 = arith.constant 5 : i16
    %mt = memref.reinterpret_cast %t to offset: [0], sizes: [32], strides: [1] : memref<i8> to memref<32xi8>
    %mu = memref.reinterpret_cast %u to offset: [0], sizes: [32], strides: [1] : memref<i16> to memref<32xi16>
    %m = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<i32> to memref<32xi32>
    %x = memref.load %mt[%i] : memref<32xi8> loc("x")
    %y = memref.load %mu[%i] : memref<32xi16> loc("y")
    %e0 = arith.muli %x, %x : i8
    %n0 = arith.extsi %e0 : i8 to i32
    memref.store %n0, %m[%c0] : memref<32xi32>
    %e1 = arith.shli %x, %b3 : i8
    %n1 = arith.extsi %e1 : i8 to i32
    memref.store %n1, %m[%c1] : memref<32xi32>
    %n2 = arith.extui %x : i8 to i32
    memref.store %n2, %m[%c2] : memref<32xi32>
    %e3 = arith.divui %x, %b7 : i8
    %n3 = arith.extsi %e3 : i8 to i32
    memref.store %n3, %m[%c3] : memref<32xi32>
    %e4 = arith.divsi %x, %bm : i8
    %n4 = arith.extsi %e4 : i8 to i32
    memref.store %n4, %m[%c4] : memref<32xi32>
    %e5 = arith.shrui %x, %b1 : i8
    %n5 = arith.extsi %e5 : i8 to i32
    memref.store %n5, %m[%c5] : memref<32xi32>
    %e6 = arith.maxui %x, %b200 : i8
    %n6 = arith.extsi %e6 : i8 to i32
    memref.store %n6, %m[%c6] : memref<32xi32>
    %e7 = arith.trunci %y : i16 to i8
    %n7 = arith.extsi %e7 : i8 to i32
    memref.store %n7, %m[%c7] : memref<32xi32>
    %d8 = arith.subi %y, %h5 : i16
    %e8 = math.absi %d8 : i16
    %n8 = arith.extsi %e8 : i16 to i32
    memref.store %n8, %m[%c8] : memref<32xi32>
    %e9 = arith.cmpi ult, %x, %b200 : i8
    %n9 = arith.extui %e9 : i1 to i32
    memref.store %n9, %m[%c9] : memref<32xi32>
    gpu.return
  }

  // 64 bits are narrowed when bound, and the ends of the range with them. A
  // division by 0 has a value (but not as a literal); negative literals are no
  // u32.
  // CHECK: var<storage, read> ids: array<i32>; // i64, narrowed when bound
  // CHECK: var<storage, read> weights: array<f32>; // f64, narrowed when bound
  // CHECK: var<storage, read> table: array<i32>; // bf16, packed
  // CHECK: struct Wide_params {
  // CHECK-NEXT: i: i32,
  // CHECK-NEXT: factor: f32, // f64, narrowed when bound
  // CHECK-NEXT: flag: i32,
  // CHECK-NEXT: half: f32,
  // CHECK-LABEL: fn wide(
  // CHECK: let id = ids[params{{[0-9]*}}.i];
  // CHECK: w[0] = id;
  // CHECK: w[1] = id;
  // CHECK: w[2] = i32(u32(id) / 4294967293u);
  // CHECK: w[3] = id;
  // CHECK: w[4] = 0;
  // CHECK: w[5] = i32(select(0, 1, u32(id) < 4294967289u));
  // CHECK: w[6] = i32(select(0, 1, params{{[0-9]*}}.flag != 0));
  // CHECK: f[0] = weights[params{{[0-9]*}}.i] + params{{[0-9]*}}.factor + bitcast<f32>((i32(u32(table[i32(u32(params{{[0-9]*}}.i) >> 1u)]) >> u32((params{{[0-9]*}}.i & 1) * 16)) & 65535) << 16u) + f32(f16(params{{[0-9]*}}.half));
  gpu.func @wide(%a: memref<i64> loc("ids"), %b: memref<f64> loc("weights"), %c: memref<bf16> loc("table"), %o: memref<i32> loc("w"), %f: memref<f32> loc("f"), %i: index loc("i"), %x: f64 loc("factor"), %flag: i1 loc("flag"), %half: f16 loc("half")) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c3 = arith.constant 3 : index
    %c4 = arith.constant 4 : index
    %c5 = arith.constant 5 : index
    %c6 = arith.constant 6 : index
    %least = arith.constant -9223372036854775808 : i64
    %most = arith.constant 9223372036854775807 : i64
    %zero = arith.constant 0 : i32
    %m3 = arith.constant -3 : i32
    %m7 = arith.constant -7 : i64
    %ma = memref.reinterpret_cast %a to offset: [0], sizes: [32], strides: [1] : memref<i64> to memref<32xi64>
    %mb = memref.reinterpret_cast %b to offset: [0], sizes: [32], strides: [1] : memref<f64> to memref<32xf64>
    %mc = memref.reinterpret_cast %c to offset: [0], sizes: [32], strides: [1] : memref<bf16> to memref<32xbf16>
    %mo = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<i32> to memref<32xi32>
    %mf = memref.reinterpret_cast %f to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %id = memref.load %ma[%i] : memref<32xi64> loc("id")
    %v0 = arith.maxsi %id, %least : i64
    %n0 = arith.trunci %v0 : i64 to i32
    memref.store %n0, %mo[%c0] : memref<32xi32>
    %v1 = arith.minsi %id, %most : i64
    %n1 = arith.trunci %v1 : i64 to i32
    memref.store %n1, %mo[%c1] : memref<32xi32>
    %id32 = arith.trunci %id : i64 to i32
    %n2 = arith.divui %id32, %m3 : i32
    memref.store %n2, %mo[%c2] : memref<32xi32>
    %n3 = arith.divsi %id32, %zero : i32
    memref.store %n3, %mo[%c3] : memref<32xi32>
    %n4 = arith.remui %id32, %zero : i32
    memref.store %n4, %mo[%c4] : memref<32xi32>
    %v5 = arith.cmpi ult, %id, %m7 : i64
    %n5 = arith.extui %v5 : i1 to i32
    memref.store %n5, %mo[%c5] : memref<32xi32>
    %n6 = arith.extui %flag : i1 to i32
    memref.store %n6, %mo[%c6] : memref<32xi32>
    %w = memref.load %mb[%i] : memref<32xf64>
    %w32 = arith.truncf %w : f64 to f32
    %x32 = arith.truncf %x : f64 to f32
    %t = memref.load %mc[%i] : memref<32xbf16>
    %t32 = arith.extf %t : bf16 to f32
    %h32 = arith.extf %half : f16 to f32
    %s0 = arith.addf %w32, %x32 : f32
    %s1 = arith.addf %s0, %t32 : f32
    %s2 = arith.addf %s1, %h32 : f32
    memref.store %s2, %mf[%c0] : memref<32xf32>
    gpu.return
  }

  // What needs 64 bits has two words; a loop carries them as a pair.
  // CHECK-LABEL: fn pairs(
  // CHECK: let high = i32(select(0, -1, params{{[0-9]*}}.a < 0));
  // CHECK: var [[PAIR:.+]]: vec2<i32> = vec2<i32>(params{{[0-9]*}}.a, high);
  // CHECK: var [[OLD:.+]]: i32 = 0;
  // CHECK: for (
  // CHECK: let [[LOW:.+]] = [[PAIR]].x;
  // CHECK: let [[SUM:.+]] = [[LOW]] + params{{[0-9]*}}.a;
  // CHECK: [[PAIR]] = vec2<i32>([[SUM]], i32(select(0, 1, u32([[SUM]]) < u32([[LOW]]))) + [[PAIR]].y + high);
  // CHECK: [[OLD]] = [[LOW]];
  // CHECK: }
  // CHECK: p[0] = [[OLD]];
  // CHECK: p[1] = [[PAIR]].y;
  gpu.func @pairs(%o: memref<i32> loc("p"), %a: i32 loc("a"), %n: i32 loc("n")) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %i0 = arith.constant 0 : i32
    %i1 = arith.constant 1 : i32
    %c32 = arith.constant 32 : i64
    %m = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<i32> to memref<32xi32>
    %wide = arith.extsi %a : i32 to i64 loc("high")
    %r:2 = scf.for %k = %i0 to %n step %i1 iter_args(%sum = %wide, %old = %i0) -> (i64, i32) : i32 {
      %next = arith.addi %sum, %wide : i64
      %low = arith.trunci %sum : i64 to i32
      scf.yield %next, %low : i64, i32
    }
    memref.store %r#1, %m[%c0] : memref<32xi32>
    %top = arith.shrui %r#0, %c32 : i64
    %word = arith.trunci %top : i64 to i32
    memref.store %word, %m[%c1] : memref<32xi32>
    gpu.return
  }

  // What is added is taken away where it is negative, and has a positive form.
  // CHECK-LABEL: fn differences(
  // CHECK: d[0] = params{{[0-9]*}}.a - 7;
  // CHECK: d[1] = params{{[0-9]*}}.a - (params{{[0-9]*}}.b - 9);
  // CHECK: d[2] = params{{[0-9]*}}.a + -2147483648;
  gpu.func @differences(%o: memref<i32> loc("d"), %a: i32 loc("a"), %b: i32 loc("b")) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %seven = arith.constant -7 : i32
    %least = arith.constant -2147483648 : i32
    %m = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<i32> to memref<32xi32>
    %x = arith.addi %a, %seven : i32
    memref.store %x, %m[%c0] : memref<32xi32>
    %nine = arith.constant -9 : i32
    %y = arith.addi %b, %nine : i32
    %z = arith.subi %a, %y : i32
    memref.store %z, %m[%c1] : memref<32xi32>
    %w = arith.addi %a, %least : i32
    memref.store %w, %m[%c2] : memref<32xi32>
    gpu.return
  }

  // Booleans have neither arithmetic nor an order.
  // CHECK: var<storage, read> keep: array<i32>; // i1, a byte each, packed
  // CHECK-LABEL: fn booleans(
  // CHECK: let a = (i32(u32(keep[i32(u32(params{{[0-9]*}}.i) >> 2u)]) >> u32((params{{[0-9]*}}.i & 3) * 8)) << 24u) >> 24u;
  // CHECK: let a1 = a != 0;
  // CHECK: let b1 = b != 0;
  // CHECK: z[0] = i32(select(0, 1, a1 != b1));
  // CHECK: let [[AND:.+]] = i32(select(0, 1, a1 & b1));
  // CHECK: z[1] = [[AND]];
  // CHECK: z[2] = i32(select(0, 1, (a == 0) & b1));
  // CHECK: z[3] = i32(select(0, 1, (b == 0) & a1));
  // CHECK: z[4] = [[AND]];
  // CHECK: z[5] = i32(select(0, 1, a1 | b1));
  gpu.func @booleans(%t: memref<i1> loc("keep"), %o: memref<i32> loc("z"), %i: index loc("i"), %j: index loc("j")) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c3 = arith.constant 3 : index
    %c4 = arith.constant 4 : index
    %c5 = arith.constant 5 : index
    %mt = memref.reinterpret_cast %t to offset: [0], sizes: [32], strides: [1] : memref<i1> to memref<32xi1>
    %m = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<i32> to memref<32xi32>
    %a = memref.load %mt[%i] : memref<32xi1> loc("a")
    %b = memref.load %mt[%j] : memref<32xi1> loc("b")
    %e0 = arith.addi %a, %b : i1
    %n0 = arith.extui %e0 : i1 to i32
    memref.store %n0, %m[%c0] : memref<32xi32>
    %e1 = arith.muli %a, %b : i1
    %n1 = arith.extui %e1 : i1 to i32
    memref.store %n1, %m[%c1] : memref<32xi32>
    %e2 = arith.cmpi ult, %a, %b : i1
    %n2 = arith.extui %e2 : i1 to i32
    memref.store %n2, %m[%c2] : memref<32xi32>
    %e3 = arith.cmpi slt, %a, %b : i1
    %n3 = arith.extui %e3 : i1 to i32
    memref.store %n3, %m[%c3] : memref<32xi32>
    %e4 = arith.maxsi %a, %b : i1
    %n4 = arith.extui %e4 : i1 to i32
    memref.store %n4, %m[%c4] : memref<32xi32>
    %e5 = arith.maxui %a, %b : i1
    %n5 = arith.extui %e5 : i1 to i32
    memref.store %n5, %m[%c5] : memref<32xi32>
    gpu.return
  }
}
