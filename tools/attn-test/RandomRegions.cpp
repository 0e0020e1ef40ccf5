//===- RandomRegions.cpp - Masks and scores that nobody has seen ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Random affine and non-affine masks and random bounded score arithmetic, under
// a little random sugar: the property test of mask analysis.
//
//===----------------------------------------------------------------------===//

#include "RegionWriter.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/FormatVariadic.h"

using namespace attn::tools;

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
  // Too small for its indices, or empty.
  int64_t rows = random.range(0, 3), columns = random.range(0, 3);
  text.addCapture("small", text.type({rows, columns}, "i32"),
                  {"small_rows", "small_columns"},
                  "attn.values = array<i64: -9, 90>");
  text.setSize("small_rows", rows);
  text.setSize("small_columns", columns);
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
  const std::vector<Table> tables = {{"rows", "i32", "bi"},
                                     {"columns", "i32", "j"},
                                     {"table", "f32", "hj"},
                                     {"small", "i32", "hj"},
                                     {"limit", "i32", "", false}};
  if (random.chance(2, 3)) {
    RegionWriter writer(random, text, tables, /*wild=*/false);
    text.score = writer.yield(writer.score(random.range(1, 4)), "f32");
  }
  if (text.score.empty() || random.chance(3, 4)) {
    RegionWriter writer(random, text, tables, /*wild=*/false);
    text.mask = writer.yield(writer.condition(random.range(0, 3)), "i1");
  }
  return text.print("random/" + std::to_string(seed), seed);
}
