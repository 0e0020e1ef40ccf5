// Kernels with products of 16 and of 32 bits.
func.func @sixteen(%a: memref<8x8xbf16>, %o: memref<8x8xf32>) {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  %zero = arith.constant 0.0 : f32
  %t = tile.load %a[%c0, %c0] valid [%c8, %c8] : memref<8x8xbf16> -> !tile.tile<8x8xbf16>
  %z = tile.splat %zero : f32 -> !tile.tile<8x8xf32>
  %p = tile.dot %t, %t, %z {transpose_b} : <8x8xbf16>, <8x8xbf16> -> <8x8xf32>
  %m = tile.map(%p) at [%c0, %c0] : (!tile.tile<8x8xf32>) -> !tile.tile<8x8xf32> {
  ^bb0(%x: f32, %i: index, %j: index):
    %y = math.tanh %x : f32
    tile.yield %y : f32
  }
  tile.store %m, %o[%c0, %c0] valid [%c8, %c8] : !tile.tile<8x8xf32>, memref<8x8xf32>
  return
}
func.func @thirtytwo(%a: memref<8x8xf32>, %o: memref<8x8xf32>) {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  %zero = arith.constant 0.0 : f32
  %t = tile.load %a[%c0, %c0] valid [%c8, %c8] : memref<8x8xf32> -> !tile.tile<8x8xf32>
  %z = tile.splat %zero : f32 -> !tile.tile<8x8xf32>
  %p = tile.dot %t, %t, %z {transpose_b} : <8x8xf32>, <8x8xf32> -> <8x8xf32>
  %m = tile.map(%p) at [%c0, %c0] : (!tile.tile<8x8xf32>) -> !tile.tile<8x8xf32> {
  ^bb0(%x: f32, %i: index, %j: index):
    %y = math.tanh %x : f32
    tile.yield %y : f32
  }
  tile.store %m, %o[%c0, %c0] valid [%c8, %c8] : !tile.tile<8x8xf32>, memref<8x8xf32>
  return
}
func.func @capped(%a: memref<8x8xbf16>, %o: memref<8x8xf32>) {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  %zero = arith.constant 0.0 : f32
  %scale = arith.constant 0.125 : f32
  %part = arith.constant 0.5 : f32
  %t = tile.load %a[%c0, %c0] valid [%c8, %c8] : memref<8x8xbf16> -> !tile.tile<8x8xbf16>
  %z = tile.splat %zero : f32 -> !tile.tile<8x8xf32>
  %p = tile.dot %t, %t, %z {transpose_b} : <8x8xbf16>, <8x8xbf16> -> <8x8xf32>
  %m = tile.map(%p) at [%c0, %c0] : (!tile.tile<8x8xf32>) -> !tile.tile<8x8xf32> {
  ^bb0(%x: f32, %i: index, %j: index):
    %scaled = arith.mulf %x, %scale : f32
    %capped = arith.mulf %scaled, %part : f32
    %h = math.tanh %capped : f32
    %cap = arith.constant 2.0 : f32
    %y = arith.mulf %h, %cap : f32
    tile.yield %y : f32
  }
  tile.store %m, %o[%c0, %c0] valid [%c8, %c8] : !tile.tile<8x8xf32>, memref<8x8xf32>
  return
}
// What magnifies the error of the tanh by 256 at most, and by more.
func.func @magnified_little(%a: memref<8x8xbf16>, %o: memref<8x8xf32>) {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  %zero = arith.constant 0.0 : f32
  %t = tile.load %a[%c0, %c0] valid [%c8, %c8] : memref<8x8xbf16> -> !tile.tile<8x8xbf16>
  %z = tile.splat %zero : f32 -> !tile.tile<8x8xf32>
  %p = tile.dot %t, %t, %z {transpose_b} : <8x8xbf16>, <8x8xbf16> -> <8x8xf32>
  %m = tile.map(%p) at [%c0, %c0] : (!tile.tile<8x8xf32>) -> !tile.tile<8x8xf32> {
  ^bb0(%x: f32, %i: index, %j: index):
    %h = math.tanh %x : f32
    %cap = arith.constant 64.0 : f32
    %c = arith.mulf %h, %cap : f32
    %n = arith.negf %c : f32
    %b = arith.addf %n, %x : f32
    %two = arith.constant 0.5 : f32
    %d = arith.divf %b, %two : f32
    %y = arith.addf %d, %d : f32
    tile.yield %y : f32
  }
  tile.store %m, %o[%c0, %c0] valid [%c8, %c8] : !tile.tile<8x8xf32>, memref<8x8xf32>
  return
}
func.func @magnified(%a: memref<8x8xbf16>, %o: memref<8x8xf32>) {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  %zero = arith.constant 0.0 : f32
  %t = tile.load %a[%c0, %c0] valid [%c8, %c8] : memref<8x8xbf16> -> !tile.tile<8x8xbf16>
  %z = tile.splat %zero : f32 -> !tile.tile<8x8xf32>
  %p = tile.dot %t, %t, %z {transpose_b} : <8x8xbf16>, <8x8xbf16> -> <8x8xf32>
  %m = tile.map(%p) at [%c0, %c0] : (!tile.tile<8x8xf32>) -> !tile.tile<8x8xf32> {
  ^bb0(%x: f32, %i: index, %j: index):
    %h = math.tanh %x : f32
    %cap = arith.constant 64.0 : f32
    %c = arith.mulf %h, %cap : f32
    %two = arith.constant 0.4375 : f32
    %d = arith.divf %c, %two : f32
    %y = arith.addf %d, %d : f32
    tile.yield %y : f32
  }
  tile.store %m, %o[%c0, %c0] valid [%c8, %c8] : !tile.tile<8x8xf32>, memref<8x8xf32>
  return
}
func.func @large_cap(%a: memref<8x8xbf16>, %o: memref<8x8xf32>) {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  %zero = arith.constant 0.0 : f32
  %t = tile.load %a[%c0, %c0] valid [%c8, %c8] : memref<8x8xbf16> -> !tile.tile<8x8xbf16>
  %z = tile.splat %zero : f32 -> !tile.tile<8x8xf32>
  %p = tile.dot %t, %t, %z {transpose_b} : <8x8xbf16>, <8x8xbf16> -> <8x8xf32>
  %m = tile.map(%p) at [%c0, %c0] : (!tile.tile<8x8xf32>) -> !tile.tile<8x8xf32> {
  ^bb0(%x: f32, %i: index, %j: index):
    %h = math.tanh %x : f32
    %cap = arith.constant 1.0e+9 : f32
    %y = arith.mulf %cap, %h : f32
    tile.yield %y : f32
  }
  tile.store %m, %o[%c0, %c0] valid [%c8, %c8] : !tile.tile<8x8xf32>, memref<8x8xf32>
  return
}
func.func @product(%a: memref<8x8xbf16>, %o: memref<8x8xf32>) {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  %zero = arith.constant 0.0 : f32
  %t = tile.load %a[%c0, %c0] valid [%c8, %c8] : memref<8x8xbf16> -> !tile.tile<8x8xbf16>
  %z = tile.splat %zero : f32 -> !tile.tile<8x8xf32>
  %p = tile.dot %t, %t, %z {transpose_b} : <8x8xbf16>, <8x8xbf16> -> <8x8xf32>
  %m = tile.map(%p) at [%c0, %c0] : (!tile.tile<8x8xf32>) -> !tile.tile<8x8xf32> {
  ^bb0(%x: f32, %i: index, %j: index):
    %h = math.tanh %x : f32
    %y = arith.mulf %h, %x : f32
    tile.yield %y : f32
  }
  tile.store %m, %o[%c0, %c0] valid [%c8, %c8] : !tile.tile<8x8xf32>, memref<8x8xf32>
  return
}
func.func @compared(%a: memref<8x8xbf16>, %o: memref<8x8xf32>) {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  %zero = arith.constant 0.0 : f32
  %t = tile.load %a[%c0, %c0] valid [%c8, %c8] : memref<8x8xbf16> -> !tile.tile<8x8xbf16>
  %z = tile.splat %zero : f32 -> !tile.tile<8x8xf32>
  %p = tile.dot %t, %t, %z {transpose_b} : <8x8xbf16>, <8x8xbf16> -> <8x8xf32>
  %m = tile.map(%p) at [%c0, %c0] : (!tile.tile<8x8xf32>) -> !tile.tile<8x8xf32> {
  ^bb0(%x: f32, %i: index, %j: index):
    %h = math.tanh %x : f32
    %small = arith.constant 0.0 : f32
    %above = arith.cmpf ogt, %h, %small : f32
    %y = arith.select %above, %x, %small : f32
    tile.yield %y : f32
  }
  tile.store %m, %o[%c0, %c0] valid [%c8, %c8] : !tile.tile<8x8xf32>, memref<8x8xf32>
  return
}
