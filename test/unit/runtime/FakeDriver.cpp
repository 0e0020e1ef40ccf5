// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The entry points of libcuda that the runtime loads, on the host. Kernels:
// `copy(in, out, n)` copies n i32, `count(counter)` notes a counter and leaves
// it zero, `map(tensormap, out)` writes the map's first word.
#include "FakeDriver.h"

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <cstring>

FakeDriver fakeDriver;

namespace {
constexpr int invalidValue = 1, outOfMemory = 2, noDevice = 100,
              invalidImage = 200, notFound = 500;
constexpr size_t memoryOfDevice = size_t(1) << 30;

/// Dynamic shared memory that a block may have: without asking, and at most.
constexpr int sharedUnasked = 48 << 10, sharedMost = 227 << 10;

struct alignas(64) Map {
  uint64_t words[16];
};

template <typename T> T argument(void **parameters, int index) {
  T value;
  std::memcpy(&value, parameters[index], sizeof value);
  return value;
}

void copy(void **parameters) {
  std::memcpy(argument<void *>(parameters, 1), argument<void *>(parameters, 0),
              size_t(argument<int64_t>(parameters, 2)) * sizeof(int32_t));
}

void count(void **parameters) {
  auto counter = argument<uint32_t *>(parameters, 0);
  fakeDriver.counters.push_back(counter);
  fakeDriver.found.push_back(*counter);
  *counter = 0;
}

void map(void **parameters) {
  *argument<uint64_t *>(parameters, 1) = argument<Map>(parameters, 0).words[0];
}

using Kernel = void (*)(void **);

/// What CUDA's documentation of cuTensorMapEncodeTiled demands of tiles of
/// 16-bit elements without interleaving, swizzled by 128 bytes. Drivers before
/// CUDA 12.6 refuse a null address, too.
bool isValidTensorMap(int type, uint32_t rank, const void *address,
                      const uint64_t *sizes, const uint64_t *strides,
                      const uint32_t *box, const uint32_t *steps,
                      int interleave, int swizzle) {
  constexpr int halfFloat = 6, bfloat = 9, swizzle128 = 3;
  constexpr uint64_t elementBytes = 2, unit = 16, swizzleBytes = 128;
  constexpr uint64_t largestSize = uint64_t(1) << 32, strideLimit = uint64_t(1)
                                                                    << 40;
  if ((type != halfFloat && type != bfloat) || rank < 1 || rank > 5 ||
      interleave != 0 || swizzle != swizzle128)
    return false;
  if (!address || reinterpret_cast<uintptr_t>(address) % unit != 0)
    return false;
  for (uint32_t dim = 0; dim < rank; ++dim)
    if (sizes[dim] < 1 || sizes[dim] > largestSize || box[dim] < 1 ||
        box[dim] > 256 || steps[dim] < 1 || steps[dim] > 8)
      return false;
  for (uint32_t dim = 0; dim + 1 < rank; ++dim)
    if (strides[dim] % unit != 0 || strides[dim] >= strideLimit)
      return false;
  uint64_t innerBytes = box[0] * elementBytes;
  return innerBytes % unit == 0 && innerBytes <= swizzleBytes;
}
} // namespace

extern "C" {
ATTN_FAKE int cuInit(unsigned) { return fakeDriver.initResult; }
ATTN_FAKE int cuGetErrorName(int result, const char **name) {
  *name = result == noDevice ? "CUDA_ERROR_NO_DEVICE" : "CUDA_ERROR_FAKE";
  return 0;
}
ATTN_FAKE int cuGetErrorString(int result, const char **text) {
  *text = result == noDevice ? "no CUDA-capable device is detected"
                             : "the fake driver failed";
  return 0;
}
ATTN_FAKE int cuDeviceGetCount(int *count) {
  *count = fakeDriver.devices;
  return 0;
}
ATTN_FAKE int cuDeviceGet(int *device, int ordinal) {
  *device = ordinal;
  return 0;
}
ATTN_FAKE int cuDeviceGetName(char *name, int length, int) {
  std::strncpy(name, "Fake GPU", size_t(length));
  return 0;
}
ATTN_FAKE int cuDeviceGetAttribute(int *value, int attribute, int) {
  *value = attribute == 75   ? fakeDriver.major
           : attribute == 76 ? fakeDriver.minor
           : attribute == 97 ? sharedMost
           : attribute == 88 ? 0
                             : 132;
  return 0;
}
ATTN_FAKE int cuPointerGetAttribute(void *, int, unsigned long long pointer) {
  return pointer == reinterpret_cast<uintptr_t>(fakeDriver.hostMemory);
}
ATTN_FAKE int cuDevicePrimaryCtxRetain(void **context, int) {
  *context = &fakeDriver;
  return 0;
}
ATTN_FAKE int cuDevicePrimaryCtxRelease_v2(int) { return 0; }
ATTN_FAKE int cuCtxPushCurrent_v2(void *) { return 0; }
ATTN_FAKE int cuCtxPopCurrent_v2(void **) { return 0; }
ATTN_FAKE int cuModuleLoadData(void **module, const void *image) {
  if (!std::strcmp(static_cast<const char *>(image), "broken"))
    return invalidImage;
  ++fakeDriver.modules;
  *module = &fakeDriver;
  return 0;
}
ATTN_FAKE int cuModuleUnload(void *) {
  --fakeDriver.modules;
  return 0;
}
ATTN_FAKE int cuModuleGetFunction(void **function, void *, const char *name) {
  struct {
    const char *name;
    Kernel kernel;
  } kernels[] = {{"copy", copy}, {"count", count}, {"map", map}};
  for (auto &entry : kernels)
    if (!std::strcmp(entry.name, name)) {
      *function = reinterpret_cast<void *>(entry.kernel);
      return 0;
    }
  return notFound;
}
ATTN_FAKE int cuFuncSetAttribute(void *function, int, int value) {
  if (value < 0 || value > sharedMost)
    return invalidValue;
  fakeDriver.sharedAllowed[function] = value;
  return 0;
}
ATTN_FAKE int cuMemAlloc_v2(uintptr_t *pointer, size_t bytes) {
  if (bytes == 0)
    return invalidValue;
  if (bytes > memoryOfDevice || fakeDriver.memoryIsFull)
    return outOfMemory;
  ++fakeDriver.allocations;
  void *memory = std::aligned_alloc(512, (bytes + 511) / 512 * 512);
  std::memset(memory, 0x5a, bytes);
  *pointer = reinterpret_cast<uintptr_t>(memory);
  return 0;
}
ATTN_FAKE int cuMemFree_v2(uintptr_t pointer) {
  ++fakeDriver.frees;
  std::free(reinterpret_cast<void *>(pointer));
  return 0;
}
ATTN_FAKE int cuMemsetD8Async(uintptr_t pointer, unsigned char value,
                              size_t bytes, void *) {
  ++fakeDriver.fills;
  std::memset(reinterpret_cast<void *>(pointer), value, bytes);
  return 0;
}
ATTN_FAKE int cuMemcpyHtoDAsync_v2(uintptr_t target, const void *source,
                                   size_t bytes, void *) {
  ++fakeDriver.copiesIn;
  std::memcpy(reinterpret_cast<void *>(target), source, bytes);
  return 0;
}
ATTN_FAKE int cuMemcpyDtoHAsync_v2(void *target, uintptr_t source, size_t bytes,
                                   void *) {
  ++fakeDriver.copiesOut;
  std::memcpy(target, reinterpret_cast<void *>(source), bytes);
  return 0;
}
ATTN_FAKE int cuStreamSynchronize(void *) {
  ++fakeDriver.synchronizations;
  return 0;
}
ATTN_FAKE int cuStreamIsCapturing(void *stream, int *status) {
  *status = std::count(fakeDriver.capturing.begin(), fakeDriver.capturing.end(),
                       stream) > 0;
  return 0;
}
ATTN_FAKE int cuStreamGetId(void *stream, unsigned long long *id) {
  *id = reinterpret_cast<uintptr_t>(stream);
  return 0;
}
ATTN_FAKE int cuLaunchKernel(void *function, unsigned gridX, unsigned gridY,
                             unsigned gridZ, unsigned blockX, unsigned blockY,
                             unsigned blockZ, unsigned sharedBytes, void *,
                             void **parameters, void **) {
  if (fakeDriver.launchResult)
    return fakeDriver.launchResult;
  auto within = [](unsigned value, unsigned limit) {
    return value >= 1 && value <= limit;
  };
  auto allowed = fakeDriver.sharedAllowed.find(function);
  if (!within(gridX, INT_MAX) || !within(gridY, 65535) ||
      !within(gridZ, 65535) || !within(blockX, 1024) || !within(blockY, 1024) ||
      !within(blockZ, 64) || uint64_t(blockX) * blockY * blockZ > 1024 ||
      int64_t(sharedBytes) > (allowed == fakeDriver.sharedAllowed.end()
                                  ? sharedUnasked
                                  : allowed->second))
    return invalidValue;
  ++fakeDriver.launches;
  reinterpret_cast<Kernel>(function)(parameters);
  return 0;
}
ATTN_FAKE int cuTensorMapEncodeTiled(Map *map, int type, uint32_t rank,
                                     void *address, const uint64_t *sizes,
                                     const uint64_t *strides,
                                     const uint32_t *box,
                                     const uint32_t *elementStrides,
                                     int interleave, int swizzle, int, int) {
  if (!isValidTensorMap(type, rank, address, sizes, strides, box,
                        elementStrides, interleave, swizzle))
    return invalidValue;
  ++fakeDriver.encodes;
  map->words[0] = reinterpret_cast<uintptr_t>(address);
  return 0;
}
}
