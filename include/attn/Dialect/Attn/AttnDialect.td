//===- AttnDialect.td - The attn dialect -------------------*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention described once: shapes, operands and two small regions (score and
// mask) that say what is computed, never how.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_TD
#define ATTN_DIALECT_TD

include "mlir/IR/DialectBase.td"

def Attn_Dialect : Dialect {
  let name = "attn";
  let cppNamespace = "::attn";
  let summary = "Attention as an operation with score and mask regions";
  let description = [{
    The `attn` dialect says *what* attention computes. `attn.attention` carries
    the queries, keys and values, the sugar that users write (causal, window,
    softcap, ...) and two regions: the score region maps one scaled score to a
    new score, the mask region says whether a query attends a key. All sugar
    expands into these regions, so analyses and lowerings see regions only.

    The contract is `docs/semantics.md`; verifier messages cite its rules.
  }];
  let useDefaultTypePrinterParser = 0;
  let useDefaultAttributePrinterParser = 1;
  let hasConstantMaterializer = 1;
  let hasOperationAttrVerify = 1;
  let hasRegionArgAttrVerify = 1;
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect",
    "::mlir::memref::MemRefDialect"
  ];
}

#endif // ATTN_DIALECT_TD
