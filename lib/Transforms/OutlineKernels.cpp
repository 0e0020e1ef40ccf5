//===- OutlineKernels.cpp - attn-outline-kernels --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every grid of a host function becomes a kernel function that computes one of
// its points, with memrefs flattened to base pointers, sizes and strides.
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/IndexRanges.h"
#include "attn/Dialect/Attn/Attn.h"
#include "attn/Dialect/Tile/AttributeNames.h"
#include "attn/Dialect/Tile/Tile.h"
#include "attn/Transforms/Passes.h"
#include "attn/Transforms/ScheduleChoices.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"

namespace attn {
#define GEN_PASS_DEF_OUTLINEKERNELS
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

namespace {

/// Moves one grid into a kernel.
class Outliner {
public:
  Outliner(scf::ForallOp grid, StringRef name)
      : grid(grid), name(name), host(grid.getLoc(), grid) {}

  func::FuncOp run();

private:
  void sinkConstants();
  void addOperand(Value operand);
  void addMemref(Value memref);

  scf::ForallOp grid;
  StringRef name;
  ImplicitLocOpBuilder host;
  SmallVector<Value> operands;
  SmallVector<Type> types;
  /// Arguments that are sizes or grid indices, and how large they can be.
  SmallVector<std::pair<unsigned, int64_t>> sizes;
  /// Pointers to what is read by element and may be empty.
  SmallVector<unsigned> tables;
  /// Memrefs to rebuild: value, first argument.
  SmallVector<std::pair<Value, unsigned>> memrefs;
  IRMapping mapping;
};

} // namespace

/// Constants are copied into the kernel instead of passed.
void Outliner::sinkConstants() {
  llvm::SetVector<Value> captured;
  getUsedValuesDefinedAbove(grid.getRegion(), captured);
  OpBuilder b(grid.getContext());
  b.setInsertionPointToStart(grid.getBody());
  for (Value value : captured) {
    Operation *op = value.getDefiningOp();
    if (!op || !op->hasTrait<OpTrait::ConstantLike>())
      continue;
    Value copy = b.clone(*op)->getResult(0);
    value.replaceUsesWithIf(copy, [&](OpOperand &use) {
      return grid.getRegion().isAncestor(use.getOwner()->getParentRegion());
    });
  }
}

/// Appends a value; a size if it can be no negative number and no large one.
void Outliner::addOperand(Value operand) {
  if (IndexRanges ranges;
      operand.getType().isIndex() && ranges.isWithin(operand, 0, kLargestTable))
    sizes.emplace_back(operands.size(),
                       ranges.rangeOf(operand).smax().getSExtValue());
  operands.push_back(operand);
  types.push_back(operand.getType());
}

/// Appends the base pointer and the dynamic sizes and strides of `memref`.
void Outliner::addMemref(Value memref) {
  auto type = cast<MemRefType>(memref.getType());
  memrefs.emplace_back(memref, operands.size());
  bool isRead = llvm::any_of(memref.getUsers(), [&](Operation *user) {
    return isa<memref::LoadOp>(user) && grid->isProperAncestor(user);
  });
  if (isRead && type.getRank() > 0 &&
      (!type.hasStaticShape() || type.getNumElements() == 0))
    tables.push_back(operands.size());
  operands.push_back(memref);
  types.push_back(MemRefType::get({}, type.getElementType()));
  auto [strides, offset] = type.getStridesAndOffset();
  for (auto [k, size] : llvm::enumerate(type.getShape()))
    if (ShapedType::isDynamic(size))
      addOperand(host.createOrFold<memref::DimOp>(memref, k));
  memref::ExtractStridedMetadataOp metadata;
  for (auto [k, stride] : llvm::enumerate(strides))
    if (ShapedType::isDynamic(stride)) {
      if (!metadata)
        metadata = memref::ExtractStridedMetadataOp::create(host, memref);
      operands.push_back(metadata.getStrides()[k]);
      types.push_back(host.getIndexType());
    }
}

func::FuncOp Outliner::run() {
  sinkConstants();
  llvm::SetVector<Value> captured;
  getUsedValuesDefinedAbove(grid.getRegion(), captured);
  SmallVector<std::pair<Value, unsigned>> scalars;
  for (Value value : captured) {
    if (isa<MemRefType>(value.getType())) {
      addMemref(value);
      continue;
    }
    scalars.emplace_back(value, operands.size());
    addOperand(value);
  }
  // The extents of the grid, padded to three dimensions.
  SmallVector<Value> extents = getValueOrCreateConstantIndexOp(
      host, grid.getLoc(), grid.getMixedUpperBound());
  while (extents.size() < tile::kGridRank)
    extents.push_back(arith::ConstantIndexOp::create(host, 1));
  for (auto [k, extent] : llvm::enumerate(extents)) {
    int64_t largest = kLargestTable;
    if (IndexRanges ranges; ranges.isWithin(extent, 0, kLargestTable))
      largest = ranges.rangeOf(extent).smax().getSExtValue();
    sizes.emplace_back(types.size() + k, std::max<int64_t>(largest - 1, 0));
    sizes.emplace_back(types.size() + tile::kGridRank + k, largest);
  }
  types.resize(tile::KernelTypes::size(types.size()), host.getIndexType());

  auto function = func::FuncOp::create(
      grid.getLoc(), name, FunctionType::get(grid.getContext(), types, {}));
  function.setPrivate();
  function->setAttr(tile::kKernelAttrName, UnitAttr::get(grid.getContext()));
  if (auto schedule = attn::ScheduleAttr::of(grid))
    function->setAttr(attn::ScheduleAttr::attributeName, schedule);
  takeChoices(function, grid);
  for (auto [argument, largest] : sizes)
    function.setArgAttr(argument, tile::kSizeAttrName,
                        host.getIndexAttr(largest));
  for (unsigned argument : tables)
    function.setArgAttr(argument, tile::kTableAttrName,
                        UnitAttr::get(grid.getContext()));
  Block *entry = function.addEntryBlock();
  ImplicitLocOpBuilder b(grid.getLoc(), grid.getContext());
  b.setInsertionPointToStart(entry);

  for (auto [value, index] : scalars)
    mapping.map(value, entry->getArgument(index));
  for (auto [value, index] : memrefs) {
    auto type = cast<MemRefType>(value.getType());
    unsigned next = index + 1;
    auto [strides, offset] = type.getStridesAndOffset();
    auto sizeOrArgument = [&](int64_t size) -> OpFoldResult {
      if (ShapedType::isDynamic(size))
        return entry->getArgument(next++);
      return b.getIndexAttr(size);
    };
    SmallVector<OpFoldResult> sizes = llvm::map_to_vector(
        type.getShape(), [&](int64_t s) { return sizeOrArgument(s); });
    SmallVector<OpFoldResult> steps = llvm::map_to_vector(
        strides, [&](int64_t s) { return sizeOrArgument(s); });
    // The pointer that is passed includes the offset.
    auto rebuilt = MemRefType::get(
        type.getShape(), type.getElementType(),
        StridedLayoutAttr::get(b.getContext(), /*offset=*/0, strides),
        type.getMemorySpace());
    mapping.map(value, memref::ReinterpretCastOp::create(
                           b, rebuilt, entry->getArgument(index),
                           b.getIndexAttr(0), sizes, steps));
  }
  for (auto [iv, argument] : llvm::zip(grid.getInductionVars(),
                                       tile::KernelArguments(function).point))
    mapping.map(iv, argument);
  for (Operation &op : grid.getBody()->without_terminator())
    b.clone(op, mapping);
  func::ReturnOp::create(b);

  SmallVector<int64_t> writes;
  for (auto [value, index] : memrefs)
    if (tile::isWritten(entry->getArgument(index)))
      writes.push_back(index);
  tile::LaunchOp::create(host, FlatSymbolRefAttr::get(grid.getContext(), name),
                         extents, operands, writes);
  grid.erase();
  return function;
}

namespace {
struct OutlineKernels : attn::impl::OutlineKernelsBase<OutlineKernels> {
  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<tile::TileDialect, func::FuncDialect, arith::ArithDialect,
                    memref::MemRefDialect>();
  }

  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    for (auto function :
         llvm::to_vector(getOperation().getOps<func::FuncOp>())) {
      SmallVector<scf::ForallOp> grids;
      function.walk([&](scf::ForallOp grid) {
        if (!grid->getParentOfType<scf::ForallOp>())
          grids.push_back(grid);
      });
      for (auto [k, grid] : llvm::enumerate(grids)) {
        if (grid.getRank() > 3 || !grid.getOutputs().empty() ||
            !grid.isNormalized()) {
          grid.emitOpError("is not a grid of at most three dimensions from 0 "
                           "in steps of 1 without results");
          return signalPassFailure();
        }
        std::string name = (function.getName() + "_kernel" + Twine(k)).str();
        symbols.insert(Outliner(grid, name).run(),
                       std::next(function->getIterator()));
        ++numKernels;
      }
    }
  }
};
} // namespace
