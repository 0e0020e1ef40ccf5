//===- PassChecks.h - Passes must not change what is computed ---*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs a program in the tile interpreter before and after each pass on tile
// IR.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_TEST_PASSCHECKS_H
#define ATTN_TOOLS_ATTN_TEST_PASSCHECKS_H

#include "attn/Reference/TileInterpreter.h"

#include "mlir/IR/BuiltinOps.h"

#include <string>

namespace attn::tools {

using reference::Tensor;

class PassChecker {
public:
  /// 0: the tile sizes of the pipelines.
  PassChecker(int64_t tileM, int64_t tileN);

  /// Each pass on a module of tile IR, alone and after those before it in the
  /// order of the pipelines. Says which pass changed what; "" if none did.
  std::string checkTiles(mlir::ModuleOp module, mlir::ArrayRef<Tensor> inputs);

  /// The same for attention: first that attn-tile computes `expected`, the
  /// float64 reference, then each pass after those before it.
  std::string checkAttention(mlir::ModuleOp module,
                             mlir::ArrayRef<Tensor> inputs,
                             mlir::ArrayRef<Tensor> expected);

  /// How often each pass changed a program.
  void print(llvm::raw_ostream &os) const;

private:
  /// A program and what it computes.
  struct Stage;
  struct CheckedPass;
  static mlir::ArrayRef<CheckedPass> getPasses();
  /// Computes what `stage` does not know of itself yet.
  std::string interpret(Stage &stage, reference::Arithmetic arithmetic,
                        mlir::ArrayRef<Tensor> inputs);
  /// Runs `pass` on a copy of `before`.
  std::string runPass(const CheckedPass &pass, Stage &before,
                      mlir::ArrayRef<Tensor> inputs, Stage &after);
  std::string runInOrder(Stage stage, mlir::ArrayRef<Tensor> inputs);

  int64_t tileM, tileN;
  /// Programs that a pass ran on, and those that it changed.
  struct Count {
    unsigned changed, all;
  };
  /// One a pass, shared by the processes that cases run in.
  Count *counts;
};

} // namespace attn::tools

#endif // ATTN_TOOLS_ATTN_TEST_PASSCHECKS_H
