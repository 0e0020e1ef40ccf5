//===- NarrowIndices.cpp - Index arithmetic with 32 bits ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two proofs let an op on index or i64 be one on i32: its operands and results
// fit and 32 bits give the same numbers, or nobody looks at the high bits of a
// sum or product. The first is decided for a whole kernel, then its ops change
// their types; the second follows from the casts that this leaves. What a
// number of 32 bits is compared with is clamped first.
//
//===----------------------------------------------------------------------===//

#include "MatrixKernels.h"
#include "Retype.h"
#include "RewriteOps.h"
#include "attn/Analysis/IndexRanges.h"
#include "attn/Conversion/LegalizeKernels.h"
#include "attn/Dialect/Kernel/Kernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/Support/Debug.h"

namespace attn {
#define GEN_PASS_DEF_NARROWINDICES
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

#define DEBUG_TYPE "tile-narrow-indices"

using namespace mlir;
using namespace attn;

static bool isWide(Type type) { return type.isIndex() || type.isInteger(64); }

/// The low 32 bits of `value`.
static Value truncate(OpBuilder &b, Value value) {
  Location loc = value.getLoc();
  Type i32 = b.getI32Type();
  Operation *op = value.getDefiningOp();
  if (isa_and_nonnull<arith::IndexCastOp, arith::ExtSIOp>(op) &&
      op->getOperand(0).getType() == i32)
    return op->getOperand(0);
  if (value.getType().isIndex())
    return b.createOrFold<arith::IndexCastOp>(loc, i32, value);
  return b.createOrFold<arith::TruncIOp>(loc, i32, value);
}

/// An i32 as a number of `type`.
static Value extend(OpBuilder &b, Value value, Type type) {
  if (type.isIndex())
    return arith::IndexCastOp::create(b, value.getLoc(), type, value);
  return arith::ExtSIOp::create(b, value.getLoc(), type, value);
}

static Retype toI32() { return {truncate, extend}; }

static Type getI32(Operation *op) {
  return IntegerType::get(op->getContext(), 32);
}

/// The high bits of operands do not reach the low ones of the result.
static bool isModular(Operation *op) {
  if (isa<arith::ShLIOp>(op)) {
    APInt amount;
    return matchPattern(op->getOperand(1), m_ConstantInt(&amount)) &&
           amount.ult(32);
  }
  return isa<arith::AddIOp, arith::SubIOp, arith::MulIOp, arith::AndIOp,
             arith::OrIOp, arith::XOrIOp, arith::SelectOp>(op);
}

/// Gives an op that counts modulo 2^32 from now on no promises about overflow.
static void dropFlags(Operation *op) {
  auto none = arith::IntegerOverflowFlags::none;
  TypeSwitch<Operation *>(op)
      .Case<arith::AddIOp, arith::SubIOp, arith::MulIOp, arith::ShLIOp>(
          [&](auto op) { op.setOverflowFlags(none); });
}

static void narrowOp(Operation *op) {
  for (OpOperand &operand : op->getOpOperands())
    if (isWide(operand.get().getType()))
      toI32().operand(operand);
  for (Value result : op->getResults())
    if (isWide(result.getType()))
      toI32().result(result, getI32(op));
  dropFlags(op);
}

namespace {
/// What of one kernel has 32 bits by its ranges.
class Narrowing {
public:
  /// With `keepLoops` they count indices, as the positions of tile.range_at
  /// are.
  Narrowing(bool narrowAddresses, bool keepLoops)
      : narrowAddresses(narrowAddresses), keepLoops(keepLoops) {}

  void decide(Operation *kernel);
  void apply();
  size_t getNumNarrowed() const {
    return ops.size() + loops.size() + carried.size() + yielded.size();
  }

private:
  bool fits(Value value) {
    return !isWide(value.getType()) || ranges.fitsInt32(value);
  }
  bool isWithin(Operation *op, unsigned operand, int64_t high) {
    return ranges.isWithin(op->getOperand(operand), 0, high);
  }
  bool isExact(Operation *op);
  bool isExactLoop(scf::ForOp loop);
  void decideLoop(scf::ForOp loop);
  void decideBranch(scf::IfOp branch);
  void decideAddress(Operation *access);

  bool narrowAddresses, keepLoops;
  IndexRanges ranges;
  SmallVector<Operation *> ops;
  SmallVector<scf::ForOp> loops;
  SmallVector<std::pair<scf::ForOp, unsigned>> carried;
  SmallVector<std::pair<scf::IfOp, unsigned>> yielded;
  SmallVector<OpOperand *> addresses;
};

} // namespace

//===----------------------------------------------------------------------===//
// Decisions
//===----------------------------------------------------------------------===//

/// Whether an op whose operands and results fit 32 bits gives with 32 what it
/// gives with 64.
bool Narrowing::isExact(Operation *op) {
  if (isa<arith::ShLIOp, arith::ShRSIOp>(op))
    return isWithin(op, 1, 31);
  if (isa<arith::ShRUIOp>(op))
    return isWithin(op, 0, INT32_MAX) && isWithin(op, 1, 31);
  if (isa<arith::DivUIOp, arith::RemUIOp>(op))
    return isWithin(op, 0, INT32_MAX) && isWithin(op, 1, INT32_MAX);
  if (isa<arith::UIToFPOp>(op))
    return isWithin(op, 0, INT32_MAX);
  // Sign extension keeps the order of unsigned numbers, too.
  return isa<arith::AddIOp, arith::SubIOp, arith::MulIOp, arith::DivSIOp,
             arith::RemSIOp, arith::MinSIOp, arith::MaxSIOp, arith::MinUIOp,
             arith::MaxUIOp, arith::AndIOp, arith::OrIOp, arith::XOrIOp,
             arith::SelectOp, arith::CmpIOp, arith::SIToFPOp, math::AbsIOp>(op);
}

/// A loop that counts to a bound and one step past it within 32 bits.
bool Narrowing::isExactLoop(scf::ForOp loop) {
  if (!fits(loop.getLowerBound()) || !fits(loop.getUpperBound()) ||
      !ranges.isWithin(loop.getStep(), 1, INT32_MAX))
    return false;
  int64_t step = ranges.rangeOf(loop.getStep()).smax().getSExtValue();
  return ranges.isWithin(loop.getUpperBound(), INT32_MIN, INT32_MAX - step);
}

void Narrowing::decideLoop(scf::ForOp loop) {
  if (isWide(loop.getInductionVar().getType()) && isExactLoop(loop))
    loops.push_back(loop);
  for (auto [number, value] : llvm::enumerate(loop.getRegionIterArgs()))
    if (isWide(value.getType()) && fits(value))
      carried.emplace_back(loop, number);
}

void Narrowing::decideBranch(scf::IfOp branch) {
  for (auto [number, value] : llvm::enumerate(branch.getResults()))
    if (isWide(value.getType()) && fits(value))
      yielded.emplace_back(branch, number);
}

/// The position of an element: what a workgroup or a thread has is small.
void Narrowing::decideAddress(Operation *access) {
  bool isStore = isa<memref::StoreOp, memref::AtomicRMWOp, vector::StoreOp,
                     kernel::StoreMatrixOp>(access);
  Value memory = access->getOperand(isStore ? 1 : 0);
  bool isSmall = isa<BlockArgument>(memory);
  if (narrowAddresses || isSmall)
    for (OpOperand &operand : access->getOpOperands())
      if (operand.get().getType().isIndex())
        addresses.push_back(&operand);
}

void Narrowing::decide(Operation *kernel) {
  kernel->walk([&](Operation *op) {
    if (auto loop = dyn_cast<scf::ForOp>(op))
      return keepLoops ? void() : decideLoop(loop);
    if (auto branch = dyn_cast<scf::IfOp>(op))
      return decideBranch(branch);
    if (isa<memref::LoadOp, memref::StoreOp, memref::AtomicRMWOp,
            vector::LoadOp, vector::StoreOp, kernel::LoadMatrixOp,
            kernel::StoreMatrixOp, kernel::UniformLoadOp, kernel::ArriveOp>(op))
      return decideAddress(op);
    auto hasWide = [](TypeRange types) { return llvm::any_of(types, isWide); };
    auto fitsHere = [&](Value value) { return fits(value); };
    if (!hasWide(op->getOperandTypes()) && !hasWide(op->getResultTypes()))
      return;
    // Low bits of operands that do not fit are enough for a sum that does.
    bool isNarrow = isModular(op) ||
                    (isExact(op) && llvm::all_of(op->getOperands(), fitsHere));
    if (isNarrow && llvm::all_of(op->getResults(), fitsHere))
      ops.push_back(op);
  });
}

void Narrowing::apply() {
  for (Operation *op : ops)
    narrowOp(op);
  for (scf::ForOp loop : loops) {
    for (OpOperand &operand : loop->getOpOperands().take_front(3))
      toI32().operand(operand);
    toI32().result(loop.getInductionVar(), getI32(loop));
  }
  for (auto [loop, number] : carried)
    toI32().carried(loop, number, getI32(loop));
  for (auto [branch, number] : yielded)
    toI32().yielded(branch, number, getI32(branch));
  for (OpOperand *address : addresses) {
    OpBuilder b(address->getOwner());
    address->set(extend(b, truncate(b, address->get()), b.getIndexType()));
  }
}

//===----------------------------------------------------------------------===//
// Numbers that are compared
//===----------------------------------------------------------------------===//

namespace {
/// Moves numbers into what 32 bits hold where no user sees the difference.
class Clamping {
public:
  void decide(Operation *kernel);
  void apply();

private:
  struct Clamp {
    OpOperand *operand;
    int64_t low, high;
  };

  void decideCompare(arith::CmpIOp compare);
  void decidePosition(OpOperand &operand);

  IndexRanges ranges;
  SmallVector<Clamp> compared;
  SmallVector<OpOperand *> positions;
  DenseSet<Value> far; // beyond the limit of positions
};
} // namespace

void Clamping::decideCompare(arith::CmpIOp compare) {
  if (!isWide(compare.getLhs().getType()) ||
      compare.getPredicate() >= arith::CmpIPredicate::ult)
    return;
  // A column is compared with the distance of its bound from the first column
  // of a thread. No column that exists is as far as a clamped bound.
  auto map = dyn_cast<tile::MapOp>(compare->getParentOp());
  if (map && map.getDomainRank() == 2 &&
      compare.getLhs() == map.getIndexArgs()[1] &&
      !variesWithColumn(compare.getRhs(), map)) {
    if (!ranges.isWithin(compare.getRhs(), -kIndexLimit, INT32_MAX))
      compared.push_back(
          {&compare->getOpOperand(1), -kIndexLimit, kIndexLimit});
    return;
  }
  // A constant or an argument of a kernel: that is done once.
  for (auto [number, other] : {std::pair(0, 1), std::pair(1, 0)}) {
    Value wide = compare->getOperand(number);
    Operation *origin = wide.getDefiningOp();
    if ((!origin || origin->hasTrait<OpTrait::ConstantLike>()) &&
        !ranges.fitsInt32(wide) &&
        ranges.isWithin(compare->getOperand(other), INT32_MIN + 1,
                        INT32_MAX - 1))
      compared.push_back(
          {&compare->getOpOperand(number), INT32_MIN, INT32_MAX});
  }
}

/// Where no row, key or tile is, nothing is beyond the limit either.
void Clamping::decidePosition(OpOperand &operand) {
  Value value = operand.get();
  if (!value.getType().isIndex() || isNarrowIndex(value))
    return;
  positions.push_back(&operand);
  if (!ranges.isWithin(value, -kIndexLimit, kIndexLimit))
    far.insert(value);
}

void Clamping::decide(Operation *kernel) {
  kernel->walk([&](Operation *op) {
    if (auto compare = dyn_cast<arith::CmpIOp>(op))
      decideCompare(compare);
    else if (isa<tile::TileDialect>(op->getDialect()) ||
             (isa<scf::ForOp>(op) && isa<func::FuncOp>(kernel)))
      for (OpOperand &operand : op->getOpOperands())
        decidePosition(operand);
    else if (auto view = dyn_cast<memref::ReinterpretCastOp>(op);
             view && isa<func::FuncOp>(kernel))
      for (OpOperand &size : view.getSizesMutable())
        if (ranges.fitsInt32(size.get()))
          decidePosition(size);
  });
}

static Value clamp(OpBuilder &b, Value value, int64_t low, int64_t high) {
  Location loc = value.getLoc();
  auto constant = [&](int64_t number) {
    return arith::ConstantOp::create(b, loc,
                                     b.getIntegerAttr(value.getType(), number));
  };
  Value below = b.createOrFold<arith::MinSIOp>(loc, value, constant(high));
  return b.createOrFold<arith::MaxSIOp>(loc, below, constant(low));
}

void Clamping::apply() {
  for (const Clamp &compare : compared) {
    OpBuilder b(compare.operand->getOwner());
    compare.operand->set(
        clamp(b, compare.operand->get(), compare.low, compare.high));
  }
  DenseMap<Value, Value> narrow;
  for (OpOperand *position : positions) {
    Value value = position->get();
    Value &known = narrow[value];
    if (!known) {
      OpBuilder b(value.getContext());
      b.setInsertionPointAfterValue(value);
      Value near = far.contains(value)
                       ? clamp(b, value, -kIndexLimit, kIndexLimit)
                       : value;
      known = extend(b, truncate(b, near), b.getIndexType());
    }
    position->set(known);
  }
}

//===----------------------------------------------------------------------===//
// Low bits
//===----------------------------------------------------------------------===//

namespace {
/// The low bits of an extended number are those of the number, and those of a
/// sum or product that has no other use are one of i32, as are the last bits of
/// a number, such as of an address.
template <typename Truncation>
struct PushTruncation final : OpRewritePattern<Truncation> {
  using OpRewritePattern<Truncation>::OpRewritePattern;

  static bool isTruncation(Operation *op) {
    return isa<arith::TruncIOp, arith::IndexCastOp>(op) &&
           isWide(op->getOperand(0).getType()) &&
           op->getResult(0).getType().isInteger(32);
  }

  LogicalResult matchAndRewrite(Truncation op,
                                PatternRewriter &rewriter) const override {
    Operation *source = op->getOperand(0).getDefiningOp();
    if (!isTruncation(op) || !source)
      return failure();
    if (isa<arith::IndexCastOp, arith::ExtSIOp, arith::ExtUIOp>(source))
      return ofCast(op, source->getOperand(0), isa<arith::ExtUIOp>(source),
                    rewriter);
    APInt divisor;
    bool isLow = isa<arith::RemUIOp>(source) &&
                 matchPattern(source->getOperand(1), m_ConstantInt(&divisor)) &&
                 divisor.isPowerOf2() && divisor.isSignedIntN(32);
    if (!(isModular(source) || isLow) ||
        !llvm::all_of(source->getUsers(), isTruncation))
      return failure();
    rewriter.setInsertionPoint(source);
    SmallVector<Value> operands;
    for (Value operand : source->getOperands())
      operands.push_back(isWide(operand.getType()) ? truncate(rewriter, operand)
                                                   : operand);
    OperationState state(source->getLoc(), source->getName());
    state.addOperands(operands);
    state.addTypes(op.getType());
    Operation *low = rewriter.create(state);
    for (Operation *user : llvm::to_vector(source->getUsers()))
      rewriter.replaceOp(user, low);
    return success();
  }

  static LogicalResult ofCast(Truncation op, Value number, bool isUnsigned,
                              PatternRewriter &rewriter) {
    Type from = number.getType(), i32 = op.getType();
    if (from == i32)
      rewriter.replaceOp(op, number);
    else if (isWide(from))
      rewriter.replaceOp(op, truncate(rewriter, number));
    else if (isUnsigned)
      rewriter.replaceOpWithNewOp<arith::ExtUIOp>(op, i32, number);
    else
      rewriter.replaceOpWithNewOp<arith::ExtSIOp>(op, i32, number);
    return success();
  }
};

/// a - b < 0 is a < b, where the difference does not overflow.
struct CompareDifference final : OpRewritePattern<arith::CmpIOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::CmpIOp op,
                                PatternRewriter &rewriter) const override {
    auto difference = op.getLhs().getDefiningOp<arith::SubIOp>();
    if (!difference || !isWide(difference.getType()) ||
        !matchPattern(op.getRhs(), m_Zero()) ||
        op.getPredicate() >= arith::CmpIPredicate::ult)
      return failure();
    constexpr int64_t limit = int64_t(1) << 62;
    for (Value part : difference->getOperands())
      if (!IndexRanges().isWithin(part, -limit, limit - 1))
        return failure();
    rewriter.replaceOpWithNewOp<arith::CmpIOp>(
        op, op.getPredicate(), difference.getLhs(), difference.getRhs());
    return success();
  }
};

/// An unsigned cast to index goes through i64; one from it has the low bits.
struct ExpandUnsignedCast final : OpRewritePattern<arith::IndexCastUIOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::IndexCastUIOp op,
                                PatternRewriter &rewriter) const override {
    Value number = op.getIn();
    Type i64 = rewriter.getI64Type();
    if (op.getType().isIndex() && number.getType() != i64)
      number = arith::ExtUIOp::create(rewriter, op.getLoc(), i64, number);
    rewriter.replaceOpWithNewOp<arith::IndexCastOp>(op, op.getType(), number);
    return success();
  }
};

/// The low bits of a kernel's argument are taken once, where it begins.
void takeArgumentsOnce(Block &entry) {
  OpBuilder b = OpBuilder::atBlockBegin(&entry);
  SmallVector<Operation *> others;
  for (BlockArgument argument : entry.getArguments()) {
    if (!argument.getType().isIndex())
      continue;
    Value once;
    for (Operation *user : llvm::to_vector(argument.getUsers())) {
      auto cast = dyn_cast<arith::IndexCastOp>(user);
      if (!cast || !cast.getType().isInteger(32) || cast.getOut() == once)
        continue;
      if (!once)
        once = arith::IndexCastOp::create(b, argument.getLoc(), b.getI32Type(),
                                          argument);
      cast.replaceAllUsesWith(once);
      others.push_back(cast);
    }
  }
  // The block may begin with one of them.
  for (Operation *cast : others)
    cast->erase();
}

struct NarrowIndices final : attn::impl::NarrowIndicesBase<NarrowIndices> {
  void runOnOperation() override {
    FailureOr<tile::TargetAttr> target =
        tile::TargetAttr::require(getOperation(), getArgument());
    if (failed(target))
      return signalPassFailure();
    bool narrowAddresses = target->doesLack(tile::Lacks::Int64);
    SmallVector<FunctionOpInterface> kernels;
    getOperation()->walk(
        [&](gpu::GPUFuncOp kernel) { kernels.push_back(kernel); });
    // In a gpu.module there are none of them any more.
    if (auto module = dyn_cast<ModuleOp>(getOperation()))
      for (func::FuncOp kernel : getTensorCoreKernels(module)) {
        if (failed(prepareMatrixKernel(kernel)))
          return signalPassFailure();
        kernels.push_back(kernel);
      }
    for (FunctionOpInterface kernel : kernels)
      if (failed(narrow(kernel, narrowAddresses)))
        signalPassFailure();
  }

  LogicalResult narrow(FunctionOpInterface kernel, bool narrowAddresses) {
    RewritePatternSet comparisons(&getContext());
    comparisons.add<CompareDifference, ExpandUnsignedCast>(&getContext());
    if (failed(rewriteOps(kernel, std::move(comparisons),
                          llvm::IsaPred<arith::CmpIOp, arith::IndexCastUIOp>)))
      return failure();
    Clamping clamping;
    clamping.decide(kernel);
    clamping.apply();
    Narrowing narrowing(narrowAddresses,
                        /*keepLoops=*/isa<func::FuncOp>(kernel));
    narrowing.decide(kernel);
    narrowing.apply();
    numNarrowed += narrowing.getNumNarrowed();
    RewritePatternSet truncations(&getContext());
    truncations.add<PushTruncation<arith::TruncIOp>,
                    PushTruncation<arith::IndexCastOp>>(&getContext());
    if (failed(rewriteOps(kernel, std::move(truncations),
                          llvm::IsaPred<arith::TruncIOp, arith::IndexCastOp>)))
      return failure();
    takeArgumentsOnce(kernel.front());
    count(kernel);
    return success();
  }

  void count(Operation *kernel) {
    kernel->walk([&](Operation *op) {
      bool isArithmetic =
          isa<arith::ArithDialect, math::MathDialect>(op->getDialect());
      if (!isArithmetic || op->getNumOperands() < 2 ||
          llvm::none_of(op->getOperandTypes(), isWide))
        return;
      LLVM_DEBUG(llvm::dbgs() << "keeps 64 bits: " << *op << "\n");
      ++numWide;
    });
  }
};
} // namespace
