// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A loaded artifact: its bytes, its description and its code on a device.
// Immutable after construction, so that threads may share it.
#ifndef ATTN_RUNTIME_SRC_PROGRAM_H
#define ATTN_RUNTIME_SRC_PROGRAM_H

#include "Backend.h"

#include <memory>
#include <string>

namespace attn::runtime {

class Program {
public:
  /// Throws Failure when the bytes are no artifact that `backend` can run.
  Program(std::shared_ptr<Backend> backend, std::string bytes);

  const std::shared_ptr<Backend> backend;
  const std::string bytes;
  const ArtifactView artifact;
  const std::string json;
  const Description description;

  LoadedCode &code() const { return *loaded; }
  /// Bytes of all code sections.
  size_t codeSize() const;

private:
  std::unique_ptr<LoadedCode> loaded;
};

} // namespace attn::runtime

#endif // ATTN_RUNTIME_SRC_PROGRAM_H
