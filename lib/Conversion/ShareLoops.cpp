//===- ShareLoops.cpp - tile-share-loops ----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where a workgroup is one subgroup whose lanes hold all tiles, others join it:
// they divide the iterations of its loops and combine what each has carried. As
// many bytes more are on their way at once, and workgroups leave fewer parts.
//
//===----------------------------------------------------------------------===//

#include "LoopSlice.h"
#include "Staging.h"
#include "TileKernels.h"

#include "attn/Conversion/AssignLayouts.h"
#include "attn/Dialect/Attn/Attn.h"
#include "attn/Dialect/Tile/Tile.h"
#include "attn/Transforms/ScheduleChoices.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/Support/MathExtras.h"

namespace attn {
#define GEN_PASS_DEF_SHARELOOPS
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;
using namespace attn::tile;

namespace {

/// How what subgroups carried becomes one value.
struct Carried {
  ReduceKind kind = ReduceKind::Sum;
  /// What an iteration multiplies a sum with when a maximum grows, or null.
  Value rescale;
};

/// A loop whose iterations subgroups can divide.
class SharedLoop {
public:
  explicit SharedLoop(scf::ForOp loop) : loop(loop) {}

  bool match();
  /// Registers of a thread for tiles that are carried, loaded and multiplied.
  int64_t countRegisters() const;
  /// The most of them that are combined together.
  int64_t countCombined() const;
  /// Divides the iterations and combines the results.
  void share(SubgroupOp subgroup);

  /// What the combined maximum does twice, if its rows stay together.
  void dropCopies();

  scf::ForOp loop;
  /// What stands for its results.
  SmallVector<CombineOp> combined;

private:
  bool matchMaximum(unsigned k);
  bool matchSum(unsigned k);
  /// Nothing is stored in between: loads come before all else in an iteration.
  void loadFirst();
  Value combine(ImplicitLocOpBuilder &b, ReduceKind kind, Value tile);
  Value rescale(ImplicitLocOpBuilder &b, Value sum, Value factor);
  Value cloneFactor(ImplicitLocOpBuilder &b, Value factor, Value total);

  SmallVector<Carried> carried;
  std::optional<unsigned> maximum;
  /// The maximum of all rows, if sums are relative to it.
  CombineOp top;
};

} // namespace

//===----------------------------------------------------------------------===//
// What can be divided
//===----------------------------------------------------------------------===//

/// Whether a value is a maximum that begins with another one, in both branches
/// where there are some.
static bool isMaximum(Value value, Value init) {
  if (auto branch = value.getDefiningOp<scf::IfOp>()) {
    unsigned k = cast<OpResult>(value).getResultNumber();
    return isMaximum(branch.thenYield().getOperand(k), init) &&
           isMaximum(branch.elseYield().getOperand(k), init);
  }
  auto reduce = value.getDefiningOp<ReduceOp>();
  return reduce && reduce.getKind() == ReduceKind::Max &&
         reduce.getInit() == init;
}

bool SharedLoop::matchMaximum(unsigned k) {
  return isMaximum(loop.getYieldedValues()[k], loop.getRegionIterArg(k));
}

/// The product of a carried tile, its first factor, and row statistics.
static MapOp getRescaling(Value carried) {
  if (!carried.hasOneUse())
    return {};
  auto map = dyn_cast<MapOp>(*carried.user_begin());
  if (!map || map.getInputs().size() != 2 || map.getNumResults() != 1 ||
      map.getInputs()[0] != carried)
    return {};
  auto yield = cast<tile::YieldOp>(map.getBody().front().getTerminator());
  auto product = yield.getValues()[0].getDefiningOp<arith::MulFOp>();
  ValueRange elements = map.getElementArgs();
  bool multiplies = product && product.getLhs() == elements[0] &&
                    product.getRhs() == elements[1];
  return multiplies ? map : MapOp();
}

/// What an op and the ops in it compute with.
static SetVector<Value> findOperands(Operation *op) {
  SetVector<Value> operands(op->operand_begin(), op->operand_end());
  getUsedValuesDefinedAbove(op->getRegions(), operands);
  return operands;
}

/// Whether a value follows from two others, and from nothing else in the loop.
static bool followsFrom(Value value, scf::ForOp loop, ArrayRef<Value> from) {
  if (llvm::is_contained(from, value) || loop.isDefinedOutsideOfLoop(value))
    return true;
  Operation *op = value.getDefiningOp();
  if (!op || op->getBlock() != loop.getBody() || !isPure(op))
    return false;
  return llvm::all_of(findOperands(op), [&](Value operand) {
    return followsFrom(operand, loop, from);
  });
}

/// A sum that begins with 0: `carried * factor + ...`, where the factor follows
/// from how the maximum grows, or `carried + ...`.
bool SharedLoop::matchSum(unsigned k) {
  auto init = loop.getInitArgs()[k].getDefiningOp<SplatOp>();
  if (!init || !matchPattern(init.getValue(), m_AnyZeroFloat()))
    return false;
  Value value = loop.getRegionIterArg(k);
  if (MapOp product = getRescaling(value)) {
    Value factor = product.getInputs()[1];
    if (!maximum || loop.isDefinedOutsideOfLoop(factor) ||
        !factor.getDefiningOp() ||
        !followsFrom(factor, loop,
                     {loop.getRegionIterArg(*maximum),
                      loop.getYieldedValues()[*maximum]}))
      return false;
    carried[k].rescale = factor;
    value = product.getResult(0);
  }
  Operation *last = loop.getYieldedValues()[k].getDefiningOp();
  if (!value.hasOneUse() || !last || last->getBlock() != loop.getBody())
    return false;
  if (auto reduce = dyn_cast<ReduceOp>(last))
    return reduce.getKind() == ReduceKind::Sum && reduce.getInit() == value;
  auto dot = dyn_cast<DotOp>(last);
  return dot && dot.getAcc() == value;
}

/// Whether subgroups exchange nothing and write nothing: each may do an op as
/// often as it likes. A vote is one of the workgroup.
static bool staysInSubgroup(Operation *op) {
  if (auto relayout = dyn_cast<RelayoutOp>(op))
    return relayout.getCost().kind != Exchange::Memory;
  return !isa<StoreOp, memref::StoreOp, AnyAboveOp>(op);
}

bool SharedLoop::match() {
  carried.resize(loop.getNumRegionIterArgs());
  for (unsigned k = 0; k < carried.size(); ++k) {
    auto type = dyn_cast<TileType>(loop.getRegionIterArg(k).getType());
    if (!type || !type.getElementType().isF32())
      return false;
    if (!matchMaximum(k))
      continue;
    if (maximum)
      return false;
    carried[k].kind = ReduceKind::Max;
    maximum = k;
  }
  for (unsigned k = 0; k < carried.size(); ++k)
    if (k != maximum && !matchSum(k))
      return false;
  return !carried.empty() && !loop.walk([](Operation *op) {
                                    return staysInSubgroup(op)
                                               ? WalkResult::advance()
                                               : WalkResult::interrupt();
                                  })
                                  .wasInterrupted();
}

//===----------------------------------------------------------------------===//
// Dividing
//===----------------------------------------------------------------------===//

Value SharedLoop::combine(ImplicitLocOpBuilder &b, ReduceKind kind,
                          Value tile) {
  combined.push_back(CombineOp::create(b, tile.getType(), kind, tile));
  return combined.back();
}

/// What makes a sum relative to the maximum of a subgroup one that is relative
/// to that of all: as if an iteration had found the latter.
Value SharedLoop::cloneFactor(ImplicitLocOpBuilder &b, Value factor,
                              Value total) {
  IRMapping mapping;
  mapping.map(loop.getRegionIterArg(*maximum), loop.getResult(*maximum));
  mapping.map(loop.getYieldedValues()[*maximum], total);
  auto clone = [&](auto &&self, Operation *op) -> void {
    for (Value value : findOperands(op))
      if (!mapping.contains(value) && !loop.isDefinedOutsideOfLoop(value))
        self(self, value.getDefiningOp());
    b.clone(*op, mapping);
  };
  clone(clone, factor.getDefiningOp());
  return mapping.lookup(factor);
}

Value SharedLoop::rescale(ImplicitLocOpBuilder &b, Value sum, Value factor) {
  Value zero = arith::ConstantIndexOp::create(b, 0);
  SmallVector<Value> offsets(cast<TileType>(sum.getType()).getRank(), zero);
  return MapOp::create(
             b, TypeRange{sum.getType()}, ValueRange{sum, factor}, offsets,
             [](OpBuilder &nested, Location loc, ValueRange x,
                ValueRange) -> SmallVector<Value> {
               return {arith::MulFOp::create(nested, loc, x[0], x[1])};
             })
      .getResult(0);
}

static int64_t countElements(Value tile) {
  return cast<TileType>(tile.getType()).getLinearLayout()->getNumRegisters();
}

int64_t SharedLoop::countRegisters() const {
  int64_t words = 0;
  for (Value tile : scf::ForOp(loop).getResults())
    words += countElements(tile);
  SetVector<Value> factors;
  for (Operation &op : *scf::ForOp(loop).getBody()) {
    if (auto load = dyn_cast<LoadOp>(op))
      words += llvm::divideCeil(
          countElements(load) *
              load.getType().getElementType().getIntOrFloatBitWidth(),
          32);
    // Left factors wait in f32.
    if (auto dot = dyn_cast<DotOp>(op))
      if (scf::ForOp(loop).isDefinedOutsideOfLoop(dot.getA()))
        factors.insert(dot.getA());
  }
  for (Value factor : factors)
    words += countElements(factor);
  return words;
}

int64_t SharedLoop::countCombined() const {
  int64_t most = 0;
  for (Value tile : scf::ForOp(loop).getResults())
    most = std::max(most, countElements(tile));
  return most;
}

void SharedLoop::loadFirst() {
  Block *body = loop.getBody();
  SmallVector<Value> loads;
  for (auto load : body->getOps<LoadOp>())
    loads.push_back(load);
  // And what computes where.
  FailureOr<SmallVector<Operation *>> slice = getLoopSlice(loop, loads);
  assert(succeeded(slice) && "has regions of several blocks");
  for (Operation *op : llvm::reverse(*slice))
    op->moveBefore(body, body->begin());
}

void SharedLoop::share(SubgroupOp subgroup) {
  loadFirst();
  ImplicitLocOpBuilder b(loop.getLoc(), loop);
  Value step = loop.getStep();
  Value skipped = arith::MulIOp::create(b, subgroup.getNumber(), step);
  loop.setLowerBound(arith::AddIOp::create(b, loop.getLowerBound(), skipped));
  loop.setStep(arith::MulIOp::create(b, step, subgroup.getCount()));
  SmallVector<SmallVector<OpOperand *>> uses;
  for (Value result : loop.getResults())
    uses.push_back(llvm::map_to_vector(result.getUses(),
                                       [](OpOperand &use) { return &use; }));

  b.setInsertionPointAfter(loop);
  SmallVector<Value> totals(carried.size());
  // Factors need the maximum of all rows, whoever has them then.
  if (maximum) {
    Value own = loop.getResult(*maximum);
    if (llvm::any_of(carried, [](const Carried &how) { return how.rescale; }))
      top = CombineOp::create(b, own.getType(), ReduceKind::Max, own);
    totals[*maximum] = combine(b, ReduceKind::Max, own);
  }
  DenseMap<Value, Value> factors;
  for (auto [k, how] : llvm::enumerate(carried)) {
    if (how.kind == ReduceKind::Max)
      continue;
    Value sum = loop.getResult(k);
    if (how.rescale) {
      Value &factor = factors[how.rescale];
      if (!factor)
        factor = cloneFactor(b, how.rescale, top);
      sum = rescale(b, sum, factor);
    }
    totals[k] = combine(b, ReduceKind::Sum, sum);
  }
  for (auto [total, users] : llvm::zip_equal(totals, uses))
    for (OpOperand *use : users)
      use->set(total);
}

void SharedLoop::dropCopies() {
  if (!top || top.getType() != combined.front().getType())
    return;
  combined.front().replaceAllUsesWith(top.getResult());
  combined.front().erase();
  combined.front() = top;
}

/// The same with these subgroups.
static void setSubgroups(Value tile, ArrayRef<Basis> subgroups) {
  auto type = cast<TileType>(tile.getType());
  LinearLayout layout = *type.getLinearLayout();
  LinearLayout shared(layout.getRegisters(), layout.getLanes(),
                      Bases(subgroups.begin(), subgroups.end()),
                      layout.getRows(), layout.getCols());
  tile.setType(
      type.withLayout(tile::LayoutAttr::get(type.getContext(), shared)));
}

/// What follows from combined tiles alone, element by element; none if others
/// are needed with them.
static SmallVector<Value> findFollowing(ArrayRef<CombineOp> combined) {
  llvm::SetVector<Value> tiles;
  for (CombineOp op : combined)
    tiles.insert(op);
  for (unsigned next = 0; next < tiles.size(); ++next)
    for (Operation *user : tiles[next].getUsers()) {
      if (!isa<MapOp, ConvertOp, StoreOp>(user))
        return {};
      tiles.insert(user->result_begin(), user->result_end());
    }
  auto needsOthers = [&](Operation *op) {
    return llvm::any_of(op->getOperands(), [&](Value operand) {
      return isa<TileType>(operand.getType()) && !tiles.contains(operand);
    });
  };
  for (Value tile : tiles)
    if (llvm::any_of(tile.getUsers(), needsOthers))
      return {};
  return tiles.takeVector();
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

namespace {

struct ShareLoops final : attn::impl::ShareLoopsBase<ShareLoops> {
  using ShareLoopsBase::ShareLoopsBase;

  void runOnOperation() override {
    func::FuncOp kernel = getOperation();
    auto target = TargetAttr::lookup(kernel);
    if (!target || !kernel->hasAttr(kKernelAttrName))
      return;
    int64_t lanes = target.getSubgroup();
    int64_t most = std::min(decide(threads, kernel, &ScheduleAttr::getThreads),
                            target.getThreads());
    int64_t subgroups = lanes ? llvm::bit_floor<uint64_t>(most / lanes) : 0;
    SmallVector<SharedLoop> loops;
    if (subgroups < 2 || !match(kernel, lanes, loops))
      return;
    while (subgroups > 1 && !fits(target, subgroups * lanes, loops))
      subgroups /= 2;
    if (subgroups < 2)
      return;
    share(kernel, subgroups, loops);
    numShared += loops.size();
  }

private:
  /// The loops of a kernel of one subgroup that compute with tiles, if all of
  /// them can be divided.
  static bool match(func::FuncOp kernel, int64_t lanes,
                    SmallVectorImpl<SharedLoop> &loops) {
    bool fits = true;
    forEachTile(kernel, [&](Value tile) {
      std::optional<LinearLayout> layout =
          cast<TileType>(tile.getType()).getLinearLayout();
      fits &= layout && layout->getNumSubgroups() == 1 &&
              layout->getNumLanes() == lanes;
    });
    kernel.walk([&](scf::ForOp loop) {
      loops.emplace_back(loop);
      fits = fits && loop->getBlock() == &kernel.getBody().front() &&
             loops.back().match();
    });
    return fits && !loops.empty();
  }

  /// Whether a workgroup has memory for what so many threads combine, and
  /// registers for what they compute with.
  static bool fits(TargetAttr target, int64_t threads,
                   ArrayRef<SharedLoop> loops) {
    // A machine's registers of a workgroup; addresses, bounds and scores of a
    // thread beside tiles.
    constexpr int64_t registers = 65536, others = 32;
    // 0: nobody knows how much there is.
    int64_t limit = target.getStaticSharedBytes();
    return llvm::all_of(loops, [&](const SharedLoop &loop) {
      int64_t needed = loop.countRegisters() + others;
      return needed * threads <= registers &&
             (!limit ||
              getCombineBytes(loop.countCombined(), threads) <= limit);
    });
  }

  /// Every subgroup has all of every tile, until the last loop has ended: then
  /// each takes other rows.
  static void share(func::FuncOp kernel, int64_t subgroups,
                    MutableArrayRef<SharedLoop> loops) {
    SmallVector<Basis> alike(llvm::Log2_64(subgroups), Basis{0, 0});
    forEachTile(kernel, [&](Value tile) { setSubgroups(tile, alike); });
    auto b = OpBuilder::atBlockBegin(&kernel.getBody().front());
    auto subgroup = SubgroupOp::create(b, kernel.getLoc());
    for (SharedLoop &loop : loops)
      loop.share(subgroup);
    for (Value tile : findFollowing(loops.back().combined))
      divide(tile, alike);
    for (SharedLoop &loop : loops)
      loop.dropCopies();
  }

  /// Subgroups take rows that are registers, and then columns.
  static void divide(Value tile, Bases subgroups) {
    auto type = cast<TileType>(tile.getType());
    LinearLayout layout = *type.getLinearLayout();
    if (layout.getBlockRows() != 1)
      return;
    Bases registers = layout.getRegisters();
    int64_t row = 1;
    for (Basis &basis : subgroups) {
      if (row < type.getRows()) {
        basis = {row, 0};
        row *= 2;
      } else if (!registers.empty()) {
        basis = registers.pop_back_val();
      }
    }
    LinearLayout divided(registers, layout.getLanes(), subgroups,
                         layout.getRows(), layout.getCols());
    tile.setType(
        type.withLayout(tile::LayoutAttr::get(type.getContext(), divided)));
  }
};

} // namespace
