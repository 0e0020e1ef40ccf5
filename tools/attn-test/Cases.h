//===- Cases.h - Test cases of attn-test ------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A case is MLIR text, the sizes that it leaves open and a seed for its
// inputs. Its name, or its seed, says how to make it again.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_TEST_CASES_H
#define ATTN_TOOLS_ATTN_TEST_CASES_H

#include "attn/Reference/Tensor.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

namespace attn::tools {

using MessageParts = std::vector<std::string>;

struct Case {
  std::string name;
  std::string text;
  std::vector<std::pair<std::string, int64_t>> sizes;
  uint64_t seed = 0;
  /// Changes the random inputs: lengths, poison, a wrong size. Returns what the
  /// message that rejects them must have; nothing: they are right.
  std::function<MessageParts(llvm::MutableArrayRef<reference::Tensor>)> adjust;
  /// Puts NaN and infinities among the inputs, for targets that promise what
  /// they give (rule 16).
  std::function<void(llvm::MutableArrayRef<reference::Tensor>)> addSpecial;
};

/// A case to be made: enumerating the large matrices must be cheap.
struct Recipe {
  std::string name;
  std::function<Case(mlir::MLIRContext &)> make;
};

/// Random numbers that are the same on every machine.
class Random {
public:
  explicit Random(uint64_t seed) : engine(seed) {}
  /// low ... high, both included.
  int64_t range(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(engine() % (high - low + 1));
  }
  bool chance(int64_t one, int64_t in) { return range(1, in) <= one; }
  template <typename Range> const auto &pick(const Range &range_) {
    return *(std::begin(range_) +
             range(0, std::end(range_) - std::begin(range_) - 1));
  }

private:
  std::mt19937_64 engine;
};

/// Shapes of one problem.
struct Shape {
  int64_t batch, queryHeads, keyHeads, queries, keys, qkHeadSize, valueHeadSize;
};

/// Lengths and head sizes of FlashAttention's tests, with short and odd ones,
/// and few queries of many keys.
llvm::ArrayRef<std::pair<int64_t, int64_t>> getLengths();
llvm::ArrayRef<int64_t> getHeadSizes();
/// f32, f16, bf16.
llvm::ArrayRef<llvm::StringRef> getElementTypes();

/// Every function of `directory` in every element type and several shapes.
/// Files that do not parse end up in `errors`.
std::vector<Recipe> enumerateMods(llvm::StringRef directory,
                                  std::vector<std::string> &errors);
/// Every variant of the op times element types, lengths and head sizes.
std::vector<Recipe> enumerateMatrix();
/// Every variant of the op without queries, keys, batches or heads.
std::vector<Recipe> enumerateEmpty();
/// One random mask and score region under random sugar.
Case makeRandomCase(uint64_t seed);
/// Random sugar on random operands: shapes, lengths, layouts and tables that
/// nobody combined before, what may not be read poisoned.
Case makeCombination(uint64_t seed);
/// Every operand with every dimension wrong and, where the host reads what is
/// in memory, every length and page: a device clamps them (rule 11).
std::vector<Recipe> enumerateRejections(bool hostReads);

/// One random program of tile ops; the second one has none that the CPU
/// cannot lower.
Case makeTileProgram(uint64_t seed);
Case makeLoweredTileProgram(uint64_t seed);

} // namespace attn::tools

#endif // ATTN_TOOLS_ATTN_TEST_CASES_H
