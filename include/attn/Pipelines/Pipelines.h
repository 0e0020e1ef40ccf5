//===- Pipelines.h - Pass pipelines -----------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The orders in which passes run. A pipeline only lists passes.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_PIPELINES_PIPELINES_H
#define ATTN_PIPELINES_PIPELINES_H

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

namespace attn {

/// Options of the pipelines to the tile form.
struct TilePipelineOptions
    : public mlir::PassPipelineOptions<TilePipelineOptions> {
  Option<int64_t> tileM{*this, "tile-m",
                        llvm::cl::desc("Query rows of a score tile"),
                        llvm::cl::init(64)};
  Option<int64_t> tileN{*this, "tile-n", llvm::cl::desc("Keys of a score tile"),
                        llvm::cl::init(96)};
  Option<int64_t> rowMultiple{
      *this, "row-multiple",
      llvm::cl::desc("Round the rows of tiles for few queries up to a multiple "
                     "of this"),
      llvm::cl::init(16)};
  Option<bool> fuse{*this, "fuse",
                    llvm::cl::desc("Fuse the online softmax; without it the "
                                   "scores go through memory"),
                    llvm::cl::init(true)};
  Option<bool> divide{*this, "divide",
                      llvm::cl::desc("Divide o by the row sum instead of "
                                     "multiplying by its inverse"),
                      llvm::cl::init(false)};
  Option<bool> contents{
      *this, "contents",
      llvm::cl::desc("The host can read the tensors: check the lengths and "
                     "page numbers in them"),
      llvm::cl::init(false)};
};

/// Options of the CPU pipelines.
struct CPUPipelineOptions
    : public mlir::PassPipelineOptions<CPUPipelineOptions> {
  Option<int64_t> tileM{*this, "tile-m",
                        llvm::cl::desc("Query rows of a score tile; 0: chosen"),
                        llvm::cl::init(0)};
  Option<int64_t> tileN{*this, "tile-n",
                        llvm::cl::desc("Keys of a score tile; 0: chosen"),
                        llvm::cl::init(0)};
  Option<unsigned> vectorBits{*this, "vector-bits",
                              llvm::cl::desc("Width of a vector register"),
                              llvm::cl::init(256)};
  Option<unsigned> registers{*this, "registers",
                             llvm::cl::desc("Number of vector registers"),
                             llvm::cl::init(16)};
  Option<int64_t> l1Bytes{*this, "l1-bytes",
                          llvm::cl::desc("Data cache of a core"),
                          llvm::cl::init(32768)};
  Option<int64_t> l2Bytes{*this, "l2-bytes",
                          llvm::cl::desc("Second cache of a core"),
                          llvm::cl::init(1048576)};
  Option<bool> launches{*this, "launches",
                        llvm::cl::desc("Keep tile.launch, for an artifact; "
                                       "otherwise a parallel loop calls the "
                                       "kernel"),
                        llvm::cl::init(false)};
};

/// attn.attention on tensors or memrefs to outlined `tile.kernel` functions
/// and a host function of `tile.launch` (docs/tile-form.md).
void buildTilePipeline(mlir::OpPassManager &pm,
                       const TilePipelineOptions &options);

/// The first part for CPUs: attention on memrefs, free of sugar, each op with
/// the schedule that suits the CPU.
void buildCPUSchedulePipeline(mlir::OpPassManager &pm,
                              const CPUPipelineOptions &options);

/// The second part for CPUs: scheduled attention to outlined `tile.kernel`
/// functions, `fuse`d or as standard attention.
void buildCPUTilePipeline(mlir::OpPassManager &pm,
                          const CPUPipelineOptions &options, bool fuse);

/// `tile.kernel` functions to loops on vectors.
void buildCPUKernelPipeline(mlir::OpPassManager &pm,
                            const CPUPipelineOptions &options);

/// Registers attn-to-tile, attn-to-cpu and attn-to-cpu-standard.
void registerAttnPipelines();

} // namespace attn

#endif // ATTN_PIPELINES_PIPELINES_H
