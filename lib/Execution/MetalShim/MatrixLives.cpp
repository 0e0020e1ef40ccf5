//===- MatrixLives.cpp - Registers that matrices take ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See MatrixLives.h.
//
//===----------------------------------------------------------------------===//

#include "MatrixLives.h"

#include <algorithm>
#include <utility>

using namespace attn::execution::metal;
using metal_shim::MatrixEvent;

void MatrixLives::tell(const void *variable, unsigned bytes,
                       MatrixEvent event) {
  ++now;
  auto it = current.find(variable);
  if (event == MatrixEvent::Used && it != current.end()) {
    it->second.end = now;
    return;
  }
  if (it != current.end()) {
    close(it->second);
    current.erase(it);
  }
  if (event != MatrixEvent::Gone)
    current[variable] = {now, now, bytes};
}

int64_t MatrixLives::finish() {
  for (const auto &[variable, life] : current)
    close(life);
  current.clear();
  // Where lives begin and end, in order of time.
  std::vector<std::pair<int64_t, int64_t>> changes;
  for (const Life &life : past) {
    changes.push_back({life.begin, life.bytes});
    changes.push_back({life.end, -life.bytes});
  }
  past.clear();
  std::sort(changes.begin(), changes.end());
  int64_t bytes = 0, most = 0;
  for (auto [time, change] : changes)
    most = std::max(most, bytes += change);
  constexpr int64_t bytesOfRegister = 4;
  return most / bytesOfRegister;
}
