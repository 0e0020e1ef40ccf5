//===- RowMemory.cpp - Rows in buffers, and tiles in memory ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loads and stores of tiles, buffers of threads and of the workgroup, and which
// elements of a tile a thread visits.
//
//===----------------------------------------------------------------------===//

#include "RowLowering.h"

#include "../KernelNames.h"

#include "mlir/Interfaces/LoopLikeInterface.h"

using namespace mlir;
using namespace attn;
using namespace attn::tile;

bool attn::isLastUse(Value tile, Operation *op) {
  Block *home = tile.getParentBlock();
  for (Operation *up = op; up->getBlock() != home; up = up->getParentOp())
    if (isa<LoopLikeOpInterface>(up->getParentOp()))
      return false;
  return llvm::all_of(tile.getUsers(), [&](Operation *user) {
    if (user == op)
      return true;
    // Program order counts, but branches of one scf.if exclude each other.
    Operation *here = op;
    while (!here->getBlock()->findAncestorOpInBlock(*user))
      here = here->getParentOp();
    Operation *there = here->getBlock()->findAncestorOpInBlock(*user);
    if (here == there)
      return here != op && isa<scf::IfOp>(here);
    return there->isBeforeInBlock(here);
  });
}

bool attn::isOnlyNumber(SplatOp op) {
  return llvm::all_of(op->getUses(), [](OpOperand &use) {
    auto dot = dyn_cast<DotOp>(use.getOwner());
    return isa<StoreOp>(use.getOwner()) ||
           (dot && &use == &dot.getAccMutable());
  });
}

LogicalResult RowLowering::addView(memref::ReinterpretCastOp op) {
  Value base = scalars.lookupOrNull(op.getSource());
  FailureOr<FlatView> view = makeFlatView(b, op, base, lookup);
  if (failed(view))
    return failure();
  b.setLoc(base.getLoc());
  view->flat.setLoc(base.getLoc());
  views[op.getResult()] = *view;
  return success();
}

FailureOr<Value> RowLowering::addressOf(Operation *op, Value memory,
                                        ValueRange indices) {
  auto view = views.find(memory);
  if (view == views.end())
    return op->emitOpError("accesses a memref that the kernel did not rebuild "
                           "from an argument");
  return getFlatAddress(b, view->second.strides,
                        llvm::map_to_vector(indices, lookup));
}

/// Whether a row of the tile is read (rule 7).
Value RowLowering::rowCounts(LoadOp op, Value row) {
  return countsRow(b, op, lookup, [&](Block &where) {
    scalars.map(where.getArgument(0), row);
    // lowerLoad has checked that this succeeds.
    (void)lowerBlock(where);
    return scalars.lookup(where.getTerminator()->getOperand(0));
  });
}

/// Element (row, col) of the tile that `op` loads, zero past `valid`. `inside`
/// says whether the position is an element of the tile at all, `rowIsValid`
/// that the row needs no check.
Value RowLowering::readTileElement(LoadOp op, Value row, Value col,
                                   Value inside, bool rowIsValid) {
  TileType type = op.getType();
  SmallVector<Value> coordinates{row};
  if (type.getRank() == 2)
    coordinates.push_back(col);
  Value condition = addBounds(b, type, op.getValid(), coordinates, inside,
                              lookup, /*first=*/rowIsValid ? 1 : 0);
  if (op.getMixed())
    condition = both(condition, rowCounts(op, row));

  auto read = [&]() -> Value {
    const FlatView &memory = views[op.getSource()];
    const FlatView *pages = nullptr;
    if (Value table = op.getPageTable())
      pages = &views.find(table)->second;
    return load(memory.flat,
                getElementAddress(b, op, memory, pages, coordinates,
                                  memory.strides, lookup));
  };
  if (!condition)
    return read();
  auto branch = scf::IfOp::create(
      b, condition,
      [&](OpBuilder &, Location) { scf::YieldOp::create(b, read()); },
      [&](OpBuilder &, Location) {
        Value zero =
            arith::ConstantOp::create(b, b.getZeroAttr(type.getElementType()));
        scf::YieldOp::create(b, zero);
      });
  return branch.getResult(0);
}

LogicalResult RowLowering::lowerLoad(LoadOp op) {
  for (Value memory : {Value(op.getSource()), Value(op.getPageTable())})
    if (memory && !views.contains(memory))
      return op.emitOpError(
          "reads a memref that the kernel did not rebuild from "
          "an argument");
  for (Region &region : op->getRegions())
    for (Operation &nested : region.getOps())
      if (isa<memref::LoadOp, memref::DimOp>(nested)
              ? !views.contains(nested.getOperand(0))
              : nested.getNumRegions() || !isMemoryEffectFree(&nested))
        return nested.emitOpError("has no lowering in a GPU kernel");
  if (placement.isFragment(op.getResult())) {
    Value buffer =
        createBuffer(op.getType(), nameTile(op.getResult()) + "_tile");
    forEachElement(op.getType(), [&](const Element &e) {
      store(readTileElement(op, e.row, e.col, e.inside), buffer, e.position);
    });
    buffers[op.getResult()] = buffer;
  }
  stage(op.getResult(), [&](Value row, Value col) {
    return readTileElement(op, row, col, Value());
  });
  return success();
}

LogicalResult RowLowering::lowerStore(StoreOp op) {
  auto view = views.find(op.getDest());
  if (view == views.end())
    return op.emitOpError(
        "writes a memref that the kernel did not rebuild from "
        "an argument");
  TileType type = op.getTile().getType();
  auto uniform = op.getTile().getDefiningOp<SplatOp>();
  Value number = uniform && isOnlyNumber(uniform)
                     ? scalars.lookup(uniform.getValue())
                     : Value();
  forEachElement(type, [&](const Element &e) {
    SmallVector<Value> coordinates{e.row};
    Value condition = e.inside;
    if (type.getRank() == 2)
      coordinates.push_back(e.col);
    else if (RowLayout layout = placement.getRowLayout(type.getRows());
             layout.lanes > 1) // every thread of the row holds the value
      condition =
          both(condition,
               arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                     getThreadRow(layout).second, index(0)));
    condition =
        addBounds(b, type, op.getValid(), coordinates, condition, lookup);
    SmallVector<Value> indices =
        getElementIndices(b, op.getIndices(), coordinates, lookup);
    guarded(condition, [&] {
      store(number ? number : load(buffers[op.getTile()], e.position),
            view->second.flat,
            getFlatAddress(b, view->second.strides, indices));
    });
  });
  return success();
}

//===----------------------------------------------------------------------===//
// Fragments and staging
//===----------------------------------------------------------------------===//

Value RowLowering::createBuffer(TileType type, StringRef name) {
  RowLayout layout = placement.getRowLayout(type.getRows());
  int64_t size = layout.passes *
                 (type.getRank() == 2 ? layout.getColumns(type.getCols()) : 1);
  auto space =
      gpu::AddressSpaceAttr::get(b.getContext(), gpu::AddressSpace::Private);
  Value buffer = kernel.addPrivateAttribution(
      MemRefType::get({size}, type.getElementType(),
                      MemRefLayoutAttrInterface(), space),
      source.getLoc());
  kernel.setPrivateAttributionAttr(kernel.getNumPrivateAttributions() - 1,
                                   kBufferNameAttr, b.getStringAttr(name));
  return buffer;
}

/// A buffer that holds the value of `tile` and that `op` may overwrite: its
/// own if nothing reads it afterwards and `op` has no other use for it, else a
/// copy.
Value RowLowering::takeBuffer(Value tile, Operation *op, StringRef name,
                              ArrayRef<Value> inUse) {
  if (isLastUse(tile, op) && !llvm::is_contained(inUse, buffers[tile]))
    return buffers[tile];
  Value copy = createBuffer(cast<TileType>(tile.getType()), name);
  copyBuffer(buffers[tile], copy);
  return copy;
}

void RowLowering::copyBuffer(Value from, Value to) {
  int64_t size = cast<MemRefType>(from.getType()).getDimSize(0);
  auto copy = [&](Value k) { store(load(from, k), to, k); };
  if (size == 1)
    return copy(index(0));
  loop("c", index(0), index(size), index(1), copy);
}

/// Visits the elements of one thread.
void RowLowering::forEachElement(TileType type,
                                 function_ref<void(const Element &)> body) {
  RowLayout layout = placement.getRowLayout(type.getRows());
  auto [row, lane] = getThreadRow(layout);
  int64_t cols = type.getRank() == 2 ? layout.getColumns(type.getCols()) : 1;

  auto visit = [&, row = row, lane = lane](Value pass, Value k) {
    Element e;
    e.pass = pass;
    e.position = fold<arith::AddIOp>(fold<arith::MulIOp>(pass, index(cols)), k);
    e.row = fold<arith::AddIOp>(
        fold<arith::MulIOp>(pass, index(layout.rowsAtOnce)), row);
    if (layout.hasExcessRows(type.getRows()))
      e.inside = less(e.row, index(type.getRows()));
    if (type.getRank() == 2) {
      e.col = fold<arith::AddIOp>(fold<arith::MulIOp>(k, index(layout.lanes)),
                                  lane);
      if (type.getCols() % layout.lanes)
        e.inside = both(e.inside, less(e.col, index(type.getCols())));
    }
    body(e);
  };
  auto visitColumns = [&](Value pass) {
    if (cols == 1)
      return visit(pass, index(0));
    loop("c", index(0), index(cols), index(1),
         [&](Value k) { visit(pass, k); });
  };
  if (layout.passes == 1)
    return visitColumns(index(0));
  loop("pass", index(0), index(layout.passes), index(1), visitColumns);
}

/// Position of `element` in a tile of the same rows, of rank 1 or 2.
Value RowLowering::positionOf(TileType type, const Element &element) {
  return type.getRank() == 2 ? element.position : element.pass;
}

void RowLowering::define(Value tile, Value buffer) {
  buffers[tile] = buffer;
  auto type = cast<TileType>(tile.getType());
  if (!placement.getBuffer(tile))
    return;
  // Threads exchange what they hold.
  Value shared = workgroupBuffers[*placement.getBuffer(tile)];
  gpu::BarrierOp::create(b);
  forEachElement(type, [&](const Element &e) {
    guarded(e.inside, [&] {
      Value rowStart = fold<arith::MulIOp>(e.row, index(type.getCols()));
      store(load(buffer, e.position), shared,
            fold<arith::AddIOp>(rowStart, e.col));
    });
  });
  gpu::BarrierOp::create(b);
}

/// Fills the workgroup buffer of a tile from memory, consecutive threads
/// reading consecutive elements.
void RowLowering::stage(Value tile,
                        function_ref<Value(Value row, Value col)> read) {
  std::optional<unsigned> buffer = placement.getBuffer(tile);
  if (!buffer)
    return;
  auto type = cast<TileType>(tile.getType());
  Value cols = index(type.getCols());
  gpu::BarrierOp::create(b);
  loop("e", thread, index(type.getRows() * type.getCols()),
       index(placement.getNumThreads()), [&](Value e) {
         b.setLoc(named("row"));
         Value row = fold<arith::DivUIOp>(e, cols);
         b.setLoc(named("col"));
         Value col = fold<arith::RemUIOp>(e, cols);
         store(read(row, col), workgroupBuffers[*buffer], e);
       });
  gpu::BarrierOp::create(b);
}
