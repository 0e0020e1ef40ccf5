//===- DeferSums.cpp - tile-defer-sums ------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Row sums that a loop carries become as many partial sums a row as a fragment,
// or the lanes that share the row, have columns. They are added after the loop:
// within it nothing goes through workgroup memory or shuffles.
//
//===----------------------------------------------------------------------===//

#include "Matrices.h"
#include "attn/Conversion/AssignLayouts.h"
#include "attn/Transforms/ScheduleChoices.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"

namespace attn {
#define GEN_PASS_DEF_DEFERSUMS
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;
using namespace attn::tile;

namespace {

/// How an iteration makes the next value of a carried sum: it multiplies it by
/// row statistics and adds a tile.
struct CarriedSum {
  unsigned number;
  ReduceOp reduce;
  /// From the carried value on, in order.
  SmallVector<MapOp> scalings;
};

} // namespace

/// A product of element `number` and another input of the map.
static bool multiplies(MapOp map, Value tile) {
  if (map.getInputs().size() != 2 || map.getNumResults() != 1 ||
      map.getDomainRank() != 1 || !llvm::is_contained(map.getInputs(), tile) ||
      map.getInputs()[0] == map.getInputs()[1])
    return false;
  Block &body = map.getBody().front();
  auto product =
      body.getTerminator()->getOperand(0).getDefiningOp<arith::MulFOp>();
  ValueRange elements = map.getElementArgs();
  return product &&
         ((product.getLhs() == elements[0] &&
           product.getRhs() == elements[1]) ||
          (product.getLhs() == elements[1] && product.getRhs() == elements[0]));
}

static std::optional<CarriedSum> match(scf::ForOp loop, unsigned number) {
  Value carried = loop.getRegionIterArg(number);
  auto type = dyn_cast<TileType>(carried.getType());
  if (!type || type.getRank() != 1 || !type.getElementType().isF32())
    return std::nullopt;
  CarriedSum sum{
      number, loop.getYieldedValues()[number].getDefiningOp<ReduceOp>(), {}};
  if (!sum.reduce || sum.reduce->getBlock() != loop.getBody() ||
      sum.reduce.getKind() != ReduceKind::Sum ||
      !sum.reduce.getResult().hasOneUse())
    return std::nullopt;
  while (carried != sum.reduce.getInit()) {
    if (!carried.hasOneUse())
      return std::nullopt;
    auto map = dyn_cast<MapOp>(*carried.user_begin());
    if (!map || map->getBlock() != loop.getBody() || !multiplies(map, carried))
      return std::nullopt;
    sum.scalings.push_back(map);
    carried = map.getResult(0);
  }
  return carried.hasOneUse() ? std::optional(sum) : std::nullopt;
}

/// Partial sums of which the first has what was there before the loop.
static Value spread(ImplicitLocOpBuilder &b, Value rows, TileType type) {
  auto splat = rows.getDefiningOp<SplatOp>();
  if (splat && matchPattern(splat.getValue(), m_AnyZeroFloat()))
    return SplatOp::create(b, type, splat.getValue());
  Value zero = arith::ConstantIndexOp::create(b, 0);
  return MapOp::create(
             b, TypeRange{type}, ValueRange{rows}, ValueRange{zero, zero},
             [&](OpBuilder &nested, Location loc, ValueRange x,
                 ValueRange at) -> SmallVector<Value> {
               ImplicitLocOpBuilder body(loc, nested);
               Value isFirst = arith::CmpIOp::create(
                   body, arith::CmpIPredicate::eq, at[1], zero);
               Value none =
                   arith::ConstantOp::create(body, body.getF32FloatAttr(0));
               return {arith::SelectOp::create(body, isFirst, x[0], none)};
             })
      .getResult(0);
}

static void defer(scf::ForOp loop, const CarriedSum &sum, int64_t cols) {
  ReduceOp reduce = sum.reduce;
  ImplicitLocOpBuilder b(reduce.getLoc(), loop);
  TileType rows = reduce.getType();
  // Threads that have columns of the tile have partial sums of the same.
  auto type = TileType::get(b.getContext(), {rows.getRows(), cols},
                            rows.getElementType())
                  .withLayout(reduce.getInput().getType().getLayout());
  OpOperand &init = loop.getInitArgsMutable()[sum.number];
  init.set(spread(b, init.get(), type));
  Value partial = loop.getRegionIterArg(sum.number);
  partial.setType(type);
  for (MapOp map : sum.scalings) {
    b.setInsertionPoint(map);
    SmallVector<Value> offsets(map.getOffsets());
    offsets.push_back(arith::ConstantIndexOp::create(b, 0));
    auto wide =
        MapOp::create(b, TypeRange{type}, map.getInputs(), offsets,
                      [](OpBuilder &nested, Location loc, ValueRange x,
                         ValueRange) -> SmallVector<Value> {
                        return {arith::MulFOp::create(nested, loc, x[0], x[1])};
                      });
    map.getResult(0).replaceAllUsesWith(wide.getResult(0));
    map.erase();
  }
  b.setInsertionPoint(reduce);
  Value added = ReduceOp::create(b, type, ReduceKind::Sum, reduce.getInput(),
                                 reduce.getInit());
  reduce.getResult().replaceAllUsesWith(added);
  reduce.erase();
  Value result = loop.getResult(sum.number);
  result.setType(type);
  b.setInsertionPointAfter(loop);
  Value none = SplatOp::create(
      b, rows, arith::ConstantOp::create(b, b.getF32FloatAttr(0)));
  auto total = ReduceOp::create(b, rows, ReduceKind::Sum, result, none);
  result.replaceAllUsesExcept(total, total);
}

namespace {
struct DeferSums final : attn::impl::DeferSumsBase<DeferSums> {
  using Base::Base;

  void runOnOperation() override {
    std::optional<Matrices> matrices = findMatrices(getOperation());
    // Sums are registers there.
    if (matrices && matrices->areOpaque())
      matrices.reset();
    func::FuncOp kernel = getOperation();
    bool defers = decideScheduled(true, kernel, &ScheduleAttr::getDeferSums);
    unsigned number = 0, possible = 0;
    kernel.walk([&](scf::ForOp loop) {
      for (unsigned k = 0; k < loop.getNumRegionIterArgs(); ++k) {
        std::optional<CarriedSum> sum = match(loop, k);
        if (!sum)
          continue;
        // Lanes hold what is in registers of a machine with matrices, too.
        bool hasLayout =
            sum->reduce.getInput().getType().getLayout() != Attribute();
        int64_t cols = columns                  ? columns.getValue()
                       : matrices && !hasLayout ? matrices->n
                                                : getLaneColumns(sum->reduce);
        if (cols < 2 || sum->reduce.getInput().getType().getCols() % cols)
          continue;
        ++possible;
        if (!defers)
          continue;
        defer(loop, *sum, cols);
        ++number;
      }
    });
    numDeferred += number;
    if (possible)
      addChoices(kernel, explainChoice(
                             kernel, "defer_sums", &ScheduleAttr::getDeferSums,
                             number ? "row sums are added up after the loop"
                                    : "row sums are added up in each tile",
                             "until then each lane adds up its columns"));
  }

private:
  /// Columns that the lanes which share a row have together; 0 where a lane has
  /// neighbours.
  static int64_t getLaneColumns(ReduceOp reduce) {
    std::optional<LinearLayout> layout =
        reduce.getInput().getType().getLinearLayout();
    return layout && layout->getRegisters().empty() ? layout->getBlockCols()
                                                    : 0;
  }
};
} // namespace
