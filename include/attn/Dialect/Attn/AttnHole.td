//===- AttnHole.td - Functions that are written later ------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attn.hole, which stands in score and mask regions, in tiles and in kernels.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_HOLE_TD
#define ATTN_HOLE_TD

include "AttnDialect.td"
include "attn/Dialect/KnownAttributes.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Attn_HoleOp : Op<Attn_Dialect, "hole", [Pure, KnownAttributes]> {
  let summary = "a function that is written when the kernel is text";
  let description = [{
    Calls the scalar function `function`, whose text stands between marks in the
    kernels of targets that print text. Whoever loads such an artifact may
    replace it; a score or mask that a user types then runs fused, without a
    compiler. `parameters` are the names that the text knows the operands by.

    What was not filled yields its first operand, which has the type of the
    result; a hole of i1 yields true. A function of the same name has the same
    parameters throughout a module.

    A hole that is a mask, or a factor of one (`arith.andi`), may name a second
    function, the test of a tile: `tile_test`. Its parameters are those of the
    hole that depend on neither the query nor the key, and the first and the
    last index of the tile in place of an index (`first_i`, `last_i`). If it is
    false, the hole is false in all of the tile, which is then not visited.
    Unfilled, it is true.

    ```mlir
    %soft = attn.hole "score_hole"(%s, %i32, %j32) ["s", "i", "j"] : (f32, i32, i32) -> f32
    %keep = attn.hole "mask_hole"(%i32, %j32) ["i", "j"] tile_test "tile_hole" : (i32, i32) -> i1
    ```
  }];
  let arguments = (ins StrAttr:$function, Variadic<AnyTypeOf<[F32, I32, I1]>>:$operands,
                       StrArrayAttr:$parameters, OptionalAttr<StrAttr>:$tile_test);
  let results = (outs AnyTypeOf<[F32, I32, I1]>:$result);
  let assemblyFormat = [{
    $function `(` $operands `)` $parameters (`tile_test` $tile_test^)? attr-dict
    `:` functional-type($operands, $result)
  }];
  let hasVerifier = 1;
}

#endif // ATTN_HOLE_TD
