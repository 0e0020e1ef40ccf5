// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whole-file reading and atomic writing with messages that name the file.
// Shared by the artifact container and the .npy library; nothing throws but
// std::bad_alloc.
#ifndef ATTN_RUNTIME_SRC_FILE_H
#define ATTN_RUNTIME_SRC_FILE_H

#include <string>
#include <string_view>
#include <vector>

namespace attn::runtime {

/// Reads the regular file `path`. On failure says why in `error`; `missing`
/// (optional) tells a file that is not there from one that cannot be read.
bool readFile(const std::string &path, std::string &bytes, std::string &error,
              bool *missing = nullptr);

/// Writes the concatenated `pieces` to a temporary file beside `path`, syncs
/// it and renames it: `path` holds either what it held before or all of the
/// new bytes. On failure the temporary file is removed.
bool writeFileAtomically(const std::string &path,
                         const std::vector<std::string_view> &pieces,
                         std::string &error);

} // namespace attn::runtime

#endif // ATTN_RUNTIME_SRC_FILE_H
