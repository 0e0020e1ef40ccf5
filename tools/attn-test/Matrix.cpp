//===- Matrix.cpp - Variants times types times shapes ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every feature of attn.attention by itself, over FlashAttention's lengths and
// head sizes in all element types, and with nothing to compute on.
//
//===----------------------------------------------------------------------===//

#include "FunctionText.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/xxhash.h"

using namespace attn::tools;

llvm::ArrayRef<std::pair<int64_t, int64_t>> attn::tools::getLengths() {
  static constexpr std::pair<int64_t, int64_t> lengths[] = {
      {1, 1},     {1, 147},   {1, 339},     {3, 5},       {3, 799},
      {64, 128},  {97, 97},   {108, 256},   {113, 203},   {113, 211},
      {127, 512}, {127, 513}, {128, 217},   {200, 200},   {239, 1},
      {256, 512}, {257, 257}, {384, 384},   {512, 256},   {799, 3},
      {0, 7},     {7, 0},     {1023, 1024}, {1024, 1023}, {1, 2100},
      {4, 1111}};
  return lengths;
}

llvm::ArrayRef<int64_t> attn::tools::getHeadSizes() {
  static constexpr int64_t sizes[] = {1,  8,   32,  40,  59,  64,  80,
                                      96, 111, 128, 160, 192, 224, 256};
  return sizes;
}

llvm::ArrayRef<llvm::StringRef> attn::tools::getElementTypes() {
  static constexpr llvm::StringRef types[] = {"f32", "f16", "bf16"};
  return types;
}

namespace {

/// Something that a function can use: adds it to the text.
struct Variant {
  const char *name;
  void (*apply)(FunctionText &text);
};

void setRagged(FunctionText &text) {
  text.ragged = true;
  text.qLayout = text.kLayout = text.vLayout = text.oLayout = "htd";
  text.addCuSeqlens();
}

void setPaged(FunctionText &text, int64_t pageSize) {
  text.setPages(pageSize);
  if (text.ragged)
    text.kLayout = text.vLayout = "bhsd";
  std::string lengths = text.type({text.shape.batch}, "i32");
  std::string table = text.type({text.shape.batch, text.tableSize}, "i32");
  text.addArgument("table", table);
  // cu_seqlens says how long ragged sequences are.
  if (text.ragged) {
    text.addCuSeqlensClause();
  } else {
    text.addArgument("kv_len", lengths);
    text.addClause("kv_len(%kv_len : " + lengths + ")");
  }
  text.addClause("page_table(%table : " + table + ")");
}

/// bias(...) or mask_tensor(...) of the last dimensions of [b, h, i, j]; 1
/// broadcasts.
void addBroadcast(FunctionText &text, const char *clause,
                  const std::vector<int64_t> &sizes,
                  const std::string &element) {
  // Static: a size of 1 only broadcasts if the type says so.
  bool dynamic = std::exchange(text.dynamic, false);
  std::string type = text.type(sizes, element);
  text.dynamic = dynamic;
  text.addArgument(clause, type);
  text.addClause(std::string(clause) + "(%" + clause + " : " + type + ")");
}

const Variant variants[] = {
    {"plain", [](FunctionText &) {}},
    {"static", [](FunctionText &t) { t.dynamic = false; }},
    {"memref", [](FunctionText &t) { t.memrefs = true; }},
    {"no-lse", [](FunctionText &t) { t.lse = false; }},
    {"f32-output", [](FunctionText &t) { t.outputElement = "f32"; }},
    {"causal",
     [](FunctionText &t) {
       t.addAttribute("causal = #attn.causal<top_left>");
     }},
    {"causal-bottom-right",
     [](FunctionText &t) {
       t.addAttribute("causal = #attn.causal<bottom_right>");
     }},
    {"window",
     [](FunctionText &t) {
       t.addAttribute("window = #attn.window<left = 33, right = 17>");
     }},
    {"window-left",
     [](FunctionText &t) {
       t.addAttribute("window = #attn.window<left = 70>");
     }},
    {"causal-window",
     [](FunctionText &t) {
       t.addAttribute("causal = #attn.causal<bottom_right>");
       t.addAttribute("window = #attn.window<left = 100>");
     }},
    {"softcap",
     [](FunctionText &t) { t.addAttribute("softcap = 20.0 : f32"); }},
    {"scale",
     [](FunctionText &t) {
       t.addArgument("scale", "f32");
       t.addClause("scale(%scale)");
     }},
    {"negative-scale",
     [](FunctionText &t) { t.addAttribute("scale_value = -0.125 : f32"); }},
    {"alibi",
     [](FunctionText &t) {
       std::string type = t.type({t.shape.queryHeads}, "f32");
       t.addArgument("alibi", type);
       t.addClause("alibi(%alibi : " + type + ")");
       t.addAttribute("causal = #attn.causal<bottom_right>");
     }},
    {"alibi-batch",
     [](FunctionText &t) {
       std::string type = t.type({t.shape.batch, t.shape.queryHeads}, "f32");
       t.addArgument("alibi", type);
       t.addClause("alibi(%alibi : " + type + ")");
     }},
    {"bias",
     [](FunctionText &t) {
       addBroadcast(
           t, "bias",
           {t.shape.batch, t.shape.queryHeads, t.shape.queries, t.shape.keys},
           t.element);
     }},
    {"bias-broadcast",
     [](FunctionText &t) {
       addBroadcast(t, "bias", {t.shape.queryHeads, 1, t.shape.keys}, "f32");
     }},
    {"mask-tensor",
     [](FunctionText &t) {
       addBroadcast(t, "mask_tensor",
                    {t.shape.batch, 1, t.shape.queries, t.shape.keys}, "i1");
     }},
    // Types that are converted: 16-bit tables, byte masks, an f64 scale.
    {"converted",
     [](FunctionText &t) {
       const Shape &s = t.shape;
       t.addArgument("scale", "f64");
       t.addClause("scale(%scale : f64)");
       std::string slopes = t.type({s.queryHeads}, "bf16");
       t.addArgument("alibi", slopes);
       t.addClause("alibi(%alibi : " + slopes + ")");
       addBroadcast(t, "bias", {s.queries, s.keys}, "f16");
       addBroadcast(t, "mask_tensor", {s.batch, 1, s.queries, s.keys}, "i8");
       std::string sinks = t.type({s.queryHeads}, "f16");
       t.addArgument("sink", sinks);
       t.addClause("sink(%sink : " + sinks + ")");
       t.addAttribute("softcap = 30.0");
     }},
    {"mask-short",
     [](FunctionText &t) {
       addBroadcast(t, "mask_tensor", {(t.shape.keys + 1) / 2}, "i1");
     }},
    {"segments",
     [](FunctionText &t) {
       std::string q = t.type({t.shape.batch, t.shape.queries}, "i32");
       std::string k = t.type({t.shape.batch, t.shape.keys}, "i32");
       t.addArgument("q_ids", q);
       t.addArgument("kv_ids", k);
       t.addClause("segments(%q_ids, %kv_ids : " + q + ", " + k + ")");
     }},
    {"prefix",
     [](FunctionText &t) {
       std::string type = t.type({t.shape.batch}, "i32");
       t.addArgument("prefix", type);
       t.addClause("prefix(%prefix : " + type + ")");
       t.addAttribute("causal = #attn.causal<top_left>");
     }},
    {"q-offset",
     [](FunctionText &t) {
       std::string type = t.type({t.shape.batch}, "i64");
       t.addArgument("offset", type);
       t.addClause("q_offset(%offset : " + type + ")");
       t.addAttribute("causal = #attn.causal<top_left>");
     }},
    {"kv-len",
     [](FunctionText &t) {
       std::string type = t.type({t.shape.batch}, "i32");
       t.addArgument("kv_len", type);
       t.addClause("kv_len(%kv_len : " + type + ")");
       t.addAttribute("causal = #attn.causal<bottom_right>");
     }},
    {"kv-len-scalar",
     [](FunctionText &t) {
       t.addArgument("kv_len", "index");
       t.addClause("kv_len(%kv_len : index)");
     }},
    {"sink",
     [](FunctionText &t) {
       std::string type = t.type({t.shape.queryHeads}, "f32");
       t.addArgument("sink", type);
       t.addClause("sink(%sink : " + type + ")");
       t.addAttribute("causal = #attn.causal<top_left>");
     }},
    {"bshd",
     [](FunctionText &t) {
       t.qLayout = t.kLayout = t.vLayout = t.oLayout = "bshd";
     }},
    {"sbhd",
     [](FunctionText &t) {
       t.qLayout = t.kLayout = t.vLayout = t.oLayout = "sbhd";
     }},
    {"mixed-layouts",
     [](FunctionText &t) {
       t.qLayout = "bshd";
       t.kLayout = t.vLayout = "sbhd";
     }},
    {"ragged",
     [](FunctionText &t) {
       setRagged(t);
       t.addCuSeqlensClause();
       t.addAttribute("causal = #attn.causal<bottom_right>");
     }},
    {"ragged-thd",
     [](FunctionText &t) {
       setRagged(t);
       t.addCuSeqlensClause();
       t.qLayout = t.kLayout = t.vLayout = t.oLayout = "thd";
     }},
    {"paged", [](FunctionText &t) { setPaged(t, 16); }},
    {"paged-small",
     [](FunctionText &t) {
       setPaged(t, 1);
       t.addAttribute("causal = #attn.causal<bottom_right>");
     }},
    {"paged-bshd",
     [](FunctionText &t) {
       t.kLayout = t.vLayout = "bshd";
       setPaged(t, 64);
     }},
    {"paged-ragged",
     [](FunctionText &t) {
       setRagged(t);
       setPaged(t, 16);
     }},
};

} // namespace

std::vector<Recipe> attn::tools::enumerateMatrix() {
  std::vector<Recipe> recipes;
  for (const Variant &variant : variants)
    for (llvm::StringRef element : getElementTypes())
      for (auto [queries, keys] : getLengths())
        for (int64_t headSize : getHeadSizes()) {
          // 16-bit inputs only: f32 is the usual output otherwise.
          if (llvm::StringRef(variant.name) == "f32-output" && element == "f32")
            continue;
          std::string name = std::string("matrix/") + variant.name + "/" +
                             element.str() + "/" + std::to_string(queries) +
                             "x" + std::to_string(keys) + "/d" +
                             std::to_string(headSize);
          uint64_t hash = llvm::xxh3_64bits(name);
          // Heads, batch and Dv vary along, so that the product stays small.
          static constexpr std::pair<int64_t, int64_t> heads[] = {
              {1, 1}, {2, 2}, {4, 1}, {6, 2}};
          auto [queryHeads, keyHeads] = heads[hash % 4];
          int64_t valueHeadSize = hash / 4 % 8 == 0 ? 24 : headSize;
          Shape shape{1 + static_cast<int64_t>(hash / 32 % 3),
                      queryHeads,
                      keyHeads,
                      queries,
                      keys,
                      headSize,
                      valueHeadSize};
          recipes.push_back({name, [=](mlir::MLIRContext &) {
                               FunctionText text(element.str(), shape);
                               // Choices that types depend on come first.
                               variant.apply(text);
                               return text.print(name, hash);
                             }});
        }
  return recipes;
}

std::vector<Recipe> attn::tools::enumerateEmpty() {
  static constexpr std::pair<llvm::StringLiteral, Shape> shapes[] = {
      {"no-queries", {2, 4, 2, 0, 7, 8, 8}},
      {"no-keys", {2, 4, 2, 5, 0, 8, 8}},
      {"no-queries-no-keys", {2, 4, 2, 0, 0, 8, 24}},
      {"no-batch", {0, 4, 2, 5, 7, 8, 8}},
      {"no-heads", {2, 0, 0, 5, 7, 8, 8}},
      {"all-zero", {0, 0, 0, 0, 0, 8, 8}}};
  std::vector<Recipe> recipes;
  for (const Variant &variant : variants)
    for (const auto &[kind, shape] : shapes)
      for (bool dynamic : {true, false}) {
        std::string name = std::string("empty/") + variant.name + "/" +
                           kind.str() + (dynamic ? "" : "/static");
        recipes.push_back({name, [=, shape = shape](mlir::MLIRContext &) {
                             FunctionText text("f32", shape);
                             text.dynamic = dynamic;
                             variant.apply(text);
                             return text.print(name, /*seed=*/1);
                           }});
      }
  return recipes;
}
