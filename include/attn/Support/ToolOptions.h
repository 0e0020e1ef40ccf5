//===- ToolOptions.h - The command lines of tools ---------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Takes the options of libraries off a tool's command line.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_SUPPORT_TOOLOPTIONS_H
#define ATTN_SUPPORT_TOOLOPTIONS_H

namespace attn {

/// The libraries register options of their own (--threads among them), which
/// are no part of a tool's command line. Drops all that are registered, but
/// for --version.
void dropRegisteredOptions();

} // namespace attn

#endif // ATTN_SUPPORT_TOOLOPTIONS_H
