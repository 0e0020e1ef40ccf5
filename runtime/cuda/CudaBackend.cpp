// The CUDA backend: code sections are cubins or PTX for one chip, launched on
// the caller's stream in the device's primary context, the one that PyTorch and
// the CUDA runtime use. A launch only enqueues, so it can be captured in a
// graph; it returns before the kernels have run.
#include "Backend.h"
#include "Driver.h"
#include "Dtype.h"
#include "Failure.h"

#include <array>
#include <climits>
#include <map>
#include <memory>

namespace attn::runtime {
namespace {

using cuda::Driver;

// Attributes of cuda.h.
constexpr int attributeMultiprocessors = 16;
constexpr int attributeMajor = 75;
constexpr int attributeMinor = 76;
constexpr int functionMaxDynamicShared = 8;

class CudaBackend : public Backend,
                    public std::enable_shared_from_this<CudaBackend> {
public:
  explicit CudaBackend(int32_t ordinal);
  ~CudaBackend() override { driver.primaryContextRelease(device_); }

  const char *name() const override { return "cuda"; }
  const std::string &device() const override { return deviceName; }
  const std::string &features() const override { return chip; }
  int32_t threads() const override { return 0; }
  int64_t multiprocessors() const override { return numMultiprocessors; }
  std::unique_ptr<LoadedCode> load(const Description &description,
                                   const ArtifactView &artifact) override;
  void *allocate(size_t bytes, size_t alignment) override;
  void release(void *memory) override;

  const Driver &driver;
  int major = 0, minor = 0;
  cuda::Context context = nullptr;

private:
  int attribute(int number) const;

  cuda::Device device_ = 0;
  std::string deviceName, chip;
  int64_t numMultiprocessors = 0;
};

/// Makes the context current for a scope.
class Current {
public:
  explicit Current(const CudaBackend &backend) : driver(backend.driver) {
    driver.check(driver.contextPush(backend.context), "cuCtxPushCurrent");
  }
  ~Current() {
    cuda::Context context;
    driver.contextPop(&context);
  }

private:
  const Driver &driver;
};

CudaBackend::CudaBackend(int32_t ordinal) : driver(Driver::get()) {
  int count = 0;
  driver.check(driver.deviceGetCount(&count), "cuDeviceGetCount");
  if (ordinal < 0 || ordinal >= count)
    fail(ATTN_ERROR_NOT_FOUND, "there is no CUDA device " +
                                   std::to_string(ordinal) + "; there are " +
                                   std::to_string(count));
  driver.check(driver.deviceGet(&device_, ordinal), "cuDeviceGet");
  std::array<char, 256> text{};
  driver.check(driver.deviceGetName(text.data(), int(text.size()), device_),
               "cuDeviceGetName");
  deviceName = text.data();
  major = attribute(attributeMajor);
  minor = attribute(attributeMinor);
  chip = "sm_" + std::to_string(major * 10 + minor);
  numMultiprocessors = attribute(attributeMultiprocessors);
  driver.check(driver.primaryContextRetain(&context, device_),
               "cuDevicePrimaryCtxRetain");
}

int CudaBackend::attribute(int number) const {
  int value = 0;
  driver.check(driver.deviceGetAttribute(&value, number, device_),
               "cuDeviceGetAttribute");
  return value;
}

void *CudaBackend::allocate(size_t bytes, size_t alignment) {
  // The driver aligns to 512 bytes and more.
  if (alignment > 512)
    return nullptr;
  Current current(*this);
  cuda::Pointer pointer = 0;
  if (driver.memoryAllocate(&pointer, bytes) != 0)
    return nullptr;
  return reinterpret_cast<void *>(pointer);
}

void CudaBackend::release(void *memory) {
  // Waits for what is still running.
  cuda::Context ignored;
  if (!memory || driver.contextPush(context) != 0)
    return;
  driver.memoryFree(reinterpret_cast<cuda::Pointer>(memory));
  driver.contextPop(&ignored);
}

//===----------------------------------------------------------------------===//
// Programs
//===----------------------------------------------------------------------===//

class CudaCode : public LoadedCode {
public:
  CudaCode(std::shared_ptr<CudaBackend> backend, const Description &description,
           const ArtifactView &artifact);
  ~CudaCode() override;
  void execute(const Plan &plan, void *stream) override;

private:
  void checkChip() const;
  void run(const Step &step, cuda::Stream stream);

  std::shared_ptr<CudaBackend> backend;
  const Driver &driver;
  const Description &description;
  std::map<std::string, cuda::Module> modules;
  std::vector<cuda::Function> functions; // one a launch
};

/// "sm_90a" runs on 9.0 only, "sm_80" on 8.0 and, if the section is PTX, on
/// what came after it; the driver has the last word there.
void CudaCode::checkChip() const {
  const std::string &chip = description.chip;
  if (chip.compare(0, 3, "sm_") != 0)
    return;
  int wanted = std::atoi(chip.c_str() + 3);
  int present = backend->major * 10 + backend->minor;
  bool exact = chip.back() == 'a';
  if (exact ? present == wanted : present >= wanted)
    return;
  fail(ATTN_ERROR_UNSUPPORTED_DEVICE, "the artifact was compiled for " + chip +
                                          "; the device (" + backend->device() +
                                          ") is sm_" + std::to_string(present));
}

CudaCode::CudaCode(std::shared_ptr<CudaBackend> owner,
                   const Description &description, const ArtifactView &artifact)
    : backend(std::move(owner)), driver(backend->driver),
      description(description) {
  checkChip();
  Current current(*backend);
  for (size_t i = 0; i < description.launches.size(); ++i) {
    const LaunchDescription &launch = description.launches[i];
    cuda::Module &module = modules[launch.code];
    if (!module) {
      // PTX must end in a zero byte, which sections do not promise.
      std::string image(artifact.find(launch.code)->bytes);
      driver.check(driver.moduleLoad(&module, image.c_str()),
                   "cannot load the section '" + launch.code + "'");
    }
    cuda::Function function = nullptr;
    if (driver.moduleGetFunction(&function, module, launch.kernel.c_str()) != 0)
      fail(ATTN_ERROR_MALFORMED_ARTIFACT,
           "malformed artifact: $.launches[" + std::to_string(i) +
               "].kernel: the section '" + launch.code + "' defines no '" +
               launch.kernel + "'");
    functions.push_back(function);
  }
}

CudaCode::~CudaCode() {
  cuda::Context ignored;
  if (driver.contextPush(backend->context) != 0)
    return;
  for (auto &[name, module] : modules)
    if (module)
      driver.moduleUnload(module);
  driver.contextPop(&ignored);
}

void CudaCode::execute(const Plan &plan, void *stream) {
  if (!plan.narrowings.empty())
    fail(ATTN_ERROR_UNSUPPORTED_DEVICE,
         "argument " + std::to_string(plan.narrowings[0].index) + " '" +
             plan.narrowings[0].argument->name +
             "' would have to be narrowed, which the cuda backend cannot; pass "
             "the 32-bit type");
  Current current(*backend);
  auto queue = static_cast<cuda::Stream>(stream);
  for (const Fill &fill : plan.fills)
    driver.check(
        driver.memorySetAsync(reinterpret_cast<cuda::Pointer>(fill.data), 0,
                              fill.bytes, queue),
        "cuMemsetD8Async");
  for (const Step &step : plan.steps)
    run(step, queue);
}

cuda::TensorMapObject encode(const Driver &driver, const TensorMap &map,
                             const std::string &kernel) {
  // Enumerators of cuda.h.
  constexpr int halfFloat = 6, bfloat = 9;
  constexpr int noInterleave = 0, swizzle128 = 3, promote256 = 3, fillZero = 0;
  cuda::TensorMapObject object;
  std::vector<uint64_t> sizes(map.sizes.begin(), map.sizes.end());
  std::vector<uint64_t> strides(map.strides.begin(), map.strides.end());
  std::vector<uint32_t> box(map.box.begin(), map.box.end());
  std::vector<uint32_t> steps(box.size(), 1);
  // A dimension of size 1 is never stepped along; its stride may be anything.
  for (size_t i = 0; i < strides.size(); ++i)
    if (sizes[i + 1] == 1)
      strides[i] = 16;
  std::string text;
  for (size_t i = 0; i < sizes.size(); ++i)
    text += (i ? ", " : "") + std::to_string(sizes[i]);
  text += "], byte strides [";
  for (size_t i = 0; i < strides.size(); ++i) {
    text += (i ? ", " : "") + std::to_string(strides[i]);
    if (strides[i] % 16 != 0)
      fail(ATTN_ERROR_INVALID_ARGUMENT,
           "the kernel '" + kernel +
               "' loads tiles by TMA, which needs strides in multiples of 16 "
               "bytes: sizes [" +
               text + "]");
  }
  if (reinterpret_cast<uintptr_t>(map.data) % 16 != 0)
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         "the kernel '" + kernel +
             "' loads tiles by TMA, which needs pointers aligned to 16 bytes");
  driver.check(driver.tensorMapEncodeTiled(
                   &object, map.dtype == ATTN_DTYPE_BF16 ? bfloat : halfFloat,
                   uint32_t(sizes.size()), map.data, sizes.data(),
                   strides.data(), box.data(), steps.data(), noInterleave,
                   swizzle128, promote256, fillZero),
               "cuTensorMapEncodeTiled for the kernel '" + kernel +
                   "', sizes [" + text + "]");
  return object;
}

void CudaCode::run(const Step &step, cuda::Stream stream) {
  const LaunchDescription &launch = description.launches[step.index];
  constexpr int64_t maxGridX = INT_MAX, maxGridYZ = 65535;
  if (step.grid[0] > maxGridX || step.grid[1] > maxGridYZ ||
      step.grid[2] > maxGridYZ)
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         "the grid of the kernel '" + launch.kernel + "' would have " +
             std::to_string(step.grid[0]) + " x " +
             std::to_string(step.grid[1]) + " x " +
             std::to_string(step.grid[2]) + " blocks; CUDA takes " +
             std::to_string(maxGridX) + " x 65535 x 65535");
  std::vector<cuda::TensorMapObject> maps;
  maps.reserve(step.tensorMaps.size());
  for (const TensorMap &map : step.tensorMaps)
    maps.push_back(encode(driver, map, launch.kernel));
  std::vector<uint64_t> slots = step.slots;
  std::vector<void *> parameters;
  for (size_t i = 0; i < slots.size(); ++i)
    parameters.push_back(launch.arguments[i].kind == LaunchArgument::TensorMap
                             ? static_cast<void *>(&maps[slots[i]])
                             : static_cast<void *>(&slots[i]));
  cuda::Function function = functions[step.index];
  constexpr int64_t defaultShared = 48 << 10;
  if (step.sharedBytes > defaultShared)
    driver.check(driver.functionSetAttribute(function, functionMaxDynamicShared,
                                             int(step.sharedBytes)),
                 "the kernel '" + launch.kernel + "' needs " +
                     std::to_string(step.sharedBytes) +
                     " bytes of shared memory");
  driver.check(
      driver.launch(function, unsigned(step.grid[0]), unsigned(step.grid[1]),
                    unsigned(step.grid[2]), unsigned(launch.block[0]),
                    unsigned(launch.block[1]), unsigned(launch.block[2]),
                    unsigned(step.sharedBytes), stream, parameters.data(),
                    nullptr),
      "cannot launch the kernel '" + launch.kernel + "'");
}

std::unique_ptr<LoadedCode> CudaBackend::load(const Description &description,
                                              const ArtifactView &artifact) {
  return std::make_unique<CudaCode>(shared_from_this(), description, artifact);
}

} // namespace

std::shared_ptr<Backend> createCudaBackend(int32_t device) {
  return std::make_shared<CudaBackend>(device);
}

} // namespace attn::runtime
