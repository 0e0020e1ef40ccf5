//===- Rejections.cpp - Inputs that must not give a result ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every operand with every dimension of a wrong size, known at run time only,
// and lengths, bounds and pages out of range. Each must be refused by a message
// that names the rule and the two sizes.
//
//===----------------------------------------------------------------------===//

#include "FunctionText.h"

#include "llvm/ADT/STLExtras.h"

using namespace attn;
using namespace attn::tools;
using reference::Tensor;

namespace {

/// All sizes differ, so that a message says which one it means.
constexpr Shape shape{3, 8, 4, 13, 21, 16, 32};
constexpr int64_t pageSize = 5;

constexpr int any = -1;

/// What the sizes of an argument must obey.
struct Operand {
  const char *name;
  /// The rule of each dimension; `any`: another operand is found first, or a
  /// type; 0: any size is right.
  std::vector<int> rules;
  /// Shorter is right in the last dimension, too, and 1 in others (rule 10).
  bool mayBeShort = false;
};

/// A function all of whose sizes are dynamic.
struct Variant {
  const char *name;
  void (*apply)(FunctionText &text);
  std::vector<Operand> operands;
};

/// Values that no type forbids.
struct Contents {
  const char *name;
  void (*apply)(FunctionText &text);
  const char *argument;
  /// The element to overwrite, and with what.
  int64_t element, value;
};

void addTensor(FunctionText &text, const std::string &clause,
               const std::vector<int64_t> &sizes, const std::string &element) {
  std::string type = text.type(sizes, element);
  text.addArgument(clause, type);
  text.addClause(clause + "(%" + clause + " : " + type + ")");
}

void addScalar(FunctionText &text, const std::string &clause) {
  text.addArgument(clause, "i32");
  text.addClause(clause + "(%" + clause + " : i32)");
}

/// The last `rank` sizes of [B, Hq, Sq, Skv].
std::vector<int64_t> tail(int rank) {
  std::vector<int64_t> all{shape.batch, shape.queryHeads, shape.queries,
                           shape.keys};
  return {all.end() - rank, all.end()};
}

void addCausal(FunctionText &text) {
  text.addAttribute("causal = #attn.causal<top_left>");
}

void setRagged(FunctionText &text) {
  text.ragged = true;
  text.qLayout = text.kLayout = text.vLayout = text.oLayout = "thd";
  text.setSize("Sq", shape.queries);
  text.setSize("Skv", shape.keys);
  text.addCuSeqlens();
}

void addPageTable(FunctionText &text) {
  addTensor(text, "page_table", {shape.batch, text.tableSize}, "i32");
}

void setPaged(FunctionText &text) {
  text.setPages(pageSize);
  addPageTable(text);
}

void setRaggedPaged(FunctionText &text) {
  setRagged(text);
  text.kLayout = text.vLayout = "bshd";
  text.setPages(pageSize);
  text.addCuSeqlensClause();
  addPageTable(text);
}

void addSegments(FunctionText &text) {
  std::string q = text.type({shape.batch, shape.queries}, "i32");
  std::string k = text.type({shape.batch, shape.keys}, "i32");
  text.addArgument("q_ids", q);
  text.addArgument("kv_ids", k);
  text.addClause("segments(%q_ids, %kv_ids : " + q + ", " + k + ")");
}

template <int rank> void addBias(FunctionText &text) {
  addTensor(text, "bias", tail(rank), "f32");
}
template <int rank> void addMask(FunctionText &text) {
  addTensor(text, "mask_tensor", tail(rank), "i1");
}

void addKVLen(FunctionText &text) {
  addTensor(text, "kv_len", {shape.batch}, "i32");
}

const Variant variants[] = {
    {"plain",
     [](FunctionText &) {},
     {{"q", {any, any, any, any}},
      {"k", {1, any, 1, any}},
      {"v", {1, 1, 1, any}},
      {"o", {1, 1, 1, any}},
      {"l", {1, 1, 1}}}},
    {"bshd",
     [](FunctionText &t) {
       t.qLayout = t.kLayout = t.vLayout = t.oLayout = "bshd";
     },
     {{"q", {any, any, any, any}},
      {"k", {1, 1, any, any}},
      {"v", {1, 1, 1, any}},
      {"o", {1, 1, 1, any}}}},
    {"alibi",
     [](FunctionText &t) { addTensor(t, "alibi", {shape.queryHeads}, "f32"); },
     {{"alibi", {10}}}},
    {"alibi-batch",
     [](FunctionText &t) {
       addTensor(t, "alibi", {shape.batch, shape.queryHeads}, "f32");
     },
     {{"alibi", {10, 10}}}},
    {"bias", addBias<4>, {{"bias", {10, 10, 10, 10}, true}}},
    {"bias-heads", addBias<3>, {{"bias", {10, 10, 10}, true}}},
    {"bias-rows", addBias<2>, {{"bias", {10, 10}, true}}},
    {"bias-keys", addBias<1>, {{"bias", {10}, true}}},
    {"mask", addMask<4>, {{"mask_tensor", {10, 10, 10, 10}, true}}},
    {"mask-heads", addMask<3>, {{"mask_tensor", {10, 10, 10}, true}}},
    {"mask-rows", addMask<2>, {{"mask_tensor", {10, 10}, true}}},
    {"mask-keys", addMask<1>, {{"mask_tensor", {10}, true}}},
    {"segments", addSegments, {{"q_ids", {10, 10}}, {"kv_ids", {10, 10}}}},
    {"prefix",
     [](FunctionText &t) {
       addTensor(t, "prefix", {shape.batch}, "i32");
       addCausal(t);
     },
     {{"prefix", {10}}}},
    {"q-offset",
     [](FunctionText &t) {
       addTensor(t, "q_offset", {shape.batch}, "i64");
       addCausal(t);
     },
     {{"q_offset", {9}}}},
    {"kv-len", addKVLen, {{"kv_len", {11}}}},
    {"sink",
     [](FunctionText &t) { addTensor(t, "sink", {shape.queryHeads}, "f32"); },
     {{"sink", {11}}}},
    {"ragged",
     [](FunctionText &t) {
       setRagged(t);
       t.addCuSeqlensClause();
     },
     {{"q", {any, any, any}},
      {"k", {any, any, any}},
      {"v", {1, 1, any}},
      {"o", {1, 1, any}},
      {"l", {1, 1}},
      {"cu_q", {11}},
      {"cu_kv", {11}}}},
    {"ragged-kv-len",
     [](FunctionText &t) {
       setRagged(t);
       addKVLen(t);
       t.addCuSeqlensClause();
     },
     {{"kv_len", {11}}}},
    {"paged",
     setPaged,
     {{"q", {any, any, any, any}},
      {"k", {11, any, 1, any}},
      {"v", {11, 1, 1, any}},
      {"page_table", {11, 0}}}},
    {"paged-ragged", setRaggedPaged, {{"page_table", {11, 0}}}},
};

const Contents contents[] = {
    {"kv-len-long", addKVLen, "kv_len", 1, shape.keys + 1},
    {"kv-len-huge", addKVLen, "kv_len", 2, 2147483647},
    {"kv-len-negative", addKVLen, "kv_len", 0, -1},
    {"kv-len-scalar-long", [](FunctionText &t) { addScalar(t, "kv_len"); },
     "kv_len", 0, shape.keys + 1},
    {"kv-len-scalar-negative", [](FunctionText &t) { addScalar(t, "kv_len"); },
     "kv_len", 0, -1},
    {"cu-q-long",
     [](FunctionText &t) {
       setRagged(t);
       t.addCuSeqlensClause();
     },
     "cu_q", 3, shape.queries + 1},
    {"cu-q-huge",
     [](FunctionText &t) {
       setRagged(t);
       t.addCuSeqlensClause();
     },
     "cu_q", 2, 1 << 30},
    {"cu-q-negative",
     [](FunctionText &t) {
       setRagged(t);
       t.addCuSeqlensClause();
     },
     "cu_q", 1, -4},
    {"cu-kv-long",
     [](FunctionText &t) {
       setRagged(t);
       t.addCuSeqlensClause();
     },
     "cu_kv", 3, shape.keys + 1},
    {"cu-kv-negative",
     [](FunctionText &t) {
       setRagged(t);
       t.addCuSeqlensClause();
     },
     "cu_kv", 0, -1},
    {"page-past-the-end", setPaged, "page_table", 4, 1 << 20},
    {"page-negative", setPaged, "page_table", 0, -1},
    {"paged-kv-len-long",
     [](FunctionText &t) {
       t.setPages(pageSize);
       addKVLen(t);
       addPageTable(t);
     },
     "kv_len", 1, 26},
    {"paged-ragged-long", setRaggedPaged, "cu_kv", 3, 1000},
};

/// `tensor` with another shape; elements are repeated.
void resize(Tensor &tensor, llvm::ArrayRef<int64_t> newShape) {
  Tensor result(tensor.elementType, newShape);
  int64_t count = tensor.getNumElements();
  for (int64_t n = 0, e = count ? result.getNumElements() : 0; n < e; ++n) {
    if (tensor.isFloat())
      result.setFloat(n, tensor.getFloat(n % count));
    else
      result.setInt(n, tensor.getInt(n % count));
  }
  tensor = std::move(result);
}

} // namespace

/// A dimension that is `change` longer than it has to be; 0: of size 1.
static Case makeWrongSize(const Variant &variant, const Operand &operand,
                          unsigned dim, int64_t change, bool memrefs,
                          const std::string &name) {
  FunctionText text("f32", shape);
  text.memrefs = memrefs;
  variant.apply(text);
  Case result = text.print(name, /*seed=*/dim + 1);
  int rule = operand.rules[dim];
  result.adjust = [=, argument = text.getIndex(operand.name)](
                      llvm::MutableArrayRef<Tensor> inputs) -> MessageParts {
    llvm::SmallVector<int64_t> sizes(inputs[argument].shape);
    int64_t right = sizes[dim];
    int64_t wrong = sizes[dim] = change == 0 ? 1 : right + change;
    resize(inputs[argument], sizes);
    if (rule == any)
      return {std::to_string(wrong)};
    return {"rule " + std::to_string(rule), std::to_string(wrong),
            std::to_string(right)};
  };
  return result;
}

static Case makeWrongContents(const Contents &wrong, bool memrefs,
                              const std::string &name) {
  FunctionText text("f32", shape);
  text.memrefs = memrefs;
  wrong.apply(text);
  Case result = text.print(name, /*seed=*/1);
  result.adjust = [argument = text.getIndex(wrong.argument),
                   element = wrong.element, value = wrong.value](
                      llvm::MutableArrayRef<Tensor> inputs) -> MessageParts {
    inputs[argument].setInt(element, value);
    return {"rule 11"};
  };
  return result;
}

std::vector<Recipe> attn::tools::enumerateRejections(bool hostReads) {
  std::vector<Recipe> recipes;
  for (bool memrefs : {false, true}) {
    std::string prefix = memrefs ? "rejections/memref/" : "rejections/tensor/";
    for (const Variant &variant : variants)
      for (const Operand &operand : variant.operands)
        for (unsigned dim = 0; dim < operand.rules.size(); ++dim) {
          bool last = dim + 1 == operand.rules.size();
          for (int64_t change : {-1, 0, 1, 40}) {
            // What may be short at its end is broadcast from 1 elsewhere.
            if (operand.rules[dim] == 0 ||
                (operand.mayBeShort && (change == 0 || (change < 0 && last))))
              continue;
            std::string name = prefix + variant.name + "/" + operand.name +
                               "." + std::to_string(dim) + "/" +
                               (change == 0 ? "one" : std::to_string(change));
            recipes.push_back(
                {name, [=, &variant, &operand](mlir::MLIRContext &) {
                   return makeWrongSize(variant, operand, dim, change, memrefs,
                                        name);
                 }});
          }
        }
    if (!hostReads)
      continue;
    for (const Contents &wrong : contents) {
      std::string name = prefix + "contents/" + wrong.name;
      recipes.push_back({name, [=, &wrong](mlir::MLIRContext &) {
                           return makeWrongContents(wrong, memrefs, name);
                         }});
    }
  }
  return recipes;
}
