// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Checking bound tensors, evaluating the description for them and planning
// launches.
#include "Binding.h"

#include "Dtype.h"
#include "Overlap.h"
#include "Tensor.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace attn::runtime {
namespace {

/// Stack that one call of a CPU kernel may use if its artifact does not say.
constexpr int64_t defaultStackBytes = 4 << 20;

std::string quoted(const std::string &name) { return "'" + name + "'"; }

std::string argumentName(size_t index, const Argument &argument) {
  return "argument " + std::to_string(index) + " " + quoted(argument.name);
}

std::string resultName(size_t index, const Result &result) {
  return "result " + std::to_string(index) + " " + quoted(result.name);
}

void checkIndex(size_t index, size_t count, const char *what) {
  if (index >= count)
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         std::string("there is no ") + what + " " + std::to_string(index) +
             ": the program has " + std::to_string(count));
}

void checkDtype(attn_dtype found, attn_dtype expected, const std::string &who) {
  if (found != expected)
    fail(ATTN_ERROR_INVALID_ARGUMENT, who + ": dtype " + infoOf(found).name +
                                          ", expected " +
                                          infoOf(expected).name);
}

/// Fails unless the tensor has the rank and, where not dynamic, the sizes
/// `dims`.
void checkShape(const attn_tensor &tensor, const std::vector<int64_t> &dims,
                const std::string &who) {
  if (tensor.rank < 0 || size_t(tensor.rank) != dims.size())
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         who + ": rank " + std::to_string(tensor.rank) + ", expected " +
             std::to_string(dims.size()) + " (expected shape " +
             shapeToString(dims.data(), dims.size()) + ")");
  std::string shapes = " (shape " + shapeToString(tensor.dims, dims.size()) +
                       ", expected " + shapeToString(dims.data(), dims.size()) +
                       ")";
  for (size_t i = 0; i < dims.size(); ++i)
    if (dims[i] != ATTN_DYNAMIC && dims[i] != tensor.dims[i])
      fail(ATTN_ERROR_INVALID_ARGUMENT,
           who + ": dimension " + std::to_string(i) + " is " +
               std::to_string(tensor.dims[i]) + ", expected " +
               std::to_string(dims[i]) + shapes);
}

template <typename T> uint64_t wordOf(T value) {
  static_assert(sizeof(T) <= sizeof(uint64_t));
  uint64_t word = 0;
  std::memcpy(&word, &value, sizeof value);
  return word;
}

} // namespace

Binding::Binding(std::shared_ptr<const Program> programToBind)
    : program(std::move(programToBind)) {
  tensors.resize(description().arguments.size() + description().results.size());
  scalars.resize(description().arguments.size());
}

//===----------------------------------------------------------------------===//
// Setting arguments and results
//===----------------------------------------------------------------------===//

const Argument &Binding::argumentAt(size_t index,
                                    attn_argument_kind kind) const {
  checkIndex(index, description().arguments.size(), "argument");
  const Argument &argument = description().arguments[index];
  if (argument.kind != kind)
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         argumentName(index, argument) + (kind == ATTN_ARGUMENT_SCALAR
                                              ? " is a buffer, not a scalar"
                                              : " is a scalar, not a buffer"));
  return argument;
}

void Binding::changedArguments() {
  argumentsReady = false;
  changedResults();
}

void Binding::changedResults() {
  resultsReady = false;
  prepared = nullptr;
}

/// Whether `given` is fit for what `bound` was checked for, in other memory, of
/// which launches ask for a multiple.
static bool isSameElsewhere(const attn_tensor &bound, const attn_tensor &given,
                            int64_t multiple) {
  size_t bytes = size_t(bound.rank) * sizeof(int64_t);
  auto from = reinterpret_cast<uintptr_t>(bound.data);
  auto to = reinterpret_cast<uintptr_t>(given.data);
  return given.data && bound.dtype == given.dtype && bound.rank == given.rank &&
         std::memcmp(bound.dims, given.dims, bytes) == 0 &&
         std::memcmp(bound.strides, given.strides, bytes) == 0 &&
         to % infoOf(given.dtype).size == 0 &&
         (to - from) % uintptr_t(multiple) == 0;
}

void Binding::setArgument(size_t index, const attn_tensor &tensor) {
  const Argument &argument = argumentAt(index, ATTN_ARGUMENT_BUFFER);
  // The usual case of a program that calls again: nothing that was worked out
  // from sizes and strides changes.
  if (tensors[index] &&
      isSameElsewhere(*tensors[index], tensor, description().addressMultiple)) {
    tensors[index] = tensor;
    changedResults();
    return;
  }
  std::string who = argumentName(index, argument);
  checkDtype(tensor.dtype, argument.dtype, who);
  checkShape(tensor, argument.dims, who);
  checkTensor(tensor, argument.access != ATTN_ACCESS_READ, who);
  tensors[index] = tensor;
  changedArguments();
}

void Binding::setWord(size_t index, uint64_t word) {
  scalars[index] = word;
  changedArguments();
}

void Binding::setScalar(size_t index, int64_t value) {
  const Argument &argument = argumentAt(index, ATTN_ARGUMENT_SCALAR);
  int64_t low = INT64_MIN, high = INT64_MAX;
  switch (argument.dtype) {
  case ATTN_DTYPE_I1:
    low = 0, high = 1;
    break;
  case ATTN_DTYPE_I8:
    low = INT8_MIN, high = INT8_MAX;
    break;
  case ATTN_DTYPE_I32:
    low = INT32_MIN, high = INT32_MAX;
    break;
  case ATTN_DTYPE_I64:
  case ATTN_DTYPE_INDEX:
    break;
  default:
    checkDtype(ATTN_DTYPE_I64, argument.dtype, argumentName(index, argument));
  }
  if (value < low || value > high)
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         argumentName(index, argument) + ": " + std::to_string(value) +
             " does not fit " + infoOf(argument.dtype).name);
  setWord(index, wordOf(value));
}

void Binding::setScalar(size_t index, float value) {
  const Argument &argument = argumentAt(index, ATTN_ARGUMENT_SCALAR);
  checkDtype(ATTN_DTYPE_F32, argument.dtype, argumentName(index, argument));
  setWord(index, wordOf(value));
}

void Binding::setScalar(size_t index, double value) {
  const Argument &argument = argumentAt(index, ATTN_ARGUMENT_SCALAR);
  checkDtype(ATTN_DTYPE_F64, argument.dtype, argumentName(index, argument));
  setWord(index, wordOf(value));
}

void Binding::setResult(size_t index, const attn_tensor &tensor) {
  checkIndex(index, description().results.size(), "result");
  const Result &result = description().results[index];
  std::string who = resultName(index, result);
  if (result.argument >= 0) {
    size_t argument = size_t(result.argument);
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         who + " is written to " +
             argumentName(argument, description().arguments[argument]) +
             ": bind that");
  }
  checkDtype(tensor.dtype, result.dtype, who);
  checkTensor(tensor, /*written=*/true, who);
  if (size_t(tensor.rank) != result.shape.size())
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         who + ": rank " + std::to_string(tensor.rank) + ", expected " +
             std::to_string(result.shape.size()));
  tensors[description().arguments.size() + index] = tensor;
  changedResults();
}

//===----------------------------------------------------------------------===//
// Environment of the expressions
//===----------------------------------------------------------------------===//

std::string Binding::nameAt(size_t tensor) const {
  size_t count = description().arguments.size();
  return tensor < count ? argumentName(tensor, description().arguments[tensor])
                        : resultName(tensor - count,
                                     description().results[tensor - count]);
}

/// The argument that a result is written to, or the tensor itself.
size_t Binding::ownerOf(size_t tensor) const {
  size_t count = description().arguments.size();
  if (tensor >= count && description().results[tensor - count].argument >= 0)
    return size_t(description().results[tensor - count].argument);
  return tensor;
}

const attn_tensor &Binding::tensorAt(size_t tensor) const {
  tensor = ownerOf(tensor);
  if (!tensors[tensor])
    fail(ATTN_ERROR_INVALID_ARGUMENT, nameAt(tensor) + " is not set");
  return *tensors[tensor];
}

int64_t Binding::dim(size_t tensor, int32_t axis) const {
  return tensorAt(tensor).dims[axis];
}

int64_t Binding::stride(size_t tensor, int32_t axis) const {
  const attn_tensor &bound = tensorAt(tensor);
  // Never stepped along, so that any number may be bound, also one that kernels
  // cannot count with.
  if (bound.dims[axis] <= 1 || spanOf(bound).isEmpty())
    return 0;
  if (!copied[ownerOf(tensor)])
    return bound.strides[axis];
  // The code reads the dense copy.
  int64_t strides[ATTN_MAX_RANK];
  denseStrides(bound.dims, size_t(bound.rank), strides);
  return strides[axis];
}

int64_t Binding::scalar(size_t argument) const {
  if (!scalars[argument])
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         argumentName(argument, description().arguments[argument]) +
             " is not set");
  return int64_t(*scalars[argument]);
}

int64_t Binding::symbol(size_t index) const {
  if (symbols[index].failure)
    throw *symbols[index].failure;
  return symbols[index].value;
}

/// Where the element of a tensor lies that its dense copy has at `offset`; past
/// the end if there is none.
int64_t Binding::offsetInCopied(size_t argument, int64_t offset) const {
  const attn_tensor &tensor = *tensors[argument];
  int64_t result = 0;
  for (int32_t axis = tensor.rank; axis-- > 0; offset /= tensor.dims[axis])
    result += offset % tensor.dims[axis] * tensor.strides[axis];
  return offset == 0 ? result : INT64_MAX;
}

int64_t Binding::element(size_t argument, int64_t offset) const {
  const attn_tensor &tensor = *tensors[argument];
  Span span = spanOf(tensor);
  if (copied[argument])
    offset = offsetInCopied(argument, offset);
  if (offset < span.first || offset > span.last)
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         "a check asks for element " + std::to_string(offset) +
             " from the first of " +
             argumentName(argument, description().arguments[argument]) +
             ", which lies outside of it (shape " +
             shapeToString(tensor.dims, size_t(tensor.rank)) + ")");
  switch (tensor.dtype) {
  case ATTN_DTYPE_I64:
    return static_cast<const int64_t *>(tensor.data)[offset];
  case ATTN_DTYPE_I32:
    return static_cast<const int32_t *>(tensor.data)[offset];
  default: // i1 and i8
    return static_cast<const int8_t *>(tensor.data)[offset];
  }
}

//===----------------------------------------------------------------------===//
// What follows from the arguments, and from the results
//===----------------------------------------------------------------------===//

void Binding::failCheck(const Check &check) const {
  std::string message = check.message;
  for (size_t i = 0; i < check.values.size(); ++i)
    message += (i ? ", " : " (") + check.values[i].name + " = " +
               std::to_string(check.values[i].value.evaluate(*this));
  if (!check.values.empty())
    message += ")";
  fail(ATTN_ERROR_INVALID_ARGUMENT, std::move(message));
}

void Binding::checkConditions(bool onResults) const {
  for (const Check &check : description().checks)
    if (!check.loops && check.usesResults == onResults &&
        !check.condition.evaluate(*this))
      failCheck(check);
}

/// What buffers hold may change from launch to launch.
void Binding::checkContents() {
  for (const Check &check : description().checks)
    if (check.loops) {
      loopIndices.clear();
      checkInLoops(check);
    }
}

/// Checks the condition for every index of the loops that are not entered yet.
void Binding::checkInLoops(const Check &check) {
  size_t depth = loopIndices.size();
  if (depth == check.loops->size()) {
    if (!check.condition.evaluate(*this))
      failCheck(check);
    return;
  }
  int64_t extent = (*check.loops)[depth].evaluate(*this);
  loopIndices.push_back(0);
  for (int64_t i = 0; i < extent; ++i) {
    loopIndices[depth] = i;
    checkInLoops(check);
  }
  loopIndices.pop_back();
}

void Binding::evaluateSymbols() {
  symbols.clear();
  for (const NamedExpression &named : description().symbols) {
    Symbol symbol;
    try {
      symbol.value = named.value.evaluate(*this);
    } catch (const Failure &failure) {
      symbol.failure = failure;
    }
    symbols.push_back(std::move(symbol));
  }
}

void Binding::inferShapes() {
  shapes.clear();
  for (size_t i = 0; i < description().results.size(); ++i) {
    const Result &result = description().results[i];
    std::vector<int64_t> shape;
    for (const Expression &size : result.shape) {
      shape.push_back(size.evaluate(*this));
      if (shape.back() < 0)
        fail(ATTN_ERROR_INVALID_ARGUMENT, resultName(i, result) +
                                              ": dimension " +
                                              std::to_string(shape.size() - 1) +
                                              " would have the negative size " +
                                              std::to_string(shape.back()));
    }
    if (result.argument >= 0)
      checkShape(
          *tensors[size_t(result.argument)], shape,
          argumentName(size_t(result.argument),
                       description().arguments[size_t(result.argument)]));
    shapes.push_back(std::move(shape));
  }
}

Binding::Region Binding::reserve(int64_t bytes, size_t align,
                                 const std::string &what) {
  if (bytes < 0)
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         what + " would have " + std::to_string(bytes) + " bytes");
  align = std::max(align, program->backend->partAlignment());
  Region region;
  size_t end;
  if (workspaceEnd > size_t(INT64_MAX) - align)
    fail(ATTN_ERROR_INVALID_ARGUMENT, "the workspace does not fit 63 bits");
  region.offset = (workspaceEnd + align - 1) / align * align;
  region.bytes = size_t(bytes);
  if (__builtin_add_overflow(region.offset, region.bytes, &end) ||
      end > size_t(INT64_MAX))
    fail(ATTN_ERROR_INVALID_ARGUMENT, "the workspace does not fit 63 bits");
  if (region.bytes > 0) {
    workspaceEnd = end;
    workspaceAlign = std::max(workspaceAlign, align);
  }
  return region;
}

/// A number of a launch, as who binds what it is knows it.
std::string Binding::nameOf(const Expression &value) const {
  const Node &root = value.root;
  if (root.op != Op::Scalar)
    return value.path + ": " + toString(root);
  auto index = size_t(root.value);
  return argumentName(index, description().arguments[index]);
}

void Binding::layOutWorkspace() {
  workspaceEnd = 0;
  workspaceAlign = 1;
  temporaries.clear();
  for (const Temporary &temporary : description().temporaries)
    temporaries.push_back(reserve(temporary.bytes.evaluate(*this),
                                  temporary.align,
                                  "temporary " + quoted(temporary.name)));
  reserveCopies(0, description().arguments.size());
  argumentsEnd = workspaceEnd;
}

/// What copies of results need comes last: the rest is known without them.
void Binding::layOutResults() {
  workspaceEnd = argumentsEnd;
  findCopies(description().arguments.size(), tensors.size());
  copyMisaligned(description().arguments.size(), tensors.size());
  reserveCopies(description().arguments.size(), tensors.size());
}

/// Whether kernels cannot use a tensor as it is bound. Fails if a dense copy
/// would not do, either.
bool Binding::needsCopy(size_t tensor) const {
  const attn_tensor &bound = *tensors[tensor];
  size_t rank = size_t(bound.rank), count = description().arguments.size();
  int64_t dense[ATTN_MAX_RANK];
  denseStrides(bound.dims, rank, dense);
  std::vector<std::optional<int64_t>> needed(dense, dense + rank);
  if (tensor < count) {
    if (description().arguments[tensor].narrowed != ATTN_DTYPE_NONE)
      return true;
    needed = description().arguments[tensor].strides;
  } else if (!description().results[tensor - count].dense) {
    return false;
  }
  // Of what is empty nothing is read; a dimension of size 1 is never stepped
  // along.
  int64_t elements = 1;
  auto misfit = [&](const int64_t *strides) -> size_t {
    for (size_t axis = 0; axis < rank; ++axis)
      if (needed[axis] && bound.dims[axis] > 1 &&
          strides[axis] != *needed[axis])
        return axis;
    return rank;
  };
  size_t axis = misfit(bound.strides);
  if (axis == rank || (elementCount(bound.dims, rank, elements) && !elements))
    return false;
  if (misfit(dense) != rank)
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         nameAt(tensor) + ": rule 1: the code needs stride " +
             std::to_string(*needed[axis]) + " in dimension " +
             std::to_string(axis) +
             " (stride = " + std::to_string(bound.strides[axis]) + ")");
  return true;
}

void Binding::findCopies(size_t first, size_t last) {
  copied.resize(tensors.size());
  for (size_t i = first; i < last; ++i)
    copied[i] = tensors[i] && needsCopy(i);
}

/// Whether a kernel that moves many bytes at once can do so with what it is
/// given of a buffer as it is bound.
bool Binding::fits(const LaunchArgument &argument) const {
  if (argument.kind == LaunchArgument::Value)
    return argument.value.evaluate(*this) % argument.multiple == 0;
  size_t tensor = argument.buffer.index;
  if (argument.buffer.kind == BufferRef::OfResult)
    tensor = ownerOf(description().arguments.size() + tensor);
  auto address = reinterpret_cast<uintptr_t>(tensors[tensor]->data);
  if (argument.offset)
    address += uintptr_t(argument.offset->evaluate(*this));
  const TensorMapRecipe &recipe = argument.tensorMap;
  for (size_t i = 0; i < recipe.strides.size(); ++i) {
    int64_t stride = recipe.strides[i].evaluate(*this);
    if (recipe.sizes[i + 1].evaluate(*this) > 1 &&
        (stride % TensorMapRecipe::unit != 0 || stride < 0 ||
         stride >= TensorMapRecipe::strideLimit))
      return false;
  }
  return address % uintptr_t(argument.multiple) == 0;
}

/// Has those tensors copied that kernels which run cannot move many bytes of at
/// once where they lie, and tells whether there are any.
bool Binding::copyMisaligned(size_t first, size_t last) {
  if (description().addressMultiple == 1)
    return false;
  bool found = false;
  size_t count = description().arguments.size();
  for (const LaunchDescription &launch : description().launches) {
    bool mayRun = !launch.when || launch.when->usesResults ||
                  launch.when->evaluate(*this);
    if (!mayRun)
      continue;
    for (const LaunchArgument &argument : launch.arguments) {
      bool isStride = argument.kind == LaunchArgument::Value &&
                      argument.value.root.op == Op::Stride;
      bool isPlace = (argument.kind == LaunchArgument::Buffer ||
                      argument.kind == LaunchArgument::TensorMap) &&
                     argument.buffer.kind != BufferRef::OfTemporary;
      if (argument.multiple == 1 || !(isStride || isPlace))
        continue;
      size_t tensor = isStride ? size_t(argument.value.root.value)
                      : argument.buffer.kind == BufferRef::OfResult
                          ? count + argument.buffer.index
                          : argument.buffer.index;
      tensor = ownerOf(tensor);
      if (tensor < first || tensor >= last || !tensors[tensor] ||
          copied[tensor] || spanOf(*tensors[tensor]).isEmpty() ||
          fits(argument))
        continue;
      copied[tensor] = found = true;
    }
  }
  return found;
}

attn_dtype Binding::dtypeOfCopy(size_t tensor) const {
  attn_dtype narrowed = tensor < description().arguments.size()
                            ? description().arguments[tensor].narrowed
                            : ATTN_DTYPE_NONE;
  return narrowed == ATTN_DTYPE_NONE ? tensors[tensor]->dtype : narrowed;
}

void Binding::reserveCopies(size_t first, size_t last) {
  copies.resize(tensors.size());
  for (size_t i = first; i < last; ++i) {
    copies[i] = Region();
    if (!copied[i])
      continue;
    int64_t count, bytes;
    if (!elementCount(tensors[i]->dims, size_t(tensors[i]->rank), count) ||
        __builtin_mul_overflow(count, int64_t(infoOf(dtypeOfCopy(i)).size),
                               &bytes))
      fail(ATTN_ERROR_INVALID_ARGUMENT,
           nameAt(i) + ": its dense copy does not fit 63 bits");
    copies[i] = reserve(bytes, /*align=*/1, "the dense copy of " + nameAt(i));
  }
}

void Binding::prepareArguments() {
  if (argumentsReady)
    return;
  for (size_t i = 0; i < description().arguments.size(); ++i) {
    const Argument &argument = description().arguments[i];
    bool set = argument.kind == ATTN_ARGUMENT_BUFFER ? tensors[i].has_value()
                                                     : scalars[i].has_value();
    if (!set)
      fail(ATTN_ERROR_INVALID_ARGUMENT,
           argumentName(i, argument) + " is not set");
  }
  findCopies(0, description().arguments.size());
  evaluateSymbols();
  if (copyMisaligned(0, description().arguments.size()))
    evaluateSymbols();
  checkConditions(/*onResults=*/false);
  inferShapes();
  layOutWorkspace();
  argumentsReady = true;
}

/// What is written shares memory with nothing else: threads write it while
/// others read, in any order.
void Binding::checkOverlaps() const {
  size_t count = description().arguments.size();
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (!tensors[i] ||
        (i < count && description().arguments[i].access == ATTN_ACCESS_READ))
      continue;
    if (overlapsItself(*tensors[i]))
      fail(ATTN_ERROR_INVALID_ARGUMENT,
           nameAt(i) + ": elements share memory, but it is written (shape " +
               shapeToString(tensors[i]->dims, size_t(tensors[i]->rank)) +
               ", strides " +
               shapeToString(tensors[i]->strides, size_t(tensors[i]->rank)) +
               ")");
    for (size_t j = 0; j < tensors.size(); ++j)
      if (j != i && tensors[j] && overlap(*tensors[i], *tensors[j]))
        fail(ATTN_ERROR_INVALID_ARGUMENT,
             nameAt(i) + ", which is written, shares memory with " + nameAt(j));
  }
}

/// A kernel that is given memory of the host takes its device down.
void Binding::checkReach() const {
  size_t count = description().arguments.size();
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (!tensors[i])
      continue;
    bool isGiven =
        i >= count || description().arguments[i].narrowed == ATTN_DTYPE_NONE;
    if (isGiven && !spanOf(*tensors[i]).isEmpty() &&
        !program->backend->reaches(tensors[i]->data))
      fail(ATTN_ERROR_INVALID_ARGUMENT,
           (i < count
                ? argumentName(i, description().arguments[i])
                : resultName(i - count, description().results[i - count])) +
               ": its memory is not on " + program->backend->device());
  }
}

void Binding::prepareResults() {
  prepareArguments();
  if (resultsReady)
    return;
  checkReach();
  for (size_t i = 0; i < description().results.size(); ++i) {
    const Result &result = description().results[i];
    const attn_tensor &tensor = tensorAt(description().arguments.size() + i);
    if (result.argument < 0)
      checkShape(tensor, shapes[i], resultName(i, result));
  }
  layOutResults();
  checkConditions(/*onResults=*/true);
  checkOverlaps();
  resultsReady = true;
}

const std::vector<int64_t> &Binding::resultShape(size_t index) {
  checkIndex(index, description().results.size(), "result");
  prepareArguments();
  return shapes[index];
}

void Binding::validate() { prepareResults(); }

size_t Binding::workspaceBytes() {
  prepareArguments();
  layOutResults();
  return workspaceEnd;
}

size_t Binding::workspaceAlignment() {
  prepareArguments();
  layOutResults();
  return workspaceAlign;
}

int64_t Binding::fusedBytes() {
  if (!description().fusedBytes)
    fail(ATTN_ERROR_NOT_FOUND, "the artifact has no memory estimate");
  prepareArguments();
  return description().fusedBytes->evaluate(*this);
}

int64_t Binding::standardBytes() {
  if (!description().standardBytes)
    fail(ATTN_ERROR_NOT_FOUND, "the artifact has no memory estimate");
  prepareArguments();
  return description().standardBytes->evaluate(*this);
}

int64_t Binding::copiedBytes() {
  prepareArguments();
  int64_t bytes = 0;
  for (const Region &copy : copies)
    bytes += copy.bytes;
  return bytes;
}

int64_t Binding::metric(const std::string &name) {
  if (name == "copied_bytes")
    return copiedBytes();
  std::string known;
  for (const NamedExpression &metric : description().metrics) {
    if (metric.name == name) {
      prepareArguments();
      return metric.value.evaluate(*this);
    }
    known += (known.empty() ? "" : ", ") + metric.name;
  }
  fail(ATTN_ERROR_NOT_FOUND,
       "the artifact has no metric " + quoted(name) +
           "; it has: " + (known.empty() ? "none" : known));
}

//===----------------------------------------------------------------------===//
// Launching
//===----------------------------------------------------------------------===//

bool Binding::isKept(size_t index, const Memory &memory) const {
  return memory.kept && description().temporaries[index].kept &&
         temporaries[index].bytes <= Temporary::mostKeptBytes;
}

void *Binding::temporaryAt(size_t index, const Memory &memory) const {
  if (isKept(index, memory))
    return memory.kept + *description().temporaries[index].kept;
  return memory.workspace ? memory.workspace + temporaries[index].offset
                          : nullptr;
}

void *Binding::addressOf(const BufferRef &buffer, const Memory &memory) const {
  if (buffer.kind == BufferRef::OfTemporary)
    return temporaryAt(buffer.index, memory);
  size_t tensor = buffer.index;
  if (buffer.kind == BufferRef::OfResult)
    tensor = ownerOf(description().arguments.size() + buffer.index);
  if (copied[tensor])
    return memory.workspace ? memory.workspace + copies[tensor].offset
                            : nullptr;
  return tensorAt(tensor).data;
}

/// The address of the part of a buffer that a kernel is given.
void *Binding::addressOf(const LaunchArgument &argument,
                         const Memory &memory) const {
  char *base = static_cast<char *>(addressOf(argument.buffer, memory));
  // Of an empty buffer there is no address to move on from.
  return base && argument.offset ? base + argument.offset->evaluate(*this)
                                 : base;
}

/// Whether there is an element where the part of an argument starts that a
/// kernel is given. There is none if the argument is empty, or if that part is
/// and lies at its end.
bool Binding::hasElement(const LaunchArgument &argument) const {
  if (argument.buffer.kind != BufferRef::OfArgument)
    return true;
  const attn_tensor &tensor = *tensors[argument.buffer.index];
  Span span = spanOf(tensor);
  if (span.isEmpty())
    return false;
  if (!argument.offset)
    return true;
  if (copied[argument.buffer.index]) {
    int64_t count = 0;
    elementCount(tensor.dims, size_t(tensor.rank), count);
    span = {0, count - 1};
  }
  int64_t size = int64_t(infoOf(dtypeOfCopy(argument.buffer.index)).size);
  int64_t offset = argument.offset->evaluate(*this);
  return offset >= span.first * size && offset <= span.last * size;
}

/// The memory of the buffer that an argument points into. What kernels are
/// given in place of a tensor without elements has a few.
Extent Binding::extentOf(const LaunchArgument &argument,
                         const Memory &memory) const {
  constexpr size_t emptyBytes = 16;
  if (!hasElement(argument))
    return {static_cast<char *>(program->code().emptyTensor()), emptyBytes};
  const BufferRef &buffer = argument.buffer;
  char *base = static_cast<char *>(addressOf(buffer, memory));
  if (buffer.kind == BufferRef::OfTemporary)
    return {base, temporaries[buffer.index].bytes};
  size_t tensor = buffer.index;
  if (buffer.kind == BufferRef::OfResult)
    tensor = ownerOf(description().arguments.size() + buffer.index);
  if (copied[tensor])
    return {base, copies[tensor].bytes};
  Span span = spanOf(*tensors[tensor]);
  int64_t size = int64_t(infoOf(tensors[tensor]->dtype).size);
  return {base + span.first * size,
          size_t((span.last - span.first + 1) * size)};
}

TensorMap Binding::tensorMapFor(const LaunchArgument &argument,
                                const Memory &memory) const {
  const TensorMapRecipe &recipe = argument.tensorMap;
  TensorMap map{addressOf(argument, memory), recipe.dtype, {}, {}, recipe.box};
  for (const Expression &size : recipe.sizes)
    map.sizes.push_back(size.evaluate(*this));
  for (const Expression &stride : recipe.strides)
    map.strides.push_back(stride.evaluate(*this));
  return map;
}

uint64_t Binding::slotFor(const LaunchArgument &argument,
                          const Memory &memory) const {
  switch (argument.kind) {
  case LaunchArgument::Buffer: {
    uint64_t word =
        wordOf(hasElement(argument) ? addressOf(argument, memory)
                                    : program->code().emptyTensor());
    if (word % argument.multiple != 0)
      fail(ATTN_ERROR_INVALID_ARGUMENT,
           "'" + description().nameOf(argument.buffer) +
               "' is not aligned to " + std::to_string(argument.multiple) +
               " bytes, as the kernel needs it to copy elements together");
    return word;
  }
  case LaunchArgument::Value: {
    int64_t value = argument.value.evaluate(*this);
    if (value % argument.multiple != 0)
      fail(ATTN_ERROR_INVALID_ARGUMENT,
           nameOf(argument.value) + " = " + std::to_string(value) +
               " is no multiple of " + std::to_string(argument.multiple) +
               ", as the kernel needs it to copy elements together");
    if (argument.type == ATTN_DTYPE_F32)
      return wordOf(float(value));
    if (argument.type == ATTN_DTYPE_I32 && value != int32_t(value))
      fail(ATTN_ERROR_INVALID_ARGUMENT, nameOf(argument.value) + " = " +
                                            std::to_string(value) +
                                            " does not fit i32");
    return wordOf(value);
  }
  case LaunchArgument::Scalar:
    return *scalars[argument.scalar];
  case LaunchArgument::TensorMap:
    break; // see makePlan
  }
  fail(ATTN_ERROR_INTERNAL, "unknown kind of launch argument");
}

Plan Binding::makePlan(const Memory &memory) const {
  Plan plan;
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (!copied[i] || copies[i].bytes == 0)
      continue;
    bool isArgument = i < description().arguments.size();
    attn_access access =
        isArgument ? description().arguments[i].access : ATTN_ACCESS_WRITE;
    plan.copies.push_back({nameAt(i), &*tensors[i], dtypeOfCopy(i),
                           memory.workspace + copies[i].offset,
                           access != ATTN_ACCESS_WRITE,
                           access != ATTN_ACCESS_READ});
  }
  for (size_t i = 0; i < temporaries.size(); ++i)
    if (description().temporaries[i].zero && temporaries[i].bytes > 0 &&
        !isKept(i, memory))
      plan.fills.push_back({temporaryAt(i, memory), temporaries[i].bytes});

  for (size_t i = 0; i < description().launches.size(); ++i) {
    const LaunchDescription &launch = description().launches[i];
    if (launch.when && !launch.when->evaluate(*this))
      continue;
    Step step;
    step.index = i;
    for (size_t axis = 0; axis < 3; ++axis) {
      step.grid[axis] = launch.grid[axis].evaluate(*this);
      if (step.grid[axis] < 0)
        fail(ATTN_ERROR_INVALID_ARGUMENT,
             launch.grid[axis].path + ": the grid would have " +
                 std::to_string(step.grid[axis]) + " points");
    }
    int64_t points;
    if (!elementCount(step.grid.data(), 3, points))
      fail(ATTN_ERROR_INVALID_ARGUMENT,
           "launch " + std::to_string(i) + " of " + quoted(launch.kernel) +
               ": the grid " + shapeToString(step.grid.data(), 3) +
               " has more than 2^63 points");
    if (points == 0)
      continue;
    if (launch.code.empty())
      fail(ATTN_ERROR_NOT_FOUND,
           "the artifact holds no code of the kernel " + quoted(launch.kernel) +
               ", which these sizes need: it was compiled for others first");
    step.sharedBytes = launch.shared ? launch.shared->evaluate(*this) : 0;
    step.stackBytes =
        launch.stack ? launch.stack->evaluate(*this) : defaultStackBytes;
    if (step.sharedBytes < 0 || step.stackBytes < 0)
      fail(ATTN_ERROR_INVALID_ARGUMENT,
           "launch " + std::to_string(i) + " of " + quoted(launch.kernel) +
               ": negative size of shared memory or stack");
    for (const LaunchArgument &argument : launch.arguments) {
      step.extents.push_back(argument.kind == LaunchArgument::Buffer
                                 ? extentOf(argument, memory)
                                 : Extent());
      if (argument.kind != LaunchArgument::TensorMap) {
        step.slots.push_back(slotFor(argument, memory));
        continue;
      }
      step.slots.push_back(step.tensorMaps.size());
      step.tensorMaps.push_back(tensorMapFor(argument, memory));
    }
    plan.steps.push_back(std::move(step));
  }
  return plan;
}

void Binding::launch(void *workspace, size_t bytes, void *stream) {
  prepareResults();
  if (bytes < workspaceEnd)
    fail(ATTN_ERROR_WORKSPACE_TOO_SMALL,
         "the workspace has " + std::to_string(bytes) + " bytes, needed are " +
             std::to_string(workspaceEnd));
  if (workspaceEnd > 0 && !workspace)
    fail(ATTN_ERROR_INVALID_ARGUMENT, "the workspace is NULL; needed are " +
                                          std::to_string(workspaceEnd) +
                                          " bytes");
  if (workspaceEnd > 0 &&
      reinterpret_cast<uintptr_t>(workspace) % workspaceAlign)
    fail(ATTN_ERROR_INVALID_ARGUMENT, "the workspace is not aligned to " +
                                          std::to_string(workspaceAlign) +
                                          " bytes");
  checkContents();
  Memory memory{static_cast<char *>(workspace),
                program->code().keptMemory(stream),
                program->backend->releases()};
  if (!prepared || !(memory == preparedMemory)) {
    prepared = nullptr;
    prepared = program->code().prepare(makePlan(memory));
    preparedMemory = memory;
  }
  prepared->run(stream);
}

double Binding::deviceTime() {
  if (!prepared)
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         "the binding was not launched since something was bound");
  return prepared->deviceTime();
}

void Binding::launchAllocating(void *stream) {
  prepareResults();
  Backend &backend = *program->backend;
  void *workspace = nullptr;
  if (workspaceEnd > 0 && backend.runsLater(stream))
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         "a launch that is recorded needs a workspace of the caller's of " +
             std::to_string(workspaceEnd) + " bytes");
  if (workspaceEnd > 0) {
    workspace = backend.allocate(workspaceEnd, workspaceAlign);
    if (!workspace)
      fail(ATTN_ERROR_OUT_OF_MEMORY, "no memory for a workspace of " +
                                         std::to_string(workspaceEnd) +
                                         " bytes");
  }
  auto release = [&](void *memory) { backend.release(memory); };
  std::unique_ptr<void, decltype(release)> guard(workspace, release);
  launch(workspace, workspaceEnd, stream);
}

} // namespace attn::runtime
