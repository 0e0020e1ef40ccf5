//===- FragmentPatterns.cpp - Tiles in matrix fragments -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Nobody knows which lane holds which element of a fragment, only that
// fragments of one type agree: so arithmetic is on the elements of a lane, by
// number; a row statistic is a fragment whose columns are alike; numbers of
// rows and columns come in fragments, too. What a subgroup reduces or turns
// into a factor goes through a strip of its own.
//
//===----------------------------------------------------------------------===//

#include "../Staging.h"
#include "Patterns.h"
#include "attn/Analysis/IndexRanges.h"
#include "attn/Dialect/Tile/AttributeNames.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace attn;
using namespace attn::tile;

static FragmentAttr getFragments(TileType tile) {
  return dyn_cast_or_null<FragmentAttr>(tile.getLayout());
}
static FragmentAttr getFragments(Value tile) {
  return getFragments(cast<TileType>(tile.getType()));
}
static bool isFragments(Value tile) { return !!getFragments(tile); }

/// A fragment of `value` everywhere.
static Value splat(ImplicitLocOpBuilder &b, kernel::MatrixType type,
                   Value value) {
  Named named(b, matchPattern(value, m_AnyZeroFloat()) ? "zeros" : "filled");
  return kernel::FillMatrixOp::create(b, type, value);
}

/// How many elements of a fragment a lane holds.
static int64_t getLength(const KernelContext &context,
                         kernel::MatrixType type) {
  return type.getNumElements() / context.getNumLanes();
}

static Value extract(ImplicitLocOpBuilder &b, Value matrix, int64_t number) {
  return kernel::ExtractElementOp::create(b, matrix, number);
}

/// A fragment of which a lane computes one element after the other.
static Value build(ImplicitLocOpBuilder &b, const KernelContext &context,
                   kernel::MatrixType type,
                   function_ref<Value(int64_t number)> getElement) {
  Value zero =
      arith::ConstantOp::create(b, b.getZeroAttr(type.getElementType()));
  Value matrix = splat(b, type, zero);
  for (int64_t number = 0; number < getLength(context, type); ++number) {
    Value element = getElement(number);
    matrix = kernel::InsertElementOp::create(b, element, matrix, number);
  }
  return matrix;
}

/// Where element (row, col) of a tile in workgroup memory is in its buffer, and
/// by how much rows are apart: in elements, or in vectors if it is of such.
namespace {
struct StagedPlace {
  Value memory, at;
  int64_t pitch;
  bool transposed;
};
} // namespace
static StagedPlace findStaged(ImplicitLocOpBuilder &b,
                              const KernelContext &context, Value tile,
                              Value row, Value col) {
  auto type = cast<TileType>(tile.getType());
  auto shared = cast<SharedAttr>(type.getLayout());
  int64_t pitch = shared.getPitch(type.getRows(), type.getCols());
  StagedPlace place{context.getBuffer(tile), Value(), pitch,
                    shared.getColumnMajor()};
  if (!context.isInVectors(tile)) {
    place.at = context.getSharedOffset(b, tile, row, col);
    return place;
  }
  place.pitch /= kVectorElements;
  Value number = b.createOrFold<arith::DivUIOp>(col, index(b, kVectorElements));
  place.at = context.getVectorOffset(b, tile, row, number);
  return place;
}

/// A matrix whose rows (columns if `transpose`) are `pitch` elements apart.
static Value load(ImplicitLocOpBuilder &b, kernel::MatrixType type,
                  Value memory, Value at, int64_t pitch, bool transpose) {
  return kernel::LoadMatrixOp::create(b, type, memory, at, pitch, transpose);
}

static void store(ImplicitLocOpBuilder &b, Value matrix, Value memory, Value at,
                  int64_t pitch, bool transpose) {
  kernel::StoreMatrixOp::create(b, matrix, memory, at, pitch, transpose);
}

namespace {

/// The fragments of a subgroup.
struct Grid {
  int64_t rows, cols, fragmentRows, fragmentCols;
  /// The row and column of the tile at which they begin.
  Value firstRow, firstCol;

  Grid(ImplicitLocOpBuilder &b, const KernelContext &context, TileType tile) {
    FragmentAttr layout = getFragments(tile);
    auto [r, c] = layout.getFragmentsOfSubgroup(tile.getRows(), tile.getCols());
    rows = r;
    cols = tile.getRank() == 2 ? c : 1;
    fragmentRows = layout.getFragmentRows();
    fragmentCols = layout.getFragmentCols();
    Value parts = index(b, layout.getSubgroups()[1]);
    Named named(b, "first_row");
    Value rowPart =
        b.createOrFold<arith::DivUIOp>(context.getSubgroup(), parts);
    Value colPart =
        b.createOrFold<arith::RemUIOp>(context.getSubgroup(), parts);
    firstRow =
        b.createOrFold<arith::MulIOp>(rowPart, index(b, rows * fragmentRows));
    firstCol =
        b.createOrFold<arith::MulIOp>(colPart, index(b, cols * fragmentCols));
  }

  Value getRow(ImplicitLocOpBuilder &b, int64_t row) const {
    return b.createOrFold<arith::AddIOp>(firstRow,
                                         index(b, row * fragmentRows));
  }
  Value getCol(ImplicitLocOpBuilder &b, int64_t col) const {
    return b.createOrFold<arith::AddIOp>(firstCol,
                                         index(b, col * fragmentCols));
  }
};

//===----------------------------------------------------------------------===//
// Element by element
//===----------------------------------------------------------------------===//

struct SplatFragments : TileOpPattern<SplatOp> {
  using TileOpPattern::TileOpPattern;

  LogicalResult
  matchAndRewrite(SplatOp op, OneToNOpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isFragments(op))
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Grid grid(b, context, op.getType());
    SmallVector<Value> fragments(
        grid.rows * grid.cols,
        splat(b, getMatrixType(op.getType()), op.getValue()));
    replace(rewriter, op, ArrayRef<ValueRange>{fragments});
    return success();
  }
};

/// The region for each element of a lane. Its row and column are elements of
/// fragments, too.
struct MapFragments : TileOpPattern<MapOp> {
  using TileOpPattern::TileOpPattern;

  LogicalResult
  matchAndRewrite(MapOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isFragments(op.getResult(0)))
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto domain = cast<TileType>(op.getResult(0).getType());
    Grid grid(b, context, domain);
    std::array<Value, 2> numbers;
    for (auto [k, arg] : llvm::enumerate(op.getIndexArgs()))
      if (!arg.use_empty())
        numbers[k] = context.loadNumbers(b, getFragments(domain), k);
    SmallVector<SmallVector<Value>> results(op.getNumResults());
    for (int64_t row = 0; row < grid.rows; ++row)
      for (int64_t col = 0; col < grid.cols; ++col)
        mapFragment(b, op, adaptor, grid, numbers, row, col, results);
    replace(rewriter, op,
            llvm::map_to_vector(results, [](const SmallVector<Value> &values) {
              return ValueRange(values);
            }));
    return success();
  }

private:
  void mapFragment(ImplicitLocOpBuilder &b, MapOp op, OneToNOpAdaptor adaptor,
                   const Grid &grid, ArrayRef<Value> numbers, int64_t row,
                   int64_t col,
                   MutableArrayRef<SmallVector<Value>> results) const {
    Block &body = op.getBody().front();
    SmallVector<kernel::MatrixType> types;
    for (auto [k, result] : llvm::enumerate(op.getResults())) {
      auto type = getMatrixType(cast<TileType>(result.getType()));
      types.push_back(type);
      Value zero =
          arith::ConstantOp::create(b, b.getZeroAttr(type.getElementType()));
      results[k].push_back(splat(b, type, zero));
    }
    for (int64_t number = 0; number < getLength(context, types.front());
         ++number) {
      IRMapping mapping;
      for (auto [arg, input, fragments] : llvm::zip_equal(
               op.getElementArgs(), op.getInputs(), adaptor.getInputs())) {
        bool isStatistic =
            cast<TileType>(input.getType()).getRank() < op.getDomainRank();
        Value fragment = fragments[isStatistic ? row : row * grid.cols + col];
        mapping.map(arg, extract(b, fragment, number));
      }
      for (auto [k, arg] : llvm::enumerate(op.getIndexArgs())) {
        if (arg.use_empty())
          continue;
        Named named(b, k ? "j" : "i");
        Value first = k ? grid.getCol(b, col) : grid.getRow(b, row);
        Value within = getNumber(b, numbers[k], k, number);
        mapping.map(arg, addPosition(b,
                                     b.createOrFold<arith::AddIOp>(
                                         op.getOffsets()[k], first),
                                     within));
      }
      for (Operation &nested : body.without_terminator())
        b.clone(nested, mapping);
      for (auto [k, value] :
           llvm::enumerate(body.getTerminator()->getOperands()))
        results[k].back() = kernel::InsertElementOp::create(
            b, mapping.lookupOrDefault(value), results[k].back(), number);
    }
  }

  /// An element of the numbers of rows or columns (`dim`) of a fragment.
  static Value getNumber(ImplicitLocOpBuilder &b, Value numbers, unsigned dim,
                         int64_t number) {
    Value integer =
        arith::FPToSIOp::create(b, b.getI32Type(), extract(b, numbers, number));
    auto index = arith::IndexCastOp::create(b, b.getIndexType(), integer);
    ArrayRef<int64_t> shape =
        cast<kernel::MatrixType>(numbers.getType()).getShape();
    index->setAttr(tile::kSizeAttrName, b.getIndexAttr(shape[dim] - 1));
    return index;
  }
};

//===----------------------------------------------------------------------===//
// Products and rows
//===----------------------------------------------------------------------===//

struct DotFragments : TileOpPattern<DotOp> {
  using TileOpPattern::TileOpPattern;

  LogicalResult
  matchAndRewrite(DotOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    FragmentAttr layout = getFragments(op.getType());
    TileType a = op.getA().getType();
    FragmentAttr left = getFragments(a);
    bool isShared = isa_and_nonnull<SharedAttr>(a.getLayout());
    // A constant is filled in, what else is on the right lies in memory.
    bool isConstant = isFragments(op.getB());
    if (!layout ||
        (!isConstant &&
         !isa_and_nonnull<SharedAttr>(op.getB().getType().getLayout())) ||
        (left ? left.getUse() != FragmentUse::A || op.getTransposeA()
              : !isShared))
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Grid grid(b, context, op.getType());
    int64_t inner = left ? left.getFragmentCols() : context.getMatrixDepth();
    int64_t depth = a.getShape()[op.getTransposeA() ? 0 : 1];
    Type element = a.getElementType();
    auto aType = kernel::MatrixType::get(
        b.getContext(), {grid.fragmentRows, inner}, element, FragmentUse::A);
    auto bType = kernel::MatrixType::get(
        b.getContext(), {inner, grid.fragmentCols}, element, FragmentUse::B);
    SmallVector<Value> sums(adaptor.getAcc());
    for (int64_t k = 0; k < depth / inner; ++k) {
      Value at = index(b, k * inner);
      SmallVector<Value> rows;
      for (int64_t row = 0; row < grid.rows; ++row)
        rows.push_back(left ? adaptor.getA()[row * (depth / inner) + k]
                            : loadFactor(b, op.getA(), op.getTransposeA(),
                                         aType, grid.getRow(b, row), at));
      for (int64_t col = 0; col < grid.cols; ++col) {
        Value right = isConstant ? adaptor.getB()[k * grid.cols + col]
                                 : loadFactor(b, op.getB(), op.getTransposeB(),
                                              bType, at, grid.getCol(b, col));
        for (int64_t row = 0; row < grid.rows; ++row) {
          Value &sum = sums[row * grid.cols + col];
          sum = kernel::MultiplyMatricesOp::create(b, rows[row], right, sum);
        }
      }
    }
    replace(rewriter, op, ArrayRef<ValueRange>{sums});
    return success();
  }

private:
  /// Rows from `row` and columns from `col` of the factor, which is the tile or
  /// the transposed tile.
  Value loadFactor(ImplicitLocOpBuilder &b, Value tile, bool transposed,
                   kernel::MatrixType type, Value row, Value col) const {
    if (transposed)
      std::swap(row, col);
    StagedPlace place = findStaged(b, context, tile, row, col);
    Named named(b, context.getName(tile));
    return load(b, type, place.memory, place.at, place.pitch,
                transposed != place.transposed);
  }
};

/// Fragments of a row are combined element by element. To one value a row, a
/// lane folds what is left of it in the strip of its subgroup, from where it
/// comes back in all columns.
struct ReduceFragments : TileOpPattern<ReduceOp> {
  using TileOpPattern::TileOpPattern;

  LogicalResult
  matchAndRewrite(ReduceOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    FragmentAttr layout = getFragments(op.getInput());
    if (!layout || layout.getSubgroups()[1] != 1)
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Grid grid(b, context, op.getInput().getType());
    kernel::MatrixType type = getMatrixType(op.getType());
    bool toRows = op.getType().getRank() == 1;
    int64_t cols = toRows ? 1 : op.getType().getCols() / grid.fragmentCols;
    SmallVector<Value> results(adaptor.getInit());
    for (int64_t row = 0; row < grid.rows; ++row) {
      ValueRange fragments =
          ValueRange(adaptor.getInput()).slice(row * grid.cols, grid.cols);
      SmallVector<Value> folded(fragments.take_front(cols));
      for (auto [number, fragment] :
           llvm::enumerate(fragments.drop_front(cols))) {
        Value &part = folded[number % cols];
        part = combine(b, op, type, part, fragment);
      }
      for (int64_t col = 0; col < cols; ++col) {
        Value part = toRows ? foldColumns(b, op, layout, type, folded.front())
                            : folded[col];
        Value &result = results[row * cols + col];
        result = combine(b, op, type, result, part);
      }
    }
    replace(rewriter, op, ArrayRef<ValueRange>{results});
    return success();
  }

private:
  Value combine(ImplicitLocOpBuilder &b, ReduceOp op, kernel::MatrixType type,
                Value lhs, Value rhs) const {
    return build(b, context, type, [&](int64_t number) {
      return attn::combine(b, op, extract(b, lhs, number),
                           extract(b, rhs, number));
    });
  }

  Value foldColumns(ImplicitLocOpBuilder &b, ReduceOp op, FragmentAttr layout,
                    kernel::MatrixType type, Value fragment) const {
    KernelContext::Strip strip = context.getStrip(b, layout);
    int64_t rows = layout.getFragmentRows(), cols = layout.getFragmentCols();
    SubgroupBarrierOp::create(b);
    store(b, fragment, strip.memory, strip.fragment, cols, /*transpose=*/false);
    SubgroupBarrierOp::create(b);
    auto loop = [&] {
      Named named(b, "row");
      return scf::ForOp::create(b, context.getLane(), index(b, rows),
                                index(b, context.getNumLanes()));
    }();
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      Value row = loop.getInductionVar();
      Value first = b.createOrFold<arith::AddIOp>(
          strip.fragment, b.createOrFold<arith::MulIOp>(row, index(b, cols)));
      Value total;
      for (int64_t col = 0; col < cols; ++col) {
        Value element = memref::LoadOp::create(
            b, strip.memory,
            b.createOrFold<arith::AddIOp>(first, index(b, col)));
        total = total ? attn::combine(b, op, total, element) : element;
      }
      memref::StoreOp::create(b, total, strip.memory,
                              b.createOrFold<arith::AddIOp>(strip.rows, row));
    }
    SubgroupBarrierOp::create(b);
    Named named(b, context.getName(op.getResult()));
    return load(b, type, strip.memory, strip.rows, /*pitch=*/0,
                /*transpose=*/true);
  }
};

/// Lanes compare the greatest that they hold of a row, by element of its
/// fragments, and vote.
struct AnyAboveFragments : TileOpPattern<AnyAboveOp> {
  using TileOpPattern::TileOpPattern;

  LogicalResult
  matchAndRewrite(AnyAboveOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isFragments(op.getInput()))
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Grid grid(b, context, op.getInput().getType());
    int64_t length = getLength(context, getMatrixType(op.getInput().getType()));
    Value any;
    for (int64_t row = 0; row < grid.rows; ++row)
      for (int64_t number = 0; number < length; ++number) {
        Value greatest;
        for (int64_t col = 0; col < grid.cols; ++col) {
          Value element =
              extract(b, adaptor.getInput()[row * grid.cols + col], number);
          greatest = greatest ? arith::MaxNumFOp::create(b, greatest, element)
                              : element;
        }
        Value isAbove =
            arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, greatest,
                                  extract(b, adaptor.getLimit()[row], number));
        any = any ? arith::OrIOp::create(b, any, isAbove) : isAbove;
      }
    rewriter.replaceOpWithNewOp<gpu::SubgroupReduceOp>(
        op, any, gpu::AllReduceOperation::OR, /*uniform=*/false);
    return success();
  }
};

/// Fragment by fragment: of another element type, lanes may hold others.
struct ConvertFragments : TileOpPattern<ConvertOp> {
  using TileOpPattern::TileOpPattern;

  LogicalResult
  matchAndRewrite(ConvertOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isFragments(op))
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Type type = getMatrixType(op.getType());
    SmallVector<Value> fragments;
    for (Value fragment : adaptor.getInput()) {
      auto converted = kernel::ConvertMatrixOp::create(b, type, fragment);
      if (Attribute any = op->getAttr(tile::kAnyRoundingAttrName))
        converted->setAttr(tile::kAnyRoundingAttrName, any);
      fragments.push_back(converted);
    }
    replace(rewriter, op, ArrayRef<ValueRange>{fragments});
    return success();
  }
};

//===----------------------------------------------------------------------===//
// tile.relayout
//===----------------------------------------------------------------------===//

struct RelayoutFragments : TileOpPattern<RelayoutOp> {
  using TileOpPattern::TileOpPattern;

  LogicalResult
  matchAndRewrite(RelayoutOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    TileType from = op.getInput().getType(), to = op.getType();
    auto isPlain = [](TileType tile) {
      auto shared = dyn_cast_or_null<SharedAttr>(tile.getLayout());
      return shared && !shared.getSwizzle();
    };
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    if (getFragments(to) && getFragments(from)) {
      replace(rewriter, op, {changeUse(b, op, adaptor.getInput())});
      return success();
    }
    if (context.areMatricesOpaque() &&
        (from.getLinearLayout() || to.getLinearLayout())) {
      if (!isInLaneStrips(from) || !isInLaneStrips(to))
        return rewriter.notifyMatchFailure(op, "lanes have other elements");
      replace(rewriter, op,
              {getFragments(to) ? gatherLanes(b, op, adaptor.getInput())
                                : spreadToLanes(b, op, adaptor.getInput())});
      return success();
    }
    if (getFragments(to) && isPlain(from)) {
      replace(rewriter, op, {loadFragments(b, op)});
      return success();
    }
    if (!getFragments(from) || !isPlain(to))
      return failure();
    if (to.getRank() == 2)
      storeFragments(b, op, adaptor.getInput());
    else
      storeRows(b, op, adaptor.getInput());
    replace(rewriter, op, {ValueRange()});
    return success();
  }

private:
  /// Accumulators become factors: element by element where the machine has the
  /// same elements in both, else through the strip of the subgroup.
  SmallVector<Value> changeUse(ImplicitLocOpBuilder &b, RelayoutOp op,
                               ValueRange fragments) const {
    TileType from = op.getInput().getType(), to = op.getType();
    kernel::MatrixType fromType = getMatrixType(from), type = getMatrixType(to);
    if (context.areElementsAlike(fromType, type))
      return llvm::map_to_vector(fragments, [&](Value fragment) {
        return build(b, context, type, [&](int64_t number) {
          return extract(b, fragment, number);
        });
      });
    Grid fromGrid(b, context, from), grid(b, context, to);
    KernelContext::FactorStrip strip = context.getFactorStrip(b, to);
    int64_t cols = std::max(fromGrid.fragmentCols, grid.fragmentCols);
    int64_t stored = cols / fromGrid.fragmentCols;
    int64_t loaded = cols / grid.fragmentCols;
    SmallVector<Value> result;
    for (size_t first = 0; first < fragments.size(); first += stored) {
      auto place = [&](int64_t col) {
        return b.createOrFold<arith::AddIOp>(strip.first, index(b, col));
      };
      SubgroupBarrierOp::create(b);
      for (int64_t k = 0; k < stored; ++k)
        store(b, fragments[first + k], strip.memory,
              place(k * fromGrid.fragmentCols), cols, /*transpose=*/false);
      SubgroupBarrierOp::create(b);
      for (int64_t k = 0; k < loaded; ++k)
        result.push_back(load(b, type, strip.memory,
                              place(k * grid.fragmentCols), cols,
                              /*transpose=*/false));
    }
    return result;
  }

  SmallVector<Value> loadFragments(ImplicitLocOpBuilder &b,
                                   RelayoutOp op) const {
    TileType from = op.getInput().getType();
    Grid grid(b, context, op.getType());
    kernel::MatrixType type = getMatrixType(op.getType());
    bool isBlock = from.getRank() == 2;
    SmallVector<Value> fragments;
    for (int64_t row = 0; row < grid.rows; ++row)
      for (int64_t col = 0; col < grid.cols; ++col) {
        StagedPlace place =
            findStaged(b, context, op.getInput(), grid.getRow(b, row),
                       isBlock ? grid.getCol(b, col) : index(b, 0));
        // A row statistic is read for each column anew.
        if (!isBlock)
          place.pitch = 0, place.transposed = true;
        fragments.push_back(load(b, type, place.memory, place.at, place.pitch,
                                 place.transposed));
      }
    return fragments;
  }

  /// Sums in fragments, or what lanes have of such: neighbours of a row, and
  /// rows of a fragment where it has them.
  static bool isInLaneStrips(TileType tile) {
    if (!tile.getElementType().isF32() || tile.getRank() != 2)
      return false;
    if (FragmentAttr fragments = getFragments(tile))
      return fragments.getUse() == FragmentUse::Accumulator;
    std::optional<LinearLayout> layout = tile.getLinearLayout();
    return layout && holdsVectors(*layout, tile);
  }

  /// Calls `body` with the first of `kVectorElements` neighbours among the
  /// registers that are in fragments of this row, `columns` of them from `col`
  /// on; and where they are in the strip.
  void forEachVector(ImplicitLocOpBuilder &b, const LinearLayout &layout,
                     const KernelContext::LaneStrip &strip, int64_t row,
                     int64_t col,
                     function_ref<void(int64_t reg, Value at)> body) const {
    Bases lanes;
    for (const Basis &basis : layout.getLanes())
      lanes.push_back({basis[0], basis[1] / kVectorElements});
    ElementPosition lane = context.getThreadPosition(
        b, LinearLayout({}, lanes, {}, /*rows=*/1, /*cols=*/1));
    Value first = b.createOrFold<arith::AddIOp>(
        strip.first,
        b.createOrFold<arith::AddIOp>(
            b.createOrFold<arith::MulIOp>(lane.row, index(b, strip.pitch)),
            lane.col));
    for (int64_t reg = 0; reg < layout.getNumRegisters();
         reg += kVectorElements) {
      auto [inBlock, block] = layout.getRegisterPosition(reg);
      int64_t at = inBlock.col + block.col - col;
      if (inBlock.row + block.row != row || at < 0 || at >= strip.columns)
        continue;
      body(reg, b.createOrFold<arith::AddIOp>(first,
                                              index(b, at / kVectorElements)));
    }
  }

  /// For the fragments that fit a strip together: `first` among those of the
  /// subgroup, where they are in the tile, and how many.
  void forEachStrip(
      const Grid &grid, int64_t columns,
      function_ref<void(int64_t first, int64_t row, int64_t col, int64_t count)>
          body) const {
    int64_t count = columns / grid.fragmentCols;
    for (int64_t row = 0; row < grid.rows; ++row)
      for (int64_t col = 0; col < grid.cols; col += count)
        body(row * grid.cols + col, row * grid.fragmentRows,
             col * grid.fragmentCols, count);
  }

  /// Fragments of which lanes get elements that they know.
  SmallVector<Value> spreadToLanes(ImplicitLocOpBuilder &b, RelayoutOp op,
                                   ValueRange fragments) const {
    Grid grid(b, context, op.getInput().getType());
    LinearLayout layout = *op.getType().getLinearLayout();
    KernelContext::LaneStrip strip = context.getLaneStrip(b);
    SmallVector<Value> elements(layout.getNumRegisters());
    forEachStrip(
        grid, strip.columns,
        [&](int64_t first, int64_t row, int64_t col, int64_t count) {
          gpu::BarrierOp::create(b);
          for (int64_t k = 0; k < count; ++k)
            store(b, fragments[first + k], strip.memory,
                  getStripPlace(b, grid, strip, k), strip.pitch,
                  /*transpose=*/false);
          gpu::BarrierOp::create(b);
          forEachVector(b, layout, strip, row, col, [&](int64_t reg, Value at) {
            Value vector = memref::LoadOp::create(b, strip.memory, at);
            for (int64_t k = 0; k < kVectorElements; ++k)
              elements[reg + k] = vector::ExtractOp::create(b, vector, k);
          });
        });
    return elements;
  }

  /// The other way.
  SmallVector<Value> gatherLanes(ImplicitLocOpBuilder &b, RelayoutOp op,
                                 ValueRange elements) const {
    Grid grid(b, context, op.getType());
    kernel::MatrixType type = getMatrixType(op.getType());
    LinearLayout layout = *op.getInput().getType().getLinearLayout();
    KernelContext::LaneStrip strip = context.getLaneStrip(b);
    auto vectorType = VectorType::get({kVectorElements}, b.getF32Type());
    SmallVector<Value> fragments;
    forEachStrip(
        grid, strip.columns,
        [&](int64_t, int64_t row, int64_t col, int64_t count) {
          gpu::BarrierOp::create(b);
          forEachVector(b, layout, strip, row, col, [&](int64_t reg, Value at) {
            Value vector = vector::FromElementsOp::create(
                b, vectorType, elements.slice(reg, kVectorElements));
            memref::StoreOp::create(b, vector, strip.memory, at);
          });
          gpu::BarrierOp::create(b);
          for (int64_t k = 0; k < count; ++k)
            fragments.push_back(load(b, type, strip.memory,
                                     getStripPlace(b, grid, strip, k),
                                     strip.pitch, /*transpose=*/false));
        });
    return fragments;
  }

  static Value getStripPlace(ImplicitLocOpBuilder &b, const Grid &grid,
                             const KernelContext::LaneStrip &strip,
                             int64_t number) {
    return b.createOrFold<arith::AddIOp>(
        strip.first, index(b, number * grid.fragmentCols / kVectorElements));
  }

  void storeFragments(ImplicitLocOpBuilder &b, RelayoutOp op,
                      ValueRange fragments) const {
    TileType to = op.getType();
    auto shared = cast<SharedAttr>(to.getLayout());
    Grid grid(b, context, op.getInput().getType());
    gpu::BarrierOp::create(b);
    for (int64_t row = 0; row < grid.rows; ++row)
      for (int64_t col = 0; col < grid.cols; ++col)
        store(b, fragments[row * grid.cols + col], context.getBuffer(op),
              context.getSharedOffset(b, op, grid.getRow(b, row),
                                      grid.getCol(b, col)),
              shared.getPitch(to.getRows(), to.getCols()),
              shared.getColumnMajor());
    gpu::BarrierOp::create(b);
  }

  /// Of columns that are alike the first.
  void storeRows(ImplicitLocOpBuilder &b, RelayoutOp op,
                 ValueRange fragments) const {
    FragmentAttr layout = getFragments(op.getInput());
    Grid grid(b, context, op.getInput().getType());
    KernelContext::Strip strip = context.getStrip(b, layout);
    gpu::BarrierOp::create(b);
    for (auto [row, fragment] : llvm::enumerate(fragments)) {
      SubgroupBarrierOp::create(b);
      store(b, fragment, strip.memory, strip.fragment, grid.fragmentCols,
            /*transpose=*/false);
      SubgroupBarrierOp::create(b);
      auto loop =
          scf::ForOp::create(b, context.getLane(), index(b, grid.fragmentRows),
                             index(b, context.getNumLanes()));
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      Value at = b.createOrFold<arith::AddIOp>(
          strip.fragment,
          b.createOrFold<arith::MulIOp>(loop.getInductionVar(),
                                        index(b, grid.fragmentCols)));
      Value element = memref::LoadOp::create(b, strip.memory, at);
      Value tileRow = b.createOrFold<arith::AddIOp>(grid.getRow(b, row),
                                                    loop.getInductionVar());
      memref::StoreOp::create(
          b, element, context.getBuffer(op),
          context.getSharedOffset(b, op, tileRow, index(b, 0)));
    }
    gpu::BarrierOp::create(b);
  }
};

} // namespace

void attn::populateFragmentPatterns(const TypeConverter &converter,
                                    const KernelContext &context,
                                    RewritePatternSet &patterns) {
  patterns.add<SplatFragments, MapFragments, DotFragments, ReduceFragments,
               AnyAboveFragments, ConvertFragments, RelayoutFragments>(
      converter, context);
}
