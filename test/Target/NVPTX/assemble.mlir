// REQUIRES: ptxas
// RUN: attn-opt %s --attn-expand-sugar --attn-make-total --attn-simplify-regions --attn-tile="tile-m=32 tile-n=32" --attn-fuse-online-softmax --attn-outline-kernels --attn-to-nvptx-plain -o %t.mlir
// RUN: attn-translate --kernels-to-ptx --chip=sm_80 %t.mlir -o %t.80.ptx
// RUN: %ptxas -arch=sm_80 -v %t.80.ptx -o /dev/null 2>&1 | FileCheck %s
// RUN: %ptxas -arch=sm_80 -v %t.80.ptx -o /dev/null 2>&1 | FileCheck %s --check-prefix=SMEM
// RUN: attn-translate --kernels-to-ptx --chip=sm_89 %t.mlir -o %t.89.ptx
// RUN: %ptxas -arch=sm_89 -v %t.89.ptx -o /dev/null 2>&1 | FileCheck %s
// RUN: attn-translate --kernels-to-ptx --chip=sm_90a %t.mlir -o %t.90a.ptx
// RUN: %ptxas -arch=sm_90a -v %t.90a.ptx -o /dev/null 2>&1 | FileCheck %s

// No kernel spills, and keys and values share 4 KiB of shared memory.
// CHECK-COUNT-3: , 0 bytes spill stores, 0 bytes spill loads
// CHECK-NOT: spill
// SMEM: entry function 'f32_kernel0'
// SMEM: 4096 bytes smem
func.func @f32(%q: memref<?x4x?x32xf32>, %k: memref<?x4x?x32xf32>, %v: memref<?x4x?x32xf32>, %o: memref<?x4x?x32xf32>) {
  attn.attention ins(%q, %k, %v : memref<?x4x?x32xf32>, memref<?x4x?x32xf32>, memref<?x4x?x32xf32>)
      outs(%o : memref<?x4x?x32xf32>)
  return
}

func.func @causal_f16(%q: memref<?x4x?x32xf16>, %k: memref<?x2x?x32xf16>, %v: memref<?x2x?x32xf16>, %o: memref<?x4x?x32xf16>, %lse: memref<?x4x?xf32>) {
  attn.attention ins(%q, %k, %v : memref<?x4x?x32xf16>, memref<?x2x?x32xf16>, memref<?x2x?x32xf16>)
      outs(%o, %lse : memref<?x4x?x32xf16>, memref<?x4x?xf32>) {causal = #attn.causal<bottom_right>, softcap = 20.0 : f32}
  return
}

// An odd head size, and a region that reads a table.
func.func @region_bf16(%q: memref<1x4x?x19xbf16>, %k: memref<1x4x?x19xbf16>, %v: memref<1x4x?x7xbf16>, %bias: memref<4x?xf32>, %o: memref<1x4x?x7xbf16>) {
  attn.attention ins(%q, %k, %v : memref<1x4x?x19xbf16>, memref<1x4x?x19xbf16>, memref<1x4x?x7xbf16>)
      captures(%bias : memref<4x?xf32>)
      outs(%o : memref<1x4x?x7xbf16>)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index, %t: memref<4x?xf32>) {
        %d = arith.subi %i, %j : index
        %x = memref.load %t[%h, %d] : memref<4x?xf32>
        %e = math.sin %x : f32
        %r = arith.addf %s, %e : f32
        attn.yield %r : f32
      }
      mask(%b: index, %h: index, %i: index, %j: index, %t: memref<4x?xf32>) {
        %d = arith.subi %i, %j : index
        %c3 = arith.constant 3 : index
        %m = arith.remsi %d, %c3 : index
        %c0 = arith.constant 0 : index
        %keep = arith.cmpi eq, %m, %c0 : index
        attn.yield %keep : i1
      }
  return
}
