//===- HostInterpreter.cpp - Host code around the ops of a dialect --------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Control flow, allocation, views and scalars; scalar arithmetic is in
// ScalarProgram.cpp.
//
//===----------------------------------------------------------------------===//

#include "HostInterpreter.h"
#include "attn/Dialect/Attn/ArgumentNames.h"
#include "attn/Dialect/Tile/AttributeNames.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Support/DebugStringHelper.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace attn::reference;

HostInterpreter::~HostInterpreter() = default;

LogicalResult HostInterpreter::setResults(Operation &op,
                                          ArrayRef<RuntimeValue> values) {
  for (auto [result, value] : llvm::zip_equal(op.getResults(), values))
    env[result] = value;
  return success();
}

FailureOr<SmallVector<RuntimeValue>>
HostInterpreter::execute(Block &block, ArrayRef<RuntimeValue> arguments) {
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

LogicalResult HostInterpreter::allocate(Operation &op, ShapedType type,
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
  if (settings.poison && !op.hasAttr(tile::kRestoredAttrName)) {
    llvm::fill(array->buffer->floats, std::numeric_limits<double>::quiet_NaN());
    llvm::fill(array->buffer->ints,
               type.getElementType().isInteger(1) ? 1 : -1);
  }
  env[op.getResult(0)] = std::move(*array);
  return success();
}

LogicalResult HostInterpreter::executeConstant(arith::ConstantOp op) {
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

LogicalResult HostInterpreter::executeScalar(Operation &op) {
  if (op.getNumResults() == 0 ||
      !llvm::all_of(op.getResultTypes(),
                    [](Type type) { return type.isIntOrIndexOrFloat(); }))
    return op.emitOpError("is not an op that the reference interpreter knows");
  ScalarProgram program(env, {}, settings.reads);
  if (failed(program.append(op)))
    return failure();
  SmallVector<int> registers;
  for (Value result : op.getResults())
    registers.push_back(program.getRegister(result, op));
  auto run = [&](auto zero) -> LogicalResult {
    auto state = program.makeRegisters<decltype(zero)>();
    program.run(state, 1);
    if (failed(program.checkReads(state)))
      return failure();
    for (auto [result, reg] : llvm::zip_equal(op.getResults(), registers)) {
      if (ScalarProgram::isFloat(result))
        env[result] = static_cast<double>(state.floatRow(reg)[0]);
      else
        env[result] = state.intRow(reg)[0];
    }
    return success();
  };
  return settings.wide ? run(0.0) : run(0.0f);
}

LogicalResult HostInterpreter::executeFor(scf::ForOp op) {
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

LogicalResult HostInterpreter::executeIf(scf::IfOp op) {
  mlir::Region &branch =
      getInt(op.getCondition()) ? op.getThenRegion() : op.getElseRegion();
  if (branch.empty())
    return success();
  FailureOr<SmallVector<RuntimeValue>> yielded = execute(branch.front(), {});
  if (failed(yielded))
    return failure();
  return setResults(*op, *yielded);
}

LogicalResult HostInterpreter::executeCall(func::CallOp op) {
  auto callee = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(
      op, op.getCalleeAttr());
  if (!callee || callee.isDeclaration())
    return op.emitOpError("calls a function without a body");
  // Each takes some KB of the interpreter's own stack.
  constexpr unsigned kMostCalls = 256;
  if (depth == kMostCalls)
    return op.emitOpError("is nested more than ")
           << kMostCalls
           << " calls deep, which the interpreter does not follow";
  SmallVector<RuntimeValue> arguments;
  for (Value operand : op.getOperands())
    arguments.push_back(env[operand]);
  // Its own environment: a recursive call must not overwrite this one's.
  std::unique_ptr<HostInterpreter> called = makeCallee();
  called->depth = depth + 1;
  FailureOr<SmallVector<RuntimeValue>> results =
      called->execute(callee.front(), arguments);
  if (failed(results))
    return failure();
  return setResults(*op, *results);
}

/// Splits dimensions of `view` into groups of `shape`, the last of each with
/// the old stride.
static LogicalResult expandShape(Operation &op,
                                 ArrayRef<ReassociationIndices> groups,
                                 ArrayRef<int64_t> shape, Array &view) {
  Array source = view;
  view.sizes.assign(shape.begin(), shape.end());
  view.strides.assign(shape.size(), 0);
  for (auto [dim, group] : llvm::enumerate(groups)) {
    int64_t step = 1;
    for (int64_t part : llvm::reverse(group)) {
      view.strides[part] = step * source.strides[dim];
      step *= shape[part];
    }
    if (step != source.sizes[dim])
      return op.emitOpError("splits dimension ")
             << dim << " of " << source.sizes[dim] << " elements into " << step;
  }
  return success();
}

/// The part of `view` that a slicing op names, without its `dropped`
/// dimensions.
LogicalResult HostInterpreter::takeSlice(Operation &op,
                                         const llvm::SmallBitVector &dropped,
                                         Array &view) {
  auto slice = cast<OffsetSizeAndStrideOpInterface>(op);
  SmallVector<int64_t> offsets = getInts(slice.getMixedOffsets());
  SmallVector<int64_t> sizes = getInts(slice.getMixedSizes());
  SmallVector<int64_t> steps = getInts(slice.getMixedStrides());
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
  return success();
}

static LogicalResult copyElements(Operation &op, const Array &source,
                                  const Array &target) {
  if (source.sizes != target.sizes)
    return op.emitOpError("copies between different sizes");
  source.forEach([&](ArrayRef<int64_t> indices) {
    int64_t from = source.at(indices), to = target.at(indices);
    if (source.isFloat())
      target.buffer->floats[to] = source.buffer->floats[from];
    else
      target.buffer->ints[to] = source.buffer->ints[from];
  });
  target.buffer->magnitude =
      std::max(target.buffer->magnitude, source.buffer->magnitude);
  target.buffer->logitMagnitude =
      std::max(target.buffer->logitMagnitude, source.buffer->logitMagnitude);
  return success();
}

/// Memory for the tensor that an op makes, with the sizes of `array`.
LogicalResult HostInterpreter::allocateLike(Operation &op, const Array &array) {
  auto type = cast<ShapedType>(op.getResult(0).getType());
  FailureOr<Array> result = Array::zeros(type.getElementType(), array.sizes);
  if (failed(result))
    return op.emitOpError("needs more elements than 63 bits count (rule 21)");
  env[op.getResult(0)] = std::move(*result);
  return success();
}

/// A copy of the destination of which a part is replaced.
LogicalResult HostInterpreter::executeInsert(Operation &op) {
  auto insert = cast<tensor::InsertSliceOp>(op);
  Array source = getArray(insert.getSource()),
        dest = getArray(insert.getDest());
  if (failed(allocateLike(op, dest)))
    return failure();
  Array part = getArray(insert.getResult());
  if (failed(copyElements(op, dest, part)) ||
      failed(takeSlice(op, insert.getDroppedDims(), part)))
    return failure();
  return copyElements(op, source, part);
}

/// Result dimension n is source dimension permutation[n].
LogicalResult HostInterpreter::executeTranspose(Operation &op) {
  auto transpose = cast<linalg::TransposeOp>(op);
  Array source = getArray(transpose.getInput()), view = source;
  for (auto [n, from] : llvm::enumerate(transpose.getPermutation())) {
    view.sizes[n] = source.sizes[from];
    view.strides[n] = source.strides[from];
  }
  if (transpose.hasPureBufferSemantics())
    return copyElements(op, view, getArray(transpose.getInit()));
  if (failed(allocateLike(op, view)))
    return failure();
  return copyElements(op, view, getArray(op.getResult(0)));
}

LogicalResult HostInterpreter::executeView(Operation &op) {
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
  } else if (isa<OffsetSizeAndStrideOpInterface>(op)) {
    llvm::SmallBitVector dropped =
        isa<memref::SubViewOp>(op)
            ? cast<memref::SubViewOp>(op).getDroppedDims()
            : cast<tensor::ExtractSliceOp>(op).getDroppedDims();
    if (failed(takeSlice(op, dropped, view)))
      return failure();
  } else if (isa<tensor::ExpandShapeOp, memref::ExpandShapeOp>(op)) {
    bool onMemref = isa<memref::ExpandShapeOp>(op);
    SmallVector<int64_t> shape = getInts(
        onMemref ? cast<memref::ExpandShapeOp>(op).getMixedOutputShape()
                 : cast<tensor::ExpandShapeOp>(op).getMixedOutputShape());
    auto groups =
        onMemref ? cast<memref::ExpandShapeOp>(op).getReassociationIndices()
                 : cast<tensor::ExpandShapeOp>(op).getReassociationIndices();
    if (failed(expandShape(op, groups, shape, view)))
      return failure();
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

LogicalResult HostInterpreter::execute(Operation &op) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(&op)
      .Case([&](tensor::EmptyOp empty) {
        return allocate(op, empty.getType(), empty.getDynamicSizes());
      })
      .Case<memref::AllocOp, memref::AllocaOp>([&](auto alloc) {
        return allocate(op, alloc.getType(), alloc.getDynamicSizes());
      })
      .Case([&](memref::DeallocOp) { return success(); })
      .Case([&](memref::CopyOp copy) {
        return copyElements(op, getArray(copy.getSource()),
                            getArray(copy.getTarget()));
      })
      .Case([&](tensor::InsertSliceOp) { return executeInsert(op); })
      .Case([&](linalg::TransposeOp) { return executeTranspose(op); })
      .Case<memref::TransposeOp, memref::SubViewOp, memref::CastOp,
            memref::ExpandShapeOp, tensor::CastOp, tensor::ExpandShapeOp,
            tensor::ExtractSliceOp>([&](auto) { return executeView(op); })
      .Case<tensor::DimOp, memref::DimOp>([&](auto dim) -> LogicalResult {
        const Array &array = getArray(dim.getSource());
        int64_t index = getInt(dim.getIndex());
        if (index < 0 || index >= array.getRank())
          return op.emitOpError("asks for dimension ")
                 << index << " of a tensor of rank " << array.getRank();
        // Not a reference into the map that grows.
        int64_t size = array.sizes[index];
        env[dim] = size;
        return success();
      })
      .Case(
          [&](arith::ConstantOp constant) { return executeConstant(constant); })
      .Case([&](func::CallOp call) { return executeCall(call); })
      .Case([&](scf::ForOp loop) { return executeFor(loop); })
      .Case([&](scf::IfOp branch) { return executeIf(branch); })
      .Default([&](Operation *) { return executeOther(op); });
}

//===----------------------------------------------------------------------===//
// Arguments and results
//===----------------------------------------------------------------------===//

/// An argument of the type `type` as interpreters hold it; diagnoses what does
/// not fit.
static FailureOr<RuntimeValue> bindArgument(func::FuncOp function,
                                            unsigned index, Type type,
                                            const Tensor &input) {
  auto shaped = dyn_cast<ShapedType>(type);
  Type element = shaped ? shaped.getElementType() : type;
  auto fail = [&]() {
    return function.emitError(attn::describeArgument(function, index)) << ": ";
  };
  if (!isSupportedElement(element) || (shaped && !shaped.hasRank())) {
    fail() << "type " << type
           << " is not one that the reference interpreter takes";
    return failure();
  }
  if (input.elementType != element) {
    fail() << "dtype " << debugString(input.elementType) << ", expected "
           << debugString(element);
    return failure();
  }
  std::string problem = explainShape(input.shape, shaped ? shaped.getShape()
                                                         : ArrayRef<int64_t>());
  if (!problem.empty()) {
    fail() << problem;
    return failure();
  }
  Array array = Array::from(input);
  if (shaped)
    return RuntimeValue(std::move(array));
  if (input.isFloat())
    return RuntimeValue(array.buffer->floats[0]);
  return RuntimeValue(array.buffer->ints[0]);
}

FailureOr<SmallVector<RuntimeValue>>
attn::reference::bindArguments(func::FuncOp function, TypeRange types,
                               ArrayRef<Tensor> inputs) {
  if (function.isDeclaration())
    return function.emitError("has no body to execute");
  if (!function.getBody().hasOneBlock())
    return function.emitError("has several blocks; the reference interpreter "
                              "takes structured control flow only");
  if (inputs.size() != types.size())
    return function.emitError("takes ") << types.size() << " arguments, but "
                                        << inputs.size() << " are given";
  SmallVector<RuntimeValue> arguments;
  for (auto [index, type, input] : llvm::enumerate(types, inputs)) {
    FailureOr<RuntimeValue> value = bindArgument(function, index, type, input);
    if (failed(value))
      return failure();
    arguments.push_back(std::move(*value));
  }
  return arguments;
}

Tensor attn::reference::toTensor(const RuntimeValue &value, Type type,
                                 bool widen) {
  if (const Array *array = std::get_if<Array>(&value))
    return array->toTensor(widen);
  const double *number = std::get_if<double>(&value);
  Tensor scalar(number && widen ? Float64Type::get(type.getContext()) : type,
                ArrayRef<int64_t>());
  if (number)
    scalar.setFloat(0, *number);
  else
    scalar.setInt(0, std::get<int64_t>(value));
  return scalar;
}
