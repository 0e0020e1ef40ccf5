//===- Passes.td - Conversions out of the tile dialect -----*- tablegen -*-===//
//
// Tile kernels to GPU kernels, and the legalisations of scalar regions that
// targets share. Every description has a before/after example that is run as
// a test.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_CONVERSION_PASSES_TD
#define ATTN_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def TileExpandMathPass : Pass<"tile-expand-math"> {
  let summary = "Build transcendental functions from exp2, log2 and arithmetic";
  let description = [{
    Rewrites `math.exp`, `math.log`, `math.tanh`, `math.sin` and `math.cos` on
    f32 (scalars and vectors) in terms of `math.exp2`, `math.log2`, `math.fma`,
    `math.floor` and arithmetic, so that a target needs no library of device
    functions and every target computes the same formula (rule 8). exp2 and
    log2 themselves are the target's.

    | op | formula | error, given exact exp2 and log2 |
    |---|---|---|
    | exp | exp2(h) (1 + ln2 l), h + l = x log2(e) | 2 ULP |
    | log | ln2 log2(x) | 1.5 ULP |
    | tanh | 1 - 2 / (exp2(2 log2(e) x) + 1) | 2^-22 absolute |
    | sin, cos | x - k pi/2 in three parts, polynomials | 2^-22 absolute for abs(x) <= 2^16 |

    `keep-tanh` leaves `math.tanh` to the target (`approx_tanh`).

    ```mlir
    func.func @f(%x: f32) -> f32 {
      %y = math.log %x : f32
      return %y : f32
    }
    ```
    becomes
    ```mlir
    func.func @f(%x: f32) -> f32 {
      %ln2 = arith.constant 0.693147182 : f32
      %0 = math.log2 %x : f32
      %y = arith.mulf %0, %ln2 : f32
      return %y : f32
    }
    ```
  }];
  let options = [
    Option<"keepTanh", "keep-tanh", "bool", "false",
           "Leave math.tanh to the target's approximation">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

def TileClampReadsPass : Pass<"tile-clamp-reads"> {
  let summary = "Clamp the indices of memory reads in tile.map regions";
  let description = [{
    A map region runs for masked and padded elements too, whose indices may lie
    outside of the tables that the region reads. Their value is never observed,
    but the read must not fault (rule 8): every index that is computed inside of
    the region is clamped into the memref.

    ```mlir
    func.func @f(%t: !tile.tile<8xf32>, %i0: index, %m: memref<16xf32>) -> !tile.tile<8xf32> {
      %r = tile.map(%t) at [%i0] : (!tile.tile<8xf32>) -> !tile.tile<8xf32> {
      ^bb0(%x: f32, %i: index):
        %y = memref.load %m[%i] : memref<16xf32>
        tile.yield %y : f32
      }
      return %r : !tile.tile<8xf32>
    }
    ```
    becomes
    ```mlir
    ^bb0(%x: f32, %i: index):
      %0 = arith.minsi %i, %c15 : index
      %1 = arith.maxsi %0, %c0 : index
      %y = memref.load %m[%1] : memref<16xf32>
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect"];
}

#endif // ATTN_CONVERSION_PASSES_TD
