//===- RandomInputs.cpp - Inputs that make sense, from a seed -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One generator a role. The standard distributions are not the same everywhere,
// so they are spelled out. Engine and distribution are quick ones: compiling
// for a short problem should not take less time than making its inputs.
//
//===----------------------------------------------------------------------===//

#include "attn/Execution/RandomInputs.h"
#include "attn/Dialect/Attn/ArgumentNames.h"

#include "llvm/Support/MathExtras.h"

#include <array>
#include <cmath>
#include <cstring>

#include <unistd.h>

using namespace mlir;
using namespace attn::execution;

namespace {

/// SplitMix64: a counter of which all bits are mixed.
class Engine {
public:
  explicit Engine(uint64_t seed) : state(seed) {}

  uint64_t operator()() {
    uint64_t bits = state += 0x9e3779b97f4a7c15;
    bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9;
    bits = (bits ^ bits >> 27) * 0x94d049bb133111eb;
    return bits ^ bits >> 31;
  }
  /// [0, 1) with 53 random bits.
  double uniform() { return toUniform((*this)()); }

  static double toUniform(uint64_t bits) { return (bits >> 11) * 0x1p-53; }

private:
  uint64_t state;
};

/// Normal numbers by Marsaglia's and Tsang's ziggurat: half of the bell curve
/// is covered by layers of equal area, rectangles from 0 to an edge, of which
/// the lowest has the tail as well. 99 of 100 points of a layer lie left of the
/// edge of the layer above and are under the curve without a look at it.
class Ziggurat {
public:
  Ziggurat() {
    // The lowest layer's edge is that of a rectangle of its area.
    edges[0] = area / density(tailBegin);
    edges[1] = tailBegin;
    for (unsigned layer = 1; layer + 1 < layers; ++layer)
      edges[layer + 1] =
          std::sqrt(-2 * std::log(density(edges[layer]) + area / edges[layer]));
    edges[layers] = 0;
  }

  double operator()(Engine &engine) const {
    for (;;) {
      // Of the bits that the position leaves: eight for the layer, a sign.
      const uint64_t bits = engine();
      const unsigned layer = bits % layers;
      double x = Engine::toUniform(bits) * edges[layer];
      if (LLVM_UNLIKELY(x >= edges[layer + 1])) {
        if (layer == 0)
          x = tail(engine);
        else if (!isBelowCurve(x, layer, engine))
          continue;
      }
      return bits & layers ? -x : x;
    }
  }

private:
  static constexpr unsigned layers = 256;
  /// Where the tail begins, and the area of each layer, for 256 of them.
  static constexpr double tailBegin = 3.6541528853610088,
                          area = 0.00492867323399;

  static double density(double x) { return std::exp(-x * x / 2); }

  /// A random height of the layer, compared with the curve.
  bool isBelowCurve(double x, unsigned layer, Engine &engine) const {
    const double low = density(edges[layer]), high = density(edges[layer + 1]);
    return low + engine.uniform() * (high - low) < density(x);
  }

  static double tail(Engine &engine) {
    double beyond, height;
    do {
      beyond = -std::log(1 - engine.uniform()) / tailBegin;
      height = -std::log(1 - engine.uniform());
    } while (2 * height < beyond * beyond);
    return tailBegin + beyond;
  }

  std::array<double, layers + 1> edges;
};

class Generator {
public:
  Generator(const Signature &signature, uint64_t seed)
      : signature(signature), engine(seed) {}

  Tensor make(const Argument &argument, ArrayRef<int64_t> shape) {
    Tensor tensor(argument.getElementType(), shape);
    switch (argument.role) {
    case Role::Query:
    case Role::Key:
    case Role::Value:
    case Role::Bias:
    case Role::Sink:
    case Role::Other:
      fill(
          tensor, [&](int64_t) { return normal(); },
          [&](int64_t) { return uniform(argument.low, argument.high + 1); });
      if (argument.rising && !tensor.isFloat())
        sortRows(tensor);
      break;
    case Role::Scale:
    case Role::Alibi:
      fillFloats(tensor, [&](int64_t) { return 0.05 + 0.25 * uniform(); });
      break;
    case Role::Mask:
      fillInts(tensor, [&](int64_t) { return uniform(0, 4) != 0; });
      break;
    case Role::Segments:
      fillInts(tensor, [&](int64_t n) {
        // Runs of ids that rise along the sequence.
        int64_t length = std::max<int64_t>(shape.back(), 1);
        return n % length * 3 / length;
      });
      break;
    case Role::Prefix:
      fillInts(tensor, [&](int64_t) { return uniform(0, keys() + 1); });
      break;
    case Role::QOffset:
      fillInts(tensor, [&](int64_t) {
        return std::max<int64_t>(0, keys() - size("Sq") - uniform(0, 2));
      });
      break;
    case Role::KVLen:
      fillInts(tensor,
               [&](int64_t) { return keys() - uniform(0, keys() / 2 + 1); });
      break;
    case Role::CuSeqlensQ:
      fillBounds(tensor, size("Tq"));
      break;
    case Role::CuSeqlensKV:
      if (signature.getSize("Tkv"))
        fillBounds(tensor, size("Tkv"));
      else
        fillPagedBounds(tensor);
      break;
    case Role::PageTable:
      fillPages(tensor);
      break;
    case Role::Destination:
      return makePoison(argument.getElementType(), shape);
    }
    return tensor;
  }

private:
  double uniform() { return engine.uniform(); }
  /// [low, high).
  int64_t uniform(int64_t low, int64_t high) {
    return high <= low ? low : low + engine() % (high - low);
  }
  double normal() { return ziggurat(engine); }

  int64_t size(StringRef name) const {
    return signature.getSize(name).value_or(0);
  }
  /// Keys that a batch has room for.
  int64_t keys() const {
    if (signature.getSize("table_size"))
      return size("table_size") * size("page_size");
    return signature.getSize("Skv") ? size("Skv") : size("Tkv");
  }

  template <typename Floats, typename Ints>
  void fill(Tensor &tensor, Floats floats, Ints ints) {
    if (tensor.isFloat())
      fillFloats(tensor, floats);
    else
      fillInts(tensor, ints);
  }
  template <typename Floats> void fillFloats(Tensor &tensor, Floats floats) {
    int64_t e = tensor.getNumElements();
    // The usual type; all others go by APFloat.
    if (tensor.elementType.isF32())
      for (int64_t n = 0; n < e; ++n) {
        float value = static_cast<float>(floats(n));
        std::memcpy(&tensor.bytes[n * sizeof(value)], &value, sizeof(value));
      }
    else
      for (int64_t n = 0; n < e; ++n)
        tensor.setFloat(n, floats(n));
  }
  template <typename Ints> void fillInts(Tensor &tensor, Ints ints) {
    for (int64_t n = 0, e = tensor.getNumElements(); n < e; ++n)
      tensor.setInt(n, ints(n));
  }

  /// Sorts each row of the last axis.
  void sortRows(Tensor &tensor) {
    int64_t length = tensor.shape.empty() ? 1 : tensor.shape.back();
    SmallVector<int64_t> row(length);
    for (int64_t base = 0, e = tensor.getNumElements(); base < e;
         base += length) {
      for (int64_t n = 0; n < length; ++n)
        row[n] = tensor.getInt(base + n);
      llvm::sort(row);
      for (int64_t n = 0; n < length; ++n)
        tensor.setInt(base + n, row[n]);
    }
  }

  /// B + 1 rising bounds from 0 to `total`; sequences may be empty.
  void fillBounds(Tensor &tensor, int64_t total) {
    int64_t count = tensor.getNumElements();
    SmallVector<int64_t> bounds{0};
    for (int64_t n = 2; n < count; ++n)
      bounds.push_back(uniform(0, total + 1));
    if (count > 1)
      bounds.push_back(total);
    llvm::sort(bounds);
    for (int64_t n = 0; n < count; ++n)
      tensor.setInt(n, bounds[n]);
  }

  /// Bounds of sequences of which each fits its pages.
  void fillPagedBounds(Tensor &tensor) {
    int64_t bound = 0;
    for (int64_t n = 0, e = tensor.getNumElements(); n < e; ++n) {
      tensor.setInt(n, bound);
      bound += uniform(0, keys() + 1);
    }
  }

  /// Pages in random order, each used once while they last.
  void fillPages(Tensor &tensor) {
    int64_t pages = std::max<int64_t>(size("pages"), 1);
    SmallVector<int64_t> order(pages);
    for (int64_t n = 0; n < pages; ++n)
      order[n] = n;
    for (int64_t n = pages - 1; n > 0; --n)
      std::swap(order[n], order[uniform(0, n + 1)]);
    for (int64_t n = 0, e = tensor.getNumElements(); n < e; ++n)
      tensor.setInt(n, order[n % pages]);
  }

  const Signature &signature;
  Engine engine;
  Ziggurat ziggurat;
};

} // namespace

Tensor attn::execution::makePoison(Type elementType, ArrayRef<int64_t> shape) {
  Tensor tensor(elementType, shape);
  // All bits set: a NaN in every float type, -1 in every integer type.
  std::fill(tensor.bytes.begin(), tensor.bytes.end(),
            elementType.isInteger(1) ? 1 : '\xff');
  return tensor;
}

/// Bytes of memory that this machine has.
static uint64_t physicalMemory() {
  return static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) *
         static_cast<uint64_t>(sysconf(_SC_PAGE_SIZE));
}

FailureOr<SmallVector<Tensor>>
attn::execution::makeRandomInputs(func::FuncOp function,
                                  const Signature &signature, uint64_t seed) {
  Generator generator(signature, seed);
  SmallVector<Tensor> inputs;
  uint64_t bytes = 0, memory = physicalMemory();
  for (auto [index, argument] : llvm::enumerate(signature.getArguments())) {
    auto shape = signature.getShape(index);
    if (const std::string *name = std::get_if<std::string>(&shape))
      return function.emitError(attn::describeArgument(function, index))
             << " needs the size " << *name;
    ArrayRef<int64_t> sizes = std::get<SmallVector<int64_t>>(shape);
    if (!reference::isSupportedElement(argument.getElementType()))
      return function.emitError(attn::describeArgument(function, index))
             << " has type " << argument.type
             << ", for which there are no random numbers";
    if (!reference::countElements(sizes))
      return function.emitError(attn::describeArgument(function, index))
             << " has more elements than 63 bits count (rule 21)";
    Type element = argument.getElementType();
    uint64_t width =
        element.isIndex()
            ? 8
            : llvm::divideCeil(element.getIntOrFloatBitWidth(), 8u);
    bool overflow = false;
    bytes = llvm::SaturatingMultiplyAdd(
        static_cast<uint64_t>(*reference::countElements(sizes)), width, bytes,
        &overflow);
    if (overflow || bytes > memory)
      return function.emitError("random inputs need ")
             << bytes << " bytes up to argument " << index
             << ", this machine has " << memory;
    inputs.push_back(generator.make(argument, sizes));
  }
  return inputs;
}
