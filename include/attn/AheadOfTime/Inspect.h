//===- Inspect.h - Artifacts as text ----------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Prints what artifacts hold for people: signatures, launches and checks with
// their expressions as they are written by hand.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_AHEADOFTIME_INSPECT_H
#define ATTN_AHEADOFTIME_INSPECT_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

#include <string>

namespace llvm {
class raw_ostream;
} // namespace llvm

namespace attn {

/// An expression of a description, e.g. "ceildiv(query.size(2), 64) * 8".
std::string toReadable(const llvm::json::Value &expression);

/// The shape of an argument or result, e.g. "[?, 8, ?, 64]".
std::string toReadableShape(const llvm::json::Object &tensor);

/// Prints every variant of an artifact, or says what is wrong with it.
llvm::Error inspect(llvm::StringRef artifact, llvm::raw_ostream &os);

} // namespace attn

#endif // ATTN_AHEADOFTIME_INSPECT_H
