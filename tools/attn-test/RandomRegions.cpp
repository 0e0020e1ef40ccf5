//===- RandomRegions.cpp - Masks and scores that nobody has seen ----------===//
//
// Random affine and non-affine masks (and, or, not, division and remainder by
// constants, table reads, comparisons) and random bounded score arithmetic,
// under random sugar: the property test.
//
//===----------------------------------------------------------------------===//

#include "FunctionText.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/FormatVariadic.h"

using namespace attn::tools;

namespace {

/// Writes the lines of one region.
class RegionWriter {
public:
  RegionWriter(Random &random, const FunctionText &text)
      : random(random), text(text) {}

  /// A condition of about `depth` levels.
  std::string condition(int depth) {
    if (depth > 0 && random.chance(2, 3)) {
      static constexpr const char *ops[] = {"andi", "ori", "andi", "ori",
                                            "xori"};
      if (random.chance(1, 6))
        return emit(llvm::formatv("arith.xori {0}, {1} : i1",
                                  condition(depth - 1), boolean(true)));
      std::string a = condition(depth - 1), b = condition(depth - 1);
      return emit(
          llvm::formatv("arith.{0} {1}, {2} : i1", random.pick(ops), a, b));
    }
    static constexpr const char *predicates[] = {"slt", "sle", "sgt", "sge",
                                                 "sle", "sge", "eq",  "ne"};
    std::string a = integer(2), b = integer(1);
    return emit(llvm::formatv("arith.cmpi {0}, {1}, {2} : index",
                              random.pick(predicates), a, b));
  }

  /// A score in which an error of s grows little: |d result / d s| is a few at
  /// most, and no condition depends on s (its rounding would decide).
  std::string score(int depth) {
    std::string x = "%s";
    for (int n = 0; n < depth; ++n)
      x = scoreStep(x);
    return x;
  }

  std::string yield(const std::string &value, const char *type) {
    return lines + "      attn.yield " + value + " : " + type + "\n";
  }

private:
  std::string emit(const std::string &expression) {
    std::string name = "%x" + std::to_string(count++);
    lines += "      " + name + " = " + expression + "\n";
    return name;
  }
  std::string constant(int64_t value) {
    return emit(llvm::formatv("arith.constant {0} : index", value));
  }
  std::string boolean(bool value) {
    return emit(std::string("arith.constant ") + (value ? "true" : "false"));
  }
  /// A multiple of 1/16.
  std::string number(int64_t sixteenths) {
    return emit(
        llvm::formatv("arith.constant {0:f4} : f32", sixteenths / 16.0));
  }
  std::string read(const std::string &table, const std::string &indices) {
    std::string name = "x" + std::to_string(count++);
    lines += "      " + text.read(name, table, indices);
    return "%" + name;
  }

  std::string point() {
    static constexpr const char *points[] = {"%i", "%j", "%i",
                                             "%j", "%b", "%h"};
    return random.pick(points);
  }

  std::string integer(int depth) {
    if (depth == 0 || random.chance(1, 4)) {
      if (random.chance(1, 3))
        return constant(random.range(-40, 160));
      return point();
    }
    switch (random.range(0, 11)) {
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
    case 7: {
      static constexpr const char *divisions[] = {"divsi", "floordivsi",
                                                  "ceildivsi"};
      std::string a = integer(depth - 1);
      return binary(random.pick(divisions), a, constant(random.range(1, 70)));
    }
    case 8: {
      std::string a = integer(depth - 1);
      return binary("remsi", a, constant(random.range(1, 70)));
    }
    case 9: {
      static constexpr const char *extrema[] = {"minsi", "maxsi"};
      std::string a = integer(depth - 1);
      return binary(random.pick(extrema), a, integer(depth - 1));
    }
    case 10:
      return emit("math.absi " + integer(depth - 1) + " : index");
    default: {
      static constexpr const char *queries[] = {"q_offset", "q_len", "kv_len"};
      if (random.chance(1, 3))
        return emit(std::string("attn.") + random.pick(queries) + " : index");
      // A table of integers by row, by key, or a scalar.
      if (random.chance(1, 4))
        return emit("arith.index_cast %limit_ : i32 to index");
      bool byRow = random.chance(1, 2);
      std::string entry =
          read(byRow ? "rows" : "columns", byRow ? "%b, %i" : "%j");
      return emit("arith.index_cast " + entry + " : i32 to index");
    }
    }
  }
  std::string binary(const char *op, const std::string &a,
                     const std::string &b) {
    return emit(llvm::formatv("arith.{0} {1}, {2} : index", op, a, b));
  }

  std::string floatBinary(const char *op, const std::string &a,
                          const std::string &b) {
    return emit(llvm::formatv("arith.{0} {1}, {2} : f32", op, a, b));
  }
  std::string math(const char *op, const std::string &a) {
    return emit(llvm::formatv("math.{0} {1} : f32", op, a));
  }

  /// Something moderate that does not depend on s.
  std::string term() {
    switch (random.range(0, 3)) {
    case 0:
      return read("table", "%h, %j");
    case 1: {
      std::string narrow =
          emit("arith.index_cast " + clampInteger(integer(2), 64) +
               " : index to i32");
      std::string wide = emit("arith.sitofp " + narrow + " : i32 to f32");
      return floatBinary("mulf", wide, number(1));
    }
    case 2:
      return number(random.range(-48, 48));
    default: {
      std::string when = condition(1);
      std::string a = term(), b = number(random.range(-48, 48));
      return emit(
          llvm::formatv("arith.select {0}, {1}, {2} : f32", when, a, b));
    }
    }
  }
  std::string clampInteger(const std::string &value, int64_t bound) {
    std::string low = binary("maxsi", value, constant(-bound));
    return binary("minsi", low, constant(bound));
  }

  std::string scoreStep(const std::string &x) {
    switch (random.range(0, 9)) {
    case 0:
    case 1:
      return floatBinary(random.chance(1, 2) ? "addf" : "subf", x, term());
    case 2:
      return floatBinary("mulf", x, number(random.range(-24, 24)));
    case 3: {
      std::string cap = number(random.range(16, 320));
      return floatBinary("mulf", math("tanh", floatBinary("divf", x, cap)),
                         cap);
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

  Random &random;
  const FunctionText &text;
  std::string lines;
  int count = 0;
};

} // namespace

Case attn::tools::makeRandomCase(uint64_t seed) {
  Random random(seed);
  static constexpr int64_t headSizes[] = {1, 7, 16, 32, 40, 64, 72};
  int64_t keyHeads = random.range(1, 2);
  Shape shape{random.range(1, 2),
              keyHeads * random.range(1, 3),
              keyHeads,
              random.range(1, 150),
              random.range(1, 260),
              random.pick(headSizes),
              random.pick(headSizes)};
  FunctionText text(random.pick(getElementTypes()).str(), shape);
  text.memrefs = random.chance(1, 3);
  text.dynamic = random.chance(2, 3);

  text.addCapture("rows", text.type({shape.batch, shape.queries}, "i32"),
                  {"B", "Sq"}, "attn.values = array<i64: -20, 200>");
  text.addCapture("columns", text.type({shape.keys}, "i32"), {"Skv"},
                  "attn.values = array<i64: 0, 5>, attn.rising");
  text.addCapture("table", text.type({shape.queryHeads, shape.keys}, "f32"),
                  {"Hq", "Skv"});
  text.addCapture("limit", "i32", {}, "attn.values = array<i64: 0, 150>");

  if (random.chance(1, 4)) {
    std::string type = text.type({shape.batch}, "i32");
    text.addArgument("kv_len", type);
    text.addClause("kv_len(%kv_len : " + type + ")");
  }
  if (random.chance(1, 4))
    text.addAttribute(random.chance(1, 2)
                          ? "causal = #attn.causal<top_left>"
                          : "causal = #attn.causal<bottom_right>");
  if (random.chance(1, 5))
    text.addAttribute(
        llvm::formatv("window = #attn.window<left = {0}, right = {1}>",
                      random.range(0, 80), random.range(0, 80)));
  if (random.chance(1, 6))
    text.addAttribute("softcap = 12.0 : f32");
  if (random.chance(2, 3)) {
    RegionWriter writer(random, text);
    text.score = writer.yield(writer.score(random.range(1, 4)), "f32");
  }
  if (text.score.empty() || random.chance(3, 4)) {
    RegionWriter writer(random, text);
    text.mask = writer.yield(writer.condition(random.range(0, 3)), "i1");
  }
  return text.print("random/" + std::to_string(seed), seed);
}
