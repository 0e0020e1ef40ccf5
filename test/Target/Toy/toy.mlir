// A target of one file (attn-toy.cpp), registered by a tool: what it prints is
// compiled by cc and run.
// RUN: attn-toy %s > %t.c
// RUN: cc -std=c99 -O1 %t.c %S/Inputs/driver.c -lm -o %t.exe
// RUN: %t.exe

// The registry lists it, and refuses what it does not have.
// RUN: not attn-toy %s toi 2>&1 | FileCheck %s --check-prefix=TARGET --implicit-check-not=error:
// RUN: not attn-toy %s toy c89 2>&1 | FileCheck %s --check-prefix=CHIP --implicit-check-not=error:
// TARGET: error: unknown target 'toi'; did you mean 'toy'?; known: toy, cpu, cpu-standard, cuda, vulkan, wgsl
// CHIP: error: unknown chip 'c89' of the target toy; did you mean 'c99'?; known: c99

// It stays small.
// RUN: %python -c "import sys; n = len(open(sys.argv[1]).readlines()); print(n); sys.exit(n >= 300)" %S/attn-toy.cpp
func.func @f(%q: memref<2x2x19x16xf32>, %k: memref<2x1x19x16xf32>, %v: memref<2x1x19x16xf32>, %o: memref<2x2x19x16xf32>) {
  attn.attention ins(%q, %k, %v : memref<2x2x19x16xf32>, memref<2x1x19x16xf32>, memref<2x1x19x16xf32>)
      outs(%o : memref<2x2x19x16xf32>) {causal = #attn.causal<top_left>, softcap = 20.0 : f32}
  return
}
