// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loading the code of an artifact on a device.
#include "Program.h"

namespace attn::runtime {

Program::Program(std::shared_ptr<Backend> backendToUse,
                 std::shared_ptr<const Bundle> opened)
    : backend(std::move(backendToUse)), bundle(std::move(opened)),
      variant(bundle->choose(*backend, reason)),
      description(*variant.description),
      loaded(backend->load(description, variant.view)) {}

} // namespace attn::runtime
