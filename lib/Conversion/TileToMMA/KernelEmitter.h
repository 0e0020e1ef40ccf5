//===- KernelEmitter.h - One kernel on mma.sync -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All warps of a block load tiles by asynchronous copies; each computes 16 rows
// of the query tile.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_TILETOMMA_KERNELEMITTER_H
#define LIB_CONVERSION_TILETOMMA_KERNELEMITTER_H

#include "Plan.h"

namespace attn::mma {

/// Emits the kernel at the insertion point.
void emitKernel(Emitter &emit, Plan &plan);

} // namespace attn::mma

#endif // LIB_CONVERSION_TILETOMMA_KERNELEMITTER_H
