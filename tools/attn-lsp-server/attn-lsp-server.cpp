//===- attn-lsp-server.cpp - Attention in an editor -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// MLIR's language server with the attn and tile dialects: diagnostics while
// typing, definitions and uses, documentation of ops.
//
//===----------------------------------------------------------------------===//

#include "attn/InitAll.h"
#include "attn/Support/ToolOptions.h"
#include "attn/Version.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"

static constexpr llvm::StringLiteral kExamples = R"(
The server is started by an editor and speaks with it on its standard input and
output: diagnostics while typing, definitions, uses, documentation of ops.

EXAMPLES:

  Visual Studio Code, with the extension MLIR, in settings.json:
      "mlir.server_path": "attn-lsp-server"
  Neovim:
      vim.lsp.start({name = "attn", cmd = {"attn-lsp-server"}})
  attn-lsp-server --lit-test < session.json
      messages of a file, as tests write them; --pretty prints what is answered
)";

int main(int argc, char **argv) {
  attn::setVersionPrinter();
  attn::dropRegisteredOptions();
  llvm::cl::extrahelp examples(kExamples);
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  attn::registerAllDialects(registry);
  return mlir::failed(mlir::MlirLspServerMain(argc, argv, registry));
}
