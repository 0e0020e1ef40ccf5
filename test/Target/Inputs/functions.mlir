// Every function and every op that other languages leave undefined (rule 8).
!t = memref<?x?x?x64xf16>
func.func @functions(%q: !t, %k: !t, %v: !t, %table: memref<?x?xf32>, %bits: memref<?xi8>, %o: !t) {
  attn.attention ins(%q, %k, %v : !t, !t, !t) captures(%table, %bits : memref<?x?xf32>, memref<?xi8>) outs(%o : !t)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index, %t: memref<?x?xf32>, %u: memref<?xi8>) {
        %c0 = arith.constant 0 : index
        %c2 = arith.constant 2 : index
        %c5 = arith.constant 5 : index
        %far = arith.constant 1000000000 : index
        %low = arith.constant -3.0 : f32
        %high = arith.constant 2.5 : f32
        %read = memref.load %t[%b, %h] : memref<?x?xf32>
        %sum = scf.for %n = %c0 to %c5 step %c2 iter_args(%x = %read) -> f32 {
          %entry = memref.load %t[%far, %n] : memref<?x?xf32>
          %next = arith.addf %x, %entry : f32
          scf.yield %next : f32
        }
        %floor = math.floor %sum : f32
        %ceil = math.ceil %sum : f32
        %round = math.round %sum : f32
        %even = math.roundeven %sum : f32
        %trunc = math.trunc %sum : f32
        %fc = arith.subf %floor, %ceil : f32
        %re = math.fma %round, %even, %trunc : f32
        %a = math.absf %s : f32
        %power = math.powf %a, %read : f32
        %log = math.log1p %power : f32
        %log2 = math.log2 %log : f32
        %erf = math.erf %s : f32
        %inside = math.clampf %log2 to [%low, %high] : f32
        %xy = arith.addf %fc, %re : f32
        %zw = arith.addf %erf, %inside : f32
        %all = arith.addf %xy, %zw : f32
        %isnan = math.isnan %all : f32
        %r = arith.select %isnan, %s, %all : f32
        attn.yield %r : f32
      }
      mask(%b: index, %h: index, %i: index, %j: index, %t: memref<?x?xf32>, %u: memref<?xi8>) {
        %zero = arith.constant 0 : index
        %four = arith.constant 4 : index
        %far = arith.constant 1000000000 : index
        %ok = arith.cmpi ne, %b, %zero : index
        %x = scf.if %ok -> index {
          %quotient = arith.divsi %i, %b : index
          scf.yield %quotient : index
        } else {
          %rest = arith.remsi %j, %h : index
          scf.yield %rest : index
        }
        %y = arith.shli %j, %i : index
        %z = arith.shrui %j, %four : index
        %w = arith.shrsi %i, %h : index
        %byte = memref.load %u[%far] : memref<?xi8>
        %count = math.ctpop %byte : i8
        %wide = arith.extui %count : i8 to i32
        %bits32 = math.ctpop %wide : i32
        %n = arith.index_cast %bits32 : i32 to index
        %f = memref.load %t[%h, %b] : memref<?x?xf32>
        %g = arith.fptosi %f : f32 to i32
        %m = arith.index_cast %g : i32 to index
        %xy = arith.xori %x, %y : index
        %zw = arith.addi %z, %w : index
        %nm = arith.addi %n, %m : index
        %left = arith.addi %xy, %zw : index
        %keep = arith.cmpi sle, %left, %nm : index
        attn.yield %keep : i1
      }
  return
}
