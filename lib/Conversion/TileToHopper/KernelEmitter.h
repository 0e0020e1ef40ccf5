//===- KernelEmitter.h - One warp-specialised Hopper kernel -----*- C++ -*-===//
//
// What the producer and the consumer warpgroups share: parameters, shared
// memory, rings of buffers, the order of query tiles.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_TILETOHOPPER_KERNELEMITTER_H
#define LIB_CONVERSION_TILETOHOPPER_KERNELEMITTER_H

#include "Plan.h"

#include "../TensorCore/KernelFrame.h"

namespace attn::hopper {

class KernelEmitter : public KernelFrame {
public:
  KernelEmitter(Emitter &emit, Plan &plan)
      : KernelFrame(emit, plan), plan(plan) {}

  /// Emits the kernel at the insertion point.
  void run();

private:
  friend class Producer;
  friend class Consumer;

  struct Slot {
    Value full, empty; // addresses of the barriers
    Value parity;      // of the barriers' current phase
    Value index;       // of the buffer
  };
  /// The buffer of a ring that its `count`-th tile uses.
  Slot getSlot(const Ring &ring, Value count);
  void bindPoint(Value tile, Scope &scope) {
    KernelFrame::bindPoint(tile, plan.schedule, scope);
  }

  void createParameters();
  void initBarriers();

  Plan &plan;

  llvm::DenseMap<const SharedTile *, Value> loadMaps; // of tiles by TMA
  Value counter;
  llvm::DenseMap<Operation *, Value> storeMaps;
};

/// Emits the producer; starts and ends in its own blocks.
void emitProducer(KernelEmitter &kernel, Block *exit);
/// Emits the consumer warpgroups.
void emitConsumer(KernelEmitter &kernel, Block *exit);

} // namespace attn::hopper

#endif // LIB_CONVERSION_TILETOHOPPER_KERNELEMITTER_H
