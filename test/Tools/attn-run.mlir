// RUN: split-file %s %t
// RUN: attn-run %t/f.mlir --random=B=2,Sq=5,Skv=7 --backend=reference | FileCheck %s --check-prefix=SUMMARY
// RUN: attn-run %t/f.mlir --random=2,5,7 --backend=unfused --check=reference | FileCheck %s --check-prefix=CHECK20
// RUN: attn-run %t/f.mlir --random=2,5,7 --backend=unfused --check=reference --report=json | FileCheck %s --check-prefix=JSON
// RUN: attn-run %t/f.mlir --random=2,64,64 --backend=reference --bench=3 | FileCheck %s --check-prefix=BENCH
// RUN: attn-run %t/f.mlir --random=2,5,7 --backend=reference --explain | FileCheck %s --check-prefix=EXPLAIN

// Without lse at hand the same seed gives the same inputs.
// RUN: attn-run %t/f.mlir --random=2,5,7 --backend=reference --seed=3 --output=%t/o.npy --output=%t/lse.npy
// RUN: attn-run %t/f.mlir --random=2,5,7 --backend=unfused --seed=3 --expect=%t/o.npy --expect=%t/lse.npy --rtol=1e-4 --atol=1e-5 | FileCheck %s --check-prefix=EXPECT
// RUN: not attn-run %t/f.mlir --random=2,5,7 --backend=reference --seed=4 --expect=%t/o.npy | FileCheck %s --check-prefix=DIFFER

// Files and scalars as inputs; destinations need none.
// RUN: attn-run %t/merge.mlir --backend=reference --input=%t/o.npy --input=%t/lse.npy --input=%t/o.npy --input=%t/lse.npy --expect=%t/o.npy --rtol=1e-5 --atol=1e-6
// RUN: attn-run %t/scalars.mlir --backend=reference --entry=scalars --input=0.5 --input=-7 --input=1 --output=%t/x.npy --output=%t/n.npy
// RUN: attn-run %t/scalars.mlir --backend=reference --entry=scalars --input=%t/x.npy --input=%t/n.npy --input=1 | FileCheck %s --check-prefix=SCALARS

// bf16 travels as uint16; memref arguments that are written are outputs.
// RUN: attn-run %t/bf16.mlir --bf16 --random --backend=unfused --check=reference --output=%t/b.npy | FileCheck %s --check-prefix=BF16
// RUN: attn-run %t/bf16.mlir --bf16 --random --backend=unfused --expect=%t/b.npy --rtol=0 --atol=0

// Bytes of any type are masks: -3 ... 3 as i1 is whether they are not 0.
// RUN: attn-run %t/bytes.mlir --entry=bytes --backend=reference --random=n=40 --output=%t/bytes.npy
// RUN: attn-run %t/bytes.mlir --entry=mask --backend=reference --input=%t/bytes.npy --output=%t/mask.npy
// RUN: attn-run %t/bytes.mlir --entry=bytes --backend=reference --input=%t/mask.npy | FileCheck %s --check-prefix=BYTES
// BYTES: output 0 (40xi8): {{[01](, [01])*}}

// SUMMARY: output 0 (2x4x5x16xf32): {{.*}} ...
// SUMMARY: output 1 (2x4x5xf32): {{.*}} ...
// CHECK20: output 0 (2x4x5x16xf32): matches the reference, max error {{.*}}, allowed
// CHECK20: output 1 (2x4x5xf32): matches the reference, max error {{.*}}, allowed
// JSON: "backend": "unfused"
// JSON: "entry": "f"
// JSON: "passed": true
// JSON: "type": "2x4x5x16xf32"
// BENCH: reference: min {{[0-9.]+}} ms, median {{[0-9.]+}} ms of 3 runs, {{[0-9.]+}} GFLOP/s
// EXPLAIN: reference: interpreted as semantics.md defines it
// EXPECT-COUNT-2: matches
// DIFFER: output 0 (2x4x5x16xf32): differs from {{.*}} at [{{.*}}]: {{.*}}, expected {{.*}}, error
// SCALARS: output 0 (f32): 0.5
// SCALARS: output 1 (i32): -5
// BF16: output 0 (1x1x3x8xbf16): matches the reference

//--- f.mlir
func.func @f(%q: tensor<?x4x?x16xf32>, %k: tensor<?x2x?x16xf32>, %v: tensor<?x2x?x16xf32>,
             %o: tensor<?x4x?x16xf32>, %l: tensor<?x4x?xf32>) -> (tensor<?x4x?x16xf32>, tensor<?x4x?xf32>) {
  %r:2 = attn.attention ins(%q, %k, %v : tensor<?x4x?x16xf32>, tensor<?x2x?x16xf32>, tensor<?x2x?x16xf32>)
    outs(%o, %l : tensor<?x4x?x16xf32>, tensor<?x4x?xf32>) {causal = #attn.causal<bottom_right>}
    -> tensor<?x4x?x16xf32>, tensor<?x4x?xf32>
  return %r#0, %r#1 : tensor<?x4x?x16xf32>, tensor<?x4x?xf32>
}
//--- merge.mlir
// Two equal states: o stays.
func.func @merge(%o1: tensor<?x?x?x16xf32>, %l1: tensor<?x?x?xf32>, %o2: tensor<?x?x?x16xf32>, %l2: tensor<?x?x?xf32>,
                 %o: tensor<?x?x?x16xf32>, %l: tensor<?x?x?xf32>) -> (tensor<?x?x?x16xf32>, tensor<?x?x?xf32>) {
  %r:2 = attn.merge ins(%o1, %l1, %o2, %l2 : tensor<?x?x?x16xf32>, tensor<?x?x?xf32>, tensor<?x?x?x16xf32>, tensor<?x?x?xf32>)
    outs(%o, %l : tensor<?x?x?x16xf32>, tensor<?x?x?xf32>) -> tensor<?x?x?x16xf32>, tensor<?x?x?xf32>
  return %r#0, %r#1 : tensor<?x?x?x16xf32>, tensor<?x?x?xf32>
}
//--- bytes.mlir
func.func @bytes(%x: tensor<?xi8> {attn.dims = ["n"]}) -> tensor<?xi8> {
  return %x : tensor<?xi8>
}
func.func @mask(%x: tensor<?xi1>) -> tensor<?xi1> {
  return %x : tensor<?xi1>
}
//--- scalars.mlir
func.func @scalars(%x: f32, %n: i32, %b: i1) -> (f32, i32) {
  %one = arith.extui %b : i1 to i32
  %m = arith.addi %n, %one : i32
  return %x, %m : f32, i32
}
func.func @other() {
  return
}
//--- bf16.mlir
func.func @g(%q: memref<1x1x3x8xbf16>, %k: memref<1x1x5x8xbf16>, %v: memref<1x1x5x8xbf16>, %o: memref<1x1x3x8xbf16>) {
  attn.attention ins(%q, %k, %v : memref<1x1x3x8xbf16>, memref<1x1x5x8xbf16>, memref<1x1x5x8xbf16>)
    outs(%o : memref<1x1x3x8xbf16>)
  return
}
