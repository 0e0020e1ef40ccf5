// Artifacts of machine code instead of PTX.
// REQUIRES: ptxas
// RUN: attn-compile %s --target=cuda --ptxas=%ptxas -o %t.attn --report=json | FileCheck %s
// CHECK: "name": "PTX"
// CHECK: "name": "machine code"
// An ELF file for NVIDIA's machines, and no text.
// RUN: grep -c -a "\.nv\.info\.f_kernel0" %t.attn
// RUN: not grep -c -a "\.visible \.entry" %t.attn
func.func @f(%q: memref<1x2x128x64xbf16>, %o: memref<1x2x128x64xbf16>) {
  attn.attention ins(%q, %q, %q : memref<1x2x128x64xbf16>, memref<1x2x128x64xbf16>, memref<1x2x128x64xbf16>) outs(%o : memref<1x2x128x64xbf16>)
  return
}
