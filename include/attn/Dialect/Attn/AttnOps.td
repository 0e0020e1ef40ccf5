//===- AttnOps.td - Operations of the attn dialect ---------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attn.attention, attn.merge and the few ops that their regions may use.
// Every rule named below is a numbered rule of docs/semantics.md.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_OPS_TD
#define ATTN_OPS_TD

include "AttnTypes.td"
include "attn/Dialect/KnownAttributes.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/TilingInterface.td"

class Attn_Op<string mnemonic, list<Trait> traits = []>
    : Op<Attn_Dialect, mnemonic, !listconcat(traits, [KnownAttributes])>;

def Attn_Shaped : AnyTypeOf<[AnyRankedTensor, AnyStridedMemRef],
                            "ranked tensor or strided memref">;
def Attn_PerBatch
    : AnyTypeOf<[Index, I32, I64, AnyRankedTensor, AnyStridedMemRef],
                "an integer, or a rank-1 tensor of integers (one a batch)">;

/// Rounded to the f32 that is computed in. MLIR reads a plain number as f64.
def Attn_NumberAttr : Attr<
    CPred<"::llvm::isa<::mlir::FloatAttr>($_self) && "
          "(::llvm::cast<::mlir::FloatAttr>($_self).getType().isF32() || "
          "::llvm::cast<::mlir::FloatAttr>($_self).getType().isF64())">,
    "a number in f32 or f64, such as 0.125 or 0.125 : f32"> {
  let storageType = "::mlir::FloatAttr";
  let returnType = "float";
  let convertFromStorage = "::attn::roundToF32($_self)";
}
def Attn_Scale : AnyTypeOf<[F32, F64]>;

//===----------------------------------------------------------------------===//
// attn.attention
//===----------------------------------------------------------------------===//

def Attn_AttentionOp : Attn_Op<"attention", [
    AttrSizedOperandSegments,
    DestinationStyleOpInterface,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>,
    DeclareOpInterfaceMethods<TilingInterface, [
      "getLoopIteratorTypes", "getIterationDomain", "getTiledImplementation",
      "getResultTilePosition", "generateResultTileValue",
      "getIterationDomainTileFromResultTile"]>]> {
  let summary = "softmax(score(scale * q k^T)) v with any score and mask";
  let description = [{
    Computes `o = softmax(s) v` and, if a second destination is given,
    `lse = log(sum(exp(s)))` over the keys that each query attends
    (rules 5, 12, 13).

    The logical shapes are q `[B, Hq, Sq, Dk]`, k `[B, Hkv, Skv, Dk]`,
    v `[B, Hkv, Skv, Dv]`, o `[B, Hq, Sq, Dv]` and lse `[B, Hq, Sq]` (rule 1);
    `q_layout` ... `o_layout` name another storage order. Query head h reads
    key head h / (Hq / Hkv) (rule 2). Head sizes are static, everything else
    may be dynamic.

    The **score region** maps `(s, b, h, i, j, captures...)` to a new f32
    score, the **mask region** maps `(b, h, i, j, captures...)` to i1: true
    attends. i and j are local rows and keys (rule 9); `attn.q_offset`,
    `attn.q_len` and `attn.kv_len` give the remaining sizes. Regions use
    integer and f32 arithmetic, comparisons, selects, math functions, `scf.if`
    and reads of captures (rule 8).

    Sugar applies in the order of rule 10: scale, score region, softcap, ALiBi,
    bias; then the mask region and every other mask, ANDed.

    | operand | type | meaning |
    |---|---|---|
    | `captures` | tensors, scalars | what the regions read |
    | `scale` | f32 or f64, rounded to f32 | run-time scale (or the attribute `scale_value`; default 1/sqrt(Dk)) |
    | `alibi` | `[Hq]` or `[B, Hq]` float | s - slope * abs(position(i) - j) |
    | `bias` | rank 1..4 float, broadcast | s + bias[b, h, i, j] |
    | `mask_tensor` | rank 1..4 i1 or i8, broadcast | true (i8: not 0) attends |
    | `segments` | two `[B, S]` integers | attends when q_id == kv_id |
    | `prefix` | integer or `[B]` | keys before it are visible to all queries |
    | `q_offset` | integer or `[B]` | keys that precede the first query |
    | `kv_len` | integer or `[B]` | number of valid keys |
    | `cu_seqlens` | two `[B + 1]` integers | ragged packing of q/o and k/v |
    | `page_table` | `[B, pages]` integers | k and v are page pools |
    | `sink` | `[Hq]` float | an extra logit in the denominator only |

    `bias` and `mask_tensor` align on the right: rank 1 is `[Skv]`, rank 2
    `[Sq, Skv]`, rank 3 `[Hq, Sq, Skv]`. A static size 1 broadcasts over B, Hq or
    Sq. The last axis does not broadcast: keys at or past its end are masked.
    Floats are f32, f16 or bf16 and are widened to f32.

    Once its sugar is expanded, the op can be tiled over B, Hq and Sq by
    whatever uses TilingInterface. Keys are not tiled: a partial softmax is
    another op's business (`attn.merge`).

    Example, ALiBi written as a region with a causal window of 1025 keys:

    ```mlir
    %r = attn.attention ins(%q, %k, %v : tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>, tensor<2x8x64x32xf32>)
        captures(%slopes : tensor<8xf32>)
        outs(%o : tensor<2x8x64x32xf32>)
        {causal = #attn.causal<top_left>, window = #attn.window<left = 1024>}
        score(%s: f32, %b: index, %h: index, %i: index, %j: index, %al: tensor<8xf32>) {
          %slope = tensor.extract %al[%h] : tensor<8xf32>
          %d = arith.subi %j, %i : index
          %di = arith.index_cast %d : index to i32
          %df = arith.sitofp %di : i32 to f32
          %bias = arith.mulf %slope, %df : f32
          %r = arith.addf %s, %bias : f32
          attn.yield %r : f32
        } -> tensor<2x8x64x32xf32>
    ```
  }];

  let arguments = (ins
    Attn_Shaped:$query,
    Attn_Shaped:$key,
    Attn_Shaped:$value,
    Variadic<AnyType>:$captures,
    Optional<Attn_Scale>:$scale,
    Optional<Attn_Shaped>:$alibi,
    Optional<Attn_Shaped>:$bias,
    Optional<Attn_Shaped>:$mask_tensor,
    Optional<Attn_Shaped>:$q_segments,
    Optional<Attn_Shaped>:$kv_segments,
    Optional<Attn_PerBatch>:$prefix,
    Optional<Attn_PerBatch>:$q_offset,
    Optional<Attn_PerBatch>:$kv_len,
    Optional<Attn_Shaped>:$cu_seqlens_q,
    Optional<Attn_Shaped>:$cu_seqlens_kv,
    Optional<Attn_Shaped>:$page_table,
    Optional<Attn_Shaped>:$sink,
    Variadic<Attn_Shaped>:$inits,
    OptionalAttr<Attn_NumberAttr>:$scale_value,
    OptionalAttr<Attn_NumberAttr>:$softcap,
    OptionalAttr<Attn_CausalAttr>:$causal,
    OptionalAttr<Attn_WindowAttr>:$window,
    OptionalAttr<Attn_LayoutAttr>:$q_layout,
    OptionalAttr<Attn_LayoutAttr>:$k_layout,
    OptionalAttr<Attn_LayoutAttr>:$v_layout,
    OptionalAttr<Attn_LayoutAttr>:$o_layout,
    UnitAttr:$tf32,
    UnitAttr:$approx_tanh
  );
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region MaxSizedRegion<1>:$score, MaxSizedRegion<1>:$mask);

  let assemblyFormat = [{
    `ins` `(` $query `,` $key `,` $value `:` type($query) `,` type($key) `,` type($value) `)`
    (`captures` `(` $captures^ `:` type($captures) `)`)?
    (`scale` `(` $scale^ `` custom<ScaleType>(type($scale)) `)`)?
    (`alibi` `(` $alibi^ `:` type($alibi) `)`)?
    (`bias` `(` $bias^ `:` type($bias) `)`)?
    (`mask_tensor` `(` $mask_tensor^ `:` type($mask_tensor) `)`)?
    (`segments` `(` $q_segments^ `,` $kv_segments `:` type($q_segments) `,` type($kv_segments) `)`)?
    (`prefix` `(` $prefix^ `:` type($prefix) `)`)?
    (`q_offset` `(` $q_offset^ `:` type($q_offset) `)`)?
    (`kv_len` `(` $kv_len^ `:` type($kv_len) `)`)?
    (`cu_seqlens` `(` $cu_seqlens_q^ `,` $cu_seqlens_kv `:` type($cu_seqlens_q) `,` type($cu_seqlens_kv) `)`)?
    (`page_table` `(` $page_table^ `:` type($page_table) `)`)?
    (`sink` `(` $sink^ `:` type($sink) `)`)?
    `outs` `(` $inits `:` type($inits) `)`
    attr-dict
    custom<AttentionRegions>($score, $mask)
    (`->` type($results)^)?
  }];

  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitsMutable(); }

    /// The destination of o, and of lse if it is asked for.
    ::mlir::Value getOutput() { return getInits()[0]; }
    ::mlir::Value getLse() { return getInits().size() > 1 ? getInits()[1] : ::mlir::Value(); }

    bool isRagged() { return static_cast<bool>(getCuSeqlensQ()); }
    bool isPaged() { return static_cast<bool>(getPageTable()); }

    /// Storage orders with the defaults filled in.
    Layout getQueryLayout();
    Layout getKeyLayout();
    Layout getValueLayout();
    Layout getOutputLayout();

    /// Positions of the logical dimensions in a type of the given layout
    /// (-1: the layout has no such dimension).
    struct DimMap { int b, h, s, d; };
    static DimMap getDimMap(Layout layout);

    /// Static sizes of the logical problem, ShapedType::kDynamic if unknown.
    int64_t getBatch();
    int64_t getNumQueryHeads();
    int64_t getNumKeyHeads();
    int64_t getQueryLength();
    int64_t getKeyLength();
    int64_t getQkHeadSize();
    int64_t getValueHeadSize();

    /// True if the position of a query counts from the end of the keys.
    bool isBottomRight() {
      return getCausal() == CausalAlignment::BottomRight;
    }

    bool hasScoreRegion() { return !getScore().empty(); }
    bool hasMaskRegion() { return !getMask().empty(); }

    /// True if the mask region asks for the query head.
    bool maskDependsOnHead() {
      return hasMaskRegion() && !getMask().getArgument(1).use_empty();
    }

    /// True if anything that rule 10 lists stands outside the two regions, or
    /// `approx_tanh` is still to be applied to them.
    bool hasSugar();

    /// Number of region arguments before the captures: (s, b, h, i, j) and
    /// (b, h, i, j).
    static constexpr unsigned kNumScoreArgs = 5;
    static constexpr unsigned kNumMaskArgs = 4;

    /// The block of the score region; an op without one gets the identity.
    ::mlir::Block &getOrCreateScoreBlock();
    /// The block of the mask region; an op without one gets the constant true.
    ::mlir::Block &getOrCreateMaskBlock();

    /// Captures `value` for both regions, once, and returns its position among
    /// the captures.
    unsigned capture(::mlir::Value value);
    /// Drops capture `index` from the op and, unused, from both regions.
    void eraseCapture(unsigned index);
  }];

  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Ops inside the regions
//===----------------------------------------------------------------------===//

def Attn_YieldOp : Attn_Op<"yield", [
    Pure, Terminator, ReturnLike, HasParent<"AttentionOp">]> {
  let summary = "result of a score or mask region";
  let description = [{
    Yields the new f32 score, or the i1 that says whether query i attends key j.

    ```mlir
    attn.yield %keep : i1
    ```
  }];
  let arguments = (ins AnyType:$value);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

class Attn_QueryOp<string mnemonic> : Attn_Op<mnemonic, [
    Pure, ParentOneOf<["AttentionOp", "::mlir::scf::IfOp", "::mlir::scf::ForOp"]>]> {
  let results = (outs Index:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
  let hasVerifier = 1;
  // Folds to a constant where the op around it fixes the value.
  let hasFolder = 1;
}

def Attn_QOffsetOp : Attn_QueryOp<"q_offset"> {
  let summary = "number of keys that precede the first query of this batch";
  let description = [{
    The `q_offset` operand for batch b, kv_len - q_len under bottom-right
    causal masking, else 0 (rule 9). The position of query i is
    `i + attn.q_offset`.

    ```mlir
    %off = attn.q_offset : index
    %position = arith.addi %i, %off : index
    ```
  }];
}

def Attn_QLenOp : Attn_QueryOp<"q_len"> {
  let summary = "number of queries of this batch";
  let description = [{
    Sq, or the length of the b-th sequence of `cu_seqlens`.

    ```mlir
    %n = attn.q_len : index
    ```
  }];
}

def Attn_KVLenOp : Attn_QueryOp<"kv_len"> {
  let summary = "number of valid keys of this batch";
  let description = [{
    The `kv_len` operand for batch b, else Skv, or the length of the b-th
    sequence of `cu_seqlens`.

    ```mlir
    %n = attn.kv_len : index
    ```
  }];
}

//===----------------------------------------------------------------------===//
// attn.merge
//===----------------------------------------------------------------------===//

def Attn_MergeOp : Attn_Op<"merge", [
    DestinationStyleOpInterface,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>,
    DeclareOpInterfaceMethods<TilingInterface, [
      "getLoopIteratorTypes", "getIterationDomain", "getTiledImplementation",
      "getResultTilePosition", "generateResultTileValue",
      "getIterationDomainTileFromResultTile"]>]> {
  let summary = "combine two partial attention states";
  let description = [{
    Merges (o1, lse1) and (o2, lse2), each attention over a disjoint set of
    keys, into the state of their union (rule 18):
    `lse = log(exp(lse1) + exp(lse2))`,
    `o = exp(lse1 - lse) o1 + exp(lse2 - lse) o2`. Two empty states give
    (0, -inf). Shapes: o `[B, H, S, D]`, lse `[B, H, S]` f32.

    ```mlir
    %o, %lse = attn.merge ins(%o1, %l1, %o2, %l2 : tensor<1x2x8x16xf32>, tensor<1x2x8xf32>, tensor<1x2x8x16xf32>, tensor<1x2x8xf32>)
        outs(%oi, %li : tensor<1x2x8x16xf32>, tensor<1x2x8xf32>) -> tensor<1x2x8x16xf32>, tensor<1x2x8xf32>
    ```
  }];
  let arguments = (ins
    Attn_Shaped:$o1, Attn_Shaped:$lse1, Attn_Shaped:$o2, Attn_Shaped:$lse2,
    Variadic<Attn_Shaped>:$inits);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = [{
    `ins` `(` $o1 `,` $lse1 `,` $o2 `,` $lse2 `:` type($o1) `,` type($lse1) `,` type($o2) `,` type($lse2) `)`
    `outs` `(` $inits `:` type($inits) `)` attr-dict (`->` type($results)^)?
  }];
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitsMutable(); }
  }];
  let hasVerifier = 1;
}

#endif // ATTN_OPS_TD
