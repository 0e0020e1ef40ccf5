//===- TileLaunch.td - How a lowered kernel is launched ----*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Typed attributes by which a lowering says what the parameters of its kernel
// are and with which grid, block and memory it runs.
//
//===----------------------------------------------------------------------===//

#ifndef TILE_LAUNCH_TD
#define TILE_LAUNCH_TD

include "TileDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/EnumAttr.td"

class Tile_Attr<string name, string attrMnemonic> : AttrDef<Tile_Dialect, name> {
  let mnemonic = attrMnemonic;
}

def Tile_GridOrder : I32EnumAttr<"GridOrder", "which blocks a launch has", [
      I32EnumAttrCase<"Points", 0, "points">,
      I32EnumAttrCase<"Flat", 1, "flat">,
      I32EnumAttrCase<"Persistent", 2, "persistent">,
      I32EnumAttrCase<"Interleaved", 3, "interleaved">
    ]> {
  let cppNamespace = "::attn::tile";
}

def Tile_OperandAttr : Tile_Attr<"Operand", "operand"> {
  let summary = "a kernel parameter that is an operand of the launch";
  let description = [{
    `#tile.operand<2>`: argument 2 of the `tile.launch`, a memref as the address
    of its first element. `#tile.operand<2, multiple = 8>`: the code relies on
    an address (in bytes) or a number that is a multiple of 8, which a launch
    checks.
  }];
  let parameters = (ins "int64_t":$index,
                        DefaultValuedParameter<"int64_t", "1">:$multiple);
  let assemblyFormat = "`<` $index (`,` `multiple` `=` $multiple^)? `>`";
  let genVerifyDecl = 1;
}

def Tile_ExtentAttr : Tile_Attr<"Extent", "extent"> {
  let summary = "a kernel parameter that is an extent of the grid";
  let description = [{
    `#tile.extent<2 : i32>`: how many points the grid has in dimension 2, as
    `i32` or `i64`.
  }];
  let parameters = (ins "int64_t":$dim, "::mlir::Type":$type);
  let assemblyFormat = "`<` $dim `:` $type `>`";
  let genVerifyDecl = 1;
}

def Tile_CounterAttr : Tile_Attr<"Counter", "counter"> {
  let summary = "a kernel parameter that points to a zeroed counter";
  let description = [{
    The address of 4 bytes that are zero when the kernel starts and that it
    leaves zero: blocks of a persistent grid take their next point from it.
  }];
}

def Tile_TensorMapAttr : Tile_Attr<"TensorMap", "tensor_map"> {
  let summary = "a kernel parameter that describes a tensor for bulk copies";
  let description = [{
    A descriptor for NVIDIA's tensor memory accelerator, passed by value: which
    operand of the launch it describes, its element type, sizes and strides
    (innermost dimension first; strides in bytes, without the innermost) as
    functions of the launch's operands, the box of one copy and the bytes of a
    swizzled row of shared memory.

    ```mlir
    #tile.tensor_map<operand = 0, element = bf16, sizes = ()[s0, s1] -> (64, s1),
                     strides = ()[s0, s1] -> (s0 * 2), box = [64, 128], swizzle = 128>
    ```
  }];
  let parameters = (ins "int64_t":$operand, "::mlir::Type":$element,
                        "::mlir::AffineMap":$sizes, "::mlir::AffineMap":$strides,
                        "::mlir::DenseI64ArrayAttr":$box, "int64_t":$swizzle);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Tile_LaunchInfoAttr : Tile_Attr<"LaunchInfo", "launch_info"> {
  let summary = "how a lowered kernel is launched";
  let description = [{
    Lowerings put it on the kernel as `tile.launch_info`; the description of an
    artifact is printed from it.

    - `parameters`: what to pass, in order (`#tile.operand`, `#tile.extent`,
      `#tile.counter`, `#tile.tensor_map`).
    - `grid`: `points`, a block (a call on a CPU) for each point, with the last
      dimension of the grid as x; `interleaved`, a block for each point with the
      last but one as x and the last as y; `flat`, the blocks of `points` in one
      dimension; `persistent`, in one dimension and at most one block a
      multiprocessor.
    - `threads` of a block, none on a CPU; `shared` bytes of dynamic shared
      memory; `stack` bytes of a call on a CPU; `cluster`, how many blocks along
      x, y and z run side by side and can reach each other's shared memory (for
      launchers of one's own: artifacts have none).

    A kernel that has it must take what `parameters` lists, in kind and number,
    and run in the blocks and clusters that it asks for itself; a launch of it
    must have arguments of those kinds. A function for CPUs takes the point of
    the grid, too, which is no parameter: each call gets its own.

    ```mlir
    #tile.launch_info<parameters = [#tile.operand<0>, #tile.extent<2 : i32>, #tile.counter],
                      grid = persistent, threads = 384, shared = 164864>
    ```
  }];
  let parameters = (ins "::mlir::ArrayAttr":$parameters, "GridOrder":$grid,
                        DefaultValuedParameter<"int64_t", "0">:$threads,
                        DefaultValuedParameter<"int64_t", "0">:$shared,
                        DefaultValuedParameter<"int64_t", "0">:$stack,
                        OptionalParameter<"::mlir::DenseI64ArrayAttr">:$cluster);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The name of the attribute on a kernel.
    static constexpr ::llvm::StringLiteral attributeName = "tile.launch_info";
    /// Of a lowered kernel, or null.
    static LaunchInfoAttr of(::mlir::Operation *kernel);
    /// `kernel` takes the parameters.
    ::llvm::LogicalResult verifyKernel(::mlir::Operation *kernel) const;
    /// The parameters can be made of the arguments of `launch`.
    ::llvm::LogicalResult verifyLaunch(LaunchOp launch,
                                       ::mlir::Operation *kernel) const;
  }];
}

def Tile_ArtifactAttr : Tile_Attr<"Artifact", "artifact"> {
  let summary = "what an artifact says of itself";
  let description = [{
    On a module of lowered kernels, as `tile.artifact`: all of the description
    (docs/artifact.md) that does not follow from its host function and kernels.
    `attn-set-artifact` writes it.

    - `target`, `chip` and `features`: what the code is for and needs.
    - `index_bits`: with 32, kernels take numbers of 64 bits as 32, and i64 and
      f64 tensors are narrowed for them.
    - `host_reads`: the host sees what buffers hold and can check it.
    - `metadata`: free.

    ```mlir
    #tile.artifact<target = "cpu", chip = "znver4", features = ["avx2", "fma"], host_reads = true,
                   metadata = {pipeline = "cpu", tile_m = 64 : i64}>
    ```
  }];
  let parameters = (ins "::mlir::StringAttr":$target,
                        OptionalParameter<"::mlir::StringAttr">:$chip,
                        OptionalParameter<"::mlir::ArrayAttr">:$features,
                        DefaultValuedParameter<"int64_t", "64">:$index_bits,
                        DefaultValuedParameter<"bool", "false">:$host_reads,
                        OptionalParameter<"::mlir::DictionaryAttr">:$metadata);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The name of the attribute on a module.
    static constexpr ::llvm::StringLiteral attributeName = "tile.artifact";
    /// Of the module around `op`, or null.
    static ArtifactAttr of(::mlir::Operation *op);
  }];
}

#endif // TILE_LAUNCH_TD
