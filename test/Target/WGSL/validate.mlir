// REQUIRES: naga
// RUN: attn-opt %s --attn-expand-sugar --attn-make-total --attn-simplify-regions --attn-tile="tile-m=32 tile-n=32" --attn-fuse-online-softmax --attn-outline-kernels --attn-to-wgsl --mlir-print-debuginfo | attn-translate --kernels-to-wgsl -o %t.wgsl
// RUN: naga %t.wgsl

// f16 with its extension, a mask of bytes, a table, an odd head size, integer
// and float operators of every precedence; several kernels in one module.
func.func @f16(%q: memref<?x4x?x19xf16>, %k: memref<?x2x?x19xf16>, %v: memref<?x2x?x7xf16>, %o: memref<?x4x?x7xf16>, %lse: memref<?x4x?xf32>) {
  attn.attention ins(%q, %k, %v : memref<?x4x?x19xf16>, memref<?x2x?x19xf16>, memref<?x2x?x7xf16>)
      outs(%o, %lse : memref<?x4x?x7xf16>, memref<?x4x?xf32>)
      {causal = #attn.causal<bottom_right>, softcap = 20.0 : f32}
  return
}

func.func @regions(%q: memref<1x4x?x32xf32>, %k: memref<1x4x?x32xf32>, %v: memref<1x4x?x32xf32>, %bias: memref<4x?xf32>, %keep: memref<?x?xi1>, %o: memref<1x4x?x32xf32>) {
  attn.attention ins(%q, %k, %v : memref<1x4x?x32xf32>, memref<1x4x?x32xf32>, memref<1x4x?x32xf32>)
      captures(%bias, %keep : memref<4x?xf32>, memref<?x?xi1>)
      outs(%o : memref<1x4x?x32xf32>)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index, %t: memref<4x?xf32>, %m: memref<?x?xi1>) {
        %d = arith.subi %i, %j : index
        %x = memref.load %t[%h, %d] : memref<4x?xf32>
        %c = math.cos %x : f32
        %z = arith.constant 0.0 : f32
        %neg = arith.cmpf ult, %c, %z : f32
        %r = scf.if %neg -> (f32) {
          %n = arith.negf %s : f32
          %l = math.exp %n : f32
          scf.yield %l : f32
        } else {
          %a = arith.addf %s, %c : f32
          scf.yield %a : f32
        }
        attn.yield %r : f32
      }
      mask(%b: index, %h: index, %i: index, %j: index, %t: memref<4x?xf32>, %m: memref<?x?xi1>) {
        %k0 = memref.load %m[%i, %j] : memref<?x?xi1>
        %c3 = arith.constant 3 : index
        %c5 = arith.constant 5 : index
        %c1 = arith.constant 1 : index
        %d = arith.subi %i, %j : index
        %r = arith.remsi %d, %c3 : index
        %x = arith.xori %i, %c5 : index
        %y = arith.andi %x, %j : index
        %sh = arith.shrui %y, %c1 : index
        %k1 = arith.cmpi ne, %r, %sh : index
        %k2 = arith.cmpi ult, %j, %i : index
        %or = arith.ori %k1, %k2 : i1
        %visible = arith.andi %or, %k0 : i1
        attn.yield %visible : i1
      }
  return
}
