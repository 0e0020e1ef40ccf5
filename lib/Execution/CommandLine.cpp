//===- CommandLine.cpp - Options of tools ---------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Errors without a file; schedules from files.
//
//===----------------------------------------------------------------------===//

#include "attn/Execution/CommandLine.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/Location.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

attn::execution::OptionErrors::OptionErrors(mlir::MLIRContext *context,
                                            std::string tool)
    : handler(context, [tool = std::move(tool)](mlir::Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() != mlir::DiagnosticSeverity::Error ||
            !mlir::isa<mlir::UnknownLoc>(diagnostic.getLocation()))
          return mlir::failure();
        llvm::errs() << tool << ": error: " << diagnostic << "\n";
        return mlir::success();
      }) {}

mlir::FailureOr<attn::ScheduleAttr>
attn::execution::readSchedule(llvm::StringRef path,
                              mlir::MLIRContext *context) {
  if (path.empty())
    return ScheduleAttr();
  auto error = [&](const llvm::Twine &problem) {
    return mlir::emitError(mlir::UnknownLoc::get(context),
                           "--schedule=" + path + ": " + problem);
  };
  std::string problem;
  std::unique_ptr<llvm::MemoryBuffer> buffer =
      mlir::openInputFile(path, &problem);
  if (!buffer)
    return error(problem);
  context->loadDialect<AttnDialect>();
  {
    // What the parser or a verifier says has no line of the file.
    mlir::ScopedDiagnosticHandler handler(
        context, [&](mlir::Diagnostic &diagnostic) {
          problem += (problem.empty() ? "" : "; ") + diagnostic.str();
          return mlir::success();
        });
    auto attribute = llvm::dyn_cast_or_null<ScheduleAttr>(
        mlir::parseAttribute(buffer->getBuffer().trim(), context));
    if (attribute)
      return attribute;
  }
  return error(problem.empty() ? "holds no #attn.schedule" : problem);
}
