// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the functions of an ahead-of-time library call (attn-compile -o FOLDER):
// an embedded artifact is loaded once, and a thread keeps a binding for each
// kernel, so that a call with the tensors of the last one only launches.
#include "Tensor.h"

#include <cstring>
#include <mutex>
#include <new>
#include <vector>

/// Written by the compiler into the library, one a function.
struct attn_kernel {
  const void *artifact;
  uint64_t size;
};

// Not in attn_runtime.h: every library has its own.
extern "C" {
/// `words`: of each buffer, and of each result that is in no argument's, the
/// addresses of its data, sizes and strides (null: dense); of each scalar its
/// bits.
ATTN_API attn_status attn_kernel_call(const attn_kernel *kernel,
                                      const uint64_t *words, void *stream,
                                      attn_error *error);
/// Runs all kernels on `context` from now on; null: on one of their own.
ATTN_API void attn_kernel_use(attn_context *context);
/// Which code a kernel runs on which device, and why; "" and an error if it
/// cannot be loaded.
ATTN_API const char *attn_kernel_explain(const attn_kernel *kernel,
                                         attn_error *error);
}

namespace {

/// What all threads share. Never destroyed: threads may outlive main.
struct Library {
  struct Loaded {
    const attn_kernel *kernel;
    attn_context *context;
    attn_program *program;
    const char *reason; // owned by one of them
  };
  std::mutex mutex; // guards all below
  attn_context *given = nullptr;
  uint64_t generation = 0; // counts changes of `given`
  std::vector<attn_context *> contexts;
  std::vector<Loaded> loaded;

  static Library &get() {
    static Library &instance = *new Library;
    return instance;
  }
  attn_status load(const attn_kernel *kernel, Loaded &found, attn_error *error);

private:
  attn_status loadOnOwnContext(const attn_kernel *kernel, Loaded &entry,
                               attn_error *error);
};

attn_status Library::loadOnOwnContext(const attn_kernel *kernel, Loaded &entry,
                                      attn_error *error) {
  // Kernels share the threads of a context.
  for (attn_context *context : contexts)
    if (attn_program_load_memory(context, kernel->artifact, kernel->size,
                                 &entry.program, nullptr) == ATTN_OK) {
      entry.context = context;
      return ATTN_OK;
    }
  attn_artifact *artifact = nullptr;
  attn_status status = attn_artifact_open_memory(kernel->artifact, kernel->size,
                                                 &artifact, error);
  if (status == ATTN_OK)
    status = attn_context_create_for(artifact, nullptr, &entry.context, error);
  if (status == ATTN_OK)
    status = attn_program_load(entry.context, artifact, &entry.program, error);
  attn_artifact_destroy(artifact);
  if (status != ATTN_OK)
    return status;
  contexts.push_back(entry.context);
  // Says why this backend, too.
  attn_context_info info = ATTN_CONTEXT_INFO_INIT;
  if (attn_context_get_info(entry.context, &info, nullptr) == ATTN_OK)
    entry.reason = info.reason;
  return ATTN_OK;
}

attn_status Library::load(const attn_kernel *kernel, Loaded &found,
                          attn_error *error) {
  for (const Loaded &entry : loaded)
    if (entry.kernel == kernel) {
      found = entry;
      return ATTN_OK;
    }
  Loaded entry{kernel, given, nullptr, nullptr};
  attn_status status =
      given ? attn_program_load_memory(given, kernel->artifact, kernel->size,
                                       &entry.program, error)
            : loadOnOwnContext(kernel, entry, error);
  if (status != ATTN_OK)
    return status;
  if (!entry.reason)
    entry.reason = attn_program_reason(entry.program);
  loaded.push_back(entry);
  found = entry;
  return ATTN_OK;
}

/// A parameter of the compiled function.
struct Parameter {
  bool isScalar, isResult;
  size_t index;
  attn_dtype dtype;
  int32_t rank;
  // What was bound last.
  bool bound = false;
  attn_tensor tensor{};
  uint64_t word = 0;
};

/// The binding of one kernel in one thread on one stream.
struct Call {
  const attn_kernel *kernel = nullptr;
  void *stream = nullptr;
  uint64_t generation = 0;
  attn_context *context = nullptr;
  attn_binding *binding = nullptr;
  std::vector<Parameter> parameters;
  void *workspace = nullptr;
  size_t workspaceBytes = 0;

  void release() {
    attn_binding_destroy(binding);
    attn_memory_free(context, workspace);
    binding = nullptr;
    workspace = nullptr;
    workspaceBytes = 0;
  }
  attn_status open(attn_error *error);
  attn_status bind(const uint64_t *words, attn_error *error);
  attn_status launch(attn_error *error);

private:
  attn_status bindScalar(Parameter &parameter, uint64_t word,
                         attn_error *error);
  attn_status bindTensor(Parameter &parameter, const uint64_t *words,
                         attn_error *error);
};

/// The calls of a thread, which end with it.
struct Calls {
  std::vector<Call> calls;
  ~Calls() {
    for (Call &call : calls)
      call.release();
  }
};

attn_status Call::open(attn_error *error) {
  Library &library = Library::get();
  std::lock_guard<std::mutex> lock(library.mutex);
  Library::Loaded found{};
  attn_status status = library.load(kernel, found, error);
  if (status == ATTN_OK)
    status = attn_binding_create(found.program, &binding, error);
  if (status != ATTN_OK)
    return status;
  context = found.context;
  generation = library.generation;
  parameters.clear();
  for (size_t i = 0; i < attn_program_argument_count(found.program); ++i) {
    attn_argument_info info = ATTN_ARGUMENT_INFO_INIT;
    attn_program_argument(found.program, i, &info, nullptr);
    parameters.push_back({info.kind == ATTN_ARGUMENT_SCALAR,
                          /*isResult=*/false, i, info.dtype, info.rank});
  }
  for (size_t i = 0; i < attn_program_result_count(found.program); ++i) {
    attn_result_info info = ATTN_RESULT_INFO_INIT;
    attn_program_result(found.program, i, &info, nullptr);
    if (info.argument < 0)
      parameters.push_back(
          {/*isScalar=*/false, /*isResult=*/true, i, info.dtype, info.rank});
  }
  return ATTN_OK;
}

attn_status Call::bindScalar(Parameter &parameter, uint64_t word,
                             attn_error *error) {
  if (parameter.bound && parameter.word == word)
    return ATTN_OK;
  parameter.bound = false;
  attn_status status;
  if (parameter.dtype == ATTN_DTYPE_F32) {
    float value;
    std::memcpy(&value, &word, sizeof value);
    status =
        attn_binding_set_scalar_f32(binding, parameter.index, value, error);
  } else if (parameter.dtype == ATTN_DTYPE_F64) {
    double value;
    std::memcpy(&value, &word, sizeof value);
    status =
        attn_binding_set_scalar_f64(binding, parameter.index, value, error);
  } else {
    status = attn_binding_set_scalar_i64(binding, parameter.index,
                                         int64_t(word), error);
  }
  parameter.bound = status == ATTN_OK;
  parameter.word = word;
  return status;
}

attn_status Call::bindTensor(Parameter &parameter, const uint64_t *words,
                             attn_error *error) {
  attn_tensor tensor{};
  auto *sizes = reinterpret_cast<const int64_t *>(words[1]);
  auto *strides = reinterpret_cast<const int64_t *>(words[2]);
  tensor.data = reinterpret_cast<void *>(words[0]);
  tensor.dtype = parameter.dtype;
  // Without sizes it is of rank 0, which the binding refuses by name.
  tensor.rank = sizes ? parameter.rank : 0;
  if (tensor.rank) {
    size_t bytes = size_t(tensor.rank) * sizeof(int64_t);
    std::memcpy(tensor.dims, sizes, bytes);
    if (strides)
      std::memcpy(tensor.strides, strides, bytes);
    else
      attn::runtime::denseStrides(tensor.dims, size_t(tensor.rank),
                                  tensor.strides);
  }
  if (parameter.bound &&
      std::memcmp(&parameter.tensor, &tensor, sizeof tensor) == 0)
    return ATTN_OK;
  parameter.bound = false;
  attn_status status =
      parameter.isResult
          ? attn_binding_set_result(binding, parameter.index, &tensor, error)
          : attn_binding_set_argument(binding, parameter.index, &tensor, error);
  parameter.bound = status == ATTN_OK;
  parameter.tensor = tensor;
  return status;
}

attn_status Call::bind(const uint64_t *words, attn_error *error) {
  for (Parameter &parameter : parameters) {
    attn_status status = parameter.isScalar
                             ? bindScalar(parameter, *words, error)
                             : bindTensor(parameter, words, error);
    if (status != ATTN_OK)
      return status;
    words += parameter.isScalar ? 1 : 3;
  }
  return ATTN_OK;
}

attn_status Call::launch(attn_error *error) {
  size_t bytes = 0, alignment = 0;
  attn_status status =
      attn_binding_workspace_size(binding, &bytes, &alignment, error);
  // What attn_memory_allocate gives is aligned to 256 bytes.
  if (status == ATTN_OK && alignment > 256)
    return attn_launch_alloc(binding, stream, error);
  if (status == ATTN_OK && bytes > workspaceBytes) {
    attn_memory_free(context, workspace);
    workspace = nullptr;
    workspaceBytes = 0;
    status = attn_memory_allocate(context, bytes, &workspace, error);
    workspaceBytes = status == ATTN_OK ? bytes : 0;
  }
  return status == ATTN_OK
             ? attn_launch(binding, workspace, workspaceBytes, stream, error)
             : status;
}

/// The call of this thread, opened where it is new or on another context.
attn_status findCall(const attn_kernel *kernel, void *stream, Call *&found,
                     attn_error *error) {
  thread_local Calls mine;
  uint64_t generation;
  {
    Library &library = Library::get();
    std::lock_guard<std::mutex> lock(library.mutex);
    generation = library.generation;
  }
  for (Call &call : mine.calls)
    if (call.kernel == kernel && call.stream == stream) {
      found = &call;
      if (call.binding && call.generation == generation)
        return ATTN_OK;
      call.release();
      return call.open(error);
    }
  found = &mine.calls.emplace_back();
  found->kernel = kernel;
  found->stream = stream;
  return found->open(error);
}

} // namespace

attn_status attn_kernel_call(const attn_kernel *kernel, const uint64_t *words,
                             void *stream, attn_error *error) {
  try {
    Call *call;
    attn_status status = findCall(kernel, stream, call, error);
    if (status == ATTN_OK)
      status = call->bind(words, error);
    return status == ATTN_OK ? call->launch(error) : status;
  } catch (const std::bad_alloc &) {
    return ATTN_ERROR_OUT_OF_MEMORY;
  }
}

void attn_kernel_use(attn_context *context) {
  Library &library = Library::get();
  std::lock_guard<std::mutex> lock(library.mutex);
  // Bindings keep their programs for as long as they need them.
  for (const Library::Loaded &entry : library.loaded)
    attn_program_destroy(entry.program);
  library.loaded.clear();
  library.given = context;
  ++library.generation;
}

const char *attn_kernel_explain(const attn_kernel *kernel, attn_error *error) {
  Library &library = Library::get();
  std::lock_guard<std::mutex> lock(library.mutex);
  Library::Loaded found{};
  try {
    return library.load(kernel, found, error) == ATTN_OK ? found.reason : "";
  } catch (const std::bad_alloc &) {
    return "";
  }
}
