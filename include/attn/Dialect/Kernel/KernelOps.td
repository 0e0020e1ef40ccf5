//===- KernelOps.td - Operations of the kernel dialect -----*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Matrices of subgroups: loads and stores, products, conversions, and elements
// of a lane; and what a workgroup reads together.
//
//===----------------------------------------------------------------------===//

#ifndef KERNEL_OPS_TD
#define KERNEL_OPS_TD

include "KernelTypes.td"
include "attn/Dialect/KnownAttributes.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Kernel_Op<string mnemonic, list<Trait> traits = []>
    : Op<Kernel_Dialect, mnemonic, !listconcat(traits, [KnownAttributes])>;

class IsOfMatrix<string scalar>
    : TypesMatchWith<scalar # " has the element type of the matrix", "matrix", scalar,
                     "::llvm::cast<MatrixType>($_self).getElementType()">;

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

/// Floats, or vectors of them.
def Kernel_MatrixMemory : MemRefRankOf<[AnyFloat, VectorOfRankAndType<[1], [AnyFloat]>], [1]>;

def Kernel_LoadMatrixOp : Kernel_Op<"load_matrix"> {
  let summary = "read a matrix from memory";
  let description = [{
    Element (i, j) is `memory[index + i * stride + j]`; if `transposed`, the
    columns are `stride` elements apart: `memory[index + j * stride + i]`. With
    a stride of 0, all rows (columns) are the same. In memory of vectors `index`
    and `stride` count vectors.

    ```mlir
    %k = kernel.load_matrix %tile[%at] stride 136 transposed
        : memref<8704xbf16, #gpu.address_space<workgroup>> -> !kernel.matrix<16x16xbf16, b>
    ```
  }];
  let arguments = (ins Arg<Kernel_MatrixMemory, "", [MemRead]>:$memory,
                       Index:$index,
                       ConfinedAttr<I64Attr, [IntNonNegative]>:$stride,
                       UnitAttr:$transposed);
  let results = (outs Kernel_MatrixType:$matrix);
  let assemblyFormat = [{
    $memory `[` $index `]` `stride` $stride (`transposed` $transposed^)?
    attr-dict `:` type($memory) `->` type($matrix)
  }];
  let hasVerifier = 1;
}

def Kernel_StoreMatrixOp : Kernel_Op<"store_matrix"> {
  let summary = "write a matrix to memory";
  let description = [{
    Where elements go is what `kernel.load_matrix` says of where they lie.

    ```mlir
    kernel.store_matrix %sum, %tile[%at] stride 16
        : !kernel.matrix<16x16xf32, accumulator>, memref<256xf32, #gpu.address_space<workgroup>>
    ```
  }];
  let arguments = (ins Kernel_MatrixType:$matrix,
                       Arg<Kernel_MatrixMemory, "", [MemWrite]>:$memory,
                       Index:$index,
                       ConfinedAttr<I64Attr, [IntPositive]>:$stride,
                       UnitAttr:$transposed);
  let assemblyFormat = [{
    $matrix `,` $memory `[` $index `]` `stride` $stride (`transposed` $transposed^)?
    attr-dict `:` type($matrix) `,` type($memory)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Matrices
//===----------------------------------------------------------------------===//

def Kernel_FillMatrixOp : Kernel_Op<"fill_matrix", [Pure, IsOfMatrix<"value">]> {
  let summary = "a matrix of equal elements";
  let description = [{
    All lanes have the same value.

    ```mlir
    %zeros = kernel.fill_matrix %zero : !kernel.matrix<16x16xf32, accumulator>
    ```
  }];
  let arguments = (ins AnyFloat:$value);
  let results = (outs Kernel_MatrixType:$matrix);
  let assemblyFormat = "$value attr-dict `:` type($matrix)";
}

def Kernel_MultiplyMatricesOp
    : Kernel_Op<"multiply_matrices", [Pure, AllTypesMatch<["acc", "result"]>]> {
  let summary = "a product of two matrices, added to a third one";
  let description = [{
    Products and sums have the precision of the accumulator; in which order
    they are added is the machine's.

    ```mlir
    %next = kernel.multiply_matrices %q, %k, %sum
        : !kernel.matrix<16x16xbf16, a>, !kernel.matrix<16x16xbf16, b> -> !kernel.matrix<16x16xf32, accumulator>
    ```
  }];
  let arguments = (ins Kernel_MatrixType:$a, Kernel_MatrixType:$b, Kernel_MatrixType:$acc);
  let results = (outs Kernel_MatrixType:$result);
  let assemblyFormat = [{
    $a `,` $b `,` $acc attr-dict `:` type($a) `,` type($b) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Kernel_ConvertMatrixOp : Kernel_Op<"convert_matrix", [Pure]> {
  let summary = "the same matrix with other elements";
  let description = [{
    Every element rounded to the element type of the result, which has the same
    shape and use. Lanes need not hold the same elements of both.

    ```mlir
    %h = kernel.convert_matrix %p : !kernel.matrix<16x16xf32, accumulator> to !kernel.matrix<16x16xf16, accumulator>
    ```
  }];
  let arguments = (ins Kernel_MatrixType:$input);
  let results = (outs Kernel_MatrixType:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `to` type($result)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Elements of a lane
//===----------------------------------------------------------------------===//

def Kernel_ExtractElementOp
    : Kernel_Op<"extract_element", [Pure, IsOfMatrix<"element">]> {
  let summary = "an element that this lane holds";
  let description = [{
    By its number among those of the lane. Arithmetic on matrices is arithmetic
    on elements of one number: matrices of one type have them in the same place.

    ```mlir
    %x = kernel.extract_element %sum[3] : !kernel.matrix<16x16xf32, accumulator>
    ```
  }];
  let arguments = (ins Kernel_MatrixType:$matrix,
                       ConfinedAttr<I64Attr, [IntNonNegative]>:$number);
  let results = (outs AnyFloat:$element);
  let assemblyFormat = "$matrix `[` $number `]` attr-dict `:` type($matrix)";
  let hasVerifier = 1;
}

def Kernel_InsertElementOp
    : Kernel_Op<"insert_element", [Pure, AllTypesMatch<["matrix", "result"]>,
                                   IsOfMatrix<"element">]> {
  let summary = "a matrix with another element of this lane";
  let description = [{
    Every lane puts a value of its own in the place of its element of this
    number.

    ```mlir
    %scaled = kernel.insert_element %y, %sum[3] : !kernel.matrix<16x16xf32, accumulator>
    ```
  }];
  let arguments = (ins AnyFloat:$element, Kernel_MatrixType:$matrix,
                       ConfinedAttr<I64Attr, [IntNonNegative]>:$number);
  let results = (outs Kernel_MatrixType:$result);
  let assemblyFormat = [{
    $element `,` $matrix `[` $number `]` attr-dict `:` type($matrix)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Workgroups
//===----------------------------------------------------------------------===//

def Kernel_UniformLoadOp : Kernel_Op<"uniform_load"> {
  let summary = "what all threads of a workgroup read together";
  let description = [{
    A barrier, a read from workgroup memory at a place that is the same for all
    threads, and another barrier: all have the same value, so that barriers may
    depend on it. Languages that prove where threads arrive together have a
    function for this.

    ```mlir
    %moved = kernel.uniform_load %votes[%zero] : memref<4xi32, #gpu.address_space<workgroup>>
    ```
  }];
  // Barriers write whatever threads exchange.
  let arguments = (ins Arg<MemRefRankOf<[I32], [1]>, "", [MemRead, MemWrite]>:$memory,
                       Index:$index);
  let results = (outs I32:$value);
  let assemblyFormat = "$memory `[` $index `]` attr-dict `:` type($memory)";
}

def Kernel_ArriveOp : Kernel_Op<"arrive"> {
  let summary = "whether a workgroup is the last one of several";
  let description = [{
    A barrier; then one thread counts its workgroup in a counter in memory, sets
    that to 0 if it is the last one of `count`, and tells the others through
    workgroup memory (element 0 of `told`), behind another barrier. What any workgroup stored
    before it arrived is there for the loads that follow in the last one.

    ```mlir
    %last = kernel.arrive %counters[%group] of %count, %told : memref<8xi32>, memref<4xf32, #gpu.address_space<workgroup>>
    ```
  }];
  // Barriers write whatever threads exchange.
  let arguments = (ins Arg<MemRefRankOf<[I32], [1]>, "", [MemRead, MemWrite]>:$counters,
                       Index:$index, Index:$count,
                       Arg<MemRefRankOf<[F32], [1]>, "", [MemRead, MemWrite]>:$told);
  let results = (outs I1:$last);
  let assemblyFormat = [{
    $counters `[` $index `]` `of` $count `,` $told attr-dict
    `:` type($counters) `,` type($told)
  }];
}

#endif // KERNEL_OPS_TD
