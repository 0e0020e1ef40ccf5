//===- MaskAnalysis.cpp - Which key tiles a query tile visits -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Projects the mask region and its complement on tiles, then looks for ranges
// in closed form that say the same and proves that they do.
//
//===----------------------------------------------------------------------===//

#include "MaskRegion.h"

#include "attn/Analysis/MaskTiles.h"

using namespace mlir;
using namespace attn;
using namespace attn::mask;

/// More ranges than this cost a query tile more than they save.
static constexpr size_t kMaxRanges = 4;

/// Proofs about pairs of pieces are attempted up to this many.
static constexpr size_t kMaxProvedPieces = 12;

/// A predicate with more compares than this is not built.
static constexpr size_t kMaxPredicateRows = 768;

/// Nor is a condition on keys with more.
static constexpr size_t kMaxKeyRows = 64;

struct attn::MaskAnalysis::Impl : MaskTiles {
  Impl(AttentionOp op, int64_t tileM, int64_t tileN, MaskAxis axis,
       bool summarisesNested = false);

  /// The keys that some row of the problem or of a query tile attends, as
  /// `attended` for key tiles of one key; no pieces if that may be every key.
  enum class Keys { OfProblem, OfTile };
  Impl(AttentionOp op, Keys which, int64_t tileM);

  AttentionOp op;
  System system;
  MaskRegion region;
  std::unique_ptr<Impl> keys, keysOfTile;
  /// A limit was met: on cases, eliminations or compares.
  bool isCoarse = false;

private:
  std::vector<Piece> findPieces(const Disjunction &disjunction, bool excluded);
  void findInterval(Piece &piece, const Conjunct &conjunct,
                    ArrayRef<Row> given);
  void absorb(std::vector<Piece> &pieces, ArrayRef<Row> given);
  /// True if a program can compute all conditions in 64 bits.
  bool fitsSixtyFourBits() const;
  void noteConditions();
  void findPredicates();
  void findTileTests();
  bool findRanges();
  bool findCuts(TileRange &range);
  bool touch(const Piece &x, const Piece &y);
  bool beginsBefore(const Piece &x, const Piece &y);
  void note(StringRef text);
};

MaskAnalysis::MaskAnalysis(std::unique_ptr<Impl> impl)
    : impl(std::move(impl)) {}
MaskAnalysis::MaskAnalysis(MaskAnalysis &&) = default;
MaskAnalysis &MaskAnalysis::operator=(MaskAnalysis &&) = default;
MaskAnalysis::~MaskAnalysis() = default;

FailureOr<MaskAnalysis> MaskAnalysis::compute(AttentionOp op, int64_t tileM,
                                              int64_t tileN, MaskAxis axis) {
  if (op.hasSugar())
    return op.emitOpError("mask analysis needs attn-expand-sugar first");
  if (tileM < 1 || tileN < 1)
    return op.emitOpError("mask analysis needs positive tile sizes, not ")
           << tileM << " and " << tileN;
  auto impl = std::make_unique<Impl>(op, tileM, tileN, axis);
  // Where eliminations fail, extremes over tiles say more.
  if (impl->isCoarse) {
    auto summarised = std::make_unique<Impl>(op, tileM, tileN, axis,
                                             /*summarisesNested=*/true);
    if (!summarised->isCoarse) {
      summarised->reason = impl->reason;
      impl = std::move(summarised);
    }
  }
  return MaskAnalysis(std::move(impl));
}

AttentionOp MaskAnalysis::getOp() const { return impl->op; }
const MaskTiles &MaskAnalysis::getTiles() const { return *impl; }
const MaskTiles &MaskAnalysis::getAttendedKeys() const { return *impl->keys; }
const MaskTiles &MaskAnalysis::getAttendedKeysOfTile() const {
  if (!impl->keysOfTile)
    impl->keysOfTile =
        std::make_unique<Impl>(impl->op, Impl::Keys::OfTile, impl->tileM);
  return *impl->keysOfTile;
}

bool MaskAnalysis::hasUnattendedKeys() const {
  return !impl->keys->attended.empty();
}
bool MaskAnalysis::hasMask() const {
  return !impl->excludedKnown || !impl->excluded.empty() ||
         impl->isConditional();
}
bool MaskAnalysis::isEmpty() const {
  return impl->ranges.empty() && !impl->isConditional();
}
bool MaskAnalysis::isExact() const { return impl->exact; }
bool MaskAnalysis::needsPredicate() const {
  return impl->visitPredicate || impl->fullPredicate ||
         !impl->tileTests.empty();
}
unsigned MaskAnalysis::getNumSummaries() const {
  return impl->summaries.size();
}

void MaskAnalysis::Impl::note(StringRef text) {
  if (reason.empty())
    reason = text;
}

MaskAnalysis::Impl::Impl(AttentionOp op, int64_t tileM, int64_t tileN,
                         MaskAxis axis, bool summarisesNested)
    : MaskTiles{axis, tileM, tileN, &system}, op(op), system(axis),
      region(system, op, tileM, tileN, /*allRows=*/false, summarisesNested),
      keys(std::make_unique<Impl>(op, Keys::OfProblem, /*tileM=*/1)) {
  queryLength = region.getQueryLength();
  keyLength = region.getKeyLength();
  // The tiles of the domain: M * t < q_len and N * c < kv_len.
  auto first = [this](unsigned tile, int64_t size) {
    return system.scale(System::variable(tile), size);
  };
  Row pastTile = system.offset(first(system.keyTile, tileN), tileN);
  belowKeyLength = system.subtract(keyLength, pastTile);
  system.assume(system.offset(
      system.subtract(queryLength, first(system.queryTile, tileM)), -1));
  system.assume(system.offset(
      system.subtract(keyLength, first(system.keyTile, tileN)), -1));
  // One key tile for all query tiles: if no size is open, it is whole or not.
  if (!enumeratesKeys() &&
      system.isContradictory({{system.negate(belowKeyLength)}}))
    belowKeyLength = {};

  if (std::optional<Disjunction> disjunction = region.translate(true)) {
    attended = findPieces(*disjunction, false);
  } else {
    attended = findPieces(Disjunction(1), false);
    exact = false;
    isCoarse = true;
    note("the mask region has too many cases");
  }
  if (std::optional<Disjunction> disjunction = region.translate(false)) {
    excluded = findPieces(*disjunction, true);
  } else {
    excludedKnown = exact = false;
    isCoarse = true;
    note("the mask region has too many cases");
  }
  if (!fitsSixtyFourBits()) {
    // A bound that 64 bits do not hold: visit everything.
    attended.assign(1, Piece());
    attended[0].closed = true;
    excluded.clear();
    excludedKnown = exact = false;
    note("a coefficient does not fit 64 bits");
  }

  noteConditions();
  findPredicates();
  findTileTests();
}

void MaskAnalysis::Impl::noteConditions() {
  needsOrdinaryLengths = region.getNeedsOrdinaryLengths();
  limited.assign(region.getLimited().begin(), region.getLimited().end());
  summaries.assign(region.getSummaries().begin(), region.getSummaries().end());
}

/// The mask is false where one of its factors is.
void MaskAnalysis::Impl::findTileTests() {
  if (!op.hasMaskRegion())
    return;
  SmallVector<Value> factors{
      op.getMask().front().getTerminator()->getOperand(0)};
  while (!factors.empty()) {
    Operation *factor = factors.pop_back_val().getDefiningOp();
    if (auto both = dyn_cast_if_present<arith::AndIOp>(factor))
      factors.append({both.getLhs(), both.getRhs()});
    else if (auto hole = dyn_cast_if_present<HoleOp>(factor))
      if (hole.getTileTest())
        tileTests.push_back(hole);
  }
}

/// Looks for closed forms; what has none is a predicate.
void MaskAnalysis::Impl::findPredicates() {
  if (!findRanges()) {
    visitPredicate = true;
    ranges.clear();
    TileRange hull;
    if (attended.size() <= kMaxProvedPieces)
      llvm::append_range(hull.pieces, llvm::seq<unsigned>(attended.size()));
    ranges.push_back(hull);
  }
  if (excludedKnown &&
      (visitPredicate || !llvm::all_of(ranges, [this](TileRange &range) {
         return findCuts(range);
       }))) {
    fullPredicate = true;
    for (TileRange &range : ranges)
      range.cuts.clear();
  }
  if (noneIsFull())
    fullPredicate = false;
  size_t compares = 0;
  for (const Piece &piece : attended)
    compares += visitPredicate ? piece.rows.size() : 0;
  for (const Piece &piece : excluded)
    compares += fullPredicate ? piece.rows.size() : 0;
  if (compares > kMaxPredicateRows) {
    visitPredicate = fullPredicate = excludedKnown = exact = false;
    isCoarse = true;
    reason =
        "the predicate would have " + std::to_string(compares) + " compares";
  }
}

MaskAnalysis::Impl::Impl(AttentionOp op, Keys which, int64_t tileM)
    : MaskTiles{MaskAxis::Keys, tileM, /*tileN=*/1, &system}, op(op),
      system(MaskAxis::Keys),
      region(system, op, tileM, tileN, /*allRows=*/which == Keys::OfProblem) {
  queryLength = region.getQueryLength();
  keyLength = region.getKeyLength();
  Row left = queryLength;
  if (which == Keys::OfTile)
    left = system.subtract(
        left, system.scale(System::variable(system.queryTile), tileM));
  system.assume(system.offset(left, -1));
  system.assume(system.offset(
      system.subtract(keyLength, System::variable(system.keyTile)), -1));
  std::optional<Disjunction> disjunction = region.translate(true);
  if (!disjunction)
    return;
  attended = findPieces(*disjunction, /*excluded=*/false);
  size_t compares = 0;
  for (const Piece &piece : attended)
    compares += piece.rows.size();
  bool isEvery = llvm::any_of(
      attended, [](const Piece &piece) { return piece.rows.empty(); });
  if (!fitsSixtyFourBits() || isEvery || compares > kMaxKeyRows)
    attended.clear();
  noteConditions();
}

bool MaskAnalysis::Impl::fitsSixtyFourBits() const {
  auto fits = [this](const Piece &piece) {
    for (const RowList *rows :
         {&piece.rows, &piece.guards, &piece.begins, &piece.ends})
      for (const Row &row : *rows)
        if (!system.isComputable(row))
          return false;
    return true;
  };
  return !system.overflowed() && llvm::all_of(attended, fits) &&
         llvm::all_of(excluded, fits);
}

//===----------------------------------------------------------------------===//
// Pieces
//===----------------------------------------------------------------------===//

std::vector<Piece>
MaskAnalysis::Impl::findPieces(const Disjunction &disjunction, bool excluded) {
  SmallVector<Row> given;
  if (excluded)
    given.push_back(belowKeyLength);
  Conjunct domain = region.tileDomain(excluded);
  std::vector<Piece> pieces;
  for (Conjunct conjunct : disjunction) {
    if (!region.bindOpaque(conjunct)) {
      exact = false;
      note("it reads captured tables");
    }
    system.conjoin(conjunct, domain);
    Projection projection = system.project(conjunct, /*closed=*/false);
    if (projection.contradictory)
      continue;
    if (!projection.exact) {
      exact = false;
      isCoarse = true;
      note("a projection is not exact on integers");
    }
    Piece piece;
    piece.rows = std::move(projection.rows);
    SmallVector<System::Fact> facts;
    for (const Row &row : piece.rows)
      facts.push_back({row});
    for (const Row &row : given)
      facts.push_back({row});
    if (system.isContradictory(facts))
      continue;
    system.removeRedundant(piece.rows, given);
    findInterval(piece, conjunct, given);
    pieces.push_back(std::move(piece));
  }
  absorb(pieces, given);
  return pieces;
}

/// Finds the interval of inner tiles around the piece, and whether it has
/// holes.
void MaskAnalysis::Impl::findInterval(Piece &piece, const Conjunct &conjunct,
                                      ArrayRef<Row> given) {
  auto dependsOnTileOtherwise = [this](const Row &row) {
    return system.hasInnerTerm(row);
  };
  piece.closed = llvm::none_of(piece.rows, dependsOnTileOtherwise);
  piece.hull = piece.rows;
  if (!piece.closed) {
    piece.hull = system.project(conjunct, /*closed=*/true).rows;
    llvm::erase_if(piece.hull, dependsOnTileOtherwise);
    system.removeRedundant(piece.hull, given);
    piece.closed = llvm::all_of(piece.rows, [&](const Row &row) {
      SmallVector<System::Fact> facts{{system.negate(row)}};
      for (const Row &bound : piece.hull)
        facts.push_back({bound});
      for (const Row &fact : given)
        facts.push_back({fact});
      return system.isContradictory(facts);
    });
    if (!piece.closed)
      note(llvm::any_of(
               piece.rows,
               [&](const Row &row) { return system.readsInnerSummary(row); })
               ? (enumeratesKeys() ? "a captured table is read by key"
                                   : "a captured table is read by row")
               : (enumeratesKeys()
                      ? "the key tiles of a query tile have gaps"
                      : "the query tiles of a key tile have gaps"));
  }
  for (const Row &row : piece.hull) {
    int64_t factor = system.coefficientOfInner(row);
    if (factor == 0) {
      piece.guards.push_back(row);
      continue;
    }
    Row rest = system.subtract(
        row, system.scale(System::variable(system.innerTile), factor));
    if (factor > 0)
      piece.begins.push_back(system.floorDiv(
          system.offset(system.scale(rest, -1), factor - 1), factor));
    else
      piece.ends.push_back(system.offset(system.floorDiv(rest, -factor), 1));
  }
}

/// Drops pieces that lie within another one.
void MaskAnalysis::Impl::absorb(std::vector<Piece> &pieces,
                                ArrayRef<Row> given) {
  auto universal = llvm::find_if(
      pieces, [](const Piece &piece) { return piece.rows.empty(); });
  if (universal != pieces.end())
    pieces = {Piece(*universal)};
  if (pieces.size() > kMaxProvedPieces)
    return;
  auto isWithin = [&](const Piece &inner, const Piece &outer) {
    return llvm::all_of(outer.rows, [&](const Row &row) {
      SmallVector<System::Fact> facts{{system.negate(row)}};
      for (const Row &other : inner.rows)
        facts.push_back({other});
      for (const Row &fact : given)
        facts.push_back({fact});
      return system.isContradictory(facts);
    });
  };
  for (unsigned number = 0; number < pieces.size();) {
    bool absorbed = false;
    for (unsigned other = 0; other < pieces.size() && !absorbed; ++other)
      absorbed = other != number && isWithin(pieces[number], pieces[other]);
    if (absorbed)
      pieces.erase(pieces.begin() + number);
    else
      ++number;
  }
}

//===----------------------------------------------------------------------===//
// Ranges
//===----------------------------------------------------------------------===//

static void require(SmallVectorImpl<System::Fact> &facts, const Piece &piece,
                    unsigned copy) {
  for (const Row &row : piece.hull)
    facts.push_back({row, copy});
}

/// True if no inner tile lies between x and y without being in either.
bool MaskAnalysis::Impl::touch(const Piece &x, const Piece &y) {
  auto noGap = [&](const Piece &before, const Piece &after) {
    for (const Row &upper : before.hull) {
      for (const Row &lower : after.hull) {
        if (system.coefficientOfInner(upper) >= 0 ||
            system.coefficientOfInner(lower) <= 0)
          continue;
        SmallVector<System::Fact> facts{{system.negate(upper), 0},
                                        {system.negate(lower), 0}};
        require(facts, before, 1);
        require(facts, after, 2);
        if (!system.isContradictory(facts))
          return false;
      }
    }
    return true;
  };
  return noGap(x, y) && noGap(y, x);
}

/// True if x begins no later than y wherever neither is empty.
bool MaskAnalysis::Impl::beginsBefore(const Piece &x, const Piece &y) {
  return llvm::all_of(x.hull, [&](const Row &row) {
    if (system.coefficientOfInner(row) <= 0)
      return true;
    SmallVector<System::Fact> facts{{system.negate(row), 0}};
    require(facts, y, 0);
    require(facts, x, 1);
    return system.isContradictory(facts);
  });
}

/// Groups the attended pieces in ranges and orders them. Fails if a piece has
/// gaps or the order differs between outer tiles.
bool MaskAnalysis::Impl::findRanges() {
  if (!llvm::all_of(attended, [](const Piece &piece) { return piece.closed; }))
    return false;
  if (attended.size() > kMaxProvedPieces) {
    note("the mask has too many parts");
    return false;
  }
  for (unsigned number = 0; number < attended.size(); ++number) {
    auto fits = [&](const TileRange &range) {
      return llvm::all_of(range.pieces, [&](unsigned other) {
        return touch(attended[number], attended[other]);
      });
    };
    auto it = llvm::find_if(ranges, fits);
    if (it == ranges.end())
      it = ranges.insert(ranges.end(), TileRange());
    it->pieces.push_back(number);
  }
  if (ranges.size() > kMaxRanges) {
    note("the mask has too many parts");
    return false;
  }
  auto precedes = [&](const TileRange &x, const TileRange &y) {
    return llvm::all_of(x.pieces, [&](unsigned first) {
      return llvm::all_of(y.pieces, [&](unsigned second) {
        return beginsBefore(attended[first], attended[second]);
      });
    });
  };
  for (unsigned end = 1; end < ranges.size(); ++end) {
    unsigned place = end;
    for (; place > 0 && !precedes(ranges[place - 1], ranges[place]); --place) {
      if (!precedes(ranges[place], ranges[place - 1])) {
        note("the order of its parts depends on sizes");
        return false;
      }
      std::swap(ranges[place - 1], ranges[place]);
    }
  }
  auto areApart = [&](unsigned first, unsigned second) {
    SmallVector<System::Fact> facts;
    require(facts, attended[first], 0);
    require(facts, attended[second], 0);
    return system.isContradictory(facts);
  };
  for (auto it = ranges.begin(); it != ranges.end(); ++it)
    for (auto earlier = ranges.begin(); earlier != it; ++earlier)
      for (unsigned first : earlier->pieces)
        for (unsigned second : it->pieces)
          it->mayOverlap |= !areApart(first, second);
  return true;
}

/// Finds from which end of the range each excluded piece cuts full tiles.
bool MaskAnalysis::Impl::findCuts(TileRange &range) {
  if (excluded.size() > kMaxProvedPieces ||
      !llvm::all_of(excluded,
                    [](const Piece &piece) { return piece.closed; })) {
    note("full tiles have no closed form");
    return false;
  }
  // Two tiles of the range, the first in `first`, the second in `second`, and
  // both below kv_len.
  auto pairOfTiles = [&](const Piece &first, const Piece &second) {
    SmallVector<System::Fact> facts{{belowKeyLength, 0}, {belowKeyLength, 1}};
    require(facts, first, 0);
    require(facts, second, 1);
    return facts;
  };
  auto forAllPairs =
      [&](function_ref<bool(const Piece &, const Piece &)> holds) {
        return llvm::all_of(range.pieces, [&](unsigned first) {
          return llvm::all_of(range.pieces, [&](unsigned second) {
            return holds(attended[first], attended[second]);
          });
        });
      };
  // If tile `inside` is in the cut, so is the other one.
  auto spreads = [&](const Piece &cut, unsigned inside) {
    return forAllPairs([&](const Piece &first, const Piece &second) {
      return llvm::all_of(cut.hull, [&](const Row &row) {
        SmallVector<System::Fact> facts = pairOfTiles(first, second);
        require(facts, cut, inside);
        facts.push_back({system.negate(row), 1 - inside});
        return system.isContradictory(facts, {{0, 1}});
      });
    });
  };
  for (unsigned number = 0; number < excluded.size(); ++number) {
    const Piece &cut = excluded[number];
    bool apart = llvm::all_of(range.pieces, [&](unsigned piece) {
      SmallVector<System::Fact> facts{{belowKeyLength}};
      require(facts, attended[piece], 0);
      require(facts, cut, 0);
      return system.isContradictory(facts);
    });
    if (apart)
      continue;
    bool fromEnd = spreads(cut, 0);
    if (!fromEnd && !spreads(cut, 1)) {
      note("full tiles have no closed form");
      return false;
    }
    range.cuts.push_back({number, fromEnd});
  }
  return true;
}
