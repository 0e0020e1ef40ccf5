// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Binding: every way a call can be wrong, with the argument and the sizes in
// the message; result shapes, workspace, checks and estimates.
#include "TestArtifact.h"

#include <cmath>
#include <cstring>
#include <limits>

using namespace attn::test;

extern "C" attn_status run_from_c(const void *data, size_t size,
                                  const float *in, float *out, int64_t count);

namespace {

/// out[x] = in[x] * factor, over the elements of in.
const std::string scaleJson = makeJson(R"(
  "arguments":[
    {"name":"in","kind":"buffer","dtype":"f32","shape":["?"],"access":"read"},
    {"name":"factor","kind":"scalar","dtype":"f32"}],
  "results":[{"name":"out","dtype":"f32","shape":[["dim","in",0]]}],
  "launches":[{"kernel":"scale","code":"code/cpu","grid":[["dim","in",0],1,1],
    "args":[{"buffer":"out"},{"buffer":"in"},{"scalar":"factor"}]}])");

TEST(CHeaderTest, RunsAProgramFromC) {
  std::string artifact = makeArtifact(scaleJson);
  std::vector<float> in = {1, 2, -4}, out(3, 0);
  ASSERT_EQ(
      run_from_c(artifact.data(), artifact.size(), in.data(), out.data(), 3),
      ATTN_OK);
  EXPECT_EQ(out, (std::vector<float>{3, 6, -12}));
  EXPECT_EQ(run_from_c(artifact.data(), artifact.size() - 1, in.data(),
                       out.data(), 3),
            ATTN_ERROR_CORRUPTED_ARTIFACT);
}

/// q [2, ?, 64], k [2, ?, 64], a destination o, scalars, a result of its own.
const std::string attentionLike = makeJson(R"(
  "arguments":[
    {"name":"q","kind":"buffer","dtype":"f32","shape":[2,"?",64],"access":"read"},
    {"name":"k","kind":"buffer","dtype":"f32","shape":[2,"?",64],"access":"read"},
    {"name":"o","kind":"buffer","dtype":"f32","shape":["?","?","?"],"access":"readwrite"},
    {"name":"n","kind":"scalar","dtype":"i32"},
    {"name":"flag","kind":"scalar","dtype":"i1"},
    {"name":"scale","kind":"scalar","dtype":"f64"}],
  "symbols":[{"name":"sq","expr":["dim","q",1]},
             {"name":"bad","expr":["floordiv",1,["sub",["scalar","n"],3]]}],
  "results":[
    {"name":"o","dtype":"f32","shape":[2,["symbol","sq"],64],"argument":2},
    {"name":"lse","dtype":"f64","shape":[2,["sub",["symbol","sq"],1]]}],
  "temporaries":[
    {"name":"t0","bytes":["mul",4,["symbol","sq"]]},
    {"name":"t1","bytes":["select",["eq",["scalar","n"],7],["symbol","bad"],
                           ["select",["eq",["scalar","n"],8],-5,100]],"align":256},
    {"name":"t2","bytes":1,"align":1}],
  "launches":[],
  "checks":[
    {"expr":["le",["symbol","sq"],["dim","k",1]],"message":"rule x: more queries than keys",
     "values":[{"name":"Sq","expr":["symbol","sq"]},{"name":"Skv","expr":["dim","k",1]}]},
    {"expr":["eq",["stride","lse",1],1],"message":"lse must be dense",
     "values":[{"name":"stride","expr":["stride","lse",1]}]}],
  "memory":{"fused":["mul",4,["symbol","sq"]],
            "standard":["mul",8,["symbol","sq"],["dim","k",1]]},
  "metrics":{"flops":["mul",["symbol","sq"],["dim","k",1],["scalar","n"]]})");

class BindingTest : public ::testing::Test {
protected:
  void SetUp() override {
    q.resize(2 * 3 * 64);
    k.resize(2 * 5 * 64);
    o.resize(2 * 3 * 64);
    lse.resize(2 * 2);
    set(0, tensorOf(q, {2, 3, 64}));
    set(1, tensorOf(k, {2, 5, 64}));
    set(2, tensorOf(o, {2, 3, 64}));
    EXPECT_OK(attn_binding_set_scalar_i64(binding.get(), 3, 9, error));
    EXPECT_OK(attn_binding_set_scalar_i64(binding.get(), 4, 1, error));
    EXPECT_OK(attn_binding_set_scalar_f64(binding.get(), 5, 0.5, error));
    attn_tensor out = tensorOf(lse, {2, 2});
    EXPECT_OK(attn_binding_set_result(binding.get(), 1, &out, error));
  }

  void set(size_t index, attn_tensor tensor) {
    EXPECT_OK(attn_binding_set_argument(binding.get(), index, &tensor, error));
  }
  attn_status trySet(size_t index, attn_tensor tensor, attn_error *error) {
    return attn_binding_set_argument(binding.get(), index, &tensor, error);
  }
  attn_status setN(int64_t n) {
    return attn_binding_set_scalar_i64(binding.get(), 3, n, nullptr);
  }

  Context context = makeContext(1);
  Program program = load(context, attentionLike);
  Binding binding = makeBinding(program);
  std::vector<float> q, k, o;
  std::vector<double> lse;
};

TEST_F(BindingTest, Valid) {
  EXPECT_OK(attn_binding_validate(binding.get(), error));
  EXPECT_OK(attn_launch_alloc(binding.get(), nullptr, error));
}

TEST_F(BindingTest, Queries) {
  EXPECT_EQ(attn_program_argument_count(program.get()), 6u);
  EXPECT_EQ(attn_program_result_count(program.get()), 2u);
  EXPECT_EQ(attn_program_launch_count(program.get()), 0u);
  EXPECT_STREQ(attn_program_target(program.get()), "cpu");
  EXPECT_STREQ(attn_program_chip(program.get()), "test");
  EXPECT_STREQ(attn_program_entry(program.get()), "f");
  EXPECT_EQ(attn_program_json(program.get()), attentionLike);
  EXPECT_EQ(attn_program_code_size(program.get()), kernelsObject().size());
  attn_argument_info argument = ATTN_ARGUMENT_INFO_INIT;
  EXPECT_OK(attn_program_argument(program.get(), 0, &argument, error));
  EXPECT_STREQ(argument.name, "q");
  EXPECT_EQ(argument.kind, ATTN_ARGUMENT_BUFFER);
  EXPECT_EQ(argument.dtype, ATTN_DTYPE_F32);
  EXPECT_EQ(argument.rank, 3);
  EXPECT_EQ(argument.dims[0], 2);
  EXPECT_EQ(argument.dims[1], ATTN_DYNAMIC);
  EXPECT_EQ(argument.access, ATTN_ACCESS_READ);
  EXPECT_OK(attn_program_argument(program.get(), 4, &argument, error));
  EXPECT_EQ(argument.kind, ATTN_ARGUMENT_SCALAR);
  EXPECT_EQ(argument.dtype, ATTN_DTYPE_I1);
  attn_result_info result = ATTN_RESULT_INFO_INIT;
  EXPECT_OK(attn_program_result(program.get(), 0, &result, error));
  EXPECT_EQ(result.argument, 2);
  EXPECT_EQ(result.dims[1], ATTN_DYNAMIC);
  EXPECT_EQ(result.dims[2], 64);
  EXPECT_OK(attn_program_result(program.get(), 1, &result, error));
  EXPECT_EQ(result.argument, -1);
  EXPECT_EQ(result.dtype, ATTN_DTYPE_F64);
  EXPECT_ERROR(attn_program_argument(program.get(), 6, &argument, error),
               ATTN_ERROR_NOT_FOUND, {"no argument 6", "has 6"});
  EXPECT_ERROR(attn_program_result(program.get(), 2, &result, error),
               ATTN_ERROR_NOT_FOUND, {"no result 2", "has 2"});
  const void *data = nullptr;
  size_t size = 0;
  EXPECT_OK(
      attn_program_section(program.get(), "code/cpu", &data, &size, error));
  EXPECT_EQ(std::string(static_cast<const char *>(data), size),
            kernelsObject());
  EXPECT_ERROR(
      attn_program_section(program.get(), "code/ptx", &data, &size, error),
      ATTN_ERROR_NOT_FOUND, {"'code/ptx'", "json, code/cpu"});
}

// A caller built against an older, shorter struct gets what fits.
TEST_F(BindingTest, OlderStructs) {
  attn_argument_info argument = ATTN_ARGUMENT_INFO_INIT;
  argument.struct_size = offsetof(attn_argument_info, dtype);
  argument.dtype = ATTN_DTYPE_I8;
  EXPECT_OK(attn_program_argument(program.get(), 0, &argument, error));
  EXPECT_STREQ(argument.name, "q");
  EXPECT_EQ(argument.dtype, ATTN_DTYPE_I8);
  argument.struct_size = 0;
  EXPECT_ERROR(attn_program_argument(program.get(), 0, &argument, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"struct_size is 0"});
  argument.struct_size = sizeof argument + 8;
  EXPECT_ERROR(attn_program_argument(program.get(), 0, &argument, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"struct_size"});
}

TEST_F(BindingTest, WrongTensors) {
  attn_tensor good = tensorOf(q, {2, 3, 64});
  EXPECT_ERROR(trySet(6, good, error), ATTN_ERROR_INVALID_ARGUMENT,
               {"no argument 6", "has 6"});
  EXPECT_ERROR(trySet(3, good, error), ATTN_ERROR_INVALID_ARGUMENT,
               {"argument 3 'n' is a scalar"});
  EXPECT_ERROR(trySet(0, tensorOf(q, {6, 64}), error),
               ATTN_ERROR_INVALID_ARGUMENT,
               {"argument 0 'q'", "rank 2, expected 3", "[2,?,64]"});
  EXPECT_ERROR(trySet(1, tensorOf(q, {2, 6, 32}), error),
               ATTN_ERROR_INVALID_ARGUMENT,
               {"argument 1 'k'", "dimension 2 is 32, expected 64", "[2,6,32]",
                "[2,?,64]"});
  EXPECT_ERROR(trySet(0, tensorOf(lse, {1, 4, 1}), error),
               ATTN_ERROR_INVALID_ARGUMENT,
               {"argument 0 'q'", "dtype f64, expected f32"});
  attn_tensor tensor = good;
  tensor.dims[1] = -3;
  EXPECT_ERROR(trySet(0, tensor, error), ATTN_ERROR_INVALID_ARGUMENT,
               {"'q'", "dimension 1", "negative size -3"});
  tensor = good;
  tensor.rank = 9;
  EXPECT_ERROR(trySet(0, tensor, error), ATTN_ERROR_INVALID_ARGUMENT,
               {"'q'", "rank 9"});
  tensor.rank = -1;
  EXPECT_ERROR(trySet(0, tensor, error), ATTN_ERROR_INVALID_ARGUMENT,
               {"'q'", "rank -1"});
  tensor = good;
  tensor.dtype = ATTN_DTYPE_NONE;
  EXPECT_ERROR(trySet(0, tensor, error), ATTN_ERROR_INVALID_ARGUMENT,
               {"'q'", "dtype none"});
  tensor = good;
  tensor.data = nullptr;
  EXPECT_ERROR(trySet(0, tensor, error), ATTN_ERROR_INVALID_ARGUMENT,
               {"'q'", "NULL", "[2,3,64]"});
  tensor.dims[1] = 0;
  EXPECT_OK(trySet(0, tensor, error));
  tensor = good;
  tensor.data = reinterpret_cast<char *>(q.data()) + 2;
  EXPECT_ERROR(trySet(0, tensor, error), ATTN_ERROR_INVALID_ARGUMENT,
               {"'q'", "not aligned to the 4 bytes of f32"});
  for (int64_t stride : {INT64_MAX / 4, INT64_MIN / 2, INT64_MAX / 16}) {
    tensor = good;
    tensor.dims[1] = 100;
    tensor.strides[1] = stride;
    EXPECT_ERROR(trySet(0, tensor, error), ATTN_ERROR_INVALID_ARGUMENT,
                 {"'q'", "63 bits"});
  }
  // Strides of both signs reach far on both sides.
  tensor = good;
  tensor.dims[1] = 100;
  tensor.strides[1] = int64_t(1) << 56;
  tensor.strides[2] = -((int64_t(1) << 56) / 63 * 99);
  EXPECT_ERROR(trySet(0, tensor, error), ATTN_ERROR_INVALID_ARGUMENT,
               {"'q'", "63 bits"});
  // A broadcast dimension is fine to read, not to write.
  tensor = good;
  tensor.strides[1] = 0;
  EXPECT_OK(trySet(0, tensor, error));
  EXPECT_ERROR(trySet(2, tensor, error), ATTN_ERROR_INVALID_ARGUMENT,
               {"'o'", "dimension 1 of size 3 has stride 0"});
  tensor.dims[1] = 1;
  EXPECT_OK(trySet(2, tensor, error));
  EXPECT_ERROR(attn_binding_set_argument(binding.get(), 0, nullptr, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"tensor is NULL"});
}

TEST_F(BindingTest, FailedSetLeavesTheBinding) {
  EXPECT_NE(trySet(0, tensorOf(q, {2, 6, 32}), nullptr), ATTN_OK);
  EXPECT_NE(attn_binding_set_scalar_i64(binding.get(), 3, INT64_MAX, nullptr),
            ATTN_OK);
  EXPECT_OK(attn_binding_validate(binding.get(), error));
  int64_t flops = 0;
  EXPECT_OK(attn_binding_metric(binding.get(), "flops", &flops, error));
  EXPECT_EQ(flops, 3 * 5 * 9);
}

TEST_F(BindingTest, Scalars) {
  auto setInteger = [&](size_t index, int64_t value, attn_error *error) {
    return attn_binding_set_scalar_i64(binding.get(), index, value, error);
  };
  EXPECT_OK(setInteger(3, INT32_MIN, error));
  EXPECT_OK(setInteger(3, INT32_MAX, error));
  EXPECT_ERROR(setInteger(3, int64_t(INT32_MAX) + 1, error),
               ATTN_ERROR_INVALID_ARGUMENT,
               {"argument 3 'n'", "2147483648 does not fit i32"});
  EXPECT_ERROR(setInteger(3, int64_t(INT32_MIN) - 1, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"does not fit i32"});
  EXPECT_ERROR(setInteger(4, 2, error), ATTN_ERROR_INVALID_ARGUMENT,
               {"'flag'", "2 does not fit i1"});
  EXPECT_ERROR(setInteger(5, 1, error), ATTN_ERROR_INVALID_ARGUMENT,
               {"'scale'", "dtype i64, expected f64"});
  EXPECT_ERROR(setInteger(0, 1, error), ATTN_ERROR_INVALID_ARGUMENT,
               {"argument 0 'q' is a buffer"});
  EXPECT_ERROR(attn_binding_set_scalar_f32(binding.get(), 5, 1, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"dtype f32, expected f64"});
  EXPECT_ERROR(attn_binding_set_scalar_f64(binding.get(), 3, 1, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"dtype f64, expected i32"});
  EXPECT_ERROR(attn_binding_set_scalar_f32(binding.get(), 17, 1, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"no argument 17"});
}

TEST_F(BindingTest, MissingArguments) {
  Binding empty = makeBinding(program);
  int64_t dims[ATTN_MAX_RANK];
  int32_t rank;
  EXPECT_ERROR(attn_binding_validate(empty.get(), error),
               ATTN_ERROR_INVALID_ARGUMENT, {"argument 0 'q' is not set"});
  EXPECT_ERROR(
      attn_binding_infer_result_shape(empty.get(), 0, dims, &rank, error),
      ATTN_ERROR_INVALID_ARGUMENT, {"argument 0 'q' is not set"});
  EXPECT_ERROR(attn_launch(empty.get(), nullptr, 0, nullptr, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"argument 0 'q' is not set"});
  binding.swap(empty);
  set(0, tensorOf(q, {2, 3, 64}));
  set(1, tensorOf(k, {2, 5, 64}));
  set(2, tensorOf(o, {2, 3, 64}));
  EXPECT_ERROR(attn_binding_validate(binding.get(), error),
               ATTN_ERROR_INVALID_ARGUMENT, {"argument 3 'n' is not set"});
  EXPECT_EQ(setN(9), ATTN_OK);
  EXPECT_OK(attn_binding_set_scalar_i64(binding.get(), 4, 1, error));
  EXPECT_OK(attn_binding_set_scalar_f64(binding.get(), 5, 1, error));
  EXPECT_OK(
      attn_binding_infer_result_shape(binding.get(), 1, dims, &rank, error));
  EXPECT_ERROR(attn_binding_validate(binding.get(), error),
               ATTN_ERROR_INVALID_ARGUMENT, {"result 1 'lse' is not set"});
}

TEST_F(BindingTest, ResultShapes) {
  int64_t dims[ATTN_MAX_RANK];
  int32_t rank = -1;
  EXPECT_OK(
      attn_binding_infer_result_shape(binding.get(), 0, dims, &rank, error));
  EXPECT_EQ(std::vector<int64_t>(dims, dims + rank),
            (std::vector<int64_t>{2, 3, 64}));
  EXPECT_OK(
      attn_binding_infer_result_shape(binding.get(), 1, dims, &rank, error));
  EXPECT_EQ(std::vector<int64_t>(dims, dims + rank),
            (std::vector<int64_t>{2, 2}));
  EXPECT_ERROR(
      attn_binding_infer_result_shape(binding.get(), 2, dims, &rank, error),
      ATTN_ERROR_INVALID_ARGUMENT, {"no result 2"});

  // A result of another size, after one that was right.
  EXPECT_OK(attn_binding_validate(binding.get(), error));
  attn_tensor tensor = tensorOf(lse, {1, 4});
  EXPECT_OK(attn_binding_set_result(binding.get(), 1, &tensor, error));
  EXPECT_ERROR(attn_binding_validate(binding.get(), error),
               ATTN_ERROR_INVALID_ARGUMENT,
               {"result 1 'lse'", "dimension 0 is 1, expected 2", "[1,4]"});
  tensor = tensorOf(lse);
  EXPECT_ERROR(attn_binding_set_result(binding.get(), 1, &tensor, error),
               ATTN_ERROR_INVALID_ARGUMENT,
               {"result 1 'lse'", "rank 1, expected 2"});
  tensor = tensorOf(q, {2, 192});
  EXPECT_ERROR(attn_binding_set_result(binding.get(), 1, &tensor, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"dtype f32, expected f64"});
  tensor = tensorOf(o, {2, 3, 64});
  EXPECT_ERROR(attn_binding_set_result(binding.get(), 0, &tensor, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"result 0 'o'", "argument 2 'o'"});
  EXPECT_ERROR(attn_binding_set_result(binding.get(), 2, &tensor, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"no result 2"});
}

TEST_F(BindingTest, DestinationOfAnotherSize) {
  set(2, tensorOf(o, {2, 6, 32}));
  EXPECT_ERROR(attn_binding_validate(binding.get(), error),
               ATTN_ERROR_INVALID_ARGUMENT,
               {"argument 2 'o'", "dimension 1 is 6, expected 3"});
}

TEST_F(BindingTest, NegativeResultSize) {
  std::vector<float> none;
  set(0, tensorOf(none, {2, 0, 64}));
  set(2, tensorOf(none, {2, 0, 64}));
  EXPECT_ERROR(attn_binding_validate(binding.get(), error),
               ATTN_ERROR_INVALID_ARGUMENT,
               {"result 1 'lse'", "dimension 1", "negative size -1"});
}

TEST_F(BindingTest, Checks) {
  std::vector<float> longer(2 * 6 * 64);
  set(0, tensorOf(longer, {2, 6, 64}));
  set(2, tensorOf(longer, {2, 6, 64}));
  int64_t dims[ATTN_MAX_RANK];
  int32_t rank;
  for (bool infer : {false, true})
    EXPECT_ERROR(infer ? attn_binding_infer_result_shape(binding.get(), 1, dims,
                                                         &rank, error)
                       : attn_binding_validate(binding.get(), error),
                 ATTN_ERROR_INVALID_ARGUMENT,
                 {"rule x: more queries than keys (Sq = 6, Skv = 5)"});
}

TEST_F(BindingTest, ChecksOnResults) {
  std::vector<double> wide(8);
  attn_tensor tensor = tensorOf(wide, {2, 2});
  tensor.strides[0] = 4;
  tensor.strides[1] = 2;
  EXPECT_OK(attn_binding_set_result(binding.get(), 1, &tensor, error));
  EXPECT_ERROR(attn_binding_validate(binding.get(), error),
               ATTN_ERROR_INVALID_ARGUMENT, {"lse must be dense (stride = 2)"});
}

// A symbol that fails matters where it is used only.
TEST_F(BindingTest, FailingSymbol) {
  ASSERT_EQ(setN(3), ATTN_OK);
  EXPECT_OK(attn_binding_validate(binding.get(), error));
  ASSERT_EQ(setN(7), ATTN_OK);
  size_t bytes;
  EXPECT_OK(attn_binding_workspace_size(binding.get(), &bytes, nullptr, error));
}

TEST_F(BindingTest, Workspace) {
  size_t bytes = 0, alignment = 0;
  EXPECT_OK(
      attn_binding_workspace_size(binding.get(), &bytes, &alignment, error));
  // 12 bytes at 0, 100 at 256, 1 at the next multiple of 64.
  EXPECT_EQ(bytes, 385u);
  EXPECT_EQ(alignment, 256u);
  alignas(256) char memory[512];
  auto launch = [&](void *workspace, size_t size, attn_error *error) {
    return attn_launch(binding.get(), workspace, size, nullptr, error);
  };
  EXPECT_OK(launch(memory, 385, error));
  EXPECT_OK(launch(memory, 512, error));
  EXPECT_ERROR(launch(memory, 384, error), ATTN_ERROR_WORKSPACE_TOO_SMALL,
               {"384", "385"});
  EXPECT_ERROR(launch(nullptr, 0, error), ATTN_ERROR_WORKSPACE_TOO_SMALL,
               {"0 bytes", "385"});
  EXPECT_ERROR(launch(nullptr, 385, error), ATTN_ERROR_INVALID_ARGUMENT,
               {"NULL", "385"});
  EXPECT_ERROR(launch(memory + 64, 400, error), ATTN_ERROR_INVALID_ARGUMENT,
               {"aligned to 256"});
  EXPECT_ERROR(attn_launch(binding.get(), memory, 512, memory, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"streams"});
  ASSERT_EQ(setN(8), ATTN_OK);
  EXPECT_ERROR(
      attn_binding_workspace_size(binding.get(), &bytes, nullptr, error),
      ATTN_ERROR_INVALID_ARGUMENT, {"temporary 't1'", "-5"});
}

TEST_F(BindingTest, EstimatesAndMetrics) {
  int64_t fused = 0, standard = 0, flops = 0;
  EXPECT_OK(
      attn_binding_memory_estimate(binding.get(), &fused, &standard, error));
  EXPECT_EQ(fused, 12);
  EXPECT_EQ(standard, 120);
  EXPECT_OK(attn_binding_metric(binding.get(), "flops", &flops, error));
  EXPECT_EQ(flops, 135);
  EXPECT_ERROR(attn_binding_metric(binding.get(), "bytes", &flops, error),
               ATTN_ERROR_NOT_FOUND, {"'bytes'", "it has: flops"});
  Program plain = load(context, scaleJson);
  Binding other = makeBinding(plain);
  EXPECT_ERROR(
      attn_binding_memory_estimate(other.get(), &fused, &standard, error),
      ATTN_ERROR_NOT_FOUND, {"no memory estimate"});
  EXPECT_ERROR(attn_binding_metric(other.get(), "flops", &flops, error),
               ATTN_ERROR_NOT_FOUND, {"none"});
}

//===----------------------------------------------------------------------===//
// Handles, contexts, helpers
//===----------------------------------------------------------------------===//

TEST(ApiTest, NullHandles) {
  attn_context *context = nullptr;
  attn_program *program = nullptr;
  attn_binding *binding = nullptr;
  EXPECT_ERROR(attn_context_create(nullptr, nullptr, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"context is NULL"});
  EXPECT_ERROR(attn_program_load_memory(context, "x", 1, &program, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"context is NULL"});
  EXPECT_ERROR(attn_binding_create(program, &binding, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"program is NULL"});
  EXPECT_ERROR(attn_launch(binding, nullptr, 0, nullptr, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"binding is NULL"});
  EXPECT_EQ(attn_launch(binding, nullptr, 0, nullptr, nullptr),
            ATTN_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(attn_program_argument_count(nullptr), 0u);
  EXPECT_STREQ(attn_program_json(nullptr), "");
  attn_context_destroy(nullptr);
  attn_program_destroy(nullptr);
  attn_binding_destroy(nullptr);
  attn_error_destroy(nullptr);
  EXPECT_EQ(attn_error_code(nullptr), ATTN_OK);
  EXPECT_STREQ(attn_error_message(nullptr), "");
}

TEST(ApiTest, ContextOptions) {
  attn_context *context = nullptr;
  attn_context_options options = ATTN_CONTEXT_OPTIONS_INIT;
  options.backend = "tpu";
  EXPECT_ERROR(attn_context_create(&options, &context, error),
               ATTN_ERROR_NOT_FOUND, {"'tpu'", "cpu"});
  options = ATTN_CONTEXT_OPTIONS_INIT;
  options.threads = -1;
  EXPECT_ERROR(attn_context_create(&options, &context, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"-1 threads"});
  options = ATTN_CONTEXT_OPTIONS_INIT;
  options.device = 1;
  EXPECT_ERROR(attn_context_create(&options, &context, error),
               ATTN_ERROR_NOT_FOUND, {"device 1"});
  EXPECT_EQ(context, nullptr);
  Context three = makeContext(3);
  attn_context_info info = ATTN_CONTEXT_INFO_INIT;
  EXPECT_OK(attn_context_get_info(three.get(), &info, error));
  EXPECT_EQ(info.threads, 3);
  EXPECT_STREQ(info.backend, "cpu");
  EXPECT_NE(info.device[0], 0);
  Context usual = makeContext(0);
  EXPECT_OK(attn_context_get_info(usual.get(), &info, error));
  EXPECT_GE(info.threads, 1);
}

TEST(ApiTest, ErrorIsClearedBySuccess) {
  Error error;
  EXPECT_NE(attn_context_create(nullptr, nullptr, error), ATTN_OK);
  EXPECT_NE(error.message(), "");
  attn_context *context = nullptr;
  EXPECT_EQ(attn_context_create(nullptr, &context, error), ATTN_OK);
  EXPECT_EQ(error.code(), ATTN_OK);
  EXPECT_EQ(error.message(), "");
  attn_context_destroy(context);
}

TEST(ApiTest, TensorInit) {
  attn_tensor tensor;
  std::memset(&tensor, 0xee, sizeof tensor);
  float data[24];
  int64_t dims[] = {2, 3, 4};
  EXPECT_OK(attn_tensor_init(&tensor, data, ATTN_DTYPE_F32, 3, dims, error));
  EXPECT_EQ(tensor.strides[0], 12);
  EXPECT_EQ(tensor.strides[1], 4);
  EXPECT_EQ(tensor.strides[2], 1);
  EXPECT_OK(attn_tensor_init(&tensor, data, ATTN_DTYPE_F32, 0, nullptr, error));
  EXPECT_EQ(tensor.rank, 0);
  attn_tensor before = tensor;
  int64_t negative[] = {2, -3};
  EXPECT_ERROR(
      attn_tensor_init(&tensor, data, ATTN_DTYPE_F32, 2, negative, error),
      ATTN_ERROR_INVALID_ARGUMENT, {"dimension 1", "-3"});
  int64_t huge[] = {INT64_MAX / 2, 3};
  EXPECT_ERROR(attn_tensor_init(&tensor, data, ATTN_DTYPE_F32, 2, huge, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"2^63"});
  int64_t large[] = {INT64_MAX / 2};
  EXPECT_ERROR(attn_tensor_init(&tensor, data, ATTN_DTYPE_F32, 1, large, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"63 bits"});
  EXPECT_ERROR(attn_tensor_init(&tensor, data, ATTN_DTYPE_F32, 9, dims, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"rank 9"});
  EXPECT_ERROR(
      attn_tensor_init(&tensor, data, ATTN_DTYPE_INDEX, 1, dims, error),
      ATTN_ERROR_INVALID_ARGUMENT, {"not an element type"});
  EXPECT_ERROR(
      attn_tensor_init(&tensor, nullptr, ATTN_DTYPE_F32, 3, dims, error),
      ATTN_ERROR_INVALID_ARGUMENT, {"NULL"});
  EXPECT_EQ(std::memcmp(&before, &tensor, sizeof tensor), 0);
}

TEST(ApiTest, Names) {
  EXPECT_STREQ(attn_dtype_name(ATTN_DTYPE_BF16), "bf16");
  EXPECT_STREQ(attn_dtype_name(ATTN_DTYPE_NONE), "none");
  EXPECT_EQ(attn_dtype_size(ATTN_DTYPE_F64), 8u);
  EXPECT_EQ(attn_dtype_size(ATTN_DTYPE_I1), 1u);
  EXPECT_STREQ(attn_status_name(ATTN_ERROR_INTERNAL), "ATTN_ERROR_INTERNAL");
}

/// Lengths below 5, for each of which as many entries of a table, read from the
/// third element of its row on, are below 10.
const std::string contentsJson = makeJson(R"(
  "arguments":[
    {"name":"n","kind":"buffer","dtype":"i32","shape":["?"],"access":"read"},
    {"name":"table","kind":"buffer","dtype":"i64","shape":["?","?"],"access":"read"}],
  "results":[],"launches":[],
  "checks":[
    {"expr":["lt",["load","n",["mul",["index",0],["stride","n",0]]],5],
     "message":"too long","forall":[["dim","n",0]],
     "values":[{"name":"b","expr":["index",0]},
               {"name":"n","expr":["load","n",["mul",["index",0],["stride","n",0]]]}]},
    {"expr":["lt",["load","table",["add",2,["mul",["index",0],["stride","table",0]],["index",1]]],10],
     "message":"no such entry",
     "forall":[["dim","n",0],["load","n",["mul",["index",0],["stride","n",0]]]],
     "values":[{"name":"b","expr":["index",0]},{"name":"p","expr":["index",1]}]}])");

TEST(ContentsTest, EveryLaunch) {
  Context context = makeContext(1);
  Program program = load(context, contentsJson);
  Binding binding = makeBinding(program);
  // Every other element counts.
  std::vector<int32_t> lengths = {1, 99, 3, 99};
  std::vector<int64_t> table = {7, 7, 9, 50, 50, 50, 7, 7, 9, 9, 9, 50};
  attn_tensor n = tensorOf(lengths, {2}), entries = tensorOf(table, {2, 6});
  n.strides[0] = 2;
  EXPECT_OK(attn_binding_set_argument(binding.get(), 0, &n, error));
  EXPECT_OK(attn_binding_set_argument(binding.get(), 1, &entries, error));
  EXPECT_OK(attn_launch(binding.get(), nullptr, 0, nullptr, error));

  // Nothing is bound again: what tensors hold is checked in every launch.
  lengths[2] = 4;
  EXPECT_ERROR(attn_launch(binding.get(), nullptr, 0, nullptr, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"no such entry (b = 1, p = 3)"});
  lengths[2] = 5;
  EXPECT_ERROR(attn_launch(binding.get(), nullptr, 0, nullptr, error),
               ATTN_ERROR_INVALID_ARGUMENT, {"too long (b = 1, n = 5)"});
  // A length that no check has bounded cannot lead out of a buffer.
  lengths[2] = -3;
  EXPECT_OK(attn_launch(binding.get(), nullptr, 0, nullptr, error));
  // Nor does a row that there is not.
  lengths = {1, 1, 1, 99};
  n = tensorOf(lengths, {3});
  EXPECT_OK(attn_binding_set_argument(binding.get(), 0, &n, error));
  EXPECT_ERROR(attn_launch(binding.get(), nullptr, 0, nullptr, error),
               ATTN_ERROR_INVALID_ARGUMENT,
               {"element 14", "argument 1 'table'", "outside"});
}

/// Two outputs and an input that may be parts of one buffer.
const std::string overlapJson = makeJson(R"(
  "arguments":[
    {"name":"in","kind":"buffer","dtype":"f32","shape":["?","?"],"access":"read"},
    {"name":"out","kind":"buffer","dtype":"f32","shape":["?","?"],"access":"readwrite"}],
  "results":[{"name":"own","dtype":"i32","shape":[["dim","in",0]]}],"launches":[])");

/// [rows, cols] of f32 from `offset` on.
attn_tensor part(std::vector<float> &data, size_t offset, int64_t rows,
                 int64_t cols, int64_t rowStride, int64_t colStride = 1) {
  attn_tensor tensor = tensorOf(data, {int64_t(data.size())});
  tensor.data = data.data() + offset;
  tensor.rank = 2;
  tensor.dims[0] = rows, tensor.dims[1] = cols;
  tensor.strides[0] = rowStride, tensor.strides[1] = colStride;
  return tensor;
}

TEST(OverlapTest, PartsOfABuffer) {
  Context context = makeContext(1);
  Program program = load(context, overlapJson);
  std::vector<float> data(1000), other(1000);
  std::vector<int32_t> own(1000);
  auto validate = [&](attn_tensor in, attn_tensor out, Error &error) {
    Binding binding = makeBinding(program);
    attn_tensor result = tensorOf(own, {in.dims[0]});
    EXPECT_OK(attn_binding_set_argument(binding.get(), 0, &in, error));
    EXPECT_OK(attn_binding_set_argument(binding.get(), 1, &out, error));
    EXPECT_OK(attn_binding_set_result(binding.get(), 0, &result, error));
    return attn_binding_validate(binding.get(), error);
  };
  auto expectShared = [&](attn_tensor in, attn_tensor out) {
    EXPECT_ERROR(validate(in, out, error), ATTN_ERROR_INVALID_ARGUMENT,
                 {"argument 1 'out', which is written, shares memory with "
                  "argument 0 'in'"});
  };
  auto expectApart = [&](attn_tensor in, attn_tensor out) {
    EXPECT_OK(validate(in, out, error));
  };
  // Other memory, a part behind the other, rows that interleave, columns that
  // interleave, one of them backwards.
  expectApart(part(data, 0, 10, 10, 10), part(other, 0, 10, 10, 10));
  expectApart(part(data, 0, 10, 10, 10), part(data, 100, 10, 10, 10));
  expectApart(part(data, 0, 10, 10, 30), part(data, 20, 10, 10, 30));
  expectApart(part(data, 0, 10, 5, 10, 2), part(data, 1, 10, 5, 10, 2));
  expectApart(part(data, 0, 10, 5, 10, 2), part(data, 99, 10, 5, -10, -2));
  expectApart(part(data, 0, 10, 10, 10), part(data, 0, 0, 10, 10));
  // The same, one row, one element, other strides.
  expectShared(part(data, 0, 10, 10, 10), part(data, 0, 10, 10, 10));
  expectShared(part(data, 0, 10, 10, 10), part(data, 90, 10, 10, 10));
  expectShared(part(data, 0, 10, 10, 30), part(data, 9, 10, 10, 30));
  expectShared(part(data, 0, 10, 5, 10, 2), part(data, 98, 10, 5, -10, -2));
  expectShared(part(data, 0, 7, 1, 7), part(data, 0, 1, 3, 1, 5));
  // Rows of 10 at a distance of 9, columns and rows that meet.
  for (attn_tensor itself :
       {part(data, 0, 10, 10, 9), part(data, 0, 3, 5, 4, 2)})
    EXPECT_ERROR(validate(part(other, 0, 1, 1, 1), itself, error),
                 ATTN_ERROR_INVALID_ARGUMENT,
                 {"argument 1 'out': elements share memory", "strides"});
  // Strides need not nest to be apart.
  expectApart(part(other, 0, 1, 1, 1), part(data, 0, 2, 3, 3, 2));
}

// Destroying in any order: the binding keeps what it needs.
TEST(ApiTest, Lifetimes) {
  Context context = makeContext(2);
  Program program = load(context, scaleJson);
  Binding binding = makeBinding(program);
  context.reset();
  program.reset();
  std::vector<float> in = {1, 2}, out = {0, 0};
  attn_tensor tensor = tensorOf(in);
  EXPECT_OK(attn_binding_set_argument(binding.get(), 0, &tensor, error));
  EXPECT_OK(attn_binding_set_scalar_f32(binding.get(), 1, 2, error));
  tensor = tensorOf(out);
  EXPECT_OK(attn_binding_set_result(binding.get(), 0, &tensor, error));
  EXPECT_OK(attn_launch(binding.get(), nullptr, 0, nullptr, error));
  EXPECT_EQ(out, (std::vector<float>{2, 4}));
}

} // namespace
