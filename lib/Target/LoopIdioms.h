//===- LoopIdioms.h - LLVM pipelines without loop idioms --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Patterns of C library loops are of no use in kernels, and the search for one
// of them (HashRecognize) takes exponential time in chains of arithmetic, as
// activations of scores are.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_TARGET_LOOPIDIOMS_H
#define LIB_TARGET_LOOPIDIOMS_H

#include "llvm/IR/PassInstrumentation.h"

namespace attn {

/// Keeps the pass out of every pipeline that is built with `callbacks`.
inline void skipLoopIdioms(llvm::PassInstrumentationCallbacks &callbacks) {
  callbacks.registerShouldRunOptionalPassCallback(
      [](llvm::StringRef pass, const llvm::Any &) {
        return pass != "LoopIdiomRecognizePass";
      });
}

} // namespace attn

#endif // LIB_TARGET_LOOPIDIOMS_H
