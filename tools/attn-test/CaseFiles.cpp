//===- CaseFiles.cpp - Cases for machines without a compiler --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One JSON file a case; tensors are .npy files, bf16 as uint16.
//
//===----------------------------------------------------------------------===//

#include "CaseFiles.h"

#include "attn/Execution/CommandLine.h"
#include "attn/Execution/Npy.h"
#include "attn/Reference/Tolerance.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

#include <cmath>

using namespace mlir;
using namespace attn;
using namespace attn::tools;
namespace json = llvm::json;
using reference::Tensor;

void attn::tools::coarsen(MutableArrayRef<Tensor> inputs) {
  for (Tensor &tensor : inputs)
    if (tensor.isFloat() && tensor.elementType.getIntOrFloatBitWidth() == 16)
      for (int64_t n = 0, e = tensor.getNumElements(); n < e; ++n)
        tensor.setFloat(n, std::round(tensor.getFloat(n) * 8) / 8);
}

/// Rounds `ref` to as few bits as the tolerance bears, and takes from it what
/// the rounding may cost: nothing passes that did not before.
static Tensor roundExpected(const Tensor &ref,
                            reference::Tolerance &tolerance) {
  if (!ref.isFloat())
    return ref;
  Tensor rounded = ref;
  constexpr double share = 1.0 / 32;
  double slack = share * (tolerance.absolute + tolerance.relative);
  // Rounding to multiples of 2 * slack is off by slack at most.
  double step = std::exp2(std::floor(std::log2(2 * slack)));
  if (slack > 0)
    for (int64_t n = 0, e = ref.getNumElements(); n < e; ++n)
      if (double want = ref.getFloat(n); std::isfinite(want))
        rounded.setFloat(n, std::nearbyint(want / step) * step);
  // The relative part shrinks twice: max(1, |want|) moves along.
  tolerance.absolute *= 1 - share;
  tolerance.relative *= 1 - 2 * share;
  Tensor single =
      rounded.convertedTo(Float32Type::get(ref.elementType.getContext()));
  for (int64_t n = 0, e = ref.getNumElements(); n < e; ++n)
    if (single.getFloat(n) != rounded.getFloat(n) &&
        !std::isnan(rounded.getFloat(n)))
      return rounded;
  return single;
}

std::string attn::tools::writeCase(const InterpretedCase &interpreted,
                                   StringRef artifact,
                                   const std::string &directory,
                                   const std::string &prefix) {
  std::string error;
  auto write = [&](const Tensor &tensor, const Twine &suffix) {
    std::string name = (prefix + suffix + ".npy").str();
    if (error.empty())
      (void)execution::writeTensor(directory + "/" + name, tensor,
                                   /*bf16=*/true, error);
    return name;
  };
  json::Array arguments, outputs;
  for (auto [index, input] : llvm::enumerate(interpreted.inputs))
    arguments.push_back(write(input, ".in" + Twine(index)));
  SmallVector<reference::Output> kinds =
      reference::getOutputs(interpreted.function);
  for (auto [index, output] : llvm::enumerate(kinds)) {
    reference::Tolerance tolerance = reference::getTolerance(
        output, interpreted.ref[index], interpreted.unfused[index]);
    Tensor expected = roundExpected(interpreted.ref[index], tolerance);
    json::Object description{
        {"expected", write(expected, ".out" + Twine(index))},
        {"absolute", tolerance.absolute},
        {"relative", tolerance.relative}};
    if (output.argument)
      description["argument"] = *output.argument;
    else
      description["result"] = index;
    if (!interpreted.promisesNaN)
      description["promises_nan"] = false;
    outputs.push_back(std::move(description));
  }
  json::Object description{{"name", interpreted.name},
                           {"artifact", prefix + ".attn"},
                           {"arguments", std::move(arguments)},
                           {"outputs", std::move(outputs)}};
  std::string text =
      llvm::formatv("{0}\n", json::Value(std::move(description))).str();
  if (error.empty())
    error =
        execution::writeWholeFile(directory + "/" + prefix + ".attn", artifact);
  if (error.empty())
    error = execution::writeWholeFile(directory + "/" + prefix + ".json", text);
  return error;
}
