//===- PipelinesTest.cpp - Pipelines from C++ -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each pipeline has a function that takes its options as a struct and adds the
// passes that its name on a command line stands for.
//
//===----------------------------------------------------------------------===//

#include "attn/Pipelines/Pipelines.h"
#include "attn/InitAll.h"
#include "attn/Target/CPU.h"
#include "attn/Target/CUDA.h"
#include "attn/Target/Metal.h"
#include "attn/Target/Vulkan.h"
#include "attn/Target/WGSL.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "gtest/gtest.h"

using namespace mlir;

namespace {

std::string print(OpPassManager &pm) {
  std::string text;
  llvm::raw_string_ostream os(text);
  pm.printAsTextualPipeline(os);
  return text;
}

class PipelinesTest : public ::testing::Test {
protected:
  /// What `build` adds is what the text stands for.
  template <typename Options>
  void check(void (*build)(OpPassManager &, const Options &),
             const Options &options, StringRef text) {
    PassManager built = PassManager::on<ModuleOp>(&context),
                parsed = PassManager::on<ModuleOp>(&context);
    build(built, options);
    attn::registerAllPasses();
    ASSERT_TRUE(succeeded(parsePassPipeline(text, parsed))) << text.str();
    EXPECT_EQ(print(built), print(parsed)) << text.str();
    EXPECT_GT(built.size(), 1u);
  }

  MLIRContext context;
};

TEST_F(PipelinesTest, Targets) {
  attn::TargetPipelineOptions options;
  check(attn::buildCPUPipeline, options, "attn-to-cpu");
  check(attn::buildCPUStandardPipeline, options, "attn-to-cpu-standard");
  check(attn::buildCUDAPipeline, options, "attn-to-cuda");
  check(attn::buildMetalPipeline, options, "attn-to-metal");
  check(attn::buildVulkanPipeline, options, "attn-to-vulkan");
}

TEST_F(PipelinesTest, OptionsOfTargets) {
  attn::TargetPipelineOptions options;
  options.tileM = 32;
  options.tileN = 48;
  options.chip = "neoverse-n1";
  check(attn::buildCPUPipeline, options,
        "attn-to-cpu{chip=neoverse-n1 tile-m=32 tile-n=48}");
  options.launches = true;
  check(attn::buildCPUPipeline, options,
        "attn-to-cpu{chip=neoverse-n1 tile-m=32 tile-n=48 launches=true}");
  options.chip = "sm_90a";
  check(attn::buildCUDAPipeline, options,
        "attn-to-hopper{tile-m=32 tile-n=48}");
}

TEST_F(PipelinesTest, Parts) {
  attn::TilePipelineOptions tile;
  tile.tileM = 16;
  tile.fuse = false;
  tile.contents = true;
  check(attn::buildTilePipeline, tile,
        "attn-to-tile{tile-m=16 fuse=false contents=true}");
  attn::CUDAPlainPipelineOptions plain;
  plain.threads = 64;
  check(attn::buildCUDAPlainPipeline, plain, "attn-to-nvptx-plain{threads=64}");
  attn::WGSLPipelineOptions shaders;
  shaders.threads = 64;
  shaders.workgroupBytes = 8192;
  check(attn::buildWGSLPipeline, shaders,
        "attn-to-wgsl{threads=64 workgroup-bytes=8192}");
}

TEST_F(PipelinesTest, RegionsAndGridsAreTheTilePipeline) {
  attn::RegionPipelineOptions region;
  region.contents = true;
  attn::TilePipelineOptions tile;
  tile.contents = true;
  tile.tileN = 32;
  PassManager parts(&context), whole(&context);
  attn::buildRegionPipeline(parts, region);
  attn::buildGridPipeline(parts, tile);
  attn::buildTilePipeline(whole, tile);
  EXPECT_EQ(print(parts), print(whole));
}

} // namespace
