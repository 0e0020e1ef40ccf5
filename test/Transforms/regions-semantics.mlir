// The reference interpreter, which knows sugar and never expands it, computes the
// same from the sugar, from the regions, and from the regions on memrefs.
// RUN: rm -rf %t && mkdir %t && split-file %s %t/ir
// RUN: %python %S/Inputs/random_npy.py %t/q.npy 2x4x37x16 f4 -2 2
// RUN: %python %S/Inputs/random_npy.py %t/k.npy 2x2x53x16 f4 -2 2
// RUN: %python %S/Inputs/random_npy.py %t/v.npy 2x2x53x16 f4 -1 1
// RUN: %python %S/Inputs/random_npy.py %t/slopes.npy 4 f4 0 1
// RUN: %python %S/Inputs/random_npy.py %t/bias.npy 4x1x40 f4 -1 1
// RUN: %python %S/Inputs/random_npy.py %t/mask.npy 2x1x37x53 b1 0 1
// RUN: %python %S/Inputs/random_npy.py %t/qseg.npy 2x37 i4 0 1
// RUN: %python %S/Inputs/random_npy.py %t/kseg.npy 2x53 i4 0 1
// RUN: %python %S/Inputs/random_npy.py %t/prefix.npy 2 i4 0 30
// RUN: %python %S/Inputs/random_npy.py %t/offset.npy 2 i4 0 10
// RUN: %python %S/Inputs/random_npy.py %t/len.npy 2 i4 30 53

// RUN: attn-run %t/ir/end.mlir --backend=reference --input=%t/q.npy --input=%t/k.npy --input=%t/v.npy --input=%t/slopes.npy --output=%t/end.npy
// RUN: attn-opt %t/ir/end.mlir --attn-expand-sugar --attn-simplify-regions -o %t/end-regions.mlir
// RUN: attn-run %t/end-regions.mlir --backend=reference --input=%t/q.npy --input=%t/k.npy --input=%t/v.npy --input=%t/slopes.npy --expect=%t/end.npy --rtol=1e-5 --atol=1e-6
// RUN: attn-opt %t/end-regions.mlir --one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" -o %t/end-memrefs.mlir
// RUN: attn-run %t/end-memrefs.mlir --backend=reference --input=%t/q.npy --input=%t/k.npy --input=%t/v.npy --input=%t/slopes.npy --expect=%t/end.npy --rtol=1e-5 --atol=1e-6

// RUN: attn-run %t/ir/all.mlir --backend=reference --input=%t/q.npy --input=%t/k.npy --input=%t/v.npy --input=%t/bias.npy --input=%t/mask.npy --input=%t/qseg.npy --input=%t/kseg.npy --input=%t/prefix.npy --input=%t/offset.npy --input=%t/len.npy --output=%t/all.npy
// RUN: attn-opt %t/ir/all.mlir --attn-expand-sugar --attn-simplify-regions -o %t/all-regions.mlir
// RUN: attn-run %t/all-regions.mlir --backend=reference --input=%t/q.npy --input=%t/k.npy --input=%t/v.npy --input=%t/bias.npy --input=%t/mask.npy --input=%t/qseg.npy --input=%t/kseg.npy --input=%t/prefix.npy --input=%t/offset.npy --input=%t/len.npy --expect=%t/all.npy --rtol=1e-5 --atol=1e-6
// RUN: attn-opt %t/all-regions.mlir --one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" -o %t/all-memrefs.mlir
// RUN: attn-run %t/all-memrefs.mlir --backend=reference --input=%t/q.npy --input=%t/k.npy --input=%t/v.npy --input=%t/bias.npy --input=%t/mask.npy --input=%t/qseg.npy --input=%t/kseg.npy --input=%t/prefix.npy --input=%t/offset.npy --input=%t/len.npy --expect=%t/all.npy --rtol=1e-5 --atol=1e-6

// RUN: attn-run %t/ir/scores.mlir --backend=reference --input=%t/q.npy --input=%t/k.npy --input=%t/v.npy --input=%t/slopes.npy --output=%t/scores.npy
// RUN: attn-opt %t/ir/scores.mlir --attn-expand-sugar --attn-simplify-regions -o %t/scores-regions.mlir
// RUN: attn-run %t/scores-regions.mlir --backend=reference --input=%t/q.npy --input=%t/k.npy --input=%t/v.npy --input=%t/slopes.npy --expect=%t/scores.npy --rtol=1e-5 --atol=1e-6
// RUN: attn-opt %t/scores-regions.mlir --one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" -o %t/scores-memrefs.mlir
// RUN: attn-run %t/scores-memrefs.mlir --backend=reference --input=%t/q.npy --input=%t/k.npy --input=%t/v.npy --input=%t/slopes.npy --expect=%t/scores.npy --rtol=1e-5 --atol=1e-6

//--- end.mlir
!q = tensor<2x4x37x16xf32>
!kv = tensor<2x2x53x16xf32>
func.func @end(%q: !q, %k: !kv, %v: !kv, %o: !q, %slopes: tensor<4xf32>) -> !q {
  %r = attn.attention ins(%q, %k, %v : !q, !kv, !kv) alibi(%slopes : tensor<4xf32>) outs(%o : !q)
      {causal = #attn.causal<bottom_right>, softcap = 5.0 : f32, window = #attn.window<left = 9>}
      score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        %offset = attn.q_offset : index
        %position = arith.addi %i, %offset : index
        %p32 = arith.index_cast %position : index to i32
        %p = arith.sitofp %p32 : i32 to f32
        %c = arith.constant 0.01 : f32
        %rate = arith.mulf %p, %c : f32
        %t = arith.mulf %s, %rate : f32
        attn.yield %t : f32
      } -> !q
  return %r : !q
}

//--- all.mlir
!q = tensor<2x4x37x16xf32>
!kv = tensor<2x2x53x16xf32>
func.func @all(%q: !q, %k: !kv, %v: !kv, %o: !q, %bias: tensor<4x1x40xf32>, %mask: tensor<2x1x37x53xi1>, %qseg: tensor<2x37xi32>, %kseg: tensor<2x53xi32>, %prefix: tensor<2xi32>, %offset: tensor<2xi32>, %len: tensor<2xi32>) -> !q {
  %r = attn.attention ins(%q, %k, %v : !q, !kv, !kv) bias(%bias : tensor<4x1x40xf32>) mask_tensor(%mask : tensor<2x1x37x53xi1>)
      segments(%qseg, %kseg : tensor<2x37xi32>, tensor<2x53xi32>) prefix(%prefix : tensor<2xi32>)
      q_offset(%offset : tensor<2xi32>) kv_len(%len : tensor<2xi32>) outs(%o : !q)
      {causal = #attn.causal<top_left>, softcap = 5.0 : f32, window = #attn.window<left = 19, right = 30>} -> !q
  return %r : !q
}

//--- scores.mlir
!q = tensor<2x4x37x16xf32>
!kv = tensor<2x2x53x16xf32>
func.func @scores(%q: !q, %k: !kv, %v: !kv, %o: !q, %table: tensor<4xf32>) -> !q {
  %ninf = arith.constant 0xFF800000 : f32
  %r = attn.attention ins(%q, %k, %v : !q, !kv, !kv) captures(%table : tensor<4xf32>) outs(%o : !q)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index, %t: tensor<4xf32>) {
        %half = arith.constant 0.5 : f32
        %zero = arith.constant 0.0 : f32
        %c2 = arith.constant 2 : index
        %causal = arith.cmpi sle, %j, %i : index
        %local = arith.cmpi ult, %h, %c2 : index
        %r = scf.if %local -> f32 {
          %x = tensor.extract %t[%h] : tensor<4xf32>
          %y = arith.addf %x, %s : f32
          %n = arith.select %causal, %y, %ninf : f32
          scf.yield %n : f32
        } else {
          %negative = arith.cmpf olt, %s, %zero : f32
          %n = arith.select %negative, %ninf, %s : f32
          %nn = arith.select %causal, %ninf, %n : f32
          scf.yield %nn : f32
        }
        %m = arith.mulf %r, %half : f32
        attn.yield %m : f32
      } -> !q
  return %r : !q
}
