//===- MaskHarness.cpp - Mask analysis against brute force ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See MaskHarness.h.
//
//===----------------------------------------------------------------------===//

#include "MaskHarness.h"

#include "attn/Transforms/Passes.h"

#include "mlir/Pass/PassManager.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

#include <cstdlib>

using namespace mlir;
using namespace attn;
using namespace attn::test;

bool attn::test::allHaveTheirTurns() {
  return !std::getenv("ATTN_TEST_SEED") || std::getenv("ATTN_TEST_FULL");
}

bool attn::test::hasItsTurn(unsigned number) {
  static const bool all = allHaveTheirTurns();
  static const char *const seed = std::getenv("ATTN_TEST_SEED");
  return all || (number + std::strtoull(seed, nullptr, 10)) % 3 == 0;
}

/// The problem as attention on memrefs.
static std::string textOf(const Problem &problem) {
  int64_t keys = problem.storedKeys ? problem.storedKeys : problem.keyLength;
  auto operandType = [&](int64_t length) {
    return "memref<?x?x" +
           (problem.staticSizes ? std::to_string(length) : "?") + "x8xf32>";
  };
  std::string q = operandType(problem.queryLength), k = operandType(keys);
  std::string arguments = llvm::formatv(
      "%query: {0}, %keys: {1}, %values: {1}, %output: {0}, %kv_len: index, "
      "%q_offset: index",
      q, k);
  std::string regionArguments = "%b: index, %h: index, %i: index, %j: index";
  std::string names, types;
  for (const Capture &capture : problem.captures) {
    arguments += ", %outer_" + capture.name + ": " + capture.type;
    regionArguments += ", %" + capture.name + ": " + capture.type;
    names += (names.empty() ? "%outer_" : ", %outer_") + capture.name;
    types += (types.empty() ? "" : ", ") + capture.type;
  }
  std::string clauses;
  if (!names.empty())
    clauses += "captures(" + names + " : " + types + ") ";
  if (problem.queryOffset != 0)
    clauses += "q_offset(%q_offset : index) ";
  if (keys != problem.keyLength)
    clauses += "kv_len(%kv_len : index) ";
  return llvm::formatv(
      "func.func @f({0}) {{\n"
      "  attn.attention ins(%query, %keys, %values : {1}, {2}, {2}) {3}"
      "outs(%output : {1})\n"
      "    mask({4}) {{\n{5}\n}\n  return\n}\n",
      arguments, q, k, clauses, regionArguments, problem.mask);
}

/// Builds the filter of the load of values for each key tile and compares it
/// with how many rows attend each key.
static void checkValues(const Problem &problem, AttentionOp op,
                        const MaskAnalysis &analysis, int64_t tileN,
                        const std::vector<int64_t> &attended,
                        Outcome &outcome) {
  MLIRContext *context = op.getContext();
  OpBuilder builder(context);
  Location loc = builder.getUnknownLoc();
  builder.setInsertionPointToEnd(op->getParentOfType<ModuleOp>().getBody());
  enum { B, H, QueryLength, KeyLength, QueryOffset, FirstKey, Full, Memory };
  SmallVector<Type> types(6, builder.getIndexType());
  types.push_back(builder.getI1Type());
  types.push_back(mlir::parseType("memref<?x8xf32>", context));
  for (const Capture &capture : problem.captures)
    types.push_back(mlir::parseType(capture.type, context));
  auto function = func::FuncOp::create(builder, loc, "values",
                                       builder.getFunctionType(types, {}));
  Block *body = function.addEntryBlock();
  builder.setInsertionPointToEnd(body);
  auto argument = [&](unsigned number) { return body->getArgument(number); };
  MaskSymbols symbols;
  symbols.batch = argument(B);
  symbols.head = argument(H);
  symbols.queryLength = argument(QueryLength);
  symbols.keyLength = argument(KeyLength);
  symbols.queryOffset = argument(QueryOffset);
  llvm::append_range(symbols.captures,
                     body->getArguments().drop_front(Memory + 1));
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  Value columns = arith::ConstantIndexOp::create(builder, loc, 8);
  Value rows = arith::SubIOp::create(builder, loc, argument(KeyLength),
                                     argument(FirstKey));
  auto load = tile::LoadOp::create(
      builder, loc,
      tile::TileType::get(context, {tileN, 8}, builder.getF32Type()),
      argument(Memory), ValueRange{argument(FirstKey), zero},
      ValueRange{rows, columns});
  if (analysis.hasUnattendedKeys())
    buildValueFilter(analysis, symbols, zero.getDefiningOp(),
                     argument(FirstKey), argument(Full), load);
  func::ReturnOp::create(builder, loc);
  if (failed(mlir::verify(function))) {
    ADD_FAILURE() << "the filter of values does not verify";
    return;
  }

  Interpreter machine;
  machine.set(argument(B), problem.batch);
  machine.set(argument(H), problem.head);
  machine.set(argument(QueryLength), problem.queryLength);
  machine.set(argument(KeyLength), problem.keyLength);
  machine.set(argument(QueryOffset), problem.queryOffset);
  for (auto [number, capture] : llvm::enumerate(problem.captures))
    machine.set(argument(Memory + 1 + number), capture.value);
  for (int64_t first = 0; first < problem.keyLength; first += tileN) {
    int64_t past = std::min(first + tileN, problem.keyLength);
    bool full = std::all_of(
        attended.begin() + first, attended.begin() + past,
        [&](int64_t count) { return count == problem.queryLength; });
    machine.set(argument(FirstKey), first);
    machine.set(argument(Full), full);
    machine.run(*body);
    int64_t valid = machine.integer(load.getValid()[0]);
    for (int64_t key = first; key < past; ++key) {
      bool isRead = key - first < valid;
      if (isRead && load.getMixed() && machine.integer(load.getMixed())) {
        machine.set(load.getWhere().getArgument(0), key - first);
        isRead = machine.run(load.getWhere().front()).front().integer;
      }
      if (attended[key])
        EXPECT_TRUE(isRead) << "the values of key " << key << " are left out";
      outcome.leavesOutAll &= !isRead || attended[key];
    }
  }
  function.erase();
}

Outcome attn::test::compareTiles(AttentionOp op, const Problem &problem,
                                 ArrayRef<uint8_t> attended, int64_t tileM,
                                 int64_t tileN, Answer answer, MaskAxis axis) {
  FailureOr<MaskAnalysis> analysis =
      MaskAnalysis::compute(op, tileM, tileN, axis);
  if (failed(analysis)) {
    ADD_FAILURE() << "analysis failed";
    return {};
  }
  Outcome outcome{analysis->isExact(), analysis->needsPredicate(),
                  analysis->hasMask(), analysis->getNumSummaries()};

  // What the analysis builds, in a function of the symbols.
  OpBuilder builder(op.getContext());
  Location loc = builder.getUnknownLoc();
  builder.setInsertionPointToEnd(op->getParentOfType<ModuleOp>().getBody());
  Type index = builder.getIndexType();
  SmallVector<Type> types(8, index);
  types.append(2, MemRefType::get({ShapedType::kDynamic}, index));
  for (const Capture &capture : problem.captures)
    types.push_back(mlir::parseType(capture.type, op.getContext()));
  auto function = func::FuncOp::create(builder, loc, "tiles",
                                       builder.getFunctionType(types, {}));
  Block *body = function.addEntryBlock();
  builder.setInsertionPointToEnd(body);
  enum {
    B,
    H,
    Outer,
    LongestQuery,
    LongestKey,
    QueryOffset,
    QueryTiles,
    KeyTiles,
    QueryLengths,
    KeyLengths,
    FirstCapture
  };
  auto argument = [&](unsigned number) { return body->getArgument(number); };
  auto symbolsOf = [&](OpBuilder &at, Value batch, Value head) {
    MaskSymbols symbols;
    symbols.batch = batch;
    symbols.head = head;
    auto lengthIn = [&](unsigned lengths, unsigned longest) -> Value {
      if (!batch)
        return argument(longest);
      return memref::LoadOp::create(at, loc, argument(lengths), batch);
    };
    symbols.queryLength = lengthIn(QueryLengths, LongestQuery);
    symbols.keyLength = lengthIn(KeyLengths, LongestKey);
    symbols.queryOffset = argument(QueryOffset);
    llvm::append_range(symbols.captures,
                       body->getArguments().drop_front(FirstCapture));
    return symbols;
  };
  MaskGrid grid;
  grid.numBatches =
      arith::ConstantIndexOp::create(builder, loc, problem.batch + 1);
  grid.numHeads =
      arith::ConstantIndexOp::create(builder, loc, problem.head + 1);
  grid.queryTiles = argument(QueryTiles);
  grid.keyTiles = argument(KeyTiles);
  grid.symbolsOf = symbolsOf;
  SmallVector<Value> summaries =
      buildMaskSummaries(*analysis, builder, loc, grid);
  MaskSymbols symbols = symbolsOf(builder, argument(B), argument(H));
  symbols.outerTile = argument(Outer);
  symbols.summaries = summaries;
  auto ranges = buildTileRanges(*analysis, builder, loc, symbols)
                    .getDefiningOp<tile::RangesOp>();
  func::ReturnOp::create(builder, loc);
  if (failed(mlir::verify(function))) {
    ADD_FAILURE() << "what was built does not verify";
    return outcome;
  }

  std::string context_;
  llvm::raw_string_ostream explanation(context_);
  if (!problem.mask.empty())
    explanation << textOf(problem);
  explanation << "tiles of " << tileM << " and " << tileN << ", q_len "
              << problem.queryLength << ", kv_len " << problem.keyLength
              << ", q_offset " << problem.queryOffset << "\n";
  analysis->print(explanation);
  SCOPED_TRACE(context_);
  if (answer == Answer::Exact) {
    EXPECT_TRUE(outcome.exact);
  }
  bool mustBeExact = answer == Answer::Exact || answer == Answer::AsExact ||
                     (answer == Answer::AsPromised && outcome.exact);

  Interpreter machine;
  int64_t queryTiles = llvm::divideCeil(problem.queryLength, tileM);
  int64_t keyTiles = llvm::divideCeil(problem.keyLength, tileN);
  // Lengths of all batches, and the longest of them.
  auto lengths = [&](unsigned number, std::vector<int64_t> before,
                     int64_t own) {
    before.resize(problem.batch, own);
    before.push_back(own);
    Capture buffer = table("", before, {}, "index");
    machine.set(argument(number), buffer.value);
    return *llvm::max_element(before);
  };
  int64_t longestQuery =
      lengths(QueryLengths, problem.queryLengthsBefore, problem.queryLength);
  int64_t longestKey =
      lengths(KeyLengths, problem.keyLengthsBefore, problem.keyLength);
  const int64_t sizes[] = {problem.batch,
                           problem.head,
                           0,
                           longestQuery,
                           longestKey,
                           problem.queryOffset,
                           llvm::divideCeilSigned(longestQuery, tileM),
                           llvm::divideCeilSigned(longestKey, tileN)};
  for (auto [number, size] : llvm::enumerate(sizes))
    machine.set(argument(number), size);
  for (auto [number, capture] : llvm::enumerate(problem.captures))
    machine.set(argument(FirstCapture + number), capture.value);

  // How many elements each pair of tiles has, and how many are attended.
  struct Pair {
    int64_t elements = 0, attended = 0;
  };
  std::vector<Pair> pairs(queryTiles * keyTiles);
  std::vector<int64_t> rowsOfKey(problem.keyLength, 0);
  for (int64_t i = 0; i < problem.queryLength; ++i) {
    for (int64_t j = 0; j < problem.keyLength; ++j) {
      int64_t keep = attended[i * problem.keyLength + j];
      Pair &pair = pairs[i / tileM * keyTiles + j / tileN];
      pair.attended += keep;
      ++pair.elements;
      rowsOfKey[j] += keep;
    }
  }

  bool overKeys = axis == MaskAxis::Keys;
  int64_t outerTiles = overKeys ? queryTiles : keyTiles;
  int64_t innerTiles = overKeys ? keyTiles : queryTiles;
  for (int64_t outer = 0; outer < outerTiles; ++outer) {
    machine.set(argument(Outer), outer);
    machine.run(*body);
    std::vector<bool> visited(innerTiles, false), full(innerTiles, false);
    int64_t before = 0;
    for (unsigned k = 0; k < ranges.getNumRanges(); ++k) {
      int64_t begin = machine.integer(ranges.getBegin(k));
      int64_t end = machine.integer(ranges.getEnd(k));
      int64_t fullBegin = machine.integer(ranges.getFullBegin(k));
      int64_t fullEnd = machine.integer(ranges.getFullEnd(k));
      if (begin >= end)
        continue;
      EXPECT_LE(before, begin) << "ranges overlap at outer tile " << outer;
      EXPECT_LE(end, innerTiles) << "at outer tile " << outer;
      before = end;
      for (int64_t c = begin; c < std::min(end, innerTiles); ++c) {
        visited[c] = true;
        full[c] = fullBegin <= c && c < fullEnd;
        if (ranges.getWhere().empty())
          continue;
        Block &where = ranges.getWhere().front();
        machine.set(where.getArgument(0), c);
        SmallVector<Scalar> said = machine.run(where);
        visited[c] = said[0].integer;
        full[c] = full[c] || said[1].integer;
      }
    }
    for (int64_t inner = 0; inner < innerTiles; ++inner) {
      int64_t t = overKeys ? outer : inner, c = overKeys ? inner : outer;
      const Pair &pair = pairs[t * keyTiles + c];
      bool isBelow = (c + 1) * tileN <= problem.keyLength;
      bool isFull = pair.attended == pair.elements && isBelow;
      std::string where =
          llvm::formatv("query tile {0} key tile {1}", t, c).str();
      outcome.right &= visited[inner] == (pair.attended > 0) &&
                       (!visited[inner] || full[inner] == isFull);
      if (mustBeExact) {
        EXPECT_EQ(visited[inner], pair.attended > 0) << where;
        if (visited[inner])
          EXPECT_EQ(full[inner], isFull) << where;
      } else {
        if (pair.attended > 0)
          EXPECT_TRUE(visited[inner]) << where;
        if (visited[inner] && full[inner])
          EXPECT_TRUE(isFull) << where;
      }
      if (!outcome.hasMask && isBelow)
        EXPECT_TRUE(isFull) << where;
      if (::testing::Test::HasFailure())
        return outcome;
    }
  }
  if (problem.queryLength > 0 && overKeys)
    checkValues(problem, op, *analysis, tileN, rowsOfKey, outcome);
  function.erase();
  return outcome;
}

Outcome MaskHarness::check(const Problem &problem, int64_t tileM, int64_t tileN,
                           Answer answer, MaskAxis axis) {
  OwningOpRef<ModuleOp> module =
      parseSourceString<ModuleOp>(textOf(problem), &context);
  if (!module) {
    ADD_FAILURE() << "does not parse:\n" << textOf(problem);
    return {};
  }
  // Reads stay inside of their table before the analysis copies them.
  PassManager passes(&context);
  passes.addPass(createMakeTotal());
  if (failed(passes.run(*module))) {
    ADD_FAILURE() << "attn-make-total fails";
    return {};
  }
  AttentionOp op;
  module->walk([&](AttentionOp found) { op = found; });
  Interpreter reference;
  reference.queryLength = problem.queryLength;
  reference.keyLength = problem.keyLength;
  reference.queryOffset = problem.queryOffset;
  reference.clampLoads = true;
  Block &mask = op.getMask().front();
  reference.set(mask.getArgument(0), problem.batch);
  reference.set(mask.getArgument(1), problem.head);
  for (auto [number, capture] : llvm::enumerate(problem.captures))
    reference.set(mask.getArgument(4 + number), capture.value);
  std::vector<uint8_t> attended;
  for (int64_t i = 0; i < problem.queryLength; ++i) {
    reference.set(mask.getArgument(2), i);
    for (int64_t j = 0; j < problem.keyLength; ++j) {
      reference.set(mask.getArgument(3), j);
      attended.push_back(reference.run(mask).front().integer != 0);
    }
  }
  return compareTiles(op, problem, attended, tileM, tileN, answer, axis);
}
