//===- RegisterDot.cpp - Products of tiles in registers -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A thread multiplies what it has of both factors. Lanes that have different
// parts of the depth add up what they got, and each keeps what the result's
// layout gives it: a lane bit that is a row or column there halves what is
// left, another one leaves all of it in both lanes.
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <map>

using namespace mlir;
using namespace attn;
using namespace attn::tile;

namespace {

/// What a register adds to the position of its thread.
using Offset = std::array<int64_t, 2>;

/// The layout of a factor by its outer dimension (of the result) and its depth.
struct Factor {
  Factor(TileType tile, bool transposed)
      : layout(*tile.getLinearLayout()), shape(tile.getShape()),
        outer(transposed ? 1 : 0), depth(1 - outer) {}

  Offset getOffset(int64_t reg) const {
    auto [inBlock, block] = layout.getRegisterPosition(reg);
    Offset sum{inBlock.row + block.row, inBlock.col + block.col};
    return {sum[outer], sum[depth]};
  }

  LinearLayout layout;
  ArrayRef<int64_t> shape;
  unsigned outer, depth;
};

/// Every bit of a number is a bit of a row or of a column, and no two are the
/// same one: what registers and lanes add to a position never carries.
bool isBitwise(const LinearLayout &layout) {
  int64_t taken[2] = {0, 0};
  for (const Bases *bases :
       {&layout.getRegisters(), &layout.getLanes(), &layout.getSubgroups()})
    for (const Basis &basis : *bases)
      for (unsigned dim = 0; dim < 2; ++dim) {
        if (basis[dim] == 0)
          continue;
        if (!llvm::isPowerOf2_64(basis[dim]) || basis[1 - dim] != 0 ||
            (taken[dim] & basis[dim]))
          return false;
        taken[dim] |= basis[dim];
      }
  return layout.isSurjective();
}

/// How the threads of a product share it.
class SharedProduct {
public:
  explicit SharedProduct(DotOp op)
      : a(op.getA().getType(), op.getTransposeA()),
        b(op.getB().getType(), !op.getTransposeB()),
        result(*op.getType().getLinearLayout()) {}

  /// Whether the layouts of factors and result belong together.
  bool match();

  Factor a, b;
  LinearLayout result;
  /// Lane bits that hold the depth, with what they are in the result.
  SmallVector<std::pair<unsigned, Offset>> summed;
  /// Registers of factors by outer dimension and depth.
  std::map<Offset, int64_t> ofA, ofB;
  SmallVector<int64_t> rows, cols, depths;

private:
  bool matchThreads(const Bases &ofA, const Bases &ofB, const Bases &ofResult,
                    bool areLanes);
  bool matchRegisters();
};

bool SharedProduct::matchThreads(const Bases &basesOfA, const Bases &basesOfB,
                                 const Bases &basesOfResult, bool areLanes) {
  for (auto [k, inA, inB, inResult] :
       llvm::enumerate(basesOfA, basesOfB, basesOfResult)) {
    if (inA[a.depth] != inB[b.depth])
      return false;
    if (inA[a.depth] == 0) {
      if (inResult != Basis{inA[a.outer], inB[b.outer]})
        return false;
      continue;
    }
    if (!areLanes)
      return false;
    summed.push_back({k, inResult});
  }
  return true;
}

bool SharedProduct::matchRegisters() {
  auto number = [](const Factor &factor, std::map<Offset, int64_t> &registers,
                   SmallVector<int64_t> &outer) {
    for (int64_t reg = 0; reg < factor.layout.getNumRegisters(); ++reg) {
      Offset offset = factor.getOffset(reg);
      registers.try_emplace(offset, reg);
      if (!llvm::is_contained(outer, offset[0]))
        outer.push_back(offset[0]);
    }
  };
  number(a, ofA, rows);
  number(b, ofB, cols);
  for (const auto &[offset, reg] : ofA)
    if (!llvm::is_contained(depths, offset[1]))
      depths.push_back(offset[1]);
  // Both factors have every row or column at the same depths.
  auto isFull = [&](const std::map<Offset, int64_t> &registers,
                    ArrayRef<int64_t> outer) {
    return registers.size() == outer.size() * depths.size() &&
           llvm::all_of(registers, [&](const auto &entry) {
             return llvm::is_contained(depths, entry.first[1]);
           });
  };
  if (!isFull(ofA, rows) || !isFull(ofB, cols))
    return false;
  // What lanes halve is there twice.
  auto has = [](ArrayRef<int64_t> all, int64_t number) {
    return llvm::is_contained(all, number);
  };
  auto hasHalves = [&](ArrayRef<int64_t> all, int64_t bit) {
    return llvm::all_of(all, [&](int64_t at) { return has(all, at ^ bit); });
  };
  for (const auto &[bit, place] : summed)
    if (!hasHalves(rows, place[0]) || !hasHalves(cols, place[1]))
      return false;
  for (int64_t reg = 0; reg < result.getNumRegisters(); ++reg) {
    auto [inBlock, block] = result.getRegisterPosition(reg);
    if (!has(rows, inBlock.row + block.row) ||
        !has(cols, inBlock.col + block.col))
      return false;
  }
  return true;
}

bool SharedProduct::match() {
  return isBitwise(a.layout) && isBitwise(b.layout) && isBitwise(result) &&
         matchThreads(a.layout.getLanes(), b.layout.getLanes(),
                      result.getLanes(), /*areLanes=*/true) &&
         matchThreads(a.layout.getSubgroups(), b.layout.getSubgroups(),
                      result.getSubgroups(), /*areLanes=*/false) &&
         matchRegisters();
}

struct RegisterDotLowering : TileOpPattern<DotOp> {
  using TileOpPattern::TileOpPattern;

  LogicalResult
  matchAndRewrite(DotOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isInRegisters(op.getOperands()))
      return failure();
    SharedProduct product(op);
    if (!product.match())
      return rewriter.notifyMatchFailure(
          op, "threads do not have what they would multiply");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    std::map<Offset, Value> sums =
        multiply(b, product, adaptor.getA(), adaptor.getB());
    // What halves is first: the others have less to exchange.
    for (bool halves : {true, false})
      for (const auto &[bit, place] : llvm::reverse(product.summed))
        if ((place != Offset{0, 0}) == halves)
          addUp(b, product, sums, bit, place);
    SmallVector<Value> elements;
    for (auto [reg, before] : llvm::enumerate(adaptor.getAcc())) {
      auto [inBlock, block] = product.result.getRegisterPosition(reg);
      Value sum = sums[{inBlock.row + block.row, inBlock.col + block.col}];
      elements.push_back(arith::AddFOp::create(b, before, sum));
    }
    replace(rewriter, op, ArrayRef<ValueRange>{elements});
    return success();
  }

private:
  /// The elements of a factor in f32, zero past its depth.
  class Widened {
  public:
    Widened(ImplicitLocOpBuilder &b, const KernelContext &context,
            const Factor &factor, ValueRange elements)
        : b(b), factor(factor), elements(elements) {
      for (const Bases *bases :
           {&factor.layout.getLanes(), &factor.layout.getSubgroups()})
        for (const Basis &basis : *bases)
          ofThreads += basis[factor.depth];
      ElementPosition thread = context.getThreadPosition(b, factor.layout);
      first = factor.depth ? thread.col : thread.row;
    }
    Value get(int64_t reg) const {
      Value value = convertFloat(b, elements[reg], b.getF32Type());
      int64_t offset = factor.getOffset(reg)[1],
              depth = factor.shape[factor.depth];
      if (offset + ofThreads < depth)
        return value;
      Value at = b.createOrFold<arith::AddIOp>(first, index(b, offset));
      Value zero = arith::ConstantOp::create(b, b.getZeroAttr(b.getF32Type()));
      return arith::SelectOp::create(b, isLess(b, at, index(b, depth)), value,
                                     zero);
    }

  private:
    ImplicitLocOpBuilder &b;
    const Factor &factor;
    ValueRange elements;
    int64_t ofThreads = 0;
    Value first;
  };

  /// Neighbouring operations add to different sums, those of the rows, so that
  /// none waits for the one before; and an element of the right factor, which
  /// is the larger one, is widened where all that it is multiplied with
  /// follows. The columns stay one after the other: where many wait for their
  /// factors together, drivers load these late.
  std::map<Offset, Value> multiply(ImplicitLocOpBuilder &b,
                                   const SharedProduct &product, ValueRange ofA,
                                   ValueRange ofB) const {
    Widened left(b, context, product.a, ofA), right(b, context, product.b, ofB);
    std::map<Offset, Value> wide, sums;
    for (const auto &[at, reg] : product.ofA)
      wide[at] = left.get(reg);
    for (int64_t col : product.cols)
      for (int64_t depth : product.depths) {
        Value y = right.get(product.ofB.at({col, depth}));
        for (int64_t row : product.rows) {
          Value x = wide.at({row, depth});
          Value &sum = sums[{row, col}];
          sum = sum ? Value(math::FmaOp::create(b, x, y, sum))
                    : Value(arith::MulFOp::create(b, x, y));
        }
      }
    return sums;
  }

  /// Adds what the lanes have that differ by `bit`. A lane keeps the half that
  /// `place` gives it and gets that of the other.
  void addUp(ImplicitLocOpBuilder &b, const SharedProduct &product,
             std::map<Offset, Value> &sums, unsigned bit,
             const Offset &place) const {
    int64_t mask = int64_t(1) << bit;
    SmallVector<Offset> places;
    SmallVector<Value> kept, sent;
    std::map<Offset, Value> added;
    // Through memory all exchange between the same barriers.
    auto add = [&](const Offset &at, Value own, Value other) {
      if (!context.exchangesInMemory()) {
        Value got = context.exchange(b, other, mask).front();
        added[at] = arith::AddFOp::create(b, own, got);
        return;
      }
      places.push_back(at);
      kept.push_back(own);
      sent.push_back(other);
    };
    if (place == Offset{0, 0}) {
      for (const auto &[at, sum] : sums)
        add(at, sum, sum);
    } else {
      Value isUpper = arith::CmpIOp::create(
          b, arith::CmpIPredicate::ne,
          b.createOrFold<arith::AndIOp>(context.getLane(), index(b, mask)),
          index(b, 0));
      for (const auto &[at, lower] : sums) {
        if ((at[0] & place[0]) || (at[1] & place[1]))
          continue;
        Value upper = sums.at({at[0] + place[0], at[1] + place[1]});
        Value own = arith::SelectOp::create(b, isUpper, upper, lower);
        Value other = arith::SelectOp::create(b, isUpper, lower, upper);
        add(at, own, other);
      }
    }
    for (auto [at, own, got] :
         llvm::zip_equal(places, kept, context.exchange(b, sent, mask)))
      added[at] = arith::AddFOp::create(b, own, got);
    sums = std::move(added);
  }
};

} // namespace

void attn::populateRegisterDotPatterns(const TypeConverter &converter,
                                       const KernelContext &context,
                                       RewritePatternSet &patterns) {
  patterns.add<RegisterDotLowering>(converter, context);
}
