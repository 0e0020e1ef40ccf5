// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The CUDA driver API, loaded at run time: nothing of CUDA is needed to build
// or to link, and a machine without a driver gets an error message.
#ifndef ATTN_RUNTIME_CUDA_DRIVER_H
#define ATTN_RUNTIME_CUDA_DRIVER_H

#include "attn_runtime.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace attn::runtime::cuda {

using Result = int;
using Device = int;
using Context = struct ContextObject *;
using Module = struct ModuleObject *;
using Function = struct FunctionObject *;
using Stream = struct StreamObject *;
using Pointer = unsigned long long;

/// A CUtensorMap: 128 opaque bytes.
struct alignas(64) TensorMapObject {
  uint64_t words[16];
};

/// The entry points that the backend uses, by their names in cuda.h.
struct Driver {
  /// The driver of this process. Throws Failure where there is none.
  static const Driver &get();

  /// Throws Failure with the driver's own message if `result` is an error.
  void check(Result result, const std::string &what) const;

  Result (*init)(unsigned flags);
  Result (*getErrorName)(Result result, const char **name);
  Result (*getErrorString)(Result result, const char **text);
  Result (*deviceGetCount)(int *count);
  Result (*deviceGet)(Device *device, int ordinal);
  Result (*deviceGetName)(char *name, int length, Device device);
  Result (*deviceGetAttribute)(int *value, int attribute, Device device);
  Result (*primaryContextRetain)(Context *context, Device device);
  Result (*primaryContextRelease)(Device device);
  Result (*contextPush)(Context context);
  Result (*contextPop)(Context *context);
  Result (*moduleLoad)(Module *module, const void *image);
  Result (*moduleUnload)(Module module);
  Result (*moduleGetFunction)(Function *function, Module module,
                              const char *name);
  Result (*functionSetAttribute)(Function function, int attribute, int value);
  Result (*pointerGetAttribute)(void *value, int attribute, Pointer pointer);
  Result (*memoryAllocate)(Pointer *pointer, size_t bytes);
  Result (*memoryFree)(Pointer pointer);
  Result (*copyToDeviceAsync)(Pointer target, const void *source, size_t bytes,
                              Stream stream);
  Result (*copyToHostAsync)(void *target, Pointer source, size_t bytes,
                            Stream stream);
  Result (*memorySetAsync)(Pointer pointer, unsigned char value, size_t bytes,
                           Stream stream);
  Result (*streamSynchronize)(Stream stream);
  Result (*streamIsCapturing)(Stream stream, int *status);
  Result (*streamGetId)(Stream stream, unsigned long long *id);
  Result (*launch)(Function function, unsigned gridX, unsigned gridY,
                   unsigned gridZ, unsigned blockX, unsigned blockY,
                   unsigned blockZ, unsigned sharedBytes, Stream stream,
                   void **parameters, void **extra);
  Result (*tensorMapEncodeTiled)(TensorMapObject *map, int type, uint32_t rank,
                                 void *address, const uint64_t *sizes,
                                 const uint64_t *strides, const uint32_t *box,
                                 const uint32_t *elementStrides, int interleave,
                                 int swizzle, int l2Promotion, int fill);

private:
  Driver();
};

} // namespace attn::runtime::cuda

#endif // ATTN_RUNTIME_CUDA_DRIVER_H
