//===- Attendance.cpp - What a problem has to compute ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Observers of the reference interpreter, which shows them rows of masks.
//
//===----------------------------------------------------------------------===//

#include "attn/Execution/Attendance.h"
#include "attn/Reference/Interpreter.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace attn;
using namespace attn::execution;
using reference::Row;
using reference::Tensor;

namespace {

/// Counts the operations of attended pairs.
class FlopCounter : public reference::RowObserver {
public:
  /// Looks at one of `stride` rows.
  explicit FlopCounter(int64_t stride) : stride(stride) {}

  bool wants(const Row &row) override {
    return row.i % getStride(row) == getStride(row) / 2;
  }
  void see(const Row &row, ArrayRef<uint8_t> attended) override {
    AttentionOp op = row.op;
    double pairs = llvm::count_if(attended, [](uint8_t a) { return a != 0; });
    int64_t step = getStride(row);
    int64_t seen = (row.queries - step / 2 + step - 1) / step;
    flops += 2 * pairs * (op.getQkHeadSize() + op.getValueHeadSize()) *
             row.queries / seen;
  }

  double flops = 0;

private:
  int64_t getStride(const Row &row) const {
    return std::clamp<int64_t>(stride, 1, row.queries);
  }

  int64_t stride;
};

/// Adds up pairs of all rows; looks at none.
class PairCounter : public reference::RowObserver {
public:
  bool wants(const Row &row) override {
    pairs += double(row.keys);
    return false;
  }
  void see(const Row &, ArrayRef<uint8_t>) override {}

  double pairs = 0;
};

/// Counts the attended pairs of each tile.
class TileObserver : public reference::RowObserver {
public:
  TileObserver(int64_t tileM, int64_t tileN) : tileM(tileM), tileN(tileN) {}

  bool wants(const Row &row) override {
    if (row.b != 0 || row.h != 0 || (op && row.op != op))
      return false;
    if (!op) {
      op = row.op;
      queries = row.queries;
      keys = row.keys;
      tiles.assign(getRows(), std::vector<int64_t>(getColumns(), 0));
    }
    int64_t tile = row.i / tileM;
    return tile % getRowStep() == 0 || tile == getRows() - 1;
  }
  void see(const Row &row, ArrayRef<uint8_t> attended) override {
    for (auto [j, a] : llvm::enumerate(attended))
      tiles[row.i / tileM][j / tileN] += a != 0;
  }

  std::string draw() const;

private:
  static constexpr int64_t mostRows = 16, mostColumns = 64;

  int64_t getRows() const { return llvm::divideCeil(queries, tileM); }
  int64_t getColumns() const { return llvm::divideCeil(keys, tileN); }
  int64_t getRowStep() const {
    return std::max<int64_t>(llvm::divideCeil(getRows(), mostRows), 1);
  }
  /// '#' full, '+' partial, '.' skipped.
  char classify(int64_t m, int64_t n) const {
    int64_t rows = std::min(tileM, queries - m * tileM);
    int64_t columns = std::min(tileN, keys - n * tileN);
    int64_t count = tiles[m][n];
    return count == 0 ? '.' : count == rows * columns ? '#' : '+';
  }
  std::string describe(int64_t m) const;

  int64_t tileM, tileN, queries = 0, keys = 0;
  AttentionOp op;
  std::vector<std::vector<int64_t>> tiles;
};

} // namespace

/// Which key tiles query tile `m` visits.
std::string TileObserver::describe(int64_t m) const {
  int64_t first = -1, last = -1, visited = 0, full = 0;
  for (int64_t n = 0; n < getColumns(); ++n) {
    char kind = classify(m, n);
    if (kind == '.')
      continue;
    first = first < 0 ? n : first;
    last = n;
    ++visited;
    full += kind == '#';
  }
  if (!visited)
    return llvm::formatv("query tile {0} visits none\n", m).str();
  return llvm::formatv(
             "query tile {0} visits {1} of {2} key tiles, {3} .. {4}; "
             "{5} of them full\n",
             m, visited, getColumns(), first, last, full)
      .str();
}

std::string TileObserver::draw() const {
  if (getRows() == 0 || getColumns() == 0)
    return "";
  int64_t group = llvm::divideCeil(getColumns(), mostColumns);
  std::string text = llvm::formatv(
      "batch 0, head 0, tiles of {0} x {1} (# full, + partial, . skipped{2})\n",
      tileM, tileN,
      group > 1 ? llvm::formatv("; {0} key tiles a character", group).str()
                : "");
  for (int64_t m = 0; m < getRows(); m += getRowStep()) {
    text += llvm::formatv("{0,8} ", m * tileM);
    for (int64_t n = 0; n < getColumns(); n += group) {
      char kind = classify(m, n);
      for (int64_t k = n; k < std::min(n + group, getColumns()); ++k)
        kind = classify(m, k) == kind ? kind : '+';
      text += kind;
    }
    text += "\n";
  }
  text += describe(0);
  if (getRows() > 1)
    text += describe(getRows() - 1);
  return text;
}

/// Shows the rows of all attention to `observer`.
static LogicalResult observe(func::FuncOp function, ArrayRef<Tensor> inputs,
                             reference::RowObserver &observer) {
  reference::Options options;
  options.observer = &observer;
  return reference::interpret(function, inputs, options);
}

FailureOr<double> attn::execution::countFlops(func::FuncOp function,
                                              ArrayRef<Tensor> inputs) {
  constexpr double most = 5e7;
  PairCounter pairs;
  if (failed(observe(function, inputs, pairs)))
    return failure();
  FlopCounter counter(static_cast<int64_t>(pairs.pairs / most) + 1);
  if (failed(observe(function, inputs, counter)))
    return failure();
  return counter.flops;
}

FailureOr<std::string> attn::execution::drawTiles(func::FuncOp function,
                                                  ArrayRef<Tensor> inputs,
                                                  int64_t tileM,
                                                  int64_t tileN) {
  TileObserver tiles(tileM, tileN);
  if (failed(observe(function, inputs, tiles)))
    return failure();
  return tiles.draw();
}
