// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Opening artifacts, and the choice among their variants (see Bundle.h).
#include "Bundle.h"

#include "Failure.h"

namespace attn::runtime {
namespace {

attn_status statusOf(ArtifactProblem problem) {
  switch (problem) {
  case ArtifactProblem::None:
    return ATTN_OK;
  case ArtifactProblem::NotAnArtifact:
  case ArtifactProblem::Malformed:
    return ATTN_ERROR_MALFORMED_ARTIFACT;
  case ArtifactProblem::OtherVersion:
    return ATTN_ERROR_UNSUPPORTED_VERSION;
  case ArtifactProblem::Truncated:
  case ArtifactProblem::Corrupted:
    return ATTN_ERROR_CORRUPTED_ARTIFACT;
  }
  return ATTN_ERROR_INTERNAL;
}

ArtifactView openView(std::string_view bytes) {
  ArtifactView view;
  std::string error;
  if (ArtifactProblem problem = ArtifactView::open(bytes, view, error);
      problem != ArtifactProblem::None)
    fail(statusOf(problem), std::move(error));
  return view;
}

/// Every launch whose kernel has been compiled names a code section that is
/// there.
void checkCode(const Description &description, const ArtifactView &artifact) {
  for (size_t i = 0; i < description.launches.size(); ++i) {
    const std::string &code = description.launches[i].code;
    if (code.empty())
      continue;
    if (code.rfind("code/", 0) != 0 || !artifact.find(code))
      fail(ATTN_ERROR_MALFORMED_ARTIFACT,
           "malformed artifact: $.launches[" + std::to_string(i) +
               "].code: there is no code section '" + code + "'");
  }
}

Variant openVariant(std::string_view bytes, ArtifactView view,
                    std::string_view section) {
  Variant variant;
  variant.bytes = bytes;
  variant.view = std::move(view);
  variant.json = variant.view.find(jsonSection)->bytes;
  variant.description =
      std::make_shared<const Description>(parseDescription(variant.json));
  const Description &description = *variant.description;
  checkCode(description, variant.view);
  variant.what = {description.target, description.chip, description.entry,
                  description.features, std::string(section)};
  return variant;
}

} // namespace

size_t Variant::codeSize() const {
  size_t total = 0;
  for (const ArtifactView::Section &section : view.getSections())
    if (section.name.rfind("code/", 0) == 0)
      total += section.bytes.size();
  return total;
}

Bundle::Bundle(std::string content) : bytes(std::move(content)) {
  ArtifactView view = openView(bytes);
  std::optional<std::vector<VariantDescription>> listed =
      parseBundle(view.find(jsonSection)->bytes);
  if (!listed) {
    variants.push_back(openVariant(bytes, std::move(view), ""));
    return;
  }
  for (VariantDescription &what : *listed) {
    const ArtifactView::Section *section = view.find(what.section);
    if (!section)
      fail(ATTN_ERROR_MALFORMED_ARTIFACT,
           "malformed artifact: there is no section '" + what.section + "'");
    try {
      Variant variant =
          openVariant(section->bytes, openView(section->bytes), section->name);
      if (variant.what.target != what.target || variant.what.chip != what.chip)
        fail(ATTN_ERROR_MALFORMED_ARTIFACT, "malformed artifact: it holds " +
                                                variant.name() + ", not " +
                                                what.target + ":" + what.chip);
      variants.push_back(std::move(variant));
    } catch (const Failure &failure) {
      fail(failure.status,
           "the section '" + what.section + "': " + failure.message);
    }
  }
}

bool Bundle::holdsTarget(const std::string &target) const {
  for (const Variant &variant : variants)
    if (variant.what.target == target)
      return true;
  return false;
}

std::string Bundle::names() const {
  std::string text;
  for (const Variant &variant : variants)
    text += (text.empty() ? "" : ", ") + variant.name();
  return text;
}

const Variant &Bundle::choose(const Backend &backend,
                              std::string &reason) const {
  const Variant *best = nullptr;
  std::vector<std::string> objections;
  for (const Variant &variant : variants) {
    objections.push_back(variant.what.target == backend.name()
                             ? backend.objection(*variant.description)
                             : std::string("this context runs '") +
                                   backend.name() + "'");
    if (objections.back().empty() &&
        (!best ||
         backend.rank(*variant.description) > backend.rank(*best->description)))
      best = &variant;
  }
  if (!best && variants.size() == 1)
    fail(ATTN_ERROR_UNSUPPORTED_DEVICE, "the artifact was compiled for " +
                                            variants[0].name() + "; " +
                                            objections[0]);
  std::string text = best ? best->name() + " for " + backend.device()
                          : "the artifact holds nothing that runs here";
  for (size_t i = 0; i < variants.size(); ++i)
    if (&variants[i] != best)
      text += "; not " + variants[i].name() + ": " +
              (objections[i].empty() ? "it makes less of the device"
                                     : objections[i]);
  if (!best)
    fail(ATTN_ERROR_UNSUPPORTED_DEVICE, std::move(text));
  reason = std::move(text);
  return *best;
}

} // namespace attn::runtime
