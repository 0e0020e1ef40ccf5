//===- Hosted.cpp - Functions that another program runs -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiles to an artifact and hands that to a host, with tensors in files: what
// runs is what users of the host's module run.
//
//===----------------------------------------------------------------------===//

#include "Hosted.h"
#include "Compiled.h"
#include "HostProcess.h"
#include "Strides.h"

#include "attn/Execution/RandomInputs.h"
#include "attn/Reference/Interpreter.h"
#include "attn/Support/Files.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <map>

using namespace mlir;
using namespace attn;
using namespace attn::execution;
namespace json = llvm::json;

namespace {
/// A host that runs, and the device that it found.
struct Device {
  std::unique_ptr<HostProcess> process;
  std::string features, problem;
};
} // namespace

/// Where a file of share/attn is, or should be: beside the folder of the
/// program, installed and in a build alike.
static std::string findShared(StringRef name) {
  namespace path = llvm::sys::path;
  static char anchor;
  std::string program = llvm::sys::fs::getMainExecutable("", &anchor);
  SmallString<128> file(path::parent_path(path::parent_path(program)));
  path::append(file, "share/attn", name);
  return file.str().str();
}

static Device openDevice(const Target &target) {
  Device device;
  std::string script = findShared(target.getHost()->script);
  auto process = HostProcess::start(script, target.getHost()->backend.str());
  if (!process) {
    device.problem = llvm::toString(process.takeError());
    return device;
  }
  auto found = (*process)->ask(json::Object{{"open", true}});
  if (!found) {
    device.problem = llvm::toString(found.takeError());
    return device;
  }
  device.features = found->getString("features").value_or("").str();
  if (target.chooseChip(device.features).empty())
    device.problem = "no chip of the target " + target.getName().str() +
                     " suits the device: " + device.features;
  device.process = std::move(*process);
  return device;
}

/// One process serves all functions: a device takes longer to open than a
/// kernel to compile.
static Device &getDevice(const Target &target) {
  static std::map<const Target *, Device> devices;
  auto found = devices.find(&target);
  if (found == devices.end())
    found = devices.emplace(&target, openDevice(target)).first;
  return found->second;
}

namespace {
class Hosted : public Executable {
public:
  Hosted(func::FuncOp function, const Target &target)
      : function(function), target(target),
        outputs(reference::getOutputs(function)),
        host(*getDevice(target).process) {}

  LogicalResult load(const BackendOptions &options);
  LogicalResult bind(ArrayRef<Tensor> inputs) override;
  LogicalResult launch() override {
    return ask(json::Object{{"launch", true}});
  }
  FailureOr<SmallVector<Tensor>> getOutputs() override;
  json::Object describe() const override {
    return describeReport(target, report, artifactBytes);
  }
  int64_t getTemporaryBytes() const override { return temporaryBytes; }
  StringRef getBackend() const override { return target.getHost()->backend; }

private:
  /// Diagnoses what the host says went wrong.
  LogicalResult ask(json::Object command, json::Object *answer = nullptr);
  LogicalResult write(const Twine &name, StringRef bytes);
  FailureOr<json::Value> describeArgument(unsigned index, const Tensor &tensor);
  /// A dense tensor of the host: argument or result number `index`.
  LogicalResult read(StringRef kind, unsigned index, Tensor &tensor);
  std::string getPath(const Twine &name) const {
    return (host.getFolder() + "/" + name).str();
  }

  func::FuncOp function;
  const Target &target;
  SmallVector<reference::Output> outputs;
  HostProcess &host;
  uint64_t strideSeed = 0;
  CompileReport report;
  size_t artifactBytes = 0;
  int64_t temporaryBytes = 0;
  SmallVector<Tensor> arguments;
  SmallVector<SmallVector<int64_t>> resultShapes;
};
} // namespace

LogicalResult Hosted::ask(json::Object command, json::Object *answer) {
  auto answered = host.ask(std::move(command));
  if (!answered)
    return function.emitError() << llvm::toString(answered.takeError());
  if (answer)
    *answer = std::move(*answered);
  return success();
}

LogicalResult Hosted::write(const Twine &name, StringRef bytes) {
  if (llvm::Error failed = attn::writeWholeFile(getPath(name), bytes))
    return function.emitError("cannot write ")
           << getPath(name) << ": " << llvm::toString(std::move(failed));
  return success();
}

LogicalResult Hosted::load(const BackendOptions &options) {
  strideSeed = options.strideSeed;
  FailureOr<std::string> artifact = compileFor(
      function, target, target.chooseChip(getDevice(target).features), options,
      report);
  if (failed(artifact))
    return failure();
  artifactBytes = artifact->size();
  return failure(failed(write("program.attn", *artifact)) ||
                 failed(ask(json::Object{{"load", getPath("program.attn")}})));
}

FailureOr<json::Value> Hosted::describeArgument(unsigned index,
                                                const Tensor &tensor) {
  Type type = function.getArgumentTypes()[index];
  if (!isa<ShapedType>(type)) {
    // Text: JSON has no infinity, and few integers of 64 bits.
    std::string value = tensor.isFloat()
                            ? llvm::formatv("{0:E17}", tensor.getFloat(0)).str()
                            : std::to_string(tensor.getInt(0));
    return json::Value(json::Object{{"value", value}});
  }
  StridedBlock block(type, tensor.shape, strideSeed);
  std::vector<char> bytes = block.scatter(tensor);
  std::string name = "argument" + std::to_string(index);
  if (failed(write(name, StringRef(bytes.data(), bytes.size()))))
    return failure();
  return json::Value(json::Object{{"file", getPath(name)},
                                  {"shape", json::Array(tensor.shape)},
                                  {"strides", json::Array(block.strides)},
                                  {"first", block.first}});
}

LogicalResult Hosted::bind(ArrayRef<Tensor> inputs) {
  arguments.assign(inputs.begin(), inputs.end());
  json::Array bound;
  for (auto [index, tensor] : llvm::enumerate(inputs)) {
    FailureOr<json::Value> argument = describeArgument(index, tensor);
    if (failed(argument))
      return failure();
    bound.push_back(std::move(*argument));
  }
  json::Object answer;
  if (failed(ask(json::Object{{"bind", std::move(bound)}}, &answer)))
    return failure();
  temporaryBytes = answer.getInteger("bytes").value_or(0);
  resultShapes.clear();
  for (const json::Value &shape : *answer.getArray("results")) {
    SmallVector<int64_t> &sizes = resultShapes.emplace_back();
    for (const json::Value &size : *shape.getAsArray())
      sizes.push_back(size.getAsInteger().value_or(0));
  }
  return success();
}

LogicalResult Hosted::read(StringRef kind, unsigned index, Tensor &tensor) {
  std::string path = getPath("output");
  if (failed(ask(
          json::Object{{"read", json::Object{{kind, index}, {"file", path}}}})))
    return failure();
  auto file = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                          /*RequiresNullTerminator=*/false);
  if (!file || (*file)->getBufferSize() != tensor.bytes.size())
    return function.emitError("the host gives no ")
           << tensor.bytes.size() << " bytes of " << kind << " " << index;
  llvm::copy((*file)->getBuffer(), tensor.bytes.begin());
  return success();
}

FailureOr<SmallVector<Tensor>> Hosted::getOutputs() {
  SmallVector<Tensor> tensors;
  for (auto [index, output] : llvm::enumerate(outputs)) {
    if (output.argument) {
      tensors.push_back(arguments[*output.argument]);
      if (failed(read("argument", *output.argument, tensors.back())))
        return failure();
      continue;
    }
    Type type = function.getResultTypes()[index];
    tensors.push_back(
        makePoison(getElementTypeOrSelf(type), resultShapes[index]));
    if (failed(read("result", index, tensors.back())))
      return failure();
  }
  return tensors;
}

FailureOr<std::unique_ptr<Executable>>
attn::execution::createHosted(func::FuncOp function, const Target &target,
                              const BackendOptions &options) {
  if (std::string problem = explainNoHost(target); !problem.empty())
    return emitError(UnknownLoc::get(function.getContext())) << problem;
  auto hosted = std::make_unique<Hosted>(function, target);
  if (failed(hosted->load(options)))
    return failure();
  return std::unique_ptr<Executable>(std::move(hosted));
}

std::string attn::execution::explainNoHost(const Target &target) {
  return getDevice(target).problem;
}
