//===- Wasm.h - LLVM IR for WebAssembly -------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the instruction set lacks.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_TARGET_CPU_WASM_H
#define LIB_TARGET_CPU_WASM_H

#include "llvm/IR/Module.h"

namespace attn {

/// Rewrites what LLVM would call a library for: fused products and maxima that
/// pass over NaN. Products are rounded before they are added, or once where the
/// engine likes (relaxed-simd). `cpu-floats-as-bits` has run before.
void legalizeForWasm(llvm::Module &module);

} // namespace attn

#endif // LIB_TARGET_CPU_WASM_H
