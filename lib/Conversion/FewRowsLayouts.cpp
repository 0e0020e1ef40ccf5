//===- FewRowsLayouts.cpp - Layouts of products with few rows -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The right factors of products are most of what a kernel with few rows reads:
// they come from memory once, 16 bytes a lane, and stay in the registers of
// the lanes that multiply them. Lanes share the columns of a factor, and what
// lanes are left its rows. Of the result of a product with a transposed factor
// every lane has other columns and rows, so that nothing is computed twice.
//
//===----------------------------------------------------------------------===//

#include "FewRowsLayouts.h"
#include "Staging.h"
#include "TileKernels.h"

#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace attn;
using namespace attn::tile;

namespace {

/// How lanes share a factor that is loaded in rows.
struct FactorShare {
  /// Columns that a lane reads at once, and the lane bits that are columns; the
  /// others are rows.
  int64_t width;
  unsigned columnBits;
  /// Bits of the row that are registers, below those that are lane bits: as
  /// many as lanes can divide among them, if the factor has so many rows.
  unsigned registerBits;

  /// The row that lane bit `bit` is, which is no column.
  int64_t getLaneRow(unsigned bit) const {
    return int64_t(1) << (registerBits + bit - columnBits);
  }
};

class FewRows {
public:
  FewRows(func::FuncOp kernel, int64_t lanes)
      : kernel(kernel), context(kernel.getContext()),
        laneBits(llvm::Log2_64(lanes)) {}

  /// Where each lane that is left `spreads` over the rows of scores, or none.
  bool match(bool spreads);
  void assign();

private:
  bool matchStatistics();
  tile::LayoutAttr lookUp(Value tile) const;
  bool connect(Operation *op);
  bool require(Value tile, tile::LayoutAttr layout);
  bool matchProduct(DotOp op);
  FactorShare getShare(TileType factor) const;

  /// Columns as registers and lane bits of a factor have them; what `rest`
  /// gives the other lane bits.
  tile::LayoutAttr getColumns(unsigned registerBits, const FactorShare &share,
                              ArrayRef<Basis> rest) const;
  tile::LayoutAttr getFactor(const FactorShare &share) const;
  tile::LayoutAttr getLeft(const FactorShare &share) const;
  tile::LayoutAttr getSums(const FactorShare &share) const;
  tile::LayoutAttr getScores(const FactorShare &share, int64_t rows) const;
  tile::LayoutAttr getWeights(const FactorShare &share) const;
  tile::LayoutAttr getRows() const;

  func::FuncOp kernel;
  MLIRContext *context;
  unsigned laneBits;
  /// Tiles that are computed with element by element, of rank 2.
  llvm::EquivalenceClasses<void *> groups;
  /// By the leader of a group, and factors by themselves.
  DenseMap<void *, tile::LayoutAttr> layouts;
  DenseMap<Value, tile::LayoutAttr> factors;
  /// Of tiles of rank 1.
  tile::LayoutAttr statistics;
  bool spreadsRows = false;
};

bool isBlock(Value tile) {
  auto type = dyn_cast<TileType>(tile.getType());
  return type && type.getRank() == 2;
}

} // namespace

//===----------------------------------------------------------------------===//
// Layouts
//===----------------------------------------------------------------------===//

FactorShare FewRows::getShare(TileType factor) const {
  constexpr int64_t bits = 128;
  int64_t width = bits / factor.getElementType().getIntOrFloatBitWidth();
  int64_t cols = factor.getCols();
  width = std::min<int64_t>(width, llvm::bit_ceil<uint64_t>(cols));
  // What is not read in whole words of 16 bytes is at least read in pairs.
  while (width > 2 && cols % width != 0)
    width /= 2;
  unsigned columnBits =
      std::min(llvm::Log2_64_Ceil(llvm::divideCeil(cols, width)), laneBits);
  unsigned rowBits = llvm::Log2_64_Ceil(factor.getRows());
  unsigned missing =
      std::min(laneBits - std::min(rowBits, laneBits), columnBits);
  return {width, columnBits, columnBits - missing};
}

tile::LayoutAttr FewRows::getColumns(unsigned registerBits,
                                     const FactorShare &share,
                                     ArrayRef<Basis> rest) const {
  Bases registers, lanes;
  for (unsigned k = 0; k < registerBits; ++k)
    registers.push_back({0, int64_t(1) << k});
  for (unsigned k = 0; k < share.columnBits; ++k)
    lanes.push_back({0, share.width << k});
  llvm::append_range(lanes, rest);
  return tile::LayoutAttr::get(
      context, LinearLayout(registers, lanes, /*subgroups=*/{}, 1, 1));
}

/// Lane bits that are no columns are bits of the row; lower bits of the row,
/// and those above, are registers.
tile::LayoutAttr FewRows::getFactor(const FactorShare &share) const {
  Bases registers, lanes;
  for (int64_t col = 1; col < share.width; col *= 2)
    registers.push_back({0, col});
  for (unsigned k = 0; k < share.registerBits; ++k)
    registers.push_back({int64_t(1) << k, 0});
  for (unsigned k = 0; k < share.columnBits; ++k)
    lanes.push_back({0, share.width << k});
  for (unsigned k = share.columnBits; k < laneBits; ++k)
    lanes.push_back({share.getLaneRow(k), 0});
  return tile::LayoutAttr::get(
      context, LinearLayout(registers, lanes, /*subgroups=*/{}, 1, 1));
}

/// The left factor of a product with a transposed one: its columns.
tile::LayoutAttr FewRows::getLeft(const FactorShare &share) const {
  SmallVector<Basis> copies(laneBits - share.columnBits, Basis{0, 0});
  return getColumns(llvm::Log2_64(share.width), share, copies);
}

/// What adds up products with rows of a factor: lanes with other rows divide
/// the columns that a lane has.
tile::LayoutAttr FewRows::getSums(const FactorShare &share) const {
  SmallVector<Basis> rest;
  int64_t col = share.width;
  for (unsigned k = share.columnBits; k < laneBits; ++k) {
    col /= 2;
    rest.push_back({0, col});
  }
  unsigned registerBits = col ? llvm::Log2_64(col) : 0;
  return getColumns(registerBits, share, rest);
}

/// A column a lane; lanes that are left have other ones of the rows, if there
/// are enough.
tile::LayoutAttr FewRows::getScores(const FactorShare &share,
                                    int64_t rows) const {
  Bases lanes;
  int64_t row = spreadsRows ? 1 : rows;
  for (unsigned k = 0; k < share.columnBits; ++k) {
    if (k < share.registerBits) {
      lanes.push_back({0, int64_t(1) << k});
      continue;
    }
    // Lanes that add up products halve rows in pairs.
    bool isHalved = row < rows && rows % (2 * row) == 0;
    lanes.push_back({isHalved ? row : 0, 0});
    row *= 2;
  }
  for (unsigned k = share.columnBits; k < laneBits; ++k)
    lanes.push_back({0, share.getLaneRow(k)});
  return tile::LayoutAttr::get(context,
                               LinearLayout({}, lanes, /*subgroups=*/{}, 1, 1));
}

/// The columns of a left factor that are the rows of a factor.
tile::LayoutAttr FewRows::getWeights(const FactorShare &share) const {
  Bases registers, lanes(share.columnBits, Basis{0, 0});
  for (unsigned k = 0; k < share.registerBits; ++k)
    registers.push_back({0, int64_t(1) << k});
  for (unsigned k = share.columnBits; k < laneBits; ++k)
    lanes.push_back({0, share.getLaneRow(k)});
  return tile::LayoutAttr::get(
      context, LinearLayout(registers, lanes, /*subgroups=*/{}, 1, 1));
}

/// Every lane knows about every row.
tile::LayoutAttr FewRows::getRows() const {
  return tile::LayoutAttr::get(
      context,
      LinearLayout({}, Bases(laneBits, Basis{0, 0}), /*subgroups=*/{}, 1, 1));
}

//===----------------------------------------------------------------------===//
// What fits
//===----------------------------------------------------------------------===//

/// Tiles that an op computes with element by element lie alike.
bool FewRows::connect(Operation *op) {
  SmallVector<Value> tiles;
  auto add = [&](ValueRange values) {
    llvm::copy_if(values, std::back_inserter(tiles), isBlock);
  };
  auto meet = [&](ValueRange values) {
    Value first;
    for (Value value : values) {
      if (!isBlock(value))
        continue;
      if (first)
        groups.unionSets(first.getAsOpaquePointer(),
                         value.getAsOpaquePointer());
      first = value;
    }
  };
  if (isa<MapOp, ConvertOp>(op)) {
    add(op->getOperands());
    add(op->getResults());
    meet(tiles);
  } else if (auto loop = dyn_cast<scf::ForOp>(op)) {
    for (auto [init, arg, yielded, result] :
         llvm::zip_equal(loop.getInitArgs(), loop.getRegionIterArgs(),
                         loop.getYieldedValues(), loop.getResults()))
      meet({init, arg, yielded, result});
  } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
    for (auto [k, result] : llvm::enumerate(branch.getResults()))
      meet({result, branch.thenYield().getOperand(k),
            branch.elseYield().getOperand(k)});
  } else if (auto dot = dyn_cast<DotOp>(op)) {
    meet({dot.getAcc(), dot.getResult()});
  }
  return isa<MapOp, ConvertOp, LoadOp, StoreOp, SplatOp, ReduceOp, DotOp>(op) ||
         !isa<TileDialect>(op->getDialect()) || op->getResultTypes().empty() ||
         llvm::none_of(op->getResults(), isBlock);
}

/// The group of `tile` has this layout and no other.
bool FewRows::require(Value tile, tile::LayoutAttr layout) {
  void *leader = groups.getOrInsertLeaderValue(tile.getAsOpaquePointer());
  return layouts.try_emplace(leader, layout).first->second == layout;
}

bool FewRows::matchProduct(DotOp op) {
  Value right = op.getB();
  if (op.getTransposeA() || !right.getDefiningOp<LoadOp>() ||
      !llvm::all_of(right.getUses(), [](OpOperand &use) {
        return isa<DotOp>(use.getOwner()) && use.getOperandNumber() == 1;
      }))
    return false;
  FactorShare share = getShare(op.getB().getType());
  auto [known, isNew] = factors.try_emplace(right, getFactor(share));
  if (known->second != getFactor(share))
    return false;
  int64_t rows = op.getType().getRows();
  if (op.getTransposeB())
    return require(op.getA(), getLeft(share)) &&
           require(op.getResult(), getScores(share, rows));
  return require(op.getA(), getScores(share, rows)) &&
         require(op.getResult(), getSums(share));
}

/// The layout of a tile of rank 2.
tile::LayoutAttr FewRows::lookUp(Value tile) const {
  if (tile::LayoutAttr layout = factors.lookup(tile))
    return layout;
  auto leader = groups.findLeader(tile.getAsOpaquePointer());
  if (leader != groups.member_end())
    if (tile::LayoutAttr layout = layouts.lookup(*leader))
      return layout;
  // What meets no product lies like scores of as many columns as lanes.
  return getScores({/*width=*/1, laneBits, laneBits}, /*rows=*/1);
}

/// Row statistics live where the rows do that they are reduced from.
bool FewRows::matchStatistics() {
  statistics = getRows();
  bool isFirst = true, fits = true;
  kernel.walk([&](ReduceOp op) {
    auto type = op.getInput().getType().withLayout(lookUp(op.getInput()));
    auto layout = cast<tile::LayoutAttr>(cast<TileType>(type).getRowLayout());
    fits &= isFirst || layout == statistics;
    statistics = layout;
    isFirst = false;
  });
  return fits;
}

/// Whether a kernel reads what it has written: without barriers, lanes would
/// have to read what they wrote themselves.
static bool readsItsStores(func::FuncOp kernel) {
  return kernel
      .walk([](LoadOp load) {
        return isStoredTo(load.getSource()) ? WalkResult::interrupt()
                                            : WalkResult::advance();
      })
      .wasInterrupted();
}

bool FewRows::match(bool spreads) {
  spreadsRows = spreads;
  // Registers that a lane has for a factor, in words.
  constexpr int64_t mostWords = 160;
  SmallVector<DotOp> products;
  bool fits = true;
  kernel.walk([&](Operation *op) {
    fits &= connect(op);
    if (auto dot = dyn_cast<DotOp>(op))
      products.push_back(dot);
  });
  fits &= !products.empty() && !readsItsStores(kernel);
  for (DotOp product : products)
    fits = fits && matchProduct(product);
  forEachTile(kernel, [&](Value tile) {
    auto type = cast<TileType>(tile.getType());
    if (!factors.contains(tile))
      fits &= type.getRows() <= kFewRows;
    else
      fits &= type.getNumBytes() <= (mostWords * 4) << laneBits;
  });
  return fits && matchStatistics();
}

void FewRows::assign() {
  SmallVector<Value> tiles;
  forEachTile(kernel, [&](Value tile) { tiles.push_back(tile); });
  for (Value tile : tiles) {
    auto type = cast<TileType>(tile.getType());
    tile.setType(
        type.withLayout(type.getRank() == 2 ? lookUp(tile) : statistics));
  }
  // Statistics go to the lanes that compute with them.
  kernel.walk([&](MapOp op) {
    Attribute rows = cast<TileType>(op.getResult(0).getType()).getRowLayout();
    for (OpOperand &input : op.getInputsMutable()) {
      auto type = cast<TileType>(input.get().getType());
      if (type.getRank() == 2 || op.getDomainRank() == 1 ||
          type.getLayout() == rows)
        continue;
      OpBuilder b(op);
      input.set(RelayoutOp::create(b, op.getLoc(), type.withLayout(rows),
                                   input.get()));
    }
  });
  // Left factors of factors in rows go to the lanes that have these.
  kernel.walk([&](DotOp op) {
    if (op.getTransposeB())
      return;
    OpBuilder b(op);
    TileType type = op.getA().getType();
    FactorShare share = getShare(op.getB().getType());
    op.getAMutable().set(RelayoutOp::create(
        b, op.getLoc(), type.withLayout(getWeights(share)), op.getA()));
  });
}

bool attn::assignFewRows(func::FuncOp kernel, int64_t lanes) {
  if (lanes < kFewestSharingLanes)
    return false;
  for (bool spreads : {true, false}) {
    FewRows layouts(kernel, lanes);
    if (!layouts.match(spreads))
      continue;
    layouts.assign();
    return true;
  }
  return false;
}

bool attn::hasFewRows(func::FuncOp kernel, int64_t lanes) {
  return lanes >= kFewestSharingLanes &&
         FewRows(kernel, lanes).match(/*spreads=*/false);
}
