// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes a SPIR-V module, runs it and compares what the lanes hold.
#include "ElementMap.h"

#include "Code.h"
#include "Failure.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <initializer_list>

namespace attn::runtime::vulkan {
namespace {

constexpr const char *kernelName = "element_map";

/// Instructions of a module, in the order in which it needs them.
class Module {
public:
  using Words = std::initializer_list<uint32_t>;

  Module() : words{0x07230203, 0x00010600, 0, 0, 0} {}

  uint32_t newId() { return bound++; }
  void add(uint32_t opcode, Words operands) {
    words.push_back(uint32_t(operands.size() + 1) << 16 | opcode);
    words.insert(words.end(), operands);
  }
  /// With a name behind `first` and more behind that.
  void addNamed(uint32_t opcode, Words first, const char *name,
                Words more = {}) {
    std::vector<uint32_t> text(std::strlen(name) / sizeof(uint32_t) + 1);
    std::memcpy(text.data(), name, std::strlen(name));
    words.push_back(
        uint32_t(first.size() + text.size() + more.size() + 1) << 16 | opcode);
    words.insert(words.end(), first);
    words.insert(words.end(), text.begin(), text.end());
    words.insert(words.end(), more);
  }
  /// An instruction that has a type and a result.
  uint32_t make(uint32_t opcode, uint32_t type, Words operands) {
    uint32_t result = newId();
    words.push_back(uint32_t(operands.size() + 3) << 16 | opcode);
    words.insert(words.end(), {type, result});
    words.insert(words.end(), operands);
    return result;
  }
  /// A type.
  uint32_t makeType(uint32_t opcode, Words operands) {
    uint32_t result = newId();
    words.push_back(uint32_t(operands.size() + 2) << 16 | opcode);
    words.push_back(result);
    words.insert(words.end(), operands);
    return result;
  }

  std::string finish() {
    words[3] = bound;
    return std::string(reinterpret_cast<const char *>(words.data()),
                       words.size() * sizeof(uint32_t));
  }

private:
  std::vector<uint32_t> words;
  uint32_t bound = 1;
};

/// Opcodes and enumerants, as the specification has them.
enum : uint32_t {
  OpExtension = 10,
  OpMemoryModel = 14,
  OpEntryPoint = 15,
  OpExecutionMode = 16,
  OpCapability = 17,
  OpTypeVoid = 19,
  OpTypeInt = 21,
  OpTypeFloat = 22,
  OpTypeRuntimeArray = 29,
  OpTypeStruct = 30,
  OpTypePointer = 32,
  OpTypeFunction = 33,
  OpConstant = 43,
  OpFunction = 54,
  OpFunctionEnd = 56,
  OpVariable = 59,
  OpLoad = 61,
  OpStore = 62,
  OpAccessChain = 65,
  OpDecorate = 71,
  OpMemberDecorate = 72,
  OpCompositeExtract = 81,
  OpFConvert = 115,
  OpBitcast = 124,
  OpIAdd = 128,
  OpIMul = 132,
  OpLabel = 248,
  OpReturn = 253,
  OpTypeCooperativeMatrixKHR = 4456,
  OpCooperativeMatrixLoadKHR = 4457,

  CapabilityShader = 1,
  CapabilityFloat16 = 9,
  CapabilityBFloat16TypeKHR = 5116,
  CapabilityBFloat16CooperativeMatrixKHR = 5118,
  CapabilityVulkanMemoryModel = 5345,
  CapabilityCooperativeMatrixKHR = 6022,
  ModelLogical = 0,
  ModelVulkan = 3,
  ExecutionGLCompute = 5,
  ModeLocalSize = 17,
  StorageInput = 1,
  StorageBuffer = 12,
  DecorationBlock = 2,
  DecorationArrayStride = 6,
  DecorationBuiltIn = 11,
  DecorationBinding = 33,
  DecorationDescriptorSet = 34,
  DecorationOffset = 35,
  BuiltInLocalInvocationIndex = 29,
  EncodingBFloat16KHR = 0,
  ScopeSubgroup = 3,
  UseA = 0,
  UseAccumulator = 2,
  LayoutRowMajor = 0,
};

/// Where things lie in the kernel's buffer of words: numbers for either use,
/// then what lanes hold of each.
struct Numbers {
  uint32_t rows, cols, lanes;
  bool isBFloat; // left factors, else f16
  uint32_t count() const { return rows * cols; }
  uint32_t length() const { return count() / lanes; }
  uint32_t halves() const { return count(); }
  uint32_t held() const { return halves() + count() / 2; }
  uint32_t words() const { return held() + 2 * count(); }
};

std::string makeModule(const Numbers &plan) {
  Module m;
  for (uint32_t capability :
       {uint32_t(CapabilityShader), uint32_t(CapabilityFloat16),
        uint32_t(CapabilityVulkanMemoryModel),
        uint32_t(CapabilityCooperativeMatrixKHR)})
    m.add(OpCapability, {capability});
  if (plan.isBFloat) {
    m.add(OpCapability, {CapabilityBFloat16TypeKHR});
    m.add(OpCapability, {CapabilityBFloat16CooperativeMatrixKHR});
    m.addNamed(OpExtension, {}, "SPV_KHR_bfloat16");
  }
  m.addNamed(OpExtension, {}, "SPV_KHR_cooperative_matrix");
  m.add(OpMemoryModel, {ModelLogical, ModelVulkan});
  uint32_t kernel = m.newId(), buffer = m.newId(), lane = m.newId(),
           array = m.newId(), block = m.newId();
  m.addNamed(OpEntryPoint, {ExecutionGLCompute, kernel}, kernelName,
             {buffer, lane});
  m.add(OpExecutionMode, {kernel, ModeLocalSize, plan.lanes, 1, 1});
  m.add(OpDecorate, {array, DecorationArrayStride, sizeof(uint32_t)});
  m.add(OpDecorate, {block, DecorationBlock});
  m.add(OpMemberDecorate, {block, 0, DecorationOffset, 0});
  m.add(OpDecorate, {buffer, DecorationDescriptorSet, 0});
  m.add(OpDecorate, {buffer, DecorationBinding, 0});
  m.add(OpDecorate, {lane, DecorationBuiltIn, BuiltInLocalInvocationIndex});

  uint32_t none = m.makeType(OpTypeVoid, {});
  uint32_t word = m.makeType(OpTypeInt, {32, 0});
  uint32_t single = m.makeType(OpTypeFloat, {32});
  uint32_t half = plan.isBFloat
                      ? m.makeType(OpTypeFloat, {16, EncodingBFloat16KHR})
                      : m.makeType(OpTypeFloat, {16});
  m.add(OpTypeRuntimeArray, {array, word});
  m.add(OpTypeStruct, {block, array});
  uint32_t toBlock = m.makeType(OpTypePointer, {StorageBuffer, block});
  uint32_t toWord = m.makeType(OpTypePointer, {StorageBuffer, word});
  uint32_t toInput = m.makeType(OpTypePointer, {StorageInput, word});
  uint32_t function = m.makeType(OpTypeFunction, {none});
  auto number = [&](uint32_t value) {
    return m.make(OpConstant, word, {value});
  };
  uint32_t scope = number(ScopeSubgroup), rows = number(plan.rows),
           cols = number(plan.cols), zero = number(0),
           halfPitch = number(plan.cols / 2), length = number(plan.length()),
           rowMajor = number(LayoutRowMajor);
  uint32_t useSums = number(UseAccumulator), useLeft = number(UseA);
  uint32_t sums = m.makeType(OpTypeCooperativeMatrixKHR,
                             {single, scope, rows, cols, useSums});
  uint32_t left = m.makeType(OpTypeCooperativeMatrixKHR,
                             {half, scope, rows, cols, useLeft});
  std::vector<uint32_t> places;
  for (uint32_t k = 0; k < plan.length(); ++k) {
    places.push_back(number(plan.held() + k));
    places.push_back(number(plan.held() + plan.count() + k));
  }
  uint32_t halves = number(plan.halves());
  m.add(OpVariable, {toBlock, buffer, StorageBuffer});
  m.add(OpVariable, {toInput, lane, StorageInput});

  m.add(OpFunction, {none, kernel, 0, function});
  m.makeType(OpLabel, {});
  uint32_t self = m.make(OpLoad, word, {lane});
  uint32_t first = m.make(OpIMul, word, {self, length});
  auto load = [&](uint32_t type, uint32_t at, uint32_t pitch) {
    uint32_t from = m.make(OpAccessChain, toWord, {buffer, zero, at});
    return m.make(OpCooperativeMatrixLoadKHR, type, {from, rowMajor, pitch});
  };
  uint32_t inSums = load(sums, zero, cols),
           inLeft = load(left, halves, halfPitch);
  auto write = [&](uint32_t value, uint32_t place) {
    uint32_t at = m.make(OpIAdd, word, {first, place});
    uint32_t to = m.make(OpAccessChain, toWord, {buffer, zero, at});
    m.add(OpStore, {to, m.make(OpBitcast, word, {value})});
  };
  for (uint32_t k = 0; k < plan.length(); ++k) {
    write(m.make(OpCompositeExtract, single, {inSums, k}), places[2 * k]);
    uint32_t element = m.make(OpCompositeExtract, half, {inLeft, k});
    write(m.make(OpFConvert, single, {element}), places[2 * k + 1]);
  }
  m.add(OpReturn, {});
  m.add(OpFunctionEnd, {});
  return m.finish();
}

/// A number below 2048, which f16 has exactly.
uint16_t toHalf(uint32_t number) {
  constexpr uint32_t bias = 15, fractionBits = 10;
  if (number == 0)
    return 0;
  uint32_t exponent = 0;
  while (number >> (exponent + 1))
    ++exponent;
  uint32_t fraction =
      (number << (fractionBits - exponent)) ^ (1u << fractionBits);
  return uint16_t((exponent + bias) << fractionBits | fraction);
}

/// A number up to 256, which bf16 has exactly.
uint16_t toBFloat(uint32_t number) {
  auto single = float(number);
  uint32_t bits;
  std::memcpy(&bits, &single, sizeof bits);
  return uint16_t(bits >> 16);
}

/// 0, 1, 2, ... as f32, then as what left factors are of.
std::vector<uint32_t> makeNumbers(const Numbers &plan) {
  std::vector<uint32_t> words(plan.words(), UINT32_MAX);
  std::vector<uint16_t> halves;
  for (uint32_t number = 0; number < plan.count(); ++number) {
    auto single = float(number);
    std::memcpy(&words[number], &single, sizeof single);
    halves.push_back(plan.isBFloat ? toBFloat(number) : toHalf(number));
  }
  std::memcpy(&words[plan.halves()], halves.data(),
              halves.size() * sizeof(uint16_t));
  return words;
}

/// Runs the kernel on the numbers.
void run(Device &device, Memory &memory, const Numbers &plan,
         std::vector<uint32_t> &words) {
  size_t bytes = words.size() * sizeof(uint32_t);
  ArtifactWriter writer("{}");
  std::string error;
  writer.addCode(kernelName, makeModule(plan), error);
  std::string container = writer.toBytes();
  ArtifactView artifact;
  ArtifactView::open(container, artifact, error);

  Description description;
  description.features = {"subgroup-size:" + std::to_string(plan.lanes),
                          "computeFullSubgroups"};
  Argument buffer;
  buffer.dtype = ATTN_DTYPE_I32;
  description.arguments.push_back(buffer);
  LaunchDescription launch;
  launch.kernel = kernelName;
  launch.code = std::string("code/") + kernelName;
  launch.block[0] = plan.lanes;
  launch.arguments.emplace_back();
  description.launches.push_back(launch);

  char *data = memory.allocate(bytes, HostAccess::None);
  auto release = [&](char *address) { memory.release(address); };
  std::unique_ptr<char, decltype(release)> guard(data, release);
  memory.copyIn(data, words.data(), bytes);
  Code code(device, memory, description, /*owner=*/nullptr);
  code.load(artifact);
  Step step{};
  step.grid = {1, 1, 1};
  step.slots = {reinterpret_cast<uintptr_t>(data)};
  step.extents = {{data, bytes}};
  attn::runtime::Plan steps;
  steps.steps.push_back(step);
  code.prepare(std::move(steps))->run(/*stream=*/nullptr);
  device.wait();
  memory.copyOut(words.data(), data, bytes);
}

} // namespace

bool areElementsAlike(Device &device, Memory &memory, const std::string &shape,
                      uint32_t lanes) {
  uint32_t rows = 0, cols = 0, depth = 0;
  int end = 0;
  if (std::sscanf(shape.c_str(), "%ux%ux%u%n", &rows, &cols, &depth, &end) != 3)
    return false;
  std::string types = shape.substr(size_t(end));
  bool isBFloat = types == ":bf16:f32";
  // That the type tells apart.
  const uint32_t mostNumbers = isBFloat ? 256 : 2048;
  if (!(isBFloat || types == ":f16:f32") || cols != depth || !lanes ||
      rows > mostNumbers || cols > mostNumbers || rows * cols > mostNumbers ||
      rows * cols % lanes || cols % 2)
    return false;
  Numbers plan{rows, cols, lanes, isBFloat};
  std::vector<uint32_t> words = makeNumbers(plan);
  try {
    run(device, memory, plan, words);
  } catch (const Failure &) {
    // Other code runs where this does not.
    return false;
  }
  auto sums = words.begin() + plan.held();
  return std::equal(sums, sums + plan.count(), sums + plan.count()) &&
         std::is_permutation(sums, sums + plan.count(), words.begin());
}

} // namespace attn::runtime::vulkan
