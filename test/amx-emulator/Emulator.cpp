//===- Emulator.cpp - Tile instructions for CPUs without them -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A handler of SIGILL that executes AMX, and what stands in for the kernel's
// permission to use it. AMX_EMULATOR in the environment is a list of words:
// `refuse` refuses that permission, `count` prints at exit what was executed.
//
//===----------------------------------------------------------------------===//

#include "Emulator.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <immintrin.h>
#include <initializer_list>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

namespace {

//===----------------------------------------------------------------------===//
// State
//===----------------------------------------------------------------------===//

constexpr unsigned kTiles = 8, kRows = 16, kRowBytes = 64;

/// What ldtilecfg reads.
struct Configuration {
  uint8_t palette, startRow, reserved[14];
  uint16_t columnBytes[16];
  uint8_t rows[16];
};
static_assert(sizeof(Configuration) == 64);

struct Tiles {
  Configuration configuration;
  alignas(64) uint8_t data[kTiles][kRows][kRowBytes];
};

// In the block that threads have from the start: a handler may not allocate.
__attribute__((tls_model("initial-exec"))) thread_local Tiles tiles;

struct {
  std::atomic<uint64_t> configurations, releases, loads, stores, products;
} counts;

/// Who else asked for SIGILL.
struct sigaction nextAction;

using SigactionFunction = int (*)(int, const struct sigaction *,
                                  struct sigaction *);
SigactionFunction getSigaction() {
  static auto real =
      reinterpret_cast<SigactionFunction>(dlsym(RTLD_NEXT, "sigaction"));
  return real;
}

bool isAsked(const char *word) {
  const char *words = std::getenv("AMX_EMULATOR");
  return words && std::strstr(words, word);
}

/// An instruction that the processor would have refused.
[[noreturn]] void fault(const char *exception, const char *why) {
  char text[256];
  int size = std::snprintf(text, sizeof text, "amx-emulator: %s: %s\n",
                           exception, why);
  if (::write(STDERR_FILENO, text, size_t(size)) != size)
    ::_exit(1);
  std::abort();
}

void require(bool holds, const char *why) {
  if (!holds)
    fault("#UD", why);
}

//===----------------------------------------------------------------------===//
// Decoding
//===----------------------------------------------------------------------===//

/// An instruction in VEX encoding with three bytes of prefix and ModRM.
struct Instruction {
  unsigned prefix;  // 0: none, 1: 66, 2: F3, 3: F2
  unsigned operand; // the register in the prefix
  uint8_t opcode;
  unsigned mod, reg, rm;
  bool hasIndex;
  uint64_t address, stride; // of a memory operand
  unsigned length;
};

uint64_t readRegister(const ucontext_t *context, unsigned number) {
  static constexpr int order[] = {
      REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
      REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
  return uint64_t(context->uc_mcontext.gregs[order[number]]);
}

/// The memory operand, whose ModRM byte is at `at`; returns its end.
const uint8_t *decodeMemory(Instruction &result, const uint8_t *at,
                            const ucontext_t *context, bool x, bool b) {
  const uint8_t *end = at + 1;
  uint64_t base = 0;
  bool isRelative = false;
  if (result.rm == 4) {
    uint8_t sib = *end++;
    unsigned index = (sib >> 3 & 7) | (x ? 8 : 0);
    result.hasIndex = index != 4;
    if (result.hasIndex)
      result.stride = readRegister(context, index) << (sib >> 6);
    bool hasBase = (sib & 7) != 5 || result.mod != 0;
    if (hasBase)
      base = readRegister(context, (sib & 7) | (b ? 8 : 0));
    else
      isRelative = true; // a displacement alone
  } else if (result.rm == 5 && result.mod == 0) {
    isRelative = true;
  } else {
    base = readRegister(context, result.rm | (b ? 8 : 0));
  }
  bool isWide = result.mod == 2 || isRelative;
  int64_t displacement = 0;
  if (isWide) {
    int32_t value;
    std::memcpy(&value, end, sizeof value);
    displacement = value;
    end += sizeof value;
  } else if (result.mod == 1) {
    displacement = int8_t(*end++);
  }
  if (isRelative && result.rm == 5)
    base = uint64_t(end);
  result.address = base + uint64_t(displacement);
  return end;
}

/// False if it is none in the map of AMX.
bool decode(Instruction &result, const uint8_t *code,
            const ucontext_t *context) {
  constexpr uint8_t vex3 = 0xc4;
  constexpr unsigned map0F38 = 2;
  result = {};
  bool is128 = !(code[2] & 4), isW0 = !(code[2] & 0x80);
  if (code[0] != vex3 || (code[1] & 0x1f) != map0F38 || !is128 || !isW0)
    return false;
  bool x = !(code[1] & 0x40), b = !(code[1] & 0x20);
  result.prefix = code[2] & 3;
  result.operand = ~(code[2] >> 3) & 15;
  result.opcode = code[3];
  const uint8_t *modRM = code + 4;
  result.mod = *modRM >> 6;
  result.reg = *modRM >> 3 & 7;
  result.rm = *modRM & 7;
  const uint8_t *end =
      result.mod == 3 ? modRM + 1 : decodeMemory(result, modRM, context, x, b);
  result.length = unsigned(end - code);
  return true;
}

//===----------------------------------------------------------------------===//
// Execution
//===----------------------------------------------------------------------===//

void configure(const void *memory) {
  Configuration next;
  std::memcpy(&next, memory, sizeof next);
  ++counts.configurations;
  std::memset(&tiles, 0, sizeof tiles);
  if (next.palette == 0)
    return;
  if (next.palette != 1)
    fault("#GP", "ldtilecfg: there are palettes 0 and 1");
  for (uint8_t byte : next.reserved)
    if (byte)
      fault("#GP", "ldtilecfg: a reserved byte is not 0");
  for (unsigned tile = 0; tile < 16; ++tile) {
    bool exists = tile < kTiles;
    if (next.rows[tile] > (exists ? kRows : 0) ||
        next.columnBytes[tile] > (exists ? kRowBytes : 0))
      fault("#GP", "ldtilecfg: there are 8 tiles of 16 rows of 64 bytes");
  }
  tiles.configuration = next;
}

void requireTile(unsigned tile) {
  require(tiles.configuration.palette == 1, "no tiles are configured");
  require(tile < kTiles && tiles.configuration.rows[tile] &&
              tiles.configuration.columnBytes[tile],
          "a tile has no shape");
}

void loadTile(const Instruction &op) {
  requireTile(op.reg);
  unsigned bytes = tiles.configuration.columnBytes[op.reg];
  ++counts.loads;
  for (unsigned row = 0; row < kRows; ++row) {
    uint8_t *to = tiles.data[op.reg][row];
    if (row >= tiles.configuration.rows[op.reg]) {
      std::memset(to, 0, kRowBytes);
      continue;
    }
    auto *from =
        reinterpret_cast<const uint8_t *>(op.address + row * op.stride);
    std::memcpy(to, from, bytes);
    std::memset(to + bytes, 0, kRowBytes - bytes);
  }
}

void storeTile(const Instruction &op) {
  requireTile(op.reg);
  ++counts.stores;
  for (unsigned row = 0; row < tiles.configuration.rows[op.reg]; ++row)
    std::memcpy(reinterpret_cast<void *>(op.address + row * op.stride),
                tiles.data[op.reg][row],
                tiles.configuration.columnBytes[op.reg]);
}

float widenBF16(uint16_t bits) {
  uint32_t wide = uint32_t(bits) << 16;
  float value;
  std::memcpy(&value, &wide, sizeof value);
  return value;
}

float widenF16(uint16_t bits) {
  return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(bits)));
}

/// Sums of the first and of the second elements of pairs are kept apart, each
/// product is added with one rounding (to nearest; subnormal numbers are 0),
/// then both and the accumulator are added.
template <float (*widen)(uint16_t)>
void multiply(unsigned sum, unsigned left, unsigned right) {
  for (unsigned tile : {sum, left, right})
    requireTile(tile);
  require(sum != left && sum != right && left != right,
          "a product names a tile twice");
  const Configuration &shape = tiles.configuration;
  require(shape.columnBytes[sum] % 4 == 0 && shape.columnBytes[left] % 4 == 0 &&
              shape.columnBytes[right] % 4 == 0 &&
              shape.rows[sum] == shape.rows[left] &&
              shape.columnBytes[left] / 4 == shape.rows[right] &&
              shape.columnBytes[sum] == shape.columnBytes[right],
          "the shapes of a product do not fit");
  ++counts.products;
  constexpr unsigned columns = kRowBytes / 4;
  auto element = [](unsigned tile, unsigned row, unsigned k) {
    uint16_t bits;
    std::memcpy(&bits, tiles.data[tile][row] + 2 * k, sizeof bits);
    return widen(bits);
  };
  float wide[2][kRows][columns];
  for (unsigned pair = 0; pair < shape.rows[right]; ++pair)
    for (unsigned column = 0; column < columns; ++column)
      for (unsigned half : {0u, 1u})
        wide[half][pair][column] = element(right, pair, 2 * column + half);
  for (unsigned row = 0; row < shape.rows[sum]; ++row) {
    float sums[2][columns] = {};
    for (unsigned pair = 0; pair < shape.rows[right]; ++pair)
      for (unsigned half : {0u, 1u}) {
        float factor = element(left, row, 2 * pair + half);
        for (unsigned column = 0; column < columns; ++column)
          sums[half][column] = __builtin_fmaf(factor, wide[half][pair][column],
                                              sums[half][column]);
      }
    auto *out = reinterpret_cast<float *>(tiles.data[sum][row]);
    for (unsigned column = 0; column < shape.columnBytes[sum] / 4u; ++column)
      out[column] += sums[0][column] + sums[1][column];
  }
}

/// False if the instruction is none of AMX.
bool execute(const Instruction &op) {
  enum Prefix { None, P66, PF3, PF2 };
  bool inMemory = op.mod != 3;
  bool isPlain = op.operand == 0;
  if (op.opcode == 0x49 && inMemory && op.reg == 0 && isPlain) {
    if (op.prefix == None)
      return configure(reinterpret_cast<const void *>(op.address)), true;
    if (op.prefix == P66) {
      std::memcpy(reinterpret_cast<void *>(op.address), &tiles.configuration,
                  sizeof(Configuration));
      return true;
    }
  } else if (op.opcode == 0x49 && !inMemory && op.rm == 0 && isPlain) {
    if (op.prefix == None && op.reg == 0) {
      ++counts.releases;
      std::memset(&tiles, 0, sizeof tiles);
      return true;
    }
    if (op.prefix == PF2) {
      requireTile(op.reg);
      std::memset(tiles.data[op.reg], 0, sizeof tiles.data[op.reg]);
      return true;
    }
  } else if (op.opcode == 0x4b && inMemory && op.rm == 4 && isPlain) {
    if (op.prefix == PF2 || op.prefix == P66)
      return loadTile(op), true;
    if (op.prefix == PF3)
      return storeTile(op), true;
  } else if (op.opcode == 0x5c && !inMemory) {
    if (op.prefix == PF3)
      return multiply<widenBF16>(op.reg, op.rm, op.operand), true;
    if (op.prefix == PF2)
      return multiply<widenF16>(op.reg, op.rm, op.operand), true;
  }
  return false;
}

void onIllegalInstruction(int signal, siginfo_t *info, void *opaque) {
  auto *context = static_cast<ucontext_t *>(opaque);
  greg_t &counter = context->uc_mcontext.gregs[REG_RIP];
  // Neither rounding nor subnormal numbers are as the program has them.
  constexpr unsigned flushBoth = 0x8040;
  _mm_setcsr(0x1f80 | flushBoth);
  Instruction op;
  if (decode(op, reinterpret_cast<const uint8_t *>(counter), context) &&
      execute(op)) {
    counter += op.length;
    return;
  }
  if (nextAction.sa_flags & SA_SIGINFO)
    return nextAction.sa_sigaction(signal, info, opaque);
  if (nextAction.sa_handler != SIG_DFL && nextAction.sa_handler != SIG_IGN)
    return nextAction.sa_handler(signal);
  fault("SIGILL", "an instruction that neither the processor nor AMX has");
}

//===----------------------------------------------------------------------===//
// The program around
//===----------------------------------------------------------------------===//

void printCounts() {
  attn::emulator::Counts now = attn::emulator::getCounts();
  std::fprintf(stderr,
               "amx-emulator: %lu products, %lu configurations, %lu releases\n",
               now.products, now.configurations, now.releases);
}

__attribute__((constructor)) void install() {
  struct sigaction action = {};
  action.sa_sigaction = onIllegalInstruction;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  sigemptyset(&action.sa_mask);
  getSigaction()(SIGILL, &action, &nextAction);
  if (isAsked("count"))
    std::atexit(printCounts);
}

} // namespace

attn::emulator::Counts attn::emulator::getCounts() {
  return {counts.configurations, counts.releases, counts.loads, counts.stores,
          counts.products};
}

bool attn::emulator::isConfigured() { return tiles.configuration.palette != 0; }

bool attn_emulates_cpu_feature(const char *name) {
  for (const char *known : {"amx-tile", "amx-bf16", "amx-fp16"})
    if (std::strcmp(name, known) == 0)
      return true;
  return false;
}

/// Others get illegal instructions that are not of AMX.
extern "C" int sigaction(int signal, const struct sigaction *action,
                         struct sigaction *old) noexcept {
  if (signal != SIGILL)
    return getSigaction()(signal, action, old);
  if (old)
    *old = nextAction;
  if (action)
    nextAction = *action;
  return 0;
}

/// The kernel's permission for the state of tiles; all else goes to the kernel.
extern "C" long syscall(long number, ...) noexcept {
  constexpr long requestPermission = 0x1023, tileData = 18;
  long arguments[6];
  va_list list;
  va_start(list, number);
  for (long &argument : arguments)
    argument = va_arg(list, long);
  va_end(list);
  if (number == SYS_arch_prctl && arguments[0] == requestPermission &&
      arguments[1] == tileData) {
    if (!isAsked("refuse"))
      return 0;
    errno = EPERM;
    return -1;
  }
  static auto real =
      reinterpret_cast<long (*)(long, ...)>(dlsym(RTLD_NEXT, "syscall"));
  return real(number, arguments[0], arguments[1], arguments[2], arguments[3],
              arguments[4], arguments[5]);
}
