//===- Architecture.h - The kinds of CPUs there is code for -----*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All that the CPU targets know of an instruction set: its chips, the features
// that generated code may use, registers and caches. Passes read it from
// #tile.target; nothing else asks what kind of CPU it is.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_TARGET_CPU_ARCHITECTURE_H
#define LIB_TARGET_CPU_ARCHITECTURE_H

#include "attn/Dialect/Tile/Tile.h"

#include "llvm/ADT/StringMap.h"

namespace attn {

/// The limits that both a chip's name and a DLTI specification can tell.
struct CPULimits {
  int64_t vectorBits, registers, l1Bytes, l2Bytes;
};

/// A set of features that LLVM has no name for: those of one of its chips and
/// others.
struct CPULevel {
  llvm::StringLiteral name, base, tuning;
  llvm::ArrayRef<llvm::StringLiteral> features;
};

struct CPUArchitecture {
  /// For messages.
  llvm::StringRef name;
  /// What LLVM generates code for; a module of WebAssembly or an ELF shared
  /// object.
  llvm::StringRef triple;
  /// Features that generated code may use, in the order they are listed.
  llvm::ArrayRef<llvm::StringLiteral> features;
  /// Those without which it cannot do, and how people call them. The first one
  /// tells the architecture of a #tile.target.
  llvm::ArrayRef<llvm::StringLiteral> needed;
  llvm::StringRef neededText;
  /// The names of all chips that LLVM knows.
  void (*listChips)(llvm::SmallVectorImpl<llvm::StringRef> &chips);
  /// The features of one of them, with those they imply.
  llvm::StringMap<bool> (*featuresOf)(llvm::StringRef chip);
  /// The limits of chips with these features; caches as small as is usual.
  CPULimits (*limitsOf)(const llvm::StringMap<bool> &features);
  /// Whether code uses all that the chip has, beyond `features`; if not, the
  /// chip tells what to tune for.
  bool generatesForChip;
  /// Names of ours among those of chips.
  llvm::ArrayRef<CPULevel> levels;

  bool suffice(const llvm::StringMap<bool> &present) const;

  /// What LLVM calls the chip whose code is generated, and the one to tune for.
  llvm::StringRef getCodeChip(llvm::StringRef chip) const;
  llvm::StringRef getTuningChip(llvm::StringRef chip) const;

  /// What the chip has been measured to do faster than others of its features.
  static tile::Fast getFast(llvm::StringRef chip);

  /// Those there are.
  static llvm::ArrayRef<CPUArchitecture> getAll();
  /// That of the chip; null if there is no such chip.
  static const CPUArchitecture *find(llvm::StringRef chip);
  /// That of the machine this runs on; null if it is another one.
  static const CPUArchitecture *getHost();
  /// The features of that machine which the operating system lets this process
  /// use.
  static llvm::StringMap<bool> getHostFeatures();
  /// The one whose needed features `machine` has; x86-64 where it tells none.
  static const CPUArchitecture &of(tile::TargetAttr machine);
};

} // namespace attn

#endif // LIB_TARGET_CPU_ARCHITECTURE_H
