//===- MMALayout.cpp - What a tile kernel needs for mma.sync --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Checks sizes, counts registers, lays out shared memory.
//
//===----------------------------------------------------------------------===//

#include "MMALayout.h"

#include "attn/Transforms/ScheduleChoices.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace attn::mma {

namespace {

/// Of a multiprocessor, and of a thread.
constexpr int64_t registerFile = 65536;
constexpr int64_t maxRegisters = 255;
/// Addresses, row statistics and matrix operands on their way.
constexpr int64_t otherRegisters = 40;
/// With fewer than these beside them, ptxas spills what is kept for a loop.
constexpr int64_t sparedRegisters = 48;
/// Of a block: one for each scheduler of a multiprocessor, and all it may have.
constexpr int64_t fewestWarps = 4, maxWarps = 16;
/// Shared memory that the system takes for each block.
constexpr int64_t reservedBytes = 1024;

class MMAPlanner : FitCheck {
public:
  MMAPlanner(func::FuncOp kernel, Schedule schedule, std::string &why)
      : FitCheck(why) {
    layout.kernel = kernel;
    layout.schedule = schedule;
  }

  FailureOr<MMALayout> run() {
    if (failed(findStructure(layout.kernel, layout, why)) ||
        failed(assignRows()) || failed(layOut()))
      return failure();
    return layout;
  }

private:
  LogicalResult assignRows();
  int64_t getRegisters(int64_t groups) const;
  LogicalResult layOut();
  int64_t chooseStages() const;
  int64_t getBytes(int64_t stages) const {
    return layout.query.bytes() +
           stages * (layout.key.bytes() + layout.value.bytes());
  }

  MMALayout layout;
};

/// Registers of a thread if a warp has `groups` of 16 rows, without q.
int64_t MMAPlanner::getRegisters(int64_t groups) const {
  int64_t scores = layout.key.type().getRows() / 2;
  int64_t accumulator = layout.value.type().getCols() / 2;
  return groups * (scores + accumulator) + otherRegisters;
}

LogicalResult MMAPlanner::assignRows() {
  int64_t rows = layout.query.type().getRows();
  if (rows % groupRows != 0 || rows > groupRows * maxWarps)
    return fail("a query tile of " + Twine(rows) + " rows is not one to " +
                Twine(maxWarps) + " times 16");
  auto setGroups = [&](int64_t groups) {
    layout.groups = groups;
    layout.warps = rows / (groups * groupRows);
    return std::min(maxRegisters,
                    registerFile / (layout.threads() * layout.schedule.blocks));
  };
  // Twice the rows read keys and values from shared memory half as often.
  int64_t wanted = layout.schedule.warpRows;
  bool isTall = rows % (2 * groupRows) == 0 &&
                (wanted ? wanted == 2 * groupRows
                        : rows >= fewestWarps * 2 * groupRows &&
                              getRegisters(2) <= setGroups(2));
  int64_t limit = setGroups(isTall ? 2 : 1);
  int64_t need = getRegisters(layout.groups);
  if (need > limit)
    return fail("its tiles need " + Twine(need) + " registers a thread of " +
                Twine(limit) + "; smaller tiles would fit");
  layout.sparesRegisters = need + sparedRegisters > limit;
  // Two groups share the matrices of k, next to which those of q count little.
  int64_t query = layout.query.type().getCols() / 4;
  layout.schedule.queryInRegisters &=
      layout.groups == 1 && need + query <= limit;
  return success();
}

/// Two blocks on a multiprocessor, of which one computes while the other waits,
/// are worth more than two buffers.
int64_t MMAPlanner::chooseStages() const {
  auto blocks = [&](int64_t stages) {
    return (layout.schedule.sharedBytes + reservedBytes) /
           (getBytes(stages) + reservedBytes);
  };
  if (blocks(2) >= 2)
    return 2;
  return blocks(1) >= 2 || blocks(2) == 0 ? 1 : 2;
}

LogicalResult MMAPlanner::layOut() {
  int64_t &stages = layout.schedule.stages;
  if (stages == 0)
    stages = chooseStages();
  layout.keyOffset = layout.queryOffset + layout.query.bytes();
  layout.valueOffset = layout.keyOffset + layout.key.bytes() * stages;
  layout.sharedBytes = getBytes(stages);
  if (layout.sharedBytes > layout.schedule.sharedBytes)
    return fail("its tiles need " + Twine(layout.sharedBytes) +
                " bytes of shared memory of " +
                Twine(layout.schedule.sharedBytes) +
                "; smaller tiles would fit");
  return success();
}

} // namespace

SmallVector<std::string> MMALayout::describe() {
  SmallVector<std::string> choices;
  auto choose = [&](StringRef knob, auto get, const Twine &choice,
                    const Twine &reason) {
    choices.push_back(explainChoice(kernel, knob, get, choice, reason));
  };
  choose("warp_rows", &ScheduleAttr::getWarpRows,
         llvm::formatv("mma.sync: {0} rows of queries on each of {1} warps",
                       groups * groupRows, warps),
         groups > 1 ? "registers suffice, and keys and values are read half as "
                      "often"
                    : "more would leave too few warps or registers");
  choose("stages", &ScheduleAttr::getStages,
         llvm::formatv("{0} buffers of keys and values: {1} bytes of shared "
                       "memory of {2}",
                       schedule.stages, sharedBytes, schedule.sharedBytes),
         schedule.stages > 1 ? "one is loaded while another is multiplied"
                             : "two blocks share a multiprocessor");
  choose("query_in_registers", &ScheduleAttr::getQueryInRegisters,
         schedule.queryInRegisters ? "queries in registers"
                                   : "queries in shared memory",
         schedule.queryInRegisters ? "they are read once"
         : groups > 1 ? "two groups of rows share the matrices of k, next to "
                        "which those of q count little"
                      : "registers do not suffice");
  choose("blocks", &ScheduleAttr::getBlocks,
         llvm::formatv("registers for {0} block{1} a multiprocessor",
                       schedule.blocks, schedule.blocks > 1 ? "s" : ""),
         "threads have all that their tiles need");
  choices.push_back(explainOrder(*this, schedule));
  return choices;
}

FailureOr<MMALayout> makeMMALayout(func::FuncOp kernel, Schedule schedule,
                                   std::string &why) {
  return MMAPlanner(kernel, schedule, why).run();
}

} // namespace attn::mma
