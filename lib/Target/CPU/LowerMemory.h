//===- LowerMemory.h - Accesses to memory in LLVM's dialect -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loads and stores by addresses whose inner part alone changes in inner loops.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_TARGET_CPU_LOWERMEMORY_H
#define LIB_TARGET_CPU_LOWERMEMORY_H

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/IR/PatternMatch.h"

namespace attn {

/// Patterns that are preferred to MLIR's.
void populateLowerMemoryPatterns(const mlir::LLVMTypeConverter &types,
                                 mlir::RewritePatternSet &patterns);

} // namespace attn

#endif // LIB_TARGET_CPU_LOWERMEMORY_H
