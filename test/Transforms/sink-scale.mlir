// RUN: attn-opt %s --tile-sink-scale --canonicalize | FileCheck %s

// The factor passes the mask, the row maximum and its loop, and meets log2(e):
// 0.125 * 1.442695 = 0.18033688. What leaves the loop is scaled.
// CHECK-LABEL: func.func @softmax
//   CHECK-DAG:   %[[C:.+]] = arith.constant 0.180336878 : f32
//   CHECK-DAG:   %[[F:.+]] = arith.constant 1.250000e-01 : f32
//       CHECK:   %[[R:.+]]:2 = scf.for {{.+}} iter_args(%[[M:.+]] = %{{.+}}, %{{.+}} = %{{.+}})
//       CHECK:     %[[DOT:.+]] = tile.dot
//       CHECK:     %[[S:.+]] = scf.if
//  CHECK-NEXT:       scf.yield %[[DOT]]
//       CHECK:       tile.map(%[[DOT]])
//       CHECK:         arith.select
//       CHECK:     %[[M1:.+]] = tile.reduce max %[[S]], %[[M]]
//       CHECK:     tile.map(%[[S]], %[[M1]])
//       CHECK:       %[[D:.+]] = arith.subf
//  CHECK-NEXT:       %[[E:.+]] = arith.mulf %[[D]], %[[C]]
//  CHECK-NEXT:       math.exp2 %[[E]]
//       CHECK:   %[[LSE:.+]] = tile.map(%[[R]]#0, %[[R]]#1)
//       CHECK:     arith.mulf %{{.+}}, %[[F]]
func.func @softmax(%q: !tile.tile<64x16xf16>, %k: !tile.tile<128x16xf16>, %n: index, %full: i1, %i0: index) -> !tile.tile<64xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %scale = arith.constant 0.125 : f32
  %log2e = arith.constant 1.44269502 : f32
  %inf = arith.constant 0xFF800000 : f32
  %zero = arith.constant 0.0 : f32
  %mi = tile.splat %inf : f32 -> <64xf32>
  %li = tile.splat %zero : f32 -> <64xf32>
  %si = tile.splat %zero : f32 -> <64x128xf32>
  %r:2 = scf.for %it = %c0 to %n step %c1 iter_args(%m = %mi, %l = %li) -> (!tile.tile<64xf32>, !tile.tile<64xf32>) {
    %dot = tile.dot %q, %k, %si {transpose_b} : <64x16xf16>, <128x16xf16> -> <64x128xf32>
    %s = tile.map(%dot) at [%i0, %it] : (!tile.tile<64x128xf32>) -> !tile.tile<64x128xf32> {
    ^bb0(%x: f32, %i: index, %j: index):
      %y = arith.mulf %x, %scale : f32
      tile.yield %y : f32
    }
    %s2 = scf.if %full -> (!tile.tile<64x128xf32>) {
      scf.yield %s : !tile.tile<64x128xf32>
    } else {
      %masked = tile.map(%s) at [%i0, %it] : (!tile.tile<64x128xf32>) -> !tile.tile<64x128xf32> {
      ^bb0(%x: f32, %i: index, %j: index):
        %keep = arith.cmpi sle, %j, %i : index
        %y = arith.select %keep, %x, %inf : f32
        tile.yield %y : f32
      }
      scf.yield %masked : !tile.tile<64x128xf32>
    }
    %m1 = tile.reduce max %s2, %m : <64x128xf32> -> <64xf32>
    %p = tile.map(%s2, %m1) at [%i0, %it] : (!tile.tile<64x128xf32>, !tile.tile<64xf32>) -> !tile.tile<64x128xf32> {
    ^bb0(%x: f32, %max: f32, %i: index, %j: index):
      %d = arith.subf %x, %max : f32
      %d2 = arith.mulf %d, %log2e : f32
      %e = math.exp2 %d2 : f32
      tile.yield %e : f32
    }
    %l1 = tile.reduce sum %p, %l : <64x128xf32> -> <64xf32>
    scf.yield %m1, %l1 : !tile.tile<64xf32>, !tile.tile<64xf32>
  }
  %lse = tile.map(%r#0, %r#1) at [%i0] : (!tile.tile<64xf32>, !tile.tile<64xf32>) -> !tile.tile<64xf32> {
  ^bb0(%m: f32, %l: f32, %i: index):
    %log = math.log %l : f32
    %y = arith.addf %m, %log : f32
    tile.yield %y : f32
  }
  return %lse : !tile.tile<64xf32>
}

// What does not commute with the factor sees scaled scores; then the maximum
// is one of scaled values too.
// CHECK-LABEL: func.func @bias
//       CHECK:   %[[DOT:.+]] = tile.dot
//       CHECK:   %[[S:.+]] = tile.map(%[[DOT]])
//       CHECK:   ^bb0(%[[X:.+]]: f32,
//       CHECK:     %[[Y:.+]] = arith.mulf %[[X]],
//       CHECK:     arith.addf %[[Y]],
//       CHECK:   tile.reduce max %[[S]]
//   CHECK-NOT:   arith.mulf
func.func @bias(%q: !tile.tile<64x16xf16>, %k: !tile.tile<128x16xf16>, %n: index, %i0: index) -> !tile.tile<64xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %scale = arith.constant 0.125 : f32
  %one = arith.constant 1.0 : f32
  %inf = arith.constant 0xFF800000 : f32
  %zero = arith.constant 0.0 : f32
  %mi = tile.splat %inf : f32 -> <64xf32>
  %si = tile.splat %zero : f32 -> <64x128xf32>
  %r = scf.for %it = %c0 to %n step %c1 iter_args(%m = %mi) -> (!tile.tile<64xf32>) {
    %dot = tile.dot %q, %k, %si {transpose_b} : <64x16xf16>, <128x16xf16> -> <64x128xf32>
    %s = tile.map(%dot) at [%i0, %it] : (!tile.tile<64x128xf32>) -> !tile.tile<64x128xf32> {
    ^bb0(%x: f32, %i: index, %j: index):
      %y = arith.mulf %x, %scale : f32
      tile.yield %y : f32
    }
    %b = tile.map(%s) at [%i0, %it] : (!tile.tile<64x128xf32>) -> !tile.tile<64x128xf32> {
    ^bb0(%x: f32, %i: index, %j: index):
      %y = arith.addf %x, %one : f32
      tile.yield %y : f32
    }
    %m1 = tile.reduce max %b, %m : <64x128xf32> -> <64xf32>
    scf.yield %m1 : !tile.tile<64xf32>
  }
  return %r : !tile.tile<64xf32>
}

// A run-time factor may be negative or zero and stays.
// CHECK-LABEL: func.func @dynamic
//       CHECK:   %[[DOT:.+]] = tile.dot
//       CHECK:   %[[S:.+]] = tile.map(%[[DOT]])
//       CHECK:     arith.mulf %{{.+}}, %{{.+}}
//       CHECK:   tile.reduce max %[[S]]
func.func @dynamic(%q: !tile.tile<64x16xf16>, %k: !tile.tile<128x16xf16>, %n: index, %i0: index, %scale: f32) -> !tile.tile<64xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %inf = arith.constant 0xFF800000 : f32
  %zero = arith.constant 0.0 : f32
  %mi = tile.splat %inf : f32 -> <64xf32>
  %si = tile.splat %zero : f32 -> <64x128xf32>
  %r = scf.for %it = %c0 to %n step %c1 iter_args(%m = %mi) -> (!tile.tile<64xf32>) {
    %dot = tile.dot %q, %k, %si {transpose_b} : <64x16xf16>, <128x16xf16> -> <64x128xf32>
    %s = tile.map(%dot) at [%i0, %it] : (!tile.tile<64x128xf32>) -> !tile.tile<64x128xf32> {
    ^bb0(%x: f32, %i: index, %j: index):
      %y = arith.mulf %x, %scale : f32
      tile.yield %y : f32
    }
    %m1 = tile.reduce max %s, %m : <64x128xf32> -> <64xf32>
    scf.yield %m1 : !tile.tile<64xf32>
  }
  return %r : !tile.tile<64xf32>
}

// A use in a later loop is a use: the maximum is scaled in front of it.
// CHECK-LABEL: func.func @later_loop
//       CHECK:   %[[MAX:.+]] = scf.for
//   CHECK-NOT:   tile.map
//       CHECK:   %[[SCALED:.+]] = tile.map(%[[MAX]])
//       CHECK:     arith.mulf
//       CHECK:   scf.for
//       CHECK:     tile.reduce sum %{{.+}}, %{{.+}}
//       CHECK:     tile.map(%{{.+}}, %[[SCALED]])
func.func @later_loop(%q: !tile.tile<64x16xf16>, %k: !tile.tile<128x16xf16>, %t: !tile.tile<64x128xf32>, %n: index, %i0: index) -> !tile.tile<64xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %scale = arith.constant 0.125 : f32
  %inf = arith.constant 0xFF800000 : f32
  %zero = arith.constant 0.0 : f32
  %mi = tile.splat %inf : f32 -> <64xf32>
  %li = tile.splat %zero : f32 -> <64xf32>
  %si = tile.splat %zero : f32 -> <64x128xf32>
  %m = scf.for %it = %c0 to %n step %c1 iter_args(%m0 = %mi) -> (!tile.tile<64xf32>) {
    %dot = tile.dot %q, %k, %si {transpose_b} : <64x16xf16>, <128x16xf16> -> <64x128xf32>
    %s = tile.map(%dot) at [%i0, %it] : (!tile.tile<64x128xf32>) -> !tile.tile<64x128xf32> {
    ^bb0(%x: f32, %i: index, %j: index):
      %y = arith.mulf %x, %scale : f32
      tile.yield %y : f32
    }
    %m1 = tile.reduce max %s, %m0 : <64x128xf32> -> <64xf32>
    scf.yield %m1 : !tile.tile<64xf32>
  }
  %l = scf.for %it = %c0 to %n step %c1 iter_args(%l0 = %li) -> (!tile.tile<64xf32>) {
    %l1 = tile.reduce sum %t, %l0 : <64x128xf32> -> <64xf32>
    %l2 = tile.map(%l1, %m) at [%i0] : (!tile.tile<64xf32>, !tile.tile<64xf32>) -> !tile.tile<64xf32> {
    ^bb0(%x: f32, %y: f32, %i: index):
      %z = arith.addf %x, %y : f32
      tile.yield %z : f32
    }
    scf.yield %l2 : !tile.tile<64xf32>
  }
  return %l : !tile.tile<64xf32>
}

// One value is carried unscaled, another one leaves each trip scaled.
// CHECK-LABEL: func.func @two_carried
//       CHECK:   scf.for {{.*}} iter_args(%[[A:.+]] = %{{.+}}, %[[M:.+]] =
//       CHECK:     %[[DOT:.+]] = tile.dot
//       CHECK:     %[[OTHER:.+]] = tile.reduce max %[[DOT]], %{{.+}}
//       CHECK:     %[[MAX:.+]] = tile.reduce max %[[DOT]], %[[M]]
//       CHECK:     %[[SCALED:.+]] = tile.map(%[[OTHER]])
//       CHECK:     scf.yield %[[SCALED]], %[[MAX]]
func.func @two_carried(%q: !tile.tile<64x16xf16>, %k: !tile.tile<128x16xf16>, %a0: !tile.tile<64xf32>, %n: index, %i0: index) -> (!tile.tile<64xf32>, !tile.tile<64xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %scale = arith.constant 0.125 : f32
  %inf = arith.constant 0xFF800000 : f32
  %zero = arith.constant 0.0 : f32
  %mi = tile.splat %inf : f32 -> <64xf32>
  %si = tile.splat %zero : f32 -> <64x128xf32>
  %r:2 = scf.for %it = %c0 to %n step %c1 iter_args(%a = %a0, %m = %mi) -> (!tile.tile<64xf32>, !tile.tile<64xf32>) {
    %dot = tile.dot %q, %k, %si {transpose_b} : <64x16xf16>, <128x16xf16> -> <64x128xf32>
    %s = tile.map(%dot) at [%i0, %it] : (!tile.tile<64x128xf32>) -> !tile.tile<64x128xf32> {
    ^bb0(%x: f32, %i: index, %j: index):
      %y = arith.mulf %x, %scale : f32
      tile.yield %y : f32
    }
    %a1 = tile.reduce max %s, %mi : <64x128xf32> -> <64xf32>
    %m1 = tile.reduce max %s, %m : <64x128xf32> -> <64xf32>
    scf.yield %a1, %m1 : !tile.tile<64xf32>, !tile.tile<64xf32>
  }
  return %r#0, %r#1 : !tile.tile<64xf32>, !tile.tile<64xf32>
}

// So do the results of a choice.
// CHECK-LABEL: func.func @two_results
//       CHECK:   %[[DOT:.+]] = tile.dot
//       CHECK:   %[[R:.+]]:2 = scf.if
//       CHECK:     %[[SCALED:.+]] = tile.map(%[[DOT]])
//       CHECK:     scf.yield %[[DOT]], %[[SCALED]]
//       CHECK:   } else {
//       CHECK:     %[[MASKED:.+]] = tile.map(%[[DOT]])
//   CHECK-NOT:       arith.mulf
//       CHECK:     scf.yield %[[MASKED]], %{{.+}}
//       CHECK:   tile.reduce max %[[R]]#0
//       CHECK:   tile.reduce sum %[[R]]#1
func.func @two_results(%q: !tile.tile<64x16xf16>, %k: !tile.tile<128x16xf16>, %t: !tile.tile<64x128xf32>, %n: index, %i0: index, %full: i1) -> (!tile.tile<64xf32>, !tile.tile<64xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %scale = arith.constant 0.125 : f32
  %inf = arith.constant 0xFF800000 : f32
  %zero = arith.constant 0.0 : f32
  %mi = tile.splat %inf : f32 -> <64xf32>
  %li = tile.splat %zero : f32 -> <64xf32>
  %si = tile.splat %zero : f32 -> <64x128xf32>
  %r:2 = scf.for %it = %c0 to %n step %c1 iter_args(%m = %mi, %l = %li) -> (!tile.tile<64xf32>, !tile.tile<64xf32>) {
    %dot = tile.dot %q, %k, %si {transpose_b} : <64x16xf16>, <128x16xf16> -> <64x128xf32>
    %s = tile.map(%dot) at [%i0, %it] : (!tile.tile<64x128xf32>) -> !tile.tile<64x128xf32> {
    ^bb0(%x: f32, %i: index, %j: index):
      %y = arith.mulf %x, %scale : f32
      tile.yield %y : f32
    }
    %c:2 = scf.if %full -> (!tile.tile<64x128xf32>, !tile.tile<64x128xf32>) {
      scf.yield %s, %s : !tile.tile<64x128xf32>, !tile.tile<64x128xf32>
    } else {
      %masked = tile.map(%s) at [%i0, %it] : (!tile.tile<64x128xf32>) -> !tile.tile<64x128xf32> {
      ^bb0(%x: f32, %i: index, %j: index):
        %keep = arith.cmpi sle, %j, %i : index
        %y = arith.select %keep, %x, %inf : f32
        tile.yield %y : f32
      }
      scf.yield %masked, %t : !tile.tile<64x128xf32>, !tile.tile<64x128xf32>
    }
    %m1 = tile.reduce max %c#0, %m : <64x128xf32> -> <64xf32>
    %l1 = tile.reduce sum %c#1, %l : <64x128xf32> -> <64xf32>
    scf.yield %m1, %l1 : !tile.tile<64xf32>, !tile.tile<64xf32>
  }
  return %r#0, %r#1 : !tile.tile<64xf32>, !tile.tile<64xf32>
}
