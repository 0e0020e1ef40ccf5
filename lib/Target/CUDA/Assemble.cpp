//===- Assemble.cpp - PTX to machine code ---------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs NVIDIA's ptxas, so that the driver of a device need not compile a kernel
// when an artifact is loaded. Optional: artifacts of PTX need no toolkit.
//
//===----------------------------------------------------------------------===//

#include "PTX.h"

#include "attn/Support/Files.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Regex.h"

using namespace mlir;
using namespace attn;

/// The text of a file; empty if it cannot be read.
static std::string readFile(StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  return buffer ? (*buffer)->getBuffer().str() : std::string();
}

/// Runs `ptxas` on `ptx`. Returns why it cannot be, or "" and fills in the
/// machine code and what ptxas says about it.
static std::string assemble(StringRef ptx, StringRef chip, StringRef ptxas,
                            std::string &code, std::string &said) {
  llvm::ErrorOr<std::string> program = llvm::sys::findProgramByName(ptxas);
  if (!program)
    return ("there is no program '" + ptxas + "'").str();
  llvm::SmallString<64> input, output, messages;
  if (std::error_code error =
          llvm::sys::fs::createTemporaryFile("attn", "ptx", input))
    return error.message();
  llvm::FileRemover removeInput(input);
  if (std::error_code error =
          llvm::sys::fs::createTemporaryFile("attn", "cubin", output))
    return error.message();
  llvm::FileRemover removeOutput(output);
  if (std::error_code error =
          llvm::sys::fs::createTemporaryFile("attn", "txt", messages))
    return error.message();
  llvm::FileRemover removeMessages(messages);
  if (llvm::Error failed = writeWholeFile(input, ptx))
    return ("the PTX cannot be written to " + input + ": " +
            llvm::toString(std::move(failed)))
        .str();
  std::string architecture = ("-arch=" + chip).str();
  StringRef arguments[] = {*program, "-v", architecture, input, "-o", output};
  std::optional<StringRef> redirects[] = {StringRef(), StringRef(messages),
                                          StringRef(messages)};
  std::string error;
  int status = llvm::sys::ExecuteAndWait(*program, arguments,
                                         /*Env=*/std::nullopt, redirects,
                                         /*SecondsToWait=*/0,
                                         /*MemoryLimit=*/0, &error);
  said = readFile(messages);
  if (status != 0)
    return *program + " failed: " + (error.empty() ? said : error);
  code = readFile(output);
  return code.empty() ? *program + " wrote nothing" : "";
}

FailureOr<std::string> attn::assemblePTX(Operation *where, StringRef ptx,
                                         StringRef chip, StringRef ptxas) {
  std::string code, said;
  std::string problem = assemble(ptx, chip, ptxas, code, said);
  if (problem.empty())
    return code;
  return where->emitError("cannot assemble PTX for ")
         << chip << ": " << problem;
}

std::string attn::describeRegisters(StringRef ptx, StringRef chip) {
  constexpr StringLiteral ptxas = "ptxas";
  if (!llvm::sys::findProgramByName(ptxas))
    return "";
  std::string code, said;
  std::string problem = assemble(ptx, chip, ptxas, code, said);
  if (!problem.empty())
    return "registers: " + problem;
  SmallVector<StringRef> used, spilled;
  bool uses = llvm::Regex("Used ([0-9]+) registers").match(said, &used);
  bool spills =
      llvm::Regex("([0-9]+) bytes spill stores").match(said, &spilled);
  if (!uses)
    return "";
  std::string text = (used[1] + " registers a thread").str();
  return spills ? (text + ", " + spilled[1] + " bytes spilled").str() : text;
}
