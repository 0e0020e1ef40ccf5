// RUN: attn-opt %s --pass-pipeline="builtin.module(tile-attach-target{target=cuda chip=sm_90a},attn-expand-sugar,attn-make-total,attn-simplify-regions,func.func(attn-tile{tile-m=128 tile-n=128 head-multiple=16},attn-fuse-online-softmax),attn-outline-kernels,canonicalize,cse,tile-expand-math,tile-narrow-indices,tile-to-hopper)" --split-input-file --verify-diagnostics -o /dev/null
// RUN: attn-opt %s --pass-pipeline="builtin.module(tile-attach-target{target=cuda chip=sm_90a},attn-expand-sugar,attn-make-total,attn-simplify-regions,func.func(attn-tile{tile-m=128 tile-n=128 head-multiple=16},attn-fuse-online-softmax),attn-outline-kernels,canonicalize,cse,tile-expand-math,tile-narrow-indices,tile-to-hopper)" --split-input-file 2>/dev/null | FileCheck %s

// What this lowering cannot take stays as it is, for the general one; what TMA
// cannot bring is gathered.
//      CHECK: func.func private @single_kernel0({{.+}}attributes {tile.kernel}
// CHECK-LABEL: @large
//      CHECK: func.func private @large_kernel0({{.+}}attributes {tile.kernel}
//  CHECK-NOT: attributes {tile.kernel}

!t = memref<1x1x128x128xf32>
func.func @single(%q: !t, %k: !t, %v: !t, %o: !t) {
  // expected-remark @below {{not lowered to Hopper's tensor cores: q has elements of type f32, not 16-bit floats}}
  attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t)
  return
}

// -----

!t = memref<1x1x128x256xf16>
func.func @large(%q: !t, %k: !t, %v: !t, %o: !t) {
  // expected-remark @below {{not lowered to Hopper's tensor cores: its tiles need 328192 bytes of shared memory of 232448; smaller tiles would fit}}
  attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t)
  return
}

// -----

!t = memref<1x1x128x128xf16, strided<[16896, 16896, 132, 1]>>
!c = memref<1x1x128x128xf16, strided<[16384, 16384, 1, 128]>>
!o = memref<1x1x128x128xf16>
func.func @stride(%q: !t, %k: !o, %v: !c, %o: !t) {
  // expected-remark @below {{q is gathered by threads instead of TMA: it has a stride of 132 elements, which is no multiple of 16 bytes}}
  // expected-remark @below {{v is gathered by threads instead of TMA: it is not contiguous in its last dimension}}
  attn.attention ins(%q, %k, %v : !t, !o, !c) outs(%o : !t)
  return
}

// -----

!t = memref<2x2x128x64xf16>
!p = memref<9x2x1x64xf16>
func.func @paged(%q: !t, %k: !p, %v: !p, %o: !t, %n: memref<2xi32>, %table: memref<2x128xi32>) {
  // expected-remark @below {{k is gathered by threads instead of TMA: it is paged}}
  // expected-remark @below {{v is gathered by threads instead of TMA: it is paged}}
  attn.attention ins(%q, %k, %v : !t, !p, !p) kv_len(%n : memref<2xi32>) page_table(%table : memref<2x128xi32>) outs(%o : !t)
  return
}

// -----

// Strides that only a launch knows are those of dense rows.
!t = memref<2x2x?x12xf16, strided<[?, ?, ?, 1]>>
!o = memref<2x2x?x16xf16>
func.func @rows(%q: !t, %k: !t, %v: !o, %o: !o) {
  // expected-remark @below {{q is gathered by threads instead of TMA: its rows of 12 elements are no multiple of 16 bytes}}
  // expected-remark @below {{k is gathered by threads instead of TMA: its rows of 12 elements are no multiple of 16 bytes}}
  attn.attention ins(%q, %k, %v : !t, !t, !o) outs(%o : !o)
  return
}
