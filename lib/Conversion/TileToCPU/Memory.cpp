//===- Memory.cpp - Loads and stores of tiles -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tiles come from memory by whole vectors where their rows are contiguous; the
// right operands of products stay there where they can.
//
//===----------------------------------------------------------------------===//

#include "KernelLowering.h"

#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;
using namespace attn;
using namespace attn::cpu;
using namespace attn::tile;

/// True if every use of the tile is as the right operand of a product.
bool cpu::isRightOperand(Value tile) {
  return llvm::all_of(tile.getUses(), [](OpOperand &use) {
    auto dot = dyn_cast<DotOp>(use.getOwner());
    return dot && use.getOperandNumber() == 1;
  });
}

/// The buffer that a view shows.
static Value getBase(Value memref) {
  while (Operation *op = memref.getDefiningOp()) {
    if (!isa<ViewLikeOpInterface>(op))
      break;
    memref = cast<ViewLikeOpInterface>(op).getViewSource();
  }
  return memref;
}

bool cpu::isContiguous(Value memref) {
  return cast<MemRefType>(memref.getType())
             .getStridesAndOffset()
             .first.back() == 1;
}

/// Rows whose padding is not needed are read straight from memory that the
/// kernel does not write: f32 as broadcast elements, any type as vectors.
bool KernelLowering::canStayInMemory(LoadOp load) {
  APInt columns;
  Value base = getBase(load.getSource());
  WalkResult written = kernel.walk([&](StoreOp store) {
    return getBase(store.getDest()) == base ? WalkResult::interrupt()
                                            : WalkResult::advance();
  });
  TileType type = load.getType();
  if (written.wasInterrupted() || load.getPacking() ||
      !matchPattern(load.getValid()[1], m_ConstantInt(&columns)) ||
      columns.getSExtValue() < type.getCols())
    return false;
  if (lanes == LaneDim::Rows && isOfPairs(load))
    return !load.getPageTable() && isContiguous(load.getSource());
  if (lanes == LaneDim::Rows)
    return !load.getPageTable() && type.getElementType().isF32();
  return isContiguous(load.getSource()) && type.getCols() % regs.lanes == 0 &&
         !(load.getPageTable() && load.getMixed());
}

/// Subscript in the source of element (row, 0) of the tile.
SmallVector<Value> KernelLowering::rowSubscript(LoadOp load, Value row) {
  SmallVector<Value> at(load.getIndices());
  if (Value heads = load.getPacking()) {
    Value &head = at[at.size() - 3];
    head = add(head, b.createOrFold<arith::RemUIOp>(row, heads));
    row = b.createOrFold<arith::DivUIOp>(row, heads);
  }
  Value memoryRow = add(at[at.size() - 2], row);
  if (!load.getPageTable()) {
    at[at.size() - 2] = memoryRow;
    return at;
  }
  auto type = cast<MemRefType>(load.getSource().getType());
  Value pageSize =
      b.createOrFold<memref::DimOp>(load.getSource(), type.getRank() - 2);
  Value slot = arith::DivUIOp::create(b, memoryRow, pageSize);
  SmallVector<Value> tableAt(load.getPageIndices());
  tableAt.push_back(slot);
  Value page = memref::LoadOp::create(b, load.getPageTable(), tableAt);
  if (!page.getType().isIndex())
    page = arith::IndexCastOp::create(b, b.getIndexType(), page);
  // Whatever the table holds, the page is one of the pool.
  Value last =
      add(b.createOrFold<memref::DimOp>(load.getSource(), 0), index(-1));
  page = arith::MaxSIOp::create(b, arith::MinSIOp::create(b, page, last),
                                index(0));
  at[at.size() - 2] = arith::RemUIOp::create(b, memoryRow, pageSize);
  at.insert(at.begin(), page);
  return at;
}

/// Queries: on lanes, zero past the valid part.
void KernelLowering::loadOnLanes(LoadOp load, TileType type) {
  Value buffer = newBuffer(type);
  places[load.getResult()].buffer = buffer;
  Value rows = clampTo(load.getValid()[0], type.getRows());
  Value zero = zeroF32();
  if (type.getRank() == 1) {
    forRange(index(0), rows, 1, [&](Value row) {
      SmallVector<Value> at(load.getIndices());
      at.back() = add(at.back(), row);
      memref::StoreOp::create(b, loadF32(load.getSource(), at), buffer, row);
    });
    forRange(rows, index(wholeVectors(type.getRows())), 1,
             [&](Value row) { memref::StoreOp::create(b, zero, buffer, row); });
    return;
  }
  if (lanes == LaneDim::Rows)
    return loadTransposed(load, type, buffer, rows);
  copyRowsTo(buffer, load, type, rows);
  forRange(rows, index(type.getRows()), 1, [&](Value row) {
    forRange(
        index(0), index(wholeVectors(type.getCols())), regs.lanes,
        [&](Value col) { storeVector(splatVector(zero), buffer, row, col); });
  });
}

/// Rows to [col][row], a vector of rows at a time, which are copied first: what
/// is transposed has fixed places then, whatever the strides.
void KernelLowering::loadTransposed(LoadOp load, TileType type, Value buffer,
                                    Value rows) {
  Value block = newRowBlock(type);
  forRange(index(0), index(type.getRows()), regs.lanes, [&](Value first) {
    Value valid =
        clampTo(b.createOrFold<arith::SubIOp>(rows, first), regs.lanes);
    copyRowsTo(block, load, type, valid, first);
    forRange(valid, index(regs.lanes), 1, [&](Value row) {
      forEachPiece(type.getCols(), [&](Value col, int64_t) {
        vector::StoreOp::create(
            b, vector::BroadcastOp::create(b, vectorType(kPiece), zeroF32()),
            block, ValueRange{row, col});
      });
    });
    forEachPiece(type.getCols(), [&](Value col, int64_t cols) {
      SmallVector<Value> vectors;
      for (int64_t row = 0; row < kPiece; ++row)
        vectors.push_back(joinPieces([&](int64_t piece) -> Value {
          return vector::LoadOp::create(
              b, vectorType(kPiece), block,
              ValueRange{index(piece * kPiece + row), col});
        }));
      vectors = transposePieces(vectors);
      for (int64_t k = 0; k < cols; ++k)
        storeVector(vectors[k], buffer, first, add(col, index(k)));
    });
  });
}

/// A buffer for a vector of rows of the tile, [row][col].
Value KernelLowering::newRowBlock(TileType type) {
  int64_t lanes = regs.lanes, cols = llvm::alignTo(type.getCols(), kPiece);
  return allocate({lanes, cols}, b.getF32Type());
}

/// Calls `body(col, count)` where pieces of a row start; the last one may have
/// fewer columns.
void KernelLowering::forEachPiece(int64_t cols,
                                  function_ref<void(Value, int64_t)> body) {
  int64_t rest = cols % kPiece, whole = cols - rest;
  forRange(index(0), index(whole), kPiece,
           [&](Value col) { body(col, kPiece); });
  if (rest)
    body(index(whole), rest);
}

/// A vector of `piece(0)`, `piece(1)`, .., side by side.
Value KernelLowering::joinPieces(function_ref<Value(int64_t)> piece) {
  SmallVector<Value> parts;
  for (int64_t k = 0; k < int64_t(regs.lanes) / kPiece; ++k)
    parts.push_back(piece(k));
  for (; parts.size() > 1; parts.resize(parts.size() / 2))
    for (size_t k = 0; k < parts.size() / 2; ++k) {
      int64_t size = cast<VectorType>(parts[2 * k].getType()).getNumElements();
      parts[k] = vector::ShuffleOp::create(
          b, parts[2 * k], parts[2 * k + 1],
          llvm::to_vector(llvm::seq<int64_t>(2 * size)));
    }
  return parts.front();
}

/// Four vectors of pieces: those at the same place are four rows of four
/// columns, and become columns. Both steps, which interleave elements and pairs
/// of them, are single instructions.
SmallVector<Value> KernelLowering::transposePieces(ArrayRef<Value> vectors) {
  int64_t lanes = regs.lanes;
  auto interleave = [&](Value x, Value y, int64_t size, bool isSecondHalf) {
    SmallVector<int64_t> mask;
    for (int64_t start = isSecondHalf ? kPiece / 2 : 0; start < lanes;
         start += kPiece)
      for (int64_t k = start; k < start + kPiece / 2; k += size)
        for (int64_t from : {k, lanes + k})
          for (int64_t element = 0; element < size; ++element)
            mask.push_back(from + element);
    return vector::ShuffleOp::create(b, x, y, mask).getResult();
  };
  SmallVector<Value> transposed;
  for (bool isSecondHalf : {false, true}) {
    Value even = interleave(vectors[0], vectors[1], 1, isSecondHalf);
    Value odd = interleave(vectors[2], vectors[3], 1, isSecondHalf);
    transposed.push_back(interleave(even, odd, 2, false));
    transposed.push_back(interleave(even, odd, 2, true));
  }
  return transposed;
}

/// Rows to columns, of a square. Each step exchanges halves of blocks, which
/// get half as large: of rows i and i + size, the odd blocks of the first and
/// the even ones of the second.
SmallVector<Value> KernelLowering::transpose(ArrayRef<Value> square) {
  SmallVector<Value> rows(square);
  int64_t lanes = regs.lanes;
  for (int64_t size = lanes / 2; size; size /= 2) {
    SmallVector<int64_t> even, odd;
    for (int64_t lane = 0; lane < lanes; ++lane) {
      bool isSecond = lane & size;
      even.push_back(isSecond ? lanes + lane - size : lane);
      odd.push_back(isSecond ? lanes + lane : lane + size);
    }
    for (int64_t row = 0; row < lanes; ++row) {
      if (row & size)
        continue;
      Value x = rows[row], y = rows[row + size];
      rows[row] = vector::ShuffleOp::create(b, x, y, even);
      rows[row + size] = vector::ShuffleOp::create(b, x, y, odd);
    }
  }
  return rows;
}

/// Right operands that cannot stay in memory: a copy, row by row. With rows on
/// the lanes its elements are broadcast, and so f32, if they are not multiplied
/// in pairs.
void KernelLowering::copyRows(LoadOp load, TileType type) {
  Place &place = places[load.getResult()];
  place.kind = Place::Memory;
  if (lanes == LaneDim::Columns)
    place.buffer = allocate({type.getRows(), wholeVectors(type.getCols())},
                            type.getElementType());
  else if (isOfPairs(load))
    place.buffer = allocate(type.getShape(), type.getElementType());
  else
    place.buffer = newCopy(type);
  place.row = place.col = index(0);
  place.validRows = clampTo(load.getValid()[0], type.getRows());
  copyRowsTo(place.buffer, load, type, place.validRows);
}

/// A buffer for an f32 copy, [row][col]. Products read it column by column:
/// rows that are eight lines apart, or a multiple of that, would share eight
/// sets of L1 or fewer, which cannot hold a line of each. So they are a line
/// longer.
Value KernelLowering::newCopy(TileType type) {
  constexpr int64_t lineElements = 16, crowdedElements = 128;
  int64_t rows = type.getRows(), cols = type.getCols();
  if (cols % crowdedElements)
    return allocate(type.getShape(), b.getF32Type());
  Value buffer = allocate({rows, cols + lineElements}, b.getF32Type());
  Attribute zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
  return memref::SubViewOp::create(
      b, buffer, ArrayRef<OpFoldResult>{zero, zero},
      ArrayRef<OpFoldResult>{b.getIndexAttr(rows), b.getIndexAttr(cols)},
      ArrayRef<OpFoldResult>{one, one});
}

/// Copies so many rows from `first` on to [row][col], zero past the valid
/// columns.
void KernelLowering::copyRowsTo(Value buffer, LoadOp load, TileType type,
                                Value rows, Value first) {
  auto bufferType = cast<MemRefType>(buffer.getType());
  Type from = type.getElementType(), to = bufferType.getElementType();
  auto convert = [&](Value value) -> Value {
    if (from == to)
      return value;
    Type wide = to;
    if (auto vector = dyn_cast<VectorType>(value.getType()))
      wide = vector.clone(to);
    return arith::ExtFOp::create(b, wide, value);
  };
  Value cols = clampTo(load.getValid()[1], type.getCols());
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(to));
  auto clear = [&](Value row, Value first) {
    forRange(first, index(bufferType.getShape().back()), 1, [&](Value col) {
      memref::StoreOp::create(b, zero, buffer, ValueRange{row, col});
    });
  };
  forRange(index(0), rows, 1, [&](Value row) {
    OpBuilder::InsertionGuard inner(b);
    if (load.getMixed()) {
      auto branch = scf::IfOp::create(b, rowCounts(load, row),
                                      /*withElseRegion=*/true);
      b.setInsertionPointToStart(branch.elseBlock());
      clear(row, index(0));
      b.setInsertionPointToStart(branch.thenBlock());
    }
    SmallVector<Value> at = rowSubscript(load, first ? add(first, row) : row);
    Value base = at.back();
    Value vectorCols = index(0);
    if (isContiguous(load.getSource())) {
      // Whole vectors first, single elements for the rest. Of 16 bits that stay
      // such, a register holds two of them.
      vectorCols = wholeVectorsOf(cols);
      int64_t width = regs.lanes;
      if (std::optional<int64_t> known = getConstantIntValue(cols);
          known && from == to && from.getIntOrFloatBitWidth() == 16 &&
          *known % (2 * width) == 0)
        width *= 2;
      auto memoryVector = VectorType::get({width}, from);
      forRange(index(0), vectorCols, width, [&](Value col) {
        at.back() = add(base, col);
        Value loaded =
            vector::LoadOp::create(b, memoryVector, load.getSource(), at);
        vector::StoreOp::create(b, convert(loaded), buffer,
                                ValueRange{row, col});
      });
    }
    forRange(vectorCols, cols, 1, [&](Value col) {
      at.back() = add(base, col);
      Value loaded = memref::LoadOp::create(b, load.getSource(), at);
      memref::StoreOp::create(b, convert(loaded), buffer, ValueRange{row, col});
    });
    clear(row, cols);
  });
}

/// Rows of pages that stay there: the page and the row of each is looked up
/// once.
void KernelLowering::findPages(LoadOp load, TileType type) {
  Place &place = places[load.getResult()];
  Type i32 = b.getI32Type();
  place.pages = allocate(type.getRows(), i32);
  place.pageRows = allocate(type.getRows(), i32);
  forRange(index(0), place.validRows, 1, [&](Value row) {
    SmallVector<Value> at = rowSubscript(load, row);
    for (auto [value, buffer] : {std::pair(at.front(), place.pages),
                                 std::pair(at[at.size() - 2], place.pageRows)})
      memref::StoreOp::create(b, arith::IndexCastOp::create(b, i32, value),
                              buffer, row);
  });
}

/// Whether a row of the tile is read (rule 7).
Value KernelLowering::rowCounts(LoadOp load, Value row) {
  auto branch = scf::IfOp::create(b, TypeRange{b.getI1Type()}, load.getMixed(),
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(
      b, ValueRange{arith::ConstantIntOp::create(b, /*value=*/1, /*width=*/1)});
  b.setInsertionPointToStart(branch.thenBlock());
  IRMapping mapping;
  Block &where = load.getWhere().front();
  mapping.map(where.getArgument(0), row);
  for (Operation &op : where.without_terminator())
    b.clone(op, mapping);
  scf::YieldOp::create(
      b, mapping.lookupOrDefault(where.getTerminator()->getOperand(0)));
  return branch.getResult(0);
}

/// Rows that may stay in memory, unless some of them do not count: then the
/// others are copied, and the product reads the copy.
void KernelLowering::copyRowsIfMixed(LoadOp load, TileType type) {
  auto memory = cast<MemRefType>(load.getSource().getType());
  Value rows = clampTo(load.getValid()[0], type.getRows());
  SmallVector<OpFoldResult> offsets = getAsOpFoldResult(load.getIndices());
  SmallVector<OpFoldResult> sizes(memory.getRank(), b.getIndexAttr(1));
  SmallVector<OpFoldResult> steps = sizes;
  sizes[sizes.size() - 2] = rows;
  sizes.back() = b.getIndexAttr(type.getCols());
  bool contiguous = isContiguous(load.getSource());
  auto viewType = MemRefType::get(
      {ShapedType::kDynamic, type.getCols()}, type.getElementType(),
      StridedLayoutAttr::get(
          b.getContext(), ShapedType::kDynamic,
          {ShapedType::kDynamic, contiguous ? 1 : ShapedType::kDynamic}));
  auto choice = scf::IfOp::create(b, TypeRange{viewType}, load.getMixed(),
                                  /*withElseRegion=*/true);
  Place &place = places[load.getResult()];
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(choice.thenBlock());
    copyRows(load, type);
    Value copy = memref::CastOp::create(b, viewType, place.buffer);
    scf::YieldOp::create(b, copy);
    b.setInsertionPointToStart(choice.elseBlock());
    MemRefType rowsType = memref::SubViewOp::inferRankReducedResultType(
        viewType.getShape(), memory, offsets, sizes, steps);
    Value view = memref::SubViewOp::create(b, rowsType, load.getSource(),
                                           offsets, sizes, steps);
    if (rowsType != viewType)
      view = memref::CastOp::create(b, viewType, view);
    scf::YieldOp::create(b, view);
  }
  place.buffer = choice.getResult(0);
  place.row = place.col = index(0);
  place.validRows = rows;
}

LogicalResult KernelLowering::lowerLoad(LoadOp load) {
  TileType type = load.getType();
  if (!isa<Float32Type, Float16Type, BFloat16Type>(type.getElementType()))
    return load.emitOpError("loads ")
           << type.getElementType() << "; the CPU takes f32, f16 and bf16";
  if (type.getRank() == 1 || !isRightOperand(load.getResult())) {
    if (load.getMixed())
      return load.emitOpError("leaves out rows of a tile that is not the right "
                              "operand of a product");
    if (isFactor(load.getResult()))
      loadFactor(load, type);
    else if (isPairOperand(load.getResult()))
      loadPairs(load, type);
    else
      loadOnLanes(load, type);
    ++copied;
    return success();
  }
  if (usesTileRegisters) {
    packFactor(load, type);
    return success();
  }
  auto dot = cast<DotOp>(*load->user_begin());
  if (isOfPairs(load) && !dot.getTransposeB()) {
    copyRowPairs(load, type);
    ++copied;
    return success();
  }
  bool stays = canStayInMemory(load);
  ++(stays ? inPlace : copied);
  if (!stays) {
    copyRows(load, type);
    return success();
  }
  if (load.getMixed()) {
    copyRowsIfMixed(load, type);
    return success();
  }
  Place &place = places[load.getResult()];
  place.kind = Place::Memory;
  place.buffer = load.getSource();
  place.validRows = clampTo(load.getValid()[0], type.getRows());
  SmallVector<Value> at(load.getIndices());
  place.leading.assign(at.begin(), at.end() - 2);
  place.row = at[at.size() - 2];
  place.col = at.back();
  if (load.getPageTable())
    findPages(load, type);
  return success();
}

LogicalResult KernelLowering::lowerStore(StoreOp store) {
  FailureOr<Value> buffer = lanesBuffer(store.getTile());
  if (failed(buffer))
    return failure();
  TileType type = store.getTile().getType();
  Value rows = clampTo(store.getValid()[0], type.getRows());
  if (type.getRank() == 1) {
    forRange(index(0), rows, 1, [&](Value row) {
      SmallVector<Value> at(store.getIndices());
      at.back() = add(at.back(), row);
      Value element = memref::LoadOp::create(
          b, *buffer, subscript(*buffer, row, /*col=*/Value()));
      memref::StoreOp::create(b, convertToStore(store, element),
                              store.getDest(), at);
    });
    return success();
  }
  Value cols = clampTo(store.getValid()[1], type.getCols());
  lanes == LaneDim::Columns
      ? storeRows(store, *buffer, rows, cols, /*first=*/index(0))
      : storeTransposed(store, *buffer, rows, cols);
  return success();
}

/// f32 to the type of the tile in memory.
Value KernelLowering::convertToStore(StoreOp store, Value value) {
  Type type = store.getTile().getType().getElementType();
  if (type.isF32())
    return value;
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    type = vector.clone(type);
  return arith::TruncFOp::create(b, type, value);
}

/// [col][row] to rows, a vector of rows at a time.
void KernelLowering::storeTransposed(StoreOp store, Value buffer, Value rows,
                                     Value cols) {
  TileType type = store.getTile().getType();
  Value block = newRowBlock(type);
  forRange(index(0), rows, regs.lanes, [&](Value first) {
    forEachPiece(type.getCols(), [&](Value col, int64_t count) {
      SmallVector<Value> vectors;
      for (int64_t k = 0; k < kPiece; ++k)
        vectors.push_back(k < count
                              ? loadVector(buffer, first, add(col, index(k)))
                              : vectors.front());
      for (auto [row, vector] : llvm::enumerate(transposePieces(vectors)))
        for (int64_t start = 0; start < int64_t(regs.lanes); start += kPiece)
          vector::StoreOp::create(b,
                                  vector::ExtractStridedSliceOp::create(
                                      b, vector, ArrayRef<int64_t>{start},
                                      ArrayRef<int64_t>{kPiece},
                                      ArrayRef<int64_t>{1}),
                                  block, ValueRange{index(start + row), col});
    });
    storeRows(
        store, block,
        min(b.createOrFold<arith::SubIOp>(rows, first), index(regs.lanes)),
        cols, first);
  });
}

/// So many rows of [row][col] to those of the tile from `first` on: whole
/// vectors first, single elements for the rest.
void KernelLowering::storeRows(StoreOp store, Value buffer, Value rows,
                               Value cols, Value first) {
  forRange(index(0), rows, 1, [&](Value row) {
    SmallVector<Value> at(store.getIndices());
    at[at.size() - 2] = add(at[at.size() - 2], add(first, row));
    Value base = at.back();
    Value vectorCols = index(0);
    if (isContiguous(store.getDest())) {
      vectorCols = wholeVectorsOf(cols);
      forRange(index(0), vectorCols, regs.lanes, [&](Value col) {
        at.back() = add(base, col);
        Value vector = vector::LoadOp::create(b, vectorType(regs.lanes), buffer,
                                              ValueRange{row, col});
        vector::StoreOp::create(b, convertToStore(store, vector),
                                store.getDest(), at);
      });
    }
    forRange(vectorCols, cols, 1, [&](Value col) {
      at.back() = add(base, col);
      Value element = memref::LoadOp::create(b, buffer, ValueRange{row, col});
      memref::StoreOp::create(b, convertToStore(store, element),
                              store.getDest(), at);
    });
  });
}
