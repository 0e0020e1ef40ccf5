// A sliding window of 96 keys, and a sink a head: a key without a value that takes its
// share of the attention (StreamingLLM).
!t = tensor<1x4x?x64xf32>
func.func @window_sinks(%q: !t, %k: !t, %v: !t, %sinks: tensor<4xf32>, %o: !t) -> !t {
  %r = attn.attention ins(%q, %k, %v : !t, !t, !t) sink(%sinks : tensor<4xf32>)
      outs(%o : !t) {causal = #attn.causal<top_left>, window = #attn.window<left = 95>} -> !t
  return %r : !t
}
