// Fused causal attention in the outlined tile form: f32, 4 query heads a key
// head, head size 32, tiles of 32 queries and 32 keys, any lengths.
func.func private @causal(%q: memref<f32> loc("q"), %k: memref<f32> loc("k"), %v: memref<f32> loc("v"), %o: memref<f32> loc("o"), %lse: memref<f32> loc("lse"),
    %nb: index {tile.size = 1073676288 : index} loc("batches"), %sq: index {tile.size = 1073676288 : index} loc("queries"), %skv: index {tile.size = 1073676288 : index} loc("keys"), %scale: f32 loc("scale"),
    %x: index {tile.size = 1073676287 : index}, %y: index {tile.size = 7 : index}, %z: index {tile.size = 33552383 : index}, %nx: index {tile.size = 1073676288 : index}, %ny: index {tile.size = 8 : index}, %nz: index {tile.size = 33552384 : index}) attributes {tile.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %c32 = arith.constant 32 : index
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %neg_inf = arith.constant 0xFF800000 : f32
  %log2e = arith.constant 1.44269504 : f32
  %sq32 = arith.muli %sq, %c32 : index
  %skv32 = arith.muli %skv, %c32 : index
  %c8 = arith.constant 8 : index
  %c2 = arith.constant 2 : index
  %qb = arith.muli %sq32, %c8 : index
  %kb = arith.muli %skv32, %c2 : index
  %lb = arith.muli %sq, %c8 : index
  %qm = memref.reinterpret_cast %q to offset: [0], sizes: [%nb, 8, %sq, 32], strides: [%qb, %sq32, 32, 1] : memref<f32> to memref<?x8x?x32xf32, strided<[?, ?, 32, 1]>>
  %km = memref.reinterpret_cast %k to offset: [0], sizes: [%nb, 2, %skv, 32], strides: [%kb, %skv32, 32, 1] : memref<f32> to memref<?x2x?x32xf32, strided<[?, ?, 32, 1]>>
  %vm = memref.reinterpret_cast %v to offset: [0], sizes: [%nb, 2, %skv, 32], strides: [%kb, %skv32, 32, 1] : memref<f32> to memref<?x2x?x32xf32, strided<[?, ?, 32, 1]>>
  %om = memref.reinterpret_cast %o to offset: [0], sizes: [%nb, 8, %sq, 32], strides: [%qb, %sq32, 32, 1] : memref<f32> to memref<?x8x?x32xf32, strided<[?, ?, 32, 1]>>
  %lm = memref.reinterpret_cast %lse to offset: [0], sizes: [%nb, 8, %sq], strides: [%lb, %sq, 1] : memref<f32> to memref<?x8x?xf32, strided<[?, ?, 1]>>
  %hk = arith.divui %y, %c4 : index
  %i0 = arith.muli %z, %c32 : index
  %rows = arith.subi %sq, %i0 : index
  %qt = tile.load %qm[%x, %y, %i0, %c0] valid [%rows, %c32] : memref<?x8x?x32xf32, strided<[?, ?, 32, 1]>> -> !tile.tile<32x32xf32>
  // Key tiles 0 .. n are attended, those below the diagonal in full.
  %last = arith.addi %i0, %c32 : index
  %end = arith.minsi %last, %skv : index
  %n = arith.ceildivsi %end, %c32 : index
  %m_init = tile.splat %neg_inf : f32 -> !tile.tile<32xf32>
  %l_init = tile.splat %zero : f32 -> !tile.tile<32xf32>
  %acc_init = tile.splat %zero : f32 -> !tile.tile<32x32xf32>
  %s_init = tile.splat %zero : f32 -> !tile.tile<32x32xf32>
  %r:3 = scf.for %it = %c0 to %n step %c1 iter_args(%m = %m_init, %l = %l_init, %acc = %acc_init)
      -> (!tile.tile<32xf32>, !tile.tile<32xf32>, !tile.tile<32x32xf32>) {
    %j0 = arith.muli %it, %c32 : index
    %keys = arith.subi %skv, %j0 : index
    %behind = arith.addi %j0, %c32 : index
    %below = arith.cmpi sle, %behind, %i0 : index
    %kt = tile.load %km[%x, %hk, %j0, %c0] valid [%keys, %c32] : memref<?x2x?x32xf32, strided<[?, ?, 32, 1]>> -> !tile.tile<32x32xf32>
    %s0 = tile.dot %qt, %kt, %s_init {transpose_b} : !tile.tile<32x32xf32>, !tile.tile<32x32xf32> -> !tile.tile<32x32xf32>
    %s1 = tile.map(%s0) at [%i0, %j0] : (!tile.tile<32x32xf32>) -> !tile.tile<32x32xf32> {
    ^bb0(%s: f32, %i: index, %j: index):
      %t = arith.mulf %s, %scale : f32
      tile.yield %t : f32
    }
    %s2 = scf.if %below -> (!tile.tile<32x32xf32>) {
      scf.yield %s1 : !tile.tile<32x32xf32>
    } else {
      %masked = tile.map(%s1) at [%i0, %j0] : (!tile.tile<32x32xf32>) -> !tile.tile<32x32xf32> {
      ^bb0(%s: f32, %i: index, %j: index):
        %keep = arith.cmpi sle, %j, %i : index
        %in = arith.cmpi slt, %j, %skv : index
        %both = arith.andi %keep, %in : i1
        %t = arith.select %both, %s, %neg_inf : f32
        tile.yield %t : f32
      }
      scf.yield %masked : !tile.tile<32x32xf32>
    }
    %m1 = tile.reduce max %s2, %m : !tile.tile<32x32xf32> -> !tile.tile<32xf32>
    %ms = tile.map(%m1) at [%i0] : (!tile.tile<32xf32>) -> !tile.tile<32xf32> {
    ^bb0(%a: f32, %i: index):
      %empty = arith.cmpf oeq, %a, %neg_inf : f32
      %t = arith.select %empty, %zero, %a : f32
      tile.yield %t : f32
    }
    %alpha = tile.map(%m, %ms) at [%i0] : (!tile.tile<32xf32>, !tile.tile<32xf32>) -> !tile.tile<32xf32> {
    ^bb0(%old: f32, %new: f32, %i: index):
      %d = arith.subf %old, %new : f32
      %d2 = arith.mulf %d, %log2e : f32
      %e = math.exp2 %d2 : f32
      tile.yield %e : f32
    }
    %p = tile.map(%s2, %ms) at [%i0, %j0] : (!tile.tile<32x32xf32>, !tile.tile<32xf32>) -> !tile.tile<32x32xf32> {
    ^bb0(%s: f32, %max: f32, %i: index, %j: index):
      %d = arith.subf %s, %max : f32
      %d2 = arith.mulf %d, %log2e : f32
      %e = math.exp2 %d2 : f32
      tile.yield %e : f32
    }
    %l0 = tile.map(%l, %alpha) at [%i0] : (!tile.tile<32xf32>, !tile.tile<32xf32>) -> !tile.tile<32xf32> {
    ^bb0(%a: f32, %f: f32, %i: index):
      %t = arith.mulf %a, %f : f32
      tile.yield %t : f32
    }
    %l1 = tile.reduce sum %p, %l0 : !tile.tile<32x32xf32> -> !tile.tile<32xf32>
    %acc0 = tile.map(%acc, %alpha) at [%i0, %c0] : (!tile.tile<32x32xf32>, !tile.tile<32xf32>) -> !tile.tile<32x32xf32> {
    ^bb0(%a: f32, %f: f32, %i: index, %d: index):
      %t = arith.mulf %a, %f : f32
      tile.yield %t : f32
    }
    %vt = tile.load %vm[%x, %hk, %j0, %c0] valid [%keys, %c32] : memref<?x2x?x32xf32, strided<[?, ?, 32, 1]>> -> !tile.tile<32x32xf32>
    %acc1 = tile.dot %p, %vt, %acc0 : !tile.tile<32x32xf32>, !tile.tile<32x32xf32> -> !tile.tile<32x32xf32>
    scf.yield %m1, %l1, %acc1 : !tile.tile<32xf32>, !tile.tile<32xf32>, !tile.tile<32x32xf32>
  }
  %inv = tile.map(%r#1) at [%i0] : (!tile.tile<32xf32>) -> !tile.tile<32xf32> {
  ^bb0(%l: f32, %i: index):
    %empty = arith.cmpf oeq, %l, %zero : f32
    %div = arith.divf %one, %l : f32
    %t = arith.select %empty, %zero, %div : f32
    tile.yield %t : f32
  }
  %lt = tile.map(%r#0, %r#1) at [%i0] : (!tile.tile<32xf32>, !tile.tile<32xf32>) -> !tile.tile<32xf32> {
  ^bb0(%m: f32, %l: f32, %i: index):
    %empty = arith.cmpf oeq, %l, %zero : f32
    %log = math.log %l : f32
    %sum = arith.addf %m, %log : f32
    %t = arith.select %empty, %neg_inf, %sum : f32
    tile.yield %t : f32
  }
  %ot = tile.map(%r#2, %inv) at [%i0, %c0] : (!tile.tile<32x32xf32>, !tile.tile<32xf32>) -> !tile.tile<32x32xf32> {
  ^bb0(%a: f32, %f: f32, %i: index, %d: index):
    %t = arith.mulf %a, %f : f32
    tile.yield %t : f32
  }
  tile.store %ot, %om[%x, %y, %i0, %c0] valid [%rows, %c32] : !tile.tile<32x32xf32>, memref<?x8x?x32xf32, strided<[?, ?, 32, 1]>>
  tile.store %lt, %lm[%x, %y, %i0] valid [%rows] : !tile.tile<32xf32>, memref<?x8x?xf32, strided<[?, ?, 1]>>
  return
}
