// What no pass of a pipeline would lower is said, not left where it is.
// RUN: attn-opt %s -split-input-file -attn-bufferize -verify-diagnostics
// RUN: not attn-opt %s -split-input-file -attn-to-cpu 2>&1 | FileCheck %s --check-prefix=PIPELINE
// PIPELINE-COUNT-2: op is in no func.func of the module that is lowered
// PIPELINE: error: a loop that carries a tensor
// PIPELINE-NOT: error:
// PIPELINE: func.func @updated

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

// -----

// A loop would carry another buffer each time.
!c = tensor<1x2x4x16xf32>
func.func @carried(%q: !c, %k: !c, %n: index) -> !c {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%x = %q) -> !c {
    %e = tensor.empty() : !c
    %y = attn.attention ins(%x, %k, %k : !c, !c, !c) outs(%e : !c) -> !c
    // expected-error@+1 {{a loop that carries a tensor updates it where it lies; end its body with a linalg.copy of the new tensor into the carried one, and yield what that returns}}
    scf.yield %y : !c
  }
  return %r : !c
}

// -----

// As the message says.
!u = tensor<1x2x4x16xf32>
func.func @updated(%q: !u, %k: !u, %n: index) -> !u {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%x = %q) -> !u {
    %e = tensor.empty() : !u
    %y = attn.attention ins(%x, %k, %k : !u, !u, !u) outs(%e : !u) -> !u
    %z = linalg.copy ins(%y : !u) outs(%x : !u) -> !u
    scf.yield %z : !u
  }
  return %r : !u
}
