//===- AttnDialect.cpp - The attn dialect ---------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Registration of the dialect, its enums and attributes.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/Attn.h"
#include "attn/Dialect/Attn/Hole.h"
#include "attn/Dialect/Attn/ScheduleLimits.h"
#include "attn/Dialect/Tile/AttributeNames.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Interfaces/FoldInterfaces.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
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

LogicalResult ScheduleAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   int64_t tileM, int64_t tileN,
                                   int64_t workers, int64_t stages,
                                   int64_t headGroup, int64_t warpRows,
                                   int64_t blocks, int64_t threads, Switch,
                                   Switch, Switch, Switch, Switch, Switch,
                                   Switch, Switch, Switch, Switch) {
  if (tileM < 0 || tileM > kLargestTile || tileN < 0 || tileN > kLargestTile)
    return emitError() << "schedule: tile sizes must be in 0 .. "
                       << kLargestTile << ", got " << tileM << " x " << tileN;
  constexpr int64_t mostOfBlock = 1024;
  for (auto [name, value, most] : {std::tuple("workers", workers, kMostWorkers),
                                   {"stages", stages, mostOfBlock},
                                   {"head_group", headGroup, kLargestTile},
                                   {"warp_rows", warpRows, mostOfBlock},
                                   {"blocks", blocks, mostOfBlock},
                                   {"threads", threads, mostOfBlock}})
    if (value < 0 || value > most)
      return emitError() << "schedule: " << name << " must be in 0 .. " << most
                         << ", got " << value;
  return success();
}

ScheduleAttr ScheduleAttr::of(Operation *op) {
  return op->getAttrOfType<ScheduleAttr>(attributeName);
}

ScheduleAttr ScheduleAttr::withTiles(int64_t tileM, int64_t tileN,
                                     int64_t workers) const {
  return get(getContext(), tileM, tileN, workers, getStages(), getHeadGroup(),
             getWarpRows(), getBlocks(), getThreads(), getLongestFirst(),
             getOneBehind(), getPingPong(), getPersistent(), getDealEqual(),
             getTmaStore(), getQueryInRegisters(), getSplitLoops(),
             getKeyEnds(), getShareColumns());
}

ScheduleAttr ScheduleAttr::withThreads(int64_t threads) const {
  return get(getContext(), getTileM(), getTileN(), getWorkers(), getStages(),
             getHeadGroup(), getWarpRows(), getBlocks(), threads,
             getLongestFirst(), getOneBehind(), getPingPong(), getPersistent(),
             getDealEqual(), getTmaStore(), getQueryInRegisters(),
             getSplitLoops(), getKeyEnds(), getShareColumns());
}

bool ScheduleAttr::hasKernelChoices() const {
  return getStages() || getHeadGroup() || getWarpRows() || getBlocks() ||
         getThreads() ||
         llvm::any_of(ArrayRef<Switch>{getLongestFirst(), getOneBehind(),
                                       getPingPong(), getPersistent(),
                                       getDealEqual(), getTmaStore(),
                                       getQueryInRegisters(), getSplitLoops()},
                      [](Switch choice) { return choice != Switch::Chosen; });
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
  // What becomes of it: a grid, then a kernel.
  bool isKernel = op->hasAttr(tile::kKernelAttrName) ||
                  op->getName().getStringRef() == "scf.forall";
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
