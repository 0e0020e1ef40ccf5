//===- PackBindings.cpp - tile-pack-bindings ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A grid that uses more buffers than a device binds reads tables from one
// buffer of words: what grids before it computed they write there, what a
// caller brings is copied. Tiles, and what is written, keep their buffers.
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/IndexRanges.h"
#include "attn/Dialect/Attn/ArgumentNames.h"
#include "attn/Dialect/Tile/AttributeNames.h"
#include "attn/Dialect/Tile/Tile.h"
#include "attn/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"

namespace attn {
#define GEN_PASS_DEF_PACKBINDINGS
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

//===----------------------------------------------------------------------===//
// Elements as words
//===----------------------------------------------------------------------===//

/// Whether 32 bits hold all that a launcher of 32 bits passes of an element.
static bool isWord(Type element) {
  if (auto integer = dyn_cast<IntegerType>(element))
    return integer.getWidth() <= 64;
  return element.isF64() || element.isF32() || element.isF16() ||
         element.isBF16();
}

/// Floats are words of f32, which holds all of f16 and bf16.
static Value toWord(ImplicitLocOpBuilder &b, Value element) {
  Type word = b.getI32Type(), type = element.getType();
  int64_t bits = type.getIntOrFloatBitWidth();
  if (isa<FloatType>(type)) {
    if (bits < 32)
      element = arith::ExtFOp::create(b, b.getF32Type(), element);
    if (bits > 32)
      element = arith::TruncFOp::create(b, b.getF32Type(), element);
    return arith::BitcastOp::create(b, word, element);
  }
  if (bits > 32)
    return arith::TruncIOp::create(b, word, element);
  return bits < 32 ? arith::ExtUIOp::create(b, word, element) : element;
}

static Value fromWord(ImplicitLocOpBuilder &b, Value word, Type type) {
  int64_t bits = type.getIntOrFloatBitWidth();
  if (isa<FloatType>(type)) {
    Value number = arith::BitcastOp::create(b, b.getF32Type(), word);
    if (bits > 32)
      return arith::ExtFOp::create(b, type, number);
    return bits < 32 ? arith::TruncFOp::create(b, type, number) : number;
  }
  if (bits > 32)
    return arith::ExtSIOp::create(b, type, word);
  return bits < 32 ? arith::TruncIOp::create(b, type, word) : word;
}

//===----------------------------------------------------------------------===//
// Numbers of words
//===----------------------------------------------------------------------===//

static Value constant(ImplicitLocOpBuilder &b, int64_t value) {
  return arith::ConstantIndexOp::create(b, value);
}

/// A number of words: buffers have fewer than 2^31.
template <typename Op>
static Value count(ImplicitLocOpBuilder &b, Value lhs, Value rhs) {
  Value number = b.createOrFold<Op>(lhs, rhs);
  if (auto op = number.getDefiningOp<Op>();
      op && number != lhs && number != rhs)
    op->setAttr(tile::kSizeAttrName, b.getIndexAttr(INT32_MAX));
  return number;
}
static Value multiply(ImplicitLocOpBuilder &b, Value lhs, Value rhs) {
  return count<arith::MulIOp>(b, lhs, rhs);
}
static Value add(ImplicitLocOpBuilder &b, Value lhs, Value rhs) {
  return count<arith::AddIOp>(b, lhs, rhs);
}

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

namespace {
/// A table on its way to the words.
struct Table {
  Value memory;
  std::string name;
  /// It is for grids alone, which write it to the words; another one is copied.
  memref::AllocOp temporary;
  /// Its dimensions, and those of the words: an element of an empty table is 0,
  /// too.
  SmallVector<Value> sizes, extents;
  /// Words between elements, by dimensions, and the first one.
  SmallVector<Value> strides;
  Value begin;

  MemRefType getType() const { return cast<MemRefType>(memory.getType()); }
};
} // namespace

static bool contains(scf::ForallOp grid, Operation *op) {
  return grid->isProperAncestor(op);
}

/// Whether a grid reads or, where it `writes`, writes a table by elements, if
/// it uses it.
static bool isAccessedByElement(Value memory, scf::ForallOp grid, bool writes) {
  return llvm::all_of(memory.getUsers(), [&](Operation *user) {
    if (!contains(grid, user))
      return true;
    auto store = dyn_cast<memref::StoreOp>(user);
    auto dim = dyn_cast<memref::DimOp>(user);
    return isa<memref::LoadOp>(user) || (dim && dim.getConstantIndex()) ||
           (store && writes && store.getMemRef() == memory);
  });
}

/// The buffers that a grid uses.
static SmallVector<Value> getBuffers(scf::ForallOp grid) {
  llvm::SetVector<Value> captured;
  getUsedValuesDefinedAbove(grid.getRegion(), captured);
  return llvm::to_vector(llvm::make_filter_range(
      captured, [](Value value) { return isa<MemRefType>(value.getType()); }));
}

/// Memory of words that the host allocates, or null.
static memref::AllocOp getWords(Value memory) {
  auto alloc = memory.getDefiningOp<memref::AllocOp>();
  return alloc && alloc.getType().getElementType().isInteger(32) &&
                 alloc.getType().getLayout().isIdentity()
             ? alloc
             : memref::AllocOp();
}

/// Moves what computes `value` ahead of `point`, in its block; with `tries`,
/// only finds out whether that can be done.
static bool hoist(Value value, Operation *point, bool tries) {
  Operation *op = value.getDefiningOp();
  if (!op || op->getBlock() != point->getBlock() || op->isBeforeInBlock(point))
    return true;
  if (!isMemoryEffectFree(op) || op->getNumRegions() ||
      !llvm::all_of(op->getOperands(), [&](Value operand) {
        return hoist(operand, point, tries);
      }))
    return false;
  if (!tries)
    op->moveBefore(point);
  return true;
}

//===----------------------------------------------------------------------===//
// A grid
//===----------------------------------------------------------------------===//

namespace {
class Packer {
public:
  explicit Packer(scf::ForallOp grid) : grid(grid), b(grid.getLoc(), grid) {}

  /// Leaves the grid `most` buffers, if that can be done.
  bool run(int64_t most);

private:
  bool isTemporary(memref::AllocOp alloc) const;
  bool choose(int64_t need);
  Operation *getFirst() const;
  void makeRoom();
  void copy(const Table &table);
  void copyRow(const Table &table, scf::ForallOp copies);
  Value getAddress(const Table &table, ValueRange indices);
  void rewrite(const Table &table);

  scf::ForallOp grid;
  ImplicitLocOpBuilder b;
  SmallVector<Table> tables;
  Value words;
};
} // namespace

/// Whether grids of its block write and read it, none of them beside other
/// words but this one.
bool Packer::isTemporary(memref::AllocOp alloc) const {
  return alloc && alloc->getBlock() == grid->getBlock() &&
         llvm::all_of(alloc->getUsers(), [&](Operation *user) {
           if (isa<memref::DeallocOp>(user))
             return true;
           Operation *outer = alloc->getBlock()->findAncestorOpInBlock(*user);
           auto other = dyn_cast<scf::ForallOp>(outer);
           if (!other || !isAccessedByElement(alloc, other, other != grid))
             return false;
           return other == grid ||
                  llvm::count_if(getBuffers(other), getWords) == 1;
         });
}

/// Chooses what takes the least work that saves `need` buffers.
bool Packer::choose(int64_t need) {
  SmallVector<std::string> names =
      getArgumentNames(grid->getParentOfType<func::FuncOp>());
  SmallVector<Table> others;
  for (Value memory : getBuffers(grid)) {
    Table table;
    table.memory = memory;
    table.name = "table";
    if (!isWord(table.getType().getElementType()) ||
        !isAccessedByElement(memory, grid, /*writes=*/false))
      continue;
    if (memref::AllocOp alloc = getWords(memory); isTemporary(alloc)) {
      table.temporary = alloc;
      tables.push_back(std::move(table));
      continue;
    }
    if (auto argument = dyn_cast<BlockArgument>(memory))
      table.name = names[argument.getArgNumber()];
    others.push_back(std::move(table));
  }
  // The smallest first: of which fewer sizes are unknown.
  auto isSmaller = [](const Table &lhs, const Table &rhs) {
    auto rank = [](const Table &table) {
      int64_t elements = 1;
      for (int64_t size : table.getType().getShape())
        elements *= ShapedType::isDynamic(size) ? 1 : size;
      return std::pair(table.getType().getNumDynamicDims(), elements);
    };
    return rank(lhs) < rank(rhs);
  };
  auto saves = [&] { return static_cast<int64_t>(tables.size()) - 1 >= need; };
  while (!saves() && !others.empty()) {
    Table *smallest = llvm::min_element(others, isSmaller);
    tables.push_back(std::move(*smallest));
    others.erase(smallest);
  }
  return saves();
}

/// The first grid that uses the words.
Operation *Packer::getFirst() const {
  Operation *first = grid;
  for (const Table &table : tables)
    if (table.temporary)
      for (Operation *user : table.memory.getUsers()) {
        Operation *outer = grid->getBlock()->findAncestorOpInBlock(*user);
        if (outer->isBeforeInBlock(first))
          first = outer;
      }
  return first;
}

/// The words, and where in them each table begins.
void Packer::makeRoom() {
  auto name = [&](const Twine &name) {
    b.setLoc(NameLoc::get(b.getStringAttr(name), grid.getLoc()));
  };
  Value end = constant(b, 0);
  for (auto [number, table] : llvm::enumerate(tables)) {
    SmallVector<OpFoldResult> sizes =
        table.temporary ? table.temporary.getMixedSizes()
                        : memref::getMixedSizes(b, b.getLoc(), table.memory);
    for (OpFoldResult size : sizes) {
      table.sizes.push_back(
          getValueOrCreateConstantIndexOp(b, b.getLoc(), size));
      table.extents.push_back(
          count<arith::MaxSIOp>(b, table.sizes.back(), constant(b, 1)));
    }
    table.strides.resize(sizes.size());
    Value elements = constant(b, 1);
    for (size_t k = sizes.size(); k-- > 0;) {
      table.strides[k] = elements;
      elements = multiply(b, elements, table.extents[k]);
    }
    table.begin = end;
    // Where the next one begins.
    if (number + 1 < tables.size())
      name(tables[number + 1].name + "_begin");
    end = add(b, end, elements);
    b.setLoc(grid.getLoc());
  }
  std::optional<int64_t> known = getConstantIntValue(end);
  auto type =
      MemRefType::get({known.value_or(ShapedType::kDynamic)}, b.getI32Type());
  name("tables");
  words = memref::AllocOp::create(b, type, known ? ValueRange() : end);
  b.setLoc(grid.getLoc());
}

Value Packer::getAddress(const Table &table, ValueRange indices) {
  Value at = table.begin;
  for (auto [index, stride] : llvm::zip_equal(indices, table.strides))
    at = add(b, at, multiply(b, index, stride));
  return at;
}

/// So many elements of a row a point.
constexpr int64_t kCopiedElements = 256;

/// Copies a table ahead of the grid. Rows are numbered in order.
void Packer::copy(const Table &table) {
  Value rows = constant(b, 1), cols = rows;
  for (auto [k, extent] : llvm::enumerate(table.extents)) {
    if (k + 1 < table.extents.size())
      rows = multiply(b, rows, extent);
    else
      cols = extent;
  }
  Value blocks =
      b.createOrFold<arith::CeilDivSIOp>(cols, constant(b, kCopiedElements));
  SmallVector<OpFoldResult> extents{b.getIndexAttr(1), getAsOpFoldResult(rows),
                                    getAsOpFoldResult(blocks)};
  auto copies = scf::ForallOp::create(b, extents, /*outputs=*/ValueRange(),
                                      /*mapping=*/std::nullopt);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(copies.getBody());
  copyRow(table, copies);
}

void Packer::copyRow(const Table &table, scf::ForallOp copies) {
  size_t rank = table.extents.size();
  SmallVector<Value> at(rank, constant(b, 0));
  Value row = copies.getInductionVar(1), cols = constant(b, 1);
  Value first =
      multiply(b, copies.getInductionVar(2), constant(b, kCopiedElements));
  if (rank) {
    cols = table.extents.back();
    at.back() = first;
  }
  for (size_t k = rank; k-- > 0;) {
    if (k + 1 == rank)
      continue;
    at[k] = arith::RemUIOp::create(b, row, table.extents[k]);
    row = arith::DivUIOp::create(b, row, table.extents[k]);
  }
  auto tile =
      tile::TileType::get(b.getContext(), {kCopiedElements}, b.getI32Type());
  Value zero = arith::ConstantIntOp::create(b, /*value=*/0, /*width=*/32);
  Value zeros = tile::SplatOp::create(b, tile, zero);
  // What lies past the end is the last element.
  auto read = [&](OpBuilder &inner, Location loc, ValueRange,
                  ValueRange indices) -> SmallVector<Value> {
    ImplicitLocOpBuilder body(loc, inner);
    SmallVector<Value> from(at);
    if (rank) {
      Value last = body.createOrFold<arith::SubIOp>(cols, constant(body, 1));
      from.back() = arith::MinSIOp::create(body, indices.front(), last);
    }
    return {toWord(body, memref::LoadOp::create(body, table.memory, from))};
  };
  Value copied = tile::MapOp::create(b, TypeRange{tile}, ValueRange{zeros},
                                     ValueRange{first}, read)
                     .getResult(0);
  Value left = b.createOrFold<arith::SubIOp>(cols, first);
  tile::StoreOp::create(b, copied, words, ValueRange{getAddress(table, at)},
                        ValueRange{left});
}

/// Lets grids use the words instead of a table: this one, and those that write
/// it.
void Packer::rewrite(const Table &table) {
  Type element = table.getType().getElementType();
  for (Operation *user : llvm::to_vector(table.memory.getUsers())) {
    if (!table.temporary && !contains(grid, user))
      continue;
    b.setInsertionPoint(user);
    b.setLoc(user->getLoc());
    if (auto load = dyn_cast<memref::LoadOp>(user)) {
      Value word = memref::LoadOp::create(b, words,
                                          getAddress(table, load.getIndices()));
      load.replaceAllUsesWith(fromWord(b, word, element));
    } else if (auto store = dyn_cast<memref::StoreOp>(user)) {
      memref::StoreOp::create(b, store.getValue(), words,
                              getAddress(table, store.getIndices()));
    } else if (auto dim = dyn_cast<memref::DimOp>(user)) {
      dim.replaceAllUsesWith(table.sizes[*dim.getConstantIndex()]);
    }
    user->erase();
  }
  if (table.temporary)
    memref::AllocOp(table.temporary).erase();
}

bool Packer::run(int64_t most) {
  int64_t needed = getBuffers(grid).size();
  if (needed <= most || !choose(needed - most))
    return false;
  Operation *first = getFirst();
  for (bool tries : {true, false})
    for (const Table &table : tables) {
      SmallVector<Value> needs{table.memory};
      if (table.temporary)
        needs = llvm::to_vector(table.temporary->getOperands());
      for (Value value : needs)
        if (!hoist(value, first, tries))
          return false;
    }
  std::string copied;
  for (const Table &table : tables)
    if (!table.temporary)
      copied += (copied.empty() ? "'" : ", '") + table.name + "'";
  if (!copied.empty())
    grid.emitRemark("copies ")
        << copied << " into one buffer, which is slower: it uses " << needed
        << " buffers, the device binds " << most;

  b.setInsertionPoint(first);
  makeRoom();
  b.setInsertionPoint(grid);
  for (const Table &table : tables)
    if (!table.temporary)
      copy(table);
  for (const Table &table : tables)
    rewrite(table);
  b.setInsertionPoint(grid->getBlock()->getTerminator());
  b.setLoc(grid.getLoc());
  memref::DeallocOp::create(b, words);
  return true;
}

namespace {
struct PackBindings final : attn::impl::PackBindingsBase<PackBindings> {
  void runOnOperation() override {
    tile::TargetAttr target = tile::TargetAttr::lookup(getOperation());
    int64_t most = target ? target.getStorageBuffers() : 0;
    if (!most)
      return;
    SmallVector<scf::ForallOp> grids;
    getOperation().walk([&](scf::ForallOp grid) {
      if (!grid->getParentOfType<scf::ForallOp>())
        grids.push_back(grid);
    });
    for (scf::ForallOp grid : grids)
      if (Packer(grid).run(most))
        ++numPacked;
  }
};
} // namespace
