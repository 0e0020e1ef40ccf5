// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fuzzes what the runtime reads of artifacts: the container as it is and behind
// a right header and hash, descriptions and lists of variants. Nothing may
// crash; a description that parses must evaluate to values or failures.
#include "Bundle.h"
#include "Description.h"
#include "Failure.h"
#include "attn/runtime/Artifact.h"

#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

using namespace attn::runtime;

namespace {

/// Sizes that are apt to overflow and to divide by zero.
class HostileEnvironment : public Environment {
public:
  int64_t dim(size_t tensor, int32_t axis) const override {
    return int64_t(tensor) - axis;
  }
  int64_t stride(size_t, int32_t axis) const override {
    return axis ? INT64_MIN : INT64_MAX;
  }
  int64_t scalar(size_t argument) const override { return -int64_t(argument); }
  int64_t symbol(size_t index) const override {
    return INT64_MAX - int64_t(index);
  }
  int64_t index(size_t loop) const override { return -int64_t(loop); }
  int64_t element(size_t argument, int64_t offset) const override {
    return int64_t(argument) - offset / 2;
  }
  int64_t threads() const override { return 1; }
  int64_t multiprocessors() const override { return 0; }
};

void evaluate(const Expression &expression) {
  try {
    expression.evaluate(HostileEnvironment());
  } catch (const Failure &) {
  }
}

void parse(std::string_view json) {
  try {
    Description description = parseDescription(json);
    for (const NamedExpression &symbol : description.symbols)
      evaluate(symbol.value);
    for (const LaunchDescription &launch : description.launches)
      for (const Expression &extent : launch.grid)
        evaluate(extent);
    for (const Check &check : description.checks)
      evaluate(check.condition);
  } catch (const Failure &) {
  }
}

/// The bytes with the start of the header and the hash that they should have
/// (docs/artifact.md), so that the table of sections is read.
std::string seal(std::string_view bytes) {
  constexpr size_t hashed = 40;
  std::string sealed(bytes);
  if (sealed.size() < hashed)
    sealed.resize(hashed);
  std::memcpy(sealed.data(),
              "\x89"
              "ATTN\r\n\x1a\1\0\0\0\0\0\0\0",
              16);
  uint64_t size = sealed.size();
  XXH128_hash_t hash =
      XXH3_128bits(sealed.data() + hashed, sealed.size() - hashed);
  std::memcpy(&sealed[16], &size, 8);
  std::memcpy(&sealed[24], &hash.low64, 8);
  std::memcpy(&sealed[32], &hash.high64, 8);
  return sealed;
}

void load(std::string artifact) {
  std::string error;
  ArtifactView view;
  ArtifactView::open(artifact, view, error);
  for (const ArtifactView::Section &section : view.getSections())
    parse(section.bytes);
  try {
    Bundle bundle(std::move(artifact));
  } catch (const Failure &) {
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char *>(data), size);
  load(std::string(bytes));
  load(seal(bytes));
  load(ArtifactWriter(bytes).toBytes());
  return 0;
}
