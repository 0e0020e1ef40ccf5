//===- PackArtifact.cpp - A lowered program to an artifact ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes the description, asks the target for code and packs both.
//
//===----------------------------------------------------------------------===//

#include "attn/Target/PackArtifact.h"

#include "attn/Dialect/Tile/Tile.h"
#include "attn/Support/Places.h"
#include "attn/Target/Plan.h"
#include "attn/runtime/Artifact.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace attn;

FailureOr<std::string> attn::packArtifact(func::FuncOp host,
                                          const Target &target,
                                          const TargetOptions &options,
                                          PhaseCallback timer,
                                          const PackSteps &steps) {
  auto module = host->getParentOfType<ModuleOp>();
  FailureOr<llvm::json::Object> plan = buildPlan(host);
  if (failed(plan))
    return failure();
  host.erase();
  if (steps.afterPlan)
    steps.afterPlan(*plan);
  timer("plan");
  FailureOr<std::vector<CodeSection>> sections =
      target.emitCode(module, tile::TargetAttr::lookup(module), options, timer);
  if (failed(sections) ||
      (steps.afterCode && failed(steps.afterCode(*plan, *sections))))
    return failure();
  runtime::ArtifactWriter writer(
      llvm::formatv("{0}", llvm::json::Value(std::move(*plan))).str());
  for (const CodeSection &section : *sections) {
    std::string error;
    if (!writer.addCode(section.name, section.bytes, error))
      return emitError(getPlace(module), error);
  }
  timer("pack");
  return writer.toBytes();
}
