//===- KernelInterpreter.cpp - Executes lowered GPU kernels ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A value is a number a thread; flow that differs between threads runs under a
// mask. That makes threads meet where a machine need not: what they exchange
// through memory is therefore checked against the barriers.
//
//===----------------------------------------------------------------------===//

#include "KernelInterpreter.h"
#include "ScalarProgram.h"

#include "attn/Dialect/Attn/Attn.h"
#include "attn/Dialect/Kernel/Kernel.h"
#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/TypeSwitch.h"

#include <random>

using namespace mlir;
using namespace attn::reference;
namespace kernel = attn::kernel;

namespace {

/// One number a thread, or those of a vector one after the other: in one of the
/// two.
struct Lanes {
  std::vector<double> floats;
  std::vector<int64_t> ints;
};

/// Threads that execute, one entry each.
using Mask = std::vector<bool>;

/// A fragment in every subgroup, elements row by row.
using Fragments = std::vector<std::vector<double>>;

/// Memory as the threads of a block see it.
struct View {
  Array array;
  /// Private memory: element n of thread t lies at t * privateSize + n.
  int64_t privateSize = 0;
  /// How far behind the first thread's view that of each begins; empty where
  /// all see the same.
  std::vector<int64_t> shifts = {};
};

/// Who accessed an element since the last barrier of the workgroup, and after
/// how many barriers of its subgroup.
struct Trace {
  static constexpr int64_t nobody = -1, several = -2;
  struct Access {
    int64_t who = nobody, subgroupEpoch = 0;
  };
  int64_t epoch = 0;
  Access writer, reader;
};

class BlockInterpreter {
public:
  BlockInterpreter(gpu::GPUFuncOp kernel, ArrayRef<RuntimeValue> arguments,
                   ArrayRef<int64_t> grid, const KernelOptions &options)
      : kernel(kernel), arguments(arguments), grid(grid), options(options) {}

  LogicalResult prepare();
  LogicalResult runBlock(ArrayRef<int64_t> point);

private:
  using Values = SmallVector<std::variant<Lanes, Fragments>>;

  /// Neighbours that compute scalars, as one program.
  struct Compiled {
    std::unique_ptr<ScalarProgram> program;
    SmallVector<std::pair<Value, int>> inputs, outputs;
    Registers<float> narrow;
    Registers<double> wide;
  };
  /// An op, or a program that computes several.
  struct Step {
    Operation *op = nullptr;
    std::unique_ptr<Compiled> scalars = nullptr;
  };
  using Steps = std::vector<Step>;

  LogicalResult execute(Block &block, const Mask &mask);
  LogicalResult execute(Operation &op, const Mask &mask);
  /// Those of a block, made once.
  FailureOr<Steps *> getSteps(Block &block);
  LogicalResult compile(ArrayRef<Operation *> ops, Compiled &compiled);
  void run(Compiled &compiled);
  LogicalResult executeFor(scf::ForOp op, const Mask &mask);
  LogicalResult executeIf(scf::IfOp op, const Mask &mask);
  LogicalResult executeView(memref::ReinterpretCastOp op);
  /// What each thread loads or stores: an element or neighbours of it.
  struct Access {
    Operation *op;
    Value memory;
    ValueRange indices;
    int64_t width = 1;
    std::optional<uint64_t> alignment = std::nullopt;
    /// Elements from one index to the next.
    int64_t step = 1;
  };
  template <typename Op> static Access getElement(Op op) {
    Type type = op.getMemRefType().getElementType();
    int64_t width = getNumElements(type);
    return {op, op.getMemRef(), op.getIndices(), width, std::nullopt, width};
  }
  static int64_t getNumElements(Type type) {
    auto vector = dyn_cast<VectorType>(type);
    return vector ? vector.getNumElements() : 1;
  }
  template <typename Op> static Access getVector(Op op) {
    return {op, op.getBase(), op.getIndices(),
            op.getVectorType().getNumElements(), op.getAlignment()};
  }
  /// Calls `visit` with the number of each element among those of all threads,
  /// its position and the thread.
  LogicalResult
  forEachAccess(const Access &access, const View &view, const Mask &mask,
                function_ref<LogicalResult(int64_t, int64_t, int64_t)> visit);
  /// Whether a load is of the first bytes of an empty tensor, which is bound to
  /// zeros (rule 8).
  bool readsEmptyTensor(const Access &access, const View &view,
                        const Mask &mask);
  LogicalResult executeLoad(const Access &access, const Mask &mask);
  LogicalResult executeStore(const Access &access, Value stored,
                             const Mask &mask);
  LogicalResult executeBarrier(Operation &op, const Mask &mask);
  LogicalResult executeSubgroupBarrier(Operation &op, const Mask &mask);
  LogicalResult executeUniformLoad(kernel::UniformLoadOp op, const Mask &mask);
  LogicalResult executeArrival(kernel::ArriveOp op, const Mask &mask);
  LogicalResult executeVote(gpu::SubgroupReduceOp op, const Mask &mask);

  // Vectors.
  LogicalResult executeVectorConstant(arith::ConstantOp op);
  LogicalResult executeVector(Operation &op);
  void executeFromElements(vector::FromElementsOp op);
  void executeBroadcast(vector::BroadcastOp op);
  void executeExtract(vector::ExtractOp op);
  void executeVectorSelect(arith::SelectOp op);
  void executeVectorFma(math::FmaOp op);
  LogicalResult executeShuffle(gpu::ShuffleOp op, const Mask &mask);

  // Matrices.
  LogicalResult executeMatrixLoad(kernel::LoadMatrixOp op, const Mask &mask);
  LogicalResult executeMatrixStore(kernel::StoreMatrixOp op, const Mask &mask);
  LogicalResult executeProduct(kernel::MultiplyMatricesOp op, const Mask &mask);
  void executeFill(kernel::FillMatrixOp op);
  void executeConvertMatrix(kernel::ConvertMatrixOp op);
  LogicalResult executeExtract(kernel::ExtractElementOp op);
  LogicalResult executeInsert(kernel::InsertElementOp op, const Mask &mask);
  LogicalResult
  forEachElement(Operation *op, Value memory, Value index, int64_t stride,
                 bool transposed, kernel::MatrixType type,
                 function_ref<LogicalResult(int64_t subgroup, int64_t element,
                                            int64_t position)>
                     fn);
  /// The element of a fragment that a lane holds as its `index`-th.
  FailureOr<int64_t> getElement(Operation *op, kernel::MatrixType type,
                                int64_t lane, int64_t index);
  LogicalResult checkSubgroups(Operation *op, const Mask &mask);

  /// The position of the element of `view` that `thread` accesses.
  FailureOr<int64_t> locate(Operation *op, const View &view,
                            ArrayRef<int64_t> indices, int64_t thread);
  /// Of the elements of a buffer.
  std::vector<Trace> &getTraces(const View &view);
  /// Of an element, since the last barrier.
  Trace &getTrace(std::vector<Trace> &all, int64_t position);
  LogicalResult noteRead(Operation *op, std::vector<Trace> &all,
                         int64_t position, int64_t thread);
  LogicalResult noteWrite(Operation *op, std::vector<Trace> &all,
                          int64_t position, int64_t thread, bool changes);
  /// Besides threads, subgroups access memory: lanes that nobody knows store
  /// and load matrices, or several lanes have accessed an element.
  enum class Group { Stores, Loads, Lanes };
  int64_t getGroup(Group group, int64_t subgroup) const {
    return numThreads + static_cast<int64_t>(group) * numSubgroups + subgroup;
  }
  int64_t getSubgroup(int64_t who) const {
    return who < numThreads ? who / options.subgroup
                            : (who - numThreads) % numSubgroups;
  }
  /// Whether `who` sees what the other did.
  bool isOrdered(const Trace::Access &other, int64_t who) const {
    if (other.who == Trace::nobody || other.who == who)
      return true;
    return other.who != Trace::several &&
           getSubgroup(other.who) == getSubgroup(who) &&
           other.subgroupEpoch < subgroupEpochs[getSubgroup(who)];
  }
  void note(Trace::Access &access, int64_t who) const {
    int64_t subgroup = getSubgroup(who);
    if (!isOrdered(access, who))
      who = access.who != Trace::several && getSubgroup(access.who) == subgroup
                ? getGroup(Group::Lanes, subgroup)
                : Trace::several;
    access = {who, subgroupEpochs[subgroup]};
  }
  LogicalResult getUniform(Operation *op, OpFoldResult value, int64_t &result);
  SmallVector<int64_t> getIndices(ValueRange indices, int64_t thread) {
    return llvm::map_to_vector(indices, [&](Value index) {
      return scalars.find(index)->second.ints[thread];
    });
  }
  void setInts(Value value, function_ref<int64_t(int64_t)> fn);
  /// Of numbers of `type`; none in float64.
  Rounding getRounding(Type type) const {
    return Rounding(options.wide ? Float64Type::get(type.getContext())
                                 : cast<FloatType>(type));
  }

  /// Whether what an operand names is not asked for again before it is set for
  /// all threads of `mask`.
  bool isLastUse(const OpOperand &operand, const Mask &mask);
  /// What an operand names, which is moved out at its last use.
  Fragments take(OpOperand &operand, const Mask &mask);
  Values take(MutableArrayRef<OpOperand> operands, const Mask &mask);
  /// For the threads of `mask`.
  void set(ValueRange values, Values from, const Mask &mask);

  gpu::GPUFuncOp kernel;
  ArrayRef<RuntimeValue> arguments;
  ArrayRef<int64_t> grid, point;
  const KernelOptions options;
  int64_t numThreads = 0, numSubgroups = 0, epoch = 0;
  std::vector<int64_t> subgroupEpochs;
  DenseMap<Value, Lanes> scalars;
  DenseMap<Value, View> views;
  DenseMap<Value, Fragments> fragments;
  DenseMap<Buffer *, std::vector<Trace>> traces;
  DenseMap<Block *, std::unique_ptr<Steps>> steps;
  Environment noValues;
  /// Orders of elements in fragments, by type.
  DenseMap<Type, std::vector<int64_t>> orders;
};

} // namespace

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

bool BlockInterpreter::isLastUse(const OpOperand &operand, const Mask &mask) {
  Value value = operand.get();
  if (!value.hasOneUse() ||
      value.getParentBlock() != operand.getOwner()->getBlock())
    return false;
  // What a loop carries is kept for threads that have left it.
  return value.getDefiningOp() || !llvm::is_contained(mask, false);
}

Fragments BlockInterpreter::take(OpOperand &operand, const Mask &mask) {
  Fragments &from = fragments.find(operand.get())->second;
  return isLastUse(operand, mask) ? std::move(from) : from;
}

BlockInterpreter::Values
BlockInterpreter::take(MutableArrayRef<OpOperand> operands, const Mask &mask) {
  Values result;
  for (OpOperand &operand : operands) {
    if (fragments.contains(operand.get())) {
      result.push_back(take(operand, mask));
      continue;
    }
    Lanes &from = scalars.find(operand.get())->second;
    result.push_back(isLastUse(operand, mask) ? std::move(from) : from);
  }
  return result;
}

void BlockInterpreter::set(ValueRange values, Values from, const Mask &mask) {
  bool isWhole = !llvm::is_contained(mask, false);
  for (auto [value, source] : llvm::zip_equal(values, from)) {
    if (auto *matrix = std::get_if<Fragments>(&source)) {
      Fragments &to = fragments[value];
      if (isWhole || to.empty())
        to = std::move(*matrix);
      else
        for (int64_t s = 0; s < numSubgroups; ++s)
          if (mask[s * options.subgroup])
            to[s] = std::move((*matrix)[s]);
      continue;
    }
    auto &lanes = std::get<Lanes>(source);
    Lanes &to = scalars[value];
    if (isWhole) {
      to = std::move(lanes);
      continue;
    }
    to.floats.resize(lanes.floats.size());
    to.ints.resize(lanes.ints.size());
    int64_t width =
        std::max(lanes.floats.size(), lanes.ints.size()) / numThreads;
    for (int64_t n = 0; n < numThreads * width; ++n) {
      if (!mask[n / width])
        continue;
      if (!lanes.floats.empty())
        to.floats[n] = lanes.floats[n];
      if (!lanes.ints.empty())
        to.ints[n] = lanes.ints[n];
    }
  }
}

void BlockInterpreter::setInts(Value value, function_ref<int64_t(int64_t)> fn) {
  Lanes &lanes = scalars[value];
  lanes.ints.resize(numThreads);
  for (int64_t t = 0; t < numThreads; ++t)
    lanes.ints[t] = fn(t);
}

LogicalResult BlockInterpreter::getUniform(Operation *op, OpFoldResult value,
                                           int64_t &result) {
  if (auto attribute = dyn_cast<Attribute>(value)) {
    result = cast<IntegerAttr>(attribute).getInt();
    return success();
  }
  ArrayRef<int64_t> numbers = scalars.find(cast<Value>(value))->second.ints;
  result = numbers.front();
  if (!llvm::all_equal(numbers))
    return op->emitOpError("makes a view that differs between threads");
  return success();
}

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

LogicalResult BlockInterpreter::prepare() {
  auto size = kernel.getKnownBlockSize();
  if (!size)
    return kernel.emitOpError("does not say how many threads run it");
  numThreads = 1;
  for (int32_t dim : *size)
    numThreads *= dim;
  numSubgroups = llvm::divideCeil(numThreads, options.subgroup);
  subgroupEpochs.assign(numSubgroups, 0);
  if (arguments.size() != kernel.getNumArguments())
    return kernel.emitOpError("takes ")
           << kernel.getNumArguments() << " arguments, not "
           << arguments.size();
  return success();
}

LogicalResult BlockInterpreter::runBlock(ArrayRef<int64_t> at) {
  point = at;
  ++epoch;
  // The arguments of the body include the buffers.
  for (auto [argument, value] : llvm::zip_equal(
           kernel.getArguments().take_front(arguments.size()), arguments)) {
    if (const auto *array = std::get_if<Array>(&value))
      views[argument] = {*array};
    else if (const auto *number = std::get_if<double>(&value))
      scalars[argument] = {std::vector<double>(numThreads, *number), {}};
    else
      scalars[argument] = {
          {}, std::vector<int64_t>(numThreads, std::get<int64_t>(value))};
  }
  auto allocate = [&](BlockArgument buffer, bool isPrivate) {
    auto type = cast<MemRefType>(buffer.getType());
    int64_t size =
        type.getNumElements() * getNumElements(type.getElementType());
    Array array = *Array::zeros(getElementTypeOrSelf(type.getElementType()),
                                {isPrivate ? size * numThreads : size});
    llvm::fill(array.buffer->floats, std::numeric_limits<double>::quiet_NaN());
    llvm::fill(array.buffer->ints, -1);
    array.sizes = {size};
    views[buffer] = {array, isPrivate ? size : 0};
  };
  for (BlockArgument buffer : kernel.getWorkgroupAttributions())
    allocate(buffer, /*isPrivate=*/false);
  for (BlockArgument buffer : kernel.getPrivateAttributions())
    allocate(buffer, /*isPrivate=*/true);
  // Buffers of earlier blocks are gone.
  traces.clear();
  return execute(kernel.getBody().front(), Mask(numThreads, true));
}

LogicalResult BlockInterpreter::execute(Block &block, const Mask &mask) {
  FailureOr<Steps *> all = getSteps(block);
  if (failed(all))
    return failure();
  for (Step &step : **all)
    if (step.scalars)
      run(*step.scalars);
    else if (failed(execute(*step.op, mask)))
      return failure();
  return success();
}

LogicalResult BlockInterpreter::execute(Operation &op, const Mask &mask) {
  auto number = [&](Value result, function_ref<int64_t(int64_t)> fn) {
    setInts(result, fn);
    return success();
  };
  // x is the query tile, y the head, z the batch.
  auto dimension = [](gpu::Dimension dim) { return 2 - static_cast<int>(dim); };
  return llvm::TypeSwitch<Operation *, LogicalResult>(&op)
      .Case([&](scf::ForOp loop) { return executeFor(loop, mask); })
      .Case([&](scf::IfOp branch) { return executeIf(branch, mask); })
      .Case([&](gpu::ThreadIdOp id) {
        bool isX = id.getDimension() == gpu::Dimension::x;
        return number(id, [&](int64_t t) { return isX ? t : 0; });
      })
      .Case([&](gpu::BlockIdOp id) {
        return number(
            id, [&](int64_t) { return point[dimension(id.getDimension())]; });
      })
      .Case([&](gpu::GridDimOp size) {
        return number(size, [&](int64_t) {
          return grid[dimension(size.getDimension())];
        });
      })
      .Case([&](gpu::LaneIdOp id) {
        return number(id, [&](int64_t t) { return t % options.subgroup; });
      })
      .Case([&](gpu::SubgroupIdOp id) {
        return number(id, [&](int64_t t) { return t / options.subgroup; });
      })
      .Case([&](gpu::SubgroupSizeOp size) {
        return number(size, [&](int64_t) { return options.subgroup; });
      })
      .Case([&](gpu::BarrierOp barrier) { return executeBarrier(op, mask); })
      .Case([&](kernel::UniformLoadOp load) {
        return executeUniformLoad(load, mask);
      })
      .Case([&](kernel::ArriveOp arrival) {
        return executeArrival(arrival, mask);
      })
      .Case([&](attn::tile::SubgroupBarrierOp) {
        return executeSubgroupBarrier(op, mask);
      })
      .Case([&](gpu::SubgroupReduceOp vote) { return executeVote(vote, mask); })
      .Case(
          [&](gpu::ShuffleOp shuffle) { return executeShuffle(shuffle, mask); })
      .Case([&](kernel::LoadMatrixOp load) {
        return executeMatrixLoad(load, mask);
      })
      .Case([&](kernel::StoreMatrixOp store) {
        return executeMatrixStore(store, mask);
      })
      .Case([&](kernel::MultiplyMatricesOp product) {
        return executeProduct(product, mask);
      })
      .Case([&](kernel::FillMatrixOp fill) {
        return executeFill(fill), success();
      })
      .Case([&](kernel::ExtractElementOp extract) {
        return executeExtract(extract);
      })
      .Case([&](kernel::InsertElementOp insert) {
        return executeInsert(insert, mask);
      })
      .Case([&](kernel::ConvertMatrixOp convert) {
        return executeConvertMatrix(convert), success();
      })
      .Case([&](vector::LoadOp load) {
        return executeLoad(getVector(load), mask);
      })
      .Case([&](vector::StoreOp store) {
        return executeStore(getVector(store), store.getValueToStore(), mask);
      })
      .Case<vector::FromElementsOp, vector::BroadcastOp, vector::ExtractOp,
            math::FmaOp, arith::SelectOp>(
          [&](auto) { return executeVector(op); })
      .Case([&](arith::ConstantOp constant) {
        return executeVectorConstant(constant);
      })
      .Case([&](memref::ExtractAlignedPointerAsIndexOp address) {
        // Whatever is bound begins at an address that all types are aligned to.
        return number(address, [](int64_t) { return 0; });
      })
      .Case([&](memref::ReinterpretCastOp view) { return executeView(view); })
      .Case([&](memref::LoadOp load) {
        return executeLoad(getElement(load), mask);
      })
      .Case([&](memref::StoreOp store) {
        return executeStore(getElement(store), store.getValue(), mask);
      })
      .Case<arith::ExtFOp, arith::TruncFOp>([&](auto) {
        // Of vectors, whose elements are stored rounded.
        Lanes lanes = scalars.find(op.getOperand(0))->second;
        scalars[op.getResult(0)] = std::move(lanes);
        return success();
      })
      .Default([&](Operation *) {
        return op.emitOpError(
            "is not an op that the reference interpreter knows");
      });
}

//===----------------------------------------------------------------------===//
// Flow and scalars
//===----------------------------------------------------------------------===//

LogicalResult BlockInterpreter::executeFor(scf::ForOp op, const Mask &mask) {
  Lanes at = scalars.find(op.getLowerBound())->second;
  std::vector<int64_t> upper = scalars.find(op.getUpperBound())->second.ints;
  std::vector<int64_t> step = scalars.find(op.getStep())->second.ints;
  set(op.getRegionIterArgs(), take(op.getInitArgsMutable(), mask), mask);
  Mask active(mask);
  while (true) {
    for (int64_t t = 0; t < numThreads; ++t) {
      if (active[t] && step[t] <= 0)
        return op.emitOpError("has the step ")
               << step[t] << ", expected more than 0";
      active[t] = active[t] && at.ints[t] < upper[t];
    }
    if (!llvm::is_contained(active, true))
      break;
    scalars[op.getInductionVar()] = at;
    if (failed(execute(*op.getBody(), active)))
      return failure();
    set(op.getRegionIterArgs(),
        take(op.getBody()->getTerminator()->getOpOperands(), active), active);
    for (int64_t t = 0; t < numThreads; ++t)
      at.ints[t] += active[t] ? step[t] : 0;
  }
  Values results;
  for (Value value : op.getRegionIterArgs())
    if (auto it = fragments.find(value); it != fragments.end())
      results.push_back(std::move(it->second));
    else
      results.push_back(std::move(scalars.find(value)->second));
  set(op.getResults(), std::move(results), mask);
  return success();
}

LogicalResult BlockInterpreter::executeIf(scf::IfOp op, const Mask &mask) {
  std::vector<int64_t> condition = scalars.find(op.getCondition())->second.ints;
  for (bool taken : {true, false}) {
    Region &region = taken ? op.getThenRegion() : op.getElseRegion();
    Mask active(mask);
    for (int64_t t = 0; t < numThreads; ++t)
      active[t] = active[t] && (condition[t] != 0) == taken;
    if (region.empty() || !llvm::is_contained(active, true))
      continue;
    if (failed(execute(region.front(), active)))
      return failure();
    set(op.getResults(),
        take(region.front().getTerminator()->getOpOperands(), active), active);
  }
  return success();
}

/// Whether a thread computes `op` alone, from numbers and to numbers.
static bool isScalar(Operation &op) {
  auto isNumber = [](Type type) { return type.isIntOrIndexOrFloat(); };
  return isa_and_nonnull<arith::ArithDialect, math::MathDialect,
                         attn::AttnDialect>(op.getDialect()) &&
         op.getNumRegions() == 0 && op.getNumResults() != 0 &&
         llvm::all_of(op.getResultTypes(), isNumber) &&
         llvm::all_of(op.getOperandTypes(), isNumber);
}

FailureOr<BlockInterpreter::Steps *> BlockInterpreter::getSteps(Block &block) {
  if (auto it = steps.find(&block); it != steps.end())
    return it->second.get();
  auto made = std::make_unique<Steps>();
  SmallVector<Operation *> ops;
  auto compileOps = [&] {
    if (ops.empty())
      return success();
    made->push_back({ops.front(), std::make_unique<Compiled>()});
    LogicalResult status = compile(ops, *made->back().scalars);
    ops.clear();
    return status;
  };
  for (Operation &op : block.without_terminator()) {
    if (isScalar(op)) {
      ops.push_back(&op);
      continue;
    }
    if (failed(compileOps()))
      return failure();
    made->push_back({&op});
  }
  if (failed(compileOps()))
    return failure();
  return (steps[&block] = std::move(made)).get();
}

LogicalResult BlockInterpreter::compile(ArrayRef<Operation *> ops,
                                        Compiled &compiled) {
  compiled.program = std::make_unique<ScalarProgram>(noValues);
  ScalarProgram &program = *compiled.program;
  SmallPtrSet<Operation *, 16> inside(ops.begin(), ops.end());
  DenseSet<Value> known;
  for (Operation *op : ops) {
    for (Value operand : op->getOperands())
      if (!inside.contains(operand.getDefiningOp()) &&
          known.insert(operand).second)
        compiled.inputs.emplace_back(operand, program.addInput(operand));
    // In float64 nothing rounds, as with tile.convert.
    if (options.wide && isa<arith::ExtFOp, arith::TruncFOp>(op))
      program.alias(op->getResult(0),
                    program.getRegister(op->getOperand(0), *op));
    else if (failed(program.append(*op)))
      return failure();
    for (Value result : op->getResults())
      if (llvm::any_of(result.getUsers(),
                       [&](Operation *user) { return !inside.contains(user); }))
        compiled.outputs.emplace_back(result, program.getRegister(result, *op));
  }
  if (options.wide)
    compiled.wide = program.makeRegisters<double>();
  else
    compiled.narrow = program.makeRegisters<float>();
  return success();
}

void BlockInterpreter::run(Compiled &compiled) {
  for (auto [value, reg] : compiled.outputs) {
    Lanes &lanes = scalars[value];
    (ScalarProgram::isFloat(value) ? void(lanes.floats.resize(numThreads))
                                   : void(lanes.ints.resize(numThreads)));
  }
  auto runRows = [&](auto &registers) {
    constexpr int64_t rowSize =
        std::remove_reference_t<decltype(registers)>::rowSize;
    for (int64_t first = 0; first < numThreads; first += rowSize) {
      int64_t count = std::min(numThreads - first, rowSize);
      for (auto [value, reg] : compiled.inputs) {
        const Lanes &lanes = scalars.find(value)->second;
        if (ScalarProgram::isFloat(value))
          std::copy_n(lanes.floats.begin() + first, count,
                      registers.floatRow(reg));
        else
          std::copy_n(lanes.ints.begin() + first, count, registers.intRow(reg));
      }
      compiled.program->run(registers, count);
      for (auto [value, reg] : compiled.outputs) {
        Lanes &lanes = scalars.find(value)->second;
        if (ScalarProgram::isFloat(value))
          std::copy_n(registers.floatRow(reg), count,
                      lanes.floats.begin() + first);
        else
          std::copy_n(registers.intRow(reg), count, lanes.ints.begin() + first);
      }
    }
  };
  options.wide ? runRows(compiled.wide) : runRows(compiled.narrow);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

LogicalResult BlockInterpreter::executeView(memref::ReinterpretCastOp op) {
  View view = views.find(op.getSource())->second;
  OpFoldResult offset = op.getMixedOffsets().front();
  if (auto number = dyn_cast<Attribute>(offset)) {
    view.array.offset = view.array.origin + cast<IntegerAttr>(number).getInt();
  } else {
    ArrayRef<int64_t> offsets = scalars.find(cast<Value>(offset))->second.ints;
    view.array.offset = view.array.origin + offsets.front();
    if (!llvm::all_equal(offsets))
      for (int64_t own : offsets)
        view.shifts.push_back(own - offsets.front());
  }
  auto collect = [&](ArrayRef<OpFoldResult> from, SmallVector<int64_t> &to) {
    to.resize(from.size());
    return success(
        llvm::all_of_zip(from, to, [&](OpFoldResult value, int64_t &number) {
          return succeeded(getUniform(op, value, number));
        }));
  };
  if (failed(collect(op.getMixedSizes(), view.array.sizes)) ||
      failed(collect(op.getMixedStrides(), view.array.strides)))
    return failure();
  views[op.getResult()] = view;
  return success();
}

FailureOr<int64_t> BlockInterpreter::locate(Operation *op, const View &view,
                                            ArrayRef<int64_t> indices,
                                            int64_t thread) {
  int64_t position = view.array.at(indices);
  if (!view.shifts.empty())
    position += view.shifts[thread];
  int64_t size = std::max(view.array.buffer->floats.size(),
                          view.array.buffer->ints.size());
  if (!view.array.contains(indices) || position < 0 || position >= size) {
    InFlightDiagnostic error = op->emitOpError("thread ");
    error << thread << " accesses [";
    llvm::interleaveComma(indices, error);
    error << "] of memory that has sizes [";
    llvm::interleaveComma(view.array.sizes, error);
    return error << "]", failure();
  }
  return position + view.privateSize * thread;
}

std::vector<Trace> &BlockInterpreter::getTraces(const View &view) {
  Buffer &buffer = *view.array.buffer;
  std::vector<Trace> &all = traces[&buffer];
  all.resize(std::max(buffer.floats.size(), buffer.ints.size()));
  return all;
}

Trace &BlockInterpreter::getTrace(std::vector<Trace> &all, int64_t position) {
  Trace &trace = all[position];
  if (trace.epoch != epoch)
    trace = {epoch, {}, {}};
  return trace;
}

LogicalResult BlockInterpreter::noteRead(Operation *op, std::vector<Trace> &all,
                                         int64_t position, int64_t thread) {
  Trace &trace = getTrace(all, position);
  if (!isOrdered(trace.writer, thread))
    return op->emitOpError("thread ")
           << thread << " reads element " << position
           << ", which another thread has written since the last barrier";
  note(trace.reader, thread);
  return success();
}

LogicalResult BlockInterpreter::noteWrite(Operation *op,
                                          std::vector<Trace> &all,
                                          int64_t position, int64_t thread,
                                          bool changes) {
  Trace &trace = getTrace(all, position);
  // Threads may store the same number together.
  if (!isOrdered(trace.reader, thread) ||
      (changes && !isOrdered(trace.writer, thread)))
    return op->emitOpError("thread ")
           << thread << " writes element " << position
           << ", which another thread has accessed since the last barrier";
  note(trace.writer, thread);
  return success();
}

/// Of the first element of a vector.
static LogicalResult checkAlignment(Operation *op,
                                    std::optional<uint64_t> alignment,
                                    const View &view, int64_t position) {
  int64_t bytes = view.array.elementType.getIntOrFloatBitWidth() / 8;
  if (!alignment || position * bytes % *alignment == 0)
    return success();
  return op->emitOpError("is at byte ")
         << position * bytes << ", which is no multiple of " << *alignment;
}

LogicalResult BlockInterpreter::forEachAccess(
    const Access &access, const View &view, const Mask &mask,
    function_ref<LogicalResult(int64_t, int64_t, int64_t)> visit) {
  auto indices = llvm::map_to_vector(access.indices, [&](Value index) {
    return scalars.find(index)->second.ints.data();
  });
  SmallVector<int64_t> at(indices.size());
  for (int64_t t = 0; t < numThreads; ++t) {
    if (!mask[t])
      continue;
    for (auto [index, number] : llvm::zip_equal(indices, at))
      number = index[t];
    if (access.width > 1)
      at.back() *= access.step;
    for (int64_t k = 0; k < access.width; ++k) {
      FailureOr<int64_t> position = locate(access.op, view, at, t);
      if (failed(position) ||
          (k == 0 && failed(checkAlignment(access.op, access.alignment, view,
                                           *position))) ||
          failed(visit(t * access.width + k, *position, t)))
        return failure();
      if (access.width > 1)
        ++at.back();
    }
  }
  return success();
}

bool BlockInterpreter::readsEmptyTensor(const Access &access, const View &view,
                                        const Mask &mask) {
  // Launches bind this many zeros for a tensor without elements
  // (docs/artifact.md).
  constexpr int64_t bytes = 16;
  const Buffer &buffer = *view.array.buffer;
  if (!buffer.floats.empty() || !buffer.ints.empty())
    return false;
  Type element = getElementTypeOrSelf(
      cast<MemRefType>(access.memory.getType()).getElementType());
  int64_t available =
      bytes / llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
  for (int64_t t = 0; t < numThreads; ++t)
    if (mask[t] &&
        llvm::any_of(getIndices(access.indices, t), [&](int64_t index) {
          return index < 0 || index * access.step + access.width > available;
        }))
      return false;
  return true;
}

LogicalResult BlockInterpreter::executeLoad(const Access &access,
                                            const Mask &mask) {
  const View &view = views.find(access.memory)->second;
  std::vector<Trace> &all = getTraces(view);
  int64_t size = numThreads * access.width;
  Lanes loaded;
  (view.array.isFloat() ? void(loaded.floats.resize(size))
                        : void(loaded.ints.resize(size)));
  if (!readsEmptyTensor(access, view, mask) &&
      failed(forEachAccess(
          access, view, mask, [&](int64_t n, int64_t position, int64_t t) {
            if (failed(noteRead(access.op, all, position, t)))
              return failure();
            if (view.array.isFloat())
              loaded.floats[n] = view.array.buffer->floats[position];
            else
              loaded.ints[n] = view.array.buffer->ints[position];
            return success();
          })))
    return failure();
  scalars[access.op->getResult(0)] = std::move(loaded);
  return success();
}

LogicalResult BlockInterpreter::executeStore(const Access &access, Value stored,
                                             const Mask &mask) {
  const View &view = views.find(access.memory)->second;
  const Lanes &value = scalars.find(stored)->second;
  std::vector<Trace> &all = getTraces(view);
  std::optional<Rounding> round;
  if (view.array.isFloat())
    round = getRounding(view.array.elementType);
  return forEachAccess(
      access, view, mask, [&](int64_t n, int64_t position, int64_t t) {
        Buffer &buffer = *view.array.buffer;
        bool changes = view.array.isFloat()
                           ? buffer.floats[position] != value.floats[n]
                           : buffer.ints[position] != value.ints[n];
        if (failed(noteWrite(access.op, all, position, t, changes)))
          return failure();
        if (view.array.isFloat())
          buffer.floats[position] = (*round)(value.floats[n]);
        else
          buffer.ints[position] = value.ints[n];
        return success();
      });
}

//===----------------------------------------------------------------------===//
// What threads do together
//===----------------------------------------------------------------------===//

LogicalResult BlockInterpreter::executeBarrier(Operation &op,
                                               const Mask &mask) {
  if (llvm::is_contained(mask, false))
    return op.emitOpError("waits for threads that do not come here");
  ++epoch;
  return success();
}

LogicalResult BlockInterpreter::executeSubgroupBarrier(Operation &op,
                                                       const Mask &mask) {
  if (failed(checkSubgroups(&op, mask)))
    return failure();
  for (int64_t s = 0; s < numSubgroups; ++s)
    subgroupEpochs[s] += mask[s * options.subgroup];
  return success();
}

LogicalResult BlockInterpreter::executeUniformLoad(kernel::UniformLoadOp op,
                                                   const Mask &mask) {
  ValueRange indices = op->getOperands().drop_front();
  if (failed(executeBarrier(*op, mask)) ||
      failed(executeLoad({op, op.getMemory(), indices}, mask)))
    return failure();
  if (!llvm::all_equal(scalars.find(op.getIndex())->second.ints))
    return op.emitOpError("reads a place of its own for each thread");
  return executeBarrier(*op, mask);
}

/// Blocks run one after the other.
LogicalResult BlockInterpreter::executeArrival(kernel::ArriveOp op,
                                               const Mask &mask) {
  if (failed(executeBarrier(*op, mask)))
    return failure();
  const std::vector<int64_t> &places = scalars.find(op.getIndex())->second.ints,
                             &counts = scalars.find(op.getCount())->second.ints;
  if (!llvm::all_equal(places) || !llvm::all_equal(counts))
    return op.emitOpError("counts at a place of its own for each thread");
  View &view = views.find(op.getCounters())->second;
  int64_t place = places.front(), size = view.array.sizes.front();
  if (!view.shifts.empty())
    return op.emitOpError("sees memory that differs between threads");
  if (place < 0 || place >= size)
    return op.emitOpError("counts in element ") << place << " of " << size;
  int64_t &counter =
      view.array.buffer
          ->ints[view.array.offset + place * view.array.strides.front()];
  bool isLast = ++counter == counts.front();
  if (isLast)
    counter = 0;
  setInts(op.getLast(), [&](int64_t) { return isLast; });
  return executeBarrier(*op, mask);
}

LogicalResult BlockInterpreter::executeVote(gpu::SubgroupReduceOp op,
                                            const Mask &mask) {
  if (op.getOp() != gpu::AllReduceOperation::OR || !op.getType().isInteger(1))
    return op.emitOpError("reduces in a way that no lowering asks for");
  if (failed(checkSubgroups(op, mask)))
    return failure();
  const std::vector<int64_t> votes = scalars.find(op.getValue())->second.ints;
  setInts(op.getResult(), [&](int64_t t) {
    auto first = votes.begin() + (t - t % options.subgroup);
    return std::any_of(first, first + options.subgroup,
                       [](int64_t vote) { return vote != 0; });
  });
  return success();
}

//===----------------------------------------------------------------------===//
// Vectors
//===----------------------------------------------------------------------===//

LogicalResult BlockInterpreter::executeVectorConstant(arith::ConstantOp op) {
  auto elements = dyn_cast<DenseFPElementsAttr>(op.getValue());
  if (!elements || !elements.isSplat())
    return op.emitOpError("is a vector that no lowering makes");
  double value = elements.getSplatValue<APFloat>().convertToDouble();
  scalars[op.getResult()] = {
      std::vector<double>(numThreads * elements.getNumElements(), value), {}};
  return success();
}

LogicalResult BlockInterpreter::executeVector(Operation &op) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(&op)
      .Case([&](vector::FromElementsOp elements) {
        return executeFromElements(elements), success();
      })
      .Case([&](vector::BroadcastOp broadcast) {
        return executeBroadcast(broadcast), success();
      })
      .Case([&](vector::ExtractOp extract) {
        return executeExtract(extract), success();
      })
      .Default([&](Operation *) {
        if (auto select = dyn_cast<arith::SelectOp>(op))
          executeVectorSelect(select);
        else
          executeVectorFma(cast<math::FmaOp>(op));
        return success();
      });
}

void BlockInterpreter::executeFromElements(vector::FromElementsOp op) {
  int64_t width = op.getElements().size();
  Lanes vector;
  vector.floats.resize(numThreads * width);
  for (auto [k, element] : llvm::enumerate(op.getElements())) {
    const std::vector<double> &from = scalars.find(element)->second.floats;
    for (int64_t t = 0; t < numThreads; ++t)
      vector.floats[t * width + k] = from[t];
  }
  scalars[op.getResult()] = std::move(vector);
}

void BlockInterpreter::executeBroadcast(vector::BroadcastOp op) {
  int64_t width = getNumElements(op.getType());
  const std::vector<double> from = scalars.find(op.getSource())->second.floats;
  std::vector<double> &to = scalars[op.getResult()].floats;
  to.resize(numThreads * width);
  for (int64_t n = 0; n < numThreads * width; ++n)
    to[n] = from[n / width];
}

void BlockInterpreter::executeExtract(vector::ExtractOp op) {
  int64_t width = getNumElements(op.getSource().getType());
  const std::vector<double> from = scalars.find(op.getSource())->second.floats;
  std::vector<double> &to = scalars[op.getResult()].floats;
  to.resize(numThreads);
  for (int64_t t = 0; t < numThreads; ++t)
    to[t] = from[t * width + op.getStaticPosition().front()];
}

void BlockInterpreter::executeVectorSelect(arith::SelectOp op) {
  int64_t width = getNumElements(op.getType());
  auto get = [&](Value value) { return scalars.find(value)->second.floats; };
  const std::vector<double> yes = get(op.getTrueValue()),
                            no = get(op.getFalseValue());
  const std::vector<int64_t> is = scalars.find(op.getCondition())->second.ints;
  std::vector<double> &to = scalars[op.getResult()].floats;
  to.resize(numThreads * width);
  for (int64_t n = 0; n < numThreads * width; ++n)
    to[n] = is[n / width] ? yes[n] : no[n];
}

void BlockInterpreter::executeVectorFma(math::FmaOp op) {
  auto get = [&](Value value) { return scalars.find(value)->second.floats; };
  const std::vector<double> x = get(op.getA()), y = get(op.getB()),
                            z = get(op.getC());
  std::vector<double> &to = scalars[op.getResult()].floats;
  to.resize(x.size());
  for (size_t n = 0; n < x.size(); ++n)
    to[n] = options.wide
                ? std::fma(x[n], y[n], z[n])
                : std::fma(static_cast<float>(x[n]), static_cast<float>(y[n]),
                           static_cast<float>(z[n]));
}

//===----------------------------------------------------------------------===//
// Lanes of a subgroup
//===----------------------------------------------------------------------===//

LogicalResult BlockInterpreter::executeShuffle(gpu::ShuffleOp op,
                                               const Mask &mask) {
  const Lanes value = scalars.find(op.getValue())->second;
  const std::vector<int64_t> offset = scalars.find(op.getOffset())->second.ints;
  bool isXor = op.getMode() == gpu::ShuffleMode::XOR;
  if (!isXor && op.getMode() != gpu::ShuffleMode::IDX)
    return op.emitOpError("shuffles in a way that no lowering makes");
  Lanes &shuffled = scalars[op.getShuffleResult()];
  shuffled = value;
  for (int64_t t = 0; t < numThreads; ++t) {
    if (!mask[t])
      continue;
    int64_t lane = t % options.subgroup;
    int64_t from = isXor ? lane ^ offset[t] : offset[t];
    int64_t thread = t - lane + from;
    if (from < 0 || from >= options.subgroup || thread >= numThreads ||
        !mask[thread])
      return op.emitOpError("lane ")
             << lane << " asks lane " << from << ", which is not there";
    if (!value.floats.empty())
      shuffled.floats[t] = value.floats[thread];
    else
      shuffled.ints[t] = value.ints[thread];
  }
  setInts(op.getValid(), [](int64_t) { return 1; });
  return success();
}

LogicalResult BlockInterpreter::checkSubgroups(Operation *op,
                                               const Mask &mask) {
  for (int64_t t = 0; t < numThreads; ++t)
    if (mask[t] != mask[t - t % options.subgroup])
      return op->emitOpError("is reached by a part of a subgroup");
  if (numThreads % options.subgroup != 0)
    return op->emitOpError("runs in a subgroup with fewer threads than lanes");
  return success();
}

LogicalResult BlockInterpreter::forEachElement(
    Operation *op, Value memory, Value index, int64_t stride, bool transposed,
    kernel::MatrixType type,
    function_ref<LogicalResult(int64_t, int64_t, int64_t)> fn) {
  const View &view = views.find(memory)->second;
  if (!view.shifts.empty())
    return op->emitOpError("sees memory that differs between threads");
  int64_t rows = type.getRows(), cols = type.getCols();
  int64_t width =
      getNumElements(cast<MemRefType>(memory.getType()).getElementType());
  for (int64_t s = 0; s < numSubgroups; ++s) {
    ArrayRef<int64_t> places =
        ArrayRef(scalars.find(index)->second.ints)
            .slice(s * options.subgroup, options.subgroup);
    if (!llvm::all_equal(places))
      return op->emitOpError("has lanes of a subgroup at different places");
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t col = 0; col < cols; ++col) {
        auto [outer, inner] =
            transposed ? std::pair(col, row) : std::pair(row, col);
        FailureOr<int64_t> position =
            locate(op, view, (places.front() + outer * stride) * width + inner,
                   s * options.subgroup);
        if (failed(position) || failed(fn(s, row * cols + col, *position)))
          return failure();
      }
  }
  return success();
}

LogicalResult BlockInterpreter::executeMatrixLoad(kernel::LoadMatrixOp op,
                                                  const Mask &mask) {
  if (failed(checkSubgroups(op, mask)))
    return failure();
  kernel::MatrixType type = op.getType();
  const View &view = views.find(op.getMemory())->second;
  std::vector<Trace> &all = getTraces(view);
  Fragments loaded(numSubgroups, std::vector<double>(type.getNumElements()));
  LogicalResult status = forEachElement(
      op, op.getMemory(), op.getIndex(), op.getStride(), op.getTransposed(),
      type, [&](int64_t s, int64_t element, int64_t position) {
        if (!mask[s * options.subgroup])
          return success();
        loaded[s][element] = view.array.buffer->floats[position];
        // By another lane than the one that wrote it, perhaps.
        return noteRead(op, all, position, getGroup(Group::Loads, s));
      });
  fragments[op.getResult()] = std::move(loaded);
  return status;
}

LogicalResult BlockInterpreter::executeMatrixStore(kernel::StoreMatrixOp op,
                                                   const Mask &mask) {
  if (failed(checkSubgroups(op, mask)))
    return failure();
  kernel::MatrixType type = op.getMatrix().getType();
  const View &view = views.find(op.getMemory())->second;
  const Fragments &stored = fragments.find(op.getMatrix())->second;
  std::vector<Trace> &all = getTraces(view);
  return forEachElement(op, op.getMemory(), op.getIndex(), op.getStride(),
                        op.getTransposed(), type,
                        [&](int64_t s, int64_t element, int64_t position) {
                          if (!mask[s * options.subgroup])
                            return success();
                          double &to = view.array.buffer->floats[position];
                          bool changes = to != stored[s][element];
                          to = stored[s][element];
                          return noteWrite(op, all, position,
                                           getGroup(Group::Stores, s), changes);
                        });
}

LogicalResult BlockInterpreter::executeProduct(kernel::MultiplyMatricesOp op,
                                               const Mask &mask) {
  if (failed(checkSubgroups(op, mask)))
    return failure();
  int64_t rows = op.getType().getRows(), cols = op.getType().getCols();
  int64_t inner = op.getA().getType().getCols();
  Fragments result = take(op.getAccMutable(), mask);
  const Fragments &left = fragments.find(op.getA())->second;
  const Fragments &right = fragments.find(op.getB())->second;
  Rounding round = getRounding(op.getType().getElementType());
  for (int64_t s = 0; s < numSubgroups; ++s)
    for (int64_t row = 0; mask[s * options.subgroup] && row < rows; ++row)
      for (int64_t col = 0; col < cols; ++col) {
        double &sum = result[s][row * cols + col];
        for (int64_t k = 0; k < inner; ++k)
          sum =
              round(sum + left[s][row * inner + k] * right[s][k * cols + col]);
      }
  fragments[op.getResult()] = std::move(result);
  return success();
}

void BlockInterpreter::executeFill(kernel::FillMatrixOp op) {
  const Lanes &value = scalars.find(op.getValue())->second;
  Fragments filled;
  for (int64_t s = 0; s < numSubgroups; ++s)
    filled.emplace_back(op.getType().getNumElements(),
                        value.floats[s * options.subgroup]);
  fragments[op.getResult()] = std::move(filled);
}

/// In float64 nothing rounds, as with tile.convert.
void BlockInterpreter::executeConvertMatrix(kernel::ConvertMatrixOp op) {
  Fragments result = fragments.find(op.getInput())->second;
  Rounding round = getRounding(op.getType().getElementType());
  for (std::vector<double> &elements : result)
    for (double &number : elements)
      number = round(number);
  fragments[op.getResult()] = std::move(result);
}

FailureOr<int64_t> BlockInterpreter::getElement(Operation *op,
                                                kernel::MatrixType type,
                                                int64_t lane, int64_t index) {
  std::vector<int64_t> &order = orders[type];
  if (order.empty()) {
    for (int64_t n = 0; n < type.getNumElements(); ++n)
      order.push_back(n);
    std::string text;
    llvm::raw_string_ostream(text) << type;
    std::seed_seq seed(text.begin(), text.end());
    std::shuffle(order.begin(), order.end(), std::mt19937(seed));
  }
  int64_t position = lane + index * options.subgroup;
  if (index < 0 || position >= static_cast<int64_t>(order.size()))
    return op->emitOpError("asks for element ")
           << index << " of a lane, which has "
           << order.size() / options.subgroup;
  return order[position];
}

LogicalResult BlockInterpreter::executeExtract(kernel::ExtractElementOp op) {
  kernel::MatrixType type = op.getMatrix().getType();
  const Fragments &from = fragments.find(op.getMatrix())->second;
  Lanes &lanes = scalars[op.getResult()];
  lanes.floats.resize(numThreads);
  for (int64_t t = 0; t < numThreads; ++t) {
    FailureOr<int64_t> element =
        getElement(op, type, t % options.subgroup, op.getNumber());
    if (failed(element))
      return failure();
    lanes.floats[t] = from[t / options.subgroup][*element];
  }
  return success();
}

LogicalResult BlockInterpreter::executeInsert(kernel::InsertElementOp op,
                                              const Mask &mask) {
  kernel::MatrixType type = op.getType();
  Fragments result = take(op.getMatrixMutable(), mask);
  const Lanes &value = scalars.find(op.getElement())->second;
  for (int64_t t = 0; t < numThreads; ++t) {
    FailureOr<int64_t> element =
        getElement(op, type, t % options.subgroup, op.getNumber());
    if (failed(element))
      return failure();
    result[t / options.subgroup][*element] = value.floats[t];
  }
  fragments[op.getResult()] = std::move(result);
  return success();
}

LogicalResult attn::reference::runKernel(gpu::GPUFuncOp kernel,
                                         ArrayRef<RuntimeValue> arguments,
                                         ArrayRef<int64_t> grid,
                                         const KernelOptions &options) {
  BlockInterpreter interpreter(kernel, arguments, grid, options);
  if (failed(interpreter.prepare()))
    return failure();
  for (int64_t x = 0; x < grid[0]; ++x)
    for (int64_t y = 0; y < grid[1]; ++y)
      for (int64_t z = 0; z < grid[2]; ++z)
        if (failed(interpreter.runBlock({x, y, z})))
          return failure();
  return success();
}
