//===- ExpandSugar.cpp - Sugar of attn.attention into regions -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Softcap, ALiBi and bias become the end of the score region; causal, prefix,
// window, segments and mask tensors become the end of the mask region (rule
// 10).
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/Attn.h"
#include "attn/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <algorithm>
#include <limits>

namespace attn {
#define GEN_PASS_DEF_EXPANDSUGAR
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

namespace {

/// Bottom-right causal masking: the last query sees the last key (rule 9).
Value createBottomRightOffset(ImplicitLocOpBuilder &builder) {
  Type index = builder.getIndexType();
  return arith::SubIOp::create(builder, KVLenOp::create(builder, index),
                               QLenOp::create(builder, index));
}

/// Builds at the end of one region of an attention op.
class RegionBuilder : public ImplicitLocOpBuilder {
public:
  RegionBuilder(AttentionOp op, Block &block, unsigned numLeadingArgs)
      : ImplicitLocOpBuilder(op.getLoc(), block.getTerminator()), op(op),
        block(block), numLeadingArgs(numLeadingArgs) {}

  Value getBatch() { return getPoint(0); }
  Value getHead() { return getPoint(1); }
  Value getRow() { return getPoint(2); }
  Value getKey() { return getPoint(3); }

  YieldOp getYield() { return cast<YieldOp>(block.getTerminator()); }

  Value createIndex(int64_t value) {
    return arith::ConstantIndexOp::create(*this, value);
  }
  Value createFloat(float value) {
    return arith::ConstantOp::create(*this, getF32FloatAttr(value));
  }
  Value compare(arith::CmpIPredicate predicate, Value lhs, Value rhs) {
    return arith::CmpIOp::create(*this, predicate, lhs, rhs);
  }

  /// i + q_offset (rule 9).
  Value getPosition() {
    if (op.isBottomRight())
      return arith::AddIOp::create(*this, getRow(),
                                   createBottomRightOffset(*this));
    if (!op.getQOffset())
      return getRow();
    return arith::AddIOp::create(*this, getRow(),
                                 QOffsetOp::create(*this, getIndexType()));
  }

  /// |i + q_offset - j| in f32. Differences of indices fit 32 bits; with an
  /// offset of any size they do where it is near. A far one, beside which a
  /// difference is no larger, joins as a float of its own.
  Value createDistance() {
    Value position = getPosition(), far;
    if (op.getQOffset()) {
      constexpr int64_t limit = int64_t(1) << 30;
      Value offset = QOffsetOp::create(*this, getIndexType());
      Value isNear = arith::AndIOp::create(
          *this,
          compare(arith::CmpIPredicate::sge, offset, createIndex(-limit)),
          compare(arith::CmpIPredicate::slt, offset, createIndex(limit)));
      Value number = arith::IndexCastOp::create(*this, getI64Type(), position);
      number = arith::SIToFPOp::create(*this, getF32Type(), number);
      far = arith::SelectOp::create(*this, isNear, createFloat(0.0f), number);
      position =
          arith::SelectOp::create(*this, isNear, position, createIndex(0));
    }
    Value distance = arith::SubIOp::create(*this, position, getKey());
    distance = arith::IndexCastOp::create(*this, getI32Type(), distance);
    distance = arith::SIToFPOp::create(*this, getF32Type(), distance);
    if (far)
      distance = arith::AddFOp::create(*this, distance, far);
    return math::AbsFOp::create(*this, distance);
  }

  /// The region's argument for an operand, which becomes a capture.
  Value getCapture(Value operand) {
    return block.getArgument(numLeadingArgs + op.capture(operand));
  }

  /// An element of a captured tensor or memref.
  Value read(Value operand, ValueRange indices) {
    Value source = getCapture(operand);
    if (isa<MemRefType>(source.getType()))
      return memref::LoadOp::create(*this, source, indices);
    return tensor::ExtractOp::create(*this, source, indices);
  }

  /// An operand that has one value, or one a batch, as an index.
  Value readPerBatch(Value operand) {
    Value value = isa<ShapedType>(operand.getType()) ? read(operand, getBatch())
                                                     : getCapture(operand);
    if (value.getType().isIndex())
      return value;
    return arith::IndexCastOp::create(*this, getIndexType(), value);
  }

  /// The element of a broadcast tensor: its dimensions are the last ones of
  /// (b, h, i, j), and all but j may have the size 1.
  Value readBroadcast(Value operand) {
    auto type = cast<ShapedType>(operand.getType());
    SmallVector<Value> point{getBatch(), getHead(), getRow(), getKey()};
    MutableArrayRef<Value> indices =
        MutableArrayRef(point).take_back(type.getRank());
    for (auto [dim, index] : llvm::enumerate(indices.drop_back()))
      if (type.getDimSize(dim) == 1)
        index = createIndex(0);
    return read(operand, indices);
  }

  /// j < size of the last axis of a broadcast tensor, or null if the axis is
  /// known to reach the last key.
  Value createTailMask(Value operand) {
    auto type = cast<ShapedType>(operand.getType());
    int64_t size = type.getShape().back(), numKeys = op.getKeyLength();
    if (ShapedType::isStatic(size) && ShapedType::isStatic(numKeys) &&
        size >= numKeys)
      return {};
    Value end;
    if (ShapedType::isStatic(size))
      end = createIndex(size);
    else if (Value source = getCapture(operand);
             isa<MemRefType>(source.getType()))
      end = memref::DimOp::create(*this, source, type.getRank() - 1);
    else
      end = tensor::DimOp::create(*this, source, type.getRank() - 1);
    return compare(arith::CmpIPredicate::slt, getKey(), end);
  }

private:
  /// The last four arguments before the captures are b, h, i and j.
  Value getPoint(unsigned index) {
    return block.getArgument(numLeadingArgs - 4 + index);
  }

  AttentionOp op;
  Block &block;
  unsigned numLeadingArgs;
};

} // namespace

/// An element of a captured table in the type that is computed in.
static Value widen(RegionBuilder &builder, Value element) {
  if (element.getType().isF32())
    return element;
  return arith::ExtFOp::create(builder, builder.getF32Type(), element);
}

/// c tanh(s / c), as products: no target divides as fast, and s / c loses
/// nothing to a second rounding that tanh would show.
static Value capScore(RegionBuilder &builder, Value score, float cap) {
  // Of a subnormal cap there is no inverse, and what it makes of scores may
  // count as 0 anyway.
  cap = std::max(cap, std::numeric_limits<float>::min());
  auto multiply = [&](Value value, float factor) -> Value {
    return arith::MulFOp::create(builder, value, builder.createFloat(factor));
  };
  auto bend = [&](Value quotient) -> Value {
    Value tanh = math::TanhOp::create(builder, quotient);
    return arith::MulFOp::create(builder, builder.createFloat(cap), tanh);
  };
  constexpr float large = 0x1p100f, step = 0x1p-32f;
  if (cap <= large)
    return bend(multiply(score, 1.0f / cap));
  // Quotients of ordinary scores would be subnormal numbers, which may count as
  // 0; such scores are what they were to 2^-27.
  Value size = math::AbsFOp::create(builder, score);
  Value isOrdinary =
      arith::CmpFOp::create(builder, arith::CmpFPredicate::OLT, size,
                            builder.createFloat(cap * 0x1p-13f));
  Value bent = bend(multiply(multiply(score, step), 1.0f / (cap * step)));
  return arith::SelectOp::create(builder, isOrdinary, score, bent);
}

/// Appends softcap, ALiBi and bias to the score region.
static void expandScore(AttentionOp op) {
  if (!op.getSoftcapAttr() && !op.getAlibi() && !op.getBias())
    return;
  RegionBuilder builder(op, op.getOrCreateScoreBlock(),
                        AttentionOp::kNumScoreArgs);
  YieldOp yield = builder.getYield();
  Value score = yield.getValue();

  if (std::optional<float> cap = op.getSoftcap())
    score = capScore(builder, score, *cap);

  if (Value slopes = op.getAlibi()) {
    Value indices[] = {builder.getBatch(), builder.getHead()};
    int64_t rank = cast<ShapedType>(slopes.getType()).getRank();
    Value slope =
        widen(builder, builder.read(slopes, ArrayRef(indices).take_back(rank)));
    Value penalty =
        arith::MulFOp::create(builder, slope, builder.createDistance());
    score = arith::SubFOp::create(builder, score, penalty);
  }

  if (Value bias = op.getBias()) {
    Value term = widen(builder, builder.readBroadcast(bias));
    score = arith::AddFOp::create(builder, score, term);
  }
  yield.getValueMutable().assign(score);
}

/// Appends every mask to the mask region.
static void expandMask(AttentionOp op) {
  // Whether any sugar masks is known once its conditions are built, so a region
  // made for them alone may have to go again.
  bool hadRegion = op.hasMaskRegion();
  RegionBuilder builder(op, op.getOrCreateMaskBlock(),
                        AttentionOp::kNumMaskArgs);
  YieldOp yield = builder.getYield();
  Value keep = hadRegion ? yield.getValue() : Value();
  auto require = [&](Value condition) {
    if (condition)
      keep = keep ? arith::AndIOp::create(builder, keep, condition) : condition;
  };

  if (op.getCausalAttr()) {
    Value visible = builder.compare(arith::CmpIPredicate::sle, builder.getKey(),
                                    builder.getPosition());
    if (Value prefix = op.getPrefix()) {
      Value inPrefix =
          builder.compare(arith::CmpIPredicate::slt, builder.getKey(),
                          builder.readPerBatch(prefix));
      visible = arith::OrIOp::create(builder, visible, inPrefix);
    }
    require(visible);
  }

  // Distances are compared, not positions with the window added: that sum could
  // overflow for a huge window.
  if (WindowAttr window = op.getWindowAttr()) {
    auto requireWithin = [&](int64_t limit, bool keysBefore) {
      if (limit == kUnbounded)
        return;
      Value position = builder.getPosition(), key = builder.getKey();
      Value distance = keysBefore
                           ? arith::SubIOp::create(builder, position, key)
                           : arith::SubIOp::create(builder, key, position);
      require(builder.compare(arith::CmpIPredicate::sle, distance,
                              builder.createIndex(limit)));
    };
    requireWithin(window.getLeft(), /*keysBefore=*/true);
    requireWithin(window.getRight(), /*keysBefore=*/false);
  }

  if (op.getQSegments()) {
    Value query =
        builder.read(op.getQSegments(), {builder.getBatch(), builder.getRow()});
    Value key = builder.read(op.getKvSegments(),
                             {builder.getBatch(), builder.getKey()});
    require(builder.compare(arith::CmpIPredicate::eq, query, key));
  }

  if (Value mask = op.getMaskTensor()) {
    Value attends = builder.readBroadcast(mask);
    // A byte is true unless it is 0.
    if (Type type = attends.getType(); !type.isInteger(1))
      attends = builder.compare(
          arith::CmpIPredicate::ne, attends,
          arith::ConstantOp::create(builder, builder.getZeroAttr(type)));
    require(attends);
    require(builder.createTailMask(mask));
  }
  if (Value bias = op.getBias())
    require(builder.createTailMask(bias));

  if (!keep) {
    op.getMask().getBlocks().clear();
    return;
  }
  Operation *all = hadRegion ? nullptr : yield.getValue().getDefiningOp();
  yield.getValueMutable().assign(keep);
  if (all)
    all->erase();
}

/// Writes kv_len - q_len where the user's regions ask for the offset that
/// bottom-right causal masking implies.
static void expandBottomRightOffset(AttentionOp op) {
  if (!op.isBottomRight())
    return;
  op->walk([](QOffsetOp offset) {
    ImplicitLocOpBuilder builder(offset.getLoc(), offset);
    offset.replaceAllUsesWith(createBottomRightOffset(builder));
    offset.erase();
  });
}

static void markTanhApproximate(AttentionOp op) {
  if (!op.getApproxTanh())
    return;
  op.getScore().walk([](math::TanhOp tanh) {
    tanh.setFastmath(tanh.getFastmath() | arith::FastMathFlags::afn);
  });
}

static void dropSugar(AttentionOp op) {
  op.getAlibiMutable().clear();
  op.getBiasMutable().clear();
  op.getMaskTensorMutable().clear();
  op.getQSegmentsMutable().clear();
  op.getKvSegmentsMutable().clear();
  op.getPrefixMutable().clear();
  op.removeSoftcapAttr();
  op.removeCausalAttr();
  op.removeWindowAttr();
  op.setApproxTanh(false);
}

namespace {
struct ExpandSugarPass : public attn::impl::ExpandSugarBase<ExpandSugarPass> {
  void runOnOperation() override {
    getOperation()->walk([](AttentionOp op) {
      if (!op.hasSugar())
        return;
      expandScore(op);
      expandMask(op);
      expandBottomRightOffset(op);
      markTanhApproximate(op);
      dropSugar(op);
    });
  }
};
} // namespace
