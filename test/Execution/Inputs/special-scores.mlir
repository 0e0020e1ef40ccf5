// Scores that weights of 16 bits must not lose: a row with NaN, one with +inf,
// one whose keys are but for one not attended; rows whose scores are huge, of
// either sign, so that neighbours among them are far apart.
func.func @special(%q: memref<?x2x?x64xbf16>, %k: memref<?x2x?x64xbf16>, %v: memref<?x2x?x64xbf16>, %o: memref<?x2x?x64xbf16>) {
  attn.attention ins(%q, %k, %v : memref<?x2x?x64xbf16>, memref<?x2x?x64xbf16>, memref<?x2x?x64xbf16>) outs(%o : memref<?x2x?x64xbf16>)
  score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
    %nan = arith.constant 0x7fc00000 : f32
    %inf = arith.constant 0x7f800000 : f32
    %none = arith.constant 0xff800000 : f32
    %large = arith.constant 1.0e+9 : f32
    %huge = arith.constant 1.0e+30 : f32
    %negative = arith.constant -1.0e+37 : f32
    %c3 = arith.constant 3 : index
    %c4 = arith.constant 4 : index
    %c5 = arith.constant 5 : index
    %c6 = arith.constant 6 : index
    %c7 = arith.constant 7 : index
    %c8 = arith.constant 8 : index
    %c201 = arith.constant 201 : index
    %isKey = arith.cmpi eq, %j, %c201 : index
    %is3 = arith.cmpi eq, %i, %c3 : index
    %is4 = arith.cmpi eq, %i, %c4 : index
    %is5 = arith.cmpi eq, %i, %c5 : index
    %is6 = arith.cmpi eq, %i, %c6 : index
    %is7 = arith.cmpi eq, %i, %c7 : index
    %is8 = arith.cmpi eq, %i, %c8 : index
    %nanHere = arith.andi %is3, %isKey : i1
    %infHere = arith.andi %is4, %isKey : i1
    %s0 = arith.select %nanHere, %nan, %s : f32
    %s1 = arith.select %infHere, %inf, %s0 : f32
    %lone = arith.select %isKey, %s1, %none : f32
    %s2 = arith.select %is5, %lone, %s1 : f32
    %times6 = arith.mulf %s2, %large : f32
    %s3 = arith.select %is6, %times6, %s2 : f32
    %times7 = arith.mulf %s3, %huge : f32
    %s4 = arith.select %is7, %times7, %s3 : f32
    %below = arith.addf %s4, %negative : f32
    %s5 = arith.select %is8, %below, %s4 : f32
    attn.yield %s5 : f32
  }
  return
}
