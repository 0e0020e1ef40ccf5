// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Dense copies of tensors whose strides or 64-bit elements are not what code
// reads and writes: gathered before the launches of a program, scattered after
// them.
#ifndef ATTN_RUNTIME_SRC_DENSECOPY_H
#define ATTN_RUNTIME_SRC_DENSECOPY_H

#include "Backend.h"

namespace attn::runtime {

/// Fills the dense array `target` from the tensor of `copy`, its element
/// [0, ..., 0] at `data`. Both are memory of the host. i64 becomes i32 and f64
/// becomes f32 with a check: throws Failure naming the element that does not
/// fit.
void gather(const DenseCopy &copy, const void *data, void *target);

/// Writes the dense array `source` to the tensor of `copy`, its element
/// [0, ..., 0] at `data`.
void scatter(const DenseCopy &copy, const void *source, void *data);

} // namespace attn::runtime

#endif // ATTN_RUNTIME_SRC_DENSECOPY_H
