//===- HostViews.cpp - Memrefs of a host function as views ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where the elements of a view lie in its buffer: transposes, slices and shapes
// without copies, as far as they have strides.
//
//===----------------------------------------------------------------------===//

#include "Planner.h"

using namespace mlir;
using namespace attn;
using namespace attn::plan;
namespace json = llvm::json;

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
