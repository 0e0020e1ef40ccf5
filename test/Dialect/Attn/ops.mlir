// RUN: attn-opt %s | attn-opt | FileCheck %s
// RUN: attn-opt %s --mlir-print-op-generic | attn-opt | FileCheck %s
// RUN: attn-opt %s --emit-bytecode | attn-opt | FileCheck %s

// The smallest op: three inputs and a destination; Dv differs from Dk.
// CHECK-LABEL: func @plain
// CHECK: attn.attention ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<2x8x64x32xf32>, tensor<2x2x96x32xf32>, tensor<2x2x96x48xf32>) outs(%{{.*}} : tensor<2x8x64x48xf32>) -> tensor<2x8x64x48xf32>
func.func @plain(%q: tensor<2x8x64x32xf32>, %k: tensor<2x2x96x32xf32>, %v: tensor<2x2x96x48xf32>, %o: tensor<2x8x64x48xf32>) -> tensor<2x8x64x48xf32> {
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x2x96x32xf32>, tensor<2x2x96x48xf32>) outs(%o : tensor<2x8x64x48xf32>) -> tensor<2x8x64x48xf32>
  return %r : tensor<2x8x64x48xf32>
}

// Two destinations; 16-bit inputs may have an f32 output (a partial state).
// CHECK-LABEL: func @lse
// CHECK: %{{.*}}:2 = attn.attention {{.*}} outs(%{{.*}}, %{{.*}} : tensor<?x8x?x64xf32>, tensor<?x8x?xf32>) -> tensor<?x8x?x64xf32>, tensor<?x8x?xf32>
func.func @lse(%q: tensor<?x8x?x64xbf16>, %k: tensor<?x8x?x64xbf16>, %o: tensor<?x8x?x64xf32>, %l: tensor<?x8x?xf32>) -> (tensor<?x8x?x64xf32>, tensor<?x8x?xf32>) {
  %r:2 = attn.attention ins(%q, %k, %k : tensor<?x8x?x64xbf16>, tensor<?x8x?x64xbf16>, tensor<?x8x?x64xbf16>) outs(%o, %l : tensor<?x8x?x64xf32>, tensor<?x8x?xf32>) -> tensor<?x8x?x64xf32>, tensor<?x8x?xf32>
  return %r#0, %r#1 : tensor<?x8x?x64xf32>, tensor<?x8x?xf32>
}

// Every optional clause and attribute at once, in the order they are printed.
// CHECK-LABEL: func @all_clauses
// CHECK: captures(%{{.*}}, %{{.*}} : tensor<7x?xf16>, i64) scale(%{{.*}}) alibi(%{{.*}} : tensor<2x8xf32>) bias(%{{.*}} : tensor<1x96xbf16>) mask_tensor(%{{.*}} : tensor<2x1x1x90xi1>) segments(%{{.*}}, %{{.*}} : tensor<2x64xi64>, tensor<2x96xi64>) prefix(%{{.*}} : tensor<2xi32>) q_offset(%{{.*}} : index) kv_len(%{{.*}} : tensor<2xi64>) sink(%{{.*}} : tensor<8xf32>) outs(
// CHECK-DAG: approx_tanh
// CHECK-DAG: tf32
// CHECK-DAG: softcap = 3.000000e+01 : f32
// CHECK-DAG: causal = #attn.causal<top_left>
// CHECK-DAG: window = #attn.window<left = 7, right = 0>
// CHECK-DAG: k_layout = #attn.layout<sbhd>
// CHECK-DAG: o_layout = #attn.layout<bshd>
func.func @all_clauses(%q: tensor<2x8x64x32xf32>, %k: tensor<96x2x8x32xf32>, %v: tensor<2x8x96x32xf32>, %o: tensor<2x64x8x32xf32>,
    %t: tensor<7x?xf16>, %n: i64, %s: f32, %slopes: tensor<2x8xf32>, %bias: tensor<1x96xbf16>, %m: tensor<2x1x1x90xi1>,
    %qs: tensor<2x64xi64>, %ks: tensor<2x96xi64>, %p: tensor<2xi32>, %off: index, %len: tensor<2xi64>, %sink: tensor<8xf32>) -> tensor<2x64x8x32xf32> {
  %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<96x2x8x32xf32>, tensor<2x8x96x32xf32>)
      captures(%t, %n : tensor<7x?xf16>, i64) scale(%s) alibi(%slopes : tensor<2x8xf32>) bias(%bias : tensor<1x96xbf16>)
      mask_tensor(%m : tensor<2x1x1x90xi1>) segments(%qs, %ks : tensor<2x64xi64>, tensor<2x96xi64>) prefix(%p : tensor<2xi32>)
      q_offset(%off : index) kv_len(%len : tensor<2xi64>) sink(%sink : tensor<8xf32>) outs(%o : tensor<2x64x8x32xf32>)
      {approx_tanh, tf32, softcap = 30.0 : f32, causal = #attn.causal<top_left>, window = #attn.window<left = 7, right = 0>,
       k_layout = #attn.layout<sbhd>, o_layout = #attn.layout<bshd>} -> tensor<2x64x8x32xf32>
  return %r : tensor<2x64x8x32xf32>
}

// What is converted: 16-bit tables, a mask of bytes, numbers in f64. Unbounded
// ends of a window are left out.
// CHECK-LABEL: func @converted
// CHECK: scale(%{{.*}} : f64) alibi(%{{.*}} : tensor<8xbf16>) bias(%{{.*}} : tensor<96xf16>) mask_tensor(%{{.*}} : tensor<64x96xi8>) sink(%{{.*}} : tensor<8xf16>) outs(
// CHECK-SAME: softcap = 3.000000e+01 : f64, window = #attn.window<right = 3>
// CHECK: {scale_value = 1.250000e-01 : f64, window = #attn.window<>}
func.func @converted(%q: tensor<2x8x64x32xf32>, %k: tensor<2x8x96x32xf32>, %s: f64, %slopes: tensor<8xbf16>, %bias: tensor<96xf16>, %m: tensor<64x96xi8>, %sink: tensor<8xf16>) -> tensor<2x8x64x32xf32> {
  %r = attn.attention ins(%q, %k, %k : tensor<2x8x64x32xf32>, tensor<2x8x96x32xf32>, tensor<2x8x96x32xf32>)
      scale(%s : f64) alibi(%slopes : tensor<8xbf16>) bias(%bias : tensor<96xf16>) mask_tensor(%m : tensor<64x96xi8>)
      sink(%sink : tensor<8xf16>) outs(%q : tensor<2x8x64x32xf32>) {softcap = 30.0, window = #attn.window<right = 3>} -> tensor<2x8x64x32xf32>
  %x = attn.attention ins(%r, %k, %k : tensor<2x8x64x32xf32>, tensor<2x8x96x32xf32>, tensor<2x8x96x32xf32>)
      outs(%q : tensor<2x8x64x32xf32>) {scale_value = 0.125, window = #attn.window<>} -> tensor<2x8x64x32xf32>
  return %x : tensor<2x8x64x32xf32>
}

// Packed sequences.
// CHECK-LABEL: func @ragged
// CHECK: cu_seqlens(%{{.*}}, %{{.*}} : memref<?xi32>, memref<?xi32>) outs(%{{.*}}, %{{.*}} : memref<?x8x32xf16>, memref<8x?xf32>) {{.*}}o_layout = #attn.layout<thd>
func.func @ragged(%q: memref<8x?x32xf16>, %k: memref<2x?x32xf16>, %o: memref<?x8x32xf16>, %l: memref<8x?xf32>, %cu: memref<?xi32>) {
  attn.attention ins(%q, %k, %k : memref<8x?x32xf16>, memref<2x?x32xf16>, memref<2x?x32xf16>)
      cu_seqlens(%cu, %cu : memref<?xi32>, memref<?xi32>) outs(%o, %l : memref<?x8x32xf16>, memref<8x?xf32>) {o_layout = #attn.layout<thd>}
  return
}

// Page pools, alone and with packed queries.
// CHECK-LABEL: func @paged
// CHECK: kv_len(%{{.*}} : memref<2xi32>) page_table(%{{.*}} : memref<2x?xi32>)
// CHECK: cu_seqlens(%{{.*}} : memref<?xi32>, memref<?xi32>) page_table(%{{.*}} : memref<2x?xi32>)
func.func @paged(%q: memref<2x8x1x32xf16>, %o: memref<2x8x1x32xf16>, %qr: memref<8x?x32xf16>, %or: memref<8x?x32xf16>, %pool: memref<?x2x16x32xf16>, %len: memref<2xi32>, %cu: memref<?xi32>, %t: memref<2x?xi32>) {
  attn.attention ins(%q, %pool, %pool : memref<2x8x1x32xf16>, memref<?x2x16x32xf16>, memref<?x2x16x32xf16>)
      kv_len(%len : memref<2xi32>) page_table(%t : memref<2x?xi32>) outs(%o : memref<2x8x1x32xf16>)
  attn.attention ins(%qr, %pool, %pool : memref<8x?x32xf16>, memref<?x2x16x32xf16>, memref<?x2x16x32xf16>)
      cu_seqlens(%cu, %cu : memref<?xi32>, memref<?xi32>) page_table(%t : memref<2x?xi32>) outs(%or : memref<8x?x32xf16>)
  return
}

// Regions: every kind of op that rule 8 lists, nested branches, 16-bit and
// 64-bit captures, scalars from outside.
// CHECK-LABEL: func @regions
// CHECK: score(%{{.*}}: f32, %{{.*}}: index, %{{.*}}: index, %{{.*}}: index, %{{.*}}: index, %[[T:.*]]: tensor<?xbf16>, %{{.*}}: f64) {
// CHECK: tensor.extract %[[T]]
// CHECK: attn.yield %{{.*}} : f32
// CHECK: mask(%{{.*}}: index, %{{.*}}: index, %{{.*}}: index, %{{.*}}: index, %{{.*}}: tensor<?xbf16>, %{{.*}}: f64) {
// CHECK: attn.yield %{{.*}} : i1
func.func @regions(%q: tensor<2x8x64x32xf32>, %t: tensor<?xbf16>, %d: f64, %limit: index) -> tensor<2x8x64x32xf32> {
  %c0 = arith.constant 0 : index
  %r = attn.attention ins(%q, %q, %q : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>)
      captures(%t, %d : tensor<?xbf16>, f64) outs(%q : tensor<2x8x64x32xf32>)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index, %table: tensor<?xbf16>, %double: f64) {
        %x16 = tensor.extract %table[%j] : tensor<?xbf16>
        %x = arith.extf %x16 : bf16 to f32
        %y = arith.truncf %double : f64 to f32
        %e = math.exp %x : f32
        %e2 = math.exp2 %e : f32
        %l = math.log %e2 : f32
        %th = math.tanh %l : f32
        %sq = math.sqrt %th : f32
        %rs = math.rsqrt %sq : f32
        %si = math.sin %rs : f32
        %co = math.cos %si : f32
        %ab = math.absf %co : f32
        %mn = arith.minimumf %ab, %y : f32
        %mx = arith.maxnumf %mn, %s : f32
        %k = arith.fptosi %mx : f32 to i32
        %ka = math.absi %k : i32
        %ks = arith.shli %ka, %k : i32
        %f = arith.sitofp %ks : i32 to f32
        %p = arith.cmpf ult, %f, %s : f32
        %z = scf.if %p -> f32 {
          %off = attn.q_offset : index
          %odd = arith.cmpi eq, %off, %c0 : index
          %w = scf.if %odd -> f32 {
            scf.yield %x : f32
          } else {
            scf.yield %y : f32
          }
          scf.yield %w : f32
        } else {
          scf.yield %s : f32
        }
        attn.yield %z : f32
      }
      mask(%b: index, %h: index, %i: index, %j: index, %table: tensor<?xbf16>, %double: f64) {
        %size = tensor.dim %table, %c0 : tensor<?xbf16>
        %n = attn.q_len : index
        %m = attn.kv_len : index
        %a = arith.remsi %j, %m : index
        %bb = arith.floordivsi %a, %n : index
        %c = arith.minsi %bb, %size : index
        %keep = arith.cmpi slt, %c, %limit : index
        attn.yield %keep : i1
      } -> tensor<2x8x64x32xf32>
  return %r : tensor<2x8x64x32xf32>
}

// Sizes that are zero are no error (rules 3, 13).
// CHECK-LABEL: func @empty
// CHECK: attn.attention
func.func @empty(%q: tensor<0x8x0x0xf32>, %v: tensor<0x8x0x16xf32>) -> tensor<0x8x0x16xf32> {
  %r = attn.attention ins(%q, %q, %v : tensor<0x8x0x0xf32>, tensor<0x8x0x0xf32>, tensor<0x8x0x16xf32>) outs(%v : tensor<0x8x0x16xf32>) -> tensor<0x8x0x16xf32>
  return %r : tensor<0x8x0x16xf32>
}

// CHECK-LABEL: func @merge
// CHECK: %{{.*}}:2 = attn.merge ins(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : tensor<?x2x8x16xf32>, tensor<?x2x8xf32>, tensor<?x2x8x16xf32>, tensor<?x2x8xf32>) outs(%{{.*}}, %{{.*}} : tensor<?x2x8x16xf32>, tensor<?x2x8xf32>) -> tensor<?x2x8x16xf32>, tensor<?x2x8xf32>
// CHECK: attn.merge ins({{.*}}) outs(%{{.*}}, %{{.*}} : memref<1x2x8x16xf16>, memref<1x2x8xf32>)
func.func @merge(%o: tensor<?x2x8x16xf32>, %l: tensor<?x2x8xf32>, %mo: memref<1x2x8x16xf16>, %ml: memref<1x2x8xf32>) -> (tensor<?x2x8x16xf32>, tensor<?x2x8xf32>) {
  %r:2 = attn.merge ins(%o, %l, %o, %l : tensor<?x2x8x16xf32>, tensor<?x2x8xf32>, tensor<?x2x8x16xf32>, tensor<?x2x8xf32>) outs(%o, %l : tensor<?x2x8x16xf32>, tensor<?x2x8xf32>) -> tensor<?x2x8x16xf32>, tensor<?x2x8xf32>
  attn.merge ins(%mo, %ml, %mo, %ml : memref<1x2x8x16xf16>, memref<1x2x8xf32>, memref<1x2x8x16xf16>, memref<1x2x8xf32>) outs(%mo, %ml : memref<1x2x8x16xf16>, memref<1x2x8xf32>)
  return %r#0, %r#1 : tensor<?x2x8x16xf32>, tensor<?x2x8xf32>
}
