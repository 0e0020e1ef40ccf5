//===- attn-compile.cpp - Compile attention ahead of time -----------------===//
//
// Compiles a function of an MLIR file to an artifact (docs/artifact.md), which
// programs run through runtime/include/attn_runtime.h without a compiler.
//
// Exit codes: 0 fine, 2 bad input. No partial file is left.
//
//===----------------------------------------------------------------------===//

#include "attn/Execution/Backend.h"
#include "attn/Execution/CommandLine.h"
#include "attn/Target/Compile.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileOutputBuffer.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace attn;
namespace cl = llvm::cl;

namespace {

enum ExitCode { kFine = 0, kBadInput = 2 };

/// The command line.
struct Arguments {
  cl::OptionCategory category{"attn-compile options"};
  cl::opt<std::string> file{cl::Positional, cl::desc("<input.mlir>"),
                            cl::Required, cl::cat(category)};
  cl::opt<std::string> output{"o", cl::desc("The artifact to write"),
                              cl::value_desc("file.attn"), cl::Required,
                              cl::cat(category)};
  cl::opt<std::string> entry{
      "entry", cl::desc("Function to compile (default: the only one)"),
      cl::cat(category)};
  cl::opt<std::string> target{
      "target", cl::init("cpu"),
      cl::desc("cpu, cpu-standard (the baseline that stores its scores), cuda"),
      cl::cat(category)};
  cl::opt<std::string> chip{"chip", cl::init("host"),
                            cl::desc("host, or a name that LLVM knows; cuda: "
                                     "sm_80, sm_86, sm_89, sm_90a (default)"),
                            cl::cat(category)};
  cl::opt<int64_t> tileM{"tile-m", cl::desc("Queries a tile (0: chosen)"),
                         cl::cat(category)};
  cl::opt<int64_t> tileN{"tile-n", cl::desc("Keys a tile (0: chosen)"),
                         cl::cat(category)};
};

} // namespace

/// One message, then exit code 2.
static ExitCode fail(const Twine &message) {
  llvm::errs() << "attn-compile: error: " << message << "\n";
  return kBadInput;
}

static ExitCode compile(const Arguments &args) {
  DialectRegistry registry;
  execution::registerDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  context.printOpOnDiagnostic(false);
  llvm::SourceMgr sources;
  SourceMgrDiagnosticHandler diagnostics(sources, &context);

  std::string error;
  std::unique_ptr<llvm::MemoryBuffer> buffer = openInputFile(args.file, &error);
  if (!buffer)
    return fail(error);
  sources.AddNewSourceBuffer(std::move(buffer), llvm::SMLoc());
  auto module = parseSourceFile<ModuleOp>(sources, &context);
  if (!module)
    return kBadInput;

  CompileOptions options;
  options.entry = args.entry;
  options.target = args.target;
  options.chip = args.chip;
  options.tileM = args.tileM;
  options.tileN = args.tileN;
  FailureOr<std::string> artifact = compileToArtifact(*module, options);
  if (failed(artifact))
    return kBadInput;

  // The buffer is a temporary file that commit renames.
  auto file = llvm::FileOutputBuffer::create(args.output, artifact->size());
  if (!file)
    return fail(args.output + ": " + llvm::toString(file.takeError()));
  llvm::copy(*artifact, (*file)->getBufferStart());
  if (llvm::Error failed = (*file)->commit())
    return fail(args.output + ": " + llvm::toString(std::move(failed)));
  return kFine;
}

int main(int argc, char **argv) {
  execution::dropRegisteredOptions();
  Arguments args;
  if (!cl::ParseCommandLineOptions(argc, argv, "Compiles attention\n",
                                   &llvm::errs()))
    return kBadInput;
  return compile(args);
}
