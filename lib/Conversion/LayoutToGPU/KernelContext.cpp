//===- KernelContext.cpp - What lowerings of ops share --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Memory as flat views, workgroup buffers by live ranges, and index arithmetic
// from layouts.
//
//===----------------------------------------------------------------------===//

#include "KernelContext.h"
#include "../KernelNames.h"
#include "../Pieces.h"
#include "../Staging.h"
#include "Patterns.h"

#include "attn/Dialect/Tile/AttributeNames.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace attn;
using namespace attn::tile;

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

static bool movesPieces(Operation *access) {
  if (isa<AlignedOp>(access))
    return true;
  auto moves = [](int64_t elements, TileType type) {
    return elements && (isa_and_nonnull<PiecesAttr>(type.getLayout()) ||
                        holdsPieces(type, elements));
  };
  if (auto load = dyn_cast<LoadOp>(access))
    return moves(getPieceElements(load), load.getType());
  auto store = dyn_cast<StoreOp>(access);
  return store && moves(getPieceElements(store), store.getTile().getType());
}

/// Whether a load brings pieces before the tile is needed.
static bool runsAhead(Operation *access) {
  auto load = dyn_cast<LoadOp>(access);
  return load && isa_and_nonnull<PiecesAttr>(load.getType().getLayout());
}

/// Whether what is bound, the first element and all steps from row to row are
/// multiples of 16 bytes.
static Value isAligned(ImplicitLocOpBuilder &b, memref::ReinterpretCastOp op,
                       const MemoryView &view, OpFoldResult offset) {
  int64_t elements = kPieceBytes / getNumBytes(op.getType().getElementType());
  auto isMultiple = [&](Value number, int64_t of) -> Value {
    Value rest = b.createOrFold<arith::RemUIOp>(number, index(b, of));
    return b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, rest,
                                         index(b, 0));
  };
  Value address =
      memref::ExtractAlignedPointerAsIndexOp::create(b, op.getSource());
  auto base = dyn_cast<NameLoc>(op.getSource().getLoc());
  Named named(b, (base ? base.getName().str() + "_" : "") + "aligned");
  Value aligned = isMultiple(address, kPieceBytes);
  if (auto number = dyn_cast<Value>(offset))
    aligned = both(b, aligned, isMultiple(number, elements));
  for (Value stride : ArrayRef(view.strides).drop_back())
    aligned = both(b, aligned, isMultiple(stride, elements));
  return aligned;
}

/// Rounds where rows begin down to multiples of 16 bytes: what is bound begins
/// at such.
static void addPieces(ImplicitLocOpBuilder &b, memref::ReinterpretCastOp op,
                      MemoryView &view, OpFoldResult offset) {
  int64_t bytes = getNumBytes(op.getType().getElementType());
  Value elements = index(b, kPieceBytes / bytes);
  auto getRest = [&](Value number) {
    return b.createOrFold<arith::RemUIOp>(number, elements);
  };
  for (Value stride : ArrayRef(view.strides).drop_back())
    view.pieceStrides.push_back(
        b.createOrFold<arith::SubIOp>(stride, getRest(stride)));
  view.pieceStrides.push_back(view.strides.back());
  Value address =
      memref::ExtractAlignedPointerAsIndexOp::create(b, op.getSource());
  // Of an address the low bits alone are asked for: 32 of them suffice.
  Value low = b.createOrFold<arith::RemUIOp>(address, index(b, kPieceBytes));
  Value first = b.createOrFold<arith::DivUIOp>(low, index(b, bytes));
  Value begin = getValueOrCreateConstantIndexOp(b, b.getLoc(), offset);
  Value rest = getRest(b.createOrFold<arith::AddIOp>(first, begin));
  auto type = MemRefType::get(
      {ShapedType::kDynamic}, op.getType().getElementType(),
      StridedLayoutAttr::get(b.getContext(), ShapedType::kDynamic, {1}));
  auto flat = view.flat.getDefiningOp<memref::ReinterpretCastOp>();
  view.flatPieces = memref::ReinterpretCastOp::create(
      b, type, op.getSource(),
      OpFoldResult(b.createOrFold<arith::SubIOp>(begin, rest)),
      flat.getMixedSizes(), flat.getMixedStrides());
}

LogicalResult KernelContext::addViews() {
  SmallVector<memref::ReinterpretCastOp> casts;
  kernel.walk([&](memref::ReinterpretCastOp op) { casts.push_back(op); });
  for (memref::ReinterpretCastOp op : casts) {
    ImplicitLocOpBuilder b(op.getLoc(), op);
    FailureOr<FlatView> flat = makeFlatView(b, op, op.getSource(), itself);
    if (failed(flat))
      return failure();
    MemoryView view;
    static_cast<FlatView &>(view) = *flat;
    OpFoldResult offset = flat->flat.getDefiningOp<memref::ReinterpretCastOp>()
                              .getMixedOffsets()
                              .front();
    if (llvm::any_of(op->getUsers(), movesPieces))
      view.aligned = isAligned(b, op, view, offset);
    if (llvm::any_of(op->getUsers(), runsAhead))
      addPieces(b, op, view, offset);
    view.isWritten = isStoredTo(op);
    views[op.getResult()] = view;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Workgroup buffers
//===----------------------------------------------------------------------===//

/// The layout of accumulators, if the kernel computes on fragments.
static FragmentAttr findFragments(gpu::GPUFuncOp kernel) {
  FragmentAttr found;
  kernel->walk([&](Operation *op) {
    for (Type type : op->getResultTypes())
      if (auto tile = dyn_cast<TileType>(type))
        if (auto layout = dyn_cast_or_null<FragmentAttr>(tile.getLayout());
            layout && layout.getUse() == FragmentUse::Accumulator)
          found = layout;
    return found ? WalkResult::interrupt() : WalkResult::advance();
  });
  return found;
}

Value KernelContext::addWorkgroupMemory(int64_t numElements, Type type,
                                        StringRef name) {
  numElements = getBufferElements(numElements, type, opaqueMatrices);
  auto space = gpu::AddressSpaceAttr::get(kernel.getContext(),
                                          gpu::AddressSpace::Workgroup);
  Value memory = kernel.addWorkgroupAttribution(
      MemRefType::get({numElements}, type, MemRefLayoutAttrInterface(), space),
      kernel.getLoc());
  kernel.setWorkgroupAttributionAttr(
      kernel.getNumWorkgroupAttributions() - 1, kBufferNameAttr,
      StringAttr::get(kernel.getContext(), name));
  return memory;
}

int64_t KernelContext::countBytes(TargetAttr target) {
  int64_t bytes = 0;
  for (BlockArgument memory : kernel.getWorkgroupAttributions()) {
    auto type = cast<MemRefType>(memory.getType());
    bytes +=
        type.getNumElements() * getStoredBytes(type.getElementType(), target);
  }
  return bytes;
}

//===----------------------------------------------------------------------===//
// Exchanges between lanes
//===----------------------------------------------------------------------===//

void KernelContext::addCombineMemory(int64_t mostBytes, TargetAttr target) {
  int64_t largest = 0, sum = 0;
  bool once = true;
  kernel->walk([&](CombineOp op) {
    std::optional<LinearLayout> layout =
        op.getInput().getType().getLinearLayout();
    int64_t registers = layout ? layout->getNumRegisters() : 0;
    combinePlaces[op] = sum * getNumThreads();
    largest = std::max(largest, registers);
    sum += registers;
    once &= op->getParentOp() == kernel.getOperation();
  });
  if (!largest)
    return;
  int64_t others =
      countBytes(target) + StagedBuffers(kernel, target).getNumBytes(target);
  combinesApart =
      once && getCombineBytes(sum, getNumThreads()) + others <= mostBytes;
  if (!combinesApart)
    combinePlaces.clear();
  int64_t registers = combinesApart ? sum : largest;
  combineMemory =
      addWorkgroupMemory(registers * getNumThreads(),
                         Float32Type::get(kernel.getContext()), "combined");
}

void KernelContext::addExchangeMemory() {
  exchanged =
      addWorkgroupMemory(kExchangedAtOnce * getNumThreads(),
                         Float32Type::get(kernel.getContext()), "exchanged");
}

/// A few at a time, between barriers: all threads of a workgroup exchange
/// together.
SmallVector<SmallVector<Value>>
KernelContext::readThreads(ImplicitLocOpBuilder &b, ValueRange values,
                           ValueRange threads) const {
  SmallVector<SmallVector<Value>> results(threads.size());
  for (size_t begin = 0; begin < values.size(); begin += kExchangedAtOnce) {
    ValueRange some = values.slice(
        begin, std::min<size_t>(kExchangedAtOnce, values.size() - begin));
    auto getPlace = [&](Value of, size_t k) {
      return b.createOrFold<arith::AddIOp>(of, index(b, k * getNumThreads()));
    };
    for (auto [k, value] : llvm::enumerate(some))
      memref::StoreOp::create(b, convertFloat(b, value, b.getF32Type()),
                              exchanged, getPlace(thread, k));
    gpu::BarrierOp::create(b);
    for (auto [other, read] : llvm::zip_equal(threads, results))
      for (auto [k, value] : llvm::enumerate(some))
        read.push_back(convertFloat(
            b, memref::LoadOp::create(b, exchanged, getPlace(other, k)),
            value.getType()));
    gpu::BarrierOp::create(b);
  }
  return results;
}

/// The number of the thread that differs by the bits of `mask`. Not an
/// exclusive or: whoever checks indices knows what a remainder is at most.
static Value flipBits(ImplicitLocOpBuilder &b, Value thread, int64_t mask) {
  for (int64_t bit = 1; bit <= mask; bit *= 2) {
    if (!(mask & bit))
      continue;
    Value pair = index(b, 2 * bit);
    Value first = b.createOrFold<arith::MulIOp>(
        b.createOrFold<arith::DivUIOp>(thread, pair), pair);
    Value within = b.createOrFold<arith::RemUIOp>(
        b.createOrFold<arith::AddIOp>(thread, index(b, bit)), pair);
    thread = b.createOrFold<arith::AddIOp>(first, within);
  }
  return thread;
}

SmallVector<SmallVector<Value>>
KernelContext::gather(ImplicitLocOpBuilder &b, ValueRange values,
                      ArrayRef<int64_t> masks) const {
  SmallVector<Value> threads{thread};
  for (int64_t mask : masks)
    for (Value known : llvm::to_vector(threads))
      threads.push_back(flipBits(b, known, mask));
  SmallVector<SmallVector<Value>> read = readThreads(b, values, threads);
  SmallVector<SmallVector<Value>> ofValues(values.size());
  for (const SmallVector<Value> &ofThread : read)
    for (auto [k, value] : llvm::enumerate(ofThread))
      ofValues[k].push_back(value);
  return ofValues;
}

SmallVector<Value> KernelContext::shuffle(ImplicitLocOpBuilder &b,
                                          ValueRange values, Value offset,
                                          gpu::ShuffleMode mode) const {
  Value width = arith::ConstantIntOp::create(b, numLanes, 32);
  SmallVector<Value> results;
  for (Value value : values)
    results.push_back(gpu::ShuffleOp::create(b, value, offset, width, mode)
                          .getShuffleResult());
  return results;
}

SmallVector<Value> KernelContext::exchange(ImplicitLocOpBuilder &b,
                                           ValueRange values,
                                           int64_t mask) const {
  if (exchanged)
    return readThreads(b, values, flipBits(b, thread, mask)).front();
  return shuffle(b, values, arith::ConstantIntOp::create(b, mask, 32),
                 gpu::ShuffleMode::XOR);
}

SmallVector<Value> KernelContext::exchange(ImplicitLocOpBuilder &b,
                                           ValueRange values,
                                           Value from) const {
  if (exchanged) {
    Value first = b.createOrFold<arith::SubIOp>(thread, lane);
    return readThreads(b, values, b.createOrFold<arith::AddIOp>(first, from))
        .front();
  }
  Value ofMachine = arith::AddIOp::create(b, firstLane, from);
  return shuffle(b, values,
                 arith::IndexCastOp::create(b, b.getI32Type(), ofMachine),
                 gpu::ShuffleMode::IDX);
}

//===----------------------------------------------------------------------===//
// Fragments
//===----------------------------------------------------------------------===//

/// Elements of a strip: a fragment, and a value for each of its rows.
static int64_t getStripSize(FragmentAttr layout) {
  return layout.getFragmentRows() * (layout.getFragmentCols() + 1);
}

KernelContext::Strip KernelContext::getStrip(ImplicitLocOpBuilder &b,
                                             FragmentAttr layout) const {
  int64_t size = layout.getFragmentRows() * layout.getFragmentCols();
  Named named(b, "strip");
  Value fragment =
      b.createOrFold<arith::MulIOp>(subgroup, index(b, getStripSize(layout)));
  return {strips, fragment,
          b.createOrFold<arith::AddIOp>(fragment, index(b, size))};
}

/// Numbers 0, 1, ... in workgroup memory, read with a stride of 0: along rows,
/// every row is the numbers of its columns; along columns, of its rows.
void KernelContext::addFragmentMemory(FragmentAttr layout) {
  Type f32 = Float32Type::get(kernel.getContext());
  int64_t rows = layout.getFragmentRows(), cols = layout.getFragmentCols();
  strips =
      addWorkgroupMemory(numSubgroups * getStripSize(layout), f32, "strips");
  int64_t most = std::max(rows, cols);
  numbers = addWorkgroupMemory(most, f32, "numbers");
  ImplicitLocOpBuilder b(kernel.getLoc(), kernel.getContext());
  b.setInsertionPointAfterValue(subgroup);
  Named named(b, "number");
  auto loop =
      scf::ForOp::create(b, thread, index(b, most), index(b, getNumThreads()));
  b.setInsertionPointToStart(loop.getBody());
  Value number =
      arith::IndexCastOp::create(b, b.getI32Type(), loop.getInductionVar());
  memref::StoreOp::create(b, arith::SIToFPOp::create(b, f32, number), numbers,
                          loop.getInductionVar());
  b.setInsertionPointAfter(loop);
  gpu::BarrierOp::create(b);
}

Value KernelContext::loadNumbers(ImplicitLocOpBuilder &b, FragmentAttr layout,
                                 unsigned dim) const {
  auto type = kernel::MatrixType::get(b.getContext(), layout.getShape(),
                                      b.getF32Type(), FragmentUse::Accumulator);
  Named named(b, dim ? "cols" : "rows");
  return kernel::LoadMatrixOp::create(b, type, numbers, index(b, 0),
                                      /*stride=*/0, /*transposed=*/dim == 0);
}

void KernelContext::addLaneStrips(FragmentAttr layout) {
  stripColumns = getStripColumns(kernel);
  int64_t rows = numSubgroups * layout.getFragmentRows();
  int64_t floats = rows * (stripColumns + kStripGap);
  auto type =
      VectorType::get({kVectorElements}, Float32Type::get(kernel.getContext()));
  strips = addWorkgroupMemory(floats / kVectorElements, type, "strips");
}

KernelContext::LaneStrip
KernelContext::getLaneStrip(ImplicitLocOpBuilder &b) const {
  int64_t size =
      cast<MemRefType>(strips.getType()).getNumElements() / numSubgroups;
  Named named(b, "strip");
  return {strips, b.createOrFold<arith::MulIOp>(subgroup, index(b, size)),
          (stripColumns + kStripGap) / kVectorElements, stripColumns};
}

Value KernelContext::vote(ImplicitLocOpBuilder &b, Value flag) const {
  Value zero = index(b, 0);
  auto write = [&](Value condition, int64_t value) {
    guarded(b, condition, [&] {
      memref::StoreOp::create(b, arith::ConstantIntOp::create(b, value, 32),
                              votes, zero);
    });
  };
  write(arith::CmpIOp::create(b, arith::CmpIPredicate::eq, thread, zero), 0);
  gpu::BarrierOp::create(b);
  write(flag, 1);
  Named named(b, "vote");
  Value any = kernel::UniformLoadOp::create(b, votes, zero);
  return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, any,
                               arith::ConstantIntOp::create(b, 0, 32));
}

/// Elements of a strip in which accumulators become factors.
static int64_t getFactorStripSize(FragmentAttr from, FragmentAttr to) {
  return to.getFragmentRows() *
         std::max(from.getFragmentCols(), to.getFragmentCols());
}

void KernelContext::addFactorStrips() {
  llvm::MapVector<Type, int64_t> sizes;
  kernel.walk([&](RelayoutOp op) {
    TileType from = op.getInput().getType(), to = op.getType();
    auto in = dyn_cast<FragmentAttr>(from.getLayout());
    auto out = dyn_cast<FragmentAttr>(to.getLayout());
    if (!in || !out ||
        areElementsAlike(attn::getMatrixType(from), attn::getMatrixType(to)))
      return;
    int64_t &size = sizes[to.getElementType()];
    size = std::max(size, getFactorStripSize(in, out));
  });
  for (auto [type, size] : sizes)
    factorStrips[type] =
        addWorkgroupMemory(numSubgroups * size, type, "factors");
}

KernelContext::FactorStrip
KernelContext::getFactorStrip(ImplicitLocOpBuilder &b, TileType factor) const {
  Value memory = factorStrips.lookup(factor.getElementType());
  int64_t size =
      cast<MemRefType>(memory.getType()).getNumElements() / numSubgroups;
  return {memory, b.createOrFold<arith::MulIOp>(subgroup, index(b, size))};
}

kernel::MatrixType attn::getMatrixType(TileType tile) {
  auto layout = cast<FragmentAttr>(tile.getLayout());
  return kernel::MatrixType::get(tile.getContext(), layout.getShape(),
                                 tile.getElementType(), layout.getUse());
}

/// Whether `op` fills a buffer in workgroup memory from elsewhere.
static bool fillsBuffer(Operation *op) {
  if (!isa<LoadOp, RelayoutOp>(op) || op->hasAttr(tile::kInMemoryAttrName))
    return false;
  auto type = cast<TileType>(op->getResult(0).getType());
  if (!isa<SharedAttr>(type.getLayout()))
    return false;
  auto relayout = dyn_cast<RelayoutOp>(op);
  return !relayout || relayout.getInput().getType().getLinearLayout();
}

/// What needs neither workgroup memory nor other threads.
static bool isElementwiseInRegisters(Operation *op) {
  auto isInRegisters = [](Type type) {
    auto tile = dyn_cast<TileType>(type);
    return !tile || tile.getLinearLayout();
  };
  return isa<MapOp, ConvertOp>(op) && isMemoryEffectFree(op) &&
         llvm::all_of(op->getOperandTypes(), isInRegisters) &&
         llvm::all_of(op->getResultTypes(), isInRegisters);
}

void KernelContext::joinStages() {
  kernel.walk([&](Block *block) {
    Operation *previous = nullptr;
    for (Operation &op : *block) {
      if (fillsBuffer(&op)) {
        if (previous) {
          joinedAfter.insert(previous);
          joinedBefore.insert(&op);
        }
        previous = &op;
      } else if (!isElementwiseInRegisters(&op) &&
                 (op.getNumRegions() || !isMemoryEffectFree(&op) ||
                  llvm::any_of(op.getOperandTypes(),
                               llvm::IsaPred<TileType>))) {
        previous = nullptr;
      }
    }
  });
}

LogicalResult KernelContext::addBuffers(int64_t mostBytes, TargetAttr target) {
  StagedBuffers staged(kernel, target);
  for (const auto &[type, buffer] : staged.getBuffers()) {
    Value memory = addWorkgroupMemory(buffer.numElements, type, "tiles");
    for (auto [op, first] : buffer.places)
      buffers[op] = {memory, first};
  }
  FragmentAttr layout = findFragments(kernel);
  if (layout && opaqueMatrices) {
    addLaneStrips(layout);
  } else if (layout) {
    addFragmentMemory(layout);
    addFactorStrips();
  }
  kernel.walk([&](AnyAboveOp op) {
    if (!op.getInput().getType().getLinearLayout() || votes)
      return;
    votes = addWorkgroupMemory(
        /*numElements=*/1, IntegerType::get(kernel.getContext(), 32), "votes");
  });
  // What subgroups have combined is read by then.
  told = combineMemory;
  kernel.walk([&](ArriveOp) {
    if (told)
      return;
    told = addWorkgroupMemory(/*numElements=*/1,
                              Float32Type::get(kernel.getContext()), "told");
  });
  int64_t bytes = countBytes(target);
  if (bytes <= mostBytes)
    return success();
  Operation *largest = staged.getLargest();
  return refuseMemory(kernel, bytes, /*forWhat=*/"", mostBytes,
                      largest ? largest->getResult(0) : Value());
}

//===----------------------------------------------------------------------===//
// Positions
//===----------------------------------------------------------------------===//

/// What the bits of `number` add to a row (dim 0) or column (dim 1). Bits that
/// double are taken together.
static Value addBits(ImplicitLocOpBuilder &b, Value sum, Value number,
                     const Bases &bases, unsigned dim, int64_t &taken) {
  for (size_t k = 0; k < bases.size();) {
    int64_t first = bases[k][dim];
    size_t run = 1;
    bool isPower = llvm::isPowerOf2_64(first);
    while (isPower && k + run < bases.size() &&
           bases[k + run][dim] == first << run)
      ++run;
    if (first) {
      int64_t reach = isPower ? ((int64_t(1) << run) - 1) * first : first;
      Value bits = b.createOrFold<arith::ShRUIOp>(number, index(b, k));
      // Not a mask: whoever checks indices knows what a remainder is at most.
      bits = b.createOrFold<arith::RemUIOp>(bits, index(b, int64_t(1) << run));
      Value part = b.createOrFold<arith::MulIOp>(bits, index(b, first));
      if (!sum)
        sum = part;
      else if (taken & reach)
        sum = b.createOrFold<arith::XOrIOp>(sum, part);
      else
        sum = b.createOrFold<arith::AddIOp>(sum, part);
      taken |= reach;
    }
    k += run;
  }
  return sum;
}

ElementPosition KernelContext::getThreadPosition(ImplicitLocOpBuilder &b,
                                                 const LinearLayout &layout,
                                                 Value ofLane) const {
  auto getDim = [&](unsigned dim) {
    Named named(b, dim ? "col" : "row");
    int64_t taken = 0;
    Value sum = addBits(b, Value(), ofLane ? ofLane : lane, layout.getLanes(),
                        dim, taken);
    sum = addBits(b, sum, subgroup, layout.getSubgroups(), dim, taken);
    return sum ? sum : index(b, 0);
  };
  return {getDim(0), getDim(1), Value()};
}

/// The bits of rows (dim 0) or columns that lanes and subgroups decide.
static int64_t getReach(const LinearLayout &layout, unsigned dim) {
  int64_t reach = 0;
  for (const Bases &bases : {layout.getLanes(), layout.getSubgroups()})
    for (const Basis &basis : bases)
      reach |= basis[dim];
  return reach;
}

ElementPosition KernelContext::getPosition(ImplicitLocOpBuilder &b,
                                           const LinearLayout &layout,
                                           int64_t reg, Value ofLane) const {
  ElementPosition position = getThreadPosition(b, layout, ofLane);
  auto [inBlock, block] = layout.getRegisterPosition(reg);
  auto place = [&](Value &number, unsigned dim, int64_t inBlock,
                   int64_t blockAt, int64_t blockSize, int64_t size) {
    Named named(b, dim ? "col" : "row");
    // Bits that no thread has are added.
    bool isAdded = !(inBlock & getReach(layout, dim));
    if (!isAdded)
      number = b.createOrFold<arith::XOrIOp>(number, index(b, inBlock));
    if (int64_t sum = blockAt + (isAdded ? inBlock : 0))
      number = b.createOrFold<arith::AddIOp>(number, index(b, sum));
    if (blockAt + blockSize > size)
      position.inside =
          both(b, position.inside, isLess(b, number, index(b, size)));
  };
  place(position.row, 0, inBlock.row, block.row, layout.getBlockRows(),
        layout.getRows());
  place(position.col, 1, inBlock.col, block.col, layout.getBlockCols(),
        layout.getCols());
  return position;
}

Value KernelContext::isFirstReplica(ImplicitLocOpBuilder &b,
                                    const LinearLayout &layout) const {
  // The highest bit of a mask is in no other mask.
  int64_t laneBits = 0, subgroupBits = 0;
  for (ThreadMask mask : layout.getReplicas())
    (mask.subgroup ? subgroupBits : laneBits) |=
        llvm::bit_floor<uint64_t>(mask.subgroup ? mask.subgroup : mask.lane);
  Value first;
  for (auto [number, bits] :
       {std::pair(lane, laneBits), std::pair(subgroup, subgroupBits)}) {
    if (!bits)
      continue;
    Value masked = b.createOrFold<arith::AndIOp>(number, index(b, bits));
    first = both(b, first,
                 arith::CmpIOp::create(b, arith::CmpIPredicate::eq, masked,
                                       index(b, 0)));
  }
  return first;
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

void KernelContext::nameTiles() {
  forEachTile(kernel, [&](Value tile) { names[tile] = nameTile(tile); });
  // What a tile of a loop becomes has the place of the tile.
  for (const auto &[tile, name] : names)
    if (auto argument = dyn_cast<BlockArgument>(tile))
      argument.setLoc(
          NameLoc::get(StringAttr::get(getContext(), name), argument.getLoc()));
  kernel.walk([&](scf::ForOp loop) {
    if (llvm::any_of(loop.getResultTypes(), llvm::IsaPred<TileType>))
      loop->setLoc(
          NameLoc::get(StringAttr::get(getContext(), "step"), loop.getLoc()));
  });
}

/// The number of an element, or row and column of a fragment.
static std::string spellNumber(TileType tile, size_t number) {
  auto layout = dyn_cast_or_null<FragmentAttr>(tile.getLayout());
  if (!layout || tile.getRank() == 1)
    return "_" + std::to_string(number);
  int64_t cols =
      layout.getFragmentsOfSubgroup(tile.getRows(), tile.getCols())[1];
  return "_" + std::to_string(number / cols) + "_" +
         std::to_string(number % cols);
}

/// Names what defines `value`, where it has no name: in a loop what it is
/// there, and what branches yield.
static void nameValue(Value value, StringAttr name) {
  auto result = dyn_cast<OpResult>(value);
  if (!result || isa<NameLoc>(result.getOwner()->getLoc()) ||
      matchPattern(value, m_Constant()))
    return;
  Operation *op = result.getOwner();
  auto rename = [&](Location loc) { return NameLoc::get(name, loc); };
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    BlockArgument carried = loop.getTiedLoopRegionIterArg(result);
    return carried.setLoc(rename(carried.getLoc()));
  }
  // A branch that was converted a moment ago still yields tiles.
  if (auto branch = dyn_cast<scf::IfOp>(op))
    for (Region &region : branch->getRegions())
      if (Operation *yield = region.front().getTerminator();
          yield->getNumOperands() == branch.getNumResults())
        nameValue(yield->getOperand(result.getResultNumber()), name);
  if (op->getNumResults() == 1)
    op->setLoc(rename(op->getLoc()));
}

void KernelContext::nameValues(Value tile, ValueRange values) const {
  auto it = names.find(tile);
  if (it == names.end())
    return;
  bool areAlike = llvm::all_equal(values);
  for (auto [number, value] : llvm::enumerate(values)) {
    std::string suffix =
        areAlike ? "" : spellNumber(cast<TileType>(tile.getType()), number);
    nameValue(value, StringAttr::get(getContext(), it->second + suffix));
  }
}

/// Numbers what registers add to a row (or column) in order of appearance.
static RegisterRows numberRegisters(const LinearLayout &layout,
                                    int64_t TilePosition::*dim) {
  RegisterRows rows;
  SmallVector<std::pair<int64_t, int64_t>> known;
  for (int64_t reg = 0; reg < layout.getNumRegisters(); ++reg) {
    auto [inBlock, block] = layout.getRegisterPosition(reg);
    std::pair<int64_t, int64_t> key(inBlock.*dim, block.*dim);
    auto *it = llvm::find(known, key);
    rows.rowOf.push_back(it - known.begin());
    if (it == known.end())
      known.push_back(key);
  }
  rows.count = known.size();
  return rows;
}

RegisterRows KernelContext::getRows(const LinearLayout &layout) {
  return numberRegisters(layout, &TilePosition::row);
}

RegisterRows KernelContext::getCols(const LinearLayout &layout) {
  return numberRegisters(layout, &TilePosition::col);
}

Value KernelContext::getSharedOffset(ImplicitLocOpBuilder &b, Value tile,
                                     TileType type, Value row,
                                     Value col) const {
  auto shared = cast<SharedAttr>(type.getLayout());
  Named named(b, "place");
  if (shared.getColumnMajor())
    std::swap(row, col);
  if (DenseI64ArrayAttr swizzle = shared.getSwizzle()) {
    Value phase = b.createOrFold<arith::RemUIOp>(row, index(b, swizzle[1]));
    col = b.createOrFold<arith::XOrIOp>(
        col, b.createOrFold<arith::MulIOp>(phase, index(b, swizzle[0])));
  }
  if (int64_t folds = shared.getFolds(); folds > 1) {
    Value width = index(b, type.getCols() / folds);
    col = b.createOrFold<arith::AddIOp>(
        b.createOrFold<arith::MulIOp>(
            b.createOrFold<arith::RemUIOp>(col, width), index(b, folds)),
        b.createOrFold<arith::DivUIOp>(col, width));
  }
  Value pitch = index(b, shared.getPitch(type.getRows(), type.getCols()));
  Value offset = b.createOrFold<arith::AddIOp>(
      b.createOrFold<arith::MulIOp>(row, pitch), col);
  int64_t first = buffers.lookup(tile.getDefiningOp()).first;
  return b.createOrFold<arith::AddIOp>(offset, index(b, first));
}

bool KernelContext::isInVectors(Value tile) const {
  Value memory = getBuffer(tile);
  return memory &&
         isa<VectorType>(cast<MemRefType>(memory.getType()).getElementType());
}

Value KernelContext::getVectorOffset(ImplicitLocOpBuilder &b, Value tile,
                                     Value row, Value number) const {
  auto type = cast<TileType>(tile.getType());
  auto shared = cast<SharedAttr>(type.getLayout());
  int64_t pitch = shared.getPitch(type.getRows(), type.getCols());
  Value offset = b.createOrFold<arith::AddIOp>(
      b.createOrFold<arith::MulIOp>(row, index(b, pitch / kVectorElements)),
      number);
  int64_t first = buffers.lookup(tile.getDefiningOp()).first;
  return b.createOrFold<arith::AddIOp>(offset, index(b, first));
}
