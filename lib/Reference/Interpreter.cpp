//===- Interpreter.cpp - Executes attention as it is defined --------------===//
//
// Walks the host function: control flow, allocation, views and scalars here;
// the attn ops in Attention.cpp, scalar arithmetic in ScalarProgram.cpp.
//
//===----------------------------------------------------------------------===//

#include "attn/Reference/Interpreter.h"
#include "Attention.h"
#include "ScalarProgram.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace attn;
using namespace attn::reference;

//===----------------------------------------------------------------------===//
// What a function takes and gives
//===----------------------------------------------------------------------===//

/// True if `op` makes a view of its first operand. MLIR 22 does not count
/// memref.transpose among the view-like ops.
static bool isView(Operation *op) {
  return isa<ViewLikeOpInterface, memref::TransposeOp>(op);
}

/// True if `value`, a memref, or a view of it is written (`writes`) or read.
static bool isAccessed(Value value, bool writes) {
  for (OpOperand &use : value.getUses()) {
    Operation *user = use.getOwner();
    if (isView(user)) {
      if (isAccessed(user->getResult(0), writes))
        return true;
      continue;
    }
    // Anything unknown does both.
    auto effects = dyn_cast<MemoryEffectOpInterface>(user);
    if (!effects)
      return true;
    if (writes
            ? effects.getEffectOnValue<MemoryEffects::Write>(value).has_value()
            : effects.getEffectOnValue<MemoryEffects::Read>(value).has_value())
      return true;
  }
  return false;
}

/// Fills in what `value`, the result or the destination of an op, is.
static void classify(Operation *op, unsigned resultNumber, Output &output) {
  if (auto attention = dyn_cast<AttentionOp>(op)) {
    output.kind = resultNumber == 1 ? Output::Kind::Lse : Output::Kind::Value;
    output.inputType =
        cast<ShapedType>(attention.getQuery().getType()).getElementType();
    output.softcap = attention.getSoftcapAttr() != nullptr;
    attention.getScore().walk([&](math::TanhOp) { output.softcap = true; });
    return;
  }
  auto merge = dyn_cast<MergeOp>(op);
  if (!merge)
    return;
  // The states decide: follow the first one.
  if (auto state = merge.getO1().getDefiningOp<AttentionOp>())
    classify(state, 0, output);
  else
    output.inputType =
        cast<ShapedType>(merge.getO1().getType()).getElementType();
  output.kind = resultNumber == 1 ? Output::Kind::Lse : Output::Kind::Value;
}

SmallVector<Output> attn::reference::getOutputs(func::FuncOp function) {
  SmallVector<Output> outputs;
  if (function.isDeclaration())
    return outputs;
  Operation *terminator = function.front().getTerminator();
  for (Value value : terminator->getOperands()) {
    Output &output = outputs.emplace_back();
    output.type = value.getType();
    if (auto result = dyn_cast<OpResult>(value))
      classify(result.getOwner(), result.getResultNumber(), output);
  }
  for (BlockArgument argument : function.getArguments()) {
    if (!isa<MemRefType>(argument.getType()) ||
        !isAccessed(argument, /*writes=*/true))
      continue;
    Output &output = outputs.emplace_back();
    output.type = argument.getType();
    output.argument = argument.getArgNumber();
    // Views may lie between the argument and the op that writes it.
    SmallVector<Value> views{argument};
    while (!views.empty())
      for (OpOperand &use : views.pop_back_val().getUses()) {
        Operation *user = use.getOwner();
        if (isView(user))
          views.push_back(user->getResult(0));
        auto destination = dyn_cast<DestinationStyleOpInterface>(user);
        if (destination && destination.isDpsInit(&use))
          classify(
              user,
              use.getOperandNumber() -
                  destination.getDpsInitsMutable().begin()->getOperandNumber(),
              output);
      }
  }
  return outputs;
}

bool attn::reference::isDestination(func::FuncOp function, unsigned index) {
  BlockArgument argument = function.getArgument(index);
  if (isa<MemRefType>(argument.getType()))
    return !isAccessed(argument, /*writes=*/false) &&
           isAccessed(argument, /*writes=*/true);
  return isa<RankedTensorType>(argument.getType()) && !argument.use_empty() &&
         llvm::all_of(argument.getUses(), [](OpOperand &use) {
           auto op = dyn_cast<DestinationStyleOpInterface>(use.getOwner());
           return isa<AttentionOp, MergeOp>(use.getOwner()) &&
                  op.isDpsInit(&use);
         });
}

//===----------------------------------------------------------------------===//
// Host functions
//===----------------------------------------------------------------------===//

namespace {

class Interpreter {
public:
  explicit Interpreter(const Options &options) : options(options) {}

  /// Executes a block; returns the operands of its terminator.
  FailureOr<SmallVector<RuntimeValue>>
  execute(Block &block, ArrayRef<RuntimeValue> arguments);

private:
  LogicalResult execute(Operation &op);
  LogicalResult executeScalar(Operation &op);
  LogicalResult executeFor(scf::ForOp op);
  LogicalResult executeIf(scf::IfOp op);
  LogicalResult executeCall(func::CallOp op);
  LogicalResult executeDestinationStyle(DestinationStyleOpInterface op);
  LogicalResult executeConstant(arith::ConstantOp op);
  LogicalResult executeView(Operation &op);

  Array &getArray(Value value) { return std::get<Array>(env[value]); }
  int64_t getInt(Value value) { return std::get<int64_t>(env[value]); }
  int64_t getInt(OpFoldResult value) {
    if (auto attr = dyn_cast<Attribute>(value))
      return cast<IntegerAttr>(attr).getInt();
    return getInt(cast<Value>(value));
  }
  SmallVector<int64_t> getInts(ArrayRef<OpFoldResult> values) {
    return llvm::map_to_vector(
        values, [&](OpFoldResult value) { return getInt(value); });
  }
  LogicalResult allocate(Operation &op, ShapedType type, ValueRange sizes);
  LogicalResult setResults(Operation &op, ArrayRef<RuntimeValue> values);

  const Options &options;
  Environment env;
};

} // namespace

LogicalResult Interpreter::setResults(Operation &op,
                                      ArrayRef<RuntimeValue> values) {
  for (auto [result, value] : llvm::zip_equal(op.getResults(), values))
    env[result] = value;
  return success();
}

FailureOr<SmallVector<RuntimeValue>>
Interpreter::execute(Block &block, ArrayRef<RuntimeValue> arguments) {
  for (auto [argument, value] :
       llvm::zip_equal(block.getArguments(), arguments))
    env[argument] = value;
  for (Operation &op : block.without_terminator())
    if (failed(execute(op)))
      return failure();
  SmallVector<RuntimeValue> yielded;
  for (Value operand : block.getTerminator()->getOperands())
    yielded.push_back(env.find(operand)->second);
  return yielded;
}

LogicalResult Interpreter::allocate(Operation &op, ShapedType type,
                                    ValueRange dynamicSizes) {
  SmallVector<int64_t> sizes;
  for (int64_t size : type.getShape()) {
    if (ShapedType::isDynamic(size)) {
      size = getInt(dynamicSizes.front());
      dynamicSizes = dynamicSizes.drop_front();
    }
    if (size < 0)
      return op.emitOpError("has the negative size ") << size;
    sizes.push_back(size);
  }
  FailureOr<Array> array = Array::zeros(type.getElementType(), sizes);
  if (failed(array))
    return op.emitOpError("needs more elements than 63 bits count (rule 21)");
  env[op.getResult(0)] = std::move(*array);
  return success();
}

LogicalResult Interpreter::executeConstant(arith::ConstantOp op) {
  auto type = dyn_cast<ShapedType>(op.getType());
  if (!type)
    return executeScalar(*op);
  auto elements = dyn_cast<DenseElementsAttr>(op.getValue());
  if (!elements)
    return op.emitOpError("is not a dense constant");
  FailureOr<Array> array = Array::zeros(type.getElementType(), type.getShape());
  if (failed(array))
    return op.emitOpError("needs more elements than 63 bits count (rule 21)");
  Buffer &buffer = *array->buffer;
  if (array->isFloat()) {
    for (auto [n, value] : llvm::enumerate(elements.getValues<APFloat>())) {
      APFloat wide = value;
      bool losesInfo;
      wide.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                   &losesInfo);
      buffer.floats[n] = wide.convertToDouble();
    }
  } else {
    bool isBool = type.getElementType().isInteger(1);
    for (auto [n, value] : llvm::enumerate(elements.getValues<APInt>()))
      buffer.ints[n] = isBool ? value.getZExtValue() : value.getSExtValue();
  }
  env[op] = std::move(*array);
  return success();
}

LogicalResult Interpreter::executeScalar(Operation &op) {
  if (op.getNumResults() == 0 ||
      !llvm::all_of(op.getResultTypes(),
                    [](Type type) { return type.isIntOrIndexOrFloat(); }))
    return op.emitOpError("is not an op that the reference interpreter knows");
  ScalarProgram program(env);
  if (failed(program.append(op)))
    return failure();
  SmallVector<int> registers;
  for (Value result : op.getResults())
    registers.push_back(program.getRegister(result, op));
  auto run = [&](auto zero) {
    auto state = program.makeRegisters<decltype(zero)>();
    program.run(state, 1);
    for (auto [result, reg] : llvm::zip_equal(op.getResults(), registers)) {
      if (ScalarProgram::isFloat(result))
        env[result] = static_cast<double>(state.floatRow(reg)[0]);
      else
        env[result] = state.intRow(reg)[0];
    }
  };
  if (options.mode == Mode::Float64)
    run(0.0);
  else
    run(0.0f);
  return success();
}

LogicalResult Interpreter::executeFor(scf::ForOp op) {
  int64_t lower = getInt(op.getLowerBound()),
          upper = getInt(op.getUpperBound()), step = getInt(op.getStep());
  if (step <= 0)
    return op.emitOpError("has the step ") << step << ", expected more than 0";
  SmallVector<RuntimeValue> carried;
  for (Value init : op.getInitArgs())
    carried.push_back(env[init]);
  for (int64_t n = lower; n < upper; n += step) {
    SmallVector<RuntimeValue> arguments{n};
    llvm::append_range(arguments, carried);
    FailureOr<SmallVector<RuntimeValue>> yielded =
        execute(*op.getBody(), arguments);
    if (failed(yielded))
      return failure();
    carried = std::move(*yielded);
  }
  return setResults(*op, carried);
}

LogicalResult Interpreter::executeIf(scf::IfOp op) {
  mlir::Region &branch =
      getInt(op.getCondition()) ? op.getThenRegion() : op.getElseRegion();
  if (branch.empty())
    return success();
  FailureOr<SmallVector<RuntimeValue>> yielded = execute(branch.front(), {});
  if (failed(yielded))
    return failure();
  return setResults(*op, *yielded);
}

LogicalResult Interpreter::executeCall(func::CallOp op) {
  auto callee = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(
      op, op.getCalleeAttr());
  if (!callee || callee.isDeclaration())
    return op.emitOpError("calls a function without a body");
  SmallVector<RuntimeValue> arguments;
  for (Value operand : op.getOperands())
    arguments.push_back(env[operand]);
  // Its own environment: a recursive call must not overwrite this one's.
  FailureOr<SmallVector<RuntimeValue>> results =
      Interpreter(options).execute(callee.front(), arguments);
  if (failed(results))
    return failure();
  return setResults(*op, *results);
}

LogicalResult
Interpreter::executeDestinationStyle(DestinationStyleOpInterface op) {
  // Destinations of tensor type are values: what is written is a copy.
  SmallVector<Array> destinations;
  for (OpOperand &init : op.getDpsInitsMutable()) {
    const Array &array = getArray(init.get());
    destinations.push_back(isa<TensorType>(init.get().getType()) ? array.copy()
                                                                 : array);
  }
  LogicalResult executed =
      isa<AttentionOp>(op)
          ? executeAttention(cast<AttentionOp>(op), env, destinations, options)
          : executeMerge(cast<MergeOp>(op), env, destinations, options);
  if (failed(executed))
    return failure();
  if (options.mode == Mode::Unfused)
    for (Array &array : destinations) {
      Rounding rounding(cast<FloatType>(array.elementType));
      array.forEach([&](ArrayRef<int64_t> indices) {
        double &number = array.buffer->floats[array.at(indices)];
        number = rounding(number);
      });
    }
  for (auto [result, array] : llvm::zip(op->getResults(), destinations))
    env[result] = array;
  return success();
}

LogicalResult Interpreter::executeView(Operation &op) {
  Array view = getArray(op.getOperand(0));
  if (auto transpose = dyn_cast<memref::TransposeOp>(op)) {
    // Result dimension n is source dimension permutation(n).
    Array source = view;
    for (auto [n, expr] :
         llvm::enumerate(transpose.getPermutation().getResults())) {
      unsigned from = cast<AffineDimExpr>(expr).getPosition();
      view.sizes[n] = source.sizes[from];
      view.strides[n] = source.strides[from];
    }
  } else if (auto subview = dyn_cast<OffsetSizeAndStrideOpInterface>(op)) {
    SmallVector<int64_t> offsets = getInts(subview.getMixedOffsets());
    SmallVector<int64_t> sizes = getInts(subview.getMixedSizes());
    SmallVector<int64_t> steps = getInts(subview.getMixedStrides());
    llvm::SmallBitVector dropped =
        isa<memref::SubViewOp>(op)
            ? cast<memref::SubViewOp>(op).getDroppedDims()
            : cast<tensor::ExtractSliceOp>(op).getDroppedDims();
    Array source = view;
    view.sizes.clear();
    view.strides.clear();
    for (auto [dim, offset, size, step] :
         llvm::enumerate(offsets, sizes, steps)) {
      if (offset < 0 || size < 0 ||
          (size > 0 && offset + (size - 1) * step >= source.sizes[dim]))
        return op.emitOpError("takes ")
               << size << " elements from " << offset << " of dimension " << dim
               << ", which has " << source.sizes[dim];
      view.offset += offset * source.strides[dim];
      if (dropped.test(dim))
        continue;
      view.sizes.push_back(size);
      view.strides.push_back(step * source.strides[dim]);
    }
  } else {
    // A cast: the sizes must be what the new type says.
    auto type = cast<ShapedType>(op.getResult(0).getType());
    for (auto [dim, size] : llvm::enumerate(type.getShape()))
      if (!ShapedType::isDynamic(size) && size != view.sizes[dim])
        return op.emitOpError("casts dimension ")
               << dim << " of size " << view.sizes[dim] << " to " << size;
  }
  env[op.getResult(0)] = view;
  return success();
}

LogicalResult Interpreter::execute(Operation &op) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(&op)
      .Case<AttentionOp, MergeOp>([&](auto attnOp) {
        return executeDestinationStyle(
            cast<DestinationStyleOpInterface>(attnOp.getOperation()));
      })
      .Case([&](tensor::EmptyOp empty) {
        return allocate(op, empty.getType(), empty.getDynamicSizes());
      })
      .Case<memref::AllocOp, memref::AllocaOp>([&](auto alloc) {
        return allocate(op, alloc.getType(), alloc.getDynamicSizes());
      })
      .Case([&](memref::DeallocOp) { return success(); })
      .Case([&](memref::CopyOp copy) -> LogicalResult {
        Array source = getArray(copy.getSource());
        Array target = getArray(copy.getTarget());
        if (source.sizes != target.sizes)
          return copy.emitOpError("copies between different sizes");
        source.forEach([&](ArrayRef<int64_t> indices) {
          int64_t from = source.at(indices), to = target.at(indices);
          if (source.isFloat())
            target.buffer->floats[to] = source.buffer->floats[from];
          else
            target.buffer->ints[to] = source.buffer->ints[from];
        });
        return success();
      })
      .Case<memref::TransposeOp, memref::SubViewOp, memref::CastOp,
            tensor::CastOp, tensor::ExtractSliceOp>(
          [&](auto) { return executeView(op); })
      .Case<tensor::DimOp, memref::DimOp>([&](auto dim) -> LogicalResult {
        const Array &array = getArray(dim.getSource());
        int64_t index = getInt(dim.getIndex());
        if (index < 0 || index >= array.getRank())
          return op.emitOpError("asks for dimension ")
                 << index << " of a tensor of rank " << array.getRank();
        env[dim] = array.sizes[index];
        return success();
      })
      .Case(
          [&](arith::ConstantOp constant) { return executeConstant(constant); })
      .Case([&](func::CallOp call) { return executeCall(call); })
      .Case([&](scf::ForOp loop) { return executeFor(loop); })
      .Case([&](scf::IfOp branch) { return executeIf(branch); })
      .Default([&](Operation *) { return executeScalar(op); });
}

//===----------------------------------------------------------------------===//
// Entry point
//===----------------------------------------------------------------------===//

/// An argument as the interpreter holds it; diagnoses what does not fit.
static FailureOr<RuntimeValue>
bindArgument(func::FuncOp function, unsigned index, const Tensor &input) {
  Type type = function.getArgumentTypes()[index];
  auto shaped = dyn_cast<ShapedType>(type);
  Type element = shaped ? shaped.getElementType() : type;
  auto fail = [&]() {
    return function.emitError("argument ")
           << index << " of '" << function.getName() << "' ";
  };
  if (!isSupportedElement(element) || (shaped && !shaped.hasRank())) {
    fail() << "has type " << type
           << ", which the reference interpreter does not take";
    return failure();
  }
  if (input.elementType != element) {
    fail() << "has element type " << element << ", the input has "
           << input.elementType;
    return failure();
  }
  SmallVector<int64_t> want;
  if (shaped)
    want.assign(shaped.getShape().begin(), shaped.getShape().end());
  if (want.size() != input.shape.size()) {
    fail() << "has rank " << want.size() << ", the input has "
           << input.shape.size();
    return failure();
  }
  for (auto [dim, size] : llvm::enumerate(want))
    if (!ShapedType::isDynamic(size) && size != input.shape[dim]) {
      fail() << "has size " << size << " in dimension " << dim
             << ", the input has " << input.shape[dim];
      return failure();
    }
  Array array = Array::from(input);
  if (shaped)
    return RuntimeValue(std::move(array));
  if (input.isFloat())
    return RuntimeValue(array.buffer->floats[0]);
  return RuntimeValue(array.buffer->ints[0]);
}

FailureOr<SmallVector<Tensor>>
attn::reference::interpret(func::FuncOp function, ArrayRef<Tensor> inputs,
                           const Options &options) {
  if (function.isDeclaration())
    return function.emitError("has no body to execute");
  if (!function.getBody().hasOneBlock())
    return function.emitError("has several blocks; the reference interpreter "
                              "takes structured control flow only");
  if (inputs.size() != function.getNumArguments())
    return function.emitError("takes ")
           << function.getNumArguments() << " arguments, but " << inputs.size()
           << " are given";
  SmallVector<RuntimeValue> arguments;
  for (auto [index, input] : llvm::enumerate(inputs)) {
    FailureOr<RuntimeValue> value = bindArgument(function, index, input);
    if (failed(value))
      return failure();
    arguments.push_back(std::move(*value));
  }
  FailureOr<SmallVector<RuntimeValue>> results =
      Interpreter(options).execute(function.front(), arguments);
  if (failed(results))
    return failure();

  bool widen = options.mode == Mode::Float64;
  SmallVector<Tensor> outputs;
  for (auto [index, output] : llvm::enumerate(getOutputs(function))) {
    const RuntimeValue &value =
        output.argument ? arguments[*output.argument] : (*results)[index];
    if (const Array *array = std::get_if<Array>(&value)) {
      outputs.push_back(array->toTensor(widen));
      continue;
    }
    bool isFloat = std::holds_alternative<double>(value);
    Type type = isFloat && widen ? Float64Type::get(function.getContext())
                                 : output.type;
    Tensor &scalar = outputs.emplace_back(type, ArrayRef<int64_t>());
    if (isFloat)
      scalar.setFloat(0, std::get<double>(value));
    else
      scalar.setInt(0, std::get<int64_t>(value));
  }
  return outputs;
}
