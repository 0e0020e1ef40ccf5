//===- LegalizeKernels.h - GPU kernels for machines with less ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The verifier of the kernel normal form, and a pass for each thing that a
// target lacks: attn-legalize-kernels (attn/Pipelines/Pipelines.h) is their
// order.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_CONVERSION_LEGALIZEKERNELS_H
#define ATTN_CONVERSION_LEGALIZEKERNELS_H

#include "mlir/Pass/Pass.h"

namespace attn {
#define GEN_PASS_DECL_BINDARGUMENTS
#define GEN_PASS_DECL_COUNTLOOPS
#define GEN_PASS_DECL_EMULATEINT64
#define GEN_PASS_DECL_EXPANDBOOLEANS
#define GEN_PASS_DECL_INTERLEAVEHEADS
#define GEN_PASS_DECL_NARROWINDICES
#define GEN_PASS_DECL_PACKELEMENTS
#define GEN_PASS_DECL_SIGNEDWHENEQUIVALENT
#define GEN_PASS_DECL_STOREINFINITYBITS
#define GEN_PASS_DECL_VERIFYKERNELFORM
#define GEN_PASS_DECL_WIDENSMALLINTEGERS
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

#endif // ATTN_CONVERSION_LEGALIZEKERNELS_H
