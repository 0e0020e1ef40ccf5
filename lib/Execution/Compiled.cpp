//===- Compiled.cpp - Functions that a target compiled --------------------===//
//
// Compiles to an artifact in memory and runs that through the runtime's C API,
// as any program without a compiler would.
//
//===----------------------------------------------------------------------===//

#include "Compiled.h"

#include "attn/Execution/RandomInputs.h"
#include "attn/Reference/Interpreter.h"
#include "attn/Target/Compile.h"
#include "attn_runtime.h"

#include "mlir/IR/BuiltinOps.h"

using namespace mlir;
using namespace attn;
using namespace attn::execution;
namespace json = llvm::json;

namespace {

/// Owns an object of the C API.
template <typename T, void (*destroy)(T *)> struct Destroy {
  void operator()(T *object) const { destroy(object); }
};
template <typename T, void (*destroy)(T *)>
using Handle = std::unique_ptr<T, Destroy<T, destroy>>;
using ErrorHandle = Handle<attn_error, attn_error_destroy>;
using ContextHandle = Handle<attn_context, attn_context_destroy>;
using ProgramHandle = Handle<attn_program, attn_program_destroy>;
using BindingHandle = Handle<attn_binding, attn_binding_destroy>;

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

  LogicalResult load(const BackendOptions &options, StringRef target);
  LogicalResult bind(ArrayRef<Tensor> inputs) override;
  LogicalResult launch() override;
  FailureOr<SmallVector<Tensor>> getOutputs() override;
  json::Object describe() const override;
  int64_t getTemporaryBytes() const override { return workspace.size(); }

private:
  /// Diagnoses what the C API says went wrong.
  LogicalResult check(attn_status status) {
    if (status == ATTN_OK)
      return success();
    return function.emitError() << attn_error_message(error.get());
  }
  LogicalResult describeTensor(Tensor &tensor, attn_tensor &result) {
    return check(attn_tensor_init(
        &result, tensor.bytes.data(), getDtype(tensor.elementType),
        tensor.shape.size(), tensor.shape.data(), error.get()));
  }
  LogicalResult bindArgument(size_t index, Type type);
  LogicalResult bindResult(size_t index, Type type);

  func::FuncOp function;
  SmallVector<reference::Output> outputs;
  CompileReport report;
  size_t artifactBytes = 0;
  ErrorHandle error;
  ContextHandle context;
  ProgramHandle program;
  BindingHandle binding;
  /// What the binding refers to.
  SmallVector<Tensor> arguments, results;
  std::vector<char> workspace;
};

} // namespace

LogicalResult Compiled::load(const BackendOptions &options, StringRef target) {
  CompileOptions compile;
  compile.entry = function.getName().str();
  compile.target = target.str();
  if (!options.chip.empty())
    compile.chip = options.chip;
  compile.tileM = options.tileM;
  compile.tileN = options.tileN;
  FailureOr<std::string> artifact = compileToArtifact(
      function->getParentOfType<ModuleOp>(), compile, &report);
  if (failed(artifact))
    return failure();
  artifactBytes = artifact->size();

  attn_context_options contextOptions = ATTN_CONTEXT_OPTIONS_INIT;
  contextOptions.threads = options.threads;
  attn_context *newContext = nullptr;
  if (failed(check(
          attn_context_create(&contextOptions, &newContext, error.get()))))
    return failure();
  context.reset(newContext);
  attn_program *newProgram = nullptr;
  if (failed(check(attn_program_load_memory(newContext, artifact->data(),
                                            artifact->size(), &newProgram,
                                            error.get()))))
    return failure();
  program.reset(newProgram);
  return success();
}

LogicalResult Compiled::bindArgument(size_t index, Type type) {
  Tensor &tensor = arguments[index];
  if (isa<ShapedType>(type)) {
    attn_tensor view;
    if (failed(describeTensor(tensor, view)))
      return failure();
    return check(
        attn_binding_set_argument(binding.get(), index, &view, error.get()));
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
  return function.emitError("argument ")
         << index << " has type " << type << ", which no artifact takes";
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
  attn_tensor view;
  if (failed(describeTensor(results[index], view)))
    return failure();
  return check(
      attn_binding_set_result(binding.get(), index, &view, error.get()));
}

LogicalResult Compiled::bind(ArrayRef<Tensor> inputs) {
  attn_binding *newBinding = nullptr;
  if (failed(
          check(attn_binding_create(program.get(), &newBinding, error.get()))))
    return failure();
  binding.reset(newBinding);
  arguments.assign(inputs.begin(), inputs.end());
  for (auto [index, type] : llvm::enumerate(function.getArgumentTypes()))
    if (failed(bindArgument(index, type)))
      return failure();
  results.clear();
  results.resize(function.getNumResults());
  for (auto [index, type] : llvm::enumerate(function.getResultTypes()))
    if (failed(bindResult(index, type)))
      return failure();

  size_t bytes = 0, alignment = 1;
  if (failed(check(attn_binding_workspace_size(binding.get(), &bytes,
                                               &alignment, error.get()))))
    return failure();
  workspace.assign(bytes ? bytes + alignment : 0, 0);
  return success();
}

LogicalResult Compiled::launch() {
  size_t bytes = 0, alignment = 1;
  if (failed(check(attn_binding_workspace_size(binding.get(), &bytes,
                                               &alignment, error.get()))))
    return failure();
  void *start = nullptr;
  if (bytes)
    start = reinterpret_cast<void *>(llvm::alignTo(
        reinterpret_cast<uintptr_t>(workspace.data()), alignment));
  return check(attn_launch(binding.get(), start, bytes, /*stream=*/nullptr,
                           error.get()));
}

FailureOr<SmallVector<Tensor>> Compiled::getOutputs() {
  SmallVector<Tensor> tensors;
  for (auto [index, output] : llvm::enumerate(outputs)) {
    if (output.argument) {
      tensors.push_back(arguments[*output.argument]);
      continue;
    }
    attn_result_info info = ATTN_RESULT_INFO_INIT;
    if (failed(check(
            attn_program_result(program.get(), index, &info, error.get()))))
      return failure();
    tensors.push_back(info.argument >= 0 ? arguments[info.argument]
                                         : results[index]);
  }
  return tensors;
}

json::Object Compiled::describe() const {
  json::Object description{
      {"chip", report.chip},
      {"vector_bits", report.vectorBits},
      {"tile_m", report.tileM},
      {"tile_n", report.tileN},
      {"tile_bytes", report.tileBytes},
      {"code_bytes", report.codeBytes},
      {"artifact_bytes", static_cast<int64_t>(artifactBytes)}};
  json::Array phases, ranges, choices;
  double total = 0;
  for (const auto &[name, ms] : report.phases) {
    phases.push_back(json::Object{{"name", name}, {"ms", ms}});
    total += ms;
  }
  for (const std::string &text : report.ranges)
    ranges.push_back(text);
  for (const std::string &text : report.choices)
    choices.push_back(text);
  description["choices"] = std::move(choices);
  description["phases"] = std::move(phases);
  description["compile_ms"] = total;
  description["ranges"] = std::move(ranges);
  int64_t fused = 0, standard = 0;
  if (binding && attn_binding_memory_estimate(binding.get(), &fused, &standard,
                                              nullptr) == ATTN_OK)
    description["memory"] =
        json::Object{{"fused_bytes", fused}, {"standard_bytes", standard}};
  return description;
}

FailureOr<std::unique_ptr<Executable>>
attn::execution::createCompiled(func::FuncOp function,
                                const BackendOptions &options) {
  if (options.name == "cuda")
    return function.emitError("backend 'cuda' is not part of this build; there "
                              "are cpu, cpu-standard, reference, unfused");
  auto compiled = std::make_unique<Compiled>(function);
  if (failed(compiled->load(options,
                            options.name == "auto" ? "cpu" : options.name)))
    return failure();
  return std::unique_ptr<Executable>(std::move(compiled));
}
