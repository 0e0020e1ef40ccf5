//===- NVPTX.h - GPU kernels to PTX -----------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The plain NVIDIA path: no tensor cores, any chip from sm_80 on, from tile
// kernels to PTX text in process.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TARGET_NVPTX_H
#define ATTN_TARGET_NVPTX_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

#include <string>

namespace attn {

struct NVPTXPlainOptions : public mlir::PassPipelineOptions<NVPTXPlainOptions> {
  Option<int64_t> threads{
      *this, "threads", llvm::cl::desc("Threads of a workgroup (0: one a row)"),
      llvm::cl::init(0)};
  Option<int64_t> sharedBytes{*this, "shared-bytes",
                              llvm::cl::desc("Static shared memory of a block"),
                              llvm::cl::init(49152)};
};

/// Tile kernels (outlined, free of sugar) to a gpu.module in the LLVM dialect.
/// The parameters of an entry are those of the tile kernel without its six
/// grid arguments, in order: pointers and index as 64 bits, scalars as they
/// are. The query tile is ctaid.x, the head ctaid.y, the batch ctaid.z.
void buildNVPTXPlainPipeline(mlir::OpPassManager &manager,
                             const NVPTXPlainOptions &options);

/// Registers the pipeline `attn-to-nvptx-plain`.
void registerNVPTXPipelines();

/// Registers what translateToPTX needs.
void registerNVPTXTranslation(mlir::DialectRegistry &registry);

/// PTX text of each of some modules in the LLVM dialect, for a chip such as
/// "sm_80".
mlir::FailureOr<mlir::SmallVector<std::string>>
translateToPTX(mlir::ArrayRef<mlir::gpu::GPUModuleOp> modules,
               llvm::StringRef chip);

} // namespace attn

#endif // ATTN_TARGET_NVPTX_H
