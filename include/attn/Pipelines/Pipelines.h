//===- Pipelines.h - Pass pipelines -----------------------------*- C++ -*-===//
//
// The orders in which passes run. A pipeline only lists passes.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_PIPELINES_PIPELINES_H
#define ATTN_PIPELINES_PIPELINES_H

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

namespace attn {

/// Tile sizes, for pipelines with the options `Derived`.
template <typename Derived>
struct TileSizeOptions : public mlir::PassPipelineOptions<Derived> {
  template <typename T> using Option = mlir::detail::PassOptions::Option<T>;
  Option<int64_t> tileM{*this, "tile-m",
                        llvm::cl::desc("Query rows of a score tile"),
                        llvm::cl::init(64)};
  Option<int64_t> tileN{*this, "tile-n", llvm::cl::desc("Keys of a score tile"),
                        llvm::cl::init(96)};
};

/// Options of the pipelines to the tile form.
struct TilePipelineOptions : public TileSizeOptions<TilePipelineOptions> {
  Option<bool> fuse{*this, "fuse",
                    llvm::cl::desc("Fuse the online softmax; without it the "
                                   "scores go through memory"),
                    llvm::cl::init(true)};
  Option<bool> divide{*this, "divide",
                      llvm::cl::desc("Divide o by the row sum instead of "
                                     "multiplying by its inverse"),
                      llvm::cl::init(false)};
};

/// Options of the CPU pipelines.
struct CPUPipelineOptions : public TileSizeOptions<CPUPipelineOptions> {
  Option<unsigned> vectorBits{*this, "vector-bits",
                              llvm::cl::desc("Width of a vector register"),
                              llvm::cl::init(256)};
  Option<unsigned> registers{*this, "registers",
                             llvm::cl::desc("Number of vector registers"),
                             llvm::cl::init(16)};
};

/// attn.attention on tensors or memrefs to outlined `tile.kernel` functions
/// and a host function of `tile.launch` (docs/tile-form.md).
void buildTilePipeline(mlir::OpPassManager &pm,
                       const TilePipelineOptions &options);

/// `tile.kernel` functions to loops on vectors.
void buildCPUKernelPipeline(mlir::OpPassManager &pm,
                            const CPUPipelineOptions &options);

/// Registers attn-to-tile, attn-to-cpu and attn-to-cpu-standard.
void registerAttnPipelines();

} // namespace attn

#endif // ATTN_PIPELINES_PIPELINES_H
