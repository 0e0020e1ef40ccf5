//===- TileTarget.td - The machine that a module is for ----*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One attribute with every limit of a machine that passes ask for. Targets make
// it of the name of a chip (attn/Target/Target.h).
//
//===----------------------------------------------------------------------===//

#ifndef TILE_TARGET_TD
#define TILE_TARGET_TD

include "TileDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

def Tile_MatrixUnits : I32BitEnumAttr<"MatrixUnits", "units that multiply tiles", [
      I32BitEnumAttrCaseNone<"None", "none">,
      I32BitEnumAttrCaseBit<"MmaSync", 0, "mma_sync">,
      I32BitEnumAttrCaseBit<"Wgmma", 1, "wgmma">,
      I32BitEnumAttrCaseBit<"Cooperative", 2, "cooperative">,
      I32BitEnumAttrCaseBit<"Amx", 3, "amx">
    ]> {
  let cppNamespace = "::attn::tile";
  let separator = "|";
}

def Tile_Lacks : I32BitEnumAttr<"Lacks", "what a machine does not have", [
      I32BitEnumAttrCaseNone<"Nothing", "nothing">,
      I32BitEnumAttrCaseBit<"Int64", 0, "int64">,
      I32BitEnumAttrCaseBit<"SmallInt", 1, "small_int">,
      I32BitEnumAttrCaseBit<"SmallStorage", 2, "small_storage">,
      I32BitEnumAttrCaseBit<"Infinity", 3, "infinity">,
      I32BitEnumAttrCaseBit<"PreciseMath", 4, "precise_math">
    ]> {
  let cppNamespace = "::attn::tile";
  let separator = "|";
}

def Tile_Fast : I32BitEnumAttr<"Fast", "what a core does faster than most", [
      I32BitEnumAttrCaseNone<"Nothing", "nothing">,
      I32BitEnumAttrCaseBit<"BF16Pairs", 0, "bf16_pairs">,
      I32BitEnumAttrCaseBit<"L2Loads", 1, "l2_loads">
    ]> {
  let cppNamespace = "::attn::tile";
  let separator = "|";
}

def Tile_TargetAttr : AttrDef<Tile_Dialect, "Target"> {
  let mnemonic = "target";
  let summary = "the machine that a module is compiled for";
  let description = [{
    A module carries it as `tile.target`; `tile-attach-target` makes it of a
    target's name and a chip, and every pass that has to know a limit reads it
    there. What is 0 the machine does not have, or nobody has to know.

    - `name`, `chip`: which target compiles it and for what.
    - `vector_bits`, `vector_registers`, `l1_bytes`, `l2_bytes`: of a core of a
      CPU.
    - `threads` of a block, lanes of a `subgroup`, `shared_bytes` of memory that
      a block can ask for and `static_shared_bytes` that it has without asking,
      `storage_buffers` that a kernel can bind: of a GPU.
    - `workers`: for how many keys are split where queries are few. On a CPU it is
      the same for all machines, so that results are (rule 19).
    - `matrix`: `mma_sync`, `wgmma` (warpgroups and bulk copies), or both;
      `cooperative`: fragments of a subgroup whose elements only the machine can
      find, of `matrix_shape = [m, n, k]`; `amx`: the eight tile registers of a CPU's
      core, of 16 rows of 64 bytes, which multiply bf16 by that shape.
    - `lacks`: `int64`, numbers of 64 bits, which a launcher narrows when it binds
      them; `small_int`, arithmetic on i8 and i16; `small_storage`, elements of
      fewer than 32 bits in memory, other than f16; `infinity`, arithmetic with
      infinities; `precise_math`, a multiply-add that is rounded once and an exp2
      within 2 ULP. Passes legalise kernels for what is listed (docs/gpu-kernels.md).
    - `fast`: `bf16_pairs`, products of pairs of bf16 at twice the rate of f32;
      `l2_loads`, products whose left operand is read from L2 take no longer.
    - `features` that generated code may use, as the code generator calls them.

    ```mlir
    module attributes {tile.target = #tile.target<name = "cuda", chip = "sm_80",
        threads = 1024, subgroup = 32, shared_bytes = 166912,
        static_shared_bytes = 49152, workers = 108, matrix = mma_sync>} {}
    ```
  }];
  let parameters = (ins
    StringRefParameter<"target">:$name,
    StringRefParameter<"chip of the target">:$chip,
    DefaultValuedParameter<"int64_t", "0">:$vector_bits,
    DefaultValuedParameter<"int64_t", "0">:$vector_registers,
    DefaultValuedParameter<"int64_t", "0">:$l1_bytes,
    DefaultValuedParameter<"int64_t", "0">:$l2_bytes,
    DefaultValuedParameter<"int64_t", "0">:$threads,
    DefaultValuedParameter<"int64_t", "0">:$subgroup,
    DefaultValuedParameter<"int64_t", "0">:$shared_bytes,
    DefaultValuedParameter<"int64_t", "0">:$static_shared_bytes,
    DefaultValuedParameter<"int64_t", "0">:$storage_buffers,
    DefaultValuedParameter<"int64_t", "0">:$workers,
    DefaultValuedParameter<"MatrixUnits", "MatrixUnits::None">:$matrix,
    OptionalParameter<"::mlir::ArrayAttr">:$features,
    OptionalParameter<"::mlir::DenseI64ArrayAttr">:$matrix_shape,
    DefaultValuedParameter<"Lacks", "Lacks::Nothing">:$lacks,
    DefaultValuedParameter<"Fast", "Fast::Nothing">:$fast);
  let builders = [AttrBuilder<(ins
      "::llvm::StringRef":$name, "::llvm::StringRef":$chip, "int64_t":$vectorBits,
      "int64_t":$vectorRegisters, "int64_t":$l1Bytes, "int64_t":$l2Bytes,
      "int64_t":$threads, "int64_t":$subgroup, "int64_t":$sharedBytes,
      "int64_t":$staticSharedBytes, "int64_t":$storageBuffers,
      "int64_t":$workers, "MatrixUnits":$matrix, "::mlir::ArrayAttr":$features,
      CArg<"::mlir::DenseI64ArrayAttr", "{}">:$matrixShape,
      CArg<"Lacks", "Lacks::Nothing">:$lacks), [{
    return $_get($_ctxt, name, chip, vectorBits, vectorRegisters, l1Bytes,
                 l2Bytes, threads, subgroup, sharedBytes, staticSharedBytes,
                 storageBuffers, workers, matrix, features, matrixShape, lacks,
                 Fast::Nothing);
  }]>];
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The name of the attribute on a module.
    static constexpr ::llvm::StringLiteral attributeName = "tile.target";
    /// Of the module around `op`, or null.
    static TargetAttr lookup(::mlir::Operation *op);
    /// The same for `pass`; without it a diagnostic at `op`.
    static ::mlir::FailureOr<TargetAttr> require(::mlir::Operation *op,
                                                 ::llvm::StringRef pass);
    bool has(MatrixUnits unit) const {
      return bitEnumContainsAll(getMatrix(), unit);
    }
    bool doesLack(Lacks what) const {
      return bitEnumContainsAll(getLacks(), what);
    }
    bool isFast(Fast what) const {
      return bitEnumContainsAll(getFast(), what);
    }
    bool hasFeature(::llvm::StringRef feature) const;
  }];
}

#endif // TILE_TARGET_TD
