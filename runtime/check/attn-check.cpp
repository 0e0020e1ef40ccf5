// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs the cases that `attn-test --emit` wrote, on a machine without a
// compiler, and compares every element with what was expected. Each case is
// launched twice, with outputs and workspace full of ones in between, on
// memory with guards around it: what is not written, written elsewhere or not
// the same again is found. --spread lays batches that many elements apart.
//
// Exit codes: 0 all passed, 1 some failed, 2 bad command line or no device.
#include "attn/runtime/Half.h"
#include "attn/runtime/Handles.h"
#include "attn/runtime/Npy.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

using namespace attn::runtime;
using nlohmann::json;

namespace {

/// Why a case, or the whole run, cannot go on.
struct Problem {
  std::string message;
};

[[noreturn]] void fail(std::string message) {
  throw Problem{std::move(message)};
}

struct Arguments {
  /// Empty: the host.
  std::string backend;
  /// A number or, for Vulkan, a part of a name.
  std::string device;
  bool validation = false;
  std::string filter;
  std::string directory;
  /// Elements from one entry of the first dimension of a tensor to the next; 0:
  /// tensors are dense.
  size_t spread = 0;
  /// A line for every case goes here, as attn-test --results writes them.
  std::string results;
  bool verbose = false;
  bool overhead = false;
};

using attn::runtime::Handle;

class Api {
public:
  explicit Api(const Arguments &args);

  /// Calls a function of the C API whose last argument is the error.
  template <typename Function, typename... Values>
  void operator()(Function function, Values... values) const {
    if (function(values..., error.get()) != ATTN_OK)
      fail(attn_error_message(error.get()));
  }

  attn_context *get() const { return context.get(); }

private:
  Handle<attn_error> error{attn_error_create()};
  Handle<attn_context> context;
};

Api::Api(const Arguments &args) {
  attn_context_options options = ATTN_CONTEXT_OPTIONS_INIT;
  options.backend = args.backend.empty() ? nullptr : args.backend.c_str();
  options.validation = args.validation;
  char *end = nullptr;
  options.device = int32_t(std::strtol(args.device.c_str(), &end, 10));
  if (*end)
    options.device = 0, options.device_name = args.device.c_str();
  attn_context *opened = nullptr;
  (*this)(attn_context_create, &options, &opened);
  context.reset(opened);
  attn_context_info info = ATTN_CONTEXT_INFO_INIT;
  (*this)(attn_context_get_info, opened, &info);
  if (args.verbose)
    std::printf("on %s: %s\n", info.device, info.features);
}

/// Memory of the device with guards on both sides: of equal pieces, each one
/// `distance` bytes behind the one before it, all with guards.
class GuardedMemory {
public:
  GuardedMemory(const Api &api, size_t bytes)
      : GuardedMemory(api, bytes, 1, 0) {}
  GuardedMemory(const Api &api, size_t pieceBytes, size_t pieces,
                size_t distance)
      : api(api), pieceBytes(pieceBytes), pieces(pieces), distance(distance) {
    if (pieces > 1 && distance < pieceBytes + 2 * guard)
      fail("the pieces of a tensor would overlap");
    size_t last = pieces > 0 ? (pieces - 1) * distance + pieceBytes : 0;
    api(attn_memory_allocate, api.get(), last + 2 * guard, &memory);
    std::vector<char> pattern(pieceBytes + 2 * guard, mark);
    for (size_t piece = 0; piece < pieces; ++piece)
      copyIn(piece, 0, pattern.data(), pattern.size());
  }
  ~GuardedMemory() { attn_memory_free(api.get(), memory); }
  GuardedMemory(const GuardedMemory &) = delete;
  GuardedMemory &operator=(const GuardedMemory &) = delete;

  void *data() const { return at(0, guard); }
  void write(const std::vector<char> &contents) {
    for (size_t piece = 0; piece < pieces; ++piece)
      copyIn(piece, guard, contents.data() + piece * pieceBytes, pieceBytes);
  }
  void fill(char byte) { write(std::vector<char>(pieces * pieceBytes, byte)); }

  /// The contents; fails if a guard has been written to.
  std::vector<char> read(const std::string &who) const {
    auto isGuard = [](const char *begin) {
      return std::all_of(begin, begin + guard,
                         [](char byte) { return byte == mark; });
    };
    std::vector<char> contents, all(pieceBytes + 2 * guard);
    for (size_t piece = 0; piece < pieces; ++piece) {
      api(attn_memory_copy_out, api.get(), all.data(), at(piece, 0), all.size(),
          nullptr);
      if (!isGuard(all.data()) || !isGuard(all.data() + guard + pieceBytes))
        fail(who + ": something was written around it");
      contents.insert(contents.end(), all.begin() + guard, all.end() - guard);
    }
    return contents;
  }

private:
  char *at(size_t piece, size_t offset) const {
    return static_cast<char *>(memory) + piece * distance + offset;
  }
  void copyIn(size_t piece, size_t offset, const char *source, size_t bytes) {
    api(attn_memory_copy_in, api.get(), at(piece, offset), source, bytes,
        nullptr);
  }

  static constexpr size_t guard = 4096;
  static constexpr char mark = 0x5a;
  const Api &api;
  size_t pieceBytes, pieces, distance;
  void *memory = nullptr;
};

/// Element `n` of a dense array.
double valueAt(const std::vector<char> &bytes, attn_dtype dtype, size_t n) {
  auto load = [&](auto value) {
    std::memcpy(&value, bytes.data() + n * sizeof value, sizeof value);
    return value;
  };
  switch (dtype) {
  case ATTN_DTYPE_F16:
    return halfToFloat(load(uint16_t()));
  case ATTN_DTYPE_BF16:
    return bfloat16ToFloat(load(uint16_t()));
  case ATTN_DTYPE_F32:
    return load(float());
  case ATTN_DTYPE_F64:
    return load(double());
  case ATTN_DTYPE_I1:
  case ATTN_DTYPE_I8:
    return load(int8_t());
  case ATTN_DTYPE_I32:
    return load(int32_t());
  default:
    return double(load(int64_t()));
  }
}

attn_dtype dtypeOf(const NpyArray &array) {
  switch (array.type) {
  case NpyType::F2:
    return ATTN_DTYPE_F16;
  case NpyType::U2:
    return ATTN_DTYPE_BF16;
  case NpyType::F4:
    return ATTN_DTYPE_F32;
  case NpyType::F8:
    return ATTN_DTYPE_F64;
  case NpyType::B1:
    return ATTN_DTYPE_I1;
  case NpyType::I1:
    return ATTN_DTYPE_I8;
  case NpyType::I4:
    return ATTN_DTYPE_I32;
  default:
    return ATTN_DTYPE_I64;
  }
}

std::string placeOf(size_t linear, const std::vector<int64_t> &shape) {
  std::string text;
  for (size_t axis = shape.size(); axis-- > 0;) {
    text = std::to_string(int64_t(linear) % shape[axis]) +
           (text.empty() ? "" : ",") + text;
    linear = size_t(int64_t(linear) / shape[axis]);
  }
  return "[" + text + "]";
}

/// What an output of a case must be.
struct Expectation {
  std::string name;
  bool isArgument = false;
  size_t index = 0;
  NpyArray values;
  double absolute = 0, relative = 0;
  /// Whether NaN is due where it is expected; otherwise nothing is.
  bool promisesNaN = true;
};

/// The largest error as a share of what is allowed; fails above 1. What is not
/// finite is right only where the same is expected: it has no distance from
/// anything else.
double compare(const std::vector<char> &bytes, attn_dtype dtype,
               const Expectation &expected) {
  double worst = 0;
  attn_dtype wantedType = dtypeOf(expected.values);
  size_t count = size_t(expected.values.elementCount());
  if (bytes.size() != count * attn_dtype_size(dtype))
    fail(expected.name + " has " + std::to_string(bytes.size()) +
         " bytes, expected are " + std::to_string(count) + " elements");
  for (size_t n = 0; n < count; ++n) {
    double got = valueAt(bytes, dtype, n);
    double want = valueAt(expected.values.data, wantedType, n);
    if (got == want ||
        (std::isnan(want) && (std::isnan(got) || !expected.promisesNaN)))
      continue;
    double bound =
        expected.absolute + expected.relative * std::max(1.0, std::fabs(want));
    double error = std::fabs(got - want);
    bool comparable = std::isfinite(got) && std::isfinite(want);
    if (!comparable || !(error <= bound)) {
      char text[160];
      std::snprintf(text, sizeof text,
                    comparable ? "%.9g, expected %.9g, allowed %.3g"
                               : "%.9g, expected %.9g",
                    got, want, bound);
      fail(expected.name + " at " + placeOf(n, expected.values.shape) + ": " +
           text);
    }
    worst = std::max(worst, error / bound);
  }
  return worst;
}

class Case {
public:
  Case(const Api &api, const std::filesystem::path &file, const json &text,
       size_t spread);
  /// The largest error as a share of what is allowed.
  double run();
  /// Microseconds of the host that one more launch takes.
  double measureOverhead();

private:
  NpyArray read(const std::string &name) const;
  void bindArgument(size_t index, const std::string &file);
  void bindResults();
  attn_tensor makeTensor(std::unique_ptr<GuardedMemory> &memory,
                         attn_dtype dtype,
                         const std::vector<int64_t> &shape) const;
  void launch();
  void reset();
  attn_dtype outputType(const Expectation &expected) const;

  const Api &api;
  std::filesystem::path directory;
  size_t spread;
  Handle<attn_program> program;
  Handle<attn_binding> binding;
  std::vector<NpyArray> inputs;
  std::vector<std::unique_ptr<GuardedMemory>> arguments, results;
  std::unique_ptr<GuardedMemory> workspace;
  size_t workspaceBytes = 0;
  void *workspaceStart = nullptr;
  std::vector<Expectation> expectations;
};

NpyArray Case::read(const std::string &name) const {
  NpyArray array;
  std::string problem;
  if (!readNpy((directory / name).string(), array, problem))
    fail(problem);
  return array;
}

Case::Case(const Api &api, const std::filesystem::path &file, const json &text,
           size_t spread)
    : api(api), directory(file.parent_path()), spread(spread) {
  std::string artifact = directory / text.at("artifact").get<std::string>();
  attn_program *loaded = nullptr;
  api(attn_program_load_file, api.get(), artifact.c_str(), &loaded);
  program.reset(loaded);
  attn_binding *created = nullptr;
  api(attn_binding_create, loaded, &created);
  binding.reset(created);

  const json &files = text.at("arguments");
  if (files.size() != attn_program_argument_count(loaded))
    fail("has " + std::to_string(files.size()) +
         " arguments, the artifact has " +
         std::to_string(attn_program_argument_count(loaded)));
  for (size_t i = 0; i < files.size(); ++i)
    bindArgument(i, files[i].get<std::string>());
  bindResults();

  for (const json &output : text.at("outputs")) {
    Expectation expected;
    expected.isArgument = output.contains("argument");
    expected.index =
        output.at(expected.isArgument ? "argument" : "result").get<size_t>();
    expected.name = (expected.isArgument ? "argument " : "result ") +
                    std::to_string(expected.index);
    expected.values = read(output.at("expected").get<std::string>());
    expected.absolute = output.at("absolute").get<double>();
    expected.relative = output.at("relative").get<double>();
    expected.promisesNaN = output.value("promises_nan", true);
    expectations.push_back(std::move(expected));
  }

  size_t alignment = 1;
  api(attn_binding_workspace_size, binding.get(), &workspaceBytes, &alignment);
  if (workspaceBytes == 0)
    return;
  workspace =
      std::make_unique<GuardedMemory>(api, workspaceBytes + alignment - 1);
  auto address = reinterpret_cast<uintptr_t>(workspace->data());
  workspaceStart = reinterpret_cast<void *>((address + alignment - 1) /
                                            alignment * alignment);
}

/// A tensor in memory of its own. Those with a few batches of heads, rows and
/// columns are spread, if that is asked for.
attn_tensor Case::makeTensor(std::unique_ptr<GuardedMemory> &memory,
                             attn_dtype dtype,
                             const std::vector<int64_t> &shape) const {
  size_t bytes = attn_dtype_size(dtype);
  for (int64_t size : shape)
    bytes *= size_t(size);
  constexpr int64_t most = 4;
  bool isSpread =
      spread > 0 && shape.size() == 4 && shape[0] > 1 && shape[0] <= most;
  if (isSpread)
    memory = std::make_unique<GuardedMemory>(api, bytes / size_t(shape[0]),
                                             size_t(shape[0]),
                                             spread * attn_dtype_size(dtype));
  else
    memory = std::make_unique<GuardedMemory>(api, bytes);
  attn_tensor tensor;
  api(attn_tensor_init, &tensor, memory->data(), dtype, int32_t(shape.size()),
      shape.data());
  if (isSpread)
    tensor.strides[0] = int64_t(spread);
  return tensor;
}

void Case::bindArgument(size_t index, const std::string &file) {
  attn_argument_info info = ATTN_ARGUMENT_INFO_INIT;
  api(attn_program_argument, program.get(), index, &info);
  const NpyArray &array = inputs.emplace_back(read(file));
  std::unique_ptr<GuardedMemory> &memory = arguments.emplace_back();
  if (info.kind == ATTN_ARGUMENT_SCALAR) {
    double value = valueAt(array.data, dtypeOf(array), 0);
    if (info.dtype == ATTN_DTYPE_F32)
      api(attn_binding_set_scalar_f32, binding.get(), index, float(value));
    else if (info.dtype == ATTN_DTYPE_F64)
      api(attn_binding_set_scalar_f64, binding.get(), index, value);
    else
      api(attn_binding_set_scalar_i64, binding.get(), index, int64_t(value));
    return;
  }
  attn_tensor tensor = makeTensor(memory, dtypeOf(array), array.shape);
  memory->write(array.data);
  api(attn_binding_set_argument, binding.get(), index, &tensor);
}

void Case::bindResults() {
  for (size_t i = 0; i < attn_program_result_count(program.get()); ++i) {
    attn_result_info info = ATTN_RESULT_INFO_INIT;
    api(attn_program_result, program.get(), i, &info);
    std::unique_ptr<GuardedMemory> &memory = results.emplace_back();
    if (info.argument >= 0)
      continue;
    int64_t dims[ATTN_MAX_RANK];
    int32_t rank = 0;
    api(attn_binding_infer_result_shape, binding.get(), i, dims, &rank);
    attn_tensor tensor =
        makeTensor(memory, info.dtype, std::vector<int64_t>(dims, dims + rank));
    api(attn_binding_set_result, binding.get(), i, &tensor);
  }
}

/// Memory as before the first launch, but for a workspace that holds anything.
void Case::reset() {
  for (size_t i = 0; i < arguments.size(); ++i)
    if (arguments[i])
      arguments[i]->write(inputs[i].data);
  for (const std::unique_ptr<GuardedMemory> &result : results)
    if (result)
      result->fill('\xff');
  if (workspace)
    workspace->fill('\xff');
}

void Case::launch() {
  api(attn_launch, binding.get(), workspaceStart, workspaceBytes, nullptr);
}

attn_dtype Case::outputType(const Expectation &expected) const {
  if (expected.isArgument)
    return dtypeOf(inputs.at(expected.index));
  attn_result_info info = ATTN_RESULT_INFO_INIT;
  api(attn_program_result, program.get(), expected.index, &info);
  return info.dtype;
}

double Case::run() {
  double worst = 0;
  std::vector<std::vector<char>> first;
  for (int round = 0; round < 2; ++round) {
    reset();
    launch();
    api(attn_stream_synchronize, api.get(), nullptr);
    if (workspace)
      workspace->read("the workspace");
    for (size_t i = 0; i < expectations.size(); ++i) {
      const Expectation &expected = expectations[i];
      // A result may be the buffer of an argument.
      size_t argument = expected.index;
      bool isArgument = expected.isArgument;
      if (!isArgument && !results.at(expected.index)) {
        attn_result_info info = ATTN_RESULT_INFO_INIT;
        api(attn_program_result, program.get(), expected.index, &info);
        argument = size_t(info.argument);
        isArgument = true;
      }
      GuardedMemory &memory =
          isArgument ? *arguments.at(argument) : *results.at(expected.index);
      std::vector<char> bytes = memory.read(expected.name);
      if (round == 0) {
        worst = std::max(worst, compare(bytes, outputType(expected), expected));
        first.push_back(std::move(bytes));
      } else if (bytes != first[i]) {
        fail(expected.name + ": the second launch gives other bits");
      }
    }
  }
  return worst;
}

double Case::measureOverhead() {
  constexpr int rounds = 21, launches = 64;
  std::vector<double> times;
  for (int round = 0; round < rounds; ++round) {
    auto begin = std::chrono::steady_clock::now();
    for (int n = 0; n < launches; ++n)
      launch();
    std::chrono::duration<double, std::micro> elapsed =
        std::chrono::steady_clock::now() - begin;
    times.push_back(elapsed.count() / launches);
    api(attn_stream_synchronize, api.get(), nullptr);
  }
  std::sort(times.begin(), times.end());
  return times[rounds / 2];
}

const char help[] = R"(Checks compiled cases on a machine without a compiler.

USAGE: attn-check [options] <folder>

OPTIONS:

  --backend=<string> - cpu (default), cuda or vulkan
  --device=<string>  - The number or a part of the name of a GPU (vulkan)
  --filter=<string>  - Only cases with this in their name
  --help             - Display this
  --overhead         - Measure what a launch costs on the host
  --results=<file>   - Append a line for every case to this file: its name, a tab, passed or failed
  --spread=<count>   - Lay the batches of tensors this many elements apart
  --validation       - Have Vulkan's layers check what is called
  --verbose          - Print the name of every case and how near it was
  --version          - Display the version

EXAMPLES:

  attn-test --backend=cuda --chip=sm_90a --count=20 --emit=cases
      where the compiler is: cases, their inputs and expected outputs
  attn-check --backend=cuda cases
      where the GPU is: every element compared; exits with 1 if one is wrong
)";

size_t parseCount(const char *option, const std::string &text) {
  size_t count = 0;
  const char *end = text.data() + text.size();
  auto [rest, error] = std::from_chars(text.data(), end, count);
  if (error != std::errc() || rest != end)
    fail(std::string(option) + "=" + text + ": not a number of elements");
  return count;
}

Arguments parse(int argc, char **argv) {
  Arguments args;
  for (int i = 1; i < argc; ++i) {
    std::string text = argv[i];
    auto value = [&](const char *option) {
      std::string start = std::string("--") + option + "=";
      return text.rfind(start, 0) == 0 ? text.substr(start.size())
                                       : std::string();
    };
    if (text == "--help") {
      std::fputs(help, stdout);
      std::exit(0);
    }
    if (text == "--version") {
      std::puts("attn " ATTN_VERSION);
      std::exit(0);
    }
    if (text == "--verbose")
      args.verbose = true;
    else if (text == "--overhead")
      args.overhead = true;
    else if (text == "--validation")
      args.validation = true;
    else if (!value("device").empty())
      args.device = value("device");
    else if (!value("backend").empty())
      args.backend = value("backend");
    else if (!value("filter").empty())
      args.filter = value("filter");
    else if (!value("results").empty())
      args.results = value("results");
    else if (!value("spread").empty())
      args.spread = parseCount("--spread", value("spread"));
    else if (text.rfind("-", 0) == 0 || !args.directory.empty())
      fail("unknown argument '" + text + "' (see --help)");
    else
      args.directory = text;
  }
  if (args.directory.empty())
    fail("which folder? attn-test --emit=FOLDER writes one");
  return args;
}

std::vector<std::filesystem::path> findCases(const std::string &directory) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (const auto &entry :
       std::filesystem::directory_iterator(directory, error))
    if (entry.path().extension() == ".json")
      files.push_back(entry.path());
  if (error)
    fail(directory + ": " + error.message());
  if (files.empty())
    fail(directory + ": there are no cases");
  std::sort(files.begin(), files.end());
  return files;
}

/// Prints what happens; true if the case passed.
bool runCase(const Arguments &args, const Api &api,
             const std::filesystem::path &file, const std::string &name,
             const json &text) {
  try {
    Case test(api, file, text, args.spread);
    double worst = test.run();
    if (args.verbose)
      std::printf("%s: %.2f of what is allowed\n", name.c_str(), worst);
    if (args.overhead)
      std::printf("%s: %.2f us a launch on the host\n", name.c_str(),
                  test.measureOverhead());
    std::fflush(stdout);
    return true;
  } catch (const Problem &problem) {
    std::printf("FAILED %s (%s): %s\n", name.c_str(), file.filename().c_str(),
                problem.message.c_str());
  } catch (const std::exception &problem) {
    std::printf("FAILED %s: %s\n", name.c_str(), problem.what());
  }
  std::fflush(stdout);
  return false;
}

int run(const Arguments &args) {
  Api api(args);
  size_t passed = 0, failed = 0;
  std::ofstream results;
  if (!args.results.empty()) {
    results.open(args.results, std::ios::app);
    if (!results)
      fail(args.results + ": cannot be written");
  }
  for (const std::filesystem::path &file : findCases(args.directory)) {
    std::ifstream stream(file);
    json text = json::parse(stream, nullptr, /*allow_exceptions=*/false);
    if (!text.is_object() || !text.contains("name"))
      fail(file.string() + ": is not a case");
    std::string name = text["name"].get<std::string>();
    if (name.find(args.filter) == std::string::npos)
      continue;
    bool right = runCase(args, api, file, name, text);
    ++(right ? passed : failed);
    if (results.is_open())
      results << name << '\t' << (right ? "passed" : "failed") << std::endl;
  }
  if (results.is_open() && !results)
    fail(args.results + ": cannot be written");
  if (!passed && !failed)
    fail("no case is called like '" + args.filter + "'");
  std::printf("%zu passed, %zu failed\n", passed, failed);
  return failed ? 1 : 0;
}

} // namespace

int main(int argc, char **argv) {
  try {
    return run(parse(argc, argv));
  } catch (const Problem &problem) {
    std::fprintf(stderr, "attn-check: error: %s\n", problem.message.c_str());
  } catch (const std::exception &problem) {
    std::fprintf(stderr, "attn-check: error: %s\n", problem.what());
  }
  return 2;
}
