// What --program-to-json says of lowered kernels is what their artifact says, for
// every target: the name of the target and the chip, features and metadata, too.
// RUN: attn-compile %s --target=cuda --chip=sm_90a -o %t.attn && %python %S/Inputs/describe.py %t.attn > %t.cuda
// RUN: attn-opt %s -attn-to-hopper | attn-translate --program-to-json | %python %S/Inputs/describe.py - | diff %t.cuda -
// RUN: FileCheck %s --check-prefixes=CHECK,CUDA --input-file=%t.cuda

// RUN: attn-compile %s --target=cuda --chip=sm_86 -o %t.attn && %python %S/Inputs/describe.py %t.attn > %t.mma
// RUN: attn-opt %s -attn-to-mma | attn-translate --program-to-json | %python %S/Inputs/describe.py - | diff %t.mma -

// RUN: attn-compile %s --target=wgsl:webgpu -o %t.attn && %python %S/Inputs/describe.py %t.attn > %t.wgsl
// RUN: attn-compile %s --target=wgsl --emit=mlir -o %t.mlir && attn-translate --program-to-json %t.mlir | %python %S/Inputs/describe.py - | diff %t.wgsl -
// RUN: FileCheck %s --check-prefixes=CHECK,WGSL --input-file=%t.wgsl

// RUN: attn-compile %s --target=cpu --chip=x86-64-v3 -o %t.attn && %python %S/Inputs/describe.py %t.attn > %t.cpu
// RUN: attn-opt %s -attn-to-cpu="chip=x86-64-v3 launches=true" | attn-translate --program-to-json | %python %S/Inputs/describe.py - | diff %t.cpu -
// RUN: FileCheck %s --check-prefixes=CHECK,CPU --input-file=%t.cpu

// Passes one by one make the same artifact as the compiler, byte by byte.
// RUN: attn-compile %s --target=vulkan --chip=vulkan-matrix -o %t.attn
// RUN: attn-opt %s --attn-to-vulkan=chip=vulkan-matrix --mlir-print-debuginfo | attn-translate --program-to-artifact -o %t.again
// RUN: cmp %t.attn %t.again
// RUN: not attn-translate %s --program-to-artifact 2>&1 | FileCheck %s --check-prefix=NOTHING
// NOTHING: error: there is no #tile.target

// CHECK: arguments: {{.*}}"name":"query"
// CHECK: arguments: {{.*}}"name":"key"
// CHECK: arguments: {{.*}}"name":"value"
// CHECK: arguments: {{.*}}"name":"q_segments"
// WGSL-SAME: "narrowed":"i32"
// CHECK: arguments: {{.*}}"name":"kv_segments"
// CHECK: arguments: {{.*}}"name":"output"
// A name that is given stays.
// CHECK: arguments: {{.*}}"name":"length"
// The words of a check are those of the names.
// CHECK: "message":"rule 1: Skv of value must be Skv of key","values":[{"expr":["dim","value",2],"name":"Skv of value"},{"expr":["dim","key",2],"name":"Skv of key"}]
// CUDA: chip: "sm_90a"
// WGSL: chip: "webgpu"
// CPU: chip: "x86-64-v3"
// CPU: features: "avx2"
// CPU: features: "f16c"
// Integers are passed as kernels take them.
// CUDA: launches: {{.*}}"type":"i64"
// CPU: launches: {{.*}}"code":"code/cpu"{{.*}}"stack"
// WGSL: launches: {{.*}}"block":[32,1,1],"code":"code/kernels"
// WGSL-NOT: "type":"i64"
// CUDA: metadata: {"pipeline":"cuda","tile_m":64,"tile_n":96}
// CPU: metadata: {"pipeline":"cpu","tile_m":64,"tile_n":96}
// CUDA: target: "cuda"
// CPU: target: "cpu"
// WGSL: target: "wgsl"

!t = memref<2x4x?x64xf16>
!s = memref<2x?xi64>
func.func @f(%q: !t, %k: !t, %v: !t, %qs: !s, %ks: !s, %o: !t, %n: index {attn.name = "length"}) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) segments(%qs, %ks : !s, !s) kv_len(%n : index) outs(%o : !t)
      {causal = #attn.causal<top_left>, attn.schedule = #attn.schedule<tile_m = 64, tile_n = 96>}
  return
}
