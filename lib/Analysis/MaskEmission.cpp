//===- MaskEmission.cpp - Ranges and predicates as IR and as text ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One description of how the bounds of ranges and the tile predicate are
// computed, written to IR for the kernels and to text for people; and the
// grids that fill the summaries of captured tables.
//
//===----------------------------------------------------------------------===//

#include "MaskTiles.h"

#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace attn;
using namespace attn::mask;
using Impl = MaskAnalysis::Impl;

//===----------------------------------------------------------------------===//
// What is computed
//===----------------------------------------------------------------------===//

namespace {
/// Computes with a Backend: its Number and Bool are IR values or text.
template <typename Backend> class Emitter {
public:
  using Number = typename Backend::Number;
  using Bool = typename Backend::Bool;

  Emitter(const Impl &impl, Backend &backend) : impl(impl), backend(backend) {}

  Number number(const Row &row) { return backend.affine(row); }

  Bool all(ArrayRef<Row> rows) {
    Bool result = backend.boolean(true);
    for (const Row &row : rows)
      result = backend.both(result, backend.isNonNegative(row));
    return result;
  }

  Bool any(ArrayRef<Piece> pieces) {
    Bool result = backend.boolean(false);
    for (const Piece &piece : pieces)
      result = backend.either(result, all(piece.rows));
    return result;
  }

  /// Where the interval of a piece begins, at least 0.
  Number beginOf(const Piece &piece) {
    std::optional<Number> result;
    if (llvm::none_of(piece.begins, [this](const Row &row) {
          return impl.system.minOf(row).value_or(-1) >= 0;
        }))
      result = zero();
    for (const Row &row : piece.begins)
      result = result ? backend.max(*result, number(row)) : number(row);
    return *result;
  }

  /// Where it ends, at most at `limit`.
  Number endOf(const Piece &piece, Number limit) {
    for (const Row &row : piece.ends)
      limit = backend.min(limit, number(row));
    return limit;
  }

  struct Interval {
    Number begin, end;
  };

  /// The bounds of all ranges, four a range.
  SmallVector<Number> bounds() {
    SmallVector<Number> result;
    Number visited = zero();
    for (auto [index, range] : llvm::enumerate(impl.ranges)) {
      Interval interval = extent(range);
      // The order of the begins is proved, that of an end and a begin is not.
      if (range.mayOverlap)
        interval.begin = backend.max(interval.begin, visited);
      if (index + 1 < impl.ranges.size()) {
        Number end = interval.end;
        if (!beginsAtZero(range) || range.mayOverlap)
          end = backend.select(backend.less(interval.begin, end), end, zero());
        visited = index == 0 ? end : backend.max(visited, end);
      }
      Interval full = fullPart(range, interval);
      result.append({interval.begin, interval.end, full.begin, full.end});
    }
    if (result.empty())
      result.assign(4, zero());
    return result;
  }

  Number keyTiles() {
    return backend.ceilDiv(impl.region.getKeyLength(), impl.tileN);
  }

private:
  Number zero() { return backend.affine({}); }

  bool beginsAtZero(const TileRange &range) {
    return llvm::all_of(range.pieces, [this](unsigned number) {
      return impl.attended[number].begins.empty();
    });
  }

  /// From the first to the last tile of the pieces.
  Interval extent(const TileRange &range) {
    if (range.pieces.empty())
      return {zero(), keyTiles()};
    if (range.pieces.size() == 1 || beginsAtZero(range)) {
      std::optional<Number> end;
      for (unsigned number : range.pieces) {
        const Piece &piece = impl.attended[number];
        Number own = endOf(piece, keyTiles());
        if (!piece.guards.empty())
          own = backend.select(all(piece.guards), own, zero());
        end = end ? backend.max(*end, own) : own;
      }
      return {beginOf(impl.attended[range.pieces.front()]), *end};
    }
    Interval result{keyTiles(), zero()};
    for (unsigned number : range.pieces) {
      const Piece &piece = impl.attended[number];
      Number begin = beginOf(piece), end = endOf(piece, keyTiles());
      Bool present = backend.both(all(piece.guards), backend.less(begin, end));
      result.begin =
          backend.min(result.begin, backend.select(present, begin, keyTiles()));
      result.end =
          backend.max(result.end, backend.select(present, end, zero()));
    }
    return result;
  }

  /// What the cuts leave of the range, below kv_len.
  Interval fullPart(const TileRange &range, const Interval &whole) {
    if (!impl.excludedKnown || impl.visitPredicate || impl.fullPredicate)
      return {whole.begin, whole.begin};
    Interval full = whole;
    full.end = backend.min(
        full.end, backend.floorDiv(impl.region.getKeyLength(), impl.tileN));
    for (const Cut &cut : range.cuts) {
      const Piece &piece = impl.excluded[cut.piece];
      Bool present = all(piece.guards);
      if (cut.fromEnd) {
        Number begin = beginOf(piece);
        if (!piece.ends.empty())
          present = backend.both(present,
                                 backend.less(backend.max(begin, whole.begin),
                                              endOf(piece, whole.end)));
        full.end =
            backend.min(full.end, backend.select(present, begin, whole.end));
      } else {
        Number end = endOf(piece, whole.end);
        if (!piece.begins.empty())
          present = backend.both(present, backend.less(beginOf(piece), end));
        full.begin =
            backend.max(full.begin, backend.select(present, end, whole.begin));
      }
    }
    return full;
  }

  const Impl &impl;
  Backend &backend;
};
} // namespace

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

namespace {
class TextBackend {
public:
  struct Number {
    std::string text;
    std::optional<int64_t> constant = {};
    // min or max of the operands.
    StringRef function = {};
    SmallVector<std::string, 0> operands = {};
  };
  using Bool = std::string;

  explicit TextBackend(const Impl &impl) : impl(impl) {}

  Number affine(const Row &row) {
    if (std::optional<int64_t> value = System::asConstant(row))
      return {std::to_string(*value), value};
    std::string text;
    auto term = [&](int64_t factor, StringRef name) {
      if (!text.empty())
        text += factor < 0 ? " - " : " + ";
      else if (factor < 0)
        text += "-";
      int64_t size = std::abs(factor);
      if (name.empty())
        text += std::to_string(size);
      else
        text += size == 1 ? name.str() : (name + "*" + Twine(size)).str();
    };
    // The key tile last, negative terms after positive ones.
    for (bool positive : {true, false})
      for (unsigned id = 1; id < row.size(); ++id)
        if (row[id] != 0 && (row[id] > 0) == positive)
          term(row[id], name(id));
    if (!row.empty() && row[0] != 0)
      term(row[0], "");
    return {text.empty() ? "0" : text};
  }
  Number ceilDiv(const Row &row, int64_t k) { return divide(row, k, true); }
  Number floorDiv(const Row &row, int64_t k) { return divide(row, k, false); }
  Number min(const Number &x, const Number &y) { return extreme("min", x, y); }
  Number max(const Number &x, const Number &y) { return extreme("max", x, y); }
  Number select(const Bool &condition, const Number &x, const Number &y) {
    if (condition == "true")
      return x;
    return {"(" + condition + " ? " + x.text + " : " + y.text + ")",
            std::nullopt};
  }

  Bool boolean(bool value) { return value ? "true" : "false"; }
  Bool less(const Number &x, const Number &y) {
    if (x.constant && y.constant)
      return boolean(*x.constant < *y.constant);
    return x.text + " < " + y.text;
  }
  Bool isNonNegative(const Row &row) {
    // Terms on the side where they are positive.
    Row left, right;
    for (int64_t entry : row) {
      left.push_back(std::max<int64_t>(-entry, 0));
      right.push_back(std::max<int64_t>(entry, 0));
    }
    return affine(left).text + " <= " + affine(right).text;
  }
  Bool both(const Bool &x, const Bool &y) {
    return x == "true" ? y : y == "true" ? x : x + " and " + y;
  }
  Bool either(const Bool &x, const Bool &y) {
    return x == "false" ? y : y == "false" ? x : x + "\n      or " + y;
  }

private:
  Number divide(const Row &row, int64_t k, bool up) {
    Number number = affine(row);
    if (k == 1)
      return number;
    if (number.constant) {
      int64_t value = up ? llvm::divideCeilSigned(*number.constant, k)
                         : llvm::divideFloorSigned(*number.constant, k);
      return {std::to_string(value), value};
    }
    bool isSymbol = StringRef(number.text).find(' ') == StringRef::npos;
    std::string text = isSymbol ? number.text : "(" + number.text + ")";
    return {text + (up ? " ceildiv " : " floordiv ") + std::to_string(k),
            std::nullopt};
  }

  /// min(min(x, y), z) is min(x, y, z), and nothing is said twice.
  Number extreme(StringRef function, const Number &x, const Number &y) {
    if (x.constant && y.constant)
      return (*x.constant < *y.constant) == (function == "min") ? x : y;
    SmallVector<std::string> operands;
    for (const Number *number : {&x, &y}) {
      SmallVector<std::string, 0> parts{number->text};
      if (number->function == function)
        parts = number->operands;
      for (std::string &part : parts)
        if (!llvm::is_contained(operands, part))
          operands.push_back(std::move(part));
    }
    if (operands.size() == 1)
      return {operands.front()};
    return {(function + "(" + llvm::join(operands, ", ") + ")").str(),
            std::nullopt,
            function,
            {operands.begin(), operands.end()}};
  }

  std::string name(unsigned id) {
    const Variable &symbol = impl.system.getVariable(id);
    StringRef tile = symbol.perKeyTile ? "c" : "t";
    if (symbol.kind == VarKind::Minimum || symbol.kind == VarKind::Maximum)
      if (impl.region.getSummaries()[symbol.summary].over ==
          Summary::TileBlocks)
        tile = "t, c";
    switch (symbol.kind) {
    case VarKind::QueryTile:
      return "t";
    case VarKind::KeyTile:
      return "c";
    case VarKind::Batch:
      return "b";
    case VarKind::Head:
      return "h";
    case VarKind::QueryLength:
      return "q_len";
    case VarKind::KeyLength:
      return "kv_len";
    case VarKind::QueryOffset:
      return "q_offset";
    case VarKind::Scalar:
      return "scalar" + std::to_string(id);
    case VarKind::Minimum:
      return ("min" + Twine(symbol.summary) + "[" + tile + "]").str();
    case VarKind::Maximum:
      return ("max" + Twine(symbol.summary) + "[" + tile + "]").str();
    case VarKind::Element:
      return "element" + std::to_string(id) + "[j]";
    case VarKind::Floor:
      return "(" + divide(symbol.dividend, symbol.divisor, false).text + ")";
    case VarKind::One:
    case VarKind::Bound:
      break;
    }
    llvm_unreachable("not a symbol");
  }

  const Impl &impl;
};
} // namespace

void MaskAnalysis::print(raw_ostream &os) const {
  TextBackend backend(*impl);
  Emitter<TextBackend> emitter(*impl, backend);
  SmallVector<TextBackend::Number> bounds = emitter.bounds();
  for (unsigned first = 0; first < bounds.size(); first += 4)
    os << "  tiles [" << bounds[first].text << ", " << bounds[first + 1].text
       << ") full [" << bounds[first + 2].text << ", " << bounds[first + 3].text
       << ")\n";
  if (impl->visitPredicate)
    os << "    where visit: " << emitter.any(impl->attended) << "\n";
  if (impl->fullPredicate)
    os << "    where full: below kv_len and not " << emitter.any(impl->excluded)
       << "\n";
  for (auto [number, summary] : llvm::enumerate(impl->region.getSummaries())) {
    os << "  summary " << number << ": min and max over ";
    if (summary.over == Summary::TileBlocks)
      os << "the blocks of " << summary.blocks.rows << " x "
         << summary.blocks.keys;
    else
      os << (summary.over == Summary::Keys ? "the keys" : "the rows");
    os << " of a tile of " << summary.value << "\n";
  }
  if (!hasMask())
    os << "  no mask but j < kv_len\n";
  os << "  " << (impl->exact ? "exact" : "bounds only");
  if (!impl->reason.empty())
    os << ": " << impl->reason;
  os << "\n";
}

//===----------------------------------------------------------------------===//
// IR
//===----------------------------------------------------------------------===//

namespace {
/// Copies values of the mask region to where b, h and maybe i or j are known.
/// They may be computed there: the region is total (attn-make-total).
class RegionCloner {
public:
  RegionCloner(AttentionOp op, const MaskSymbols &symbols)
      : region(op.getMask()), symbols(symbols) {
    Block::BlockArgListType arguments = region.getArguments();
    mapping.map(arguments[0], symbols.batch);
    mapping.map(arguments[1], symbols.head);
    for (auto [argument, capture] :
         llvm::zip(arguments.drop_front(4), symbols.captures))
      mapping.map(argument, capture);
  }

  void setRow(Value row) { mapping.map(region.getArgument(2), row); }
  void setKey(Value key) { mapping.map(region.getArgument(3), key); }

  Value clone(OpBuilder &builder, Value value) {
    Operation *definition = value.getDefiningOp();
    if (mapping.contains(value) || !definition ||
        !region.isAncestor(definition->getParentRegion()))
      return mapping.lookupOrDefault(value);
    if (Value size = sizeOf(definition)) {
      mapping.map(value, size);
      return size;
    }
    llvm::SetVector<Value> operands(definition->operand_begin(),
                                    definition->operand_end());
    getUsedValuesDefinedAbove(definition->getRegions(), operands);
    for (Value operand : operands)
      clone(builder, operand);
    Operation *copy = builder.clone(*definition, mapping);
    copy->walk([&](Operation *nested) {
      if (Value size = sizeOf(nested)) {
        nested->replaceAllUsesWith(ValueRange{size});
        nested->erase();
      }
    });
    return mapping.lookup(value);
  }

private:
  Value sizeOf(Operation *op) {
    return llvm::TypeSwitch<Operation *, Value>(op)
        .Case([&](QLenOp) { return symbols.queryLength; })
        .Case([&](KVLenOp) { return symbols.keyLength; })
        .Case([&](QOffsetOp) { return symbols.queryOffset; })
        .Default([](Operation *) { return Value(); });
  }

  Region &region;
  const MaskSymbols &symbols;
  IRMapping mapping;
};

class IRBackend {
public:
  using Number = Value;
  using Bool = Value;

  IRBackend(const Impl &impl, AttentionOp op, OpBuilder &builder, Location loc,
            const MaskSymbols &symbols)
      : impl(impl), op(op), outer(builder), inner(builder), loc(loc),
        symbols(symbols) {}

  /// From here on results go where key tile `tile` is known; what does not
  /// depend on it stays before `anchor`.
  void enter(Operation *anchor, Block *body, Value tile) {
    outer.setInsertionPoint(anchor);
    inner.setInsertionPointToEnd(body);
    keyTile = tile;
  }

  Value affine(const Row &row) {
    // The part that all key tiles share is computed once.
    Row shared = row, own(row.size(), 0);
    for (unsigned id = 1; id < row.size(); ++id)
      if (impl.system.getVariable(id).perKeyTile)
        std::swap(shared[id], own[id]);
    Value result = sum(outer, shared);
    if (!impl.system.isPerKeyTile(row))
      return result;
    return inner.createOrFold<arith::AddIOp>(loc, result, sum(inner, own));
  }
  Value ceilDiv(const Row &row, int64_t k) {
    return inner.createOrFold<arith::CeilDivSIOp>(loc, affine(row),
                                                  index(inner, k));
  }
  Value floorDiv(const Row &row, int64_t k) {
    return inner.createOrFold<arith::FloorDivSIOp>(loc, affine(row),
                                                   index(inner, k));
  }
  Value min(Value x, Value y) {
    return inner.createOrFold<arith::MinSIOp>(loc, x, y);
  }
  Value max(Value x, Value y) {
    return inner.createOrFold<arith::MaxSIOp>(loc, x, y);
  }
  Value select(Value condition, Value x, Value y) {
    return inner.createOrFold<arith::SelectOp>(loc, condition, x, y);
  }
  Value boolean(bool value) {
    return arith::ConstantIntOp::create(inner, loc, value, 1);
  }
  Value less(Value x, Value y) {
    return inner.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::slt, x,
                                             y);
  }
  Value isNonNegative(const Row &row) {
    OpBuilder &builder = impl.system.isPerKeyTile(row) ? inner : outer;
    Value value = affine(row);
    return builder.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::sge,
                                               value, index(builder, 0));
  }
  Value both(Value x, Value y) {
    return inner.createOrFold<arith::AndIOp>(loc, x, y);
  }
  Value either(Value x, Value y) {
    return inner.createOrFold<arith::OrIOp>(loc, x, y);
  }

  OpBuilder &getInner() { return inner; }

  /// True where a number that was used is too large to compute with (see
  /// kWideLimit): one of those that all key tiles share, one of a key tile, or
  /// null if there are none.
  Value getTooLarge() { return tooLarge; }
  Value getTooLargeInTile() { return tooLargeInTile; }

private:
  /// Keeps `value` within the limit and notes where it is not.
  Value limit(OpBuilder &builder, const Variable &symbol, Value value) {
    if (!symbol.wide)
      return value;
    Value limited = builder.createOrFold<arith::MaxSIOp>(
        loc,
        builder.createOrFold<arith::MinSIOp>(loc, value,
                                             index(builder, kWideLimit)),
        index(builder, -kWideLimit));
    Value isOther = builder.createOrFold<arith::CmpIOp>(
        loc, arith::CmpIPredicate::ne, limited, value);
    Value &any = symbol.perKeyTile ? tooLargeInTile : tooLarge;
    any = any ? builder.createOrFold<arith::OrIOp>(loc, any, isOther) : isOther;
    return limited;
  }

  Value index(OpBuilder &builder, int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  }

  Value sum(OpBuilder &builder, const Row &row) {
    Value result;
    for (unsigned id = 1; id < row.size(); ++id) {
      if (row[id] == 0)
        continue;
      Value term = builder.createOrFold<arith::MulIOp>(loc, valueOf(id),
                                                       index(builder, row[id]));
      result = result ? builder.createOrFold<arith::AddIOp>(loc, result, term)
                      : term;
    }
    int64_t constant = row.empty() ? 0 : row[0];
    if (!result)
      return index(builder, constant);
    return builder.createOrFold<arith::AddIOp>(loc, result,
                                               index(builder, constant));
  }

  Value valueOf(unsigned id) {
    auto [it, isNew] = values.try_emplace(id);
    if (!isNew)
      return it->second;
    const Variable &symbol = impl.system.getVariable(id);
    Value value =
        limit(symbol.perKeyTile ? inner : outer, symbol, compute(symbol));
    values[id] = value;
    return value;
  }

  Value compute(const Variable &symbol) {
    OpBuilder &builder = symbol.perKeyTile ? inner : outer;
    switch (symbol.kind) {
    case VarKind::QueryTile:
      return symbols.queryTile;
    case VarKind::KeyTile:
      return keyTile;
    case VarKind::Batch:
      return symbols.batch;
    case VarKind::Head:
      return symbols.head;
    case VarKind::QueryLength:
      return symbols.queryLength;
    case VarKind::KeyLength:
      return symbols.keyLength;
    case VarKind::QueryOffset:
      return symbols.queryOffset;
    case VarKind::Scalar:
      return toIndex(builder,
                     RegionCloner(op, symbols).clone(builder, symbol.value));
    case VarKind::Minimum:
    case VarKind::Maximum:
      return extremeOf(builder, symbol);
    case VarKind::Element: {
      RegionCloner cloner(op, symbols);
      cloner.setKey(keyTile);
      return toIndex(builder, cloner.clone(builder, symbol.value));
    }
    case VarKind::Floor:
      return builder.createOrFold<arith::FloorDivSIOp>(
          loc, affine(symbol.dividend), index(builder, symbol.divisor));
    case VarKind::One:
    case VarKind::Bound:
      break;
    }
    llvm_unreachable("not a symbol");
  }

  /// The minimum or the maximum of a summary.
  Value extremeOf(OpBuilder &builder, const Variable &symbol) {
    const Summary &summary = impl.region.getSummaries()[symbol.summary];
    if (summary.over == Summary::TileBlocks)
      return extremeOfBlocks(builder, summary, symbol.kind);
    unsigned dependence = impl.region.getDependence(summary.value);
    Value zero = index(builder, 0);
    Value place[] = {(dependence & OnBatch) ? symbols.batch : zero,
                     (dependence & OnHead) ? symbols.head : zero,
                     symbol.perKeyTile ? keyTile : symbols.queryTile,
                     index(builder, symbol.kind == VarKind::Maximum)};
    return toIndex(builder,
                   memref::LoadOp::create(
                       builder, loc, symbols.summaries[symbol.summary], place));
  }

  /// Computes the value for one element of each block of the tile.
  Value extremeOfBlocks(OpBuilder &builder, const Summary &summary,
                        VarKind kind) {
    // Number `offset` of the tile, or the last one that there is.
    auto element = [&](Value tile, int64_t size, int64_t offset, Value length) {
      Value first =
          builder.createOrFold<arith::MulIOp>(loc, tile, index(builder, size));
      Value place = builder.createOrFold<arith::AddIOp>(loc, first,
                                                        index(builder, offset));
      if (offset == 0)
        return place;
      Value last =
          builder.createOrFold<arith::SubIOp>(loc, length, index(builder, 1));
      return builder.createOrFold<arith::MinSIOp>(loc, place, last);
    };
    Value result;
    for (int64_t row = 0; row < impl.tileM; row += summary.blocks.rows) {
      for (int64_t key = 0; key < impl.tileN; key += summary.blocks.keys) {
        RegionCloner cloner(op, symbols);
        cloner.setRow(
            element(symbols.queryTile, impl.tileM, row, symbols.queryLength));
        cloner.setKey(element(keyTile, impl.tileN, key, symbols.keyLength));
        Value value = toIndex(builder, cloner.clone(builder, summary.value));
        if (result)
          value =
              kind == VarKind::Minimum
                  ? builder.createOrFold<arith::MinSIOp>(loc, result, value)
                  : builder.createOrFold<arith::MaxSIOp>(loc, result, value);
        result = value;
      }
    }
    return result;
  }

  Value toIndex(OpBuilder &builder, Value value) {
    Type type = builder.getIndexType();
    if (value.getType() == type)
      return value;
    if (value.getType().isInteger(1))
      return builder.createOrFold<arith::IndexCastUIOp>(loc, type, value);
    return builder.createOrFold<arith::IndexCastOp>(loc, type, value);
  }

  const Impl &impl;
  AttentionOp op;
  OpBuilder outer, inner;
  Location loc;
  const MaskSymbols &symbols;
  Value keyTile;
  Value tooLarge, tooLargeInTile;
  DenseMap<unsigned, Value> values;
};
} // namespace

Value MaskAnalysis::buildRanges(OpBuilder &builder, Location loc,
                                const MaskSymbols &symbols) const {
  IRBackend backend(*impl, impl->op, builder, loc, symbols);
  Emitter<IRBackend> emitter(*impl, backend);
  SmallVector<Value> bounds = emitter.bounds();
  if (Value tooLarge = backend.getTooLarge()) {
    // The first range has all tiles, none of them full.
    Value zero = emitter.number({}), every = emitter.keyTiles();
    for (auto [place, bound] : llvm::enumerate(bounds))
      bound = backend.select(tooLarge, place == 1 ? every : zero, bound);
  }
  auto ranges = tile::RangesOp::create(builder, loc, bounds);
  if (!needsPredicate())
    return ranges;

  Block *body = builder.createBlock(&ranges.getWhere(), {},
                                    {builder.getIndexType()}, {loc});
  builder.setInsertionPointAfter(ranges);
  backend.enter(ranges, body, body->getArgument(0));
  Value visit = impl->visitPredicate ? emitter.any(impl->attended)
                                     : backend.boolean(true);
  Value full = backend.boolean(false);
  if (impl->fullPredicate) {
    OpBuilder &inner = backend.getInner();
    Value excluded = emitter.any(impl->excluded);
    Value below = backend.isNonNegative(impl->belowKeyLength);
    Value none =
        inner.createOrFold<arith::XOrIOp>(loc, excluded, backend.boolean(true));
    full = backend.both(below, none);
  }
  for (Value tooLarge : {backend.getTooLarge(), backend.getTooLargeInTile()})
    if (tooLarge) {
      visit = backend.either(visit, tooLarge);
      full = backend.select(tooLarge, backend.boolean(false), full);
    }
  tile::YieldOp::create(backend.getInner(), loc, ValueRange{visit, full});
  return ranges;
}

void MaskAnalysis::buildValueFilter(const MaskSymbols &symbols, Operation *loop,
                                    Value firstKey, Value full,
                                    tile::LoadOp load) const {
  const Impl &keys = *impl->keys;
  Location loc = load.getLoc();
  OpBuilder before(loop), builder(load);
  IRBackend backend(keys, impl->op, before, loc, symbols);
  Emitter<IRBackend> emitter(keys, backend);
  auto compare = [&](arith::CmpIPredicate predicate, Value x, Value y) {
    return builder.createOrFold<arith::CmpIOp>(loc, predicate, x, y);
  };
  auto both = [&](Value x, Value y) {
    return builder.createOrFold<arith::AndIOp>(loc, x, y);
  };
  auto isNot = [&](Value x) {
    return builder.createOrFold<arith::XOrIOp>(
        loc, x, arith::ConstantIntOp::create(builder, loc, 1, 1));
  };

  Value keyLength = emitter.keyTiles();
  Value mixed;
  if (keys.attended.size() == 1 && keys.attended.front().closed) {
    // One interval: its end is where the valid rows end, and only the tile in
    // which it begins is mixed.
    const Piece &piece = keys.attended.front();
    if (!piece.ends.empty()) {
      Value end = emitter.endOf(piece, keyLength);
      if (Value tooLarge = backend.getTooLarge())
        end = builder.createOrFold<arith::SelectOp>(loc, tooLarge, keyLength,
                                                    end);
      load.getValidMutable()[0].set(
          builder.createOrFold<arith::SubIOp>(loc, end, firstKey));
    }
    if (piece.begins.empty())
      return;
    mixed = both(isNot(full), compare(arith::CmpIPredicate::slt, firstKey,
                                      emitter.beginOf(piece)));
  } else {
    // Most tiles are full or lie between the ends of one interval.
    Value uniform = full;
    Value size = arith::ConstantIndexOp::create(builder, loc, impl->tileN);
    Value past = builder.createOrFold<arith::MinSIOp>(
        loc, builder.createOrFold<arith::AddIOp>(loc, firstKey, size),
        keyLength);
    for (const Piece &piece : keys.attended) {
      if (!piece.closed)
        continue;
      Value begin = emitter.beginOf(piece);
      Value end = emitter.endOf(piece, keyLength);
      Value isWithin =
          both(emitter.all(piece.guards),
               both(compare(arith::CmpIPredicate::sle, begin, firstKey),
                    compare(arith::CmpIPredicate::sle, past, end)));
      uniform = builder.createOrFold<arith::OrIOp>(loc, uniform, isWithin);
    }
    mixed = isNot(uniform);
  }
  load.getMixedMutable().assign(mixed);

  Block *body = builder.createBlock(&load.getWhere(), {},
                                    {builder.getIndexType()}, {loc});
  Value key =
      arith::AddIOp::create(builder, loc, firstKey, body->getArgument(0));
  backend.enter(loop, body, key);
  Value counts = emitter.any(keys.attended);
  for (Value tooLarge : {backend.getTooLarge(), backend.getTooLargeInTile()})
    if (tooLarge)
      counts = backend.either(counts, tooLarge);
  tile::YieldOp::create(backend.getInner(), loc, counts);
}

//===----------------------------------------------------------------------===//
// Summaries
//===----------------------------------------------------------------------===//

/// Summaries are stored in 32 bits where the values are.
static IntegerType storageType(Type type) {
  bool isWide = type.isIndex() || type.getIntOrFloatBitWidth() > 32;
  return IntegerType::get(type.getContext(), isWide ? 64 : 32);
}

static Value toStorage(OpBuilder &builder, Location loc, Value value) {
  Type type = storageType(value.getType());
  if (value.getType() == type)
    return value;
  if (value.getType().isIndex())
    return arith::IndexCastOp::create(builder, loc, type, value);
  if (value.getType().isInteger(1))
    return arith::ExtUIOp::create(builder, loc, type, value);
  return arith::ExtSIOp::create(builder, loc, type, value);
}

SmallVector<Value> MaskAnalysis::buildSummaries(OpBuilder &builder,
                                                Location loc,
                                                const MaskGrid &grid) const {
  SmallVector<Value> result;
  Value one;
  for (const Summary &summary : impl->region.getSummaries()) {
    if (summary.over == Summary::TileBlocks) {
      result.push_back(Value());
      continue;
    }
    bool overKeys = summary.over == Summary::Keys;
    if (!one)
      one = arith::ConstantIndexOp::create(builder, loc, 1);
    unsigned dependence = impl->region.getDependence(summary.value);
    Value extents[] = {(dependence & OnBatch) ? grid.numBatches : one,
                       (dependence & OnHead) ? grid.numHeads : one,
                       overKeys ? grid.keyTiles : grid.queryTiles};
    IntegerType type = storageType(summary.value.getType());
    SmallVector<int64_t> shape(3, ShapedType::kDynamic);
    shape.push_back(2);
    Value memory = memref::AllocOp::create(
        builder, loc, MemRefType::get(shape, type), ValueRange(extents));
    result.push_back(memory);

    auto body = [&](OpBuilder &nested, Location loc, ValueRange point) {
      MaskSymbols symbols = grid.symbolsOf(nested, point[0], point[1]);
      symbols.batch = point[0];
      symbols.head = point[1];
      Value size = arith::ConstantIndexOp::create(
          nested, loc, overKeys ? impl->tileN : impl->tileM);
      Value first = arith::MulIOp::create(nested, loc, point[2], size);
      Value past = arith::AddIOp::create(nested, loc, first, size);
      // A table that all batches share is summarised up to where the longest
      // of them may end.
      if (!(dependence & OnBatch)) {
        symbols.queryLength = grid.queryLength;
        symbols.keyLength = grid.keyLength;
      }
      past = arith::MinSIOp::create(nested, loc, past,
                                    overKeys ? symbols.keyLength
                                             : symbols.queryLength);
      unsigned width = type.getWidth();
      Value start[] = {
          arith::ConstantOp::create(
              nested, loc,
              IntegerAttr::get(type, APInt::getSignedMaxValue(width))),
          arith::ConstantOp::create(
              nested, loc,
              IntegerAttr::get(type, APInt::getSignedMinValue(width)))};
      Value step = arith::ConstantIndexOp::create(nested, loc, 1);
      auto loop = scf::ForOp::create(
          nested, loc, first, past, step, ValueRange(start),
          [&](OpBuilder &inside, Location loc, Value index, ValueRange sofar) {
            RegionCloner cloner(impl->op, symbols);
            overKeys ? cloner.setKey(index) : cloner.setRow(index);
            Value element =
                toStorage(inside, loc, cloner.clone(inside, summary.value));
            Value extremes[] = {
                arith::MinSIOp::create(inside, loc, sofar[0], element),
                arith::MaxSIOp::create(inside, loc, sofar[1], element)};
            scf::YieldOp::create(inside, loc, extremes);
          });
      for (auto [place, value] : llvm::enumerate(loop.getResults())) {
        Value last = arith::ConstantIndexOp::create(nested, loc, place);
        memref::StoreOp::create(nested, loc, value, memory,
                                ValueRange{point[0], point[1], point[2], last});
      }
      scf::InParallelOp::create(nested, loc);
    };
    SmallVector<OpFoldResult> bounds(std::begin(extents), std::end(extents));
    scf::ForallOp::create(builder, loc, bounds, ValueRange(), std::nullopt,
                          body);
  }
  return result;
}
