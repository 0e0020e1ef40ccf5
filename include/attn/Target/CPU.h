//===- CPU.h - The targets cpu and cpu-standard -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// x86-64 from AVX2 on and AArch64: vector code in a shared object. One target
// fuses the online softmax, the other stores its scores, for comparison.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TARGET_CPU_H
#define ATTN_TARGET_CPU_H

#include "attn/Target/Target.h"

namespace attn {

void registerCPUTargets();

/// LLVM's code generators for these processors, and no others: programs that
/// link LLVM's archives hold what is named here.
void initializeCPUCodeGenerators();

/// attn-to-cpu and attn-to-cpu-standard. The targets need not be registered
/// before; neither here nor in the other headers of targets.
void buildCPUPipeline(mlir::OpPassManager &pm,
                      const TargetPipelineOptions &options);
void buildCPUStandardPipeline(mlir::OpPassManager &pm,
                              const TargetPipelineOptions &options);

/// Registers `attn-to-cpu` and `attn-to-cpu-standard`: for modules that stay in
/// their compiler, the grids become scf.parallel loops that call the kernels.
void registerCPUPipelines();

} // namespace attn

#endif // ATTN_TARGET_CPU_H
