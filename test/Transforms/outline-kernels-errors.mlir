// RUN: attn-opt %s -attn-outline-kernels -split-input-file -verify-diagnostics

func.func @rank(%a: memref<f32>, %s: f32) {
  // expected-error@+1 {{is not a grid of at most three dimensions}}
  scf.forall (%i, %j, %k, %l) in (2, 2, 2, 2) {
    memref.store %s, %a[] : memref<f32>
  }
  return
}

// -----

func.func @steps(%a: memref<f32>, %s: f32) {
  // expected-error@+1 {{is not a grid of at most three dimensions from 0 in steps of 1}}
  scf.forall (%i) = (0) to (8) step (2) {
    memref.store %s, %a[] : memref<f32>
  }
  return
}
