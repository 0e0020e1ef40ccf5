// Kernels that take ranges of points get one at a time from parallel loops over
// the numbers of points: its number, and the next one.
// RUN: attn-opt %s -attn-to-cpu='chip=x86-64-v4-amx' | FileCheck %s

// CHECK: scf.parallel ([[NUMBER:%.+]]) = ({{.*}}) to
// CHECK: [[END:%.+]] = arith.addi [[NUMBER]], %{{.*}}
// CHECK: func.call @f_kernel0({{.*}}, [[END]], [[NUMBER]], %{{[^,]*}}, %{{[^,]*}}, %{{[^,]*}})
func.func @f(%q: memref<1x?x512x64xbf16>, %k: memref<1x?x512x64xbf16>, %v: memref<1x?x512x64xbf16>, %o: memref<1x?x512x64xbf16>) {
  attn.attention ins(%q, %k, %v : memref<1x?x512x64xbf16>, memref<1x?x512x64xbf16>, memref<1x?x512x64xbf16>) outs(%o : memref<1x?x512x64xbf16>)
  return
}
