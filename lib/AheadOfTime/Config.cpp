//===- Config.cpp - Attention described without MLIR ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A configuration becomes the text of a function with one attn.attention.
//
//===----------------------------------------------------------------------===//

#include "attn/AheadOfTime/Config.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

using namespace attn;
using llvm::ArrayRef;
using llvm::Error;
using llvm::StringRef;
using llvm::Twine;
namespace json = llvm::json;

static constexpr llvm::StringLiteral kFields[] = {
    "name",   "heads",   "key_heads", "head_size", "value_head_size",
    "type",   "layout",  "batch",     "queries",   "keys",
    "scale",  "softcap", "causal",    "window",    "alibi",
    "bias",   "mask",    "segments",  "prefix",    "q_offset",
    "kv_len", "sink",    "lse"};

static Error bad(const Twine &message) {
  return llvm::createStringError(message);
}

namespace {

/// Reads the configuration and collects the parts of the function.
class Writer {
public:
  explicit Writer(const json::Object &config) : config(config) {}

  llvm::Expected<std::string> write();

private:
  Error readSizes();
  Error readAttributes();
  Error addOperands();
  Error readPositive(StringRef field, bool required, std::string &text);
  Error readFlag(StringRef field, bool &value);
  std::string tensor(ArrayRef<std::string> sizes, StringRef element);
  std::string data(StringRef heads, StringRef rows, StringRef size);
  /// A parameter, and its place in the op if it has a keyword of its own.
  void add(StringRef name, const std::string &type, bool hasClause = true);

  bool isRagged() const { return layout == "thd" || layout == "htd"; }

  const json::Object &config;
  std::string name = "attention", element = "f32", layout = "bhsd";
  std::string heads, keyHeads, headSize, valueSize;
  std::string batch = "?", queries = "?", keys = "?";
  std::string parameters, clauses;
  llvm::SmallVector<std::string> attributes;
};

} // namespace

Error Writer::readPositive(StringRef field, bool required, std::string &text) {
  const json::Value *value = config.get(field);
  if (!value)
    return required ? bad("the field '" + field + "' is missing")
                    : Error::success();
  auto number = value->getAsInteger();
  if (!number || *number < 1)
    return bad("'" + field + "' must be a positive integer");
  text = std::to_string(*number);
  return Error::success();
}

Error Writer::readFlag(StringRef field, bool &value) {
  const json::Value *given = config.get(field);
  value = false;
  if (!given)
    return Error::success();
  auto flag = given->getAsBoolean();
  if (!flag)
    return bad("'" + field + "' must be true or false");
  value = *flag;
  return Error::success();
}

std::string Writer::tensor(ArrayRef<std::string> sizes, StringRef type) {
  std::string text = "tensor<";
  for (const std::string &size : sizes)
    text += size + "x";
  return text + type.str() + ">";
}

/// q, k, v or o: its logical sizes in the order of the layout.
std::string Writer::data(StringRef numHeads, StringRef rows, StringRef size) {
  llvm::SmallVector<std::string> sizes;
  for (char dimension : layout)
    sizes.push_back(dimension == 'b'   ? batch
                    : dimension == 'h' ? numHeads.str()
                    : dimension == 'd' ? size.str()
                    : dimension == 't' ? "?"
                                       : rows.str());
  return tensor(sizes, element);
}

void Writer::add(StringRef parameter, const std::string &type, bool hasClause) {
  parameters += llvm::formatv(
      "{0}%{1}: {2}", parameters.empty() ? "" : ",\n    ", parameter, type);
  if (hasClause)
    clauses += llvm::formatv("\n      {0}(%{0} : {1})", parameter, type);
}

Error Writer::readSizes() {
  for (auto [field, required, text] : {std::tuple("heads", true, &heads),
                                       {"key_heads", false, &keyHeads},
                                       {"head_size", true, &headSize},
                                       {"value_head_size", false, &valueSize},
                                       {"batch", false, &batch},
                                       {"queries", false, &queries},
                                       {"keys", false, &keys}})
    if (Error error = readPositive(field, required, *text))
      return error;
  if (keyHeads.empty())
    keyHeads = heads;
  if (valueSize.empty())
    valueSize = headSize;
  if (std::stoll(heads) % std::stoll(keyHeads) != 0)
    return bad("rule 2: 'heads' (" + heads +
               ") must be a multiple of 'key_heads' (" + keyHeads + ")");

  auto readChoice = [&](StringRef field, ArrayRef<StringRef> choices,
                        std::string &text) -> Error {
    const json::Value *value = config.get(field);
    if (!value)
      return Error::success();
    auto choice = value->getAsString();
    if (!choice || !llvm::is_contained(choices, *choice))
      return bad("'" + field + "' must be one of " + llvm::join(choices, ", "));
    text = choice->str();
    return Error::success();
  };
  if (Error error = readChoice("type", {"f32", "f16", "bf16"}, element))
    return error;
  if (Error error =
          readChoice("layout", {"bhsd", "bshd", "sbhd", "thd", "htd"}, layout))
    return error;
  if (const json::Value *value = config.get("name")) {
    auto given = value->getAsString();
    if (!given || given->empty() || llvm::isDigit(given->front()) ||
        !llvm::all_of(*given,
                      [](char c) { return llvm::isAlnum(c) || c == '_'; }))
      return bad("'name' must be an identifier of C");
    name = given->str();
  }
  for (StringRef field : {"batch", "queries", "keys"})
    if (isRagged() && config.get(field))
      return bad("'" + field + "' has no place in the layout " + layout);
  return Error::success();
}

Error Writer::readAttributes() {
  for (auto [field, attribute] :
       {std::pair("scale", "scale_value"), {"softcap", "softcap"}}) {
    const json::Value *value = config.get(field);
    if (!value)
      continue;
    auto number = value->getAsNumber();
    if (!number)
      return bad(llvm::formatv("'{0}' must be a number", field));
    attributes.push_back(
        llvm::formatv("{0} = {1:e} : f32", attribute, *number));
  }
  if (const json::Value *causal = config.get("causal")) {
    auto flag = causal->getAsBoolean();
    auto kind = causal->getAsString();
    if (!flag && kind != StringRef("top_left") &&
        kind != StringRef("bottom_right"))
      return bad("'causal' must be true, false, top_left or bottom_right");
    if (kind || *flag)
      attributes.push_back(llvm::formatv("causal = #attn.causal<{0}>",
                                         kind ? *kind : "bottom_right"));
  }
  if (const json::Value *value = config.get("window")) {
    const json::Object *window = value->getAsObject();
    llvm::SmallVector<std::string> ends;
    for (StringRef end : {"left", "right"})
      if (auto keysSeen = window ? window->getInteger(end) : std::nullopt)
        ends.push_back((end + " = " + Twine(*keysSeen)).str());
    if (!window || ends.size() != window->size())
      return bad("'window' must be an object with the integers left, right, or "
                 "both");
    attributes.push_back("window = #attn.window<" + llvm::join(ends, ", ") +
                         ">");
  }
  StringRef usual = isRagged() ? "htd" : "bhsd";
  if (layout != usual)
    for (const char *operand : {"q", "k", "v", "o"})
      attributes.push_back(
          llvm::formatv("{0}_layout = #attn.layout<{1}>", operand, layout));
  return Error::success();
}

/// What the caller passes besides q, k and v, in the order of the op.
Error Writer::addOperands() {
  struct Operand {
    StringRef field, name;
    std::string type;
  };
  const Operand operands[] = {
      {"alibi", "alibi", tensor(heads, "f32")},
      {"bias", "bias", tensor({batch, heads, queries, keys}, element)},
      {"mask", "mask_tensor", tensor({batch, heads, queries, keys}, "i1")},
      {"segments", "", ""},
      {"prefix", "prefix", tensor(batch, "i32")},
      {"q_offset", "q_offset", tensor(batch, "i32")},
      {"kv_len", "kv_len", tensor(batch, "i32")},
      {"", "", ""}, // where cu_seqlens stands
      {"sink", "sink", tensor(heads, "f32")}};
  auto addPair = [&](StringRef keyword, StringRef first, StringRef second,
                     const std::string &firstType,
                     const std::string &secondType) {
    add(first, firstType, /*hasClause=*/false);
    add(second, secondType, /*hasClause=*/false);
    clauses += llvm::formatv("\n      {0}(%{1}, %{2} : {3}, {4})", keyword,
                             first, second, firstType, secondType);
  };
  for (const Operand &operand : operands) {
    if (operand.field.empty()) {
      if (isRagged())
        addPair("cu_seqlens", "cu_seqlens_q", "cu_seqlens_kv", "tensor<?xi32>",
                "tensor<?xi32>");
      continue;
    }
    bool wanted;
    if (Error error = readFlag(operand.field, wanted))
      return error;
    if (!wanted)
      continue;
    if (operand.field == "segments")
      addPair("segments", "q_segments", "kv_segments",
              tensor({batch, queries}, "i32"), tensor({batch, keys}, "i32"));
    else
      add(operand.name, operand.type);
  }
  return Error::success();
}

llvm::Expected<std::string> Writer::write() {
  for (const auto &[field, value] : config)
    if (!llvm::is_contained(kFields, StringRef(field)))
      return bad("unknown field '" + StringRef(field) + "'; there are " +
                 llvm::join(std::begin(kFields), std::end(kFields), ", "));
  if (Error error = readSizes())
    return error;
  if (Error error = readAttributes())
    return error;
  bool lse;
  if (Error error = readFlag("lse", lse))
    return error;
  std::string q = data(heads, queries, headSize),
              k = data(keyHeads, keys, headSize),
              v = data(keyHeads, keys, valueSize),
              o = data(heads, queries, valueSize);
  add("q", q, /*hasClause=*/false);
  add("k", k, /*hasClause=*/false);
  add("v", v, /*hasClause=*/false);
  if (Error error = addOperands())
    return error;
  add("o", o, /*hasClause=*/false);
  std::string outs = "%o", types = o;
  if (lse) {
    std::string type = isRagged() ? tensor({heads, "?"}, "f32")
                                  : tensor({batch, heads, queries}, "f32");
    add("lse", type, /*hasClause=*/false);
    outs += ", %lse";
    types += ", " + type;
  }
  return llvm::formatv(
             R"(func.func @{0}(
    {1}) -> ({2}) {{
  %r{3} = attn.attention ins(%q, %k, %v : {4}, {5}, {6}){7}
      outs({8} : {2}){9} -> {2}
  return {10} : {2}
}
)",
             name, parameters, types, lse ? ":2" : "", q, k, v, clauses, outs,
             attributes.empty()
                 ? ""
                 : "\n      {" + llvm::join(attributes, ", ") + "}",
             lse ? "%r#0, %r#1" : "%r")
      .str();
}

llvm::Expected<std::string> attn::configToMLIR(StringRef text) {
  llvm::Expected<json::Value> value = json::parse(text);
  if (!value)
    return value.takeError();
  const json::Object *config = value->getAsObject();
  if (!config)
    return bad("expected a JSON object");
  return Writer(*config).write();
}
