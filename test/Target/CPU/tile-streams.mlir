// In each product of tile registers the right operand, which is packed, comes
// with a hint that it need not stay in L1; left operands and sums do not.
// RUN: attn-compile %s --target=cpu:x86-64-v4-amx -o %t.attn
// RUN: %python -c "import sys; data = open(sys.argv[1], 'rb').read(); open(sys.argv[2], 'wb').write(data[data.index(b'\x7fELF'):])" %t.attn %t.so
// RUN: %llvm_tools_dir/llvm-objdump -d --no-show-raw-insn %t.so | grep -E 'tileload|tdp' | FileCheck %s
// CHECK:      tileloadd {{.*}}%[[LEFT:tmm[0-7]]]
// CHECK-NEXT: tileloadd {{.*}}%[[OTHER:tmm[0-7]]]
// CHECK-NEXT: tileloaddt1 {{.*}}%[[RIGHT:tmm[0-7]]]
// CHECK-NEXT: tileloaddt1 {{.*}}%[[NEXT:tmm[0-7]]]
// CHECK-NEXT: tdpbf16ps %[[RIGHT]], %[[LEFT]], %{{.*}}
// CHECK-NEXT: tdpbf16ps %[[RIGHT]], %[[OTHER]], %{{.*}}
// CHECK-NEXT: tdpbf16ps %[[NEXT]], %[[LEFT]], %{{.*}}
// CHECK-NEXT: tdpbf16ps %[[NEXT]], %[[OTHER]], %{{.*}}
func.func @f(%q: memref<1x2x512x64xbf16>, %k: memref<1x2x512x64xbf16>, %v: memref<1x2x512x64xbf16>, %o: memref<1x2x512x64xbf16>) {
  attn.attention ins(%q, %k, %v : memref<1x2x512x64xbf16>, memref<1x2x512x64xbf16>, memref<1x2x512x64xbf16>) outs(%o : memref<1x2x512x64xbf16>)
  return
}
