//===- Epilogues.cpp - Elementwise ops in the registers of a product ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What reads a product element by element, and reduces its rows, takes the sums
// of a register block before they are stored: scores get their scale, and rows
// their maximum, without another way through the cache.
//
//===----------------------------------------------------------------------===//

#include "KernelLowering.h"

#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace attn;
using namespace attn::cpu;
using namespace attn::tile;

/// Ops on an element that are worth repeating for each register of a block:
/// their code is as long as that of the product then.
static constexpr unsigned kMostEpilogueOps = 6;

/// What an op adds to the code of an element.
static unsigned countOps(Operation *op) {
  auto map = dyn_cast<MapOp>(op);
  return map ? map.getBody().front().getOperations().size() - 1 : 1;
}

bool cpu::isShortEpilogue(Block &block) {
  unsigned count = 0;
  for (Operation &op : block.without_terminator()) {
    if (!isElementwise(&op))
      return false;
    count += countOps(&op);
  }
  return count <= kMostEpilogueOps;
}

/// Moves products that only the branches of a choice read into these: each
/// goes on with the sums in its own way.
void KernelLowering::sinkProducts() {
  if (lanes != LaneDim::Rows)
    return;
  SmallVector<DotOp> products;
  kernel.walk([&](DotOp dot) { products.push_back(dot); });
  for (DotOp dot : products) {
    scf::IfOp branch;
    bool areBranches = !dot->use_empty();
    for (Operation *user : dot->getUsers()) {
      auto parent = dyn_cast<scf::IfOp>(user->getParentOp());
      areBranches &= parent && parent->getBlock() == dot->getBlock() &&
                     (!branch || branch == parent);
      branch = parent;
    }
    if (!areBranches)
      continue;
    for (Region &region : branch->getRegions()) {
      auto isInside = [&](OpOperand &use) {
        return region.isAncestor(use.getOwner()->getParentRegion());
      };
      if (llvm::none_of(dot->getUses(), isInside))
        continue;
      OpBuilder atStart = OpBuilder::atBlockBegin(&region.front());
      Operation *copy = atStart.clone(*dot);
      dot.getResult().replaceUsesWithIf(copy->getResult(0), isInside);
    }
    dot.erase();
  }
}

/// True if what reads the product is computed element by element behind it.
bool KernelLowering::opensGroup(DotOp dot) {
  return lanes == LaneDim::Rows && !dot.getTransposeA() &&
         llvm::any_of(dot->getUsers(), [&](Operation *user) {
           auto map = dyn_cast<MapOp>(user);
           return user->getBlock() == dot->getBlock() && isElementwise(user) &&
                  !(map && getProductOfPrologue(map));
         });
}

/// Whether the open group is short and reads `product`.
bool KernelLowering::isEpilogueOf(DotOp product) {
  unsigned count = 0;
  for (Operation *op : group.ops)
    count += countOps(op);
  return count <= kMostEpilogueOps &&
         llvm::any_of(product->getUsers(), [&](Operation *user) {
           return group.ops.contains(user);
         });
}

/// Whether the group may write its results while `product` still reads its
/// operands, and its reductions while other members run.
bool KernelLowering::areOutputsApart(DotOp product,
                                     const GroupOutputs &outputs) {
  if (!outputs.pairs.empty())
    return false;
  auto isWritten = [&](Value tile) {
    auto it = places.find(tile);
    if (it == places.end() || !it->second.buffer)
      return false;
    Value buffer = it->second.buffer;
    return llvm::is_contained(outputs.reduced, buffer) ||
           llvm::any_of(outputs.stored, [&](const auto &output) {
             return output.second == buffer;
           });
  };
  if (isWritten(product.getA()) || isWritten(product.getB()))
    return false;
  return llvm::none_of(group.ops, [&](Operation *op) {
    return !isa<ReduceOp>(op) &&
           llvm::any_of(op->getOperands(), [&](Value operand) {
             auto tile = dyn_cast<TileType>(operand.getType());
             return tile && tile.getRank() == 1 && isWritten(operand);
           });
  });
}

/// The open group in the registers of `product`, which is stored if anything
/// else reads it. Reductions go on in their buffers from block to block.
LogicalResult KernelLowering::emitEpilogue(DotOp product,
                                           GroupOutputs &outputs) {
  bool escapes = llvm::any_of(product->getUsers(), [&](Operation *user) {
    return !group.ops.contains(user);
  });
  if (escapes)
    outputs.stored.emplace_back(product.getResult(),
                                outputBuffer(product.getResult(), product));
  for (auto [op, buffer] : llvm::zip(outputs.reduces, outputs.reduced)) {
    ReduceOp reduce = op;
    Value sums = buffer;
    if (failed(tryForRange(index(0), index(group.rows), regs.lanes,
                           [&](Value row) {
                             FailureOr<Value> init = reductionInit(reduce, row);
                             if (failed(init))
                               return failure();
                             storeVector(*init, sums, row, Value());
                             return success();
                           })))
      return failure();
  }
  return lowerDot(
      product,
      [&](ArrayRef<Value> rows, ArrayRef<Value> columns,
          ValueRange sums) -> LogicalResult {
        for (auto [v, row] : llvm::enumerate(rows)) {
          SmallVector<Value> carried, paired;
          for (Value buffer : outputs.reduced)
            carried.push_back(loadVector(buffer, row, Value()));
          for (auto [c, column] : llvm::enumerate(columns)) {
            DenseMap<Value, Value> values;
            values[product.getResult()] = sums[c * rows.size() + v];
            if (failed(emitGroupColumn(outputs, row, column, carried, paired,
                                       std::move(values))))
              return failure();
          }
          for (auto [sum, buffer] : llvm::zip(carried, outputs.reduced))
            storeVector(sum, buffer, row, Value());
        }
        return success();
      });
}
