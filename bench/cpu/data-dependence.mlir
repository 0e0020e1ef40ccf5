// Programs whose time must not depend on the data, and short ones; timed by
//   build/bin/attn-run bench/cpu/data-dependence.mlir --entry=steep --random=B=1,Hq=4,Hkv=1,Sq=1024,Skv=1024 --backend=cpu --threads=1 --bench
// `steep` has weights far below 2^-126, `flat` none; `short` has many small
// problems (Sq=64; Skv=64 is a part of a key tile), `decode` one query (Hq=8, Hkv=1).
!q = tensor<?x?x?x64xf32>
!s = tensor<?x1x?x8xf32>

func.func @steep(%q: !q, %k: !q, %v: !q, %o: !q) -> !q {
  %r = attn.attention ins(%q, %k, %v : !q, !q, !q) outs(%o : !q) {causal = #attn.causal<top_left>}
      score(%x: f32, %b: index, %h: index, %i: index, %j: index) {
        %slope = arith.constant 2.0 : f32
        %distance = arith.subi %j, %i : index
        %d32 = arith.index_cast %distance : index to i32
        %d = arith.sitofp %d32 : i32 to f32
        %bias = arith.mulf %slope, %d : f32
        %y = arith.addf %x, %bias : f32
        attn.yield %y : f32
      } -> !q
  return %r : !q
}

func.func @flat(%q: !q, %k: !q, %v: !q, %o: !q) -> !q {
  %r = attn.attention ins(%q, %k, %v : !q, !q, !q) outs(%o : !q) {causal = #attn.causal<top_left>}
      score(%x: f32, %b: index, %h: index, %i: index, %j: index) {
        %slope = arith.constant 0.001 : f32
        %distance = arith.subi %j, %i : index
        %d32 = arith.index_cast %distance : index to i32
        %d = arith.sitofp %d32 : i32 to f32
        %bias = arith.mulf %slope, %d : f32
        %y = arith.addf %x, %bias : f32
        attn.yield %y : f32
      } -> !q
  return %r : !q
}

func.func @short(%q: !s, %k: !s, %v: !s, %o: !s) -> !s {
  %r = attn.attention ins(%q, %k, %v : !s, !s, !s) outs(%o : !s) -> !s
  return %r : !s
}

func.func @decode(%q: !q, %k: !q, %v: !q, %o: !q) -> !q {
  %r = attn.attention ins(%q, %k, %v : !q, !q, !q) outs(%o : !q) -> !q
  return %r : !q
}
