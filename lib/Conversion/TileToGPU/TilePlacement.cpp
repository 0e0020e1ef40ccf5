//===- TilePlacement.cpp - Where a workgroup keeps its tiles --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operands of products that threads exchange are staged in workgroup memory,
// everything else stays with the threads. Staged tiles that are not live at
// once share memory; a load that does not fit is read from memory instead.
//
//===----------------------------------------------------------------------===//

#include "TilePlacement.h"
#include "../TileKernels.h"

#include "mlir/Interfaces/LoopLikeInterface.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace attn;
using namespace attn::tile;

static int64_t getNumElements(Value tile) {
  auto type = cast<TileType>(tile.getType());
  return type.getRows() * type.getCols();
}

RowLayout TilePlacement::getRowLayout(int64_t rows) const {
  RowLayout layout;
  layout.lanes =
      rows >= numThreads ? 1 : llvm::bit_floor<uint64_t>(numThreads / rows);
  // Every row has all of its lanes.
  while (numThreads % layout.lanes != 0)
    layout.lanes /= 2;
  layout.rowsAtOnce = numThreads / layout.lanes;
  layout.passes = llvm::divideCeil(rows, layout.rowsAtOnce);
  return layout;
}

bool TilePlacement::readsOwnRow(DotOp dot) const {
  int64_t rows = dot.getA().getType().getRows();
  return !dot.getTransposeA() && getRowLayout(rows).lanes == 1 &&
         fragments.contains(dot.getA());
}

std::optional<unsigned> TilePlacement::getBuffer(Value tile) const {
  auto it = bufferOf.find(tile);
  if (it == bufferOf.end())
    return std::nullopt;
  return it->second;
}

/// True if threads other than the owner of a row read the operand.
static bool isExchanged(OpOperand &use, const TilePlacement &placement) {
  auto dot = dyn_cast<DotOp>(use.getOwner());
  if (!dot || use.getOperandNumber() > 1)
    return false;
  if (use.getOperandNumber() == 1 || dot.getTransposeA())
    return true;
  return placement.getRowLayout(dot.getA().getType().getRows()).lanes != 1;
}

/// True if a product reads every element of the load once: sharing it in
/// workgroup memory would only add a round trip.
static bool isReadOnce(OpOperand &use) {
  auto dot = cast<DotOp>(use.getOwner());
  return use.get().getDefiningOp<LoadOp>() && use.getOperandNumber() == 1 &&
         dot.getType().getRows() == 1;
}

void TilePlacement::findFragments(func::FuncOp kernel) {
  forEachTile(kernel, [&](Value tile) {
    bool onlyExchanged = llvm::all_of(tile.getUses(), [&](OpOperand &use) {
      return isExchanged(use, *this);
    });
    if (!tile.getDefiningOp<LoadOp>() || !onlyExchanged)
      fragments.insert(tile);
  });
}

SmallVector<TilePlacement::Staged>
TilePlacement::findStaged(func::FuncOp kernel) const {
  // Number the ops in program order; a loop ends after all that it holds.
  DenseMap<Operation *, std::pair<int64_t, int64_t>> numbers;
  int64_t next = 0;
  std::function<void(Operation *)> number = [&](Operation *op) {
    int64_t begin = next++;
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (Operation &nested : block)
          number(&nested);
    numbers[op] = {begin, next++};
  };
  number(kernel);

  SmallVector<Staged> staged;
  forEachTile(kernel, [&](Value tile) {
    Operation *definition = tile.getDefiningOp();
    Staged entry{tile,
                 definition ? numbers[definition].second
                            : numbers[&tile.getParentBlock()->front()].first,
                 -1};
    for (OpOperand &use : tile.getUses()) {
      if (!isExchanged(use, *this) || isReadOnce(use))
        continue;
      // A tile from outside of a loop is read again by the next iteration.
      Operation *last = use.getOwner();
      for (Operation *op = last;
           op->getParentRegion() != tile.getParentRegion();) {
        op = op->getParentOp();
        if (isa<LoopLikeOpInterface>(op))
          last = op;
      }
      entry.end = std::max(entry.end, numbers[last].second);
    }
    if (entry.end >= 0)
      staged.push_back(entry);
  });
  return staged;
}

int64_t TilePlacement::getBytes(Type elementType, int64_t numElements) const {
  int64_t bytes = llvm::divideCeil(elementType.getIntOrFloatBitWidth(), 8);
  if (lacksSmall && !elementType.isF16())
    bytes = std::max<int64_t>(bytes, sizeof(int32_t));
  return std::max(bytes, elementBytes) * numElements;
}

/// First fit in program order; returns the bytes of all buffers.
int64_t TilePlacement::assignBuffers(ArrayRef<Staged> staged) {
  buffers.clear();
  bufferOf.clear();
  SmallVector<int64_t> liveUntil;
  for (const Staged &entry : staged) {
    Type type = cast<TileType>(entry.tile.getType()).getElementType();
    unsigned k = 0;
    while (k < buffers.size() &&
           (buffers[k].elementType != type || liveUntil[k] > entry.begin))
      ++k;
    if (k == buffers.size()) {
      buffers.push_back({type, 0, entry.tile});
      liveUntil.push_back(0);
    }
    buffers[k].numElements =
        std::max(buffers[k].numElements, getNumElements(entry.tile));
    liveUntil[k] = entry.end;
    bufferOf[entry.tile] = k;
  }
  int64_t bytes = 0;
  for (const WorkgroupBuffer &buffer : buffers)
    bytes += getBytes(buffer.elementType, buffer.numElements);
  return bytes;
}

FailureOr<TilePlacement> TilePlacement::compute(func::FuncOp kernel,
                                                const Limits &limits) {
  TilePlacement placement;
  placement.elementBytes = limits.elementBytes;
  placement.lacksSmall = limits.lacksSmall;
  int64_t rows = 1, cols = 1;
  forEachTile(kernel, [&](Value tile) {
    auto type = cast<TileType>(tile.getType());
    if (tile.getDefiningOp<LoadOp>())
      return;
    rows = std::max(rows, type.getRows());
    if (type.getRank() == 2)
      cols = std::max(cols, type.getCols());
  });
  // One thread a row; a lone row is shared by a few warps.
  constexpr int64_t kWarp = 32, kRowThreads = 128;
  int64_t wanted =
      rows == 1 ? std::min<int64_t>(llvm::bit_ceil<uint64_t>(cols), kRowThreads)
                : rows;
  placement.numThreads =
      limits.threads
          ? limits.threads
          : std::min<int64_t>(llvm::alignTo(wanted, kWarp), limits.maxThreads);
  placement.findFragments(kernel);

  SmallVector<Staged> staged = placement.findStaged(kernel);
  int64_t exchangeBytes = 0;
  kernel.walk([&](ReduceOp reduce) {
    TileType type = reduce.getInput().getType();
    if (placement.getRowLayout(type.getRows()).lanes > 1)
      exchangeBytes =
          std::max(exchangeBytes, placement.getBytes(type.getElementType(),
                                                     placement.numThreads));
  });

  // While the tiles do not fit, the largest load is read from memory for each
  // product instead of staged.
  int64_t bytes = placement.assignBuffers(staged) + exchangeBytes;
  while (bytes > limits.workgroupBytes) {
    Staged *largest = nullptr;
    for (Staged &entry : staged)
      if (entry.tile.getDefiningOp<LoadOp>() &&
          (!largest ||
           getNumElements(entry.tile) > getNumElements(largest->tile)))
        largest = &entry;
    if (!largest) {
      auto widest =
          llvm::max_element(staged, [](const Staged &a, const Staged &b) {
            return getNumElements(a.tile) < getNumElements(b.tile);
          });
      return refuseMemory(kernel, bytes, " for products of computed tiles",
                          limits.workgroupBytes, widest->tile);
    }
    largest->tile.getDefiningOp()->emitRemark("does not fit into ")
        << limits.workgroupBytes << " bytes of workgroup memory next to the "
        << "other tiles (" << bytes
        << " bytes): it is read from memory for each product, which is slower";
    staged.erase(largest);
    bytes = placement.assignBuffers(staged) + exchangeBytes;
  }
  return placement;
}
