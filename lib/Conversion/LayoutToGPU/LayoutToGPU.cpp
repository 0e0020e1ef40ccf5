//===- LayoutToGPU.cpp - tile-layout-to-gpu -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tile kernels whose tiles have layouts become GPU kernels: a tile in registers
// becomes one scalar a register, one in fragments a matrix a fragment, one in
// workgroup memory a buffer. The result is the kernel normal form of
// docs/gpu-kernels.md, with operations of subgroups.
//
//===----------------------------------------------------------------------===//

#include "attn/Conversion/LayoutToGPU.h"
#include "../KernelNames.h"
#include "../Staging.h"
#include "Patterns.h"
#include "attn/Analysis/IndexRanges.h"
#include "attn/Dialect/Tile/AttributeNames.h"
#include "attn/Dialect/Tile/Tile.h"
#include "attn/Transforms/ScheduleChoices.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/Transforms/Passes.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/Support/FormatVariadic.h"

namespace attn {
#define GEN_PASS_DEF_LAYOUTTOGPU
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;
using namespace attn::tile;

/// A tile as the values that hold it: one a register, one a fragment, none in
/// workgroup memory, where the context finds it.
static std::optional<LogicalResult> convertTile(TileType type,
                                                SmallVectorImpl<Type> &types) {
  if (std::optional<LinearLayout> layout = type.getLinearLayout()) {
    types.append(layout->getNumRegisters(), type.getElementType());
    return success();
  }
  if (auto fragment = dyn_cast_or_null<FragmentAttr>(type.getLayout())) {
    auto [rows, cols] =
        fragment.getFragmentsOfSubgroup(type.getRows(), type.getCols());
    types.append(type.getRank() == 2 ? rows * cols : rows, getMatrixType(type));
    return success();
  }
  if (auto pieces = dyn_cast_or_null<PiecesAttr>(type.getLayout())) {
    types.append(
        pieces.getNumPieces(type.getRows(), type.getCols()),
        VectorType::get({pieces.getElements()}, type.getElementType()));
    return success();
  }
  return success(isa_and_nonnull<SharedAttr>(type.getLayout()));
}

namespace {

struct LayoutToGPU final : attn::impl::LayoutToGPUBase<LayoutToGPU> {
  using LayoutToGPUBase::LayoutToGPUBase;

  void getDependentDialects(DialectRegistry &registry) const override {
    LayoutToGPUBase::getDependentDialects(registry);
    registry.insert<vector::VectorDialect>();
  }
  void runOnOperation() override;

private:
  LogicalResult lower(func::FuncOp source, gpu::GPUModuleOp module,
                      TargetAttr machine);

  SmallVector<std::pair<gpu::GPUFuncOp, SmallVector<DictionaryAttr>>>
      argumentAttributes;
};

/// The lanes of a subgroup and the subgroups that the layouts of a kernel name.
struct Threads {
  int64_t lanes = 1, subgroups = 1;
};

} // namespace

/// Of the first tile that threads hold; the verifier of relayouts sees to it
/// that all agree. Fragments are of subgroups as the machine has them.
static Threads findThreads(func::FuncOp kernel, int64_t lanesOfMachine) {
  Threads threads;
  kernel.walk([&](Operation *op) {
    for (Type type : op->getResultTypes())
      if (auto tile = dyn_cast<TileType>(type)) {
        if (std::optional<LinearLayout> layout = tile.getLinearLayout()) {
          threads = {layout->getNumLanes(), layout->getNumSubgroups()};
          return WalkResult::interrupt();
        }
        if (auto layout = dyn_cast_or_null<FragmentAttr>(tile.getLayout())) {
          threads = {lanesOfMachine,
                     layout.getSubgroups()[0] * layout.getSubgroups()[1]};
          return WalkResult::interrupt();
        }
      }
    return WalkResult::advance();
  });
  return threads;
}

/// Loads and stores of which ranges show that all rows (or columns) are valid
/// do not ask.
static void dropProvedBounds(func::FuncOp source) {
  IndexRanges ranges;
  SmallVector<std::pair<OpOperand *, int64_t>> proved;
  auto find = [&](MutableOperandRange valid, TileType type) {
    for (auto [bound, size] : llvm::zip(valid, type.getShape()))
      if (!getConstantIntValue(bound.get()) &&
          ranges.rangeOf(bound.get()).smin().sge(size))
        proved.emplace_back(&bound, size);
  };
  source.walk([&](Operation *op) {
    if (auto load = dyn_cast<LoadOp>(op))
      find(load.getValidMutable(), load.getType());
    else if (auto store = dyn_cast<StoreOp>(op))
      find(store.getValidMutable(), store.getTile().getType());
  });
  for (auto [bound, size] : proved) {
    OpBuilder b(bound->getOwner());
    bound->set(
        arith::ConstantIndexOp::create(b, bound->getOwner()->getLoc(), size));
  }
}

/// A kernel without a body that takes what `source` takes without the grid.
static gpu::GPUFuncOp createKernel(func::FuncOp source, gpu::GPUModuleOp module,
                                   int64_t numThreads) {
  OpBuilder b = OpBuilder::atBlockEnd(module.getBody());
  SmallVector<Type> types(KernelTypes(source.getArgumentTypes()).operands);
  auto kernel = gpu::GPUFuncOp::create(b, source.getLoc(), source.getName(),
                                       b.getFunctionType(types, {}));
  kernel->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
  kernel.setKnownBlockSizeAttr(
      b.getDenseI32ArrayAttr({static_cast<int32_t>(numThreads), 1, 1}));
  SmallVector<Attribute> parameters;
  for (size_t number = 0; number < types.size(); ++number)
    parameters.push_back(b.getAttr<OperandAttr>(number, /*multiple=*/1));
  kernel->setAttr(LaunchInfoAttr::attributeName,
                  b.getAttr<LaunchInfoAttr>(b.getArrayAttr(parameters),
                                            GridOrder::Points, numThreads,
                                            /*shared=*/0, /*stack=*/0,
                                            /*cluster=*/DenseI64ArrayAttr()));
  for (auto [from, to] :
       llvm::zip(source.getArguments(), kernel.getArguments()))
    to.setLoc(from.getLoc());
  return kernel;
}

/// Moves the body of `source` into `kernel`. The query tile is dimension x of
/// the launch, the head y and the batch z.
static void moveBody(func::FuncOp source, gpu::GPUFuncOp kernel,
                     bool hasWords) {
  Block &from = source.getBody().front(), &to = kernel.getBody().front();
  auto b = ImplicitLocOpBuilder::atBlockBegin(source.getLoc(), &to);
  KernelArguments arguments(source);
  auto replace = [](Value old, Value value) { old.replaceAllUsesWith(value); };
  for (auto [old, argument] :
       llvm::zip(arguments.operands, kernel.getArguments()))
    replace(old, argument);
  constexpr gpu::Dimension dims[] = {gpu::Dimension::z, gpu::Dimension::y,
                                     gpu::Dimension::x};
  for (unsigned k = 0; k < kGridRank; ++k) {
    Named named(b, kGridNames[k]);
    Operation *id = gpu::BlockIdOp::create(b, dims[k]);
    Operation *extent = gpu::GridDimOp::create(b, dims[k]);
    // No launcher counts further.
    for (auto [op, argument] : {std::pair(id, arguments.point[k]),
                                std::pair(extent, arguments.extents[k])}) {
      Attribute size = hasWords ? source.getArgAttr(argument.getArgNumber(),
                                                    tile::kSizeAttrName)
                                : Attribute();
      op->setAttr(tile::kSizeAttrName, size ? size : b.getIndexAttr(INT32_MAX));
    }
    replace(arguments.point[k], id->getResult(0));
    replace(arguments.extents[k], extent->getResult(0));
  }
  b.setLoc(source.getLoc());
  to.getOperations().splice(to.end(), from.getOperations());
  Operation *terminator = &to.back();
  b.setInsertionPoint(terminator);
  gpu::ReturnOp::create(b);
  terminator->erase();
}

/// Numbers of lanes and subgroups, of which layouts speak. They are made of
/// what the machine says, if it has any: subgroups may have more lanes than
/// layouts use together.
static KernelContext createContext(gpu::GPUFuncOp kernel,
                                   const Threads &threads, bool hasSubgroups,
                                   bool hasWords) {
  auto b = ImplicitLocOpBuilder::atBlockBegin(kernel.getLoc(),
                                              &kernel.getBody().front());
  Value thread, laneOfMachine;
  if (threads.lanes == 1 || !hasSubgroups) {
    Named named(b, "thread_index");
    thread = gpu::ThreadIdOp::create(b, gpu::Dimension::x);
  } else {
    // Of languages whose integers have 32 bits: what fits is computed with one.
    auto atMost = [&](int64_t bound) {
      return hasWords ? b.getIndexAttr(bound) : IntegerAttr();
    };
    constexpr int64_t mostLanes = 128;
    Value subgroup =
        gpu::SubgroupIdOp::create(b, atMost(threads.lanes * threads.subgroups));
    Value size = gpu::SubgroupSizeOp::create(b, atMost(mostLanes + 1));
    laneOfMachine = gpu::LaneIdOp::create(b, atMost(mostLanes));
    Value first = arith::MulIOp::create(b, subgroup, size);
    Named named(b, "thread_index");
    auto sum = arith::AddIOp::create(b, first, laneOfMachine);
    int64_t last = threads.lanes * threads.subgroups - 1;
    sum->setAttr(tile::kSizeAttrName, b.getIndexAttr(last));
    thread = sum;
    // Browsers check each index of workgroup memory, but for those that they
    // can tell: of what a subgroup is they know nothing.
    if (hasWords) {
      Value zero = arith::ConstantIndexOp::create(b, 0);
      thread = arith::MinSIOp::create(b, sum,
                                      arith::ConstantIndexOp::create(b, last));
      thread = arith::MaxSIOp::create(b, thread, zero);
    }
  }
  Value lanes = arith::ConstantIndexOp::create(b, threads.lanes);
  auto divide = [&](auto rest, StringRef name) {
    Named named(b, name);
    return rest();
  };
  Value lane = divide(
      [&] { return b.createOrFold<arith::RemUIOp>(thread, lanes); }, "lane");
  Value subgroup =
      divide([&] { return b.createOrFold<arith::DivUIOp>(thread, lanes); },
             "subgroup");
  KernelContext context(kernel, lane, subgroup, thread, threads.lanes,
                        threads.subgroups);
  if (laneOfMachine)
    context.setFirstLane(arith::SubIOp::create(b, laneOfMachine, lane));
  return context;
}

/// What no pattern lowers is said of the op, in the words of its layouts.
static LogicalResult checkOp(Operation *op) {
  auto hasLayout = [](Type type) {
    auto tile = dyn_cast<TileType>(type);
    return !tile || tile.getLayout();
  };
  if (!llvm::all_of(op->getResultTypes(), hasLayout))
    return op->emitOpError("makes a tile without a layout; "
                           "tile-assign-layouts comes first");
  for (Value operand : op->getOperands())
    if (isa<LoadOp, StoreOp>(op) && isa<MemRefType>(operand.getType()) &&
        !operand.getDefiningOp<memref::ReinterpretCastOp>())
      return op->emitOpError(
          "accesses a memref that the kernel did not rebuild from an argument");
  auto reduce = dyn_cast<ReduceOp>(op);
  if (!reduce)
    return success();
  TileType input = reduce.getInput().getType();
  if (auto fragments = dyn_cast<FragmentAttr>(input.getLayout()))
    if (fragments.getSubgroups()[1] != 1)
      return op->emitOpError("reduces rows that several subgroups share");
  if (std::optional<LinearLayout> layout = input.getLinearLayout()) {
    auto sharers = layout->getRowSharers();
    if (!sharers)
      return op->emitOpError(
          "reduces rows that no fixed partners of a thread have");
    if (llvm::any_of(*sharers,
                     [](ThreadMask mask) { return mask.subgroup != 0; }))
      return op->emitOpError("reduces rows that several subgroups share");
  }
  return success();
}

/// For people: what a tile.relayout takes. On machines where `elementsAlike`, a
/// lane has the same elements of all fragments.
static std::string describe(RelayoutOp op, bool elementsAlike) {
  auto where = [](TileType tile) -> StringRef {
    if (isa<SharedAttr>(tile.getLayout()))
      return "workgroup memory";
    return isa<FragmentAttr>(tile.getLayout()) ? "fragments" : "registers";
  };
  TileType from = op.getInput().getType(), to = op.getType();
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "relayout of " << from.withLayout(Attribute()) << " from "
     << where(from) << " to " << where(to) << ": ";
  RelayoutCost cost = op.getCost();
  switch (cost.kind) {
  case Exchange::None:
    os << "nothing";
    break;
  case Exchange::Registers:
    os << cost.moves << " moves a thread";
    break;
  case Exchange::Shuffles:
    os << cost.shuffles << " shuffles a thread";
    break;
  case Exchange::Memory:
    if (!isa<SharedAttr>(from.getLayout()) &&
        !isa<SharedAttr>(to.getLayout()) && !cost.bytes)
      os << (elementsAlike ? "nothing, elements stay with their lanes"
                           : "a strip of each subgroup");
    else
      os << cost.bytes << " bytes of workgroup memory";
    if (cost.moves)
      os << ", " << cost.moves << " values a thread";
    break;
  }
  return text;
}

/// Why a tile moves: what the first op that reads it does.
static StringRef getReason(Value moved) {
  OpOperand &use = *moved.getUses().begin();
  Operation *user = use.getOwner();
  if (auto dot = dyn_cast<DotOp>(user))
    return use.getOperandNumber() == 0   ? "products have it as left factor"
           : use.getOperandNumber() == 1 ? "products have it as right factor"
                                         : "products are added to it";
  if (isa<ReduceOp>(user))
    return "threads that share a row reduce it";
  if (isa<MapOp>(user))
    return "threads compute with it and what else they have of these rows";
  if (isa<StoreOp>(user))
    return "whole rows are stored";
  if (isa<ConvertOp, RelayoutOp>(user) && !user->getResult(0).use_empty())
    return getReason(user->getResult(0));
  return "loops and branches carry it there";
}

/// What `--explain` says of a kernel: `schedule` is where its knobs are.
static void explain(gpu::GPUFuncOp kernel, func::FuncOp schedule,
                    const Threads &threads, bool elementsAlike) {
  auto has = [&](auto predicate) {
    return kernel.walk([&](Operation *op) { return WalkResult(predicate(op)); })
        .wasInterrupted();
  };
  bool divideKeys = has(
      [](Operation *op) { return failure(isa<CombineOp, SubgroupOp>(op)); });
  bool haveFragments = has([](Operation *op) {
    auto dot = dyn_cast<DotOp>(op);
    return failure(dot &&
                   isa_and_nonnull<FragmentAttr>(dot.getType().getLayout()));
  });
  SmallVector<std::string> choices{explainChoice(
      schedule, "threads", &attn::ScheduleAttr::getThreads,
      llvm::formatv("{0} threads in {1} subgroups of {2} lanes",
                    threads.lanes * threads.subgroups, threads.subgroups,
                    threads.lanes),
      divideKeys      ? "subgroups divide keys, whose tiles all of them combine"
      : haveFragments ? "subgroups divide the rows of matrix fragments"
                      : "lanes share rows, which subgroups divide")};
  kernel.walk([&](RelayoutOp op) {
    if (!op.use_empty())
      choices.push_back(describe(op, elementsAlike) + "; " +
                        getReason(op).str());
  });
  takeChoices(kernel, schedule);
  addChoices(kernel, choices);
  if (ScheduleAttr knobs = ScheduleAttr::of(schedule))
    kernel->setAttr(ScheduleAttr::attributeName, knobs);
}

/// For the head of the kernel's text; and how computed tiles get elsewhere.
static void setSummary(gpu::GPUFuncOp kernel, func::FuncOp source,
                       bool elementsAlike) {
  SmallVector<std::string> lines = summarize(source);
  source.walk([&](RelayoutOp op) {
    StringRef text = "";
    std::string how = describe(op, elementsAlike);
    // What is loaded has to go somewhere.
    if (!isa<SharedAttr>(op.getInput().getType().getLayout()))
      text = StringRef(how).split(" from ").second;
    std::string line = ("Exchange of " + nameTile(op) + ": from " + text).str();
    if (!text.empty() && !llvm::is_contained(lines, line))
      lines.push_back(line);
  });
  if (lines.empty())
    return;
  kernel->setAttr(kSummaryAttr,
                  Builder(kernel.getContext())
                      .getStrArrayAttr(llvm::to_vector_of<StringRef>(lines)));
}

LogicalResult LayoutToGPU::lower(func::FuncOp source, gpu::GPUModuleOp module,
                                 TargetAttr machine) {
  if (failed(verifyLaunchable(source, getArgument())) ||
      source.walk([](Operation *op) { return WalkResult(checkOp(op)); })
          .wasInterrupted())
    return failure();
  nameArguments(source);
  Threads threads = findThreads(source, machine.getSubgroup());
  gpu::GPUFuncOp kernel =
      createKernel(source, module, threads.lanes * threads.subgroups);
  auto &attributes =
      argumentAttributes.emplace_back(kernel, SmallVector<DictionaryAttr>())
          .second;
  for (unsigned k = 0; k < kernel.getNumArguments(); ++k)
    attributes.push_back(source.getArgAttrDict(k));
  setSummary(kernel, source, machine.hasFeature("matrix-element-map"));
  dropProvedBounds(source);
  bool hasWords = !readsPieces(machine),
       hasSubgroups = !exchangesInMemory(machine);
  moveBody(source, kernel, hasWords);
  KernelContext context =
      createContext(kernel, threads, hasSubgroups, hasWords);
  if (DenseI64ArrayAttr shape = machine.getMatrixShape())
    context.setMatrixDepth(shape[2]);
  bool elementsAlike = machine.hasFeature("matrix-element-map");
  context.setElementsAlike(elementsAlike);
  context.setReadsVectors(hasWords);
  context.setOpaqueMatrices(hasOpaqueMatrices(machine));
  if (threads.lanes > 1 && !hasSubgroups)
    context.addExchangeMemory();
  context.addCombineMemory(workgroupBytes, machine);
  if (failed(context.addViews()) ||
      failed(context.addBuffers(workgroupBytes, machine)))
    return failure();
  context.joinStages();
  explain(kernel, source, threads, elementsAlike);
  context.nameTiles();

  TypeConverter converter;
  converter.addConversion([](Type type) { return type; });
  converter.addConversion(convertTile);
  ConversionTarget target(getContext());
  target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
  target.addIllegalDialect<TileDialect>();
  target.addLegalOp<tile::YieldOp, SubgroupBarrierOp>();
  target.addDynamicallyLegalOp<memref::LoadOp>(
      [&](memref::LoadOp op) { return !context.isView(op.getMemRef()); });
  target.addDynamicallyLegalOp<memref::StoreOp>(
      [&](memref::StoreOp op) { return !context.isView(op.getMemRef()); });
  target.addDynamicallyLegalOp<memref::DimOp>(
      [&](memref::DimOp op) { return !context.isView(op.getSource()); });
  RewritePatternSet patterns(&getContext());
  scf::populateSCFStructuralTypeConversionsAndLegality(converter, patterns,
                                                       target);
  populateLoadPatterns(converter, context, patterns);
  populateMemoryPatterns(converter, context, patterns);
  populateRelayoutPatterns(converter, context, patterns);
  populateComputePatterns(converter, context, patterns);
  populateSharedDotPatterns(converter, context, patterns);
  populateRegisterDotPatterns(converter, context, patterns);
  populateFragmentPatterns(converter, context, patterns);
  // What folds is left to the clean-up behind.
  ConversionConfig config;
  config.foldingMode = DialectConversionFoldingMode::Never;
  if (failed(applyFullConversion(kernel, target, std::move(patterns), config)))
    return failure();

  auto name = FlatSymbolRefAttr::get(source.getSymNameAttr());
  retargetLaunches(getOperation(), name,
                   SymbolRefAttr::get(module.getSymNameAttr(), name));
  source.erase();
  return success();
}

void LayoutToGPU::runOnOperation() {
  argumentAttributes.clear();
  ModuleOp module = getOperation();
  auto target = TargetAttr::require(module, getArgument());
  if (failed(target))
    return signalPassFailure();
  if (!target->getSubgroup())
    return markAllAnalysesPreserved();
  if (!workgroupBytes)
    workgroupBytes = target->getStaticSharedBytes();
  SmallVector<func::FuncOp> kernels = getTileKernels(module);
  llvm::erase_if(kernels, [](func::FuncOp kernel) {
    return kernel->hasAttr(tile::kWithoutLayoutsAttrName);
  });
  if (kernels.empty())
    return markAllAnalysesPreserved();
  gpu::GPUModuleOp gpuModule = getKernelModule(module);
  for (func::FuncOp kernel : kernels)
    if (failed(lower(kernel, gpuModule, *target)))
      return signalPassFailure();
  RewritePatternSet patterns(&getContext());
  populateGpuEliminateBarriersPatterns(patterns);
  arith::populateCeilFloorDivExpandOpsPatterns(patterns);
  // What is constant stays for later passes to fold.
  GreedyRewriteConfig config;
  config.enableFolding(false);
  SmallVector<Operation *> ops;
  gpuModule.walk([&](Operation *op) {
    if (isa<gpu::BarrierOp, arith::CeilDivSIOp, arith::CeilDivUIOp,
            arith::FloorDivSIOp>(op))
      ops.push_back(op);
  });
  if (failed(applyOpPatternsGreedily(ops, std::move(patterns), config)))
    return signalPassFailure();
  // Only now: barrier elimination (22) looks for argument attributes of the
  // workgroup buffers, too, and crashes where an array of them exists.
  for (auto &[kernel, attributes] : argumentAttributes)
    for (auto [k, dictionary] : llvm::enumerate(attributes))
      if (dictionary)
        kernel.setArgAttrs(k, dictionary);
}
