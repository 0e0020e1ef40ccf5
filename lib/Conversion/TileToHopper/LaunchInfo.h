//===- LaunchInfo.h - How a Hopper kernel is launched -----------*- C++ -*-===//
//
// The attribute on a kernel that says what its parameters are and with which
// block, grid and shared memory it runs (see docs/hopper.md).
//
//===----------------------------------------------------------------------===//

#ifndef LIB_CONVERSION_TILETOHOPPER_LAUNCHINFO_H
#define LIB_CONVERSION_TILETOHOPPER_LAUNCHINFO_H

#include "Plan.h"

namespace attn::hopper {

constexpr llvm::StringLiteral launchAttrName = "attn.launch";

mlir::DictionaryAttr getLaunchInfo(Plan &plan);

} // namespace attn::hopper

#endif // LIB_CONVERSION_TILETOHOPPER_LAUNCHINFO_H
