// Host arithmetic means what arith says: divsi rounds towards zero, truth
// values are 0 and 1. The run fails if an assertion does.
// RUN: attn-run %s --backend=cpu --random=
!m = memref<1x1x5x16xf32>
func.func @negative(%q: !m, %o: !m, %n: index {attn.values = array<i64: -7, -7>}) {
  %c2 = arith.constant 2 : index
  %c0 = arith.constant 0 : index
  %true = arith.constant true
  %halves = arith.divsi %n, %c2 : index
  %c-3 = arith.constant -3 : index
  %a = arith.cmpi eq, %halves, %c-3 : index
  cf.assert %a, "-7 divsi 2 is -3"
  %rest = arith.remsi %n, %c2 : index
  %c-1 = arith.constant -1 : index
  %b = arith.cmpi eq, %rest, %c-1 : index
  cf.assert %b, "-7 remsi 2 is -1"
  %floor = arith.floordivsi %n, %c2 : index
  %c-4 = arith.constant -4 : index
  %c = arith.cmpi eq, %floor, %c-4 : index
  cf.assert %c, "-7 floordivsi 2 is -4"
  %ceil = arith.ceildivsi %n, %c2 : index
  %d = arith.cmpi eq, %ceil, %c-3 : index
  cf.assert %d, "-7 ceildivsi 2 is -3"
  %negative = arith.cmpi slt, %n, %c0 : index
  %e = arith.cmpi eq, %negative, %true : i1
  cf.assert %e, "a comparison that holds is true"
  %positive = arith.xori %negative, %true : i1
  %f = arith.ori %positive, %negative : i1
  %g = arith.xori %positive, %f : i1
  cf.assert %g, "exclusive or"
  attn.attention ins(%q, %q, %q : !m, !m, !m) outs(%o : !m)
  return
}
