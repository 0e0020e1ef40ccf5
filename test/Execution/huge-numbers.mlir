// Numbers of 64 bits in a mask: bounds that 64 bits do not hold visit every key
// tile instead of wrapping around (rule 21).
// RUN: attn-run %s --entry=constant --backend=cpu --random=B=1,Sq=200,Skv=300 --check=reference
// RUN: attn-run %s --entry=scaled --backend=cpu --random=B=1,Sq=200,Skv=300 --check=reference
// RUN: attn-run %s --entry=offset --backend=cpu --random=B=1,Sq=200,Skv=300 --check=reference
// RUN: attn-run %s --entry=far --backend=cpu --random=B=1,Sq=20,Skv=30 --check=reference
// RUN: attn-run %s --entry=offset_constant --backend=cpu --random=B=1,Sq=200,Skv=300 --check=reference
// RUN: attn-run %s --entry=far_cap --backend=cpu --random=B=1,Sq=20,Skv=30 --check=reference
// RUN: attn-run %s --entry=subnormal_cap --backend=cpu --random=B=1,Sq=20,Skv=30 --check=reference
// RUN: attn-run %s --entry=cancelled --backend=cpu --random=B=1,Sq=40,Skv=370 --check=reference
// RUN: attn-run %s --entry=always --backend=cpu --random=B=1,Sq=40,Skv=370 --check=reference
// RUN: attn-run %s --entry=never --backend=cpu --random=B=1,Sq=40,Skv=370 --check=reference
// RUN: attn-run %s --entry=long --backend=cpu --random=B=1,Sq=1,Skv=600000 --check=reference
!t = tensor<?x2x?x16xf32>
// Numbers that cancel out of bounds wrap where they do not.
func.func @cancelled(%q: !t, %k: !t, %v: !t, %n: index {attn.values = array<i64: 9223372036854775800, 9223372036854775800>}, %o: !t) -> !t {
  %r = attn.attention ins(%q, %k, %v : !t, !t, !t) captures(%n : index) outs(%o : !t)
      mask(%b: index, %h: index, %i: index, %j: index, %m: index) {
        %x = arith.addi %j, %m : index
        %y = arith.addi %i, %m : index
        %keep = arith.cmpi sle, %x, %y : index
        attn.yield %keep : i1
      } -> !t
  return %r : !t
}
func.func @always(%q: !t, %k: !t, %v: !t, %n: index {attn.values = array<i64: 9223372036854775800, 9223372036854775800>}, %o: !t) -> !t {
  %r = attn.attention ins(%q, %k, %v : !t, !t, !t) captures(%n : index) outs(%o : !t)
      mask(%b: index, %h: index, %i: index, %j: index, %m: index) {
        %x = arith.addi %j, %m : index
        %keep = arith.cmpi sge, %x, %m : index
        attn.yield %keep : i1
      } -> !t
  return %r : !t
}
func.func @never(%q: !t, %k: !t, %v: !t, %n: index {attn.values = array<i64: 9223372036854775800, 9223372036854775800>}, %o: !t) -> !t {
  %r = attn.attention ins(%q, %k, %v : !t, !t, !t) captures(%n : index) outs(%o : !t)
      mask(%b: index, %h: index, %i: index, %j: index, %m: index) {
        %x = arith.addi %j, %m : index
        %keep = arith.cmpi slt, %x, %m : index
        attn.yield %keep : i1
      } -> !t
  return %r : !t
}
// So do products of 32 bits with the number of a key, far behind the first one.
!long = tensor<?x1x?x1xf32>
func.func @long(%q: !long, %k: !long, %v: !long, %o: !long) -> !long {
  %r = attn.attention ins(%q, %k, %v : !long, !long, !long) outs(%o : !long)
      mask(%b: index, %h: index, %i: index, %j: index) {
        %factor = arith.constant 4096 : i32
        %zero = arith.constant 0 : i32
        %x = arith.index_cast %j : index to i32
        %y = arith.muli %x, %factor : i32
        %keep = arith.cmpi sge, %y, %zero : i32
        attn.yield %keep : i1
      } -> !long
  return %r : !long
}
// A cap that means none, and one below which numbers may count as 0.
func.func @far_cap(%q: !t, %k: !t, %v: !t, %o: !t) -> !t {
  %r = attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t) {softcap = 3.4e38} -> !t
  return %r : !t
}
func.func @subnormal_cap(%q: !t, %k: !t, %v: !t, %o: !t) -> !t {
  %r = attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t) {softcap = 1.0e-40}
      score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        %zero = arith.constant 0.0 : f32
        %first = arith.constant 0 : index
        %is_first = arith.cmpi eq, %j, %first : index
        %x = arith.select %is_first, %zero, %s : f32
        attn.yield %x : f32
      } -> !t
  return %r : !t
}
func.func @constant(%q: !t, %k: !t, %v: !t, %o: !t) -> !t {
  %r = attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t)
      mask(%b: index, %h: index, %i: index, %j: index) {
        %low = arith.constant -9223372036854775807 : index
        %distance = arith.subi %i, %j : index
        %keep = arith.cmpi sgt, %distance, %low : index
        attn.yield %keep : i1
      } -> !t
  return %r : !t
}
// What a table holds is not known when the bounds are written: they are
// computed where it fits 32 bits.
func.func @scaled(%q: !t, %k: !t, %v: !t, %table: tensor<300xi64>, %o: !t) -> !t {
  %r = attn.attention ins(%q, %k, %v : !t, !t, !t) captures(%table : tensor<300xi64>) outs(%o : !t)
      mask(%b: index, %h: index, %i: index, %j: index, %t: tensor<300xi64>) {
        %shift = arith.constant 62 : i64
        %one = arith.constant 1 : i64
        %element = tensor.extract %t[%j] : tensor<300xi64>
        %bit = arith.andi %element, %one : i64
        %huge = arith.shli %bit, %shift : i64
        %bound = arith.index_cast %huge : i64 to index
        %distance = arith.subi %i, %bound : index
        %low = arith.constant -4611686018427387904 : index
        %keep = arith.cmpi sge, %distance, %low : index
        %past = arith.cmpi sge, %i, %bound : index
        %either = arith.andi %keep, %past : i1
        attn.yield %either : i1
      } -> !t
  return %r : !t
}
// Positions wrap at 64 bits, wherever the offset comes from.
func.func @offset(%q: !t, %k: !t, %v: !t, %n: i64 {attn.values = array<i64: 90, 110>}, %o: !t) -> !t {
  %most = arith.constant 9223372036854775807 : i64
  %first = arith.subi %most, %n : i64
  %r = attn.attention ins(%q, %k, %v : !t, !t, !t) q_offset(%first : i64) outs(%o : !t)
      {window = #attn.window<left = 30>} -> !t
  return %r : !t
}
func.func @offset_constant(%q: !t, %k: !t, %v: !t, %o: !t) -> !t {
  %first = arith.constant 9223372036854775707 : i64
  %r = attn.attention ins(%q, %k, %v : !t, !t, !t) q_offset(%first : i64) outs(%o : !t)
      {window = #attn.window<right = 30>} -> !t
  return %r : !t
}
// ALiBi's distances do not wrap at 32 bits: the penalties are slopes times 2^40,
// where an f32 holds steps of 2^17.
func.func @far(%q: !t, %k: !t, %v: !t, %n: i64 {attn.values = array<i64: 5, 10>}, %slopes: tensor<2xf32>, %o: !t, %l: tensor<?x2x?xf32>) -> (!t, tensor<?x2x?xf32>) {
  %most = arith.constant 1099511627776 : i64
  %first = arith.subi %most, %n : i64
  %r:2 = attn.attention ins(%q, %k, %v : !t, !t, !t) alibi(%slopes : tensor<2xf32>) q_offset(%first : i64) outs(%o, %l : !t, tensor<?x2x?xf32>) -> !t, tensor<?x2x?xf32>
  return %r#0, %r#1 : !t, tensor<?x2x?xf32>
}
