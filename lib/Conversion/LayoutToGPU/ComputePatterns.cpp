//===- ComputePatterns.cpp - Arithmetic on tiles in registers -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Element by element where a thread's registers are; rows by registers first,
// then by shuffles between the lanes that share them.
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"

#include "attn/Analysis/IndexRanges.h"
#include "attn/Dialect/Tile/AttributeNames.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace attn;
using namespace attn::tile;

Value attn::addPosition(ImplicitLocOpBuilder &b, Value offset, Value within) {
  Value sum = b.createOrFold<arith::AddIOp>(offset, within);
  auto add = sum.getDefiningOp<arith::AddIOp>();
  if (add && add.getLhs() == offset && add.getRhs() == within)
    add->setAttr(tile::kSizeAttrName, b.getIndexAttr(kIndexLimit));
  return sum;
}

namespace {

struct SplatLowering : TileOpPattern<SplatOp> {
  using TileOpPattern::TileOpPattern;

  LogicalResult
  matchAndRewrite(SplatOp op, OneToNOpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    std::optional<LinearLayout> layout = op.getType().getLinearLayout();
    if (!layout)
      return failure();
    SmallVector<Value> elements(layout->getNumRegisters(), op.getValue());
    replace(rewriter, op, ArrayRef<ValueRange>{elements});
    return success();
  }
};

struct ConvertLowering : TileOpPattern<ConvertOp> {
  using TileOpPattern::TileOpPattern;

  LogicalResult
  matchAndRewrite(ConvertOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isInRegisters(op.getResult()))
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Type type = op.getType().getElementType();
    SmallVector<Value> elements;
    for (Value element : adaptor.getInput())
      elements.push_back(convertFloat(b, element, type));
    replace(rewriter, op, ArrayRef<ValueRange>{elements});
    return success();
  }
};

/// The region once for each register; row statistics are shared by the
/// registers of a row.
struct MapLowering : TileOpPattern<MapOp> {
  using TileOpPattern::TileOpPattern;

  LogicalResult
  matchAndRewrite(MapOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isInRegisters(op.getInputs()) || !isInRegisters(op.getResults()))
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    LinearLayout layout = getLayout(op.getResult(0));
    RegisterRows rows = KernelContext::getRows(layout);
    Block &body = op.getBody().front();
    SmallVector<SmallVector<Value>> results(op.getNumResults());
    for (int64_t reg = 0; reg < layout.getNumRegisters(); ++reg) {
      IRMapping mapping;
      for (auto [arg, input, elements] : llvm::zip_equal(
               op.getElementArgs(), op.getInputs(), adaptor.getInputs())) {
        bool isStatistic =
            cast<TileType>(input.getType()).getRank() < op.getDomainRank();
        mapping.map(arg, elements[isStatistic ? rows.rowOf[reg] : reg]);
      }
      ElementPosition position = context.getPosition(b, layout, reg);
      for (auto [k, arg] : llvm::enumerate(op.getIndexArgs())) {
        Named named(b, k ? "j" : "i");
        mapping.map(arg, addPosition(b, op.getOffsets()[k],
                                     k ? position.col : position.row));
      }
      for (Operation &nested : body.without_terminator())
        b.clone(nested, mapping);
      for (auto [k, value] :
           llvm::enumerate(body.getTerminator()->getOperands()))
        results[k].push_back(mapping.lookupOrDefault(value));
    }
    replace(rewriter, op,
            llvm::map_to_vector(results, [](const SmallVector<Value> &values) {
              return ValueRange(values);
            }));
    return success();
  }
};

struct ReduceLowering : TileOpPattern<ReduceOp> {
  using TileOpPattern::TileOpPattern;

  LogicalResult
  matchAndRewrite(ReduceOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isInRegisters(op.getInput()))
      return failure();
    LinearLayout layout = getLayout(op.getInput());
    std::optional<SmallVector<ThreadMask>> sharers = layout.getRowSharers();
    if (!sharers || llvm::any_of(*sharers, [](ThreadMask mask) {
          return mask.subgroup != 0;
        }))
      return rewriter.notifyMatchFailure(
          op, "rows are shared by more than the lanes of a subgroup");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    RegisterRows rows = KernelContext::getRows(layout);
    SmallVector<Value> partial(rows.count);
    for (auto [reg, element] : llvm::enumerate(adaptor.getInput())) {
      // What lies past the tile changes nothing.
      Value &row = partial[rows.rowOf[reg]];
      if (Value inside = getInsideColumn(b, layout, reg))
        element = arith::SelectOp::create(
            b, inside, element,
            getNeutral(b, op, adaptor.getInit()[rows.rowOf[reg]]));
      row = row ? combine(b, op, row, element) : element;
    }
    // What is reduced to as many columns as lanes hold stays with them.
    bool isShared = op.getType().getRank() == 1;
    if (!isShared && (op.getType().getCols() != layout.getBlockCols() ||
                      partial.size() != adaptor.getInit().size()))
      return rewriter.notifyMatchFailure(op, "lanes have other columns");
    auto masks = llvm::map_to_vector(
        *sharers, [](ThreadMask mask) -> int64_t { return mask.lane; });
    if (isShared && context.exchangesInMemory())
      gather(b, op, partial, masks);
    SmallVector<Value> results;
    for (auto [total, init] : llvm::zip_equal(partial, adaptor.getInit())) {
      if (isShared && !context.exchangesInMemory())
        for (int64_t mask : masks)
          total =
              combine(b, op, total, context.exchange(b, total, mask).front());
      results.push_back(combine(b, op, init, total));
    }
    replace(rewriter, op, ArrayRef<ValueRange>{results});
    return success();
  }

private:
  /// Lanes that share rows combine what they have, in pairs of pairs: all get
  /// the same bits (rule 19).
  void gather(ImplicitLocOpBuilder &b, ReduceOp op,
              MutableArrayRef<Value> partial, ArrayRef<int64_t> masks) const {
    if (masks.empty())
      return;
    for (auto [total, all] :
         llvm::zip_equal(partial, context.gather(b, partial, masks))) {
      for (size_t step = 1; step < all.size(); step *= 2)
        for (size_t k = 0; k < all.size(); k += 2 * step)
          all[k] = combine(b, op, all[k], all[k + step]);
      total = all.front();
    }
  }

  /// A maximum may meet its initial value any number of times.
  static Value getNeutral(ImplicitLocOpBuilder &b, ReduceOp op, Value init) {
    if (op.getKind() == ReduceKind::Max)
      return init;
    return arith::ConstantOp::create(b, b.getZeroAttr(init.getType()));
  }
  Value getInsideColumn(ImplicitLocOpBuilder &b, const LinearLayout &layout,
                        int64_t reg) const {
    LinearLayout anyRow(layout.getRegisters(), layout.getLanes(),
                        layout.getSubgroups(),
                        llvm::alignTo(layout.getRows(), layout.getBlockRows()),
                        layout.getCols());
    return context.getPosition(b, anyRow, reg).inside;
  }
};

/// Threads compare the greatest that they hold of a row, and all of the
/// workgroup vote: what follows may move tiles through its memory.
struct AnyAboveLowering : TileOpPattern<AnyAboveOp> {
  using TileOpPattern::TileOpPattern;

  LogicalResult
  matchAndRewrite(AnyAboveOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isInRegisters(op.getOperands()))
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    RegisterRows rows = KernelContext::getRows(getLayout(op.getInput()));
    SmallVector<Value> greatest(rows.count);
    for (auto [reg, element] : llvm::enumerate(adaptor.getInput())) {
      Value &row = greatest[rows.rowOf[reg]];
      row = row ? arith::MaxNumFOp::create(b, row, element) : element;
    }
    Value any;
    for (auto [row, limit] : llvm::zip_equal(greatest, adaptor.getLimit())) {
      Value isAbove =
          arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, row, limit);
      any = any ? arith::OrIOp::create(b, any, isAbove) : isAbove;
    }
    rewriter.replaceOp(op, context.vote(b, any));
    return success();
  }
};

struct SubgroupLowering : TileOpPattern<SubgroupOp> {
  using TileOpPattern::TileOpPattern;

  LogicalResult
  matchAndRewrite(SubgroupOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Value count = arith::ConstantIndexOp::create(rewriter, op.getLoc(),
                                                 context.getNumSubgroups());
    rewriter.replaceOp(op, {context.getSubgroup(), count});
    return success();
  }
};

/// Every lane puts what it has beside what other subgroups have, and reads what
/// the same lane of each of them has put there.
struct CombineLowering : TileOpPattern<CombineOp> {
  using TileOpPattern::TileOpPattern;

  LogicalResult
  matchAndRewrite(CombineOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isInRegisters({op.getInput(), op.getResult()}))
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    LinearLayout from = getLayout(op.getInput()),
                 to = getLayout(op.getResult());
    int64_t numLanes = context.getNumLanes(),
            ofSubgroup = from.getNumRegisters() * numLanes;
    Value place = index(b, context.getCombinePlace(op));
    Value first = b.createOrFold<arith::AddIOp>(
        scale(b, context.getSubgroup(), ofSubgroup), place);
    for (auto [reg, element] : llvm::enumerate(adaptor.getInput()))
      memref::StoreOp::create(b, element, context.getCombineMemory(),
                              getPlace(b, first, reg * numLanes));
    gpu::BarrierOp::create(b);
    const RegisterNumbers numbers(from);
    Value chosen = place;
    for (auto [k, basis] : llvm::enumerate(to.getSubgroups())) {
      int64_t number = numbers.get({basis[0], basis[1]});
      if (number == 0)
        continue;
      Value bit = b.createOrFold<arith::RemUIOp>(
          b.createOrFold<arith::ShRUIOp>(context.getSubgroup(), index(b, k)),
          index(b, 2));
      chosen = b.createOrFold<arith::AddIOp>(chosen,
                                             scale(b, bit, number * numLanes));
    }
    SmallVector<Value> results;
    for (int64_t reg = 0; reg < to.getNumRegisters(); ++reg) {
      auto [inBlock, block] = to.getRegisterPosition(reg);
      int64_t number =
          numbers.get({inBlock.row + block.row, inBlock.col + block.col});
      // What lies past the tile means nothing, and is nowhere.
      Value at = chosen;
      if (Value inside = context.getPosition(b, to, reg).inside)
        at = arith::SelectOp::create(b, inside, at, place);
      results.push_back(readAll(b, op, at, number * numLanes, ofSubgroup));
    }
    if (!context.combinesInOwnPlaces())
      gpu::BarrierOp::create(b);
    replace(rewriter, op, ArrayRef<ValueRange>{results});
    return success();
  }

private:
  /// Registers by what they add to the position of a lane.
  class RegisterNumbers {
  public:
    explicit RegisterNumbers(const LinearLayout &layout) {
      for (int64_t reg = 0; reg < layout.getNumRegisters(); ++reg) {
        auto [inBlock, block] = layout.getRegisterPosition(reg);
        numbers.try_emplace({inBlock.row + block.row, inBlock.col + block.col},
                            reg);
      }
    }
    int64_t get(std::pair<int64_t, int64_t> position) const {
      return numbers.lookup(position);
    }

  private:
    DenseMap<std::pair<int64_t, int64_t>, int64_t> numbers;
  };

  static Value scale(ImplicitLocOpBuilder &b, Value number, int64_t factor) {
    return b.createOrFold<arith::MulIOp>(number, index(b, factor));
  }
  Value getPlace(ImplicitLocOpBuilder &b, Value first, int64_t offset) const {
    Value ofLane = b.createOrFold<arith::AddIOp>(first, context.getLane());
    return b.createOrFold<arith::AddIOp>(ofLane, index(b, offset));
  }
  Value readAll(ImplicitLocOpBuilder &b, CombineOp op, Value first,
                int64_t offset, int64_t stride) const {
    Value total;
    for (int64_t k = 0; k < context.getNumSubgroups(); ++k) {
      Value part =
          memref::LoadOp::create(b, context.getCombineMemory(),
                                 getPlace(b, first, offset + k * stride));
      if (!total)
        total = part;
      else if (op.getKind() == ReduceKind::Max)
        total = arith::MaxNumFOp::create(b, total, part);
      else
        total = arith::AddFOp::create(b, total, part);
    }
    return total;
  }
};

} // namespace

void attn::populateComputePatterns(const TypeConverter &converter,
                                   const KernelContext &context,
                                   RewritePatternSet &patterns) {
  patterns.add<SplatLowering, ConvertLowering, MapLowering, ReduceLowering,
               AnyAboveLowering, SubgroupLowering, CombineLowering>(converter,
                                                                    context);
}
