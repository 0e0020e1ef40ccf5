//===- TileToGPU.cpp - Tile kernels to GPU kernels ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One workgroup computes one point of the grid. Threads hold rows of tiles in
// private buffers, operands that threads exchange are staged in workgroup
// memory, and every tile op becomes a loop nest over one thread's elements.
// The result is the kernel normal form of docs/gpu-kernels.md.
//
//===----------------------------------------------------------------------===//

#include "attn/Conversion/TileToGPU.h"
#include "../KernelNames.h"
#include "RowLowering.h"
#include "attn/Analysis/IndexRanges.h"
#include "attn/Dialect/Tile/AttributeNames.h"
#include "attn/Transforms/PassOptions.h"
#include "attn/Transforms/ScheduleChoices.h"

#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/GPU/Transforms/Passes.h"

namespace attn {
#define GEN_PASS_DEF_TILETOGPU
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;
using namespace attn::tile;

//===----------------------------------------------------------------------===//
// Structure
//===----------------------------------------------------------------------===//

FailureOr<gpu::GPUFuncOp> RowLowering::lower(gpu::GPUModuleOp module) {
  SmallVector<Type> types(KernelTypes(source.getArgumentTypes()).operands);

  nameArguments(source);
  b.setInsertionPointToEnd(module.getBody());
  kernel =
      gpu::GPUFuncOp::create(b, source.getName(), b.getFunctionType(types, {}));
  kernel->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
  kernel.setKnownBlockSizeAttr(b.getDenseI32ArrayAttr(
      {static_cast<int32_t>(placement.getNumThreads()), 1, 1}));
  std::string choice = attn::explainChoice(
      source, "threads", &attn::ScheduleAttr::getThreads,
      llvm::Twine(placement.getNumThreads()) + " threads without matrix units",
      "one a row, in whole warps; those of a lone row share it");
  attn::takeChoices(kernel, source);
  if (attn::ScheduleAttr knobs = attn::ScheduleAttr::of(source))
    kernel->setAttr(attn::ScheduleAttr::attributeName, knobs);
  attn::addChoices(kernel, choice);
  SmallVector<Attribute> parameters;
  for (size_t number = 0; number < types.size(); ++number)
    parameters.push_back(b.getAttr<OperandAttr>(number, /*multiple=*/1));
  kernel->setAttr(LaunchInfoAttr::attributeName,
                  b.getAttr<LaunchInfoAttr>(
                      b.getArrayAttr(parameters), GridOrder::Points,
                      placement.getNumThreads(), /*shared=*/0, /*stack=*/0,
                      /*cluster=*/DenseI64ArrayAttr()));
  for (auto [from, to] :
       llvm::zip(source.getArguments(), kernel.getArguments())) {
    to.setLoc(from.getLoc());
    scalars.map(from, to);
  }
  auto space =
      gpu::AddressSpaceAttr::get(b.getContext(), gpu::AddressSpace::Workgroup);
  kernel->setAttr(kSummaryAttr, b.getStrArrayAttr(llvm::to_vector_of<StringRef>(
                                    summarize(source))));
  auto addWorkgroupBuffer = [&](int64_t size, Type type, StringRef name) {
    Value buffer = kernel.addWorkgroupAttribution(
        MemRefType::get({size}, type, MemRefLayoutAttrInterface(), space),
        source.getLoc());
    kernel.setWorkgroupAttributionAttr(kernel.getNumWorkgroupAttributions() - 1,
                                       kBufferNameAttr, b.getStringAttr(name));
    return buffer;
  };
  for (const WorkgroupBuffer &buffer : placement.getBuffers())
    workgroupBuffers.push_back(addWorkgroupBuffer(
        buffer.numElements, buffer.elementType, "shared_tile"));
  source.walk([&](ReduceOp op) {
    TileType type = op.getInput().getType();
    if (!exchange && placement.getRowLayout(type.getRows()).lanes > 1)
      exchange = addWorkgroupBuffer(placement.getNumThreads(),
                                    type.getElementType(), "exchange");
  });

  b.setInsertionPointToStart(&kernel.getBody().front());
  mapGridArguments();
  if (failed(lowerBlock(source.getBody().front())))
    return failure();
  gpu::ReturnOp::create(b);
  return kernel;
}

/// The query tile is dimension x of the launch, the only one without a limit
/// of 65,535; the head is y and the batch z.
void RowLowering::mapGridArguments() {
  b.setLoc(named("thread"));
  thread = gpu::ThreadIdOp::create(b, gpu::Dimension::x);
  constexpr gpu::Dimension kDims[] = {gpu::Dimension::z, gpu::Dimension::y,
                                      gpu::Dimension::x};
  KernelArguments arguments(source);
  // What is known of an argument is known of the id that it becomes.
  auto sized = [&](Operation *id, BlockArgument argument) {
    if (Attribute size =
            source.getArgAttr(argument.getArgNumber(), tile::kSizeAttrName))
      id->setAttr(tile::kSizeAttrName, size);
    return id->getResult(0);
  };
  for (unsigned k = 0; k < kGridRank; ++k) {
    b.setLoc(named(kGridNames[k]));
    if (BlockArgument point = arguments.point[k]; !point.use_empty())
      scalars.map(point, sized(gpu::BlockIdOp::create(b, kDims[k]), point));
    if (BlockArgument extent = arguments.extents[k]; !extent.use_empty())
      scalars.map(extent, sized(gpu::GridDimOp::create(b, kDims[k]), extent));
  }
  // Rows and lanes of the thread for every number of rows, ahead of all loops.
  source.walk([&](Operation *op) {
    for (Type type : op->getResultTypes())
      if (auto tile = dyn_cast<TileType>(type))
        getThreadRow(placement.getRowLayout(tile.getRows()));
  });
}

std::pair<Value, Value> RowLowering::getThreadRow(const RowLayout &layout) {
  auto &entry = threadRows[layout.lanes];
  if (!entry.first) {
    Value lanes = index(layout.lanes);
    b.setLoc(named("row"));
    entry.first = fold<arith::DivUIOp>(thread, lanes);
    b.setLoc(named("lane"));
    entry.second = fold<arith::RemUIOp>(thread, lanes);
  }
  return entry;
}

LogicalResult RowLowering::lowerBlock(Block &block) {
  for (Operation &op : block.without_terminator())
    if (failed(lowerOp(op)))
      return failure();
  return success();
}

LogicalResult RowLowering::lowerOp(Operation &op) {
  b.setLoc(op.getLoc());
  return TypeSwitch<Operation *, LogicalResult>(&op)
      .Case([&](LoadOp op) { return lowerLoad(op); })
      .Case([&](StoreOp op) { return lowerStore(op); })
      .Case([&](MapOp op) { return lowerMap(op); })
      .Case([&](SplatOp op) { return lowerSplat(op), success(); })
      .Case([&](ConvertOp op) { return lowerConvert(op), success(); })
      .Case([&](ReduceOp op) { return lowerReduce(op), success(); })
      .Case([&](DotOp op) { return lowerDot(op), success(); })
      .Case([&](scf::ForOp op) { return lowerFor(op); })
      .Case([&](scf::IfOp op) { return lowerIf(op); })
      .Case([&](memref::ReinterpretCastOp op) { return addView(op); })
      .Case([&](memref::LoadOp op) -> LogicalResult {
        FailureOr<Value> address =
            addressOf(op, op.getMemRef(), op.getIndices());
        if (failed(address))
          return failure();
        scalars.map(op.getResult(), load(views[op.getMemRef()].flat, *address));
        return success();
      })
      .Case([&](memref::StoreOp op) -> LogicalResult {
        // A scalar is the same in all threads, which store it together.
        FailureOr<Value> address =
            addressOf(op, op.getMemRef(), op.getIndices());
        if (failed(address))
          return failure();
        store(scalars.lookup(op.getValue()), views[op.getMemRef()].flat,
              *address);
        return success();
      })
      .Case([&](memref::DimOp op) -> LogicalResult {
        auto view = views.find(op.getSource());
        std::optional<int64_t> dim = op.getConstantIndex();
        if (view == views.end() || !dim)
          return op.emitOpError(
              "asks for a size that the kernel does not know");
        scalars.map(op.getResult(), view->second.sizes[*dim]);
        return success();
      })
      .Default([&](Operation *op) -> LogicalResult {
        auto isTile = [](Type type) { return isa<TileType, RangesType>(type); };
        if (op->getNumRegions() ||
            llvm::any_of(op->getOperandTypes(), isTile) ||
            llvm::any_of(op->getResultTypes(), isTile) ||
            !isMemoryEffectFree(op))
          return op->emitOpError("has no lowering in a GPU kernel");
        b.clone(*op, scalars);
        return success();
      });
}

LogicalResult RowLowering::lowerFor(scf::ForOp op) {
  SmallVector<Value> inits;
  SmallVector<Value> carried(op.getNumRegionIterArgs());
  for (auto [k, init] : llvm::enumerate(op.getInitArgs())) {
    if (isa<TileType>(init.getType()))
      carried[k] = takeBuffer(init, op, nameTile(init), carried);
    else
      inits.push_back(scalars.lookup(init));
  }
  b.setLoc(named("step"));
  auto loop = scf::ForOp::create(b, scalars.lookup(op.getLowerBound()),
                                 scalars.lookup(op.getUpperBound()),
                                 scalars.lookup(op.getStep()), inits);
  b.setInsertionPointToStart(loop.getBody());
  scalars.map(op.getInductionVar(), loop.getInductionVar());
  unsigned next = 0;
  for (auto [k, arg] : llvm::enumerate(op.getRegionIterArgs())) {
    if (carried[k])
      define(arg, carried[k]);
    else
      scalars.map(arg, loop.getRegionIterArg(next++));
  }
  if (failed(lowerBlock(*op.getBody())))
    return failure();

  // A yielded tile that sits in the buffer of another carried tile is saved
  // before that buffer is overwritten.
  auto yield = cast<scf::YieldOp>(op.getBody()->getTerminator());
  SmallVector<Value> results, sources(carried.size());
  for (auto [k, value] : llvm::enumerate(yield.getResults())) {
    if (!carried[k]) {
      results.push_back(scalars.lookup(value));
      continue;
    }
    sources[k] = buffers[value];
    if (sources[k] != carried[k] && llvm::is_contained(carried, sources[k])) {
      Value saved =
          createBuffer(cast<TileType>(value.getType()), nameTile(value));
      copyBuffer(sources[k], saved);
      sources[k] = saved;
    }
  }
  for (auto [from, to] : llvm::zip(sources, carried))
    if (from != to)
      copyBuffer(from, to);
  if (!results.empty())
    scf::YieldOp::create(b, results);
  b.setInsertionPointAfter(loop);
  next = 0;
  for (auto [k, result] : llvm::enumerate(op.getResults())) {
    if (carried[k])
      define(result, carried[k]);
    else
      scalars.map(result, loop.getResult(next++));
  }
  return success();
}

LogicalResult RowLowering::lowerIf(scf::IfOp op) {
  SmallVector<Type> types;
  for (Type type : op.getResultTypes())
    if (!isa<TileType>(type))
      types.push_back(type);
  bool hasElse = !op.getElseRegion().empty();
  auto branch =
      scf::IfOp::create(b, types, scalars.lookup(op.getCondition()), hasElse);
  SmallVector<Value> merged(op.getNumResults());
  for (auto [from, to] : llvm::zip(op->getRegions(), branch->getRegions())) {
    if (from.empty())
      continue;
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(&to.front());
    if (failed(lowerBlock(from.front())))
      return failure();
    SmallVector<Value> results;
    auto yield = cast<scf::YieldOp>(from.front().getTerminator());
    for (auto [k, value] : llvm::enumerate(yield.getResults())) {
      if (!isa<TileType>(value.getType())) {
        results.push_back(scalars.lookup(value));
        continue;
      }
      if (!merged[k])
        merged[k] = takeBuffer(value, yield, nameTile(value), merged);
      else if (merged[k] != buffers[value])
        copyBuffer(buffers[value], merged[k]);
    }
    if (!results.empty())
      scf::YieldOp::create(b, results);
  }
  unsigned next = 0;
  for (auto [k, result] : llvm::enumerate(op.getResults())) {
    if (merged[k])
      define(result, merged[k]);
    else
      scalars.map(result, branch.getResult(next++));
  }
  return success();
}

void RowLowering::loop(StringRef name, Value lower, Value upper, Value step,
                       function_ref<void(Value)> body) {
  auto loop = scf::ForOp::create(b, named(name), lower, upper, step);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

void RowLowering::guarded(Value condition, function_ref<void()> body) {
  attn::guarded(b, condition, body);
}

namespace {

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

struct TileToGPUPass final : attn::impl::TileToGPUBase<TileToGPUPass> {
  using TileToGPUBase::TileToGPUBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    TilePlacement::Limits limits{workgroupBytes, maxThreads, threads,
                                 elementBytes};
    if (TargetAttr target = TargetAttr::lookup(module))
      limits.lacksSmall = target.doesLack(Lacks::SmallStorage);
    if (!limits.workgroupBytes || !limits.maxThreads) {
      auto target = TargetAttr::require(module, getArgument());
      if (failed(target))
        return signalPassFailure();
      if (!limits.workgroupBytes)
        limits.workgroupBytes = target->getStaticSharedBytes();
      if (!limits.maxThreads)
        limits.maxThreads = target->getThreads();
    }
    // No API launches more threads, or has more memory for a workgroup.
    if (failed(checkOptions(
            *this, module,
            {{"workgroup-bytes", limits.workgroupBytes, 0, 1 << 20},
             {"max-threads", limits.maxThreads, 1, 1024},
             {"threads", limits.threads, 0, limits.maxThreads},
             {"element-bytes", limits.elementBytes, 1, 8}})))
      return signalPassFailure();
    SmallVector<func::FuncOp> kernels = getTileKernels(module);
    if (kernels.empty())
      return markAllAnalysesPreserved();

    gpu::GPUModuleOp gpuModule = getKernelModule(module);
    SmallVector<std::pair<gpu::GPUFuncOp, SmallVector<DictionaryAttr>>> attrs;
    for (func::FuncOp kernel : kernels) {
      TilePlacement::Limits ofKernel = limits;
      ofKernel.threads =
          attn::decide(threads, kernel, &attn::ScheduleAttr::getThreads);
      if (failed(verifyLaunchable(kernel, getArgument())) ||
          failed(checkOptions(
              *this, kernel,
              {{"threads", ofKernel.threads, 0, ofKernel.maxThreads}})))
        return signalPassFailure();
      FailureOr<TilePlacement> placement =
          TilePlacement::compute(kernel, ofKernel);
      if (failed(placement))
        return signalPassFailure();
      ++numKernels;
      numStaged += placement->getNumStaged();
      FailureOr<gpu::GPUFuncOp> lowered =
          RowLowering(kernel, *placement).lower(gpuModule);
      if (failed(lowered))
        return signalPassFailure();
      attrs.emplace_back(*lowered, SmallVector<DictionaryAttr>());
      for (unsigned k = 0; k < lowered->getFunctionType().getNumInputs(); ++k)
        attrs.back().second.push_back(kernel.getArgAttrDict(k));
      auto name = FlatSymbolRefAttr::get(kernel.getSymNameAttr());
      retargetLaunches(module, name,
                       SymbolRefAttr::get(gpuModule.getSymNameAttr(), name));
      kernel.erase();
    }
    RewritePatternSet patterns(&getContext());
    populateGpuEliminateBarriersPatterns(patterns);
    arith::populateCeilFloorDivExpandOpsPatterns(patterns);
    FrozenRewritePatternSet frozen(std::move(patterns));
    for (auto &[kernel, dictionaries] : attrs)
      if (failed(applyPatternsGreedily(kernel, frozen)))
        return signalPassFailure();
    // Only now: barrier elimination (22) looks for argument attributes of the
    // workgroup buffers, too, and crashes where an array of them exists.
    for (auto &[kernel, dictionaries] : attrs)
      for (auto [k, dictionary] : llvm::enumerate(dictionaries))
        if (dictionary)
          kernel.setArgAttrs(k, dictionary);
  }
};

} // namespace
