// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a backend provides to the core: it loads the code of a program, executes
// launch plans whose grids, pointers and scalars the core has already computed
// and checked, and moves memory. Nothing outside of its folder knows its name.
#ifndef ATTN_RUNTIME_SRC_BACKEND_H
#define ATTN_RUNTIME_SRC_BACKEND_H

#include "Description.h"
#include "attn/runtime/Artifact.h"
#include "attn_runtime.h"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace attn::runtime {

/// A dense row-major copy of a tensor in the workspace, which kernels use in
/// its place.
struct DenseCopy {
  std::string name; // of the tensor, for messages
  const attn_tensor *tensor;
  attn_dtype dtype; // of the copy: narrower than the tensor's if it says so
  void *data;
  bool isRead, isWritten; // gathered before, scattered after the launches
};

/// A temporary that the program wants to find zeroed.
struct Fill {
  void *data;
  size_t bytes;
};

/// A tensor map with everything evaluated.
struct TensorMap {
  void *data;
  attn_dtype dtype;
  std::vector<int64_t> sizes, strides, box;
};

/// Memory in which the elements of a buffer lie.
struct Extent {
  char *first = nullptr;
  size_t bytes = 0;
};

/// One launch with everything evaluated. The grid has no zero extent and
/// grid[0] * grid[1] * grid[2] fits 63 bits.
struct Step {
  size_t index; // into Description::launches
  std::array<int64_t, 3> grid;
  int64_t sharedBytes;
  int64_t stackBytes;
  std::vector<uint64_t> slots; // one word an argument (see docs/artifact.md);
                               // of a tensor map the index in tensorMaps
  std::vector<TensorMap> tensorMaps;
  std::vector<Extent> extents; // one an argument, empty but for buffers
};

/// What one attn_launch does, in this order.
struct Plan {
  std::vector<DenseCopy> copies; // those that are read
  std::vector<Fill> fills;
  std::vector<Step> steps; // then those copies that are written
};

/// A plan made ready: what depends on the plan alone has been checked and
/// encoded. Refers to the code that made it.
class PreparedLaunch {
public:
  virtual ~PreparedLaunch() = default;
  /// Throws Failure; a copy that fails does so before anything else runs.
  virtual void run(void *stream) = 0;
  /// Microseconds that the device took for the last run, which has ended then.
  virtual double deviceTime();
};

/// The code of one program on one device. All members are thread-safe.
class LoadedCode {
public:
  virtual ~LoadedCode() = default;
  /// Throws Failure. `plan` may refer to the binding that owns the result.
  virtual std::unique_ptr<PreparedLaunch> prepare(Plan plan) = 0;
  /// Memory of Description::keptBytes for the temporaries that launches leave
  /// zeroed, used by launches on `stream` only and zero whenever one starts.
  /// Null: the plan is to take the workspace and fill it.
  virtual char *keptMemory(void *stream) = 0;
  /// Zeros that kernels are given in place of a tensor without elements, whose
  /// address may be anything: they may read its first one (rule 8).
  virtual void *emptyTensor() = 0;
};

/// A device. All members are thread-safe.
class Backend {
public:
  virtual ~Backend() = default;
  virtual const char *name() const = 0;
  virtual const std::string &device() const = 0;
  virtual const std::string &features() const = 0;
  virtual int32_t threads() const = 0;
  virtual int64_t multiprocessors() const = 0;
  /// Whether the device is the host's processor.
  virtual bool isProcessor() const { return false; }
  /// What every part of a workspace is aligned to.
  virtual size_t partAlignment() const { return 64; }

  /// What speaks against running a program for this backend's target on this
  /// device; "" if nothing does.
  virtual std::string objection(const Description &description) const = 0;
  /// Of two programs without objections, the one of higher rank makes more of
  /// the device.
  virtual int64_t rank(const Description &description) const = 0;

  /// Loads the code of a program without objections. Both
  /// references outlive the result.
  virtual std::unique_ptr<LoadedCode> load(const Description &description,
                                           const ArtifactView &artifact) = 0;

  /// Whether kernels can use the memory at this address, as far as that can
  /// be told.
  virtual bool reaches(const void *) const { return true; }
  /// Memory that kernels can use; null when there is none left.
  virtual void *allocate(size_t bytes, size_t alignment) = 0;
  /// The same, such that the host sees it at `host`. Throws Failure.
  virtual void *allocateMapped(size_t bytes, size_t alignment, void **host);
  /// An address for memory that another API made. Throws Failure.
  virtual void *importBuffer(const attn_vulkan_buffer &buffer);
  virtual void *importBuffer(const attn_metal_buffer &buffer);
  virtual void release(void *memory) = 0;
  /// How often memory was released, where prepared launches name the buffers
  /// they found at their addresses: after a release another buffer may lie
  /// there. Addresses are all that launches name elsewhere, and nothing counts.
  virtual uint64_t releases() const { return 0; }
  /// Copies from or to the host, behind what `stream` was given before, and
  /// returns when done.
  virtual void copyIn(void *target, const void *source, size_t bytes,
                      void *stream) = 0;
  virtual void copyOut(void *target, const void *source, size_t bytes,
                       void *stream) = 0;
  /// Whether what is launched on `stream` runs only when the caller wants.
  virtual bool runsLater(void *) const { return false; }
  /// Waits for what `stream` was given.
  virtual void synchronize(void *stream) = 0;
};

/// What is known of a backend before a device is opened.
struct BackendKind {
  /// As options and artifacts call it.
  const char *name;
  /// Opens the device of `options`. Throws Failure.
  std::shared_ptr<Backend> (*open)(const attn_context_options &options);
  /// Whether kernels run on the host, by its threads and in its memory.
  bool isHost = false;
  /// Whether options may give devices by name, not by number alone.
  bool hasNamedDevices = false;
  /// When the backend 'auto' tries it.
  enum class Automatic { Never, ForArtifacts, Always };
  Automatic automatic = Automatic::Never;
};

/// Each in its folder.
extern const BackendKind cpuBackend, cudaBackend, metalBackend, vulkanBackend;

/// Those of this build, and a null behind them: first that of contexts which
/// ask for none; 'auto' tries those of devices in this order.
extern const BackendKind *const backendKinds[];

/// The one called `name`; null if there is none.
const BackendKind *findBackend(std::string_view name);

/// A device that is the caller's.
std::shared_ptr<Backend> adoptDevice(const attn_metal_device &device);
std::shared_ptr<Backend> adoptDevice(const attn_vulkan_device &device,
                                     const attn_context_options &options);

} // namespace attn::runtime

#endif // ATTN_RUNTIME_SRC_BACKEND_H
