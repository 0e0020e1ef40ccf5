//===- MetalTarget.cpp - The target metal ---------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tile kernels to text for Apple's GPUs from the A14 and the M1 on: simdgroups
// of 32 lanes, 32 KiB of threadgroup memory, no infinities, because compilers
// of Metal assume by default that there are none.
//
//===----------------------------------------------------------------------===//

#include "TranslateToMSL.h"

#include "../Chips.h"
#include "../Shaders.h"
#include "attn/Target/Metal.h"
#include "attn/Target/Passes.h"
#include "attn/Transforms/Passes.h"

#include "mlir/Transforms/Passes.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace attn;

namespace {
/// A version of the language; the GPUs are the same.
struct Chip {
  StringLiteral name;
  bool hasBFloat;
};
} // namespace

static constexpr Chip chips[] = {
    {"metal3.1", /*hasBFloat=*/true},
    {"metal2.4", false},
    {"metal4", true},
};

/// The limits of the GPU families that have simdgroup matrices (Apple7). Of the
/// 31 buffers one has the scalars.
static constexpr int64_t kThreads = 1024, kLanes = 32,
                         kThreadgroupBytes = 32 * 1024, kBuffers = 30,
                         kMatrixShape[] = {8, 8, 8};

/// Where keys are few for one threadgroup, this many share them.
static constexpr int64_t kWorkers = 512;

/// A lane holds the same elements of every matrix, whatever its type and its
/// use, and factors may be float, or bfloat where the language has it.
static constexpr StringRef kFeatures[] = {
    "simdgroup-matrix", "matrix-element-map", "matrix-f32", "matrix-bf16"};

/// Integers of 64 bits the language has, but launchers count in 32 as for other
/// shaders (rule 21). Before it had bfloat, small numbers are moved, not
/// computed with.
static tile::Lacks getLacks(const Chip &chip) {
  auto lacks = tile::Lacks::Int64 | tile::Lacks::Infinity;
  return chip.hasBFloat ? lacks : lacks | tile::Lacks::SmallInt;
}

namespace {
class Metal final : public Target {
public:
  Metal()
      : Target(targetName.str(), "Apple's GPUs: text in Metal's language") {}

  std::vector<std::string> getChips() const override { return getNames(chips); }
  /// Nobody knows what language the systems of users have.
  std::vector<std::string> getBundledChips() const override {
    return {"metal4", "metal3.1", "metal2.4"};
  }
  tile::TargetAttr describeChip(MLIRContext *context, StringRef name,
                                std::string &error) const override {
    const Chip &chip = getChip(chips, name);
    Builder b(context);
    return tile::TargetAttr::get(
        context, targetName, name, /*vectorBits=*/0, /*vectorRegisters=*/0,
        /*l1Bytes=*/0, /*l2Bytes=*/0, kThreads, kLanes, kThreadgroupBytes,
        kThreadgroupBytes, kBuffers, kWorkers, tile::MatrixUnits::Cooperative,
        b.getStrArrayAttr(ArrayRef(kFeatures).drop_back(!chip.hasBFloat)),
        b.getDenseI64ArrayAttr(kMatrixShape), getLacks(chip));
  }

  void buildTilePipeline(OpPassManager &pm,
                         const TargetOptions &options) const override {
    buildShaderTilePipeline(pm, *this, options);
  }
  void buildKernelPipeline(OpPassManager &pm) const override;

  StringRef getTextFormat() const override { return "msl"; }
  bool printsHoles() const override { return true; }
  LogicalResult printKernels(gpu::GPUModuleOp module, StringRef chip,
                             raw_ostream &os) const override {
    return translateToMSL(module, os);
  }
  FailureOr<std::vector<CodeSection>>
  emitCode(ModuleOp module, tile::TargetAttr machine,
           const TargetOptions &options, PhaseCallback timer) const override;

  int64_t getIndexBits() const override { return 32; }
  /// Where there is no Metal, attn-run and attn-test emulate it.
  std::optional<Host> getHost() const override {
    return Host{"metal-shim", /*script=*/""};
  }
  std::string chooseChip(StringRef features) const override;

  void explainMachine(tile::TargetAttr machine,
                      std::vector<std::string> &choices) const override {
    choices.push_back(llvm::formatv(
        "chip {0}: {1} threads and {2} bytes of memory a threadgroup, matrices "
        "of 8x8 in simdgroups of {3} lanes",
        machine.getChip(), machine.getThreads(), machine.getStaticSharedBytes(),
        machine.getSubgroup()));
  }

  static constexpr StringLiteral targetName = "metal";
};
} // namespace

void Metal::buildKernelPipeline(OpPassManager &pm) const {
  buildLayoutPipeline(pm);
  OpPassManager &kernels = pm.nest<gpu::GPUModuleOp>();
  kernels.addPass(createFixSubgroups());
  buildShaderKernelPipeline(kernels, {"bf16"});
  kernels.addPass(createMarkExact());
  kernels.addPass(createOutlineHoles());
  pm.addPass(createDescribeKernels());
}

FailureOr<std::vector<CodeSection>>
Metal::emitCode(ModuleOp module, tile::TargetAttr machine,
                const TargetOptions &options, PhaseCallback timer) const {
  FailureOr<std::vector<CodeSection>> sections =
      emitShaderText(module, translateToMSL, "kernel void", "MSL");
  timer("MSL");
  return sections;
}

/// 3.1 of `metal3.1`, in tenths; 0 of something else.
static unsigned getLanguage(StringRef name) {
  auto [major, minor] = name.split('.');
  unsigned number = 0, tenths = 0;
  if (!major.consume_front("metal") || major.getAsInteger(10, number))
    return 0;
  minor.getAsInteger(10, tenths);
  return 10 * number + tenths;
}

/// The first chip whose language the device has; it tells the newest one first.
std::string Metal::chooseChip(StringRef features) const {
  for (const Chip &chip : chips)
    if (getLanguage(chip.name) <= getLanguage(features.split(',').first))
      return chip.name.str();
  return "";
}

void attn::registerMetalTargets() { registerTarget(std::make_unique<Metal>()); }

void attn::buildMetalPipeline(OpPassManager &pm,
                              const TargetPipelineOptions &options) {
  registerMetalTargets();
  buildTargetPipeline(pm, Metal(), options);
}

void attn::registerMetalPipelines() {
  registerTargetPipeline("attn-to-metal", Metal::targetName);
}
