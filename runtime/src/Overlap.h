// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whether strided tensors share memory: exact, but for strides that step back
// and forth among each other in ways that no layout does.
#ifndef ATTN_RUNTIME_SRC_OVERLAP_H
#define ATTN_RUNTIME_SRC_OVERLAP_H

#include "attn_runtime.h"

namespace attn::runtime {

/// True if two elements of `tensor` share memory.
bool overlapsItself(const attn_tensor &tensor);

/// True if an element of `first` shares memory with one of `second`. Parts of
/// one buffer that interleave (o between the rows of q) do not.
bool overlap(const attn_tensor &first, const attn_tensor &second);

} // namespace attn::runtime

#endif // ATTN_RUNTIME_SRC_OVERLAP_H
