//===- Platform.cpp - The machines that libraries are for -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The runtimes are data of this library (runtime/aot/CMakeLists.txt makes
// them), so that a package can be written wherever the compiler runs.
//
//===----------------------------------------------------------------------===//

#include "Platform.h"
#include "Embed.h"

#include "attn/Target/Target.h"
#include "attn/runtime/Artifact.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include "llvm/TargetParser/Host.h"

using namespace llvm;
using namespace attn;

ATTN_EMBED(attn_embedded_cpu, ATTN_AOT_CPU)
ATTN_EMBED(attn_embedded_cuda, ATTN_AOT_CUDA)
#ifdef ATTN_AOT_CPU_AARCH64
ATTN_EMBED(attn_embedded_cpu_aarch64, ATTN_AOT_CPU_AARCH64)
ATTN_EMBED(attn_embedded_cuda_aarch64, ATTN_AOT_CUDA_AARCH64)
#endif

static std::vector<Platform> getPlatforms() {
  std::vector<Platform> platforms{{Triple(sys::getDefaultTargetTriple()),
                                   ATTN_EMBEDDED(attn_embedded_cpu),
                                   ATTN_EMBEDDED(attn_embedded_cuda)}};
#ifdef ATTN_AOT_CPU_AARCH64
  platforms.push_back({Triple("aarch64-linux-gnu"),
                       ATTN_EMBEDDED(attn_embedded_cpu_aarch64),
                       ATTN_EMBEDDED(attn_embedded_cuda_aarch64)});
#endif
  return platforms;
}

bool Platform::isHost() const {
  return triple.getArch() == Triple(sys::getProcessTriple()).getArch();
}

Expected<std::string> Platform::findCompiler() const {
  if (auto given = sys::Process::GetEnv("ATTN_CC")) {
    if (auto path = sys::findProgramByName(*given))
      return *path;
    return createStringError("there is no program '" + *given +
                             "', which ATTN_CC names");
  }
  std::vector<std::string> names{"cc", "gcc", "clang", "clang-22"};
  if (!isHost())
    names = {triple.str() + "-gcc", triple.str() + "-cc"};
  for (const std::string &name : names)
    if (auto path = sys::findProgramByName(name))
      return *path;
  return createStringError("a shared library is linked by a C compiler for " +
                           triple.getArchName() + "; none of " +
                           join(names, ", ") +
                           " is on the PATH (name one in ATTN_CC)");
}

/// The backends of the runtimes that libraries carry.
static SetVector<StringRef> getBackendsOfLibraries() {
  SetVector<StringRef> backends;
  for (const Target *target : getTargets())
    if (target->runsInLibraries())
      backends.insert(target->getBackend());
  return backends;
}

/// The kinds of machine that the code of an artifact is for, GPUs aside.
static Error collectMachines(StringRef artifact,
                             SmallVectorImpl<Triple::ArchType> &machines) {
  auto variants = readVariants(artifact);
  if (!variants)
    return variants.takeError();
  for (const ArtifactVariant &variant : *variants) {
    StringRef backend = variant.description.getString("target").value_or("");
    if (SetVector<StringRef> known = getBackendsOfLibraries();
        !known.contains(backend))
      return createStringError(
          "a library has no runtime for " + backend + ", only for " +
          join(known, " and ") +
          ": leave it out of --target, or write an artifact with -o FILE.attn");
    runtime::ArtifactView view;
    std::string error;
    runtime::ArtifactView::open({variant.bytes.data(), variant.bytes.size()},
                                view, error);
    for (const runtime::ArtifactView::Section &section : view.getSections()) {
      auto object = object::ObjectFile::createObjectFile(MemoryBufferRef(
          StringRef(section.bytes.data(), section.bytes.size()), "code"));
      if (!object) {
        // Text, as of PTX.
        consumeError(object.takeError());
        continue;
      }
      Triple::ArchType machine = (*object)->getArch();
      if ((machine == Triple::x86_64 || machine == Triple::aarch64) &&
          !is_contained(machines, machine))
        machines.push_back(machine);
    }
  }
  return Error::success();
}

Expected<Platform> attn::choosePlatform(ArrayRef<CFunction> functions) {
  SmallVector<Triple::ArchType> machines;
  for (const CFunction &function : functions)
    if (Error failed = collectMachines(function.artifact, machines))
      return failed;
  std::vector<Platform> platforms = getPlatforms();
  if (machines.empty())
    return platforms.front();
  if (machines.size() > 1)
    return createStringError(
        "a library is for one kind of machine, but --target names chips of " +
        Triple::getArchTypeName(machines[0]) + " and of " +
        Triple::getArchTypeName(machines[1]) +
        ": compile each into a folder of its own");
  for (const Platform &platform : platforms)
    if (platform.triple.getArch() == machines.front())
      return platform;
  return createStringError(
      "this build of attn-compile has no runtime for " +
      Triple::getArchTypeName(machines.front()) +
      " to put into a library (docs/ahead-of-time.md says how to build it); an "
      "artifact can be written: -o FILE.attn");
}
