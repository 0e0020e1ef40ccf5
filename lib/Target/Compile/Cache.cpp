//===- Cache.cpp - Artifacts on disk --------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The key of an artifact is a hash of the compiler, the machine, the options
// and the module. A file begins with a hash of its key and its artifact, is
// written under another name and renamed: readers see all of it or nothing.
//
//===----------------------------------------------------------------------===//

#include "Cache.h"

#include "attn/Support/Files.h"
#include "attn/Target/Target.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/SHA256.h"
#include "llvm/TargetParser/Host.h"

#include <dlfcn.h>

using namespace mlir;
using namespace attn;

static constexpr size_t kHashSize = 32;

/// A file as it is now, whatever its name.
static std::string identify(StringRef path) {
  llvm::sys::fs::file_status status;
  if (path.empty() || llvm::sys::fs::status(path, status))
    return "none";
  return llvm::formatv(
      "{0}.{1}", status.getSize(),
      status.getLastModificationTime().time_since_epoch().count());
}

/// The library or program that `symbol` is in.
static std::string identifyImage(const void *symbol) {
  Dl_info info;
  return dladdr(symbol, &info) ? identify(info.dli_fname) : "none";
}

/// This build of the compiler, of MLIR and of LLVM.
static std::string identifyCompiler() {
  auto address = [](auto *function) {
    return reinterpret_cast<const void *>(function);
  };
  return llvm::join(
      std::initializer_list<std::string>{
          identifyImage(address(&compileToArtifact)),
          identifyImage(address(
              static_cast<LogicalResult (*)(Operation *, bool)>(&verify))),
          identifyImage(address(&llvm::sys::getProcessTriple))},
      " ");
}

static std::string hash(ArrayRef<StringRef> parts) {
  llvm::SHA256 sha;
  for (StringRef part : parts) {
    // Where a part ends counts.
    sha.update(llvm::formatv("{0}:", part.size()).str());
    sha.update(part);
  }
  return llvm::toStringRef(sha.final()).str();
}

std::optional<CacheEntry> CacheEntry::of(ModuleOp module,
                                         const CompileOptions &options) {
  auto folder = llvm::sys::Process::GetEnv("ATTN_CACHE");
  if (!folder || folder->empty())
    return std::nullopt;
  // Whoever compiles tells what is wrong.
  ScopedDiagnosticHandler quiet(module.getContext(),
                                [](Diagnostic &) { return success(); });
  std::string error, described, text;
  const Target *target = options.target.empty()
                             ? getDefaultTarget(error)
                             : findTarget(options.target, error);
  if (!target)
    return std::nullopt;
  bool isDescribed = options.chip.empty() && tile::TargetAttr::lookup(module);
  auto machine = isDescribed ? tile::TargetAttr::lookup(module)
                             : findChip(*target, options.chip, module, error);
  if (!machine)
    return std::nullopt;
  llvm::raw_string_ostream os(described);
  os << target->getName() << ' ' << machine << ' ' << options.chip << ' '
     << options.tileM << ' ' << options.tileN << ' ' << options.general << ' ';
  if (options.schedule)
    os << options.schedule;
  if (auto path = llvm::sys::findProgramByName(options.assembler))
    os << ' ' << *path << ' ' << identify(*path);
  llvm::raw_string_ostream textStream(text);
  module->print(textStream, OpPrintingFlags().useLocalScope());
  return CacheEntry(*folder, hash({identifyCompiler(), described, options.entry,
                                   options.completes, text}));
}

std::string CacheEntry::getPath() const {
  SmallString<128> path(folder);
  llvm::sys::path::append(path, llvm::toHex(key, /*LowerCase=*/true));
  return path.str().str();
}

std::optional<std::string> CacheEntry::read(Location loc) const {
  std::string path = getPath();
  auto file = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                          /*RequiresNullTerminator=*/false);
  // One that is not there, or that another process is about to make.
  if (!file)
    return std::nullopt;
  StringRef bytes = (*file)->getBuffer();
  StringRef artifact = bytes.drop_front(std::min(kHashSize, bytes.size()));
  if (!artifact.empty() && bytes.take_front(kHashSize) == hash({key, artifact}))
    return artifact.str();
  emitRemark(loc) << "ATTN_CACHE: '" << path << "' is damaged; it is made anew";
  return std::nullopt;
}

void CacheEntry::write(StringRef artifact, Location loc) const {
  auto fail = [&](llvm::Error error) {
    emitRemark(loc) << "ATTN_CACHE: nothing can be kept in '" << folder
                    << "': " << llvm::toString(std::move(error));
  };
  if (std::error_code error = llvm::sys::fs::create_directories(folder))
    return fail(llvm::errorCodeToError(error));
  if (llvm::Error error =
          writeWholeFile(getPath(), {hash({key, artifact}), artifact}))
    fail(std::move(error));
}
