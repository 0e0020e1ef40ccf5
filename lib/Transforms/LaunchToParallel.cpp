//===- LaunchToParallel.cpp - tile-launch-to-parallel ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// tile.launch as a parallel loop that calls the kernel and tile.check as an
// assertion, for programs that stay inside of an MLIR compiler.
//
//===----------------------------------------------------------------------===//

#include "attn/Conversion/TileToCPU.h"
#include "attn/Dialect/Attn/Attn.h"
#include "attn/Dialect/Tile/AttributeNames.h"
#include "attn/Dialect/Tile/Tile.h"
#include "attn/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/SymbolTable.h"

namespace attn {
#define GEN_PASS_DEF_LAUNCHTOPARALLEL
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

/// The base pointer of `memref`, offset applied, as a memref of rank 0.
static Value basePointer(ImplicitLocOpBuilder &b, Value memref) {
  auto metadata = memref::ExtractStridedMetadataOp::create(b, memref);
  auto type = cast<MemRefType>(memref.getType());
  auto layout =
      StridedLayoutAttr::get(b.getContext(), ShapedType::kDynamic, {});
  auto shifted = MemRefType::get({}, type.getElementType(), layout);
  return memref::ReinterpretCastOp::create(
      b, shifted, metadata.getBaseBuffer(), OpFoldResult(metadata.getOffset()),
      ArrayRef<OpFoldResult>{}, ArrayRef<OpFoldResult>{});
}

/// Gives argument `index` of `kernel` the type of a pointer with an offset. A
/// memref that the kernel rebuilds on it starts at that offset:
/// memref.reinterpret_cast counts from the base, not from where its source
/// starts.
static void takeOffset(func::FuncOp kernel, unsigned index, Type type) {
  SmallVector<Type> inputs(kernel.getFunctionType().getInputs());
  inputs[index] = type;
  kernel.setType(FunctionType::get(kernel.getContext(), inputs,
                                   kernel.getFunctionType().getResults()));
  if (kernel.isExternal())
    return;
  BlockArgument pointer = kernel.getArgument(index);
  pointer.setType(cast<MemRefType>(type));
  ImplicitLocOpBuilder b(kernel.getLoc(), kernel.getContext());
  b.setInsertionPointToStart(&kernel.getBody().front());
  Value offset;
  for (Operation *user : llvm::make_early_inc_range(pointer.getUsers())) {
    auto cast = dyn_cast<memref::ReinterpretCastOp>(user);
    if (!cast)
      continue;
    if (!offset)
      offset = memref::ExtractStridedMetadataOp::create(b, pointer).getOffset();
    MemRefType old = cast.getType();
    auto layout =
        StridedLayoutAttr::get(kernel.getContext(), ShapedType::kDynamic,
                               old.getStridesAndOffset().first);
    auto shifted = MemRefType::get(old.getShape(), old.getElementType(), layout,
                                   old.getMemorySpace());
    OpBuilder at(cast);
    Value rebuilt = memref::ReinterpretCastOp::create(
        at, cast.getLoc(), shifted, pointer, OpFoldResult(offset),
        cast.getMixedSizes(), cast.getMixedStrides());
    cast.getResult().replaceAllUsesWith(rebuilt);
    cast.erase();
  }
}

/// `base`, or for a `memref` without elements a zero of this stack frame: its
/// address may be anything, but kernels may read a first element (rule 8).
static Value readableBase(ImplicitLocOpBuilder &b, Value memref, Value base) {
  auto type = cast<MemRefType>(memref.getType());
  Value zero = arith::ConstantIndexOp::create(b, 0), isEmpty;
  for (auto [dim, size] : llvm::enumerate(type.getShape())) {
    if (ShapedType::isStatic(size) && size != 0)
      continue;
    Value none = b.createOrFold<arith::CmpIOp>(
        arith::CmpIPredicate::eq, b.createOrFold<memref::DimOp>(memref, dim),
        zero);
    isEmpty = isEmpty ? b.createOrFold<arith::OrIOp>(isEmpty, none) : none;
  }
  if (!isEmpty)
    return base;
  Type element = type.getElementType();
  Value cell;
  {
    // Once a call, not in a loop around the launch.
    OpBuilder::InsertionGuard guard(b);
    auto function =
        b.getInsertionBlock()->getParent()->getParentOfType<func::FuncOp>();
    b.setInsertionPointToStart(&function.getBody().front());
    cell = memref::AllocaOp::create(b, MemRefType::get({}, element));
    memref::StoreOp::create(
        b, arith::ConstantOp::create(b, b.getZeroAttr(element)), cell);
    cell = memref::CastOp::create(b, base.getType(), cell);
  }
  return arith::SelectOp::create(b, isEmpty, cell, base);
}

/// What a check says, with the numbers that are known: an assertion prints no
/// others.
static std::string getMessage(tile::CheckOp check) {
  std::string known;
  for (auto [name, value] : llvm::zip_equal(
           check.getNames().getAsValueRange<StringAttr>(), check.getValues())) {
    APInt number;
    if (matchPattern(value, m_ConstantInt(&number)))
      known += (known.empty() ? "" : ", ") + name.str() + " = " +
               std::to_string(number.getSExtValue());
  }
  std::string message = check.getMessage().str();
  return known.empty() ? message : message + " (" + known + ")";
}

/// A parallel loop over the points of `grid` that calls `kernel`; over their
/// numbers, if it takes a range of points.
static void callInParallel(ImplicitLocOpBuilder &b, func::FuncOp kernel,
                           ArrayRef<Value> arguments, ValueRange grid) {
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value one = arith::ConstantIndexOp::create(b, 1);
  SmallVector<Value> end(grid);
  bool takesRange = kernel->hasAttr(kRangeAttrName);
  if (takesRange) {
    for (Value extent : grid.drop_front())
      end.front() = arith::MulIOp::create(b, end.front(), extent);
    end.resize(1);
  }
  SmallVector<Value> begin(end.size(), zero), step(end.size(), one);
  scf::ParallelOp::create(
      b, begin, end, step, [&](OpBuilder &nb, Location loc, ValueRange point) {
        SmallVector<Value> taken(point);
        if (takesRange)
          taken = {zero, arith::AddIOp::create(nb, loc, point[0], one),
                   point[0]};
        func::CallOp::create(nb, loc, kernel,
                             tile::KernelSignature<Value>::join(
                                 arguments, taken, ValueRange(grid)));
      });
}

namespace {
struct LaunchToParallel : attn::impl::LaunchToParallelBase<LaunchToParallel> {
  void runOnOperation() override {
    SmallVector<tile::LaunchOp> launches;
    SmallVector<Operation *> estimates;
    SmallVector<tile::CheckOp> checks;
    getOperation().walk([&](Operation *op) {
      if (auto launch = dyn_cast<tile::LaunchOp>(op))
        launches.push_back(launch);
      if (isa<tile::EstimateOp>(op))
        estimates.push_back(op);
      if (auto check = dyn_cast<tile::CheckOp>(op))
        checks.push_back(check);
    });
    for (Operation *op : estimates)
      op->erase();
    // The compiler around knows machines in its own way, and nothing becomes an
    // artifact.
    getOperation()->removeAttr(tile::TargetAttr::attributeName);
    getOperation()->removeAttr(tile::ArtifactAttr::attributeName);
    for (tile::CheckOp check : checks) {
      OpBuilder b(check);
      cf::AssertOp::create(b, check.getLoc(), check.getCondition(),
                           getMessage(check));
      check.erase();
    }
    SymbolTableCollection symbols;
    for (tile::LaunchOp launch : launches) {
      auto kernel = symbols.lookupNearestSymbolFrom<func::FuncOp>(
          launch, launch.getKernelAttr());
      if (!kernel) {
        launch.emitOpError("names no kernel: ")
            << launch.getKernel().getLeafReference().getValue();
        return signalPassFailure();
      }
      ImplicitLocOpBuilder b(launch.getLoc(), launch);
      SmallVector<Value> arguments;
      for (auto [k, argument] : llvm::enumerate(launch.getArgs())) {
        bool isMemref = isa<MemRefType>(argument.getType());
        Value passed = isMemref ? basePointer(b, argument) : argument;
        if (kernel.getArgAttr(k, tile::kTableAttrName))
          passed = readableBase(b, argument, passed);
        arguments.push_back(passed);
      }
      for (auto [k, argument] : llvm::enumerate(arguments))
        if (isa<MemRefType>(argument.getType()) &&
            kernel.getFunctionType().getInput(k) != argument.getType())
          takeOffset(kernel, k, argument.getType());
      callInParallel(b, kernel, arguments, launch.getGrid());
      // A call says all that there is to it, and the function is one as any:
      // pipelines for other targets leave it alone.
      kernel->removeAttr(tile::LaunchInfoAttr::attributeName);
      kernel->removeAttr(tile::kKernelAttrName);
      kernel->removeAttr(ScheduleAttr::attributeName);
      launch.erase();
    }
  }
};
} // namespace
