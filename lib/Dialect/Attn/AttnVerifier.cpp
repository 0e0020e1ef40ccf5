//===- AttnVerifier.cpp - Verifiers of the attn ops -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One precise diagnostic a violated rule of docs/semantics.md: it names the
// operand, the sizes or types that disagree, and the rule.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/Attn.h"
#include "attn/Dialect/Attn/Hole.h"
#include "attn/Dialect/Tile/LargestSize.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using namespace attn;

//===----------------------------------------------------------------------===//
// What both ops share
//===----------------------------------------------------------------------===//

namespace {
/// An operand and the name that its diagnostics use.
struct NamedValue {
  StringRef name;
  Value value;

  ShapedType getType() const { return cast<ShapedType>(value.getType()); }
};

/// A size of the problem, dynamic if unknown, and where it comes from.
struct NamedSize {
  std::string name;
  int64_t size;
};
} // namespace

static bool differ(int64_t lhs, int64_t rhs) {
  return ShapedType::isStatic(lhs) && ShapedType::isStatic(rhs) && lhs != rhs;
}

static bool isComputeFloat(Type type) {
  return type.isF32() || type.isF16() || type.isBF16();
}

/// Integers that memory holds and regions compute with.
static bool isInteger(Type type) {
  return type.isIndex() || (type.isSignlessInteger() &&
                            llvm::is_contained({1u, 8u, 16u, 32u, 64u},
                                               type.getIntOrFloatBitWidth()));
}

static LogicalResult verifyRank(Operation *op, NamedValue operand, int64_t rank,
                                StringRef shape, unsigned rule) {
  if (operand.getType().getRank() == rank)
    return success();
  return op->emitOpError() << operand.name << ": must have the shape " << shape
                           << ", but has rank " << operand.getType().getRank()
                           << " (rule " << rule << ")";
}

/// Dimension `dim` of `operand` is `what`, which is `expected` elsewhere.
static LogicalResult verifySize(Operation *op, NamedValue operand, int dim,
                                StringRef what, const NamedSize &expected,
                                unsigned rule) {
  int64_t size = operand.getType().getDimSize(dim);
  if (!differ(size, expected.size))
    return success();
  return op->emitOpError() << operand.name << ": " << what << " is " << size
                           << ", but " << expected.name << " is "
                           << expected.size << " (rule " << rule << ")";
}

static LogicalResult verifyComputeType(Operation *op, NamedValue operand) {
  Type type = operand.getType().getElementType();
  if (isComputeFloat(type))
    return success();
  return op->emitOpError() << operand.name << ": element type " << type
                           << " is none of f32, f16 and bf16 (rule 4)";
}

static LogicalResult verifyF32(Operation *op, NamedValue operand,
                               unsigned rule) {
  Type type = operand.getType().getElementType();
  if (type.isF32())
    return success();
  return op->emitOpError() << operand.name << ": element type " << type
                           << " must be f32 (rule " << rule << ")";
}

static LogicalResult verifySameType(Operation *op, NamedValue operand,
                                    NamedValue other) {
  Type type = operand.getType().getElementType();
  if (type == other.getType().getElementType())
    return success();
  return op->emitOpError() << operand.name << ": element type " << type
                           << " differs from "
                           << other.getType().getElementType() << " of "
                           << other.name << " (rule 4)";
}

/// o may keep the type of the inputs or the f32 that it is computed in.
static LogicalResult verifyOutputType(Operation *op, NamedValue output,
                                      NamedValue input) {
  Type type = output.getType().getElementType();
  Type inputType = input.getType().getElementType();
  if (type == inputType || type.isF32())
    return success();
  return op->emitOpError() << output.name << ": element type " << type
                           << " is neither " << inputType << " of "
                           << input.name << " nor f32 (rule 4)";
}

/// True if the last element of `type`, as far as its sizes and strides are
/// static, is more elements from the first byte than 64 bits count.
static bool reachesTooFar(MemRefType type) {
  auto [strides, offset] = type.getStridesAndOffset();
  int64_t last = ShapedType::isDynamic(offset) ? 0 : offset;
  for (auto [size, stride] : llvm::zip(type.getShape(), strides)) {
    if (size == 0)
      return false;
    if (ShapedType::isDynamic(size) || ShapedType::isDynamic(stride))
      continue;
    int64_t distance;
    if (llvm::MulOverflow(size - 1, stride, distance) ||
        llvm::AddOverflow(last, distance, last))
      return true;
  }
  return false;
}

/// No static size is too large, and memory is where kernels look for it.
static LogicalResult verifyMemory(Operation *op, const NamedValue &operand) {
  auto type = dyn_cast<ShapedType>(operand.value.getType());
  if (!type)
    return success();
  int64_t largest = getLargestSize(type.getRank());
  for (auto [dim, size] : llvm::enumerate(type.getShape()))
    if (ShapedType::isStatic(size) && size > largest)
      return op->emitOpError()
             << operand.name << ": dimension " << dim << " has " << size
             << " elements, but may have at most " << largest << " (rule 21)";
  auto memory = dyn_cast<MemRefType>(type);
  if (!memory)
    return success();
  if (Attribute space = memory.getMemorySpace())
    return op->emitOpError()
           << operand.name << ": is in the memory space " << space
           << "; operands are in the default one (rule 1)";
  if (reachesTooFar(memory))
    return op->emitOpError() << operand.name
                             << ": its strides place elements further apart "
                                "than 64 bits count (rule 21)";
  return success();
}

/// Every shaped operand is a tensor and every destination a result, or every
/// shaped operand is a memref and nothing a result; all of them can be.
static LogicalResult verifyForm(DestinationStyleOpInterface op,
                                ArrayRef<NamedValue> operands) {
  const NamedValue &first = operands.front();
  bool tensors = isa<RankedTensorType>(first.value.getType());
  for (const NamedValue &operand : operands.drop_front())
    if (isa<ShapedType>(operand.value.getType()) &&
        isa<RankedTensorType>(operand.value.getType()) != tensors)
      return op->emitOpError()
             << operand.name << ": must be a "
             << (tensors ? "tensor" : "memref") << " as " << first.name
             << " is; tensors and memrefs do not mix";
  for (const NamedValue &operand : operands)
    if (failed(verifyMemory(op, operand)))
      return failure();
  size_t numInits = op.getNumDpsInits(), numResults = op->getNumResults();
  size_t expected = tensors ? numInits : 0;
  if (numResults != expected)
    return op->emitOpError() << "has " << numResults << " results; " << numInits
                             << (tensors ? " tensor" : " memref")
                             << " destinations need " << expected;
  for (auto [result, init] : llvm::zip(op->getResultTypes(), op.getDpsInits()))
    if (result != init.getType())
      return op->emitOpError()
             << "result type " << result << " differs from its destination "
             << init.getType();
  return success();
}

//===----------------------------------------------------------------------===//
// attn.attention: operands
//===----------------------------------------------------------------------===//

namespace {
/// Checks one attention op, operand by operand. Every method emits at most one
/// diagnostic; later ones rely on what earlier ones checked.
class AttentionVerifier {
public:
  explicit AttentionVerifier(AttentionOp op)
      : op(op), query{"query", op.getQuery()}, key{"key", op.getKey()},
        value{"value", op.getValue()} {}

  LogicalResult verify() {
    size_t numInits = op.getInits().size();
    if (numInits < 1 || numInits > 2)
      return op.emitOpError()
             << "outs: takes one destination (o) or two (o and lse), not "
             << numInits << " (rule 1)";
    output = {"output", op.getOutput()};
    // The custom syntax cannot separate a pair, the generic one can.
    if (!op.getQSegments() != !op.getKvSegments())
      return op.emitOpError()
             << "q_segments and kv_segments come together (rule 10)";
    if (!op.getCuSeqlensQ() != !op.getCuSeqlensKv())
      return op.emitOpError()
             << "cu_seqlens_q and cu_seqlens_kv come together (rule 11)";

    if (failed(verifyForm(cast<DestinationStyleOpInterface>(*op),
                          getOperands())) ||
        failed(verifyDestinations()) || failed(verifyCuSeqlens()) ||
        failed(verifyLayouts()) || failed(verifyElementTypes()) ||
        failed(verifyHeadSizes()) || failed(verifyHeads()) ||
        failed(verifyLengths()) || failed(verifyLse()) ||
        failed(verifyPageTable()))
      return failure();
    return failure(failed(verifyScale()) || failed(verifyPositions()) ||
                   failed(verifyScoreSugar()) || failed(verifyMaskSugar()) ||
                   failed(verifySink()) || failed(verifyCaptures()));
  }

private:
  /// Every operand that may be shaped, by name, the query first.
  SmallVector<NamedValue> getOperands() {
    SmallVector<NamedValue> operands{query, key, value, output};
    auto add = [&](StringRef name, Value operand) {
      if (operand)
        operands.push_back({name, operand});
    };
    add("lse", op.getLse());
    for (Value capture : op.getCaptures())
      add("captures", capture);
    add("alibi", op.getAlibi());
    add("bias", op.getBias());
    add("mask_tensor", op.getMaskTensor());
    add("q_segments", op.getQSegments());
    add("kv_segments", op.getKvSegments());
    add("prefix", op.getPrefix());
    add("q_offset", op.getQOffset());
    add("kv_len", op.getKvLen());
    add("cu_seqlens_q", op.getCuSeqlensQ());
    add("cu_seqlens_kv", op.getCuSeqlensKv());
    add("page_table", op.getPageTable());
    add("sink", op.getSink());
    return operands;
  }

  /// A destination in memory is no other operand. Tensors are values, and
  /// copied where they have to be.
  LogicalResult verifyDestinations() {
    if (isa<RankedTensorType>(query.value.getType()))
      return success();
    SmallVector<NamedValue> operands = getOperands();
    for (const NamedValue &destination : operands) {
      if (!llvm::is_contained({"output", "lse"}, destination.name))
        continue;
      for (const NamedValue &other : operands)
        if (other.name != destination.name && other.value == destination.value)
          return op.emitOpError()
                 << destination.name << ": is the memory of " << other.name
                 << ", which is read while it is written (rule 1)";
    }
    return success();
  }

  NamedSize getBatch() {
    return {op.isRagged() ? "the number of sequences in cu_seqlens_q"
                          : "B of query",
            op.getBatch()};
  }
  NamedSize getQueryHeads() { return {"Hq of query", op.getNumQueryHeads()}; }
  NamedSize getQueryLength() { return {"Sq of query", op.getQueryLength()}; }
  NamedSize getKeyLength() { return {"Skv of key", op.getKeyLength()}; }

  LogicalResult verifyIntegers(NamedValue operand, unsigned rule) {
    Type type = operand.getType().getElementType();
    // Not index: how wide that is in memory depends on the target.
    if (type.isSignlessInteger(32) || type.isSignlessInteger(64))
      return success();
    return op.emitOpError() << operand.name << ": element type " << type
                            << " is neither i32 nor i64 (rule " << rule << ")";
  }

  LogicalResult verifyCuSeqlens() {
    if (!op.isRagged())
      return success();
    NamedValue ofQueries{"cu_seqlens_q", op.getCuSeqlensQ()};
    NamedValue ofKeys{"cu_seqlens_kv", op.getCuSeqlensKv()};
    for (NamedValue bounds : {ofQueries, ofKeys}) {
      if (failed(verifyRank(op, bounds, 1, "[B + 1]", 11)) ||
          failed(verifyIntegers(bounds, 11)))
        return failure();
      if (bounds.getType().getDimSize(0) == 0)
        return op.emitOpError()
               << bounds.name << ": has no entry, but needs B + 1 (rule 11)";
    }
    return verifySize(
        op, ofKeys, 0, "the number of entries",
        {"that of cu_seqlens_q", ofQueries.getType().getDimSize(0)}, 11);
  }

  LogicalResult verifyLayout(NamedValue operand, Layout layout, bool packed) {
    bool isPacked = AttentionOp::getDimMap(layout).b < 0;
    StringRef name = stringifyLayout(layout);
    if (isPacked && !packed)
      return op.emitOpError() << operand.name << ": layout " << name
                              << " is for sequences packed by cu_seqlens only "
                                 "(rule 1)";
    if (!isPacked && packed)
      return op.emitOpError()
             << operand.name << ": layout " << name
             << " cannot hold sequences packed by cu_seqlens; htd and thd can "
                "(rule 1)";
    int64_t rank = isPacked ? 3 : 4;
    if (operand.getType().getRank() != rank)
      return op.emitOpError()
             << operand.name << ": rank " << operand.getType().getRank()
             << " does not fit layout " << name << " of rank " << rank
             << " (rule 1)";
    return success();
  }

  LogicalResult verifyLayouts() {
    bool ragged = op.isRagged(), packedKeys = ragged && !op.isPaged();
    if (failed(verifyLayout(query, op.getQueryLayout(), ragged)) ||
        failed(verifyLayout(key, op.getKeyLayout(), packedKeys)) ||
        failed(verifyLayout(value, op.getValueLayout(), packedKeys)) ||
        failed(verifyLayout(output, op.getOutputLayout(), ragged)))
      return failure();
    if (op.isPaged())
      for (auto [operand, layout] : {std::pair(key, op.getKeyLayout()),
                                     std::pair(value, op.getValueLayout())})
        if (layout == Layout::SBHD)
          return op.emitOpError()
                 << operand.name
                 << ": a page pool has the layout bhsd or bshd, not sbhd "
                    "(rule 11)";
    queryDims = AttentionOp::getDimMap(op.getQueryLayout());
    keyDims = AttentionOp::getDimMap(op.getKeyLayout());
    valueDims = AttentionOp::getDimMap(op.getValueLayout());
    outputDims = AttentionOp::getDimMap(op.getOutputLayout());
    return success();
  }

  LogicalResult verifyElementTypes() {
    if (failed(verifyComputeType(op, query)) ||
        failed(verifySameType(op, key, query)) ||
        failed(verifySameType(op, value, query)))
      return failure();
    return verifyOutputType(op, output, query);
  }

  LogicalResult verifyHeadSizes() {
    for (auto [operand, dim] :
         {std::pair(query, queryDims.d), std::pair(key, keyDims.d),
          std::pair(value, valueDims.d), std::pair(output, outputDims.d)})
      if (operand.getType().isDynamicDim(dim))
        return op.emitOpError()
               << operand.name << ": the head size must be static (rule 3)";
    if (op.getValueHeadSize() == 0)
      return op.emitOpError() << "value: the head size is 0, but must be at "
                                 "least 1 (rule 3)";
    if (failed(verifySize(op, key, keyDims.d, "the head size",
                          {"Dk of query", op.getQkHeadSize()}, 1)))
      return failure();
    return verifySize(op, output, outputDims.d, "the head size",
                      {"Dv of value", op.getValueHeadSize()}, 1);
  }

  LogicalResult verifyHeads() {
    int64_t numQueryHeads = op.getNumQueryHeads();
    int64_t numKeyHeads = op.getNumKeyHeads();
    if (failed(verifySize(op, value, valueDims.h, "the number of heads",
                          {"Hkv of key", numKeyHeads}, 1)) ||
        failed(verifySize(op, output, outputDims.h, "the number of heads",
                          getQueryHeads(), 1)))
      return failure();
    if (ShapedType::isDynamic(numQueryHeads) ||
        ShapedType::isDynamic(numKeyHeads))
      return success();
    bool multiple =
        numKeyHeads ? numQueryHeads % numKeyHeads == 0 : numQueryHeads == 0;
    if (multiple)
      return success();
    return op.emitOpError()
           << "query: Hq = " << numQueryHeads
           << " is not a multiple of Hkv = " << numKeyHeads << " (rule 2)";
  }

  LogicalResult verifyLengths() {
    StringRef queryLength = op.isRagged() ? "T of query" : "Sq of query";
    if (failed(verifySize(
            op, output, outputDims.s, "the sequence length",
            {queryLength.str(), query.getType().getDimSize(queryDims.s)}, 1)))
      return failure();
    StringRef keyRows = op.isPaged() ? "the page size" : "the sequence length";
    if (failed(verifySize(op, value, valueDims.s, keyRows,
                          {"that of key", key.getType().getDimSize(keyDims.s)},
                          1)))
      return failure();
    if (op.isPaged()) {
      if (key.getType().getDimSize(keyDims.s) == 0)
        return op.emitOpError()
               << "key: the page size is 0, but must be at least 1 (rule 11)";
      return verifySize(op, value, valueDims.b, "the number of pages",
                        {"that of key", key.getType().getDimSize(keyDims.b)},
                        11);
    }
    if (op.isRagged())
      return success();
    if (failed(verifySize(op, key, keyDims.b, "B", getBatch(), 1)) ||
        failed(verifySize(op, value, valueDims.b, "B", getBatch(), 1)))
      return failure();
    return verifySize(op, output, outputDims.b, "B", getBatch(), 1);
  }

  LogicalResult verifyLse() {
    if (!op.getLse())
      return success();
    NamedValue lse{"lse", op.getLse()};
    if (failed(verifyF32(op, lse, 1)))
      return failure();
    if (op.isRagged()) {
      if (failed(verifyRank(op, lse, 2, "[Hq, T]", 1)) ||
          failed(verifySize(op, lse, 0, "the number of heads", getQueryHeads(),
                            1)))
        return failure();
      return verifySize(op, lse, 1, "the sequence length",
                        {"T of query", query.getType().getDimSize(queryDims.s)},
                        1);
    }
    if (failed(verifyRank(op, lse, 3, "[B, Hq, Sq]", 1)) ||
        failed(verifySize(op, lse, 0, "B", getBatch(), 1)) ||
        failed(
            verifySize(op, lse, 1, "the number of heads", getQueryHeads(), 1)))
      return failure();
    return verifySize(op, lse, 2, "the sequence length", getQueryLength(), 1);
  }

  LogicalResult verifyPageTable() {
    if (!op.isPaged())
      return success();
    NamedValue table{"page_table", op.getPageTable()};
    if (failed(verifyRank(op, table, 2, "[B, pages]", 11)) ||
        failed(verifyIntegers(table, 11)))
      return failure();
    return verifySize(op, table, 0, "B", getBatch(), 11);
  }

  LogicalResult verifyScale() {
    std::optional<float> constant = op.getScaleValue();
    if (!constant)
      return success();
    if (op.getScale())
      return op.emitOpError() << "scale: excludes scale_value, which is "
                              << *constant << " (rule 5)";
    if (!std::isfinite(*constant))
      return op.emitOpError()
             << "scale_value: must be finite in f32, not "
             << op.getScaleValueAttr().getValueAsDouble() << " (rule 5)";
    return success();
  }

  /// One integer, or one a batch.
  LogicalResult verifyPerBatch(NamedValue operand, unsigned rule) {
    if (!operand.value || !isa<ShapedType>(operand.value.getType()))
      return success();
    if (failed(verifyRank(op, operand, 1, "[B]", rule)) ||
        failed(verifyIntegers(operand, rule)))
      return failure();
    return verifySize(op, operand, 0, "B", getBatch(), rule);
  }

  LogicalResult verifyPositions() {
    if (op.isBottomRight() && op.getQOffset())
      return op.emitOpError() << "q_offset: excludes bottom-right causal "
                                 "masking, which implies one (rule 9)";
    if (op.getPrefix() && !op.getCausalAttr())
      return op.emitOpError() << "prefix: needs causal, which it relaxes "
                                 "(rule 10)";
    if (failed(verifyPerBatch({"q_offset", op.getQOffset()}, 9)) ||
        failed(verifyPerBatch({"kv_len", op.getKvLen()}, 11)))
      return failure();
    return verifyPerBatch({"prefix", op.getPrefix()}, 10);
  }

  /// `operand` aligns on the right with [B, Hq, Sq, Skv].
  LogicalResult verifyBroadcast(NamedValue operand) {
    ShapedType type = operand.getType();
    int64_t rank = type.getRank();
    if (rank < 1 || rank > 4)
      return op.emitOpError() << operand.name << ": must have rank 1 to 4, not "
                              << rank << " (rule 10)";
    if (differ(type.getShape().back(), getKeyLength().size) &&
        type.getShape().back() > getKeyLength().size)
      return op.emitOpError()
             << operand.name << ": the last axis is " << type.getShape().back()
             << ", longer than Skv of key, " << getKeyLength().size
             << " (rule 10)";
    NamedSize sizes[] = {getBatch(), getQueryHeads(), getQueryLength()};
    for (auto [dim, expected] :
         llvm::enumerate(ArrayRef(sizes).take_back(rank - 1))) {
      int64_t size = type.getDimSize(dim);
      if (size != 1 && differ(size, expected.size))
        return op.emitOpError()
               << operand.name << ": dimension #" << dim << " is " << size
               << ", but must be 1 or " << expected.name << ", "
               << expected.size << " (rule 10)";
    }
    return success();
  }

  LogicalResult verifyScoreSugar() {
    if (std::optional<float> cap = op.getSoftcap();
        cap && !(*cap > 0 && std::isfinite(*cap)))
      return op.emitOpError()
             << "softcap: must be positive and finite in f32, not "
             << op.getSoftcapAttr().getValueAsDouble() << " (rule 10)";
    if (op.getAlibi()) {
      NamedValue alibi{"alibi", op.getAlibi()};
      int64_t rank = alibi.getType().getRank();
      if (failed(verifyComputeType(op, alibi)))
        return failure();
      if (rank != 1 && rank != 2)
        return op.emitOpError()
               << "alibi: must have the shape [Hq] or [B, Hq], but has rank "
               << rank << " (rule 10)";
      if (failed(verifySize(op, alibi, rank - 1, "the number of heads",
                            getQueryHeads(), 10)) ||
          (rank == 2 && failed(verifySize(op, alibi, 0, "B", getBatch(), 10))))
        return failure();
    }
    if (op.getBias()) {
      NamedValue bias{"bias", op.getBias()};
      if (failed(verifyComputeType(op, bias)) || failed(verifyBroadcast(bias)))
        return failure();
    }
    return success();
  }

  LogicalResult verifyMaskSugar() {
    if (op.getMaskTensor()) {
      NamedValue mask{"mask_tensor", op.getMaskTensor()};
      Type type = mask.getType().getElementType();
      if (!type.isSignlessInteger(1) && !type.isSignlessInteger(8))
        return op.emitOpError() << "mask_tensor: element type " << type
                                << " is neither i1 nor i8 (rule 10)";
      if (failed(verifyBroadcast(mask)))
        return failure();
    }
    if (!op.getQSegments())
      return success();
    NamedValue ofQueries{"q_segments", op.getQSegments()};
    NamedValue ofKeys{"kv_segments", op.getKvSegments()};
    for (auto [ids, shape, length] :
         {std::tuple(ofQueries, "[B, Sq]", getQueryLength()),
          std::tuple(ofKeys, "[B, Skv]", getKeyLength())}) {
      if (failed(verifyRank(op, ids, 2, shape, 10)))
        return failure();
      if (Type type = ids.getType().getElementType();
          !isInteger(type) || type.isIndex())
        return op.emitOpError()
               << ids.name << ": element type " << type
               << " is no integer of 1, 8, 16, 32 or 64 bits (rule 10)";
      if (failed(verifySize(op, ids, 0, "B", getBatch(), 10)) ||
          failed(verifySize(op, ids, 1, "the sequence length", length, 10)))
        return failure();
    }
    if (ofQueries.getType().getElementType() !=
        ofKeys.getType().getElementType())
      return op.emitOpError()
             << "kv_segments: element type "
             << ofKeys.getType().getElementType() << " differs from "
             << ofQueries.getType().getElementType()
             << " of q_segments (rule 10)";
    return success();
  }

  LogicalResult verifySink() {
    if (!op.getSink())
      return success();
    NamedValue sink{"sink", op.getSink()};
    if (failed(verifyRank(op, sink, 1, "[Hq]", 11)) ||
        failed(verifyComputeType(op, sink)))
      return failure();
    return verifySize(op, sink, 0, "the number of heads", getQueryHeads(), 11);
  }

  LogicalResult verifyCaptures() {
    for (auto [index, capture] : llvm::enumerate(op.getCaptures())) {
      Type type = capture.getType();
      if (isa<RankedTensorType, MemRefType>(type))
        type = cast<ShapedType>(type).getElementType();
      if (!isInteger(type) && !isa<FloatType>(type))
        return op.emitOpError()
               << "captures: #" << index << " is " << capture.getType()
               << ", neither an integer of 1, 8, 16, 32 or 64 bits, a float "
                  "nor "
                  "a ranked tensor or memref of them (rule 8)";
    }
    return success();
  }

  AttentionOp op;
  NamedValue query, key, value, output;
  AttentionOp::DimMap queryDims, keyDims, valueDims, outputDims;
};
} // namespace

LogicalResult AttentionOp::verify() {
  return AttentionVerifier(*this).verify();
}

//===----------------------------------------------------------------------===//
// attn.attention: regions
//===----------------------------------------------------------------------===//

/// The scalars that regions compute with.
static bool isRegionScalar(Type type) {
  return type.isF32() || isInteger(type);
}

/// Types of operands and results, but for those that a cast or a read may have.
static std::string whyNotScalar(TypeRange types) {
  for (Type type : types) {
    if (isRegionScalar(type))
      continue;
    std::string reason;
    llvm::raw_string_ostream os(reason);
    os << "it computes with '" << type << "'";
    if (isa<FloatType>(type))
      os << "; convert to f32 first";
    else if (type.isSignlessInteger())
      os << "; integers have 1, 8, 16, 32 or 64 bits";
    else
      os << ", which is no scalar";
    return reason;
  }
  return {};
}

/// What to write in place of an op that no target computes.
static StringRef getSubstitute(StringRef name) {
  return llvm::StringSwitch<StringRef>(name)
      .Case("math.expm1", "math.exp and arith.subf, or math.tanh")
      .Case("math.erfc", "1 - math.erf")
      .Case("math.log10", "math.log2 times 0.30103")
      .Case("math.cbrt", "math.powf")
      .Cases({"math.fpowi", "math.ipowi"},
             "arith.mulf or arith.muli, repeated, or math.powf")
      .Cases({"math.sinh", "math.cosh"},
             "half the sum or the difference of math.exp")
      .Case("math.tan", "math.sin divided by math.cos")
      .Cases({"math.asin", "math.acos", "math.atan", "math.atan2", "math.asinh",
              "math.acosh", "math.atanh"},
             "a captured table of its values")
      .Case("math.copysign", "math.absf, arith.negf and arith.select")
      .Cases({"math.isinf", "math.isfinite", "math.isnormal"},
             "arith.cmpf of math.absf with the largest finite number")
      .Case("arith.remf", "x - y * math.trunc(x / y)")
      .Cases({"math.ctlz", "math.cttz"},
             "shifts and arith.select, or math.ctpop")
      .Case("arith.bitcast", "integers of their own, captured")
      .Cases({"arith.addui_extended", "arith.mulsi_extended",
              "arith.mului_extended", "arith.subui_extended"},
             "i64, to which arith.extsi and arith.extui convert")
      .Case("scf.while", "scf.for with constant bounds, and scf.if")
      .Case("scf.index_switch", "scf.if")
      .Cases({"func.call", "func.call_indirect"}, "the body of the function")
      .StartsWith("index.", "the ops of arith on index")
      .Default("");
}

/// A diagnostic that leads on: the substitute, or what there is.
static std::string whyNotListed(Operation *op) {
  StringRef substitute = getSubstitute(op->getName().getStringRef());
  if (!substitute.empty())
    return ("no target computes it; use " + substitute).str();
  return "regions have scalar arith ops, math.{absf, absi, ceil, clampf, cos, "
         "ctpop, erf, exp, exp2, floor, fma, isnan, log, log1p, log2, powf, "
         "round, roundeven, rsqrt, sin, sqrt, tanh, trunc}, scf.if, scf.for "
         "with constant bounds and reads of captures";
}

std::string attn::whyNotAllowedInRegion(Operation *op) {
  // Reads of captures, which may hold any number.
  if (isa<tensor::ExtractOp, memref::LoadOp, tensor::DimOp, memref::DimOp>(
          op)) {
    auto source = dyn_cast<BlockArgument>(op->getOperand(0));
    if (!source || !isa<AttentionOp>(source.getOwner()->getParentOp()))
      return "it reads what is no captured argument of the region";
    if (auto dim = dyn_cast<ShapedDimOpInterface>(op)) {
      std::optional<int64_t> number = getConstantIntValue(dim.getDimension());
      if (!number || *number < 0 ||
          *number >= cast<ShapedType>(source.getType()).getRank())
        return "the dimension that it asks for is no constant within the rank "
               "of what it reads";
    }
    return {};
  }
  // Casts into f32 are the only ops on other floats.
  if (isa<arith::ExtFOp, arith::TruncFOp>(op))
    return whyNotScalar(op->getResultTypes());

  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    if (!getConstantLoop(loop))
      return "its bounds and its step are not constants (the step positive); "
             "loop to the largest bound and decide by scf.if or arith.select";
    return whyNotScalar(op->getResultTypes());
  }
  bool listed = isa<
      // Constants, selections, comparisons, conversions.
      arith::ConstantOp, arith::SelectOp, arith::CmpIOp, arith::CmpFOp,
      arith::IndexCastOp, arith::IndexCastUIOp, arith::ExtSIOp, arith::ExtUIOp,
      arith::TruncIOp, arith::SIToFPOp, arith::UIToFPOp, arith::FPToSIOp,
      arith::FPToUIOp,
      // Integers.
      arith::AddIOp, arith::SubIOp, arith::MulIOp, arith::DivSIOp,
      arith::DivUIOp, arith::CeilDivSIOp, arith::CeilDivUIOp,
      arith::FloorDivSIOp, arith::RemSIOp, arith::RemUIOp, arith::AndIOp,
      arith::OrIOp, arith::XOrIOp, arith::ShLIOp, arith::ShRSIOp,
      arith::ShRUIOp, arith::MinSIOp, arith::MaxSIOp, arith::MinUIOp,
      arith::MaxUIOp, math::AbsIOp, math::CtPopOp,
      // f32.
      arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::DivFOp, arith::NegFOp,
      arith::MinimumFOp, arith::MaximumFOp, arith::MinNumFOp, arith::MaxNumFOp,
      math::AbsFOp, math::FmaOp, math::ClampFOp, math::IsNaNOp, math::FloorOp,
      math::CeilOp, math::RoundOp, math::RoundEvenOp, math::TruncOp,
      math::ExpOp, math::Exp2Op, math::LogOp, math::Log2Op, math::Log1pOp,
      math::PowFOp, math::TanhOp, math::ErfOp, math::SqrtOp, math::RsqrtOp,
      math::SinOp, math::CosOp,
      // Structure.
      scf::IfOp, scf::YieldOp, YieldOp, QOffsetOp, QLenOp, KVLenOp, HoleOp>(op);
  if (!listed)
    return whyNotListed(op);
  if (isa<math::CtPopOp>(op) && op->getResult(0).getType().isIndex())
    return "the width of an index depends on the target; cast it to i32 first";
  std::string reason = whyNotScalar(op->getOperandTypes());
  return reason.empty() ? whyNotScalar(op->getResultTypes()) : reason;
}

std::optional<ConstantLoop> attn::getConstantLoop(scf::ForOp loop) {
  std::optional<int64_t> first = getConstantIntValue(loop.getLowerBound());
  std::optional<int64_t> end = getConstantIntValue(loop.getUpperBound());
  std::optional<int64_t> step = getConstantIntValue(loop.getStep());
  if (!first || !end || !step || *step <= 0 || loop.getUnsignedCmp())
    return std::nullopt;
  int64_t count = 0;
  // Their distance may not fit a signed integer.
  if (*first < *end) {
    uint64_t distance = static_cast<uint64_t>(*end) - *first;
    count = std::min<uint64_t>((distance - 1) / *step + 1, INT64_MAX);
  }
  return ConstantLoop{*first, *step, count};
}

/// Checks how deeply nested the code of `region` is, and how much of it there
/// is if `maxOps` is given; nothing of it is visited recursively.
static LogicalResult verifyRegionSize(AttentionOp op, Region &region,
                                      StringRef name,
                                      std::optional<uint64_t> maxOps) {
  struct Nested {
    Block *block;
    uint64_t times;
    int64_t depth;
  };
  SmallVector<Nested> blocks{{&region.front(), 1, 1}};
  uint64_t numOps = 0;
  while (!blocks.empty()) {
    Nested nested = blocks.pop_back_val();
    if (nested.depth > kMaxRegionDepth)
      return op.emitOpError()
             << name << " region: branches and loops are nested more than "
             << kMaxRegionDepth << " deep; combine conditions by arith.andi "
             << "(rule 8)";
    numOps += nested.times *
              std::distance(nested.block->begin(), nested.block->end());
    if (maxOps && numOps > *maxOps)
      return op.emitOpError()
             << name << " region: has more than " << *maxOps
             << " ops when its loops are unrolled; put what is computed into "
                "a table and capture it (rule 8)";
    for (Operation &child : *nested.block) {
      uint64_t times = nested.times;
      std::optional<ConstantLoop> trips;
      if (auto loop = dyn_cast<scf::ForOp>(child))
        trips = getConstantLoop(loop);
      if (maxOps && trips)
        times =
            std::min(llvm::SaturatingMultiply<uint64_t>(times, trips->count),
                     *maxOps + 1);
      for (Region &inner : child.getRegions())
        for (Block &block : inner)
          blocks.push_back({&block, times, nested.depth + 1});
    }
  }
  return success();
}

LogicalResult attn::verifyRegionSizes(AttentionOp op) {
  if (op.hasScoreRegion() &&
      failed(verifyRegionSize(op, op.getScore(), "score", kMaxRegionOps)))
    return failure();
  if (op.hasMaskRegion())
    return verifyRegionSize(op, op.getMask(), "mask", kMaxRegionOps);
  return success();
}

/// Tensors enter as captures, so that every read of memory is seen at the op.
static LogicalResult
verifyNoShapedUseFromAbove(Operation *nested, Region &region, StringRef name) {
  for (Value operand : nested->getOperands()) {
    // A value that the parser has not seen defined yet has no region; MLIR
    // reports it.
    Region *definedIn = operand.getParentRegion();
    if (definedIn && !region.isAncestor(definedIn) &&
        !operand.getType().isIntOrIndexOrFloat())
      return nested->emitOpError()
             << "uses " << operand.getType() << " from outside the " << name
             << " region of attn.attention; pass it through captures (rule 8)";
  }
  return success();
}

static LogicalResult verifyRegion(AttentionOp op, Region &region,
                                  StringRef name, ArrayRef<Type> leading,
                                  StringRef leadingNames, Type yielded) {
  if (region.empty())
    return success();
  SmallVector<Type> expected(leading);
  llvm::append_range(expected, op.getCaptures().getTypes());
  if (region.getNumArguments() != expected.size())
    return op.emitOpError()
           << name << " region: takes " << region.getNumArguments()
           << " arguments, but " << leadingNames << " and "
           << op.getCaptures().size() << " captures are " << expected.size()
           << " (rule 8)";
  for (auto [arg, type] : llvm::zip_equal(region.getArguments(), expected))
    if (arg.getType() != type)
      return op.emitOpError()
             << name << " region: argument #" << arg.getArgNumber() << " is "
             << arg.getType() << ", but must be " << type << " (rule 8)";

  if (failed(verifyRegionSize(op, region, name, /*maxOps=*/std::nullopt)))
    return failure();
  WalkResult walk = region.walk([&](Operation *nested) {
    if (failed(verifyNoShapedUseFromAbove(nested, region, name)))
      return WalkResult::interrupt();
    std::string reason = whyNotAllowedInRegion(nested);
    if (reason.empty())
      return WalkResult::advance();
    nested->emitOpError() << "cannot stand in the " << name
                          << " region of attn.attention: " << reason
                          << " (rule 8)";
    return WalkResult::interrupt();
  });
  if (walk.wasInterrupted())
    return failure();

  // No other terminator is allowed.
  auto yield = cast<YieldOp>(region.front().getTerminator());
  if (yield.getValue().getType() != yielded)
    return op.emitOpError()
           << name << " region: yields " << yield.getValue().getType()
           << ", but must yield " << yielded << " (rule 8)";
  return success();
}

LogicalResult AttentionOp::verifyRegions() {
  Builder builder(getContext());
  Type index = builder.getIndexType(), f32 = builder.getF32Type();
  if (failed(verifyRegion(*this, getScore(), "score",
                          {f32, index, index, index, index}, "(s, b, h, i, j)",
                          f32)))
    return failure();
  return verifyRegion(*this, getMask(), "mask", {index, index, index, index},
                      "(b, h, i, j)", builder.getI1Type());
}

//===----------------------------------------------------------------------===//
// Ops inside the regions
//===----------------------------------------------------------------------===//

/// attn.q_offset and its kin belong to the regions of an attention op.
static LogicalResult verifyInsideAttention(Operation *op) {
  if (!op->getParentOfType<AttentionOp>())
    return op->emitOpError("stands outside the regions of attn.attention");
  return success();
}

LogicalResult QOffsetOp::verify() { return verifyInsideAttention(*this); }
LogicalResult QLenOp::verify() { return verifyInsideAttention(*this); }
LogicalResult KVLenOp::verify() { return verifyInsideAttention(*this); }

//===----------------------------------------------------------------------===//
// attn.merge
//===----------------------------------------------------------------------===//

LogicalResult MergeOp::verify() {
  if (getInits().size() != 2)
    return emitOpError() << "outs: takes two destinations (o and lse), not "
                         << getInits().size() << " (rule 18)";
  NamedValue o1{"o1", getO1()}, o2{"o2", getO2()},
      output{"output", getInits()[0]};
  NamedValue lses[] = {
      {"lse1", getLse1()}, {"lse2", getLse2()}, {"lse", getInits()[1]}};
  if (failed(verifyForm(cast<DestinationStyleOpInterface>(getOperation()),
                        {o1, lses[0], o2, lses[1], output, lses[2]})))
    return failure();

  if (failed(verifyComputeType(*this, o1)) ||
      failed(verifySameType(*this, o2, o1)) ||
      failed(verifyOutputType(*this, output, o1)))
    return failure();
  constexpr StringLiteral dims[] = {"B", "the number of heads",
                                    "the sequence length", "the head size"};
  auto verifyShape = [&](NamedValue operand, int64_t rank, StringRef shape) {
    if (failed(verifyRank(*this, operand, rank, shape, 18)))
      return failure();
    for (int64_t dim = 0; dim < rank; ++dim)
      if (failed(verifySize(*this, operand, dim, dims[dim],
                            {"that of o1", o1.getType().getDimSize(dim)}, 18)))
        return failure();
    return success();
  };
  for (NamedValue operand : {o1, o2, output})
    if (failed(verifyShape(operand, 4, "[B, H, S, D]")))
      return failure();
  for (NamedValue lse : lses)
    if (failed(verifyF32(*this, lse, 18)) ||
        failed(verifyShape(lse, 3, "[B, H, S]")))
      return failure();
  return success();
}
