//===- KernelEmitter.h - One warp-specialised Hopper kernel -----*- C++ -*-===//
//
// What the producer warp and the consumer warpgroups share: parameters, shared
// memory, rings of buffers, the order of query tiles.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_TILETOHOPPER_KERNELEMITTER_H
#define LIB_CONVERSION_TILETOHOPPER_KERNELEMITTER_H

#include "Emitter.h"
#include "Plan.h"
#include "ScalarEmitter.h"

namespace attn::hopper {

class KernelEmitter {
public:
  KernelEmitter(Emitter &emit, Plan &plan) : emit(emit), plan(plan) {}

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
  Value address(int64_t offset) { return emit.add(base, offset); }

  /// Binds the point of the grid that number `tile` stands for.
  void bindPoint(Value tile, Scope &scope);
  /// Emits all scalars of the kernel's top level, and what maps of the loop
  /// compute or read that is the same for all elements and key tiles.
  void emitTopLevel(Scope &scope);
  /// Moves to a block whose argument is the first position from `position` on
  /// that the loop must visit, or its end.
  Value advance(Value position, Value end, Scope &scope);
  /// Binds what the loop body knows of a position.
  KeyTile bindPosition(Value position, Scope &scope);

  void createParameters();
  void initBarriers();

  Emitter &emit;
  Plan &plan;

  Scope arguments{emit, nullptr};
  Value extents[3];
  Value tiles; // product of the extents
  Value queryMap, keyMap, valueMap, counter;
  llvm::DenseMap<Operation *, Value> storeMaps;
  Value base;               // shared memory
  Value thread, warp, lane; // in the block; lane in the warp
};

/// Emits the producer warp; starts and ends in its own blocks.
void emitProducer(KernelEmitter &kernel, Block *exit);
/// Emits the consumer warpgroups.
void emitConsumer(KernelEmitter &kernel, Block *exit);

} // namespace attn::hopper

#endif // LIB_CONVERSION_TILETOHOPPER_KERNELEMITTER_H
