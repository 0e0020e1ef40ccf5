// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fuzzes what the runtime reads from files: containers, descriptions (also
// those behind a right hash) and .npy files. Nothing may crash; a description
// that parses must evaluate to values or failures.
#include "Bundle.h"
#include "Description.h"
#include "Failure.h"
#include "attn/runtime/Artifact.h"
#include "attn/runtime/Npy.h"

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

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char *>(data), size);
  std::string error;
  ArtifactView view;
  ArtifactView::open(bytes, view, error);
  ArtifactView::open(ArtifactWriter(bytes).toBytes(), view, error);
  parse(bytes);
  try {
    Bundle bundle(ArtifactWriter(bytes).toBytes());
  } catch (const Failure &) {
  }
  NpyArray array;
  parseNpy(bytes, "fuzz", array, error);
  return 0;
}
