//===- MaskAnalysis.cpp - Which key tiles a query tile visits -------------===//
//
// Derives which key tiles are empty, full or partial for a query tile, and
// builds the IR that says so.
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/MaskAnalysis.h"

#include "dialects/Tile/Tile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace attn;

struct MaskAnalysis::Impl {
  int64_t tileM, tileN;
  bool hasMask;
};

MaskAnalysis::MaskAnalysis(std::unique_ptr<Impl> impl)
    : impl(std::move(impl)) {}
MaskAnalysis::MaskAnalysis(MaskAnalysis &&) = default;
MaskAnalysis &MaskAnalysis::operator=(MaskAnalysis &&) = default;
MaskAnalysis::~MaskAnalysis() = default;

FailureOr<MaskAnalysis> MaskAnalysis::compute(AttentionOp op, int64_t tileM,
                                              int64_t tileN) {
  if (op.hasSugar())
    return op.emitOpError("mask analysis needs attn-expand-sugar first");
  if (tileM < 1 || tileN < 1)
    return op.emitOpError("mask analysis needs positive tile sizes, not ")
           << tileM << " and " << tileN;
  auto impl = std::make_unique<Impl>();
  impl->tileM = tileM;
  impl->tileN = tileN;
  impl->hasMask = op.hasMaskRegion();
  return MaskAnalysis(std::move(impl));
}

bool MaskAnalysis::hasMask() const { return impl->hasMask; }
bool MaskAnalysis::isExact() const { return !impl->hasMask; }
bool MaskAnalysis::needsPredicate() const { return false; }
unsigned MaskAnalysis::getNumSummaries() const { return 0; }

SmallVector<Value> MaskAnalysis::buildSummaries(OpBuilder &, Location,
                                                const MaskGrid &) const {
  return {};
}

Value MaskAnalysis::buildRanges(OpBuilder &builder, Location loc,
                                const MaskSymbols &symbols) const {
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  Value size = arith::ConstantIndexOp::create(builder, loc, impl->tileN);
  Value end = arith::CeilDivSIOp::create(builder, loc, symbols.keyLength, size);
  Value full = zero;
  if (!impl->hasMask)
    full = arith::FloorDivSIOp::create(builder, loc, symbols.keyLength, size);
  return tile::RangesOp::create(builder, loc,
                                ValueRange{zero, end, zero, full});
}

void MaskAnalysis::print(raw_ostream &os) const {
  os << "tiles [0, kv_len ceildiv " << impl->tileN << ") partial\n";
}
