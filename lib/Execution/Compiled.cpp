//===- Compiled.cpp - Functions that a target compiled --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiles to an artifact in memory and runs that through the runtime's C API,
// as any program without a compiler would.
//
//===----------------------------------------------------------------------===//

#include "Compiled.h"
#include "MetalShim/Driver.h"
#include "Strides.h"

#include "attn/Dialect/Attn/ArgumentNames.h"
#include "attn/Execution/RandomInputs.h"
#include "attn/Reference/Interpreter.h"
#include "attn/Target/Compile.h"
#include "attn/Target/Target.h"
#include "attn/runtime/Handles.h"

#include "mlir/IR/BuiltinOps.h"

using namespace mlir;
using namespace attn;
using namespace attn::execution;
namespace json = llvm::json;

namespace {

using ErrorHandle = runtime::Handle<attn_error>;
using ContextHandle = runtime::Handle<attn_context>;
using ProgramHandle = runtime::Handle<attn_program>;
using BindingHandle = runtime::Handle<attn_binding>;

/// Memory of a context.
struct Release {
  attn_context *context;
  void operator()(void *memory) const { attn_memory_free(context, memory); }
};
using MemoryHandle = std::unique_ptr<void, Release>;

attn_dtype getDtype(Type type) {
  if (type.isF32())
    return ATTN_DTYPE_F32;
  if (type.isF16())
    return ATTN_DTYPE_F16;
  if (type.isBF16())
    return ATTN_DTYPE_BF16;
  if (type.isF64())
    return ATTN_DTYPE_F64;
  if (type.isInteger(1))
    return ATTN_DTYPE_I1;
  if (type.isInteger(8))
    return ATTN_DTYPE_I8;
  if (type.isInteger(32))
    return ATTN_DTYPE_I32;
  if (type.isInteger(64))
    return ATTN_DTYPE_I64;
  return type.isIndex() ? ATTN_DTYPE_INDEX : ATTN_DTYPE_NONE;
}

/// A program of the runtime.
class Compiled : public Executable {
public:
  explicit Compiled(func::FuncOp function)
      : function(function), outputs(reference::getOutputs(function)),
        error(attn_error_create()) {}

  LogicalResult load(const BackendOptions &options);
  LogicalResult bind(ArrayRef<Tensor> inputs) override;
  LogicalResult launch() override;
  FailureOr<SmallVector<Tensor>> getOutputs() override;
  json::Object describe() const override;
  int64_t getTemporaryBytes() const override { return workspaceBytes; }
  ScheduleAttr getSchedule() const override { return report.schedule; }
  SmallVector<ScheduleAttr> listSchedules() const override {
    if (!report.schedule)
      return {};
    return target->listSchedules(report.schedule, report.machine);
  }
  StringRef getBackend() const override {
    return isEmulated ? target->getHost()->backend : target->getName();
  }
  StringRef getBaseline() const override { return target->getBaseline(); }

private:
  /// Diagnoses what the C API says went wrong.
  LogicalResult check(attn_status status) {
    if (status == ATTN_OK)
      return success();
    return function.emitError() << attn_error_message(error.get());
  }
  LogicalResult openContext(const BackendOptions &options);
  /// A tensor of the device with the contents of `tensor`.
  LogicalResult copyIn(Type type, const Tensor &tensor, attn_tensor &result);
  LogicalResult copyOut(Type type, const attn_tensor &source, Tensor &tensor);
  FailureOr<void *> allocate(size_t bytes);
  LogicalResult bindArgument(size_t index, Type type);
  LogicalResult bindResult(size_t index, Type type);

  func::FuncOp function;
  /// What was compiled for.
  const Target *target = nullptr;
  bool isEmulated = false;
  /// What the device asks for; empty: the target's own choice.
  std::string chip;
  SmallVector<reference::Output> outputs;
  uint64_t strideSeed = 0;
  CompileReport report;
  size_t artifactBytes = 0;
  ErrorHandle error;
  ContextHandle context;
  ProgramHandle program;
  BindingHandle binding;
  /// What the binding refers to, and copies on the host.
  SmallVector<MemoryHandle> memory;
  SmallVector<attn_tensor> boundArguments, boundResults;
  SmallVector<Tensor> arguments, results;
  void *workspace = nullptr;
  size_t workspaceBytes = 0;
};

} // namespace

/// The device that runs what is compiled for `target`, and the chip to compile
/// for; null, with the reason in `problem`, if there is none.
static ContextHandle openDevice(const Target &target,
                                const BackendOptions &wanted, attn_error *error,
                                std::string &chip, std::string &problem,
                                bool takesProcessors = true) {
  if (target.getBackend().empty()) {
    problem =
        ("the runtime has no backend for the target " + target.getName()).str();
    return nullptr;
  }
  std::string backend = target.getBackend().str();
  attn_context_options options = ATTN_CONTEXT_OPTIONS_INIT;
  options.backend = backend.c_str();
  options.threads = target.isHost() ? wanted.threads : 0;
  options.validation = wanted.validates;
  if (!wanted.device.empty() &&
      !llvm::to_integer(wanted.device, options.device))
    options.device_name = wanted.device.c_str();
  attn_context *opened = nullptr;
  attn_context_info info = ATTN_CONTEXT_INFO_INIT;
  attn_status status = attn_context_create(&options, &opened, error);
  ContextHandle context(opened);
  if (status == ATTN_OK)
    status = attn_context_get_info(opened, &info, error);
  if (status != ATTN_OK) {
    problem = attn_error_message(error);
    return nullptr;
  }
  // Better used as what it is, by the target for the host.
  if (info.is_processor && !target.isHost() && !takesProcessors) {
    problem = (Twine("the device (") + info.device + ") is a processor").str();
    return nullptr;
  }
  chip = target.chooseChip(info.features);
  if (!chip.empty())
    return context;
  problem = (Twine("kernels are compiled for chips from ") +
             target.getChips().front() + " on; the device (" + info.device +
             ") is " + info.features)
                .str();
  return nullptr;
}

/// Whether `backend` is what emulates the device of its target.
static bool isEmulator(StringRef backend) {
  const Target *target = findBackend(backend);
  std::optional<Host> host = target ? target->getHost() : std::nullopt;
  return host && host->backend == backend;
}

/// The target of a backend, with a device that is emulated if that is asked
/// for; null, with the reason in `problem`, if there is none.
static const Target *findCompiled(StringRef backend, std::string &problem) {
  if (!isEmulator(backend))
    return findTarget(backend, problem);
  problem = metal::installEmulator();
  return problem.empty() ? findBackend(backend) : nullptr;
}

/// What `auto` tries, in this order: devices, then the host.
static std::vector<const Target *> getCandidates() {
  std::vector<const Target *> candidates;
  for (bool isHost : {false, true})
    for (const Target *target : getTargets())
      if (target->isHost() == isHost && !target->getBackend().empty())
        candidates.push_back(target);
  return candidates;
}

std::string attn::execution::explainNoDevice(const BackendOptions &options) {
  std::string chip, problem;
  // What `auto` falls back to is always there.
  const Target *target = findCompiled(options.name, problem);
  if (!target)
    return options.name == autoBackend ? "" : problem;
  ErrorHandle error(attn_error_create());
  openDevice(*target, options, error.get(), chip, problem);
  return problem;
}

LogicalResult Compiled::openContext(const BackendOptions &options) {
  std::string problem;
  if (options.name == autoBackend) {
    for (const Target *candidate : getCandidates()) {
      target = candidate;
      context = openDevice(*target, options, error.get(), chip, problem,
                           /*takesProcessors=*/false);
      if (context)
        return success();
    }
  } else {
    target = findCompiled(options.name, problem);
    isEmulated = isEmulator(options.name);
    if (target)
      context = openDevice(*target, options, error.get(), chip, problem);
  }
  // Not the function is at fault.
  return context ? success()
                 : emitError(UnknownLoc::get(function.getContext())) << problem;
}

FailureOr<std::string>
attn::execution::compileFor(func::FuncOp function, const Target &target,
                            StringRef chip, const BackendOptions &options,
                            CompileReport &report) {
  CompileOptions compile;
  compile.entry = function.getName().str();
  compile.target = target.getName().str();
  // A module that says what machine it is for knows better than the device.
  bool isDescribed = tile::TargetAttr::lookup(function) != tile::TargetAttr();
  if (!options.chip.empty())
    compile.chip = options.chip;
  else if (!isDescribed)
    compile.chip = chip.str();
  compile.tileM = options.tileM;
  compile.tileN = options.tileN;
  compile.schedule = options.schedule;
  compile.shapes = options.shapes;
  return compileToArtifact(function->getParentOfType<ModuleOp>(), compile,
                           options.explain ? &report : nullptr);
}

LogicalResult Compiled::load(const BackendOptions &options) {
  if (failed(openContext(options)))
    return failure();
  strideSeed = options.strideSeed;
  FailureOr<std::string> artifact =
      compileFor(function, *target, chip, options, report);
  if (failed(artifact))
    return failure();
  artifactBytes = artifact->size();

  attn_program *newProgram = nullptr;
  if (failed(check(attn_program_load_memory(context.get(), artifact->data(),
                                            artifact->size(), &newProgram,
                                            error.get()))))
    return failure();
  program.reset(newProgram);
  return success();
}

FailureOr<void *> Compiled::allocate(size_t bytes) {
  void *allocated = nullptr;
  if (failed(check(
          attn_memory_allocate(context.get(), bytes, &allocated, error.get()))))
    return failure();
  memory.push_back(MemoryHandle(allocated, Release{context.get()}));
  return allocated;
}

LogicalResult Compiled::copyIn(Type type, const Tensor &tensor,
                               attn_tensor &result) {
  StridedBlock block(type, tensor.shape, strideSeed);
  std::vector<char> bytes = block.scatter(tensor);
  FailureOr<void *> data = allocate(bytes.size());
  if (failed(data) || failed(check(attn_memory_copy_in(
                          context.get(), *data, bytes.data(), bytes.size(),
                          /*stream=*/nullptr, error.get()))))
    return failure();
  char *first = static_cast<char *>(*data) +
                block.first * reference::getElementBytes(tensor.elementType);
  if (failed(check(attn_tensor_init(
          &result, first, getDtype(tensor.elementType), tensor.shape.size(),
          tensor.shape.data(), error.get()))))
    return failure();
  llvm::copy(block.strides, result.strides);
  return success();
}

LogicalResult Compiled::copyOut(Type type, const attn_tensor &source,
                                Tensor &tensor) {
  StridedBlock block(type, tensor.shape, strideSeed);
  int64_t elementBytes = reference::getElementBytes(tensor.elementType);
  std::vector<char> bytes(block.size * elementBytes);
  if (failed(check(attn_memory_copy_out(
          context.get(), bytes.data(),
          static_cast<const char *>(source.data) - block.first * elementBytes,
          bytes.size(), /*stream=*/nullptr, error.get()))))
    return failure();
  block.gather(bytes, tensor);
  return success();
}

LogicalResult Compiled::bindArgument(size_t index, Type type) {
  Tensor &tensor = arguments[index];
  if (isa<ShapedType>(type)) {
    attn_tensor &bound = boundArguments[index];
    if (failed(copyIn(type, tensor, bound)))
      return failure();
    return check(
        attn_binding_set_argument(binding.get(), index, &bound, error.get()));
  }
  if (type.isF32())
    return check(attn_binding_set_scalar_f32(binding.get(), index,
                                             tensor.getFloat(0), error.get()));
  if (type.isF64())
    return check(attn_binding_set_scalar_f64(binding.get(), index,
                                             tensor.getFloat(0), error.get()));
  if (type.isIntOrIndex())
    return check(attn_binding_set_scalar_i64(binding.get(), index,
                                             tensor.getInt(0), error.get()));
  return function.emitError(attn::describeArgument(function, index))
         << " has type " << type << ", which no artifact takes";
}

LogicalResult Compiled::bindResult(size_t index, Type type) {
  attn_result_info info = ATTN_RESULT_INFO_INIT;
  if (failed(
          check(attn_program_result(program.get(), index, &info, error.get()))))
    return failure();
  if (info.argument >= 0)
    return success();
  int64_t dims[ATTN_MAX_RANK];
  int32_t rank;
  if (failed(check(attn_binding_infer_result_shape(binding.get(), index, dims,
                                                   &rank, error.get()))))
    return failure();
  // What a kernel forgets to write stays NaN.
  results[index] =
      makePoison(getElementTypeOrSelf(type), ArrayRef<int64_t>(dims, rank));
  if (failed(copyIn(type, results[index], boundResults[index])))
    return failure();
  return check(attn_binding_set_result(binding.get(), index,
                                       &boundResults[index], error.get()));
}

LogicalResult Compiled::bind(ArrayRef<Tensor> inputs) {
  attn_binding *newBinding = nullptr;
  if (failed(
          check(attn_binding_create(program.get(), &newBinding, error.get()))))
    return failure();
  binding.reset(newBinding);
  memory.clear();
  arguments.assign(inputs.begin(), inputs.end());
  boundArguments.assign(inputs.size(), attn_tensor());
  for (auto [index, type] : llvm::enumerate(function.getArgumentTypes()))
    if (failed(bindArgument(index, type)))
      return failure();
  results.clear();
  results.resize(function.getNumResults());
  boundResults.assign(results.size(), attn_tensor());
  for (auto [index, type] : llvm::enumerate(function.getResultTypes()))
    if (failed(bindResult(index, type)))
      return failure();

  size_t alignment = 1;
  if (failed(check(attn_binding_workspace_size(binding.get(), &workspaceBytes,
                                               &alignment, error.get()))))
    return failure();
  FailureOr<void *> block =
      allocate(workspaceBytes ? workspaceBytes + alignment : 0);
  if (failed(block))
    return failure();
  workspace = reinterpret_cast<void *>(
      llvm::alignTo(reinterpret_cast<uintptr_t>(*block), alignment));
  return success();
}

LogicalResult Compiled::launch() {
  if (failed(check(attn_launch(binding.get(), workspace, workspaceBytes,
                               /*stream=*/nullptr, error.get()))))
    return failure();
  return check(
      attn_stream_synchronize(context.get(), /*stream=*/nullptr, error.get()));
}

FailureOr<SmallVector<Tensor>> Compiled::getOutputs() {
  SmallVector<Tensor> tensors;
  auto add = [&](Type type, const attn_tensor &bound, const Tensor &tensor) {
    tensors.push_back(tensor);
    return copyOut(type, bound, tensors.back());
  };
  auto addArgument = [&](unsigned argument) {
    return add(function.getArgument(argument).getType(),
               boundArguments[argument], arguments[argument]);
  };
  for (auto [index, output] : llvm::enumerate(outputs)) {
    if (output.argument) {
      if (failed(addArgument(*output.argument)))
        return failure();
      continue;
    }
    attn_result_info info = ATTN_RESULT_INFO_INIT;
    if (failed(check(
            attn_program_result(program.get(), index, &info, error.get()))))
      return failure();
    if (failed(info.argument >= 0 ? addArgument(info.argument)
                                  : add(function.getResultTypes()[index],
                                        boundResults[index], results[index])))
      return failure();
  }
  return tensors;
}

json::Object attn::execution::describeReport(const Target &target,
                                             const CompileReport &report,
                                             size_t artifactBytes) {
  json::Object description{
      {"backend", target.getName()},
      {"chip", report.chip},
      {"code_bytes", report.codeBytes},
      {"artifact_bytes", static_cast<int64_t>(artifactBytes)}};
  // What a target does not choose is 0.
  for (auto [name, value] :
       {std::pair("vector_bits", int64_t(report.vectorBits)),
        {"tile_m", report.tileM},
        {"tile_n", report.tileN},
        {"tile_bytes", report.tileBytes}})
    if (value)
      description[name] = value;
  json::Array phases, ranges, choices, tiles;
  double total = 0;
  for (const auto &[name, ms] : report.phases) {
    phases.push_back(json::Object{{"name", name}, {"ms", ms}});
    total += ms;
  }
  for (const std::string &text : report.ranges)
    ranges.push_back(text);
  for (const std::string &text : report.choices)
    choices.push_back(text);
  for (auto [rows, columns] : report.tiles)
    tiles.push_back(json::Array{rows, columns});
  description["tiles"] = std::move(tiles);
  description["choices"] = std::move(choices);
  description["phases"] = std::move(phases);
  description["compile_ms"] = total;
  description["ranges"] = std::move(ranges);
  return description;
}

json::Object Compiled::describe() const {
  json::Object description = describeReport(*target, report, artifactBytes);
  int64_t fused = 0, standard = 0, copied = 0;
  if (binding && attn_binding_memory_estimate(binding.get(), &fused, &standard,
                                              nullptr) == ATTN_OK)
    description["memory"] =
        json::Object{{"fused_bytes", fused}, {"standard_bytes", standard}};
  if (binding && attn_binding_metric(binding.get(), "copied_bytes", &copied,
                                     nullptr) == ATTN_OK)
    description["copied_bytes"] = copied;
  if (isEmulated)
    description["dispatches"] = metal::takeCounts();
  return description;
}

FailureOr<std::unique_ptr<Executable>>
attn::execution::createCompiled(func::FuncOp function,
                                const BackendOptions &options) {
  auto compiled = std::make_unique<Compiled>(function);
  if (failed(compiled->load(options)))
    return failure();
  return std::unique_ptr<Executable>(std::move(compiled));
}
