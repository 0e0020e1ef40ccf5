// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parsing and validation of the JSON description. Unknown fields are refused: a
// field that this runtime does not know may be one that it must not ignore.
#include "Description.h"

#include "Backend.h"
#include "Failure.h"
#include "Json.h"

#include <algorithm>
#include <cstdlib>
#include <initializer_list>
#include <map>

namespace attn::runtime {
namespace {

constexpr int64_t maxAlignment = 1 << 16;

[[noreturn]] void malformed(const std::string &path,
                            const std::string &message) {
  fail(ATTN_ERROR_MALFORMED_ARTIFACT,
       "malformed artifact: " + path + ": " + message);
}

//===----------------------------------------------------------------------===//
// A JSON value with its path
//===----------------------------------------------------------------------===//

class Value {
public:
  Value(const Json &json, std::string path)
      : json(json), path(std::move(path)) {}

  const Json &json;
  const std::string path;

  [[noreturn]] void error(const std::string &message) const {
    malformed(path, message);
  }

  /// Fails unless this is an object with fields of these names only.
  void expectFields(std::initializer_list<const char *> names) const {
    expectObject();
    for (const auto &[name, value] : json.fields)
      if (std::find(names.begin(), names.end(), name) == names.end())
        malformed(path + "." + name,
                  "unknown field; another version of the compiler may have "
                  "written it");
  }
  void expectObject() const {
    if (json.kind != Json::Object)
      error("expected an object");
  }

  bool has(const char *name) const { return json.find(name); }
  Value operator[](const char *name) const {
    const Json *field = json.find(name);
    if (!field)
      error(std::string("missing field '") + name + "'");
    return Value(*field, path + "." + name);
  }
  Value at(size_t index) const {
    return Value(json.elements[index],
                 path + "[" + std::to_string(index) + "]");
  }

  /// Number of elements of this array.
  size_t size() const {
    if (json.kind != Json::Array)
      error("expected an array");
    return json.elements.size();
  }

  std::string string() const {
    if (json.kind != Json::String)
      error("expected a string");
    if (json.string.find('\0') != std::string::npos)
      error("a string must not hold a NUL");
    return json.string;
  }

  std::string nonEmptyString() const {
    std::string text = string();
    if (text.empty())
      error("expected a non-empty string");
    return text;
  }

  bool boolean() const {
    if (json.kind != Json::Boolean)
      error("expected true or false");
    return json.boolean;
  }

  int64_t integer() const {
    if (json.tooLarge)
      error("the integer does not fit 64 bits");
    if (json.kind != Json::Integer)
      error("expected an integer");
    return json.integer;
  }

  int64_t integerIn(int64_t low, int64_t high) const {
    int64_t value = integer();
    if (value < low || value > high)
      error(std::to_string(value) + " is not in " + std::to_string(low) +
            " .. " + std::to_string(high));
    return value;
  }

  /// The value that `table` gives this string.
  template <typename T>
  T oneOf(std::initializer_list<std::pair<const char *, T>> table) const {
    std::string text = string(), known;
    for (auto &[name, value] : table) {
      if (text == name)
        return value;
      known += (known.empty() ? "" : ", ") + std::string(name);
    }
    error("'" + text + "' is none of " + known);
  }
};

//===----------------------------------------------------------------------===//
// The schema
//===----------------------------------------------------------------------===//

class Parser {
public:
  Description parse(const Value &root);

private:
  /// What expressions may refer to: sizes of results are unknown while the
  /// shapes of results and the workspace are computed.
  enum class Scope { Arguments, Everything };

  Node parseNode(const Value &value, Scope scope, Expression &expression);
  Expression parseExpression(const Value &value, Scope scope);
  NamedExpression parseNamed(const Value &value, const char *field,
                             Scope scope);

  std::vector<std::optional<int64_t>> parseStrides(const Value &value,
                                                   size_t rank);
  Argument parseArgument(const Value &value);
  Result parseResult(const Value &value);
  Temporary parseTemporary(const Value &value);
  void keep(Temporary &temporary);
  BufferRef parseBuffer(const Value &value);
  TensorMapRecipe parseTensorMap(const Value &value);
  LaunchArgument parseLaunchArgument(const Value &value);
  LaunchDescription parseLaunch(const Value &value);
  Node parseElement(const Value &value, Scope scope, Expression &expression);
  void parseLoops(const Value &value, Check &check);
  Check parseCheck(const Value &value);

  bool runsOnHost() const;
  void declare(const Value &name, BufferRef buffer);
  const Argument *scalarNamed(const std::string &name, size_t &index) const;

  Description description;
  std::map<std::string, BufferRef> names; // arguments (scalars too), ...
  /// Loops around the expression at hand, none where buffers are not read.
  std::optional<int64_t> loopDepth;
};

bool Parser::runsOnHost() const {
  const BackendKind *kind = findBackend(description.target);
  return kind && kind->isHost;
}

attn_dtype parseDtype(const Value &value) {
  return value.oneOf<attn_dtype>({{"f32", ATTN_DTYPE_F32},
                                  {"f16", ATTN_DTYPE_F16},
                                  {"bf16", ATTN_DTYPE_BF16},
                                  {"f64", ATTN_DTYPE_F64},
                                  {"i1", ATTN_DTYPE_I1},
                                  {"i8", ATTN_DTYPE_I8},
                                  {"i32", ATTN_DTYPE_I32},
                                  {"i64", ATTN_DTYPE_I64}});
}

std::array<int64_t, 3> parseTriple(const Value &value) {
  if (value.size() != 3)
    value.error("expected 3 elements, found " + std::to_string(value.size()));
  std::array<int64_t, 3> triple;
  for (size_t i = 0; i < 3; ++i)
    triple[i] = value.at(i).integerIn(1, INT32_MAX);
  return triple;
}

void Parser::declare(const Value &name, BufferRef buffer) {
  std::string text = name.nonEmptyString();
  if (!names.emplace(text, buffer).second)
    name.error("the name '" + text + "' is taken");
}

const Argument *Parser::scalarNamed(const std::string &name,
                                    size_t &index) const {
  auto it = names.find(name);
  if (it == names.end() || it->second.kind != BufferRef::OfArgument)
    return nullptr;
  const Argument &argument = description.arguments[it->second.index];
  if (argument.kind != ATTN_ARGUMENT_SCALAR)
    return nullptr;
  index = it->second.index;
  return &argument;
}

//===-- Expressions -------------------------------------------------------===//

Node Parser::parseNode(const Value &value, Scope scope,
                       Expression &expression) {
  Node node;
  if (value.json.kind == Json::Integer || value.json.kind == Json::Real) {
    node.value = value.integer();
    return node;
  }
  if (value.json.kind != Json::Array || value.json.elements.empty())
    value.error("expected an expression: an integer or [\"operator\", ...]");
  std::string name = value.at(0).string();
  size_t count = value.size() - 1;
  auto expectCount = [&](size_t low, size_t high) {
    if (count < low || count > high)
      value.error("'" + name + "' with " + std::to_string(count) + " operands");
  };

  if (name == "dim" || name == "stride") {
    expectCount(2, 2);
    node.op = name == "dim" ? Op::Dim : Op::Stride;
    node.name = value.at(1).string();
    auto it = names.find(node.name);
    if (it == names.end() || it->second.kind == BufferRef::OfTemporary)
      value.at(1).error("no argument or result is called '" + node.name + "'");
    BufferRef buffer = it->second;
    size_t rank;
    if (buffer.kind == BufferRef::OfArgument) {
      const Argument &argument = description.arguments[buffer.index];
      if (argument.kind != ATTN_ARGUMENT_BUFFER)
        value.at(1).error("'" + node.name + "' is a scalar");
      rank = argument.dims.size();
      node.value = int64_t(buffer.index);
    } else {
      if (scope == Scope::Arguments)
        value.at(1).error("'" + node.name +
                          "' is a result; only arguments are known here");
      rank = description.results[buffer.index].shape.size();
      node.value = int64_t(description.arguments.size() + buffer.index);
      expression.usesResults = true;
    }
    if (rank == 0)
      value.at(2).error("'" + node.name + "' has rank 0");
    node.axis = int32_t(value.at(2).integerIn(0, int64_t(rank) - 1));
    return node;
  }

  if (name == "scalar") {
    expectCount(1, 1);
    node.op = Op::Scalar;
    node.name = value.at(1).string();
    size_t index;
    const Argument *argument = scalarNamed(node.name, index);
    if (!argument)
      value.at(1).error("no scalar argument is called '" + node.name + "'");
    if (argument->dtype == ATTN_DTYPE_F32 || argument->dtype == ATTN_DTYPE_F64)
      value.at(1).error("'" + node.name + "' is not an integer");
    node.value = int64_t(index);
    return node;
  }

  if (name == "symbol") {
    expectCount(1, 1);
    node.op = Op::Symbol;
    node.name = value.at(1).string();
    auto &symbols = description.symbols;
    auto it = std::find_if(symbols.begin(), symbols.end(), [&](auto &symbol) {
      return symbol.name == node.name;
    });
    if (it == symbols.end())
      value.at(1).error("no symbol before this place is called '" + node.name +
                        "'");
    node.value = it - symbols.begin();
    return node;
  }

  if (loopDepth && name == "index") {
    expectCount(1, 1);
    node.op = Op::Index;
    node.value = value.at(1).integerIn(0, *loopDepth - 1);
    return node;
  }
  if (loopDepth && name == "load")
    return parseElement(value, scope, expression);

  const OpInfo *info = findArithmeticOp(name);
  if (!info)
    value.at(0).error("unknown operator '" + name + "'");
  expectCount(size_t(info->minOperands),
              info->maxOperands < 0 ? SIZE_MAX : size_t(info->maxOperands));
  node.op = info->op;
  if (node.op == Op::SmCount && runsOnHost())
    value.error("the target '" + description.target + "' has no sm_count");
  for (size_t i = 0; i < count; ++i)
    node.operands.push_back(parseNode(value.at(i + 1), scope, expression));
  return node;
}

/// ["load", "kv_len", offset]
Node Parser::parseElement(const Value &value, Scope scope,
                          Expression &expression) {
  if (value.size() != 3)
    value.error("expected [\"load\", a buffer, an offset]");
  Node node;
  node.op = Op::Load;
  node.name = value.at(1).string();
  auto it = names.find(node.name);
  size_t scalar;
  if (it == names.end() || it->second.kind != BufferRef::OfArgument ||
      scalarNamed(node.name, scalar))
    value.at(1).error("no buffer argument is called '" + node.name + "'");
  node.value = int64_t(it->second.index);
  const Argument &argument = description.arguments[it->second.index];
  switch (argument.dtype) {
  case ATTN_DTYPE_I1:
  case ATTN_DTYPE_I8:
  case ATTN_DTYPE_I32:
  case ATTN_DTYPE_I64:
    break;
  default:
    value.at(1).error("'" + node.name + "' does not hold integers");
  }
  if (argument.narrowed != ATTN_DTYPE_NONE)
    value.at(1).error("'" + node.name +
                      "' is narrowed; its strides are those of the copy");
  node.operands.push_back(parseNode(value.at(2), scope, expression));
  return node;
}

Expression Parser::parseExpression(const Value &value, Scope scope) {
  Expression expression;
  expression.path = value.path;
  expression.root = parseNode(value, scope, expression);
  return expression;
}

NamedExpression Parser::parseNamed(const Value &value, const char *field,
                                   Scope scope) {
  value.expectFields({"name", field});
  return {value["name"].nonEmptyString(), parseExpression(value[field], scope)};
}

//===-- Arguments, results, temporaries -----------------------------------===//

std::vector<std::optional<int64_t>> Parser::parseStrides(const Value &value,
                                                         size_t rank) {
  std::vector<std::optional<int64_t>> needed(rank);
  if (!value.has("strides"))
    return needed;
  Value strides = value["strides"];
  if (strides.size() != rank)
    strides.error(std::to_string(strides.size()) + " strides for rank " +
                  std::to_string(rank));
  for (size_t i = 0; i < rank; ++i) {
    Value stride = strides.at(i);
    if (stride.json.kind != Json::String || stride.string() != "?")
      needed[i] = stride.integerIn(INT64_MIN, INT64_MAX);
  }
  return needed;
}

Argument Parser::parseArgument(const Value &value) {
  Argument argument;
  value.expectFields(
      {"name", "kind", "dtype", "shape", "access", "narrowed", "strides"});
  argument.name = value["name"].nonEmptyString();
  argument.kind = value["kind"].oneOf<attn_argument_kind>(
      {{"buffer", ATTN_ARGUMENT_BUFFER}, {"scalar", ATTN_ARGUMENT_SCALAR}});

  if (argument.kind == ATTN_ARGUMENT_SCALAR) {
    value.expectFields({"name", "kind", "dtype"});
    argument.dtype =
        value["dtype"].oneOf<attn_dtype>({{"f32", ATTN_DTYPE_F32},
                                          {"f64", ATTN_DTYPE_F64},
                                          {"i1", ATTN_DTYPE_I1},
                                          {"i8", ATTN_DTYPE_I8},
                                          {"i32", ATTN_DTYPE_I32},
                                          {"i64", ATTN_DTYPE_I64},
                                          {"index", ATTN_DTYPE_INDEX}});
    return argument;
  }

  argument.dtype = parseDtype(value["dtype"]);
  argument.access = value["access"].oneOf<attn_access>(
      {{"read", ATTN_ACCESS_READ},
       {"write", ATTN_ACCESS_WRITE},
       {"readwrite", ATTN_ACCESS_READWRITE}});
  Value shape = value["shape"];
  if (shape.size() > ATTN_MAX_RANK)
    shape.error("rank " + std::to_string(shape.size()) + " is above " +
                std::to_string(ATTN_MAX_RANK));
  for (size_t i = 0; i < shape.size(); ++i) {
    Value dim = shape.at(i);
    if (dim.json.kind == Json::String && dim.string() == "?")
      argument.dims.push_back(ATTN_DYNAMIC);
    else
      argument.dims.push_back(dim.integerIn(0, INT64_MAX));
  }
  argument.strides = parseStrides(value, argument.dims.size());
  if (value.has("narrowed")) {
    Value narrowed = value["narrowed"];
    if (argument.dtype == ATTN_DTYPE_I64)
      argument.narrowed = narrowed.oneOf<attn_dtype>({{"i32", ATTN_DTYPE_I32}});
    else if (argument.dtype == ATTN_DTYPE_F64)
      argument.narrowed = narrowed.oneOf<attn_dtype>({{"f32", ATTN_DTYPE_F32}});
    else
      narrowed.error("only i64 and f64 are narrowed");
    if (argument.access != ATTN_ACCESS_READ)
      narrowed.error("only arguments that are read are narrowed");
  }
  return argument;
}

Result Parser::parseResult(const Value &value) {
  value.expectFields({"name", "dtype", "shape", "argument", "dense"});
  Result result;
  result.name = value["name"].nonEmptyString();
  result.dtype = parseDtype(value["dtype"]);
  Value shape = value["shape"];
  if (shape.size() > ATTN_MAX_RANK)
    shape.error("rank " + std::to_string(shape.size()) + " is above " +
                std::to_string(ATTN_MAX_RANK));
  for (size_t i = 0; i < shape.size(); ++i)
    result.shape.push_back(parseExpression(shape.at(i), Scope::Arguments));
  if (value.has("dense"))
    result.dense = value["dense"].boolean();
  if (!value.has("argument"))
    return result;

  Value index = value["argument"];
  result.argument =
      int32_t(index.integerIn(0, int64_t(description.arguments.size()) - 1));
  const Argument &argument = description.arguments[size_t(result.argument)];
  if (argument.kind != ATTN_ARGUMENT_BUFFER ||
      argument.access == ATTN_ACCESS_READ)
    index.error("the argument '" + argument.name +
                "' is not a buffer that is written");
  if (argument.dtype != result.dtype)
    index.error("the dtype differs from that of argument '" + argument.name +
                "'");
  if (argument.dims.size() != result.shape.size())
    index.error("the rank differs from that of argument '" + argument.name +
                "'");
  return result;
}

Temporary Parser::parseTemporary(const Value &value) {
  value.expectFields({"name", "bytes", "align", "zero", "restored"});
  Temporary temporary;
  temporary.name = value["name"].nonEmptyString();
  temporary.bytes = parseExpression(value["bytes"], Scope::Arguments);
  if (value.has("align")) {
    int64_t align = value["align"].integerIn(1, maxAlignment);
    if (align & (align - 1))
      value["align"].error(std::to_string(align) + " is not a power of two");
    temporary.align = size_t(align);
  }
  if (value.has("zero"))
    temporary.zero = value["zero"].boolean();
  if (value.has("restored") && value["restored"].boolean()) {
    if (!temporary.zero)
      value["restored"].error("only a temporary with \"zero\" is restored");
    keep(temporary);
  }
  return temporary;
}

/// Kept temporaries lie behind each other, as in the workspace. One whose size
/// depends on the call has room for the largest.
void Parser::keep(Temporary &temporary) {
  const size_t most = Temporary::mostKeptBytes;
  const Node &bytes = temporary.bytes.root;
  size_t size = most;
  if (bytes.op == Op::Literal) {
    if (bytes.value <= 0 || bytes.value > int64_t(most))
      return;
    size = size_t(bytes.value);
  }
  size_t align = temporary.align;
  if (align > most)
    return;
  size_t start = (description.keptBytes + align - 1) / align * align;
  temporary.kept = start;
  description.keptBytes = start + size;
}

//===-- Launches and checks -----------------------------------------------===//

BufferRef Parser::parseBuffer(const Value &value) {
  std::string name = value.string();
  auto it = names.find(name);
  size_t scalar;
  if (it == names.end() || scalarNamed(name, scalar))
    value.error("no buffer is called '" + name + "'");
  return it->second;
}

TensorMapRecipe Parser::parseTensorMap(const Value &value) {
  constexpr size_t maxRank = 5;
  constexpr int64_t maxBox = 256;
  TensorMapRecipe recipe;
  recipe.dtype = value["dtype"].oneOf<attn_dtype>(
      {{"f16", ATTN_DTYPE_F16}, {"bf16", ATTN_DTYPE_BF16}});
  Value sizes = value["sizes"], strides = value["strides"], box = value["box"];
  if (sizes.size() == 0 || sizes.size() > maxRank)
    sizes.error("expected 1 to 5 sizes, found " + std::to_string(sizes.size()));
  if (strides.size() + 1 != sizes.size())
    strides.error("expected a stride for every size but the first");
  if (box.size() != sizes.size())
    box.error("expected as many extents as sizes");
  for (size_t i = 0; i < sizes.size(); ++i)
    recipe.sizes.push_back(parseExpression(sizes.at(i), Scope::Everything));
  for (size_t i = 0; i < strides.size(); ++i)
    recipe.strides.push_back(parseExpression(strides.at(i), Scope::Everything));
  for (size_t i = 0; i < box.size(); ++i)
    recipe.box.push_back(box.at(i).integerIn(1, maxBox));
  return recipe;
}

LaunchArgument Parser::parseLaunchArgument(const Value &value) {
  LaunchArgument argument;
  auto parseMultiple = [&] {
    if (value.has("multiple"))
      argument.multiple = value["multiple"].integerIn(1, maxAlignment);
  };
  auto askForMultiple = [&](int64_t multiple) {
    description.addressMultiple =
        std::max(description.addressMultiple, multiple);
  };
  auto parseOffset = [&](const Value &owner) {
    if (owner.has("offset"))
      argument.offset = parseExpression(owner["offset"], Scope::Everything);
  };
  if (value.has("buffer")) {
    value.expectFields({"buffer", "offset", "multiple"});
    argument.buffer = parseBuffer(value["buffer"]);
    parseOffset(value);
    parseMultiple();
    if (argument.multiple & (argument.multiple - 1))
      value["multiple"].error(std::to_string(argument.multiple) +
                              " is not a power of two");
    askForMultiple(argument.multiple);
    return argument;
  }
  if (value.has("value")) {
    value.expectFields({"value", "type", "multiple"});
    parseMultiple();
    argument.kind = LaunchArgument::Value;
    argument.value = parseExpression(value["value"], Scope::Everything);
    argument.type = value["type"].oneOf<attn_dtype>({{"i64", ATTN_DTYPE_I64},
                                                     {"i32", ATTN_DTYPE_I32},
                                                     {"f32", ATTN_DTYPE_F32}});
    return argument;
  }
  if (value.has("scalar")) {
    value.expectFields({"scalar"});
    argument.kind = LaunchArgument::Scalar;
    std::string name = value["scalar"].string();
    if (!scalarNamed(name, argument.scalar))
      value["scalar"].error("no scalar argument is called '" + name + "'");
    return argument;
  }
  if (value.has("tensormap")) {
    value.expectFields({"tensormap"});
    if (runsOnHost())
      value.error("the target '" + description.target + "' has no tensor maps");
    argument.kind = LaunchArgument::TensorMap;
    Value recipe = value["tensormap"];
    recipe.expectFields(
        {"buffer", "offset", "dtype", "sizes", "strides", "box"});
    argument.buffer = parseBuffer(recipe["buffer"]);
    parseOffset(recipe);
    argument.tensorMap = parseTensorMap(recipe);
    argument.multiple = TensorMapRecipe::unit;
    askForMultiple(argument.multiple);
    return argument;
  }
  value.error("expected an object with one of 'buffer', 'value', 'scalar', "
              "'tensormap'");
}

LaunchDescription Parser::parseLaunch(const Value &value) {
  value.expectFields({"kernel", "code", "grid", "order", "block", "shared",
                      "stack", "when", "args"});
  LaunchDescription launch;
  launch.kernel = value["kernel"].nonEmptyString();
  if (value.has("code"))
    launch.code = value["code"].nonEmptyString();
  Value grid = value["grid"];
  if (grid.size() != 3)
    grid.error("expected 3 elements, found " + std::to_string(grid.size()));
  for (size_t i = 0; i < 3; ++i)
    launch.grid[i] = parseExpression(grid.at(i), Scope::Everything);
  if (value.has("order"))
    launch.reverse =
        value["order"].oneOf<bool>({{"forward", false}, {"reverse", true}});
  if (value.has("block"))
    launch.block = parseTriple(value["block"]);
  if (value.has("shared"))
    launch.shared = parseExpression(value["shared"], Scope::Everything);
  if (value.has("stack"))
    launch.stack = parseExpression(value["stack"], Scope::Everything);
  if (value.has("when"))
    launch.when = parseExpression(value["when"], Scope::Everything);
  Value arguments = value["args"];
  for (size_t i = 0; i < arguments.size(); ++i)
    launch.arguments.push_back(parseLaunchArgument(arguments.at(i)));
  return launch;
}

/// Extents may depend on the indices of the loops around them.
void Parser::parseLoops(const Value &value, Check &check) {
  if (!runsOnHost())
    value.error("the target '" + description.target +
                "' keeps buffers where the host does not read them");
  loopDepth = 0;
  check.loops.emplace();
  for (size_t i = 0; i < value.size(); ++i) {
    check.loops->push_back(parseExpression(value.at(i), Scope::Arguments));
    loopDepth = int64_t(i) + 1;
  }
}

Check Parser::parseCheck(const Value &value) {
  value.expectFields({"expr", "message", "values", "forall"});
  Check check;
  if (value.has("forall"))
    parseLoops(value["forall"], check);
  check.condition = parseExpression(value["expr"], Scope::Everything);
  check.usesResults = check.condition.usesResults;
  check.message = value["message"].nonEmptyString();
  if (value.has("values")) {
    Value values = value["values"];
    for (size_t i = 0; i < values.size(); ++i) {
      check.values.push_back(
          parseNamed(values.at(i), "expr", Scope::Everything));
      check.usesResults |= check.values.back().value.usesResults;
    }
  }
  loopDepth.reset();
  return check;
}

//===-- The whole ---------------------------------------------------------===//

void checkVersion(const Value &root, const char *what) {
  int64_t version = root["version"].integer();
  if (version != schemaVersion)
    fail(ATTN_ERROR_UNSUPPORTED_VERSION,
         std::string("the artifact's ") + what + " has version " +
             std::to_string(version) + "; this runtime reads version " +
             std::to_string(schemaVersion));
}

std::vector<std::string> parseFeatures(const Value &object) {
  std::vector<std::string> names;
  if (object.has("features"))
    for (size_t i = 0; i < object["features"].size(); ++i)
      names.push_back(object["features"].at(i).nonEmptyString());
  return names;
}

Description Parser::parse(const Value &root) {
  root.expectObject();
  // Format and version come first: what else is in the object depends on them.
  if (root["format"].string() != "attn-artifact")
    root["format"].error("expected 'attn-artifact'");
  checkVersion(root, "description");
  root.expectFields({"format", "version", "target", "chip", "features", "entry",
                     "symbols", "arguments", "results", "temporaries",
                     "launches", "checks", "memory", "metrics", "metadata",
                     "holes"});
  description.target = root["target"].nonEmptyString();
  if (root.has("chip"))
    description.chip = root["chip"].string();
  description.entry = root["entry"].nonEmptyString();
  description.features = parseFeatures(root);

  Value arguments = root["arguments"];
  for (size_t i = 0; i < arguments.size(); ++i) {
    description.arguments.push_back(parseArgument(arguments.at(i)));
    declare(arguments.at(i)["name"], {BufferRef::OfArgument, i});
  }
  if (root.has("symbols")) {
    Value symbols = root["symbols"];
    for (size_t i = 0; i < symbols.size(); ++i) {
      NamedExpression symbol =
          parseNamed(symbols.at(i), "expr", Scope::Arguments);
      for (const NamedExpression &other : description.symbols)
        if (other.name == symbol.name)
          symbols.at(i)["name"].error("the symbol '" + symbol.name +
                                      "' is repeated");
      description.symbols.push_back(std::move(symbol));
    }
  }
  Value results = root["results"];
  for (size_t i = 0; i < results.size(); ++i) {
    Result result = parseResult(results.at(i));
    // A result in an argument's buffer may go by the argument's name.
    if (result.argument < 0 ||
        result.name != description.arguments[size_t(result.argument)].name)
      declare(results.at(i)["name"], {BufferRef::OfResult, i});
    description.results.push_back(std::move(result));
  }
  if (root.has("temporaries")) {
    Value temporaries = root["temporaries"];
    for (size_t i = 0; i < temporaries.size(); ++i) {
      description.temporaries.push_back(parseTemporary(temporaries.at(i)));
      declare(temporaries.at(i)["name"], {BufferRef::OfTemporary, i});
    }
  }
  Value launches = root["launches"];
  for (size_t i = 0; i < launches.size(); ++i)
    description.launches.push_back(parseLaunch(launches.at(i)));
  if (root.has("checks")) {
    Value checks = root["checks"];
    for (size_t i = 0; i < checks.size(); ++i)
      description.checks.push_back(parseCheck(checks.at(i)));
  }
  if (root.has("memory")) {
    Value memory = root["memory"];
    memory.expectFields({"fused", "standard"});
    description.fusedBytes = parseExpression(memory["fused"], Scope::Arguments);
    description.standardBytes =
        parseExpression(memory["standard"], Scope::Arguments);
  }
  if (root.has("metrics")) {
    Value metrics = root["metrics"];
    metrics.expectObject();
    for (const auto &[name, value] : metrics.json.fields)
      description.metrics.push_back(
          {name, parseExpression(metrics[name.c_str()], Scope::Arguments)});
  }
  if (root.has("metadata"))
    root["metadata"].expectObject();
  return std::move(description);
}

} // namespace

std::optional<std::vector<VariantDescription>>
parseBundle(std::string_view json) {
  Json parsed = Json::parse(json);
  Value root(parsed, "$");
  root.expectObject();
  if (root["format"].string() != "attn-bundle")
    return std::nullopt;
  checkVersion(root, "bundle");
  root.expectFields({"format", "version", "variants"});
  std::vector<VariantDescription> variants;
  Value list = root["variants"];
  for (size_t i = 0; i < list.size(); ++i) {
    Value value = list.at(i);
    value.expectFields({"target", "chip", "features", "entry", "section"});
    variants.push_back({value["target"].nonEmptyString(),
                        value["chip"].string(), value["entry"].nonEmptyString(),
                        parseFeatures(value),
                        value["section"].nonEmptyString()});
  }
  if (variants.empty())
    list.error("a bundle holds at least one variant");
  return variants;
}

Description parseDescription(std::string_view json) {
  Json root = Json::parse(json);
  return Parser().parse(Value(root, "$"));
}

} // namespace attn::runtime
