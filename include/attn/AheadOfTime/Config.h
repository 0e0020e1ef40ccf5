//===- Config.h - Attention described without MLIR --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes the MLIR of an attention function from a few facts in JSON: heads,
// sizes, element type, layout and the usual options (docs/ahead-of-time.md).
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_AHEADOFTIME_CONFIG_H
#define ATTN_AHEADOFTIME_CONFIG_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace attn {

/// A module with one function, or what is wrong with `json`.
llvm::Expected<std::string> configToMLIR(llvm::StringRef json);

} // namespace attn

#endif // ATTN_AHEADOFTIME_CONFIG_H
