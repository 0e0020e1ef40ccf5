//===- Compile.h - From MLIR to an artifact ---------------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiles one function with attention to an artifact that the runtime loads
// (docs/artifact.md). Used by attn-run and by ahead-of-time tools.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TARGET_COMPILE_H
#define ATTN_TARGET_COMPILE_H

#include "attn/Dialect/Attn/Attn.h"
#include "attn/Dialect/Tile/Tile.h"

#include "mlir/IR/BuiltinOps.h"

#include <string>
#include <utility>
#include <vector>

namespace attn {

struct CompileOptions {
  /// Function to compile; the only one if empty.
  std::string entry;
  /// A registered target (Target.h); the first one if empty.
  std::string target;
  /// One of its chips; what the module says, else its default, if empty.
  std::string chip;
  /// Rows and columns of a score tile; 0 lets the target choose.
  int64_t tileM = 0, tileN = 0;
  /// For attention ops that have none.
  ScheduleAttr schedule = {};
  /// The program that assembles what is printed for the target; text stays if
  /// empty.
  std::string assembler;
  /// Of the versions of an op, which launches choose by sizes, compile the
  /// general one only: a launch of another one is refused
  /// (ATTN_ERROR_NOT_FOUND).
  bool general = false;
  /// Bytes that this module was compiled to with `general`: code is made of
  /// what they lack, and theirs is taken over.
  llvm::StringRef completes;
  /// The sizes of each argument in the calls to come, in order; none if they
  /// are not known. Versions for other sizes are not compiled, and such calls
  /// are refused, but where artifacts are kept (ATTN_CACHE), which are for all.
  std::vector<std::vector<int64_t>> shapes;
  /// Verify the IR after each pass. Only benchmarks of compile time may not.
  bool verifies = true;
};

/// What was chosen and how long it took.
struct CompileReport {
  /// Passes and phases in order, with milliseconds: of wall-clock time, but for
  /// passes on functions where MLIR runs several at once.
  std::vector<std::pair<std::string, double>> phases;
  std::string chip;
  tile::TargetAttr machine;
  /// Of the version for all sizes.
  ScheduleAttr schedule;
  int64_t tileM = 0, tileN = 0;
  /// Of every version of every op, the one for all sizes last.
  std::vector<std::pair<int64_t, int64_t>> tiles;
  unsigned vectorBits = 0;
  /// Stack bytes of one kernel call: the tile buffers (L1/L2 use).
  int64_t tileBytes = 0;
  int64_t codeBytes = 0;
  /// What was chosen and why, one sentence a choice.
  std::vector<std::string> choices;
  /// Key-tile ranges in closed form, one text an attention op.
  std::vector<std::string> ranges;
};

/// One function of `module`, of which a copy is made, and its kernels, lowered:
/// what the code of the artifact is made of.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>>
lowerForTarget(mlir::ModuleOp module, const CompileOptions &options);

/// Bytes of the artifact of one function, or failure with diagnostics at the
/// offending op. `module` is not changed. A report is made where one is asked
/// for.
mlir::FailureOr<std::string> compileToArtifact(mlir::ModuleOp module,
                                               const CompileOptions &options,
                                               CompileReport *report = nullptr);

} // namespace attn

#endif // ATTN_TARGET_COMPILE_H
