//===- AddHoles.cpp - attn-add-holes --------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Score and mask regions end with functions that are written when kernels are
// text.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/Hole.h"
#include "attn/Target/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

namespace attn {
#define GEN_PASS_DEF_ADDHOLES
#include "attn/Target/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

/// Whether holes see a capture: a scalar, or a table with a number for each
/// head. Others would need other indices.
static bool isSeen(AttentionOp op, Type capture) {
  auto table = dyn_cast<ShapedType>(capture);
  return !table || (table.getRank() == 1 && !table.isDynamicDim(0) &&
                    table.getDimSize(0) == op.getNumQueryHeads());
}

namespace {

/// Adds the holes of one op; their names end with `suffix`.
class HoleBuilder {
public:
  HoleBuilder(AttentionOp op, ArrayRef<std::string> captures,
              std::string suffix)
      : op(op), captures(captures), suffix(std::move(suffix)),
        builder(op.getContext()) {}

  void addScore();
  void addMask();

private:
  struct Operands {
    SmallVector<Value> values;
    SmallVector<StringRef> names;
    void add(Value value, StringRef name) {
      values.push_back(value);
      names.push_back(name);
    }
  };
  Operands findOperands(Block &block, bool isScore);
  Value readCapture(Value capture, Value head);
  Value toWord(Value value);
  HoleOp create(StringRef function, Type type, const Operands &operands,
                StringAttr tileTest);

  AttentionOp op;
  ArrayRef<std::string> captures;
  std::string suffix;
  OpBuilder builder;
};

} // namespace

/// A scalar as f32, i32 or i1, which text has.
Value HoleBuilder::toWord(Value value) {
  Location loc = value.getLoc();
  Type type = value.getType(), i32 = builder.getI32Type();
  if (type.isIndex())
    return arith::IndexCastOp::create(builder, loc, i32, value);
  unsigned width = type.getIntOrFloatBitWidth();
  if (width == 32 || width == 1)
    return value;
  if (isa<FloatType>(type)) {
    Type f32 = builder.getF32Type();
    if (width > 32)
      return arith::TruncFOp::create(builder, loc, f32, value);
    return arith::ExtFOp::create(builder, loc, f32, value);
  }
  if (width > 32)
    return arith::TruncIOp::create(builder, loc, i32, value);
  return arith::ExtSIOp::create(builder, loc, i32, value);
}

Value HoleBuilder::readCapture(Value capture, Value head) {
  Location loc = op.getLoc();
  if (!isa<ShapedType>(capture.getType()))
    return toWord(capture);
  if (isa<MemRefType>(capture.getType()))
    return toWord(memref::LoadOp::create(builder, loc, capture, head));
  return toWord(tensor::ExtractOp::create(builder, loc, capture, head));
}

HoleBuilder::Operands HoleBuilder::findOperands(Block &block, bool isScore) {
  Operands operands;
  builder.setInsertionPoint(block.getTerminator());
  if (isScore)
    operands.add(block.getTerminator()->getOperand(0), "s");
  Block::BlockArgListType arguments =
      block.getArguments().drop_front(isScore ? 1 : 0);
  static constexpr StringLiteral indices[] = {"b", "h", "i", "j"};
  for (auto [name, argument] : llvm::zip(indices, arguments))
    operands.add(toWord(argument), name);
  Value head = arguments[1];
  for (auto [capture, name] :
       llvm::zip(arguments.drop_front(std::size(indices)), captures))
    if (isSeen(op, capture.getType()))
      operands.add(readCapture(capture, head), name);
  return operands;
}

HoleOp HoleBuilder::create(StringRef function, Type type,
                           const Operands &operands, StringAttr tileTest) {
  return HoleOp::create(builder, op.getLoc(), type, (function + suffix).str(),
                        operands.values,
                        builder.getStrArrayAttr(operands.names), tileTest);
}

void HoleBuilder::addScore() {
  Block &block = op.getOrCreateScoreBlock();
  Operands operands = findOperands(block, /*isScore=*/true);
  block.getTerminator()->setOperand(
      0, create("score_hole", builder.getF32Type(), operands, StringAttr()));
}

void HoleBuilder::addMask() {
  Block &block = op.getOrCreateMaskBlock();
  Operands operands = findOperands(block, /*isScore=*/false);
  Value kept = block.getTerminator()->getOperand(0);
  Value hole = create("mask_hole", builder.getI1Type(), operands,
                      builder.getStringAttr("tile_hole" + suffix));
  if (!matchPattern(kept, m_One()))
    hole = arith::AndIOp::create(builder, op.getLoc(), kept, hole);
  block.getTerminator()->setOperand(0, hole);
  if (Operation *constant = kept.getDefiningOp();
      constant && isOpTriviallyDead(constant))
    constant->erase();
}

namespace {
struct AddHoles final : attn::impl::AddHolesBase<AddHoles> {
  using AddHolesBase::AddHolesBase;

  void runOnOperation() override {
    unsigned count = 0;
    WalkResult result = getOperation().walk([&](AttentionOp op) {
      if (op.getCaptures().size() < names.size()) {
        op.emitOpError("has ")
            << op.getCaptures().size() << " captures, but holes are given "
            << names.size() << " names for them";
        return WalkResult::interrupt();
      }
      SmallVector<std::string> called(names.begin(), names.end());
      for (size_t k = called.size(); k < op.getCaptures().size(); ++k)
        called.push_back("capture" + std::to_string(k));
      HoleBuilder holes(op, called, count ? std::to_string(count) : "");
      holes.addScore();
      holes.addMask();
      remarkLeftOut(op);
      ++count;
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      return signalPassFailure();
    if (count == 0) {
      emitError(getOperation().getLoc(), "holes are for attn.attention, of "
                                         "which there is none");
      return signalPassFailure();
    }
    numHoles += 2 * count;
  }

private:
  /// Says which captures holes do not see.
  static void remarkLeftOut(AttentionOp op) {
    for (auto [k, type] : llvm::enumerate(op.getCaptures().getTypes()))
      if (!isSeen(op, type))
        op.emitRemark("holes do not see capture #")
            << k << ", " << type << ", which has no number for each head; an "
            << "attn.hole in a region may be given what is read from it";
  }
};
} // namespace
