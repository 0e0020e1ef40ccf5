//===- TileOps.cpp - Operations of the tile dialect -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Verifiers, builders and assembly pieces of the tile ops.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Tile/AttributeNames.h"
#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace attn::tile;

/// Parses `[a, b, c, d], [...]`: four operands a range.
static ParseResult
parseRangeBounds(OpAsmParser &parser,
                 SmallVectorImpl<OpAsmParser::UnresolvedOperand> &bounds) {
  return parser.parseCommaSeparatedList([&]() -> ParseResult {
    SMLoc loc = parser.getCurrentLocation();
    size_t before = bounds.size();
    if (parser.parseOperandList(bounds, OpAsmParser::Delimiter::Square))
      return failure();
    if (bounds.size() - before != 4)
      return parser.emitError(loc)
             << "a range has four bounds (begin, end, full begin, full end), "
                "not "
             << bounds.size() - before;
    return success();
  });
}

static void printRangeBounds(OpAsmPrinter &printer, Operation *,
                             OperandRange bounds) {
  for (size_t k = 0; k < bounds.size(); k += 4) {
    if (k)
      printer << ", ";
    printer << '[' << bounds.slice(k, 4) << ']';
  }
}

/// `["B of key" = %b, ...]`, nothing if there are no values.
static ParseResult
parseNamedValues(OpAsmParser &parser, ArrayAttr &names,
                 SmallVectorImpl<OpAsmParser::UnresolvedOperand> &values) {
  SmallVector<Attribute> parsed;
  auto parseOne = [&]() -> ParseResult {
    std::string name;
    if (parser.parseString(&name) || parser.parseEqual() ||
        parser.parseOperand(values.emplace_back()))
      return failure();
    parsed.push_back(parser.getBuilder().getStringAttr(name));
    return success();
  };
  if (parser.parseCommaSeparatedList(OpAsmParser::Delimiter::OptionalSquare,
                                     parseOne))
    return failure();
  names = parser.getBuilder().getArrayAttr(parsed);
  return success();
}

static void printNamedValues(OpAsmPrinter &printer, Operation *,
                             ArrayAttr names, OperandRange values) {
  if (values.empty())
    return;
  printer << "[";
  llvm::interleaveComma(
      llvm::zip_equal(names, values), printer, [&](const auto &pair) {
        printer << std::get<0>(pair) << " = " << std::get<1>(pair);
      });
  printer << "]";
}

#define GET_OP_CLASSES
#include "attn/Dialect/Tile/TileOps.cpp.inc"

//===----------------------------------------------------------------------===//
// tile.load, tile.store
//===----------------------------------------------------------------------===//

/// Checks what loads and stores share: one valid count a tile dimension, one
/// index a memory dimension, equal element types.
static LogicalResult verifyAccess(Operation *op, TileType tile,
                                  MemRefType memory, size_t numIndices,
                                  size_t numValid) {
  if (memory.getElementType() != tile.getElementType())
    return op->emitOpError("element types differ: memory holds ")
           << memory.getElementType() << ", the tile " << tile.getElementType();
  if (numValid != tile.getRank())
    return op->emitOpError("needs ")
           << tile.getRank() << " valid sizes, one a tile dimension, not "
           << numValid;
  if (numIndices < tile.getRank())
    return op->emitOpError("needs at least ")
           << tile.getRank() << " indices, not " << numIndices;
  return success();
}

void LoadOp::build(OpBuilder &builder, OperationState &state, Type result,
                   Value source, ValueRange indices, ValueRange valid,
                   Value packing, Value pageTable, ValueRange pageIndices) {
  build(builder, state, result, source, indices, valid, packing, pageTable,
        pageIndices, /*mixed=*/Value(), /*prefetched=*/Value(),
        /*whole=*/false);
}

/// Drops a region that never applies.
LogicalResult LoadOp::canonicalize(LoadOp op, PatternRewriter &rewriter) {
  if (!op.getMixed() || !matchPattern(op.getMixed(), m_Zero()))
    return failure();
  rewriter.modifyOpInPlace(op, [&] { op.getMixedMutable().clear(); });
  rewriter.eraseBlock(&op.getWhere().front());
  return success();
}

/// What waits in pieces is all rows of the tile.
static LogicalResult verifyPrefetch(LoadOp op) {
  TileType tile = op.getType();
  if (isa_and_nonnull<PiecesAttr>(tile.getLayout()) && op.getMixed())
    return op.emitOpError("into pieces reads all valid rows");
  if (!op.getPrefetched())
    return op.getWhole() ? op.emitOpError("of the whole of what was "
                                          "prefetched needs what was")
                         : success();
  auto waiting = cast<TileType>(op.getPrefetched().getType());
  if (!isa_and_nonnull<PiecesAttr>(waiting.getLayout()) ||
      waiting.withLayout(tile.getLayout()) != tile)
    return op.emitOpError("of ")
           << tile << " takes pieces of the same shape and elements, not "
           << waiting;
  if (!isa_and_nonnull<SharedAttr>(tile.getLayout()) || op.getMixed())
    return op.emitOpError(
        "takes pieces to all rows of a tile in workgroup memory");
  return success();
}

LogicalResult LoadOp::verify() {
  auto memory = cast<MemRefType>(getSource().getType());
  TileType tile = getResult().getType();
  size_t expected = memory.getRank();
  if (Value table = getPageTable()) {
    auto tableType = cast<MemRefType>(table.getType());
    if (!tableType.getElementType().isSignlessInteger())
      return emitOpError("a page table holds integers, not ")
             << tableType.getElementType();
    if (static_cast<int64_t>(getPageIndices().size()) !=
        tableType.getRank() - 1)
      return emitOpError("the page table has rank ")
             << tableType.getRank() << " and needs " << tableType.getRank() - 1
             << " leading indices, not " << getPageIndices().size();
    if (tile.getRank() != 2 || memory.getRank() < 3)
      return emitOpError("only rank-2 tiles of a page pool can be paged");
    --expected;
  }
  if (getPacking() &&
      (tile.getRank() != 2 || memory.getRank() < 3 || getPageTable()))
    return emitOpError("only rank-2 tiles of a memref [..., h, s, d] that is "
                       "not paged can be packed");
  if (getIndices().size() != expected)
    return emitOpError("needs ") << expected << " indices for " << memory
                                 << ", not " << getIndices().size();
  if (failed(verifyPrefetch(*this)))
    return failure();
  return verifyAccess(*this, tile, memory, getIndices().size(),
                      getValid().size());
}

LogicalResult LoadOp::verifyRegions() {
  if (getWhere().empty())
    return getMixed() ? emitOpError("says where rows count without a region")
                      : success();
  if (getResult().getType().getRank() != 2)
    return emitOpError("only rank-2 tiles have rows that do not count");
  Block &block = getWhere().front();
  if (block.getNumArguments() != 1 || !block.getArgument(0).getType().isIndex())
    return emitOpError("the where region takes the row of the tile, one index");
  auto yield = dyn_cast<YieldOp>(block.getTerminator());
  if (!yield || yield.getValues().size() != 1 ||
      !yield.getValues()[0].getType().isInteger(1))
    return emitOpError(
        "the where region yields one i1: whether the row counts");
  return success();
}

LogicalResult StoreOp::verify() {
  auto memory = cast<MemRefType>(getDest().getType());
  if (static_cast<int64_t>(getIndices().size()) != memory.getRank())
    return emitOpError("needs ") << memory.getRank() << " indices for "
                                 << memory << ", not " << getIndices().size();
  return verifyAccess(*this, getTile().getType(), memory, getIndices().size(),
                      getValid().size());
}

//===----------------------------------------------------------------------===//
// Computation
//===----------------------------------------------------------------------===//

LogicalResult SplatOp::verify() {
  if (getValue().getType() != getResult().getType().getElementType())
    return emitOpError("the value is ")
           << getValue().getType() << " but the tile holds "
           << getResult().getType().getElementType();
  return success();
}

/// `tile` lives where `expected` says, or no layouts are given at all.
static LogicalResult verifyLayoutIs(Operation *op, TileType tile,
                                    Attribute expected) {
  if (tile.getLayout() == expected)
    return success();
  auto describe = [](Attribute layout) {
    std::string text = "no layout";
    if (layout) {
      text.clear();
      llvm::raw_string_ostream(text) << layout;
    }
    return text;
  };
  return op->emitOpError("has a tile ")
         << tile << " where the layout must be " << describe(expected);
}

LogicalResult DotOp::verify() {
  TileType a = getA().getType(), b = getB().getType(), c = getAcc().getType();
  if (a.getRank() != 2 || b.getRank() != 2 || c.getRank() != 2)
    return emitOpError("multiplies rank-2 tiles");
  int64_t m = a.getShape()[getTransposeA() ? 1 : 0];
  int64_t ka = a.getShape()[getTransposeA() ? 0 : 1];
  int64_t kb = b.getShape()[getTransposeB() ? 1 : 0];
  int64_t n = b.getShape()[getTransposeB() ? 0 : 1];
  if (ka != kb)
    return emitOpError("the inner sizes differ: a has ")
           << ka << ", b has " << kb;
  if (c.getRows() != m || c.getCols() != n)
    return emitOpError("the accumulator is ")
           << c.getRows() << "x" << c.getCols() << ", the product " << m << "x"
           << n;
  if (!c.getElementType().isF32())
    return emitOpError("accumulates in f32, not ") << c.getElementType();
  if (a.getElementType() != b.getElementType())
    return emitOpError("element types differ: a is ")
           << a.getElementType() << ", b is " << b.getElementType();
  return success();
}

LogicalResult ReduceOp::verify() {
  TileType in = getInput().getType(), init = getInit().getType();
  if (in.getRank() != 2)
    return emitOpError("reduces the rows of a rank-2 tile");
  if (in.getRows() != init.getRows())
    return emitOpError("the tile has ")
           << in.getRows() << " rows, the initial value " << init.getRows();
  if (in.getElementType() != init.getElementType())
    return emitOpError("element types differ: ")
           << in.getElementType() << " and " << init.getElementType();
  if (init.getRank() == 1)
    return verifyLayoutIs(*this, init, in.getRowLayout());
  if (in.getCols() % init.getCols() != 0)
    return emitOpError("reduces ")
           << in.getCols() << " columns to " << init.getCols()
           << ", of which they are no multiple";
  return verifyLayoutIs(*this, init, in.getLayout());
}

LogicalResult CombineOp::verify() {
  TileType from = getInput().getType(), to = getType();
  if (from.withLayout(Attribute()) != to.withLayout(Attribute()) ||
      !from.getElementType().isF32())
    return emitOpError("makes a tile of f32 of one as large");
  std::optional<LinearLayout> ofInput = from.getLinearLayout(),
                              ofResult = to.getLinearLayout();
  if (!ofInput || !ofResult)
    return from == to ? success() : emitOpError("combines tiles in registers");
  auto isNone = [](const Basis &basis) { return basis == Basis{0, 0}; };
  if (!llvm::all_of(ofInput->getSubgroups(), isNone))
    return emitOpError("combines elements that each subgroup has");
  // Subgroups divide registers: bits of a block, or whole blocks.
  Bases divided(ofResult->getRegisters());
  bool isDivided = ofInput->getLanes() == ofResult->getLanes() &&
                   ofInput->getNumSubgroups() == ofResult->getNumSubgroups();
  for (const Basis &basis : ofResult->getSubgroups()) {
    if (llvm::is_contained(ofInput->getRegisters(), basis))
      divided.push_back(basis);
    else
      isDivided &= basis[0] % ofInput->getBlockRows() == 0 &&
                   basis[1] % ofInput->getBlockCols() == 0;
  }
  Bases registers(ofInput->getRegisters());
  llvm::sort(registers);
  llvm::sort(divided);
  if (!isDivided || registers != divided)
    return emitOpError("leaves elements in their lanes");
  return success();
}

LogicalResult AnyAboveOp::verify() {
  TileType in = getInput().getType(), limit = getLimit().getType();
  if (in.getRank() != 2 || limit.getRank() != 1)
    return emitOpError("compares a rank-2 tile with a rank-1 tile of limits");
  if (in.getRows() != limit.getRows())
    return emitOpError("the tile has ")
           << in.getRows() << " rows, the limits " << limit.getRows();
  if (!in.getElementType().isF32() || !limit.getElementType().isF32())
    return emitOpError("compares f32, not ")
           << in.getElementType() << " with " << limit.getElementType();
  return verifyLayoutIs(*this, limit, in.getRowLayout());
}

LogicalResult ConvertOp::verify() {
  TileType in = getInput().getType(), out = getResult().getType();
  if (in.getShape() != out.getShape())
    return emitOpError("keeps the shape: ") << in << " and " << out;
  if (!isa<FloatType>(in.getElementType()) ||
      !isa<FloatType>(out.getElementType()))
    return emitOpError("converts between float types");
  return verifyLayoutIs(*this, out, in.getLayout());
}

OpFoldResult ConvertOp::fold(FoldAdaptor) {
  if (getInput().getType() == getType())
    return getInput();
  return {};
}

/// All elements of a uniform tile become the same.
LogicalResult ConvertOp::canonicalize(ConvertOp op, PatternRewriter &rewriter) {
  auto splat = op.getInput().getDefiningOp<SplatOp>();
  Type element = op.getType().getElementType();
  auto getWidth = [](Type type) { return type.getIntOrFloatBitWidth(); };
  if (!splat || getWidth(element) == getWidth(splat.getValue().getType()))
    return failure();
  Value number = splat.getValue();
  if (getWidth(element) < getWidth(number.getType()))
    number = arith::TruncFOp::create(rewriter, op.getLoc(), element, number);
  else
    number = arith::ExtFOp::create(rewriter, op.getLoc(), element, number);
  rewriter.replaceOpWithNewOp<SplatOp>(op, op.getType(), number);
  return success();
}

LogicalResult RelayoutOp::verify() {
  TileType in = getInput().getType(), out = getType();
  if (in.getShape() != out.getShape() ||
      in.getElementType() != out.getElementType())
    return emitOpError("keeps shape and elements: ") << in << " and " << out;
  if (!in.getLayout() || !out.getLayout())
    return emitOpError("is between tiles that have layouts");
  if (isa<PiecesAttr>(in.getLayout()) || isa<PiecesAttr>(out.getLayout()))
    return emitOpError("moves no pieces: a tile.load takes them");
  auto from = in.getLinearLayout(), to = out.getLinearLayout();
  if (from && to &&
      (from->getNumLanes() != to->getNumLanes() ||
       from->getNumSubgroups() != to->getNumSubgroups()))
    return emitOpError("is between layouts of ")
           << from->getNumSubgroups() << " subgroups of " << from->getNumLanes()
           << " lanes and " << to->getNumSubgroups() << " of "
           << to->getNumLanes();
  return success();
}

OpFoldResult RelayoutOp::fold(FoldAdaptor) {
  if (getInput().getType() == getType())
    return getInput();
  return {};
}

//===----------------------------------------------------------------------===//
// tile.map
//===----------------------------------------------------------------------===//

void MapOp::build(OpBuilder &builder, OperationState &state, TypeRange results,
                  ValueRange inputs, ValueRange offsets,
                  function_ref<SmallVector<Value>(OpBuilder &, Location,
                                                  ValueRange, ValueRange)>
                      body) {
  state.addOperands(inputs);
  state.addOperands(offsets);
  state.getOrAddProperties<Properties>().operandSegmentSizes = {
      static_cast<int32_t>(inputs.size()),
      static_cast<int32_t>(offsets.size())};
  state.addTypes(results);
  Region *region = state.addRegion();
  OpBuilder::InsertionGuard guard(builder);
  SmallVector<Type> types;
  for (Value input : inputs)
    types.push_back(cast<TileType>(input.getType()).getElementType());
  types.append(offsets.size(), builder.getIndexType());
  SmallVector<Location> locs(types.size(), state.location);
  Block *block = builder.createBlock(region, region->end(), types, locs);
  ValueRange args(block->getArguments());
  SmallVector<Value> values =
      body(builder, state.location, args.take_front(inputs.size()),
           args.drop_front(inputs.size()));
  YieldOp::create(builder, state.location, values);
}

std::pair<int64_t, int64_t> MapOp::getDomain() {
  std::pair<int64_t, int64_t> domain{1, 1};
  auto visit = [&](Type type) {
    auto tile = cast<TileType>(type);
    domain.first = tile.getRows();
    if (tile.getRank() == 2)
      domain.second = tile.getCols();
  };
  llvm::for_each(getInputs().getTypes(), visit);
  llvm::for_each(getResultTypes(), visit);
  return domain;
}

/// What uniform tiles give, wherever an element stands, is uniform.
LogicalResult MapOp::canonicalize(MapOp op, PatternRewriter &rewriter) {
  SmallVector<Value> arguments;
  for (Value input : op.getInputs())
    if (auto splat = input.getDefiningOp<SplatOp>())
      arguments.push_back(splat.getValue());
  if (arguments.size() != op.getInputs().size() ||
      !llvm::all_of(op.getIndexArgs(), [](Value i) { return i.use_empty(); }))
    return failure();
  llvm::append_range(arguments, op.getOffsets());
  Operation *yield = op.getBody().front().getTerminator();
  rewriter.inlineBlockBefore(&op.getBody().front(), op, arguments);
  SmallVector<Value> results;
  for (auto [type, number] :
       llvm::zip_equal(op.getResultTypes(), yield->getOperands()))
    results.push_back(SplatOp::create(rewriter, op.getLoc(), type, number));
  rewriter.replaceOp(op, results);
  rewriter.eraseOp(yield);
  return success();
}

/// Blocks of values live alike, and row statistics where their rows do.
static LogicalResult verifyMapLayouts(MapOp op, unsigned rank) {
  auto domain = cast<TileType>(op.getResult(0).getType());
  for (Type type :
       llvm::concat<Type>(SmallVector<Type>(op.getInputs().getTypes()),
                          SmallVector<Type>(op.getResultTypes()))) {
    auto tile = cast<TileType>(type);
    Attribute expected =
        tile.getRank() == rank ? domain.getLayout() : domain.getRowLayout();
    if (failed(verifyLayoutIs(op, tile, expected)))
      return failure();
  }
  return success();
}

LogicalResult MapOp::verify() {
  if (getNumResults() == 0)
    return emitOpError("has no result");
  unsigned rank = 1;
  auto [rows, cols] = getDomain();
  for (Type type : llvm::concat<Type>(SmallVector<Type>(getInputs().getTypes()),
                                      SmallVector<Type>(getResultTypes()))) {
    auto tile = cast<TileType>(type);
    rank = std::max(rank, tile.getRank());
    if (tile.getRows() != rows ||
        (tile.getRank() == 2 && tile.getCols() != cols))
      return emitOpError("all tiles share one domain: ")
             << tile << " does not fit " << rows << "x" << cols;
  }
  if (getOffsets().size() != rank)
    return emitOpError("needs ")
           << rank << " offsets, one a dimension, not " << getOffsets().size();
  if (rank == 2)
    for (Type type : getResultTypes())
      if (cast<TileType>(type).getRank() != 2)
        return emitOpError("a result of rank 1 needs operands of rank 1 only");
  return verifyMapLayouts(*this, rank);
}

LogicalResult MapOp::verifyRegions() {
  Block &block = getBody().front();
  size_t numInputs = getInputs().size();
  if (block.getNumArguments() != numInputs + getOffsets().size())
    return emitOpError("the region takes ")
           << numInputs << " elements and " << getOffsets().size()
           << " indices, not " << block.getNumArguments() << " arguments";
  for (auto [k, input] : llvm::enumerate(getInputs())) {
    Type element = cast<TileType>(input.getType()).getElementType();
    if (block.getArgument(k).getType() != element)
      return emitOpError("region argument #")
             << k << " must be " << element << ", not "
             << block.getArgument(k).getType();
  }
  for (BlockArgument arg : block.getArguments().drop_front(numInputs))
    if (!arg.getType().isIndex())
      return emitOpError("region argument #")
             << arg.getArgNumber() << " must be an index, not "
             << arg.getType();
  auto yield = cast<YieldOp>(block.getTerminator());
  if (yield.getValues().size() != getNumResults())
    return yield.emitOpError("yields ")
           << yield.getValues().size() << " values for " << getNumResults()
           << " results";
  for (auto [value, result] : llvm::zip(yield.getValues(), getResults()))
    if (value.getType() != cast<TileType>(result.getType()).getElementType())
      return yield.emitOpError("yields ")
             << value.getType() << " for a result of " << result.getType();
  return success();
}

//===----------------------------------------------------------------------===//
// tile.ranges
//===----------------------------------------------------------------------===//

LogicalResult RangesOp::verify() {
  if (getBounds().empty() || getBounds().size() % 4)
    return emitOpError("has four bounds a range, not ") << getBounds().size();
  return success();
}

LogicalResult RangesOp::verifyRegions() {
  if (getWhere().empty())
    return success();
  Block &block = getWhere().front();
  if (block.getNumArguments() != 1 || !block.getArgument(0).getType().isIndex())
    return emitOpError("the where region takes the key tile, one index");
  auto yield = dyn_cast<YieldOp>(block.getTerminator());
  if (!yield || yield.getValues().size() != 2 ||
      !llvm::all_of(yield.getValues().getTypes(),
                    [](Type type) { return type.isInteger(1); }))
    return emitOpError("the where region yields two i1: visit and full");
  return success();
}

//===----------------------------------------------------------------------===//
// tile.check
//===----------------------------------------------------------------------===//

LogicalResult CheckOp::verify() {
  if (getNames().size() != getValues().size())
    return emitOpError("has ") << getNames().size() << " names for "
                               << getValues().size() << " values";
  return success();
}

LogicalResult CheckOp::canonicalize(CheckOp op, PatternRewriter &rewriter) {
  if (!matchPattern(op.getCondition(), m_One()))
    return failure();
  rewriter.eraseOp(op);
  return success();
}

//===----------------------------------------------------------------------===//
// tile.launch
//===----------------------------------------------------------------------===//

LogicalResult LaunchOp::verify() {
  if (getGrid().size() != kGridRank)
    return emitOpError("has a grid of ")
           << kGridRank << " dimensions, not " << getGrid().size();
  for (int64_t index : getWrites()) {
    if (index < 0 || index >= static_cast<int64_t>(getArgs().size()))
      return emitOpError("writes argument #")
             << index << " of " << getArgs().size();
    if (Type type = getArgs()[index].getType(); !isa<MemRefType>(type))
      return emitOpError("writes argument #")
             << index << ", which is " << type << " and no memref";
  }
  return success();
}

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  // A kernel may be in another file; a lowered one has its target's signature.
  Operation *target = symbols.lookupNearestSymbolFrom(*this, getKernelAttr());
  if (!target)
    return success();
  if (LaunchInfoAttr info = LaunchInfoAttr::of(target))
    if (failed(info.verifyLaunch(*this, target)))
      return failure();
  auto kernel = dyn_cast<func::FuncOp>(target);
  if (!kernel)
    return success();
  if (!kernel->hasAttr(tile::kKernelAttrName))
    return emitOpError("launches ")
           << getKernelAttr() << ", which lacks the attribute tile.kernel";
  if (kernel.getNumResults())
    return emitOpError("launches ")
           << getKernelAttr() << ", which returns " << kernel.getResultTypes()
           << "; a kernel writes what it computes";
  ArrayRef<Type> types = kernel.getArgumentTypes();
  size_t expected = KernelTypes::size(getArgs().size());
  if (types.size() != expected)
    return emitOpError("launches ")
           << getKernelAttr() << " with " << getArgs().size()
           << " arguments, the point and the extents of the grid, " << expected
           << " in all, but it takes " << types.size();
  // A memref is passed as its base pointer, a memref of rank 0.
  auto isBaseOf = [](Type base, Type type) {
    auto baseMemory = dyn_cast<MemRefType>(base);
    auto memory = dyn_cast<MemRefType>(type);
    return baseMemory && memory && baseMemory.getRank() == 0 &&
           baseMemory.getElementType() == memory.getElementType();
  };
  for (auto [index, arg] : llvm::enumerate(getArgs()))
    if (arg.getType() != types[index] && !isBaseOf(types[index], arg.getType()))
      return emitOpError("argument #")
             << index << " is " << arg.getType() << ", but " << getKernelAttr()
             << " takes " << types[index];
  return success();
}

void attn::tile::retargetLaunches(Operation *module, SymbolRefAttr from,
                                  SymbolRefAttr to) {
  module->walk([&](LaunchOp launch) {
    if (launch.getKernelAttr() == from)
      launch.setKernelAttr(to);
  });
}

bool attn::tile::isWritten(Value memref) {
  return llvm::any_of(memref.getUses(), [](OpOperand &use) {
    Operation *user = use.getOwner();
    if (auto store = dyn_cast<StoreOp>(user))
      return store.getDest() == use.get();
    if (auto store = dyn_cast<memref::StoreOp>(user))
      return store.getMemRef() == use.get();
    if (auto launch = dyn_cast<LaunchOp>(user))
      return llvm::is_contained(
          launch.getWrites(), use.getOperandNumber() - launch.getGrid().size());
    return isa<memref::ReinterpretCastOp, memref::TransposeOp, memref::CastOp,
               memref::SubViewOp, memref::ExpandShapeOp,
               memref::CollapseShapeOp>(user) &&
           isWritten(user->getResult(0));
  });
}
