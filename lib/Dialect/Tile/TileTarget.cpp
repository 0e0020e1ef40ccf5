//===- TileTarget.cpp - The machine that a module is for ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What #tile.target may say, and how passes find it.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Tile/Tile.h"
#include "attn/Support/Places.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace attn::tile;

namespace {
/// The values that a limit may have: 0 or `low` to `high`, a power of two if
/// `isPower`.
struct Limit {
  StringRef name;
  int64_t value, low, high;
  bool isPower = false;
};
} // namespace

static LogicalResult verifyLimit(function_ref<InFlightDiagnostic()> emitError,
                                 const Limit &limit) {
  int64_t value = limit.value;
  bool fits = value >= limit.low && value <= limit.high &&
              (!limit.isPower || llvm::isPowerOf2_64(value));
  if (value == 0 || fits)
    return success();
  return emitError() << limit.name << " = " << value << " is not "
                     << (limit.isPower ? "a power of two " : "") << "in "
                     << limit.low << " .. " << limit.high
                     << "; 0: the machine has none";
}

LogicalResult TargetAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 StringRef name, StringRef chip,
                                 int64_t vectorBits, int64_t vectorRegisters,
                                 int64_t l1Bytes, int64_t l2Bytes,
                                 int64_t threads, int64_t subgroup,
                                 int64_t sharedBytes, int64_t staticSharedBytes,
                                 int64_t storageBuffers, int64_t workers,
                                 MatrixUnits matrix, ArrayAttr features,
                                 DenseI64ArrayAttr matrixShape, Lacks, Fast) {
  if (name.empty() || chip.empty())
    return emitError() << "a target has a name and a chip";
  constexpr int64_t mostBytes = int64_t(1) << 40;
  // No API launches more threads, or has more memory for a workgroup.
  constexpr int64_t mostThreads = 1024, mostShared = 1 << 20;
  for (const Limit &limit :
       {Limit{"vector_bits", vectorBits, 128, 512, /*isPower=*/true},
        Limit{"vector_registers", vectorRegisters, 8, 64},
        Limit{"l1_bytes", l1Bytes, 1024, mostBytes},
        Limit{"l2_bytes", l2Bytes, 1024, mostBytes},
        Limit{"threads", threads, 1, mostThreads},
        Limit{"subgroup", subgroup, 1, 128, /*isPower=*/true},
        Limit{"shared_bytes", sharedBytes, 1, mostShared},
        Limit{"static_shared_bytes", staticSharedBytes, 1, mostShared},
        Limit{"storage_buffers", storageBuffers, 1, 1 << 20},
        Limit{"workers", workers, 1, 1 << 16}})
    if (failed(verifyLimit(emitError, limit)))
      return failure();
  if (staticSharedBytes > sharedBytes)
    return emitError() << "static_shared_bytes = " << staticSharedBytes
                       << " is more than shared_bytes = " << sharedBytes;
  if (subgroup > threads)
    return emitError() << "a subgroup of " << subgroup
                       << " lanes is more than a block of " << threads
                       << " threads";
  bool hasShape = matrixShape && matrixShape.size() == 3 &&
                  llvm::all_of(matrixShape.asArrayRef(), [](int64_t size) {
                    return size > 0 && llvm::isPowerOf2_64(size);
                  });
  bool needsShape =
      bitEnumContainsAny(matrix, MatrixUnits::Cooperative | MatrixUnits::Amx);
  if (needsShape ? !hasShape : !!matrixShape)
    return emitError() << "matrix_shape is [m, n, k], powers of two, where "
                          "matrix units are cooperative or amx, and nothing "
                          "elsewhere";
  for (Attribute feature :
       features ? features.getValue() : ArrayRef<Attribute>())
    if (!isa<StringAttr>(feature))
      return emitError() << "a feature is a string, not " << feature;
  return success();
}

TargetAttr TargetAttr::lookup(Operation *op) {
  auto module = dyn_cast<ModuleOp>(op);
  if (!module)
    module = op->getParentOfType<ModuleOp>();
  return module ? module->getAttrOfType<TargetAttr>(attributeName)
                : TargetAttr();
}

FailureOr<TargetAttr> TargetAttr::require(Operation *op, StringRef pass) {
  if (TargetAttr target = lookup(op))
    return target;
  return emitError(getPlace(op))
         << pass << ": the module does not say what machine it is for; "
         << "tile-attach-target puts " << attributeName << " there";
}

bool TargetAttr::hasFeature(StringRef feature) const {
  return getFeatures() && llvm::any_of(getFeatures(), [&](Attribute known) {
           return cast<StringAttr>(known).getValue() == feature;
         });
}
