// AArch64: the same lowering with vectors of 128 bits and 32 registers, no op of
// another instruction set, and an ELF object of NEON code that needs no library.
// RUN: attn-opt %s --tile-attach-target="target=cpu chip=neoverse-n1" | FileCheck %s --check-prefix=TARGET
// TARGET: tile.target = #tile.target<name = "cpu", chip = "neoverse-n1", vector_bits = 128, vector_registers = 32, l1_bytes = 32768, l2_bytes = 524288, workers = 128, features = ["neon"]>

// RUN: attn-opt %s --attn-to-cpu=chip=cortex-a76 | FileCheck %s --check-prefix=LOOPS
// LOOPS-NOT: x86vector
// LOOPS-NOT: vector<{{8|16}}xf32>
// LOOPS: vector<4xf32>
// LOOPS-NOT: x86vector
// LOOPS-NOT: vector<{{8|16}}xf32>

// RUN: attn-compile %s --target=cpu:apple-m1 -o %t.attn
// RUN: attn-compile --inspect=%t.attn | FileCheck %s --check-prefix=ARTIFACT
// ARTIFACT: cpu:apple-m1, needs neon
// RUN: %python -c "import sys; data = open(sys.argv[1], 'rb').read(); open(sys.argv[2], 'wb').write(data[data.index(b'\x7fELF'):])" %t.attn %t.so
// RUN: %llvm_tools_dir/llvm-objdump -d %t.so | FileCheck %s --check-prefix=CODE
// CODE: file format elf64-littleaarch64
// CODE: fmla{{.*}}.4s

// Chips of both kinds in one artifact, and a host that can run none of it.
// RUN: attn-compile %s --target=cpu:x86-64-v3,cpu:cortex-a76 -o %t.both
// RUN: attn-compile --inspect=%t.both | grep '^[a-z0-9].*:' | FileCheck %s --check-prefix=BOTH
// BOTH: cpu:x86-64-v3, needs {{.*}}avx2
// BOTH-NEXT: cpu:cortex-a76, needs neon
// RUN: not attn-compile %s --target=cpu:cortex -o %t.bad 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// UNKNOWN: unknown chip 'cortex' of the target cpu; did you mean 'cortex-

func.func @f(%q: tensor<?x2x?x32xf16>, %k: tensor<?x2x?x32xf16>, %v: tensor<?x2x?x32xf16>,
             %o: tensor<?x2x?x32xf16>) -> tensor<?x2x?x32xf16> {
  %r = attn.attention ins(%q, %k, %v : tensor<?x2x?x32xf16>, tensor<?x2x?x32xf16>, tensor<?x2x?x32xf16>)
      outs(%o : tensor<?x2x?x32xf16>) {causal = #attn.causal<bottom_right>} -> tensor<?x2x?x32xf16>
  return %r : tensor<?x2x?x32xf16>
}
