//===- AttnTypes.td - Enums and attributes of the attn dialect --*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Causal alignment, sliding window and the storage orders of tensors.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TYPES_TD
#define ATTN_TYPES_TD

include "AttnDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

def Attn_CausalAlignment : I32EnumAttr<"CausalAlignment",
    "where the causal diagonal is anchored", [
      I32EnumAttrCase<"TopLeft", 0, "top_left">,
      I32EnumAttrCase<"BottomRight", 1, "bottom_right">
    ]> {
  let cppNamespace = "::attn";
  let genSpecializedAttr = 0;
}

def Attn_CausalAttr : EnumAttr<Attn_Dialect, Attn_CausalAlignment, "causal"> {
  let summary = "causal masking: key j is attended when j <= position(i)";
  let description = [{
    `top_left`: the position of query i is i (plus `q_offset`).
    `bottom_right`: it is i + kv_len - Sq, so that the last query sees every
    key; an explicit `q_offset` is then excluded (rule 9).
  }];
  let assemblyFormat = ?; // not the enum's
  let hasCustomAssemblyFormat = 1;
}

def Attn_Layout : I32EnumAttr<"Layout", "storage order of a tensor", [
      I32EnumAttrCase<"BHSD", 0, "bhsd">,
      I32EnumAttrCase<"BSHD", 1, "bshd">,
      I32EnumAttrCase<"SBHD", 2, "sbhd">,
      I32EnumAttrCase<"HTD", 3, "htd">,
      I32EnumAttrCase<"THD", 4, "thd">
    ]> {
  let cppNamespace = "::attn";
  let genSpecializedAttr = 0;
}

def Attn_LayoutAttr : EnumAttr<Attn_Dialect, Attn_Layout, "layout"> {
  let summary = "storage order: which dimension of the type is which";
  let description = [{
    b batch, h head, s sequence, d head size; t is the packed axis of ragged
    sequences (rank 3, with `cu_seqlens`). Paged keys and values use `bhsd` or
    `bshd` with b the page and s the row within the page. The default is
    `bhsd`, or `htd` with `cu_seqlens`.
  }];
  let assemblyFormat = ?; // not the enum's
  let hasCustomAssemblyFormat = 1;
}

def Attn_WindowAttr : AttrDef<Attn_Dialect, "Window"> {
  let mnemonic = "window";
  let summary = "sliding window: position - left <= j <= position + right";
  let description = [{
    Both ends are inclusive; an end left out is unbounded.
    `#attn.window<left = 1024, right = 0>` is a causal window of 1025 keys.
  }];
  let parameters = (ins
    DefaultValuedParameter<"int64_t", "::attn::kUnbounded">:$left,
    DefaultValuedParameter<"int64_t", "::attn::kUnbounded">:$right);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def Attn_Switch : I32EnumAttr<"Switch", "a choice that may be made for one", [
      I32EnumAttrCase<"Chosen", 0, "chosen">,
      I32EnumAttrCase<"Off", 1, "off">,
      I32EnumAttrCase<"On", 2, "on">
    ]> {
  let cppNamespace = "::attn";
  let genSpecializedAttr = 0;
}

def Attn_ScheduleAttr : AttrDef<Attn_Dialect, "Schedule"> {
  let mnemonic = "schedule";
  let summary = "how an op is computed; results do not depend on it";
  let description = [{
    The discardable attribute `attn.schedule` of an `attn.attention`:
    `#attn.schedule<tile_m = 64, tile_n = 128, workers = 132>`. What is left out
    (0, `chosen`) the target chooses; what a target does not have it ignores. A
    file with nothing else is what `--schedule` of attn-run and attn-compile reads.

    - `tile_m`, `tile_n`: queries and keys of a score tile.
    - `workers`: the keys of a query tile are split among blocks so that this many
      blocks have work, and their partial results are combined in f32 (split-KV,
      rule 18). The query heads that share a key head are packed into one query
      tile unless the mask depends on the head; together they must then have at
      most `tile_m` rows.
    - `stages`: buffers of key and of value tiles (tensor cores).
    - `longest_first`: whether long query tiles start first; `head_group`: of how
      many heads at a time (tensor cores; of all heads in shaders).
    - `one_behind`, `ping_pong`, `persistent`, `deal_equal`, `tma_store`: the
      options of `tile-to-hopper`.
    - `warp_rows`, `blocks`, `query_in_registers`: the options of `tile-to-mma`.
    - `threads` of a workgroup, where no tensor cores are used; where the lanes of
      one subgroup hold all tiles, those that divide the keys.
    - `split_loops`: whether `tile-split-loops` gives whole tiles a loop of their
      own.
    - `key_ends`: whether tiles end with the keys that their rows attend, where
      products are computed in vectors.
    - `share_columns`: whether blocks share the columns of rows whose keys were
      split, where a target has subgroups.
    - `divide`: whether an o of f32 is divided by its row's sum, or multiplied by
      the inverse.
    - `scores_only`: whether `tile-unswitch-masks` makes the scores of tiles
      without a mask a branch, or all that is done with such tiles.
    - `defer_sums`, `lazy_maxima`, `prefetch`: whether `tile-defer-sums`,
      `tile-lazy-maxima` and `tile-prefetch-loads` do what they can.

    What is no knob follows from others: in tile registers of CPUs a strip of
    rows is two registers of them where the tile divides into such, and products
    of tiles with few keys wait for one another; layouts of tiles
    (`tile-assign-layouts`) follow from threads, tiles and the machine.

    The kernels of an op carry the attribute, too, for the passes that lower them.
  }];
  let parameters = (ins "::attn::ScheduleKnobs":$knobs);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The name under which attn.attention carries it.
    static constexpr ::llvm::StringLiteral attributeName = "attn.schedule";
    /// What an op or kernel carries, or null.
    static ScheduleAttr of(::mlir::Operation *op);
    /// The same with other knobs, which `change` sets.
    ScheduleAttr with(::llvm::function_ref<void(::attn::ScheduleKnobs &)> change) const;
    /// Whether it says more than tiles: what lowerings of kernels have to know.
    bool hasKernelChoices() const;

#define ATTN_NUMBER_KNOB(NAME, GETTER, MOST) int64_t GETTER() const { return getKnobs().NAME; }
#define ATTN_SWITCH_KNOB(NAME, GETTER) ::attn::Switch GETTER() const { return getKnobs().NAME; }
#include "attn/Dialect/Attn/ScheduleKnobs.def"
  }];
}

#endif // ATTN_TYPES_TD
