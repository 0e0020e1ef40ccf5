//===- MemoryPatterns.cpp - Tiles from and to memory ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loads into registers and workgroup memory, stores, and the ways from one
// layout to another.
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace attn;
using namespace attn::tile;

static Value index(ImplicitLocOpBuilder &b, int64_t value) {
  return arith::ConstantIndexOp::create(b, value);
}

bool attn::isInRegisters(ValueRange tiles) {
  return llvm::all_of(tiles.getTypes(), [](Type type) {
    auto tile = dyn_cast<TileType>(type);
    return !tile || tile.getLinearLayout();
  });
}

//===----------------------------------------------------------------------===//
// Elements of global memory
//===----------------------------------------------------------------------===//

/// Whether a row of the tile is read (rule 7).
static Value rowCounts(ImplicitLocOpBuilder &b, LoadOp op, Value row) {
  auto branch = scf::IfOp::create(b, TypeRange{b.getI1Type()}, op.getMixed(),
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.elseBlock());
  Value always = arith::ConstantIntOp::create(b, /*value=*/1, /*width=*/1);
  scf::YieldOp::create(b, always);
  b.setInsertionPointToStart(branch.thenBlock());
  Block &where = op.getWhere().front();
  IRMapping mapping;
  mapping.map(where.getArgument(0), row);
  for (Operation &nested : where.without_terminator())
    b.clone(nested, mapping);
  scf::YieldOp::create(
      b, mapping.lookupOrDefault(where.getTerminator()->getOperand(0)));
  return branch.getResult(0);
}

/// The conditions under which an element of a tile is read or written.
static Value isValid(ImplicitLocOpBuilder &b, TileType type, ValueRange valid,
                     ArrayRef<Value> coordinates, Value condition) {
  for (auto [k, bound] : llvm::enumerate(valid)) {
    std::optional<int64_t> constant = getConstantIntValue(bound);
    if (!constant || *constant < type.getShape()[k])
      condition = both(b, condition, isLess(b, coordinates[k], bound));
  }
  return condition;
}

/// Where an element of the tile lies in the memory of `op`.
static Value getElementAddress(ImplicitLocOpBuilder &b,
                               const KernelContext &context, LoadOp op,
                               ArrayRef<Value> coordinates) {
  SmallVector<Value> indices(op.getIndices());
  SmallVector<Value> at(coordinates);
  unsigned first = indices.size() - at.size();
  if (Value heads = op.getPacking()) {
    Value head = b.createOrFold<arith::RemUIOp>(at[0], heads);
    indices[first - 1] =
        b.createOrFold<arith::AddIOp>(indices[first - 1], head);
    at[0] = b.createOrFold<arith::DivUIOp>(at[0], heads);
  }
  for (auto [k, coordinate] : llvm::enumerate(at))
    indices[first + k] =
        b.createOrFold<arith::AddIOp>(indices[first + k], coordinate);
  const MemoryView &memory = *context.getView(op.getSource());
  if (Value table = op.getPageTable()) {
    // Row r lies in page table[r / P] at r mod P; pages are the first
    // dimension of the pool.
    Value pageSize = memory.sizes[memory.sizes.size() - 2];
    const MemoryView &pages = *context.getView(table);
    SmallVector<Value> entry(op.getPageIndices());
    entry.push_back(arith::DivUIOp::create(b, indices[first], pageSize));
    Value page = memref::LoadOp::create(b, pages.flat,
                                        context.getAddress(b, pages, entry));
    page = arith::IndexCastOp::create(b, b.getIndexType(), page);
    // Whatever the table holds, the page is one of the pool.
    Value last =
        b.createOrFold<arith::SubIOp>(memory.sizes.front(), index(b, 1));
    page = arith::MaxSIOp::create(b, arith::MinSIOp::create(b, page, last),
                                  index(b, 0));
    indices[first] = arith::RemUIOp::create(b, indices[first], pageSize);
    indices.insert(indices.begin(), page);
  }
  return context.getAddress(b, memory, indices);
}

static Value readElement(ImplicitLocOpBuilder &b, const KernelContext &context,
                         LoadOp op, ArrayRef<Value> coordinates) {
  Value address = getElementAddress(b, context, op, coordinates);
  return memref::LoadOp::create(b, context.getView(op.getSource())->flat,
                                address);
}

/// When an element of the tile that `op` loads is read; null is always.
static Value findCondition(ImplicitLocOpBuilder &b, LoadOp op,
                           ArrayRef<Value> coordinates,
                           const ElementPosition &position) {
  Value condition =
      isValid(b, op.getType(), op.getValid(), coordinates, position.inside);
  if (op.getMixed())
    condition = both(b, condition, rowCounts(b, op, position.row));
  return condition;
}

/// An element of the tile that `op` loads, zero where it is not valid.
static Value readTileElement(ImplicitLocOpBuilder &b,
                             const KernelContext &context, LoadOp op,
                             const ElementPosition &position) {
  TileType type = op.getType();
  SmallVector<Value> coordinates{position.row};
  if (type.getRank() == 2)
    coordinates.push_back(position.col);
  Value condition = findCondition(b, op, coordinates, position);
  if (!condition)
    return readElement(b, context, op, coordinates);
  auto branch = scf::IfOp::create(b, TypeRange{type.getElementType()},
                                  condition, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(b, readElement(b, context, op, coordinates));
  b.setInsertionPointToStart(branch.elseBlock());
  Value zero =
      arith::ConstantOp::create(b, b.getZeroAttr(type.getElementType()));
  scf::YieldOp::create(b, zero);
  return branch.getResult(0);
}

/// How many registers, one after the other, hold neighbours of a row that are
/// valid together and lie side by side in memory.
static int64_t getRunLength(const KernelContext &context, LoadOp op,
                            const LinearLayout &layout) {
  TileType type = op.getType();
  Value stride = context.getView(op.getSource())->strides.back();
  if (type.getRank() == 1 || !isConstantIntValue(stride, 1))
    return 1;
  int64_t length = 1;
  for (const Basis &basis : layout.getRegisters()) {
    if (basis != Basis{0, length})
      break;
    length *= 2;
  }
  int64_t bound = type.getCols();
  if (!op.getValid().empty()) {
    std::optional<int64_t> constant = getConstantIntValue(op.getValid().back());
    if (!constant)
      return 1;
    bound = std::min(bound, *constant);
  }
  return bound % length == 0 ? length : 1;
}

/// Neighbours of a row, without a branch, so that loads of many registers are
/// under way together. What is not valid is read from the begin of the memory
/// and given up.
static void readRun(ImplicitLocOpBuilder &b, const KernelContext &context,
                    LoadOp op, const ElementPosition &position, int64_t length,
                    SmallVectorImpl<Value> &elements) {
  SmallVector<Value> coordinates{position.row, position.col};
  Value condition = findCondition(b, op, coordinates, position);
  // Nor does a page table have entries for other rows.
  if (condition && op.getPageTable())
    coordinates[0] =
        arith::SelectOp::create(b, condition, coordinates[0], index(b, 0));
  Value address = getElementAddress(b, context, op, coordinates);
  if (condition)
    address = arith::SelectOp::create(b, condition, address, index(b, 0));
  Value zero = arith::ConstantOp::create(
      b, b.getZeroAttr(op.getType().getElementType()));
  for (int64_t k = 0; k < length; ++k) {
    Value element = memref::LoadOp::create(
        b, context.getView(op.getSource())->flat,
        b.createOrFold<arith::AddIOp>(address, index(b, k)));
    if (condition)
      element = arith::SelectOp::create(b, condition, element, zero);
    elements.push_back(element);
  }
}

void attn::forEachElement(ImplicitLocOpBuilder &b, const KernelContext &context,
                          TileType type,
                          function_ref<void(const ElementPosition &)> body) {
  auto loop = scf::ForOp::create(b, context.getThread(),
                                 index(b, type.getRows() * type.getCols()),
                                 index(b, context.getNumThreads()));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value cols = index(b, type.getCols());
  Value element = loop.getInductionVar();
  body({b.createOrFold<arith::DivUIOp>(element, cols),
        b.createOrFold<arith::RemUIOp>(element, cols), Value()});
}

/// Threads write a tile to `buffer`.
static void stage(ImplicitLocOpBuilder &b, const KernelContext &context,
                  TileType type, Value buffer,
                  function_ref<Value(const ElementPosition &)> read) {
  // Nobody reads any more what was there before.
  gpu::BarrierOp::create(b);
  forEachElement(b, context, type, [&](const ElementPosition &position) {
    Value value = read(position);
    memref::StoreOp::create(
        b, value, buffer, getSharedOffset(b, type, position.row, position.col));
  });
  gpu::BarrierOp::create(b);
}

namespace {

//===----------------------------------------------------------------------===//
// tile.load, tile.store
//===----------------------------------------------------------------------===//

struct LoadLowering : TileOpPattern<LoadOp> {
  using TileOpPattern::TileOpPattern;

  LogicalResult
  matchAndRewrite(LoadOp op, OneToNOpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    for (Value memory : {Value(op.getSource()), Value(op.getPageTable())})
      if (memory && !context.isView(memory))
        return rewriter.notifyMatchFailure(
            op, "reads a memref that the kernel did not rebuild");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    TileType type = op.getType();
    if (isa<SharedAttr>(type.getLayout())) {
      Value buffer = context.getBuffer(op);
      stage(b, context, type, buffer, [&](const ElementPosition &position) {
        return readTileElement(b, context, op, position);
      });
      rewriter.replaceOpWithMultiple(op, {ValueRange()});
      return success();
    }
    std::optional<LinearLayout> layout = type.getLinearLayout();
    if (!layout)
      return failure();
    SmallVector<Value> elements;
    int64_t length = getRunLength(context, op, *layout);
    for (int64_t reg = 0; reg < layout->getNumRegisters(); reg += length) {
      ElementPosition position = context.getPosition(b, *layout, reg);
      if (length > 1)
        readRun(b, context, op, position, length, elements);
      else
        elements.push_back(readTileElement(b, context, op, position));
    }
    rewriter.replaceOpWithMultiple(op, ArrayRef<ValueRange>{elements});
    return success();
  }
};

struct StoreLowering : TileOpPattern<StoreOp> {
  using TileOpPattern::TileOpPattern;

  LogicalResult
  matchAndRewrite(StoreOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    const MemoryView *view = context.getView(op.getDest());
    TileType type = op.getTile().getType();
    std::optional<LinearLayout> layout = type.getLinearLayout();
    Value buffer = context.getBuffer(op.getTile());
    if (!view || (!layout && !buffer))
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    if (!layout)
      forEachElement(b, context, type, [&](const ElementPosition &position) {
        writeElement(b, op, *view, position, [&]() -> Value {
          return memref::LoadOp::create(
              b, buffer, getSharedOffset(b, type, position.row, position.col));
        });
      });
    else
      guarded(b, context.isFirstReplica(b, *layout), [&] {
        for (auto [reg, element] : llvm::enumerate(adaptor.getTile()))
          writeElement(b, op, *view, context.getPosition(b, *layout, reg),
                       [&, element = element] { return element; });
      });
    rewriter.eraseOp(op);
    return success();
  }

private:
  void writeElement(ImplicitLocOpBuilder &b, StoreOp op, const MemoryView &view,
                    const ElementPosition &position,
                    function_ref<Value()> getElement) const {
    TileType type = op.getTile().getType();
    SmallVector<Value> coordinates{position.row};
    if (type.getRank() == 2)
      coordinates.push_back(position.col);
    Value condition =
        isValid(b, type, op.getValid(), coordinates, position.inside);
    SmallVector<Value> indices(op.getIndices());
    unsigned first = indices.size() - coordinates.size();
    for (auto [k, coordinate] : llvm::enumerate(coordinates))
      indices[first + k] =
          b.createOrFold<arith::AddIOp>(indices[first + k], coordinate);
    guarded(b, condition, [&] {
      memref::StoreOp::create(b, getElement(), view.flat,
                              context.getAddress(b, view, indices));
    });
  }
};

/// From workgroup memory to workgroup memory.
struct StagedConvertLowering : TileOpPattern<ConvertOp> {
  using TileOpPattern::TileOpPattern;

  LogicalResult
  matchAndRewrite(ConvertOp op, OneToNOpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isa<SharedAttr>(op.getType().getLayout()))
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    TileType from = op.getInput().getType(), to = op.getType();
    stage(b, context, to, context.getBuffer(op),
          [&](const ElementPosition &position) {
            Value element = memref::LoadOp::create(
                b, context.getBuffer(op.getInput()),
                getSharedOffset(b, from, position.row, position.col));
            return convertFloat(b, element, to.getElementType());
          });
    rewriter.replaceOpWithMultiple(op, {ValueRange()});
    return success();
  }
};

//===----------------------------------------------------------------------===//
// tile.relayout
//===----------------------------------------------------------------------===//

struct RelayoutLowering : TileOpPattern<RelayoutOp> {
  using TileOpPattern::TileOpPattern;

  LogicalResult
  matchAndRewrite(RelayoutOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    TileType from = op.getInput().getType(), to = op.getType();
    if (isa<FragmentAttr>(from.getLayout()) ||
        isa<FragmentAttr>(to.getLayout()))
      return failure();
    bool isRegisters = from.getLinearLayout() && to.getLinearLayout();
    if (isRegisters && op.getCost().kind != Exchange::Memory) {
      rewriter.replaceOpWithMultiple(op, {exchange(b, op, adaptor.getInput())});
      return success();
    }
    // Out to workgroup memory, if it is not there, and back, if it must.
    Value memory;
    TileType inMemory = from;
    if (isa<SharedAttr>(from.getLayout())) {
      memory = context.getBuffer(op.getInput());
    } else {
      memory = context.getBuffer(op);
      inMemory = isa<SharedAttr>(to.getLayout())
                     ? to
                     : to.withLayout(SharedAttr::get(op.getContext(), false, 0,
                                                     DenseI64ArrayAttr()));
      write(b, inMemory, *from.getLinearLayout(), adaptor.getInput(), memory);
    }
    if (isa<SharedAttr>(to.getLayout())) {
      if (isa<SharedAttr>(from.getLayout()))
        copy(b, from, to, memory, context.getBuffer(op));
      rewriter.replaceOpWithMultiple(op, {ValueRange()});
      return success();
    }
    rewriter.replaceOpWithMultiple(
        op, {read(b, inMemory, *to.getLinearLayout(), memory)});
    return success();
  }

private:
  void write(ImplicitLocOpBuilder &b, TileType type, const LinearLayout &layout,
             ValueRange elements, Value memory) const {
    gpu::BarrierOp::create(b);
    guarded(b, context.isFirstReplica(b, layout), [&] {
      for (auto [reg, element] : llvm::enumerate(elements)) {
        ElementPosition position = context.getPosition(b, layout, reg);
        guarded(b, position.inside, [&, element = element] {
          memref::StoreOp::create(
              b, element, memory,
              getSharedOffset(b, type, position.row, position.col));
        });
      }
    });
    gpu::BarrierOp::create(b);
  }

  /// Elements past the tile, which mean nothing, are read from its edge.
  SmallVector<Value> read(ImplicitLocOpBuilder &b, TileType type,
                          const LinearLayout &layout, Value memory) const {
    SmallVector<Value> elements;
    for (int64_t reg = 0; reg < layout.getNumRegisters(); ++reg) {
      ElementPosition position = context.getPosition(b, layout, reg);
      Value row = position.row, col = position.col;
      if (position.inside) {
        row = b.createOrFold<arith::MinUIOp>(row, index(b, type.getRows() - 1));
        col = b.createOrFold<arith::MinUIOp>(col, index(b, type.getCols() - 1));
      }
      elements.push_back(memref::LoadOp::create(
          b, memory, getSharedOffset(b, type, row, col)));
    }
    return elements;
  }

  void copy(ImplicitLocOpBuilder &b, TileType from, TileType to, Value source,
            Value target) const {
    stage(
        b, context, to, target, [&](const ElementPosition &position) -> Value {
          return memref::LoadOp::create(
              b, source, getSharedOffset(b, from, position.row, position.col));
        });
  }

  /// Registers of this and other lanes, as the conversion says.
  SmallVector<Value> exchange(ImplicitLocOpBuilder &b, RelayoutOp op,
                              ValueRange elements) const {
    LinearLayout from = getLayout(op.getInput()), to = getLayout(op);
    Conversion conversion = getConversion(from, to);
    if (conversion.kind == Exchange::None)
      return SmallVector<Value>(elements);
    bool shuffles = conversion.kind == Exchange::Shuffles;
    Value width = arith::ConstantIntOp::create(b, from.getNumLanes(), 32);
    SmallVector<Value> result;
    for (int64_t reg = 0; reg < to.getNumRegisters(); ++reg) {
      Sources sources(from, to, conversion, reg);
      Value lane;
      if (shuffles) {
        lane = context.getThreadPosition(b, sources.lanes).col;
        lane = b.createOrFold<arith::XOrIOp>(lane, index(b, sources.firstLane));
      }
      ElementPosition wanted = context.getPosition(b, to, reg);
      Value chosen;
      for (int64_t source : sources.registers) {
        Value element = elements[source];
        if (shuffles) {
          Value ofMachine =
              arith::AddIOp::create(b, context.getFirstLane(), lane);
          Value from32 =
              arith::IndexCastOp::create(b, b.getI32Type(), ofMachine);
          element = gpu::ShuffleOp::create(b, element, from32, width,
                                           gpu::ShuffleMode::IDX)
                        .getShuffleResult();
        }
        if (chosen) {
          ElementPosition held = context.getPosition(b, from, source, lane);
          element = arith::SelectOp::create(b, isSame(b, held, wanted), element,
                                            chosen);
        }
        chosen = element;
      }
      // What lies past the tile means nothing.
      result.push_back(chosen ? chosen : elements.front());
    }
    return result;
  }

  /// Where a register of `to` comes from: the lane as a linear function of
  /// this one, and registers, of which threads choose.
  struct Sources {
    LinearLayout lanes;
    int64_t firstLane;
    SmallVector<int64_t> registers;

    Sources(const LinearLayout &from, const LinearLayout &to,
            const Conversion &conversion, int64_t reg)
        : lanes({}, {}, {}, 1, 1) {
      int64_t blockRows = std::max(from.getBlockRows(), to.getBlockRows());
      int64_t blockCols = std::max(from.getBlockCols(), to.getBlockCols());
      size_t fromBits =
          from.extendBlock(blockRows, blockCols).getRegisters().size();
      LinearLayout target = to.extendBlock(blockRows, blockCols);
      size_t toBits = target.getRegisters().size();
      int64_t laneMask = from.getNumLanes() - 1;
      auto laneOf = [&](uint64_t place) {
        return static_cast<int64_t>(conversion.places(place) >> fromBits) &
               laneMask;
      };
      Bases ofLanes, ofSubgroups;
      for (size_t k = 0; k < to.getLanes().size(); ++k)
        ofLanes.push_back({0, laneOf(uint64_t(1) << (toBits + k))});
      for (size_t k = 0; k < to.getSubgroups().size(); ++k)
        ofSubgroups.push_back(
            {0, laneOf(uint64_t(1) << (toBits + ofLanes.size() + k))});
      lanes = LinearLayout({}, ofLanes, ofSubgroups, 1, 1);
      // The register within the common block.
      TilePosition first = to.getPosition({reg, 0, 0});
      LinearLayout registersOnly(target.getRegisters(), {}, {}, blockRows,
                                 blockCols);
      Place within =
          registersOnly.find({first.row % blockRows, first.col % blockCols});
      firstLane = laneOf(within.reg);
      for (int64_t subgroup = 0; subgroup < to.getNumSubgroups(); ++subgroup)
        for (int64_t lane = 0; lane < to.getNumLanes(); ++lane) {
          TilePosition wanted = to.getPosition({reg, lane, subgroup});
          if (wanted.row >= to.getRows() || wanted.col >= to.getCols())
            continue;
          int64_t source =
              firstLane ^ lanes.getPosition({0, lane, subgroup}).col;
          int64_t number = 0;
          while (!(from.getPosition({number, source, subgroup}) == wanted))
            ++number;
          if (!llvm::is_contained(registers, number))
            registers.push_back(number);
        }
    }
  };

  static Value isSame(ImplicitLocOpBuilder &b, const ElementPosition &held,
                      const ElementPosition &wanted) {
    auto equal = [&](Value x, Value y) -> Value {
      return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, x, y);
    };
    return both(b, equal(held.row, wanted.row), equal(held.col, wanted.col));
  }
};

//===----------------------------------------------------------------------===//
// Scalars
//===----------------------------------------------------------------------===//

struct ScalarLoadLowering : TileOpPattern<memref::LoadOp> {
  using TileOpPattern::TileOpPattern;

  LogicalResult
  matchAndRewrite(memref::LoadOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    const MemoryView *view = context.getView(op.getMemRef());
    if (!view)
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    rewriter.replaceOpWithNewOp<memref::LoadOp>(
        op, view->flat,
        context.getAddress(b, *view, SmallVector<Value>(op.getIndices())));
    return success();
  }
};

/// A scalar is the same in all threads, which store it together.
struct ScalarStoreLowering : TileOpPattern<memref::StoreOp> {
  using TileOpPattern::TileOpPattern;

  LogicalResult
  matchAndRewrite(memref::StoreOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    const MemoryView *view = context.getView(op.getMemRef());
    if (!view)
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    rewriter.replaceOpWithNewOp<memref::StoreOp>(
        op, adaptor.getValue(), view->flat,
        context.getAddress(b, *view, SmallVector<Value>(op.getIndices())));
    return success();
  }
};

struct DimLowering : TileOpPattern<memref::DimOp> {
  using TileOpPattern::TileOpPattern;

  LogicalResult
  matchAndRewrite(memref::DimOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    const MemoryView *view = context.getView(op.getSource());
    std::optional<int64_t> dim = op.getConstantIndex();
    if (!view || !dim)
      return failure();
    rewriter.replaceOp(op, view->sizes[*dim]);
    return success();
  }
};

} // namespace

void attn::populateMemoryPatterns(const TypeConverter &converter,
                                  const KernelContext &context,
                                  RewritePatternSet &patterns) {
  patterns
      .add<LoadLowering, StoreLowering, StagedConvertLowering, RelayoutLowering,
           ScalarLoadLowering, ScalarStoreLowering, DimLowering>(converter,
                                                                 context);
}
