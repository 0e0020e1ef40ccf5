// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The CPU backend: code sections are ELF shared objects, loaded from memory;
// grids run on a pool of threads. The kernel ABI is in docs/artifact.md.
#include "Backend.h"
#include "DenseCopy.h"
#include "Dtype.h"
#include "Executor.h"
#include "Failure.h"
#include "HostFeatures.h"
#include "ThreadPool.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <map>
#include <mutex>
#include <optional>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>

namespace attn::runtime {
namespace {

using Kernel = void (*)(const uint64_t *slots, int64_t x, int64_t y, int64_t z);

constexpr int32_t maxThreads = 4096;

#if defined(__x86_64__)
constexpr unsigned hostMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr unsigned hostMachine = EM_AARCH64;
#else
constexpr unsigned hostMachine = EM_NONE;
#endif

//===----------------------------------------------------------------------===//
// Shared objects in memory
//===----------------------------------------------------------------------===//

/// An ELF shared object loaded from bytes. Its file descriptor stays open as
/// long as the object is loaded: dlopen knows libraries by path, and a path
/// /proc/self/fd/N that is used again would give back the old library.
class SharedObject {
public:
  SharedObject(std::string_view bytes, const std::string &name);
  ~SharedObject();
  SharedObject(const SharedObject &) = delete;
  SharedObject &operator=(const SharedObject &) = delete;

  void *find(const std::string &symbol) const {
    return dlsym(handle, symbol.c_str());
  }

private:
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd); }

  int fd = -1;
  void *handle = nullptr;
};

void checkElf(std::string_view bytes, const std::string &name) {
  Elf64_Ehdr header;
  if (bytes.size() < sizeof header ||
      std::memcmp(bytes.data(), ELFMAG, SELFMAG) != 0)
    fail(ATTN_ERROR_MALFORMED_ARTIFACT, "malformed artifact: the section '" +
                                            name +
                                            "' is not an ELF shared object");
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != hostMachine)
    fail(ATTN_ERROR_UNSUPPORTED_DEVICE,
         "the section '" + name + "' holds code for ELF machine " +
             std::to_string(header.e_machine) + "; this host is machine " +
             std::to_string(hostMachine));
}

/// The parts of the file that the loader maps are there: it trusts the headers,
/// and a read past the end of a mapped file is a SIGBUS.
void checkElfSegments(std::string_view bytes, const std::string &name) {
  auto truncated = [&] {
    fail(ATTN_ERROR_MALFORMED_ARTIFACT,
         "malformed artifact: the ELF shared object in the section '" + name +
             "' is truncated");
  };
  Elf64_Ehdr header;
  std::memcpy(&header, bytes.data(), sizeof header);
  auto fits = [&](uint64_t offset, uint64_t size) {
    return offset <= bytes.size() && size <= bytes.size() - offset;
  };
  if (header.e_phentsize != sizeof(Elf64_Phdr) ||
      !fits(header.e_phoff, uint64_t(header.e_phnum) * sizeof(Elf64_Phdr)))
    truncated();
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    std::memcpy(&segment, bytes.data() + header.e_phoff + i * sizeof segment,
                sizeof segment);
    if (!fits(segment.p_offset, segment.p_filesz))
      truncated();
  }
}

SharedObject::SharedObject(std::string_view bytes, const std::string &name) {
  checkElf(bytes, name);
  checkElfSegments(bytes, name);
  fd = memfd_create("attn-code", MFD_CLOEXEC);
  if (fd < 0)
    fail(ATTN_ERROR_DEVICE_ERROR,
         "cannot create a memory file for the section '" + name +
             "': " + std::strerror(errno));
  while (!bytes.empty()) {
    ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0) {
      int code = errno;
      ::close(fd);
      fail(ATTN_ERROR_OUT_OF_MEMORY,
           "cannot store the section '" + name + "': " + std::strerror(code));
    }
    bytes.remove_prefix(size_t(count));
  }
  handle = dlopen(path().c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char *reason = dlerror();
    std::string message = "malformed artifact: cannot load the section '" +
                          name + "': " + (reason ? reason : "no reason given");
    ::close(fd);
    fail(ATTN_ERROR_MALFORMED_ARTIFACT, std::move(message));
  }
}

SharedObject::~SharedObject() {
  dlclose(handle);
  // An object may refuse to go (-z nodelete, unique symbols); then its path
  // must stay taken.
  if (dlopen(path().c_str(), RTLD_LAZY | RTLD_NOLOAD) == nullptr)
    ::close(fd);
}

//===----------------------------------------------------------------------===//
// Backend
//===----------------------------------------------------------------------===//

class CpuBackend : public Backend {
public:
  explicit CpuBackend(int32_t threads) : CpuBackend() { pool.emplace(threads); }
  explicit CpuBackend(const attn_executor &given) : CpuBackend() {
    executor.emplace(given);
  }

  const char *name() const override { return cpuBackend.name; }
  const std::string &device() const override { return deviceName; }
  const std::string &features() const override { return featureList; }
  int32_t threads() const override {
    return executor ? executor->size() : pool->size();
  }
  int64_t multiprocessors() const override { return 0; }
  std::string objection(const Description &description) const override;
  int64_t rank(const Description &description) const override {
    return int64_t(description.features.size());
  }
  std::unique_ptr<LoadedCode> load(const Description &description,
                                   const ArtifactView &artifact) override;
  bool isProcessor() const override { return true; }
  void *allocate(size_t bytes, size_t alignment) override {
    void *memory = nullptr;
    return posix_memalign(&memory, std::max(alignment, sizeof(void *)),
                          bytes) == 0
               ? memory
               : nullptr;
  }
  void *allocateMapped(size_t bytes, size_t alignment, void **host) override {
    *host = allocate(bytes, alignment);
    if (!*host)
      fail(ATTN_ERROR_OUT_OF_MEMORY,
           "no memory for " + std::to_string(bytes) + " bytes");
    return *host;
  }
  void release(void *memory) override { std::free(memory); }
  void copyIn(void *target, const void *source, size_t bytes,
              void *stream) override {
    rejectStream(stream);
    std::memcpy(target, source, bytes);
  }
  void copyOut(void *target, const void *source, size_t bytes,
               void *stream) override {
    copyIn(target, source, bytes, stream);
  }
  void synchronize(void *stream) override { rejectStream(stream); }

  static void rejectStream(void *stream) {
    if (stream)
      fail(ATTN_ERROR_INVALID_ARGUMENT,
           "the cpu backend has no streams: pass NULL");
  }

  /// Bytes of stack that a kernel can have.
  size_t mostStack() const {
    size_t all = executor ? executor->stackBytes() : ThreadPool::workerStack;
    return all - std::min(all, ThreadPool::stackReserve);
  }

  // One of them.
  std::optional<ThreadPool> pool;
  std::optional<Executor> executor;
  std::mutex poolMutex; // held by the launch that has the pool

private:
  CpuBackend() : deviceName(hostName()), featureList(hostFeatureList()) {}

  const std::string deviceName;
  const std::string featureList;
};

class CpuCode;

class CpuLaunch : public PreparedLaunch {
public:
  CpuLaunch(CpuCode &code, Plan plan) : code(code), plan(std::move(plan)) {}
  void run(void *stream) override;

private:
  CpuCode &code;
  const Plan plan;
};

class CpuCode : public LoadedCode {
public:
  CpuCode(CpuBackend &backend, const Description &description,
          const ArtifactView &artifact);
  std::unique_ptr<PreparedLaunch> prepare(Plan plan) override;
  // A fill costs nothing here.
  char *keptMemory(void *) override { return nullptr; }
  void *emptyTensor() override {
    alignas(64) static char zeros[64];
    return zeros;
  }

  void execute(const Plan &plan);

private:
  /// A grid of points.
  struct StepContext {
    Kernel kernel;
    const Step &step;
    int64_t points;
    bool reverse;
    /// Takes points [x, y) at once, or null; and how many.
    Kernel range;
    int64_t together = 1;
  };
  static void runPoint(void *opaque, int64_t i);
  static void runRange(void *opaque, int64_t i);
  void runOnPool(std::vector<StepContext> &contexts);

  CpuBackend &backend;
  const Description &description;
  std::map<std::string, std::unique_ptr<SharedObject>> objects;
  std::vector<Kernel> kernels; // one a launch, null where it has no code
  std::vector<Kernel> ranges;  // the same, null where it takes one point
};

CpuCode::CpuCode(CpuBackend &backend, const Description &description,
                 const ArtifactView &artifact)
    : backend(backend), description(description) {
  for (size_t i = 0; i < description.launches.size(); ++i) {
    const LaunchDescription &launch = description.launches[i];
    if (launch.code.empty()) {
      kernels.push_back(nullptr);
      ranges.push_back(nullptr);
      continue;
    }
    std::unique_ptr<SharedObject> &object = objects[launch.code];
    if (!object)
      object = std::make_unique<SharedObject>(artifact.find(launch.code)->bytes,
                                              launch.code);
    void *symbol = object->find(launch.kernel);
    if (!symbol)
      fail(ATTN_ERROR_MALFORMED_ARTIFACT,
           "malformed artifact: $.launches[" + std::to_string(i) +
               "].kernel: the section '" + launch.code + "' defines no '" +
               launch.kernel + "'");
    kernels.push_back(reinterpret_cast<Kernel>(symbol));
    ranges.push_back(
        reinterpret_cast<Kernel>(object->find(launch.kernel + ".range")));
  }
}

void CpuLaunch::run(void *stream) {
  CpuBackend::rejectStream(stream);
  code.execute(plan);
}

std::unique_ptr<PreparedLaunch> CpuCode::prepare(Plan plan) {
  for (const Step &step : plan.steps)
    if (size_t(step.stackBytes) > backend.mostStack())
      fail(ATTN_ERROR_UNSUPPORTED_DEVICE,
           "the kernel '" + description.launches[step.index].kernel +
               "' needs " + std::to_string(step.stackBytes) +
               " bytes of stack; threads have " +
               std::to_string(backend.mostStack()));
  return std::make_unique<CpuLaunch>(*this, std::move(plan));
}

void CpuCode::execute(const Plan &plan) {
  for (const DenseCopy &copy : plan.copies)
    if (copy.isRead)
      gather(copy, copy.tensor->data, copy.data);
  for (const Fill &fill : plan.fills)
    std::memset(fill.data, 0, fill.bytes);
  std::vector<StepContext> contexts;
  for (const Step &step : plan.steps)
    contexts.push_back(
        {kernels[step.index], step, step.grid[0] * step.grid[1] * step.grid[2],
         description.launches[step.index].reverse, ranges[step.index]});
  if (backend.executor)
    for (StepContext &context : contexts)
      backend.executor->run(context.points, runPoint, &context);
  else
    runOnPool(contexts);
  for (const DenseCopy &copy : plan.copies)
    if (copy.isWritten)
      scatter(copy, copy.data, copy.tensor->data);
}

void CpuCode::runPoint(void *opaque, int64_t i) {
  const StepContext &context = *static_cast<const StepContext *>(opaque);
  const auto &grid = context.step.grid;
  if (context.reverse)
    i = context.points - 1 - i;
  int64_t x = i % grid[0], rest = i / grid[0];
  context.kernel(context.step.slots.data(), x, rest % grid[1], rest / grid[1]);
}

/// The i-th so many points, which share what they pack.
void CpuCode::runRange(void *opaque, int64_t i) {
  const StepContext &context = *static_cast<const StepContext *>(opaque);
  int64_t first = i * context.together;
  int64_t end = std::min(first + context.together, context.points);
  if (context.reverse) {
    std::swap(first, end);
    first = context.points - first;
    end = context.points - end;
  }
  context.range(context.step.slots.data(), first, end, 0);
}

void CpuCode::runOnPool(std::vector<StepContext> &contexts) {
  std::vector<ThreadPool::Task> tasks;
  size_t stack = 0;
  for (StepContext &context : contexts) {
    const auto &grid = context.step.grid;
    // Of points in reverse the first of a row take longest: threads that are
    // more than rows share them, from the longest to the shortest.
    int64_t ranges = context.reverse ? grid[1] * grid[2] : backend.pool->size();
    // Some for each thread, so that none waits long for the last one.
    constexpr int64_t ofThread = 4;
    context.together = std::max<int64_t>(
        context.range ? context.points / (ofThread * backend.pool->size()) : 1,
        1);
    if (context.together > 1)
      tasks.push_back({(context.points - 1) / context.together + 1, ranges,
                       runRange, &context});
    else
      tasks.push_back({context.points, ranges, runPoint, &context});
    stack = std::max(stack, size_t(context.step.stackBytes));
  }
  // The pool serves one launch at a time.
  std::lock_guard<std::mutex> lock(backend.poolMutex);
  backend.pool->run(tasks, stack);
}

std::string CpuBackend::objection(const Description &description) const {
  for (const std::string &feature : description.features) {
    switch (hostFeature(feature)) {
    case FeatureState::Present:
      if (!enableFeature(feature))
        return "the operating system does not grant the CPU feature '" +
               feature + "'";
      break;
    case FeatureState::Missing:
      return "it needs the CPU feature '" + feature + "', which this host (" +
             deviceName + ") lacks";
    case FeatureState::Unknown:
      return "it needs the CPU feature '" + feature +
             "', which this runtime does not know";
    }
  }
  return "";
}

std::unique_ptr<LoadedCode> CpuBackend::load(const Description &description,
                                             const ArtifactView &artifact) {
  return std::make_unique<CpuCode>(*this, description, artifact);
}

} // namespace

/// The CPU of this process with so many computing threads (0: one a core), or
/// those of an executor.
static std::shared_ptr<Backend> openHost(const attn_context_options &options) {
  int32_t threads = options.threads;
  const attn_executor *executor = options.executor;
  if (options.device != 0)
    fail(ATTN_ERROR_NOT_FOUND, "the cpu backend has one device, 0; there is no "
                               "device " +
                                   std::to_string(options.device));
  if (executor && threads)
    fail(ATTN_ERROR_INVALID_ARGUMENT,
         "options->threads is " + std::to_string(threads) +
             ", but an executor brings its own: leave it 0");
  if (executor)
    return std::make_shared<CpuBackend>(*executor);
  if (threads < 0 || threads > maxThreads)
    fail(ATTN_ERROR_INVALID_ARGUMENT, std::to_string(threads) +
                                          " threads are not in 0 .. " +
                                          std::to_string(maxThreads));
  if (threads == 0)
    threads = std::max(1, int32_t(std::thread::hardware_concurrency()));
  return std::make_shared<CpuBackend>(threads);
}

const BackendKind cpuBackend{"cpu", openHost, /*isHost=*/true,
                             /*hasNamedDevices=*/false,
                             BackendKind::Automatic::Always};

} // namespace attn::runtime
