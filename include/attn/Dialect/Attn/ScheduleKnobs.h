//===- ScheduleKnobs.h - What a schedule says -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The parameters of #attn.schedule, all made from the list in
// ScheduleKnobs.def. Attn.h includes this behind its enums.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DIALECT_ATTN_SCHEDULEKNOBS_H
#define ATTN_DIALECT_ATTN_SCHEDULEKNOBS_H

#include "attn/Dialect/Attn/ScheduleLimits.h"

#include "llvm/ADT/Hashing.h"
#include "llvm/ADT/StringRef.h"

namespace attn {

struct ScheduleKnobs {
#define ATTN_NUMBER_KNOB(NAME, GETTER, MOST) int64_t NAME = 0;
#define ATTN_SWITCH_KNOB(NAME, GETTER) Switch NAME = Switch::Chosen;
#include "attn/Dialect/Attn/ScheduleKnobs.def"

  /// Calls `number(name, value, most)` and `choice(name, value)` for each knob
  /// of `knobs`, in order.
  template <typename Knobs, typename Number, typename Choice>
  static void forEach(Knobs &knobs, Number number, Choice choice) {
#define ATTN_NUMBER_KNOB(NAME, GETTER, MOST)                                   \
  number(llvm::StringRef(#NAME), knobs.NAME, int64_t(MOST));
#define ATTN_SWITCH_KNOB(NAME, GETTER)                                         \
  choice(llvm::StringRef(#NAME), knobs.NAME);
#include "attn/Dialect/Attn/ScheduleKnobs.def"
  }

  bool operator==(const ScheduleKnobs &other) const {
    bool isEqual = true;
#define ATTN_NUMBER_KNOB(NAME, GETTER, MOST) isEqual &= NAME == other.NAME;
#define ATTN_SWITCH_KNOB(NAME, GETTER) isEqual &= NAME == other.NAME;
#include "attn/Dialect/Attn/ScheduleKnobs.def"
    return isEqual;
  }
};

inline llvm::hash_code hash_value(const ScheduleKnobs &knobs) {
  llvm::hash_code hash(0);
  ScheduleKnobs::forEach(
      knobs,
      [&](llvm::StringRef, int64_t value, int64_t) {
        hash = llvm::hash_combine(hash, value);
      },
      [&](llvm::StringRef, Switch value) {
        hash = llvm::hash_combine(hash, value);
      });
  return hash;
}

} // namespace attn

#endif // ATTN_DIALECT_ATTN_SCHEDULEKNOBS_H
