// What no pass of a pipeline would lower is said, not left where it is.
// RUN: attn-opt %s -split-input-file -attn-bufferize -verify-diagnostics
// RUN: not attn-opt %s -split-input-file -attn-to-cpu 2>&1 | FileCheck %s --check-prefix=PIPELINE
// PIPELINE-COUNT-2: op is in no func.func of the module that is lowered

!t = tensor<1x2x4x16xf32>
module {
  module @inner {
    func.func @f(%q: !t, %o: !t) -> !t {
      // expected-error@+1 {{op is in no func.func of the module that is lowered; run the pipeline on the module around it}}
      %r = attn.attention ins(%q, %q, %q : !t, !t, !t) outs(%o : !t) -> !t
      return %r : !t
    }
  }
}

// -----

!m = memref<1x2x4x16xf32>
gpu.module @kernels {
  gpu.func @f(%q: !m, %o: !m) {
    // expected-error@+1 {{op is in no func.func of the module that is lowered; run the pipeline on the module around it}}
    attn.attention ins(%q, %q, %q : !m, !m, !m) outs(%o : !m)
    gpu.return
  }
}
