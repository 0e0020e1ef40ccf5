//===- AttnBufferize.cpp - Bufferisation of the attn ops ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// External models of BufferizableOpInterface: destinations are written in
// place, every other tensor is read, and captures enter the regions as memrefs.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/Attn.h"

#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace attn;

/// Puts an argument of the memref type in the place of each tensor argument;
/// tensor.extract and its kin bufferize on their own.
static void bufferizeArguments(RewriterBase &rewriter, Region &region,
                               ArrayRef<Type> captureTypes) {
  if (region.empty())
    return;
  Block &block = region.front();
  unsigned first = block.getNumArguments() - captureTypes.size();
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPointToStart(&block);
  for (auto [index, type] : llvm::enumerate(captureTypes)) {
    BlockArgument old = block.getArgument(first + index);
    if (old.getType() == type)
      continue;
    BlockArgument buffer =
        block.insertArgument(first + index, type, old.getLoc());
    Value tensor = ToTensorOp::create(rewriter, old.getLoc(), old.getType(),
                                      buffer, /*restrict=*/false);
    rewriter.replaceAllUsesWith(old, tensor);
    block.eraseArgument(first + index + 1);
  }
}

/// Rebuilds `op` on the buffers of its tensors, without results.
static LogicalResult bufferizeDestinationStyleOp(
    RewriterBase &rewriter, DestinationStyleOpInterface op,
    const BufferizationOptions &options, BufferizationState &state) {
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(op);
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    if (!isa<TensorType>(operand.getType())) {
      operands.push_back(operand);
      continue;
    }
    FailureOr<Value> buffer = getBuffer(rewriter, operand, options, state);
    if (failed(buffer))
      return failure();
    operands.push_back(*buffer);
  }

  OperationState newState(op->getLoc(), op->getName(), operands, TypeRange(),
                          op->getAttrs());
  for (Region &region : op->getRegions())
    newState.addRegion()->takeBody(region);
  Operation *newOp = rewriter.create(newState);
  if (auto attention = dyn_cast<AttentionOp>(newOp)) {
    SmallVector<Type> types(attention.getCaptures().getTypes());
    bufferizeArguments(rewriter, attention.getScore(), types);
    bufferizeArguments(rewriter, attention.getMask(), types);
  }

  SmallVector<Value> results;
  for (OpOperand &init : op.getDpsInitsMutable())
    results.push_back(newOp->getOperand(init.getOperandNumber()));
  replaceOpWithBufferizedValues(rewriter, op, results);
  return success();
}

namespace {
/// What both ops share.
template <typename Model, typename OpTy>
struct DestinationModel
    : public DstBufferizableOpInterfaceExternalModel<Model, OpTy> {
  // A destination is written as a whole; its old content is not read.
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand,
                              const AnalysisState &) const {
    return cast<DestinationStyleOpInterface>(op).isDpsInput(&operand);
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    return bufferizeDestinationStyleOp(
        rewriter, cast<DestinationStyleOpInterface>(op), options, state);
  }
};

struct MergeModel : public DestinationModel<MergeModel, MergeOp> {};

/// The arguments for captures are not reported as aliases of the operands: the
/// regions only read, and the op as a whole reads every capture already.
struct AttentionModel : public DestinationModel<AttentionModel, AttentionOp> {
  FailureOr<BufferLikeType>
  getBufferType(Operation *op, Value value, const BufferizationOptions &options,
                const BufferizationState &state,
                SmallVector<Value> &invocationStack) const {
    auto arg = dyn_cast<BlockArgument>(value);
    if (!arg)
      return bufferization::detail::defaultGetBufferType(value, options, state,
                                                         invocationStack);
    // The type of the argument is that of the operand.
    auto attention = cast<AttentionOp>(op);
    unsigned numLeading = arg.getParentRegion() == &attention.getScore()
                              ? AttentionOp::kNumScoreArgs
                              : AttentionOp::kNumMaskArgs;
    Value operand = attention.getCaptures()[arg.getArgNumber() - numLeading];
    if (auto type = dyn_cast<BufferLikeType>(operand.getType()))
      return type;
    return bufferization::getBufferType(operand, options, state,
                                        invocationStack);
  }
};
} // namespace

void attn::registerAttnBufferizableOpInterfaces(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, AttnDialect *) {
    context->getOrLoadDialect<BufferizationDialect>();
    AttentionOp::attachInterface<AttentionModel>(*context);
    MergeOp::attachInterface<MergeModel>(*context);
  });
}
