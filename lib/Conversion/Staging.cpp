//===- Staging.cpp - Tiles in workgroup memory ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From where a tile is made to its last use it has a place of its own.
//
//===----------------------------------------------------------------------===//

#include "Staging.h"
#include "Pieces.h"
#include "attn/Dialect/Tile/AttributeNames.h"
#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Interfaces/LoopLikeInterface.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace mlir;
using namespace attn;
using namespace attn::tile;

bool attn::isStoredTo(Value memory) {
  while (auto view = memory.getDefiningOp<ViewLikeOpInterface>())
    memory = view.getViewSource();
  SmallVector<Value> views{memory};
  while (!views.empty())
    for (OpOperand &use : views.pop_back_val().getUses()) {
      auto store = dyn_cast<StoreOp>(use.getOwner());
      if (store && &use == &store.getDestMutable())
        return true;
      if (auto view = dyn_cast<ViewLikeOpInterface>(use.getOwner()))
        llvm::append_range(views, view->getResults());
    }
  return false;
}

bool attn::beginsAtVectors(ArrayRef<OpFoldResult> strides,
                           OpFoldResult column) {
  auto isMultiple = [](OpFoldResult number) {
    std::optional<int64_t> known = getConstantIntValue(number);
    return known && *known % kVectorElements == 0;
  };
  return isConstantIntValue(strides.back(), 1) && isMultiple(column) &&
         llvm::all_of(strides.drop_back(), [&](OpFoldResult stride) {
           return isMultiple(stride) ||
                  isa_and_nonnull<BlockArgument>(dyn_cast<Value>(stride));
         });
}

Type attn::getStoredType(TileType tile, TargetAttr target) {
  Type element = tile.getElementType();
  auto shared = dyn_cast_or_null<SharedAttr>(tile.getLayout());
  if (!shared || !target || readsPieces(target) || tile.getRank() != 2 ||
      shared.getColumnMajor() || shared.getSwizzle() ||
      shared.getPadding() % kVectorElements || !shared.getPadding() ||
      tile.getCols() % kVectorElements || !(element.isF32() || element.isF16()))
    return element;
  return VectorType::get({kVectorElements}, element);
}

int64_t attn::getBufferElements(int64_t numElements, Type type,
                                bool areOpaque) {
  if (!areOpaque)
    return numElements;
  int64_t bytes = attn::getNumBytes(type);
  return llvm::alignTo(numElements * bytes, kPieceBytes) / bytes;
}

int64_t attn::getStripColumns(Operation *kernel) {
  // A lane has so many registers beside all others.
  int64_t cols = 64;
  kernel->walk(
      [&](DotOp dot) { cols = std::gcd(cols, dot.getType().getCols()); });
  return cols;
}

StagedTile StagedTile::of(TileType tile, TargetAttr target, int64_t begin,
                          int64_t end) {
  auto shared = dyn_cast<SharedAttr>(tile.getLayout());
  int64_t size = shared ? shared.getNumElements(tile.getRows(), tile.getCols())
                        : tile.getRows() * tile.getCols();
  Type stored = getStoredType(tile, target);
  if (isa<VectorType>(stored))
    size /= kVectorElements;
  return {stored, size, begin, end};
}

int64_t StagedTile::getNumBytes() const {
  return numElements * attn::getNumBytes(storedType);
}

/// The tile that `op` has in workgroup memory, or null.
static TileType getStagedTile(Operation *op) {
  if (op->getNumResults() != 1 || op->hasAttr(tile::kInMemoryAttrName))
    return {};
  auto type = dyn_cast<TileType>(op->getResult(0).getType());
  auto relayout = dyn_cast<RelayoutOp>(op);
  bool isStaged = type && (isa_and_nonnull<SharedAttr>(type.getLayout()) ||
                           (relayout && relayout.getCost().bytes));
  return isStaged ? type : TileType();
}

/// In program order; a tile from outside of a loop is read again by the next
/// iteration.
static SmallVector<StagedTile> findStaged(Operation *kernel,
                                          TargetAttr target) {
  DenseMap<Operation *, std::pair<int64_t, int64_t>> numbers;
  int64_t next = 0;
  kernel->walk([&](Operation *op, const WalkStage &stage) {
    if (stage.isBeforeAllRegions())
      numbers[op].first = next++;
    if (stage.isAfterAllRegions())
      numbers[op].second = next++;
  });
  SmallVector<StagedTile> all;
  kernel->walk<WalkOrder::PreOrder>([&](Operation *op) {
    TileType type = getStagedTile(op);
    if (!type)
      return;
    StagedTile staged =
        StagedTile::of(type, target, numbers[op].first, numbers[op].second);
    staged.op = op;
    if (isa<SharedAttr>(type.getLayout()))
      for (Operation *user : op->getUsers()) {
        Operation *last = user;
        for (Operation *up = user; up->getBlock() != op->getBlock();) {
          up = up->getParentOp();
          if (isa<LoopLikeOpInterface>(up))
            last = up;
        }
        staged.end = std::max(staged.end, numbers[last].second);
      }
    all.push_back(staged);
  });
  return all;
}

/// The first place in a buffer where `staged` overlaps nothing that is needed
/// at the same time. Rows begin at multiples of 16 bytes if theirs do.
static int64_t findGap(ArrayRef<std::pair<const StagedTile *, int64_t>> placed,
                       const StagedTile &staged) {
  SmallVector<std::pair<int64_t, int64_t>> taken;
  for (auto [other, first] : placed)
    if (other->end > staged.begin && staged.end > other->begin)
      taken.push_back({first, first + other->numElements});
  llvm::sort(taken);
  int64_t first = 0;
  for (auto [begin, end] : taken) {
    if (begin - first >= staged.numElements)
      break;
    first = std::max<int64_t>(
        first, llvm::alignTo(
                   end, std::max<int64_t>(
                            kPieceBytes / getNumBytes(staged.storedType), 1)));
  }
  return first;
}

StagedBuffers::StagedBuffers(Operation *kernel, TargetAttr target)
    : StagedBuffers(findStaged(kernel, target)) {}

StagedBuffers::StagedBuffers(ArrayRef<StagedTile> tiles) {
  llvm::MapVector<Type, SmallVector<std::pair<const StagedTile *, int64_t>>>
      placed;
  const StagedTile *largestStaged = nullptr;
  for (const StagedTile &staged : tiles) {
    // Program order; the first gap between what lives at the same time.
    auto &neighbours = placed[staged.storedType];
    int64_t first = findGap(neighbours, staged);
    neighbours.push_back({&staged, first});
    Buffer &buffer = buffers[staged.storedType];
    buffer.places.push_back({staged.op, first});
    buffer.numElements =
        std::max(buffer.numElements, first + staged.numElements);
    if (!largestStaged || staged.getNumBytes() > largestStaged->getNumBytes())
      largestStaged = &staged;
  }
  largest = largestStaged ? largestStaged->op : nullptr;
}

int64_t StagedBuffers::getNumBytes(TargetAttr target) const {
  int64_t bytes = 0;
  for (const auto &[type, buffer] : buffers)
    bytes +=
        getBufferElements(buffer.numElements, type, hasOpaqueMatrices(target)) *
        getStoredBytes(type, target);
  return bytes;
}
