//===- Plan.cpp - How a host program launches its kernels -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Symbolic reading of a host function: what it is given, allocates, launches,
// checks and returns. Checks are in loops if they read what buffers hold.
//
//===----------------------------------------------------------------------===//

#include "Planner.h"

#include "attn/Analysis/IndexRanges.h"
#include "attn/Dialect/Attn/Attn.h"
#include "attn/Dialect/Attn/Hole.h"
#include "attn/Dialect/Tile/AttributeNames.h"
#include "attn/Dialect/Tile/Tile.h"
#include "attn/Target/Plan.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace attn;
using namespace attn::plan;
namespace json = llvm::json;

static std::string dtypeName(Type type) {
  std::string name;
  llvm::raw_string_ostream os(name);
  os << type;
  return name;
}

/// Refuses an argument whose elements programs cannot be given.
static LogicalResult checkElementType(BlockArgument argument) {
  Type type = argument.getType();
  bool isScalar = !isa<ShapedType>(type);
  Type element = getElementTypeOrSelf(type);
  bool isFloat = element.isF32() || element.isF64() ||
                 (!isScalar && (element.isF16() || element.isBF16()));
  if (isFloat || element.isInteger(1) || element.isInteger(8) ||
      element.isInteger(32) || element.isInteger(64) ||
      (isScalar && element.isIndex()))
    return success();
  return emitError(argument.getLoc(), "argument #")
         << argument.getArgNumber() << " is " << type << "; a program takes "
         << (isScalar ? "scalars of f32, f64, i1, i8, i32, i64 and index"
                      : "buffers of f32, f16, bf16, f64, i1, i8, i32 and i64");
}

/// A buffer argument, and checks of what its type promises.
LogicalResult Planner::addBuffer(BlockArgument argument,
                                 const std::string &name) {
  auto type = cast<MemRefType>(argument.getType());
  View view;
  view.buffer = name;
  view.argument = argument.getArgNumber();
  auto [strides, offset] = type.getStridesAndOffset();
  int64_t largest = getLargestSize(type.getRank());
  json::Array shape, needed;
  bool anyNeeded = false;
  for (auto [k, size] : llvm::enumerate(type.getShape())) {
    int64_t dim = k;
    bool dynamic = ShapedType::isDynamic(size);
    if (!dynamic && size > largest)
      return entry.emitError("rule 21: dimension ")
             << dim << " of argument #" << argument.getArgNumber()
             << " is too large: size = " << size << ", limit = " << largest;
    json::Value ask = json::Array{"dim", name, dim};
    shape.push_back(dynamic ? json::Value("?") : json::Value(size));
    view.sizes.push_back(dynamic ? ask : json::Value(size));
    std::string where = ("dimension " + Twine(dim) + " of " + name).str();
    if (dynamic)
      checks.push_back(
          json::Object{{"expr", call("le", ask, largest)},
                       {"message", "rule 21: " + where + " is too large"},
                       {"values", json::Array{named("size", ask),
                                              named("limit", largest)}}});
    json::Value stride = json::Array{"stride", name, dim};
    bool known = !ShapedType::isDynamic(strides[k]);
    view.strides.push_back(known ? json::Value(strides[k]) : stride);
    needed.push_back(known ? json::Value(strides[k]) : json::Value("?"));
    anyNeeded |= known;
  }
  views[argument] = std::move(view);
  json::Object described{
      {"name", name},
      {"kind", "buffer"},
      {"dtype", dtypeName(type.getElementType())},
      {"shape", std::move(shape)},
      {"access", tile::isWritten(argument) ? "readwrite" : "read"}};
  if (anyNeeded)
    described["strides"] = std::move(needed);
  if (isNarrowed(type)) {
    if (tile::isWritten(argument))
      return entry.emitError("argument #")
             << argument.getArgNumber() << " is " << type
             << ", but kernels of this target write no numbers of 64 bits";
    described["narrowed"] = type.getElementType().isF64() ? "f32" : "i32";
  }
  arguments.push_back(std::move(described));
  return success();
}

LogicalResult Planner::addArguments() {
  for (BlockArgument argument : entry.getArguments()) {
    const std::string &name = names[argument.getArgNumber()];
    if (isa<MemRefType>(argument.getType()) ||
        argument.getType().isIntOrIndexOrFloat())
      if (failed(checkElementType(argument)))
        return failure();
    if (isa<MemRefType>(argument.getType())) {
      if (failed(addBuffer(argument, name)))
        return failure();
      continue;
    }
    if (!argument.getType().isIntOrIndexOrFloat())
      return entry.emitError("argument #")
             << argument.getArgNumber() << " is " << argument.getType()
             << "; an artifact takes memrefs and scalars";
    expressions.insert({argument, json::Array{"scalar", name}});
    arguments.push_back(json::Object{{"name", name},
                                     {"kind", "scalar"},
                                     {"dtype", dtypeName(argument.getType())}});
  }
  return success();
}

/// A dense buffer: a result if it is returned, else a temporary.
LogicalResult Planner::addAlloc(memref::AllocOp alloc) {
  MemRefType type = alloc.getType();
  View view;
  unsigned next = 0;
  for (int64_t size : type.getShape()) {
    if (!ShapedType::isDynamic(size)) {
      view.sizes.push_back(size);
      continue;
    }
    FailureOr<json::Value> dynamic =
        sizeExpression(alloc.getDynamicSizes()[next++]);
    if (failed(dynamic))
      return failure();
    view.sizes.push_back(*dynamic);
  }
  json::Value stride = 1;
  view.strides.assign(view.sizes.size(), json::Value(1));
  for (unsigned k = view.sizes.size(); k-- > 0;) {
    view.strides[k] = stride;
    stride = multiply(stride, view.sizes[k]);
  }
  Operation *terminator = entry.getBody().front().getTerminator();
  Value result = alloc.getResult();
  bool isReturned = llvm::is_contained(terminator->getOperands(), result);
  for (Operation *user : result.getUsers())
    if (isa<memref::CastOp>(user))
      isReturned |=
          llvm::is_contained(terminator->getOperands(), user->getResult(0));
  if (!isReturned) {
    view.buffer = "temp" + std::to_string(temporaries.size());
    json::Value bytes =
        whereTaken(multiply(stride, static_cast<int64_t>(llvm::divideCeil(
                                        type.getElementTypeBitWidth(), 8))),
                   0);
    fused.push_back(bytes);
    json::Object temporary{
        {"name", view.buffer}, {"bytes", bytes}, {"align", 64}};
    if (alloc->hasAttr(tile::kRestoredAttrName)) {
      temporary["zero"] = true;
      temporary["restored"] = true;
    }
    temporaries.push_back(std::move(temporary));
  } else {
    unsigned position = 0;
    for (auto [k, operand] : llvm::enumerate(terminator->getOperands())) {
      auto cast = operand.getDefiningOp<memref::CastOp>();
      if (operand == result || (cast && cast.getSource() == result))
        position = k;
    }
    view.buffer = "result" + std::to_string(position);
  }
  views[result] = std::move(view);
  return success();
}

json::Value Planner::whereTaken(json::Value value, int64_t otherwise) const {
  if (conditions.size() == 1)
    return value;
  return choose(json::Array(conditions), std::move(value), otherwise);
}

/// The launches of both branches, each with its condition.
LogicalResult Planner::visitBranches(scf::IfOp op) {
  if (op.getNumResults())
    return op.emitOpError("yields values, which a launch cannot depend on");
  FailureOr<json::Value> condition = sizeExpression(op.getCondition());
  if (failed(condition))
    return failure();
  conditions.push_back(*condition);
  for (Operation &inner : op.thenBlock()->without_terminator())
    if (failed(visit(&inner)))
      return failure();
  conditions.back() = json::Array{"not", *condition};
  if (op.elseBlock())
    for (Operation &inner : op.elseBlock()->without_terminator())
      if (failed(visit(&inner)))
        return failure();
  conditions.pop_back();
  return success();
}

/// A loop that checks what buffers hold.
LogicalResult Planner::visitLoop(scf::ForOp op) {
  auto launch = [](tile::LaunchOp) { return WalkResult::interrupt(); };
  if (op.walk(launch).wasInterrupted())
    return op.emitOpError(
        "with attention in it cannot be part of an artifact, whose kernels run "
        "once a launch; launch its body in a loop of your own, or lower the "
        "loop to code with a pipeline such as attn-to-cpu");
  if (op.getNumResults() || !matchPattern(op.getLowerBound(), m_Zero()) ||
      !matchPattern(op.getStep(), m_One()))
    return op.emitOpError(
        "cannot be part of an artifact: a loop of its host "
        "program counts from 0 in steps of 1 and only checks");
  FailureOr<json::Value> extent = expression(op.getUpperBound());
  if (failed(extent))
    return failure();
  Value index = op.getInductionVar();
  expressions.insert(
      {index, json::Array{"index", static_cast<int64_t>(loops.size())}});
  contents.insert(index);
  nonNegative[index] = true;
  loops.push_back(*extent);
  for (Operation &inner : op.getBody()->without_terminator()) {
    if (!isa<scf::ForOp, memref::LoadOp, memref::DimOp, tile::CheckOp,
             cf::AssertOp>(inner) &&
        !isa<arith::ArithDialect>(inner.getDialect()))
      return inner.emitOpError("cannot be part of an artifact: a loop of its "
                               "host program only checks");
    if (failed(visit(&inner)))
      return failure();
  }
  loops.pop_back();
  return success();
}

//===----------------------------------------------------------------------===//
// Launches, results and checks
//===----------------------------------------------------------------------===//

FailureOr<json::Value> Planner::describeArgument(tile::LaunchOp launch,
                                                 Value argument) {
  if (auto type = dyn_cast<MemRefType>(argument.getType())) {
    FailureOr<View> view = lookup(launch, argument);
    if (failed(view))
      return failure();
    json::Object buffer{{"buffer", view->buffer}};
    int64_t bytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
    if (view->offset != 0)
      buffer["offset"] = multiply(view->offset, bytes);
    return json::Value(std::move(buffer));
  }
  if (auto scalar = dyn_cast<BlockArgument>(argument);
      scalar && isa<FloatType>(argument.getType()))
    return json::Value(json::Object{{"scalar", names[scalar.getArgNumber()]}});
  FailureOr<json::Value> value = sizeExpression(argument);
  if (failed(value))
    return failure();
  bool narrow = artifact.getIndexBits() == 32 ||
                (argument.getType().isIntOrFloat() &&
                 argument.getType().getIntOrFloatBitWidth() <= 32);
  return json::Value(
      json::Object{{"value", *value}, {"type", narrow ? "i32" : "i64"}});
}

LogicalResult Planner::addLaunch(tile::LaunchOp launch) {
  Operation *kernel =
      SymbolTable::lookupNearestSymbolFrom(launch, launch.getKernelAttr());
  if (!kernel)
    return launch.emitOpError("names no kernel: ") << launch.getKernel();
  HostLaunch described;
  described.op = launch;
  described.info = tile::LaunchInfoAttr::of(kernel);
  if (!described.info)
    return launch.emitOpError("is of a kernel that is not lowered: ")
           << launch.getKernel() << " has no "
           << tile::LaunchInfoAttr::attributeName;
  if (DenseI64ArrayAttr cluster = described.info.getCluster())
    return launch.emitOpError("cannot be part of an artifact: the runtime "
                              "launches no clusters, and its kernel asks for ")
           << cluster.asArrayRef();
  for (Value extent : launch.getGrid()) {
    FailureOr<json::Value> size = sizeExpression(extent);
    if (failed(size))
      return failure();
    described.extents.push_back(*size);
  }
  for (Value argument : launch.getArgs()) {
    FailureOr<json::Value> operand = describeArgument(launch, argument);
    if (failed(operand))
      return failure();
    described.operands.push_back(*operand);
  }
  if (conditions.size() > 1)
    described.when = json::Array(conditions);
  launches.push_back(std::move(described));
  return success();
}

LogicalResult Planner::addResults(func::ReturnOp ret) {
  llvm::StringMap<unsigned> returned;
  for (auto [k, operand] : llvm::enumerate(ret.getOperands())) {
    auto type = dyn_cast<MemRefType>(operand.getType());
    auto it = views.find(operand);
    if (!type || it == views.end())
      return ret.emitOpError("result #")
             << k << " is " << operand.getType()
             << ", which no attention of the program writes: an artifact "
                "returns its buffers";
    const View &view = it->second;
    if (!view.isWhole)
      return ret.emitOpError("result #")
             << k << " is a part of a buffer; an artifact returns all of it";
    auto [first, isNew] = returned.try_emplace(view.buffer, k);
    if (isNarrowed(type))
      return ret.emitOpError("result #")
             << k << " is " << type
             << ", but kernels of this target write no numbers of 64 bits";
    if (!isNew)
      return ret.emitOpError("result #")
             << k << " is the buffer of result #" << first->second
             << "; an artifact returns a buffer once";
    if (view.argument && !tile::isWritten(entry.getArgument(*view.argument)))
      return ret.emitOpError("result #")
             << k << " is argument #" << *view.argument
             << ", which nothing writes; an artifact returns what it computes";
    json::Object result{{"name", view.buffer},
                        {"dtype", dtypeName(type.getElementType())},
                        {"shape", json::Array(view.sizes)}};
    if (view.argument)
      result["argument"] = *view.argument;
    else
      result["dense"] = true;
    results.push_back(std::move(result));
  }
  return success();
}

LogicalResult Planner::addCheck(Operation *op, Value condition,
                                StringRef message, ArrayRef<StringRef> names,
                                ValueRange values) {
  FailureOr<json::Value> holds = expression(condition);
  if (failed(holds))
    return failure();
  json::Object check{{"expr", whereTaken(*holds, 1)},
                     {"message", message.str()}};
  bool readsContents = contents.contains(condition);
  json::Array numbers;
  for (auto [name, value] : llvm::zip_equal(names, values)) {
    FailureOr<json::Value> number = expression(value);
    if (failed(number))
      return failure();
    readsContents |= contents.contains(value);
    numbers.push_back(named(name, *number));
  }
  if (!numbers.empty())
    check["values"] = std::move(numbers);
  if (readsContents)
    check["forall"] = json::Array(loops);
  checks.push_back(std::move(check));
  return success();
}

LogicalResult Planner::visit(Operation *op) {
  if (auto alloc = dyn_cast<memref::AllocOp>(op))
    return addAlloc(alloc);
  if (auto launch = dyn_cast<tile::LaunchOp>(op))
    return addLaunch(launch);
  if (auto ret = dyn_cast<func::ReturnOp>(op))
    return addResults(ret);
  if (isa<memref::CastOp, memref::TransposeOp, memref::SubViewOp,
          memref::ExpandShapeOp, memref::CollapseShapeOp>(op))
    return visitView(op);
  if (auto metadata = dyn_cast<memref::ExtractStridedMetadataOp>(op)) {
    FailureOr<View> view = lookup(op, metadata.getSource());
    if (failed(view))
      return failure();
    for (auto [k, stride] : llvm::enumerate(metadata.getStrides()))
      expressions.insert({stride, view->strides[k]});
    for (auto [k, size] : llvm::enumerate(metadata.getSizes()))
      expressions.insert({size, view->sizes[k]});
    return success();
  }
  if (auto check = dyn_cast<tile::CheckOp>(op))
    return addCheck(
        op, check.getCondition(), check.getMessage(),
        llvm::to_vector(check.getNames().getAsValueRange<StringAttr>()),
        check.getValues());
  if (auto check = dyn_cast<cf::AssertOp>(op))
    return addCheck(op, check.getArg(), check.getMsg(), {}, {});
  if (auto estimate = dyn_cast<tile::EstimateOp>(op)) {
    for (auto [value, sum] : {std::pair(estimate.getFlops(), &flops),
                              std::pair(estimate.getScores(), &standard)}) {
      FailureOr<json::Value> part = sizeExpression(value);
      if (failed(part))
        return failure();
      sum->push_back(whereTaken(*part, 0));
    }
    return success();
  }
  if (auto branches = dyn_cast<scf::IfOp>(op))
    return visitBranches(branches);
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return visitLoop(loop);
  if (isa<memref::DimOp, memref::DeallocOp, memref::LoadOp>(op) ||
      isa<arith::ArithDialect>(op->getDialect()))
    return success();
  if (isa<memref::GetGlobalOp>(op))
    return emitError(op->getLoc(), "a constant tensor cannot be part of an "
                                   "artifact; make it an argument");
  return op->emitOpError("cannot be part of an artifact: its host program "
                         "holds attention, buffers and arithmetic on sizes");
}

static json::Value toJSON(Attribute attribute) {
  return llvm::TypeSwitch<Attribute, json::Value>(attribute)
      .Case([](StringAttr text) { return text.getValue(); })
      .Case([](BoolAttr flag) { return flag.getValue(); })
      .Case([](IntegerAttr number) { return number.getInt(); })
      .Case([](ArrayAttr list) {
        json::Array array;
        for (Attribute entry : list)
          array.push_back(toJSON(entry));
        return array;
      })
      .Case([](DictionaryAttr dictionary) {
        json::Object object;
        for (NamedAttribute entry : dictionary)
          object[entry.getName().getValue()] = toJSON(entry.getValue());
        return object;
      })
      .Default([](Attribute other) {
        std::string text;
        llvm::raw_string_ostream(text) << other;
        return text;
      });
}

static json::Object describeArtifact(tile::ArtifactAttr artifact) {
  json::Object description;
  description["format"] = "attn-artifact";
  description["version"] = 1;
  description["target"] = artifact.getTarget().getValue();
  if (StringAttr chip = artifact.getChip())
    description["chip"] = chip.getValue();
  if (ArrayAttr features = artifact.getFeatures())
    description["features"] = toJSON(features);
  if (DictionaryAttr metadata = artifact.getMetadata())
    description["metadata"] = toJSON(metadata);
  return description;
}

/// Functions of the kernels' text that may be written later.
static json::Array describeHoles(ModuleOp module) {
  json::Array holes;
  for (auto kernels : module.getOps<gpu::GPUModuleOp>())
    for (auto function : kernels.getOps<func::FuncOp>()) {
      json::Array parameters;
      for (BlockArgument argument : function.getArguments()) {
        auto name = function.getArgAttrOfType<StringAttr>(
            argument.getArgNumber(), kArgumentNameAttr);
        parameters.push_back(
            json::Object{{"name", name.getValue()},
                         {"dtype", dtypeName(argument.getType())}});
      }
      holes.push_back(
          json::Object{{"name", function.getName()},
                       {"dtype", dtypeName(function.getResultTypes().front())},
                       {"parameters", std::move(parameters)}});
    }
  return holes;
}

FailureOr<json::Object> Planner::run() {
  if (!entry.getBody().hasOneBlock())
    return entry.emitError("an artifact's entry has no control flow");
  if (failed(addArguments()))
    return failure();
  for (Operation &op : entry.getBody().front())
    if (failed(visit(&op)))
      return failure();
  json::Array launched;
  for (const HostLaunch &launch : launches)
    launched.push_back(describeLaunch(launch, temporaries, checks));
  json::Object plan = describeArtifact(artifact);
  plan["entry"] = entry.getName();
  plan["arguments"] = std::move(arguments);
  if (!symbols.empty())
    plan["symbols"] = std::move(symbols);
  plan["results"] = std::move(results);
  plan["temporaries"] = std::move(temporaries);
  plan["launches"] = std::move(launched);
  plan["checks"] = std::move(checks);
  if (json::Array holes = describeHoles(entry->getParentOfType<ModuleOp>());
      !holes.empty())
    plan["holes"] = std::move(holes);
  plan["metrics"] = json::Object{{"flops", std::move(flops)}};
  plan["memory"] = json::Object{{"fused", std::move(fused)},
                                {"standard", std::move(standard)}};
  return plan;
}

FailureOr<json::Object> attn::buildPlan(func::FuncOp entry) {
  auto artifact = tile::ArtifactAttr::of(entry);
  if (!artifact)
    return entry.emitError("is in a module without ")
           << tile::ArtifactAttr::attributeName
           << ", which says what it is compiled for; attn-set-artifact writes "
              "it";
  return Planner(entry, artifact).run();
}
