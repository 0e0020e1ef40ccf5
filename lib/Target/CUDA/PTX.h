//===- PTX.h - From kernels in the LLVM dialect to code ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PTX text by LLVM, in process, and machine code by the program ptxas.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_TARGET_CUDA_PTX_H
#define LIB_TARGET_CUDA_PTX_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Pass/PassManager.h"

#include <string>

namespace attn {

/// The plain path, for kernels that use no tensor cores: outlined tile kernels
/// to a gpu.module in the LLVM dialect. `threads` of a block; 0: one a row.
void buildNVPTXPlainPipeline(mlir::OpPassManager &manager, int64_t threads);

/// Registers what translateToPTX needs.
void registerNVPTXTranslation(mlir::DialectRegistry &registry);

/// PTX text of each of some modules in the LLVM dialect, for a chip such as
/// "sm_80".
mlir::FailureOr<mlir::SmallVector<std::string>>
translateToPTX(mlir::ArrayRef<mlir::gpu::GPUModuleOp> modules,
               llvm::StringRef chip);

/// The machine code (a cubin) that the program `ptxas` makes of `ptx` for a
/// chip such as "sm_90a"; a diagnostic at `where` if it fails.
mlir::FailureOr<std::string> assemblePTX(mlir::Operation *where,
                                         llvm::StringRef ptx,
                                         llvm::StringRef chip,
                                         llvm::StringRef ptxas);

/// How many registers the kernel of `ptx` has, as the ptxas of this machine
/// says; "" if there is none.
std::string describeRegisters(llvm::StringRef ptx, llvm::StringRef chip);

} // namespace attn

#endif // LIB_TARGET_CUDA_PTX_H
