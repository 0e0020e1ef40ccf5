// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The kernels of a program on a Metal device, and launches of them
// (docs/artifact.md, "Kernels for Metal").
#ifndef ATTN_RUNTIME_METAL_LAUNCH_H
#define ATTN_RUNTIME_METAL_LAUNCH_H

#include "Backend.h"
#include "Memory.h"

#include <map>

namespace attn::runtime::metal {

class Code : public LoadedCode {
public:
  Code(Device &device, Memory &memory, const Description &description,
       std::shared_ptr<const void> owner)
      : device(device), memory(memory), description(description),
        owner(std::move(owner)) {}
  ~Code() override;
  /// What may fail; the destructor frees what there is by then.
  void load(const ArtifactView &artifact, int language);

  std::unique_ptr<PreparedLaunch> prepare(Plan plan) override;
  char *keptMemory(void *stream) override;
  void *emptyTensor() override { return zeros; }

  Device &device;
  Memory &memory;
  const Description &description;
  std::vector<const Kernel *> kernels; // one a launch

private:
  std::shared_ptr<const void> owner; // of device and memory
  std::map<std::string, std::unique_ptr<Library>> libraries;
  std::map<std::pair<std::string, std::string>, std::unique_ptr<Kernel>> made;
  /// Those of an empty tensor, then what is kept.
  char *zeros = nullptr;
};

class Launch : public PreparedLaunch {
public:
  Launch(Code &code, Plan plan);
  ~Launch() override;
  void run(void *stream) override;

private:
  Dispatch makeDispatch(const Step &step) const;
  Binding bind(const LaunchArgument &argument, const std::string &kernel,
               uint64_t address, Extent extent) const;

  Code &code;
  const Plan plan;
  std::vector<Fill> fills;
  std::vector<Dispatch> dispatches;
};

/// Waits for the device. Throws Failure if it went wrong.
void wait(Device &device);

} // namespace attn::runtime::metal

#endif // ATTN_RUNTIME_METAL_LAUNCH_H
