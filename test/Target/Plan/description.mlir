// What a plan says to the runtime: a launch for each grid, with the grid and
// the memory between as expressions of the sizes of a call.
// RUN: split-file %s %t
// RUN: attn-compile %t/whole.mlir --chip=x86-64-v3 --tile-m=64 -o %t/fused.attn && %python %S/Inputs/describe.py %t/fused.attn | FileCheck %s --check-prefixes=WHOLE,FUSED
// RUN: attn-compile %t/whole.mlir --chip=x86-64-v3 --tile-m=64 --target=cpu-standard -o %t/standard.attn && %python %S/Inputs/describe.py %t/standard.attn | FileCheck %s --check-prefixes=WHOLE,STANDARD
// RUN: attn-compile %t/split.mlir --chip=x86-64-v3 -o %t/split.attn && %python %S/Inputs/describe.py %t/split.attn | FileCheck %s --check-prefix=SPLIT
// RUN: attn-compile %t/hopper.mlir --target=cuda -o %t/hopper.attn && %python %S/Inputs/describe.py %t/hopper.attn | FileCheck %s --check-prefix=CUDA

// Arguments are those of the function; the destination holds the result.
// WHOLE: arguments: {"access":"read","dtype":"f32","kind":"buffer","name":"[[Q:[a-z0-9]+]]","shape":["?",8,"?",64],"strides":["?","?","?",1]}
// WHOLE-NEXT: arguments: {"access":"read","dtype":"f32","kind":"buffer","name":"[[K:[a-z0-9]+]]","shape":["?",2,"?",64],"strides":["?","?","?",1]}
// WHOLE-NEXT: arguments: {{.*}},"shape":["?",2,"?",64],"strides":["?","?","?",1]}
// WHOLE-NEXT: arguments: {{.*}}"dtype":"i32","kind":"buffer","name":"[[LEN:[a-z0-9_]+]]","shape":["?"],"strides":[1]}
// WHOLE-NEXT: arguments: {"access":"readwrite",{{.*}}"name":"[[O:[a-z0-9]+]]","shape":["?",8,"?",64],"strides":["?","?","?",1]}
// Queries and keys may differ in length, batches may not.
// WHOLE-DAG: checks: {"expr":["eq",["dim","[[K]]",0],["dim","[[Q]]",0]],"message":"rule 1: B of key must be B of query","values":{{.*}}
// WHOLE-DAG: checks: {{.*}}["dim","[[LEN]]",0]{{.*}}"message":"rule {{.*}}
// WHOLE-DAG: checks: {"expr":["eq",["dim","[[O]]",2],["dim","[[Q]]",2]],"message":"rule 1: {{.*}}
// WHOLE: chip: "x86-64-v3"
// WHOLE: entry: "f"
// The features of the chip, no more.
// WHOLE-NOT: avx512
// WHOLE: features: "avx2"
// WHOLE: format: "attn-artifact"
// One grid of query tiles, heads and batches: a given tile is the only version.
// WHOLE-NEXT: launches: {{.*}}"grid":{{\[\[}}"symbol","[[TILES:n[0-9]+]]"],8,["dim","[[Q]]",0]],"kernel":"f_kernel0"
// WHOLE-NOT: launches:
// FUSED: memory: {"fused":["add",0],"standard":["add",0,["mul",["symbol","[[SCORES:n[0-9]+]]"],4]]}
// STANDARD: memory: {"fused":["add",0,{{.*}}],"standard":["add",0,["mul",["symbol","[[SCORES:n[0-9]+]]"],4]]}
// 2 * (64 + 64) operations a pair.
// WHOLE: metrics: {"flops":["add",0,["mul",["symbol","[[SCORES]]"],256]]}
// WHOLE: results: {"argument":4,"dtype":"f32",{{.*}}"shape":{{\[\[}}"dim","[[O]]",0],8,["dim","[[O]]",2],64]}
// WHOLE: symbols: {"expr":["mul",["mul",["mul",["dim","[[Q]]",0],8],["dim","[[Q]]",2]],["dim","[[K]]",2]],"name":"[[SCORES]]"}
// WHOLE: symbols: {"expr":["ceildiv",["dim","[[Q]]",2],{{[0-9]+}}],"name":"[[TILES]]"}
// FUSED-NOT: temporaries:
// STANDARD: temporaries: {"align":64,"bytes":{{.*}},"name":"temp0"}
// STANDARD-NOT: temporaries:

// Two grids; the second one follows the first and reads what it left: maxima,
// sums and accumulators of the parts.
// SPLIT: checks: {{.*}}"message":"{{.*}}rows of the packed heads
// SPLIT: launches: {{.*}}"kernel":"f_kernel0"
// SPLIT-NEXT: launches: {{.*}}{"buffer":"temp0"}{{.*}}"kernel":"f_kernel1"
// SPLIT-NOT: launches:
// SPLIT-COUNT-3: temporaries:
// SPLIT-NOT: temporaries:

// A persistent kernel: blocks of three warpgroups, tensor maps of q, k and v.
// CUDA: chip: "sm_90a"
// CUDA: launches: {{.*}}{"tensormap":{"box":[64,128,1,1],{{.*}}"dtype":"bf16","sizes":[128,4096,8,2],"strides":[256,1048576,8388608]}}
// CUDA-SAME: "block":[384,1,1]
// CUDA-SAME: "kernel":"f_kernel0"
// CUDA: target: "cuda"

//--- whole.mlir
func.func @f(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x64xf32>, %v: tensor<?x2x?x64xf32>, %len: tensor<?xi32>, %o: tensor<?x8x?x64xf32>) -> tensor<?x8x?x64xf32> {
  %r = attn.attention ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x64xf32>)
      kv_len(%len : tensor<?xi32>) outs(%o : tensor<?x8x?x64xf32>) {causal = #attn.causal<bottom_right>} -> tensor<?x8x?x64xf32>
  return %r : tensor<?x8x?x64xf32>
}

//--- split.mlir
func.func @f(%q: tensor<?x8x?x64xf32>, %k: tensor<?x2x?x64xf32>, %v: tensor<?x2x?x64xf32>, %o: tensor<?x8x?x64xf32>) -> tensor<?x8x?x64xf32> {
  %r = attn.attention ins(%q, %k, %v : tensor<?x8x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x64xf32>)
      outs(%o : tensor<?x8x?x64xf32>) {attn.schedule = #attn.schedule<tile_m = 16, tile_n = 32, workers = 8>} -> tensor<?x8x?x64xf32>
  return %r : tensor<?x8x?x64xf32>
}

//--- hopper.mlir
func.func @f(%q: memref<2x8x4096x128xbf16>, %k: memref<2x2x4096x128xbf16>, %v: memref<2x2x4096x128xbf16>, %o: memref<2x8x4096x128xbf16>) {
  attn.attention ins(%q, %k, %v : memref<2x8x4096x128xbf16>, memref<2x2x4096x128xbf16>, memref<2x2x4096x128xbf16>) outs(%o : memref<2x8x4096x128xbf16>)
  return
}
