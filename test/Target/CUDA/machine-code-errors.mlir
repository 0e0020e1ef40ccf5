// A program that is not there, and one that fails.
// RUN: not attn-compile %s --target=cuda --ptxas=no-such-ptxas -o %t.attn 2>&1 | FileCheck %s --check-prefix=ABSENT
// ABSENT: error: cannot assemble PTX for sm_90a: there is no program 'no-such-ptxas'
// RUN: not attn-compile %s --target=cuda --ptxas=false -o %t.attn 2>&1 | FileCheck %s --check-prefix=FAILS
// FAILS: error: cannot assemble PTX for sm_90a: {{.*}}false failed
// RUN: not attn-compile %s --target=cuda --ptxas=true -o %t.attn 2>&1 | FileCheck %s --check-prefix=NOTHING
// NOTHING: error: cannot assemble PTX for sm_90a: {{.*}}true wrote nothing
func.func @f(%q: memref<1x2x128x64xbf16>, %o: memref<1x2x128x64xbf16>) {
  attn.attention ins(%q, %q, %q : memref<1x2x128x64xbf16>, memref<1x2x128x64xbf16>, memref<1x2x128x64xbf16>) outs(%o : memref<1x2x128x64xbf16>)
  return
}
