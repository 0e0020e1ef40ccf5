//===- Variants.cpp - Artifacts with code for several chips ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writing and reading of bundles, for the compiler's side. The runtime has a
// reader of its own, without LLVM.
//
//===----------------------------------------------------------------------===//

#include "attn/AheadOfTime/Variants.h"
#include "attn/Dialect/Tile/Tile.h"
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

namespace {
/// One chip to compile for.
struct Wanted {
  std::string target, chip;
  /// One of several that were not named: an op may need too much of it.
  bool isOptional = false;
};

/// An error of a chip that is left out, with its notes.
struct Problem {
  std::string name;
  Diagnostic error;
};

/// Compiles for one chip after the other.
class VariantCompiler {
public:
  VariantCompiler(ModuleOp module, const CompileOptions &options,
                  std::vector<CompileReport> *reports)
      : module(module), options(options), reports(reports),
        loc(UnknownLoc::get(module.getContext())) {}

  LogicalResult add(const Wanted &wanted);
  FailureOr<std::string> finish();

private:
  FailureOr<std::string> compileIfPossible(const CompileOptions &one,
                                           CompileReport *report);
  bool isKnown(StringRef artifact, StringRef target) const;

  ModuleOp module;
  const CompileOptions &options;
  std::vector<CompileReport> *reports;
  Location loc;
  SmallVector<std::string> artifacts;
  SmallVector<Problem> problems;
};
} // namespace

llvm::Expected<SmallVector<TargetName>> attn::splitTargets(StringRef targets) {
  SmallVector<TargetName> names;
  for (StringRef name : llvm::split(targets, ',')) {
    auto [target, chip] = name.split(':');
    if (target.empty() || (chip.empty() && name.contains(':')))
      return malformed("--target=" + targets +
                       ": expected TARGET or TARGET:CHIP, and a comma between "
                       "several; TARGET:all for every chip");
    names.push_back({target, chip});
  }
  return names;
}

/// TARGET:all is every chip of the target, TARGET those that it bundles, if
/// `isOpen`: nothing else names a chip.
static std::vector<Wanted> expandChips(const TargetName &name, bool isOpen) {
  auto [target, chip] = name;
  std::string error;
  const Target *known = findTarget(target, error);
  std::vector<std::string> chips;
  if (known && chip == "all")
    chips = known->getChips();
  else if (known && chip.empty() && isOpen)
    chips = known->getBundledChips();
  std::vector<Wanted> wanted;
  if (chips.size() <= 1)
    wanted.push_back({target.str(), chip.str(), false});
  else
    for (std::string &one : chips)
      wanted.push_back({target.str(), std::move(one), true});
  return wanted;
}

FailureOr<std::string>
VariantCompiler::compileIfPossible(const CompileOptions &one,
                                   CompileReport *report) {
  std::optional<Problem> problem;
  FailureOr<std::string> artifact = failure();
  {
    ScopedDiagnosticHandler watch(
        module.getContext(), [&](Diagnostic &diagnostic) {
          bool isError = diagnostic.getSeverity() == DiagnosticSeverity::Error;
          if (isError && !problem)
            problem.emplace(
                Problem{one.target + ":" + one.chip, std::move(diagnostic)});
          return success(isError);
        });
    artifact = compileToArtifact(module, one, report);
  }
  if (failed(artifact) && problem)
    problems.push_back(std::move(*problem));
  return artifact;
}

/// Whether a chip before has the same code: one is enough where all that it
/// asks of a device follows from code and features.
bool VariantCompiler::isKnown(StringRef artifact, StringRef target) const {
  std::string error;
  const Target *known = findTarget(target, error);
  if (!known || !known->codeTellsNeeds())
    return false;
  auto read = [](StringRef bytes) {
    json::Object description = llvm::cantFail(readDescription(bytes));
    description.erase("chip");
    return description;
  };
  runtime::ArtifactView view = llvm::cantFail(openView(artifact));
  return llvm::any_of(artifacts, [&](StringRef other) {
    runtime::ArtifactView before = llvm::cantFail(openView(other));
    return read(artifact) == read(other) &&
           llvm::all_of(view.getSections(), [&](const auto &section) {
             const auto *same = before.find(section.name);
             return section.name == runtime::jsonSection ||
                    (same && same->bytes == section.bytes);
           });
  });
}

LogicalResult VariantCompiler::add(const Wanted &wanted) {
  CompileOptions one = options;
  one.target = wanted.target;
  if (!wanted.chip.empty())
    one.chip = wanted.chip;
  CompileReport report;
  CompileReport *filled = reports ? &report : nullptr;
  FailureOr<std::string> artifact =
      wanted.isOptional ? compileIfPossible(one, filled)
                        : compileToArtifact(module, one, filled);
  if (failed(artifact))
    return success(wanted.isOptional);
  if (wanted.isOptional && isKnown(*artifact, wanted.target))
    return success();
  artifacts.push_back(std::move(*artifact));
  if (reports)
    reports->push_back(std::move(report));
  return success();
}

/// Chips that an op needs too much of have no variant, which is a remark, and
/// an error where there is no other chip.
FailureOr<std::string> VariantCompiler::finish() {
  if (artifacts.empty()) {
    if (!problems.empty())
      module.getContext()->getDiagEngine().emit(
          std::move(problems.front().error));
    return failure();
  }
  for (Problem &problem : problems) {
    InFlightDiagnostic remark = emitRemark(loc);
    remark << "there is no variant for " << problem.name << ": "
           << problem.error.str();
    for (Diagnostic &note : problem.error.getNotes())
      remark.attachNote(note.getLocation()) << note.str();
  }
  if (artifacts.size() == 1)
    return std::move(artifacts.front());
  return bundle(artifacts, loc);
}

FailureOr<std::string>
attn::compileVariants(ModuleOp module, StringRef targets,
                      const CompileOptions &options,
                      std::vector<CompileReport> *reports) {
  VariantCompiler compiler(module, options, reports);
  bool isOpen = options.chip.empty() && !tile::TargetAttr::lookup(module);
  llvm::Expected<SmallVector<TargetName>> names = splitTargets(targets);
  if (!names)
    return emitError(UnknownLoc::get(module.getContext()))
           << llvm::toString(names.takeError());
  for (const TargetName &name : *names)
    for (const Wanted &wanted : expandChips(name, isOpen))
      if (failed(compiler.add(wanted)))
        return failure();
  return compiler.finish();
}
