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
// WGSL-NAME: error: the kernel 'f.1_kernel0' cannot be called so in WGSL; use letters, digits and single underscores in the name of the function
// RUN: not attn-compile %t.dir/dot.mlir --target=cuda -o %t.dir/bad.attn 2>&1 | FileCheck %s --check-prefix=PTX-NAME
// PTX-NAME: error: the kernel 'f.1_kernel0' cannot be called so in PTX; use letters, digits and single underscores in the name of the function
// RUN: sed 's/@f.1/@"a b"/' %t.dir/dot.mlir | not attn-compile - --target=cuda -o %t.dir/bad.attn 2>&1 | FileCheck %s --check-prefix=PTX-SPACE
// PTX-SPACE: error: the kernel 'a b_kernel0' cannot be called so in PTX
// RUN: sed 's/@f.1/@a__b/' %t.dir/dot.mlir > %t.dir/underscores.mlir
// RUN: attn-compile %t.dir/underscores.mlir --target=wgsl -o %t.dir/underscores.attn
// RUN: rm %t.dir/underscores.attn
// RUN: not attn-compile %t.dir/underscores.mlir --target=metal -o %t.dir/bad.attn 2>&1 | FileCheck %s --check-prefix=MSL-NAME
// MSL-NAME: error: the kernel 'a__b_kernel0' cannot be called so in MSL; use letters, digits and single underscores in the name of the function
// RUN: not attn-compile %t.dir/wide.mlir --target=wgsl -o %t.dir/bad.attn 2>&1 | FileCheck %s --check-prefix=WGSL-WIDE
// WGSL-WIDE: error: argument #1 is 'memref<8xi64>', but kernels of this target write no numbers of 64 bits
// RUN: not attn-compile %t.dir/f.mlir --entry=f -o %t.dir/missing/bad.attn 2>&1 | FileCheck %s --check-prefix=FOLDER
// FOLDER: attn-compile: error: {{.*}}missing/bad.attn: {{.*}}o such file or directory
// RUN: not attn-compile %t.dir/none.mlir -o %t.dir/bad.attn 2>&1 | FileCheck %s --check-prefix=FILE
// FILE: attn-compile: error: {{.*}}none.mlir
// RUN: not attn-compile %t.dir/f.mlir --entry=f --target=wgsl --ptxas=ptxas -o %t.dir/bad.attn 2>&1 | FileCheck %s --check-prefix=PTXAS
// PTXAS: attn-compile: error: --ptxas assembles PTX, and --target=wgsl has none
// RUN: not attn-compile %t.dir/f.mlir --entry=f --target=cuda --ptxas= -o %t.dir/bad.attn 2>&1 | FileCheck %s --check-prefix=PROGRAM
// PROGRAM: attn-compile: error: --ptxas names no program
// RUN: not attn-compile %t.dir/f.mlir --entry=f --target=cpu:x86-64-v4 --chip=x86-64-v3 -o %t.dir/bad.attn 2>&1 | FileCheck %s --check-prefix=CHIPS
// CHIPS: attn-compile: error: --chip=x86-64-v3 and --target=cpu:x86-64-v4 both name chips
// RUN: not attn-compile %t.dir/f.mlir --entry=f --emit=mlir -o %t.dir/bad/ 2>&1 | FileCheck %s --check-prefix=EMIT
// EMIT: attn-compile: error: --emit=mlir writes one file: name it with -o
// RUN: not attn-compile %t.dir/f.mlir --entry=f --target=cpu,metal -o %t.dir/bad/ 2>&1 | FileCheck %s --check-prefix=LIBRARY --implicit-check-not=error:
// LIBRARY: attn-compile: error: a library has no runtime for metal, only for cpu and cuda: leave it out of --target, or write an artifact with -o FILE.attn
// RUN: echo 'module {}' > %t.dir/none.mlir
// RUN: not attn-compile %t.dir/none.mlir -o %t.dir/bad.attn 2>&1 | FileCheck %s --check-prefix=NONE
// NONE: error: the module has no function to compile
// RUN: rm %t.dir/none.mlir
// RUN: sed 's/@f.1/@""/' %t.dir/dot.mlir > %t.dir/unnamed.mlir
// RUN: not attn-compile %t.dir/unnamed.mlir -o %t.dir/bad.attn 2>&1 | FileCheck %s --check-prefix=UNNAMED
// UNNAMED: unnamed.mlir:2:1: error: a function without a name has no artifact
// RUN: not attn-compile %t.dir/f.mlir --entry=f --target=wgsl --region-holes=, -o %t.dir/bad.attn 2>&1 | FileCheck %s --check-prefix=HOLES
// HOLES: attn-compile: error: --region-holes: a name is empty
// RUN: not attn-compile --inspect=%t.dir/f.attn %t.dir/f.mlir -o %t.dir/bad.attn 2>&1 | FileCheck %s --check-prefix=INSPECT
// INSPECT: attn-compile: error: --inspect does nothing else: leave out the input and -o
// What an artifact, made of one function of one block, cannot hold.
// RUN: not attn-compile %t.dir/calls.mlir --entry=calls -o %t.dir/bad.attn 2>&1 | FileCheck %s --check-prefix=CALLS --implicit-check-not=error:
// CALLS: calls.mlir:4:3: error: 'func.call' op cannot be part of an artifact, which is made of one function; inline what it calls first
// RUN: not attn-compile %t.dir/calls.mlir --entry=jumps -o %t.dir/bad.attn 2>&1 | FileCheck %s --check-prefix=JUMPS --implicit-check-not=error:
// JUMPS: calls.mlir:8:1: error: 'jumps' has 2 blocks, but the host program of an artifact has one; scf.if and scf.for can be part of it

// Where a disk is full: that of the result, of temporary files.
// RUN: not attn-compile %t.dir/f.mlir --entry=f -o /dev/full 2>&1 | FileCheck %s --check-prefix=FULL --implicit-check-not=error:
// FULL: attn-compile: error: /dev/full: No space left on device
// RUN: not bash -c "trap '' XFSZ; ulimit -f 2; ATTN_LINKER=ld attn-compile %t.dir/f.mlir --entry=f -o %t.dir/bad.attn" 2>&1 | FileCheck %s --check-prefix=LARGE --implicit-check-not=error:
// LARGE: error: cannot write '{{.*}}.o' for the linker: File too large
// RUN: not bash -c "trap '' XFSZ; ulimit -f 2; attn-compile %t.dir/f.mlir --entry=f --target=wgsl -o %t.dir/bad.attn" 2>&1 | FileCheck %s --check-prefix=ARTIFACT --implicit-check-not=error:
// ARTIFACT: attn-compile: error: {{.*}}bad.attn: File too large
// RUN: not ls %t.dir/bad.attn
// RUN: ls %t.dir | FileCheck %s --check-prefix=LEFT --implicit-check-not=bad
// LEFT: f.attn

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

//--- calls.mlir
!t = memref<1x2x8x16xf32>
func.func private @elsewhere(!t)
func.func @calls(%q: !t, %o: !t) {
  call @elsewhere(%q) : (!t) -> ()
  attn.attention ins(%q, %q, %q : !t, !t, !t) outs(%o : !t)
  return
}
func.func @jumps(%q: !t, %o: !t) {
  cf.br ^end
^end:
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
