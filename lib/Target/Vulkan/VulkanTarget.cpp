//===- VulkanTarget.cpp - The target vulkan -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tile kernels to SPIR-V for any device with Vulkan 1.1: workgroup memory, no
// features or extensions; for one chip also shuffles in subgroups, which most
// devices have.
//
//===----------------------------------------------------------------------===//

#include "../Chips.h"
#include "../Shaders.h"
#include "TranslateToSPIRV.h"

#include "attn/Conversion/KernelsToSPIRV.h"
#include "attn/Target/Target.h"
#include "attn/Target/Vulkan.h"

#include "mlir/Dialect/SPIRV/IR/SPIRVOps.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace attn;

namespace {
/// What passes need to know of a device. How many buffers a kernel can bind is
/// the runtime's to check: Vulkan guarantees four, devices bind many more.
struct Chip {
  StringLiteral name;
  int64_t threads, workgroupBytes;
  /// Lanes that any subgroup of such a device has; 0: not used. With matrices
  /// exactly these.
  int64_t subgroup = 0;
  /// Workgroups that read keys side by side where queries are few.
  int64_t workers = 0;
  /// Fragments of m x k times k x n, of f16 to f32.
  std::array<int64_t, 3> matrix = {};
  /// Lanes of a subgroup are those of a vector: none waits for another. Mesa's
  /// driver for processors (26.1) takes a subgroup's barrier for the
  /// workgroup's, which some subgroups of it may never reach.
  bool isLockstep = false;
  /// Lanes hold the same elements, by number, of an accumulator and of a left
  /// factor: results become factors in registers. The runtime asks a device.
  bool hasElementMap = false;
  /// Fragments multiply bf16, too.
  bool hasBFloat = false;

  bool hasMatrices() const { return matrix[0] != 0; }
  std::vector<std::string> getFeatures() const;
};
} // namespace

/// Workgroups of a subgroup that read keys and values side by side. On an H100
/// they wait for memory: 16 times 8192 keys of 8 heads of 128 take 506 us with
/// 512 of them, 230 us with 1024 and with 2048.
static constexpr int64_t manyWorkers = 1024;

/// The limits that Vulkan 1.1 guarantees, and those of devices of desktops and
/// of software devices.
static constexpr Chip chips[] = {
    {"vulkan1.1", /*threads=*/128, /*workgroupBytes=*/16 * 1024},
    {"vulkan-desktop", 1024, 32 * 1024},
    {"vulkan-subgroup", 1024, 32 * 1024, /*subgroup=*/4,
     /*workers=*/manyWorkers},
    {"vulkan-subgroup8", 1024, 32 * 1024, /*subgroup=*/8,
     /*workers=*/manyWorkers},
    {"vulkan-subgroup32", 1024, 48 * 1024, /*subgroup=*/32,
     /*workers=*/manyWorkers},
    {"vulkan-matrix",
     1024,
     48 * 1024,
     /*subgroup=*/32,
     /*workers=*/manyWorkers,
     {16, 16, 16}},
    {"vulkan-matrix-map",
     1024,
     48 * 1024,
     /*subgroup=*/32,
     /*workers=*/manyWorkers,
     {16, 16, 16},
     /*isLockstep=*/false,
     /*hasElementMap=*/true},
    {"vulkan-matrix-bf16",
     1024,
     48 * 1024,
     /*subgroup=*/32,
     /*workers=*/manyWorkers,
     {16, 16, 16},
     /*isLockstep=*/false,
     /*hasElementMap=*/false,
     /*hasBFloat=*/true},
    {"vulkan-matrix-bf16-map",
     1024,
     48 * 1024,
     /*subgroup=*/32,
     /*workers=*/manyWorkers,
     {16, 16, 16},
     /*isLockstep=*/false,
     /*hasElementMap=*/true,
     /*hasBFloat=*/true},
    {"vulkan-matrix8",
     1024,
     32 * 1024,
     /*subgroup=*/8,
     /*workers=*/manyWorkers,
     {8, 8, 8},
     /*isLockstep=*/true},
    {"vulkan-matrix8-map",
     1024,
     32 * 1024,
     /*subgroup=*/8,
     /*workers=*/manyWorkers,
     {8, 8, 8},
     /*isLockstep=*/true,
     /*hasElementMap=*/true},
};

/// What a device needs beyond the limits, as docs/artifact.md calls it.
std::vector<std::string> Chip::getFeatures() const {
  std::vector<std::string> features;
  if (subgroup)
    features.push_back("subgroup:shuffle");
  // Of any size there are four lanes.
  if (subgroup > 4)
    features.push_back(llvm::formatv("subgroup-size:{0}", subgroup));
  if (isLockstep)
    features.push_back("subgroup:lockstep");
  if (!hasMatrices())
    return features;
  llvm::append_range(features, std::initializer_list<std::string>{
                                   "vulkan1.3", "subgroup:vote",
                                   "shaderFloat16", "storageBuffer16BitAccess",
                                   "shaderRoundingModeRTEFloat16",
                                   "vulkanMemoryModel", "computeFullSubgroups",
                                   "subgroupSizeControl", "cooperativeMatrix"});
  if (hasBFloat)
    llvm::append_range(
        features, std::initializer_list<std::string>{
                      "shaderBFloat16Type", "shaderBFloat16CooperativeMatrix"});
  // By types of factors, and what passes call that (matrix-).
  auto addMatrices = [&](StringRef kind) {
    for (StringRef element : {"f16", "bf16"})
      if (element == "f16" || hasBFloat)
        features.push_back(llvm::formatv("{0}:{1}x{2}x{3}:{4}:f32", kind,
                                         matrix[0], matrix[1], matrix[2],
                                         element));
  };
  addMatrices("cooperative-matrix");
  if (hasElementMap) {
    features.push_back("matrix-element-map");
    addMatrices("cooperative-matrix-map");
  }
  if (hasBFloat)
    features.push_back("matrix-bf16");
  return features;
}

/// Small elements of buffers are the concern of kernels-to-spirv, which knows
/// where in a word they begin. SPIR-V's Fma may be a product and a sum.
static constexpr auto lacks = tile::Lacks::Int64 | tile::Lacks::SmallInt |
                              tile::Lacks::Infinity | tile::Lacks::PreciseMath;

namespace {
class Vulkan final : public Target {
public:
  Vulkan()
      : Target(targetName.str(), "any device with Vulkan 1.1: SPIR-V without "
                                 "extensions") {}

  std::vector<std::string> getChips() const override { return getNames(chips); }
  tile::TargetAttr describeChip(MLIRContext *context, StringRef name,
                                std::string &error) const override {
    const Chip &chip = getChip(chips, name);
    Builder b(context);
    std::vector<std::string> features = chip.getFeatures();
    return tile::TargetAttr::get(
        context, targetName, name, /*vectorBits=*/0, /*vectorRegisters=*/0,
        /*l1Bytes=*/0, /*l2Bytes=*/0, chip.threads, chip.subgroup,
        chip.workgroupBytes, chip.workgroupBytes, /*storageBuffers=*/0,
        chip.workers,
        chip.hasMatrices() ? tile::MatrixUnits::Cooperative
                           : tile::MatrixUnits::None,
        features.empty() ? ArrayAttr()
                         : b.getStrArrayAttr(SmallVector<StringRef>(
                               features.begin(), features.end())),
        chip.hasMatrices() ? b.getDenseI64ArrayAttr(chip.matrix)
                           : DenseI64ArrayAttr(),
        lacks);
  }

  void buildTilePipeline(OpPassManager &pm,
                         const TargetOptions &options) const override;
  void buildKernelPipeline(OpPassManager &pm) const override;

  StringRef getTextFormat() const override { return "spirv"; }
  bool printsBinary() const override { return true; }
  LogicalResult printKernels(gpu::GPUModuleOp module, StringRef chip,
                             raw_ostream &os) const override;
  FailureOr<std::vector<CodeSection>>
  emitCode(ModuleOp module, tile::TargetAttr machine,
           const TargetOptions &options, PhaseCallback timer) const override;

  int64_t getIndexBits() const override { return 32; }
  /// What any device runs: the runtime compares limits when it loads a kernel.
  std::string chooseChip(StringRef features) const override {
    return getDefaultChip();
  }

  void explainMachine(tile::TargetAttr machine,
                      std::vector<std::string> &choices) const override;
  void explainKernels(ModuleOp module, tile::TargetAttr machine,
                      std::vector<std::string> &choices) const override;

  static constexpr StringLiteral targetName = "vulkan";
};
} // namespace

//===----------------------------------------------------------------------===//
// Passes and code
//===----------------------------------------------------------------------===//

void Vulkan::buildTilePipeline(OpPassManager &pm,
                               const TargetOptions &options) const {
  buildShaderTilePipeline(pm, *this, options);
}

void Vulkan::buildKernelPipeline(OpPassManager &pm) const {
  // Small elements of workgroup memory are words: threads store them.
  buildLayoutPipeline(pm, /*elementBytes=*/4, /*shortTanh=*/true);
  pm.addPass(createSeparateKernels());
  OpPassManager &kernels = pm.nest<gpu::GPUModuleOp>();
  buildShaderKernelPipeline(kernels, {"f16", "bf16"});
  pm.addPass(createKernelsToSPIRV());
  OpPassManager &modules = pm.nest<spirv::ModuleOp>();
  addCleanup(modules);
}

FailureOr<std::vector<CodeSection>>
Vulkan::emitCode(ModuleOp module, tile::TargetAttr machine,
                 const TargetOptions &options, PhaseCallback timer) const {
  std::vector<CodeSection> sections;
  for (auto kernels : module.getOps<gpu::GPUModuleOp>()) {
    FailureOr<std::string> bytes = translateToSPIRV(kernels);
    if (failed(bytes))
      return failure();
    sections.push_back({kernels.getName().str(), std::move(*bytes)});
  }
  timer("SPIR-V");
  return sections;
}

LogicalResult Vulkan::printKernels(gpu::GPUModuleOp module, StringRef chip,
                                   raw_ostream &os) const {
  FailureOr<std::string> bytes = translateToSPIRV(module);
  if (succeeded(bytes))
    os << *bytes;
  return LogicalResult(bytes);
}

//===----------------------------------------------------------------------===//
// Explanations
//===----------------------------------------------------------------------===//

void Vulkan::explainMachine(tile::TargetAttr machine,
                            std::vector<std::string> &choices) const {
  std::string exchanges = "neither subgroups nor matrices";
  if (int64_t lanes = machine.getSubgroup())
    exchanges = llvm::formatv(
        "shuffles between {0} lanes of subgroups of any size", lanes);
  if (machine.has(tile::MatrixUnits::Cooperative)) {
    ArrayRef<int64_t> shape = machine.getMatrixShape();
    exchanges = llvm::formatv("matrices of {0}x{1}x{2} {3} to f32 in subgroups "
                              "of {4} lanes",
                              shape[0], shape[1], shape[2],
                              machine.hasFeature("matrix-bf16") ? "f16 and bf16"
                                                                : "f16",
                              machine.getSubgroup());
  }
  choices.push_back(llvm::formatv(
      "chip {0}: {1} threads and {2} bytes of memory a workgroup, {3}",
      machine.getChip(), machine.getThreads(), machine.getStaticSharedBytes(),
      exchanges));
}

/// And what a device has to have for a launch.
void Vulkan::explainKernels(ModuleOp module, tile::TargetAttr machine,
                            std::vector<std::string> &choices) const {
  Target::explainKernels(module, machine, choices);
  module.walk([&](gpu::GPUFuncOp kernel) {
    auto info = tile::LaunchInfoAttr::of(kernel);
    choices.push_back(llvm::formatv(
        "{0}: {1} threads, {2} bytes of workgroup memory, {3} storage buffers",
        kernel.getName(), info.getThreads(), info.getShared(),
        llvm::count_if(kernel.getFunctionType().getInputs(),
                       llvm::IsaPred<MemRefType>)));
  });
}

//===----------------------------------------------------------------------===//
// Registration
//===----------------------------------------------------------------------===//

void attn::registerVulkanTargets() {
  registerTarget(std::make_unique<Vulkan>());
}

void attn::buildVulkanPipeline(OpPassManager &pm,
                               const TargetPipelineOptions &options) {
  registerVulkanTargets();
  buildTargetPipeline(pm, Vulkan(), options);
}

void attn::registerVulkanPipelines() {
  registerTargetPipeline("attn-to-vulkan", Vulkan::targetName);
}
