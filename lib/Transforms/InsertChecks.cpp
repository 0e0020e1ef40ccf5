//===- InsertChecks.cpp - attn-insert-checks: what types leave open -------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the verifiers of the attn ops could not compare becomes tile.check ops
// in front of them, in the same words: sizes, and where the host can read
// tensors, the lengths and page numbers in them.
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/IndexRanges.h"
#include "attn/Dialect/Attn/ArgumentNames.h"
#include "attn/Dialect/Attn/Attn.h"
#include "attn/Dialect/Tile/Tile.h"
#include "attn/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace attn {
#define GEN_PASS_DEF_INSERTCHECKS
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

namespace {

/// A number that a message gives by its name.
struct Named {
  std::string name;
  Value value;
};

/// Builds checks in front of one op. Sizes and constants are made once.
class Checker {
public:
  explicit Checker(Operation *op)
      : b(op->getLoc(), op), op(op), before(op->getPrevNode()) {}
  /// Drops what folding left over.
  ~Checker();

protected:
  Value constant(int64_t value);
  Value dim(Value shaped, int dim);
  /// "Hq of query": a dimension of an operand.
  Named size(StringRef what, StringRef operand, Value value, int position) {
    return {(what + " of " + operand).str(), dim(value, position)};
  }

  Value compare(arith::CmpIPredicate predicate, Value x, Value y) {
    return b.createOrFold<arith::CmpIOp>(predicate, x, y);
  }
  Value equal(Value x, Value y) {
    return compare(arith::CmpIPredicate::eq, x, y);
  }
  Value atMost(Value x, Value y) {
    return compare(arith::CmpIPredicate::sle, x, y);
  }
  Value both(Value x, Value y) { return b.createOrFold<arith::AndIOp>(x, y); }
  Value either(Value x, Value y) { return b.createOrFold<arith::OrIOp>(x, y); }

  void require(Value condition, unsigned rule, const Twine &message,
               ArrayRef<Named> values);
  void requireEqual(const Named &size, const Named &expected, unsigned rule) {
    require(equal(size.value, expected.value), rule,
            size.name + " must be " + expected.name, {size, expected});
  }

  ImplicitLocOpBuilder b;

private:
  Operation *op, *before; // what is built stands between them
  DenseMap<int64_t, Value> constants;
  DenseMap<std::pair<Value, int>, Value> dims;
};

/// Checks attn.attention.
class AttentionChecker : public Checker {
public:
  explicit AttentionChecker(AttentionOp op);

  void checkSizes();
  void checkContents();

private:
  void checkHeads();
  void checkLengths();
  void checkBatches();
  void checkLse();
  void checkBroadcast(StringRef name, Value operand);
  void checkSugar();
  void checkSegments();
  void checkPerBatch(StringRef name, Value operand, unsigned rule);

  /// An element of a tensor of integers, or the integer itself.
  Value element(Value operand, ValueRange at);
  Named checkSequence(StringRef name, Value bounds, const Named &batchIndex,
                      std::optional<Named> total);
  Named checkKeyCount(const Named &limit, ArrayRef<Named> batchIndex);
  void checkReach(StringRef name, Value operand, int dim,
                  const Named &batchIndex, const Named &length,
                  bool mayBroadcast);
  void checkPages(const Named &batchIndex, const Named &keys);

  AttentionOp op;
  AttentionOp::DimMap q, k, v, o;
  bool ragged, paged;
  Named batch, heads, keyHeads, queryLength;
  /// Keys that one batch has room for.
  Named room;
};

/// Checks attn.merge.
class MergeChecker : public Checker {
public:
  explicit MergeChecker(MergeOp op) : Checker(op), op(op) {}
  void checkSizes();

private:
  MergeOp op;
};

} // namespace

//===----------------------------------------------------------------------===//
// Building
//===----------------------------------------------------------------------===//

Checker::~Checker() {
  for (Operation *last = op->getPrevNode(); last != before;) {
    Operation *previous = last->getPrevNode();
    if (isOpTriviallyDead(last))
      last->erase();
    last = previous;
  }
}

Value Checker::constant(int64_t value) {
  Value &known = constants[value];
  if (!known)
    known = arith::ConstantIndexOp::create(b, value);
  return known;
}

Value Checker::dim(Value shaped, int position) {
  Value &known = dims[{shaped, position}];
  if (known)
    return known;
  int64_t size = cast<ShapedType>(shaped.getType()).getDimSize(position);
  if (ShapedType::isStatic(size))
    return known = constant(size);
  Value index = constant(position);
  if (isa<MemRefType>(shaped.getType()))
    return known = memref::DimOp::create(b, shaped, index);
  return known = tensor::DimOp::create(b, shaped, index);
}

void Checker::require(Value condition, unsigned rule, const Twine &message,
                      ArrayRef<Named> values) {
  if (matchPattern(condition, m_One()))
    return;
  SmallVector<StringRef> names;
  SmallVector<Value> operands;
  for (const Named &named : values) {
    names.push_back(named.name);
    operands.push_back(named.value);
  }
  std::string text = ("rule " + Twine(rule) + ": " + message).str();
  tile::CheckOp::create(b, condition, text, b.getStrArrayAttr(names), operands);
}

//===----------------------------------------------------------------------===//
// Sizes of attn.attention
//===----------------------------------------------------------------------===//

AttentionChecker::AttentionChecker(AttentionOp op)
    : Checker(op), op(op), q(AttentionOp::getDimMap(op.getQueryLayout())),
      k(AttentionOp::getDimMap(op.getKeyLayout())),
      v(AttentionOp::getDimMap(op.getValueLayout())),
      o(AttentionOp::getDimMap(op.getOutputLayout())), ragged(op.isRagged()),
      paged(op.isPaged()) {
  heads = size("Hq", "query", op.getQuery(), q.h);
  keyHeads = size("Hkv", "key", op.getKey(), k.h);
  queryLength = size(ragged ? "T" : "Sq", "query", op.getQuery(), q.s);
  room = size(ragged ? "T" : "Skv", "key", op.getKey(), k.s);
  if (paged)
    room = {"room in page_table", b.createOrFold<arith::MulIOp>(
                                      room.value, dim(op.getPageTable(), 1))};
  if (ragged)
    batch = {
        "sequences of cu_seqlens_q",
        b.createOrFold<arith::SubIOp>(dim(op.getCuSeqlensQ(), 0), constant(1))};
  else
    batch = size("B", "query", op.getQuery(), q.b);
}

void AttentionChecker::checkHeads() {
  // Without key heads there can be no query heads either.
  Value divisor = b.createOrFold<arith::MaxSIOp>(keyHeads.value, constant(1));
  Value multiple = b.createOrFold<arith::MulIOp>(
      b.createOrFold<arith::DivSIOp>(heads.value, divisor), keyHeads.value);
  require(equal(heads.value, multiple), 2,
          "Hq of query must be a multiple of Hkv of key", {heads, keyHeads});
  requireEqual(size("Hkv", "value", op.getValue(), v.h), keyHeads, 1);
  requireEqual(size("Hq", "output", op.getOutput(), o.h), heads, 1);
}

void AttentionChecker::checkLengths() {
  StringRef rows = paged ? "page size" : ragged ? "T" : "Skv";
  Named keyRows = size(rows, "key", op.getKey(), k.s);
  requireEqual(size(rows, "value", op.getValue(), v.s), keyRows, 1);
  requireEqual(size(ragged ? "T" : "Sq", "output", op.getOutput(), o.s),
               queryLength, 1);
  if (!paged)
    return;
  require(atMost(constant(1), keyRows.value), 11,
          "page size of key must be at least 1", {keyRows});
  Named limit{"limit", constant(kLargestSize)};
  require(atMost(room.value, limit.value), 21,
          "the pages of a sequence hold too many keys", {room, limit});
}

void AttentionChecker::checkBatches() {
  if (ragged) {
    Named entries = size("entries", "cu_seqlens_q", op.getCuSeqlensQ(), 0);
    require(atMost(constant(1), entries.value), 11,
            "cu_seqlens_q must have B + 1 entries", {entries});
    requireEqual(size("entries", "cu_seqlens_kv", op.getCuSeqlensKv(), 0),
                 entries, 11);
  } else {
    requireEqual(size("B", "output", op.getOutput(), o.b), batch, 1);
  }
  if (paged) {
    requireEqual(size("B", "page_table", op.getPageTable(), 0), batch, 11);
    requireEqual(size("pages", "value", op.getValue(), v.b),
                 size("pages", "key", op.getKey(), k.b), 11);
  } else if (!ragged) {
    requireEqual(size("B", "key", op.getKey(), k.b), batch, 1);
    requireEqual(size("B", "value", op.getValue(), v.b), batch, 1);
  }
}

void AttentionChecker::checkLse() {
  Value lse = op.getLse();
  if (!lse)
    return;
  int first = ragged ? 0 : 1;
  if (!ragged)
    requireEqual(size("B", "lse", lse, 0), batch, 1);
  requireEqual(size("Hq", "lse", lse, first), heads, 1);
  requireEqual(size(ragged ? "T" : "Sq", "lse", lse, first + 1), queryLength,
               1);
}

/// `operand` aligns on the right with [B, Hq, Sq, Skv]; a size of 1 broadcasts,
/// but for the keys, whose missing tail is masked.
void AttentionChecker::checkBroadcast(StringRef name, Value operand) {
  if (!operand)
    return;
  int rank = cast<ShapedType>(operand.getType()).getRank();
  auto align = [&](StringRef what, int fromEnd, const Named &expected) {
    int position = rank - fromEnd;
    if (position < 0)
      return;
    Named own = size(what, name, operand, position);
    require(
        either(equal(own.value, constant(1)), equal(own.value, expected.value)),
        10, own.name + " must be 1 or " + expected.name, {own, expected});
  };
  align("B", 4, batch);
  align("Hq", 3, heads);
  // Of packed sequences the longest one counts: see checkContents.
  if (ragged)
    return;
  align("Sq", 2, queryLength);
  Named keys = size("Skv", name, operand, rank - 1);
  require(atMost(keys.value, room.value), 10,
          keys.name + " must be at most " + room.name, {keys, room});
}

void AttentionChecker::checkSegments() {
  if (!op.getQSegments())
    return;
  requireEqual(size("B", "q_segments", op.getQSegments(), 0), batch, 10);
  requireEqual(size("B", "kv_segments", op.getKvSegments(), 0), batch, 10);
  if (!ragged)
    requireEqual(size("Sq", "q_segments", op.getQSegments(), 1), queryLength,
                 10);
  if (!ragged && !paged)
    requireEqual(size("Skv", "kv_segments", op.getKvSegments(), 1), room, 10);
}

void AttentionChecker::checkPerBatch(StringRef name, Value operand,
                                     unsigned rule) {
  if (operand && isa<ShapedType>(operand.getType()))
    requireEqual(size("B", name, operand, 0), batch, rule);
}

void AttentionChecker::checkSugar() {
  if (Value alibi = op.getAlibi()) {
    int rank = cast<ShapedType>(alibi.getType()).getRank();
    requireEqual(size("Hq", "alibi", alibi, rank - 1), heads, 10);
    if (rank == 2)
      requireEqual(size("B", "alibi", alibi, 0), batch, 10);
  }
  checkBroadcast("bias", op.getBias());
  checkBroadcast("mask_tensor", op.getMaskTensor());
  checkSegments();
}

void AttentionChecker::checkSizes() {
  checkHeads();
  checkLengths();
  checkBatches();
  checkLse();
  checkPerBatch("q_offset", op.getQOffset(), 9);
  checkPerBatch("kv_len", op.getKvLen(), 11);
  checkPerBatch("prefix", op.getPrefix(), 10);
  checkSugar();
  if (Value sink = op.getSink())
    requireEqual(size("Hq", "sink", sink, 0), heads, 11);
  // One length for all batches is a number that every host sees.
  if (Value length = op.getKvLen();
      length && !isa<ShapedType>(length.getType()) && !ragged)
    checkKeyCount(room, /*batchIndex=*/{});
}

//===----------------------------------------------------------------------===//
// Contents
//===----------------------------------------------------------------------===//

Value AttentionChecker::element(Value operand, ValueRange at) {
  if (isa<MemRefType>(operand.getType()))
    operand = memref::LoadOp::create(b, operand, at);
  else if (isa<TensorType>(operand.getType()))
    operand = tensor::ExtractOp::create(b, operand, at);
  if (operand.getType().isIndex())
    return operand;
  return b.createOrFold<arith::IndexCastOp>(b.getIndexType(), operand);
}

/// The length of one packed sequence.
Named AttentionChecker::checkSequence(StringRef name, Value bounds,
                                      const Named &batchIndex,
                                      std::optional<Named> total) {
  Value next = arith::AddIOp::create(b, batchIndex.value, constant(1));
  Named first{(name + "[b]").str(), element(bounds, batchIndex.value)};
  Named last{(name + "[b + 1]").str(), element(bounds, next)};
  Value rises =
      both(atMost(constant(0), first.value), atMost(first.value, last.value));
  SmallVector<Named> values = {batchIndex, first, last};
  std::string end;
  if (total) {
    rises = both(rises, atMost(last.value, total->value));
    values.push_back(*total);
    end = " to at most " + total->name;
  }
  require(rises, 11, name + " must rise from 0" + end, values);
  return {(name.contains("kv") ? "keys" : "queries"),
          arith::SubIOp::create(b, last.value, first.value)};
}

/// The keys that kv_len leaves of `limit`.
Named AttentionChecker::checkKeyCount(const Named &limit,
                                      ArrayRef<Named> batchIndex) {
  Value operand = op.getKvLen();
  bool single = !isa<ShapedType>(operand.getType());
  Named length{single ? "kv_len" : "kv_len[b]",
               element(operand, single ? ValueRange() : batchIndex[0].value)};
  SmallVector<Named> values(batchIndex);
  values.append({length, limit});
  require(both(atMost(constant(0), length.value),
               atMost(length.value, limit.value)),
          11, "kv_len must lie in 0 .. " + limit.name, values);
  return {"keys", length.value};
}

/// Dimension `dim` of `operand` has a place for everything of the sequence.
void AttentionChecker::checkReach(StringRef name, Value operand, int dim,
                                  const Named &batchIndex, const Named &length,
                                  bool mayBroadcast) {
  Named own = size("length", name, operand, dim);
  Value reaches = atMost(length.value, own.value);
  if (mayBroadcast)
    reaches = either(reaches, equal(own.value, constant(1)));
  require(reaches, 10, own.name + " must reach all " + length.name,
          {batchIndex, own, length});
}

void AttentionChecker::checkPages(const Named &batchIndex, const Named &keys) {
  Named pages = size("pages", "key", op.getKey(), k.b);
  Value live = arith::CeilDivSIOp::create(b, keys.value, dim(op.getKey(), k.s));
  auto loop = scf::ForOp::create(b, constant(0), live, constant(1));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Named slot{"p", loop.getInductionVar()};
  Named page{"page_table[b, p]",
             element(op.getPageTable(), {batchIndex.value, slot.value})};
  Value exists =
      both(atMost(constant(0), page.value),
           compare(arith::CmpIPredicate::slt, page.value, pages.value));
  require(exists, 11, "page_table must name pages of key",
          {batchIndex, slot, page, pages});
}

/// A loop over the batches, and in it one over the pages. It comes last: what
/// it makes is not seen outside of it.
void AttentionChecker::checkContents() {
  bool lengths = op.getKvLen() && isa<ShapedType>(op.getKvLen().getType());
  if (!ragged && !paged && !lengths)
    return;
  // All that the loop needs from outside.
  for (int64_t value : {0, 1})
    constant(value);
  auto loop = scf::ForOp::create(b, constant(0), batch.value, constant(1));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Named batchIndex{"b", loop.getInductionVar()};
  Named queries = queryLength, keys = room;
  if (ragged) {
    queries = checkSequence("cu_seqlens_q", op.getCuSeqlensQ(), batchIndex,
                            queryLength);
    keys = checkSequence("cu_seqlens_kv", op.getCuSeqlensKv(), batchIndex,
                         paged ? std::nullopt : std::optional(room));
    if (paged)
      require(atMost(keys.value, room.value), 11,
              "page_table must have room for all keys",
              {batchIndex, keys, room});
  }
  if (op.getKvLen() && (ragged || lengths))
    keys = checkKeyCount(keys, batchIndex);
  else if (op.getKvLen())
    // One length for all batches, which checkSizes compares.
    keys = {"keys", element(op.getKvLen(), {})};
  if (ragged)
    for (auto [name, operand] :
         {std::pair(StringRef("bias"), op.getBias()),
          std::pair(StringRef("mask_tensor"), op.getMaskTensor())})
      if (int rank =
              operand ? cast<ShapedType>(operand.getType()).getRank() : 0;
          rank >= 2)
        checkReach(name, operand, rank - 2, batchIndex, queries,
                   /*mayBroadcast=*/true);
  if (op.getQSegments() && ragged)
    checkReach("q_segments", op.getQSegments(), 1, batchIndex, queries,
               /*mayBroadcast=*/false);
  if (op.getKvSegments() && (ragged || paged))
    checkReach("kv_segments", op.getKvSegments(), 1, batchIndex, keys,
               /*mayBroadcast=*/false);
  if (paged)
    checkPages(batchIndex, keys);
}

//===----------------------------------------------------------------------===//
// attn.merge
//===----------------------------------------------------------------------===//

void MergeChecker::checkSizes() {
  constexpr StringLiteral dimNames[] = {"B", "H", "S", "D"};
  for (auto [name, operand] : {std::pair(StringRef("o2"), op.getO2()),
                               std::pair(StringRef("output"), op.getInits()[0]),
                               std::pair(StringRef("lse1"), op.getLse1()),
                               std::pair(StringRef("lse2"), op.getLse2()),
                               std::pair(StringRef("lse"), op.getInits()[1])})
    for (int64_t dim = 0, rank = cast<ShapedType>(operand.getType()).getRank();
         dim < rank; ++dim)
      requireEqual(size(dimNames[dim], name, operand, dim),
                   size(dimNames[dim], "o1", op.getO1(), dim), 18);
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

namespace {
struct InsertChecks : attn::impl::InsertChecksBase<InsertChecks> {
  using Base::Base;

  void runOnOperation() override {
    // The walk does not come to what it writes: in front of the op.
    unsigned before = countChecks();
    getOperation()->walk([&](Operation *op) {
      if (auto function = dyn_cast<func::FuncOp>(op))
        nameArguments(function);
      else if (auto attention = dyn_cast<AttentionOp>(op)) {
        AttentionChecker checker(attention);
        checker.checkSizes();
        if (contents)
          checker.checkContents();
      } else if (auto merge = dyn_cast<MergeOp>(op)) {
        MergeChecker(merge).checkSizes();
      }
    });
    numChecks += countChecks() - before;
  }

private:
  unsigned countChecks() {
    unsigned count = 0;
    getOperation()->walk([&](tile::CheckOp) { ++count; });
    return count;
  }
};
} // namespace
