//===- AttnOps.cpp - Operations of the attn dialect -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Assembly of the two regions, sizes and layouts, memory effects, result
// shapes. The verifiers are in AttnVerifier.cpp.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/Attn.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace attn;

//===----------------------------------------------------------------------===//
// Assembly
//===----------------------------------------------------------------------===//

/// Parses `: type` after a scale; f32 is left out.
static ParseResult parseScaleType(OpAsmParser &parser, Type &type) {
  type = parser.getBuilder().getF32Type();
  return success(failed(parser.parseOptionalColon()) ||
                 succeeded(parser.parseType(type)));
}

static void printScaleType(OpAsmPrinter &printer, Operation *, Type type) {
  if (type && !type.isF32())
    printer << " : " << type;
}

/// Parses `score (%s: f32, ...) { ... }` and `mask (...) { ... }`, each
/// optional, in this order.
static ParseResult parseAttentionRegions(OpAsmParser &parser, Region &score,
                                         Region &mask) {
  auto parseRegion = [&](StringRef keyword, Region &region) -> ParseResult {
    if (failed(parser.parseOptionalKeyword(keyword)))
      return success();
    SmallVector<OpAsmParser::Argument> args;
    SMLoc loc = parser.getCurrentLocation();
    if (parser.parseArgumentList(args, OpAsmParser::Delimiter::Paren,
                                 /*allowType=*/true) ||
        parser.parseRegion(region, args))
      return failure();
    if (region.empty())
      return parser.emitError(loc) << "the " << keyword << " region is empty";
    return success();
  };
  return failure(parseRegion("score", score) || parseRegion("mask", mask));
}

static void printAttentionRegions(OpAsmPrinter &printer, Operation *,
                                  Region &score, Region &mask) {
  auto printRegion = [&](StringRef keyword, Region &region) {
    if (region.empty())
      return;
    printer.printNewline();
    printer << "    " << keyword << "(";
    llvm::interleaveComma(
        region.getArguments(), printer,
        [&](BlockArgument arg) { printer.printRegionArgument(arg); });
    printer << ") ";
    printer.printRegion(region, /*printEntryBlockArgs=*/false);
  };
  printRegion("score", score);
  printRegion("mask", mask);
}

#define GET_OP_CLASSES
#include "attn/Dialect/Attn/AttnOps.cpp.inc"

//===----------------------------------------------------------------------===//
// attn.attention: layouts and sizes
//===----------------------------------------------------------------------===//

static Layout layoutOr(std::optional<Layout> layout, bool ragged) {
  return layout.value_or(ragged ? Layout::HTD : Layout::BHSD);
}

static std::optional<Layout> layoutOf(LayoutAttr attr) {
  return attr ? std::optional<Layout>(attr.getValue()) : std::nullopt;
}

Layout AttentionOp::getQueryLayout() {
  return layoutOr(layoutOf(getQLayoutAttr()), isRagged());
}
Layout AttentionOp::getKeyLayout() {
  return layoutOr(layoutOf(getKLayoutAttr()), isRagged() && !isPaged());
}
Layout AttentionOp::getValueLayout() {
  return layoutOr(layoutOf(getVLayoutAttr()), isRagged() && !isPaged());
}
Layout AttentionOp::getOutputLayout() {
  return layoutOr(layoutOf(getOLayoutAttr()), isRagged());
}

AttentionOp::DimMap AttentionOp::getDimMap(Layout layout) {
  switch (layout) {
  case Layout::BHSD:
    return {0, 1, 2, 3};
  case Layout::BSHD:
    return {0, 2, 1, 3};
  case Layout::SBHD:
    return {1, 2, 0, 3};
  case Layout::HTD:
    return {-1, 0, 1, 2};
  case Layout::THD:
    return {-1, 1, 0, 2};
  }
  llvm_unreachable("unknown layout");
}

/// Size of dimension `dim` of `value`, dynamic if there is none.
static int64_t sizeOf(Value value, int dim) {
  auto type = cast<ShapedType>(value.getType());
  return dim < 0 || dim >= type.getRank() ? ShapedType::kDynamic
                                          : type.getDimSize(dim);
}

int64_t AttentionOp::getBatch() {
  if (isRagged()) {
    int64_t bounds = sizeOf(getCuSeqlensQ(), 0);
    return ShapedType::isDynamic(bounds) ? bounds : bounds - 1;
  }
  return sizeOf(getQuery(), getDimMap(getQueryLayout()).b);
}
int64_t AttentionOp::getNumQueryHeads() {
  return sizeOf(getQuery(), getDimMap(getQueryLayout()).h);
}
int64_t AttentionOp::getNumKeyHeads() {
  return sizeOf(getKey(), getDimMap(getKeyLayout()).h);
}
int64_t AttentionOp::getQueryLength() {
  return isRagged() ? ShapedType::kDynamic
                    : sizeOf(getQuery(), getDimMap(getQueryLayout()).s);
}
int64_t AttentionOp::getKeyLength() {
  return isRagged() || isPaged()
             ? ShapedType::kDynamic
             : sizeOf(getKey(), getDimMap(getKeyLayout()).s);
}
int64_t AttentionOp::getQkHeadSize() {
  return sizeOf(getQuery(), getDimMap(getQueryLayout()).d);
}
int64_t AttentionOp::getValueHeadSize() {
  return sizeOf(getValue(), getDimMap(getValueLayout()).d);
}

bool AttentionOp::hasSugar() {
  return getCausalAttr() || getWindowAttr() || getSoftcapAttr() || getAlibi() ||
         getBias() || getMaskTensor() || getQSegments() || getPrefix() ||
         getApproxTanh();
}

//===----------------------------------------------------------------------===//
// attn.attention: regions and captures
//===----------------------------------------------------------------------===//

/// Fills `region` with a block of `leading` and the captures as arguments.
static OpBuilder createRegionBlock(AttentionOp op, Region &region,
                                   SmallVector<Type> leading) {
  OpBuilder builder(op.getContext());
  llvm::append_range(leading, op.getCaptures().getTypes());
  SmallVector<Location> locs(leading.size(), op.getLoc());
  builder.createBlock(&region, region.end(), leading, locs);
  return builder;
}

Block &AttentionOp::getOrCreateScoreBlock() {
  if (!hasScoreRegion()) {
    Builder types(getContext());
    SmallVector<Type> leading(kNumScoreArgs, types.getIndexType());
    leading.front() = types.getF32Type();
    OpBuilder builder = createRegionBlock(*this, getScore(), leading);
    YieldOp::create(builder, getLoc(), getScore().getArgument(0));
  }
  return getScore().front();
}

Block &AttentionOp::getOrCreateMaskBlock() {
  if (!hasMaskRegion()) {
    SmallVector<Type> leading(kNumMaskArgs, IndexType::get(getContext()));
    OpBuilder builder = createRegionBlock(*this, getMask(), leading);
    Value all = arith::ConstantIntOp::create(builder, getLoc(), 1, 1);
    YieldOp::create(builder, getLoc(), all);
  }
  return getMask().front();
}

unsigned AttentionOp::capture(Value value) {
  for (auto [index, existing] : llvm::enumerate(getCaptures()))
    if (existing == value)
      return index;
  getCapturesMutable().append(value);
  for (Region *region : {&getScore(), &getMask()})
    if (!region->empty())
      region->addArgument(value.getType(), value.getLoc());
  return getCaptures().size() - 1;
}

void AttentionOp::eraseCapture(unsigned index) {
  getCapturesMutable().erase(index);
  if (hasScoreRegion())
    getScore().eraseArgument(kNumScoreArgs + index);
  if (hasMaskRegion())
    getMask().eraseArgument(kNumMaskArgs + index);
}

//===----------------------------------------------------------------------===//
// attn.q_offset, attn.q_len, attn.kv_len: folding
//===----------------------------------------------------------------------===//

static OpFoldResult foldToSize(MLIRContext *context, int64_t size) {
  if (ShapedType::isDynamic(size))
    return {};
  return IntegerAttr::get(IndexType::get(context), size);
}

OpFoldResult QOffsetOp::fold(FoldAdaptor) {
  auto op = (*this)->getParentOfType<AttentionOp>();
  if (!op || op.getQOffset() || op.isBottomRight())
    return {};
  return foldToSize(getContext(), 0);
}

OpFoldResult QLenOp::fold(FoldAdaptor) {
  auto op = (*this)->getParentOfType<AttentionOp>();
  return op ? foldToSize(getContext(), op.getQueryLength()) : OpFoldResult();
}

OpFoldResult KVLenOp::fold(FoldAdaptor) {
  auto op = (*this)->getParentOfType<AttentionOp>();
  if (!op || op.getKvLen())
    return {};
  return foldToSize(getContext(), op.getKeyLength());
}

//===----------------------------------------------------------------------===//
// Interfaces
//===----------------------------------------------------------------------===//

/// Memref operands are read, memref destinations are written.
static void
addDpsEffects(DestinationStyleOpInterface op,
              SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  for (OpOperand *input : op.getDpsInputOperands())
    if (isa<MemRefType>(input->get().getType()))
      effects.emplace_back(MemoryEffects::Read::get(), input);
  for (OpOperand &init : op.getDpsInitsMutable())
    if (isa<MemRefType>(init.get().getType()))
      effects.emplace_back(MemoryEffects::Write::get(), &init);
}

void AttentionOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  addDpsEffects(*this, effects);
}

void MergeOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  addDpsEffects(*this, effects);
}

/// A result has the shape of its destination.
static LogicalResult reifyFromInits(OpBuilder &builder,
                                    DestinationStyleOpInterface op,
                                    ReifiedRankedShapedTypeDims &shapes) {
  for (OpOperand &init : op.getDpsInitsMutable())
    if (isa<RankedTensorType>(init.get().getType()))
      shapes.push_back(tensor::getMixedSizes(builder, op.getLoc(), init.get()));
  return success();
}

LogicalResult
AttentionOp::reifyResultShapes(OpBuilder &builder,
                               ReifiedRankedShapedTypeDims &shapes) {
  return reifyFromInits(builder, *this, shapes);
}

LogicalResult MergeOp::reifyResultShapes(OpBuilder &builder,
                                         ReifiedRankedShapedTypeDims &shapes) {
  return reifyFromInits(builder, *this, shapes);
}
