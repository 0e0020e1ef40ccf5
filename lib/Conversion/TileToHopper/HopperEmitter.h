//===- HopperEmitter.h - One warp-specialised Hopper kernel -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the producer and the consumer warpgroups share: parameters, shared
// memory, rings of buffers, the order of query tiles.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_TILETOHOPPER_HOPPEREMITTER_H
#define LIB_CONVERSION_TILETOHOPPER_HOPPEREMITTER_H

#include "HopperLayout.h"

#include "../TensorCore/KernelFrame.h"

namespace attn::hopper {

class HopperEmitter : public KernelFrame {
public:
  HopperEmitter(Emitter &emit, HopperLayout &layout)
      : KernelFrame(emit, layout), layout(layout) {}

  /// Emits the kernel at the insertion point.
  void run();

private:
  friend class Producer;
  friend class Consumer;
  friend class Lookahead;

  struct Slot {
    Value full, empty; // addresses of the barriers
    Value parity;      // of the barriers' current phase
    Value index;       // of the buffer
  };
  /// The buffer of a ring that its `count`-th tile uses.
  Slot getSlot(const Ring &ring, Value count);
  void bindPoint(Value tile, Scope &scope) {
    KernelFrame::bindPoint(tile, layout.schedule, scope);
  }

  // How the producer tells consumers which key tile comes next. Without a
  // predicate they need not be told: a key tile goes by its position. With one,
  // only the producer evaluates it, and a key tile goes by twice its position,
  // plus one if it is full; what is negative is none. The first one comes with
  // the query tile, each other one with the key tile before it.

  /// The word that comes with the tile in buffer `index`.
  Value following(const Ring &ring, Value index) {
    return emit.add(address(ring.words), emit.shiftLeft(index, 2));
  }
  Value isKeyTile(Value name, Value end) {
    return layout.hasPredicate() ? emit.less(emit.i32(-1), name)
                                 : emit.less(name, end);
  }
  KeyTile bindKeyTile(Value name, Scope &scope) {
    if (!layout.hasPredicate())
      return bindPosition(name, scope);
    return bindPosition(emit.shiftRight(name, 1), scope,
                        emit.equal(emit.bitAnd(name, 1), 1));
  }

  void createParameters();
  void initBarriers();

  HopperLayout &layout;

  llvm::DenseMap<const SharedTile *, Value> loadMaps; // of tiles by TMA
  Value counter;
  llvm::DenseMap<Operation *, Value> storeMaps;
};

/// Emits the producer; starts and ends in its own blocks.
void emitProducer(HopperEmitter &kernel, Block *exit);
/// Emits the consumer warpgroups.
void emitConsumer(HopperEmitter &kernel, Block *exit);

} // namespace attn::hopper

#endif // LIB_CONVERSION_TILETOHOPPER_HOPPEREMITTER_H
