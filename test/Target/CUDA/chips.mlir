// RUN: attn-compile %s --target=cuda --chip=sm_80 -o %t.80
// RUN: FileCheck %s --check-prefix=MMA -DCHIP=sm_80 --input-file=%t.80
// RUN: attn-compile %s --target=cuda --chip=sm_86 -o %t.86
// RUN: FileCheck %s --check-prefix=MMA -DCHIP=sm_86 --input-file=%t.86
// RUN: attn-compile %s --target=cuda --chip=sm_89 -o %t.89
// RUN: FileCheck %s --check-prefix=MMA -DCHIP=sm_89 --input-file=%t.89
// RUN: attn-compile %s --target=cuda -o %t.90
// RUN: FileCheck %s --check-prefix=WGMMA --input-file=%t.90
// RUN: attn-compile %s --target=cuda --chip=sm_90a --tile-m=32 -o %t.short 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: FileCheck %s --check-prefix=MMA -DCHIP=sm_90a --input-file=%t.short
// RUN: not attn-compile %s --target=cuda --chip=sm_75 -o %t.75 2>&1 | FileCheck %s --check-prefix=ERROR

// Chips without wgmma get mma.sync, and so does on Hopper what its lowering
// cannot take.
//    MMA: "chip":"[[CHIP]]"
//    MMA: .target [[CHIP]]
//    MMA: mma.sync.aligned.m16n8k16
//  WGMMA: "chip":"sm_90a"
//  WGMMA: wgmma.mma_async
// REMARK: remark: not lowered to Hopper's tensor cores: a query tile of 32 rows is not one to three warpgroups of 64
//  ERROR: error: unknown chip 'sm_75' of the target cuda; {{.*}}known: sm_80, sm_86, sm_89, sm_90a
!t = memref<1x1x128x64xf16>
func.func @f(%q: !t, %k: !t, %v: !t, %o: !t) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t)
  return
}
