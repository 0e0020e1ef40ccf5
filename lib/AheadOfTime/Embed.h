//===- Embed.h - Files as data of a library ---------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ATTN_EMBED(NAME, PATH) at namespace scope puts the bytes of a file behind
// ATTN_EMBEDDED(NAME), a StringRef.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_AHEADOFTIME_EMBED_H
#define ATTN_LIB_AHEADOFTIME_EMBED_H

#include "llvm/ADT/StringRef.h"

#define ATTN_EMBED(NAME, PATH)                                                 \
  __asm__(".section .rodata\n.balign 16\n" #NAME ":\n.incbin \"" PATH          \
          "\"\n" #NAME "_end:\n.previous\n");                                  \
  extern "C" __attribute__((visibility("hidden"))) const char NAME[];          \
  extern "C" __attribute__((visibility("hidden"))) const char NAME##_end[];

#define ATTN_EMBEDDED(NAME) ::llvm::StringRef(NAME, size_t(NAME##_end - NAME))

#endif // ATTN_LIB_AHEADOFTIME_EMBED_H
