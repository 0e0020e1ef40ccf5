//===- Plan.cpp - How a host program launches its kernels -----------------===//
//
// Symbolic reading of a host function: index arithmetic becomes expressions,
// memrefs become arguments, results and temporaries, asserts become checks.
//
//===----------------------------------------------------------------------===//

#include "attn/Target/Plan.h"
#include "attn/Analysis/IndexRanges.h"
#include "dialects/Tile/Tile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace attn;
namespace json = llvm::json;

namespace {

/// A memref of the host: a named buffer seen with permuted dimensions.
struct View {
  std::string buffer;
  /// Argument whose sizes and strides are asked for at run time, or null.
  bool isArgument = false;
  SmallVector<json::Value> sizes, strides;
};

class Planner {
public:
  Planner(func::FuncOp entry,
          llvm::function_ref<KernelLaunch(func::FuncOp)> describe)
      : entry(entry), describe(describe) {}

  FailureOr<json::Object> run();

private:
  LogicalResult addArguments();
  LogicalResult addAlloc(memref::AllocOp alloc);
  LogicalResult addLaunch(tile::LaunchOp launch);
  LogicalResult addResults(func::ReturnOp ret);
  LogicalResult visit(Operation *op);
  LogicalResult visitBranches(scf::IfOp op);
  /// `value` where the branches around the current op are taken, else
  /// `otherwise`.
  json::Value whereTaken(json::Value value, int64_t otherwise) const;
  FailureOr<json::Value> expression(Value value);
  FailureOr<json::Value> compute(Operation *op);

  func::FuncOp entry;
  llvm::function_ref<KernelLaunch(func::FuncOp)> describe;
  DenseMap<Value, json::Value> expressions;
  DenseMap<Value, View> views;
  /// Conditions of the branches around the current op.
  json::Array conditions{"and"};
  json::Array arguments, symbols, results, temporaries, launches, checks;
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

/// Buffers that the kernels of `module` write through argument `memref`.
static bool isWritten(Value memref) {
  return llvm::any_of(memref.getUses(), [](OpOperand &use) {
    Operation *user = use.getOwner();
    if (auto store = dyn_cast<tile::StoreOp>(user))
      return store.getDest() == use.get();
    if (auto store = dyn_cast<memref::StoreOp>(user))
      return store.getMemRef() == use.get();
    if (auto launch = dyn_cast<tile::LaunchOp>(user)) {
      auto kernel = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(
          user, launch.getKernelAttr());
      unsigned index = use.getOperandNumber() - launch.getGrid().size();
      return kernel && isWritten(kernel.getArgument(index));
    }
    return isa<memref::ReinterpretCastOp, memref::TransposeOp, memref::CastOp,
               memref::SubViewOp>(user) &&
           isWritten(user->getResult(0));
  });
}

static json::Value call(StringRef name, json::Value x, json::Value y) {
  return json::Array{name, std::move(x), std::move(y)};
}

LogicalResult Planner::addArguments() {
  for (BlockArgument argument : entry.getArguments()) {
    std::string name = ("arg" + Twine(argument.getArgNumber())).str();
    if (isa<MemRefType>(argument.getType()) ||
        argument.getType().isIntOrIndexOrFloat())
      if (failed(checkElementType(argument)))
        return failure();
    if (auto type = dyn_cast<MemRefType>(argument.getType())) {
      View view;
      view.buffer = name;
      view.isArgument = true;
      auto [strides, offset] = type.getStridesAndOffset();
      int64_t largest = getLargestSize(type.getRank());
      json::Array shape;
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
        if (dynamic)
          checks.push_back(json::Object{
              {"expr", json::Array{"le", ask, largest}},
              {"message", "rule 21: dimension " + std::to_string(dim) + " of " +
                              name + " is too large"},
              {"values",
               json::Array{
                   json::Object{{"name", "size"}, {"expr", ask}},
                   json::Object{{"name", "limit"}, {"expr", largest}}}}});
        json::Value stride = json::Array{"stride", name, dim};
        bool known = !ShapedType::isDynamic(strides[k]);
        view.strides.push_back(known ? json::Value(strides[k]) : stride);
        // A dimension of size 1 is never stepped along.
        if (known && size != 1)
          checks.push_back(json::Object{
              {"expr", json::Array{"or", json::Array{"le", ask, 1},
                                   json::Array{"eq", stride, strides[k]}}},
              {"message", "rule 1: the code for " + name + " needs stride " +
                              std::to_string(strides[k]) + " in dimension " +
                              std::to_string(dim)},
              {"values", json::Array{json::Object{{"name", "stride"},
                                                  {"expr", stride}}}}});
      }
      views[argument] = std::move(view);
      arguments.push_back(
          json::Object{{"name", name},
                       {"kind", "buffer"},
                       {"dtype", dtypeName(type.getElementType())},
                       {"shape", std::move(shape)},
                       {"access", isWritten(argument) ? "readwrite" : "read"}});
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
  view.sizes = SmallVector<json::Value>();
  unsigned next = 0;
  for (int64_t size : type.getShape()) {
    if (!ShapedType::isDynamic(size)) {
      view.sizes.push_back(size);
      continue;
    }
    FailureOr<json::Value> dynamic =
        expression(alloc.getDynamicSizes()[next++]);
    if (failed(dynamic))
      return failure();
    view.sizes.push_back(*dynamic);
  }
  json::Value stride = 1;
  view.strides.assign(view.sizes.size(), json::Value(1));
  for (unsigned k = view.sizes.size(); k-- > 0;) {
    view.strides[k] = stride;
    stride = call("mul", stride, view.sizes[k]);
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
    json::Value bytes = whereTaken(call("mul", stride,
                                        static_cast<int64_t>(llvm::divideCeil(
                                            type.getElementTypeBitWidth(), 8))),
                                   0);
    fused.push_back(bytes);
    temporaries.push_back(
        json::Object{{"name", view.buffer}, {"bytes", bytes}, {"align", 64}});
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
    return json::Value(constant.getSExtValue());
  Operation *op = value.getDefiningOp();
  if (!op)
    return entry.emitError("a launch cannot depend on this value");
  FailureOr<json::Value> result = compute(op);
  if (failed(result))
    return failure();
  // What is used more than once is computed once.
  auto isCall = [](const json::Value &v) { return v.getAsArray() != nullptr; };
  if (isa<arith::ArithDialect>(op->getDialect()) && !value.hasOneUse() &&
      isCall(*result) && llvm::any_of(*result->getAsArray(), isCall)) {
    std::string name = "n" + std::to_string(symbols.size());
    symbols.push_back(json::Object{{"name", name}, {"expr", *result}});
    result = json::Value(json::Array{"symbol", name});
  }
  expressions.insert({value, *result});
  return result;
}

json::Value Planner::whereTaken(json::Value value, int64_t otherwise) const {
  if (conditions.size() == 1)
    return value;
  return json::Array{"select", json::Value(json::Array(conditions)),
                     std::move(value), otherwise};
}

/// The launches of both branches, each with its condition.
LogicalResult Planner::visitBranches(scf::IfOp op) {
  if (op.getNumResults())
    return op.emitOpError("yields values, which a launch cannot depend on");
  FailureOr<json::Value> condition = expression(op.getCondition());
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

FailureOr<json::Value> Planner::compute(Operation *op) {
  if (auto dim = dyn_cast<memref::DimOp>(op)) {
    std::optional<int64_t> k = dim.getConstantIndex();
    auto it = views.find(dim.getSource());
    if (k && it != views.end())
      return it->second.sizes[*k];
  }
  StringRef name =
      llvm::TypeSwitch<Operation *, StringRef>(op)
          .Case<arith::AddIOp>([](auto) { return "add"; })
          .Case<arith::SubIOp>([](auto) { return "sub"; })
          .Case<arith::MulIOp>([](auto) { return "mul"; })
          .Case<arith::DivSIOp, arith::DivUIOp, arith::FloorDivSIOp>(
              [](auto) { return "floordiv"; })
          .Case<arith::CeilDivSIOp, arith::CeilDivUIOp>(
              [](auto) { return "ceildiv"; })
          .Case<arith::RemSIOp, arith::RemUIOp>([](auto) { return "mod"; })
          .Case<arith::MinSIOp, arith::MinUIOp>([](auto) { return "min"; })
          .Case<arith::MaxSIOp, arith::MaxUIOp>([](auto) { return "max"; })
          .Case<arith::AndIOp>([](auto) { return "and"; })
          .Case<arith::OrIOp>([](auto) { return "or"; })
          .Case<arith::SelectOp>([](auto) { return "select"; })
          .Case<arith::IndexCastOp>([](auto) { return "id"; })
          .Case<arith::CmpIOp>([](arith::CmpIOp cmp) -> StringRef {
            switch (cmp.getPredicate()) {
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
          })
          .Default([](Operation *) { return ""; });
  if (name.empty())
    return op->emitOpError("is not something that a launch can compute: only "
                           "arithmetic on sizes runs on the host");
  json::Array result{name};
  for (Value operand : op->getOperands()) {
    FailureOr<json::Value> part = expression(operand);
    if (failed(part))
      return failure();
    if (name == "id")
      return part;
    result.push_back(*part);
  }
  return json::Value(std::move(result));
}

LogicalResult Planner::addLaunch(tile::LaunchOp launch) {
  auto kernel = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(
      launch, launch.getKernelAttr());
  if (!kernel)
    return launch.emitOpError("names no kernel: ") << launch.getKernel();
  KernelLaunch target = describe(kernel);
  SmallVector<json::Value> extents;
  for (Value extent : launch.getGrid()) {
    FailureOr<json::Value> size = expression(extent);
    if (failed(size))
      return failure();
    extents.push_back(*size);
  }
  json::Array args;
  for (Value argument : launch.getArgs()) {
    if (isa<MemRefType>(argument.getType())) {
      auto it = views.find(argument);
      if (it == views.end())
        return launch.emitOpError("argument ")
               << argument << " is not a buffer of the program";
      args.push_back(json::Object{{"buffer", it->second.buffer}});
      continue;
    }
    if (auto scalar = dyn_cast<BlockArgument>(argument);
        scalar && isa<FloatType>(argument.getType())) {
      args.push_back(json::Object{
          {"scalar", "arg" + std::to_string(scalar.getArgNumber())}});
      continue;
    }
    FailureOr<json::Value> value = expression(argument);
    if (failed(value))
      return failure();
    bool narrow = argument.getType().isIntOrFloat() &&
                  argument.getType().getIntOrFloatBitWidth() <= 32;
    args.push_back(
        json::Object{{"value", *value}, {"type", narrow ? "i32" : "i64"}});
  }
  if (target.passExtents)
    for (const json::Value &extent : extents)
      args.push_back(json::Object{{"value", extent}, {"type", "i64"}});
  json::Object description = std::move(target.extra);
  description["kernel"] = target.symbol;
  description["code"] = target.code;
  description["grid"] = json::Array{extents[2], extents[1], extents[0]};
  description["args"] = std::move(args);
  if (conditions.size() > 1)
    description["when"] = json::Array(conditions);
  launches.push_back(std::move(description));
  return success();
}

LogicalResult Planner::addResults(func::ReturnOp ret) {
  for (auto [k, operand] : llvm::enumerate(ret.getOperands())) {
    auto it = views.find(operand);
    if (it == views.end())
      return ret.emitOpError("operand #")
             << k << " is not a buffer of the program";
    const View &view = it->second;
    auto type = cast<MemRefType>(operand.getType());
    json::Object result{{"name", view.buffer},
                        {"dtype", dtypeName(type.getElementType())},
                        {"shape", json::Array(view.sizes)}};
    if (view.isArgument)
      result["argument"] = std::stoi(view.buffer.substr(3));
    results.push_back(std::move(result));
  }
  return success();
}

LogicalResult Planner::visit(Operation *op) {
  if (auto alloc = dyn_cast<memref::AllocOp>(op))
    return addAlloc(alloc);
  if (auto launch = dyn_cast<tile::LaunchOp>(op))
    return addLaunch(launch);
  if (auto ret = dyn_cast<func::ReturnOp>(op))
    return addResults(ret);
  if (auto cast = dyn_cast<memref::CastOp>(op)) {
    View source = views.lookup(cast.getSource());
    views[cast.getResult()] = source;
    return success();
  }
  if (auto transpose = dyn_cast<memref::TransposeOp>(op)) {
    View source = views.lookup(transpose.getIn());
    View permuted = source;
    for (auto [k, result] :
         llvm::enumerate(transpose.getPermutation().getResults())) {
      unsigned from = cast<AffineDimExpr>(result).getPosition();
      permuted.sizes[k] = source.sizes[from];
      permuted.strides[k] = source.strides[from];
    }
    // Its dimensions are not the argument's any more.
    permuted.isArgument = false;
    views[transpose.getResult()] = std::move(permuted);
    return success();
  }
  if (auto metadata = dyn_cast<memref::ExtractStridedMetadataOp>(op)) {
    auto it = views.find(metadata.getSource());
    if (it == views.end())
      return op->emitOpError("asks about a buffer that is not the program's");
    for (auto [k, stride] : llvm::enumerate(metadata.getStrides()))
      expressions.insert({stride, it->second.strides[k]});
    for (auto [k, size] : llvm::enumerate(metadata.getSizes()))
      expressions.insert({size, it->second.sizes[k]});
    return success();
  }
  if (auto check = dyn_cast<cf::AssertOp>(op)) {
    FailureOr<json::Value> condition = expression(check.getArg());
    if (failed(condition))
      return failure();
    json::Object entry{{"expr", whereTaken(*condition, 1)},
                       {"message", check.getMsg()}};
    // An equality says which two sizes disagree; a remainder, of what.
    if (auto equal = check.getArg().getDefiningOp<arith::CmpIOp>()) {
      Operation *sizes = equal;
      if (auto rest = equal.getLhs().getDefiningOp<arith::RemSIOp>())
        sizes = rest;
      FailureOr<json::Value> first = expression(sizes->getOperand(0));
      FailureOr<json::Value> second = expression(sizes->getOperand(1));
      if (failed(first) || failed(second))
        return failure();
      entry["values"] =
          json::Array{json::Object{{"name", "first"}, {"expr", *first}},
                      json::Object{{"name", "second"}, {"expr", *second}}};
    }
    checks.push_back(std::move(entry));
    return success();
  }
  if (auto estimate = dyn_cast<tile::EstimateOp>(op)) {
    for (auto [value, sum] : {std::pair(estimate.getFlops(), &flops),
                              std::pair(estimate.getScores(), &standard)}) {
      FailureOr<json::Value> part = expression(value);
      if (failed(part))
        return failure();
      sum->push_back(whereTaken(*part, 0));
    }
    return success();
  }
  if (auto branches = dyn_cast<scf::IfOp>(op))
    return visitBranches(branches);
  if (isa<memref::DimOp, memref::DeallocOp>(op) ||
      isa<arith::ArithDialect>(op->getDialect()))
    return success();
  return op->emitOpError("cannot be part of an artifact: its host program "
                         "holds attention, buffers and arithmetic on sizes");
}

FailureOr<json::Object> Planner::run() {
  if (!entry.getBody().hasOneBlock())
    return entry.emitError("an artifact's entry has no control flow");
  if (failed(addArguments()))
    return failure();
  for (Operation &op : entry.getBody().front())
    if (failed(visit(&op)))
      return failure();
  json::Object plan;
  plan["format"] = "attn-artifact";
  plan["version"] = 1;
  plan["entry"] = entry.getName();
  plan["arguments"] = std::move(arguments);
  if (!symbols.empty())
    plan["symbols"] = std::move(symbols);
  plan["results"] = std::move(results);
  plan["temporaries"] = std::move(temporaries);
  plan["launches"] = std::move(launches);
  plan["checks"] = std::move(checks);
  plan["metrics"] = json::Object{{"flops", std::move(flops)}};
  plan["memory"] = json::Object{{"fused", std::move(fused)},
                                {"standard", std::move(standard)}};
  return plan;
}

FailureOr<json::Object> attn::buildPlan(
    func::FuncOp entry,
    llvm::function_ref<KernelLaunch(func::FuncOp kernel)> describe) {
  return Planner(entry, describe).run();
}
