// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Opening an artifact on a device.
#include "Program.h"

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

ArtifactView openArtifact(std::string_view bytes) {
  ArtifactView view;
  std::string error;
  if (ArtifactProblem problem = ArtifactView::open(bytes, view, error);
      problem != ArtifactProblem::None)
    fail(statusOf(problem), std::move(error));
  return view;
}

/// Every launch names a code section that is there.
void checkCode(const Description &description, const ArtifactView &artifact) {
  for (size_t i = 0; i < description.launches.size(); ++i) {
    const std::string &code = description.launches[i].code;
    if (code.rfind("code/", 0) != 0 || !artifact.find(code))
      fail(ATTN_ERROR_MALFORMED_ARTIFACT,
           "malformed artifact: $.launches[" + std::to_string(i) +
               "].code: there is no code section '" + code + "'");
  }
}

} // namespace

Program::Program(std::shared_ptr<Backend> backendToUse, std::string content)
    : backend(std::move(backendToUse)), bytes(std::move(content)),
      artifact(openArtifact(bytes)), json(artifact.find(jsonSection)->bytes),
      description(parseDescription(json)) {
  checkCode(description, artifact);
  if (description.target != backend->name())
    fail(ATTN_ERROR_UNSUPPORTED_DEVICE,
         "the artifact was compiled for the target '" + description.target +
             "'; this context runs '" + backend->name() + "'");
  loaded = backend->load(description, artifact);
}

size_t Program::codeSize() const {
  size_t total = 0;
  for (const ArtifactView::Section &section : artifact.getSections())
    if (section.name.rfind("code/", 0) == 0)
      total += section.bytes.size();
  return total;
}

} // namespace attn::runtime
