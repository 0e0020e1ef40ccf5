//===- ReservedWords.h - Words that languages keep --------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tables of words that a language keeps for itself, as text with a space
// between two of them. Languages that share words share the table.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_SUPPORT_RESERVEDWORDS_H
#define ATTN_SUPPORT_RESERVEDWORDS_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/StringSet.h"

namespace attn {

/// Keywords of C and of C++ up to its standard of 2020 (clause lex.key), with
/// the alternative spellings of operators.
constexpr llvm::StringLiteral kCppKeywords =
    "alignas alignof and and_eq asm auto bitand bitor bool break case catch "
    "char char16_t char32_t char8_t class co_await co_return co_yield compl "
    "concept const const_cast consteval constexpr constinit continue decltype "
    "default delete do double dynamic_cast else enum explicit export extern "
    "false float for friend goto if inline int long mutable namespace new "
    "noexcept not not_eq nullptr operator or or_eq private protected public "
    "register reinterpret_cast requires restrict return short signed sizeof "
    "static static_assert static_cast struct switch template this "
    "thread_local throw true try typedef typeid typename union unsigned using "
    "virtual void volatile wchar_t while xor xor_eq";

/// The words of some tables.
inline llvm::StringSet<>
splitWords(llvm::ArrayRef<llvm::StringLiteral> tables) {
  llvm::StringSet<> set;
  for (llvm::StringRef table : tables) {
    llvm::SmallVector<llvm::StringRef> words;
    table.split(words, ' ');
    set.insert_range(words);
  }
  return set;
}

} // namespace attn

#endif // ATTN_SUPPORT_RESERVEDWORDS_H
