//===- RelayoutPatterns.cpp - From one layout to another ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tiles move between registers by shuffles, to workgroup memory and from it.
//
//===----------------------------------------------------------------------===//

#include "../Staging.h"
#include "Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <map>

using namespace mlir;
using namespace attn;
using namespace attn::tile;

bool attn::holdsVectors(const LinearLayout &layout, TileType type) {
  ArrayRef<Basis> registers = layout.getRegisters();
  auto isWhole = [](const Basis &basis) {
    return basis[1] % kVectorElements == 0;
  };
  return type.getRank() == 2 && type.getCols() % kVectorElements == 0 &&
         registers.size() >= 2 && registers[0] == Basis{0, 1} &&
         registers[1] == Basis{0, 2} &&
         llvm::all_of(registers.drop_front(2), isWhole) &&
         llvm::all_of(layout.getLanes(), isWhole) &&
         llvm::all_of(layout.getSubgroups(), isWhole);
}

namespace {

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
      replace(rewriter, op, {exchange(b, op, adaptor.getInput())});
      return success();
    }
    for (auto [tile, other] : {std::pair(Value(op.getInput()), to),
                               std::pair(Value(op.getResult()), from)})
      if (std::optional<LinearLayout> layout = other.getLinearLayout();
          layout && context.isInVectors(tile) && !hasVectors(tile, *layout, op))
        return rewriter.notifyMatchFailure(
            op, "threads have no vectors, of which memory is");
    // Out to workgroup memory, if it is not there, and back, if it must.
    Value inMemory = op.getInput();
    TileType type = from;
    if (!isa<SharedAttr>(from.getLayout())) {
      inMemory = op;
      type = isa<SharedAttr>(to.getLayout())
                 ? to
                 : to.withLayout(SharedAttr::get(op.getContext(), false, 0,
                                                 DenseI64ArrayAttr()));
      write(b, op, type, *from.getLinearLayout(), adaptor.getInput());
    }
    if (isa<SharedAttr>(to.getLayout())) {
      if (isa<SharedAttr>(from.getLayout()))
        copy(b, op);
      replace(rewriter, op, {ValueRange()});
      return success();
    }
    replace(rewriter, op, {read(b, inMemory, type, *to.getLinearLayout())});
    return success();
  }

private:
  void write(ImplicitLocOpBuilder &b, Value tile, TileType type,
             const LinearLayout &layout, ValueRange elements) const {
    stage(b, context, tile.getDefiningOp(), [&] {
      guarded(b, context.isFirstReplica(b, layout), [&] {
        if (isFolded(tile))
          return writeFolds(b, tile, type, layout, elements);
        if (context.isInVectors(tile))
          return writeVectors(b, tile, type, layout, elements);
        for (auto [reg, element] : llvm::enumerate(elements)) {
          ElementPosition position = context.getPosition(b, layout, reg);
          guarded(b, position.inside, [&, element = element] {
            memref::StoreOp::create(b, element, context.getBuffer(tile),
                                    context.getSharedOffset(b, tile, type,
                                                            position.row,
                                                            position.col));
          });
        }
      });
    });
  }

  Value getVectorOffset(ImplicitLocOpBuilder &b, Value tile, Value row,
                        Value col) const {
    Value number =
        b.createOrFold<arith::DivUIOp>(col, index(b, kVectorElements));
    return context.getVectorOffset(b, tile, row, number);
  }

  void writeVectors(ImplicitLocOpBuilder &b, Value tile, TileType type,
                    const LinearLayout &layout, ValueRange elements) const {
    auto vectorType = getPieceType(type, kVectorElements);
    for (size_t reg = 0; reg < elements.size(); reg += kVectorElements) {
      ElementPosition position = context.getPosition(b, layout, reg);
      guarded(b, position.inside, [&] {
        Value vector = vector::FromElementsOp::create(
            b, vectorType, elements.slice(reg, kVectorElements));
        memref::StoreOp::create(
            b, vector, context.getBuffer(tile),
            getVectorOffset(b, tile, position.row, position.col));
      });
    }
  }

  /// The registers of each vector: of columns that folds make neighbours. None
  /// if a thread lacks some of them.
  static SmallVector<SmallVector<int64_t>> findFolds(const LinearLayout &layout,
                                                     int64_t cols) {
    int64_t width = cols / kVectorElements;
    RegisterRows rows = KernelContext::getRows(layout);
    llvm::MapVector<std::pair<unsigned, int64_t>, std::map<int64_t, int64_t>>
        places;
    for (int64_t reg = 0; reg < layout.getNumRegisters(); ++reg) {
      auto [inBlock, block] = layout.getRegisterPosition(reg);
      int64_t col = inBlock.col + block.col;
      places[{rows.rowOf[reg], col % width}][col] = reg;
    }
    SmallVector<SmallVector<int64_t>> vectors;
    for (auto &[place, registers] : places) {
      if (registers.size() != kVectorElements)
        return {};
      vectors.push_back(llvm::to_vector(llvm::make_second_range(registers)));
    }
    return vectors;
  }

  bool isFolded(Value tile) const {
    auto shared = dyn_cast_or_null<SharedAttr>(
        cast<TileType>(tile.getType()).getLayout());
    return shared && shared.getFolds() == kVectorElements &&
           context.isInVectors(tile);
  }

  /// Whether threads of this layout have the vectors of `tile`, which `op`
  /// writes or reads; folds are only written.
  bool hasVectors(Value tile, const LinearLayout &layout, RelayoutOp op) const {
    TileType type = op.getType();
    if (!isFolded(tile))
      return holdsVectors(layout, type);
    return tile == op && !findFolds(layout, type.getCols()).empty();
  }

  void writeFolds(ImplicitLocOpBuilder &b, Value tile, TileType type,
                  const LinearLayout &layout, ValueRange elements) const {
    for (ArrayRef<int64_t> registers : findFolds(layout, type.getCols())) {
      ElementPosition position =
          context.getPosition(b, layout, registers.front());
      SmallVector<Value> parts;
      for (int64_t reg : registers)
        parts.push_back(elements[reg]);
      guarded(b, position.inside, [&] {
        memref::StoreOp::create(
            b,
            vector::FromElementsOp::create(
                b, getPieceType(type, kVectorElements), parts),
            context.getBuffer(tile),
            context.getVectorOffset(b, tile, position.row, position.col));
      });
    }
  }

  /// Elements past the tile, which mean nothing, are read from its edge.
  SmallVector<Value> read(ImplicitLocOpBuilder &b, Value tile, TileType type,
                          const LinearLayout &layout) const {
    SmallVector<Value> elements;
    for (int64_t reg = 0; reg < layout.getNumRegisters(); ++reg) {
      ElementPosition position = context.getPosition(b, layout, reg);
      Value row = position.row, col = position.col;
      if (position.inside) {
        row = b.createOrFold<arith::MinUIOp>(row, index(b, type.getRows() - 1));
        col = b.createOrFold<arith::MinUIOp>(col, index(b, type.getCols() - 1));
      }
      if (context.isInVectors(tile)) {
        if (reg % kVectorElements == 0) {
          Value vector = memref::LoadOp::create(
              b, context.getBuffer(tile), getVectorOffset(b, tile, row, col));
          for (int64_t k = 0; k < kVectorElements; ++k)
            elements.push_back(vector::ExtractOp::create(b, vector, k));
        }
        continue;
      }
      elements.push_back(memref::LoadOp::create(
          b, context.getBuffer(tile),
          context.getSharedOffset(b, tile, type, row, col)));
    }
    return elements;
  }

  void copy(ImplicitLocOpBuilder &b, RelayoutOp op) const {
    Value from = op.getInput();
    stage(b, context, op, [&] {
      fillElements(
          b, context, op, [&](const ElementPosition &position) -> Value {
            return memref::LoadOp::create(
                b, context.getBuffer(from),
                context.getSharedOffset(b, from, position.row, position.col));
          });
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
    SmallVector<Value> result;
    for (int64_t reg = 0; reg < to.getNumRegisters(); ++reg) {
      Sources sources(from, to, conversion, reg);
      Value lane;
      if (shuffles) {
        lane = context.getThreadPosition(b, sources.lanes).col;
        lane = b.createOrFold<arith::XOrIOp>(lane, index(b, sources.firstLane));
      }
      ElementPosition wanted = context.getPosition(b, to, reg);
      SmallVector<Value> offered;
      for (int64_t source : sources.registers)
        offered.push_back(elements[source]);
      if (shuffles && context.exchangesInMemory())
        offered = context.exchange(b, offered, lane);
      Value chosen;
      for (auto [source, element] :
           llvm::zip_equal(sources.registers, offered)) {
        if (shuffles && !context.exchangesInMemory())
          element = context.exchange(b, element, lane).front();
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

} // namespace

void attn::populateRelayoutPatterns(const TypeConverter &converter,
                                    const KernelContext &context,
                                    RewritePatternSet &patterns) {
  patterns.add<RelayoutLowering>(converter, context);
}
