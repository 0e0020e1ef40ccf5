// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Times artifacts of one attention function against each other on a machine
// without a compiler: f(q, k, v, o, lse) in bf16, launched in turns, so that
// what the machine does besides falls on all of them alike.
//
//   attn-race BATCH HEADS LENGTH HEAD ROUNDS ARTIFACT...
//
// Prints the median and the least time of a launch of each artifact, and what
// the outputs of the first two have in common.
#include "attn_runtime.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

attn_error *error;

/// Calls a function of the C API whose last argument is the error.
template <typename Function, typename... Values>
void call(Function function, Values... values) {
  if (function(values..., error) == ATTN_OK)
    return;
  std::fprintf(stderr, "attn-race: error: %s\n", attn_error_message(error));
  std::exit(2);
}

using Clock = std::chrono::steady_clock;

/// bf16 numbers between -1 and 1.
std::vector<uint16_t> randomNumbers(size_t count, uint32_t seed) {
  std::vector<uint16_t> numbers(count);
  for (uint16_t &number : numbers) {
    seed = seed * 1664525 + 1013904223;
    float value = float(int32_t(seed)) * 0x1p-31f;
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    number = uint16_t(bits >> 16);
  }
  return numbers;
}

struct Candidate {
  attn_program *program = nullptr;
  attn_binding *binding = nullptr;
  void *output = nullptr, *workspace = nullptr;
  size_t workspaceBytes = 0;
  std::vector<double> times; // microseconds of a launch
};

class Race {
public:
  Race(const int64_t (&shape)[4], int rounds);
  void add(const char *artifact);
  void run();
  void report(char **names);

private:
  attn_tensor tensor(void *data, attn_dtype dtype, int32_t rank) const;
  void *upload(uint32_t seed);
  double launch(Candidate &candidate, int count);

  attn_context *context = nullptr;
  int64_t shape[4];
  size_t elements;
  int rounds;
  void *inputs[3];
  std::vector<Candidate> candidates;
};

Race::Race(const int64_t (&wanted)[4], int rounds) : rounds(rounds) {
  std::copy(wanted, wanted + 4, shape);
  elements = size_t(shape[0] * shape[1] * shape[2] * shape[3]);
  attn_context_options options = ATTN_CONTEXT_OPTIONS_INIT;
  options.backend = "cuda";
  call(attn_context_create, &options, &context);
  for (uint32_t number = 0; number < 3; ++number)
    inputs[number] = upload(number + 1);
}

void *Race::upload(uint32_t seed) {
  void *memory = nullptr;
  std::vector<uint16_t> numbers = randomNumbers(elements, seed);
  call(attn_memory_allocate, context, elements * 2, &memory);
  call(attn_memory_copy_in, context, memory, numbers.data(), elements * 2,
       nullptr);
  return memory;
}

attn_tensor Race::tensor(void *data, attn_dtype dtype, int32_t rank) const {
  attn_tensor result;
  call(attn_tensor_init, &result, data, dtype, rank, shape);
  return result;
}

void Race::add(const char *artifact) {
  Candidate &candidate = candidates.emplace_back();
  call(attn_program_load_file, context, artifact, &candidate.program);
  call(attn_binding_create, candidate.program, &candidate.binding);
  void *lse = nullptr;
  call(attn_memory_allocate, context, elements * 2, &candidate.output);
  call(attn_memory_allocate, context, elements / size_t(shape[3]) * 4, &lse);
  void *buffers[] = {inputs[0], inputs[1], inputs[2], candidate.output};
  for (size_t index = 0; index < 4; ++index) {
    attn_tensor bound = tensor(buffers[index], ATTN_DTYPE_BF16, 4);
    call(attn_binding_set_argument, candidate.binding, index, &bound);
  }
  attn_tensor statistics = tensor(lse, ATTN_DTYPE_F32, 3);
  call(attn_binding_set_argument, candidate.binding, size_t(4), &statistics);
  size_t alignment = 1;
  call(attn_binding_workspace_size, candidate.binding,
       &candidate.workspaceBytes, &alignment);
  if (candidate.workspaceBytes)
    call(attn_memory_allocate, context, candidate.workspaceBytes,
         &candidate.workspace);
}

double Race::launch(Candidate &candidate, int count) {
  Clock::time_point begin = Clock::now();
  for (int number = 0; number < count; ++number)
    call(attn_launch, candidate.binding, candidate.workspace,
         candidate.workspaceBytes, nullptr);
  call(attn_stream_synchronize, context, nullptr);
  return std::chrono::duration<double, std::micro>(Clock::now() - begin)
             .count() /
         count;
}

void Race::run() {
  // So many that starting and waiting do not count.
  constexpr double leastMicroseconds = 20000;
  for (Candidate &candidate : candidates)
    launch(candidate, 3);
  int count = int(leastMicroseconds / launch(candidates[0], 5)) + 1;
  for (int round = 0; round < rounds; ++round)
    for (size_t number = 0; number < candidates.size(); ++number) {
      // The order alternates: none is always behind the same one.
      size_t turn = round % 2 ? candidates.size() - 1 - number : number;
      candidates[turn].times.push_back(launch(candidates[turn], count));
    }
}

void Race::report(char **names) {
  std::vector<std::vector<uint16_t>> outputs;
  for (size_t number = 0; number < candidates.size(); ++number) {
    Candidate &candidate = candidates[number];
    std::vector<uint16_t> &output = outputs.emplace_back(elements);
    call(attn_memory_copy_out, context, output.data(), candidate.output,
         elements * 2, nullptr);
    std::sort(candidate.times.begin(), candidate.times.end());
    double median = candidate.times[candidate.times.size() / 2];
    double first = candidates[0].times[candidates[0].times.size() / 2];
    std::printf("%s: median %.2f us, least %.2f us, %.4f of the first\n",
                names[number], median, candidate.times[0], median / first);
  }
  if (outputs.size() > 1)
    std::printf("the outputs of the first two have %s bits\n",
                outputs[0] == outputs[1] ? "the same" : "OTHER");
}

} // namespace

int main(int argc, char **argv) {
  if (argc < 7) {
    std::fprintf(stderr, "usage: attn-race BATCH HEADS LENGTH HEAD ROUNDS "
                         "ARTIFACT...\n");
    return 2;
  }
  error = attn_error_create();
  int64_t shape[4];
  for (int axis = 0; axis < 4; ++axis)
    shape[axis] = std::atoll(argv[1 + axis]);
  Race race(shape, std::atoi(argv[5]));
  for (int number = 6; number < argc; ++number)
    race.add(argv[number]);
  race.run();
  race.report(argv + 6);
  return 0;
}
