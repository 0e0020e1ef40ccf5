//===- MMAEmitter.h - One kernel on mma.sync --------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All warps of a block load tiles by asynchronous copies; each computes 16 rows
// of the query tile.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_TILETOMMA_MMAEMITTER_H
#define LIB_CONVERSION_TILETOMMA_MMAEMITTER_H

#include "MMALayout.h"

namespace attn::mma {

/// Emits the kernel at the insertion point.
void emitKernel(Emitter &emit, MMALayout &layout);

} // namespace attn::mma

#endif // LIB_CONVERSION_TILETOMMA_MMAEMITTER_H
