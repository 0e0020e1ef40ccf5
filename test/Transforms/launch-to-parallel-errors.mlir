// RUN: attn-opt %s -tile-launch-to-parallel -verify-diagnostics

func.func @f(%s: f32, %n: index) {
  // expected-error@+1 {{names no kernel: nowhere}}
  tile.launch @nowhere grid [%n, %n, %n] (%s) : f32
  return
}
