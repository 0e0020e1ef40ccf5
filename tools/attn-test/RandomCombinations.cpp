//===- RandomCombinations.cpp - Sugar, operands and lengths, combined -----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Any sugar on any operands: dense, ragged and paged problems of any sizes,
// lengths that differ by batch, broadcast tables, regions that read tables in
// every way, schedules. What nobody may read is NaN: keys and values past
// kv_len, outside of every window, in other pages; biases of such keys. Some
// of what is read is NaN or infinite, too, where that gives what is promised.
//
//===----------------------------------------------------------------------===//

#include "RegionWriter.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>
#include <optional>

using namespace attn;
using namespace attn::tools;
using reference::Tensor;

//===----------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------===//

namespace {

constexpr int64_t unbounded = int64_t(1) << 40;

/// Where inputs are and what their values depend on.
struct Facts {
  Shape shape;
  std::string kLayout, vLayout;
  bool ragged = false, paged = false, causal = false, bottomRight = false;
  /// Whether scores may be as large as those of models never are.
  bool huge = false;
  /// Keys that a batch has room for (ragged without pages: all together).
  int64_t capacity = 0, pageSize = 0;
  int64_t left = unbounded, right = unbounded;
  /// Whether keys that causal and window exclude for every query are NaN.
  bool poisonWindow = false;
  std::optional<unsigned> kvLen, qOffset, prefix, mask, bias, qIds, kvIds, cuQ,
      cuKv, pages, scale, sink;
  /// Captured tables of floats.
  std::vector<unsigned> floatTables;
  std::vector<int64_t> maskShape, biasShape;
};

/// One batch of a problem.
struct Sequence {
  int64_t queries = 0, keyBegin = 0, keys = 0, offset = 0, prefix = 0;
};

/// Fills in lengths, offsets and tables, and poisons the rest.
class Filler {
public:
  Filler(const Facts &facts, uint64_t seed,
         llvm::MutableArrayRef<Tensor> inputs)
      : facts(facts), random(seed), inputs(inputs),
        sequences(facts.shape.batch) {}

  void run();
  /// NaN, infinities and -0 among what is read.
  void addSpecial();

private:
  void readLengths();
  int64_t getFarOffset(mlir::Type type);
  void fillLengths();
  void fillSegments(Tensor &ids);
  void fillMask();
  void fillDeadPages();
  double pickSpecial();
  void poisonKeys();
  void poisonBias();
  /// One value a batch; a scalar serves all batches.
  void fillPerBatch(std::optional<unsigned> argument,
                    llvm::function_ref<int64_t(const Sequence &)> make,
                    int64_t Sequence::*member);
  /// Keys that some query of a batch may attend, by causal and window.
  std::pair<int64_t, int64_t> getHull(const Sequence &sequence) const;

  const Facts &facts;
  Random random;
  llvm::MutableArrayRef<Tensor> inputs;
  std::vector<Sequence> sequences;
};

} // namespace

/// Calls fn(linear, indices) for every element.
static void
forEach(const Tensor &tensor,
        llvm::function_ref<void(int64_t, llvm::ArrayRef<int64_t>)> fn) {
  llvm::SmallVector<int64_t> indices(tensor.shape.size(), 0);
  for (int64_t n = 0, e = tensor.getNumElements(); n < e; ++n) {
    fn(n, indices);
    for (size_t dim = indices.size(); dim-- > 0;) {
      if (++indices[dim] < tensor.shape[dim])
        break;
      indices[dim] = 0;
    }
  }
}

void Filler::readLengths() {
  for (auto [b, sequence] : llvm::enumerate(sequences)) {
    sequence.queries = facts.shape.queries;
    sequence.keys = facts.capacity;
    if (!facts.ragged)
      continue;
    const Tensor &q = inputs[*facts.cuQ], &kv = inputs[*facts.cuKv];
    sequence.queries = q.getInt(b + 1) - q.getInt(b);
    sequence.keyBegin = kv.getInt(b);
    sequence.keys = kv.getInt(b + 1) - kv.getInt(b);
  }
}

void Filler::fillPerBatch(std::optional<unsigned> argument,
                          llvm::function_ref<int64_t(const Sequence &)> make,
                          int64_t Sequence::*member) {
  if (!argument)
    return;
  Tensor &tensor = inputs[*argument];
  bool scalar = tensor.shape.empty();
  // The shortest sequence decides on a value for all of them.
  auto shortest =
      llvm::min_element(sequences, [](const Sequence &a, const Sequence &b) {
        return a.keys < b.keys;
      });
  int64_t common = 0;
  if (scalar)
    tensor.setInt(0,
                  common = shortest == sequences.end() ? 0 : make(*shortest));
  for (auto [b, sequence] : llvm::enumerate(sequences)) {
    sequence.*member = scalar ? common : make(sequence);
    if (!scalar)
      tensor.setInt(b, sequence.*member);
  }
}

/// An offset near the ends of its type: positions wrap at 64 bits.
int64_t Filler::getFarOffset(mlir::Type type) {
  bool isNarrow = type.isInteger(32);
  int64_t most = isNarrow ? INT32_MAX : INT64_MAX;
  int64_t least = isNarrow ? INT32_MIN : INT64_MIN;
  int64_t step = random.range(0, facts.shape.queries + 3);
  return random.chance(1, 2) ? most - step : least + step;
}

void Filler::fillLengths() {
  fillPerBatch(
      facts.kvLen,
      [&](const Sequence &s) -> int64_t {
        switch (random.range(0, 5)) {
        case 0:
          return 0;
        case 1:
          return s.keys;
        case 2:
          return std::min<int64_t>(s.keys, 1);
        default:
          return random.range(0, s.keys);
        }
      },
      &Sequence::keys);
  if (facts.bottomRight)
    for (Sequence &sequence : sequences)
      sequence.offset = sequence.keys - sequence.queries;
  fillPerBatch(
      facts.qOffset,
      [&](const Sequence &s) -> int64_t {
        switch (random.range(0, 7)) {
        case 0:
          return 0;
        case 1:
          return std::max<int64_t>(s.keys - s.queries, 0);
        case 2:
          return getFarOffset(inputs[*facts.qOffset].elementType);
        case 3:
          return -random.range(1, s.queries + 3);
        default:
          return random.range(0, s.keys + 3);
        }
      },
      &Sequence::offset);
  fillPerBatch(
      facts.prefix,
      [&](const Sequence &s) -> int64_t {
        if (random.chance(1, 8))
          return random.chance(1, 2) ? -5 : INT32_MAX;
        return random.range(0, s.keys + 1);
      },
      &Sequence::prefix);
}

/// Runs of ids that rise along the sequence, other ones in each batch; or any.
void Filler::fillSegments(Tensor &ids) {
  if (random.chance(1, 4)) {
    forEach(ids, [&](int64_t n, llvm::ArrayRef<int64_t>) {
      ids.setInt(n, random.range(-1, 1));
    });
    return;
  }
  int64_t batch = -1, length = 1, id = 0;
  forEach(ids, [&](int64_t n, llvm::ArrayRef<int64_t> at) {
    if (at[0] != batch) {
      batch = at[0];
      length = random.range(1, ids.shape[1] + 1);
      id = random.range(0, 1);
    }
    if (at[1] && at[1] % length == 0)
      ++id;
    ids.setInt(n, id);
  });
}

void Filler::fillMask() {
  Tensor mask(inputs[*facts.mask].elementType, facts.maskShape);
  // Noise, blocks, or nearly nothing.
  int64_t style = random.range(0, 3), block = random.range(2, 40);
  uint64_t salt = random.range(1, 1000);
  // Any byte but 0 attends.
  static constexpr int64_t bytes[] = {1, 2, -1, -128, 127};
  bool isByte = mask.elementType.isInteger(8);
  forEach(mask, [&](int64_t n, llvm::ArrayRef<int64_t> at) {
    int64_t i = at.size() > 1 ? at[at.size() - 2] : 0, j = at.back();
    bool keep = style == 0   ? (i / block + j / block + salt) % 3 != 0
                : style == 1 ? random.chance(1, 20)
                             : random.chance(3, 4);
    mask.setInt(n, keep && isByte ? random.pick(bytes) : keep);
  });
  inputs[*facts.mask] = std::move(mask);
}

std::pair<int64_t, int64_t> Filler::getHull(const Sequence &s) const {
  // Positions so far away are not analysed (rule 7).
  constexpr int64_t farthest = int64_t(1) << 29;
  if (s.offset > farthest || s.offset < -farthest)
    return {0, s.keys};
  int64_t begin = s.keys, end = 0;
  for (int64_t i = 0; i < s.queries; ++i) {
    int64_t position = i + s.offset;
    int64_t first = std::max<int64_t>(position - facts.left, 0);
    int64_t last = std::min(position + facts.right, s.keys - 1);
    if (facts.causal)
      last = std::min(last, std::max(position, s.prefix - 1));
    if (first > last)
      continue;
    begin = std::min(begin, first);
    end = std::max(end, last + 1);
  }
  return {begin, end};
}

void Filler::poisonKeys() {
  // Rows as memory has them: in a batch, a page or the packed axis.
  int64_t rows = facts.paged ? facts.pageSize : facts.shape.keys;
  std::vector<std::vector<bool>> readable;
  auto mark = [&](int64_t outer, int64_t row) {
    if (static_cast<int64_t>(readable.size()) <= outer)
      readable.resize(outer + 1, std::vector<bool>(rows));
    readable[outer][row] = true;
  };
  for (auto [b, sequence] : llvm::enumerate(sequences)) {
    auto [begin, end] = facts.poisonWindow
                            ? getHull(sequence)
                            : std::pair(int64_t(0), sequence.keys);
    for (int64_t j = begin; j < end; ++j) {
      if (facts.paged) {
        const Tensor &table = inputs[*facts.pages];
        mark(table.getInt(b * table.shape[1] + j / rows), j % rows);
      } else {
        mark(facts.ragged ? 0 : b, sequence.keyBegin + j);
      }
    }
  }
  // Extrema pass over NaN, so that it does not show each score that counts.
  static constexpr double poisons[] = {NAN, INFINITY, -INFINITY};
  double poison = random.pick(poisons);
  for (auto [argument, layout] :
       {std::pair(1, facts.kLayout), std::pair(2, facts.vLayout)}) {
    Tensor &tensor = inputs[argument];
    size_t outer = layout.find('b'), row = layout.find_first_of("st");
    forEach(tensor, [&, row = row,
                     &tensor = tensor](int64_t n, llvm::ArrayRef<int64_t> at) {
      size_t page = outer == std::string::npos ? 0 : at[outer];
      if (page >= readable.size() || !readable[page][at[row]])
        tensor.setFloat(n, poison);
    });
  }
}

void Filler::poisonBias() {
  Tensor &bias = inputs[*facts.bias];
  Tensor sized(bias.elementType, facts.biasShape);
  // Keys that are not attended (rule 14), and ordinary ones (rule 15).
  int64_t style = random.range(0, 7);
  double lowest = bias.elementType.isF16() ? -65504.0 : -0x1.FEp127;
  forEach(sized, [&](int64_t n, llvm::ArrayRef<int64_t> at) {
    // A batch, or any of them.
    bool ofBatch = at.size() == 4 && sized.shape[0] != 1;
    int64_t keys = 0, queries = 0;
    for (auto [b, sequence] : llvm::enumerate(sequences))
      if (!ofBatch || static_cast<int64_t>(b) == at[0]) {
        keys = std::max(keys, sequence.keys);
        queries = std::max(queries, sequence.queries);
      }
    bool ofRow = at.size() > 1 && sized.shape[at.size() - 2] != 1;
    bool isRead = at.back() < keys && (!ofRow || at[at.size() - 2] < queries);
    double value = random.range(-40, 40) / 16.0;
    if (style == 0 && random.chance(1, 3))
      value = -INFINITY;
    if (style == 1 && random.chance(2, 3))
      value = lowest;
    sized.setFloat(n, isRead ? value : NAN);
  });
  bias = std::move(sized);
}

void Filler::run() {
  readLengths();
  fillLengths();
  if (facts.qIds) {
    fillSegments(inputs[*facts.qIds]);
    fillSegments(inputs[*facts.kvIds]);
  }
  if (facts.mask)
    fillMask();
  if (facts.bias)
    poisonBias();
  if (facts.scale && random.chance(1, 3))
    inputs[*facts.scale].setFloat(0, random.range(-8, 1) / 4.0);
  if (facts.paged)
    fillDeadPages();
  poisonKeys();
}

/// Pages behind the last key of a batch have any number.
void Filler::fillDeadPages() {
  Tensor &table = inputs[*facts.pages];
  if (!random.chance(1, 2))
    return;
  static constexpr int64_t numbers[] = {-1, INT32_MIN, INT32_MAX, 0, 7};
  for (auto [b, sequence] : llvm::enumerate(sequences))
    for (int64_t n = llvm::divideCeil(std::max<int64_t>(sequence.keys, 0),
                                      facts.pageSize);
         n < table.shape[1]; ++n)
      table.setInt(b * table.shape[1] + n, random.pick(numbers));
}

double Filler::pickSpecial() {
  static constexpr double specials[] = {NAN, INFINITY, -INFINITY, -0.0};
  return random.pick(specials);
}

void Filler::addSpecial() {
  auto addTo = [&](unsigned argument, int64_t most, bool mayBeHuge) {
    Tensor &tensor = inputs[argument];
    int64_t count = tensor.getNumElements();
    for (int64_t n = random.range(0, most); count && n > 0; --n) {
      double value = pickSpecial();
      if (mayBeHuge && facts.huge && random.chance(1, 2))
        value = tensor.elementType.isF16() ? 6e4 : 1e30;
      tensor.setFloat(random.range(0, count - 1), value);
    }
  };
  switch (random.range(0, 7)) {
  case 0:
    return addTo(0, 4, true);
  case 1:
    return addTo(1, 2, true);
  case 2:
    if (facts.bias)
      addTo(*facts.bias, 3, false);
    return;
  case 3:
    if (facts.sink && inputs[*facts.sink].getNumElements())
      inputs[*facts.sink].setFloat(0, random.chance(1, 2) ? -INFINITY : -1e30);
    return;
  default:
    for (unsigned table : facts.floatTables)
      addTo(table, 1 + inputs[table].getNumElements() / 50, false);
  }
}

//===----------------------------------------------------------------------===//
// The function
//===----------------------------------------------------------------------===//

namespace {

class Combination {
public:
  explicit Combination(uint64_t seed)
      : seed(seed), random(seed), text(chooseElement(), chooseShape()) {}

  Case make();

private:
  std::string chooseElement() { return random.pick(getElementTypes()).str(); }
  Shape chooseShape();
  void chooseForm();
  /// What follows the element type of a memref.
  std::string pickMemoryLayout(size_t rank);
  void addCaptures();
  void addScores();
  void addMasks();
  void addLengths();
  void addRegions();
  void addSchedule();

  /// A type some of whose sizes may be dynamic; those of `fixed` are not.
  std::string mixedType(const std::vector<int64_t> &sizes,
                        const std::string &element, bool mayBeDynamic = true);
  std::string pickScalarType() {
    static constexpr const char *types[] = {"i32", "i32", "i64", "index"};
    return random.pick(types);
  }
  std::string integerType() { return random.chance(1, 3) ? "i64" : "i32"; }
  /// One value a batch, or one for all.
  std::optional<unsigned> addPerBatch(const std::string &clause);
  /// bias or mask_tensor: the last sizes of [B, Hq, Sq, Skv], 1 broadcasts.
  unsigned addBroadcast(const std::string &clause, const std::string &element,
                        std::vector<int64_t> &sizes);

  uint64_t seed;
  Random random;
  FunctionText text;
  Facts facts;
  std::vector<Table> tables;
};

} // namespace

Shape Combination::chooseShape() {
  static constexpr int64_t batches[] = {1, 1, 2, 2, 2, 3, 4, 0};
  static constexpr int64_t keyHeads[] = {1, 1, 2, 2, 3};
  static constexpr int64_t groups[] = {1, 1, 2, 3, 4, 8};
  static constexpr int64_t queries[] = {0,  1,  1,  1,  2,  3,  5,   16,  17,
                                        31, 33, 40, 64, 65, 97, 128, 150, 200};
  static constexpr int64_t keys[] = {0,  1,  2,   3,   7,   16,  31,  33,  64,
                                     65, 97, 129, 200, 257, 300, 700, 1500};
  static constexpr int64_t headSizes[] = {1,  2,  3,  5,  8,  16,  24, 32,
                                          33, 40, 64, 72, 96, 128, 0};
  static constexpr int64_t largeHeadSizes[] = {111, 129, 160, 192, 255,
                                               256, 300, 512, 576};
  auto pickHeadSize = [&] {
    int64_t size = random.pick(headSizes);
    return size ? size : random.pick(largeHeadSizes);
  };
  Shape s;
  s.batch = random.pick(batches);
  s.keyHeads = random.pick(keyHeads);
  s.queryHeads = s.keyHeads * random.pick(groups);
  s.queries = random.pick(queries);
  s.keys = random.pick(keys);
  s.qkHeadSize = pickHeadSize();
  s.valueHeadSize = random.chance(1, 2) ? s.qkHeadSize : pickHeadSize();
  // What the reference takes more than a moment for is made shorter.
  constexpr int64_t most = 30'000'000;
  while (s.batch * s.queryHeads * s.queries * s.keys *
             (s.qkHeadSize + s.valueHeadSize) >
         most)
    (s.queries > s.keys / 8 ? s.queries : s.keys) /= 2;
  return s;
}

/// Dense, ragged or paged; types, layouts.
void Combination::chooseForm() {
  static constexpr const char *dense[] = {"bhsd", "bhsd", "bshd", "sbhd"};
  static constexpr const char *packed[] = {"htd", "thd"};
  static constexpr const char *pools[] = {"bhsd", "bshd"};
  static constexpr int64_t pageSizes[] = {1, 3, 16, 16, 64};
  text.memrefs = random.chance(1, 3);
  text.dynamic = random.chance(2, 3);
  text.lse = random.chance(4, 5);
  if (random.chance(1, 4))
    text.outputElement = "f32";
  text.ragged = random.chance(1, 4);
  if (random.chance(1, 4))
    text.setPages(random.pick(pageSizes), /*spare=*/random.range(0, 2));
  text.qLayout = text.ragged ? random.pick(packed) : random.pick(dense);
  text.oLayout = text.ragged ? random.pick(packed) : random.pick(dense);
  for (std::string *layout : {&text.kLayout, &text.vLayout})
    *layout = text.paged    ? random.pick(pools)
              : text.ragged ? random.pick(packed)
                            : random.pick(dense);
  if (random.chance(1, 3))
    for (unsigned bit = 0; bit < 16; ++bit)
      text.closed |= random.range(0, 1) << bit;
  for (std::string &layout : text.memoryLayouts)
    layout = pickMemoryLayout(text.qLayout.size());
  // Pools of pages have four dimensions.
  if (text.paged && text.ragged)
    text.memoryLayouts[1] = text.memoryLayouts[2] = "";
  facts.shape = text.shape;
  facts.kLayout = text.kLayout;
  facts.vLayout = text.vLayout;
  facts.ragged = text.ragged;
  facts.paged = text.paged;
  facts.pageSize = text.pageSize;
  facts.capacity =
      text.paged ? text.pageSize * text.tableSize : text.shape.keys;
  // What tables are as long as, where no other operand says so.
  text.setSize("Sq", text.shape.queries);
  text.setSize("Skv", facts.capacity);
}

/// Nothing: dense memory.
std::string Combination::pickMemoryLayout(size_t rank) {
  if (!random.chance(1, 3))
    return "";
  std::vector<std::string> strides(rank, "?");
  if (rank && random.chance(1, 2))
    strides.back() = "1";
  return ", strided<[" + llvm::join(strides, ", ") + "]" +
         (random.chance(1, 2) ? ", offset: ?>" : ">");
}

std::string Combination::mixedType(const std::vector<int64_t> &sizes,
                                   const std::string &element,
                                   bool mayBeDynamic) {
  bool usual = std::exchange(text.dynamic, mayBeDynamic && text.dynamic &&
                                               random.chance(2, 3));
  std::string layout = text.memrefs ? pickMemoryLayout(sizes.size()) : "";
  std::string type = text.type(sizes, element + layout);
  text.dynamic = usual;
  return type;
}

/// Up to three tables that regions read, of any shape.
void Combination::addCaptures() {
  static constexpr const char *elements[] = {
      "i32", "i32", "i64", "i8", "i1", "f32", "f64", "f16", "bf16", "f32"};
  static constexpr const char *indices[] = {
      "",    "",    "j",   "i",   "b",    "h",    "0",  "bj",
      "bi",  "hj",  "ij",  "ji",  "bh",   "hi",   "b0", "0j",
      "bhi", "bhj", "bij", "hij", "bhij", "jihb0"};
  for (int64_t n = 0, e = random.range(0, 3); n < e; ++n) {
    Table table{"t" + std::to_string(n), random.pick(elements),
                random.pick(indices)};
    // Regions have no narrower scalars than f32 (rule 8).
    table.isTensor = !table.indices.empty() || random.chance(1, 2);
    if (!table.isTensor)
      table.element = table.isFloat() ? "f32" : pickScalarType();
    std::vector<int64_t> sizes;
    std::vector<std::string> dims;
    for (char dimension : table.indices) {
      int64_t size = table.indices.size() > 3 ? random.range(1, 6)
                     : dimension == 'b'       ? text.shape.batch
                     : dimension == 'h'       ? text.shape.queryHeads
                     : dimension == 'i'       ? text.shape.queries
                     : dimension == 'j'       ? facts.capacity
                                              : random.range(1, 8);
      // An index past the end is clamped, but there must be an end.
      if (random.chance(1, 6))
        size += random.range(-3, 3);
      sizes.push_back(std::max<int64_t>(size, 1));
      dims.push_back(table.name + "_" + std::to_string(dims.size()));
      text.setSize(dims.back(), sizes.back());
    }
    std::string values = table.element == "i1"   ? "0, 1"
                         : table.element == "i8" ? "-20, 100"
                                                 : "-20, 300";
    std::string more = "attn.values = array<i64: " + values + ">";
    if (random.chance(1, 3))
      more += ", attn.rising";
    text.addCapture(table.name,
                    table.isTensor ? mixedType(sizes, table.element)
                                   : table.element,
                    dims, more);
    tables.push_back(table);
    if (table.isFloat())
      facts.floatTables.push_back(text.getIndex(table.name));
  }
}

unsigned Combination::addBroadcast(const std::string &clause,
                                   const std::string &element,
                                   std::vector<int64_t> &sizes) {
  const Shape &s = text.shape;
  std::vector<int64_t> all{s.batch, s.queryHeads, s.queries, facts.capacity};
  sizes.assign(all.begin() + random.range(0, 3), all.end());
  // Sizes of 1 must be static to broadcast; others may be dynamic.
  std::string type = text.memrefs ? "memref<" : "tensor<";
  for (size_t dim = 0; dim < sizes.size(); ++dim) {
    bool last = dim + 1 == sizes.size();
    bool broadcast = !last && random.chance(1, 2);
    if (broadcast)
      sizes[dim] = 1;
    if (last && random.chance(1, 5))
      sizes[dim] = random.range(0, sizes[dim]);
    bool open = text.dynamic && !broadcast && random.chance(2, 3);
    type += (open ? "?" : std::to_string(sizes[dim])) + "x";
  }
  type += element + ">";
  text.addArgument(clause, type);
  text.addClause(clause + "(%" + clause + " : " + type + ")");
  return text.getIndex(clause);
}

/// Scale, ALiBi, bias, softcap.
void Combination::addScores() {
  const Shape &s = text.shape;
  if (random.chance(1, 5)) {
    bool isDouble = random.chance(1, 4);
    text.addArgument("scale", isDouble ? "f64" : "f32");
    text.addClause(isDouble ? "scale(%scale : f64)" : "scale(%scale)");
    facts.scale = text.getIndex("scale");
  } else if (random.chance(1, 5)) {
    static constexpr const char *scales[] = {"-0.125", "0.0", "0.3", "1.0"};
    text.addAttribute(std::string("scale_value = ") + random.pick(scales) +
                      " : f32");
  }
  if (random.chance(1, 6)) {
    static constexpr const char *caps[] = {"12.0 : f32", "1.0", "0.01 : f64",
                                           "50.0 : f32", "1.0e+9"};
    text.addAttribute(std::string("softcap = ") + random.pick(caps));
  }
  if (random.chance(1, 5)) {
    std::string element = random.pick(getElementTypes()).str();
    std::string type = random.chance(1, 2)
                           ? mixedType({s.queryHeads}, element)
                           : mixedType({s.batch, s.queryHeads}, element);
    text.addArgument("alibi", type);
    text.addClause("alibi(%alibi : " + type + ")");
  }
  if (random.chance(1, 4))
    facts.bias = addBroadcast("bias", random.pick(getElementTypes()).str(),
                              facts.biasShape);
}

std::optional<unsigned> Combination::addPerBatch(const std::string &clause) {
  static constexpr const char *scalars[] = {"index", "i32", "i64"};
  std::string type = random.chance(1, 4)
                         ? random.pick(scalars)
                         : mixedType({text.shape.batch}, integerType());
  text.addArgument(clause, type);
  text.addClause(clause + "(%" + clause + " : " + type + ")");
  return text.getIndex(clause);
}

/// Mask tensors, segments, prefix, causal, window.
void Combination::addMasks() {
  const Shape &s = text.shape;
  if (random.chance(1, 4))
    facts.mask = addBroadcast("mask_tensor", random.chance(1, 2) ? "i1" : "i8",
                              facts.maskShape);
  if (random.chance(1, 6)) {
    static constexpr const char *types[] = {"i1", "i8", "i32", "i64"};
    std::string element = random.pick(types);
    std::string q = mixedType({s.batch, s.queries}, element);
    std::string kv = mixedType({s.batch, facts.capacity}, element);
    text.addArgument("q_ids", q);
    text.addArgument("kv_ids", kv);
    text.addClause("segments(%q_ids, %kv_ids : " + q + ", " + kv + ")");
    facts.qIds = text.getIndex("q_ids");
    facts.kvIds = text.getIndex("kv_ids");
  }
  facts.causal = random.chance(1, 2);
  facts.bottomRight = facts.causal && random.chance(1, 2);
  if (facts.causal)
    text.addAttribute(std::string("causal = #attn.causal<") +
                      (facts.bottomRight ? "bottom_right>" : "top_left>"));
  if (random.chance(1, 3)) {
    std::vector<std::string> ends;
    if (random.chance(3, 4)) {
      facts.left = random.chance(1, 10) ? INT32_MAX : random.range(0, 90);
      ends.push_back("left = " + std::to_string(facts.left));
    }
    if (ends.empty() || random.chance(1, 2)) {
      facts.right = random.chance(1, 10) ? INT32_MAX : random.range(0, 90);
      ends.push_back("right = " + std::to_string(facts.right));
    }
    text.addAttribute("window = #attn.window<" + llvm::join(ends, ", ") + ">");
  }
  facts.poisonWindow = random.chance(1, 2);
  if (facts.causal && random.chance(1, 4))
    facts.prefix = addPerBatch("prefix");
}

/// q_offset, kv_len, ragged bounds, page table, sink: the order of the syntax.
void Combination::addLengths() {
  const Shape &s = text.shape;
  if (!facts.bottomRight && random.chance(1, 4))
    facts.qOffset = addPerBatch("q_offset");
  if (random.chance(1, 3) || (text.paged && random.chance(2, 3)))
    facts.kvLen = addPerBatch("kv_len");
  if (text.ragged) {
    text.addCuSeqlens(integerType());
    text.addCuSeqlensClause();
    facts.cuQ = text.getIndex("cu_q");
    facts.cuKv = text.getIndex("cu_kv");
  }
  if (text.paged) {
    std::string type = mixedType({s.batch, text.tableSize}, integerType());
    text.addArgument("pages", type);
    text.addClause("page_table(%pages : " + type + ")");
    facts.pages = text.getIndex("pages");
  }
  if (random.chance(1, 4)) {
    std::string type =
        mixedType({s.queryHeads}, random.pick(getElementTypes()).str());
    text.addArgument("sink", type);
    text.addClause("sink(%sink : " + type + ")");
    facts.sink = text.getIndex("sink");
  }
}

/// Whether a region has integers beyond +-2^29, with which values of keys that
/// no row attends have to be finite (rule 7).
static bool hasWideIntegers(llvm::StringRef region) {
  constexpr uint64_t limit = uint64_t(1) << 29;
  for (;;) {
    region = region.drop_until(llvm::isDigit);
    if (region.empty())
      return false;
    llvm::StringRef digits = region.take_while(llvm::isDigit);
    uint64_t value;
    if (digits.getAsInteger(10, value) || value > limit)
      return true;
    region = region.drop_front(digits.size());
  }
}

void Combination::addRegions() {
  if (random.chance(1, 3)) {
    RegionWriter writer(random, text, tables, /*wild=*/true);
    text.score = writer.yield(writer.score(random.range(1, 3)), "f32");
  } else {
    facts.huge = random.chance(1, 2);
  }
  if (random.chance(1, tables.empty() ? 4 : 2)) {
    RegionWriter writer(random, text, tables, /*wild=*/true);
    text.mask = writer.yield(random.chance(1, 2) ? writer.tableCondition()
                                                 : writer.condition(2),
                             "i1");
    facts.poisonWindow &= !hasWideIntegers(text.mask);
  }
}

void Combination::addSchedule() {
  static constexpr int64_t rows[] = {8, 16, 32, 48, 64, 128, 256};
  static constexpr int64_t columns[] = {16, 32, 48, 64, 128};
  int64_t group = text.shape.queryHeads / text.shape.keyHeads;
  int64_t packed =
      llvm::alignTo(std::max<int64_t>(group * text.shape.queries, 1), 16);
  // Packed rows of split keys have to fit one tile.
  bool split = !text.ragged && packed <= 1024 && random.chance(1, 3);
  if (!split && !random.chance(1, 3))
    return;
  text.addAttribute(llvm::formatv(
      "attn.schedule = #attn.schedule<tile_m = {0}, tile_n = {1}, "
      "workers = {2}>",
      split ? packed : random.pick(rows), random.pick(columns),
      split ? random.range(2, 40) : 0));
}

Case Combination::make() {
  chooseForm();
  addCaptures();
  addScores();
  addMasks();
  addLengths();
  addRegions();
  addSchedule();
  Case result = text.print("combinations/" + std::to_string(seed), seed);
  result.adjust = [facts = facts, seed = seed](
                      llvm::MutableArrayRef<Tensor> inputs) -> MessageParts {
    Filler(facts, seed, inputs).run();
    return {};
  };
  if (random.chance(1, 4))
    result.addSpecial = [facts = facts,
                         seed = seed](llvm::MutableArrayRef<Tensor> inputs) {
      Filler(facts, seed, inputs).addSpecial();
    };
  return result;
}

Case attn::tools::makeCombination(uint64_t seed) {
  return Combination(seed).make();
}
