//===- RandomTiles.cpp - Tile programs that nobody has seen ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Grids of random tile ops: products in all orientations, maps with regions,
// row statistics, loops over key tiles that carry tiles, masks with ranges.
// Half of them have the two loops of standard attention with surprises around
// them, the others are free. In a third of them rows are pieces of 16 bytes.
//
//===----------------------------------------------------------------------===//

#include "Cases.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>
#include <map>

using namespace attn::tools;
using llvm::formatv;

namespace {

/// A tile that the program has computed.
struct Tile {
  std::string name;
  int64_t rows, cols; // cols 0: rank 1
  std::string element = "f32";
  /// Magnitude that its elements have at most, but for -inf.
  double bound = 1;
  bool mayBeInf = false;

  std::string type() const {
    std::string text = "!tile.tile<" + std::to_string(rows) + "x";
    if (cols)
      text += std::to_string(cols) + "x";
    return text + element + ">";
  }
};

/// A number inside of a region.
struct Element {
  std::string name;
  double bound;
  bool mayBeInf = false;
};

/// A size of the memory, and its name.
using Size = std::pair<const char *, int64_t>;

class TileWriter {
public:
  TileWriter(uint64_t seed, bool lowered)
      : random(seed), lowered(lowered), hasPieces(!lowered && seed % 3 == 0) {}

  Case write();

private:
  std::string fresh() { return "%x" + std::to_string(count++); }
  void line(const std::string &text) {
    body += std::string(indent, ' ') + text + "\n";
  }
  std::string emit(const std::string &expression) {
    std::string name = fresh();
    line(name + " = " + expression);
    return name;
  }
  std::string index(int64_t value) {
    return constant(std::to_string(value), "index");
  }
  std::string number(const std::string &value) {
    return constant(value, "f32");
  }
  /// A multiple of 1/16.
  std::string sixteenths(int64_t value) {
    return number(formatv("{0:f4}", value / 16.0).str());
  }
  /// A constant of the function.
  std::string constant(const std::string &value, const std::string &type);
  std::string binary(const char *op, const std::string &a,
                     const std::string &b) {
    return emit(formatv("arith.{0} {1}, {2} : index", op, a, b));
  }
  std::string floatBinary(const char *op, const std::string &a,
                          const std::string &b) {
    return emit(formatv("arith.{0} {1}, {2} : f32", op, a, b));
  }

  // Memory.
  void addMemory(const std::string &name, const std::vector<Size> &dims,
                 const std::string &element, const std::string &attribute = "");
  const std::string &typeOf(const std::string &memory) {
    return memories.find(memory)->second.type;
  }
  Tile load(const std::string &memory, int64_t rows, int64_t cols,
            const std::string &at, const std::string &valid,
            const std::string &more = "", const std::string &moreType = "");
  void store(const Tile &tile, const std::string &memory, const std::string &at,
             const std::string &valid);

  // Tile ops.
  Tile splat(const std::string &value, int64_t rows, int64_t cols, double bound,
             bool mayBeInf = false);
  Tile dot(const Tile &a, const Tile &b, const Tile &acc,
           const std::string &attributes = "");
  Tile reduce(const char *kind, const Tile &tile, const Tile &init,
              const std::string &attributes = "");
  Tile convert(const Tile &tile, const std::string &element);
  /// A map whose region `writeBody` writes from elements and indices.
  Tile map(llvm::ArrayRef<Tile> inputs, int64_t cols,
           llvm::function_ref<Element(std::vector<Element>)> writeBody);
  Tile scale(const Tile &tile);
  Tile randomMap(llvm::ArrayRef<Tile> inputs, int64_t cols);
  /// Tiles of scores from queries and keys; of values.
  Tile loadQueries();
  Tile scores(const Tile &queries);
  Tile loadValues();
  Tile masked(const Tile &tile);
  Tile chooseMasked(const Tile &tile);
  Tile repeat(const Tile &tile);
  std::pair<Tile, Tile> chooseTwo(const Tile &block, const Tile &statistic);

  // Regions.
  std::string condition(const std::vector<Element> &elements, bool isBlock);
  Element randomElement(std::vector<Element> elements, bool isBlock);
  Element finite(const Element &element);

  // The program.
  void writeRanges();
  std::string where();
  void openGrid();
  /// The place of row i0 in memory of states.
  std::string stateOfRow() const {
    return hasBatch ? "%b, %h, %i0" : "%h, %i0";
  }
  void openLoop(llvm::ArrayRef<Tile> inits, std::vector<Tile> &carried,
                std::string &results);
  void closeLoop(llvm::ArrayRef<Tile> yielded);
  void writeSoftmax();
  void writeRowGrid(const Tile &max, const Tile &sum, const Tile &acc,
                    bool isSplittable);
  void writeFree();
  Tile pick(llvm::ArrayRef<Tile> tiles) { return random.pick(tiles); }
  Tile randomTile(std::vector<Tile> &blocks, std::vector<Tile> &rows);

  Random random;
  /// Only what a CPU can lower.
  bool lowered;
  /// Rows are pieces of 16 bytes, and tiles follow each other: what loops ask
  /// for ahead, and what splits them.
  bool hasPieces;
  int64_t m, n, d, valueCols;
  int64_t rows, keys, width, valueWidth;
  std::string element;
  bool excludes = false; ///< key tiles that the ranges list but `where` skips
  int64_t excluded = 0;
  bool storesStates = false; ///< of rows, for a second grid that finishes them
  /// States of rows have a dimension of one batch, and both grids begin with
  /// that and the heads: parts of the keys may be added up without a launch.
  bool hasBatch = false;

  bool inLoop = false;
  unsigned count = 0;
  unsigned indent = 2;
  std::string arguments, header, body;
  std::map<std::string, std::string> constants;
  struct Memory {
    std::string type, element;
  };
  std::map<std::string, Memory> memories;
  std::vector<std::pair<std::string, int64_t>> sizes;
};

} // namespace

//===----------------------------------------------------------------------===//
// Constants and memory
//===----------------------------------------------------------------------===//

std::string TileWriter::constant(const std::string &value,
                                 const std::string &type) {
  std::string &name = constants[value + type];
  if (name.empty()) {
    name = "%k" + std::to_string(constants.size());
    header += "  " + name + " = arith.constant " + value + " : " + type + "\n";
  }
  return name;
}

void TileWriter::addMemory(const std::string &name,
                           const std::vector<Size> &dims,
                           const std::string &elementType,
                           const std::string &attribute) {
  std::string type = "memref<";
  std::vector<std::string> open, names;
  for (const Size &dim : dims) {
    type += "?x";
    open.push_back("?");
    names.push_back(std::string("\"") + dim.first + "\"");
    if (llvm::none_of(sizes,
                      [&](auto &known) { return known.first == dim.first; }))
      sizes.emplace_back(dim);
  }
  type += elementType;
  bool isStrided = random.chance(1, 2);
  if (hasPieces)
    open.back() = "1";
  if (isStrided)
    type += ", strided<[" + llvm::join(open, ", ") + "], offset: ?>";
  type += ">";
  memories[name] = {type, elementType};
  arguments += (arguments.empty() ? "" : ",\n    ") + name + ": " + type +
               " {attn.dims = [" + llvm::join(names, ", ") + "]" + attribute +
               "}";
}

Tile TileWriter::load(const std::string &memory, int64_t tileRows,
                      int64_t tileCols, const std::string &at,
                      const std::string &valid, const std::string &more,
                      const std::string &moreType) {
  const std::string &type = typeOf(memory);
  Tile tile{"", tileRows, tileCols, memories[memory].element, 6.0};
  tile.name =
      emit(formatv("tile.load {0}[{1}] valid [{2}]{3} : {4}{5} -> {6}", memory,
                   at, valid, more, type, moreType, tile.type()));
  return tile;
}

void TileWriter::store(const Tile &tile, const std::string &memory,
                       const std::string &at, const std::string &valid) {
  line(formatv("tile.store {0}, {1}[{2}] valid [{3}] : {4}, {5}", tile.name,
               memory, at, valid, tile.type(), typeOf(memory)));
}

//===----------------------------------------------------------------------===//
// Tile ops
//===----------------------------------------------------------------------===//

Tile TileWriter::splat(const std::string &value, int64_t tileRows,
                       int64_t tileCols, double bound, bool mayBeInf) {
  Tile tile{"", tileRows, tileCols, "f32", bound, mayBeInf};
  tile.name = emit(formatv("tile.splat {0} : f32 -> {1}", value, tile.type()));
  return tile;
}

Tile TileWriter::dot(const Tile &a, const Tile &b, const Tile &acc,
                     const std::string &attributes) {
  Tile tile = acc;
  int64_t inner =
      llvm::StringRef(attributes).contains("transpose_a") ? a.rows : a.cols;
  tile.bound = acc.bound + a.bound * b.bound * inner;
  tile.name = emit(formatv("tile.dot {0}, {1}, {2} {3}: {4}, {5} -> {6}",
                           a.name, b.name, acc.name, attributes, a.type(),
                           b.type(), tile.type()));
  return tile;
}

Tile TileWriter::reduce(const char *kind, const Tile &input, const Tile &init,
                        const std::string &attributes) {
  Tile tile = init;
  bool isSum = llvm::StringRef(kind) == "sum";
  tile.bound = isSum ? init.bound + input.bound * input.cols
                     : std::max(init.bound, input.bound);
  tile.mayBeInf = init.mayBeInf;
  tile.name =
      emit(formatv("tile.reduce {0} {1}, {2} {3}: {4} -> {5}", kind, input.name,
                   init.name, attributes, input.type(), tile.type()));
  return tile;
}

Tile TileWriter::convert(const Tile &input, const std::string &to) {
  if (input.element == to)
    return input;
  Tile tile = input;
  tile.element = to;
  tile.name = emit(formatv("tile.convert {0} : {1} -> {2}", input.name,
                           input.type(), tile.type()));
  return tile;
}

Tile TileWriter::map(llvm::ArrayRef<Tile> inputs, int64_t cols,
                     llvm::function_ref<Element(std::vector<Element>)> write) {
  Tile tile{"", m, cols};
  std::vector<std::string> names, inputTypes, arguments_;
  std::vector<Element> elements;
  for (const Tile &input : inputs) {
    names.push_back(input.name);
    inputTypes.push_back(input.type());
    elements.push_back({fresh(), input.bound, input.mayBeInf});
    arguments_.push_back(elements.back().name + ": f32");
  }
  std::string name = fresh();
  line(formatv("{0} = tile.map ({1}) at [{2}] : ({3}) -> {4} {{", name,
               llvm::join(names, ", "),
               !cols                 ? "%i0"
               : cols == n && inLoop ? "%i0, %j0"
                                     : "%i0, " + index(0),
               llvm::join(inputTypes, ", "), tile.type()));
  line("^bb0(" + llvm::join(arguments_, ", ") +
       (cols ? ", %i: index, %j: index):" : ", %i: index):"));
  indent += 2;
  Element result = write(elements);
  line("tile.yield " + result.name + " : f32");
  indent -= 2;
  line("}");
  tile.name = name;
  tile.bound = result.bound;
  tile.mayBeInf = result.mayBeInf;
  return tile;
}

/// Multiplication by a constant, mostly a positive one: what tile-sink-scale
/// moves. Brings large numbers back.
Tile TileWriter::scale(const Tile &tile) {
  int64_t sixteenth = random.range(1, 40);
  while (tile.bound * sixteenth / 16 > 64 && sixteenth > 1)
    sixteenth /= 2;
  std::string factor = sixteenths(random.chance(1, 6) ? -sixteenth : sixteenth);
  double bound = tile.bound * sixteenth / 16;
  if (bound > 64) {
    factor = number(formatv("{0:e}", 32 / tile.bound).str());
    bound = 32;
  }
  bool flip = random.chance(1, 4);
  return map(tile, tile.cols, [&](std::vector<Element> x) -> Element {
    return {flip ? floatBinary("mulf", factor, x[0].name)
                 : floatBinary("mulf", x[0].name, factor),
            bound};
  });
}

Tile TileWriter::randomMap(llvm::ArrayRef<Tile> inputs, int64_t cols) {
  return map(inputs, cols, [&](std::vector<Element> elements) {
    return randomElement(elements, cols != 0);
  });
}

Tile TileWriter::loadQueries() {
  if (random.chance(1, 3)) {
    // Heads share the rows: query i0 / 2 of the head and its neighbour.
    std::string first = binary("divui", "%i0", index(2));
    std::string left = binary("subi", "%rows", first);
    std::string valid = binary("muli", left, index(2));
    return load("%q", m, d, formatv("{0}, {1}, {2}", index(0), first, index(0)),
                valid + ", " + index(width), " packed " + index(2));
  }
  return load("%q", m, d, "%h, %i0, " + index(0), "%left, " + index(width));
}

Tile TileWriter::scores(const Tile &queries) {
  Tile zero = splat(number("0.0"), m, n, 0);
  std::string head = "%h, ";
  // Operands of products lie either way.
  int64_t way = random.range(0, lowered ? 1 : 3);
  if (hasPieces)
    way = 0;
  if (way == 1) {
    Tile keyTile = load("%pool", n, d, formatv("%h, %j0, {0}", index(0)),
                        "%some, " + index(width), " paged %table[%h]",
                        ", " + typeOf("%table"));
    return dot(queries, keyTile, zero, "{transpose_b} ");
  }
  if (way == 2) {
    Tile keyTile =
        load("%kt", d, n, head + index(0) + ", %j0", index(width) + ", %some");
    return dot(queries, keyTile, zero);
  }
  Tile keyTile =
      load("%k", n, d, head + "%j0, " + index(0), "%some, " + index(width));
  if (way == 0)
    return dot(queries, keyTile, zero, "{transpose_b} ");
  // The queries transposed in memory: [width, rows].
  Tile transposed =
      load("%qt", d, m, head + index(0) + ", %i0", index(width) + ", %left");
  return dot(transposed, keyTile, zero, "{transpose_a, transpose_b} ");
}

Tile TileWriter::loadValues() {
  return load("%v", n, valueCols, "%h, %j0, " + index(0),
              "%some, " + index(valueWidth));
}

/// -inf where a random condition fails, and in key tiles that are excluded.
Tile TileWriter::masked(const Tile &tile) {
  return map(tile, n, [&](std::vector<Element> x) -> Element {
    std::string keep = condition(x, /*isBlock=*/true);
    std::string inside = emit("arith.cmpi slt, %j, %keys : index");
    keep = emit(formatv("arith.andi {0}, {1} : i1", keep, inside));
    if (excludes) {
      std::string tileNumber = binary("divui", "%j", index(n));
      std::string rest = binary("remui", tileNumber, index(3));
      std::string visit = emit(
          formatv("arith.cmpi ne, {0}, {1} : index", rest, index(excluded)));
      keep = emit(formatv("arith.andi {0}, {1} : i1", keep, visit));
    }
    return {emit(formatv("arith.select {0}, {1}, {2} : f32", keep, x[0].name,
                         number("0xFF800000"))),
            x[0].bound, true};
  });
}

/// The choice between the masked and the clean tile that tile-unswitch-masks
/// looks for.
Tile TileWriter::chooseMasked(const Tile &tile) {
  std::string name = fresh();
  line(name + " = scf.if %full -> (" + tile.type() + ") {");
  indent += 2;
  Tile clean = random.chance(1, 4) ? scale(tile) : tile;
  line("scf.yield " + clean.name + " : " + tile.type());
  indent -= 2;
  line("} else {");
  indent += 2;
  Tile other = masked(tile);
  line("scf.yield " + other.name + " : " + tile.type());
  indent -= 2;
  line("}");
  Tile result = other;
  result.name = name;
  result.bound = std::max(clean.bound, other.bound);
  return result;
}

/// A map, two times over.
Tile TileWriter::repeat(const Tile &tile) {
  std::string results = fresh(), counter = fresh();
  Tile carried = tile;
  carried.name = fresh();
  carried.bound = 64;
  carried.mayBeInf = true;
  line(formatv("{0} = scf.for {1} = {2} to {3} step {4} iter_args({5} = {6}) "
               "-> ({7}) {{",
               results, counter, index(0), index(2), index(1), carried.name,
               tile.name, tile.type()));
  indent += 2;
  Tile next = randomMap(carried, n);
  line("scf.yield " + next.name + " : " + next.type());
  indent -= 2;
  line("}");
  next.name = results;
  return next;
}

/// A choice with a block and a statistic as results.
std::pair<Tile, Tile> TileWriter::chooseTwo(const Tile &block,
                                            const Tile &statistic) {
  std::string results = fresh();
  std::string yields = block.type() + ", " + statistic.type();
  auto yield = [&](const Tile &a, const Tile &b) {
    line("scf.yield " + a.name + ", " + b.name + " : " + yields);
    indent -= 2;
  };
  line(results + ":2 = scf.if %full -> (" + yields + ") {");
  indent += 2;
  yield(block, statistic);
  line("} else {");
  indent += 2;
  Tile other = randomMap(block, n);
  Tile max = reduce("max", random.chance(1, 2) ? block : other, statistic);
  yield(other, max);
  line("}");
  other.name = results + "#0";
  other.bound = std::max(other.bound, block.bound);
  other.mayBeInf |= block.mayBeInf;
  max.name = results + "#1";
  return {other, max};
}

//===----------------------------------------------------------------------===//
// Regions
//===----------------------------------------------------------------------===//

std::string TileWriter::condition(const std::vector<Element> &elements,
                                  bool isBlock) {
  if (elements.size() > 1 && random.chance(1, 3) && !elements[0].mayBeInf &&
      !elements[1].mayBeInf)
    return emit(formatv("arith.cmpf {0}, {1}, {2} : f32",
                        random.chance(1, 2) ? "ogt" : "ult", elements[0].name,
                        elements[1].name));
  static constexpr const char *predicates[] = {"slt", "sle", "sgt", "ne"};
  std::string other = isBlock ? "%j" : index(random.range(0, rows));
  std::string moved = binary("addi", "%i", index(random.range(-8, 8)));
  if (random.chance(1, 3))
    moved = binary("remui", moved, index(random.range(2, 7)));
  return emit(formatv("arith.cmpi {0}, {1}, {2} : index",
                      random.pick(predicates), moved, other));
}

/// Not -inf any more.
Element TileWriter::finite(const Element &element) {
  if (!element.mayBeInf)
    return element;
  // 0 looks the same scaled or not, another number does not.
  int64_t floor = random.chance(1, 2) ? 0 : random.range(-40, 0);
  return {floatBinary("maximumf", element.name, sixteenths(floor)),
          std::max(element.bound, -floor / 16.0)};
}

// Long, because it is a table: a case a kind of op.
Element TileWriter::randomElement(std::vector<Element> pool, bool isBlock) {
  for (Element &element : pool)
    element = finite(element);
  auto any = [&]() -> Element { return random.pick(pool); };
  if (isBlock && random.chance(1, 3)) {
    // The nearest element where the index leaves the table, as
    // attn-make-total writes it.
    static constexpr const char *indices[] = {"%i", "%j"};
    std::string at =
        binary("addi", random.pick(indices), index(random.range(-9, 20)));
    at = binary("minsi", at, binary("subi", "%keys", index(1)));
    at = binary("maxsi", at, index(0));
    std::string read =
        emit(formatv("memref.load %w[%h, {0}] : {1}", at, typeOf("%w")));
    pool.push_back({read, 6.0});
  }
  for (int64_t step = 0, steps = random.range(1, 4); step < steps; ++step) {
    Element a = any(), b = any();
    double both = std::max(a.bound, b.bound);
    switch (random.range(0, 12)) {
    case 0:
    case 1:
      pool.push_back(
          {floatBinary(random.chance(1, 2) ? "addf" : "subf", a.name, b.name),
           a.bound + b.bound});
      break;
    case 2:
    case 3: {
      int64_t factor = random.range(-32, 32);
      pool.push_back({floatBinary("mulf", a.name, sixteenths(factor)),
                      a.bound * std::abs(factor) / 16.0});
      break;
    }
    case 4:
      if (a.bound * b.bound < 1e4)
        pool.push_back(
            {floatBinary("mulf", a.name, b.name), a.bound * b.bound});
      break;
    case 5: {
      static constexpr const char *extrema[] = {"maximumf", "minimumf",
                                                "maxnumf", "minnumf"};
      pool.push_back({floatBinary(random.pick(extrema), a.name, b.name), both});
      break;
    }
    case 6:
    case 7: {
      std::string when = condition({a, b}, isBlock);
      Element other = random.chance(1, 3) ? Element{number("0.0"), 0} : b;
      pool.push_back({emit(formatv("arith.select {0}, {1}, {2} : f32", when,
                                   a.name, other.name)),
                      both});
      break;
    }
    case 8: {
      std::string small = floatBinary("minimumf", a.name, sixteenths(48));
      pool.push_back({emit("math.exp2 " + small + " : f32"), 8});
      break;
    }
    case 9:
      pool.push_back(
          {emit(formatv("{0} {1} : f32",
                        random.chance(1, 2) ? "arith.negf" : "math.absf",
                        a.name)),
           a.bound});
      break;
    case 10: {
      // What tile-expand-math builds from others.
      static constexpr const char *functions[] = {"tanh", "sin", "cos", "exp",
                                                  "log"};
      llvm::StringRef function = random.pick(functions);
      std::string x = a.name;
      if (function == "exp")
        x = floatBinary("minimumf", x, sixteenths(32));
      if (function == "log")
        x = floatBinary("maximumf", x, sixteenths(1));
      pool.push_back({emit(formatv("math.{0} {1} : f32", function, x)), 8});
      break;
    }
    case 11: {
      std::string when = condition({a, b}, isBlock);
      std::string name = fresh();
      line(name + " = scf.if " + when + " -> f32 {");
      line("  scf.yield " + a.name + " : f32");
      line("} else {");
      line("  scf.yield " + b.name + " : f32");
      line("}");
      pool.push_back({name, both});
      break;
    }
    default: {
      // What tile-contract-exp2 looks for, at numbers that stay small.
      if (a.bound + b.bound > 24)
        break;
      std::string difference = floatBinary("subf", a.name, b.name);
      std::string product =
          floatBinary("mulf", difference, sixteenths(random.range(1, 4)));
      pool.push_back({emit("math.exp2 " + product + " : f32"), 64});
      break;
    }
    }
  }
  Element result = pool.back();
  if (result.bound > 64)
    return {floatBinary("mulf", result.name,
                        number(formatv("{0:e}", 16 / result.bound).str())),
            16};
  return result;
}

//===----------------------------------------------------------------------===//
// Programs
//===----------------------------------------------------------------------===//

void TileWriter::openGrid() {
  line(formatv("scf.forall ({0}%h, %t) in ({1}%heads, {2}) {{",
               hasBatch ? "%b, " : "", hasBatch ? "%batches, " : "",
               index((rows + m - 1) / m)));
  indent += 2;
  line("%i0 = arith.muli %t, " + index(m) + " : index");
  line("%left = arith.subi %rows, %i0 : index");
  writeRanges();
}

void TileWriter::writeRanges() {
  int64_t tiles = (keys + n - 1) / n, begin = 0;
  std::vector<std::string> ranges;
  // Where keys may be split, most tiles are visited, so that parts have some.
  int64_t last = storesStates || hasPieces ? 1 : random.range(1, 3);
  for (int64_t k = 0, e = last; k < e; ++k) {
    int64_t end =
        k + 1 == e && random.chance(2, 3) ? tiles : random.range(begin, tiles);
    // It may start later for later queries; an empty one may end before.
    std::string first =
        random.chance(1, 2)
            ? binary("minsi", binary("addi", "%t", index(begin)), index(end))
            : index(random.range(begin, storesStates ? std::min<int64_t>(1, end)
                                                     : end));
    if (random.chance(1, 6)) {
      first = index(end + 2);
    }
    int64_t full = random.range(begin, end);
    if (excludes)
      full = end;
    // Its first tiles are full, or its last ones.
    ranges.push_back(
        hasPieces
            ? formatv("[{0}, {1}, {0}, {2}]", first, index(end), index(full))
            : formatv("[{0}, {1}, {2}, {1}]", first, index(end), index(full)));
    begin = end;
  }
  std::string text = "%ranges = tile.ranges " + llvm::join(ranges, ", ");
  if (excludes || (random.chance(1, 3) && !hasPieces))
    text += where();
  line(text + " : !tile.ranges");
  line("%n = tile.range_count %ranges : index");
}

/// Excluded tiles must have no element that is attended; others may be full.
std::string TileWriter::where() {
  std::string space(indent, ' ');
  std::string text = " where {\n" + space + "^bb0(%c: index):\n";
  auto add = [&](const std::string &op) { text += space + "  " + op + "\n"; };
  add("%rest = arith.remui %c, " + index(3) + " : index");
  add(excludes
          ? "%visit = arith.cmpi ne, %rest, " + index(excluded) + " : index"
          : "%visit = arith.constant true");
  add("%early = arith.cmpi slt, %c, " + index(random.range(0, 3)) + " : index");
  add("%sure = arith.andi %visit, %early : i1");
  add("tile.yield %visit, %sure : i1, i1");
  return text + space + "}";
}

void TileWriter::openLoop(llvm::ArrayRef<Tile> inits,
                          std::vector<Tile> &carried, std::string &results) {
  std::vector<std::string> assignments, resultTypes;
  carried.clear();
  for (const Tile &init : inits) {
    Tile tile = init;
    tile.name = fresh();
    assignments.push_back(tile.name + " = " + init.name);
    resultTypes.push_back(init.type());
    carried.push_back(tile);
  }
  results = fresh();
  line(formatv("{0}:{1} = scf.for %it = {2} to %n step {3} iter_args({4}) -> "
               "({5}) {{",
               results, inits.size(), index(0), index(1),
               llvm::join(assignments, ", "), llvm::join(resultTypes, ", ")));
  indent += 2;
  inLoop = true;
  line("%c, %full = tile.range_at %ranges[%it] : index, i1");
  line("%j0 = arith.muli %c, " + index(n) + " : index");
  line("%some = arith.subi %keys, %j0 : index");
}

void TileWriter::closeLoop(llvm::ArrayRef<Tile> yielded) {
  std::vector<std::string> names, yieldedTypes;
  for (const Tile &tile : yielded) {
    names.push_back(tile.name);
    yieldedTypes.push_back(tile.type());
  }
  line("scf.yield " + llvm::join(names, ", ") + " : " +
       llvm::join(yieldedTypes, ", "));
  inLoop = false;
  indent -= 2;
  line("}");
}

/// The two loops of standard attention, with random ops in between.
void TileWriter::writeSoftmax() {
  int64_t padded = (keys + n - 1) / n * n;
  memories["%scores"] = {"memref<?x?x" + std::to_string(padded) + "xf32>",
                         "f32"};
  line("%scores = memref.alloc(%heads, %rows) : " + typeOf("%scores"));
  if (storesStates) {
    std::string columns = std::to_string(valueWidth);
    std::string dims = hasBatch ? "memref<?x?x?x" : "memref<?x?x";
    memories["%maxima"] = memories["%sums"] = {dims + "f32>", "f32"};
    memories["%values"] = {dims + columns + "xf32>", "f32"};
    for (const char *memory : {"%maxima", "%sums", "%values"})
      line(formatv("{0} = memref.alloc({1}%heads, %rows) : {2}", memory,
                   hasBatch ? "%batches, " : "", typeOf(memory)));
  }
  openGrid();
  std::string at = "%h, %i0, %j0", valid = "%left, " + index(n);
  Tile queries = loadQueries();
  Tile statistic = load("%r", m, 0, "%h, %i0", "%left");
  std::vector<Tile> carried;
  std::string results;
  openLoop(splat(number("0xFF800000"), m, 0, 0, true), carried, results);
  Tile s = scale(scores(queries));
  for (int64_t k = random.range(0, 2); k > 0; --k)
    s = random.chance(1, 2) ? randomMap({s, statistic}, n) : randomMap(s, n);
  // Excluded tiles must be masked.
  bool chooses = excludes || random.chance(hasPieces ? 2 : 3, 4);
  s = chooses ? chooseMasked(s) : masked(s);
  store(s, "%scores", at, valid);
  // Then nobody asks what it was, and loops have no order.
  bool isOffset = hasPieces && !storesStates && random.chance(2, 3);
  Tile max = reduce("max", s, carried[0], isOffset ? "{tile.offset} " : "");
  max.mayBeInf = true;
  closeLoop(max);
  max.name = results + "#0";

  // Rarely another shift than the maximum: its sums cannot be rescaled.
  bool clamps = random.chance(1, 8);
  Tile safe = map(max, 0, [&](std::vector<Element> x) -> Element {
    if (clamps)
      return {floatBinary("maximumf", x[0].name, sixteenths(16)), 1};
    std::string empty = emit(formatv("arith.cmpf oeq, {0}, {1} : f32",
                                     x[0].name, number("0xFF800000")));
    return {emit(formatv("arith.select {0}, {1}, {2} : f32", empty,
                         number("0.0"), x[0].name)),
            x[0].bound};
  });
  // Rarely sums that begin with something: nor can that be.
  bool isBegun = random.chance(1, 8);
  Tile zero = splat(number(isBegun ? "1.0" : "0.0"), m, 0, 1);
  Tile none = splat(number("0.0"), m, valueCols, 0);
  bool two = !storesStates && random.chance(1, 3);
  std::vector<Tile> inits = {zero, none};
  if (two)
    inits.push_back(none);
  openLoop(inits, carried, results);
  // Rarely not all that was stored: then the loops cannot be fused or split.
  bool readsPart = !excludes && random.chance(1, 8);
  Tile stored =
      load("%scores", m, n, at, readsPart ? "%left, " + index(n / 2) : valid);
  std::string factor = number(random.chance(1, 2) ? "1.44269504" : "0.75");
  Tile p = map({stored, safe}, n, [&](std::vector<Element> x) -> Element {
    std::string difference = floatBinary("subf", x[0].name, x[1].name);
    std::string product = floatBinary("mulf", difference, factor);
    return {emit("math.exp2 " + product + " : f32"), 1};
  });
  Tile sum = reduce("sum", p, carried[0]);
  Tile values = loadValues();
  Tile narrow = convert(p, element);
  std::vector<Tile> yielded = {sum, dot(narrow, values, carried[1])};
  if (two)
    yielded.push_back(dot(convert(p, element), loadValues(), carried[2]));
  closeLoop(yielded);
  for (auto [k, tile] : llvm::enumerate(yielded))
    tile.name = results + "#" + std::to_string(k);
  if (storesStates)
    return writeRowGrid(max, yielded[0], yielded[1],
                        /*isSplittable=*/!readsPart && !clamps && !isBegun);
  auto divide = [&](std::vector<Element> x) -> Element {
    std::string isEmpty = emit(
        formatv("arith.cmpf oeq, {0}, {1} : f32", x[1].name, number("0.0")));
    std::string divisor = emit(formatv("arith.select {0}, {1}, {2} : f32",
                                       isEmpty, number("1.0"), x[1].name));
    return {floatBinary("divf", x[0].name, divisor), 6};
  };
  store(map({yielded[1], yielded[0]}, valueCols, divide), "%oa",
        "%h, %i0, " + index(0), "%left, " + index(valueWidth));
  if (two)
    store(map({yielded[2], yielded[0]}, valueCols, divide), "%ob",
          "%h, %i0, " + index(0), "%left, " + index(valueWidth));
  Tile last = isOffset              ? statistic
              : random.chance(1, 2) ? max
                                    : randomMap({max, yielded[0]}, 0);
  store(last, "%om", "%h, %i0", "%left");
}

/// What tile-split-keys looks for: states in memory, finished row by row.
void TileWriter::writeRowGrid(const Tile &max, const Tile &sum, const Tile &acc,
                              bool isSplittable) {
  std::string columns = index(valueWidth);
  store(max, "%maxima", stateOfRow(), "%left");
  store(sum, "%sums", stateOfRow(), "%left");
  store(acc, "%values", stateOfRow() + ", " + index(0), "%left, " + columns);
  indent -= 2;
  std::string workers = std::to_string(random.range(1, 24));
  std::string attributes = isSplittable ? "tile.workers = " + workers : "";
  // For subgroups that share the loops.
  if (isSplittable && hasBatch && !lowered)
    attributes += ", attn.schedule = #attn.schedule<threads = 32>";
  line(attributes.empty() ? "}" : "} {" + attributes + "}");
  line(formatv("scf.forall ({0}) in ({1}%heads, %rows) {{", stateOfRow(),
               hasBatch ? "%batches, " : ""));
  indent += 2;
  std::string one = index(1);
  // Tiles of few rows, of which one is used.
  m = lowered ? 16 : random.range(1, 4);
  Tile rowMax = load("%maxima", m, 0, stateOfRow(), one);
  Tile rowSum = load("%sums", m, 0, stateOfRow(), one);
  Tile rowAcc = load("%values", m, valueCols, stateOfRow() + ", " + index(0),
                     one + ", " + columns);
  Tile result =
      map({rowAcc, rowSum}, valueCols, [&](std::vector<Element> x) -> Element {
        std::string isEmpty = emit(formatv("arith.cmpf oeq, {0}, {1} : f32",
                                           x[1].name, number("0.0")));
        std::string divisor = emit(formatv("arith.select {0}, {1}, {2} : f32",
                                           isEmpty, number("1.0"), x[1].name));
        return {floatBinary("divf", x[0].name, divisor), 6};
      });
  store(result, "%oa", "%h, %i0, " + index(0), one + ", " + columns);
  store(rowMax, "%om", "%h, %i0", one);
}

/// One more tile, out of what there is.
Tile TileWriter::randomTile(std::vector<Tile> &blocks,
                            std::vector<Tile> &statistics) {
  auto input = [&](int64_t cols) -> Tile {
    return cols == 0 || random.chance(1, 4) ? pick(statistics) : pick(blocks);
  };
  switch (random.range(0, 9)) {
  case 0:
    statistics.push_back(reduce("max", pick(blocks), pick(statistics)));
    return statistics.back();
  case 1: {
    Tile block = pick(blocks);
    Tile safe = randomMap(block, n);
    Tile init = randomMap(pick(statistics), 0);
    statistics.push_back(scale(reduce("sum", safe, init)));
    return statistics.back();
  }
  case 2:
    statistics.push_back(randomMap({input(0), input(0)}, 0));
    return statistics.back();
  case 3:
    blocks.push_back(chooseMasked(pick(blocks)));
    return blocks.back();
  case 4: {
    // What tile-contract-exp2 looks for.
    Tile x = randomMap(pick(blocks), n), y = randomMap(pick(statistics), 0);
    bool swap = random.chance(1, 4);
    std::string factor = number(random.chance(1, 5)   ? "0.5"
                                : random.chance(1, 4) ? "-0.25"
                                                      : "0.1");
    blocks.push_back(map({x, y}, n, [&](std::vector<Element> e) -> Element {
      std::string difference =
          floatBinary("subf", e[swap ? 1 : 0].name, e[swap ? 0 : 1].name);
      std::string product = floatBinary("mulf", difference, factor);
      std::string exp = emit("math.exp2 " + product + " : f32");
      if (random.chance(1, 2))
        exp = floatBinary("addf", exp, e[0].name);
      return {floatBinary("minimumf", exp, sixteenths(256)), 64};
    }));
    return blocks.back();
  }
  case 5:
    blocks.push_back(scale(randomMap(pick(blocks), n)));
    return blocks.back();
  case 6:
    blocks.push_back(repeat(pick(blocks)));
    return blocks.back();
  case 7: {
    auto [block, statistic] = chooseTwo(pick(blocks), pick(statistics));
    blocks.push_back(block);
    statistics.push_back(statistic);
    return block;
  }
  default:
    blocks.push_back(random.chance(1, 2)
                         ? randomMap(pick(blocks), n)
                         : randomMap({pick(blocks), input(n)}, n));
    return blocks.back();
  }
}

void TileWriter::writeFree() {
  openGrid();
  Tile queries = loadQueries();
  std::vector<Tile> statistics = {load("%r", m, 0, "%h, %i0", "%left"),
                                  splat(number("0xFF800000"), m, 0, 0, true)};
  if (random.chance(1, 2))
    statistics.push_back(randomMap(statistics[0], 0));
  // Row statistics and accumulators, carried in any order.
  std::vector<Tile> inits = {pick(statistics)};
  if (random.chance(2, 3))
    inits.push_back(splat(sixteenths(random.range(0, 1)), m, 0, 1));
  bool accumulates = random.chance(2, 3);
  if (accumulates)
    inits.push_back(splat(number("0.0"), m, valueCols, 0));
  std::vector<Tile> carried;
  std::string results;
  openLoop(inits, carried, results);
  std::vector<Tile> blocks = {scale(scores(queries))}, inner = statistics;
  for (const Tile &tile : carried)
    if (!tile.cols) {
      inner.push_back(tile);
      // It may have become anything.
      inner.back().bound = 64;
      inner.back().mayBeInf = true;
    }
  for (int64_t k = random.range(1, 6); k > 0; --k)
    randomTile(blocks, inner);
  Tile kept = random.chance(1, 2) ? blocks.back() : randomMap(blocks.back(), n);
  bool guarded = random.chance(1, 4);
  if (guarded)
    line("scf.if %full {");
  store(kept, "%os", "%h, %i0, %j0", "%left, %some");
  if (guarded)
    line("}");
  std::vector<Tile> yielded;
  for (const Tile &tile : carried) {
    if (tile.cols) {
      Tile weights = randomMap(pick(blocks), n);
      yielded.push_back(dot(convert(weights, element), loadValues(), tile));
    } else if (random.chance(1, 2)) {
      yielded.push_back(reduce("max", pick(blocks), tile));
    } else {
      yielded.push_back(randomMap(pick(inner), 0));
    }
  }
  closeLoop(yielded);
  std::vector<Tile> after;
  for (auto [k, tile] : llvm::enumerate(yielded)) {
    Tile result = tile;
    result.name = results + "#" + std::to_string(k);
    result.mayBeInf = true;
    result.bound = std::max(result.bound, 64.0);
    if (result.cols)
      store(random.chance(1, 2) ? result : scale(result), "%oa",
            "%h, %i0, " + index(0), "%left, " + index(valueWidth));
    else
      after.push_back(result);
  }
  Tile last = after.size() > 1 ? randomMap(after, 0) : randomMap(after[0], 0);
  store(random.chance(1, 2) ? last : after[0], "%om", "%h, %i0", "%left");
}

Case TileWriter::write() {
  static constexpr int64_t loweredSizes[] = {16, 32},
                           tileSizes[] = {4, 6, 8, 16};
  static constexpr int64_t headSizes[] = {1, 3, 8, 16};
  m = lowered ? random.pick(loweredSizes) : random.pick(tileSizes);
  n = lowered ? random.pick(loweredSizes) : random.pick(tileSizes);
  d = random.pick(headSizes);
  valueCols = random.pick(headSizes);
  rows = random.range(1, 3 * m);
  width = random.range(1, d);
  valueWidth = random.range(1, valueCols);
  element = random.chance(1, 2) ? "f32" : random.chance(1, 2) ? "bf16" : "f16";
  bool softmax = random.chance(1, 2);
  if (hasPieces) {
    static constexpr int64_t pieces[] = {8, 16};
    static constexpr const char *halves[] = {"bf16", "f16"};
    width = d = random.pick(pieces);
    valueWidth = valueCols = random.pick(pieces);
    element = random.pick(halves);
    // Lanes share few rows, matrices compute more of them.
    m = random.pick(pieces);
    n = random.pick(pieces);
    rows = random.range(1, 3 * m);
  }
  excludes = softmax && !hasPieces && random.chance(1, 3);
  excluded = random.range(0, 2);
  storesStates = softmax && random.chance(1, hasPieces ? 4 : 2);
  hasBatch = storesStates && (hasPieces || random.chance(1, 2));
  // Few rows, which lanes share without workgroup memory.
  if (hasBatch && hasPieces) {
    m = 8;
    rows = random.range(1, 2 * m);
  }
  // Parts of the keys have two tiles at least.
  int64_t mostKeys = (storesStates ? 12 : 4) * n;
  keys = random.range(hasPieces ? n : 1, mostKeys);
  static constexpr int64_t heads = 2, pageSize = 3;

  int64_t pages = (mostKeys + pageSize - 1) / pageSize;
  const Size h("H", heads), r("R", rows), k("S", keys), c("D", width),
      v("Dv", valueWidth), p("pages", pages);
  addMemory("%q", {h, r, c}, element);
  addMemory("%qt", {h, c, r}, element);
  addMemory("%k", {h, k, c}, element);
  addMemory("%kt", {h, c, k}, element);
  addMemory("%v", {h, k, v}, element);
  addMemory("%pool", {p, h, {"P", pageSize}, c}, element);
  addMemory("%table", {h, p}, "i32",
            formatv(", attn.values = array<i64: 0, {0}>", pages - 1));
  addMemory("%r", {h, r}, "f32");
  addMemory("%w", {h, k}, "f32");
  addMemory("%os", {h, r, k}, "f32");
  addMemory("%oa", {h, r, v}, "f32");
  addMemory("%ob", {h, r, v}, "f32");
  addMemory("%om", {h, r}, "f32");
  std::string first = index(0), second = index(1);
  line("%heads = memref.dim %r, " + first + " : " + typeOf("%r"));
  line("%rows = memref.dim %r, " + second + " : " + typeOf("%r"));
  line("%keys = memref.dim %w, " + second + " : " + typeOf("%w"));
  if (hasBatch) {
    addMemory("%batch", {{"B", 1}}, "f32");
    line("%batches = memref.dim %batch, " + first + " : " + typeOf("%batch"));
  }
  if (softmax)
    writeSoftmax();
  else
    writeFree();
  indent -= 2;
  line("}");

  Case result;
  result.text =
      "func.func @f(" + arguments + ") {\n" + header + body + "  return\n}\n";
  result.sizes = sizes;
  return result;
}

static Case makeCase(uint64_t seed, bool lowered) {
  Case result = TileWriter(seed, lowered).write();
  result.name = "tiles/" + std::to_string(seed);
  result.seed = seed;
  return result;
}

Case attn::tools::makeTileProgram(uint64_t seed) {
  return makeCase(seed, /*lowered=*/false);
}

Case attn::tools::makeLoweredTileProgram(uint64_t seed) {
  return makeCase(seed, /*lowered=*/true);
}
