//===- PackElements.cpp - Small elements out of words ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Buffers of bytes and halves as buffers of the 32-bit words in which they lie.
//
//===----------------------------------------------------------------------===//

#include "Retype.h"
#include "attn/Analysis/IndexRanges.h"
#include "attn/Conversion/LegalizeKernels.h"

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

/// Reads the word around an element instead of the element.
static void readWord(memref::LoadOp load, int64_t width, ValueRange offsets,
                     bool countsIn32Bits) {
  ImplicitLocOpBuilder b(load.getLoc(), load);
  int64_t perWord = 32 / width;
  Type type = load.getType();
  Value index = load.getIndices().front();
  for (Value offset : offsets)
    index = b.createOrFold<arith::AddIOp>(offset, index);
  // A launcher that narrows what it binds counts elements in 32 bits (rule 21).
  if (Operation *op = index.getDefiningOp();
      op && op->getNumResults() == 1 && countsIn32Bits)
    op->setAttr(kSizeAttrName, b.getIndexAttr(INT32_MAX));
  load.getIndicesMutable().assign(bitsAbove(b, index, llvm::Log2_64(perWord)));
  load.getResult().setType(b.getI32Type());

  b.setInsertionPointAfter(load);
  Value lane = b.createOrFold<arith::AndIOp>(
      index, arith::ConstantIndexOp::create(b, perWord - 1));
  Value shift = b.createOrFold<arith::MulIOp>(
      arith::IndexCastOp::create(b, b.getI32Type(), lane),
      arith::ConstantOp::create(b, b.getI32IntegerAttr(width)));
  auto low = arith::ShRUIOp::create(b, load.getResult(), shift);
  Value element = decode(b, low, type, width);
  load.getResult().replaceAllUsesExcept(element, low);
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

static LogicalResult pack(gpu::GPUFuncOp kernel) {
  tile::TargetAttr target = tile::TargetAttr::lookup(kernel);
  for (BlockArgument argument : getParameters(kernel)) {
    auto memory = dyn_cast<MemRefType>(argument.getType());
    int64_t width = memory ? getPackedWidth(memory.getElementType()) : 0;
    if (!width)
      continue;
    for (Operation *access : getAccesses(argument))
      if (!isa<memref::LoadOp>(access))
        return access->emitOpError("stores an element of ")
               << width << " bits, which " << target.getName() << " cannot"
               << (memory.getElementType().isBF16() ? "; convert to f16 or f32"
                                                    : "");
    Type word = IntegerType::get(kernel.getContext(), 32);
    setElementType(kernel, argument, word);
    for (Operation *user : llvm::to_vector(argument.getUsers())) {
      auto view = cast<memref::ReinterpretCastOp>(user);
      for (Operation *access : llvm::to_vector(view->getUsers()))
        readWord(cast<memref::LoadOp>(access), width, view.getOffsets(),
                 target.doesLack(tile::Lacks::Int64));
      viewWords(view, 32 / width);
    }
  }
  return success();
}

namespace {
struct PackElements final : attn::impl::PackElementsBase<PackElements> {
  void runOnOperation() override {
    if (failed(forKernelsThatLack(getOperation(), getArgument(),
                                  tile::Lacks::SmallStorage, pack)))
      signalPassFailure();
  }
};
} // namespace
