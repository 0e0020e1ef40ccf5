//===- Planner.h - Symbolic reading of a host function ----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a host function computes becomes expressions of a description, and its
// memrefs views of arguments, results and temporaries.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_TARGET_PLAN_PLANNER_H
#define LIB_TARGET_PLAN_PLANNER_H

#include "Launch.h"

#include "attn/Dialect/Attn/ArgumentNames.h"
#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include <optional>

namespace attn::plan {

/// A memref of the host: where its elements lie in a buffer.
struct View {
  std::string buffer;
  /// The argument whose memory it is.
  std::optional<unsigned> argument;
  /// All of the buffer, as it is: what can be returned.
  bool isWhole = true;
  llvm::SmallVector<llvm::json::Value> sizes, strides;
  llvm::json::Value offset = 0; // in elements
};

/// Reads a host function from its first op to its last.
class Planner {
public:
  Planner(mlir::func::FuncOp entry, tile::ArtifactAttr artifact)
      : entry(entry), artifact(artifact), names(getArgumentNames(entry)) {}

  mlir::FailureOr<llvm::json::Object> run();

private:
  mlir::LogicalResult addArguments();
  mlir::LogicalResult addBuffer(mlir::BlockArgument argument,
                                const std::string &name);
  mlir::LogicalResult addAlloc(mlir::memref::AllocOp alloc);
  mlir::FailureOr<llvm::json::Value> describeArgument(tile::LaunchOp launch,
                                                      mlir::Value argument);
  mlir::LogicalResult addLaunch(tile::LaunchOp launch);
  mlir::LogicalResult addResults(mlir::func::ReturnOp ret);
  mlir::LogicalResult addCheck(mlir::Operation *op, mlir::Value condition,
                               llvm::StringRef message,
                               llvm::ArrayRef<llvm::StringRef> names,
                               mlir::ValueRange values);
  mlir::LogicalResult visit(mlir::Operation *op);
  mlir::LogicalResult visitBranches(mlir::scf::IfOp op);
  mlir::LogicalResult visitLoop(mlir::scf::ForOp op);
  /// `value` where the branches around the current op are taken, else
  /// `otherwise`.
  llvm::json::Value whereTaken(llvm::json::Value value,
                               int64_t otherwise) const;

  // HostViews.cpp
  mlir::FailureOr<View> lookup(mlir::Operation *user, mlir::Value memref);
  mlir::LogicalResult visitView(mlir::Operation *op);
  mlir::LogicalResult addTransposed(mlir::memref::TransposeOp op,
                                    const View &source);
  mlir::LogicalResult addSlice(mlir::memref::SubViewOp op, const View &source);
  mlir::LogicalResult addExpanded(mlir::memref::ExpandShapeOp op,
                                  const View &source);
  void addCollapsed(mlir::memref::CollapseShapeOp op, const View &source);

  // HostExpressions.cpp
  /// The value, which only a check may use if it depends on what buffers hold.
  mlir::FailureOr<llvm::json::Value> expression(mlir::Value value);
  mlir::FailureOr<llvm::json::Value> expression(mlir::OpFoldResult value);
  /// The same for what a launch depends on.
  mlir::FailureOr<llvm::json::Value> sizeExpression(mlir::Value value);
  mlir::FailureOr<llvm::json::Value> compute(mlir::Operation *op);
  mlir::FailureOr<llvm::json::Value> computeRead(mlir::memref::LoadOp load);
  mlir::FailureOr<llvm::json::Value>
  computeBoolean(mlir::Operation *op, llvm::json::Value x, llvm::json::Value y);
  mlir::FailureOr<llvm::json::Value>
  computeInteger(mlir::Operation *op, llvm::json::Value x, llvm::json::Value y);
  mlir::FailureOr<llvm::json::Value> refuse(mlir::Operation *op,
                                            const llvm::Twine &why = "");
  bool isNonNegative(mlir::Value value);

  /// Whether kernels see elements of 64 bits in 32.
  bool isNarrowed(mlir::MemRefType type) const {
    mlir::Type element = type.getElementType();
    return artifact.getIndexBits() == 32 &&
           (element.isInteger(64) || element.isF64());
  }

  mlir::func::FuncOp entry;
  tile::ArtifactAttr artifact;
  llvm::SmallVector<std::string> names;
  llvm::DenseMap<mlir::Value, llvm::json::Value> expressions;
  /// Values that depend on what buffers hold or on a loop's index.
  llvm::DenseSet<mlir::Value> contents;
  llvm::DenseMap<mlir::Value, bool> nonNegative;
  llvm::DenseMap<mlir::Value, View> views;
  /// Conditions of the branches around the current op.
  llvm::json::Array conditions{"and"};
  /// Extents of the loops around the current op.
  llvm::json::Array loops;
  llvm::SmallVector<HostLaunch> launches;
  llvm::json::Array arguments, symbols, results, temporaries, checks;
  llvm::json::Array flops{"add", 0}, fused{"add", 0}, standard{"add", 0};
};

// Expressions, with what is known folded.
inline llvm::json::Value call(llvm::StringRef name, llvm::json::Value x,
                              llvm::json::Value y) {
  return llvm::json::Array{name, std::move(x), std::move(y)};
}

inline llvm::json::Value add(llvm::json::Value x, llvm::json::Value y) {
  return x == 0 ? y : y == 0 ? x : call("add", std::move(x), std::move(y));
}

inline llvm::json::Value multiply(llvm::json::Value x, llvm::json::Value y) {
  if (x == 0 || y == 0)
    return 0;
  return x == 1 ? y : y == 1 ? x : call("mul", std::move(x), std::move(y));
}

inline llvm::json::Value choose(llvm::json::Value condition,
                                llvm::json::Value x, llvm::json::Value y) {
  return llvm::json::Array{"select", std::move(condition), std::move(x),
                           std::move(y)};
}

inline llvm::json::Value named(llvm::StringRef name, llvm::json::Value value) {
  return llvm::json::Object{{"name", name.str()}, {"expr", std::move(value)}};
}

} // namespace attn::plan

#endif // LIB_TARGET_PLAN_PLANNER_H
