//===- SetArtifact.cpp - attn-set-artifact --------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Records on the module what the description of its artifact says beside what
// follows from the code: target, chip, features, tiles.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/Attn.h"
#include "attn/Dialect/Tile/Tile.h"
#include "attn/Support/Places.h"
#include "attn/Transforms/Passes.h"

#include "mlir/IR/Builders.h"

namespace attn {
#define GEN_PASS_DEF_SETARTIFACT
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

namespace {
/// Of the features of a machine those that a loader asks a device for: names
/// that begin with "matrix-" tell passes how its fragments lie
/// (docs/layouts.md).
ArrayAttr getNeeded(ArrayAttr features) {
  if (!features)
    return features;
  SmallVector<Attribute> needed;
  llvm::copy_if(features, std::back_inserter(needed), [](Attribute name) {
    return !cast<StringAttr>(name).getValue().starts_with("matrix-");
  });
  return needed.empty() ? ArrayAttr()
                        : ArrayAttr::get(features.getContext(), needed);
}

struct SetArtifact : attn::impl::SetArtifactBase<SetArtifact> {
  using Base::Base;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    Builder b(module.getContext());
    // Of the copies of an op the last one is for all sizes that no other takes.
    ScheduleAttr schedule;
    module.walk([&](AttentionOp op) {
      if (auto known =
              op->getAttrOfType<ScheduleAttr>(ScheduleAttr::attributeName))
        schedule = known;
    });
    NamedAttrList metadata;
    if (!pipeline.empty())
      metadata.set("pipeline", b.getStringAttr(pipeline));
    if (schedule) {
      metadata.set("tile_m", b.getI64IntegerAttr(schedule.getTileM()));
      metadata.set("tile_n", b.getI64IntegerAttr(schedule.getTileN()));
    }
    SmallVector<StringRef> names(features.begin(), features.end());
    ArrayAttr known = names.empty() ? ArrayAttr() : b.getStrArrayAttr(names);
    StringAttr machine = chip.empty() ? StringAttr() : b.getStringAttr(chip);
    // The machine is known where nobody names another one.
    if (auto attached = tile::TargetAttr::lookup(module);
        attached && !machine) {
      machine = b.getStringAttr(attached.getChip());
      known = getNeeded(attached.getFeatures());
    }
    auto artifact = tile::ArtifactAttr::getChecked(
        [&] { return emitError(getPlace(module), "attn-set-artifact: "); },
        module.getContext(), b.getStringAttr(target), machine, known,
        int64_t(indexBits), bool(hostReads),
        metadata.empty() ? DictionaryAttr()
                         : metadata.getDictionary(module.getContext()));
    if (!artifact)
      return signalPassFailure();
    module->setAttr(tile::ArtifactAttr::attributeName, artifact);
  }
};
} // namespace
