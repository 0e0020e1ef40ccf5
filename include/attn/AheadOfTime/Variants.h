//===- Variants.h - Artifacts with code for several chips -------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiles a function for several targets and chips into one artifact, of which
// the runtime takes what suits the device (docs/artifact.md, "Bundles").
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_AHEADOFTIME_VARIANTS_H
#define ATTN_AHEADOFTIME_VARIANTS_H

#include "attn/Target/Compile.h"

#include "llvm/Support/JSON.h"

namespace attn {

/// The description of an artifact for one chip, or an error.
llvm::Expected<llvm::json::Object> readDescription(llvm::StringRef artifact);

/// What an artifact holds for one chip.
struct ArtifactVariant {
  llvm::StringRef bytes;
  llvm::json::Object description;
};

/// The variants of an artifact: of a bundle all, else itself. Refers to the
/// bytes.
llvm::Expected<std::vector<ArtifactVariant>>
readVariants(llvm::StringRef artifact);

/// One of the targets to compile for; without a chip that is empty.
struct TargetName {
  llvm::StringRef target, chip;
};

/// What a comma-separated list of TARGET or TARGET:CHIP names, known or not. A
/// message if it is no such list.
llvm::Expected<llvm::SmallVector<TargetName>>
splitTargets(llvm::StringRef targets);

/// Compiles `module` once for each of `targets`, such a list; what gives no
/// chip takes that of `options`. Several make a bundle. Reports, if asked for,
/// are one a target.
mlir::FailureOr<std::string>
compileVariants(mlir::ModuleOp module, llvm::StringRef targets,
                const CompileOptions &options,
                std::vector<CompileReport> *reports = nullptr);

} // namespace attn

#endif // ATTN_AHEADOFTIME_VARIANTS_H
