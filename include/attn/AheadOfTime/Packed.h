//===- Packed.h - Small artifacts for browsers ------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shaders of several chips are long and alike. A packed artifact is a container
// with another one in few bytes (docs/artifact.md, "Packed"), which runtime/web
// reads.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_AHEADOFTIME_PACKED_H
#define ATTN_AHEADOFTIME_PACKED_H

#include "llvm/Support/Error.h"

#include <string>

namespace attn {

/// `artifact` packed, if browsers alone run all of it, and it is a bundle of
/// variants or text whose holes a page fills; else itself.
std::string packForBrowsers(std::string artifact);

/// The bytes that a packed artifact holds, which are to be judged as those of
/// any file; of what is not packed itself. Unpacks no more than what was packed
/// here: it trusts the hash.
llvm::Expected<std::string> unpackArtifact(llvm::StringRef artifact);

} // namespace attn

#endif // ATTN_AHEADOFTIME_PACKED_H
