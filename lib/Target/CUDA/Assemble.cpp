//===- Assemble.cpp - PTX to machine code ---------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs NVIDIA's ptxas, so that the driver of a device need not compile a kernel
// when an artifact is loaded. Optional: artifacts of PTX need no toolkit.
//
//===----------------------------------------------------------------------===//

#include "attn/Target/CUDA.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace attn;

/// The text of a file; empty if it cannot be read.
static std::string readFile(StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  return buffer ? (*buffer)->getBuffer().str() : std::string();
}

FailureOr<std::string> attn::assemblePTX(Operation *where, StringRef ptx,
                                         StringRef chip, StringRef ptxas) {
  auto reject = [&](const Twine &why) {
    return where->emitError("cannot assemble PTX for ") << chip << ": " << why;
  };
  llvm::ErrorOr<std::string> program = llvm::sys::findProgramByName(ptxas);
  if (!program)
    return reject("there is no program '" + ptxas + "'");
  llvm::SmallString<64> input, output, messages;
  if (std::error_code error =
          llvm::sys::fs::createTemporaryFile("attn", "ptx", input))
    return reject(error.message());
  llvm::FileRemover removeInput(input);
  if (std::error_code error =
          llvm::sys::fs::createTemporaryFile("attn", "cubin", output))
    return reject(error.message());
  llvm::FileRemover removeOutput(output);
  if (std::error_code error =
          llvm::sys::fs::createTemporaryFile("attn", "txt", messages))
    return reject(error.message());
  llvm::FileRemover removeMessages(messages);
  {
    std::error_code error;
    llvm::raw_fd_ostream stream(input, error);
    stream << ptx;
    stream.close();
    if (stream.has_error() || error)
      return reject("the PTX cannot be written to " + input);
  }
  std::string architecture = ("-arch=" + chip).str();
  StringRef arguments[] = {*program, architecture, input, "-o", output};
  std::optional<StringRef> redirects[] = {StringRef(), StringRef(messages),
                                          StringRef(messages)};
  std::string error;
  int status = llvm::sys::ExecuteAndWait(*program, arguments,
                                         /*Env=*/std::nullopt, redirects,
                                         /*SecondsToWait=*/0,
                                         /*MemoryLimit=*/0, &error);
  if (status != 0)
    return reject(*program +
                  " failed: " + (error.empty() ? readFile(messages) : error));
  std::string code = readFile(output);
  if (code.empty())
    return reject(*program + " wrote nothing");
  return code;
}
