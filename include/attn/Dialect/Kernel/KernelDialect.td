//===- KernelDialect.td - The kernel dialect ---------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What kernels of the normal form need and MLIR's dialects lack: matrices of
// subgroups, and what a workgroup agrees on.
//
//===----------------------------------------------------------------------===//

#ifndef KERNEL_DIALECT_TD
#define KERNEL_DIALECT_TD

include "mlir/IR/DialectBase.td"

def Kernel_Dialect : Dialect {
  let name = "kernel";
  let cppNamespace = "::attn::kernel";
  let summary = "Matrices of subgroups, in GPU kernels";
  let description = [{
    A matrix is held by a subgroup; which lane has which of its elements, only
    the machine knows. It becomes a cooperative matrix of SPIR-V or a matrix of
    a Metal simdgroup. All lanes of a subgroup take part in every op together,
    but for those that read or change elements of a lane.

    `kernel.uniform_load` lets the threads of a workgroup go one way together,
    `kernel.arrive` lets one workgroup go on from what others have made.

    The ops of MLIR's GPU dialect for matrices (`gpu.subgroup_mma_*`) have no
    bf16, no conversion to fewer bits, and a layout by strings.
  }];
  let useDefaultTypePrinterParser = 1;
  let dependentDialects = ["::attn::tile::TileDialect"];
}

#endif // KERNEL_DIALECT_TD
