//===- Packed.cpp - Small artifacts for browsers --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A line of an unrolled loop is the one before it with other numbers. So lines
// are templates, which stand once, and differences of their numbers from those
// of the last line of the template; deflate does the rest.
//
//===----------------------------------------------------------------------===//

#include "attn/AheadOfTime/Packed.h"
#include "attn/AheadOfTime/Variants.h"
#include "attn/Target/Target.h"
#include "attn/runtime/Artifact.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Compression.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/LEB128.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace attn;

namespace {

/// In front of the deflated bytes: how many bytes are inflated.
constexpr size_t sizeBytes = 4;

/// Codes of templates: the one that followed last time, a new one, or its
/// number from here on.
enum Code : uint64_t { Follower = 0, New = 1, FirstNumber = 2 };

/// Lines end with these, and descriptions, which have no lines, are cut.
bool endsPiece(char c) { return c == '\n' || c == '}'; }

/// The first piece of `text`, which is dropped from it.
StringRef takePiece(StringRef &text) {
  size_t size = 0;
  while (size < text.size() && !endsPiece(text[size]))
    ++size;
  size += size < text.size();
  StringRef piece = text.take_front(size);
  text = text.drop_front(size);
  return piece;
}

/// A piece in which 0 stands for each number.
struct Template {
  SmallVector<uint32_t> last;
  /// What came after it, from 1 on.
  unsigned follower = 0;
};

/// The number that `text` begins with, without zeros in front and of so many
/// digits that 32 bits hold it.
StringRef takeNumber(StringRef text) {
  constexpr size_t mostDigits = 9;
  if (text.front() == '0')
    return text.take_front(1);
  return text.take_front(mostDigits).take_while(isDigit);
}

class Packer {
public:
  void add(StringRef piece);
  std::string finish() const;

private:
  StringMap<unsigned> numbers;
  std::vector<Template> templates;
  unsigned previous = 0;
  std::string codes, differences, texts;
};

} // namespace

static void writeNumber(std::string &bytes, uint64_t value) {
  raw_string_ostream os(bytes);
  encodeULEB128(value, os);
}

void Packer::add(StringRef piece) {
  SmallString<128> text;
  SmallVector<uint32_t> values;
  while (!piece.empty()) {
    if (!isDigit(piece.front())) {
      text += piece.front();
      piece = piece.drop_front();
      continue;
    }
    StringRef digits = takeNumber(piece);
    values.push_back(static_cast<uint32_t>(std::stoul(digits.str())));
    text += '0';
    piece = piece.drop_front(digits.size());
  }
  // Templates are numbered from 1 on.
  auto [entry, isNew] = numbers.try_emplace(text, templates.size() + 1);
  unsigned number = entry->second;
  if (isNew) {
    templates.push_back({SmallVector<uint32_t>(values.size()), 0});
    texts += text;
  }
  unsigned expected = previous ? templates[previous - 1].follower : 0;
  writeNumber(codes, expected == number ? Follower
                     : isNew            ? New
                                        : FirstNumber + number - 1);
  if (previous)
    templates[previous - 1].follower = number;
  previous = number;
  for (auto [last, value] : zip_equal(templates[number - 1].last, values)) {
    int64_t difference = int64_t(value) - last;
    writeNumber(differences,
                difference < 0 ? -2 * difference - 1 : 2 * difference);
    last = value;
  }
}

std::string Packer::finish() const {
  std::string all;
  writeNumber(all, codes.size());
  writeNumber(all, differences.size());
  return all + codes + differences + texts;
}

static bool isForBrowsers(const ArtifactVariant &variant) {
  std::string error;
  const Target *target =
      findTarget(variant.description.getString("target").value_or(""), error);
  return target && target->isForBrowsers(
                       variant.description.getString("chip").value_or(""));
}

std::string attn::packForBrowsers(std::string artifact) {
  Expected<std::vector<ArtifactVariant>> variants = readVariants(artifact);
  if (!variants) {
    consumeError(variants.takeError());
    return artifact;
  }
  // One alone stays a text to look at, unless a page fills its holes.
  bool isText =
      variants->size() == 1 && !variants->front().description.getArray("holes");
  if (isText || !all_of(*variants, isForBrowsers) ||
      !compression::zlib::isAvailable())
    return artifact;
  Packer packer;
  for (StringRef rest = artifact; !rest.empty();)
    packer.add(takePiece(rest));
  SmallVector<uint8_t> deflated;
  std::string lines = packer.finish();
  compression::zlib::compress(arrayRefFromStringRef(lines), deflated,
                              compression::zlib::BestSizeCompression);
  std::string contents(sizeBytes, '\0');
  support::endian::write32le(contents.data(), lines.size());
  contents += toStringRef(deflated);
  return runtime::sealContainer(contents, runtime::packedFlag);
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

namespace {
class Unpacker {
public:
  explicit Unpacker(StringRef bytes) : rest(bytes) {}
  Expected<std::string> run();

private:
  Expected<uint64_t> read(StringRef &bytes);
  Error addPiece();

  StringRef rest, codes, differences;
  std::vector<StringRef> texts;
  std::vector<Template> templates;
  unsigned previous = 0;
  std::string result;
};
} // namespace

static Error malformed() {
  return createStringError("malformed artifact: what it packs is cut off");
}

Expected<uint64_t> Unpacker::read(StringRef &bytes) {
  unsigned size = 0;
  const char *problem = nullptr;
  uint64_t value =
      decodeULEB128(bytes.bytes_begin(), &size, bytes.bytes_end(), &problem);
  if (problem)
    return malformed();
  bytes = bytes.drop_front(size);
  return value;
}

Error Unpacker::addPiece() {
  Expected<uint64_t> code = read(codes);
  if (!code)
    return code.takeError();
  uint64_t number = *code >= FirstNumber ? *code - FirstNumber + 1
                    : *code == New       ? templates.size() + 1
                    : previous           ? templates[previous - 1].follower
                                         : 0;
  if (*code == New && number <= texts.size())
    templates.push_back(
        {SmallVector<uint32_t>(texts[number - 1].count('0')), 0});
  if (number == 0 || number > templates.size())
    return malformed();
  if (previous)
    templates[previous - 1].follower = number;
  previous = number;
  uint32_t *last = templates[number - 1].last.begin();
  for (char c : texts[number - 1]) {
    if (c != '0') {
      result += c;
      continue;
    }
    Expected<uint64_t> difference = read(differences);
    if (!difference)
      return difference.takeError();
    *last += *difference % 2 ? -(*difference / 2 + 1) : *difference / 2;
    result += std::to_string(*last++);
  }
  return Error::success();
}

Expected<std::string> Unpacker::run() {
  Expected<uint64_t> codeBytes = read(rest);
  if (!codeBytes)
    return codeBytes.takeError();
  Expected<uint64_t> differenceBytes = read(rest);
  if (!differenceBytes)
    return differenceBytes.takeError();
  if (*codeBytes > rest.size() || *differenceBytes > rest.size() - *codeBytes)
    return malformed();
  codes = rest.take_front(*codeBytes);
  differences = rest.substr(*codeBytes, *differenceBytes);
  for (rest = rest.drop_front(*codeBytes + *differenceBytes); !rest.empty();)
    texts.push_back(takePiece(rest));
  while (!codes.empty())
    if (Error error = addPiece())
      return error;
  return std::move(result);
}

Expected<std::string> attn::unpackArtifact(StringRef artifact) {
  // What is no packed artifact is for others to judge.
  if (!runtime::isPacked(artifact))
    return artifact.str();
  std::string error;
  if (runtime::checkContainer(artifact, runtime::packedFlag, error) !=
      runtime::ArtifactProblem::None)
    return createStringError(error);
  if (!compression::zlib::isAvailable())
    return createStringError("the artifact is packed; this build has no zlib");
  StringRef contents = runtime::contentsOf(artifact);
  SmallVector<uint8_t> bytes;
  if (Error problem = compression::zlib::decompress(
          arrayRefFromStringRef(contents.drop_front(sizeBytes)), bytes,
          support::endian::read32le(contents.data())))
    return std::move(problem);
  return Unpacker(toStringRef(bytes)).run();
}
