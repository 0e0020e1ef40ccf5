//===- Launch.cpp - One launch of a description ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parameters, grid, block and memory by the attribute of the lowered kernel.
//
//===----------------------------------------------------------------------===//

#include "Launch.h"

#include "attn/Target/Plan.h"

#include "mlir/IR/AffineMap.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace attn;
namespace json = llvm::json;

/// Symbols are the launch's operands.
static json::Value toExpression(AffineExpr expr, const HostLaunch &launch) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return constant.getValue();
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return *launch.operands[symbol.getPosition()].getAsObject()->get("value");
  auto binary = cast<AffineBinaryOpExpr>(expr);
  StringRef name = expr.getKind() == AffineExprKind::Add   ? "add"
                   : expr.getKind() == AffineExprKind::Mul ? "mul"
                                                           : "floordiv";
  return json::Array{name, toExpression(binary.getLHS(), launch),
                     toExpression(binary.getRHS(), launch)};
}

static json::Array toExpressions(AffineMap map, const HostLaunch &launch) {
  json::Array result;
  for (AffineExpr expr : map.getResults())
    result.push_back(toExpression(expr, launch));
  return result;
}

static json::Value describeOperand(tile::OperandAttr operand,
                                   const HostLaunch &launch) {
  json::Object description = *launch.operands[operand.getIndex()].getAsObject();
  if (operand.getMultiple() != 1)
    description["multiple"] = operand.getMultiple();
  return description;
}

static json::Value describeTensorMap(tile::TensorMapAttr map,
                                     const HostLaunch &launch) {
  // The buffer and where in it the view starts.
  json::Object description = *launch.operands[map.getOperand()].getAsObject();
  description["dtype"] = map.getElement().isBF16() ? "bf16" : "f16";
  description["sizes"] = toExpressions(map.getSizes(), launch);
  description["strides"] = toExpressions(map.getStrides(), launch);
  description["box"] = json::Array(map.getBox().asArrayRef());
  return json::Object{{"tensormap", std::move(description)}};
}

static json::Value addCounter(json::Array &temporaries) {
  std::string name = "counter" + std::to_string(temporaries.size());
  temporaries.push_back(json::Object{{"name", name},
                                     {"bytes", 4},
                                     {"align", 64},
                                     {"zero", true},
                                     {"restored", true}});
  return json::Object{{"buffer", name}};
}

/// Blocks number the query tiles of all heads with 32 bits (rule 21).
static json::Value checkPoints(const HostLaunch &launch,
                               const json::Value &points) {
  // What a grid of blocks goes past the last one.
  constexpr int64_t limit = (int64_t(1) << 31) - (1 << 16);
  json::Value fits = json::Array{"le", points, limit};
  if (launch.when != nullptr)
    fits =
        json::Array{"or", json::Array{"eq", launch.when, 0}, std::move(fits)};
  return json::Object{
      {"expr", std::move(fits)},
      {"message", "rule 21: batches and heads have too many query tiles"},
      {"values",
       json::Array{json::Object{{"name", "tiles"}, {"expr", points}},
                   json::Object{{"name", "limit"}, {"expr", limit}}}}};
}

static json::Array describeGrid(const HostLaunch &launch, json::Array &checks) {
  ArrayRef<json::Value> extents = launch.extents;
  if (launch.info.getGrid() == tile::GridOrder::Points)
    return json::Array{extents[2], extents[1], extents[0]};
  if (launch.info.getGrid() == tile::GridOrder::Interleaved)
    return json::Array{extents[1], extents[2], extents[0]};
  json::Value points = json::Array{"mul", extents[0], extents[1], extents[2]};
  checks.push_back(checkPoints(launch, points));
  if (launch.info.getGrid() == tile::GridOrder::Persistent)
    points = json::Array{"min", json::Array{"sm_count"}, std::move(points)};
  return json::Array{std::move(points), 1, 1};
}

json::Object attn::describeLaunch(const HostLaunch &launch,
                                  json::Array &temporaries,
                                  json::Array &checks) {
  using namespace tile;
  json::Array arguments;
  for (Attribute parameter : launch.info.getParameters())
    arguments.push_back(
        llvm::TypeSwitch<Attribute, json::Value>(parameter)
            .Case([&](OperandAttr operand) {
              return describeOperand(operand, launch);
            })
            .Case([&](ExtentAttr extent) {
              return json::Object{
                  {"value", launch.extents[extent.getDim()]},
                  {"type", extent.getType().isInteger(32) ? "i32" : "i64"}};
            })
            .Case([&](TensorMapAttr map) {
              return describeTensorMap(map, launch);
            })
            .Case([&](CounterAttr) { return addCounter(temporaries); }));
  SymbolRefAttr kernel = tile::LaunchOp(launch.op).getKernel();
  // Functions are not in a module of their own, but all in one section.
  bool isFunction = kernel.getNestedReferences().empty();
  StringRef section = isFunction ? tile::ArtifactAttr::of(launch.op).getTarget()
                                 : kernel.getRootReference().getValue();
  json::Object description{{"kernel", kernel.getLeafReference().getValue()},
                           {"args", std::move(arguments)},
                           {"grid", describeGrid(launch, checks)}};
  if (!launch.op->hasAttr(kPostponedAttrName))
    description["code"] = ("code/" + section).str();
  // Threads take one point after the other. Later rows of a mask attend more
  // keys if they do not attend as many: what is long starts first.
  if (isFunction)
    description["order"] = "reverse";
  if (int64_t threads = launch.info.getThreads())
    description["block"] = json::Array{threads, 1, 1};
  if (int64_t bytes = launch.info.getShared())
    description["shared"] = bytes;
  if (int64_t bytes = launch.info.getStack())
    description["stack"] = bytes;
  if (launch.when != nullptr)
    description["when"] = launch.when;
  return description;
}
