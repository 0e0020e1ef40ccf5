//===- Passes.td - Analysis passes -------------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes that print what an analysis found and change nothing.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ANALYSIS_PASSES_TD
#define ATTN_ANALYSIS_PASSES_TD

include "mlir/Pass/PassBase.td"

def PrintMaskAnalysis : Pass<"attn-print-mask-analysis"> {
  let summary = "print which key tiles each query tile visits, or the reverse";
  let description = [{
    Prints, for each `attn.attention` without sugar, the key tiles that query
    tile t visits and those of them that are full, as closed forms in t, b, h
    and the sizes; or the run-time predicate on t and the key tile c where there
    is none. With `axis=queries` it is the other way around: the query tiles of
    key tile c, as gradients of keys and values need them. See
    docs/mask-analysis.md.

    A causal mask

    ```mlir
    func.func @causal(%q: tensor<1x1x256x64xf32>, %k: tensor<1x1x256x64xf32>, %v: tensor<1x1x256x64xf32>, %o: tensor<1x1x256x64xf32>) -> tensor<1x1x256x64xf32> {
      %r = attn.attention ins(%q, %k, %v : tensor<1x1x256x64xf32>, tensor<1x1x256x64xf32>, tensor<1x1x256x64xf32>)
          outs(%o : tensor<1x1x256x64xf32>)
          mask(%b: index, %h: index, %i: index, %j: index) {
            %keep = arith.cmpi sle, %j, %i : index
            attn.yield %keep : i1
          } -> tensor<1x1x256x64xf32>
      return %r : tensor<1x1x256x64xf32>
    }
    ```

    prints, for tiles of 64 queries and 128 keys,

    ```
    @causal: query tiles of 64, key tiles of 128
      tiles [0, min(2, (t floordiv 2) + 1)) full [0, min(2, (t floordiv 2) + 1, (t floordiv 2)))
      exact
    ```
  }];
  let options = [
    Option<"tileM", "tile-m", "int64_t", /*default=*/"64", "query rows a tile">,
    Option<"tileN", "tile-n", "int64_t", /*default=*/"128", "keys a tile">,
    Option<"axis", "axis", "::attn::MaskAxis",
           /*default=*/"::attn::MaskAxis::Keys", "what is enumerated",
           [{::llvm::cl::values(
               clEnumValN(::attn::MaskAxis::Keys, "keys",
                          "the key tiles of each query tile"),
               clEnumValN(::attn::MaskAxis::Queries, "queries",
                          "the query tiles of each key tile"))}]>
  ];
}

#endif // ATTN_ANALYSIS_PASSES_TD
