// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Binds the arguments of launches as the artifact's interface says and records
// them. Everything that a device could not do is refused before that.
#include "Launch.h"

#include "Failure.h"
#include "HostCopies.h"
#include "LaunchWords.h"

#include <algorithm>
#include <climits>
#include <cstring>

namespace attn::runtime::vulkan {
namespace {

constexpr size_t wordBytes = sizeof(uint32_t);
/// The most that a kernel reads at a time: as much of an empty tensor, too.
constexpr size_t pieceBytes = 16;
/// Every device takes uniform buffers at multiples of this.
constexpr size_t uniformAlign = 256;

size_t roundUp(size_t value, size_t unit) {
  return (value + unit - 1) / unit * unit;
}

} // namespace

Launch::~Launch() {
  if (ran)
    device.waitQuietly();
  if (pool)
    device.vk.DestroyCommandPool(device.device, pool, nullptr);
  if (descriptors)
    device.vk.DestroyDescriptorPool(device.device, descriptors, nullptr);
  if (times)
    device.vk.DestroyQueryPool(device.device, times, nullptr);
  if (uniforms)
    code.memory.release(uniforms);
}

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

/// Binds the memory of a buffer from a place on that the device can bind, and
/// gives the distance of the tensor's first element from there.
VkDescriptorBufferInfo Launch::bind(const LaunchArgument &argument,
                                    const std::string &kernel, uint64_t address,
                                    Extent extent, uint32_t &base) const {
  const VkPhysicalDeviceLimits &limits = device.capabilities.limits();
  std::string who = "'" + code.description.nameOf(argument.buffer) +
                    "', which the kernel '" + kernel + "' gets,";
  if (extent.bytes == 0) {
    extent = {static_cast<char *>(code.emptyTensor()), pieceBytes};
    address = reinterpret_cast<uintptr_t>(extent.first);
  }
  std::optional<Place> place = code.memory.find(extent.first);
  if (!place || place->bytes < extent.bytes)
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         who + " has " + std::to_string(extent.bytes) +
             " bytes, of which not all are in one buffer of " + device.name);
  // What a kernel loads together lies together in what it is bound to.
  size_t align = std::max({size_t(limits.minStorageBufferOffsetAlignment),
                           wordBytes, size_t(argument.multiple)});
  size_t element = elementBytes(code.description, argument.buffer);
  // The distance counts elements: a part of a temporary starts where it can.
  if (element == 0) {
    size_t skipped =
        size_t(address - reinterpret_cast<uintptr_t>(extent.first));
    place->offset += skipped;
    extent.bytes -= skipped;
    extent.first += skipped;
    if (place->offset % align)
      fail(ATTN_ERROR_MALFORMED_ARTIFACT,
           "malformed artifact: " + who + " starts " + std::to_string(skipped) +
               " bytes into a temporary; " + device.name +
               " binds multiples of " + std::to_string(align));
  }
  size_t ahead = size_t(place->offset % align);
  VkDescriptorBufferInfo info{place->buffer, place->offset - ahead,
                              roundUp(ahead + extent.bytes, wordBytes)};
  if (info.range > limits.maxStorageBufferRange)
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         who + " spans " + std::to_string(info.range) + " bytes; " +
             device.name + " binds at most " +
             std::to_string(limits.maxStorageBufferRange));
  if (element && info.range / element > size_t(INT32_MAX))
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         who + " spans " + std::to_string(info.range / element) +
             " elements; kernels count up to 2^31 - 1");
  auto start = reinterpret_cast<uintptr_t>(extent.first) - ahead;
  base = element ? uint32_t((address - start) / element) : 0;
  return info;
}

Launch::Dispatch Launch::makeDispatch(const Step &step) const {
  const LaunchDescription &launch = code.description.launches[step.index];
  const VkPhysicalDeviceLimits &limits = device.capabilities.limits();
  Dispatch dispatch;
  dispatch.pipeline = &code.pipelines[step.index];
  dispatch.usesUniform = Interface(launch).usesUniform();
  for (size_t axis = 0; axis < 3; ++axis)
    dispatch.grid[axis] = gridExtent(launch, step.grid[axis]);
  if (step.sharedBytes > int64_t(limits.maxComputeSharedMemorySize))
    fail(ATTN_ERROR_UNSUPPORTED_DEVICE,
         "the kernel '" + launch.kernel + "' needs " +
             std::to_string(step.sharedBytes) + " bytes of workgroup memory; " +
             device.name + " has at most " +
             std::to_string(limits.maxComputeSharedMemorySize));
  for (size_t i = 0; i < launch.arguments.size(); ++i) {
    const LaunchArgument &argument = launch.arguments[i];
    if (argument.kind != LaunchArgument::Buffer) {
      dispatch.words.push_back(
          wordOf(code.description, argument, step.slots[i], "Vulkan"));
      continue;
    }
    uint32_t base = 0;
    dispatch.buffers.push_back(
        bind(argument, launch.kernel, step.slots[i], step.extents[i], base));
    dispatch.words.push_back(base);
  }
  return dispatch;
}

//===----------------------------------------------------------------------===//
// Preparation
//===----------------------------------------------------------------------===//

/// Writes the words that push constants have no room for. They are the first
/// that kernels read: from memory of the host, it takes them microseconds.
void Launch::createUniforms() {
  size_t bytes = 0;
  for (Dispatch &dispatch : dispatches)
    if (dispatch.usesUniform) {
      dispatch.uniformAt = bytes;
      bytes += roundUp(dispatch.words.size() * wordBytes, uniformAlign);
    }
  if (bytes == 0)
    return;
  uniforms = code.memory.allocate(bytes, HostAccess::Writes);
  char *host = code.memory.find(uniforms)->host;
  for (const Dispatch &dispatch : dispatches)
    if (dispatch.usesUniform)
      std::memcpy(host + dispatch.uniformAt, dispatch.words.data(),
                  dispatch.words.size() * wordBytes);
}

void Launch::createSets() {
  uint32_t storage = 0, uniform = 0;
  std::vector<VkDescriptorSetLayout> layouts;
  for (const Dispatch &dispatch : dispatches) {
    storage += uint32_t(dispatch.buffers.size());
    uniform += dispatch.usesUniform;
    layouts.push_back(dispatch.pipeline->setLayout);
  }
  if (layouts.empty())
    return;
  VkDescriptorPoolSize sizes[] = {
      {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, std::max(storage, 1u)},
      {VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, std::max(uniform, 1u)}};
  auto info = makeStruct<VkDescriptorPoolCreateInfo>(
      VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO);
  info.maxSets = uint32_t(layouts.size());
  info.poolSizeCount = 2;
  info.pPoolSizes = sizes;
  check(device.vk.CreateDescriptorPool(device.device, &info, nullptr,
                                       &descriptors),
        "vkCreateDescriptorPool");
  auto allocation = makeStruct<VkDescriptorSetAllocateInfo>(
      VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO);
  allocation.descriptorPool = descriptors;
  allocation.descriptorSetCount = uint32_t(layouts.size());
  allocation.pSetLayouts = layouts.data();
  std::vector<VkDescriptorSet> sets(layouts.size());
  check(
      device.vk.AllocateDescriptorSets(device.device, &allocation, sets.data()),
      "vkAllocateDescriptorSets");
  for (size_t i = 0; i < dispatches.size(); ++i) {
    Dispatch &dispatch = dispatches[i];
    dispatch.set = sets[i];
    std::vector<VkWriteDescriptorSet> writes;
    auto add = [&](VkDescriptorType type, const VkDescriptorBufferInfo &what) {
      auto write = makeStruct<VkWriteDescriptorSet>(
          VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET);
      write.dstSet = dispatch.set;
      write.dstBinding = uint32_t(writes.size());
      write.descriptorCount = 1;
      write.descriptorType = type;
      write.pBufferInfo = &what;
      writes.push_back(write);
    };
    for (const VkDescriptorBufferInfo &buffer : dispatch.buffers)
      add(VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, buffer);
    VkDescriptorBufferInfo words{};
    if (dispatch.usesUniform) {
      Place place = *code.memory.find(uniforms + dispatch.uniformAt);
      words = {place.buffer, place.offset, dispatch.words.size() * wordBytes};
      add(VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, words);
    }
    device.vk.UpdateDescriptorSets(device.device, uint32_t(writes.size()),
                                   writes.data(), 0, nullptr);
  }
}

/// Commands of its own, for the context's queue.
void Launch::createCommands() {
  if (device.timestampBits) {
    auto info = makeStruct<VkQueryPoolCreateInfo>(
        VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO);
    info.queryType = VK_QUERY_TYPE_TIMESTAMP;
    info.queryCount = 2;
    check(device.vk.CreateQueryPool(device.device, &info, nullptr, &times),
          "vkCreateQueryPool");
  }
  pool = device.createCommandPool();
  commands = device.allocateCommands(pool);
  auto begin = makeStruct<VkCommandBufferBeginInfo>(
      VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO);
  // It may be submitted again before it has run.
  begin.flags = VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT;
  check(device.vk.BeginCommandBuffer(commands, &begin), "vkBeginCommandBuffer");
  device.barrier(commands);
  if (times) {
    device.vk.CmdResetQueryPool(commands, times, 0, 2);
    device.vk.CmdWriteTimestamp(commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT,
                                times, 0);
  }
  record(commands);
  if (times)
    device.vk.CmdWriteTimestamp(commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT,
                                times, 1);
  device.barrier(commands);
  check(device.vk.EndCommandBuffer(commands), "vkEndCommandBuffer");
}

void Launch::prepare() {
  for (const Step &step : plan.steps)
    dispatches.push_back(makeDispatch(step));
  createUniforms();
  createSets();
  createCommands();
  device.checkValidation();
}

//===----------------------------------------------------------------------===//
// Commands
//===----------------------------------------------------------------------===//

void Launch::recordFills(VkCommandBuffer into) const {
  for (const Fill &fill : plan.fills) {
    std::optional<Place> place = code.memory.find(fill.data);
    VkDeviceSize bytes = roundUp(fill.bytes, wordBytes);
    if (!place || place->bytes < bytes)
      fail(ATTN_ERROR_INVALID_ARGUMENT,
           "the workspace is no memory of " + device.name);
    if (!(place->usage & VK_BUFFER_USAGE_TRANSFER_DST_BIT))
      fail(ATTN_ERROR_INVALID_ARGUMENT,
           "the workspace is an imported buffer whose usage lacks "
           "VK_BUFFER_USAGE_TRANSFER_DST_BIT");
    device.vk.CmdFillBuffer(into, place->buffer, place->offset, bytes, 0);
  }
}

/// A grid that is larger than the device takes is dispatched in pieces, each
/// told where it starts.
void Launch::recordDispatch(VkCommandBuffer into,
                            const Dispatch &dispatch) const {
  std::array<uint32_t, 3> most;
  for (size_t axis = 0; axis < 3; ++axis)
    most[axis] = std::min<uint32_t>(
        device.capabilities.limits().maxComputeWorkGroupCount[axis], INT32_MAX);
  device.vk.CmdBindPipeline(into, VK_PIPELINE_BIND_POINT_COMPUTE,
                            dispatch.pipeline->pipeline);
  device.vk.CmdBindDescriptorSets(into, VK_PIPELINE_BIND_POINT_COMPUTE,
                                  dispatch.pipeline->layout, 0, 1,
                                  &dispatch.set, 0, nullptr);
  const std::array<uint32_t, 3> &grid = dispatch.grid;
  std::vector<uint32_t> push{0, 0, 0, grid[0], grid[1], grid[2]};
  if (!dispatch.usesUniform)
    push.insert(push.end(), dispatch.words.begin(), dispatch.words.end());
  for (push[2] = 0; push[2] < grid[2]; push[2] += most[2])
    for (push[1] = 0; push[1] < grid[1]; push[1] += most[1])
      for (push[0] = 0; push[0] < grid[0]; push[0] += most[0]) {
        device.vk.CmdPushConstants(
            into, dispatch.pipeline->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0,
            uint32_t(push.size() * wordBytes), push.data());
        device.vk.CmdDispatch(into, std::min(grid[0] - push[0], most[0]),
                              std::min(grid[1] - push[1], most[1]),
                              std::min(grid[2] - push[2], most[2]));
      }
}

void Launch::record(VkCommandBuffer into) const {
  recordFills(into);
  if (!plan.fills.empty())
    device.barrier(into);
  for (const Dispatch &dispatch : dispatches) {
    if (&dispatch != &dispatches.front())
      device.barrierOfKernels(into);
    recordDispatch(into, dispatch);
  }
}

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

void Launch::run(void *stream) {
  if (stream) {
    if (!plan.copies.empty())
      fail(
          ATTN_ERROR_INVALID_ARGUMENT,
          plan.copies[0].name +
              " is copied by way of the host, which cannot be recorded; " +
              (plan.copies[0].dtype != plan.copies[0].tensor->dtype
                   ? "compile for the 32-bit type"
                   : "bind the strides and the alignment that the code needs"));
    auto into = static_cast<VkCommandBuffer>(stream);
    // The host has written before it submits, and asks itself for what it
    // reads.
    device.barrierOfCommands(into);
    record(into);
    device.barrierOfCommands(into);
    device.checkValidation();
    return;
  }
  HostCopies copies(
      plan.copies,
      [&](void *target, const void *source, size_t bytes) {
        code.memory.copyOut(target, source, bytes);
      },
      [&](void *target, const void *source, size_t bytes) {
        code.memory.copyIn(target, source, bytes);
      });
  copies.gather();
  ran = true;
  device.submit(commands);
  copies.scatter();
  device.checkValidation();
}

double Launch::deviceTime() {
  if (!times)
    fail(ATTN_ERROR_UNSUPPORTED_DEVICE,
         "the queue of " + device.name + " has no timestamps");
  if (!ran)
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         "the launch was recorded; its time is the caller's to measure");
  device.wait();
  uint64_t stamps[2] = {};
  check(device.vk.GetQueryPoolResults(
            device.device, times, 0, 2, sizeof stamps, stamps, sizeof stamps[0],
            VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT),
        "vkGetQueryPoolResults");
  uint64_t mask = device.timestampBits >= 64
                      ? ~uint64_t(0)
                      : (uint64_t(1) << device.timestampBits) - 1;
  constexpr double microsecond = 1000; // in nanoseconds
  return double((stamps[1] - stamps[0]) & mask) *
         double(device.capabilities.limits().timestampPeriod) / microsecond;
}

} // namespace attn::runtime::vulkan
