// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The conversion of 64-bit arguments to the 32-bit types that code reads, with
// the check that every value fits.
#ifndef ATTN_RUNTIME_SRC_NARROWING_H
#define ATTN_RUNTIME_SRC_NARROWING_H

#include "Backend.h"

namespace attn::runtime {

/// Converts the argument whose element [0, ..., 0] is at `data`, with the
/// strides of the source, into the dense array `target`. Both are memory of the
/// host. Throws Failure naming the element that does not fit.
void narrow(const Narrowing &narrowing, const void *data, void *target);

} // namespace attn::runtime

#endif // ATTN_RUNTIME_SRC_NARROWING_H
