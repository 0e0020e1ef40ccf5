//===- KernelEmitter.cpp - One warp-specialised Hopper kernel -------------===//
//
// Parameters and barriers; the roles are in Producer.cpp and Consumer.cpp.
//
//===----------------------------------------------------------------------===//

#include "KernelEmitter.h"

#include "../TensorCore/LaunchInfo.h"

using namespace mlir;

namespace attn::hopper {

void KernelEmitter::createParameters() {
  LaunchInfo info(plan);
  for (SharedTile *tile : {&plan.query, &plan.key, &plan.value})
    info.addTensorMap(*getView(tile->load.getSource()), tile->type().getRows());
  for (tile::StoreOp store : plan.tmaStores)
    info.addTensorMap(*getView(store.getDest()), groupRows);
  size_t numMaps = 3 + plan.tmaStores.size();
  SmallVector<Parameter> parameters(numMaps,
                                    {emit.pointerType(0), /*tensorMap=*/true});
  if (plan.schedule.persistent) {
    info.addCounter();
    parameters.push_back({emit.pointerType(1)});
  }
  Values values = createKernel(
      parameters, plan.threads(),
      info.get(plan.threads(), plan.memory.bytes, plan.schedule.persistent));
  queryMap = values[0];
  keyMap = values[1];
  valueMap = values[2];
  for (auto [number, store] : llvm::enumerate(plan.tmaStores))
    storeMaps[store] = values[3 + number];
  if (plan.schedule.persistent)
    counter = values.back();
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

} // namespace attn::hopper
