// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Arguments of launches on devices whose kernels count with 32 bits.
#ifndef ATTN_RUNTIME_SRC_LAUNCHWORDS_H
#define ATTN_RUNTIME_SRC_LAUNCHWORDS_H

#include "Description.h"

namespace attn::runtime {

/// The word of an argument that is no buffer, of which `slot` is the value.
/// Throws Failure if it does not fit; `api` is what kernels run on.
uint32_t wordOf(const Description &description, const LaunchArgument &argument,
                uint64_t slot, const char *api);

/// Bytes of an element as kernels see it; 0 for temporaries, which they know
/// alone.
size_t elementBytes(const Description &description, const BufferRef &buffer);

/// The number of workgroups of the kernel along an axis. Throws Failure if it
/// does not fit.
uint32_t gridExtent(const LaunchDescription &launch, int64_t extent);

} // namespace attn::runtime

#endif // ATTN_RUNTIME_SRC_LAUNCHWORDS_H
