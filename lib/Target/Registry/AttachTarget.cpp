//===- AttachTarget.cpp - tile-attach-target ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Puts the limits of a chip on the module, where later passes read them.
//
//===----------------------------------------------------------------------===//

#include "attn/Support/Places.h"
#include "attn/Target/Passes.h"
#include "attn/Target/Target.h"

using namespace mlir;

namespace attn {
#define GEN_PASS_DEF_ATTACHTARGET
#include "attn/Target/Passes.h.inc"

namespace {
class AttachTarget final : public impl::AttachTargetBase<AttachTarget> {
public:
  using AttachTargetBase::AttachTargetBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto reject = [&](const Twine &message) {
      emitError(getPlace(module), message);
      signalPassFailure();
    };
    std::string error;
    const Target *found = findTarget(target, error);
    if (!found)
      return reject(error);
    if (tile::TargetAttr given = tile::TargetAttr::lookup(module)) {
      // What a file says of its machine stays, but for another target it means
      // nothing.
      std::string name = found->getMachineName().str();
      if (given.getName() != name)
        return reject("is for the target " + given.getName() + ", not for " +
                      name);
      if (!chip.empty() && chip != given.getChip())
        return reject("is for the chip " + given.getChip() + ", not for " +
                      chip);
      return;
    }
    tile::TargetAttr machine = findChip(*found, chip, module, error);
    if (!machine)
      return error.empty() ? signalPassFailure() : reject(error);
    module->setAttr(tile::TargetAttr::attributeName, machine);
  }
};
} // namespace
} // namespace attn
