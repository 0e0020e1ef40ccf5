// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shared by the runtime's tests: owning handles, artifacts made from JSON text
// and the test kernels, and assertions on status and message.
#ifndef ATTN_TEST_UNIT_RUNTIME_TESTARTIFACT_H
#define ATTN_TEST_UNIT_RUNTIME_TESTARTIFACT_H

#include "attn/runtime/Handles.h"

#include <cstdint>
#include <gtest/gtest.h>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

namespace attn::test {

using Context = runtime::Handle<attn_context>;
using Program = runtime::Handle<attn_program>;
using Binding = runtime::Handle<attn_binding>;

/// An attn_error that converts to a pointer.
class Error {
public:
  Error() : error(attn_error_create()) {}
  operator attn_error *() const { return error.get(); }
  attn_status code() const { return attn_error_code(error.get()); }
  std::string message() const { return attn_error_message(error.get()); }

private:
  runtime::Handle<attn_error> error;
};

/// Succeeds when `status` is `expected`, `error` agrees and its message holds
/// all of `parts`.
::testing::AssertionResult isError(attn_status status, const Error &error,
                                   attn_status expected,
                                   std::initializer_list<const char *> parts);
#define EXPECT_ERROR(call, expected, ...)                                      \
  do {                                                                         \
    ::attn::test::Error error;                                                 \
    attn_status status = (call);                                               \
    EXPECT_TRUE(::attn::test::isError(status, error, expected, __VA_ARGS__));  \
  } while (false)
#define EXPECT_OK(call)                                                        \
  do {                                                                         \
    ::attn::test::Error error;                                                 \
    attn_status status = (call);                                               \
    EXPECT_TRUE(::attn::test::isError(status, error, ATTN_OK, {}));            \
  } while (false)

/// The bytes of a file; fails the test when there are none.
std::string contentsOf(const std::string &path);

/// The shared object with the kernels of Kernels.c.
const std::string &kernelsObject();

/// An artifact of this JSON text with `code` as "code/cpu".
std::string makeArtifact(const std::string &json,
                         const std::string &code = kernelsObject());

/// A description with the target cpu; `fields` are the rest of the object.
std::string makeJson(const std::string &fields);

Context makeContext(int32_t threads);

/// Loads; a failure fails the test and gives null.
Program load(const Context &context, const std::string &json);
Binding makeBinding(const Program &program);

/// Loads an artifact of this JSON text with `code` as "code/k", for a backend
/// that takes any.
attn_status loadWithCode(const Context &context, const std::string &json,
                         const std::string &code, Program &program,
                         attn_error *error);

/// A bundle of one artifact a variant, of `target`: the chip that its entry
/// names, its JSON, and the code of its section "k".
struct Variant {
  std::string chip, json, code;
};
std::string makeBundle(const std::string &target,
                       const std::vector<Variant> &variants);

/// Opening `backend` fails without `library`, which the message names, and goes
/// on failing. Skips the test where the library is there.
void expectMissing(const char *backend, const char *library,
                   const char *message);

/// A dense tensor on the elements of `data`, which must be as many.
template <typename T> struct DtypeOf;
template <> struct DtypeOf<float> {
  static constexpr attn_dtype value = ATTN_DTYPE_F32;
};
template <> struct DtypeOf<double> {
  static constexpr attn_dtype value = ATTN_DTYPE_F64;
};
template <> struct DtypeOf<int32_t> {
  static constexpr attn_dtype value = ATTN_DTYPE_I32;
};
template <> struct DtypeOf<int64_t> {
  static constexpr attn_dtype value = ATTN_DTYPE_I64;
};

template <typename T>
attn_tensor tensorOf(std::vector<T> &data, std::vector<int64_t> dims) {
  attn_tensor tensor{};
  Error error;
  EXPECT_EQ(attn_tensor_init(&tensor, data.data(), DtypeOf<T>::value,
                             int32_t(dims.size()), dims.data(), error),
            ATTN_OK)
      << error.message();
  return tensor;
}

template <typename T> attn_tensor tensorOf(std::vector<T> &data) {
  return tensorOf(data, {int64_t(data.size())});
}

} // namespace attn::test

#endif // ATTN_TEST_UNIT_RUNTIME_TESTARTIFACT_H
