//===- AttnDialect.cpp - The attn dialect ---------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Registration of the dialect, its enums and attributes.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/Attn.h"
#include "attn/Dialect/Attn/Hole.h"
#include "attn/Dialect/Tile/AttributeNames.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Interfaces/FoldInterfaces.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace attn;

#include "attn/Dialect/Attn/AttnDialect.cpp.inc"
#include "attn/Dialect/Attn/AttnEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "attn/Dialect/Attn/AttnAttrs.cpp.inc"

namespace {
/// Keeps the constants of a score or mask region inside it, so that a region
/// reads as a whole and can be moved or cloned as a whole.
struct AttnFoldInterface : public DialectFoldInterface {
  using DialectFoldInterface::DialectFoldInterface;

  bool shouldMaterializeInto(Region *region) const final {
    return isa<AttentionOp>(region->getParentOp());
  }
};
} // namespace

void AttnDialect::initialize() {
  addInterfaces<AttnFoldInterface>();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "attn/Dialect/Attn/AttnAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "attn/Dialect/Attn/AttnOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "attn/Dialect/Attn/AttnHole.cpp.inc"
      >();
}

Operation *AttnDialect::materializeConstant(OpBuilder &builder, Attribute value,
                                            Type type, Location loc) {
  return arith::ConstantOp::materialize(builder, value, type, loc);
}

float attn::roundToF32(FloatAttr number) {
  return static_cast<float>(number.getValueAsDouble());
}

/// Parses `<name>` with the name of a value up to `last`; what an enum's own
/// parser complains of names types of C++.
template <typename T>
static std::optional<T> parseName(AsmParser &parser, StringRef what,
                                  unsigned last) {
  if (failed(parser.parseLess()))
    return std::nullopt;
  SMLoc loc = parser.getCurrentLocation();
  StringRef name;
  std::optional<T> value;
  if (succeeded(parser.parseOptionalKeyword(&name)))
    value = symbolizeEnum<T>(name);
  if (!value) {
    InFlightDiagnostic error = parser.emitError(loc, what) << " is one of ";
    llvm::interleaveComma(llvm::seq(last + 1), error, [&](unsigned number) {
      error << stringifyEnum(static_cast<T>(number));
    });
    if (!name.empty())
      error << ", not " << name;
    return std::nullopt;
  }
  return succeeded(parser.parseGreater()) ? value : std::nullopt;
}

Attribute CausalAlignmentAttr::parse(AsmParser &parser, Type) {
  std::optional<CausalAlignment> value = parseName<CausalAlignment>(
      parser, "causal", getMaxEnumValForCausalAlignment());
  return value ? CausalAlignmentAttr::get(parser.getContext(), *value)
               : Attribute();
}

void CausalAlignmentAttr::print(AsmPrinter &printer) const {
  printer << '<' << stringifyCausalAlignment(getValue()) << '>';
}

Attribute LayoutAttr::parse(AsmParser &parser, Type) {
  std::optional<Layout> value =
      parseName<Layout>(parser, "layout", getMaxEnumValForLayout());
  return value ? LayoutAttr::get(parser.getContext(), *value) : Attribute();
}

void LayoutAttr::print(AsmPrinter &printer) const {
  printer << '<' << stringifyLayout(getValue()) << '>';
}

/// Parses `<left = 255, right = 0>`, each end at most once.
Attribute WindowAttr::parse(AsmParser &parser, Type) {
  SMLoc start = parser.getCurrentLocation();
  std::optional<int64_t> left, right;
  auto parseEnd = [&]() -> ParseResult {
    SMLoc loc = parser.getCurrentLocation();
    StringRef name;
    // A number alone could be either end, or the number of keys.
    if (failed(parser.parseOptionalKeyword(&name)))
      return parser.emitError(
          loc, "window: name its inclusive ends, as in #attn.window<left = "
               "255> or #attn.window<left = 255, right = 0> (rule 10)");
    std::optional<int64_t> *end = name == "left"    ? &left
                                  : name == "right" ? &right
                                                    : nullptr;
    if (!end)
      return parser.emitError(loc, "window: its ends are left and right, not ")
             << name << " (rule 10)";
    if (*end)
      return parser.emitError(loc, "window: ") << name << " is given twice";
    return failure(parser.parseEqual() || parser.parseInteger(end->emplace()));
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::LessGreater,
                                     parseEnd))
    return {};
  return parser.getChecked<WindowAttr>(start, parser.getContext(),
                                       left.value_or(kUnbounded),
                                       right.value_or(kUnbounded));
}

void WindowAttr::print(AsmPrinter &printer) const {
  printer << '<';
  if (getLeft() != kUnbounded)
    printer << "left = " << getLeft();
  if (getRight() != kUnbounded)
    printer << (getLeft() == kUnbounded ? "" : ", ")
            << "right = " << getRight();
  printer << '>';
}

LogicalResult WindowAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 int64_t left, int64_t right) {
  if (left < 0)
    return emitError() << "window: left must not be negative, got " << left
                       << " (rule 10)";
  if (right < 0)
    return emitError() << "window: right must not be negative, got " << right
                       << " (rule 10)";
  return success();
}

/// Parses `<tile_m = 64, persistent = off>`, each knob at most once.
Attribute ScheduleAttr::parse(AsmParser &parser, Type) {
  SMLoc start = parser.getCurrentLocation();
  ScheduleKnobs knobs;
  SmallVector<StringRef> seen;
  auto parseKnob = [&]() -> ParseResult {
    SMLoc loc = parser.getCurrentLocation();
    StringRef name;
    if (parser.parseKeyword(&name) || parser.parseEqual())
      return failure();
    if (llvm::is_contained(seen, name))
      return parser.emitError(loc, "schedule: ") << name << " is given twice";
    seen.push_back(name);
    bool isKnown = false;
    ParseResult result = success();
    std::string names;
    auto isMeant = [&](StringRef knob) {
      names += (names.empty() ? "" : ", ") + knob.str();
      isKnown |= knob == name;
      return knob == name;
    };
    ScheduleKnobs::forEach(
        knobs,
        [&](StringRef knob, int64_t &value, int64_t) {
          if (isMeant(knob))
            result = parser.parseInteger(value);
        },
        [&](StringRef knob, Switch &value) {
          StringRef word;
          if (!isMeant(knob) || (result = parser.parseKeyword(&word)))
            return;
          if (std::optional<Switch> choice = symbolizeSwitch(word))
            value = *choice;
          else
            result = parser.emitError(loc, "schedule: ")
                     << name << " is chosen, off or on, not " << word;
        });
    if (!isKnown)
      return parser.emitError(loc, "schedule: unknown knob '")
             << name << "'; there are " << names;
    return result;
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::LessGreater,
                                     parseKnob))
    return {};
  return parser.getChecked<ScheduleAttr>(start, parser.getContext(), knobs);
}

void ScheduleAttr::print(AsmPrinter &printer) const {
  printer << '<';
  StringRef separator;
  auto print = [&](StringRef name, const auto &value) {
    printer << separator << name << " = " << value;
    separator = ", ";
  };
  const ScheduleKnobs knobs = getKnobs();
  ScheduleKnobs::forEach(
      knobs,
      [&](StringRef name, int64_t value, int64_t) {
        if (value)
          print(name, value);
      },
      [&](StringRef name, Switch value) {
        if (value != Switch::Chosen)
          print(name, stringifySwitch(value));
      });
  printer << '>';
}

LogicalResult ScheduleAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   ScheduleKnobs knobs) {
  auto isTile = [](int64_t size) { return size >= 0 && size <= kLargestTile; };
  if (!isTile(knobs.tile_m) || !isTile(knobs.tile_n))
    return emitError() << "schedule: tile sizes must be in 0 .. "
                       << kLargestTile << ", got " << knobs.tile_m << " x "
                       << knobs.tile_n;
  LogicalResult result = success();
  ScheduleKnobs::forEach(
      knobs,
      [&](StringRef name, int64_t value, int64_t most) {
        if (succeeded(result) && (value < 0 || value > most))
          result = emitError() << "schedule: " << name << " must be in 0 .. "
                               << most << ", got " << value;
      },
      [](StringRef, Switch) {});
  return result;
}

ScheduleAttr ScheduleAttr::of(Operation *op) {
  return op->getAttrOfType<ScheduleAttr>(attributeName);
}

ScheduleAttr
ScheduleAttr::with(function_ref<void(ScheduleKnobs &)> change) const {
  ScheduleKnobs knobs = getKnobs();
  change(knobs);
  return get(getContext(), knobs);
}

bool ScheduleAttr::hasKernelChoices() const {
  ScheduleKnobs tiles;
  tiles.tile_m = getTileM();
  tiles.tile_n = getTileN();
  tiles.workers = getWorkers();
  return !(getKnobs() == tiles);
}

LogicalResult AttnDialect::verifyOperationAttribute(Operation *op,
                                                    NamedAttribute attribute) {
  // A schedule; what kernels carry for code generation and for readers.
  if (failed(verifyKnownName(
          [&] { return op->emitOpError(); }, attribute.getName(),
          {ScheduleAttr::attributeName, "attn.summary", kScheduleReasonAttrName,
           kMaskTilesAttrName, kHoleAttrName})))
    return failure();
  if (attribute.getName() != ScheduleAttr::attributeName)
    return success();
  auto attention = dyn_cast<AttentionOp>(op);
  // What becomes of it: a grid, then a kernel, then a lowered one.
  StringRef name = op->getName().getStringRef();
  bool isKernel = op->hasAttr(tile::kKernelAttrName) || name == "scf.forall" ||
                  name == "gpu.func" || name == "llvm.func";
  if (!attention && !isKernel)
    return op->emitOpError() << ScheduleAttr::attributeName
                             << " is for attn.attention and its kernels only";
  auto schedule = dyn_cast<ScheduleAttr>(attribute.getValue());
  if (!schedule)
    return op->emitOpError()
           << ScheduleAttr::attributeName << " must be an #attn.schedule";
  if (attention && schedule.getWorkers() && attention.isRagged())
    return op->emitOpError(
        "schedule: the keys of ragged sequences cannot be split (rule 11)");
  return success();
}

/// The name of argument `index` is text that no other argument has.
static LogicalResult verifyArgumentName(FunctionOpInterface function,
                                        unsigned index, Attribute value) {
  auto name = dyn_cast<StringAttr>(value);
  if (!name || name.empty())
    return function->emitOpError("argument #")
           << index << " has the " << kArgumentNameAttr << " " << value
           << ", which is no text";
  for (unsigned other = 0; other < index; ++other)
    if (function.getArgAttr(other, kArgumentNameAttr) == name)
      return function->emitOpError("argument #")
             << index << " has the name of argument #" << other << ": " << name;
  return success();
}

LogicalResult AttnDialect::verifyRegionArgAttribute(Operation *op, unsigned,
                                                    unsigned index,
                                                    NamedAttribute attribute) {
  if (attribute.getName() == kArgumentNameAttr)
    return verifyArgumentName(cast<FunctionOpInterface>(op), index,
                              attribute.getValue());
  // Names of sizes and values for random inputs; sentinels of lowered kernels.
  return verifyKnownName([&] { return op->emitOpError(); }, attribute.getName(),
                         {"attn.dims", "attn.values", "attn.rising",
                          "attn.minus_infinity", kArgumentNameAttr});
}
