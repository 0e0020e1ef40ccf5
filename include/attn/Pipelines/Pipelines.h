//===- Pipelines.h - Pass pipelines -----------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The orders in which passes run, as far as targets share them; the rest stands
// with each target. A pipeline only lists passes.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_PIPELINES_PIPELINES_H
#define ATTN_PIPELINES_PIPELINES_H

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"

namespace attn {

/// Options of the pipeline to attention on memrefs.
struct RegionPipelineOptions
    : public mlir::PassPipelineOptions<RegionPipelineOptions> {
  Option<bool> contents{
      *this, "contents",
      llvm::cl::desc("The host can read the tensors: check the lengths and "
                     "page numbers in them"),
      llvm::cl::init(false)};
};

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
                     "of this; 0: to whole vectors of the target"),
      llvm::cl::init(16)};
  Option<bool> shareColumns{
      *this, "share-columns",
      llvm::cl::desc("Where keys may be split, several blocks finish a row"),
      llvm::cl::init(false)};
  Option<bool> fuse{*this, "fuse",
                    llvm::cl::desc("Fuse the online softmax; without it the "
                                   "scores go through memory"),
                    llvm::cl::init(true)};
  Option<bool> divide{
      *this, "divide",
      llvm::cl::desc("Divide o of f32 by the row sum instead of "
                     "multiplying by its inverse"),
      llvm::cl::init(false)};
  Option<bool> scoresOnly{
      *this, "scores-only",
      llvm::cl::desc(
          "Two versions of the scores of a key tile, with and without "
          "a mask, in place of two bodies of the loop"),
      llvm::cl::init(false)};
  Option<bool> packBindings{
      *this, "pack-bindings",
      llvm::cl::desc("Let kernels take no more buffers than the target binds"),
      llvm::cl::init(false)};
  Option<bool> explain{
      *this, "explain",
      llvm::cl::desc("Say on grids which key tiles their query tiles visit"),
      llvm::cl::init(false)};
  Option<bool> contents{
      *this, "contents",
      llvm::cl::desc("The host can read the tensors: check the lengths and "
                     "page numbers in them"),
      llvm::cl::init(false)};
};

/// attn.attention on tensors or memrefs to outlined `tile.kernel` functions
/// and a host function of `tile.launch` (docs/tile-form.md).
void buildTilePipeline(mlir::OpPassManager &pm,
                       const TilePipelineOptions &options);

/// Its two parts, between which targets choose schedules. The first: attention
/// on memrefs, free of sugar.
void buildRegionPipeline(mlir::OpPassManager &pm,
                         const RegionPipelineOptions &options);
/// The second: outlined kernels.
void buildGridPipeline(mlir::OpPassManager &pm,
                       const TilePipelineOptions &options);

/// Kernels in normal form (docs/gpu-kernels.md) for the target of the module:
/// what it lacks is made of what it has, or refused.
void buildLegalizePipeline(mlir::OpPassManager &pm);

/// Whether passes on modules may be added to `pm`.
bool takesModulePasses(mlir::OpPassManager &pm);

/// Registers a pipeline of passes on modules. In a pipeline on anything else it
/// is an error, where MLIR ends the process over the first pass that is added.
template <typename Options, typename Builder>
void registerModulePipeline(llvm::StringRef name, llvm::StringRef description,
                            Builder build) {
  mlir::registerPassPipeline(
      name, description,
      [name = name.str(), build](
          mlir::OpPassManager &pm, llvm::StringRef text,
          llvm::function_ref<mlir::LogicalResult(const llvm::Twine &)> reject)
          -> mlir::LogicalResult {
        if (!takesModulePasses(pm))
          return reject(name + " is for builtin.module, not for " +
                        pm.getOpAnchorName());
        Options options;
        if (mlir::failed(options.parseFromString(text)))
          return mlir::failure();
        build(pm, options);
        return mlir::success();
      },
      [](llvm::function_ref<void(const mlir::detail::PassOptions &)> visit) {
        visit(Options());
      });
}

/// Registers attn-to-tile and attn-legalize-kernels.
void registerAttnPipelines();

} // namespace attn

#endif // ATTN_PIPELINES_PIPELINES_H
