//===- CommandLine.h - Options of tools -------------------------*- C++ -*-===//
//
// What every tool does before it declares its options.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_EXECUTION_COMMANDLINE_H
#define ATTN_EXECUTION_COMMANDLINE_H

namespace attn::execution {

/// The libraries register options of their own (--threads among them), which
/// are no part of a tool's command line. Drops all that are registered.
void dropRegisteredOptions();

} // namespace attn::execution

#endif // ATTN_EXECUTION_COMMANDLINE_H
