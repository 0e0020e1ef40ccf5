//===- AttnVerifier.cpp - Verifiers of the attn ops -----------------------===//
//
// One precise diagnostic a violated rule of docs/semantics.md.
//
//===----------------------------------------------------------------------===//

#include "dialects/Attn/Attn.h"

using namespace mlir;
using namespace attn;

std::string attn::whyNotAllowedInRegion(Operation *) { return {}; }

LogicalResult AttentionOp::verify() { return success(); }

LogicalResult AttentionOp::verifyRegions() { return success(); }

LogicalResult MergeOp::verify() { return success(); }

/// attn.q_offset and its kin belong to the regions of an attention op.
static LogicalResult verifyInsideAttention(Operation *op) {
  if (!op->getParentOfType<AttentionOp>())
    return op->emitOpError("stands outside the regions of attn.attention");
  return success();
}

LogicalResult QOffsetOp::verify() { return verifyInsideAttention(*this); }
LogicalResult QLenOp::verify() { return verifyInsideAttention(*this); }
LogicalResult KVLenOp::verify() { return verifyInsideAttention(*this); }
