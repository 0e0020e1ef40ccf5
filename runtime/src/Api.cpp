// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The C API: handles, argument checks and the one place where exceptions end.
#include "attn_runtime.h"

#include "Binding.h"
#include "Dtype.h"
#include "Failure.h"
#include "File.h"
#include "Handle.h"
#include "Tensor.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <new>

using namespace attn::runtime;

struct attn_error {
  attn_status code = ATTN_OK;
  std::string message;
  // A message that could not be stored must still say something.
  const char *fallback = nullptr;
};

namespace attn::runtime {
struct ContextBody {
  std::shared_ptr<Backend> backend;
  std::string reason;
};
} // namespace attn::runtime

struct attn_context : Shell<attn_context, ContextBody, 0x41435458> {
  static constexpr const char *name = "context";
};

struct attn_artifact
    : Shell<attn_artifact, std::shared_ptr<const Bundle>, 0x41415254> {
  static constexpr const char *name = "artifact";
};

struct attn_program
    : Shell<attn_program, std::shared_ptr<const Program>, 0x41505247> {
  static constexpr const char *name = "program";
};

struct attn_binding : Shell<attn_binding, Binding, 0x41424e44> {
  static constexpr const char *name = "binding";
};

namespace {

/// What attn_memory_allocate promises.
constexpr size_t memoryAlignment = 256;

attn_status report(attn_error *error, attn_status code,
                   const char *message) noexcept {
  if (!error)
    return code;
  error->code = code;
  error->fallback = nullptr;
  try {
    error->message = message;
  } catch (...) {
    error->message.clear();
    error->fallback = "out of memory while reporting an error";
  }
  return code;
}

/// Reports the exception being handled. Not part of `guarded`, of which there
/// is one a function.
[[gnu::noinline]] attn_status reportException(attn_error *error) noexcept {
  try {
    throw;
  } catch (const Failure &failure) {
    return report(error, failure.status, failure.message.c_str());
  } catch (const std::bad_alloc &) {
    return report(error, ATTN_ERROR_OUT_OF_MEMORY, "out of memory");
  } catch (const std::exception &problem) {
    return report(error, ATTN_ERROR_INTERNAL, problem.what());
  } catch (...) {
    return report(error, ATTN_ERROR_INTERNAL, "unknown exception");
  }
}

/// Runs `body` and turns what it throws into a status and a message.
template <typename Body>
attn_status guarded(attn_error *error, Body &&body) noexcept {
  try {
    body();
  } catch (...) {
    return reportException(error);
  }
  return report(error, ATTN_OK, "");
}

void require(const void *pointer, const char *name) {
  if (!pointer)
    fail(ATTN_ERROR_INVALID_ARGUMENT, std::string(name) + " is NULL");
}

/// Copies a caller's struct that may be older (shorter) than this library's;
/// fields that it lacks keep their defaults.
template <typename T> void checkStructSize(const T &given, const char *name) {
  if (given.struct_size < sizeof(size_t) || given.struct_size > sizeof(T))
    fail(ATTN_ERROR_INVALID_ARGUMENT, std::string(name) + "->struct_size is " +
                                          std::to_string(given.struct_size) +
                                          "; this runtime knows " +
                                          std::to_string(sizeof(T)));
}

template <typename T> T readStruct(const T &given, const char *name) {
  checkStructSize(given, name);
  T full{};
  std::memcpy(static_cast<void *>(&full), &given, given.struct_size);
  full.struct_size = sizeof(T);
  return full;
}

/// Fills a caller's struct as far as it reaches.
template <typename T> void writeStruct(T full, T *out, const char *name) {
  require(out, name);
  checkStructSize(*out, name);
  full.struct_size = out->struct_size;
  std::memcpy(static_cast<void *>(out), &full, out->struct_size);
}

attn_program *loadProgram(const attn_context *context,
                          std::shared_ptr<const Bundle> bundle) {
  const ContextBody &body = attn_context::use(context);
  return attn_program::create([&] {
    return std::make_shared<const Program>(body.backend, std::move(bundle));
  });
}

std::shared_ptr<const Bundle> openMemory(const void *data, size_t size) {
  if (size > 0)
    require(data, "data");
  return std::make_shared<const Bundle>(
      std::string(static_cast<const char *>(data), size));
}

/// Calls `use` with the artifact at `path`; messages name the file.
template <typename Use> void withFile(const char *path, Use &&use) {
  require(path, "path");
  std::string bytes, problem;
  bool missing;
  if (!readFile(path, bytes, problem, &missing))
    fail(missing ? ATTN_ERROR_NOT_FOUND : ATTN_ERROR_DEVICE_ERROR,
         std::move(problem));
  try {
    use(std::make_shared<const Bundle>(std::move(bytes)));
  } catch (const Failure &failure) {
    fail(failure.status, std::string(path) + ": " + failure.message);
  }
}

std::shared_ptr<Backend> openBackend(const BackendKind &kind,
                                     const attn_context_options &options) {
  if (options.device_name && !kind.hasNamedDevices)
    fail(ATTN_ERROR_UNSUPPORTED_DEVICE,
         "options->device_name is '" + std::string(options.device_name) +
             "', but devices of the backend '" + kind.name + "' go by numbers");
  if (options.executor && !kind.isHost)
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         std::string("options->executor brings threads of the host, which the "
                     "backend '") +
             kind.name + "' does not use");
  return kind.open(options);
}

const BackendKind &requireBackend(const std::string &name) {
  const BackendKind *kind = findBackend(name);
  if (kind)
    return *kind;
  std::string list;
  for (const BackendKind *const *known = backendKinds; *known; ++known)
    list += std::string((*known)->name) + ", ";
  fail(ATTN_ERROR_NOT_FOUND,
       "unknown backend '" + name + "'; this runtime has: " + list + "auto");
}

/// What 'auto' tries for `bundle`, or without one: devices, then the host.
std::vector<const BackendKind *> listCandidates(const Bundle *bundle) {
  using Automatic = BackendKind::Automatic;
  std::vector<const BackendKind *> candidates;
  for (bool isHost : {false, true})
    for (const BackendKind *const *kind = backendKinds; *kind; ++kind)
      if ((*kind)->isHost == isHost &&
          ((*kind)->automatic == Automatic::Always ||
           (bundle && (*kind)->automatic == Automatic::ForArtifacts)))
        candidates.push_back(*kind);
  return candidates;
}

/// The first candidate that is there and runs a variant of `bundle`. A
/// processor in the guise of a device comes last: it is better used as what it
/// is.
ContextBody chooseBackend(const attn_context_options &options,
                          const Bundle *bundle) {
  std::string others;
  std::vector<const BackendKind *> kinds = listCandidates(bundle);
  std::vector<std::shared_ptr<Backend>> opened(kinds.size());
  for (size_t i = 0; i < kinds.size(); ++i) {
    const BackendKind &kind = *kinds[i];
    try {
      // The executor, too, says that the host is meant.
      if (options.executor && !kind.isHost)
        fail(ATTN_ERROR_UNSUPPORTED_DEVICE, "the executor is for the CPU");
      if (bundle && !bundle->holdsTarget(kind.name))
        fail(ATTN_ERROR_UNSUPPORTED_DEVICE,
             "the artifact holds " + bundle->names());
      std::shared_ptr<Backend> backend =
          opened[i] ? opened[i] : openBackend(kind, options);
      if (!opened[i] && !kind.isHost && backend->isProcessor()) {
        kinds.push_back(&kind);
        opened.push_back(std::move(backend));
        continue;
      }
      std::string reason = backend->device();
      if (bundle)
        bundle->choose(*backend, reason);
      return {std::move(backend), kind.name + (": " + reason) + others};
    } catch (const Failure &failure) {
      // A wrong option is no reason to try the next one.
      if (failure.status == ATTN_ERROR_INVALID_ARGUMENT)
        throw;
      others += std::string("; not ") + kind.name + ": " + failure.message;
    }
  }
  fail(ATTN_ERROR_UNSUPPORTED_DEVICE, "no backend can be used" + others);
}

ContextBody adopted(std::shared_ptr<Backend> backend) {
  std::string reason = std::string(backend->name()) + ": the caller's device";
  return {std::move(backend), std::move(reason)};
}

attn_context *createContext(const attn_context_options *given,
                            const Bundle *bundle) {
  attn_context_options options = ATTN_CONTEXT_OPTIONS_INIT;
  if (given)
    options = readStruct(*given, "options");
  std::string name = options.backend ? options.backend
                     : bundle        ? "auto"
                                     : backendKinds[0]->name;
  return attn_context::create([&]() -> ContextBody {
    if (name == "auto")
      return chooseBackend(options, bundle);
    return {openBackend(requireBackend(name), options), name + ": asked for"};
  });
}

} // namespace

//===----------------------------------------------------------------------===//
// Version, status, errors, element types, tensors
//===----------------------------------------------------------------------===//

uint32_t attn_abi_version(void) { return ATTN_ABI_VERSION; }

const char *attn_version(void) { return ATTN_VERSION; }

attn_status attn_check_abi(uint32_t abi_version, size_t tensor_size,
                           attn_error *error) {
  return guarded(error, [&] {
    if (abi_version < 1 || abi_version > ATTN_ABI_VERSION)
      fail(ATTN_ERROR_UNSUPPORTED_VERSION,
           "the program was compiled for version " +
               std::to_string(abi_version) +
               " of the runtime's interface; this library serves 1 .. " +
               std::to_string(ATTN_ABI_VERSION));
    if (tensor_size != sizeof(attn_tensor))
      fail(ATTN_ERROR_UNSUPPORTED_VERSION,
           "the program's attn_tensor has " + std::to_string(tensor_size) +
               " bytes; this library's has " +
               std::to_string(sizeof(attn_tensor)));
  });
}

const char *attn_status_name(attn_status status) {
  switch (status) {
  case ATTN_OK:
    return "ATTN_OK";
  case ATTN_ERROR_INVALID_ARGUMENT:
    return "ATTN_ERROR_INVALID_ARGUMENT";
  case ATTN_ERROR_MALFORMED_ARTIFACT:
    return "ATTN_ERROR_MALFORMED_ARTIFACT";
  case ATTN_ERROR_UNSUPPORTED_VERSION:
    return "ATTN_ERROR_UNSUPPORTED_VERSION";
  case ATTN_ERROR_CORRUPTED_ARTIFACT:
    return "ATTN_ERROR_CORRUPTED_ARTIFACT";
  case ATTN_ERROR_UNSUPPORTED_DEVICE:
    return "ATTN_ERROR_UNSUPPORTED_DEVICE";
  case ATTN_ERROR_OUT_OF_MEMORY:
    return "ATTN_ERROR_OUT_OF_MEMORY";
  case ATTN_ERROR_WORKSPACE_TOO_SMALL:
    return "ATTN_ERROR_WORKSPACE_TOO_SMALL";
  case ATTN_ERROR_DEVICE_ERROR:
    return "ATTN_ERROR_DEVICE_ERROR";
  case ATTN_ERROR_NOT_FOUND:
    return "ATTN_ERROR_NOT_FOUND";
  case ATTN_ERROR_INTERNAL:
    return "ATTN_ERROR_INTERNAL";
  }
  return "unknown status";
}

attn_error *attn_error_create(void) { return new (std::nothrow) attn_error; }

void attn_error_destroy(attn_error *error) { delete error; }

attn_status attn_error_code(const attn_error *error) {
  return error ? error->code : ATTN_OK;
}

const char *attn_error_message(const attn_error *error) {
  if (!error)
    return "";
  return error->fallback ? error->fallback : error->message.c_str();
}

const char *attn_dtype_name(attn_dtype dtype) { return infoOf(dtype).name; }

size_t attn_dtype_size(attn_dtype dtype) { return infoOf(dtype).size; }

attn_status attn_tensor_init(attn_tensor *tensor, void *data, attn_dtype dtype,
                             int32_t rank, const int64_t *dims,
                             attn_error *error) {
  return guarded(error, [&] {
    require(tensor, "tensor");
    attn_tensor result{};
    result.data = data;
    result.dtype = dtype;
    result.rank = rank;
    if (rank < 0 || rank > ATTN_MAX_RANK)
      fail(ATTN_ERROR_INVALID_ARGUMENT, "rank " + std::to_string(rank) +
                                            " is not in 0 .. " +
                                            std::to_string(ATTN_MAX_RANK));
    if (rank > 0)
      require(dims, "dims");
    std::copy(dims, dims + rank, result.dims);
    int64_t count;
    for (int32_t i = 0; i < rank; ++i)
      if (dims[i] < 0)
        fail(ATTN_ERROR_INVALID_ARGUMENT, "dimension " + std::to_string(i) +
                                              " has the negative size " +
                                              std::to_string(dims[i]));
    if (!elementCount(dims, size_t(rank), count))
      fail(ATTN_ERROR_INVALID_ARGUMENT, "the shape " +
                                            shapeToString(dims, size_t(rank)) +
                                            " has more than 2^63 elements");
    denseStrides(dims, size_t(rank), result.strides);
    checkTensor(result, /*written=*/false, "tensor");
    *tensor = result;
  });
}

//===----------------------------------------------------------------------===//
// Context
//===----------------------------------------------------------------------===//

attn_status attn_context_create(const attn_context_options *options,
                                attn_context **context, attn_error *error) {
  return guarded(error, [&] {
    require(context, "context");
    *context = createContext(options, /*bundle=*/nullptr);
  });
}

attn_status attn_context_create_for(const attn_artifact *artifact,
                                    const attn_context_options *options,
                                    attn_context **context, attn_error *error) {
  return guarded(error, [&] {
    require(context, "context");
    *context = createContext(options, attn_artifact::use(artifact).get());
  });
}

void attn_context_destroy(attn_context *context) {
  attn_context::destroy(context);
}

attn_status attn_context_get_info(const attn_context *context,
                                  attn_context_info *info, attn_error *error) {
  return guarded(error, [&] {
    const ContextBody &body = attn_context::use(context);
    const Backend &backend = *body.backend;
    attn_context_info full = ATTN_CONTEXT_INFO_INIT;
    full.backend = backend.name();
    full.device = backend.device().c_str();
    full.features = backend.features().c_str();
    full.threads = backend.threads();
    full.is_processor = backend.isProcessor();
    full.reason = body.reason.c_str();
    writeStruct(full, info, "info");
  });
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

attn_status attn_memory_allocate(attn_context *context, size_t bytes,
                                 void **memory, attn_error *error) {
  return guarded(error, [&] {
    Backend &backend = *attn_context::use(context).backend;
    require(memory, "memory");
    void *allocated =
        bytes ? backend.allocate(bytes, memoryAlignment) : nullptr;
    if (bytes && !allocated)
      fail(ATTN_ERROR_OUT_OF_MEMORY, "no memory for " + std::to_string(bytes) +
                                         " bytes on " + backend.device());
    *memory = allocated;
  });
}

attn_status attn_memory_allocate_mapped(attn_context *context, size_t bytes,
                                        void **memory, void **host,
                                        attn_error *error) {
  return guarded(error, [&] {
    Backend &backend = *attn_context::use(context).backend;
    require(memory, "memory");
    require(host, "host");
    void *seen = nullptr;
    *memory =
        bytes ? backend.allocateMapped(bytes, memoryAlignment, &seen) : nullptr;
    *host = seen;
  });
}

void attn_memory_free(attn_context *context, void *memory) {
  if (ContextBody *body = attn_context::peek(context); body && memory)
    body->backend->release(memory);
}

attn_status attn_memory_copy_in(attn_context *context, void *memory,
                                const void *source, size_t bytes, void *stream,
                                attn_error *error) {
  return guarded(error, [&] {
    Backend &backend = *attn_context::use(context).backend;
    if (bytes == 0)
      return;
    require(memory, "memory");
    require(source, "source");
    backend.copyIn(memory, source, bytes, stream);
  });
}

attn_status attn_memory_copy_out(attn_context *context, void *target,
                                 const void *memory, size_t bytes, void *stream,
                                 attn_error *error) {
  return guarded(error, [&] {
    Backend &backend = *attn_context::use(context).backend;
    if (bytes == 0)
      return;
    require(target, "target");
    require(memory, "memory");
    backend.copyOut(target, memory, bytes, stream);
  });
}

attn_status attn_stream_synchronize(attn_context *context, void *stream,
                                    attn_error *error) {
  return guarded(error, [&] {
    Backend &backend = *attn_context::use(context).backend;
    backend.synchronize(stream);
  });
}

//===----------------------------------------------------------------------===//
// Vulkan
//===----------------------------------------------------------------------===//

attn_status attn_context_create_vulkan(const attn_vulkan_device *device,
                                       const attn_context_options *options,
                                       attn_context **context,
                                       attn_error *error) {
  return guarded(error, [&] {
    require(device, "device");
    require(context, "context");
    attn_vulkan_device given = readStruct(*device, "device");
    attn_context_options chosen = ATTN_CONTEXT_OPTIONS_INIT;
    if (options)
      chosen = readStruct(*options, "options");
    *context = attn_context::create(
        [&]() -> ContextBody { return adopted(adoptDevice(given, chosen)); });
  });
}

attn_status attn_vulkan_import_buffer(attn_context *context,
                                      const attn_vulkan_buffer *buffer,
                                      void **memory, attn_error *error) {
  return guarded(error, [&] {
    Backend &backend = *attn_context::use(context).backend;
    require(buffer, "buffer");
    require(memory, "memory");
    *memory = backend.importBuffer(readStruct(*buffer, "buffer"));
  });
}

//===----------------------------------------------------------------------===//
// Metal
//===----------------------------------------------------------------------===//

attn_status attn_context_create_metal(const attn_metal_device *device,
                                      attn_context **context,
                                      attn_error *error) {
  return guarded(error, [&] {
    require(device, "device");
    require(context, "context");
    attn_metal_device given = readStruct(*device, "device");
    *context = attn_context::create(
        [&]() -> ContextBody { return adopted(adoptDevice(given)); });
  });
}

attn_status attn_metal_import_buffer(attn_context *context,
                                     const attn_metal_buffer *buffer,
                                     void **memory, attn_error *error) {
  return guarded(error, [&] {
    Backend &backend = *attn_context::use(context).backend;
    require(buffer, "buffer");
    require(memory, "memory");
    *memory = backend.importBuffer(readStruct(*buffer, "buffer"));
  });
}

//===----------------------------------------------------------------------===//
// Artifact
//===----------------------------------------------------------------------===//

attn_status attn_artifact_open_memory(const void *data, size_t size,
                                      attn_artifact **artifact,
                                      attn_error *error) {
  return guarded(error, [&] {
    require(artifact, "artifact");
    *artifact = attn_artifact::create([&] { return openMemory(data, size); });
  });
}

attn_status attn_artifact_open_file(const char *path, attn_artifact **artifact,
                                    attn_error *error) {
  return guarded(error, [&] {
    require(artifact, "artifact");
    withFile(path, [&](std::shared_ptr<const Bundle> bundle) {
      *artifact = attn_artifact::create([&] { return std::move(bundle); });
    });
  });
}

void attn_artifact_destroy(attn_artifact *artifact) {
  attn_artifact::destroy(artifact);
}

size_t attn_artifact_variant_count(const attn_artifact *artifact) {
  const auto *bundle = attn_artifact::peek(artifact);
  return bundle ? (*bundle)->getVariants().size() : 0;
}

attn_status attn_artifact_variant(const attn_artifact *artifact, size_t index,
                                  attn_variant_info *info, attn_error *error) {
  return guarded(error, [&] {
    const auto &variants = attn_artifact::use(artifact)->getVariants();
    if (index >= variants.size())
      fail(ATTN_ERROR_NOT_FOUND,
           "there is no variant " + std::to_string(index) +
               ": the artifact has " + std::to_string(variants.size()));
    const Variant &variant = variants[index];
    attn_variant_info full = ATTN_VARIANT_INFO_INIT;
    full.target = variant.what.target.c_str();
    full.chip = variant.what.chip.c_str();
    full.entry = variant.what.entry.c_str();
    full.json = variant.json.c_str();
    full.code_bytes = variant.codeSize();
    full.launches = variant.description->launches.size();
    writeStruct(full, info, "info");
  });
}

//===----------------------------------------------------------------------===//
// Program
//===----------------------------------------------------------------------===//

attn_status attn_program_load_memory(attn_context *context, const void *data,
                                     size_t size, attn_program **program,
                                     attn_error *error) {
  return guarded(error, [&] {
    attn_context::use(context);
    require(program, "program");
    *program = loadProgram(context, openMemory(data, size));
  });
}

attn_status attn_program_load_file(attn_context *context, const char *path,
                                   attn_program **program, attn_error *error) {
  return guarded(error, [&] {
    attn_context::use(context);
    require(program, "program");
    withFile(path, [&](std::shared_ptr<const Bundle> bundle) {
      *program = loadProgram(context, std::move(bundle));
    });
  });
}

attn_status attn_program_load(attn_context *context,
                              const attn_artifact *artifact,
                              attn_program **program, attn_error *error) {
  return guarded(error, [&] {
    require(program, "program");
    *program = loadProgram(context, attn_artifact::use(artifact));
  });
}

void attn_program_destroy(attn_program *program) {
  attn_program::destroy(program);
}

/// What is there to ask of a program; null after its end.
static const Program *peek(const attn_program *program) {
  const auto *body = attn_program::peek(program);
  return body ? body->get() : nullptr;
}

const char *attn_program_reason(const attn_program *program) {
  const Program *loaded = peek(program);
  return loaded ? loaded->reason.c_str() : "";
}

size_t attn_program_argument_count(const attn_program *program) {
  const Program *loaded = peek(program);
  return loaded ? loaded->description.arguments.size() : 0;
}

size_t attn_program_result_count(const attn_program *program) {
  const Program *loaded = peek(program);
  return loaded ? loaded->description.results.size() : 0;
}

size_t attn_program_launch_count(const attn_program *program) {
  const Program *loaded = peek(program);
  return loaded ? loaded->description.launches.size() : 0;
}

attn_status attn_program_argument(const attn_program *program, size_t index,
                                  attn_argument_info *info, attn_error *error) {
  return guarded(error, [&] {
    const auto &arguments = attn_program::use(program)->description.arguments;
    if (index >= arguments.size())
      fail(ATTN_ERROR_NOT_FOUND,
           "there is no argument " + std::to_string(index) +
               ": the program has " + std::to_string(arguments.size()));
    const Argument &argument = arguments[index];
    attn_argument_info full = ATTN_ARGUMENT_INFO_INIT;
    full.name = argument.name.c_str();
    full.kind = argument.kind;
    full.dtype = argument.dtype;
    full.narrowed = argument.narrowed;
    full.access = argument.access;
    full.rank = int32_t(argument.dims.size());
    std::copy(argument.dims.begin(), argument.dims.end(), full.dims);
    writeStruct(full, info, "info");
  });
}

attn_status attn_program_result(const attn_program *program, size_t index,
                                attn_result_info *info, attn_error *error) {
  return guarded(error, [&] {
    const auto &results = attn_program::use(program)->description.results;
    if (index >= results.size())
      fail(ATTN_ERROR_NOT_FOUND, "there is no result " + std::to_string(index) +
                                     ": the program has " +
                                     std::to_string(results.size()));
    const Result &result = results[index];
    attn_result_info full = ATTN_RESULT_INFO_INIT;
    full.name = result.name.c_str();
    full.dtype = result.dtype;
    full.argument = result.argument;
    full.rank = int32_t(result.shape.size());
    for (size_t i = 0; i < result.shape.size(); ++i)
      full.dims[i] = result.shape[i].root.op == Op::Literal
                         ? result.shape[i].root.value
                         : ATTN_DYNAMIC;
    writeStruct(full, info, "info");
  });
}

const char *attn_program_entry(const attn_program *program) {
  const Program *loaded = peek(program);
  return loaded ? loaded->description.entry.c_str() : "";
}

const char *attn_program_target(const attn_program *program) {
  const Program *loaded = peek(program);
  return loaded ? loaded->description.target.c_str() : "";
}

const char *attn_program_chip(const attn_program *program) {
  const Program *loaded = peek(program);
  return loaded ? loaded->description.chip.c_str() : "";
}

const char *attn_program_json(const attn_program *program) {
  const Program *loaded = peek(program);
  return loaded ? loaded->variant.json.c_str() : "";
}

size_t attn_program_code_size(const attn_program *program) {
  const Program *loaded = peek(program);
  return loaded ? loaded->variant.codeSize() : 0;
}

attn_status attn_program_section(const attn_program *program, const char *name,
                                 const void **data, size_t *size,
                                 attn_error *error) {
  return guarded(error, [&] {
    const ArtifactView &artifact = attn_program::use(program)->variant.view;
    require(name, "name");
    require(data, "data");
    require(size, "size");
    if (const ArtifactView::Section *section = artifact.find(name)) {
      *data = section->bytes.data();
      *size = section->bytes.size();
      return;
    }
    std::string known;
    for (const ArtifactView::Section &section : artifact.getSections())
      known += (known.empty() ? "" : ", ") + std::string(section.name);
    fail(ATTN_ERROR_NOT_FOUND, "the artifact has no section '" +
                                   std::string(name) + "'; it has: " + known);
  });
}

//===----------------------------------------------------------------------===//
// Binding and launch
//===----------------------------------------------------------------------===//

attn_status attn_binding_create(attn_program *program, attn_binding **binding,
                                attn_error *error) {
  return guarded(error, [&] {
    const std::shared_ptr<const Program> &loaded = attn_program::use(program);
    require(binding, "binding");
    *binding = attn_binding::create([&] { return Binding(loaded); });
  });
}

void attn_binding_destroy(attn_binding *binding) {
  attn_binding::destroy(binding);
}

attn_status attn_binding_set_argument(attn_binding *binding, size_t index,
                                      const attn_tensor *tensor,
                                      attn_error *error) {
  return guarded(error, [&] {
    attn_binding::Exclusive held(binding);
    require(tensor, "tensor");
    held->setArgument(index, *tensor);
  });
}

attn_status attn_binding_set_scalar_i64(attn_binding *binding, size_t index,
                                        int64_t value, attn_error *error) {
  return guarded(error, [&] {
    attn_binding::Exclusive held(binding);
    held->setScalar(index, value);
  });
}

attn_status attn_binding_set_scalar_f32(attn_binding *binding, size_t index,
                                        float value, attn_error *error) {
  return guarded(error, [&] {
    attn_binding::Exclusive held(binding);
    held->setScalar(index, value);
  });
}

attn_status attn_binding_set_scalar_f64(attn_binding *binding, size_t index,
                                        double value, attn_error *error) {
  return guarded(error, [&] {
    attn_binding::Exclusive held(binding);
    held->setScalar(index, value);
  });
}

attn_status attn_binding_infer_result_shape(attn_binding *binding, size_t index,
                                            int64_t *dims, int32_t *rank,
                                            attn_error *error) {
  return guarded(error, [&] {
    attn_binding::Exclusive held(binding);
    require(dims, "dims");
    require(rank, "rank");
    const std::vector<int64_t> &shape = held->resultShape(index);
    std::copy(shape.begin(), shape.end(), dims);
    *rank = int32_t(shape.size());
  });
}

attn_status attn_binding_set_result(attn_binding *binding, size_t index,
                                    const attn_tensor *tensor,
                                    attn_error *error) {
  return guarded(error, [&] {
    attn_binding::Exclusive held(binding);
    require(tensor, "tensor");
    held->setResult(index, *tensor);
  });
}

attn_status attn_binding_validate(attn_binding *binding, attn_error *error) {
  return guarded(error, [&] {
    attn_binding::Exclusive held(binding);
    held->validate();
  });
}

attn_status attn_binding_workspace_size(attn_binding *binding, size_t *bytes,
                                        size_t *alignment, attn_error *error) {
  return guarded(error, [&] {
    attn_binding::Exclusive held(binding);
    size_t needed = held->workspaceBytes();
    if (alignment)
      *alignment = held->workspaceAlignment();
    if (bytes)
      *bytes = needed;
  });
}

attn_status attn_binding_memory_estimate(attn_binding *binding, int64_t *fused,
                                         int64_t *standard, attn_error *error) {
  return guarded(error, [&] {
    attn_binding::Exclusive held(binding);
    int64_t ours = held->fusedBytes();
    int64_t theirs = held->standardBytes();
    if (fused)
      *fused = ours;
    if (standard)
      *standard = theirs;
  });
}

attn_status attn_binding_metric(attn_binding *binding, const char *name,
                                int64_t *value, attn_error *error) {
  return guarded(error, [&] {
    attn_binding::Exclusive held(binding);
    require(name, "name");
    require(value, "value");
    *value = held->metric(name);
  });
}

attn_status attn_launch(attn_binding *binding, void *workspace,
                        size_t workspace_bytes, void *stream,
                        attn_error *error) {
  return guarded(error, [&] {
    attn_binding::Exclusive held(binding);
    held->launch(workspace, workspace_bytes, stream);
  });
}

attn_status attn_launch_alloc(attn_binding *binding, void *stream,
                              attn_error *error) {
  return guarded(error, [&] {
    attn_binding::Exclusive held(binding);
    held->launchAllocating(stream);
  });
}

attn_status attn_binding_device_time(attn_binding *binding,
                                     double *microseconds, attn_error *error) {
  return guarded(error, [&] {
    attn_binding::Exclusive held(binding);
    require(microseconds, "microseconds");
    *microseconds = held->deviceTime();
  });
}
