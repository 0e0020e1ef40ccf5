// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Metal itself, under automatic reference counting. Every object that Metal
// makes is asked for its error.
#include "SystemDriver.h"

#import <Foundation/Foundation.h>
#import <Metal/Metal.h>

#include <mutex>
#include <unistd.h>

namespace attn::runtime::metal {
namespace {

std::string textOf(NSString *text) {
  return text && text.UTF8String ? text.UTF8String : "";
}

std::string describe(NSError *error, const char *what) {
  std::string text = error ? textOf(error.localizedDescription) : "";
  return text.empty() ? std::string(what) + " failed" : text;
}

id toObject(void *given) { return (__bridge id)given; }

/// Apple's GPUs since the M1 and the A14 multiply matrices.
bool hasMatrices(id<MTLDevice> device) {
  return [device supportsFamily:MTLGPUFamilyApple7];
}

int newestLanguage() {
  if (@available(macOS 26.0, iOS 26.0, *))
    return 400;
  if (@available(macOS 14.0, iOS 17.0, *))
    return 310;
  if (@available(macOS 12.0, iOS 15.0, *))
    return 240;
  return 0;
}

/// As Metal numbers the versions of its language.
MTLLanguageVersion numberOf(int language) {
  return static_cast<MTLLanguageVersion>((language / 100) << 16 |
                                         language / 10 % 10);
}

class AppleBuffer final : public Buffer {
public:
  explicit AppleBuffer(id<MTLBuffer> given) : object(given) {
    contents = static_cast<char *>(object.contents);
    bytes = object.length;
  }
  id<MTLBuffer> object;
};

class AppleKernel final : public Kernel {
public:
  explicit AppleKernel(id<MTLComputePipelineState> given) : object(given) {
    threads = int64_t(object.maxTotalThreadsPerThreadgroup);
    threadgroupBytes = int64_t(object.staticThreadgroupMemoryLength);
  }
  id<MTLComputePipelineState> object;
};

class AppleLibrary final : public Library {
public:
  AppleLibrary(id<MTLDevice> device, id<MTLLibrary> object)
      : device(device), object(object) {}
  std::unique_ptr<Kernel> makeKernel(const std::string &name,
                                     std::string &problem) override {
    @autoreleasepool {
      NSString *wanted = [NSString stringWithUTF8String:name.c_str()];
      id<MTLFunction> function = [object newFunctionWithName:wanted];
      if (!function) {
        problem = "the text has no kernel of this name";
        return nullptr;
      }
      NSError *error = nil;
      id<MTLComputePipelineState> pipeline =
          [device newComputePipelineStateWithFunction:function error:&error];
      if (pipeline)
        return std::make_unique<AppleKernel>(pipeline);
      problem = describe(error, "newComputePipelineStateWithFunction");
      return nullptr;
    }
  }

private:
  id<MTLDevice> device;
  id<MTLLibrary> object;
};

class AppleDevice final : public Device {
public:
  AppleDevice(id<MTLDevice> device, id<MTLCommandQueue> queue)
      : device(device), queue(queue) {
    limits.name = textOf(device.name);
    limits.language = newestLanguage();
    limits.threads = int64_t(device.maxThreadsPerThreadgroup.width);
    limits.threadgroupBytes = int64_t(device.maxThreadgroupMemoryLength);
    limits.bufferBytes = int64_t(device.maxBufferLength);
    limits.hasMatrices = hasMatrices(device);
  }
  const Properties &properties() const override { return limits; }
  std::unique_ptr<Buffer> allocate(size_t bytes) override {
    id<MTLBuffer> buffer =
        [device newBufferWithLength:bytes options:MTLResourceStorageModeShared];
    return buffer ? std::make_unique<AppleBuffer>(buffer) : nullptr;
  }
  std::unique_ptr<Buffer> import(const attn_metal_buffer &given,
                                 std::string &problem) override;
  std::unique_ptr<Library> compile(std::string_view text, int language,
                                   std::string &problem) override;
  std::string submit(const std::vector<Fill> &fills,
                     const std::vector<Dispatch> &dispatches,
                     void *commandBuffer) override;
  std::string wait() override;

private:
  void encode(const std::vector<Fill> &fills, id<MTLCommandBuffer> commands);
  void encode(const Dispatch &dispatch, id<MTLComputeCommandEncoder> encoder);

  Properties limits;
  id<MTLDevice> device;
  id<MTLCommandQueue> queue;
  std::mutex mutex;
  /// What was committed and not waited for yet, the newest last.
  std::vector<id<MTLCommandBuffer>> committed;
};

} // namespace

std::unique_ptr<Buffer> AppleDevice::import(const attn_metal_buffer &given,
                                            std::string &problem) {
  id<MTLBuffer> buffer = nil;
  if (given.buffer) {
    buffer = toObject(given.buffer);
    if (!buffer.contents) {
      problem = "its storage is not shared with the host";
      return nullptr;
    }
    return std::make_unique<AppleBuffer>(buffer);
  }
  size_t page = size_t(getpagesize());
  if (reinterpret_cast<uintptr_t>(given.data) % page || given.bytes % page ||
      given.bytes == 0) {
    problem = "data and bytes are not whole pages of " + std::to_string(page) +
              " bytes";
    return nullptr;
  }
  buffer = [device newBufferWithBytesNoCopy:given.data
                                     length:given.bytes
                                    options:MTLResourceStorageModeShared
                                deallocator:nil];
  if (buffer)
    return std::make_unique<AppleBuffer>(buffer);
  problem = limits.name + " does not take this memory";
  return nullptr;
}

std::unique_ptr<Library> AppleDevice::compile(std::string_view text,
                                              int language,
                                              std::string &problem) {
  @autoreleasepool {
    NSString *source = [[NSString alloc] initWithBytes:text.data()
                                                length:text.size()
                                              encoding:NSUTF8StringEncoding];
    MTLCompileOptions *options = [[MTLCompileOptions alloc] init];
    options.languageVersion = numberOf(language);
    NSError *error = nil;
    id<MTLLibrary> library = [device newLibraryWithSource:source
                                                  options:options
                                                    error:&error];
    if (library)
      return std::make_unique<AppleLibrary>(device, library);
    problem = describe(error, "newLibraryWithSource");
    return nullptr;
  }
}

void AppleDevice::encode(const std::vector<Fill> &fills,
                         id<MTLCommandBuffer> commands) {
  if (fills.empty())
    return;
  id<MTLBlitCommandEncoder> encoder = [commands blitCommandEncoder];
  for (const Fill &fill : fills)
    [encoder fillBuffer:static_cast<const AppleBuffer *>(fill.buffer)->object
                  range:NSMakeRange(fill.offset, fill.bytes)
                  value:0];
  [encoder endEncoding];
}

void AppleDevice::encode(const Dispatch &dispatch,
                         id<MTLComputeCommandEncoder> encoder) {
  [encoder
      setComputePipelineState:static_cast<const AppleKernel *>(dispatch.kernel)
                                  ->object];
  NSUInteger index = 0;
  for (const Binding &binding : dispatch.buffers)
    [encoder setBuffer:static_cast<const AppleBuffer *>(binding.buffer)->object
                offset:binding.offset
               atIndex:index++];
  if (!dispatch.words.empty())
    [encoder setBytes:dispatch.words.data()
               length:dispatch.words.size() * sizeof(uint32_t)
              atIndex:index];
  [encoder
       dispatchThreadgroups:MTLSizeMake(dispatch.grid[0], dispatch.grid[1],
                                        dispatch.grid[2])
      threadsPerThreadgroup:MTLSizeMake(dispatch.block[0], dispatch.block[1],
                                        dispatch.block[2])];
}

/// An encoder runs its dispatches one after the other unless it is asked for
/// others, and tracks what they read and write.
std::string AppleDevice::submit(const std::vector<Fill> &fills,
                                const std::vector<Dispatch> &dispatches,
                                void *commandBuffer) {
  @autoreleasepool {
    std::lock_guard<std::mutex> lock(mutex);
    id<MTLCommandBuffer> commands =
        commandBuffer ? toObject(commandBuffer) : [queue commandBuffer];
    if (!commands)
      return "there is no command buffer";
    if (commands.status != MTLCommandBufferStatusNotEnqueued &&
        commands.status != MTLCommandBufferStatusEnqueued)
      return "the command buffer is committed";
    encode(fills, commands);
    id<MTLComputeCommandEncoder> encoder = [commands computeCommandEncoder];
    for (const Dispatch &dispatch : dispatches)
      encode(dispatch, encoder);
    [encoder endEncoding];
    if (commandBuffer)
      return "";
    [commands commit];
    committed.push_back(commands);
    return "";
  }
}

std::string AppleDevice::wait() {
  @autoreleasepool {
    std::lock_guard<std::mutex> lock(mutex);
    std::string problem;
    for (id<MTLCommandBuffer> commands : committed) {
      [commands waitUntilCompleted];
      if (commands.status == MTLCommandBufferStatusError && problem.empty())
        problem = describe(commands.error, "the command buffer");
    }
    committed.clear();
    return problem;
  }
}

namespace {

class AppleDriver final : public Driver {
public:
  std::vector<std::string> list() override {
    @autoreleasepool {
      std::vector<std::string> names;
      for (id<MTLDevice> device in all())
        names.push_back(textOf(device.name));
      return names;
    }
  }
  std::unique_ptr<Device> open(size_t index, std::string &problem) override {
    @autoreleasepool {
      NSArray<id<MTLDevice>> *devices = all();
      if (index < devices.count)
        return make(devices[index], nil, problem);
      problem = "the device is gone";
      return nullptr;
    }
  }
  std::unique_ptr<Device> adopt(const attn_metal_device &given,
                                std::string &problem) override {
    @autoreleasepool {
      id<MTLDevice> device = toObject(given.device);
      id<MTLCommandQueue> queue = given.queue ? toObject(given.queue) : nil;
      if (!queue || queue.device == device)
        return make(device, queue, problem);
      problem = "device->queue belongs to another device";
      return nullptr;
    }
  }

private:
  /// The one that the system prefers first.
  static NSArray<id<MTLDevice>> *all() {
    NSMutableArray<id<MTLDevice>> *devices = [NSMutableArray array];
    id<MTLDevice> preferred = MTLCreateSystemDefaultDevice();
    if (preferred)
      [devices addObject:preferred];
#if TARGET_OS_OSX
    for (id<MTLDevice> device in MTLCopyAllDevices())
      if (device != preferred)
        [devices addObject:device];
#endif
    return devices;
  }
  static std::unique_ptr<Device>
  make(id<MTLDevice> device, id<MTLCommandQueue> queue, std::string &problem) {
    if (!queue)
      queue = [device newCommandQueue];
    if (queue && newestLanguage())
      return std::make_unique<AppleDevice>(device, queue);
    problem = queue ? "the system is older than version 2.4 of Metal's language"
                    : "the device makes no command queue";
    return nullptr;
  }
};

} // namespace

Driver *systemDriver() {
  static AppleDriver driver;
  return &driver;
}

} // namespace attn::runtime::metal
