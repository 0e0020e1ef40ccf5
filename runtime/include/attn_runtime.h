// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/* C API of the attention runtime: load an artifact (.attn), bind tensors to
 * it, launch it. No compiler is needed to use it and none is linked.
 *
 *   attn_error *error = attn_error_create();
 *   attn_context *context;
 *   attn_program *program;
 *   attn_binding *binding;
 *   if (ATTN_CHECK_ABI(error) ||
 *       attn_context_create(NULL, &context, error) ||
 *       attn_program_load_file(context, "plain.attn", &program, error) ||
 *       attn_binding_create(program, &binding, error))
 *     die(attn_error_message(error));
 *
 *   int64_t dims[] = {1, 8, 1000, 64};
 *   attn_tensor q;                        // likewise k, v, o
 *   attn_tensor_init(&q, q_data, ATTN_DTYPE_F32, 4, dims, error);
 *   attn_binding_set_argument(binding, 0, &q, error);
 *
 *   if (attn_launch_alloc(binding, NULL, error)) // again and again
 *     die(attn_error_message(error));
 *
 * Conventions
 *  - Every fallible function returns an attn_status and takes an optional
 *    attn_error, which then holds the code and a message that names the
 *    argument and the sizes involved. Pass NULL to do without the message.
 *    On failure outputs are left untouched.
 *  - Shapes and strides are counted in elements, sizes in bytes.
 *  - Strings returned are UTF-8, NUL-terminated and owned by the object that
 *    they were asked from.
 *  - Structs that may grow start with struct_size, set by the caller to
 *    sizeof(the struct); the ATTN_*_INIT macros do so.
 *  - Contexts, artifacts and programs may be used from several threads at
 *    once. A binding or an attn_error belongs to one thread at a time: a call
 *    on a binding that another call is using is an INVALID_ARGUMENT.
 *  - Objects may be destroyed in any order: a program keeps its context alive,
 *    a binding its program. NULL may be passed to every destroy function. A
 *    call on what was destroyed is an INVALID_ARGUMENT that says so (until
 *    its address is used again, after a thousand others of its kind).
 *  - Symbols carry versions: a program that needs a function which an older
 *    library lacks does not start with that one.
 */
#ifndef ATTN_RUNTIME_H
#define ATTN_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define ATTN_API
#else
#define ATTN_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*===-- Version -----------------------------------------------------------===*/

/* Of this header. It grows when a function or a field is added; what is there
 * stays as it is. */
#define ATTN_ABI_VERSION 3

/* Of the library: the newest header that it serves. */
ATTN_API uint32_t attn_abi_version(void);
/* Of the release, e.g. "0.1.0". */
ATTN_API const char *attn_version(void);

/*===-- Status and errors -------------------------------------------------===*/

typedef enum attn_status {
  ATTN_OK = 0,
  /* A value passed to the API is wrong: shape, dtype, pointer, a check of the
   * artifact that does not hold. */
  ATTN_ERROR_INVALID_ARGUMENT = 1,
  /* Not an artifact, or its description breaks the schema. */
  ATTN_ERROR_MALFORMED_ARTIFACT = 2,
  /* Written for another version of the format than this runtime reads. */
  ATTN_ERROR_UNSUPPORTED_VERSION = 3,
  /* Truncated, or the hash does not match. */
  ATTN_ERROR_CORRUPTED_ARTIFACT = 4,
  /* This machine or context cannot run it: other target, missing CPU feature.
   */
  ATTN_ERROR_UNSUPPORTED_DEVICE = 5,
  ATTN_ERROR_OUT_OF_MEMORY = 6,
  ATTN_ERROR_WORKSPACE_TOO_SMALL = 7,
  /* The operating system or the driver refused. */
  ATTN_ERROR_DEVICE_ERROR = 8,
  /* A file, a name or a value that is not there. */
  ATTN_ERROR_NOT_FOUND = 9,
  /* A defect of the runtime. */
  ATTN_ERROR_INTERNAL = 10
} attn_status;

/* The enumerator's name, e.g. "ATTN_ERROR_NOT_FOUND". Never NULL. */
ATTN_API const char *attn_status_name(attn_status status);

typedef struct attn_error attn_error;

/* NULL when memory is out. */
ATTN_API attn_error *attn_error_create(void);
ATTN_API void attn_error_destroy(attn_error *error);
/* The outcome of the last call that was given this error. */
ATTN_API attn_status attn_error_code(const attn_error *error);
/* "" after a success. */
ATTN_API const char *attn_error_message(const attn_error *error);

/* Whether this library serves a program that was compiled with a header of
 * `abi_version` whose attn_tensor has `tensor_size` bytes. UNSUPPORTED_VERSION
 * names both. */
ATTN_API attn_status attn_check_abi(uint32_t abi_version, size_t tensor_size,
                                    attn_error *error);
#define ATTN_CHECK_ABI(error)                                                  \
  attn_check_abi(ATTN_ABI_VERSION, sizeof(attn_tensor), error)

/*===-- Element types and tensors -----------------------------------------===*/

typedef enum attn_dtype {
  ATTN_DTYPE_NONE = 0,
  ATTN_DTYPE_F32 = 1,
  ATTN_DTYPE_F16 = 2,
  ATTN_DTYPE_BF16 = 3,
  ATTN_DTYPE_F64 = 4,
  ATTN_DTYPE_I1 = 5, /* one byte an element, 0 or 1 */
  ATTN_DTYPE_I8 = 6,
  ATTN_DTYPE_I32 = 7,
  ATTN_DTYPE_I64 = 8,
  ATTN_DTYPE_INDEX = 9 /* scalars only; 64 bits */
} attn_dtype;

/* "f32", "bf16", ...; "none" for anything unknown. */
ATTN_API const char *attn_dtype_name(attn_dtype dtype);
/* Bytes of one element; 0 for ATTN_DTYPE_NONE and anything unknown. */
ATTN_API size_t attn_dtype_size(attn_dtype dtype);

#define ATTN_MAX_RANK 8

/* A strided view of memory that the device can reach. `data` points at the
 * element whose indices are all 0 (any offset of a view is included) and must
 * be aligned to the element size; it may be NULL when the tensor is empty.
 * Strides count elements and may be 0 (broadcast) for what is only read, or
 * negative. */
typedef struct attn_tensor {
  void *data;
  attn_dtype dtype;
  int32_t rank; /* 0 .. ATTN_MAX_RANK */
  int64_t dims[ATTN_MAX_RANK];
  int64_t strides[ATTN_MAX_RANK];
} attn_tensor;

/* Fills `tensor` as a dense row-major tensor. INVALID_ARGUMENT: rank or dims
 * out of range, or a size that does not fit 63 bits. */
ATTN_API attn_status attn_tensor_init(attn_tensor *tensor, void *data,
                                      attn_dtype dtype, int32_t rank,
                                      const int64_t *dims, attn_error *error);

/*===-- Context -----------------------------------------------------------===*/

/* A device and the threads that serve it. */
typedef struct attn_context attn_context;

/* The caller's threads, in place of a pool of the context's own. */
typedef struct attn_executor {
  /* Calls body(argument, i) once for each i in 0 .. count-1, on any threads
   * and in any order, and returns when all calls have returned. What they
   * wrote must be visible to the caller then. Launches from several threads
   * call it from several threads. */
  void (*parallel_for)(void *user, int64_t count,
                       void (*body)(void *argument, int64_t i), void *argument);
  void *user;      /* handed to parallel_for */
  int32_t threads; /* that compute at once, 1 .. 4096: kernels split their work
                      by it */
  size_t stack_bytes; /* of each thread, 0: 8 MiB. A kernel that needs more is
                         refused (UNSUPPORTED_DEVICE) when it is launched; most
                         need 4 MiB at most. */
} attn_executor;

typedef struct attn_context_options {
  size_t struct_size;
  const char *backend; /* NULL or "cpu"; "cuda"; "vulkan"; "metal"; "auto":
                          cuda where there is a device, else cpu */
  int32_t threads;     /* CPU: threads that compute; 0: one a usable core */
  int32_t device;      /* ordinal for backends with several devices; CPU: 0.
                          Vulkan counts GPUs with memory of their own first,
                          then other GPUs, then processors. */
  const attn_executor *executor; /* CPU: NULL or the caller's threads; copied,
                                    `user` must outlive the context */
  /* Since version 2. */
  const char *device_name; /* Vulkan: NULL or a part of the device's name;
                              `device` counts those that have it */
  int32_t validation;      /* Vulkan: not 0: load the Khronos validation layer;
                              what it says is a DEVICE_ERROR of the call that
                              made it say so, or of the next one */
  const char *pipeline_cache; /* Vulkan: a file that keeps compiled kernels for
                                 other contexts; made if it is not there,
                                 written when a program is loaded. NULL: one of
                                 the device and its driver in the folder
                                 $ATTN_CACHE, else in attn of the user's caches
                                 ($XDG_CACHE_HOME, ~/.cache); "": none */
} attn_context_options;

#define ATTN_CONTEXT_OPTIONS_INIT                                              \
  {sizeof(attn_context_options), NULL, 0, 0, NULL, NULL, 0, NULL}

typedef struct attn_context_info {
  size_t struct_size;
  const char *backend;  /* "cpu", "cuda", "metal" or "vulkan" */
  const char *device;   /* name of the processor or GPU */
  const char *features; /* CPU: known features of the host, comma-separated;
                           CUDA: the chip, "sm_90"; Vulkan: what artifacts may
                           ask for */
  int32_t threads;      /* CPU: threads that compute, the caller included */
  const char *reason;   /* why this backend: "cpu: there is no CUDA driver" */
  int32_t is_processor; /* since version 2: whether the device is the host's
                           processor, as that of Vulkan drivers may be */
} attn_context_info;

#define ATTN_CONTEXT_INFO_INIT                                                 \
  {sizeof(attn_context_info), NULL, NULL, NULL, 0, NULL, 0}

/* `options` may be NULL. NOT_FOUND: unknown backend or device. */
ATTN_API attn_status attn_context_create(const attn_context_options *options,
                                         attn_context **context,
                                         attn_error *error);
ATTN_API void attn_context_destroy(attn_context *context);
ATTN_API attn_status attn_context_get_info(const attn_context *context,
                                           attn_context_info *info,
                                           attn_error *error);

/*===-- Artifact ----------------------------------------------------------===*/

/* An artifact as a file holds it: code for one chip or for several
 * ("variants"). Needed to look inside, or to choose a backend by what it
 * holds; otherwise programs are loaded directly. */
typedef struct attn_artifact attn_artifact;

/* The bytes are copied; the caller may free them. */
ATTN_API attn_status attn_artifact_open_memory(const void *data, size_t size,
                                               attn_artifact **artifact,
                                               attn_error *error);
ATTN_API attn_status attn_artifact_open_file(const char *path,
                                             attn_artifact **artifact,
                                             attn_error *error);
ATTN_API void attn_artifact_destroy(attn_artifact *artifact);

typedef struct attn_variant_info {
  size_t struct_size;
  const char *target; /* "cpu", "cuda", "vulkan", "metal" or "wgsl" */
  const char *chip;   /* what the code was compiled for */
  const char *entry;  /* name of the function that was compiled */
  const char *json;   /* the description (docs/artifact.md) */
  size_t code_bytes;  /* of all code sections */
  size_t launches;
} attn_variant_info;

#define ATTN_VARIANT_INFO_INIT                                                 \
  {sizeof(attn_variant_info), NULL, NULL, NULL, NULL, 0, 0}

/* 0 for NULL. */
ATTN_API size_t attn_artifact_variant_count(const attn_artifact *artifact);
ATTN_API attn_status attn_artifact_variant(const attn_artifact *artifact,
                                           size_t index,
                                           attn_variant_info *info,
                                           attn_error *error);

/* A context for this artifact: as attn_context_create, but with `options` NULL
 * or the backend NULL or "auto" it is for the first of cuda, vulkan and cpu for
 * which there are both a device and a variant that runs on it; a processor that
 * a Vulkan driver offers comes behind the backend cpu. The context's
 * `reason` says why; UNSUPPORTED_DEVICE, why none. */
ATTN_API attn_status attn_context_create_for(
    const attn_artifact *artifact, const attn_context_options *options,
    attn_context **context, attn_error *error);

/*===-- Memory ------------------------------------------------------------===*/

/* For programs that have no allocator of their own for the device; any other
 * memory that it can reach is as good. */

/* Memory of the context's device, aligned to 256 bytes; what it holds is
 * undefined. NULL for 0 bytes. OUT_OF_MEMORY names the size. */
ATTN_API attn_status attn_memory_allocate(attn_context *context, size_t bytes,
                                          void **memory, attn_error *error);
/* Since version 2. The same, such that the host reads and writes it at `*host`
 * (launches see what was written before them; what they write is there after
 * attn_stream_synchronize). On the CPU the two are one. UNSUPPORTED_DEVICE: the
 * backend or the device has none. */
ATTN_API attn_status attn_memory_allocate_mapped(attn_context *context,
                                                 size_t bytes, void **memory,
                                                 void **host,
                                                 attn_error *error);
/* On CUDA and Vulkan it waits for what the device is doing. NULL is fine. */
ATTN_API void attn_memory_free(attn_context *context, void *memory);
/* Copies `bytes` from the host to the device's `memory` (which may be an
 * address inside an allocation) or back. The copy runs on `stream` behind what
 * it was given before, and is done when the call returns. */
ATTN_API attn_status attn_memory_copy_in(attn_context *context, void *memory,
                                         const void *source, size_t bytes,
                                         void *stream, attn_error *error);
ATTN_API attn_status attn_memory_copy_out(attn_context *context, void *target,
                                          const void *memory, size_t bytes,
                                          void *stream, attn_error *error);
/* Waits for what `stream` was given, and reports what went wrong on the device
 * meanwhile. Launches on the CPU have ended when they return. */
ATTN_API attn_status attn_stream_synchronize(attn_context *context,
                                             void *stream, attn_error *error);

/*===-- Vulkan ------------------------------------------------------------===*/

/* Vulkan has buffers, not pointers. An address of this API on a Vulkan context
 * stands for a place in a buffer: it can be reckoned with, and be the `data` of
 * a tensor, but the host can neither read nor write there. Handles are passed
 * as they are: dispatchable ones as void *, VkBuffer as uint64_t. All of this
 * is there since version 2. */

/* A device of the caller. Its handles must outlive the context, and every
 * object that was made with it. */
typedef struct attn_vulkan_device {
  size_t struct_size;
  void *instance;        /* VkInstance */
  void *physical_device; /* VkPhysicalDevice */
  void *device;          /* VkDevice */
  void *queue;           /* VkQueue, of a family that computes */
  uint32_t queue_family;
  uint32_t api_version; /* what the instance was created with,
                           VK_API_VERSION_1_1 or later; 0: that */
  /* What was enabled when the device was created: the chain of structs with
   * VkPhysicalDeviceFeatures2 in it or others, and the names of extensions.
   * Programs that need more are refused. May be NULL. Read by the call alone.
   */
  const void *features;
  const char *const *extensions;
  uint32_t extension_count;
  /* NULL: that of the machine's loader. */
  void *get_instance_proc_addr;
  /* Called around each use of the queue; NULL: nobody else uses it meanwhile.
   */
  void (*lock_queue)(void *user);
  void (*unlock_queue)(void *user);
  void *user;
} attn_vulkan_device;

/* A context on it. Of `options` (may be NULL) pipeline_cache alone counts. */
ATTN_API attn_status attn_context_create_vulkan(
    const attn_vulkan_device *device, const attn_context_options *options,
    attn_context **context, attn_error *error);

/* A part of a buffer of the caller on the context's device. */
typedef struct attn_vulkan_buffer {
  size_t struct_size;
  uint64_t
      buffer; /* VkBuffer, bound to memory, of the context's queue family */
  uint64_t offset, bytes; /* multiples of 4 */
  uint32_t usage; /* VkBufferUsageFlags that it was created with: storage,
                     and transfer for copies and for workspaces */
} attn_vulkan_buffer;

/* An address for it, good until attn_memory_free, which leaves the buffer as it
 * is. INVALID_ARGUMENT: usage, size or place do not do. */
ATTN_API attn_status attn_vulkan_import_buffer(attn_context *context,
                                               const attn_vulkan_buffer *buffer,
                                               void **memory,
                                               attn_error *error);

/*===-- Metal -------------------------------------------------------------===*/

/* For programs on Apple's systems that use Metal themselves: objects are passed
 * by their addresses ((__bridge void *)object) and retained. An address of this
 * API on a Metal context is one of the host, too: buffers are shared. The
 * `stream` of a launch is an MTLCommandBuffer that is neither committed nor
 * encoding, or NULL. All of this is there since version 3. */

/* A device of the caller. */
typedef struct attn_metal_device {
  size_t struct_size;
  void *device; /* MTLDevice */
  void *queue;  /* MTLCommandQueue of it; NULL: one of the context's own */
} attn_metal_device;

/* A context on it. UNSUPPORTED_DEVICE where there is no Metal. */
ATTN_API attn_status attn_context_create_metal(const attn_metal_device *device,
                                               attn_context **context,
                                               attn_error *error);

/* Memory that the caller has. */
typedef struct attn_metal_buffer {
  size_t struct_size;
  void *buffer; /* MTLBuffer whose storage is shared; or NULL, */
  void *data; /* and then whole pages of the process, which stay the caller's */
  size_t bytes; /* of `data` */
} attn_metal_buffer;

/* An address for it, good until attn_memory_free, which leaves the memory as it
 * is: that of the buffer's contents, or `data`. */
ATTN_API attn_status attn_metal_import_buffer(attn_context *context,
                                              const attn_metal_buffer *buffer,
                                              void **memory, attn_error *error);

/*===-- Program -----------------------------------------------------------===*/

/* A loaded artifact, immutable. Loading runs its code's initialisers: load
 * only artifacts that you trust as you would a shared library. The hash finds
 * accidents, not attacks. */
typedef struct attn_program attn_program;

/* The bytes are copied; the caller may free them. */
ATTN_API attn_status attn_program_load_memory(attn_context *context,
                                              const void *data, size_t size,
                                              attn_program **program,
                                              attn_error *error);
ATTN_API attn_status attn_program_load_file(attn_context *context,
                                            const char *path,
                                            attn_program **program,
                                            attn_error *error);
/* The variant that makes most of the context's device. */
ATTN_API attn_status attn_program_load(attn_context *context,
                                       const attn_artifact *artifact,
                                       attn_program **program,
                                       attn_error *error);
ATTN_API void attn_program_destroy(attn_program *program);
/* Which variant was chosen, and why none of the others. */
ATTN_API const char *attn_program_reason(const attn_program *program);

typedef enum attn_argument_kind {
  ATTN_ARGUMENT_BUFFER = 0,
  ATTN_ARGUMENT_SCALAR = 1
} attn_argument_kind;

typedef enum attn_access {
  ATTN_ACCESS_READ = 0,
  ATTN_ACCESS_WRITE = 1,
  ATTN_ACCESS_READWRITE = 2
} attn_access;

#define ATTN_DYNAMIC (-1)

typedef struct attn_argument_info {
  size_t struct_size;
  const char *name;
  attn_argument_kind kind;
  attn_dtype dtype;
  attn_dtype narrowed; /* what the code reads after a checked conversion made
                          at launch; NONE: no conversion */
  attn_access access;
  int32_t rank;                /* scalars: 0 */
  int64_t dims[ATTN_MAX_RANK]; /* ATTN_DYNAMIC where any size goes */
} attn_argument_info;

#define ATTN_ARGUMENT_INFO_INIT                                                \
  {sizeof(attn_argument_info),                                                 \
   NULL,                                                                       \
   ATTN_ARGUMENT_BUFFER,                                                       \
   ATTN_DTYPE_NONE,                                                            \
   ATTN_DTYPE_NONE,                                                            \
   ATTN_ACCESS_READ,                                                           \
   0,                                                                          \
   {0}}

typedef struct attn_result_info {
  size_t struct_size;
  const char *name;
  attn_dtype dtype;
  int32_t argument; /* index of the argument whose buffer is the result (a
                       destination passed in); -1: bound by set_result */
  int32_t rank;
  int64_t dims[ATTN_MAX_RANK]; /* ATTN_DYNAMIC where it depends on arguments */
} attn_result_info;

#define ATTN_RESULT_INFO_INIT                                                  \
  {sizeof(attn_result_info), NULL, ATTN_DTYPE_NONE, -1, 0, {0}}

ATTN_API size_t attn_program_argument_count(const attn_program *program);
ATTN_API size_t attn_program_result_count(const attn_program *program);
ATTN_API size_t attn_program_launch_count(const attn_program *program);
ATTN_API attn_status attn_program_argument(const attn_program *program,
                                           size_t index,
                                           attn_argument_info *info,
                                           attn_error *error);
ATTN_API attn_status attn_program_result(const attn_program *program,
                                         size_t index, attn_result_info *info,
                                         attn_error *error);
/* Name of the function that was compiled, the target ("cpu") and the chip. */
ATTN_API const char *attn_program_entry(const attn_program *program);
ATTN_API const char *attn_program_target(const attn_program *program);
ATTN_API const char *attn_program_chip(const attn_program *program);
/* The description as it stands in the artifact. */
ATTN_API const char *attn_program_json(const attn_program *program);
/* Bytes of all code sections. */
ATTN_API size_t attn_program_code_size(const attn_program *program);
/* Bytes of one section, e.g. "code/cpu". NOT_FOUND names those there are. */
ATTN_API attn_status attn_program_section(const attn_program *program,
                                          const char *name, const void **data,
                                          size_t *size, attn_error *error);

/*===-- Binding -----------------------------------------------------------===*/

/* The arguments and results of one call, in the order of the compiled
 * function. May be launched again, with or without rebinding in between. */
typedef struct attn_binding attn_binding;

ATTN_API attn_status attn_binding_create(attn_program *program,
                                         attn_binding **binding,
                                         attn_error *error);
ATTN_API void attn_binding_destroy(attn_binding *binding);

/* Binds argument `index`. dtype, rank and static sizes are checked here; a
 * tensor that does not match leaves the binding as it was. The struct is
 * copied, the memory is not. */
ATTN_API attn_status attn_binding_set_argument(attn_binding *binding,
                                               size_t index,
                                               const attn_tensor *tensor,
                                               attn_error *error);
/* For scalars of integer type; the value must fit it. */
ATTN_API attn_status attn_binding_set_scalar_i64(attn_binding *binding,
                                                 size_t index, int64_t value,
                                                 attn_error *error);
/* For scalars of type f32. */
ATTN_API attn_status attn_binding_set_scalar_f32(attn_binding *binding,
                                                 size_t index, float value,
                                                 attn_error *error);
/* For scalars of type f64. */
ATTN_API attn_status attn_binding_set_scalar_f64(attn_binding *binding,
                                                 size_t index, double value,
                                                 attn_error *error);

/* The shape of result `index` for the arguments bound. All arguments must be
 * set and the artifact's checks on them must hold. `dims` has room for
 * ATTN_MAX_RANK sizes. */
ATTN_API attn_status attn_binding_infer_result_shape(attn_binding *binding,
                                                     size_t index,
                                                     int64_t *dims,
                                                     int32_t *rank,
                                                     attn_error *error);
/* Binds the memory that result `index` is written to. A result that is the
 * buffer of an argument is bound through that argument instead. Its shape is
 * compared with the inferred one by validate. */
ATTN_API attn_status attn_binding_set_result(attn_binding *binding,
                                             size_t index,
                                             const attn_tensor *tensor,
                                             attn_error *error);
/* Everything bound, every shape right, every check of the artifact holds.
 * attn_launch does this itself when something changed since the last time. */
ATTN_API attn_status attn_binding_validate(attn_binding *binding,
                                           attn_error *error);
/* Workspace that a launch needs (0: none) and the alignment of its start.
 * Needs the arguments, and those results that are not dense. Either output may
 * be NULL. */
ATTN_API attn_status attn_binding_workspace_size(attn_binding *binding,
                                                 size_t *bytes,
                                                 size_t *alignment,
                                                 attn_error *error);
/* Bytes of intermediate memory of this program and of standard attention,
 * which stores the scores, for the arguments bound. NOT_FOUND: the artifact
 * does not say. */
ATTN_API attn_status attn_binding_memory_estimate(attn_binding *binding,
                                                  int64_t *fused,
                                                  int64_t *standard,
                                                  attn_error *error);
/* A named quantity of the artifact ("metrics", e.g. "flops") for the arguments
 * bound. NOT_FOUND names those there are. "copied_bytes" is of any artifact:
 * the dense copies that each launch makes (see attn_launch). */
ATTN_API attn_status attn_binding_metric(attn_binding *binding,
                                         const char *name, int64_t *value,
                                         attn_error *error);

/*===-- Launch ------------------------------------------------------------===*/

/* Runs all launches of the program in order. On the CPU it returns when the
 * results are written, `stream` must be NULL, and launches made from several
 * threads on one context run one after the other. On CUDA it only enqueues, on
 * the CUstream `stream` of the device's primary context, and can be captured
 * in a graph; data and workspace are device memory. The workspace may hold
 * anything on entry and does so on return; each launch in flight needs its
 * own. NULL with 0 bytes is right when none is needed. WORKSPACE_TOO_SMALL is
 * reported before anything runs.
 *
 * A binding remembers what it worked out for a launch: launching it again with
 * the same workspace and stream costs little on the host.
 *
 * Arguments that are narrowed, and tensors whose strides or alignment are not
 * those that the code needs (GPUs move up to 16 bytes at once), are copied into
 * the workspace and back: right, but slower. On CUDA and Vulkan their values go
 * through the host, so the launch waits for the stream and can be neither
 * captured nor recorded.
 *
 * On Vulkan `stream` is NULL, for the context's queue: the launch is submitted
 * and not waited for. Or it is a VkCommandBuffer that is being recorded: the
 * launch is recorded into it and runs when, and as often as, the caller submits
 * it to a queue of the context's family. Until that is over the binding must
 * neither be destroyed, nor bound anew, nor launched with another workspace. */
ATTN_API attn_status attn_launch(attn_binding *binding, void *workspace,
                                 size_t workspace_bytes, void *stream,
                                 attn_error *error);
/* The same with a workspace allocated for the call and freed after it. */
ATTN_API attn_status attn_launch_alloc(attn_binding *binding, void *stream,
                                       attn_error *error);
/* Since version 2. Microseconds that the device took for the last launch of the
 * binding, for which it waits. Vulkan alone measures them. */
ATTN_API attn_status attn_binding_device_time(attn_binding *binding,
                                              double *microseconds,
                                              attn_error *error);

#ifdef __cplusplus
}
#endif

#endif /* ATTN_RUNTIME_H */
