// Mask: causal, in windows that no 32 bits hold: i - j < 2^31, j - i <= 2^40.
// Both are true wherever j <= i.
!t = tensor<?x?x?x64xf32>
!l = tensor<?x?x?xf32>

func.func @huge_window(%q: !t, %k: !t, %v: !t,
    %o: !t, %l: !l) -> (!t, !l) {
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t)
    outs(%o, %l : !t, !l)
    mask(%b: index, %h: index, %i: index, %j: index) {
      %left = arith.constant 2147483648 : index
      %right = arith.constant 1099511627776 : index
      %diff = arith.subi %i, %j : index
      %back = arith.subi %j, %i : index
      %causal = arith.cmpi sle, %j, %i : index
      %near = arith.cmpi slt, %diff, %left : index
      %ahead = arith.cmpi sle, %back, %right : index
      %and = arith.andi %causal, %near : i1
      %and3 = arith.andi %and, %ahead : i1
      attn.yield %and3 : i1
    }
    -> !t, !l
  return %r#0, %r#1 : !t, !l
}
