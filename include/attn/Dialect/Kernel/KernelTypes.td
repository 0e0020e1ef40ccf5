//===- KernelTypes.td - Types of the kernel dialect --------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The matrix of a subgroup.
//
//===----------------------------------------------------------------------===//

#ifndef KERNEL_TYPES_TD
#define KERNEL_TYPES_TD

include "KernelDialect.td"
include "mlir/IR/AttrTypeBase.td"

def Kernel_MatrixType : TypeDef<Kernel_Dialect, "Matrix"> {
  let mnemonic = "matrix";
  let summary = "a matrix that the lanes of a subgroup hold together";
  let description = [{
    Rows, columns, the type of its elements (f16, bf16, f32), and what it is to
    a product: `a` the left factor, `b` the right one, `accumulator` what is
    added and what results. Matrices of one type have their elements in the same
    lanes, others need not.

    ```mlir
    !kernel.matrix<16x16xbf16, a>
    ```
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape,
                        "::mlir::Type":$elementType,
                        "::attn::tile::FragmentUse":$use);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    int64_t getRows() const { return getShape()[0]; }
    int64_t getCols() const { return getShape()[1]; }
    int64_t getNumElements() const { return getRows() * getCols(); }
  }];
}

#endif // KERNEL_TYPES_TD
