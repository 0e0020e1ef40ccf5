// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An opened artifact: code for one chip, or a bundle of such artifacts, of
// which one is chosen for the device at hand.
#ifndef ATTN_RUNTIME_SRC_BUNDLE_H
#define ATTN_RUNTIME_SRC_BUNDLE_H

#include "Backend.h"

#include <memory>
#include <string>
#include <vector>

namespace attn::runtime {

struct Variant {
  VariantDescription what;
  std::string_view bytes;
  ArtifactView view;
  std::string json;
  std::shared_ptr<const Description> description;

  /// "cpu:x86-64-v4"
  std::string name() const { return what.target + ":" + what.chip; }
  /// Bytes of all code sections.
  size_t codeSize() const;
};

class Bundle {
public:
  /// Throws Failure when the bytes are no artifact, or one of a bundle is not.
  explicit Bundle(std::string bytes);
  Bundle(const Bundle &) = delete;
  Bundle &operator=(const Bundle &) = delete;

  /// The variant that suits `backend` best, and why. Throws Failure, with what
  /// speaks against each of them, if none can run.
  const Variant &choose(const Backend &backend, std::string &reason) const;
  bool holdsTarget(const std::string &target) const;
  /// "cpu:x86-64-v4, cuda:sm_90a"
  std::string names() const;

  const std::vector<Variant> &getVariants() const { return variants; }

private:
  const std::string bytes;
  std::vector<Variant> variants;
};

} // namespace attn::runtime

#endif // ATTN_RUNTIME_SRC_BUNDLE_H
