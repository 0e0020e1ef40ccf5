//===- Module.cpp - The extension module of the package attn --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiler and runtime for Python: `compile` makes artifacts, a Program binds
// arrays of NumPy, PyTorch or anything with DLPack where they lie, and
// launches. What goes wrong is an attn.Error.
//
//===----------------------------------------------------------------------===//

#include "Compiler.h"

#include "attn/runtime/Handles.h"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <mutex>

namespace nb = nanobind;
using namespace attn::python;

namespace {

using ErrorHandle = attn::runtime::Handle<attn_error>;
using ContextHandle = attn::runtime::Handle<attn_context>;
using ProgramHandle = attn::runtime::Handle<attn_program>;
using BindingHandle = attn::runtime::Handle<attn_binding>;

/// Raises attn.Error.
[[noreturn]] void raise(const std::string &message, const char *code) {
  nb::object type = nb::module_::import_("attn._errors").attr("Error");
  nb::object error = type(message, nb::arg("code") = code);
  PyErr_SetObject(type.ptr(), error.ptr());
  throw nb::python_error();
}

[[noreturn]] void raiseInvalid(const std::string &message) {
  raise(message, "ATTN_ERROR_INVALID_ARGUMENT");
}

void check(attn_status status, const ErrorHandle &error) {
  if (status != ATTN_OK)
    raise(attn_error_message(error.get()), attn_status_name(status));
}

/// str(object).
std::string show(nb::handle object) {
  return nb::cast<std::string>(nb::steal(PyObject_Str(object.ptr())));
}

/// An array of Python for the time of a call.
struct Array {
  attn_tensor tensor;
  /// -1: memory of the host.
  int device = -1;
  /// What keeps the memory alive.
  Py_buffer view = {};
  nb::object owner;

  Array() = default;
  Array(Array &&) = delete;
  ~Array() {
    if (view.obj)
      PyBuffer_Release(&view);
  }
};

/// A name to look attributes up by, made once.
nb::object intern(const char *name) {
  return nb::steal(PyUnicode_InternFromString(name));
}

bool isTrue(nb::handle object, const nb::object &name) {
  return object.attr(name).is(nb::handle(Py_True));
}

/// A new object, or what its making raised.
nb::object steal(PyObject *made) {
  if (!made)
    throw nb::python_error();
  return nb::steal(made);
}

nb::object callMethod(nb::handle object, const nb::object &name) {
  return steal(PyObject_CallMethodNoArgs(object.ptr(), name.ptr()));
}

/// The functions of DLPack that a library exchanges tensors by without making
/// objects (`DLPackExchangeAPI` of dlpack.h, since its version 1.2).
struct ExchangeFunctions {
  struct {
    uint32_t major, minor;
    void *older;
  } header;
  void *allocate, *fromObject, *toObject;
  /// What a tensor is, for as long as nobody changes it; 0 if there is no
  /// error.
  int (*view)(void *object, nb::dlpack::dltensor *tensor);
  void *currentStream;

  /// Those of a type; null if it has none that we know.
  static const ExchangeFunctions *of(nb::handle type) {
    nb::object capsule =
        nb::getattr(type, "__dlpack_c_exchange_api__", nb::none());
    if (!PyCapsule_IsValid(capsule.ptr(), "dlpack_exchange_api"))
      return nullptr;
    auto *functions = static_cast<const ExchangeFunctions *>(
        PyCapsule_GetPointer(capsule.ptr(), "dlpack_exchange_api"));
    return functions->header.major == 1 ? functions : nullptr;
  }
};

/// What PyTorch calls things, looked up once.
struct Torch {
  nb::object tensor, isGradEnabled, emptyLike;
  /// Null in a PyTorch that has none: attributes tell the same, slower.
  const ExchangeFunctions *exchange = nullptr;
  nb::object requiresGrad = intern("requires_grad"), dtype = intern("dtype"),
             isCpu = intern("is_cpu"), isCuda = intern("is_cuda"),
             shape = intern("shape"), stride = intern("stride"),
             dataPtr = intern("data_ptr"), newEmpty = intern("new_empty");
  std::vector<std::pair<nb::object, attn_dtype>> dtypes;

  /// Null as long as the program has not imported torch.
  static Torch *get() {
    static Torch *torch = nullptr;
    if (torch)
      return torch;
    PyObject *modules = PyImport_GetModuleDict();
    PyObject *module = PyDict_GetItemString(modules, "torch");
    if (!module || !PyObject_HasAttrString(module, "is_grad_enabled"))
      return nullptr;
    nb::handle handle(module);
    auto *made = new Torch();
    made->tensor = handle.attr("Tensor");
    made->isGradEnabled = handle.attr("is_grad_enabled");
    made->emptyLike = handle.attr("empty_like");
    made->exchange = ExchangeFunctions::of(made->tensor);
    for (auto [name, dtype] : {std::pair("float32", ATTN_DTYPE_F32),
                               {"float16", ATTN_DTYPE_F16},
                               {"bfloat16", ATTN_DTYPE_BF16},
                               {"float64", ATTN_DTYPE_F64},
                               {"bool", ATTN_DTYPE_I1},
                               {"int8", ATTN_DTYPE_I8},
                               {"uint8", ATTN_DTYPE_I8},
                               {"int32", ATTN_DTYPE_I32},
                               {"int64", ATTN_DTYPE_I64}})
      made->dtypes.emplace_back(handle.attr(name), dtype);
    return torch = made;
  }

  attn_dtype find(nb::handle dtype) const {
    for (auto &[object, known] : dtypes)
      if (object.is(dtype))
        return known;
    return ATTN_DTYPE_NONE;
  }
  nb::object get(attn_dtype dtype) const {
    for (auto &[object, known] : dtypes)
      if (known == dtype)
        return object;
    return nb::none();
  }
};

/// Names of NumPy's element types; null where it has none.
const char *getNumpyName(attn_dtype dtype) {
  switch (dtype) {
  case ATTN_DTYPE_F32:
    return "float32";
  case ATTN_DTYPE_F16:
    return "float16";
  case ATTN_DTYPE_F64:
    return "float64";
  case ATTN_DTYPE_I1:
    return "bool";
  case ATTN_DTYPE_I8:
    return "int8";
  case ATTN_DTYPE_I32:
    return "int32";
  case ATTN_DTYPE_I64:
    return "int64";
  default:
    return nullptr;
  }
}

attn_dtype getBufferDtype(const char *format, Py_ssize_t bytes) {
  // Native byte order only.
  if (*format == '@' || *format == '=' || *format == '<')
    ++format;
  if (format[0] == 0 || format[1] != 0)
    return ATTN_DTYPE_NONE;
  switch (*format) {
  case 'e':
    return ATTN_DTYPE_F16;
  case 'f':
    return ATTN_DTYPE_F32;
  case 'd':
    return ATTN_DTYPE_F64;
  case '?':
    return ATTN_DTYPE_I1;
  case 'b':
  case 'B':
    return ATTN_DTYPE_I8;
  case 'i':
  case 'l':
  case 'q':
    return bytes == 4 ? ATTN_DTYPE_I32 : ATTN_DTYPE_I64;
  default:
    return ATTN_DTYPE_NONE;
  }
}

attn_dtype getDlpackDtype(nb::dlpack::dtype dtype) {
  using Code = nb::dlpack::dtype_code;
  auto is = [&](Code code, int bits) {
    return dtype.code == uint8_t(code) && dtype.bits == bits &&
           dtype.lanes == 1;
  };
  if (is(Code::Float, 32))
    return ATTN_DTYPE_F32;
  if (is(Code::Float, 16))
    return ATTN_DTYPE_F16;
  if (is(Code::Bfloat, 16))
    return ATTN_DTYPE_BF16;
  if (is(Code::Float, 64))
    return ATTN_DTYPE_F64;
  if (is(Code::Bool, 8))
    return ATTN_DTYPE_I1;
  if (is(Code::Int, 8) || is(Code::UInt, 8))
    return ATTN_DTYPE_I8;
  if (is(Code::Int, 32))
    return ATTN_DTYPE_I32;
  return is(Code::Int, 64) ? ATTN_DTYPE_I64 : ATTN_DTYPE_NONE;
}

/// Reads arrays; `name` is for messages.
class Importer {
public:
  Importer(const std::string &name, nb::handle object, bool writes,
           Array &array)
      : name(name), object(object), writes(writes), array(array) {}

  void run() {
    try {
      read();
    } catch (nb::python_error &error) {
      // Tensors without memory, and what an array's own code raises.
      if (!error.matches(PyExc_Exception) || isOurs(error))
        throw;
      raiseInvalid(name + " cannot be read: " + show(error.value()));
    }
  }

private:
  static bool isOurs(const nb::python_error &error) {
    return error.matches(nb::module_::import_("attn._errors").attr("Error"));
  }

  void read() {
    Torch *torch = Torch::get();
    if (torch && isTensor(*torch))
      return readTensor(*torch);
    if (isMasked())
      raiseInvalid(name + " is a masked array, and kernels read no mask of an "
                          "array; give its filled(...), and mask keys by a "
                          "mask function or tensor");
    if (PyObject_CheckBuffer(object.ptr()) && readBuffer())
      return;
    readDlpack();
  }

  bool isTensor(const Torch &torch) const {
    return PyObject_TypeCheck(
        object.ptr(), reinterpret_cast<PyTypeObject *>(torch.tensor.ptr()));
  }

  /// Masked arrays of NumPy lend the elements without the mask.
  bool isMasked() const {
    return std::strcmp(Py_TYPE(object.ptr())->tp_name, "numpy.ndarray") != 0 &&
           nb::hasattr(object, "mask") && nb::hasattr(object, "filled");
  }

  void setRank(size_t rank) {
    if (rank > ATTN_MAX_RANK)
      raiseInvalid(name + " has " + std::to_string(rank) +
                   " dimensions; at most " + std::to_string(ATTN_MAX_RANK) +
                   " are possible");
    array.tensor.rank = static_cast<int32_t>(rank);
  }

  void readTensor(const Torch &torch) {
    if (isTrue(object, torch.requiresGrad) &&
        nb::cast<bool>(torch.isGradEnabled()))
      raiseInvalid(name + " requires gradients, and there is no backward "
                          "pass; call under torch.no_grad(), or detach it");
    if (!viewTensor(torch))
      readAttributes(torch);
    // The imaginary part of a conjugate holds negated numbers; it is never
    // dense.
    int last = array.tensor.rank - 1;
    if (last >= 0 && array.tensor.strides[last] != 1 &&
        nb::cast<bool>(object.attr("is_neg")()))
      raiseInvalid(name + " is a view that negates; call resolve_neg()");
    array.owner = nb::borrow(object);
  }

  /// False if the tensor is none that the library lends, or not one of ours.
  bool viewTensor(const Torch &torch) {
    if (!torch.exchange ||
        Py_TYPE(object.ptr()) !=
            reinterpret_cast<PyTypeObject *>(torch.tensor.ptr()))
      return false;
    nb::dlpack::dltensor view;
    if (torch.exchange->view(object.ptr(), &view)) {
      PyErr_Clear();
      return false;
    }
    array.tensor.dtype = getDlpackDtype(view.dtype);
    bool onGPU = view.device.device_type == nb::device::cuda::value;
    if (array.tensor.dtype == ATTN_DTYPE_NONE || !view.strides ||
        view.ndim > ATTN_MAX_RANK ||
        !(onGPU || view.device.device_type == nb::device::cpu::value))
      return false;
    if (onGPU)
      array.device = view.device.device_id;
    array.tensor.rank = view.ndim;
    std::copy_n(view.shape, view.ndim, array.tensor.dims);
    std::copy_n(view.strides, view.ndim, array.tensor.strides);
    array.tensor.data = static_cast<char *>(view.data) + view.byte_offset;
    return true;
  }

  /// Attributes, not __dlpack__: that costs microseconds a tensor.
  void readAttributes(const Torch &torch) {
    array.tensor.dtype = torch.find(object.attr(torch.dtype));
    if (array.tensor.dtype == ATTN_DTYPE_NONE)
      raiseInvalid(name + " has element type " + show(object.attr("dtype")) +
                   ", which no kernel takes");
    if (isTrue(object, torch.isCuda))
      array.device = nb::cast<int>(object.attr("get_device")());
    else if (!isTrue(object, torch.isCpu))
      raiseInvalid(name + " is on " + show(object.attr("device")) +
                   "; kernels run on cpu and cuda");
    auto shape = nb::borrow<nb::tuple>(object.attr(torch.shape));
    auto strides = nb::borrow<nb::tuple>(callMethod(object, torch.stride));
    setRank(shape.size());
    for (int i = 0; i < array.tensor.rank; ++i) {
      array.tensor.dims[i] = nb::cast<int64_t>(shape[i]);
      array.tensor.strides[i] = nb::cast<int64_t>(strides[i]);
    }
    array.tensor.data = reinterpret_cast<void *>(
        nb::cast<uintptr_t>(callMethod(object, torch.dataPtr)));
  }

  bool readBuffer() {
    int flags = PyBUF_STRIDES | PyBUF_FORMAT | (writes ? PyBUF_WRITABLE : 0);
    if (PyObject_GetBuffer(object.ptr(), &array.view, flags)) {
      std::string reason = nb::python_error().what();
      if (writes)
        raiseInvalid(name + " cannot be written: " + reason);
      return false;
    }
    const Py_buffer &view = array.view;
    array.tensor.dtype = getBufferDtype(view.format, view.itemsize);
    if (array.tensor.dtype == ATTN_DTYPE_NONE)
      raiseInvalid(name + " has elements of format '" + view.format +
                   "', which no kernel takes");
    setRank(view.ndim);
    for (int i = 0; i < view.ndim; ++i) {
      if (view.strides[i] % view.itemsize)
        raiseInvalid(name + ": its stride of " +
                     std::to_string(view.strides[i]) +
                     " bytes is no multiple of the size of an element");
      array.tensor.dims[i] = view.shape[i];
      array.tensor.strides[i] = view.strides[i] / view.itemsize;
    }
    array.tensor.data = view.buf;
    return true;
  }

  void readDlpack() {
    nb::ndarray<nb::ro> view;
    if (!nb::try_cast<nb::ndarray<nb::ro>>(object, view) || !view.is_valid())
      raiseInvalid(name + " is a " + Py_TYPE(object.ptr())->tp_name +
                   "; an array with the buffer protocol or DLPack is needed");
    array.tensor.dtype = getDlpackDtype(view.dtype());
    if (array.tensor.dtype == ATTN_DTYPE_NONE)
      raiseInvalid(name + " has an element type that no kernel takes");
    if (view.device_type() == nb::device::cuda::value)
      array.device = view.device_id();
    else if (view.device_type() != nb::device::cpu::value)
      raiseInvalid(name + " is on a device that is neither cpu nor cuda");
    setRank(view.ndim());
    for (size_t i = 0; i < view.ndim(); ++i) {
      array.tensor.dims[i] = static_cast<int64_t>(view.shape(i));
      array.tensor.strides[i] = view.stride(i);
    }
    array.tensor.data = const_cast<void *>(view.data());
    array.owner = nb::cast(view);
  }

  const std::string &name;
  nb::handle object;
  bool writes;
  Array &array;
};

/// Where the arrays lie that kernels of a backend take, as DLPack says it.
struct ArrayMemory {
  const char *backend;
  int32_t device;
};
constexpr ArrayMemory arrayMemories[] = {{"cpu", nb::device::cpu::value},
                                         {"cuda", nb::device::cuda::value}};

/// A device and its threads.
class Context {
public:
  Context(const std::string &backend, int threads, int device) {
    const auto *memory = std::find_if(
        std::begin(arrayMemories), std::end(arrayMemories),
        [&](const ArrayMemory &memory) { return memory.backend == backend; });
    if (memory == std::end(arrayMemories))
      raiseInvalid("the backend '" + backend +
                   "' works on memory of its own, where no arrays lie");
    ErrorHandle error(attn_error_create());
    attn_context_options options = ATTN_CONTEXT_OPTIONS_INIT;
    options.backend = backend.c_str();
    options.threads = threads;
    options.device = device;
    attn_context *opened = nullptr;
    check(attn_context_create(&options, &opened, error.get()), error);
    context.reset(opened);
    if (memory->device != nb::device::cpu::value)
      this->device = device;
  }

  attn_context_info getInfo() const {
    ErrorHandle error(attn_error_create());
    attn_context_info info = ATTN_CONTEXT_INFO_INIT;
    check(attn_context_get_info(context.get(), &info, error.get()), error);
    return info;
  }

  nb::dict describe() const {
    attn_context_info info = getInfo();
    nb::dict result;
    result["backend"] = info.backend;
    result["device"] = info.device;
    result["features"] = info.features;
    result["threads"] = info.threads;
    return result;
  }

  ContextHandle context;
  /// -1: arrays lie in memory of the host.
  int device = -1;
};

/// A loaded artifact. Calls from several threads have a binding each.
class Program {
public:
  Program(const Context &context, nb::bytes artifact)
      : device(context.device), error(attn_error_create()) {
    attn_program *loaded = nullptr;
    check(attn_program_load_memory(context.context.get(), artifact.c_str(),
                                   artifact.size(), &loaded, error.get()),
          error);
    program.reset(loaded);
    arguments.resize(attn_program_argument_count(loaded));
    for (size_t i = 0; i < arguments.size(); ++i) {
      arguments[i] = ATTN_ARGUMENT_INFO_INIT;
      check(attn_program_argument(loaded, i, &arguments[i], error.get()),
            error);
      labels.push_back("argument " + std::to_string(i) + " '" +
                       arguments[i].name + "'");
    }
    results.resize(attn_program_result_count(loaded));
    for (size_t i = 0; i < results.size(); ++i) {
      results[i] = ATTN_RESULT_INFO_INIT;
      check(attn_program_result(loaded, i, &results[i], error.get()), error);
    }
    numpyEmpty = nb::none();
  }

  nb::object call(nb::tuple given, nb::object out, uintptr_t stream);

  nb::list describeArguments() const {
    nb::list list;
    for (const attn_argument_info &info : arguments) {
      nb::dict entry;
      entry["name"] = info.name;
      entry["scalar"] = info.kind == ATTN_ARGUMENT_SCALAR;
      entry["dtype"] = attn_dtype_name(info.dtype);
      entry["written"] = info.access != ATTN_ACCESS_READ;
      entry["shape"] = describeShape(info.rank, info.dims);
      list.append(entry);
    }
    return list;
  }
  nb::list describeResults() const {
    nb::list list;
    for (const attn_result_info &info : results) {
      nb::dict entry;
      entry["name"] = info.name;
      entry["dtype"] = attn_dtype_name(info.dtype);
      entry["argument"] = info.argument;
      entry["shape"] = describeShape(info.rank, info.dims);
      list.append(entry);
    }
    return list;
  }
  std::string getDescription() const {
    return attn_program_json(program.get());
  }
  std::string getChip() const { return attn_program_chip(program.get()); }

private:
  struct Shape {
    int32_t rank = 0;
    int64_t dims[ATTN_MAX_RANK];
  };

  /// A binding, and what is bound: what is bound already, as in the steps of a
  /// decoder, needs neither binding nor checks.
  struct Lane {
    BindingHandle binding;
    ErrorHandle error;
    std::vector<attn_tensor> arguments, results;
    /// Of the results; known as long as arguments do not change.
    std::vector<Shape> shapes;
    bool areShapesKnown = false;
  };

  static bool isSame(const attn_tensor &a, const attn_tensor &b) {
    return a.data == b.data && a.dtype == b.dtype && a.rank == b.rank &&
           std::equal(a.dims, a.dims + a.rank, b.dims) &&
           std::equal(a.strides, a.strides + a.rank, b.strides);
  }

  static nb::tuple describeShape(int rank, const int64_t *dims) {
    nb::list list;
    for (int i = 0; i < rank; ++i)
      list.append(dims[i] == ATTN_DYNAMIC ? nb::object(nb::none())
                                          : nb::object(nb::int_(dims[i])));
    return nb::tuple(list);
  }

  Lane takeLane();
  void bindArgument(Lane &lane, size_t index, nb::handle value, Array &array);
  void bindArray(Lane &lane, size_t index, nb::handle value, Array &array);
  void inferShapes(Lane &lane);
  nb::object bindResult(Lane &lane, size_t index, nb::handle out,
                        nb::handle like, Array &array);
  nb::object allocate(attn_dtype dtype, const int64_t *dims, int rank,
                      nb::handle like);
  nb::object allocateResult(const Lane &lane, size_t index, nb::handle like);
  void launch(Lane &lane, uintptr_t stream, nb::handle like);
  void checkDevice(const std::string &name, const Array &array) const {
    if (array.device == device)
      return;
    auto place = [](int device) {
      return device < 0 ? std::string("cpu") : "cuda:" + std::to_string(device);
    };
    raiseInvalid(name + " is on " + place(array.device) +
                 "; the kernel was compiled for " + place(device));
  }

  int device;
  ErrorHandle error;
  ProgramHandle program;
  std::vector<attn_argument_info> arguments;
  std::vector<attn_result_info> results;
  /// What messages call the arguments.
  std::vector<std::string> labels;
  nb::object numpyEmpty;
  std::mutex mutex;
  std::vector<Lane> idle;
};

} // namespace

Program::Lane Program::takeLane() {
  {
    std::lock_guard<std::mutex> lock(mutex);
    if (!idle.empty()) {
      Lane lane = std::move(idle.back());
      idle.pop_back();
      return lane;
    }
  }
  Lane lane;
  lane.error.reset(attn_error_create());
  lane.arguments.resize(arguments.size(), attn_tensor());
  lane.results.resize(results.size(), attn_tensor());
  lane.shapes.resize(results.size());
  attn_binding *binding = nullptr;
  check(attn_binding_create(program.get(), &binding, lane.error.get()),
        lane.error);
  lane.binding.reset(binding);
  return lane;
}

void Program::bindArray(Lane &lane, size_t index, nb::handle value,
                        Array &array) {
  bool writes = arguments[index].access != ATTN_ACCESS_READ;
  Importer(labels[index], value, writes, array).run();
  checkDevice(labels[index], array);
  if (isSame(array.tensor, lane.arguments[index]))
    return;
  lane.arguments[index] = array.tensor;
  lane.areShapesKnown = false;
  check(attn_binding_set_argument(lane.binding.get(), index, &array.tensor,
                                  lane.error.get()),
        lane.error);
}

void Program::bindArgument(Lane &lane, size_t index, nb::handle value,
                           Array &array) {
  attn_dtype dtype = arguments[index].dtype;
  if (arguments[index].kind == ATTN_ARGUMENT_BUFFER)
    return bindArray(lane, index, value, array);
  lane.areShapesKnown = false;
  attn_binding *binding = lane.binding.get();
  attn_error *error = lane.error.get();
  if (dtype == ATTN_DTYPE_F32 || dtype == ATTN_DTYPE_F64) {
    double number;
    if (!nb::try_cast<double>(value, number))
      raiseInvalid(labels[index] + " must be a number");
    if (dtype == ATTN_DTYPE_F32 && std::isfinite(number) &&
        !std::isfinite(static_cast<float>(number)))
      raiseInvalid(labels[index] + " = " + show(value) +
                   " is beyond the numbers of f32");
    check(dtype == ATTN_DTYPE_F32
              ? attn_binding_set_scalar_f32(binding, index, number, error)
              : attn_binding_set_scalar_f64(binding, index, number, error),
          lane.error);
    return;
  }
  int64_t number;
  if (!nb::try_cast<int64_t>(value, number))
    raiseInvalid(labels[index] + " must be an integer of 64 bits");
  check(attn_binding_set_scalar_i64(binding, index, number, error), lane.error);
}

/// Memory as that of `like`, a tensor of PyTorch; NumPy's if there is none.
nb::object Program::allocate(attn_dtype dtype, const int64_t *dims, int rank,
                             nb::handle like) {
  nb::object shape = nb::steal(PyTuple_New(rank));
  for (int i = 0; i < rank; ++i)
    PyTuple_SET_ITEM(shape.ptr(), i, PyLong_FromLongLong(dims[i]));
  if (like) {
    Torch *torch = Torch::get();
    if (torch->find(like.attr(torch->dtype)) == dtype)
      return steal(PyObject_CallMethodOneArg(like.ptr(), torch->newEmpty.ptr(),
                                             shape.ptr()));
    return like.attr(torch->newEmpty)(shape,
                                      nb::arg("dtype") = torch->get(dtype));
  }
  const char *name = getNumpyName(dtype);
  if (!name)
    raiseInvalid(std::string("NumPy has no element type ") +
                 attn_dtype_name(dtype) + "; pass tensors of PyTorch");
  if (numpyEmpty.is_none())
    numpyEmpty = nb::module_::import_("numpy").attr("empty");
  return numpyEmpty(shape, name);
}

/// As the first argument if that is a dense tensor of the shape and type that
/// the result has, which PyTorch makes fastest.
nb::object Program::allocateResult(const Lane &lane, size_t index,
                                   nb::handle like) {
  const Shape &shape = lane.shapes[index];
  attn_dtype dtype = results[index].dtype;
  const attn_tensor &first = lane.arguments.front();
  if (!like || arguments.front().kind != ATTN_ARGUMENT_BUFFER ||
      first.dtype != dtype || first.rank != shape.rank ||
      !std::equal(shape.dims, shape.dims + shape.rank, first.dims))
    return allocate(dtype, shape.dims, shape.rank, like);
  int64_t dense = 1;
  for (int i = shape.rank; i > 0; --i) {
    if (first.strides[i - 1] != dense)
      return allocate(dtype, shape.dims, shape.rank, like);
    dense *= shape.dims[i - 1];
  }
  return steal(PyObject_CallOneArg(Torch::get()->emptyLike.ptr(), like.ptr()));
}

void Program::inferShapes(Lane &lane) {
  if (lane.areShapesKnown)
    return;
  for (size_t i = 0; i < results.size(); ++i)
    check(attn_binding_infer_result_shape(
              lane.binding.get(), i, lane.shapes[i].dims, &lane.shapes[i].rank,
              lane.error.get()),
          lane.error);
  lane.areShapesKnown = true;
}

nb::object Program::bindResult(Lane &lane, size_t index, nb::handle out,
                               nb::handle like, Array &array) {
  nb::object result =
      out.is_none() ? allocateResult(lane, index, like) : nb::borrow(out);
  std::string label = "result " + std::to_string(index);
  Importer(label, result, /*writes=*/true, array).run();
  checkDevice(label, array);
  if (isSame(array.tensor, lane.results[index]))
    return result;
  lane.results[index] = array.tensor;
  check(attn_binding_set_result(lane.binding.get(), index, &array.tensor,
                                lane.error.get()),
        lane.error);
  return result;
}

void Program::launch(Lane &lane, uintptr_t stream, nb::handle like) {
  auto *handle = reinterpret_cast<void *>(stream);
  if (device < 0) {
    attn_status status;
    {
      nb::gil_scoped_release release;
      status = attn_launch_alloc(lane.binding.get(), handle, lane.error.get());
    }
    return check(status, lane.error);
  }
  // PyTorch's allocator hands memory out in the order of streams.
  size_t bytes = 0, alignment = 1;
  check(attn_binding_workspace_size(lane.binding.get(), &bytes, &alignment,
                                    lane.error.get()),
        lane.error);
  if (!bytes || !like)
    return check(
        attn_launch_alloc(lane.binding.get(), handle, lane.error.get()),
        lane.error);
  int64_t size = static_cast<int64_t>(bytes + alignment);
  nb::object workspace = allocate(ATTN_DTYPE_I8, &size, 1, like);
  auto address = nb::cast<uintptr_t>(workspace.attr("data_ptr")());
  address = (address + alignment - 1) / alignment * alignment;
  check(attn_launch(lane.binding.get(), reinterpret_cast<void *>(address),
                    bytes, handle, lane.error.get()),
        lane.error);
}

nb::object Program::call(nb::tuple given, nb::object out, uintptr_t stream) {
  if (given.size() != arguments.size()) {
    std::string names;
    for (const attn_argument_info &info : arguments)
      names += std::string(names.empty() ? "" : ", ") + info.name;
    raiseInvalid("the kernel takes " + std::to_string(arguments.size()) +
                 " arguments (" + names + "), not " +
                 std::to_string(given.size()));
  }
  // Results are what the first argument is.
  Torch *torch = Torch::get();
  nb::handle like;
  if (torch && given.size() &&
      PyObject_TypeCheck(nb::handle(given[0]).ptr(),
                         reinterpret_cast<PyTypeObject *>(torch->tensor.ptr())))
    like = given[0];

  nb::object outs = out;
  if (!out.is_none() && !nb::isinstance<nb::tuple>(out))
    outs = nb::make_tuple(out);
  if (!outs.is_none() && nb::len(outs) != results.size())
    raiseInvalid("out must name " + std::to_string(results.size()) +
                 " arrays, not " + std::to_string(nb::len(outs)));

  Lane lane = takeLane();
  auto arrays = std::make_unique<Array[]>(arguments.size() + results.size());
  for (size_t i = 0; i < arguments.size(); ++i)
    bindArgument(lane, i, given[i], arrays[i]);
  inferShapes(lane);
  nb::object answer = nb::steal(PyTuple_New(results.size()));
  for (size_t i = 0; i < results.size(); ++i) {
    nb::object result;
    if (results[i].argument >= 0)
      result = nb::borrow(nb::handle(given[results[i].argument]));
    else
      result = bindResult(lane, i,
                          outs.is_none() ? nb::object(nb::none())
                                         : nb::object(outs[i]),
                          like, arrays[arguments.size() + i]);
    PyTuple_SET_ITEM(answer.ptr(), i, result.release().ptr());
  }
  launch(lane, stream, like);
  {
    std::lock_guard<std::mutex> lock(mutex);
    idle.push_back(std::move(lane));
  }
  if (results.size() == 1)
    return nb::borrow(PyTuple_GET_ITEM(answer.ptr(), 0));
  return answer;
}

static nb::dict compileModule(const std::string &text, const std::string &entry,
                              const std::string &target,
                              const std::string &chip, int64_t tileM,
                              int64_t tileN, bool explain, bool general,
                              nb::bytes completes) {
  Outcome outcome;
  std::string known(completes.c_str(), completes.size());
  {
    nb::gil_scoped_release release;
    outcome = attn::python::compile({text, entry, target, chip, tileM, tileN,
                                     explain, general, std::move(known)});
  }
  nb::dict result;
  nb::list diagnostics;
  for (const Diagnostic &diagnostic : outcome.diagnostics)
    diagnostics.append(nb::make_tuple(diagnostic.severity, diagnostic.message,
                                      diagnostic.file, diagnostic.line,
                                      diagnostic.column));
  result["succeeded"] = outcome.succeeded;
  result["artifact"] =
      nb::bytes(outcome.artifact.data(), outcome.artifact.size());
  result["diagnostics"] = diagnostics;
  result["phases"] = outcome.phases;
  result["choices"] = outcome.choices;
  result["ranges"] = outcome.ranges;
  return result;
}

NB_MODULE(_attn, m) {
  m.doc() = "Compiler and runtime; use the package attn.";
  // What a program still holds when it ends is no leak of ours.
  nb::set_leak_warnings(false);
  m.def("compile", compileModule, nb::arg("text"), nb::arg("entry") = "",
        nb::arg("target") = "cpu", nb::arg("chip") = "", nb::arg("tile_m") = 0,
        nb::arg("tile_n") = 0, nb::arg("explain") = false,
        nb::arg("general") = false, nb::arg("completes") = nb::bytes("", 0),
        "The artifact of one function of a module, and what was said.");
  m.def(
      "find_backend", findBackend, nb::arg("target"),
      "The backend that runs what is compiled for a target, '' if none does.");
  m.def("choose_chip", chooseChip, nb::arg("target"), nb::arg("features"),
        "The chip to compile for on such a device, '' for the target's own "
        "choice.");
  m.def(
      "keep_forever", [](nb::object object) { object.inc_ref(); },
      nb::arg("object"),
      "Never destroys an object: its threads did not survive a fork.");
  nb::class_<Context>(m, "Context", "A device and its threads.")
      .def(nb::init<const std::string &, int, int>(), nb::arg("backend"),
           nb::arg("threads") = 0, nb::arg("device") = 0)
      .def_ro("device", &Context::device,
              "The device whose memory arrays lie in; -1: the host.")
      .def("describe", &Context::describe);
  nb::class_<Program>(m, "Program", "A loaded artifact.")
      .def(nb::init<const Context &, nb::bytes>(), nb::arg("context"),
           nb::arg("artifact"))
      .def("call", &Program::call, nb::arg("arguments"),
           nb::arg("out") = nb::none(), nb::arg("stream") = 0)
      .def_prop_ro("arguments", &Program::describeArguments)
      .def_prop_ro("results", &Program::describeResults)
      .def_prop_ro("json", &Program::getDescription)
      .def_prop_ro("chip", &Program::getChip);
}
