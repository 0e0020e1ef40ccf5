//===- KernelLowering.h - One kernel on vectors -----------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The lowering of one tile kernel: where its tiles live, and the loops that
// move, multiply and map them. `Buffers`, `Memory`, `Products`, `RowProducts`,
// `Pairs`, `TileRegisters`, `PendingProducts`, `Weights`, `TriedWeights`,
// `Strips`, `PackedReuse`, `KeyEnds`, `Elementwise` and `Epilogues` hold its
// parts.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_TILETOCPU_KERNELLOWERING_H
#define LIB_CONVERSION_TILETOCPU_KERNELLOWERING_H

#include "RegionVectorizer.h"
#include "RegisterLimits.h"

#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/SetVector.h"

namespace attn::cpu {

using namespace mlir;
using namespace attn::tile;

/// The register block of a matrix product: broadcast columns times vectors of
/// rows are accumulated at once.
struct RegisterBlock {
  unsigned lanes;        ///< f32 lanes of a vector
  unsigned accumulators; ///< registers for sums
  unsigned vectors;      ///< most vectors of rows
  int64_t packedBytes;   ///< most bytes of packed keys and values
  int64_t l1Bytes;       ///< of a core's L1
  bool bf16Pairs;     ///< products of bf16 take two columns at a time, as pairs
  bool tileRegisters; ///< those of many rows are computed in tile registers
  bool permutesBytes; ///< an instruction looks up bytes (vpermb)

  /// Columns of a block with so many vectors of rows.
  unsigned getCols(unsigned numVectors) const {
    return accumulators / numVectors;
  }
};

/// What lies on the lanes of vectors: rows, where tiles have several vectors of
/// them, else columns. Statistics of rows always lie on lanes.
enum class LaneDim { Rows, Columns };

/// With columns on the lanes, the rows that are computed together: they share
/// each vector of the right operand of a product.
constexpr int64_t kRowsTogether = 4;

/// Vectors of f32 consist of pieces of so many elements on all processors.
constexpr int64_t kPiece = 4;

/// Where a tile value lives.
struct Place {
  enum Kind {
    Lanes, ///< an f32 buffer of whole vectors: [cols][rows] with rows on lanes,
           ///< [rows][cols] with columns; [rows] for rank 1
    Pairs, ///< a bf16 buffer with rows on lanes, columns in pairs:
           ///< [col / 2][2 * row + col % 2]
    Factor, ///< a bf16 buffer of the left operand of products in tile
            ///< registers: [row][col], columns filled up with zeros
    Packed, ///< a bf16 buffer of their right operand:
            ///< [col / 16][sum / 2][2 * (col % 16) + sum % 2]
    Splat,  ///< one scalar
    Memory, ///< in place in memory, or a copy of it, [row][col]
  } kind = Lanes;
  Value buffer;               ///< all but Splat
  Value scalar;               ///< Splat
  SmallVector<Value> leading; ///< Memory: leading subscripts
  Value row, col;             ///< Memory: subscript of element (0, 0)
  Value validRows; ///< Memory, Packed: rows that may be read, or null
  /// Memory, in place in pages: the page of a row, and the row in it.
  Value pages, pageRows;
};

/// Rows of a product that are computed together.
struct RowBlock {
  Value start;
  unsigned rows;
};

/// A run of elementwise ops over one domain, emitted as one loop nest.
struct Group {
  int64_t rows = 0, cols = 0;
  llvm::SetVector<Operation *> ops;
};

/// What a group leaves behind.
struct GroupOutputs {
  /// Results that something outside of the group reads, and their buffers.
  SmallVector<std::pair<Value, Value>> stored;
  /// The same of those that are read as pairs, or by tile registers.
  SmallVector<std::pair<Value, Value>> pairs, factors;
  SmallVector<ReduceOp> reduces;
  SmallVector<Value> reduced; ///< the buffers of `reduces`
  /// Those of weights of 16 bits, which NaN has to be added to.
  SmallVector<ReduceOp> fixedSums;
};

/// Lowers one kernel function.
class KernelLowering {
public:
  KernelLowering(func::FuncOp kernel, RegisterBlock block)
      : kernel(kernel), regs(block), b(kernel.getLoc(), kernel.getContext()) {}

  LogicalResult run();

  /// What was done, for statistics.
  unsigned inPlace = 0, copied = 0, groups = 0;

private:
  LogicalResult chooseLanes();
  void findLiveRows();
  void findPrologues();
  /// The product to which `map` belongs, if all that it does is to prepare the
  /// accumulator, elementwise (the rescale of O). It is then applied where the
  /// accumulator is loaded.
  DotOp getProductOfPrologue(MapOp map) { return prologues.lookup(map); }
  void remarkOnStrides();

  // Structure.
  LogicalResult lowerBlock(Block &block, ArrayRef<Value> destinations);
  LogicalResult lowerOp(Operation *op);
  LogicalResult lowerFor(scf::ForOp loop);
  void dropTiles(scf::ForOp loop, ArrayRef<Value> inits);
  LogicalResult lowerIf(scf::IfOp branch, ArrayRef<Value> destinations);
  LogicalResult finishBlock(Block &block, ArrayRef<Value> destinations);

  // Memory.
  LogicalResult lowerLoad(LoadOp load);
  LogicalResult lowerStore(StoreOp store);
  void loadOnLanes(LoadOp load, TileType type);
  void loadTransposed(LoadOp load, TileType type, Value buffer, Value rows);
  void copyRows(LoadOp load, TileType type);
  void copyRowsTo(Value buffer, LoadOp load, TileType type, Value rows,
                  Value first = Value());
  void findPages(LoadOp load, TileType type);
  void loadPairs(LoadOp load, TileType type);
  void copyRowPairs(LoadOp load, TileType type);
  Value convertToStore(StoreOp store, Value value);
  void storeTransposed(StoreOp store, Value buffer, Value rows, Value cols);
  void storeRows(StoreOp store, Value buffer, Value rows, Value cols,
                 Value first);
  Value newRowBlock(TileType type);
  Value newCopy(TileType type);
  void forEachPiece(int64_t cols, function_ref<void(Value, int64_t)> body);
  Value joinPieces(function_ref<Value(int64_t)> piece);
  SmallVector<Value> transposePieces(ArrayRef<Value> vectors);
  SmallVector<Value> transpose(ArrayRef<Value> square);
  void copyRowsIfMixed(LoadOp load, TileType type);
  Value rowCounts(LoadOp load, Value row);
  bool canStayInMemory(LoadOp load);
  SmallVector<Value> rowSubscript(LoadOp load, Value row);

  // Pairs of bf16.
  bool isPairOperand(Value left);
  bool isOfPairs(LoadOp right);
  VectorType pairVector() {
    return VectorType::get({2 * static_cast<int64_t>(regs.lanes)},
                           b.getBF16Type());
  }
  Value narrow(Value vector);
  Value interleave(Value even, Value odd);
  Value loadPairVector(Value buffer, Value row, Value pair);
  Value splatPair(DotOp dot, const Place &right, Value column, Value pair);

  // Tile registers.
  struct RowStart {
    Value memory;
    SmallVector<Value> at; ///< subscript of the row's first element
  };
  using RowReader = std::function<RowStart(Value row)>;
  using ReadRow = function_ref<Value(int64_t k, Value col, Type vector)>;
  struct RegisterProduct {
    Value left, right, sums; ///< buffers
    Value depth;             ///< elements of the sum
    /// Of several tiles of a packed block, rows and registers of columns of
    /// each, and the first one.
    int64_t rowsOfTile = 0, colsOfTile = 0;
    Value firstTile;
    Value colTiles;    ///< registers of columns
    bool hasPairsOnly; ///< whether these are even in number
    bool startsAtZero;
  };
  /// What a register holds.
  struct RegisterTypes {
    Type factor, sum;
  };
  RegisterTypes getRegisterTypes();
  bool isFactor(Value tile);
  Value newFactor(TileType type);
  void loadFactor(LoadOp load, TileType type);
  void packFactor(LoadOp load, TileType type);
  Value newPacked(LoadOp load, ArrayRef<int64_t> shape);
  RowReader readRows(LoadOp load, TileType type, Value rows);
  Value readVector(const RowStart &row, Value col, Type type);
  void packTransposed(Value buffer, Value row, int64_t depth, ReadRow readRow,
                      bool isMeasured);
  void packPairs(Value buffer, Value row, int64_t cols, bool isFixed,
                 ReadRow readRow);
  Value sideBySide(Value first, Value second);
  Value roundedUp(Value rows);
  LogicalResult prepareSums(DotOp dot, Value out);
  void emitRegisterBlock(const RegisterProduct &product, Value row,
                         int64_t rowTiles, Value colTile, int64_t colTiles);
  void emitRegisterRows(const RegisterProduct &product, Value row,
                        int64_t rowTiles);
  void emitRegisterProduct(const RegisterProduct &product, int64_t rows);
  void emitScoresInRegisters(DotOp dot, RegisterProduct product, Value keys);
  LogicalResult lowerRegisterProduct(DotOp dot);
  bool findPendingProduct(scf::ForOp loop);
  /// Whether it is the left operand of a product that waits for more of them.
  bool isPending(Value factor) {
    return pending.dot && factor == pending.dot.getA();
  }
  void findPendingSums(scf::ForOp loop, ConvertOp weights);
  void emitPendingSums(Value depth);
  Value numberOfTile();
  Value pendingFactor();
  void emitPendingProduct(Value depth);
  void finishPendingInBranch();
  bool scalesZeros(const GroupOutputs &outputs);
  LogicalResult lowerPendingProduct(DotOp dot);
  VectorType halfVector() {
    return VectorType::get({static_cast<int64_t>(regs.lanes)}, b.getBF16Type());
  }

  // Weights.
  ConvertOp getRoundingOfWeights(MapOp map);
  void findMeasured(MapOp weights);
  Value measure(Value sizes, ArrayRef<Value> vectors);
  void noteSizes(ArrayRef<Value> vectors);
  void noteSizesOf(LoadOp keys);
  void addSizesOfKeys(scf::ForOp packing, Value sizes);
  void noteSizesOfRows(Value buffer);
  Value areScoresFinite(MapOp weights);
  void approximateWeights();
  Value callIntrinsic(StringRef name, Type type, ValueRange operands);
  Value areFactorsBelow(int64_t exponent);
  Value joinExponents(Value first, Value second);
  Value weightsOfExponents(Value exponents);
  Value addJoined(Value sums, Value joined, double times);
  Value poison(Value before, Value weights);
  Value pairOfFixed(Value row);
  /// Whether the op reads weights whose bits are not there yet.
  bool readsFixedWeights(Operation *op) {
    return fixedWeights.contains(op->getOperand(0).getDefiningOp());
  }

  // Weights before maxima have moved.
  MapOp findTriedWeights(AnyAboveOp above);
  Value haveMaxima(Value maxima);
  FailureOr<Value> emitTriedWeights(MapOp weights, Value out);
  LogicalResult tryWeights(AnyAboveOp above, MapOp weights);

  // Strips of rows.
  /// A load of a tile of a block, as it was in the loop over key tiles.
  struct PackedAhead {
    LoadOp load;
    Value first, step; ///< the tiles of the block
    int64_t tiles;     ///< most tiles of a block
  };
  int64_t getTilesOfBlock(ArrayRef<LoadOp> shared);
  Value findScores(scf::ForOp loop);
  /// Where the keys of a strip end, if that is known; and how many a tile has.
  struct KeyEnd {
    Value end;
    int64_t ofTile = 0;
  };
  KeyEnd findKeyEnd(scf::ForOp loop, Value start, int64_t rows);
  Value findEndOfKeys(MapOp mask, Value start, int64_t rows,
                      function_ref<bool(Value)> isUsable);
  void findMasks();
  void joinBranchesOfKeys();
  std::optional<bool> areKeysThere(Operation *mask);
  Value findEndOfRows(DotOp dot, Value start, int64_t rows);
  bool splitIntoStrips(scf::ForOp loop);
  void startWithoutKeys(scf::ForOp loop, ArrayRef<Value> buffers);
  Value isAtFirstTile(scf::ForOp loop);
  Place stripOf(const Place &place, Value start, int64_t rows);

  // One packing for several points.
  std::optional<SmallVector<Value>> findPackedNumbers(scf::ForOp packing);
  LogicalResult lowerPacking(scf::ForOp packing);
  void takeRangeOfPoints(Operation *body);
  LogicalResult lowerStrips(scf::ForOp loop);
  /// Of a tile with so many rows, those that are computed at a time.
  int64_t rowsOf(int64_t rows) { return strip.rows ? strip.rows : rows; }

  // Computation.
  /// What becomes of the sums of a register block, those of its first column
  /// first.
  using FinishBlock = llvm::function_ref<LogicalResult(
      ArrayRef<Value> rows, ArrayRef<Value> columns, ValueRange sums)>;
  LogicalResult lowerDot(DotOp dot, FinishBlock finish = nullptr);
  LogicalResult lowerOuterProducts(DotOp dot, const Place &a,
                                   const Place &right, FinishBlock finish);
  Value rightElement(DotOp dot, const Place &right, Value column, Value k);
  /// A block of sums: vectors of rows times columns.
  struct OuterBlock {
    Value row;
    unsigned vectors;
    Value depth;
    Value col = nullptr;
    unsigned cols = 0;
    /// Where the keys of its first vectors of rows end, if a mask says so.
    SmallVector<Value> ends = {};
  };
  SmallVector<Value>
  emitOuterProducts(DotOp dot, const Place &a, const Place &right,
                    const OuterBlock &block, unsigned firstVector,
                    std::pair<Value, Value> depth, ArrayRef<Value> sums);
  SmallVector<Value> findEndsOfVectors(DotOp dot, const Place &a,
                                       const OuterBlock &block);
  SmallVector<Value> emitScoresUntilEnds(DotOp dot, const Place &a,
                                         const Place &right,
                                         const OuterBlock &block,
                                         unsigned firstVector,
                                         ArrayRef<Value> sums);
  LogicalResult emitBlock(DotOp dot, const Place &a, const Place &right,
                          const OuterBlock &block, FinishBlock finish);
  FailureOr<Value> accumulatorInit(DotOp dot, Value row, Value col);

  // Products with columns on lanes.
  struct Lookahead {
    LoadOp load;
    int64_t rowsAhead;
    bool toL1 = false;
  };
  LogicalResult lowerRowProducts(DotOp dot, const Place &a, const Place &right);
  SmallVector<Value> rightSubscript(const Place &right, Value row);
  Value loadRight(const Place &right, ArrayRef<Value> rowStart, Value col);
  bool partsColumns(const Place &right, int64_t cols);
  std::array<Value, 2> loadParted(const Place &right, ArrayRef<Value> rowStart,
                                  Value col);
  Value partColumns(Value left, const RowBlock &block, int64_t cols);
  std::optional<Lookahead> findLookahead(DotOp dot);
  std::optional<Lookahead> findOtherProduct(DotOp dot);
  std::optional<Lookahead> findNextValues(DotOp dot);
  void prefetch(const std::optional<Lookahead> &next, Value row, Value col,
                std::optional<int64_t> cols = std::nullopt);
  Value combineLanes(ReduceKind kind, ArrayRef<Value> vectors);
  SmallVector<Value> sumProducts(DotOp dot, Value left, ArrayRef<Value> rows,
                                 const Place &right, ArrayRef<Value> keys);
  void emitScores(DotOp dot, Value left, const Place &right, Value out,
                  const RowBlock &block, Value validKeys);
  LogicalResult finishScores(DotOp dot, Value out, Value validKeys);
  LogicalResult emitWeightedRows(DotOp dot, Value left, const Place &right,
                                 Value out, const RowBlock &block,
                                 Value colStart, unsigned vectors);

  // Elementwise.
  LogicalResult lowerRowMap(MapOp map);
  LogicalResult lowerAnyAbove(AnyAboveOp op);
  FailureOr<Value> compareScores(AnyAboveOp op);
  bool joinsGroup(Operation *op);
  bool precedesGroup(Operation *op);
  bool storesGroup(StoreOp store);
  LogicalResult storeGroup(StoreOp store);
  LogicalResult flush(Operation *before);
  GroupOutputs outputsOfGroup();
  Value dyingBuffer(Operation *op, llvm::SmallDenseSet<Value> &taken);
  void storeFactor(const GroupOutputs &outputs, std::pair<Value, Value> output,
                   Value first, Value second, Value row, Value col,
                   SmallVectorImpl<Value> &carried);
  LogicalResult emitGroupColumns(const GroupOutputs &outputs, Value row,
                                 Value first, unsigned together, int64_t unit,
                                 SmallVectorImpl<Value> &carried);
  FailureOr<SmallVector<Value>> emitGroupRow(const GroupOutputs &outputs,
                                             Value row);
  LogicalResult emitGroupRows(const GroupOutputs &outputs, Value row);
  LogicalResult emitGroupOfRows(const GroupOutputs &outputs, Value firstRow,
                                Value end);
  LogicalResult emitGroupByRow(const GroupOutputs &outputs, Value firstRow,
                               Value end);
  FailureOr<Value> reductionInit(ReduceOp reduce, Value row);
  Value reduceLanes(ReduceOp reduce, Value reduced, Value row);
  Value combine(ReduceKind kind, Value element, Value sum);
  LogicalResult
  emitGroupColumn(const GroupOutputs &outputs, Value row, Value col,
                  SmallVectorImpl<Value> &carried,
                  SmallVectorImpl<Value> &paired,
                  DenseMap<Value, Value> values = DenseMap<Value, Value>());
  FailureOr<SmallVector<Value>> emitElement(Operation *op,
                                            DenseMap<Value, Value> &values,
                                            Value row, Value col);
  FailureOr<Value> elementOf(Value tile, Value row, Value col);

  // Products with an elementwise epilogue.
  void sinkProducts();
  bool opensGroup(DotOp dot);
  bool isEpilogueOf(DotOp product);
  bool areOutputsApart(DotOp product, const GroupOutputs &outputs);
  LogicalResult emitEpilogue(DotOp product, GroupOutputs &outputs);

  // Helpers.
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(b, value);
  }
  Value zeroF32() {
    return arith::ConstantOp::create(b, b.getF32FloatAttr(0.0f));
  }
  Value add(Value x, Value y) { return b.createOrFold<arith::AddIOp>(x, y); }
  Value min(Value x, Value y) { return b.createOrFold<arith::MinSIOp>(x, y); }
  Value clampTo(Value x, int64_t bound) {
    return b.createOrFold<arith::MaxSIOp>(min(x, index(bound)), index(0));
  }
  VectorType vectorType(unsigned lanes) {
    return VectorType::get({static_cast<int64_t>(lanes)}, b.getF32Type());
  }
  Value splatVector(Value scalar) {
    return vector::BroadcastOp::create(b, vectorType(regs.lanes), scalar);
  }
  /// 0, 1, .. as i32, and an index in all lanes like it.
  Value laneNumbers();
  Value spreadIndex(Value number);
  Value newBuffer(TileType type);
  /// A stack buffer in the entry block, aligned to a cache line.
  Value allocate(ArrayRef<int64_t> shape, Type element);
  int64_t wholeVectors(int64_t size) { return llvm::alignTo(size, regs.lanes); }
  /// So many rows or columns as fill vectors.
  Value wholeVectorsOf(Value size) {
    return b.createOrFold<arith::SubIOp>(
        size, b.createOrFold<arith::RemUIOp>(size, index(regs.lanes)));
  }
  SmallVector<Value> subscript(Value buffer, Value row, Value col);
  Value loadVector(Value buffer, Value row, Value col);
  void storeVector(Value vector, Value buffer, Value row, Value col);
  void forEachVector(Value buffer, function_ref<void(Value, Value)> body);
  void copyBuffer(Value from, Value to);
  void fillBuffer(Value scalar, Value buffer);
  /// The value of `tile` as a lanes buffer, made if it is a splat.
  FailureOr<Value> lanesBuffer(Value tile);
  Value loadF32(Value memref, ValueRange at);
  /// Whether `value` may be used at the insertion point.
  bool isAvailable(Value value);
  /// The end of the rows of so many that are computed.
  Value endOfRows(int64_t rows);
  void forRange(Value begin, Value end, int64_t step,
                function_ref<void(Value)> body);
  /// The same with a body that may fail.
  LogicalResult tryForRange(Value begin, Value end, int64_t step,
                            function_ref<LogicalResult(Value)> body);
  /// The buffer that `result` is wanted in, if writing it there at `op` is
  /// safe; else a new one.
  Value outputBuffer(Value result, Operation *op);
  bool isDeadAfter(Value tile, Operation *op);
  Value branchBuffer(scf::IfOp branch, OpResult result, ArrayRef<Value> taken);

  func::FuncOp kernel;
  RegisterBlock regs;
  LaneDim lanes = LaneDim::Rows;
  /// Whether products are computed in tile registers.
  bool usesTileRegisters = false;
  /// Maps that take exponentials of scores less a statistic of their rows;
  /// those whose weights are numbers of 16 bits, and what they are rounded to.
  llvm::SmallPtrSet<Operation *, 4> exponentials, fixedWeights;
  /// Conversions to 16 bits for products that take f32.
  llvm::SmallPtrSet<Operation *, 4> unrounded;
  llvm::SmallDenseSet<Value> fixedFactors;
  /// Of these weights, those whose scores are sums of products and nothing
  /// else, and what loads the factors, the bits of whose largest ones, by
  /// lanes, are noted.
  llvm::SmallPtrSet<Operation *, 4> measuredWeights, measuredLoads;
  Value sizesOfFactors;
  /// The same of each key tile of a block; and where they are noted.
  Value sizesOfKeys;
  struct {
    Value buffer;
    SmallVector<Value> at;
  } noted;
  /// A register of pairs of which each counts for its lane.
  Value onesOfPairs;
  /// Loops over strips, and the strip that is being lowered.
  llvm::SmallPtrSet<Operation *, 4> stripLoops;
  /// Of buffers that a loop over blocks carries, and views of their strips, the
  /// number that they hold before the first key tile.
  DenseMap<Value, Value> startsOfStrips;
  /// Loops that pack a block, and whether any runs for several points at once.
  llvm::SmallPtrSet<Operation *, 4> packingLoops;
  bool packsOnce = false;
  /// Loops of a strip over the key tiles of a block.
  llvm::SmallPtrSet<Operation *, 4> keyLoops;
  DenseMap<Operation *, KeyEnd> keyEnds;
  /// The loads that pack a block, and those that find their tile in it; and the
  /// packed block of each of the latter.
  DenseMap<Operation *, PackedAhead> packedAhead;
  DenseMap<Operation *, Value> packedBlocks;
  struct {
    Value start;
    int64_t rows = 0;
  } strip;
  /// Of the loop over key tiles that is being lowered, the product that is
  /// computed for several of them at once.
  struct {
    DotOp dot;
    scf::ForOp loop;
    /// Weights that wait, of so many tiles at most.
    Value factors;
    int64_t tiles = 0;
    /// Where its sums are scaled.
    MapOp scaling;
    scf::IfOp branch;
    /// Its sums.
    Value buffer;
    /// Sums of the weights that wait, which a product with ones makes, too, and
    /// where they are; whether no score is NaN or infinite, if that is known.
    ReduceOp sums;
    Value sumsBuffer, areFinite;
    /// Whether finite scores have no weights yet, where these are tried before
    /// the branch.
    Value needsWeights;
    /// What the branch does first that waiting products come before.
    Operation *finishBefore = nullptr;
    /// At this point, the first tile of which weights are waiting.
    Value first;
  } pending;
  /// Rows that are stored in the end, if that is known; others are not
  /// computed.
  Value liveRows;
  ImplicitLocOpBuilder b;
  IndexRanges ranges;
  DenseMap<Value, Place> places;
  /// Found before anything is lowered: later, other writes are in between.
  DenseMap<Operation *, DotOp> prologues;
  DenseMap<Operation *, MapOp> masks;
  /// Masks of keys that are not there, and of no others.
  llvm::SmallPtrSet<Operation *, 4> keyMasks;
  /// The product whose columns are being emitted, if it is known of these
  /// whether there are such keys.
  struct KnownKeys {
    DotOp product;
    bool areThere = false;
  } knownKeys;
  /// Buffers that block terminators want their operands in.
  DenseMap<Value, Value> wanted;
  /// Loop-carried buffers to the block argument that they hold.
  DenseMap<Value, Value> carriedIn;
  Group group;
  /// A product that is emitted with the group, if that reads it, or before it.
  DotOp openProduct;
  SmallVector<Operation *> toErase;
  /// Tile arguments of lowered loops, dropped after their users.
  SmallVector<BlockArgument> deadArguments;
};

/// Whether vectors of a row of the memory can be read.
bool isContiguous(Value memref);

/// True if a product takes the tile as its left operand.
bool isLeftOperand(OpOperand &use);

/// True if every use of the tile is as the right operand of a product.
bool isRightOperand(Value tile);

/// Whether the op makes f32 of what a product takes as bf16, for sums of it.
bool widensFactor(tile::ConvertOp convert);

/// What scales the rows of `argument` in a branch, which else leaves it alone,
/// if `scaled` comes of that and nobody reads `argument` otherwise.
MapOp findScalingInBranch(Value scaled, Value argument);

/// True if the op is computed element by element, or reduces rows.
bool isElementwise(Operation *op);

/// Whether the ops of a block, but for its end, are few enough for an epilogue
/// of a product.
bool isShortEpilogue(Block &block);

/// Rows and columns over which it is.
std::pair<int64_t, int64_t> domainOf(Operation *op);

} // namespace attn::cpu

#endif // LIB_CONVERSION_TILETOCPU_KERNELLOWERING_H
