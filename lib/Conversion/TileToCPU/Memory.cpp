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

/// Rows to [col][row].
void KernelLowering::loadTransposed(LoadOp load, TileType type, Value buffer,
                                    Value rows) {
  Value cols = clampTo(load.getValid()[1], type.getCols());
  // Padding is rare but in tiles of few rows, where it is most of the tile:
  // whole vectors of zeros first.
  auto padded = [&](Value valid, int64_t size) -> Value {
    return b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::slt, valid,
                                         index(size));
  };
  Value needsZeros = b.createOrFold<arith::OrIOp>(padded(rows, type.getRows()),
                                                  padded(cols, type.getCols()));
  if (!matchPattern(needsZeros, m_Zero())) {
    auto branch = scf::IfOp::create(b, needsZeros, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    fillBuffer(zeroF32(), buffer);
  }
  Value squareRows = index(0), squareCols = index(0);
  if (isContiguous(load.getSource())) {
    squareRows = wholeVectorsOf(rows);
    squareCols = wholeVectorsOf(cols);
    auto memoryVector =
        cast<VectorType>(vectorType(regs.lanes).clone(type.getElementType()));
    forEachSquare(squareRows, squareCols, [&](Value row, Value col) {
      SmallVector<Value> vectors;
      for (unsigned k = 0; k < regs.lanes; ++k) {
        SmallVector<Value> at = rowSubscript(load, add(row, index(k)));
        at.back() = add(at.back(), col);
        Value loaded =
            vector::LoadOp::create(b, memoryVector, load.getSource(), at);
        if (!type.getElementType().isF32())
          loaded = arith::ExtFOp::create(b, vectorType(regs.lanes), loaded);
        vectors.push_back(loaded);
      }
      for (auto [k, vector] : llvm::enumerate(transpose(vectors)))
        storeVector(vector, buffer, row, add(col, index(k)));
    });
  }
  forEachOutside(rows, cols, squareRows, squareCols, [&](Value row, Value col) {
    SmallVector<Value> at = rowSubscript(load, row);
    at.back() = add(at.back(), col);
    memref::StoreOp::create(b, loadF32(load.getSource(), at), buffer,
                            ValueRange{col, row});
  });
}

/// Calls `body(row, col)` where the squares start that have a vector of rows
/// and of columns.
void KernelLowering::forEachSquare(Value rows, Value cols,
                                   function_ref<void(Value, Value)> body) {
  forRange(index(0), rows, regs.lanes, [&](Value row) {
    forRange(index(0), cols, regs.lanes, [&](Value col) { body(row, col); });
  });
}

/// Calls `body(row, col)` for each element outside of the squares.
void KernelLowering::forEachOutside(Value rows, Value cols, Value squareRows,
                                    Value squareCols,
                                    function_ref<void(Value, Value)> body) {
  auto visit = [&](Value firstRow, Value endRow, Value firstCol) {
    forRange(firstRow, endRow, 1, [&](Value row) {
      forRange(firstCol, cols, 1, [&](Value col) { body(row, col); });
    });
  };
  visit(index(0), squareRows, squareCols);
  visit(squareRows, rows, index(0));
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
  if (lanes == LaneDim::Rows)
    place.buffer =
        allocate(type.getShape(),
                 isOfPairs(load) ? type.getElementType() : b.getF32Type());
  else
    place.buffer = allocate({type.getRows(), wholeVectors(type.getCols())},
                            type.getElementType());
  place.row = place.col = index(0);
  place.validRows = clampTo(load.getValid()[0], type.getRows());
  copyRowsTo(place.buffer, load, type, place.validRows);
}

/// Copies so many rows to [row][col], zero past the valid columns.
void KernelLowering::copyRowsTo(Value buffer, LoadOp load, TileType type,
                                Value rows) {
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
    SmallVector<Value> at = rowSubscript(load, row);
    Value base = at.back();
    Value vectorCols = index(0);
    if (isContiguous(load.getSource())) {
      // Whole vectors first, single elements for the rest.
      vectorCols = wholeVectorsOf(cols);
      auto memoryVector =
          VectorType::get({static_cast<int64_t>(regs.lanes)}, from);
      forRange(index(0), vectorCols, regs.lanes, [&](Value col) {
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
  Type element = type.getElementType();
  auto put = [&](Value row, Value col) {
    Value value =
        memref::LoadOp::create(b, *buffer, subscript(*buffer, row, col));
    if (!element.isF32())
      value = arith::TruncFOp::create(b, element, value);
    SmallVector<Value> at(store.getIndices());
    size_t rowDim = at.size() - type.getRank();
    at[rowDim] = add(at[rowDim], row);
    if (type.getRank() == 2)
      at.back() = add(at.back(), col);
    memref::StoreOp::create(b, value, store.getDest(), at);
  };
  Value rows = clampTo(store.getValid()[0], type.getRows());
  if (type.getRank() == 1) {
    forRange(index(0), rows, 1, [&](Value row) { put(row, Value()); });
    return success();
  }
  Value cols = clampTo(store.getValid()[1], type.getCols());
  Value vectorRows = index(0), vectorCols = index(0);
  if (isContiguous(store.getDest())) {
    vectorCols = wholeVectorsOf(cols);
    vectorRows = lanes == LaneDim::Columns ? rows : wholeVectorsOf(rows);
    lanes == LaneDim::Columns
        ? storeVectors(store, *buffer, rows, vectorCols)
        : storeTransposed(store, *buffer, vectorRows, vectorCols);
  }
  forEachOutside(rows, cols, vectorRows, vectorCols, put);
  return success();
}

/// A vector of a row to memory.
void KernelLowering::storeRowVector(StoreOp store, Value vector, Value row,
                                    Value col) {
  Type element = store.getTile().getType().getElementType();
  if (!element.isF32())
    vector = arith::TruncFOp::create(b, vectorType(regs.lanes).clone(element),
                                     vector);
  SmallVector<Value> at(store.getIndices());
  at[at.size() - 2] = add(at[at.size() - 2], row);
  at.back() = add(at.back(), col);
  vector::StoreOp::create(b, vector, store.getDest(), at);
}

/// [col][row] to rows, in squares.
void KernelLowering::storeTransposed(StoreOp store, Value buffer, Value rows,
                                     Value cols) {
  forEachSquare(rows, cols, [&](Value row, Value col) {
    SmallVector<Value> vectors;
    for (unsigned k = 0; k < regs.lanes; ++k)
      vectors.push_back(loadVector(buffer, row, add(col, index(k))));
    for (auto [k, vector] : llvm::enumerate(transpose(vectors)))
      storeRowVector(store, vector, add(row, index(k)), col);
  });
}

/// Stores whole vectors of columns.
void KernelLowering::storeVectors(StoreOp store, Value buffer, Value rows,
                                  Value cols) {
  forRange(index(0), rows, 1, [&](Value row) {
    forRange(index(0), cols, regs.lanes, [&](Value col) {
      storeRowVector(store, loadVector(buffer, row, col), row, col);
    });
  });
}
