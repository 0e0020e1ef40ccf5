//===- TileToCPU.cpp - tile-to-cpu ----------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tile kernels to loops on vectors: the structure of a kernel and the pass.
// Where queries fill vectors they lie on the lanes, and products are sums of
// outer products; where they are fewer, keys and head elements do, and scores
// are sums of lanes.
//
//===----------------------------------------------------------------------===//

#include "../TileKernels.h"
#include "KernelLowering.h"

#include "attn/Conversion/TileToCPU.h"
#include "attn/Dialect/Tile/AttributeNames.h"

#include "mlir/Dialect/AMX/AMXDialect.h"
#include "mlir/Dialect/X86Vector/X86VectorDialect.h"
#include "mlir/Transforms/RegionUtils.h"

namespace attn {
#define GEN_PASS_DEF_TILETOCPU
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;
using namespace attn::cpu;
using namespace attn::tile;

//===----------------------------------------------------------------------===//
// Structure
//===----------------------------------------------------------------------===//

static bool hasTileResult(Operation *op) {
  return llvm::any_of(op->getResultTypes(), llvm::IsaPred<TileType>);
}

static bool isTileOp(Operation *op) {
  return isa_and_nonnull<TileDialect>(op->getDialect());
}

/// Terminator operands that are tiles.
static SmallVector<Value> tileOperands(Operation *terminator) {
  return llvm::filter_to_vector(terminator->getOperands(), [](Value value) {
    return isa<TileType>(value.getType());
  });
}

LogicalResult KernelLowering::lowerBlock(Block &block,
                                         ArrayRef<Value> destinations) {
  for (auto [value, destination] :
       llvm::zip(tileOperands(block.getTerminator()), destinations))
    wanted.insert({value, destination});
  for (Operation &op : llvm::make_early_inc_range(block.without_terminator())) {
    if (auto map = dyn_cast<MapOp>(op); map && getProductOfPrologue(map)) {
      bool usesGroup = llvm::any_of(map->getOperands(), [&](Value operand) {
        return operand.getDefiningOp() &&
               group.ops.contains(operand.getDefiningOp());
      });
      if (usesGroup && failed(flush(&op)))
        return failure();
      toErase.push_back(&op);
      continue;
    }
    if (pending.dot && &op == pending.finishBefore) {
      if (failed(flush(&op)))
        return failure();
      b.setInsertionPoint(&op);
      finishPendingInBranch();
    }
    if (joinsGroup(&op)) {
      std::tie(group.rows, group.cols) = domainOf(&op);
      group.ops.insert(&op);
      toErase.push_back(&op);
      continue;
    }
    if (auto store = dyn_cast<StoreOp>(&op); store && storesGroup(store)) {
      b.setInsertionPoint(&op);
      if (failed(storeGroup(store)))
        return failure();
      toErase.push_back(&op);
      continue;
    }
    bool usesTiles =
        isTileOp(&op) || hasTileResult(&op) || op.getNumRegions() > 0;
    if (usesTiles && !precedesGroup(&op) && failed(flush(&op)))
      return failure();
    if (isElementwise(&op)) {
      std::tie(group.rows, group.cols) = domainOf(&op);
      group.ops.insert(&op);
      toErase.push_back(&op);
      continue;
    }
    if (auto dot = dyn_cast<DotOp>(&op); dot && opensGroup(dot)) {
      openProduct = dot;
      toErase.push_back(&op);
      continue;
    }
    b.setInsertionPoint(&op);
    b.setLoc(op.getLoc());
    if (failed(lowerOp(&op)))
      return failure();
  }
  if (failed(flush(block.getTerminator())))
    return failure();
  return finishBlock(block, destinations);
}

/// Copies what the terminator yields to where it is wanted, unless it is there.
LogicalResult KernelLowering::finishBlock(Block &block,
                                          ArrayRef<Value> destinations) {
  Operation *terminator = block.getTerminator();
  b.setInsertionPoint(terminator);
  SmallVector<Value> yielded = tileOperands(terminator);
  // A yielded buffer that is overwritten by another copy is saved first.
  SmallVector<Value> sources;
  for (Value value : yielded) {
    Place &place = places[value];
    if (place.kind == Place::Splat) {
      sources.push_back(Value());
      continue;
    }
    FailureOr<Value> buffer = lanesBuffer(value);
    if (failed(buffer))
      return failure();
    sources.push_back(*buffer);
  }
  for (auto [k, source] : llvm::enumerate(sources)) {
    bool clobbered = false;
    for (auto [other, destination] : llvm::enumerate(destinations))
      clobbered |= other < k && source && destination == source;
    if (clobbered) {
      Value saved = newBuffer(cast<TileType>(yielded[k].getType()));
      OpBuilder::InsertionGuard guard(b);
      copyBuffer(source, saved);
      source = saved;
    }
  }
  for (auto [k, destination] : llvm::enumerate(destinations)) {
    if (!sources[k])
      fillBuffer(places[yielded[k]].scalar, destination);
    else if (sources[k] != destination)
      copyBuffer(sources[k], destination);
  }
  SmallVector<Value> kept =
      llvm::filter_to_vector(terminator->getOperands(), [](Value value) {
        return !isa<TileType>(value.getType());
      });
  if (isa<scf::YieldOp>(terminator))
    terminator->setOperands(kept);
  return success();
}

LogicalResult KernelLowering::lowerOp(Operation *op) {
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return lowerFor(loop);
  if (auto branch = dyn_cast<scf::IfOp>(op)) {
    SmallVector<Value> destinations;
    for (OpResult result : branch.getResults())
      if (isa<TileType>(result.getType())) {
        Value destination = branchBuffer(branch, result, destinations);
        destinations.push_back(destination);
        places[result].buffer = destination;
      }
    if (failed(lowerIf(branch, destinations)))
      return failure();
    for (OpResult result : branch.getResults())
      if (auto it = places.find(result);
          it != places.end() && carriedIn.contains(it->second.buffer))
        carriedIn[it->second.buffer] = result;
    return success();
  }
  if (!isTileOp(op)) {
    if (hasTileResult(op) ||
        llvm::any_of(op->getOperandTypes(), llvm::IsaPred<TileType>))
      return op->emitOpError("on tiles has no CPU lowering");
    for (Region &region : op->getRegions())
      for (Block &block : region)
        if (failed(lowerBlock(block, {})))
          return failure();
    return success();
  }
  toErase.push_back(op);
  if (auto load = dyn_cast<LoadOp>(op))
    return lowerLoad(load);
  if (auto store = dyn_cast<StoreOp>(op))
    return lowerStore(store);
  if (auto splat = dyn_cast<SplatOp>(op)) {
    Place &place = places[splat.getResult()];
    place.kind = Place::Splat;
    // As all that is computed, a number of 16 bits is an f32 until it is
    // stored.
    place.scalar = splat.getValue();
    if (isa<Float16Type, BFloat16Type>(place.scalar.getType()))
      place.scalar =
          b.createOrFold<arith::ExtFOp>(b.getF32Type(), place.scalar);
    return success();
  }
  if (auto dot = dyn_cast<DotOp>(op))
    return lowerDot(dot);
  if (auto map = dyn_cast<MapOp>(op))
    return lowerRowMap(map);
  if (auto above = dyn_cast<AnyAboveOp>(op); above && lanes == LaneDim::Columns)
    return lowerAnyAbove(above);
  return op->emitOpError("has no CPU lowering");
}

/// True if a branch may write its `result` over `tile`, which it reads: element
/// by element in one op, not behind the one that makes the result, or it yields
/// the tile itself.
static bool canOverwrite(Value tile, Region &region, unsigned result) {
  Value yielded = region.front().getTerminator()->getOperand(result);
  if (yielded == tile)
    return true;
  SmallVector<Operation *> users =
      llvm::filter_to_vector(tile.getUsers(), [&](Operation *user) {
        return region.isAncestor(user->getParentRegion());
      });
  if (users.empty())
    return true;
  Operation *made = yielded.getDefiningOp();
  return users.size() == 1 && users.front()->getParentRegion() == &region &&
         isElementwise(users.front()) && made &&
         made->getParentRegion() == &region &&
         !made->isBeforeInBlock(users.front());
}

/// Where `result` of `branch` goes: where the enclosing block wants it, else
/// over a tile that dies in both branches, unless one of the results before it,
/// which went to `taken`, is there; else into a new buffer.
Value KernelLowering::branchBuffer(scf::IfOp branch, OpResult result,
                                   ArrayRef<Value> taken) {
  auto type = cast<TileType>(result.getType());
  auto overwritten = [&](Value tile) {
    auto it = places.find(tile);
    auto other = dyn_cast<TileType>(tile.getType());
    return other && other.getRank() == 2 && other.getRows() == type.getRows() &&
           other.getCols() == type.getCols() && it != places.end() &&
           it->second.kind == Place::Lanes &&
           !llvm::is_contained(taken, it->second.buffer) &&
           tile.getParentBlock() == branch->getBlock() &&
           isDeadAfter(tile, branch) &&
           llvm::all_of(branch->getRegions(), [&](Region &region) {
             return canOverwrite(tile, region, result.getResultNumber());
           });
  };
  if (type.getRank() == 2 && !wanted.contains(result)) {
    llvm::SetVector<Value> read;
    getUsedValuesDefinedAbove(branch->getRegions(), read);
    for (Value tile : read)
      if (overwritten(tile))
        return places[tile].buffer;
  }
  return outputBuffer(result, branch);
}

LogicalResult KernelLowering::lowerFor(scf::ForOp loop) {
  if (packingLoops.contains(loop))
    return lowerPacking(loop);
  if (!hasTileResult(loop))
    return lowerBlock(*loop.getBody(), {});
  if (stripLoops.contains(loop))
    return lowerStrips(loop);
  bool isOfStrip = keyLoops.contains(loop);
  bool hasStrips = !isOfStrip && splitIntoStrips(loop);
  // Carried tiles live in buffers that every iteration updates: in those of
  // the strip around the loop, or in new ones.
  SmallVector<Value> inits, destinations;
  for (auto [init, argument, result] : llvm::zip(
           loop.getInitArgs(), loop.getRegionIterArgs(), loop.getResults())) {
    if (!isa<TileType>(init.getType())) {
      inits.push_back(init);
      continue;
    }
    const Place place = places[init];
    Value buffer =
        isOfStrip ? place.buffer : newBuffer(cast<TileType>(init.getType()));
    if (isOfStrip) {
      places[argument] = place;
    } else if (place.kind == Place::Splat && hasStrips) {
      startsOfStrips[buffer] = place.scalar;
    } else if (place.kind == Place::Splat) {
      fillBuffer(place.scalar, buffer);
    } else {
      FailureOr<Value> source = lanesBuffer(init);
      if (failed(source))
        return failure();
      copyBuffer(*source, buffer);
    }
    destinations.push_back(buffer);
    places[argument].buffer = buffer;
    places[result].buffer = buffer;
    carriedIn[buffer] = argument;
  }
  if (hasStrips)
    startWithoutKeys(loop, destinations);
  bool waits = isOfStrip && findPendingProduct(loop);
  Operation *yield = loop.getBody()->getTerminator();
  if (waits) {
    auto yielded = llvm::find(yield->getOperands(), pending.dot.getResult());
    pending.buffer = destinations[yielded - yield->getOperands().begin()];
    inits.push_back(index(0));
    pending.first =
        loop.getBody()->addArgument(b.getIndexType(), loop.getLoc());
  }
  if (failed(lowerBlock(*loop.getBody(), destinations)))
    return failure();
  if (waits) {
    yield->insertOperands(yield->getNumOperands(), pending.first);
    pending = {};
  }
  dropTiles(loop, inits);
  return success();
}

/// Replaces a lowered loop by one that carries `inits`, without tiles.
void KernelLowering::dropTiles(scf::ForOp loop, ArrayRef<Value> inits) {
  b.setInsertionPoint(loop);
  auto lowered = scf::ForOp::create(
      b, loop.getLowerBound(), loop.getUpperBound(), loop.getStep(), inits);
  Block *body = loop.getBody();
  lowered.getBody()->erase();
  // Tile arguments stay until their users are erased.
  SmallVector<BlockArgument> tileArguments;
  for (BlockArgument argument : body->getArguments())
    if (isa<TileType>(argument.getType()))
      tileArguments.push_back(argument);
  lowered.getRegion().getBlocks().splice(lowered.getRegion().end(),
                                         loop.getRegion().getBlocks());
  unsigned next = 0;
  for (Value result : loop.getResults())
    if (!isa<TileType>(result.getType()))
      result.replaceAllUsesWith(lowered.getResult(next++));
  toErase.push_back(loop);
  for (BlockArgument argument : tileArguments)
    deadArguments.push_back(argument);
  // The old loop needs a body until it is erased.
  OpBuilder empty(loop.getContext());
  empty.createBlock(&loop.getRegion(), {}, TypeRange{empty.getIndexType()},
                    {loop.getLoc()});
  scf::YieldOp::create(empty, loop.getLoc());
}

LogicalResult KernelLowering::lowerIf(scf::IfOp branch,
                                      ArrayRef<Value> destinations) {
  // The branch that scales sums tells for which tiles weights still wait.
  bool scalesSums = pending.branch && branch == pending.branch;
  const Value first = pending.first;
  for (Region &region : branch->getRegions())
    for (Block &block : region) {
      pending.first = first;
      if (failed(lowerBlock(block, destinations)))
        return failure();
      if (scalesSums)
        block.getTerminator()->insertOperands(
            block.getTerminator()->getNumOperands(), pending.first);
    }
  if (destinations.empty())
    return success();
  b.setInsertionPoint(branch);
  SmallVector<Type> kept;
  for (Type type : branch.getResultTypes())
    if (!isa<TileType>(type))
      kept.push_back(type);
  if (scalesSums)
    kept.push_back(first.getType());
  auto lowered = scf::IfOp::create(b, kept, branch.getCondition(),
                                   /*withElseRegion=*/true);
  for (auto [from, to] :
       llvm::zip(branch->getRegions(), lowered->getRegions())) {
    to.getBlocks().clear();
    to.getBlocks().splice(to.end(), from.getBlocks());
  }
  unsigned next = 0;
  for (Value result : branch.getResults())
    if (!isa<TileType>(result.getType()))
      result.replaceAllUsesWith(lowered.getResult(next++));
  if (scalesSums)
    pending.first = lowered.getResults().back();
  toErase.push_back(branch);
  return success();
}

/// Vectors are not read where the last dimension has another stride than 1.
void KernelLowering::remarkOnStrides() {
  auto isStrided = [](TileType tile, Value memory) {
    return tile.getRank() == 2 && tile.getCols() > 1 &&
           cast<MemRefType>(memory.getType())
                   .getStridesAndOffset()
                   .first.back() != 1;
  };
  WalkResult found = kernel.walk([&](Operation *op) {
    auto load = dyn_cast<LoadOp>(op);
    auto store = dyn_cast<StoreOp>(op);
    bool strided =
        load ? isStrided(load.getType(), load.getSource())
             : store && isStrided(store.getTile().getType(), store.getDest());
    return strided ? WalkResult::interrupt() : WalkResult::advance();
  });
  if (found.wasInterrupted())
    kernel.emitRemark("slower path: memory that is not contiguous in its last "
                      "dimension is moved element by element (rule 1)");
}

/// Columns lie on the lanes if no tile has more than a vector of rows, but for
/// right operands of products, or if products are computed in tile registers.
/// Tiles have whole vectors of what lies on lanes.
LogicalResult KernelLowering::chooseLanes() {
  int64_t most = 0;
  auto forEachTile =
      [&](function_ref<LogicalResult(Operation *, TileType)> body) {
        return failure(kernel
                           .walk([&](Operation *op) {
                             for (Value result : op->getResults()) {
                               auto tile = dyn_cast<TileType>(result.getType());
                               bool isRight =
                                   isa<LoadOp>(op) && isRightOperand(result);
                               if (tile && !isRight && failed(body(op, tile)))
                                 return WalkResult::interrupt();
                             }
                             return WalkResult::advance();
                           })
                           .wasInterrupted());
      };
  (void)forEachTile([&](Operation *, TileType tile) {
    most = std::max(most, tile.getRows());
    return success();
  });
  usesTileRegisters =
      regs.tileRegisters && most > regs.lanes && fitsTileRegisters(kernel);
  lanes = most <= regs.lanes || usesTileRegisters ? LaneDim::Columns
                                                  : LaneDim::Rows;
  auto needVectors = [&](Operation *op, int64_t size, StringRef what) {
    if (size % regs.lanes == 0)
      return success();
    op->emitOpError("has ")
        << size << " " << what << "; tile-to-cpu needs a multiple of the "
        << regs.lanes
        << " lanes of a vector (next: " << llvm::alignTo(size, regs.lanes)
        << ")";
    return failure();
  };
  return forEachTile([&](Operation *op, TileType tile) {
    if (lanes == LaneDim::Rows)
      return needVectors(op, tile.getRows(), "rows");
    if (auto reduce = dyn_cast<ReduceOp>(op))
      return needVectors(op, reduce.getInput().getType().getCols(), "columns");
    return success();
  });
}

/// If all stores take the same number of valid rows, what is in other rows is
/// never seen: ops on tiles keep rows apart, but for the right operand of a
/// product.
void KernelLowering::findLiveRows() {
  if (lanes == LaneDim::Rows)
    return;
  bool isKnown = true;
  kernel.walk([&](Operation *op) {
    if (auto store = dyn_cast<StoreOp>(op)) {
      Value rows = store.getValid()[0];
      isKnown &= !liveRows || liveRows == rows;
      liveRows = rows;
    }
    if (auto dot = dyn_cast<DotOp>(op))
      isKnown &= isa_and_nonnull<LoadOp>(dot.getB().getDefiningOp());
  });
  if (!isKnown)
    liveRows = nullptr;
}

LogicalResult KernelLowering::run() {
  if (failed(chooseLanes()))
    return failure();
  findLiveRows();
  // Buffers, and what they hold before the first point, come before it.
  b.setInsertionPointToStart(&kernel.getBody().front());
  Operation *body = index(0).getDefiningOp();
  approximateWeights();
  joinBranchesOfKeys();
  sinkProducts();
  findPrologues();
  findMasks();
  remarkOnStrides();
  if (failed(lowerBlock(kernel.getBody().front(), {})))
    return failure();
  for (Operation *op : llvm::reverse(toErase)) {
    op->dropAllUses();
    op->erase();
  }
  for (BlockArgument argument : deadArguments)
    argument.getOwner()->eraseArgument(argument.getArgNumber());
  if (packsOnce)
    takeRangeOfPoints(body);
  return success();
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

bool attn::multipliesBF16Pairs(TargetAttr target) {
  return target.hasFeature("avx512bf16") && target.getVectorBits() == 512 &&
         target.isFast(Fast::BF16Pairs);
}

/// Bytes of the buffers that one call of `kernel` keeps on its stack.
static int64_t bufferBytes(func::FuncOp kernel) {
  int64_t bytes = 0;
  kernel.walk([&](memref::AllocaOp alloc) {
    MemRefType type = alloc.getType();
    bytes +=
        llvm::alignTo(type.getNumElements() *
                          llvm::divideCeil(type.getElementTypeBitWidth(), 8),
                      64);
  });
  return bytes;
}

/// A call a point, or a range of points, with the extents of the grid behind
/// the arguments.
static LaunchInfoAttr describeLaunch(func::FuncOp kernel) {
  Builder b(kernel.getContext());
  SmallVector<Attribute> parameters;
  for (BlockArgument operand : KernelArguments(kernel).operands)
    parameters.push_back(
        b.getAttr<OperandAttr>(operand.getArgNumber(), /*multiple=*/1));
  for (unsigned dim = 0; dim < kGridRank; ++dim)
    parameters.push_back(b.getAttr<ExtentAttr>(dim, b.getI64Type()));
  return b.getAttr<LaunchInfoAttr>(
      b.getArrayAttr(parameters), GridOrder::Points, /*threads=*/0,
      /*shared=*/0, bufferBytes(kernel) + attn::kCPUFrameBytes,
      /*cluster=*/DenseI64ArrayAttr());
}

namespace {
struct TileToCPU : attn::impl::TileToCPUBase<TileToCPU> {
  using Base::Base;

  void runOnOperation() override {
    func::FuncOp kernel = getOperation();
    if (!isTileKernel(kernel))
      return;
    auto target = TargetAttr::require(kernel, getArgument());
    if (failed(target) || failed(verifyLaunchable(kernel, getArgument())))
      return signalPassFailure();
    if (!target->getVectorBits()) {
      kernel.emitError(getArgument())
          << ": the target " << target->getName() << " has no vectors";
      return signalPassFailure();
    }
    int64_t registers = target->getVectorRegisters();
    // With 32 registers 6 x 4 accumulators, 4 vectors of rows and a broadcast;
    // with 16 registers 6 x 2, 2 and 1; with fewer 4 x 2, 2, 1 and a product.
    RegisterBlock block;
    block.lanes = target->getVectorBits() / 32;
    block.accumulators = registers >= 32 ? 24 : registers >= 16 ? 12 : 8;
    block.vectors = registers >= 32 ? 4 : 2;
    block.packedBytes = target->getL2Bytes() / 4;
    block.l1Bytes = target->getL1Bytes();
    block.bf16Pairs = multipliesBF16Pairs(*target);
    block.tileRegisters = target->has(MatrixUnits::Amx);
    block.permutesBytes = target->hasFeature("avx512vbmi");
    KernelLowering lowering(kernel, block);
    if (failed(lowering.run()))
      return signalPassFailure();
    ++numKernels;
    numInPlace += lowering.inPlace;
    numCopied += lowering.copied;
    numGroups += lowering.groups;
    kernel->setAttr(LaunchInfoAttr::attributeName, describeLaunch(kernel));
  }
};
} // namespace
