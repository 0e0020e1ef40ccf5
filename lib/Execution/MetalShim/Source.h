//===- Source.h - Metal kernels as C++ --------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What metal_stdlib cannot say in C++ about a text: threadgroup arrays belong
// to all threads, and attributes of parameters say what a kernel is called
// with.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EXECUTION_METALSHIM_SOURCE_H
#define ATTN_LIB_EXECUTION_METALSHIM_SOURCE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace attn::execution::metal {

/// The C++ for a text in the Metal language, with the same lines, and behind
/// them what ShimInterface.h asks of a module.
llvm::Expected<std::string> translateSource(llvm::StringRef text);

} // namespace attn::execution::metal

#endif // ATTN_LIB_EXECUTION_METALSHIM_SOURCE_H
