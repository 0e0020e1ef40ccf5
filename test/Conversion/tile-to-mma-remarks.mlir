// RUN: attn-opt %s --pass-pipeline="builtin.module(tile-attach-target{target=cuda chip=sm_86},attn-expand-sugar,attn-make-total,attn-simplify-regions,func.func(attn-tile{tile-m=64 tile-n=64 head-multiple=16},attn-fuse-online-softmax),attn-outline-kernels,canonicalize,cse,tile-expand-math,tile-narrow-indices,tile-to-mma)" --split-input-file --verify-diagnostics -o /dev/null
// RUN: attn-opt %s --pass-pipeline="builtin.module(tile-attach-target{target=cuda chip=sm_86},attn-expand-sugar,attn-make-total,attn-simplify-regions,func.func(attn-tile{tile-m=64 tile-n=64 head-multiple=16},attn-fuse-online-softmax),attn-outline-kernels,canonicalize,cse,tile-expand-math,tile-narrow-indices,tile-to-mma)" --split-input-file 2>/dev/null | FileCheck %s

// What this lowering cannot take stays as it is, for the general one.
// CHECK-COUNT-4: func.func private @{{.+}}_kernel0({{.+}}attributes {tile.kernel}

!t = memref<1x1x128x128xf32>
func.func @single(%q: !t, %k: !t, %v: !t, %o: !t) {
  // expected-remark @below {{not lowered to mma.sync: q has elements of type f32, not 16-bit floats}}
  attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t)
  return
}

// -----

!q = memref<1x1x128x512xf16>
!v = memref<1x1x128x64xf16>
func.func @large(%q: !q, %k: !q, %v: !v, %o: !v) {
  // expected-remark @below {{not lowered to mma.sync: its tiles need 139264 bytes of shared memory of 101376; smaller tiles would fit}}
  attn.attention ins(%q, %k, %v : !q, !q, !v) outs(%o : !v)
  return
}

// -----

!q = memref<1x1x128x16xf16>
!v = memref<1x1x128x272xf16>
func.func @wide(%q: !q, %k: !q, %v: !v, %o: !v) {
  // expected-remark @below {{not lowered to mma.sync: a value head of more than 256 columns}}
  attn.attention ins(%q, %k, %v : !q, !q, !v) outs(%o : !v)
  return
}

// -----

!t = memref<1x1x128x64xf16>
func.func @tall(%q: !t, %k: !t, %v: !t, %o: !t) {
  // expected-remark @below {{not lowered to mma.sync: a query tile of 100 rows is not one to 16 times 16}}
  attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t) {attn.schedule = #attn.schedule<tile_m = 100, tile_n = 64>}
  return
}
