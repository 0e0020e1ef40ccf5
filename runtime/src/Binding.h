// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The arguments and results of one call: checks them against the description,
// evaluates its expressions for them and makes the launch plan.
#ifndef ATTN_RUNTIME_SRC_BINDING_H
#define ATTN_RUNTIME_SRC_BINDING_H

#include "Failure.h"
#include "Program.h"

#include <memory>
#include <optional>
#include <vector>

namespace attn::runtime {

/// All members throw Failure; setters that do leave the binding as it was.
class Binding : private Environment {
public:
  explicit Binding(std::shared_ptr<const Program> program);

  void setArgument(size_t index, const attn_tensor &tensor);
  void setScalar(size_t index, int64_t value);
  void setScalar(size_t index, float value);
  void setScalar(size_t index, double value);
  void setResult(size_t index, const attn_tensor &tensor);

  const std::vector<int64_t> &resultShape(size_t index);
  void validate();
  size_t workspaceBytes();
  size_t workspaceAlignment();
  int64_t fusedBytes();
  int64_t standardBytes();
  /// Of the dense copies that a launch makes.
  int64_t copiedBytes();
  int64_t metric(const std::string &name);

  /// Runs the program with a workspace of the caller.
  void launch(void *workspace, size_t bytes, void *stream);
  /// Runs the program with a workspace of its own.
  void launchAllocating(void *stream);
  /// Microseconds that the device took for the last launch.
  double deviceTime();

private:
  /// A block of the workspace.
  struct Region {
    size_t offset = 0;
    size_t bytes = 0;
  };
  /// What a launch may write besides its results.
  struct Memory {
    char *workspace = nullptr;
    char *kept = nullptr;  // see LoadedCode::keptMemory
    uint64_t releases = 0; // see Backend::releases
    bool operator==(const Memory &other) const {
      return workspace == other.workspace && kept == other.kept &&
             releases == other.releases;
    }
  };
  struct Symbol {
    int64_t value = 0;
    std::optional<Failure> failure; // raised where the symbol is used
  };

  // Environment
  int64_t dim(size_t tensor, int32_t axis) const override;
  int64_t stride(size_t tensor, int32_t axis) const override;
  int64_t scalar(size_t argument) const override;
  int64_t symbol(size_t index) const override;
  int64_t index(size_t loop) const override { return loopIndices[loop]; }
  int64_t element(size_t argument, int64_t offset) const override;
  int64_t offsetInCopied(size_t argument, int64_t offset) const;
  int64_t threads() const override { return program->backend->threads(); }
  int64_t multiprocessors() const override {
    return program->backend->multiprocessors();
  }

  const Description &description() const { return program->description; }
  const Argument &argumentAt(size_t index, attn_argument_kind kind) const;
  std::string nameAt(size_t tensor) const;
  std::string nameOf(const Expression &value) const;
  size_t ownerOf(size_t tensor) const;
  const attn_tensor &tensorAt(size_t tensor) const;
  attn_dtype dtypeOfCopy(size_t tensor) const;
  void setWord(size_t index, uint64_t word);
  void changedArguments();
  void changedResults();

  [[noreturn]] void failCheck(const Check &check) const;
  void checkConditions(bool onResults) const;
  void checkContents();
  void checkInLoops(const Check &check);
  void checkOverlaps() const;
  void checkReach() const;
  void evaluateSymbols();
  void inferShapes();
  void layOutWorkspace();
  void layOutResults();
  bool needsCopy(size_t tensor) const;
  void findCopies(size_t first, size_t last);
  bool fits(const LaunchArgument &argument) const;
  bool copyMisaligned(size_t first, size_t last);
  void reserveCopies(size_t first, size_t last);
  Region reserve(int64_t bytes, size_t align, const std::string &what);
  void prepareArguments();
  void prepareResults();
  Plan makePlan(const Memory &memory) const;
  /// Whether a temporary is in memory that a backend keeps.
  bool isKept(size_t index, const Memory &memory) const;
  void *temporaryAt(size_t index, const Memory &memory) const;
  void *addressOf(const BufferRef &buffer, const Memory &memory) const;
  void *addressOf(const LaunchArgument &argument, const Memory &memory) const;
  bool hasElement(const LaunchArgument &argument) const;
  Extent extentOf(const LaunchArgument &argument, const Memory &memory) const;
  TensorMap tensorMapFor(const LaunchArgument &argument,
                         const Memory &memory) const;
  uint64_t slotFor(const LaunchArgument &argument, const Memory &memory) const;

  std::shared_ptr<const Program> program;
  std::vector<std::optional<attn_tensor>> tensors; // arguments, then results
  std::vector<std::optional<uint64_t>> scalars;    // one an argument

  std::vector<int64_t> loopIndices; // of the check that is being evaluated

  // Valid while argumentsReady: derived from the arguments.
  bool argumentsReady = false;
  bool resultsReady = false;
  std::vector<Symbol> symbols;
  std::vector<std::vector<int64_t>> shapes; // of the results
  std::vector<Region> temporaries;
  std::vector<bool> copied;   // one a tensor: kernels use a dense copy of it
  std::vector<Region> copies; // of those that are
  size_t workspaceEnd = 0;
  size_t argumentsEnd = 0; // of the part that does not depend on results
  size_t workspaceAlign = 1;

  // The last launch, good for another one with the same memory until something
  // is bound.
  std::unique_ptr<PreparedLaunch> prepared;
  Memory preparedMemory;
};

} // namespace attn::runtime

#endif // ATTN_RUNTIME_SRC_BINDING_H
