// tile-split-loops: the first iterations whose tiles are whole and for which
// the mask's branch is known get a loop in front, without branches: it takes
// what waits and computes what the branch does. It is empty where memory is not
// aligned. Loops of which nothing is known stay.
// RUN: attn-opt %s --allow-unregistered-dialect --tile-split-loops | FileCheck %s
// RUN: attn-opt %s --allow-unregistered-dialect --tile-split-loops=split=false | FileCheck %s --check-prefix=OFF --implicit-check-not=whole

#acc = #tile.fragment<use = accumulator, shape = [16, 16], subgroups = [1, 1]>
#staged = #tile.shared<padding = 8>
#pieces = #tile.pieces<elements = 8, threads = 32>

// Tile i has rows up to `length`, and up to `full` no mask.
// OFF: func @splits
// OFF-SAME: tile.choices = ["all tiles share a loop (split_loops): an option of the pass says so"]
// CHECK-LABEL: func @splits
// CHECK-SAME: %[[M:[^:]*]]: memref{{[^,]*}}, strided<[16, 1]>>, %[[N:[^:]*]]: index, %[[LENGTH:[^:]*]]: index, %[[FULL:[^:]*]]: index, %[[P0:[^:]*]]: {{.*}}, %[[S0:[^:]*]]:
// CHECK: %[[TILES:.*]] = arith.floordivsi %{{.*}}, %c16{{.*}}
// CHECK: %[[WHOLE:.*]] = arith.minsi %[[N]], %[[TILES]]
// CHECK: %[[ALIGNED:.*]] = tile.aligned %[[M]]
// CHECK: %[[USABLE:.*]] = arith.select %[[ALIGNED]], %[[WHOLE]], %c0
// CHECK: %[[LEAST:.*]] = arith.minsi %[[USABLE]], %{{.*}}
// CHECK: %[[END:.*]] = arith.maxsi %[[LEAST]], %c0
// CHECK: %[[FIRST:.*]]:2 = scf.for %[[I:.*]] = %c0 to %[[END]] step %c1{{.*}} iter_args(%[[SI:.*]] = %[[S0]], %[[PI:.*]] = %[[P0]])
// CHECK: %[[K:.*]] = tile.load %[[M]][%{{.*}}, %c0] valid[%c16{{.*}}, %c16] prefetched(%[[PI]] : {{.*}}) whole
// CHECK-NOT: scf.if
// CHECK: "test.full"
// CHECK-NOT: "test.masked"
// CHECK: tile.dot %[[K]]
// The next tile may be the first of the second loop.
// CHECK: arith.select %{{.*}}, %{{.*}}, %c0
// CHECK: tile.load {{.*}} -> <16x16xf16, #tile.pieces
// CHECK: scf.yield
// CHECK: scf.for %{{.*}} = %[[END]] to %[[N]] step %c1{{.*}} iter_args(%{{.*}} = %[[FIRST]]#0, %[[PJ:.*]] = %[[FIRST]]#1)
// CHECK: tile.load %[[M]][%{{.*}}, %c0] valid[%{{.*}}, %c16] prefetched(%[[PJ]] : {{[^)]*}}) : memref
// CHECK: scf.if
// CHECK: "test.full"
// CHECK: "test.masked"
func.func @splits(%m: memref<?x16xf16, strided<[16, 1]>>, %n: index, %length: index, %full: index, %p0: !tile.tile<16x16xf16, #pieces>, %s0: !tile.tile<16x16xf32, #acc>) -> !tile.tile<16x16xf32, #acc> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %s:2 = scf.for %i = %c0 to %n step %c1 iter_args(%si = %s0, %pi = %p0) -> (!tile.tile<16x16xf32, #acc>, !tile.tile<16x16xf16, #pieces>) {
    %row = arith.muli %i, %c16 : index
    %rows = arith.subi %length, %row : index
    %k = tile.load %m[%row, %c0] valid [%rows, %c16] prefetched(%pi : !tile.tile<16x16xf16, #pieces>) : memref<?x16xf16, strided<[16, 1]>> -> !tile.tile<16x16xf16, #staged>
    %from = arith.cmpi sge, %i, %c0 : index
    %to = arith.cmpi slt, %i, %full : index
    %is = arith.andi %from, %to : i1
    %t = scf.if %is -> (!tile.tile<16x16xf32, #acc>) {
      %x = "test.full"(%si) : (!tile.tile<16x16xf32, #acc>) -> !tile.tile<16x16xf32, #acc>
      scf.yield %x : !tile.tile<16x16xf32, #acc>
    } else {
      %x = "test.masked"(%si) : (!tile.tile<16x16xf32, #acc>) -> !tile.tile<16x16xf32, #acc>
      scf.yield %x : !tile.tile<16x16xf32, #acc>
    }
    %s1 = tile.dot %k, %k, %t {transpose_a} : !tile.tile<16x16xf16, #staged>, !tile.tile<16x16xf16, #staged> -> !tile.tile<16x16xf32, #acc>
    %next = arith.addi %i, %c1 : index
    %at = arith.muli %next, %c16 : index
    %left = arith.subi %length, %at : index
    %inside = arith.cmpi slt, %next, %n : index
    %valid = arith.select %inside, %left, %c0 : index
    %p1 = tile.load %m[%at, %c0] valid [%valid, %c16] : memref<?x16xf16, strided<[16, 1]>> -> !tile.tile<16x16xf16, #pieces>
    scf.yield %s1, %p1 : !tile.tile<16x16xf32, #acc>, !tile.tile<16x16xf16, #pieces>
  }
  return %s#0 : !tile.tile<16x16xf32, #acc>
}

// Where any order will do, the rest comes first, so that what it alone needs is
// gone behind it. Either loop begins with a tile that is asked for in front.
// CHECK-LABEL: func @unordered
// CHECK-SAME: %[[M:[^:]*]]: memref{{[^,]*}}, strided<[16, 1]>>, %[[N:[^:]*]]: index, %{{[^:]*}}: index, %{{[^:]*}}: index, %[[P0:[^:]*]]: {{.*}}, %[[S0:[^:]*]]:
// CHECK: %[[END:.*]] = arith.maxsi
// CHECK: %[[ASKED:.*]] = tile.load %[[M]]{{.*}} -> <16x16xf16, #tile.pieces
// CHECK: %[[REST:.*]]:2 = scf.for %{{.*}} = %[[END]] to %[[N]] step %c1{{.*}} iter_args(%{{.*}} = %[[S0]], %{{.*}} = %[[ASKED]])
// CHECK-NOT: whole
// CHECK: scf.if
// CHECK: "test.masked"
// CHECK: tile.unordered
// CHECK: %[[FIRST:.*]] = tile.load %[[M]]{{.*}} -> <16x16xf16, #tile.pieces
// CHECK: scf.for %{{.*}} = %c0 to %[[END]] step %c1{{.*}} iter_args(%{{.*}} = %[[REST]]#0, %{{.*}} = %[[FIRST]])
// CHECK: whole
// CHECK-NOT: scf.if
// CHECK: "test.full"
// CHECK-NOT: "test.masked"
// CHECK: tile.unordered
func.func @unordered(%m: memref<?x16xf16, strided<[16, 1]>>, %n: index, %length: index, %full: index, %p0: !tile.tile<16x16xf16, #pieces>, %s0: !tile.tile<16x16xf32, #acc>) -> !tile.tile<16x16xf32, #acc> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %s:2 = scf.for %i = %c0 to %n step %c1 iter_args(%si = %s0, %pi = %p0) -> (!tile.tile<16x16xf32, #acc>, !tile.tile<16x16xf16, #pieces>) {
    %row = arith.muli %i, %c16 : index
    %rows = arith.subi %length, %row : index
    %k = tile.load %m[%row, %c0] valid [%rows, %c16] prefetched(%pi : !tile.tile<16x16xf16, #pieces>) : memref<?x16xf16, strided<[16, 1]>> -> !tile.tile<16x16xf16, #staged>
    %from = arith.cmpi sge, %i, %c0 : index
    %to = arith.cmpi slt, %i, %full : index
    %is = arith.andi %from, %to : i1
    %t = scf.if %is -> (!tile.tile<16x16xf32, #acc>) {
      %x = "test.full"(%si) : (!tile.tile<16x16xf32, #acc>) -> !tile.tile<16x16xf32, #acc>
      scf.yield %x : !tile.tile<16x16xf32, #acc>
    } else {
      %x = "test.masked"(%si) : (!tile.tile<16x16xf32, #acc>) -> !tile.tile<16x16xf32, #acc>
      scf.yield %x : !tile.tile<16x16xf32, #acc>
    }
    %s1 = tile.dot %k, %k, %t {transpose_a} : !tile.tile<16x16xf16, #staged>, !tile.tile<16x16xf16, #staged> -> !tile.tile<16x16xf32, #acc>
    %next = arith.addi %i, %c1 : index
    %at = arith.muli %next, %c16 : index
    %left = arith.subi %length, %at : index
    %inside = arith.cmpi slt, %next, %n : index
    %valid = arith.select %inside, %left, %c0 : index
    %p1 = tile.load %m[%at, %c0] valid [%valid, %c16] : memref<?x16xf16, strided<[16, 1]>> -> !tile.tile<16x16xf16, #pieces>
    scf.yield %s1, %p1 : !tile.tile<16x16xf32, #acc>, !tile.tile<16x16xf16, #pieces>
  } {tile.unordered}
  return %s#0 : !tile.tile<16x16xf32, #acc>
}

// A mask that begins to be full in the midst keeps its branch in both loops,
// as does a branch that data decides.
// CHECK-LABEL: func @asks
// CHECK: scf.for
// CHECK: whole
// CHECK: scf.if
// CHECK: scf.if
// CHECK: scf.for
// CHECK-NOT: whole
// CHECK: scf.if
// CHECK: scf.if
func.func @asks(%m: memref<?x16xf16, strided<[16, 1]>>, %flags: memref<?xi1>, %n: index, %length: index, %full: index, %p0: !tile.tile<16x16xf16, #pieces>, %s0: !tile.tile<16x16xf32, #acc>) -> !tile.tile<16x16xf32, #acc> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %s:2 = scf.for %i = %c0 to %n step %c1 iter_args(%si = %s0, %pi = %p0) -> (!tile.tile<16x16xf32, #acc>, !tile.tile<16x16xf16, #pieces>) {
    %row = arith.muli %i, %c16 : index
    %rows = arith.subi %length, %row : index
    %k = tile.load %m[%row, %c0] valid [%rows, %c16] prefetched(%pi : !tile.tile<16x16xf16, #pieces>) : memref<?x16xf16, strided<[16, 1]>> -> !tile.tile<16x16xf16, #staged>
    %from = arith.cmpi sge, %i, %full : index
    %t = scf.if %from -> (!tile.tile<16x16xf32, #acc>) {
      %x = "test.full"(%si) : (!tile.tile<16x16xf32, #acc>) -> !tile.tile<16x16xf32, #acc>
      scf.yield %x : !tile.tile<16x16xf32, #acc>
    } else {
      scf.yield %si : !tile.tile<16x16xf32, #acc>
    }
    %flag = memref.load %flags[%i] : memref<?xi1>
    %u = scf.if %flag -> (!tile.tile<16x16xf32, #acc>) {
      scf.yield %t : !tile.tile<16x16xf32, #acc>
    } else {
      scf.yield %si : !tile.tile<16x16xf32, #acc>
    }
    %s1 = tile.dot %k, %k, %u {transpose_a} : !tile.tile<16x16xf16, #staged>, !tile.tile<16x16xf16, #staged> -> !tile.tile<16x16xf32, #acc>
    scf.yield %s1, %pi : !tile.tile<16x16xf32, #acc>, !tile.tile<16x16xf16, #pieces>
  }
  return %s#0 : !tile.tile<16x16xf32, #acc>
}

// Nothing is known of rows that memory tells, and nothing waits in the other.
// CHECK-LABEL: func @stays
// CHECK-SAME: tile.choices = ["all tiles share a loop (split_loops): which ones are whole does not follow from their number"]
// CHECK: scf.for
// CHECK: scf.for
// CHECK-NOT: scf.for
// CHECK-NOT: whole
func.func @stays(%m: memref<?x16xf16, strided<[16, 1]>>, %lengths: memref<?xindex>, %n: index, %p0: !tile.tile<16x16xf16, #pieces>, %s0: !tile.tile<16x16xf32, #acc>) -> !tile.tile<16x16xf32, #acc> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %s = scf.for %i = %c0 to %n step %c1 iter_args(%si = %s0) -> (!tile.tile<16x16xf32, #acc>) {
    %rows = memref.load %lengths[%i] : memref<?xindex>
    %k = tile.load %m[%i, %c0] valid [%rows, %c16] prefetched(%p0 : !tile.tile<16x16xf16, #pieces>) : memref<?x16xf16, strided<[16, 1]>> -> !tile.tile<16x16xf16, #staged>
    %s1 = tile.dot %k, %k, %si {transpose_a} : !tile.tile<16x16xf16, #staged>, !tile.tile<16x16xf16, #staged> -> !tile.tile<16x16xf32, #acc>
    scf.yield %s1 : !tile.tile<16x16xf32, #acc>
  }
  %t = scf.for %i = %c0 to %n step %c1 iter_args(%si = %s) -> (!tile.tile<16x16xf32, #acc>) {
    %k = tile.load %m[%i, %c0] valid [%n, %c16] : memref<?x16xf16, strided<[16, 1]>> -> !tile.tile<16x16xf16, #staged>
    %s1 = tile.dot %k, %k, %si {transpose_a} : !tile.tile<16x16xf16, #staged>, !tile.tile<16x16xf16, #staged> -> !tile.tile<16x16xf32, #acc>
    scf.yield %s1 : !tile.tile<16x16xf32, #acc>
  }
  return %t : !tile.tile<16x16xf32, #acc>
}

// A schedule may say that they stay; then nothing is made in front of them.
// CHECK-LABEL: func @scheduled
// CHECK-SAME: tile.choices = ["all tiles share a loop (split_loops): the schedule says so"]
// CHECK-NOT: whole
// CHECK-NOT: floordivsi
// CHECK: scf.for
// CHECK-NOT: scf.for
func.func @scheduled(%m: memref<?x16xf16, strided<[16, 1]>>, %n: index, %rows: index, %p0: !tile.tile<16x16xf16, #pieces>, %s0: !tile.tile<16x16xf32, #acc>, %x: index, %y: index, %z: index, %nx: index, %ny: index, %nz: index) attributes {tile.kernel, attn.schedule = #attn.schedule<split_loops = off>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %s = scf.for %i = %c0 to %n step %c1 iter_args(%si = %s0) -> (!tile.tile<16x16xf32, #acc>) {
    %row = arith.muli %i, %c16 : index
    %left = arith.subi %rows, %row : index
    %k = tile.load %m[%row, %c0] valid [%left, %c16] prefetched(%p0 : !tile.tile<16x16xf16, #pieces>) : memref<?x16xf16, strided<[16, 1]>> -> !tile.tile<16x16xf16, #staged>
    %s1 = tile.dot %k, %k, %si {transpose_a} : !tile.tile<16x16xf16, #staged>, !tile.tile<16x16xf16, #staged> -> !tile.tile<16x16xf32, #acc>
    scf.yield %s1 : !tile.tile<16x16xf32, #acc>
  }
  return
}
