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
#include "KernelChoices.h"
#include "Matrices.h"
#include "TileKernels.h"
#include "attn/Dialect/Tile/Tile.h"
#include "attn/Transforms/PassOptions.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace attn::tile;

namespace attn {
#define GEN_PASS_DEF_ASSIGNLAYOUTS
#include "attn/Conversion/Passes.h.inc"

namespace {

/// How the threads of a workgroup share rows and columns.
struct Threads {
  /// Lanes of a subgroup that are certain to exchange by shuffles.
  int64_t lanes;
  /// Of these, those that share a row; the others and all subgroups have rows
  /// of their own.
  int64_t lanesOfRow;
  int64_t subgroups;
};

/// Threads for tiles of up to `rows` rows. A thread computes a block of rows
/// and columns of a product, so that what it reads serves several
/// multiplications.
Threads chooseThreads(int64_t rows, int64_t lanes, int64_t mostThreads) {
  constexpr int64_t rowsOfThread = 4, mostLanesOfRow = 8;
  int64_t lanesOfRow = std::min(lanes, mostLanesOfRow);
  int64_t rowThreads = llvm::bit_ceil<uint64_t>(
      llvm::divideCeil(rows, lanes == 1 ? 1 : rowsOfThread));
  rowThreads =
      std::min(rowThreads, std::max<int64_t>(mostThreads / lanesOfRow, 1));
  int64_t threads = rowThreads * lanesOfRow;
  if (threads < lanes)
    return {lanes, lanes / rowThreads, 1};
  return {lanes, lanesOfRow, threads / lanes};
}

tile::LayoutAttr getRegisterLayout(MLIRContext *context,
                                   ArrayRef<int64_t> shape,
                                   const Threads &threads) {
  int64_t rows = shape[0], row = 1, most = llvm::bit_ceil<uint64_t>(rows);
  // Threads past the last row hold copies.
  auto nextRow = [&]() -> Basis {
    Basis basis{row < most ? row : 0, 0};
    row *= 2;
    return basis;
  };
  Bases lanes, subgroups;
  for (int64_t lane = 1; lane < threads.lanes; lane *= 2)
    lanes.push_back(lane < threads.lanesOfRow
                        ? Basis{0, shape.size() == 2 ? lane : 0}
                        : nextRow());
  for (int64_t subgroup = 1; subgroup < threads.subgroups; subgroup *= 2)
    subgroups.push_back(nextRow());
  return tile::LayoutAttr::get(context, LinearLayout({}, lanes, subgroups, rows,
                                                     /*cols=*/1));
}

/// One more bank of 4 bytes a row, so that equal columns of consecutive rows
/// lie in different banks.
SharedAttr getSharedLayout(TileType tile) {
  int64_t bytes =
      llvm::divideCeil(tile.getElementType().getIntOrFloatBitWidth(), 8);
  return SharedAttr::get(tile.getContext(), /*column_major=*/false,
                         /*padding=*/std::max<int64_t>(4 / bytes, 1),
                         /*swizzle=*/DenseI64ArrayAttr());
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

private:
  /// What an op reads moves once for all that follow in the block: loads where
  /// they are, what is computed where it is needed.
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
    if (Operation *load = tile.getDefiningOp<LoadOp>())
      b.setInsertionPointAfter(load);
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
  RegisterAssigner(func::FuncOp kernel, const Threads &threads)
      : Assigner(kernel), threads(threads) {}

private:
  Attribute getLayout(Value tile) const override {
    auto type = cast<TileType>(tile.getType());
    if (isStaged(tile))
      return getSharedLayout(type);
    return getRegisterLayout(type.getContext(), type.getShape(), threads);
  }
  SmallVector<Attribute> getSteps(OpOperand &use) const override {
    auto type = cast<TileType>(use.get().getType());
    if (!isFactor(use) || isa<SharedAttr>(type.getLayout()))
      return {};
    return {getSharedLayout(type)};
  }

  const Threads threads;
};

//===----------------------------------------------------------------------===//
// Matrix units
//===----------------------------------------------------------------------===//

/// Everything in fragments; loads, stores and factors by way of workgroup
/// memory.
class FragmentAssigner final : public Assigner {
public:
  FragmentAssigner(func::FuncOp kernel, const Matrices &matrices)
      : Assigner(kernel), matrices(matrices) {}

private:
  Attribute getLayout(Value tile) const override {
    auto type = cast<TileType>(tile.getType());
    if (isLoaded(tile))
      return getStagedLayout(type);
    return getFragments(type, FragmentUse::Accumulator, matrices.n);
  }

  SmallVector<Attribute> getSteps(OpOperand &use) const override {
    Value tile = use.get();
    auto type = cast<TileType>(tile.getType());
    Operation *user = use.getOwner();
    bool isShared = isa<SharedAttr>(type.getLayout());
    SmallVector<Attribute> steps;
    if (isa<RelayoutOp>(user))
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

  /// In workgroup memory, where it is converted, too.
  static bool isLoaded(Value tile) {
    while (auto convert = tile.getDefiningOp<ConvertOp>())
      tile = convert.getInput();
    return tile.getDefiningOp<LoadOp>();
  }

  FragmentAttr getFragments(TileType type, FragmentUse use,
                            int64_t cols) const {
    Builder b(type.getContext());
    return FragmentAttr::get(type.getContext(), use,
                             b.getDenseI64ArrayAttr({matrices.m, cols}),
                             b.getDenseI64ArrayAttr({matrices.subgroups, 1}));
  }
  /// Rows begin 16 bytes further on: fragments are read without conflicts.
  static SharedAttr getStagedLayout(TileType type) {
    constexpr int64_t paddingBits = 128;
    int64_t padding =
        type.getRank() == 2
            ? paddingBits / type.getElementType().getIntOrFloatBitWidth()
            : 0;
    return SharedAttr::get(type.getContext(), /*column_major=*/false, padding,
                           /*swizzle=*/DenseI64ArrayAttr());
  }

  const Matrices matrices;
};

/// The width of an element in workgroup memory. A target without small integers
/// moves bf16 as the bits of words.
int64_t getStoredBits(Type type, TargetAttr target) {
  bool isWord =
      bitEnumContainsAny(target.getLacks(), Lacks::SmallInt) && !type.isF16();
  int64_t bits = type.getIntOrFloatBitWidth();
  return isWord ? std::max<int64_t>(bits, 32) : bits;
}

/// Whether the factors of products exceed the memory of a workgroup, with what
/// else a kernel keeps there: those that a loop uses and does not load stay
/// beside the others, of which those of one type share it.
bool exceedsMemory(func::FuncOp kernel, TargetAttr target) {
  constexpr int64_t others = 2048, padding = 16;
  llvm::SmallDenseMap<Type, int64_t> most;
  int64_t sum = others;
  forEachTile(kernel, [&](Value tile) {
    auto type = cast<TileType>(tile.getType());
    if (!isStaged(tile) || type.getRank() != 2)
      return;
    int64_t bits = getStoredBits(type.getElementType(), target);
    int64_t bytes =
        type.getRows() * (llvm::divideCeil(type.getCols() * bits, 8) + padding);
    bool stays = llvm::any_of(tile.getUsers(), [&](Operation *user) {
      return user->getBlock() != tile.getParentBlock();
    });
    int64_t &known = most[type.getElementType()];
    if (stays)
      sum += bytes;
    else
      known = std::max(known, bytes);
  });
  for (auto [type, bytes] : most)
    sum += bytes;
  // 0: nobody knows how much there is.
  int64_t limit = target.getStaticSharedBytes();
  return limit && !most.empty() && sum > limit;
}

struct AssignLayouts final : impl::AssignLayoutsBase<AssignLayouts> {
  using AssignLayoutsBase::AssignLayoutsBase;

  void runOnOperation() override {
    func::FuncOp kernel = getOperation();
    if (!kernel->hasAttr("tile.kernel"))
      return;
    auto target = TargetAttr::require(kernel, getArgument());
    if (failed(target))
      return signalPassFailure();
    int64_t mostThreads = decide(threads, kernel, &ScheduleAttr::getThreads);
    constexpr int64_t fewThreads = 256;
    if (!mostThreads)
      mostThreads = std::min(target->getThreads(), fewThreads);
    // Without any, tile-to-gpu places tiles.
    int64_t lanes = target->getSubgroup();
    if (!lanes)
      return;
    if (failed(checkOptions(*this, kernel,
                            {{"threads", mostThreads, lanes,
                              std::max(target->getThreads(), lanes)}})))
      return signalPassFailure();
    if (assignFewRows(kernel, lanes))
      return;
    std::string reason;
    if (auto matrices = findMatrices(kernel, *target, mostThreads, reason))
      return FragmentAssigner(kernel, *matrices).run();
    if (!reason.empty())
      kernel.emitRemark("does not use matrix units, which is slower: ")
          << reason;
    // tile-to-gpu reads from memory what does not fit.
    if (exceedsMemory(kernel, *target)) {
      kernel.emitRemark("has no layouts, which is slower: the factors of its "
                        "products exceed the memory of a workgroup");
      kernel->setAttr(kWithoutLayoutsName, UnitAttr::get(&getContext()));
      return;
    }
    int64_t rows = 1;
    forEachTile(kernel, [&](Value tile) {
      if (!isStaged(tile))
        rows = std::max(rows, cast<TileType>(tile.getType()).getRows());
    });
    RegisterAssigner(kernel, chooseThreads(rows, lanes, mostThreads)).run();
  }
};

} // namespace
} // namespace attn
