//===- SharedDot.cpp - Products of tiles in workgroup memory --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A thread computes a block of rows and columns: what it reads of a factor
// serves several multiplications. Where memory is vectors, they are read along
// the depth and multiplied element by element, or along neighbouring columns.
//
//===----------------------------------------------------------------------===//

#include "../Staging.h"
#include "Patterns.h"

#include "attn/Dialect/Tile/AttributeNames.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace attn;
using namespace attn::tile;

static bool isShared(Value tile) {
  return isa_and_nonnull<SharedAttr>(
      cast<TileType>(tile.getType()).getLayout());
}

namespace {

/// The rows and columns of a thread's block. Past the edge of the tile the last
/// one is repeated.
struct ThreadBlock {
  ThreadBlock(ImplicitLocOpBuilder &b, const KernelContext &context,
              TileType result)
      : layout(*result.getLinearLayout()), rows(KernelContext::getRows(layout)),
        cols(KernelContext::getCols(layout)), rowAt(rows.count),
        colAt(cols.count) {
    for (int64_t reg = 0; reg < layout.getNumRegisters(); ++reg) {
      ElementPosition position = context.getPosition(b, layout, reg);
      auto clamp = [&](Value &at, Value number, int64_t size) {
        if (at)
          return;
        at = number;
        if (position.inside)
          at = b.createOrFold<arith::MinUIOp>(number, index(b, size - 1));
      };
      clamp(rowAt[rows.rowOf[reg]], position.row, result.getRows());
      clamp(colAt[cols.rowOf[reg]], position.col, result.getCols());
    }
  }

  LinearLayout layout;
  RegisterRows rows, cols;
  SmallVector<Value> rowAt, colAt;
};

struct SharedDotLowering : TileOpPattern<DotOp> {
  using TileOpPattern::TileOpPattern;

  LogicalResult
  matchAndRewrite(DotOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isShared(op.getA()) || !isShared(op.getB()) ||
        !op.getType().getLinearLayout())
      return failure();
    bool isFolded =
        cast<SharedAttr>(op.getA().getType().getLayout()).getFolds() ==
        kVectorElements;
    bool readsColumns = context.isInVectors(op.getB()) && !op.getTransposeB();
    if (context.isInVectors(op.getA()) &&
        (op.getTransposeA() || isFolded != readsColumns))
      return rewriter.notifyMatchFailure(op, "vectors of other elements");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    ThreadBlock block(b, context, op.getType());
    SmallVector<Value> sums;
    if (!context.isInVectors(op.getB()))
      sums = multiply(b, op, block, adaptor.getAcc());
    else if (!readsColumns)
      sums = multiplyDepths(b, op, block, adaptor.getAcc());
    else
      sums = multiplyColumns(b, op, block, adaptor.getAcc());
    replace(rewriter, op, ArrayRef<ValueRange>{sums});
    return success();
  }

private:
  static int64_t getDepth(DotOp op) {
    return op.getA().getType().getShape()[op.getTransposeA() ? 0 : 1];
  }

  Value readElement(ImplicitLocOpBuilder &b, Value tile, bool transposed,
                    Value i, Value j) const {
    if (transposed)
      std::swap(i, j);
    Value at = context.getSharedOffset(b, tile, i, j);
    return widen(b, memref::LoadOp::create(b, context.getBuffer(tile), at));
  }
  Value readVector(ImplicitLocOpBuilder &b, Value tile, Value row,
                   Value number) const {
    if (auto load = tile.getDefiningOp<LoadOp>();
        load && load->hasAttr(tile::kInMemoryAttrName))
      return widen(b, readInMemory(b, context, load, row, number));
    Value at = context.getVectorOffset(b, tile, row, number);
    return widen(b, memref::LoadOp::create(b, context.getBuffer(tile), at));
  }

  /// One k after another.
  SmallVector<Value> multiply(ImplicitLocOpBuilder &b, DotOp op,
                              const ThreadBlock &block, ValueRange acc) const {
    auto loop = scf::ForOp::create(
        b, index(b, 0), index(b, getDepth(op)), index(b, 1), acc,
        [&](OpBuilder &, Location, Value k, ValueRange sums) {
          SmallVector<Value> left, right, next;
          for (Value row : block.rowAt)
            left.push_back(
                readElement(b, op.getA(), op.getTransposeA(), row, k));
          for (Value col : block.colAt)
            right.push_back(
                readElement(b, op.getB(), op.getTransposeB(), k, col));
          for (auto [reg, sum] : llvm::enumerate(sums))
            next.push_back(math::FmaOp::create(b, left[block.rows.rowOf[reg]],
                                               right[block.cols.rowOf[reg]],
                                               sum));
          scf::YieldOp::create(b, next);
        });
    return llvm::to_vector_of<Value>(loop.getResults());
  }

  /// Vectors of depths one after the other.
  SmallVector<Value> multiplyDepths(ImplicitLocOpBuilder &b, DotOp op,
                                    const ThreadBlock &block,
                                    ValueRange acc) const {
    auto addProducts = [&](Value k, SmallVector<Value> &sums) {
      SmallVector<Value> left(block.rows.count), right;
      auto readRow = [&](size_t row) {
        left[row] = readVector(b, op.getA(), block.rowAt[row], k);
      };
      auto multiplyRow = [&](size_t row) {
        for (auto [reg, sum] : llvm::enumerate(sums)) {
          if (block.rows.rowOf[reg] != row)
            continue;
          Value col = right[block.cols.rowOf[reg]];
          for (int64_t part = 0; part < kVectorElements; ++part)
            sum = math::FmaOp::create(
                b, vector::ExtractOp::create(b, left[row], part),
                vector::ExtractOp::create(b, col, part), sum);
        }
      };
      auto rows = llvm::seq<size_t>(0, block.rows.count);
      bool isLate = hasFewRegisters(op);
      if (!isLate)
        llvm::for_each(rows, readRow);
      for (Value col : block.colAt)
        right.push_back(readVector(b, op.getB(), col, k));
      for (size_t row : rows) {
        if (isLate)
          readRow(row);
        multiplyRow(row);
      }
    };
    return iterate(b, op, getDepth(op) / kVectorElements, acc, addProducts);
  }

  /// One k after another, of which a thread has vectors of columns: registers
  /// of neighbours are numbered one after the other.
  SmallVector<Value> multiplyColumns(ImplicitLocOpBuilder &b, DotOp op,
                                     const ThreadBlock &block,
                                     ValueRange acc) const {
    auto type = VectorType::get({kVectorElements}, b.getF32Type());
    SmallVector<Value> before;
    for (size_t reg = 0; reg < acc.size(); reg += kVectorElements)
      before.push_back(vector::FromElementsOp::create(
          b, type, acc.slice(reg, kVectorElements)));
    SmallVector<Value> vectorAt;
    for (size_t col = 0; col < block.cols.count; col += kVectorElements)
      vectorAt.push_back(b.createOrFold<arith::DivUIOp>(
          block.colAt[col], index(b, kVectorElements)));
    auto addProduct = [&](Value k, function_ref<Value(size_t)> getLeft,
                          SmallVector<Value> &sums) {
      SmallVector<Value> left, right(vectorAt.size());
      for (size_t row = 0; row < block.rows.count; ++row)
        left.push_back(vector::BroadcastOp::create(b, type, getLeft(row)));
      auto readColumns = [&](size_t number) {
        right[number] = readVector(b, op.getB(), k, vectorAt[number]);
      };
      auto numberOf = [&](size_t n) -> size_t {
        return block.cols.rowOf[n * kVectorElements] / kVectorElements;
      };
      auto multiply = [&](size_t n) {
        Value row = left[block.rows.rowOf[n * kVectorElements]];
        sums[n] = math::FmaOp::create(b, row, right[numberOf(n)], sums[n]);
      };
      auto numbers = llvm::seq<size_t>(0, vectorAt.size());
      auto all = llvm::seq<size_t>(0, sums.size());
      if (!hasFewRegisters(op)) {
        llvm::for_each(numbers, readColumns);
        llvm::for_each(all, multiply);
        return;
      }
      for (size_t number : numbers) {
        readColumns(number);
        llvm::for_each(
            llvm::make_filter_range(
                all, [&](size_t n) { return numberOf(n) == number; }),
            multiply);
      }
    };
    auto addProducts = [&](Value k, SmallVector<Value> &sums) {
      addProduct(
          k,
          [&](size_t row) {
            return readElement(b, op.getA(), op.getTransposeA(),
                               block.rowAt[row], k);
          },
          sums);
    };
    // A vector of the left factor has elements of depths that lie apart.
    int64_t apart = getDepth(op) / kVectorElements;
    auto addFolds = [&](Value k, SmallVector<Value> &sums) {
      SmallVector<Value> vectors;
      for (Value row : block.rowAt)
        vectors.push_back(readVector(b, op.getA(), row, k));
      for (int64_t part = 0; part < kVectorElements; ++part)
        addProduct(
            b.createOrFold<arith::AddIOp>(k, index(b, part * apart)),
            [&](size_t row) -> Value {
              return vector::ExtractOp::create(b, vectors[row], part);
            },
            sums);
    };
    SmallVector<Value> sums,
        vectors = context.isInVectors(op.getA())
                      ? iterate(b, op, apart, before, addFolds)
                      : iterate(b, op, getDepth(op), before, addProducts);
    for (Value parts : vectors)
      for (int64_t k = 0; k < kVectorElements; ++k)
        sums.push_back(vector::ExtractOp::create(b, parts, k));
    return sums;
  }

  /// Whether a processor has no registers for what is read ahead. In
  /// SwiftShader f32 with heads of 64 takes 6% less where rows of queries, and
  /// columns of values, are read when they are multiplied, not all before.
  static bool hasFewRegisters(DotOp op) {
    auto target = TargetAttr::lookup(op);
    return target && isImitated(target);
  }

  /// A loop over 0, 1, ..., `count` - 1 that carries sums; two a turn, but
  /// where a processor has no registers for them. On an H100 f32 with heads of
  /// 64 takes 26.8 TFLOP/s so, 24.1 with one; SwiftShader takes 20 % longer.
  static SmallVector<Value>
  iterate(ImplicitLocOpBuilder &b, DotOp op, int64_t count, ValueRange before,
          function_ref<void(Value, SmallVector<Value> &)> body) {
    bool isOne = count % 2 != 0 || hasFewRegisters(op);
    int64_t ofTurn = isOne ? 1 : 2;
    auto loop = scf::ForOp::create(
        b, index(b, 0), index(b, count / ofTurn), index(b, 1), before,
        [&](OpBuilder &, Location, Value turn, ValueRange carried) {
          SmallVector<Value> sums(carried);
          Value first = b.createOrFold<arith::MulIOp>(turn, index(b, ofTurn));
          for (int64_t k = 0; k < ofTurn; ++k)
            body(b.createOrFold<arith::AddIOp>(first, index(b, k)), sums);
          scf::YieldOp::create(b, sums);
        });
    return llvm::to_vector_of<Value>(loop.getResults());
  }
};

} // namespace

void attn::populateSharedDotPatterns(const TypeConverter &converter,
                                     const KernelContext &context,
                                     RewritePatternSet &patterns) {
  patterns.add<SharedDotLowering>(converter, context);
}
