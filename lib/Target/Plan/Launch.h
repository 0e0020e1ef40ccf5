//===- Launch.h - One launch of a description -------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Joins what a host function passes to a launch with what the lowered kernel
// takes (#tile.launch_info).
//
//===----------------------------------------------------------------------===//

#ifndef LIB_TARGET_PLAN_LAUNCH_H
#define LIB_TARGET_PLAN_LAUNCH_H

#include "attn/Dialect/Tile/Tile.h"

#include "llvm/Support/JSON.h"

namespace attn {

/// A launch as the host function has it.
struct HostLaunch {
  tile::LaunchOp op;
  tile::LaunchInfoAttr info; ///< of its kernel
  llvm::SmallVector<llvm::json::Value> operands, extents;
  llvm::json::Value when = nullptr; ///< the condition, null if there is none
};

/// The description of `launch`; adds the temporaries and checks that it needs.
///
/// The extents of a grid of points are written in reverse: the query tile is x,
/// so that a scheduler that walks x first reuses the keys of one head.
llvm::json::Object describeLaunch(const HostLaunch &launch,
                                  llvm::json::Array &temporaries,
                                  llvm::json::Array &checks);

} // namespace attn

#endif // LIB_TARGET_PLAN_LAUNCH_H
