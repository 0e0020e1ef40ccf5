//===- KnownAttributes.td - No attribute is ignored --------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The trait of every op of the project: its verifier refuses an attribute
// without a dialect prefix that the op does not declare.
//
//===----------------------------------------------------------------------===//

#ifndef DIALECTS_KNOWN_ATTRIBUTES_TD
#define DIALECTS_KNOWN_ATTRIBUTES_TD

include "mlir/IR/OpBase.td"

def KnownAttributes : NativeOpTrait<"KnownAttributes"> {
  let cppNamespace = "::attn";
}

#endif // DIALECTS_KNOWN_ATTRIBUTES_TD
