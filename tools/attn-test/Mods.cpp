//===- Mods.cpp - Score and mask functions from files ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads test/Execution/mods: functions on f32 with a head size of 64, which
// are rewritten for other element types and head sizes.
//
//===----------------------------------------------------------------------===//

#include "Cases.h"

#include "attn/Dialect/Attn/Attn.h"
#include "attn/Execution/Signature.h"
#include "attn/Support/Nesting.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;
using namespace attn;
using namespace attn::tools;

/// Gives q, k, v and o another element type and head size.
static void retarget(func::FuncOp function, Type element, int64_t headSize) {
  auto change = [&](Value value) {
    auto type = cast<RankedTensorType>(value.getType());
    SmallVector<int64_t> sizes(type.getShape());
    sizes.back() = headSize;
    value.setType(RankedTensorType::get(sizes, element));
  };
  function.walk([&](AttentionOp op) {
    for (Value value :
         {op.getQuery(), op.getKey(), op.getValue(), op.getOutput()})
      change(value);
    change(op.getResult(0));
  });
  Block &body = function.front();
  function.setType(FunctionType::get(function.getContext(),
                                     body.getArgumentTypes(),
                                     body.getTerminator()->getOperandTypes()));
}

static Case makeModCase(MLIRContext &context, const std::string &path,
                        const std::string &name, StringRef element,
                        const Shape &shape, uint64_t seed) {
  Case result;
  result.name = name;
  result.seed = seed;
  llvm::SourceMgr sources;
  std::string include;
  if (!sources.AddIncludeFile(path, llvm::SMLoc(), include))
    return result;
  OwningOpRef<ModuleOp> module = parseModule(sources, &context);
  if (!module)
    return result;
  for (auto function : module->getOps<func::FuncOp>())
    retarget(function, parseType(element, &context), shape.qkHeadSize);
  llvm::raw_string_ostream(result.text) << *module;
  result.sizes = {
      {"B", shape.batch},      {"Hq", shape.queryHeads},
      {"Hkv", shape.keyHeads}, {"Sq", shape.queries},
      {"Skv", shape.keys},     {"S", std::max(shape.queries, shape.keys)}};
  return result;
}

std::vector<Recipe>
attn::tools::enumerateMods(StringRef directory,
                           std::vector<std::string> &errors) {
  std::vector<std::string> paths;
  std::error_code error;
  for (llvm::sys::fs::directory_iterator it(directory, error), end;
       it != end && !error; it.increment(error))
    if (StringRef(it->path()).ends_with(".mlir"))
      paths.push_back(it->path());
  if (error || paths.empty())
    errors.push_back(directory.str() + ": no score or mask functions there");
  llvm::sort(paths);

  static constexpr std::pair<int64_t, int64_t> lengths[] = {
      {1, 147},   {113, 203}, {128, 128}, {256, 256},
      {257, 127}, {300, 300}, {3, 1300}};
  static constexpr int64_t headSizes[] = {32, 59, 64, 128};
  std::vector<Recipe> recipes;
  for (const std::string &path : paths)
    for (StringRef element : getElementTypes())
      for (auto [queries, keys] : lengths)
        for (int64_t headSize : headSizes) {
          std::string name =
              ("mods/" + llvm::sys::path::stem(path) + "/" + element + "/" +
               Twine(queries) + "x" + Twine(keys) + "/d" + Twine(headSize))
                  .str();
          uint64_t hash = llvm::xxh3_64bits(name);
          int64_t group = 1 + hash % 2;
          int64_t keyHeads = 1 + hash / 2 % 3;
          Shape shape{1 + static_cast<int64_t>(hash / 8 % 2),
                      group * keyHeads,
                      keyHeads,
                      queries,
                      keys,
                      headSize,
                      headSize};
          recipes.push_back({name, [=](MLIRContext &context) {
                               return makeModCase(context, path, name, element,
                                                  shape, hash);
                             }});
        }
  return recipes;
}
