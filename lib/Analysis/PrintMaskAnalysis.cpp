//===- PrintMaskAnalysis.cpp - Show the result of mask analysis -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attn-print-mask-analysis: the key tiles of each query tile, or the query
// tiles of each key tile.
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/MaskAnalysis.h"
#include "attn/Analysis/Passes.h"

#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace attn {
#define GEN_PASS_DEF_PRINTMASKANALYSIS
#include "attn/Analysis/Passes.h.inc"
} // namespace attn

using namespace attn;

namespace {
class PrintMaskAnalysis
    : public attn::impl::PrintMaskAnalysisBase<PrintMaskAnalysis> {
public:
  using PrintMaskAnalysisBase::PrintMaskAnalysisBase;

  void runOnOperation() override {
    markAllAnalysesPreserved();
    WalkResult walk = getOperation()->walk([&](AttentionOp op) {
      if (failed(verifyRegionSizes(op)))
        return WalkResult::interrupt();
      FailureOr<MaskAnalysis> analysis =
          MaskAnalysis::compute(op, tileM, tileN, axis);
      if (failed(analysis))
        return WalkResult::interrupt();
      if (auto function = op->getParentOfType<FunctionOpInterface>())
        llvm::outs() << "@" << function.getName() << ": ";
      if (axis == MaskAxis::Keys)
        llvm::outs() << "query tiles of " << tileM << ", key tiles of "
                     << tileN;
      else
        llvm::outs() << "key tiles of " << tileN << ", query tiles of "
                     << tileM;
      llvm::outs() << "\n";
      analysis->print(llvm::outs());
      return WalkResult::advance();
    });
    if (walk.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
