//===- Architecture.cpp - The kinds of CPUs there is code for -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// x86-64 from AVX2 on, and AArch64, by LLVM's lists of processors; WebAssembly
// with vectors of 128 bits.
//
//===----------------------------------------------------------------------===//

#include "Architecture.h"

#include "attn/Target/CPU.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/AArch64TargetParser.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"
#include "llvm/TargetParser/X86TargetParser.h"

#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

using namespace attn;
using llvm::SmallVectorImpl;
using llvm::StringLiteral;
using llvm::StringMap;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// x86-64
//===----------------------------------------------------------------------===//

static constexpr StringLiteral kX86Features[] = {
    "avx",      "avx2",     "fma",        "f16c",       "avx512f",  "avx512bw",
    "avx512dq", "avx512vl", "avx512vbmi", "avx512bf16", "amx-tile", "amx-bf16"};
static constexpr StringLiteral kX86Needed[] = {"avx2", "fma", "f16c"};

// What all processors with AMX have that code makes use of.
static constexpr StringLiteral kAMXFeatures[] = {"avx512vbmi", "avx512bf16",
                                                 "amx-tile", "amx-bf16"};
static constexpr CPULevel kX86Levels[] = {
    {"x86-64-v4-amx", "x86-64-v4", "sapphirerapids", kAMXFeatures}};

static const CPULevel *findLevel(llvm::ArrayRef<CPULevel> levels,
                                 StringRef chip) {
  const CPULevel *found = llvm::find_if(
      levels, [&](const CPULevel &level) { return level.name == chip; });
  return found == levels.end() ? nullptr : found;
}

static void listX86Chips(SmallVectorImpl<StringRef> &chips) {
  llvm::X86::fillValidCPUArchList(chips, /*Only64Bit=*/true);
  for (const CPULevel &level : kX86Levels)
    chips.push_back(level.name);
}

static StringMap<bool> getX86Features(StringRef chip) {
  StringMap<bool> present;
  llvm::SmallVector<StringRef> features;
  if (const CPULevel *level = findLevel(kX86Levels, chip)) {
    chip = level->base;
    features.append(level->features.begin(), level->features.end());
  }
  llvm::X86::getFeaturesForCPU(chip, features);
  for (StringRef feature : features) {
    present[feature.ltrim('+')] = true;
    // LLVM lists no feature that another one implies.
    llvm::X86::updateImpliedFeatures(feature, /*Enabled=*/true, present);
  }
  return present;
}

// AMD's cores that multiply pairs of bf16. They do so at twice the rate of f32;
// with queries in L2 instead of L1 they have been as fast.
static constexpr StringLiteral kFastPairs[] = {"znver4", "znver5"};

static CPULimits getX86Limits(const StringMap<bool> &features) {
  bool isWide = true;
  for (StringRef feature : {"avx512f", "avx512vl", "avx512bw", "avx512dq"})
    isWide &= features.lookup(feature);
  // Cores with AMX are no smaller than the first of them.
  bool hasTiles = features.lookup("amx-tile");
  return {/*vectorBits=*/isWide ? 512 : 256, /*registers=*/isWide ? 32 : 16,
          /*l1Bytes=*/(hasTiles ? 48 : 32) << 10,
          /*l2Bytes=*/(hasTiles ? 2 : 1) << 20};
}

//===----------------------------------------------------------------------===//
// AArch64
//===----------------------------------------------------------------------===//

// Products are of f32, and 16-bit floats are converted by instructions that
// every core has: code for one chip runs on all of them.
static constexpr StringLiteral kAArch64Features[] = {"neon"};

static void listAArch64Chips(SmallVectorImpl<StringRef> &chips) {
  llvm::AArch64::fillValidCPUArchList(chips);
  // Of which kind of CPU, the name does not tell.
  llvm::erase(chips, "generic");
}

static StringMap<bool> getAArch64Features(StringRef chip) {
  StringMap<bool> present;
  if (auto cpu = llvm::AArch64::parseCpu(chip)) {
    std::vector<StringRef> features;
    llvm::AArch64::ExtensionSet extensions;
    extensions.addCPUDefaults(*cpu);
    extensions.toLLVMFeatureList(features);
    for (StringRef feature : features)
      if (feature.consume_front("+"))
        present[feature] = true;
  }
  return present;
}

static CPULimits getAArch64Limits(const StringMap<bool> &) {
  return {/*vectorBits=*/128, /*registers=*/32, /*l1Bytes=*/32 << 10,
          /*l2Bytes=*/512 << 10};
}

//===----------------------------------------------------------------------===//
// WebAssembly
//===----------------------------------------------------------------------===//

// An engine is no chip: the names say what the engine has. Relaxed instructions
// round a product and a sum once where the machine does.
static constexpr StringLiteral kWasmFeatures[] = {"simd128", "relaxed-simd"};
static constexpr StringLiteral kWasmNeeded[] = {"simd128"};
static constexpr StringLiteral kWasm = "wasm32",
                               kRelaxedWasm = "wasm32-relaxed";

static void listWasmChips(SmallVectorImpl<StringRef> &chips) {
  chips.append({kWasm, kRelaxedWasm});
}

static StringMap<bool> getWasmFeatures(StringRef chip) {
  StringMap<bool> present;
  present["simd128"] = true;
  present["relaxed-simd"] = chip == kRelaxedWasm;
  return present;
}

/// Engines have the registers of x86-64, but for some of their own, and need
/// one for a product: as blocks for 16 spill, those for 12 take 0.75 of the
/// time in V8, and 0.59 with relaxed instructions.
static CPULimits getWasmLimits(const StringMap<bool> &) {
  return {/*vectorBits=*/128, /*registers=*/12, /*l1Bytes=*/32 << 10,
          /*l2Bytes=*/512 << 10};
}

//===----------------------------------------------------------------------===//
// All
//===----------------------------------------------------------------------===//

llvm::ArrayRef<CPUArchitecture> CPUArchitecture::getAll() {
  static const CPUArchitecture all[] = {
      {"x86-64", "x86_64-unknown-linux-gnu", kX86Features, kX86Needed,
       "AVX2, FMA and F16C", listX86Chips, getX86Features, getX86Limits,
       /*generatesForChip=*/true, kX86Levels},
      {"AArch64", "aarch64-unknown-linux-gnu", kAArch64Features,
       kAArch64Features, "NEON", listAArch64Chips, getAArch64Features,
       getAArch64Limits, /*generatesForChip=*/false, /*levels=*/{}},
      {"WebAssembly", "wasm32-unknown-unknown", kWasmFeatures, kWasmNeeded,
       "SIMD of 128 bits", listWasmChips, getWasmFeatures, getWasmLimits,
       /*generatesForChip=*/false, /*levels=*/{}}};
  return all;
}

bool CPUArchitecture::suffice(const StringMap<bool> &present) const {
  return llvm::all_of(
      needed, [&](StringRef feature) { return present.lookup(feature); });
}

StringRef CPUArchitecture::getCodeChip(StringRef chip) const {
  if (!generatesForChip)
    return "generic";
  const CPULevel *level = findLevel(levels, chip);
  return level ? StringRef(level->base) : chip;
}

StringRef CPUArchitecture::getTuningChip(StringRef chip) const {
  const CPULevel *level = findLevel(levels, chip);
  return level ? StringRef(level->tuning) : chip;
}

tile::Fast CPUArchitecture::getFast(StringRef chip) {
  return llvm::is_contained(kFastPairs, chip)
             ? tile::Fast::BF16Pairs | tile::Fast::L2Loads
             : tile::Fast::Nothing;
}

const CPUArchitecture *CPUArchitecture::find(StringRef chip) {
  for (const CPUArchitecture &architecture : getAll()) {
    llvm::SmallVector<StringRef> chips;
    architecture.listChips(chips);
    if (llvm::is_contained(chips, chip))
      return &architecture;
  }
  return nullptr;
}

const CPUArchitecture *CPUArchitecture::getHost() {
  llvm::Triple host(llvm::sys::getProcessTriple());
  for (const CPUArchitecture &architecture : getAll())
    if (llvm::Triple(architecture.triple).getArch() == host.getArch())
      return &architecture;
  return nullptr;
}

/// Linux gives the state of tile registers on request only.
static bool mayUseTiles() {
#if defined(__x86_64__) && defined(__linux__)
  constexpr long requestPermission = 0x1023, tileData = 18;
  return ::syscall(SYS_arch_prctl, requestPermission, tileData) == 0;
#else
  return false;
#endif
}

StringMap<bool> CPUArchitecture::getHostFeatures() {
  StringMap<bool> present = llvm::sys::getHostCPUFeatures();
  if (present.lookup("amx-tile") && !mayUseTiles())
    present["amx-tile"] = present["amx-bf16"] = false;
  return present;
}

const CPUArchitecture &CPUArchitecture::of(tile::TargetAttr machine) {
  for (const CPUArchitecture &architecture : getAll())
    if (machine.hasFeature(architecture.needed.front()))
      return architecture;
  return getAll().front();
}

void attn::initializeCPUCodeGenerators() {
  static const bool done = [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeAArch64TargetInfo();
    LLVMInitializeAArch64Target();
    LLVMInitializeAArch64TargetMC();
    LLVMInitializeAArch64AsmPrinter();
    LLVMInitializeWebAssemblyTargetInfo();
    LLVMInitializeWebAssemblyTarget();
    LLVMInitializeWebAssemblyTargetMC();
    LLVMInitializeWebAssemblyAsmPrinter();
    return true;
  }();
  (void)done;
}
