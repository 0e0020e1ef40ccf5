//===- Attention.cpp - attn.attention and attn.merge, executed ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The definition of docs/semantics.md, row by row: scores (rule 5), region and
// sugar (rules 6-10), masks (rules 7, 10, 14), softmax and output (rules
// 12-17). Nothing here is shared with the passes that lower the op.
//
//===----------------------------------------------------------------------===//

#include "Attention.h"
#include "ScalarProgram.h"

#include <atomic>
#include <cmath>
#include <thread>

using namespace mlir;
using namespace attn;
using namespace attn::reference;

/// Calls fn(0) ... fn(count - 1) on `threads` threads.
static void parallelFor(unsigned threads, int64_t count,
                        function_ref<void(int64_t)> fn) {
  std::atomic<int64_t> next = 0;
  auto work = [&] {
    for (int64_t n; (n = next.fetch_add(1)) < count;)
      fn(n);
  };
  std::vector<std::thread> others;
  for (unsigned n = 1; n < threads && n < count; ++n)
    others.emplace_back(work);
  work();
  for (std::thread &thread : others)
    thread.join();
}

static unsigned getThreads(const Options &options) {
  unsigned threads =
      options.threads ? options.threads : std::thread::hardware_concurrency();
  return std::max(threads, 1u);
}

namespace {

/// The accumulator of o holds sums of p v, p <= 1, of any prefix of the keys.
/// From here on such a sum may leave the range of f32 (rule 17).
constexpr double kLargestSum = 0x1p127;

/// q, k, v or o with its dimensions named.
struct View {
  Array array;
  AttentionOp::DimMap dims;

  int64_t size(int dim) const { return dim < 0 ? 1 : array.sizes[dim]; }
  int64_t stride(int dim) const { return dim < 0 ? 0 : array.strides[dim]; }
  /// Position of the element (b, h, s, 0).
  int64_t row(int64_t b, int64_t h, int64_t s) const {
    return array.offset + b * stride(dims.b) + h * stride(dims.h) +
           s * stride(dims.s);
  }
};

/// The sizes and offsets of one batch (or one sequence).
struct Sequence {
  /// First row of the packed axis (ragged), else 0.
  int64_t queryBegin = 0, keyBegin = 0;
  int64_t queries = 0, keys = 0;
  int64_t offset = 0;
  int64_t prefix = 0;
};

/// A tensor that broadcasts over b, h and i (rule 10). Its last axis is the
/// key; a short one masks the tail.
struct Broadcast {
  Array array;
  /// Positions of b, h, i in the array; -1: broadcast.
  int b = -1, h = -1, i = -1;

  int64_t keys() const { return array.sizes.back(); }
  int64_t keyStride() const { return array.strides.back(); }
  int64_t row(int64_t batch, int64_t head, int64_t query) const {
    int64_t position = array.offset;
    for (auto [dim, index] : {std::pair(b, batch), {h, head}, {i, query}})
      if (dim >= 0)
        position += index * array.strides[dim];
    return position;
  }
};

/// A number that a message gives by its name.
struct Named {
  std::string name;
  int64_t value;
};

} // namespace

static LogicalResult require(Operation *op, bool holds, int rule,
                             const Twine &message, ArrayRef<Named> values) {
  if (holds)
    return success();
  InFlightDiagnostic error = op->emitError("rule ") << rule << ": " << message;
  for (auto [n, named] : llvm::enumerate(values))
    error << (n ? ", " : " (") << named.name << " = " << named.value;
  return error << ")";
}

static LogicalResult requireEqual(Operation *op, const Named &size,
                                  const Named &expected, int rule) {
  return require(op, size.value == expected.value, rule,
                 size.name + " must be " + expected.name, {size, expected});
}

static Named sizeOf(StringRef what, StringRef operand, const Array &array,
                    int dim) {
  return {(what + " of " + operand).str(), array.sizes[dim]};
}

namespace {

/// Register numbers of what a region is given besides captures.
struct RegionInputs {
  int score = -1, b = -1, h = -1, i = -1, j = -1;
  int offset = -1, queries = -1, keys = -1;
};

struct Region {
  std::optional<ScalarProgram> program;
  RegionInputs inputs;
  int result = -1;
};

/// One attn.attention with everything resolved and checked.
class Problem {
public:
  Problem(AttentionOp op, const Environment &env) : op(op), env(env) {}

  LogicalResult bind(MutableArrayRef<Array> destinations);
  double getMagnitude() const { return magnitude; }
  double getLogitMagnitude() const { return logitMagnitude; }
  template <typename F> void execute(const Options &options);
  /// Shows the rows that the observer wants, and computes nothing else.
  void observe(RowObserver &observer) const;

private:
  template <typename F> struct Head;
  template <typename F> struct Scratch;

  const Array &getArray(Value value) const {
    return std::get<Array>(env.find(value)->second);
  }
  LogicalResult require(bool holds, int rule, const Twine &message,
                        ArrayRef<Named> values) {
    return ::require(op, holds, rule, message, values);
  }
  LogicalResult requireEqual(const Named &size, const Named &expected,
                             int rule) {
    return ::requireEqual(op, size, expected, rule);
  }
  LogicalResult checkHeads();
  LogicalResult checkLengths();
  LogicalResult checkBatches();
  LogicalResult checkLse();
  LogicalResult checkPerBatch(StringRef name, Value value, int rule);
  LogicalResult checkBroadcast(StringRef name, Value value);
  LogicalResult checkSegments();
  LogicalResult checkSugar();
  LogicalResult checkSizes();
  LogicalResult checkReach(StringRef name, Value value, int dim, bool ofQueries,
                           bool mayBroadcast);
  LogicalResult bindBounds(StringRef name, Value cumulative,
                           std::optional<Named> total, int64_t Sequence::*begin,
                           int64_t Sequence::*length);
  LogicalResult bindKeyCounts();
  LogicalResult checkPages();
  LogicalResult bindSequences();
  void bindPerBatch(Value value, int64_t Sequence::*field);
  std::optional<Broadcast> bindBroadcast(Value value);
  void bindSugar();
  LogicalResult bindRegion(mlir::Region &source, bool isScore, Region &region);

  /// Position of row `j` of the keys or values of batch b.
  int64_t keyRow(const View &view, int64_t b, int64_t h, int64_t j) const {
    if (!pages)
      return view.row(b < 0 ? 0 : b, h, j);
    int64_t size = view.size(view.dims.s);
    int64_t page = pages->buffer->ints[pages->at({b, j / size})];
    return view.row(page, h, j % size);
  }

  template <typename F> Head<F> pack(int64_t b, int64_t hk) const;
  template <typename F>
  void runRegion(const Region &region, Registers<F> &registers, int64_t b,
                 int64_t h, int64_t i, MutableArrayRef<F> scores,
                 MutableArrayRef<uint8_t> attended) const;
  /// From scaled scores of a row to those that softmax sees, and what the row
  /// attends.
  template <typename F>
  void finishScores(Scratch<F> &scratch, int64_t b, int64_t h, int64_t i) const;
  template <typename F>
  void executeRow(const Head<F> &head, Scratch<F> &scratch, int64_t b,
                  int64_t h, int64_t i);
  template <typename F>
  void sumMagnitudes(const Head<F> &head, Scratch<F> &scratch,
                     ArrayRef<uint8_t> attended);
  template <typename F>
  void sumLogitMagnitudes(const Head<F> &head, const Scratch<F> &scratch,
                          double queryNorm);

  AttentionOp op;
  const Environment &env;
  View q, k, v, o;
  std::optional<Array> lse, alibi, sink, qSegments, kvSegments, pages;
  std::optional<Broadcast> bias, mask;
  Region score, maskRegion;
  std::vector<Sequence> sequences;
  int64_t batches = 0, queryHeads = 0, keyHeads = 0, headSize = 0,
          valueSize = 0;
  Named batch, heads, queryLength;
  /// Rows of keys that a batch has room for (ragged: all of them together).
  Named room;
  double scale = 1;
  bool ragged = false, causal = false;
  std::optional<double> softcap;
  int64_t left = kUnbounded, right = kUnbounded;
  /// The largest sum of p |v| so far.
  std::atomic<double> magnitude = 0;
  /// The largest mean of |scale| |q| |k|, weighted by p, of a row so far.
  std::atomic<double> logitMagnitude = 0;
};

} // namespace

//===----------------------------------------------------------------------===//
// Binding: sizes, checked at run time where types leave them open
//===----------------------------------------------------------------------===//

// In the words and the order of the checks of a launch (attn-insert-checks),
// which share nothing with this file; attn-test compares them.

LogicalResult Problem::checkHeads() {
  Named keyHeads = sizeOf("Hkv", "key", k.array, k.dims.h);
  bool isMultiple =
      keyHeads.value ? heads.value % keyHeads.value == 0 : heads.value == 0;
  return failure(failed(require(isMultiple, 2,
                                "Hq of query must be a multiple of Hkv of key",
                                {heads, keyHeads})) ||
                 failed(requireEqual(sizeOf("Hkv", "value", v.array, v.dims.h),
                                     keyHeads, 1)) ||
                 failed(requireEqual(sizeOf("Hq", "output", o.array, o.dims.h),
                                     heads, 1)));
}

LogicalResult Problem::checkLengths() {
  StringRef rows = pages ? "page size" : ragged ? "T" : "Skv";
  Named keyRows = sizeOf(rows, "key", k.array, k.dims.s);
  return failure(failed(requireEqual(sizeOf(rows, "value", v.array, v.dims.s),
                                     keyRows, 1)) ||
                 failed(requireEqual(
                     sizeOf(ragged ? "T" : "Sq", "output", o.array, o.dims.s),
                     queryLength, 1)) ||
                 (pages && failed(require(keyRows.value >= 1, 11,
                                          "page size of key must be at least 1",
                                          {keyRows}))));
}

LogicalResult Problem::checkBatches() {
  if (ragged) {
    Named entries =
        sizeOf("entries", "cu_seqlens_q", getArray(op.getCuSeqlensQ()), 0);
    if (failed(require(entries.value >= 1, 11,
                       "cu_seqlens_q must have B + 1 entries", {entries})) ||
        failed(requireEqual(sizeOf("entries", "cu_seqlens_kv",
                                   getArray(op.getCuSeqlensKv()), 0),
                            entries, 11)))
      return failure();
  } else if (failed(requireEqual(sizeOf("B", "output", o.array, o.dims.b),
                                 batch, 1))) {
    return failure();
  }
  if (pages)
    return failure(
        failed(requireEqual(sizeOf("B", "page_table", *pages, 0), batch, 11)) ||
        failed(requireEqual(sizeOf("pages", "value", v.array, v.dims.b),
                            sizeOf("pages", "key", k.array, k.dims.b), 11)));
  return failure(
      !ragged &&
      (failed(requireEqual(sizeOf("B", "key", k.array, k.dims.b), batch, 1)) ||
       failed(
           requireEqual(sizeOf("B", "value", v.array, v.dims.b), batch, 1))));
}

LogicalResult Problem::checkLse() {
  if (!lse)
    return success();
  int first = ragged ? 0 : 1;
  return failure(
      (!ragged &&
       failed(requireEqual(sizeOf("B", "lse", *lse, 0), batch, 1))) ||
      failed(requireEqual(sizeOf("Hq", "lse", *lse, first), heads, 1)) ||
      failed(requireEqual(sizeOf(ragged ? "T" : "Sq", "lse", *lse, first + 1),
                          queryLength, 1)));
}

LogicalResult Problem::checkPerBatch(StringRef name, Value value, int rule) {
  if (!value || !isa<ShapedType>(value.getType()))
    return success();
  return requireEqual(sizeOf("B", name, getArray(value), 0), batch, rule);
}

LogicalResult Problem::checkBroadcast(StringRef name, Value value) {
  if (!value)
    return success();
  const Array &array = getArray(value);
  int rank = array.getRank();
  auto align = [&](StringRef what, int fromEnd, const Named &expected) {
    int position = rank - fromEnd;
    if (position < 0)
      return success();
    Named own = sizeOf(what, name, array, position);
    return require(own.value == 1 || own.value == expected.value, 10,
                   own.name + " must be 1 or " + expected.name,
                   {own, expected});
  };
  if (failed(align("B", 4, batch)) || failed(align("Hq", 3, heads)))
    return failure();
  // Of packed sequences the longest one counts: see bindSequences.
  if (ragged)
    return success();
  Named keys = sizeOf("Skv", name, array, rank - 1);
  return failure(failed(align("Sq", 2, queryLength)) ||
                 failed(require(keys.value <= room.value, 10,
                                keys.name + " must be at most " + room.name,
                                {keys, room})));
}

LogicalResult Problem::checkSegments() {
  if (!op.getQSegments())
    return success();
  const Array &ofQueries = getArray(op.getQSegments());
  const Array &ofKeys = getArray(op.getKvSegments());
  return failure(
      failed(
          requireEqual(sizeOf("B", "q_segments", ofQueries, 0), batch, 10)) ||
      failed(requireEqual(sizeOf("B", "kv_segments", ofKeys, 0), batch, 10)) ||
      (!ragged && failed(requireEqual(sizeOf("Sq", "q_segments", ofQueries, 1),
                                      queryLength, 10))) ||
      (!ragged && !pages &&
       failed(
           requireEqual(sizeOf("Skv", "kv_segments", ofKeys, 1), room, 10))));
}

LogicalResult Problem::checkSugar() {
  if (Value value = op.getAlibi()) {
    const Array &slopes = getArray(value);
    if (failed(requireEqual(sizeOf("Hq", "alibi", slopes, slopes.getRank() - 1),
                            heads, 10)) ||
        (slopes.getRank() == 2 &&
         failed(requireEqual(sizeOf("B", "alibi", slopes, 0), batch, 10))))
      return failure();
  }
  return failure(failed(checkBroadcast("bias", op.getBias())) ||
                 failed(checkBroadcast("mask_tensor", op.getMaskTensor())) ||
                 failed(checkSegments()));
}

LogicalResult Problem::checkSizes() {
  heads = sizeOf("Hq", "query", q.array, q.dims.h);
  queryLength = sizeOf(ragged ? "T" : "Sq", "query", q.array, q.dims.s);
  room = sizeOf(ragged ? "T" : "Skv", "key", k.array, k.dims.s);
  if (pages)
    room = {"room in page_table", room.value * pages->sizes[1]};
  batch = ragged ? Named{"sequences of cu_seqlens_q",
                         getArray(op.getCuSeqlensQ()).sizes[0] - 1}
                 : sizeOf("B", "query", q.array, q.dims.b);
  if (failed(checkHeads()) || failed(checkLengths()) ||
      failed(checkBatches()) || failed(checkLse()) ||
      failed(checkPerBatch("q_offset", op.getQOffset(), 9)) ||
      failed(checkPerBatch("kv_len", op.getKvLen(), 11)) ||
      failed(checkPerBatch("prefix", op.getPrefix(), 10)) ||
      failed(checkSugar()))
    return failure();
  Value sinks = op.getSink();
  return failure(sinks &&
                 failed(requireEqual(sizeOf("Hq", "sink", getArray(sinks), 0),
                                     heads, 11)));
}

//===----------------------------------------------------------------------===//
// Binding: lengths and pages
//===----------------------------------------------------------------------===//

LogicalResult Problem::bindBounds(StringRef name, Value cumulative,
                                  std::optional<Named> total,
                                  int64_t Sequence::*begin,
                                  int64_t Sequence::*length) {
  const Array &bounds = getArray(cumulative);
  for (auto [b, sequence] : llvm::enumerate(sequences)) {
    int64_t index = b;
    Named first{(name + "[b]").str(), bounds.buffer->ints[bounds.at({index})]};
    Named last{(name + "[b + 1]").str(),
               bounds.buffer->ints[bounds.at({index + 1})]};
    bool rises = 0 <= first.value && first.value <= last.value &&
                 (!total || last.value <= total->value);
    SmallVector<Named> values = {{"b", index}, first, last};
    std::string end;
    if (total) {
      values.push_back(*total);
      end = " to at most " + total->name;
    }
    if (failed(require(rises, 11, name + " must rise from 0" + end, values)))
      return failure();
    sequence.*begin = first.value;
    sequence.*length = last.value - first.value;
  }
  return success();
}

/// kv_len cuts keys, so it cannot add any to a ragged sequence.
LogicalResult Problem::bindKeyCounts() {
  Value operand = op.getKvLen();
  if (!operand)
    return success();
  const RuntimeValue &bound = env.find(operand)->second;
  const Array *array = std::get_if<Array>(&bound);
  if (!array && !ragged) {
    Named length{"kv_len", std::get<int64_t>(bound)};
    for (Sequence &sequence : sequences)
      sequence.keys = length.value;
    return require(0 <= length.value && length.value <= room.value, 11,
                   "kv_len must lie in 0 .. " + room.name, {length, room});
  }
  for (auto [b, sequence] : llvm::enumerate(sequences)) {
    int64_t index = b;
    Named length{array ? "kv_len[b]" : "kv_len",
                 array ? array->buffer->ints[array->at({index})]
                       : std::get<int64_t>(bound)};
    Named limit{ragged ? "keys" : room.name, sequence.keys};
    if (failed(require(0 <= length.value && length.value <= limit.value, 11,
                       "kv_len must lie in 0 .. " + limit.name,
                       {{"b", index}, length, limit})))
      return failure();
    sequence.keys = length.value;
  }
  return success();
}

/// Dimension `dim` of `value` has a place for everything of each sequence.
LogicalResult Problem::checkReach(StringRef name, Value value, int dim,
                                  bool ofQueries, bool mayBroadcast) {
  Named own = sizeOf("length", name, getArray(value), dim);
  // Keys that one number for all batches leaves are not asked for.
  bool counted =
      ragged || (op.getKvLen() && isa<ShapedType>(op.getKvLen().getType()));
  for (auto [b, sequence] : llvm::enumerate(sequences)) {
    Named length = ofQueries ? Named{"queries", sequence.queries}
                   : counted ? Named{"keys", sequence.keys}
                             : room;
    bool reaches =
        length.value <= own.value || (mayBroadcast && own.value == 1);
    if (failed(require(reaches, 10, own.name + " must reach all " + length.name,
                       {{"b", static_cast<int64_t>(b)}, own, length})))
      return failure();
  }
  return success();
}

/// Pages that a query can reach must exist; the others may be anything.
LogicalResult Problem::checkPages() {
  int64_t pageSize = k.size(k.dims.s);
  Named count = sizeOf("pages", "key", k.array, k.dims.b);
  for (auto [b, sequence] : llvm::enumerate(sequences))
    for (int64_t slot = 0; slot * pageSize < sequence.keys; ++slot) {
      int64_t index = b;
      Named page{"page_table[b, p]",
                 pages->buffer->ints[pages->at({index, slot})]};
      if (failed(require(0 <= page.value && page.value < count.value, 11,
                         "page_table must name pages of key",
                         {{"b", index}, {"p", slot}, page, count})))
        return failure();
    }
  return success();
}

void Problem::bindPerBatch(Value value, int64_t Sequence::*field) {
  if (!value)
    return;
  const RuntimeValue &bound = env.find(value)->second;
  const Array *array = std::get_if<Array>(&bound);
  for (auto [b, sequence] : llvm::enumerate(sequences))
    sequence.*field =
        array ? array->buffer->ints[array->at({static_cast<int64_t>(b)})]
              : std::get<int64_t>(bound);
}

LogicalResult Problem::bindSequences() {
  sequences.resize(batches);
  for (Sequence &sequence : sequences) {
    sequence.queries = queryLength.value;
    sequence.keys = room.value;
  }
  if (ragged) {
    if (failed(bindBounds("cu_seqlens_q", op.getCuSeqlensQ(), queryLength,
                          &Sequence::queryBegin, &Sequence::queries)) ||
        failed(bindBounds("cu_seqlens_kv", op.getCuSeqlensKv(),
                          pages ? std::nullopt : std::optional(room),
                          &Sequence::keyBegin, &Sequence::keys)))
      return failure();
    for (auto [b, sequence] : llvm::enumerate(sequences)) {
      if (!pages)
        break;
      // Pages hold each sequence from its row 0.
      sequence.keyBegin = 0;
      if (failed(require(
              sequence.keys <= room.value, 11,
              "page_table must have room for all keys",
              {{"b", static_cast<int64_t>(b)}, {"keys", sequence.keys}, room})))
        return failure();
    }
  }
  if (failed(bindKeyCounts()))
    return failure();
  for (auto [name, value] : {std::pair(StringRef("bias"), op.getBias()),
                             {"mask_tensor", op.getMaskTensor()}})
    if (int64_t rank = value ? getArray(value).getRank() : 0;
        ragged && rank >= 2 &&
        failed(checkReach(name, value, rank - 2, /*ofQueries=*/true,
                          /*mayBroadcast=*/true)))
      return failure();
  if (op.getQSegments() &&
      ((ragged && failed(checkReach("q_segments", op.getQSegments(), 1,
                                    /*ofQueries=*/true,
                                    /*mayBroadcast=*/false))) ||
       ((ragged || pages) &&
        failed(checkReach("kv_segments", op.getKvSegments(), 1,
                          /*ofQueries=*/false, /*mayBroadcast=*/false)))))
    return failure();
  if (pages && failed(checkPages()))
    return failure();
  bindPerBatch(op.getQOffset(), &Sequence::offset);
  bindPerBatch(op.getPrefix(), &Sequence::prefix);
  if (op.getCausal() && *op.getCausal() == CausalAlignment::BottomRight)
    for (Sequence &sequence : sequences)
      sequence.offset = sequence.keys - sequence.queries;
  return success();
}

std::optional<Broadcast> Problem::bindBroadcast(Value value) {
  if (!value)
    return std::nullopt;
  Broadcast result;
  result.array = getArray(value);
  int rank = result.array.getRank();
  for (auto [distance, dim] :
       {std::pair(2, &result.i), {3, &result.h}, {4, &result.b}})
    if (rank >= distance && result.array.sizes[rank - distance] != 1)
      *dim = rank - distance;
  return result;
}

void Problem::bindSugar() {
  causal = op.getCausalAttr() != nullptr;
  if (WindowAttr window = op.getWindowAttr()) {
    left = window.getLeft();
    right = window.getRight();
  }
  if (std::optional<float> cap = op.getSoftcap())
    softcap = *cap;
  if (Value value = op.getAlibi())
    alibi = getArray(value);
  if (Value value = op.getSink())
    sink = getArray(value);
  if (op.getQSegments()) {
    qSegments = getArray(op.getQSegments());
    kvSegments = getArray(op.getKvSegments());
  }
  bias = bindBroadcast(op.getBias());
  mask = bindBroadcast(op.getMaskTensor());
}

LogicalResult Problem::bindRegion(mlir::Region &source, bool isScore,
                                  Region &region) {
  if (source.empty())
    return success();
  RegionInputs &inputs = region.inputs;
  region.program.emplace(env, [&inputs](Operation &inner) {
    if (isa<QOffsetOp>(inner))
      return inputs.offset;
    if (isa<QLenOp>(inner))
      return inputs.queries;
    if (isa<KVLenOp>(inner))
      return inputs.keys;
    return -1;
  });
  ScalarProgram &program = *region.program;
  inputs.offset = program.addIntInput();
  inputs.queries = program.addIntInput();
  inputs.keys = program.addIntInput();

  Block &block = source.front();
  unsigned own = isScore ? 5 : 4;
  if (block.getNumArguments() != own + op.getCaptures().size())
    return op.emitOpError()
           << (isScore ? "score" : "mask") << " region has "
           << block.getNumArguments() << " arguments, expected "
           << own + op.getCaptures().size() << " (rule 6)";
  ArrayRef<BlockArgument> arguments = block.getArguments();
  if (isScore) {
    inputs.score = program.addInput(arguments[0]);
    arguments = arguments.drop_front();
  }
  inputs.b = program.addInput(arguments[0]);
  inputs.h = program.addInput(arguments[1]);
  inputs.i = program.addInput(arguments[2]);
  inputs.j = program.addInput(arguments[3]);
  for (auto [argument, capture] :
       llvm::zip_equal(arguments.drop_front(4), op.getCaptures())) {
    if (const Array *array = std::get_if<Array>(&env.find(capture)->second))
      program.addArray(argument, *array);
    else
      program.alias(argument, program.getRegister(capture, *op));
  }
  if (failed(program.append(block)))
    return failure();
  region.result =
      program.getRegister(block.getTerminator()->getOperand(0), *op);
  return success(region.result >= 0);
}

LogicalResult Problem::bind(MutableArrayRef<Array> destinations) {
  ragged = op.isRagged();
  q = {getArray(op.getQuery()), op.getDimMap(op.getQueryLayout())};
  k = {getArray(op.getKey()), op.getDimMap(op.getKeyLayout())};
  v = {getArray(op.getValue()), op.getDimMap(op.getValueLayout())};
  o = {destinations[0], op.getDimMap(op.getOutputLayout())};
  if (destinations.size() > 1)
    lse = destinations[1];
  if (op.isPaged())
    pages = getArray(op.getPageTable());
  if (failed(checkSizes()))
    return failure();
  batches = batch.value;
  queryHeads = heads.value;
  keyHeads = k.size(k.dims.h);
  headSize = q.size(q.dims.d);
  valueSize = v.size(v.dims.d);
  bindSugar();
  if (failed(bindSequences()) ||
      failed(bindRegion(op.getScore(), /*isScore=*/true, score)) ||
      failed(bindRegion(op.getMask(), /*isScore=*/false, maskRegion)))
    return failure();

  // An f64 is rounded to f32 (rule 5).
  if (Value value = op.getScale())
    scale = static_cast<float>(std::get<double>(env.find(value)->second));
  else if (std::optional<float> constant = op.getScaleValue())
    scale = *constant;
  else if (headSize > 0)
    scale = 1 / std::sqrt(static_cast<double>(headSize));
  // Dk = 0: every score is 0, whatever the default scale would be (rule 3).
  return success();
}

//===----------------------------------------------------------------------===//
// Execution
//===----------------------------------------------------------------------===//

/// Keys (transposed, so that a row of scores is a sum of rows) and values of
/// one key head, dense and in the type that is computed in.
template <typename F> struct Problem::Head {
  std::vector<F> keysT, values;
  /// Of each key, in float64 only.
  std::vector<double> keyNorms;
  /// Some values together could exceed kLargestSum.
  bool isLarge = false;
};

/// What a thread needs for one row.
template <typename F> struct Problem::Scratch {
  std::vector<F> query, scores, p, acc;
  std::vector<double> magnitudes;
  std::vector<uint8_t> attended;
  Registers<F> score, mask;
};

template <typename F>
Problem::Head<F> Problem::pack(int64_t b, int64_t hk) const {
  const Sequence &sequence = sequences[b];
  int64_t keys = sequence.keys;
  // With cu_seqlens there is no batch dimension, unless pages have their own.
  int64_t batch = ragged && !pages ? 0 : b;
  Head<F> head;
  head.keysT.resize(headSize * keys);
  head.values.resize(keys * valueSize);
  for (int64_t j = 0; j < keys; ++j) {
    int64_t keyBase = keyRow(k, batch, hk, sequence.keyBegin + j);
    for (int64_t d = 0; d < headSize; ++d)
      head.keysT[d * keys + j] = static_cast<F>(
          k.array.buffer->floats[keyBase + d * k.stride(k.dims.d)]);
    int64_t valueBase = keyRow(v, batch, hk, sequence.keyBegin + j);
    for (int64_t d = 0; d < valueSize; ++d)
      head.values[j * valueSize + d] = static_cast<F>(
          v.array.buffer->floats[valueBase + d * v.stride(v.dims.d)]);
  }
  if (std::is_same_v<F, double>) {
    head.keyNorms.assign(keys, 0);
    for (int64_t n = 0, e = head.keysT.size(); n < e; ++n)
      head.keyNorms[n % keys] += head.keysT[n] * head.keysT[n];
    for (double &norm : head.keyNorms)
      norm = std::sqrt(norm);
  }
  head.isLarge = llvm::any_of(head.values, [&](F value) {
    return std::fabs(value) >= kLargestSum / static_cast<double>(keys);
  });
  return head;
}

/// Runs the score region on `scores`, or the mask region into `attended`.
template <typename F>
void Problem::runRegion(const Region &region, Registers<F> &registers,
                        int64_t b, int64_t h, int64_t i,
                        MutableArrayRef<F> scores,
                        MutableArrayRef<uint8_t> attended) const {
  const RegionInputs &inputs = region.inputs;
  const Sequence &sequence = sequences[b];
  constexpr int64_t rowSize = Registers<F>::rowSize;
  std::fill_n(registers.intRow(inputs.b), rowSize, b);
  std::fill_n(registers.intRow(inputs.h), rowSize, h);
  std::fill_n(registers.intRow(inputs.i), rowSize, i);
  std::fill_n(registers.intRow(inputs.offset), rowSize, sequence.offset);
  std::fill_n(registers.intRow(inputs.queries), rowSize, sequence.queries);
  std::fill_n(registers.intRow(inputs.keys), rowSize, sequence.keys);
  for (int64_t j0 = 0; j0 < sequence.keys; j0 += rowSize) {
    int64_t count = std::min(rowSize, sequence.keys - j0);
    int64_t *keys = registers.intRow(inputs.j);
    for (int64_t n = 0; n < count; ++n)
      keys[n] = j0 + n;
    if (inputs.score >= 0)
      std::copy_n(scores.data() + j0, count, registers.floatRow(inputs.score));
    region.program->run(registers, count);
    if (inputs.score >= 0)
      std::copy_n(registers.floatRow(region.result), count, scores.data() + j0);
    else
      std::copy_n(registers.intRow(region.result), count, attended.data() + j0);
  }
}

/// Raises `maximum` to a finite value that is larger.
static void raiseTo(std::atomic<double> &maximum, double value) {
  double largest = maximum;
  while (std::isfinite(value) && value > largest &&
         !maximum.compare_exchange_weak(largest, value)) {
  }
}

/// What o's roundings are relative to. In float64: the sum of p |v| behind each
/// element (rule 20). In f32: the sum of |v|, which bounds every partial sum of
/// an accumulator that is divided at the end; where it is too large, u is
/// infinite and nothing is promised (rule 17).
template <typename F>
void Problem::sumMagnitudes(const Head<F> &head, Scratch<F> &scratch,
                            ArrayRef<uint8_t> attended) {
  constexpr bool isReference = std::is_same_v<F, double>;
  std::vector<double> &sums = scratch.magnitudes;
  sums.assign(valueSize, 0);
  for (int64_t j = 0, e = attended.size(); j < e; ++j) {
    if (!attended[j])
      continue;
    const F *values = head.values.data() + j * valueSize;
    double weight = isReference ? scratch.p[j] : 1;
    for (int64_t d = 0; d < valueSize; ++d)
      sums[d] += weight * std::fabs(values[d]);
  }
  for (int64_t d = 0; d < valueSize; ++d) {
    if (!isReference && sums[d] >= kLargestSum && std::isfinite(sums[d]))
      scratch.acc[d] = std::numeric_limits<F>::infinity();
    if (isReference)
      raiseTo(magnitude, sums[d]);
  }
}

/// What the roundings of q k are relative to: by Cauchy and Schwarz no partial
/// sum exceeds |q| |k|; a key counts as much as it weighs.
template <typename F>
void Problem::sumLogitMagnitudes(const Head<F> &head, const Scratch<F> &scratch,
                                 double queryNorm) {
  double sum = 0;
  for (int64_t j = 0, e = head.keyNorms.size(); j < e; ++j)
    if (scratch.p[j] != 0)
      sum += scratch.p[j] * head.keyNorms[j];
  raiseTo(logitMagnitude, std::fabs(scale) * queryNorm * sum);
}

template <typename F>
void Problem::finishScores(Scratch<F> &scratch, int64_t b, int64_t h,
                           int64_t i) const {
  const Sequence &sequence = sequences[b];
  const int64_t keys = sequence.keys;
  constexpr F inf = std::numeric_limits<F>::infinity();
  MutableArrayRef<F> s(scratch.scores);

  // Score region, softcap, ALiBi, bias: in this order (rule 10).
  if (score.program)
    runRegion<F>(score, scratch.score, b, h, i, s, {});
  if (softcap) {
    F cap = static_cast<F>(*softcap);
    for (F &x : s)
      x = cap * std::tanh(x / cap);
  }
  // Positions and distances wrap, as integers of regions do (rule 8).
  int64_t position;
  llvm::AddOverflow(i, sequence.offset, position);
  auto distance = [](int64_t from, int64_t to) {
    int64_t result;
    llvm::SubOverflow(to, from, result);
    return result;
  };
  if (alibi) {
    F slope = static_cast<F>(
        alibi->buffer->floats[alibi->getRank() == 2 ? alibi->at({b, h})
                                                    : alibi->at({h})]);
    for (int64_t j = 0; j < keys; ++j)
      s[j] -= slope * std::fabs(static_cast<F>(distance(j, position)));
  }
  if (bias) {
    int64_t base = bias->row(b, h, i);
    for (int64_t j = 0, e = std::min(keys, bias->keys()); j < e; ++j)
      s[j] += static_cast<F>(
          bias->array.buffer->floats[base + j * bias->keyStride()]);
  }

  // Masks (rules 7, 10), ANDed. A prefix relaxes causal only.
  scratch.attended.assign(keys, true);
  MutableArrayRef<uint8_t> attended(scratch.attended);
  if (maskRegion.program)
    runRegion<F>(maskRegion, scratch.mask, b, h, i, {}, attended);
  auto keepWhere = [&](auto keep) {
    for (int64_t j = 0; j < keys; ++j)
      attended[j] = attended[j] && keep(j);
  };
  keepWhere([&](int64_t j) {
    return (!causal || j <= position || j < sequence.prefix) &&
           distance(j, position) <= left && distance(position, j) <= right;
  });
  if (qSegments)
    keepWhere([&](int64_t j) {
      return qSegments->buffer->ints[qSegments->at({b, i})] ==
             kvSegments->buffer->ints[kvSegments->at({b, j})];
    });
  if (mask)
    keepWhere([&, base = mask->row(b, h, i)](int64_t j) {
      return j < mask->keys() &&
             mask->array.buffer->ints[base + j * mask->keyStride()] != 0;
    });
  if (bias)
    keepWhere([&](int64_t j) { return j < bias->keys(); });
  // A score of -inf is not attended (rule 14).
  keepWhere([&](int64_t j) { return s[j] != -inf; });
}

template <typename F>
void Problem::executeRow(const Head<F> &head, Scratch<F> &scratch, int64_t b,
                         int64_t h, int64_t i) {
  const Sequence &sequence = sequences[b];
  const int64_t keys = sequence.keys;
  const int64_t batch = ragged ? 0 : b;
  const int64_t row = sequence.queryBegin + i;
  constexpr F inf = std::numeric_limits<F>::infinity();
  constexpr F nan = std::numeric_limits<F>::quiet_NaN();

  // Scores (rule 5).
  scratch.scores.assign(keys, 0);
  MutableArrayRef<F> s(scratch.scores);
  int64_t queryBase = q.row(batch, h, row);
  double querySquare = 0;
  for (int64_t d = 0; d < headSize; ++d) {
    F x = static_cast<F>(
        q.array.buffer->floats[queryBase + d * q.stride(q.dims.d)]);
    querySquare += static_cast<double>(x) * x;
    const F *keyRow = head.keysT.data() + d * keys;
    for (int64_t j = 0; j < keys; ++j)
      s[j] += x * keyRow[j];
  }
  for (F &x : s)
    x *= static_cast<F>(scale);
  finishScores(scratch, b, h, i);
  MutableArrayRef<uint8_t> attended(scratch.attended);

  // Softmax (rules 12-15); a sink is one more logit without a value (rule 11).
  F max = sink ? static_cast<F>(sink->buffer->floats[sink->at({h})]) : -inf;
  bool poisoned = std::isnan(max) || max == inf;
  const F sinkLogit = max;
  bool any = max != -inf;
  for (int64_t j = 0; j < keys; ++j)
    if (attended[j]) {
      poisoned |= std::isnan(s[j]) || s[j] == inf;
      max = std::max(max, s[j]);
      any = true;
    }
  scratch.p.assign(keys, 0);
  scratch.acc.assign(valueSize, 0);
  F sum = 0, logSum = -inf;
  if (poisoned) {
    std::fill(scratch.acc.begin(), scratch.acc.end(), nan);
    logSum = nan;
  } else if (any) {
    for (int64_t j = 0; j < keys; ++j)
      if (attended[j])
        sum += scratch.p[j] = std::exp(s[j] - max);
    if (sink)
      sum += std::exp(sinkLogit - max);
    logSum = max + std::log(sum);
    // The unfused computation rounds P to v's type (rules 17, 20).
    std::optional<Rounding> rounding;
    if constexpr (std::is_same_v<F, float>)
      rounding.emplace(cast<FloatType>(v.array.elementType));
    bool rounds = rounding && v.array.elementType.getIntOrFloatBitWidth() < 32;
    for (int64_t j = 0; j < keys; ++j) {
      if (!attended[j])
        continue;
      F &p = scratch.p[j];
      p /= sum;
      if (rounds)
        p = static_cast<F>((*rounding)(p));
      const F *values = head.values.data() + j * valueSize;
      for (int64_t d = 0; d < valueSize; ++d)
        scratch.acc[d] += p * values[d];
    }
    if (std::is_same_v<F, double> || head.isLarge)
      sumMagnitudes<F>(head, scratch, attended);
    if (std::is_same_v<F, double>)
      sumLogitMagnitudes<F>(head, scratch, std::sqrt(querySquare));
  }

  int64_t outputBase = o.row(batch, h, row);
  for (int64_t d = 0; d < valueSize; ++d)
    o.array.buffer->floats[outputBase + d * o.stride(o.dims.d)] =
        scratch.acc[d];
  if (lse)
    lse->buffer->floats[ragged ? lse->at({h, row}) : lse->at({b, h, i})] =
        logSum;
}

template <typename F> void Problem::execute(const Options &options) {
  constexpr int64_t rowsPerTask = 16;
  const int64_t group = keyHeads ? queryHeads / keyHeads : 0;
  const unsigned threads = getThreads(options);

  int64_t numRows = 0;
  for (const Sequence &sequence : sequences)
    numRows += sequence.queries * queryHeads;
  std::atomic<int64_t> rowsDone = 0;
  // Rows [begin, end) of the query heads of one key head, head after head.
  auto runRows = [&](const Head<F> &head, int64_t b, int64_t hk, int64_t begin,
                     int64_t end) {
    Scratch<F> scratch;
    if (score.program)
      scratch.score = score.program->makeRegisters<F>();
    if (maskRegion.program)
      scratch.mask = maskRegion.program->makeRegisters<F>();
    int64_t queries = sequences[b].queries;
    for (int64_t n = begin; n < end; ++n) {
      executeRow(head, scratch, b, hk * group + n / queries, n % queries);
      if (options.progress)
        *options.progress = static_cast<double>(++rowsDone) / numRows;
    }
  };

  int64_t tasks = batches * keyHeads;
  if (tasks >= threads)
    return parallelFor(threads, tasks, [&](int64_t task) {
      int64_t b = task / keyHeads, hk = task % keyHeads;
      runRows(pack<F>(b, hk), b, hk, 0, group * sequences[b].queries);
    });
  // Few heads: the threads share the rows of each.
  for (int64_t task = 0; task < tasks; ++task) {
    int64_t b = task / keyHeads, hk = task % keyHeads;
    Head<F> head = pack<F>(b, hk);
    int64_t rows = group * sequences[b].queries;
    parallelFor(threads, llvm::divideCeil(rows, rowsPerTask), [&](int64_t n) {
      runRows(head, b, hk, n * rowsPerTask,
              std::min(rows, (n + 1) * rowsPerTask));
    });
  }
}

void Problem::observe(RowObserver &observer) const {
  Scratch<float> scratch;
  if (score.program)
    scratch.score = score.program->makeRegisters<float>();
  if (maskRegion.program)
    scratch.mask = maskRegion.program->makeRegisters<float>();
  for (int64_t b = 0; b < batches; ++b)
    for (int64_t h = 0; h < queryHeads; ++h)
      for (int64_t i = 0; i < sequences[b].queries; ++i) {
        Row row{op, b, h, i, sequences[b].queries, sequences[b].keys};
        if (!observer.wants(row))
          continue;
        // Conditions on i and j decide, not the score.
        scratch.scores.assign(sequences[b].keys, 0);
        finishScores(scratch, b, h, i);
        observer.see(row, scratch.attended);
      }
}

LogicalResult
attn::reference::executeAttention(AttentionOp op, const Environment &env,
                                  MutableArrayRef<Array> destinations,
                                  const Options &options) {
  Problem problem(op, env);
  if (failed(verifyRegionSizes(op)) || failed(problem.bind(destinations)))
    return failure();
  if (options.observer) {
    problem.observe(*options.observer);
    return success();
  }
  if (options.mode == Mode::Float64)
    problem.execute<double>(options);
  else
    problem.execute<float>(options);
  destinations[0].buffer->magnitude = problem.getMagnitude();
  destinations[0].buffer->logitMagnitude = problem.getLogitMagnitude();
  return success();
}

//===----------------------------------------------------------------------===//
// attn.merge (rule 18)
//===----------------------------------------------------------------------===//

/// The largest finite magnitude of an array.
static double largestOf(const Array &array) {
  double largest = 0;
  array.forEach([&](ArrayRef<int64_t> index) {
    double value = std::fabs(array.buffer->floats[array.at(index)]);
    if (std::isfinite(value))
      largest = std::max(largest, value);
  });
  return largest;
}

LogicalResult attn::reference::executeMerge(MergeOp op, const Environment &env,
                                            MutableArrayRef<Array> destinations,
                                            const Options &options) {
  auto get = [&](Value value) {
    return std::get<Array>(env.find(value)->second);
  };
  Array o1 = get(op.getO1()), o2 = get(op.getO2());
  Array lse1 = get(op.getLse1()), lse2 = get(op.getLse2());
  Array &o = destinations[0];
  std::optional<Array> lse;
  if (destinations.size() > 1)
    lse = destinations[1];
  constexpr StringLiteral dimNames[] = {"B", "H", "S", "D"};
  for (auto [name, array] : {std::pair("o2", &o2),
                             {"output", &o},
                             {"lse1", &lse1},
                             {"lse2", &lse2},
                             {"lse", lse ? &*lse : nullptr}}) {
    for (int64_t dim = 0, rank = array ? array->getRank() : 0; dim < rank;
         ++dim)
      if (failed(requireEqual(op, sizeOf(dimNames[dim], name, *array, dim),
                              sizeOf(dimNames[dim], "o1", o1, dim), 18)))
        return failure();
  }

  // The weights of the states add up to 1.
  o.buffer->magnitude = std::max({o1.buffer->magnitude, o2.buffer->magnitude,
                                  largestOf(o1), largestOf(o2)});
  o.buffer->logitMagnitude =
      std::max(o1.buffer->logitMagnitude, o2.buffer->logitMagnitude);
  auto merge = [&](auto zero) {
    using F = decltype(zero);
    constexpr F inf = std::numeric_limits<F>::infinity();
    lse1.forEach([&](ArrayRef<int64_t> index) {
      F l1 = lse1.buffer->floats[lse1.at(index)];
      F l2 = lse2.buffer->floats[lse2.at(index)];
      F max = std::max(l1, l2);
      if (std::isnan(l1) || std::isnan(l2))
        max = std::numeric_limits<F>::quiet_NaN();
      // Relative to the maximum: a common lse that is huge says nothing of the
      // weights (rule 18).
      F e1 = l1 == -inf ? F(0) : std::exp(l1 - max);
      F e2 = l2 == -inf ? F(0) : std::exp(l2 - max);
      F total = max == -inf ? -inf : max + std::log(e1 + e2);
      SmallVector<int64_t> element(index);
      element.push_back(0);
      for (int64_t d = 0; d < o.sizes.back(); ++d) {
        element.back() = d;
        // An empty state has no say, whatever its o holds.
        F sum = 0;
        if (l1 != -inf)
          sum += e1 / (e1 + e2) *
                 static_cast<F>(o1.buffer->floats[o1.at(element)]);
        if (l2 != -inf)
          sum += e2 / (e1 + e2) *
                 static_cast<F>(o2.buffer->floats[o2.at(element)]);
        o.buffer->floats[o.at(element)] = sum;
      }
      if (lse)
        lse->buffer->floats[lse->at(index)] = total;
    });
  };
  if (options.mode == Mode::Float64)
    merge(0.0);
  else
    merge(0.0f);
  return success();
}
