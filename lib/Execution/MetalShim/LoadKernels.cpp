//===- LoadKernels.cpp - A text in the Metal language, loaded -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs clang on what Source.h makes of a text, with the metal_stdlib beside
// this file, and loads the result.
//
//===----------------------------------------------------------------------===//

#include "Emulator.h"
#include "Fibers.h"
#include "ShimInterface.h"
#include "Source.h"

#include "attn/Support/Files.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

#include <dlfcn.h>

using namespace attn::execution::metal;
using llvm::StringRef;

/// The compiler, or "".
static const std::string &findCompiler() {
  static const std::string compiler = [] {
    for (StringRef name : {"clang++-22", "clang++"})
      if (auto found = llvm::sys::findProgramByName(name))
        return *found;
    return std::string();
  }();
  return compiler;
}

/// Where metal_stdlib is.
static constexpr llvm::StringLiteral includeFolder =
    ATTN_SOURCE_FOLDER "/lib/Execution/MetalShim";

std::string attn::execution::metal::explainUnavailable() {
  if (!hasFibers())
    return "the emulator of Metal runs on x86-64";
  if (findCompiler().empty())
    return "there is no clang++, with which the emulator of Metal compiles "
           "kernels";
  if (!llvm::sys::fs::exists(includeFolder))
    return ("the emulator of Metal needs the sources in " + includeFolder)
        .str();
  return "";
}

static llvm::Error makeError(const llvm::Twine &message) {
  return llvm::createStringError(message);
}

/// Kernels count on what Metal's compiler may do: contract, and round each
/// operation on half. They need nothing of libstdc++, which a program may carry
/// without offering it.
static llvm::Error runCompiler(StringRef source, StringRef object,
                               StringRef messages, int version) {
  std::string define = "-D__METAL_VERSION__=" + std::to_string(version);
  StringRef arguments[] = {findCompiler(),
                           "-std=c++17",
                           "-O1",
                           "-march=native",
                           "-ffp-contract=fast",
                           "-Xclang",
                           "-ffloat16-excess-precision=none",
                           "-Xclang",
                           "-fbfloat16-excess-precision=none",
                           "-ftrivial-auto-var-init=pattern",
                           "-fsanitize-coverage=func,trace-loads,trace-stores",
                           "-fvisibility=hidden",
                           "-fno-exceptions",
                           "-Wall",
                           "-Wno-unknown-attributes",
                           "-Wno-user-defined-literals",
                           "-Wno-unused",
                           "-Wno-parentheses",
                           define,
                           "-isystem",
                           includeFolder,
                           "-fPIC",
                           "-shared",
                           "-nostdlib",
                           "-fuse-ld=lld",
                           "-x",
                           "c++",
                           source,
                           "-o",
                           object};
  std::optional<StringRef> redirects[] = {StringRef(), messages, messages};
  std::string problem;
  int status = llvm::sys::ExecuteAndWait(
      findCompiler(), arguments, std::nullopt, redirects, /*SecondsToWait=*/0,
      /*MemoryLimit=*/0, &problem);
  if (status == 0)
    return llvm::Error::success();
  if (auto said = llvm::MemoryBuffer::getFile(messages))
    problem += (*said)->getBuffer();
  return makeError("clang++ does not compile the text:\n" + problem);
}

llvm::Expected<std::unique_ptr<Library>> Library::compile(StringRef text,
                                                          int version) {
  auto translated = translateSource(text);
  if (!translated)
    return translated.takeError();
  llvm::SmallString<64> folder;
  if (std::error_code error =
          llvm::sys::fs::createUniqueDirectory("attn-metal", folder))
    return makeError("no temporary folder: " + error.message());
  llvm::scope_exit remove([&] { llvm::sys::fs::remove_directories(folder); });
  std::string source = (folder + "/kernels.metal").str();
  std::string object = (folder + "/kernels.so").str();
  if (llvm::Error failed = attn::writeWholeFile(source, StringRef(*translated)))
    return makeError("cannot write " + source + ": " +
                     llvm::toString(std::move(failed)));
  if (llvm::Error failed =
          runCompiler(source, object, (folder + "/messages").str(), version))
    return std::move(failed);
  std::unique_ptr<Library> library(new Library);
  library->object = dlopen(object.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library->object)
    return makeError(dlerror());
  library->module = static_cast<const metal_shim::Module *>(
      dlsym(library->object, "metal_shim_module"));
  return library;
}

Library::~Library() {
  if (object)
    dlclose(object);
}
