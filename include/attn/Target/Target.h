//===- Target.h - What a target is, and which there are ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The interface that a folder of lib/Target implements and registers. Nothing
// outside of that folder knows the target's name: compiler, backends and tools
// ask the registry (docs/new-target.md).
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TARGET_TARGET_H
#define ATTN_TARGET_TARGET_H

#include "attn/Dialect/Attn/Attn.h"
#include "attn/Dialect/Tile/Tile.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace attn {

/// What is asked of a target that it would choose itself.
struct TargetOptions {
  /// Rows and columns of a score tile; 0: chosen.
  int64_t tileM = 0, tileN = 0;
  /// The program that assembles what is printed for it; empty: none does.
  std::string assembler;
  /// Verify the IR after each pass.
  bool verifies = true;
  /// Where `emitCode` adds what it was told, for --explain; null without it.
  std::vector<std::string> *choices = nullptr;
  /// The sizes of each argument in a call, if known: there is code for such
  /// calls only.
  std::vector<std::vector<int64_t>> shapes;
};

/// Code in an artifact.
struct CodeSection {
  std::string name, bytes;
};

/// What runs artifacts of a target where the runtime does not.
struct Host {
  /// How command lines call it.
  llvm::StringRef backend;
  /// What Node runs, from share/attn of a prefix or a build. Empty: the runtime
  /// itself, on an emulated device.
  llvm::StringRef script;
};

/// Is told the name of each phase as it ends.
using PhaseCallback = llvm::function_ref<void(llvm::StringRef)>;

class Target {
public:
  Target(std::string name, std::string summary)
      : name(std::move(name)), summary(std::move(summary)) {}
  virtual ~Target();

  /// As command lines and artifacts call it.
  llvm::StringRef getName() const { return name; }
  /// As #tile.target calls it: targets that differ in passes share machines.
  virtual llvm::StringRef getMachineName() const { return getName(); }
  /// One line for --list-targets.
  llvm::StringRef getSummary() const { return summary; }

  //===--- Chips
  //-----------------------------------------------------------===//

  /// The names of all chips.
  virtual std::vector<std::string> getChips() const = 0;
  /// What is compiled for if nobody asks.
  virtual std::string getDefaultChip() const { return getChips().front(); }
  /// The chips whose code an artifact holds if nobody asks for one: the runtime
  /// takes what suits its device best.
  virtual std::vector<std::string> getBundledChips() const {
    return {getDefaultChip()};
  }
  /// Whether all that a chip asks of a device follows from its code and from
  /// features: then one of several chips with the same code is bundled.
  virtual bool codeTellsNeeds() const { return false; }
  /// Whether pages run code for `chip`, and nothing else does.
  virtual bool isForBrowsers(llvm::StringRef chip) const { return false; }
  /// The limits of `chip`, one of getChips(). Null, with the reason in `error`,
  /// if they cannot be found out or are too low.
  virtual tile::TargetAttr describeChip(mlir::MLIRContext *context,
                                        llvm::StringRef chip,
                                        std::string &error) const = 0;
  /// `machine` with what `module` says of it; null and a diagnostic if that
  /// cannot be.
  virtual tile::TargetAttr refine(tile::TargetAttr machine,
                                  mlir::ModuleOp module) const {
    return machine;
  }

  //===--- Passes
  //----------------------------------------------------------===//

  /// attn.attention on tensors or memrefs to outlined kernels of tile ops. The
  /// module says what machine it is for.
  virtual void buildTilePipeline(mlir::OpPassManager &pm,
                                 const TargetOptions &options) const = 0;
  /// From there to kernels that `emitCode` takes.
  virtual void buildKernelPipeline(mlir::OpPassManager &pm) const = 0;
  /// From kernels and launches to what a compiler around ours goes on with.
  virtual void buildCallPipeline(mlir::OpPassManager &pm) const {}

  //===--- Code
  //------------------------------------------------------------===//

  /// Registers what `emitCode` translates with.
  virtual void registerTranslations(mlir::DialectRegistry &registry) const {}
  /// How people call what it prints, as in `attn-translate --kernels-to-ptx`;
  /// empty if there is nothing to read.
  virtual llvm::StringRef getTextFormat() const { return ""; }
  /// Whether a file of what it prints holds one module.
  virtual bool printsBinary() const { return false; }
  /// Whether what it prints has holes that a launcher fills (docs/holes.md).
  virtual bool printsHoles() const { return false; }
  /// The options of attn-opt that make what it prints.
  virtual std::string getPipeline() const { return "--attn-to-" + name; }
  /// Prints the lowered kernels of a module for `chip`.
  virtual mlir::LogicalResult printKernels(mlir::gpu::GPUModuleOp module,
                                           llvm::StringRef chip,
                                           llvm::raw_ostream &os) const {
    return mlir::failure();
  }
  /// The code of lowered kernels, which it may consume, or failure with a
  /// diagnostic.
  virtual mlir::FailureOr<std::vector<CodeSection>>
  emitCode(mlir::ModuleOp module, tile::TargetAttr machine,
           const TargetOptions &options, PhaseCallback timer) const = 0;

  //===--- Running
  //---------------------------------------------------------===//

  /// The backend of the runtime that loads its artifacts; artifacts carry this
  /// name. Empty if there is none.
  virtual llvm::StringRef getBackend() const { return getName(); }
  /// Whether the runtimes that libraries for C carry run its artifacts.
  virtual bool runsInLibraries() const { return false; }
  /// What runs its artifacts where the runtime has no backend.
  virtual std::optional<Host> getHost() const { return std::nullopt; }
  /// Whether kernels run on the host, which can then read what they work on.
  virtual bool isHost() const { return false; }
  /// The chip to compile for where the runtime's device has `features`; empty
  /// if no chip suits it.
  virtual std::string chooseChip(llvm::StringRef features) const = 0;
  /// The target that computes the same without what this one is about, for
  /// comparison; empty if there is none.
  virtual llvm::StringRef getBaseline() const { return ""; }

  /// The widest integers that kernels take.
  virtual int64_t getIndexBits() const { return 64; }

  //===--- Schedules
  //-------------------------------------------------------===//

  /// Schedules worth measuring beside `chosen`, which the target chose for an
  /// op on `machine`: other tiles within its limits. Not every one may suit an
  /// op.
  virtual llvm::SmallVector<ScheduleAttr>
  listSchedules(ScheduleAttr chosen, tile::TargetAttr machine) const;

  //===--- Explanations
  //----------------------------------------------------===//

  /// Each appends to `choices`: what was chosen and why, one sentence a choice.
  virtual void explainMachine(tile::TargetAttr machine,
                              std::vector<std::string> &choices) const = 0;
  /// Of an op that has a schedule, but for the reason that goes with it.
  virtual void explainSchedule(AttentionOp op, tile::TargetAttr machine,
                               const TargetOptions &options,
                               std::vector<std::string> &choices) const;
  /// Of lowered kernels: launch by launch, what their lowering says.
  virtual void explainKernels(mlir::ModuleOp module, tile::TargetAttr machine,
                              std::vector<std::string> &choices) const;
  /// Bytes of tiles that one thread of a lowered kernel keeps on its stack.
  virtual int64_t getTileBytes(mlir::ModuleOp module) const { return 0; }

private:
  std::string name, summary;
};

/// `chosen` with fewer and with more rows and keys, as multiples of these, most
/// like it first; `chosen` is none of them.
llvm::SmallVector<ScheduleAttr>
varyTiles(ScheduleAttr chosen, int64_t rowMultiple, int64_t keyMultiple);

/// Adds a target to those that exist, after the others. May be called from
/// several threads; a name that is known already stays what it was.
void registerTarget(std::unique_ptr<Target> target);

/// All targets, in the order of registration.
std::vector<const Target *> getTargets();

/// The target called `name`; null and a message, which lists what there is and
/// the nearest name, if there is none.
const Target *findTarget(llvm::StringRef name, std::string &error);

/// The target whose artifacts run on `backend`, as command lines call it: the
/// target's name, or that of its host. Null if there is none.
const Target *findBackend(llvm::StringRef backend);

/// The one registered first; null and a message if there is none.
const Target *getDefaultTarget(std::string &error);

/// What `chip` of `target` can do, and `module` says of it; the default chip if
/// empty. Null and such a message if there is no such chip; the message is
/// empty if a diagnostic tells what is wrong.
tile::TargetAttr findChip(const Target &target, llvm::StringRef chip,
                          mlir::ModuleOp module, std::string &error);

/// Adds what follows the schedules of attention ops: where the sizes of a call
/// are known, versions for others are left out; then what an artifact for
/// `target` says of itself.
void finishSchedules(mlir::OpPassManager &pm, const Target &target,
                     const TargetOptions &options = {});

/// All passes of a target up to its kernels: what `attn-compile` runs. The
/// first one says what machine the module is for.
void buildTargetPipeline(mlir::OpPassManager &pm, const Target &target,
                         llvm::StringRef chip, const TargetOptions &options);

/// Options of the pipelines attn-to-TARGET.
struct TargetPipelineOptions
    : public mlir::PassPipelineOptions<TargetPipelineOptions> {
  Option<std::string> chip{
      *this, "chip",
      llvm::cl::desc("Compile for this chip; empty: what the "
                     "module says, else the target's default")};
  Option<int64_t> tileM{*this, "tile-m",
                        llvm::cl::desc("Query rows of a tile; 0: chosen"),
                        llvm::cl::init(0)};
  Option<int64_t> tileN{*this, "tile-n",
                        llvm::cl::desc("Keys of a tile; 0: chosen"),
                        llvm::cl::init(0)};
  Option<bool> launches{*this, "launches",
                        llvm::cl::desc("Keep tile.launch, for an artifact; "
                                       "otherwise a parallel loop of a CPU "
                                       "calls the kernel"),
                        llvm::cl::init(false)};
};

/// The pipeline attn-to-TARGET for modules that stay in their compiler: the
/// same passes and, unless launches are kept, what calls the kernels.
void buildTargetPipeline(mlir::OpPassManager &pm, const Target &target,
                         const TargetPipelineOptions &options);

/// Registers that pipeline of the target `name` as `pipeline`; where options
/// name no chip, for `defaultChip`.
void registerTargetPipeline(llvm::StringRef pipeline, llvm::StringRef name,
                            llvm::StringRef defaultChip = "");

/// Prints targets and their chips, for --list-targets.
void printTargets(llvm::raw_ostream &os);

/// Registers printTargets as what the command line option --list-targets does.
void addListTargetsOption();

} // namespace attn

#endif // ATTN_TARGET_TARGET_H
