// RUN: attn-opt %s --pass-pipeline="builtin.module(attn-expand-sugar,attn-simplify-regions,func.func(attn-tile{tile-m=128 tile-n=128 head-multiple=16},attn-fuse-online-softmax),attn-outline-kernels,canonicalize,cse,tile-expand-math,tile-clamp-reads,tile-to-hopper)" --split-input-file --verify-diagnostics -o /dev/null
// RUN: attn-opt %s --pass-pipeline="builtin.module(attn-expand-sugar,attn-simplify-regions,func.func(attn-tile{tile-m=128 tile-n=128 head-multiple=16},attn-fuse-online-softmax),attn-outline-kernels,canonicalize,cse,tile-expand-math,tile-clamp-reads,tile-to-hopper)" --split-input-file 2>/dev/null | FileCheck %s

// What this lowering cannot take stays as it is, for the general one.
// CHECK-COUNT-3: func.func private @{{.+}}_kernel0({{.+}}attributes {tile.kernel}

!t = memref<1x1x128x128xf32>
func.func @single(%q: !t, %k: !t, %v: !t, %o: !t) {
  // expected-remark @below {{not lowered to Hopper's tensor cores: q has elements of type f32, not 16-bit floats}}
  attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t)
  return
}

// -----

!t = memref<1x1x128x128xf16, strided<[16384, 16384, 132, 1]>>
!o = memref<1x1x128x128xf16>
func.func @stride(%q: !t, %k: !t, %v: !t, %o: !o) {
  // expected-remark @below {{not lowered to Hopper's tensor cores: q has a stride of 132 elements, which is no multiple of 16 bytes}}
  attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !o)
  return
}

// -----

!t = memref<1x1x128x256xf16>
func.func @large(%q: !t, %k: !t, %v: !t, %o: !t) {
  // expected-remark @below {{not lowered to Hopper's tensor cores: its tiles need 328192 bytes of shared memory of 232448; smaller tiles would fit}}
  attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t)
  return
}
