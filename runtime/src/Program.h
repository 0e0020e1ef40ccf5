// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A loaded artifact: its bytes, its description and its code on a device.
// Immutable after construction, so that threads may share it.
#ifndef ATTN_RUNTIME_SRC_PROGRAM_H
#define ATTN_RUNTIME_SRC_PROGRAM_H

#include "Bundle.h"

#include <memory>
#include <string>

namespace attn::runtime {

class Program {
public:
  /// Throws Failure when the artifact holds nothing that `backend` can run.
  Program(std::shared_ptr<Backend> backend,
          std::shared_ptr<const Bundle> bundle);

  const std::shared_ptr<Backend> backend;
  const std::shared_ptr<const Bundle> bundle;
  /// Why this variant of the artifact was chosen.
  std::string reason;
  const Variant &variant;
  const Description &description;

  LoadedCode &code() const { return *loaded; }

private:
  std::unique_ptr<LoadedCode> loaded;
};

} // namespace attn::runtime

#endif // ATTN_RUNTIME_SRC_PROGRAM_H
