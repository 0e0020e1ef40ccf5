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
#include "../FlatMemory.h"
#include "../KernelNames.h"
#include "../TileKernels.h"
#include "TilePlacement.h"
#include "attn/Analysis/IndexRanges.h"
#include "attn/Dialect/Tile/AttributeNames.h"
#include "attn/Transforms/PassOptions.h"
#include "attn/Transforms/ScheduleChoices.h"

#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/GPU/Transforms/Passes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Interfaces/LoopLikeInterface.h"

namespace attn {
#define GEN_PASS_DEF_TILETOGPU
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;
using namespace attn::tile;

namespace {

/// One element of a tile as its thread sees it.
struct Element {
  Value position; ///< in the private buffer
  Value pass;     ///< in the private buffer of a row statistic
  Value row, col; ///< in the tile
  Value inside;   ///< i1; null if every position is an element
};

/// True if no value of `tile` is needed after `op`: its buffer may be
/// overwritten by the results of `op`.
bool isLastUse(Value tile, Operation *op) {
  Block *home = tile.getParentBlock();
  for (Operation *up = op; up->getBlock() != home; up = up->getParentOp())
    if (isa<LoopLikeOpInterface>(up->getParentOp()))
      return false;
  return llvm::all_of(tile.getUsers(), [&](Operation *user) {
    if (user == op)
      return true;
    // Program order counts, but branches of one scf.if exclude each other.
    Operation *here = op;
    while (!here->getBlock()->findAncestorOpInBlock(*user))
      here = here->getParentOp();
    Operation *there = here->getBlock()->findAncestorOpInBlock(*user);
    if (here == there)
      return here != op && isa<scf::IfOp>(here);
    return there->isBeforeInBlock(here);
  });
}

/// Lowers one kernel.
class KernelLowering {
public:
  KernelLowering(func::FuncOp source, const TilePlacement &placement)
      : source(source), placement(placement),
        b(source.getLoc(), source.getContext()) {}

  FailureOr<gpu::GPUFuncOp> lower(gpu::GPUModuleOp module);

private:
  // Structure.
  LogicalResult lowerBlock(Block &block);
  LogicalResult lowerOp(Operation &op);
  LogicalResult lowerFor(scf::ForOp op);
  LogicalResult lowerIf(scf::IfOp op);
  void mapGridArguments();

  // Memory.
  LogicalResult addView(memref::ReinterpretCastOp op);
  FailureOr<Value> addressOf(Operation *op, Value memory, ValueRange indices);
  Value readTileElement(LoadOp op, Value row, Value col, Value inside,
                        bool rowIsValid = false);
  Value rowCounts(LoadOp op, Value row);

  // Tiles.
  LogicalResult lowerLoad(LoadOp op);
  LogicalResult lowerStore(StoreOp op);
  void lowerSplat(SplatOp op);
  void lowerConvert(ConvertOp op);
  void lowerReduce(ReduceOp op);
  void lowerDot(DotOp op);
  LogicalResult lowerMap(MapOp op);
  void stage(Value tile, function_ref<Value(Value row, Value col)> read);
  void define(Value tile, Value buffer);

  // Fragments.
  Value createBuffer(TileType type, StringRef name);
  Value takeBuffer(Value tile, Operation *op, StringRef name,
                   ArrayRef<Value> inUse);
  void copyBuffer(Value from, Value to);
  void forEachElement(TileType type, function_ref<void(const Element &)> body);
  Value positionOf(TileType type, const Element &element);
  std::pair<Value, Value> getThreadRow(const RowLayout &layout);

  // Scalars.
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(b, value);
  }
  template <typename Op> Value fold(Value lhs, Value rhs) {
    return b.createOrFold<Op>(lhs, rhs);
  }
  Value less(Value lhs, Value rhs) { return isLess(b, lhs, rhs); }
  Value both(Value lhs, Value rhs) { return attn::both(b, lhs, rhs); }
  Value widen(Value value) { return attn::widen(b, value); }
  Value load(Value buffer, Value position) {
    return memref::LoadOp::create(b, buffer, position);
  }
  void store(Value value, Value buffer, Value position) {
    memref::StoreOp::create(b, value, buffer, position);
  }
  /// A loop from `lower` by `step`; `body` is built inside of it.
  void loop(StringRef name, Value lower, Value upper, Value step,
            function_ref<void(Value)> body);
  /// Runs `body` below `condition`, or always if there is none.
  void guarded(Value condition, function_ref<void()> body);
  Location named(StringRef name) {
    return NameLoc::get(b.getStringAttr(name), source.getLoc());
  }

  func::FuncOp source;
  const TilePlacement &placement;
  ImplicitLocOpBuilder b;
  gpu::GPUFuncOp kernel;
  IRMapping scalars;
  std::function<Value(Value)> lookup = [this](Value value) {
    return scalars.lookup(value);
  };
  DenseMap<Value, FlatView> views;
  DenseMap<Value, Value> buffers;
  SmallVector<Value> workgroupBuffers;
  Value exchange;
  Value thread;
  DenseMap<int64_t, std::pair<Value, Value>> threadRows;
};

//===----------------------------------------------------------------------===//
// Structure
//===----------------------------------------------------------------------===//

FailureOr<gpu::GPUFuncOp> KernelLowering::lower(gpu::GPUModuleOp module) {
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
void KernelLowering::mapGridArguments() {
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

std::pair<Value, Value> KernelLowering::getThreadRow(const RowLayout &layout) {
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

LogicalResult KernelLowering::lowerBlock(Block &block) {
  for (Operation &op : block.without_terminator())
    if (failed(lowerOp(op)))
      return failure();
  return success();
}

LogicalResult KernelLowering::lowerOp(Operation &op) {
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

LogicalResult KernelLowering::lowerFor(scf::ForOp op) {
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

LogicalResult KernelLowering::lowerIf(scf::IfOp op) {
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

void KernelLowering::loop(StringRef name, Value lower, Value upper, Value step,
                          function_ref<void(Value)> body) {
  auto loop = scf::ForOp::create(b, named(name), lower, upper, step);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

void KernelLowering::guarded(Value condition, function_ref<void()> body) {
  attn::guarded(b, condition, body);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

LogicalResult KernelLowering::addView(memref::ReinterpretCastOp op) {
  Value base = scalars.lookupOrNull(op.getSource());
  FailureOr<FlatView> view = makeFlatView(b, op, base, lookup);
  if (failed(view))
    return failure();
  b.setLoc(base.getLoc());
  view->flat.setLoc(base.getLoc());
  views[op.getResult()] = *view;
  return success();
}

FailureOr<Value> KernelLowering::addressOf(Operation *op, Value memory,
                                           ValueRange indices) {
  auto view = views.find(memory);
  if (view == views.end())
    return op->emitOpError("accesses a memref that the kernel did not rebuild "
                           "from an argument");
  return getFlatAddress(b, view->second.strides,
                        llvm::map_to_vector(indices, lookup));
}

/// Whether a row of the tile is read (rule 7).
Value KernelLowering::rowCounts(LoadOp op, Value row) {
  return countsRow(b, op, lookup, [&](Block &where) {
    scalars.map(where.getArgument(0), row);
    // lowerLoad has checked that this succeeds.
    (void)lowerBlock(where);
    return scalars.lookup(where.getTerminator()->getOperand(0));
  });
}

/// Element (row, col) of the tile that `op` loads, zero past `valid`. `inside`
/// says whether the position is an element of the tile at all, `rowIsValid`
/// that the row needs no check.
Value KernelLowering::readTileElement(LoadOp op, Value row, Value col,
                                      Value inside, bool rowIsValid) {
  TileType type = op.getType();
  SmallVector<Value> coordinates{row};
  if (type.getRank() == 2)
    coordinates.push_back(col);
  Value condition = addBounds(b, type, op.getValid(), coordinates, inside,
                              lookup, /*first=*/rowIsValid ? 1 : 0);
  if (op.getMixed())
    condition = both(condition, rowCounts(op, row));

  auto read = [&]() -> Value {
    const FlatView &memory = views[op.getSource()];
    const FlatView *pages = nullptr;
    if (Value table = op.getPageTable())
      pages = &views.find(table)->second;
    return load(memory.flat,
                getElementAddress(b, op, memory, pages, coordinates,
                                  memory.strides, lookup));
  };
  if (!condition)
    return read();
  auto branch = scf::IfOp::create(
      b, condition,
      [&](OpBuilder &, Location) { scf::YieldOp::create(b, read()); },
      [&](OpBuilder &, Location) {
        Value zero =
            arith::ConstantOp::create(b, b.getZeroAttr(type.getElementType()));
        scf::YieldOp::create(b, zero);
      });
  return branch.getResult(0);
}

LogicalResult KernelLowering::lowerLoad(LoadOp op) {
  for (Value memory : {Value(op.getSource()), Value(op.getPageTable())})
    if (memory && !views.contains(memory))
      return op.emitOpError(
          "reads a memref that the kernel did not rebuild from "
          "an argument");
  for (Region &region : op->getRegions())
    for (Operation &nested : region.getOps())
      if (isa<memref::LoadOp, memref::DimOp>(nested)
              ? !views.contains(nested.getOperand(0))
              : nested.getNumRegions() || !isMemoryEffectFree(&nested))
        return nested.emitOpError("has no lowering in a GPU kernel");
  if (placement.isFragment(op.getResult())) {
    Value buffer =
        createBuffer(op.getType(), nameTile(op.getResult()) + "_tile");
    forEachElement(op.getType(), [&](const Element &e) {
      store(readTileElement(op, e.row, e.col, e.inside), buffer, e.position);
    });
    buffers[op.getResult()] = buffer;
  }
  stage(op.getResult(), [&](Value row, Value col) {
    return readTileElement(op, row, col, Value());
  });
  return success();
}

/// True if the tile is only stored, or what products start from: it needs no
/// buffer.
static bool isOnlyNumber(SplatOp op) {
  return llvm::all_of(op->getUses(), [](OpOperand &use) {
    auto dot = dyn_cast<DotOp>(use.getOwner());
    return isa<StoreOp>(use.getOwner()) ||
           (dot && &use == &dot.getAccMutable());
  });
}

LogicalResult KernelLowering::lowerStore(StoreOp op) {
  auto view = views.find(op.getDest());
  if (view == views.end())
    return op.emitOpError(
        "writes a memref that the kernel did not rebuild from "
        "an argument");
  TileType type = op.getTile().getType();
  auto uniform = op.getTile().getDefiningOp<SplatOp>();
  Value number = uniform && isOnlyNumber(uniform)
                     ? scalars.lookup(uniform.getValue())
                     : Value();
  forEachElement(type, [&](const Element &e) {
    SmallVector<Value> coordinates{e.row};
    Value condition = e.inside;
    if (type.getRank() == 2)
      coordinates.push_back(e.col);
    else if (RowLayout layout = placement.getRowLayout(type.getRows());
             layout.lanes > 1) // every thread of the row holds the value
      condition =
          both(condition,
               arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                     getThreadRow(layout).second, index(0)));
    condition =
        addBounds(b, type, op.getValid(), coordinates, condition, lookup);
    SmallVector<Value> indices =
        getElementIndices(b, op.getIndices(), coordinates, lookup);
    guarded(condition, [&] {
      store(number ? number : load(buffers[op.getTile()], e.position),
            view->second.flat,
            getFlatAddress(b, view->second.strides, indices));
    });
  });
  return success();
}

//===----------------------------------------------------------------------===//
// Fragments and staging
//===----------------------------------------------------------------------===//

Value KernelLowering::createBuffer(TileType type, StringRef name) {
  RowLayout layout = placement.getRowLayout(type.getRows());
  int64_t size = layout.passes *
                 (type.getRank() == 2 ? layout.getColumns(type.getCols()) : 1);
  auto space =
      gpu::AddressSpaceAttr::get(b.getContext(), gpu::AddressSpace::Private);
  Value buffer = kernel.addPrivateAttribution(
      MemRefType::get({size}, type.getElementType(),
                      MemRefLayoutAttrInterface(), space),
      source.getLoc());
  kernel.setPrivateAttributionAttr(kernel.getNumPrivateAttributions() - 1,
                                   kBufferNameAttr, b.getStringAttr(name));
  return buffer;
}

/// A buffer that holds the value of `tile` and that `op` may overwrite: its
/// own if nothing reads it afterwards and `op` has no other use for it, else a
/// copy.
Value KernelLowering::takeBuffer(Value tile, Operation *op, StringRef name,
                                 ArrayRef<Value> inUse) {
  if (isLastUse(tile, op) && !llvm::is_contained(inUse, buffers[tile]))
    return buffers[tile];
  Value copy = createBuffer(cast<TileType>(tile.getType()), name);
  copyBuffer(buffers[tile], copy);
  return copy;
}

void KernelLowering::copyBuffer(Value from, Value to) {
  int64_t size = cast<MemRefType>(from.getType()).getDimSize(0);
  auto copy = [&](Value k) { store(load(from, k), to, k); };
  if (size == 1)
    return copy(index(0));
  loop("c", index(0), index(size), index(1), copy);
}

/// Visits the elements of one thread.
void KernelLowering::forEachElement(TileType type,
                                    function_ref<void(const Element &)> body) {
  RowLayout layout = placement.getRowLayout(type.getRows());
  auto [row, lane] = getThreadRow(layout);
  int64_t cols = type.getRank() == 2 ? layout.getColumns(type.getCols()) : 1;

  auto visit = [&, row = row, lane = lane](Value pass, Value k) {
    Element e;
    e.pass = pass;
    e.position = fold<arith::AddIOp>(fold<arith::MulIOp>(pass, index(cols)), k);
    e.row = fold<arith::AddIOp>(
        fold<arith::MulIOp>(pass, index(layout.rowsAtOnce)), row);
    if (layout.hasExcessRows(type.getRows()))
      e.inside = less(e.row, index(type.getRows()));
    if (type.getRank() == 2) {
      e.col = fold<arith::AddIOp>(fold<arith::MulIOp>(k, index(layout.lanes)),
                                  lane);
      if (type.getCols() % layout.lanes)
        e.inside = both(e.inside, less(e.col, index(type.getCols())));
    }
    body(e);
  };
  auto visitColumns = [&](Value pass) {
    if (cols == 1)
      return visit(pass, index(0));
    loop("c", index(0), index(cols), index(1),
         [&](Value k) { visit(pass, k); });
  };
  if (layout.passes == 1)
    return visitColumns(index(0));
  loop("pass", index(0), index(layout.passes), index(1), visitColumns);
}

/// Position of `element` in a tile of the same rows, of rank 1 or 2.
Value KernelLowering::positionOf(TileType type, const Element &element) {
  return type.getRank() == 2 ? element.position : element.pass;
}

void KernelLowering::define(Value tile, Value buffer) {
  buffers[tile] = buffer;
  auto type = cast<TileType>(tile.getType());
  if (!placement.getBuffer(tile))
    return;
  // Threads exchange what they hold.
  Value shared = workgroupBuffers[*placement.getBuffer(tile)];
  gpu::BarrierOp::create(b);
  forEachElement(type, [&](const Element &e) {
    guarded(e.inside, [&] {
      Value rowStart = fold<arith::MulIOp>(e.row, index(type.getCols()));
      store(load(buffer, e.position), shared,
            fold<arith::AddIOp>(rowStart, e.col));
    });
  });
  gpu::BarrierOp::create(b);
}

/// Fills the workgroup buffer of a tile from memory, consecutive threads
/// reading consecutive elements.
void KernelLowering::stage(Value tile,
                           function_ref<Value(Value row, Value col)> read) {
  std::optional<unsigned> buffer = placement.getBuffer(tile);
  if (!buffer)
    return;
  auto type = cast<TileType>(tile.getType());
  Value cols = index(type.getCols());
  gpu::BarrierOp::create(b);
  loop("e", thread, index(type.getRows() * type.getCols()),
       index(placement.getNumThreads()), [&](Value e) {
         b.setLoc(named("row"));
         Value row = fold<arith::DivUIOp>(e, cols);
         b.setLoc(named("col"));
         Value col = fold<arith::RemUIOp>(e, cols);
         store(read(row, col), workgroupBuffers[*buffer], e);
       });
  gpu::BarrierOp::create(b);
}

//===----------------------------------------------------------------------===//
// Computation
//===----------------------------------------------------------------------===//

void KernelLowering::lowerSplat(SplatOp op) {
  if (isOnlyNumber(op))
    return;
  Value buffer = createBuffer(op.getType(), nameTile(op.getResult()));
  Value value = scalars.lookup(op.getValue());
  forEachElement(op.getType(),
                 [&](const Element &e) { store(value, buffer, e.position); });
  define(op.getResult(), buffer);
}

void KernelLowering::lowerConvert(ConvertOp op) {
  Value from = buffers[op.getInput()];
  Value to = createBuffer(op.getType(), nameTile(op.getInput()));
  Type type = op.getType().getElementType();
  forEachElement(op.getType(), [&](const Element &e) {
    store(convertFloat(b, load(from, e.position), type), to, e.position);
  });
  define(op.getResult(), to);
}

LogicalResult KernelLowering::lowerMap(MapOp op) {
  // A block of values overwrites an operand that nothing reads afterwards; a
  // row statistic is only a value or two and keeps its own name.
  SmallVector<Value> results;
  for (Value result : op.getResults()) {
    auto type = cast<TileType>(result.getType());
    Value buffer;
    for (Value input : op.getInputs())
      if (!buffer && type.getRank() == 2 && input.getType() == type &&
          isLastUse(input, op) && !llvm::is_contained(results, buffers[input]))
        buffer = buffers[input];
    results.push_back(buffer ? buffer : createBuffer(type, nameTile(result)));
  }

  // A domain without a tile of rank 2 visits row statistics only.
  auto [rows, cols] = op.getDomain();
  SmallVector<int64_t> shape{rows};
  if (op.getDomainRank() == 2)
    shape.push_back(cols);
  auto domain = TileType::get(op.getContext(), shape, b.getF32Type());
  LogicalResult status = success();
  forEachElement(domain, [&](const Element &e) {
    for (auto [arg, input] : llvm::zip(op.getElementArgs(), op.getInputs()))
      scalars.map(arg, load(buffers[input],
                            positionOf(cast<TileType>(input.getType()), e)));
    for (auto [k, arg] : llvm::enumerate(op.getIndexArgs())) {
      b.setLoc(named(k ? "j" : "i"));
      scalars.map(arg, fold<arith::AddIOp>(scalars.lookup(op.getOffsets()[k]),
                                           k ? e.col : e.row));
    }
    Block &body = op.getBody().front();
    if (failed(lowerBlock(body))) {
      status = failure();
      return;
    }
    for (auto [value, buffer] :
         llvm::zip(body.getTerminator()->getOperands(), results))
      store(scalars.lookup(value), buffer, e.position);
  });
  for (auto [result, buffer] : llvm::zip(op.getResults(), results))
    define(result, buffer);
  return status;
}

void KernelLowering::lowerReduce(ReduceOp op) {
  TileType type = op.getInput().getType();
  RowLayout layout = placement.getRowLayout(type.getRows());
  Value lane = getThreadRow(layout).second;
  Value input = buffers[op.getInput()];
  Value result = takeBuffer(op.getInit(), op, nameTile(op.getResult()), {});
  int64_t cols = layout.getColumns(type.getCols());
  Type element = type.getElementType();
  auto reducePass = [&](Value pass) {
    Value start = load(result, pass);
    // Threads that share a row start with a value that may be combined often.
    Value neutral = start;
    if (op.getKind() == ReduceKind::Sum)
      neutral = arith::ConstantOp::create(b, b.getZeroAttr(element));
    Value partial = layout.lanes > 1 ? neutral : start;
    auto columns = scf::ForOp::create(
        b, named("c"), index(0), index(cols), index(1), partial,
        [&](OpBuilder &, Location, Value k, ValueRange args) {
          Value position =
              fold<arith::AddIOp>(fold<arith::MulIOp>(pass, index(cols)), k);
          Value value = load(input, position);
          if (type.getCols() % layout.lanes) {
            Value col = fold<arith::AddIOp>(
                fold<arith::MulIOp>(k, index(layout.lanes)), lane);
            value = arith::SelectOp::create(b, less(col, index(type.getCols())),
                                            value, neutral);
          }
          scf::YieldOp::create(b, combine(b, op, args.front(), value));
        });
    partial = columns.getResult(0);
    if (layout.lanes > 1) {
      // Partial results are combined in the order of the lanes (rule 19).
      gpu::BarrierOp::create(b);
      store(partial, exchange, thread);
      gpu::BarrierOp::create(b);
      Value first = fold<arith::SubIOp>(thread, lane);
      auto lanes = scf::ForOp::create(
          b, named("c"), index(0),
          index(std::min(layout.lanes, type.getCols())), index(1), start,
          [&](OpBuilder &, Location, Value k, ValueRange args) {
            Value other = load(exchange, fold<arith::AddIOp>(first, k));
            scf::YieldOp::create(b, combine(b, op, args.front(), other));
          });
      partial = lanes.getResult(0);
    }
    store(partial, result, pass);
  };
  if (layout.passes == 1)
    reducePass(index(0));
  else
    loop("pass", index(0), index(layout.passes), index(1), reducePass);
  define(op.getResult(), result);
}

void KernelLowering::lowerDot(DotOp op) {
  TileType type = op.getType();
  RowLayout layout = placement.getRowLayout(type.getRows());
  auto [threadRow, lane] = getThreadRow(layout);
  auto start = op.getAcc().getDefiningOp<SplatOp>();
  if (start && !isOnlyNumber(start))
    start = nullptr;
  Value acc =
      start
          ? createBuffer(type, nameTile(op.getResult()))
          : takeBuffer(op.getAcc(), op, nameTile(op.getResult()),
                       {buffers.lookup(op.getA()), buffers.lookup(op.getB())});
  int64_t cols = layout.getColumns(type.getCols());
  TileType aType = op.getA().getType();
  int64_t depth = aType.getShape()[op.getTransposeA() ? 0 : 1];
  bool ownRow = placement.readsOwnRow(op);
  Value end = index(depth);
  // Rows of zeros add nothing; without them the reads need no check.
  auto direct = op.getB().getDefiningOp<LoadOp>();
  if (op.getTransposeB() || placement.getBuffer(op.getB()))
    direct = nullptr;
  if (direct)
    end = fold<arith::MinSIOp>(end, scalars.lookup(direct.getValid()[0]));

  // Element (i, j) of an operand that the threads share.
  auto readShared = [&](Value tile, bool transposed, Value i,
                        Value j) -> Value {
    if (transposed)
      std::swap(i, j);
    if (std::optional<unsigned> buffer = placement.getBuffer(tile)) {
      Value cols = index(cast<TileType>(tile.getType()).getCols());
      Value position = fold<arith::AddIOp>(fold<arith::MulIOp>(i, cols), j);
      return load(workgroupBuffers[*buffer], position);
    }
    auto load = tile.getDefiningOp<LoadOp>();
    return readTileElement(load, i, j, Value(), /*rowIsValid=*/load == direct);
  };
  // Threads past the edge of the tile repeat its last row or column.
  auto within = [&](Value position, int64_t size, bool excess) -> Value {
    return excess ? fold<arith::MinUIOp>(position, index(size - 1)) : position;
  };

  // A register block: `block` columns of one row, so that an element of a is
  // read once for all of them.
  int64_t block = 4;
  while (cols % block)
    block /= 2;
  auto computeBlock = [&, lane = lane](Value pass, Value row, Value k0) {
    SmallVector<Value> positions, columns, sums;
    for (int64_t u = 0; u < block; ++u) {
      Value k = fold<arith::AddIOp>(k0, index(u));
      positions.push_back(
          fold<arith::AddIOp>(fold<arith::MulIOp>(pass, index(cols)), k));
      Value col = fold<arith::AddIOp>(
          fold<arith::MulIOp>(k, index(layout.lanes)), lane);
      columns.push_back(
          within(col, type.getCols(), type.getCols() % layout.lanes != 0));
      sums.push_back(start ? scalars.lookup(start.getValue())
                           : load(acc, positions.back()));
    }
    auto inner = scf::ForOp::create(
        b, named("d"), index(0), end, index(1), sums,
        [&](OpBuilder &, Location, Value d, ValueRange args) {
          Value own =
              ownRow ? load(buffers[op.getA()],
                            fold<arith::AddIOp>(
                                fold<arith::MulIOp>(pass, index(depth)), d))
                     : readShared(op.getA(), op.getTransposeA(), row, d);
          own = widen(own);
          SmallVector<Value> next;
          for (auto [sum, col] : llvm::zip(args, columns)) {
            Value other =
                widen(readShared(op.getB(), op.getTransposeB(), d, col));
            next.push_back(math::FmaOp::create(b, own, other, sum));
          }
          scf::YieldOp::create(b, next);
        });
    for (auto [position, sum] : llvm::zip(positions, inner.getResults()))
      store(sum, acc, position);
  };
  auto computePass = [&, threadRow = threadRow](Value pass) {
    Value row = fold<arith::AddIOp>(
        fold<arith::MulIOp>(pass, index(layout.rowsAtOnce)), threadRow);
    row = within(row, type.getRows(), layout.hasExcessRows(type.getRows()));
    if (cols == block)
      return computeBlock(pass, row, index(0));
    loop("c", index(0), index(cols), index(block),
         [&](Value k0) { computeBlock(pass, row, k0); });
  };
  if (layout.passes == 1)
    computePass(index(0));
  else
    loop("pass", index(0), index(layout.passes), index(1), computePass);
  define(op.getResult(), acc);
}

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
          KernelLowering(kernel, *placement).lower(gpuModule);
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
