//===- MaskHarness.h - Mask analysis against brute force --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compares what the IR of mask analysis says about every tile with the mask
// region evaluated at every (i, j).
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_UNIT_ANALYSIS_MASKHARNESS_H
#define ATTN_TEST_UNIT_ANALYSIS_MASKHARNESS_H

#include "Interpreter.h"

#include "attn/Analysis/MaskAnalysis.h"
#include "attn/Dialect/Attn/Attn.h"
#include "attn/Dialect/Tile/Tile.h"
#include "attn/Transforms/MaskEmission.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

namespace attn::test {

struct Capture {
  std::string name; // visible in the region
  std::string type;
  Scalar value;
};

inline Capture scalar(std::string name, int64_t value,
                      std::string type = "index") {
  Scalar scalar;
  scalar.integer = value;
  return {std::move(name), std::move(type), scalar};
}

inline Capture table(std::string name, std::vector<int64_t> data,
                     llvm::SmallVector<int64_t> shape = {},
                     std::string element = "i32") {
  auto buffer = std::make_shared<Buffer>();
  buffer->shape = shape;
  if (shape.empty())
    buffer->shape.push_back(data.size());
  buffer->data = std::move(data);
  std::string type = "memref<";
  for (size_t dim = 0; dim < buffer->shape.size(); ++dim)
    type += "?x";
  Scalar scalar;
  scalar.buffer = buffer;
  return {std::move(name), type + element + ">", scalar};
}

/// Whether number `number` of many like cases has its turn: one in three has
/// where ATTN_TEST_SEED says which (test.sh), unless ATTN_TEST_FULL is there.
bool hasItsTurn(unsigned number);
bool allHaveTheirTurns();

/// One attention problem with a mask.
struct Problem {
  std::string mask; // the region's ops, ending in attn.yield
  int64_t queryLength = 0, keyLength = 0;
  int64_t queryOffset = 0;
  int64_t batch = 0, head = 0;
  std::vector<Capture> captures = {};
  /// Write the lengths into the types, so that the analysis knows them.
  bool staticSizes = false;
  /// The size of k in memory if it is more than kv_len.
  int64_t storedKeys = 0;
  /// The lengths of the batches before `batch`; those of `batch` if not given.
  std::vector<int64_t> queryLengthsBefore = {}, keyLengthsBefore = {};
};

enum class Answer {
  Exact,     // visited and full tiles are exactly right and said to be
  AsExact,   // they are right, without being promised
  Sound,     // nothing that matters is skipped, nothing partial is called full
  AsPromised // exact if the analysis says so, else sound
};

struct Outcome {
  bool exact = false, predicate = false, hasMask = false;
  unsigned summaries = 0;
  /// Values of keys that no row attends are left out: none that is attended,
  /// and whether all others are.
  bool leavesOutAll = true;
  /// Whether visited and full tiles are the right ones, promised or not.
  bool right = true;
};

/// Compares what the analysis of `op`, which is on memrefs, says about every
/// tile of `problem`, whose mask is not read, with `attended`: a flag for each
/// key of each row.
Outcome compareTiles(AttentionOp op, const Problem &problem,
                     llvm::ArrayRef<uint8_t> attended, int64_t tileM,
                     int64_t tileN, Answer answer, MaskAxis axis);

class MaskHarness {
public:
  MaskHarness() {
    context.loadDialect<attn::AttnDialect, attn::tile::TileDialect,
                        mlir::arith::ArithDialect, mlir::func::FuncDialect,
                        mlir::math::MathDialect, mlir::memref::MemRefDialect,
                        mlir::scf::SCFDialect>();
  }

  Outcome check(const Problem &problem, int64_t tileM, int64_t tileN,
                Answer answer, MaskAxis axis = MaskAxis::Keys);

private:
  mlir::MLIRContext context;
};

} // namespace attn::test

#endif // ATTN_TEST_UNIT_ANALYSIS_MASKHARNESS_H
