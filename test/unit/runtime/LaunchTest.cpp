// Launching real code on the CPU: every grid point once, in order across
// launches, with temporaries, strides, scalars, narrowing and from several
// threads at once.
#include "TestArtifact.h"

#include <algorithm>
#include <cfenv>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <pthread.h>
#include <thread>

using namespace attn::test;

namespace {

class LaunchTest : public ::testing::TestWithParam<int32_t> {
protected:
  Context context = makeContext(GetParam());
};
INSTANTIATE_TEST_SUITE_P(Threads, LaunchTest, ::testing::Values(1, 2, 3));

const std::string countJson = makeJson(R"(
  "arguments":[{"name":"out","kind":"buffer","dtype":"i32","access":"write",
                "shape":["?","?","?"]}],
  "results":[],
  "launches":[{"kernel":"count_points","code":"code/cpu",
    "grid":[["dim","out",2],["dim","out",1],["dim","out",0]],
    "args":[{"buffer":"out"},{"value":["dim","out",2],"type":"i64"},
            {"value":["dim","out",1],"type":"i64"}]}])");

TEST_P(LaunchTest, EveryPointRunsOnce) {
  Program program = load(context, countJson);
  Binding binding = makeBinding(program);
  for (auto [z, y, x] : {std::array<int64_t, 3>{1, 1, 1},
                         {3, 5, 7},
                         {1, 1, 1000},
                         {100, 1, 1},
                         {2, 300, 1}}) {
    std::vector<int32_t> counts(size_t(x * y * z), 0);
    attn_tensor out = tensorOf(counts, {z, y, x});
    EXPECT_OK(attn_binding_set_argument(binding.get(), 0, &out, error));
    EXPECT_OK(attn_launch(binding.get(), nullptr, 0, nullptr, error));
    EXPECT_EQ(counts, std::vector<int32_t>(counts.size(), 1));
    EXPECT_OK(attn_launch(binding.get(), nullptr, 0, nullptr, error));
    EXPECT_EQ(counts, std::vector<int32_t>(counts.size(), 2));
  }
}

TEST_P(LaunchTest, EmptyGridIsSkipped) {
  Program program = load(context, countJson);
  Binding binding = makeBinding(program);
  attn_tensor out{};
  out.dtype = ATTN_DTYPE_I32;
  out.rank = 3;
  out.dims[0] = 4, out.dims[1] = 0, out.dims[2] = 4;
  EXPECT_OK(attn_binding_set_argument(binding.get(), 0, &out, error));
  EXPECT_OK(attn_launch(binding.get(), nullptr, 0, nullptr, error));
}

} // namespace
