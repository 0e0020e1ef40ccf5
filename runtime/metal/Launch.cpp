// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Binds what a launch needs where its kernel expects it. What a device could
// not do is refused before anything is submitted.
#include "Launch.h"

#include "Failure.h"
#include "HostCopies.h"
#include "LaunchWords.h"

#include <algorithm>
#include <climits>
#include <cstring>

namespace attn::runtime::metal {
namespace {

/// Of emptyTensor, and alignment of what is kept behind it.
constexpr size_t zeroBytes = 256;

} // namespace

void wait(Device &device) {
  if (std::string problem = device.wait(); !problem.empty())
    fail(ATTN_ERROR_DEVICE_ERROR, device.properties().name + ": " + problem);
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

void Code::load(const ArtifactView &artifact, int language) {
  const std::string &name = device.properties().name;
  for (const LaunchDescription &launch : description.launches) {
    std::string problem;
    std::unique_ptr<Library> &library = libraries[launch.code];
    if (!library)
      library =
          device.compile(artifact.find(launch.code)->bytes, language, problem);
    if (!library)
      fail(ATTN_ERROR_DEVICE_ERROR, "cannot compile the section '" +
                                        launch.code + "' for " + name + ": " +
                                        problem);
    std::unique_ptr<Kernel> &kernel = made[{launch.code, launch.kernel}];
    if (!kernel)
      kernel = library->makeKernel(launch.kernel, problem);
    if (!kernel)
      fail(ATTN_ERROR_DEVICE_ERROR, "cannot compile the kernel '" +
                                        launch.kernel + "' for " + name + ": " +
                                        problem);
    int64_t threads = launch.block[0] * launch.block[1] * launch.block[2];
    if (threads > kernel->threads)
      fail(ATTN_ERROR_UNSUPPORTED_DEVICE,
           "the kernel '" + launch.kernel + "' has threadgroups of " +
               std::to_string(threads) + " threads; " + name +
               " runs it with at most " + std::to_string(kernel->threads));
    kernels.push_back(kernel.get());
  }
  std::unique_ptr<Buffer> buffer =
      device.allocate(zeroBytes + description.keptBytes);
  if (!buffer)
    fail(ATTN_ERROR_OUT_OF_MEMORY, name + " has no memory left");
  std::memset(buffer->contents, 0, buffer->bytes);
  zeros = memory.add(std::move(buffer));
}

Code::~Code() {
  device.wait();
  if (zeros)
    memory.release(zeros);
}

/// What the context's queue runs, it runs in order. What the caller commits may
/// run beside it.
char *Code::keptMemory(void *stream) {
  return description.keptBytes && !stream ? zeros + zeroBytes : nullptr;
}

std::unique_ptr<PreparedLaunch> Code::prepare(Plan plan) {
  return std::make_unique<Launch>(*this, std::move(plan));
}

//===----------------------------------------------------------------------===//
// Launches
//===----------------------------------------------------------------------===//

Launch::Launch(Code &code, Plan given) : code(code), plan(std::move(given)) {
  for (const DenseCopy &copy : plan.copies)
    if (!code.memory.find(copy.data))
      fail(ATTN_ERROR_INVALID_ARGUMENT,
           "the workspace is no memory of " + code.device.properties().name);
  for (const attn::runtime::Fill &fill : plan.fills) {
    std::optional<Place> place = code.memory.find(fill.data);
    if (!place || place->bytes < fill.bytes)
      fail(ATTN_ERROR_INVALID_ARGUMENT,
           "the workspace is no memory of " + code.device.properties().name);
    fills.push_back({place->buffer, place->offset, fill.bytes});
  }
  for (const Step &step : plan.steps)
    dispatches.push_back(makeDispatch(step));
}

Launch::~Launch() { code.device.wait(); }

Binding Launch::bind(const LaunchArgument &argument, const std::string &kernel,
                     uint64_t address, Extent extent) const {
  std::string who = "'" + code.description.nameOf(argument.buffer) +
                    "', which the kernel '" + kernel + "' gets,";
  if (extent.bytes == 0) {
    extent = {static_cast<char *>(code.emptyTensor()), zeroBytes};
    address = reinterpret_cast<uintptr_t>(extent.first);
  }
  std::optional<Place> first = code.memory.find(extent.first);
  if (!first || first->bytes < extent.bytes)
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         who + " has " + std::to_string(extent.bytes) +
             " bytes, of which not all are in one buffer of " +
             code.device.properties().name);
  size_t element = elementBytes(code.description, argument.buffer);
  if (element && extent.bytes / element > size_t(INT32_MAX))
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         who + " spans " + std::to_string(extent.bytes / element) +
             " elements; kernels count up to 2^31 - 1");
  size_t ahead = address - reinterpret_cast<uintptr_t>(extent.first);
  return {first->buffer, first->offset + ahead, first->offset, extent.bytes};
}

Dispatch Launch::makeDispatch(const Step &step) const {
  const LaunchDescription &launch = code.description.launches[step.index];
  const Properties &properties = code.device.properties();
  Dispatch dispatch;
  dispatch.kernel = code.kernels[step.index];
  for (size_t axis = 0; axis < 3; ++axis) {
    dispatch.grid[axis] = gridExtent(launch, step.grid[axis]);
    dispatch.block[axis] = uint32_t(launch.block[axis]);
  }
  int64_t shared =
      std::max(step.sharedBytes, dispatch.kernel->threadgroupBytes);
  if (shared > properties.threadgroupBytes)
    fail(ATTN_ERROR_UNSUPPORTED_DEVICE,
         "the kernel '" + launch.kernel + "' needs " + std::to_string(shared) +
             " bytes of threadgroup memory; " + properties.name +
             " has at most " + std::to_string(properties.threadgroupBytes));
  for (size_t i = 0; i < launch.arguments.size(); ++i) {
    const LaunchArgument &argument = launch.arguments[i];
    if (argument.kind == LaunchArgument::Buffer)
      dispatch.buffers.push_back(
          bind(argument, launch.kernel, step.slots[i], step.extents[i]));
    else
      dispatch.words.push_back(
          wordOf(code.description, argument, step.slots[i], "Metal"));
  }
  return dispatch;
}

void Launch::run(void *stream) {
  if (stream && !plan.copies.empty())
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         plan.copies[0].name +
             " is copied by way of the host, which cannot be encoded; " +
             (plan.copies[0].dtype != plan.copies[0].tensor->dtype
                  ? "compile for the 32-bit type"
                  : "bind the strides and the alignment that the code needs"));
  auto copy = [&](void *target, const void *source, size_t bytes) {
    wait(code.device);
    std::memcpy(target, source, bytes);
  };
  HostCopies copies(plan.copies, copy, copy);
  copies.gather();
  if (std::string problem = code.device.submit(fills, dispatches, stream);
      !problem.empty())
    fail(ATTN_ERROR_DEVICE_ERROR,
         code.device.properties().name + ": " + problem);
  copies.scatter();
}

} // namespace attn::runtime::metal
