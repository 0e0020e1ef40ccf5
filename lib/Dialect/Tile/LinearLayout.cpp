//===- LinearLayout.cpp - Who holds which element of a tile ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Elimination over the field of two elements, and what follows from it for
// layouts of registers.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Tile/LinearLayout.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cassert>

using namespace attn::tile;
using llvm::ArrayRef;
using llvm::SmallVector;

//===----------------------------------------------------------------------===//
// BitMap
//===----------------------------------------------------------------------===//

namespace {
/// Sums of columns of which no two have the same highest bit.
class Echelon {
public:
  explicit Echelon(ArrayRef<uint64_t> columns) {
    for (auto [k, column] : llvm::enumerate(columns)) {
      Row row{column, uint64_t(1) << k};
      reduce(row);
      if (!row.value)
        kernel.push_back(row.combination);
      else
        rows.insert(llvm::find_if(rows,
                                  [&](const Row &other) {
                                    return other.value < row.value;
                                  }),
                    row);
    }
  }

  unsigned getRank() const { return rows.size(); }
  ArrayRef<uint64_t> getKernel() const { return kernel; }
  std::optional<uint64_t> solve(uint64_t value) const {
    Row row{value, 0};
    reduce(row);
    return row.value ? std::nullopt : std::optional<uint64_t>(row.combination);
  }

private:
  struct Row {
    uint64_t value;
    /// The columns whose sum it is.
    uint64_t combination;
  };
  void reduce(Row &row) const {
    for (const Row &pivot : rows)
      if (row.value >> llvm::Log2_64(pivot.value) & 1) {
        row.value ^= pivot.value;
        row.combination ^= pivot.combination;
      }
  }

  /// The highest bit first.
  SmallVector<Row> rows;
  SmallVector<uint64_t> kernel;
};
} // namespace

BitMap BitMap::identity(unsigned bits) {
  BitMap map;
  for (unsigned k = 0; k < bits; ++k)
    map.columns.push_back(uint64_t(1) << k);
  return map;
}

uint64_t BitMap::operator()(uint64_t input) const {
  uint64_t sum = 0;
  for (auto [k, column] : llvm::enumerate(columns))
    if (input >> k & 1)
      sum ^= column;
  return sum;
}

BitMap BitMap::compose(const BitMap &inner) const {
  BitMap map;
  for (uint64_t column : inner.columns)
    map.columns.push_back((*this)(column));
  return map;
}

unsigned BitMap::getRank() const { return Echelon(columns).getRank(); }

SmallVector<uint64_t> BitMap::getKernel() const {
  return SmallVector<uint64_t>(Echelon(columns).getKernel());
}

std::optional<uint64_t> BitMap::solve(uint64_t value) const {
  return Echelon(columns).solve(value);
}

std::optional<BitMap> BitMap::getRightInverse(unsigned numOutputs) const {
  Echelon echelon(columns);
  BitMap inverse;
  for (unsigned k = 0; k < numOutputs; ++k) {
    std::optional<uint64_t> column = echelon.solve(uint64_t(1) << k);
    if (!column)
      return std::nullopt;
    inverse.columns.push_back(*column);
  }
  return inverse;
}

//===----------------------------------------------------------------------===//
// LinearLayout
//===----------------------------------------------------------------------===//

/// Rows lie above columns in an output word.
static constexpr unsigned kRowShift = 32;

static uint64_t pack(Basis basis) {
  return static_cast<uint64_t>(basis[0]) << kRowShift |
         static_cast<uint64_t>(basis[1]);
}

static TilePosition unpack(uint64_t word) {
  return {static_cast<int64_t>(word >> kRowShift),
          static_cast<int64_t>(word & ((uint64_t(1) << kRowShift) - 1))};
}

static BitMap toMap(ArrayRef<ArrayRef<Basis>> all) {
  SmallVector<uint64_t> columns;
  for (ArrayRef<Basis> bases : all)
    for (Basis basis : bases)
      columns.push_back(pack(basis));
  return BitMap(columns);
}

LinearLayout::LinearLayout(Bases registers_, Bases lanes_, Bases subgroups_,
                           int64_t rows, int64_t cols)
    : registers(std::move(registers_)), lanes(std::move(lanes_)),
      subgroups(std::move(subgroups_)), rows(rows), cols(cols) {
  for (const Bases *bases : {&registers, &lanes, &subgroups})
    for (Basis basis : *bases) {
      blockRows =
          std::max<int64_t>(blockRows, llvm::bit_ceil<uint64_t>(basis[0] + 1));
      blockCols =
          std::max<int64_t>(blockCols, llvm::bit_ceil<uint64_t>(basis[1] + 1));
    }
}

BitMap LinearLayout::getBlockMap() const {
  return toMap({registers, lanes, subgroups});
}

bool LinearLayout::isSurjective() const {
  return getBlockMap().getRank() ==
         llvm::Log2_64(blockRows) + llvm::Log2_64(blockCols);
}

int64_t LinearLayout::getNumRegisters() const {
  return (llvm::divideCeil(rows, blockRows) * llvm::divideCeil(cols, blockCols))
         << registers.size();
}

LinearLayout::RegisterPosition
LinearLayout::getRegisterPosition(int64_t reg) const {
  int64_t block = reg >> registers.size();
  int64_t blocksInRow = llvm::divideCeil(cols, blockCols);
  uint64_t inBlock = reg & ((int64_t(1) << registers.size()) - 1);
  return {unpack(toMap({registers})(inBlock)),
          {block / blocksInRow * blockRows, block % blocksInRow * blockCols}};
}

TilePosition LinearLayout::getPosition(Place place) const {
  auto [inBlock, block] = getRegisterPosition(place.reg);
  TilePosition thread =
      unpack(toMap({lanes})(place.lane) ^ toMap({subgroups})(place.subgroup));
  return {(inBlock.row ^ thread.row) + block.row,
          (inBlock.col ^ thread.col) + block.col};
}

Place LinearLayout::find(TilePosition position) const {
  int64_t blocksInRow = llvm::divideCeil(cols, blockCols);
  int64_t block =
      position.row / blockRows * blocksInRow + position.col / blockCols;
  std::optional<uint64_t> place = getBlockMap().solve(
      pack({position.row % blockRows, position.col % blockCols}));
  assert(place && "a position without a place");
  auto take = [&, left = *place](size_t bits) mutable {
    int64_t number = left & ((uint64_t(1) << bits) - 1);
    left >>= bits;
    return number;
  };
  Place result;
  result.reg = block << registers.size() | take(registers.size());
  result.lane = take(lanes.size());
  result.subgroup = take(subgroups.size());
  return result;
}

LinearLayout LinearLayout::getRowLayout() const {
  auto forget = [](Bases bases) {
    for (Basis &basis : bases)
      basis[1] = 0;
    return bases;
  };
  // A register stays if those before it do not reach its row.
  Bases kept;
  for (Basis basis : forget(registers))
    if (!toMap({kept}).solve(pack(basis)))
      kept.push_back(basis);
  return LinearLayout(kept, forget(lanes), forget(subgroups), rows, 1);
}

LinearLayout LinearLayout::extendBlock(int64_t toRows, int64_t toCols) const {
  Bases more = registers;
  for (int64_t col = blockCols; col < toCols; col *= 2)
    more.push_back({0, col});
  for (int64_t row = blockRows; row < toRows; row *= 2)
    more.push_back({row, 0});
  return LinearLayout(more, lanes, subgroups, rows, cols);
}

static ThreadMask toMask(uint64_t thread, size_t laneBits) {
  return {static_cast<int64_t>(thread & ((uint64_t(1) << laneBits) - 1)),
          static_cast<int64_t>(thread >> laneBits)};
}

SmallVector<ThreadMask> LinearLayout::getReplicas() const {
  // Two threads hold the same elements if registers make up for what they
  // differ by. With the registers first, kernel elements name each such
  // difference once.
  SmallVector<ThreadMask> masks;
  for (uint64_t place : getBlockMap().getKernel())
    if (uint64_t thread = place >> registers.size())
      masks.push_back(toMask(thread, lanes.size()));
  return masks;
}

std::optional<SmallVector<ThreadMask>> LinearLayout::getRowSharers() const {
  auto rowsOf = [](ArrayRef<ArrayRef<Basis>> all) {
    SmallVector<uint64_t> columns;
    for (ArrayRef<Basis> bases : all)
      for (Basis basis : bases)
        columns.push_back(basis[0]);
    return BitMap(columns);
  };
  BitMap threads = rowsOf({lanes, subgroups});
  if (!toMap({registers}).getKernel().empty() ||
      rowsOf({registers}).getRank() + threads.getRank() !=
          rowsOf({registers, lanes, subgroups}).getRank())
    return std::nullopt;
  // Of the threads that share rows, those that hold the same columns add
  // nothing: masks that the replicas and earlier masks reach are left out.
  SmallVector<uint64_t> known;
  for (ThreadMask mask : getReplicas())
    known.push_back(mask.lane | mask.subgroup << lanes.size());
  SmallVector<ThreadMask> masks;
  for (uint64_t thread : threads.getKernel())
    if (!BitMap(known).solve(thread)) {
      known.push_back(thread);
      masks.push_back(toMask(thread, lanes.size()));
    }
  return masks;
}

//===----------------------------------------------------------------------===//
// Conversions
//===----------------------------------------------------------------------===//

Conversion attn::tile::getConversion(const LinearLayout &from,
                                     const LinearLayout &to) {
  assert(from.getRows() == to.getRows() && from.getCols() == to.getCols() &&
         from.getNumLanes() == to.getNumLanes() &&
         from.getNumSubgroups() == to.getNumSubgroups());
  int64_t blockRows = std::max(from.getBlockRows(), to.getBlockRows());
  int64_t blockCols = std::max(from.getBlockCols(), to.getBlockCols());
  LinearLayout source = from.extendBlock(blockRows, blockCols);
  LinearLayout target = to.extendBlock(blockRows, blockCols);
  size_t registerBits = source.getRegisters().size();
  size_t laneBits = source.getLanes().size();
  size_t subgroupBits = source.getSubgroups().size();

  // Bit k of a target's place is at home if the source has its element with
  // only the registers, or the registers and lanes, being others.
  BitMap inRegisters = toMap({source.getRegisters()});
  BitMap inLanes = toMap({source.getRegisters(), source.getLanes()});
  BitMap anywhere = source.getBlockMap();
  auto locate = [&](const BitMap &reach, bool keepsLane,
                    bool keepsSubgroup) -> std::optional<BitMap> {
    SmallVector<uint64_t> columns;
    auto add = [&](ArrayRef<Basis> bases, ArrayRef<Basis> own, size_t shift) {
      for (auto [k, basis] : llvm::enumerate(bases)) {
        uint64_t element = pack(basis), place = 0;
        if (!own.empty()) {
          element ^= pack(own[k]);
          place = uint64_t(1) << (shift + k);
        }
        std::optional<uint64_t> rest = reach.solve(element);
        if (!rest)
          return false;
        columns.push_back(place ^ *rest);
      }
      return true;
    };
    bool found =
        add(target.getRegisters(), {}, 0) &&
        add(target.getLanes(),
            keepsLane ? ArrayRef<Basis>(source.getLanes()) : ArrayRef<Basis>(),
            registerBits) &&
        add(target.getSubgroups(),
            keepsSubgroup ? ArrayRef<Basis>(source.getSubgroups())
                          : ArrayRef<Basis>(),
            registerBits + laneBits);
    return found ? std::optional<BitMap>(BitMap(columns)) : std::nullopt;
  };

  int64_t registers = to.getNumRegisters();
  if (auto places = locate(inRegisters, /*keepsLane=*/true,
                           /*keepsSubgroup=*/true)) {
    bool same =
        *places == BitMap::identity(registerBits + laneBits + subgroupBits) &&
        from.getBlockRows() == to.getBlockRows() &&
        from.getBlockCols() == to.getBlockCols();
    return {same ? Exchange::None : Exchange::Registers, *places,
            same ? 0 : registers, /*shuffles=*/0};
  }
  if (auto places = locate(inLanes, /*keepsLane=*/false,
                           /*keepsSubgroup=*/true)) {
    // A lane sends another register to each partner that asks for one.
    SmallVector<uint64_t> asked;
    for (uint64_t column :
         places->getColumns().slice(target.getRegisters().size(), laneBits))
      asked.push_back(column & ((uint64_t(1) << registerBits) - 1));
    return {Exchange::Shuffles, *places, registers,
            registers << BitMap(asked).getRank()};
  }
  auto places = locate(anywhere, /*keepsLane=*/false, /*keepsSubgroup=*/false);
  assert(places && "a layout that does not hold all of the tile");
  return {Exchange::Memory, *places, registers, /*shuffles=*/0};
}
