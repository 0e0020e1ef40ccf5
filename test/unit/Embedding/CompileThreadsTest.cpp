//===- CompileThreadsTest.cpp - Compilations side by side -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An embedder may compile in several threads, each in a context of its own.
// Nothing that a compilation uses (registrations, the linker) is shared state.
//
//===----------------------------------------------------------------------===//

#include "attn/InitAll.h"
#include "attn/Target/Compile.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/CommandLine.h"
#include "gtest/gtest.h"

#include <thread>

using namespace mlir;

namespace {

constexpr StringLiteral kAttention = R"mlir(
func.func @f(%q: tensor<1x2x?x16xf32>, %k: tensor<1x2x?x16xf32>, %v: tensor<1x2x?x16xf32>, %o: tensor<1x2x?x16xf32>) -> tensor<1x2x?x16xf32> {
  %r = attn.attention ins(%q, %k, %v : tensor<1x2x?x16xf32>, tensor<1x2x?x16xf32>, tensor<1x2x?x16xf32>)
      outs(%o : tensor<1x2x?x16xf32>) {causal = #attn.causal<top_left>} -> tensor<1x2x?x16xf32>
  return %r : tensor<1x2x?x16xf32>
})mlir";

/// The bytes of an artifact for `target`, made in a context of its own; empty
/// if that failed.
std::string compile(StringRef target, StringRef chip) {
  DialectRegistry registry;
  attn::registerAllDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  auto module = parseSourceString<ModuleOp>(kAttention, &context);
  if (!module)
    return "";
  attn::CompileOptions options;
  options.target = target.str();
  options.chip = chip.str();
  FailureOr<std::string> bytes = attn::compileToArtifact(*module, options);
  return succeeded(bytes) ? *bytes : "";
}

/// An option of the program around the compiler, not at its default.
llvm::cl::opt<int> ofTheEmbedder("option-of-the-embedder", llvm::cl::init(1));

TEST(CompileThreads, GiveTheBytesOfACompilationAlone) {
  ofTheEmbedder.setValue(7);
  constexpr unsigned kThreads = 4;
  const std::pair<StringRef, StringRef> targets[] = {
      {"cpu", "x86-64-v3"}, {"cpu", "x86-64-v4"}, {"cuda", "sm_80"}};
  for (auto [target, chip] : targets) {
    std::string alone = compile(target, chip);
    ASSERT_FALSE(alone.empty());
    std::vector<std::string> together(kThreads);
    std::vector<std::thread> threads;
    for (unsigned k = 0; k < kThreads; ++k)
      threads.emplace_back([&, k, target = target, chip = chip] {
        together[k] = compile(target, chip);
      });
    for (std::thread &thread : threads)
      thread.join();
    for (const std::string &bytes : together)
      EXPECT_EQ(bytes, alone) << target.str() << " " << chip.str();
  }
  EXPECT_EQ(ofTheEmbedder, 7) << "a compilation reset an option";
}

TEST(RegisterAll, MayBeCalledTwice) {
  DialectRegistry registry;
  attn::registerAll(registry);
  attn::registerAll(registry);
  MLIRContext context(registry);
  EXPECT_NE(context.getOrLoadDialect("attn"), nullptr);
  EXPECT_NE(context.getOrLoadDialect("tile"), nullptr);
}

} // namespace
