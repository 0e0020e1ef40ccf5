//===- Passes.td - Transformation passes -------------------*- tablegen -*-===//
//
// Passes on attn and tile IR that no target owns. Every description ends with
// a before/after example that is run as a test.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TRANSFORMS_PASSES_TD
#define ATTN_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def ExpandSugar : Pass<"attn-expand-sugar"> {
  let summary = "expand causal, window, softcap, ALiBi, bias, ... into the regions";
  let description = [{
    Rewrites everything that rule 10 lists into the score and mask regions of
    `attn.attention`, in the order of that rule; the operands become captures.
    Scale, `q_offset`, `kv_len`, `cu_seqlens`, `page_table`, `sink` and the
    layouts stay on the op (rule 11). Later stages see regions only.

    Bottom-right causal masking means `q_offset = kv_len - q_len` (rule 9): the
    expansion writes that difference wherever a position is needed, in the
    user's regions too, so that no `attn.q_offset` is left that would depend on
    the dropped attribute. `approx_tanh` becomes `fastmath<afn>` on every
    `math.tanh` of the score region.

    Before:
    ```mlir
    func.func @f(%q: tensor<1x2x8x16xf32>, %k: tensor<1x2x8x16xf32>, %v: tensor<1x2x8x16xf32>, %o: tensor<1x2x8x16xf32>) -> tensor<1x2x8x16xf32> {
      %r = attn.attention ins(%q, %k, %v : tensor<1x2x8x16xf32>, tensor<1x2x8x16xf32>, tensor<1x2x8x16xf32>)
          outs(%o : tensor<1x2x8x16xf32>) {causal = #attn.causal<top_left>} -> tensor<1x2x8x16xf32>
      return %r : tensor<1x2x8x16xf32>
    }
    ```
    After:
    ```mlir
    func.func @f(%q: tensor<1x2x8x16xf32>, %k: tensor<1x2x8x16xf32>, %v: tensor<1x2x8x16xf32>, %o: tensor<1x2x8x16xf32>) -> tensor<1x2x8x16xf32> {
      %r = attn.attention ins(%q, %k, %v : tensor<1x2x8x16xf32>, tensor<1x2x8x16xf32>, tensor<1x2x8x16xf32>)
          outs(%o : tensor<1x2x8x16xf32>)
          mask(%b: index, %h: index, %i: index, %j: index) {
        %keep = arith.cmpi sle, %j, %i : index
        attn.yield %keep : i1
      } -> tensor<1x2x8x16xf32>
      return %r : tensor<1x2x8x16xf32>
    }
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::tensor::TensorDialect"
  ];
}

def SimplifyRegions : Pass<"attn-simplify-regions"> {
  let summary = "move -inf scores into the mask; fold, CSE and drop what is dead";
  let description = [{
    Peers write masks as scores of minus infinity. Where the yielded score is
    `select(c, x, -inf)` with c independent of the score, c moves into the mask
    region (rule 14), so that mask analysis sees it and whole tiles are skipped.
    It is found under nested selects of either polarity, under `scf.if` (which
    becomes a select where both sides can be speculated), and under later
    arithmetic that provably keeps -inf: adding a value that is bounded,
    multiplying by a positive bounded value. Where it is not exact (the score
    added to -inf may be NaN or +inf), it stays.

    The regions are folded and deduplicated; an identity score region, an
    all-true mask region and unused captures disappear. Reads of captures stay
    inside the op.

    Before:
    ```mlir
    func.func @f(%q: tensor<1x2x8x16xf32>, %k: tensor<1x2x8x16xf32>, %v: tensor<1x2x8x16xf32>, %o: tensor<1x2x8x16xf32>) -> tensor<1x2x8x16xf32> {
      %r = attn.attention ins(%q, %k, %v : tensor<1x2x8x16xf32>, tensor<1x2x8x16xf32>, tensor<1x2x8x16xf32>)
          outs(%o : tensor<1x2x8x16xf32>)
          score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        %ninf = arith.constant 0xFF800000 : f32
        %keep = arith.cmpi sle, %j, %i : index
        %t = arith.select %keep, %s, %ninf : f32
        attn.yield %t : f32
      } -> tensor<1x2x8x16xf32>
      return %r : tensor<1x2x8x16xf32>
    }
    ```
    After:
    ```mlir
    func.func @f(%q: tensor<1x2x8x16xf32>, %k: tensor<1x2x8x16xf32>, %v: tensor<1x2x8x16xf32>, %o: tensor<1x2x8x16xf32>) -> tensor<1x2x8x16xf32> {
      %r = attn.attention ins(%q, %k, %v : tensor<1x2x8x16xf32>, tensor<1x2x8x16xf32>, tensor<1x2x8x16xf32>)
          outs(%o : tensor<1x2x8x16xf32>)
          mask(%b: index, %h: index, %i: index, %j: index) {
        %keep = arith.cmpi sle, %j, %i : index
        attn.yield %keep : i1
      } -> tensor<1x2x8x16xf32>
      return %r : tensor<1x2x8x16xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

#endif // ATTN_TRANSFORMS_PASSES_TD
