//===- PackageFunctions.h - The C functions of a package --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the header declares, the library defines and the example calls.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_AHEADOFTIME_PACKAGEFUNCTIONS_H
#define ATTN_LIB_AHEADOFTIME_PACKAGEFUNCTIONS_H

#include "attn/AheadOfTime/Variants.h"

#include "llvm/TargetParser/Triple.h"

namespace attn {

/// A parameter of the compiled function, or a result with memory of its own.
struct CParameter {
  std::string name;
  std::string dtype;
  bool isScalar = false, isWritten = false, isRead = false;
  /// Sizes as the header shows them: numbers, letters of docs/semantics.md
  /// ("Sq"), or expressions.
  std::vector<std::string> sizes;
};

/// A function of the library.
struct CFunction {
  std::string name;
  std::vector<CParameter> parameters;
  /// The variant that the header speaks of; the others have the same
  /// parameters.
  llvm::json::Object description;
  /// "cpu:x86-64-v4, cuda:sm_90a"
  std::string chips;
  llvm::StringRef artifact;
};

/// The text of attn_runtime.h.
llvm::StringRef getRuntimeHeader();

/// An identifier of C and C++ that reads as `name`, and is none of the runtime.
std::string toIdentifier(llvm::StringRef name);

/// The C type of an element; 16-bit floats travel as their bits.
llvm::StringRef toCType(llvm::StringRef dtype);

llvm::Expected<CFunction> makeFunction(llvm::StringRef artifact);

std::string makeHeader(llvm::StringRef package,
                       llvm::ArrayRef<CFunction> functions);
std::string makeExample(llvm::StringRef package, const CFunction &function);
std::string makeCMakeConfig(llvm::StringRef package);

/// The functions and their artifacts as an object file.
llvm::Expected<std::string> makeObject(llvm::StringRef package,
                                       llvm::ArrayRef<CFunction> functions,
                                       const llvm::Triple &triple);

} // namespace attn

#endif // ATTN_LIB_AHEADOFTIME_PACKAGEFUNCTIONS_H
