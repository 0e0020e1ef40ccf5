//===- MathToNVPTX.cpp - Math functions to NVPTX approximations -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The special-function unit computes these directly; without this pass they
// would become calls of libdevice or instructions that LLVM 22 cannot select
// (llvm.log2).
//
//===----------------------------------------------------------------------===//

#include "attn/Conversion/MathToNVPTX.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

namespace attn {
#define GEN_PASS_DEF_MATHTONVPTX
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;

namespace {

template <typename Op> struct ToIntrinsic final : OpRewritePattern<Op> {
  ToIntrinsic(MLIRContext *context, StringRef intrinsic)
      : OpRewritePattern<Op>(context), intrinsic(intrinsic) {}

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    if (!op.getType().isF32())
      return rewriter.notifyMatchFailure(op, "only f32 has an approximation");
    rewriter.replaceOpWithNewOp<LLVM::CallIntrinsicOp>(
        op, op.getType(), rewriter.getStringAttr(intrinsic), op.getOperand());
    return success();
  }

  StringRef intrinsic;
};

/// tanh.approx.f32 has no intrinsic in LLVM 22.
struct TanhToAssembly final : OpRewritePattern<math::TanhOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::TanhOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getType().isF32())
      return rewriter.notifyMatchFailure(op, "only f32 has an approximation");
    auto dialect = LLVM::AsmDialectAttr::get(rewriter.getContext(),
                                             LLVM::AsmDialect::AD_ATT);
    auto assembly = LLVM::InlineAsmOp::create(
        rewriter, op.getLoc(), op.getType(), op.getOperand(),
        "tanh.approx.f32 $0, $1;", "=f,f", /*has_side_effects=*/false,
        /*is_align_stack=*/false, LLVM::TailCallKind::None, dialect,
        /*operand_attrs=*/ArrayAttr());
    rewriter.replaceOp(op, assembly.getResults());
    return success();
  }
};

struct MathToNVPTXPass final : attn::impl::MathToNVPTXBase<MathToNVPTXPass> {
  using MathToNVPTXBase::MathToNVPTXBase;

  void runOnOperation() override {
    MLIRContext *context = &getContext();
    RewritePatternSet patterns(context);
    patterns.add<ToIntrinsic<math::Exp2Op>>(context,
                                            "llvm.nvvm.ex2.approx.ftz.f32");
    patterns.add<ToIntrinsic<math::Log2Op>>(context, "llvm.nvvm.lg2.approx.f");
    patterns.add<ToIntrinsic<math::RsqrtOp>>(context,
                                             "llvm.nvvm.rsqrt.approx.f");
    patterns.add<TanhToAssembly>(context);
    // Exact in the hardware. The ops of the LLVM dialect would do, but
    // convert-gpu-to-nvvm (22) declares them illegal in favour of libdevice.
    patterns.add<ToIntrinsic<math::AbsFOp>>(context, "llvm.fabs.f32");
    patterns.add<ToIntrinsic<math::CeilOp>>(context, "llvm.ceil.f32");
    patterns.add<ToIntrinsic<math::FloorOp>>(context, "llvm.floor.f32");
    patterns.add<ToIntrinsic<math::RoundEvenOp>>(context, "llvm.roundeven.f32");
    patterns.add<ToIntrinsic<math::TruncOp>>(context, "llvm.trunc.f32");
    patterns.add<ToIntrinsic<math::SqrtOp>>(context, "llvm.sqrt.f32");
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};

} // namespace
