//===- HopperEmitter.cpp - One warp-specialised Hopper kernel -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parameters and barriers; the roles are in Producer.cpp and Consumer.cpp.
//
//===----------------------------------------------------------------------===//

#include "HopperEmitter.h"

#include "../TensorCore/LaunchInfo.h"

using namespace mlir;

namespace attn::hopper {

void HopperEmitter::createParameters() {
  LaunchInfo info(layout);
  SmallVector<Parameter> parameters;
  auto addTensorMap = [&](Value memref, int64_t rows) {
    info.addTensorMap(*getView(memref), rows);
    parameters.push_back({emit.pointerType(0), /*tensorMap=*/true});
  };
  for (SharedTile *tile : layout.sharedTiles())
    if (layout.isGathered(*tile))
      info.requireUnit(*getView(tile->load.getSource()), tile->unit);
    else
      addTensorMap(tile->load.getSource(), tile->type().getRows());
  for (tile::StoreOp store : layout.kernel.getOps<tile::StoreOp>()) {
    if (llvm::is_contained(layout.tmaStores, store))
      addTensorMap(store.getDest(), groupRows);
    else
      info.requireStore(store);
  }
  if (layout.fetchesTiles()) {
    info.addCounter();
    parameters.push_back({emit.pointerType(1)});
  }
  Values values = createKernel(parameters, layout.threads(), /*blocks=*/1,
                               info.get(layout.threads(), layout.memory.bytes,
                                        layout.schedule.persistent
                                            ? tile::GridOrder::Persistent
                                            : tile::GridOrder::Flat),
                               layout.describe());
  ArrayRef<Value> maps = values;
  auto takeMap = [&] {
    Value map = maps.front();
    maps = maps.drop_front();
    return map;
  };
  for (SharedTile *tile : layout.sharedTiles())
    if (!layout.isGathered(*tile))
      loadMaps[tile] = takeMap();
  for (tile::StoreOp store : layout.tmaStores)
    storeMaps[store] = takeMap();
  if (layout.fetchesTiles())
    counter = values.back();
}

void HopperEmitter::initBarriers() {
  const SharedMemory &memory = layout.memory;
  emit.onlyIf(emit.equal(thread, 0), [&] {
    for (auto [ring, tile] :
         llvm::zip_equal(layout.memory.rings(), layout.sharedTiles()))
      for (int64_t stage = 0; stage < ring->stages; ++stage) {
        emit.barrierInit(address(ring->barriers + 16 * stage),
                         layout.isGathered(*tile) ? layout.producerWarps() : 1);
        emit.barrierInit(address(ring->barriers + 16 * stage + 8),
                         layout.consumerWarps());
      }
    emit.barrierInit(address(memory.zeroing), 1);
    emit.barrierInit(address(memory.scheduler + 8), 1);
    // All warps but the one that fetches say that they have read the tile.
    emit.barrierInit(address(memory.scheduler + 16),
                     layout.consumerWarps() + layout.producerWarps() - 1);
    emit.barrierInitFence();
    emit.fenceAsyncShared();
    for (SharedTile *tile : layout.sharedTiles())
      if (!layout.isGathered(*tile))
        emit.tensorMapPrefetch(loadMaps[tile]);
  });
  emit.syncThreads();
}

void HopperEmitter::run() {
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

HopperEmitter::Slot HopperEmitter::getSlot(const Ring &ring, Value count) {
  Value stages = emit.i32(ring.stages);
  Value index = emit.remainder(count, stages);
  Value parity = emit.bitAnd(emit.divide(count, stages), 1);
  Value full = emit.add(address(ring.barriers), emit.shiftLeft(index, 4));
  return {full, emit.add(full, 8), parity, index};
}

} // namespace attn::hopper
