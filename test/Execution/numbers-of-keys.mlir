// Scores so large that one of a key that is not there would decide a row: the
// rows behind the keys of the first head are keys of the second one. Three
// vectors of rows, whose products take 8 keys at a time, then 6, then one.
// RUN: sh -ec 'for n in 1 5 6 7 8 11 12 13 14 18 20 30 90; do attn-run %s --backend=cpu --tile-m=48 --random=Skv=$n --check=reference; done' | FileCheck %s
// RUN: sh -ec 'for n in 5 6 12 13; do attn-run %s --backend=cpu --tile-m=48 --tile-n=32 --random=Skv=$n --check=reference; done' | FileCheck %s --check-prefix=SMALL
// CHECK-COUNT-13: output 0 {{.*}}: matches the reference
// SMALL-COUNT-4: output 0 {{.*}}: matches the reference
func.func @f(%q: tensor<1x2x40x16xf32>, %k: tensor<1x2x?x16xf32>, %v: tensor<1x2x?x8xf32>, %o: tensor<1x2x40x8xf32>) -> tensor<1x2x40x8xf32> {
  %r = attn.attention ins(%q, %k, %v : tensor<1x2x40x16xf32>, tensor<1x2x?x16xf32>, tensor<1x2x?x8xf32>)
      outs(%o : tensor<1x2x40x8xf32>) {scale_value = 100.0} -> tensor<1x2x40x8xf32>
  return %r : tensor<1x2x40x8xf32>
}
