//===- NarrowIndices.cpp - Index arithmetic with 32 bits ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two proofs let an op on index or i64 be one on i32: its operands and results
// fit and 32 bits give the same numbers, or nobody looks at the high bits of a
// sum or product. The first is decided for a whole kernel, then its ops change
// their types; the second follows from the casts that this leaves.
//
//===----------------------------------------------------------------------===//

#include "Retype.h"
#include "attn/Analysis/IndexRanges.h"
#include "attn/Conversion/LegalizeKernels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
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
  explicit Narrowing(bool narrowAddresses) : narrowAddresses(narrowAddresses) {}

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

  bool narrowAddresses;
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
  bool isStore = isa<memref::StoreOp, gpu::SubgroupMmaStoreMatrixOp>(access);
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
      return decideLoop(loop);
    if (auto branch = dyn_cast<scf::IfOp>(op))
      return decideBranch(branch);
    if (isa<memref::LoadOp, memref::StoreOp, gpu::SubgroupMmaLoadMatrixOp,
            gpu::SubgroupMmaStoreMatrixOp>(op))
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
// Low bits
//===----------------------------------------------------------------------===//

namespace {
/// The low bits of an extended number are those of the number, and those of a
/// sum or product that has no other use are one of i32.
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
    if (!isModular(source) || !llvm::all_of(source->getUsers(), isTruncation))
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

struct NarrowIndices final : attn::impl::NarrowIndicesBase<NarrowIndices> {
  void runOnOperation() override {
    FailureOr<tile::TargetAttr> target =
        tile::TargetAttr::require(getOperation(), getArgument());
    if (failed(target))
      return signalPassFailure();
    bool narrowAddresses = target->doesLack(tile::Lacks::Int64);
    getOperation()->walk([&](gpu::GPUFuncOp kernel) {
      if (failed(narrow(kernel, narrowAddresses)))
        signalPassFailure();
    });
  }

  LogicalResult narrow(gpu::GPUFuncOp kernel, bool narrowAddresses) {
    RewritePatternSet comparisons(&getContext());
    comparisons.add<CompareDifference, ExpandUnsignedCast>(&getContext());
    if (failed(applyPatternsGreedily(kernel, std::move(comparisons))))
      return failure();
    Narrowing narrowing(narrowAddresses);
    narrowing.decide(kernel);
    narrowing.apply();
    numNarrowed += narrowing.getNumNarrowed();
    RewritePatternSet truncations(&getContext());
    truncations.add<PushTruncation<arith::TruncIOp>,
                    PushTruncation<arith::IndexCastOp>>(&getContext());
    if (failed(applyPatternsGreedily(kernel, std::move(truncations))))
      return failure();
    kernel.walk([&](Operation *op) {
      bool isArithmetic =
          isa<arith::ArithDialect, math::MathDialect>(op->getDialect());
      if (!isArithmetic || op->getNumOperands() < 2 ||
          llvm::none_of(op->getOperandTypes(), isWide))
        return;
      LLVM_DEBUG(llvm::dbgs() << "keeps 64 bits: " << *op << "\n");
      ++numWide;
    });
    return success();
  }
};
} // namespace
