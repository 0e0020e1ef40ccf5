//===- TileInterpreter.cpp - Executes tile IR as it is defined ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The tile ops, grids and launches; what surrounds them is in
// HostInterpreter.cpp. A tile is a dense Array, key-tile ranges are an array of
// four integers a range.
//
//===----------------------------------------------------------------------===//

#include "attn/Reference/TileInterpreter.h"
#include "HostInterpreter.h"
#include "KernelInterpreter.h"
#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;
using namespace attn;
using namespace attn::reference;
using tile::TileType;

namespace {

/// The elements that a load or a store moves: which, and where they lie.
struct Access {
  Operation *op;
  Array memory;
  SmallVector<int64_t> indices;
  TileType tile;
  SmallVector<int64_t> valid;
  /// Heads that share the tile's rows.
  int64_t packing = 1;
  /// Of paged rows: a row of the page table.
  std::optional<Array> pages = std::nullopt;
  SmallVector<int64_t> pageIndices = {};
  /// The rows that a load leaves out; none if empty.
  SmallVector<bool> leavesOut = {};
};

class TileInterpreter : public HostInterpreter {
public:
  explicit TileInterpreter(const TileOptions &options)
      : HostInterpreter({options.arithmetic == Arithmetic::Float64,
                         Reads::Checked, /*poison=*/true}),
        options(options) {}

private:
  LogicalResult executeOther(Operation &op) override;
  std::unique_ptr<HostInterpreter> makeCallee() const override {
    return std::make_unique<TileInterpreter>(options);
  }

  // Tile ops.
  LogicalResult executeLoad(tile::LoadOp op);
  LogicalResult checkPrefetched(tile::LoadOp op, const Access &access,
                                const Array &tile);
  LogicalResult executeAligned(tile::AlignedOp op);
  LogicalResult executeTileStore(tile::StoreOp op);
  LogicalResult executeSplat(tile::SplatOp op);
  LogicalResult executeDot(tile::DotOp op);
  template <typename F> void multiply(tile::DotOp op, Array &result);
  LogicalResult executeMap(tile::MapOp op);
  template <typename F>
  LogicalResult runMap(tile::MapOp op, MutableArrayRef<Array> results);
  LogicalResult executeReduce(tile::ReduceOp op);
  LogicalResult executeAnyAbove(tile::AnyAboveOp op);
  LogicalResult executeConvert(tile::ConvertOp op);
  LogicalResult executeRanges(tile::RangesOp op);
  LogicalResult executeArrival(tile::ArriveOp op);
  LogicalResult executeRangeCount(tile::RangeCountOp op);
  LogicalResult executeRangeAt(tile::RangeAtOp op);
  LogicalResult executeLaunch(tile::LaunchOp op);
  LogicalResult executeCheck(tile::CheckOp op);
  // What grids and kernels need of other dialects.
  LogicalResult executeGrid(Operation &op, Block &body, ArrayRef<int64_t> lower,
                            ArrayRef<int64_t> upper, ArrayRef<int64_t> step);
  LogicalResult executeStore(memref::StoreOp op);
  LogicalResult executeMetadata(memref::ExtractStridedMetadataOp op);
  LogicalResult executeReinterpret(memref::ReinterpretCastOp op);

  /// Calls `fn` with the position in memory and the number in the tile of
  /// every valid element; diagnoses those outside of the memref.
  LogicalResult forEachValid(const Access &access,
                             function_ref<void(int64_t, int64_t)> fn);
  /// A tile of zeros.
  static Array makeTile(TileType type) {
    return *Array::zeros(type.getElementType(), type.getShape());
  }
  /// Rounds what has a type narrower than f32, unless nothing rounds.
  void round(Array &array) const;

  const TileOptions options;
};

} // namespace

void TileInterpreter::round(Array &array) const {
  auto type = dyn_cast<FloatType>(array.elementType);
  if (settings.wide || !type || type.getWidth() >= 32)
    return;
  Rounding rounding(type);
  for (double &number : array.buffer->floats)
    number =
        options.roundsWrong ? rounding.takeOtherSide(number) : rounding(number);
}

//===----------------------------------------------------------------------===//
// Loads and stores
//===----------------------------------------------------------------------===//

/// Sets the indices of row `row` of a tile: in another head, or on another
/// page. False if there is no such page.
static bool moveToRow(const Access &access, int64_t row,
                      SmallVector<int64_t> &indices) {
  indices = access.indices;
  // A rank-1 tile is one row of memory.
  if (access.tile.getRank() == 1)
    return true;
  size_t rowDim = access.memory.getRank() - 2;
  if (!access.pages) {
    indices[rowDim] += row / access.packing;
    if (access.packing != 1)
      indices[rowDim - 1] += row % access.packing;
    return true;
  }
  // [page, h, P, d], the page being left out of the subscript.
  int64_t position = indices[rowDim - 1] + row;
  int64_t pageSize = access.memory.sizes[rowDim];
  SmallVector<int64_t> entry(access.pageIndices);
  entry.push_back(pageSize > 0 ? position / pageSize : -1);
  if (position < 0 || !access.pages->contains(entry))
    return false;
  indices[rowDim - 1] = position % pageSize;
  // A number that is no page means the nearest one that is.
  int64_t page = access.pages->buffer->ints[access.pages->at(entry)];
  page = std::max<int64_t>(0, std::min(page, access.memory.sizes[0] - 1));
  indices.insert(indices.begin(), page);
  return true;
}

LogicalResult
TileInterpreter::forEachValid(const Access &access,
                              function_ref<void(int64_t, int64_t)> fn) {
  const bool isBlock = access.tile.getRank() == 2;
  int64_t rows = isBlock ? access.tile.getRows() : 1;
  int64_t cols = access.tile.getShape().back();
  int64_t validRows = isBlock ? std::min(rows, access.valid[0]) : 1;
  int64_t validCols = std::min(cols, access.valid.back());
  if (access.packing < 1)
    return access.op->emitOpError("packs ") << access.packing << " heads";
  if (validCols <= 0)
    return success();
  SmallVector<int64_t> indices;
  for (int64_t row = 0; row < validRows; ++row) {
    if (!access.leavesOut.empty() && access.leavesOut[row])
      continue;
    if (!moveToRow(access, row, indices))
      return access.op->emitOpError("row ")
             << row << " has no entry in the page table";
    SmallVector<int64_t> last(indices);
    last.back() += validCols - 1;
    const Array &memory = access.memory;
    if (!memory.contains(indices) || !memory.contains(last)) {
      InFlightDiagnostic diagnostic = access.op->emitOpError("row ");
      diagnostic << row << " of the tile lies at [";
      llvm::interleaveComma(indices, diagnostic);
      diagnostic << "] and has " << validCols
                 << " valid elements; the memory has sizes [";
      llvm::interleaveComma(memory.sizes, diagnostic);
      return diagnostic << "]";
    }
    int64_t position = memory.at(indices);
    for (int64_t col = 0; col < validCols; ++col)
      fn(position + col * memory.strides.back(), row * cols + col);
  }
  return success();
}

LogicalResult TileInterpreter::executeLoad(tile::LoadOp op) {
  Access access{op, getArray(op.getSource()), getInts(op.getIndices()),
                op.getType(), getInts(op.getValid())};
  if (Value packing = op.getPacking())
    access.packing = getInt(packing);
  if (Value table = op.getPageTable()) {
    access.pages = getArray(table);
    access.pageIndices = getInts(op.getPageIndices());
  }
  if (Value mixed = op.getMixed(); mixed && getInt(mixed)) {
    for (int64_t row = 0; row < op.getType().getRows(); ++row) {
      FailureOr<SmallVector<RuntimeValue>> said =
          execute(op.getWhere().front(), RuntimeValue(row));
      if (failed(said))
        return failure();
      access.leavesOut.push_back(std::get<int64_t>(said->front()) == 0);
    }
  }
  Array tile = makeTile(op.getType());
  if (isa_and_nonnull<tile::PiecesAttr>(op.getType().getLayout()))
    llvm::fill(tile.buffer->floats, std::numeric_limits<double>::quiet_NaN());
  const Buffer &from = *access.memory.buffer;
  if (failed(forEachValid(access, [&](int64_t position, int64_t element) {
        if (tile.isFloat())
          tile.buffer->floats[element] = from.floats[position];
        else
          tile.buffer->ints[element] = from.ints[position];
      })))
    return failure();
  if (op.getPrefetched() && failed(checkPrefetched(op, access, tile)))
    return failure();
  env[op] = std::move(tile);
  return success();
}

/// What waits is what memory holds.
LogicalResult TileInterpreter::checkPrefetched(tile::LoadOp op,
                                               const Access &access,
                                               const Array &tile) {
  if (op.getWhole() && access.valid[0] < op.getType().getRows())
    return op.emitOpError("lacks rows of the whole tile");
  Array waiting = getArray(op.getPrefetched());
  bool isSame = true;
  if (failed(forEachValid(access, [&](int64_t, int64_t element) {
        double loaded = tile.buffer->floats[element];
        double other = waiting.buffer->floats[element];
        isSame &= loaded == other || (std::isnan(loaded) && std::isnan(other));
      })))
    return failure();
  return isSame ? success()
                : op.emitOpError("stages other elements than were prefetched");
}

/// Whatever is bound begins at an address that all types are aligned to.
LogicalResult TileInterpreter::executeAligned(tile::AlignedOp op) {
  constexpr int64_t bits = 128;
  Array memory = getArray(op.getSource());
  int64_t elements = bits / memory.elementType.getIntOrFloatBitWidth();
  bool isAligned = memory.offset % elements == 0;
  for (int64_t stride : ArrayRef(memory.strides).drop_back())
    isAligned &= stride % elements == 0;
  return setResults(*op, {int64_t(isAligned)});
}

LogicalResult TileInterpreter::executeTileStore(tile::StoreOp op) {
  Array tile = getArray(op.getTile());
  Access access{op, getArray(op.getDest()), getInts(op.getIndices()),
                op.getTile().getType(), getInts(op.getValid())};
  Buffer &to = *access.memory.buffer;
  return forEachValid(access, [&](int64_t position, int64_t element) {
    if (tile.isFloat())
      to.floats[position] = tile.buffer->floats[element];
    else
      to.ints[position] = tile.buffer->ints[element];
  });
}

//===----------------------------------------------------------------------===//
// Computation
//===----------------------------------------------------------------------===//

LogicalResult TileInterpreter::executeSplat(tile::SplatOp op) {
  Array tile = makeTile(op.getType());
  const RuntimeValue &value = env[op.getValue()];
  if (const double *number = std::get_if<double>(&value))
    llvm::fill(tile.buffer->floats, *number);
  else
    llvm::fill(tile.buffer->ints, std::get<int64_t>(value));
  round(tile);
  env[op] = std::move(tile);
  return success();
}

/// The numbers of a matrix, transposed if asked for.
static std::vector<double> getMatrix(const Array &tile, bool transpose) {
  if (!transpose)
    return tile.buffer->floats;
  std::vector<double> numbers;
  numbers.reserve(tile.buffer->floats.size());
  for (int64_t col = 0; col < tile.sizes[1]; ++col)
    for (int64_t row = 0; row < tile.sizes[0]; ++row)
      numbers.push_back(tile.buffer->floats[row * tile.sizes[1] + col]);
  return numbers;
}

template <typename F>
void TileInterpreter::multiply(tile::DotOp op, Array &result) {
  std::vector<double> a = getMatrix(getArray(op.getA()), op.getTransposeA());
  std::vector<double> b = getMatrix(getArray(op.getB()), op.getTransposeB());
  int64_t rows = result.sizes[0], cols = result.sizes[1];
  int64_t inner = a.size() / rows;
  for (int64_t row = 0; row < rows; ++row) {
    double *sums = &result.buffer->floats[row * cols];
    for (int64_t k = 0; k < inner; ++k) {
      double factor = a[row * inner + k];
      const double *terms = &b[k * cols];
      // The product of two f32 is exact in f64.
      for (int64_t col = 0; col < cols; ++col)
        sums[col] = static_cast<F>(sums[col] + factor * terms[col]);
    }
  }
}

LogicalResult TileInterpreter::executeDot(tile::DotOp op) {
  Array result = getArray(op.getAcc()).copy();
  if (settings.wide)
    multiply<double>(op, result);
  else
    multiply<float>(op, result);
  env[op] = std::move(result);
  return success();
}

template <typename F>
LogicalResult TileInterpreter::runMap(tile::MapOp op,
                                      MutableArrayRef<Array> results) {
  Block &body = op.getBody().front();
  ScalarProgram program(
      env, {}, options.clampMapReads ? Reads::Clamped : Reads::Checked);
  SmallVector<int> arguments, yielded;
  for (Value argument : body.getArguments())
    arguments.push_back(program.addInput(argument));
  if (failed(program.append(body)))
    return failure();
  Operation &yield = *body.getTerminator();
  for (Value value : yield.getOperands()) {
    yielded.push_back(program.getRegister(value, yield));
    if (yielded.back() < 0)
      return failure();
  }
  auto registers = program.makeRegisters<F>();
  SmallVector<Array> inputs;
  for (Value input : op.getInputs())
    inputs.push_back(getArray(input));
  SmallVector<int64_t> offsets = getInts(op.getOffsets());
  auto [rows, cols] = op.getDomain();
  for (int64_t first = 0, end = rows * cols; first < end;
       first += Registers<F>::rowSize) {
    int64_t count = std::min(end - first, Registers<F>::rowSize);
    for (int64_t n = 0; n < count; ++n) {
      int64_t row = (first + n) / cols, col = (first + n) % cols;
      // Row statistics have one element a row.
      for (auto [input, reg] : llvm::zip(inputs, arguments)) {
        int64_t element = input.getRank() == 2 ? first + n : row;
        if (input.isFloat())
          registers.floatRow(reg)[n] =
              static_cast<F>(input.buffer->floats[element]);
        else
          registers.intRow(reg)[n] = input.buffer->ints[element];
      }
      for (auto [dim, offset] : llvm::enumerate(offsets))
        registers.intRow(arguments[inputs.size() + dim])[n] =
            offset + (dim == 0 ? row : col);
    }
    program.run(registers, count);
    if (failed(program.checkReads(registers)))
      return failure();
    for (auto [result, reg] : llvm::zip_equal(results, yielded))
      for (int64_t n = 0; n < count; ++n) {
        if (result.isFloat())
          result.buffer->floats[first + n] = registers.floatRow(reg)[n];
        else
          result.buffer->ints[first + n] = registers.intRow(reg)[n];
      }
  }
  return success();
}

LogicalResult TileInterpreter::executeMap(tile::MapOp op) {
  SmallVector<Array> results;
  for (Type type : op.getResultTypes())
    results.push_back(makeTile(cast<TileType>(type)));
  if (failed(settings.wide ? runMap<double>(op, results)
                           : runMap<float>(op, results)))
    return failure();
  for (auto [result, array] : llvm::zip_equal(op.getResults(), results)) {
    round(array);
    env[result] = std::move(array);
  }
  return success();
}

LogicalResult TileInterpreter::executeReduce(tile::ReduceOp op) {
  Array input = getArray(op.getInput());
  Array result = getArray(op.getInit()).copy();
  if (!input.isFloat())
    return op.emitOpError("reduces floats only");
  for (int64_t row = 0; row < input.sizes[0]; ++row)
    for (int64_t col = 0; col < input.sizes[1]; ++col) {
      // Every k-th column, or all of them.
      int64_t cols = op.getType().getCols();
      double &total = result.buffer->floats[row * cols + col % cols];
      double element = input.buffer->floats[row * input.sizes[1] + col];
      total = op.getKind() == tile::ReduceKind::Max ? std::fmax(total, element)
              : settings.wide ? total + element
                              : static_cast<float>(total + element);
    }
  round(result);
  env[op] = std::move(result);
  return success();
}

/// The rows together: it may be for any of them.
LogicalResult TileInterpreter::executeAnyAbove(tile::AnyAboveOp op) {
  Array input = getArray(op.getInput()), limit = getArray(op.getLimit());
  int64_t isAbove = 0;
  for (int64_t row = 0; row < input.sizes[0]; ++row)
    for (int64_t col = 0; col < input.sizes[1]; ++col)
      isAbove |= input.buffer->floats[row * input.sizes[1] + col] >
                 limit.buffer->floats[row];
  return setResults(*op, {isAbove});
}

LogicalResult TileInterpreter::executeConvert(tile::ConvertOp op) {
  Array result = getArray(op.getInput()).copy();
  result.elementType = op.getType().getElementType();
  round(result);
  env[op] = std::move(result);
  return success();
}

//===----------------------------------------------------------------------===//
// Key-tile ranges
//===----------------------------------------------------------------------===//

namespace {
/// One range of a tile.ranges.
struct KeyRange {
  const int64_t *bounds;
  int64_t begin() const { return bounds[0]; }
  int64_t length() const { return std::max<int64_t>(0, bounds[1] - bounds[0]); }
  bool isFull(int64_t tile) const {
    return tile >= bounds[2] && tile < bounds[3];
  }
};
} // namespace

static SmallVector<KeyRange> getRanges(const Array &bounds) {
  SmallVector<KeyRange> ranges;
  for (int64_t k = 0; k < bounds.sizes[0]; ++k)
    ranges.push_back({&bounds.buffer->ints[4 * k]});
  return ranges;
}

LogicalResult TileInterpreter::executeRanges(tile::RangesOp op) {
  Array bounds =
      *Array::zeros(IndexType::get(op.getContext()), {op.getNumRanges(), 4});
  llvm::copy(getInts(op.getBounds()), bounds.buffer->ints.begin());
  // Disjoint and ascending.
  std::optional<int64_t> end;
  for (KeyRange range : getRanges(bounds)) {
    if (range.length() == 0)
      continue;
    if (end && range.begin() < *end)
      return op.emitOpError("has a range from ")
             << range.begin() << " after one that ends at " << *end;
    end = range.begin() + range.length();
  }
  env[op] = std::move(bounds);
  return success();
}

/// Points of a grid are computed one after the other.
LogicalResult TileInterpreter::executeArrival(tile::ArriveOp op) {
  Array counters = getArray(op.getCounters());
  SmallVector<int64_t> place{getInt(op.getIndex())};
  if (!counters.contains(place))
    return op.emitOpError("counts outside of the memory");
  int64_t &counter = counters.buffer->ints[counters.at(place)];
  bool isLast = ++counter == getInt(op.getCount());
  if (isLast)
    counter = 0;
  env[op] = int64_t(isLast);
  return success();
}

LogicalResult TileInterpreter::executeRangeCount(tile::RangeCountOp op) {
  int64_t count = 0;
  for (KeyRange range : getRanges(getArray(op.getRanges())))
    count += range.length();
  env[op] = count;
  return success();
}

LogicalResult TileInterpreter::executeRangeAt(tile::RangeAtOp op) {
  SmallVector<KeyRange> ranges = getRanges(getArray(op.getRanges()));
  int64_t position = getInt(op.getPosition()), rest = position;
  const KeyRange *found = nullptr;
  for (const KeyRange &range : ranges) {
    if (rest >= 0 && rest < range.length()) {
      found = &range;
      break;
    }
    rest -= range.length();
  }
  if (!found)
    return op.emitOpError("asks for key tile ")
           << position << ", which the ranges do not have";
  int64_t tile = found->begin() + rest;
  bool full =
      llvm::any_of(ranges, [&](KeyRange range) { return range.isFull(tile); });
  // Whether the tile need be visited at all is for the loop to ask.
  auto defining = op.getRanges().getDefiningOp<tile::RangesOp>();
  if (defining && !defining.getWhere().empty()) {
    FailureOr<SmallVector<RuntimeValue>> said =
        execute(defining.getWhere().front(), RuntimeValue(tile));
    if (failed(said))
      return failure();
    full |= std::get<int64_t>((*said)[1]) != 0;
  }
  return setResults(*op, {tile, int64_t(full)});
}

//===----------------------------------------------------------------------===//
// Grids and kernels
//===----------------------------------------------------------------------===//

LogicalResult TileInterpreter::executeGrid(Operation &op, Block &body,
                                           ArrayRef<int64_t> lower,
                                           ArrayRef<int64_t> upper,
                                           ArrayRef<int64_t> step) {
  if (op.getNumResults() != 0)
    return op.emitOpError("is a grid with results");
  SmallVector<int64_t> point(lower);
  for (auto [first, last, by] : llvm::zip_equal(lower, upper, step)) {
    if (by <= 0)
      return op.emitOpError("has the step ") << by << ", expected more than 0";
    if (first >= last)
      return success();
  }
  while (true) {
    SmallVector<RuntimeValue> arguments(point.begin(), point.end());
    if (failed(HostInterpreter::execute(body, arguments)))
      return failure();
    int64_t dim = point.size() - 1;
    for (; dim >= 0; --dim) {
      if ((point[dim] += step[dim]) < upper[dim])
        break;
      point[dim] = lower[dim];
    }
    if (dim < 0)
      return success();
  }
}

LogicalResult TileInterpreter::executeLaunch(tile::LaunchOp op) {
  Operation *symbol =
      SymbolTable::lookupNearestSymbolFrom(op, op.getKernelAttr());
  auto kernel = dyn_cast_or_null<FunctionOpInterface>(symbol);
  if (!kernel || kernel.isExternal())
    return op.emitOpError("launches ")
           << op.getKernelAttr() << ", which is not there";
  SmallVector<RuntimeValue> arguments;
  for (auto [value, type] :
       llvm::zip(op.getArgs(), kernel.getArgumentTypes())) {
    RuntimeValue &argument = arguments.emplace_back(env[value]);
    Array *array = std::get_if<Array>(&argument);
    if (!array || type == value.getType())
      continue;
    // The base pointer, offset applied.
    array->origin = array->offset;
    array->sizes.clear();
    array->strides.clear();
  }
  SmallVector<int64_t> grid = getInts(op.getGrid());
  if (auto lowered = dyn_cast<gpu::GPUFuncOp>(symbol))
    return runKernel(lowered, arguments, grid,
                     {settings.wide, options.subgroup});
  Block &body = kernel.getFunctionBody().front();
  for (int64_t x = 0; x < grid[0]; ++x)
    for (int64_t y = 0; y < grid[1]; ++y)
      for (int64_t z = 0; z < grid[2]; ++z) {
        SmallVector<RuntimeValue> all =
            tile::KernelSignature<RuntimeValue>::join(
                arguments, ArrayRef<int64_t>{x, y, z}, grid);
        if (failed(
                TileInterpreter(options).HostInterpreter::execute(body, all)))
          return failure();
      }
  return success();
}

LogicalResult TileInterpreter::executeStore(memref::StoreOp op) {
  Array memory = getArray(op.getMemRef());
  SmallVector<int64_t> indices = getInts(op.getIndices());
  if (!memory.contains(indices))
    return op.emitOpError("writes outside of the memory");
  int64_t position = memory.at(indices);
  if (memory.isFloat()) {
    double number = std::get<double>(env[op.getValue()]);
    auto type = cast<FloatType>(memory.elementType);
    memory.buffer->floats[position] =
        settings.wide ? number : Rounding(type)(number);
  } else {
    memory.buffer->ints[position] = getInt(op.getValue());
  }
  return success();
}

LogicalResult
TileInterpreter::executeMetadata(memref::ExtractStridedMetadataOp op) {
  Array base = getArray(op.getSource());
  SmallVector<RuntimeValue> values{base, base.offset - base.origin};
  Array &pointer = std::get<Array>(values[0]);
  pointer.offset = pointer.origin;
  pointer.sizes.clear();
  pointer.strides.clear();
  values.append(base.sizes.begin(), base.sizes.end());
  values.append(base.strides.begin(), base.strides.end());
  return setResults(*op, values);
}

LogicalResult
TileInterpreter::executeReinterpret(memref::ReinterpretCastOp op) {
  Array view = getArray(op.getSource());
  view.offset = view.origin + getInts(op.getMixedOffsets()).front();
  view.sizes = getInts(op.getMixedSizes());
  view.strides = getInts(op.getMixedStrides());
  // The first and the last element lie inside of what there is; a pointer, a
  // view of rank 0, may be one to nothing.
  SmallVector<int64_t> low, high;
  for (auto [size, stride] : llvm::zip_equal(view.sizes, view.strides)) {
    low.push_back(stride < 0 ? size - 1 : 0);
    high.push_back(stride < 0 ? 0 : size - 1);
  }
  int64_t available =
      std::max(view.buffer->floats.size(), view.buffer->ints.size());
  if (!view.sizes.empty() && !llvm::is_contained(view.sizes, 0) &&
      (view.at(low) < 0 || view.at(high) >= available))
    return op.emitOpError("reaches from element ")
           << view.at(low) << " to " << view.at(high) << " of memory that has "
           << available;
  env[op] = std::move(view);
  return success();
}

LogicalResult TileInterpreter::executeCheck(tile::CheckOp op) {
  if (getInt(op.getCondition()))
    return success();
  InFlightDiagnostic error = op.emitOpError("fails: ") << op.getMessage();
  for (auto [name, value] : llvm::zip_equal(
           op.getNames().getAsValueRange<StringAttr>(), op.getValues()))
    error << "; " << name << " = " << getInt(value);
  return error;
}

LogicalResult TileInterpreter::executeOther(Operation &op) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(&op)
      .Case([&](tile::LoadOp load) { return executeLoad(load); })
      .Case([&](tile::AlignedOp op) { return executeAligned(op); })
      .Case([&](tile::StoreOp store) { return executeTileStore(store); })
      .Case([&](tile::SplatOp splat) { return executeSplat(splat); })
      .Case([&](tile::DotOp dot) { return executeDot(dot); })
      .Case([&](tile::MapOp map) { return executeMap(map); })
      .Case([&](tile::ReduceOp reduce) { return executeReduce(reduce); })
      .Case([&](tile::AnyAboveOp above) { return executeAnyAbove(above); })
      .Case([&](tile::ConvertOp convert) { return executeConvert(convert); })
      .Case([&](tile::RelayoutOp relayout) {
        // Where a tile lives changes no element.
        Array tile = getArray(relayout.getInput());
        return setResults(op, {tile});
      })
      .Case([&](tile::SubgroupOp) {
        // One computes all, and has what all have together.
        return setResults(op, {int64_t(0), int64_t(1)});
      })
      .Case([&](tile::CombineOp combine) {
        Array tile = getArray(combine.getInput());
        return setResults(op, {tile});
      })
      .Case([&](tile::ArriveOp arrival) { return executeArrival(arrival); })
      .Case([&](tile::RangesOp ranges) { return executeRanges(ranges); })
      .Case([&](tile::RangeCountOp count) { return executeRangeCount(count); })
      .Case([&](tile::RangeAtOp at) { return executeRangeAt(at); })
      .Case([&](tile::LaunchOp launch) { return executeLaunch(launch); })
      .Case([&](tile::EstimateOp) { return success(); })
      .Case([&](scf::ForallOp grid) {
        return executeGrid(
            op, *grid.getBody(), getInts(grid.getMixedLowerBound()),
            getInts(grid.getMixedUpperBound()), getInts(grid.getMixedStep()));
      })
      .Case([&](scf::ParallelOp grid) {
        return executeGrid(op, *grid.getBody(), getInts(grid.getLowerBound()),
                           getInts(grid.getUpperBound()),
                           getInts(grid.getStep()));
      })
      .Case([&](tile::CheckOp check) { return executeCheck(check); })
      .Case([&](cf::AssertOp check) -> LogicalResult {
        if (getInt(check.getArg()))
          return success();
        return check.emitOpError("fails: ") << check.getMsg();
      })
      .Case([&](memref::StoreOp store) { return executeStore(store); })
      .Case([&](memref::ExtractStridedMetadataOp metadata) {
        return executeMetadata(metadata);
      })
      .Case([&](memref::ReinterpretCastOp reinterpret) {
        return executeReinterpret(reinterpret);
      })
      .Case([&](arith::SelectOp select) -> LogicalResult {
        if (!isa<MemRefType>(select.getType()))
          return executeScalar(op);
        Array chosen =
            getArray(getInt(select.getCondition()) ? select.getTrueValue()
                                                   : select.getFalseValue());
        env[select.getResult()] = std::move(chosen);
        return success();
      })
      .Default([&](Operation *) { return executeScalar(op); });
}

//===----------------------------------------------------------------------===//
// Entry point
//===----------------------------------------------------------------------===//

/// The same elements with gaps of NaN, or -1, around the rows, so that a wrong
/// stride or offset is seen.
static Array spread(const Array &dense) {
  SmallVector<int64_t> sizes(dense.sizes);
  for (int64_t &size : sizes)
    size += 1;
  Array wide = *Array::zeros(dense.elementType, sizes);
  llvm::fill(wide.buffer->floats, std::numeric_limits<double>::quiet_NaN());
  llvm::fill(wide.buffer->ints, -1);
  wide.sizes = dense.sizes;
  // The first element is not at the start either.
  wide.offset = 1;
  dense.forEach([&](ArrayRef<int64_t> indices) {
    if (dense.isFloat())
      wide.buffer->floats[wide.at(indices)] =
          dense.buffer->floats[dense.at(indices)];
    else
      wide.buffer->ints[wide.at(indices)] =
          dense.buffer->ints[dense.at(indices)];
  });
  return wide;
}

/// Whether the type leaves where the elements lie open.
static bool hasOpenLayout(Type type) {
  auto memory = dyn_cast<MemRefType>(type);
  if (!memory || memory.getRank() == 0)
    return false;
  SmallVector<int64_t> strides;
  int64_t offset;
  if (failed(memory.getStridesAndOffset(strides, offset)))
    return false;
  return ShapedType::isDynamic(offset) &&
         llvm::all_of(strides, ShapedType::isDynamic);
}

FailureOr<TileResults>
attn::reference::interpretTiles(func::FuncOp function, ArrayRef<Tensor> inputs,
                                const TileOptions &options) {
  // A tile is given like a tensor.
  SmallVector<Type> types(function.getArgumentTypes());
  for (Type &type : types)
    if (auto tile = dyn_cast<TileType>(type))
      type = RankedTensorType::get(tile.getShape(), tile.getElementType());
  FailureOr<SmallVector<RuntimeValue>> arguments =
      bindArguments(function, types, inputs);
  if (failed(arguments))
    return failure();
  for (auto [argument, type] : llvm::zip_equal(*arguments, types))
    if (hasOpenLayout(type))
      argument = spread(std::get<Array>(argument));
  FailureOr<SmallVector<RuntimeValue>> results =
      TileInterpreter(options).HostInterpreter::execute(function.front(),
                                                        *arguments);
  if (failed(results))
    return failure();
  bool widen = options.arithmetic == Arithmetic::Float64;
  TileResults all;
  for (auto [value, type] :
       llvm::zip_equal(*results, function.getResultTypes()))
    all.results.push_back(toTensor(value, type, widen));
  for (auto [value, type] : llvm::zip_equal(*arguments, types))
    all.arguments.push_back(toTensor(value, type, widen));
  return all;
}
