//===- JoinLaunches.cpp - tile-join-launches ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where a kernel only goes on from what the one before it has left in memory,
// the last workgroup of that does its work: what adds up the parts of split
// keys needs no launch of its own.
//
//===----------------------------------------------------------------------===//

#include "TileKernels.h"

#include "attn/Conversion/AssignLayouts.h"
#include "attn/Transforms/ScheduleChoices.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/SymbolTable.h"

namespace attn {
#define GEN_PASS_DEF_JOINLAUNCHES
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;
using namespace attn::tile;

namespace {

/// Dimensions of a grid in which both kernels do the same.
constexpr unsigned kCommonDims = 2;

/// A launch, and the one before it.
class LaunchPair {
public:
  LaunchPair(LaunchOp first, LaunchOp second, SymbolTable &symbols)
      : first(first), second(second),
        maker(symbols.lookup<func::FuncOp>(getName(first))),
        taker(symbols.lookup<func::FuncOp>(getName(second))) {}

  bool match(TargetAttr target);
  /// Returns the kernel that is left over.
  func::FuncOp join();

private:
  static StringRef getName(LaunchOp launch) {
    return launch.getKernel().getRootReference();
  }
  bool haveCommonGrid();
  bool runsInSubgroups(TargetAttr target);
  bool passesMemory();
  bool staysInGroup(func::FuncOp kernel, unsigned argument);
  unsigned addArguments(IRMapping &mapping, SmallVectorImpl<Value> &operands,
                        SmallVectorImpl<int64_t> &writes);
  void addBody(IRMapping &mapping, Value counters, Value steps);

  LaunchOp first, second;
  func::FuncOp maker, taker;
  /// Arguments of either that are memory of both.
  SetVector<unsigned> made, taken;
};

} // namespace

//===----------------------------------------------------------------------===//
// What can be joined
//===----------------------------------------------------------------------===//

/// The allocation or argument that a memref is.
static Value getRoot(Value memref) {
  while (Operation *op = memref.getDefiningOp()) {
    if (!isa<ViewLikeOpInterface, memref::TransposeOp>(op))
      break;
    memref = op->getOperand(0);
  }
  return memref;
}

/// Whether nothing but sizes is computed between two ops of a block.
static bool areNeighbours(Operation *first, Operation *second) {
  if (first->getBlock() != second->getBlock())
    return false;
  for (Operation *op = first->getNextNode(); op; op = op->getNextNode()) {
    if (op == second)
      return true;
    if (!isMemoryEffectFree(op))
      return false;
  }
  return false;
}

bool LaunchPair::haveCommonGrid() {
  return llvm::all_of(llvm::seq(kCommonDims), [&](unsigned dim) {
    return getAsOpFoldResult(first.getGrid()[dim]) ==
           getAsOpFoldResult(second.getGrid()[dim]);
  });
}

/// Several subgroups in the first kernel, one in the second one, which waits
/// for nobody.
bool LaunchPair::runsInSubgroups(TargetAttr target) {
  auto haveSubgroups = [&](func::FuncOp kernel, auto accepts) {
    bool fits = true, hasTiles = false;
    forEachTile(kernel, [&](Value tile) {
      std::optional<LinearLayout> layout =
          cast<TileType>(tile.getType()).getLinearLayout();
      hasTiles = true;
      fits &= layout && layout->getNumLanes() == target.getSubgroup() &&
              accepts(layout->getNumSubgroups());
    });
    return fits && hasTiles;
  };
  auto waits = [](Operation *op) {
    auto relayout = dyn_cast<RelayoutOp>(op);
    return relayout ? relayout.getCost().kind == Exchange::Memory
                    : isa<CombineOp, AnyAboveOp, ArriveOp>(op);
  };
  return haveSubgroups(maker, [](int64_t number) { return number > 1; }) &&
         haveSubgroups(taker, [](int64_t number) { return number == 1; }) &&
         !taker
              .walk([&](Operation *op) {
                return waits(op) ? WalkResult::interrupt()
                                 : WalkResult::advance();
              })
              .wasInterrupted();
}

/// Whether a kernel has only that part of an argument which belongs to its
/// point in the common dimensions.
bool LaunchPair::staysInGroup(func::FuncOp kernel, unsigned argument) {
  KernelArguments arguments(kernel);
  auto isOfPoint = [&](ValueRange indices) {
    return indices.size() >= kCommonDims &&
           llvm::equal(indices.take_front(kCommonDims),
                       arguments.point.take_front(kCommonDims));
  };
  for (Operation *view : kernel.getArgument(argument).getUsers()) {
    if (!isa<memref::ReinterpretCastOp>(view))
      return false;
    for (Operation *access : view->getUsers()) {
      auto load = dyn_cast<LoadOp>(access);
      auto store = dyn_cast<StoreOp>(access);
      if (!(load && !load.getPageTable() && isOfPoint(load.getIndices())) &&
          !(store && isOfPoint(store.getIndices())))
        return false;
    }
  }
  return true;
}

/// The second kernel reads what the first one makes, in allocations that nobody
/// else uses, and writes nothing that the first one has.
bool LaunchPair::passesMemory() {
  auto isMemref = [](Value value) { return isa<MemRefType>(value.getType()); };
  auto isIn = [](ArrayRef<int64_t> writes, unsigned number) {
    return llvm::is_contained(writes, number);
  };
  DenseMap<Value, unsigned> known;
  for (auto [number, operand] : llvm::enumerate(first.getArgs()))
    if (isMemref(operand) &&
        !known.try_emplace(getRoot(operand), number).second &&
        (isIn(first.getWrites(), number) ||
         isIn(first.getWrites(), known.lookup(getRoot(operand)))))
      return false;
  for (auto [number, operand] : llvm::enumerate(second.getArgs())) {
    auto it = isMemref(operand) ? known.find(getRoot(operand)) : known.end();
    if (it == known.end())
      continue;
    bool isMade = isIn(first.getWrites(), it->second);
    if (isIn(second.getWrites(), number) ||
        (isMade && !it->first.getDefiningOp<memref::AllocOp>()))
      return false;
    if (!isMade)
      continue;
    made.insert(it->second);
    taken.insert(number);
  }
  return made.size() == first.getWrites().size() && !made.empty() &&
         llvm::all_of(made,
                      [&](unsigned n) { return staysInGroup(maker, n); }) &&
         llvm::all_of(taken,
                      [&](unsigned n) { return staysInGroup(taker, n); });
}

bool LaunchPair::match(TargetAttr target) {
  return maker && taker && maker != taker && areNeighbours(first, second) &&
         haveCommonGrid() && runsInSubgroups(target) && passesMemory();
}

//===----------------------------------------------------------------------===//
// Joining
//===----------------------------------------------------------------------===//

/// Appends what the second kernel takes, the counters and how many points a
/// group of it has; returns the number of the counters.
unsigned LaunchPair::addArguments(IRMapping &mapping,
                                  SmallVectorImpl<Value> &operands,
                                  SmallVectorImpl<int64_t> &writes) {
  KernelArguments from(taker);
  Builder b(maker.getContext());
  auto append = [&](Value operand, Type type, DictionaryAttr attributes) {
    unsigned number = operands.size();
    (void)maker.insertArgument(number, type, attributes, maker.getLoc());
    operands.push_back(operand);
    return number;
  };
  for (auto [number, operand] : llvm::enumerate(second.getArgs())) {
    BlockArgument argument = from.operands[number];
    auto same = llvm::find(operands, operand);
    if (same != operands.end() && !isa<MemRefType>(operand.getType())) {
      mapping.map(argument, maker.getArgument(same - operands.begin()));
      continue;
    }
    unsigned copy =
        append(operand, argument.getType(), taker.getArgAttrDict(number));
    maker.getArgument(copy).setLoc(argument.getLoc());
    mapping.map(argument, maker.getArgument(copy));
    if (taken.contains(number))
      maker.setArgAttr(copy, kExchangedAttrName, b.getUnitAttr());
    if (llvm::is_contained(second.getWrites(), number))
      writes.push_back(copy);
  }
  for (unsigned number : made)
    maker.setArgAttr(number, kExchangedAttrName, b.getUnitAttr());

  ImplicitLocOpBuilder host(second.getLoc(), second);
  Value groups = host.createOrFold<arith::MulIOp>(second.getGrid()[0],
                                                  second.getGrid()[1]);
  auto counters = memref::AllocOp::create(
      host, MemRefType::get({ShapedType::kDynamic}, b.getI32Type()),
      ValueRange{groups});
  counters->setAttr(kRestoredAttrName, b.getUnitAttr());
  unsigned number = append(counters, MemRefType::get({}, b.getI32Type()), {});
  maker.setArgAttr(number, kExchangedAttrName, b.getUnitAttr());
  writes.push_back(number);
  unsigned steps = append(second.getGrid()[kCommonDims], b.getIndexType(), {});
  if (Attribute size = taker.getArgAttr(
          from.extents[kCommonDims].getArgNumber(), kSizeAttrName))
    maker.setArgAttr(steps, kSizeAttrName, size);
  return number;
}

/// In the last workgroup of a group, each subgroup has points of the second
/// kernel.
void LaunchPair::addBody(IRMapping &mapping, Value counters, Value steps) {
  KernelArguments to(maker), from(taker);
  ImplicitLocOpBuilder b(taker.getLoc(),
                         maker.getBody().front().getTerminator());
  for (unsigned dim = 0; dim < kGridRank; ++dim) {
    bool isCommon = dim < kCommonDims;
    if (isCommon)
      mapping.map(from.point[dim], to.point[dim]);
    mapping.map(from.extents[dim], isCommon ? Value(to.extents[dim]) : steps);
  }
  // What reads memory anew stands where every reader of a kernel looks for it.
  SmallVector<Operation *> views;
  for (Operation &op : taker.getBody().front())
    if (isa<memref::ReinterpretCastOp>(op) ||
        op.hasTrait<OpTrait::ConstantLike>())
      views.push_back(&op);
  auto first = ImplicitLocOpBuilder::atBlockBegin(taker.getLoc(),
                                                  &maker.getBody().front());
  for (Operation *view : views)
    first.clone(*view, mapping);
  OpFoldResult groups =
      first.createOrFold<arith::MulIOp>(to.extents[0], to.extents[1]);
  auto places = memref::ReinterpretCastOp::create(
      first,
      MemRefType::get({ShapedType::kDynamic}, b.getI32Type(),
                      StridedLayoutAttr::get(b.getContext(), 0, {1})),
      counters, b.getIndexAttr(0), ArrayRef<OpFoldResult>{groups},
      ArrayRef<OpFoldResult>{b.getIndexAttr(1)});

  Value group = arith::AddIOp::create(
      b, arith::MulIOp::create(b, to.point[0], to.extents[1]), to.point[1]);
  Value last = ArriveOp::create(b, b.getI1Type(), places, group,
                                to.extents[kCommonDims]);
  auto branch = scf::IfOp::create(b, last, /*withElseRegion=*/false);
  b.setInsertionPointToStart(branch.thenBlock());
  auto subgroup = SubgroupOp::create(b);
  auto loop =
      scf::ForOp::create(b, subgroup.getNumber(), steps, subgroup.getCount());
  mapping.map(from.point[kCommonDims], loop.getInductionVar());
  b.setInsertionPointToStart(loop.getBody());
  for (Operation &op : taker.getBody().front().without_terminator())
    if (!llvm::is_contained(views, &op))
      b.clone(op, mapping);
}

func::FuncOp LaunchPair::join() {
  SmallVector<Value> operands(first.getArgs());
  SmallVector<int64_t> writes(first.getWrites());
  IRMapping mapping;
  unsigned counters = addArguments(mapping, operands, writes);
  addBody(mapping, maker.getArgument(counters),
          maker.getArgument(counters + 1));
  ImplicitLocOpBuilder host(first.getLoc(), second);
  LaunchOp::create(host, first.getKernel(), SmallVector<Value>(first.getGrid()),
                   operands, writes);
  memref::DeallocOp::create(host, operands[counters]);
  first.erase();
  second.erase();
  addChoices(maker, {"the last workgroup of those that share keys adds up what "
                     "all of them have: it saves a launch"});
  return taker;
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

namespace {
struct JoinLaunches final : attn::impl::JoinLaunchesBase<JoinLaunches> {
  using JoinLaunchesBase::JoinLaunchesBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto target = TargetAttr::lookup(module);
    if (!seesOtherWorkgroups(target))
      return markAllAnalysesPreserved();
    SymbolTable symbols(module);
    DenseMap<SymbolRefAttr, unsigned> launches;
    SmallVector<LaunchOp> all;
    module.walk([&](LaunchOp launch) {
      ++launches[launch.getKernel()];
      all.push_back(launch);
    });
    auto isOnly = [&](LaunchOp launch) {
      return launches[launch.getKernel()] == 1;
    };
    bool isChanged = false;
    for (size_t n = 1; n < all.size(); ++n) {
      if (!isOnly(all[n - 1]) || !isOnly(all[n]))
        continue;
      LaunchPair pair(all[n - 1], all[n], symbols);
      if (!pair.match(target))
        continue;
      symbols.erase(pair.join());
      isChanged = true;
      ++numJoined;
      ++n;
    }
    if (!isChanged)
      markAllAnalysesPreserved();
  }
};
} // namespace
