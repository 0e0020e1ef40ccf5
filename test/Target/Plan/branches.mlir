// A branch on sizes becomes conditions of launches, checks and temporaries:
// attention runs with the keys split only where few rows ask for it.
// RUN: attn-run %s --backend=cpu --check=reference --random=B=1,Hq=4,Hkv=2,Sq=3,Skv=500 | FileCheck %s
// RUN: attn-run %s --backend=cpu --check=reference --random=B=1,Hq=4,Hkv=2,Sq=100,Skv=500 | FileCheck %s
// CHECK: output 0 {{.*}} matches the reference
func.func @f(%q: memref<?x?x?x64xf32>, %k: memref<?x?x?x64xf32>, %v: memref<?x?x?x64xf32>, %o: memref<?x?x?x64xf32>) {
  %c2 = arith.constant 2 : index
  %c16 = arith.constant 16 : index
  %rows = memref.dim %q, %c2 : memref<?x?x?x64xf32>
  %few = arith.cmpi sle, %rows, %c16 : index
  scf.if %few {
    attn.attention ins(%q, %k, %v : memref<?x?x?x64xf32>, memref<?x?x?x64xf32>, memref<?x?x?x64xf32>)
        outs(%o : memref<?x?x?x64xf32>) {attn.schedule = #attn.schedule<tile_m = 32, tile_n = 32, workers = 40>}
  } else {
    attn.attention ins(%q, %k, %v : memref<?x?x?x64xf32>, memref<?x?x?x64xf32>, memref<?x?x?x64xf32>)
        outs(%o : memref<?x?x?x64xf32>)
  }
  return
}
