//===- Attn.h - The attn dialect --------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// C++ declarations of the attn dialect: attn.attention, attn.merge and the ops
// that score and mask regions may use.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_ATTN_ATTN_H
#define ATTN_DIALECT_ATTN_ATTN_H

#include "attn/Dialect/KnownAttributes.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/TilingInterface.h"

#include <limits>
#include <optional>

namespace attn {
/// A window end that was left out.
inline constexpr int64_t kUnbounded = std::numeric_limits<int64_t>::max();

/// On an argument of a function: what messages call it.
inline constexpr llvm::StringLiteral kArgumentNameAttr = "attn.name";

/// An f32 or f64 number in the type that is computed in.
float roundToF32(mlir::FloatAttr number);
} // namespace attn

#include "attn/Dialect/Attn/AttnDialect.h.inc"
#include "attn/Dialect/Attn/AttnEnums.h.inc"

#include "attn/Dialect/Attn/ScheduleKnobs.h"

#define GET_ATTRDEF_CLASSES
#include "attn/Dialect/Attn/AttnAttrs.h.inc"

#define GET_OP_CLASSES
#include "attn/Dialect/Attn/AttnOps.h.inc"

namespace attn {
/// Bufferisation of the attn ops (destination style: inits are written).
void registerAttnBufferizableOpInterfaces(mlir::DialectRegistry &registry);

/// What mask analysis found, as text for people, on the grid of a tiled op.
inline constexpr llvm::StringLiteral kMaskTilesAttrName = "attn.mask_tiles";
/// Why attn.attention has its schedule: a string for people.
inline constexpr llvm::StringLiteral kScheduleReasonAttrName =
    "attn.schedule_reason";

/// Returns the reason why `op` may not stand in a score or mask region, or an
/// empty string if it may (rule 8).
std::string whyNotAllowedInRegion(mlir::Operation *op);

/// How deep branches and loops may be nested, which the verifier checks, and
/// how many ops a region may have as it is written, its loops unrolled. Passes
/// recurse along chains of operands and into branches.
inline constexpr int64_t kMaxRegionDepth = 64, kMaxRegionOps = 1024;
/// Diagnoses a region of more than kMaxRegionOps. Not a part of the verifier:
/// what passes make of a region may be larger.
llvm::LogicalResult verifyRegionSizes(AttentionOp op);

/// The trips of a loop with constant bounds: first, first + step, ...
struct ConstantLoop {
  int64_t first, step, count;
};
/// The trips of `loop`, which rule 8 allows if they are constant.
std::optional<ConstantLoop> getConstantLoop(mlir::scf::ForOp loop);
} // namespace attn

#endif // ATTN_DIALECT_ATTN_ATTN_H
