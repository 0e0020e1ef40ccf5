// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Helpers of the runtime's tests.
#include "TestArtifact.h"

#include "attn/runtime/Artifact.h"

#include <dlfcn.h>
#include <fstream>
#include <sstream>

namespace attn::test {

::testing::AssertionResult isError(attn_status status, const Error &error,
                                   attn_status expected,
                                   std::initializer_list<const char *> parts) {
  std::string message = error.message();
  if (status != expected || error.code() != expected)
    return ::testing::AssertionFailure()
           << "expected " << attn_status_name(expected) << ", got "
           << attn_status_name(status)
           << " (error object: " << attn_status_name(error.code())
           << "): " << message;
  if ((expected == ATTN_OK) != message.empty())
    return ::testing::AssertionFailure() << "message: '" << message << "'";
  for (const char *part : parts)
    if (message.find(part) == std::string::npos)
      return ::testing::AssertionFailure()
             << "no '" << part << "' in the message: " << message;
  return ::testing::AssertionSuccess();
}

std::string contentsOf(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream content;
  content << file.rdbuf();
  EXPECT_FALSE(content.str().empty()) << "cannot read " << path;
  return content.str();
}

const std::string &kernelsObject() {
  static const std::string bytes = contentsOf(TEST_KERNELS);
  return bytes;
}

std::string makeArtifact(const std::string &json, const std::string &code) {
  runtime::ArtifactWriter writer(json);
  std::string error;
  EXPECT_TRUE(writer.addCode("cpu", code, error)) << error;
  return writer.toBytes();
}

std::string makeJson(const std::string &fields) {
  return R"({"format":"attn-artifact","version":1,"target":"cpu",)"
         R"("chip":"test","entry":"f",)" +
         fields + "}";
}

Context makeContext(int32_t threads) {
  attn_context_options options = ATTN_CONTEXT_OPTIONS_INIT;
  options.threads = threads;
  attn_context *context = nullptr;
  EXPECT_OK(attn_context_create(&options, &context, error));
  return Context(context);
}

Program load(const Context &context, const std::string &json) {
  std::string bytes = makeArtifact(json);
  attn_program *program = nullptr;
  EXPECT_OK(attn_program_load_memory(context.get(), bytes.data(), bytes.size(),
                                     &program, error));
  return Program(program);
}

Binding makeBinding(const Program &program) {
  attn_binding *binding = nullptr;
  EXPECT_OK(attn_binding_create(program.get(), &binding, error));
  return Binding(binding);
}

attn_status loadWithCode(const Context &context, const std::string &json,
                         const std::string &code, Program &program,
                         attn_error *error) {
  runtime::ArtifactWriter writer(json);
  std::string problem;
  EXPECT_TRUE(writer.addCode("k", code, problem)) << problem;
  std::string bytes = writer.toBytes();
  attn_program *loaded = nullptr;
  attn_status status = attn_program_load_memory(context.get(), bytes.data(),
                                                bytes.size(), &loaded, error);
  program.reset(loaded);
  return status;
}

std::string makeBundle(const std::string &target,
                       const std::vector<Variant> &variants) {
  std::string list, problem;
  for (size_t n = 0; n < variants.size(); ++n)
    list += std::string(n ? "," : "") + R"({"target":")" + target +
            R"(","chip":")" + variants[n].chip +
            R"(","entry":"f","section":"artifact/)" + std::to_string(n) +
            R"("})";
  runtime::ArtifactWriter bundle(
      R"({"format":"attn-bundle","version":1,"variants":[)" + list + "]}");
  for (size_t n = 0; n < variants.size(); ++n) {
    runtime::ArtifactWriter writer(variants[n].json);
    EXPECT_TRUE(writer.addCode("k", variants[n].code, problem));
    EXPECT_TRUE(bundle.addSection("artifact/" + std::to_string(n),
                                  writer.toBytes(), problem));
  }
  return bundle.toBytes();
}

void expectMissing(const char *backend, const char *library,
                   const char *message) {
  if (dlopen(library, RTLD_NOW | RTLD_LOCAL))
    GTEST_SKIP() << "this machine has " << library;
  attn_context_options options = ATTN_CONTEXT_OPTIONS_INIT;
  options.backend = backend;
  for (int attempt = 0; attempt < 2; ++attempt) {
    attn_context *context = nullptr;
    EXPECT_ERROR(attn_context_create(&options, &context, error),
                 ATTN_ERROR_NOT_FOUND, {message, library});
    EXPECT_EQ(context, nullptr);
  }
}

} // namespace attn::test
