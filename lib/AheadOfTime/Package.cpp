//===- Package.cpp - Libraries with compiled kernels ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Puts the files of a package into a folder.
//
//===----------------------------------------------------------------------===//

#include "attn/AheadOfTime/Package.h"
#include "Platform.h"

#include "attn/Support/Files.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace attn;

namespace {
class Package {
public:
  Package(StringRef folder, StringRef name, ArrayRef<CFunction> functions,
          const Platform &platform)
      : folder(folder), name(name), functions(functions), platform(platform) {}

  Error write();

private:
  std::string pathOf(const Twine &file) const {
    SmallString<128> path(folder);
    sys::path::append(path, file);
    return path.str().str();
  }
  Error writeFile(const Twine &file, StringRef content) const;
  Error writeArchive(StringRef object, StringRef runtime) const;
  Error linkShared() const;

  StringRef folder, name;
  ArrayRef<CFunction> functions;
  const Platform &platform;
};
} // namespace

Error Package::writeFile(const Twine &file, StringRef content) const {
  std::string path = pathOf(file);
  if (Error failed = writeWholeFile(path, content))
    return createStringError(path + ": " + toString(std::move(failed)));
  return Error::success();
}

Error Package::writeArchive(StringRef object, StringRef runtime) const {
  SmallVector<NewArchiveMember> members;
  for (auto [bytes, member] :
       {std::pair(object, "kernels.o"), std::pair(runtime, "runtime.o")}) {
    members.emplace_back(MemoryBufferRef(bytes, member));
    members.back().MemberName = member;
  }
  Expected<std::unique_ptr<MemoryBuffer>> archive = writeArchiveToBuffer(
      members, SymtabWritingMode::NormalSymtab, object::Archive::K_GNU,
      /*Deterministic=*/true, /*Thin=*/false);
  if (!archive)
    return archive.takeError();
  return writeFile("lib" + name + ".a", (*archive)->getBuffer());
}

/// From the archive, exporting the functions of the header and what it says of
/// the runtime.
Error Package::linkShared() const {
  Expected<std::string> compiler = platform.findCompiler();
  if (!compiler)
    return compiler.takeError();
  std::string symbols = "{ global: attn_error_*; attn_status_name; "
                        "attn_context_*; attn_memory_*; attn_check_abi;\n"
                        "attn_stream_synchronize; attn_version; "
                        "attn_abi_version; " +
                        name.str() + "_use;";
  for (const CFunction &function : functions)
    symbols += " " + function.name + "; " + function.name + "_explain;";
  SmallString<64> map, log;
  int mapFile;
  if (sys::fs::createTemporaryFile("attn", "map", mapFile, map) ||
      sys::fs::createTemporaryFile("attn", "log", log))
    return createStringError("cannot create a temporary file for the linker");
  FileRemover removeMap(map), removeLog(log);
  if (Error failed = writeAndClose(mapFile, {symbols, " local: *; };\n"}))
    return createStringError("cannot write " + map + ": " +
                             toString(std::move(failed)));

  std::string output = pathOf("lib" + name + ".so"),
              archive = pathOf("lib" + name + ".a"),
              script = ("-Wl,--version-script=" + map).str(),
              soname = ("-Wl,-soname,lib" + name + ".so").str();
  StringRef arguments[] = {*compiler,
                           "-shared",
                           "-s",
                           "-Wl,--gc-sections",
                           "-Wl,-z,noseparate-code",
                           script,
                           soname,
                           "-o",
                           output,
                           "-Wl,--whole-archive",
                           archive,
                           "-Wl,--no-whole-archive",
                           "-lm",
                           "-lpthread"};
  std::optional<StringRef> redirects[] = {StringRef(), StringRef(log),
                                          StringRef(log)};
  std::string problem;
  if (sys::ExecuteAndWait(*compiler, arguments, std::nullopt, redirects,
                          /*SecondsToWait=*/0, /*MemoryLimit=*/0,
                          &problem) == 0)
    return Error::success();
  auto text = MemoryBuffer::getFile(log);
  return createStringError("linking " + output + " with " + *compiler +
                           " failed: " + problem +
                           (text ? (*text)->getBuffer().rtrim() : ""));
}

Error Package::write() {
  if (std::error_code code = sys::fs::create_directories(folder))
    return createStringError(code, folder + ": " + code.message());
  for (const CFunction &function : functions)
    if (Error failed = writeFile(function.name + ".attn", function.artifact))
      return failed;
  Expected<std::string> object = makeObject(name, functions, platform.triple);
  if (!object)
    return object.takeError();
  bool hasCUDA = any_of(functions, [](const CFunction &function) {
    return StringRef(function.chips).contains("cuda:");
  });
  StringRef runtime = hasCUDA ? platform.cudaRuntime : platform.cpuRuntime;
  Error failed = joinErrors(
      joinErrors(writeFile(name + ".h", makeHeader(name, functions)),
                 writeFile("attn_runtime.h", getRuntimeHeader())),
      joinErrors(writeFile("example.c", makeExample(name, functions.front())),
                 writeFile(name + "Config.cmake", makeCMakeConfig(name))));
  if (failed)
    return failed;
  if (Error archive = writeArchive(*object, runtime))
    return archive;
  return linkShared();
}

Error attn::writePackage(StringRef folder, StringRef name,
                         const std::vector<PackagedFunction> &functions) {
  std::vector<CFunction> made;
  for (const PackagedFunction &function : functions) {
    Expected<CFunction> one = makeFunction(function.artifact);
    if (!one)
      return one.takeError();
    made.push_back(std::move(*one));
  }
  std::string identifier = toIdentifier(name);
  StringSet<> names{identifier + "_use"};
  for (const CFunction &function : made)
    for (const std::string &taken : {function.name, function.name + "_explain"})
      if (!names.insert(taken).second)
        return createStringError("two functions would be called '" + taken +
                                 "' in C");
  Expected<Platform> platform = choosePlatform(made);
  if (!platform)
    return platform.takeError();
  return Package(folder, identifier, made, *platform).write();
}
