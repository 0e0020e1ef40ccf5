// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The exception by which the core reports a failed call. It is thrown and
// caught inside the library: Api.cpp turns it into a status and a message.
#ifndef ATTN_RUNTIME_SRC_FAILURE_H
#define ATTN_RUNTIME_SRC_FAILURE_H

#include "attn_runtime.h"

#include <string>
#include <utility>

namespace attn::runtime {

struct Failure {
  attn_status status;
  std::string message;
};

[[noreturn]] inline void fail(attn_status status, std::string message) {
  throw Failure{status, std::move(message)};
}

} // namespace attn::runtime

#endif // ATTN_RUNTIME_SRC_FAILURE_H
