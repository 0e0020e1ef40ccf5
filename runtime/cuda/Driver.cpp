// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Finds the entry points of the CUDA driver in libcuda.
#include "Driver.h"
#include "Failure.h"

#include <dlfcn.h>

namespace attn::runtime::cuda {

Driver::Driver() {
  void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char *reason = dlerror();
    fail(ATTN_ERROR_NOT_FOUND,
         std::string("the cuda backend needs NVIDIA's driver: ") +
             (reason ? reason : "libcuda.so.1 cannot be loaded"));
  }
  auto find = [&](auto &function, const char *name) {
    void *symbol = dlsym(library, name);
    if (!symbol)
      fail(ATTN_ERROR_UNSUPPORTED_DEVICE,
           std::string("NVIDIA's driver is too old: it has no ") + name);
    function =
        reinterpret_cast<std::remove_reference_t<decltype(function)>>(symbol);
  };
  find(init, "cuInit");
  find(getErrorName, "cuGetErrorName");
  find(getErrorString, "cuGetErrorString");
  find(deviceGetCount, "cuDeviceGetCount");
  find(deviceGet, "cuDeviceGet");
  find(deviceGetName, "cuDeviceGetName");
  find(deviceGetAttribute, "cuDeviceGetAttribute");
  find(primaryContextRetain, "cuDevicePrimaryCtxRetain");
  find(primaryContextRelease, "cuDevicePrimaryCtxRelease_v2");
  find(contextPush, "cuCtxPushCurrent_v2");
  find(contextPop, "cuCtxPopCurrent_v2");
  find(moduleLoad, "cuModuleLoadData");
  find(moduleUnload, "cuModuleUnload");
  find(moduleGetFunction, "cuModuleGetFunction");
  find(functionSetAttribute, "cuFuncSetAttribute");
  find(pointerGetAttribute, "cuPointerGetAttribute");
  find(memoryAllocate, "cuMemAlloc_v2");
  find(memoryFree, "cuMemFree_v2");
  find(memorySetAsync, "cuMemsetD8Async");
  find(copyToDeviceAsync, "cuMemcpyHtoDAsync_v2");
  find(copyToHostAsync, "cuMemcpyDtoHAsync_v2");
  find(streamSynchronize, "cuStreamSynchronize");
  find(streamIsCapturing, "cuStreamIsCapturing");
  find(streamGetId, "cuStreamGetId");
  find(launch, "cuLaunchKernel");
  find(tensorMapEncodeTiled, "cuTensorMapEncodeTiled");
  check(init(0), "cuInit");
}

const Driver &Driver::get() {
  // A constructor that throws is tried again by the next caller.
  static const Driver driver;
  return driver;
}

void Driver::check(Result result, const std::string &what) const {
  if (result == 0)
    return;
  const char *name = nullptr, *text = nullptr;
  getErrorName(result, &name);
  getErrorString(result, &text);
  constexpr Result outOfMemory = 2;
  fail(result == outOfMemory ? ATTN_ERROR_OUT_OF_MEMORY
                             : ATTN_ERROR_DEVICE_ERROR,
       what + ": " + (name ? name : "CUDA error") + ": " +
           (text ? text : std::to_string(result)));
}

} // namespace attn::runtime::cuda
