//===- Passes.td - Transformation passes -------------------*- tablegen -*-===//
//
// Passes on attn and tile IR that no target owns. Every description ends with
// a before/after example that is run as a test.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TRANSFORMS_PASSES_TD
#define ATTN_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

#endif // ATTN_TRANSFORMS_PASSES_TD
