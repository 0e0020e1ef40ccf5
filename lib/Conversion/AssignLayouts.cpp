//===- AssignLayouts.cpp - tile-assign-layouts ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Decides where the tiles of a kernel live, from their sizes, the machine and
// the schedule alone. A layout of registers follows from the shape of a tile,
// so that what is computed element by element never moves; operands of products
// go to workgroup memory.
//
//===----------------------------------------------------------------------===//

#include "attn/Conversion/AssignLayouts.h"
#include "FewRowsLayouts.h"
#include "Matrices.h"
#include "Pieces.h"
#include "SharedRows.h"
#include "Staging.h"
#include "TileKernels.h"
#include "attn/Dialect/Tile/AttributeNames.h"
#include "attn/Dialect/Tile/Tile.h"
#include "attn/Transforms/PassOptions.h"
#include "attn/Transforms/ScheduleChoices.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace attn::tile;

namespace attn {
#define GEN_PASS_DEF_ASSIGNLAYOUTS
#include "attn/Conversion/Passes.h.inc"

namespace {

/// `neighbours` columns, one after the other, are registers of a thread.
tile::LayoutAttr getRegisterLayout(MLIRContext *context,
                                   ArrayRef<int64_t> shape,
                                   const RowThreads &threads,
                                   int64_t neighbours = 1) {
  int64_t rows = shape[0], row = 1, most = llvm::bit_ceil<uint64_t>(rows);
  // Threads past the last row hold copies.
  auto nextRow = [&]() -> Basis {
    Basis basis{row < most ? row : 0, 0};
    row *= 2;
    return basis;
  };
  Bases registers, lanes, subgroups;
  for (int64_t col = 1; col < neighbours; col *= 2)
    registers.push_back({0, col});
  for (int64_t lane = 1; lane < threads.lanes; lane *= 2)
    lanes.push_back(lane < threads.lanesOfRow
                        ? Basis{0, shape.size() == 2 ? lane * neighbours : 0}
                        : nextRow());
  for (int64_t subgroup = 1; subgroup < threads.subgroups; subgroup *= 2)
    subgroups.push_back(nextRow());
  return tile::LayoutAttr::get(context,
                               LinearLayout(registers, lanes, subgroups, rows,
                                            /*cols=*/1));
}

/// Loaded factors of which threads read vectors: along the depth, if both of a
/// product are so, or of columns that neighbour registers hold.
class VectorTiles {
public:
  VectorTiles(func::FuncOp kernel, TargetAttr target,
              const RowThreads &threads);

  bool contains(Value tile) const { return tiles.contains(tile); }
  /// Columns of a tile in registers that are neighbours in a thread.
  int64_t getNeighbours(TileType tile) const {
    return llvm::is_contained(shapes, tile.getShape()) ? kVectorElements : 1;
  }

private:
  bool isRead(OpOperand &use) const;

  llvm::SetVector<Value> tiles;
  /// Of results whose columns are rows of a factor.
  SmallVector<SmallVector<int64_t>> shapes;
};

VectorTiles::VectorTiles(func::FuncOp kernel, TargetAttr target,
                         const RowThreads &threads) {
  if (readsPieces(target))
    return;
  SmallVector<ArrayRef<int64_t>> ofDepths;
  kernel.walk([&](DotOp op) {
    if (op.getTransposeB())
      ofDepths.push_back(op.getType().getShape());
  });
  kernel.walk([&](DotOp op) {
    TileType type = op.getType();
    if (!op.getTransposeB() && computesVectors(type, threads) &&
        !llvm::is_contained(ofDepths, type.getShape()))
      shapes.push_back(llvm::to_vector(type.getShape()));
  });
  kernel.walk([&](LoadOp op) {
    if (isStaged(op) && hasVectors(op.getType(), target))
      tiles.insert(op);
  });
  // One that is not is none for whom it is multiplied with, either.
  auto isNone = [&](Value tile) {
    return !llvm::all_of(tile.getUses(),
                         [&](OpOperand &use) { return isRead(use); });
  };
  while (tiles.remove_if(isNone))
    ;
}

bool VectorTiles::isRead(OpOperand &use) const {
  auto dot = dyn_cast<DotOp>(use.getOwner());
  if (!dot || use.getOperandNumber() > 1)
    return false;
  if (dot.getTransposeB())
    return !dot.getTransposeA() && contains(dot.getA()) && contains(dot.getB());
  return use.getOperandNumber() == 1 && getNeighbours(dot.getType()) > 1;
}

/// The layout of what ops compute, by the shape of a tile, and what else loads
/// and operands need.
class Assigner {
public:
  Assigner(func::FuncOp kernel) : kernel(kernel), b(kernel.getContext()) {}
  virtual ~Assigner() = default;

  void run() {
    SmallVector<Value> tiles;
    forEachTile(kernel, [&](Value tile) { tiles.push_back(tile); });
    for (Value tile : tiles) {
      auto type = cast<TileType>(tile.getType());
      tile.setType(type.withLayout(getLayout(tile)));
    }
    for (Value tile : tiles)
      for (OpOperand &use : llvm::make_early_inc_range(tile.getUses()))
        for (Attribute step : getSteps(use))
          move(use, step);
  }

protected:
  virtual Attribute getLayout(Value tile) const = 0;
  /// Where the operand must go from where it is, one after the other.
  virtual SmallVector<Attribute> getSteps(OpOperand &use) const = 0;
  /// Whether what a load or product makes moves each time, where it is needed.
  virtual bool staysUntil(OpOperand &use) const {
    return use.get().getDefiningOp<DotOp>();
  }

private:
  /// What an op reads moves once for all that follow in the block: loads and
  /// products where they are unless they stay, what else is computed where it
  /// is needed.
  void move(OpOperand &use, Attribute layout) {
    Value tile = use.get();
    auto type = cast<TileType>(tile.getType());
    Operation *user = use.getOwner();
    for (Operation *other : tile.getUsers()) {
      auto moved = dyn_cast<RelayoutOp>(other);
      if (moved && moved.getType().getLayout() == layout &&
          (moved->getBlock() == tile.getParentBlock()
               ? moved->getBlock()->findAncestorOpInBlock(*user) &&
                     moved->isBeforeInBlock(
                         moved->getBlock()->findAncestorOpInBlock(*user))
               : moved->getBlock() == user->getBlock() &&
                     moved->isBeforeInBlock(user)))
        return use.set(moved);
    }
    Operation *op = tile.getDefiningOp();
    if (op && isa<LoadOp, DotOp>(op) && !staysUntil(use))
      b.setInsertionPointAfter(op);
    else if (auto moved = tile.getDefiningOp<RelayoutOp>())
      b.setInsertionPointAfter(moved);
    else
      b.setInsertionPoint(user);
    use.set(
        RelayoutOp::create(b, tile.getLoc(), type.withLayout(layout), tile));
  }

  func::FuncOp kernel;
  OpBuilder b;
};

/// Everything in registers but factors of products.
class RegisterAssigner final : public Assigner {
public:
  RegisterAssigner(func::FuncOp kernel, TargetAttr target,
                   const RowThreads &threads)
      : Assigner(kernel), target(target), threads(threads),
        vectors(kernel, target, threads) {}

  /// Left factors that a loop reads from outside of it stay in memory: caches
  /// hold them, and more workgroups have room side by side.
  void leaveInMemory(func::FuncOp kernel) const {
    kernel.walk([&](LoadOp load) {
      if (vectors.contains(load) && canStayInMemory(load))
        load->setAttr(tile::kInMemoryAttrName,
                      UnitAttr::get(load.getContext()));
    });
  }

private:
  static bool canStayInMemory(LoadOp load);
  Attribute getLayout(Value tile) const override {
    auto type = cast<TileType>(tile.getType());
    if (vectors.contains(tile))
      return getVectorLayout(type);
    if (isStaged(tile))
      return getSharedLayout(type);
    return getRegisterLayout(type.getContext(), type.getShape(), threads,
                             vectors.getNeighbours(type));
  }
  SmallVector<Attribute> getSteps(OpOperand &use) const override {
    auto type = cast<TileType>(use.get().getType());
    if (!isFactor(use) || isa<SharedAttr>(type.getLayout()))
      return {};
    if (isFolded(use))
      return {getFoldedLayout(type)};
    return {getSharedLayout(type)};
  }

  /// Whether it is a left factor that threads have by whole vectors, for
  /// columns that are read so, too.
  bool isFolded(OpOperand &use) const {
    auto dot = dyn_cast<DotOp>(use.getOwner());
    auto type = cast<TileType>(use.get().getType());
    return dot && use.getOperandNumber() == 0 && !dot.getTransposeA() &&
           !dot.getTransposeB() && vectors.contains(dot.getB()) &&
           vectors.getNeighbours(type) == 1 &&
           isFoldable(type, target, threads);
  }

  const TargetAttr target;
  const RowThreads threads;
  const VectorTiles vectors;
};

bool RegisterAssigner::canStayInMemory(LoadOp load) {
  auto view = load.getSource().getDefiningOp<memref::ReinterpretCastOp>();
  TileType type = load.getType();
  std::optional<int64_t> cols = getConstantIntValue(load.getValid().back());
  return view && !isStoredTo(view) && !load.getMixed() &&
         !load.getPageTable() && !load.getPrefetched() && cols &&
         *cols >= type.getCols() &&
         beginsAtVectors(view.getConstifiedMixedStrides(),
                         load.getIndices().back()) &&
         llvm::all_of(load->getUses(), [&](OpOperand &use) {
           auto dot = dyn_cast<DotOp>(use.getOwner());
           return dot && use.getOperandNumber() == 0 && dot.getTransposeB() &&
                  dot->getBlock() != load->getBlock();
         });
}

//===----------------------------------------------------------------------===//
// Matrix units
//===----------------------------------------------------------------------===//

/// Fragments of a tile whose rows are split over the subgroups.
FragmentAttr getFragmentLayout(TileType type, const Matrices &matrices,
                               FragmentUse use, int64_t cols) {
  Builder b(type.getContext());
  return FragmentAttr::get(type.getContext(), use,
                           b.getDenseI64ArrayAttr({matrices.m, cols}),
                           b.getDenseI64ArrayAttr({matrices.subgroups, 1}));
}

/// Fragments of a constant factor, which are the same in all subgroups.
FragmentAttr getConstantLayout(TileType type, const Matrices &matrices) {
  Builder b(type.getContext());
  return FragmentAttr::get(type.getContext(), FragmentUse::B,
                           b.getDenseI64ArrayAttr({matrices.k, matrices.n}),
                           b.getDenseI64ArrayAttr({1, 1}));
}

/// Everything in fragments; loads, stores and factors by way of workgroup
/// memory.
class FragmentAssigner final : public Assigner {
public:
  /// Left factors that a loop only reads stay in workgroup memory, `leaves`.
  FragmentAssigner(func::FuncOp kernel, const Matrices &matrices, bool leaves)
      : Assigner(kernel), matrices(matrices), leaves(leaves) {}

private:
  Attribute getLayout(Value tile) const override {
    auto type = cast<TileType>(tile.getType());
    if (tile.getDefiningOp<LoadOp>())
      return getStagedLayout(type);
    if (isConstantFactor(tile))
      return getConstantLayout(type, matrices);
    return getFragments(type, FragmentUse::Accumulator, matrices.n);
  }

  SmallVector<Attribute> getSteps(OpOperand &use) const override {
    Value tile = use.get();
    auto type = cast<TileType>(tile.getType());
    Operation *user = use.getOwner();
    bool isShared = isa<SharedAttr>(type.getLayout());
    SmallVector<Attribute> steps;
    if (isa<RelayoutOp>(user) || isConstantFactor(tile))
      return steps;
    if (isa<ConvertOp>(user)) {
      Attribute layout =
          cast<TileType>(user->getResult(0).getType()).getLayout();
      if (type.getLayout() != layout)
        steps.push_back(layout);
      return steps;
    }
    if (isFactor(use) || isa<StoreOp>(user)) {
      // The left factor stays with its subgroup.
      auto dot = dyn_cast<DotOp>(user);
      bool isLeft = dot && use.getOperandNumber() == 0 && !dot.getTransposeA();
      if (isLeft)
        steps.push_back(getFragments(type, FragmentUse::A, matrices.k));
      else if (!isShared)
        steps.push_back(getStagedLayout(type));
    } else if (isShared) {
      steps.push_back(getFragments(type, FragmentUse::Accumulator, matrices.n));
    }
    return steps;
  }
  bool staysUntil(OpOperand &use) const override {
    return Assigner::staysUntil(use) || (leaves && isReadByLoop(use));
  }

  FragmentAttr getFragments(TileType type, FragmentUse use,
                            int64_t cols) const {
    return getFragmentLayout(type, matrices, use, cols);
  }

  const Matrices matrices;
  const bool leaves;
};

/// What products add up in fragments, which nobody can look at; everything else
/// in registers, or in workgroup memory for products.
class OpaqueAssigner final : public Assigner {
public:
  OpaqueAssigner(func::FuncOp kernel, TargetAttr target,
                 const Matrices &matrices, bool leaves)
      : Assigner(kernel), matrices(matrices), lanes(target.getSubgroup()),
        leaves(leaves) {
    kernel.walk([&](DotOp dot) {
      sums.insert(dot.getResult());
      addSum(dot.getAcc());
    });
  }

private:
  void addSum(Value tile);
  tile::LayoutAttr getRegisters(TileType type) const;
  FragmentAttr getFragments(TileType type) const {
    return getFragmentLayout(type, matrices, FragmentUse::Accumulator,
                             matrices.n);
  }

  Attribute getLayout(Value tile) const override {
    auto type = cast<TileType>(tile.getType());
    if (sums.contains(tile))
      return getFragments(type);
    if (isConstantFactor(tile))
      return getConstantLayout(type, matrices);
    return isStaged(tile) ? Attribute(getStagedLayout(type))
                          : getRegisters(type);
  }
  SmallVector<Attribute> getSteps(OpOperand &use) const override;
  bool staysUntil(OpOperand &use) const override {
    return leaves && isReadByLoop(use);
  }

  const Matrices matrices;
  const int64_t lanes;
  const bool leaves;
  DenseSet<Value> sums;
};

/// What a product adds to, if nothing is computed with it on the way: a
/// constant, what a loop carries, one of two such.
void OpaqueAssigner::addSum(Value tile) {
  if (sums.contains(tile))
    return;
  if (tile.getDefiningOp<SplatOp>()) {
    sums.insert(tile);
    return;
  }
  if (auto branch = tile.getDefiningOp<scf::IfOp>()) {
    sums.insert(tile);
    unsigned number = cast<OpResult>(tile).getResultNumber();
    addSum(branch.thenYield().getOperand(number));
    return addSum(branch.elseYield().getOperand(number));
  }
  scf::ForOp loop = tile.getDefiningOp<scf::ForOp>();
  auto argument = dyn_cast<BlockArgument>(tile);
  if (argument)
    loop = dyn_cast<scf::ForOp>(argument.getOwner()->getParentOp());
  if (!loop)
    return;
  OpResult result =
      argument ? loop.getTiedLoopResult(argument) : cast<OpResult>(tile);
  BlockArgument carried = loop.getTiedLoopRegionIterArg(result);
  sums.insert(result);
  sums.insert(carried);
  addSum(loop.getTiedLoopInit(carried)->get());
  addSum(loop.getTiedLoopYieldedValue(carried)->get());
}

/// Lanes have neighbours of a row, as many rows as a fragment has; a subgroup
/// has those of its fragments.
tile::LayoutAttr OpaqueAssigner::getRegisters(TileType type) const {
  bool isBlock = type.getRank() == 2;
  int64_t ofSubgroup = type.getRows() / matrices.subgroups;
  Bases registers, laneBases, subgroups;
  for (int64_t col = 1; isBlock && col < kVectorElements; col *= 2)
    registers.push_back({0, col});
  int64_t lanesOfRow = lanes / matrices.m;
  for (int64_t lane = 1; lane < lanesOfRow; lane *= 2)
    laneBases.push_back({0, isBlock ? lane * kVectorElements : 0});
  for (int64_t row = 1; row < matrices.m; row *= 2)
    laneBases.push_back({row, 0});
  for (int64_t row = matrices.m; row < ofSubgroup; row *= 2)
    registers.push_back({row, 0});
  for (int64_t subgroup = 1; subgroup < matrices.subgroups; subgroup *= 2)
    subgroups.push_back({subgroup * ofSubgroup, 0});
  return tile::LayoutAttr::get(type.getContext(),
                               LinearLayout(registers, laneBases, subgroups,
                                            /*rows=*/1, /*cols=*/1));
}

SmallVector<Attribute> OpaqueAssigner::getSteps(OpOperand &use) const {
  auto type = cast<TileType>(use.get().getType());
  Operation *user = use.getOwner();
  Attribute wanted;
  if (isa<RelayoutOp>(user) || isConstantFactor(use.get()))
    return {};
  if (isFactor(use)) {
    wanted = getStagedLayout(type);
    if (isReadByLoop(use))
      wanted = getFragmentLayout(type, matrices, FragmentUse::A, matrices.k);
  } else if (isa<DotOp>(user)) {
    wanted = getFragments(type);
  } else if (auto loop = dyn_cast<scf::ForOp>(user)) {
    wanted = cast<TileType>(loop.getTiedLoopRegionIterArg(&use).getType())
                 .getLayout();
  } else if (isa<scf::YieldOp>(user)) {
    unsigned number = use.getOperandNumber();
    wanted = cast<TileType>(user->getParentOp()->getResult(number).getType())
                 .getLayout();
  } else {
    wanted = getRegisters(type);
  }
  if (wanted == type.getLayout())
    return {};
  return {wanted};
}

/// Whether a workgroup has the memory that layouts ask for, with the bytes
/// that threads exchange by.
static bool fits(func::FuncOp kernel, TargetAttr target, int64_t exchange) {
  // 0: nobody knows how much there is.
  int64_t limit = target.getStaticSharedBytes();
  if (!limit)
    return true;
  int64_t bytes = StagedBuffers(kernel, target).getNumBytes(target);
  return bytes + exchange <= limit;
}

static void removeLayouts(func::FuncOp kernel) {
  kernel.walk([](RelayoutOp op) {
    op.replaceAllUsesWith(op.getInput());
    op.erase();
  });
  forEachTile(kernel, [](Value tile) {
    tile.setType(cast<TileType>(tile.getType()).withLayout(Attribute()));
    if (Operation *op = tile.getDefiningOp())
      op->removeAttr(tile::kInMemoryAttrName);
  });
}

struct AssignLayouts final : impl::AssignLayoutsBase<AssignLayouts> {
  using AssignLayoutsBase::AssignLayoutsBase;

  void runOnOperation() override {
    func::FuncOp kernel = getOperation();
    if (!isTileKernel(kernel))
      return;
    auto target = TargetAttr::require(kernel, getArgument());
    if (failed(target) || failed(verifyLaunchable(kernel, getArgument())))
      return signalPassFailure();
    int64_t mostThreads = decide(threads, kernel, &ScheduleAttr::getThreads);
    if (!mostThreads)
      mostThreads = getUsualThreads(*target);
    // Without any, tile-to-gpu places tiles.
    if (!target->getSubgroup())
      return;
    if (failed(
            checkOptions(*this, kernel, getThreadsRange(*target, mostThreads))))
      return signalPassFailure();
    int64_t lanes = getSharingLanes(*target);
    if (!exchangesInMemory(*target) && assignFewRows(kernel, lanes))
      return;
    std::string reason;
    if (auto matrices = findMatrices(kernel, *target, mostThreads, reason)) {
      if (assignFragments(kernel, *target, *matrices))
        return;
      reason = "its tiles exceed the memory of a workgroup";
    }
    if (!reason.empty())
      kernel.emitRemark("does not use matrix units, which is slower: ")
          << reason;
    int64_t rows = 1;
    forEachTile(kernel, [&](Value tile) {
      if (!isStaged(tile))
        rows = std::max(rows, cast<TileType>(tile.getType()).getRows());
    });
    RowThreads shared = chooseRowThreads(*target, rows, mostThreads);
    RegisterAssigner assigner(kernel, *target, shared);
    assigner.run();
    assigner.leaveInMemory(kernel);
    int64_t exchange =
        exchangesInMemory(*target) ? getExchangeBytes(shared.getNumber()) : 0;
    if (!fits(kernel, *target, exchange)) {
      removeLayouts(kernel);
      leaveWithoutLayouts(kernel);
    }
  }

private:
  /// Leaves a kernel to tile-to-gpu, which reads from memory what does not fit.
  static void leaveWithoutLayouts(func::FuncOp kernel) {
    kernel.emitRemark("has no layouts, which is slower: the factors of its "
                      "products exceed the memory of a workgroup");
    kernel->setAttr(tile::kWithoutLayoutsAttrName,
                    UnitAttr::get(kernel.getContext()));
  }
};

} // namespace

bool assignFragments(func::FuncOp kernel, TargetAttr target,
                     const Matrices &matrices) {
  auto assign = [&](bool leaves) {
    if (matrices.areOpaque())
      OpaqueAssigner(kernel, target, matrices, leaves).run();
    else
      FragmentAssigner(kernel, matrices, leaves).run();
    bool hasRoom = fits(kernel, target, getStripBytes(matrices, target));
    if (!hasRoom)
      removeLayouts(kernel);
    return hasRoom;
  };
  return (exceedsRegisters(kernel, target, matrices) &&
          assign(/*leaves=*/true)) ||
         assign(/*leaves=*/false);
}

} // namespace attn
