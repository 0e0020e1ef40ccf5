//===- LowerMemory.cpp - Accesses to memory in LLVM's dialect -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An address is that of a row, and the last subscript, and a constant: what
// does not change in a loop over the last subscript can leave it, an
// instruction adds the rest, and LLVM has nothing to find out about addresses.
//
//===----------------------------------------------------------------------===//

#include "LowerMemory.h"

#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace attn;

namespace {
/// An element of a memref.
class Address {
public:
  Address(ImplicitLocOpBuilder &b, const LLVMTypeConverter &types,
          MemRefType type, Value descriptor)
      : b(b), types(types), type(type), descriptor(descriptor) {}

  /// `subscripts` are `known` in LLVM's types.
  Value find(ValueRange known, ValueRange subscripts);

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
  Value addTerm(Value sum, Value term) {
    return sum ? LLVM::AddOp::create(b, sum, term).getResult() : term;
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

Value Address::find(ValueRange known, ValueRange subscripts) {
  auto [strides, offset] = type.getStridesAndOffset();
  int64_t constant = 0;
  Value outer, inner;
  if (ShapedType::isDynamic(offset))
    outer = field(Offset);
  else
    constant = offset;
  for (auto [k, subscript] : llvm::enumerate(subscripts)) {
    APInt number;
    if (matchPattern(known[k], m_ConstantInt(&number)) &&
        (number.isZero() || !ShapedType::isDynamic(strides[k]))) {
      if (!number.isZero())
        constant += number.getSExtValue() * strides[k];
      continue;
    }
    Value term = multiply(subscript, k, strides[k]);
    if (k + 1 == subscripts.size())
      inner = term;
    else
      outer = addTerm(outer, term);
  }
  Value pointer = field(Aligned);
  for (Value part : {outer, inner})
    if (part)
      pointer = move(pointer, part);
  constexpr int64_t mostInGEP = 1 << 29;
  if (constant > mostInGEP)
    pointer = move(pointer, index(constant));
  else if (constant)
    pointer = move(pointer, static_cast<int32_t>(constant));
  return pointer;
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
template <typename Op> struct LowerAccess final : ConvertOpToLLVMPattern<Op> {
  using ConvertOpToLLVMPattern<Op>::ConvertOpToLLVMPattern;

  LogicalResult
  matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    constexpr bool stores = Op::template hasTrait<OpTrait::ZeroResults>();
    Type type = stores ? op->getOperand(0).getType() : op->getResultTypes()[0];
    if (isSpecial(op, type))
      return failure();
    const LLVMTypeConverter &types = *this->getTypeConverter();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value pointer = Address(b, types, op.getMemRefType(), memoryOf(adaptor))
                        .find(op.getIndices(), adaptor.getIndices());
    unsigned alignment = alignmentOf(getElementTypeOrSelf(type), types);
    if constexpr (stores)
      rewriter.replaceOpWithNewOp<LLVM::StoreOp>(op, valueOf(adaptor), pointer,
                                                 alignment);
    else
      rewriter.replaceOpWithNewOp<LLVM::LoadOp>(op, types.convertType(type),
                                                pointer, alignment);
    return success();
  }
};
} // namespace

void attn::populateLowerMemoryPatterns(const LLVMTypeConverter &types,
                                       RewritePatternSet &patterns) {
  patterns.add<LowerAccess<memref::LoadOp>, LowerAccess<vector::LoadOp>,
               LowerAccess<memref::StoreOp>, LowerAccess<vector::StoreOp>>(
      types, /*benefit=*/2);
}
