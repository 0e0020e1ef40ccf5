//===- SharedRows.cpp - Tiles whose rows lanes share ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See SharedRows.h.
//
//===----------------------------------------------------------------------===//

#include "SharedRows.h"
#include "Staging.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace attn;
using namespace attn::tile;

int64_t attn::getUsualThreads(TargetAttr target) {
  constexpr int64_t fewThreads = 256;
  return std::min(target.getThreads(), fewThreads);
}

int64_t attn::getSharingLanes(TargetAttr target) {
  return exchangesInMemory(target) ? kLanesInMemory : target.getSubgroup();
}

OptionRange attn::getThreadsRange(TargetAttr target, int64_t threads) {
  int64_t lanes = getSharingLanes(target);
  return {"threads", threads, lanes, std::max(target.getThreads(), lanes)};
}

RowThreads attn::chooseRowThreads(TargetAttr target, int64_t rows,
                                  int64_t mostThreads) {
  if (!mostThreads)
    mostThreads = getUsualThreads(target);
  // Without few rows in registers, a workgroup is large enough to read them.
  constexpr int64_t mostRowsOfThread = 4, fewRowThreads = 8;
  int64_t rowsOfThread =
      readsPieces(target)
          ? mostRowsOfThread
          : std::clamp<int64_t>(rows / fewRowThreads, 1, mostRowsOfThread);
  constexpr int64_t mostLanesOfRow = 8;
  int64_t lanes = getSharingLanes(target);
  int64_t lanesOfRow = std::min(lanes, mostLanesOfRow);
  int64_t rowThreads = llvm::bit_ceil<uint64_t>(
      llvm::divideCeil(rows, lanes == 1 ? 1 : rowsOfThread));
  rowThreads =
      std::min(rowThreads, std::max<int64_t>(mostThreads / lanesOfRow, 1));
  int64_t threads = rowThreads * lanesOfRow;
  if (threads < lanes)
    return {lanes, lanes / rowThreads, 1};
  return {lanes, lanesOfRow, threads / lanes};
}

/// Elements between the rows of a tile: one more bank of 4 bytes, so that equal
/// columns of consecutive rows lie in different banks.
static int64_t getBankGap(Type element) {
  constexpr int64_t bankBytes = 4;
  return std::max<int64_t>(
      bankBytes / llvm::divideCeil(element.getIntOrFloatBitWidth(), 8), 1);
}

static SharedAttr makeLayout(TileType tile, int64_t padding, int64_t folds) {
  return SharedAttr::get(tile.getContext(), /*column_major=*/false, padding,
                         /*swizzle=*/DenseI64ArrayAttr(), folds);
}

SharedAttr attn::getSharedLayout(TileType tile) {
  return makeLayout(tile, getBankGap(tile.getElementType()), /*folds=*/1);
}

SharedAttr attn::getVectorLayout(TileType tile) {
  return makeLayout(tile, kVectorElements, /*folds=*/1);
}

SharedAttr attn::getFoldedLayout(TileType tile) {
  return makeLayout(tile, kVectorElements, /*folds=*/kVectorElements);
}

static bool isFloat(TileType tile) {
  return tile.getElementType().isF32() || tile.getElementType().isF16();
}

bool attn::hasVectors(TileType factor, TargetAttr target) {
  return !readsPieces(target) && factor.getRank() == 2 && isFloat(factor) &&
         factor.getCols() % kVectorElements == 0;
}

bool attn::computesVectors(TileType product, const RowThreads &threads) {
  return product.getCols() % (kVectorElements * threads.lanesOfRow) == 0;
}

/// On an H100 f16 with heads of 128 takes 26.6 TFLOP/s with them, 24.6 without.
bool attn::isFoldable(TileType factor, TargetAttr target,
                      const RowThreads &threads) {
  return !isImitated(target) && isFloat(factor) &&
         llvm::isPowerOf2_64(factor.getCols()) &&
         factor.getCols() >= kVectorElements * threads.lanesOfRow;
}
