//===- Emulator.h - Metal kernels on this processor -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiles a text in the Metal language with clang and runs its kernels, a
// threadgroup after the other, watching what they do with memory.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EXECUTION_METALSHIM_EMULATOR_H
#define ATTN_LIB_EXECUTION_METALSHIM_EMULATOR_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace metal_shim {
struct Kernel;
struct Module;
} // namespace metal_shim

namespace attn::execution::metal {

/// What a kernel is bound at one index: `data` is passed, and bytes from
/// `first` on may be touched.
struct Argument {
  void *data;
  char *first;
  size_t bytes;
};

/// Bytes that kernels moved.
struct Traffic {
  std::string name;
  int64_t loaded = 0, stored = 0;
};

/// What all threads of a dispatch did.
struct Counts {
  int64_t threadgroups = 0;
  /// By index; the last one may be parameters.
  std::vector<Traffic> arguments;
  std::vector<Traffic> threadgroupArrays;
  /// Of threadgroups, of simdgroups, and products of 8 x 8 matrices.
  int64_t threadgroupBarriers = 0, simdgroupBarriers = 0, matrixProducts = 0;
  /// Of a thread, that matrices took which were live together.
  int64_t matrixRegisters = 0;

  llvm::json::Object toJSON() const;
};

struct Dispatch {
  std::string kernel;
  std::vector<Argument> arguments;
  std::array<int64_t, 3> grid{1, 1, 1}, block{1, 1, 1};
};

/// The kernels of a text.
class Library {
public:
  /// `version` is that of the language, as 310 for 3.1.
  static llvm::Expected<std::unique_ptr<Library>> compile(llvm::StringRef text,
                                                          int version);
  ~Library();

  bool defines(llvm::StringRef kernel) const { return find(kernel); }
  /// Bytes of the threadgroup arrays of a kernel.
  int64_t getThreadgroupBytes(llvm::StringRef kernel) const;
  /// An error says which thread of the kernel went wrong at which line.
  llvm::Expected<Counts> run(const Dispatch &dispatch) const;

private:
  Library() = default;
  const metal_shim::Kernel *find(llvm::StringRef kernel) const;

  void *object = nullptr;
  const metal_shim::Module *module = nullptr;
};

/// Why nothing can be compiled or run here, or "".
std::string explainUnavailable();

} // namespace attn::execution::metal

#endif // ATTN_LIB_EXECUTION_METALSHIM_EMULATOR_H
