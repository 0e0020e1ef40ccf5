//===- MaskPrinter.cpp - Ranges and predicates as text --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What attn-print-mask-analysis says about one mask.
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/MaskBounds.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace attn;
using namespace attn::mask;

namespace {
class TextBackend {
public:
  struct Number {
    std::string text;
    std::optional<int64_t> constant = {};
    // min or max of the operands.
    StringRef function = {};
    SmallVector<std::string, 0> operands = {};
  };
  using Bool = std::string;

  explicit TextBackend(const MaskTiles &tiles) : tiles(tiles) {}

  Number affine(const Row &row) {
    if (std::optional<int64_t> value = Symbols::asConstant(row))
      return {std::to_string(*value), value};
    std::string text;
    auto term = [&](int64_t factor, StringRef name) {
      if (!text.empty())
        text += factor < 0 ? " - " : " + ";
      else if (factor < 0)
        text += "-";
      int64_t size = std::abs(factor);
      if (name.empty())
        text += std::to_string(size);
      else
        text += size == 1 ? name.str() : (name + "*" + Twine(size)).str();
    };
    // The key tile last, negative terms after positive ones.
    for (bool positive : {true, false})
      for (unsigned id = 1; id < row.size(); ++id)
        if (row[id] != 0 && (row[id] > 0) == positive)
          term(row[id], name(id));
    if (!row.empty() && row[0] != 0)
      term(row[0], "");
    return {text.empty() ? "0" : text};
  }
  Number ceilDiv(const Row &row, int64_t k) { return divide(row, k, true); }
  Number floorDiv(const Row &row, int64_t k) { return divide(row, k, false); }
  Number min(const Number &x, const Number &y) { return extreme("min", x, y); }
  Number max(const Number &x, const Number &y) { return extreme("max", x, y); }
  Number select(const Bool &condition, const Number &x, const Number &y) {
    if (condition == "true")
      return x;
    return {"(" + condition + " ? " + x.text + " : " + y.text + ")",
            std::nullopt};
  }

  Bool boolean(bool value) { return value ? "true" : "false"; }
  Bool less(const Number &x, const Number &y) {
    if (x.constant && y.constant)
      return boolean(*x.constant < *y.constant);
    return x.text + " < " + y.text;
  }
  Bool isNonNegative(const Row &row) {
    // Terms on the side where they are positive.
    Row left, right;
    for (int64_t entry : row) {
      left.push_back(std::max<int64_t>(-entry, 0));
      right.push_back(std::max<int64_t>(entry, 0));
    }
    return affine(left).text + " <= " + affine(right).text;
  }
  Bool both(const Bool &x, const Bool &y) {
    return x == "true" ? y : y == "true" ? x : x + " and " + y;
  }
  Bool either(const Bool &x, const Bool &y) {
    return x == "false" ? y : y == "false" ? x : x + "\n      or " + y;
  }

  /// What a summary is of, where it is no value of the region.
  std::string sumOf(const Summary &summary) {
    std::string text;
    llvm::raw_string_ostream os(text);
    for (unsigned id = 1; id < summary.sum.size(); ++id) {
      int64_t factor = summary.sum[id];
      if (factor == 0)
        continue;
      if (!text.empty())
        os << (factor < 0 ? " - " : " + ");
      if (std::abs(factor) != 1)
        os << std::abs(factor) << " * ";
      if (Value value = tiles.symbols->getVariable(id).value)
        os << value;
      else
        os << (summary.over == Summary::Keys ? "j" : "i");
    }
    return text;
  }

private:
  Number divide(const Row &row, int64_t k, bool up) {
    Number number = affine(row);
    if (k == 1)
      return number;
    if (number.constant) {
      int64_t value = up ? llvm::divideCeilSigned(*number.constant, k)
                         : llvm::divideFloorSigned(*number.constant, k);
      return {std::to_string(value), value};
    }
    bool isSymbol = StringRef(number.text).find(' ') == StringRef::npos;
    std::string text = isSymbol ? number.text : "(" + number.text + ")";
    return {text + (up ? " ceildiv " : " floordiv ") + std::to_string(k),
            std::nullopt};
  }

  /// min(min(x, y), z) is min(x, y, z), and nothing is said twice.
  Number extreme(StringRef function, const Number &x, const Number &y) {
    if (x.constant && y.constant)
      return (*x.constant < *y.constant) == (function == "min") ? x : y;
    SmallVector<std::string> operands;
    for (const Number *number : {&x, &y}) {
      SmallVector<std::string, 0> parts{number->text};
      if (number->function == function)
        parts = number->operands;
      for (std::string &part : parts)
        if (!llvm::is_contained(operands, part))
          operands.push_back(std::move(part));
    }
    if (operands.size() == 1)
      return {operands.front()};
    return {(function + "(" + llvm::join(operands, ", ") + ")").str(),
            std::nullopt,
            function,
            {operands.begin(), operands.end()}};
  }

  std::string name(unsigned id) {
    const Variable &symbol = tiles.symbols->getVariable(id);
    StringRef tile;
    if (symbol.kind == VarKind::Minimum || symbol.kind == VarKind::Maximum) {
      constexpr StringLiteral names[] = {"t", "c", "t, c"};
      tile = names[tiles.summaries[symbol.summary].over];
    }
    switch (symbol.kind) {
    case VarKind::QueryTile:
      return "t";
    case VarKind::KeyTile:
      return "c";
    case VarKind::Batch:
      return "b";
    case VarKind::Head:
      return "h";
    case VarKind::QueryLength:
      return "q_len";
    case VarKind::KeyLength:
      return "kv_len";
    case VarKind::QueryOffset:
      return "q_offset";
    case VarKind::Scalar:
      return "scalar" + std::to_string(id);
    case VarKind::Minimum:
      return ("min" + Twine(symbol.summary) + "[" + tile + "]").str();
    case VarKind::Maximum:
      return ("max" + Twine(symbol.summary) + "[" + tile + "]").str();
    case VarKind::Element:
      return "element" + std::to_string(id) + "[j]";
    case VarKind::Floor:
      return "(" + divide(symbol.dividend, symbol.divisor, false).text + ")";
    case VarKind::One:
    case VarKind::Bound:
      break;
    }
    llvm_unreachable("not a symbol");
  }

  const MaskTiles &tiles;
};
} // namespace

void MaskAnalysis::print(raw_ostream &os) const {
  const MaskTiles &tiles = getTiles();
  TextBackend backend(tiles);
  MaskBounds<TextBackend> emitter(tiles, backend);
  SmallVector<TextBackend::Number> bounds = emitter.bounds();
  for (unsigned first = 0; first < bounds.size(); first += 4)
    os << "  tiles [" << bounds[first].text << ", " << bounds[first + 1].text
       << ") full [" << bounds[first + 2].text << ", " << bounds[first + 3].text
       << ")\n";
  if (tiles.visitPredicate)
    os << "    where visit: " << emitter.any(tiles.attended) << "\n";
  if (tiles.fullPredicate)
    os << "    where full: below kv_len and not " << emitter.any(tiles.excluded)
       << "\n";
  for (HoleOp hole : tiles.tileTests)
    os << "    where visit: " << *hole.getTileTest() << "\n";
  for (auto [number, summary] : llvm::enumerate(tiles.summaries)) {
    os << "  summary " << number << ": min and max over ";
    if (summary.over == Summary::TileBlocks)
      os << "the blocks of " << summary.blocks.rows << " x "
         << summary.blocks.keys;
    else
      os << (summary.over == Summary::Keys ? "the keys" : "the rows");
    os << " of a tile of ";
    if (summary.sum.empty())
      os << summary.value << "\n";
    else
      os << backend.sumOf(summary) << "\n";
  }
  if (!hasMask())
    os << "  no mask but j < kv_len\n";
  os << "  " << (tiles.exact ? "exact" : "bounds only");
  if (!tiles.reason.empty())
    os << ": " << tiles.reason;
  os << "\n";
}
