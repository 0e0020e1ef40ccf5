// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The artifact container: layout, writer and checked reader.
//
//   0  magic      8 bytes    8  version u32   12  flags u32 (0; 1 if packed)
//  16  total size u64       24  XXH3-128 of the bytes from 40 on (low, high)
//  40  section count u32    44  reserved u32 (0)
//  48  section table: name[48] NUL-padded, offset u64, size u64
//      sections, each aligned to 64 bytes, zero padding between
// All numbers are little-endian.
#include "attn/runtime/Artifact.h"

#include "File.h"

#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace attn::runtime {
namespace {

// A high byte and both kinds of line end show transfers that were not binary.
constexpr char magic[] = "\x89"
                         "ATTN\r\n\x1a";
constexpr size_t magicSize = 8;
constexpr size_t versionAt = 8, flagsAt = 12, totalAt = 16, hashAt = 24;
constexpr size_t hashedFrom = 40, countAt = 40, tableAt = 48;
constexpr size_t nameField = maxSectionName + 1, entrySize = nameField + 16;
constexpr size_t sectionAlignment = 64;

void put(std::string &bytes, size_t at, uint64_t value, int width) {
  for (int i = 0; i < width; ++i)
    bytes[at + i] = char(value >> (8 * i));
}

uint64_t get(std::string_view bytes, size_t at, int width) {
  uint64_t value = 0;
  for (int i = 0; i < width; ++i)
    value |= uint64_t(uint8_t(bytes[at + i])) << (8 * i);
  return value;
}

size_t alignUp(size_t value) {
  return (value + sectionAlignment - 1) / sectionAlignment * sectionAlignment;
}

XXH128_hash_t hashOf(std::string_view bytes) {
  std::string_view contents = contentsOf(bytes);
  return XXH3_128bits(contents.data(), contents.size());
}

bool startsWithMagic(std::string_view bytes) {
  std::string_view expected(magic, magicSize);
  size_t seen = bytes.size() < magicSize ? bytes.size() : magicSize;
  return !bytes.empty() && bytes.substr(0, seen) == expected.substr(0, seen);
}

std::string number(uint64_t value) { return std::to_string(value); }

/// Fills the header of what has room for it.
void seal(std::string &bytes, uint32_t flags) {
  std::memcpy(bytes.data(), magic, magicSize);
  put(bytes, versionAt, artifactVersion, 4);
  put(bytes, flagsAt, flags, 4);
  put(bytes, totalAt, bytes.size(), 8);
  XXH128_hash_t hash = hashOf(bytes);
  put(bytes, hashAt, hash.low64, 8);
  put(bytes, hashAt + 8, hash.high64, 8);
}

} // namespace

//===----------------------------------------------------------------------===//
// The header
//===----------------------------------------------------------------------===//

std::string sealContainer(std::string_view contents, uint32_t flags) {
  std::string bytes(hashedFrom, '\0');
  bytes += contents;
  seal(bytes, flags);
  return bytes;
}

std::string_view contentsOf(std::string_view container) {
  return container.substr(hashedFrom);
}

bool isPacked(std::string_view bytes) {
  return startsWithMagic(bytes) && bytes.size() >= tableAt &&
         get(bytes, flagsAt, 4) == packedFlag;
}

ArtifactProblem checkContainer(std::string_view bytes, uint32_t accepted,
                               std::string &error) {
  if (!startsWithMagic(bytes)) {
    error = "not an attention artifact: it does not start with the magic bytes";
    return ArtifactProblem::NotAnArtifact;
  }
  if (bytes.size() < tableAt) {
    error = "the artifact is truncated: " + number(bytes.size()) +
            " bytes, its header alone has " + number(tableAt);
    return ArtifactProblem::Truncated;
  }
  uint64_t version = get(bytes, versionAt, 4);
  if (version != artifactVersion) {
    error = "the artifact has container version " + number(version) +
            "; this runtime reads version " + number(artifactVersion);
    return ArtifactProblem::OtherVersion;
  }
  if (uint64_t flags = get(bytes, flagsAt, 4); flags && flags != accepted) {
    error = flags == packedFlag
                ? "the artifact is packed for browsers, which alone run what "
                  "it holds"
                : "the artifact sets flags " + number(flags) +
                      ", which this runtime does not know";
    return ArtifactProblem::OtherVersion;
  }
  uint64_t total = get(bytes, totalAt, 8);
  if (bytes.size() < total) {
    error = "the artifact is truncated: " + number(bytes.size()) + " of " +
            number(total) + " bytes";
    return ArtifactProblem::Truncated;
  }
  if (bytes.size() > total) {
    error = "the artifact is corrupted: " + number(bytes.size()) +
            " bytes where its header says " + number(total);
    return ArtifactProblem::Corrupted;
  }
  XXH128_hash_t hash = hashOf(bytes);
  if (get(bytes, hashAt, 8) != hash.low64 ||
      get(bytes, hashAt + 8, 8) != hash.high64) {
    error = "the artifact is corrupted: its hash does not match its contents";
    return ArtifactProblem::Corrupted;
  }
  return ArtifactProblem::None;
}

//===----------------------------------------------------------------------===//
// ArtifactWriter
//===----------------------------------------------------------------------===//

ArtifactWriter::ArtifactWriter(std::string_view json) {
  sections.push_back({std::string(jsonSection), std::string(json)});
}

bool ArtifactWriter::addCode(std::string_view name, std::string_view bytes,
                             std::string &error) {
  if (name.empty()) {
    error = "a code section needs a name without NUL";
    return false;
  }
  return addSection("code/" + std::string(name), bytes, error);
}

bool ArtifactWriter::addSection(std::string name, std::string_view bytes,
                                std::string &error) {
  if (name.empty() || name.find('\0') != std::string::npos) {
    error = "a code section needs a name without NUL";
    return false;
  }
  if (name.size() > maxSectionName) {
    error = "the section name '" + name + "' has " + number(name.size()) +
            " bytes; at most " + number(maxSectionName) + " fit";
    return false;
  }
  for (const Section &section : sections) {
    if (section.name == name) {
      error = "the artifact already has a section '" + name + "'";
      return false;
    }
  }
  sections.push_back({std::move(name), std::string(bytes)});
  return true;
}

std::string ArtifactWriter::toBytes() const {
  size_t total = tableAt + sections.size() * entrySize;
  for (const Section &section : sections)
    total = alignUp(total) + section.bytes.size();

  std::string bytes(total, '\0');
  put(bytes, countAt, sections.size(), 4);
  size_t entry = tableAt, at = tableAt + sections.size() * entrySize;
  for (const Section &section : sections) {
    at = alignUp(at);
    std::memcpy(&bytes[entry], section.name.data(), section.name.size());
    put(bytes, entry + nameField, at, 8);
    put(bytes, entry + nameField + 8, section.bytes.size(), 8);
    bytes.replace(at, section.bytes.size(), section.bytes);
    entry += entrySize;
    at += section.bytes.size();
  }
  seal(bytes, /*flags=*/0);
  return bytes;
}

bool ArtifactWriter::writeFile(const std::string &path,
                               std::string &error) const {
  return writeFileAtomically(path, {toBytes()}, error);
}

//===----------------------------------------------------------------------===//
// ArtifactView
//===----------------------------------------------------------------------===//

ArtifactProblem ArtifactView::open(std::string_view bytes, ArtifactView &view,
                                   std::string &error) {
  if (ArtifactProblem problem = checkContainer(bytes, /*accepted=*/0, error);
      problem != ArtifactProblem::None)
    return problem;

  // From here on the bytes are what some writer wrote; what is wrong now is
  // the writer's doing.
  uint64_t count = get(bytes, countAt, 4);
  if (count > (bytes.size() - tableAt) / entrySize) {
    error = "malformed artifact: a table of " + number(count) +
            " sections does not fit " + number(bytes.size()) + " bytes";
    return ArtifactProblem::Malformed;
  }
  ArtifactView result;
  size_t tableEnd = tableAt + count * entrySize;
  for (size_t entry = tableAt; entry < tableEnd; entry += entrySize) {
    std::string_view name = bytes.substr(entry, nameField);
    size_t length = name.find('\0');
    if (length == std::string_view::npos || length == 0) {
      error = "malformed artifact: section " +
              number((entry - tableAt) / entrySize) +
              " has no NUL-terminated name";
      return ArtifactProblem::Malformed;
    }
    name = name.substr(0, length);
    uint64_t offset = get(bytes, entry + nameField, 8);
    uint64_t size = get(bytes, entry + nameField + 8, 8);
    if (offset < tableEnd || offset > bytes.size() ||
        size > bytes.size() - offset) {
      error = "malformed artifact: section '" + std::string(name) +
              "' (offset " + number(offset) + ", size " + number(size) +
              ") does not lie within its " + number(bytes.size()) + " bytes";
      return ArtifactProblem::Malformed;
    }
    if (result.find(name)) {
      error = "malformed artifact: two sections are called '" +
              std::string(name) + "'";
      return ArtifactProblem::Malformed;
    }
    result.sections.push_back({name, bytes.substr(offset, size)});
  }
  if (!result.find(jsonSection)) {
    error = "malformed artifact: it has no 'json' section";
    return ArtifactProblem::Malformed;
  }
  view = std::move(result);
  return ArtifactProblem::None;
}

const ArtifactView::Section *ArtifactView::find(std::string_view name) const {
  for (const Section &section : sections)
    if (section.name == name)
      return &section;
  return nullptr;
}

} // namespace attn::runtime
