// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Times an artifact on a machine without a compiler, and compares what it
// computes with the variant for CPUs in the same artifact, if there is one.
//
//   attn-time [--backend=vulkan] [--device=NUMBER|NAME] [--validation]
//             [--seconds=0.3] [--sets=1] [--recorded=N] [--flops=N]
//             [--bytes=N] [--name=TEXT] ARTIFACT ARGUMENT...
//
// An argument is the shape of a tensor, "1x16x4096x128", filled with random
// numbers (integers: "16=8192" sets all to 8192), or a scalar, "=3". --sets
// makes that many copies of all tensors and launches on them in turn, so that a
// decoding step does not find its keys in the cache.
//
// Prints one JSON object: microseconds of a launch by the device's timestamps
// (smallest, median, largest round) where it has them, and by the host's clock
// over launches in flight; TFLOP/s and GB/s from the median of the former. With
// --recorded (Vulkan alone), N launches are recorded into one command buffer,
// one after the other: a N-th of the time that it takes by the host's clock,
// and TFLOP/s and GB/s from that.
#include "VulkanRecorder.h"

#include "Failure.h"
#include "attn/runtime/Half.h"
#include "attn/runtime/Handles.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

using namespace attn::runtime;

namespace {

attn_error *error;

/// Calls a function of the C API whose last argument is the error.
template <typename Function, typename... Values>
void call(Function function, Values... values) {
  if (function(values..., error) == ATTN_OK)
    return;
  std::fprintf(stderr, "attn-time: error: %s\n", attn_error_message(error));
  std::exit(2);
}

double now() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

struct Options {
  std::string backend = "vulkan", device, name;
  bool validation = false;
  double seconds = 0.3, flops = 0, bytes = 0;
  size_t sets = 1, recorded = 0;
  std::string artifact;
  std::vector<std::string> arguments;
};

/// An argument of the command line.
struct Argument {
  std::vector<int64_t> shape;
  bool isSet = false;
  int64_t value = 0;
};

Argument parseArgument(const std::string &text) {
  Argument argument;
  size_t equals = text.find('=');
  if (equals != std::string::npos) {
    argument.isSet = true;
    argument.value = std::atoll(text.c_str() + equals + 1);
  }
  std::string sizes = text.substr(0, equals);
  for (const char *at = sizes.c_str(); *at;) {
    char *end;
    argument.shape.push_back(std::strtoll(at, &end, 10));
    at = *end == 'x' ? end + 1 : end;
    if (*end && *end != 'x') {
      std::fprintf(stderr, "attn-time: error: '%s' is no shape\n",
                   text.c_str());
      std::exit(2);
    }
  }
  return argument;
}

/// Numbers of a normal distribution, roughly, the same for the same seed.
class Random {
public:
  explicit Random(uint64_t seed) : state(seed * 2 + 1) {}
  float next() {
    float sum = 0;
    for (int n = 0; n < 4; ++n) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      sum += float(int32_t(state >> 32)) * 0x1p-31f;
    }
    return sum * 0.866f;
  }

private:
  uint64_t state;
};

std::vector<char> makeValues(const Argument &argument, attn_dtype dtype,
                             uint64_t seed) {
  size_t count = 1;
  for (int64_t size : argument.shape)
    count *= size_t(size);
  std::vector<char> bytes(count * attn_dtype_size(dtype));
  Random random(seed);
  for (size_t n = 0; n < count; ++n) {
    char *at = &bytes[n * attn_dtype_size(dtype)];
    auto put = [at](auto value) { std::memcpy(at, &value, sizeof value); };
    switch (dtype) {
    case ATTN_DTYPE_F16:
      put(floatToHalf(random.next()));
      break;
    case ATTN_DTYPE_BF16:
      put(floatToBfloat16(random.next()));
      break;
    case ATTN_DTYPE_F32:
      put(random.next());
      break;
    case ATTN_DTYPE_F64:
      put(double(random.next()));
      break;
    case ATTN_DTYPE_I64:
      put(argument.value);
      break;
    case ATTN_DTYPE_I32:
      put(int32_t(argument.value));
      break;
    default:
      put(int8_t(argument.value));
    }
  }
  return bytes;
}

float valueAt(const std::vector<char> &bytes, attn_dtype dtype, size_t n) {
  uint16_t half;
  float single;
  switch (dtype) {
  case ATTN_DTYPE_F16:
    std::memcpy(&half, &bytes[n * 2], 2);
    return halfToFloat(half);
  case ATTN_DTYPE_BF16:
    std::memcpy(&half, &bytes[n * 2], 2);
    return bfloat16ToFloat(half);
  case ATTN_DTYPE_F32:
    std::memcpy(&single, &bytes[n * 4], 4);
    return single;
  default:
    return 0;
  }
}

/// A program on a backend, bound to one set of tensors or several.
class Runner {
public:
  Runner(const Options &options, const std::string &backend, size_t sets);
  void launch(size_t set) {
    call(attn_launch, bindings[set].get(), workspace, workspaceBytes, nullptr);
  }
  void wait() { call(attn_stream_synchronize, context.get(), nullptr); }
  /// Microseconds of the last launch of a set; negative where nobody knows.
  double deviceTime(size_t set) {
    double time;
    return attn_binding_device_time(bindings[set].get(), &time, nullptr) ==
                   ATTN_OK
               ? time
               : -1;
  }
  struct Output {
    std::vector<char> bytes;
    attn_dtype dtype;
  };
  std::vector<Output> read();
  /// Records launches on all sets in turn, for `submit`.
  void record(size_t launches);
  void submit() { recorder->run(); }
  std::string device, reason;

private:
  void bind(const Options &options, uint64_t seed);
  void *upload(const std::vector<char> &bytes);

  std::unique_ptr<attn::bench::VulkanRecorder>
      recorder; // null: the runtime's own device
  Handle<attn_context> context;
  Handle<attn_program> program;
  std::vector<Handle<attn_binding>> bindings;
  struct Written {
    void *memory;
    size_t bytes;
    attn_dtype dtype;
  };
  std::vector<Written> written; // of the first set
  void *workspace = nullptr;
  size_t workspaceBytes = 0;
};

Runner::Runner(const Options &options, const std::string &backend,
               size_t sets) {
  attn_context_options wanted = ATTN_CONTEXT_OPTIONS_INIT;
  wanted.backend = backend.c_str();
  if (backend != "cpu") {
    wanted.validation = options.validation;
    char *end = nullptr;
    wanted.device = int32_t(std::strtol(options.device.c_str(), &end, 10));
    if (*end)
      wanted.device = 0, wanted.device_name = options.device.c_str();
  }
  attn_context *opened = nullptr;
  if (options.recorded && backend == "vulkan") {
    recorder = std::make_unique<attn::bench::VulkanRecorder>(options.device);
    attn_vulkan_device given = recorder->describe();
    call(attn_context_create_vulkan, &given, nullptr, &opened);
  } else {
    call(attn_context_create, &wanted, &opened);
  }
  context.reset(opened);
  attn_context_info info = ATTN_CONTEXT_INFO_INIT;
  call(attn_context_get_info, opened, &info);
  device = info.device;
  attn_program *loaded = nullptr;
  call(attn_program_load_file, opened, options.artifact.c_str(), &loaded);
  program.reset(loaded);
  reason = attn_program_reason(loaded);
  for (size_t set = 0; set < sets; ++set)
    bind(options, set);
  size_t alignment = 1;
  call(attn_binding_workspace_size, bindings[0].get(), &workspaceBytes,
       &alignment);
  if (workspaceBytes)
    call(attn_memory_allocate, opened, workspaceBytes, &workspace);
}

void *Runner::upload(const std::vector<char> &bytes) {
  void *memory = nullptr;
  call(attn_memory_allocate, context.get(), std::max<size_t>(bytes.size(), 1),
       &memory);
  call(attn_memory_copy_in, context.get(), memory, bytes.data(), bytes.size(),
       nullptr);
  return memory;
}

void Runner::bind(const Options &options, uint64_t seed) {
  attn_binding *created = nullptr;
  call(attn_binding_create, program.get(), &created);
  bindings.emplace_back(created);
  size_t count = attn_program_argument_count(program.get());
  if (count != options.arguments.size()) {
    std::fprintf(stderr, "attn-time: error: the artifact has %zu arguments\n",
                 count);
    std::exit(2);
  }
  for (size_t index = 0; index < count; ++index) {
    attn_argument_info info = ATTN_ARGUMENT_INFO_INIT;
    call(attn_program_argument, program.get(), index, &info);
    Argument argument = parseArgument(options.arguments[index]);
    if (info.kind == ATTN_ARGUMENT_SCALAR) {
      call(attn_binding_set_scalar_i64, created, index, argument.value);
      continue;
    }
    bool isWritten = info.access != ATTN_ACCESS_READ;
    std::vector<char> values =
        makeValues(argument, info.dtype, seed * 16 + index);
    if (isWritten)
      std::fill(values.begin(), values.end(), '\xff'); // NaN
    attn_tensor tensor;
    call(attn_tensor_init, &tensor, upload(values), info.dtype,
         int32_t(argument.shape.size()), argument.shape.data());
    call(attn_binding_set_argument, created, index, &tensor);
    if (isWritten && seed == 0)
      written.push_back({tensor.data, values.size(), info.dtype});
  }
}

void Runner::record(size_t launches) {
  void *commands = recorder->begin();
  for (size_t n = 0; n < launches; ++n)
    call(attn_launch, bindings[n % bindings.size()].get(), workspace,
         workspaceBytes, commands);
  recorder->end();
}

std::vector<Runner::Output> Runner::read() {
  std::vector<Output> outputs;
  for (const Written &one : written) {
    Output &output = outputs.emplace_back();
    output.dtype = one.dtype;
    output.bytes.resize(one.bytes);
    call(attn_memory_copy_out, context.get(), output.bytes.data(), one.memory,
         one.bytes, nullptr);
  }
  return outputs;
}

/// |a - b| / |b| over all outputs; NaN where a number is missing.
double compare(const std::vector<Runner::Output> &a,
               const std::vector<Runner::Output> &b) {
  double difference = 0, norm = 0;
  for (size_t output = 0; output < a.size(); ++output) {
    attn_dtype dtype = a[output].dtype;
    size_t count = a[output].bytes.size() / attn_dtype_size(dtype);
    for (size_t n = 0; n < count; ++n) {
      double x = valueAt(a[output].bytes, dtype, n);
      double y = valueAt(b[output].bytes, dtype, n);
      difference += x == y ? 0 : (x - y) * (x - y);
      norm += std::isfinite(y) ? y * y : 0;
    }
  }
  return std::sqrt(difference / std::max(norm, 1e-300));
}

bool holdsCPU(const std::string &path) {
  attn_artifact *opened = nullptr;
  call(attn_artifact_open_file, path.c_str(), &opened);
  Handle<attn_artifact> artifact(opened);
  for (size_t n = 0; n < attn_artifact_variant_count(opened); ++n) {
    attn_variant_info info = ATTN_VARIANT_INFO_INIT;
    call(attn_artifact_variant, opened, n, &info);
    if (std::string(info.target) == "cpu")
      return true;
  }
  return false;
}

struct Times {
  std::vector<double> device, host, recorded; // microseconds, one a round
};

/// Of launches that were recorded together, while the device is warm.
void measureRecorded(Runner &runner, const Options &options, Times &times) {
  constexpr size_t fewestRounds = 5;
  runner.record(options.recorded);
  runner.submit();
  double start = now();
  while (times.recorded.size() < fewestRounds ||
         now() - start < options.seconds) {
    double begin = now();
    runner.submit();
    times.recorded.push_back((now() - begin) * 1e6 / double(options.recorded));
  }
}

/// GPUs slow down when they idle: rounds go on until three agree.
Times measure(Runner &runner, const Options &options) {
  constexpr double roundSeconds = 0.03, agreement = 1.02;
  Times times;
  runner.launch(0);
  runner.wait();
  double start = now();
  runner.launch(0);
  runner.wait();
  double once = std::max(now() - start, 1e-6);
  size_t count = std::max<size_t>(size_t(roundSeconds / once), options.sets);
  start = now();
  bool isWarm = false;
  while (true) {
    double begin = now();
    for (size_t n = 0; n < count; ++n)
      runner.launch(n % options.sets);
    runner.wait();
    times.host.push_back((now() - begin) * 1e6 / double(count));
    times.device.push_back(runner.deviceTime((count - 1) % options.sets));
    if (!isWarm && now() - start > 3 * options.seconds) {
      isWarm = true;
      times = Times();
      start = now();
      continue;
    }
    size_t rounds = times.host.size();
    if (!isWarm || rounds < 3 || now() - start < options.seconds)
      continue;
    auto [low, high] =
        std::minmax_element(times.host.end() - 3, times.host.end());
    if (*high <= *low * agreement || now() - start > 4 * options.seconds)
      return times;
  }
}

void printRange(const char *name, std::vector<double> times) {
  std::sort(times.begin(), times.end());
  std::printf(", \"%s\": {\"min\": %.2f, \"median\": %.2f, \"max\": %.2f}",
              name, times.front(), times[times.size() / 2], times.back());
}

double medianOf(std::vector<double> times) {
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

Options parse(int argc, char **argv) {
  Options options;
  for (int n = 1; n < argc; ++n) {
    std::string text = argv[n];
    auto value = [&](const char *option) -> const char * {
      std::string start = std::string("--") + option + "=";
      return text.rfind(start, 0) == 0 ? text.c_str() + start.size() : nullptr;
    };
    if (text == "--validation")
      options.validation = true;
    else if (const char *given = value("backend"))
      options.backend = given;
    else if (const char *given = value("device"))
      options.device = given;
    else if (const char *given = value("name"))
      options.name = given;
    else if (const char *given = value("seconds"))
      options.seconds = std::atof(given);
    else if (const char *given = value("sets"))
      options.sets = size_t(std::max(std::atoi(given), 1));
    else if (const char *given = value("recorded"))
      options.recorded = size_t(std::max(std::atoi(given), 0));
    else if (const char *given = value("flops"))
      options.flops = std::atof(given);
    else if (const char *given = value("bytes"))
      options.bytes = std::atof(given);
    else if (text.rfind("--", 0) == 0) {
      std::fprintf(stderr, "attn-time: error: unknown option %s\n", argv[n]);
      std::exit(2);
    } else if (options.artifact.empty())
      options.artifact = text;
    else
      options.arguments.push_back(text);
  }
  if (options.recorded && (options.backend != "vulkan" || options.validation)) {
    std::fprintf(stderr, "attn-time: error: launches are recorded on Vulkan, "
                         "without its validation layer\n");
    std::exit(2);
  }
  if (options.artifact.empty()) {
    std::fprintf(stderr, "usage: attn-time [OPTION...] ARTIFACT ARGUMENT...\n");
    std::exit(2);
  }
  return options;
}

} // namespace

static int run(const Options &options) {
  Runner runner(options, options.backend, options.sets);
  std::printf("{\"name\": \"%s\", \"device\": \"%s\", \"variant\": \"%s\"",
              options.name.empty() ? options.artifact.c_str()
                                   : options.name.c_str(),
              runner.device.c_str(), runner.reason.c_str());
  runner.launch(0);
  runner.wait();
  bool isRight = true;
  if (holdsCPU(options.artifact)) {
    // One rounding of 16 bits and the order of sums.
    constexpr double allowed = 5e-3;
    Runner reference(options, "cpu", 1);
    reference.launch(0);
    double off = compare(runner.read(), reference.read());
    isRight = off <= allowed;
    std::printf(", \"relative_error\": %.2e, \"right\": %s", off,
                isRight ? "true" : "false");
  }
  Times times = measure(runner, options);
  if (options.recorded)
    measureRecorded(runner, options, times);
  bool hasDevice = times.device.front() > 0;
  if (hasDevice)
    printRange("device_us", times.device);
  printRange("host_us", times.host);
  if (options.recorded)
    printRange("recorded_us", times.recorded);
  double median = medianOf(options.recorded ? times.recorded
                           : hasDevice      ? times.device
                                            : times.host);
  if (options.flops > 0)
    std::printf(", \"tflops\": %.2f", options.flops / median * 1e-6);
  if (options.bytes > 0)
    std::printf(", \"gbps\": %.1f", options.bytes / median * 1e-3);
  std::printf("}\n");
  return isRight ? 0 : 1;
}

int main(int argc, char **argv) {
  error = attn_error_create();
  try {
    return run(parse(argc, argv));
  } catch (const Failure &failure) {
    std::fprintf(stderr, "attn-time: error: %s\n", failure.message.c_str());
    return 2;
  }
}
