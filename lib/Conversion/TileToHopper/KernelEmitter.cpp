//===- KernelEmitter.cpp - One warp-specialised Hopper kernel -------------===//
//
// Parameters, barriers and the order of query tiles; the roles are in
// Producer.cpp and Consumer.cpp.
//
//===----------------------------------------------------------------------===//

#include "KernelEmitter.h"

#include "LaunchInfo.h"

using namespace mlir;

namespace attn::hopper {

void KernelEmitter::createParameters() {
  func::FuncOp source = plan.kernel;
  unsigned numArguments = source.getNumArguments() - 6;
  SmallVector<Parameter> parameters;
  for (Type type : source.getArgumentTypes().take_front(numArguments)) {
    if (isa<MemRefType>(type))
      type = emit.pointerType(1);
    else if (type.isIndex())
      type = emit.getI64Type();
    parameters.push_back({type});
  }
  for (unsigned dim = 0; dim < 3; ++dim)
    parameters.push_back({emit.getI32Type()});
  size_t numMaps = 3 + plan.tmaStores.size();
  for (size_t map = 0; map < numMaps; ++map)
    parameters.push_back({emit.pointerType(0), /*tensorMap=*/true});
  if (plan.schedule.persistent)
    parameters.push_back({emit.pointerType(1)});

  Values values;
  Operation *kernel =
      emit.createKernel(source.getName(), parameters, plan.threads(), values);
  kernel->setAttr(launchAttrName, getLaunchInfo(plan));

  for (unsigned number = 0; number < numArguments; ++number) {
    Value value = values[number];
    if (source.getArgument(number).getType().isIndex())
      value = emit.toI32(value);
    arguments.bind(source.getArgument(number), value);
  }
  ArrayRef<Value> rest = ArrayRef(values).drop_front(numArguments);
  for (unsigned dim = 0; dim < 3; ++dim) {
    extents[dim] = rest[dim];
    arguments.bind(plan.grid(dim), extents[dim]);
  }
  tiles = emit.mul(emit.mul(extents[0], extents[1]), extents[2]);
  queryMap = rest[3];
  keyMap = rest[4];
  valueMap = rest[5];
  for (auto [number, store] : llvm::enumerate(plan.tmaStores))
    storeMaps[store] = rest[6 + number];
  if (plan.schedule.persistent)
    counter = rest.back();
}

void KernelEmitter::initBarriers() {
  const SharedMemory &memory = plan.memory;
  emit.onlyIf(emit.equal(thread, 0), [&] {
    for (const Ring *ring : {&memory.query, &memory.key, &memory.value})
      for (int64_t stage = 0; stage < ring->stages; ++stage) {
        emit.barrierInit(address(ring->barriers + 16 * stage), 1);
        emit.barrierInit(address(ring->barriers + 16 * stage + 8),
                         plan.consumerWarps());
      }
    emit.barrierInit(address(memory.zeroing), 1);
    emit.barrierInit(address(memory.scheduler + 8), 1);
    emit.barrierInit(address(memory.scheduler + 16), plan.consumerWarps());
    emit.barrierInitFence();
    emit.fenceAsyncShared();
  });
  emit.syncThreads();
}

void KernelEmitter::run() {
  constexpr StringRef sharedName = "attn_shared";
  emit.createSharedMemory(sharedName);
  createParameters();
  base = emit.sharedBase(sharedName);
  thread = emit.threadId();
  warp = emit.broadcastLane0(emit.shiftRight(thread, 5));
  lane = emit.bitAnd(thread, 31);
  initBarriers();

  Block *producer = emit.createBlock();
  Block *consumer = emit.createBlock();
  Block *exit = emit.createBlock();
  emit.branchIf(emit.equal(emit.shiftRight(warp, 2), 0), producer, {}, consumer,
                {});
  emit.enter(producer);
  emitProducer(*this, exit);
  emit.enter(consumer);
  emitConsumer(*this, exit);
  emit.enter(exit);
  emit.exit();
}

KernelEmitter::Slot KernelEmitter::getSlot(const Ring &ring, Value count) {
  Value stages = emit.i32(ring.stages);
  Value index = emit.remainder(count, stages);
  Value parity = emit.bitAnd(emit.divide(count, stages), 1);
  Value full = emit.add(address(ring.barriers), emit.shiftLeft(index, 4));
  return {full, emit.add(full, 8), parity, index};
}

void KernelEmitter::bindPoint(Value tile, Scope &scope) {
  Value problem, query; // which head of the batch, which query tile
  if (plan.schedule.longestFirst && plan.unevenWork) {
    // The tile form numbers query tiles so that ascending is longest first.
    // Heads go in groups whose keys and values stay in the L2 cache.
    Value group = emit.i32(plan.schedule.headGroup);
    Value problems = emit.mul(extents[0], extents[1]);
    Value section = emit.mul(extents[2], group);
    Value number = emit.divide(tile, section);
    Value rest = emit.sub(tile, emit.mul(number, section));
    Value first = emit.mul(number, group);
    Value heads = emit.smaller(group, emit.sub(problems, first));
    Value step = emit.divide(rest, heads);
    problem = emit.add(first, emit.sub(rest, emit.mul(step, heads)));
    query = step;
  } else {
    problem = emit.divide(tile, extents[2]);
    query = emit.sub(tile, emit.mul(problem, extents[2]));
  }
  Value batch = emit.divide(problem, extents[1]);
  scope.bind(plan.point(0), batch);
  scope.bind(plan.point(1), emit.sub(problem, emit.mul(batch, extents[1])));
  scope.bind(plan.point(2), query);
}

void KernelEmitter::emitTopLevel(Scope &scope) {
  for (Operation &op : plan.kernel.getOps())
    scope.emitScalar(&op);
  plan.loop.walk([&](tile::MapOp map) {
    for (Operation &op : map.getBody().front().without_terminator())
      if (isScalarOp(&op) && !isa<arith::ConstantOp>(op) &&
          llvm::all_of(op.getOperands(), [&](Value operand) {
            return scope.find(operand) || getView(operand) ||
                   matchPattern(operand, m_Constant());
          }))
        scope.emitScalar(&op);
  });
}

KeyTile KernelEmitter::bindPosition(Value position, Scope &scope) {
  scf::ForOp loop = plan.loop;
  scope.bind(loop.getInductionVar(), position);
  KeyTile found;
  if (tile::RangeAtOp rangeAt = plan.rangeAt) {
    found =
        emitRangeAt(emit, rangeAt.getRanges().getDefiningOp<tile::RangesOp>(),
                    position, scope);
    scope.bind(rangeAt.getTile(), found.tile);
    scope.bind(rangeAt.getFull(), found.full);
  }
  for (Operation &op : *loop.getBody())
    scope.emitScalar(&op);
  return found;
}

Value KernelEmitter::advance(Value position, Value end, Scope &scope) {
  tile::RangeAtOp rangeAt = plan.rangeAt;
  if (!rangeAt ||
      rangeAt.getRanges().getDefiningOp<tile::RangesOp>().getWhere().empty())
    return position;
  Type i32 = emit.getI32Type();
  Block *test = emit.createBlock(i32);
  Block *ask = emit.createBlock();
  Block *found = emit.createBlock(i32);
  Value candidate = test->getArgument(0);
  emit.branch(test, position);
  emit.enter(test);
  emit.branchIf(emit.less(candidate, end), ask, {}, found, candidate);
  emit.enter(ask);
  Scope inner(emit, &scope);
  KeyTile tile =
      emitRangeAt(emit, rangeAt.getRanges().getDefiningOp<tile::RangesOp>(),
                  candidate, inner);
  emit.branchIf(tile.visit, found, candidate, test, emit.add(candidate, 1));
  emit.enter(found);
  return found->getArgument(0);
}

} // namespace attn::hopper
