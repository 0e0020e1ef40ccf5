//===- Tile.cpp - attn-tile: attention as a grid of tiles -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attn.attention on memrefs becomes standard attention on tiles: a grid over
// (batch, head, query tile) with a loop that computes and stores the scores
// and a loop that consumes them. The form is described in docs/tile-form.md;
// its parts are in Tiling/: addresses, scores, loops, row states, merges.
//
//===----------------------------------------------------------------------===//

#include "Tiling/Addresses.h"
#include "Tiling/KeyLoops.h"
#include "Tiling/Merge.h"
#include "Tiling/Results.h"

#include "attn/Dialect/Attn/Attn.h"
#include "attn/Dialect/Attn/ScheduleLimits.h"
#include "attn/Dialect/Tile/AttributeNames.h"
#include "attn/Dialect/Tile/Tile.h"
#include "attn/Transforms/MaskEmission.h"
#include "attn/Transforms/PassOptions.h"
#include "attn/Transforms/Passes.h"
#include "attn/Transforms/ScheduleChoices.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/DebugLog.h"
#include "llvm/Support/MathExtras.h"

#define DEBUG_TYPE "attn-tile"

namespace attn {
#define GEN_PASS_DEF_TILEATTENTION
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;
using namespace attn::tiling;
using tile::TileType;

namespace {

/// How one op is tiled: options of the pass, what the target is good at, and
/// the op's schedule.
struct TilingChoices {
  int64_t tileM, tileN, headMultiple, rowMultiple;
  /// Blocks finish so many columns of a row, or 0.
  int64_t sharedColumns;
  /// Loads end with the keys that rows attend.
  bool keyEnds;
  bool divide, explain;
};

/// Tiles one attention op.
class AttentionTiler {
public:
  AttentionTiler(AttentionOp op, const TilingChoices &choices)
      : op(op), b(op.getLoc(), op), ib{b}, choices(choices),
        tileM(choices.tileM), tileN(choices.tileN) {
    // A short, static Sq does not need a whole tile of rows.
    if (int64_t length = op.getQueryLength(); !ShapedType::isDynamic(length))
      tileM =
          std::min<int64_t>(tileM, llvm::alignTo(std::max<int64_t>(length, 1),
                                                 choices.rowMultiple));
    if (auto schedule = ScheduleAttr::of(op)) {
      if (schedule.getTileM())
        tileM = schedule.getTileM();
      if (schedule.getTileN())
        tileN = schedule.getTileN();
      workers = schedule.getWorkers();
    }
  }

  LogicalResult run();

  /// What was found, for statistics.
  bool packsHeads() const { return addresses->packsHeads; }
  bool knowsMaskExactly() const { return mask->isExact(); }

private:
  LogicalResult checkForm();
  void checkPacking();
  void estimate();
  LogicalResult analyseMask();
  Value allocateScores();
  void buildSummaries(Value numTiles);
  MaskSymbols symbolsOf(const Worker &w);
  /// The grid: workers finish their rows or, if keys may be split, store what
  /// is known of them for a second grid.
  void buildGrid(Value numTiles, Value scoreMemory);
  void explain(scf::ForallOp grid);
  void explainDivision(scf::ForallOp grid);

  std::string describeMask() const;

  AttentionOp op;
  ImplicitLocOpBuilder b;
  IndexBuilder ib;
  const TilingChoices choices;
  int64_t tileM, tileN;
  int64_t workers = 0; ///< blocks that splitting keys makes work for, 0: none

  std::optional<Addresses> addresses;
  std::optional<Scores> scores;
  std::optional<MaskAnalysis> mask;
  SmallVector<Value> temporaries, ///< buffers that are freed at the end
      summaries;
};

} // namespace

LogicalResult AttentionTiler::checkForm() {
  if (op.hasSugar())
    return op.emitOpError("still has sugar; run attn-expand-sugar first");
  if (!op.getResults().empty())
    return op.emitOpError("is on tensors; bufferize it first");
  return success();
}

LogicalResult AttentionTiler::run() {
  if (failed(checkForm()) || failed(analyseMask()))
    return failure();
  // Without keys, there are none to split.
  if (mask->isEmpty())
    workers = 0;
  Addresses &a =
      addresses.emplace(op, b, workers != 0 && !op.maskDependsOnHead());
  checkPacking();
  estimate();
  scores.emplace(op, b, a);
  Value scoreMemory;
  if (!mask->isEmpty()) {
    scoreMemory = allocateScores();
    temporaries.push_back(scoreMemory);
  }

  // All rows of a group of packed heads are one tile, or none.
  Value numTiles = a.packsHeads ? ib.min(a.one, a.queryLength)
                                : ib.ceilDiv(a.queryLength, tileM);
  buildSummaries(numTiles);
  buildGrid(numTiles, scoreMemory);
  b.setInsertionPoint(op);
  // A summary that is computed where it is asked for has no memory.
  llvm::copy_if(summaries, std::back_inserter(temporaries),
                [](Value summary) { return bool(summary); });
  for (Value temporary : temporaries)
    memref::DeallocOp::create(b, temporary);
  op.erase();
  return success();
}

/// Packed heads are one tile, however many rows they have together.
void AttentionTiler::checkPacking() {
  if (!addresses->packsHeads)
    return;
  Value rows = addresses->rows;
  Value fits = b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::sle, rows,
                                             ib.constant(tileM));
  if (matchPattern(fits, m_One()))
    return;
  tile::CheckOp::create(
      b, fits,
      "schedule: the rows of the packed heads are more than a tile has",
      b.getStrArrayAttr({"rows", "tile_m"}),
      ValueRange{rows, ib.constant(tileM)});
}

void AttentionTiler::estimate() {
  Addresses &a = *addresses;
  auto product = [&](ArrayRef<Value> factors) {
    Value result = factors[0];
    for (Value factor : factors.drop_front())
      result = ib.mul(result, factor);
    return result;
  };
  // Packed sequences: the squares of their lengths are not known here, and one
  // sequence is the upper bound.
  Value elements =
      op.isRagged() ? product({a.heads, a.queryLength, a.keyLength})
                    : product({a.batch, a.heads, a.queryLength, a.keyLength});
  int64_t sizes = op.getQkHeadSize() + op.getValueHeadSize();
  tile::EstimateOp::create(b, ib.mul(elements, 2 * sizes), ib.mul(elements, 4));
}

/// Whole key tiles, so that what lies past kv_len reads back as the -inf that
/// was stored.
Value AttentionTiler::allocateScores() {
  Addresses &a = *addresses;
  Value paddedKeys = ib.mul(ib.ceilDiv(a.keyLength, tileN), tileN);
  SmallVector<OpFoldResult> sizes = a.getScoreSizes();
  sizes.push_back(getAsOpFoldResult(paddedKeys));
  return allocateF32(b, sizes);
}

LogicalResult AttentionTiler::analyseMask() {
  FailureOr<MaskAnalysis> computed = MaskAnalysis::compute(op, tileM, tileN);
  if (failed(computed))
    return failure();
  mask.emplace(std::move(*computed));
  LDBG() << describeMask();
  return success();
}

void AttentionTiler::buildSummaries(Value numTiles) {
  Addresses &a = *addresses;
  MaskGrid grid;
  grid.numBatches = a.batch;
  grid.numHeads = a.heads;
  grid.queryTiles = numTiles;
  grid.keyTiles = ib.ceilDiv(a.keyLength, tileN);
  auto symbolsAt = [&](OpBuilder &builder, Value batchIndex, Value headIndex) {
    OpBuilder::InsertionGuard guard(b);
    b.restoreInsertionPoint(builder.saveInsertionPoint());
    MaskSymbols symbols = symbolsOf(
        a.workerOf(batchIndex, headIndex, /*queryTile=*/a.zero, tileM));
    builder.restoreInsertionPoint(b.saveInsertionPoint());
    return symbols;
  };
  grid.symbolsOf = symbolsAt;
  summaries = buildMaskSummaries(*mask, b, b.getLoc(), grid);
}

MaskSymbols AttentionTiler::symbolsOf(const Worker &w) {
  MaskSymbols symbols;
  symbols.batch = w.batch;
  symbols.head = w.head;
  symbols.outerTile = w.queryTile;
  symbols.queryLength = w.queryLength;
  symbols.keyLength = w.keyLength;
  symbols.queryOffset = w.queryOffset;
  symbols.captures.assign(op.getCaptures().begin(), op.getCaptures().end());
  symbols.summaries = summaries;
  return symbols;
}

//===----------------------------------------------------------------------===//
// Grids
//===----------------------------------------------------------------------===//

void AttentionTiler::buildGrid(Value numTiles, Value scoreMemory) {
  Addresses &a = *addresses;
  Results results{op, b, a, choices.divide};
  RowState memory;
  if (workers) {
    memory = results.allocateStates();
    temporaries.append({memory.max, memory.sum, memory.acc});
  }
  SmallVector<OpFoldResult> grid = {getAsOpFoldResult(a.batch),
                                    getAsOpFoldResult(a.groups),
                                    getAsOpFoldResult(numTiles)};
  auto forall = scf::ForallOp::create(b, grid, ValueRange{}, std::nullopt);
  if (workers)
    forall->setAttr(tile::kWorkersAttrName, b.getI64IntegerAttr(workers));
  // The kernel's lowering reads the rest.
  if (auto schedule = ScheduleAttr::of(op);
      schedule && schedule.hasKernelChoices())
    forall->setAttr(ScheduleAttr::attributeName, schedule);
  if (choices.explain)
    explain(forall);
  b.setInsertionPointToStart(forall.getBody());
  SmallVector<Value> point(forall.getInductionVars());
  // The long rows of a causal mask come first, so that short ones fill the end.
  Value last = ib.sub(numTiles, a.one);
  Worker w = a.workerOf(point[0], point[1], ib.sub(last, point[2]), tileM);
  if (op.isRagged()) {
    // The grid covers the longest sequence there can be; most end before that.
    Value inside = arith::CmpIOp::create(b, arith::CmpIPredicate::slt,
                                         w.firstRow, w.queryLength);
    auto guard = scf::IfOp::create(b, inside);
    b.setInsertionPointToStart(guard.thenBlock());
  }
  KeyLoops loops{op,          b,
                 a,           *scores,
                 *mask,       choices.keyEnds && mask->hasMask(),
                 scoreMemory, tileM,
                 tileN,       choices.headMultiple};
  RowState state = loops.build(w, symbolsOf(w));
  if (!workers)
    return results.store(w, state);
  results.storeState(w, state, memory);
  b.setInsertionPointAfter(forall);
  results.buildRowGrid(memory, choices.sharedColumns, choices.rowMultiple,
                       choices.headMultiple);
}

/// The key tiles in closed form, and what is chosen here.
void AttentionTiler::explain(scf::ForallOp grid) {
  grid->setAttr(kMaskTilesAttrName, b.getStringAttr(describeMask()));
  explainDivision(grid);
  auto target = tile::TargetAttr::lookup(op);
  if (mask->hasMask() && target && target.getVectorBits())
    addChoices(grid, explainChoice(op, "key_ends", &ScheduleAttr::getKeyEnds,
                                   choices.keyEnds
                                       ? "tiles end with the keys that their "
                                         "rows attend"
                                       : "tiles are loaded whole",
                                   choices.keyEnds
                                       ? "vectors compute products of the keys "
                                         "that are loaded, and no others"
                                       : "an option of the pass says so"));
  if (workers && choices.sharedColumns)
    addChoices(
        grid, explainChoice(op, "share_columns", &ScheduleAttr::getShareColumns,
                            "parts of a row are added up by blocks of " +
                                Twine(choices.sharedColumns) + " columns",
                            "rows are few, and a lane adds up a column"));
}

void AttentionTiler::explainDivision(scf::ForallOp grid) {
  // Other types are rounded anyway.
  if (!getElementTypeOrSelf(op.getOutput()).isF32())
    return;
  addChoices(grid, explainChoice(
                       op, "divide", &ScheduleAttr::getDivide,
                       choices.divide
                           ? "o is divided by the sum of its row"
                           : "o is multiplied by the inverse of its row's sum",
                       choices.divide
                           ? "that is one rounding less, and a division is "
                             "cheap"
                           : "a division an element is dear"));
}

std::string AttentionTiler::describeMask() const {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "query tiles of " << tileM << ", key tiles of " << tileN << "\n";
  mask->print(os);
  return text;
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

namespace {
struct TileAttention : attn::impl::TileAttentionBase<TileAttention> {
  using Base::Base;

  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<tile::TileDialect, arith::ArithDialect, math::MathDialect,
                    memref::MemRefDialect, scf::SCFDialect>();
  }

  void runOnOperation() override {
    if (failed(checkOptions(*this, getOperation(),
                            {{"tile-m", tileM, 1, kLargestTile},
                             {"tile-n", tileN, 1, kLargestTile},
                             {"head-multiple", headMultiple, 1, kLargestTile},
                             {"row-multiple", rowMultiple, 0, kLargestTile}})))
      return signalPassFailure();
    auto target = tile::TargetAttr::lookup(getOperation());
    if (!target && (!rowMultiple || shareColumns)) {
      // Says what is missing.
      (void)tile::TargetAttr::require(getOperation(), getArgument());
      return signalPassFailure();
    }
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (isa<AttentionOp, MergeOp>(op))
        ops.push_back(op);
    });
    for (Operation *op : ops) {
      if (auto merge = dyn_cast<MergeOp>(op)) {
        if (failed(tileMerge(merge, tileM)))
          return signalPassFailure();
        continue;
      }
      AttentionTiler tiler(cast<AttentionOp>(op), choose(op, target));
      if (failed(tiler.run()))
        return signalPassFailure();
      ++numTiled;
      numPacked += tiler.packsHeads();
      ++(tiler.knowsMaskExactly() ? numExact : numBounded);
    }
  }

private:
  TilingChoices choose(Operation *op, tile::TargetAttr target) {
    TilingChoices choices{tileM, tileN, headMultiple, rowMultiple,
                          0,     false, divide,       explain};
    if (!rowMultiple)
      choices.rowMultiple = std::max<int64_t>(1, target.getVectorBits() / 32);
    constexpr int64_t fewest = 8;
    if (target && target.getSubgroup() >= fewest &&
        decideScheduled(shareColumns, op, &ScheduleAttr::getShareColumns))
      choices.sharedColumns = target.getSubgroup();
    // Vectors compute products of the keys that are loaded, and no others.
    if (target && target.getVectorBits())
      choices.keyEnds = decideScheduled(keyEnds, op, &ScheduleAttr::getKeyEnds);
    choices.divide = decideScheduled(divide, op, &ScheduleAttr::getDivide);
    return choices;
  }
};
} // namespace
