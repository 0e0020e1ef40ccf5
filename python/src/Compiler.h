//===- Compiler.h - The compiler without MLIR's headers ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the extension module asks of the compiler. MLIR is built without RTTI
// and exceptions, bindings for Python need both: this header lies between.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_PYTHON_COMPILER_H
#define ATTN_PYTHON_COMPILER_H

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace attn::python {

struct Diagnostic {
  std::string severity; // "error", "warning", "remark" or "note"
  std::string message;
  std::string file; // empty where no place in a file is known
  unsigned line = 0, column = 0;
};

struct Request {
  std::string text; // a module in MLIR's syntax
  std::string entry, target, chip;
  int64_t tileM = 0, tileN = 0;
  bool explain = false;
  /// As in CompileOptions: of versions the general one alone, and the artifact
  /// of such a request, which this one completes.
  bool general = false;
  std::string completes;
};

struct Outcome {
  bool succeeded = false;
  std::string artifact;
  std::vector<Diagnostic> diagnostics;
  /// With `explain`: phases with milliseconds, what was chosen, and the key
  /// tiles that are visited.
  std::vector<std::pair<std::string, double>> phases;
  std::vector<std::string> choices, ranges;
};

/// May be called from several threads at once.
Outcome compile(const Request &request);

/// The backend of the runtime that loads what is compiled for `target`; empty
/// if there is no such target, or no such backend.
std::string findBackend(const std::string &target);

/// The chip to compile for on a device of `target` that has such features
/// ("sm_90"); empty if there is none, or if compiling asks the host itself.
std::string chooseChip(const std::string &target, const std::string &features);

} // namespace attn::python

#endif // ATTN_PYTHON_COMPILER_H
