//===- RandomSchedules.cpp - Schedules that nobody chose ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Draws every knob of #attn.schedule for the ops of a case: results do not
// depend on it, and what a target cannot do it has to say.
//
//===----------------------------------------------------------------------===//

#include "RandomSchedules.h"

#include "Cases.h"

#include "attn/Dialect/Attn/Attn.h"

using namespace mlir;
using namespace attn;

void tools::drawSchedules(ModuleOp module, uint64_t seed) {
  Random random(seed);
  module.walk([&](AttentionOp op) {
    ScheduleKnobs knobs;
    if (auto given = ScheduleAttr::of(op))
      knobs = given.getKnobs();
    bool hasTiles = knobs.tile_m || knobs.tile_n;
    ScheduleKnobs::forEach(
        knobs,
        [&](StringRef name, int64_t &value, int64_t most) {
          bool isTile = name.starts_with("tile_");
          // How many workers there can be hangs on sizes: --workers.
          if (name == "workers" || (isTile && hasTiles) || random.chance(1, 2))
            return;
          // What all vectors and matrix units divide; else powers of two.
          value = isTile ? 16 * random.range(1, 8)
                         : std::min(int64_t(1) << random.range(0, 8), most);
        },
        [&](StringRef, Switch &value) {
          value = static_cast<Switch>(random.range(0, 2));
        });
    op->setAttr(ScheduleAttr::attributeName,
                ScheduleAttr::get(op.getContext(), knobs));
  });
}

bool tools::isScheduleRefused(StringRef message) {
  // One message, of a knob by its name or by that of the option.
  if (message.empty() || message.contains("; "))
    return false;
  bool names = false;
  auto note = [&](StringRef name) {
    std::string option = name.str();
    std::replace(option.begin(), option.end(), '_', '-');
    for (StringRef known : {name, StringRef(option)})
      names |= message.contains((known + " = ").str());
  };
  const ScheduleKnobs knobs;
  ScheduleKnobs::forEach(
      knobs, [&](StringRef name, int64_t, int64_t) { note(name); },
      [&](StringRef name, Switch) { note(name); });
  return names;
}
