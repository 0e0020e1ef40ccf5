//===- Compiler.cpp - The compiler without MLIR's headers -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parses a module and compiles it in a context of its own; diagnostics are
// collected, never printed.
//
//===----------------------------------------------------------------------===//

#include "Compiler.h"

#include "attn/Execution/Backend.h"
#include "attn/InitAll.h"
#include "attn/Support/Nesting.h"
#include "attn/Target/Compile.h"
#include "attn/Target/Target.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace attn;

static StringRef getSeverity(DiagnosticSeverity severity) {
  switch (severity) {
  case DiagnosticSeverity::Note:
    return "note";
  case DiagnosticSeverity::Warning:
    return "warning";
  case DiagnosticSeverity::Error:
    return "error";
  case DiagnosticSeverity::Remark:
    return "remark";
  }
  llvm_unreachable("unknown severity");
}

static void collect(Diagnostic &diagnostic,
                    std::vector<python::Diagnostic> &diagnostics) {
  python::Diagnostic result;
  result.severity = getSeverity(diagnostic.getSeverity()).str();
  result.message = diagnostic.str();
  if (auto place = diagnostic.getLocation()->findInstanceOf<FileLineColLoc>()) {
    result.file = place.getFilename().str();
    result.line = place.getLine();
    result.column = place.getColumn();
  }
  diagnostics.push_back(std::move(result));
  for (Diagnostic &note : diagnostic.getNotes())
    collect(note, diagnostics);
}

python::Outcome python::compile(const Request &request) {
  Outcome outcome;
  DialectRegistry registry;
  execution::registerDialects(registry);
  MLIRContext context(registry);
  // A message of Python is no place for the code of an op.
  context.printOpOnDiagnostic(false);
  ScopedDiagnosticHandler handler(&context, [&](mlir::Diagnostic &diagnostic) {
    collect(diagnostic, outcome.diagnostics);
    return success();
  });
  OwningOpRef<ModuleOp> module = parseModule(request.text, "<attn>", &context);
  if (!module)
    return outcome;

  CompileOptions options;
  options.entry = request.entry;
  options.target = request.target;
  if (!request.chip.empty())
    options.chip = request.chip;
  options.tileM = request.tileM;
  options.tileN = request.tileN;
  options.general = request.general;
  options.completes = request.completes;
  CompileReport report;
  FailureOr<std::string> artifact =
      compileToArtifact(*module, options, request.explain ? &report : nullptr);
  if (failed(artifact))
    return outcome;
  outcome.succeeded = true;
  outcome.artifact = std::move(*artifact);
  outcome.phases = std::move(report.phases);
  outcome.choices = std::move(report.choices);
  outcome.ranges = std::move(report.ranges);
  return outcome;
}

static const Target *lookupTarget(const std::string &name) {
  registerAllTargets();
  std::string error;
  return findTarget(name, error);
}

std::string python::findBackend(const std::string &target) {
  const Target *known = lookupTarget(target);
  return known ? known->getBackend().str() : "";
}

std::string python::chooseChip(const std::string &target,
                               const std::string &features) {
  const Target *known = lookupTarget(target);
  return known && !known->isHost() ? known->chooseChip(features) : "";
}
