// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The CUDA backend: code sections are cubins or PTX for one chip, launched on
// the caller's stream in the device's primary context, the one that PyTorch and
// the CUDA runtime use. A launch only enqueues, so it can be captured in a
// graph; it returns before the kernels have run.
#include "Backend.h"
#include "Driver.h"
#include "Failure.h"
#include "HostCopies.h"

#include <algorithm>
#include <array>
#include <climits>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace attn::runtime {
namespace {

using cuda::Driver;

// Attributes of cuda.h.
constexpr int attributeMultiprocessors = 16;
constexpr int attributeMajor = 75;
constexpr int attributeMinor = 76;
constexpr int attributeMostShared = 97; // of a block that asks for it
constexpr int attributePageableAccess = 88;
constexpr int pointerMemoryType = 2;
constexpr int functionMaxDynamicShared = 8;

class CudaBackend : public Backend,
                    public std::enable_shared_from_this<CudaBackend> {
public:
  explicit CudaBackend(int32_t ordinal);
  ~CudaBackend() override { driver.primaryContextRelease(device_); }

  const char *name() const override { return cudaBackend.name; }
  const std::string &device() const override { return deviceName; }
  const std::string &features() const override { return chip; }
  int32_t threads() const override { return 0; }
  int64_t multiprocessors() const override { return numMultiprocessors; }
  std::string objection(const Description &description) const override;
  int64_t rank(const Description &description) const override;
  std::unique_ptr<LoadedCode> load(const Description &description,
                                   const ArtifactView &artifact) override;
  bool reaches(const void *memory) const override;
  void *allocate(size_t bytes, size_t alignment) override;
  void release(void *memory) override;
  void copyIn(void *target, const void *source, size_t bytes,
              void *stream) override;
  void copyOut(void *target, const void *source, size_t bytes,
               void *stream) override;
  void synchronize(void *stream) override;
  /// copyOut where the context is current.
  void copyToHost(void *target, const void *source, size_t bytes,
                  cuda::Stream stream) const;

  const Driver &driver;
  int major = 0, minor = 0;
  /// Bytes of dynamic shared memory that a block may have.
  int64_t mostShared = 0;
  cuda::Context context = nullptr;

private:
  int attribute(int number) const;

  cuda::Device device_ = 0;
  std::string deviceName, chip;
  int64_t numMultiprocessors = 0;
  /// Memory of the host that nobody registered is reached, too.
  bool reachesHost = false;
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
  mostShared = attribute(attributeMostShared);
  reachesHost = attribute(attributePageableAccess);
  driver.check(driver.primaryContextRetain(&context, device_),
               "cuDevicePrimaryCtxRetain");
}

/// "sm_90a" runs on 9.0 only, "sm_80" on 8.0 and, if the section is PTX, on
/// what came after it; the driver has the last word there.
std::string CudaBackend::objection(const Description &description) const {
  const std::string &wanted = description.chip;
  if (wanted.compare(0, 3, "sm_") != 0)
    return "";
  int present = major * 10 + minor, number = std::atoi(wanted.c_str() + 3);
  if (wanted.back() == 'a' ? present == number : present >= number)
    return "";
  return "the device (" + deviceName + ") is sm_" + std::to_string(present);
}

/// The latest of those that run; code for one chip alone before code for it and
/// later ones.
int64_t CudaBackend::rank(const Description &description) const {
  const std::string &chip = description.chip;
  if (chip.compare(0, 3, "sm_") != 0)
    return 0;
  return 2 * std::atoi(chip.c_str() + 3) + (chip.back() == 'a');
}

int CudaBackend::attribute(int number) const {
  int value = 0;
  driver.check(driver.deviceGetAttribute(&value, number, device_),
               "cuDeviceGetAttribute");
  return value;
}

bool CudaBackend::reaches(const void *memory) const {
  if (reachesHost)
    return true;
  Current current(*this);
  unsigned type = 0;
  // An error: the driver does not know the address.
  return driver.pointerGetAttribute(&type, pointerMemoryType,
                                    reinterpret_cast<cuda::Pointer>(memory)) ==
         0;
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

void CudaBackend::copyIn(void *target, const void *source, size_t bytes,
                         void *stream) {
  Current current(*this);
  auto queue = static_cast<cuda::Stream>(stream);
  driver.check(driver.copyToDeviceAsync(reinterpret_cast<cuda::Pointer>(target),
                                        source, bytes, queue),
               "cannot copy to the device");
  driver.check(driver.streamSynchronize(queue), "cuStreamSynchronize");
}

void CudaBackend::copyOut(void *target, const void *source, size_t bytes,
                          void *stream) {
  Current current(*this);
  copyToHost(target, source, bytes, static_cast<cuda::Stream>(stream));
}

void CudaBackend::copyToHost(void *target, const void *source, size_t bytes,
                             cuda::Stream stream) const {
  driver.check(driver.copyToHostAsync(target,
                                      reinterpret_cast<cuda::Pointer>(source),
                                      bytes, stream),
               "cannot copy to the host");
  driver.check(driver.streamSynchronize(stream), "cuStreamSynchronize");
}

void CudaBackend::synchronize(void *stream) {
  Current current(*this);
  driver.check(driver.streamSynchronize(static_cast<cuda::Stream>(stream)),
               "cuStreamSynchronize");
}

bool isCapturing(cuda::Stream stream, const Driver &driver) {
  int status = 0;
  driver.check(driver.streamIsCapturing(stream, &status),
               "cuStreamIsCapturing");
  return status != 0;
}

//===----------------------------------------------------------------------===//
// Programs
//===----------------------------------------------------------------------===//

/// One kernel of a launch, with its tensor maps encoded.
class KernelLaunch {
public:
  KernelLaunch(const Step &step, const LaunchDescription &launch,
               cuda::Function function, const Driver &driver);
  KernelLaunch(const KernelLaunch &) = delete;
  KernelLaunch(KernelLaunch &&) = default;
  void enqueue(cuda::Stream stream, const Driver &driver);

private:
  const LaunchDescription &description;
  cuda::Function function;
  std::array<unsigned, 3> grid, block;
  unsigned sharedBytes;
  std::vector<uint64_t> words;
  std::vector<cuda::TensorMapObject> maps;
  std::vector<void *> parameters; // into words and maps
};

class CudaCode : public LoadedCode {
public:
  CudaCode(std::shared_ptr<CudaBackend> backend, const Description &description)
      : backend(std::move(backend)), driver(this->backend->driver),
        description(description) {}
  ~CudaCode() override;
  /// What may fail. Not a part of the constructor, so that the destructor frees
  /// what there is by then.
  void load(const ArtifactView &artifact);
  std::unique_ptr<PreparedLaunch> prepare(Plan plan) override;
  char *keptMemory(void *stream) override;
  void *emptyTensor() override { return zeros; }

private:
  void loadModules(const ArtifactView &artifact);
  void allocateZeros();
  void allowShared(const Step &step);

  std::shared_ptr<CudaBackend> backend;
  const Driver &driver;
  const Description &description;
  std::map<std::string, cuda::Module> modules;
  std::vector<cuda::Function> functions; // one a launch

  std::mutex mutex;
  std::map<cuda::Function, int64_t> sharedBytes; // allowed so far
  // Blocks of zeros, one a stream in the order in which streams are seen.
  static constexpr size_t keptStreams = 64, keptAlign = 256;
  std::unordered_map<unsigned long long, size_t> streams;
  /// Those of an empty tensor, then what is kept.
  char *zeros = nullptr;
  size_t keptStride = 0;
};

class CudaLaunch : public PreparedLaunch {
public:
  CudaLaunch(const CudaBackend &backend, Plan plan)
      : backend(backend), plan(std::move(plan)) {}
  void run(void *stream) override;

  std::vector<KernelLaunch> kernels;

private:
  void checkCopies(cuda::Stream stream) const;

  const CudaBackend &backend;
  const Plan plan;
};

void CudaCode::load(const ArtifactView &artifact) {
  Current current(*backend);
  loadModules(artifact);
  allocateZeros();
}

/// All there will ever be: allocating at a launch could disturb a capture that
/// another thread makes.
void CudaCode::allocateZeros() {
  keptStride = (description.keptBytes + keptAlign - 1) / keptAlign * keptAlign;
  size_t bytes = keptAlign + keptStride * keptStreams;
  cuda::Pointer pointer = 0;
  driver.check(driver.memoryAllocate(&pointer, bytes), "cuMemAlloc");
  zeros = reinterpret_cast<char *>(pointer);
  driver.check(driver.memorySetAsync(pointer, 0, bytes, nullptr),
               "cuMemsetD8Async");
  driver.check(driver.streamSynchronize(nullptr), "cuStreamSynchronize");
}

void CudaCode::loadModules(const ArtifactView &artifact) {
  for (size_t i = 0; i < description.launches.size(); ++i) {
    const LaunchDescription &launch = description.launches[i];
    if (launch.code.empty()) {
      functions.push_back(nullptr);
      continue;
    }
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
  if (zeros)
    driver.memoryFree(reinterpret_cast<cuda::Pointer>(zeros));
  driver.contextPop(&ignored);
}

/// A stream is known by its id: handles are used again, and that of the
/// default stream of a thread means another one in each. What a graph captures
/// may run on any stream, side by side with others.
char *CudaCode::keptMemory(void *stream) {
  if (!keptStride)
    return nullptr;
  auto queue = static_cast<cuda::Stream>(stream);
  Current current(*backend);
  unsigned long long id = 0;
  if (isCapturing(queue, driver) || driver.streamGetId(queue, &id) != 0)
    return nullptr;
  std::lock_guard<std::mutex> lock(mutex);
  auto slot = streams.find(id);
  if (slot == streams.end()) {
    if (streams.size() == keptStreams)
      return nullptr;
    slot = streams.emplace(id, streams.size()).first;
  }
  return zeros + keptAlign + slot->second * keptStride;
}

/// Kernels may need more shared memory than what they get unasked. The limit
/// of a function only rises: launches that need less may be prepared later.
void CudaCode::allowShared(const Step &step) {
  constexpr int64_t unasked = 48 << 10;
  cuda::Function function = functions[step.index];
  std::string needs = "the kernel '" + description.launches[step.index].kernel +
                      "' needs " + std::to_string(step.sharedBytes) +
                      " bytes of shared memory";
  if (step.sharedBytes > backend->mostShared)
    fail(ATTN_ERROR_UNSUPPORTED_DEVICE,
         needs + "; a block on " + backend->device() + " has at most " +
             std::to_string(backend->mostShared));
  std::lock_guard<std::mutex> lock(mutex);
  int64_t &allowed = sharedBytes.try_emplace(function, unasked).first->second;
  if (step.sharedBytes <= allowed)
    return;
  driver.check(driver.functionSetAttribute(function, functionMaxDynamicShared,
                                           int(step.sharedBytes)),
               needs);
  allowed = step.sharedBytes;
}

std::unique_ptr<PreparedLaunch> CudaCode::prepare(Plan plan) {
  Current current(*backend);
  std::vector<KernelLaunch> kernels;
  for (const Step &step : plan.steps) {
    allowShared(step);
    kernels.emplace_back(step, description.launches[step.index],
                         functions[step.index], driver);
  }
  auto launch = std::make_unique<CudaLaunch>(*backend, std::move(plan));
  launch->kernels = std::move(kernels);
  return launch;
}

//===----------------------------------------------------------------------===//
// Launches
//===----------------------------------------------------------------------===//

/// Copies go through the host, which can address single elements and check
/// every value.
void CudaLaunch::checkCopies(cuda::Stream stream) const {
  if (!plan.copies.empty() && isCapturing(stream, backend.driver))
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         plan.copies[0].name +
             " is copied, which waits for the stream and cannot be captured in "
             "a graph; " +
             (plan.copies[0].dtype != plan.copies[0].tensor->dtype
                  ? "compile for the 32-bit type"
                  : "bind the strides and the alignment that the code needs"));
}

void CudaLaunch::run(void *stream) {
  const Driver &driver = backend.driver;
  Current current(backend);
  auto queue = static_cast<cuda::Stream>(stream);
  checkCopies(queue);
  // The driver has read pageable memory when a copy to the device returns.
  HostCopies copies(
      plan.copies,
      [&](void *target, const void *source, size_t bytes) {
        backend.copyToHost(target, source, bytes, queue);
      },
      [&](void *target, const void *source, size_t bytes) {
        driver.check(
            driver.copyToDeviceAsync(reinterpret_cast<cuda::Pointer>(target),
                                     source, bytes, queue),
            "cuMemcpyHtoDAsync");
      });
  copies.gather();
  for (const Fill &fill : plan.fills)
    driver.check(
        driver.memorySetAsync(reinterpret_cast<cuda::Pointer>(fill.data), 0,
                              fill.bytes, queue),
        "cuMemsetD8Async");
  for (KernelLaunch &kernel : kernels)
    kernel.enqueue(queue, driver);
  copies.scatter();
}

/// Fails unless TMA can step along the dimensions of `map`.
void checkTensorMap(const TensorMap &map, const std::string &kernel) {
  // Drivers would only say that a value is invalid.
  constexpr int64_t unit = TensorMapRecipe::unit;
  auto reject = [&](const std::string &need) {
    std::string text;
    for (size_t i = 0; i < map.sizes.size(); ++i)
      text += (i ? ", " : "") + std::to_string(map.sizes[i]);
    text += "], byte strides [";
    for (size_t i = 0; i < map.strides.size(); ++i)
      text += (i ? ", " : "") + std::to_string(map.strides[i]);
    fail(ATTN_ERROR_INVALID_ARGUMENT, "the kernel '" + kernel +
                                          "' loads tiles by TMA, which needs " +
                                          need + ": sizes [" + text + "]");
  };
  for (size_t i = 0; i < map.strides.size(); ++i) {
    if (map.sizes[i + 1] <= 1)
      continue;
    if (map.strides[i] % unit != 0)
      reject("strides in multiples of 16 bytes");
    if (map.strides[i] < 0 || map.strides[i] >= TensorMapRecipe::strideLimit)
      reject("strides of 0 to 2^40 bytes");
  }
  if (reinterpret_cast<uintptr_t>(map.data) % unit != 0)
    reject("pointers aligned to 16 bytes");
}

cuda::TensorMapObject encode(const Driver &driver, TensorMap map,
                             const std::string &kernel) {
  // Enumerators of cuda.h.
  constexpr int halfFloat = 6, bfloat = 9;
  constexpr int noInterleave = 0, swizzle128 = 3, promote256 = 3, fillZero = 0;
  // Of an empty tensor nothing is ever loaded, whatever its map says; but there
  // are no maps of size 0 or of nothing.
  constexpr uintptr_t nowhere = 4096;
  if (std::count(map.sizes.begin(), map.sizes.end(), 0)) {
    map.data = reinterpret_cast<void *>(nowhere);
    std::fill(map.sizes.begin(), map.sizes.end(), 1);
  }
  checkTensorMap(map, kernel);
  cuda::TensorMapObject object;
  std::vector<uint64_t> sizes(map.sizes.begin(), map.sizes.end());
  std::vector<uint64_t> strides(map.strides.begin(), map.strides.end());
  std::vector<uint32_t> box(map.box.begin(), map.box.end());
  std::vector<uint32_t> steps(box.size(), 1);
  // A dimension of size 1 is never stepped along; its stride may be anything.
  for (size_t i = 0; i < strides.size(); ++i)
    if (sizes[i + 1] == 1)
      strides[i] = 16;
  driver.check(driver.tensorMapEncodeTiled(
                   &object, map.dtype == ATTN_DTYPE_BF16 ? bfloat : halfFloat,
                   uint32_t(sizes.size()), map.data, sizes.data(),
                   strides.data(), box.data(), steps.data(), noInterleave,
                   swizzle128, promote256, fillZero),
               "cuTensorMapEncodeTiled for the kernel '" + kernel + "'");
  return object;
}

KernelLaunch::KernelLaunch(const Step &step, const LaunchDescription &launch,
                           cuda::Function function, const Driver &driver)
    : description(launch), function(function),
      sharedBytes(unsigned(step.sharedBytes)), words(step.slots) {
  constexpr int64_t maxGridX = INT_MAX, maxGridYZ = 65535;
  if (step.grid[0] > maxGridX || step.grid[1] > maxGridYZ ||
      step.grid[2] > maxGridYZ)
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         "the grid of the kernel '" + launch.kernel + "' would have " +
             std::to_string(step.grid[0]) + " x " +
             std::to_string(step.grid[1]) + " x " +
             std::to_string(step.grid[2]) + " blocks; CUDA takes " +
             std::to_string(maxGridX) + " x 65535 x 65535");
  for (size_t axis = 0; axis < 3; ++axis) {
    grid[axis] = unsigned(step.grid[axis]);
    block[axis] = unsigned(launch.block[axis]);
  }
  for (const TensorMap &map : step.tensorMaps)
    maps.push_back(encode(driver, map, launch.kernel));
  for (size_t i = 0; i < words.size(); ++i)
    parameters.push_back(launch.arguments[i].kind == LaunchArgument::TensorMap
                             ? static_cast<void *>(&maps[words[i]])
                             : static_cast<void *>(&words[i]));
}

void KernelLaunch::enqueue(cuda::Stream stream, const Driver &driver) {
  driver.check(driver.launch(function, grid[0], grid[1], grid[2], block[0],
                             block[1], block[2], sharedBytes, stream,
                             parameters.data(), nullptr),
               "cannot launch the kernel '" + description.kernel + "'");
}

std::unique_ptr<LoadedCode> CudaBackend::load(const Description &description,
                                              const ArtifactView &artifact) {
  auto code = std::make_unique<CudaCode>(shared_from_this(), description);
  code->load(artifact);
  return code;
}

} // namespace

const BackendKind cudaBackend{
    "cuda",
    [](const attn_context_options &options) -> std::shared_ptr<Backend> {
      return std::make_shared<CudaBackend>(options.device);
    },
    /*isHost=*/false, /*hasNamedDevices=*/false,
    BackendKind::Automatic::Always};

} // namespace attn::runtime
