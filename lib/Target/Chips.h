//===- Chips.h - Chips in tables --------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What targets share that know their chips by heart.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_TARGET_CHIPS_H
#define LIB_TARGET_CHIPS_H

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringRef.h"

#include <string>
#include <vector>

namespace attn {

/// The names in a table of chips, in its order.
template <typename Chips>
std::vector<std::string> getNames(const Chips &chips) {
  std::vector<std::string> names;
  for (const auto &chip : chips)
    names.push_back(chip.name.str());
  return names;
}

/// The chip of a name that the table has.
template <typename Chips>
const auto &getChip(const Chips &chips, llvm::StringRef name) {
  return *llvm::find_if(chips,
                        [&](const auto &chip) { return chip.name == name; });
}

} // namespace attn

#endif // LIB_TARGET_CHIPS_H
