// Key tiles are sized from the description of the caches: a smaller L1, a
// smaller score tile.
// RUN: attn-run %s --backend=cpu --chip=x86-64-v3 --random=Sq=64,Skv=64 --explain --check=reference | FileCheck %s
// CHECK: {{^}}  target x86-64-v3: 256-bit vectors, 16 vector registers, 16 KiB of L1
// CHECK: {{^}}  48 keys a tile: the score tile takes 12 KiB
// CHECK: matches the reference
// REQUIRES: avx2
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"CPU" = #dlti.target_device_spec<"L1_cache_size_in_bytes" = 16384 : i64>>} {
  func.func @f(%q: tensor<1x2x?x16xf32>, %k: tensor<1x2x?x16xf32>, %v: tensor<1x2x?x16xf32>, %o: tensor<1x2x?x16xf32>) -> tensor<1x2x?x16xf32> {
    %r = attn.attention ins(%q, %k, %v : tensor<1x2x?x16xf32>, tensor<1x2x?x16xf32>, tensor<1x2x?x16xf32>) outs(%o : tensor<1x2x?x16xf32>) -> tensor<1x2x?x16xf32>
    return %r : tensor<1x2x?x16xf32>
  }
}
