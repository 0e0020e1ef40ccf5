// What attn-compile refuses leaves no file; embed.test runs what it writes.
// RUN: rm -rf %t.dir && split-file %s %t.dir
// RUN: attn-compile %t.dir/f.mlir --entry=f -o %t.dir/f.attn
// RUN: head -c 5 %t.dir/f.attn | FileCheck %s --check-prefix=MAGIC
// MAGIC: ATTN

// Another chip than this machine's.
// RUN: attn-compile %t.dir/f.mlir --entry=f --chip=haswell --target=cpu-standard -o %t.dir/h.attn
// RUN: grep -aq '"chip":"haswell"' %t.dir/h.attn

// RUN: not attn-compile %t.dir/f.mlir -o %t.dir/bad.attn 2>&1 | FileCheck %s --check-prefix=ENTRY
// ENTRY: {{.*}}:[[#]]:1: error: the module has 2 functions; name one with --entry
// RUN: not attn-compile %t.dir/f.mlir --entry=f --target=tpu -o %t.dir/bad.attn 2>&1 | FileCheck %s --check-prefix=TARGET
// TARGET: error: unknown target 'tpu'; did you mean 'cpu'?; known: cpu, cpu-standard, cuda, vulkan, wgsl
// RUN: not attn-compile %t.dir/f.mlir --entry=f --chip=none -o %t.dir/bad.attn 2>&1 | FileCheck %s --check-prefix=CHIP
// CHIP: error: {{.*}}none
// RUN: not attn-compile %t.dir/f.mlir --entry=f --target=wgsl --chip=none -o %t.dir/bad.attn 2>&1 | FileCheck %s --check-prefix=WGSL-CHIP
// WGSL-CHIP: error: unknown chip 'none' of the target wgsl; {{.*}}known: webgpu, webgpu-10, webgpu-desktop, webgpu-tiled, webgpu-software, webgpu-subgroups, webgpu-subgroups32, webgpu-subgroups32-48k, webgpu-matrix, webgpu-matrix-48k, webgpu-matrix8
// RUN: not attn-compile %t.dir/dot.mlir --target=wgsl -o %t.dir/bad.attn 2>&1 | FileCheck %s --check-prefix=WGSL-NAME
// WGSL-NAME: error: the kernel 'f.1_kernel0' cannot be called so in WGSL; use letters, digits and underscores in the name of the function
// RUN: not attn-compile %t.dir/wide.mlir --target=wgsl -o %t.dir/bad.attn 2>&1 | FileCheck %s --check-prefix=WGSL-WIDE
// WGSL-WIDE: error: argument #1 is 'memref<8xi64>', but kernels of this target write no numbers of 64 bits
// RUN: not attn-compile %t.dir/f.mlir --entry=f -o %t.dir/missing/bad.attn 2>&1 | FileCheck %s --check-prefix=FOLDER
// FOLDER: attn-compile: error: {{.*}}missing/bad.attn: {{.*}}o such file or directory
// RUN: not attn-compile %t.dir/none.mlir -o %t.dir/bad.attn 2>&1 | FileCheck %s --check-prefix=FILE
// FILE: attn-compile: error: {{.*}}none.mlir
// RUN: not ls %t.dir/bad.attn

//--- f.mlir
func.func @f(%q: tensor<1x2x8x16xf32>, %k: tensor<1x2x8x16xf32>, %v: tensor<1x2x8x16xf32>, %o: tensor<1x2x8x16xf32>) -> tensor<1x2x8x16xf32> {
  %r = attn.attention ins(%q, %k, %v : tensor<1x2x8x16xf32>, tensor<1x2x8x16xf32>, tensor<1x2x8x16xf32>)
      outs(%o : tensor<1x2x8x16xf32>) -> tensor<1x2x8x16xf32>
  return %r : tensor<1x2x8x16xf32>
}
func.func @g() {
  return
}

//--- dot.mlir
!t = memref<1x2x8x16xf32>
func.func @f.1(%q: !t, %o: !t) {
  attn.attention ins(%q, %q, %q : !t, !t, !t) outs(%o : !t)
  return
}

//--- wide.mlir
func.func @f(%n: index, %o: memref<8xi64>) {
  scf.forall (%i) in (8) {
    %c = arith.constant 1 : i64
    memref.store %c, %o[%i] : memref<8xi64>
  }
  return
}
