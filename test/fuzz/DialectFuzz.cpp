//===- DialectFuzz.cpp - Fuzz parser, verifiers and expansion -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Feeds mutated MLIR text to the parser and the verifiers. What they accept
// goes through attn-expand-sugar and attn-simplify-regions, which must either
// diagnose it or make IR that verifies. Mutations keep whole tokens, so that
// many inputs get past the parser.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/Attn.h"
#include "attn/Dialect/Tile/Tile.h"
#include "attn/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/Regex.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdlib>
#include <cstring>
#include <random>

using namespace mlir;

//===----------------------------------------------------------------------===//
// Target
//===----------------------------------------------------------------------===//

static const DialectRegistry &getRegistry() {
  static const DialectRegistry registry = [] {
    DialectRegistry made;
    made.insert<attn::AttnDialect, attn::tile::TileDialect, arith::ArithDialect,
                func::FuncDialect, math::MathDialect, memref::MemRefDialect,
                scf::SCFDialect, tensor::TensorDialect>();
    return made;
  }();
  return registry;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  // A context an input: what crashes does not depend on what came before.
  MLIRContext context(getRegistry(), MLIRContext::Threading::DISABLED);
  ScopedDiagnosticHandler silent(&context,
                                 [](Diagnostic &) { return success(); });
  std::string text(reinterpret_cast<const char *>(data), size);
  // The parser of MLIR 22 crashes on arrays of index: not ours to find.
  static const llvm::Regex arrayOfIndex("array<[[:space:]]*index");
  if (arrayOfIndex.match(text))
    return 0;
  auto module = parseSourceString<ModuleOp>(text, &context);
  if (!module)
    return 0;
  PassManager pm(&context);
  // Verified below: there a failure is a bug, here it would look like a
  // diagnostic of the pass.
  pm.enableVerifier(false);
  pm.addPass(attn::createExpandSugar());
  pm.addPass(attn::createMakeTotal());
  pm.addPass(attn::createSimplifyRegions());
  if (succeeded(pm.run(*module)) && failed(verify(*module))) {
    llvm::errs() << "the passes made invalid IR of\n" << text << "\n";
    std::abort();
  }
  return 0;
}

//===----------------------------------------------------------------------===//
// Mutation
//===----------------------------------------------------------------------===//

/// Splits at blanks, words (with %, #, !, @ in front) and single characters.
static std::vector<StringRef> tokenize(StringRef text) {
  std::vector<StringRef> tokens;
  while (!text.empty()) {
    size_t length = 1;
    const StringRef blanks = " \t\n\v\f\r";
    if (blanks.contains(text[0]))
      length = std::min(text.find_first_not_of(blanks), text.size());
    else if (isalnum(static_cast<unsigned char>(text[0])) ||
             StringRef("%#!@^_").contains(text[0]))
      while (length < text.size() &&
             (isalnum(static_cast<unsigned char>(text[length])) ||
              StringRef("_.").contains(text[length])))
        ++length;
    tokens.push_back(text.take_front(length));
    text = text.drop_front(length);
  }
  return tokens;
}

/// Tokens that change what the op means, or that are at the border of a type.
static constexpr StringLiteral kTokens[] = {
    "0",
    "1",
    "-1",
    "2147483648",
    "9223372036854775807",
    "-9223372036854775808",
    "?",
    "0.0",
    "-1.0e38",
    "0x7FC00000",
    "0xFF800000",
    "f16",
    "bf16",
    "f32",
    "f64",
    "i1",
    "i8",
    "i32",
    "i64",
    "index",
    "tensor<?xi32>",
    "tensor<?x?x?x?xf32>",
    "tensor<*xf32>",
    "memref<?x?x?x?xf32>",
    "memref<4x4xf32, strided<[?, 1], offset: ?>>",
    "vector<4xf32>",
    "causal = #attn.causal<bottom_right>",
    "window = #attn.window<left = 0, right = 0>",
    "softcap = 0.0 : f32",
    "scale_value = -1.0 : f32",
    "approx_tanh",
    "attn.q_offset : index",
    "attn.q_len : index",
    "attn.kv_len : index",
};

/// One edit of tokens; plain bytes now and then.
extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t maxSize);
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size,
                                          size_t maxSize, unsigned seed) {
  std::minstd_rand random(seed);
  std::string text(reinterpret_cast<const char *>(data), size);
  std::vector<StringRef> tokens = tokenize(text);
  constexpr unsigned kPlainOneIn = 16;
  if (tokens.size() < 2 || random() % kPlainOneIn == 0)
    return LLVMFuzzerMutate(data, size, maxSize);

  for (unsigned edits = 1 + random() % 3; edits != 0; --edits) {
    size_t at = random() % tokens.size(), other = random() % tokens.size();
    switch (random() % 5) {
    case 0:
      tokens[at] = kTokens[random() % std::size(kTokens)];
      break;
    case 1:
      tokens[at] = tokens[other];
      break;
    case 2:
      std::swap(tokens[at], tokens[other]);
      break;
    case 3:
      tokens[at] = "";
      break;
    case 4: {
      // A stretch of tokens once more elsewhere: operands, ops, regions.
      size_t count = std::min<size_t>(1 + random() % 24, tokens.size() - other);
      std::vector<StringRef> copy(tokens.begin() + other,
                                  tokens.begin() + other + count);
      tokens.insert(tokens.begin() + at, copy.begin(), copy.end());
      break;
    }
    }
  }
  std::string mutated;
  for (StringRef token : tokens)
    mutated += token;
  size_t length = std::min(mutated.size(), maxSize);
  std::memcpy(data, mutated.data(), length);
  return length;
}
