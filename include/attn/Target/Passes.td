//===- Passes.td - Passes that ask the registry of targets -*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The first pass of every target's pipeline.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TARGET_PASSES_TD
#define ATTN_TARGET_PASSES_TD

include "mlir/Pass/PassBase.td"

def AttachTarget : Pass<"tile-attach-target", "::mlir::ModuleOp"> {
  let summary = "Say on the module what machine it is for";
  let description = [{
    Puts `tile.target` on the module: the limits of a chip (`#tile.target`), which
    every later pass reads there. A target that the module has stays, so that a
    file can describe a machine; it must be of the same name, and of the chip if
    one is given.

    ```mlir
    // Options: target=cuda chip=sm_86
    module {
    }
    ```
    becomes
    ```mlir
    module attributes {tile.target = #tile.target<name = "cuda", chip = "sm_86", ...threads = 1024, ...shared_bytes = 101376, ...>} {
    }
    ```
  }];
  let options = [
    Option<"target", "target", "std::string", "\"\"",
           "A registered target (attn-opt --list-targets)">,
    Option<"chip", "chip", "std::string", "\"\"",
           "One of its chips; empty: its default">
  ];
  let dependentDialects = ["::attn::tile::TileDialect", "::mlir::DLTIDialect"];
}

#endif // ATTN_TARGET_PASSES_TD
