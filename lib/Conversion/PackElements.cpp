//===- PackElements.cpp - Small elements out of words ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Buffers of bytes and halves as buffers of the 32-bit words in which they lie.
//
//===----------------------------------------------------------------------===//

#include "Retype.h"
#include "attn/Analysis/IndexRanges.h"
#include "attn/Conversion/LegalizeKernels.h"
#include "attn/Dialect/Tile/AttributeNames.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn {
#define GEN_PASS_DEF_PACKELEMENTS
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

/// The bits of an element that words hold several of, else 0.
static int64_t getPackedWidth(Type type) {
  if (type.isInteger(1))
    return 8;
  return type.isInteger(8) || type.isInteger(16) || type.isBF16()
             ? type.getIntOrFloatBitWidth()
             : 0;
}

static Value bitsAbove(ImplicitLocOpBuilder &b, Value index, int64_t count) {
  return b.createOrFold<arith::ShRUIOp>(
      index, arith::ConstantIndexOp::create(b, count));
}

/// The element of `type` in the lowest `width` bits of a word.
static Value decode(ImplicitLocOpBuilder &b, Value word, Type type,
                    int64_t width) {
  Value bits = arith::TruncIOp::create(b, b.getIntegerType(width), word);
  if (type.isInteger(1))
    return arith::CmpIOp::create(
        b, arith::CmpIPredicate::ne, bits,
        arith::ConstantOp::create(b, b.getIntegerAttr(bits.getType(), 0)));
  if (type == bits.getType())
    return bits;
  return arith::BitcastOp::create(b, type, bits);
}

/// The bits of an element, with zeros in front.
static Value encode(ImplicitLocOpBuilder &b, Value element, int64_t width) {
  if (isa<FloatType>(element.getType()))
    element = arith::BitcastOp::create(b, b.getIntegerType(width), element);
  return arith::ExtUIOp::create(b, b.getI32Type(), element);
}

/// The number of an element in its buffer.
static Value getPosition(ImplicitLocOpBuilder &b, Value index,
                         ValueRange offsets, bool countsIn32Bits) {
  for (Value offset : offsets)
    index = b.createOrFold<arith::AddIOp>(offset, index);
  // A launcher that narrows what it binds counts elements in 32 bits (rule 21).
  if (Operation *op = index.getDefiningOp();
      op && op->getNumResults() == 1 && countsIn32Bits)
    op->setAttr(tile::kSizeAttrName, b.getIndexAttr(INT32_MAX));
  return index;
}

/// How far from the low end of its word an element of `width` bits lies.
static Value getShift(ImplicitLocOpBuilder &b, Value position, int64_t width) {
  Value lane = b.createOrFold<arith::AndIOp>(
      position, arith::ConstantIndexOp::create(b, 32 / width - 1));
  return b.createOrFold<arith::MulIOp>(
      arith::IndexCastOp::create(b, b.getI32Type(), lane),
      arith::ConstantOp::create(b, b.getI32IntegerAttr(width)));
}

/// Reads the word around an element instead of the element.
static void readWord(memref::LoadOp load, int64_t width, ValueRange offsets,
                     bool countsIn32Bits) {
  ImplicitLocOpBuilder b(load.getLoc(), load);
  Type type = load.getType();
  Value position =
      getPosition(b, load.getIndices().front(), offsets, countsIn32Bits);
  load.getIndicesMutable().assign(
      bitsAbove(b, position, llvm::Log2_64(32 / width)));
  load.getResult().setType(b.getI32Type());

  b.setInsertionPointAfter(load);
  auto low =
      arith::ShRUIOp::create(b, load.getResult(), getShift(b, position, width));
  Value element = decode(b, low, type, width);
  load.getResult().replaceAllUsesExcept(element, low);
}

/// Clears an element in its word and sets its bits: threads, also of other
/// workgroups, store other elements of the word meanwhile.
static void writeWord(memref::StoreOp store, int64_t width, ValueRange offsets,
                      bool countsIn32Bits) {
  ImplicitLocOpBuilder b(store.getLoc(), store);
  Value position =
      getPosition(b, store.getIndices().front(), offsets, countsIn32Bits);
  Value word = bitsAbove(b, position, llvm::Log2_64(32 / width));
  Value shift = getShift(b, position, width);
  auto constant = [&](int64_t bits) {
    return arith::ConstantOp::create(
        b, b.getI32IntegerAttr(static_cast<int32_t>(bits)));
  };
  Value mask =
      arith::ShLIOp::create(b, constant((int64_t(1) << width) - 1), shift);
  Value others = arith::XOrIOp::create(b, mask, constant(-1));
  Value bits =
      arith::ShLIOp::create(b, encode(b, store.getValue(), width), shift);
  for (auto [kind, value] : {std::pair(arith::AtomicRMWKind::andi, others),
                             {arith::AtomicRMWKind::ori, bits}})
    memref::AtomicRMWOp::create(b, kind, value, store.getMemRef(), word);
  store.erase();
}

/// A view of whole words; offsets within them are added to indices.
static void viewWords(memref::ReinterpretCastOp view, int64_t perWord) {
  ImplicitLocOpBuilder b(view.getLoc(), view);
  OpFoldResult size = view.getMixedSizes().front(), words;
  if (std::optional<int64_t> known = getConstantIntValue(size)) {
    words = b.getIndexAttr(llvm::divideCeil(*known, perWord));
  } else {
    Value last = b.createOrFold<arith::AddIOp>(
        cast<Value>(size), arith::ConstantIndexOp::create(b, perWord - 1));
    words = bitsAbove(b, last, llvm::Log2_64(perWord));
  }
  int64_t count = getConstantIntValue(words).value_or(ShapedType::kDynamic);
  auto type = MemRefType::get({count}, b.getI32Type());
  auto replacement = memref::ReinterpretCastOp::create(
      b, type, view.getSource(), b.getIndexAttr(0),
      ArrayRef<OpFoldResult>{words}, ArrayRef<OpFoldResult>{b.getIndexAttr(1)});
  view.getResult().replaceAllUsesWith(replacement.getResult());
  view.erase();
}

static FailureOr<bool> pack(gpu::GPUFuncOp kernel) {
  bool changed = false;
  tile::TargetAttr target = tile::TargetAttr::lookup(kernel);
  for (BlockArgument argument : getParameters(kernel)) {
    auto memory = dyn_cast<MemRefType>(argument.getType());
    int64_t width = memory ? getPackedWidth(memory.getElementType()) : 0;
    if (!width)
      continue;
    bool countsIn32Bits = target.doesLack(tile::Lacks::Int64);
    Type word = IntegerType::get(kernel.getContext(), 32);
    setElementType(kernel, argument, word);
    for (Operation *user : llvm::to_vector(argument.getUsers())) {
      auto view = cast<memref::ReinterpretCastOp>(user);
      for (Operation *access : llvm::to_vector(view->getUsers())) {
        if (auto load = dyn_cast<memref::LoadOp>(access))
          readWord(load, width, view.getOffsets(), countsIn32Bits);
        else
          writeWord(cast<memref::StoreOp>(access), width, view.getOffsets(),
                    countsIn32Bits);
      }
      viewWords(view, 32 / width);
    }
    changed = true;
  }
  return changed;
}

namespace {
struct PackElements final
    : KernelsThatLack<attn::impl::PackElementsBase<PackElements>,
                      tile::Lacks::SmallStorage> {
  FailureOr<bool> visit(gpu::GPUFuncOp kernel) override { return pack(kernel); }
};
} // namespace
