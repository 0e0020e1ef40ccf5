// What exp2 makes of any argument, by vscalefps and without: the value within
// 1.5 ULP, 0 below 2^-126, and never a subnormal number on the way, for which
// processors may take a hundred times as long. They tell by a flag.
// REQUIRES: avx512f
// RUN: attn-opt %s --cpu-expand-exp2=scalef -convert-vector-to-llvm=enable-x86vector -convert-scf-to-cf -convert-to-llvm -reconcile-unrealized-casts | %python %S/Inputs/exp2_subnormals.py %llvm_tools_dir
// RUN: attn-opt %s --cpu-expand-exp2 -convert-vector-to-llvm -convert-scf-to-cf -convert-to-llvm -reconcile-unrealized-casts | %python %S/Inputs/exp2_subnormals.py %llvm_tools_dir

func.func @exp2(%in: !llvm.ptr, %out: !llvm.ptr) {
  %x = llvm.load %in {alignment = 4 : i64} : !llvm.ptr -> vector<16xf32>
  %y = math.exp2 %x : vector<16xf32>
  llvm.store %y, %out {alignment = 4 : i64} : vector<16xf32>, !llvm.ptr
  return
}

// exp2(d * log2(e)): the exponential of a difference of scores.
func.func @exp(%in: !llvm.ptr, %out: !llvm.ptr) {
  %c = arith.constant dense<1.44269502> : vector<16xf32>
  %d = llvm.load %in {alignment = 4 : i64} : !llvm.ptr -> vector<16xf32>
  %x = arith.mulf %d, %c : vector<16xf32>
  %y = math.exp2 %x : vector<16xf32>
  llvm.store %y, %out {alignment = 4 : i64} : vector<16xf32>, !llvm.ptr
  return
}
