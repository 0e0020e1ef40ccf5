//===- PassChecks.cpp - Passes must not change what is computed -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes that move code are compared bit by bit in f32, passes that are equal
// in real numbers only in float64.
//
//===----------------------------------------------------------------------===//

#include "PassChecks.h"

#include "attn/Conversion/AssignLayouts.h"
#include "attn/Conversion/ExceedsMemory.h"
#include "attn/Conversion/ExpandMath.h"
#include "attn/Conversion/LayoutToGPU.h"
#include "attn/Conversion/LegalizeKernels.h"
#include "attn/Dialect/Tile/AttributeNames.h"
#include "attn/Dialect/Tile/Tile.h"
#include "attn/Pipelines/Pipelines.h"
#include "attn/Reference/Interpreter.h"
#include "attn/Transforms/Passes.h"

#include "mlir/Pass/PassManager.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>
#include <sys/mman.h>

using namespace mlir;
using namespace attn;
using namespace attn::tools;
using reference::Arithmetic;
using reference::TileResults;

struct PassChecker::Stage {
  OwningOpRef<ModuleOp> module;
  /// Set after attn-make-total: no read leaves its memref any more.
  bool isTotal = false;
  /// Scores are real numbers, not what f32 makes of huge ones.
  bool isReal = true;
  /// Kernels of GPUs run in subgroups of so many lanes.
  int64_t lanes = 1;
  /// What it computes in float64 and in f32, once somebody asked.
  std::optional<TileResults> wide, narrow;

  std::optional<TileResults> &getResults(Arithmetic arithmetic) {
    return arithmetic == Arithmetic::Float64 ? wide : narrow;
  }
};

namespace {
/// What kernels are lowered for, and run on.
struct Machine {
  /// The lanes that its subgroups have at least, 0: kernels are not lowered;
  /// and those that they have.
  int64_t subgroup = 0, lanes = 1;
  bool hasMatrices = false;
  /// Of a language whose memory has vectors and no small elements; lanes cannot
  /// look into its matrices.
  bool hasVectors = false;
};
} // namespace

struct PassChecker::CheckedPass {
  StringRef name;
  void (*add)(OpPassManager &pm);
  /// |after - before| <= tolerance * max(1, |before|) in float64; 0: the same
  /// bits in f32.
  double tolerance;
  /// Lowers kernels for a machine. Later passes go on from what was before,
  /// but for those that go on from what such a pass has made.
  Machine machine = {};
  bool goesOn = false;
  /// Computes on the bits of f32 numbers, and overflows where f32 does: float64
  /// cannot follow it through the functions of regions. Their accuracy has a
  /// test of its own (Conversion/expand-math.mlir).
  bool isF32Only = false;
};

namespace {
/// Row maxima are what a kernel returns again, to the last digit: constants of
/// exp2 and log are rounded each for itself, and another offset shows that.
struct ForgetOffsets : PassWrapper<ForgetOffsets, OperationPass<func::FuncOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ForgetOffsets)

  void runOnOperation() override {
    getOperation().walk(
        [](tile::ReduceOp op) { op->removeAttr(tile::kOffsetAttrName); });
  }
};
} // namespace

/// What keeps softmax in fragments.
static void addLazySoftmax(OpPassManager &pm) {
  pm.addNestedPass<func::FuncOp>(createPadTiles());
  pm.addNestedPass<func::FuncOp>(createDeferSums());
  pm.addNestedPass<func::FuncOp>(createLazyMaxima());
}

/// What loads ahead.
static void addStaging(OpPassManager &pm) {
  pm.addNestedPass<func::FuncOp>(createAssignLayouts());
  pm.addNestedPass<func::FuncOp>(createPrefetchLoads());
}

/// The same with maxima in every tile, so that loops have an order.
static void addOrderedStaging(OpPassManager &pm) {
  pm.addNestedPass<func::FuncOp>(std::make_unique<ForgetOffsets>());
  addLazySoftmax(pm);
  addStaging(pm);
}

static void addLayoutToGPU(OpPassManager &pm) {
  pm.addPass(createLayoutToGPU());
}

/// Threads with registers of their own, exchanges by shuffles.
static void addLayouts(OpPassManager &pm) {
  pm.addNestedPass<func::FuncOp>(createAssignLayouts());
  addLayoutToGPU(pm);
}

/// What keeps softmax in fragments, where lanes cannot look into these. Only
/// what is an offset and nothing else is lazy there.
static void addOpaqueMatrices(OpPassManager &pm) {
  addLazySoftmax(pm);
  addLayouts(pm);
}

static void addShareLoops(OpPassManager &pm) {
  ShareLoopsOptions options;
  options.threads = 32;
  pm.addNestedPass<func::FuncOp>(createShareLoops(options));
}

/// Where a schedule asks for it, as of grids with parts of the keys: what adds
/// these up stays with one subgroup, and can join the launch before it.
static void addScheduledLoops(OpPassManager &pm) {
  pm.addNestedPass<func::FuncOp>(createUnswitchMasks({/*scoresOnly=*/true}));
  pm.addNestedPass<func::FuncOp>(createAssignLayouts());
  pm.addNestedPass<func::FuncOp>(createShareLoops());
}

/// Subgroups that divide the keys, with branches around what masks change
/// alone, and row sums that lanes have parts of.
static void addSharedVectors(OpPassManager &pm) {
  pm.addNestedPass<func::FuncOp>(createUnswitchMasks({/*scoresOnly=*/true}));
  pm.addNestedPass<func::FuncOp>(createAssignLayouts());
  addShareLoops(pm);
  pm.addNestedPass<func::FuncOp>(createDeferSums());
  addLayoutToGPU(pm);
}

template <std::unique_ptr<Pass> (*create)()>
static void addNested(OpPassManager &pm) {
  pm.addNestedPass<func::FuncOp>(create());
}

/// In an order in which pipelines run them.
ArrayRef<PassChecker::CheckedPass> PassChecker::getPasses() {
  // What is equal in real numbers, and what folds factors into f32 constants
  // or replaces functions by formulas.
  constexpr double real = 1e-9, rounded = 2e-5;
  constexpr Machine anyMachine{1, 1}, quads{4, 8}, subgroups{32, 32},
      halves{32, 64}, fewLanes{8, 8},
      vectors{4, 4, /*hasMatrices=*/false, /*hasVectors=*/true},
      fewLanesOfVectors{8, 8, /*hasMatrices=*/false, /*hasVectors=*/true},
      noSubgroups{1, 4, /*hasMatrices=*/false, /*hasVectors=*/true},
      matrices{8, 8, /*hasMatrices=*/true},
      opaqueMatrices{8, 8, /*hasMatrices=*/true, /*hasVectors=*/true};
  static const CheckedPass passes[] = {
      {"tile-split-keys", addNested<createSplitKeys>, real},
      {"canonicalize, cse", addCleanup, 0},
      {"attn-fuse-online-softmax", addNested<createFuseOnlineSoftmax>, real},
      {"tile-sink-scale", addNested<createSinkScale>, rounded},
      {"tile-contract-exp2", addNested<createContractExp2>, real},
      {"tile-expand-ranges", addNested<createExpandRanges>, 0},
      {"canonicalize, cse", addCleanup, 0},
      {"tile-pack-bindings", addNested<createPackBindings>, 0, anyMachine},
      {"attn-outline-kernels",
       [](OpPassManager &pm) { pm.addPass(createOutlineKernels()); }, 0},
      {"tile-pad-tiles to tile-lazy-maxima", addLazySoftmax, rounded, matrices},
      {"tile-assign-layouts, tile-prefetch-loads", addStaging, real, matrices,
       /*goesOn=*/true},
      {"tile-split-loops, any order", addNested<createSplitLoops>, rounded,
       matrices, /*goesOn=*/true},
      {"tile-pad-tiles to tile-prefetch-loads", addOrderedStaging, real,
       matrices},
      {"tile-split-loops", addNested<createSplitLoops>, 0, matrices,
       /*goesOn=*/true},
      {"tile-layout-to-gpu, split loops", addLayoutToGPU, real, matrices,
       /*goesOn=*/true},
      {"tile-pad-tiles to tile-layout-to-gpu, opaque matrices",
       addOpaqueMatrices, rounded, opaqueMatrices},
      {"tile-unswitch-masks to tile-layout-to-gpu, shared loops",
       addSharedVectors, real, fewLanesOfVectors},
      {"tile-unswitch-masks to tile-share-loops, schedules", addScheduledLoops,
       real, fewLanes},
      {"tile-join-launches",
       [](OpPassManager &pm) { pm.addPass(createJoinLaunches()); }, 0, fewLanes,
       /*goesOn=*/true},
      {"tile-layout-to-gpu, joined launches", addLayoutToGPU, real, fewLanes,
       /*goesOn=*/true},
      {"tile-unswitch-masks", addNested<createUnswitchMasks>, 0},
      {"canonicalize, cse", addCleanup, 0},
      {"tile-narrow-indices",
       [](OpPassManager &pm) { pm.addPass(createNarrowIndices()); }, 0,
       anyMachine},
      {"tile-layout-to-gpu, quads", addLayouts, real, quads},
      {"tile-layout-to-gpu, subgroups", addLayouts, real, subgroups},
      {"tile-layout-to-gpu, halves of subgroups", addLayouts, real, halves},
      {"tile-assign-layouts", addNested<createAssignLayouts>, 0, fewLanes},
      {"tile-share-loops", addShareLoops, real, fewLanes, /*goesOn=*/true},
      {"tile-layout-to-gpu, shared loops", addLayoutToGPU, real, fewLanes,
       /*goesOn=*/true},
      {"tile-layout-to-gpu, vectors", addLayouts, real, vectors},
      {"tile-layout-to-gpu, no subgroups", addLayouts, real, noSubgroups},
      {"tile-layout-to-gpu, matrices", addLayouts, real, matrices},
      {"tile-layout-to-gpu, opaque matrices", addLayouts, real, opaqueMatrices},
      {"tile-expand-math",
       [](OpPassManager &pm) { pm.addPass(createExpandMath()); }, rounded,
       Machine(), /*goesOn=*/false, /*isF32Only=*/true},
      {"tile-launch-to-parallel",
       [](OpPassManager &pm) { pm.addPass(createLaunchToParallel()); }, 0},
  };
  return passes;
}

/// Where two numbers differ by more than `tolerance` allows, or "".
static std::string compare(const Tensor &before, const Tensor &after,
                           double tolerance) {
  if (before.shape != after.shape || before.elementType != after.elementType)
    return "has another type";
  for (int64_t n = 0, e = before.getNumElements(); n < e; ++n) {
    if (!before.isFloat()) {
      if (before.getInt(n) != after.getInt(n))
        return llvm::formatv("element {0} was {1} and is {2}", n,
                             before.getInt(n), after.getInt(n));
      continue;
    }
    double x = before.getFloat(n), y = after.getFloat(n);
    bool same = x == y || (std::isnan(x) && std::isnan(y)) ||
                (std::isfinite(x) &&
                 std::fabs(y - x) <= tolerance * std::max(1.0, std::fabs(x)));
    if (!same)
      return llvm::formatv("element {0} was {1:e8} and is {2:e8}", n, x, y);
  }
  return "";
}

static std::string compare(ArrayRef<Tensor> before, ArrayRef<Tensor> after,
                           double tolerance, const char *what) {
  if (before.size() != after.size())
    return "there are more or fewer values";
  for (auto [index, x, y] : llvm::enumerate(before, after))
    if (std::string problem = compare(x, y, tolerance); !problem.empty())
      return llvm::formatv("{0} {1}: {2}", what, index, problem);
  return "";
}

static std::string compare(const TileResults &before, const TileResults &after,
                           double tolerance) {
  std::string problem =
      compare(before.results, after.results, tolerance, "result");
  return problem.empty()
             ? compare(before.arguments, after.arguments, tolerance, "argument")
             : problem;
}

static std::string print(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream(text) << module;
  return text;
}

/// The function that calls the others.
static func::FuncOp getEntry(ModuleOp module) {
  for (auto function : module.getOps<func::FuncOp>())
    if (function.isPublic())
      return function;
  return {};
}

/// Matrix units take small matrices of f32, too, and of bf16 if lanes can look
/// into them; kernels bind what attention has without tables.
static tile::TargetAttr makeTarget(MLIRContext *context,
                                   const Machine &machine) {
  constexpr int64_t threads = 256, sharedBytes = 64 * 1024, fewBuffers = 4;
  Builder b(context);
  SmallVector<StringRef> features{"vulkanMemoryModel"};
  if (machine.hasMatrices)
    llvm::append_range(features,
                       std::initializer_list<StringRef>{
                           "matrix-f32", machine.hasVectors ? "matrix-opaque"
                                                            : "matrix-bf16"});
  return tile::TargetAttr::get(
      context, "gpu", "any", /*vectorBits=*/0, /*vectorRegisters=*/0,
      /*l1Bytes=*/0, /*l2Bytes=*/0, threads, machine.subgroup, sharedBytes,
      sharedBytes, fewBuffers, /*workers=*/0,
      machine.hasMatrices ? tile::MatrixUnits::Cooperative
                          : tile::MatrixUnits::None,
      b.getStrArrayAttr(features),
      !machine.hasMatrices ? DenseI64ArrayAttr()
      : machine.hasVectors ? b.getDenseI64ArrayAttr({4, 8, 4})
                           : b.getDenseI64ArrayAttr({4, 4, 4}),
      machine.hasVectors ? tile::Lacks::SmallStorage : tile::Lacks::Nothing);
}

std::string PassChecker::interpret(Stage &stage, Arithmetic arithmetic,
                                   ArrayRef<Tensor> inputs) {
  std::optional<TileResults> &known = stage.getResults(arithmetic);
  if (known)
    return "";
  FailureOr<TileResults> results =
      reference::interpretTiles(getEntry(*stage.module), inputs,
                                {arithmetic, !stage.isTotal, stage.lanes});
  if (failed(results))
    return "cannot be interpreted";
  known = std::move(*results);
  return "";
}

std::string PassChecker::runPass(const CheckedPass &pass, Stage &before,
                                 ArrayRef<Tensor> inputs, Stage &after) {
  after = {OwningOpRef<ModuleOp>(before.module->clone()),
           before.isTotal,
           before.isReal,
           pass.machine.lanes,
           std::nullopt,
           std::nullopt};
  PassManager pm(after.module->getContext());
  pass.add(pm);
  if (pass.machine.subgroup)
    (*after.module)
        ->setAttr(tile::TargetAttr::attributeName,
                  makeTarget(pm.getContext(), pass.machine));
  auto blame = [&](const std::string &problem) {
    return (pass.name + ": " + problem + "\n// Before:\n" +
            ::print(*before.module) + "// After:\n" + ::print(*after.module))
        .str();
  };
  // What is too large for the machine is refused, as it should be.
  bool tooLarge = false, isDone;
  {
    ScopedDiagnosticHandler watch(after.module->getContext(),
                                  [&](Diagnostic &diagnostic) {
                                    bool isThat = exceedsMemory(diagnostic);
                                    tooLarge |= isThat;
                                    return success(isThat);
                                  });
    isDone = succeeded(pm.run(*after.module));
  }
  if (!isDone && !(pass.machine.subgroup && tooLarge))
    return blame("fails");
  if (!isDone) {
    after.module = nullptr;
    return "";
  }
  Count &count = counts[&pass - getPasses().data()];
  ++count.all;
  if (::print(*before.module) == ::print(*after.module)) {
    after.wide = before.wide;
    after.narrow = before.narrow;
    return "";
  }
  ++count.changed;
  Arithmetic compared =
      pass.tolerance == 0 ? Arithmetic::Float32 : Arithmetic::Float64;
  std::string problem = interpret(before, compared, inputs);
  if (problem.empty())
    problem = interpret(after, compared, inputs);
  if (problem.empty() && (pass.tolerance == 0 || before.isReal))
    problem = compare(*before.getResults(compared), *after.getResults(compared),
                      pass.tolerance);
  return problem.empty() ? "" : blame(problem);
}

std::string PassChecker::runInOrder(Stage stage, ArrayRef<Tensor> inputs) {
  // Kernels that are lowered for a machine; none if they are too large for it.
  Stage lowered;
  for (const CheckedPass &pass : getPasses()) {
    if ((stage.isTotal && pass.isF32Only) || (pass.goesOn && !lowered.module))
      continue;
    Stage after;
    if (std::string problem =
            runPass(pass, pass.goesOn ? lowered : stage, inputs, after);
        !problem.empty())
      return "in order, " + problem;
    (pass.machine.subgroup ? lowered : stage) = std::move(after);
  }
  return "";
}

std::string PassChecker::checkTiles(ModuleOp module, ArrayRef<Tensor> inputs) {
  Stage stage;
  stage.module = OwningOpRef<ModuleOp>(module.clone());
  for (const CheckedPass &pass : getPasses()) {
    // There are no kernels yet.
    if (pass.machine.subgroup)
      continue;
    Stage after;
    if (std::string problem = runPass(pass, stage, inputs, after);
        !problem.empty())
      return "alone, " + problem;
  }
  return runInOrder(std::move(stage), inputs);
}

/// Whether f32 tells the distances to neighbouring keys apart, multiplied by a
/// slope: not from offsets far beyond all keys, where its rounding decides
/// which keys are the nearest ones, and tile-contract-exp2 counts on that.
static bool resolvesDistances(ArrayRef<Tensor> inputs) {
  constexpr int64_t far = int64_t(1) << 24;
  return llvm::all_of(inputs, [](const Tensor &input) {
    if (input.isFloat())
      return true;
    for (int64_t n = 0, e = input.getNumElements(); n < e; ++n)
      if (input.getInt(n) > far || input.getInt(n) < -far)
        return false;
    return true;
  });
}

std::string PassChecker::checkAttention(ModuleOp module,
                                        ArrayRef<Tensor> inputs,
                                        ArrayRef<Tensor> expected) {
  SmallVector<reference::Output> outputs =
      reference::getOutputs(getEntry(module));
  Stage stage;
  stage.module = OwningOpRef<ModuleOp>(module.clone());
  stage.isTotal = true;
  stage.isReal = resolvesDistances(inputs);
  PassManager pm(module.getContext());
  pm.addPass(createExpandSugar());
  pm.addPass(createMakeTotal());
  pm.addPass(createSimplifyRegions());
  pm.addPass(createBufferizePrograms());
  TileAttentionOptions tile;
  if (tileM)
    tile.tileM = tileM;
  if (tileN)
    tile.tileN = tileN;
  // Few rows, for subgroups that share the keys.
  stage.module->walk([&](AttentionOp op) {
    if (auto schedule = ScheduleAttr::of(op); schedule && schedule.getThreads())
      tile.rowMultiple = 1;
  });
  pm.addNestedPass<func::FuncOp>(createTileAttention(tile));
  if (failed(pm.run(*stage.module)))
    return "does not become tiles";
  if (std::string problem = interpret(stage, Arithmetic::Float64, inputs);
      !problem.empty())
    return problem;
  // The scale and log2(e) are f32 constants in tile IR.
  constexpr double tolerance = 2e-5;
  if (!stage.isReal)
    outputs.clear();
  for (auto [index, output] : llvm::enumerate(outputs)) {
    const Tensor &result = output.argument
                               ? stage.wide->arguments[*output.argument]
                               : stage.wide->results[index];
    if (std::string problem = compare(expected[index], result, tolerance);
        !problem.empty())
      return llvm::formatv("attn-tile: output {0}: {1} (was: in the "
                           "reference)",
                           index, problem);
  }
  return runInOrder(std::move(stage), inputs);
}

PassChecker::PassChecker(int64_t tileM, int64_t tileN)
    : tileM(tileM), tileN(tileN) {
  void *memory = mmap(nullptr, getPasses().size() * sizeof(Count),
                      PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                      /*fd=*/-1, /*offset=*/0);
  if (memory == MAP_FAILED)
    llvm::report_fatal_error("no shared memory for counts");
  counts = static_cast<Count *>(memory);
}

void PassChecker::print(llvm::raw_ostream &os) const {
  for (auto [index, pass] : llvm::enumerate(getPasses()))
    os << pass.name << " changed " << counts[index].changed << " of "
       << counts[index].all << " programs\n";
}
