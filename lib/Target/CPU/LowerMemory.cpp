//===- LowerMemory.cpp - Accesses to memory in LLVM's dialect -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An address is that of a row, and the last subscript, and a constant: what
// does not change in a loop over the last subscript can leave it, an
// instruction adds the rest, and LLVM has nothing to find out about addresses.
// In a block, those that differ by a constant are made of one.
//
//===----------------------------------------------------------------------===//

#include "LowerMemory.h"

#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

#include <map>
#include <memory>

using namespace mlir;
using namespace attn;

namespace {
/// Pointers that a block has already, by the block, the memref, and what of the
/// subscripts is no constant.
using KnownPointers = std::map<SmallVector<const void *>, Value>;

/// An element of a memref.
class Address {
public:
  Address(ImplicitLocOpBuilder &b, const LLVMTypeConverter &types,
          MemRefType type, Value descriptor)
      : b(b), types(types), type(type), descriptor(descriptor) {}

  /// Where the element with these subscripts lies; null ones are 0.
  Value find(ValueRange subscripts);
  /// So many elements further on.
  Value advance(Value pointer, int64_t elements);

private:
  /// Fields of a descriptor.
  enum Field : int64_t { Aligned = 1, Offset = 2, Strides = 4 };

  Value field(ArrayRef<int64_t> position) {
    return b.createOrFold<LLVM::ExtractValueOp>(descriptor, position);
  }
  Value index(int64_t value) {
    return LLVM::ConstantOp::create(
        b, types.getIndexType(), b.getIntegerAttr(types.getIndexType(), value));
  }
  Value move(Value pointer, LLVM::GEPArg elements) {
    return LLVM::GEPOp::create(b, pointer.getType(),
                               types.convertType(type.getElementType()),
                               pointer, ArrayRef<LLVM::GEPArg>{elements});
  }
  Value multiply(Value subscript, int64_t dimension, int64_t stride);

  ImplicitLocOpBuilder &b;
  const LLVMTypeConverter &types;
  MemRefType type;
  Value descriptor;
};
} // namespace

/// A subscript times the stride of its dimension.
Value Address::multiply(Value subscript, int64_t dimension, int64_t stride) {
  if (stride == 1)
    return subscript;
  Value factor = ShapedType::isDynamic(stride) ? field({Strides, dimension})
                                               : index(stride);
  return LLVM::MulOp::create(b, subscript, factor);
}

Value Address::find(ValueRange subscripts) {
  auto [strides, offset] = type.getStridesAndOffset();
  Value pointer = field(Aligned);
  if (ShapedType::isDynamic(offset))
    pointer = move(pointer, field(Offset));
  // One after the other, so that what outer loops choose leaves inner ones.
  for (auto [k, subscript] : llvm::enumerate(subscripts))
    if (subscript)
      pointer = move(pointer, multiply(subscript, k, strides[k]));
  return pointer;
}

Value Address::advance(Value pointer, int64_t elements) {
  constexpr int64_t mostInGEP = 1 << 29;
  if (elements > mostInGEP || elements < -mostInGEP)
    return move(pointer, index(elements));
  return elements ? move(pointer, static_cast<int32_t>(elements)) : pointer;
}

/// Takes constants out of a subscript, which is null if nothing is left.
static int64_t takeConstant(Value &subscript) {
  APInt number;
  int64_t sum = 0;
  for (auto add = subscript.getDefiningOp<arith::AddIOp>();
       add && matchPattern(add.getRhs(), m_ConstantInt(&number));
       add = subscript.getDefiningOp<arith::AddIOp>()) {
    sum += number.getSExtValue();
    subscript = add.getLhs();
  }
  if (matchPattern(subscript, m_ConstantInt(&number))) {
    sum += number.getSExtValue();
    subscript = nullptr;
  }
  return sum;
}

/// Bytes that every element is aligned to.
static unsigned alignmentOf(Type element, const LLVMTypeConverter &types) {
  unsigned bits = element.isIndex() ? types.getIndexTypeBitwidth()
                                    : element.getIntOrFloatBitWidth();
  return llvm::PowerOf2Ceil(llvm::divideCeil(bits, 8));
}

/// Whether MLIR's own patterns know more of `op`.
template <typename Op> static bool isSpecial(Op op, Type moved) {
  auto vector = dyn_cast<VectorType>(moved);
  return op.getNontemporal() || op.getAlignment() ||
         !getElementTypeOrSelf(moved).isIntOrIndexOrFloat() ||
         (vector && (vector.getRank() != 1 || vector.isScalable()));
}

static Value memoryOf(memref::LoadOp::Adaptor op) { return op.getMemref(); }
static Value memoryOf(memref::StoreOp::Adaptor op) { return op.getMemref(); }
static Value memoryOf(vector::LoadOp::Adaptor op) { return op.getBase(); }
static Value memoryOf(vector::StoreOp::Adaptor op) { return op.getBase(); }
static Value valueOf(memref::StoreOp::Adaptor op) { return op.getValue(); }
static Value valueOf(vector::StoreOp::Adaptor op) {
  return op.getValueToStore();
}

namespace {
/// An op on an element of a memref.
template <typename Op> class LowerElement : public ConvertOpToLLVMPattern<Op> {
public:
  LowerElement(const LLVMTypeConverter &types,
               std::shared_ptr<KnownPointers> pointers, PatternBenefit benefit)
      : ConvertOpToLLVMPattern<Op>(types, benefit),
        pointers(std::move(pointers)) {}

protected:
  FailureOr<Value> findElement(Op op, Value descriptor,
                               ConversionPatternRewriter &rewriter) const {
    MemRefType type = op.getMemRefType();
    auto [strides, offset] = type.getStridesAndOffset();
    int64_t constant = ShapedType::isDynamic(offset) ? 0 : offset;
    SmallVector<Value> subscripts(op.getIndices());
    SmallVector<const void *> key{op->getBlock(),
                                  descriptor.getAsOpaquePointer()};
    for (auto [subscript, stride] : llvm::zip_equal(subscripts, strides)) {
      if (!ShapedType::isDynamic(stride))
        constant += takeConstant(subscript) * stride;
      else if (matchPattern(subscript, m_Zero()))
        subscript = nullptr;
      key.push_back(subscript.getAsOpaquePointer());
      if (subscript && !(subscript = rewriter.getRemappedValue(subscript)))
        return failure();
    }
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Address address(b, *this->getTypeConverter(), type, descriptor);
    // Ops are lowered in their order: what the block has stands above.
    Value &known = (*pointers)[key];
    if (!known)
      known = address.find(subscripts);
    return address.advance(known, constant);
  }

private:
  std::shared_ptr<KnownPointers> pointers;
};

template <typename Op> struct LowerAccess final : LowerElement<Op> {
  using LowerElement<Op>::LowerElement;

  LogicalResult
  matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    constexpr bool stores = Op::template hasTrait<OpTrait::ZeroResults>();
    Type type = stores ? op->getOperand(0).getType() : op->getResultTypes()[0];
    if (isSpecial(op, type))
      return failure();
    FailureOr<Value> pointer =
        this->findElement(op, memoryOf(adaptor), rewriter);
    if (failed(pointer))
      return failure();
    const LLVMTypeConverter &types = *this->getTypeConverter();
    unsigned alignment = alignmentOf(getElementTypeOrSelf(type), types);
    if constexpr (stores)
      rewriter.replaceOpWithNewOp<LLVM::StoreOp>(op, valueOf(adaptor), *pointer,
                                                 alignment);
    else
      rewriter.replaceOpWithNewOp<LLVM::LoadOp>(op, types.convertType(type),
                                                *pointer, alignment);
    return success();
  }
};

struct LowerPrefetch final : LowerElement<memref::PrefetchOp> {
  using LowerElement::LowerElement;

  LogicalResult
  matchAndRewrite(memref::PrefetchOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    FailureOr<Value> pointer = findElement(op, adaptor.getMemref(), rewriter);
    if (failed(pointer))
      return failure();
    rewriter.replaceOpWithNewOp<LLVM::Prefetch>(op, *pointer, op.getIsWrite(),
                                                op.getLocalityHint(),
                                                op.getIsDataCache());
    return success();
  }
};
} // namespace

void attn::populateLowerMemoryPatterns(const LLVMTypeConverter &types,
                                       RewritePatternSet &patterns) {
  auto pointers = std::make_shared<KnownPointers>();
  patterns.add<LowerAccess<memref::LoadOp>, LowerAccess<vector::LoadOp>,
               LowerAccess<memref::StoreOp>, LowerAccess<vector::StoreOp>,
               LowerPrefetch>(types, pointers, /*benefit=*/2);
}
