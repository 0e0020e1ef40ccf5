//===- Link.cpp - An object file becomes a shared object ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where there is something to link, a linker runs as a process of its own. lld
// as a library keeps its state in globals and resets the options of the program
// around it, so that two compilations in one process would race.
//
//===----------------------------------------------------------------------===//

#include "Link.h"
#include "SharedObject.h"

#include "attn/Support/Files.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include "llvm/TargetParser/Host.h"

using namespace mlir;
using namespace attn;

/// Names the linker to use, also for what needs none.
static constexpr StringLiteral kLinkerVariable = "ATTN_LINKER";

/// Kernels need no library and few relocations, so any ELF linker will do. GNU
/// ld for this machine comes first: it starts five times faster than lld, which
/// loads LLVM, but knows no other machine.
static SmallVector<std::string> getLinkers(const llvm::Triple &triple) {
  if (triple.isWasm())
    return {"wasm-ld-22", "wasm-ld"};
  SmallVector<std::string> names{"ld.lld-22", "ld.lld"};
  if (triple.getArch() == llvm::Triple(llvm::sys::getProcessTriple()).getArch())
    names.insert(names.begin(), "ld");
  else
    names.push_back((triple.getArchName() + "-linux-gnu-ld").str());
  return names;
}

/// The linker to run, or a message that names what was looked for.
static FailureOr<std::string> findLinker(const llvm::Triple &triple,
                                         Location loc) {
  if (auto given = llvm::sys::Process::GetEnv(kLinkerVariable)) {
    if (auto path = llvm::sys::findProgramByName(*given))
      return *path;
    return emitError(loc, "there is no linker '")
           << *given << "', which ATTN_LINKER names";
  }
  SmallVector<std::string> names = getLinkers(triple);
  for (StringRef name : names)
    if (auto path = llvm::sys::findProgramByName(name))
      return *path;
  return emitError(loc, "kernels for ")
         << triple.getArchName() << " need a linker; none of "
         << llvm::join(names, ", ")
         << " is on the PATH (install binutils, or name one in ATTN_LINKER)";
}

/// How a linker for `triple` is called, but for files.
static SmallVector<StringRef> getArguments(const llvm::Triple &triple) {
  // No pages of their own for what is not code: artifacts stay small.
  if (!triple.isWasm())
    return {"-shared",          "-z",           "defs", "-z", "noseparate-code",
            "--hash-style=gnu", "--strip-debug"};
  // Below the data there is the stack, as large as a kernel may ask for: what
  // overflows it traps.
  return {"--no-entry",          "--export-dynamic", "--export=__heap_base",
          "--import-memory",     "--stack-first",    "-z",
          "stack-size=16777216", "--strip-all"};
}

FailureOr<std::string> attn::linkSharedObject(StringRef object,
                                              const llvm::Triple &triple,
                                              Location loc) {
  if (triple.getArch() == llvm::Triple::x86_64 &&
      !llvm::sys::Process::GetEnv(kLinkerVariable))
    if (std::optional<std::string> made = makeSharedObject(object))
      return std::move(*made);
  FailureOr<std::string> linker = findLinker(triple, loc);
  if (failed(linker))
    return failure();
  SmallString<64> in, out, log;
  int inFd;
  if (llvm::sys::fs::createTemporaryFile("attn", "o", inFd, in))
    return emitError(loc, "cannot create a temporary file for the linker");
  llvm::FileRemover removeIn(in);
  if (llvm::Error written = writeAndClose(inFd, object))
    return emitError(loc, "cannot write '")
           << in << "' for the linker: " << llvm::toString(std::move(written));
  if (llvm::sys::fs::createTemporaryFile("attn", "so", out))
    return emitError(loc, "cannot create a temporary file for the linker");
  llvm::FileRemover removeOut(out);
  if (llvm::sys::fs::createTemporaryFile("attn", "log", log))
    return emitError(loc, "cannot create a temporary file for the linker");
  llvm::FileRemover removeLog(log);

  SmallVector<StringRef> arguments = getArguments(triple);
  arguments.insert(arguments.begin(), *linker);
  arguments.append({"-o", out, in});
  std::optional<StringRef> redirects[] = {StringRef(), StringRef(log),
                                          StringRef(log)};
  std::string error;
  int status = llvm::sys::ExecuteAndWait(*linker, arguments, std::nullopt,
                                         redirects, /*SecondsToWait=*/0,
                                         /*MemoryLimit=*/0, &error);
  if (status != 0) {
    auto text = llvm::MemoryBuffer::getFile(log);
    InFlightDiagnostic diagnostic = emitError(loc, "linking the kernels with ")
                                    << *linker << " failed";
    if (!error.empty())
      diagnostic << ": " << error;
    if (text && !(*text)->getBuffer().empty())
      diagnostic << ": " << (*text)->getBuffer().rtrim();
    return diagnostic;
  }
  auto buffer = llvm::MemoryBuffer::getFile(out);
  if (!buffer)
    return emitError(loc, "cannot read what the linker wrote");
  return (*buffer)->getBuffer().str();
}
