//===- Postpone.cpp - Code for some launches first ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Picks the launches of general versions, and joins the code of two artifacts
// of one module, each of which lacks what the other has.
//
//===----------------------------------------------------------------------===//

#include "Postpone.h"

#include "attn/Dialect/Tile/Tile.h"
#include "attn/Target/Plan.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/SymbolTable.h"

using namespace mlir;
using namespace attn;
namespace json = llvm::json;

/// Whether calls of any size may come to a launch: schedules put the versions
/// for some sizes below the first branch of a condition.
static bool isGeneral(tile::LaunchOp launch) {
  for (Operation *op = launch; !isa<func::FuncOp>(op); op = op->getParentOp())
    if (auto branch = dyn_cast<scf::IfOp>(op->getParentOp()))
      if (branch.elseBlock() && op->getBlock() != branch.elseBlock())
        return false;
  return true;
}

SmallVector<Operation *> attn::postponeLaunches(func::FuncOp entry,
                                                bool keepsGeneral) {
  SmallVector<Operation *> kernels;
  entry.walk([&](tile::LaunchOp launch) {
    if (isGeneral(launch) == keepsGeneral)
      return;
    launch->setAttr(kPostponedAttrName, UnitAttr::get(launch.getContext()));
    // The kernel of a GPU is in a module of its own.
    StringAttr name = launch.getKernel().getRootReference();
    kernels.push_back(SymbolTable::lookupNearestSymbolFrom(launch, name));
  });
  return kernels;
}

std::string attn::takeCodeOver(StringRef artifact, json::Object &plan,
                               std::vector<CodeSection> &sections) {
  std::string error;
  runtime::ArtifactView view;
  if (runtime::ArtifactView::open({artifact.data(), artifact.size()}, view,
                                  error) != runtime::ArtifactProblem::None)
    return error;
  const auto *text = view.find(runtime::jsonSection);
  llvm::Expected<json::Value> described = json::parse(
      text ? StringRef(text->bytes.data(), text->bytes.size()) : StringRef());
  if (!described)
    return llvm::toString(described.takeError());
  const json::Object *object = described->getAsObject();
  const json::Array *known = object ? object->getArray("launches") : nullptr;
  json::Array &launches = *plan.getArray("launches");
  if (!known || known->size() != launches.size())
    return "it has other launches";

  // On a CPU one section holds all kernels of an artifact.
  auto rename = [&](StringRef name) {
    bool isTaken = view.find(("code/" + name).str());
    return (name + (isTaken ? ".rest" : "")).str();
  };
  for (auto [value, knownValue] : llvm::zip_equal(launches, *known)) {
    json::Object &launch = *value.getAsObject();
    const json::Object *other = knownValue.getAsObject();
    auto own = launch.getString("code");
    auto theirs = other ? other->getString("code") : std::nullopt;
    if (own.has_value() == theirs.has_value())
      return "it is of another module";
    launch["code"] = own ? "code/" + rename(own->drop_front(strlen("code/")))
                         : theirs->str();
  }
  for (CodeSection &section : sections)
    section.name = rename(section.name);
  for (const auto &section : view.getSections()) {
    StringRef name(section.name.data(), section.name.size());
    if (name.consume_front("code/"))
      sections.push_back({name.str(), std::string(section.bytes)});
  }
  return "";
}
