// RUN: attn-opt %s --transform-interpreter --split-input-file --verify-diagnostics

// Three query heads of groups of four would share key heads unevenly (rule 2).
!q = tensor<2x8x64x32xf32>
!kv = tensor<2x2x64x32xf32>
func.func @uneven_groups(%q: !q, %k: !kv, %v: !kv, %o: !q) -> !q {
  // expected-error @+2 {{tile operation}}
  // expected-error @+1 {{failed to generate tiling loops}}
  %r = attn.attention ins(%q, %k, %v : !q, !kv, !kv) outs(%o : !q) -> !q
  return %r : !q
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["attn.attention"]} in %root : (!transform.any_op) -> !transform.any_op
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [0, 3, 0] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// Until sugar is expanded there is nothing to tile.
!q = tensor<2x8x64x32xf32>
func.func @sugar(%q: !q, %k: !q, %v: !q, %o: !q) -> !q {
  // expected-note @+1 {{target op}}
  %r = attn.attention ins(%q, %k, %v : !q, !q, !q) outs(%o : !q) {causal = #attn.causal<top_left>} -> !q
  return %r : !q
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["attn.attention"]} in %root : (!transform.any_op) -> !transform.any_op
    // expected-error @+1 {{too many tiles provided, expected at most 0 found 3}}
    %tiled, %loop = transform.structured.tile_using_for %op tile_sizes [0, 0, 16] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}
