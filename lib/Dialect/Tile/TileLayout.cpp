//===- TileLayout.cpp - Where the elements of a tile live -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layout attributes: text, verifiers, addresses in workgroup memory, and what
// it takes to get from one to another.
//
//===----------------------------------------------------------------------===//

#include "TileLayout.h"
#include "attn/Dialect/Tile/Tile.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace attn::tile;

//===----------------------------------------------------------------------===//
// #tile.layout
//===----------------------------------------------------------------------===//

static Bases toBases(ArrayRef<int64_t> numbers) {
  Bases bases;
  for (size_t k = 0; k < numbers.size(); k += 2)
    bases.push_back({numbers[k], numbers[k + 1]});
  return bases;
}

static SmallVector<int64_t> toNumbers(const Bases &bases) {
  SmallVector<int64_t> numbers;
  for (Basis basis : bases)
    numbers.append(basis.begin(), basis.end());
  return numbers;
}

LayoutAttr LayoutAttr::get(MLIRContext *context, const LinearLayout &layout) {
  return get(context, toNumbers(layout.getRegisters()),
             toNumbers(layout.getLanes()), toNumbers(layout.getSubgroups()));
}

LinearLayout LayoutAttr::toLinear(int64_t rows, int64_t cols) const {
  return LinearLayout(toBases(getRegisters()), toBases(getLanes()),
                      toBases(getSubgroups()), rows, cols);
}

LogicalResult LayoutAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 ArrayRef<int64_t> registers,
                                 ArrayRef<int64_t> lanes,
                                 ArrayRef<int64_t> subgroups) {
  // A tile has at most a few hundred rows and columns.
  constexpr int64_t most = 1 << 15;
  for (ArrayRef<int64_t> numbers : {registers, lanes, subgroups}) {
    // Numbers of threads, and of registers.
    constexpr size_t mostBits = 16;
    if (numbers.size() > 2 * mostBits)
      return emitError() << "a layout has at most " << mostBits
                         << " bases a dimension, not " << numbers.size() / 2;
    for (int64_t number : numbers)
      if (number < 0 || number > most)
        return emitError() << "a basis is a row and a column in 0 .. " << most
                           << ", not " << number;
  }
  LinearLayout layout(toBases(registers), toBases(lanes), toBases(subgroups),
                      /*rows=*/1, /*cols=*/1);
  if (!layout.isSurjective())
    return emitError() << "the bases leave elements of the block of "
                       << layout.getBlockRows() << "x" << layout.getBlockCols()
                       << " that they span without a place";
  return success();
}

//===----------------------------------------------------------------------===//
// #tile.shared
//===----------------------------------------------------------------------===//

LogicalResult SharedAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 bool columnMajor, int64_t padding,
                                 DenseI64ArrayAttr swizzle, int64_t folds) {
  constexpr int64_t mostPadding = 1 << 15;
  if (padding < 0 || padding > mostPadding)
    return emitError() << "padding = " << padding << " is not in 0 .. "
                       << mostPadding;
  if (swizzle && (swizzle.size() != 2 ||
                  llvm::any_of(swizzle.asArrayRef(), [](int64_t number) {
                    return number <= 0 || !llvm::isPowerOf2_64(number);
                  })))
    return emitError() << "swizzle is the size of a group and the number of "
                          "phases, powers of two";
  if (folds < 1 || (folds > 1 && (swizzle || columnMajor)))
    return emitError() << "folds = " << folds
                       << " is for rows without a swizzle, and positive";
  return success();
}

int64_t SharedAttr::getPitch(int64_t rows, int64_t cols) const {
  return (getColumnMajor() ? rows : cols) + getPadding();
}

int64_t SharedAttr::getNumElements(int64_t rows, int64_t cols) const {
  return (getColumnMajor() ? cols : rows) * getPitch(rows, cols);
}

int64_t SharedAttr::getOffset(int64_t rows, int64_t cols,
                              TilePosition position) const {
  auto [outer, inner] = position;
  if (getColumnMajor())
    std::swap(outer, inner);
  if (DenseI64ArrayAttr swizzle = getSwizzle())
    inner ^= outer % swizzle[1] * swizzle[0];
  if (int64_t folds = getFolds(); folds > 1) {
    int64_t width = cols / folds;
    inner = inner % width * folds + inner / width;
  }
  return outer * getPitch(rows, cols) + inner;
}

//===----------------------------------------------------------------------===//
// #tile.fragment
//===----------------------------------------------------------------------===//

LogicalResult FragmentAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   FragmentUse, DenseI64ArrayAttr shape,
                                   DenseI64ArrayAttr subgroups) {
  for (auto [name, pair] :
       {std::pair("shape", shape), std::pair("subgroups", subgroups)})
    if (pair.size() != 2 || llvm::any_of(pair.asArrayRef(), [](int64_t number) {
          return number <= 0 || !llvm::isPowerOf2_64(number);
        }))
      return emitError() << name
                         << " of fragments is two powers of two, for rows and "
                            "columns";
  return success();
}

std::array<int64_t, 2>
FragmentAttr::getFragmentsOfSubgroup(int64_t rows, int64_t cols) const {
  return {rows / (getFragmentRows() * getSubgroups()[0]),
          cols / (getFragmentCols() * getSubgroups()[1])};
}

//===----------------------------------------------------------------------===//
// #tile.pieces
//===----------------------------------------------------------------------===//

LogicalResult PiecesAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 int64_t elements, int64_t threads) {
  if (elements <= 0 || threads <= 0)
    return emitError() << "pieces of " << elements << " elements for "
                       << threads << " threads hold nothing";
  return success();
}

int64_t PiecesAttr::getNumPieces(int64_t rows, int64_t cols) const {
  return llvm::divideCeil(rows * cols, getElements() * getThreads());
}

//===----------------------------------------------------------------------===//
// Layouts of tiles
//===----------------------------------------------------------------------===//

LogicalResult
attn::tile::verifyLayout(function_ref<InFlightDiagnostic()> emitError,
                         ArrayRef<int64_t> shape, Attribute layout) {
  int64_t rows = shape[0], cols = shape.size() == 2 ? shape[1] : 1;
  bool isBlock = shape.size() == 2;
  if (auto linear = dyn_cast<LayoutAttr>(layout)) {
    if (!isBlock && linear.toLinear(rows, cols).getBlockCols() != 1)
      return emitError() << "a tile of rank 1 has a layout of rows, not "
                         << layout;
    return success();
  }
  if (auto shared = dyn_cast<SharedAttr>(layout)) {
    DenseI64ArrayAttr swizzle = shared.getSwizzle();
    int64_t inner = shared.getColumnMajor() ? rows : cols;
    if (swizzle && inner % (swizzle[0] * swizzle[1]) != 0)
      return emitError() << "a swizzle of " << swizzle[1] << " groups of "
                         << swizzle[0] << " does not fit rows of " << inner
                         << " elements";
    if (cols % shared.getFolds() != 0)
      return emitError() << shared.getFolds() << " folds do not fit rows of "
                         << cols << " elements";
    return success();
  }
  if (auto fragment = dyn_cast<FragmentAttr>(layout)) {
    int64_t rowStep = fragment.getFragmentRows() * fragment.getSubgroups()[0];
    int64_t colStep = fragment.getFragmentCols() * fragment.getSubgroups()[1];
    if (rows % rowStep != 0 || (isBlock && cols % colStep != 0))
      return emitError() << "fragments of subgroups cover multiples of "
                         << rowStep << "x" << colStep << ", not " << rows << "x"
                         << cols;
    return success();
  }
  if (auto pieces = dyn_cast<PiecesAttr>(layout)) {
    if (!isBlock || cols % pieces.getElements() != 0)
      return emitError() << "pieces of " << pieces.getElements()
                         << " elements do not make up the rows of a tile of "
                         << rows << "x" << cols;
    return success();
  }
  return emitError() << "a layout is #tile.layout, #tile.shared, "
                        "#tile.fragment or #tile.pieces, not "
                     << layout;
}

Attribute TileType::getRowLayout() const {
  if (auto linear = getLinearLayout())
    return LayoutAttr::get(getContext(), linear->getRowLayout());
  // Of fragments, every column holds it; workgroup memory has no threads.
  return getLayout();
}

std::optional<LinearLayout> TileType::getLinearLayout() const {
  auto layout = dyn_cast_or_null<LayoutAttr>(getLayout());
  return layout ? std::optional(layout.toLinear(getRows(), getCols()))
                : std::nullopt;
}

int64_t TileType::getNumBytes() const {
  return getRows() * getCols() *
         llvm::divideCeil(getElementType().getIntOrFloatBitWidth(), 8);
}

RelayoutCost RelayoutOp::getCost() {
  TileType in = getInput().getType(), out = getType();
  if (in.getLayout() == out.getLayout())
    return {Exchange::None, 0, 0, 0};
  auto from = in.getLinearLayout(), to = out.getLinearLayout();
  if (from && to) {
    Conversion conversion = getConversion(*from, *to);
    return {conversion.kind, conversion.moves, conversion.shuffles,
            conversion.kind == Exchange::Memory ? out.getNumBytes() : 0};
  }
  auto bytesIn = [](TileType tile, SharedAttr shared) {
    return tile.getNumBytes() / (tile.getRows() * tile.getCols()) *
           shared.getNumElements(tile.getRows(), tile.getCols());
  };
  auto countValues = [](TileType tile) -> int64_t {
    auto linear = tile.getLinearLayout();
    return linear ? linear->getNumRegisters() : 0;
  };
  // One side is in workgroup memory already, or fragments meet there: those of
  // a subgroup in a strip of its own, one after the other.
  int64_t moves = countValues(to ? out : in);
  auto isFragments = [](TileType tile) {
    return isa<FragmentAttr>(tile.getLayout());
  };
  if ((isFragments(in) && isFragments(out)) || (isFragments(in) && to) ||
      (from && isFragments(out)))
    return {Exchange::Memory, moves, 0, 0};
  if (isa<SharedAttr>(in.getLayout()))
    return {Exchange::Memory, moves, 0,
            isa<SharedAttr>(out.getLayout())
                ? bytesIn(out, cast<SharedAttr>(out.getLayout()))
                : 0};
  if (auto shared = dyn_cast<SharedAttr>(out.getLayout()))
    return {Exchange::Memory, moves, 0, bytesIn(out, shared)};
  return {Exchange::Memory, moves, 0, out.getNumBytes()};
}
