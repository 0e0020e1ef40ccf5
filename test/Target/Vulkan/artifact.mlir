// What an artifact says: a workgroup and its memory, buffers and parameters in
// order, 32 bits a number.
// RUN: attn-opt %s --attn-to-vulkan | attn-translate --program-to-json | FileCheck %s
// CHECK: "chip": "vulkan1.1"
// CHECK: "args": [
// CHECK: "type": "i32"
// CHECK: "block": [
// CHECK-NEXT: 32,
// CHECK: "code": "code/kernels"
// CHECK: "kernel": "f_kernel0"
// CHECK: "shared": 8192
// CHECK: "target": "vulkan"

// f16 takes as much workgroup memory as f32; more fits where there is more.
// RUN: attn-compile %s --target=vulkan --report=json -o %t.attn | FileCheck %s --check-prefix=EXPLAIN
// RUN: attn-compile %s --target=vulkan --chip=vulkan-desktop --report=json -o %t.attn | FileCheck %s --check-prefix=DESKTOP
// A machine with matrix units says what a device must have; f16 takes two bytes.
// RUN: attn-compile %s --target=vulkan --chip=vulkan-matrix --report=json -o %t.attn | FileCheck %s --check-prefix=MATRIX
// MATRIX: chip vulkan-matrix: 1024 threads and 49152 bytes of memory a workgroup, matrices of 16x16x16 f16 to f32 in subgroups of 32 lanes
// RUN: attn-compile %s --target=vulkan --chip=vulkan-matrix8 --report=json -o %t.attn | FileCheck %s --check-prefix=SMALL
// SMALL: chip vulkan-matrix8: 1024 threads and 32768 bytes of memory a workgroup, matrices of 8x8x8 f16 to f32 in subgroups of 8 lanes
// What becomes a factor in registers is for devices that hold elements alike.
// RUN: attn-opt %s --attn-to-vulkan=chip=vulkan-matrix-map | attn-translate --program-to-json | FileCheck %s --check-prefix=MAP
// MAP-NOT: "matrix-element-map"
// MAP: "cooperative-matrix-map:16x16x16:f16:f32"
// MAP-NOT: "matrix-element-map"
// The same of bf16, for which a device says yes twice.
// RUN: attn-opt %s --attn-to-vulkan=chip=vulkan-matrix-bf16-map | attn-translate --program-to-json | FileCheck %s --check-prefix=BFLOAT
// BFLOAT: "cooperativeMatrix",
// BFLOAT-NEXT: "shaderBFloat16Type",
// BFLOAT-NEXT: "shaderBFloat16CooperativeMatrix",
// BFLOAT-NEXT: "cooperative-matrix:16x16x16:f16:f32",
// BFLOAT-NEXT: "cooperative-matrix:16x16x16:bf16:f32",
// BFLOAT-NEXT: "cooperative-matrix-map:16x16x16:f16:f32",
// BFLOAT-NEXT: "cooperative-matrix-map:16x16x16:bf16:f32"
// BFLOAT-NOT: "matrix-bf16"
// RUN: attn-opt %s --attn-to-vulkan=chip=vulkan-matrix | attn-translate --program-to-json | FileCheck %s --check-prefix=NEEDS
// NEEDS: "features": [
// NEEDS-NEXT: "subgroup:shuffle",
// NEEDS-NEXT: "subgroup-size:32",
// NEEDS-NEXT: "vulkan1.3",
// NEEDS-NEXT: "subgroup:vote",
// NEEDS-NEXT: "shaderFloat16",
// NEEDS-NEXT: "storageBuffer16BitAccess",
// NEEDS-NEXT: "shaderRoundingModeRTEFloat16",
// NEEDS-NEXT: "vulkanMemoryModel",
// NEEDS-NEXT: "computeFullSubgroups",
// NEEDS-NEXT: "subgroupSizeControl",
// NEEDS-NEXT: "cooperativeMatrix",
// NEEDS-NEXT: "cooperative-matrix:16x16x16:f16:f32"
// EXPLAIN: chip vulkan1.1: 128 threads and 16384 bytes of memory a workgroup, neither subgroups nor matrices
// EXPLAIN: f_kernel0: 32 threads, 8192 bytes of workgroup memory, 4 storage buffers
// DESKTOP: chip vulkan-desktop: 1024 threads and 32768 bytes

// RUN: not attn-translate --kernels-to-spirv %S/../../Conversion/kernels-to-spirv.mlir -o %t.spv 2>&1 | FileCheck %s --check-prefix=NONE
// NONE: error: has no SPIR-V next to it; kernels-to-spirv makes it

// A section is the module of one kernel, whichever ways kernels share rows:
// drivers compile by the module.
// RUN: attn-compile %s --target=vulkan --chip=vulkan-subgroup32 -o %t.attn
// RUN: attn-compile --inspect=%t.attn | FileCheck %s --check-prefix=MODULES
// MODULES: launches
// MODULES: f_kernel0
// MODULES: f_kernel1
// MODULES-DAG: code/kernels: {{[0-9]+}} bytes
// MODULES-DAG: code/kernels_0: {{[0-9]+}} bytes
// RUN: attn-opt %s --attn-to-vulkan=chip=vulkan-subgroup32 -o %t.mlir
// RUN: not attn-translate --kernels-to-spirv %t.mlir 2>&1 | FileCheck %s --check-prefix=SEVERAL
// SEVERAL: error: there are {{[2-9]}} modules, of which a file holds one; --kernel takes one of {{.*}}f_kernel0
// RUN: not attn-translate --kernels-to-spirv --kernel=g %t.mlir 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// UNKNOWN: error: there is no kernel 'g'; --kernel takes one of {{.*}}f_kernel0
// RUN: attn-translate --kernels-to-spirv --kernel=f_kernel1 %t.mlir -o %t.spv
// RUN: %python -c "import re, sys; print(sorted(set(re.findall(rb'f_kernel[0-9]', open(sys.argv[1], 'rb').read()))))" %t.spv | FileCheck %s --check-prefix=ONE
// ONE: {{^}}[b'f_kernel1']{{$}}
func.func @f(%q: memref<1x4x?x64xf16>, %k: memref<1x2x?x64xf16>, %v: memref<1x2x?x64xf16>, %o: memref<1x4x?x64xf16>) {
  attn.attention ins(%q, %k, %v : memref<1x4x?x64xf16>, memref<1x2x?x64xf16>, memref<1x2x?x64xf16>) outs(%o : memref<1x4x?x64xf16>)
  return
}
