//===- CommandLine.cpp - Options of tools ---------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Errors without a file; options that tools share; schedules from and to files.
//
//===----------------------------------------------------------------------===//

#include "attn/Execution/CommandLine.h"
#include "attn/Support/Files.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/Location.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

attn::execution::ToolDiagnostics::ToolDiagnostics(mlir::MLIRContext *context,
                                                  std::string tool)
    : tool(std::move(tool)),
      handler(context, [this](mlir::Diagnostic &diagnostic) {
        return handle(diagnostic);
      }) {}

mlir::LogicalResult
attn::execution::ToolDiagnostics::handle(mlir::Diagnostic &diagnostic) {
  mlir::Location place = diagnostic.getLocation();
  if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Remark)
    return mlir::success(
        !remarks.emplace(place.getAsOpaquePointer(), diagnostic.str()).second);
  if (diagnostic.getSeverity() != mlir::DiagnosticSeverity::Error ||
      !mlir::isa<mlir::UnknownLoc>(place))
    return mlir::failure();
  llvm::errs() << tool << ": error: " << diagnostic << "\n";
  return mlir::success();
}

//===----------------------------------------------------------------------===//
// Options
//===----------------------------------------------------------------------===//

attn::execution::DeviceArguments::DeviceArguments(
    llvm::cl::OptionCategory &category)
    : device("device",
             llvm::cl::desc("Device by number, for vulkan also by a part of "
                            "its name"),
             llvm::cl::value_desc("device"), llvm::cl::cat(category)),
      validation("validation",
                 llvm::cl::desc("Let Vulkan's validation layer watch; what it "
                                "says is an error"),
                 llvm::cl::cat(category)) {}

void attn::execution::DeviceArguments::apply(BackendOptions &options) const {
  options.device = device;
  options.validates = validation;
}

attn::execution::TuneArguments::TuneArguments(
    llvm::cl::OptionCategory &category)
    : output("schedule-out",
             llvm::cl::desc("Where --autotune writes the fastest "
                            "#attn.schedule, for --schedule"),
             llvm::cl::value_desc("file.mlir"), llvm::cl::cat(category)),
      candidates("autotune-candidates",
                 llvm::cl::desc("A file with an array of #attn.schedule to "
                                "measure in place of the target's"),
                 llvm::cl::value_desc("file.mlir"), llvm::cl::cat(category)),
      times("autotune-times", llvm::cl::CommaSeparated, llvm::cl::ReallyHidden,
            llvm::cl::desc("For tests: milliseconds, of the model's choice and "
                           "then of each candidate that runs"),
            llvm::cl::cat(category)) {}

std::string attn::execution::TuneArguments::explainMisuse(
    bool tunes, llvm::ArrayRef<std::pair<llvm::StringRef, bool>> others) const {
  using Given = std::reference_wrapper<const llvm::cl::Option>;
  for (const llvm::cl::Option &option :
       {Given(output), Given(candidates), Given(times)})
    if (!tunes && option.getNumOccurrences())
      return ("--" + option.ArgStr + " needs --autotune").str();
  for (auto [name, isGiven] : others)
    if (tunes && isGiven)
      return ("--autotune chooses what --" + name + " gives: leave one out")
          .str();
  return "";
}

mlir::FailureOr<attn::execution::TuneResult>
attn::execution::TuneArguments::run(mlir::func::FuncOp function,
                                    llvm::ArrayRef<Tensor> inputs,
                                    const BackendOptions &backend) const {
  TuneOptions options;
  options.backend = backend;
  options.times.assign(times.begin(), times.end());
  mlir::MLIRContext *context = function.getContext();
  auto listed = readCandidates(candidates, context);
  if (failed(listed))
    return mlir::failure();
  options.candidates = std::move(*listed);
  mlir::FailureOr<TuneResult> result =
      autotune(function, inputs, options, llvm::errs());
  if (failed(result))
    return mlir::failure();
  llvm::errs() << "autotune: " << result->summarize() << "\n";
  if (output.empty())
    return result;
  std::string text;
  llvm::raw_string_ostream(text) << result->getSchedule() << "\n";
  std::string problem = writeWholeFile(output, text);
  if (problem.empty())
    return result;
  return mlir::emitError(mlir::UnknownLoc::get(context),
                         "--schedule-out=" + problem);
}

std::string attn::execution::setSizes(Signature &signature,
                                      llvm::StringRef text) {
  llvm::SmallVector<std::string> open = signature.getOpenSizes();
  llvm::SmallVector<llvm::StringRef> items;
  text.split(items, ',', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  unsigned position = 0;
  llvm::StringSet<> given;
  for (llvm::StringRef item : items) {
    auto [name, number] = item.split('=');
    if (!item.contains('=')) {
      number = name;
      if (position >= open.size())
        return (llvm::Twine(items.size()) +
                " sizes are given, but types leave " +
                llvm::Twine(open.size()) + " open")
            .str();
      name = open[position++];
    }
    int64_t size;
    if (number.trim().getAsInteger(10, size))
      return ("the size " + name + " is '" + number + "', not a number").str();
    if (size < 0)
      return ("the size " + name + " is " + llvm::Twine(size) +
              ", but must not be negative")
          .str();
    name = name.trim();
    if (!given.insert(name).second)
      return ("the size " + name + " is given twice").str();
    if (!signature.setSize(name, size))
      return ("there is no open size " + name +
              (open.empty() ? "" : "; there are ") + llvm::join(open, ", "))
          .str();
  }
  if (auto rest = signature.getOpenSizes(); !rest.empty())
    return "sizes are missing for " + llvm::join(rest, ", ");
  return "";
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

std::string attn::execution::writeWholeFile(llvm::StringRef path,
                                            llvm::StringRef content) {
  llvm::Error failed = attn::writeWholeFile(path, content);
  return failed ? (path + ": " + llvm::toString(std::move(failed))).str() : "";
}

/// The attribute that the file which --`option` names consists of.
static mlir::FailureOr<mlir::Attribute>
parseFile(llvm::StringRef option, llvm::StringRef path,
          llvm::function_ref<bool(mlir::Attribute)> isExpected,
          llvm::StringRef expected, mlir::MLIRContext *context) {
  auto error = [&](const llvm::Twine &problem) {
    return mlir::emitError(mlir::UnknownLoc::get(context),
                           "--" + option + "=" + path + ": " + problem);
  };
  std::string problem;
  std::unique_ptr<llvm::MemoryBuffer> buffer =
      mlir::openInputFile(path, &problem);
  if (!buffer)
    return error(problem);
  context->loadDialect<attn::AttnDialect>();
  {
    // What the parser or a verifier says has no line of the file.
    mlir::ScopedDiagnosticHandler handler(
        context, [&](mlir::Diagnostic &diagnostic) {
          problem += (problem.empty() ? "" : "; ") + diagnostic.str();
          return mlir::success();
        });
    mlir::Attribute attribute =
        mlir::parseAttribute(buffer->getBuffer().trim(), context);
    if (attribute && isExpected(attribute))
      return attribute;
  }
  return error(problem.empty() ? "holds no " + expected.str() : problem);
}

mlir::FailureOr<attn::ScheduleAttr>
attn::execution::readSchedule(llvm::StringRef path,
                              mlir::MLIRContext *context) {
  if (path.empty())
    return ScheduleAttr();
  mlir::FailureOr<mlir::Attribute> schedule = parseFile(
      "schedule", path, llvm::IsaPred<ScheduleAttr>, "#attn.schedule", context);
  if (failed(schedule))
    return mlir::failure();
  return llvm::cast<ScheduleAttr>(*schedule);
}

mlir::FailureOr<llvm::SmallVector<attn::ScheduleAttr>>
attn::execution::readCandidates(llvm::StringRef path,
                                mlir::MLIRContext *context) {
  if (path.empty())
    return llvm::SmallVector<ScheduleAttr>();
  auto isExpected = [](mlir::Attribute attribute) {
    auto array = llvm::dyn_cast<mlir::ArrayAttr>(attribute);
    return array && !array.empty() &&
           llvm::all_of(array, llvm::IsaPred<ScheduleAttr>);
  };
  mlir::FailureOr<mlir::Attribute> array =
      parseFile("autotune-candidates", path, isExpected,
                "array of #attn.schedule", context);
  if (failed(array))
    return mlir::failure();
  return llvm::map_to_vector(llvm::cast<mlir::ArrayAttr>(*array),
                             llvm::CastTo<ScheduleAttr>);
}
