//===- TileRegisters.cpp - Products in tile registers ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products of bf16 by AMX: a left operand lies in rows, as it is computed; a
// right one is packed once, in pairs along the sum, each register's 1 KiB by
// itself. Sums are f32 in rows, where elementwise ops find them; two by two
// registers of them take part in each step along the sum.
//
//===----------------------------------------------------------------------===//

#include "KernelLowering.h"

#include "attn/Conversion/TileToCPU.h"

#include "mlir/Dialect/AMX/AMXDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace attn;
using namespace attn::cpu;
using namespace attn::tile;

//===----------------------------------------------------------------------===//
// What goes to tile registers
//===----------------------------------------------------------------------===//

bool cpu::isLeftOperand(OpOperand &use) {
  return isa<DotOp>(use.getOwner()) && use.getOperandNumber() == 0;
}

/// A factor is also read by sums of what products take.
static bool readsFactor(OpOperand &use) {
  auto convert = dyn_cast<ConvertOp>(use.getOwner());
  return isLeftOperand(use) || (convert && widensFactor(convert));
}

bool cpu::widensFactor(ConvertOp convert) {
  auto isSum = [](Operation *user) {
    auto reduce = dyn_cast<ReduceOp>(user);
    return reduce && reduce.getKind() == ReduceKind::Sum;
  };
  auto rounded = convert.getInput().getDefiningOp<ConvertOp>();
  return rounded && convert.getType().getElementType().isF32() &&
         llvm::any_of(rounded->getUses(), isLeftOperand) &&
         llvm::all_of(convert->getUsers(), isSum);
}

/// True if all products of the kernel can: of bf16, a whole number of registers
/// where zeros do not fill them up.
bool attn::fitsTileRegisters(func::FuncOp kernel) {
  bool hasProducts = false;
  WalkResult found = kernel.walk([&](DotOp dot) {
    hasProducts = true;
    TileType left = dot.getA().getType(), right = dot.getB().getType();
    auto load = dot.getB().getDefiningOp<LoadOp>();
    bool isPair =
        left.getElementType().isBF16() && right.getElementType().isBF16();
    bool isWhole = left.getRows() % kRegisterRows == 0 &&
                   right.getRows() % kRegisterDepth == 0;
    bool fits =
        isPair && isWhole && !dot.getTransposeA() && load &&
        dot.getB().hasOneUse() &&
        isa_and_nonnull<LoadOp, ConvertOp>(dot.getA().getDefiningOp()) &&
        llvm::all_of(dot.getA().getUses(), readsFactor);
    return fits ? WalkResult::advance() : WalkResult::interrupt();
  });
  return hasProducts && !found.wasInterrupted();
}

bool KernelLowering::isFactor(Value tile) {
  auto type = dyn_cast<TileType>(tile.getType());
  return usesTileRegisters && type && type.getRank() == 2 &&
         type.getElementType().isBF16() && !tile.use_empty() &&
         llvm::all_of(tile.getUses(), readsFactor);
}

Value KernelLowering::newFactor(TileType type) {
  return allocate(
      {rowsOf(type.getRows()),
       static_cast<int64_t>(llvm::alignTo(type.getCols(), kRegisterDepth))},
      b.getBF16Type());
}

//===----------------------------------------------------------------------===//
// Loads
//===----------------------------------------------------------------------===//

/// A left operand: rows, zero past the valid part.
void KernelLowering::loadFactor(LoadOp load, TileType type) {
  Place &place = places[load.getResult()];
  place.kind = Place::Factor;
  place.buffer = newFactor(type);
  Value buffer = place.buffer;
  Value rows = clampTo(load.getValid()[0], type.getRows());
  copyRowsTo(buffer, load, type, rows);
  int64_t cols = cast<MemRefType>(buffer.getType()).getDimSize(1);
  Value zeros = arith::ConstantOp::create(b, b.getZeroAttr(halfVector()));
  forRange(rows, index(type.getRows()), 1, [&](Value row) {
    forRange(index(0), index(cols), regs.lanes, [&](Value col) {
      vector::StoreOp::create(b, zeros, buffer, ValueRange{row, col});
    });
  });
  if (measuredLoads.contains(load))
    noteSizesOfRows(buffer);
}

/// What reads 16 elements of a row of `load`, past the valid rows zeros: from
/// where they are, or from a copy with whole vectors.
KernelLowering::RowReader KernelLowering::readRows(LoadOp load, TileType type,
                                                   Value rows) {
  APInt known;
  bool isWhole = matchPattern(load.getValid()[1], m_ConstantInt(&known)) &&
                 known.getSExtValue() >= type.getCols();
  if (!load.getMixed() && isContiguous(load.getSource()) && isWhole &&
      type.getCols() % kRegisterDepth == 0) {
    ++inPlace;
    return [this, load](Value row) mutable -> RowStart {
      return {load.getSource(), rowSubscript(load, row)};
    };
  }
  ++copied;
  Value buffer = newFactor(type);
  copyRowsTo(buffer, load, type, rows);
  return [this, buffer](Value row) -> RowStart {
    return {buffer, {row, index(0)}};
  };
}

Value KernelLowering::readVector(const RowStart &row, Value col, Type type) {
  SmallVector<Value> at(row.at);
  at.back() = add(at.back(), col);
  return vector::LoadOp::create(b, cast<VectorType>(type), row.memory, at);
}

/// Memory for a packed tile: of its own, or its place in its block.
Value KernelLowering::newPacked(LoadOp load, ArrayRef<int64_t> shape) {
  auto it = packedAhead.find(load);
  if (it == packedAhead.end())
    return allocate(shape, b.getBF16Type());
  PackedAhead ahead = it->second;
  Value &block = packedBlocks[ahead.load];
  if (!block)
    block =
        allocate({ahead.tiles * shape[0], shape[1], shape[2]}, b.getBF16Type());
  auto loop = cast<scf::ForOp>(load->getParentOp());
  Value number = arith::DivUIOp::create(
      b, arith::SubIOp::create(b, loop.getInductionVar(), ahead.first),
      ahead.step);
  Place whole;
  whole.buffer = block;
  return stripOf(whole, arith::MulIOp::create(b, number, index(shape[0])),
                 shape[0])
      .buffer;
}

/// A right operand: [col / 16][sum / 2][2 * (col % 16) + sum % 2], where the
/// sum runs over the rows of the tile or, if it is transposed, its columns. One
/// that is packed ahead is there already where it is used.
void KernelLowering::packFactor(LoadOp load, TileType type) {
  auto ahead = packedAhead.find(load);
  LoadOp used = ahead == packedAhead.end() ? load : ahead->second.load;
  auto dot = cast<DotOp>(*used->user_begin());
  int64_t depth = dot.getTransposeB() ? type.getCols() : type.getRows();
  int64_t cols = dot.getTransposeB() ? type.getRows() : type.getCols();
  depth = llvm::alignTo(depth, kRegisterDepth);
  Value rows = clampTo(load.getValid()[0], type.getRows());
  Value buffer =
      newPacked(load, {int64_t(llvm::divideCeil(cols, kRegisterRows)),
                       depth / 2, kRegisterDepth});
  Place &place = places[load.getResult()];
  place.kind = Place::Packed;
  place.validRows = rows;
  place.buffer = buffer;
  if (ahead != packedAhead.end() && used == load) {
    // Of a tile that is there, a strip has the keys up to its end.
    auto loop = cast<scf::ForOp>(load->getParentOp());
    if (KeyEnd keys = keyEnds.lookup(loop); keys.end) {
      Value first =
          arith::MulIOp::create(b, loop.getInductionVar(), index(keys.ofTile));
      place.validRows =
          min(rows, b.createOrFold<arith::SubIOp>(keys.end, first));
    }
    return;
  }
  RowReader reader = readRows(load, type, rows);
  bool isFixed = fixedFactors.contains(dot.getA());
  noteSizesOf(load);
  // Rows are packed by whole registers of what is along the rows; in the last
  // ones some are not valid.
  int64_t step = dot.getTransposeB() ? kRegisterRows : 2;
  auto pack = [&](Value begin, Value end, bool isWhole) {
    forRange(begin, end, step, [&](Value row) {
      auto readRow = [&](int64_t k, Value col, Type vector) -> Value {
        Value at = add(row, index(k));
        if (isWhole)
          return readVector(reader(at), col, vector);
        Value isValid =
            arith::CmpIOp::create(b, arith::CmpIPredicate::slt, at, rows);
        Value read =
            readVector(reader(min(at, add(rows, index(-1)))), col, vector);
        // By bits: LLVM cannot choose between vectors of bf16 on all chips.
        Type words = cast<VectorType>(vector).clone(b.getI16Type());
        Value mask = vector::BroadcastOp::create(
            b, words, arith::ExtSIOp::create(b, b.getI16Type(), isValid));
        Value kept = arith::AndIOp::create(
            b, vector::BitCastOp::create(b, words, read), mask);
        return vector::BitCastOp::create(b, vector, kept);
      };
      dot.getTransposeB() ? packTransposed(buffer, row, depth, readRow,
                                           measuredLoads.contains(used))
                          : packPairs(buffer, row, cols, isFixed, readRow);
    });
  };
  auto wholePart = [&](int64_t unit) {
    return b.createOrFold<arith::SubIOp>(
        rows, b.createOrFold<arith::RemUIOp>(rows, index(unit)));
  };
  Value whole = wholePart(step);
  pack(index(0), whole, /*isWhole=*/true);
  pack(whole, roundedUp(rows), /*isWhole=*/false);
}

/// Keys: 16 rows and 16 pairs of columns change places.
void KernelLowering::packTransposed(Value buffer, Value row, int64_t depth,
                                    ReadRow readRow, bool isMeasured) {
  auto pairs = VectorType::get({kRegisterRows}, b.getI32Type());
  Value tile = b.createOrFold<arith::DivUIOp>(row, index(kRegisterRows));
  forRange(index(0), index(depth), kRegisterDepth, [&](Value col) {
    SmallVector<Value> read, block;
    for (int64_t k = 0; k < kRegisterRows; ++k) {
      read.push_back(readRow(k, col, pairVector()));
      block.push_back(vector::BitCastOp::create(b, pairs, read.back()));
    }
    if (isMeasured)
      noteSizes(read);
    Value pair = arith::DivUIOp::create(b, col, index(2));
    for (auto [k, vector] : llvm::enumerate(transpose(block)))
      vector::StoreOp::create(
          b, vector::BitCastOp::create(b, pairVector(), vector), buffer,
          ValueRange{tile, add(pair, index(k)), index(0)});
  });
}

/// Values: two rows are interleaved. For weights that are joined, in their
/// order, and negative as they are.
void KernelLowering::packPairs(Value buffer, Value row, int64_t cols,
                               bool isFixed, ReadRow readRow) {
  Value pair = isFixed ? pairOfFixed(row)
                       : b.createOrFold<arith::DivUIOp>(row, index(2));
  forRange(index(0), index(llvm::alignTo(cols, kRegisterRows)), kRegisterRows,
           [&](Value col) {
             Value even = readRow(0, col, halfVector());
             Value odd = readRow(1, col, halfVector());
             Value tile = arith::DivUIOp::create(b, col, index(kRegisterRows));
             Value packed = interleave(even, odd);
             if (isFixed)
               packed = arith::NegFOp::create(b, packed);
             vector::StoreOp::create(b, packed, buffer,
                                     ValueRange{tile, pair, index(0)});
           });
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// What was rounded to bf16 and widened again, before that.
static Value beforeRounding(Value vector) {
  auto widened = vector.getDefiningOp<arith::ExtFOp>();
  auto rounded =
      widened ? widened.getIn().getDefiningOp<arith::TruncFOp>() : nullptr;
  return rounded && rounded.getType() == widened.getIn().getType() &&
                 rounded.getIn().getType() == vector.getType()
             ? rounded.getIn()
             : vector;
}

/// Two vectors of f32 as one of bf16 (vcvtne2ps2bf16, whose first operand goes
/// to the upper half). It rounds: what is rounded already is taken from before.
Value KernelLowering::sideBySide(Value first, Value second) {
  first = beforeRounding(first);
  second = beforeRounding(second);
  return LLVM::CallIntrinsicOp::create(
             b, pairVector(),
             b.getStringAttr("llvm.x86.avx512bf16.cvtne2ps2bf16.512"),
             ValueRange{second, first})
      .getResult(0);
}

/// So many valid rows in whole registers along the sum.
Value KernelLowering::roundedUp(Value rows) {
  Value unit = index(kRegisterDepth);
  return b.createOrFold<arith::MulIOp>(
      b.createOrFold<arith::CeilDivUIOp>(rows, unit), unit);
}

/// The factor a row if `map` multiplies by one and nothing else; else null.
static Value getFactorOfRows(MapOp map) {
  Block &body = map.getBody().front();
  auto product = dyn_cast<arith::MulFOp>(body.front());
  if (map.getInputs().size() != 2 || !product ||
      product->getNextNode() != body.getTerminator() ||
      product.getLhs() != body.getArgument(0) ||
      product.getRhs() != body.getArgument(1) ||
      cast<TileType>(map.getInputs()[1].getType()).getRank() != 1)
    return Value();
  return map.getInputs()[1];
}

/// The initial values of sums go where the sums will be, if they are not there.
/// Rows that are scaled by 1 are: their maximum did not change.
LogicalResult KernelLowering::prepareSums(DotOp dot, Value out) {
  auto map = dot.getAcc().getDefiningOp<MapOp>();
  bool isComputed = map && getProductOfPrologue(map);
  const Place &start = places[isComputed ? map.getInputs()[0] : dot.getAcc()];
  bool isThere = start.kind == Place::Lanes && start.buffer == out;
  if (!isComputed && isThere)
    return success();
  Value factors = isComputed && isThere ? getFactorOfRows(map) : Value();
  TileType type = dot.getResult().getType();
  auto prepareRow = [&](Value row) {
    return tryForRange(index(0), index(wholeVectors(type.getCols())),
                       regs.lanes, [&](Value col) -> LogicalResult {
                         FailureOr<Value> init = accumulatorInit(dot, row, col);
                         if (failed(init))
                           return failure();
                         storeVector(*init, out, row, col);
                         return success();
                       });
  };
  return tryForRange(
      index(0), index(rowsOf(type.getRows())), 1,
      [&](Value row) -> LogicalResult {
        if (!factors)
          return prepareRow(row);
        FailureOr<Value> buffer = lanesBuffer(factors);
        if (failed(buffer))
          return failure();
        Value factor = memref::LoadOp::create(b, *buffer, row);
        Value one = arith::ConstantOp::create(b, b.getF32FloatAttr(1.0f));
        Value changes =
            arith::CmpFOp::create(b, arith::CmpFPredicate::UNE, factor, one);
        auto branch = scf::IfOp::create(b, changes, /*withElseRegion=*/false);
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToStart(branch.thenBlock());
        return prepareRow(row);
      });
}

KernelLowering::RegisterTypes KernelLowering::getRegisterTypes() {
  return {amx::TileType::get({kRegisterRows, kRegisterDepth}, b.getBF16Type()),
          amx::TileType::get({kRegisterRows, kRegisterRows}, b.getF32Type())};
}

/// One block of sums: registers of rows times registers of columns.
void KernelLowering::emitRegisterBlock(const RegisterProduct &product,
                                       Value rowStart, int64_t rowTiles,
                                       Value colTile, int64_t colTiles) {
  const RegisterTypes types = getRegisterTypes();
  Value unit = index(kRegisterRows);
  auto sumAt = [&](int64_t i, int64_t j) -> SmallVector<Value> {
    return {add(rowStart, index(i * kRegisterRows)),
            arith::MulIOp::create(b, add(colTile, index(j)), unit)};
  };
  SmallVector<Value> sums;
  for (int64_t i = 0; i < rowTiles; ++i)
    for (int64_t j = 0; j < colTiles; ++j) {
      if (product.startsAtZero)
        sums.push_back(amx::TileZeroOp::create(b, types.sum));
      else
        sums.push_back(
            amx::TileLoadOp::create(b, types.sum, product.sums, sumAt(i, j)));
    }
  auto multiply = [&](Value k, ValueRange before) {
    SmallVector<Value> left, after;
    for (int64_t i = 0; i < rowTiles; ++i)
      left.push_back(amx::TileLoadOp::create(
          b, types.factor, product.left,
          ValueRange{add(rowStart, index(i * kRegisterRows)), k}));
    Value column = colTile, row = k;
    if (product.rowsOfTile) {
      Value rowsOfTile = index(product.rowsOfTile);
      Value tile =
          add(product.firstTile, arith::DivUIOp::create(b, k, rowsOfTile));
      column = add(column,
                   arith::MulIOp::create(b, tile, index(product.colsOfTile)));
      row = arith::RemUIOp::create(b, k, rowsOfTile);
    }
    Value pair = b.createOrFold<arith::DivUIOp>(row, index(2));
    after.resize(rowTiles * colTiles);
    // All right operands are loaded before the products: in one register, each
    // load would wait for those of the one before.
    SmallVector<Value> right;
    for (int64_t j = 0; j < colTiles; ++j)
      right.push_back(amx::TileLoadOp::create(
          b, types.factor, product.right,
          ValueRange{add(column, index(j)), pair, index(0)}));
    for (int64_t j = 0; j < colTiles; ++j)
      for (int64_t i = 0; i < rowTiles; ++i)
        after[i * colTiles + j] = amx::TileMulFOp::create(
            b, types.sum, left[i], right[j], before[i * colTiles + j]);
    return after;
  };
  auto loop = scf::ForOp::create(b, index(0), product.depth,
                                 index(kRegisterDepth), sums);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    scf::YieldOp::create(
        b, multiply(loop.getInductionVar(), loop.getRegionIterArgs()));
  }
  for (int64_t i = 0; i < rowTiles; ++i)
    for (int64_t j = 0; j < colTiles; ++j)
      amx::TileStoreOp::create(b, product.sums, sumAt(i, j),
                               loop.getResult(i * colTiles + j));
}

/// All blocks with so many registers of rows.
void KernelLowering::emitRegisterRows(const RegisterProduct &product, Value row,
                                      int64_t rowTiles) {
  constexpr int64_t together = 2;
  Value step = index(together);
  Value pairs = b.createOrFold<arith::SubIOp>(
      product.colTiles, b.createOrFold<arith::RemUIOp>(product.colTiles, step));
  forRange(index(0), pairs, together, [&](Value colTile) {
    emitRegisterBlock(product, row, rowTiles, colTile, together);
  });
  if (!product.hasPairsOnly)
    emitRegisterBlock(product, row, rowTiles, pairs, 1);
}

MapOp cpu::findScalingInBranch(Value scaled, Value argument) {
  auto branch = scaled.getDefiningOp<scf::IfOp>();
  if (!branch || !scaled.hasOneUse() || !argument.hasNUses(2))
    return nullptr;
  unsigned number = cast<OpResult>(scaled).getResultNumber();
  auto map = branch.thenYield().getOperand(number).getDefiningOp<MapOp>();
  bool scales = map && map->getBlock() == branch.thenBlock() &&
                getFactorOfRows(map) && map.getInputs()[0] == argument &&
                map.getResult(0).hasOneUse();
  return scales && branch.elseYield().getOperand(number) == argument ? map
                                                                     : nullptr;
}

/// All blocks of so many rows.
void KernelLowering::emitRegisterProduct(const RegisterProduct &product,
                                         int64_t rows) {
  int64_t whole = rows / (2 * kRegisterRows) * (2 * kRegisterRows);
  forRange(index(0), index(whole), 2 * kRegisterRows,
           [&](Value row) { emitRegisterRows(product, row, 2); });
  if (whole < rows)
    emitRegisterRows(product, index(whole), 1);
}

/// Those with so many keys, which are columns of the product.
void KernelLowering::emitScoresInRegisters(DotOp dot, RegisterProduct product,
                                           Value keys) {
  int64_t rows = rowsOf(dot.getResult().getType().getRows());
  int64_t depth = dot.getA().getType().getCols();
  Value cols = roundedUp(keys);
  product.depth = index(llvm::alignTo(depth, kRegisterDepth));
  product.colTiles = b.createOrFold<arith::DivUIOp>(cols, index(kRegisterRows));
  product.hasPairsOnly = true;
  emitRegisterProduct(product, rows);
  if (!product.startsAtZero)
    return;
  // Columns without keys: the product of zero rows is the accumulator.
  Value zero = splatVector(zeroF32());
  forRange(cols, index(dot.getResult().getType().getCols()), regs.lanes,
           [&](Value col) {
             forRange(index(0), index(rows), 1, [&](Value row) {
               storeVector(zero, product.sums, row, col);
             });
           });
}

LogicalResult KernelLowering::lowerRegisterProduct(DotOp dot) {
  if (dot == pending.dot)
    return lowerPendingProduct(dot);
  TileType type = dot.getResult().getType();
  const Place right = places[dot.getB()];
  Value out = outputBuffer(dot.getResult(), dot);
  const Place start = places[dot.getAcc()];
  RegisterProduct product;
  product.left = places[dot.getA()].buffer;
  product.right = right.buffer;
  product.sums = out;
  product.startsAtZero = start.kind == Place::Splat &&
                         matchPattern(start.scalar, m_PosZeroFloat());
  if (!product.startsAtZero && failed(prepareSums(dot, out)))
    return failure();
  places[dot.getResult()].buffer = out;

  if (dot.getTransposeB()) {
    emitScoresInRegisters(dot, product, right.validRows);
    return success();
  }
  int64_t tiles = llvm::divideCeil(type.getCols(), kRegisterRows);
  product.depth = roundedUp(right.validRows);
  product.colTiles = index(tiles);
  product.hasPairsOnly = tiles % 2 == 0;
  emitRegisterProduct(product, rowsOf(type.getRows()));
  return success();
}
