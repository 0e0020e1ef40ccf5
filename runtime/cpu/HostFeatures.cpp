// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// CPU features by cpuid on x86-64 and by the auxiliary vector on AArch64. The
// register state of an extension must also be enabled by the operating system:
// cpuid alone says what the silicon has.
#include "HostFeatures.h"

#include <cstdint>
#include <cstring>
#include <vector>

#if defined(__x86_64__)
#include <cpuid.h>
#include <dlfcn.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace attn::runtime {

#if defined(__x86_64__)

namespace {

enum Register : uint8_t { Eax, Ebx, Ecx, Edx };
enum State : uint8_t { Always, Avx, Avx512, Amx };

struct Feature {
  const char *name;
  uint32_t leaf;
  uint32_t subleaf;
  Register reg;
  uint8_t bit;
  State state;
};

const Feature features[] = {
    {"cx8", 1, 0, Edx, 8, Always},
    {"cmov", 1, 0, Edx, 15, Always},
    {"mmx", 1, 0, Edx, 23, Always},
    {"fxsr", 1, 0, Edx, 24, Always},
    {"sse", 1, 0, Edx, 25, Always},
    {"sse2", 1, 0, Edx, 26, Always},
    {"x87", 1, 0, Edx, 0, Always},
    {"sse3", 1, 0, Ecx, 0, Always},
    {"pclmul", 1, 0, Ecx, 1, Always},
    {"ssse3", 1, 0, Ecx, 9, Always},
    {"fma", 1, 0, Ecx, 12, Avx},
    {"cx16", 1, 0, Ecx, 13, Always},
    {"sse4.1", 1, 0, Ecx, 19, Always},
    {"sse4.2", 1, 0, Ecx, 20, Always},
    {"crc32", 1, 0, Ecx, 20, Always},
    {"movbe", 1, 0, Ecx, 22, Always},
    {"popcnt", 1, 0, Ecx, 23, Always},
    {"aes", 1, 0, Ecx, 25, Always},
    {"xsave", 1, 0, Ecx, 27, Always},
    {"avx", 1, 0, Ecx, 28, Avx},
    {"f16c", 1, 0, Ecx, 29, Avx},
    {"rdrnd", 1, 0, Ecx, 30, Always},
    {"fsgsbase", 7, 0, Ebx, 0, Always},
    {"bmi", 7, 0, Ebx, 3, Always},
    {"avx2", 7, 0, Ebx, 5, Avx},
    {"bmi2", 7, 0, Ebx, 8, Always},
    {"invpcid", 7, 0, Ebx, 10, Always},
    {"avx512f", 7, 0, Ebx, 16, Avx512},
    {"avx512dq", 7, 0, Ebx, 17, Avx512},
    {"rdseed", 7, 0, Ebx, 18, Always},
    {"adx", 7, 0, Ebx, 19, Always},
    {"avx512ifma", 7, 0, Ebx, 21, Avx512},
    {"clflushopt", 7, 0, Ebx, 23, Always},
    {"clwb", 7, 0, Ebx, 24, Always},
    {"avx512cd", 7, 0, Ebx, 28, Avx512},
    {"sha", 7, 0, Ebx, 29, Always},
    {"avx512bw", 7, 0, Ebx, 30, Avx512},
    {"avx512vl", 7, 0, Ebx, 31, Avx512},
    {"avx512vbmi", 7, 0, Ecx, 1, Avx512},
    {"pku", 7, 0, Ecx, 4, Always},
    {"waitpkg", 7, 0, Ecx, 5, Always},
    {"avx512vbmi2", 7, 0, Ecx, 6, Avx512},
    {"shstk", 7, 0, Ecx, 7, Always},
    {"gfni", 7, 0, Ecx, 8, Always},
    {"vaes", 7, 0, Ecx, 9, Avx},
    {"vpclmulqdq", 7, 0, Ecx, 10, Avx},
    {"avx512vnni", 7, 0, Ecx, 11, Avx512},
    {"avx512bitalg", 7, 0, Ecx, 12, Avx512},
    {"avx512vpopcntdq", 7, 0, Ecx, 14, Avx512},
    {"rdpid", 7, 0, Ecx, 22, Always},
    {"cldemote", 7, 0, Ecx, 25, Always},
    {"movdiri", 7, 0, Ecx, 27, Always},
    {"movdir64b", 7, 0, Ecx, 28, Always},
    {"avx512vp2intersect", 7, 0, Edx, 8, Avx512},
    {"serialize", 7, 0, Edx, 14, Always},
    {"amx-bf16", 7, 0, Edx, 22, Amx},
    {"avx512fp16", 7, 0, Edx, 23, Avx512},
    {"amx-tile", 7, 0, Edx, 24, Amx},
    {"amx-int8", 7, 0, Edx, 25, Amx},
    {"avxvnni", 7, 1, Eax, 4, Avx},
    {"avx512bf16", 7, 1, Eax, 5, Avx512},
    {"amx-fp16", 7, 1, Eax, 21, Amx},
    {"avxifma", 7, 1, Eax, 23, Avx},
    {"avxvnniint8", 7, 1, Edx, 4, Avx},
    {"avxneconvert", 7, 1, Edx, 5, Avx},
    {"amx-complex", 7, 1, Edx, 8, Amx},
    {"avxvnniint16", 7, 1, Edx, 10, Avx},
    {"prefetchi", 7, 1, Edx, 14, Always},
    {"xsaveopt", 0xd, 1, Eax, 0, Always},
    {"xsavec", 0xd, 1, Eax, 1, Always},
    {"xsaves", 0xd, 1, Eax, 3, Always},
    {"sahf", 0x80000001, 0, Ecx, 0, Always},
    {"lzcnt", 0x80000001, 0, Ecx, 5, Always},
    {"sse4a", 0x80000001, 0, Ecx, 6, Always},
    {"prfchw", 0x80000001, 0, Ecx, 8, Always},
    {"xop", 0x80000001, 0, Ecx, 11, Avx},
    {"fma4", 0x80000001, 0, Ecx, 16, Avx},
    {"tbm", 0x80000001, 0, Ecx, 21, Always},
    {"mwaitx", 0x80000001, 0, Ecx, 29, Always},
    {"64bit", 0x80000001, 0, Edx, 29, Always},
    {"clzero", 0x80000008, 0, Ebx, 0, Always},
    {"rdpru", 0x80000008, 0, Ebx, 4, Always},
    {"wbnoinvd", 0x80000008, 0, Ebx, 9, Always},
};

/// What cpuid says of a leaf.
struct Leaf {
  uint32_t leaf, subleaf;
  uint32_t registers[4];
};

/// What the table of features asks of the processor and of the operating
/// system. It is asked once: virtual machines take 10 us and more an answer.
struct Processor {
  std::vector<Leaf> leaves;
  /// Register state that the operating system saves (XCR0).
  uint64_t enabledState = 0;

  Processor();
  const Leaf *find(uint32_t leaf, uint32_t subleaf) const {
    for (const Leaf &known : leaves)
      if (known.leaf == leaf && known.subleaf == subleaf)
        return &known;
    return nullptr;
  }
};

Processor::Processor() {
  auto ask = [&](uint32_t leaf, uint32_t subleaf) {
    Leaf answer{leaf, subleaf, {}};
    uint32_t *to = answer.registers;
    if (!find(leaf, subleaf) && __get_cpuid_count(leaf, subleaf, to + Eax,
                                                  to + Ebx, to + Ecx, to + Edx))
      leaves.push_back(answer);
  };
  ask(1, 0);
  ask(7, 0);
  for (const Feature &feature : features)
    ask(feature.leaf, feature.subleaf);
  const Leaf *first = find(1, 0);
  if (!first || !(first->registers[Ecx] >> 27 & 1))
    return;
  uint32_t low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  enabledState = uint64_t(high) << 32 | low;
}

const Processor &processor() {
  static const Processor known;
  return known;
}

bool stateEnabled(State state) {
  // SSE and AVX; then opmask and the upper parts of zmm; then the AMX tiles.
  uint64_t need = state == Always   ? 0
                  : state == Avx    ? 0x6
                  : state == Avx512 ? 0xe6
                                    : 0x60000;
  return (processor().enabledState & need) == need;
}

/// Whether a preloaded library executes what the processor lacks: for tests
/// (test/amx-emulator).
bool isEmulated(const Feature &feature) {
  using Emulates = bool (*)(const char *);
  static auto emulates = reinterpret_cast<Emulates>(
      dlsym(RTLD_DEFAULT, "attn_emulates_cpu_feature"));
  return emulates && emulates(feature.name);
}

bool isInProcessor(const Feature &feature) {
  const Leaf *leaf = processor().find(feature.leaf, feature.subleaf);
  if (!leaf)
    return false;
  // Sub-leaf 0 of leaf 7 says in eax which sub-leaves there are; beyond them
  // cpuid returns another leaf's bits on some processors.
  if (feature.leaf == 7 && feature.subleaf > 0 &&
      feature.subleaf > processor().find(7, 0)->registers[Eax])
    return false;
  return (leaf->registers[feature.reg] >> feature.bit & 1) &&
         stateEnabled(feature.state);
}

bool present(const Feature &feature) {
  return isInProcessor(feature) || isEmulated(feature);
}

} // namespace

std::string hostName() {
  uint32_t words[13] = {};
  uint32_t highest = __get_cpuid_max(0x80000000, nullptr);
  if (highest >= 0x80000004)
    for (uint32_t i = 0; i < 3; ++i)
      __get_cpuid(0x80000002 + i, &words[4 * i], &words[4 * i + 1],
                  &words[4 * i + 2], &words[4 * i + 3]);
  char text[sizeof words];
  std::memcpy(text, words, sizeof text);
  std::string name(text);
  while (!name.empty() && name.back() == ' ')
    name.pop_back();
  return name.empty() ? "x86-64" : name;
}

bool enableFeature(const std::string &name) {
#if defined(__linux__)
  if (name.rfind("amx-", 0) == 0) {
    constexpr long requestPermission = 0x1023, tileData = 18;
    return ::syscall(SYS_arch_prctl, requestPermission, tileData) == 0;
  }
#endif
  return true;
}

#elif defined(__aarch64__) && defined(__linux__)

namespace {

struct Feature {
  const char *name;
  unsigned long vector; // AT_HWCAP or AT_HWCAP2
  uint8_t bit;
};

const Feature features[] = {
    {"fp-armv8", AT_HWCAP, 0},  {"neon", AT_HWCAP, 1},
    {"aes", AT_HWCAP, 3},       {"sha2", AT_HWCAP, 6},
    {"crc", AT_HWCAP, 7},       {"lse", AT_HWCAP, 8},
    {"fullfp16", AT_HWCAP, 10}, {"rdm", AT_HWCAP, 12},
    {"jsconv", AT_HWCAP, 13},   {"complxnum", AT_HWCAP, 14},
    {"rcpc", AT_HWCAP, 15},     {"dotprod", AT_HWCAP, 20},
    {"sve", AT_HWCAP, 22},      {"fp16fml", AT_HWCAP, 23},
    {"sve2", AT_HWCAP2, 1},     {"i8mm", AT_HWCAP2, 13},
    {"bf16", AT_HWCAP2, 14},    {"sme", AT_HWCAP2, 23},
};

bool present(const Feature &feature) {
  return getauxval(feature.vector) >> feature.bit & 1;
}

} // namespace

std::string hostName() { return "AArch64"; }

bool enableFeature(const std::string &) { return true; }

#else

namespace {

struct Feature {
  const char *name;
};
const std::vector<Feature> features; // nobody says
bool present(const Feature &) { return false; }

} // namespace

std::string hostName() { return "unknown"; }

bool enableFeature(const std::string &) { return true; }

#endif

FeatureState hostFeature(const std::string &name) {
  for (const Feature &feature : features)
    if (name == feature.name)
      return present(feature) ? FeatureState::Present : FeatureState::Missing;
  return FeatureState::Unknown;
}

std::string hostFeatureList() {
  std::string list;
  for (const Feature &feature : features)
    if (present(feature))
      list += (list.empty() ? "" : ",") + std::string(feature.name);
  return list;
}

} // namespace attn::runtime
