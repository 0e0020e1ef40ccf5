// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Owners of the objects of the C API (attn_runtime.h), for C++.
#ifndef ATTN_RUNTIME_HANDLES_H
#define ATTN_RUNTIME_HANDLES_H

#include "attn_runtime.h"

#include <memory>

namespace attn::runtime {

struct Destroy {
  void operator()(attn_error *p) const { attn_error_destroy(p); }
  void operator()(attn_context *p) const { attn_context_destroy(p); }
  void operator()(attn_artifact *p) const { attn_artifact_destroy(p); }
  void operator()(attn_program *p) const { attn_program_destroy(p); }
  void operator()(attn_binding *p) const { attn_binding_destroy(p); }
};
/// Destroys its object, of one of the types above, at its end.
template <typename T> using Handle = std::unique_ptr<T, Destroy>;

} // namespace attn::runtime

#endif // ATTN_RUNTIME_HANDLES_H
