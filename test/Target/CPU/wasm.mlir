// WebAssembly: the same lowering with vectors of 128 bits, and a module that
// needs no library: its memory is all that it imports.
// RUN: attn-opt %s --tile-attach-target="target=cpu chip=wasm32" | FileCheck %s --check-prefix=TARGET
// TARGET: tile.target = #tile.target<name = "cpu", chip = "wasm32", vector_bits = 128, vector_registers = 12, l1_bytes = 32768, l2_bytes = 524288, workers = 128, features = ["simd128"]>

// Blocks of four columns and two vectors of rows: engines have no more registers.
// RUN: attn-opt %s --tile-attach-target="target=cpu chip=wasm32" --attn-to-cpu | FileCheck %s --check-prefix=BLOCK
// BLOCK: %{{[0-9]+}}:8 = scf.for {{.*}} -> (vector<4xf32>, vector<4xf32>,

// RUN: attn-compile %s --target=cpu:wasm32 -o %t.attn
// RUN: attn-compile --inspect=%t.attn | FileCheck %s --check-prefix=ARTIFACT
// ARTIFACT: cpu:wasm32, needs simd128
// RUN: %python -c "import sys; data = open(sys.argv[1], 'rb').read(); open(sys.argv[2], 'wb').write(data[data.index(b'\0asm'):])" %t.attn %t.wasm
// RUN: %if node %{ node -e "const m = new WebAssembly.Module(require('fs').readFileSync('%t.wasm')); console.log(JSON.stringify([WebAssembly.Module.imports(m), WebAssembly.Module.exports(m)]))" | FileCheck %s --check-prefix=NEEDS %}
// NEEDS: {{^\[\[}}{"module":"env","name":"memory","kind":"memory"}],
// NEEDS-SAME: "name":"f_kernel0","kind":"function"
// NEEDS-SAME: "name":"__heap_base"

// An engine without SIMD, or this machine, runs none of it.
// RUN: not attn-run %s --chip=wasm32 --random=B=1,Sq=4,Skv=4 2>&1 | FileCheck %s --check-prefix=HOST
// HOST: error: the artifact was compiled for cpu:wasm32; {{.*}}simd128

func.func @f(%q: tensor<?x2x?x32xf16>, %k: tensor<?x2x?x32xf16>, %v: tensor<?x2x?x32xf16>,
             %o: tensor<?x2x?x32xf16>) -> tensor<?x2x?x32xf16> {
  %r = attn.attention ins(%q, %k, %v : tensor<?x2x?x32xf16>, tensor<?x2x?x32xf16>, tensor<?x2x?x32xf16>)
      outs(%o : tensor<?x2x?x32xf16>) {causal = #attn.causal<bottom_right>} -> tensor<?x2x?x32xf16>
  return %r : tensor<?x2x?x32xf16>
}
