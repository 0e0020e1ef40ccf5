//===- Kernel.h - The kernel dialect ----------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// C++ declarations of the kernel dialect: matrices of subgroups.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_KERNEL_KERNEL_H
#define ATTN_DIALECT_KERNEL_KERNEL_H

#include "attn/Dialect/KnownAttributes.h"
#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "attn/Dialect/Kernel/KernelDialect.h.inc"

#define GET_TYPEDEF_CLASSES
#include "attn/Dialect/Kernel/KernelTypes.h.inc"

#define GET_OP_CLASSES
#include "attn/Dialect/Kernel/KernelOps.h.inc"

#endif // ATTN_DIALECT_KERNEL_KERNEL_H
