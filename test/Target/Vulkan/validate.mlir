// REQUIRES: spirv-val
// What attention becomes is valid for Vulkan 1.1: causal with grouped heads, odd
// head sizes of 16 bits and row statistics; tables.
// RUN: rm -rf %t && mkdir %t
// RUN: attn-compile %s --entry=causal --target=vulkan -o %t/causal.attn
// RUN: attn-compile %s --entry=regions --target=vulkan -o %t/regions.attn
// The same with shuffles.
// RUN: attn-compile %s --entry=causal --target=vulkan --chip=vulkan-subgroup -o %t/causal4.attn
// RUN: attn-compile %s --entry=regions --target=vulkan --chip=vulkan-subgroup -o %t/regions4.attn
// RUN: %python %S/Inputs/validate.py %t %spirv_val | FileCheck %s
// CHECK: {{[0-9]+}} modules, 0 invalid
// The same with matrices where sizes are multiples of theirs.
// RUN: rm -rf %t && mkdir %t
// RUN: attn-compile %s --entry=causal --target=vulkan --chip=vulkan-matrix -o %t/causal.attn
// RUN: attn-compile %s --entry=matrices --target=vulkan --chip=vulkan-matrix -o %t/matrices.attn
// RUN: attn-compile %s --entry=bfloats --target=vulkan --chip=vulkan-matrix -o %t/words.attn
// RUN: attn-compile %s --entry=bfloats --target=vulkan --chip=vulkan-matrix-bf16 -o %t/bfloats.attn
// RUN: attn-compile %s --entry=bfloats --target=vulkan --chip=vulkan-matrix-bf16-map -o %t/map.attn
// RUN: %python %S/Inputs/validate.py %t %spirv_val --target-env vulkan1.3 | FileCheck %s

func.func @causal(%q: memref<?x4x?x19xf16>, %k: memref<?x2x?x19xf16>, %v: memref<?x2x?x7xf16>, %o: memref<?x4x?x7xf16>, %lse: memref<?x4x?xf32>) {
  attn.attention ins(%q, %k, %v : memref<?x4x?x19xf16>, memref<?x2x?x19xf16>, memref<?x2x?x7xf16>)
      outs(%o, %lse : memref<?x4x?x7xf16>, memref<?x4x?xf32>)
      {causal = #attn.causal<bottom_right>, softcap = 20.0 : f32}
  return
}

func.func @regions(%q: memref<1x4x?x32xf32>, %k: memref<1x4x?x32xf32>, %v: memref<1x4x?x32xf32>, %bias: memref<4x?xf32>, %ids: memref<?xi32>, %o: memref<1x4x?x32xf32>) {
  attn.attention ins(%q, %k, %v : memref<1x4x?x32xf32>, memref<1x4x?x32xf32>, memref<1x4x?x32xf32>)
      captures(%bias, %ids : memref<4x?xf32>, memref<?xi32>)
      outs(%o : memref<1x4x?x32xf32>)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index, %t: memref<4x?xf32>, %u: memref<?xi32>) {
        %x = memref.load %t[%h, %j] : memref<4x?xf32>
        %y = arith.addf %s, %x : f32
        attn.yield %y : f32
      }
      mask(%b: index, %h: index, %i: index, %j: index, %u: memref<4x?xf32>, %t: memref<?xi32>) {
        %c = arith.cmpi uge, %i, %j : index
        %n = memref.load %t[%j] : memref<?xi32>
        %m = memref.load %t[%i] : memref<?xi32>
        %e = arith.cmpi eq, %n, %m : i32
        %f = arith.andi %c, %e : i1
        attn.yield %f : i1
      }
  return
}

func.func @bfloats(%q: memref<?x4x?x40xbf16>, %k: memref<?x2x?x40xbf16>, %v: memref<?x2x?x32xbf16>, %o: memref<?x4x?x32xbf16>, %bias: memref<?xbf16>) {
  attn.attention ins(%q, %k, %v : memref<?x4x?x40xbf16>, memref<?x2x?x40xbf16>, memref<?x2x?x32xbf16>)
      captures(%bias : memref<?xbf16>)
      outs(%o : memref<?x4x?x32xbf16>)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index, %t: memref<?xbf16>) {
        %x = memref.load %t[%j] : memref<?xbf16>
        %y = arith.extf %x : bf16 to f32
        %z = arith.addf %s, %y : f32
        attn.yield %z : f32
      }
  return
}

func.func @matrices(%q: memref<?x4x?x64xf16>, %k: memref<?x2x?x64xf16>, %v: memref<?x2x?x32xf16>, %o: memref<?x4x?x32xf16>, %lse: memref<?x4x?xf32>) {
  attn.attention ins(%q, %k, %v : memref<?x4x?x64xf16>, memref<?x2x?x64xf16>, memref<?x2x?x32xf16>)
      outs(%o, %lse : memref<?x4x?x32xf16>, memref<?x4x?xf32>)
      {causal = #attn.causal<bottom_right>, softcap = 20.0 : f32}
  return
}
