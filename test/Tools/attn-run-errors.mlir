// Bad input: one message, exit code 2, no output file. A mismatch exits with 1.

// RUN: split-file %s %t
// RUN: attn-run %t/f.mlir --random=1,4,4 --backend=reference --output=%t/o.npy --output=%t/l.npy
// RUN: printf 'not a tensor' > %t/bad.npy

// RUN: bash %t/expect.sh 2 %t/nothing.mlir 2>&1 | FileCheck %s --check-prefix=NOFILE --implicit-check-not="unexpected exit code"
// NOFILE: error: cannot open input file '{{.*}}nothing.mlir'
// RUN: bash %t/expect.sh 2 %t/f.mlir --randm 2>&1 | FileCheck %s --check-prefix=OPTION --implicit-check-not="unexpected exit code"
// OPTION: Unknown command line argument '--randm'
// RUN: bash %t/expect.sh 2 %t/f.mlir --entry=g 2>&1 | FileCheck %s --check-prefix=ENTRY --implicit-check-not="unexpected exit code"
// ENTRY: error: {{.*}}: has no function 'g'; there are f
// RUN: bash %t/expect.sh 2 %t/f.mlir --random=1,4,4 --backend=tpu 2>&1 | FileCheck %s --check-prefix=BACKEND --implicit-check-not="unexpected exit code"
// BACKEND: {{^}}attn-run: error: unknown backend 'tpu'; did you mean 'cpu'?; there are auto, cpu, wasm, cpu-standard, cuda, vulkan, webgpu, metal, metal-shim, reference, unfused
// RUN: bash %t/expect.sh 2 %t/f.mlir --random=1,4 2>&1 | FileCheck %s --check-prefix=SIZE --implicit-check-not="unexpected exit code"
// SIZE: error: --random: sizes are missing for Skv
// RUN: bash %t/expect.sh 2 %t/f.mlir --random=1,4,-4 2>&1 | FileCheck %s --check-prefix=NEGATIVE --implicit-check-not="unexpected exit code"
// NEGATIVE: error: --random: the size Skv is -4, but must not be negative
// RUN: bash %t/expect.sh 2 %t/f.mlir --random=1,4,4 --backend=cpu --chip=x86-64-v3 --tile-n=5 2>&1 | FileCheck %s --check-prefix=TILE --implicit-check-not="unexpected exit code"
// TILE: error: cpu-schedule: tile-n = 5 is not a multiple of the 8 lanes of a vector of 256 bits in 0 .. 4096
// RUN: bash %t/expect.sh 2 %t/f.mlir --random=1,4,4 --backend=cpu --chip=z80 2>&1 | FileCheck %s --check-prefix=CHIP --implicit-check-not="unexpected exit code"
// CHIP: {{^}}attn-run: error: unknown chip 'z80' of the target cpu; {{.*}}known: host, 
// RUN: bash %t/expect.sh 2 %t/f.mlir --random=1,4,4,4 2>&1 | FileCheck %s --check-prefix=SURPLUS --implicit-check-not="unexpected exit code"
// SURPLUS: error: --random: 4 sizes are given, but types leave 3 open
// RUN: bash %t/expect.sh 2 %t/f.mlir --random=B=1,Dk=4 2>&1 | FileCheck %s --check-prefix=NAME --implicit-check-not="unexpected exit code"
// NAME: error: --random: there is no open size Dk; there are B, Sq, Skv
// RUN: bash %t/expect.sh 2 %t/f.mlir --random=B=1,Sq=3,Skv= 2>&1 | FileCheck %s --check-prefix=NUMBER --implicit-check-not="unexpected exit code"
// NUMBER: error: --random: the size Skv is '', not a number
// RUN: bash %t/expect.sh 2 %t/f.mlir --random=B=1,B=2,Sq=3,Skv=3 2>&1 | FileCheck %s --check-prefix=TWICE --implicit-check-not="unexpected exit code"
// TWICE: error: --random: the size B is given twice
// RUN: bash %t/expect.sh 2 %t/scaled.mlir --input=%t/o.npy --input=1e39 2>&1 | FileCheck %s --check-prefix=SCALAR --implicit-check-not="unexpected exit code"
// SCALAR: error: argument 1 '{{.*}}' (--input=1e39): the value 1e39 does not fit its type
// RUN: bash %t/expect.sh 2 %t/f.mlir --random=1,4,4 --rtol=1 2>&1 | FileCheck %s --check-prefix=RTOL --implicit-check-not="unexpected exit code"
// RTOL: error: --rtol is a tolerance of --expect, and none is given
// RUN: bash %t/expect.sh 2 %t/f.mlir --random=1,4,4 --backend=reference --chip=x86-64-v3 2>&1 | FileCheck %s --check-prefix=NOCHIP --implicit-check-not="unexpected exit code"
// NOCHIP: error: the backend 'reference' has no chips
// RUN: bash %t/expect.sh 2 %t/endless.mlir --random --backend=reference 2>&1 | FileCheck %s --check-prefix=CALLS --implicit-check-not="unexpected exit code" --implicit-check-not=error:
// CALLS: endless.mlir:2:8: error: 'func.call' op is nested more than 256 calls deep, which the interpreter does not follow
// RUN: bash %t/expect.sh 2 %t/f.mlir --random=99999999999,99999999999,99999999999 --backend=reference 2>&1 | FileCheck %s --check-prefix=HUGE --implicit-check-not="unexpected exit code"
// HUGE: error: argument 0 'query' has more elements than 63 bits count (rule 21)
// RUN: bash %t/expect.sh 2 %t/f.mlir --backend=reference 2>&1 | FileCheck %s --check-prefix=COUNT --implicit-check-not="unexpected exit code"
// COUNT: error: 'f' reads 3 arguments, but 0 --input are given; --random makes them
// RUN: bash %t/expect.sh 2 %t/f.mlir --backend=reference --input=%t/bad.npy --input=%t/bad.npy --input=%t/bad.npy --output=%t/none.npy 2>&1 | FileCheck %s --check-prefix=NPY --implicit-check-not="unexpected exit code"
// NPY: error: argument 0 'query' (--input={{.*}}bad.npy): {{.*}}bad.npy
// RUN: bash %t/expect.sh 2 %t/f.mlir --backend=reference --input=%t/l.npy --input=%t/o.npy --input=%t/o.npy --output=%t/none.npy 2>&1 | FileCheck %s --check-prefix=RANK --implicit-check-not="unexpected exit code"
// RANK: error: argument 0 'query' (--input={{.*}}): rank 3, expected 4 (expected shape [?,2,?,8])
// RUN: bash %t/expect.sh 2 %t/half.mlir --backend=reference --input=%t/o.npy --input=%t/o.npy --input=%t/o.npy 2>&1 | FileCheck %s --check-prefix=TYPE --implicit-check-not="unexpected exit code"
// TYPE: error: argument 0 'query' (--input={{.*}}): {{.*}}: has elements of type <f4, expected <f2 for f16
// RUN: bash %t/expect.sh 2 %t/brain.mlir --backend=reference --random --output=%t/none.npy 2>&1 | FileCheck %s --check-prefix=BF16 --implicit-check-not="unexpected exit code"
// BF16: error: bf16 has no .npy type; --bf16 stores its bits as uint16
// RUN: bash %t/expect.sh 2 %t/short.mlir --backend=reference --input=%t/o.npy --input=%t/o.npy 2>&1 | FileCheck %s --check-prefix=SHORT --implicit-check-not="unexpected exit code"
// SHORT: error: argument 1 'capture0' {{.*}}: a program takes no elements of type i16; it takes f32,
// RUN: bash %t/expect.sh 2 %t/f.mlir --backend=reference --random=1,4,4 --expect=%t/l.npy 2>&1 | FileCheck %s --check-prefix=EXPECT --implicit-check-not="unexpected exit code"
// EXPECT: error: --expect={{.*}}: is 1x2x4xf32, but output 0 is 1x2x4x8xf32
// RUN: bash %t/expect.sh 2 %t/f.mlir --backend=reference --random=1,4,4 --check=oracle 2>&1 | FileCheck %s --check-prefix=ORACLE --implicit-check-not="unexpected exit code"
// ORACLE: error: --check=oracle: the only check is 'reference'
// RUN: bash %t/expect.sh 2 %t/f.mlir --backend=reference --random=1,4,4 --output=%t/no/such/folder.npy 2>&1 | FileCheck %s --check-prefix=WRITE --implicit-check-not="unexpected exit code"
// WRITE: error: {{.*}}no/such/folder.npy
// RUN: bash %t/expect.sh 2 %t/wrong.mlir --backend=reference --random --output=%t/none.npy 2>&1 | FileCheck %s --check-prefix=VERIFY --implicit-check-not="unexpected exit code"
// VERIFY: wrong.mlir:2:{{.*}}: error: 'attn.attention' op {{.*}} (rule 1)
// RUN: not ls %t/none.npy

// RUN: bash %t/expect.sh 1 %t/f.mlir --backend=reference --random=1,4,4 --seed=2 --expect=%t/o.npy | FileCheck %s --check-prefix=DIFFER --implicit-check-not="unexpected exit code"
// DIFFER: output 0 (1x2x4x8xf32): differs from

// Sizes for which there is no memory.
// RUN: not attn-run %src_root/examples/plain.mlir --random=B=1000000,Sq=100000,Skv=1000 2>&1 | FileCheck %s --check-prefix=MEMORY
// MEMORY: error: random inputs need {{[0-9]+}} bytes up to argument 0, this machine has {{[0-9]+}}

//--- expect.sh
# Runs attn-run; fails unless it exits with the code given first.
code=$1
shift
attn-run "$@"
[ $? -eq "$code" ] || echo "unexpected exit code"
//--- f.mlir
func.func @f(%q: tensor<?x2x?x8xf32>, %k: tensor<?x2x?x8xf32>, %v: tensor<?x2x?x8xf32>,
             %o: tensor<?x2x?x8xf32>, %l: tensor<?x2x?xf32>) -> (tensor<?x2x?x8xf32>, tensor<?x2x?xf32>) {
  %r:2 = attn.attention ins(%q, %k, %v : tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>)
    outs(%o, %l : tensor<?x2x?x8xf32>, tensor<?x2x?xf32>) -> tensor<?x2x?x8xf32>, tensor<?x2x?xf32>
  return %r#0, %r#1 : tensor<?x2x?x8xf32>, tensor<?x2x?xf32>
}
//--- endless.mlir
func.func @endless(%o: tensor<4xf32>) -> tensor<4xf32> {
  %r = func.call @endless(%o) : (tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}
//--- scaled.mlir
func.func @scaled(%q: tensor<1x2x4x8xf32>, %s: f32, %o: tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32> {
  %r = attn.attention ins(%q, %q, %q : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>) scale(%s)
    outs(%o : tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32>
  return %r : tensor<1x2x4x8xf32>
}
//--- half.mlir
func.func @half(%q: tensor<1x2x4x8xf16>, %k: tensor<1x2x4x8xf16>, %v: tensor<1x2x4x8xf16>, %o: tensor<1x2x4x8xf16>) -> tensor<1x2x4x8xf16> {
  %r = attn.attention ins(%q, %k, %v : tensor<1x2x4x8xf16>, tensor<1x2x4x8xf16>, tensor<1x2x4x8xf16>)
    outs(%o : tensor<1x2x4x8xf16>) -> tensor<1x2x4x8xf16>
  return %r : tensor<1x2x4x8xf16>
}
//--- brain.mlir
func.func @brain(%q: tensor<1x2x4x8xbf16>, %o: tensor<1x2x4x8xbf16>) -> tensor<1x2x4x8xbf16> {
  %r = attn.attention ins(%q, %q, %q : tensor<1x2x4x8xbf16>, tensor<1x2x4x8xbf16>, tensor<1x2x4x8xbf16>)
    outs(%o : tensor<1x2x4x8xbf16>) -> tensor<1x2x4x8xbf16>
  return %r : tensor<1x2x4x8xbf16>
}
//--- short.mlir
func.func @short(%q: tensor<1x2x4x8xf32>, %t: tensor<4xi16>, %o: tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32> {
  %r = attn.attention ins(%q, %q, %q : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>)
    captures(%t : tensor<4xi16>) outs(%o : tensor<1x2x4x8xf32>)
    mask(%b: index, %h: index, %i: index, %j: index, %table: tensor<4xi16>) {
      %x = tensor.extract %table[%j] : tensor<4xi16>
      %zero = arith.constant 0 : i16
      %keep = arith.cmpi ne, %x, %zero : i16
      attn.yield %keep : i1
    } -> tensor<1x2x4x8xf32>
  return %r : tensor<1x2x4x8xf32>
}
//--- wrong.mlir
func.func @wrong(%q: tensor<1x2x4x8xf32>, %k: tensor<1x2x4x9xf32>, %o: tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32> {
  %r = attn.attention ins(%q, %k, %q : tensor<1x2x4x8xf32>, tensor<1x2x4x9xf32>, tensor<1x2x4x8xf32>)
    outs(%o : tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32>
  return %r : tensor<1x2x4x8xf32>
}
