//===- Variants.cpp - Artifacts with code for several chips ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writing and reading of bundles, for the compiler's side. The runtime has a
// reader of its own, without LLVM.
//
//===----------------------------------------------------------------------===//

#include "attn/AheadOfTime/Variants.h"
#include "attn/Target/Target.h"
#include "attn/runtime/Artifact.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace attn;
namespace json = llvm::json;

static llvm::Error malformed(const Twine &message) {
  return llvm::createStringError(message);
}

static llvm::Expected<runtime::ArtifactView> openView(StringRef bytes) {
  runtime::ArtifactView view;
  std::string error;
  if (runtime::ArtifactView::open({bytes.data(), bytes.size()}, view, error) !=
      runtime::ArtifactProblem::None)
    return malformed(error);
  return view;
}

static llvm::Expected<json::Object>
readJSON(const runtime::ArtifactView &view) {
  llvm::Expected<json::Value> value =
      json::parse(view.find(runtime::jsonSection)->bytes);
  if (!value)
    return value.takeError();
  if (json::Object *object = value->getAsObject())
    return std::move(*object);
  return malformed("the description is no JSON object");
}

llvm::Expected<json::Object> attn::readDescription(StringRef artifact) {
  llvm::Expected<runtime::ArtifactView> view = openView(artifact);
  if (!view)
    return view.takeError();
  return readJSON(*view);
}

llvm::Expected<std::vector<ArtifactVariant>>
attn::readVariants(StringRef artifact) {
  llvm::Expected<runtime::ArtifactView> view = openView(artifact);
  if (!view)
    return view.takeError();
  llvm::Expected<json::Object> description = readJSON(*view);
  if (!description)
    return description.takeError();
  std::vector<ArtifactVariant> variants;
  const json::Array *listed = description->getArray("variants");
  if (!listed) {
    variants.push_back({artifact, std::move(*description)});
    return variants;
  }
  for (const json::Value &value : *listed) {
    const json::Object *object = value.getAsObject();
    auto name = object ? object->getString("section") : std::nullopt;
    if (!name)
      return malformed("a variant without a section");
    const auto *section = view->find({name->data(), name->size()});
    if (!section)
      return malformed("there is no section '" + *name + "'");
    StringRef bytes(section->bytes.data(), section->bytes.size());
    llvm::Expected<json::Object> inner = readDescription(bytes);
    if (!inner)
      return inner.takeError();
    variants.push_back({bytes, std::move(*inner)});
  }
  return variants;
}

/// "cpu:x86-64-v3"
static std::string nameOf(const json::Object &description) {
  return (description.getString("target").value_or("") + ":" +
          description.getString("chip").value_or(""))
      .str();
}

static FailureOr<std::string> bundle(ArrayRef<std::string> artifacts,
                                     Location loc) {
  json::Array variants;
  SmallVector<std::string> names;
  for (auto [index, artifact] : llvm::enumerate(artifacts)) {
    json::Object description = llvm::cantFail(readDescription(artifact));
    names.push_back(nameOf(description));
    if (llvm::is_contained(ArrayRef(names).drop_back(), names.back()))
      return emitError(loc) << "--target names " << names.back() << " twice";
    json::Object entry{{"section", llvm::formatv("artifact/{0}", index).str()}};
    for (StringRef field : {"target", "chip", "entry", "features"})
      if (const json::Value *value = description.get(field))
        entry[field] = *value;
    variants.push_back(std::move(entry));
  }
  json::Object list{{"format", "attn-bundle"},
                    {"version", 1},
                    {"variants", std::move(variants)}};
  runtime::ArtifactWriter writer(
      llvm::formatv("{0}", json::Value(std::move(list))).str());
  std::string error;
  for (auto [index, artifact] : llvm::enumerate(artifacts))
    if (!writer.addSection(llvm::formatv("artifact/{0}", index), artifact,
                           error))
      return emitError(loc) << error;
  return writer.toBytes();
}

/// TARGET:all is every chip of the target.
static std::vector<std::string> expandChips(StringRef name) {
  auto [target, chip] = name.split(':');
  std::string error;
  const Target *known = chip == "all" ? findTarget(target, error) : nullptr;
  if (!known)
    return {name.str()};
  std::vector<std::string> names = known->getChips();
  for (std::string &one : names)
    one = (target + ":" + one).str();
  return names;
}

/// Of all chips of a target those that an op needs too much of have no variant:
/// the errors become a remark.
static FailureOr<std::string> compileIfPossible(ModuleOp module,
                                                const CompileOptions &options,
                                                CompileReport *report) {
  std::string problem;
  FailureOr<std::string> artifact = failure();
  {
    ScopedDiagnosticHandler watch(
        module.getContext(), [&](Diagnostic &diagnostic) {
          bool isError = diagnostic.getSeverity() == DiagnosticSeverity::Error;
          if (isError && problem.empty())
            problem = diagnostic.str();
          return success(isError);
        });
    artifact = compileToArtifact(module, options, report);
  }
  if (failed(artifact))
    emitRemark(UnknownLoc::get(module.getContext()))
        << "there is no variant for " << options.target << ":" << options.chip
        << ": " << problem;
  return artifact;
}

FailureOr<std::string>
attn::compileVariants(ModuleOp module, StringRef targets,
                      const CompileOptions &options,
                      std::vector<CompileReport> *reports) {
  Location loc = UnknownLoc::get(module.getContext());
  SmallVector<StringRef> listed;
  targets.split(listed, ',');
  SmallVector<std::pair<std::string, /*isOptional=*/bool>> names;
  for (StringRef name : listed) {
    std::vector<std::string> chips = expandChips(name);
    for (std::string &chip : chips)
      names.emplace_back(std::move(chip), chips.size() > 1);
  }
  SmallVector<std::string> artifacts;
  for (const auto &[name, isOptional] : names) {
    auto [target, chip] = StringRef(name).split(':');
    if (target.empty() || (chip.empty() && StringRef(name).contains(':')))
      return emitError(loc) << "--target=" << targets
                            << ": expected TARGET or TARGET:CHIP, and a comma "
                               "between several; TARGET:all for every chip";
    CompileOptions one = options;
    one.target = target.str();
    if (!chip.empty())
      one.chip = chip.str();
    if (reports)
      reports->emplace_back();
    CompileReport *report = reports ? &reports->back() : nullptr;
    FailureOr<std::string> artifact =
        isOptional ? compileIfPossible(module, one, report)
                   : compileToArtifact(module, one, report);
    if (failed(artifact) && isOptional) {
      if (reports)
        reports->pop_back();
      continue;
    }
    if (failed(artifact))
      return failure();
    artifacts.push_back(std::move(*artifact));
  }
  if (artifacts.empty())
    return emitError(loc) << "--target=" << targets << ": no chip runs this";
  if (artifacts.size() == 1)
    return std::move(artifacts.front());
  return bundle(artifacts, loc);
}
