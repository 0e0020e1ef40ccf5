//===- Plan.cpp - How a host program launches its kernels -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Symbolic reading of a host function: index arithmetic becomes expressions,
// memrefs become views of arguments, results and temporaries, checks become
// checks, in loops if they read what buffers hold.
//
//===----------------------------------------------------------------------===//

#include "Launch.h"

#include "attn/Analysis/IndexRanges.h"
#include "attn/Dialect/Attn/ArgumentNames.h"
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
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace attn;
namespace json = llvm::json;

namespace {

/// A memref of the host: where its elements lie in a buffer.
struct View {
  std::string buffer;
  /// The argument whose memory it is.
  std::optional<unsigned> argument;
  /// All of the buffer, as it is: what can be returned.
  bool isWhole = true;
  SmallVector<json::Value> sizes, strides;
  json::Value offset = 0; // in elements
};

class Planner {
public:
  Planner(func::FuncOp entry, tile::ArtifactAttr artifact)
      : entry(entry), artifact(artifact), names(getArgumentNames(entry)) {}

  FailureOr<json::Object> run();

private:
  LogicalResult addArguments();
  LogicalResult addBuffer(BlockArgument argument, const std::string &name);
  LogicalResult addAlloc(memref::AllocOp alloc);
  FailureOr<json::Value> describeArgument(tile::LaunchOp launch,
                                          Value argument);
  LogicalResult addLaunch(tile::LaunchOp launch);
  LogicalResult addResults(func::ReturnOp ret);
  LogicalResult addCheck(Operation *op, Value condition, StringRef message,
                         ArrayRef<StringRef> names, ValueRange values);
  LogicalResult visit(Operation *op);
  LogicalResult visitBranches(scf::IfOp op);
  LogicalResult visitLoop(scf::ForOp op);
  FailureOr<View> lookup(Operation *user, Value memref);
  LogicalResult visitView(Operation *op);
  LogicalResult addTransposed(memref::TransposeOp op, const View &source);
  LogicalResult addSlice(memref::SubViewOp op, const View &source);
  LogicalResult addExpanded(memref::ExpandShapeOp op, const View &source);
  void addCollapsed(memref::CollapseShapeOp op, const View &source);
  /// `value` where the branches around the current op are taken, else
  /// `otherwise`.
  json::Value whereTaken(json::Value value, int64_t otherwise) const;
  /// The value, which only a check may use if it depends on what buffers hold.
  FailureOr<json::Value> expression(Value value);
  FailureOr<json::Value> expression(OpFoldResult value);
  /// The same for what a launch depends on.
  FailureOr<json::Value> sizeExpression(Value value);
  FailureOr<json::Value> compute(Operation *op);
  FailureOr<json::Value> computeRead(memref::LoadOp load);
  FailureOr<json::Value> computeBoolean(Operation *op, json::Value x,
                                        json::Value y);
  FailureOr<json::Value> computeInteger(Operation *op, json::Value x,
                                        json::Value y);
  FailureOr<json::Value> refuse(Operation *op, const Twine &why = "");
  bool isNonNegative(Value value);
  /// Whether kernels see elements of 64 bits in 32.
  bool isNarrowed(MemRefType type) const {
    Type element = type.getElementType();
    return artifact.getIndexBits() == 32 &&
           (element.isInteger(64) || element.isF64());
  }

  func::FuncOp entry;
  tile::ArtifactAttr artifact;
  SmallVector<std::string> names;
  DenseMap<Value, json::Value> expressions;
  /// Values that depend on what buffers hold or on a loop's index.
  DenseSet<Value> contents;
  DenseMap<Value, bool> nonNegative;
  DenseMap<Value, View> views;
  /// Conditions of the branches around the current op.
  json::Array conditions{"and"};
  /// Extents of the loops around the current op.
  json::Array loops;
  SmallVector<HostLaunch> launches;
  json::Array arguments, symbols, results, temporaries, checks;
  json::Array flops{"add", 0}, fused{"add", 0}, standard{"add", 0};
};

} // namespace

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

static json::Value call(StringRef name, json::Value x, json::Value y) {
  return json::Array{name, std::move(x), std::move(y)};
}

static json::Value add(json::Value x, json::Value y) {
  return x == 0 ? y : y == 0 ? x : call("add", std::move(x), std::move(y));
}

static json::Value multiply(json::Value x, json::Value y) {
  if (x == 0 || y == 0)
    return 0;
  return x == 1 ? y : y == 1 ? x : call("mul", std::move(x), std::move(y));
}

static json::Value choose(json::Value condition, json::Value x, json::Value y) {
  return json::Array{"select", std::move(condition), std::move(x),
                     std::move(y)};
}

static json::Value named(StringRef name, json::Value value) {
  return json::Object{{"name", name.str()}, {"expr", std::move(value)}};
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

FailureOr<json::Value> Planner::expression(Value value) {
  if (auto it = expressions.find(value); it != expressions.end())
    return it->second;
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant)))
    return json::Value(constant.getBitWidth() == 1
                           ? static_cast<int64_t>(constant.getZExtValue())
                           : constant.getSExtValue());
  Operation *op = value.getDefiningOp();
  if (!op)
    return entry.emitError("a launch cannot depend on this value");
  FailureOr<json::Value> result = compute(op);
  if (failed(result))
    return failure();
  if (isa<memref::LoadOp>(op) ||
      llvm::any_of(op->getOperands(),
                   [&](Value operand) { return contents.contains(operand); }))
    contents.insert(value);
  // What is used more than once is computed once.
  auto isCall = [](const json::Value &v) { return v.getAsArray() != nullptr; };
  if (isa<arith::ArithDialect>(op->getDialect()) && !value.hasOneUse() &&
      !contents.contains(value) && isCall(*result) &&
      llvm::any_of(*result->getAsArray(), isCall)) {
    std::string name = "n" + std::to_string(symbols.size());
    symbols.push_back(named(name, *result));
    result = json::Value(json::Array{"symbol", name});
  }
  expressions.insert({value, *result});
  return result;
}

FailureOr<json::Value> Planner::expression(OpFoldResult value) {
  if (std::optional<int64_t> known = getConstantIntValue(value))
    return json::Value(*known);
  return sizeExpression(cast<Value>(value));
}

FailureOr<json::Value> Planner::sizeExpression(Value value) {
  FailureOr<json::Value> result = expression(value);
  if (succeeded(result) && contents.contains(value))
    return emitError(value.getLoc(),
                     "depends on what a buffer holds, which is known too late "
                     "for a launch, a size or a slice of an artifact; pass it "
                     "as a scalar, or as a tensor where the op takes one");
  return result;
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
// Index arithmetic
//===----------------------------------------------------------------------===//

/// True if `value` is a size or what arithmetic on sizes cannot make negative.
bool Planner::isNonNegative(Value value) {
  if (auto it = nonNegative.find(value); it != nonNegative.end())
    return it->second;
  APInt constant;
  bool result = false;
  Operation *op = value.getDefiningOp();
  auto all = [&](ValueRange values) {
    return llvm::all_of(values, [&](Value x) { return isNonNegative(x); });
  };
  if (matchPattern(value, m_ConstantInt(&constant)))
    result = constant.getBitWidth() == 1 || !constant.isNegative();
  else if (isa_and_nonnull<memref::DimOp>(op))
    result = true;
  else if (isa_and_nonnull<arith::MaxSIOp>(op))
    result =
        isNonNegative(op->getOperand(0)) || isNonNegative(op->getOperand(1));
  else if (isa_and_nonnull<arith::AddIOp, arith::MulIOp, arith::MinSIOp,
                           arith::DivSIOp, arith::DivUIOp, arith::CeilDivSIOp,
                           arith::CeilDivUIOp, arith::FloorDivSIOp,
                           arith::RemSIOp, arith::RemUIOp, arith::MinUIOp,
                           arith::MaxUIOp, arith::IndexCastOp>(op))
    result = all(op->getOperands());
  else if (auto select = dyn_cast_if_present<arith::SelectOp>(op))
    result = all({select.getTrueValue(), select.getFalseValue()});
  return nonNegative[value] = result;
}

FailureOr<json::Value> Planner::refuse(Operation *op, const Twine &why) {
  return op->emitOpError("is not something that a launch can compute: only "
                         "arithmetic on sizes runs on the host")
         << why;
}

/// On truth values, which are 0 and 1.
FailureOr<json::Value> Planner::computeBoolean(Operation *op, json::Value x,
                                               json::Value y) {
  if (isa<arith::AndIOp>(op))
    return call("and", std::move(x), std::move(y));
  if (isa<arith::OrIOp>(op))
    return call("or", std::move(x), std::move(y));
  if (isa<arith::XOrIOp>(op))
    return call("ne", std::move(x), std::move(y));
  if (auto cmp = dyn_cast<arith::CmpIOp>(op)) {
    if (cmp.getPredicate() == arith::CmpIPredicate::eq)
      return call("eq", std::move(x), std::move(y));
    if (cmp.getPredicate() == arith::CmpIPredicate::ne)
      return call("ne", std::move(x), std::move(y));
  }
  return refuse(op);
}

static bool isUnsigned(Operation *op) {
  if (auto cmp = dyn_cast<arith::CmpIOp>(op))
    switch (cmp.getPredicate()) {
    case arith::CmpIPredicate::ult:
    case arith::CmpIPredicate::ule:
    case arith::CmpIPredicate::ugt:
    case arith::CmpIPredicate::uge:
      return true;
    default:
      return false;
    }
  return isa<arith::DivUIOp, arith::RemUIOp, arith::CeilDivUIOp, arith::MinUIOp,
             arith::MaxUIOp>(op);
}

static StringRef nameOf(arith::CmpIPredicate predicate) {
  switch (predicate) {
  case arith::CmpIPredicate::eq:
    return "eq";
  case arith::CmpIPredicate::ne:
    return "ne";
  case arith::CmpIPredicate::slt:
  case arith::CmpIPredicate::ult:
    return "lt";
  case arith::CmpIPredicate::sle:
  case arith::CmpIPredicate::ule:
    return "le";
  case arith::CmpIPredicate::sgt:
  case arith::CmpIPredicate::ugt:
    return "gt";
  case arith::CmpIPredicate::sge:
  case arith::CmpIPredicate::uge:
    return "ge";
  }
  llvm_unreachable("unknown predicate");
}

/// On integers. Division rounds down in an expression and towards zero in
/// divsi, which differs for negative numbers only, as do signed and unsigned.
FailureOr<json::Value> Planner::computeInteger(Operation *op, json::Value x,
                                               json::Value y) {
  bool isPositive =
      isNonNegative(op->getOperand(0)) && isNonNegative(op->getOperand(1));
  if (isUnsigned(op) && !isPositive)
    return refuse(op, ", and this reads what may be negative as unsigned");
  auto quotient = [&]() -> json::Value {
    if (isPositive)
      return call("floordiv", x, y);
    return choose(call("eq", call("lt", x, 0), call("lt", y, 0)),
                  call("floordiv", x, y), call("ceildiv", x, y));
  };
  if (isa<arith::DivSIOp, arith::DivUIOp>(op))
    return quotient();
  if (isa<arith::RemSIOp, arith::RemUIOp>(op))
    return isPositive ? call("mod", x, y)
                      : call("sub", x, call("mul", y, quotient()));
  if (auto cmp = dyn_cast<arith::CmpIOp>(op))
    return call(nameOf(cmp.getPredicate()), std::move(x), std::move(y));
  StringRef name =
      llvm::TypeSwitch<Operation *, StringRef>(op)
          .Case<arith::AddIOp>([](auto) { return "add"; })
          .Case<arith::SubIOp>([](auto) { return "sub"; })
          .Case<arith::MulIOp>([](auto) { return "mul"; })
          .Case<arith::FloorDivSIOp>([](auto) { return "floordiv"; })
          .Case<arith::CeilDivSIOp, arith::CeilDivUIOp>(
              [](auto) { return "ceildiv"; })
          .Case<arith::MinSIOp, arith::MinUIOp>([](auto) { return "min"; })
          .Case<arith::MaxSIOp, arith::MaxUIOp>([](auto) { return "max"; })
          .Default([](Operation *) { return ""; });
  if (name.empty())
    return refuse(op);
  return call(name, std::move(x), std::move(y));
}

/// An element of a buffer of integers, by its distance from the first.
FailureOr<json::Value> Planner::computeRead(memref::LoadOp load) {
  FailureOr<View> view = lookup(load, load.getMemRef());
  if (failed(view))
    return failure();
  if (!artifact.getHostReads() || !view->argument)
    return load.emitOpError("reads what ")
           << (view->argument ? "the host of this target cannot see"
                              : "only the program itself writes");
  json::Value offset = view->offset;
  for (auto [k, operand] : llvm::enumerate(load.getIndices())) {
    FailureOr<json::Value> index = expression(operand);
    if (failed(index))
      return failure();
    offset = add(std::move(offset), multiply(*index, view->strides[k]));
  }
  return json::Value(json::Array{"load", view->buffer, std::move(offset)});
}

FailureOr<json::Value> Planner::compute(Operation *op) {
  if (auto dim = dyn_cast<memref::DimOp>(op)) {
    std::optional<int64_t> k = dim.getConstantIndex();
    auto it = views.find(dim.getSource());
    if (k && it != views.end())
      return it->second.sizes[*k];
  }
  if (auto load = dyn_cast<memref::LoadOp>(op))
    return computeRead(load);
  if (!isa<arith::ArithDialect>(op->getDialect()))
    return refuse(op);
  SmallVector<json::Value> operands;
  for (Value operand : op->getOperands()) {
    FailureOr<json::Value> part = expression(operand);
    if (failed(part))
      return failure();
    operands.push_back(*part);
  }
  if (isa<arith::IndexCastOp>(op))
    return operands[0];
  if (isa<arith::SelectOp>(op))
    return choose(operands[0], operands[1], operands[2]);
  if (operands.size() != 2)
    return refuse(op);
  if (op->getOperand(0).getType().isInteger(1))
    return computeBoolean(op, operands[0], operands[1]);
  return computeInteger(op, operands[0], operands[1]);
}

//===----------------------------------------------------------------------===//
// Views of buffers
//===----------------------------------------------------------------------===//

FailureOr<View> Planner::lookup(Operation *user, Value memref) {
  auto it = views.find(memref);
  if (it == views.end())
    return user->emitOpError("is given ")
           << memref.getType()
           << ", which is no buffer of the program: an argument, an "
              "allocation or a view of one";
  return it->second;
}

LogicalResult Planner::addTransposed(memref::TransposeOp op,
                                     const View &source) {
  View view = source;
  view.isWhole = false;
  for (auto [k, result] : llvm::enumerate(op.getPermutation().getResults())) {
    unsigned from = cast<AffineDimExpr>(result).getPosition();
    view.sizes[k] = source.sizes[from];
    view.strides[k] = source.strides[from];
  }
  views[op.getResult()] = std::move(view);
  return success();
}

/// A slice. What its type leaves open is checked: a slice lies in its buffer.
LogicalResult Planner::addSlice(memref::SubViewOp op, const View &source) {
  View view;
  view.buffer = source.buffer;
  view.argument = source.argument;
  view.isWhole = false;
  view.offset = source.offset;
  llvm::SmallBitVector dropped = op.getDroppedDims();
  for (auto [k, mixedOffset, mixedSize, mixedStride] : llvm::enumerate(
           op.getMixedOffsets(), op.getMixedSizes(), op.getMixedStrides())) {
    FailureOr<json::Value> offset = expression(mixedOffset);
    FailureOr<json::Value> size = expression(mixedSize);
    FailureOr<json::Value> stride = expression(mixedStride);
    if (failed(offset) || failed(size) || failed(stride))
      return failure();
    view.offset =
        add(std::move(view.offset), multiply(*offset, source.strides[k]));
    if (!dropped[k]) {
      view.sizes.push_back(*size);
      view.strides.push_back(multiply(*stride, source.strides[k]));
    }
    json::Value last = add(*offset, multiply(call("sub", *size, 1), *stride));
    bool isKnown = llvm::all_of(
        ArrayRef<json::Value>{*offset, *size, *stride, source.sizes[k]},
        [](const json::Value &x) { return x.getAsInteger().has_value(); });
    if (isKnown)
      continue;
    json::Value inside = json::Array{
        "and", call("le", 0, *offset), call("le", 0, *size),
        json::Array{"or", call("eq", *size, 0),
                    json::Array{"and", call("le", 0, last),
                                call("lt", last, source.sizes[k])}}};
    checks.push_back(json::Object{
        {"expr", whereTaken(std::move(inside), 1)},
        {"message", "a slice of " + source.buffer + " must lie in it"},
        {"values", json::Array{named("dimension", static_cast<int64_t>(k)),
                               named("offset", *offset), named("size", *size),
                               named("of", source.sizes[k])}}});
  }
  views[op.getResult()] = std::move(view);
  return success();
}

/// A dimension becomes several, of which the last keeps its stride.
LogicalResult Planner::addExpanded(memref::ExpandShapeOp op,
                                   const View &source) {
  View view = source;
  view.isWhole = false;
  SmallVector<OpFoldResult> shape = getMixedValues(
      op.getStaticOutputShape(), op.getOutputShape(), op.getContext());
  view.sizes.assign(shape.size(), 0);
  view.strides.assign(shape.size(), 0);
  for (auto [from, group] : llvm::enumerate(op.getReassociationIndices())) {
    json::Value stride = source.strides[from];
    for (int64_t k : llvm::reverse(group)) {
      FailureOr<json::Value> size = expression(shape[k]);
      if (failed(size))
        return failure();
      view.sizes[k] = *size;
      view.strides[k] = stride;
      stride = multiply(std::move(stride), *size);
    }
  }
  views[op.getResult()] = std::move(view);
  return success();
}

/// Dimensions become one, with the stride of the last that is stepped along.
void Planner::addCollapsed(memref::CollapseShapeOp op, const View &source) {
  View view = source;
  view.isWhole = false;
  view.sizes.clear();
  view.strides.clear();
  for (const ReassociationIndices &group : op.getReassociationIndices()) {
    json::Value size = 1, stride = 1;
    for (int64_t k : llvm::reverse(group)) {
      if (size == 1)
        stride = source.strides[k];
      size = multiply(std::move(size), source.sizes[k]);
    }
    view.sizes.push_back(size);
    view.strides.push_back(stride);
  }
  views[op.getResult()] = std::move(view);
}

LogicalResult Planner::visitView(Operation *op) {
  FailureOr<View> source = lookup(op, op->getOperand(0));
  if (failed(source))
    return failure();
  if (auto transpose = dyn_cast<memref::TransposeOp>(op))
    return addTransposed(transpose, *source);
  if (auto slice = dyn_cast<memref::SubViewOp>(op))
    return addSlice(slice, *source);
  if (auto expand = dyn_cast<memref::ExpandShapeOp>(op))
    return addExpanded(expand, *source);
  if (auto collapse = dyn_cast<memref::CollapseShapeOp>(op))
    addCollapsed(collapse, *source);
  else
    views[op->getResult(0)] = *source; // a cast
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
