// RUN: attn-opt %s --attn-add-holes=names=slope --attn-to-metal="launches tile-m=32 tile-n=32" | attn-translate --kernels-to-msl | FileCheck %s

// CHECK: using namespace metal;
// CHECK: static bool tile_hole(int b, int h, int first_i, int last_i, int first_j, int last_j, float slope) {
// CHECK-NEXT: // <tile_hole>
// CHECK-NEXT: return true;
// CHECK-NEXT: // </tile_hole>
// CHECK-NEXT: }
// CHECK: static float score_hole(float s, int b, int h, int i, int j, float slope) {
// CHECK-NEXT: // <score_hole>
// CHECK-NEXT: return s;
// CHECK: static bool mask_hole(int b, int h, int i, int j, float slope) {
// CHECK: kernel void live_kernel0(
// CHECK: if (tile_hole(0, {{.*}})) {
// CHECK: score_hole(
// CHECK: mask_hole(
func.func @live(%q: tensor<1x2x?x64xf32>, %k: tensor<1x2x?x64xf32>, %v: tensor<1x2x?x64xf32>, %slopes: tensor<2xf32>, %o: tensor<1x2x?x64xf32>) -> tensor<1x2x?x64xf32> {
  %r = attn.attention ins(%q, %k, %v : tensor<1x2x?x64xf32>, tensor<1x2x?x64xf32>, tensor<1x2x?x64xf32>)
      captures(%slopes : tensor<2xf32>)
      outs(%o : tensor<1x2x?x64xf32>) -> tensor<1x2x?x64xf32>
  return %r : tensor<1x2x?x64xf32>
}
