// Code for x86-64 is made without a linker; what a linker makes computes the same.
// RUN: rm -rf %t.dir && mkdir %t.dir
// RUN: env PATH=%t.dir %build_root/bin/attn-compile %s --target=cpu:x86-64-v4 -o %t.attn
// RUN: %python -c "import sys; data = open(sys.argv[1], 'rb').read(); open(sys.argv[2], 'wb').write(data[data.index(b'\x7fELF'):])" %t.attn %t.so
// RUN: %llvm_tools_dir/llvm-readelf -lW --dyn-syms -d -S %t.so | FileCheck %s
// RUN: %llvm_tools_dir/llvm-objdump -d %t.so | FileCheck %s --check-prefix=CODE

// Functions begin at lines, and nothing is both written and run.
// CHECK: .text PROGBITS {{[0-9a-f]*[048c]0 .* AX 0 0 64$}}
// CHECK: .rodata{{.*}} PROGBITS
// CHECK: LOAD {{.*}} R E 0x1000
// CHECK-NEXT: LOAD {{.*}} RW 0x1000
// CHECK-NEXT: DYNAMIC {{.*}} RW 0x8
// CHECK-NEXT: GNU_STACK {{.*}} RW
// CHECK-NOT: NEEDED
// CHECK: (HASH)
// CHECK-NOT: NEEDED
// CHECK: FUNC GLOBAL DEFAULT {{.*}} f_kernel
// CHECK: FUNC GLOBAL DEFAULT {{.*}} f_kernel

// CODE: file format elf64-x86-64
// CODE: <f_kernel{{[0-9]}}>:
// CODE: {{vfmadd.*zmm}}

// RUN: attn-run %s --random=B=1,Sq=20,Skv=40 --backend=cpu --output=%t.own.npy
// RUN: env ATTN_LINKER=ld attn-run %s --random=B=1,Sq=20,Skv=40 --backend=cpu --output=%t.linked.npy
// RUN: cmp %t.own.npy %t.linked.npy
// RUN: attn-run %s --random=B=1,Sq=20,Skv=40 --backend=cpu --expect=%t.linked.npy --check=reference

// Another machine's code needs a linker, and the environment may name one.
// RUN: not env PATH=%t.dir %build_root/bin/attn-compile %s --target=cpu:cortex-a76 -o %t.bad 2>&1 | FileCheck %s --check-prefix=NONE
// NONE: error: kernels for aarch64 need a linker; none of ld.lld-22, {{.*}} is on the PATH
// RUN: not env ATTN_LINKER=no-such-linker attn-compile %s --target=cpu:x86-64-v4 -o %t.bad 2>&1 | FileCheck %s --check-prefix=GIVEN
// GIVEN: error: there is no linker 'no-such-linker', which ATTN_LINKER names

func.func @f(%q: tensor<?x2x?x32xf32>, %k: tensor<?x2x?x32xf32>, %v: tensor<?x2x?x32xf32>,
             %o: tensor<?x2x?x32xf32>) -> tensor<?x2x?x32xf32> {
  %r = attn.attention ins(%q, %k, %v : tensor<?x2x?x32xf32>, tensor<?x2x?x32xf32>, tensor<?x2x?x32xf32>)
      outs(%o : tensor<?x2x?x32xf32>) -> tensor<?x2x?x32xf32>
  return %r : tensor<?x2x?x32xf32>
}
