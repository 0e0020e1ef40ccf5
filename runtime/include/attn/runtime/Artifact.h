// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writing and opening artifact containers (.attn): a hashed table of named
// sections, one JSON description ("json") and code blobs ("code/<name>").
// The format is documented in docs/artifact.md. Nothing here throws (but
// std::bad_alloc) or parses the JSON; sizes and offsets are bytes.
#ifndef ATTN_RUNTIME_ARTIFACT_H
#define ATTN_RUNTIME_ARTIFACT_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace attn::runtime {

/// Version of the container that this code writes and reads.
constexpr uint32_t artifactVersion = 1;
/// Name of the section with the JSON description.
constexpr std::string_view jsonSection = "json";
/// Longest section name, in bytes.
constexpr size_t maxSectionName = 47;

/// Collects the sections of an artifact and writes them.
///
///   ArtifactWriter writer(jsonText);
///   std::string error;
///   if (!writer.addCode("cpu", sharedObjectBytes, error) ||
///       !writer.writeFile("out.attn", error)) ...
class ArtifactWriter {
public:
  explicit ArtifactWriter(std::string_view json);

  /// Adds the section "code/<name>". False, with a message in `error`, when
  /// the name is empty, too long, holds a NUL, or is taken.
  bool addCode(std::string_view name, std::string_view bytes,
               std::string &error);

  /// The same for a section of any other name.
  bool addSection(std::string name, std::string_view bytes, std::string &error);

  /// The whole container.
  std::string toBytes() const;

  /// Writes the container to `path` through a temporary file beside it and a
  /// rename: whatever goes wrong, no partial file is left at `path`.
  bool writeFile(const std::string &path, std::string &error) const;

private:
  struct Section {
    std::string name;
    std::string bytes;
  };
  std::vector<Section> sections;
};

/// Why a container could not be opened.
enum class ArtifactProblem {
  None,
  NotAnArtifact,
  OtherVersion,
  Truncated,
  Corrupted,
  Malformed
};

/// Flag of a container whose sections are packed for browsers.
constexpr uint32_t packedFlag = 1;

/// The container with `contents` behind its header.
std::string sealContainer(std::string_view contents, uint32_t flags);

/// Checks magic, version, flags (0 or `accepted`), size and hash. On a problem
/// says so in `error`.
ArtifactProblem checkContainer(std::string_view bytes, uint32_t accepted,
                               std::string &error);

/// Whether `bytes` begin as a packed container does.
bool isPacked(std::string_view bytes);

/// What is behind the header of a container.
std::string_view contentsOf(std::string_view container);

/// A checked view of a container. It refers to the bytes it was opened on.
class ArtifactView {
public:
  struct Section {
    std::string_view name;
    std::string_view bytes;
  };

  /// Checks magic, version, size, hash and the section table of `bytes`. On a
  /// problem says so in `error` and leaves `view` as it was.
  static ArtifactProblem open(std::string_view bytes, ArtifactView &view,
                              std::string &error);

  const std::vector<Section> &getSections() const { return sections; }
  /// The section called `name`, or null.
  const Section *find(std::string_view name) const;

private:
  std::vector<Section> sections;
};

} // namespace attn::runtime

#endif // ATTN_RUNTIME_ARTIFACT_H
