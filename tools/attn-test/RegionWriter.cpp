//===- RegionWriter.cpp - Random score and mask regions -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Conditions of affine and other integer arithmetic (division, remainder and
// shifts by anything, absolute values, extrema, table reads, any width);
// scores of the functions that rule 8 lists, activations, loops and branches.
//
//===----------------------------------------------------------------------===//

#include "RegionWriter.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace attn::tools;

//===----------------------------------------------------------------------===//
// Lines
//===----------------------------------------------------------------------===//

std::string RegionWriter::emit(const std::string &expression) {
  std::string name = "%x" + std::to_string(count++);
  lines += "      " + name + " = " + expression + "\n";
  return name;
}

std::string RegionWriter::constant(int64_t value) {
  return emit(llvm::formatv("arith.constant {0} : index", value));
}

std::string RegionWriter::boolean(bool value) {
  return emit(std::string("arith.constant ") + (value ? "true" : "false"));
}

std::string RegionWriter::number(int64_t sixteenths) {
  return emit(llvm::formatv("arith.constant {0:f4} : f32", sixteenths / 16.0));
}

std::string RegionWriter::binary(const char *op, const std::string &a,
                                 const std::string &b) {
  return emit(llvm::formatv("arith.{0} {1}, {2} : index", op, a, b));
}

std::string RegionWriter::floatBinary(const char *op, const std::string &a,
                                      const std::string &b) {
  return emit(llvm::formatv("arith.{0} {1}, {2} : f32", op, a, b));
}

std::string RegionWriter::math(const char *op, const std::string &a) {
  return emit(llvm::formatv("math.{0} {1} : f32", op, a));
}

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

const Table *RegionWriter::pickTable(bool isFloat) {
  std::vector<const Table *> suited;
  for (const Table &table : tables)
    if (table.isFloat() == isFloat)
      suited.push_back(&table);
  return suited.empty() ? nullptr : random.pick(suited);
}

std::string RegionWriter::index(char dimension) {
  std::string name = dimension == '0' ? constant(wild ? random.range(-2, 9) : 0)
                                      : std::string("%") + dimension;
  if (!wild || !random.chance(1, 3))
    return name;
  switch (random.range(0, 4)) {
  case 0:
    return binary("addi", name, constant(random.range(-200, 200)));
  case 1:
    return binary("muli", name, constant(random.range(-2, 3)));
  case 4:
    // Far outside, or anywhere.
    return ofAnyWidth(0);
  case 2:
    return binary("floordivsi", name, constant(random.range(1, 64)));
  default:
    return binary("addi", name, point());
  }
}

std::string RegionWriter::read(const Table &table) {
  // Scalars are seen from outside of the function's op, too.
  std::string element = "%" + table.name + (random.chance(1, 4) ? "" : "_");
  if (table.isTensor) {
    std::string indices;
    for (char dimension : table.indices)
      indices += (indices.empty() ? "" : ", ") + index(dimension);
    std::string name = "x" + std::to_string(count++);
    lines += "      " + text.read(name, table.name, indices);
    element = "%" + name;
  }
  if (table.element == "f32")
    return element;
  if (table.isFloat())
    return emit((table.element == "f64" ? "arith.truncf " : "arith.extf ") +
                element + " : " + table.element + " to f32");
  if (table.element == "index")
    return element;
  // i1 is 0 or 1.
  const char *cast =
      table.element == "i1" ? "arith.index_castui " : "arith.index_cast ";
  return emit(cast + element + " : " + table.element + " to index");
}

//===----------------------------------------------------------------------===//
// Integers and conditions
//===----------------------------------------------------------------------===//

std::string RegionWriter::point() {
  static constexpr const char *points[] = {"%i", "%j", "%i", "%j", "%b", "%h"};
  if (!counters.empty() && random.chance(1, 2))
    return random.pick(counters);
  return random.pick(points);
}

std::string RegionWriter::condition(int depth) {
  if (depth > 0 && random.chance(2, 3)) {
    static constexpr const char *ops[] = {"andi", "ori", "andi", "ori", "xori"};
    if (random.chance(1, 6))
      return emit(llvm::formatv("arith.xori {0}, {1} : i1",
                                condition(depth - 1), boolean(true)));
    std::string a = condition(depth - 1), b = condition(depth - 1);
    return emit(
        llvm::formatv("arith.{0} {1}, {2} : i1", random.pick(ops), a, b));
  }
  if (random.chance(1, 8))
    return compareIntegers(1);
  if (random.chance(1, 10))
    return compareFloats();
  static constexpr const char *predicates[] = {"slt", "sle", "sgt", "sge",
                                               "sle", "sge", "eq",  "ne"};
  std::string a = integer(2), b = integer(1);
  return emit(llvm::formatv("arith.cmpi {0}, {1}, {2} : index",
                            random.pick(predicates), a, b));
}

std::string RegionWriter::tableCondition() {
  const Table *table = pickTable(/*isFloat=*/false);
  if (!table)
    return condition(1);
  // Documents: the same table for the query and for the key.
  std::string a = read(*table), b;
  switch (random.range(0, 3)) {
  case 0: {
    const Table *other = pickTable(/*isFloat=*/false);
    b = read(*other);
    return emit(llvm::formatv("arith.cmpi {0}, {1}, {2} : index",
                              random.chance(2, 3) ? "eq" : "sle", a, b));
  }
  case 1:
    return emit(
        llvm::formatv("arith.cmpi ne, {0}, {1} : index", a, constant(0)));
  default:
    return emit(llvm::formatv("arith.cmpi {0}, {1}, {2} : index",
                              random.chance(1, 2) ? "sgt" : "sle", a, point()));
  }
}

/// By a constant, or by what a branch found not to be 0 (rule 8: what is not
/// observed does not fault).
std::string RegionWriter::divide(const std::string &a, int depth) {
  static constexpr const char *divisions[] = {"divsi", "floordivsi",
                                              "ceildivsi", "remsi"};
  const char *op = random.pick(divisions);
  if (!random.chance(1, 4))
    return binary(op, a, constant(random.range(1, 70)));
  std::string divisor = integer(depth);
  std::string when = emit(
      llvm::formatv("arith.cmpi ne, {0}, {1} : index", divisor, constant(0)));
  std::string name = "%x" + std::to_string(count++);
  lines += llvm::formatv("      {0} = scf.if {1} -> index {{\n"
                         "        {0}_ = arith.{2} {3}, {4} : index\n"
                         "        scf.yield {0}_ : index\n"
                         "      } else {{\n"
                         "        scf.yield {3} : index\n"
                         "      }\n",
                         name, when, op, a, divisor)
               .str();
  return name;
}

std::string RegionWriter::undefined(int depth) {
  std::string a = integer(depth), b = integer(depth);
  static constexpr const char *divisions[] = {
      "divsi", "remsi", "floordivsi", "ceildivsi", "divui", "remui"};
  if (random.chance(1, 2))
    return binary(random.pick(divisions), a, b);
  static constexpr const char *shifts[] = {"shli", "shrsi", "shrui"};
  std::string x = emit("arith.index_cast " + a + " : index to i32");
  std::string n = emit("arith.index_cast " + b + " : index to i32");
  std::string shifted = emit(
      llvm::formatv("arith.{0} {1}, {2} : i32", random.pick(shifts), x, n));
  if (random.chance(1, 2))
    shifted = emit("math.ctpop " + shifted + " : i32");
  return emit("arith.index_cast " + shifted + " : i32 to index");
}

std::string RegionWriter::exactFloat() {
  const Table *table = pickTable(/*isFloat=*/true);
  std::string x;
  if (table && table->element != "f64" && random.chance(2, 3)) {
    x = read(*table);
  } else {
    std::string small =
        emit("arith.index_cast " + clampInteger(integer(1), 4096) +
             " : index to i32");
    x = emit("arith.sitofp " + small + " : i32 to f32");
  }
  static constexpr const char *powers[] = {"1.0",  "0.125",     "16.0",
                                           "-2.0", "1048576.0", "0x5F000000"};
  std::string power =
      emit(std::string("arith.constant ") + random.pick(powers) + " : f32");
  return floatBinary("mulf", x, power);
}

std::string RegionWriter::narrow(const std::string &type, int depth) {
  unsigned width = std::stoul(type.substr(1));
  switch (random.range(0, 5)) {
  case 0: {
    if (width == 1)
      return boolean(random.chance(1, 2));
    int64_t most = static_cast<int64_t>(~uint64_t(0) >> 1 >> (64 - width));
    const int64_t ends[] = {most, -most - 1, -1, 0, 1, most / 2 + 1};
    return emit(
        llvm::formatv("arith.constant {0} : {1}", random.pick(ends), type));
  }
  case 1:
    return emit(llvm::formatv("arith.{0} {1} : f32 to {2}",
                              random.chance(1, 2) ? "fptosi" : "fptoui",
                              exactFloat(), type));
  default:
    return emit("arith.index_cast " + integer(depth) + " : index to " + type);
  }
}

static std::string pickType(Random &random) {
  static constexpr int widths[] = {1, 8, 8, 16, 16, 32, 32, 64};
  return "i" + std::to_string(random.pick(widths));
}

std::string RegionWriter::thereAndBack(int depth) {
  static constexpr const char *casts[] = {"index_cast", "index_castui"};
  std::string type = pickType(random);
  std::string x = emit(llvm::formatv("arith.{0} {1} : index to {2}",
                                     random.pick(casts), integer(depth), type));
  return emit(llvm::formatv("arith.{0} {1} : {2} to index", random.pick(casts),
                            x, type));
}

std::string RegionWriter::ofAnyWidth(int depth) {
  if (random.chance(1, 5))
    return thereAndBack(depth);
  static constexpr const char *ops[] = {
      "addi",  "subi",  "muli",  "divsi", "divui", "ceildivsi", "ceildivui",
      "remsi", "remui", "andi",  "ori",   "xori",  "shli",      "shrsi",
      "shrui", "minsi", "maxsi", "minui", "maxui", "floordivsi"};
  std::string type = pickType(random);
  std::string a = narrow(type, depth), b = narrow(type, depth);
  std::string x = emit(
      llvm::formatv("arith.{0} {1}, {2} : {3}", random.pick(ops), a, b, type));
  if (random.chance(1, 3)) {
    std::string other = pickType(random);
    unsigned from = std::stoul(type.substr(1));
    unsigned to = std::stoul(other.substr(1));
    const char *cast = random.chance(1, 2) ? "extsi" : "extui";
    if (from != to)
      x = emit(llvm::formatv("arith.{0} {1} : {2} to {3}",
                             to < from ? "trunci" : cast, x, type, other));
    type = other;
  }
  if (random.chance(1, 5))
    x = emit(llvm::formatv("math.{0} {1} : {2}",
                           random.chance(1, 2) ? "absi" : "ctpop", x, type));
  if (random.chance(1, 5))
    x = emit(llvm::formatv("arith.select {0}, {1}, {2} : {3}", condition(0), x,
                           narrow(type, 0), type));
  return emit(llvm::formatv("arith.{0} {1} : {2} to index",
                            random.chance(1, 2) ? "index_cast" : "index_castui",
                            x, type));
}

std::string RegionWriter::compareIntegers(int depth) {
  static constexpr const char *predicates[] = {
      "eq", "ne", "slt", "sle", "sgt", "sge", "ult", "ule", "ugt", "uge"};
  std::string type = pickType(random);
  std::string a = narrow(type, depth), b = narrow(type, depth);
  return emit(llvm::formatv("arith.cmpi {0}, {1}, {2} : {3}",
                            random.pick(predicates), a, b, type));
}

std::string RegionWriter::compareFloats() {
  static constexpr const char *predicates[] = {
      "oeq", "ogt", "oge", "olt", "ole", "one", "ord",
      "ueq", "ugt", "uge", "ult", "ule", "une", "uno"};
  std::string a = exactFloat();
  if (random.chance(1, 6))
    return emit("math.isnan " + a + " : f32");
  std::string b =
      random.chance(1, 2) ? number(random.range(-16, 16)) : exactFloat();
  return emit(llvm::formatv("arith.cmpf {0}, {1}, {2} : f32",
                            random.pick(predicates), a, b));
}

std::string RegionWriter::integer(int depth) {
  if (depth == 0 || random.chance(1, 4)) {
    if (random.chance(1, 3))
      return constant(random.range(-40, 160));
    return point();
  }
  switch (random.range(0, 13)) {
  case 12:
    return undefined(depth - 1);
  case 13:
    return ofAnyWidth(depth - 1);
  case 0:
  case 1:
  case 2:
    return binary("addi", integer(depth - 1), integer(depth - 1));
  case 3:
  case 4:
  case 5:
    return binary("subi", integer(depth - 1), integer(depth - 1));
  case 6:
    return binary("muli", integer(depth - 1), constant(random.range(-3, 4)));
  case 7:
  case 8:
    return divide(integer(depth - 1), depth - 1);
  case 9: {
    static constexpr const char *extrema[] = {"minsi", "maxsi"};
    std::string a = integer(depth - 1);
    return binary(random.pick(extrema), a, integer(depth - 1));
  }
  case 10:
    return emit("math.absi " + integer(depth - 1) + " : index");
  default: {
    static constexpr const char *sizes[] = {"q_offset", "q_len", "kv_len"};
    if (!tables.empty() && random.chance(1, 8))
      if (const Table &any = random.pick(tables); !any.indices.empty())
        return emit(text.askSize(
            any.name, constant(random.range(0, any.indices.size() - 1))));
    const Table *table = pickTable(/*isFloat=*/false);
    if (!table || random.chance(1, 3))
      return emit(std::string("attn.") + random.pick(sizes) + " : index");
    return read(*table);
  }
  }
}

std::string RegionWriter::clampInteger(const std::string &value,
                                       int64_t bound) {
  std::string low = binary("maxsi", value, constant(-bound));
  return binary("minsi", low, constant(bound));
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

std::string RegionWriter::score(int depth) {
  std::string x = "%s";
  for (int n = 0; n < depth; ++n)
    x = scoreStep(x);
  return x;
}

std::string RegionWriter::term() {
  const Table *table = pickTable(/*isFloat=*/true);
  switch (random.range(table ? 0 : 1, 5)) {
  case 4: {
    // Of what is exact.
    static constexpr const char *roundings[] = {"floor", "ceil", "round",
                                                "roundeven", "trunc"};
    return math(random.pick(roundings), term());
  }
  case 5: {
    std::string low = number(random.range(-32, 0)), x = term();
    return emit(llvm::formatv("math.clampf {0} to [{1}, {2}] : f32", x, low,
                              number(random.range(0, 32))));
  }
  case 0:
    return read(*table);
  case 1: {
    std::string narrow = emit("arith.index_cast " +
                              clampInteger(integer(2), 64) + " : index to i32");
    std::string wide = emit("arith.sitofp " + narrow + " : i32 to f32");
    return floatBinary("mulf", wide, number(1));
  }
  case 2:
    return number(random.range(-48, 48));
  default: {
    std::string when = condition(1);
    std::string a = term(), b = number(random.range(-48, 48));
    return emit(llvm::formatv("arith.select {0}, {1}, {2} : f32", when, a, b));
  }
  }
}

std::string RegionWriter::activation(const std::string &x) {
  auto sigmoidDivisor = [&] {
    std::string minus = emit("arith.negf " + x + " : f32");
    return floatBinary("addf", number(16), math("exp", minus));
  };
  switch (random.range(0, 4)) {
  case 0: {
    // gelu
    std::string root = emit("arith.constant 0.70710678 : f32");
    std::string inner = math("erf", floatBinary("mulf", x, root));
    std::string half = floatBinary("mulf", x, number(8));
    return emit(llvm::formatv("math.fma {0}, {1}, {0} : f32", half, inner));
  }
  case 1: {
    // mish; its exponential must stay finite.
    std::string small = floatBinary("minimumf", x, number(320));
    std::string plus = math("log1p", math("exp", small));
    return floatBinary("mulf", x, math("tanh", plus));
  }
  case 2:
    // log-sigmoid
    return emit("arith.negf " + math("log", sigmoidDivisor()) + " : f32");
  case 3: {
    // A power of the magnitude.
    std::string base = floatBinary("addf", math("absf", x), number(8));
    return emit(llvm::formatv("math.powf {0}, {1} : f32", base,
                              number(random.range(4, 18))));
  }
  default:
    // silu
    return floatBinary("divf", x, sigmoidDivisor());
  }
}

std::string RegionWriter::loop(const std::string &x) {
  const Table *table = pickTable(/*isFloat=*/true);
  std::string begin = constant(random.range(-3, 3)), step = constant(2);
  std::string end = constant(random.range(0, 9));
  std::string name = "%x" + std::to_string(count++);
  std::string carried = name + "_sum";
  lines += llvm::formatv("      {0} = scf.for {0}_n = {1} to {2} step {3} "
                         "iter_args({4} = {5}) -> f32 {{\n",
                         name, begin, end, step, carried, x)
               .str();
  std::string entry = table ? read(*table) : number(3);
  std::string sum = floatBinary("addf", carried, entry);
  lines += "        scf.yield " + sum + " : f32\n      }\n";
  return name;
}

std::string RegionWriter::nest(const std::string &x, int depth) {
  const Table *table = pickTable(/*isFloat=*/true);
  std::string begin = constant(random.range(-2, 1)), step = constant(1);
  std::string end = constant(random.range(0, 2)), first = integer(0);
  std::string name = "%x" + std::to_string(count++);
  lines += llvm::formatv("      {0}:2 = scf.for {0}_n = {1} to {2} step {3} "
                         "iter_args({0}_s = {4}, {0}_k = {5}) -> (f32, index) "
                         "{{\n",
                         name, begin, end, step, x, first)
               .str();
  counters.insert(counters.end(), {name + "_n", name + "_k"});
  std::string sum = name + "_s";
  if (depth > 0 && random.chance(1, 2))
    sum = nest(sum, depth - 1);
  sum = floatBinary("addf", sum, table ? read(*table) : number(3));
  static constexpr const char *ops[] = {"addi", "xori", "minsi", "muli"};
  std::string next = binary(random.pick(ops), name + "_k", point());
  counters.resize(counters.size() - 2);
  lines +=
      "        scf.yield " + sum + ", " + next + " : f32, index\n      }\n";
  std::string when = binary("remui", name + "#1", constant(3));
  std::string isFirst =
      emit("arith.cmpi eq, " + when + ", " + constant(0) + " : index");
  return emit(
      llvm::formatv("arith.select {0}, {1}#0, {2} : f32", isFirst, name, x));
}

std::string RegionWriter::branch(const std::string &x) {
  std::string when = condition(1);
  std::string name = "%x" + std::to_string(count++);
  lines += name + ":2 = scf.if " + when + " -> (f32, index) {\n";
  std::string a = floatBinary("addf", x, term()), n = integer(1);
  lines +=
      "        scf.yield " + a + ", " + n + " : f32, index\n      } else {\n";
  std::string b = random.chance(1, 2) ? x : term(), m = integer(1);
  lines += "        scf.yield " + b + ", " + m + " : f32, index\n      }\n";
  std::string small = emit("arith.index_cast " + clampInteger(name + "#1", 3) +
                           " : index to i32");
  std::string number = emit("arith.sitofp " + small + " : i32 to f32");
  return floatBinary("addf", name + "#0", number);
}

std::string RegionWriter::scoreStep(const std::string &x) {
  switch (random.range(0, 20)) {
  case 19:
  case 20: {
    // All bits of an integer count in a remainder.
    std::string wide =
        emit("arith.index_cast " + ofAnyWidth(1) + " : index to i64");
    std::string prime = emit("arith.constant 61 : i64");
    std::string rest = emit("arith.remui " + wide + ", " + prime + " : i64");
    std::string word = emit("arith.trunci " + rest + " : i64 to i32");
    std::string value = emit("arith.sitofp " + word + " : i32 to f32");
    return floatBinary("addf", x, floatBinary("mulf", value, number(1)));
  }
  case 14:
    return floatBinary(random.chance(1, 2) ? "maxnumf" : "minnumf", x, term());
  case 15:
    return branch(x);
  case 16:
    return nest(x, /*depth=*/1);
  case 17: {
    // An integer of any width as a number, of 64 bits perhaps scaled down.
    std::string type = pickType(random);
    std::string wide = emit(llvm::formatv(
        "arith.{0} {1} : {2} to f32", random.chance(1, 2) ? "sitofp" : "uitofp",
        narrow(type, 1), type));
    if (type == "i64" && random.chance(1, 2))
      wide = floatBinary("mulf", wide, emit("arith.constant 1.0e-19 : f32"));
    return floatBinary("addf", x,
                       emit(llvm::formatv("math.clampf {0} to [{1}, {2}] : f32",
                                          wide, number(-32), number(32))));
  }
  case 18: {
    // No score is near the bound.
    static constexpr const char *predicates[] = {"olt", "ole", "ult", "ule",
                                                 "one", "une", "ord"};
    std::string bound = emit("arith.constant 1.0e+30 : f32");
    std::string isLess = emit(llvm::formatv("arith.cmpf {0}, {1}, {2} : f32",
                                            random.pick(predicates), x, bound));
    return emit(llvm::formatv("arith.select {0}, {1}, {2} : f32", isLess, x,
                              number(random.range(-16, 16))));
  }
  case 10:
  case 11:
    return activation(x);
  case 12:
    return loop(x);
  case 13: {
    std::string isNaN = emit("math.isnan " + x + " : f32");
    return emit(
        llvm::formatv("arith.select {0}, {1}, {2} : f32", isNaN, number(0), x));
  }
  case 0:
  case 1:
    return floatBinary(random.chance(1, 2) ? "addf" : "subf", x, term());
  case 2:
    return floatBinary("mulf", x, number(random.range(-24, 24)));
  case 3: {
    std::string cap = number(random.range(16, 320));
    return floatBinary("mulf", math("tanh", floatBinary("divf", x, cap)), cap);
  }
  case 4:
    return math(random.chance(1, 2) ? "sin" : "cos", x);
  case 5: {
    // Its slope must stay small.
    std::string small = floatBinary("minimumf", x, number(16));
    return math(random.chance(1, 2) ? "exp" : "exp2", small);
  }
  case 6: {
    std::string positive =
        floatBinary("addf", math("absf", x), number(random.range(8, 32)));
    static constexpr const char *functions[] = {"log", "sqrt", "rsqrt"};
    return math(random.pick(functions), positive);
  }
  case 7:
    return floatBinary(random.chance(1, 2) ? "maximumf" : "minimumf", x,
                       term());
  case 8: {
    // Conditions on the point, with a branch.
    std::string when = condition(1), other = term();
    std::string name = "%x" + std::to_string(count++);
    lines += llvm::formatv("      {0} = scf.if {1} -> f32 {{\n"
                           "        scf.yield {2} : f32\n"
                           "      } else {{\n"
                           "        scf.yield {3} : f32\n"
                           "      }\n",
                           name, when, x, other)
                 .str();
    return name;
  }
  default: {
    // Not attended (rule 14).
    std::string when = condition(1);
    std::string none = emit("arith.constant 0xFF800000 : f32");
    return emit(
        llvm::formatv("arith.select {0}, {1}, {2} : f32", when, x, none));
  }
  }
}
