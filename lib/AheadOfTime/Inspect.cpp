//===- Inspect.cpp - Artifacts as text ------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A listing of an artifact, from its description and from the symbols of its
// code.
//
//===----------------------------------------------------------------------===//

#include "attn/AheadOfTime/Inspect.h"
#include "attn/AheadOfTime/Variants.h"
#include "attn/runtime/Artifact.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace attn;
using llvm::StringRef;
using llvm::Twine;
namespace json = llvm::json;

//===----------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------===//

namespace {
/// How tightly operators bind, loosest first.
enum Precedence { Or, And, Compare, Add, Multiply, Atom };

struct Infix {
  StringRef text;
  Precedence precedence;
};
} // namespace

static Infix infixOf(StringRef op) {
  return llvm::StringSwitch<Infix>(op)
      .Case("or", {" or ", Or})
      .Case("and", {" and ", And})
      .Case("lt", {" < ", Compare})
      .Case("le", {" <= ", Compare})
      .Case("gt", {" > ", Compare})
      .Case("ge", {" >= ", Compare})
      .Case("eq", {" == ", Compare})
      .Case("ne", {" != ", Compare})
      .Case("add", {" + ", Add})
      .Case("sub", {" - ", Add})
      .Case("mul", {" * ", Multiply})
      .Default({"", Atom});
}

static std::string print(const json::Value &value, Precedence around) {
  const json::Array *list = value.getAsArray();
  if (!list || list->empty())
    return llvm::formatv("{0}", value);
  StringRef op = (*list)[0].getAsString().value_or("?");
  auto operand = [&](size_t index, Precedence precedence) {
    return index < list->size() ? print((*list)[index], precedence) : "?";
  };
  auto word = [&](size_t index) {
    return index < list->size() ? (*list)[index].getAsString().value_or("?")
                                : "?";
  };
  if (op == "dim" || op == "stride")
    return (word(1) + (op == "dim" ? ".size(" : ".stride(") + operand(2, Or) +
            ")")
        .str();
  if (op == "symbol" || op == "scalar")
    return word(1).str();
  if (op == "load")
    return (word(1) + "[" + operand(2, Or) + "]").str();
  if (op == "index")
    return "i" + operand(1, Or);
  if (op == "not")
    return "not " + operand(1, Atom);
  if (op == "select" && list->size() == 4) {
    std::string text = "if " + operand(1, Or) + " then " + operand(2, Or) +
                       " else " + operand(3, Or);
    return around == Or ? text : "(" + text + ")";
  }
  Infix infix = infixOf(op);
  if (infix.precedence == Atom) {
    std::string text = op.str() + "(";
    for (size_t i = 1; i < list->size(); ++i)
      text += (i > 1 ? ", " : "") + operand(i, Or);
    return text + ")";
  }
  if (list->size() == 2)
    return operand(1, around);
  // Operators associate to the left, comparisons not at all.
  std::string text;
  for (size_t i = 1; i < list->size(); ++i) {
    bool tighter = i > 1 || infix.precedence == Compare;
    text += (i > 1 ? infix.text.str() : "") +
            operand(i, tighter ? Precedence(infix.precedence + 1)
                               : infix.precedence);
  }
  return infix.precedence < around ? "(" + text + ")" : text;
}

std::string attn::toReadable(const json::Value &expression) {
  return print(expression, Or);
}

std::string attn::toReadableShape(const json::Object &tensor) {
  std::string text;
  if (const json::Array *shape = tensor.getArray("shape"))
    for (const json::Value &size : *shape)
      text +=
          (text.empty() ? "" : ", ") +
          (size.getAsString() ? size.getAsString()->str() : toReadable(size));
  return "[" + text + "]";
}

//===----------------------------------------------------------------------===//
// The listing
//===----------------------------------------------------------------------===//

namespace {
class Inspector {
public:
  Inspector(const ArtifactVariant &variant, llvm::raw_ostream &os)
      : description(variant.description), os(os) {
    std::string error;
    runtime::ArtifactView::open({variant.bytes.data(), variant.bytes.size()},
                                view, error);
  }

  void print() {
    printHead();
    printSignature();
    printNamed("sizes", "symbols", "expr");
    printNamed("temporaries, in bytes", "temporaries", "bytes");
    printLaunches();
    printChecks();
    printHoles();
    printCode();
  }

private:
  StringRef string(const json::Object &object, StringRef field) const {
    return object.getString(field).value_or("");
  }
  template <typename Body>
  void forEach(const json::Object &object, StringRef field, Body body) const {
    if (const json::Array *list = object.getArray(field))
      for (const json::Value &value : *list)
        if (const json::Object *element = value.getAsObject())
          body(*element);
  }

  void printHead();
  void printSignature();
  void printNamed(StringRef title, StringRef list, StringRef field);
  void printLaunches();
  void printChecks();
  void printHoles();
  void printCode();
  std::string argument(const json::Object &object) const;

  const json::Object &description;
  runtime::ArtifactView view;
  llvm::raw_ostream &os;
};
} // namespace

void Inspector::printHead() {
  os << string(description, "target") << ":" << string(description, "chip");
  if (const json::Array *features = description.getArray("features")) {
    os << ", needs";
    for (const json::Value &feature : *features)
      os << " " << feature.getAsString().value_or("?");
  }
  os << "\n";
}

void Inspector::printSignature() {
  os << "  function " << string(description, "entry") << "\n";
  forEach(description, "arguments", [&](const json::Object &argument) {
    os << "    " << string(argument, "name") << ": "
       << string(argument, "dtype");
    if (string(argument, "kind") == "buffer")
      os << " " << toReadableShape(argument) << ", "
         << string(argument, "access");
    if (auto narrowed = argument.getString("narrowed"))
      os << ", read as " << *narrowed;
    os << "\n";
  });
  forEach(description, "results", [&](const json::Object &result) {
    os << "    result " << string(result, "name") << ": "
       << string(result, "dtype") << " " << toReadableShape(result);
    if (auto index = result.getInteger("argument"))
      os << ", in argument " << *index;
    os << "\n";
  });
}

void Inspector::printNamed(StringRef title, StringRef list, StringRef field) {
  const json::Array *present = description.getArray(list);
  if (!present || present->empty())
    return;
  os << "  " << title << "\n";
  forEach(description, list, [&](const json::Object &named) {
    os << "    " << string(named, "name") << " = ";
    if (const json::Value *value = named.get(field))
      os << toReadable(*value);
    os << "\n";
  });
}

/// What a kernel is given.
std::string Inspector::argument(const json::Object &object) const {
  std::string text;
  if (auto buffer = object.getString("buffer"))
    text = "&" + buffer->str();
  else if (auto scalar = object.getString("scalar"))
    text = scalar->str();
  else if (const json::Value *value = object.get("value"))
    return toReadable(*value);
  else if (const json::Object *map = object.getObject("tensormap"))
    return ("map of " + string(*map, "buffer")).str();
  if (const json::Value *offset = object.get("offset"))
    text += " + " + toReadable(*offset) + " bytes";
  return text;
}

void Inspector::printLaunches() {
  os << "  launches\n";
  forEach(description, "launches", [&](const json::Object &launch) {
    os << "    " << string(launch, "kernel") << "\n      grid ";
    llvm::interleave(
        *launch.getArray("grid"), os,
        [&](const json::Value &extent) { os << toReadable(extent); }, " x ");
    if (string(launch, "order") == "reverse")
      os << ", last point first";
    os << "\n";
    if (const json::Array *block = launch.getArray("block")) {
      os << "      threads ";
      llvm::interleave(
          *block, os, [&](const json::Value &extent) { os << extent; }, " x ");
      os << "\n";
    }
    for (StringRef field : {"when", "shared", "stack"})
      if (const json::Value *value = launch.get(field))
        os << "      " << field << " " << toReadable(*value)
           << (field == "when" ? "\n" : " bytes\n");
    std::string arguments;
    forEach(launch, "args", [&](const json::Object &object) {
      arguments += (arguments.empty() ? "" : ", ") + argument(object);
    });
    os << "      given " << arguments << "\n";
  });
}

void Inspector::printChecks() {
  os << "  checks\n";
  forEach(description, "checks", [&](const json::Object &check) {
    os << "    " << string(check, "message") << "\n      unless ";
    if (const json::Value *value = check.get("expr"))
      os << toReadable(*value);
    if (const json::Array *loops = check.getArray("forall"))
      for (auto [index, extent] : llvm::enumerate(*loops))
        os << (index ? ", i" : " for i") << index << " < "
           << toReadable(extent);
    os << "\n";
  });
}

using ELF64 = llvm::object::ELF64LEObjectFile;

/// The registers of a thread in each kernel of a cubin, by symbol. ptxas says
/// them in the attributes of .nv.info: a format, a kind, and 16 bits that are
/// the attribute or the bytes of it that follow.
static llvm::DenseMap<uint32_t, uint32_t> readRegisters(const ELF64 &object) {
  constexpr uint8_t sized = 4, registers = 0x2f;
  llvm::DenseMap<uint32_t, uint32_t> found;
  for (const llvm::object::SectionRef &section : object.sections()) {
    auto name = section.getName();
    auto content = section.getContents();
    if (!name || !content) {
      llvm::consumeError(name.takeError());
      llvm::consumeError(content.takeError());
      continue;
    }
    if (*name != ".nv.info")
      continue;
    for (StringRef rest = *content; rest.size() >= 4;) {
      uint8_t format = rest[0], kind = rest[1];
      size_t size = format == sized
                        ? llvm::support::endian::read16le(rest.data() + 2)
                        : 0;
      rest = rest.drop_front(4);
      if (size > rest.size())
        break;
      if (kind == registers && size == 8)
        found[llvm::support::endian::read32le(rest.data())] =
            llvm::support::endian::read32le(rest.data() + 4);
      rest = rest.drop_front(size);
    }
  }
  return found;
}

/// The functions of an ELF object with their bytes; of a cubin with the
/// registers of a thread.
static void printFunctions(StringRef bytes, llvm::raw_ostream &os) {
  auto object = ELF64::create(llvm::MemoryBufferRef(bytes, "code"));
  if (!object) {
    llvm::consumeError(object.takeError());
    return;
  }
  llvm::DenseMap<uint32_t, uint32_t> registers = readRegisters(*object);
  auto symbols = object->symbols();
  if (symbols.begin() == symbols.end())
    symbols = llvm::make_range(object->getDynamicSymbolIterators().begin(),
                               object->getDynamicSymbolIterators().end());
  for (const llvm::object::ELFSymbolRef symbol : symbols) {
    auto name = symbol.getName();
    if (!name) {
      llvm::consumeError(name.takeError());
      continue;
    }
    if (symbol.getELFType() != llvm::ELF::STT_FUNC || symbol.getSize() == 0)
      continue;
    os << "      " << *name << ": " << symbol.getSize() << " bytes";
    if (auto count = registers.find(symbol.getRawDataRefImpl().d.b);
        count != registers.end())
      os << ", " << count->second << " registers a thread";
    os << "\n";
  }
}

void Inspector::printHoles() {
  if (description.getArray("holes"))
    os << "  holes\n";
  forEach(description, "holes", [&](const json::Object &hole) {
    os << "    " << string(hole, "name") << "(";
    StringRef separator;
    forEach(hole, "parameters", [&](const json::Object &parameter) {
      os << separator << string(parameter, "name") << ": "
         << string(parameter, "dtype");
      separator = ", ";
    });
    os << ") -> " << string(hole, "dtype") << "\n";
  });
}

void Inspector::printCode() {
  os << "  code\n";
  for (const auto &section : view.getSections()) {
    StringRef name(section.name.data(), section.name.size());
    StringRef bytes(section.bytes.data(), section.bytes.size());
    if (!name.starts_with("code/"))
      continue;
    os << "    " << name << ": " << bytes.size() << " bytes";
    if (bytes.starts_with("\x7f"
                          "ELF")) {
      os << "\n";
      printFunctions(bytes, os);
    } else {
      os << " of text, which the driver assembles: registers are not known\n";
    }
  }
}

llvm::Error attn::inspect(StringRef artifact, llvm::raw_ostream &os) {
  auto variants = readVariants(artifact);
  if (!variants)
    return variants.takeError();
  os << artifact.size() << " bytes, " << variants->size()
     << (variants->size() == 1 ? " variant\n" : " variants\n");
  for (const ArtifactVariant &variant : *variants)
    Inspector(variant, os).print();
  return llvm::Error::success();
}
