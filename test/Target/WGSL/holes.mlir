// Scores and masks that are written when kernels are text: marked functions,
// and a test of key tiles that all threads make.
// RUN: attn-opt %s --attn-add-holes=names=slope --attn-to-tile="tile-m=32 tile-n=32" --attn-to-wgsl | attn-translate --kernels-to-wgsl | FileCheck %s

// CHECK: // The text between the marks may be replaced (docs/holes.md).
// CHECK-NEXT: fn tile_hole(b: i32, h: i32, first_i: i32, last_i: i32, first_j: i32, last_j: i32, slope: f32) -> bool {
// CHECK-NEXT: // <tile_hole>
// CHECK-NEXT: return true;
// CHECK-NEXT: // </tile_hole>
// CHECK-NEXT: }
// CHECK: fn score_hole(s: f32, b: i32, h: i32, i: i32, j: i32, slope: f32) -> f32 {
// CHECK-NEXT: // <score_hole>
// CHECK-NEXT: return s;
// CHECK-NEXT: // </score_hole>
// CHECK: fn mask_hole(b: i32, h: i32, i: i32, j: i32, slope: f32) -> bool {
// CHECK-NEXT: // <mask_hole>
// CHECK-NEXT: return true;
// CHECK-NEXT: // </mask_hole>

// A tile is tested once, ahead of the products; no tile goes without its mask.
// CHECK: fn live_kernel0(
// CHECK: if (tile_hole(0, {{.*}})) {
// CHECK: score_hole(
// CHECK: mask_hole(
// CHECK-NOT: score_hole(

// RUN: attn-opt %s --attn-add-holes=names=loop --attn-to-tile --attn-to-wgsl | not attn-translate --kernels-to-wgsl 2>&1 | FileCheck %s --check-prefix=TAKEN --implicit-check-not=error:
// TAKEN: error: a hole cannot call 'loop' what it does: the name is taken in WGSL

// Targets whose code is no text of a shader have no holes, nor has PTX, which
// is text but not where holes are filled.
// RUN: not attn-compile %s --region-holes --chip=x86-64-v3 -o %t.attn 2>&1 | FileCheck %s -DTARGET=cpu --check-prefix=CODE --implicit-check-not=error: --implicit-check-not=remark:
// RUN: not attn-compile %s --region-holes --target=vulkan -o %t.attn 2>&1 | FileCheck %s -DTARGET=vulkan --check-prefix=CODE --implicit-check-not=error: --implicit-check-not=remark:
// RUN: not attn-compile %s --region-holes --target=cuda:sm_80 -o %t.attn 2>&1 | FileCheck %s -DTARGET=cuda --check-prefix=CODE --implicit-check-not=error: --implicit-check-not=remark:
// RUN: not attn-compile %s --region-holes --target=cuda:sm_90a -o %t.attn 2>&1 | FileCheck %s -DTARGET=cuda --check-prefix=CODE --implicit-check-not=error: --implicit-check-not=remark:
// CODE: error: 'attn.hole' op is filled in the text of a shader, but code for the target '[[TARGET]]' is none; write the score or the mask as a region
func.func @live(%q: tensor<1x2x?x64xf32>, %k: tensor<1x2x?x64xf32>, %v: tensor<1x2x?x64xf32>, %slopes: tensor<2xf32>, %o: tensor<1x2x?x64xf32>) -> tensor<1x2x?x64xf32> {
  %r = attn.attention ins(%q, %k, %v : tensor<1x2x?x64xf32>, tensor<1x2x?x64xf32>, tensor<1x2x?x64xf32>)
      captures(%slopes : tensor<2xf32>)
      outs(%o : tensor<1x2x?x64xf32>) -> tensor<1x2x?x64xf32>
  return %r : tensor<1x2x?x64xf32>
}
