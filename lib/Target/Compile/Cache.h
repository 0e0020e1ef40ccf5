//===- Cache.h - Artifacts on disk ------------------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where the environment variable ATTN_CACHE names a folder, artifacts are kept
// there under all that they depend on: what was compiled once is read.
//
//===----------------------------------------------------------------------===//

#ifndef LIB_TARGET_COMPILE_CACHE_H
#define LIB_TARGET_COMPILE_CACHE_H

#include "attn/Target/Compile.h"

namespace attn {

/// The file of one compilation. Any number of processes may read and write it
/// at once.
class CacheEntry {
public:
  /// None where there is no cache, or nothing to find a target by.
  static std::optional<CacheEntry> of(mlir::ModuleOp module,
                                      const CompileOptions &options);

  /// The artifact, if it is there; a remark if the file is damaged.
  std::optional<std::string> read(mlir::Location loc) const;
  /// Puts the artifact there; a remark if that is not possible.
  void write(llvm::StringRef artifact, mlir::Location loc) const;

private:
  explicit CacheEntry(std::string folder, std::string key)
      : folder(std::move(folder)), key(std::move(key)) {}
  std::string getPath() const;

  std::string folder, key;
};

} // namespace attn

#endif // LIB_TARGET_COMPILE_CACHE_H
